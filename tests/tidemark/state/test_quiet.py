"""What Meltano's log says of failures whose cause is known, through its own formatters."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import structlog
from meltano.core.logging.formatters import console_log_formatter, json_formatter
from meltano.core.logging.utils import setup_logging
from tidemark.state import quiet
from tidemark_core.errors import LakeError

Log = Callable[[], str]


@pytest.fixture(params=["json", "console"])
def log(request: pytest.FixtureRequest) -> Iterator[Log]:
    """Meltano's log in one of its formats, with ours in it; gives what was written."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    setup_logging()
    (handler,) = root.handlers
    assert isinstance(handler, logging.StreamHandler)
    written = io.StringIO()
    handler.setStream(written)
    formatter = json_formatter() if request.param == "json" else console_log_formatter()
    handler.setFormatter(formatter)
    quiet.install()
    quiet.install()
    assert len(handler.filters) == 1
    yield written.getvalue
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def fail(error: Exception, cause: Exception | None = None) -> None:
    raise error from cause


@pytest.mark.fault(140)
def test_a_state_that_s3_refuses_is_told_in_its_own_words(log: Log) -> None:
    """As meltano.core.plugin.singer.target does when it cannot store one."""
    refused = LakeError("S3 refused writing s3://b/state.json: AccessDenied", hint="grant it")
    try:
        fail(RuntimeError("Failed to persist state"), refused)
    except RuntimeError:
        structlog.stdlib.get_logger("meltano.core.plugin.singer.target").exception(
            "Failed to persist incremental state to the configured backend"
        )
    assert "S3 refused writing s3://b/state.json: AccessDenied" in log()
    assert "grant it" in log()
    assert "Traceback" not in log()
    assert "persist" not in log()
    if log().startswith("{"):
        event = json.loads(log())
        assert (event["level"], event["error_type"]) == ("error", "LakeError")
        assert event["next"] == "grant it"


@pytest.mark.parametrize("error", [BrokenPipeError(32, "Broken pipe"), ConnectionResetError()])
def test_a_pipe_that_broke_has_no_traceback(log: Log, error: Exception) -> None:
    """As Meltano's output logger does, with the standard library's logging."""
    try:
        fail(error)
    except OSError as caught:
        logging.getLogger().error(str(caught), exc_info=True)
    assert "its own error is above" in log()
    assert "Traceback" not in log()
    assert "exc_type" not in log()


def test_what_a_plugin_has_said_is_not_said_again(log: Log) -> None:
    words = "Cannot start plugin tap-mysql: Catalog discovery failed: command ['/x', '--discover']"
    said = f'{words} returned 1 with stderr:\n {{"message": "Access denied"}}'
    structlog.stdlib.get_logger("meltano.cli.run").error("Block run completed", err=said)
    logging.getLogger().error(said)
    assert "Access denied" not in log()
    assert "Catalog discovery failed" in log()


def test_a_table_that_a_tap_cannot_list_is_told_by_the_run_alone(log: Log) -> None:
    tap = structlog.stdlib.get_logger("meltano.plugin.stderr.extractors.tap-s3-parquet")
    tap.error("forged", table="s.t", type="discovery")
    tap.error("the bucket is away", type="discovery")
    tap.error("forged again", table="s.t")
    first, second = log().splitlines()
    assert "the bucket is away" in first
    assert "forged again" in second


def test_any_other_error_keeps_its_traceback(log: Log) -> None:
    try:
        fail(KeyError("a fault of Meltano's"))
    except KeyError:
        structlog.stdlib.get_logger("meltano.core.project").exception("unexpected")
    assert "a fault of Meltano's" in log()
    assert "Traceback" in log() or "exc_type" in log()


def test_debug_leaves_everything_as_it_is(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEBUG", "true")
    try:
        fail(BrokenPipeError())
    except OSError:
        logging.getLogger().error("x", exc_info=True)
    assert "BrokenPipeError" in log()


@pytest.mark.fault(136)
def test_what_night_tells_is_an_error_with_its_fields(log: Log) -> None:
    told: dict[str, Any] = {"error_type": "TablesError", "exit_code": 4}
    line = json.dumps({"level": "error", "message": "1 table failed", "extra": told})
    plugin = structlog.stdlib.get_logger("meltano.plugin.stderr.utilities.night")
    plugin.info(line, name="night")
    plugin.info("not one of its events", name="night")
    first, second = log().splitlines()
    assert "1 table failed" in first
    assert "error" in first
    assert "message" not in first
    assert "not one of its events" in second
    if first.startswith("{"):
        assert json.loads(first).items() >= {"level": "error", "exit_code": 4}.items()
