"""Which columns are SUPER, by the project's setting."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.super_columns import SuperColumns

ORDERS = TableName("shop", "orders")
KINDS = [
    "int64",
    "decimal(10,2)",
    "json",
    "string",
    "string(20)",
    "string(16384)",
    "binary",
    "date",
]
COLUMNS = {f"Column{number}": ColumnType.parse(kind) for number, kind in enumerate(KINDS)}
FIT = ("Column2", "Column3", "Column5")
JSON = {"Column2": "json"}


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({}, {}),
        ({"*": "json"}, JSON),
        ({"shop.orders": "json"}, JSON),
        ({"shop": {"orders": "json"}}, JSON),
        ({"shop.other": "json"}, {}),
        ({"*": "json", "shop.orders": []}, {}),
        (
            {"*": "json", "shop.orders": ["column3", "Column5"]},
            {"Column3": "text", "Column5": "text"},
        ),
        ({"shop.orders": ["gone"]}, {}),
        ({"shop.orders": [{"COLUMN4": "json"}]}, {"Column4": "json"}),
    ],
)
def test_a_table_own_entry_wins(told: dict[str, Any], wanted: dict[str, str]) -> None:
    assert SuperColumns.parse(told).of(ORDERS, COLUMNS) == wanted


@given(st.sets(st.sampled_from(sorted(COLUMNS)), min_size=1))
def test_only_json_and_long_text_can_be_named(names: set[str]) -> None:
    chosen = SuperColumns.parse({"shop.orders": sorted(names)})
    if names <= set(FIT):
        assert chosen.of(ORDERS, COLUMNS).keys() == names
        return
    with pytest.raises(ConfigError, match="SUPER_COLUMNS names a") as caught:
        chosen.of(ORDERS, COLUMNS)
    assert caught.value.column in names - set(FIT)
    assert "load/loaders.meltano.yml" in str(caught.value.hint)


@given(st.sets(st.sampled_from([*COLUMNS, "gone", "column0"])))
def test_names_that_a_table_lacks_are_known(names: set[str]) -> None:
    found = SuperColumns.parse({"shop.orders": sorted(names)}).missing(ORDERS, COLUMNS)
    assert found == sorted(names & {"gone"})


@pytest.mark.fault(225)
@pytest.mark.parametrize(
    "told",
    [
        {"*": ["a"]},
        {"shop.orders": "text"},
        {"shop.orders": [1]},
        {"shop.orders": [""]},
        {"*": 1},
        {"shop.orders": [{"a": "text"}]},
    ],
)
def test_other_values_are_refused(told: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="SUPER_COLUMNS has") as caught:
        SuperColumns.parse(told)
    assert "docs/types.md" in str(caught.value.hint)
