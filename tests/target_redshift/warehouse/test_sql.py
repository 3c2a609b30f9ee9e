"""SQL text: literals, COPY, and that all of it is Redshift's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_redshift.model.key_rules import unfit_rows
from target_redshift.model.landing_table import Column
from target_redshift.warehouse.sql import tables, upsert
from target_redshift.warehouse.sql.copy import CopyOptions, by_role, copy
from target_redshift.warehouse.sql.quoting import literal
from target_redshift.warehouse.sql.tables import TableOptions
from tidemark_core.names import landing_relation
from tidemark_core.redshift import ledger as ledger_sql
from tidemark_core.types.column_type import TIMESTAMP, ColumnType

MARKER = "@NULL@"
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


@given(texts)
def test_literals_read_back_as_they_were(text: str) -> None:
    inside = literal(text)[1:-1]
    plain: list[str] = []
    position = 0
    while position < len(inside):
        assert inside[position] not in "'\\" or inside[position + 1] == inside[position]
        plain.append(inside[position])
        position += 2 if inside[position] in "'\\" else 1
    assert "".join(plain) == text


ROLE = by_role("arn:aws:iam::1:role/x")


@pytest.mark.security(9)
def test_copy_names_a_role_and_no_keys() -> None:
    options = CopyOptions(ROLE, region="eu-west-1", null_text=MARKER)
    text = copy('"landing"."t"', ["a", 'b"c'], "s3://b/m", options)
    assert text == (
        'COPY "landing"."t" ("a", "b""c") FROM \'s3://b/m\' IAM_ROLE \'arn:aws:iam::1:role/x\' '
        "REGION AS 'eu-west-1' MANIFEST CSV GZIP NULL AS '@NULL@' TIMEFORMAT AS 'auto' "
        "MAXERROR 0 COMPUPDATE OFF STATUPDATE OFF"
    )
    assert "IAM_ROLE default" in copy("t", ["a"], "m", CopyOptions(by_role("default"), "r"))
    parquet = copy("t", ["a"], "s3://b/m", CopyOptions(ROLE, "r", compression=None))
    assert "FORMAT AS PARQUET" in parquet
    assert "NULL AS" not in parquet


def statements() -> list[str]:
    columns = [("id", "BIGINT"), ("na me", "VARCHAR(20)")]
    names = [name for name, _ in columns]
    options = TableOptions(distkey="id", sortkey=("id",), encode={"id": "az64"})
    return [
        tables.CREATE_SCHEMA,
        ledger_sql.create_ledger(),
        tables.create_table("t", columns, options),
        tables.create_table("t", columns, TableOptions(sortkey=("id",))),
        tables.create_temporary("x", columns),
        tables.create_stage("x", columns),
        tables.tables_like("x_"),
        tables.drop_table("x"),
        tables.comment_table("t", "it's"),
        tables.add_column("t", "c", "SMALLINT"),
        tables.widen_column("t", "c", "VARCHAR(40)"),
        tables.lock_table("t"),
        tables.delete_all("t"),
        tables.has_rows("t"),
        copy(landing_relation("t"), names, "s3://b/m", CopyOptions(ROLE, "eu-west-1")),
        unfit_rows("x", [Column("a", "a", ColumnType("string")), Column("b", "b", TIMESTAMP)]),
        upsert.delete_superseded("x", ["id"], ["na me"]),
        upsert.delete_outdated("t", "x", names, ["na me", "at"]),
        upsert.delete_replaced("t", "x", names),
        tables.insert_all("t", "x", names, {"l": "1"}),
        tables.drop_temporary("x"),
        ledger_sql.ledger_insert(2).replace("?", "1"),
        ledger_sql.ledger_files(2).replace("?", "'1'"),
        ledger_sql.ledger_forget(2).replace("?", "'1'"),
        ledger_sql.LEDGER_LAST.replace("?", "'1'"),
        ledger_sql.LEDGER_OTHER_COPY.replace("?", "'1'"),
        ledger_sql.LEDGER_OTHER_SOURCE.replace("?", "'1'"),
        ledger_sql.LEDGER_COPIES.replace("?", "'1'"),
        ledger_sql.LEDGER_LOADS.replace("?", "'2024-01-01'"),
        ledger_sql.LEDGER_FORGET_TABLE.replace("?", "'1'"),
        ledger_sql.ledger_entries(0),
        ledger_sql.ledger_entries(2).replace("?", "'1'"),
        ledger_sql.ledger_retired("na me").replace("?", "'1'"),
        tables.TABLE_COLUMNS.replace("?", "'1'"),
        tables.TABLE_COMMENT.replace("?", "'1'"),
    ]


def test_every_statement_is_redshifts() -> None:
    from sqlfluff.core import FluffConfig, Linter

    linter = Linter(config=FluffConfig(overrides={"dialect": "redshift", "templater": "raw"}))
    for statement in statements():
        parsed: Any = linter.parse_string(statement)
        assert not parsed.violations, (statement, parsed.violations)
        assert parsed.tree is not None
        assert "unparsable" not in parsed.tree.type_set(), statement
