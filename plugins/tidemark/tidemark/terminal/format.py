"""Ages and times as operators type them, and numbers, sizes and keys as they read them. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tidemark_core.errors import ConfigError

_AGE = re.compile(r"(\d{1,6})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_SHORT = re.compile(r"(\d{1,5})([smh])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600}
_TIME = re.compile(r"\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?)?(?:Z|\+00:00)?")


def parse_age(text: str) -> timedelta:
    """Reads ``7d``, ``24h``, ``30m`` or ``2w``.

    Raises:
        ConfigError: It is none of them, or no time at all.
    """
    match = _AGE.fullmatch(text.strip().lower())
    age = timedelta(**{_UNITS[match[2]]: int(match[1])}) if match else timedelta()
    if not age:
        raise ConfigError(f"{text!r} is not an age", hint="write 7d, 24h or 30m")
    return age


def parse_seconds(text: str) -> float:
    """Reads ``30s``, ``5m`` or ``1h`` as seconds.

    Raises:
        ConfigError: It is none of them, or no time at all.
    """
    match = _SHORT.fullmatch(text.strip().lower())
    seconds = int(match[1]) * _SECONDS[match[2]] if match else 0
    if not seconds:
        raise ConfigError(f"{text!r} is not a length of time", hint="write 30s, 5m or 1h")
    return float(seconds)


def parse_time(text: str) -> datetime:
    """Reads ``YYYY-MM-DD HH:MM:SS``, in UTC; the time of day, seconds and fractions may be missing.

    Raises:
        ConfigError: It is not a time of the calendar, or has another time zone.
    """
    try:
        if not _TIME.fullmatch(text.strip()):
            raise ValueError(text)
        found = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ConfigError(
            f"{text!r} is not a time in UTC", hint="write 'YYYY-MM-DD HH:MM:SS'"
        ) from error
    return found.replace(tzinfo=UTC)


def describe_age(age: timedelta) -> str:
    """An age in its greatest unit, such as ``3 days``."""
    seconds = max(0, int(age.total_seconds()))
    for unit, length in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit}s"
    return f"{seconds} s"


def moment(value: datetime, separator: str = " ") -> str:
    """A time as people read it, in UTC, to the second."""
    utc = value.astimezone(UTC) if value.tzinfo else value
    return utc.strftime(f"%Y-%m-%d{separator}%H:%M:%S")


def key_text(value: str | int | None) -> str | None:
    """A replication key's value as it is typed: no separators in a number, no fraction of zero."""
    if isinstance(value, str):
        day, sign, time = value[:10], value[10:11], value[11:]
        return f"{day} {time.removesuffix('.000000')}" if sign == "T" else value
    return None if value is None else str(value)


def counted(number: int, noun: str) -> str:
    """A number with its noun: ``1 file``, ``1,200 files``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """Bytes as people read them."""
    number = float(count)
    for unit in ("B", "KB", "MB", "GB"):
        if number < 1024:
            return f"{number:,.0f} {unit}" if unit == "B" else f"{number:,.1f} {unit}"
        number /= 1024
    return f"{number:,.1f} TB"
