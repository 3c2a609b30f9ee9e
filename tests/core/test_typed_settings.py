"""Settings as dataclasses."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, dataclass
from typing import Literal

import pytest
from tidemark_core.errors import ConfigError
from tidemark_core.settings import LEASE_SECONDS, Setting
from tidemark_core.typed_settings import declared, read, setting, shared, values


@dataclass(frozen=True, kw_only=True)
class Base:
    where: str = setting("Where.", required=True)
    key: str | None = setting("The key.", secret=True)


@dataclass(frozen=True, kw_only=True)
class Settings(Base):
    how: Literal["fast", "well"] = setting("How.", "well")
    at_most: Literal["one"] | None = setting("At most.")
    rows: int = setting("Rows.", 5, minimum=1)
    strict: bool = setting("Strict?", False)
    tables: list[str] = setting("Tables.", [])
    columns: dict[str, str] = setting("Columns.", {})
    s3_lease_seconds: int = shared(LEASE_SECONDS)


def test_each_field_declares_a_setting() -> None:
    assert declared(Settings) == (
        Setting("where", "Where.", required=True),
        Setting("key", "The key.", secret=True),
        Setting("how", "How.", default="well", choices=("fast", "well")),
        Setting("at_most", "At most.", choices=("one",)),
        Setting("rows", "Rows.", "integer", default=5, minimum=1),
        Setting("strict", "Strict?", "boolean", default=False),
        Setting("tables", "Tables.", "array", default=[]),
        Setting("columns", "Columns.", "object", default={}),
        LEASE_SECONDS,
    )


def test_values_are_read_as_their_types() -> None:
    found = read(Settings, {"where": "x", "rows": "7", "tables": '["a"]'}, {"STRICT": "yes"})
    assert found == Settings(where="x", rows=7, tables=["a"], strict=True)
    assert (found.how, found.columns, found.s3_lease_seconds) == ("well", {}, 60)
    assert read(Settings, values(found)) == found
    with pytest.raises(FrozenInstanceError):
        found.rows = 8  # type: ignore[misc]


@pytest.mark.parametrize(
    ("config", "says"),
    [({}, "WHERE is not set"), ({"where": "x", "how": "badly"}, "HOW must be one of fast, well")],
)
def test_a_wrong_value_is_named(config: dict[str, str], says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        read(Settings, config)


def test_a_default_is_nobodys_to_change() -> None:
    Settings(where="x").tables.append("a")
    assert Settings(where="x").tables == []


@pytest.mark.security(7)
def test_a_secret_appears_in_no_representation() -> None:
    found = Settings(where="x", key="canary-word")
    assert "canary-word" not in repr(found)
    assert "where='x'" in repr(found)
