"""What Redshift takes, refuses and answers, as files of statements: ``*.txt``, each a part.

A line is ``+ statement`` (Redshift runs it), ``- statement`` (Redshift refuses it), ``? statement``
(Redshift has it, the stand-in says that it has not) or ``= expression | value``. No line sees what
another has done. ``~`` names the page of the Developer Guide, or the recording, that the lines
below it follow. ``! statement`` makes what the part's lines need, in the schema ``t``;
``& statement`` does so anew for each line down to the next ``~``. ``{a|b|c}`` stands for each of
these in turn, ``#`` for a number of each alternative's own and ``##`` for the sign.

In ``copy.txt`` a statement is ``table parameters < data``, the data a JSON string in which
U+DC80 to U+DCFF are bytes that are no UTF-8. Behind ``|`` stand the table's rows after it, or where
the error is, its code and words of its reason.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from importlib import resources

#: Where the corpus expects its tables, its database's name and its user's.
SCHEMA, DATABASE, USER = "t", "dev", "admin"
#: Where the corpus puts files, and the role that may read them.
STORAGE, ROLE = "s3://stage", "arn:aws:iam::000000000000:role/copy"

_NUMBER = re.compile(r"(?<!#)#(?!#)")
_CHOICE = re.compile(r"\{([^{}]*\|[^{}]*)\}")


@dataclass(frozen=True)
class Case:
    """A line of the corpus, one of its alternatives.

    Attributes:
        sign: ``+``, ``-``, ``?`` or ``=``.
        text: What is written between the sign and the value; it names the case within its part.
        statement: What is run.
        value: What the line expects: the first value of the answer, as text.
        before: Statements that make what it needs.
        source: The page or recording that it follows.
        key: Where its data is on S3, under the prefix; None: it needs none.
        data: What is there.
    """

    sign: str
    text: str
    statement: str
    value: str | None = None
    before: tuple[str, ...] = ()
    source: str = ""
    key: str | None = None
    data: bytes = b""


@dataclass(frozen=True)
class Part:
    """A file of the corpus.

    Attributes:
        name: The file's.
        made: Statements that make what its lines need.
        cases: Its lines.
    """

    name: str
    made: tuple[str, ...]
    cases: tuple[Case, ...]


def parts() -> list[Part]:
    """The whole corpus, by the names of its files."""
    files = (file for file in resources.files(__name__).iterdir() if file.name.endswith(".txt"))
    return sorted(
        (read(file.name.removesuffix(".txt"), file.read_text("utf-8")) for file in files),
        key=lambda part: part.name,
    )


def read(name: str, text: str) -> Part:
    """A part from a file's text; a case that stands there twice is one."""
    made: list[str] = []
    found: dict[str, Case] = {}
    before: list[str] = []
    source = ""
    for line in text.splitlines():
        sign, _, rest = line.partition(" ")
        if sign == "~":
            source, before = rest, []
        elif sign == "!":
            made += alternatives(rest)
        elif sign == "&":
            before += alternatives(rest)
        elif sign in ("+", "-", "?", "="):
            for each in alternatives(rest) if name != "copy" else [rest]:
                case = _case(name, sign, each, tuple(before), source)
                found.setdefault(case.text, case)
    return Part(name, tuple(made), tuple(found.values()))


def alternatives(text: str) -> list[str]:
    """``a {b|c}`` as ``a b`` and ``a c``, each with a number for ``#``."""
    pieces = _CHOICE.split(text)
    choices = [p.split("|") if i % 2 else [p] for i, p in enumerate(pieces)]
    return list(_numbered("".join(chosen) for chosen in itertools.product(*choices)))


def _numbered(texts: Iterator[str]) -> Iterator[str]:
    for number, text in enumerate(texts):
        yield _NUMBER.sub(str(number), text).replace("##", "#")


def _case(part: str, sign: str, text: str, before: tuple[str, ...], source: str) -> Case:
    if part == "copy":
        return _copy_case(sign, text, before, source)
    if sign != "=":
        return Case(sign, text, text, None, before, source)
    expression, _, value = text.rpartition(" | ")
    return Case(sign, expression, f"select {expression}", value, before, source)


def _copy_case(sign: str, line: str, before: tuple[str, ...], source: str) -> Case:
    target, _, rest = line.partition(" < ")
    data, end = json.JSONDecoder().raw_decode(rest)
    text, value = f"{target} < {rest[:end]}", rest[end:].removeprefix(" | ") or None
    table, _, options = target.partition(" ")
    key = f"copy/{sha256(text.encode()).hexdigest()[:12]}"
    statement = f"copy {table} from '{STORAGE}/{key}' iam_role '{ROLE}' {options}".strip()
    found = Case(sign, text, statement, value, before, source, key)
    return replace(found, data=data.encode("utf-8", "surrogateescape"))
