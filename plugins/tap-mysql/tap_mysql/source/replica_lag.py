"""Replication lag, if the source is a replica.

MySQL 9 and MariaDB say the same in other words: Seconds_Behind_Source and Seconds_Behind_Master.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tidemark_core.errors import ConfigError, SourceError

from tap_mysql.source.error_codes import number_in

if TYPE_CHECKING:
    from tidemark_core.names import TableName

    from tap_mysql.source.session.connection import Session

logger = logging.getLogger("tap-mysql.replica")
SETTING = "BACKUP_MAX_REPLICA_LAG_SECONDS"
_MARIADB = ("SHOW ALL SLAVES STATUS",)
#: The second one is that of MySQL before 8.0.22.
_MYSQL = ("SHOW REPLICA STATUS", "SHOW SLAVE STATUS")
_DENIED, _SYNTAX = 1227, 1064
#: The server counts whole seconds.
_ONE_MORE = 1


@dataclass(frozen=True)
class Channel:
    """One source that the server replicates from.

    Attributes:
        name: The connection's name; empty: the only one.
        lag: Seconds that it is behind; None if unknown, since it does not run.
        receiver: Whether the receiving (IO) thread runs: Yes, No, Connecting.
        applier: Whether the applying (SQL) thread runs: Yes, No.
        errors: Numbers of the errors that the threads ended with.
    """

    name: str
    lag: int | None
    receiver: str
    applier: str
    errors: tuple[str, ...]

    def __str__(self) -> str:
        found = f"receiving (IO) thread: {self.receiver}, applying (SQL) thread: {self.applier}"
        if self.errors:
            found += f", error {', '.join(self.errors)}"
        return f"channel {self.name}: {found}" if self.name else found


def channel(row: Mapping[str, Any]) -> Channel:
    """Reads a row of a replica's status, in either server's words."""
    words = {name.lower(): value for name, value in row.items()}

    def of(*names: str) -> Any:
        return next((words[name] for name in names if words.get(name) is not None), None)

    lag = of("seconds_behind_source", "seconds_behind_master")
    numbers = (of("last_io_errno"), of("last_sql_errno"))
    return Channel(
        name=str(of("channel_name", "connection_name") or ""),
        lag=None if lag is None else int(lag),
        receiver=str(of("replica_io_running", "slave_io_running")),
        applier=str(of("replica_sql_running", "slave_sql_running")),
        errors=tuple(str(number) for number in numbers if number),
    )


def decide(channels: Sequence[Channel], limit: int) -> timedelta | None:
    """How far the data may be behind the server's clock; None if unknown.

    Args:
        channels: What the server replicates from; none: it is not a replica.
        limit: Seconds that it may be behind; 0: any.

    Raises:
        SourceError: It is further behind, which passes by itself and so is retryable; or it does
            not replicate, which the operator must look at.
    """
    stopped = [one for one in channels if one.lag is None]
    if stopped and limit:
        raise SourceError(
            f"the replica is not replicating, so {SETTING}={limit} cannot be kept; {stopped[0]}",
            hint="SHOW REPLICA STATUS there shows why; START REPLICA, or RESET REPLICA ALL if the "
            f"server is no longer a replica; {SETTING}=0 reads it anyway",
        )
    if stopped:
        return None
    lag = max((one.lag or 0 for one in channels), default=0)
    if limit and lag > limit:
        raise SourceError(
            f"the replica is {lag} s behind its source, and {SETTING} is {limit}",
            hint="run it again when it has caught up, point DB_HOST to another server, or raise "
            f"{SETTING}",
            retryable=True,
        )
    return timedelta(seconds=lag + _ONE_MORE) if channels else timedelta()


@dataclass
class Replication:
    """Asks a server how far it is behind, once per table; reports a problem once per run.

    Attributes:
        limit: Seconds that it may be behind; 0: any.
    """

    limit: int = 0
    _told: set[int] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def lag(self, session: Session, table: TableName) -> timedelta:
        """How far the data may be behind the server's clock.

        Raises:
            SourceError: It is too far behind; see `decide`.
            ConfigError: There is a limit, and DB_USER may not ask.
        """
        try:
            found = self._ask(session)
            if found is None:
                return timedelta()
            lag = decide(found, self.limit)
        except SourceError as error:
            error.table = str(table)
            raise
        if lag is None:
            self._tell(
                logging.WARNING,
                "the source is a replica that is not replicating, so it has no newer data; "
                f"{found[0]}",
            )
        return lag or timedelta()

    def _ask(self, session: Session) -> list[Channel] | None:
        """The server's channels; None: DB_USER may not see them."""
        statements = _MARIADB if session.is_mariadb else _MYSQL
        for statement in statements:
            try:
                return [channel(row) for row in session.named_rows(statement)]
            except SourceError as error:
                number = number_in(error.__cause__)
                if number == _DENIED:
                    self._denied(session)
                    return None
                if number != _SYNTAX:
                    raise
        return None

    def _denied(self, session: Session) -> None:
        right = "REPLICA MONITOR" if session.is_mariadb else "REPLICATION CLIENT"
        what = "DB_USER may not check whether the server is a replica and how far it is behind"
        if self.limit:
            raise ConfigError(
                f"{what}, so {SETTING}={self.limit} cannot be kept",
                hint=f"GRANT {right} ON *.* TO the user, or {SETTING}=0",
            )
        self._tell(logging.INFO, f"{what}; if it is one: GRANT {right} ON *.* TO the user")

    def _tell(self, level: int, what: str) -> None:
        with self._lock:
            is_new = level not in self._told
            self._told.add(level)
        if is_new:
            logger.log(level, "%s", what)
