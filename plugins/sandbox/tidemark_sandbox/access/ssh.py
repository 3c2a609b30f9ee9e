"""How OpenSSH's client is called for the sandbox's bastion."""

from __future__ import annotations

from tidemark_sandbox.debian.packages import program
from tidemark_sandbox.host.ports import HOST
from tidemark_sandbox.settings.accounts import account_name
from tidemark_sandbox.settings.config import Config


def ssh_command(config: Config, *arguments: str) -> list[str]:
    """The ssh command line: our key and our known hosts only, nothing of the user's own setup."""
    options = {
        "UserKnownHostsFile": str(config.known_hosts),
        "GlobalKnownHostsFile": "/dev/null",
        "StrictHostKeyChecking": "yes",
        "IdentitiesOnly": "yes",
        "IdentityAgent": "none",
        "BatchMode": "yes",
        "ExitOnForwardFailure": "yes",
        "ConnectTimeout": "5",
        "ServerAliveInterval": "15",
        "LogLevel": "ERROR",
    }
    return [
        program("ssh"),
        "-F",
        "none",
        "-p",
        str(config.ports.bastion),
        "-i",
        str(config.client_key),
        *(f"-o{name}={_quoted(value)}" for name, value in options.items()),
        *arguments,
        f"{account_name()}@{HOST}",
    ]


def _quoted(value: str) -> str:
    return f'"{value}"' if " " in value else value
