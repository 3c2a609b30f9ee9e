"""The files that COPY reads: put under a prefix of their own, and removed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError

from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.context import S3Settings
from redshift_stand_in.corpus import Case

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@dataclass(frozen=True)
class Storage:
    """A prefix of a bucket.

    Attributes:
        s3: How it is reached.
        bucket: Its name.
        prefix: Nobody else's, without slashes at its ends.
        role: The ARN of the role that the server reads it by.
    """

    s3: S3Settings
    bucket: str
    prefix: str
    role: str

    @property
    def url(self) -> str:
        """As COPY names it."""
        return f"s3://{self.bucket}/{self.prefix}"

    @cached_property
    def _client(self) -> S3Client:
        return self.s3.client

    def put(self, case: Case) -> None:
        """Puts a case's data where its statement looks for it.

        Raises:
            CalibrationError: S3 refuses.
        """
        try:
            self._client.put_object(
                Bucket=self.bucket, Key=f"{self.prefix}/{case.key}", Body=case.data
            )
        except (BotoCoreError, ClientError) as error:
            raise CalibrationError(self._refused("write", error)) from error

    def clear(self) -> None:
        """Removes everything under the prefix.

        Raises:
            CalibrationError: S3 refuses.
        """
        try:
            for page in self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=f"{self.prefix}/"
            ):
                for found in page.get("Contents", []):
                    self._client.delete_object(Bucket=self.bucket, Key=found["Key"])
        except (BotoCoreError, ClientError) as error:
            raise CalibrationError(self._refused("clear", error)) from error

    def _refused(self, what: str, error: Exception) -> str:
        return f"cannot {what} {self.url}/: {error}. Next: aws s3 ls {self.url}/"
