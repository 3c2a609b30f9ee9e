"""Holds requests to S3 against the policies of orchestrate/iam, as AWS would.

Of IAM's evaluation it knows what those files use: a Deny wins, else an Allow is needed, and the
conditions with the meaning of a key that is absent.
"""

from __future__ import annotations

import fnmatch
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from tidemark.services.aws.iam_policy import render
from tidemark_core.lake.layout import LakeLayout

Context = Mapping[str, str]
_ARN = "arn:aws:iam::ACCOUNT:role/{}_ROLE"
#: What a request asks for, and whether it makes an object (``s3:ObjectCreationOperation``).
_ACTIONS = {
    "PutObject": ("s3:PutObject", "true"),
    "CompleteMultipartUpload": ("s3:PutObject", "true"),
    "CreateMultipartUpload": ("s3:PutObject", "false"),
    "UploadPart": ("s3:PutObject", "false"),
    "AbortMultipartUpload": ("s3:AbortMultipartUpload", "false"),
    "GetObject": ("s3:GetObject", "false"),
    "HeadObject": ("s3:GetObject", "false"),
    "DeleteObject": ("s3:DeleteObject", "false"),
    "DeleteObjects": ("s3:DeleteObject", "false"),
    "ListObjectsV2": ("s3:ListBucket", "false"),
}


@dataclass(frozen=True)
class Policies:
    """What one role may do in a bucket.

    Attributes:
        role: ``extractor``, ``loader`` or ``maintainer``.
        bucket: The bucket.
        identity: Statements of the role's policy.
        resource: Statements of the bucket's.
    """

    role: str
    bucket: str
    identity: list[dict[str, Any]]
    resource: list[dict[str, Any]]

    @classmethod
    def of(cls, folder: Path, role: str, bucket: str, layout: LakeLayout, states: str) -> Policies:
        """Reads the files as `tidemark iam-policy` gives them out."""

        def read(name: str) -> list[dict[str, Any]]:
            text = render((folder / f"{name}.json").read_text(), bucket, layout, states)
            found: list[dict[str, Any]] = json.loads(text)["Statement"]
            return found

        return cls(role, bucket, read(role), read("bucket-policy"))

    def allows(self, action: str, key: str = "", **context: str) -> bool:
        """Whether the role may do this; ``context`` has what the request says, by IAM's names."""
        resource = f"arn:aws:s3:::{self.bucket}" + (f"/{key}" if key else "")
        known = {
            "aws:SecureTransport": "true",
            "s3:TlsVersion": "1.3",
            "aws:PrincipalAccount": "ACCOUNT",
            "aws:PrincipalIsAWSService": "false",
            "aws:PrincipalArn": _ARN.format(self.role.upper()),
        } | context
        effects = {
            statement["Effect"]
            for statement in (*self.identity, *self.resource)
            if _covers(statement, action, resource) and _holds(statement, known)
        }
        return effects == {"Allow"}


def _covers(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    return any(fnmatch.fnmatchcase(action, name) for name in _listed(statement["Action"])) and any(
        fnmatch.fnmatchcase(resource, name) for name in _listed(statement["Resource"])
    )


def _listed(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def _holds(statement: Mapping[str, Any], context: Context) -> bool:
    return all(
        _condition(operator, context.get(key), _listed(wanted))
        for operator, keys in statement.get("Condition", {}).items()
        for key, wanted in keys.items()
    )


def _condition(operator: str, found: str | None, wanted: list[str]) -> bool:
    if operator == "Null":
        return (found is None) == (wanted == ["true"])
    if found is None:
        return operator in ("StringNotEquals", "ArnNotEquals") or operator.endswith("IfExists")
    match operator.removesuffix("IfExists"):
        case "Bool" | "StringEquals":
            return found in wanted
        case "StringNotEquals" | "ArnNotEquals":
            return found not in wanted
        case "StringLike":
            return any(fnmatch.fnmatchcase(found, pattern) for pattern in wanted)
        case "NumericLessThan":
            return float(found) < float(wanted[0])
    raise NotImplementedError(operator)


def _denied(message: str) -> Any:
    """S3's answer, as far as anybody reads it."""
    return {
        "Error": {"Code": "AccessDenied", "Message": message},
        "ResponseMetadata": {"HTTPStatusCode": 403, "HTTPHeaders": {}},
    }


def police(policies: Policies, patch: Any) -> list[str]:
    """Lets every S3 client of this process be refused what the policies do not allow.

    Args:
        policies: The role's.
        patch: pytest's ``monkeypatch``.

    Returns:
        A list that grows by what was asked for and refused.
    """
    refused: list[str] = []
    # Where a request has all that event handlers add to it, such as the uploader's condition.
    real = BaseClient._emit_api_params  # type: ignore[attr-defined]

    def guarded(self: Any, api_params: Any, operation_model: Any, context: Any) -> Any:
        arguments = real(self, api_params, operation_model, context)
        if self.meta.service_model.service_name == "s3":
            operation = operation_model.name
            for action, key, said in _asked(operation, arguments):
                if not policies.allows(action, key, **said):
                    refused.append(f"{action} {key}")
                    raise ClientError(_denied(f"{policies.role}: {action} {key}"), operation)
        return arguments

    patch.setattr(BaseClient, "_emit_api_params", guarded)
    return refused


def _asked(operation: str, arguments: Mapping[str, Any]) -> Iterator[tuple[str, str, Context]]:
    action, creates = _ACTIONS.get(operation, (f"s3:{operation}", "false"))
    context = {"s3:ObjectCreationOperation": creates}
    for name, header in (("IfNoneMatch", "s3:if-none-match"), ("IfMatch", "s3:if-match")):
        if name in arguments:
            context[header] = arguments[name]
    if "Prefix" in arguments:
        context["s3:prefix"] = arguments["Prefix"]
    keys = [entry["Key"] for entry in arguments.get("Delete", {}).get("Objects", ())]
    for key in keys or [arguments.get("Key", "")]:
        yield action, key, context
