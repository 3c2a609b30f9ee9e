"""What readers of the documentation site see of dbt's manifest. Pure.

They read the public views. What only the pipeline reads is left out, so that a search and the graph
show the way of the data; what the views are made of stays in the graph, but not in the search.
"""

from __future__ import annotations

from copy import deepcopy
from datetime import datetime
from typing import Any

from tidemark_core.text.documents import Json

#: The project's own package.
_PACKAGE = "tidemark"
_OVERVIEW = f"doc.{_PACKAGE}.__overview__"

#: Dbt's page is made for wide screens, yet cuts descriptions off even there; its links to columns
#: and tables look like plain code.
INDEX_STYLE = """
a code { color: #007a7a; text-decoration: underline; }
.column-row td[style] { white-space: normal !important; max-width: none !important; width: 60%; }
table:has(.column-row) :is(th, td) { padding-left: 8px !important; padding-right: 8px !important; }
@media (max-width: 800px) {
  .app-menu, .app-sidebar { display: none; }
  .app-body, .app-content, .app-main { margin-left: 0; padding-left: 8px; padding-right: 8px;
    left: 0; min-width: 0; }
  .app, .app-row, .app-column, .app-header, .app-frame, .app-details, .panel {
    min-width: 0 !important; max-width: 100vw; }
  .logo { display: none; }
  th, td { padding: 4px !important; }
  td code { white-space: normal; overflow-wrap: anywhere; }
}
"""
#: Styles the link back, and hides what the page offers only in an edition that is not used here.
LINEAGE_STYLE = """
.border-dashed { display: none !important; }
.way-back { position: fixed; right: 16px; top: 8px; z-index: 1000; padding: 4px 12px;
  border-radius: 6px; background: #007a7a; color: #ffffff; font: 14px system-ui, sans-serif;
  white-space: nowrap; }
@media (max-width: 800px) { .way-back { left: 42px; right: auto; } }
"""
_BACK = '<a class="way-back" href="index.html">Back to the documentation</a>'


def manifest_for_readers(manifest: Json, built: datetime) -> dict[str, Any]:
    """The manifest without what readers cannot use.

    Args:
        manifest: dbt's manifest.json.
        built: When the site is built, in UTC; the overview says it.
    """
    kept = deepcopy(dict(manifest))
    gone = {name for name, node in kept["nodes"].items() if node["resource_type"] == "analysis"}
    gone |= {n for n, node in kept["macros"].items() if node["package_name"] != _PACKAGE}
    gone |= set(kept.get("unit_tests", {}))
    for part in ("nodes", "macros", "unit_tests", "parent_map", "child_map"):
        kept[part] = {name: node for name, node in kept.get(part, {}).items() if name not in gone}
    for part in ("parent_map", "child_map"):
        kept[part] = {name: _without(ends, gone) for name, ends in kept[part].items()}
    for node in (*kept["nodes"].values(), *kept["macros"].values()):
        depends = node.get("depends_on") or {}
        node["depends_on"] = {kind: _without(ends, gone) for kind, ends in depends.items()}
    for node in (*kept["sources"].values(), *kept["macros"].values()):
        node["docs"] = {**(node.get("docs") or {}), "show": False}
    if _OVERVIEW in kept.get("docs", {}):
        told = f"\n\nThese pages were built on {built:%Y-%m-%d at %H:%M} UTC.\n"
        kept["docs"][_OVERVIEW]["block_contents"] += told
    return kept


def styled(page: str, style: str, *, back: bool = False) -> str:
    """A page with some more style, and a link to the documentation."""
    page = page.replace("</head>", f"<style>{style}</style></head>", 1)
    return page.replace("</body>", f"{_BACK}</body>", 1) if back else page


def _without(names: Any, gone: set[str]) -> Any:
    return [name for name in names if name not in gone] if isinstance(names, list) else names
