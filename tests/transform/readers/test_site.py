"""The documentation site, built by our command and opened in a browser."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from dbt_project.browser import Browser
from dbt_project.project import TABLES, TRANSFORM, Dbt, Landing, Query, contract
from tidemark.dbt.site import site
from tidemark.dbt.site.lineage import lineage_for_readers
from tidemark_core.errors import TidemarkError
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read

if TYPE_CHECKING:
    from tidemark_sandbox.world import Sandbox

#: What somebody who may ALTER a table of the source can write into the pages.
HOSTILE = "</script><script>document.title='owned'</script>"
LINEAGE = "model.tidemark.settlement_latest_delivery_status"


@pytest.fixture(scope="module")
def pages(
    built: Landing,
    dbt: Dbt,
    dbt_env: dict[str, str],
    query: Query,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    dbt("run")
    folder = tmp_path_factory.mktemp("site")
    env = {name: text for name, text in dbt_env.items() if "BASTION" not in name}
    empty = tmp_path_factory.mktemp("settings") / ".env"
    empty.touch(0o600)
    env["TIDEMARK_ENV_FILE"] = str(empty)  # not that of the checkout, which may name a bastion
    query(
        f'alter table landing.partner_info add column "{HOSTILE}" varchar(9)',
        user="tidemark_loader",
    )
    try:
        site.build_site(TRANSFORM, folder, env)
    finally:
        query(f'alter table landing.partner_info drop column "{HOSTILE}"', user="tidemark_loader")
    return folder


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Browser]:
    opened = Browser(tmp_path)
    try:
        yield opened
    finally:
        opened.close()
    assert opened.errors == []
    assert [url for url in opened.requests if url.startswith(("http:", "https:", "ws"))] == []


def test_it_opens_with_the_three_views_first(pages: Path, browser: Browser) -> None:
    browser.open((pages / "index.html").as_uri())
    browser.wait(
        "document.body && document.body.innerText.includes('Start with these three views')"
    )


def test_descriptions_of_columns_are_shown_whole(pages: Path, browser: Browser) -> None:
    browser.open((pages / "index.html").as_uri() + f"#!/model/{LINEAGE}")
    browser.wait("document.querySelectorAll('.column-row td[style]').length > 50")
    cut = (
        "[...document.querySelectorAll('.column-row td[style]')]"
        ".filter(cell => cell.scrollWidth > cell.clientWidth || cell.clientWidth < 250).length"
    )
    assert browser.ask(cut) == 0


def test_search_finds_a_column(pages: Path, browser: Browser) -> None:
    browser.open((pages / "index.html").as_uri())
    browser.wait("document.querySelector('#search') && document.body.innerText.includes('Start')")
    browser.ask("document.querySelector('#search').focus()")
    browser.call("Input.insertText", text="dollar_100_limit_adjustment")
    browser.wait("document.body.innerText.includes('columns: dollar_100_limit_adjustment')")
    assert browser.ask("document.body.innerText.includes('settlement_claim_detail model')")


def test_the_lineage_draws(pages: Path, browser: Browser) -> None:
    browser.open((pages / "index.html").as_uri() + f"#!/model/{LINEAGE}?g_v=1")
    browser.wait("document.querySelectorAll('.graph canvas, canvas').length > 0")
    drawn = (
        "[...document.querySelectorAll('canvas')].some(c => c.width && c.height"
        " && c.getContext('2d').getImageData(0, 0, c.width, c.height).data.some(v => v))"
    )
    browser.wait(drawn)


@pytest.mark.security(27)
@pytest.mark.parametrize("name", list(site.PAGES))
def test_a_name_from_the_source_runs_nothing(pages: Path, browser: Browser, name: str) -> None:
    browser.open((pages / name).as_uri() + "#!/source/source.tidemark.landing.partner_info")
    browser.wait("document.body && document.body.innerText.length > 200")
    if name == "index.html":
        browser.wait("document.body.innerText.includes('<script>document.title')")
    assert "owned" not in browser.ask("document.title")


@pytest.mark.security(27)
@pytest.mark.parametrize("name", list(site.PAGES))
def test_a_page_runs_its_own_scripts_only(pages: Path, browser: Browser, name: str) -> None:
    """Were a name to come through all the same: what it brings along is refused."""
    browser.open((pages / name).as_uri())
    browser.wait("document.body && document.body.innerText.length > 200")
    browser.ask(
        """const image = "<img src=x onerror='document.title=1'>"
        const script = document.createElement('script')
        script.text = 'document.title=1'
        document.body.insertAdjacentHTML('beforeend', image)
        document.body.append(script)"""
    )
    browser.wait("document.images.length > 0")
    assert browser.ask("document.title") != "1"
    refused = [error for error in browser.errors if "Content Security Policy" in error]
    assert refused
    browser.errors.clear()


def test_the_column_lineage_opens_on_a_view_and_draws_what_it_is_made_of(
    pages: Path, browser: Browser
) -> None:
    browser.open((pages / "column-lineage.html").as_uri() + "?parents=all")
    browser.wait("document.querySelectorAll('.react-flow__edge').length >= 4")
    assert "column-lineage.html?parents=all" in (pages / "index.html").read_text("utf-8")
    assert browser.ask("document.body.innerText.includes('settlement_partner_latest_status')")
    warnings = "document.querySelectorAll('.react-flow__node .cursor-help').length"
    assert browser.ask(warnings) == 0
    assert browser.ask("document.querySelector('.way-back').getAttribute('href')") == "index.html"


def test_the_lineage_names_databases_and_layers_and_shows_no_marks_of_code(pages: Path) -> None:
    page = (pages / "column-lineage.html").read_text("utf-8")
    (data,) = re.findall(r'colibriData = JSON.parse\(atob\("([^"]+)', page)
    told = json.loads(base64.b64decode(data))
    nodes = told["nodes"].values()
    kinds = {(node["nodeType"], node["modelType"]) for node in nodes}
    assert {kind for node, kind in kinds if node == "model"} == {"tables", "views"}
    assert {node for node, _ in kinds} == {"model", "source", "exposure"}
    assert all(node == kind for node, kind in kinds if node != "model")
    assert {node["schema"].partition(".")[0] for node in nodes if node["schema"]} == {
        node["database"] for node in nodes if node["schema"]
    }
    texts = [
        each.get("description") for node in nodes for each in [node, *node["columns"].values()]
    ]
    assert any(texts)
    assert not [text for text in texts if text and "`" in text]
    drawn = {
        (edge["source"], edge["target"], edge["targetColumn"]) for edge in told["lineage"]["edges"]
    }
    for table in TABLES:
        ends = f"source.tidemark.landing.{table}", f"model.tidemark.{table}"
        assert drawn >= {(*ends, column) for column in contract(table)}


def test_a_lineage_page_of_another_form_is_refused() -> None:
    with pytest.raises(TidemarkError, match="make install"):
        lineage_for_readers("<html>window.somethingElse = 1</html>")


def test_it_is_published_to_the_bucket(pages: Path, sandbox: Sandbox) -> None:
    env = sandbox.env()
    client = S3Location.of(read(S3Settings, {}, env)).client()
    keys = site.publish_site(pages, client, env["S3_BUCKET_NAME"], "docs/")
    assert keys == ["docs/index.html", "docs/column-lineage.html"]
    head = client.head_object(Bucket=env["S3_BUCKET_NAME"], Key=keys[0])
    assert head["ContentType"].startswith("text/html")
    assert head["ContentLength"] == (pages / "index.html").stat().st_size
