"""How a table is proposed to be copied, and why."""

from __future__ import annotations

import pytest
from tap_mysql.source.schema import Column, Table
from tidemark.services.tables.method import BIG_ROWS, Remark, Wish, propose
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import MySQLColumn, from_mysql


def column(name: str, data_type: str = "int", *, null: bool = False, extra: str = "") -> Column:
    mysql = MySQLColumn(data_type, data_type, precision=8 if data_type == "bit" else None)
    return Column(name, mysql, from_mysql(mysql), null, extra=extra)


ID = column("id")
COUNTER = column("id", "bigint", extra="auto_increment")
ON_UPDATE = column("seen", "timestamp", extra="on update current_timestamp()")
NULLABLE = column("seen", "datetime", null=True, extra="on update current_timestamp()")


def table(
    *columns: Column,
    name: str = "t",
    key: tuple[str, ...] = ("id",),
    indexed: tuple[str, ...] = ("id",),
    rows: int = 10,
    is_view: bool = False,
) -> Table:
    return Table(
        TableName("s", name), columns, key, indexed=frozenset(indexed), rows=rows, row_bytes=100,
        is_view=is_view,
    )  # fmt: skip


def full(_: Column) -> bool:
    return False


def gappy(_: Column) -> bool:
    return True


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (table(ID, ON_UPDATE, column("updated_at", "datetime")), "INCREMENTAL by seen"),
        (table(ID, column("updated_at", "datetime"), NULLABLE), "INCREMENTAL by seen"),
        (table(ID, column("updatedAt", "datetime")), "INCREMENTAL by updatedAt"),
        (table(ID, column("LAST_UPDATE", "timestamp")), "INCREMENTAL by LAST_UPDATE"),
        (table(ID, column("date_modified", "datetime")), "INCREMENTAL by date_modified"),
        # of one of its values, not of the row
        (table(ID, column("last_status_update_at", "datetime")), "FULL_TABLE"),
        (table(ID, column("price_changed_at", "datetime")), "FULL_TABLE"),
        (table(ID, column("updated_by", "datetime")), "FULL_TABLE"),
        # no time to the second, or not always there
        (table(ID, column("updated_at", "date")), "FULL_TABLE"),
        (table(ID, column("updated_at", "varchar")), "FULL_TABLE"),
        (table(ID, column("updated_at", "datetime", null=True)), "FULL_TABLE"),
        (table(COUNTER, name="access_log"), "INCREMENTAL by id"),
        (table(COUNTER, name="AccessLog"), "INCREMENTAL by id"),
        (table(COUNTER, name="catalog"), "FULL_TABLE"),
        (table(ID, name="access_log"), "FULL_TABLE"),
        (table(COUNTER, name="customer"), "FULL_TABLE"),
        (table(ON_UPDATE, key=()), "FULL_TABLE"),
        (table(ON_UPDATE, key=(), is_view=True), "FULL_TABLE"),
    ],
)
def test_what_fits_is_proposed(given: Table, told: str) -> None:
    found = propose(given, full, Wish())
    assert str(found) == told
    assert found.why


def test_the_log_is_proposed_where_no_column_tells_and_it_can_be_read() -> None:
    readable, not_so = (lambda: None), (lambda: Remark("no log", "SET it"))
    found = propose(table(ID), full, Wish(), readable)
    assert (str(found), found.key) == ("LOG_BASED", None)
    assert "the binary log does" in found.why
    assert str(propose(table(ID, ON_UPDATE), full, Wish(), readable)) == "INCREMENTAL by seen"
    assert str(propose(table(ID), full, Wish(), not_so)) == "FULL_TABLE"
    for other in (table(ID, key=()), table(ID, is_view=True), table(column("id", "float"))):
        assert str(propose(other, full, Wish(), readable)) == "FULL_TABLE"
    assert str(propose(table(ID, ON_UPDATE), full, Wish(log_based=True), readable)) == "LOG_BASED"
    with pytest.raises(ConfigError, match="no log") as refused:
        propose(table(ID), full, Wish(log_based=True), not_so)
    assert refused.value.hint == "SET it"
    with pytest.raises(ConfigError, match="the table has none"):
        propose(table(ID, key=()), full, Wish(log_based=True), readable)


def test_an_index_is_preferred_and_asked_for_where_there_is_none() -> None:
    columns = (ID, column("modified", "datetime"), column("updated_at", "datetime"))
    found = propose(table(*columns, indexed=("id", "updated_at")), full, Wish())
    assert found.key == "updated_at"
    found = propose(table(ID, ON_UPDATE), full, Wish())
    assert [remark.hint for remark in found.remarks] == ["ALTER TABLE `s`.`t` ADD INDEX (`seen`)"]


def test_a_time_that_some_rows_do_not_have_is_passed_over_and_told() -> None:
    found = propose(table(ID, NULLABLE), gappy, Wish())
    assert str(found) == "FULL_TABLE"
    assert "seen would show when a row changed" in found.remarks[0].text
    assert "BACKUP_NULL_KEYS=read" in str(found.remarks[0].hint)


def test_a_time_of_change_that_may_be_null_is_told_with_how_to_take_it() -> None:
    found = propose(table(ID, column("updated_at", "datetime", null=True)), full, Wish())
    assert str(found) == "FULL_TABLE"
    (remark,) = found.remarks
    assert remark.hint == ("if it is always set, run tidemark add s.t --replication-key updated_at")


def test_the_price_of_reading_a_big_table_whole_is_told() -> None:
    small, big = (propose(table(COUNTER, rows=n), full, Wish()) for n in (10, BIG_ROWS))
    assert small.remarks == ()
    (remark,) = big.remarks
    assert "each run reads about 1,000,000 rows" in remark.text
    assert "ALTER TABLE `s`.`t` ADD COLUMN" in str(remark.hint)
    assert "tidemark add s.t --append-only" in str(remark.hint)


def test_what_is_asked_for_is_done_or_refused() -> None:
    dated = table(COUNTER, ON_UPDATE, column("made", "datetime", null=True), column("b", "bit"))
    assert str(propose(dated, full, Wish(full_table=True))) == "FULL_TABLE"
    assert str(propose(dated, full, Wish("made"))) == "INCREMENTAL by made"
    assert "the backup refuses" in propose(dated, gappy, Wish("MADE")).remarks[0].text
    appended = propose(dated, full, Wish(append_only=True))
    assert str(appended) == "INCREMENTAL by id"
    assert "keeps its old values" in appended.remarks[0].text
    with pytest.raises(ConfigError, match="cannot be a replication key") as refused:
        propose(dated, full, Wish("b"))
    assert refused.value.hint == "choose one of: id, seen, made"
    with pytest.raises(ConfigError, match="no such column"):
        propose(dated, full, Wish("nope"))
    with pytest.raises(ConfigError, match="no AUTO_INCREMENT"):
        propose(table(ID), full, Wish(append_only=True))
