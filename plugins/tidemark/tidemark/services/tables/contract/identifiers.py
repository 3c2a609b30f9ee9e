"""Names that dbt and Redshift accept, for tables and columns with any name in MySQL. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from tidemark_core.errors import ConfigError
from tidemark_core.names import LandingNames, TableName, fold

#: What a model may be called: a file of its own, and a relation that needs no quotes.
_MODEL = re.compile(r"(?!stg_)[a-z][a-z0-9_]*")
_COLUMN = re.compile(r"[a-z_][a-z0-9_]*")
_ODD = re.compile(r"[^a-z0-9_]+")
#: Beside a table there are others whose names begin with its own: <table>__versions.
_LONGEST = 117
#: https://docs.aws.amazon.com/redshift/latest/dg/r_pg_keywords.html, and PostgreSQL's.
_RESERVED_WORDS = """
    aes128 aes256 all allowoverwrite analyse analyze and any array as asc asymmetric
    authorization az64 backup between binary blanksasnull both bytedict bzip2 case cast
    check collate collation column concurrently connect constraint create credentials cross
    current_catalog current_date current_role current_schema current_time current_timestamp
    current_user current_user_id default deferrable deflate defrag delta delta32k desc
    disable distinct do else emptyasnull enable encode encrypt encryption end except
    explicit false fetch for foreign freeze from full globaldict256 globaldict64k grant
    group gzip having identity ignore ilike in initially inner intersect interval into is
    isnull join language lateral leading left like limit localtime localtimestamp lun luns
    lzo lzop minus mostly16 mostly32 mostly8 natural new not notnull null nulls off offline
    offset oid old on only open or order outer overlaps parallel partition percent
    permissions pivot placing primary qualify raw readratio recover references rejectlog
    resort respect restore returning right select session_user similar snapshot some super
    symmetric sysdate system table tablesample tag tdes text255 text32k then timestamp to
    top trailing true truncatecolumns type union unique unnest unpivot user using variadic
    verbose wallet when where window with without
"""
_RESERVED = frozenset(_RESERVED_WORDS.split())


def needs_quotes(column: str) -> bool:
    """Whether a column's name must be quoted in SQL."""
    return column in _RESERVED or not _COLUMN.fullmatch(column)


def landing_name(table: TableName, names: LandingNames, taken: Collection[str]) -> str:
    """A name for a table's copy, in landing and in public, that no other has.

    Its bare name; if that is taken, or cannot be a model's, one with its schema before it.

    Args:
        table: The table.
        names: The names that were given before; its own is kept.
        taken: Names of other tables and models.
    """
    if str(table) in names.given:
        return names.given[str(table)]
    return next(name for name in _candidates(table) if name not in taken and _is_good(table, name))


def _is_good(table: TableName, name: str) -> bool:
    if not _MODEL.fullmatch(name) or len(name) > _LONGEST:
        return False
    try:
        return LandingNames({str(table): name}).check(table) == name
    except ConfigError:
        return False


def _candidates(table: TableName) -> Iterator[str]:
    yield table.table.lower()
    bare, schema = _cleaned(table.table), _cleaned(table.schema)
    yield bare
    whole = f"{schema}__{bare}"[: _LONGEST - 5]
    if not _is_good(table, whole):  # a schema called stg or tidemark: no name may begin so
        whole = f"t_{whole}"[: _LONGEST - 5]
    yield whole
    number = 2
    while True:
        yield f"{whole}_{number}"
        number += 1


def _cleaned(name: str) -> str:
    plain = _ODD.sub("_", name.lower()).strip("_") or "t"
    return plain if _MODEL.fullmatch(plain) else f"t_{plain}"


def is_own(table: TableName, name: str) -> bool:
    """Whether a name is the one that the table has without being given any."""
    try:
        return fold(table.table) == name
    except ConfigError:
        return False
