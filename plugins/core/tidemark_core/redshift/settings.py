"""The settings of the warehouse, declared once for all who log in to it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, Self

from tidemark_core.settings import bastion_settings
from tidemark_core.ssh.bastion import Bastion
from tidemark_core.typed_settings import setting, shared

_HOST, _PORT, _USER, _KEY_PATH, _KNOWN_HOSTS, _JUMP = bastion_settings(
    "redshift_ssh_bastion", "the warehouse"
)


@dataclass(frozen=True, kw_only=True)
class WarehouseSettings:
    """Where the warehouse is, who logs in, and by which way."""

    redshift_host: str = setting(
        "Host name of the warehouse, or the path of a Unix socket on its bastion.", required=True
    )
    redshift_port: int = setting("Port of the warehouse.", 5439, minimum=1)
    redshift_database: str = setting("Database to load into.", required=True)
    redshift_auth: Literal["password", "iam"] = setting(
        "password: REDSHIFT_USER and REDSHIFT_PASSWORD; iam: temporary credentials from AWS.",
        "password",
    )
    redshift_user: str | None = setting("User in the warehouse.")
    redshift_password: str | None = setting(
        "Password of the user (REDSHIFT_AUTH=password).", secret=True
    )
    redshift_cluster_identifier: str | None = setting("Provisioned cluster (REDSHIFT_AUTH=iam).")
    redshift_workgroup: str | None = setting("Serverless workgroup (REDSHIFT_AUTH=iam).")
    redshift_region: str | None = setting("Region of the warehouse; empty: S3_REGION.")
    redshift_iam_role: str | None = setting(
        "ARN of the role with which the warehouse reads the bucket, or 'default'; empty: this "
        "machine's temporary credentials."
    )
    redshift_ssl: bool = setting("Whether to use TLS; its certificate is always verified.", True)
    redshift_ssl_mode: Literal["verify-full", "verify-ca"] = setting(
        "verify-full: check the authority and the host name; verify-ca: the authority only.",
        "verify-full",
    )
    redshift_ssl_root_cert: str | None = setting(
        "File of the certificate authority; empty: Amazon's, which comes with the driver."
    )
    redshift_ssl_server_name: str | None = setting(
        "Name in the warehouse's certificate, if it is not REDSHIFT_HOST."
    )
    redshift_connect_timeout_seconds: int = setting(
        "Seconds to wait for the warehouse to answer a new connection.", 20, minimum=1
    )
    redshift_ssh_bastion_host: str | None = shared(_HOST)
    redshift_ssh_bastion_port: int = shared(_PORT)
    redshift_ssh_bastion_user: str | None = shared(_USER)
    redshift_ssh_bastion_key_path: str | None = shared(_KEY_PATH)
    redshift_ssh_bastion_known_hosts: str | None = shared(_KNOWN_HOSTS)
    redshift_ssh_bastion_jump: str | None = shared(_JUMP)

    @property
    def bastion(self) -> Bastion | None:
        """The host that leads to the warehouse; None: it is reached directly.

        Raises:
            ConfigError: A name could be taken for an option of ssh.
        """
        if self.redshift_ssh_bastion_host is None:
            return None
        return Bastion(
            host=self.redshift_ssh_bastion_host,
            port=self.redshift_ssh_bastion_port,
            user=self.redshift_ssh_bastion_user,
            key_path=self.redshift_ssh_bastion_key_path,
            known_hosts=self.redshift_ssh_bastion_known_hosts,
            jump=self.redshift_ssh_bastion_jump,
            settings="redshift_ssh_bastion",
        )

    def in_region(self, region: str | None) -> Self:
        """The same settings, with this region if REDSHIFT_REGION names none."""
        return replace(self, redshift_region=self.redshift_region or region)
