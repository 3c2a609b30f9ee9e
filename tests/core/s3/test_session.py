"""A process reads botocore's descriptions once: its later clients, and its forks', need no file."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.loaders import JSONFileLoader, create_loader
from botocore.utils import parse_timestamp
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.session import _loader, _moment, preload


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


@pytest.mark.parametrize("kind", ["service-2", "endpoint-rule-set-1", "paginators-1"])
def test_descriptions_are_those_that_botocore_reads(kind: str) -> None:
    new = _loader.__wrapped__(None)  # clients change what the process's own loader has read
    own, botocores = (loader.load_service_model("s3", kind) for loader in (new, create_loader()))
    assert own == botocores
    assert json.dumps(own) == json.dumps(botocores), "in their order too"


def test_descriptions_of_ones_own_are_found_compressed_or_not(tmp_path: Path) -> None:
    for name, ending in (("plain", ".json"), ("packed", ".json.gz")):
        folder = tmp_path / name / "2026-01-01"
        folder.mkdir(parents=True)
        text = json.dumps({"of": name}).encode()
        body = gzip.compress(text) if ending == ".json.gz" else text
        (folder / f"service-2{ending}").write_bytes(body)
    loader = _loader(str(tmp_path))
    for name in ("plain", "packed"):
        assert loader.load_service_model(name, "service-2") == {"of": name}


@pytest.mark.parametrize(
    "told",
    [
        "2025-08-03T04:05:06.789Z",
        "2025-08-03T04:05:06Z",
        "20250803T040506Z",
        "Sun, 03 Aug 2025 04:05:06 GMT",
        1754193906,
        "1754193906.5",
        "2025-08-03T04:05:06+02:00",
    ],
)
def test_a_time_in_an_answer_is_what_botocore_makes_of_it(told: Any) -> None:
    assert _moment(told) == parse_timestamp(told)


def test_what_is_no_time_is_botocores_error() -> None:
    with pytest.raises(ValueError, match="someZ"):
        _moment("someZ")


def test_a_profile_that_does_not_exist_is_left_to_the_first_client(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    preload()
