"""CREATE EXTERNAL SCHEMA, and DROP SCHEMA of external ones.

Sources: "CREATE EXTERNAL SCHEMA", "DROP SCHEMA" and "SVV_EXTERNAL_SCHEMAS" (the numbers of the
kinds) in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Sql, quote
from redshift_stand_in.sql.words import words


class _Kind(NamedTuple):
    """A FROM clause: its number, and the options that it must and may have."""

    number: int
    required: frozenset[str]
    optional: frozenset[str] = frozenset()


_CATALOG = _Kind(
    1, words("DATABASE IAM_ROLE"), words("REGION CATALOG_ROLE CATALOG_ID CREATE EXTERNAL")
)
_STREAM = _Kind(
    10,
    words("AUTHENTICATION"),
    words("IAM_ROLE CLUSTER_ARN URI AUTHENTICATION_ARN SECRET_ARN REGION"),
)
_KINDS = {
    ("DATA", "CATALOG"): _CATALOG,
    ("HIVE", "METASTORE"): _Kind(2, words("DATABASE URI IAM_ROLE"), words("PORT CATALOG_ROLE")),
    ("POSTGRES",): _Kind(3, words("DATABASE URI IAM_ROLE SECRET_ARN"), words("SCHEMA PORT")),
    ("REDSHIFT",): _Kind(4, words("DATABASE"), words("SCHEMA")),
    ("MYSQL",): _Kind(8, words("DATABASE URI IAM_ROLE SECRET_ARN"), words("PORT")),
    ("KINESIS",): _Kind(9, words("IAM_ROLE"), words("REGION")),
    ("MSK",): _STREAM,
    ("KAFKA",): _STREAM,
}
_NEW_DATABASE = ("CREATE", "EXTERNAL", "DATABASE", "IF", "NOT", "EXISTS")
#: Options that are in SVV_EXTERNAL_SCHEMAS under another name, or are commands.
_NOT_SHOWN = words("DATABASE CREATE")


@dataclass(frozen=True)
class ExternalSchema:
    """A parsed CREATE EXTERNAL SCHEMA.

    Attributes:
        name: folded.
        if_not_exists: whether one that is there already is left as it is.
        kind: number of the kind of catalogue.
        database: the external one; empty for a stream.
        options: the other options, as JSON.
    """

    name: str
    if_not_exists: bool
    kind: int
    database: str
    options: str


@dataclass(frozen=True)
class DropSchema:
    """A parsed DROP SCHEMA … DROP EXTERNAL DATABASE.

    Attributes:
        names: quoted.
        if_exists: those that do not exist are passed over.
        cascade: what is in them goes too.
    """

    names: list[str]
    if_exists: bool
    cascade: bool


def parse(sql: Sql) -> ExternalSchema:
    """Parses a CREATE EXTERNAL SCHEMA.

    Raises:
        StatementError: an option is missing, or is not one of this kind of catalogue.
    """
    if_not_exists = sql.norms(3, 3) == ("IF", "NOT", "EXISTS")
    index = 6 if if_not_exists else 3
    name = sql.tokens[index].name if index < len(sql) else ""
    if sql.norm(index + 1) != "FROM":
        raise sql.unexpected(index + 1)
    kind, index = _kind(sql, index + 2)
    options = _options(sql, index, kind)
    if missing := kind.required - options.keys():
        raise StatementError(f"{min(missing)} is required in CREATE EXTERNAL SCHEMA", SYNTAX_ERROR)
    shown = {key: value for key, value in options.items() if key not in _NOT_SHOWN}
    return ExternalSchema(
        name,
        if_not_exists,
        kind.number,
        options.get("DATABASE", ""),
        json.dumps(shown, separators=(",", ":")),
    )


def _kind(sql: Sql, index: int) -> tuple[_Kind, int]:
    """The kind of catalogue; DATA CATALOG is the default."""
    for heads, kind in _KINDS.items():
        if sql.norms(index, len(heads)) == heads:
            return kind, index + len(heads)
    if sql.norm(index) == "DATABASE":
        return _CATALOG, index
    raise sql.unexpected(index)


def _options(sql: Sql, index: int, kind: _Kind) -> dict[str, str]:
    options: dict[str, str] = {}
    while index < len(sql):
        word = sql.norm(index)
        if word in options or word not in kind.required | kind.optional:
            raise sql.unexpected(index)
        if word == "CREATE":
            if sql.norms(index, 6) != _NEW_DATABASE:
                raise sql.unexpected(index)
            options[word] = ""
            index += 6
            continue
        options[word] = _value(sql, index + 1, word)
        index += 2
    return options


def _value(sql: Sql, index: int, option: str) -> str:
    """An option's value: a string, but for the words that some options know, and a port."""
    known = {"IAM_ROLE": words("DEFAULT"), "AUTHENTICATION": words("NONE IAM MTLS")}
    token = sql.tokens[index] if index < len(sql) else None
    if token and token.kind == "string" and option not in ("AUTHENTICATION", "PORT"):
        return token.value
    if token and (token.norm in known.get(option, ()) or (option, token.norm) == ("PORT", "0")):
        return token.text.lower()
    raise sql.unexpected(index)


def drops_database(sql: Sql) -> bool:
    """Whether a DROP SCHEMA drops the external databases too."""
    return " DROP EXTERNAL DATABASE" in sql.shape


def parse_drop(sql: Sql) -> DropSchema:
    """Parses a DROP SCHEMA that :func:`drops_database`, whose form has been checked."""
    if_exists = sql.norms(2, 2) == ("IF", "EXISTS")
    index = 4 if if_exists else 2
    names = [quote(sql.tokens[index].name)]
    while sql.norm(index + 1) == ",":
        index += 2
        names.append(quote(sql.tokens[index].name))
    return DropSchema(names, if_exists, sql.norm(len(sql) - 1) == "CASCADE")
