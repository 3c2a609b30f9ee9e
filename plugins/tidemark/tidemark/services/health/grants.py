"""What everybody may do in the warehouse, as seen by two users who were granted neither."""

from __future__ import annotations

from collections.abc import Iterator

from tidemark_core.redshift.connection import connect

from tidemark.config.project import Project
from tidemark.services.health.checks import Finding, Level

_PART = "everybody's rights"
_HINT = "ask an administrator to run load/redshift/*.sql (docs/aws.md)"
#: On a schema that does not exist, PUBLIC has no rights.
_CREATE = (
    "SELECT current_user, (SELECT count(*) FROM pg_namespace WHERE nspname = ?) > 0 "
    "AND has_schema_privilege(?, 'create')"
)


def check_public_rights(project: Project) -> Iterator[Finding]:
    """Checks that PUBLIC may neither create where dbt builds nor COPY by the loader's role.

    A user sees his own rights only. The loader needs none on dbt's schema, and dbt's user none on
    the role: what they have there, everybody has.
    """
    schema = project.public_schema
    with connect(project.warehouse) as warehouse:
        ((loader, creates),) = warehouse.execute(_CREATE, [schema, schema])
    role = project.warehouse.redshift_iam_role or ""
    with connect(project.reader) as warehouse:
        ((builder,),) = warehouse.execute("SELECT current_user")
        copies = False
        if role.startswith("arn:"):
            ((copies,),) = warehouse.execute("SELECT has_assumerole_privilege(?, 'copy')", [role])
    if loader == builder:
        text = f"{loader} both loads and builds, so its privileges say nothing about everybody's"
        yield Finding(_PART, Level.WARN, text, "give dbt its own user: REDSHIFT_DBT_USER")
        return
    if creates:
        text = f"{loader} may create in schema {schema}: any user's table can stop the build"
        yield Finding(_PART, Level.WARN, text, _HINT)
    if copies:
        text = f"{builder} may COPY as {role}: any user can read the lake regardless of grants"
        yield Finding(_PART, Level.WARN, text, _HINT)
    if not (creates or copies):
        text = f"PUBLIC may neither create in schema {schema} nor COPY with the loader's role"
        yield Finding(_PART, Level.OK, text)
