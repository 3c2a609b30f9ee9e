"""Where the corpus runs, and how that is kept out of what is recorded. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from redshift_stand_in import corpus
from redshift_stand_in.sql.lexer import quote

#: A name as it stands in a statement, its quotes included; ``'t'`` alone may be a boolean.
_SCHEMA = re.compile(rf"(?<![\w$.\\])(\"?){corpus.SCHEMA}\b(?!\$|'::|'\))\1")
_DATABASE = re.compile(rf"(?<![\w$.\\])(\"?){corpus.DATABASE}\b(?!\$)\1")
#: ADMIN is a keyword too.
_USER = re.compile(rf"(?<![\w$.\\])(\"?){corpus.USER}\b(?!\$| option| x\b)\1")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")

#: What differs from run to run or tells whose cluster it is, and what is written in its place.
_VARYING = (
    (re.compile(r"\b[\w.-]+\.amazonaws\.com(\.cn)?\b"), "<host>"),
    (re.compile(r"\b\d{1,3}(\.\d{1,3}){3}(:\d+)?\b"), "<address>"),
    (re.compile(r"\b\d{12}\b"), "<account>"),
    (re.compile(r"(?i)\b((?:ext|request)?_?r?id)\b([:= ]+)(?=\S*\d)[\w+/=-]{8,}"), r"\1\2<id>"),
    (re.compile(r"\bpg_(toast_)?temp_\d+"), r"pg_\1temp_<n>"),
    (re.compile(r"(?i)(forming the cycle are: )\d[\d, ]*\d"), r"\1<n>"),
    (
        re.compile(r"(?i)\b((?:pid|query|xid|oid|process|relation)[\]:= ]+(?:query)?)\d\w*"),
        r"\1<n>",
    ),
    (re.compile(r"\b20\d\d-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:?\d\d)?|Z)?"), "<time>"),
)


@dataclass(frozen=True)
class Place:
    """Where the corpus runs.

    Attributes:
        schema: Made for it.
        database: The session's.
        user: The session's.
        storage: ``s3://bucket/prefix`` of its own; None: nothing that needs S3 runs.
        role: The ARN of a role that may read there.
    """

    schema: str
    database: str
    user: str
    storage: str | None = None
    role: str | None = None

    def placed(self, statement: str) -> str:
        """A statement of the corpus, for this place."""
        text = _SCHEMA.sub(_named(self.schema), statement)
        text = _DATABASE.sub(_named(self.database), text)
        text = _USER.sub(_named(self.user), text)
        if self.storage and self.role:
            text = text.replace(corpus.STORAGE, self.storage).replace(corpus.ROLE, self.role)
        return text

    def unplaced(self, value: str) -> str:
        """A value that a server gave: the other names may be words in it."""
        return value.replace(self.schema, corpus.SCHEMA)

    def masked(self, text: str) -> str:
        """What a server said, as if it had run the corpus as it is written."""
        if self.storage and self.role:
            bucket = self.storage.removeprefix("s3://").partition("/")[0]
            text = text.replace(self.storage, corpus.STORAGE).replace(self.role, corpus.ROLE)
            text = re.sub(rf"\b{re.escape(bucket)}\b", "<bucket>", text)
        for name, known in ((self.schema, corpus.SCHEMA), (self.user, corpus.USER)):
            text = _whole(name).sub(known, text)
        return _whole(self.database).sub(corpus.DATABASE, text)

    def told(self, error: str) -> str:
        """The text of an error, without what is another in the next run."""
        text = self.masked(error)
        for pattern, instead in _VARYING:
            text = pattern.sub(instead, text)
        return text


def _named(name: str) -> Callable[[re.Match[str]], str]:
    def put(found: re.Match[str]) -> str:
        literal = found.string[found.start() - 1 : found.start()] == "'"
        bare = literal or (_PLAIN.fullmatch(name) and not found[1])
        return name if bare else quote(name)

    return put


def _whole(name: str) -> re.Pattern[str]:
    """A name as a server says it: some errors have it in capitals."""
    return re.compile(rf"(?<![\w$]){re.escape(name)}(?![\w$])", re.I)
