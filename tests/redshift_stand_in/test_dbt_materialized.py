"""dbt's materialized views, run by the real dbt-redshift against the stand-in."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.redshift_stand_in.test_dbt import Dbt

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World

FILES = {
    "dbt_project.yml": """
name: mv
profile: mv
version: "1.0"
models: {mv: {+persist_docs: {relation: true, columns: true}}}
""",
    "profiles.yml": """
mv:
  target: dev
  outputs:
    dev: {type: redshift, host: 127.0.0.1, port: "{{ env_var('RS_PORT') | int }}", user: mv_builder,
          password: Secret123, dbname: dev, schema: mv, threads: 1, sslmode: disable}
""",
    "models/base.sql": "{{ config(materialized='table') }} select 1 as id, 'x'::varchar(5) as v",
    "models/top.sql": """
{{ config(materialized='materialized_view') }} select count(*) as n from {{ ref('changing') }}
""",
    "models/changing.sql": """
{{ config(materialized=var('as', 'materialized_view'), dist=var('dist', 'id'), sort=['id'],
          auto_refresh=var('auto', false), backup=false) }}
select id, v from {{ ref('base') }}
""",
    "models/schema.yml": """
models:
  - name: changing
    description: What changes
    columns: [{name: id, description: the key}]
""",
}
ONLY = ["--select", "changing"]


def run(*flags: str, **variables: object) -> list[str]:
    """``dbt run`` of the model that changes."""
    return ["run", *ONLY, *flags, "--vars", json.dumps(variables)]


@pytest.fixture
def dbt(world: World, sql: Sql, tmp_path: Path) -> Iterator[Dbt]:
    if not sql("select 1 from pg_user where usename = 'mv_builder'"):
        sql("create user mv_builder password 'Secret123'")
    sql("grant create on database dev to mv_builder")
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield Dbt(tmp_path, world.tcp_port)
    sql("drop schema if exists mv cascade")


#: The statements that made the model's tables, by their kind.
MADE = """
select case when query_text ilike '%create materialized view%' then 'view' else 'table' end
from sys_query_history
where query_type = 'CTAS' and query_text ilike '%mv%changing%' and query_text not ilike '%count(%'
order by start_time"""


def test_it_is_made_kept_altered_replaced_documented_and_swapped(dbt: Dbt, sql: Sql) -> None:
    dbt(
        ["run"],
        ["docs", "generate"],
        run(),  # no change
        run(auto=True),  # by ALTER
        run(auto=True, dist="even"),  # by DROP and CREATE
        run(**{"as": "view"}),
        run(),
        run(**{"as": "table"}),
        run("--full-refresh", auto=True, dist="even"),
    )
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())["nodes"]
    shown = catalog["model.mv.changing"]
    assert shown["metadata"]["type"] == "MATERIALIZED VIEW"
    assert shown["metadata"]["comment"] == "What changes"
    assert shown["columns"]["v"]["type"] == "character varying(5)"
    assert shown["columns"]["id"]["comment"] == "the key"
    assert shown["stats"]["diststyle"]["value"] == "KEY(id)"
    assert sql(MADE) == [["view"], ["view"], ["view"], ["table"], ["view"]]
    assert sql(
        "select trim(name), autorefresh from svv_mv_info where schema_name = 'mv' order by 1"
    ) == [["changing", "t"]]  # what read it was dropped with it
    assert sql("select diststyle, sortkey1 from svv_table_info where \"table\" = 'changing'") == [
        ["EVEN", "id"]
    ]
    assert sql("select id, v from mv.changing") == [[1, "x"]]
