"""The forms of SQL commands: a statement that matches none of them is a syntax error.

Each form is a pattern on a statement's shape (:attr:`Sql.shape`). What is in a query, in the
columns of a CREATE TABLE or after ALTER TABLE is checked elsewhere.

Source: the pages of "SQL commands" in the Amazon Redshift Database Developer Guide.
"""

# ruff: noqa: E501, S105 - patterns are read in one line, and none is a password
from __future__ import annotations

import re

from redshift_stand_in.errors import SYNTAX_ERROR, StatementError
from redshift_stand_in.sql.lexer import Sql

#: A token that starts as a word does, or a quoted name. By what cannot be in it: a set of all of
#: Unicode's letters takes a millisecond to compile, and the forms have some six hundred names.
_N = r"""(?:[^\x00-@\[-^`{-\x7f][^ ]*|")"""
_Q = rf"{_N}(?: \. {_N}){{0,2}}"
_TYPE = rf"{_N}(?: VARYING| PRECISION)?(?: \( (?:0|MAX)(?: , 0)? \))?(?: WITH(?:OUT)? TIME ZONE)?"
_PARTS = {
    "N": _N,
    "NS": rf"{_N}(?: , {_N})*",
    "Q": _Q,
    "QS": rf"{_Q}(?: , {_Q})*",
    "TYPE": _TYPE,
    "TYPES": rf"\( (?:{_TYPE}(?: , {_TYPE})* )?\)",
    "ARGUMENTS": rf"\( (?:(?:{_N} )?{_TYPE}(?: , (?:{_N} )?{_TYPE})* )?\)",
    "END": r"(?: CASCADE| RESTRICT)?",
    "WORK": r"(?: WORK| TRANSACTION)?",
    "LEVEL": r"(?:SERIALIZABLE|SNAPSHOT|READ UNCOMMITTED|READ COMMITTED|REPEATABLE READ)",
    "LIMIT": r"(?:0|UNLIMITED)",
    "QUOTA": r" QUOTA (?:0(?: MB| GB| TB)?|UNLIMITED)",
    "QUERY": r"(?:SELECT|WITH|\() .*",
    "SORTKEY": rf"(?: COMPOUND)? SORTKEY \( {_N}(?: , {_N})* \)",
    "VACUUMED": rf"(?!(?:TO|BOOST|REINDEX|RECLUSTER)(?: |$)){_Q}",
}
_TO = rf"(?:(?:ROLE|GROUP) {_N}|{_N}(?: WITH GRANT OPTION)?)"
_FROM = rf"(?:(?:ROLE|GROUP) )?{_N}"
_ON_TABLE = r"(?:SELECT|INSERT|UPDATE|DELETE|DROP|REFERENCES|ALTER|TRUNCATE)"
_COLUMNS = rf"(?: \( {_N}(?: , {_N})* \))"
_PARTS |= {
    "GRANTEES": rf"{_TO}(?: , {_TO})*",
    "HOLDERS": rf"{_FROM}(?: , {_FROM})*",
    "ON_TABLE": rf"(?:{_ON_TABLE}(?: , {_ON_TABLE})*|ALL(?: PRIVILEGES)?)",
    "ON_COLUMNS": (
        rf"(?:(?:SELECT|UPDATE){_COLUMNS}(?: , (?:SELECT|UPDATE){_COLUMNS})*|"
        rf"ALL(?: PRIVILEGES)?{_COLUMNS})"
    ),
    "ON_DATABASE": r"(?:(?:CREATE|TEMPORARY|TEMP|USAGE|ALTER)(?: , (?:CREATE|TEMPORARY|TEMP|USAGE|ALTER))*"
    r"|ALL(?: PRIVILEGES)?)",
    "ON_SCHEMA": r"(?:(?:CREATE|USAGE|ALTER|DROP)(?: , (?:CREATE|USAGE|ALTER|DROP))*|ALL(?: PRIVILEGES)?)",
    "ON_FUNCTION": r"(?:EXECUTE|ALL(?: PRIVILEGES)?)",
}
#: What is granted on what.
_RIGHTS = (
    "{ON_TABLE} ON (?:TABLE )?{QS}",
    "{ON_TABLE} ON ALL TABLES IN SCHEMA {NS}",
    "{ON_DATABASE} ON DATABASE {NS}",
    "{ON_SCHEMA} ON SCHEMA {NS}",
    "{ON_FUNCTION} ON (?:FUNCTION|PROCEDURE) {Q} {ARGUMENTS}(?: , {Q} {ARGUMENTS})*",
    "{ON_FUNCTION} ON ALL (?:FUNCTIONS|PROCEDURES) IN SCHEMA {NS}",
    "USAGE ON LANGUAGE {NS}",
)
#: Without GRANT OPTION.
_COLUMN_RIGHTS = "{ON_COLUMNS} ON (?:TABLE )?{QS}"
_DEFAULT_RIGHTS = "(?:{ON_TABLE} ON TABLES|{ON_FUNCTION} ON (?:FUNCTIONS|PROCEDURES))"
_USER_OPTION = (
    r"(?: CREATEDB| NOCREATEDB| CREATEUSER| NOCREATEUSER| SYSLOG ACCESS (?:RESTRICTED|UNRESTRICTED)"
    r"| VALID UNTIL '| CONNECTION LIMIT {LIMIT}| SESSION TIMEOUT 0| EXTERNALID {N})"
)
_SECRET = r" PASSWORD (?:'|DISABLE)"
#: The guide's examples have them on both sides of the password.
_NEW_USER = f"(?:{_USER_OPTION}| IN GROUP {{NS}})*"

