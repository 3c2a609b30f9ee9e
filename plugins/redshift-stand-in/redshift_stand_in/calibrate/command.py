"""``redshift-stand-in calibrate``: records a cluster's answers, and compares them with ours."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from redshift_stand_in.calibrate import cases, terminal
from redshift_stand_in.calibrate.asking.session import Target
from redshift_stand_in.calibrate.asking.storage import Storage
from redshift_stand_in.calibrate.comparing.differences import compare
from redshift_stand_in.calibrate.comparing.recording import Recording, load
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.calibrate.interruption import Interrupted, ignore_signals, interruptible
from redshift_stand_in.calibrate.whole import Plan, identify, plan, record
from redshift_stand_in.context import S3Settings
from redshift_stand_in.local import Wishes, running
from redshift_stand_in.postgres.cluster import ClusterError

#: Where the password is read from: it would be seen in a list of processes.
PASSWORD = "REDSHIFT_PASSWORD"  # noqa: S105 - the name of a variable
#: In the name of an endpoint of Redshift Serverless.
_SERVERLESS = ".redshift-serverless."
_NO_DIFFERENCES, _DIFFERENCES, _FAILED = 0, 1, 2


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command to a command line."""
    parser = commands.add_parser(
        "calibrate",
        help="ask a real cluster what the stand-in is asked, and show where they differ",
        epilog=f"The password is read from {PASSWORD}, keys for S3 as by the AWS CLI.",
    )
    _add_cluster(parser)
    _add_storage(parser)
    _add_choice(parser)
    parser.set_defaults(run=run)


def _add_cluster(parser: argparse.ArgumentParser) -> None:
    asked = parser.add_mutually_exclusive_group(required=True)
    asked.add_argument("--host", help="of the cluster or workgroup")
    asked.add_argument("--compare", type=Path, metavar="FILE", help="a recording; asks no cluster")
    parser.add_argument("--port", default=5439, type=int, help="(%(default)s)")
    parser.add_argument("--database", default="dev", help="(%(default)s)")
    parser.add_argument("--user", default="awsuser", help="(%(default)s)")
    parser.add_argument("--no-tls", action="store_true", help="for a server on this machine")
    parser.add_argument(
        "--serverless", action="store_true", help="if the name of the host does not tell"
    )


def _add_storage(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--bucket", help="for COPY, in the cluster's Region; without it, no COPY")
    parser.add_argument("--prefix", default="", help="in the bucket; a folder is made below it")
    parser.add_argument("--role", help="ARN of the role by which the cluster reads there")
    parser.add_argument("--s3-endpoint", help="URL of the S3 server; without it, AWS's own")


def _add_choice(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kinds", default="", metavar="KIND,...", help="such as ddl,types")
    parser.add_argument("--only", default="*", metavar="GLOB", help="of the statements' texts")
    parser.add_argument("--texts", action="store_true", help="compare the texts of errors too")
    parser.add_argument(
        "--minutes", default=60, type=int, help="ends it after that time (%(default)s)"
    )
    parser.add_argument(
        "--folder", default=Path("calibration"), type=Path, help="for the file (%(default)s)"
    )
    parser.add_argument("--yes", action="store_true", help="do not ask before")


def run(options: argparse.Namespace) -> int:
    """Runs the command.

    Returns:
        0: the stand-in agrees; 1: it differs; 2: it could not run; 128 and a signal's number.
    """
    begin = time.monotonic()
    try:
        with interruptible():
            return _run(options, lambda: time.monotonic() - begin)
    except (CalibrationError, ClusterError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return _FAILED
    except Interrupted as error:
        print(f"error: {error}", file=sys.stderr)
        return 128 + error.number


def _run(options: argparse.Namespace, seconds: Callable[[], float]) -> int:
    if options.compare and not options.bucket:
        print(terminal.NO_COPY, file=sys.stderr)
    theirs = load(options.compare) if options.compare else _ask_cluster(options)
    if theirs is None:
        return _FAILED
    comparison = compare(theirs, _ask_stand_in(options), texts=options.texts)
    for line in terminal.report(comparison, seconds()):
        print(line)
    return _DIFFERENCES if comparison.differences else _NO_DIFFERENCES


def _ask_cluster(options: argparse.Namespace) -> Recording | None:
    """Asks the cluster and writes the file; None: the answer was no."""
    target = Target(
        options.host,
        options.port,
        options.database,
        options.user,
        _password(),
        tls=not options.no_tls,
    )
    serverless = options.serverless or _SERVERLESS in options.host
    asked = _plan(options, target, serverless=serverless)
    print(terminal.announcement(asked, options.minutes), file=sys.stderr)
    if not terminal.consent(assumed=options.yes):
        print("nothing was asked", file=sys.stderr)
        return None
    progress = terminal.Progress(asked.cases, "cluster", options.minutes)
    recording = Recording(identify(asked))
    with _saved(recording, options.folder, progress), interruptible():
        record(asked, recording, progress.watch, progress.say, ignore_signals)
    return recording


@contextmanager
def _saved(recording: Recording, folder: Path, progress: terminal.Progress) -> Iterator[None]:
    """Writes what was recorded, even if that is not all."""
    try:
        yield
    finally:
        if recording.parts:
            progress.say(f"recorded in {recording.save(folder)}")


def _ask_stand_in(options: argparse.Namespace) -> Recording:
    """Starts a stand-in and asks it the same; it reads the same bucket."""
    s3 = S3Settings(options.s3_endpoint, os.environ.get("AWS_REGION", "us-east-1"))
    with running(Wishes(s3=s3)) as here:
        target = Target(here.host, here.port, here.database, here.user, here.password, tls=False)
        asked = _plan(options, target)
        progress = terminal.Progress(asked.cases, "stand-in")
        recording = Recording(identify(asked))
        with interruptible():
            record(asked, recording, progress.watch, progress.say, ignore_signals)
    return recording


def _plan(options: argparse.Namespace, target: Target, *, serverless: bool = False) -> Plan:
    storage = _storage(options)
    kinds = [kind for kind in options.kinds.split(",") if kind]
    parts = cases.chosen(kinds, options.only, storage=storage is not None)
    return plan(target, parts, storage, serverless=serverless)


def _storage(options: argparse.Namespace) -> Storage | None:
    if not options.bucket:
        return None
    if not options.role:
        raise CalibrationError("COPY needs a role to read the bucket by. Next: add --role ARN")
    s3 = S3Settings(options.s3_endpoint, os.environ.get("AWS_REGION", "us-east-1"))
    return Storage(s3, options.bucket, options.prefix.strip("/"), options.role)


def _password() -> str:
    try:
        return os.environ[PASSWORD]
    except KeyError as error:
        raise CalibrationError(
            f"{PASSWORD} is not set. Next: read -rs {PASSWORD}; export {PASSWORD}"
        ) from error
