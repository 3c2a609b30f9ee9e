"""The documentation site: dbt's docs and the column lineage, as static files."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tidemark_core.errors import TidemarkError
from tidemark_core.s3.errors import explained

from tidemark.dbt.site.inline import guarded, inlined
from tidemark.dbt.site.lineage import lineage_for_readers
from tidemark.dbt.site.readers import (
    INDEX_STYLE,
    LINEAGE_STYLE,
    manifest_for_readers,
    styled,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

PAGES = {"index.html": "dbt docs", "column-lineage.html": "column lineage"}


def build_site(project: Path, out: Path, environ: Mapping[str, str]) -> list[Path]:
    """Builds the site; the warehouse is read for the catalogue (through its bastion, if any).

    Args:
        project: The folder of dbt_project.yml.
        out: Where the pages go; made if missing.
        environ: The settings, as environment variables.

    Returns:
        The pages.

    Raises:
        TidemarkError: dbt or the lineage report failed; with their own last words.
    """
    out.mkdir(parents=True, exist_ok=True)
    target = out / ".build"
    bin_folder = Path(sys.executable).parent
    folders = {"DBT_PROJECT_DIR": str(project), "DBT_PROFILES_DIR": str(project)}
    env = {**os.environ, **environ, **folders, "DO_NOT_TRACK": "1"}
    try:
        # Not --static: dbt would put names into the page unescaped.
        dbt = [str(bin_folder / "tidemark-dbt"), "docs", "generate"]
        _run([*dbt, "--target-path", str(target)], env, "dbt docs generate")
        read = {
            name: json.loads((target / f"{name}.json").read_text("utf-8"))
            for name in ("manifest", "catalog")
        }
        read["manifest"] = manifest_for_readers(read["manifest"], datetime.now(UTC))
        (target / "manifest.json").write_text(json.dumps(read["manifest"]), "utf-8")
        # Not --light: without the compiled SQL each model has a warning that it has no lineage.
        colibri = [str(bin_folder / "colibri"), "generate", "--disable-telemetry"]
        files = [f"--{name}={target / name}.json" for name in ("manifest", "catalog")]
        lineage = target / "lineage"
        _run([*colibri, *files, f"--output-dir={lineage}"], env, "the column lineage")
        page = (target / "index.html").read_text(encoding="utf-8")
        data = {
            f'"{name.upper()}.JSON INLINE DATA"': json.dumps(document)
            for name, document in read.items()
        }
        page = styled(without_dead_links(page), INDEX_STYLE)
        _write(out / "index.html", inlined(page, data))
        page = lineage_for_readers((lineage / "index.html").read_text("utf-8"))
        _write(out / "column-lineage.html", styled(page, LINEAGE_STYLE, back=True))
    finally:
        shutil.rmtree(target, ignore_errors=True)
    return [out / page for page in PAGES]


def _write(path: Path, page: str) -> None:
    path.write_text(guarded(page), encoding="utf-8", newline="")


def without_dead_links(page: str) -> str:
    """Dbt's page without the two addresses that a browser asks for in vain.

    Its icons' ``xlink:href`` are AngularJS templates, which the browser follows before AngularJS
    has filled them in (https://docs.angularjs.org/guide/interpolation, ngAttr), and its favicons
    are calls of the bundler that were left unresolved.
    """
    page = page.replace(' xlink:href="{{', ' ng-attr-xlink:href="{{')
    return re.sub(r"\"\$\{require\('[^']*'\)\}\"", '"data:,"', page)


def publish_site(site: Path, client: S3Client, bucket: str, prefix: str) -> list[str]:
    """Puts the pages into the bucket.

    Args:
        site: What `build_site` made.
        client: S3.
        bucket: The bucket.
        prefix: Folder in it, with a trailing slash.

    Returns:
        The keys.

    Raises:
        TidemarkError: A page is missing.
        LakeError: S3 refused.
    """
    keys = []
    for page in PAGES:
        if not (site / page).is_file():
            raise TidemarkError(f"{site / page} is missing", hint="tidemark docs build")
        key = prefix + page
        with explained(f"writing s3://{bucket}/{key}"):
            client.upload_file(
                str(site / page), bucket, key, ExtraArgs={"ContentType": "text/html; charset=utf-8"}
            )
        keys.append(key)
    return keys


def _run(command: list[str], env: Mapping[str, str], what: str) -> None:
    done = subprocess.run(command, env=dict(env), capture_output=True, text=True, check=False)
    if done.returncode:
        words = (done.stdout + done.stderr).strip().splitlines()[-15:]
        raise TidemarkError(
            f"{what} failed:\n  " + "\n  ".join(words),
            hint=f"try it by hand: {json.dumps(command)}",
        )
