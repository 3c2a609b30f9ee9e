"""The conventions, and that what dbt compiles is Redshift's SQL."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from dbt_project.project import ROOT, TRANSFORM, Dbt, Landing

BIN = Path(sys.executable).parent
#: dbt quotes relations, its own generic tests have unqualified names and a LIMIT of their own,
#: and layout is a matter of the source.
NOT_OURS = "layout,RF06,RF02,AM09,ST06,RF04"


def run(*command: str) -> None:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_sources_and_compiled_sql_are_redshifts(built: Landing, dbt: Dbt, tmp_path: Path) -> None:
    # What unit tests of other files have compiled is there too, in dbt's own style.
    shutil.rmtree(dbt.target / "compiled", ignore_errors=True)
    dbt("compile", "--exclude", "path:analyses")
    compiled = tmp_path / "compiled"
    shutil.copytree(dbt.target / "compiled", compiled)
    assert len(list(compiled.rglob("*.sql"))) > 50
    sqlfluff = str(BIN / "sqlfluff")
    run(sqlfluff, "lint", "--disable-progress-bar", "load", "transform")
    run(
        *(sqlfluff, "lint", "--disable-progress-bar", "--config", str(ROOT / ".sqlfluff")),
        *("--templater", "raw", "--exclude-rules", NOT_OURS, str(compiled)),
    )


def test_models_keep_the_conventions(dbt: Dbt, tmp_path: Path) -> None:
    dbt("parse")
    config = (TRANSFORM / "dbt-bouncer.yml").read_text()
    file = tmp_path / "dbt-bouncer.yml"
    file.write_text(config.replace("dbt_artifacts_dir: target", f"dbt_artifacts_dir: {dbt.target}"))
    run(str(BIN / "dbt-bouncer"), "run", "--config-file", str(file))
