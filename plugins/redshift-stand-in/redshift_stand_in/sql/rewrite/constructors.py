"""``ARRAY(…)`` and ``OBJECT(…)``: the catalogue's functions take their arguments as JSON.

Sources: "ARRAY function" and "OBJECT function" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Sql


def _arguments(sql: Sql, i: int) -> list[str] | None:
    """The arguments of a call whose name stands at ``i``; None where it is no call."""
    if sql.norm(i + 1) != "(" or sql.norm(i - 1) == "." or sql.norm(i + 2) == "SELECT":
        return None
    return [sql.between(*r) for r in sql.arguments(i + 1)]


def _as_json(value: str) -> str:
    return f"pg_catalog.redshift_super_text(({value})::super)"


def _call(sql: Sql, i: int, name: str, items: Iterable[str]) -> str:
    """A call with an array: PostgreSQL's functions take 100 arguments at most."""
    new = f"pg_catalog.{name}(array[{', '.join(items)}]::text[])"
    return sql.edited([sql.cut(i, sql.close(i + 1) + 1, new)])


def _array(sql: Sql, i: int) -> str:
    arguments = _arguments(sql, i)
    if arguments is None:
        return sql.text
    return _call(sql, i, '"array"', map(_as_json, arguments))


def _object(sql: Sql, i: int) -> str:
    arguments = _arguments(sql, i)
    if arguments is None:
        return sql.text
    if len(arguments) % 2:
        raise StatementError("OBJECT takes pairs of a key and a value", SYNTAX_ERROR)
    pairs = zip(arguments[::2], arguments[1::2], strict=True)
    items = (f"({key})::varchar, {_as_json(value)}" for key, value in pairs)
    return _call(sql, i, '"object"', items)


#: By the word that they begin with.
CHANGES: tuple[tuple[str, Callable[[Sql, int], str]], ...] = (
    ("ARRAY", _array),
    ("OBJECT", _object),
)
