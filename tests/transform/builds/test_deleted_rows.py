"""Rows that are deleted in MySQL: a table removes them, or keeps them and says when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from dbt_project.project import (
    EPOCH,
    Dbt,
    Landing,
    Query,
    copied_project,
    table_contract,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tidemark.services.compare.keys.row_keys import RowKey
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType

OWN = {"id": "integer", "b c": "varchar(9)", "name": "varchar(20)"}
SYSTEM = {"_sdc_extracted_at": "timestamp", "_sdc_deleted_at": "timestamp",
          "_tidemark_load_id": "bigint"}  # fmt: skip
BY_LOG = {"replication_method": "LOG_BASED"}
KEPT = BY_LOG | {"hard_delete": False, "deleted_at": "row deleted"}
#: Keys of every type that both servers write alike.
ODD_KEY = {"t": "varchar(20)", "n": "numeric(20,0)", "i": "smallint", "b": "varbyte(8)",
           "d": "date", "m": "timestamp"}  # fmt: skip
#: Of each table its key, its columns, and what its contract says of how it is copied.
TABLES: dict[str, tuple[list[str], dict[str, str], dict[str, Any]]] = {
    "removing": (["id", "b c"], OWN, BY_LOG),
    "keeping": (["id", "b c"], OWN | {"row deleted": "timestamp"}, KEPT),
    "marked": (
        list(ODD_KEY),
        ODD_KEY | {"changed": "timestamp", "deleted_at": "timestamp"},
        {"replication_key": "changed", "hard_delete": False},
    ),
}
BOTH = ("removing", "keeping")
#: Contracts that cannot be, and what is said of them.
WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "whole": ({"replication_method": "FULL_TABLE", "hard_delete": False}, "is read in full"),
    "bare": ({"replication_key": "id", "hard_delete": False}, "add settlement.bare --soft-delete"),
    "odd": ({"replication_key": "id", "hard_delete": "no"}, "meta.hard_delete is no"),
}


@dataclass
class History:
    """What happens in MySQL and what the backups see of it: the model of both tables.

    Attributes:
        rows: What MySQL has, by key.
        changed: Keys that the log tells of and no backup has read.
        read: What each backup has read: rows, and tombstones of keys that are gone.
        seen: Of each key that was ever read the last values, and when it was found deleted.
    """

    rows: dict[int, str] = field(default_factory=dict)
    changed: dict[int, None] = field(default_factory=dict)
    read: list[list[dict[str, object]]] = field(default_factory=list)
    seen: dict[int, tuple[str, datetime | None]] = field(default_factory=dict)
    tick: int = 0

    def put(self, key: int) -> None:
        """Inserts a row, or updates it."""
        self.tick += 1
        self.rows[key] = f"v{self.tick}"
        self.changed[key] = None

    def delete(self, key: int) -> None:
        if self.rows.pop(key, None) is not None:
            self.changed[key] = None

    def move(self, key: int, to: int) -> None:
        """Changes a key."""
        if key in self.rows and to not in self.rows:
            self.rows[to] = self.rows.pop(key)
            self.changed |= {key: None, to: None}

    def backup(self, *, repeated: bool) -> None:
        """Reads what has changed; a run that ends before its bookmark is repeated by the next."""
        self.tick += 1
        at = EPOCH + timedelta(microseconds=self.tick)
        load = []
        for key in self.changed:
            value = self.rows.get(key)
            load.append(version(key, value, at))
            if value is not None:
                self.seen[key] = value, None
            elif key in self.seen:
                self.seen[key] = self.seen[key][0], at
        self.read.append(load)
        if not repeated:
            self.changed.clear()

    @property
    def removing(self) -> list[tuple[Any, ...]]:
        return sorted((k, "x", value) for k, (value, at) in self.seen.items() if at is None)

    @property
    def keeping(self) -> list[tuple[Any, ...]]:
        return sorted(
            ((key, "x", value, at) for key, (value, at) in self.seen.items()),
            key=lambda row: row[0],
        )


def version(key: int, name: str | None, at: datetime) -> dict[str, object]:
    """A row as it was read, or the tombstone of a key."""
    row: dict[str, object] = {"id": key, '"b c"': "x", "name": name, "_sdc_extracted_at": at}
    return row | {"_sdc_deleted_at": at if name is None else None}


@pytest.fixture(scope="module")
def project(
    built: Landing, dbt_env: dict[str, str], query: Query, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Dbt]:
    tables = TABLES | {name: (["id"], {"id": "integer"}, meta) for name, (meta, _) in WRONG.items()}
    contracts = {
        name: table_contract(
            name, columns, {"unique_key": key, "meta": meta | {"source": f"settlement.{name}"}}
        )
        for name, (key, columns, meta) in tables.items()
    }
    folder = copied_project(tmp_path_factory.mktemp("deleted") / "transform", contracts)
    for name, (_, own, _) in TABLES.items():
        landed = {column: kind for column, kind in own.items() if "deleted" not in column} | SYSTEM
        columns = ", ".join(f'"{column}" {kind}' for column, kind in landed.items())
        query(f"create table landing.{name} ({columns})", user="tidemark_loader")
    runner = Dbt(dbt_env, folder / "target", folder)
    yield runner
    runner.close()
    for name in tables:
        query(f"drop table if exists landing.{name}", user="tidemark_loader")
        for table in (f"public.{name}", *(f"tidemark_dbt.{name}__{k}" for k in KINDS)):
            query(f"drop table if exists {table}", user="tidemark_transformer")


KINDS = ("loads", "versions")


@pytest.fixture
def world(landing: Landing, project: Dbt, query: Query) -> World:
    found = World(landing, project, query)
    found.clear()
    return found


@dataclass
class World:
    """Both tables, loaded and built alike."""

    landing: Landing
    dbt: Dbt
    query: Query

    def clear(self) -> None:
        self.landing.clear()
        for name in TABLES:
            self.query(f"delete from landing.{name}", user="tidemark_loader")

    def load(self, rows: Sequence[dict[str, object]]) -> None:
        for name in BOTH:
            self.landing.load(name, rows)

    def held(self, name: str) -> list[tuple[Any, ...]]:
        found = self.query(f"select * from public.{name}", user="tidemark_transformer")
        return sorted(map(tuple, found), key=lambda row: row[0])

    def check(self, history: History, *words: str) -> None:
        self.dbt("run", "--select", *BOTH, *words)
        assert self.held("removing") == history.removing
        assert self.held("keeping") == history.keeping

    def read_anew(self, history: History) -> None:
        """What `tidemark rebuild` does: landing has what MySQL has now, and nothing before it."""
        history.tick += 1
        at = EPOCH + timedelta(microseconds=history.tick)
        for name in BOTH:
            self.query(f"delete from landing.{name}", user="tidemark_loader")
        self.query("delete from landing.tidemark_loads", user="tidemark_loader")
        self.load([version(key, value, at) for key, value in history.rows.items()])


keys = st.integers(1, 9)
steps = st.one_of(
    st.tuples(st.just("put"), keys, keys),
    st.tuples(st.just("put"), keys, keys),
    st.tuples(st.just("delete"), keys, keys),
    st.tuples(st.just("move"), keys, keys),
    st.tuples(st.sampled_from(["backup", "backup", "repeated", "build"]), keys, keys),
)
histories = st.lists(steps, min_size=20, max_size=80)
Step = tuple[str, int, int]


def tell(world: World, told: Sequence[Step]) -> None:
    world.clear()
    history, loaded, builds = History(), 0, 0
    for step, key, other in [*told, ("backup", 0, 0)]:
        if step == "put":
            history.put(key)
        elif step == "delete":
            history.delete(key)
        elif step == "move":
            history.move(key, other)
        elif step in ("backup", "repeated"):
            history.backup(repeated=step == "repeated")
        elif builds < 2:
            builds += 1
            world.load([row for load in history.read[loaded:] for row in load])
            loaded = len(history.read)
            world.check(history)
    for load in history.read[loaded:]:
        world.load(load)
    world.check(history)
    world.check(history, "--full-refresh")
    world.read_anew(history)
    world.check(history, "--full-refresh")


quiet = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.mark.fault(203)
def test_a_long_history(world: World) -> None:
    seed = 20
    print(f"seed {seed}")
    chance = Random(seed)
    words = ["put"] * 5 + ["delete"] * 3 + ["move"] * 2 + ["backup", "repeated", "build"]
    told: list[Step] = []
    for _ in range(250):
        key, other = chance.sample(range(1, 30), 2)
        told.append((chance.choice(words), key, other))
    tell(world, told)


@pytest.mark.soak
@settings(max_examples=40, deadline=None, suppress_health_check=quiet)
@given(told=histories)
def test_forty_histories(world: World, told: list[Step]) -> None:
    tell(world, told)


def test_a_table_of_another_shape_or_dropped_is_made_again(world: World, query: Query) -> None:
    history = History()
    for key in (1, 2, 3):
        history.put(key)
    history.backup(repeated=False)
    history.delete(1)
    history.move(2, 4)
    history.backup(repeated=False)
    world.load([row for load in history.read for row in load])
    world.check(history)
    query("drop table public.keeping", user="tidemark_transformer")
    world.check(history)
    world.read_anew(history)
    query("alter table public.keeping add column former integer", user="tidemark_transformer")
    world.check(history, "--full-refresh")


@pytest.mark.fault(203)
def test_the_last_values_of_a_row_are_not_lost_by_a_rebuild(world: World, query: Query) -> None:
    """Landing has no more than the tombstone, which no build has taken yet."""
    history = History()
    history.put(1)
    history.backup(repeated=False)
    world.load(history.read[0])
    world.dbt("run", "--select", *BOTH)
    history.delete(1)
    history.backup(repeated=False)
    query("delete from landing.keeping", user="tidemark_loader")
    world.load(history.read[1])
    refused = world.dbt("run", "--select", "keeping", "--full-refresh", check=False)
    assert "landing.keeping no longer has 1 of its rows" in refused["keeping"]["message"]
    world.check(history)
    world.check(history, "--full-refresh")


#: As the loader makes it.
MARKS_DDL = (
    "create table if not exists landing.tidemark_deletions (source_table varchar(512),"
    " row_key varchar(16384), found_at timestamp, run_id varchar(64))"
)


def key_sql() -> str:
    """The text of a key of `marked` as reconcile has it."""
    kinds = {
        "t": ColumnType("string", length=20),
        "n": ColumnType("decimal", precision=20, scale=0),
        "i": ColumnType("int16"),
        "b": ColumnType("binary", length=8),
        "d": ColumnType("date"),
        "m": ColumnType("timestamp"),
    }
    assert kinds.keys() == ODD_KEY.keys()
    table = TableName("settlement", "marked")
    return RowKey(table, "public", "marked", tuple(kinds.items())).redshift()


@pytest.fixture
def marks(query: Query) -> Iterator[None]:
    query(MARKS_DDL, user="tidemark_loader")
    yield
    query(
        "delete from landing.tidemark_deletions where source_table = 'settlement.marked'",
        user="tidemark_loader",
    )


@pytest.mark.fault(204)
@pytest.mark.usefixtures("marks")
def test_rows_that_reconcile_has_marked_say_so_until_they_are_back(
    world: World, query: Query
) -> None:
    """Of a table of which nobody tells the deletes; by any key, also after a full refresh."""

    def row(text: str, hour: int) -> dict[str, object]:
        at = EPOCH + timedelta(hours=hour)
        key = {"n": 10**19, "i": -3, "b": b"\x00\xff", "d": "2026-02-03"}
        moment = "2026-02-03 04:05:06.000007"
        return key | {"t": text, "m": moment, "changed": at, "_sdc_extracted_at": at}

    def held() -> dict[str, datetime | None]:
        return dict(query("select t, deleted_at from public.marked", user="tidemark_transformer"))

    def mark(hour: int, where: str) -> None:
        query(
            f"insert into landing.tidemark_deletions select 'settlement.marked', {key_sql()},"
            f" '{EPOCH + timedelta(hours=hour)}', 'run' from public.marked where {where}"
        )

    run = ("run", "--select", "marked")
    world.landing.load("marked", [row(text, 1) for text in ("a/b~c", "~1", "'\\", "live")])
    world.dbt(*run)
    assert set(held().values()) == {None}
    mark(5, "t <> 'live'")
    query(
        "insert into landing.tidemark_deletions select 'settlement.other', row_key, found_at,"
        " run_id from landing.tidemark_deletions",
        user="tidemark_loader",
    )
    for words in (run, run, (*run, "--full-refresh")):
        world.dbt(*words)
        at = EPOCH + timedelta(hours=5)
        assert held() == {"a/b~c": at, "~1": at, "'\\": at, "live": None}
    world.landing.load("marked", [row("~1", 6)])
    world.dbt(*run)
    assert held() == {"a/b~c": at, "~1": None, "'\\": at, "live": None}
    query(
        "delete from landing.tidemark_deletions where row_key like 'a%'"
        " or source_table like '%other'",
        user="tidemark_loader",
    )
    world.dbt(*run)
    assert held() == {"a/b~c": None, "~1": None, "'\\": at, "live": None}


def test_a_contract_that_cannot_be_stops_its_own_table(world: World) -> None:
    result = world.dbt("run", "--select", "removing", *WRONG, check=False)
    assert result["removing"]["status"] == "success"
    for name, (_, what) in WRONG.items():
        assert what in result[name]["message"]
