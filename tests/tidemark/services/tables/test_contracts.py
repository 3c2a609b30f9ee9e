"""A table's contract says what MySQL has, and keeps what people wrote in it."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2.sandbox import SandboxedEnvironment
from tap_mysql.source.schema import Column, Table
from target_redshift.model.landing_table import LandingTable
from tidemark.config.tables.selection import Rules
from tidemark.services.tables.contract.contract import Contract, read_contracts, write
from tidemark.services.tables.contract.deletes import Deletes
from tidemark.services.tables.contract.identifiers import landing_name, needs_quotes
from tidemark.services.tables.contract.update import compare, updated
from tidemark.services.tables.method import Method
from tidemark.services.tables.source import landing_table
from tidemark_core.errors import ConfigError
from tidemark_core.names import OWN_NAMES, LandingNames, TableName
from tidemark_core.types.column_type import MySQLColumn, from_mysql

FULL = Method("FULL_TABLE", "")
ODD = st.text(min_size=1, max_size=30)
#: Jinja makes one kind of line break of all.
NAMES = ODD.filter(lambda text: not set("\r\n\0") & set(text))


def column(name: str, data_type: str = "int", *, length: int | None = None, **more: Any) -> Column:
    told = f"{data_type}({length})" if length else data_type
    mysql = MySQLColumn(data_type, told, length=length)
    return Column(name, mysql, from_mysql(mysql), nullable=False, **more)


def made(*columns: Column, key: tuple[str, ...] = ("id",), comment: str = "") -> Table:
    return Table(TableName("s", "t"), columns, key, comment=comment)


def landing(table: Table, method: Method = FULL) -> LandingTable:
    return landing_table(table, method, Rules(), "t")


def contract(text: str) -> Contract:
    (found,) = read_contracts("t.yml", text)
    return found


def as_dbt_reads(value: Any) -> Any:
    """Texts as Jinja gives them back."""
    if isinstance(value, str):
        return SandboxedEnvironment(keep_trailing_newline=True).from_string(value).render()
    if isinstance(value, dict):
        return {key: as_dbt_reads(item) for key, item in value.items()}
    return [as_dbt_reads(item) for item in value] if isinstance(value, list) else value


@given(NAMES, ODD, ODD)
@example("{{ x }}|", "{% raw %}'\"", "{# {{{ <b>")
@example("{{{{", "{", "x{")
def test_any_comment_and_name_is_text_to_yaml_and_jinja(
    name: str, of_column: str, of_table: str
) -> None:
    table = made(column("id"), column(name, comment=of_column), comment=of_table)
    try:
        text = write("t", landing(table), table, FULL)
    except ConfigError:
        return  # Redshift cannot have a column of this name
    model = as_dbt_reads(yaml.safe_load(text))["models"][0]
    names = [one["name"] for one in model["columns"]]
    assert names == ["id", name.lower()]
    assert list(contract(text).columns) == names
    for told, comment in ((model, of_table), (model["columns"][1], of_column)):
        words = re.sub(r"[^\w{}%#|'\"<>]", "", " ".join(comment.split()))
        if words.isascii() and comment.isprintable():
            assert words in re.sub(r"[^\w{}%#|'\"<>]", "", told["description"])
        assert len(told["description"]) >= 4


def test_a_contract_says_what_is_to_be_known() -> None:
    table = made(
        column("ID"), column("Seen At", "datetime"), column("order", "varchar", length=10),
        key=("ID",), comment="People",
    )  # fmt: skip
    method = Method("INCREMENTAL", "", "Seen At")
    model = yaml.safe_load(write("t", landing(table, method), table, method))["models"][0]
    assert model["description"] == "People. The table s.t of MySQL."
    assert model["config"] == {
        "unique_key": ["id"],
        "meta": {
            "source": "s.t",
            "replication_method": "INCREMENTAL",
            "replication_key": "seen at",
        },
    }
    first, second, third = model["columns"]
    assert first["data_tests"] == ["unique", "not_null"]
    assert (second["name"], second["quote"]) == ("seen at", True)
    assert third == {
        "name": "order", "quote": True, "data_type": "varchar(40)",
        "description": "varchar(10) in MySQL.",
    }  # fmt: skip


def test_keys_of_several_columns_and_of_none_have_the_tests_that_they_can_have() -> None:
    table = made(column("a"), column("b"), key=("a", "b"))
    model = yaml.safe_load(write("t", landing(table), table, FULL))["models"][0]
    assert model["data_tests"] == [{"unique_combination": {"arguments": {"columns": ["a", "b"]}}}]
    assert [one["data_tests"] for one in model["columns"]] == [["not_null"]] * 2
    table = made(column("a"), key=())
    model = yaml.safe_load(write("t", landing(table), table, FULL))["models"][0]
    assert "constraints" not in model
    assert len(model["config"]["meta"]["dbt-bouncer"]["skip_checks"]) == 2


KEPT = """\
version: 2
models:
  - name: t
    description: Written by hand.   # and commented
    config:
      unique_key: [id]
      tags: [own]
      meta:
        owner: us
        source: s.t
        replication_method: INCREMENTAL
        replication_key: seen
    constraints:
      - {type: primary_key, columns: [id], warn_unsupported: false}
    columns:
      # the other way round
      - name: note
        data_type: varchar(40)
        description: "{{ doc('note') }}"
        data_tests: [not_null]
      - {name: id, data_type: bigint, description: Number.}
      - {name: gone, data_type: date, description: Was.}
