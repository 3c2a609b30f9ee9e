"""Column types of a CREATE TABLE or ADD COLUMN: Redshift's defaults and limits.

Sources: "Character types", "Numeric types", "VARBYTE type" and "SUPER type" in the Amazon Redshift
Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import (
    INVALID_PARAMETER,
    SYNTAX_ERROR,
    NotInRedshift,
    NotInStandIn,
    StatementError,
)
from redshift_stand_in.sql.lexer import Edit, Sql
from redshift_stand_in.sql.words import words

MAX_VARCHAR = 65535
MAX_CHAR = 4096
MAX_VARBYTE = 16_777_216
DEFAULT_VARBYTE = 64_000
MAX_PRECISION = 38
MAX_SCALE = 37

#: Types that get a length when they stand without one.
_SIZED = {
    "TEXT": "varchar(256)",
    "VARCHAR": "varchar(256)",
    "NVARCHAR": "varchar(256)",
    "BPCHAR": "char(256)",
    "CHAR": "char(1)",
    "NCHAR": "char(1)",
    "CHARACTER": "char(1)",
    "DECIMAL": "numeric(18,0)",
    "DEC": "numeric(18,0)",
    "NUMERIC": "numeric(18,0)",
    "VARBYTE": f"varbyte({DEFAULT_VARBYTE})",
    "VARBINARY": f"varbyte({DEFAULT_VARBYTE})",
}
_RENAMED = {"DEC": "numeric", "NVARCHAR": "varchar", "NCHAR": "char", "VARBINARY": "varbyte"}
_LENGTHS = {
    "VARCHAR": MAX_VARCHAR,
    "NVARCHAR": MAX_VARCHAR,
    "CHAR": MAX_CHAR,
    "NCHAR": MAX_CHAR,
    "CHARACTER": MAX_CHAR,
    "BPCHAR": MAX_CHAR,
    "VARBYTE": MAX_VARBYTE,
    "VARBINARY": MAX_VARBYTE,
}
#: PostgreSQL's types; any other unknown name is that of a type that does not exist.
_UNSUPPORTED = words(
    "JSON JSONB UUID BYTEA XML MONEY INET CIDR MACADDR MACADDR8 TSVECTOR TSQUERY BIT VARBIT "
    "POINT LINE LSEG BOX PATH POLYGON CIRCLE SERIAL BIGSERIAL SMALLSERIAL INTERVAL OID NAME "
    "HSTORE"
)
#: Redshift's own.
_ABSENT = words("GEOMETRY GEOGRAPHY HLLSKETCH INTERVALY2M INTERVALD2S ABSTIME")
_KNOWN = frozenset(
    [
        "SMALLINT",
        "INT2",
        "INTEGER",
        "INT",
        "INT4",
        "BIGINT",
        "INT8",
        "REAL",
        "FLOAT4",
        "DOUBLE",
        "FLOAT",
        "FLOAT8",
        "BOOLEAN",
        "BOOL",
        "DATE",
        "TIME",
        "TIMETZ",
        "TIMESTAMP",
        "TIMESTAMPTZ",
        "DATETIME",
        "BINARY",
        "SUPER",
    ]
) | frozenset(_SIZED)


def column_type(sql: Sql, index: int) -> tuple[list[Edit], int]:
    """Checks and completes the type that begins at a token.

    Returns:
        The edits that PostgreSQL needs, and the index after the type.

    Raises:
        StatementError: Redshift has no such type, or its size is out of range.
    """
    word = sql.norm(index)
    if word in _ABSENT or sql.norms(index, 2) in (("INTERVAL", "YEAR"), ("INTERVAL", "DAY")):
        raise NotInStandIn(f"The type {word} is")
    if word in _UNSUPPORTED:
        raise NotInRedshift(f"The type {word} is")
    if word not in _KNOWN:
        raise StatementError(f'type "{sql.near(index).lower()}" does not exist', "42704")
    if word == "BINARY":
        return _binary_varying(sql, index)
    if word in ("CHARACTER", "NATIONAL") and sql.norm(index + 1) == "VARYING":
        return _sized(sql, index, index + 1, "VARCHAR", "varchar")
    if word in _SIZED:
        return _sized(sql, index, index, word, _RENAMED.get(word))
    if word == "DATETIME":
        return [sql.cut(index, index + 1, "timestamp")], index + 1
    behind = index + 1
    if word == "DOUBLE" and sql.norm(behind) == "PRECISION":
        behind += 1
    if sql.norm(behind) == "(":
        behind = sql.close(behind) + 1
    if word in ("TIME", "TIMESTAMP") and sql.norm(behind) in ("WITH", "WITHOUT"):
        behind += 3
    return [], behind


def _binary_varying(sql: Sql, index: int) -> tuple[list[Edit], int]:
    if sql.norm(index + 1) != "VARYING":
        raise sql.unexpected(index)
    return _sized(sql, index, index + 1, "VARBYTE", "varbyte")


def _sized(
    sql: Sql, first: int, last: int, word: str, renamed: str | None
) -> tuple[list[Edit], int]:
    behind = last + 1
    if sql.norm(behind) != "(":
        return [sql.cut(first, behind, _SIZED[word])], behind
    edits = [sql.cut(first, behind, renamed)] if renamed else []
    end = sql.close(behind)
    if word in ("DECIMAL", "DEC", "NUMERIC"):
        _check_decimal(sql, behind, end)
    elif sql.norm(behind + 1) == "MAX":
        edits.append(sql.cut(behind + 1, behind + 2, str(_LENGTHS[word])))
    else:
        _check_length(sql, behind + 1, word)
    return edits, end + 1


def _check_length(sql: Sql, index: int, word: str) -> None:
    length = _integer(sql, index)
    limit = _LENGTHS[word]
    if length < 1:
        raise StatementError(
            f"length for type {word.lower()} must be at least 1", INVALID_PARAMETER
        )
    if length > limit:
        full = {"VARCHAR": "character varying", "CHAR": "character"}.get(word, word.lower())
        raise StatementError(f"length for type {full} cannot exceed {limit}", INVALID_PARAMETER)


def _check_decimal(sql: Sql, opening: int, end: int) -> None:
    precision = _integer(sql, opening + 1)
    scale = _integer(sql, opening + 3) if end > opening + 2 else 0
    if not 1 <= precision <= MAX_PRECISION:
        raise StatementError(
            f"NUMERIC precision {precision} must be between 1 and {MAX_PRECISION}",
            INVALID_PARAMETER,
        )
    if scale > min(MAX_SCALE, precision):
        raise StatementError(
            f"NUMERIC scale {scale} must be between 0 and {min(MAX_SCALE, precision)}",
            INVALID_PARAMETER,
        )


def _integer(sql: Sql, index: int) -> int:
    text = sql.near(index)
    if not text.isdigit():
        raise StatementError(f'syntax error at or near "{text}"', SYNTAX_ERROR)
    return int(text)
