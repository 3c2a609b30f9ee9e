"""Values of SUPER columns as COPY reads them from CSV: JSON, which it parses, and strings in JSON.

SUPER holds numbers as DECIMAL(38) or DOUBLE PRECISION and text without NUL, takes no attribute
twice, and has limits of size and depth
(https://docs.aws.amazon.com/redshift/latest/dg/limitations-super.html,
https://docs.aws.amazon.com/redshift/latest/dg/super-configurations.html). What would change is
found here, document by document, before COPY sees it. Pure.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal

from tidemark_core.types.column_type import MAX_PRECISION, MAX_SCALE

from target_redshift.arrow import Array, data_of, pc

_DEEPEST = "it is nested about 1,000 levels deep or deeper"
#: Escapes of NUL and of surrogates; also in `\\u0000`, which is neither.
_ODD_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROLS = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}


class _UnfitError(ValueError):
    """SUPER would change the document."""


def as_json_strings(array: Array) -> Array:
    """Texts as JSON strings; NULL stays NULL."""
    array = pc.replace_substring(pc.replace_substring(array, "\\", r"\\"), '"', r"\"")
    held = set(bytes(range(32))) & set(data_of(array))
    for byte in sorted(held):
        control = chr(byte)
        array = pc.replace_substring(array, control, _CONTROLS.get(control, f"\\u{byte:04x}"))
    return pc.binary_join_element_wise('"', array, '"', "")


def null_documents(array: Array) -> Array:
    """Which documents are JSON's null alone: in SUPER they are NULL, as a missing value is."""
    return pc.fill_null(pc.equal(pc.utf8_trim_whitespace(array), "null"), False)


def unfit_documents(array: Array, string_bytes: int) -> dict[int, str]:
    """Rows whose JSON would not be the same in SUPER, and why.

    Args:
        array: JSON documents, none too long for SUPER.
        string_bytes: Most bytes of a string in SUPER.
    """
    reasons = (_why_unfit(text, string_bytes) for text in array.to_pylist())
    return {row: why for row, why in enumerate(reasons) if why is not None}


def _why_unfit(text: str | None, string_bytes: int) -> str | None:
    if text is None:
        return None
    try:
        value = _DECODER.decode(text)
        if len(text) * 4 > string_bytes or _ODD_ESCAPE.search(text):
            _check_strings(value, string_bytes)
    except RecursionError:
        return _DEEPEST
    except _UnfitError as error:
        return str(error)
    except ValueError:
        return "it is not valid JSON"
    return None


def _check_strings(value: object, string_bytes: int) -> None:
    for text in _strings(value):
        if "\0" in text:
            raise _UnfitError("a string in it has a NUL character")
        if _SURROGATE.search(text):
            raise _UnfitError("a string in it has half a surrogate pair")
        if (size := len(text.encode())) > string_bytes:
            raise _UnfitError(
                f"a string in it has {size:,} bytes, and strings in SUPER at most {string_bytes:,}"
            )


def _strings(value: object) -> Iterator[str]:
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, str):
            yield one
        elif isinstance(one, list):
            waiting += one


def _members(pairs: list[tuple[str, object]]) -> list[object]:
    """An object as the list of all its names and values: no more is asked of it."""
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise _UnfitError("an object in it has an attribute twice")
    return [*names, *(value for _, value in pairs)]


def _check_whole(text: str) -> None:
    _check_decimal(text.lstrip("-0"), "")


def _check_number(text: str) -> None:
    if "e" in text.lower():
        number = float(text)
        if Decimal(repr(number)) != Decimal(text):
            raise _UnfitError("a number in it has more digits than DOUBLE PRECISION")
        return
    whole, _, fraction = text.partition(".")
    _check_decimal(whole.lstrip("-0"), fraction)


def _check_decimal(whole: str, fraction: str) -> None:
    if len(whole) + len(fraction) > MAX_PRECISION or len(fraction) > MAX_SCALE:
        raise _UnfitError(f"a number in it has more than the {MAX_PRECISION} digits of a DECIMAL")


def _refuse(_: str) -> None:
    raise _UnfitError("it is not valid JSON")


_DECODER = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_check_whole,
    parse_float=_check_number,
    parse_constant=_refuse,
)