"""


def test_an_update_changes_what_mysql_has_changed_and_nothing_else() -> None:
    table = made(column("id", "bigint"), column("note", "varchar", length=20), column("more"))
    before = contract(KEPT)
    found = compare(before, landing(table))
    assert found.told() == [
        "new column more",
        "note: varchar(40) is now varchar(80)",
        "column gone was dropped",
    ]
    assert not found.needs_rebuild
    text = updated(KEPT, before, landing(table), table, None)
    assert text == KEPT.replace("varchar(40)", '"varchar(80)"') + (
        '      - {name: more, data_type: integer, description: "int in MySQL."}\n'
    )
    again = compare(contract(text), landing(table))
    assert again.told() == ["column gone was dropped"]


def test_a_contract_keeps_deleted_rows_and_removes_them_again() -> None:
    """Under a name that MySQL has not; the column stays, and is none that MySQL lacks."""
    table = made(column("id"), column("deleted_at", "datetime"), column("x"))
    by_log = Method("LOG_BASED", "")
    first = write("t", landing(table, by_log), table, by_log)
    kept = write("t", landing(table, by_log), table, by_log, hard_delete=False)
    said = contract(kept)
    assert (said.deleted_at, said.hard_delete) == ("row_deleted_at", False)
    assert said.raw["columns"][-1]["data_type"] == "timestamp"
    later = updated(first, contract(first), landing(table), table, None, hard_delete=False)
    assert contract(later) == said
    assert compare(said, landing(table)).told() == []
    assert updated(kept, said, landing(table), table, None, hard_delete=False) == kept
    removing = updated(kept, said, landing(table), table, None)
    off = contract(removing)
    assert (off.deleted_at, off.hard_delete) == ("row_deleted_at", True)
    assert compare(off, landing(table)).told() == []
    assert updated(first, contract(first), landing(table), table, None) == first
    theirs = made(column("id"), column("row_deleted_at", "datetime"))
    with pytest.raises(ConfigError, match="MySQL now has a column with the name"):
        compare(said, landing(theirs))


def test_who_keeps_deleted_rows() -> None:
    table, bare = made(column("id")), made(column("id"), key=())
    by_log = Method("LOG_BASED", "")
    assert Deletes(None, True).hard(None, landing(table), by_log)
    assert not Deletes(None, False).hard(None, landing(table), by_log)
    assert Deletes(True, False).hard(None, landing(table), by_log)
    assert Deletes(None, False).hard(None, landing(table), FULL), "a copy has no deleted rows"
    kept = contract(write("t", landing(table), table, by_log, hard_delete=False))
    assert not Deletes(None, True).hard(kept, landing(table), by_log)
    assert Deletes(None, True).hard(kept, landing(table), FULL)
    for where, method in ((table, FULL), (bare, Method("INCREMENTAL", "", "id"))):
        with pytest.raises(ConfigError, match="cannot keep its deleted rows"):
            Deletes(False, True).hard(None, landing(where, method), method)


def test_what_landing_cannot_follow_asks_for_a_rebuild() -> None:
    table = made(column("id", "int"), column("note", "text"), key=("id", "note"))
    before = contract(KEPT)
    found = compare(before, landing(table))
    assert found.needs_rebuild
    assert found.key == ("id",)
    model = yaml.safe_load(updated(KEPT, before, landing(table), table, FULL))["models"][0]
    assert model["config"]["unique_key"] == ["id", "note"]
    assert model["constraints"][0]["columns"] == ["id", "note"]
    assert model["config"]["meta"] == {
        "owner": "us", "source": "s.t", "replication_method": "FULL_TABLE",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("table", "taken", "name"),
    [
        ("crm.customer", {}, "customer"),
        ("crm.Customer", {}, "customer"),
        ("crm.customer", {"customer"}, "crm__customer"),
        ("crm.Customer", {"customer", "crm__customer"}, "crm__customer_2"),
        ("crm.order-lines", {}, "order_lines"),
        ("crm.2024_sales", {}, "t_2024_sales"),
        ("crm._x", {}, "x"),
        ("crm.stg_x", {}, "t_stg_x"),
        ("crm.tidemark_loads", {}, "crm__tidemark_loads"),
        ("crm.#sharp", {}, "sharp"),
        ("stg.orders", {"orders"}, "t_stg__orders"),
        ("stg.orders", {"orders", "t_stg__orders"}, "t_stg__orders_2"),
        ("tidemark.orders", {"orders"}, "t_tidemark__orders"),
        ("stg_" + "x" * 60 + ".orders", {"orders"}, "t_stg_" + "x" * 60 + "__orders"),
        ("crm.größe", {}, "gr_e"),
        ("crm.表", {}, "t"),
        ("CRM-1.customer", {"customer"}, "crm_1__customer"),
    ],
)
def test_a_copy_gets_a_name_that_dbt_and_redshift_take(
    table: str, taken: set[str], name: str
) -> None:
    assert landing_name(TableName.parse(table), OWN_NAMES, set(taken)) == name


@given(st.lists(st.builds(TableName, NAMES, NAMES), max_size=5, unique=True))
def test_no_two_tables_get_one_name(tables: list[TableName]) -> None:
    given: dict[str, str] = {}
    for table in tables:
        given[str(table)] = landing_name(table, LandingNames(given), set(given.values()))
    assert len(set(given.values())) == len({str(table) for table in tables})
    assert LandingNames.parse(given).given == given


def test_a_name_that_was_given_is_kept() -> None:
    table = TableName("crm", "customer")
    assert landing_name(table, LandingNames({"crm.customer": "people"}), {"people"}) == "people"


def test_words_of_redshift_are_quoted() -> None:
    assert needs_quotes("tag")
    assert needs_quotes("2nd")
    assert not needs_quotes("_id")
