"""Tidemark as a DAG of Airflow 3: a task a table for backup and load, then dbt.

Each task is one ``meltano run`` with a state of its own (``--state-id-suffix``). State, lease and
lake are on S3, so any worker can run any table: with a Celery or Kubernetes executor the tables of
a run spread over machines. Airflow needs nothing of Tidemark but this file; workers the project.

Variables (Airflow's, or the environment of scheduler and workers):
    TIDEMARK_HOME: The project on every worker. Default: /opt/tidemark.
    TIDEMARK_TABLES: Tables, comma-separated, as ``schema.table``. Default: those of settlement.
    TIDEMARK_SCHEDULE: Cron expression. Default: 02:00 UTC.
    TIDEMARK_PARALLEL: Tables at once. Default: 4.
"""

from __future__ import annotations

import json
import os
import shlex
from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.bash import BashOperator
from airflow.sdk import DAG

HOME = os.environ.get("TIDEMARK_HOME", "/opt/tidemark")
TABLES = [
    name.strip()
    for name in os.environ.get(
        "TIDEMARK_TABLES",
        "settlement.settlement_normal_delivery_detail,settlement.settlement_claim_detail,"
        "settlement.settlement_return_detail,settlement.partner_info,settlement.billing_summary,"
        "settlement.delivery_status",
    ).split(",")
    if name.strip()
]
#: A run of the DAG is one run of Tidemark: all tasks share its id, a UUID that is made from
#: Airflow's own so that a retried task belongs to the same run.
RUN_ID = "{{ macros.uuid.uuid5(macros.uuid.NAMESPACE_URL, dag.dag_id ~ run_id) }}"


def meltano(
    task_id: str, *blocks: str, table: str | None = None, **arguments: object
) -> BashOperator:
    """A task that is one ``meltano run``.

    Args:
        task_id: Id of the task.
        blocks: What is run, as on the command line.
        table: The only table that it works on; its state is its own.
        arguments: More for the operator.
    """
    words = ["meltano", "--log-format=json", "run", "--force"]
    env = {"TIDEMARK_RUN_ID": RUN_ID, "MELTANO_RUN_ID": RUN_ID}
    if table is not None:
        stream = table.replace(".", "-", 1)
        words += ["--state-id-suffix", stream]
        extractor = blocks[0].upper().replace("-", "_")
        env[f"{extractor}__SELECT_FILTER"] = json.dumps([stream])
    # A task's own folder: Meltano writes its plugins' configurations there.
    system = f"{HOME}/.meltano/airflow/{task_id.replace('.', '_')}"
    command = (
        f"umask 077 && mkdir -p {shlex.quote(system)} && cd {shlex.quote(HOME)} && "
        f"PATH={shlex.quote(HOME)}/.venv/bin:$PATH exec {shlex.join([*words, *blocks])}"
    )
    return BashOperator(
        task_id=task_id,
        bash_command=command,
        env={"MELTANO_SYS_DIR_ROOT": system, "MELTANO_PROJECT_ROOT": HOME, **env},
        append_env=True,
        **arguments,
    )


with DAG(
    "tidemark",
    description="MySQL to the lake to Redshift, a task a table, then dbt",
    schedule=os.environ.get("TIDEMARK_SCHEDULE", "0 2 * * *"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    # The leases would keep two runs apart as well; this way the second waits and does not fail.
    max_active_runs=1,
    max_active_tasks=int(os.environ.get("TIDEMARK_PARALLEL", "4")),
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    tags=["tidemark"],
) as dag:
    # Tables that came through are built, whatever happened to the others …
    build = meltano("build", "dbt:build", trigger_rule="all_done_min_one_success")
    for name in TABLES:
        label = name.replace(".", "_")
        backup = meltano(f"backup_{label}", "tap-mysql", "target-s3-parquet", table=name)
        load = meltano(f"load_{label}", "tap-s3-parquet", "target-redshift", table=name)
        backup >> load >> build
    # … and the run is a failure all the same if one did not.
    watcher = BashOperator(
        task_id="watcher", bash_command="exit 1", trigger_rule="one_failed", retries=0
    )
    [task for task in dag.tasks if task is not watcher] >> watcher
