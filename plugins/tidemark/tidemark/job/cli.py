"""The command line of ``run-job``."""

from __future__ import annotations

import argparse
import os
import pwd
import sys
import uuid
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tidemark_core.errors import ConfigError
from tidemark_core.text.masking import guard_stderr
from tidemark_core.typed_settings import declared, read

from tidemark.config.env_file import read_environment
from tidemark.config.environment import project_root
from tidemark.config.job_settings import JobSettings
from tidemark.config.settings import SETTINGS
from tidemark.config.validation import refuse_bad_values
from tidemark.job.known import refuse_unknown
from tidemark.job.run import Job, run_job, tell
from tidemark.runner.failure_cause import Cause

_EPILOG = """example:  run-job sync

exit codes: 0 success, 1 failed, 2 configuration, 4 another run holds the lease, 143 terminated.
A successful run prints nothing, so cron only mails failures."""


def main() -> None:
    """Runs a job unattended; ends the process with the run's exit code."""
    os.umask(0o077)
    guard_stderr(os.environ)
    options = _parser().parse_args()
    root = project_root(Path.cwd())
    run_id = os.environ.get("TIDEMARK_RUN_ID") or str(uuid.uuid4())
    given = options.env_file and options.env_file.absolute()
    environ: Mapping[str, str] = os.environ
    try:
        environ = read_environment(
            given or root / ".env",
            os.environ,
            [setting for setting in SETTINGS if setting.secret],
            required=given is not None,
        )
        refuse_bad_values(environ)
        refuse_unknown(options.job, root)
        settings = read(JobSettings, {}, environ)
    except ConfigError as error:
        job = Job(options.job, (), root, None, run_id, environ, _alert_settings(environ))
        print(f"error: {error}", file=sys.stderr)
        for problem in tell(job, Cause.of_error(error), None):
            print(f"warning: {problem}", file=sys.stderr)
        sys.exit(error.exit_code)
    os.environ.update(_complete(environ, root, run_id))
    job = Job(options.job, options.arguments, root, given, run_id, dict(os.environ), settings)
    sys.exit(run_job(job))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="run-job",
        description="Run a job unattended: lease, log, report, alert.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--env-file", type=Path, help="settings file, mode 0600; default: .env")
    parser.add_argument("job", help="a job in orchestrate/jobs.meltano.yml, such as sync")
    parser.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help="further arguments for meltano run, such as --timeout",
    )
    return parser


def _complete(environ: Mapping[str, str], root: Path, run_id: str) -> dict[str, str]:
    """Adds the variables that cron and systemd do not set, and one run id for all parts."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # Meltano starts three times slower with it
    return {
        "HOME": pwd.getpwuid(os.geteuid()).pw_dir,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "NO_COLOR": "1",
        "DBT_USE_COLORS": "false",
        "PYTHONWARNINGS": "ignore",
        "MELTANO_CLI_DISABLE_VERSION_CHECK": "1",
        **{name: value for name, value in environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        "MELTANO_PROJECT_ROOT": str(root),
        "MELTANO_RUN_ID": run_id,
        "TIDEMARK_RUN_ID": run_id,
    }


def _alert_settings(environ: Mapping[str, str]) -> JobSettings:
    """The alert settings when a setting is wrong, or none can be read: those that are valid."""
    good: dict[str, str] = {}
    for setting in declared(JobSettings):
        value = environ.get(setting.env, "")
        with suppress(ConfigError):
            setting.convert(value)
            good[setting.env] = value
    return read(JobSettings, {}, good)
