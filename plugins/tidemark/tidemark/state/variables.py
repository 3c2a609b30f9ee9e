"""The environment variables for Meltano's settings, made once instead of at each access.

For each name that a setting may have, Meltano builds a dictionary of all variables again, ten
thousand times in a run with nothing new; and for each of a plugin's extras, all of its settings as
variables: half of the CPU of its settings.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any

from meltano.core.settings_service import SettingsService

if TYPE_CHECKING:
    from meltano.core.settings_store import SettingsStoreManager

    Raw = Mapping[object, object]

#: The variables as last seen: as the interpreter keeps them, and decoded.
_last: tuple[Raw, dict[str, str]] = ({}, {})


def install() -> None:
    """Makes Meltano's settings in this process use `variables`, and keep what they made of them."""
    # As in Meltano, except for the dictionary that it starts from.
    SettingsService.env = property(lambda service: {**variables(), **service.env_override})  # type: ignore[assignment,method-assign]
    SettingsService.as_env = kept_by_reading(SettingsService.as_env)  # type: ignore[method-assign]


def variables() -> dict[str, str]:
    """This process's variables as they are now; not to be changed."""
    global _last
    raw: Raw | None = getattr(os.environ, "_data", None)  # CPython has it
    if raw is None:
        return dict(os.environ)
    if _last[0] != raw:
        _last = (dict(raw), dict(os.environ))
    return _last[1]


def kept_by_reading(as_env: Callable[..., dict[str, str]]) -> Callable[..., dict[str, str]]:
    """`SettingsService.as_env`, once per reading of all settings instead of once per extra.

    Such a reading has a manager of its own, which keeps the values of the files in the same way.

    Args:
        as_env: Meltano's own.
    """

    @wraps(as_env)
    def kept(
        service: SettingsService,
        *words: Any,
        source_manager: SettingsStoreManager | None = None,
        **named: Any,
    ) -> dict[str, str]:
        if source_manager is None or words or source_manager.settings_service is not service:
            return as_env(service, *words, source_manager=source_manager, **named)
        made = vars(source_manager).setdefault("_as_env", {})
        asked = tuple(sorted(named.items()))
        if asked not in made:
            made[asked] = as_env(service, source_manager=source_manager, **named)
        return dict(made[asked])

    return kept
