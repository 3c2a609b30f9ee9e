"""How the warehouse is set up: its isolation level, the case of names, and slices."""

from __future__ import annotations

from collections.abc import Iterator

from target_redshift.settings import LoadSettings
from tidemark_core.names import quote_redshift
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.redshift.errors import QueryError

from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level

_PART = "warehouse setup"
_ISOLATION = (
    "SELECT database_name, database_isolation_level FROM svv_redshift_databases "
    "WHERE database_name = current_database()"
)
_SLICES = "SELECT count(*) FROM stv_slices"


def check_warehouse_setup(project: Project) -> Iterator[Finding]:
    """Looks at what a cluster's or workgroup's administrator chooses, and loads depend on."""
    with connect(project.warehouse) as warehouse:
        ((database, level),) = warehouse.execute(_ISOLATION)
        ((keeps_case,),) = warehouse.execute("SHOW enable_case_sensitive_identifier")
        slices = _slices(warehouse)
    yield judge_isolation(str(database).strip(), str(level).strip())
    yield judge_case(str(keeps_case))
    yield judge_slices(slices, project.read(LoadSettings).redshift_slices)


def _slices(warehouse: WarehouseConnection) -> int | None:
    """The number of slices; None on Serverless, which has no STV tables."""
    try:
        ((found,),) = warehouse.execute(_SLICES)
    except QueryError as error:
        if error.lost:
            raise
        return None
    return int(found)


def judge_isolation(database: str, level: str) -> Finding:
    """Judges the isolation level. Pure.

    Snapshot is the default of Serverless, and of clusters created or restored since May 2024
    (https://aws.amazon.com/about-aws/whats-new/2024/05/amazon-redshift-snapshot-isolation-provisioned-clusters).

    Args:
        database: The database's name.
        level: Its ``database_isolation_level`` in SVV_REDSHIFT_DATABASES.
    """
    text = f"the isolation level of database {database} is {level}"
    if "snapshot" in level.lower():
        return Finding(_PART, Level.OK, text)
    text += ": other sessions' queries can cancel a load or a build (error 1023), which starts anew"
    hint = f"ALTER DATABASE {quote_redshift(database)} ISOLATION LEVEL SNAPSHOT"
    return Finding(_PART, Level.WARN, text, hint)


def judge_case(shown: str) -> Finding:
    """Says whether quoted names keep their case. Pure.

    Args:
        shown: What SHOW says of ``enable_case_sensitive_identifier``.
    """
    keeps = shown.strip().lower() in ("on", "true", "1")
    text = "quoted names keep their case; Tidemark's are" if keeps else "all names are"
    return Finding(_PART, Level.OK, f"{text} in lower case")


def judge_slices(found: int | None, setting: int) -> Finding:
    """Judges REDSHIFT_SLICES. Pure.

    Args:
        found: The slices that the warehouse has; None: it does not say.
        setting: The setting's value.
    """
    if found is None:
        text = f"Serverless; REDSHIFT_SLICES is {setting}, best is its base capacity in RPUs"
        return Finding(_PART, Level.OK, text)
    text = f"{found} slices, REDSHIFT_SLICES is {setting}"
    if found and setting % found:
        text += ": slices are idle during a COPY"
        return Finding(_PART, Level.WARN, text, f"set REDSHIFT_SLICES={found}")
    return Finding(_PART, Level.OK, text)
