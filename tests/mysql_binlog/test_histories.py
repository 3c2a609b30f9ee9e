"""Whatever happens to rows, the keys that are read are those that were touched."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pymysql
import pytest

if TYPE_CHECKING:
    from tests.mysql_binlog.conftest import Log

Keys = dict[str, set[tuple[Any, ...]]]
#: Tables with keys before, between and behind what has a length of its own; NULLs everywhere.
TABLES = {
    "first": ("id BIGINT PRIMARY KEY, t VARCHAR(300), d DECIMAL(9,2), b BLOB, j JSON, e DATETIME",
              ("id",)),
    "last": ("t TEXT, v VARCHAR(40) CHARACTER SET latin1, n INT, id INT UNSIGNED, "
             "PRIMARY KEY (id)", ("id",)),
    "pair": ("k VARCHAR(20), x BIT(9), n SMALLINT, t LONGTEXT, PRIMARY KEY (n, k)", ("n", "k")),
    "made": ("a INT, b INT AS (a + 1) VIRTUAL, id INT AS (a * 2) STORED, t VARCHAR(9), "
               "UNIQUE KEY (id), PRIMARY KEY (a)", ("a",)),
}  # fmt: skip


@dataclass
class History:
    """Does at random what applications do, and notes which keys are touched."""

    cursor: pymysql.cursors.Cursor
    chance: random.Random
    rows: Keys = field(default_factory=lambda: {name: set() for name in TABLES})
    touched: Keys = field(default_factory=lambda: {name: set() for name in TABLES})

    def transaction(self) -> None:
        """Changes a few rows of a few tables, and commits, or takes it back."""
        before = {name: set(keys) for name, keys in self.rows.items()}
        touched = {name: set(keys) for name, keys in self.touched.items()}
        self.cursor.execute("BEGIN")
        for _ in range(self.chance.randint(1, 4)):
            table = self.chance.choice([*TABLES])
            self.chance.choice((self.insert, self.insert, self.change, self.move, self.delete,
                                self.replace))(table)  # fmt: skip
        if self.chance.random() < 0.2:
            self.cursor.execute("ROLLBACK")
            self.rows, self.touched = before, touched
        else:
            self.cursor.execute("COMMIT")

    def new_key(self, table: str) -> tuple[Any, ...]:
        number = self.chance.randint(0, 400)
        return (number, self.chance.choice("aé😀") * 3) if table == "pair" else (number,)

    def others(self, table: str) -> tuple[str, str]:
        """Columns beside the key, and SQL of their values."""
        chance = self.chance
        text = f"'{'x' * chance.choice((0, 3, 200))}'"
        large = f"REPEAT('é', {chance.choice((0, 5, 70_000))})"
        values = {
            "first": {"t": text, "d": "-12.5", "b": large, "j": "'[1, 2]'", "e": "NOW()"},
            "last": {"t": large, "v": "'é'", "n": "7"},
            "pair": {"x": "257", "t": large},
            "made": {"t": "'a'"},
        }[table]
        chosen = {
            name: value if chance.random() < 0.7 else "NULL" for name, value in values.items()
        }
        return ", ".join(chosen), ", ".join(chosen.values())

    def _write(self, verb: str, table: str, key: tuple[Any, ...]) -> None:
        names, values = self.others(table)
        columns = ", ".join(TABLES[table][1])
        marks = ", ".join(["%s"] * len(key))
        self.cursor.execute(
            f"{verb} INTO {table} ({columns}, {names}) VALUES ({marks}, {values})", key
        )
        self.rows[table].add(key)
        self.touched[table].add(key)

    def insert(self, table: str) -> None:
        key = self.new_key(table)
        if key not in self.rows[table]:
            self._write("INSERT", table, key)

    def replace(self, table: str) -> None:
        self._write("REPLACE", table, self.new_key(table))

    def _some(self, table: str) -> tuple[Any, ...] | None:
        return self.chance.choice(sorted(self.rows[table])) if self.rows[table] else None

    def change(self, table: str) -> None:
        if (key := self._some(table)) is None:
            return
        where = " AND ".join(f"{name} = %s" for name in TABLES[table][1])
        text = f"REPEAT('y', {self.chance.randint(1, 99)})"
        text = text if table != "made" else f"'{self.chance.randint(0, 10**8)}'"
        if self.cursor.execute(f"UPDATE {table} SET t = {text} WHERE {where}", key):
            self.touched[table].add(key)

    def move(self, table: str) -> None:
        key, new = self._some(table), self.new_key(table)
        if key is None or new in self.rows[table]:
            return
        names = TABLES[table][1]
        where = " AND ".join(f"{name} = %s" for name in names)
        sets = ", ".join(f"{name} = %s" for name in names)
        self.cursor.execute(f"UPDATE {table} SET {sets} WHERE {where}", (*new, *key))
        self.rows[table] = self.rows[table] - {key} | {new}
        self.touched[table] |= {key, new}

    def delete(self, table: str) -> None:
        if (key := self._some(table)) is None:
            return
        where = " AND ".join(f"{name} = %s" for name in TABLES[table][1])
        self.cursor.execute(f"DELETE FROM {table} WHERE {where}", key)
        self.rows[table].discard(key)
        self.touched[table].add(key)


@pytest.fixture
def tables(log: Log) -> Iterator[None]:
    for name, (columns, _) in TABLES.items():
        log.sql(f"DROP TABLE IF EXISTS {name}", f"CREATE TABLE {name} ({columns})")
    yield
    for name in TABLES:
        log.sql(f"DROP TABLE {name}")


@pytest.fixture
def compressed(log: Log) -> Iterator[Callable[[bool], str]]:
    """Has the log compressed, or not; gives the session's setting for it."""

    def switch(on: bool) -> str:
        if log.is_mysql:
            return f"binlog_transaction_compression = {on:d}"
        log.sql(f"SET GLOBAL log_bin_compress = {on:d}",
                "SET GLOBAL log_bin_compress_min_len = 10")  # fmt: skip
        return "autocommit = 1"

    yield switch
    if not log.is_mysql:
        log.sql("SET GLOBAL log_bin_compress = 0")


