"""Every command that a page prints is executed by a test as it stands there, or has a reason."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from projects.pages import EXECUTED, FENCE, LEFT_OUT, ROOT, SHOWN, Block, fenced, pages, typed

#: Where a command's program may be: beside the tests' own, or wherever a shell looks.
PROGRAMS = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
#: Text that is set apart by four blanks, behind an empty line.
INDENTED = re.compile(r"(?<=\n\n)(?: {4}.+\n)+")


def test_every_block_is_executed_or_left_out_for_a_reason() -> None:
    unknown = [
        block for block in typed() if len(block.known(EXECUTED)) + len(block.known(LEFT_OUT)) != 1
    ]
    assert unknown == []


def test_nothing_else_stands_in_the_two_lists() -> None:
    printed = typed()
    for table in (EXECUTED, LEFT_OUT):
        for page, words in table:
            assert any(b.page.startswith(page) and b.text.startswith(words) for b in printed)


def test_what_executes_them_is_there() -> None:
    for name in EXECUTED.values():
        file, _, function = name.partition("::")
        assert f"def {function}(" in (ROOT / file).read_text()


def begins_a_command(line: str) -> bool:
    """Whether a shell would take the line for a command, behind variables of its own or not."""
    words = [word for word in line.strip("$ ").split() if not re.match(r"\w+=", word)]
    return bool(words) and shutil.which(words[0], path=PROGRAMS) is not None


@pytest.mark.parametrize("page", pages())
def test_a_block_that_is_only_shown_has_no_command(page: str) -> None:
    shown = [block for block in fenced(page) if block.kind in SHOWN]
    prose = FENCE.sub("", (ROOT / page).read_text())
    shown += [Block(page, "", text) for text in INDENTED.findall(prose)]
    lines = [line for block in shown for line in block.text.splitlines()]
    assert [line for line in lines if begins_a_command(line)] == []


@pytest.mark.security(13)
def test_a_policy_is_filled_in_as_printed(printed: list[Block], tmp_path: Path) -> None:
    (block,) = printed
    (tmp_path / "orchestrate").symlink_to(ROOT / "orchestrate")
    subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block.text], cwd=tmp_path, env=os.environ, check=True
    )
    policy = json.loads((tmp_path / "loader.json").read_text())
    resources = {r for s in policy["Statement"] for r in s["Resource"]}
    ours = ("arn:aws:s3:::my-lake", "arn:aws:kms:ca-central-1:123456789012:key/0b5c")
    assert all(resource.startswith(ours) for resource in resources)
    assert not re.search(r"BUCKET|ACCOUNT|REGION|KEY_ID", json.dumps(policy))
