"""The manifest: its existence makes a run's files loadable. Read back, it is untrusted input."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tidemark_core.errors import LakeError, TidemarkError
from tidemark_core.lake.layout import LakeLayout
from tidemark_core.names import TableName
from tidemark_core.text.documents import Json
from tidemark_core.text.moments import to_second
from tidemark_core.types.singer_schema import FULL_TABLE, LOG_BASED, from_json_schema, is_metadata

VERSION = 1
#: More bytes than S3 keeps in an object, more rows than any table has, more than any fencing token
#: (milliseconds since 1970).
_MOST_BYTES, _MOST_ROWS, _MOST_FENCE = 1 << 46, 1 << 53, 1 << 53


@dataclass(frozen=True)
class ManifestFile:
    """One committed Parquet file.

    Attributes:
        key: S3 key in the lake's bucket.
        rows: Rows in it.
        size: Bytes.
        etag: As S3 gave it on upload, without quotes.
        stats: What the extractor says of the file (key range and the like); for people.
    """

    key: str
    rows: int
    size: int
    etag: str
    stats: Json = field(default_factory=dict)


@dataclass(frozen=True)
class Manifest:
    """What one commit of a backup put into the lake for one table.

    Attributes:
        table: The source table.
        run_id: The run that wrote it.
        part: Number of this commit in the run, from 1.
        extracted_at: UTC time at which the table began to be read, to the second; also in the
            files' names.
        schema: The Singer schema of the stream (``properties`` with ``x-tidemark-type``).
        key_properties: Primary key, may be empty.
        files: In the order in which they were written.
        bookmark: The stream's bookmark that this commit makes true, as the tap wrote it.
        conversions: Values changed on the way, by column and reason.
        fence: Fencing token of the lease under which it was written.
        replication_method: How the rows were read: ``INCREMENTAL``; ``LOG_BASED``, where each
            carries when it was read and whether it was deleted; or ``FULL_TABLE``, where they are
            all that the table had; None if unknown.
    """

    table: TableName
    run_id: str
    part: int
    extracted_at: datetime
    schema: Json
    key_properties: tuple[str, ...]
    files: tuple[ManifestFile, ...]
    bookmark: Json = field(default_factory=dict)
    conversions: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    fence: int = 0
    replication_method: str | None = None

    @property
    def is_full_copy(self) -> bool:
        """Whether its rows are all that the table had."""
        return self.replication_method == FULL_TABLE

    @property
    def is_log_based(self) -> bool:
        """Whether its rows carry when they were read, and whether they were deleted."""
        return self.replication_method == LOG_BASED

    @property
    def columns(self) -> Json:
        """The properties of its schema that are columns of the source."""
        properties: Json = self.schema.get("properties", {})
        return {name: told for name, told in properties.items() if not is_metadata(name, told)}

    @property
    def rows(self) -> int:
        return sum(file.rows for file in self.files)

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)

    def key(self, layout: LakeLayout) -> str:
        return layout.manifest_key(self.table, self.extracted_at, self.run_id, self.part)

    def to_json(self) -> str:
        document = {
            "version": VERSION,
            "table": str(self.table),
            "stream": self.table.stream,
            "run_id": self.run_id,
            "part": self.part,
            "extracted_at": to_second(self.extracted_at),
            "rows": self.rows,
            "bytes": self.size,
            "key_properties": list(self.key_properties),
            **({"replication_method": method} if (method := self.replication_method) else {}),
            "bookmark": self.bookmark,
            "conversions": self.conversions,
            "fence": self.fence,
            "files": [
                {
                    "key": file.key,
                    "rows": file.rows,
                    "bytes": file.size,
                    "etag": file.etag,
                    **({"stats": file.stats} if file.stats else {}),
                }
                for file in self.files
            ],
            "schema": self.schema,
        }
        return json.dumps(document, indent=1, ensure_ascii=False, default=str)

    @classmethod
    def from_json(cls, text: str | bytes, *, key: str, layout: LakeLayout) -> Manifest:
        """Reads a manifest and compares it with its own key.

        Args:
            text: The object's body.
            key: The key it was read from.
            layout: The lake that it must belong to.

        Raises:
            LakeError: It is not a manifest, is of another table than its key, or names a file
                that is not this table's.
        """
        named = layout.parse_manifest_key(key)
        try:
            document: Json = json.loads(text)
            if document["version"] != VERSION:
                raise LakeError(
                    f"manifest {key} has version {document['version']!r}; this version of Tidemark "
                    f"reads {VERSION}",
                    table=named.table,
                    hint="upgrade Tidemark on this machine",
                )
            manifest = cls(
                table=TableName.from_stream(document["stream"]),
                run_id=str(document["run_id"]),
                part=int(document["part"]),
                extracted_at=datetime.fromisoformat(document["extracted_at"]),
                schema=_schema(document["schema"]),
                key_properties=_keys(document["key_properties"], document["schema"]),
                files=tuple(
                    ManifestFile(
                        str(file["key"]),
                        _number(file["rows"], _MOST_ROWS),
                        _number(file["bytes"], _MOST_BYTES),
                        str(file["etag"]),
                        dict(file.get("stats", {})),
                    )
                    for file in document["files"]
                ),
                bookmark=dict(document["bookmark"]),
                conversions={
                    column: {reason: _number(count, _MOST_ROWS) for reason, count in told.items()}
                    for column, told in document["conversions"].items()
                },
                fence=_number(document["fence"], _MOST_FENCE),
                replication_method=_method(document.get("replication_method")),
            )
            made = manifest.key(layout)
        except LakeError:
            raise
        except _UNREADABLE as error:
            raise LakeError(
                f"manifest {key} cannot be read: {error!r:.300}",
                table=named.table,
                hint="compare it with the previous manifest; nothing from it was loaded",
            ) from error
        if made != key:
            raise LakeError(f"manifest {key} says that it is {made}", table=named.table)
        for file in manifest.files:
            if layout.parse_data_key(file.key).table != named.table:
                raise LakeError(
                    f"manifest {key} names {file.key!r}, a file of another table",
                    table=named.table,
                )
        if manifest.rows != document.get("rows"):
            raise LakeError(f"manifest {key}: its row counts do not add up", table=named.table)
        return manifest


#: What reading a document of any other shape raises, endless nesting included.
_UNREADABLE = (
    *(KeyError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError),
    TidemarkError,
)


def _schema(told: Any) -> Json:
    """A Singer schema all of whose properties have a type.

    Raises:
        TypeError, ValueError, TidemarkError: It is something else.
    """
    if not isinstance(told, dict) or not isinstance(told["properties"], dict):
        raise TypeError("its schema has no properties")
    for declared in told["properties"].values():
        if not isinstance(declared, dict):
            raise TypeError("a property of its schema is not an object")
        from_json_schema(declared)
    return told


def _keys(told: Any, schema: Json) -> tuple[str, ...]:
    if not isinstance(told, list) or not all(name in schema["properties"] for name in told):
        raise ValueError("its key names something that is not a column")
    return tuple(map(str, told))


def _method(told: Any) -> str | None:
    if told is not None and not isinstance(told, str):
        raise TypeError("its replication method is not text")
    return told


def _number(told: Any, most: int) -> int:
    if isinstance(told, bool) or not isinstance(told, int) or not 0 <= told <= most:
        raise ValueError("one of its numbers is invalid")
    return int(told)
