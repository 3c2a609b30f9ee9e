"""How MySQL is reached: declared once, for the tap and for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidemark_core.typed_settings import declared, setting


@dataclass(frozen=True, kw_only=True)
class MySQLSettings:
    """The server, and who logs in."""

    db_host: str = setting(
        "MySQL server as the bastion (or this machine) sees it; a path is a Unix socket there.",
        required=True,
    )
    db_port: int = setting("Port of the MySQL server.", 3306, minimum=1)
    db_user: str = setting("MySQL user; SELECT is all it needs.", required=True)
    db_password: str | None = setting("Password of the MySQL user.", secret=True)
    db_database: str = setting("Default database: a bare table name is one of it.", required=True)
    db_ssl_mode: Literal["disabled", "verify"] = setting(
        "TLS to MySQL: disabled, or verify (certificate and the name in it).", "disabled"
    )
    db_ssl_ca: str | None = setting("CA file that signed MySQL's certificate; empty: the system's.")
    db_ssl_server_name: str | None = setting(
        "Name in MySQL's certificate, where it is not DB_HOST."
    )
    db_server_public_key: str | None = setting(
        "File of MySQL's RSA key: caching_sha2_password may send the password for it without TLS."
    )


MYSQL_SETTINGS = declared(MySQLSettings)
