"""The short names that PostgreSQL has for long ones, without a server."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.sql import long_names
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.wire.protocol import data_row, message, split_data_row, split_messages
from redshift_stand_in.wire.values import in_bind, in_row

#: One to four bytes each, and what must be quoted or escaped.
LETTERS = ["a", "b", "_", "7", "$", " ", "-", "\\", "é", "語", "😀"]


def up_to(count: int, fewest: int = 1) -> st.SearchStrategy[str]:
    """Names of that many characters, often of one kind: a cut then meets every byte of one."""
    same = st.sampled_from(LETTERS)
    mixed = st.lists(same, min_size=fewest, max_size=count).map("".join)
    return mixed | st.builds(lambda a, b, n: a + b * n, same, same, st.integers(fewest, count))


NAMES = up_to(130)
LONG = up_to(130, 16).filter(long_names.is_long)


@given(LONG)
def test_a_short_name_has_postgresqls_length_and_the_names_beginning(name: str) -> None:
    short = long_names.short(name)
    assert len(short.encode()) == 63
    assert short.startswith(name[:10].replace("\\", "_"))
    assert not long_names.is_long(short)


@given(LONG, LONG)
def test_each_name_has_one_of_its_own(one: str, other: str) -> None:
    assert (long_names.short(one) == long_names.short(other)) == (one == other)
    assert long_names.short(one + "x") != long_names.short(one)


@given(NAMES)
def test_a_name_is_cut_at_127_bytes_between_characters(name: str) -> None:
    kept = long_names.cut(name)
    assert name.startswith(kept)
    assert len(kept.encode()) <= 127
    assert kept == name or len((kept + name[len(kept)]).encode()) > 127


@given(st.lists(LONG | NAMES, max_size=4), st.text(max_size=70))
def test_what_was_shortened_is_restored(names: list[str], between: str) -> None:
    known = {long_names.short(n).encode(): n.encode() for n in filter(long_names.is_long, names)}
    shown = [long_names.short(n) if long_names.is_long(n) else n for n in names]
    restored = long_names.restored(between.join(shown).encode(), lambda s: known.get(s))
    assert restored.decode() == between.join(names)


def test_a_mark_that_is_no_name_stays() -> None:
    text = b"x_rs127_abcdefghijkl and " + b"y" * 44 + b"_rs127_abcdefghijkl"
    assert long_names.restored(text, lambda _: None) == text


@pytest.mark.parametrize(
    ("name", "is_quoted"), [("a" * 64, False), ("a" * 63 + "$", True), ("é" * 32, True)]
)
def test_postgresql_quotes_a_short_name_where_the_long_one_needs_it(
    name: str, *, is_quoted: bool
) -> None:
    assert ("~" in long_names.short(name)) is is_quoted
    [token] = long_names.long_tokens(Sql(f"select {name}"))
    assert long_names.edit(token, name)[2].startswith('"') is is_quoted


def test_only_long_names_and_literals_are_looked_at() -> None:
    name = "a" * 64
    sql = Sql(f"select {name}, \"{name}\", '{name}', {'b' * 63} -- {name}\n /* {name} */")
    assert [t.kind for t in long_names.long_tokens(sql)] == ["word", "quoted", "string"]


def test_a_known_name_in_a_literal_is_a_whole_word() -> None:
    name, longer = "a" * 70, "a" * 70 + "__dbt_tmp"
    short = long_names.short(name)
    assert long_names.in_value(f'public."{name}"', [name]) == f'public."{short}"'
    assert long_names.in_value(f"%{name}%", [name]) == f"%{short}%"
    assert long_names.in_value(longer, [name]) == longer
    assert long_names.in_value(longer, [name, longer]) == long_names.short(longer)
    assert long_names.in_value(name.upper(), [name]) == short.upper()


@pytest.mark.parametrize(
    ("text", "takes"),
    [
        ("select 1 from pg_class where relname = 'x'", True),
        ("select 1 from information_schema.tables where table_name ilike 'x'", True),
        ("with a as (select * from svv_tables where table_name = 'x') select * from a", True),
        ("select has_table_privilege('x', 'select')", True),
        ("select 'x'::regclass", True),
        ("show tables from schema s like 'x'", True),
        ("set search_path to 'x'", True),
        ("select len('x')", False),
        ("select regexp_substr('x', 'y')", False),
        ("select a from t where a = 'x'", False),
        ("select a from t, svv_tables where a = 'x'", False),
        ("insert into t select 'x' from pg_class", False),
        ("set query_group to 'x'", False),
    ],
)
def test_literals_are_names_where_the_catalogue_alone_is_asked(text: str, *, takes: bool) -> None:
    assert leader.takes_names(Sql(text)) is takes


@given(st.lists(st.tuples(st.sampled_from([b"D", b"E", b"Z"]), st.binary(max_size=40))))
def test_messages_are_split_as_they_were_joined(parts: list[tuple[bytes, bytes]]) -> None:
    assert list(split_messages(b"".join(message(*part) for part in parts))) == parts


VALUES = st.lists(st.none() | st.binary(max_size=80), max_size=4)


@given(VALUES)
def test_the_values_of_a_row_are_changed(values: list[bytes | None]) -> None:
    row = in_row(data_row(values)[5:], bytes.upper)
    assert split_data_row(row) == [v and v.upper() for v in values]


@given(VALUES, st.lists(st.sampled_from([b"\0\0", b"\0\1"]), max_size=2))
def test_the_parameters_of_a_bind_are_changed_and_nothing_else(
    values: list[bytes | None], formats: list[bytes]
) -> None:
    head = b"portal\0name\0" + len(formats).to_bytes(2, "big") + b"".join(formats)
    tail = b"\0\1\0\1"
    given = head + data_row(values)[5:] + tail
    changed = in_bind(given, lambda value: value + b"!")
    assert changed == head + data_row([None if v is None else v + b"!" for v in values])[5:] + tail
