"""A Singer tap's command line: catalog and state are read before anything is opened."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import IO, Any

from singer_sdk.helpers.capabilities import TapCapabilities
from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.tap_base import Tap
from tidemark_core.errors import StateError

from tidemark_singer.plugin import CAPABILITIES, Plugin, S

#: Capabilities of all our taps.
TAP_CAPABILITIES = (
    TapCapabilities.CATALOG,
    TapCapabilities.STATE,
    TapCapabilities.DISCOVER,
    *CAPABILITIES,
)


class PluginTap(Plugin[S], Tap):
    """A tap that hands its tables over by `run`."""

    @abstractmethod
    def run(self) -> None:
        """Hands over what the catalog selects.

        Raises:
            TidemarkError: A table failed; the others were handed over.
        """

    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        state: IO[str] | None = None,
        catalog: IO[str] | None = None,
    ) -> None:
        """Runs the tap's command line."""
        if about:
            cls.print_about(about_format)
            return
        tap = cls.made(
            config,
            state=None if state is None else read_state(state),
            catalog=None if catalog is None else json.load(catalog),
        )
        tap.run()


def read_state(file: IO[str]) -> dict[str, Any]:
    """Reads a state file.

    Raises:
        StateError: It is damaged. It is never taken for an empty one, which would read all tables
            again, nor a text in it for the path of another file.
    """
    try:
        state = json.load(file)
    except (ValueError, RecursionError) as error:
        raise damaged_state("not valid JSON") from error
    if not isinstance(state, dict):
        raise damaged_state("not a JSON object")
    return state


def damaged_state(what: str) -> StateError:
    """The error for a state that is not one."""
    return StateError(
        f"the state is not Singer state: {what}",
        hint="tidemark watermark list, then set or reset what is damaged",
    )
