"""verify --checksum: every kind of column and key is compared, or it is said that it was not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from standing import (
    BIGINT,
    BUILDER,
    TEXT,
    TIME,
    Kinds,
    drop,
    in_lake,
    in_landing,
    in_mysql,
    in_public,
)
from tidemark_core.names import TableName, quote_mysql
from tidemark_core.types.column_type import ColumnType

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

WHEN = datetime(2025, 8, 3, 12, tzinfo=UTC)
MARK = ("update_at", "2025-08-03T12:00:00.000000")
OLD = "'2025-08-03 11:00:00'"
EVERYTHING: dict[str, Kinds] = {
    "ID": BIGINT,
    "f": ("FLOAT", "REAL", ColumnType("float32")),
    "d": ("DOUBLE", "DOUBLE PRECISION", ColumnType("float64")),
    "b": ("VARBINARY(20)", "VARBYTE(20)", ColumnType("binary", length=20)),
    "big": ("LONGBLOB", "VARBYTE(1024000)", ColumnType("binary")),
    "n": ("DECIMAL(38,20)", "NUMERIC(38,20)", ColumnType("decimal", precision=38, scale=20)),
    "bits": ("BIT(64)", "NUMERIC(20,0)", ColumnType("decimal", precision=20, scale=0)),
    "y": ("YEAR", "SMALLINT", ColumnType("int16")),
    "t": ("TIME(6)", "VARCHAR(68)", ColumnType("string", length=17)),
    "day": ("DATE", "DATE", ColumnType("date")),
    "s": ("TEXT", "VARCHAR(65535)", ColumnType("string")),
    "j": ("JSON", "VARCHAR(65535)", ColumnType("json")),
    "p": ("POINT", "VARBYTE(1024000)", ColumnType("binary")),
    "update_at": TIME,
}
#: In MySQL, and in the warehouse.
ROWS = {
    1: ("1, 0.1, 1/3e0, x'00ff00', x'ab', 0.00000000000000000001, b'101', 1999, "
        "'-838:59:58.999999', '0001-01-01', 'ünï |~\\0x', '{\"a\": [1, 2.5]}', "
        f"ST_GeomFromText('POINT(1 2)'), {OLD}",
        "1, 0.1, 1/3::float8, from_hex('00ff00'), from_hex('ab'), 0.00000000000000000001, 5, 1999, "
        "'-838:59:58.999999', '0001-01-01', 'ünï |~x', '{\"a\": [1, 2.5]}', "
        f"from_hex('0101000000000000000000f03f0000000000000040'), {OLD}"),
    2: (f"2, -1.5e-38, -5e-324, x'', NULL, -1, b'0', 0, '00:00:00', NULL, '', '[]', NULL, {OLD}",
        "2, -1.5e-38, -5e-324, from_hex(''), NULL, -1, 0, 0, '00:00:00.000000', NULL, '', '[]', "
        f"NULL, {OLD}"),
    3: (f"3, NULL, 1.7976931348623157e308, NULL, x'', NULL, NULL, NULL, NULL, '0000-00-00', NULL, "
        f"NULL, NULL, {OLD}",
        "3, NULL, 1.7976931348623157e308, NULL, from_hex(''), NULL, NULL, NULL, NULL, NULL, NULL, "
        f"NULL, NULL, {OLD}"),
}  # fmt: skip


def verify(lake: Lake, *more: str) -> tuple[int, str]:
    done = lake.run("verify", "-t", str(lake.table), *more)
    return done.code, done.out + done.err


@pytest.fixture
def own(lake: Lake) -> Iterator[Lake]:
    yield lake
    drop(lake)


@pytest.fixture
def everything(own: Lake) -> Lake:
    """A table with every kind of column, alike on both servers."""
    in_mysql(own, EVERYTHING, ["ID"], [row for row, _ in ROWS.values()])
    in_landing(own, EVERYTHING, [(row, "2025-08-03 12:00:00", 1) for _, row in ROWS.values()])
    in_public(own, EVERYTHING, [row for _, row in ROWS.values()])
    in_lake(own, EVERYTHING, ["ID"], 3, WHEN, MARK)
    return own


@pytest.mark.fault(141)
def test_every_kind_of_column_is_compared(everything: Lake) -> None:
    code, text = verify(everything, "--checksum")
    assert code == 0, text
    for column, value in {
        "f": "0.10000001",
        "d": "0.33333333333333337::float8",
        "b": "from_hex('00ff01')",
        "big": "from_hex('ac')",
        "n": "0.00000000000000000002",
        "bits": "6",
        "y": "2000",
        "t": "'-838:59:58.999998'",
        "day": "'0001-01-02'",
        "s": "'unï |~x'",
        "j": "'{\"a\": [1, 3]}'",
        "p": "from_hex('0101000000000000000000f03f0000000000000041')",
    }.items():
        name = everything.landing
        everything.sandbox.warehouse(
            f"UPDATE public.{name} SET {column} = {value} WHERE id = 1", user=BUILDER
        )
        code, text = verify(everything, "--checksum")
        assert code == 3, column
        assert f"public: 1 with other values; columns: {column}; first keys: 1 " in text
        everything.sandbox.warehouse(f"DELETE FROM public.{name} WHERE id = 1", user=BUILDER)
        everything.sandbox.warehouse(
            f"INSERT INTO public.{name} VALUES ({ROWS[1][1]})", user=BUILDER
        )


@pytest.mark.fault(141)
def test_values_that_two_rows_have_swapped_are_found(everything: Lake) -> None:
    """Sums, least and greatest of each column are alike then."""
    name = everything.landing
    everything.sandbox.warehouse(
        f"UPDATE public.{name} SET y = CASE id WHEN 1 THEN 0 ELSE 1999 END WHERE id < 3",
        user=BUILDER,
    )
    code, text = verify(everything, "--checksum")
    assert code == 3
    assert "public: 2 with other values; columns: y; first keys: 1, 2 " in text


@pytest.mark.fault(141)
def test_what_cannot_be_compared_is_named(everything: Lake) -> None:
    everything.sandbox.mysql(f"ALTER TABLE {everything.table.table} ADD newer INT, DROP s")
    found = everything.run("verify", "-t", str(everything.table), "--checksum", "--format", "json")
    assert found.code == 0, found.err
    (told,) = found.json
    left = {one["what"]: one["why"] for one in told["not_compared"]}
    assert left["column s"] == "MySQL no longer has it"
    assert left["column newer"].startswith("the lake does not have it")
    assert "column big, values over 32,767 bytes" in left
    assert told["verdict"] == "agrees as far as compared"
    assert verify(everything)[1].count("counts agree") == 1


@pytest.mark.fault(142)
def test_landing_is_compared_where_there_is_no_public_table(own: Lake) -> None:
    columns = {"ID": BIGINT, "v": TEXT, "update_at": TIME}
    in_mysql(own, columns, ["ID"], [f"1, 'new', {OLD}", f"2, 'b', {OLD}"])
    old, new = "2025-08-03 10:00:00", "2025-08-03 12:00:00"
    in_landing(
        own,
        columns,
        [
            (f"1, 'old', '{old}'", old, 1),
            (f"1, 'new', {OLD}", new, 2),
            (f"2, 'b', {OLD}", new, 2),
            (f"3, 'deleted since', {OLD}", new, 2),
        ],
    )
    in_lake(own, columns, ["ID"], 4, WHEN, MARK)
    own.sandbox.warehouse(
        "UPDATE landing.tidemark_loads SET load_id = 2 WHERE source_table = %s",
        [str(own.table)],
        user="tidemark_loader",
    )
    code, text = verify(own, "--checksum")
    assert code == 0, text
    assert "agrees as far as compared" in text
    assert "there is no public table: landing was compared" in text
    own.sandbox.mysql(f"UPDATE {own.table.table} SET v = 'silent' WHERE ID = 1")
    code, text = verify(own, "--checksum")
    assert code == 3
    assert "landing: 1 with other values; columns: v; first keys: 1 " in text


@pytest.mark.fault(142)
def test_a_column_that_the_model_does_not_have_is_compared_in_landing(own: Lake) -> None:
    columns = {"ID": BIGINT, "v": TEXT, "w": TEXT, "update_at": TIME}
    row = f"1, 'v', 'w', {OLD}"
    in_mysql(own, columns, ["ID"], [row])
    in_landing(own, columns, [(row, "2025-08-03 12:00:00", 1)])
    in_public(own, {n: kinds for n, kinds in columns.items() if n != "w"}, [f"1, 'v', {OLD}"])
    in_lake(own, columns, ["ID"], 1, WHEN, MARK)
    assert verify(own, "--checksum")[0] == 0
    own.sandbox.mysql(f"UPDATE {own.table.table} SET w = 'x'")
    code, text = verify(own, "--checksum")
    assert code == 3
    assert "landing: 1 with other values; columns: w; first keys: 1 " in text


@pytest.mark.fault(143)
def test_rows_changed_since_are_no_difference_whatever_the_key(own: Lake) -> None:
    columns = {"a": TEXT, "b": BIGINT, "v": TEXT, "update_at": TIME}
    rows = [f"'k{n}', {n}, 'v', {OLD}" for n in range(20)]
    in_mysql(own, columns, ["a", "b"], rows)
    in_landing(own, columns, [(row, "2025-08-03 12:00:00", 1) for row in rows])
    in_public(own, columns, rows)
    in_lake(own, columns, ["a", "b"], 20, WHEN, MARK)
    table = own.table.table
    later = "update_at = '2025-08-03 12:30:00'"
    own.sandbox.mysql(f"UPDATE {table} SET v = 'new', {later} WHERE a = 'k3'")
    code, text = verify(own, "--checksum")
    assert code == 0, text
    own.sandbox.mysql(f"UPDATE {table} SET v = 'silent' WHERE a = 'k4'")
    code, text = verify(own, "--checksum")
    assert code == 3
    assert "public: 1 with other values; columns: v; first keys: k4/4 " in text


@pytest.mark.fault(144)
def test_a_table_that_mysql_dropped_does_not_keep_the_others_from_being_verified(
    copied: Lake,
) -> None:
    other = TableName("settlement", f"{copied.table.table}x")
    copied.commit(copied.file(table=other), table=other)
    told = copied.run("verify", "-t", str(copied.table), "-t", str(other), "--checksum")
    assert told.code == 3
    assert f"{other}: MySQL has no such table any more" in told.err
    assert f"{copied.table}:" not in told.err
    assert "agrees" in told.out
    # A failure of another kind is that table's line too.
    copied.sandbox.warehouse(
        f"ALTER TABLE landing.{copied.landing} DROP COLUMN _tidemark_load_id",
        user="tidemark_loader",
    )
    told = copied.run("verify", "-t", str(copied.table), "-t", str(other))
    assert told.code == 3
    assert f"{copied.table}: the warehouse refused" in told.err
    assert copied.run("verify", "-t", str(copied.table)).code == 1


@pytest.mark.fault(145)
def test_files_that_are_gone_are_told_and_can_be_written_off(copied: Lake) -> None:
    (file,) = copied.keys("incremental/")
    copied.project.s3.delete_object(Bucket=copied.project.bucket, Key=file)
    code, text = verify(copied)
    assert code == 3
    assert (
        f"1 file of the lake that its manifests name is missing or overwritten, the first is {file}"
        in text
    )
    cure = f"tidemark s3clean clean -t {copied.table} --lost"
    assert cure in text
    for words in (("inspect",), ("restore", "--to-file", "never.parquet")):
        done = copied.run(*words, "-t", str(copied.table))
        assert done.code == 1
        assert cure in done.err
    assert "1 file gone" in copied.run("explore").err
    assert copied.run(*cure.split()[1:], "--force").code == 0
    code, text = verify(copied)
    assert code == 0, text
    assert copied.keys("archive/")


@pytest.mark.fault(145)
def test_a_file_that_was_written_over_is_told_and_left_alone(copied: Lake) -> None:
    (file,) = copied.keys("incremental/")
    copied.project.s3.put_object(Bucket=copied.project.bucket, Key=file, Body=b"another")
    code, text = verify(copied)
    assert code == 3
    assert "missing or overwritten" in text
    assert copied.run("s3clean", "clean", "-t", str(copied.table), "--lost", "--force").code == 0
    assert copied.keys("incremental/") == {file}


NAMES = st.text(st.sampled_from("a1%s?`\"'.\\ :$~|é한{}()-"), min_size=1, max_size=12).filter(
    lambda name: name.strip() == name and not name.startswith((".", "-"))
)


@pytest.mark.fault(149)
@settings(max_examples=5, suppress_health_check=list(HealthCheck))
@given(table=NAMES, key=NAMES, column=NAMES)
def test_any_name_can_be_looked_at(lake: Lake, table: str, key: str, column: str) -> None:
    """The drivers format what they are given; a name is not a format."""
    own = replace(lake, table=TableName("settlement", f"{lake.table.table}{table}"))
    columns = {f"K{key}": BIGINT, f"C{column}": TEXT, "update_at": TIME}
    row = f"1, 'v', {OLD}"
    try:
        in_mysql(own, columns, [f"K{key}"], [row])
        in_landing(own, columns, [(row, "2025-08-03 12:00:00", 1)])
        in_public(own, columns, [row])
        in_lake(own, columns, [f"K{key}"], 1, WHEN, MARK)
        name = str(own.table)
        for words in (
            ("verify", "--checksum"),
            ("reconcile", "--dry-run"),
            ("backup", "--dry-run"),
            ("watermark", "get"),
        ):
            done = own.run(*words, "-t", name)
            assert done.code == 0, (words, done.err)
        quoted = quote_mysql(own.table.table)
        own.sandbox.mysql(f"UPDATE {quoted} SET {quote_mysql(f'C{column}')} = 'w'")
        code, text = verify(own, "--checksum")
        assert code == 3
        assert "1 with other values" in text
    finally:
        drop(own)
        for stored in own.keys(""):
            own.project.s3.delete_object(Bucket=own.project.bucket, Key=stored)
