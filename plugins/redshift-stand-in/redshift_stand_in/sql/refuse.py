"""What PostgreSQL would take and Amazon Redshift refuses: rules as data, and some checks.

Sources: "Unsupported PostgreSQL features", "Unsupported PostgreSQL data types", "Unsupported
PostgreSQL functions", "Features that are implemented differently", "Reserved words" and the pages
of the SQL commands in the Amazon Redshift Database Developer Guide. Rules marked "remembered" were
not found there.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from redshift_stand_in.errors import (
    SYNTAX_ERROR,
    NotInRedshift,
    NotInStandIn,
    StatementError,
)
from redshift_stand_in.sql.keywords import (
    ABSENT_FUNCTIONS,
    ABSENT_TYPES,
    RESERVED_ONLY_IN_REDSHIFT,
)
from redshift_stand_in.sql.lexer import Sql

#: PostgreSQL cuts names there, Redshift at 127 bytes: a longer name would silently become another.
MAX_IDENTIFIER_BYTES = 63


class Rule(NamedTuple):
    """A pattern on a statement's shape, and what to say of it."""

    pattern: re.Pattern[str]
    what: str


def _rules(*pairs: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(re.compile(pattern), what) for pattern, what in pairs)


_NAME = r'[\w"]+(?: \. [\w"]+)*'

