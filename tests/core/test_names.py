from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import ConfigError
from tidemark_core.names import (
    TableName,
    decode_component,
    encode_component,
    fold,
    fold_columns,
    quote_mysql,
    quote_redshift,
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
    assert name.landing == "settlement_claim_detail"
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
    with pytest.raises(ConfigError, match="Tidemark's own"):
        fold_columns(["_SDC_extracted_at"], table=table)


def test_quoting_doubles_the_quote() -> None:
    assert quote_redshift('x"y') == '"x""y"'
    assert quote_mysql("we`ird") == "`we``ird`"
