"""A pytest plugin that marks the tests which need no server: ``make unit`` runs them in seconds."""

from __future__ import annotations

import pytest

#: The fixtures that start servers; what else needs one needs it through these.
SERVERS = frozenset({"worlds", "world", "spare"})


@pytest.hookimpl(tryfirst=True)  # before -m takes tests away
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if SERVERS.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("unit")
