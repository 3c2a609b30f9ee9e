"""Errors that a client of the stand-in sees, and their form on the wire."""

from __future__ import annotations

import re
from collections.abc import Mapping

#: SQLSTATE of a feature that Redshift, or the stand-in, does not have.
NOT_SUPPORTED = "0A000"
SYNTAX_ERROR = "42601"
INTERNAL_ERROR = "XX000"
INVALID_PARAMETER = "22023"
UNDEFINED_COLUMN = "42703"
CANNOT_CAST = "42846"
IN_FAILED_TRANSACTION = "25P02"
ACTIVE_TRANSACTION = "25001"
INVALID_AUTHORIZATION = "28000"
INSUFFICIENT_PRIVILEGE = "42501"

#: Fields of an ErrorResponse that describe PostgreSQL's internals, not the statement.
_INNER_FIELDS = frozenset("sdcnFLRtqpW")

#: The error of a cast that the catalogue forbids (07_casts.sql): the number encodes the two types.
_FORBIDDEN_CAST = re.compile(r"cache lookup failed for function (3[2-9]\d{8})$")
_FIRST_FORBIDDEN = 3 << 30
#: SUPER where PostgreSQL's resolution finds nothing: Redshift decides by the values.
_NO_DYNAMIC_TYPING = re.compile(
    r"function .*\bsuper\b.* does not exist$|operator does not exist: .*\bsuper\b|"
    r".*\bsuper\b.* cannot be matched$|.* could not convert type .*\bsuper\b"
)
_PATH = re.compile(r"function pg_catalog\.redshift_(?:at|unnest|unpivot)\w*\((?!super)([^,)]+)")
#: Redshift has hundreds of them, and the catalogue those that loaders, drivers and dbt read.
_SYSTEM_TABLE = re.compile(
    r'relation "(?:pg_catalog\.)?((?:stl|stv|svl|svv|svcs|sys)_\w+'
    r'|pg_(?:attribute_info|class_info|database_info|library|statistic_indicator))" does not'
)
_TYPES = {16: "boolean", 25: "text", 1042: "character", 1043: "character varying"}


class StatementError(Exception):
    """A statement that Redshift would refuse.

    Attributes:
        code: SQLSTATE, five characters.
        detail: further text for the client, or None.
    """

    def __init__(self, message: str, code: str = NOT_SUPPORTED, detail: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.detail = detail

    def payload(self) -> bytes:
        """The body of the ErrorResponse message."""
        fields = {"S": "ERROR", "C": self.code, "M": str(self)}
        if self.detail:
            fields["D"] = self.detail
        return encode_fields(fields)


class NotInRedshift(StatementError):  # noqa: N818 - reads as what it says
    """Syntax or a feature of PostgreSQL that Amazon Redshift does not have."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not supported by Amazon Redshift")


class NotInStandIn(StatementError):  # noqa: N818
    """A feature of Amazon Redshift that this stand-in does not have."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what} not supported by the local Redshift stand-in (Redshift has it)")


class BackendError(Exception):
    """PostgreSQL's answer to a statement was an error.

    Attributes:
        fields: the ErrorResponse's fields by their one-letter code.
    """

    def __init__(self, payload: bytes) -> None:
        self.fields = decode_fields(payload)
        super().__init__(self.fields.get("M", "unknown error"))

    @property
    def code(self) -> str:
        """SQLSTATE."""
        return self.fields.get("C", INTERNAL_ERROR)

    @property
    def text(self) -> str:
        """The message that the client gets."""
        return as_redshift(self.fields).get("M", str(self))

    def payload(self) -> bytes:
        """The body of the ErrorResponse that the client gets."""
        return encode_fields(as_redshift(self.fields))


def decode_fields(payload: bytes) -> dict[str, str]:
    """Splits the body of an ErrorResponse or NoticeResponse."""
    parts = (part for part in payload.split(b"\0") if part)
    return {part[:1].decode(): part[1:].decode("utf-8", "replace") for part in parts}


def encode_fields(fields: Mapping[str, str]) -> bytes:
    """Joins fields to the body of an ErrorResponse or NoticeResponse."""
    text = "".join(f"{code}{value}\0" for code, value in fields.items())
    return text.encode("utf-8", "replace") + b"\0"


def as_redshift(fields: Mapping[str, str]) -> dict[str, str]:
    """PostgreSQL's error fields in the words that Redshift uses for the same event.

    Source of the texts: "Serializable isolation" and "MERGE" in the Amazon Redshift Database
    Developer Guide, and error reports of Redshift users.
    """
    code, message = fields.get("C", ""), fields.get("M", "")
    if match := _FORBIDDEN_CAST.match(message):
        source, target = divmod(int(match[1]) - _FIRST_FORBIDDEN, 8192)
        text = f"cannot cast type {_TYPES[source]} to {_TYPES[target]}"
        return {"S": "ERROR", "C": CANNOT_CAST, "M": text}
    if match := _PATH.match(message):
        text = f"cannot navigate into a value of type {match[1]}: it is not SUPER"
        return {"S": "ERROR", "C": CANNOT_CAST, "M": text}
    if match := _SYSTEM_TABLE.match(message):
        text = str(NotInStandIn(f"The system table or view {match[1]} is"))
        return {"S": "ERROR", "C": NOT_SUPPORTED, "M": text}
    if message.startswith("cross-database references"):
        text = str(NotInStandIn("A query of another database is"))
        return {"S": "ERROR", "C": NOT_SUPPORTED, "M": text}
    if _NO_DYNAMIC_TYPING.match(message):
        text = (
            f"{message}: cast the value, the local Redshift stand-in only compares SUPER as it is"
        )
        return {"S": "ERROR", "C": NOT_SUPPORTED, "M": text}
    if code == "40001":
        return {
            "S": "ERROR",
            "C": INTERNAL_ERROR,
            "M": "1023",
            "D": f"Serializable isolation violation on table - {_table_of(fields)}, "
            "transactions forming the cycle are: 0, 0 (pid:0)",
        }
    if code == "23502":
        text = f"Cannot insert a NULL value into column {fields.get('c', '')}"
        return {"S": "ERROR", "C": code, "M": text}
    if code == "21000" and message.startswith("MERGE"):
        return {
            "S": "ERROR",
            "C": INTERNAL_ERROR,
            "M": "Found multiple matches to update the same tuple.",
        }
    return {key: value for key, value in fields.items() if key not in _INNER_FIELDS}


def _table_of(fields: Mapping[str, str]) -> str:
    return fields.get("t") or "0"
