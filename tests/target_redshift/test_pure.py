"""What decides without a server: parts, CSV, names in SQL, settings."""

from __future__ import annotations

import csv
import io
import os
from collections import Counter
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from isal import isal_zlib
from target_redshift.model.key_rules import unfit_rows
from target_redshift.model.landing_table import Column
from target_redshift.staging.csv_encoder import MarkerCollisionError, encode, other_marker
from target_redshift.staging.part_plan import TARGET_PART_BYTES, plan_parts
from target_redshift.staging.part_writer import PartWriter
from target_redshift.warehouse import sql, upsert_sql
from target_redshift.warehouse.copy_authorization import authorization
from target_redshift.warehouse.sql import CopyOptions, TableOptions, copy, literal
from tidemark_core.errors import ConfigError
from tidemark_core.s3.client import S3Location
from tidemark_core.text.masking import SECRETS
from tidemark_core.types.column_type import TIMESTAMP, ColumnType

MARKER = "@NULL@"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


# ------------------------------------------------------------------ parts
@given(st.integers(0, 10_000_000), st.integers(0, 50 * TARGET_PART_BYTES), st.integers(1, 64))
def test_parts_hold_every_row_and_are_equal(rows: int, size: int, slices: int) -> None:
    plan = plan_parts(rows, size, slices)
    quotas = [quota for round_ in plan.rounds for quota in round_]
    assert sum(quotas) == rows
    if rows:
        assert max(quotas) - min(quotas) <= 1
        assert min(quotas) >= 1
    assert plan.count % slices == 0 or plan.count == rows < slices


@given(st.integers(1, 5_000), st.integers(1, 7), st.integers(1, 400))
def test_blocks_deal_out_exactly_the_quotas(rows: int, slices: int, size: int) -> None:
    plan = plan_parts(rows, rows * 100_000, slices)
    dealt: Counter[tuple[int, int]] = Counter()
    rounds = []
    for number, part, taken in plan.blocks(size):
        assert 0 < taken <= size
        dealt[number, part] += taken
        rounds.append(number)
    assert rounds == sorted(rounds), "one round is finished before the next begins"
    assert [dealt[n, p] for n, quotas in enumerate(plan.rounds) for p in range(len(quotas))] == [
        quota for quotas in plan.rounds for quota in quotas
    ]


def test_parts_of_a_large_load_are_of_a_good_size() -> None:
    plan = plan_parts(10_000_000, 1_000_000_000, 4)
    assert plan.count % 4 == 0
    assert 1_000_000 < 1_400_000_000 / plan.count < 100_000_000


# ------------------------------------------------------------------ CSV
def read(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))


@given(st.lists(st.one_of(st.none(), texts), min_size=1, max_size=20))
def test_texts_survive_and_null_is_the_only_unquoted_marker(values: list[str | None]) -> None:
    numbers = pa.array(range(len(values)), pa.int64())
    data = encode([numbers, pa.array(values, pa.string())], MARKER)
    assert [row[1] for row in read(data)] == [MARKER if v is None else v for v in values]
    for value, line in zip(values, data.decode().split("\n"), strict=False):
        if value is None and "\n" not in "".join(v or "" for v in values):
            assert line.endswith(f",{MARKER}")


def test_a_value_that_equals_the_marker_is_noticed() -> None:
    array = pa.array(["a", MARKER, None])
    with pytest.raises(MarkerCollisionError):
        encode([array], MARKER)
    with pytest.raises(MarkerCollisionError):
        encode([array.slice(1)], MARKER)
    assert encode([array.slice(0, 1)], MARKER) == b'"a"\n'
    assert encode([array], other_marker())
    assert other_marker() != other_marker()


@given(st.lists(st.one_of(st.none(), st.binary(max_size=9)), max_size=9), st.integers(0, 3))
def test_bytes_become_hexadecimal_digits(values: list[bytes | None], start: int) -> None:
    array = pa.array(values, pa.binary()).slice(start)
    rows = read(encode([array], MARKER))
    assert [row[0] for row in rows] == [
        MARKER if value is None else value.hex() for value in values[start:]
    ]


@given(st.integers(-(10**12), 10**12), st.integers(0, 37))
def test_decimals_are_written_without_an_exponent(digits: int, scale: int) -> None:
    value = Decimal(digits).scaleb(-scale)
    data = encode([pa.array([value, None], pa.decimal128(38, scale))], MARKER).decode()
    assert "E" not in data
    assert Decimal(data.split("\n")[0].strip('"')) == value


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_a_part_is_one_stream_of_its_blocks(tmp_path: Path, compression: str) -> None:
    import zstandard

    writer = PartWriter(tmp_path / "part", compression)
    writer.write(b"one\n", 1)
    writer.write(b"two\n", 1)
    writer.close()
    body = (tmp_path / "part").read_bytes()
    if compression == "gzip":
        stream = isal_zlib.decompressobj(wbits=31)
        assert stream.decompress(body) == b"one\ntwo\n"
        assert stream.eof
        assert not stream.unused_data
    else:
        assert zstandard.ZstdDecompressor().decompressobj().decompress(body) == b"one\ntwo\n"
    assert writer.rows == 2


