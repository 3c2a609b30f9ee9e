"""Many generated databases in one server, led through both legs again and again."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tidemark_sandbox.world import Sandbox

from anydb.generate.model import Database, Settings, Table
from anydb.play.outcome import Outcome, concerns, is_fault, kind_of
from anydb.play.pipeline import Leg, Pipeline
from anydb.play.public import Project
from anydb.stores.compare import (
    EMPTY_BINARY_NULL,
    NUL_REMOVED,
    Expected,
    Findings,
    in_landing,
    in_landing_from_csv,
)
from anydb.stores.copies import Copies, counted_in
from anydb.stores.lake import Commit, Lake
from anydb.stores.source import Source
from anydb.stores.warehouse import Warehouse

_CHANGES = (NUL_REMOVED, EMPTY_BINARY_NULL)
_Leg = Callable[[Sequence[Table]], Leg]


@dataclass
class Batch:
    """Databases that share a server, a lake and landing.

    Attributes:
        sandbox: Where they are.
        databases: They.
        settings: The operator's.
        pipeline: Both legs.
        lake: Its lake.
        origin: What makes them again, for messages.
        project: What builds public tables of them; None: none are built.
    """

    sandbox: Sandbox
    databases: Sequence[Database]
    settings: Settings
    pipeline: Pipeline
    lake: Lake
    origin: str
    project: Project | None = None
    outcome: Outcome = field(default_factory=Outcome)
    _scripts: dict[str, list[str]] = field(default_factory=dict)
    _copies: dict[Table, Copies] = field(default_factory=dict)
    _refused: dict[Table, str] = field(default_factory=dict)
    _faulty: set[Table] = field(default_factory=set)
    _handed_over: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self._source, self._landing = Source(self.sandbox), Warehouse(self.sandbox)

    # ------------------------------------------------------------------ the story
    def play(self) -> Outcome:
        """Makes the databases, and for each of their runs the copies; in the end a run more."""
        self._source.drop(self.databases)
        for schema in ("landing", "public", "tidemark_dbt"):
            Warehouse(self.sandbox, schema).clear()
        try:
            for number in range(max(len(database.runs) for database in self.databases)):
                self._run(number)
            self._rerun()
        finally:
            self._source.drop(self.databases)
        self.outcome.counts["databases"] += len(self.databases)
        self.outcome.counts["tables"] += len(self._copies)
        return self.outcome

    def _run(self, number: int) -> None:
        tables = []
        for database in self.databases:
            taken = self._source.run(database.runs[number])
            self._scripts.setdefault(database.name, []).extend(taken)
            tables += self._source.present(database)
        for table in tables:
            copies = self._copies.setdefault(table, Copies(table))
            copies.snapshots.append(self._source.look(table))
        self._refused.clear()
        self._compare_lake(self._drive(self.pipeline.backup, list(self._copies)))
        self._drive(self.pipeline.load, list(self._copies))
        self._compare_landing()
        if self.project is not None:
            self._compare_public(self.project)

    def _drive(self, leg: _Leg, tables: list[Table]) -> Leg:
        """Runs a leg once: what it refuses stands alone, and every other table is done."""
        files, ledger = set(self.lake.keys("incremental/")), self._landing.ledger()
        done = leg(tables)
        refused = done.refused(tables)
        by_name = {str(table): table for table in self._copies}
        for name, error in refused.items():
            self._refuse(by_name[name], error)
        if any(done.codes) and not refused:
            self._wrong(None, f"ended with {done.codes} and named no table:\n{done.told[-3000:]}")
        if not any(done.codes) and refused:
            self._wrong(None, f"ended well, although {sorted(refused)} failed")
        self._check_report(done, files, ledger)
        return done

    @property
    def _expected(self) -> Expected:
        """What landing must hold of a value."""
        form = self.settings.warehouse.get("load_format", "csv")
        return in_landing_from_csv if form == "csv" else in_landing

    @property
    def _kept(self) -> list[Table]:
        """Tables that no leg of this round has refused."""
        return [table for table in self._copies if table not in self._refused]

    def _refuse(self, table: Table, error: str) -> None:
        self._refused[table] = error
        self.outcome.refused[kind_of(error)] += 1
        if is_fault(error):
            self._wrong(table, f"refused by a fault: {error}")

    # ------------------------------------------------------------------ comparisons
    def _compare_lake(self, backup: Leg) -> None:
        commits, counted = self.lake.commits(), backup.counted("extract")
        # RECORD messages have no word for it: the tap's report alone has what the tap changed.
        in_manifests = self.settings.tap["backup_output"] == "batch"
        for table in self._kept:
            found = commits.get(str(table), [])
            told = [{(c, r): n for (t, c, r), n in counted.items() if t == str(table)}]
            told += [counted_in(found)] if in_manifests else []
            self._held("lake", table, self._copies[table].lake(found, told))

    def _compare_landing(self) -> None:
        present, commits = self._landing.tables(), self.lake.commits()
        upsert = self.settings.warehouse.get("load_method") == "upsert"
        by_file = self.settings.reader["s3_output"] == "batch"
        for table in self._kept:
            name = table.copy
            rows = self._landing.read(name).rows if name in present else []
            found = commits.get(str(table), [])
            copied = by_file and table.replication_key is None
            if found and name not in present:
                self._wrong(table, "landing: there is no table")
            findings = self._copies[table].landing(
                rows, found, self._expected, upsert=upsert and not copied, copied=copied
            )
            self._held("landing", table, findings)

    def _compare_public(self, project: Project) -> None:
        """Builds a model for each table."""
        commits = self.lake.commits()
        modelled = {table: commits[str(table)][-1] for table in self._kept if str(table) in commits}
        project.write(modelled)
        code, told = project.build()
        if code:
            self._wrong(None, f"dbt ended with {code}:\n{told[-4000:]}")
        public = Warehouse(self.sandbox, "public")
        present = public.tables()
        for table in modelled:
            name = table.copy
            rows = public.read(name).rows if name in present else []
            found = commits[str(table)]
            self._held("public", table, self._copies[table].public(rows, found, self._expected))

    def _held(self, where: str, table: Table, findings: Findings) -> None:
        self.outcome.counts[f"{where} rows"] += findings.rows
        self.outcome.counts[f"{where} values"] += findings.values
        for reason, number in findings.changed.items():
            self.outcome.changed[f"{where} {reason}"] += number
        error = self._copies[table].now.error
        if error is not None:
            self._wrong(table, f"{where}: not refused, though the server says {error}")
        elif findings.wrong:
            self._wrong(table, f"{where}: " + "; ".join(findings.wrong[:4]))

    # ------------------------------------------------------------------ properties
    def _check_report(
        self, leg: Leg, files: set[str], ledger: Sequence[tuple[str, str, int, int]]
    ) -> None:
        """The counts of reports are those of what moved."""
        wanted: dict[str, Counter[str]] = {}
        for table, commits in self.lake.commits().items():
            for commit in commits:
                if files.isdisjoint(commit.files):
                    wanted.setdefault("lake", Counter())[table] += commit.said
                    assert commit.said == len(commit.rows), commit.key
        known = {file for _, file, _, _ in ledger}
        for table, file, rows, _ in self._landing.ledger():
            if file not in known:
                wanted.setdefault("warehouse", Counter())[table] += rows
        self._check_counts(leg, known)
        for name in ("lake", "warehouse"):
            moved = {table: rows for table, rows in wanted.get(name, {}).items() if rows}
            if name in leg.reports and leg.rows(name) != moved:
                self._wrong(None, f"the report of {name} says {leg.rows(name)}, moved {moved}")

    def _check_counts(self, leg: Leg, known: set[str]) -> None:
        """What was changed of what this load brought is counted in its report."""
        if "warehouse" not in leg.reports:
            return
        counted = leg.counted("warehouse")
        files = {file for _, file, _, _ in self._landing.ledger()} - known
        for table, commits in self.lake.commits().items():
            new = self._loaded(leg, table, commits, files)
            copies = next((c for t, c in self._copies.items() if str(t) == table), None)
            wanted = {} if copies is None else copies.lost(new, self._expected)
            told = {(c, r): n for (t, c, r), n in counted.items() if t == table and r in _CHANGES}
            if told != wanted:
                self._wrong(self._table(table), f"counted {told} in place of {wanted}")

    def _loaded(
        self, leg: Leg, table: str, commits: Sequence[Commit], files: set[str]
    ) -> list[Commit]:
        """What a load brought of a table: by the ledger's files, which rows in RECORDs have not."""
        if self.settings.reader["s3_output"] != "records":
            return [commit for commit in commits if not files.isdisjoint(commit.files)]
        if table in leg.refused(self._copies):
            return []
        new = [commit for commit in commits if commit.key not in self._handed_over]
        self._handed_over.update(commit.key for commit in new)
        return new

    def _rerun(self) -> None:
        """With nothing new no file is written and no row loaded."""
        still = [table for table in self._kept if table.replication_key is not None]
        files = set(self.lake.keys("incremental/"))
        rows = Counter(table for table, _, _, _ in self._landing.ledger())
        legs = self.pipeline.backup(still), self.pipeline.load(still)
        for table in still:
            refusals = [leg.refused([table]) for leg in legs]
            if any(refusals):
                self._wrong(table, f"refused by a run with nothing new: {refusals}")
        for name, commits in self.lake.commits().items():
            new = [file for commit in commits for file in commit.files if file not in files]
            if new:
                self._wrong(self._table(name), f"a run with nothing new wrote {new}")
        for name, number in Counter(t for t, _, _, _ in self._landing.ledger()).items():
            if number != rows[name]:
                self._wrong(self._table(name), "a run with nothing new loaded files")

    def _table(self, name: str) -> Table | None:
        return next((table for table in self._copies if str(table) == name), None)

    # ------------------------------------------------------------------ what is told
    def _wrong(self, table: Table | None, what: str) -> None:
        if table in self._faulty:
            return
        if table is None:
            self.outcome.wrong.append(f"{self.origin}\n{what}\n{self.settings}")
            return
        self._faulty.add(table)
        script = [s for s in self._scripts[table.database] if concerns(s, table)]
        told = ";\n".join(script)
        self.outcome.wrong.append(
            f"{self.origin}\n{table} (key {table.replication_key!r}, partition {table.partition!r})"
            f"\n{what}\n{self.settings}\n{told};\n"
        )


def play(
    root: Path, sandbox: Sandbox, folder: Path, databases: Sequence[Database], settings: Settings,
    origin: str,
    *,
    public: bool = False,
) -> Outcome:  # fmt: skip
    """Leads databases through the pipeline; gives what that has shown.

    Args:
        root: The project.
        sandbox: Where they are.
        folder: For what the runs keep.
        databases: The databases, with names of their own.
        settings: The operator's.
        origin: What makes them again.
        public: Whether public tables are built too; the tables' names must need no quotes.
    """
    lake = Lake(sandbox, f"lake-{uuid.uuid4()}")
    tables = [table for database in databases for table in database.tables]
    project = None
    if public:
        (folder / "dbt").mkdir()
        project = Project(root, sandbox, folder / "dbt", settings.warehouse["load_method"])
    pipeline = Pipeline(root, sandbox, folder, lake.root, settings, tables)
    return Batch(sandbox, databases, settings, pipeline, lake, origin, project).play()
