"""What the tap knows of a source table."""

from __future__ import annotations

from dataclasses import dataclass

from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType, MySQLColumn

from tap_mysql.values.key_values import is_integer

#: Data types whose values compare in SQL as they do when written back as a literal.
_ORDERABLE = frozenset(
    {
        "tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "char", "varchar",
        "binary", "varbinary", "date", "datetime", "timestamp", "year", "uuid",
    }
)  # fmt: skip
#: Character sets whose every text Python and MySQL read alike.
_EXACT_CHARACTER_SETS = frozenset({"ascii", "binary", "latin1", "utf8", "utf8mb3", "utf8mb4"})
DATES = frozenset({"date", "datetime", "timestamp"})


@dataclass(frozen=True)
class Column:
    """A column.

    Attributes:
        name: As the source spells it.
        mysql: What information_schema says of it.
        type: Its type everywhere else; None: a type unknown to Tidemark.
        nullable: Whether it may be NULL.
        character_set: Of text; None for other types.
        collation: How the source compares text; None for other types.
        has_default: Whether it has a default that is not NULL, or is computed.
        extra: EXTRA of information_schema, in lower case.
        comment: What its owner says of it.
    """

    name: str
    mysql: MySQLColumn
    type: ColumnType | None
    nullable: bool
    character_set: str | None = None
    collation: str | None = None
    has_default: bool = False
    extra: str = ""
    comment: str = ""

    @property
    def data_type(self) -> str:
        return self.mysql.data_type.lower()

    @property
    def can_replicate(self) -> bool:
        """Whether it can be a replication key: a timestamp, a date or a whole number.

        Not BIT: its MAX() is bytes on MySQL, and a number on MariaDB.
        """
        if self.type is None or self.data_type == "bit":
            return False
        return is_integer(self.type) or self.type.kind in ("timestamp", "date")

    @property
    def is_exact_in_log(self) -> bool:
        """Whether a key of this type is the same in the binary log, in Python and in a query."""
        if self.type is None or self.data_type not in _ORDERABLE - {"uuid"}:
            return False
        if self.data_type == "decimal":
            return self.type.kind == "decimal"
        return self.character_set is None or self.character_set in _EXACT_CHARACTER_SETS

    @property
    def is_set_by_updates(self) -> bool:
        """Whether the server itself sets it when a row changes: ON UPDATE CURRENT_TIMESTAMP."""
        return "on update" in self.extra

    @property
    def is_auto_increment(self) -> bool:
        return "auto_increment" in self.extra

    @property
    def can_be_missing(self) -> bool:
        """Whether a row may be without it: NULL, or a zero date, which NOT NULL lets pass."""
        return self.nullable or self.data_type in DATES

    @property
    def is_filled(self) -> bool:
        """Whether it is not NULL in rows that existed when it was added."""
        return self.has_default or not self.nullable

    @property
    def ignores_case(self) -> bool:
        """Whether the source takes other spellings for the same text: 'A' and 'a', or 'é' and 'e'.

        Collations that go by bytes are called ``_bin``; all others have weights.
        """
        return self.collation is not None and not self.collation.endswith(("_bin", "binary"))

    @property
    def ignores_trailing_blanks(self) -> bool:
        """Whether 'a' and 'a ' are the same to the source (PAD SPACE).

        MariaDB's collations with ``_nopad`` in their names, and MySQL's of UCA 9.0.0, are NO PAD
        (https://dev.mysql.com/doc/refman/8.4/en/charset-collation-pad.html).
        """
        name = self.collation
        return name is not None and not any(word in name for word in ("_nopad", "_0900"))


@dataclass(frozen=True)
class Table:
    """A table or view.

    Attributes:
        name: Its name.
        columns: In the source's order.
        primary_key: Column names; empty for none.
        unique_keys: Other keys that are unique and never NULL.
        indexed: Columns that are the first of an index.
        is_view: Whether it is a view.
        rows: The server's estimate.
        row_bytes: The server's estimate of a row's length; 0: unknown.
        comment: What its owner says of it.
    """

    name: TableName
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    unique_keys: tuple[tuple[str, ...], ...] = ()
    indexed: frozenset[str] = frozenset()
    is_view: bool = False
    rows: int = 0
    row_bytes: int = 0
    comment: str = ""

    def column(self, name: str) -> Column | None:
        """The column of this name, if there is one; MySQL's column names ignore case."""
        folded = name.lower()
        return next((c for c in self.columns if c.name.lower() == folded), None)

    @property
    def order_key(self) -> tuple[str, ...]:
        """Columns by which the table can be read in order and resumed; empty: none."""
        for key in (self.primary_key, *self.unique_keys):
            columns = [self.column(name) for name in key]
            if key and all(c is not None and c.data_type in _ORDERABLE for c in columns):
                return key
        return ()
