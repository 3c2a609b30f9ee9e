"""Tables of every kind that MySQL has: several keys or none, read in full, empty, oddly named."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dbt_project.project import (
    ROOT,
    TRANSFORM,
    Dbt,
    Landing,
    Query,
    copied_project,
    table_contract,
)
from projects.pages import assigned

TEN = datetime(2026, 1, 1, 10)
FULL = {"replication_method": "FULL_TABLE"}
NO_KEY = {"dbt-bouncer": {"skip_checks": ["check_model_has_unique_test",
                                          "check_model_has_tests_by_name"]}}  # fmt: skip
#: Of each table: its columns, then its config.
TABLES: Mapping[str, tuple[dict[str, str], Mapping[str, Any]]] = {
    "pairs": (
        {"order": "integer", "b c": "varchar(9)", 'say "it"': "varchar(9)", "year": "integer",
         "update at": "timestamp"},
        {"unique_key": ["order", "b c"], "dist": "b c", "sort": ["b c", "order"],
         "meta": {"replication_method": "INCREMENTAL", "replication_key": "update at"}},
    ),
    "visits": ({"place": "varchar(9)"}, {"meta": {"replication_method": "INCREMENTAL"} | NO_KEY}),
    "colours": ({"id": "integer", "name": "varchar(9)"}, {"unique_key": ["id"], "meta": FULL}),
    "labels": ({"name": "varchar(9)"}, {"meta": FULL | NO_KEY}),
    "unseen": ({"id": "integer"}, {"unique_key": ["id"], "meta": {"replication_key": "id"}}),
    "logged": (
        {"id": "integer", "name": "varchar(9)"},
        {"unique_key": ["id"], "meta": {"replication_method": "LOG_BASED"}},
    ),
    "tokens": (
        {"token": "varbyte(8)", "owner": "varchar(9)", "update_at": "timestamp"},
        {"unique_key": ["token"], "meta": {"replication_key": "update_at"}},
    ),
}  # fmt: skip
#: The test of the contract that CONTRIBUTING.md prints.
PRINTED = "tests/transform/builds/test_kinds_of_tables.py::test_a_contract_is_built_as_printed"
SYSTEM = {"_sdc_extracted_at": "timestamp", "_sdc_deleted_at": "timestamp",
          "_tidemark_load_id": "bigint"}  # fmt: skip


def create(query: Query, name: str) -> None:
    columns = ", ".join(f"{quoted(n)} {kind}" for n, kind in (TABLES[name][0] | SYSTEM).items())
    query(f"create table landing.{name} ({columns})", user="tidemark_loader")


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.fixture(scope="module")
def project(
    built: Landing, dbt_env: dict[str, str], query: Query, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dbt]:
    """A project with these tables and no others; all of them but one are in landing, empty."""
    folder = copied_project(
        tmp_path_factory.mktemp("kinds") / "transform",
        {name: table_contract(name, *TABLES[name]) for name in TABLES},
    )
    for name in TABLES:
        if name != "unseen":
            create(query, name)
    sql, told = (block.text for block in assigned(PRINTED))
    (folder / "models/tables/orders.sql").write_text(sql)
    (folder / "models/tables/orders.yml").write_text(told)
    runner = Dbt(dbt_env, folder / "target", folder)
    yield runner
    runner.close()
    for name in (*TABLES, "orders"):
        query(f"drop table if exists landing.{name}", user="tidemark_loader")
        for table in (
            f"public.{name}",
            *(f"tidemark_dbt.{name}__{k}" for k in ("loads", "versions")),
        ):
            query(f"drop table if exists {table}", user="tidemark_transformer")


@pytest.fixture
def kinds(landing: Landing, project: Dbt, query: Query) -> Dbt:
    for name in TABLES:
        if name != "unseen":
            query(f"delete from landing.{name}", user="tidemark_loader")
    return project


def rows(query: Query, name: str) -> list[tuple[Any, ...]]:
    return sorted(map(tuple, query(f"select * from public.{name}", user="tidemark_transformer")))


def pair(order: int, text: str, day: int = 0) -> dict[str, object]:
    return {'"order"': order, '"b c"': "x", quoted('say "it"'): text, '"year"': 2026,
            '"update at"': TEN + timedelta(day)}  # fmt: skip


@pytest.mark.fault(154)
def test_tables_of_every_kind_hold_what_they_should(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    """And a table of which nothing was loaded yet is built empty, and named."""
    landing.load("pairs", [pair(1, "a"), pair(2, "a")])
    landing.load("visits", [{"place": "p"}, {"place": "p"}])
    landing.load("colours", [{"id": 1, "name": "red"}, {"id": 2, "name": "blue"}])
    landing.load("labels", [{"name": "l"}, {"name": "l"}])
    first = kinds.build()
    assert "nothing has been loaded into landing.unseen yet" in first.output
    assert rows(query, "unseen") == rows(query, "tokens") == []
    assert rows(query, "visits") == [("p",), ("p",)]

    landing.load("pairs", [pair(2, "b", 1), pair(2, "late", -1), pair(3, "a")])
    landing.load("visits", [{"place": "p"}, {"place": "q"}])
    for table, names in (("colours", ["red", "green"]), ("labels", ["m"])):
        landing.load(table, [{"name": "older"} | ({"id": 9} if table == "colours" else {})])
        keys = ({"id": key} if table == "colours" else {} for key in (1, 3))
        landing.load(table, [key | {"name": n} for key, n in zip(keys, names, strict=False)])
    kinds.build()
    expected = {
        "pairs": [(1, "x", "a", 2026, TEN), (2, "x", "b", 2026, TEN + timedelta(1)),
                  (3, "x", "a", 2026, TEN)],
        "visits": [("p",), ("p",), ("p",), ("q",)],
        "colours": [(1, "red"), (3, "green")],
        "labels": [("m",)],
        "unseen": [],
    }  # fmt: skip
    assert {name: rows(query, name) for name in expected} == expected
    again = kinds("run")
    assert [again.rows(name) for name in expected] == [0] * len(expected)
    assert {name: rows(query, name) for name in expected} == expected
    kinds("run", "--full-refresh")
    assert {name: rows(query, name) for name in expected} == expected


@pytest.mark.fault(182)
def test_rows_that_are_read_by_the_log_go_and_come_back(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    """Each row says when it was read, to the microsecond, whatever load brought it."""

    def version(key: int, name: str | None, tick: int) -> dict[str, object]:
        at = TEN + timedelta(microseconds=tick)
        row: dict[str, object] = {"id": key, "name": name, "_sdc_extracted_at": at}
        return row if name is not None else row | {"_sdc_deleted_at": at}

    run = ("run", "--select", "logged")
    first = [version(1, "a", 0), version(2, "a", 0), version(3, "a", 0), version(4, "a", 0)]
    landing.load("logged", [*first, version(1, "b", 1), version(2, None, 1), version(3, None, 1)])
    kinds(*run)
    assert rows(query, "logged") == [(1, "b"), (4, "a")]
    landing.load("logged", [version(2, "back", 2), version(4, None, 2), version(1, "late", 0)])
    kinds(*run)
    assert rows(query, "logged") == [(1, "b"), (2, "back")]
    kinds(*run, "--full-refresh")
    assert rows(query, "logged") == [(1, "b"), (2, "back")]
    versions = query("select count(*) from landing.logged where id = 3", user="tidemark_loader")
    assert tuple(versions[0]) == (2,)


def test_a_contract_is_built_as_printed(kinds: Dbt, query: Query) -> None:
    built = kinds.build("--select", "orders")
    assert "nothing has been loaded into landing.orders yet" in built.output
    assert "test.tidemark.unique_combination_orders_order_id__line" in str(list(built.nodes))
    columns = "select column_name from information_schema.columns where table_name = 'orders'"
    found = query(f"{columns} order by ordinal_position", user="tidemark_transformer")
    assert [name for (name,) in found] == ["order_id", "line", "updated_at"]


def test_their_shape_is_that_of_the_contract(kinds: Dbt, query: Query) -> None:
    kinds("run", "--select", "pairs", "labels")
    shape = query(
        'select "column", distkey, sortkey, "notnull" from pg_table_def'
        " where schemaname = 'public' and tablename = 'pairs'",
        user="tidemark_transformer",
    )
    assert sorted(map(tuple, shape)) == [
        ("b c", True, 1, True),
        ("order", False, 2, True),
        ('say "it"', False, 0, False),
        ("update at", False, 0, False),
        ("year", False, 0, False),
    ]
    auto = query(
        "select distkey, sortkey from pg_table_def where schemaname = 'public'"
        " and tablename = 'labels'",
        user="tidemark_transformer",
    )
    assert [tuple(row) for row in auto] == [(False, 0)]
    told = query(
        "select count(*) from pg_description"
        " where description in ('It''s order.', 'It''s say \"it\".')"
    )
    assert tuple(told[0]) == (2,)


@pytest.mark.fault(155)
def test_half_a_copy_is_refused_and_an_empty_one_empties_the_table(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    run = ("run", "--select", "colours")
    landing.load("colours", [{"id": 1, "name": "red"}])
    kinds(*run)
    load = landing.load("colours", [{"id": 2, "name": "blue"}, {"id": 3, "name": "grey"}])
    query("delete from landing.colours where id = 3", user="tidemark_loader")
    for words in (run, (*run, "--full-refresh")):
        refused = kinds(*words, check=False)
        told = f"has 1 of the 2 rows of its newest copy, load {load}"
        assert told in refused["colours"]["message"]
        assert rows(query, "colours") == [(1, "red")]
    landing.load("colours", [])
    kinds(*run)
    assert rows(query, "colours") == []


def test_of_copies_that_one_load_brought_the_newest_counts(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    """Where landing keeps every copy, and two were waiting in the lake."""
    load = landing.load("labels", [{"name": "old", "_sdc_extracted_at": TEN}], extracted=TEN)
    landing.load("labels", [{"name": "new"}], extracted=TEN + timedelta(1), load_id=load)
    query("update landing.tidemark_loads set manifest = file", user="tidemark_loader")
    kinds("run", "--select", "labels")
    assert rows(query, "labels") == [("new",)]


def test_a_part_is_not_taken_for_a_copy_when_a_table_begins_to_be_read_in_full(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    """The table's ``__versions`` say that it was merged until now."""
    user = "tidemark_transformer"
    query("create table tidemark_dbt.colours__versions (id integer)", user=user)
    query("insert into tidemark_dbt.colours__versions values (1)", user=user)
    landing.load("colours", [{"id": 1, "name": "red"}])
    part = landing.load("colours", [{"id": 2, "name": "blue"}])
    query("insert into public.colours values (1, 'red'), (2, 'blue')", user=user)
    query(
        "insert into tidemark_dbt.colours__loads select distinct load_id, 1, getdate(), ''"
        " from landing.tidemark_loads",
        user=user,
    )
    run = ("run", "--select", "colours")
    kinds(*run)
    refused = kinds(*run, "--full-refresh", check=False)
    assert "no complete copy was loaded" in refused["colours"]["message"]
    assert rows(query, "colours") == [(1, "red"), (2, "blue")]
    assert landing.load("colours", [{"id": 3, "name": "grey"}]) > part
    kinds(*run)
    kinds(*run, "--full-refresh")
    assert rows(query, "colours") == [(3, "grey")]


