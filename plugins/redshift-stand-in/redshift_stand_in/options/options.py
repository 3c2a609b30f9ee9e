"""The parameters of COPY and UNLOAD, read and checked.

Sources: "COPY", "Data format parameters", "Data conversion parameters", "Data load operations",
"Authorization parameters" and "UNLOAD" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from redshift_stand_in.errors import (
    INVALID_PARAMETER,
    SYNTAX_ERROR,
    NotInStandIn,
    StatementError,
)
from redshift_stand_in.options import words
from redshift_stand_in.sql.lexer import Sql

_ROLE = re.compile(r"arn:aws(?:-cn|-us-gov)?:iam::\d{12}:role/[\w+=,.@/-]+")
_OCTAL = re.compile(r"\\([0-7]{1,3})$")
#: NULL AS '\\0' or '\\000': the character NUL.
_NUL = re.compile(r"\\0{1,3}$")
_MAX_ERRORS = 100_000


@dataclass
class Options:
    """Parameters as they were given; the properties say what follows from them.

    Attributes:
        values: by name.
        string_bytes: most bytes of a string in SUPER, which is a parameter of the database.
    """

    values: dict[str, str] = field(default_factory=dict)
    string_bytes: int = 65535

    def __contains__(self, name: str) -> bool:
        return name in self.values

    def number(self, name: str, default: int = 0) -> int:
        """An integer parameter."""
        return int(self.values.get(name, default))

    @property
    def csv(self) -> bool:
        """Whether fields may be quoted as in CSV."""
        return "CSV" in self

    @property
    def parquet(self) -> bool:
        """FORMAT AS PARQUET."""
        return "PARQUET" in self

    @property
    def delimiter(self) -> str:
        """One ASCII character."""
        return self.values.get("DELIMITER", "," if self.csv else "|")

    @property
    def quote(self) -> str:
        """CSV's quote character."""
        return self.values.get("QUOTE", '"')

    @property
    def null(self) -> str:
        r"""What stands for NULL: ``\N`` when the statement does not say."""
        return self.values.get("NULL", "\\N")

    @property
    def empty_as_null(self) -> bool:
        """EMPTYASNULL, or NULL AS ''."""
        return "EMPTYASNULL" in self or self.null == ""

    @property
    def encoding(self) -> str:
        """ENCODING: UTF8 when the statement does not say."""
        return self.values.get("ENCODING", "UTF8")

    @property
    def compression(self) -> str | None:
        """GZIP or ZSTD."""
        return next((name for name in ("GZIP", "ZSTD") if name in self), None)

    @property
    def role(self) -> str | None:
        """The IAM role that is named; None when keys are given."""
        credentials = self.values.get("CREDENTIALS", "")
        if credentials.lower().startswith("aws_iam_role="):
            return credentials.partition("=")[2]
        return self.values.get("IAM_ROLE")

    @property
    def keys(self) -> dict[str, str] | None:
        """Access keys given in the statement, as boto3 names them; None when a role is named."""
        given = dict(self.values)
        for part in given.get("CREDENTIALS", "").split(";"):
            name, _, value = part.partition("=")
            given[name.strip().upper().removeprefix("AWS_").replace("TOKEN", "SESSION_TOKEN")] = (
                value
            )
        if "ACCESS_KEY_ID" not in given:
            return None
        return {
            "aws_access_key_id": given["ACCESS_KEY_ID"],
            "aws_secret_access_key": given.get("SECRET_ACCESS_KEY", ""),
            **({"aws_session_token": t} if (t := given.get("SESSION_TOKEN")) else {}),
        }


def parse(sql: Sql, index: int, command: str) -> Options:
    """Reads the parameters from a token to the end of the statement.

    Args:
        sql: the statement.
        index: where the parameters begin.
        command: COPY or UNLOAD.

    Raises:
        StatementError: an unknown, impossible or unauthorised parameter.
    """
    options = Options()
    while index < len(sql):
        index = _one(sql, index, options.values)
    _check_authorization(options)
    _check_together(options, command)
    _check_values(options)
    return options


def _one(sql: Sql, index: int, values: dict[str, str]) -> int:
    name = sql.norm(index)
    if name in ("WITH", "AS"):
        return index + 1
    index += 1
    if name == "FORMAT":
        index += sql.norm(index) == "AS"
        if sql.norm(index) not in words.FORMATS:
            raise sql.unexpected(index)
        return index
    if name in words.REFUSED:
        raise NotInStandIn(f"The parameter {name} is")
    if name in words.FLAG:
        values[name] = ""
        return index + (name == "PARQUET" and sql.norm(index) == "AS")
    if name not in words.TEXT | words.NUMBER | words.SWITCH | words.OTHER:
        raise sql.unexpected(index - 1)
    index += sql.norm(index) == "AS"
    if name == "PARTITION":
        raise NotInStandIn("UNLOAD … PARTITION BY is")
    if name == "ACCEPTINVCHARS":
        given = sql.norm(index) == "'"
        values[name] = sql.tokens[index].value if given else "?"
        return index + given
    if name in words.SWITCH:
        given = sql.norm(index) in words.SWITCH_VALUES
        values[name] = sql.norm(index) if given else "ON"
        return index + given
    return _value(sql, index, name, values)


