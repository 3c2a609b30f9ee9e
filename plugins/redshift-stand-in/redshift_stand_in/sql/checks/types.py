"""Types in expressions: ``x::type``, ``CAST(x AS type)``, ``type 'literal'``; parts of dates.

Sources: "Data types", "CAST function", "Date parts for date or timestamp functions" in the Amazon
Redshift Database Developer Guide.
"""

from __future__ import annotations

from redshift_stand_in.errors import StatementError
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.lexer import Sql
from redshift_stand_in.sql.tables import types
from redshift_stand_in.sql.words import words

#: The catalogue's own types, which a query of the catalogue may cast to.
_CATALOGUE = frozenset(
    [
        "NAME",
        "OID",
        "REGCLASS",
        "REGPROC",
        "XID",
        "INTERVAL",
        "DATETIME",
        '"',
        "INT2VECTOR",
        "ACLITEM",
    ]
)
_EVERYWHERE = frozenset(["INTERVAL", "DATETIME"])
_PARTS = words(
    "MILLENNIUM MILLENNIA MIL MILS CENTURY CENTURIES C CENT CENTS DECADE DECADES DEC DECS "
    "EPOCH YEAR YEARS Y YR YRS QUARTER QUARTERS QTR QTRS MONTH MONTHS MON MONS WEEK WEEKS W "
    "DAYOFWEEK DOW DW WEEKDAY DAYOFYEAR DOY DY YEARDAY DAY DAYS D HOUR HOURS H HR HRS MINUTE "
    "MINUTES M MIN MINS SECOND SECONDS S SEC SECS MILLISECOND MILLISECONDS MS MSEC MSECS "
    "MSECOND MSECONDS MILLISEC MILLISECS MILLISECON MICROSECOND MICROSECONDS MICROSEC "
    "MICROSECS MICROSECOND USECOND USECONDS US USEC USECS TIMEZONE TIMEZONE_HOUR "
    "TIMEZONE_MINUTE"
)
_PART_CALLS = frozenset(
    [
        "EXTRACT",
        "DATE_PART",
        "DATEPART",
        "DATE_TRUNC",
        "DATEADD",
        "DATE_ADD",
        "DATEDIFF",
        "DATE_DIFF",
    ]
)


def check(sql: Sql) -> None:
    """Refuses types and parts of dates that Redshift does not have.

    Raises:
        StatementError: with the type or the part.
    """
    for i, token in enumerate(sql.tokens):
        if token.norm == "::":
            _check_type(sql, i + 1)
        elif token.norm == "CAST" and sql.norm(i + 1) == "(":
            depth, end = token.depth + 1, sql.close(i + 1)
            inner = [
                k for k in range(i + 2, end) if sql.norm(k) == "AS" and sql.tokens[k].depth == depth
            ]
            if inner:
                _check_type(sql, inner[-1] + 1)
        elif token.kind == "word" and _is_literal_of_type(sql, i):
            _check_type(sql, i)
        elif token.norm in _PART_CALLS and sql.norm(i + 1) == "(" and sql.norm(i - 1) != ".":
            _check_part(sql, i + 2)


def _is_literal_of_type(sql: Sql, i: int) -> bool:
    """Whether a literal such as ``numeric(5,2) '1'`` begins at token ``i``."""
    if sql.norm(i) not in ("NUMERIC", "DECIMAL", "VARCHAR", "CHAR") or sql.norm(i + 1) != "(":
        return False
    return sql.norm(sql.close(i + 1) + 1) == "'"


def _check_type(sql: Sql, index: int) -> None:
    if sql.norm(index) == "PG_CATALOG":
        index += 2
    if sql.norm(index) not in _CATALOGUE:
        types.column_type(sql, index)
    elif sql.norm(index) not in _EVERYWHERE and leader.reads_user_tables(sql):
        raise StatementError(
            leader.REFUSED, detail=f"the type {sql.near(index)} is on the leader node only"
        )


def _check_part(sql: Sql, index: int) -> None:
    if index >= len(sql):
        return
    token = sql.tokens[index]
    if token.kind not in ("word", "string") or sql.norm(index + 1) not in (",", "FROM"):
        return
    part = (token.value if token.kind == "string" else token.text).upper()
    if part not in _PARTS:
        raise StatementError(f'"{part.lower()}" is not a part of a date', "22023")
