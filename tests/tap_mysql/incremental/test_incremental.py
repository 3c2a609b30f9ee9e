"""Windows and bookmarks, on a real server."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import pytest
from tidemark_core.errors import ConfigError, SourceError, StateError
from tidemark_core.types.singer_schema import METHOD

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

COLUMNS = "id INT PRIMARY KEY, v VARCHAR(20), update_at DATETIME(6), KEY (update_at)"


def state_of(table: str, bookmark: Any) -> dict[str, Any]:
    return {"bookmarks": {f"tap_test-{table}": bookmark}}


@pytest.fixture
def t(source: Source) -> str:
    source.make(
        "t",
        COLUMNS,
        "(1, 'a', '2024-01-01 00:00:00.000001')",
        "(2, 'b', '2024-01-02 00:00:00.000002')",
        "(3, 'c', '2024-01-02 00:00:00.000002')",
    )
    return "t"


def test_a_first_load_reads_everything_and_bookmarks_the_greatest_key(
    source: Source, t: str
) -> None:
    first = source.read(t, "update_at")
    assert first.ids(t) == [1, 2, 3]
    assert first.bookmark(t)["replication_key"] == "update_at"
    assert first.bookmark(t)["replication_key_value"] == "2024-01-02T00:00:00.000002"
    kinds = [m["type"] for m in first.messages]
    assert kinds.index("SCHEMA") < kinds.index("BATCH") < kinds.index("STATE")
    (file,) = first.files(t)
    assert file.facts["rows"] == 3
    assert file.facts["stats"] == {
        "min": "2024-01-01T00:00:00.000001",
        "max": "2024-01-02T00:00:00.000002",
    }


@pytest.mark.fault(16)
def test_nothing_new_writes_no_file_and_keeps_the_bookmark(source: Source, t: str) -> None:
    first = source.read(t, "update_at")
    second = source.read(t, "update_at", first.state)
    assert second.messages == []


@pytest.mark.fault(4)
def test_a_row_that_ties_with_the_bookmark_arrives(source: Source, t: str) -> None:
    first = source.read(t, "update_at", backup_lookback_seconds=0)
    source.sql("INSERT INTO t VALUES (4, 'd', '2024-01-02 00:00:00.000002')")
    second = source.read(t, "update_at", first.state, backup_lookback_seconds=0)
    assert second.ids(t) == [2, 3, 4]
    assert source.read(t, "update_at", second.state, backup_lookback_seconds=0).messages == []


@pytest.mark.fault(1)
def test_a_row_that_commits_late_arrives_with_the_next_run(source: Source, t: str) -> None:
    first = source.read(t, "update_at")
    source.sql("INSERT INTO t VALUES (4, 'late', '2024-01-01 23:59:00')")
    second = source.read(t, "update_at", first.state)
    assert 4 in second.ids(t)
    assert second.bookmark(t)["replication_key_value"] == "2024-01-02T00:00:00.000002"
    assert source.read(t, "update_at", second.state).messages == []


def test_a_change_that_keeps_its_timestamp_arrives(source: Source, t: str) -> None:
    first = source.read(t, "update_at")
    source.sql("UPDATE t SET v = 'again' WHERE id = 3")
    second = source.read(t, "update_at", first.state)
    assert {row["v"] for row in second.rows(t) if row["id"] == 3} == {"again"}


@pytest.mark.fault(6)
@pytest.mark.parametrize("precision", [0, 3, 6])
def test_the_bookmark_has_the_precision_of_the_key(source: Source, precision: int) -> None:
    moment = datetime(2024, 3, 1, 1, 2, 3, 123456)
    source.make(
        "p",
        f"id INT PRIMARY KEY, update_at DATETIME({precision}), KEY (update_at)",
        f"(1, '{moment}')",
    )
    ((text,),) = source.sql("SELECT CAST(CAST(update_at AS DATETIME(6)) AS CHAR) FROM p")
    value = source.read("p", "update_at").bookmark("p")["replication_key_value"]
    assert value == text.replace(" ", "T")


@pytest.mark.fault(9)
def test_a_row_from_the_future_is_read_once_and_does_not_move_the_bookmark(
    source: Source, t: str, caplog: pytest.LogCaptureFixture
) -> None:
    source.sql("INSERT INTO t VALUES (9, 'future', '2199-01-01')")
    first = source.read(t, "update_at")
    assert first.ids(t) == [1, 2, 3, 9]
    assert "in the future" in caplog.text
    assert first.bookmark(t)["replication_key_value"] < "2100"
    source.sql("INSERT INTO t VALUES (10, 'new', UTC_TIMESTAMP(6))")
    second = source.read(t, "update_at", first.state)
    assert 10 in second.ids(t)


@pytest.mark.fault(8)
def test_rows_without_a_key_are_refused_or_read(source: Source, t: str) -> None:
    source.sql("INSERT INTO t VALUES (7, 'null', NULL), (8, 'null', NULL)")
    refused = source.run(source.catalog(t, key="update_at"))
    assert isinstance(refused.error, SourceError)
    assert "2 rows have no replication key" in str(refused.error)
    assert refused.error.column == "update_at"
    assert refused.of("BATCH") == []
    first = source.read(t, "update_at", backup_null_keys="read")
    assert first.ids(t) == [1, 2, 3, 7, 8]
    again = source.read(t, "update_at", first.state, backup_null_keys="read")
    assert again.messages == []
    source.sql("UPDATE t SET v = 'changed' WHERE id = 8")
    third = source.read(t, "update_at", first.state, backup_null_keys="read")
    assert {row["v"] for row in third.rows(t) if row["id"] == 8} == {"changed"}


def test_a_table_with_only_null_keys_is_read_too(source: Source) -> None:
    source.make("n", COLUMNS, "(1, 'x', NULL)")
    first = source.read("n", "update_at", backup_null_keys="read")
    assert first.ids("n") == [1]
    source.sql("INSERT INTO n VALUES (2, 'y', '2024-01-01')")
    assert 2 in source.read("n", "update_at", first.state, backup_null_keys="read").ids("n")


def test_an_auto_increment_key(source: Source) -> None:
    source.make("log", "id BIGINT UNSIGNED AUTO_INCREMENT PRIMARY KEY, v INT")
    source.sql("INSERT INTO log (v) VALUES (1), (2), (3)")
    first = source.read("log", "id")
    assert first.bookmark("log")["replication_key_value"] == 3
    assert source.read("log", "id", first.state).messages == []
    source.sql("INSERT INTO log (v) VALUES (4)")
    assert source.read("log", "id", first.state, backup_lookback_ids=0).ids("log") == [3, 4]


def test_an_empty_table_has_no_bookmark_and_begins_with_its_first_row(source: Source) -> None:
    source.make("e", COLUMNS)
    first = source.read("e", "update_at")
    assert first.bookmark("e") == {}
    source.sql("INSERT INTO e VALUES (1, 'x', '2024-01-01')")
    assert source.read("e", "update_at", first.state).ids("e") == [1]


@pytest.mark.fault(160)
@pytest.mark.parametrize("key", [None, "update_at"])
@pytest.mark.parametrize("name", ["e", "e_view"])
def test_a_table_or_a_view_without_rows_tells_its_columns(
    source: Source, key: str | None, name: str
) -> None:
    source.make("e", COLUMNS)
    source.sql("CREATE OR REPLACE VIEW e_view AS SELECT * FROM e")
    state = None
    for _ in range(2):
        result = source.read(name, key, state)
        (schema,) = result.of("SCHEMA")
        assert schema["schema"][METHOD] == ("INCREMENTAL" if key else "FULL_TABLE")
        assert result.table(name).column_names == list(schema["schema"]["properties"])
        assert [file.facts["rows"] for file in result.files()] == [0]
        assert [m["type"] for m in result.messages] == ["SCHEMA", "BATCH", "STATE"]
        state = result.state
    result = source.read(name, key, state, backup_output="record")
    assert [m["type"] for m in result.messages if m["type"] != "ACTIVATE_VERSION"] == [
        "SCHEMA",
        "STATE",
    ]


@pytest.mark.fault(160)
def test_a_column_that_comes_without_a_row_is_told_once(source: Source, t: str) -> None:
    first = source.read(t, "update_at")
    source.sql(f"DELETE FROM {t}")
    source.sql(f"ALTER TABLE {t} ADD COLUMN late INT")
    second = source.read(t, "update_at", first.state)
    assert second.table(t).column_names[-1] == "late"
    assert second.rows(t) == []
    assert second.bookmark(t)["replication_key_value"] == first.bookmark(t)["replication_key_value"]
    assert source.read(t, "update_at", second.state).messages == []


@pytest.mark.fault(5)
def test_many_ties_are_cut_into_files_and_nothing_is_lost(source: Source) -> None:
    source.make("ties", COLUMNS)
    source.sql(f"INSERT INTO ties SELECT seq, 'x', '2024-01-01' {source.numbers(5_000)}")
    first = source.read("ties", "update_at", backup_batch_size=700)
    assert first.ids("ties") == list(range(1, 5001))
    assert [f.facts["rows"] for f in first.files("ties")] == [700] * 7 + [100]
    source.sql(f"INSERT INTO ties SELECT seq, 'x', '2024-02-01' {source.numbers(9_000, 5_001)}")
    second = source.read("ties", "update_at", first.state, backup_batch_size=700)
    assert set(second.ids("ties")) == set(range(1, 9001)), "the ties of the bookmark again"
    assert len(second.of("STATE")) >= 6


def test_a_full_table_is_read_each_time(source: Source, t: str) -> None:
    for _ in range(2):
        assert source.read(t).ids(t) == [1, 2, 3]


def test_a_full_table_ends_with_a_state_so_that_its_files_are_committed(
    source: Source, t: str
) -> None:
    result = source.read(t)
    assert result.messages[-1] is result.of("STATE")[-1]
    assert result.bookmark(t) == {}
    # A table that is read whole for a while has its bookmark afterwards.
    bookmark = {"replication_key": "update_at", "replication_key_value": "2024-01-01T00:00:00"}
    state = {"bookmarks": {next(iter(result.state["bookmarks"])): bookmark}}
    assert source.read(t, None, state).bookmark(t) == bookmark


@pytest.mark.fault(62)
@pytest.mark.parametrize(
    ("collation", "warned"), [("utf8mb4_general_ci", True), ("utf8mb4_bin", False)]
)
def test_a_text_key_that_ignores_case_is_warned_of(
    source: Source, caplog: pytest.LogCaptureFixture, collation: str, warned: bool
) -> None:
    text = f"VARCHAR(9) CHARACTER SET utf8mb4 COLLATE {collation}"
    source.make("named", f"code {text} PRIMARY KEY, note VARCHAR(9)", "('A', 'a')")
    assert len(source.read("named").rows("named")) == 1
    told = [record for record in caplog.records if "same key in code" in record.getMessage()]
    assert bool(told) is warned
    assert all(getattr(record, "column", None) == "code" for record in told)


def test_a_table_without_a_key_is_read(source: Source) -> None:
    source.make("heap", "id INT, update_at DATETIME, KEY (update_at)", "(1, '2024-01-01')")
    source.sql("INSERT INTO heap VALUES (1, '2024-01-01')")
    assert source.read("heap", "update_at").ids("heap") == [1, 1]
    assert source.read("heap").ids("heap") == [1, 1]


@pytest.mark.fault(20)
@pytest.mark.parametrize(
    "bookmark",
    [
        [],
        {"replication_key": "update_at"},
        {"replication_key": "update_at", "replication_key_value": "soon"},
        {"replication_key": "update_at", "replication_key_value": 5},
        {"replication_key": "update_at", "replication_key_value": "2024-01-01", "tidemark": 3},
        {"replication_key_value": "2024-01-01"},
    ],
)
def test_a_damaged_bookmark_is_never_taken_for_an_empty_one(
    source: Source, t: str, bookmark: Any
) -> None:
    result = source.run(source.catalog(t, key="update_at"), state_of(t, bookmark))
    assert isinstance(result.error, StateError)
    assert "tidemark watermark reset -t tap_test.t" in str(result.error)
    assert result.messages == []


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    "change",
    [
        {"replication_key": "created_at"},
        {"replication_key_value": "2024-01-01T00:00:00+02:00"},
        {"tidemark": {"version": 1, "table": "tap_test.other"}},
        {"tidemark": {"version": 1, "table": "tap_test.t", "key_type": "int64"}},
        {"tidemark": {"version": 99}},
    ],
)
def test_a_bookmark_of_something_else_is_refused(
    source: Source, t: str, change: dict[str, Any]
) -> None:
    bookmark = {"replication_key": "update_at", "replication_key_value": "2024-01-01T00:00:00"}
    result = source.run(source.catalog(t, key="update_at"), state_of(t, bookmark | change))
    assert isinstance(result.error, StateError)


@pytest.mark.fault(24)
def test_a_bookmark_in_the_future_is_refused(source: Source, t: str) -> None:
    bookmark = {"replication_key": "update_at", "replication_key_value": "2199-01-01T00:00:00"}
    result = source.run(source.catalog(t, key="update_at"), state_of(t, bookmark))
    assert isinstance(result.error, StateError)
    assert "in the future" in str(result.error)


@pytest.mark.security(15)
def test_sql_in_a_bookmark_is_refused(source: Source, t: str) -> None:
    bookmark = {"replication_key": "update_at", "replication_key_value": "2024-01-01' OR '1'='1"}
    result = source.run(source.catalog(t, key="update_at"), state_of(t, bookmark))
    assert isinstance(result.error, StateError)


@pytest.mark.fault(14)
def test_a_key_without_an_index_is_read_with_a_warning_and_the_plan(
    source: Source, t: str, caplog: pytest.LogCaptureFixture
) -> None:
    source.make("slow", "id INT PRIMARY KEY, update_at DATETIME", "(1, '2024-01-01')")
    first = source.read("slow", "update_at")
    assert first.ids("slow") == [1]
    (warning,) = [r.getMessage() for r in caplog.records if r.name == "tap-mysql.advice"]
    assert "tap_test.slow: no index begins with the replication key update_at" in warning
    assert "slow ALL" in warning
    caplog.clear()
    source.read(t, "update_at")
    assert [r for r in caplog.records if r.name == "tap-mysql.advice"] == []


@pytest.mark.fault(14)
def test_another_key_in_the_configuration_is_refused(source: Source, t: str) -> None:
    first = source.read(t, "update_at")
    result = source.run(source.catalog(t, key="id"), first.state)
    assert isinstance(result.error, StateError)
    assert "watermark reset" in str(result.error)


@pytest.mark.parametrize("key", ["nosuch", "v"])
def test_a_key_that_cannot_be_one_is_refused(source: Source, t: str, key: str) -> None:
    result = source.run(source.catalog(t, key=key))
    assert isinstance(result.error, ConfigError)
    assert result.error.column == key


def test_a_bookmark_as_the_sdk_writes_it_is_understood(source: Source, t: str) -> None:
    bookmark = {
        "replication_key": "update_at",
        "replication_key_value": "2024-01-02T00:00:00.000002+00:00",
        "starting_replication_value": None,
    }
    result = source.read(t, "update_at", state_of(t, bookmark))
    assert result.ids(t) == [2, 3]


#: Berlin's two clock changes of 2024, in the server's own tables of zones.
CENTRAL_EUROPE = (
    "REPLACE INTO mysql.time_zone VALUES (9001, 'N')",
    "REPLACE INTO mysql.time_zone_name VALUES ('Test/Berlin', 9001)",
    "REPLACE INTO mysql.time_zone_transition_type VALUES "
    "(9001, 0, 3600, 0, 'CET'), (9001, 1, 7200, 1, 'CEST')",
    "REPLACE INTO mysql.time_zone_transition VALUES (9001, 1711846800, 1), (9001, 1729990800, 0)",
)


@pytest.mark.fault(12)
@pytest.mark.parametrize("method", ["full", "incremental"])
def test_a_server_in_central_europe_gives_utc_on_both_clock_changes(
    source: Source, method: str
) -> None:
    moments = (
        "2024-03-31T00:59:59", "2024-03-31T01:00:00",  # 02:00 is 03:00
        "2024-10-27T00:30:00", "2024-10-27T01:30:00",  # both are 02:30
    )  # fmt: skip
    source.make("dst", "id INT PRIMARY KEY, update_at TIMESTAMP NULL, KEY (update_at)")
    for number, moment in enumerate(moments):
        source.sql_with(
            "time_zone = '+00:00'",
            f"INSERT INTO dst VALUES ({number}, '{moment[:10]} {moment[11:]}')",
        )
    for statement in CENTRAL_EUROPE:
        source.sql(statement)
    ((before,),) = source.sql("SELECT @@GLOBAL.time_zone")
    source.sql("SET GLOBAL time_zone = 'Test/Berlin'")
    try:
        told = [
            text for (text,) in source.sql("SELECT CAST(update_at AS CHAR) FROM dst ORDER BY id")
        ]
        assert told[1] == "2024-03-31 03:00:00"
        assert told[2] == told[3] == "2024-10-27 02:30:00"
        if method == "full":
            rows = source.read("dst").rows("dst")
        else:
            first = source.read("dst", "update_at")
            rows = first.rows("dst")
            assert first.bookmark("dst")["replication_key_value"] == f"{moments[-1]}.000000"
            source.sql_with(
                "time_zone = '+00:00'", "INSERT INTO dst VALUES (9, '2024-10-27 01:30:01')"
            )
            second = source.read("dst", "update_at", first.state, backup_lookback_seconds=0)
            assert sorted(second.ids("dst")) == [3, 9]
    finally:
        source.sql("SET GLOBAL time_zone = %s", before)
    read = {row["id"]: row["update_at"].isoformat() for row in rows}
    assert [read[number] for number in range(4)] == list(moments)


NUMBERED = "id INT AUTO_INCREMENT PRIMARY KEY, v INT"


def insert(source: Source, table: str, count: int) -> None:
    """Rows whose numbers the server gives."""
    source.sql(f"INSERT INTO {table} (v) VALUES {', '.join(['(1)'] * count)}")


@pytest.mark.fault(219)
@pytest.mark.parametrize("refilled", [0, 1, 30])
def test_a_table_that_was_truncated_and_filled_again_is_read_again(
    source: Source, caplog: pytest.LogCaptureFixture, refilled: int
) -> None:
    source.make("n", NUMBERED)
    insert(source, "n", 50)
    state = source.read("n", "id", backup_lookback_ids=5).state
    source.sql("TRUNCATE TABLE n")
    if refilled:
        insert(source, "n", refilled)
    second = source.read("n", "id", state, backup_lookback_ids=5)
    assert second.ids("n") == [*range(1, refilled + 1)]
    assert f"next number is {refilled + 1}" in caplog.text
    assert "tidemark reconcile -t tap_test.n" in caplog.text
    insert(source, "n", 5)
    third = source.read("n", "id", second.state or state, backup_lookback_ids=5)
    assert {*range(refilled + 1, refilled + 6)} <= {*third.ids("n")}


def test_a_table_whose_last_rows_are_deleted_is_not_read_again(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    source.make("n", NUMBERED + " COMMENT '\\n) ENGINE=InnoDB AUTO_INCREMENT=7'")
    insert(source, "n", 50)
    state = source.read("n", "id", backup_lookback_ids=5).state
    source.sql("DELETE FROM n WHERE id > 10")
    second = source.read("n", "id", state, backup_lookback_ids=5)
    assert second.ids("n") == []
    insert(source, "n", 1)
    third = source.read("n", "id", second.state or state, backup_lookback_ids=5)
    assert third.ids("n") == [51]
    assert "next number" not in caplog.text


def test_rights_on_columns_do_not_show_the_next_number_and_suffice_to_read(source: Source) -> None:
    source.make("n", NUMBERED)
    insert(source, "n", 50)
    account = "column_reader@localhost"
    source.sql(f"DROP USER IF EXISTS {account}")
    source.sql(f"CREATE USER {account} IDENTIFIED BY 'columns-1'")
    source.sql(f"GRANT SELECT (id, v) ON n TO {account}")
    login: dict[str, Any] = {"db_user": "column_reader", "db_password": "columns-1"}
    state = source.read("n", "id", **login).state
    source.sql("DELETE FROM n WHERE id > 10")
    second = source.read("n", "id", state, **login)
    insert(source, "n", 1)
    assert 51 in source.read("n", "id", second.state or state, **login).ids("n")
    source.sql(f"DROP USER {account}")
