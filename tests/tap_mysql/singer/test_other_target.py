"""RECORD mode into somebody else's target: target-jsonl from PyPI, in an environment of its own."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

JSON_TIME = "DATE_FORMAT({}, '%Y-%m-%dT%H:%i:%s.%fZ')"
TEXT, BYTES = "CAST({} AS CHAR)", "REPLACE(TO_BASE64({}), '\n', '')"
#: Columns of every form that JSON has for a value: type in MySQL, values, MySQL's own answer.
VALUES: dict[str, tuple[str, tuple[str, ...], str]] = {
    "tiny": ("TINYINT(1)", ("2", "-1", "0"), "{} + 0"),
    "big": ("BIGINT", ("-9223372036854775808", "9223372036854775807"), "{} + 0"),
    "huge": ("BIGINT UNSIGNED", ("18446744073709551615", "0"), TEXT),
    "bit1": ("BIT(1)", ("b'1'", "b'0'"), "{} + 0"),
    "bit64": ("BIT(64)", ("18446744073709551615", "7"), "CAST({} + 0 AS CHAR)"),
    "price": ("DECIMAL(10,2)", ("-99999999.99", "0.50", "7"), TEXT),
    "exact": ("DECIMAL(38,10)", ("-" + "9" * 28 + "." + "9" * 10, "0.0000000001"), TEXT),
    "beyond": ("DECIMAL(65,30)", ("9" * 35 + "." + "9" * 30, "-1.5"), TEXT),
    "single": ("FLOAT", ("0.1", "-3.402823466e38"), "{} + 0e0"),
    "double": ("DOUBLE", ("1.7976931348623157e308", "1e-300", "0.1"), "{} + 0e0"),
    "day": ("DATE", ("'0001-01-01'", "'9999-12-31'"), TEXT),
    "no_day": ("DATE", ("'0000-00-00'", "'2022-11-00'"), "NULL"),
    "moment": ("DATETIME(6)", ("'0001-01-01 00:00:00.000001'", "'9999-12-31 23:59:59.999999'"),
               JSON_TIME),
    "stamp": ("TIMESTAMP(3) NULL", ("'1970-01-01 12:00:01'", "'2038-01-18 03:14:07.999'"),
              JSON_TIME),
    "span": ("TIME(6)", ("'-838:59:58.999999'", "'838:59:59'"), TEXT),
    "year": ("YEAR", ("0", "2155"), "{} + 0"),
    "text": ("VARCHAR(60)", ("'😀 é'", "''", "'NULL'", "'a\\r\\n\\tb,\"c\\\\|'"), TEXT),
    "latin": ("VARCHAR(9) CHARACTER SET latin1", ("'é'", "'ÿ'"), "CONVERT({} USING utf8mb4)"),
    "choice": ("ENUM('a','')", ("'a'", "''"), TEXT),
    "several": ("SET('a','b')", ("'a,b'", "''"), TEXT),
    "doc": ("JSON", ("'{\"a\": 12345678901234567890, \"b\": [1.0, null]}'", "'null'"), TEXT),
    "code": ("BINARY(4)", ("x'00'", "x'ff00ff00'"), BYTES),
    "blob": ("BLOB", ("x'00ff00'", "''", "REPEAT(x'fe00', 100)"), BYTES),
    "place": ("POINT", ("ST_GeomFromText('POINT(1 2)')",), "TO_BASE64(ST_AsBinary({}))"),
}  # fmt: skip
TABLE = "record_values"
CHANGED = "2024-02-01 00:00:00"


@pytest.fixture
def every_form(source: Source) -> Source:
    """A table of these columns; what a row has no value for is NULL."""
    columns = ", ".join(f"`{name}` {kind}" for name, (kind, *_) in VALUES.items())
    source.make(TABLE, f"id INT PRIMARY KEY, update_at DATETIME(6), {columns}, KEY (update_at)")
    for row in range(5):
        values = [given[row] if row < len(given) else "NULL" for _, given, _ in VALUES.values()]
        source.sql_with(
            "sql_mode = ''",  # for the zero dates
            f"INSERT INTO {TABLE} VALUES ({row}, '2024-01-0{row + 1}', {', '.join(values)})",
        )
    return source


def answers(source: Source, where: str = "TRUE") -> dict[int, dict[str, Any]]:
    """MySQL's own answer, by id."""
    asked = ", ".join(form.format(f"`{name}`") for name, (*_, form) in VALUES.items())
    rows = source.sql_with(
        "time_zone = '+00:00'",
        f"SELECT id, {JSON_TIME.format('update_at')}, {asked} FROM {TABLE} WHERE {where}",
    )
    return {row[0]: dict(zip(["id", "update_at", *VALUES], row, strict=True)) for row in rows}


