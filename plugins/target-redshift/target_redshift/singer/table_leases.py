"""The leases of the tables that a run loads, and what crashed loads of them have left staged."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tidemark_core.errors import LakeError
from tidemark_core.names import TableName
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease

from target_redshift.staging.area import remove_abandoned, remove_staging

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class TableLeases:
    """Leases of the warehouse, one per table.

    Attributes:
        client: S3 client.
        s3: The lake.
        owner: Who holds them, for processes that find them taken.
        seconds: How long one is good for without being renewed.
        resources: Gives them back when it is closed.
        logger: Logs what is removed, and what is not.
    """

    client: S3Client
    s3: S3Location
    owner: str
    seconds: int
    resources: ExitStack
    logger: logging.Logger
    _held: dict[TableName, Lease] = field(default_factory=dict)

    def of(self, table: TableName) -> Lease:
        """The lease of a table; takes it if it is not held yet.

        Raises:
            LeaseError: Another process is loading the table, or has taken the lease since.
        """
        lease = self._held.get(table)
        if lease is None:
            lease = Lease.acquire(
                self.client,
                self.s3.bucket,
                self.s3.layout.lease_key(table, "warehouse"),
                owner=self.owner,
                ttl=self.seconds,
            )
            self._held[table] = self.resources.enter_context(lease)
            self._remove_left(table)
        lease.check()
        return lease

    def release(self, table: TableName) -> None:
        """Gives a table's lease back, if it is held."""
        if (lease := self._held.pop(table, None)) is not None:
            lease.release()

    def remove_abandoned(self) -> None:
        """Removes what loads that have died had staged.

        Everything is loaded: what cannot be removed now is left to the next run.
        """
        try:
            removed = remove_abandoned(
                self.client, self.s3.bucket, self.s3.layout, self._held.keys()
            )
        except LakeError as error:
            self.logger.warning("could not list the staging folder: %s", error.message)
            return
        for table, objects in removed.items():
            self._tell_removed(table, objects)

    def _remove_left(self, table: TableName) -> None:
        """Removes a crashed load's staged files; nothing depends on them, so they may also stay."""
        prefix = self.s3.layout.staging_prefix(table)
        try:
            self._tell_removed(table, remove_staging(self.client, self.s3.bucket, prefix))
        except LakeError as error:
            self.logger.warning(
                "could not remove staged files of a crashed load: %s", error.message,
                extra={"table": str(table)},
            )  # fmt: skip

    def _tell_removed(self, table: TableName, objects: int) -> None:
        if objects:
            self.logger.warning(
                "removed staged files of a crashed load",
                extra={"table": str(table), "objects": objects},
            )
