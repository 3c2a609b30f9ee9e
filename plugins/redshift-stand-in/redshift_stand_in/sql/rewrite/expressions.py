"""Redshift's expressions in PostgreSQL's words.

What a function can do is a function in the catalogue; this module does what needs other syntax.
"""

from __future__ import annotations

from collections.abc import Callable

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.checks import names, parameters
from redshift_stand_in.sql.lexer import Edit, Sql, quote
from redshift_stand_in.sql.rewrite import (
    aggregates,
    catalogue,
    constructors,
    outer_joins,
    qualify,
)
from redshift_stand_in.sql.rewrite.catalogue import AFTER_SOURCE
from redshift_stand_in.sql.words import words

_DATE_PART_CALLS = frozenset(
    ["DATEADD", "DATE_ADD", "DATEDIFF", "DATE_DIFF", "DATE_PART", "DATEPART"]
)
#: A column that no alias names is called as the function.
_RENAMED_CALLS = {
    "NVL": "coalesce",
    "DATEDIFF": "date_diff",
    "DATEADD": "date_add",
    "DATEPART": "pgdate_part",
    "DATE_PART": "pgdate_part",
    "LOG": "dlog10",
}
_CLAUSES = frozenset(("SELECT", "FROM", "WHERE", "GROUP", "ORDER", "HAVING", "SET", "VALUES"))
_SIZED_BY_MAX = words("VARCHAR VARYING NVARCHAR CHAR CHARACTER NCHAR BPCHAR VARBYTE TEXT VARBINARY")
_TYPE_PLACES = frozenset(("::", "AS"))
_DECIMALS = words("DECIMAL NUMERIC DEC")
#: Words with PostgreSQL's words for them, and whether the word has that meaning at a place.
_OTHER_WORDS: dict[str, tuple[str, Callable[[Sql, int], bool]]] = {
    "MAX": ("65535", lambda sql, i: sql.norm(i - 2) in _SIZED_BY_MAX and sql.norm(i + 1) == ")"),
    "DATETIME": ("timestamp", lambda sql, i: sql.norm(i - 1) in _TYPE_PLACES),
    "NVARCHAR": ("varchar", lambda *_: True),
    "SYSDATE": ('pg_catalog."timestamp"()', lambda sql, i: sql.norm(i + 1) != "("),
    "CURRENT_USER_ID": (
        "pg_catalog.current_user_id()",
        lambda sql, i: sql.norm(i - 1) not in (".", "AS"),
    ),
    "MINUS": ("except", lambda sql, i: sql.norm(i + 1) in ("SELECT", "(", "ALL")),
    "APPROXIMATE": ("", lambda sql, i: sql.norm(i + 1) == "COUNT"),
}


def rewrite(text: str) -> str:
    """Rewrites the expressions and queries of a statement.

    Args:
        text: one statement, already checked by :func:`refuse.check`.

    Raises:
        StatementError: a form that PostgreSQL has no words for.
    """
    sql = Sql(text)
    sql = Sql(sql.edited(_plain_edits(sql)))
    sql = outer_joins.rewrite(Sql(sql.edited(catalogue.edits(sql))))
    for trigger, change in _STRUCTURAL:
        if trigger in sql.words:
            sql = _repeat(sql, trigger, change)
    return sql.edited(_aliases_of_derived_tables(sql))


def _repeat(sql: Sql, trigger: str, change: Callable[[Sql, int], str]) -> Sql:
    """Changes the last place first, so that an inner one is done before the outer one."""
    behind = len(sql)
    while True:
        places = [i for i in range(behind) if sql.norm(i) == trigger]
        if not places:
            return sql
        behind = places[-1]
        new = change(sql, behind)
        if new != sql.text:
            sql = Sql(new)


