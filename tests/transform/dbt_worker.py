"""A process that runs one dbt command after another: dbt takes seconds to import and to parse.

Reads a JSON list of arguments a line from standard input; answers each with a JSON object a line.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from dbt.cli.main import dbtRunner


def main() -> None:
    answers = sys.stdout
    runner = dbtRunner()
    for line in sys.stdin:
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            result = runner.invoke(json.loads(line))
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
