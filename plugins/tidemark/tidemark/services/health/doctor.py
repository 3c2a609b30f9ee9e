"""The checks of `doctor`: the faults that cost operators their nights."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta

from botocore.exceptions import ClientError
from tap_mysql.query.sql import count_no_key
from tap_mysql.source.schema import Table
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.names import LANDING_SCHEMA, LEDGER_TABLE, TableName, quote_mysql
from tidemark_core.redshift.connection import connect
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.s3.errors import explained
from tidemark_core.types.singer_schema import LOG_BASED

from tidemark.config.env_file import check_private
from tidemark.config.environment import env_file
from tidemark.config.project import Project
from tidemark.config.tables.schemas import further_schemas
from tidemark.config.tables.selection import Rules
from tidemark.dbt.buildstate import state_schema
from tidemark.services.health.bucket_setup import check_bucket
from tidemark.services.health.checks import Check, Finding, Level
from tidemark.services.health.copy_probe import check_copy_role
from tidemark.services.health.exposure import check_mysql_user, check_ways
from tidemark.services.health.grants import check_public_rights
from tidemark.services.health.warehouse_setup import check_warehouse_setup
from tidemark.services.lake.catalogue import bucket_time
from tidemark.services.lake.ledger import relation_exists
from tidemark.source.mysql import MySQL, open_mysql
from tidemark.source.queries import column_type, source_time
from tidemark.source.quoting import add_index, quoted
from tidemark.terminal.format import describe_age

#: S3 refuses requests whose clock is further off (RequestTimeTooSkewed).
_S3_SKEW = timedelta(minutes=15)
_SKEW = timedelta(minutes=1)


def checks(project: Project) -> dict[str, Check]:
    """Every check of `doctor`, by the part that it is about."""
    return {
        ".env": lambda: check_env_file(project),
        "SSH keys": lambda: check_keys(project),
        "clocks": lambda: check_clocks(project),
        "source tables": lambda: check_tables(project),
        "MySQL's log": lambda: check_log(project),
        "S3 rights": lambda: check_s3_rights(project),
        "bucket": lambda: check_bucket(project),
        "warehouse rights": lambda: check_warehouse_rights(project),
        "dbt's rights": lambda: check_dbt_rights(project),
        "warehouse setup": lambda: check_warehouse_setup(project),
        "COPY role": lambda: check_copy_role(project),
        "everybody's rights": lambda: check_public_rights(project),
        "MySQL user": lambda: check_mysql_user(project),
        "ways in clear": lambda: check_ways(project),
    }


def check_env_file(project: Project) -> Iterator[Finding]:
    """Nobody else may read the secrets."""
    path = env_file(project.root)
    if path.exists():
        check_private(path)
        yield Finding(".env", Level.OK, "readable only by its owner")
    else:
        yield Finding(".env", Level.OK, "no .env file; the settings come from the environment")


def check_keys(project: Project) -> Iterator[Finding]:
    """Key files and known_hosts, before ssh looks at them."""
    for way, settings in (
        ("to MySQL", project.mysql),
        ("to the warehouse", project.read(WarehouseSettings)),
    ):
        bastion = settings.bastion
        if bastion is None:
            yield Finding("SSH keys", Level.OK, f"{way}: direct, without a bastion")
            continue
        try:
            bastion.check_files()
        except ConfigError as error:
            yield Finding.of_error("SSH keys", error)
        else:
            yield Finding("SSH keys", Level.OK, f"{way}: {bastion}, key and known_hosts are valid")


def check_clocks(project: Project) -> Iterator[Finding]:
    """This machine's clock against those of S3 and MySQL."""
    yield judge_skew("S3", datetime.now(UTC) - bucket_time(project), limit=_S3_SKEW)
    with open_mysql(project.mysql) as mysql:
        yield judge_skew("MySQL", datetime.now(UTC) - source_time(mysql), limit=None)


def judge_skew(server: str, skew: timedelta, *, limit: timedelta | None) -> Finding:
    """Judges how far a clock is off. Pure.

    Args:
        server: Whose.
        skew: This machine's time less the server's.
        limit: Beyond it the server refuses us; None: it never does.
    """
    off = abs(skew)
    text = f"this machine's clock is {describe_age(off)} from {server}'s"
    hint = "set the clock: timedatectl set-ntp true"
    if limit is not None and off >= limit:
        return Finding("clocks", Level.ERROR, text, hint)
    return Finding("clocks", Level.WARN if off >= _SKEW else Level.OK, text, hint)


