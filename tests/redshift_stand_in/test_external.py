"""External schemas and tables: their statements are taken apart."""

from __future__ import annotations

import json

import pytest
from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql.external import schemas, tables
from redshift_stand_in.sql.lexer import Sql


def test_a_schema_has_its_options() -> None:
    schema = schemas.parse(
        Sql(
            "create external schema if not exists Lake from hive metastore database 'h' "
            "uri '172.10.10.10' port 99 iam_role default"
        )
    )
    assert (schema.name, schema.if_not_exists, schema.kind) == ("lake", True, 2)
    assert schema.database == "h"
    assert json.loads(schema.options) == {
        "URI": "172.10.10.10",
        "PORT": "99",
        "IAM_ROLE": "default",
    }


@pytest.mark.parametrize(
    "options",
    [
        "from mysql database 'd' schema 's' uri 'u' iam_role default secret_arn 's'",
        "from data catalog database 'd'",
        "from data catalog database 'd' iam_role default iam_role default",
        "from data catalog database 'd' iam_role default create external database",
    ],
)
def test_what_a_kind_of_catalogue_lacks_is_refused(options: str) -> None:
    with pytest.raises(StatementError):
        schemas.parse(Sql(f"create external schema s {options}"))


def test_partition_columns_are_the_last_columns() -> None:
    table = tables.parse(
        Sql(
            "create external table Lake.S (a int, b decimal(8,2)) partitioned by (c date, d int) "
            "row format serde 'x.Serde' with serdeproperties ('p' = 'q') stored as textfile "
            "location 's3://b/f/' table properties ('numRows' = '1')"
        )
    )
    assert table.parts == ["lake", "s"]
    assert table.columns == "a int, b decimal(8,2), c date, d int"
    assert table.partitioned_by == ["c", "d"]
    assert table.storage.formats[2] == "x.Serde"
    assert table.storage.serde_parameters == '{"p":"q"}'
    assert table.storage.parameters == '{"numRows":"1"}'


@pytest.mark.parametrize(
    ("statement", "is_external"),
    [
        ("alter table s.t add partition(a=1) location 's3://b'", True),
        ("alter table s.t add if not exists partition(a=1) location 's3://b'", True),
        ("alter table s.t drop partition(a=1)", True),
        ("alter table s.t set location 's3://b'", True),
        ("alter table s.t add column partitions int", False),
        ("alter table s.t drop column a", False),
        ("alter table s.t alter distkey a", False),
    ],
)
def test_which_alter_table_is_for_external_tables(statement: str, *, is_external: bool) -> None:
    assert tables.is_alter(Sql(statement)) == is_external


def test_several_partitions_may_be_added() -> None:
    change = tables.parse_alter(
        Sql(
            "alter table s.t add if not exists partition(a='x', b=1) location 's3://b/1' "
            "partition(b=2, a='y') location 's3://b/2'"
        )
    )
    assert change.if_not_exists
    assert [(p.action, p.columns, p.values, p.location) for p in change.partitions] == [
        ("add", ["a", "b"], ["x", "1"], "s3://b/1"),
        ("add", ["b", "a"], ["2", "y"], "s3://b/2"),
    ]
