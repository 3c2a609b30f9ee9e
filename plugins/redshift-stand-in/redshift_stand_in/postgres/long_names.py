"""The long names of a cluster: remembered in its database ``postgres``, for all its databases.

Users and databases have names too, and belong to no database.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field

from redshift_stand_in.postgres.backend import PostgresAddress, Row, open_as_superuser
from redshift_stand_in.sql import long_names
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Edit, Sql, Token, literal, plain_literal

_LOCK = 5440
_MARK = long_names.MARK.decode()
_TABLE = "redshift_meta.long_names"
_CREATE = (
    f"select pg_advisory_xact_lock({_LOCK}); create schema if not exists redshift_meta; "
    f"create table if not exists {_TABLE} (short text primary key, long text not null)"
)


@dataclass
class LongNames:
    """Puts short names in the place of long ones, and long ones back.

    A name is remembered before PostgreSQL sees it, and never forgotten: what a transaction that
    is rolled back has named may be in a message still.

    Attributes:
        address: where PostgreSQL is.
    """

    address: PostgresAddress
    _long: dict[bytes, bytes] = field(default_factory=dict)
    _unknown: set[bytes] = field(default_factory=set)

    def short(self, name: str) -> str:
        """The name that PostgreSQL has for a name."""
        if not long_names.is_long(name):
            return name
        given = self._given(name)
        self._remember([given])
        return long_names.short(given)

    def shortened(self, sql: Sql) -> Sql:
        """A statement with short names; the same one if none of its names is long."""
        found = long_names.long_tokens(sql)
        if not found:
            return sql
        names = {t.name: self._given(t.name) for t in found if t.is_name}
        self._remember(names.values())
        edits = [long_names.edit(t, names[t.name]) for t in found if t.is_name]
        edits += self._literals(sql, [t for t in found if t.kind == "string"])
        return Sql(sql.edited(edits)) if edits else sql

    def rewritten(self, sql: Sql) -> Sql:
        """The same of what a rewrite made of names: its literals are those of the long ones."""
        marked = [t for t in sql.tokens if t.kind == "string" and _MARK in t.text]
        edits = [(t.start, t.end, plain_literal(self.restored_text(t.value))) for t in marked]
        return self.shortened(Sql(sql.edited(edits)))

    def in_value(self, value: str) -> str:
        """A literal, or a parameter, of a statement whose literals can be names."""
        if not long_names.is_long(value):
            return value
        new = long_names.in_value(value, self._names())
        if new == value:  # another front may have made the name
            self._load()
            new = long_names.in_value(value, self._names())
        return new

    def restored(self, data: bytes) -> bytes:
        """Text for the client, with its long names."""
        return long_names.restored(data, self._long_of) if long_names.MARK in data else data

    def restored_text(self, text: str) -> str:
        """The same for text that is not encoded yet."""
        return self.restored(text.encode()).decode()

    def _given(self, name: str) -> str:
        """The name as a user would have given it: a rewrite makes names of short ones."""
        return long_names.cut(self.restored_text(name))

    def _literals(self, sql: Sql, strings: list[Token]) -> list[Edit]:
        if not strings or not leader.takes_names(sql):
            return []
        changed = [(token, self.in_value(token.text)) for token in strings]
        return [(token.start, token.end, new) for token, new in changed if new != token.text]

    def _names(self) -> list[str]:
        return [name.decode() for name in list(self._long.values())]

    def _long_of(self, short: bytes) -> bytes | None:
        name = self._long.get(short)
        if name is None and short not in self._unknown:
            self._load()
            name = self._long.get(short)
            if name is None:
                self._unknown.add(short)
        return name

    def _remember(self, names: Iterable[str]) -> None:
        new = {long_names.short(name): name for name in names}
        new = {short: name for short, name in new.items() if short.encode() not in self._long}
        if not new:
            return
        rows = ", ".join(f"({literal(short)}, {literal(name)})" for short, name in new.items())
        self._run(f"{_CREATE}; insert into {_TABLE} values {rows} on conflict do nothing")
        self._keep((short, name) for short, name in new.items())

    def _load(self) -> None:
        if self._run(f"select 1 where to_regclass('{_TABLE}') is not null"):
            rows = self._run(f"select short, long from {_TABLE}")
            self._keep((str(short), str(name)) for short, name in rows)

    def _keep(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._long |= {short.encode(): name.encode() for short, name in pairs}

    def _run(self, sql: str) -> list[Row]:
        with closing(open_as_superuser(self.address, "postgres")) as backend:
            return backend.query(sql)
