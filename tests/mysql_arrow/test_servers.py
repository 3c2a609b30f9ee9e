"""What a real server sends: rows of every type are what PyMySQL reads of it."""

from __future__ import annotations

import os
import pickle
import random
import resource
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import mysql_arrow
import pyarrow as pa
import pymysql
import pytest
from mysql_arrow.kernel import Code
from mysql_arrow.result import Result
from mysql_arrow.wire import Wire
from mysql_wire.kernel_fuzz import Sample, fuzz
from projects.pages import Block
from tap_mysql.query.column_reads import plan
from tap_mysql.source.schema import Column
from tidemark_core.types import column_type
from tidemark_core.types.arrow import to_arrow
from tidemark_core.types.column_type import MySQLColumn, from_mysql
from tidemark_sandbox.config import account_name
from tidemark_sandbox.world import Sandbox

DATABASE = "mysql_arrow_test"
Make = Callable[[random.Random], str]


@dataclass(frozen=True)
class Kind:
    """A type of column.

    Attributes:
        sql: Its declaration.
        make: SQL of a random value.
        asked: What PyMySQL is asked of the column; our own answer may be more exact than its text.
        shown: Our value in the form of PyMySQL's.
        only: The server that has it; empty: both.
    """

    sql: str
    make: Make
    asked: str = "{}"
    shown: Callable[[Any], Any] = lambda value: value
    only: str = ""


def integers(bits: int, *, unsigned: bool = False) -> Make:
    low, high = (0, 2**bits - 1) if unsigned else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    return lambda r: str(r.choice((low, high, 0, r.randint(low, high), r.randrange(100))))


def decimals(digits: int, scale: int) -> Make:
    def make(r: random.Random) -> str:
        number = r.randint(0, 10 ** r.randint(0, digits) - 1) * r.choice((1, -1))
        return f"{Decimal(f'{number}e-{scale}'):f}"

    return make


def characters(most: int) -> Make:
    alphabet = "aZ0 \t\n\0'\"\\é한😀\u0301\ufffd?"
    return lambda r: _hex("".join(r.choices(alphabet, k=r.randrange(most + 1))), "utf-8")


def _hex(value: str, encoding: str) -> str:
    return f"_utf8mb4 X'{value.encode(encoding).hex()}'"


def latin(r: random.Random) -> str:
    return _hex("".join(r.choices("aé ÿ€", k=r.randrange(9))), "utf-8")


def data(most: int) -> Make:
    return lambda r: f"X'{r.randbytes(r.choice((0, r.randrange(most + 1)))).hex()}'"


def days(r: random.Random) -> str:
    year = r.choice((0, 1, 1970, 2024, 9999, r.randrange(10_000)))
    return f"'{year:04}-{r.randrange(13):02}-{r.randrange(32):02}'"


def moments(digits: int) -> Make:
    def make(r: random.Random) -> str:
        fraction = f".{r.randrange(10**digits):0{digits}}" if digits else ""
        clock = f"{r.randrange(24):02}:{r.randrange(60):02}:{r.randrange(60):02}{fraction}"
        return f"{days(r)[:-1]} {r.choice((clock, '00:00:00'))}'"

    return make


def times(digits: int) -> Make:
    def make(r: random.Random) -> str:
        fraction = f".{r.randrange(10**digits):0{digits}}" if digits else ""
        hours = r.choice((0, 838, r.randrange(839)))
        return (
            f"'{r.choice(('', '-'))}{hours:03}:{r.randrange(60):02}:{r.randrange(59):02}{fraction}'"
        )

    return make


def floats(r: random.Random) -> str:
    return repr(r.choice((r.uniform(-1, 1), 0.1, -0.0)) * 10.0 ** r.randrange(-30, 30))


def bits(value: Any) -> Any:
    """A BIT(17) as PyMySQL reads it."""
    return None if value is None else int(value).to_bytes(3)


