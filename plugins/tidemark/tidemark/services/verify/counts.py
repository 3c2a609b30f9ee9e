"""How many rows of a table each stage has, and whether that adds up. Pure.

The source changes while it is counted. The public table is therefore compared with a range: rows
up to the bookmark must be there, rows changed since may be (in their older version) or not.
"""

from __future__ import annotations

from dataclasses import dataclass

from tidemark.terminal.format import counted


@dataclass(frozen=True)
class StageCounts:
    """Rows of one table at each stage.

    Attributes:
        table: ``schema.table``.
        source: Rows in MySQL up to the bookmark; None: MySQL has no such table.
        changed: Rows in MySQL changed since, which the next run will copy.
        lake: Rows in committed Parquet files, every version of a row counted.
        landing: Rows in the landing table; None when it does not exist.
        public: Rows in the public table; None when there is no model of that name.
        passed_over: Rows of the lake that `tidemark rebuild` has excluded from the load.
        deleted: Rows of the public table that `tidemark reconcile` has marked, or that say
            themselves since when they are deleted: MySQL no longer had them.
        lost: Files that manifests name and the bucket does not have, or has with another content.
        lost_file: The first of them.
        waiting: Committed files that are not in the warehouse's ledger.
        skipped: How many of them the next load would skip, because its bookmark was set by hand.
    """

    table: str
    source: int | None
    changed: int
    lake: int
    landing: int | None
    public: int | None
    passed_over: int = 0
    deleted: int = 0
    lost: int = 0
    lost_file: str | None = None
    waiting: int = 0
    skipped: int = 0

    def differences(self) -> list[str]:
        """What does not add up, each with the command that helps; empty when everything does."""
        found = [
            self._source_difference(),
            self._lost_difference(),
            self._landing_difference(),
            self._public_difference(),
        ]
        return [text for text in found if text is not None]

    @property
    def _has_nothing(self) -> bool:
        """Whether no stage knows of the table: it is selected, but was never backed up."""
        return not self.lake and self.landing is None

    def _source_difference(self) -> str | None:
        if self.source is None:
            return (
                "MySQL has no such table any more, or DB_USER may not read it: grant SELECT, or,"
                " if it was dropped or renamed, select the other tables with -t"
            )
        if self._has_nothing and self.source:
            return (
                f"the lake has no files for it, MySQL has {counted(self.source, 'row')}: "
                + self._backup
            )
        if self.lake < self.source:
            how = "reconcile" if self.public is not None else "verify --checksum"
            which = f"tidemark {how} -t {self.table} shows which"
            return f"the lake has {self.lake:,} rows, MySQL has {self.source:,}: {which}"
        return None

    @property
    def _backup(self) -> str:
        return f"tidemark sync -t {self.table}"

    def _lost_difference(self) -> str | None:
        if not self.lost:
            return None
        return (
            f"{counted(self.lost, 'file')} of the lake that its manifests name "
            f"{'is' if self.lost == 1 else 'are'} missing or overwritten, the first is "
            f"{self.lost_file}: "
            "restore the objects' versions, or write them off with tidemark s3clean clean "
            f"-t {self.table} --lost and read everything again: tidemark watermark reset -t "
            f"{self.table}"
        )

    def _landing_difference(self) -> str | None:
        if self.landing is None:
            return None if self._has_nothing else "there is no landing table yet: meltano run load"
        if self.landing == self.lake - self.passed_over:
            return None
        less = f", {self.passed_over:,} of them skipped by a rebuild" * bool(self.passed_over)
        said = f"landing has {self.landing:,} rows, the lake has {self.lake:,}{less}"
        return f"{said}: {self._landing_cure()}"

    def _landing_cure(self) -> str:
        load = f"tidemark sync -t {self.table} --redshift-only"
        if self.skipped:
            reset = f"tidemark watermark reset -t {self.table} --leg load"
            return (
                f"{counted(self.skipped, 'file')} before the load's bookmark would never be "
                "loaded: "
                f"{reset}, then {load}"
            )
        return load if self.waiting else f"tidemark rebuild -t {self.table} --from-lake"

    def _public_difference(self) -> str | None:
        if self.public is None or self.source is None or self._plausible(self.public):
            return None
        most = f" to {self.source + self.changed:,}" if self.changed else ""
        marked = f", {self.deleted:,} of them marked as deleted" * bool(self.deleted)
        said = f"public has {self.public:,} rows{marked}, MySQL has {self.source:,}{most}"
        # Too few rows may be explained by a row that is back, with its mark still there.
        if self.deleted or self.public > self.source + self.changed:
            return f"{said}: tidemark reconcile -t {self.table}"
        return f"{said}: meltano run build, else tidemark reconcile -t {self.table} shows which"

    def _plausible(self, public: int) -> bool:
        source = self.source or 0
        return source <= public - self.deleted <= source + self.changed
