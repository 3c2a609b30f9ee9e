"""Rules name one table, whatever it is called, for Meltano and for us."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from meltano.core.plugin.singer.catalog import select_metadata_rules
from meltano.core.plugin.singer.tap import config_metadata_rules
from meltano.core.utils import expand_env_vars
from tidemark.config.tables.rules import metadata_rule, named, select_rule, split_rule
from tidemark.config.tables.selection import Rules
from tidemark_core.names import TableName

ODD = st.text(st.sampled_from("ab_1-%.$!*?[]{}\\ éÄ'\"|#"), min_size=1, max_size=6)
TABLES = st.builds(TableName, ODD, ODD)
HOME = {"a": "elsewhere", "ab": "elsewhere"}


@given(TABLES, TABLES)
@example(TableName("b", "odd-name.x"), TableName("b", "odd-nameax"))
@example(TableName("a", "v$a"), TableName("a", "velsewhere"))
def test_a_select_rule_takes_in_its_table(table: TableName, other: TableName) -> None:
    rule = select_rule(table)
    assert expand_env_vars(rule, HOME) == rule
    of_stream = next(r for r in select_metadata_rules([rule]) if r.breadcrumb == [])
    assert of_stream.match(table.stream, [])
    assert named(split_rule(rule)[1]) == table
    assert Rules((rule,)).selects(table)
    assert Rules((rule,)).tables() == [table]
    if not set("*?[]$!\\") & set(table.stream):
        assert of_stream.match(other.stream, []) == (other == table)


@given(TABLES)
@example(TableName("b", "odd-name.x"))
def test_metadata_is_that_of_its_table(table: TableName) -> None:
    key = metadata_rule(table)
    assert expand_env_vars(key, HOME) == key
    (rule,) = config_metadata_rules({key: {"replication-key": "id"}})
    assert (rule.key, rule.value, rule.breadcrumb) == ("replication-key", "id", [])
    assert rule.match(table.stream, [])
    assert Rules((), {key: {"replication-key": "id"}}).replication_key(table) == "id"


def test_a_rule_of_a_column_leaves_it_out() -> None:
    table = TableName("b", "x.y")
    rules = Rules((select_rule(table), f"!{select_rule(table, 'a.*')}"))
    assert rules.leaves_out(table, "a.*")
    assert not rules.leaves_out(table, "a.b")
    assert rules.selects(table)
    assert not Rules((*rules.select, f"!{select_rule(table)}")).selects(table)
