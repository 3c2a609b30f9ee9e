"""Late-binding views: CREATE VIEW … WITH NO SCHEMA BINDING.

Source: "CREATE VIEW" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql import selects
from redshift_stand_in.sql.lexer import Sql, qualified
from redshift_stand_in.sql.tables.create_table import sql_index

_SUFFIX = ("WITH", "NO", "SCHEMA", "BINDING")


@dataclass(frozen=True)
class LateBindingView:
    """A view whose tables are looked up when it is read.

    Attributes:
        name: quoted and qualified.
        parts: the parts of its name.
        columns: names in the column list, if there is one.
        body: the query, expressions not yet rewritten.
        replace: OR REPLACE was given.
    """

    name: str
    parts: list[str]
    columns: list[str]
    body: str
    replace: bool


def _check_sources(query: Sql) -> None:
    """Each table that it reads must be named with its schema."""
    common = selects.common_tables(query)
    for select in selects.find(query):
        for source in select.sources:
            others = {other.alias for other in select.sources if other is not source}
            own = source.is_function or (source.parts and source.parts[0] in common | others)
            if len(source.parts) == 1 and not own:
                raise StatementError(
                    f'relation "{source.parts[0]}" must be qualified with its schema: CREATE VIEW '
                    "… WITH NO SCHEMA BINDING"
                )


def is_late_binding(sql: Sql) -> bool:
    """Whether the statement ends in WITH NO SCHEMA BINDING."""
    return sql.norms(len(sql) - 4, 4) == _SUFFIX


def parse(sql: Sql) -> LateBindingView:
    """Parses the statement.

    Raises:
        StatementError: it has no AS.
    """
    index = sql_index(sql, "VIEW") + 1
    parts, index = sql.table_name(index)
    columns: list[str] = []
    if sql.norm(index) == "(":
        end = sql.close(index)
        columns = [t.name for t in sql.tokens[index + 1 : end] if t.is_name]
        index = end + 1
    if sql.norm(index) != "AS":
        raise sql.unexpected(index)
    body = sql.between(index + 1, len(sql) - 4)
    _check_sources(Sql(body))
    return LateBindingView(
        qualified(parts), parts, columns, body, sql.norms(1, 2) == ("OR", "REPLACE")
    )
