"""Changes to files of the project: shown before they are made, made together or not at all."""

from __future__ import annotations

import difflib
import os
import stat
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tidemark_core.errors import ConfigError
from tidemark_core.text.printable import printable


@dataclass
class FileChanges:
    """The planned contents of files, which do not change until `apply`.

    Attributes:
        root: The project's folder; paths are below it, or absolute.
        secret: Files of which only the lines that change are shown.
    """

    root: Path
    secret: frozenset[Path] = frozenset()
    _old: dict[Path, str | None] = field(default_factory=dict)
    _new: dict[Path, str | None] = field(default_factory=dict)

    def read(self, name: str | Path) -> str | None:
        """A file's planned text; None if there is to be no such file."""
        path = self.root / name
        if path not in self._new:
            self._old[path] = self._new[path] = _text(path)
        return self._new[path]

    def write(self, name: str | Path, text: str | None) -> None:
        """Plans a file's text; None removes the file."""
        self.read(name)
        path = self.root / name
        del self._new[path]  # the order is that of the last writes
        self._new[path] = text

    @property
    def paths(self) -> list[str]:
        """The files that are changed, made or removed, relative to the project's folder."""
        return [self._label(path) for path in self._changed()]

    def diff(self) -> str:
        """The changes as a unified diff; removed files are only named.

        Control characters are escaped.
        """
        found: list[str] = []
        for path in self._changed():
            label, old, new = self._label(path), self._old[path], self._new[path]
            if new is None:
                number = len((old or "").splitlines())
                found.append(f"--- a/{printable(label)} is removed, {number:,} lines")
                continue
            lines = difflib.unified_diff(
                (old or "").splitlines(),
                new.splitlines(),
                f"a/{label}" if old is not None else "/dev/null",
                f"b/{label}",
                n=0 if path in self.secret else 3,
                lineterm="",
            )
            found += map(printable, lines)
        return "\n".join(found)

    def apply(self, check: Callable[[], None]) -> None:
        """Makes the changes, in the order of the last writes, and checks the result.

        Args:
            check: Raises an error if the result is wrong; all files are then restored.

        Raises:
            ConfigError: A file was changed by another program meanwhile, or cannot be written.
        """
        done: list[Path] = []
        try:
            for path in self._changed():
                if _text(path) != self._old[path]:
                    raise ConfigError(
                        f"{self._label(path)} was changed by another program; nothing was "
                        "changed by this command",
                        hint="run it again",
                    )
                done.append(path)
                _put(path, self._new[path])
            check()
        except BaseException:
            for path in reversed(done):
                _put(path, self._old[path])
            raise

    def _changed(self) -> list[Path]:
        return [path for path, new in self._new.items() if new != self._old[path]]

    def _label(self, path: Path) -> str:
        return str(path.relative_to(self.root) if path.is_relative_to(self.root) else path)


def _text(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error


def _put(path: Path, text: str | None) -> None:
    """Replaces a file as a whole, keeping its mode, or removes it."""
    try:
        if text is None:
            path.unlink(missing_ok=True)
            _remove_empty(path.parent)
            return
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
        descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(name).chmod(mode)
            Path(name).replace(path)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error


def _remove_empty(folder: Path) -> None:
    """Removes a folder that nothing is left in, as git would."""
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
