"""TLS to MySQL, on the real server: verified, and not done without."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tap_mysql.settings import TapSettings
from tap_mysql.source.session.connection import Login
from tidemark_core.errors import ConfigError, SourceError
from tidemark_core.typed_settings import read
from tidemark_sandbox.certificates import ensure_certificates

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Relay, Source

pytestmark = pytest.mark.security(6)
WORD = "a-word-that-only-the-rows-have"
MakeRelay = Callable[..., "Relay"]


@pytest.fixture
def rows(source: Source) -> Source:
    source.make("secret", "id INT PRIMARY KEY, v VARCHAR(60)", f"(1, '{WORD}')")
    return source


def settings(source: Source, relay: Relay, **changes: Any) -> dict[str, Any]:
    """The way over the relay, TLS and DB_HOST verified unless ``changes`` say otherwise."""
    return {
        "db_host": relay.host,
        "db_port": relay.port,
        "db_ssl_mode": "verify",
        "db_ssl_ca": str(source.sandbox.config.ca),
        "db_ssl_server_name": None,  # the sandbox's own settings have one where it is MySQL
    } | changes


def test_rows_travel_encrypted(rows: Source, relay: MakeRelay) -> None:
    way = relay()
    result = rows.read("secret", **settings(rows, way))
    assert [row["v"] for row in result.rows("secret")] == [WORD]
    assert len(way.seen) > 1000
    assert WORD.encode() not in way.seen


def test_without_tls_rows_are_seen_on_the_way_that_was_given(
    rows: Source, relay: MakeRelay
) -> None:
    if rows.is_mysql:
        # Its login asks for TLS here; one that was done before is remembered.
        rows.read("secret", **settings(rows, relay()))
    way = relay()
    plain = settings(rows, way, db_ssl_mode="disabled", db_ssl_ca=None)
    assert [row["v"] for row in rows.read("secret", **plain).rows("secret")] == [WORD]
    assert WORD.encode() in way.seen


@dataclass(frozen=True)
class Refusal:
    """What must not be connected to, and what the operator is told.

    Attributes:
        relay: Options of the relay.
        ca: Whose certificates are trusted: the server's ``own`` authority, a ``foreign`` one, or
            the ``system``'s.
        told: The problem.
        remedy: The setting to look at.
    """

    relay: tuple[str, ...]
    ca: str
    told: str
    remedy: str


REFUSED = {
    "a certificate of another authority": Refusal((), "foreign", "certificate", "DB_SSL_CA"),
    "no authority given": Refusal((), "system", "certificate", "DB_SSL_CA"),
    "another host": Refusal(("--listen", "127.0.0.2"), "own", "127.0.0.2", "DB_HOST"),
    "no TLS": Refusal(("--strip-tls",), "own", "does not offer TLS", "DB_SSL_MODE"),
}


@pytest.fixture(params=REFUSED)
def refusal(
    rows: Source, relay: MakeRelay, tmp_path: Path, request: pytest.FixtureRequest
) -> tuple[Refusal, dict[str, Any], Relay]:
    case = REFUSED[request.param]
    ensure_certificates(tmp_path / "foreign")
    way = relay(*case.relay)
    authorities = {
        "own": str(rows.sandbox.config.ca),
        "foreign": str(tmp_path / "foreign" / "ca.pem"),
        "system": None,
    }
    return case, settings(rows, way, db_ssl_ca=authorities[case.ca]), way


def test_what_cannot_be_verified_is_refused_with_the_remedy(
    rows: Source, refusal: tuple[Refusal, dict[str, Any], Relay]
) -> None:
    case, config, way = refusal
    result = rows.run(rows.catalog("secret"), **config)
    assert isinstance(result.error, SourceError)
    assert not result.error.retryable
    assert case.told in result.error.message
    assert case.remedy in (result.error.hint or "")
    assert result.of("BATCH") == []
    assert way.seen
    assert WORD.encode() not in way.seen


def test_a_ca_file_that_is_not_there_is_a_wrong_setting(rows: Source, relay: MakeRelay) -> None:
    result = rows.run(rows.catalog("secret"), **settings(rows, relay(), db_ssl_ca="/nowhere/ca"))
    assert getattr(result.error, "exit_code", None) == 2
    assert "/nowhere/ca" in str(result.error)


def tunnelled(source: Source, **changes: Any) -> dict[str, Any]:
    """The way through the bastion, TLS verified unless ``changes`` say otherwise."""
    ca = str(source.sandbox.config.ca)
    given = {"db_ssl_mode": "verify", "db_ssl_ca": ca, "db_ssl_server_name": "localhost"}
    return source.config(bastion=True) | given | changes


def test_through_a_bastion_the_name_in_the_certificate_is_verified_too(rows: Source) -> None:
    result = rows.read("secret", **tunnelled(rows))
    assert [row["v"] for row in result.rows("secret")] == [WORD]
    another = rows.run(rows.catalog("secret"), **tunnelled(rows, db_ssl_server_name="db.example"))
    assert isinstance(another.error, SourceError)
    assert "db.example" in another.error.message
    assert "DB_SSL_SERVER_NAME" in (another.error.hint or "")
    assert another.of("BATCH") == []


def test_tls_that_could_not_be_verified_is_refused_before_anything_is_opened(
    rows: Source,
) -> None:
    """DB_HOST is a socket here, which is no name for a certificate."""
    with pytest.raises(ConfigError, match="DB_SSL_SERVER_NAME"):
        Login.of(read(TapSettings, tunnelled(rows, db_ssl_server_name=None)))


def test_through_a_bastion_the_system_s_authorities_do_not_know_the_sandbox_s(
    rows: Source,
) -> None:
    result = rows.run(rows.catalog("secret"), **tunnelled(rows, db_ssl_ca=None))
    assert isinstance(result.error, SourceError)
    assert "DB_SSL_CA" in (result.error.hint or "")
