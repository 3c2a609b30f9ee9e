"""A pytest plugin that keeps the account of docs/faults.md: which test proves which number.

A test names what it proves by ``@pytest.mark.fault(17)`` or ``@pytest.mark.security(4)``. A number
that the page does not have stops the collection. The last result of every such test is kept in
pytest's cache; ``pytest --faults`` runs nothing and prints the page's numbers with their tests.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, get_args

import pytest

Kind = Literal["fault", "security"]
#: Results of one test, the worst first.
RESULTS = ("failed", "not run", "skipped", "passed")
_CACHE = "tidemark/faults"
_ROW = re.compile(r"\| (\d+) \| (.+?) \| (.+) \|")


@dataclass(frozen=True, order=True)
class Number:
    """A line of the page; the two kinds are numbered apart."""

    kind: Kind
    number: int

    def __str__(self) -> str:
        return f"{self.kind} {self.number}"


@dataclass
class Proofs:
    """What the collected tests say they prove."""

    tests: dict[Number, list[str]] = field(default_factory=dict)

    def add(self, number: Number, test: str) -> None:
        self.tests.setdefault(number, []).append(test)

    @property
    def names(self) -> set[str]:
        return {test for tests in self.tests.values() for test in tests}


def read_page(text: str) -> dict[Number, str]:
    """Reads docs/faults.md: each number with its outcome, in the page's order.

    Raises:
        ValueError: A number stands there twice.
    """
    found: dict[Number, str] = {}
    kind: Kind = "fault"
    for line in text.splitlines():
        if line.startswith("## "):
            kind = "security" if line.startswith("## Security") else "fault"
        elif match := _ROW.fullmatch(line):
            number = Number(kind, int(match[1]))
            if number in found:
                raise ValueError(f"{number} stands on the page twice")
            found[number] = match[3]
    return found


def render(page: dict[Number, str], proofs: Proofs, results: dict[str, str]) -> Iterator[str]:
    """Writes the account, a line a number and test; a number without a test is open.

    Args:
        page: From `read_page`.
        proofs: What was collected.
        results: Last result by test id.
    """
    for number, outcome in page.items():
        cases: dict[str, list[str]] = {}
        for test in proofs.tests.get(number, []):
            cases.setdefault(test.partition("[")[0], []).append(results.get(test, "not run"))
        if not cases:
            yield f"{number!s:12} open     {_short(outcome)}"
        for test, seen in cases.items():
            worst = min(seen, key=RESULTS.index)
            more = f" ({len(seen)} cases)" if len(seen) > 1 else ""
            yield f"{number!s:12} {worst:8} {_short(outcome)}  {test}{more}"
    still_open = sum(number not in proofs.tests for number in page)
    yield f"{len(page) - still_open} of {len(page)} have a test, {still_open} are open"


def _short(text: str, width: int = 60) -> str:
    return f"{text if len(text) <= width else text[: width - 1] + '…':{width}}"


def _marked(items: Iterable[pytest.Item], page: dict[Number, str]) -> Proofs:
    proofs = Proofs()
    for item in items:
        for kind in get_args(Kind):
            for mark in item.iter_markers(kind):
                for value in mark.args or (None,):
                    number = Number(kind, value) if isinstance(value, int) else None
                    if number not in page:
                        raise pytest.UsageError(
                            f"{item.nodeid}: docs/faults.md has no {kind} {value!r}"
                        )
                    proofs.add(number, item.nodeid)
    return proofs


class Recorder:
    """Collects the marks, keeps the results, prints the account."""

    def __init__(self, config: pytest.Config, page: Path) -> None:
        self._config = config
        self._page = read_page(page.read_text())
        self._proofs = Proofs()
        self._results: dict[str, str] = {}

    @pytest.hookimpl(tryfirst=True)  # before -m takes tests away
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self._proofs = _marked(items, self._page)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self) -> bool | None:
        return True if self._config.getoption("faults") else None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.nodeid not in self._proofs.names:
            return
        if report.when == "setup" or report.failed or report.skipped:
            # Until its body has run to the end, a test has proved nothing.
            result: str = report.outcome if report.outcome != "passed" else "not run"
        elif report.when == "call":
            result = report.outcome
        else:
            return
        self._results[report.nodeid] = result

    def pytest_sessionfinish(self) -> None:
        # There is none under `-p no:cacheprovider`, and so no account.
        cache = getattr(self._config, "cache", None)
        if cache is not None and not self._config.getoption("faults"):
            # Read again: another run may have ended meanwhile.
            cache.set(_CACHE, cache.get(_CACHE, {}) | self._results)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self._config.getoption("faults"):
            terminalreporter.ensure_newline()
            assert self._config.cache is not None
            results = self._config.cache.get(_CACHE, {})
            for line in render(self._page, self._proofs, results):
                terminalreporter.write_line(line)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--faults", action="store_true", help="run nothing; print docs/faults.md with its tests"
    )


def pytest_configure(config: pytest.Config) -> None:
    page = config.rootpath / "docs" / "faults.md"
    config.pluginmanager.register(Recorder(config, page), "faults-recorder-of-this-run")