def read_back(record: dict[str, Any], schema: pa.Schema) -> dict[str, Any]:
    """A record's values in Python, by the types of the BATCH file."""

    def value(kind: pa.DataType, given: Any) -> Any:
        if given is None:
            return None
        if pa.types.is_decimal(kind):
            return Decimal(given)
        if pa.types.is_binary(kind):
            return base64.b64decode(given)
        if pa.types.is_timestamp(kind):
            return datetime.fromisoformat(given).replace(tzinfo=None)
        return date.fromisoformat(given) if pa.types.is_date(kind) else given

    return {name: value(schema.field(name).type, given) for name, given in record.items()}


@dataclass
class Pipe:
    """tap-mysql into target-jsonl, as a shell's pipe runs them.

    Attributes:
        source: Where the table is.
        target: The folder of target-jsonl's program.
        folder: For config files, and a folder of output a run.
    """

    source: Source
    target: Path
    folder: Path
    _runs: int = 0

    def run(self, state: str | None = None) -> tuple[dict[int, dict[str, Any]], str | None]:
        """Runs both.

        Returns:
            The records that the target wrote, by id, and the last state that it let through.
        """
        self._runs += 1
        out = self.folder / f"out-{self._runs}"
        out.mkdir()
        config = self.source.config(backup_output="record", backup_lookback_seconds=0)
        tap = [
            str(Path(sys.executable).with_name("tap-mysql")),
            *("--config", self._file("tap", config)),
            *("--catalog", self._file("catalog", self.source.catalog(TABLE, key="update_at"))),
            *(() if state is None else ("--state", self._file("state", json.loads(state)))),
        ]
        settings = {"destination_path": str(out), "do_timestamp_file": False}
        target = [str(self.target / "target-jsonl"), "--config", self._file("target", settings)]
        with (self.folder / "tap.log").open("w+") as log:
            left = subprocess.Popen(tap, stdout=subprocess.PIPE, stderr=log)
            right = subprocess.run(
                target, stdin=left.stdout, capture_output=True, text=True, timeout=120, check=False
            )
            assert left.stdout is not None
            left.stdout.close()
            assert left.wait() == 0, Path(log.name).read_text()
        assert right.returncode == 0, right.stderr
        lines = [line for file in out.iterdir() for line in file.read_text().splitlines()]
        records = [json.loads(line) for line in lines]
        found = {record["id"]: record for record in records}
        assert len(found) == len(records)
        states = right.stdout.splitlines()
        return found, states[-1] if states else None

    def _file(self, name: str, content: dict[str, Any]) -> str:
        path = self.folder / f"{name}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(content))
        return str(path)


@pytest.fixture
def pipe(source: Source, foreign: Callable[[str], Path], tmp_path: Path) -> Pipe:
    return Pipe(source, foreign("target-jsonl==0.1.4"), tmp_path)


def test_another_target_gets_every_value_that_a_batch_has(every_form: Source, pipe: Pipe) -> None:
    records, _ = pipe.run()
    assert records == answers(every_form)
    assert len(records) == 5
    batch = every_form.read(TABLE, "update_at").table(TABLE)
    assert [read_back(records[row["id"]], batch.schema) for row in batch.to_pylist()] == (
        batch.to_pylist()
    )


def test_another_targets_state_leads_to_what_has_changed_since(
    every_form: Source, pipe: Pipe
) -> None:
    first, state = pipe.run()
    every_form.sql(f"UPDATE {TABLE} SET price = 1.25, update_at = '{CHANGED}' WHERE id = 1")
    every_form.sql(f"INSERT INTO {TABLE} (id, `text`, update_at) VALUES (9, '😀', '{CHANGED}')")
    second, state = pipe.run(state)
    # The row at the bookmark itself is read again with them.
    assert second == answers(every_form, f"update_at >= '2024-01-05' OR update_at = '{CHANGED}'")
    assert set(second) == {1, 4, 9}
    assert first | second == answers(every_form)
    third, _ = pipe.run(state)
    assert third == {}
