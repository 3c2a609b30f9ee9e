"""Six tables that are followed, each with a key of another kind."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from projects.nights import Night
from tidemark_sandbox.world import Sandbox

DATABASE = "settlement"
#: What every table has beside its key.
VALUES = ("n", "text", "price", "at")
_VALUES = "n INT, text VARCHAR(40), price DECIMAL(12,3), at DATETIME(6)"
_BEGIN = datetime(2001, 1, 1)
_WORDS = ("mot", "État", "a,b", "tab\there", "\N{SNOWMAN}", 'quo"te', "back\\slash")
Key = tuple[Any, ...]
Chance = random.Random


@dataclass(frozen=True)
class Followed:
    """A table.

    Attributes:
        name: Of the table.
        key: The columns of its key.
        ddl: They, and the constraints.
        fresh: Makes a key that no row has, of a number that none had.
        beat: The key of the row that tells of the lag.
        binary: Columns of bytes.
        moves: Whether it is renamed and truncated; a foreign key forbids both.
    """

    name: str
    key: tuple[str, ...]
    ddl: str
    fresh: Callable[[Chance, int], Key]
    beat: Key
    binary: tuple[str, ...] = ()
    moves: bool = True

    @property
    def full_name(self) -> str:
        return f"{DATABASE}.{self.name}"

    @property
    def where(self) -> str:
        return " AND ".join(f"`{column}` = %s" for column in self.key)

    def insert(self, verb: str, rows: int = 1) -> str:
        """A statement that writes rows: the key, then the values."""
        columns = ", ".join(f"`{column}`" for column in (*self.key, *VALUES))
        row = f"({', '.join(['%s'] * (len(self.key) + len(VALUES)))})"
        return f"{verb} INTO {self.name} ({columns}) VALUES {', '.join([row] * rows)}"


def _word(chance: Chance, number: int) -> Key:
    return (f"{chance.choice(_WORDS)} {number}",)


def _bytes(chance: Chance, number: int) -> Key:
    return (number.to_bytes(5, "little") + chance.choice((b"", b"\0", b"\xff\n", b"'")),)


def _moment(chance: Chance, number: int) -> Key:
    at = _BEGIN + timedelta(microseconds=number * 7)
    return at, Decimal(chance.randrange(-999, 999)) / 100


TABLES: Sequence[Followed] = (
    Followed("followed_int", ("id",), "id INT PRIMARY KEY", lambda _, n: (n,), (-1,), moves=False),
    Followed(
        "followed_big",
        ("id",),
        "id BIGINT AUTO_INCREMENT PRIMARY KEY, parent INT, "
        "FOREIGN KEY (parent) REFERENCES followed_int (id) ON DELETE CASCADE",
        lambda *_: (None,),
        (-1,),
        moves=False,
    ),
    Followed(
        "followed_pair",
        ("a", "b"),
        "a INT, b VARCHAR(20), PRIMARY KEY (a, b)",
        lambda chance, n: (n % 50, f"{chance.choice('xyz')}{n}"),
        (-1, "beat"),
    ),
    Followed("followed_word", ("code",), "code VARCHAR(40) PRIMARY KEY", _word, ("beat",)),
    Followed(
        "followed_bytes", ("code",), "code VARBINARY(12) PRIMARY KEY", _bytes, (b"beat",), ("code",)
    ),
    Followed(
        "followed_moment",
        ("moment", "amount"),
        "moment DATETIME(6), amount DECIMAL(10,2), PRIMARY KEY (moment, amount)",
        _moment,
        (datetime(1999, 1, 1), Decimal(0)),
    ),
)


def create(world: Sandbox, rows: int) -> dict[str, list[Key]]:
    """Makes the tables in MySQL; gives the keys of their rows."""
    chance, keys = Chance(rows), dict[str, list[Key]]()
    for table in TABLES:
        world.mysql(f"CREATE TABLE {table.name} ({table.ddl}, {_VALUES})")
        keys[table.name] = [
            (number,) if None in table.fresh(chance, number) else table.fresh(chance, number)
            for number in range(1, rows + 1)
        ]
        flat = [
            value
            for number, key in enumerate(keys[table.name])
            for value in (*key, number, f"x{number}", Decimal(number) / 2, _BEGIN)
        ]
        world.mysql(table.insert("INSERT", rows), flat)
    return keys


def add(night: Night) -> None:
    """Has the project read them by the log."""
    words = [table.full_name for table in TABLES]
    done = night.tidemark("add", *words, "--log-based", "--yes")
    assert done.returncode == 0, done.stdout
