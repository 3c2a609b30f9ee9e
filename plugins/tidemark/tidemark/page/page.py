"""The report as one self-contained page: no script, no font, no request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

from tidemark.console import moment, size
from tidemark.page.charts import Facts
from tidemark.page.svg import columns, number, rows

_STYLE = """
:root { color-scheme: light dark; --ink: #1b2733; --paper: #ffffff; --faint: #5c6b7a;
  --line: #d5dde5; --bar: #2f6f9f; --bad: #b3372f; --card: #f5f8fa; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #11171d;
  --faint: #9aa8b5; --line: #33404c; --bar: #6fb1de; --bad: #f0857c; --card: #1a222a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 1100px; padding: 24px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 16px; margin: 0 0 8px; }
p { color: var(--faint); margin: 0 0 20px; }
main { display: grid; gap: 20px; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); }
section { background: var(--card); border-radius: 8px; padding: 16px; overflow-x: auto; }
section.wide { grid-column: 1 / -1; }
svg { width: 100%; height: auto; } svg text { fill: var(--faint); font-size: 11px; }
svg line { stroke: var(--line); } .bar { fill: var(--bar); } .bad { fill: var(--bad); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--faint); }
th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
"""


def render(facts: Facts) -> str:
    """Writes the page."""
    short = [day[5:] for day in facts.days]
    runs = facts.runs
    failed = [run for run in runs if not run.success]
    sections = [
        ("Rows a day", columns(short, facts.rows, title="Rows extracted a day"), ""),
        ("Megabytes a day", columns(short, facts.megabytes, title="Megabytes a day"), ""),
        (
            "Seconds of each run",
            columns(
                [run.started[5:16] for run in runs],
                [run.seconds for run in runs],
                title="Seconds of each run, failures in red",
                bad=[not run.success for run in runs],
            )
            if runs
            else _empty("No run has left a report in this time."),
            "",
        ),
        (
            "Lag: hours since the newest extraction",
            rows(
                [table for table, _ in facts.lag],
                [hours for _, hours in facts.lag],
                title="Hours since the newest extraction, by table",
                unit="h",
            ),
            "",
        ),
        (
            "Storage by table",
            rows(
                [table.table for table in facts.tables],
                [table.bytes / 1e6 for table in facts.tables],
                title="Megabytes in the lake, by table",
                unit="MB",
            ),
            "",
        ),
        ("Failures", _failures([(run.started, run.errors) for run in failed]), ""),
        ("Watermarks and freshness", _watermarks(facts), "wide"),
    ]
    body = "".join(
        f'<section class="{kind}"><h2>{escape(title)}</h2>{content}</section>'
        for title, content, kind in sections
    )
    total = size(sum(table.bytes for table in facts.tables))
    summary = (
        f"{moment(facts.now)} UTC. {len(facts.tables)} tables, {total} in the lake, "
        f"{len(runs)} runs and {len(failed)} failures in {len(facts.days)} days."
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>Tidemark report</title><style>{_STYLE}</style></head><body>"
        f"<h1>Tidemark</h1><p>{escape(summary)}</p><main>{body}</main></body></html>\n"
    )


def _empty(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _failures(failed: Sequence[tuple[str, Sequence[str]]]) -> str:
    if not failed:
        return _empty("None.")
    cells = [(started, "; ".join(errors) or "killed") for started, errors in failed[-10:]]
    return _table(["began", "why"], cells)


def _watermarks(facts: Facts) -> str:
    heads = ["table", "last data", "last extraction", "rows", "files", "waiting", "status"]
    cells = [
        (
            mark.table,
            mark.last_data,
            moment(mark.last_extraction) if mark.last_extraction else None,
            mark.rows_extracted,
            mark.files_extracted,
            mark.files_waiting,
            mark.status,
        )
        for mark in facts.watermarks
    ]
    return _table(heads, cells)


def _table(heads: Sequence[str], lines: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(map(_cell, line)) + "</tr>" for line in lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    if isinstance(value, int):
        return f'<td class="n">{number(value)}</td>'
    return f"<td>{escape('-' if value is None else str(value))}</td>"
