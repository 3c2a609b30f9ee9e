"""What PostgreSQL would take and Amazon Redshift refuses within a statement: patterns as data.

Sources: "Unsupported PostgreSQL features", "Features that are implemented differently", "SELECT"
and the pages of the SQL commands in the Amazon Redshift Database Developer Guide. The forms of
commands are in :mod:`forms`, functions, types and operators in the catalogue's lists.
"""

# ruff: noqa: E501 - patterns are read in one line
from __future__ import annotations

import re
from typing import NamedTuple

from redshift_stand_in.errors import SYNTAX_ERROR, NotInRedshift, NotInStandIn, StatementError
from redshift_stand_in.sql.checks import leader
from redshift_stand_in.sql.checks.queries import recursion
from redshift_stand_in.sql.lexer import Sql


class Rule(NamedTuple):
    """A pattern on a statement's shape, and what to say about it."""

    pattern: re.Pattern[str]
    what: str


def _rules(*pairs: tuple[str, str]) -> tuple[Rule, ...]:
    return tuple(Rule(re.compile(pattern), what) for pattern, what in pairs)


#: The leader node has them: a query that reads only the catalogue may use them.
_ON_THE_LEADER = frozenset(["The ARRAY constructor is", "An array behind ANY, SOME or ALL is"])
_NAME = r'[\w"]+(?: \. [\w"]+)*'