def _plain_edits(sql: Sql) -> list[Edit]:
    edits: list[Edit] = []
    if sql.norm(0) == "DELETE" and sql.norm(1) != "FROM":
        edits.append((sql.tokens[0].end, sql.tokens[0].end, " from"))
    for i, token in enumerate(sql.tokens):
        if token.kind == "number" and _is_truth(sql, i):
            edits.append((token.start, token.end, f"({token.text})::int::boolean"))
        elif token.kind == "quoted" and (token.text != token.text.lower() or token.text[0] == "#"):
            edits.append((token.start, token.end, quote(token.name)))
        elif token.kind == "word":
            if token.norm in ("FROM", "JOIN") and sql.norm(i + 1) == "(":
                edits += _bare_table(sql, i + 1)
            if (
                i > 0
                and sql.tokens[i - 1].kind == "number"
                and sql.tokens[i - 1].end == token.start
            ):
                edits.append((token.start, token.start, " "))  # PostgreSQL 8.0 needs no blank
            edits += _word_edits(sql, i)
    return edits


def _bare_table(sql: Sql, opening: int) -> list[Edit]:
    """``from (t)``: Redshift takes parentheses around one table, PostgreSQL around a join."""
    closing = sql.close(opening)
    is_name = all(
        sql.tokens[k].is_name if (k - opening) % 2 else sql.norm(k) == "."
        for k in range(opening + 1, closing)
    )
    if not is_name or (closing - opening) % 2:
        return []
    return [sql.cut(opening, opening + 1), sql.cut(closing, closing + 1)]


def _is_truth(sql: Sql, i: int) -> bool:
    """Whether a number stands for a condition: ``where 1 and …``, as SQLAlchemy has it."""
    return sql.norm(i - 1) == "WHERE" and sql.norm(i + 1) in ("", "AND", "OR", ")")


def _word_edits(sql: Sql, i: int) -> list[Edit]:
    token = sql.tokens[i]
    if names.is_free(sql, i):
        return [(token.start, token.end, quote(token.name))]
    called = sql.norm(i + 1) == "("
    if token.norm in _DECIMALS and not called and sql.norm(i - 1) in _TYPE_PLACES:
        return [(token.end, token.end, "(18,0)")]
    if token.norm == "APPROXIMATE" and sql.norm(i + 1) == "PERCENTILE_DISC":
        return [sql.cut(i, i + 2, "redshift_hidden.percentile_disc")]
    edits = _call_edits(sql, i) if called else []
    if token.norm in _OTHER_WORDS:
        new, is_meant = _OTHER_WORDS[token.norm]
        edits += [(token.start, token.end, new)] if is_meant(sql, i) else []
    return edits


def _call_edits(sql: Sql, i: int) -> list[Edit]:
    """Edits to the name of a called function, and to its arguments."""
    token = sql.tokens[i]
    edits: list[Edit] = []
    if token.norm in _RENAMED_CALLS and sql.norm(i - 1) != ".":
        edits.append((token.start, token.end, _RENAMED_CALLS[token.norm]))
    if token.norm == "EXTRACT" and sql.norm(i + 3) == "FROM":
        part = sql.tokens[i + 2]
        edits.append((token.start, token.end, "pg_catalog.date_part"))
        unit = f"'{part.text}'" if part.kind == "word" else part.text
        edits.append((part.start, part.end, f"{unit}::varchar"))
        edits.append(sql.cut(i + 3, i + 4, ","))
    if token.norm in ("CURRENT_SETTING", "SET_CONFIG") and sql.norm(i + 2) == "'":
        edits += _own_parameter(sql, i)
    if token.norm in _DATE_PART_CALLS and sql.norm(i + 3) == ",":
        part = sql.tokens[i + 2]
        if part.kind == "word":
            edits.append((part.start, part.end, f"'{part.text}'"))
    return edits


def _own_parameter(sql: Sql, i: int) -> list[Edit]:
    """A call about one of Redshift's own parameters, which PostgreSQL knows by another name."""
    given = sql.tokens[i + 2]
    name = given.value.lower()
    if name not in parameters.OWN:
        return []
    if sql.norm(i) == "SET_CONFIG":
        return [(given.start, given.end, f"'redshift.{name}'")]
    if name == "query_group" and sql.norm(i - 1) != ".":
        return [sql.cut(i, sql.close(i + 1) + 1, "pg_catalog.current_setting()")]
    return [sql.cut(i + 2, sql.close(i + 1), f"'redshift.{name}', true")]


