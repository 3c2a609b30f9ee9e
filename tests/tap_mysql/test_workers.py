"""The processes that read, as the machine lets them be."""

from __future__ import annotations

import pytest
from tap_mysql.connectorx import pool


def test_where_pipes_may_not_grow_the_reader_starts_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Linux refuses it to an account that has many large pipes (pipe(7))."""

    def refuse(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(pool.fcntl, "fcntl", refuse)
    worker = pool._start()
    try:
        assert worker.process.poll() is None
    finally:
        worker.end()
    assert worker.process.stdout is not None
    assert worker.process.stdout.closed
