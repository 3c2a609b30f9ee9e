"""The lease, on a real S3 server and with real processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from tidemark_core.errors import LakeError, LeaseError
from tidemark_core.host.process_identity import Holder
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.settings import S3_SETTINGS, S3Settings
from tidemark_core.settings import resolve
from tidemark_core.typed_settings import read

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_HOLD = """
import json, sys, time
from tidemark_core.s3.lease import Lease
from tidemark_core.s3.client import S3Location
from tidemark_core.s3.settings import S3Settings
from tidemark_core.typed_settings import read
config, key, ttl = json.loads(sys.argv[1]), sys.argv[2], float(sys.argv[3])
place = S3Location.of(read(S3Settings, config))
lease = Lease.acquire(place.client(), place.bucket, key, owner="the other run", ttl=ttl)
print(lease.fence, flush=True)
for line in sys.stdin:
    try:
        lease.renew()
        print("mine", flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
"""


class _World(Protocol):
    def env(self) -> dict[str, str]: ...


@pytest.fixture(scope="module")
def config(sandbox: _World) -> dict[str, Any]:
    return resolve(S3_SETTINGS, {}, sandbox.env())


@pytest.fixture(scope="module")
def place(config: dict[str, Any]) -> S3Location:
    return S3Location.of(read(S3Settings, config))


@pytest.fixture(scope="module")
def client(place: S3Location) -> S3Client:
    return place.client()


@pytest.fixture
def key() -> str:
    return f"leases/{uuid.uuid4().hex}/lake.json"


Take = Callable[..., Lease]


@pytest.fixture
def take(client: S3Client, place: S3Location, key: str) -> Iterator[Take]:
    """Takes the test's lease and gives back at the end whatever is still held."""
    taken = []

    def take_it(owner: str = "this run", ttl: float = 30) -> Lease:
        lease = Lease.acquire(client, place.bucket, key, owner=owner, ttl=ttl)
        taken.append(lease)
        return lease

    yield take_it
    for lease in taken:
        lease.release()


Other = Callable[[float], "subprocess.Popen[str]"]


@pytest.fixture
def other(config: dict[str, Any], key: str) -> Iterator[Other]:
    """Starts another process that holds the test's lease."""
    started = []

    def start(ttl: float) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-c", _HOLD, json.dumps(config), key, str(ttl)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        assert int(process.stdout.readline()) > 0
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def _ask(process: subprocess.Popen[str]) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write("renew\n")
    process.stdin.flush()
    return process.stdout.readline().strip()


def _pretend_elsewhere(client: S3Client, place: S3Location, key: str, **changes: Any) -> None:
    """Rewrites the lease as a process of another machine would have written it."""
    document = json.loads(client.get_object(Bucket=place.bucket, Key=key)["Body"].read())
    document["holder"].update(machine="another boot", host="loader-2")
    document.update(nonce=uuid.uuid4().hex, **changes)
    client.put_object(Bucket=place.bucket, Key=key, Body=json.dumps(document).encode())


@pytest.mark.fault(22)
def test_the_second_one_is_told_who_holds_it_since_when_and_until_when(
    take: Take, other: Other, key: str
) -> None:
    process = other(30)
    with pytest.raises(LeaseError) as caught:
        take()
    text = str(caught.value)
    assert "the other run" in text
    assert f"pid {process.pid}" in text
    assert "has been writing since 20" in text
    assert "valid for another" in text
    assert "expires by itself" in text
    assert caught.value.exit_code == 4


def test_a_lease_that_was_given_back_is_free_and_the_fence_grows(take: Take) -> None:
    fences = []
    for _ in range(3):
        with take() as lease:
            lease.check()
            fences.append(lease.fence)
    assert fences == sorted(set(fences))


def test_of_many_at_once_one_wins(client: S3Client, place: S3Location, key: str) -> None:
    def race(_: int) -> Lease | None:
        try:
            return Lease.acquire(client, place.bucket, key, owner="racer", ttl=30)
        except LeaseError:
            return None

    with ThreadPoolExecutor(8) as pool:
        winners = [lease for lease in pool.map(race, range(8)) if lease is not None]
    assert len(winners) == 1
    winners[0].renew()
    winners[0].release()


@pytest.mark.fault(17)
def test_a_holder_killed_on_this_machine_is_followed_at_once(take: Take, other: Other) -> None:
    process = other(600)
    process.send_signal(signal.SIGKILL)
    process.wait()
    take().check()


def test_a_dead_holder_of_another_machine_is_followed_when_it_has_expired(
    take: Take, other: Other, client: S3Client, place: S3Location, key: str
) -> None:
    process = other(600)
    process.kill()
    process.wait()
    _pretend_elsewhere(client, place, key, ttl=1)
    with pytest.raises(LeaseError, match="loader-2"):
        take()
    deadline = time.monotonic() + 20
    while True:
        try:
            take().check()
            break
        except LeaseError:
            assert time.monotonic() < deadline, "never expired"
            time.sleep(0.2)


def test_it_renews_itself_while_its_holder_works(take: Take, other: Other) -> None:
    process = other(2)
    time.sleep(5.5)
    with pytest.raises(LeaseError):
        take()
    assert _ask(process) == "mine"


@pytest.mark.fault(23)
def test_a_paused_holder_that_wakes_after_a_takeover_cannot_go_on(
    take: Take, other: Other, client: S3Client, place: S3Location, key: str
) -> None:
    process = other(1)
    process.send_signal(signal.SIGSTOP)
    deadline = time.monotonic() + 20
    while True:
        try:
            mine = take()
            break
        except LeaseError:
            assert time.monotonic() < deadline, "never expired"
            time.sleep(0.2)
    process.send_signal(signal.SIGCONT)
    assert _ask(process) == "LeaseError"
    mine.renew()


def test_a_holder_learns_that_it_was_overtaken(
    take: Take, client: S3Client, place: S3Location, key: str
) -> None:
    lease = take()
    _pretend_elsewhere(client, place, key)
    with pytest.raises(LeaseError, match=r"lost: .*loader-2.* took over"):
        lease.renew()
    with pytest.raises(LeaseError):
        lease.check()


def test_a_holder_that_cannot_renew_stops_before_others_may_start(
    config: dict[str, Any], key: str
) -> None:
    place = S3Location.of(read(S3Settings, config))
    client = place.client()
    with Lease.acquire(client, place.bucket, key, owner="this run", ttl=1.5) as lease:
        lease.check()
        client.meta.events.register("before-send.s3", _unreachable)
        time.sleep(1.6)
        with pytest.raises(LeaseError, match="could not be renewed in time"):
            lease.check()


@pytest.mark.fault(209)
def test_what_could_not_be_given_back_this_process_has_again_at_once(
    take: Take, place: S3Location, key: str
) -> None:
    client = place.client()
    lease = Lease.acquire(client, place.bucket, key, owner="this run", ttl=60)
    client.meta.events.register("before-send.s3", _unreachable)
    lease.release()
    again = take()
    assert again.fence > lease.fence
    with pytest.raises(LeaseError, match="this run"):
        take()


@pytest.mark.fault(108)
def test_a_holder_that_wakes_late_keeps_it_unless_somebody_has_come(
    take: Take, client: S3Client, place: S3Location, key: str
) -> None:
    lease = take()
    lease._valid_until = 0.0  # as after a pause
    lease.keep()
    lease.check()
    _pretend_elsewhere(client, place, key)
    lease.keep()  # it is good for a while yet, and asks nobody
    lease._valid_until = 0.0
    with pytest.raises(LeaseError, match=r"lost: .*loader-2.* took over"):
        lease.keep()


def _unreachable(**_: object) -> None:
    raise EndpointConnectionError(endpoint_url="http://127.0.0.1:1")


def test_the_fence_grows_even_when_the_lease_object_was_removed(
    take: Take, client: S3Client, place: S3Location, key: str
) -> None:
    first = take()
    first.release()
    client.delete_object(Bucket=place.bucket, Key=key)
    time.sleep(0.002)
    assert take().fence > first.fence


@pytest.mark.security(16)
@pytest.mark.parametrize("body", [b"", b"[]", b'{"version": 2}', b'{"version": 1, "holder": 3}'])
def test_rubbish_in_its_place_is_respected_and_not_obeyed(
    take: Take, client: S3Client, place: S3Location, key: str, body: bytes
) -> None:
    client.put_object(Bucket=place.bucket, Key=key, Body=body)
    with pytest.raises(LeaseError, match="an unknown process"):
        take()


ASKS = """
import sys
from tidemark_core.host.process_identity import Holder, _machine
print(Holder("x", "h", int(sys.argv[1]), int(sys.argv[2]), _machine()).is_gone)
"""


@pytest.mark.fault(22)
@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a /proc of its own, as another user")
def test_a_process_of_another_user_that_proc_does_not_show_is_not_gone() -> None:
    me = Holder.this_process("test")
    script = (
        "mount -t proc -o hidepid=invisible proc /proc && exec setpriv --reuid=65534 "
        '--regid=65534 --clear-groups "$@"'
    )
    words = [sys.executable, "-c", ASKS, str(me.pid), str(me.started)]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", script, "sh", *words],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["False"]


def test_a_process_is_gone_only_when_that_is_certain() -> None:
    me = Holder.this_process("me")
    assert not me.is_gone
    assert replace(me, started=me.started - 1).is_gone, "the pid was used again"
    assert replace(me, pid=2**22 + 1).is_gone
    assert not replace(me, pid=2**22 + 1, machine="another").is_gone
    assert not replace(me, pid=2**22 + 1, machine="").is_gone
    assert Holder.from_dict(me.to_dict()) == me


@pytest.mark.fault(130)
def test_a_renewal_that_was_done_but_answered_by_an_error_loses_nothing(
    take: Take, client: S3Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = take(ttl=60)
    real = client.put_object

    def done_but_refused(**arguments: Any) -> Any:
        real(**arguments)
        answer: Any = {"Error": {"Code": "SlowDown", "Message": "x"}}
        raise ClientError(answer, "PutObject")

    for _ in range(3):
        monkeypatch.setattr(lease._client, "put_object", done_but_refused)
        with pytest.raises(LakeError, match="SlowDown"):
            lease.renew()
    monkeypatch.setattr(lease._client, "put_object", real)
    lease.renew()
    lease.check()


@pytest.mark.fault(131)
@pytest.mark.parametrize("ahead", [-(10**12), 10**12])
def test_a_machine_whose_clock_is_wrong_makes_no_fence_that_shuts_others_out(
    take: Take, monkeypatch: pytest.MonkeyPatch, ahead: int
) -> None:
    real = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: real() + ahead * 1_000_000)
    lease = take()
    assert abs(lease.fence - real() // 1_000_000) < 60_000
    lease.renew()


@pytest.mark.fault(131)
@pytest.mark.parametrize(
    "forged",
    [
        {"ttl": 1e18},
        {"ttl": float("nan")},
        {"ttl": -1},
        {"fence": 4_000_000_000_000},
        {"fence": 2**53},
        {"fence": 2**62},
        {"fence": 2**63},
        {"fence": float("inf")},
        {"fence": -1},
        {"since": "x" * 100_000},
    ],
    ids=str,
)
def test_a_forged_lease_expires_and_the_fence_grows_on(
    take: Take, client: S3Client, place: S3Location, key: str, forged: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    take().release()
    _pretend_elsewhere(client, place, key, released=False, **forged)
    with pytest.raises(LeaseError):
        take()
    monkeypatch.setattr("tidemark_core.s3.lease_record._UNKNOWN_TTL", -10.0)
    lease = take()
    assert time.time() * 1000 - 60_000 < lease.fence < time.time() * 1000 + 60_000
