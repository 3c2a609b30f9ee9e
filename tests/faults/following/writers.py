"""What people do to tables that are followed: to rows, for long, and to the tables themselves."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from decimal import Decimal
from functools import partial
from typing import Any

import pymysql
from background import Background
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.world import Sandbox

from following.tables import DATABASE, TABLES, Chance, Followed, Key

_WRITERS = 3
#: Rows of a long transaction, and for how many seconds it stays open.
_MANY, _OPEN = (10_000, 30_000), (10.0, 30.0)
#: Rows of a statement.
_STATEMENT = 1_000
_BULK = [table for table in TABLES if table.name in ("followed_word", "followed_bytes")]
_TEXTS = ("état", "", "a,b\n", "\N{SNOWMAN}", None)


class Writers(Background):
    """Writers in threads, from begin to end of the block. A server that is away is waited for.

    Args:
        world: Where the tables are.
        keys: The keys of their rows.
        chance: Decides what they do, though not when.
        rate: Changed rows a second, of all tables together.
        pause: Seconds between two statements that change a table itself; None: there are none.

    Attributes:
        done: How many rows, and how often what else, was committed or rolled back.
    """

    def __init__(
        self,
        world: Sandbox,
        keys: dict[str, list[Key]],
        chance: Chance,
        rate: float,
        pause: tuple[float, float] | None = (60.0, 150.0),
    ) -> None:
        self.done: Counter[str] = Counter()
        self._world, self._keys, self._rate, self._pause = world, keys, rate, pause
        self._gone: list[tuple[Followed, Key]] = []
        self._number = max(map(len, keys.values())) + 1
        self._lock = threading.Lock()
        work: list[Callable[[Chance], None]] = [self._write] * _WRITERS
        if pause is not None:
            work += [self._hold, self._alter]
        super().__init__(*(partial(self._again, each, Chance(chance.random())) for each in work))

    def _again(self, work: Callable[[Chance], None], chance: Chance) -> None:
        while not self._over.is_set():
            with suppress(pymysql.err.MySQLError, SandboxError, OSError):
                work(chance)
            self._over.wait(0.3)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        with (
            closing(self._world.source.connect(database=DATABASE)) as connection,
            connection.cursor() as cursor,
        ):
            yield cursor

    def _fresh(self, table: Followed, chance: Chance) -> Key:
        with self._lock:
            self._number += 1
            return table.fresh(chance, self._number)

    # -- rows

    def _write(self, chance: Chance) -> None:
        with self._cursor() as cursor:
            while not self._over.is_set():
                begun, changed = time.monotonic(), 0
                cursor.connection.begin()
                for _ in range(chance.choice((1, 5, 20, 60))):
                    changed += self._change(cursor, chance.choice(TABLES), chance)
                if chance.random() < 0.05:
                    cursor.connection.rollback()
                    self.done["rolled back"] += 1
                else:
                    cursor.connection.commit()
                    self.done["rows"] += changed
                took = time.monotonic() - begun
                self._over.wait(max(0.0, _WRITERS * changed / self._rate - took))

    def _change(self, cursor: Any, table: Followed, chance: Chance) -> int:
        """One statement; gives the rows that it has changed."""
        keys, kind = self._keys[table.name], chance.random()
        with suppress(pymysql.err.IntegrityError):
            if kind < 0.3 or not keys:
                return self._insert(cursor, table, chance)
            place = chance.randrange(len(keys))
            key = keys[place]
            if kind < 0.5:
                self._gone.append((table, key))
                keys[place] = keys[-1]
                keys.pop()
                return int(cursor.execute(f"DELETE FROM {table.name} WHERE {table.where}", key))
            if kind < 0.57:
                return self._move(cursor, table, key, chance)
            if kind < 0.65:
                statement = table.insert("REPLACE")
                return int(cursor.execute(statement, (*key, *self._values(chance))))
            return int(
                cursor.execute(
                    f"UPDATE {table.name} SET n = n + 1, price = price + 1, text = %s "
                    f"WHERE {table.where}",
                    (chance.choice(_TEXTS), *key),
                )
            )
        return 0

    def _insert(self, cursor: Any, table: Followed, chance: Chance) -> int:
        """A new row, or one that was there before."""
        key = self._fresh(table, chance)
        if self._gone and chance.random() < 0.3:
            table, key = self._gone.pop(chance.randrange(len(self._gone)))
        count = cursor.execute(table.insert("INSERT"), (*key, *self._values(chance)))
        self._keys[table.name].append((cursor.lastrowid,) if None in key else key)
        return int(count)

    def _move(self, cursor: Any, table: Followed, key: Key, chance: Chance) -> int:
        """Changes a key; one of letters to the same in capitals, now and then."""
        other = self._fresh(table, chance)
        if table.name == "followed_word" and chance.random() < 0.5:
            other = (str(key[0]).upper(),)
        if None in other:
            return 0
        columns = ", ".join(f"`{column}` = %s" for column in table.key)
        statement = f"UPDATE {table.name} SET {columns} WHERE {table.where}"
        count = int(cursor.execute(statement, (*other, *key)))
        self._keys[table.name].append(other)
        return count

    def _values(self, chance: Chance) -> tuple[Any, ...]:
        at = f"20{chance.randrange(10, 40)}-02-03 04:05:06.{chance.randrange(10**6):06d}"
        price = None if chance.random() < 0.1 else Decimal(chance.randrange(-(10**6), 10**6)) / 1000
        return chance.randrange(10**6), chance.choice(_TEXTS), price, at

    # -- long transactions

    def _hold(self, chance: Chance) -> None:
        """Tens of thousands of rows in a transaction that stays open; the next one removes them."""
        table = chance.choice(_BULK)
        keys = [self._fresh(table, chance) for _ in range(chance.randrange(*_MANY))]
        statement = f"DELETE FROM {table.name} WHERE {table.key[0]} IN "
        if self._keep_open(chance, lambda part: (
            table.insert("INSERT", len(part)),
            [value for key in part for value in (*key, *self._values(chance))],
        ), keys):  # fmt: skip
            self._over.wait(chance.uniform(*_OPEN))
            while not self._keep_open(chance, lambda part: (
                f"{statement}({', '.join(['%s'] * len(part))})", [key for (key,) in part]
            ), keys):  # fmt: skip
                self._over.wait(1)
        self._over.wait(chance.uniform(*_OPEN))

    def _keep_open(
        self, chance: Chance, statement: Callable[[list[Key]], tuple[str, list[Any]]],
        keys: list[Key],
    ) -> bool:  # fmt: skip
        """One long transaction; gives whether it was committed."""
        with self._cursor() as cursor:
            cursor.connection.begin()
            count = 0
            for at in range(0, len(keys), _STATEMENT):
                count += cursor.execute(*statement(keys[at : at + _STATEMENT]))
            self._over.wait(chance.uniform(*_OPEN))
            if chance.random() < 0.35:
                cursor.connection.rollback()
                self.done["long, rolled back"] += 1
                return False
            cursor.connection.commit()
            self.done["long, committed"] += 1
            self.done["rows of long ones"] += count
            return True

    # -- tables

    def _alter(self, chance: Chance) -> None:
        assert self._pause is not None
        if self._over.wait(chance.uniform(*self._pause)):
            return
        kind = chance.choice((self._add_column, self._change_index, self._swap, self._truncate))
        with self._cursor() as cursor:
            cursor.execute("SET SESSION lock_wait_timeout = 20")
            kind(cursor, chance)
            self.done[kind.__name__.strip("_")] += 1

    def _add_column(self, cursor: Any, chance: Chance) -> None:
        name = f"extra_{chance.randrange(10**6)}"
        kind = chance.choice(("INT", "INT NOT NULL DEFAULT 7"))
        cursor.execute(f"ALTER TABLE {chance.choice(TABLES).name} ADD COLUMN {name} {kind}")

    def _change_index(self, cursor: Any, chance: Chance) -> None:
        table = chance.choice(TABLES).name
        with suppress(pymysql.err.MySQLError):
            cursor.execute(f"DROP INDEX by_text ON {table}")
            return
        cursor.execute(f"CREATE INDEX by_text ON {table} (text, n)")

    def _swap(self, cursor: Any, chance: Chance) -> None:
        """As gh-ost does: a copy with another definition takes the table's name."""
        table = chance.choice([table for table in TABLES if table.moves]).name
        cursor.execute(f"DROP TABLE IF EXISTS _{table}_gho, _{table}_del")
        cursor.execute(f"CREATE TABLE _{table}_gho LIKE {table}")
        cursor.execute(f"ALTER TABLE _{table}_gho ADD INDEX by_price (price, n)")
        cursor.execute(f"INSERT INTO _{table}_gho SELECT * FROM {table}")
        cursor.execute(f"RENAME TABLE {table} TO _{table}_del, _{table}_gho TO {table}")
        cursor.execute(f"DROP TABLE _{table}_del")
        cursor.execute(f"ALTER TABLE {table} DROP INDEX by_price")

    def _truncate(self, cursor: Any, chance: Chance) -> None:
        table = chance.choice([table for table in TABLES if table.moves])
        cursor.execute(f"TRUNCATE TABLE {table.name}")
        self._keys[table.name].clear()
