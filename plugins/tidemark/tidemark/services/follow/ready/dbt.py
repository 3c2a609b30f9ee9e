"""dbt, imported, with what it makes of its classes and of the project's last manifest."""

from __future__ import annotations

import gc
import inspect
import logging
import os
import sys
from argparse import Namespace
from collections.abc import Iterable
from multiprocessing import resource_tracker
from pathlib import Path
from typing import TYPE_CHECKING

from tidemark_core.forking.server import Programs

from tidemark.dbt.source import target_folder
from tidemark.services.follow.ready.process import serve

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.contracts.graph.nodes import Macro

logger = logging.getLogger("tidemark.follow")
#: What it imports late.
_LATE = ("dbt.task.build", "dbt.adapters.redshift", "dbt.adapters.postgres")


def _programs() -> Programs:
    from tidemark.dbt.run import import_dbt, main

    import_dbt()
    compile_settings()
    compile_manifest(target_folder(Path.cwd() / "transform", os.environ))
    inspect.stack()  # lists all modules and their files, once
    return {"tidemark-dbt": main}


def compile_settings() -> None:
    """Has dbt make the JSON schemas of its settings, which it keeps: a third of a second."""
    from dbt.adapters.redshift.connections import RedshiftCredentials
    from dbt.contracts.project import Configuration, PackageConfig, Project, ProjectFlags

    for kind in (Configuration, PackageConfig, Project, ProjectFlags, RedshiftCredentials):
        kind.json_schema()


def compile_manifest(target: Path) -> None:
    """Has dbt compile what reads and writes its nodes, which it does at their first use.

    Also the templates of the macros that its builds need, which dbt keeps by their text: an edited
    one is compiled anew.
    What is read is not kept: each build reads the manifest that there is by then.

    Args:
        target: Where dbt has written the last one.
    """
    from dbt.contracts.graph.manifest import Manifest
    from dbt.flags import set_from_args
    from dbt_common.clients.jinja import template_cache

    set_from_args(Namespace(), {})  # the defaults; each command sets its own
    try:
        last = Manifest.from_msgpack((target / "partial_parse.msgpack").read_bytes())
        last.writable_manifest().to_dict(omit_none=False, context={"artifact": True})
        for macro in _macros_of(last):
            template_cache.get_node_template(macro)
        del last
    except Exception:  # none yet, or one of another version of dbt, which dbt passes over too
        logger.debug("no manifest to read beforehand", exc_info=True)
    # A manifest has a lock, and Python a process that looks after locks: it would outlive this one.
    gc.collect()
    resource_tracker._resource_tracker._stop()  # type: ignore[attr-defined]


def _macros_of(manifest: Manifest) -> Iterable[Macro]:
    """The project's own macros, what its nodes depend on, and what these depend on: a fifth."""
    named = [name for node in manifest.nodes.values() for name in node.depends_on.macros]
    project = manifest.metadata.project_name
    own = [name for name, macro in manifest.macros.items() if macro.package_name == project]
    found: dict[str, Macro] = {}
    ahead = [*named, *own]
    while ahead:
        name = ahead.pop()
        if name not in found and name in manifest.macros:
            found[name] = manifest.macros[name]
            ahead += found[name].depends_on.macros
    return found.values()


if __name__ == "__main__":
    sys.exit(serve(_programs(), _LATE))  # type: ignore[arg-type]
