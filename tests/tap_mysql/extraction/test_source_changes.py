"""A source that is not what it was: columns, tables and views that changed, or cannot be read."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.extraction import schema_drift
from tap_mysql.singer.missing_tables import selected
from tap_mysql.singer.selection import Chosen, read_columns, stream_metadata
from tap_mysql.source.schema import Column, Table
from tidemark_core.errors import ConfigError, SourceError, TidemarkError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType, MySQLColumn

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

BASE = "id INT PRIMARY KEY, a INT, b INT, update_at DATETIME NOT NULL, KEY (update_at)"


def warnings(caplog: pytest.LogCaptureFixture, logger: str) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name == f"tap-mysql.{logger}"]


# -- columns


def column(name: str, data_type: str, kind: ColumnType | None) -> Column:
    return Column(name, MySQLColumn(data_type, data_type), kind, nullable=True)


@pytest.mark.fault(118)
def test_a_column_of_an_unknown_type_that_a_pattern_selects_is_refused_by_name() -> None:
    name = TableName("s", "t")
    columns = (column("id", "int", ColumnType("int32")), column("v", "vector", None))
    table = Table(name, columns, primary_key=("id",))
    found = {tuple(m["breadcrumb"]): m["metadata"] for m in stream_metadata(table)}
    # Meltano sets no `selected` where this says `unsupported`.
    assert found["properties", "v"]["inclusion"] == "available"
    chosen = Chosen("FULL_TABLE", columns={"id": True, "v": True})
    with pytest.raises(ConfigError, match="vector") as error:
        read_columns(table, chosen, None, ("id",))
    assert error.value.column == "v"
    left_out = Chosen("FULL_TABLE", columns={"id": True, "v": False})
    assert read_columns(table, left_out, None, ("id",)) == columns[:1]


@pytest.mark.fault(118)
def test_a_vector_is_refused_by_name(source: Source) -> None:
    if not source.is_mysql:
        pytest.skip("MariaDB 10.11 has no VECTOR")
    source.make("vectors", "id INT PRIMARY KEY, v VECTOR(3)")
    result = source.run(source.catalog("vectors", columns=("id", "v")))
    assert isinstance(result.error, ConfigError)
    assert result.error.column == "v"


@pytest.mark.fault(118)
def test_bits_are_no_replication_key(source: Source) -> None:
    source.make("bits", "id INT PRIMARY KEY, k BIT(8) NOT NULL, KEY (k)", "(1, 7)")
    result = source.run(source.catalog("bits", key="k"))
    assert isinstance(result.error, ConfigError)
    assert result.error.column == "k"


def test_a_long_number_is_a_replication_key(source: Source) -> None:
    number = "1234567890123456789012345678901234567"
    source.make("numbers38", "id DECIMAL(38,0) PRIMARY KEY, v INT", f"({number}, 1)")
    first = source.read("numbers38", "id")
    assert len(first.rows("numbers38")) == 1
    source.sql(f"INSERT INTO numbers38 VALUES ({number} + 1, 2)")
    assert {r["v"] for r in source.read("numbers38", "id", first.state).rows("numbers38")} >= {2}


@pytest.mark.fault(119)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("ADD COLUMN c INT NOT NULL DEFAULT 5", "added: c"),
        ("ADD COLUMN c INT DEFAULT 5", "added: c"),
        ("ADD COLUMN c INT AS (id + 1) VIRTUAL", "added: c"),
        ("ADD COLUMN c INT", ""),
        ("DROP COLUMN b", ""),
        ("CHANGE b c INT", "added: c; dropped: b"),
        ("DROP COLUMN a, ADD COLUMN c INT", "added: c; dropped: a"),
    ],
)
def test_a_column_that_older_rows_lack_is_named_with_what_reads_them_again(
    source: Source, caplog: pytest.LogCaptureFixture, change: str, words: str
) -> None:
    source.make("drifting", BASE, "(1, 1, 1, '2024-01-01')")
    first = source.read("drifting", "update_at")
    source.sql(f"ALTER TABLE drifting {change}")
    source.sql("UPDATE drifting SET update_at = '2024-01-02'")
    second = source.read("drifting", "update_at", first.state)
    told = warnings(caplog, "drift")
    assert len(told) == (1 if words else 0)
    for text in told:
        assert f"({words})" in text
        assert "tidemark watermark reset -t tap_test.drifting" in text
    caplog.clear()
    source.sql("UPDATE drifting SET update_at = '2024-01-03'")
    source.read("drifting", "update_at", second.state)
    assert warnings(caplog, "drift") == [], "once is enough"


@pytest.mark.fault(119)
@pytest.mark.parametrize("added", [False, True], ids=["there from the start", "added since"])
def test_a_column_is_named_that_older_rows_lack_as_it_was_not_selected(
    source: Source, caplog: pytest.LogCaptureFixture, added: bool
) -> None:
    source.make("chosen", BASE, "(1, 1, 1, '2024-01-01')")
    names = {"id", "a", "b", "c", "update_at"}

    def chosen(*left_out: str) -> dict[str, Any]:
        read = sorted(names - {*left_out})
        return source.catalog("chosen", key="update_at", columns=read, leave_out=left_out)

    few, more = chosen("b", "c"), chosen("b") if added else chosen("c")
    state = source.run(few).state
    if added:
        source.sql("ALTER TABLE chosen ADD COLUMN c INT")
        state = source.run(few, state).state
    assert warnings(caplog, "drift") == []
    second = source.run(more, state)
    (told,) = warnings(caplog, "drift")
    assert f"(added: {'c' if added else 'b'})" in told
    caplog.clear()
    source.run(more, second.state)
    assert warnings(caplog, "drift") == [], "once is enough"


@pytest.mark.fault(119)
def test_a_column_that_was_dropped_and_added_is_noticed_by_its_place() -> None:
    table = Table(TableName("s", "t"), ())
    assert schema_drift.between(["a", "b", "c"], ["a", "c", "b"], table).needs_backfill
    assert not schema_drift.between(["a", "b"], ["a", "b"], table).needs_backfill
    assert not schema_drift.between([], ["a", "b"], table).needs_backfill


# -- tables


@pytest.mark.fault(120)
def test_a_table_that_is_gone_is_named_by_the_next_run(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    for table in ("stays", "goes"):
        source.make(table, BASE, "(1, 1, 1, '2024-01-01')")
    first = source.run(source.catalog("stays", "goes", key="update_at"))
    assert first.error is None
    source.sql("DROP TABLE goes")
    # As Meltano makes it: of what is there.
    second = source.run(source.catalog("stays", key="update_at"), first.state)
    assert second.error is None
    (warning,) = warnings(caplog, "gone")
    assert "tap_test.goes" in warning
    assert "tidemark watermark reset -t tap_test.goes" in warning


@pytest.mark.fault(120)
def test_a_table_that_is_selected_by_name_and_gone_fails_the_run_and_the_rest_goes_on(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("stays", BASE, "(1, 1, 1, '2024-01-01')")
    rules = ["tap_test-stays.*", "tap_test-goes.*", "tap_test-x*.*"]
    monkeypatch.setenv("TAP_MYSQL__SELECT", json.dumps(rules))
    result = source.run(source.catalog("stays", key="update_at"))
    assert isinstance(result.error, SourceError)
    assert result.error.exit_code == 1
    assert [error.table for error in result.error.of_tables] == ["tap_test.goes"]
    assert result.ids("stays") == [1]


@pytest.mark.fault(120)
@pytest.mark.parametrize(
    ("rules", "chosen", "named"),
    [
        (["s-a.*", "s-b", "s-c*.*", "*-d.*", "*.*"], [], {"a", "b", "c*"}),
        (["s-a.*", "!s-a.*"], [], set()),
        (["s-a.*", "!s-a.secret"], [], {"a"}),
        (["s-a.*", "s-b.*"], ["s-b"], {"b"}),
        (["s-a.*", "s-b.*"], ["!s-b"], {"a"}),
        ([r"s-a\.b.*"], [], {"a.b"}),
        (["s-c*.*"], ["s-c1"], {"c1"}),
        (["s-c*.*", "!s-c*.*"], [], set()),
    ],
)
def test_which_tables_the_rules_name(rules: list[str], chosen: list[str], named: set[str]) -> None:
    environ = {
        "TAP_MYSQL__SELECT": json.dumps(rules),
        "TAP_MYSQL__SELECT_FILTER": json.dumps(chosen),
    }
    assert selected(environ) == {TableName("s", name) for name in named}
    assert selected({}) == selected({"TAP_MYSQL__SELECT": "{"}) == set()


@pytest.mark.fault(152)
@pytest.mark.parametrize(
    ("tables", "told"),
    [((), "no tables to read in tap_test"), (("unselected",), "no table is selected, out of 1")],
)
def test_a_run_without_any_table_is_refused(
    source: Source, tables: tuple[str, ...], told: str
) -> None:
    """As Meltano makes catalogs: of an empty database, and with a filter that leaves nothing."""
    source.make("unselected", BASE, "(1, 1, 1, '2024-01-01')")
    result = source.run(source.catalog(*tables, selected=False))
    assert isinstance(result.error, ConfigError)
    assert told in str(result.error)
    assert result.messages == []


@pytest.mark.fault(161)
@pytest.mark.parametrize("rules", ["[]", '["tap_test-nothing_like_it.*"]', None])
def test_only_a_project_without_any_rule_may_copy_nothing(
    source: Source,
    rules: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if rules is not None:
        monkeypatch.setenv("TAP_MYSQL__SELECT", rules)
    source.make("unselected", BASE, "(1, 1, 1, '2024-01-01')")
    result = source.run(source.catalog("unselected", selected=False))
    assert (result.error is None) == (rules == "[]")
    assert ("nothing is copied yet: tidemark add" in caplog.text) == (rules == "[]")
    assert result.messages == []


@pytest.fixture
def other_database(source: Source) -> Iterator[str]:
    """A database with a table ``t`` that our user may read, and that is not in DB_SCHEMAS."""
    name, user = "tap_test_other", source.sandbox.env()["DB_USER"]
    source.sql(f"DROP DATABASE IF EXISTS {name}")
    source.sql(f"CREATE DATABASE {name}")
    source.sql(f"CREATE TABLE {name}.t (id INT PRIMARY KEY)")
    source.sql(f"GRANT SELECT ON {name}.* TO '{user}'@'localhost'")
    yield name
    source.sql(f"DROP DATABASE {name}")


@pytest.mark.fault(120)
def test_what_is_selected_in_a_database_that_is_not_looked_at_fails_the_run_and_the_rest_goes_on(
    source: Source, other_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    source.make("stays", BASE, "(1, 1, 1, '2024-01-01')")
    rules = ["tap_test-stays.*", f"{other_database}-t.*", f"{other_database}-x*.*"]
    monkeypatch.setenv("TAP_MYSQL__SELECT", json.dumps(rules))
    catalog = source.catalog("stays", key="update_at")
    result = source.run(catalog)
    assert isinstance(result.error, TidemarkError)
    assert result.error.exit_code == ConfigError.exit_code
    assert {error.table for error in result.error.of_tables} == {
        f"{other_database}.t", f"{other_database}.x*"
    }  # fmt: skip
    assert all(f'add "{other_database}" to DB_SCHEMAS' in str(e) for e in result.error.of_tables)
    assert result.ids("stays") == [1]
    monkeypatch.setenv("TAP_MYSQL__SELECT", json.dumps([*rules, f"!{other_database}-*.*"]))
    assert source.run(catalog).error is None


def test_a_views_column_has_lost_the_blanks_before_it(source: Source) -> None:
    """On MySQL itself the catalogue shows them, and no query may name them."""
    source.make("t", "` lead` INT PRIMARY KEY, n INT", "(1, 2)")
    source.sql("DROP VIEW IF EXISTS of_blanks")
    source.sql("CREATE VIEW of_blanks AS SELECT * FROM t")
    assert source.read("of_blanks").rows("of_blanks") == [{"lead": 1, "n": 2}]
    source.sql("DROP VIEW of_blanks")


@pytest.mark.fault(120)
def test_a_table_that_came_after_the_catalog_fails_the_run(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    for table in ("stays", "came", "unselected"):
        source.make(table, BASE, "(1, 1, 1, '2024-01-01')")
    rules = [f"tap_test-{table}.*" for table in ("stays", "came", "unselected")]
    monkeypatch.setenv("TAP_MYSQL__SELECT", json.dumps(rules))
    catalog = source.catalog("stays", key="update_at")
    catalog["streams"] += source.catalog("unselected", selected=False)["streams"]
    result = source.run(catalog)
    assert isinstance(result.error, TidemarkError)
    assert [error.table for error in result.error.of_tables] == ["tap_test.came"]
    assert "run again" in str(result.error.of_tables[0])
    assert result.ids("stays") == [1]


# -- views


@pytest.mark.fault(37)
def test_a_view_whose_table_is_gone_says_so(source: Source) -> None:
    source.make("under", BASE, "(1, 1, 1, '2024-01-01')")
    source.sql("CREATE OR REPLACE VIEW over_nothing AS SELECT * FROM under")
    source.sql("DROP TABLE under")
    result = source.run(source.catalog("over_nothing"))
    assert isinstance(result.error, SourceError)
    assert "CHECK TABLE tap_test.over_nothing" in str(result.error)
    source.sql("DROP VIEW over_nothing")


@pytest.mark.fault(37)
def test_a_view_whose_definer_is_gone_says_so(source: Source) -> None:
    source.make("under", BASE, "(1, 1, 1, '2024-01-01')")
    source.sql(
        "CREATE OR REPLACE DEFINER = 'nobody'@'nowhere' SQL SECURITY DEFINER "
        "VIEW of_nobody AS SELECT * FROM under"
    )
    result = source.run(source.catalog("of_nobody"))
    source.sql("DROP VIEW of_nobody")
    assert isinstance(result.error, SourceError)
    assert "definer" in str(result.error)
    assert "DB_PASSWORD" not in str(result.error)


# -- collations


@pytest.mark.fault(62)
def test_text_keys_that_differ_by_blanks_alone_are_warned_of(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    collation = "utf8mb4_0900_bin" if source.is_mysql else "utf8mb4_nopad_bin"
    source.make("blanks", f"code VARCHAR(9) COLLATE {collation} PRIMARY KEY", "('a'), ('a ')")
    assert len(source.read("blanks").rows("blanks")) == 2
    (told,) = [r for r in caplog.records if r.name == "tap-mysql.catalog"]
    assert "'a' and 'a ' are different keys in code" in told.getMessage()
    assert getattr(told, "column", None) == "code"
