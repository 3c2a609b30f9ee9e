"""Which variables make one run copy the tables that were named, and no others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tidemark.config.tables.selection import (
    Options,
    Rules,
    Strategy,
    extraction_variables,
    load_variables,
    models,
)
from tidemark.services.sync.dry_run import extractions, lower_bound, seconds_for
from tidemark_core.names import OWN_NAMES, TableName
from tidemark_core.runs.run_report import ReportedLeg, ReportedTable, RunReport

PARTNER = TableName("settlement", "partner_info")
NEW = TableName("settlement", "new_table")
FOREIGN = TableName("other-db", "t")
RULES = Rules(
    ("settlement-partner_info.*", "!settlement-partner_info.contact_email"),
    {
        "settlement-*": {"replication-method": "INCREMENTAL", "replication-key": "update_at"},
        "settlement-delivery_status": {"replication-key": "ID"},
        "settlement-small": {"replication-method": "FULL_TABLE"},
    },
)


def test_a_configured_table_keeps_its_rules() -> None:
    found = extraction_variables([PARTNER], RULES, [], database="settlement")
    assert json.loads(found["TAP_MYSQL__SELECT"]) == list(RULES.select)
    assert json.loads(found["TAP_MYSQL__SELECT_FILTER"]) == ["settlement-partner_info"]
    assert json.loads(found["TAP_MYSQL__METADATA"]) == RULES.metadata
    assert "DB_SCHEMAS" not in found


def test_any_table_of_the_source_can_be_named() -> None:
    found = extraction_variables(
        [NEW, FOREIGN], RULES, [FOREIGN], database="settlement", schemas=["third"]
    )
    assert json.loads(found["TAP_MYSQL__SELECT"])[-2:] == [
        "settlement-new_table.*",
        "other%2Ddb-t.*",
    ]
    assert json.loads(found["TAP_MYSQL__METADATA"])["other%2Ddb-t"] == {
        "replication-method": "FULL_TABLE"
    }
    assert json.loads(found["DB_SCHEMAS"]) == ["other-db", "third"]


def test_no_table_means_the_projects_own() -> None:
    assert extraction_variables([], RULES, [], database="settlement") == {}
    assert load_variables([]) == {}
    assert load_variables([PARTNER]) == {"S3_TABLES": '["settlement.partner_info"]'}


def test_the_last_metadata_rule_wins() -> None:
    assert RULES.replication_key(PARTNER) == "update_at"
    assert RULES.replication_key(TableName("settlement", "delivery_status")) == "ID"
    assert RULES.replication_key(TableName("settlement", "small")) is None
    assert RULES.replication_key(FOREIGN) is None


def test_the_projects_own_rules_are_read(project_root: Path) -> None:
    rules = Rules.read(project_root)
    assert PARTNER in rules.tables()
    assert rules.selects(PARTNER)
    assert rules.replication_key(TableName("settlement", "delivery_status")) == "ID"
    assert models(project_root, [PARTNER, NEW], OWN_NAMES) == ["partner_info"]


def test_only_what_the_operator_gave_overrides_the_settings() -> None:
    assert Options().variables() == {}
    assert Options(Strategy.CHUNKED, 3, 10, 500, True).variables() == {
        "BACKUP_STRATEGY": "chunked",
        "BACKUP_MAX_WORKERS": "3",
        "BACKUP_BATCH_SIZE": "10",
        "BACKUP_MAX_ROWS": "500",
        "DEBUG": "true",
        "MELTANO_CLI_LOG_LEVEL": "debug",
    }


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2025-08-03T04:05:06.000000", "2025-08-03 04:00:06.000000"),
        (5000, 4000),
        ("0001-01-01T00:00:01.000000", "0001-01-01 00:00:00.000000"),
        (None, None),
    ],
)
def test_the_window_begins_a_lookback_before_the_bookmark(value: object, expected: object) -> None:
    assert lower_bound({"replication_key_value": value}, 300, 1000) == expected
    assert lower_bound(None, 300, 1000) is None


def test_every_extraction_tells_of_the_time_by_its_rows() -> None:
    def run(run_id: str, rows: int, seconds: float, table: str = "s.t") -> ReportedLeg:
        read = ReportedTable(table, rows, steps={"read": seconds})
        return ReportedLeg(run_id, "extract", run_id, seconds=99, tables=(read,))

    nights = [run(str(n), 106, 0.3) for n in range(13)]
    first = run("99", 100_000, 3)
    known = extractions(RunReport.merge([*nights, first, run("98", 0, 1)]))
    assert len(known) == 14
    took = seconds_for("s.t", 100_081, known)
    assert took is not None
    assert 2.9 < took < 3.2
    few = seconds_for("s.t", 106, known)
    assert few is not None
    assert few < 1
    # Nights alone say nothing of a thousand times as many; another table's first load does.
    only_nights = extractions(RunReport.merge(nights))
    assert seconds_for("s.t", 100_081, only_nights) is None
    other = extractions(RunReport.merge([*nights, run("99", 1_000_000, 40, "s.other")]))
    took = seconds_for("s.t", 100_000, other)
    assert took is not None
    assert 3.9 < took < 4.1
