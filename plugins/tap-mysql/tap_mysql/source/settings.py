"""The connection settings of MySQL, declared once for the tap and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tidemark_core.settings import Setting, bastion_settings
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.typed_settings import setting, shared

_HOST, _PORT, _USER, _KEY_PATH, _KNOWN_HOSTS, _JUMP = bastion_settings("ssh_bastion", "MySQL")

TIMEOUT_SECONDS = Setting(
    "backup_timeout_seconds",
    "Seconds without a row after which a query is abandoned.",
    "integer",
    default=1800,
    minimum=1,
)

TEMP_DIR = Setting("backup_temp_dir", "Folder for temporary files; empty: the system's.")


@dataclass(frozen=True, kw_only=True)
class TempSettings:
    """Where the temporary files of a read are."""

    backup_temp_dir: str | None = shared(TEMP_DIR)


@dataclass(frozen=True, kw_only=True)
class MySQLSettings:
    """Where the server is, who logs in, and by which way."""

    db_host: str = setting(
        "Host name of the MySQL server as seen from the bastion (or this machine), or the path of "
        "a Unix socket there.",
        required=True,
    )
    db_port: int = setting("Port of the MySQL server.", 3306, minimum=1)
    db_user: str = setting("MySQL user; it needs SELECT only.", required=True)
    db_password: str | None = setting("Password of the MySQL user.", secret=True)
    db_database: str = setting(
        "Default database, used for table names without a schema.", required=True
    )
    db_ssl_mode: Literal["disabled", "verify"] = setting(
        "TLS to MySQL: disabled, or verify (the certificate and its host name).", "disabled"
    )
    db_ssl_ca: str | None = setting("CA file for MySQL's certificate; empty: the system's.")
    db_ssl_server_name: str | None = setting("Name in MySQL's certificate, if it is not DB_HOST.")
    db_server_public_key: str | None = setting(
        "File with MySQL's public RSA key, with which caching_sha2_password may encrypt the "
        "password without TLS."
    )
    ssh_bastion_host: str | None = shared(_HOST)
    ssh_bastion_port: int = shared(_PORT)
    ssh_bastion_user: str | None = shared(_USER)
    ssh_bastion_key_path: str | None = shared(_KEY_PATH)
    ssh_bastion_known_hosts: str | None = shared(_KNOWN_HOSTS)
    ssh_bastion_jump: str | None = shared(_JUMP)

    @property
    def bastion(self) -> Bastion | None:
        """The host that leads to MySQL; None: it is reached directly.

        Raises:
            ConfigError: A name could be taken for an option of ssh.
        """
        if self.ssh_bastion_host is None:
            return None
        return Bastion(
            host=self.ssh_bastion_host,
            port=self.ssh_bastion_port,
            user=self.ssh_bastion_user,
            key_path=self.ssh_bastion_key_path,
            known_hosts=self.ssh_bastion_known_hosts,
            jump=self.ssh_bastion_jump,
        )
