"""What a nightly build decides to do, and what it knows a project by."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark.dbt.buildstate import newly_tested, state_schema
from tidemark.dbt.plan import Kind, Plan, Shape, WholeBuild, decide, fingerprint, is_whole_build
from tidemark.dbt.source import project_fingerprint
from tidemark_core.errors import ConfigError

SHAPE = Shape(
    relations=frozenset({"public.partner_info", "public.a_view"}),
    sources=frozenset({"partner_info", "delivery_status"}),
    merged=frozenset({"partner_info"}),
)
WEEK = timedelta(days=7)
LAST = WholeBuild(timedelta(hours=5), "same", SHAPE)
THERE = SHAPE.relations | {"public.somebody_else"}


def test_nothing_new_is_nothing_to_do() -> None:
    assert decide(LAST, "same", THERE, {}, WEEK).kind is Kind.NOTHING


def test_a_landing_table_without_a_model_is_nothing_to_do() -> None:
    waiting = {"audit_log": frozenset({1})}
    assert decide(LAST, "same", THERE, waiting, WEEK).kind is Kind.NOTHING


def test_new_loads_choose_their_tables_and_what_is_made_of_them() -> None:
    waiting = {"partner_info": frozenset({1, 2}), "audit_log": frozenset({3})}
    plan = decide(LAST, "same", THERE, waiting, WEEK)
    assert plan.kind is Kind.NEW
    assert plan.tables == ("partner_info",)
    assert "partner_info (2)" in plan.reason
    words = plan.arguments
    assert words[words.index("--select") + 1 :] == ["source:landing.partner_info+", "tag:landing"]
    assert words[words.index("--exclude") + 1 :][:2] == ["config.materialized:view", "tag:views"]


@pytest.mark.parametrize(
    ("last", "project", "relations", "why"),
    [
        (None, "same", THERE, "no full build"),
        (LAST, "other", THERE, "project has changed"),
        (LAST, "same", THERE - {"public.a_view"}, "public.a_view is missing"),
        (WholeBuild(WEEK, "same", SHAPE), "same", THERE, "168 hours old"),
    ],
)
def test_a_whole_build(
    last: WholeBuild | None, project: str, relations: frozenset[str], why: str
) -> None:
    plan = decide(last, project, relations, {"partner_info": frozenset({1})}, WEEK)
    assert plan.kind is Kind.WHOLE
    assert why in plan.reason
    assert "--select" not in plan.arguments


def test_every_build_is_whole_when_the_age_is_zero() -> None:
    assert decide(LAST, "same", THERE, {}, timedelta(0)).kind is Kind.WHOLE


def test_a_part_has_tested_its_own_loads_only() -> None:
    waiting = {"a": frozenset({1}), "b": frozenset({2})}
    assert newly_tested(waiting, ["a"]) == {"a": frozenset({1})}
    assert newly_tested(waiting, None) == waiting
    assert Plan(Kind.WHOLE, "").tables == ()


@pytest.mark.parametrize(
    ("words", "whole"),
    [
        ("build", True),
        ("build --exclude-resource-type unit_test", True),
        ("build --full-refresh --exclude-resource-type unit_test", True),
        ("build --select partner_info", False),
        ("build --exclude-resource-type test", False),
        ("build --empty", False),
        ("run", False),
        ("", False),
    ],
)
def test_only_a_build_of_everything_counts_as_one(words: str, whole: bool) -> None:
    assert is_whole_build(words.split()) is whole


def test_the_shape_is_read_from_the_manifest() -> None:
    def node(name: str, kind: str, materialized: str, *parents: str) -> dict[str, object]:
        return {
            "resource_type": kind,
            "name": name,
            "alias": name.upper(),
            "schema": "public",
            "config": {"materialized": materialized},
            "depends_on": {"nodes": list(parents)},
        }

    manifest = {
        "nodes": {
            "1": node("orders", "model", "merged_loads", "s.orders", "s.ledger"),
            "2": node("a_view", "model", "view", "1"),
            "3": node("helper", "model", "ephemeral"),
            "4": node("unique_orders", "test", "test", "s.other"),
        },
        "sources": {
            "s.orders": {"identifier": "orders", "schema": "landing"},
            "s.ledger": {"identifier": "tidemark_loads", "schema": "landing"},
            "s.other": {"identifier": "other", "schema": "landing"},
        },
    }
    shape = Shape.of_manifest(manifest)
    assert shape.relations == {"public.orders", "public.a_view"}
    assert shape.sources == {"orders"}
    assert shape.merged == {"orders"}
    assert Shape.from_json(shape.to_json()) == shape


@pytest.mark.parametrize("text", ["", "[]", "{}", json.dumps({"relations": 3})])
def test_a_shape_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Shape.from_json(text)


files = st.dictionaries(st.text(max_size=4), st.binary(max_size=4), max_size=3)
facts = st.dictionaries(st.text(max_size=4), st.text(max_size=4), max_size=3)


@given(one=st.tuples(files, facts), other=st.tuples(files, facts))
def test_two_projects_have_one_fingerprint_only_if_they_are_the_same(
    one: tuple[dict[str, bytes], dict[str, str]], other: tuple[dict[str, bytes], dict[str, str]]
) -> None:
    assert (fingerprint(*one) == fingerprint(*other)) == (one == other)


def test_a_developer_has_a_state_of_their_own() -> None:
    assert state_schema("public") == "tidemark_dbt"
    assert state_schema("dev_anna") == "dev_anna_tidemark_dbt"


def test_files_variables_and_target_decide_and_the_way_there_does_not(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "dbt_project.yml").write_text("name: x")
    (tmp_path / "profiles.yml").write_text("host: {{ env_var('REDSHIFT_HOST') }}")
    model = tmp_path / "models" / "a.sql"
    model.write_text("select {{ env_var('LIMIT', '1') }}")
    before = project_fingerprint(tmp_path, {})
    assert project_fingerprint(tmp_path, {"REDSHIFT_HOST": "elsewhere"}) == before
    assert project_fingerprint(tmp_path, {"LIMIT": "2"}) != before
    assert project_fingerprint(tmp_path, {"MELTANO_ENVIRONMENT": "dev"}) == before, "the default"
    assert project_fingerprint(tmp_path, {"MELTANO_ENVIRONMENT": "prod"}) != before
    for written in ("target", "logs", ".hidden"):
        (tmp_path / written).mkdir()
        (tmp_path / written / "file").write_text("x")
    assert project_fingerprint(tmp_path, {}) == before
    model.write_text("select 2")
    assert project_fingerprint(tmp_path, {}) != before


def test_a_folder_without_a_project_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no dbt_project\.yml"):
        project_fingerprint(tmp_path, {})
