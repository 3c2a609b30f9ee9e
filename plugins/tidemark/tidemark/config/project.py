"""The project that a command works on: its folder, its settings, its lake."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from dotenv import dotenv_values
from tap_mysql.source.settings import MySQLSettings
from tidemark_core.errors import ConfigError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.names import LandingNames, TableName
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
from tidemark_core.types.super_columns import SuperColumns

from tidemark.config.env_file import check_private, secrets_in_files
from tidemark.config.environment import env_file, load_environment, project_folder
from tidemark.config.invocation import current
from tidemark.config.settings import SETTINGS, DbtSettings, LeaseSettings, WatermarkSettings
from tidemark.config.tables.deleted_rows import marking_columns
from tidemark.config.tables.landing_names import read_landing_names
from tidemark.config.tables.super_columns import read_super_columns
from tidemark.config.validation import unknown_settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

T = TypeVar("T")


@dataclass(frozen=True)
class Project:
    """Where we are and what is set.

    Settings are read when they are needed: a command requires none that it can do without.

    Attributes:
        root: The folder of ``meltano.yml``.
        environ: The settings, as environment variables.
        env_file: The file of settings that was named in place of the project's ``.env``.
    """

    root: Path
    environ: Mapping[str, str]
    env_file: Path | None = None

    @classmethod
    def load(cls, named_file: Path | None = None) -> Project:
        """Reads the project that the command was started in.

        Args:
            named_file: A file of settings in place of the project's ``.env``; default: what was
                typed before the command. It wins over the environment, because it was named.

        Raises:
            ConfigError: The named file is missing, or others can read it.
        """
        root = project_folder()
        named_file = named_file or current().env_file
        if named_file is None:
            return cls(root, load_environment())
        check_private(named_file)
        named = dotenv_values(named_file, interpolate=False)
        environ = os.environ | {k: v for k, v in named.items() if v is not None}
        environ |= secrets_in_files(environ, [s for s in SETTINGS if s.secret])
        return cls(root, environ, named_file.absolute())

    @property
    def settings_file(self) -> Path:
        """The file that the settings are read from; it need not be there."""
        return self.env_file or env_file(self.root)

    @cached_property
    def in_file(self) -> dict[str, str]:
        """What the file of settings says, whatever the environment says."""
        found = dotenv_values(self.settings_file, interpolate=False)
        return {name: value for name, value in found.items() if value is not None}

    @property
    def unknown_settings(self) -> dict[str, str]:
        """Names in the file of settings that nothing reads, each with what is probably meant."""
        return unknown_settings(self.in_file)

    def read(self, settings: type[T]) -> T:
        """The values of the settings that a class declares.

        Raises:
            ConfigError: One of them is required and missing, or of the wrong type.
        """
        return read(settings, {}, self.environ)

    @property
    def environment(self) -> str:
        """Meltano's environment; it is part of every state's id."""
        return self.environ.get("MELTANO_ENVIRONMENT") or "dev"

    @cached_property
    def location(self) -> S3Location:
        # A person waits: an unreachable S3 is reported within seconds.
        found = S3Location.of(self.read(S3Settings))
        return replace(found, attempts=3, connect_timeout=5)

    @property
    def bucket(self) -> str:
        return self.location.bucket

    @property
    def layout(self) -> LakeLayout:
        return self.location.layout

    @cached_property
    def s3(self) -> S3Client:
        return self.location.client()

    @property
    def database(self) -> str:
        """DB_DATABASE, the database of tables named without one; empty if it is not set."""
        return self.environ.get("DB_DATABASE", "")

    @property
    def lease_seconds(self) -> int:
        """How long a lease outlives its holder."""
        return self.read(LeaseSettings).s3_lease_seconds

    @property
    def watermark_key(self) -> str:
        """The key in whose folder the state of all pipelines lives."""
        return self.read(WatermarkSettings).s3_high_watermark_key

    @property
    def mysql(self) -> MySQLSettings:
        return self.read(MySQLSettings)

    @property
    def warehouse(self) -> WarehouseSettings:
        return self.read(WarehouseSettings).in_region(self.read(S3Settings).s3_region)

    @property
    def public_schema(self) -> str:
        """Where dbt builds the tables that people query."""
        return self.read(DbtSettings).redshift_schema

    @property
    def reader(self) -> WarehouseSettings:
        """The warehouse as dbt's user sees it, who reads landing, public and dbt's own state."""
        return self.read(DbtSettings).login(self.warehouse)

    @cached_property
    def deleted_at(self) -> Mapping[str, str]:
        """By table that keeps deleted rows, the column that says since when a row is deleted."""
        return marking_columns(self.root)

    @cached_property
    def names(self) -> LandingNames:
        """What each table is called in the warehouse.

        Raises:
            ConfigError: LANDING_NAMES is invalid.
        """
        return read_landing_names(self.root, self.environ)

    @cached_property
    def super_columns(self) -> SuperColumns:
        """Which columns are SUPER in the warehouse.

        Raises:
            ConfigError: SUPER_COLUMNS is invalid.
        """
        return read_super_columns(self.root, self.environ)

    def table(self, text: str) -> TableName:
        """Reads a table as it was typed; a bare name is in DB_DATABASE.

        If the table's name has a dot in it, it is looked up among the tables of the lake and those
        that the project selects, to find where the database's name ends.

        Raises:
            ConfigError: It fits more than one table.
        """
        first = TableName.parse(text, self.database)
        if "." not in first.table:
            return first
        wanted = text.strip()
        fits = [name for name in self._known_tables if wanted in (str(name), name.table)]
        if len(fits) > 1:
            told = ", ".join(f"{name.table!r} of {name.schema!r}" for name in fits)
            raise ConfigError(f"{wanted!r} may be {told}", hint="rename one of them")
        return fits[0] if fits else first

    @cached_property
    def _known_tables(self) -> list[TableName]:
        from tap_s3_parquet.index import Index

        from tidemark.config.tables.selection import Rules

        in_lake = Index(self.location).tables(listing=False)
        return sorted({*in_lake, *Rules.read(self.root).tables()})

    def tables(self, texts: Iterable[str] | None) -> list[TableName]:
        """Reads tables as they were typed, each once; comma-separated lists too.

        Raises:
            ConfigError: One of them is empty, as from a variable that is not set; it does not mean
                every table, as no text at all does.
        """
        given = list(texts or [])
        if not all(text.strip(", ") for text in given):
            raise ConfigError("-t matches no table", hint="name a table, or omit -t for all tables")
        names = [name for text in given for name in text.split(",") if name.strip()]
        return list(dict.fromkeys(self.table(name) for name in names))
