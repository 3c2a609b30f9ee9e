"""A small dbt project, run by the real dbt-redshift against the stand-in."""

# ruff: noqa: E501 - statements and data are read in one line
from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.redshift_stand_in.conftest import Sql, World

#: As long as dbt lets it be, with the 21 bytes that it adds for a temporary table.
LONG = "every_order_of_every_customer_of_every_country_in_the_whole_wide_world_with_its_lines_and_its_payments"

FILES = {
    "dbt_project.yml": """
name: probe
profile: probe
version: "1.0"
models:
  probe:
    +persist_docs: {relation: true, columns: true}
    +grants: {select: [dbt_reader]}
""",
    "profiles.yml": """
probe:
  target: dev
  outputs:
    dev: {type: redshift, host: 127.0.0.1, port: "{{ env_var('RS_PORT') | int }}", user: dbt_user, password: Secret123,
          dbname: dev, schema: probe, threads: 3, sslmode: disable}
""",
    "seeds/events.csv": "id,status,amount,at\n1,NEW,1.50,2024-01-01 00:00:00\n2,DONE,2.25,2024-01-02 00:00:00\n",
    "models/base.sql": """{{ config(materialized='table', dist='id', sort=['at', 'id']) }}
select id, status::varchar(20) as status, amount::decimal(10,2) as amount, at::timestamp as at from {{ ref('events') }}""",
    "models/latest.sql": """{{ config(materialized='view', bind=false) }}
select id, status, amount from {{ ref('base') }}
qualify row_number() over (partition by id order by at desc) = 1""",
    "models/bound.sql": "{{ config(materialized='view') }} select status, count(*) as n from {{ ref('base') }} group by 1",
    "models/merged.sql": """{{ config(materialized='incremental', unique_key='id', incremental_strategy='merge') }}
select id, status, {{ var('bump', 0) }}::int as bump from {{ ref('base') }}""",
    "models/replaced.sql": """{{ config(materialized='incremental', unique_key=['id', 'status'],
  incremental_strategy='delete+insert', on_schema_change='append_new_columns') }}
select id, status {% if var('bump', 0) %}, 'x'::varchar(8) as added{% endif %} from {{ ref('base') }}""",
    "models/contracted.sql": """{{ config(materialized='table') }}
select id, status, amount from {{ ref('base') }}""",
    "models/schema.yml": """
models:
  - name: base
    description: The base's table
    columns:
      - {name: id, description: "the key, it's unique", data_tests: [unique, not_null]}
  - name: contracted
    config: {contract: {enforced: true}}
    constraints: [{type: primary_key, columns: [id]}]
    columns:
      - {name: id, data_type: integer, constraints: [{type: not_null}]}
      - {name: status, data_type: varchar(20)}
      - {name: amount, data_type: "decimal(10,2)"}
unit_tests:
  - name: counts
    model: bound
    given:
      - input: ref('base')
        rows: [{id: 1, status: A}, {id: 2, status: A}]
    expect: {rows: [{status: A, n: 2}]}
""",
    "models/sources.yml": """
sources:
  - name: seeded
    schema: probe
    config: {freshness: {error_after: {count: 1, period: hour}}}
    tables: [{name: events}]
""",
    "snapshots/history.sql": """{% snapshot history %}
{{ config(target_schema='probe', unique_key='id', strategy='check', check_cols=['status']) }}
select id, status from {{ ref('base') }}
{% endsnapshot %}""",
    f"models/{LONG}.sql": """{{ config(materialized='incremental', unique_key='id', incremental_strategy='delete+insert') }}
select id, status as the_status_of_the_order_when_it_was_read_for_the_last_time_before_the_end_of_the_day
from {{ ref('base') }} {% if is_incremental() %} where id > 1 {% endif %}""",
    "models/unit_tests.yml": f"""
unit_tests:
  - name: {LONG}_takes_all
    model: {LONG}
    overrides: {{macros: {{is_incremental: false}}}}
    given:
      - input: ref('base')
        rows: [{{id: 1, status: A}}]
    expect: {{rows: [{{id: 1}}]}}
""",
    f"tests/{LONG}_is_empty.sql": f"""{{{{ config(store_failures=true, severity='warn', schema='{LONG}') }}}}
select id from {{{{ ref('{LONG}') }}}}""",
    "tests/none_missing.sql": "select * from {{ ref('merged') }} where id is null",
}


#: The collector takes a fifth of dbt's CPU.
RUN = """
import gc, json, sys
gc.disable()
from dbt.cli.main import dbtRunner
for command in json.loads(sys.argv[1]):
    if not dbtRunner().invoke(["--no-use-colors", *command]).success:
        sys.exit(1)
"""


class Dbt:
    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "RS_PORT": str(port),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "DO_NOT_TRACK": "1",
            "DBT_PROFILES_DIR": str(folder),
        }

    def __call__(self, *commands: list[str]) -> None:
        """Runs commands one after the other in one process: dbt is slow to start."""
        done = subprocess.run(
            [sys.executable, "-c", RUN, json.dumps(commands)],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def dbt(world: World, sql: Sql, tmp_path: Path) -> Iterator[Dbt]:
    for user in ("dbt_user", "dbt_reader"):
        if not sql(f"select 1 from pg_user where usename = '{user}'"):
            sql(f"create user {user} password 'Secret123'")
    sql("grant create on database dev to dbt_user")
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    yield Dbt(tmp_path, world.tcp_port)
    for schema in ("probe", f"probe_{LONG}"):
        sql(f"drop schema if exists {schema} cascade")


def test_a_project_is_built_rebuilt_and_documented(dbt: Dbt, world: World, sql: Sql) -> None:
    dbt(["build"], ["build", "--vars", "{bump: 7}"], ["docs", "generate"], ["source", "freshness"])
    assert sql("select id, bump from probe.merged order by id") == [[1, 7], [2, 7]]
    assert sql("select count(added), count(*) from probe.replaced") == [[2, 2]]
    assert sql("select * from probe.latest order by id limit 1")[0][:2] == [1, "NEW"]
    assert sql("select status, n from probe.bound order by 1") == [["DONE", 1], ["NEW", 1]]
    assert sql("select count(*) from probe.latest") == [[2]]
    assert sql(
        "select diststyle, sortkey1 from svv_table_info where \"schema\" = 'probe' and \"table\" = 'base'"
    ) == [["KEY(id)", "at"]]
    catalog = json.loads((dbt.folder / "target" / "catalog.json").read_text())["nodes"]
    base = catalog["model.probe.base"]
    assert base["metadata"]["comment"] == "The base's table"
    assert base["columns"]["id"]["comment"] == "the key, it's unique"
    assert base["columns"]["status"]["type"] == "character varying(20)"
    assert catalog["model.probe.latest"]["metadata"]["type"] == "LATE BINDING VIEW"
    assert list(catalog[f"model.probe.{LONG}"]["columns"])[1].startswith("the_status_of_the_order")
    assert sql(f"select id from probe.{LONG} order by id") == [[1], [2]]
    assert sql(f"select id from probe_{LONG}.{LONG}_is_empty order by id") == [[1], [2]]
    assert sql("select has_table_privilege('dbt_reader', 'probe.base', 'select')") == [[True]]
    (seeded,) = json.loads((dbt.folder / "target" / "sources.json").read_text())["results"]
    assert seeded["status"] == "pass"
    assert seeded["max_loaded_at_time_ago_in_s"] < 3600
