"""The manifests of a table, as S3 lists them."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from tidemark_core.errors import LakeError
from tidemark_core.lake.layout import LakeLayout, ManifestKey
from tidemark_core.names import TableName
from tidemark_core.s3.objects import list_keys

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

logger = logging.getLogger(__name__)

#: How far back the newest manifest is looked for, before all are listed. A table that is followed
#: has thousands a day, and their names begin with the time.
_LOOKS = (timedelta(minutes=10), timedelta(days=1), None)


@dataclass(frozen=True)
class ListedManifest:
    """A manifest that a listing shows.

    Attributes:
        key: S3 key.
        modified: When it was put, by S3's clock.
        named: What its key says.
    """

    key: str
    modified: datetime
    named: ManifestKey

    @property
    def order(self) -> tuple[datetime, datetime, str, int]:
        """By the time of extraction; within a second as they were put."""
        return self.named.moment, self.modified, self.named.run_id, self.named.part


@dataclass(frozen=True)
class ManifestListing:
    """Lists the manifests of a lake; keys outside its grammar are skipped with a warning.

    Attributes:
        client: S3 client.
        bucket: Its bucket.
        layout: Where things are in it.
    """

    client: S3Client
    bucket: str
    layout: LakeLayout

    def since(self, table: TableName, moment: datetime | None = None) -> list[ListedManifest]:
        """A table's manifests, by the time of extraction.

        Args:
            table: The table.
            moment: Only those of extractions since then; None: all.

        Raises:
            LakeError: S3 refused.
        """
        return sorted(self._listed(table, moment), key=lambda found: found.order)

    def newest(self, table: TableName) -> ListedManifest | None:
        """The manifest of a table's newest extraction; None: there is none.

        Raises:
            LakeError: S3 refused.
        """
        now = datetime.now(UTC)
        for look in _LOOKS:
            # By this machine's clock: if it is wrong, one more listing is needed.
            if found := self.since(table, None if look is None else now - look):
                return found[-1]
        return None

    def _listed(self, table: TableName, moment: datetime | None) -> Iterator[ListedManifest]:
        prefix = self.layout.manifests_prefix(table)
        after = self.layout.manifests_since(table, moment) if moment else ""
        for item in list_keys(self.client, self.bucket, prefix, after=after):
            try:
                named = self.layout.parse_manifest_key(item["Key"])
            except LakeError as error:
                logger.warning("skipped: %s", error, extra={"table": str(table)})
                continue
            yield ListedManifest(item["Key"], item["LastModified"].astimezone(UTC), named)
