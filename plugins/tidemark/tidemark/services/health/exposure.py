"""What settings and MySQL's grants expose: unencrypted ways, and rights that no run needs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from tidemark.config.job_settings import JobSettings
from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level
from tidemark.source.mysql import open_mysql

_WAYS, _USER = "ways in clear", "MySQL user"
#: Rights that a run reads by, on MySQL and MariaDB; none of them allows changes.
_NEEDED = frozenset(
    {
        *("USAGE", "SELECT", "SHOW VIEW", "SHOW DATABASES", "REPLICATION CLIENT"),
        *("REPLICA MONITOR", "SLAVE MONITOR", "BINLOG MONITOR"),
        # What reads the binary log.
        *("REPLICATION SLAVE", "REPLICATION REPLICA"),
    }
)
_GRANT = re.compile(r"GRANT (?P<rights>.+?) ON (?P<where>.+?) TO ", re.DOTALL)


def check_ways(project: Project) -> Iterator[Finding]:
    """Which ways are not encrypted, by the settings alone."""
    mysql, hook = project.mysql, project.read(JobSettings).alert_webhook_url
    found = [
        *clear_ways(
            {
                "S3_ENDPOINT_URL": project.location.endpoint_url or "",
                "ALERT_WEBHOOK_URL": hook or "",
            }
        )
    ]
    if mysql.db_ssl_mode == "disabled" and not _is_here(mysql.db_host):
        way = "from the bastion to" if mysql.ssh_bastion_host else "to"
        text = f"rows are sent unencrypted {way} MySQL ({mysql.db_host})"
        hint = "set DB_SSL_MODE=verify and DB_SSL_CA"
        found.append(Finding(_WAYS, Level.WARN, text, hint))
    if not project.warehouse.redshift_ssl:
        text = "REDSHIFT_SSL is off: credentials and rows are sent unencrypted"
        found.append(Finding(_WAYS, Level.WARN, text, "remove REDSHIFT_SSL from .env"))
    yield from found or [Finding(_WAYS, Level.OK, "there is none")]


def clear_ways(urls: Mapping[str, str]) -> Iterator[Finding]:
    """Finds the addresses of ``http://`` that leave this machine. Pure.

    Args:
        urls: By the variable that names them.
    """
    for name, url in urls.items():
        parts = urlsplit(url)
        if parts.scheme == "http" and not _is_here(parts.hostname or ""):
            text = f"{name} is http://: data sent there can be read and modified in transit"
            yield Finding(_WAYS, Level.WARN, text, f"give {name} an https:// address")


def _is_here(host: str) -> bool:
    return host.startswith(("/", "127.")) or host in ("localhost", "::1")


def check_mysql_user(project: Project) -> Iterator[Finding]:
    """Whether the user may do more than read."""
    with open_mysql(project.mysql) as mysql:
        grants = [str(text) for (text,) in mysql.rows("SHOW GRANTS FOR CURRENT_USER")]
    user = project.mysql.db_user
    if more := sorted(needless(grants)):
        text = f"{user} has more than read privileges: {', '.join(more)}"
        hint = "REVOKE it: SELECT on the tables is enough"
        yield Finding(_USER, Level.WARN, text, hint)
    else:
        yield Finding(_USER, Level.OK, f"{user} has read privileges only")


def needless(grants: Iterable[str]) -> Iterator[str]:
    """The rights of ``SHOW GRANTS`` that no run needs, each with its scope. Pure."""
    for grant in grants:
        match = _GRANT.match(grant)
        if match is None:  # a granted role; its rights have lines of their own
            continue
        # SELECT and others may be granted for columns: `SELECT (`a`, `b`)`.
        rights = re.sub(r"\([^)]*\)", "", match["rights"]).split(",")
        for right in (name.strip().upper() for name in rights):
            if right not in _NEEDED:
                yield f"{right} on {match['where']}"
        if grant.endswith("WITH GRANT OPTION"):
            yield f"GRANT OPTION on {match['where']}"
