"""What loaders are forked from: each would import half a second's worth by itself."""

from __future__ import annotations

import sys

from tidemark.services.follow.ready.process import serve
from tidemark_singer.sdk_imports import sdk_imports

from loading.process import load

if __name__ == "__main__":
    with sdk_imports():
        import target_redshift.singer.target  # noqa: F401 - for the forks
    sys.exit(serve({"target-redshift": load}, ("redshift_connector", "yaml")))  # type: ignore[arg-type]
