"""A recording of a server's answers, and its file: the same answers make the same bytes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redshift_stand_in.calibrate.asking.outcome import Column, Outcome
from redshift_stand_in.calibrate.errors import CalibrationError

_REDSHIFT = re.compile(r"\bRedshift (\d+(?:\.\d+)*)")
_OTHER = re.compile(r"^(\w+) (\d+(?:\.\d+)*)")

#: The outcomes of a part's cases, by their texts.
Answers = dict[str, Outcome]


@dataclass(frozen=True)
class Server:
    """What answered.

    Attributes:
        product: Such as ``redshift``.
        version: Such as ``1.0.77467``.
        serverless: Whether it is a workgroup of Redshift Serverless.
        protocol: The version of the protocol that it agrees to.
    """

    product: str
    version: str
    serverless: bool
    protocol: int

    @classmethod
    def parse(cls, version: str, *, serverless: bool, protocol: int) -> Server:
        """From the text of ``select version()``."""
        if found := _REDSHIFT.search(version):
            return cls("redshift", found[1], serverless, protocol)
        found = _OTHER.match(version)
        product, number = (found[1].lower(), found[2]) if found else ("unknown", "0")
        return cls(product, number, serverless, protocol)

    @property
    def stem(self) -> str:
        """The name of its recording's file, without the suffix."""
        return f"{self.product}-{self.version}{'-serverless' if self.serverless else ''}"

    @property
    def order(self) -> tuple[int, ...]:
        """Its version, to be compared with others."""
        return tuple(map(int, self.version.split(".")))


@dataclass(frozen=True)
class Recording:
    """A server's answers.

    Attributes:
        server: Which one.
        parts: Its answers, by the names of the parts.
    """

    server: Server
    parts: dict[str, Answers] = field(default_factory=dict)

    def __len__(self) -> int:
        return sum(map(len, self.parts.values()))

    def text(self) -> str:
        """The file: JSON, a case to a line, so that `diff` tells two of them apart."""
        return "\n".join(_lines(self)) + "\n"

    def save(self, folder: Path) -> Path:
        """Writes the file into a folder, which is made if need be.

        Returns:
            The file.
        """
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.server.stem}.json"
        path.write_text(self.text(), "utf-8")
        return path


def load(path: Path) -> Recording:
    """Reads a file.

    Raises:
        CalibrationError: It is not there, or no recording.
    """
    try:
        read = json.loads(path.read_text("utf-8"))
        parts = {
            part: {text: _outcome(each) for text, each in answers.items()}
            for part, answers in read["parts"].items()
        }
        return Recording(Server(**read["server"]), parts)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f"{path} is no recording: {error}. Next: ls {path.parent}/*.json"
        ) from error


def newest(folder: Path) -> Path | None:
    """The recording of the newest version in a folder; None: there is none."""
    files = [(load(path).server, path) for path in sorted(folder.glob("*.json"))]
    return max(files, key=lambda each: (each[0].order, each[0].stem))[1] if files else None


def _lines(recording: Recording) -> Iterator[str]:
    yield f'{{"server": {_json(vars(recording.server))},'
    yield '"parts": {'
    for name, answers in sorted(recording.parts.items()):
        yield f"{_json(name)}: {{"
        pairs = [f"{_json(text)}: {_json(_plain(each))}" for text, each in sorted(answers.items())]
        yield ",\n".join(pairs)
        yield "}" if name == max(recording.parts) else "},"
    yield "}}"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _plain(outcome: Outcome) -> dict[str, object]:
    if outcome.is_error:
        return {"error": [outcome.code, outcome.text]}
    plain: dict[str, object] = {}
    if outcome.columns is not None:
        plain["columns"] = [[c.name, c.oid, c.size, c.modifier] for c in outcome.columns]
    if outcome.rows is not None:
        plain["rows"] = outcome.rows
    return plain


def _outcome(plain: Mapping[str, Any]) -> Outcome:
    code, text = plain.get("error", (None, None))
    columns, rows = plain.get("columns"), plain.get("rows")
    return Outcome(
        code,
        text,
        None if columns is None else tuple(Column(*each) for each in columns),
        None if rows is None else tuple(map(tuple, rows)),
    )
