"""What a client has prepared: its statements and portals, by the names that it gave them."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

from redshift_stand_in.context import mask
from redshift_stand_in.statements import plan
from redshift_stand_in.wire.rows import Shape

logger = logging.getLogger(__name__)

Message = tuple[bytes, bytes]


@dataclass
class Prepared:
    """A prepared statement: its plan, and how its rows change on their way to the client."""

    plan: plan.Plan
    shape: Shape | None = None


@dataclass
class Names:
    """The names of one session's statements and portals."""

    _statements: dict[bytes, Prepared] = field(default_factory=dict)
    _portals: dict[bytes, Prepared] = field(default_factory=dict)

    def note(self, kind: bytes, body: bytes) -> Message:
        """Plans a Parse, tracks statement and portal names; returns the message for PostgreSQL."""
        if kind == b"P":
            name, sql, _ = body.split(b"\0", 2)
            planned = plan.make(sql.decode("utf-8", "replace"))
            logger.debug("P %s => %s", mask(planned.text), mask(planned.sql) or "in the front")
            self._statements[name] = Prepared(planned)
            return kind, with_statement(body, planned.sql)
        if kind == b"B":
            portal, name, _ = body.split(b"\0", 2)
            if name in self._statements:
                self._portals[portal] = self._statements[name]
        elif kind == b"C":
            held = self._statements if body[:1] == b"S" else self._portals
            held.pop(body[1:-1], None)
        return kind, body

    def statement(self, parse: bytes) -> Prepared:
        """The statement that a noted Parse made."""
        return self._statements[_name(parse)]

    def portal(self, execute: bytes) -> Prepared | None:
        """What an Execute runs."""
        return self._portals.get(_name(execute))

    def described(self, kind: bytes, body: bytes) -> Prepared | None:
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


def _name(body: bytes) -> bytes:
    return body.split(b"\0", 1)[0]
