"""Which users may COPY and UNLOAD with which IAM role.

Until it is revoked from PUBLIC, every user may use every role of the cluster.

Sources: "GRANT", "REVOKE", "Usage notes for granting the ASSUMEROLE permission" in the Amazon
Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from redshift_stand_in.context import Context
from redshift_stand_in.errors import (
    INSUFFICIENT_PRIVILEGE,
    SYNTAX_ERROR,
    StatementError,
)
from redshift_stand_in.options.options import Options
from redshift_stand_in.sql.lexer import Sql, array, literal

#: What can be granted, in Redshift's words.
COMMANDS = ("COPY", "UNLOAD", "EXTERNAL FUNCTION", "CREATE MODEL")
#: Stands for every role that is attached to the cluster.
EVERY_ROLE = "*"


@dataclass(frozen=True)
class AssumeRole:
    """A parsed GRANT or REVOKE ASSUMEROLE.

    Attributes:
        grants: whether it is a GRANT.
        roles: ARNs, ``default`` or `EVERY_ROLE`.
        grantees: names of users, groups and roles; ``public``.
        commands: of `COMMANDS`.
    """

    grants: bool
    roles: tuple[str, ...]
    grantees: tuple[str, ...]
    commands: tuple[str, ...]


def is_meant(sql: Sql) -> bool:
    """Whether a statement is a GRANT or REVOKE of ASSUMEROLE."""
    return sql.norm(0) in ("GRANT", "REVOKE") and sql.norm(1) == "ASSUMEROLE"


def parse(sql: Sql) -> AssumeRole:
    """Parses a GRANT or REVOKE ASSUMEROLE.

    Raises:
        StatementError: Redshift refuses it.
    """
    grants = sql.norm(0) == "GRANT"
    names = [token.norm for token in sql.tokens]
    to, end = _find(names, "TO" if grants else "FROM", 3), len(names)
    last = _find(names, "FOR", to)
    if sql.norm(2) != "ON":
        raise sql.unexpected(2)
    return AssumeRole(
        grants,
        tuple(_role(sql, first, behind) for first, behind in _listed(names, 3, to)),
        tuple(_grantee(sql, first, behind) for first, behind in _listed(names, to + 1, last)),
        _commands(sql, _listed(names, last + 1, end)),
    )


def _find(names: Sequence[str], word: str, start: int) -> int:
    try:
        return names.index(word, start)
    except ValueError:
        raise StatementError(f"syntax error: {word} is missing", SYNTAX_ERROR) from None


def _listed(names: Sequence[str], first: int, behind: int) -> list[tuple[int, int]]:
    """The index ranges of the parts of a comma-separated list."""
    commas = [i for i in range(first, behind) if names[i] == ","]
    starts = [first, *(i + 1 for i in commas)]
    return list(zip(starts, [*commas, behind], strict=True))


def _role(sql: Sql, first: int, behind: int) -> str:
    token = sql.tokens[first]
    if behind - first == 1:
        if token.kind == "string":
            return token.value
        if token.norm in ("ALL", "DEFAULT"):
            return EVERY_ROLE if token.norm == "ALL" else "default"
    raise sql.unexpected(first)


def _grantee(sql: Sql, first: int, behind: int) -> str:
    if sql.norm(first) in ("ROLE", "GROUP") and behind - first == 2:
        first += 1
    if behind - first != 1:
        raise sql.unexpected(first)
    return sql.tokens[first].name


def _commands(sql: Sql, listed: list[tuple[int, int]]) -> tuple[str, ...]:
    given = [" ".join(sql.norms(first, behind - first)) for first, behind in listed]
    if given == ["ALL"]:
        return COMMANDS
    for name, (first, _) in zip(given, listed, strict=True):
        if name not in COMMANDS:
            raise sql.unexpected(first)
    return tuple(given)


def plan(sql: Sql) -> Callable[[Context], str]:
    """What runs the GRANT or REVOKE."""
    found = parse(sql)
    lists = ", ".join(map(array, (found.roles, found.grantees, found.commands)))

    def run(context: Context) -> str:
        context.query(f"select pg_catalog.redshift_assumerole({found.grants}, {lists})")
        return "GRANT" if found.grants else "REVOKE"

    return run


def check(context: Context, options: Options, command: str) -> None:
    """Makes sure that the user may use the role that a COPY or UNLOAD names.

    Raises:
        StatementError: the user may not.
    """
    role = options.role
    if role is None:
        return
    ((user, may),) = context.query(
        "select current_user, pg_catalog.has_assumerole_privilege("
        f"current_user, {literal(role)}, {literal(command)})"
    )
    if may != "t":
        raise StatementError(
            f'User {user} does not have ASSUMEROLE permission on IAM role "{role}" for {command}',
            INSUFFICIENT_PRIVILEGE,
        )
