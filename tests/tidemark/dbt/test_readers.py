"""What of dbt's documents is left for the readers of the documentation site."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tidemark.dbt.site.readers import manifest_for_readers, styled

NOW = datetime(2026, 11, 26, 2, 30, tzinfo=UTC)
VIEW, TABLE, QUERY = "model.tidemark.view", "model.tidemark.t", "analysis.tidemark.query"
LANDING = "source.tidemark.landing.t"
MACRO, THEIRS = "macro.tidemark.newest", "macro.dbt_postgres.list"


def manifest() -> dict[str, Any]:
    def node(kind: str, folder: str, *above: str) -> dict[str, Any]:
        return {
            "resource_type": kind, "fqn": ["tidemark", folder, "x"], "docs": {"show": True},
            "depends_on": {"nodes": list(above), "macros": [MACRO, THEIRS]},
        }  # fmt: skip

    return {
        "nodes": {
            VIEW: node("model", "views", TABLE),
            TABLE: node("model", "tables", LANDING),
            QUERY: node("analysis", "published", VIEW),
        },
        "sources": {LANDING: {"source_name": "landing"}},
        "macros": {MACRO: {"package_name": "tidemark"}, THEIRS: {"package_name": "dbt_postgres"}},
        "unit_tests": {"unit_test.tidemark.u": {}},
        "parent_map": {VIEW: [TABLE], QUERY: [VIEW]},
        "child_map": {VIEW: [QUERY], LANDING: [TABLE]},
        "docs": {"doc.tidemark.__overview__": {"block_contents": "# Data"}},
    }


def test_what_nobody_reads_is_gone_and_the_way_of_the_data_stays() -> None:
    given = manifest()
    kept = manifest_for_readers(given, NOW)
    assert set(kept["nodes"]) == {VIEW, TABLE}
    assert (set(kept["sources"]), set(kept["macros"])) == ({LANDING}, {MACRO})
    assert kept["unit_tests"] == {}
    text = repr(kept)
    assert [name for name in (QUERY, THEIRS) if name in text] == []
    assert (kept["parent_map"], kept["child_map"][VIEW]) == ({VIEW: [TABLE]}, [])
    every = kept["nodes"] | kept["sources"]
    shown = {name: node["docs"]["show"] for name, node in every.items()}
    assert shown == {VIEW: True, TABLE: True, LANDING: False}
    assert (
        "built on 2026-11-26 at 02:30 UTC"
        in kept["docs"]["doc.tidemark.__overview__"]["block_contents"]
    )
    assert given == manifest(), "the document itself is left as it is"


def test_a_page_gets_its_style_and_a_way_back() -> None:
    page = styled("<html><head></head><body><p>x</p></body></html>", "p {}", back=True)
    assert "<style>p {}</style></head>" in page
    assert page.index("<p>x") < page.index('href="index.html"') < page.index("</body>")
