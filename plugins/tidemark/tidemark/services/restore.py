"""Rebuilds a table from the lake: the newest version of each key, checked after it was written."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import duckdb
import pyarrow as pa
import pymysql
from tap_s3_parquet.objects import ObjectReader
from tidemark_core.errors import ConfigError, LakeError, SourceError
from tidemark_core.manifest import Manifest
from tidemark_core.names import TableName, quote_mysql
from tidemark_core.types import ColumnType, from_json_schema

from tidemark.project import Project

_ROWS = 2_000
_CHUNK = 8 << 20
_FORMATS = (".parquet", ".csv")
_MYSQL = {
    "int8": "TINYINT",
    "int16": "SMALLINT",
    "int32": "INT",
    "int64": "BIGINT",
    "float32": "FLOAT",
    "float64": "DOUBLE",
    "date": "DATE",
    "boolean": "TINYINT(1)",
    "json": "LONGTEXT",
    "binary": "LONGBLOB",
}
#: Beyond so many characters utf8mb4 does not fit into a VARCHAR of MySQL's rows.
_LONGEST_VARCHAR = 1_000
_KEY_CHARACTERS = 191


@dataclass(frozen=True)
class Restored:
    """What was rebuilt: rows, the versions that they were chosen from, and where they are."""

    table: str
    rows: int
    versions: int
    files: int
    target: str


def chosen(manifests: Sequence[Manifest], as_of: datetime | None) -> list[Manifest]:
    """The commits that a restore reads. Pure.

    Raises:
        LakeError: There is none, or there is nothing to tell versions of a row apart by.
    """
    found = [m for m in manifests if as_of is None or m.extracted_at <= as_of]
    if not found:
        raise LakeError("the lake holds nothing of that time", hint="tidemark explore")
    if not found[-1].key_properties:
        raise LakeError("the table has no key", table=found[-1].table)
    return found


@contextmanager
def newest_rows(project: Project, manifests: Sequence[Manifest]) -> Iterator[tuple[Any, int]]:
    """A DuckDB relation of the newest version of each key, and how many versions there were.

    The files are copied to this machine, one after the other; DuckDB works beyond memory.
    """
    with tempfile.TemporaryDirectory(prefix="tidemark-restore-") as folder:
        connection = duckdb.connect(str(Path(folder) / "work.duckdb"))
        try:
            connection.execute("SET TimeZone = 'UTC'")
            versions = _fill(project, manifests, connection, Path(folder))
            yield connection.sql(newest_sql(manifests[-1])), versions
        finally:
            connection.close()


def _fill(project: Project, manifests: Sequence[Manifest], connection: Any, folder: Path) -> int:
    names = list(manifests[-1].schema["properties"])
    made, versions, order = False, 0, 0
    for manifest in manifests:
        for file in manifest.files:
            order += 1
            local = folder / "file.parquet"
            reader = ObjectReader(project.s3, project.bucket, file.key, file.etag)
            with local.open("wb") as copy:
                while block := reader.read(_CHUNK):
                    copy.write(block)
            have = manifest.schema["properties"]
            # A column that came later is NULL in older files; one that went is left out.
            columns = ", ".join(
                f"{_name(n)}" if n in have else f"NULL AS {_name(n)}" for n in names
            )
            source = f"SELECT {columns}, {order} AS _order FROM read_parquet('{local}')"
            if made:
                connection.execute(f"INSERT INTO versions {source}")
            else:
                connection.execute(f"CREATE TABLE versions AS {source}")
                made = True
            versions += file.rows
            local.unlink()
    if not made:
        raise LakeError("the lake holds no file of it any more", table=manifests[-1].table)
    return versions


def newest_sql(newest: Manifest) -> str:
    """The newest version of each key: by the replication key, then by the order of commits."""
    keys = ", ".join(_name(key) for key in newest.key_properties)
    mark = newest.bookmark.get("replication_key")
    by = f"{_name(str(mark))} DESC NULLS LAST, " if mark in newest.schema["properties"] else ""
    names = ", ".join(_name(name) for name in newest.schema["properties"])
    return (
        f"SELECT {names} FROM versions "
        f"QUALIFY row_number() OVER (PARTITION BY {keys} ORDER BY {by}_order DESC) = 1"
    )


def _name(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'


def to_file(rows: Any, path: Path) -> int:
    """Writes rows to a new .parquet or .csv file; returns how many it holds.

    Raises:
        ConfigError: It exists, or is of another kind.
    """
    if path.exists():
        raise ConfigError(f"{path} exists; nothing was written", hint="name another file")
    if path.suffix not in _FORMATS:
        raise ConfigError(f"{path.suffix!r} is no format", hint="name a .parquet or a .csv file")
    if path.suffix == ".parquet":
        rows.write_parquet(str(path))
    else:
        rows.write_csv(str(path))
    read = duckdb.read_parquet if path.suffix == ".parquet" else duckdb.read_csv
    return int(read(str(path)).count("*").fetchall()[0][0])


def to_mysql(rows: Any, newest: Manifest, url: str) -> int:
    """Writes rows into an empty MySQL table, which is made if it is missing.

    Args:
        rows: From `newest_rows`.
        newest: For the columns and the key.
        url: ``mysql://user:password@host:port/database``.

    Returns:
        Rows in the table afterwards.

    Raises:
        ConfigError: The URL is none, or the table is not empty.
        SourceError: MySQL refused.
    """
    parts = urlsplit(url)
    database = unquote(parts.path.strip("/"))
    if parts.scheme != "mysql" or not database or "/" in database:
        raise ConfigError("--to is not mysql://user:password@host:port/database")
    table = f"{quote_mysql(database)}.{quote_mysql(newest.table.table)}"
    columns = {n: from_json_schema(s) for n, s in newest.schema["properties"].items()}
    try:
        connection = pymysql.connect(
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            charset="utf8mb4",
            init_command="SET time_zone = '+00:00'",
            connect_timeout=10,
        )
        with connection, connection.cursor() as cursor:
            cursor.execute(create_sql(table, columns, newest.key_properties))
            cursor.execute(f"SELECT EXISTS (SELECT 1 FROM {table})")
            if cursor.fetchall()[0][0]:
                raise ConfigError(
                    f"{table} is not empty; nothing was written", table=newest.table,
                    hint="restore into an empty database",
                )  # fmt: skip
            names = ", ".join(quote_mysql(name) for name in columns)
            marks = ", ".join(["%s"] * len(columns))
            for batch in rows.to_arrow_reader(_ROWS):
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", values(batch))
            connection.commit()
            cursor.execute(f"SELECT count(*) FROM {table}")
            return int(cursor.fetchall()[0][0])
    except pymysql.MySQLError as error:
        raise SourceError(
            f"the MySQL to restore into refused: {error.args[-1]}", table=newest.table
        ) from error


def values(batch: pa.RecordBatch) -> list[tuple[Any, ...]]:
    """The rows of a batch as the driver takes them."""
    return list(zip(*(column.to_pylist() for column in batch.columns), strict=True))


def create_sql(table: str, columns: dict[str, ColumnType], keys: Sequence[str]) -> str:
    """CREATE TABLE IF NOT EXISTS of a restored table. Pure."""
    lines = [f"{quote_mysql(n)} {mysql_type(k, key=n in keys)}" for n, k in columns.items()]
    lines.append(f"PRIMARY KEY ({', '.join(quote_mysql(key) for key in keys)})")
    return f"CREATE TABLE IF NOT EXISTS {table} ({', '.join(lines)}) DEFAULT CHARSET utf8mb4"


def mysql_type(kind: ColumnType, *, key: bool) -> str:
    """A MySQL type that holds every value of a column. Pure."""
    if kind.kind == "decimal":
        return f"DECIMAL({kind.precision},{kind.scale})"
    if kind.kind == "timestamp":
        return f"DATETIME({kind.precision or 0})"
    if kind.kind == "string":
        if key:
            return f"VARCHAR({min(kind.length or _KEY_CHARACTERS, _KEY_CHARACTERS)})"
        fits = kind.length is not None and kind.length <= _LONGEST_VARCHAR
        return f"VARCHAR({kind.length})" if fits else "LONGTEXT"
    return _MYSQL[kind.kind]


def refuse_gaps(table: TableName, archived: Sequence[Manifest], *, accept: bool) -> None:
    """Says that retention has removed files, without which rows are missing.

    Raises:
        LakeError: There are some, and the operator has not accepted it.
    """
    files = sum(len(manifest.files) for manifest in archived)
    if files and not accept:
        raise LakeError(
            f"retention has removed {files} files; rows that only they held would be missing",
            table=table,
            hint="to take what is left: --accept-incomplete",
        )
