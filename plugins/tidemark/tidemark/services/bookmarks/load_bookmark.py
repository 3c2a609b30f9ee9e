"""The bookmark of the load leg when it is set by hand: a time of extraction, and nothing else.

A load's own bookmark tracks, by S3's clock, what was handed over; one that is only a time makes the
next load look at every file that was extracted then or later. Pure.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from tap_mysql.values.bookmark_facts import reached
from tap_s3_parquet.bookmark import Bookmark
from tidemark_core.lake.manifest import Manifest
from tidemark_core.text.documents import Json


def describe(bookmark: Json | None) -> str:
    """Where the load stands, for people."""
    value = (bookmark or {}).get("replication_key_value")
    return "the lake's beginning" if value is None else f"files extracted at {value}"


def since(moment: datetime) -> Json:
    """The bookmark that makes the next load look at the files extracted at a time or later.

    Args:
        moment: UTC.
    """
    return Bookmark(newest=moment).to_state()


def extraction_of(number: int, manifests: Sequence[Manifest]) -> datetime | None:
    """When the first extraction ran that reached an id; the newest one's time if none did.

    Args:
        number: The id.
        manifests: The table's, oldest first.
    """
    for manifest in manifests:
        value = reached(manifest.bookmark)
        if isinstance(value, int) and value >= number:
            return manifest.extracted_at
    return manifests[-1].extracted_at if manifests else None
