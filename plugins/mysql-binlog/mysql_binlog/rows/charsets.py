"""Bytes of any character set to text, exactly as the server does it."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import pymysql

_UNICODE = {
    **dict.fromkeys(("utf8", "utf8mb3", "utf8mb4", "ascii"), "utf-8"),
    **dict.fromkeys(("ucs2", "utf16"), "utf-16-be"),
    "utf16le": "utf-16-le",
    "utf32": "utf-32-be",
}


class Charsets:
    """Makes text of bytes.

    Unicode is decoded here. Other sets are the server's own: those of one byte per character are
    asked for once, as a table of 256 characters; those of several, value by value.

    Args:
        connection: To the server, in utf8mb4.
    """

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        self._decoders: dict[str, Callable[[bytes], str]] = {}

    def decoder(self, charset: str) -> Callable[[bytes], str]:
        """The function that decodes text in this character set.

        It raises UnicodeDecodeError where bytes are not text in it.
        """
        if charset not in self._decoders:
            self._decoders[charset] = self._make(charset)
        return self._decoders[charset]

    def _make(self, charset: str) -> Callable[[bytes], str]:
        if codec := _UNICODE.get(charset):
            return lambda data: data.decode(codec)
        sizes = self._ask("SELECT MAXLEN FROM information_schema.CHARACTER_SETS"
                          " WHERE CHARACTER_SET_NAME = %s", charset)  # fmt: skip
        if sizes == 1:
            everything = bytes(range(256))
            table = [self._converted(everything[at : at + 1], charset) for at in everything]
            return lambda data: "".join([table[byte] for byte in data])
        return lru_cache(maxsize=65_536)(lambda data: self._converted(data, charset))

    def _converted(self, data: bytes, charset: str) -> str:
        # The name comes from information_schema, and a character set is written without quotes.
        return str(self._ask(f"SELECT CONVERT(_{charset} X'{data.hex()}' USING utf8mb4)"))

    def _ask(self, sql: str, *arguments: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, arguments or None)
            row = cursor.fetchone()
        return row[0] if row else None
