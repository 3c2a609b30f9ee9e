"""What a client has prepared: its statements and portals, by the names that it gave them."""

from __future__ import annotations

import logging
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

from redshift_stand_in.context import mask
from redshift_stand_in.postgres.long_names import LongNames
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.long_names import SHORT_BYTES
from redshift_stand_in.statements import plan
from redshift_stand_in.wire.columns import Column
from redshift_stand_in.wire.rows import TEXT_ONLY
from redshift_stand_in.wire.values import in_bind

logger = logging.getLogger(__name__)

Message = tuple[bytes, bytes]

_INT16 = struct.Struct("!h")
_INT32 = struct.Struct("!i")
#: Numbers that leave a parameter's type open.
_NO_TYPES = (0, 705)
_VARCHAR = 1043


@dataclass
class Prepared:
    """A prepared statement.

    Attributes:
        plan: what is done with it.
        sql: what PostgreSQL parsed.
        parse: the body of the Parse that made it.
        columns: those of its result, once it was described.
    """

    plan: plan.Plan
    sql: str
    parse: bytes = b""
    columns: Sequence[Column] = ()

    @cached_property
    def takes_names(self) -> bool:
        """Whether its parameters can be names."""
        return leader.takes_names(Sql(self.plan.text))


@dataclass
class Portal:
    """A prepared statement with its values.

    Attributes:
        prepared: the statement.
        formats: of each column of the result, whether the client reads it in binary; empty if the
            statement was not described.
    """

    prepared: Prepared
    formats: Sequence[bool] = ()

    def note(self, bind: bytes, rest: bytes) -> bytes:
        """Notes what its Bind asks for; returns the body for PostgreSQL.

        Args:
            bind: the body.
            rest: what follows the two names in it.
        """
        columns = self.prepared.columns
        if not columns:
            return bind
        codes = _result_codes(rest)
        self.formats = _formats(codes, len(columns))
        return _with_formats(bind, codes, columns, self.formats)


@dataclass
class Names:
    """The names of one session's statements and portals.

    Attributes:
        long: the cluster's long names.
    """

    long: LongNames
    _statements: dict[bytes, Prepared] = field(default_factory=dict)
    _portals: dict[bytes, Portal] = field(default_factory=dict)

    def note(self, kind: bytes, body: bytes) -> Message:
        """Plans a Parse, tracks statement and portal names; returns the message for PostgreSQL."""
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            planned = plan.make(sql.decode("utf-8", "replace"), self.long.shortened)
            logger.debug("P %s => %s", mask(planned.text), mask(planned.sql) or "in the front")
            body = _with_types(with_statement(body, planned.sql))
            self._statements[name] = Prepared(planned, planned.sql, body)
            return kind, body
        if kind == b"B":
            portal, name, rest = body.split(b"\0", 2)
            if prepared := self._statements.get(name):
                self._portals[portal] = bound = Portal(prepared)
                body = bound.note(body, rest)
                if len(body) > SHORT_BYTES and not prepared.plan.writes:
                    body = in_bind(body, lambda value: self._parameter(prepared, value))
        elif kind == b"C":
            held: dict[bytes, Prepared] | dict[bytes, Portal]
            held = self._statements if body[:1] == b"S" else self._portals
            held.pop(body[1:-1], None)
        return kind, body

    def _parameter(self, prepared: Prepared, value: bytes) -> bytes:
        """A parameter, with short names if it can be one."""
        if len(value) <= SHORT_BYTES or not prepared.takes_names:
            return value
        try:
            return self.long.in_value(value.decode()).encode()
        except UnicodeDecodeError:  # a binary one is no name
            return value

    def parsed_again(self, batch: Sequence[Message]) -> list[Message]:
        """The Parse that must go before a batch whose Bind takes an unnamed statement of before.

        What the front has asked PostgreSQL since then has replaced that statement.
        """
        for kind, body in batch:
            if kind == b"P" and _name(body) == b"":
                return []
            if kind == b"B" and body.split(b"\0", 2)[1] == b"":
                held = self._statements.get(b"")
                return [] if held is None or held.plan.run else [(b"P", held.parse)]
        return []

    def statement(self, parse: bytes) -> Prepared:
        """The statement that a noted Parse made."""
        return self._statements[_name(parse)]

    def portal(self, execute: bytes) -> Portal | None:
        """What an Execute runs."""
        return self._portals.get(_name(execute))

    def described(self, kind: bytes, body: bytes) -> Prepared | Portal | None:
        """What a Describe or an Execute is about."""
        if kind == b"E":
            return self.portal(body)
        if body[:1] == b"P":
            return self.portal(body[1:])
        return self._statements.get(body[1:-1])


def with_statement(parse: bytes, sql: str) -> bytes:
    """The body of a Parse with another statement in it."""
    name, _, rest = parse.split(b"\0", 2)
    return name + b"\0" + sql.encode() + b"\0" + rest


def _with_types(parse: bytes) -> bytes:
    """The body of a Parse whose parameters have types where its statement has no place for them.

    redshift_connector sends a type for each value that it was given, and Redshift ignores those
    that are too many; PostgreSQL wants to know the types of all.
    """
    name, sql, rest = parse.split(b"\0", 2)
    count = _INT16.unpack_from(rest)[0]
    if not count or b"$%d" % count in sql:
        return parse
    kinds = struct.unpack_from(f"!{count}i", rest, 2)
    given = [
        kind if b"$%d" % number in sql or kind not in _NO_TYPES else _VARCHAR
        for number, kind in enumerate(kinds, 1)
    ]
    return b"\0".join([name, sql, struct.pack(f"!h{count}i", count, *given)])


def _name(body: bytes) -> bytes:
    return body.split(b"\0", 1)[0]


def _result_codes(rest: bytes) -> tuple[int, ...]:
    """The format codes of the result at the end of a Bind.

    Args:
        rest: its body after the two names.
    """
    at = 2 + 2 * _INT16.unpack_from(rest)[0]
    values = _INT16.unpack_from(rest, at)[0]
    at += 2
    for _ in range(values):
        at += 4 + max(0, _INT32.unpack_from(rest, at)[0])
    count = _INT16.unpack_from(rest, at)[0]
    return struct.unpack_from(f"!{count}h", rest, at + 2)


def _formats(codes: Sequence[int], count: int) -> list[bool]:
    """Of each column whether it is asked for in binary: none means all as text, one all alike."""
    alike = codes[0] if codes else 0
    return [bool(code) for code in (codes if len(codes) == count else [alike] * count)]


def _with_formats(
    bind: bytes, codes: Sequence[int], columns: Sequence[Column], formats: Sequence[bool]
) -> bytes:
    """The body of a Bind that asks for text where PostgreSQL has no binary form."""
    wanted = [f and c.kind not in TEXT_ONLY for c, f in zip(columns, formats, strict=True)]
    if wanted == formats:
        return bind
    head = bind[: len(bind) - 2 - 2 * len(codes)]
    return head + struct.pack(f"!{len(wanted) + 1}h", len(wanted), *wanted)
