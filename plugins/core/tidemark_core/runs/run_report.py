"""A run's report, put together from what its legs wrote, which is untrusted input."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tidemark_core.text.moments import from_second

_TEXT, _NUMBER = (str,), (int, float)
#: More rows, bytes or seconds than there can be; a float holds it exactly.
_MOST = 1 << 53
_LEG: dict[str, tuple[type, ...]] = {
    "run_id": _TEXT,
    "leg": _TEXT,
    "started_at": _TEXT,
    "ended_at": (*_TEXT, type(None)),
    "seconds": _NUMBER,
    "success": (bool, type(None)),
    "error": (*_TEXT, type(None)),
    "retries": (int,),
    "tables": (list,),
}
_TABLE: dict[str, tuple[type, ...]] = {
    "table": _TEXT,
    "rows": (int,),
    "bytes": (int,),
    "files": (int,),
    "steps": (dict,),
    "error": (*_TEXT, type(None)),
    "lag_seconds": (*_NUMBER, type(None)),
}


def checked(document: dict[str, Any]) -> dict[str, Any]:
    """A leg's document as it was read, once whatever is made of it has been found to be there.

    Raises:
        TypeError: A field has another type, or a number is none that can be.
        ValueError: It did not begin at a time.
        KeyError: A field is missing.
    """
    _check({"retries": 0} | document, _LEG)
    from_second(document["started_at"])
    for table in document["tables"]:
        _check({"lag_seconds": None} | table, _TABLE)
        for seconds in table["steps"].values():
            _check({"steps": seconds}, {"steps": _NUMBER})
    return document


def _check(fields: Mapping[str, Any], types: Mapping[str, tuple[type, ...]]) -> None:
    for name, kinds in types.items():
        value = fields[name]
        wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        # Said so that NaN is none either.
        if wrong or (isinstance(value, int | float) and not -_MOST <= value <= _MOST):
            raise TypeError(f"{name} is {type(value).__name__} {str(value)[:40]!r}")


@dataclass(frozen=True)
class RunReport:
    """A whole run, put together from its legs' documents.

    Attributes:
        run_id: The run.
        legs: The legs' documents, in the order in which they began.
    """

    run_id: str
    legs: tuple[dict[str, Any], ...]

    @classmethod
    def merge(cls, documents: list[dict[str, Any]]) -> list[RunReport]:
        """Puts documents together, a report a run, the oldest run first."""
        runs: dict[str, list[dict[str, Any]]] = {}
        for document in sorted(documents, key=lambda d: (str(d["started_at"]), str(d["leg"]))):
            runs.setdefault(str(document["run_id"]), []).append(document)
        return [cls(run_id, tuple(legs)) for run_id, legs in runs.items()]

    @property
    def started_at(self) -> str:
        return str(self.legs[0]["started_at"])

    @property
    def seconds(self) -> float:
        """Seconds of work of all legs; those that ran side by side count both."""
        return float(sum(leg["seconds"] for leg in self.legs))

    @property
    def success(self) -> bool:
        """Whether every leg has ended well; one that was killed has not."""
        return all(leg["success"] is True for leg in self.legs)

    @property
    def retries(self) -> int:
        """How often something was tried again; documents of older versions do not say."""
        return sum(int(leg.get("retries", 0)) for leg in self.legs)

    @property
    def errors(self) -> list[str]:
        """Every error of it, each once."""
        found = [leg["error"] for leg in self.legs]
        found += [table["error"] for leg in self.legs for table in leg["tables"]]
        return list(dict.fromkeys(str(error) for error in found if error))

    def to_dict(self) -> dict[str, Any]:
        return asdict(self) | {
            "started_at": self.started_at,
            "seconds": self.seconds,
            "success": self.success,
            "retries": self.retries,
            "errors": self.errors,
        }
