from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import ConfigError
from tidemark_core.names import (
    OWN_NAMES,
    LandingNames,
    TableName,
    decode_component,
    encode_component,
    fold,
    fold_columns,
    landing_relation,
    mysql_relation,
    quote_mysql,
    quote_redshift,
    redshift_relation,
)

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@given(names)
def test_a_component_is_safe_in_a_path_and_comes_back(name: str) -> None:
    encoded = encode_component(name)
    assert set(encoded) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-%")
    assert decode_component(encoded) == name


@pytest.mark.parametrize("text", ["", "..", "a/b", "a.b", "%2e", "%41", "%ff", "a b", "a\0"])
def test_what_the_encoder_never_writes_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        decode_component(text)


@given(names, names)
def test_table_names_come_back_from_stream_and_lake(schema: str, table: str) -> None:
    name = TableName(schema, table)
    assert TableName.from_stream(name.stream) == name
    assert TableName.from_lake(name.lake) == name
    assert name.lake.count(".") == 1


@given(names)
def test_a_stream_without_a_schema_comes_back_from_the_lake(table: str) -> None:
    name = TableName.from_stream(table)
    assert TableName.from_lake(name.lake) == name


def test_the_names_that_people_use() -> None:
    name = TableName.parse("settlement.settlement_claim_detail")
    assert name.stream == "settlement-settlement_claim_detail"
    assert name.lake == "settlement.settlement_claim_detail"
    assert OWN_NAMES.of(name) == "settlement_claim_detail"
    assert TableName.parse("partner_info", "settlement") == TableName("settlement", "partner_info")


@pytest.mark.parametrize("folder", [".a", "a.", "a.b.c", "../x", "a/b"])
def test_a_foreign_folder_is_no_table(folder: str) -> None:
    with pytest.raises(ConfigError):
        TableName.from_lake(folder)


def test_identifiers_are_folded_and_bounded() -> None:
    assert fold("ID") == "id"
    assert fold("가" * 42) == "가" * 42
    with pytest.raises(ConfigError, match="127 bytes"):
        fold("가" * 43)


def test_columns_that_collide_when_folded_are_refused_by_name() -> None:
    table = TableName("s", "t")
    assert fold_columns(["ID", "name"], table=table) == {"ID": "id", "name": "name"}
    with pytest.raises(ConfigError, match=r"'ID'.*table s\.t, column id"):
        fold_columns(["ID", "id"], table=table)
    with pytest.raises(ConfigError, match="that Tidemark adds"):
        fold_columns(["_SDC_extracted_at"], table=table)


def test_quoting_doubles_the_quote() -> None:
    assert quote_redshift('x"y') == '"x""y"'
    assert quote_mysql("we`ird") == "`we``ird`"
    assert redshift_relation('a"b', "c.d") == '"a""b"."c.d"'
    assert landing_relation('a"b') == '"landing"."a""b"'
    assert mysql_relation("a`b", "c.d") == "`a``b`.`c.d`"


CRM, SHOP = TableName("crm", "Customer"), TableName("shop", "customer")


@pytest.mark.fault(157)
def test_two_tables_of_one_name_have_each_their_own_where_it_is_given() -> None:
    assert OWN_NAMES.of(CRM) == OWN_NAMES.of(SHOP) == "customer"
    names = LandingNames.parse({"crm.Customer": "CRM__Customer", "a.b.c": "x"})
    assert (names.of(CRM), names.of(SHOP)) == ("crm__customer", "customer")
    assert names.of(TableName("a", "b.c")) == "x"
    assert names.of(TableName("crm", "customer")) == "customer", "another table of MySQL"


@given(st.dictionaries(names, st.text("abc", min_size=1), max_size=5))
def test_a_name_is_read_from_what_meltano_makes_of_it(told: dict[str, str]) -> None:
    """Of a key with dots it makes objects within objects."""
    tables = {f"{schema}.{name}": name + str(n) for n, (schema, name) in enumerate(told.items())}
    nested: dict[str, Any] = {}
    for table, name in tables.items():
        *parents, last = table.split(".")
        at = nested
        for parent in parents:
            at = at.setdefault(parent, {})
        at[last] = name
    assert LandingNames.parse(nested).given == LandingNames.parse(tables).given == tables


@pytest.mark.parametrize(
    ("told", "what"),
    [
        ({"a.t": "x", "b.t": "X"}, "gives the name 'x' to two tables"),
        ({"a.t": 3}, "has 3 instead of a name"),
        ({"a.t": ""}, "1 to 127 bytes"),
        ({"a.t": "x" * 128}, "1 to 127 bytes"),
        ({"a.t": "Tidemark_loads"}, "reserved for Tidemark"),
        ({"a.t": "#t"}, "temporary table"),
    ],
)
def test_a_name_that_cannot_be_is_refused(told: dict[str, Any], what: str) -> None:
    with pytest.raises(ConfigError, match=f"LANDING_NAMES.*{what}"):
        LandingNames.parse(told)


def test_a_name_that_redshift_cannot_have_is_no_obstacle_to_another_one() -> None:
    table = TableName("shop", "tidemark_x")
    with pytest.raises(ConfigError, match="reserved for Tidemark") as caught:
        OWN_NAMES.check(table)
    assert 'LANDING_NAMES=\'{"shop.tidemark_x": "…"}\'' in str(caught.value)
    assert LandingNames.parse({"shop.tidemark_x": "ours"}).check(table) == "ours"
