"""The SQL of landing tables and their schema, as pure functions that quote what they are given."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from tidemark_core.errors import ConfigError
from tidemark_core.names import LANDING_SCHEMA, LOAD_ID, landing_relation, quote_redshift

from target_redshift.warehouse.sql.quoting import listed, literal

#: https://docs.aws.amazon.com/redshift/latest/dg/c_Compression_encodings.html
_ENCODINGS = frozenset(
    {
        *("raw", "az64", "bytedict", "delta", "delta32k", "lzo", "runlength", "zstd"),
        *("mostly8", "mostly16", "mostly32", "text255", "text32k"),
    }
)
_DIST_STYLES = frozenset({"auto", "even", "all"})


@dataclass(frozen=True)
class TableOptions:
    """Physical design of a landing table.

    Attributes:
        diststyle: ``auto``, ``even`` or ``all``.
        distkey: Column by which rows are distributed; wins over ``diststyle``.
        sortkey: Columns of the compound sort key; default: by load, so that a reader of the
            latest loads skips all older blocks.
        encode: Encodings by column; others are the warehouse's choice.
    """

    diststyle: str = "even"
    distkey: str | None = None
    sortkey: tuple[str, ...] = (LOAD_ID,)
    encode: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, entries: Sequence[object], columns: Iterable[str]) -> TableOptions:
        """Reads entries of ``REDSHIFT_TABLE_OPTIONS``, of which a later one wins.

        Raises:
            ConfigError: One names a column or a word that does not exist.
        """
        options: dict[str, object] = {}
        for entry in entries:
            if not isinstance(entry, Mapping):
                raise _options_error(f"has {entry!r} where an object should be")
            options |= entry
        unknown = set(options) - {"diststyle", "distkey", "sortkey", "encode"}
        style = str(options.get("diststyle", "even")).lower()
        sortkey = options.get("sortkey", [LOAD_ID])
        encode = options.get("encode", {})
        if unknown or style not in _DIST_STYLES:
            raise _options_error(f"does not know {sorted(unknown)[0] if unknown else style!r}")
        if not isinstance(sortkey, list) or not isinstance(encode, Mapping):
            raise _options_error("needs a list in sortkey and an object in encode")
        known = set(columns)

        def column(name: object) -> str:
            if (folded := str(name).lower()) not in known:
                raise _options_error(f"names the column {name!r}, which the table does not have")
            return folded

        for encoding in encode.values():
            if str(encoding).lower() not in _ENCODINGS:
                raise _options_error(f"does not know encoding {encoding!r}")
        distkey = options.get("distkey")
        return cls(
            style,
            column(distkey) if distkey else None,
            tuple(map(column, sortkey)),
            {column(name): str(encoding).lower() for name, encoding in encode.items()},
        )


def _options_error(what: str) -> ConfigError:
    return ConfigError(
        f"REDSHIFT_TABLE_OPTIONS {what}", hint="docs/loading.md shows the allowed contents"
    )


SCHEMA_EXISTS = f"SELECT 1 FROM pg_namespace WHERE nspname = {literal(LANDING_SCHEMA)}"
CREATE_SCHEMA = f"CREATE SCHEMA IF NOT EXISTS {quote_redshift(LANDING_SCHEMA)}"
#: Name and type of a landing table's columns, in order; no row: there is no such table.
TABLE_COLUMNS = (
    "SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a "
    "JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE n.nspname = {literal(LANDING_SCHEMA)} AND c.relname = ? "
    "AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum"
)
TABLE_COMMENT = (
    "SELECT d.description FROM pg_description d JOIN pg_class c ON c.oid = d.objoid "
    "JOIN pg_namespace n ON n.oid = c.relnamespace "
    f"WHERE n.nspname = {literal(LANDING_SCHEMA)} AND c.relname = ? AND d.objsubid = 0"
)


#: https://docs.aws.amazon.com/redshift/latest/dg/r_enable_large_strings_opt_in.html
HAS_LARGE_STRINGS = "SELECT is_large_string_enabled()"


def create_table(name: str, definitions: Sequence[tuple[str, str]], options: TableOptions) -> str:
    """CREATE TABLE of a landing table; all columns are nullable."""
    columns = ", ".join(
        f"{quote_redshift(column)} {kind}"
        + (f" ENCODE {options.encode[column].upper()}" if column in options.encode else "")
        for column, kind in definitions
    )
    spread = (
        f"DISTSTYLE KEY DISTKEY ({quote_redshift(options.distkey)})"
        if options.distkey
        else f"DISTSTYLE {options.diststyle.upper()}"
    )
    order = f" COMPOUND SORTKEY ({listed(options.sortkey)})" if options.sortkey else ""
    return f"CREATE TABLE {landing_relation(name)} ({columns}) {spread}{order}"


def create_temporary(name: str, definitions: Sequence[tuple[str, str]]) -> str:
    """CREATE TEMP TABLE that a COPY fills before its rows go to the landing table."""
    return f"CREATE TEMP TABLE {quote_redshift(name)} ({_columns(definitions)}) DISTSTYLE EVEN"


def create_stage(name: str, definitions: Sequence[tuple[str, str]]) -> str:
    """The same for a table that outlives the session: a load that is retried has it already."""
    stage = landing_relation(name)
    return f"CREATE TABLE IF NOT EXISTS {stage} ({_columns(definitions)}) DISTSTYLE EVEN"


def _columns(definitions: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{quote_redshift(column)} {kind}" for column, kind in definitions)


def tables_like(prefix: str) -> str:
    """Names of the landing schema's tables that have this prefix."""
    return (
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
        f"WHERE n.nspname = {literal(LANDING_SCHEMA)} AND c.relkind = 'r' "
        f"AND LEFT(c.relname, {len(prefix)}) = {literal(prefix)}"
    )


def comment_table(name: str, comment: str) -> str:
    return f"COMMENT ON TABLE {landing_relation(name)} IS {literal(comment)}"


def add_column(name: str, column: str, kind: str) -> str:
    return f"ALTER TABLE {landing_relation(name)} ADD COLUMN {quote_redshift(column)} {kind}"


def widen_column(name: str, column: str, kind: str) -> str:
    """Redshift refuses this statement inside a transaction block.

    https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_TABLE.html
    """
    return f"ALTER TABLE {landing_relation(name)} ALTER COLUMN {quote_redshift(column)} TYPE {kind}"


def lock_table(name: str) -> str:
    return f"LOCK TABLE {landing_relation(name)}"


def delete_all(name: str) -> str:
    """DELETE, because TRUNCATE commits and a renamed table loses its grants and views."""
    return f"DELETE FROM {landing_relation(name)}"


def has_rows(name: str) -> str:
    return f"SELECT 1 FROM {landing_relation(name)} LIMIT 1"


def insert_all(name: str, source: str, columns: Sequence[str], constants: Mapping[str, str]) -> str:
    """INSERT of another table's rows, with constants (SQL expressions) for further columns.

    Args:
        name: The landing table.
        source: The other table, quoted.
        columns: Columns that both have.
        constants: Expressions of the landing table's other columns.
    """
    return (
        f"INSERT INTO {landing_relation(name)} ({listed([*columns, *constants])}) "
        f"SELECT {', '.join([*map(quote_redshift, columns), *constants.values()])} "
        f"FROM {source}"
    )


def drop_temporary(name: str) -> str:
    return f"DROP TABLE {quote_redshift(name)}"


def drop_table(name: str) -> str:
    return f"DROP TABLE IF EXISTS {landing_relation(name)}"
