"""Key ranges of a table, made from the keys that are there: sparse or skewed keys do not matter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tap_mysql.query.sql import Key, Range, count, nth_key

#: Rows below which a second range is not worth a query.
_WORTH_ROWS = 10_000
Ask = Callable[[str], list[tuple[object, ...]]]


def split(whole: Range, chunks: int, ask: Ask, *, least_rows: int = _WORTH_ROWS) -> list[Range]:
    """Cuts a range into ranges of about as many rows each.

    The keys are walked in their own order, so numbers, text, UUIDs and composite keys, with gaps
    or without, are all the same. Each key belongs to one range: the first has no lower end, the
    last no upper one, and a row that comes later falls into one of them.

    Args:
        whole: The range; one without an order stays whole.
        chunks: How many ranges at most.
        ask: Runs a query.
        least_rows: Rows of a range, at least.
    """
    if chunks < 2 or not whole.order:
        return [whole]
    # Cut by key alone: counting the window too would read every row.
    keys_only = replace(whole, where=())
    ((rows,),) = ask(count(keys_only))
    step = max(-(-int(str(rows)) // chunks), least_rows)
    ranges: list[Range] = []
    left, remaining = keys_only, int(str(rows))
    while remaining > step:
        found = ask(nth_key(left, step - 1))
        if not found:
            break
        key: Key = tuple(found[0])  # type: ignore[arg-type]
        ranges.append(replace(left, until=key))
        left = left.past(key)
        remaining -= step
    ranges.append(replace(left, until=whole.until))
    return [replace(part, where=whole.where) for part in ranges]
