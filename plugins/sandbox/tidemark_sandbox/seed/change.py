"""What a day does to the settlement tables: new rows, changed rows, a commit that comes late."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from pymysql.cursors import DictCursor

from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.parts.source import Source
from tidemark_sandbox.seed import ddl
from tidemark_sandbox.seed.history import KNOWN_PARCEL
from tidemark_sandbox.settings.accounts import MYSQL_DATABASE

Row = dict[str, Any]
#: What may follow a status; a status that is not here is a parcel's last.
NEXT = {
    "ORDER_RECEIVED": ("PICKED_UP", "PICKUP_FAILED"),
    "PICKUP_FAILED": ("PICKED_UP",),
    "PICKED_UP": ("IN_TRANSIT",),
    "IN_TRANSIT": ("OUT_FOR_DELIVERY", "AT_WAREHOUSE", "CUSTOMS_FAILED"),
    "AT_WAREHOUSE": ("OUT_FOR_DELIVERY",),
    "CUSTOMS_FAILED": ("RETURNED",),
    "OUT_FOR_DELIVERY": ("DELIVERED", "DELIVERED", "DELIVERY_FAILED"),
    "DELIVERY_FAILED": ("OUT_FOR_DELIVERY", "RETURNED"),
}
_PREFIX = len("BAUNI")


def insert(table: ddl.Table, row: Mapping[str, object]) -> str:
    """An INSERT statement with a placeholder for each column of ``row``."""
    names = ", ".join(f"`{name}`" for name in row)
    marks = ", ".join(["%s"] * len(row))
    return f"INSERT INTO `{MYSQL_DATABASE}`.`{table.name}` ({names}) VALUES ({marks})"


def next_row(row: Row, status: str, now: datetime) -> Row:
    """The row that follows a parcel's last one."""
    return {
        **{name: value for name, value in row.items() if name != "ID"},
        "billing_num": f"BN-{now:%Y%m}-{row['partner_id']:05d}",
        "latest_status": status,
        "last_status_update_at": now,
        "parcel_scan_time": now,
        "create_at": now,
        "update_at": now,
    }


def new_parcel(row: Row, serial: int, status: str, now: datetime) -> Row:
    """The first row of a parcel that is like another one."""
    return {
        **next_row(row, status, now),
        "ant_parcel_no": f"BAUNI{serial:015d}",
        "order_create_time": now - timedelta(hours=3),
        "gv_order_receive_time": now - timedelta(hours=3),
        "in_warehouse_date": None,
    }


def event(row: Row, previous: str | None, now: datetime) -> Row:
    """The entry in the log of statuses that belongs to a delivery row."""
    return {
        "ant_parcel_no": row["ant_parcel_no"],
        "partner_id": row["partner_id"],
        "status": row["latest_status"],
        "previous_status": previous,
        "status_at": now,
        "source": "SCANNER",
        "create_at": now,
    }


class _Day:
    """One run: a connection that commits in time, one that commits late, and what they did."""

    def __init__(self, source: Source, rows: int, seed: int | None) -> None:
        self.source = source
        self.rows = rows
        self.random = random.Random(seed)  # noqa: S311 - made-up data
        self.now: datetime = source.query("SELECT UTC_TIMESTAMP()")[0][0]
        self.done = {table.name: {"inserted": 0, "updated": 0, "late": 0} for table in ddl.TABLES}

    def read(self, cursor: DictCursor, table: ddl.Table, limit: int) -> list[Row]:
        """The newest rows of a table."""
        cursor.execute(
            f"SELECT * FROM `{MYSQL_DATABASE}`.`{table.name}` ORDER BY `ID` DESC LIMIT {limit}"
        )
        found = list(cursor.fetchall())
        if not found:
            raise SandboxError(
                "There is nothing to change", table=table.name, hint="tidemark-sandbox seed"
            )
        return found

    def put(self, cursor: DictCursor, table: ddl.Table, row: Row, kind: str = "inserted") -> None:
        cursor.execute(insert(table, row), list(row.values()))
        self.done[table.name][kind] += 1

    def touch(
        self, cursor: DictCursor, table: ddl.Table, ids: Sequence[int], assignments: str
    ) -> None:
        """Updates rows and moves their replication key to now."""
        for key in ids:
            cursor.execute(
                f"UPDATE `{MYSQL_DATABASE}`.`{table.name}`"
                f" SET {assignments}, `update_at` = %s WHERE `ID` = %s",
                [self.now, key],
            )
            self.done[table.name]["updated"] += cursor.rowcount


