"""Names: which words must be quoted to be one.

Sources: "Names and identifiers" and "Reserved words" in the Amazon Redshift Database Developer
Guide, corrected by what users have tried on a cluster (sqlfluff, pull requests 2318 and 2751,
issues 2299 and 2558): the guide reserves some words that the cluster does not, and the other way
round.
"""

from __future__ import annotations

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Sql, Token
from redshift_stand_in.sql.words import words

#: Reserved in Redshift and not in PostgreSQL, and not a keyword of any statement that goes to
#: PostgreSQL.
_ALWAYS = words(
    "AES128 AES256 ALLOWOVERWRITE APPEND BLANKSASNULL COMPROWS COMPUPDATE CREDENTIALS "
    "DEFRAG DELIMITERS EMPTYASNULL ENCRYPT ENCRYPTION EXPLICIT_IDS FILLRECORD "
    "GLOBALDICT256 GLOBALDICT64K IGNOREBLANKLINES IGNOREHEADER LUN LUNS NEW OLD OPEN PARALLEL "
    "PERCENT PERMISSIONS READRATIO RECOVER REJECTLOG RESORT RESTORE TAG TDES TRUNCATECOLUMNS"
)
_ENCODINGS = words(
    "AZ64 BYTEDICT DELTA DELTA32K LZO MOSTLY8 MOSTLY16 MOSTLY32 RAW RUNLENGTH TEXT255 TEXT32K"
)
#: Keywords too: reserved only in the place of a name.
_SOMETIMES = words(
    "BETWEEN DATETIME DISABLE ENABLE IDENTITY IGNORE MINUS NULLS OFF OID PARTITION PIVOT "
    "RESPECT SNAPSHOT SYSTEM TIMESTAMP TOP UNNEST UNPIVOT WITHIN WITHOUT"
)
#: Reserved in PostgreSQL and free in Redshift: they are quoted for PostgreSQL.
_FREE = words(
    "ASYMMETRIC COLLATION CONCURRENTLY CURRENT_CATALOG CURRENT_ROLE CURRENT_SCHEMA FETCH "
    "LATERAL RETURNING SYMMETRIC TABLESAMPLE VARIADIC WINDOW"
)
#: What follows CURRENT_USER_ID where it is a value, and what comes before a new object's name.
_BEHIND_VALUE = words(
    ", ) FROM AS WHERE AND OR IS IN BETWEEN THEN ELSE END :: = < > <= >= <> != + - * /"
)
_BEFORE_NEW = words("TABLE VIEW SCHEMA COLUMN ADD EXISTS FROM JOIN INTO UPDATE SET RENAME TO")
#: A name may follow them.
_BEFORE_NAME = words(
    "( , . SELECT DISTINCT TABLE VIEW SCHEMA COLUMN ADD EXISTS FROM JOIN INTO UPDATE BY AND OR ON "
    "WHERE SET HAVING QUALIFY NOT WITH RECURSIVE WHEN THEN ELSE CASE = < > <= >= <> != + - * / || "
    "DROP RENAME TEMP AS TO"
)


def check(sql: Sql) -> None:
    """Refuses words that are no names without quotes.

    Raises:
        StatementError: with the name.
    """
    creates = sql.norm(0) in ("CREATE", "ALTER")
    signature = bool(sql.words & {"FUNCTION", "PROCEDURE", "PREPARE"})
    for i, token in enumerate(sql.tokens):
        if token.kind == "word" and _is_refused(sql, i, token, creates, signature):
            raise StatementError(f'syntax error at or near "{token.text}"', SYNTAX_ERROR)


def is_free(sql: Sql, index: int) -> bool:
    """Whether the word at ``index`` is a name that PostgreSQL reserves."""
    return (
        sql.norm(index) in _FREE
        and index > 0
        and sql.norm(index - 1) in _BEFORE_NAME
        and sql.norm(index + 1) not in ("(", "'")
    )


def _is_refused(sql: Sql, i: int, token: Token, creates: bool, signature: bool) -> bool:
    before = sql.norm(i - 1)
    if before in (".", "AS") and i > 0:
        return False
    if token.norm == "CURRENT_USER_ID":
        return before in _BEFORE_NEW or sql.norm(i + 1) not in ("", *_BEHIND_VALUE)
    if token.norm in _ALWAYS:
        return (token.norm, sql.norm(0)) not in (("APPEND", "ALTER"), ("PERCENT", "VACUUM"))
    if token.norm in _ENCODINGS:
        return before != "ENCODE" or sql.norm(i - 2) in ("(", ",")
    if token.norm in _SOMETIMES and before in _BEFORE_NAME and not signature:
        return not _is_keyword(sql, i, token.norm, creates)
    return False


def _is_keyword(sql: Sql, i: int, word: str, creates: bool) -> bool:
    """Whether a word in the place of a name is a keyword there."""
    following = sql.norm(i + 1)
    if word in ("TIMESTAMP", "DATETIME"):
        zoned = following in ("WITH", "WITHOUT") and sql.norms(i + 2, 2) == ("TIME", "ZONE")
        return zoned or following in ("'", "(") or sql.norm(i - 2) == "CONVERT"
    if word == "OID":
        return not creates
    if word == "OFF":
        return sql.norm(0) == "SET"
    if word == "BETWEEN":
        return sql.norm(i - 1) == "NOT"
    if word == "TOP":
        return following in ("0", "$")
    if word == "PARTITION":
        return following == "BY" or (sql.norms(0, 2) == ("ALTER", "TABLE") and following == "(")
    if word == "MINUS":
        return following in ("SELECT", "ALL", "(") and sql.norm(i - 1) in ("*", ")")
    if word in ("WITHOUT", "WITHIN", "NULLS", "IGNORE", "RESPECT", "SNAPSHOT", "DISABLE", "ENABLE"):
        return False
    if word == "UNPIVOT" and sql.norm(i + 2) in (".", "[", "AS"):
        return sql.norm(i - 1) in ("FROM", ",", "JOIN")
    return following == "("
