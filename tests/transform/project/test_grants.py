"""Who may do what in the warehouse (security checks 18 and 19)."""

from __future__ import annotations

import pytest
import redshift_connector
from dbt_project.project import TABLES, Dbt, Landing, Query
from tidemark_sandbox.settings.accounts import IAM_ROLE

VIEWS = (
    "settlement_latest_delivery_status",
    "settlement_partner_latest_status",
    "settlement_status_summary",
)
DENIED = (
    *(f"select * from public.{table}" for table in TABLES),
    *(f"select * from landing.{table}" for table in (*TABLES, "tidemark_loads")),
    "select * from tidemark_dbt.partner_info__versions",
    "create table landing.mine (a int)",
    "create table public.mine (a int)",
    "create view public.mine as select 1 as a",
    "create function public.lower(varchar) returns varchar stable as $$ select 'x' $$ language sql",
    "delete from public.settlement_status_summary",
)


def refused(query: Query, sql: str, user: str) -> None:
    with pytest.raises(redshift_connector.Error, match=r"(?i)permission denied|cannot delete"):
        query(sql, user=user)


@pytest.mark.security(18, 23)
def test_an_analyst_reads_the_views_and_nothing_else(landing: Landing, query: Query) -> None:
    for view in VIEWS:
        query(f"select * from public.{view}", user="tidemark_analyst")
    for sql in DENIED:
        refused(query, sql, "tidemark_analyst")


@pytest.mark.security(24)
@pytest.mark.parametrize("user", ["tidemark_analyst", "tidemark_transformer"])
def test_nobody_but_the_loader_reads_the_lake_by_copy(
    user: str, landing: Landing, query: Query
) -> None:
    copy = f"copy pg_temp.stolen from 's3://tidemark-lake/incremental/' iam_role '{IAM_ROLE}' csv"
    query("create temp table stolen (a int)", user=user)
    with pytest.raises(redshift_connector.Error, match="does not have ASSUMEROLE permission"):
        query(copy, user=user)


@pytest.mark.security(18)
def test_dbt_reads_landing_and_cannot_change_it(landing: Landing, query: Query) -> None:
    query("select * from landing.partner_info", user="tidemark_transformer")
    for sql in (
        "delete from landing.partner_info",
        "insert into landing.tidemark_loads (file) values ('x')",
        "drop table landing.partner_info",
        "create table landing.mine (a int)",
    ):
        with pytest.raises(redshift_connector.Error, match=r"(?i)permission denied|must be owner"):
            query(sql, user="tidemark_transformer")


@pytest.mark.security(19)
@pytest.mark.fault(65)
def test_view_grants_are_there_after_every_kind_of_run(
    landing: Landing, dbt: Dbt, query: Query
) -> None:
    select = "--select", "settlement_normal_delivery_detail+"
    for arguments in ((), ("--full-refresh",), ()):
        dbt("run", *select, *arguments)
        for view in VIEWS:
            query(f"select * from public.{view}", user="tidemark_analyst")
        refused(query, "select * from landing.partner_info", "tidemark_analyst")

    query("drop view public.settlement_status_summary", user="tidemark_transformer")
    dbt("run", "--select", "settlement_status_summary")
    query("select * from public.settlement_status_summary", user="tidemark_analyst")