def _aliases_of_derived_tables(sql: Sql) -> list[Edit]:
    """Redshift takes a derived table without an alias, PostgreSQL 15 does not."""
    edits: list[Edit] = []
    for i, token in enumerate(sql.tokens):
        if sql.norm(i + 1) != "(" or sql.norm(i + 2) not in ("SELECT", "WITH", "("):
            continue
        # The question about a comma last: it reads back, and an INSERT may have thousands.
        if token.norm not in ("FROM", "JOIN") and (token.norm != "," or not _in_from(sql, i)):
            continue
        if sql.norm(i - 3) == "EXTRACT":
            continue
        end = sql.close(i + 1)
        if not _is_query(sql, i + 1):
            continue
        after = sql.norm(end + 1)
        if after == "" or after in AFTER_SOURCE or after in (")", ",", ";"):
            place = sql.tokens[end].end
            edits.append((place, place, f" as rs_derived_{i}"))
    return edits


def _in_from(sql: Sql, comma: int) -> bool:
    """Whether a comma stands between the tables of a FROM clause."""
    depth = sql.tokens[comma].depth
    for i in range(comma - 1, -1, -1):
        if sql.tokens[i].depth < depth:
            return False
        if sql.tokens[i].depth == depth and sql.norm(i) in _CLAUSES:
            return sql.norm(i) == "FROM"
    return False


def _is_query(sql: Sql, opening: int) -> bool:
    """Whether a parenthesis holds a query, and not a join in parentheses."""
    i = opening + 1
    while sql.norm(i) == "(":
        i += 1
    if sql.norm(i) not in ("SELECT", "WITH"):
        return False
    if i == opening + 1:
        return True
    end = sql.close(opening + 1)
    return sql.norm(end + 1) in ("UNION", "EXCEPT", "INTERSECT", "MINUS", "ORDER", "LIMIT", ")")


def _call(sql: Sql, i: int) -> bool:
    return sql.norm(i + 1) == "(" and sql.norm(i - 1) != "."


def _decode(sql: Sql, i: int) -> str:
    """``decode(x, a, b, …, z)``: NULL equals NULL in it."""
    if not _call(sql, i):
        return sql.text
    end = sql.close(i + 1)
    arguments = [sql.between(*r) for r in sql.arguments(i + 1)]
    if len(arguments) < 3:
        raise StatementError("DECODE takes three arguments or more", SYNTAX_ERROR)
    subject, rest = arguments[0], arguments[1:]
    pairs = zip(rest[::2], rest[1::2], strict=False)
    whens = "".join(f" when ({subject}) is not distinct from ({a}) then {b}" for a, b in pairs)
    otherwise = f" else {rest[-1]}" if len(rest) % 2 else ""
    return sql.edited([sql.cut(i, end + 1, f"case{whens}{otherwise} end")])


def _convert(sql: Sql, i: int) -> str:
    """``convert(type, x)`` as a cast."""
    if not _call(sql, i) or len(ranges := sql.arguments(i + 1)) != 2:
        return sql.text
    kind, value = (sql.between(*r) for r in ranges)
    return sql.edited([sql.cut(i, sql.close(i + 1) + 1, f"cast({value} as {kind})")])


def _top(sql: Sql, i: int) -> str:
    """``select top n …`` as ``… limit n``."""
    number = sql.tokens[i + 1] if i + 1 < len(sql) else None
    if number is None or number.kind != "number" or sql.norm(i - 1) not in ("SELECT", "DISTINCT"):
        return sql.text
    depth = sql.tokens[i].depth
    behind = next(
        (
            k
            for k in range(i, len(sql))
            if (sql.norm(k) == ")" and sql.tokens[k].depth == depth - 1)
            or (sql.tokens[k].depth == depth and sql.norm(k) in ("UNION", "EXCEPT", "INTERSECT"))
        ),
        len(sql),
    )
    place = sql.tokens[behind - 1].end
    return sql.edited([sql.cut(i, i + 2), (place, place, f" limit {number.text}")])


_STRUCTURAL: tuple[tuple[str, Callable[[Sql, int], str]], ...] = (
    ("QUALIFY", qualify.rewrite_at),
    *aggregates.CHANGES,
    *constructors.CHANGES,
    ("DECODE", _decode),
    ("CONVERT", _convert),
    ("TOP", _top),
)
