"""tidemark s3clean: what lies in the lake, and removing what is not needed any more."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import typer
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName

from tidemark.commands.options import TablesOption
from tidemark.config.project import Project
from tidemark.services.lake.catalogue import Catalogue, read_catalogue, require_known
from tidemark.services.lake.file_status import LakeFile, Rules, Selection, Status, matches
from tidemark.services.maintenance.cleaning import clean, plan
from tidemark.terminal.app import App
from tidemark.terminal.console import (
    Format,
    FormatOption,
    Panel,
    confirm,
    console,
    note,
    print_json,
)
from tidemark.terminal.format import counted, describe_age, parse_age, size
from tidemark.terminal.table import make_table

app = App(
    help="List and remove files of the lake; committed files that are not loaded yet are kept.",
    epilog="Examples:\n\n  tidemark s3clean list --older-than 7d\n\n"
    "  tidemark s3clean clean --dry-run",
    no_args_is_help=True,
)
OlderOption = Annotated[
    str | None,
    typer.Option("--older-than", metavar="AGE", help="Minimum age, such as 7d, 24h or 30m."),
]
PatternOption = Annotated[
    str | None,
    typer.Option(
        "--pattern", metavar="GLOB", help="Only files with matching names: batch_*, *.parquet."
    ),
]
DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Show what would be removed.")]
ForceOption = Annotated[
    bool, typer.Option("--yes", "-y", "--force", "-f", help="Do not ask for confirmation.")
]
UnloadedOption = Annotated[
    bool,
    typer.Option("--include-unloaded", help="Also remove committed files that are not loaded."),
]
LostOption = Annotated[
    bool,
    typer.Option(
        "--lost", help="Write off files that are in a manifest but missing from the bucket."
    ),
]


@app.command("list", epilog="Example:\n\n  tidemark s3clean list --older-than 7d --format json")
def list_files(
    table: TablesOption = None,
    older_than: OlderOption = None,
    pattern: PatternOption = None,
    show: Annotated[
        bool, typer.Option("--files/--summary", help="One line per file, or per table.")
    ] = True,
    format: FormatOption = Format.TABLE,
) -> None:
    """List the lake's files: size, age, and whether they are committed and loaded."""
    project = Project.load()
    _, catalogue = _read(project, table)
    files = [
        file
        for file in catalogue.files
        if (older_than is None or catalogue.now - file.modified >= parse_age(older_than))
        and (pattern is None or matches(file.key, pattern))
    ]
    _note_no_match(pattern, files)
    if format is Format.JSON:
        print_json(
            {
                "files": [_plain(file) for file in files],
                "tables": [summary.to_dict() for summary in _summary(files)],
                "foreign": catalogue.foreign,
                "warehouse": catalogue.problem or "asked",
            }
        )
        return
    if show:
        _print_files(f"Files in s3://{project.bucket}", files, catalogue)
    console().print(
        make_table(
            "By table",
            ["table", "files", *Status, "size"],
            [(t.table, t.files, *t.statuses.values(), size(t.bytes)) for t in _summary(files)],
            right=",".join(["files", *Status, "size"]),
        )
    )
    _notes(catalogue)


def remove(
    context: typer.Context,
    table: TablesOption = None,
    older_than: OlderOption = None,
    pattern: PatternOption = None,
    dry_run: DryRunOption = False,
    force: ForceOption = False,
    include_unloaded: UnloadedOption = False,
    lost: LostOption = False,
    format: FormatOption = Format.TABLE,
) -> None:
    """Two commands: `clean` goes by age and asks once, `clean-all` takes all and asks twice."""
    everything = context.info_name == "clean-all"
    older_than = older_than or (None if everything or lost else "7d")
    rules = Rules(
        older_than=parse_age(older_than) if older_than else None,
        pattern=pattern,
        include_unloaded=include_unloaded,
        lost=lost,
    )
    project = Project.load()
    tables, catalogue = _read(project, table)
    run_cleaning(
        project,
        catalogue,
        rules,
        tables,
        dry_run=dry_run,
        force=force,
        questions=2 if everything else 1,
        format=format,
    )


app.command(
    "clean",
    help="Remove loaded files and orphans above a certain age (default: 7 days).",
    epilog="Example:\n\n  tidemark s3clean clean --older-than 30d --dry-run",
)(remove)
app.command(
    "clean-all",
    help="Remove all loaded files and orphans, regardless of age; asks twice.",
    epilog="Example:\n\n  tidemark s3clean clean-all -t partner_info --dry-run",
)(remove)


