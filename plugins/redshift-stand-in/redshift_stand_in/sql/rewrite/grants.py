"""GRANT, REVOKE, users, groups and roles in PostgreSQL's words.

PostgreSQL has one kind of role for the three of Redshift, so a user, a group and a role cannot
share a name here.

Source: "GRANT", "REVOKE", "CREATE USER", "CREATE GROUP", "CREATE ROLE" in the Amazon Redshift
Database Developer Guide.
"""

from __future__ import annotations

import re

from redshift_stand_in.errors import INVALID_PARAMETER, NotInStandIn, StatementError
from redshift_stand_in.sql.checks import parameters
from redshift_stand_in.sql.lexer import Edit, Sql

#: Options of CREATE and ALTER USER that say nothing that the stand-in could act on.
_REFUSED_OPTIONS = frozenset(["SYSLOG", "SESSION", "EXTERNALID"])


def rewrite(sql: Sql) -> str | None:
    """PostgreSQL's form of the statement, or None when it is none of these.

    Raises:
        StatementError: it has a part that the stand-in does not have.
    """
    head = sql.norms(0, 2)
    if head[0] in ("GRANT", "REVOKE") or head == ("ALTER", "DEFAULT"):
        return _grant(sql)
    if head in (("CREATE", "USER"), ("ALTER", "USER")):
        return _user(sql)
    if head == ("DROP", "ROLE"):
        return sql.edited(_last_word(sql, ("FORCE", "RESTRICT")))
    if head[1] == "ROLE" and "EXTERNALID" in sql.words:
        raise NotInStandIn("EXTERNALID is")
    if head == ("ALTER", "ROLE") and sql.norm(3) == "WITH":
        return sql.edited([sql.cut(3, 4)])
    return None


def _grant(sql: Sql) -> str:
    edits: list[Edit] = []
    for i, token in enumerate(sql.tokens):
        after_list = sql.norm(i - 1) in ("TO", "FROM", ",", "FOR") and i > 0
        if token.norm == "ROLE" and (after_list or i == 1):
            edits.append(sql.cut(i, i + 1))
    if sql.norm(0) == "REVOKE" and sql.norms(1, 4) == ("ADMIN", "OPTION", "FOR", "ROLE"):
        edits.append(sql.cut(4, 5))
    return sql.edited(set(edits))


def _user(sql: Sql) -> str:
    """PASSWORD DISABLE, CREATEUSER and its like; the rest is PostgreSQL's too."""
    edits: list[Edit] = []
    if sql.norm(3) == "WITH" and sql.norm(4) in ("SET", "RESET", "RENAME"):
        edits.append(sql.cut(3, 4))
    _check_parameter(sql)
    for i, token in enumerate(sql.tokens[3:], start=3):
        if token.kind == "string" and sql.norm(i - 1) == "PASSWORD":
            _check_password(token.value)
        if token.norm in _REFUSED_OPTIONS:
            raise NotInStandIn(f"{sql.norm(0)} USER … {token.norm} is")
        if token.norm == "DISABLE" and sql.norm(i - 1) == "PASSWORD":
            edits.append(sql.cut(i, i + 1, "null"))
        elif token.norm == "UNLIMITED":
            edits.append(sql.cut(i, i + 1, "-1"))
        elif token.norm in ("CREATEUSER", "NOCREATEUSER"):
            # A Redshift superuser may make users; no client is PostgreSQL's superuser here.
            edits.append(sql.cut(i, i + 1, token.norm.replace("USER", "ROLE").lower()))
    return sql.edited(edits)


def _check_parameter(sql: Sql) -> None:
    """Only PostgreSQL's superuser may give a user a parameter that PostgreSQL does not know."""
    for i, token in enumerate(sql.tokens[:6]):
        if sql.norm(i - 1) in ("SET", "RESET") and token.name in parameters.OWN:
            raise NotInStandIn(f"ALTER USER … {sql.norm(i - 1)} {token.name} is")


def _check_password(password: str) -> None:
    """Its length and its characters ("CREATE USER"); a hash is taken as it is.

    The driver's tests have characters beyond ASCII in one.
    """
    if password.startswith("sha256|"):
        raise NotInStandIn("A password with SHA-256 is")
    if re.fullmatch(r"md5[0-9a-f]{32}", password):
        return
    if not 8 <= len(password) <= 64:
        raise StatementError("password must be 8 to 64 characters long", INVALID_PARAMETER)
    wanted = {"[A-Z]": "an uppercase letter", "[a-z]": "a lowercase letter", "[0-9]": "a number"}
    for pattern, what in wanted.items():
        if not re.search(pattern, password):
            raise StatementError(f"password must contain {what}", INVALID_PARAMETER)
    if re.search(r"[\x00-\x20\x7f'\"\\/@]", password):
        raise StatementError("password has a character that it may not have", INVALID_PARAMETER)


def _last_word(sql: Sql, words: tuple[str, ...]) -> list[Edit]:
    last = len(sql) - 1
    return [sql.cut(last, last + 1)] if sql.norm(last) in words else []
