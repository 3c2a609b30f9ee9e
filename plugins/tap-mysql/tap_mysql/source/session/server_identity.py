"""The identity of the server that answers, which may change behind the same address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidemark_core.text.documents import Json

from tap_mysql.values.key_values import literal

if TYPE_CHECKING:
    from tap_mysql.source.session.connection import Session

#: MySQL's identity of a data folder; a clone gets a new one.
_MYSQL = ("server_uuid",)
#: MariaDB has none. No two servers that take over from one another have the same server_id:
#: replication refuses it. Its server_uid is left out: it is derived from the network card's
#: address, and a container gets another one with each start.
_MARIADB = ("hostname", "port", "server_id", "datadir")


@dataclass(frozen=True)
class Server:
    """A server, as it names itself: the same through every tunnel and proxy.

    Attributes:
        identity: System variables that together no other server has, with their values.
        name: Its host and port, for people.
    """

    identity: Mapping[str, str]
    name: str = field(compare=False)

    def __str__(self) -> str:
        words = ", ".join(f"{name} {value}" for name, value in self.identity.items())
        return f"{self.name} ({words})"

    @property
    def guard(self) -> str:
        """A statement that fails, with error 1231, on every other server.

        The connection that reads runs it first: each one may reach a different server.
        """
        known = [name for name in (*_MYSQL, *_MARIADB) if name in self.identity]
        same = " AND ".join(f"@@GLOBAL.{name} = {literal(self.identity[name])}" for name in known)
        return f"SET SESSION sql_mode = IF({same}, '', 'another server')"

    def write(self) -> dict[str, object]:
        """Writes it into a bookmark."""
        return {"name": self.name, "identity": dict(self.identity)}

    @classmethod
    def read(cls, written: Json) -> Server:
        """Reads what `write` writes.

        Raises:
            KeyError: It is something else; also TypeError, AttributeError.
        """
        identity = {str(name): str(value) for name, value in written["identity"].items()}
        return cls(identity, str(written["name"]))


def identify(session: Session) -> Server:
    """Asks a server who it is."""
    wanted = ", ".join(f"'{name}'" for name in (*_MYSQL, *_MARIADB))
    told = session.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({wanted})")
    found = {str(name).lower(): str(value) for name, value in told}
    names = _MYSQL if "server_uuid" in found else _MARIADB
    identity = {name: found.get(name, "") for name in names}
    return Server(identity, f"{found.get('hostname')}:{found.get('port')}")
