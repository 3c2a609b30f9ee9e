"""The requested tables as the log describes them: which rows' keys to read, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from mysql_binlog.errors import DamagedLog, UnreadableChange
from mysql_binlog.events.codes import (
    COMPRESSED_ROWS,
    DUMMY_TABLE,
    HEADER,
    SECOND_VERSION,
    STATEMENT_END,
    UPDATES,
    Code,
)
from mysql_binlog.events.event import Event
from mysql_binlog.events.source import Reader, inflated
from mysql_binlog.model import Key, KeyColumns, Kind, Statement, Table
from mysql_binlog.plain.kernel import Kernel, PlainTable, values
from mysql_binlog.rows.charsets import Charsets
from mysql_binlog.rows.keys import places, unknown_widths
from mysql_binlog.rows.table_map import TableMap, columns_as_text, table_map, table_names
from mysql_binlog.rows.values import decoder, struct_code
from mysql_binlog.rows.walk import Images, Layout, rows_in_memory, stream_rows

#: Table maps that are kept; there is one per table, until it is altered.
_MOST_MAPS = 4096
#: Compressed rows of at most this many bytes are decompressed in one piece.
_IN_MEMORY = 16 * 2**20
#: As the kernel numbers them.
_KINDS: tuple[Kind, ...] = ("write", "update", "delete")


class WantedTable:
    """A wanted table, as one table map describes it.

    Attributes:
        name: The table, as it was asked for.
        layout: How its rows are laid out.
    """

    def __init__(self, name: Table, layout: Layout) -> None:
        self.name, self.layout = name, layout
        self._images: dict[bytes, Images] = {}
        #: For the kernel; None if it cannot read the rows.
        self.plain: PlainTable | None = None
        if PlainTable.can_be(layout.places):
            widths = layout.widths
            fixed, prefix = [w.fixed for w in widths], [w.prefix for w in widths]
            self.plain = PlainTable(fixed, prefix, layout.places, layout.codes)

    def images(self, present: bytes) -> Images:
        """The walker of images that have these columns."""
        if present not in self._images:
            if len(self._images) > _MOST_MAPS:
                self._images.clear()
            self._images[present] = Images(self.layout, present)
        return self._images[present]


class Tables:
    """Finds the keys in row events.

    Args:
        wanted: The tables and their keys.
        charsets: Reads text.
        fold: How the server compares names of tables.
    """

    def __init__(
        self, wanted: Mapping[Table, KeyColumns], charsets: Charsets,
        fold: Callable[[str], str] = str,
    ) -> None:  # fmt: skip
        self.wanted, self._charsets, self._fold = wanted, charsets, fold
        self._names = {(fold(schema), fold(name)): (schema, name) for schema, name in wanted}
        self._known: dict[bytes, WantedTable | None] = {}
        self._by_id: dict[bytes, WantedTable | None] = {}
        #: Takes plain events.
        self.kernel = Kernel()
        self._by_plain: dict[PlainTable, WantedTable] = {}
        #: Tables reported already because their rows do not have the columns of today.
        self._unlike: set[Table] = set()
        #: Tables of which some keys are not text in the character set of today.
        self._unreadable: dict[Table, str] = {}

    def begin_file(self) -> None:
        """Forgets the numbers of tables, which are valid for one file at most."""
        self._by_id.clear()
        self._by_plain.clear()
        self.kernel.forget()

    def describe(self, event: bytes) -> Statement | None:
        """Takes a TABLE_MAP_EVENT.

        Returns:
            A statement that keys cannot be read, once per table.
        """
        number, body = event[HEADER.size : HEADER.size + 6], event[HEADER.size + 8 :]
        told = None
        if body not in self._known:
            if len(self._known) > _MOST_MAPS:
                self._known.clear()
            self._known[body], told = self._read(body)
        table = self._by_id[number] = self._known[body]
        self._tell_kernel(int.from_bytes(number, "little"), body, table)
        return told

    def _tell_kernel(self, number: int, body: bytes, table: WantedTable | None) -> None:
        if table is None:
            self.kernel.describe(number, body, None)
        elif table.plain is None:
            self.kernel.forget_number(number)
        else:
            self._by_plain[table.plain] = table
            self.kernel.describe(number, body, table.plain)

    def plain_rows(self) -> Iterator[tuple[Table, Kind, Iterable[Key]]]:
        """The keys that the kernel has reported, with table and kind, in the log's order."""
        for plain, kind, count, told in self.kernel.records():
            table = self._by_plain[plain]
            if plain.key is not None:
                yield table.name, _KINDS[kind], plain.key.iter_unpack(told)
            else:
                yield table.name, _KINDS[kind], _decoded(table.layout, bytes(told), count)

    def _read(self, body: bytes) -> tuple[WantedTable | None, Statement | None]:
        schema, name, _ = table_names(body)
        table = self._names.get((self._fold(schema), self._fold(name)))
        if table is None:
            return None, None
        key, logged = self.wanted[table], table_map(body)
        where = places(key, logged)
        if where is None:
            return None, self._told_unlike(table, logged)
        if column := unknown_widths(key, logged):
            raise UnreadableChange(
                f"{schema}.{name} keeps column {column} in MariaDB's old format of times, whose "
                f"length is not logged: ALTER TABLE {schema}.{name} FORCE with "
                "mysql56_temporal_format=ON"
            )
        return WantedTable(table, self._layout(table, logged, where)), None

    def _told_unlike(self, table: Table, logged: TableMap) -> Statement | None:
        if table in self._unlike:
            return None
        self._unlike.add(table)
        text = f"rows were logged with other columns: {columns_as_text(logged.columns)}"
        return Statement("layout", table, text, keys_uncertain=True)

    def _layout(self, table: Table, logged: TableMap, where: tuple[int, ...]) -> Layout:
        key = self.wanted[table]
        today = {column.name: column for column in key.columns}
        columns = [today[name] for name in key.names]
        decoders = [
            decoder(column, logged.columns[place], self._text(table, column.charset))
            for column, place in zip(columns, where, strict=True)
        ]
        return Layout.of(logged, where, decoders, [struct_code(column) for column in columns])

    def _text(self, table: Table, charset: str) -> Callable[[bytes], str]:
        charset = charset or "utf8mb4"
        decode = self._charsets.decoder(charset)

        def read(data: bytes) -> str:
            try:
                return decode(data)
            except UnicodeDecodeError:
                text = f"a key was logged that is no text in {charset}: {data[:40].hex()}"
                self._unreadable.setdefault(table, text)
                return ""

        return read

    def take_unreadable(self) -> list[Statement]:
        """Reports, once, tables with keys that are not text, as from before a change of charset."""
        found, self._unreadable = self._unreadable, {}
        return [Statement("layout", table, text, True) for table, text in found.items()]

    def rows(self, event: Event) -> tuple[Table, Iterator[Key]] | None:
        """The keys of a rows event, and their table; None if it is not wanted."""
        head = event.reader()
        number = head.take(6)
        head.skip(2)
        if number not in self._by_id:
            if int.from_bytes(number, "little") == DUMMY_TABLE:
                return None
            raise DamagedLog("rows of a table without a table map")
        table = self._by_id[number]
        if table is None:
            return None
        return table.name, _keys(table, event, head)