def bit(value: Any) -> Any:
    return None if value is None else int(value).to_bytes(1)


def day(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else str(value)


def moment(value: datetime | None) -> str | None:
    """With four digits of the year and six of the fraction."""
    return None if value is None else value.isoformat(sep=" ", timespec="microseconds")


def number(value: Any) -> Any:
    """0 and -0 are one to MySQL's text."""
    return value if value is None else value + 0.0


AS_TEXT = "CAST({0} AS CHAR)"
CLOCK = "DATE_FORMAT({0}, '%Y-%m-%d %H:%i:%s.%f')"


def good(asked: str) -> str:
    """NULL for a day that no calendar has."""
    last = "LAST_DAY(CONCAT(YEAR({0}), '-', MONTH({0}), '-01'))"
    bad = "YEAR({0}) = 0 OR MONTH({0}) = 0 OR DAYOFMONTH({0}) = 0 OR DAYOFMONTH({0}) > "
    return f"IF({bad}DAYOFMONTH({last}), NULL, {asked})"


SHAPES = {
    "GEOMETRY": "POINT({0} 1)",
    "POINT": "POINT({0} 1)",
    "LINESTRING": "LINESTRING({0} 1, 2 3)",
    "POLYGON": "POLYGON((0 0, {0} 0, 0 12, 0 0))",
    "MULTIPOINT": "MULTIPOINT({0} 1, 2 3)",
    "MULTILINESTRING": "MULTILINESTRING(({0} 1, 2 3), (4 5, 6 7))",
    "MULTIPOLYGON": "MULTIPOLYGON(((0 0, {0} 0, 0 12, 0 0)))",
    "GEOMETRYCOLLECTION": "GEOMETRYCOLLECTION(POINT({0} 1))",
}


def shape(text: str) -> Make:
    return lambda r: f"ST_GeomFromText('{text.format(r.randrange(1, 99))}')"


KINDS = (
    Kind("TINYINT", integers(8)),
    Kind("TINYINT(1)", integers(8)),
    Kind("TINYINT UNSIGNED", integers(8, unsigned=True)),
    Kind("SMALLINT", integers(16)),
    Kind("SMALLINT UNSIGNED ZEROFILL", integers(16, unsigned=True)),
    Kind("MEDIUMINT", integers(24)),
    Kind("MEDIUMINT UNSIGNED", integers(24, unsigned=True)),
    Kind("INT", integers(32)),
    Kind("INT UNSIGNED", integers(32, unsigned=True)),
    Kind("BIGINT", integers(64)),
    Kind("BIGINT UNSIGNED", integers(64, unsigned=True)),
    Kind("YEAR", lambda r: str(r.choice((0, 1901, 2155, r.randint(1901, 2155))))),
    Kind("BIT(1)", integers(1, unsigned=True), shown=bit),
    Kind("BIT(17)", integers(17, unsigned=True), shown=bits),
    Kind("DECIMAL(5,2)", decimals(5, 2)),
    Kind("DECIMAL(18,18)", decimals(18, 18)),
    Kind("DECIMAL(38,30)", decimals(38, 30)),
    Kind("DECIMAL(38,0) UNSIGNED", lambda r: decimals(38, 0)(r).lstrip("-")),
    Kind("DECIMAL(65,30)", decimals(65, 30), AS_TEXT),
    Kind("FLOAT", floats, "{} + 0e0", number),
    Kind("DOUBLE", floats, shown=number),
    Kind("DATE", days, good(AS_TEXT), day),
    Kind("DATETIME", moments(0), good(CLOCK), moment),
    Kind("DATETIME(3)", moments(3), good(CLOCK), moment),
    Kind("DATETIME(6)", moments(6), good(CLOCK), moment),
    Kind("TIMESTAMP(6) NULL",
         lambda r: f"FROM_UNIXTIME({r.randrange(1, 2**31 - 1)}.{r.randrange(10**6):06})", CLOCK,
         moment),
    Kind("TIME", times(0), AS_TEXT),
    Kind("TIME(3)", times(3), AS_TEXT),
    Kind("TIME(6)", times(6), AS_TEXT),
    Kind("CHAR(5)", characters(5)),
    Kind("VARCHAR(40)", characters(40)),
    Kind("VARCHAR(9) CHARACTER SET latin1", latin),
    Kind("VARCHAR(9) CHARACTER SET utf16", latin),
    Kind("VARCHAR(9) CHARACTER SET utf8mb3", latin),
    Kind("TINYTEXT", characters(20)),
    Kind("TEXT", characters(300)),
    Kind("LONGTEXT", characters(300)),
    Kind("MEDIUMTEXT", lambda r: f"REPEAT({characters(9)(r)}, {r.choice((1, 30, 9000))})"),
    Kind("ENUM('a','é','')", lambda r: r.choice(("'a'", "'é'", "''", "0"))),
    Kind("SET('a','b')", lambda r: r.choice(("'a,b'", "''", "'b'"))),
    Kind("JSON", lambda r: r.choice(("'null'", "'{\"é\": [1.0, 12345678901234567890]}'", "'[]'"))),
    Kind("BINARY(4)", data(4)),
    Kind("VARBINARY(300)", data(300)),
    Kind("BLOB", data(2000)),
    Kind("TINYBLOB", data(255)),
    Kind("MEDIUMBLOB", data(500)),
    Kind("LONGBLOB", data(500)),
    *(Kind(name, shape(text)) for name, text in SHAPES.items()),
    Kind("INET4", lambda r: f"'10.0.{r.randrange(256)}.{r.randrange(256)}'", AS_TEXT,
         only="mariadb"),
    Kind("UUID", lambda r: f"'{r.randrange(2**128):032x}'", AS_TEXT, only="mariadb"),
    Kind("INET6", lambda r: f"'::{r.randrange(2**16):x}'", AS_TEXT, only="mariadb"),
)  # fmt: skip
Connect = Callable[..., "pymysql.Connection[Any]"]


def thread_of(connection: pymysql.Connection[Any]) -> int:
    """What KILL knows the session by."""
    return int(connection.thread_id())  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def connect(sandbox: Sandbox) -> Iterator[Connect]:
    def open_connection(**options: Any) -> pymysql.Connection[Any]:
        return pymysql.connect(
            unix_socket=str(sandbox.config.mysql_socket), user=account_name(),
            charset="utf8mb4", **options,
        )  # fmt: skip

    with closing(open_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE} CHARACTER SET utf8mb4")
    yield lambda **options: open_connection(database=DATABASE, **options)
    with closing(open_connection()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {DATABASE}")


def kinds_of(sandbox: Sandbox) -> list[Kind]:
    return [kind for kind in KINDS if kind.only in ("", sandbox.config.server)]


def fill(
    connection: pymysql.Connection[Any], kinds: list[Kind], rows: int, chance: random.Random
) -> None:
    """A table ``t`` of random values, one in nine of them NULL."""
    columns = ", ".join(f"c{number} {kind.sql}" for number, kind in enumerate(kinds))
    with connection.cursor() as cursor:
        cursor.execute("SET sql_mode = 'ALLOW_INVALID_DATES', time_zone = '+00:00'")
        cursor.execute("DROP TABLE IF EXISTS t")
        cursor.execute(f"CREATE TABLE t (id INT PRIMARY KEY, {columns})")
        for start in range(0, rows, 200):
            values = ", ".join(
                f"({n}, {', '.join(_value(kind, chance) for kind in kinds)})"
                for n in range(start, min(start + 200, rows))
            )
            cursor.execute(f"INSERT IGNORE INTO t VALUES {values}")
    connection.commit()


def _value(kind: Kind, chance: random.Random) -> str:
    return "NULL" if chance.random() < 1 / 9 else kind.make(chance)


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
    with closing(connect()) as connection, closing(connect(autocommit=True)) as other:
        while compared < 10_000_000:
            fill(connection, kinds, 10_000, chance)
            for as_the_tap in (False, True):
                compared += compare(connection, other, kinds, chance, as_the_tap=as_the_tap)
            peaks.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10)
    print(f"{compared:,} values, peak memory {peaks[0]} to {peaks[-1]} MB")
    # One batch of each reading is in memory at a time.
    assert peaks[-1] < 700
    assert peaks[-1] - peaks[1] < 100


@pytest.fixture
def corpus(sandbox: Sandbox, connect: Connect, monkeypatch: pytest.MonkeyPatch) -> list[Sample]:
    """What the server sends of rows of every type."""
    seen: list[bytes] = []
    receive = Wire.receive

    def watched(wire: Wire) -> int:
        size = receive(wire)
        seen.append(bytes(wire.buffer[:size]))
        return size

    monkeypatch.setattr(Wire, "receive", watched)
    chance, found = random.Random(1), []
    kinds = [kind for kind in kinds_of(sandbox) if "TEXT" not in kind.sql]
    with closing(connect()) as connection:
        for part in (kinds[:15], kinds[15:28], kinds[28:]):
            fill(connection, part, 20, chance)
            seen.clear()
            answer = mysql_arrow.query(connection, "SELECT * FROM t")
            specs = mysql_arrow.result._specs
            list(answer)
            found.append(Sample(_specs_of(connection, specs), answer.schema.types, b"".join(seen)))
    return found


def _specs_of(connection: pymysql.Connection[Any], specs: Any) -> list[bytes]:
    kept: list[Any] = []

    def watched(definitions: Any, schema: pa.Schema) -> Any:
        kept.extend(specs(definitions, schema))
        return kept

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mysql_arrow.result, "_specs", watched)
        list(mysql_arrow.query(connection, "SELECT * FROM t LIMIT 0"))
    return [bytes(each) for each in kept]


