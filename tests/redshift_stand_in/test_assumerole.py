"""Who may COPY and UNLOAD by which role: everybody, until it is revoked from PUBLIC."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redshift_connector
from redshift_stand_in.assumerole import COMMANDS, EVERY_ROLE, parse
from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql.lexer import Sql as Statement

ARN = "arn:aws:iam::000000000000:role/copy"
OTHER = "arn:aws:iam::000000000000:role/other"


@pytest.fixture(params=["loads", "reads"])
def user(request: pytest.FixtureRequest, sql: Any) -> str:
    if not sql(f"select 1 from pg_user where usename = '{request.param}'"):
        sql(f"create user {request.param} password 'Secret123'")
    sql(f"grant usage, create on schema t to {request.param}")
    return str(request.param)


@pytest.fixture
def restricted(sql: Any) -> Iterator[None]:
    """What load/redshift does for a cluster, undone afterwards."""
    if not sql("select 1 from pg_user where usename = 'loads'"):
        sql("create user loads password 'Secret123'")
    sql(f"grant assumerole on '{ARN}' to loads for copy")
    sql("revoke assumerole on all from public for all")
    yield
    sql("revoke assumerole on all from loads for all")
    sql("grant assumerole on all to public for all")


def loads(world: Any, session: Any, role: str = ARN) -> str:
    """What a COPY of one row into a temporary table says; empty when it is good."""
    url = world.put("roles/a.csv", "1\n")
    session("create temp table if not exists stolen(a int)")
    try:
        session(f"copy stolen from '{url}' iam_role '{role}' csv")
    except redshift_connector.Error as error:
        fields = error.args[0]
        return str(fields["M"])
    return ""


def test_every_user_may_use_every_role_at_first(world: Any, sql: Any, user: str) -> None:
    session = type(sql)(world.connect(user))
    assert loads(world, session) == ""
    assert session(f"select has_assumerole_privilege('{OTHER}', 'unload')") == [[True]]


def test_afterwards_only_whom_it_was_granted_and_only_that(
    world: Any, sql: Any, user: str, restricted: None
) -> None:
    session = type(sql)(world.connect(user))
    may = user == "loads"
    refusal = 'User {} does not have ASSUMEROLE permission on IAM role "{}" for {}'
    assert loads(world, session) == ("" if may else refusal.format(user, ARN, "COPY"))
    assert loads(world, session, OTHER) == refusal.format(user, OTHER, "COPY")
    unload = session.error(f"unload ('select 1') to 's3://stage/out/' iam_role '{ARN}'")
    assert unload == refusal.format(user, ARN, "UNLOAD")
    assert world.keys("out/") == []
    assert session(f"select has_assumerole_privilege('{ARN}', 'copy')") == [[may]]
    assert session(f"select has_assumerole_privilege('{ARN}', 'unload')") == [[False]]


def test_a_superuser_always_may(world: Any, sql: Any, restricted: None) -> None:
    assert loads(world, sql) == ""
    assert sql(f"select has_assumerole_privilege('loads', '{ARN}', 'copy')") == [[True]]


def test_a_group_may_hold_it(world: Any, sql: Any, user: str, restricted: None) -> None:
    sql("create group copiers")
    try:
        sql(f"alter group copiers add user {user}")
        sql(f"grant assumerole on '{OTHER}' to group copiers for copy, unload")
        assert loads(world, type(sql)(world.connect(user)), OTHER) == ""
    finally:
        sql(f"revoke assumerole on '{OTHER}' from group copiers for all")
        sql("drop group copiers")


def test_only_a_superuser_hands_it_out_or_sees_others(
    world: Any, sql: Any, user: str, restricted: None
) -> None:
    session = type(sql)(world.connect(user))
    for statement in (
        f"grant assumerole on '{ARN}' to {user} for copy",
        "grant assumerole on all to public for all",
        "revoke assumerole on all from loads for all",
    ):
        assert "superuser" in session.error(statement)
    assert "permission denied" in session.error(
        f"select has_assumerole_privilege('admin', '{ARN}', 'copy')"
    )


def test_what_is_not_there_is_refused(sql: Any) -> None:
    assert "does not exist" in sql.error(f"grant assumerole on '{ARN}' to nobody_at_all for copy")


def test_the_guides_statements_are_read() -> None:
    found = parse(Statement("revoke assumerole on all from public for all"))
    assert (found.grants, found.roles, found.grantees) == (False, (EVERY_ROLE,), ("public",))
    assert found.commands == COMMANDS
    found = parse(
        Statement("GRANT ASSUMEROLE ON 'a', DEFAULT TO u, ROLE r, GROUP g FOR CREATE MODEL, COPY")
    )
    assert (found.grants, found.roles) == (True, ("a", "default"))
    assert found.grantees == ("u", "r", "g")
    assert found.commands == ("CREATE MODEL", "COPY")


@pytest.mark.parametrize(
    "statement",
    [
        "grant assumerole to u for copy",
        "grant assumerole on 'a' to u",
        "grant assumerole on 'a' for copy",
        "grant assumerole on a to u for copy",
        "grant assumerole on 'a' to u for select",
        "grant assumerole on 'a' to for copy",
        "grant assumerole on 'a', to u for copy",
    ],
)
def test_what_the_guide_has_not_is_refused(statement: str) -> None:
    with pytest.raises(StatementError, match="syntax error"):
        parse(Statement(statement))
