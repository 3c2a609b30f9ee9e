"""The DAG on a real Airflow, which lives in an environment of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from projects.nights import Night

#: The release that the DAG was tried with; one operator needs no constraints.
AIRFLOW = "apache-airflow==3.3.2"
#: The two that are backed up at the same time; the whole DAG has all of them.
TABLES = ("settlement.partner_info", "settlement.settlement_claim_detail")


@dataclass
class Airflow:
    """An installed Airflow with a database of its own.

    Attributes:
        program: The ``airflow`` command.
        env: Its variables.
    """

    program: Path
    env: dict[str, str]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.program, *words],
            env=self.env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, *words: str, timeout: float = 600) -> str:
        with self.start(*words) as process:
            try:
                output, _ = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
        assert process.returncode == 0, output[-5000:]
        return output


@pytest.fixture(scope="module")
def airflow(
    make_night: Callable[[Path], Night],
    project_root: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Airflow, Night]]:
    folder = tmp_path_factory.mktemp("airflow")
    night = make_night(folder)
    uv = shutil.which("uv") or str(project_root / ".uv" / "bin" / "uv")
    venv = folder / "venv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, venv], check=True)
    python = venv / "bin" / "python"
    subprocess.run([uv, "pip", "install", "--quiet", "--python", python, AIRFLOW], check=True)
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **{n: v for n, v in night.settings.items() if n != "MELTANO_SYS_DIR_ROOT"},
        "AIRFLOW_HOME": str(folder / "home"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "false",
        "AIRFLOW__CORE__DAGS_FOLDER": str(project_root / "orchestrate" / "airflow"),
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        "TIDEMARK_HOME": str(project_root),
    }
    found = Airflow(venv / "bin" / "airflow", env)
    found.run("db", "migrate")
    # As the DAG processor of an installation has done long before the first run: two commands that
    # both find a DAG that is new write it both, and one of them fails.
    found.run("dags", "reserialize")
    yield found, night
    shutil.rmtree(project_root / ".meltano" / "airflow", ignore_errors=True)


@pytest.mark.soak
def test_two_tables_at_once_on_two_processes(airflow: tuple[Airflow, Night]) -> None:
    installed, night = airflow
    tasks = [f"backup_{table.replace('.', '_')}" for table in TABLES]
    running = [
        installed.start("tasks", "test", "tidemark", task, f"2026-01-0{number}")
        for number, task in enumerate(tasks, start=1)
    ]
    while all(process.poll() is None for process in running):
        time.sleep(0.2)
    outputs = [process.communicate(timeout=300)[0] for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    for table in TABLES:
        assert any(key.startswith(f"manifests/{table}/") for key in night.objects())
        stream = table.replace(".", "-")
        assert any("watermark/" in key and stream in key for key in night.objects())


@pytest.mark.soak
def test_the_dag_brings_its_tables_to_the_warehouse(
    airflow: tuple[Airflow, Night], world: Sandbox
) -> None:
    installed, night = airflow
    output = installed.run("dags", "test", "tidemark", "2026-01-03")
    assert "DagRun Finished" in output or "state=success" in output, output[-3000:]
    every = {key.split("/")[1] for key in night.objects("manifests/")}
    assert every > set(TABLES)
    for table in every:
        bare = table.partition(".")[2]
        ((source,),) = world.mysql(f"SELECT count(*) FROM {bare}")
        ((public,),) = world.warehouse(f"SELECT count(*) FROM public.{bare}")
        assert source == public
    reports = [key for key in night.objects("runs/") if key.endswith("_build.json")]
    assert reports
