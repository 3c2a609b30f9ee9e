from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from singer_sdk.logging import StructuredFormatter
from tidemark_core.logs import FIELDS, Event, JsonFormatter, TextFormatter, log_event, stamp_run_id

log = logging.getLogger("tap_mysql.client")


@pytest.fixture(autouse=True)
def _at_info(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


def filled(event: Event) -> dict[str, Any]:
    return _named(*FIELDS[event])


def _named(*names: str) -> dict[str, Any]:
    return dict.fromkeys(names, "x")


@pytest.mark.parametrize("event", Event)
def test_an_event_arrives_under_its_name_with_its_fields(
    event: Event, caplog: pytest.LogCaptureFixture
) -> None:
    log_event(log, event, **filled(event), more=1)
    document = json.loads(JsonFormatter().format(caplog.records[-1]))
    assert document["event"] == event.value
    assert document["logger"] == "tap_mysql.client"
    assert document["level"] == "info"
    assert document["more"] == 1
    assert {name: document[name] for name in FIELDS[event]} == filled(event)
    at = datetime.fromisoformat(document["timestamp"])
    assert at.tzinfo == UTC
    assert abs((datetime.now(UTC) - at).total_seconds()) < 5


@pytest.mark.parametrize("event", [event for event in Event if FIELDS[event]])
def test_an_event_without_one_of_its_fields_is_refused(event: Event) -> None:
    fields = filled(event)
    name = sorted(fields)[0]
    del fields[name]
    with pytest.raises(TypeError, match=name):
        log_event(log, event, **fields)


@pytest.mark.parametrize("name", ["event", "run_id", "timestamp", "args", "module"])
def test_a_field_cannot_take_a_name_that_means_something_else(name: str) -> None:
    with pytest.raises(TypeError, match=name):
        log_event(log, Event.CLI_INITIALIZED, **_named(name))


def test_the_sdk_format_that_meltano_reads_has_the_event_whole(
    caplog: pytest.LogCaptureFixture,
) -> None:
    factory = logging.getLogRecordFactory()
    stamp_run_id("0b5c")
    try:
        log_event(log, Event.TUNNEL_ESTABLISHED, local_port=3307)
    finally:
        logging.setLogRecordFactory(factory)
    document = json.loads(StructuredFormatter().format(caplog.records[-1]))
    assert document["message"] == "SSH tunnel established"
    assert document["extra"]["local_port"] == 3307
    assert document["extra"]["run_id"] == "0b5c"


def test_text_is_for_people(caplog: pytest.LogCaptureFixture) -> None:
    log_event(log, Event.WINDOW, table="a.b", start_time="2026-01-01 00:00:00", end_time=None)
    text = TextFormatter().format(caplog.records[-1])
    assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]{12}Z INFO    Processing backup window  ", text)
    assert 'table=a.b start_time="2026-01-01 00:00:00" end_time=null' in text


SCRIPT = """
import logging
from tidemark_core.logs import configure
configure("INFO", "0b5c")
logging.getLogger("any.library").warning("line\\nbreak %s", "ü", extra={"rows": 3})
try:
    1 / 0
except ZeroDivisionError:
    logging.getLogger("x").exception("failed")
logging.getLogger("x").debug("not shown")
"""


def run(script: str, **environ: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PATH": "", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stderr.splitlines()


def test_a_process_writes_json_lines_where_there_is_no_terminal() -> None:
    lines = [json.loads(line) for line in run(SCRIPT)]
    assert [line["run_id"] for line in lines] == ["0b5c", "0b5c"]
    assert lines[0]["event"] == "line\nbreak ü"
    assert lines[0]["rows"] == 3
    assert "ZeroDivisionError" in lines[1]["exception"]


def test_log_format_decides_otherwise() -> None:
    assert " WARNING line" in run(SCRIPT, LOG_FORMAT="text")[0]


def test_the_page_lists_every_event_and_field(project_root: Path) -> None:
    rows = re.findall(r"\| `(.+?)` \| (.*?) \|", (project_root / "docs/logging.md").read_text())
    listed = {name: set(re.findall(r"`(\w+)`", fields)) for name, fields in rows}
    for event in Event:
        assert FIELDS[event] <= listed[event.value], event