def check_tables(project: Project) -> Iterator[Finding]:
    """Each configured table: is it there, and does its replication key have an index?"""
    rules = Rules.read(project.root)
    if not rules.select:
        hint = "tidemark add SCHEMA.TABLE"
        yield Finding("source tables", Level.WARN, "nothing is copied yet", hint)
        return
    looked_at = {project.database, *further_schemas(project.environ)}
    with open_mysql(project.mysql) as mysql:
        known: dict[str, dict[TableName, Table]] = {}
        for table in rules.tables():
            if table.schema not in looked_at:
                hint = (
                    f"tidemark add {table}, which adds it to DB_SCHEMAS; or tidemark remove {table}"
                )
                text = f"{table} is selected, but its database is not in DB_SCHEMAS"
                yield Finding("source tables", Level.ERROR, text, hint)
                continue
            if table.schema not in known:
                known[table.schema] = mysql.tables([table.schema])
            by_log = rules.method(table) == LOG_BASED
            if by_log and table in known[table.schema]:
                yield Finding("source tables", Level.OK, f"{table} is read from the binary log")
                continue
            yield _check_table(mysql, table, rules.replication_key(table), known[table.schema])


def check_log(project: Project) -> Iterator[Finding]:
    """The binary log, if tables are read from it."""
    part, rules = "MySQL's log", Rules.read(project.root)
    tables = [table for table in rules.tables() if rules.method(table) == LOG_BASED]
    if not tables:
        yield Finding(part, Level.OK, "no table uses it")
        return
    with open_mysql(project.mysql) as mysql:
        found = mysql.log_problems()
        if not any(problem.fatal for problem in found):
            found += dict.fromkeys(mysql.unlogged(tables).values())
        for problem in found:
            level = Level.ERROR if problem.fatal else Level.WARN
            text = f"{problem.setting} is {problem.found}, should be {problem.wanted}"
            yield Finding(part, level, text, problem.statement)
        for table, parents in mysql.cascades(tables).items():
            text = f"{table}: rows that a change of {', '.join(map(str, parents))} deletes are not "
            hint = f"in cron, tidemark reconcile -t {table} --yes"
            yield Finding(part, Level.WARN, text + "in the log (foreign key with CASCADE)", hint)
    if not any(problem.fatal for problem in found):
        yield Finding(part, Level.OK, f"{len(tables)} tables use it")


def _check_table(
    mysql: MySQL, table: TableName, key: str | None, known: Mapping[TableName, Table]
) -> Finding:
    part = "source tables"
    if table not in known:
        hint = "grant SELECT on it to DB_USER, or take it out of extract/extractors.meltano.yml"
        return Finding(part, Level.ERROR, f"{table} does not exist, or may not be read", hint)
    if key is None:
        return Finding(part, Level.OK, f"{table} is read in full each time")
    kind = column_type(mysql, table, key).lower()
    if not kind:
        hint = "correct its replication-key in extract/extractors.meltano.yml"
        return Finding(part, Level.ERROR, f"{table} has no column {key}", hint)
    if mysql.number(count_no_key(table, key, kind).replace("%", "%%")):
        hint = "fill them in, or set BACKUP_NULL_KEYS=read"
        text = f"{table} has rows whose {key} is NULL or a zero date"
        return Finding(part, Level.WARN, text, hint)
    if known[table].is_view:
        return Finding(part, Level.OK, f"{table} is a view; it uses the indexes of its tables")
    if key.lower() not in map(str.lower, known[table].indexed):
        window = f"SELECT 1 FROM {quoted(table)} WHERE {quote_mysql(key)} >= now()"
        rows = mysql.planned_rows(window)
        text = f"{table}: {key} has no index; each run scans about {rows:,} rows (EXPLAIN)"
        return Finding(part, Level.WARN, text, add_index(table, key))
    return Finding(part, Level.OK, f"{table}: {key} has an index")


