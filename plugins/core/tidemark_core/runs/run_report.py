"""A run's report, assembled from the documents of its legs, which are untrusted input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from tidemark_core.text.documents import Json
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


@dataclass(frozen=True)
class ReportedTable:
    """What a leg did for one table, as `tidemark_core.runs.report.TableReport` says it."""

    table: str
    rows: int = 0
    bytes: int = 0
    files: int = 0
    steps: Mapping[str, float] = field(default_factory=dict)
    error: str | None = None
    lag_seconds: float | None = None

    @classmethod
    def read(cls, document: Json) -> ReportedTable:
        """Reads what was written.

        Raises:
            TypeError: A field has another type, or a number is impossible.
            KeyError: A field is missing.
        """
        known = {"lag_seconds": None, **document}
        _check(known, _TABLE)
        for seconds in known["steps"].values():
            _check({"steps": seconds}, {"steps": _NUMBER})
        return cls(**{name: known[name] for name in _TABLE})


@dataclass(frozen=True)
class ReportedLeg:
    """What a leg did, as `tidemark_core.runs.report.LegReport` says it.

    Attributes:
        success: None: it has not ended, or was killed.
    """

    run_id: str
    leg: str
    started_at: str
    ended_at: str | None = None
    seconds: float = 0.0
    success: bool | None = None
    error: str | None = None
    retries: int = 0
    tables: tuple[ReportedTable, ...] = ()

    @classmethod
    def read(cls, document: Json) -> ReportedLeg:
        """Reads what was written; older versions do not record retries.

        Raises:
            TypeError: A field has another type, or a number is impossible.
            ValueError: Its beginning is not a time.
            KeyError: A field is missing.
        """
        known = {"retries": 0, **document}
        _check(known, _LEG)
        from_second(known["started_at"])
        tables = tuple(map(ReportedTable.read, known["tables"]))
        return cls(**{name: known[name] for name in _LEG} | {"tables": tables})


def _check(fields: Json, types: Mapping[str, tuple[type, ...]]) -> None:
    for name, kinds in types.items():
        value = fields[name]
        wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        # Phrased so that NaN is refused too.
        if wrong or (isinstance(value, int | float) and not -_MOST <= value <= _MOST):
            raise TypeError(f"{name} is {type(value).__name__} {str(value)[:40]!r}")


@dataclass(frozen=True)
class RunReport:
    """A whole run, put together from what its legs wrote.

    Attributes:
        run_id: The run.
        legs: Its legs, in the order in which they began.
    """

    run_id: str
    legs: tuple[ReportedLeg, ...]

    @classmethod
    def merge(cls, legs: Iterable[ReportedLeg]) -> list[RunReport]:
        """Puts legs together into one report per run, the oldest run first."""
        runs: dict[str, list[ReportedLeg]] = {}
        for leg in sorted(legs, key=lambda leg: (leg.started_at, leg.leg)):
            runs.setdefault(leg.run_id, []).append(leg)
        return [cls(run_id, tuple(legs)) for run_id, legs in runs.items()]

    @property
    def started_at(self) -> str:
        return self.legs[0].started_at

    @property
    def seconds(self) -> float:
        """Seconds of work of all legs; those that ran side by side both count."""
        return float(sum(leg.seconds for leg in self.legs))

    @property
    def success(self) -> bool:
        """Whether every leg succeeded; one that was killed did not."""
        return all(leg.success is True for leg in self.legs)

    @property
    def retries(self) -> int:
        """How often something was tried again."""
        return sum(leg.retries for leg in self.legs)

    @property
    def errors(self) -> list[str]:
        """Every error of it, each once."""
        found = [leg.error for leg in self.legs]
        found += [table.error for leg in self.legs for table in leg.tables]
        return list(dict.fromkeys(error for error in found if error))
