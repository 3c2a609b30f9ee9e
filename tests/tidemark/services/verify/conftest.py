"""Both databases past the bastion: hundreds of commands would log in there twice each."""

from __future__ import annotations

import pytest


@pytest.fixture
def addresses(past_the_bastion: dict[str, str]) -> dict[str, str]:
    return past_the_bastion