# ------------------------------------------------------------------ SQL
@given(texts)
def test_literals_read_back_as_they_were(text: str) -> None:
    inside = literal(text)[1:-1]
    plain: list[str] = []
    position = 0
    while position < len(inside):
        assert inside[position] not in "'\\" or inside[position + 1] == inside[position]
        plain.append(inside[position])
        position += 2 if inside[position] in "'\\" else 1
    assert "".join(plain) == text


ROLE = sql.by_role("arn:aws:iam::1:role/x")


@pytest.mark.security(9)
def test_copy_names_a_role_and_no_keys() -> None:
    options = CopyOptions(ROLE, region="eu-west-1", null_text=MARKER)
    text = copy('"landing"."t"', ["a", 'b"c'], "s3://b/m", options)
    assert text == (
        'COPY "landing"."t" ("a", "b""c") FROM \'s3://b/m\' IAM_ROLE \'arn:aws:iam::1:role/x\' '
        "REGION AS 'eu-west-1' MANIFEST CSV GZIP NULL AS '@NULL@' TIMEFORMAT AS 'auto' "
        "MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF"
    )
    assert "IAM_ROLE default" in copy("t", ["a"], "m", CopyOptions(sql.by_role("default"), "r"))
    parquet = copy("t", ["a"], "s3://b/m", CopyOptions(ROLE, "r", compression=None))
    assert "FORMAT AS PARQUET" in parquet
    assert "NULL AS" not in parquet


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine that has no credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return monkeypatch


@pytest.mark.security(9)
def test_a_role_comes_first_temporary_keys_next_and_lasting_ones_never(
    machine: pytest.MonkeyPatch,
) -> None:
    place = S3Location("b")
    with pytest.raises(ConfigError, match="REDSHIFT_IAM_ROLE is not set"):
        authorization("", place)
    machine.setenv("AWS_ACCESS_KEY_ID", "ASIAKEY")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "it's-a-secret")
    with pytest.raises(ConfigError, match="REDSHIFT_IAM_ROLE is not set"):
        authorization(None, place)
    machine.setenv("AWS_SESSION_TOKEN", "a-token-of-an-hour")
    right = authorization(None, place)
    assert right == (
        "ACCESS_KEY_ID 'ASIAKEY' SECRET_ACCESS_KEY 'it''s-a-secret' "
        "SESSION_TOKEN 'a-token-of-an-hour'"
    )
    assert SECRETS("it's-a-secret, a-token-of-an-hour") == "***, ***"
    assert "secret" not in repr(CopyOptions(right, "r"))
    assert authorization("default", place) == "IAM_ROLE default"
    with pytest.raises(ConfigError, match="lasting keys"):
        authorization(None, replace(place, access_key="AKIA", secret_key="s"))


def statements() -> list[str]:
    columns = [("id", "BIGINT"), ("na me", "VARCHAR(20)")]
    names = [name for name, _ in columns]
    options = TableOptions(distkey="id", sortkey=("id",), encode={"id": "az64"})
    return [
        sql.CREATE_SCHEMA,
        sql.create_ledger(),
        sql.create_table("t", columns, options),
        sql.create_table("t", columns, TableOptions(sortkey=("id",))),
        sql.create_temporary("x", columns),
        sql.create_stage("x", columns),
        sql.tables_like("x_"),
        sql.drop_table("x"),
        sql.comment_table("t", "it's"),
        sql.add_column("t", "c", "SMALLINT"),
        sql.widen_column("t", "c", "VARCHAR(40)"),
        sql.lock_table("t"),
        sql.delete_all("t"),
        sql.has_rows("t"),
        copy(sql.landing("t"), names, "s3://b/m", CopyOptions(ROLE, "eu-west-1")),
        unfit_rows("x", [Column("a", "a", ColumnType("string")), Column("b", "b", TIMESTAMP)]),
        upsert_sql.delete_superseded("x", ["id"], ["na me"]),
        upsert_sql.delete_outdated("t", "x", names, ["na me", "at"]),
        upsert_sql.delete_replaced("t", "x", names),
        sql.insert_all("t", "x", names, {"l": "1"}),
        sql.drop_temporary("x"),
        sql.ledger_insert(2).replace("?", "1"),
        sql.ledger_files(2).replace("?", "'1'"),
        sql.ledger_forget(2).replace("?", "'1'"),
        sql.LEDGER_LAST.replace("?", "'1'"),
        sql.LEDGER_OTHER_COPY.replace("?", "'1'"),
        sql.TABLE_COLUMNS.replace("?", "'1'"),
        sql.TABLE_COMMENT.replace("?", "'1'"),
    ]


def test_every_statement_is_redshifts() -> None:
    from sqlfluff.core import FluffConfig, Linter

    linter = Linter(config=FluffConfig(overrides={"dialect": "redshift", "templater": "raw"}))
    for statement in statements():
        parsed: Any = linter.parse_string(statement)
        assert not parsed.violations, (statement, parsed.violations)
        assert parsed.tree is not None
        assert "unparsable" not in parsed.tree.type_set(), statement


@pytest.mark.fault(134)
def test_a_plan_is_small_whatever_a_manifest_says_of_its_files() -> None:
    plan = plan_parts(10**15, 10**18, 4)
    assert plan.count % 4 == 0
    assert plan.count <= 10_000
    number, part, rows = next(plan.blocks(8_192))
    assert (number, part, rows) == (0, 0, 8_192)
