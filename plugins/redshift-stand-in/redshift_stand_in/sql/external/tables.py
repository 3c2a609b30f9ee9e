"""CREATE EXTERNAL TABLE, and ALTER TABLE of external tables.

Sources: "CREATE EXTERNAL TABLE" and "ALTER TABLE" in the Amazon Redshift Database Developer Guide.
"""

# ruff: noqa: E501 - patterns are read in one line
from __future__ import annotations

import json
import re
from dataclasses import dataclass, field

from redshift_stand_in.errors import SYNTAX_ERROR, NotInStandIn, StatementError
from redshift_stand_in.sql.lexer import Sql, qualified

_N = r'(?:[^\W\d][\w$]*|")'
_TYPE = (
    r"(?:SMALLINT|INT2|INTEGER|INT|INT4|BIGINT|INT8|REAL|FLOAT4|DOUBLE PRECISION|FLOAT8|FLOAT|BOOLEAN|BOOL|DATE|TIMESTAMP"
    r"|(?:DECIMAL|NUMERIC)(?: \( 0(?: , 0)? \))?|(?:CHAR|CHARACTER|VARCHAR|CHARACTER VARYING|VARBYTE)(?: \( (?:0|MAX) \))?)"
)
_NESTED = re.compile(r"\b(?:STRUCT|ARRAY|MAP) <")
_COLUMNS = re.compile(rf"{_N} {_TYPE}(?: , {_N} {_TYPE})*")
_PROPERTIES = r"\( ' = '(?: , ' = ')* \)"
_FORMAT = r"(?:PARQUET|RCFILE|SEQUENCEFILE|TEXTFILE|ORC|AVRO|INPUTFORMAT ' OUTPUTFORMAT ')"
_ROW = rf"(?:ROW FORMAT DELIMITED(?: (?:FIELDS|LINES) TERMINATED BY '){{0,2}} STORED AS {_FORMAT}|ROW FORMAT SERDE '(?: WITH SERDEPROPERTIES {_PROPERTIES})?(?: STORED AS {_FORMAT})?|STORED AS {_FORMAT})"
_REST = re.compile(
    rf"{_ROW} LOCATION '(?: TABLE PROPERTIES {_PROPERTIES})?(?: AS (?:SELECT|WITH|\() .*)?"
)
_PARTITION = rf"PARTITION \( {_N} = (?:'|0)(?: , {_N} = (?:'|0))* \)"
_ALTER = re.compile(
    rf"SET (?:LOCATION '|FILE FORMAT {_FORMAT}|TABLE PROPERTIES {_PROPERTIES})"
    rf"|{_PARTITION} SET LOCATION '|ADD(?: IF NOT EXISTS)?(?: {_PARTITION} LOCATION ')+|DROP {_PARTITION}"
)
_HADOOP = "org.apache.hadoop."
_TEXT = (f"{_HADOOP}mapred.TextInputFormat", f"{_HADOOP}hive.ql.io.HiveIgnoreKeyTextOutputFormat")
_PARQUET = f"{_HADOOP}hive.ql.io.parquet."
#: Input format, output format and serialization library by the word behind STORED AS.
_FORMATS = {
    "PARQUET": (
        f"{_PARQUET}MapredParquetInputFormat",
        f"{_PARQUET}MapredParquetOutputFormat",
        f"{_PARQUET}serde.ParquetHiveSerDe",
    ),
    "TEXTFILE": (*_TEXT, f"{_HADOOP}hive.serde2.lazy.LazySimpleSerDe"),
    "ORC": (
        f"{_HADOOP}hive.ql.io.orc.OrcInputFormat",
        f"{_HADOOP}hive.ql.io.orc.OrcOutputFormat",
        f"{_HADOOP}hive.ql.io.orc.OrcSerde",
    ),
    "AVRO": (
        f"{_HADOOP}hive.ql.io.avro.AvroContainerInputFormat",
        f"{_HADOOP}hive.ql.io.avro.AvroContainerOutputFormat",
        f"{_HADOOP}hive.serde2.avro.AvroSerDe",
    ),
    "RCFILE": (
        f"{_HADOOP}hive.ql.io.RCFileInputFormat",
        f"{_HADOOP}hive.ql.io.RCFileOutputFormat",
        f"{_HADOOP}hive.serde2.columnar.ColumnarSerDe",
    ),
    "SEQUENCEFILE": (
        f"{_HADOOP}mapred.SequenceFileInputFormat",
        f"{_HADOOP}hive.ql.io.HiveSequenceFileOutputFormat",
        f"{_HADOOP}hive.serde2.lazy.LazySimpleSerDe",
    ),
}


