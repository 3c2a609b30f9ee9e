"""The warehouse keeps what docs/data-contract.md promises."""

from __future__ import annotations

import re

import pytest
from transform_project import ROOT, Dbt, Landing, Query, contract

PAGE = (ROOT / "docs" / "data-contract.md").read_text()
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
    style = query(
        f"select diststyle, sortkey1, sortkey_num from svv_table_info where \"table\" = '{table}'",
        user="tidemark_transformer",
    )
    assert [tuple(row) for row in style] == [("KEY(ant_parcel_no)", "create_at", 2)]
