from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.folders import day_partition, folder_suffix, partition_columns
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.names import TableName

T = TableName("settlement", "settlement_claim_detail")
WHEN = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC)).map(
    lambda moment: moment.replace(microsecond=0)
)
short = st.text(
    st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=9
)


def test_the_key_that_the_lake_has_always_had() -> None:
    assert LakeLayout().data_key(T, WHEN, 1) == (
        "incremental/settlement.settlement_claim_detail/year=2025/month=08/day=03/hour=04/"
        "2025-08-03_04-05-06_batch_0001.parquet"
    )


def test_keys_are_named_in_utc_and_never_guessed() -> None:
    cet = WHEN.astimezone(timezone(timedelta(hours=1)))
    assert LakeLayout().data_key(T, cet, 1) == LakeLayout().data_key(T, WHEN, 1)
    with pytest.raises(ConfigError, match="time zone"):
        LakeLayout().data_key(T, datetime(2025, 8, 3), 1)


def test_the_other_folders_are_siblings_of_the_data() -> None:
    layout = LakeLayout("team/a/incremental/")
    assert layout.manifests_prefix(T) == f"team/a/manifests/{T.lake}/"
    assert layout.staging_prefix(T, 7) == f"team/a/staging/{T.lake}/7/"
    assert layout.staged_table(f"team/a/staging/{T.lake}/7/part-1.csv.gz") == T
    assert layout.staged_table("team/a/staging/doctor/7f/x") is None
    assert layout.staged_table("team/a/staging/x") is None
    assert layout.lease_key(T, "lake") == f"team/a/leases/{T.lake}/lake.json"
    key = "team/a/runs/year=2025/month=08/day=03/r1_extract.json"
    assert layout.run_key(WHEN.date(), "r1", "extract") == key
    found = layout.parse_run_key(key)
    assert (found.day, found.run_id, found.leg) == (WHEN.date(), "r1", "extract")
    manifest = layout.manifest_key(T, WHEN, "r1", 1)
    assert layout.archive_key(manifest) == manifest.replace("/manifests/", "/archive/")
    with pytest.raises(LakeError, match="not a manifest"):
        layout.archive_key(layout.data_key(T, WHEN, 1))
    assert LakeLayout().root == ""


@given(short, short, moments, st.integers(1, 10**6))
def test_data_keys_come_back(schema: str, table: str, moment: datetime, batch: int) -> None:
    layout = LakeLayout()
    found = layout.parse_data_key(layout.data_key(TableName(schema, table), moment, batch))
    assert (found.table, found.moment, found.batch) == (TableName(schema, table), moment, batch)


@given(short, short, moments, st.from_regex(r"[A-Za-z0-9][A-Za-z0-9\-]{0,20}", fullmatch=True))
def test_manifest_keys_come_back(schema: str, table: str, moment: datetime, run: str) -> None:
    layout = LakeLayout("x/incremental/")
    key = layout.manifest_key(TableName(schema, table), moment, run, 3)
    found = layout.parse_manifest_key(key)
    assert (found.table, found.moment, found.run_id, found.part) == (
        TableName(schema, table),
        moment,
        run,
        3,
    )


@pytest.mark.parametrize(
    "key",
    [
        "incremental/../secrets.parquet",
        "other/s.t/year=2025/month=08/day=03/hour=04/2025-08-03_04-05-06_batch_0001.parquet",
        "incremental/s.t/year=2025/month=08/day=03/hour=05/2025-08-03_04-05-06_batch_0001.parquet",
        "incremental/s.t/year=2025/month=08/day=03/hour=04/2025-08-03_04-05-06_batch_00001.parquet",
        "incremental/s.t/year=2025/month=13/day=03/hour=04/2025-13-03_04-05-06_batch_0001.parquet",
        "incremental/s%2et/year=2025/month=08/day=03/hour=04/2025-08-03_04-05-06_batch_0001.parquet",
        "incremental/s.t/year=2025/month=08/day=03/hour=04/2025-08-03_04-05-06_batch_0001.csv",
    ],
)
def test_a_key_that_the_grammar_does_not_make_is_refused(key: str) -> None:
    with pytest.raises(LakeError):
        LakeLayout().parse_data_key(key)


@pytest.mark.parametrize(
    "folder", ["", "/", "incremental", "../x/", "a//b/", "/abs/", "a/../b/", "x y/"]
)
def test_a_folder_outside_the_bucket_is_refused(folder: str) -> None:
    with pytest.raises(ConfigError, match="S3_INCREMENTAL_PATH"):
        LakeLayout(folder)


