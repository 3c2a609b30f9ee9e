"""Runs dbt with the tunnel to the warehouse held open for as long as it works.

``tidemark-dbt build`` is ``dbt build``; where REDSHIFT_SSH_BASTION_HOST is set, dbt's connections
go through the tunnel, without a word of it in profiles.yml, and the certificate's name is verified
as it would be without one.
"""

from __future__ import annotations

import os
import signal
import sys
import warnings
from types import FrameType

from tidemark_core.errors import ConfigError, TidemarkError
from tidemark_core.reportstore import reporting
from tidemark_core.s3 import S3Location
from tidemark_core.settings import S3_SETTINGS, resolve
from tidemark_core.warehouse import WAREHOUSE_SETTINGS, routed

from tidemark.environment import load_environment


def main() -> None:
    """Entry point of ``tidemark-dbt``; exits with dbt's own code."""
    signal.signal(signal.SIGTERM, _terminate)
    os.environ.update(load_environment())
    try:
        values = resolve(WAREHOUSE_SETTINGS, {}, os.environ)
        with routed(values) as (host, port):
            os.environ["REDSHIFT_HOST"] = host
            os.environ["REDSHIFT_PORT"] = str(port)
            os.environ["REDSHIFT_SSL_MODE"] = values["redshift_ssl_mode"]
            if values["redshift_ssl_root_cert"]:
                os.environ["SSL_CERT_FILE"] = values["redshift_ssl_root_cert"]
            # The driver's own TLS context is deprecated by Python; dbt would print so for each
            # connection, and nobody here can do anything about it.
            warnings.filterwarnings("ignore", module="redshift_connector")
            # Imported late: dbt takes a second to import, a wrong setting should not wait for it.
            from dbt.cli.main import cli

            with reporting("build", _lake()):
                cli()
    except TidemarkError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _lake() -> S3Location | None:
    """Where the run report goes; dbt itself does without."""
    try:
        return S3Location.from_config(resolve(S3_SETTINGS, {}, os.environ))
    except ConfigError:
        return None


def _terminate(signum: int, _frame: FrameType | None) -> None:
    """Leaves by the ``with`` above, so that the tunnel is closed."""
    sys.exit(128 + signum)
