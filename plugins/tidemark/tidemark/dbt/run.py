"""Runs dbt with the tunnel to the warehouse held open for as long as it works.

``tidemark-dbt build`` is ``dbt build``; where REDSHIFT_SSH_BASTION_HOST is set, dbt finds the
warehouse at this end of a tunnel, without a word of it in profiles.yml.
"""

from __future__ import annotations

import os
import signal
import sys
from types import FrameType

from tidemark_core.errors import TidemarkError
from tidemark_core.settings import Setting, bastion_settings, resolve
from tidemark_core.tunnel import Bastion, open_endpoint

_PREFIX = "redshift_ssh_bastion"
_ENDPOINT = (
    Setting("redshift_host", "Host of the warehouse, as the bastion sees it.", required=True),
    Setting("redshift_port", "Port of the warehouse.", "integer", default=5439, minimum=1),
)


def main() -> None:
    """Entry point of ``tidemark-dbt``; exits with dbt's own code."""
    signal.signal(signal.SIGTERM, _terminate)
    try:
        values = resolve((*_ENDPOINT, *bastion_settings(_PREFIX, "the warehouse")), {}, os.environ)
        bastion = Bastion.from_config(values, prefix=_PREFIX)
        with open_endpoint(bastion, values["redshift_host"], values["redshift_port"]) as endpoint:
            os.environ["REDSHIFT_HOST"] = endpoint.host
            os.environ["REDSHIFT_PORT"] = str(endpoint.port)
            # Imported late: dbt takes a second to import, a wrong setting should not wait for it.
            from dbt.cli.main import cli

            cli()
    except TidemarkError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


def _terminate(signum: int, _frame: FrameType | None) -> None:
    """Leaves by the ``with`` above, so that the tunnel is closed."""
    sys.exit(128 + signum)
