"""Runs a suite of tests, from its packages to its results."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from measure import BenchError
from redshift_stand_in.local import StandIn

from suites.environment import CACHE, Environment, commit, prepare
from suites.reasons import measured
from suites.results import Failure, Measurement, Result, read_junit
from suites.server import set_up, stand_in
from suites.suite import Suite

_TIMEOUT = 420
#: pytest's exit codes of a run that has results: all passed, or some did not.
_RAN = (0, 1)


def measure(
    suite: Suite, source: Path | None, only: str | None = None, jobs: int = 2
) -> Measurement:
    """Runs a suite against a stand-in of its own.

    Args:
        suite: Which.
        source: Its checkout, or None if it comes from PyPI.
        only: pytest's -k: a part of it.
        jobs: How many files run side by side, if the suite's may.

    Raises:
        BenchError: It could not be installed or started.
    """
    with started(suite, source) as (environment, variables):
        options = ["-k", only] if only else []
        if suite.parallel:
            options += [f"--numprocesses={jobs}", "--dist=loadscope"]
        found = _run(suite, environment, variables, options)
    version = commit(source) if source else environment.version(suite.package)
    return measurement(suite, version, only, read_junit(found))


@contextmanager
def started(suite: Suite, source: Path | None) -> Iterator[tuple[Environment, dict[str, str]]]:
    """A suite's environment and variables, while a stand-in of its own runs."""
    certificates = CACHE / "certificates"
    with stand_in(certificates) as server:
        environment = prepare(suite, source, certificates / "ca.pem")
        _write_files(suite, environment, server)
        set_up(server, suite.setup)
        yield environment, {name: _filled(t, server) for name, t in suite.environment.items()}


def measurement(
    suite: Suite, version: str, only: str | None, outcomes: Iterable[Result | Failure]
) -> Measurement:
    """What a suite, or a part of it, has given today."""
    version += ", a part" if only else ""
    return measured(suite.name, version, outcomes)


def _run(
    suite: Suite, environment: Environment, variables: dict[str, str], options: list[str]
) -> Path:
    """Runs pytest with more options, and returns its JUnit file."""
    found, log = CACHE / suite.name / "junit.xml", CACHE / suite.name / "pytest.log"
    found.unlink(missing_ok=True)
    arguments = ["pytest", *suite.tests, f"--junitxml={found}", f"--timeout={_TIMEOUT}"]
    # Their own options count coverage and the like; what a test printed says why it failed.
    arguments += ["-o", "addopts=", "-o", "junit_logging=all", "-p", "no:cacheprovider", "-q"]
    code = environment.run([*arguments, *options], variables, log)
    if code not in _RAN:
        raise BenchError(f"pytest ended with {code}: see {log}\n{log.read_text()[-2000:]}")
    return found


def _write_files(suite: Suite, environment: Environment, server: StandIn) -> None:
    """Writes a suite's own files into its copy, and replaces what it names in others."""
    for name, text in suite.files.items():
        (environment.folder / name).write_text(_filled(text, server))
    for name, (old, new) in suite.replaced.items():
        path = environment.folder / name
        path.write_text(path.read_text("utf-8").replace(old, _filled(new, server)), "utf-8")


def _filled(text: str, server: StandIn) -> str:
    """A text with the server's address and login in it."""
    return text.format(
        host=server.host,
        port=server.port,
        database=server.database,
        user=server.user,
        password=server.password,
    )