@dataclass(frozen=True)
class Storage:
    """Where an external table's files are, and what is in them; None: not said.

    Attributes:
        location: on S3.
        formats: input format, output format and serialization library.
        serde_parameters: as JSON.
        parameters: the table properties, as JSON.
    """

    location: str | None = None
    formats: tuple[str | None, str | None, str | None] = (None, None, None)
    serde_parameters: str = ""
    parameters: str | None = None


@dataclass(frozen=True)
class ExternalTable:
    """A parsed CREATE EXTERNAL TABLE.

    Attributes:
        parts: the parts of its name.
        columns: their definitions, those of the partition columns last.
        partitioned_by: names of the partition columns.
        storage: its files.
    """

    parts: list[str]
    columns: str
    partitioned_by: list[str]
    storage: Storage


@dataclass(frozen=True)
class Partition:
    """A partition that is to be added, dropped, or given another location.

    Attributes:
        action: add, drop or set.
        columns: names of the partition columns.
        values: as texts.
        location: on S3; empty for a drop.
    """

    action: str
    columns: list[str]
    values: list[str]
    location: str = ""


@dataclass(frozen=True)
class AlterExternal:
    """A parsed ALTER TABLE of what only an external table has.

    Attributes:
        name: quoted and qualified.
        storage: what changes of its files; None: nothing.
        partitions: what changes of its partitions.
        if_not_exists: a partition that is there already is left as it is.
    """

    name: str
    storage: Storage | None = None
    partitions: list[Partition] = field(default_factory=list)
    if_not_exists: bool = False


def parse(sql: Sql) -> ExternalTable:
    """Parses a CREATE EXTERNAL TABLE.

    Raises:
        StatementError: Redshift refuses it, or the stand-in does not have it.
    """
    parts, index = sql.table_name(3)
    if len(parts) < 2:
        raise StatementError("An external table must be qualified with an external schema")
    if sql.norm(index) != "(":
        raise NotInStandIn("CREATE EXTERNAL TABLE AS is")
    end = sql.close(index)
    columns = [sql.between(index + 1, end)]
    _check_columns(Sql(columns[0]))
    index, keys = end + 1, []
    if sql.norms(index, 3) == ("PARTITIONED", "BY", "("):
        end = sql.close(index + 2)
        columns.append(sql.between(index + 3, end))
        _check_columns(Sql(columns[1]))
        keys = [sql.tokens[first].name for first, _ in sql.arguments(index + 2)]
        index = end + 1
    return ExternalTable(parts, ", ".join(columns), keys, _storage(Sql(sql.rest(index))))


def _check_columns(columns: Sql) -> None:
    if _NESTED.search(columns.shape):
        raise NotInStandIn("A column of nested data is")
    if not _COLUMNS.fullmatch(columns.shape):
        raise StatementError(f'syntax error at or near "{columns.near(0)}"', SYNTAX_ERROR)
    if any(t.name in ("$path", "$size") for t in columns.tokens if t.is_name):
        raise StatementError('"$path" and "$size" are pseudocolumns')


