"""Runs test suites that other projects wrote for Redshift against the stand-in.

Those on PyPI are installed from there; of the others, somebody has a checkout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer
from measure import BenchError
from suites.catalogue import ANSWERS, GUIDE, STATEMENTS, SUITES
from suites.environment import ROOT
from suites.guide.answers import compare_answers
from suites.guide.pages import try_pages
from suites.packages import PACKAGES, build
from suites.reasons import CLASSES
from suites.results import read_all, table, write
from suites.run import measure
from suites.statements import try_statements

_OUTPUT = ROOT / "output" / "fidelity"
#: Suites of statements, which are no tests of pytest's or dbt's.
_TRIED = {STATEMENTS: try_statements, GUIDE: try_pages, ANSWERS: compare_answers}
_FROM_PYPI = tuple(name for name, suite in SUITES.items() if not suite.copied)

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def main(
    suite: Annotated[str | None, typer.Option(help="One suite; without it, those on PyPI.")] = None,
    source: Annotated[Path | None, typer.Option("--from", help="Its checkout.")] = None,
    only: Annotated[
        str | None, typer.Option("-k", help="A part of it, as pytest or dbt takes it.")
    ] = None,
    jobs: Annotated[int, typer.Option(help="Files side by side, of a suite whose may.")] = 2,
) -> None:
    """Writes what became of the tests to output/fidelity, and prints all that is there."""
    try:
        for name in [suite] if suite else _FROM_PYPI:
            _measure(name, source, only, jobs)
    except BenchError as error:
        print(f"error: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    print(table(read_all(_OUTPUT), CLASSES))


def _measure(name: str, source: Path | None, only: str | None, jobs: int) -> None:
    _check(name, source)
    print(f"{name} …", file=sys.stderr)
    if source and name in _TRIED:
        found = _TRIED[name](source)
    elif source and name in PACKAGES:
        found = build(PACKAGES[name], source, only, jobs)
    else:
        found = measure(SUITES[name], source, only, jobs)
    print(f"      {write(found, CLASSES, _OUTPUT)}", file=sys.stderr)


def _check(name: str, source: Path | None) -> None:
    """Refuses a suite that is not known, or that has no checkout and needs one."""
    names = (*SUITES, *PACKAGES, *_TRIED)
    if name not in names:
        raise typer.BadParameter(f"no suite {name}: {', '.join(names)}")
    if (name not in _FROM_PYPI) != (source is not None):
        needs = "comes from PyPI: leave out FROM=" if source else "needs a checkout: add FROM=/path"
        raise typer.BadParameter(f"{name} {needs}")


if __name__ == "__main__":
    app()
