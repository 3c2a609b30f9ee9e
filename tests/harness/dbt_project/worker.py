"""A process that runs one dbt command after another: dbt takes seconds to import and to parse.

The project is parsed once; each command gets a copy of its own of what came of it
(https://docs.getdbt.com/reference/programmatic-invocations#reusing-objects).

Reads a JSON object a line from standard input: ``arguments``, and where to ``stop`` if anywhere.
Answers each with a JSON object a line.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import time
from pathlib import Path
from typing import Any

from dbt.adapters.sql.connections import SQLConnectionManager
from dbt.cli.main import dbtRunner
from dbt.contracts.graph.manifest import Manifest
from tidemark_core.host.collector import spare_what_is_here
from tidemark_core.redshift.driver_patches import install_routes

_add_query = SQLConnectionManager.add_query


def stop_at(statement: int, told: Path) -> None:
    """Stops before a statement of a model's session, counted from 1, until ``told`` is gone again.

    Where the model has fewer statements, it does not stop.
    """
    seen = 0

    def add_query(self: SQLConnectionManager, sql: str, *given: Any, **named: Any) -> Any:
        nonlocal seen
        if str(self.get_thread_connection().name).startswith("model."):
            seen += 1
            if seen == statement:
                told.write_text(sql)
                while told.exists():
                    time.sleep(0.01)
        return _add_query(self, sql, *given, **named)

    SQLConnectionManager.add_query = add_query  # type: ignore[method-assign]


def main() -> None:
    answers = sys.stdout
    install_routes()  # logins are quick by it
    with contextlib.redirect_stdout(io.StringIO()):
        manifest = dbtRunner().invoke(["--write-json", "parse"]).result
    spare_what_is_here()  # no work for the collector: a sixth of a command's CPU
    for line in sys.stdin:
        asked = json.loads(line)
        SQLConnectionManager.add_query = _add_query  # type: ignore[method-assign]
        if asked["stop"]:
            statement, told = asked["stop"]
            stop_at(statement, Path(told))
        parsed = None
        if isinstance(manifest, Manifest):
            parsed = manifest.deepcopy()  # type: ignore[no-untyped-call]
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            result = dbtRunner(manifest=parsed).invoke(asked["arguments"])
        nodes = {
            node.node.unique_id: {
                "status": str(node.status),
                "message": node.message or "",
                "rows": (node.adapter_response or {}).get("rows_affected"),
                "failures": node.failures,
            }
            for node in getattr(result.result, "results", None) or []
            if getattr(node, "node", None) is not None
        }
        answer = {
            "success": result.success,
            "nodes": nodes,
            "output": output.getvalue() + (str(result.exception) if result.exception else ""),
        }
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
