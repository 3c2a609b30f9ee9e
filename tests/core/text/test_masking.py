from __future__ import annotations

import json
import logging
import subprocess
import sys
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tidemark_core.settings import Setting, resolve
from tidemark_core.text.masking import MASK, Mask, secrets_of

SECRET = 'Kan"arien\\vogel ü/7'


@given(st.text(min_size=6), st.text(), st.text())
def test_no_form_of_a_secret_gets_through(secret: str, before: str, after: str) -> None:
    mask = Mask([secret])
    for form in (secret, json.dumps(secret)[1:-1], quote(secret, safe=""), repr(secret)[1:-1]):
        assert mask(form) == MASK
        assert MASK in mask(f"{before}{form}{after}")


def test_the_longer_of_two_secrets_is_masked_whole() -> None:
    assert Mask(["canary", "canary-of-more"])("x canary-of-more y canary") == f"x {MASK} y {MASK}"


def test_short_values_are_ordinary_words() -> None:
    assert Mask(["root"])("root is the user") == "root is the user"


def test_variables_are_secret_by_their_name() -> None:
    environ = {
        "DB_PASSWORD": "1",
        "S3_SECRET_KEY": "2",
        "AWS_SECRET_ACCESS_KEY": "3",
        "AWS_SESSION_TOKEN": "4",
        "REDSHIFT_USER": "no",
        "SSH_BASTION_KEY_PATH": "no",
        "MY_PASSWORD": "",
    }
    assert secrets_of(environ) == ["1", "2", "3", "4"]


@pytest.mark.security(7)
def test_a_process_masks_logs_tracebacks_and_what_libraries_print() -> None:
    script = f"""
import logging, os, sys
from tidemark_core.text.masking import guard_stderr
from tidemark_core.settings import Setting, resolve
guard_stderr(os.environ)
logging.basicConfig()
resolve([Setting("db_password", "", secret=True)], {{"db_password": {SECRET!r}}})
logging.getLogger("lib").warning("login with %s", {SECRET!r})
print("connecting with", {SECRET!r}, file=sys.stderr)
sys.stderr.writelines(["and " + {SECRET!r}])
raise RuntimeError("mysql://u:" + {quote(SECRET, safe="")!r} + "@h")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    # A traceback quotes the script's lines, where the value is written as Python writes it.
    assert "arien" not in done.stderr, done.stderr
    assert done.stderr.count(MASK) >= 4


def test_what_is_not_secret_is_not_masked(capsys: pytest.CaptureFixture[str]) -> None:
    resolve([Setting("db_host", "")], {"db_host": "db.internal.example"})
    logging.getLogger("x").error("db.internal.example is down")
    assert MASK not in capsys.readouterr().err
