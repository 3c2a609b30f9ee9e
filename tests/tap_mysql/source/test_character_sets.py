"""Text of character sets other than Unicode's: what UTF-8 does not keep is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tidemark_core.errors import SourceError
from tidemark_core.types.conversions import Reason

if TYPE_CHECKING:
    from tests.tap_mysql.conftest import Source

UNICODE = {"binary", "utf8", "utf8mb3", "utf8mb4", "utf16", "utf16le", "utf32"}
#: Two bytes each, from 0x0000 to 0xEA60: codes with and without a character, and question marks.
CODES = "UNHEX(LPAD(HEX(seq), 4, '0'))"


@pytest.fixture
def character_sets(source: Source) -> list[str]:
    """Fills the table ``codes``, a column a character set; the server cuts off what is no code."""
    found = source.sql("SELECT character_set_name FROM information_schema.character_sets")
    names = sorted({name for (name,) in found} - UNICODE)
    columns = [f"{name} VARCHAR(2) CHARACTER SET {name}" for name in names]
    source.make("codes", f"id INT PRIMARY KEY, {', '.join(columns)}")
    values = ", ".join([CODES] * len(names))
    source.sql_with(
        "sql_mode = ''",
        f"INSERT IGNORE INTO codes SELECT seq, {values} {source.numbers(60_000)} AND seq % 11 = 3",
    )
    return names


def question_marks(code: str, character_set: str) -> int:
    """How many a text has, by its bytes in hexadecimal."""
    return int(code == "003F") if character_set == "ucs2" else bytes.fromhex(code).count(b"?")


@pytest.mark.fault(90)
def test_codes_without_a_character_are_counted(source: Source, character_sets: list[str]) -> None:
    result = source.read("codes")
    shown = ", ".join(f"HEX({name})" for name in character_sets)
    there = {number: codes for number, *codes in source.sql(f"SELECT id, {shown} FROM codes")}
    lost = dict.fromkeys(character_sets, 0)
    for row in result.rows("codes"):
        for name, code in zip(character_sets, there[row["id"]], strict=True):
            text = row[name]
            lost[name] += (
                text is None or "\ufffd" in text or text.count("?") > question_marks(code, name)
            )
    assert min(lost[name] for name in ("cp932", "gbk", "euckr", "greek")) > 0
    (file,) = result.files("codes")
    conversions = file.facts["conversions"]
    assert {name: sum(reasons.values()) for name, reasons in conversions.items()} == {
        name: number for name, number in lost.items() if number
    }
    assert conversions["gbk"].keys() == {Reason.OTHER_TEXT}


@pytest.mark.fault(90)
def test_strict_stops_at_a_code_without_a_character(source: Source) -> None:
    source.make("codes", "id INT PRIMARY KEY, v VARCHAR(9) CHARACTER SET gbk")
    source.sql("INSERT INTO codes VALUES (1, 'fine?'), (2, X'AAA1')")
    result = source.run(source.catalog("codes"), backup_strict=True)
    assert isinstance(result.error, SourceError)
    assert (result.error.column, result.error.key) == ("v", "id=2")
