"""What of dbt's documents is left for the readers of the documentation site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.dbt.readers import catalog_for_readers, manifest_for_readers, styled

NOW = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)
VIEW, STAGE, QUERY = "model.tidemark.view", "model.tidemark.stg_s__t", "analysis.tidemark.query"
LANDING, OWN = "source.tidemark.landing.t", "source.tidemark.tidemark_dbt.t__loads"
MACRO, THEIRS = "macro.tidemark.newest", "macro.dbt_postgres.list"


def manifest() -> dict[str, Any]:
    def node(kind: str, folder: str, *above: str) -> dict[str, Any]:
        return {
            "resource_type": kind, "fqn": ["tidemark", folder, "x"], "docs": {"show": True},
            "depends_on": {"nodes": list(above), "macros": [MACRO, THEIRS]},
        }  # fmt: skip

    return {
        "nodes": {
            VIEW: node("model", "views", STAGE, OWN),
            STAGE: node("model", "staging", LANDING),
            QUERY: node("analysis", "published", VIEW),
        },
        "sources": {LANDING: {"source_name": "landing"}, OWN: {"source_name": "tidemark_dbt"}},
        "macros": {MACRO: {"package_name": "tidemark"}, THEIRS: {"package_name": "dbt_postgres"}},
        "unit_tests": {"unit_test.tidemark.u": {}},
        "parent_map": {VIEW: [STAGE, OWN], QUERY: [VIEW]},
        "child_map": {VIEW: [QUERY], OWN: [VIEW], LANDING: [STAGE]},
        "docs": {"doc.tidemark.__overview__": {"block_contents": "# Data"}},
    }


def test_what_nobody_reads_is_gone_and_the_way_of_the_data_stays() -> None:
    given = manifest()
    kept = manifest_for_readers(given, NOW)
    assert set(kept["nodes"]) == {VIEW, STAGE}
    assert (set(kept["sources"]), set(kept["macros"])) == ({LANDING}, {MACRO})
    assert kept["unit_tests"] == {}
    text = repr(kept)
    assert [name for name in (QUERY, OWN, THEIRS) if name in text] == []
    assert (kept["parent_map"], kept["child_map"][LANDING]) == ({VIEW: [STAGE]}, [STAGE])
    every = kept["nodes"] | kept["sources"]
    shown = {name: node["docs"]["show"] for name, node in every.items()}
    assert shown == {VIEW: True, STAGE: False, LANDING: False}
    assert (
        "built on 2026-11-26 at 02:30 UTC"
        in kept["docs"]["doc.tidemark.__overview__"]["block_contents"]
    )
    assert given == manifest(), "the document itself is left as it is"
    assert OWN in manifest_for_readers(given, NOW, bookkeeping=True)["sources"]
    catalog = {"nodes": {VIEW: 1}, "sources": {LANDING: 1, OWN: 1}, "errors": None}
    told = catalog_for_readers(catalog, kept)
    assert told == {"nodes": {VIEW: 1}, "sources": {LANDING: 1}, "errors": None}


def test_a_page_gets_its_style_and_a_way_back() -> None:
    page = styled("<html><head></head><body><p>x</p></body></html>", "p {}", back=True)
    assert "<style>p {}</style></head>" in page
    assert page.index("<p>x") < page.index('href="index.html"') < page.index("</body>")
