"""What Redshift knows of a table besides its columns' types."""

from __future__ import annotations

from dataclasses import dataclass, field

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError

#: Columns of a sort key, at most.
_MOST = {"compound": 400, "interleaved": 8}


@dataclass(frozen=True)
class Key:
    """A key, for information: it is not enforced.

    Attributes:
        kind: p primary key, u unique, f foreign key.
        columns: their names.
        name: the constraint's; None when the statement does not say.
        parent: quoted name of the table that a foreign key refers to; None for other keys.
        parent_columns: the columns that it refers to; empty means the table's primary key.
    """

    kind: str
    columns: list[str]
    name: str | None = None
    parent: str | None = None
    parent_columns: list[str] = field(default_factory=list)


@dataclass
class TableAttributes:
    """What Redshift knows of a table and PostgreSQL has no place for.

    Attributes:
        diststyle: key, all, even or auto; None when the statement does not say.
        distkey: column.
        sorttype: compound or interleaved.
        sortkeys: columns.
        backup: False for BACKUP NO.
        encodings: compression by column.
        keys: its keys.
        parent: quoted name of the table that it is made like, or None.
    """

    diststyle: str | None = None
    distkey: str | None = None
    sorttype: str | None = None
    sortkeys: list[str] = field(default_factory=list)
    backup: bool = True
    encodings: dict[str, str] = field(default_factory=dict)
    keys: list[Key] = field(default_factory=list)
    parent: str | None = None

    def set_distkey(self, name: str) -> None:
        """Makes a column the distribution key.

        Raises:
            StatementError: there is one already, or another style is set.
        """
        if self.distkey:
            raise StatementError("Can't specify more than one DISTKEY column", SYNTAX_ERROR)
        if self.diststyle in ("all", "even"):
            raise StatementError("Cannot specify DISTKEY if DISTSTYLE is not KEY", SYNTAX_ERROR)
        self.diststyle, self.distkey = "key", name

    def set_diststyle(self, style: str) -> None:
        """Sets the distribution style.

        Args:
            style: key, all, even or auto.

        Raises:
            StatementError: it does not go with the distribution key that there is.
        """
        if self.distkey and style != "key":
            raise StatementError("Cannot specify DISTKEY if DISTSTYLE is not KEY", SYNTAX_ERROR)
        self.diststyle = style

    def set_sortkey(self, kind: str, columns: list[str]) -> None:
        """Sets the sort key.

        Args:
            kind: compound or interleaved.
            columns: their names.

        Raises:
            StatementError: there is one already, or it has a column twice or too many of them.
        """
        if self.sortkeys:
            raise StatementError("Can't specify more than one SORTKEY", SYNTAX_ERROR)
        if len(columns) > _MOST[kind]:
            raise StatementError(
                f"{kind.upper()} SORTKEY takes {_MOST[kind]} columns at most", SYNTAX_ERROR
            )
        if len(set(columns)) < len(columns):
            raise StatementError("The SORTKEY has a column twice", SYNTAX_ERROR)
        self.sorttype, self.sortkeys = kind, columns
