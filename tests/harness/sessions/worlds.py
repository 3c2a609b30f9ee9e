"""Sandboxes of the tests' own. What many of them begin with is made once a run, and copied.

A pytest plugin: the session makes a folder for such data, which its workers share.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from lasting_sessions import LastingSessions
from tidemark_sandbox.world import Sandbox

if TYPE_CHECKING:
    from xdist.workermanage import WorkerController

_FOLDER = "saved_worlds"
Fill = Callable[[Sandbox, Path], object]


def pytest_configure(config: pytest.Config) -> None:
    # SeaweedFS, of which each sandbox has one, spends a third of its CPU on keeping several busy.
    os.environ.setdefault("GOMAXPROCS", "1")
    # NumPy, which no test multiplies matrices with, starts threads for it in each process.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        worlds = Worlds(config.rootpath, Path(worker[_FOLDER]))
    else:
        worlds = Worlds(config.rootpath, Path(tempfile.mkdtemp(prefix="tidemark-worlds-")))
        config.add_cleanup(lambda: shutil.rmtree(worlds.saved, ignore_errors=True))
    config.stash[WORLDS] = worlds


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: WorkerController) -> None:
    node.workerinput[_FOLDER] = str(node.config.stash[WORLDS].saved)


class Worlds:
    """Makes sandboxes.

    Attributes:
        root: The checkout; sandboxes are folders of it.
        saved: Folder of the data that sandboxes begin with.
    """

    def __init__(self, root: Path, saved: Path) -> None:
        self.root = root
        self.saved = saved

    @contextmanager
    def running(self, *layers: tuple[str, Fill]) -> Iterator[tuple[Sandbox, Path]]:
        """A running sandbox, and the folder of what goes with it on this machine.

        Args:
            layers: What to do, one after the other, to a sandbox that has users and a bucket only:
                a name, which stands for what has been done up to here, and a function of the
                sandbox and the folder. Each is done once a run.
        """
        with _free_folder(self.root) as folder, ExitStack() as stack:
            Sandbox(folder).reset()  # a run that was killed may have left it behind
            world = Sandbox(folder, Sandbox.free_port_block())
            stack.callback(world.reset)
            beside = folder.with_name(f"{folder.name}-beside")
            shutil.rmtree(beside, ignore_errors=True)
            stack.callback(shutil.rmtree, beside, ignore_errors=True)
            self._bring(world, beside, [("new", _nothing), *layers])
            world.up()
            yield world, beside

    def _bring(self, world: Sandbox, beside: Path, layers: list[tuple[str, Fill]]) -> None:
        """Loads what the last layer has saved; makes and saves it if nobody has."""
        *below, (name, fill) = layers
        saved = self.saved / name
        with saved.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not saved.exists():
                self._make(world, beside, below, fill, saved)
                return
        world.load(saved / "world")
        shutil.copytree(saved / "beside", beside, symlinks=True)

    def _make(
        self, world: Sandbox, beside: Path, below: list[tuple[str, Fill]], fill: Fill, saved: Path
    ) -> None:
        if below:
            self._bring(world, beside, below)
        else:
            beside.mkdir(mode=0o700)
        world.up()
        fill(world, beside)
        half = saved.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        world.save(half / "world")
        shutil.copytree(beside, half / "beside", symlinks=True)
        half.rename(saved)


WORLDS = pytest.StashKey[Worlds]()


def _seed(world: Sandbox, _beside: Path) -> None:
    world.seed(3_000, seed=7)


#: A few thousand rows of settlement data.
SEEDED: tuple[str, Fill] = ("seeded", _seed)


def _nothing(_world: Sandbox, _beside: Path) -> None:
    """Of what every sandbox begins with there is nothing to add."""


@contextmanager
def _free_folder(root: Path) -> Iterator[Path]:
    """A folder that no other test run of this checkout is using."""
    for number in count(1):
        folder = root / f".sandbox-test-{number}"
        with folder.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            yield folder
            return


@pytest.fixture(scope="session")
def worlds(pytestconfig: pytest.Config) -> Worlds:
    """Makes sandboxes."""
    return pytestconfig.stash[WORLDS]


@pytest.fixture(scope="session")
def sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    """A running sandbox of the tests' own, empty but for users and the bucket."""
    with worlds.running() as (world, _):
        lasting = LastingSessions(world.config.dir)
        yield lasting
        lasting.leave()


@pytest.fixture(scope="module")
def module_sandbox(worlds: Worlds) -> Iterator[Sandbox]:
    """One for a single module, which may stop its parts and count all that is in it."""
    with worlds.running() as (world, _):
        yield world
