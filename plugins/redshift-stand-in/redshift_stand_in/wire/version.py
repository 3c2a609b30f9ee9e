"""The version of Redshift's own additions to the protocol, which its drivers ask for."""

from __future__ import annotations

from enum import IntEnum

#: The parameters by which a client asks, and the server answers.
ASKED = "client_protocol_version"
ANSWERED = "server_protocol_version"


class Version(IntEnum):
    """What a session's results look like. Source: redshift_connector, ``ClientProtocolVersion``."""

    BASE = 0
    #: Columns are described with their tables.
    METADATA = 1
    #: NUMERIC, DATE, TIME and arrays are read in binary.
    BINARY = 2


def agreed(asked: str) -> Version:
    """The version of a session.

    Args:
        asked: what the client asked for.
    """
    return Version(min(int(asked), max(Version))) if asked.isdecimal() else Version.BASE
