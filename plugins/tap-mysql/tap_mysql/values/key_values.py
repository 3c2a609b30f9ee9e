"""Replication keys and bookmarks: their values, in Python, in state and in SQL.

A value from a state file is untrusted input: it is parsed by its column's type and written back as
a literal of that type, so that nothing of its text reaches SQL.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from tidemark_core.types.column_type import ColumnType

from tap_mysql.values.repeated_hour import step_back

KeyValue = int | Decimal | datetime | date | str | bytes

#: A moment before all others.
NEVER = datetime.min.replace(tzinfo=UTC)
_INTEGERS = frozenset({"int8", "int16", "int32", "int64"})
#: Prefix of dates that are treated like NULL.
ZERO_YEAR = "0000-"
_STATE_TIMESTAMP = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?)?(?:Z|\+00:00)?"
)
#: Keys are naive: UTC, or whatever clock the application wrote into a DATETIME.
_FIRST_MOMENT = datetime(1, 1, 1)  # noqa: DTZ001
#: A DECIMAL has 38 digits at most where it is a number; ZEROFILL writes up to 255.
_STATE_INTEGER = re.compile(r"-?\d{1,255}")


def is_integer(kind: ColumnType) -> bool:
    """Whether values are whole numbers (BIGINT UNSIGNED is a decimal without a scale)."""
    return kind.kind in _INTEGERS or (kind.kind == "decimal" and kind.scale == 0)


def parse_state(kind: ColumnType, value: Any) -> KeyValue:
    """Reads a bookmark's value.

    Raises:
        ValueError: It is not a value of this type as a bookmark writes it.
    """
    if is_integer(kind):
        if isinstance(value, bool) or not _STATE_INTEGER.fullmatch(str(value)):
            raise ValueError(value)
        return int(value)
    match = _STATE_TIMESTAMP.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(value)
    day, clock, fraction = match[1], match[2] or "00:00:00", (match[3] or "").ljust(6, "0")
    return datetime.fromisoformat(f"{day} {clock}.{fraction}")


def parse_source(kind: ColumnType, text: str) -> KeyValue | None:
    """Reads a key as MySQL's ``CAST(… AS CHAR)`` writes it; None for a date of year 0.

    Raises:
        ValueError: It is not a value of this type, such as 2022-11-00.
    """
    if text.startswith(ZERO_YEAR) and not is_integer(kind):
        return None
    return parse_state(kind, text)


def lowest(kind: ColumnType) -> KeyValue:
    """A value that no key is less than."""
    return -(2**63) if is_integer(kind) else _FIRST_MOMENT


def to_state(value: KeyValue) -> str | int:
    """Writes a bookmark's value: an integer, or ``YYYY-MM-DDTHH:MM:SS.ffffff`` (UTC)."""
    if isinstance(value, datetime):
        return value.isoformat(timespec="microseconds")
    if isinstance(value, date):
        return f"{value.isoformat()}T00:00:00.000000"
    return int(value)


def normalise(value: Any) -> KeyValue:
    """Gives a value read by Arrow the form that bookmarks compare: naive UTC, or an int."""
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    if isinstance(value, date):
        return datetime.combine(value, time())
    if isinstance(value, Decimal):
        return int(value)
    return value  # type: ignore[no-any-return]


def literal(value: KeyValue) -> str:
    """Writes a value as a MySQL literal that needs no escaping, whatever it holds.

    A timestamp has no ``+00:00``: with it MariaDB gives up the index. Text is a hexadecimal
    literal with a character set introducer, which compares in the column's own collation. A decimal
    has no exponent: with one it would be a DOUBLE, of 17 digits.
    """
    if isinstance(value, datetime):
        return f"'{value.strftime('%Y-%m-%d %H:%M:%S.%f').rjust(26, '0')}'"
    if isinstance(value, date):
        return f"'{value.isoformat()}'"
    if isinstance(value, bytes):
        return f"X'{value.hex()}'"
    if isinstance(value, str):
        return f"_utf8mb4 X'{value.encode().hex()}'"
    return format(value, "f") if isinstance(value, Decimal) else str(value)


def pack(values: tuple[KeyValue, ...] | None) -> list[dict[str, str]] | None:
    """Writes a key into a bookmark, types and all."""
    return None if values is None else [_pack(value) for value in values]


def _pack(value: KeyValue) -> dict[str, str]:
    if isinstance(value, bytes):
        return {"binary": value.hex()}
    if isinstance(value, str):
        return {"string": value}
    if isinstance(value, datetime):
        return {"timestamp": value.isoformat(timespec="microseconds")}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    return {"number": literal(value)}


_UNPACK: dict[str, Callable[[str], KeyValue]] = {
    "binary": bytes.fromhex,
    "string": str,
    "timestamp": datetime.fromisoformat,
    "date": date.fromisoformat,
    "number": lambda text: Decimal(text) if "." in text else int(text),
}


def unpack(packed: Any) -> tuple[KeyValue, ...] | None:
    """Reads what `pack` writes.

    Raises:
        ValueError: It is something else.
    """
    if packed is None:
        return None
    try:
        return tuple(_UNPACK[name](text) for item in packed for name, text in item.items())
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError("not a key written by this tap") from error


@dataclass(frozen=True)
class Lookback:
    """How far before the bookmark a run reads again.

    Attributes:
        seconds: For timestamps.
        ids: For numbers.
        local: Whether timestamps may be in local time: in an hour that comes twice, the lookback
            begins before that hour, since the keys start over in it.
    """

    seconds: int = 0
    ids: int = 0
    local: bool = False

    def before(self, value: KeyValue) -> KeyValue:
        """The lower bound of a window whose bookmark is ``value``."""
        if isinstance(value, datetime):
            earliest = _FIRST_MOMENT
            back = timedelta(seconds=self.seconds)
            if self.local:
                back += step_back(value)
            return value - back if value - earliest > back else earliest
        return int(value) - self.ids  # type: ignore[arg-type]
