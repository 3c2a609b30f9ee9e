"""Databases that nobody chose: whatever is in them is in the copies, or is refused by name."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from anydb.generate.databases import chosen_settings, databases, generate, told_apart
from anydb.generate.model import Server
from anydb.play.outcome import Outcome
from anydb.play.rounds import play
from tidemark_sandbox.world import Sandbox

#: Databases that share one lake and the runs over it.
BATCH = 25
FEW = 8
#: One batch of this many is built into public tables too; names of tables need no quotes then.
PUBLIC_EVERY = 10


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[[Server], Sandbox]]:
    """Starts a sandbox with the server that is named."""
    with ExitStack() as stack:

        def start(server: Server) -> Sandbox:
            sandbox = Sandbox(tmp_path / server, Sandbox.free_port_block(), server)
            stack.callback(sandbox.reset)
            sandbox.up()
            return sandbox

        yield start


def lead(sandbox: Sandbox, root: Path, folder: Path, count: int, number: int) -> Outcome:
    """Makes databases of a seed and leads them through the pipeline."""
    server = sandbox.config.server
    public = number % PUBLIC_EVERY == 0
    strategy = databases(server, plain=public)
    drawn = [generate(strategy, number * BATCH + position) for position in range(count)]
    settings = generate(chosen_settings(), number)
    folder.mkdir()
    origin = f"seed {number}, {count} databases on {server}"
    return play(root, sandbox, folder, told_apart(drawn, "g"), settings, origin, public=public)


def test_a_few_databases_that_nobody_chose(
    module_sandbox: Sandbox, project_root: Path, tmp_path: Path
) -> None:
    number = int(os.environ.get("GENERATED_SEED", "1"))
    outcome = lead(module_sandbox, project_root, tmp_path / "run", FEW, number)
    print(json.dumps(outcome.to_dict(), ensure_ascii=False))
    assert not outcome.wrong, "\n\n".join(outcome.wrong)
    assert outcome.counts["lake values"] > 0
    assert outcome.counts["landing values"] > 0


@pytest.mark.soak
@pytest.mark.parametrize("server", ["mariadb", "mysql"])
def test_five_hundred_databases_that_nobody_chose(
    server: Server,
    world: Callable[[Server], Sandbox],
    project_root: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """GENERATED_SCHEMAS of them, half on either server; GENERATED_SEED is the first seed."""
    schemas = int(os.environ.get("GENERATED_SCHEMAS", "500"))
    first = int(os.environ.get("GENERATED_SEED", "1000"))
    whole = Outcome()
    sandbox = world(server)
    for number in range(first, first + max(1, schemas // 2 // BATCH)):
        outcome = lead(sandbox, project_root, tmp_path / f"{number}", BATCH, number)
        whole.add(outcome)
        with capsys.disabled():
            told = {"server": server, "seed": number, **outcome.to_dict()}
            print(json.dumps(told, ensure_ascii=False), flush=True)
    with capsys.disabled():
        print(json.dumps(whole.to_dict() | {"wrong": len(whole.wrong)}, ensure_ascii=False))
    assert not whole.wrong, "\n\n".join(whole.wrong)