def check_s3_rights(project: Project) -> Iterator[Finding]:
    """Every right that the lake needs, by using it on an object of our own."""
    client, bucket = project.s3, project.bucket
    key = f"{project.layout.staging_root}doctor/{uuid.uuid4().hex}"
    steps: list[tuple[str, Callable[[], object]]] = [
        ("s3:ListBucket", lambda: client.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1)),
        ("s3:PutObject", lambda: client.put_object(Bucket=bucket, Key=key, Body=b"")),
        ("s3:GetObject", lambda: client.get_object(Bucket=bucket, Key=key)["Body"].read()),
        ("conditional writes", lambda: _must_be_refused(project, key)),
        ("s3:DeleteObject", lambda: client.delete_object(Bucket=bucket, Key=key)),
    ]
    for right, use in steps:
        try:
            with explained(f"{right} on s3://{bucket}/{key}"):
                use()
        except LakeError as error:
            yield Finding("S3 rights", Level.ERROR, error.message, "tidemark iam-policy")
            return
    yield Finding("S3 rights", Level.OK, ", ".join(right for right, _ in steps))


def _must_be_refused(project: Project, key: str) -> None:
    """Leases and manifests rely on If-None-Match; a server that ignores it is not safe."""
    try:
        project.s3.put_object(Bucket=project.bucket, Key=key, Body=b"", IfNoneMatch="*")
    except ClientError as error:
        if error.response["Error"]["Code"] in ("PreconditionFailed", "ConditionalRequestConflict"):
            return
        raise
    raise LakeError("this S3 server ignores If-None-Match: two runs could write to the same table")


def check_warehouse_rights(project: Project) -> Iterator[Finding]:
    """What the loader needs in the warehouse."""
    part, hint = "warehouse rights", "ask an administrator to run load/redshift/*.sql"
    with connect(project.warehouse) as warehouse:
        ((database, user),) = warehouse.execute("SELECT current_database(), current_user")
        exists = warehouse.execute("SELECT 1 FROM pg_namespace WHERE nspname = ?", [LANDING_SCHEMA])
        if not exists:
            ((may,),) = warehouse.execute(
                "SELECT has_database_privilege(?, 'create')", [str(database)]
            )
            level = Level.OK if may else Level.ERROR
            text = f"there is no schema landing yet; {user} may {'' if may else 'not '}create it"
            yield Finding(part, level, text, hint)
            return
        for right in ("usage", "create"):
            ((may,),) = warehouse.execute(
                "SELECT has_schema_privilege(?, ?)", [LANDING_SCHEMA, right]
            )
            if not may:
                yield Finding(part, Level.ERROR, f"{user} lacks {right} on schema landing", hint)
                return
        if relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE):
            warehouse.execute(f"SELECT count(*) FROM {LANDING_SCHEMA}.{LEDGER_TABLE}")
    yield Finding(part, Level.OK, f"{user} may load into landing")


def check_dbt_rights(project: Project) -> Iterator[Finding]:
    """What dbt needs in the warehouse, and that its user is not the loader's."""
    part, hint = "dbt's rights", "ask an administrator to run load/redshift/*.sql"
    public = project.public_schema
    needed = [(LANDING_SCHEMA, "usage"), (public, "create"), (state_schema(public), "create")]
    with connect(project.reader) as warehouse:
        ((user,),) = warehouse.execute("SELECT current_user")
        known = {str(name) for (name,) in warehouse.execute("SELECT nspname FROM pg_namespace")}
        lacks = []
        for schema, right in needed:
            if schema in known:
                ((may,),) = warehouse.execute("SELECT has_schema_privilege(?, ?)", [schema, right])
                lacks += [] if may else [f"{user} lacks {right} on schema {schema}"]
        if not lacks and relation_exists(warehouse, LANDING_SCHEMA, LEDGER_TABLE):
            warehouse.execute(f"SELECT count(*) FROM {LANDING_SCHEMA}.{LEDGER_TABLE}")
    is_loader = user == project.warehouse.redshift_user
    if is_loader:
        text = f"{user} also loads data: dbt could change what was loaded"
        yield Finding(part, Level.WARN, text, "give dbt its own user: REDSHIFT_DBT_USER")
    if lacks:
        yield Finding(part, Level.ERROR, "; ".join(lacks), hint)
    elif not is_loader:
        yield Finding(part, Level.OK, f"{user} reads landing and builds in {public}")
