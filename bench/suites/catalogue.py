"""The suites that are known, each with what its own documentation asks for."""

from __future__ import annotations

from pathlib import Path

from suites.suite import Suite

_PYTEST = ("pytest-timeout", "pytest-xdist")
_DBT = {
    "REDSHIFT_TEST_HOST": "{host}",
    "REDSHIFT_TEST_PORT": "{port}",
    "REDSHIFT_TEST_DBNAME": "{database}",
    "REDSHIFT_TEST_USER": "{user}",
    "REDSHIFT_TEST_PASS": "{password}",
    "REDSHIFT_TEST_REGION": "us-east-1",
    "DBT_TEST_USER_1": "dbt_test_user_1",
    "DBT_TEST_USER_2": "dbt_test_user_2",
    "DBT_TEST_USER_3": "dbt_test_user_3",
    "DBT_TEST_GROUP_1": "dbt_test_group_1",
    "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    "DO_NOT_TRACK": "1",
    "PYTHONPATH": str(Path(__file__).with_name("quick")),
}
_DBT_USERS = (
    *(f"create user dbt_test_user_{n} password disable" for n in (1, 2, 3)),
    "create group dbt_test_group_1",
)
_SQLALCHEMY = {
    "REDSHIFT_HOST": "{host}",
    "REDSHIFT_PORT": "{port}",
    "REDSHIFT_DATABASE": "{database}",
    "REDSHIFT_USERNAME": "{user}",
    "PGPASSWORD": "{password}",
}
#: The newest that the dialect's own tests are run with; of newer ones it cannot reflect columns.
_SQLALCHEMY_PACKAGES = ("sqlalchemy==2.0.48", "psycopg2-binary", "redshift-connector", *_PYTEST)
#: Of the driver's tests, the sections that are about the database and not about AWS's logins.
_DRIVER = """\
[ci-cluster]
host = {host}
database = {database}
test_user = {user}
test_password = {password}
region = us-east-1
cluster_identifier = none

[default-test]
port = {port}
ssl = true
sslmode = verify-full

[cluster-setup]
groups = fidelity_group_1,fidelity_group_2
"""
#: It makes its tables with psql.
_DRIVER_TABLES = "test/integration/datatype/_generate_test_datatype_tables.py"
_DRIVER_METADATA = "test/integration/metadata"


def _driver(name: str, *tests: str) -> Suite:
    """A part of the driver's tests: those of its metadata API are seven times the others."""
    return Suite(
        name=name,
        requirements=(".", "numpy", "pandas", "pytest<8", "pytest-mock", *_PYTEST),
        tests=tests,
        copied=(".",),
        files={"test/config.ini": _DRIVER},
        replaced={_DRIVER_TABLES: ("--port 5439", "--port {port}")},
        setup=("create group fidelity_group_1", "create group fidelity_group_2"),
    )


SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            name="dbt-tests-adapter",
            requirements=("dbt-tests-adapter", "dbt-core>=1.11,<1.12", "dbt-redshift", *_PYTEST),
            tests=("dbt_adapter.py", "-p", "dbt.tests.fixtures.project"),
            package="dbt-tests-adapter",
            environment=_DBT,
            setup=_DBT_USERS,
            parallel=True,
        ),
        Suite(
            name="sqlalchemy",
            requirements=("sqlalchemy-redshift", "pandas", *_SQLALCHEMY_PACKAGES),
            tests=("sqlalchemy_tables.py",),
            package="sqlalchemy-redshift",
            environment=_SQLALCHEMY,
        ),
        Suite(
            name="dbt-redshift",
            requirements=(
                "./dbt-adapters",
                "./dbt-postgres",
                "./dbt-redshift",
                "./dbt-tests-adapter",
                "dbt-core>=1.11,<1.12",
                "pytest<8",
                "pytest-mock",
                "requests",
                *_PYTEST,
            ),
            tests=("tests/functional",),
            copied=("dbt-adapters", "dbt-postgres", "dbt-redshift", "dbt-tests-adapter"),
            folder=Path("dbt-redshift"),
            environment=_DBT,
            setup=_DBT_USERS,
            parallel=True,
        ),
        _driver(
            "redshift-connector",
            "test/integration",
            "--ignore=test/integration/plugin",
            f"--ignore={_DRIVER_METADATA}",
        ),
        _driver("redshift-connector-metadata", _DRIVER_METADATA),
        Suite(
            name="sqlalchemy-redshift",
            requirements=(".", "alembic", "requests", *_SQLALCHEMY_PACKAGES),
            tests=("tests", "--dbdriver=psycopg2", "--dbdriver=redshift_connector"),
            copied=(".",),
            environment=_SQLALCHEMY,
        ),
    )
}
#: The suite that is no program but statements.
STATEMENTS = "sqlfluff"
#: Where its checkout has them.
FIXTURES = Path("test/fixtures/dialects/redshift")
#: Another of statements, and where its checkout has the pages that show them.
GUIDE = "guide"
#: The same statements, where the pages print what a cluster answered.
ANSWERS = "guide-answers"
PAGES = Path("doc_source")
