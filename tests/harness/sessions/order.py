"""A pytest plugin that decides in which order the files are run; a file's own tests keep theirs.

A worker takes a file at a time, or all files that share what is dear to make. The longest come
first, so that no worker begins one of them when the others are done.
``--shuffle-files=any`` takes another order each time: no test may need what another file has left.
It prints its seed; ``--shuffle-files=SEED`` gives the same order again.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    from xdist.remote import Producer
    from xdist.workermanage import WorkerController

_ANY, _SEED = "any", "files_seed"
#: What one worker runs: on a warehouse that dbt has built once, by a project that is parsed once.
TOGETHER = frozenset(
    f"tests/transform/{room}/test_{name}.py"
    for room, names in {
        "builds": "deleted_rows faults full_refresh hard_delete interleavings kinds_of_tables "
        "merged_loads own_schema random_histories",
        "project": "contract grants overview sql_style tags unit_tests",
        "readers": "published_queries site",
    }.items()
    for name in names.split()
)
#: What one worker runs: on the sandbox that these alone may end.
OWN_SANDBOX = frozenset({"tests/sandbox/test_access.py", "tests/sandbox/test_world.py"})
#: Files that take more than half a minute of a core, the longest first (docs/performance.md).
LONGEST = (
    *sorted(TOGETHER),
    # The first of these makes the synced world, for which the others would wait.
    "tests/orchestrate/night/test_failures.py",
    "tests/e2e/test_chaos.py",
    "tests/sandbox/test_world.py",
    "tests/orchestrate/night/test_night.py",
    "tests/e2e/test_any_database.py",
    "tests/e2e/test_pipeline.py",
    "tests/orchestrate/night/test_week.py",
    "tests/orchestrate/night/test_bad_tables.py",
    "tests/transform/builds/test_build_new.py",
    "tests/generated/test_generated_databases.py",
    "tests/e2e/test_load_boundaries.py",
    "tests/tidemark/services/verify/test_reconcile.py",
    "tests/tidemark/services/verify/test_verify_content.py",
    "tests/tidemark/commands/test_truths.py",
    "tests/target_redshift/loader/test_crashes.py",
    "tests/target_s3_parquet/test_faults.py",
    "tests/tidemark/services/sync/test_sync.py",
    "tests/tidemark/services/verify/test_verify.py",
    "tests/target_redshift/singer/test_singer_suite.py",
    "tests/tidemark/commands/test_cli.py",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--shuffle-files",
        metavar="SEED",
        help=f"run the files in the random order of this seed; {_ANY}: another one each time",
    )


def pytest_configure(config: pytest.Config) -> None:
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.option.shuffle_files = worker[_SEED]
    elif config.option.shuffle_files == _ANY:
        config.option.shuffle_files = secrets.token_hex(4)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput[_SEED] = node.config.option.shuffle_files


def pytest_report_header(config: pytest.Config) -> str | None:
    seed = config.option.shuffle_files
    return None if seed is None else f"files in random order: --shuffle-files={seed}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if told := pytest_report_header(terminalreporter.config):
        terminalreporter.write_line(told)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    files = dict.fromkeys(item.path for item in items)
    places = ordered([_name(config, path) for path in files], config.option.shuffle_files)
    items.sort(key=lambda item: places.index(_name(config, item.path)))


def ordered(files: Iterable[str], seed: str | None) -> Sequence[str]:
    """The order of the files: by the seed, else the longest first and the rest as it is."""
    if seed is not None:
        found = sorted(files)
        random.Random(seed).shuffle(found)
        return found
    ranks = {name: rank for rank, name in enumerate(LONGEST)}
    return sorted(files, key=lambda name: ranks.get(name, len(LONGEST)))


def _name(config: pytest.Config, path: Path) -> str:
    return path.relative_to(config.rootpath).as_posix()


def unit_of_work(nodeid: str) -> str:
    """What one worker runs from beginning to end: a test's file, or files that belong together."""
    file = nodeid.partition("::")[0]
    groups = {"together": TOGETHER, "own sandbox": OWN_SANDBOX}
    return next((name for name, files in groups.items() if file in files), file)


class ByFile(LoadFileScheduling):
    """Gives workers a unit of work at a time."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of_work(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> ByFile | None:
    return ByFile(config, log) if config.option.dist == "loadfile" else None
