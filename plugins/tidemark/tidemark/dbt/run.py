"""Runs dbt with the way to the warehouse held open for as long as it works.

``tidemark-dbt build`` is ``dbt build``; where REDSHIFT_SSH_BASTION_HOST is set, dbt's connections
go through the tunnel, without a word of it in profiles.yml, and the certificate's name is verified
as it would be without one. ``tidemark-dbt build-new`` builds and tests what is new (`plan`).
Commands that build hold a lease, so that a second one says at once for whom it waits; what keeps
them apart is the warehouse itself (transform/macros/loads/hold.sql).
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from types import FrameType
from typing import Any

from tidemark_core.errors import (
    ConfigError,
    LakeError,
    TidemarkError,
    TunnelError,
    WarehouseError,
)
from tidemark_core.host.collector import lasting_imports, spare_what_is_here
from tidemark_core.host.trusted_file import check_trusted
from tidemark_core.process import end_with_meltano
from tidemark_core.redshift.connection import (
    WarehouseConnection,
    connect,
    routed,
)
from tidemark_core.redshift.settings import WAREHOUSE_SETTINGS
from tidemark_core.report_store import reporting
from tidemark_core.run_context import run_id
from tidemark_core.runs.deferred import Failure, defer
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3_SETTINGS
from tidemark_core.settings import LEASE_SECONDS, LOCK_SECONDS, resolve

from tidemark.config.environment import load_environment
from tidemark.config.settings import DBT_SETTINGS
from tidemark.dbt.buildstate import BuildState, Found, newly_tested, state_schema
from tidemark.dbt.plan import Kind, Plan, decide, is_whole_build
from tidemark.dbt.results import read_failures
from tidemark.dbt.source import project_fingerprint, project_folder, read_shape
from tidemark.runner.held_lease import holding

_SETTINGS = (*WAREHOUSE_SETTINGS, *DBT_SETTINGS, LEASE_SECONDS, LOCK_SECONDS)
_BUILD_NEW = "build-new"
_BUILDING = frozenset({"build", "retry", "run", "seed", "snapshot", _BUILD_NEW})
#: dbt's exit code when it has done all that it could.
_NODES_FAILED = 1
#: The commands that ask the warehouse; ``debug`` is for finding out why it does not answer.
_ASKING = _BUILDING | {"compile", "docs", "run-operation", "show", "source", "test"}


class UnreachableError(WarehouseError):
    """The warehouse does not answer: nothing was begun."""

    exit_code = 2


def main() -> None:
    """Entry point of ``tidemark-dbt``; exits with dbt's own code."""
    end_with_meltano()
    spare_what_is_here()
    signal.signal(signal.SIGTERM, _terminate)
    words = sys.argv[1:]
    if not _command(words):
        # --version, --help: nothing has to be set for it.
        sys.exit(_dbt(words))
    os.environ.update(load_environment())
    try:
        values = resolve(_SETTINGS, {}, os.environ)
        lake = _lake()
        with ExitStack() as way:
            # The lease comes first: a build that does not get it has no report.
            _hold(_command(words), lake, values, way)
            report = way.enter_context(reporting("build", lake))
            begun = datetime.now(UTC)
            code = _run(words, values, way)
            if code != 0:
                why = _why(begun) or f"dbt ended with exit code {code}"
                report.fail(why)
                if code == _NODES_FAILED and defer([Failure("dbt", None, why)]):
                    code = 0
    except TidemarkError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
    sys.exit(code)


def _why(begun: datetime) -> str:
    """What the first model that failed said, as dbt has written it down."""
    failed = read_failures(project_folder(os.environ), os.environ, begun)
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return next((f"{model}: {reason}{more}" for model, reason in failed.items()), "")


def _run(words: Sequence[str], values: Mapping[str, Any], way: ExitStack) -> int:
    command = _command(words)
    is_new = command == _BUILD_NEW
    if is_new and len(words) > 1:
        raise ConfigError(f"{_BUILD_NEW} takes no options", hint="for a choice: dbt build --select")
    recorded = is_new or is_whole_build(words)
    found = _open_way(values, way, ask=command in _ASKING, read=recorded)
    if found is None:
        return _dbt(words)
    folder = project_folder(os.environ)
    before = project_fingerprint(folder, os.environ)
    plan = Plan(Kind.WHOLE, "", ())
    if is_new:
        age = timedelta(hours=values["redshift_dbt_whole_build_hours"])
        plan = decide(found.last, before, found.relations, found.waiting, age)
        print(_told(plan), flush=True)
        if plan.kind is Kind.NOTHING:
            return 0
        words = plan.arguments
    code = _dbt(words)
    if code == 0:
        is_whole = plan.kind is Kind.WHOLE
        whole = (before, read_shape(folder, os.environ)) if is_whole else None
        tested = newly_tested(found.waiting, None if is_whole else plan.tables)
        with _session(values) as warehouse:
            _state(warehouse, values).write(tested, whole, run_id())
    return code