NOT_IN_REDSHIFT = _rules(
    (r"\bON CONFLICT\b", "ON CONFLICT is"),
    (r"\bSELECT DISTINCT ON \(", "SELECT DISTINCT ON is"),
    (r"\bRETURNING\b", "RETURNING is"),
    (r"\) FILTER \( WHERE\b", "The FILTER clause is"),
    (r"\bLATERAL\b", "LATERAL is"),
    (r"\bARRAY \[|\bARRAY \( SELECT\b", "The ARRAY constructor is"),
    (r'[\w"\])] \[ [0:$]', "A subscript is"),
    (r"\[ \]", "An array type is"),
    (r"(?<!\w)ROW \(", "The ROW constructor is"),
    (r"->>?|#>>?|@>|<@|\? \||\? &", "This operator is"),
    (r"^CREATE (?:UNIQUE )?INDEX\b|^(?:DROP|ALTER|RE)\s?INDEX\b|^REINDEX\b", "An index is"),
    (
        r"^(?:CREATE|DROP|ALTER)(?: OR REPLACE)? (TYPE|DOMAIN|SEQUENCE|EXTENSION|TRIGGER|RULE|"
        r"OPERATOR|"
        r"AGGREGATE|TABLESPACE|COLLATION|CONVERSION|POLICY|SUBSCRIPTION|PUBLICATION|SERVER|CAST)\b",
        r"\1 is",
    ),
    (r"^CREATE UNLOGGED\b", "UNLOGGED is"),
    (
        r"^COPY\b.* (?:FROM STDIN|FROM PROGRAM|TO (?:STDOUT|PROGRAM|'))",
        "COPY other than from S3 is",
    ),
    (
        r"\b(?:FROM|JOIN) \( VALUES\b|, \( VALUES\b|^VALUES\b",
        "A VALUES list as a constant table is",
    ),
    (r"\bPARTITION OF\b|^CREATE [^(]*TABLE\b.*\) PARTITION BY\b", "Table partitioning is"),
    (r"^(?:CREATE|ALTER)\b.*\bTABLE\b.* INHERITS? \(?", "Inheritance is"),
    (r"^CREATE\b.*\bTABLE\b.*\bEXCLUDE (?:USING|\()", "An EXCLUDE constraint is"),
    (r"^(?:CREATE|ALTER)\b.*\bTABLE\b.*\bCHECK \(", "A CHECK constraint is"),
    (r"\bGENERATED ALWAYS AS \(", "A generated column is"),
    (
        r"^ALTER TABLE\b.*\bADD (?:COLUMN )?.*, ADD\b",
        "More than one ADD COLUMN in an ALTER TABLE is",
    ),
    (r"^ALTER TABLE\b.*, (?:DROP|ALTER|RENAME)\b", "More than one action in an ALTER TABLE is"),
    (
        rf"^ALTER TABLE\b.*\bALTER (?:COLUMN )?{_NAME} (?:SET|DROP) (NOT NULL|DEFAULT|STORAGE|"
        rf"STATISTICS)\b",
        r"ALTER COLUMN … SET/DROP \1 is",
    ),
    (r"^ALTER TABLE\b.*\bADD (?:COLUMN )?IF NOT EXISTS\b", "ADD COLUMN IF NOT EXISTS is"),
    (r"^ALTER TABLE\b.*\bDROP (?:COLUMN )?IF EXISTS\b", "DROP COLUMN IF EXISTS is"),
    (r"^ALTER TABLE IF EXISTS\b", "ALTER TABLE IF EXISTS is"),
    (r"\bFOR (UPDATE|SHARE|NO KEY UPDATE|KEY SHARE)\b", r"SELECT … FOR \1 is"),
    (r"\bIS (?:NOT )?DISTINCT FROM\b", "IS DISTINCT FROM is"),
    (r"^(SAVEPOINT|ROLLBACK (?:WORK |TRANSACTION )?TO|RELEASE)\b", r"\1 is"),
    (r"\b(?:RANGE|GROUPS) (?:BETWEEN|UNBOUNDED|CURRENT)\b", "A RANGE or GROUPS window frame is"),
    (r"\bEXCLUDE (?:CURRENT ROW|GROUP|TIES|NO OTHERS)\b", "A frame EXCLUDE is"),
    (r"\) OVER (?!\()[\w\"]+|\bWINDOW [\w\"]+ AS \(", "A named window is"),
    (r"\bTABLESAMPLE\b", "TABLESAMPLE is"),
    (r"^INSERT\b.*\bOVERRIDING\b", "OVERRIDING is"),
    (r"\bFETCH (?:FIRST|NEXT)\b.*\bROWS? (?:ONLY|WITH)\b", "FETCH FIRST is"),
    (r"\bWITH ORDINALITY\b", "WITH ORDINALITY is"),
    (r"\b(?:NOT )?MATERIALIZED \(", "AS MATERIALIZED is"),
    (r"\bWITH (?:RECURSIVE )?[^;]*\bAS \( (?:INSERT|UPDATE|DELETE)\b", "A data-modifying WITH is"),
    (r"\bCOLLATE (?!CASE_)[\w\"]+", "COLLATE with a collation's name is"),
    (r"\bUNNEST \(", "UNNEST of an array is"),
    (rf"^UPDATE (?:ONLY )?{_NAME}(?: (?:AS )?(?!SET\b)[\w\"]+)? SET \(", "UPDATE … SET (list) is"),
    (
        r"^(LISTEN|NOTIFY|UNLISTEN|DO|CLUSTER|CHECKPOINT|LOAD|SECURITY|IMPORT|REFRESH "
        r"MATERIALIZED VIEW "
        r"CONCURRENTLY)\b",
        r"\1 is",
    ),
    (r"^EXPLAIN \(|^EXPLAIN ANALYZE\b", "EXPLAIN with options is"),
    (r"^CREATE (?:OR REPLACE )?(?:TEMP(?:ORARY)? )?VIEW IF NOT EXISTS\b", "VIEW IF NOT EXISTS is"),
    (r"^CREATE (?:OR REPLACE )?TEMP(?:ORARY)? VIEW\b", "A temporary view is"),
    (r"\b(?:CTID|XMIN|XMAX|CMIN|CMAX|TABLEOID)\b", "A PostgreSQL system column is"),
    (r"\bSIMILAR \(|\bOVERLAY \(.* PLACING\b", "This function is"),
    (r"\bGRANTED BY\b", "GRANTED BY is"),
)

