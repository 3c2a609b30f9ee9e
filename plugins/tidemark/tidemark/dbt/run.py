"""Runs dbt, and keeps the tunnel to the warehouse open while it works.

``tidemark-dbt build`` is ``dbt build``; where REDSHIFT_SSH_BASTION_HOST is set, dbt's connections
go through the tunnel, of which profiles.yml knows nothing, and the certificate's name is verified
as it would be without one. ``tidemark-dbt build-new`` builds and tests what is new (`plan`).
Commands that build hold a lease, so that a second one reports at once which build it waits for;
the warehouse itself keeps them apart (transform/macros/loads/hold.sql).
"""

from __future__ import annotations

import math
import os
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import FrameType

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
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.report_store import reporting
from tidemark_core.run_context import run_id
from tidemark_core.runs.deferred import Failure, defer
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.settings import LOCK_SECONDS, S3_REGION
from tidemark_core.typed_settings import read, shared

from tidemark.config.environment import load_environment
from tidemark.config.settings import DbtSettings, LeaseSettings
from tidemark.dbt.buildstate import BuildState, Found, newly_tested, state_schema
from tidemark.dbt.plan import Kind, Plan, decide, is_whole_build
from tidemark.dbt.results import read_failures
from tidemark.dbt.source import project_fingerprint, project_folder, read_shape
from tidemark.runner.held_lease import holding

_BUILD_NEW = "build-new"
_BUILDING = frozenset({"build", "retry", "run", "seed", "snapshot", _BUILD_NEW})
#: dbt's exit code when some nodes failed and it has done all that it could.
_NODES_FAILED = 1
#: The commands that ask the warehouse; ``debug`` is for finding out why it does not answer.
_ASKING = _BUILDING | {"compile", "docs", "run-operation", "show", "source", "test"}


@dataclass(frozen=True, kw_only=True)
class BuildSettings(LeaseSettings, DbtSettings, WarehouseSettings):
    """What a build needs."""

    redshift_lock_timeout_seconds: int = shared(LOCK_SECONDS)
    s3_region: str = shared(S3_REGION)


class UnreachableError(WarehouseError):
    """The warehouse does not answer: nothing was started."""

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
        settings = read(BuildSettings, {}, os.environ)
        lake = _lake()
        with ExitStack() as way:
            # The lease comes first: a build that does not get it has no report.
            _hold(_command(words), lake, settings, way)
            report = way.enter_context(reporting("build", lake))
            begun = datetime.now(UTC)
            code = _run(words, settings, way)
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
    """The error of the first model that failed, as dbt recorded it."""
    failed = read_failures(project_folder(os.environ), os.environ, begun)
    more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    return next((f"{model}: {reason}{more}" for model, reason in failed.items()), "")


def _run(words: Sequence[str], settings: BuildSettings, way: ExitStack) -> int:
    command = _command(words)
    is_new = command == _BUILD_NEW
    if is_new and len(words) > 1:
        raise ConfigError(
            f"{_BUILD_NEW} takes no options", hint="to select models: dbt build --select"
        )
    recorded = is_new or is_whole_build(words)
    found = _open_way(settings, way, ask=command in _ASKING, read=recorded)
    if found is None:
        return _dbt(words)
    folder = project_folder(os.environ)
    before = project_fingerprint(folder, os.environ)
    plan = Plan(Kind.WHOLE, "", ())
    if is_new:
        age = timedelta(hours=settings.redshift_dbt_whole_build_hours)
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
        with _session(settings) as warehouse:
            _state(warehouse, settings).write(tested, whole, run_id())
    return code


def _command(words: Sequence[str]) -> str:
    """Dbt's command among its words; empty if they are options only."""
    return next((word for word in words if not word.startswith("-")), "")


def _hold(command: str, lake: S3Location | None, settings: BuildSettings, way: ExitStack) -> None:
    """Takes the lease of builds in this schema, waiting for it as long as dbt does for a table.

    If we may not write to the lake, the build runs without it.

    Raises:
        LeaseError: Another build is still running when the time to wait is over.
    """
    if lake is None or command not in _BUILDING:
        return
    key = lake.layout.build_lease_key(settings.redshift_schema)
    owner = f"dbt {command}, run {run_id()}"
    try:
        patience = settings.redshift_lock_timeout_seconds or math.inf
        way.enter_context(holding(lake, key, owner, settings.s3_lease_seconds, patience))
    except LakeError as error:
        print(f"warning: this build is not visible to others: {error}", file=sys.stderr)


def _told(plan: Plan) -> str:
    what = {
        Kind.NOTHING: "Nothing to build",
        Kind.NEW: "Building and testing new loads",
        Kind.WHOLE: "Building and testing everything",
    }
    return f"{what[plan.kind]}: {plan.reason}."


def _open_way(settings: BuildSettings, way: ExitStack, *, ask: bool, read: bool) -> Found | None:
    """Opens the tunnel and session for dbt and reads the build state on request.

    Raises:
        UnreachableError: The warehouse or its bastion does not answer.
    """
    try:
        host, port = way.enter_context(routed(settings))
        os.environ["REDSHIFT_HOST"] = host
        os.environ["REDSHIFT_PORT"] = str(port)
        os.environ["REDSHIFT_SSL_MODE"] = settings.redshift_ssl_mode
        if (authority := settings.redshift_ssl_root_cert) is not None:
            check_trusted(authority, "REDSHIFT_SSL_ROOT_CERT")
            os.environ["SSL_CERT_FILE"] = authority
        session = _session(settings) if ask else None
    except (TunnelError, WarehouseError) as error:
        hint = f"{_own_names(error.hint, settings)}; tidemark doctor checks each step of the way"
        raise UnreachableError(f"{error.message}; dbt was not started", hint=hint) from error
    if session is None:
        return None
    with session:
        return _state(session, settings).read() if read else None


def _own_names(hint: str | None, settings: BuildSettings) -> str:
    """A hint that names the settings of dbt's own user, where these are set."""
    hint = str(hint)
    own = {"USER": settings.redshift_dbt_user, "PASSWORD": settings.redshift_dbt_password}
    for name, value in own.items():
        if value:
            hint = hint.replace(f"REDSHIFT_{name}", f"REDSHIFT_DBT_{name}")
    return hint


def _session(settings: BuildSettings) -> WarehouseConnection:
    """A session of dbt's user."""
    found = settings.login(settings).in_region(settings.s3_region)
    return connect(found, application_name="tidemark-dbt")


def _state(warehouse: WarehouseConnection, settings: BuildSettings) -> BuildState:
    schema = state_schema(settings.redshift_schema)
    return BuildState(warehouse, schema, settings.redshift_lock_timeout_seconds)


def import_dbt() -> Callable[..., object]:
    """Imports dbt's command line: takes seconds, and a run with nothing new does not need it."""
    with lasting_imports():
        from mashumaro.config import BaseConfig

        # dbt's hundreds of classes compile only what a run needs of them: saves 0.3 s.
        BaseConfig.lazy_compilation = True
        from dbt.cli.main import cli
    return cli


def _dbt(words: Sequence[str]) -> int:
    """Runs dbt in this process; gives its exit code."""
    dbt = import_dbt()
    try:
        dbt(args=list(words), prog_name="dbt")
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    return 0


def _lake() -> S3Location | None:
    """Where the run report goes; dbt itself does not need it."""
    try:
        return S3Location.of(read(S3Settings, {}, os.environ))
    except ConfigError:
        return None


def _terminate(signum: int, _frame: FrameType | None) -> None:
    """Exits through the ``with`` of `main`, so that the tunnel is closed."""
    sys.exit(128 + signum)
