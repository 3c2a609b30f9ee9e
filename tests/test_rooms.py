"""No folder is crowded, and docs/architecture.md shows the rooms that there are.

The order of the rooms is held by `make lint` (.importlinter).
"""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PACKAGES = {path.parent.name: path.parent for path in ROOT.glob("plugins/*/*/__init__.py")}
#: Modules side by side that a reader still takes in at one look (docs/decisions/0015).
MOST = 10
#: Sections of the page that list the rooms of a package.
SECTIONS = {
    "core": "tidemark_core",
    **{
        name: name.replace("-", "_")
        for name in (
            *("tap-mysql", "tap-s3-parquet", "target-redshift", "target-s3-parquet", "tidemark"),
        )
    },
}


def tracked(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [Path(name) for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def section(title: str) -> str:
    """What is below a heading of the page, up to the next one."""
    (found,) = re.findall(rf"^#+ {re.escape(title)}\n(.*?)(?=^#|\Z)", PAGE, re.M | re.S)
    return str(found)


@pytest.mark.parametrize(
    "pattern",
    [
        "plugins/*.py",
        "tests/*/test_*.py",
        "tests/harness/*.py",
        "tests/faults/*.py",
        "tests/generated/*.py",
    ],
)
def test_no_folder_has_more_modules_than_a_reader_takes_in(pattern: str) -> None:
    modules = [path for path in tracked(pattern) if path.name != "__init__.py"]
    counts = Counter(str(path.parent) for path in modules)
    assert {folder: n for folder, n in counts.items() if n > MOST} == {}


@pytest.mark.parametrize("title", SECTIONS)
def test_the_page_lists_each_room_of_a_package(title: str) -> None:
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.M)
    listed = sorted(name.strip("/") for row in rows for name in re.findall(r"`([^`]+)`", row))
    folder = PACKAGES[SECTIONS[title]]
    rooms = {
        path.relative_to(folder.relative_to(ROOT)).parts[0].removesuffix(".py")
        for path in tracked(f"{folder.relative_to(ROOT)}/*.py")
    }
    assert listed == sorted(rooms - {"__init__"})


@pytest.mark.parametrize("title", SECTIONS)
def test_each_room_imports_only_those_that_the_page_lists_before_or_beside_it(title: str) -> None:
    rows = re.findall(r"^\| (`.*?) \|", section(title), re.M)
    row_of = {
        name.strip("/"): number
        for number, row in enumerate(rows)
        for name in re.findall(r"`([^`]+)`", row)
    }
    package = SECTIONS[title]
    upward = {
        f"{room} → {other}"
        for path in tracked(f"plugins/*/{package}/*.py")
        for room in [path.parts[3].removesuffix(".py")]
        for other in imported(ROOT / path, package)
        if room in row_of and row_of.get(other, 0) > row_of[room]
    }
    assert upward == set()


def imported(path: Path, package: str) -> Iterator[str]:
    """The rooms of a package that a module imports, those for types alone left out."""
    text = re.sub(r"^if TYPE_CHECKING:\n(?:    .*\n|\n)*", "", path.read_text(), flags=re.M)
    yield from re.findall(rf"^\s*(?:from|import) {package}\.(\w+)", text, re.M)


def test_every_file_and_folder_that_the_page_names_is_there() -> None:
    there = {str(path) for path in tracked("plugins", "transform")}
    there |= {str(parent) for path in there for parent in Path(path).parents}
    named = set(re.findall(r"`((?:\w+/)+(?:\w+\.\w+)?)`", PAGE))
    lost = {
        name
        for name in named
        if not any(f"/{path}".endswith(f"/{name}".rstrip("/")) for path in there)
    }
    assert lost == set()


def test_the_readmes_tree_has_every_folder() -> None:
    (tree,) = re.findall(
        r"^## The tree\n\n```\n(.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S
    )
    top = {path.parts[0] for path in tracked() if len(path.parts) > 1}
    packages = {path.name for path in ROOT.glob("plugins/*")}
    assert {name for name in top | packages if f"{name}/" not in tree} == set()


def test_the_picture_shows_what_the_packages_declare() -> None:
    (picture,) = re.findall(r"^```mermaid\n(.*?)^```", PAGE, re.M | re.S)
    groups = {
        name: re.findall(r"[\w-]+", inside)
        for name, inside in re.findall(r"subgraph (\w+)\n(.*?)\n    end", picture, re.S)
    }
    arrows = set()
    for line in picture.splitlines():
        if "-->" in line:
            left, right = (
                [n for word in end.split("&") for n in groups.get(word.strip(), [word.strip()])]
                for end in line.split("-->")
            )
            arrows |= {(one, other) for one in left for other in right}
    assert arrows == set(declared())


def declared() -> Iterator[tuple[str, str]]:
    """Which package asks for which: the names of their folders."""
    facts = {
        path.parent.name: tomllib.loads(path.read_text())["project"]
        for path in ROOT.glob("plugins/*/pyproject.toml")
    }
    folders = {project["name"]: folder for folder, project in facts.items()}
    for folder, project in facts.items():
        for requirement in project["dependencies"]:
            name = re.split(r"[\[<>=~ ]", requirement)[0]
            if name in folders:
                yield folder, folders[name]


# -- the way of a row


def steps() -> list[tuple[str, str]]:
    """The modules from MySQL to the lake, each with the function that the row goes through."""
    way = section("The path of a row").split("\nFrom the lake")[0]
    return re.findall(r"^\d+\. `([\w/]+\.py)`, `([\w.]+)`", way, re.M)


def source_of(module: str) -> str:
    package = module.split("/")[0]
    return (PACKAGES[package].parent / module).read_text()


def test_a_row_can_be_followed_through_twelve_modules() -> None:
    assert 0 < len(steps()) <= 12
    for module, function in steps():
        names = {
            node.name
            for node in ast.walk(ast.parse(source_of(module)))
            if isinstance(node, ast.FunctionDef | ast.ClassDef)
        }
        assert set(function.split(".")) <= names, f"{module}: {function}"


def test_each_module_of_the_way_is_called_by_one_before_it() -> None:
    before: list[str] = []
    for module, function in steps():
        plugin = [known for known in before if known.split("/")[0] == module.split("/")[0]]
        call = re.compile(rf"\b{function.rpartition('.')[2]}\(")
        assert not plugin or any(call.search(source_of(known)) for known in plugin), module
        before.append(module)
