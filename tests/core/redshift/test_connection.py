"""The connection to the warehouse: TLS, credentials, and errors that say what to do."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time
from typing import Any

import pytest
from muterelay import mute_relay
from redshift_connector.error import InterfaceError, OperationalError, ProgrammingError
from tidemark_core.errors import ConfigError, TunnelError, WarehouseError
from tidemark_core.redshift.connection import connect, routed
from tidemark_core.redshift.credentials import Credentials, credentials
from tidemark_core.redshift.errors import QueryError, explain_connect, explain_query
from tidemark_core.redshift.settings import WarehouseSettings
from tidemark_core.ssh.tunnel import open_endpoint
from tidemark_core.typed_settings import read
from tidemark_sandbox.world import Sandbox

LOGIN = WarehouseSettings(
    redshift_host="h", redshift_database="d", redshift_user="u", redshift_password="hush"
)


# ------------------------------------------------------------------ pure
@pytest.mark.parametrize(
    ("error", "said", "hint"),
    [
        (InterfaceError("communication error", socket.gaierror(-2, "x")), "no address", "HOST"),
        (InterfaceError("e", ConnectionRefusedError(111, "x")), "refused the connection", "PORT"),
        (OperationalError("time out", TimeoutError("x")), "not answer in time", "BASTION"),
        (
            InterfaceError("e", ssl.SSLCertVerificationError(1, "x")),
            "cannot be trusted",
            "REDSHIFT_SSL_ROOT_CERT",
        ),
        (InterfaceError("Server refuses SSL"), "could not be reached", "not offer TLS"),
        (ProgrammingError({"C": "28P01", "M": "no"}), "refused user 'u'", "REDSHIFT_PASSWORD"),
        (ProgrammingError({"C": "28000", "M": "no"}), "refused user 'u'", "REDSHIFT_PASSWORD"),
        (ProgrammingError({"C": "3D000", "M": "no"}), "refused user 'u'", "REDSHIFT_DATABASE"),
    ],
)
def test_a_failed_login_says_why_and_what_next(error: Exception, said: str, hint: str) -> None:
    explained = explain_connect(error, "cluster:5439/d", user="u")
    assert said in str(explained)
    assert "cluster:5439/d" in str(explained)
    assert hint in (explained.hint or "")


@pytest.mark.parametrize(
    ("state", "message", "retryable"),
    [
        ("XX000", "1023 \nDETAIL: Serializable isolation violation on table - 1", True),
        ("40001", "could not serialize access due to concurrent update", True),
        ("57P01", "terminating connection due to administrator command", True),
        ("XX000", "Load into table 't' failed", False),
        ("57014", "canceling statement due to statement timeout", False),
        ("57014", "Query (7) cancelled by WLM abort action of Query Monitoring Rule", False),
        ("53100", "Disk Full", False),
        ("42501", "permission denied", False),
    ],
)
def test_what_may_succeed_next_time_is_told_apart(
    state: str, message: str, retryable: bool
) -> None:
    error = explain_query(ProgrammingError({"C": state, "M": message}), "COPY")
    assert (error.retryable, error.lost, error.sqlstate) == (retryable, False, state)


@pytest.mark.fault(57)
@pytest.mark.parametrize(
    ("message", "state", "hint"),
    [
        ("abort query", "57014", "stl_wlm_rule_action"),
        ("Disk Full", "53100", "free disk space"),
    ],
)
def test_what_the_warehouse_reports_as_an_internal_error_is_told_by_its_text(
    message: str, state: str, hint: str
) -> None:
    error = explain_query(ProgrammingError({"C": "XX000", "M": message}), "COPY")
    assert (error.sqlstate, error.retryable) == (state, False)
    assert hint in str(error)


@pytest.mark.fault(122)
def test_an_answer_that_the_driver_cannot_decode_is_no_lost_warehouse() -> None:
    error = explain_query(UnicodeDecodeError("utf-8", b"4%\x9b", 2, 3, "invalid"), "SELECT")
    assert error.lost, "the session is in the middle of an answer"
    assert not error.retryable
    assert not error.stops_all


@pytest.mark.security(10)
def test_details_of_the_servers_error_are_not_shown() -> None:
    raised = ProgrammingError({"C": "23505", "M": "duplicate", "D": "Key (card)=(4111)", "W": "x"})
    assert "4111" not in str(explain_query(raised, "INSERT"))


@pytest.mark.parametrize("lost", [InterfaceError("BrokenPipe"), AttributeError("x"), OSError(9)])
def test_a_lost_connection_may_be_tried_again(lost: Exception) -> None:
    error = explain_query(lost, "COMMIT")
    assert error.lost
    assert error.retryable


@pytest.mark.security(7)
def test_a_login_does_not_show_its_password() -> None:
    assert "hush" not in repr(credentials(LOGIN))
    assert credentials(LOGIN) == Credentials("u", "hush")


@pytest.mark.parametrize("missing", ["redshift_user", "redshift_password"])
def test_a_login_without_user_or_password_is_refused(missing: str) -> None:
    change: dict[str, Any] = {missing: None}
    with pytest.raises(ConfigError, match=missing.upper()):
        credentials(replace(LOGIN, **change))


@pytest.mark.parametrize(
    ("where", "service", "answer", "expected"),
    [
        (
            {"redshift_cluster_identifier": "c"},
            "redshift",
            {"DbUser": "IAM:u", "DbPassword": "temporary"},
            Credentials("IAM:u", "temporary"),
        ),
        (
            {"redshift_workgroup": "group"},
            "redshift-serverless",
            {"dbUser": "IAMR:r", "dbPassword": "temporary"},
            Credentials("IAMR:r", "temporary"),
        ),
    ],
)
def test_temporary_credentials_come_from_aws(
    monkeypatch: pytest.MonkeyPatch,
    where: dict[str, Any],
    service: str,
    answer: dict[str, str],
    expected: Credentials,
) -> None:
    import boto3
    from botocore.stub import Stubber

    client: Any = boto3.client(
        service,  # type: ignore[call-overload]
        region_name="eu-west-1",
        aws_access_key_id="x",
        aws_secret_access_key="x",
    )
    asked: list[tuple[str, str]] = []

    def make(name: str, region_name: str) -> Any:
        asked.append((name, region_name))
        return client

    monkeypatch.setattr(boto3, "client", make)
    method = "get_credentials" if "workgroup" in str(where) else "get_cluster_credentials"
    config = replace(LOGIN, **where, redshift_auth="iam").in_region("eu-west-1")
    with Stubber(client) as stubbed:
        stubbed.add_response(method, answer)
        assert credentials(config) == expected
        stubbed.add_client_error(method, "AccessDenied")
        with pytest.raises(WarehouseError, match="AccessDenied"):
            credentials(config)
    assert asked == [(service, "eu-west-1")] * 2


def test_temporary_credentials_need_to_know_of_what() -> None:
    with pytest.raises(ConfigError, match="needs one of"):
        credentials(replace(LOGIN, redshift_auth="iam"))


def test_a_region_of_its_own_goes_before_that_of_the_bucket() -> None:
    own = replace(LOGIN, redshift_region="eu-west-1")
    assert own.in_region("us-east-1").redshift_region == "eu-west-1"


# ------------------------------------------------------------------ on the stand-in
@pytest.fixture(scope="module")
def config(sandbox: Sandbox) -> WarehouseSettings:
    return read(WarehouseSettings, {}, sandbox.env())


@pytest.fixture(scope="module")
def direct(config: WarehouseSettings) -> Iterator[WarehouseSettings]:
    """Settings without a bastion; the tunnel stands already."""
    with open_endpoint(config.bastion, config.redshift_host, 5439, local_port=0) as endpoint:
        yield replace(
            config,
            redshift_ssh_bastion_host=None,
            redshift_host=endpoint.host,
            redshift_port=endpoint.port,
        )


def test_through_the_bastion_with_verified_tls(
    config: WarehouseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And no variable is set for it: other threads may read the environment in C, unlocked."""
    with monkeypatch.context() as patch:
        for name in ("putenv", "unsetenv"):
            patch.setattr(os, name, None)
        connection = connect(config, application_name="tidemark test")
    with connection:
        assert connection.execute("SELECT ?, ?", [1, "it's"]) == [(1, "it's")]
        ((name,),) = connection.execute("SHOW application_name")
        assert name == "tidemark test"


