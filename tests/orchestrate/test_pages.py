"""Every command that a page prints is executed by a test as it stands there, or has a reason."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    *(f"docs/{name}.md" for name in ("operating", "aws", "from-the-old-tool", "sandbox")),
    *(f"docs/runbooks/{path.name}" for path in sorted((ROOT / "docs/runbooks").glob("*.md"))),
)
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)
FIRST_HOUR = "tests/orchestrate/test_first_hour.py"
#: The test that executes a block, by the page and the words that the block begins with.
EXECUTED = {
    ("README.md", "make demo"): f"{FIRST_HOUR}::test_the_readmes_commands_run_as_printed",
    ("README.md", "meltano run sync"): f"{FIRST_HOUR}::test_the_readmes_commands_run_as_printed",
    ("CONTRIBUTING.md", "git rm"): f"{FIRST_HOUR}::test_the_models_are_taken_out_as_printed",
    ("CONTRIBUTING.md", "make setup"): f"{FIRST_HOUR}::test_a_contributor_tries_a_view_as_printed",
    ("docs/operating.md", "sudo apt-get"): f"{FIRST_HOUR}::test_a_host_is_installed_as_printed",
    ("docs/aws.md", "sed"): (
        "tests/orchestrate/test_pages.py::test_a_policy_is_filled_in_as_printed"
    ),
    ("docs/runbooks/", ""): "tests/tidemark/test_docs.py::test_a_runbook_works_as_printed",
}
#: Why a block is executed by no test.
LEFT_OUT = {
    ("docs/aws.md", "aws s3api"): "it changes an account of AWS; test_iam.py holds its files",
    ("docs/aws.md", "for file in load/redshift"): "it asks a cluster; the sandbox runs the files",
    ("docs/from-the-old-tool.md", ""): "its table names the test of each command",
    ("docs/sandbox.md", ""): "test_world.py and test_mysql.py start what it describes",
}


def blocks() -> list[tuple[str, str]]:
    return [
        (page, re.sub(r"^ +", "", block, flags=re.MULTILINE))
        for page in PAGES
        for block in BLOCK.findall((ROOT / page).read_text())
    ]


def known(page: str, block: str, table: dict[tuple[str, str], str]) -> list[tuple[str, str]]:
    return [k for k in table if page.startswith(k[0]) and block.startswith(k[1])]


def test_every_block_is_executed_or_left_out_for_a_reason() -> None:
    unknown = [
        (page, block)
        for page, block in blocks()
        if len(known(page, block, EXECUTED)) + len(known(page, block, LEFT_OUT)) != 1
    ]
    assert unknown == []


def test_what_executes_them_is_there_and_reads_the_page() -> None:
    used = {key for page, block in blocks() for key in known(page, block, EXECUTED)}
    assert used == EXECUTED.keys()
    for name in EXECUTED.values():
        file, _, function = name.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text()


@pytest.mark.security(13)
def test_a_policy_is_filled_in_as_printed(tmp_path: Path) -> None:
    (block,) = [text for page, text in blocks() if known(page, text, EXECUTED) and "loader" in text]
    (tmp_path / "orchestrate").symlink_to(ROOT / "orchestrate")
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block], cwd=tmp_path, env=os.environ, check=True
    )
    policy = json.loads((tmp_path / "loader.json").read_text())
    resources = {r for s in policy["Statement"] for r in s["Resource"]}
    ours = ("arn:aws:s3:::my-lake", "arn:aws:kms:ca-central-1:123456789012:key/0b5c")
    assert all(resource.startswith(ours) for resource in resources)
    assert not re.search(r"BUCKET|ACCOUNT|REGION|KEY_ID", json.dumps(policy))
