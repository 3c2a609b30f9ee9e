"""FROM over SUPER values: ``from t, t.orders as o at i``, ``from t, unpivot t.data as v at name``.

Each becomes a call of the catalogue's function, whose column has the name of its alias;
``unnest(t.orders) with offset as o (order, i)`` has names for its columns already.

Sources: "Unnesting queries" and "Object unpivoting" in "Querying semi-structured data", "UNNEST
examples" and "Limitations" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import NotInRedshift, NotInStandIn
from redshift_stand_in.sql.lexer import Edit, Sql, quote
from redshift_stand_in.sql.rewrite.by_columns import chains
from redshift_stand_in.sql.rewrite.by_columns.chains import Chain, Known
from redshift_stand_in.sql.rewrite.by_columns.scope import Scope
from redshift_stand_in.sql.selects import Select, Source


def rewrite(scope: Scope) -> str:
    """Rewrites the sources of a SELECT that are SUPER values.

    Raises:
        StatementError: there is a right or full outer join beside one, or UNNEST has another form
            than with a path and names for its columns.
    """
    sql, select = scope.sql, scope.select
    names = chains.outer(sql, select)
    edits: list[Edit] = []
    for source in select.sources:
        chain = None if source.is_function or not source.parts else chains.read(sql, source.index)
        if chain and names.is_element(sql, source):
            edits.append(_call(sql, source.alias, chain, names))
        elif source.is_function and source.parts == ("unnest",):
            edits.append(_unnest(sql, source, names))
        names.add(sql, source)
    if edits and _has_outer_join(sql, select):
        raise NotInRedshift("SUPER in a right or full outer join is")
    return sql.edited(edits)


def _call(sql: Sql, alias: str, chain: Chain, names: Known) -> Edit:
    unpivots = sql.norm(chain.start - 1) == "UNPIVOT"
    at = chain.end + (sql.norm(chain.end) == "AS")
    at += at < len(sql) and sql.tokens[at].is_name and sql.tokens[at].name == alias
    columns = [alias]
    if sql.norm(at) == "AT" and at + 1 < len(sql) and sql.tokens[at + 1].is_name:
        columns.append(sql.tokens[at + 1].name)
        at += 2
    verb = ("unpivot" if unpivots else "unnest") + ("_at" if len(columns) > 1 else "")
    call = f"pg_catalog.redshift_{verb}({chains.expression(sql, chain, names)})"
    named = f"as {quote(alias)} ({', '.join(map(quote, columns))})"
    return sql.cut(chain.start - unpivots, at, f"{call} {named}")


def _unnest(sql: Sql, source: Source, names: Known) -> Edit:
    opening = source.index + 1
    end = sql.close(opening)
    chain = chains.read(sql, opening + 1)
    if chain is None or chain.end != end:
        raise NotInStandIn("UNNEST of an expression is")
    offset = sql.norms(end + 1, 2) == ("WITH", "OFFSET")
    behind = end + 1 + 2 * offset
    columns = behind + 1 + (sql.norm(behind) == "AS")
    if sql.norm(columns) != "(" or len(sql.arguments(columns)) != 1 + offset:
        raise NotInStandIn("UNNEST without names for its columns is")
    call = f"pg_catalog.redshift_unnest{'_at' if offset else ''}"
    return sql.cut(source.index, behind, f"{call}({chains.expression(sql, chain, names)})")


def _has_outer_join(sql: Sql, select: Select) -> bool:
    first, behind = select.clause("FROM")
    own = {t.norm for t in sql.tokens[first:behind] if t.depth == select.depth}
    return bool(own & {"RIGHT", "FULL"})
