"""Statements that mix what runs on the leader node with what runs on the compute nodes.

Sources: "SQL functions supported on the leader node", "Leader node-only functions" and "Compute
node-only functions" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import re

from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.words import words

_LEADER_FUNCTIONS = words(
    "AGE NOW ISFINITE GET_BIT GET_BYTE SET_BIT SET_BYTE TO_ASCII CURRENT_SCHEMA "
    "CURRENT_SCHEMAS CURRENT_SETTING HAS_DATABASE_PRIVILEGE HAS_SCHEMA_PRIVILEGE "
    "HAS_TABLE_PRIVILEGE HAS_FUNCTION_PRIVILEGE HAS_LANGUAGE_PRIVILEGE GENERATE_SERIES "
    "FORMAT_TYPE OBJ_DESCRIPTION COL_DESCRIPTION PG_GET_VIEWDEF PG_GET_EXPR PG_GET_USERBYID "
    "PG_GET_RULEDEF PG_GET_CONSTRAINTDEF PG_GET_INDEXDEF PG_GET_TRIGGERDEF "
    "PG_TABLE_IS_VISIBLE PG_ENCODING_TO_CHAR PG_CLIENT_ENCODING SET_CONFIG PG_BACKEND_PID "
    "ARRAY_TO_STRING PG_TYPE_IS_VISIBLE PG_FUNCTION_IS_VISIBLE"
)
#: The guide's pages of system tables look for the session with it: "PG_BACKEND_PID".
_OF_SYSTEM_TABLES = frozenset(["PG_BACKEND_PID"])
_LEADER_WORDS = frozenset(["CURRENT_TIMESTAMP", "CURRENT_TIME", "LOCALTIME", "LOCALTIMESTAMP"])
_COMPUTE_FUNCTIONS = frozenset(["LISTAGG", "MEDIAN", "PERCENTILE_CONT", "PERCENTILE_DISC"])
#: System views of the leader node: SQLAlchemy's dialect reads them with arrays.
_ON_LEADER = ("svv_external_",)
_SYSTEM = ("stl_", "stv_", "svl_", "svv_", "sys_", "svcs_")
#: What takes the name of an object as a literal.
_BY_NAME = re.compile(r"HAS_\w+_PRIVILEGE|PG_GET_\w+|(?:TO_)?REGCLASS|SET_CONFIG")
_WRITES = frozenset(["INSERT", "UPDATE", "DELETE", "MERGE"])
REFUSED = "Specified types or functions (one per INFO message) not supported on Redshift tables."


def check(sql: Sql) -> None:
    """Refuses a statement that needs both kinds of node where Redshift cannot combine them.

    Raises:
        StatementError: it does.
    """
    called = _called(sql)
    found = selects.find(sql) if sql.words & {"SELECT", "FROM"} else []
    kinds = _read(sql, found)
    written = sql.norm(0) in _WRITES or _is_ctas(sql)
    user = "user" in kinds or sql.norm(0) in ("UPDATE", "DELETE", "MERGE")
    if "catalogue" in kinds and (user or written):
        raise StatementError(REFUSED, detail="the system catalog is on the leader node only")
    if name := functions(sql):
        series = "GENERATE_SERIES" in called and written
        if user or ("system table" in kinds and name - _OF_SYSTEM_TABLES) or series:
            raise StatementError(
                REFUSED, detail=f"{sorted(name)[0].lower()} runs on the leader node only"
            )
    if called & _COMPUTE_FUNCTIONS and not kinds & {"user", "system table", "system view"}:
        raise StatementError(
            "One or more of the used functions must be applied on at least one user created "
            "tables. Examples of user table only functions are LISTAGG, MEDIAN, PERCENTILE_CONT, "
            "etc"
        )


def functions(sql: Sql) -> frozenset[str]:
    """The functions of the leader node that a statement calls."""
    return (_called(sql) & _LEADER_FUNCTIONS) or _bare(sql)


def reads_catalogue_only(sql: Sql) -> bool:
    """Whether a query reads the catalogue, and nothing that is on the compute nodes."""
    return sql.norm(0) in ("SELECT", "WITH") and _read(sql, selects.find(sql)) == {"catalogue"}


def reads_user_tables(sql: Sql) -> bool:
    """Whether a query reads what is on the compute nodes because a user has put it there."""
    return "user" in _read(sql, selects.find(sql))


def runs_later(sql: Sql) -> bool:
    """Whether a statement only keeps its query: CREATE VIEW."""
    return sql.norm(0) == "CREATE" and "VIEW" in sql.norms(1, 3) and "MATERIALIZED" not in sql.words


def takes_names(sql: Sql) -> bool:
    """Whether a statement's literals can be names: it asks the catalogue, and reads no other."""
    head = sql.norm(0)
    if head not in ("SELECT", "WITH", "(", "DECLARE"):
        return head == "SHOW" or (head in ("SET", "ALTER") and "SEARCH_PATH" in sql.words)
    kinds = _read(sql, selects.find(sql))
    return "user" not in kinds and bool(kinds or any(map(_BY_NAME.fullmatch, sql.words)))


def _called(sql: Sql) -> frozenset[str]:
    return frozenset(
        t.norm
        for i, t in enumerate(sql.tokens)
        if t.kind == "word"
        and sql.norm(i + 1) == "("
        and (sql.norm(i - 1) != "." or sql.norm(i - 2) in ("PG_CATALOG", '"'))
    )


def _bare(sql: Sql) -> frozenset[str]:
    return frozenset(
        t.norm
        for i, t in enumerate(sql.tokens)
        if t.norm in _LEADER_WORDS and sql.norm(i - 1) not in (".", "AS", "DEFAULT")
    )


def _is_ctas(sql: Sql) -> bool:
    return sql.norm(0) == "CREATE" and "TABLE" in sql.norms(1, 3) and "SELECT" in sql.words


def _read(sql: Sql, found: list[selects.Select]) -> set[str]:
    """The kinds of the relations that the statement's SELECTs read."""
    common = selects.common_tables(sql)
    return {
        kind(source.parts)
        for select in found
        for source in select.sources
        if source.parts and not (len(source.parts) == 1 and source.parts[0] in common)
        if not source.is_function
    }


def kind(parts: tuple[str, ...]) -> str:
    """Where a relation is: catalogue, system table, system view or user."""
    schema, name = (parts[-2] if len(parts) > 1 else "", parts[-1])
    if schema == "information_schema":
        return "catalogue"
    if schema not in ("", "pg_catalog"):
        return "user"
    if name.startswith(_ON_LEADER):
        return "catalogue"
    if name.startswith(_SYSTEM):
        return "system table" if name.startswith(("stl_", "stv_", "svl_")) else "system view"
    return "catalogue" if name.startswith("pg_") or schema == "pg_catalog" else "user"
