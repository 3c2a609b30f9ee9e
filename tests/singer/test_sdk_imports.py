"""What the SDK takes along is there when somebody calls for it, and for everybody else at once."""

from __future__ import annotations

import subprocess
import sys

_CODE = """
import sys
from tidemark_singer.sdk_imports import sdk_imports
with sdk_imports():
    from singer_sdk import target_base
    from singer_sdk.helpers._batch import StorageTarget
    from singer_sdk.schema import source
late = {"joblib", "requests", "upath", "singer_sdk.streams.rest", "singer_sdk.streams.graphql"}
assert not late & set(sys.modules)

# The SDK's own uses of them, which are imported now.
assert StorageTarget.split_url("file:///a/b/c.parquet") == ("file:///a/b", "c.parquet")
doubled = target_base.Parallel(n_jobs=2, backend="threading")(
    target_base.delayed(str)(number) for number in range(3)
)
assert doubled == ["0", "1", "2"]
with target_base.parallel_config(backend="threading", n_jobs=2):
    pass
try:
    source.requests.get("nowhere:")
except sys.modules["requests"].exceptions.InvalidSchema as error:
    assert "nowhere:" in str(error)

import joblib, requests, upath
assert joblib.Parallel.__module__ == "joblib.parallel"
with sdk_imports():
    assert sys.modules["joblib"] is joblib
assert sys.modules["upath"] is upath
assert isinstance(requests.get, type(sdk_imports))
from singer_sdk.streams.rest import RESTStream
assert isinstance(RESTStream, type)
"""


def test_what_is_late_works_when_it_is_called() -> None:
    subprocess.run([sys.executable, "-c", _CODE], check=True)
