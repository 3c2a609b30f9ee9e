"""The 51 columns of settlement_normal_delivery_detail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow.compute as pc

from tidemark_sandbox.seed.ddl import DELIVERY
from tidemark_sandbox.seed.history import DAY, HOUR, History, partner_of, serial
from tidemark_sandbox.seed.values import (
    Bools,
    Column,
    Ints,
    chosen,
    dates,
    datetimes,
    decimals,
    integers,
    joined,
    noise,
    nullable,
    padded,
)
from tidemark_sandbox.seed.words import (
    ADDRESSES,
    CURRENCIES,
    HARD_TEXTS,
    NAMES,
    PROVINCES,
    QUEBEC,
    STATUSES,
    WAREHOUSES,
)

FIRST_PARTNER = 1001
#: Share of NULL of columns that are often or seldom empty; the other nullable ones have 2 %.
_NULL_SHARE = {
    "ant_parcel_no": 0.004,
    "latest_status": 0.003,
    "create_at": 0.0005,
    "update_at": 0.0,
    "last_status_update_at": 0.003,
    "driver_id": 0.3,
    "signature_fee": 0.2,
    "uni_sn": 0.4,
    "third_party_tno": 0.5,
    "remote_surcharge_fees": 0.6,
    "invoice_number": 0.1,
    "invoice_date": 0.1,
}
_USUAL_NULL_SHARE = 0.02
#: Share of rows without a replication key when they are asked for.
_NULL_KEY_SHARE = 0.0005
_HARD_EVERY = 30
_POSTAL_LETTERS = "ABCEGHJKLMNPRSTVXY"


def partner_ids(partner: Ints) -> Column:
    """Partners' ids as in every table."""
    return integers(partner + FIRST_PARTNER)


def billing_nums(partner: Ints, created: Ints) -> Column:
    """Numbers of bills: one per partner and month."""
    return joined(["BN-", dates(created, "%Y%m"), "-", padded(partner + FIRST_PARTNER, 5)])


def parcel_nos(parcel: Ints) -> Column:
    """Parcel numbers such as BAUNI000300014750782."""
    return joined(["BAUNI", padded(serial(parcel), 15)])


def net_cents(history: History) -> Ints:
    """Price of each row's parcel in cents."""
    base = noise(history.parcel, history.seed, 20) % np.uint64(4200)
    return base.astype(np.int64) + 299


def null_rows(history: History, name: str, share: float) -> Bools:
    """The rows whose column is NULL: a share of them, and always one of the first.

    So a column with a share has a NULL even in a small data set. The known parcel has none.
    """
    place = list(DELIVERY.columns).index(name)
    if share == 0:
        return np.zeros(len(history), bool)
    draw = noise(history.id, history.seed, 1000 + place) / 2.0**64
    certain = history.id == place + 1
    missing: Bools = ((draw < share) | certain) & (history.parcel != 0)
    return missing


class _Row:
    """Shorthand for one part of the history."""

    def __init__(self, history: History) -> None:
        self.history = history

    def of_parcel(self, salt: int, below: int) -> Ints:
        """A number from 0 that is the same in all rows of a parcel."""
        return self._below(self.history.parcel, salt, below)

    def of_row(self, salt: int, below: int) -> Ints:
        """A number from 0 of the row's own."""
        return self._below(self.history.id, salt, below)

    def _below(self, keys: Ints, salt: int, below: int) -> Ints:
        return (noise(keys, self.history.seed, salt) % np.uint64(below)).astype(np.int64)

    def pool(self, salt: int, pool: Sequence[str]) -> Column:
        return chosen(pool, self.of_parcel(salt, len(pool)))

    def text(self, salt: int, pool: Sequence[str]) -> Column:
        """Words of a pool; one parcel in thirty has one of the hard texts, each in turn."""
        turn = self.history.parcel + salt
        index = np.where(
            turn % _HARD_EVERY == 0,
            len(pool) + turn // _HARD_EVERY % len(HARD_TEXTS),
            self.of_parcel(salt, len(pool)),
        )
        return chosen([*pool, *HARD_TEXTS], index)


def delivery_columns(history: History, rows: int, *, null_keys: bool = False) -> list[Column]:
    """Fills a part of the table.

    Args:
        history: The part.
        rows: How many rows the whole data set has.
        null_keys: Leave update_at NULL in a few rows.

    Returns:
        Text columns in the table's order.
    """
    row = _Row(history)
    values = {**_who(row, rows), **_what(row), **_money(row), **_when(row)}
    shares = _NULL_SHARE | ({"update_at": _NULL_KEY_SHARE} if null_keys else {})
    columns = []
    for name, definition in DELIVERY.columns.items():
        column = values[name]
        if "NOT NULL" not in definition:
            share = shares.get(name, _USUAL_NULL_SHARE)
            column = nullable(column, null_rows(history, name, share))
        columns.append(column)
    return columns