def run_cleaning(
    project: Project,
    catalogue: Catalogue,
    rules: Rules,
    tables: Sequence[TableName],
    *,
    dry_run: bool,
    force: bool,
    questions: int,
    format: Format,
) -> None:
    """Shows what would go, asks, and removes it."""
    selection = plan(project, catalogue, rules, tables)
    total = f"{counted(len(selection.remove), 'file')}, {size(selection.size)}"
    if format is Format.TABLE:
        _show(selection, catalogue)
        _notes(catalogue)
    if rules.pattern:
        _note_no_match(rules.pattern, [f for f in catalogue.files if matches(f.key, rules.pattern)])
    cleaned = []
    if selection.remove and not dry_run:
        confirm(f"Remove {total}?", yes=force)
        if questions > 1:
            names = ", ".join(sorted({str(file.table) for file in selection.remove}))
            confirm(f"Really remove {total} of {names}? This cannot be undone.", yes=force)
        cleaned = clean(project, selection, rules)
    freed = sum(item.freed for item in cleaned)
    count = sum(item.files for item in cleaned)
    if format is Format.JSON:
        print_json(
            {
                "dry_run": dry_run,
                "selected": [_plain(file) for file in selection.remove],
                "kept": selection.kept,
                "removed": {"files": count, "bytes": freed, "tables": cleaned},
                "warehouse": catalogue.problem or "asked",
            }
        )
    elif dry_run:
        console().print(f"Dry run: nothing was removed; would remove {total}.")
    elif not selection.remove:
        console().print("Nothing to remove.")
    else:
        console().print(f"Removed {counted(count, 'file')}, freed {size(freed)}.")


def _read(project: Project, texts: list[str] | None) -> tuple[list[TableName], Catalogue]:
    tables = project.tables(texts)
    if texts and not tables:
        raise ConfigError("--table matches no table", hint="tidemark s3clean list")
    catalogue = read_catalogue(project, tables)
    known = {file.table for file in catalogue.files} | catalogue.manifests.keys()
    if tables and not known.issuperset(tables):
        everything = read_catalogue(project)
        require_known(tables, {f.table for f in everything.files} | everything.manifests.keys())
    return tables, catalogue


def _show(selection: Selection, catalogue: Catalogue) -> None:
    _print_files("To be removed", selection.remove, catalogue)
    for reason, count in sorted(selection.kept.items()):
        console().print(f"Kept: {counted(count, 'file')} ({reason})", markup=False)


def _print_files(title: str, files: Sequence[LakeFile], catalogue: Catalogue) -> None:
    """Prints files, one per row."""
    rows = [
        (
            file.key,
            file.status,
            file.rows,
            size(file.size),
            describe_age(catalogue.now - file.modified),
        )
        for file in files
    ]
    columns = ["file", "status", "rows", "size", "age"]
    console().print(make_table(title, columns, rows, right="rows,size,age"))


def _notes(catalogue: Catalogue) -> None:
    if catalogue.problem:
        note(f"Could not ask the warehouse what is loaded: {catalogue.problem}")
    if catalogue.foreign:
        note(f"{len(catalogue.foreign)} objects in the folder are not lake files; ignored.")


def _note_no_match(pattern: str | None, files: Sequence[LakeFile]) -> None:
    if pattern and not files:
        note(f"No file matches {pattern}; a name is like 2025-07-28_20-12-03_batch_0001.parquet")


@dataclass(frozen=True)
class _Summary:
    """The files of one table: how many, of which status, and how many bytes they are."""

    table: str
    files: int
    statuses: dict[str, int]
    bytes: int

    def to_dict(self) -> dict[str, object]:
        return {"table": self.table, "files": self.files, **self.statuses, "bytes": self.bytes}


def _summary(files: Sequence[LakeFile]) -> list[_Summary]:
    by_table: dict[TableName, list[LakeFile]] = defaultdict(list)
    for file in files:
        by_table[file.table].append(file)
    result = []
    for table, members in sorted(by_table.items()):
        statuses = Counter(file.status for file in members)
        counts = {str(status): statuses[status] for status in Status}
        total = sum(file.size for file in members)
        result.append(_Summary(str(table), len(members), counts, total))
    return result


def _plain(file: LakeFile) -> dict[str, object]:
    return {
        "key": file.key,
        "table": str(file.table),
        "status": str(file.status),
        "rows": file.rows,
        "bytes": file.size,
        "modified": file.modified,
        "extracted_at": file.extracted_at,
        "manifest": file.manifest,
    }


def register(root: typer.Typer) -> None:
    """Adds the commands to the application."""
    root.add_typer(app, name="s3clean", rich_help_panel=Panel.CLEAN)