def play(log: Log, chance: random.Random, settings: list[str], transactions: int) -> None:
    """Plays a history, and reads it in one go, and in batches from one position to the next."""
    since = log.end()
    with log.session(*settings) as cursor:
        history = History(cursor, chance)
        for _ in range(transactions):
            history.transaction()
            if chance.random() < 0.05:
                cursor.execute("FLUSH BINARY LOGS")
    until, wanted = log.end(), log.keys_of(*TABLES)
    read: Keys = {name: set() for name in TABLES}
    for batch in log.batches(since, wanted, until=until):
        for table, keys in batch.keys.items():
            read[table[1]] |= set(keys)
    assert read == history.touched
    read, at = {name: set() for name in TABLES}, since
    while at.order != until.order:
        for batch in log.batches(at, wanted, until=until, batch_keys=chance.randint(1, 40)):
            for table, keys in batch.keys.items():
                read[table[1]] |= set(keys)
            if batch.position.order > at.order:
                at = batch.position
                break
    assert read == history.touched


@pytest.mark.fault(172)
@pytest.mark.parametrize("image", ["FULL", "MINIMAL", "NOBLOB"])
@pytest.mark.parametrize("squeezed", [False, True], ids=["plain", "compressed"])
def test_the_keys_read_are_those_that_were_touched(
    log: Log, tables: None, compressed: Callable[[bool], str], image: str, squeezed: bool
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    settings = [f"binlog_row_image = '{image}'", compressed(squeezed)]
    play(log, random.Random(seed), settings, 25)


@pytest.mark.soak
@pytest.mark.fault(172)
def test_the_keys_of_long_histories_are_those_that_were_touched(
    log: Log, tables: None, compressed: Callable[[bool], str]
) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    for _ in range(20):
        image = chance.choice(("FULL", "MINIMAL", "NOBLOB"))
        settings = [f"binlog_row_image = '{image}'", compressed(chance.random() < 0.5)]
        play(log, chance, settings, 300)
        for name in TABLES:
            log.sql(f"DELETE FROM {name}")
