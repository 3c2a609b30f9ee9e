"""Counts the rows of each table at every stage, and compares their content."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tap_mysql.values.bookmark_facts import Reading
from tidemark_core.errors import ConfigError, LakeError, TidemarkError
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import LANDING_SCHEMA, TableName, fold
from tidemark_core.redshift.connection import WarehouseConnection, connect
from tidemark_core.text.documents import Json
from tidemark_core.types.super_columns import NO_SUPER, SuperColumns

from tidemark.config.project import Project
from tidemark.config.tables.selection import Rules
from tidemark.services.bookmarks.bookmark import Leg
from tidemark.services.bookmarks.store import States
from tidemark.services.compare.content.comparison import Difference
from tidemark.services.compare.content.eligibility import PUBLIC, Facts, NotCompared, comparisons
from tidemark.services.compare.content.ranges import compare
from tidemark.services.compare.keys.tombstones import marked
from tidemark.services.lake.backlog import NextLoad
from tidemark.services.lake.ledger import types_of
from tidemark.services.lake.listing import list_objects, read_archive, read_manifests
from tidemark.services.lake.lost_files import lost_files
from tidemark.services.verify.counting import Counter, count_rows
from tidemark.services.verify.counts import StageCounts
from tidemark.source.mysql import MySQL, open_mysql
from tidemark.source.queries import column_types


@dataclass(frozen=True)
class Verified:
    """What was found of one table.

    Attributes:
        table: ``schema.table``.
        counts: Its rows; None: they could not be counted.
        differences: What differs in content; None: it was not compared.
        not_compared: What was not looked at.
        problem: Why it could not be verified, or not to the end; None: it was.
    """

    table: str
    counts: StageCounts | None
    differences: tuple[Difference, ...] | None = None
    not_compared: tuple[NotCompared, ...] = ()
    problem: str | None = None

    @property
    def verdict(self) -> str:
        """The result, in one to four words."""
        if self.problem is not None:
            return "failed"
        if self.differences or (self.counts and self.counts.differences()):
            return "differs"
        if self.differences is None:
            return "counts agree"
        return "agrees as far as compared" if self.not_compared else "agrees"


def verify_tables(
    project: Project, wanted: Iterable[TableName], *, checksum: bool = False
) -> list[Verified]:
    """Verifies the tables of the lake and those that the project selects, or those asked for.

    A table that cannot be verified does not stop the others.

    Args:
        project: Where we are.
        wanted: Tables; empty: all.
        checksum: Whether to compare the content too.

    Raises:
        ConfigError: A table that was asked for is not in the lake.
        TidemarkError: A server cannot be reached.
    """
    asked = list(wanted)
    # The files first: `lost_files` says why.
    objects, _ = list_objects(project.location, asked, client=project.s3)
    broken: list[LakeError] = []
    lake = read_lake(project, asked, broken=broken)
    states = States(project)
    marks = states.bookmarks(Leg.BACKUP)
    found = [Verified(error.table or "a manifest", None, problem=str(error)) for error in broken]
    unread = {error.table for error in broken}
    with open_mysql(project.mysql) as mysql, connect(project.reader) as warehouse:
        look = _Look(
            Counter(
                mysql,
                warehouse,
                NextLoad(project, states.bookmarks(Leg.LOAD)),
                project.names,
                project.public_schema,
                project.deleted_at,
            ),
            lost_files(project, objects, lake.manifests),
            checksum,
            project.super_columns,
        )
        for table, history in lake.commits.items():
            if str(table) not in unread:
                found.append(look.at(table, history, reading_of(history[-1], marks)))
        if not asked:
            found += _without_backup(project, mysql, known={*lake.commits, *unread})
    return sorted(found, key=lambda verified: verified.table)


@dataclass(frozen=True)
class _Look:
    """Looks at one table after the other."""

    counter: Counter
    lost: Mapping[TableName, Sequence[ManifestFile]]
    checksum: bool
    super_columns: SuperColumns

    def at(self, table: TableName, history: Sequence[Manifest], reading: Reading) -> Verified:
        """Counts and compares a table; a failure is reported as its problem."""
        counts = None
        try:
            types = column_types(self.counter.mysql, table)
            counts = self.counter.count(table, history, reading if types else None)
            counts = _with_lost(counts, self.lost.get(table, ()))
            if not self.checksum or not types:
                return Verified(str(table), counts)
            differences, left = self._content(history[-1], reading, types)
            return Verified(str(table), counts, differences, left)
        except TidemarkError as error:
            if error.retryable or getattr(error, "lost", False):
                raise
            return Verified(str(table), counts, problem=str(error))

    def _content(
        self,
        newest: Manifest,
        reading: Reading,
        types: Mapping[str, str],
    ) -> tuple[tuple[Difference, ...], tuple[NotCompared, ...]]:
        mysql, warehouse = self.counter.mysql, self.counter.warehouse
        facts = facts_of(
            newest,
            self.counter.schema,
            self.counter.names.of(newest.table),
            reading,
            types,
            warehouse,
            retired=bool(self.counter.retired(newest.table)),
            has_marks=marked(warehouse, newest.table) > 0,
            deleted_at=self.counter.deleted_at.get(str(newest.table)),
            super_columns=self.super_columns,
        )
        chosen, left = comparisons(facts)
        differences = [d for one in chosen for d in compare(one, mysql, warehouse)]
        return tuple(differences), tuple(left)


def facts_of(
    newest: Manifest,
    schema: str,
    name: str,
    reading: Reading,
    types: Mapping[str, str],
    warehouse: WarehouseConnection,
    *,
    retired: bool,
    has_marks: bool,
    deleted_at: str | None = None,
    super_columns: SuperColumns = NO_SUPER,
) -> Facts:
    """What is known of a table before its rows are compared.

    Args:
        newest: Its newest manifest.
        schema: Where its public table is in the warehouse.
        name: What it is called there.
        reading: How far MySQL has been read.
        types: MySQL's type of each column.
        warehouse: As a user who reads the public table.
        retired: Whether retention has removed loads from landing.
        has_marks: Whether rows are marked as deleted.
        deleted_at: The contract's own column for deleted rows, if it has one.
        super_columns: The setting of that name.
    """
    landed = types_of(warehouse, LANDING_SCHEMA, name)
    built = types_of(warehouse, schema, name)
    landing = frozenset(landed) or None
    is_whole = landing is not None and (newest.is_full_copy or not retired)
    public = frozenset(built) or None
    own = fold(deleted_at) if deleted_at and public and fold(deleted_at) in public else None
    if public is not None and own is not None:
        public -= {own}
    return Facts(
        newest,
        schema,
        name,
        reading,
        types,
        public,
        landing,
        is_whole,
        has_marks,
        own,
        {PUBLIC: _super_among(built), LANDING_SCHEMA: _super_among(landed)},
        super_columns,
    )


def _super_among(types: Mapping[str, str]) -> frozenset[str]:
    return frozenset(name for name, kind in types.items() if kind == "super")


def reading_of(newest: Manifest, marks: Mapping[str, Json]) -> Reading:
    """How far a table has been read; without a key, all of it, as for a full copy.

    Args:
        newest: Its newest commit.
        marks: The bookmarks of the state, by stream. They move on without a commit when there was
            nothing new, and stay while a table is read whole.
    """
    if newest.is_full_copy:
        return Reading()
    return Reading.of(marks.get(newest.table.stream) or newest.bookmark)


def _with_lost(counts: StageCounts, lost: Sequence[ManifestFile]) -> StageCounts:
    return replace(counts, lost=len(lost), lost_file=lost[0].key) if lost else counts


def _without_backup(
    project: Project, mysql: MySQL, *, known: Collection[object]
) -> Iterator[Verified]:
    """The tables that the project selects by name and of which the lake has nothing."""
    for table in Rules.read(project.root).tables():
        if table not in known and str(table) not in known:
            rows = count_rows(mysql, table) if column_types(mysql, table) else None
            counts = StageCounts(str(table), rows, 0, lake=0, landing=None, public=None)
            yield Verified(str(table), counts)


@dataclass(frozen=True)
class Lake:
    """What was committed of some tables.

    Attributes:
        manifests: What is there, by table, oldest first.
        commits: The same, including what retention has removed.
    """

    manifests: Mapping[TableName, list[Manifest]]
    commits: Mapping[TableName, list[Manifest]]


def read_lake(
    project: Project, wanted: Iterable[TableName], *, broken: list[LakeError] | None = None
) -> Lake:
    """Every commit of each table, oldest first.

    Args:
        project: Where we are.
        wanted: Tables; empty: every table that the lake has a manifest of.
        broken: As for `tidemark.services.lake.listing.read_manifests`.

    Raises:
        ConfigError: A table that was asked for is not in the lake.
        LakeError: The lake cannot be read.
    """
    asked = list(wanted)
    manifests = read_manifests(project.location, asked, client=project.s3, broken=broken)
    archive = read_archive(project.location, asked, client=project.s3, broken=broken)
    unread = {error.table for error in broken or ()}
    found = {}
    for table in asked or sorted(manifests.keys() | archive.keys()):
        every = [*archive.get(table, []), *manifests.get(table, [])]
        if every:
            found[table] = sorted(every, key=lambda each: (each.extracted_at, each.part))
        elif str(table) not in unread:
            raise ConfigError(
                "the lake has no files for it", table=table, hint=f"tidemark backup -t {table}"
            )
    return Lake(manifests, found)
