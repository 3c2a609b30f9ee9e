"""A command starts without what it does not use: people wait for it, and a shell for each TAB."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
#: Each takes a tenth of a second of CPU or more to be imported.
SLOW = {"boto3", "duckdb", "meltano", "numpy", "pyarrow", "pymysql", "singer_sdk", "sqlalchemy"}
_TOLD = "print(*sorted({name.partition('.')[0] for name in sys.modules}))"
#: Entry point, and words that it answers by itself.
PROGRAMS = {
    "tap-mysql": ("tap_mysql.__main__", "--version"),
    "tap-s3-parquet": ("tap_s3_parquet.__main__", "--version"),
    "target-s3-parquet": ("target_s3_parquet.__main__", "--version"),
    "target-redshift": ("target_redshift.__main__", "--version"),
    "tidemark-dbt": ("tidemark.dbt.run", "--version"),
    "meltano": ("meltano.cli", "run --help"),
    "tidemark": ("tidemark.__main__", "--version"),
}
_SPARED = """
import atexit, gc
atexit.register(lambda: print(gc.isenabled() and gc.get_freeze_count()))
sys.argv = [{program!r}, *{words!r}.split()]
from {module} import main
main()
"""
#: What of its imports each plugin does without until it has rows, besides what the SDK takes along.
SPARED_BY = {
    "tap-mysql": set(),
    "tap-s3-parquet": {"numpy", "pyarrow"},
    "target-s3-parquet": set(),
    "target-redshift": set(),
}
_HELP = """
import sys, typer.testing
from tidemark.cli import app
run = typer.testing.CliRunner().invoke
for path in [[], ["watermark"], ["watermark", "reset"], ["backup"], ["restore"], ["rebuild"]]:
    told = run(app, [*path, "--help"])
    assert told.exit_code == 0, told.output
"""


def imported(code: str) -> set[str]:
    """The packages that a process of its own has imported after some code."""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}\n{_TOLD}"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    return set(done.stdout.split())


def completed(words: str) -> list[str]:
    """What a shell is offered for the last word."""
    code = "import sys; sys.argv = ['tidemark']; from tidemark.cli import main; main()"
    environ = {
        "_TIDEMARK_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split(" ")) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True, capture_output=True, text=True, cwd=ROOT, env=os.environ | environ,
    )  # fmt: skip
    return done.stdout.split()


def test_commands_tables_and_settings_are_completed() -> None:
    assert completed("tidemark stat") == ["status"]
    assert completed("tidemark inspect -t settlement_c") == ["settlement_claim_detail"]
    every = completed("tidemark watermark reset -t settlement.")
    assert {"settlement.partner_info", "settlement.delivery_status"} <= set(every)
    assert completed("tidemark config S3_BUCKET_N") == ["S3_BUCKET_NAME"]


def test_help_and_completion_import_nothing_slow() -> None:
    assert imported(_HELP) & SLOW == set()


@pytest.mark.parametrize(
    "what", ["watermark.view", "bookmarks.store", "lake.listing", "maintenance.retention"]
)
def test_who_looks_at_states_and_manifests_needs_neither_meltano_nor_arrow(what: str) -> None:
    assert imported(f"import tidemark.services.{what}") & SLOW == set()


def test_who_asks_mysql_and_the_warehouse_needs_neither_meltano_nor_arrow() -> None:
    assert imported("import tidemark.services.health.status") & SLOW == {"pymysql"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_collector_spares_what_a_program_has_imported(program: str) -> None:
    module, words = PROGRAMS[program]
    code = _SPARED.format(program=program, words=words, module=module)
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{code}"],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert int(done.stdout.split()[-1]) > 30_000


@pytest.mark.parametrize("plugin", SPARED_BY)
def test_a_plugin_starts_without_what_the_sdk_alone_would_use(plugin: str) -> None:
    module, words = PROGRAMS[plugin]
    run = f"sys.argv = [{plugin!r}, {words!r}]\nfrom {module} import main"
    found = imported(f"{run}\ntry: main()\nexcept SystemExit: pass")
    assert "singer_sdk" in found
    assert found & ({"fsspec", "joblib", "upath"} | SPARED_BY[plugin]) == set()


def test_meltano_asks_for_the_variables_as_the_guard_has_it() -> None:
    code = """
import atexit
from meltano.core.settings_service import SettingsService
atexit.register(lambda: print(SettingsService.env.fget.__module__))
sys.argv = ["meltano", "run", "--help"]
from meltano.cli import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", f"import sys{code}"],
        check=True, capture_output=True, text=True, cwd=ROOT,
    )  # fmt: skip
    assert done.stdout.split()[-1] == "tidemark.state.variables"
