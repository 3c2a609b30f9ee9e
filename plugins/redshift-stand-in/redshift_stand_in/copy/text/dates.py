"""DATEFORMAT and TIMEFORMAT strings.

Source: "DATEFORMAT and TIMEFORMAT strings" and "Using automatic recognition with DATEFORMAT and
TIMEFORMAT" in the Amazon Redshift Database Developer Guide.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

_PARTS = {
    "YYYY": "%Y",
    "YY": "%y",
    "MM": "%m",
    "MONTH": "%B",
    "MON": "%b",
    "DD": "%d",
    "HH24": "%H",
    "HH12": "%I",
    "HH": "%H",
    "MI": "%M",
    "SS": "%S",
    "US": "%f",
    "AM": "%p",
    "PM": "%p",
    "OF": "%z",
    "TZ": "%Z",
}
_PART = re.compile("|".join(sorted(_PARTS, key=len, reverse=True)), re.I)

AUTO_DATES = (
    "YYYY-MM-DD",
    "MM/DD/YYYY",
    "YYYYMMDD",
    "MON-DD-YYYY",
    "DD-MON-YYYY",
    "MONTH DD, YYYY",
    "MM-DD-YYYY",
    "MM.DD.YYYY",
)
AUTO_TIMES = (
    "YYYY-MM-DD HH:MI:SS",
    "YYYY-MM-DDTHH:MI:SS",
    "YYYY-MM-DDTHH:MI:SSOF",
    "YYYY-MM-DD HH:MI:SSOF",
    "YYYYMMDD HHMISS",
    "YYYYMMDDTHHMISS",
    "MM/DD/YYYY HH:MI:SS",
    "YYYY-MM-DD HH:MI",
    "YYYY-MM-DDTHH:MI",
    "YYYY-MM-DD",
    "YYYYMMDD",
    "DD-MON-YYYY HH:MI:SS",
    "MON-DD-YYYY HH:MI:SS",
)


@lru_cache(maxsize=64)
def strptime_format(given: str) -> str:
    """Redshift's format string as one for strptime.

    Raises:
        ValueError: it contains no part of a date.
    """
    if not _PART.search(given):
        raise ValueError(f"invalid date format {given}")
    return _PART.sub(lambda m: _PARTS[m[0].upper()], given.replace("%", "%%"))


def read_as(value: str, formats: tuple[str, ...]) -> datetime:
    """Reads a value by the first format that fits; a zone is converted to UTC and left off.

    Raises:
        ValueError: none fits.
    """
    for given in formats:
        wanted = strptime_format(given)
        for form in (wanted, f"{wanted}.%f", wanted.replace("%z", ".%f%z")):
            try:
                found = datetime.strptime(value, form)  # noqa: DTZ007 - it may have no zone
            except ValueError:
                continue
            offset = found.utcoffset()
            return (found - offset).replace(tzinfo=None) if offset else found.replace(tzinfo=None)
    raise ValueError(f"{value!r} fits no date format")
