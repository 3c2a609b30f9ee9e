"""The server's own state: its identity, the end of its log, committed transactions."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import pymysql
import pymysql.err

from mysql_binlog.errors import RefusedRead, StalledStream
from mysql_binlog.gtid import GtidSet
from mysql_binlog.position import Flavor, Position

#: A server without GTIDs does not say which transactions of its log are committed. Each is
#: committed almost at once after it is logged, unless the server waits for its replicas
#: (semi-synchronous, AFTER_SYNC).
GRACE_SECONDS = 1.0
_POLL_SECONDS = 0.005
_DENIED = 1227
_SYNTAX = 1064


class Server:
    """A server, asked over a connection that nothing else uses meanwhile.

    Attributes:
        flavor: MySQL or MariaDB.
        version: As numbers, for comparison.
        identity: As `Position.server`.
        has_gtids: Whether its transactions have GTIDs.
    """

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        text = str(self.value("VERSION()"))
        self.flavor: Flavor = "mariadb" if "mariadb" in text.lower() else "mysql"
        self.version = tuple(int(part) for part in text.split("-")[0].split(".")[:3])
        self.identity, self.has_gtids = self._identify()

    def _identify(self) -> tuple[str, bool]:
        if self.flavor == "mysql":
            identity, mode = self.row("SELECT @@GLOBAL.server_uuid, @@GLOBAL.gtid_mode")
            return str(identity), str(mode).upper() == "ON"
        # It has no name. No two servers that take over from one another have the same id.
        facts = self.row("SELECT @@GLOBAL.server_id, @@hostname, @@GLOBAL.port, @@GLOBAL.datadir")
        return "{}@{}:{} {}".format(*facts), True

    def rows(self, sql: str, arguments: Sequence[object] | None = None) -> list[tuple[Any, ...]]:
        """Asks the server.

        Raises:
            pymysql.err.MySQLError: It refused, or the connection is lost.
        """
        with self._connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return [tuple(row) for row in cursor.fetchall()]

    def row(self, sql: str, arguments: Sequence[object] | None = None) -> tuple[Any, ...]:
        """The one row of an answer."""
        (row,) = self.rows(sql, arguments)
        return row

    def value(self, expression: str, arguments: Sequence[object] | None = None) -> Any:
        """The value of an expression."""
        return self.row(f"SELECT {expression}", arguments)[0]

    def variables(self, *names: str) -> dict[str, str]:
        """Global variables; those that the server does not have are left out."""
        listed = ", ".join(["%s"] * len(names))
        found = self.rows(f"SHOW GLOBAL VARIABLES WHERE Variable_name IN ({listed})", names)
        return {str(name).lower(): str(value) for name, value in found}

    def files(self) -> dict[str, int]:
        """The files of the log and how long they are.

        Raises:
            RefusedRead: It has no log, or a right is missing.
        """
        try:
            return {str(row[0]): int(row[1]) for row in self.rows("SHOW BINARY LOGS")}
        except pymysql.err.MySQLError as error:
            raise self._refused(error) from error

    def end(self) -> tuple[str, int, str]:
        """Where the log ends: the file, the offset, and GTIDs none of which comes after it.

        Raises:
            RefusedRead: It has no log, or a right is missing.
        """
        # Before the offset: a GTID that it lacks may come before the offset, and is read twice.
        gtid = str(self.value("@@GLOBAL.gtid_binlog_pos")) if self.flavor == "mariadb" else ""
        row = self._status()
        if self.flavor == "mysql" and self.has_gtids:
            gtid = str(row[4])
        return str(row[0]), int(row[1]), gtid.replace("\n", "")

    def filters(self) -> tuple[frozenset[str], frozenset[str]]:
        """The databases of binlog_do_db, and those of binlog_ignore_db.

        Raises:
            RefusedRead: It has no log, or a right is missing.
        """
        only, never = (
            frozenset(filter(None, str(text).split(","))) for text in self._status()[2:4]
        )
        return only, never

    def _status(self) -> tuple[Any, ...]:
        new = self.flavor == "mysql" and self.version >= (8, 2)
        try:
            rows = self.rows("SHOW BINARY LOG STATUS" if new else "SHOW MASTER STATUS")
        except pymysql.err.MySQLError as error:
            raise self._refused(error) from error
        if not rows:
            raise RefusedRead("the server writes no binary log: set log_bin and restart it")
        return rows[0]

    def _refused(self, error: pymysql.err.MySQLError) -> Exception:
        if error.args[0] != _DENIED:
            if error.args[0] == 1381:  # ER_NO_BINARY_LOGGING
                return RefusedRead("the server writes no binary log: set log_bin and restart it")
            return error
        right = "BINLOG MONITOR" if self.flavor == "mariadb" else "REPLICATION CLIENT"
        return RefusedRead(
            f"the server does not report its log status: GRANT {right} ON *.* TO … ({error})"
        )

    def settle(self, position: Position, gtids: GtidSet, seconds: float) -> None:
        """Waits until what is in the log is committed, and a query sees it.

        A transaction is in the log a moment before it is committed.

        Args:
            position: Up to here, on MariaDB.
            gtids: These, on MySQL.
            seconds: How long at most.

        Raises:
            StalledStream: It takes longer.
        """
        if self.flavor == "mariadb":
            self._settle_mariadb(position, seconds)
        elif gtids:
            late = self.value("WAIT_FOR_EXECUTED_GTID_SET(%s, %s)", (str(gtids), seconds))
            if late:
                raise StalledStream(f"transactions of the log are not committed: {gtids}")

    def _settle_mariadb(self, position: Position, seconds: float) -> None:
        limit = time.monotonic() + seconds
        while True:
            # Without a snapshot in this session, it is what the engine has committed.
            found = {
                str(name).lower(): str(value)
                for name, value in self.rows("SHOW STATUS LIKE 'binlog_snapshot_%'")
            }
            file = found.get("binlog_snapshot_file", "")
            here = position.at(file, int(found.get("binlog_snapshot_position") or 0), 0, "")
            if here.order >= position.order:
                return
            if time.monotonic() > limit:
                raise StalledStream(f"transactions of the log are not committed at {position}")
            time.sleep(_POLL_SECONDS)


def current_position(connection: pymysql.Connection[Any], *, seconds: float = 30) -> Position:
    """Where the log ends.

    What is committed from now on comes after it. What comes before it is seen by every query that
    begins from now on, or comes again when the log is read from here.

    Args:
        connection: To the server, outside a transaction.
        seconds: How long to wait, at most, for what is in the log already to be committed.

    Raises:
        RefusedRead: There is no log, or a right is missing.
        StalledStream: What is in the log is not committed in time.
        pymysql.err.MySQLError: The server refused, or the connection is lost.
    """
    server = Server(connection)
    file, offset, gtid = server.end()
    now = int(server.value("UNIX_TIMESTAMP()"))
    found = Position(file, offset, gtid, server.identity, server.flavor, asked=now)
    # MySQL with GTIDs: the log is read from the GTIDs that are committed.
    server.settle(found, GtidSet(), seconds)
    if not server.has_gtids:
        time.sleep(GRACE_SECONDS)
    return found
