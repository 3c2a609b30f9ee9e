"""Failures of a dbt run, model by model, as dbt itself recorded them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

from tidemark_core.text.documents import Json

from tidemark.dbt.source import target_folder

_FAILED = frozenset({"error", "fail", "runtime error", "partial success"})
_SKIPPED = "skipped"
_MODEL = "model."


def read_failures(folder: Path, environ: Mapping[str, str], since: datetime) -> dict[str, str]:
    """The models that a dbt run did not build, or whose tests failed, each with the reason.

    Args:
        folder: Of dbt_project.yml.
        environ: Variables of the run.
        since: When it was started; results of an earlier run are ignored.

    Returns:
        Reasons by model; empty if dbt did not get that far.
    """
    target = target_folder(folder, environ)
    try:
        results = json.loads((target / "run_results.json").read_bytes())
        manifest = json.loads((target / "manifest.json").read_bytes())
        if datetime.fromisoformat(results["metadata"]["invocation_started_at"]) < since:
            return {}
        return failures(results, manifest)
    except (OSError, ValueError, KeyError):
        return {}


def failures(results: Json, manifest: Json) -> dict[str, str]:
    """The same from run_results.json and manifest.json.

    A failed test is a failure of every model that it reads. A skipped test is not: the models that
    it reads are reported themselves.
    """
    reasons: dict[str, str] = {}
    skipped = []
    for result in results["results"]:
        key = result["unique_id"]
        if result["status"] == _SKIPPED and key.startswith(_MODEL):
            skipped.append(key)
        elif result["status"] in _FAILED:
            told = " ".join(str(result["message"] or result["status"]).split())
            for node in _blamed(key, manifest):
                reasons.setdefault(node, told if node == key else f"{_name(key)}: {told}")
    for key in skipped:
        first = next((node for node in _ancestors(key, manifest) if node in reasons), None)
        behind = f" behind {_name(first)}: {reasons[first]}" if first else ""
        reasons.setdefault(key, f"{_SKIPPED}{behind}")
    return {_name(key): reason for key, reason in reasons.items()}


def _blamed(key: str, manifest: Json) -> list[str]:
    if key.startswith(_MODEL):
        return [key]
    return [node for node in _read_by(key, manifest) if node.startswith(_MODEL)]


def _ancestors(key: str, manifest: Json) -> Iterator[str]:
    """What a node is made of, the nearest first."""
    waiting, seen = [key], {key}
    while waiting:
        for node in _read_by(waiting.pop(0), manifest):
            if node not in seen:
                seen.add(node)
                waiting.append(node)
                yield node


def _read_by(key: str, manifest: Json) -> list[str]:
    node = manifest["nodes"].get(key, {})
    read: list[str] = node.get("depends_on", {}).get("nodes", [])
    return read


def _name(key: str) -> str:
    return key.split(".")[2]
