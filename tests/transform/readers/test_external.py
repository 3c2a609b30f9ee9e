"""The DDL of external tables."""

from __future__ import annotations

import pytest
from tidemark.dbt import external
from tidemark_core.names import PARTITION_COLUMNS
from tidemark_core.types.column_type import ColumnType

FIELDS = {
    "id": ColumnType("int64"),
    "is_active": ColumnType("int8"),
    "net_price": ColumnType("decimal", precision=10, scale=2),
    "partner_name": ColumnType("string", length=255),
    "update_at": ColumnType("timestamp", precision=0),
}
LOCATION = "s3://lake/incremental/settlement.partner_info/"


def test_athena_projects_the_partitions() -> None:
    ddl = external.athena_ddl("lake.partner_info", FIELDS, LOCATION, 2024)
    assert ddl.startswith("CREATE EXTERNAL TABLE IF NOT EXISTS `lake`.`partner_info` (\n")
    assert "  `is_active` tinyint,\n  `net_price` decimal(10,2),\n  `partner_name` string,\n" in ddl
    assert "PARTITIONED BY (`year` string, `month` string, `day` string, `hour` string)" in ddl
    assert "'projection.year.range' = '2024,2074'" in ddl
    assert "'projection.hour.digits' = '2'" in ddl
    assert f"{LOCATION}year=${{year}}/month=${{month}}/day=${{day}}/hour=${{hour}}/" in ddl


def test_spectrum_names_every_partition_once() -> None:
    folder = "year=2026/month=01/day=31/hour=07"
    ddl = external.spectrum_ddl("lake.partner_info", FIELDS, LOCATION, [folder, folder])
    assert '"id" BIGINT,\n  "is_active" SMALLINT,\n  "net_price" NUMERIC(10,2)' in ddl
    assert '"partner_name" VARCHAR(1020)' in ddl
    assert ddl.count("ADD IF NOT EXISTS PARTITION") == 1
    assert "(\"year\"='2026', \"month\"='01', \"day\"='31', \"hour\"='07')" in ddl
    assert f"LOCATION '{LOCATION}{folder}/';" in ddl


@pytest.mark.security(31)
@pytest.mark.parametrize(
    "folder",
    [
        "year=2026'); DROP SCHEMA landing CASCADE; --/month=01/day=31/hour=07",
        "year=2026/month=01/day=31/hour=07/more",
        "year=2026/month=01/day=31",
        "year=2026\n/month=01/day=31/hour=07",
        "",
    ],
)
def test_a_key_that_is_no_partitions_makes_no_statement(folder: str) -> None:
    prefix = "incremental/settlement.partner_info/"
    good = "year=2026/month=01/day=31/hour=07"
    null = "/".join(f"{part}=__HIVE_DEFAULT_PARTITION__" for part in PARTITION_COLUMNS)
    keys = [f"{prefix}{name}/x.parquet" for name in (folder, good, null)]
    assert external.partition_folders(keys, prefix) == {good, null}


@pytest.mark.fault(158)
def test_partitions_stand_aside_for_columns_of_their_names() -> None:
    fields = {"id": ColumnType("int64"), "year": ColumnType("int16")}
    ddl = external.athena_ddl("t", fields, LOCATION, 2024)
    assert "  `year` smallint\n" in ddl
    assert "PARTITIONED BY (`year_` string, `month_` string, `day_` string, `hour_` string)" in ddl
    assert "'projection.year_.range' = '2024,2074'" in ddl
    assert f"{LOCATION}year_=${{year_}}/month_=${{month_}}/day_=${{day_}}/hour_=${{hour_}}/" in ddl
    before, now = (
        "/".join(f"{part}{suffix}=07" for part in PARTITION_COLUMNS) for suffix in ("", "_")
    )
    assert external.unseen([now, before], fields) == [before]
    ddl = external.spectrum_ddl("t", fields, LOCATION, [now, before])
    assert ddl.count("(\"year_\"='07', \"month_\"='07', \"day_\"='07', \"hour_\"='07')") == 2
    assert all(f"LOCATION '{LOCATION}{folder}/';" in ddl for folder in (now, before))


def test_names_cannot_leave_their_quotes() -> None:
    ddl = external.athena_ddl("t`; drop table x", {"a`b": ColumnType("date")}, LOCATION, 2026)
    assert "`t``; drop table x`" in ddl
    assert "`a``b` date" in ddl
