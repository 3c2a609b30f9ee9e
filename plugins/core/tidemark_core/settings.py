"""How a setting is declared: once, with its environment variable, for every plugin that has it.

A setting's name is its environment variable in lower case, so an error message, ``.env``, the
Singer config and ``meltano.yml`` all speak of the same thing.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from tidemark_core.errors import ConfigError
from tidemark_core.text.documents import Json
from tidemark_core.text.masking import SECRETS

Kind = Literal["string", "integer", "boolean", "object", "array"]


@dataclass(frozen=True)
class Setting:
    """One setting.

    Attributes:
        name: Lower case; the environment variable is this name in upper case.
        description: For people, one sentence or two.
        kind: JSON type of the value.
        default: Used when the setting is absent or an empty string.
        required: Whether the plugin cannot do without.
        secret: Never printed, never logged.
        choices: The only values allowed, if given.
        minimum: Least value allowed, for integers.
    """

    name: str
    description: str
    kind: Kind = "string"
    default: Any = None
    required: bool = False
    secret: bool = False
    choices: tuple[str, ...] = ()
    minimum: int | None = None

    @property
    def env(self) -> str:
        return self.name.upper()

    def json_schema(self) -> dict[str, object]:
        schema: dict[str, object] = {"type": [self.kind, "null"], "description": self.description}
        if self.default is not None:
            schema["default"] = self.default
        if self.secret:
            schema["secret"] = True
        if self.choices:
            schema["enum"] = [*self.choices, None]
        if self.minimum is not None:
            schema["minimum"] = self.minimum
        return schema

    def convert(self, value: Any) -> Any:
        """Turns what came from an environment variable or a config file into the setting's type.

        Raises:
            ConfigError: The value is not of the setting's kind, or not among its choices.
        """
        if value is None or value == "":
            return self.default
        try:
            converted = _CONVERT[self.kind](value)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{self.env} must be of type {self.kind}") from error
        if self.choices and converted not in self.choices:
            raise ConfigError(f"{self.env} must be one of {', '.join(self.choices)}")
        if self.minimum is not None and converted < self.minimum:
            raise ConfigError(f"{self.env} must be at least {self.minimum}")
        return converted


def _boolean(value: Any) -> bool:
    known = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    return value if isinstance(value, bool) else known[str(value).lower()]


def _container(kind: type) -> Callable[[Any], Any]:
    def convert(value: Any) -> Any:
        read = json.loads(value) if isinstance(value, str) else value
        if not isinstance(read, kind):
            raise TypeError(f"no {kind.__name__}")
        return read

    return convert


def _convert_boolean(value: Any) -> bool:
    try:
        return _boolean(value)
    except KeyError as error:
        raise ValueError(value) from error


_CONVERT: dict[Kind, Callable[[Any], Any]] = {
    "string": str,
    "integer": int,
    "boolean": _convert_boolean,
    "object": _container(dict),
    "array": _container(list),
}


def config_schema(settings: Iterable[Setting]) -> dict[str, Any]:
    """Builds the JSON schema of a plugin's config from its settings."""
    declared = list(settings)
    return {
        "type": "object",
        "properties": {setting.name: setting.json_schema() for setting in declared},
        "required": [setting.name for setting in declared if setting.required],
    }


def resolve(
    settings: Iterable[Setting], config: Json, environ: Mapping[str, str] | None = None
) -> dict[str, Any]:
    """Gives every setting its value: from ``config``, else ``environ``, else its default.

    Secrets are made known to `tidemark_core.text.masking`.

    Args:
        settings: What to look for; other keys of ``config`` are left alone and not returned.
        config: Singer config (or parsed options).
        environ: Environment variables, when they may fill in.

    Raises:
        ConfigError: A required setting has no value, or a value has the wrong type.
    """
    values: dict[str, Any] = {}
    for setting in settings:
        raw = config.get(setting.name)
        if raw in (None, "") and environ is not None:
            raw = environ.get(setting.env)
        value = setting.convert(raw)
        if setting.required and value is None:
            raise ConfigError(
                f"{setting.env} is not set",
                hint=f"put {setting.env}=… into .env: {setting.description}",
            )
        values[setting.name] = value
        if setting.secret and isinstance(value, str):
            SECRETS.add([value])
    return values


LEASE_SECONDS = Setting(
    "s3_lease_seconds",
    "Seconds after which another machine may take over from a writer, job or build that has "
    "crashed.",
    "integer",
    default=60,
    minimum=3,
)

LOCK_SECONDS = Setting(
    "redshift_lock_timeout_seconds",
    "Maximum seconds to wait for a transaction that holds the landing table, or, in dbt, for "
    "another build; 0: no limit.",
    "integer",
    default=300,
    minimum=0,
)

STATEMENT_SECONDS = Setting(
    "redshift_statement_timeout_seconds",
    "Maximum seconds per statement; 0: no limit.",
    "integer",
    default=3600,
    minimum=0,
)

S3_REGION = Setting("s3_region", "Region of the bucket.", default="us-east-1")

#: It is a decision of the project, kept in its files: an empty variable must not undo it, so
#: Meltano does not know the variable, and code that needs the setting reads the environment first.
LANDING_NAMES = Setting(
    "landing_names",
    'Tables whose copy has a different name, {"schema.table": "name"}; `tidemark add` writes it '
    "when two tables have the same name.",
    "object",
    default={},
)

#: Kept in the project's files, too: a table's contract and its copy must say the same.
SUPER_COLUMNS = Setting(
    "super_columns",
    'Columns kept as SUPER, {"schema.table": ["column", {"text column": "json"}]}; "json" in place '
    'of the list: all JSON columns, "*" in place of the table: any other table.',
    "object",
    default={},
)
#: The settings that the project's files have, which an empty variable must not undo.
OF_FILES = (LANDING_NAMES, SUPER_COLUMNS)


def bastion_settings(prefix: str, what: str) -> tuple[Setting, ...]:
    """Declares the settings of an SSH bastion.

    Args:
        prefix: ``ssh_bastion`` for MySQL's, ``redshift_ssh_bastion`` for the warehouse's.
        what: What the bastion leads to, for the descriptions.
    """
    return (
        Setting(f"{prefix}_host", f"SSH bastion before {what}; empty: connect directly."),
        Setting(f"{prefix}_port", "Port of the bastion's sshd.", "integer", default=22, minimum=1),
        Setting(f"{prefix}_user", "User on the bastion."),
        Setting(f"{prefix}_key_path", "Private key file, mode 0600; empty: the SSH agent."),
        Setting(
            f"{prefix}_known_hosts",
            "known_hosts file with the bastion's host key, which is always verified.",
        ),
        Setting(
            f"{prefix}_jump", "Jump hosts before the bastion, separated by commas: user@host:port."
        ),
    )
