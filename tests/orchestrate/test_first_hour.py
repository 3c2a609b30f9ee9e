"""The first hour works as the pages print it, from a copy of the project."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tidemark_sandbox.world import Sandbox

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
VIEW = "settlement_latest_delivery_status"


@pytest.fixture(scope="module")
def seeded(module_sandbox: Sandbox) -> Sandbox:
    module_sandbox.seed(1_000, seed=7)
    return module_sandbox


def filled_in(example: str, values: dict[str, str], *, defaults: bool) -> str:
    """The example with some values; every other line as it is, or with nothing behind its =."""
    left = dict(values)

    def fill(match: re.Match[str]) -> str:
        name, default = match.groups()
        return f"{name}={left.pop(name, default if defaults else '')}"

    text = re.sub(r"^([A-Z0-9_]+)=(.*)$", fill, example, flags=re.M)
    assert left == {}, "the example has every variable"
    return text


@pytest.mark.soak
@pytest.mark.parametrize("defaults", [True, False], ids=["as it is", "every default emptied"])
def test_the_example_filled_in_runs_on_a_production_host(
    defaults: bool,
    product: Path,
    seeded: Sandbox,
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path: Path,
) -> None:
    """The job of the night and the site's, with the product alone and nothing else installed."""
    root = make_checkout(tmp_path, {})
    (root / ".venv").unlink()
    (root / ".venv").symlink_to(product)
    example = (root / ".env.example").read_text()
    (root / ".env").write_text(filled_in(example, seeded.env(), defaults=defaults))
    for job in ("sync", "docs"):
        done = subprocess.run(
            [root / "orchestrate/cron/run-job", job],
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=900,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, ""), done.stdout
    ((parcels,),) = seeded.warehouse(f"SELECT count(*) FROM public.{VIEW}", user="tidemark_analyst")
    ((known,),) = seeded.mysql(
        "SELECT count(DISTINCT ant_parcel_no) FROM settlement_normal_delivery_detail"
    )
    assert parcels == known > 0
    assert (root / "output/docs/index.html").stat().st_size > 100_000


