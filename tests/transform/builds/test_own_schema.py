"""A developer's own schema: REDSHIFT_SCHEMA=dev_anna, as CONTRIBUTING.md says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from dbt_project.project import Dbt, Landing, Query

OWN = ("dev_anna", "dev_anna_tidemark_dbt")


@pytest.fixture
def annas(landing: Landing, dbt_env: dict[str, str], query: Query, tmp_path: Path) -> Iterator[Dbt]:
    ((database,),) = query("select current_database()")
    query(f"grant create on database {database} to tidemark_transformer")
    runner = Dbt(dbt_env | {"REDSHIFT_SCHEMA": "dev_anna"}, tmp_path)
    try:
        yield runner
    finally:
        runner.close()
        for schema in OWN:
            query(f"drop schema if exists {schema} cascade", user="tidemark_transformer")
        query(f"revoke create on database {database} from tidemark_transformer")


def test_nothing_else_is_touched(landing: Landing, annas: Dbt, query: Query) -> None:
    landing.load("partner_info", [{"id": 1, "partner_id": 7}])
    annas.build("--select", "+partner_info", "--indirect-selection", "buildable")
    found = query(
        "select distinct table_schema from information_schema.tables"
        " where table_schema like 'dev_anna%' order by 1"
    )
    assert [schema for (schema,) in found] == list(OWN)
    mine = query("select partner_id from dev_anna.partner_info", user="tidemark_transformer")
    assert mine == [(7,)]
    assert query("select * from public.partner_info", user="tidemark_transformer") == []
    assert (
        query("select * from tidemark_dbt.partner_info__loads", user="tidemark_transformer") == []
    )
