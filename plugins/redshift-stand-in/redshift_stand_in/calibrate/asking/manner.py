"""How a statement is run so that the next one does not see what it has done. Pure."""

from __future__ import annotations

import re
from enum import Enum, auto

from redshift_stand_in import corpus
from redshift_stand_in.corpus import Case


class Manner(Enum):
    """How a statement is run."""

    #: As it is: it changes nothing.
    READ = auto()
    #: In a transaction that is rolled back.
    UNDONE = auto()
    #: Likewise; what it does to the session is not undone by that, the next gets another.
    SESSION = auto()
    #: By itself, for it ends a transaction or cannot be in one; then everything is made again.
    ALONE = auto()


_READ = re.compile(r"(?i)(select|show)\b(?!.*\binto\b)", re.S)
_SESSION = re.compile(r"(?i)(set|reset|prepare|deallocate|discard)\b")
_ALONE = re.compile(
    r"(?i)(vacuum|truncate|begin|start|commit|end|abort|rollback)\b"
    r"|alter\s+table\s+\S+\s+(append|alter\s+column\s+\S+\s+type)\b"
)
#: They reach beyond the session and the schema, and no rollback undoes them.
_OUTSIDE = re.compile(
    r"(?i)cancel\b|(vacuum|analyze)\b(?!.*\bt\.)|.*\bpg_(cancel|terminate)_backend\b"
)
#: Their rows tell of the cluster and of the moment, or are of other people's tables.
_VARYING = re.compile(
    r"""(?ix)
    (show|explain)\b
    |.*\b(
        pg_(?!get_|catalog)\w+|sv[vl]_\w+|st[lv]_\w+|sys_\w+|information_schema
        |current_(database|date|setting|time|timestamp|user|user_id)|current_schemas
        |getdate|localtime(stamp)?|now|random|session_user|sysdate|timeofday|user|version
    )\b""",
    re.S,
)
_ORDERED = re.compile(r"(?i)\border\s+by\b[^()]*$")


def manner(case: Case) -> Manner:
    """How a case is run."""
    statement = case.statement.lstrip()
    if _ALONE.match(statement):
        return Manner.ALONE
    if _SESSION.match(statement):
        return Manner.SESSION
    return Manner.READ if _READ.match(statement) and not case.before else Manner.UNDONE


def may_run(case: Case, *, storage: bool) -> bool:
    """Whether a case stays within its schema and prefix, and has what it needs.

    Args:
        case: Of the corpus.
        storage: Whether there is a bucket.
    """
    needs_storage = corpus.STORAGE in case.statement
    return (storage or not needs_storage) and not _OUTSIDE.match(case.statement)


def rows_vary(case: Case) -> bool:
    """Whether the answer is another on another day or cluster; one that is known is not."""
    return case.value is None and bool(_VARYING.match(case.statement))


def is_ordered(statement: str) -> bool:
    """Whether the rows come in the statement's own order."""
    return bool(_ORDERED.search(statement))