def test_the_models_are_taken_out_as_printed(
    make_checkout: Callable[[Path, dict[str, str]], Path], tmp_path: Path, project_root: Path
) -> None:
    """What is left is a project to dbt, of which it would build nothing."""
    root = make_checkout(tmp_path, {})
    page = (root / "CONTRIBUTING.md").read_text()
    (block,) = BLOCK.findall(page.split("### Another database")[1].split("###")[0])
    commit = "git -c user.name=x -c user.email=x@example.com commit -q -m x"
    script = f"git init -q && git add transform tests\n{commit}\n{block}"
    subprocess.run(["bash", "-euc", script], cwd=root, check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(
        [project_root / ".venv/bin/dbt", "--quiet", "ls", "--no-partial-parse", "--output", "name"],
        cwd=root / "transform",
        env=os.environ | {"REDSHIFT_HOST": "-", "REDSHIFT_DATABASE": "-"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "partner_info" not in done.stdout


@pytest.fixture
def contributor(
    make_checkout: Callable[[Path, dict[str, str]], Path], tmp_path: Path, project_root: Path
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A fresh checkout in which `make setup` has run, and its variables; its sandbox is removed."""
    root = make_checkout(tmp_path, {})
    (root / ".env").unlink()
    env = {name: text for name, text in os.environ.items() if not name.startswith("MELTANO_")}
    env |= {"SANDBOX_PORT": str(Sandbox.free_port_block()), "VIRTUAL_ENV_DISABLE_PROMPT": "1"}
    yield root, env
    sandbox = root / ".venv/bin/tidemark-sandbox"
    subprocess.run([sandbox, "reset"], cwd=root, env=env, check=True)


def typed(root: Path, env: dict[str, str], script: str) -> str:
    """Runs what somebody types, up to the first command that fails; gives its output."""
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=root,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.soak
def test_the_readmes_commands_run_as_printed(contributor: tuple[Path, dict[str, str]]) -> None:
    root, env = contributor
    demo, block = BLOCK.findall((root / "README.md").read_text())[:2]
    (target,) = re.findall(r"^make (demo) ", demo, re.M)
    # Without its setup, which would point the tests' own environment at this copy; `make test`,
    # the other line, is what runs this.
    makefile = (root / "Makefile").read_text()
    (line,) = re.findall(rf"^{target}: setup .*\n\t@\$\(BIN\)/(.*)$", makefile, re.M)
    typed(root, env, f"source .venv/bin/activate\n{line}\n{block}")


@pytest.mark.soak
def test_a_contributor_tries_a_view_as_printed(
    contributor: tuple[Path, dict[str, str]],
) -> None:
    root, env = contributor
    text = (root / "CONTRIBUTING.md").read_text()
    (block,) = BLOCK.findall(text.split("### Try it")[1].split("###")[0])
    # The environment is the tests' own, which its setup would point at this copy; lint has a
    # target and a time of its own; fewer rows do as well.
    script = block.replace("make setup && ", "").replace("make -C .. lint\n", "")
    script = script.replace("sandbox seed ", "sandbox seed --rows 1000 ")
    assert "seed --rows" in script
    assert "Completed successfully" in typed(root, env, script.replace("my_view", VIEW))


#: As an ordinary user, with the certificates and proxies of this machine and nothing else.
SUDO = """#!/bin/bash
[ "$1" = -u ] || exec "$@"
user=$2; shift 2
mapfile -t network < <(env | grep -iE '^(PIP_CERT|SSL_CERT_FILE|[a-z]+_PROXY)=')
exec setpriv --reuid="$user" --regid="$user" --init-groups --no-new-privs \\
    env -i HOME=/opt/tidemark PATH=/usr/bin:/bin "${network[@]}" "$@"
"""
#: The packages are there already, under the names that the page has.
APT_GET = """#!/bin/bash
[ "$1 $2" = "install -y" ] || exit 1
exec dpkg-query -W "${@:3}"
"""
#: What somebody types into the file; the key is a copy that is his own, as ssh wants it.
EDITOR = """#!/bin/bash
install -m 600 /opt/given/client_key /opt/tidemark/.key
cp /opt/given/prod.env "$1"
"""


@pytest.mark.soak
@pytest.mark.skipif(os.geteuid() != 0, reason="makes an account, in a namespace of its own")
def test_a_host_is_installed_as_printed(
    seeded: Sandbox,
    make_checkout: Callable[[Path, dict[str, str]], Path],
    tmp_path: Path,
) -> None:
    """On a machine without the account, in an /opt that is empty; /etc is a copy."""
    root = make_checkout(tmp_path / "project", {})
    given = tmp_path / "opt" / "given"
    given.mkdir(parents=True)
    values = dict(seeded.env())
    for name in ("SSH_BASTION_KEY_PATH", "REDSHIFT_SSH_BASTION_KEY_PATH"):
        (given / "client_key").write_bytes(Path(values[name]).read_bytes())
        values[name] = "/opt/tidemark/.key"
    for name, path in list(values.items()):
        if name.endswith(("KNOWN_HOSTS", "_CA", "ROOT_CERT")) and path:
            copy = given / Path(path).name
            copy.write_bytes(Path(path).read_bytes())
            values[name] = f"/opt/given/{copy.name}"
    example = (root / ".env.example").read_text()
    (given / "prod.env").write_text(filled_in(example, values, defaults=True))
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in {"sudo": SUDO, "apt-get": APT_GET}.items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    (given / "editor").write_text(EDITOR)
    (given / "editor").chmod(0o755)
    page = (root / "docs" / "operating.md").read_text()
    block = BLOCK.findall(page)[0].replace("<your fork>", "file:///opt/origin")
    block = block.replace("tidemark editor .env", "tidemark /opt/given/editor .env")
    assert "/opt/origin" in block
    assert "/opt/given/editor" in block
    prepare = f"""
        mount --make-rprivate /
        cp -a /etc {tmp_path}/etc && mount --bind {tmp_path}/etc /etc
        mount --bind {tmp_path}/opt /opt
        ! id tidemark 2>/dev/null
        git config --system safe.directory '*'
        rm {root}/.venv {root}/.env
        git -C {root} init -q
        git -C {root} add -A
        git -C {root} -c user.name=x -c user.email=x@example.com commit -q -m x
        git clone -q --bare {root} /opt/origin
        PATH={programs}:$PATH
    """
    done = subprocess.run(
        ["unshare", "--mount", "bash", "-euxo", "pipefail", "-c", prepare + block],
        cwd="/",
        env=os.environ | {"HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "only its owner can read it" in done.stdout
    assert "COPY reads the bucket" in done.stdout
    assert not (tmp_path / "opt/tidemark/.venv/bin/tidemark-sandbox").exists()
