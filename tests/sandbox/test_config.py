from __future__ import annotations

import json
from pathlib import Path

import pytest
from tidemark_sandbox.errors import SandboxError
from tidemark_sandbox.settings import accounts
from tidemark_sandbox.settings.config import MAX_SOCKET_PATH, Config, remember, resolve
from tidemark_sandbox.settings.variables import environment


def test_the_folder_is_in_the_meltano_project_from_anywhere_inside(tmp_path: Path) -> None:
    (tmp_path / "meltano.yml").touch()
    inside = tmp_path / "transform" / "models"
    inside.mkdir(parents=True)
    config = resolve(environ={}, cwd=inside)
    assert config.dir == tmp_path / ".sandbox"
    assert config.sql == tmp_path / "load" / "redshift"


def test_the_folder_is_here_without_a_project(tmp_path: Path) -> None:
    config = resolve(environ={}, cwd=tmp_path)
    assert (config.dir, config.sql) == (tmp_path / ".sandbox", None)


def test_an_argument_beats_a_variable_beats_the_default(tmp_path: Path) -> None:
    environ = {"SANDBOX_DIR": "by-variable", "SANDBOX_PORT": "31000"}
    assert resolve(environ=environ, cwd=tmp_path).dir == tmp_path / "by-variable"
    assert resolve(environ=environ, cwd=tmp_path).base == 31000
    given = resolve(tmp_path / "x", 32000, environ=environ, cwd=tmp_path)
    assert (given.dir, given.base) == (tmp_path / "x", 32000)
    assert resolve(environ={}, cwd=tmp_path).base == 18200


def test_a_folder_remembers_its_port_and_its_sockets(tmp_path: Path) -> None:
    config = Config(tmp_path, 31500, Path("/elsewhere/sockets"), Path("/elsewhere/postgres"))
    remember(config)
    again = resolve(tmp_path, environ={}, cwd=tmp_path)
    assert (again.base, again.sockets, again.postgres) == (
        31500,
        config.sockets,
        config.postgres,
    )
    assert resolve(tmp_path, 31600, environ={}, cwd=tmp_path).base == 31600


def test_a_folder_remembers_its_server_unless_told_otherwise(tmp_path: Path) -> None:
    assert resolve(tmp_path, environ={}).server == "mariadb"
    assert resolve(tmp_path, environ={"SANDBOX_SERVER": "mysql"}).server == "mysql"
    remember(resolve(tmp_path, server="mysql", environ={"SANDBOX_SERVER": "mariadb"}))
    again = resolve(tmp_path, environ={})
    assert again.server == "mysql"
    assert environment(again)["DB_SSL_MODE"] == "verify"
    assert environment(again)["DB_SSL_CA"] == str(again.ca)
    assert resolve(tmp_path, server="mariadb", environ={}).server == "mariadb"
    with pytest.raises(SandboxError, match="'oracle' is not a server"):
        resolve(tmp_path, environ={"SANDBOX_SERVER": "oracle"})


def test_a_torn_marker_is_reported(tmp_path: Path) -> None:
    (tmp_path / "sandbox.json").write_text('{"port": 3')
    with pytest.raises(SandboxError, match=r"sandbox\.json cannot be read"):
        resolve(tmp_path, environ={})


@pytest.mark.parametrize("port", ["abc", "80", "65500", "-1", "99999"])
def test_a_port_that_cannot_be_is_refused(tmp_path: Path, port: str) -> None:
    with pytest.raises(SandboxError, match="cannot be the first of a block"):
        resolve(environ={"SANDBOX_PORT": port}, cwd=tmp_path)


@pytest.mark.parametrize("depth", [1, 3, 8])
def test_socket_paths_always_fit(tmp_path: Path, depth: int) -> None:
    folder = tmp_path.joinpath(*["a-rather-long-name"] * depth)
    config = resolve(folder, environ={}, cwd=tmp_path)
    longest = config.postgres_sockets / ".s.PGSQL.5432.lock"
    assert max(len(str(path)) for path in (longest, config.warehouse_socket)) <= MAX_SOCKET_PATH
    assert resolve(folder, environ={}, cwd=tmp_path).sockets == config.sockets


def test_two_long_folders_have_sockets_of_their_own(tmp_path: Path) -> None:
    long = tmp_path.joinpath(*["a-rather-long-name"] * 8)
    one, two = (resolve(long / name, environ={}).sockets for name in ("one", "two"))
    assert one != two


def test_environment_has_every_variable_that_the_project_reads(tmp_path: Path) -> None:
    config = resolve(tmp_path, 18200, environ={})
    variables = environment(config)
    assert variables["DB_HOST"] == str(config.mysql_socket)
    assert variables["REDSHIFT_HOST"] == str(config.warehouse_socket)
    assert variables["SSH_BASTION_PORT"] == "18222"
    assert variables["S3_ENDPOINT_URL"] == "http://127.0.0.1:18233"
    assert variables["REDSHIFT_USER"] == accounts.WAREHOUSE_LOADER
    assert variables["REDSHIFT_DBT_USER"] == accounts.WAREHOUSE_TRANSFORMER
    for name in ("HOST", "PORT", "USER", "KEY_PATH", "KNOWN_HOSTS"):
        assert variables[f"REDSHIFT_SSH_BASTION_{name}"] == variables[f"SSH_BASTION_{name}"]
    assert set(variables) >= {
        *("DB_PORT", "DB_USER", "DB_PASSWORD", "DB_DATABASE"),
        *("S3_BUCKET_NAME", "S3_ACCESS_KEY", "S3_SECRET_KEY", "S3_REGION"),
        *("REDSHIFT_PORT", "REDSHIFT_DATABASE", "REDSHIFT_PASSWORD", "REDSHIFT_DBT_PASSWORD"),
        *("REDSHIFT_IAM_ROLE", "REDSHIFT_SSL_ROOT_CERT"),
    }
    assert all(variables.values())


def test_environment_is_of_the_account_not_of_its_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    user = environment(resolve(tmp_path, environ={}))["SSH_BASTION_USER"]
    assert user != "somebody-else"
    assert Path(f"~{user}").expanduser().is_absolute()


def test_the_marker_is_plain_json(tmp_path: Path) -> None:
    config = resolve(tmp_path, 31000, environ={})
    remember(config)
    assert json.loads(config.marker.read_text())["port"] == 31000