def _who(row: _Row, rows: int) -> dict[str, Column]:
    history = row.history
    partner = partner_of(history, rows)
    numbers = serial(history.parcel)
    return {
        "ID": integers(history.id),
        "billing_num": billing_nums(partner, history.created),
        "partner_id": partner_ids(partner),
        "customer_id": integers(50_000 + partner * 10 + row.of_parcel(2, 10)),
        "carrier_id": integers(row.of_parcel(3, 12) + 1),
        "invoice_number": joined(["INV", dates(history.created, "%y%m"), padded(partner, 4)]),
        "ant_parcel_no": parcel_nos(history.parcel),
        "uni_no": joined(["UNI", padded(numbers % 10**10, 10)]),
        "uni_sn": joined(["SN", padded(row.of_parcel(4, 10**9), 9)]),
        "third_party_tno": joined(["1Z", padded(row.of_parcel(5, 10**12), 12)]),
        "batch_number": joined(["B", dates(history.created, "%Y%m%d"), "-", row.pool(6, "ABCD")]),
        "reference_number": row.text(7, [f"PO-{number:05d}" for number in range(5000)]),
        "driver_id": integers(row.of_row(10, 900) + 7000),
        "consignee_name": row.text(11, NAMES),
        "payment_code": row.pool(14, ("PREPAID", "COLLECT", "THIRD_PARTY", "", "N/A")),
        "invoice_to": row.pool(15, ("PARTNER", "CONSIGNEE", "BROKER")),
        "price_card_name": row.text(16, [f"Card {number} — été" for number in range(60)]),
    }


def _what(row: _Row) -> dict[str, Column]:
    history = row.history
    province = row.of_parcel(30, len(PROVINCES))
    grams = 50 + row.of_parcel(31, 29_950)
    length, width, height = (10_000 + row.of_parcel(salt, 90_000) for salt in (32, 33, 34))
    # The carriers' rule for centimetres: volume / 5000 gives kilograms.
    volumetric = (length // 1000) * (width // 1000) * (height // 1000) // 5
    return {
        "warehouse_id": integers(row.of_parcel(35, len(WAREHOUSES)) + 1),
        "inject_warehouse": row.pool(35, WAREHOUSES),
        "airport_code": chosen([code for _, code, _ in PROVINCES], province),
        "province": chosen([name for name, _, _ in PROVINCES], province),
        "consignee_address": row.text(36, ADDRESSES),
        "zone": joined(["Z", integers(row.of_parcel(39, 9) + 1)]),
        "zipcode": _postal_codes(row, 40, province),
        "org_zipcode": _postal_codes(row, 44, row.of_parcel(48, 2)),
        "actual_weight": decimals(grams, 3),
        "dimensional_weight": decimals(volumetric, 3),
        "weight_uom": row.pool(49, ("KG", "KG", "KG", "LB")),
        "dimension_uom": row.pool(50, ("CM", "CM", "CM", "IN")),
        "length": decimals(length, 3),
        "width": decimals(width, 3),
        "height": decimals(height, 3),
        "latest_status": chosen(STATUSES, history.status),
        "is_valid": integers((row.of_row(51, 100) != 0).astype(np.int64)),
    }


def _postal_codes(row: _Row, salt: int, province: Ints) -> Column:
    letters = list(_POSTAL_LETTERS)
    digits = padded(row.of_parcel(salt, 1000), 3)
    parts = [pc.utf8_slice_codeunits(digits, at, at + 1) for at in range(3)]
    return joined(
        [
            chosen([first for _, _, first in PROVINCES], province),
            parts[0],
            row.pool(salt + 1, letters),
            " ",
            parts[1],
            row.pool(salt + 2, letters),
            parts[2],
        ]
    )


def _money(row: _Row) -> dict[str, Column]:
    history = row.history
    net = net_cents(history)
    quebec = row.of_parcel(30, len(PROVINCES)) == QUEBEC
    gst = net * 5 // 100
    qst = np.where(quebec, net * 9975 // 100_000, 0)
    fuel = net * (8 + row.of_parcel(60, 10)) // 100
    cents = {
        "net_price": net,
        "signature_fee": row.of_parcel(61, 4) * 125,
        "tax": gst + qst,
        "fuel_surcharge": fuel,
        # Corrections are negative.
        "shipping_fee": np.where(row.of_row(62, 500) == 0, -net, net + fuel),
        "gst": gst,
        "qst": qst,
        "remote_surcharge_fees": row.of_parcel(63, 3) * 450,
    }
    columns = {name: decimals(value, 2) for name, value in cents.items()}
    columns["charge_currency"] = chosen(CURRENCIES, row.of_parcel(64, 20) // 10 % 3)
    return columns


def _when(row: _Row) -> dict[str, Column]:
    history = row.history
    created = history.created
    ordered = created - history.step * 6 * HOUR - row.of_parcel(70, DAY)
    moments = {
        "create_at": created,
        "update_at": history.updated,
        "last_status_update_at": created,
        "parcel_scan_time": created - row.of_row(71, 900),
        "invoice_date": created // DAY * DAY,
        "in_warehouse_date": ordered + row.of_parcel(72, 4 * HOUR),
        "order_create_time": ordered,
        "gv_order_receive_time": ordered + 60 + row.of_parcel(73, 600),
    }
    latest = history.now
    return {name: datetimes(np.minimum(value, latest)) for name, value in moments.items()}
