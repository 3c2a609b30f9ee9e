"""The catalogue's relations that a statement reads: this catalogue's in place of PostgreSQL's."""

from __future__ import annotations

from redshift_stand_in.sql.lexer import Edit, Sql

#: What may follow a table or a derived table that has no alias.
AFTER_SOURCE = frozenset(
    [
        "WHERE",
        "GROUP",
        "ORDER",
        "LIMIT",
        "OFFSET",
        "UNION",
        "JOIN",
        "LEFT",
        "INNER",
        "CROSS",
        "RIGHT",
        "FULL",
        "NATURAL",
        "HAVING",
        "ON",
        "USING",
        "EXCEPT",
        "INTERSECT",
        "MINUS",
        "QUALIFY",
        "WHEN",
        "SET",
    ]
)
#: Catalogue relations whose rows or columns differ from PostgreSQL's: a late-binding view has no
#: columns in Redshift's, its definition is its text, and external tables are not in it.
_RELATIONS = {
    ("PG_CATALOG", "PG_ATTRDEF"): "pg_catalog.redshift_attrdef",
    ("PG_CATALOG", "PG_ATTRIBUTE"): "pg_catalog.redshift_attribute",
    ("PG_CATALOG", "PG_CLASS"): "pg_catalog.redshift_class",
    ("PG_CATALOG", "PG_NAMESPACE"): "pg_catalog.redshift_namespace",
    ("PG_CATALOG", "PG_TABLES"): "pg_catalog.redshift_tables",
    ("PG_CATALOG", "PG_VIEWS"): "pg_catalog.redshift_views",
    ("INFORMATION_SCHEMA", "COLUMNS"): "information_schema.redshift_columns",
    ("INFORMATION_SCHEMA", "TABLES"): "information_schema.redshift_tables",
    ("INFORMATION_SCHEMA", "VIEWS"): "information_schema.redshift_views",
}
#: Used in a statement that reads pg_index: the indexes of keys are rows of these too.
_WITH_INDEXES = {
    "pg_catalog.redshift_attribute": "pg_catalog.redshift_attribute_and_indexes",
    "pg_catalog.redshift_class": "pg_catalog.redshift_class_and_indexes",
}


def edits(sql: Sql) -> list[Edit]:
    """The edits that put our relations in place of PostgreSQL's."""
    found: list[Edit] = []
    for i, token in enumerate(sql.tokens):
        qualified = sql.norm(i + 1) == "." and i + 2 < len(sql)
        named = sql.tokens[i + 2] if qualified else token
        schema = token.name.upper() if qualified and token.is_name else "PG_CATALOG"
        if qualified and sql.norm(i + 3) == "." and (schema, named.norm) in _RELATIONS:
            found.append(sql.cut(i, i + 2))  # a column: its table has an alias now
            continue
        if not named.is_name or sql.norm(i - 1) not in ("FROM", "JOIN", ","):
            continue
        if new := _RELATIONS.get((schema, named.name.upper())):
            new = _WITH_INDEXES.get(new, new) if "PG_INDEX" in sql.words else new
            behind = i + (3 if qualified else 1)
            aliased = sql.norm(behind) == "AS" or (
                behind < len(sql)
                and sql.tokens[behind].is_name
                and sql.norm(behind) not in AFTER_SOURCE
            )
            found.append(sql.cut(i, behind, new if aliased else f"{new} as {named.name}"))
    return found