def change(
    source: Source, rows: int = 100, seed: int | None = None, *, late_minutes: int = 2
) -> dict[str, dict[str, int]]:
    """Does what a day does, by the server's own clock.

    About two fifths of ``rows`` are new parcels, two fifths next statuses of parcels, the rest
    corrected rows; the other tables follow. A second transaction writes its rows before all of
    these and commits after them: its replication keys, a timestamp and an id, are then behind
    what a reader has already seen.

    Args:
        source: The running server, seeded.
        rows: Delivery rows to touch.
        seed: Determines the rows and what becomes of them; default: random.
        late_minutes: How far the late rows are behind the newest.

    Returns:
        By table, the numbers ``inserted`` (late ones not counted), ``updated`` and ``late``.

    Raises:
        SandboxError: The tables are empty.
        pymysql.Error: They are not there.
    """
    day = _Day(source, rows, seed)
    with (
        closing(source.connect(database=MYSQL_DATABASE)) as prompt,
        closing(source.connect(database=MYSQL_DATABASE)) as late,
        prompt.cursor(DictCursor) as cursor,
        late.cursor(DictCursor) as late_cursor,
    ):
        known = day.read(cursor, ddl.DELIVERY, max(500, 30 * rows))
        templates = [row for row in known if row["ant_parcel_no"] and row["latest_status"]]
        prompt.begin()
        late.begin()
        cursor.execute(
            f"SELECT MAX(`ant_parcel_no`) AS last FROM `{ddl.DELIVERY.name}`"
            " WHERE `ant_parcel_no` LIKE 'BAUNI%'"
        )
        serial = int(cursor.fetchall()[0]["last"][_PREFIX:])
        _write_late(day, late_cursor, templates, serial + 1, timedelta(minutes=late_minutes))
        fresh = _deliveries(day, cursor, templates, serial + 1)
        _corrections(day, cursor, known)
        _others(day, cursor, fresh)
        prompt.commit()
        late.commit()
    return day.done


def _write_late(
    day: _Day, cursor: DictCursor, templates: list[Row], serial: int, behind: timedelta
) -> None:
    row = new_parcel(day.random.choice(templates), serial, "IN_TRANSIT", day.now - behind)
    day.put(cursor, ddl.DELIVERY, row, "late")
    day.put(cursor, ddl.STATUS, event(row, None, day.now - behind), "late")


def _deliveries(day: _Day, cursor: DictCursor, templates: list[Row], serial: int) -> list[Row]:
    """New parcels, and the next status of parcels that are on their way."""
    share = max(1, day.rows * 2 // 5)
    written = []
    for at in range(share):
        template = day.random.choice(templates)
        status = day.random.choice(("ORDER_RECEIVED", "IN_TRANSIT"))
        row = new_parcel(template, serial + 1 + at, status, day.now)
        day.put(cursor, ddl.DELIVERY, row)
        day.put(cursor, ddl.STATUS, event(row, None, day.now))
        written.append(row)
    last = {row["ant_parcel_no"]: row for row in reversed(templates)}  # they are newest first
    going = [row for row in last.values() if row["latest_status"] in NEXT]
    for before in day.random.sample(going, min(share, len(going))):
        previous = before["latest_status"]
        row = next_row(before, day.random.choice(NEXT[previous]), day.now)
        day.put(cursor, ddl.DELIVERY, row)
        day.put(cursor, ddl.STATUS, event(row, previous, day.now))
        written.append(row)
    return written


def _corrections(day: _Day, cursor: DictCursor, known: list[Row]) -> None:
    count = max(1, day.rows - 2 * max(1, day.rows * 2 // 5))
    ids = [row["ID"] for row in known if row["ant_parcel_no"] != KNOWN_PARCEL]
    chosen = day.random.sample(ids, min(count, len(ids)))
    day.touch(cursor, ddl.DELIVERY, chosen, "`net_price` = COALESCE(`net_price`, 0) + 1.25")


def _others(day: _Day, cursor: DictCursor, fresh: list[Row]) -> None:
    """Returns, claims, a partner, and the bills of the new rows."""
    for table, share in ((ddl.CLAIM, 20), (ddl.RETURN, 20)):
        newest = day.read(cursor, table, 50)
        for row in day.random.sample(fresh, max(1, min(len(fresh), day.rows // share))):
            copy = {name: value for name, value in newest[0].items() if name != "ID"}
            same = {name: row[name] for name in ("billing_num", "partner_id", "ant_parcel_no")}
            day.put(cursor, table, {**copy, **same, "create_at": day.now, "update_at": day.now})
        ids = [row["ID"] for row in day.random.sample(newest, min(2, len(newest)))]
        day.touch(cursor, table, ids, "`is_valid` = NOT COALESCE(`is_valid`, 0)")
    partners = [row["ID"] for row in day.read(cursor, ddl.PARTNER, 1000)]
    day.touch(
        cursor,
        ddl.PARTNER,
        [day.random.choice(partners)],
        "`is_active` = IF(`is_active` <=> 1, 0, 1), `updated_at` = UTC_TIMESTAMP()",
    )
    for row in fresh:
        _bill(day, cursor, row)


def _bill(day: _Day, cursor: DictCursor, row: Row) -> None:
    amount = row["net_price"] or Decimal(0)
    bill = {
        "billing_num": row["billing_num"],
        "period": f"{day.now:%Y-%m}",
        "partner_id": row["partner_id"],
        "parcel_count": 1,
        "gross_amount": amount,
        "net_amount": amount,
        "charge_currency": row["charge_currency"],
        "billing_status": "OPEN",
        "create_at": day.now,
        "update_at": day.now,
    }
    cursor.execute(
        insert(ddl.BILLING, bill) + " ON DUPLICATE KEY UPDATE `parcel_count` = `parcel_count` + 1,"
        " `gross_amount` = `gross_amount` + VALUES(`gross_amount`),"
        " `net_amount` = COALESCE(`net_amount`, 0) + VALUES(`net_amount`),"
        " `update_at` = VALUES(`update_at`)",
        list(bill.values()),
    )
    # MariaDB's manual: 1 for a new row, 2 for an existing one.
    kind = "inserted" if cursor.rowcount == 1 else "updated"
    day.done[ddl.BILLING.name][kind] += 1
