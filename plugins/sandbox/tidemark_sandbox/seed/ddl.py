"""The six settlement tables, and the SQL that makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Table:
    """A MySQL table.

    Attributes:
        columns: Definition by name, in order; a definition is MySQL's text after the name.
        keys: Secondary keys. They are made after a load, which is quicker.
    """

    name: str
    comment: str
    columns: dict[str, str]
    keys: Sequence[str] = field(default=())


_ID = "BIGINT NOT NULL AUTO_INCREMENT"
_VARCHAR_255 = "VARCHAR(255)"
_MONEY = "DECIMAL(10,2)"
_MEASURE = "DECIMAL(10,3)"
_AMOUNT = "DECIMAL(15,4) NOT NULL"

DELIVERY = Table(
    "settlement_normal_delivery_detail",
    "One row each time that a parcel's settlement changes: several rows a parcel",
    {
        "ID": _ID,
        "billing_num": "VARCHAR(255) NOT NULL",
        "partner_id": "INT NOT NULL",
        "customer_id": "INT NOT NULL",
        "carrier_id": "INT",
        "invoice_number": _VARCHAR_255,
        "invoice_date": "DATETIME",
        "ant_parcel_no": "VARCHAR(32) COMMENT 'Parcel, such as BAUNI000300014750782'",
        "uni_no": "VARCHAR(32)",
        "uni_sn": "VARCHAR(32)",
        "third_party_tno": _VARCHAR_255,
        "parcel_scan_time": "DATETIME",
        "batch_number": _VARCHAR_255,
        "reference_number": _VARCHAR_255,
        "warehouse_id": "SMALLINT",
        "airport_code": "VARCHAR(8)",
        "consignee_address": _VARCHAR_255,
        "zone": "VARCHAR(32)",
        "zipcode": "VARCHAR(60)",
        "driver_id": "INT",
        "actual_weight": _MEASURE,
        "dimensional_weight": _MEASURE,
        "weight_uom": "VARCHAR(8)",
        "net_price": _MONEY,
        "signature_fee": _MONEY,
        "tax": _MONEY,
        "fuel_surcharge": _MONEY,
        "shipping_fee": _MONEY,
        "charge_currency": "VARCHAR(8)",
        "province": "VARCHAR(128)",
        "latest_status": "VARCHAR(45)",
        "last_status_update_at": "DATETIME COMMENT 'UTC'",
        "is_valid": "SMALLINT DEFAULT 1",
        "create_at": "DATETIME COMMENT 'UTC'",
        "update_at": "DATETIME COMMENT 'UTC; replication key'",
        "price_card_name": _VARCHAR_255,
        "in_warehouse_date": "DATETIME",
        "inject_warehouse": "VARCHAR(8)",
        "gst": _MONEY,
        "qst": _MONEY,
        "consignee_name": _VARCHAR_255,
        "order_create_time": "DATETIME",
        "dimension_uom": _VARCHAR_255,
        "length": _MEASURE,
        "width": _MEASURE,
        "height": _MEASURE,
        "org_zipcode": _VARCHAR_255,
        "payment_code": _VARCHAR_255,
        "invoice_to": "VARCHAR(64)",
        "remote_surcharge_fees": _MONEY,
        "gv_order_receive_time": "DATETIME",
    },
    ("KEY `update_at` (`update_at`)", "KEY `ant_parcel_no` (`ant_parcel_no`)"),
)

CLAIM = Table(
    "settlement_claim_detail",
    "Claims for lost or damaged parcels",
    {
        "ID": "INT NOT NULL AUTO_INCREMENT",
        "billing_num": "VARCHAR(255) NOT NULL",
        "partner_id": "INT NOT NULL",
        "customer_id": "INT",
        "ant_parcel_no": "VARCHAR(32) NOT NULL",
        "warehouse": "VARCHAR(64)",
        "shipping_fee": _AMOUNT,
        "declared_value": _AMOUNT,
        "total": _AMOUNT,
        "dollar_100_limit_adjustment": _AMOUNT,
        "charge_currency": "VARCHAR(8)",
        "reason": _VARCHAR_255,
        "is_valid": "INT",
        "create_at": "DATETIME",
        "update_at": "DATETIME COMMENT 'UTC; replication key'",
        "orig_declared_value": _AMOUNT,
        "orig_currency": "VARCHAR(8)",
        "exchange_rate": "DECIMAL(15,4)",
    },
    ("KEY `update_at` (`update_at`)",),
)

PARTNER = Table(
    "partner_info",
    "The partners whose parcels are settled",
    {
        "ID": _ID,
        "partner_id": "INT NOT NULL",
        "partner_name": _VARCHAR_255,
        "partner_code": "VARCHAR(32)",
        "partner_type": "VARCHAR(32)",
        "country": "VARCHAR(64)",
        "region": "VARCHAR(64)",
        "contact_email": "VARCHAR(255) COMMENT 'Personal data'",
        "is_active": "TINYINT(1)",
        "created_at": "DATETIME",
        "updated_at": "DATETIME",
        "update_at": "DATETIME COMMENT 'UTC; replication key'",
    },
    ("KEY `update_at` (`update_at`)",),
)

RETURN = Table(
    "settlement_return_detail",
    "Parcels that went back to their sender",
    {
        "ID": _ID,
        "billing_num": "VARCHAR(255) NOT NULL",
        "partner_id": "INT NOT NULL",
        "customer_id": "INT",
        "ant_parcel_no": "VARCHAR(32) NOT NULL",
        "return_tno": "VARCHAR(64) COMMENT 'Tracking number of the way back'",
        "return_reason": _VARCHAR_255,
        "return_status": "VARCHAR(45)",
        "warehouse": "VARCHAR(64)",
        "actual_weight": _MEASURE,
        "return_fee": _MONEY,
        "refund_amount": _MONEY,
        "charge_currency": "VARCHAR(8)",
        "remark": "TEXT",
        "returned_at": "DATETIME",
        "is_valid": "SMALLINT DEFAULT 1",
        "create_at": "DATETIME",
        "update_at": "DATETIME COMMENT 'UTC; replication key'",
    },
    ("KEY `update_at` (`update_at`)",),
)

BILLING = Table(
    "billing_summary",
    "One row a bill and month",
    {
        "ID": _ID,
        "billing_num": "VARCHAR(255) NOT NULL",
        "period": "CHAR(7) NOT NULL COMMENT 'YYYY-MM'",
        "partner_id": "INT NOT NULL",
        "parcel_count": "INT NOT NULL DEFAULT 0",
        "gross_amount": "DECIMAL(15,2) NOT NULL DEFAULT 0.00",
        "adjustment_amount": "DECIMAL(15,2)",
        "tax_amount": "DECIMAL(15,2)",
        "net_amount": "DECIMAL(15,2)",
        "charge_currency": "VARCHAR(8)",
        "billing_status": "VARCHAR(32) COMMENT 'OPEN, ISSUED, PAID, DISPUTED or VOID'",
        "issued_on": "DATE",
        "due_on": "DATE",
        "paid_at": "DATETIME",
        "remark": "VARCHAR(512)",
        "create_at": "DATETIME",
        "update_at": "DATETIME COMMENT 'UTC; replication key'",
    },
    ("UNIQUE KEY `billing_num_period` (`billing_num`, `period`)", "KEY `update_at` (`update_at`)"),
)

STATUS = Table(
    "delivery_status",
    "What happened to each parcel; rows are only ever added",
    {
        "ID": _ID + " COMMENT 'Replication key'",
        "ant_parcel_no": "VARCHAR(32) NOT NULL",
        "partner_id": "INT",
        "status": "VARCHAR(45) NOT NULL",
        "previous_status": "VARCHAR(45)",
        "status_at": "DATETIME(3) NOT NULL COMMENT 'UTC, when it happened'",
        "facility": "VARCHAR(64)",
        "latitude": "DECIMAL(9,6)",
        "longitude": "DECIMAL(9,6)",
        "driver_id": "INT",
        "source": "ENUM('SCANNER','DRIVER_APP','PARTNER_API','MANUAL')",
        "note": "VARCHAR(512)",
        "create_at": "DATETIME NOT NULL COMMENT 'UTC, when we heard of it'",
    },
    ("KEY `ant_parcel_no` (`ant_parcel_no`)",),
)

TABLES = (DELIVERY, CLAIM, PARTNER, RETURN, BILLING, STATUS)


def create(table: Table, database: str, *, keys: bool = True) -> str:
    """The CREATE TABLE statement.

    Args:
        table: The table.
        database: Where.
        keys: Whether the secondary keys are made too.
    """
    parts = [f"  `{name}` {definition}" for name, definition in table.columns.items()]
    parts.append("  PRIMARY KEY (`ID`)")
    parts += [f"  {key}" for key in table.keys] if keys else []
    body = ",\n".join(parts)
    return (
        f"CREATE TABLE `{database}`.`{table.name}` (\n{body}\n) ENGINE=InnoDB"
        " DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_ci"
        f" COMMENT='{table.comment.replace(chr(39), chr(39) * 2)}'"
    )


def add_keys(table: Table, database: str) -> str:
    """The ALTER TABLE statement that makes the secondary keys."""
    keys = ", ".join(f"ADD {key}" for key in table.keys)
    return f"ALTER TABLE `{database}`.`{table.name}` {keys}"


def load(table: Table, database: str, path: str) -> str:
    r"""The LOAD DATA statement for a file of tab-separated values, escaped as MySQL does.

    Source of the format: MariaDB's manual, LOAD DATA INFILE (fields terminated by a tab, escaped
    by a backslash, NULL as ``\N``, lines terminated by a newline).
    """
    quoted = path.replace("\\", "\\\\").replace("'", "''")
    return (
        f"LOAD DATA INFILE '{quoted}' INTO TABLE `{database}`.`{table.name}` CHARACTER SET utf8mb4"
    )