@pytest.mark.filterwarnings("ignore:ssl:DeprecationWarning")  # the driver's own context
@pytest.mark.parametrize("way", ["config", "direct"])
def test_a_connection_that_other_code_makes_has_a_name(
    config: WarehouseSettings,
    direct: WarehouseSettings,
    monkeypatch: pytest.MonkeyPatch,
    way: str,
) -> None:
    import redshift_connector

    values = config if way == "config" else direct
    monkeypatch.setenv("SSL_CERT_FILE", str(values.redshift_ssl_root_cert))
    with routed(values) as (host, port):
        connection = redshift_connector.connect(
            host=host,
            port=port,
            database=values.redshift_database,
            user=values.redshift_user,
            password=values.redshift_password,
            sslmode=values.redshift_ssl_mode if way == "config" else "verify-ca",
        )
        with contextlib.closing(connection), connection.cursor() as cursor:
            cursor.execute("SHOW application_name")
            assert cursor.fetchone() == ["tidemark-dbt"]


def test_bound_values_are_values(direct: WarehouseSettings) -> None:
    tricky = "'; DROP TABLE x; -- ? \\ %s :a"
    with connect(direct) as connection:
        assert connection.execute("SELECT ?", [tricky]) == [(tricky,)]


@pytest.mark.fault(223)
def test_values_are_read_as_the_warehouse_has_them(direct: WarehouseSettings) -> None:
    """In binary the driver makes 1500-03-09 of this day, and loses a microsecond and digits."""
    with connect(direct) as warehouse:
        ((day, moment, clock, long),) = warehouse.execute(
            "SELECT CAST('1500-02-28' AS DATE), CAST('1500-02-28 01:02:03.000001' AS TIMESTAMP), "
            "CAST('23:59:59.999999' AS TIME), "
            "CAST('-12345678901234567890123456789.10' AS NUMERIC(38,2))"
        )
    assert (day, moment) == (date(1500, 2, 28), datetime(1500, 2, 28, 1, 2, 3, 1))
    assert (clock, str(long)) == (time(23, 59, 59, 999999), "-12345678901234567890123456789.10")


