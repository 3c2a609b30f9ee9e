"""AWS sessions that share botocore's service descriptions: a process reads them once.

They take most of the CPU that a first client costs (0.1 s). A process that forks itself for many
commands reads them for all of these (`preload`).
"""

from __future__ import annotations

import gzip
import json
from contextlib import suppress
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
from botocore.exceptions import BotoCoreError
from botocore.loaders import JSONFileLoader, Loader, create_loader
from botocore.session import get_session
from botocore.utils import parse_timestamp

if TYPE_CHECKING:
    from botocore.session import Session


def default_session() -> boto3.Session:
    """The session of this process, as `boto3.client` has it: credentials are looked up once."""
    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session(botocore_session=_new())
    assert boto3.DEFAULT_SESSION is not None  # noqa: S101 - set above
    return boto3.DEFAULT_SESSION


def preload() -> None:
    """Reads what a client of S3 needs, without looking at anybody's credentials."""
    with suppress(BotoCoreError):  # no such profile, which the first real client tells
        session = boto3.Session(
            aws_access_key_id="-",
            aws_secret_access_key="-",  # noqa: S106 - none
            region_name="us-east-1",
            botocore_session=_new(),
        )
        session.client("s3")


def _new() -> Session:
    session = get_session()
    session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_moment)
    session.register_component("data_loader", _loader(session.get_config_variable("data_path")))
    return session


def _moment(value: Any) -> datetime:
    """A time in an answer; botocore's own reading takes half of the time of a long listing."""
    if isinstance(value, str) and value.endswith("Z"):
        with suppress(ValueError):
            return datetime.fromisoformat(value)
    return parse_timestamp(value)


class _Files(JSONFileLoader):
    """Files of descriptions, as plain dictionaries: ordered ones take twice the time."""

    def load_file(self, file_path: str) -> Any:
        """What a file holds, or None where there is none; its name is given without its ending."""
        for ending, read in ((".json", Path.read_bytes), (".json.gz", _unzipped)):
            path = Path(file_path + ending)
            if path.is_file():
                return json.loads(read(path))
        return None


def _unzipped(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes())


@cache
def _loader(paths: str | None) -> Loader:
    """The descriptions in botocore, and in the folders of AWS_DATA_PATH."""
    loader = create_loader(paths)
    loader.file_loader = _Files()
    return loader
