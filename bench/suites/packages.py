"""dbt packages whose own integration tests are run: a project of models and tests each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from measure import BenchError

from suites.environment import CACHE, Environment, commit
from suites.results import PASSED, SKIPPED, Failure, Measurement, Result
from suites.run import measurement, started
from suites.suite import Suite

#: All five call it so; what they bring of their own asks for variables of different names.
_PROFILE = """\
integration_tests:
  target: redshift
  outputs:
    redshift:
      type: redshift
      host: {host}
      port: {port}
      user: {user}
      pass: "{password}"
      dbname: {database}
      schema: fidelity
      threads: 2
"""
_ENVIRONMENT = {
    "DBT_PROFILES_DIR": ".",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
}
#: What dbt's results call a node that did what it should; a warning is a test's own wish.
_GOOD = ("success", "pass", "warn")
_LEFT_OUT = ("skipped", "no-op")
#: dbt's exit codes of a run that has results: all well, or some nodes failed.
_RAN = (0, 1)


def _package(name: str, *needs: str) -> Suite:
    """A package's project. FROM= is the folder that has the checkouts of it and of its needs.

    dbt takes `local:` from the project that is run, whichever package names it, and so nothing
    comes from dbt's Hub.
    """
    lines = "".join(f"  - local: ../../{each}\n" for each in needs)
    return Suite(
        name=name,
        requirements=("dbt-core>=1.11,<1.12", "dbt-redshift"),
        tests=(),
        copied=(name, *needs),
        folder=Path(name, "integration_tests"),
        environment=_ENVIRONMENT,
        files={"profiles.yml": _PROFILE}
        | ({"../packages.yml": f"packages:\n{lines}"} if needs else {}),
    )


PACKAGES = {
    suite.name: suite
    for suite in (
        _package("dbt-utils"),
        _package("dbt-expectations", "dbt-date"),
        _package("dbt-date"),
        _package("dbt-audit-helper", "dbt-utils"),
        _package("dbt-project-evaluator", "dbt-utils"),
    )
}


def build(suite: Suite, source: Path, only: str | None = None, jobs: int = 2) -> Measurement:
    """Runs `dbt build` of a package's integration tests against a stand-in of its own.

    Args:
        suite: The package.
        source: The folder with its checkout and those that it needs.
        only: dbt's --select: a part of it.
        jobs: dbt's threads.

    Raises:
        BenchError: It could not be installed, or dbt did not come as far as its nodes.
    """
    with started(suite, source) as (environment, variables):
        # Their lock files name packages of dbt's Hub.
        _dbt(environment, variables, suite, ["deps", "--upgrade"])
        part = ["--select", only] if only else []
        _dbt(environment, variables, suite, ["build", "--threads", str(jobs), *part])
    results = environment.folder / "target" / "run_results.json"
    nodes = json.loads(results.read_text("utf-8"))["results"]
    return measurement(suite, commit(source / suite.name), only, outcomes(nodes))


def outcomes(nodes: Iterable[dict[str, Any]]) -> Iterable[Result | Failure]:
    """What became of each node of dbt's run_results.json.

    dbt skips what stands behind a failure.
    """
    for node in nodes:
        name, status, text = node["unique_id"], node["status"], node["message"] or ""
        if status in _GOOD:
            yield Result(name, PASSED)
        elif status in _LEFT_OUT:
            yield Result(name, SKIPPED)
        else:
            yield Failure(name, " ".join(text.split())[:300], text)


def _dbt(
    environment: Environment, variables: dict[str, str], suite: Suite, arguments: list[str]
) -> None:
    log = CACHE / suite.name / f"dbt-{arguments[0]}.log"
    code = environment.run(["dbt.cli.main", "--no-use-colors", *arguments], variables, log)
    if code not in (_RAN if arguments[0] == "build" else (0,)):
        raise BenchError(f"dbt {arguments[0]} ended with {code}: see {log}")