NOT_IN_REDSHIFT = _rules(
    (r"\bON CONFLICT\b", "ON CONFLICT is"),
    (r"\bSELECT DISTINCT ON \(", "SELECT DISTINCT ON is"),
    (
        r'^(?:INSERT|UPDATE|DELETE|MERGE|WITH)\b.*[\w")\'] (?<!SELECT )(?<!WHERE )RETURNING [\w"*(\']',
        "RETURNING is",
    ),
    (r"\) FILTER \( WHERE\b", "The FILTER clause is"),
    (r'(?:FROM|JOIN|,) LATERAL (?:\(|[\w"]+ \()', "LATERAL is"),
    (r"\bARRAY \[|\bARRAY \( SELECT\b", "The ARRAY constructor is"),
    # The type of a column has an error of its own.
    (r'^(?!CREATE [\w ]*TABLE [\w". ]+ \( [\w"]+ \w|ALTER TABLE).*\[ \]', "An array type is"),
    (r"(?<![\w.])ROW \(", "The ROW constructor is"),
    (r"->>?|#>>?|@>|<@|\? \||\? &", "This operator is"),
    (r"\bOPERATOR \(", "OPERATOR() is"),
    (r'[\w")] (?:= >|: =) ', "A named argument is"),
    (r"\bVARIADIC (?:['$]|ARRAY\b)", "VARIADIC is"),
    (
        r"^COPY\b.* (?:FROM STDIN|FROM PROGRAM|TO (?:STDOUT|PROGRAM|'))",
        "COPY other than from S3 is",
    ),
    (r"^WITH\b.*\) (INSERT|MERGE) INTO\b", r"WITH before \1 is"),
    (
        rf"^(?:EXPLAIN (?:VERBOSE )?)?DELETE (?!FROM\b){_NAME}(?: (?:AS )?[\w\"]+)? USING\b",
        "DELETE … USING without FROM is",
    ),
    (r"^(?!INSERT|MERGE|EXPLAIN).*\bVALUES \(", "A VALUES list as a constant table is"),
    (
        r"^(?:INSERT|MERGE)\b.*[(,] ?VALUES \(|\bUNION (?:ALL )?VALUES\b",
        "A VALUES list as a constant table is",
    ),
    (
        r"(?:\(|UNION|ALL|EXCEPT|INTERSECT|AS) TABLE " + _NAME + r"(?: \)|$| UNION| ORDER)",
        "TABLE as a query is",
    ),
    (r"\bPARTITION OF\b|^CREATE [^(]*TABLE\b.*\) PARTITION BY\b", "Table partitioning is"),
    (r"^CREATE\b.*\bTABLE\b.*\bEXCLUDE (?:USING|\()", "An EXCLUDE constraint is"),
    (r"^(?:CREATE|ALTER)\b.*\bTABLE\b.*\bCHECK \(", "A CHECK constraint is"),
    (r"\bGENERATED ALWAYS AS\b", "GENERATED ALWAYS is"),
    (
        r"^ALTER TABLE\b.*\bADD (?:COLUMN )?.*, ADD\b",
        "More than one ADD COLUMN in an ALTER TABLE is",
    ),
    (r"^ALTER TABLE\b.*, (?:DROP|RENAME)\b", "More than one action in an ALTER TABLE is"),
    (
        rf"^ALTER TABLE\b.*\bALTER (?:COLUMN )?{_NAME} (?:SET|DROP) (NOT NULL|DEFAULT|STORAGE|"
        rf"STATISTICS)\b",
        r"ALTER COLUMN … SET/DROP \1 is",
    ),
    (
        r"^ALTER TABLE\b.*\bADD (?:COLUMN )?IF NOT EXISTS\b(?! PARTITION \()",
        "ADD COLUMN IF NOT EXISTS is",
    ),
    (r"^ALTER TABLE\b.*\bDROP (?:COLUMN )?IF EXISTS\b", "DROP COLUMN IF EXISTS is"),
    (r"\bFOR (UPDATE|SHARE|NO KEY UPDATE|KEY SHARE)\b", r"SELECT … FOR \1 is"),
    (r"\bIS (?:NOT )?DISTINCT FROM\b", "IS DISTINCT FROM is"),
    (r"\bIS (?:NOT )?(NORMALIZED|NFC|NFD|NFKC|NFKD|DOCUMENT|OF|JSON)\b", r"IS \1 is"),
    (r"^(SAVEPOINT|ROLLBACK (?:WORK |TRANSACTION )?TO|RELEASE)\b", r"\1 is"),
    (r"\b(?:RANGE|GROUPS) (?:BETWEEN|UNBOUNDED|CURRENT|0)\b", "A RANGE or GROUPS window frame is"),
    (r"\bEXCLUDE (?:CURRENT ROW|GROUP|TIES|NO OTHERS)\b", "A frame EXCLUDE is"),
    (r"\) OVER (?!\()[\w\"]+|\bWINDOW [\w\"]+ AS \(", "A named window is"),
    (r"\bTABLESAMPLE \w+ \(", "TABLESAMPLE is"),
    (r"^INSERT\b.*\bOVERRIDING (?:SYSTEM|USER) VALUE\b", "OVERRIDING is"),
    (rf"^INSERT INTO {_NAME} AS\b", "An alias of INSERT's table is"),
    (r"\bFETCH (?:FIRST|NEXT)\b.*\bROWS? (?:ONLY|WITH)\b", "FETCH FIRST is"),
    (r"\bOFFSET [0$'] ROWS?\b", "OFFSET … ROWS is"),
    (r"\b(INTERSECT|EXCEPT|MINUS) ALL\b", r"\1 ALL is"),
    (r"\bWITH ORDINALITY\b", "WITH ORDINALITY is"),
    (r"\b(?:NOT )?MATERIALIZED \(", "AS MATERIALIZED is"),
    (r"\) (?:SEARCH (?:DEPTH|BREADTH)|CYCLE) ", "SEARCH or CYCLE of a recursive query is"),
    (r"\bWITH (?:RECURSIVE )?[^;]*\bAS \( (?:INSERT|UPDATE|DELETE)\b", "A data-modifying WITH is"),
    (r"\bCOLLATE (?!CASE_|C[SI]\b)[\w\"]+", "COLLATE with a collation's name is"),
    (
        r"\b(?:ROWS FROM|XML\w+|GROUPING SETS|\w+) \( (?:PATH|DOCUMENT|CONTENT) '",
        "An XML function is",
    ),
    (r"\b(?:FROM|JOIN) (?:LATERAL )?ROWS FROM \(", "ROWS FROM is"),
    (r"\b(XML\w+) \(", r"\1 is"),
    (r"\bBETWEEN (?:A?SYMMETRIC)\b", "BETWEEN SYMMETRIC is"),
    (r"\b(?:ANY|ALL|SOME) \( (?:'|\$|ARRAY\b|CAST\b)", "An array behind ANY, SOME or ALL is"),
    (r"\bORDER BY [^;]* USING [<>=]", "ORDER BY … USING is"),
    (r"\bUSING \( [^()]* \) AS\b", "An alias of JOIN … USING is"),
    (r"\bGROUP BY DISTINCT\b", "GROUP BY DISTINCT is"),
    (r"\b(?:FROM|JOIN|UPDATE|INTO) ONLY\b", "ONLY is"),
    (r"\bWHERE CURRENT OF\b", "WHERE CURRENT OF is"),
    (
        r"\bSELECT (?:(?:FROM|WHERE|UNION|ORDER BY|LIMIT)\b(?! [,.])|\))|\bSELECT$",
        "A SELECT without a list is",
    ),
    (rf"^UPDATE (?:ONLY )?{_NAME}(?: (?:AS )?(?!SET\b)[\w\"]+)? SET \(", "UPDATE … SET (list) is"),
    (rf"^UPDATE\b.* SET .*, \( {_NAME} , .*?\) = ", "UPDATE … SET (list) is"),
    (r"^CREATE (?:OR REPLACE )?(?:TEMP(?:ORARY)? )?VIEW IF NOT EXISTS\b", "VIEW IF NOT EXISTS is"),
    (r"^CREATE (?:OR REPLACE )?TEMP(?:ORARY)? VIEW\b", "A temporary view is"),
    (r"^CREATE .*\bVIEW\b.*\bWITH (?:LOCAL |CASCADED )?CHECK OPTION$", "WITH CHECK OPTION is"),
    (
        r"^CREATE .*TABLE IF NOT EXISTS [^(]* AS (?:\( )?(?:SELECT|WITH)\b",
        "CREATE TABLE IF NOT EXISTS … AS is",
    ),
    (r"^CREATE .*TABLE\b.* WITH (?:NO )?DATA$", "CREATE TABLE AS … WITH DATA is"),
    (r"\b(?:CTID|XMIN|XMAX|CMIN|CMAX|TABLEOID)\b", "A PostgreSQL system column is"),
    (r"\bSIMILAR \(|\bOVERLAY \(.* PLACING\b", "This function is"),
    (r"\bSUBSTRING \( [^()]* (?:SIMILAR|FROM ')", "SUBSTRING with a pattern is"),
    (r"\b(?:LIKE_ESCAPE|SIMILAR_TO_ESCAPE) \(|\bPG_CATALOG \. EXTRACT \(", "This function is"),
    (r"\bGRANTED BY\b", "GRANTED BY is"),
    (r"\bREDSHIFT_(?:HIDDEN|META)\b", "This schema is"),
)

