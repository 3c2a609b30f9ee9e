"""The project's files that say which tables are copied, and how. Pure but for what is read."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from tidemark_core.errors import ConfigError
from tidemark_core.names import LandingNames, TableName
from tidemark_core.text.documents import Json
from tidemark_core.types.super_columns import NO_SUPER, SuperColumns

from tidemark.config.files.file_changes import FileChanges
from tidemark.config.files.meltano_files import KINDS, Folder, declarations
from tidemark.config.files.yaml_document import read_yaml
from tidemark.config.files.yaml_text import YamlText
from tidemark.config.tables.deleted_rows import TABLES
from tidemark.config.tables.rules import matches, metadata_rule, named, select_rule, split_rule
from tidemark.config.tables.selection import Rules
from tidemark.services.tables.contract.contract import Contract, read_contracts
from tidemark.services.tables.method import Method

_DB_SCHEMAS = re.compile(r"^(?:export[ \t]+)?DB_SCHEMAS[ \t]*=.*$", re.MULTILINE)


@dataclass
class ProjectFiles:
    """The files of one project, with the changes that a command is about to make.

    Attributes:
        changes: The changes.
        has_names_elsewhere: Whether LANDING_NAMES is set, in place of what the files say.
        super_columns: Which columns are SUPER; no command changes that.
    """

    changes: FileChanges
    has_names_elsewhere: bool = False
    super_columns: SuperColumns = NO_SUPER

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.changes.root

    # -- extract/extractors.meltano.yml

    @cached_property
    def _extractor(self) -> tuple[str, list[str | int]]:
        return self._plugin("extract", "tap-mysql")

    @cached_property
    def _loader(self) -> tuple[str, list[str | int]]:
        return self._plugin("load", "target-redshift")

    def _plugin(self, folder: Folder, name: str) -> tuple[str, list[str | int]]:
        """The file that has a plugin, and where in it."""
        kind = KINDS[folder]
        found = declarations(
            self.root, folder, name, lambda path: _document(self.changes.read(path) or "")
        )
        for path, place, _ in found:
            return str(path.relative_to(self.root)), ["plugins", kind, place]
        raise ConfigError(
            f"no {folder}/*.meltano.yml has {name}",
            hint=f"git checkout {folder}/{kind}.meltano.yml",
        )

    def _text(self, file: str) -> str:
        return self.changes.read(file) or ""

    @property
    def rules(self) -> Rules:
        """The select and metadata rules."""
        file, place = self._extractor
        plugin = _value(self._text(file), place)
        return Rules(tuple(plugin.get("select") or ()), plugin.get("metadata") or {})

    def set_rules(self, select: list[str], metadata: Mapping[str, Json]) -> None:
        """Writes the select and metadata rules."""
        file, place = self._extractor
        text = YamlText(self._text(file), file)
        text.fill(place, "select", select)
        text.fill(place, "metadata", dict(metadata))
        self.changes.write(file, text.result())

    def select(self, methods: Mapping[TableName, Method]) -> None:
        """Adds tables to the rules, unless they are there, and says how they are copied."""
        if not methods:
            return
        rules = self.rules
        for table, method in methods.items():
            rules = _with(rules, table, method)
        self.set_rules(list(rules.select), rules.metadata)

    def deselect(self, tables: Collection[TableName], others: Collection[TableName]) -> None:
        """Takes tables out of the rules.

        Args:
            tables: Which.
            others: What is still copied.
        """
        rules = self.rules
        select = [rule for rule in rules.select if named(split_rule(rule)[1]) not in tables]
        left = Rules(tuple(select), rules.metadata)
        select += [f"!{select_rule(table)}" for table in sorted(tables) if left.selects(table)]
        metadata = {
            pattern: values
            for pattern, values in rules.metadata.items()
            if not any(matches(table, pattern) for table in tables)
            or any(matches(table, pattern) for table in others)
        }
        self.set_rules(select, metadata)

    # -- load/loaders.meltano.yml

    @property
    def names(self) -> LandingNames:
        """The names in the warehouse that tables were given."""
        file, place = self._loader
        plugin = _value(self._text(file), place)
        return LandingNames.parse((plugin.get("config") or {}).get("landing_names") or {})

    def set_names(self, given: Mapping[str, str]) -> None:
        """Writes the names in the warehouse that tables are given."""
        if dict(given) == dict(self.names.given):
            return
        if self.has_names_elsewhere:
            raise ConfigError(
                "LANDING_NAMES is set and would override the names in load/*.meltano.yml",
                hint="move its value to config: landing_names: of target-redshift in "
                "load/loaders.meltano.yml, and unset the variable",
            )
        file, place = self._loader
        text = YamlText(self._text(file), file)
        if text.node([*place, "config"]) is None:
            text.put(place, "config", {"landing_names": dict(given)})
        else:
            text.fill([*place, "config"], "landing_names", dict(given))
        self.changes.write(file, text.result())

    # -- transform/

    def contracts(self) -> dict[str, Contract]:
        """The contracts, by ``schema.table`` of the source."""
        found: dict[str, Contract] = {}
        for path in sorted((self.root / TABLES).glob("*.yml")):
            file = str(path.relative_to(self.root))
            of_file = read_contracts(file, self._text(file))
            found |= {contract.source: contract for contract in of_file}
        return found

    def models(self) -> set[str]:
        """The names of all models."""
        return {path.stem for path in (self.root / "transform" / "models").rglob("*.sql")}

    # -- .env

    def set_schemas(self, path: Path, schemas: Collection[str]) -> None:
        """Writes DB_SCHEMAS into the file of settings."""
        told = json.dumps(sorted(schemas), ensure_ascii=False).replace("'", "\\u0027")
        line = f"DB_SCHEMAS='{told}'" if schemas else "DB_SCHEMAS="
        text = self.changes.read(path) or ""
        if _DB_SCHEMAS.search(text):
            new = _DB_SCHEMAS.sub(lambda _: line, text)
        else:
            new = text + ("" if not text or text.endswith("\n") else "\n") + line + "\n"
        self.changes.write(path, new)


def _with(rules: Rules, table: TableName, method: Method) -> Rules:
    """The rules with one more table that is copied."""
    own = [rule for rule in rules.select if not _leaves_out_all(rule, table)]
    select = own if rules.selects(table) else [*own, select_rule(table)]
    metadata = dict(rules.metadata)
    if _how(rules, table) != (method.name, method.key):
        wanted = {"replication-method": method.name}
        if method.key is not None:
            wanted["replication-key"] = method.key
        # The last one that fits a table is the one that counts.
        more = dict(metadata.pop(metadata_rule(table), {}))
        more.pop("replication-key", None)
        metadata[metadata_rule(table)] = more | wanted
    return Rules(tuple(select), metadata)


def _how(rules: Rules, table: TableName) -> tuple[str, str | None]:
    return rules.of(table).method or "", rules.replication_key(table)


def _leaves_out_all(rule: str, table: TableName) -> bool:
    negated, stream, column = split_rule(rule)
    return negated and column == "*" and named(stream) == table


def _value(text: str, place: list[str | int]) -> Json:
    """The value at a place of a document, to be read and not to be changed."""
    found = _document(text)
    for step in place:
        found = found[step]
    return dict(found)


@lru_cache(maxsize=4)  # the same few texts are asked for with each table
def _document(text: str) -> Any:
    return read_yaml(text) or {}
