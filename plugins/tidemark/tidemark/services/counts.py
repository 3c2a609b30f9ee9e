"""How many rows of a table stand where, and whether that adds up.

The source moves while it is counted. What is held against the public table is therefore a range:
rows up to the bookmark must be there, rows changed since may be (in their older version) or not.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class StageCounts:
    """Rows of one table at each stage.

    Attributes:
        table: ``schema.table``.
        source: Rows in MySQL up to the bookmark.
        changed: Rows in MySQL changed since, which the next run will copy.
        lake: Rows in committed Parquet files, every version of a row counted.
        landing: Rows in the landing table; None when it does not exist.
        public: Rows in the public table; None when there is no model of that name.
        passed_over: Rows of the lake that `tidemark rebuild` has taken out of the load for good.
        deleted: Rows of the public table that `tidemark reconcile` has marked: MySQL had them no
            more.
    """

    table: str
    source: int
    changed: int
    lake: int
    landing: int | None
    public: int | None
    passed_over: int = 0
    deleted: int = 0

    def differences(self) -> list[str]:
        """What does not add up, in words; empty when everything does."""
        found = []
        if self.lake < self.source:
            found.append(f"the lake has {self.lake} rows, MySQL has {self.source} to copy")
        if self.landing is None:
            found.append("there is no landing table yet: meltano run load")
        elif self.landing != self.lake - self.passed_over:
            less = f", {self.passed_over} of them passed over by a rebuild" * bool(self.passed_over)
            found.append(f"landing has {self.landing} rows, the lake has {self.lake}{less}")
        if self.public is not None and not self._plausible(self.public):
            found.append(self._public_difference(self.public))
        return found

    def _public_difference(self, public: int) -> str:
        most = f" to {self.source + self.changed}" if self.changed else ""
        marked = f", {self.deleted} of them marked as deleted" * bool(self.deleted)
        said = f"public has {public} rows{marked}, MySQL has {self.source}{most}"
        # Fewer rows than there should be are explained by a row that is back, its mark still there.
        if self.deleted or public > self.source + self.changed:
            return f"{said}: tidemark reconcile -t {self.table}"
        return said

    def _plausible(self, public: int) -> bool:
        return self.source <= public - self.deleted <= self.source + self.changed