#: Redshift has these; a test that needs them must not pass here by accident.
NOT_IN_STAND_IN = _rules(
    (r"\bSUPER\b", "The SUPER type is"),
    (
        r"\b(JSON_PARSE|JSON_SERIALIZE|OBJECT|ARRAY_CONCAT|ARRAY_FLATTEN|SUBARRAY|SPLIT_TO_ARRAY|"
        r"GET_ARRAY_LENGTH|JSON_TYPEOF|IS_ARRAY|IS_OBJECT|OBJECT_TRANSFORM) \(",
        r"\1 (SUPER) is",
    ),
    (r"^(?:CREATE|ALTER|DROP|REFRESH) MATERIALIZED VIEW\b", "A materialized view is"),
    (r"^(?:CREATE|DROP|ALTER) EXTERNAL\b", "An external schema, table or function (Spectrum) is"),
    (r"\bDATASHARE\b", "Data sharing is"),
    (
        r"^CREATE (?:OR REPLACE )?(?:LIBRARY|MODEL|MASKING|RLS|IDENTITY PROVIDER)\b",
        "This CREATE is",
    ),
    (r"^(?:ATTACH|DETACH) (?:RLS|MASKING)\b", "Row-level security or masking is"),
    (r"^CREATE (?:OR REPLACE )?FUNCTION\b.*\bLANGUAGE PLPYTHONU\b", "A Python function is"),
    (r"\b(GEOMETRY|GEOGRAPHY|HLLSKETCH)\b(?! \()", r"The type \1 is"),
    (r"\b(PIVOT|UNPIVOT) \(", r"\1 is"),
    (r"\bCONNECT BY\b|\bSTART WITH\b(?! 0)", "CONNECT BY is"),
    (r"\bGROUP BY (?:GROUPING SETS|CUBE|ROLLUP) .*\bGROUP_ID\b", "GROUP_ID is"),
    (r"\b(?:IGNORE|RESPECT) NULLS\b", "IGNORE NULLS is"),
    (
        r"\b(RATIO_TO_REPORT|FARMFINGERPRINT64|FARMHASH64|MURMUR3_32_HASH|HLL|HLL_CARDINALITY) \(",
        r"\1 is",
    ),
    (r"\bCOLLATE CASE_\w+", "COLLATE is"),
    (
        r"^(?:GRANT|REVOKE)\b.*\b(EXPLAIN RLS|IGNORE RLS|ALTER DATASHARE)\b",
        r"GRANT \1 is",
    ),
    (r"^(?:GRANT|REVOKE)\b.*\bFOR (?:TABLES|SCHEMAS|FUNCTIONS) IN\b", "A scoped permission is"),
    (r"^(?:GRANT|REVOKE) (?:[\w ,]*, )?(DROP|ALTER)\b(?=[\w ,]* ON\b)", r"GRANT \1 is"),
    (r"^CALL\b|^CREATE (?:OR REPLACE )?PROCEDURE\b", "A stored procedure is"),
    (r"^(?:PREPARE|EXECUTE|DEALLOCATE) \w+", "PREPARE as a statement is"),
    (r"^CANCEL\b", "CANCEL is"),
    (r"^ALTER SYSTEM\b", "ALTER SYSTEM is"),
)

#: Run on the leader node only; refused together with a table that the user made.
_LEADER_ONLY = re.compile(
    r"\b(NOW|AGE|CURRENT_SCHEMA|CURRENT_SCHEMAS|GENERATE_SERIES|CURRENT_SETTING|HAS_TABLE_PRIVILEGE|"
    r"HAS_SCHEMA_PRIVILEGE|HAS_DATABASE_PRIVILEGE|PG_GET_\w+|TO_ASCII) \(|"
    r"\b(CURRENT_TIMESTAMP|CURRENT_TIME|LOCALTIME|LOCALTIMESTAMP)\b"
)
_READS_TABLE = re.compile(r"\b(?:FROM|JOIN|INSERT|UPDATE)\b|^CREATE\b.*\bTABLE\b")
_READS_CATALOGUE = re.compile(
    r"\bPG_|\bINFORMATION_SCHEMA\b|\bSVV_|\bSTL_|\bSTV_|\bSYS_|\bFROM GENERATE_SERIES"
)
_QUOTED_CATALOGUE = re.compile(r'"(?:pg_\w+|information_schema|svv_\w+)"', re.I)

_FRAMED = frozenset(
    [
        "SUM",
        "COUNT",
        "AVG",
        "MIN",
        "MAX",
        "STDDEV",
        "STDDEV_SAMP",
        "STDDEV_POP",
        "VARIANCE",
        "VAR_SAMP",
        "VAR_POP",
        "FIRST_VALUE",
        "LAST_VALUE",
        "NTH_VALUE",
    ]
)
_TYPE_NAMES = "|".join(sorted(ABSENT_TYPES))
_TYPE_USE = re.compile(rf":: ({_TYPE_NAMES})\b|\bAS ({_TYPE_NAMES}) (?:\( 0 \) )?\)")


