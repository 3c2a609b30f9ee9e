from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from tidemark_core.errors import LakeError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName
from tidemark_singer.files.batch_file import BatchFile

LAYOUT = LakeLayout()
T = TableName("s-x", "t.y")
WHEN = datetime(2025, 8, 3, 4, 5, 6, tzinfo=UTC)


def manifest() -> Manifest:
    return Manifest(
        table=T,
        run_id="run-1",
        part=2,
        extracted_at=WHEN,
        schema={"properties": {"id": {"type": ["integer"]}}},
        key_properties=("id",),
        files=(ManifestFile(LAYOUT.data_key(T, WHEN, 1), 10, 99, "abc", {"min": 1}),),
        bookmark={"replication_key_value": "2025-08-03 04:05:00"},
        conversions={"d": {"zero_date": 3}},
        fence=7,
    )


def read(text: str, key: str | None = None) -> Manifest:
    return Manifest.from_json(text, key=key or manifest().key(LAYOUT), layout=LAYOUT)


def test_a_manifest_comes_back_whole() -> None:
    assert read(manifest().to_json()) == manifest()
    assert manifest().rows == 10
    assert manifest().size == 99


_FORGERIES: tuple[Callable[[dict[str, Any]], None], ...] = (
    lambda d: d["schema"].pop("properties"),
    lambda d: d["schema"].update(properties=["id"]),
    lambda d: d["schema"].update(properties={"id": 5}),
    lambda d: d["schema"].update(properties={"id": {"type": 5}}),
    lambda d: d["schema"].update(properties={"id": {"anyOf": 5}}),
    lambda d: d["schema"].update(properties={"id": {"x-tidemark-type": "int9"}}),
    lambda d: d.update(key_properties=["other"]),
    lambda d: d.update(key_properties="id"),
    lambda d: d["files"][0].update(bytes=10**18),
    lambda d: d["files"][0].update(bytes=float("inf")),
    lambda d: d["files"][0].update(rows=-5),
    lambda d: d["files"][0].update(rows=10**30),
    lambda d: d.update(fence=2**62),
    lambda d: d.update(conversions={"d": {"zero_date": "many"}}),
    lambda d: d.update(bookmark=5),
)


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.update(version=2),
        lambda d: d.update(stream="s%2Dx-other"),
        lambda d: d.update(run_id="../../x"),
        lambda d: d.update(rows=11),
        lambda d: d.pop("files"),
        lambda d: d["files"][0].update(rows="many"),
        lambda d: d["files"][0].update(key="incremental/../x.parquet"),
        lambda d: d["files"][0].update(key=LAYOUT.data_key(TableName("s", "other"), WHEN, 1)),
        lambda d: d.update(extracted_at="2025-08-03T04:05:07Z"),
        *(pytest.param(forge, marks=pytest.mark.fault(134)) for forge in _FORGERIES),
    ],
)
def test_a_manifest_that_lies_is_refused(change: Callable[[dict[str, Any]], None]) -> None:
    document = json.loads(manifest().to_json())
    change(document)
    with pytest.raises(LakeError):
        read(json.dumps(document))


@pytest.mark.parametrize("text", ["", "null", "[]", "{}", "\x00"])
def test_what_is_no_manifest_is_refused_with_its_key(text: str) -> None:
    with pytest.raises(LakeError, match="manifests/s-x"):
        read(text)


def test_a_manifest_under_another_key_is_refused() -> None:
    other = LAYOUT.manifest_key(T, WHEN, "run-2", 2)
    with pytest.raises(LakeError, match="says that it is"):
        read(manifest().to_json(), other)


@pytest.mark.parametrize("path", ["/tmp/a b/ü%?.parquet", "/x#y.parquet"])
def test_a_local_file_keeps_its_path_and_facts(path: str) -> None:
    file = BatchFile.from_url(BatchFile.local(path, rows=5, stats={"a": "&=?"}).to_url())
    assert file.path == path
    assert file.facts == {"rows": 5, "stats": {"a": "&=?"}}


def test_this_machine_may_be_named() -> None:
    assert BatchFile.from_url("file://localhost/x").path == "/x"


def test_an_object_keeps_its_bucket_and_key() -> None:
    key = LAYOUT.data_key(T, WHEN, 1)
    assert BatchFile.from_url(BatchFile.s3("b", key).to_url()).s3_location == ("b", key)


@pytest.mark.parametrize(
    "url", ["http://x/y", "/etc/passwd", "file://", "file://other/x", "file:///x?rows=abc"]
)
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(LakeError):
        BatchFile.from_url(url)


@pytest.mark.fault(134)
def test_a_manifest_nested_without_end_is_refused() -> None:
    with pytest.raises(LakeError, match="cannot be read"):
        read("[" * 200_000)
