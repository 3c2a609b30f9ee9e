"""Checks the server settings needed for a readable and complete log."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pymysql
import pymysql.err

from mysql_binlog.model import Problem
from mysql_binlog.position import Flavor
from mysql_binlog.server import Server

_DAY = 86_400
_ASKED = (
    *("log_bin", "binlog_format", "binlog_row_image", "server_id", "gtid_mode"),
    *("log_slave_updates", "log_replica_updates", "expire_logs_days", "read_only"),
    *("binlog_expire_logs_seconds", "binlog_expire_logs_auto_purge", "binlog_storage_engine"),
    *("max_binlog_total_size", "log_bin_trust_function_creators"),
)
#: How RDS and Aurora show their settings, and where their servers are installed.
_RDS_SETTINGS, _RDS_RETENTION = "mysql.rds_show_configuration", "binlog retention hours"
_RDS_FOLDER = "/rdsdbbin/"
_NO_PROCEDURE, _DENIED = 1305, (1044, 1142, 1227, 1370)
_RIGHTS = re.compile(r"GRANT (?P<rights>.+?) ON \*\.\* TO ", re.DOTALL)


def check_log(
    connection: pymysql.Connection[Any], *, server_id: int | None = None
) -> list[Problem]:
    """Checks that the log can be read, and holds every change.

    Args:
        connection: To the server.
        server_id: The reader's own; None: not checked.

    Raises:
        pymysql.err.MySQLError: The server refused, or the connection is lost.
    """
    server = Server(connection)
    grants = [str(text) for (text,) in server.rows("SHOW GRANTS FOR CURRENT_USER")]
    user = str(server.value("CURRENT_USER()"))
    found = server.variables(*_ASKED)
    return [
        *problems(found, server.flavor, _is_replica(server)),
        *_missing(grants, user, server.flavor),
        *_same_id(found, server_id),
        *_short_on_rds(_rds_retention(server)),
    ]


def _is_replica(server: Server) -> bool | None:
    """Whether it replicates; None if that may not be asked."""
    new = server.flavor == "mysql" and server.version >= (8, 0, 22)
    try:
        return bool(server.rows("SHOW REPLICA STATUS" if new else "SHOW SLAVE STATUS"))
    except pymysql.err.MySQLError:
        return None


def log_retention(connection: pymysql.Connection[Any]) -> float | None:
    """How long the server keeps its log.

    RDS and Aurora have a setting of their own in place of the server's.

    Args:
        connection: To the server.

    Returns:
        Seconds; 0 if it is removed as soon as possible, or unknown; None if it is kept.

    Raises:
        pymysql.err.MySQLError: The server refused, or the connection is lost.
    """
    server = Server(connection)
    own = _rds_retention(server)
    return _retention(server.variables(*_ASKED)) if own is None else own


def _rds_retention(server: Server) -> float | None:
    """Seconds for which RDS keeps a log; 0 if minimal or unknown; None if this is not RDS."""
    try:
        found = {str(row[0]): row[1] for row in server.rows(f"CALL {_RDS_SETTINGS}")}
        return float(found.get(_RDS_RETENTION) or 0) * 3600
    except pymysql.err.MySQLError as error:
        if str(server.value("@@basedir")).startswith(_RDS_FOLDER):
            return 0.0
        if error.args[0] not in (_NO_PROCEDURE, *_DENIED):
            raise
        return None


def _retention(found: Mapping[str, str]) -> float | None:
    """Seconds for which a log is kept, by a server's own settings; None: for ever."""
    if found.get("binlog_expire_logs_auto_purge", "ON").upper() in ("OFF", "0"):
        return None
    seconds = float(found.get("binlog_expire_logs_seconds") or 0)
    return seconds or float(found.get("expire_logs_days") or 0) * _DAY or None


