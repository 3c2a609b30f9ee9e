"""What a column is called that no alias names: as the guide's examples print it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql

NAMES = {
    "extract(year from sysdate)": "date_part",
    "extract('day' from (sysdate))": "date_part",
    "date_part(hour, sysdate)": "pgdate_part",
    "datepart(hour, sysdate)": "pgdate_part",
    "datediff(day, sysdate, sysdate)": "date_diff",
    "dateadd(day, 1, sysdate)": "date_add",
    "sysdate": "timestamp",
    "log(100)": "dlog10",
    "nvl(1, 2)": "coalesce",
    "array(1, 2)": "array",
    "object('a', 1)": "object",
    "current_setting('query_group')": "current_setting",
    "current_user_id": "current_user_id",
}


@pytest.mark.parametrize("expression", NAMES)
def test_it_is_called_as_on_a_cluster(sql: Sql, expression: str) -> None:
    sql(f"create table t.made as select {expression}")
    sql(f"create view t.seen as select {expression}")
    for query in (f"select {expression}", "select * from t.made", "select * from t.seen"):
        sql(query)
        assert [column[0] for column in sql.cursor.description] == [NAMES[expression]]
