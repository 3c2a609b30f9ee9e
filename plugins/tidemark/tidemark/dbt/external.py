"""External table DDL: a lake table as Athena and Redshift Spectrum see it.

Pure text. Sources: Athena's user guide ("CREATE TABLE", "Data types in Amazon Athena", "Partition
projection"); Redshift's developer guide ("CREATE EXTERNAL TABLE").
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tidemark_core.lake.folders import folder_suffix, partition_columns
from tidemark_core.lake.manifest import Manifest
from tidemark_core.names import PARTITION_COLUMNS, fold, quote_mysql, quote_redshift
from tidemark_core.text.documents import Json
from tidemark_core.types.column_type import ColumnType, to_redshift
from tidemark_core.types.singer_schema import from_json_schema

#: A partition's folder: digits, or Hive's word where the column is NULL.
_FOLDER = re.compile("/".join(rf"{part}_*=(?:\d+|\w+)" for part in PARTITION_COLUMNS), re.ASCII)
_ATHENA = {
    "int8": "tinyint",
    "int16": "smallint",
    "int32": "int",
    "int64": "bigint",
    "float32": "float",
    "float64": "double",
    "string": "string",
    "json": "string",
    "binary": "binary",
    "date": "date",
    "timestamp": "timestamp",
    "boolean": "boolean",
}
_DIGITS = {"month": (1, 12), "day": (1, 31), "hour": (0, 23)}


def columns(manifest: Manifest) -> dict[str, ColumnType]:
    """The columns of the table's files, in their order, by folded name."""
    properties: Json = manifest.schema.get("properties", {})
    return {fold(name): from_json_schema(schema) for name, schema in properties.items()}


def athena_type(column: ColumnType) -> str:
    """The Athena type of a column as our Parquet files hold it."""
    if column.kind == "decimal":
        return f"decimal({column.precision},{column.scale})"
    return _ATHENA[column.kind]


def athena_ddl(name: str, fields: Mapping[str, ColumnType], location: str, first_year: int) -> str:
    """CREATE EXTERNAL TABLE for Athena, with its partitions projected: new ones need no command.

    Args:
        name: ``table`` or ``database.table``.
        fields: From `columns`.
        location: ``s3://bucket/incremental/schema.table/``.
        first_year: The oldest year to look for.
    """
    suffix = folder_suffix(fields)
    parts = partition_columns(suffix)
    body = ",\n".join(f"  {quote_mysql(n)} {athena_type(kind)}" for n, kind in fields.items())
    projection = [
        ("projection.enabled", "true"),
        (f"projection.year{suffix}.type", "integer"),
        (f"projection.year{suffix}.range", f"{first_year},{first_year + 50}"),
    ]
    for part, (low, high) in _DIGITS.items():
        projection += [
            (f"projection.{part}{suffix}.type", "integer"),
            (f"projection.{part}{suffix}.range", f"{low},{high}"),
            (f"projection.{part}{suffix}.digits", "2"),
        ]
    template = location + "/".join(f"{part}=${{{part}}}" for part in parts)
    projection.append(("storage.location.template", template + "/"))
    properties = ",\n".join(f"  '{key}' = '{value}'" for key, value in projection)
    partitions = ", ".join(f"`{part}` string" for part in parts)
    quoted = ".".join(quote_mysql(part) for part in name.split("."))
    return (
        f"CREATE EXTERNAL TABLE IF NOT EXISTS {quoted} (\n{body}\n)\n"
        f"PARTITIONED BY ({partitions})\nSTORED AS PARQUET\nLOCATION '{location}'\n"
        f"TBLPROPERTIES (\n{properties}\n);\n"
    )


def partition_folders(keys: Iterable[str], prefix: str) -> set[str]:
    """The folders of a table's data files.

    A key may be anything that was written into the bucket. Those outside partitions are left out,
    because the folders go into a statement that an administrator pastes.

    Args:
        keys: Of the table's objects.
        prefix: The table's folder, with a trailing slash.
    """
    folders = {key.removeprefix(prefix).rpartition("/")[0] for key in keys}
    return {folder for folder in folders if _FOLDER.fullmatch(folder)}


def year_of(folder: str) -> int | None:
    """The year in a partition's folder; None: the column is NULL there."""
    year = folder.partition("/")[0].partition("=")[2]
    return int(year) if year.isdecimal() else None


def unseen(folders: Iterable[str], fields: Mapping[str, ColumnType]) -> list[str]:
    """The folders whose partition columns have other names than the table's columns require now."""
    year, *_ = partition_columns(folder_suffix(fields))
    return sorted(folder for folder in folders if not folder.startswith(f"{year}="))


def spectrum_ddl(
    name: str, fields: Mapping[str, ColumnType], location: str, partitions: Iterable[str]
) -> str:
    """CREATE EXTERNAL TABLE for Redshift Spectrum, and an ADD PARTITION per existing partition.

    Args:
        name: ``schema.table``; the schema is an external one.
        fields: From `columns`.
        location: As for `athena_ddl`.
        partitions: Folders such as ``year=2026/month=01/day=31/hour=07``.
    """
    parts = partition_columns(folder_suffix(fields))
    quoted = ".".join(quote_redshift(part) for part in name.split("."))
    body = ",\n".join(f"  {quote_redshift(n)} {to_redshift(kind)}" for n, kind in fields.items())
    declared = ", ".join(f"{quote_redshift(part)} VARCHAR(16)" for part in parts)
    statements = [
        f"CREATE EXTERNAL TABLE {quoted} (\n{body}\n)\nPARTITIONED BY ({declared})\n"
        f"STORED AS PARQUET\nLOCATION '{location}';\n"
    ]
    for folder in sorted(set(partitions)):
        values = ", ".join(
            f"{quote_redshift(part)}='{named.partition('=')[2]}'"
            for part, named in zip(parts, folder.split("/"), strict=True)
        )
        statements.append(
            f"ALTER TABLE {quoted} ADD IF NOT EXISTS PARTITION ({values})\n"
            f"LOCATION '{location}{folder}/';\n"
        )
    return "\n".join(statements)
