"""What a server is asked: the corpus, the words that may be names, the shapes of the catalogue."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from fnmatch import fnmatchcase

from redshift_stand_in import catalogue, corpus
from redshift_stand_in.calibrate.asking.manner import may_run
from redshift_stand_in.calibrate.errors import CalibrationError
from redshift_stand_in.corpus import Case, Part

#: A view of the catalogue, and not one of those that only other views read.
_VIEW = re.compile(r"create or replace view ((?:pg_catalog|information_schema)\.(?!redshift_)\w+)")


def every() -> list[Part]:
    """All there is to ask.

    Raises:
        CalibrationError: sqlfluff, which has the words, is not installed.
    """
    return [*corpus.parts(), words(), shapes()]


def chosen(kinds: Collection[str], only: str, *, storage: bool) -> list[Part]:
    """What is asked of it all.

    Args:
        kinds: Names of parts; none: all of them.
        only: A pattern as of file names, which a case's text must match.
        storage: Whether there is a bucket.

    Raises:
        CalibrationError: There is no such part, or nothing to ask.
    """
    parts = every()
    if unknown := sorted(set(kinds) - {part.name for part in parts}):
        known = ",".join(part.name for part in parts)
        raise CalibrationError(f"there is no kind {', '.join(unknown)}. Next: --kinds {known}")
    found = [_of(part, only, storage=storage) for part in parts if not kinds or part.name in kinds]
    if not any(part.cases for part in found):
        raise CalibrationError(f"nothing matches {only}. Next: --only '*dateadd*'")
    return [part for part in found if part.cases]


def _of(part: Part, only: str, *, storage: bool) -> Part:
    cases = (case for case in part.cases if may_run(case, storage=storage))
    return replace(part, cases=tuple(case for case in cases if fnmatchcase(case.text, only)))


def words() -> Part:
    """Each keyword as the name of a column.

    Raises:
        CalibrationError: sqlfluff, which has the words, is not installed.
    """
    try:
        from sqlfluff.dialects import dialect_redshift_keywords as lists
    except ImportError as error:
        raise CalibrationError(
            "sqlfluff is not installed. Next: pip install 'redshift-stand-in[calibrate]'"
        ) from error
    reserved = set(lists.redshift_reserved_keywords.split())
    found = sorted(reserved | set(lists.redshift_unreserved_keywords.split()))
    return Part("words", (), tuple(_word(word, "-" if word in reserved else "+") for word in found))


def _word(word: str, sign: str) -> Case:
    return Case(sign, word, f"create table {corpus.SCHEMA}.r ({word} int)")


def shapes() -> Part:
    """The columns of each relation that the stand-in's catalogue has."""
    cases = (Case("+", name, f"select * from {name} limit 0") for name in sorted(set(_relations())))
    return Part("catalogue", (), tuple(cases))


def _relations() -> Iterator[str]:
    for _, text in catalogue.sources():
        yield from _VIEW.findall(text)
    for kind, name in catalogue.allowed():
        if kind == "relations":
            yield f"{'pg_catalog' if name.startswith('pg_') else 'information_schema'}.{name}"