def _storage(rest: Sql) -> Storage:
    if not _REST.fullmatch(rest.shape):
        raise StatementError(f'syntax error at or near "{rest.near(0)}"', SYNTAX_ERROR)
    if any(t.norm == "AS" and rest.norm(i - 1) != "STORED" for i, t in enumerate(rest.tokens)):
        raise NotInStandIn("CREATE EXTERNAL TABLE AS is")
    serde = _string_after(rest, "SERDE")
    found = _formats(rest) if "STORED" in rest.words else _FORMATS["TEXTFILE"]
    return Storage(
        _location(_string_after(rest, "LOCATION") or ""),
        (found[0], found[1], serde or found[2]),
        _properties(rest, "SERDEPROPERTIES"),
        _properties(rest, "PROPERTIES"),
    )


def _formats(sql: Sql) -> tuple[str, str, str]:
    named = _string_after(sql, "INPUTFORMAT"), _string_after(sql, "OUTPUTFORMAT")
    if named[0] and named[1]:
        return named[0], named[1], ""
    return next(_FORMATS[t.norm] for t in sql.tokens if t.norm in _FORMATS)


def _string_after(sql: Sql, word: str) -> str | None:
    found = (sql.tokens[i + 1].value for i, t in enumerate(sql.tokens) if t.norm == word)
    return next(found, None)


def _location(location: str) -> str:
    if not re.match(r"(?i)s3://[^/]+", location):
        raise StatementError(f"Invalid location: {location} is not on S3", "22023")
    return location


def _properties(sql: Sql, word: str) -> str:
    """The pairs in the parenthesis behind a word, as JSON."""
    pairs: dict[str, str] = {}
    for i, token in enumerate(sql.tokens):
        if token.norm == word:
            for first, behind in sql.arguments(i + 1):
                pairs[sql.tokens[first].value] = sql.tokens[behind - 1].value
    return json.dumps(pairs, separators=(",", ":"))


def is_alter(sql: Sql) -> bool:
    """Whether an ALTER TABLE is about what only an external table has."""
    _, index = sql.table_name(2)
    behind = index + (4 if sql.norms(index, 4) == ("ADD", "IF", "NOT", "EXISTS") else 1)
    words = sql.norm(index), sql.norm(behind)
    return (
        words[0] == "PARTITION"
        or (words[0] in ("ADD", "DROP") and words[1] == "PARTITION")
        or (words[0] == "SET" and words[1] in ("LOCATION", "FILE", "TABLE"))
    )


def parse_alter(sql: Sql) -> AlterExternal:
    """Parses an ALTER TABLE that :func:`is_alter`.

    Raises:
        StatementError: Redshift refuses it.
    """
    parts, index = sql.table_name(2)
    action = Sql(sql.rest(index))
    if not _ALTER.fullmatch(action.shape):
        raise StatementError(f'syntax error at or near "{action.near(1)}"', SYNTAX_ERROR)
    name = qualified(parts)
    if action.norms(0, 2) == ("SET", "LOCATION"):
        return AlterExternal(name, Storage(_location(action.tokens[2].value)))
    if action.norms(0, 2) == ("SET", "FILE"):
        return AlterExternal(name, Storage(formats=_formats(action)))
    if action.norm(0) == "SET":
        return AlterExternal(name, Storage(parameters=_properties(action, "PROPERTIES")))
    kind = {"ADD": "add", "DROP": "drop"}.get(action.norm(0), "set")
    partitions = _partitions(action, kind)
    return AlterExternal(name, None, partitions, action.norm(1) == "IF")


def _partitions(action: Sql, kind: str) -> list[Partition]:
    found = []
    for i, token in enumerate(action.tokens):
        if token.norm != "PARTITION":
            continue
        ranges = action.arguments(i + 1)
        last = [action.tokens[behind - 1] for _, behind in ranges]
        values = [t.value if t.kind == "string" else t.text for t in last]
        behind = action.close(i + 1) + (3 if kind == "set" else 2)
        location = "" if kind == "drop" else _location(action.tokens[behind].value)
        columns = [action.tokens[first].name for first, _ in ranges]
        found.append(Partition(kind, columns, values, location))
    return found
