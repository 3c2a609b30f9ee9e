"""The environment variables for Meltano's settings, decoded once instead of at each access.

For each name that a setting may have, Meltano builds a dictionary of all variables again, ten
thousand times in a run with nothing new.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from meltano.core.settings_service import SettingsService

if TYPE_CHECKING:
    Raw = Mapping[object, object]

#: The variables as last seen: as the interpreter keeps them, and decoded.
_last: tuple[Raw, dict[str, str]] = ({}, {})


def install() -> None:
    """Makes Meltano's settings in this process use `variables`."""
    # As in Meltano, except for the dictionary that it starts from.
    SettingsService.env = property(lambda service: {**variables(), **service.env_override})  # type: ignore[assignment,method-assign]


def variables() -> dict[str, str]:
    """This process's variables as they are now; not to be changed."""
    global _last
    raw: Raw | None = getattr(os.environ, "_data", None)  # CPython has it
    if raw is None:
        return dict(os.environ)
    if _last[0] != raw:
        _last = (dict(raw), dict(os.environ))
    return _last[1]