def test_a_wider_contract_keeps_the_rows(
    kinds: Dbt, landing: Landing, query: Query, dbt_env: Mapping[str, str], tmp_path: Path
) -> None:
    """Of a key too, which is remembered beside the table; and a narrower one is refused.

    And so does one with a replication key, of a table that was read by the log until now.
    """
    landing.load("pairs", [pair(1, "a")])
    landing.load("logged", [{"id": 1, "name": "a"}, {"id": 2, "name": "a"}])
    kinds("run", "--select", "pairs", "logged")
    project = tmp_path / "transform"
    shutil.copytree(kinds.project, project, ignore=shutil.ignore_patterns("target", "logs"))
    file = project / "models" / "tables" / "pairs.yml"
    wider = file.read_text().replace('"varchar(9)"', '"varchar(20)"')
    told = json.loads(wider)
    columns = told["models"][0]["columns"]
    columns[0]["data_type"] = "bigint"
    columns.append({"name": "more", "data_type": "integer"})
    file.write_text(json.dumps(told))
    file = project / "models" / "tables" / "logged.yml"
    logged = json.loads(file.read_text())
    meta = {"replication_method": "INCREMENTAL", "replication_key": "name"}
    logged["models"][0]["config"]["meta"] = meta
    file.write_text(json.dumps(logged))
    landing.load("logged", [{"id": 1, "name": "b"}])
    loader = "tidemark_loader"
    query("drop table landing.pairs", user=loader)
    shape = {column["name"]: column["data_type"] for column in columns} | SYSTEM
    listed = ", ".join(f"{quoted(name)} {kind}" for name, kind in shape.items())
    query(f"create table landing.pairs ({listed})", user=loader)
    large = 2**40
    landing.load("pairs", [pair(large, "long enough for 20")])
    again = Dbt(dbt_env, tmp_path / "target", project)
    try:
        again("run", "--select", "pairs", "logged")
        assert rows(query, "logged") == [(1, "b"), (2, "a")]
        assert rows(query, "pairs") == [
            (1, "x", "a", 2026, TEN, None), (large, "x", "long enough for 20", 2026, TEN, None),
        ]  # fmt: skip
        assert again("run", "--select", "pairs").rows("pairs") == 0
    finally:
        again.close()
    query("drop table landing.pairs", user=loader)
    create(query, "pairs")
    narrower = kinds("run", "--select", "pairs", check=False)
    assert "Rebuild it: dbt build --full-refresh" in narrower["pairs"]["message"]
    for name in ("public.pairs", "tidemark_dbt.pairs", "public.logged", "tidemark_dbt.logged"):
        kinds_of = ("__versions", "__loads") if name.startswith("tidemark_dbt") else ("",)
        for kind in kinds_of:
            query(f"drop table {name}{kind}", user="tidemark_transformer")


