from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from unittest.mock import patch

import pytest
from tidemark_core.errors import ConfigError, LakeError, LeaseError
from tidemark_core.process import end_by, run_plugin
from tidemark_core.run_context import log_level, run_id


def _raising(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


@pytest.fixture(autouse=True)
def _plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    # Whatever a test lets be set is gone after it.
    monkeypatch.setattr("sys.stderr", sys.stderr)
    factory = logging.getLogRecordFactory()
    with patch.dict(os.environ):
        for name in ("DEBUG", "LOG_LEVEL", "LOGLEVEL", "SINGER_SDK_LOG_CONFIG"):
            os.environ.pop(name, None)
        yield
    logging.setLogRecordFactory(factory)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LakeError("S3 refused", table="a.b", hint="look"), 1),
        (ConfigError("no bucket"), 2),
        (LeaseError("held"), 4),
        (ValueError("surprise"), 1),
        (KeyboardInterrupt(), 130),
        (SystemExit(143), 143),
    ],
)
def test_the_exit_code_says_what_kind_of_error_it_was(error: BaseException, code: int) -> None:
    with pytest.raises(SystemExit) as ended:
        run_plugin(_raising(error))
    assert ended.value.code == code


def test_success_is_zero() -> None:
    with pytest.raises(SystemExit) as ended:
        run_plugin(lambda: None)
    assert ended.value.code == 0


def test_one_message_and_no_traceback(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run_plugin(_raising(LakeError("S3 refused", table="a.b", hint="look here")))
    assert capsys.readouterr().err == "error: S3 refused [table a.b]\n  Next: look here\n"


def test_debug_shows_the_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEBUG", "true")
    with pytest.raises(SystemExit):
        run_plugin(_raising(LakeError("S3 refused")))
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.security(7)
def test_libraries_that_log_requests_stay_quiet_even_with_debug(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEBUG", "1")
    with pytest.raises(SystemExit):
        run_plugin(lambda: None)
    assert not logging.getLogger("botocore.auth").isEnabledFor(logging.DEBUG)


def test_the_level() -> None:
    assert log_level({}) == "INFO"
    assert log_level({"LOG_LEVEL": "warning"}) == "WARNING"
    assert log_level({"LOG_LEVEL": "warning", "DEBUG": "true"}) == "DEBUG"
    assert log_level({"LOG_LEVEL": "", "DEBUG": "false"}) == "INFO"


def test_the_run_id_is_the_one_given() -> None:
    assert run_id({"TIDEMARK_RUN_ID": "a", "MELTANO_RUN_ID": "b"}) == "a"
    assert run_id({"MELTANO_RUN_ID": "b", "MELTANO_PARENT_CONTEXT_UUID": "c"}) == "b"
    assert run_id({"MELTANO_PARENT_CONTEXT_UUID": "c"}) == "c"


def test_without_one_a_process_keeps_its_own() -> None:
    assert run_id({}) == run_id({"TIDEMARK_RUN_ID": ""})


def test_behind_meltano_the_error_is_an_event_with_its_place(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SINGER_SDK_LOG_CONFIG", "/of/meltano.json")
    with pytest.raises(SystemExit):
        run_plugin(_raising(LakeError("S3 refused", table="a.b", column="c", key=7, hint="look")))
    (record,) = caplog.records
    assert record.levelname == "ERROR"
    assert record.getMessage() == "S3 refused [table a.b, column c, key 7]\n  Next: look"
    assert {"table": "a.b", "column": "c", "key": 7, "next": "look"}.items() <= vars(record).items()
    assert vars(record)["error_type"] == "LakeError"
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_as_a_shell_reports_it(
    caplog: pytest.LogCaptureFixture, number: signal.Signals, code: int
) -> None:
    with pytest.raises(SystemExit) as ended:
        end_by(number, logging.getLogger("t"), "all is well")
    assert ended.value.code == code
    assert caplog.messages == [f"terminated by {number.name}; all is well"]
