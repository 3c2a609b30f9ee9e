"""Key ranges of a table, based on the actual keys, so sparse or skewed keys are no problem."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tap_mysql.query.key_sampling import Sample, Span, cuts, sample_sql, samples
from tap_mysql.query.sql import Key, Range, count, ends, nth_key
from tap_mysql.source.schema import Table
from tap_mysql.values.key_values import is_integer

#: Rows below which a second range is not worth a query.
_WORTH_ROWS = 10_000
#: Estimated rows from which keys are sampled: fewer are counted just as fast.
_MANY_ROWS = 100_000
Ask = Callable[[str], list[tuple[object, ...]]]


def split(
    whole: Range, chunks: int, ask: Ask, table: Table, *, least_rows: int = _WORTH_ROWS
) -> list[Range]:
    """Cuts a range into ranges of about as many rows each.

    Whole numbers of a large table are sampled. All other keys are walked in their own order, so
    text, UUIDs and composite keys are no special cases. Each key belongs to one range: the first
    has no lower end, the last no upper one, and a row that comes later falls into one of them.

    Args:
        whole: The range; one without an order stays whole.
        chunks: How many ranges at most.
        ask: Runs a query.
        table: The range's table.
        least_rows: Minimum rows of a range where keys are walked.
    """
    if chunks < 2 or not whole.order:
        return [whole]
    # Cut by key alone: with the window, every row would be read.
    keys_only = replace(whole, where=())
    found = _sampled(keys_only, chunks, ask) if _can_sample(whole, table) else None
    parts = _walked(keys_only, chunks, ask, least_rows) if found is None else found
    return [replace(part, where=whole.where) for part in parts]


def _can_sample(whole: Range, table: Table) -> bool:
    column = table.column(whole.order[0])
    if column is None or column.type is None or len(whole.order) > 1:
        return False
    # MIN() of a BIT column is bytes on MySQL.
    is_number = is_integer(column.type) and column.data_type != "bit"
    return is_number and table.rows >= _MANY_ROWS


def _sampled(whole: Range, chunks: int, ask: Ask) -> list[Range] | None:
    """Ranges cut at sampled keys; None if the keys are too irregular."""
    (column,) = whole.order

    def look(spans: Sequence[Span]) -> list[Sample]:
        return samples(ask(sample_sql(whole.table, column, spans)))

    ((low, high),) = ask(ends(whole.table, column))
    if low is None:
        return [whole]
    found = cuts(look, int(str(low)), int(str(high)), chunks)
    return None if found is None else _cut(whole, [(key,) for key in found])


def _cut(whole: Range, keys: Sequence[Key]) -> list[Range]:
    """The ranges that end with these keys, and the one behind the last of them."""
    afters, untils = [whole.after, *keys], [*keys, whole.until]
    return [replace(whole, after=a, until=u) for a, u in zip(afters, untils, strict=True)]


def _walked(keys_only: Range, chunks: int, ask: Ask, least_rows: int) -> list[Range]:
    ((rows,),) = ask(count(keys_only))
    step = max(-(-int(str(rows)) // chunks), least_rows)
    keys: list[Key] = []
    left, remaining = keys_only, int(str(rows))
    while remaining > step:
        found = ask(nth_key(left, step - 1))
        if not found:
            break
        keys.append(tuple(found[0]))  # type: ignore[arg-type]
        left = left.past(keys[-1])
        remaining -= step
    return _cut(keys_only, keys)