def _value(sql: Sql, index: int, name: str, values: dict[str, str]) -> int:
    if index >= len(sql):
        raise StatementError("syntax error at end of input", SYNTAX_ERROR)
    token = sql.tokens[index]
    text = token.value if token.kind == "string" else token.text
    if name in ("NULL", "DELIMITER", "QUOTE") and "\\" in token.text:
        text = _escaped(token.text)
    if name == "ENCODING":
        text = text.upper().replace("-", "")
    elif (
        (name in words.NUMBER and not text.replace(".", "", 1).isdigit())
        or (name == "IAM_ROLE" and token.kind != "string" and token.norm != "DEFAULT")
        or (name in words.TEXT - {"IAM_ROLE"} and token.kind != "string")
    ):
        raise StatementError(f'syntax error at or near "{text}"', SYNTAX_ERROR)
    if name in ("MAXFILESIZE", "ROWGROUPSIZE"):
        unit = sql.norm(index + 1) if sql.norm(index + 1) in ("MB", "GB") else ""
        values[name] = str(int(float(text) * (1 << 30 if unit == "GB" else 1 << 20)))
        return index + 1 + bool(unit)
    values[name] = text
    return index + 1


def _escaped(literal: str) -> str:
    r"""What ``'\N'``, ``'\t'``, ``'\001'`` or ``'\0'`` means to COPY and UNLOAD."""
    inner = literal[1:-1].replace("''", "'").replace("\\\\", "\\")
    if _NUL.fullmatch(inner):
        return "\0"
    return {"\\t": "\t", "\\n": "\n", "\\r": "\r"}.get(inner, inner)


def _check_authorization(options: Options) -> None:
    role = options.role
    if role is None and options.keys is None:
        raise StatementError(
            "COPY and UNLOAD require credentials: IAM_ROLE, CREDENTIALS or ACCESS_KEY_ID",
            SYNTAX_ERROR,
        )
    if role is not None and role.lower() != "default":
        for arn in role.split(",arn:"):
            if not _ROLE.fullmatch(arn if arn.startswith("arn:") else f"arn:{arn}"):
                raise StatementError(f"Invalid IAM role ARN: {role}", INVALID_PARAMETER)


def _check_together(options: Options, command: str) -> None:
    given = options.values.keys()
    if command == "COPY" and (extra := sorted(given & words.UNLOAD_ONLY)):
        raise StatementError(f'syntax error at or near "{extra[0]}"', SYNTAX_ERROR)
    if command == "COPY" and options.parquet and (extra := sorted(given - words.COLUMNAR)):
        raise StatementError(f"{extra[0]} argument is not supported for PARQUET based COPY")
    if options.csv and (extra := sorted(given & words.NOT_IN_CSV)):
        raise StatementError(f"CSV is not compatible with {extra[0]}", SYNTAX_ERROR)
    if "QUOTE" in options and not options.csv:
        raise StatementError("QUOTE can be specified only with the CSV option", SYNTAX_ERROR)
    if "GZIP" in options and "ZSTD" in options:
        raise StatementError("only one of GZIP and ZSTD can be specified", SYNTAX_ERROR)
    if given >= {"ALLOWOVERWRITE", "CLEANPATH"}:
        raise StatementError("CLEANPATH is not compatible with ALLOWOVERWRITE", SYNTAX_ERROR)
    if "ACCEPTANYDATE" in options and "DATEFORMAT" not in options:
        raise StatementError("ACCEPTANYDATE needs DATEFORMAT", SYNTAX_ERROR)


def _check_values(options: Options) -> None:
    values = options.values
    if options.number("MAXERROR") > _MAX_ERRORS:
        raise StatementError(f"MAXERROR limit is {_MAX_ERRORS}", INVALID_PARAMETER)
    for name in ("DELIMITER", "QUOTE"):
        if name in values:
            text = values[name]
            if octal := _OCTAL.match(text):
                text = chr(int(octal[1], 8))
            if len(text) != 1 or not text.isascii():
                raise StatementError(f"{name} must be a single ASCII character", INVALID_PARAMETER)
            values[name] = text
    if options.encoding not in words.ENCODINGS:
        raise StatementError(f"invalid encoding {options.encoding}", INVALID_PARAMETER)
    if "\n" in options.null:
        raise StatementError("NULL AS may not be a newline", INVALID_PARAMETER)
    replacement = values.get("ACCEPTINVCHARS", "?")
    if len(replacement) != 1 or not replacement.isascii() or replacement == "\0":
        raise StatementError("ACCEPTINVCHARS takes one ASCII character", INVALID_PARAMETER)
