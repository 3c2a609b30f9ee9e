"""Character sets, collations, and texts that each of them can hold."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from anydb.generate import quoting
from anydb.generate.model import Server

#: Texts that files, quotes, markers or comparisons may trip over.
EDGE_TEXTS = (
    "", " ", "a", "A", "a ", "a  ", " a", "b", "NULL", "null", "\\N", "@NULL@", "N/A", "0", "1e5",
    '"', '""', "'", "`", ",", ";", "|", "\\", "\\\\", "a,b", 'a"b', "a'b", "{}", "$1", "%s", "%",
    "\t", "\n", "\r", "\r\n", "a\nb", "\x1a", "\x7f", "--", "/* */", "true", "2024-01-01",
)  # fmt: skip
NUL_TEXTS = ("\0", "a\0", "a\0b")
WIDE_TEXTS = (
    "é", "É", "e\u0301", "ß", "ss", "ﬁ", "İ", "\u0131", "한글", "漢字", "ｱ", "ア", "\u00a0",
    "\u2028",    "\ufeff", "\ufffd", "\uffff", "\u200b", "עברית", "ไทย", "Ω", "Я", "\x85", "\u3000",
)  # fmt: skip
ASTRAL_TEXTS = ("😀", "a😀b", "\U0001d54f", "\U0010ffff", "👨‍👩‍👧")


@dataclass(frozen=True)
class Charset:
    """A character set.

    Attributes:
        name: MySQL's name.
        collations: Some of its collations.
        letters: Characters that it has besides ASCII.
        width: Bytes of a character, at most.
        raw: Whether bytes are tried that may be no characters.
    """

    name: str
    collations: tuple[str, ...]
    letters: str
    width: int = 1
    raw: bool = False

    def texts(self, longest: int) -> st.SearchStrategy[str]:
        """SQL literals."""
        special = [*EDGE_TEXTS, *NUL_TEXTS]
        if self.name.startswith(("utf", "ucs")):
            special += WIDE_TEXTS
        if self.name in ("utf8mb4", "utf16", "utf16le", "utf32"):
            special += ASTRAL_TEXTS
        fitting = [text for text in special if len(text) <= longest]
        common = [text for text in fitting if "\0" not in text]
        alphabet = st.sampled_from("abcXYZ 09_-.\"'," + self.letters)
        found = (
            st.sampled_from(common).map(quoting.text)
            | st.text(alphabet, max_size=min(longest, 12)).map(quoting.text)
            | st.sampled_from(fitting).map(quoting.text)
        )
        if not self.raw:
            return found
        binary = st.binary(min_size=1, max_size=min(longest, 4)).map(
            lambda value: f"_{self.name} X'{value.hex()}'"
        )
        return found | binary


_BOTH = (
    Charset("latin1", ("latin1_swedish_ci", "latin1_bin", "latin1_general_cs"), "éÿ€Øß", 1, True),
    Charset("ascii", ("ascii_general_ci", "ascii_bin"), ""),
    Charset("ucs2", ("ucs2_general_ci", "ucs2_bin", "ucs2_unicode_ci"), "é한Я\ufffd", 2, True),
    Charset("utf16", ("utf16_general_ci", "utf16_bin"), "é한😀", 4),
    Charset("utf32", ("utf32_general_ci", "utf32_bin"), "é한😀", 4),
    Charset("utf8mb3", ("utf8mb3_general_ci", "utf8mb3_bin"), "é한Я", 3),
    Charset("euckr", ("euckr_korean_ci", "euckr_bin"), "한글가힣", 2, True),
    Charset("sjis", ("sjis_japanese_ci", "sjis_bin"), "日本表ソｱ", 2, True),
    Charset("cp932", ("cp932_japanese_ci", "cp932_bin"), "日本表ソ①㈱\uff5e", 2),
    Charset("ujis", ("ujis_japanese_ci", "ujis_bin"), "日本表ソ", 3),
    Charset("gbk", ("gbk_chinese_ci", "gbk_bin"), "汉字表", 2),
    Charset("big5", ("big5_chinese_ci", "big5_bin"), "漢字功", 2),
    Charset("koi8r", ("koi8r_general_ci", "koi8r_bin"), "ЯжЁ", 1, True),
    Charset("cp1251", ("cp1251_general_ci", "cp1251_bin"), "ЯжЁ", 1, True),
    Charset("cp1250", ("cp1250_general_ci", "cp1250_bin"), "łŽ", 1, True),
    Charset("latin2", ("latin2_general_ci", "latin2_bin"), "łŽ", 1, True),
    Charset("latin5", ("latin5_turkish_ci",), "İ\u0131Ş"),
    Charset("greek", ("greek_general_ci", "greek_bin"), "Ωςά"),
    Charset("hebrew", ("hebrew_general_ci",), "אב"),
    Charset("tis620", ("tis620_thai_ci", "tis620_bin"), "ไทย"),
    Charset("cp850", ("cp850_general_ci",), "é½"),
    Charset("swe7", ("swe7_swedish_ci",), "åä"),
    Charset("binary", ("binary",), "é한", 1, True),
)
_UNICODE = {
    "mariadb": (
        "utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_unicode_ci", "utf8mb4_nopad_bin",
        "utf8mb4_unicode_nopad_ci", "utf8mb4_turkish_ci", "utf8mb4_uca1400_ai_ci",
        "utf8mb4_uca1400_as_cs", "utf8mb4_unicode_520_ci",
    ),
    "mysql": (
        "utf8mb4_0900_ai_ci", "utf8mb4_0900_bin", "utf8mb4_0900_as_cs", "utf8mb4_bin",
        "utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_ja_0900_as_cs",
        "utf8mb4_turkish_ci", "utf8mb4_tr_0900_ai_ci",
    ),
}  # fmt: skip
_LETTERS = "éßİ\u0131ΩЯ한漢😀\u0301"


def charsets(server: Server) -> st.SearchStrategy[Charset]:
    """Any character set; every other time UTF-8."""
    usual = Charset("utf8mb4", _UNICODE[server], _LETTERS, 4)
    return st.just(usual) | st.sampled_from(_BOTH)
