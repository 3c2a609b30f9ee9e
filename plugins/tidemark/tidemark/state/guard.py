"""Runs in every Meltano process before it does anything."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click
from dotenv import dotenv_values
from meltano.core.error import ExitCode, MeltanoError
from tidemark_core.errors import ConfigError
from tidemark_core.host.collector import spare_what_is_here

from tidemark.config.env_file import read_environment
from tidemark.config.environment import project_folder
from tidemark.config.tables.super_columns import refuse_other_contracts
from tidemark.config.validation import refuse_bad_values, unknown_settings
from tidemark.job.leftovers import remove_stale_configs, system_folder
from tidemark.job.systemdb import empty_half_made
from tidemark.state import variables

logger = logging.getLogger("tidemark")
#: The commands that run plugins.
_RUNS = frozenset({"el", "elt", "run"})


class BadSettingsError(MeltanoError):
    """A setting is wrong; Meltano prints it and ends with its exit code."""

    def __str__(self) -> str:
        return str(self.reason)

    def exit_code(self) -> ExitCode:
        return ExitCode(ConfigError.exit_code)


def guard() -> None:
    """Makes the files of this process and its children private, and checks before a run.

    Raises:
        BadSettingsError: A setting of the run about to begin is wrong.
    """
    # Meltano writes its plugins' configurations, passwords in clear, into files.
    os.umask(0o077)
    context = click.get_current_context(silent=True)
    root = None if context is None else context.find_root()
    if root is None or root.info_name != "meltano":
        return
    # Most of Meltano's imports are done by now; its work is still to come.
    spare_what_is_here()
    variables.install()
    project = project_folder()
    folder = system_folder(project, os.environ)
    if empty_half_made(folder):
        text = "the system database in %s was half-made by a killed run; it is recreated"
        logger.warning(text, folder)
    if root.invoked_subcommand not in _RUNS:
        return
    remove_stale_configs(folder)
    path = Path(root.params.get("env_file") or project / ".env")
    try:
        environ = read_environment(path, os.environ, (), required=False)
        for name, meant in unknown_settings(dotenv_values(path, interpolate=False)).items():
            logger.warning("%s in %s is not a setting%s", name, path, meant)
        refuse_bad_values(environ)
        refuse_other_contracts(project, environ)
    except ConfigError as error:
        raise BadSettingsError(error) from None
