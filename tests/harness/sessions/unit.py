"""A pytest plugin that marks the tests which need no server: ``make unit`` runs them in seconds."""

from __future__ import annotations

from typing import Any

import pytest

#: The fixtures that start servers, or want a Debian package; what else needs one needs it through
#: these.
NEEDED = frozenset({"worlds", "world", "spare", "chromium"})


@pytest.hookimpl(tryfirst=True)  # before -m takes tests away
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if NEEDED.isdisjoint(getattr(item, "fixturenames", ())):
            item.add_marker("unit")


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(
    fixturedef: pytest.FixtureDef[Any], request: pytest.FixtureRequest
) -> None:
    """Refuses a fixture that a test asks for while it runs: nobody could know of it before."""
    item = request._pyfuncitem
    if fixturedef.argname in NEEDED and item.get_closest_marker("unit"):
        pytest.fail(f"{item.nodeid} needs {fixturedef.argname}: have it among its arguments")
