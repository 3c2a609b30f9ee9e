"""The table that a COPY loads: its columns as the catalogue knows them."""

from __future__ import annotations

from dataclasses import dataclass

from redshift_stand_in.context import Context
from redshift_stand_in.errors import UNDEFINED_COLUMN, StatementError
from redshift_stand_in.options.options import Options
from redshift_stand_in.sql.lexer import literal, quote

_CHARACTER = ("varchar", "bpchar")


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: its name.
        kind: PostgreSQL's internal name of its type: int4, varchar, numeric, …
        modifier: the type's modifier, -1 when there is none.
        not_null: whether NULL is refused.
        identity: whether IDENTITY makes its values.
    """

    name: str
    kind: str
    modifier: int = -1
    not_null: bool = False
    identity: bool = False

    @property
    def is_character(self) -> bool:
        """CHAR or VARCHAR."""
        return self.kind in _CHARACTER

    @property
    def length(self) -> int:
        """Length of a CHAR, VARCHAR or VARBYTE in bytes; 0 for other types."""
        return max(self.modifier - 4, 0) if self.is_character or self.kind == "varbyte" else 0

    @property
    def precision(self) -> int:
        """Digits of a DECIMAL."""
        return ((self.modifier - 4) >> 16) & 0xFFFF

    @property
    def scale(self) -> int:
        """Digits of a DECIMAL after the point."""
        return (self.modifier - 4) & 0xFFFF


@dataclass(frozen=True)
class Target:
    """The table that is loaded.

    Attributes:
        table: quoted, qualified name.
        oid: its number.
        name: its bare name.
        columns: to be filled, in the order of the file's fields.
        temporary: whether it is a temporary table.
    """

    table: str
    oid: int
    name: str
    columns: list[Column]
    temporary: bool = False

    @property
    def copy_statement(self) -> str:
        """The COPY that PostgreSQL gets; empty unquoted fields are NULL in it."""
        columns = ", ".join(quote(c.name) for c in self.columns)
        return f"copy {self.table} ({columns}) from stdin (format csv)"

    @property
    def count_statement(self) -> str:
        """The statement that tells PostgreSQL's planner how many rows there are now.

        For a table without statistics it guesses from the declared width of the columns, expects
        one row in thousands of pages, and joins each row with each. Autovacuum does not see
        temporary tables.
        """
        return f"analyze {self.table} ({quote(self.columns[0].name)})"


def look_up(context: Context, table: str, names: list[str] | None, options: Options) -> Target:
    """Reads the table's columns.

    Args:
        context: the session.
        table: quoted, qualified name.
        names: the column list, or None for all columns.
        options: of the COPY.

    Raises:
        BackendError: the table is not there.
        StatementError: a listed column is not there or not loadable.
    """
    rows = context.query(
        "select a.attrelid::int, c.relname, a.attname, t.typname, a.atttypmod, a.attnotnull, "
        "a.attidentity, c.relpersistence "
        "from pg_catalog.pg_attribute a join pg_catalog.pg_type t on t.oid = a.atttypid "
        "join pg_catalog.pg_class c on c.oid = a.attrelid "
        f"where a.attrelid = {literal(table)}::pg_catalog.regclass and a.attnum > 0 and not "
        f"a.attisdropped "
        "order by a.attnum"
    )
    columns = {
        str(name): Column(
            str(name), str(kind), int(modifier or -1), not_null == "t", bool(identity)
        )
        for _, _, name, kind, modifier, not_null, identity, _ in rows
    }
    explicit = "EXPLICIT_IDS" in options
    if names is None:
        chosen = [c for c in columns.values() if explicit or not c.identity]
    else:
        chosen = [_listed(columns, name, table, explicit=explicit) for name in names]
    return Target(table, int(rows[0][0] or 0), str(rows[0][1]), chosen, rows[0][7] == "t")


def _listed(columns: dict[str, Column], name: str, table: str, *, explicit: bool) -> Column:
    column = columns.get(name)
    if column is None:
        raise StatementError(
            f'column "{name}" of relation {table} does not exist', UNDEFINED_COLUMN
        )
    if column.identity and not explicit:
        raise StatementError(
            f'cannot set an identity column to a value: "{name}" needs EXPLICIT_IDS'
        )
    return column