@pytest.mark.parametrize("run", ["", "../x", "a/b", "a_b", "-a", "a" * 65])
def test_a_run_id_that_could_leave_its_folder_is_refused(run: str) -> None:
    with pytest.raises(ConfigError, match="run id"):
        LakeLayout().manifest_key(T, WHEN, run, 1)


def test_a_key_that_s3_would_refuse_is_refused_before() -> None:
    with pytest.raises(LakeError, match="1024 bytes"):
        LakeLayout().data_key(TableName("가" * 64, "가" * 64), WHEN, 1)


@pytest.mark.fault(51)
@given(short, moments, st.none() | st.dates())
def test_a_day_of_a_column_names_the_folder_and_the_extraction_the_file(
    table: str, moment: datetime, day: date | None
) -> None:
    layout = LakeLayout()
    key = layout.data_key(TableName("s", table), moment, 3, day_partition(day))
    assert day_partition(day) in key
    found = layout.parse_data_key(key)
    assert (found.table.table, found.moment, found.batch) == (table, moment, 3)


@pytest.mark.fault(158)
@given(
    st.lists(st.from_regex(r"(year|Month|DAY|hour|other)_{0,3}", fullmatch=True)),
    moments,
    st.none() | st.dates(),
)
def test_the_folders_of_a_file_never_have_the_names_of_its_columns(
    columns: list[str], moment: datetime, day: date | None
) -> None:
    suffix, layout = folder_suffix(columns), LakeLayout()
    for partition in (None, day_partition(day, suffix)):
        key = layout.data_key(T, moment, 3, partition, suffix=suffix)
        folders = [part.partition("=")[0] for part in key.split("/")[2:-1]]
        assert folders == [f"{name}{suffix}" for name in ("year", "month", "day", "hour")]
        assert not {name.lower() for name in columns} & set(folders)
        assert layout.parse_data_key(key).moment == moment
    shorter = set(partition_columns(suffix[:-1]))
    assert not suffix or {name.lower() for name in columns} & shorter, "no more than needed"


@pytest.mark.fault(51)
def test_rows_without_a_date_lie_where_hive_looks_for_them() -> None:
    null = "__HIVE_DEFAULT_PARTITION__"
    assert day_partition(None) == f"year={null}/month={null}/day={null}/hour={null}"


@pytest.mark.parametrize(
    "folder",
    [
        "year=2025/month=13/day=01/hour=00",
        "year=2025/month=1/day=01/hour=00",
        "year=2025/month=01/day=01/hour=07",
        "year=../month=01/day=01/hour=00",
        "year=__HIVE_DEFAULT_PARTITION__/month=01/day=01/hour=00",
        "year_=2025/month=01/day=01/hour=00",
    ],
)
def test_a_partition_that_is_no_day_is_refused(folder: str) -> None:
    with pytest.raises(LakeError):
        LakeLayout().parse_data_key(
            f"incremental/a.b/{folder}/2025-08-03_04-05-06_batch_0001.parquet"
        )


@pytest.mark.parametrize(
    "key",
    [
        "runs/year=2025/month=08/day=03/r1.json",
        "runs/year=2025/month=02/day=30/r1_lake.json",
        "runs/year=2025/month=08/day=03/../r1_lake.json",
        "runs/year=2025/month=08/day=03/r1_LAKE.json",
        "elsewhere/year=2025/month=08/day=03/r1_lake.json",
    ],
)
def test_a_key_that_is_no_report_is_refused(key: str) -> None:
    with pytest.raises(LakeError):
        LakeLayout().parse_run_key(key)


def test_a_report_cannot_leave_its_folder() -> None:
    for run_id, leg in (("../x", "lake"), ("r1", "../lake"), ("r_1", "lake"), ("r1", "")):
        with pytest.raises(ConfigError):
            LakeLayout().run_key(WHEN.date(), run_id, leg)


def test_a_key_tells_its_table_and_others_tell_none() -> None:
    layout, table = LakeLayout("lake/incremental/"), TableName("settlement", "partner_info")
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    for key in (
        layout.data_key(table, moment, 1),
        layout.manifest_key(table, moment, "run", 1),
        layout.staging_prefix(table, 7) + "part-1.csv.gz",
    ):
        assert layout.table_of(key) == table
    for key in (layout.job_lease_key(), "elsewhere/settlement.partner_info/x", "lake/incremental/"):
        assert layout.table_of(key) is None
