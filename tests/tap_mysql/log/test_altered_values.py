"""An ALTER that changes the values of rows, of which no event tells: its table stops."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.binlog.shapes import rewritten
from tap_mysql.extraction.log.follow import Follower
from tidemark_core.errors import SourceError

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Result, Source


def logged(source: Source, *tables: str, state: Any = None) -> Result:
    catalog = source.catalog(*tables)
    for stream in catalog["streams"]:
        stream["replication_method"] = "LOG_BASED"
    return source.run(catalog, state)


#: What is done to a table, and of which columns it may have changed the values.
ALTERS: dict[str, tuple[list[str], str]] = {
    "shorter": (["MODIFY v DATETIME"], "v"),
    "not_null": (["MODIFY n INT NOT NULL"], "n"),
    "narrower": (["MODIFY t VARCHAR(3)"], "t"),
    "other_set": (["CONVERT TO CHARACTER SET latin1"], "t"),
    "again": (["DROP COLUMN n", "ADD COLUMN n INT"], "n"),
    "swapped": (["CHANGE n w INT, CHANGE w n INT"], "w, n"),
    "computed": (["MODIFY g INT AS (m + 2) STORED"], "g"),
    "wider": (["MODIFY n BIGINT, MODIFY t TEXT, ADD KEY (m), COMMENT 'MODIFY v DATE'"], ""),
    "as_before": (["DROP COLUMN n", "DROP KEY k", "ALTER COLUMN m SET DEFAULT 5"], ""),
}


@pytest.mark.fault(215)
def test_a_table_whose_rows_have_got_other_values_stops(source: Source) -> None:
    for table in ALTERS:
        source.make(
            table,
            "id INT PRIMARY KEY, v DATETIME(6), n INT, m INT, t VARCHAR(9),"
            "g INT AS (m + 1) STORED, w INT, KEY k (v)",
        )
        row = "(1, '2020-01-01 00:00:00.6', 2, 3, 'a😀cdef')"
        source.sql(f"INSERT INTO {table} (id, v, n, m, t) VALUES {row}")
    first = logged(source, *ALTERS)
    for table, (alters, _) in ALTERS.items():
        for alter in alters:
            source.sql_with("sql_mode = ''", f"ALTER TABLE {table} {alter}")
        source.sql_with("sql_mode = ''", f"INSERT INTO {table} (id) VALUES (2)")
    second = logged(source, *ALTERS, state=first.state)
    assert isinstance(second.error, SourceError)
    told = {str(error.table): error for error in second.error.of_tables}
    for table, (_, columns) in ALTERS.items():
        error = told.pop(f"tap_test.{table}", None)
        if not columns:
            assert error is None
            assert second.ids(table) == [2]
            continue
        assert error is not None
        assert f"the values of {columns}, which no row" in error.message
        assert f"tidemark resync -t tap_test.{table}" in str(error.hint)
        assert second.files(table) == []
        assert second.bookmark(table) == first.bookmark(table)
    assert not told


@pytest.mark.fault(215)
def test_what_is_found_while_a_run_is_under_way_stops_the_next_one(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The table was looked at before the ALTER, and the log is read behind it."""
    source.make("t", "id INT PRIMARY KEY, v VARCHAR(9)", "(1, 'abcdef')")
    first = logged(source, "t")
    follow = Follower.follow

    def altered(self: Follower, members: Any) -> None:
        source.sql_with("sql_mode = ''", "ALTER TABLE t MODIFY v VARCHAR(3)")
        follow(self, members)

    with monkeypatch.context() as patch:
        patch.setattr(Follower, "follow", altered)
        second = logged(source, "t", state=first.state)
    third = logged(source, "t", state=second.state)
    assert isinstance(third.error, SourceError)
    assert "values of v" in third.error.message


