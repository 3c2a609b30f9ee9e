"""JSON and long text from MySQL to SUPER and back to text; and the setting that changes later."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from projects.checkouts import run_in
from tidemark_sandbox.world import Sandbox

TABLE, LOADERS = "papers.papers", "load/loaders.meltano.yml"
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
NUMBERS = st.integers(-(10**38) + 1, 10**38 - 1) | st.floats(allow_nan=False, allow_infinity=False)
DOCUMENTS = st.recursive(
    st.booleans() | NUMBERS | TEXTS,
    lambda inner: (
        st.lists(inner | st.none(), max_size=4)
        | st.dictionaries(TEXTS, inner | st.none(), max_size=4)
    ),
    max_leaves=15,
)
LONG = 'é"\\\n' * 60_000


def meaning(text: str | None) -> Any:
    return None if text is None else json.loads(text, parse_float=Decimal, parse_int=Decimal)


class Clone:
    """A fresh clone whose ``.env`` is the sandbox's."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def run(self, program: str, *arguments: str, code: int = 0, folder: str = "") -> str:
        """Runs a program of the environment; what it prints, both streams."""
        done = run_in(self.root, program, *arguments, folder=folder)
        told = done.stdout + done.stderr
        assert done.returncode == code, f"{program} {arguments}: {done.returncode}\n{told}"
        return " ".join(told.split())

    def choose(self, columns: list[Any]) -> None:
        """Writes the setting."""
        path = self.root / LOADERS
        told = yaml.safe_load(path.read_text())
        (plugin,) = (p for p in told["plugins"]["loaders"] if p["name"] == "target-redshift")
        plugin["config"] = {"super_columns": {TABLE: columns}}
        path.write_text(yaml.safe_dump(told))


@pytest.fixture
def clone(
    sandbox: Sandbox, make_checkout: Callable[[Path, dict[str, str]], Path], tmp_path: Path
) -> Clone:
    clone = Clone(make_checkout(tmp_path / "clone", sandbox.env()))
    clone.run("tidemark", "remove", "settlement.*", "--yes")
    return clone


def fill(sandbox: Sandbox, rows: list[tuple[int, str | None, str | None]]) -> None:
    for row in rows:
        sandbox.mysql("INSERT INTO papers.papers (id, doc, body) VALUES (%s, %s, %s)", list(row))


def copied(sandbox: Sandbox) -> list[tuple[Any, ...]]:
    rows = sandbox.warehouse("SELECT id, doc, body FROM public.papers ORDER BY id")
    return [(number, meaning(doc), meaning(body)) for number, doc, body in rows]


def generated() -> list[Any]:
    """Some documents of every kind, the same in each run."""
    found: list[Any] = []

    @settings(max_examples=60, phases=[Phase.generate], database=None, derandomize=True)
    @given(DOCUMENTS)
    def collect(document: Any) -> None:
        found.append(document)

    collect()
    return found


@pytest.mark.soak
@pytest.mark.fault(225)
@pytest.mark.usefixtures("large_strings")
def test_a_column_becomes_super_and_comes_back_as_it_was(
    clone: Clone, sandbox: Sandbox, tmp_path: Path
) -> None:
    sandbox.mysql("CREATE DATABASE papers")
    sandbox.mysql(
        "CREATE TABLE papers.papers (id INT PRIMARY KEY, doc JSON, body LONGTEXT, "
        "changed TIMESTAMP(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), "
        "KEY (changed))"
    )
    sandbox.mysql(
        f"GRANT SELECT, SHOW VIEW ON papers.* TO '{sandbox.env()['DB_USER']}'@'localhost'"
    )
    texts = [json.dumps(one, ensure_ascii=n % 2 == 0) for n, one in enumerate(generated())]
    rows: list[tuple[int, str | None, str | None]] = [
        (number, text, text[:20]) for number, text in enumerate(texts)
    ]
    fill(sandbox, [*rows, (len(rows), None, None)])
    clone.run("tidemark", "add", TABLE, "--yes")
    clone.run("tidemark", "sync", "-t", TABLE)

    clone.choose([{"doc": "json"}, "body"])
    assert f"Next: tidemark add {TABLE}" in clone.run("tidemark", "sync", "-t", TABLE, code=2)
    rebuild = f"tidemark rebuild -t {TABLE} --from-lake"
    assert f"Next: {rebuild}" in clone.run("tidemark", "add", TABLE, "--yes")
    clone.run(*rebuild.split(), "--yes")
    refused = clone.run("tidemark", "sync", "-t", TABLE, "--redshift-only", code=1)
    assert "dbt build --full-refresh --select papers" in refused
    words = ("build", "--full-refresh", "--select", "papers")
    clone.run("tidemark-dbt", *words, folder="transform")

    more = (len(rows) + 1, json.dumps([LONG]), LONG)
    fill(sandbox, [more])
    clone.run("tidemark", "sync", "-t", TABLE)
    expected = [(number, meaning(doc), body) for number, doc, body in [*rows, more]]
    assert [row for row in copied(sandbox) if row[0] != len(rows)] == expected
    verified = json.loads(
        clone.run("tidemark", "verify", "-t", TABLE, "--checksum", "--format", "json")
    )
    assert [one["verdict"] for one in verified] == ["agrees"]
    restored = tmp_path / "restored.parquet"
    clone.run("tidemark", "restore", "-t", TABLE, "--to-file", str(restored))
    found = sorted(pq.read_table(restored, columns=["id", "doc", "body"]).to_pylist(), key=str)
    assert {(row["id"], row["doc"], row["body"]) for row in found} == {
        *rows, (len(rows), None, None), more,
    }  # fmt: skip
