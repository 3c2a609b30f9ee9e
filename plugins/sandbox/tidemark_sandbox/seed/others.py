"""The five tables besides the deliveries, in agreement with them."""

from __future__ import annotations

import numpy as np

from tidemark_sandbox.seed.ddl import BILLING, CLAIM, PARTNER, RETURN, STATUS, Table
from tidemark_sandbox.seed.deliveries import (
    FIRST_PARTNER,
    billing_nums,
    net_cents,
    parcel_nos,
    partner_ids,
)
from tidemark_sandbox.seed.history import DAY, HOUR, History, partner_count, partner_of
from tidemark_sandbox.seed.values import (
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
    BILLING_STATUSES,
    CURRENCIES,
    HARD_TEXTS,
    PARTNER_TYPES,
    REASONS,
    REGIONS,
    REMARKS,
    RETURNED,
    SOURCES,
    STATUSES,
    WAREHOUSES,
)

#: One claim per this many deliveries.
_DELIVERIES_A_CLAIM = 50


def _below(keys: Ints, seed: int, salt: int, below: int) -> Ints:
    return (noise(keys, seed, salt) % np.uint64(below)).astype(np.int64)


def _in_order(table: Table, values: dict[str, Column], ids: Ints, seed: int) -> list[Column]:
    """The columns in the table's order, with NULLs in every nullable one but ``update_at``."""
    columns = []
    for place, (name, definition) in enumerate(table.columns.items()):
        column = values[name]
        if "NOT NULL" not in definition and name != "update_at":
            missing = (_below(ids, seed, 2000 + place, 50) == 0) | (np.arange(len(ids)) == place)
            column = nullable(column, missing)
        columns.append(column)
    return columns


def partner_columns(history: History, rows: int) -> list[Column]:
    """Fills partner_info."""
    count, seed, now = partner_count(rows), history.seed, history.now
    number = np.arange(count)
    region = _below(number, seed, 101, len(REGIONS))
    created = now - 760 * DAY - _below(number, seed, 102, 300 * DAY)
    updated = now - _below(number, seed, 103, 700 * DAY)
    # One partner is neither active nor inactive: TINYINT(1) holds other numbers too.
    active = np.where(number == 5, 2, (_below(number, seed, 104, 10) != 0).astype(np.int64))
    code = joined(["P", padded(number + FIRST_PARTNER, 6)])
    values = {
        "ID": integers(number + 1),
        "partner_id": partner_ids(number),
        "partner_name": chosen(
            [f"{word} {at}" for at, word in zip(range(count), _company_words(count), strict=True)],
            number,
        ),
        "partner_code": code,
        "partner_type": chosen(PARTNER_TYPES, _below(number, seed, 105, len(PARTNER_TYPES))),
        "country": chosen([country for country, _ in REGIONS], region),
        "region": chosen([name for _, name in REGIONS], region),
        "contact_email": joined(["billing.", code, "@partner.example"]),
        "is_active": integers(active),
        "created_at": datetimes(created),
        "updated_at": datetimes(updated),
        "update_at": datetimes(updated),
    }
    return _in_order(PARTNER, values, number + 1, seed)


def _company_words(count: int) -> list[str]:
    words = ("Maple Express", "Érable & Fils", "速达物流", "Nord-Sud Cargo", 'Pacific "Rim" Ltd.')
    return [words[at % len(words)] for at in range(count)]


