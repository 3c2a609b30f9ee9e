"""What a plugin says of its settings."""

from __future__ import annotations

import logging

import pytest
from tap_mysql.singer.tap import TapMySQL

CONFIG = {"db_host": "db.example", "db_port": "3307", "db_user": "u", "db_database": "d"}


@pytest.mark.parametrize("validated", [True, False])
def test_settings_that_are_text_as_meltano_gives_them_are_no_fault(
    caplog: pytest.LogCaptureFixture, validated: bool
) -> None:
    """Nor is it one in discovery, which the SDK begins without validation."""
    tap = TapMySQL(config=CONFIG, validate_config=validated)
    assert tap.settings.db_port == 3307
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
