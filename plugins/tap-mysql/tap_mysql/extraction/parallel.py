"""Runs several iterators in threads; yields their items in order of arrival."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Job = TypeVar("Job")
Item = TypeVar("Item")


@dataclass(frozen=True)
class _Done(Generic[Item]):
    number: int
    item: Item | None = None
    error: BaseException | None = None


def together(
    jobs: Sequence[Job], workers: int, work: Callable[[Job], Iterable[Item]]
) -> Iterator[tuple[int, Item | None]]:
    """Works on jobs, ``workers`` at the same time.

    After an error no new job is started, running ones end with their next item, and the error is
    raised once their items have been yielded.

    Args:
        jobs: What to work on, begun in this order.
        workers: Threads.
        work: Gives a job's items; runs in a thread.

    Yields:
        A job's number and an item; None in place of an item when the job is done.
    """
    todo: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in range(len(jobs)):
        todo.put(number)
    results: queue.Queue[_Done[Item] | None] = queue.Queue(maxsize=workers)
    halt = threading.Event()

    def run() -> None:
        while not halt.is_set() and (number := _next(todo)) is not None:
            _do(number, jobs[number], work, results, halt)
        results.put(None)

    count = min(workers, len(jobs))
    for index in range(count):
        threading.Thread(target=run, daemon=True, name=f"range-{index + 1}").start()
    first: BaseException | None = None
    try:
        while count:
            done = results.get()
            if done is None:
                count -= 1
            elif done.error is not None:
                first = first or done.error
            else:
                yield done.number, done.item
    finally:
        halt.set()
        _drain(results, count)
    if first is not None:
        raise first


def _next(todo: queue.SimpleQueue[int]) -> int | None:
    try:
        return todo.get_nowait()
    except queue.Empty:
        return None


def _do(
    number: int,
    job: Job,
    work: Callable[[Job], Iterable[Item]],
    results: queue.Queue[_Done[Item] | None],
    halt: threading.Event,
) -> None:
    """Delivers a job's items until ``halt`` is set; an error of the job sets it."""
    try:
        for item in work(job):
            results.put(_Done(number, item))
            if halt.is_set():
                break
        else:
            results.put(_Done(number))
    except BaseException as error:  # noqa: BLE001 - raised again where the items are taken
        halt.set()
        results.put(_Done(number, error=error))


def _drain(results: queue.Queue[_Done[Item] | None], running: int) -> None:
    """Takes results until the threads that wait to deliver them have ended."""
    while running:
        if results.get() is None:
            running -= 1