#: Redshift has these; a test that needs them must not pass here by accident.
NOT_IN_STAND_IN = _rules(
    (
        r"\b(ARRAYS_OVERLAP|ARRAY_CONTAINS|ARRAY_DISTINCT|ARRAY_EXCEPT|ARRAY_INTERSECTION|ARRAY_POSITIONS?|"
        r"ARRAY_SORT|ARRAY_UNION|JSON_SIZE|LOWER_ATTRIBUTE_NAMES|OBJECT_TRANSFORM|"
        r"UPPER_ATTRIBUTE_NAMES) \(",
        r"\1 (SUPER) is",
    ),
    (
        r"^CREATE MATERIALIZED VIEW [^(]* USING ICEBERG\b",
        "A materialized view that is stored as an Iceberg table is",
    ),
    (
        r"^ALTER MATERIALIZED VIEW\b.* ROW LEVEL SECURITY\b",
        "Row-level security of a materialized view is",
    ),
    (
        r"^CREATE(?: OR REPLACE)? EXTERNAL (FUNCTION|VIEW|MODEL)\b|^(?:ALTER|DROP) EXTERNAL (?:SCHEMA|VIEW)\b",
        "An external function or view, or ALTER EXTERNAL SCHEMA, is",
    ),
    (
        r"^(?:CREATE|ALTER|DROP|DESC) DATASHARE\b|^(?:GRANT|REVOKE)\b.* DATASHARE\b",
        "Data sharing is",
    ),
    (
        r"^(?:CREATE|ALTER|DROP|SHOW)(?: OR REPLACE)? "
        r"(LIBRARY|MODEL|MASKING POLICY|RLS POLICY|IDENTITY PROVIDER)\b",
        r"\1 is",
    ),
    (r"^(?:ATTACH|DETACH) (?:RLS|MASKING) POLICY\b", "Row-level security or masking is"),
    (r"^CREATE (?:OR REPLACE )?FUNCTION\b.*\bLANGUAGE PLPYTHONU\b", "A Python function is"),
    (r"^CREATE DATABASE\b.* (FROM|IAM_ROLE)\b", r"CREATE DATABASE … \1 is"),
    (r"^(?:CREATE|ALTER) SCHEMA\b.* QUOTA (?:0|UNLIMITED)", "The QUOTA of a schema is"),
    (r"^ALTER DEFAULT PRIVILEGES\b.* ON PROCEDURES\b", "A default privilege on procedures is"),
    (
        r'\bSELECT .*[\w")\'](?<!SELECT)(?<!\bAS)(?<!UNPIVOT)(?<!\bBY) EXCLUDE '
        r'(?:\( ["\w]+ [,)]|(?!NULLS\b)["\w]+ (?:FROM|,))',
        "EXCLUDE behind other columns than * is",
    ),
    (r"\bCONNECT BY\b|\bSTART WITH\b(?! 0)", "CONNECT BY is"),
    (r"\bGROUP BY (?:GROUPING SETS|CUBE|ROLLUP) .*\bGROUP_ID\b", "GROUP_ID is"),
    (
        r"\b(CHECKSUM|FARMFINGERPRINT64|FARMHASH64|MURMUR3_32_HASH|HLL|HLL_CARDINALITY|HLL_COMBINE|"
        r"HLL_COMBINE_SKETCHES|HLL_CREATE_SKETCH|ST_\w+|EXPLAIN_MODEL|"
        r"CHANGE_QUERY_PRIORITY|CHANGE_SESSION_PRIORITY|CHANGE_USER_PRIORITY) \(",
        r"\1 is",
    ),
    (
        r"\b(DB_COLLATION|DEFAULT_IAM_ROLE|PG_GET_COLS|PG_GET_GRANTEE_BY_IAM_ROLE|PG_GET_IAM_ROLE_BY_USER|"
        r"PG_LAST_UNLOAD_ID|PG_TIMEZONE_ABBREVS|PG_TIMEZONE_NAMES|ROLE_IS_MEMBER_OF|SLICE_NUM|"
        r"TEXT_TO_INT_ALT|TEXT_TO_NUMERIC_ALT|USER_IS_MEMBER_OF) \(",
        r"\1 is",
    ),
    (r"^(?:GRANT|REVOKE) (?:CREATE|EXECUTE ON) MODEL\b", "A right on models is"),
    (r"^(?:CREATE|ALTER|DROP) USER [\w\"]+ : ", "A user of an identity provider is"),
    (r"\bCOLLATE (?:CASE_\w+|C[SI]\b|\()", "COLLATE is"),
    (r"^(?:GRANT|REVOKE)\b.*\b(EXPLAIN RLS|IGNORE RLS)\b", r"GRANT \1 is"),
    (
        r"^(?:GRANT|REVOKE) (?:(?:CREATE|DROP|ALTER)(?: OR REPLACE)?(?: EXTERNAL)? "
        r"(?:USER|SCHEMA|TABLE|FUNCTION|PROCEDURE|VIEW|MODEL|LIBRARY|ROLE|DEFAULT PRIVILEGES)|TRUNCATE TABLE"
        r"|VACUUM|ANALYZE|CANCEL|ACCESS \w+ ?\w*)(?: ,.*)? (?:TO|FROM) ROLE\b",
        "A system permission is",
    ),
    (
        r"^(?:GRANT|REVOKE)\b.*\bFOR (?:TABLES|SCHEMAS|FUNCTIONS|PROCEDURES) IN\b",
        "A scoped permission is",
    ),
    (r"^(?:GRANT|REVOKE)\b.* ON EXTERNAL\b|^(?:GRANT|REVOKE)\b.* SYS :", "This GRANT is"),
    (
        r"^(?:GRANT|REVOKE) (?:[\w ,]*, )?(DROP|ALTER)\b(?=[\w ,]* ON (?:TABLE|SCHEMA|DATABASE|ALL TABLES|\w+ (?:\. \w+ )?(?:TO|FROM)))",
        r"GRANT \1 is",
    ),
    (r"^CALL\b|^(?:CREATE|ALTER|DROP)(?: OR REPLACE)? PROCEDURE\b", "A stored procedure is"),
    (r"^(?:PREPARE|EXECUTE|DEALLOCATE) (?!TRANSACTION)\w+", "PREPARE as a statement is"),
    (r"^CANCEL\b", "CANCEL is"),
    (r"^ALTER SYSTEM\b", "ALTER SYSTEM is"),
    (r"^USE \w+$", "USE is"),
)


