"""What S3 refuses, as errors that an operator understands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from tidemark_core.errors import LakeError

_RETRYABLE = frozenset({"SlowDown", "InternalError", "ServiceUnavailable", "RequestTimeout"})
#: Errors about one object; any other would meet every other request, too.
_OF_ONE_OBJECT = frozenset(
    {
        *("NoSuchKey", "404", "PreconditionFailed", "412", "ConditionalRequestConflict", "409"),
        *("InvalidRange", "InvalidObjectState", "KeyTooLongError", "EntityTooLarge"),
    }
)
_HINTS = {
    "ExpiredToken": "renew the credentials, then run again; no partial work was committed",
    "RequestTimeTooSkewed": "correct this machine's clock",
    "KMS.DisabledException": "enable the key S3_KMS_KEY_ID, or use another one",
    "KMS.NotFoundException": "correct S3_KMS_KEY_ID",
    "NoSuchBucket": "create the bucket, or correct S3_BUCKET_NAME",
    "AccessDenied": "compare the role's permissions with orchestrate/iam/",
    "InvalidAccessKeyId": "correct S3_ACCESS_KEY and S3_SECRET_KEY",
    "SignatureDoesNotMatch": "correct S3_SECRET_KEY",
    "PermanentRedirect": "correct S3_REGION",
}


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Turns boto's errors into a `LakeError` that says what was being done.

    Args:
        what: A phrase such as ``"listing s3://bucket/manifests/"``.

    Raises:
        LakeError: S3 refused or could not be reached; ``retryable`` for transient faults.
    """
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "unknown")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        raise LakeError(
            f"S3 refused {what}: {code}",
            hint=_HINTS.get(code),
            retryable=code in _RETRYABLE or status >= 500,
            stops_all=code not in _OF_ONE_OBJECT,
        ) from error
    except BotoCoreError as error:
        raise LakeError(
            f"S3 could not be reached for {what}: {error}",
            hint="check S3_ENDPOINT_URL, the credentials and the network",
            retryable=True,
            stops_all=True,
        ) from error


def not_deleted(failed: Mapping[str, Any], table: object) -> LakeError:
    """The error of an object that a request has not deleted.

    Args:
        failed: What S3's answer says of it.
        table: Whose object it is.
    """
    code = failed.get("Code", "unknown")
    return LakeError(
        f"S3 refused to delete {failed.get('Key')!r}: {code}",
        table=table,
        hint=_HINTS.get(code),
        retryable=code in _RETRYABLE,
        stops_all=code not in _OF_ONE_OBJECT,
    )
