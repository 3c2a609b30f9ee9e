"""Conditions on keys part a table's rows in two."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tap_mysql.query import sql


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3))),
    st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 3)),
)
def test_beyond_and_up_to_part_the_rows_in_two(
    rows: list[tuple[int, int, int]], key: tuple[int, int, int]
) -> None:
    def holds(condition: str, row: tuple[int, int, int]) -> bool:
        text = condition.replace(" = ", " == ").replace("AND", "and").replace("OR", "or")
        return bool(eval(text.replace("`", ""), dict(zip("abc", row, strict=True))))

    for row in rows:
        assert holds(sql.beyond("abc", key), row) == (row > key)
        assert holds(sql.up_to("abc", key), row) == (row <= key)