@pytest.mark.fault(165)
def test_mutated_packets_end_in_rows_or_in_an_error(corpus: list[Sample]) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    ends = fuzz(corpus, seed, 1500)
    assert ends[Code.END] > 100
    assert len([code for code in ends if code < 0]) > 4


@pytest.mark.soak
@pytest.mark.fault(165)
def test_mutated_packets_do_no_harm_under_sanitizers(
    corpus: list[Sample], project_root: Path, tmp_path: Path
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    library = tmp_path / "_mysql_arrow_kernel.so"
    subprocess.run(
        ["gcc", "-std=c11", "-g", "-O1", "-fPIC", "-shared", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", project_root / "plugins/mysql-arrow/mysql_arrow/kernel.c",
         "-o", library],
        check=True,
    )  # fmt: skip
    asan = subprocess.run(
        ["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True
    ).stdout.strip()
    (tmp_path / "corpus").write_bytes(pickle.dumps(corpus))
    folders = [str(tmp_path), str(project_root / "tests" / "harness")]
    # Arrow's own pool, so that what Python and Arrow keep at their end is no leak of ours.
    environment = {"LD_PRELOAD": asan, "ASAN_OPTIONS": "detect_leaks=0",
                   "PYTHONPATH": os.pathsep.join(folders), "PYTHONMALLOC": "malloc"}  # fmt: skip
    program = project_root / "tests" / "harness" / "mysql_wire" / "kernel_fuzz.py"
    done = subprocess.run(
        [sys.executable, program, tmp_path / "corpus", str(seed), "15000"],
        env=os.environ | environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]


@pytest.mark.fault(167)
def test_a_query_that_is_killed_in_the_middle_says_so(connect: Connect) -> None:
    with closing(connect()) as connection, closing(connect()) as other:
        numbers = "SELECT 1 AS n" + " UNION ALL SELECT 1" * 300
        batches = mysql_arrow.query(
            connection, f"SELECT n, SLEEP(0.02), REPEAT('x', 20000) FROM ({numbers}) AS t",
            batch_rows=5,
        )  # fmt: skip
        assert next(batches).num_rows == 5
        with other.cursor() as cursor:
            cursor.execute(f"KILL QUERY {thread_of(connection)}")
        # MySQL's SLEEP ends early, and the query with it.
        with pytest.raises(pymysql.err.OperationalError) as caught:
            list(batches)
        assert caught.value.args[0] == 1317
        connection.ping(reconnect=False)


@pytest.mark.fault(167)
def test_a_session_that_is_killed_is_lost(connect: Connect) -> None:
    with closing(connect()) as connection, closing(connect()) as other:
        killer = threading.Timer(0.5, lambda: other.query(f"KILL {thread_of(connection)}"))
        killer.start()
        began = time.monotonic()
        with pytest.raises(pymysql.err.OperationalError) as caught:
            list(mysql_arrow.query(connection, "SELECT SLEEP(60)"))
        assert time.monotonic() - began < 30
        assert caught.value.args[0] in (1053, 1317, 1927, 2013)
        killer.join()


@pytest.mark.fault(166)
def test_a_row_of_more_than_16_mb_is_whole(connect: Connect) -> None:
    with closing(connect()) as connection:
        connection.query("SET GLOBAL max_allowed_packet = 67108864")
    with closing(connect()) as connection:
        texts = "REPEAT('é', 9000000), 'between', REPEAT('x', 20000000)"
        sql = f"SELECT {texts} UNION ALL SELECT 'a', 'b', 'c'"
        (batch,) = mysql_arrow.query(connection, sql, batch_bytes=2**26)
        assert [batch.column(n)[0].as_py() for n in range(3)] == [
            "é" * 9_000_000, "between", "x" * 20_000_000,
        ]  # fmt: skip
        assert [batch.column(n)[1].as_py() for n in range(3)] == ["a", "b", "c"]


def test_rows_come_through_tls(sandbox: Sandbox, connect: Connect) -> None:
    context = ssl.create_default_context(cafile=sandbox.config.ca)
    context.check_hostname = False
    with closing(connect(ssl=context)) as connection:
        assert isinstance(connection._sock, ssl.SSLSocket)  # type: ignore[attr-defined]
        (batch,) = mysql_arrow.query(connection, "SELECT REPEAT('x', 3000000), DATE '2024-02-29'")
        assert batch.column(0)[0].as_py() == "x" * 3_000_000
        assert batch.column(1).to_pylist() == [date(2024, 2, 29)]
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            assert cursor.fetchall() == ((1,),)


def test_a_result_is_closed_on_the_server_too(connect: Connect) -> None:
    def open_statements(cursor: Any) -> int:
        cursor.execute("SHOW GLOBAL STATUS LIKE 'Prepared_stmt_count'")
        return int(cursor.fetchone()[1])

    with closing(connect()) as connection, connection.cursor() as cursor:
        before = open_statements(cursor)
        for _ in range(20):
            answer: Result = mysql_arrow.query(connection, "SELECT 1")
            assert [batch.num_rows for batch in answer] == [1]
        assert open_statements(cursor) == before


def test_the_page_reads_a_table_as_printed(
    sandbox: Sandbox, connect: Connect, printed: list[Block]
) -> None:
    with closing(connect()) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orders (id INT PRIMARY KEY)")
        cursor.execute("INSERT INTO orders VALUES (7)")
        connection.commit()
    (block,) = printed
    way = f"unix_socket={str(sandbox.config.mysql_socket)!r}, user={account_name()!r}"
    text = block.text.replace('host="db.example", user="reader", password="…"', way)
    text = text.replace("shop.orders", f"{DATABASE}.orders")
    assert "db.example" not in text
    said: dict[str, Any] = {}
    exec(text, said)
    said["connection"].close()
    assert said["batch"].to_pydict() == {"id": [7]}
