"""verify on the sandbox: what it finds, by name, and what it does not cry wolf about."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake


def verify(lake: Lake, *more: str) -> tuple[int, str]:
    done = lake.run("verify", "-t", str(lake.table), *more)
    return done.code, done.out + done.err


@pytest.mark.fault(102)
def test_rows_that_change_while_we_look_are_no_difference(copied: Lake) -> None:
    assert verify(copied, "--checksum")[0] == 0
    name = copied.table.table
    copied.sandbox.mysql(f"INSERT INTO {name} VALUES (10, 'new', 1, '2025-08-03 12:30:00')")
    copied.sandbox.mysql(
        f"UPDATE {name} SET status = 'changed', update_at = '2025-08-03 12:31:00' WHERE ID = 3"
    )
    code, text = verify(copied, "--checksum")
    assert code == 0, text


@pytest.mark.fault(2)
def test_a_row_that_committed_after_the_lookback_is_reported_by_its_key(copied: Lake) -> None:
    copied.sandbox.mysql(
        f"INSERT INTO {copied.table.table} VALUES (77, 'late', 1, '2025-08-03 11:00:00')"
    )
    code, text = verify(copied)
    assert code == 3
    assert "MySQL has 11" in text
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert "first keys: 77" in text


@pytest.mark.fault(10)
def test_a_row_whose_key_went_backwards_is_reported_by_its_key(copied: Lake) -> None:
    copied.sandbox.mysql(
        f"UPDATE {copied.table.table} SET price = 99, update_at = '2025-08-03 10:00:00' "
        "WHERE ID = 4"
    )
    assert verify(copied)[0] == 0  # counts cannot see it
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert "first keys: 4" in text
    assert "columns: price, update_at" in text
    assert "the replication key of 1 row went backwards" in text
    assert f"greater value, such as the current time, then tidemark sync -t {copied.table}" in text
    assert "watermark set" not in text  # would bring a version that every copy passes over


@pytest.mark.fault(101)
@pytest.mark.parametrize(
    ("change", "column"),
    [
        ("status = 'etat 2' WHERE id = 2", "status"),
        ("status = NULL WHERE id = 2", "status"),
        ("status = '' WHERE id = 5", "status"),
        ("price = price + 1 WHERE id IN (2)", "price"),
        ("update_at = '2025-08-03 12:02:01' WHERE id = 9", "update_at"),
    ],
)
def test_equal_counts_with_different_content_are_found(
    copied: Lake, change: str, column: str
) -> None:
    copied.sandbox.warehouse(
        f"UPDATE public.{copied.table.table} SET {change}", user="tidemark_transformer"
    )
    assert verify(copied)[0] == 0
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert f"1 with other values; columns: {column}; first keys: " in text


def test_a_row_that_only_public_has_is_found(copied: Lake) -> None:
    copied.sandbox.warehouse(
        f"INSERT INTO public.{copied.table.table} VALUES (-5, 'x', 1, '2025-08-03 12:00:00')",
        user="tidemark_transformer",
    )
    code, text = verify(copied, "--checksum")
    assert code == 3
    assert "first keys: -5" in text


def test_rows_that_retention_has_removed_are_no_difference(
    copied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tidemark.services.lake import catalogue

    later = datetime.now(UTC) + timedelta(days=30)
    monkeypatch.setattr(catalogue, "bucket_time", lambda _: later)
    done = copied.run("s3clean", "clean", "-t", str(copied.table), "--force")
    assert done.code == 0, done.err
    assert copied.keys("incremental/") == set()
    code, text = verify(copied, "--checksum")
    assert code == 0, text


def test_a_table_that_the_lake_does_not_know_is_refused(lake: Lake) -> None:
    done = lake.run("verify", "-t", "settlement.nothing")
    assert done.code == 2
    assert "tidemark backup -t settlement.nothing" in done.err


def test_the_schema_of_the_settings_is_looked_at(
    copied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A trial's or a developer's own, beside a public table that somebody else has built."""
    name, own = copied.table.table, f"trial_{copied.table.table}"
    run = partial(copied.sandbox.warehouse, user="tidemark_transformer")
    copied.sandbox.warehouse(f"CREATE SCHEMA {own} AUTHORIZATION tidemark_transformer")
    try:
        run(f"CREATE TABLE {own}.{name} AS SELECT * FROM public.{name}")
        run(f"DELETE FROM public.{name} WHERE id = 4")
        assert verify(copied, "--checksum")[0] == 3
        monkeypatch.setenv("REDSHIFT_SCHEMA", own)
        code, text = verify(copied, "--checksum")
        assert code == 0, text
        copied.sandbox.mysql(f"DELETE FROM {name} WHERE ID = 7")
        done = copied.run("reconcile", "-t", str(copied.table), "--yes", "--format", "json")
        assert done.json["tables"][0]["first"] == ["7"], done.err
    finally:
        copied.sandbox.warehouse(f"DROP SCHEMA {own} CASCADE")
