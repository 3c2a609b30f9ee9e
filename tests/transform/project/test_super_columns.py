"""Tables with SUPER columns, of every kind, and a column that becomes one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from dbt_project.project import Dbt, Landing, Query, copied_project, table_contract

OWN = {"id": "integer", "doc": "super", "note": "super"}
BY_LOG = {"replication_method": "LOG_BASED"}
WHOLE = {"replication_method": "FULL_TABLE", "source": "shop.copies"}
NO_KEY = {"dbt-bouncer": {"skip_checks": ["check_model_has_unique_test",
                                          "check_model_has_tests_by_name"]}}  # fmt: skip
#: Of each table: its columns, then its config.
TABLES: Mapping[str, tuple[dict[str, str], dict[str, Any]]] = {
    "papers": (OWN, {"unique_key": ["id"], "meta": {"replication_key": "id"}}),
    "kept": (
        OWN | {"deleted_at": "timestamp"},
        {"unique_key": ["id"], "meta": BY_LOG | {"hard_delete": False}},
    ),
    "copies": (OWN, {"unique_key": ["id"], "meta": WHOLE}),
    "pile": (OWN, {"meta": {"replication_method": "INCREMENTAL"} | NO_KEY}),
}
SYSTEM = {"_sdc_extracted_at": "timestamp", "_sdc_deleted_at": "timestamp",
          "_tidemark_load_id": "bigint"}  # fmt: skip
GONE = datetime(2026, 1, 3)
#: A contract that sorts by a SUPER column.
WRONG = {"unique_key": ["id"], "sort": ["id", "doc"], "meta": {"replication_key": "id"}}


def create(query: Query, name: str, **other: str) -> None:
    shape = {n: kind for n, kind in TABLES[name][0].items() if n != "deleted_at"} | other | SYSTEM
    columns = ", ".join(f"{column} {kind}" for column, kind in shape.items())
    query(f"create table landing.{name} ({columns})", user="tidemark_loader")


@pytest.fixture(scope="module")
def project(
    built: Landing, dbt_env: dict[str, str], query: Query, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dbt]:
    contracts = {name: table_contract(name, *told) for name, told in TABLES.items()}
    folder = tmp_path_factory.mktemp("super") / "transform"
    runner = Dbt(dbt_env, folder / "target", copied_project(folder, contracts))
    for name in TABLES:
        create(query, name)
    yield runner
    runner.close()
    for name in TABLES:
        query(f"drop table if exists landing.{name}", user="tidemark_loader")
        for table in (
            f"public.{name}",
            *(f"tidemark_dbt.{name}__{k}" for k in ("loads", "versions")),
        ):
            query(f"drop table if exists {table}", user="tidemark_transformer")


def rows(query: Query, name: str) -> list[tuple[Any, ...]]:
    found = query(f"select * from public.{name} order by id", user="tidemark_transformer")
    return [tuple(row) for row in found]


def row(number: int, doc: Any, note: str | None = None, **more: Any) -> dict[str, Any]:
    return {"id": number, "doc": doc, "note": note, **more}


def test_tables_of_every_kind_have_super_columns(
    project: Dbt, landing: Landing, query: Query
) -> None:
    for name in TABLES:
        landing.load(name, [row(1, {"a": [1, {"b": None}]}, "x"), row(2, [True])])
    project("run", "--select", *TABLES)
    for name in TABLES:
        more = (None,) if name == "kept" else ()
        assert rows(query, name) == [
            (1, '{"a":[1,{"b":null}]}', '"x"', *more), (2, "[true]", None, *more),
        ]  # fmt: skip
    for name in TABLES:
        gone: dict[str, Any] = {"_sdc_deleted_at": GONE} if name in ("papers", "kept") else {}
        landing.load(name, [row(1, {"a": 2}), row(2, None, **gone)])
    project("run", "--select", *TABLES)
    assert rows(query, "papers") == [(1, '{"a":2}', None)]
    assert rows(query, "kept") == [(1, '{"a":2}', None, None), (2, "[true]", None, GONE)]
    assert rows(query, "copies") == [(1, '{"a":2}', None), (2, None, None)]
    assert len(rows(query, "pile")) == 4
    before = {name: rows(query, name) for name in TABLES}
    project("build", "--select", *TABLES)
    project("run", "--full-refresh", "--select", *TABLES)
    assert {name: rows(query, name) for name in ("papers", "kept", "copies")} == {
        name: before[name] for name in ("papers", "kept", "copies")
    }


@pytest.mark.soak
@pytest.mark.fault(225)
def test_no_key_of_a_table_is_super(project: Dbt, dbt_env: dict[str, str], tmp_path: Path) -> None:
    told = {"sorted": table_contract("sorted", OWN, WRONG)}
    dbt = Dbt(dbt_env, tmp_path / "target", copied_project(tmp_path / "transform", told))
    refused = dbt("run", check=False)
    dbt.close()
    assert "sorted cannot be built: doc is a key of it, and cannot be of type" in refused.output


@pytest.mark.fault(225)
def test_a_text_column_becomes_super_by_a_rebuild(
    project: Dbt, landing: Landing, query: Query
) -> None:
    text, user = "varchar(65535)", "tidemark_transformer"
    query("drop table landing.copies", user="tidemark_loader")
    create(query, "copies", doc=text)
    landing.load("copies", [row(1, '{"a":1}')])
    refused = project("run", "--select", "copies", check=False)
    assert "doc is SUPER in its contract, but not in" in refused["copies"]["message"]
    assert "tidemark rebuild -t shop.copies --from-lake" in refused["copies"]["message"]
    query("drop table landing.copies", user="tidemark_loader")
    create(query, "copies")
    query("drop table public.copies", user=user)
    query(f"create table public.copies (id integer, doc {text}, note super)", user=user)
    landing.load("copies", [row(1, {"a": 1})])
    refused = project("run", "--select", "copies", check=False)
    assert "Rebuild it: dbt build --full-refresh" in refused["copies"]["message"]
    project("run", "--full-refresh", "--select", "copies")
    assert rows(query, "copies") == [(1, '{"a":1}', None)]