def _decoded(layout: Layout, told: bytes, count: int) -> Iterator[Key]:
    decoders = layout.decoders
    for key in values(told, count, len(decoders)):
        yield tuple(
            None if value is None else decode(value)
            for value, decode in zip(key, decoders, strict=True)
        )


def ends_statement(event: Event) -> bool:
    """Whether a rows event in memory is its statement's last."""
    return event.data is not None and bool(event.data[HEADER.size + 6] & STATEMENT_END)


def _keys(table: WantedTable, event: Event, head: Reader) -> Iterator[Key]:
    if event.code in SECOND_VERSION:
        head.skip(head.number(2) - 2)
    count = head.packed()
    if count != len(table.layout.widths):
        raise DamagedLog(f"rows of {table.layout.table} have {count} columns")
    size = (count + 7) // 8
    images = [table.images(head.take(size)) for _ in range(1 + (event.code in UPDATES))]
    if event.code in COMPRESSED_ROWS:
        head = inflated(head)
    partial = event.code == Code.PARTIAL_UPDATE_ROWS
    if partial or head.left is None or head.left > _IN_MEMORY:
        return stream_rows(head, images, partial=partial)
    if event.data is None or event.code in COMPRESSED_ROWS:
        rows = head.take(head.left)
        return rows_in_memory(rows, 0, images)
    return rows_in_memory(event.data, len(event.data) - head.left, images)