@pytest.mark.fault(156)
def test_a_landing_table_that_is_gone_stops_its_own_model_by_name(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    landing.load("labels", [{"name": "m"}])
    landing.load("visits", [{"place": "p"}])
    kinds("run", "--select", "labels", "visits")
    query("drop table landing.labels", user="tidemark_loader")
    try:
        result = kinds("run", "--select", "labels", "visits", check=False)
    finally:
        create(query, "labels")
    assert "landing.labels no longer exists, but 1 of its loads are" in result["labels"]["message"]
    assert result["visits"]["status"] == "success"
    assert rows(query, "labels") == [("m",)]


def test_rows_without_a_key_are_not_lost_by_a_rebuild(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    gone = landing.load("visits", [{"place": "p"}])
    landing.load("visits", [{"place": "q"}])
    kinds("run", "--select", "visits")
    query(f"delete from landing.visits where _tidemark_load_id = {gone}", user="tidemark_loader")
    refused = kinds("run", "--select", "visits", "--full-refresh", check=False)
    assert f"1 of its loads (the first: {gone}) have fewer rows" in refused["visits"]["message"]
    assert rows(query, "visits") == [("p",), ("q",)]


def test_a_key_of_several_columns_that_is_there_twice_is_reported(kinds: Dbt, query: Query) -> None:
    kinds("run", "--select", "pairs")
    for _ in range(2):
        query(
            'insert into public.pairs ("order", "b c") values (1, \'x\')',
            user="tidemark_transformer",
        )
    result = kinds("test", "--select", "pairs", check=False)
    assert "FAIL 1 unique_combination_pairs_order__b_c" in result.output
    query("delete from public.pairs", user="tidemark_transformer")


def test_they_keep_the_conventions(kinds: Dbt, tmp_path: Path) -> None:
    kinds("parse")
    config = (TRANSFORM / "dbt-bouncer.yml").read_text()
    file = tmp_path / "dbt-bouncer.yml"
    file.write_text(config.replace("dir: target", f"dir: {kinds.target}"))
    bouncer = Path(sys.executable).with_name("dbt-bouncer")
    command = [str(bouncer), "run", "--config-file", str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


@pytest.mark.fault(64)
def test_a_key_of_bytes_is_rebuilt_and_named_when_it_would_be_lost(
    kinds: Dbt, landing: Landing, query: Query
) -> None:
    def held() -> list[tuple[str, str]]:
        return query("select to_hex(token), owner from public.tokens order by 1")

    def load(owner: str, day: int, *keys: bytes) -> int:
        at = TEN + timedelta(day)
        return landing.load("tokens", [{"token": k, "owner": owner, "update_at": at} for k in keys])

    run = ("run", "--select", "tokens")
    load("a", 0, b"\x00\xff", b"\x00", b"a")
    kinds(*run)
    load("b", 1, b"\x00\xff", b"\xfe")
    everything = [("00", "a"), ("00ff", "b"), ("61", "a"), ("fe", "b")]
    assert kinds(*run, "--full-refresh").rows("tokens") == 4
    assert held() == everything

    query("delete from landing.tokens where to_hex(token) = '00ff'", user="tidemark_loader")
    refused = kinds(*run, "--full-refresh", check=False)
    assert "no longer has 1 of its rows (the first: token = 00ff)" in refused["tokens"]["message"]
    assert held() == everything