def check(sql: Sql) -> None:
    """Refuses a statement that Redshift would refuse, or that the stand-in cannot do faithfully.

    Raises:
        StatementError: with the reason.
    """
    shape = sql.shape
    for rule in NOT_IN_STAND_IN:
        if match := rule.pattern.search(shape):
            raise NotInStandIn(match.expand(rule.what))
    for rule in NOT_IN_REDSHIFT:
        if match := rule.pattern.search(shape):
            raise NotInRedshift(match.expand(rule.what))
    if match := _TYPE_USE.search(shape):
        raise NotInRedshift(f"The type {match[1] or match[2]} is")
    _check_functions(sql)
    _check_names(sql)
    _check_leader_only(sql)
    if "OVER" in sql.words:
        _check_frames(sql)


def _check_functions(sql: Sql) -> None:
    for i, token in enumerate(sql.tokens):
        if token.norm not in ABSENT_FUNCTIONS or sql.norm(i + 1) != "(":
            continue
        before = sql.norm(i - 1)
        own = before == "." and sql.norm(i - 2) != "PG_CATALOG"
        if not own and before not in ("TABLE", "INTO", "EXISTS", "VIEW"):
            raise StatementError(f"function {token.name} does not exist", "42883")


def _check_names(sql: Sql) -> None:
    for i, token in enumerate(sql.tokens):
        if token.is_name and len(token.name.encode()) > MAX_IDENTIFIER_BYTES:
            raise StatementError(
                f'the name "{token.name}" is longer than {MAX_IDENTIFIER_BYTES} bytes: '
                f"Redshift takes "
                "127, the local stand-in cannot"
            )
        reserved = token.norm in RESERVED_ONLY_IN_REDSHIFT
        if reserved and sql.norm(i - 1) not in (".", "AS"):
            raise StatementError(f'syntax error at or near "{token.text}"', SYNTAX_ERROR)


def _check_leader_only(sql: Sql) -> None:
    match = _LEADER_ONLY.search(sql.shape)
    if not match or not _READS_TABLE.search(sql.shape):
        return
    if _READS_CATALOGUE.search(sql.shape) or _QUOTED_CATALOGUE.search(sql.text):
        return
    if not _names_a_table(sql):
        return
    raise StatementError(
        "Specified types or functions (one per INFO message) not supported on Redshift tables.",
        detail=f"{(match[1] or match[2]).lower()} runs on the leader node only",
    )


def _names_a_table(sql: Sql) -> bool:
    if sql.norm(0) in ("INSERT", "UPDATE", "DELETE", "CREATE", "MERGE"):
        return True
    for i, token in enumerate(sql.tokens):
        is_source = (
            token.norm in ("FROM", "JOIN") and i + 1 < len(sql) and sql.tokens[i + 1].is_name
        )
        if is_source and sql.norm(i + 2) != "(" and not _inside_extract(sql, i):
            return True
    return False


def _inside_extract(sql: Sql, index: int) -> bool:
    return sql.norm(index - 2) == "(" and sql.norm(index - 3) in ("EXTRACT", "TRIM", "SUBSTRING")


def _check_frames(sql: Sql) -> None:
    for i, token in enumerate(sql.tokens):
        if token.norm != "OVER" or sql.norm(i + 1) != "(" or sql.norm(i - 1) != ")":
            continue
        end, depth = sql.close(i + 1), sql.tokens[i + 1].depth + 1
        inner = {t.norm for t in sql.tokens[i + 2 : end] if t.depth == depth}
        called = _function_before(sql, i - 1)
        if "ORDER" in inner and "ROWS" not in inner and called in _FRAMED:
            raise StatementError(
                "Aggregate window functions with an ORDER BY clause require a frame clause",
                SYNTAX_ERROR,
            )


def _function_before(sql: Sql, closing: int) -> str:
    depth = sql.tokens[closing].depth
    for i in range(closing - 1, 0, -1):
        if sql.norm(i) == "(" and sql.tokens[i].depth == depth:
            return sql.norm(i - 1)
    return ""