def problems(
    found: Mapping[str, str], flavor: Flavor, is_replica: bool | None
) -> Iterator[Problem]:
    """What is wrong with a server's settings. Pure.

    Args:
        found: Global variables, as far as the server has them.
        flavor: Which server.
        is_replica: Whether it replicates; None: not known.
    """
    if found.get("log_bin", "OFF").upper() not in ("ON", "1"):
        where = "log_bin, then restart the server"
        yield Problem("log_bin", "OFF", "ON", f"in its configuration: {where}", True)
        return
    if (format_ := found.get("binlog_format", "ROW")).upper() != "ROW":
        yield _setting("binlog_format", format_, "ROW", fatal=True)
    image = found.get("binlog_row_image", "FULL").upper()
    if image not in ("FULL", "NOBLOB", "FULL_NODUP"):
        # A row whose key is a default reveals it: then the read stops.
        yield _setting("binlog_row_image", image, "FULL", fatal=False)
    updates = found.get("log_replica_updates", found.get("log_slave_updates", "ON")).upper()
    if updates not in ("ON", "1") and is_replica is not False:
        name = "log_slave_updates" if flavor == "mariadb" else "log_replica_updates"
        yield Problem(name, updates, "ON", f"in its configuration: {name} = ON, then restart it",
                      is_replica is True)  # fmt: skip
    if found.get("binlog_storage_engine", "").strip():
        yield Problem("binlog_storage_engine", found["binlog_storage_engine"], "''",
                      "in its configuration: remove it, then restart it", True)  # fmt: skip
    yield from _short_retention(found)
    if flavor == "mysql" and found.get("gtid_mode", "OFF").upper() != "ON":
        yield Problem(
            "gtid_mode", found.get("gtid_mode", "OFF"), "ON",
            "SET GLOBAL gtid_mode, one step at a time up to ON: otherwise the log cannot be "
            "followed to another server, and transactions that are slow to commit may be missed",
            False,
        )  # fmt: skip


def _setting(name: str, found: str, wanted: str, *, fatal: bool) -> Problem:
    return Problem(name, found, wanted, f"SET GLOBAL {name} = '{wanted}'", fatal)


def _short_retention(found: Mapping[str, str]) -> Iterator[Problem]:
    seconds = _retention(found)
    name = (
        "binlog_expire_logs_seconds"
        if "binlog_expire_logs_seconds" in found
        else "expire_logs_days"
    )
    if seconds is not None and seconds < 7 * _DAY:
        wanted = 7 if name == "expire_logs_days" else 7 * _DAY
        yield Problem(name, f"{seconds / _DAY:.2g} days", "7 days",
                      f"SET GLOBAL {name} = {wanted}", False)  # fmt: skip
    if float(found.get("max_binlog_total_size") or 0) > 0:
        yield Problem("max_binlog_total_size", found["max_binlog_total_size"], "0",
                      "SET GLOBAL max_binlog_total_size = 0", False)  # fmt: skip


def _short_on_rds(seconds: float | None) -> Iterator[Problem]:
    if seconds is not None and seconds < 7 * _DAY:
        wanted = f"CALL mysql.rds_set_configuration('{_RDS_RETENTION}', 168)"
        yield Problem(_RDS_RETENTION, f"{seconds / 3600:g}", "168", wanted, False)


def _missing(grants: Iterable[str], user: str, flavor: Flavor) -> Iterator[Problem]:
    """The rights that a reader of the log lacks; none with a role, whose rights are not shown."""
    account = "'{}'@'{}'".format(*user.rpartition("@")[::2])
    rights, roles = set[str](), False
    for grant in grants:
        if match := _RIGHTS.match(grant):
            rights |= {right.strip().upper() for right in match["rights"].split(",")}
        elif " ON " not in grant:
            roles = True
    if "ALL PRIVILEGES" in rights or roles:
        return
    tells = {"REPLICATION CLIENT", "BINLOG MONITOR", "SUPER"}
    asked = {"REPLICATION SLAVE": {"REPLICATION SLAVE", "REPLICATION REPLICA"}}
    asked["BINLOG MONITOR" if flavor == "mariadb" else "REPLICATION CLIENT"] = tells
    for right, names in asked.items():
        if not rights & names:
            yield Problem(
                right, "not granted", "granted", f"GRANT {right} ON *.* TO {account}", True
            )


def _same_id(found: Mapping[str, str], server_id: int | None) -> Iterator[Problem]:
    if server_id is not None and found.get("server_id") == str(server_id):
        yield Problem("server_id", f"{server_id}, the reader's own", "another one",
                      "give the reader a different server_id", True)  # fmt: skip
    elif found.get("server_id") == "0":
        yield _setting("server_id", "0", "1", fatal=True)
