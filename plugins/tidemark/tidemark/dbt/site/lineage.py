"""Corrects what the page of the column lineage says of our models. Pure.

Colibri takes a schema's name for the database's, classifies models by prefixes that ours do not
have, shows descriptions as plain text, and opens on the first model that it has. For relations that
a model's SQL reads and dbt does not know (dbt's own state) it makes nodes without a column.
"""

from __future__ import annotations

import base64
import json
import re
from typing import Any

from tidemark_core.errors import TidemarkError
from tidemark_core.text.documents import Json

#: Colibri's data, as it puts them into its page.
_DATA = re.compile(r'(window\.colibriData = JSON\.parse\(atob\(")([A-Za-z0-9+/=]+)("\)\))')
#: The folder of the models that people query.
_VIEWS = "views"


def lineage_for_readers(page: str) -> str:
    """Colibri's page with only what readers can use.

    Raises:
        TidemarkError: The page has no data in the form that we know.
    """
    found = _DATA.search(page)
    if found is None:
        raise TidemarkError(
            "the column lineage page does not have the format of the supported dbt-colibri version",
            hint="install the dbt-colibri version pinned in uv.lock: make install",
        )
    data = json.loads(base64.b64decode(found[2]))
    gone = {name for name, node in data["nodes"].items() if node["nodeType"] == "unknown"}
    data = _without(data, gone)
    nodes = {name: _readable(node) for name, node in data["nodes"].items()}
    data["nodes"] = dict(sorted(nodes.items(), key=lambda item: item[1]["modelType"] != _VIEWS))
    told = base64.b64encode(json.dumps(data).encode()).decode()
    return page[: found.start(2)] + told + page[found.end(2) :]


def _without(part: Any, gone: set[str]) -> Any:
    """A part of a document without anything that names these nodes."""
    if isinstance(part, dict):
        return {name: _without(each, gone) for name, each in part.items() if name not in gone}
    if isinstance(part, list):
        return [_without(each, gone) for each in part if gone.isdisjoint(_texts(each))]
    return part


def _texts(part: Any) -> list[str]:
    found = part.values() if isinstance(part, dict) else [part]
    return [each for each in found if isinstance(each, str)]


def _readable(node: Json) -> dict[str, object]:
    columns = {name: _plain(column) for name, column in node["columns"].items()}
    kind = node["nodeType"]
    told = {"columns": columns, "modelType": _folder(node) if kind == "model" else kind}
    if node.get("schema"):
        told["schema"] = f"{node['database']}.{node['schema']}"
    return {**_plain(node), **told}


def _plain(described: Json) -> dict[str, object]:
    """A node or column without backticks in its description."""
    text = described.get("description")
    return {**described, "description": text.replace("`", "") if text else text}


def _folder(node: Json) -> str:
    """The folder of a model below models/, which is its layer: tables or views."""
    return str(node["path"]).removeprefix("models/").split("/")[0]
