"""The report as one self-contained page: no script, no font, no request. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from html import escape

from tidemark.page.charts import Facts, verdict
from tidemark.page.svg import columns, number, rows
from tidemark.terminal.format import counted, key_text, moment, size

#: So many failures are shown.
_FAILURES = 10
_STYLE = """
:root { color-scheme: light dark; --ink: #1b2733; --paper: #ffffff; --faint: #5c6b7a;
  --line: #d5dde5; --bar: #2f6f9f; --bad: #b3372f; --card: #f5f8fa;
  --good: #2c7a4b; --late: #a86a00; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6edf3; --paper: #11171d;
  --faint: #9aa8b5; --line: #33404c; --bar: #6fb1de; --bad: #f0857c; --card: #1a222a;
  --good: #6fc492; --late: #e3ab4f; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  margin: 0 auto; max-width: 1200px; padding: 24px; }
.verdict { border-left: 6px solid var(--good); background: var(--card); border-radius: 4px;
  padding: 10px 16px; margin: 0 0 20px; overflow-wrap: anywhere; }
.verdict.late { border-color: var(--late); } .verdict.failed { border-color: var(--bad); }
.verdict b { font-size: 18px; } .verdict ul { margin: 4px 0 0; padding-left: 20px; }
h1 { font-size: 24px; margin: 0; } h2 { font-size: 16px; margin: 0 0 8px; }
p { color: var(--faint); margin: 0 0 20px; }
main { display: grid; gap: 20px; align-items: start;
  grid-template-columns: repeat(auto-fit, minmax(min(420px, 100%), 1fr)); }
section { background: var(--card); border-radius: 8px; padding: 16px; min-width: 0; }
section p { margin: 0; }
section.wide { grid-column: 1 / -1; }
svg { width: 100%; height: auto; display: block; } svg text { fill: var(--faint); font-size: 12px; }
svg line { stroke: var(--line); } .bar { fill: var(--bar); } .bad { fill: var(--bad); }
.rows div { display: grid; grid-template-columns: 1fr auto; gap: 2px 12px; margin-bottom: 8px;
  overflow-wrap: anywhere; }
.rows b { font-weight: normal; color: var(--faint); }
.rows i { grid-column: 1 / -1; height: 8px; border-radius: 2px; background: var(--bar); }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--faint); }
th, td { padding: 4px 14px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td { overflow-wrap: anywhere; } td.t { white-space: nowrap; }
th.n, td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
@media (max-width: 900px) { thead { display: none; } table, tbody, tr, td { display: block; }
  tr { border-bottom: 1px solid var(--line); padding: 6px 0; }
  td, td.n { border: 0; padding: 1px 0; text-align: left; white-space: normal; }
  td::before { content: attr(data-head) " "; color: var(--faint); } }
"""


class Moment(str):
    """Text that is not broken into lines."""

    __slots__ = ()


def render(facts: Facts) -> str:
    """Writes the page."""
    short = [day[5:] for day in facts.days]
    runs = facts.runs
    failed = [run for run in runs if not run.success]
    sections = [
        ("Rows per day", _days(short, facts.rows, title="Rows extracted per day"), ""),
        ("Megabytes per day", _days(short, facts.megabytes, title="Megabytes per day"), ""),
        (
            "Seconds of each run (red and crossed: it failed)",
            columns(
                [run.started[5:16].replace("T", " ") for run in runs],
                [run.seconds for run in runs],
                title="Seconds of each run, failures in red",
                bad=[not run.success for run in runs],
            )
            if runs
            else _empty("No run has left a report in this time."),
            "",
        ),
        (
            f"Age of the newest extraction; a full bar is {facts.max_age_hours} h or more",
            rows(
                [table for table, _ in facts.lag],
                [hours for _, hours in facts.lag],
                [_age(hours) for _, hours in facts.lag],
                title="Hours since the newest extraction, by table",
                full=facts.max_age_hours,
            )
            if facts.lag
            else _empty("No table has been extracted yet."),
            "",
        ),
        (
            "Storage by table",
            rows(
                [table.table for table in facts.tables],
                [table.bytes for table in facts.tables],
                [size(table.bytes) for table in facts.tables],
                title="Size in the lake, by table",
            )
            if facts.tables
            else _empty("The lake is empty: tidemark backup fills it."),
            "",
        ),
        ("Failures", _failures([(run.started, run.errors) for run in failed]), ""),
        ("Watermarks and freshness", _watermarks(facts), "wide"),
    ]
    body = "".join(
        f'<section class="{kind}"><h2>{escape(title)}</h2>{content}</section>'
        for title, content, kind in sections
    )
    name = f"Tidemark report: {facts.place}" if facts.place else "Tidemark report"
    total = size(sum(table.bytes for table in facts.tables))
    summary = (
        f"{moment(facts.now)} UTC. {counted(len(facts.tables), 'table')}, {total} in the lake, "
        f"{counted(len(runs), 'run')} and {counted(len(failed), 'failure')} "
        f"in {counted(len(facts.days), 'day')}, "
        f"{counted(sum(run.retries for run in runs), 'step')} tried again."
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<link rel="icon" href="data:,">'
        f"<title>{escape(name)}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(name)}</h1><p>{escape(summary)}</p>{_verdict(facts)}<main>{body}</main></body></html>\n"
    )


def _verdict(facts: Facts) -> str:
    found = verdict(facts)
    details = "".join(f"<li>{escape(line)}</li>" for line in found.details)
    more = f"<ul>{details}</ul>" if details else ""
    return f'<div class="verdict {found.level}"><b>{escape(found.words)}</b>{more}</div>'


def _age(hours: float) -> str:
    return f"{hours * 60:.0f} min" if hours < 1 else f"{number(hours)} h"


def _days(labels: Sequence[str], values: Sequence[float], *, title: str) -> str:
    if not any(values):
        return _empty("Nothing was extracted in this time.")
    return columns(labels, values, title=title)


def _empty(text: str) -> str:
    return f"<p>{escape(text)}</p>"


def _failures(failed: Sequence[tuple[str, Sequence[str]]]) -> str:
    if not failed:
        return _empty("None.")
    cells = [
        (datetime.fromisoformat(started), "; ".join(errors) or "killed")
        for started, errors in reversed(failed[-_FAILURES:])
    ]
    more = len(failed) - len(cells)
    note = _empty(f"{more} more, earlier ones.") if more else ""
    return _table(["began", "why"], cells) + note


def _watermarks(facts: Facts) -> str:
    if not facts.watermarks:
        return _empty("No table has a bookmark yet.")
    heads = ["table", "last data", "last extraction", "rows", "files", "waiting", "status"]
    cells = [
        (
            mark.table,
            Moment(key_text(mark.last_data) or "-"),
            mark.last_extraction,
            mark.rows_extracted,
            mark.files_extracted,
            mark.files_waiting,
            mark.status,
        )
        for mark in facts.watermarks
    ]
    return _table(heads, cells, numbers=frozenset({"rows", "files", "waiting"}))


def _table(
    heads: Sequence[str],
    lines: Iterable[Sequence[object]],
    *,
    numbers: frozenset[str] = frozenset(),
) -> str:
    kinds = ["n" if text in numbers else "" for text in heads]
    head = "".join(
        f'<th class="{kind}">{escape(text)}</th>' for text, kind in zip(heads, kinds, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(_cell(*cell) for cell in zip(heads, kinds, line, strict=True)) + "</tr>"
        for line in lines
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(head: str, kind: str, value: object) -> str:
    if isinstance(value, int):
        text = number(value)
    elif isinstance(value, datetime):
        text, kind = moment(value), "t"
    elif isinstance(value, Moment):
        text, kind = value, "t"
    else:
        text = "-" if value is None else str(value)
    return f'<td class="{kind}" data-head="{escape(head)}">{escape(text)}</td>'
