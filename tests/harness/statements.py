"""What happens when the warehouse is told a statement."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Protocol

import pytest
from tidemark_core.redshift.connection import WarehouseConnection


class Intercept(Protocol):
    """See `intercept`."""

    def __call__(
        self,
        pattern: str,
        action: Callable[[WarehouseConnection, str], Any],
        times: int | None = 1,
    ) -> list[str]: ...


@pytest.fixture
def intercept(monkeypatch: pytest.MonkeyPatch) -> Intercept:
    """Runs an action before statements whose beginning matches a pattern; returns those it met.

    The action is called with the session and the statement, at most ``times`` times (None for
    always). What it returns, unless None, answers in the statement's place. Statements of its own
    are not intercepted.
    """

    def begin(
        pattern: str, action: Callable[[WarehouseConnection, str], Any], times: int | None = 1
    ) -> list[str]:
        met: list[str] = []
        execute, acting = WarehouseConnection.execute, False

        def armed(self: WarehouseConnection, sql: str, *rest: Any, **named: Any) -> Any:
            nonlocal acting
            if acting or not re.match(pattern, sql, re.DOTALL) or len(met) == times:
                return execute(self, sql, *rest, **named)
            met.append(sql)
            acting = True
            try:
                answer = action(self, sql)
            finally:
                acting = False
            return execute(self, sql, *rest, **named) if answer is None else answer

        monkeypatch.setattr(WarehouseConnection, "execute", armed)
        return met

    return begin