def test_a_certificate_of_another_name_is_refused_also_behind_the_tunnel(
    config: WarehouseSettings,
) -> None:
    named = replace(config, redshift_ssl_server_name="warehouse.example.com")
    with pytest.raises(WarehouseError, match="cannot be trusted"):
        connect(named)
    with connect(replace(named, redshift_ssl_mode="verify-ca")) as connection:
        assert connection.execute("SELECT 1") == [(1,)]


def test_a_certificate_of_another_authority_is_refused(direct: WarehouseSettings) -> None:
    with pytest.raises(WarehouseError, match="cannot be trusted"):
        connect(replace(direct, redshift_ssl_root_cert=None))
    with pytest.raises(ConfigError, match="correct REDSHIFT_SSL_ROOT_CERT"):
        connect(replace(direct, redshift_ssl_root_cert="/nowhere.pem"))


@pytest.mark.security(7)
def test_a_wrong_password_is_said_so_and_not_shown(direct: WarehouseSettings) -> None:
    with pytest.raises(WarehouseError, match="refused user") as caught:
        connect(replace(direct, redshift_password="canary-word"))
    assert "canary-word" not in str(caught.value)
    assert "REDSHIFT_PASSWORD" in str(caught.value)


def test_a_missing_database_is_said_so(direct: WarehouseSettings) -> None:
    with pytest.raises(WarehouseError, match="REDSHIFT_DATABASE"):
        connect(replace(direct, redshift_database="nowhere"))


def test_a_closed_port_is_said_so(direct: WarehouseSettings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        closed = replace(direct, redshift_port=free.getsockname()[1])
        with pytest.raises(WarehouseError, match="refused the connection"):
            connect(closed)


def test_a_server_that_does_not_answer_is_given_up(direct: WarehouseSettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        mute = replace(
            direct, redshift_port=silent.getsockname()[1], redshift_connect_timeout_seconds=1
        )
        with pytest.raises(WarehouseError, match="did not answer in time"):
            connect(mute)


def test_a_name_without_an_address_is_said_so(direct: WarehouseSettings) -> None:
    with pytest.raises(WarehouseError, match="has no address"):
        connect(replace(direct, redshift_host="no-such-host.invalid"))


def test_a_bastion_that_is_away_is_said_so(config: WarehouseSettings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(TunnelError):
            connect(replace(config, redshift_ssh_bastion_port=free.getsockname()[1]))


def test_a_socket_path_needs_a_bastion(config: WarehouseSettings) -> None:
    with pytest.raises(ConfigError, match="only be reached through a bastion"):
        connect(replace(config, redshift_ssh_bastion_host=None))


def test_a_statement_may_take_longer_than_a_login(direct: WarehouseSettings) -> None:
    with connect(replace(direct, redshift_connect_timeout_seconds=1)) as connection:
        slow = "SELECT count(*) FROM pg_attribute a, pg_attribute b, pg_class c LIMIT 1"
        connection.execute("SET statement_timeout TO 1500")
        with pytest.raises(QueryError) as caught:
            connection.execute(slow)
        # The server's own limit ended it, not the driver's.
        assert caught.value.sqlstate == "57014"


@pytest.mark.fault(128)
def test_a_warehouse_that_falls_mute_is_not_waited_for_without_end(
    direct: WarehouseSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other end keeps the connection open: no keepalive notices it."""
    monkeypatch.setattr("tidemark_core.redshift.connection.SILENCE_MARGIN", 0.5)
    with mute_relay(direct.redshift_host, direct.redshift_port) as relay:
        there = replace(direct, redshift_host="localhost", redshift_port=relay.port)
        with connect(there, statement_seconds=1) as connection:
            assert connection.execute("SELECT 1") == [(1,)]
            relay.is_mute.set()
            with pytest.raises(
                QueryError, match=r"not responded for 2 s during the count"
            ) as caught:
                connection.execute("SELECT 1", what="the count")
    assert caught.value.lost
    assert caught.value.stops_all
    assert not caught.value.retryable, "five tries would be five times the wait"


def test_without_a_limit_a_statement_may_take_as_long_as_it_likes(
    direct: WarehouseSettings,
) -> None:
    with connect(direct, statement_seconds=0) as connection:
        assert connection._connection._usock.gettimeout() is None
