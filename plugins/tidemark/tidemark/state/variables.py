"""The environment variables as Meltano's settings ask for them: decoded once, not at each.

For each name that a setting may have, Meltano makes a dictionary of all variables again, ten
thousand times in a run with nothing new.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from meltano.core.settings_service import SettingsService

if TYPE_CHECKING:
    Raw = Mapping[object, object]

#: The variables as they were last, as the interpreter keeps them and decoded.
_last: tuple[Raw, dict[str, str]] = ({}, {})


def install() -> None:
    """Lets the settings of this process ask here."""
    # As Meltano has it, but for the dictionary that it is made of.
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
