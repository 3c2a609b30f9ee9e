"""A developer's pages work as printed: an ordinary account, a fresh clone, nothing installed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

import pytest
from projects.machines import Machine, Terminal
from projects.pages import ROOT, Block
from tidemark_sandbox.world import Sandbox

pytestmark = pytest.mark.soak
ACTIVATE = "source .venv/bin/activate"


@pytest.fixture(scope="module")
def clone(machine: Machine, fork: str) -> Callable[..., Terminal]:
    """Gives the developer a terminal in a fresh clone; all have the cache of one account."""
    machine.root.type("useradd --create-home --shell /bin/bash anna")

    def clone(name: str, **environ: str) -> Terminal:
        terminal = machine.terminal("anna", "/home/anna", **environ)
        terminal.type(f"git clone -q {fork} {name} && cd {name}")
        return terminal

    return clone


def ports() -> dict[str, str]:
    """The usual ones may be somebody else's on this machine."""
    return {"SANDBOX_PORT": str(Sandbox.free_port_block())}


def test_the_readmes_commands_run_as_printed(
    clone: Callable[..., Terminal], printed: list[Block]
) -> None:
    """From the first command on; of the suite, which this is one of, the tests without servers."""
    assert f"`{ACTIVATE}`" in (ROOT / "README.md").read_text()
    demo, commands = (block.text for block in printed)
    few = "export PYTEST_ADDOPTS='-m \"unit and not soak and not mysql\"'"
    output = clone("readme", **ports()).type("\n".join((few, demo, ACTIVATE, commands)))
    assert "Parcels by current status" in output
    assert re.search(r"\d+ passed", output)


#: A new view, as the page has it: its query, and its contract.
NEW_VIEW = """
cd transform/models/views/settlement
cp settlement_status_summary.sql my_view.sql
sed 's/name: settlement_status_summary/name: my_view/' settlement_status_summary.yml > my_view.yml
"""


def test_a_contributor_tries_a_view_as_printed(
    clone: Callable[..., Terminal], printed: list[Block]
) -> None:
    """And then takes the example out, which is no error to what is left."""
    another_database, try_it = (block.text for block in printed)
    assert "+my_view" in try_it
    terminal = clone("contributing", **ports())
    terminal.type(NEW_VIEW)
    taken_out = f"git clean -qfd transform\n{another_database}\nmeltano run build"
    output = terminal.type(f"cd ../../../..\n{try_it}\ncd ..\necho AND THEN\n{taken_out}")
    tried, _, left = output.partition("AND THEN")
    assert "Completed successfully" in tried
    assert "dev_anna.my_view" in tried
    assert "and the example" not in left  # nothing was asked
    assert "Found 1 test" in left
    assert "Completed successfully" in left


#: What holds until it is ended, by its first words, and the port that it opens.
HELD = {"tidemark-sandbox forward": 18239, "ssh -F none": 3307}
#: What a reader puts in the place of the page's names.
OWN = {
    "-h HOST -p 5439 -d DATABASE": "-h 127.0.0.1 -p 18239 -d analytics",
    "2025-08-03_04-05-06_RUN_0001.json": "$MANIFEST",
    "BUCKET/": "tidemark-lake/",
    '"BUCKET"': '"tidemark-lake"',
    "S3FileSystem(": 'S3FileSystem(endpoint_override="http://127.0.0.1:18233", ',
}
#: A warehouse with rows in it; and what the pages take for granted: the reader's own S3, one of its
#: manifests, and the password of the warehouse's administrator.
GIVEN = """
tidemark-sandbox up
tidemark-sandbox seed --rows 1000
meltano run sync
tidemark-sandbox sql mysql -e "DELETE FROM settlement.partner_info ORDER BY ID LIMIT 1"
tidemark reconcile --yes
eval "$(tidemark-sandbox env --format export)"
export AWS_ACCESS_KEY_ID=$S3_ACCESS_KEY AWS_SECRET_ACCESS_KEY=$S3_SECRET_KEY AWS_REGION=$S3_REGION
export AWS_ENDPOINT_URL=$S3_ENDPOINT_URL AWS_ALLOW_HTTP=true
MANIFEST=$(aws s3 ls --recursive s3://tidemark-lake/manifests/settlement.settlement_claim_detail/)
MANIFEST=${MANIFEST##*/}
export PGPASSWORD=Sandbox-admin-1 PGSSLMODE=verify-full PGSSLROOTCERT=$PWD/.sandbox/tls/ca.pem
"""


def reader(block: Block) -> str:
    """What somebody types of a block: with his own names, and something for a prompt to answer."""
    text = block.text.rstrip()
    for name, own in OWN.items():
        text = text.replace(name, own)
    for words, port in HELD.items():
        if text.startswith(words):
            opened = f"until (: < /dev/tcp/127.0.0.1/{port}) 2> /dev/null; do sleep 0.2; done"
            return f"({text}) &\ntimeout 60 bash -c {shlex.quote(opened)}"
    if block.kind == "python":
        (name,) = re.findall(r"^(frame|files) = ", text, re.M)
        return f"python - <<'END'\n{text}\nprint('{name} of', len({name}))\nEND"
    if block.kind == "sql":
        whole = text.startswith("SELECT")
        query = text if whole else f"SELECT 'kept', count(*) FROM public.partner_info WHERE {text}"
        user = "analyst" if whole else "transformer"
        return f"tidemark-sandbox sql redshift --user {user} -e {shlex.quote(query)}"
    if "--dir" in text:
        return f"tidemark-sandbox down\n{text}"
    if text.startswith("PGPASSWORD"):
        return f"{text} <<< \"SELECT 'prompt', 6 * 7\""
    return text


def turn(block: Block) -> tuple[bool, bool]:
    """The forward first, which others need; sandboxes that take its ports, last."""
    return "--dir" in block.text, not block.text.startswith("tidemark-sandbox forward")


def test_your_own_tools_reach_the_sandbox_as_printed(
    clone: Callable[..., Terminal], printed: list[Block]
) -> None:
    """On a machine of its own, where the ports that the pages name are free."""
    terminal = clone("tools")
    terminal.type(f"make setup\n.uv/bin/uv tool install --quiet awscli==1.45.11\n{ACTIVATE}")
    terminal.type('export PATH="$PATH:$HOME/.local/bin"')
    first, *others = map(reader, sorted(printed, key=turn))
    output = terminal.type("\n".join((GIVEN, first, *others)), offline=True)
    for shown in ("frame of [1-9]", "files of [1-9]", r"kept +\| +[1-9]", r"prompt +\| +42"):
        assert re.search(shown, output), output
