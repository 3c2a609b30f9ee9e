"""What COPY may read S3 by: a role, temporary keys, and never lasting ones."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest
from target_redshift.warehouse.copy_authorization import authorization
from target_redshift.warehouse.sql.copy import CopyOptions
from tidemark_core.errors import ConfigError
from tidemark_core.s3.client import S3Location
from tidemark_core.text.masking import SECRETS


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """A machine that has no credentials."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"):
        monkeypatch.setenv(name, str(tmp_path / name))
    return monkeypatch


@pytest.mark.security(9)
def test_a_role_comes_first_temporary_keys_next_and_lasting_ones_never(
    machine: pytest.MonkeyPatch,
) -> None:
    place = S3Location("b", "us-east-1", "incremental/")
    with pytest.raises(ConfigError, match="REDSHIFT_IAM_ROLE is not set"):
        authorization("", place)
    machine.setenv("AWS_ACCESS_KEY_ID", "ASIAKEY")
    machine.setenv("AWS_SECRET_ACCESS_KEY", "it's-a-secret")
    with pytest.raises(ConfigError, match="REDSHIFT_IAM_ROLE is not set"):
        authorization(None, place)
    machine.setenv("AWS_SESSION_TOKEN", "a-token-of-an-hour")
    right = authorization(None, place)
    assert right == (
        "ACCESS_KEY_ID 'ASIAKEY' SECRET_ACCESS_KEY 'it''s-a-secret' "
        "SESSION_TOKEN 'a-token-of-an-hour'"
    )
    assert SECRETS("it's-a-secret, a-token-of-an-hour") == "***, ***"
    assert "secret" not in repr(CopyOptions(right, "r"))
    assert authorization("default", place) == "IAM_ROLE default"
    with pytest.raises(ConfigError, match="long-lived keys"):
        authorization(None, replace(place, access_key="AKIA", secret_key="s"))
