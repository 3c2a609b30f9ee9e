"""Redshift's SHOW commands as queries of the catalogue.

Source: "SHOW TABLES", "SHOW COLUMNS", "SHOW SCHEMAS", "SHOW GRANTS", "SHOW DATABASES", "SHOW
CONSTRAINTS" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import SYNTAX_ERROR, NotInStandIn, StatementError
from redshift_stand_in.sql.lexer import Sql, literal

_KINDS = frozenset(["TABLES", "COLUMNS", "SCHEMAS", "GRANTS", "DATABASES"])
_NOISE = frozenset(
    [
        "SHOW",
        "TABLES",
        "COLUMNS",
        "SCHEMAS",
        "GRANTS",
        "DATABASES",
        "FROM",
        "ON",
        "SCHEMA",
        "TABLE",
        "DATABASE",
    ]
)
#: SHOW CONSTRAINTS: the function, and the column that names the table's database.
_CONSTRAINTS: dict[tuple[str, ...], tuple[str, str]] = {
    ("PRIMARY", "KEYS", "FROM"): ("redshift_show_primary_keys({})", "database_name"),
    ("FOREIGN", "KEYS", "FROM"): ("redshift_show_foreign_keys({}, false)", "fk_database_name"),
    ("FOREIGN", "KEYS", "EXPORTED"): ("redshift_show_foreign_keys({}, true)", "pk_database_name"),
}
_LIKE_COLUMN = {"TABLES": "table_name", "COLUMNS": "column_name", "SCHEMAS": "schema_name"}


def query(sql: Sql) -> str | None:
    """The query that answers a SHOW, or None for one that PostgreSQL answers itself.

    Raises:
        StatementError: it is incomplete, or the stand-in does not have it.
    """
    kind = sql.norm(1)
    if kind in (
        "TABLE",
        "VIEW",
        "PROCEDURE",
        "MODEL",
        "DATASHARES",
        "EXTERNAL",
        "COLUMN",
        "PARAMETERS",
    ):
        raise NotInStandIn(f"SHOW {kind} is")
    if kind == "CONSTRAINTS":
        return _constraints(sql)
    if kind not in _KINDS:
        return None
    names, rest = _names(sql)
    if kind == "TABLES":
        base = f"select * from pg_catalog.redshift_show_tables({literal(_last(names, 1)[0])})"
    elif kind == "SCHEMAS":
        base = "select * from pg_catalog.redshift_show_schemas()"
    elif kind == "DATABASES":
        base = "select * from pg_catalog.redshift_show_databases()"
    else:
        schema, table = _last(names, 2)
        function = "redshift_show_columns" if kind == "COLUMNS" else "redshift_show_grants"
        base = f"select * from pg_catalog.{function}({literal(schema)}, {literal(table)})"
    return base + _filter(sql, rest, kind)


def _constraints(sql: Sql) -> str:
    """``SHOW CONSTRAINTS {PRIMARY KEYS | FOREIGN KEYS [EXPORTED]} FROM TABLE name [LIMIT n]``."""
    head = sql.norms(2, 3)
    i = 5 if "EXPORTED" in head else 4
    if head not in _CONSTRAINTS or sql.norms(i, 2) != ("FROM", "TABLE"):
        raise sql.unexpected(2)
    function, database = _CONSTRAINTS[head]
    parts, behind = _qualified(sql, i + 2)
    base = f"select * from pg_catalog.{function.format(', '.join(_last(parts, 2)))}"
    if len(parts) > 2:
        base += f" where {database} = {parts[0]}"
    return base + _filter(sql, behind, "CONSTRAINTS")


def _qualified(sql: Sql, i: int) -> tuple[list[str], int]:
    """The parts of a name as SQL: literals, or the parameters that the driver has for them."""
    parts: list[str] = []
    while i < len(sql):
        token = sql.tokens[i]
        parts.append(f"{token.text}::text" if token.kind == "param" else literal(token.name))
        if sql.norm(i + 1) != ".":
            return parts, i + 1
        i += 2
    return parts, i


def _names(sql: Sql) -> tuple[list[str], int]:
    names, i = [], 1
    while i < len(sql) and sql.norm(i) not in ("LIKE", "LIMIT", "FOR"):
        token = sql.tokens[i]
        if token.kind == "quoted" or (token.kind == "word" and token.norm not in _NOISE):
            names.append(token.name)
        i += 1
    return names, i


def _last(names: list[str], count: int) -> list[str]:
    if len(names) < count:
        raise StatementError("syntax error at end of input", SYNTAX_ERROR)
    return names[-count:]


def _filter(sql: Sql, index: int, kind: str) -> str:
    text = ""
    if sql.norm(index) == "LIKE" and index + 1 < len(sql):
        column = _LIKE_COLUMN.get(kind, "identity_name")
        text += f" where {column} like {literal(sql.tokens[index + 1].value)}"
        index += 2
    if sql.norm(index) == "LIMIT":
        text += f" limit {int(sql.near(index + 1))}"
        index += 2
    if index < len(sql):
        raise NotInStandIn(f"SHOW {kind} … {sql.near(index)} is")
    return text