#: The forms of each command, by its first word.
_FORMS: dict[str, tuple[str, ...]] = {
    "ABORT": ("ABORT{WORK}",),
    "ALTER": (
        "ALTER DATABASE {N}(?: RENAME TO {N}| OWNER TO {N}| CONNECTION LIMIT {LIMIT}"
        "| COLLATE (?:CASE_SENSITIVE|CASE_INSENSITIVE)| ISOLATION LEVEL (?:SERIALIZABLE|SNAPSHOT))",
        "ALTER DEFAULT PRIVILEGES(?: FOR USER {NS})?(?: IN SCHEMA {NS})? "
        f"(?:GRANT {_DEFAULT_RIGHTS} TO {{GRANTEES}}"
        f"|REVOKE (?:GRANT OPTION FOR )?{_DEFAULT_RIGHTS} FROM {{HOLDERS}}(?: RESTRICT)?)",
        "ALTER (?:FUNCTION|PROCEDURE) {Q} {ARGUMENTS} (?:RENAME TO {N}|OWNER TO {N})",
        "ALTER GROUP {N} (?:ADD USER {NS}|DROP USER {NS}|RENAME TO {N})",
        "ALTER MATERIALIZED VIEW {Q} (?:AUTO REFRESH (?:YES|NO)|ALTER(?: DISTKEY {N}"
        "| DISTSTYLE (?:ALL|EVEN|AUTO|KEY DISTKEY {N})|{SORTKEY}| SORTKEY (?:AUTO|NONE)))",
        "ALTER ROLE {N}(?: WITH)? (?:RENAME TO {N}|OWNER TO {N}|EXTERNALID TO {N})",
        "ALTER SCHEMA {N}(?: RENAME TO {N}| OWNER TO {N}|{QUOTA})",
        "ALTER TABLE {Q} .*",
        f"ALTER USER {{N}}(?: WITH)?(?:,?(?:{_USER_OPTION}|{_SECRET}))+",
        "ALTER USER {N}(?: WITH)? (?:RENAME TO {N}|RESET SESSION TIMEOUT|RESET {N}"
        "|SET {N} (?:TO|=) .+)",
    ),
    "ANALYZE": (
        r"ANALYZE(?: VERBOSE)?(?: {Q}(?: \( {NS} \))?)?(?: PREDICATE COLUMNS| ALL COLUMNS)?",
    ),
    "BEGIN": ("BEGIN{WORK}(?: ISOLATION LEVEL {LEVEL})?(?: ,)?(?: READ (?:WRITE|ONLY))?",),
    "CLOSE": ("CLOSE (?!ALL$){N}",),
    "COMMENT": (
        "COMMENT ON (?:TABLE|VIEW|COLUMN|DATABASE) {Q}(?: \\. {N})? IS (?:'|NULL)",
        "COMMENT ON CONSTRAINT {N} ON {Q} IS (?:'|NULL)",
    ),
    "COMMIT": ("COMMIT{WORK}",),
    "CREATE": (
        "CREATE DATABASE {N}(?: WITH)?(?: OWNER =? ?{N}| CONNECTION LIMIT {LIMIT}"
        "| COLLATE (?:CASE_SENSITIVE|CASE_INSENSITIVE)| ISOLATION LEVEL (?:SERIALIZABLE|SNAPSHOT))*",
        "CREATE (?:OR REPLACE )?FUNCTION {Q} {TYPES} RETURNS {TYPE} (?:VOLATILE|STABLE|IMMUTABLE) "
        "AS ' LANGUAGE SQL",
        "CREATE EXTERNAL SCHEMA (?:IF NOT EXISTS )?{N} FROM .*",
        "CREATE EXTERNAL TABLE {Q} .*",
        "CREATE GROUP {N}(?: WITH)?(?: USER {NS})?",
        r"CREATE MATERIALIZED VIEW {Q}(?: BACKUP (?:YES|NO))?(?: DISTSTYLE (?:ALL|EVEN|KEY)"
        r"| DISTKEY \( {N} \)|{SORTKEY})*(?: AUTO REFRESH (?:YES|NO))? AS {QUERY}",
        "CREATE ROLE {N}(?: EXTERNALID {N})?",
        "CREATE SCHEMA (?:IF NOT EXISTS )?(?:{N} \\. )?{N}(?: AUTHORIZATION {N})?(?:{QUOTA})?(?: CREATE .*)?",
        "CREATE SCHEMA AUTHORIZATION {N}(?:{QUOTA})?(?: CREATE .*)?",
        "CREATE (?:(?:LOCAL )?TEMP(?:ORARY)? )?TABLE (?:IF NOT EXISTS )?{Q} .*",
        f"CREATE USER {{N}}(?: WITH)?{_NEW_USER}{_SECRET}{_NEW_USER}",
        r"CREATE (?:OR REPLACE )?VIEW {Q}(?: \( {NS} \))? AS {QUERY}",
    ),
    "DECLARE": ("DECLARE {N} CURSOR FOR {QUERY}",),
    "DROP": (
        "DROP DATABASE {N}",
        "DROP FUNCTION {Q} {ARGUMENTS}{END}",
        "DROP GROUP {N}",
        "DROP MATERIALIZED VIEW (?:IF EXISTS )?{QS}{END}",
        "DROP ROLE {N}(?: FORCE| RESTRICT)?",
        "DROP SCHEMA (?:IF EXISTS )?(?:{NS}|{N} \\. {N})(?: DROP EXTERNAL DATABASE)?{END}",
        "DROP TABLE (?:IF EXISTS )?{QS}{END}",
        "DROP USER (?:IF EXISTS )?{NS}",
        "DROP VIEW (?:IF EXISTS )?{QS}{END}",
    ),
    "END": ("END{WORK}",),
    "EXPLAIN": (
        "EXPLAIN(?: VERBOSE)? (?:(?:INSERT|UPDATE|DELETE|CREATE) .*|\\(* ?(?:SELECT|WITH) .*)",
    ),
    "FETCH": ("FETCH (?:NEXT |ALL |FORWARD (?:0 |ALL )?)?FROM {N}",),
    "GRANT": (
        *(f"GRANT {right} TO {{GRANTEES}}" for right in _RIGHTS),
        f"GRANT {_COLUMN_RIGHTS} TO {{HOLDERS}}",
        "GRANT ROLE {N}(?: , ROLE {N})* TO (?:ROLE )?{N}(?: WITH ADMIN OPTION)?"
        "(?: , (?:ROLE )?{N}(?: WITH ADMIN OPTION)?)*",
    ),
    "LOCK": ("LOCK (?:TABLE )?{QS}",),
    "REFRESH": ("REFRESH MATERIALIZED VIEW {Q}{END}",),
    "REVOKE": (
        *(
            f"REVOKE (?:GRANT OPTION FOR )?{right} FROM {{HOLDERS}}(?: CASCADE| RESTRICT)?"
            for right in _RIGHTS
        ),
        f"REVOKE {_COLUMN_RIGHTS} FROM {{HOLDERS}}(?: CASCADE| RESTRICT)?",
        "REVOKE (?:ADMIN OPTION FOR )?ROLE {N}(?: , ROLE {N})* FROM (?:ROLE )?{N}(?: , (?:ROLE )?{N})*",
    ),
    "ROLLBACK": ("ROLLBACK{WORK}",),
    "START": ("START TRANSACTION(?: ISOLATION LEVEL {LEVEL})?(?: ,)?(?: READ (?:WRITE|ONLY))?",),
    "TRUNCATE": ("TRUNCATE (?:TABLE )?{Q}",),
    "VACUUM": (
        "VACUUM(?: FULL| SORT ONLY| DELETE ONLY)?",
        "VACUUM(?: FULL| SORT ONLY| DELETE ONLY)? {VACUUMED}(?: TO 0 PERCENT)?(?: BOOST)?",
        "VACUUM REINDEX {VACUUMED}",
        "VACUUM RECLUSTER {VACUUMED}(?: BOOST)?",
    ),
}
#: Checked elsewhere.
_OTHERS = frozenset(
    ["SELECT", "WITH", "(", "INSERT", "UPDATE", "DELETE", "MERGE", "SET", "SHOW", "RESET"]
)


def _compiled(forms: tuple[str, ...]) -> re.Pattern[str]:
    def filled(form: str) -> str:
        return re.sub(r"\{([A-Z_]+)\}", lambda m: filled(_PARTS[m[1]]), form)

    return re.compile("|".join(f"(?:{filled(form)})" for form in forms), re.A)


_PATTERNS = {head: _compiled(forms) for head, forms in _FORMS.items()}


def check(sql: Sql) -> None:
    """Refuses a statement that is not a command of Redshift, or matches none of its forms.

    Raises:
        StatementError: with the word that cannot stand there.
    """
    head = sql.norm(0)
    if head in _OTHERS:
        return
    pattern = _PATTERNS.get(head)
    if pattern is None or not pattern.fullmatch(sql.shape):
        word = sql.near(0 if pattern is None else min(1, len(sql) - 1))
        raise StatementError(f'syntax error at or near "{word}"', SYNTAX_ERROR)
