"""Which files may go: whatever is thrown at the rules, nothing goes that must stay."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark.services.lake.file_status import (
    ORPHAN_AGE,
    LakeObject,
    Rules,
    Status,
    checked_prefix,
    classify,
    select,
)
from tidemark_core.errors import ConfigError, LakeError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.lake.manifest import Manifest, ManifestFile
from tidemark_core.names import TableName

LAYOUT = LakeLayout("team/incremental/")
NOW = datetime(2026, 1, 1, tzinfo=UTC)
TABLES = [TableName("s", name) for name in ("a", "ab", "a.b", "a/../b", "incremental", "%2E")]
tables = st.sampled_from(TABLES)
ages = st.timedeltas(timedelta(0), timedelta(days=400)) | st.timedeltas(
    timedelta(0), timedelta(hours=2)
)


#: What stands on S3, its manifests, and the ledger, if it could be read.
FoundLake = tuple[list[LakeObject], dict[TableName, list[Manifest]], dict[str, str] | None]


@st.composite
def lakes(draw: st.DrawFn) -> FoundLake:
    """Objects, some of them in manifests, some of those in the ledger."""
    objects: list[LakeObject] = []
    ledger: dict[str, str] = {}
    committed: dict[TableName, list[ManifestFile]] = {}
    for batch in range(1, draw(st.integers(1, 12)) + 1):
        table = draw(tables)
        moment = NOW - timedelta(days=draw(st.integers(0, 3)))
        key = LAYOUT.data_key(table, moment, batch)
        objects.append(LakeObject(key, table, moment, 10, "e", NOW - draw(ages)))
        if draw(st.booleans()):
            committed.setdefault(table, []).append(ManifestFile(key, 1, 10, "e"))
            if draw(st.booleans()):
                ledger[key] = draw(st.sampled_from(["e", '"e"', "other"]))
    manifests = {
        table: [Manifest(table, "r", 1, NOW, {}, (), tuple(files))]
        for table, files in committed.items()
    }
    return objects, manifests, draw(st.sampled_from([ledger, None]))


@pytest.mark.parametrize(
    ("pattern", "batches"), [("*_0001.*", [1]), ("team/*", [1, 2]), (None, [1, 2]), ("x*", [])]
)
def test_only_files_of_the_pattern_go(pattern: str | None, batches: list[int]) -> None:
    keys = {number: LAYOUT.data_key(TABLES[0], NOW, number) for number in (1, 2)}
    old = NOW - timedelta(days=9)
    orphans = [LakeObject(key, TABLES[0], NOW, 10, "e", old) for key in keys.values()]
    rules = Rules(pattern=pattern, statuses=frozenset([Status.ORPHAN]))
    files = classify(orphans, {}, {}, LAYOUT)
    selection = select(files, rules, now=NOW, tables=frozenset(), layout=LAYOUT)
    assert [file.key for file in selection.remove] == [keys[number] for number in batches]


@given(
    lakes(),
    st.builds(
        Rules,
        older_than=st.none() | ages,
        pattern=st.none()
        | st.sampled_from(["*", "*.parquet", "[!x]*", "?*", "*/a/*", "../*", "*_0001.*"]),
        prefix=st.none() | st.sampled_from(["team/incremental/", "team/incremental/s.a/", "x/"]),
        statuses=st.frozensets(st.sampled_from(list(Status))),
        include_unloaded=st.booleans(),
    ),
    st.frozensets(tables),
)
def test_nothing_goes_that_must_stay(
    lake: FoundLake, rules: Rules, wanted: frozenset[TableName]
) -> None:
    objects, manifests, ledger = lake
    files = classify(objects, manifests, ledger, LAYOUT)
    selection = select(files, rules, now=NOW, tables=wanted, layout=LAYOUT)
    in_manifests = {f.key for m in manifests.values() for one in m for f in one.files}
    by_key = {item.key: item for item in objects}
    for file in selection.remove:
        item = by_key[file.key]
        assert file.key.startswith(LAYOUT.incremental)
        assert file.key.endswith(".parquet")
        assert LAYOUT.parse_data_key(file.key).table == item.table
        assert not wanted or item.table in wanted
        assert rules.older_than is None or NOW - item.modified >= rules.older_than
        assert rules.prefix is None or file.key.startswith(rules.prefix)
        assert rules.pattern != "*_0001.*" or file.key.endswith("_0001.parquet")
        assert file.status in rules.statuses
        if file.key in in_manifests:
            loaded = ledger is not None and ledger.get(file.key, "").strip('"') == item.etag
            assert loaded or rules.include_unloaded
        else:
            assert NOW - item.modified >= ORPHAN_AGE
    assert len(selection.remove) + sum(selection.kept.values()) == len(objects)


def test_everything_allowed_goes() -> None:
    """The other side: a cleaner that removes nothing would pass the test above."""
    old = NOW - timedelta(days=9)
    objects = [
        LakeObject(LAYOUT.data_key(TABLES[0], old, n), TABLES[0], old, 10, "e", old)
        for n in (1, 2, 3)
    ]
    files = tuple(ManifestFile(item.key, 1, 10, "e") for item in objects[:2])
    manifests = {TABLES[0]: [Manifest(TABLES[0], "r", 1, old, {}, (), files)]}
    found = classify(objects, manifests, {objects[0].key: "e"}, LAYOUT)
    assert [file.status for file in found] == [Status.LOADED, Status.WAITING, Status.ORPHAN]
    gone = select(found, Rules(timedelta(days=7)), now=NOW, tables=[], layout=LAYOUT)
    assert [file.key for file in gone.remove] == [objects[0].key, objects[2].key]
    assert gone.kept == {"committed, not loaded yet": 1}
    assert gone.size == 20


@given(st.text(max_size=40))
def test_a_prefix_is_inside_the_data_folder_or_refused(text: str) -> None:
    try:
        found = checked_prefix(text, LAYOUT)
    except ConfigError:
        return
    assert found.startswith(LAYOUT.incremental)
    assert ".." not in found.split("/")


@pytest.mark.parametrize(
    "key", ["team/manifests/s.a/x.json", "team/incremental/s.a/x.csv", "other/x.parquet"]
)
def test_a_file_that_is_none_of_the_lakes_stops_the_selection(key: str) -> None:
    item = LakeObject(key, TABLES[0], NOW, 1, "e", NOW - timedelta(days=9))
    with pytest.raises(LakeError, match="not a data file"):
        select(classify([item], {}, {}, LAYOUT), Rules(), now=NOW, tables=[], layout=LAYOUT)
