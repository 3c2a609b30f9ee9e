"""target-redshift as a process, configured by a variable; may be told to die at a step."""

from __future__ import annotations

import json
import os
import sys
import tempfile

from target_redshift.cli import main

if __name__ == "__main__":
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(json.loads(os.environ["TIDEMARK_TEST_CONFIG"]), file)
        file.flush()
        sys.argv = ["target-redshift", "--config", file.name]
        main()