def check(sql: Sql) -> None:
    """Refuses a statement with anything that Redshift, or the stand-in, does not have.

    Raises:
        StatementError: with the reason.
    """
    shape = sql.shape
    for rule in NOT_IN_STAND_IN:
        if match := rule.pattern.search(shape):
            raise NotInStandIn(match.expand(rule.what))
    for rule in NOT_IN_REDSHIFT:
        if match := rule.pattern.search(shape):
            if rule.what in _ON_THE_LEADER and leader.reads_catalogue_only(sql):
                continue
            raise NotInRedshift(match.expand(rule.what))
    _check_bit_strings(sql)
    _check_aggregate_orders(sql)
    if "RECURSIVE" in sql.words:
        recursion.check(sql)


def _check_bit_strings(sql: Sql) -> None:
    for i, token in enumerate(sql.tokens[1:], start=1):
        before = sql.tokens[i - 1]
        if token.kind == "string" and before.norm in ("B", "X") and before.end == token.start:
            raise NotInRedshift("A bit string is")
        if token.norm == "&" and before.norm == "U" and before.end == token.start:
            raise NotInRedshift("A Unicode escape is")


#: What stands before a parenthesis that holds no arguments.
_NO_CALL = frozenset(("OVER", "GROUP", "AS", "FROM", "JOIN", "IN", "EXISTS", "ALL", "ANY", "UNION"))


def _check_aggregate_orders(sql: Sql) -> None:
    """``f(x ORDER BY y)``: only WITHIN GROUP has an order."""
    for i, token in enumerate(sql.tokens):
        if token.norm != "ORDER" or sql.norm(i + 1) != "BY" or token.depth == 0:
            continue
        before = (k for k in range(i - 1, -1, -1) if sql.tokens[k].depth == token.depth - 1)
        if (opening := next(before, None)) is None:
            raise StatementError('syntax error at or near ")"', SYNTAX_ERROR)
        inner = {sql.norm(k) for k in range(opening, i) if sql.tokens[k].depth == token.depth}
        is_call = opening > 0 and sql.tokens[opening - 1].kind == "word"
        is_query = inner & {"SELECT", "WITH", "UNION"} or sql.norm(opening + 1) == "("
        if is_call and not is_query and sql.norm(opening - 1) not in _NO_CALL:
            raise NotInRedshift("ORDER BY in the arguments of an aggregate is")
