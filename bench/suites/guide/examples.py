"""The statements in a block of code, which may show their output too, or none at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from redshift_stand_in.sql.words import words

_COMMANDS = words(
    "ABORT ALTER ANALYZE ATTACH BEGIN CALL CANCEL CLOSE COMMENT COMMIT COPY CREATE DEALLOCATE "
    "DECLARE DELETE DESC DETACH DROP END EXECUTE EXPLAIN FETCH GRANT INSERT LOCK MERGE PREPARE "
    "REFRESH RESET REVOKE ROLLBACK SELECT SET SHOW START TRUNCATE UNLOAD UPDATE VACUUM WITH"
)
#: The first word of a statement, behind psql's prompt where there is one.
_HEAD = re.compile(
    r"(?:^|(?<=;))[ \t]*(?:\w*[=-]?[#>] ?)?"
    rf"(?P<text>(?:{'|'.join(sorted(_COMMANDS))})\b(?![:.=/]| \w+:(?!:)))",
    re.I | re.M,
)
#: A statement and its semicolon; without one, all that is left.
_WHOLE = re.compile(
    r"(?:'(?:[^'\\]|\\.)*'|\"[^\"]*\"|(\$\w*\$).*?\1|--[^\n]*|/\*.*?\*/|[^;])*?(?:;|\Z)", re.S
)
#: Where output begins behind a statement without a semicolon: a table's head or a message.
_OUTPUT = re.compile(
    r"^(?:[^\n]*\n[ \t]*[-=+|]{3}[-=+| ]*$|\w*[=-][#>] "
    r"|(?:ERROR|INFO|NOTICE|WARNING|DETAIL|Time|QUERY PLAN)\b|\(\d+ rows?\)|XN )",
    re.M,
)
#: Or the next statement.
_NEXT = re.compile(rf"(?<![,(])(?<!\bas)[ \t]*\n[ \t]*\n(?={_HEAD.pattern})", re.I | re.M)
#: A tag with which a server answers, the end of a block in PL/pgSQL.
_TAG = re.compile(
    r"(?:(?:CREATE|DROP|ALTER) [A-Z]+|GRANT|REVOKE|SET|(?:INSERT|DELETE|UPDATE|SELECT)[ \d]*"
    r"|(?i:END +(?:IF|LOOP|CASE)))$"
)
_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|(\$\w*\$).*?\1", re.S)
#: Signs of a synopsis, and of a place to be filled in.
_FORM = re.compile(r"\[IF NOT|\.\.\.|…|\[ |\[,|\{|[^|]\|[^|]|<[A-Za-z][\w ./-]*>")
#: The guide's roles stand for one's own: their accounts have thirteen digits, or none.
_ROLE = re.compile(r"arn:aws:iam::[^:']*:role/[\w<>-]*")


def statements(block: str) -> Iterator[str]:
    """The complete statements of a block, without their semicolons."""
    return (text for text, _ in shown(block))


def shown(block: str) -> Iterator[tuple[str, str]]:
    """The complete statements of a block, each with what is printed behind it."""
    head = _HEAD.search(block)
    while head:
        text, end = _statement(block, head.start("text"))
        head = _HEAD.search(block, end)
        if not _TAG.match(text) and not is_form(text):
            answer = block[end : head.start() if head else len(block)]
            yield _ROLE.sub("arn:aws:iam::123456789012:role/some", text), answer


def is_form(text: str) -> bool:
    """Whether a text shows what can be written, and is not written out."""
    return bool(_FORM.search(_STRING.sub("''", text)))


def _statement(block: str, start: int) -> tuple[str, int]:
    """The statement that begins at an offset, and where the search goes on."""
    whole = _WHOLE.match(block, start)
    end = whole.end() if whole else len(block)
    for limit in (_OUTPUT, _NEXT):
        if found := limit.search(block, start + 1, end):
            end = found.start()
    return block[start:end].strip().removesuffix(";").rstrip(), end
