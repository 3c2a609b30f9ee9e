"""``python -m redshift_stand_in``: the server, and the installation of its catalogue."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import ssl
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from redshift_stand_in import catalogue
from redshift_stand_in.context import S3Settings
from redshift_stand_in.front.server import Address, Server
from redshift_stand_in.front.session import FrontSettings
from redshift_stand_in.postgres.backend import PostgresAddress


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the server until SIGTERM or SIGINT, or installs the catalogue."""
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    if arguments[:1] == ["install"]:
        return _install(arguments[1:])
    return _serve(arguments)


def _postgres(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--pg-socket-dir", required=True, type=Path, help="folder of PostgreSQL's socket"
    )
    parser.add_argument(
        "--pg-port", required=True, type=int, help="the number in the socket's name"
    )
    parser.add_argument(
        "--pg-superuser", default=catalogue.SUPERUSER, help="its superuser (%(default)s)"
    )


def _install(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m redshift_stand_in install")
    _postgres(parser)
    parser.add_argument("--database", required=True)
    options = parser.parse_args(arguments)
    catalogue.install(
        options.pg_socket_dir, options.pg_port, options.database, superuser=options.pg_superuser
    )
    return 0


def _serve(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m redshift_stand_in",
        description="A stand-in for Amazon Redshift before a PostgreSQL 15 server.",
        epilog="S3 keys are read from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the region "
        "from AWS_REGION.",
    )
    parser.add_argument(
        "--listen",
        required=True,
        action="append",
        type=Address.parse,
        metavar="unix:PATH|tcp:HOST:PORT",
    )
    _postgres(parser)
    parser.add_argument("--s3-endpoint", required=True, help="URL of the S3 server")
    parser.add_argument("--tls-cert", type=Path)
    parser.add_argument("--tls-key", type=Path)
    parser.add_argument("--log", type=Path, help="file; the default is standard error")
    parser.add_argument("--log-level", default="INFO")
    options = parser.parse_args(arguments)
    _log_to(options.log, options.log_level)
    settings = FrontSettings(
        PostgresAddress(options.pg_socket_dir, options.pg_port, options.pg_superuser),
        S3Settings(options.s3_endpoint, os.environ.get("AWS_REGION", "us-east-1")),
        _tls(options.tls_cert, options.tls_key),
    )
    server = Server(options.listen, settings)
    ended = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    try:
        server.start()
    except OSError as error:
        parser.exit(1, f"cannot listen: {error}\n")
    print("ready", flush=True)
    ended.wait()
    server.stop()
    return 0


def _log_to(path: Path | None, level: str) -> None:
    logging.basicConfig(
        filename=path, level=level, format="%(asctime)s %(levelname)s %(threadName)s %(message)s"
    )
    for noisy in ("botocore", "boto3", "urllib3", "s3transfer"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _tls(certificate: Path | None, key: Path | None) -> ssl.SSLContext | None:
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    return context


if __name__ == "__main__":
    sys.exit(main())
