"""A Singer target in which a failing stream does not stop the others."""

from __future__ import annotations

import contextlib
import copy
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Any

from singer_sdk.plugin_base import _ConfigInput
from singer_sdk.target_base import Target
from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.names import TableName

from tidemark_singer.failures import Bookmarks, Failures, bookmarks
from tidemark_singer.files.batch_file import BatchFile
from tidemark_singer.plugin import Plugin, S
from tidemark_singer.target.full_copies import Copies
from tidemark_singer.target.message_reader import QuietReader

Message = dict[str, Any]


class IsolatingTarget(Plugin[S], Target):
    """Continues with the other streams when one fails, and withholds what STATE claims of it.

    A stream that failed is skipped from then on; the run ends with its error. A full copy is
    committed when it is whole, never by another stream's STATE.

    Attributes:
        failures: The streams that failed.
        copies: The full copies that are not whole yet.
    """

    message_reader_class = QuietReader

    def __init__(self, **arguments: Any) -> None:
        self.failures = Failures()
        self.copies = Copies()
        self._true_marks = Bookmarks()
        self._open: set[str] = set()
        # The state of a tap that begins without one need not be passed on.
        self._passed: Any = {"bookmarks": {}}
        super().__init__(**arguments)

    # ------------------------------------------------------------------ what a subclass does
    def run(self, file_input: IO[str] | None) -> None:
        """Takes all messages of the input.

        Raises:
            TidemarkError: A stream failed; the others are done.
        """
        raise NotImplementedError

    def close(self) -> None:
        """Releases and removes all that the run holds. Never raises."""
        raise NotImplementedError

    def drop(self, stream: str) -> None:
        """Drops all that is held here of a stream that failed. Never raises."""
        raise NotImplementedError

    def begin_anew(self, stream: str) -> None:
        """Drops what has come of a full copy, because another one begins. Never raises."""
        raise NotImplementedError

    def cut_off(self) -> frozenset[str]:
        """The streams that fail if the input ends now, as their full copy is incomplete."""
        return self.copies.held

    def holds(self, stream: str) -> bool:
        """Whether nothing of a stream (its name after stream maps) may be committed now."""
        held = self.copies.held
        return bool(held) and self.raw(stream) in held

    def fail(self, stream: str, error: Exception) -> None:
        """Takes a stream out of the run.

        Args:
            stream: Its name after stream maps.
            error: Why.

        Raises:
            TidemarkError: It is not the stream's own.
        """
        raw = self.raw(stream)
        self.failures.add(raw, _table(raw), error)
        for alias in self._aliases(raw):
            self.drop(alias)

    def _write_state_message(self, state: Any) -> None:
        """Passes on, once, the part of a STATE that is true when all before it is committed."""
        failed = frozenset(self.failures)
        self._open &= failed | self.copies.held
        self._true_marks.note(state, open=self._open, failed=failed)
        passed = self._true_marks.true_part(state, failed)
        if passed is None:
            self.logger.warning(
                "STATE withheld: the bookmark from which a failed stream started is unknown",
                extra={"failed": sorted(failed)},
            )
        elif passed != self._passed:
            super()._write_state_message(passed)
            self._passed = copy.deepcopy(passed)

    # ------------------------------------------------------------------ the command line
    @classmethod
    def invoke(  # type: ignore[override]
        cls,
        *,
        about: bool = False,
        about_format: str | None = None,
        config: _ConfigInput | None = None,
        file_input: IO[str] | None = None,
    ) -> None:
        """Runs the target on its input; nothing that it holds outlives an error."""
        if about:
            cls.print_about(about_format)
            return
        with contextlib.closing(cls.made(config)) as target:
            target.run(file_input)

    # ------------------------------------------------------------------ messages
    def process_endofpipe(self) -> None:
        """Commits what is complete; an incomplete copy has failed."""
        self.copies.end()
        for stream in sorted(self.cut_off() - set(self.failures)):
            error = LakeError(
                "the input ended in the middle of its full copy; the incomplete copy was not "
                "committed",
                table=_table(stream),
                hint="see the tap's error, then run again: its rows will be read again",
            )
            self.fail(stream, error)
        super().process_endofpipe()

    def _process_schema_message(self, message_dict: Message) -> None:
        stream = message_dict.get("stream", "")
        is_incremental = bool(message_dict.get("bookmark_properties"))
        if self.copies.schema(stream, is_incremental=is_incremental):
            self._begin_anew(stream)
        self._guarded(message_dict, super()._process_schema_message)

    def _process_record_message(self, message_dict: Message) -> None:
        stream = message_dict.get("stream", "")
        self._open.add(stream)
        if self.copies.record(stream, message_dict.get("version")):
            self._begin_anew(stream)
        self._guarded(message_dict, super()._process_record_message)

    def _process_batch_message(self, message_dict: Message) -> None:
        stream = message_dict.get("stream", "")
        self._open.add(stream)
        if stream in self.failures:
            # They are ours since the message named them, and their tap may be waiting for space.
            remove_local(message_dict.get("manifest", ()))
        self._guarded(message_dict, super()._process_batch_message)

    def _process_activate_version_message(self, message_dict: Message) -> None:
        self.copies.activate(message_dict.get("stream", ""), message_dict.get("version"))
        self._guarded(message_dict, super()._process_activate_version_message)

    def _process_state_message(self, message_dict: Message) -> None:
        value, failed = message_dict.get("value"), frozenset(self.failures)
        self._true_marks.note(value, open=self._open, failed=failed)
        self.copies.state(bookmarks(value))
        super()._process_state_message(message_dict)

    def _begin_anew(self, stream: str) -> None:
        for alias in self._aliases(stream):
            self.begin_anew(alias)

    def _guarded(self, message: Message, process: Callable[[Message], None]) -> None:
        stream = message.get("stream")
        if stream in self.failures:
            return
        try:
            process(message)
        except Exception as error:
            if not isinstance(stream, str) or not stream:
                raise
            self.fail(stream, error)

    def _aliases(self, stream: str) -> list[str]:
        maps = self.mapper.stream_maps.get(stream, ())
        return [stream, *(each.stream_alias for each in maps if each.stream_alias != stream)]

    def raw(self, alias: str) -> str:
        """The stream to which stream maps gave this name."""
        for stream, maps in self.mapper.stream_maps.items():
            if any(each.stream_alias == alias for each in maps):
                return stream
        return alias


def remove_local(urls: Sequence[str]) -> None:
    """Removes the local files that a BATCH message names; never follows a link, never raises."""
    for url in urls:
        with contextlib.suppress(TidemarkError, OSError, ValueError):
            batch = BatchFile.from_url(url)
            if batch.url.startswith("file://"):
                path = Path(batch.path)
                if stat.S_ISREG(path.lstat().st_mode):
                    path.unlink()


def _table(stream: str) -> object:
    try:
        return TableName.from_stream(stream)
    except TidemarkError:
        return stream
