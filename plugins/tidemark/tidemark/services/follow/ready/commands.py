"""Meltano and dbt, imported."""

from __future__ import annotations

import sys
from importlib import import_module

from tidemark_core.forking.server import Programs

from tidemark.services.follow.ready.process import serve

#: What they import late, in every run.
_LATE = (
    *("dbt.cli.main", "dbt.task.build", "dbt.adapters.redshift", "dbt.adapters.postgres"),
    *("alembic.command", "alembic.context", "sqlalchemy.dialects.sqlite"),
    *("tidemark.state.backend", "tidemark.state.guard", "tidemark.job.leftovers"),
    *("meltano.migrations.utils", "boto3.s3.inject"),
)


def _programs() -> Programs:
    for name in _LATE:
        import_module(name)
    from dbt.adapters.redshift.connections import RedshiftCredentials
    from dbt.contracts.project import Configuration, PackageConfig, Project, ProjectFlags
    from meltano.cli import main as meltano

    from tidemark.dbt.run import main as tidemark_dbt

    for kind in (Configuration, PackageConfig, Project, ProjectFlags, RedshiftCredentials):
        kind.json_schema()  # dbt caches it: a third of a second
    return {"meltano": meltano, "tidemark-dbt": tidemark_dbt}


if __name__ == "__main__":
    sys.exit(serve(_programs()))  # type: ignore[arg-type]
