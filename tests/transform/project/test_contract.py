"""The warehouse keeps what docs/settlement/data-contract.md promises."""

from __future__ import annotations

import re

import pytest
from dbt_project.project import ROOT, Dbt, Landing, Query, contract

PAGE = (ROOT / "docs" / "settlement" / "data-contract.md").read_text()
VIEWS = re.findall(r"^### public\.(\w+)$", PAGE, re.MULTILINE)


def promised(view: str) -> list[tuple[str, str]]:
    section = PAGE.split(f"### public.{view}\n")[1].split("\n## ")[0].split("\n### ")[0]
    return re.findall(r"^\| \d+ \| (\w+) \| (.+?) \|$", section, re.MULTILINE)


def spelled(data_type: str) -> str:
    """A type as our YAML files write it."""
    for long, short in (
        ("character varying", "varchar"),
        ("timestamp without time zone", "timestamp"),
    ):
        data_type = data_type.replace(long, short)
    return data_type


def test_the_page_promises_the_three_views() -> None:
    assert VIEWS == [
        "settlement_latest_delivery_status",
        "settlement_partner_latest_status",
        "settlement_status_summary",
    ]
    assert len(promised(VIEWS[0])) == 52


@pytest.mark.parametrize("view", VIEWS)
def test_names_types_and_order_are_kept(view: str, built: Landing, dbt: Dbt, query: Query) -> None:
    assert promised(view) == list(contract(view).items())
    dbt("run", "--select", f"+{view}")
    rows = query(
        "select col_name, col_type from pg_get_late_binding_view_cols() cols(view_schema name,"
        " view_name name, col_name name, col_type varchar, col_num int)"
        f" where view_schema = 'public' and view_name = '{view}' order by col_num"
    )
    assert [(name, spelled(kind)) for name, kind in rows] == promised(view)


def test_the_base_table_has_the_51_columns_and_its_keys(built: Landing, query: Query) -> None:
    table = "settlement_normal_delivery_detail"
    rows = query(
        "select column_name from information_schema.columns where table_schema = 'public'"
        f" and table_name = '{table}' order by ordinal_position"
    )
    assert [row[0] for row in rows] == list(contract(table))
    assert len(rows) == 51
    keys = query(
        "select \"column\", distkey, sortkey from pg_table_def where schemaname = 'public'"
        f" and tablename = '{table}' and (distkey or sortkey <> 0) order by sortkey",
        user="tidemark_transformer",
    )
    assert [tuple(row) for row in keys] == [
        ("ant_parcel_no", True, 0),
        ("create_at", False, 1),
        ("billing_num", False, 2),
    ]


def comments(query: Query, table: str) -> dict[str, str]:
    rows = query(
        "select a.attname, d.description from pg_description d"
        " join pg_attribute a on a.attrelid = d.objoid and a.attnum = d.objsubid"
        " join pg_class c on c.oid = d.objoid join pg_namespace n on n.oid = c.relnamespace"
        f" where n.nspname = 'public' and c.relname = '{table}'"
    )
    return dict(rows)


def test_descriptions_are_in_the_warehouse_and_written_once(
    built: Landing, dbt: Dbt, query: Query
) -> None:
    table = "partner_info"
    assert set(comments(query, table)) == set(contract(table))
    query(f"comment on column public.{table}.region is 'old'", user="tidemark_transformer")
    dbt("--log-level-file=debug", "run", "--select", table)
    assert comments(query, table)["region"] == "The partner's region."
    log = (dbt.target / "dbt.log").read_text().rsplit("Running with dbt=", 1)[1]
    assert log.count("comment on column") == 1
