"""A fixture for projects that speak to Redshift; pytest finds it by the entry point."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from redshift_stand_in.local import StandIn


@pytest.fixture(scope="session")
def redshift_stand_in() -> Iterator[StandIn]:
    """An empty stand-in on a free port, one per session; needs Debian's postgresql-15."""
    from redshift_stand_in.local import Wishes, running  # imports pyarrow

    with running(Wishes()) as stand_in:
        yield stand_in
