"""Common behaviour of our taps and targets that the SDK leaves to plugins."""

from __future__ import annotations

from functools import cached_property
from types import FrameType
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

from singer_sdk.helpers.capabilities import PluginCapabilities
from singer_sdk.plugin_base import PluginBase, _ConfigInput
from tidemark_core.process import end_by
from tidemark_core.typed_settings import read, values

S = TypeVar("S")
#: Capabilities of all our plugins, and of those that leave stream maps to the SDK.
CAPABILITIES = (
    PluginCapabilities.ABOUT,
    PluginCapabilities.BATCH,
    PluginCapabilities.STRUCTURED_LOGGING,
)
MAPPING = (PluginCapabilities.STREAM_MAPS, PluginCapabilities.FLATTENING)


class Plugin(PluginBase, Generic[S]):
    """A plugin with typed settings, whose errors name the variable and the next step.

    Attributes:
        settings_class: The class that declares its settings; ``S``.
        after_signal: What a run that is ended by a signal leaves behind, in words.
    """

    settings_class: ClassVar[type[Any]]
    after_signal: ClassVar[str] = ""

    @cached_property
    def settings(self) -> S:
        """Every setting's value.

        Raises:
            ConfigError: A value is missing or wrong.
        """
        return cast("S", read(self.settings_class, self.config))

    @classmethod
    def made(cls, config: _ConfigInput | None, **more: Any) -> Self:
        """The plugin that a command line asks for.

        Raises:
            ConfigError: A setting is missing or wrong.
        """
        given = config or _ConfigInput()
        return cls(config=given.config, parse_env_config=given.parse_env, **more)

    def _validate_config(self, *, raise_errors: bool = True) -> list[str]:
        """Resolves the settings first: their errors are for the operator.

        Discovery validates nothing. Its settings are resolved when they are used; until then they
        are text, as Meltano gives them, which the SDK would report as invalid.
        """
        if not raise_errors:
            return []
        self._config = {**self._config, **values(read(self.settings_class, self._config))}
        return list(super()._validate_config())

    def _handle_termination(self, signum: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """Ends at once."""
        end_by(signum, self.logger, self.after_signal)
