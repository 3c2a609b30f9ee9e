"""Reads the tap's messages; an error about one never shows the message, which may hold a row."""

from __future__ import annotations

from typing import Any

from singer_sdk.io_base import SingerReader
from singer_sdk.singerlib.json import deserialize_json
from tidemark_core.errors import SourceError

_HINT = "run the tap by itself and inspect its output"


class QuietReader(SingerReader):
    """The SDK's reader, except for its error messages."""

    def deserialize_json(self, line: str) -> dict[str, Any]:
        """Reads a message.

        Raises:
            SourceError: It is not a JSON object.
        """
        try:
            message: Any = deserialize_json(line)
        except (ValueError, RecursionError) as error:
            position = getattr(error, "pos", 0)
            raise SourceError(
                f"the tap sent a line of {len(line)} characters that is not JSON (at {position})",
                hint=_HINT,
            ) from None
        if not isinstance(message, dict):
            raise SourceError(
                f"the tap sent a line of {len(line)} characters that is not a JSON object",
                hint=_HINT,
            )
        return message

    @staticmethod
    def assert_line_requires(line_dict: dict[str, Any], requires: set[str]) -> None:
        """Makes sure that a message has the keys it must have.

        Raises:
            SourceError: One is missing.
        """
        missing = sorted(requires - line_dict.keys())
        if missing:
            raise SourceError(
                f"the tap sent a message without {', '.join(missing)}",
                table=line_dict.get("stream"),
                hint=_HINT,
            )