def claim_columns(history: History, rows: int) -> list[Column]:
    """Fills settlement_claim_detail: claims some weeks after a delivery, if that is past."""
    seed = history.seed
    count = max(60, rows // _DELIVERIES_A_CLAIM)
    at = np.sort(_below(np.arange(count), seed, 111, rows))
    number = np.arange(count)
    picked = _rows(history, at)
    partner = partner_of(picked, rows)
    created = np.minimum(picked.created + _below(number, seed, 112, 30 * DAY), history.now)
    created = np.sort(created)
    updated = np.minimum(created + _below(number, seed, 113, 6 * HOUR), history.now)
    declared = 50_000 + _below(number, seed, 114, 30_000_000)  # in units of 0.0001
    fee = net_cents(picked) * 100
    limit = np.minimum(declared - 1_000_000, 0)
    currency = _below(number, seed, 115, len(CURRENCIES))
    values = {
        "ID": integers(number + 1),
        "billing_num": billing_nums(partner, created),
        "partner_id": partner_ids(partner),
        "customer_id": integers(50_000 + partner * 10),
        "ant_parcel_no": parcel_nos(picked.parcel),
        "warehouse": chosen(WAREHOUSES, _below(number, seed, 116, len(WAREHOUSES))),
        "shipping_fee": decimals(fee, 4),
        "declared_value": decimals(declared, 4),
        "total": decimals(declared + fee + limit, 4),
        "dollar_100_limit_adjustment": decimals(limit, 4),
        "charge_currency": chosen(CURRENCIES, currency),
        "reason": chosen([*REASONS, *HARD_TEXTS], _mostly(number, seed, 117, len(REASONS))),
        "is_valid": integers((_below(number, seed, 118, 20) != 0).astype(np.int64)),
        "create_at": datetimes(created),
        "update_at": datetimes(updated),
        "orig_declared_value": decimals(declared * 10_000 // 13_512, 4),
        "orig_currency": chosen(CURRENCIES, (currency + 1) % len(CURRENCIES)),
        "exchange_rate": decimals(13_512 + _below(number, seed, 119, 900), 4),
    }
    return _in_order(CLAIM, values, number + 1, seed)


def _rows(history: History, at: Ints) -> History:
    columns = {
        name: value[at] for name, value in vars(history).items() if isinstance(value, np.ndarray)
    }
    return History(**columns, now=history.now, seed=history.seed)


def _mostly(number: Ints, seed: int, salt: int, usual: int) -> Ints:
    """Indexes below ``usual``, and every thirtieth one into the hard texts that follow."""
    hard = usual + number // 30 % len(HARD_TEXTS)
    return np.where(number % 30 == 29, hard, _below(number, seed, salt, usual))


def return_columns(history: History, rows: int) -> list[Column]:
    """Fills settlement_return_detail: one row per parcel that came back."""
    seed = history.seed
    back = _rows(history, np.flatnonzero((history.status == RETURNED) & (history.parcel != 0)))
    number = np.arange(len(back))
    partner = partner_of(back, rows)
    fee = 350 + _below(number, seed, 121, 900)
    values = {
        "ID": integers(back.id),
        "billing_num": billing_nums(partner, back.created),
        "partner_id": partner_ids(partner),
        "customer_id": integers(50_000 + partner * 10),
        "ant_parcel_no": parcel_nos(back.parcel),
        "return_tno": joined(["RT", padded(back.parcel * 13 % 10**10, 10)]),
        "return_reason": chosen([*REASONS, *HARD_TEXTS], _mostly(number, seed, 122, len(REASONS))),
        "return_status": chosen(
            ("RECEIVED", "RESTOCKED", "DISPOSED"), _below(number, seed, 123, 3)
        ),
        "warehouse": chosen(WAREHOUSES, _below(number, seed, 124, len(WAREHOUSES))),
        "actual_weight": decimals(50 + _below(number, seed, 125, 29_950), 3),
        "return_fee": decimals(fee, 2),
        "refund_amount": decimals(net_cents(back) - fee, 2),
        "charge_currency": chosen(CURRENCIES, _below(number, seed, 126, 2)),
        "remark": chosen([*REMARKS, *HARD_TEXTS], _mostly(number, seed, 127, len(REMARKS))),
        "returned_at": datetimes(back.created),
        "is_valid": integers(np.ones(len(back), np.int64)),
        "create_at": datetimes(back.created),
        "update_at": datetimes(back.updated),
    }
    return _in_order(RETURN, values, back.id, seed)


def billing_columns(history: History, rows: int) -> list[Column]:
    """Fills billing_summary: what each partner's deliveries of a month add up to."""
    seed, now = history.seed, history.now
    month = history.created.astype("datetime64[s]").astype("datetime64[M]").astype(np.int64)
    keys, where, counts = np.unique(
        month * 10_000 + partner_of(history, rows), return_inverse=True, return_counts=True
    )
    gross = np.bincount(where, weights=net_cents(history)).astype(np.int64)
    partner = keys % 10_000
    begin = (keys // 10_000).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    end = (keys // 10_000 + 1).astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
    number = np.arange(len(keys))
    issued = end + 2 * DAY
    paid = issued + DAY + _below(number, seed, 131, 25 * DAY)
    adjustment = np.where(number % 9 == 0, -gross // 50, 0)
    state = np.select(
        [issued > now, number % 41 == 3, number % 29 == 5, paid > now], [0, 4, 3, 1], 2
    )
    touched = np.minimum(np.where(state == 2, paid, np.where(state == 0, now - HOUR, issued)), now)
    ids = number + 1
    values = {
        "ID": integers(ids),
        "billing_num": billing_nums(partner, begin),
        "period": dates(begin, "%Y-%m"),
        "partner_id": partner_ids(partner),
        "parcel_count": integers(counts.astype(np.int64)),
        "gross_amount": decimals(gross, 2),
        "adjustment_amount": decimals(adjustment, 2),
        "tax_amount": decimals(gross * 5 // 100, 2),
        "net_amount": decimals(gross + adjustment + gross * 5 // 100, 2),
        "charge_currency": chosen(CURRENCIES, partner % 2),
        "billing_status": chosen(BILLING_STATUSES, state),
        "issued_on": nullable(dates(issued), state == 0),
        "due_on": nullable(dates(issued + 30 * DAY), state == 0),
        "paid_at": nullable(datetimes(paid), state != 2),
        "remark": chosen([*REMARKS, *HARD_TEXTS], _mostly(number, seed, 132, len(REMARKS))),
        "create_at": datetimes(np.minimum(begin, now)),
        "update_at": datetimes(touched),
    }
    return _in_order(BILLING, values, ids, seed)


def status_columns(history: History, rows: int) -> list[Column]:
    """Fills a part of delivery_status: one event per delivery row, in the order of time."""
    seed, ids = history.seed, history.id
    degrees = 1_000_000
    thousandths = padded(_below(ids, seed, 141, 1000), 3)
    partner = partner_of(history, rows)
    hard = _below(ids, seed, 142, 200) == 0
    note = np.where(hard, len(REMARKS) + ids % len(HARD_TEXTS), ids % len(REMARKS))
    moment = np.minimum(history.created, history.now - 1)  # thousandths are added below
    values = {
        "ID": integers(ids),
        "ant_parcel_no": parcel_nos(history.parcel),
        "partner_id": partner_ids(partner),
        "status": chosen(STATUSES, history.status),
        "previous_status": nullable(
            chosen(STATUSES, np.maximum(history.previous, 0)), history.previous < 0
        ),
        "status_at": joined([datetimes(moment), ".", thousandths]),
        "facility": chosen(WAREHOUSES, _below(history.parcel, seed, 143, len(WAREHOUSES))),
        "latitude": decimals(42 * degrees + _below(ids, seed, 144, 17 * degrees), 6),
        "longitude": decimals(-140 * degrees + _below(ids, seed, 145, 80 * degrees), 6),
        "driver_id": integers(7000 + _below(ids, seed, 146, 900)),
        "source": chosen(SOURCES, _below(ids, seed, 147, len(SOURCES))),
        "note": nullable(chosen([*REMARKS, *HARD_TEXTS], note), _below(ids, seed, 148, 4) != 0),
        "create_at": datetimes(np.minimum(history.created + 1, history.now)),
    }
    return _in_order(STATUS, values, ids, seed)
