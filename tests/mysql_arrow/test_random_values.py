"""Random values of every type are what PyMySQL reads."""

from __future__ import annotations

import random
from contextlib import closing
from typing import TYPE_CHECKING, Any

import mysql_arrow
import pyarrow as pa
import pymysql
import pytest
from mysql_wire.value_kinds import SHAPES, Kind, fill, kinds_of
from processes.resident import begin_peak, peak
from tap_mysql.query.column_reads import plan
from tap_mysql.source.schema import Column
from tidemark_core.types import column_type
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import MySQLColumn, from_mysql
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from tests.mysql_arrow.conftest import Connect


def compare(
    connection: pymysql.Connection[Any],
    other: pymysql.Connection[Any],
    kinds: list[Kind],
    chance: random.Random,
    *,
    as_the_tap: bool,
) -> int:
    """Reads the table both ways, side by side, and gives how many values were compared.

    Args:
        connection: For our own reading.
        other: For PyMySQL's.
        kinds: The table's columns behind the first.
        chance: Decides how our answer is cut.
        as_the_tap: Asks as the tap does, in the types of the type map; else each column is read as
            the type that it is.
    """
    columns = described(other)
    assert len(columns) == len(kinds)
    shape, asked = None, [f"c{number}" for number in range(len(kinds))]
    theirs = [kind.asked.format(name) for kind, name in zip(kinds, asked, strict=True)]
    if as_the_tap:
        plans = [plan(column) for column in columns]
        shape = pa.schema([(p.column.name, to_arrow(p.kind)) for p in plans])
        asked = [p.expression for p in plans]
        theirs = [f"ST_AsBinary(c{n})" if kind.sql in SHAPES else theirs[n]
                  for n, kind in enumerate(kinds)]  # fmt: skip
    batches = mysql_arrow.query(
        connection, f"SELECT {', '.join(asked)} FROM t ORDER BY id", shape,
        batch_rows=chance.choice((7, 100, 65_536)), batch_bytes=2**22,
    )  # fmt: skip
    with other.cursor(pymysql.cursors.SSCursor) as cursor:
        cursor.execute(f"SELECT {', '.join(theirs)} FROM t ORDER BY id")
        for batch in batches:
            batch.validate(full=True)
            told = zip(*cursor.fetchmany(batch.num_rows), strict=True)
            for kind, column, values in zip(kinds, batch.columns, told, strict=True):
                assert [kind.shown(v) for v in column.to_pylist()] == list(values), kind.sql
        assert cursor.fetchone() is None
    return batches.rows * len(kinds)


def described(connection: pymysql.Connection[Any]) -> list[Column]:
    """The table's columns behind the first, as the tap knows them."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT column_name, data_type, column_type, character_maximum_length, "
            "numeric_precision, numeric_scale, datetime_precision, character_set_name "
            "FROM information_schema.columns WHERE table_schema = DATABASE() "
            "AND table_name = 't' AND column_name <> 'id' ORDER BY ordinal_position"
        )
        found = []
        for name, *facts, charset in cursor.fetchall():
            told = MySQLColumn(*facts)
            found.append(Column(name, told, from_mysql(told), nullable=True, character_set=charset))
        return found


@pytest.mark.fault(168)
@pytest.mark.parametrize("as_the_tap", [False, True], ids=["as they are", "as the tap"])
def test_random_values_of_every_type_are_what_pymysql_reads(
    sandbox: Sandbox, connect: Connect, as_the_tap: bool
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    kinds, chance = kinds_of(sandbox), random.Random(seed)
    with closing(connect()) as connection, closing(connect(autocommit=True)) as other:
        fill(connection, kinds, 200, chance)
        compared = compare(connection, other, kinds, chance, as_the_tap=as_the_tap)
        assert compared == 200 * len(kinds)
        assert {c.data_type for c in described(other)} == known_types(sandbox)


def known_types(sandbox: Sandbox) -> set[str]:
    """Names of the type map, as a server has them in information_schema."""
    known = {*column_type._MYSQL_INTEGERS, *column_type._MYSQL_TEXT, *column_type._MYSQL_SIMPLE,
             *column_type._MYSQL_SHORT_TEXT, *column_type._MYSQL_GEOMETRY, "bit", "decimal",
             "datetime", "timestamp", "char", "varchar", "binary", "varbinary"}  # fmt: skip
    if sandbox.config.server == "mysql":
        return known - {"geometrycollection", "uuid", "inet4", "inet6"}
    return known - {"geomcollection", "json"}  # MariaDB's JSON is a LONGTEXT


@pytest.mark.soak
@pytest.mark.fault(168)
def test_ten_million_random_values_are_what_pymysql_reads(
    sandbox: Sandbox, connect: Connect
) -> None:
    seed, compared, peaks = random.randrange(2**32), 0, list[int]()
    print(f"seed {seed}")
    kinds, chance = kinds_of(sandbox), random.Random(seed)
    before = begin_peak()
    with closing(connect()) as connection, closing(connect(autocommit=True)) as other:
        while compared < 10_000_000:
            fill(connection, kinds, 10_000, chance)
            for as_the_tap in (False, True):
                compared += compare(connection, other, kinds, chance, as_the_tap=as_the_tap)
            peaks.append(peak())
    print(f"{compared:,} values, memory {before} MB, peak {peaks[0]} to {peaks[-1]} MB")
    # One batch of each reading is in memory at a time.
    assert peaks[-1] - before < 100
    assert peaks[-1] - peaks[1] < 100
