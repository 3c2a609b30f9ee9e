"""What became of a suite's tests, by class of the reason for which they did not pass."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from xml.etree import ElementTree

PASSED, SKIPPED = "passed", "skipped"
_COLUMNS = (PASSED, SKIPPED)


@dataclass(frozen=True)
class Result:
    """One test.

    Attributes:
        name: As in the suite, with its module or file.
        outcome: "passed", "skipped", or the class of the reason why not (`suites.reasons`).
        message: The first line of the failure.
    """

    name: str
    outcome: str
    message: str = ""


@dataclass(frozen=True)
class Failure:
    """A test that did not pass, and everything that it said."""

    name: str
    message: str
    text: str


@dataclass(frozen=True)
class Measurement:
    """A suite's results.

    Attributes:
        suite: Its name.
        version: Of its package, or the commit of its checkout.
        date: ISO 8601.
        results: In the suite's order.
    """

    suite: str
    version: str
    date: str
    results: list[Result]


def read_junit(path: Path) -> Iterable[Result | Failure]:
    """The tests in a JUnit file, each once, in their order.

    A test whose tear-down fails too is listed twice in the file: it is one failure.
    """
    found: dict[str, Result | Failure] = {}
    for case in ElementTree.parse(path).iter("testcase"):  # noqa: S314 - pytest wrote it
        name = f"{case.get('classname')}::{case.get('name')}"
        if name not in found or isinstance(found[name], Result):
            found[name] = _outcome(name, case)
    return found.values()


def _outcome(name: str, case: ElementTree.Element) -> Result | Failure:
    for element in case:
        if element.tag in ("failure", "error"):
            message = (element.get("message") or "").partition("\n")[0]
            return Failure(name, message, "\n".join(case.itertext()))
    skipped = case.find("skipped") is not None
    return Result(name, SKIPPED if skipped else PASSED)


def table(measurements: Iterable[Measurement], classes: Iterable[str]) -> str:
    """The results as a table in Markdown, a suite per row."""
    columns = (*_COLUMNS, *classes)
    lines = [
        f"| suite | version | date | tests | {' | '.join(columns)} |",
        f"|{'---|' * (4 + len(columns))}",
    ]
    for each in measurements:
        counts = Counter(result.outcome for result in each.results)
        figures = " | ".join(str(counts[column]) for column in columns)
        lines.append(
            f"| {each.suite} | {each.version} | {each.date} | {len(each.results)} | {figures} |"
        )
    return "\n".join(lines)


def write(measurement: Measurement, classes: Iterable[str], folder: Path) -> Path:
    """Writes a suite's page, with the names of all tests that did not pass, and the same as JSON.

    Returns:
        The page.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = folder / f"{measurement.suite}.md"
    page.write_text(_page(measurement, list(classes)))
    page.with_suffix(".json").write_text(json.dumps(asdict(measurement), indent=1) + "\n")
    return page


def read_all(folder: Path) -> list[Measurement]:
    """What was measured last with each suite."""
    return [
        Measurement(**found | {"results": [Result(**each) for each in found["results"]]})
        for found in map(json.loads, map(Path.read_text, sorted(folder.glob("*.json"))))
    ]


def _page(measurement: Measurement, classes: list[str]) -> str:
    parts = [f"# {measurement.suite}", table([measurement], classes)]
    for outcome in (*classes, SKIPPED):
        named = [result for result in measurement.results if result.outcome == outcome]
        if named:
            lines = "\n".join(f"- `{r.name}`{f': {r.message}' if r.message else ''}" for r in named)
            parts.append(f"## {outcome}: {len(named)}\n\n{lines}")
    return "\n\n".join(parts) + "\n"
