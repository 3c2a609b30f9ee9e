"""Names of more than 63 bytes: Redshift has them, PostgreSQL has not.

In PostgreSQL such a name is a short one: the beginning of the name, a mark, and a hash of the whole
name. Short names take the place of long ones on the way in, and long names that of short ones on
the way out.

Sources: "Names and identifiers", "CREATE TABLE" (longer names are cut at 127 bytes) in the Amazon
Redshift Database Developer Guide; in other statements, as users report (estuary/connectors, pull
request 1237).
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable, Iterable

from redshift_stand_in.sql.lexer import Edit, Sql, Token, quote

#: PostgreSQL's limit, and the length of every short name.
SHORT_BYTES = 63
_REDSHIFT_BYTES = 127
#: In every short name.
MARK = b"rs127_"
_HEAD_BYTES = 44
_CODE_LETTERS = 12
_CODE = re.compile(rb"[_~]rs127_[a-z2-7]{%d}" % _CODE_LETTERS)
#: A name that PostgreSQL writes without quotes.
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
#: Characters that PostgreSQL doubles or escapes in what it shows.
_ESCAPED = str.maketrans('"\\', "__")
#: A shorter text is no long name: a character has four bytes at most.
FEWEST_CHARACTERS = SHORT_BYTES // 4


def is_long(text: str) -> bool:
    """Whether a name, or a literal that may hold one, is longer than PostgreSQL's names."""
    return len(text) > FEWEST_CHARACTERS and len(text.encode()) > SHORT_BYTES


def cut(name: str) -> str:
    """The name as Redshift keeps it: at most 127 bytes, and no half character at its end."""
    return name.encode()[:_REDSHIFT_BYTES].decode("utf-8", "ignore")


def short(name: str) -> str:
    """The name of 63 bytes that PostgreSQL has for a long one.

    PostgreSQL quotes a ``~`` where it shows a name: the long one must be quoted too.
    """
    data = name.encode()
    head = data[:_HEAD_BYTES].decode("utf-8", "ignore").translate(_ESCAPED)
    padding = "_" * (_HEAD_BYTES - len(head.encode()))
    link = "_" if _PLAIN.fullmatch(name) else "~"
    code = base64.b32encode(hashlib.sha256(data).digest()).decode().lower()
    return f"{head}{padding}{link}{MARK.decode()}{code[:_CODE_LETTERS]}"


def long_tokens(sql: Sql) -> list[Token]:
    """The long names of a statement, and the literals that may hold one."""
    return [
        t
        for t in sql.tokens
        if t.end - t.start > FEWEST_CHARACTERS and is_long(t.name if t.is_name else t.text)
    ]


def edit(token: Token, name: str) -> Edit:
    """The edit that puts the short name for a long one in a token's place."""
    new = short(name)
    bare = token.kind == "word" and _PLAIN.fullmatch(new)
    return token.start, token.end, new if bare else quote(new)


def in_value(text: str, known: Iterable[str]) -> str:
    """A literal with short names in the place of those long ones that are known.

    A name in other letters, which finds its object in ``ilike`` only, stays one in other letters.
    """
    lowered = text.lower()
    for name in sorted((n for n in known if n in lowered), key=len, reverse=True):
        pattern = rf"(?<![\w$]){re.escape(name)}(?![\w$])"
        text = re.sub(pattern, _as_written(name), text, flags=re.IGNORECASE)
    return text


def _as_written(name: str) -> Callable[[re.Match[str]], str]:
    new = short(name)
    return lambda found: new if found[0] == name else new.upper()


def restored(data: bytes, long_of: Callable[[bytes], bytes | None]) -> bytes:
    """Text for the client with long names in the place of short ones.

    Args:
        data: UTF-8.
        long_of: gives a short name's long one; None if there is none.
    """
    pieces: list[bytes] = []
    at = 0
    for found in _CODE.finditer(data):
        start = found.end() - SHORT_BYTES
        name = long_of(data[start : found.end()]) if start >= at else None
        if name is not None:
            pieces += data[at:start], name
            at = found.end()
    return b"".join((*pieces, data[at:]))
