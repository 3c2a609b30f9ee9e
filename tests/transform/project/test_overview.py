"""The first page of the documentation site speaks to analysts: its SQL runs with their rights."""

from __future__ import annotations

import re

from dbt_project.project import TRANSFORM, Landing, Query


def test_its_queries_run_with_the_rights_of_an_analyst(landing: Landing, query: Query) -> None:
    page = (TRANSFORM / "models" / "docs" / "settlement" / "overview.md").read_text()
    queries = re.findall(r"```sql\n(.*?)```", page, flags=re.DOTALL)
    assert len(queries) == 2
    for text in queries:
        query(text, user="tidemark_analyst")
