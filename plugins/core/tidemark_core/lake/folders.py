"""The folders of data files below their table's folder: year, month, day and hour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from tidemark_core.names import PARTITION_COLUMNS

#: What Hive and its heirs (Athena, Spark, DuckDB) write and read for a NULL partition value.
_NULL = "__HIVE_DEFAULT_PARTITION__"


def folder_suffix(columns: Iterable[str]) -> str:
    """The suffix of the folders' names of a table's data files.

    A reader derives columns from the folders, which must not hide the table's own. It is not a
    prefix: pyarrow and Hive skip names that begin with an underscore.

    Args:
        columns: The table's columns.

    Returns:
        Nothing, or as many underscores as it takes.
    """
    taken, suffix = {column.lower() for column in columns}, ""
    while not taken.isdisjoint(partition_columns(suffix)):
        suffix += "_"
    return suffix


def partition_columns(suffix: str) -> tuple[str, ...]:
    """The columns that hive-style readers derive from the folders of data files.

    Args:
        suffix: From `folder_suffix`.
    """
    return tuple(part + suffix for part in PARTITION_COLUMNS)


def day_partition(day: date | None, suffix: str = "") -> str:
    """The folders of a day of a date column, below the table's.

    Args:
        day: The day; None: rows where it is NULL.
        suffix: From `folder_suffix`.
    """
    values = [_NULL] * 4
    if day is not None:
        values = [f"{day.year:04d}", f"{day.month:02d}", f"{day.day:02d}", "00"]
    return folders(suffix, values)


def folders(suffix: str, values: Sequence[str]) -> str:
    """The folders of a data file, below the table's.

    Args:
        suffix: From `folder_suffix`.
        values: Year to hour.
    """
    pairs = zip(partition_columns(suffix), values, strict=True)
    return "/".join(f"{name}={value}" for name, value in pairs)


def read_day_partition(partition: str, suffix: str) -> str | None:
    """Reads what `day_partition` makes; None when it is something else."""
    if partition == (null := day_partition(None, suffix)):
        return null
    numbers = [part.partition("=")[2] for part in partition.split("/")]
    try:
        made = day_partition(date(*map(int, numbers[:3])), suffix)
    except ValueError:
        return None
    return made if made == partition else None
