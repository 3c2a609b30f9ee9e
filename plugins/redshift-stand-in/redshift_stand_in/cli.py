"""The command line: a whole stand-in, or only the front before a running PostgreSQL."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import shlex
import signal
import ssl
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path
from queue import SimpleQueue

from redshift_stand_in import catalogue
from redshift_stand_in.calibrate import command as calibrate
from redshift_stand_in.context import S3Settings
from redshift_stand_in.front.server import Address, Server
from redshift_stand_in.front.session import FrontSettings
from redshift_stand_in.local import Wishes, running
from redshift_stand_in.postgres.backend import PostgresAddress
from redshift_stand_in.postgres.cluster import SUPERUSER, ClusterError

_KEYS = (
    "S3 keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the region from "
    "AWS_REGION: they stand for whatever role IAM_ROLE names."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command and returns its exit code: 0 success, 1 failed, 2 usage, or its own."""
    parser = argparse.ArgumentParser(
        prog="redshift-stand-in", description="An Amazon Redshift for tests.", epilog=_KEYS
    )
    parser.add_argument("--version", action="version", version=version("redshift-stand-in"))
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_up, _add_serve, _add_install, calibrate.add):
        add(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options) or 0)
    except (ClusterError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _add_up(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "up", help="start PostgreSQL and the front end, until Ctrl-C", epilog=_KEYS
    )
    wishes = Wishes()
    parser.add_argument("--host", default=wishes.host, help="where to listen (%(default)s)")
    parser.add_argument("--port", default=5439, type=int, help="0 for any (%(default)s)")
    parser.add_argument("--database", default=wishes.database, help="created if missing")
    parser.add_argument("--user", default=wishes.user, help="its owner (%(default)s)")
    parser.add_argument("--password", default=wishes.password, help="the owner's (%(default)s)")
    parser.add_argument(
        "--folder", type=Path, help="folder for the data; without it, the data is discarded"
    )
    _add_common(parser)
    parser.set_defaults(run=_up)


def _add_serve(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "serve", help="start only the front end, for a running PostgreSQL", epilog=_KEYS
    )
    parser.add_argument(
        "--listen",
        required=True,
        action="append",
        type=Address.parse,
        metavar="unix:PATH|tcp:HOST:PORT",
    )
    _add_postgres(parser)
    _add_common(parser)
    parser.add_argument("--log", type=Path, help="log file (default: standard error)")
    parser.add_argument("--log-level", default="INFO")
    parser.set_defaults(run=_serve)


def _add_install(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("install", help="put the catalogue into a PostgreSQL database")
    _add_postgres(parser)
    parser.add_argument("--database", required=True)
    parser.set_defaults(run=_install)


def _add_postgres(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pg-socket-dir", required=True, type=Path, help="folder of PostgreSQL's socket"
    )
    parser.add_argument(
        "--pg-port", required=True, type=int, help="the number in the socket's name"
    )
    parser.add_argument("--pg-superuser", default=SUPERUSER, help="its superuser (%(default)s)")


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--s3-endpoint", help="URL of the S3 server; without it, AWS's own")
    parser.add_argument("--tls-cert", type=Path, help="PEM file; without it, no TLS")
    parser.add_argument("--tls-key", type=Path, help="PEM file")


def _up(options: argparse.Namespace) -> None:
    _log_to(None, "WARNING")
    wishes = Wishes(
        options.folder,
        options.host,
        options.port,
        options.database,
        options.user,
        options.password,
        _s3(options),
        _tls(options),
    )
    wait = _until_signal()
    with running(wishes) as stand_in:
        print(
            f"ready: {stand_in.url}   password {stand_in.password}\n"
            f"       PGPASSWORD={shlex.quote(stand_in.password)} psql {stand_in.url}\n"
            "Ctrl-C ends it.",
            flush=True,
        )
        wait()


def _serve(options: argparse.Namespace) -> None:
    _log_to(options.log, options.log_level)
    postgres = PostgresAddress(options.pg_socket_dir, options.pg_port, options.pg_superuser)
    server = Server(options.listen, FrontSettings(postgres, _s3(options), _tls(options)))
    wait = _until_signal()
    # The collector takes a tenth of the CPU: what is imported stays, and little else is in rings.
    gc.freeze()
    gc.set_threshold(5_000, 5, 5)
    server.start()
    print("ready", flush=True)
    wait()
    server.stop()


def _install(options: argparse.Namespace) -> None:
    catalogue.install(
        options.pg_socket_dir, options.pg_port, options.database, superuser=options.pg_superuser
    )


def _until_signal() -> Callable[[], int]:
    """Listens from now on; what it returns waits for the signal that asks the process to end.

    An event's lock cannot be taken twice: a signal while the main thread begins to wait for the
    event would keep both waiting for ever. This queue's ``put`` is reentrant.
    """
    ended: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: ended.put(number))
    return ended.get


def _s3(options: argparse.Namespace) -> S3Settings:
    return S3Settings(options.s3_endpoint, os.environ.get("AWS_REGION", "us-east-1"))


def _tls(options: argparse.Namespace) -> ssl.SSLContext | None:
    if options.tls_cert is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    return context


def _log_to(path: Path | None, level: str) -> None:
    logging.basicConfig(
        filename=path, level=level, format="%(asctime)s %(levelname)s %(threadName)s %(message)s"
    )
    for noisy in ("botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