#: Of types the values at which they end, as SQL.
TYPES = {
    **{f"{name}INT": ("-128", "127") for name in ("TINY", "SMALL", "MEDIUM", "", "BIG")},
    **{f"{name}INT UNSIGNED": ("0", "255") for name in ("TINY", "SMALL", "MEDIUM", "", "BIG")},
    "BIGINT(5)": (f"{-(2**63)}", f"{2**63 - 1}"),
    "DECIMAL(5,2)": ("-999.99", "0.01"),
    "DECIMAL(6,2)": ("-9999.99", "0.01"),
    "DECIMAL(6,3)": ("-999.999", "0.001"),
    "DECIMAL(5,2) UNSIGNED": ("999.99", "0.01"),
    "CHAR(3)": ("'é😀é'", "''"),
    "CHAR(5)": ("'ééééé'", "'a'"),
    "VARCHAR(3)": ("'a  '", "'é😀é'"),
    "VARCHAR(64)": ("REPEAT('é', 64)", "' '"),
    "VARCHAR(300)": ("REPEAT('é', 300)", "''"),
    "VARCHAR(300) CHARACTER SET latin1": ("REPEAT('é', 300)", "''"),
    "TINYTEXT": ("REPEAT('a', 255)", "' '"),
    "TEXT": ("REPEAT('a', 65535)", "''"),
    "MEDIUMTEXT": ("REPEAT('a', 70000)", "'😀'"),
    "BINARY(3)": ("X'00'", "X'010203'"),
    "VARBINARY(3)": ("X'00'", "X'010203'"),
    "VARBINARY(300)": ("REPEAT(X'FF', 300)", "''"),
    "TINYBLOB": ("REPEAT(X'00', 255)", "''"),
    "BLOB": ("REPEAT(X'00', 65535)", "''"),
    "DATETIME": ("'2020-01-01 01:02:03'", "'1000-01-01'"),
    "DATETIME(3)": ("'2020-01-01 01:02:03.999'", "'9999-12-31 23:59:59.999'"),
    "DATETIME(6)": ("'2020-01-01 01:02:03.999999'", "'1000-01-01'"),
    "TIME(1)": ("'-838:59:58.9'", "'0:0:0.1'"),
    "TIME": ("'-838:59:59'", "'0:0:1'"),
    "DATE": ("'2020-01-01'", "'9999-12-31'"),
    "ENUM('a','b')": ("'a'", "'b'"),
    "ENUM('a','b','c')": ("'c'", "'b'"),
    "ENUM('a','bc')": ("'a'", "'bc'"),
    "SET('b','a')": ("'b,a'", "''"),
    "SET('a','b')": ("'a,b'", "''"),
    "SET('b','a','c')": ("'b,a,c'", "'a'"),
    "FLOAT": ("0.1", "1e30"),
    "DOUBLE": ("0.1", "1e300"),
    "YEAR": ("1901", "2155"),
    "BIT(3)": ("7", "0"),
}


@pytest.mark.fault(215)
def test_values_are_what_they_were_where_a_type_is_called_wider(source: Source) -> None:
    source.make("t", "id INT PRIMARY KEY, " + ", ".join(f"c{n} {t}" for n, t in enumerate(TYPES)))
    kinds = "SELECT column_name, column_type, character_set_name FROM information_schema.columns "
    where = "WHERE table_schema = 'tap_test' AND table_name = 't' AND column_name <> 'id'"
    shapes = {
        str(name): f"{column_type} / {charset or ''} / null"
        for name, column_type, charset in source.sql(kinds + where)
    }
    kept = 0
    for (one, old), (other, new) in itertools.permutations(enumerate(TYPES), 2):
        if rewritten({"c": shapes[f"c{one}"]}, {"c": shapes[f"c{other}"]}):
            continue
        kept += 1
        source.make("t", f"c {old}", *(f"({value})" for value in TYPES[old]))
        before = source.sql("SELECT c FROM t")
        source.sql_with("sql_mode = ''", f"ALTER TABLE t MODIFY c {new}")
        assert source.sql("SELECT c FROM t") == before, (old, new)
    assert kept > 60
