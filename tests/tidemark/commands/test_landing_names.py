"""Two tables of one name: each command goes by the name that was given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from projects.pages import Block
from tidemark.config.tables.landing_names import read_landing_names
from tidemark.config.validation import refuse_bad_values
from tidemark_core.errors import ConfigError
from tidemark_core.names import TableName

if TYPE_CHECKING:
    from tests.tidemark.conftest import Lake

pytestmark = pytest.mark.fault(157)
CUSTOMER = TableName("crm", "customer")
IN_FILE = """
plugins:
  loaders:
  - name: target-s3-parquet
  - name: target-redshift
    config:
      landing_names: {crm.customer: crm__customer}
"""


def test_the_names_are_those_of_the_environment_or_else_of_the_project(tmp_path: Path) -> None:
    assert read_landing_names(tmp_path, {}).of(CUSTOMER) == "customer"
    (tmp_path / "load").mkdir()
    (tmp_path / "load" / "loaders.meltano.yml").write_text(IN_FILE)
    for environ in ({}, {"LANDING_NAMES": ""}):
        assert read_landing_names(tmp_path, environ).of(CUSTOMER) == "crm__customer"
    environ = {"LANDING_NAMES": '{"crm.customer": "other"}'}
    assert read_landing_names(tmp_path, environ).of(CUSTOMER) == "other"


def test_names_are_read_as_printed(printed: list[Block], tmp_path: Path) -> None:
    (block,) = printed
    plugin = {"name": "target-redshift"} | yaml.safe_load(block.text)
    (tmp_path / "load").mkdir()
    path = tmp_path / "load" / "loaders.meltano.yml"
    path.write_text(yaml.safe_dump({"plugins": {"loaders": [plugin]}}))
    assert read_landing_names(tmp_path, {}).of(CUSTOMER) == "crm__customer"


def test_names_that_cannot_be_are_told_before_a_run() -> None:
    with pytest.raises(ConfigError, match="gives the name 'x' to two tables"):
        refuse_bad_values({"LANDING_NAMES": '{"a.t": "x", "b.t": "x"}'})


def test_what_is_another_tables_copy_is_neither_compared_nor_dropped(copied: Lake) -> None:
    twin = TableName("another", copied.table.table)
    copied.commit(copied.file(table=twin), table=twin)
    for words in (("verify", "--checksum"), ("reconcile",), ("rebuild", "--yes")):
        done = copied.run(words[0], "-t", str(twin), *words[1:])
        assert done.code in (1, 2), done.out
        assert f"is the copy of {copied.table}" in done.out + done.err
        assert f"tidemark add {twin}" in " ".join((done.out + done.err).split())
    assert copied.run("verify", "-t", str(copied.table), "--checksum").code == 0


def test_a_table_is_compared_under_the_name_that_it_was_given(
    copied: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare, given = copied.table.table, f"given__{copied.table.table}"
    users = {"landing": "tidemark_loader", "public": "tidemark_transformer"}

    def rename(old: str, new: str) -> None:
        for schema, user in users.items():
            copied.sandbox.warehouse(f"ALTER TABLE {schema}.{old} RENAME TO {new}", user=user)

    rename(bare, given)
    try:
        copied.sandbox.warehouse(
            f"UPDATE landing.tidemark_loads SET landing_table = '{given}' "
            f"WHERE source_table = '{copied.table}'",
            user="tidemark_loader",
        )
        assert copied.run("verify", "-t", str(copied.table)).code == 3
        monkeypatch.setenv("LANDING_NAMES", json.dumps({str(copied.table): given}))
        assert copied.run("verify", "-t", str(copied.table), "--checksum").code == 0
        assert copied.run("reconcile", "-t", str(copied.table)).code == 0
    finally:
        rename(given, bare)
