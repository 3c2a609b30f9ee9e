"""The guide's examples as a suite: what is taken for a statement, and how a page's are tried."""

from __future__ import annotations

from pathlib import Path

import pytest
from measure import BenchError
from suites.catalogue import PAGES
from suites.guide.blocks import blocks
from suites.guide.examples import is_form, statements
from suites.guide.pages import try_pages
from suites.reasons import DECLARED, OPEN
from suites.results import PASSED


def test_a_section_of_syntax_has_no_examples() -> None:
    page = (
        "# Page<a name='x'></a>\n```\nselect 1;\n```\n"
        "## Syntax<a name='y'></a>\n```\nselect this;\n```\n"
        "## Examples\n+ One:\n\n  ```\n  select 2\n    from t;\n  ```\n"
    )
    assert list(blocks(page)) == ["select 1;\n", "select 2\n  from t;\n"]


@pytest.mark.parametrize(
    ("block", "found"),
    [
        ("select ';' as a; -- one\nselect 2;", ["select ';' as a", "select 2"]),
        ("select a,\nb from t;\n\n a | b\n---+---\n 1 | 2\n(1 row)", ["select a,\nb from t"]),
        ("select a from t\n\n a\n---\n 1; 2", ["select a from t"]),
        ("select 1\n\nselect 2", ["select 1", "select 2"]),
        ("create view v as\n\nselect 1;", ["create view v as\n\nselect 1"]),
        ("dev=# drop table t;\nDROP TABLE\ndev=# end", ["drop table t", "end"]),
        ("drop table t\nERROR: cannot drop t;", ["drop table t"]),
        ("create procedure p() as $$ begin null; end; $$ language plpgsql;\ncall p();",
         ["create procedure p() as $$ begin null; end; $$ language plpgsql", "call p()"]),
        ("Merge Key: a;\nif a then\nselect 1;\nEND IF;", ["select 1"]),
        ('{"select": 1}\n$ aws s3 ls', []),
        ("grant { select | all } on t to u;\nselect a, ...;", []),
    ],
)  # fmt: skip
def test_a_block_has_statements_and_what_they_give(block: str, found: list[str]) -> None:
    assert list(statements(block)) == found


def test_signs_of_a_form_may_stand_in_a_literal() -> None:
    assert is_form("copy t from <bucket>")
    assert is_form("drop table t [ cascade ]")
    assert not is_form("select '...', a || b, c[0], $$ { x | y } $$ from t where 1 <2")


def _outcomes(source: Path, **pages: str) -> dict[str, str]:
    (source / PAGES).mkdir()
    for name, code in pages.items():
        (source / PAGES / f"{name}.md").write_text(f"```\n{code}\n```\n")
    return {each.name: each.outcome for each in try_pages(source).results}


def test_a_page_sees_what_it_made_alone(tmp_path: Path) -> None:
    found = _outcomes(
        tmp_path,
        a="create table sales (x int); create user joe password disable; select x % 2 from sales;",
        b="create user joe password disable; select qtysold from sales; select 'x'::varbyte;"
        " select y from nowhere where z > 1; select foo(1);",
        c="create table shapes (g geometry); select g from shapes; begin; select 1/0; end;",
    )
    refused = {"b::5": OPEN, "c::1": DECLARED, "c::2": DECLARED, "c::4": OPEN}
    names = (*(f"a::{n}" for n in (1, 2, 3)), *(f"{p}::{n}" for p in "bc" for n in range(1, 6)))
    assert found == dict.fromkeys(names, PASSED) | refused


def test_a_checkout_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="give FROM= a checkout of the guide"):
        try_pages(tmp_path)
