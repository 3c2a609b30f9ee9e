"""A process reads botocore's descriptions once: its later clients, and its forks', need no file."""

from __future__ import annotations

import boto3
import pytest
from botocore.loaders import JSONFileLoader
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.session import preload


def test_after_a_preload_a_client_reads_no_description(monkeypatch: pytest.MonkeyPatch) -> None:
    preload()
    read: list[str] = []
    load = JSONFileLoader.load_file

    def noted(self: JSONFileLoader, path: str) -> object:
        read.append(path)
        return load(self, path)

    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    monkeypatch.setattr(JSONFileLoader, "load_file", noted)
    S3Location("b", "eu-west-1", "x/", access_key="a", secret_key="b").client()
    assert read == []


def test_a_profile_that_does_not_exist_is_left_to_the_first_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    preload()
