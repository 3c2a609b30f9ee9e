"""SUPER columns: the project's files say which, and a contract that differs stops a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from projects.pages import Block
from tidemark.config.tables.super_columns import (
    check_contract,
    read_super_columns,
    refuse_other_contracts,
)
from tidemark.config.validation import refuse_bad_values
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName
from tidemark_core.types.column_type import ColumnType
from tidemark_core.types.super_columns import SuperColumns

ORDERS = TableName("shop", "orders")
COLUMNS = {"Payload": "json", "Notes": "string", "More": "json", "number": "int64"}
TYPES = {name: ColumnType.parse(kind) for name, kind in COLUMNS.items()}


def model(payload: str = "super", notes: str = "super", **config: Any) -> dict[str, Any]:
    """A contract of shop.orders, as YAML has it."""
    meta = {"source": "shop.orders", "replication_key": "id"} | config.pop("meta", {})
    kinds = {"id": "bigint", "payload": payload, "notes": notes}
    columns = [{"name": name, "data_type": kind} for name, kind in kinds.items()]
    return {"name": "orders", "config": {"unique_key": "id", "meta": meta} | config,
            "columns": columns}  # fmt: skip


def project(root: Path, told: dict[str, Any], *models: dict[str, Any]) -> Path:
    plugin = {"name": "target-redshift", "config": {"super_columns": told}}
    (root / "load").mkdir()
    (root / "load/loaders.meltano.yml").write_text(
        yaml.safe_dump({"plugins": {"loaders": [plugin]}})
    )
    folder = root / "transform/models/tables"
    folder.mkdir(parents=True)
    (folder / "orders.yml").write_text(yaml.safe_dump({"models": list(models)}))
    return root


def test_columns_are_read_as_printed(printed: list[Block], tmp_path: Path) -> None:
    (block,) = printed
    told = yaml.safe_load(block.text)["config"]["super_columns"]
    chosen = read_super_columns(project(tmp_path, told), {})
    assert chosen.of(ORDERS, TYPES) == {"Payload": "json", "Notes": "text"}
    assert chosen.of(TableName("shop", "events"), {"Body": TYPES["Notes"]}) == {"Body": "json"}
    assert chosen.of(TableName("shop", "audit"), TYPES) == {}
    assert chosen.of(TableName("shop", "other"), TYPES).keys() == {"Payload", "More"}


def test_the_environment_wins_if_it_says_anything(tmp_path: Path) -> None:
    root = project(tmp_path, {"shop.orders": "json"})
    for environ in ({}, {"SUPER_COLUMNS": ""}):
        assert read_super_columns(root, environ).of(ORDERS, TYPES).keys() == {"Payload", "More"}
    environ = {"SUPER_COLUMNS": json.dumps({"shop.orders": ["notes"]})}
    assert read_super_columns(root, environ).of(ORDERS, TYPES) == {"Notes": "text"}


BOTH = ["payload", {"Notes": "json"}]
#: What the setting says of the table, its contract, and what is said of the two.
REFUSED: list[tuple[Any, dict[str, Any], str, str]] = [
    (["payload", "nots"], model(), "a column that the table does not have", "loaders.meltano"),
    (BOTH, model(notes="varchar(65535)"), "the type varchar(65535), and", "add shop.orders"),
    (["payload"], model(), "the type super, and", "tidemark add shop.orders"),
    (BOTH, model(unique_key=["id", "notes"]), "a column of the key", "loaders.meltano"),
    (BOTH, model(meta={"replication_key": "notes"}), "the replication key", "loaders.meltano"),
    (BOTH, model(dist="notes"), "the distribution key", "loaders.meltano"),
    ("json", model(sort=["id", "notes"]), "a sort key", "loaders.meltano"),
]


@pytest.mark.fault(225)
@pytest.mark.parametrize(("told", "contract", "what", "then"), REFUSED, ids=lambda _: "")
def test_a_contract_that_differs_stops_a_run(
    told: Any, contract: dict[str, Any], what: str, then: str, tmp_path: Path
) -> None:
    root = project(tmp_path, {"shop.orders": told}, {"name": "other", "columns": []}, contract)
    with pytest.raises(ConfigError) as caught:
        refuse_other_contracts(root, {})
    assert (caught.value.table, what in caught.value.message) == ("shop.orders", True)
    assert then in str(caught.value.hint)


def test_a_contract_that_agrees_does_not(tmp_path: Path) -> None:
    refuse_other_contracts(project(tmp_path, {"shop.orders": BOTH}, model()), {})
    for told, contract in (
        ({"*": "json"}, model()),
        ({"*": "json"}, model("varchar(65535)", "varchar(65535)")),
        ({"*": "json", "shop.orders": []}, model("varchar(65535)", "varchar(65535)")),
    ):
        check_contract(SuperColumns.parse(told), "shop.orders", contract)


@pytest.mark.fault(225)
def test_values_that_cannot_be_are_told_before_a_run() -> None:
    with pytest.raises(ConfigError, match=r"SUPER_COLUMNS has 'text' for 'shop\.orders'"):
        refuse_bad_values({"SUPER_COLUMNS": '{"shop.orders": "text"}'})
