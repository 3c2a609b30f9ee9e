"""Altered values: how many, in which column, and why.

Manifests, run reports and log events have them as ``{"column": {"reason": count}}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Reason(StrEnum):
    """Every reason for which a value is changed; dashboards know them by these words."""

    #: A date that no calendar has, such as 0000-00-00, became NULL.
    ZERO_DATE = "zero_date"
    #: Bytes of a MySQL text that are not UTF-8 became U+FFFD.
    INVALID_UTF8 = "invalid_utf8"
    #: A MySQL text has no exact form in UTF-8.
    OTHER_TEXT = "other_text"
    #: Half a surrogate pair in a RECORD's text became U+FFFD.
    INVALID_TEXT = "invalid_text_replaced"
    #: A RECORD's time had more than six digits after the second.
    SUB_MICROSECOND = "time_cut_to_microseconds"
    #: A RECORD's property that its stream's schema does not name was left out.
    NOT_IN_SCHEMA = "not_in_schema"
    #: NUL characters, which Redshift cannot hold, were removed.
    NUL_REMOVED = "nul_removed"
    #: An empty binary value became NULL.
    EMPTY_BINARY_NULL = "empty_binary_null"
    #: A text longer than its column became NULL, or was cut between two characters.
    TOO_LONG_NULL = "too_long_null"
    TOO_LONG_TRUNCATED = "too_long_truncated"
    #: JSON's null became NULL in a SUPER column, which has no other null.
    JSON_NULL = "json_null"
    #: JSON that a SUPER column would change became NULL.
    UNFIT_JSON_NULL = "unfit_json_null"


class Conversions(dict[str, dict[str, int]]):
    """Counts of changed values, by column and reason."""

    def count(self, column: str, reason: Reason, number: int = 1) -> None:
        """Counts values of a column; a count of 0 adds no entry."""
        self.merge({column: {str(reason): number}} if number else {})

    def merge(self, other: Mapping[str, Mapping[str, int]]) -> None:
        """Adds counts made elsewhere."""
        for column, reasons in other.items():
            own = self.setdefault(column, {})
            for reason, number in reasons.items():
                own[reason] = own.get(reason, 0) + number
