"""Files that say whom to trust: known_hosts and authorities, on either way."""

from __future__ import annotations

import os
import shutil
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest
from tap_mysql.source.session.driver import verifying_context
from tidemark_core.errors import ConfigError
from tidemark_core.host.trusted_file import check_trusted
from tidemark_core.redshift.driver_patches import _root_certificate, _routed, install_routes
from tidemark_sandbox.certificates import ensure_certificates

pytestmark = pytest.mark.security(33)


def _warehouse(path: str) -> None:
    with _root_certificate(path):
        pass


USES: dict[str, Callable[[str], object]] = {
    "MySQL's authority": verifying_context,
    "the warehouse's authority": _warehouse,
    "known_hosts": lambda path: check_trusted(path, "SSH_BASTION_KNOWN_HOSTS"),
}


@pytest.fixture(params=USES)
def use(request: pytest.FixtureRequest) -> Callable[[str], object]:
    return USES[request.param]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    ensure_certificates(folder)
    return folder / "ca.pem"


@pytest.fixture
def file(authority: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(authority, tmp_path / "file"))


@pytest.mark.parametrize("mode", [0o400, 0o600, 0o644, 0o755])
def test_a_file_that_only_its_owner_writes_is_used(
    use: Callable[[str], object], file: Path, mode: int
) -> None:
    file.chmod(mode)
    use(str(file))


@pytest.mark.parametrize("mode", [0o620, 0o602, 0o666])
def test_a_file_that_others_can_write_is_refused(
    use: Callable[[str], object], file: Path, mode: int
) -> None:
    file.chmod(mode)
    with pytest.raises(ConfigError, match=rf"has mode {mode:04o}.*\n.*chmod go-w {file}"):
        use(str(file))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_file_of_another_user_is_refused(use: Callable[[str], object], file: Path) -> None:
    os.chown(file, 65534, 65534)
    with pytest.raises(ConfigError, match=f"belongs to user 65534.*\n.*chown 0 {file}"):
        use(str(file))


def test_a_file_that_is_not_there_is_named(use: Callable[[str], object], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nosuch cannot be read.*\n.*correct "):
        use(str(tmp_path / "nosuch"))
    with pytest.raises(ConfigError, match="is not a file"):
        use(str(tmp_path))


def test_a_login_that_names_no_protocol_is_a_clients_and_warns_of_nothing() -> None:
    """The filters of warnings are those of all threads, and dbt logs in as well as we do."""
    made: list[ssl.SSLContext] = []

    def connect(*_: object, **__: object) -> None:
        made.append(ssl.SSLContext())

    install_routes()
    _routed(connect)(object())
    (context,) = made
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, False)
    with pytest.warns(DeprecationWarning, match="deprecated"):
        ssl.SSLContext()
