"""What the pages print to be typed, and which test types it.

A pytest plugin: a test that is named here gets its blocks as ``printed``, in their order.
"""

from __future__ import annotations

import re
import subprocess
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)
#: Kinds of blocks that show something and are typed by nobody.
SHOWN = ("", "json")
#: Kinds of blocks that are drawn.
DRAWN = ("mermaid",)

DEVELOPER = "tests/docs/test_developer.py"
OPERATOR = "tests/docs/test_operator.py"
README = f"{DEVELOPER}::test_the_readmes_commands_run_as_printed"
CONTRIBUTOR = f"{DEVELOPER}::test_a_contributor_tries_a_view_as_printed"
CONTRACT = "tests/transform/builds/test_kinds_of_tables.py::test_a_contract_is_built_as_printed"
TOOLS = f"{DEVELOPER}::test_your_own_tools_reach_the_sandbox_as_printed"
HOST = f"{OPERATOR}::test_a_host_is_installed_as_printed"
OWN_DATABASE = f"{OPERATOR}::test_somebody_elses_database_is_copied_as_printed"
RUNBOOK = f"{OPERATOR}::test_a_runbook_works_as_printed"
NAMES = "tests/tidemark/commands/test_landing_names.py"
SUPER_COLUMNS = "tests/tidemark/config/test_super_columns.py::test_columns_are_read_as_printed"
MYSQL_ARROW = "tests/mysql_arrow/test_servers.py::test_the_page_reads_a_table_as_printed"
MYSQL_BINLOG = "tests/mysql_binlog/test_transactions.py::test_the_page_reads_a_log_as_printed"
STAND_IN = "tests/redshift_stand_in/test_local.py::test_its_page_works_as_printed"
CALIBRATOR = (
    "tests/redshift_stand_in/calibrate/test_rights.py::test_the_rights_that_the_page_grants_suffice"
)
#: The test that executes a block, by the page and the words that the block begins with.
EXECUTED = {
    ("README.md", "make demo"): README,
    ("README.md", "meltano run sync"): README,
    ("CONTRIBUTING.md", "tidemark remove"): CONTRIBUTOR,
    ("CONTRIBUTING.md", "make setup"): CONTRIBUTOR,
    ("CONTRIBUTING.md", "{{ table_from_contract"): CONTRACT,
    ("CONTRIBUTING.md", "version: 2"): CONTRACT,
    ("docs/operating.md", "sudo apt-get"): HOST,
    ("docs/operating.md", "sudo cp"): HOST,
    ("docs/operating.md", "GRANT"): f"{OPERATOR}::test_a_replicas_rights_are_granted_as_printed",
    ("docs/from-the-old-tool.md", ""): f"{OPERATOR}::test_the_old_tool_is_taken_over_as_printed",
    ("docs/runbooks/", ""): RUNBOOK,
    ("docs/your-own-database.md", ""): OWN_DATABASE,
    ("docs/calibrating.md", "CREATE USER"): CALIBRATOR,
    ("docs/loading.md", "config"): f"{NAMES}::test_names_are_read_as_printed",
    ("docs/types.md", "config"): SUPER_COLUMNS,
    ("docs/aws.md", "sed"): "tests/docs/test_pages.py::test_a_policy_is_filled_in_as_printed",
    ("docs/aws.md", "for file in load/redshift"): TOOLS,
    ("docs/settlement/data-contract.md", ""): TOOLS,
    ("docs/lake.md", "aws"): TOOLS,
    ("docs/lake.md", "import"): TOOLS,
    ("plugins/mysql-arrow/README.md", ""): MYSQL_ARROW,
    ("plugins/mysql-binlog/README.md", ""): MYSQL_BINLOG,
    ("plugins/redshift-stand-in/README.md", ""): STAND_IN,
    ("docs/sandbox.md", "tidemark-sandbox forward"): TOOLS,
    ("docs/sandbox.md", "PGPASSWORD"): TOOLS,
    ("docs/sandbox.md", "eval"): TOOLS,
    ("docs/sandbox.md", "ssh"): TOOLS,
    ("docs/sandbox.md", "tidemark-sandbox up --dir"): TOOLS,
}
#: Why a block is executed by no test.
LEFT_OUT = {
    ("docs/aws.md", "aws s3api"): "it changes an account of AWS; test_iam.py holds its files",
    ("docs/calibrating.md", "read"): "it needs a cluster; test_servers.py gives the same options",
    ("docs/calibrating.md", "redshift-stand-in"): "no cluster was recorded; see test_servers.py",
    ("docs/lake.md", "INSTALL httpfs"): "the extension comes from a server of DuckDB's, unpinned",
    ("docs/lake.md", "CREATE EXTERNAL TABLE"): "it is Athena's; test_explore.py parses such DDL",
    ("docs/sandbox.md", "sudo apt-get"): "`make test-mysql` installs it, and test_mysql.py uses it",
}


@dataclass(frozen=True)
class Block:
    """Something between fences.

    Attributes:
        page: The page's path.
        kind: What the fence says it is, such as ``sh``.
        text: As printed.
    """

    page: str
    kind: str
    text: str

    def known(self, table: dict[tuple[str, str], str]) -> list[str]:
        """What a table says of this block."""
        return [
            said
            for (page, words), said in table.items()
            if self.page.startswith(page) and self.text.startswith(words)
        ]


def pages() -> list[str]:
    """Every page of the project; those that dbt shows are held to tests in tests/transform/."""
    own = ["--cached", "--others", "--exclude-standard", "*.md", ":!transform"]
    found = subprocess.run(
        ["git", "ls-files", *own], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(found.stdout.split())


def fenced(page: str) -> list[Block]:
    """Everything between a page's fences."""
    text = (ROOT / page).read_text()
    return [Block(page, kind, textwrap.dedent(block)) for _, kind, block in FENCE.findall(text)]


def typed() -> list[Block]:
    """Everything that the pages print to be typed."""
    inert = (*SHOWN, *DRAWN)
    return [block for page in pages() for block in fenced(page) if block.kind not in inert]


def assigned(test: str) -> list[Block]:
    """What the pages print for a test to execute, all of it."""
    return [block for block in typed() if test in block.known(EXECUTED)]


@pytest.fixture
def printed(request: pytest.FixtureRequest) -> list[Block]:
    """What the pages print for this test to execute, all of it."""
    return assigned(request.node.nodeid.partition("[")[0])
