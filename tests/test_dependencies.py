"""A package declares what it imports, and an installation without the developers' tools works."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

PLUGINS = Path(__file__).resolve().parent.parent / "plugins"
PACKAGES = sorted(path.parent for path in PLUGINS.glob("*/pyproject.toml"))
#: Packages of the product, which a production host has.
PRODUCT = [folder for folder in PACKAGES if folder.name not in ("redshift-stand-in", "sandbox")]


def project(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    return found


def canonical(requirement: str) -> str:
    match = re.match(r"[\w.-]+", requirement)
    assert match
    return re.sub(r"[-_.]+", "-", match[0]).lower()


def declared(folder: Path) -> set[str]:
    """What a package asks for, its extras' included: they are for modules of its own."""
    facts = project(folder)
    extras = facts.get("optional-dependencies", {}).values()
    return {canonical(name) for names in (facts["dependencies"], *extras) for name in names}


def module_folder(folder: Path) -> Path:
    return next(path.parent for path in folder.glob("*/__init__.py"))


def imported(node: ast.AST) -> Iterator[str]:
    """The top-level modules that a tree imports when it runs, not those for the type checker."""
    if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
        return
    if isinstance(node, ast.Import):
        yield from (alias.name.split(".")[0] for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module.split(".")[0]
    for child in ast.iter_child_nodes(node):
        yield from imported(child)


@cache
def distributions() -> dict[str, set[str]]:
    """Who provides a module; an editable package is not listed by its modules."""
    found = {top: {canonical(n) for n in names} for top, names in packages_distributions().items()}
    return found | {module_folder(f).name: {project(f)["name"]} for f in PACKAGES}


@pytest.mark.parametrize("folder", PACKAGES, ids=lambda folder: folder.name)
def test_a_package_declares_what_it_imports(folder: Path) -> None:
    own = module_folder(folder)
    missing = {}
    for path in own.rglob("*.py"):
        for module in imported(ast.parse(path.read_text(encoding="utf-8"))):
            if module in sys.stdlib_module_names or module == own.name:
                continue
            if not distributions().get(module, set()) & declared(folder):
                missing[module] = str(path.relative_to(folder))
    assert not missing


def output(*command: Path | str) -> str:
    """What a program says, with nothing of this environment to help it."""
    done = subprocess.run(command, env={}, cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


SCRIPTS = sorted(name for folder in PRODUCT for name in project(folder).get("scripts", {}))


@pytest.mark.parametrize("script", [*SCRIPTS, "meltano", "colibri"])
def test_each_program_starts_where_only_the_product_is(script: str, product: Path) -> None:
    is_plugin = script.startswith(("tap-", "target-"))
    assert output(product / "bin" / script, "--about" if is_plugin else "--help")


def test_dbt_tells_its_version_without_a_setting(product: Path) -> None:
    assert "redshift: 1.11" in output(product / "bin/tidemark-dbt", "--version")


def test_every_module_can_be_imported_there(product: Path) -> None:
    """A command imports its parts when it is run: a missing package would wait for the night."""
    names = []
    for folder in PRODUCT:
        own = module_folder(folder)
        for path in own.rglob("*.py"):
            parts = path.relative_to(own.parent).with_suffix("").parts
            names.append(".".join(parts).removesuffix(".__init__"))
    lines = [f"import {name}" for name in sorted(names)]
    output(product / "bin/python", "-c", "\n".join(lines))


@pytest.mark.security(25)
def test_the_sandbox_and_its_passwords_are_not_there(product: Path) -> None:
    program = "import importlib.util; print(importlib.util.find_spec('tidemark_sandbox'))"
    assert output(product / "bin/python", "-c", program) == "None\n"
    assert not (product / "bin/tidemark-sandbox").exists()