def _command(words: Sequence[str]) -> str:
    """Dbt's command among its words; empty if they are options only."""
    return next((word for word in words if not word.startswith("-")), "")


def _hold(command: str, lake: S3Location | None, values: Mapping[str, Any], way: ExitStack) -> None:
    """Takes the lease of builds in this schema, for which it waits as dbt does for a table.

    Who may not write to the lake does without.

    Raises:
        LeaseError: Another one is still at work when the time to wait is over.
    """
    if lake is None or command not in _BUILDING:
        return
    key = lake.layout.build_lease_key(values["redshift_schema"])
    owner = f"dbt {command}, run {run_id()}"
    try:
        seconds, patience = values[LEASE_SECONDS.name], values[LOCK_SECONDS.name] or math.inf
        way.enter_context(holding(lake, key, owner, seconds, patience))
    except LakeError as error:
        print(f"warning: others do not see this build: {error}", file=sys.stderr)


def _told(plan: Plan) -> str:
    what = {
        Kind.NOTHING: "Nothing to build",
        Kind.NEW: "Building and testing what is new",
        Kind.WHOLE: "Building and testing everything",
    }
    return f"{what[plan.kind]}: {plan.reason}."


def _open_way(values: Mapping[str, Any], way: ExitStack, *, ask: bool, read: bool) -> Found | None:
    """Opens the tunnel and session for dbt and reads the build state on request.

    Raises:
        UnreachableError: The warehouse or its bastion does not answer.
    """
    try:
        host, port = way.enter_context(routed(values))
        os.environ["REDSHIFT_HOST"] = host
        os.environ["REDSHIFT_PORT"] = str(port)
        os.environ["REDSHIFT_SSL_MODE"] = values["redshift_ssl_mode"]
        if values["redshift_ssl_root_cert"]:
            check_trusted(values["redshift_ssl_root_cert"], "REDSHIFT_SSL_ROOT_CERT")
            os.environ["SSL_CERT_FILE"] = values["redshift_ssl_root_cert"]
        session = _session(values) if ask else None
    except (TunnelError, WarehouseError) as error:
        hint = f"{_own_names(error.hint, values)}; tidemark doctor looks at every part of the way"
        raise UnreachableError(f"{error.message}; dbt was not started", hint=hint) from error
    if session is None:
        return None
    with session:
        return _state(session, values).read() if read else None


def _own_names(hint: str | None, values: Mapping[str, Any]) -> str:
    """A hint with the settings that dbt's user is read from, where they are others."""
    hint = str(hint)
    for name in ("user", "password"):
        if values[f"redshift_dbt_{name}"]:
            hint = hint.replace(f"REDSHIFT_{name.upper()}", f"REDSHIFT_DBT_{name.upper()}")
    return hint


def _session(values: Mapping[str, Any]) -> WarehouseConnection:
    """A session of dbt's user."""
    own = {
        f"redshift_{name}": values[f"redshift_dbt_{name}"] or values[f"redshift_{name}"]
        for name in ("user", "password")
    }
    region = {"s3_region": os.environ.get("S3_REGION")}
    return connect({**values, **region, **own}, application_name="tidemark-dbt")


def _state(warehouse: WarehouseConnection, values: Mapping[str, Any]) -> BuildState:
    schema = state_schema(values["redshift_schema"])
    return BuildState(warehouse, schema, values[LOCK_SECONDS.name])


def _dbt(words: Sequence[str]) -> int:
    """Runs dbt in this process; gives its exit code."""
    # Imported late: dbt takes seconds to import, and a night with nothing new does without.
    with lasting_imports():
        from mashumaro.config import BaseConfig

        # dbt's hundreds of classes compile what a run needs of them, not all of it: 0.3 s.
        BaseConfig.lazy_compilation = True
        from dbt.cli.main import cli

    try:
        cli(args=list(words), prog_name="dbt")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _lake() -> S3Location | None:
    """Where the run report goes; dbt itself does without."""
    try:
        return S3Location.from_config(resolve(S3_SETTINGS, {}, os.environ))
    except ConfigError:
        return None


def _terminate(signum: int, _frame: FrameType | None) -> None:
    """Leaves by the ``with`` above, so that the tunnel is closed."""
    sys.exit(128 + signum)
