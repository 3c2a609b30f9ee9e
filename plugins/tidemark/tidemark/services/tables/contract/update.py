"""How a contract and the source differ, and the contract brought up to date. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tap_mysql.source.schema import Table
from target_redshift.model.landing_table import LandingTable
from target_redshift.model.schema_drift import normalise
from tidemark_core.errors import ConfigError
from tidemark_core.types.super_columns import SUPER

from tidemark.config.files.yaml_text import YamlText
from tidemark.services.tables.contract.contract import (
    Contract,
    columns_text,
    copied_meta,
    marking_column,
    marking_meta,
    marking_text,
    safe,
)
from tidemark.services.tables.method import Method


@dataclass(frozen=True)
class Difference:
    """How the source differs from a contract.

    Attributes:
        added: Columns that are new.
        changed: Columns that have another type now: what it was, and what it is.
        gone: Columns that the source no longer has.
        key: The key until now, if it has changed.
    """

    added: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    key: tuple[str, ...] | None = None

    def told(self) -> list[str]:
        """The differences for people, one text each."""
        found = [f"new column {name}" for name in self.added]
        found += [f"{name}: {old} is now {new}" for name, (old, new) in self.changed.items()]
        found += [f"column {name} was dropped" for name in self.gone]
        if self.key is not None:
            found.append(f"the key was {', '.join(self.key) or 'none'}")
        return found

    @property
    def needs_rebuild(self) -> bool:
        """Whether the landing table cannot follow by itself: it can only add and widen columns."""
        return self.key is not None or not all(map(_is_wider, self.changed.values()))

    @property
    def lake_suffices(self) -> bool:
        """Whether the lake's files have all that a rebuild needs: SUPER is made from text."""
        others = [change for change in self.changed.values() if not _is_wider(change)]
        return self.key is None and all(SUPER.lower() in change for change in others)


def _is_wider(change: tuple[str, str]) -> bool:
    lengths = [int(kind[8:-1]) if kind.startswith("varchar(") else 0 for kind in change]
    return 0 < lengths[0] < lengths[1]


def compare(contract: Contract, landing: LandingTable) -> Difference:
    """What differs between a contract and the landing table that the source's columns make.

    Raises:
        ConfigError: MySQL has a column with the name of the contract's own one for deleted rows.
    """
    own = contract.deleted_at
    have = {name: normalise(kind) for name, kind in contract.columns.items() if name != own}
    want = {column.name: column.redshift for column in landing.columns}
    if own in want:
        raise ConfigError(
            "MySQL now has a column with the name that the contract uses for deleted rows",
            table=contract.source,
            column=own,
            hint=f"rename it in {contract.path}, say so there by meta: {{deleted_at: NAME}}, and "
            f"build the table again: tidemark-dbt build --full-refresh --select {contract.name}",
        )
    key = tuple(column.name for column in landing.keys)
    return Difference(
        tuple(name for name in want if name not in have),
        {
            name: (have[name].lower(), kind.lower())
            for name, kind in want.items()
            if name in have and have[name] != kind
        },
        tuple(name for name in have if name not in want),
        contract.key if key != contract.key else None,
    )


def updated(
    text: str,
    contract: Contract,
    landing: LandingTable,
    table: Table,
    method: Method | None,
    *,
    hard_delete: bool = True,
) -> str:
    """Brings a contract up to date; what people wrote in it stays, and so does its order.

    Columns that the source no longer has stay too: the table keeps what they held.

    Args:
        text: The file.
        contract: What it says.
        landing: The landing table that the source's columns make.
        table: As the source describes it.
        method: How the table is to be copied; None: as it is.
        hard_delete: Whether rows that are deleted in MySQL leave the table.
    """
    found = compare(contract, landing)
    file, model = YamlText(text, contract.path), _place(contract)
    order = list(contract.columns)
    for name, (_, kind) in found.changed.items():
        file.put([*model, "columns", order.index(name)], "data_type", kind)
    names = [column.name for column in landing.columns]
    told = dict(zip(names, columns_text(landing, table), strict=True))
    added = [told[name] for name in found.added]
    marking = contract.deleted_at
    if marking is None and not hard_delete:
        marking = marking_column(landing)
        added.append(marking_text(marking))
    if added:
        file.append([*model, "columns"], added)
    if found.key is not None:
        _change_key(file, contract, [column.name for column in landing.keys])
    meta = dict(contract.raw["config"]["meta"])
    if method is not None:
        meta.pop("replication_key", None)
        meta |= safe(copied_meta(landing, table, method))
    if not hard_delete:
        meta |= marking_meta(marking)
    elif "hard_delete" in meta:
        # The column stays, empty: others read the table, so people decide when to remove it.
        meta["hard_delete"] = True
    if meta != contract.raw["config"]["meta"]:
        file.fill([*model, "config"], "meta", meta)
    return file.result()


def _change_key(file: YamlText, contract: Contract, key: list[str]) -> None:
    model = _place(contract)
    file.put([*model, "config"], "unique_key", safe(key))
    for place, constraint in enumerate(contract.raw.get("constraints") or []):
        if constraint.get("type") == "primary_key":
            file.replace([*model, "constraints", place, "columns"], safe(key))


def _place(contract: Contract) -> list[str | int]:
    return ["models", contract.place]
