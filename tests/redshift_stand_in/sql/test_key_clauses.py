"""PRIMARY KEY, UNIQUE and FOREIGN KEY, as CREATE and ALTER TABLE say them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql.lexer import Sql, quote
from redshift_stand_in.sql.tables import alter_table, create_table
from redshift_stand_in.sql.tables.attributes import Key

NAMES = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=9).map(
    str.lower
)
COLUMNS = st.lists(NAMES, min_size=1, max_size=4)


@st.composite
def keys(draw: st.DrawFn) -> Key:
    kind = draw(st.sampled_from("puf"))
    name = draw(st.none() | NAMES)
    if kind != "f":
        return Key(kind, draw(COLUMNS), name)
    parent = ".".join(quote(part) for part in draw(st.lists(NAMES, min_size=1, max_size=2)))
    return Key(kind, draw(COLUMNS), name, parent, draw(st.lists(NAMES, max_size=3)))


def listed(columns: list[str]) -> str:
    return f"({', '.join(map(quote, columns))})"


def written(key: Key) -> str:
    """The key as a table constraint."""
    words = {"p": "primary key ", "u": "unique ", "f": "foreign key "}[key.kind]
    text = f"constraint {quote(key.name)} " if key.name is not None else ""
    text += words + listed(key.columns)
    if key.parent is not None:
        text += f" references {key.parent}"
        text += f" {listed(key.parent_columns)}" if key.parent_columns else ""
    return text


@given(st.lists(keys(), max_size=3))
def test_a_table_has_the_keys_that_it_was_given(found: list[Key]) -> None:
    items = ", ".join(["a int not null", *map(written, found)])
    created = create_table.parse(Sql(f"create table t ({items})"))
    assert created.attributes.keys == found
    assert created.ddl.split() == ["create", "table", '"t"', "(a", "int", "not", "null)"]


@given(keys())
def test_a_key_can_be_added(key: Key) -> None:
    changed = alter_table.parse(Sql(f"alter table t add {written(key)}"))
    assert changed == alter_table.Alter('"t"', None, None, key=key)


def test_what_is_dropped_is_named_as_redshift_folds_it() -> None:
    dropped = alter_table.parse(Sql('alter table t drop constraint "MixEd" cascade'))
    assert dropped == alter_table.Alter(
        '"t"', 'alter table "t" drop constraint "mixed" cascade', None
    )
    column = alter_table.parse(Sql('alter table t drop "A"'))
    assert column == alter_table.Alter(
        '"t"', 'alter table "t" drop "a"', None, dropped="a", on_columns=True
    )
    both = alter_table.parse(Sql("alter table t drop column a cascade"))
    assert isinstance(both, alter_table.Alter)
    assert (both.dropped, both.cascade) == ("a", True)


def test_a_column_has_keys() -> None:
    created = create_table.parse(
        Sql("create table t (a int constraint x primary key, b int unique references s.o(c))")
    )
    assert created.attributes.keys == [
        Key("p", ["a"], "x"),
        Key("u", ["b"]),
        Key("f", ["b"], None, '"s"."o"', ["c"]),
    ]


@pytest.mark.parametrize(
    "clause",
    [
        "primary (a)",
        "primary key a",
        "primary key (a b)",
        "primary key (1)",
        "unique",
        "unique ()",
        "unique (a) x",
        "foreign key (a)",
        "foreign key (a) references",
        "foreign key (a) references o ()",
        "foreign key (a) references o (b) on delete cascade",
        "constraint",
        "constraint x",
        "constraint x check (a > 0)",
    ],
)
def test_what_is_no_key_is_a_syntax_error(clause: str) -> None:
    created, added = Sql(f"create table t (a int, {clause})"), Sql(f"alter table t add {clause}")
    with pytest.raises(StatementError, match="syntax error"):
        create_table.parse(created)
    with pytest.raises(StatementError, match="syntax error"):
        alter_table.parse(added)
