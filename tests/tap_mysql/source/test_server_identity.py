"""Which server answers."""

from __future__ import annotations

from dataclasses import replace

from tap_mysql.source.session.server_identity import Server

SERVER = Server({"server_uuid": "5f0c"}, "db-1:3306")


def test_a_server_is_known_by_its_identity_and_not_by_its_name() -> None:
    assert replace(SERVER, name="db-1.internal:3306") == SERVER
    assert replace(SERVER, identity={"server_uuid": "5f0d"}) != SERVER
    # Those of a state file, which anybody may have written, are not said to a server.
    assert "nonsense" not in replace(SERVER, identity={"nonsense": "1", "port": "1"}).guard
