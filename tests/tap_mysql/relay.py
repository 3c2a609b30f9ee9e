"""A TCP relay between the tap and the server, on which a test can look, change and cut.

Usage: relay.py HOST PORT SEEN [--listen HOST] [--strip-tls] [--cut-after BYTES] [--cuts NUMBER]
                [--freeze-after BYTES] [--freezes NUMBER] [--until FILE] [--then SOCKET] [--in-turn]
Prints where it listens; SEEN takes what the server sends. A HOST that is a path is a Unix socket.
After the cuts, or SIGUSR1, which cuts all connections, clients that connect reach SOCKET; with
--in-turn every second one does.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
from pathlib import Path

CLIENT_SSL = 0x800


def without_tls(packet: bytes) -> bytes:
    """The server's greeting (MySQL's Protocol::HandshakeV10) less CLIENT_SSL, as one who sits in
    between would send it.
    """
    at = packet.index(b"\0", 5) + 1 + 4 + 8 + 1
    flags = int.from_bytes(packet[at : at + 2], "little")
    if not flags & CLIENT_SSL:
        raise SystemExit("the server offers no TLS to begin with")
    return packet[:at] + (flags & ~CLIENT_SSL).to_bytes(2, "little") + packet[at + 2 :]


class Relay:
    """What is between clients and the server.

    Args:
        options: As the command line says them.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options, self._clients = options, 0
        self._cuts, self._freezes = options.cuts, options.freezes
        self._seen = Path(options.seen).open("wb", buffering=0)  # noqa: SIM115 - until the end
        self._switched = asyncio.Event()
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self) -> None:
        """Listens, and says where."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, self._switch)
        server = await asyncio.start_server(self._client, self._options.listen, 0)
        print(*server.sockets[0].getsockname()[:2], flush=True)
        await server.serve_forever()

    def _switch(self) -> None:
        self._switched.set()
        for end in self._open:
            end.transport.abort()
        print("switched", flush=True)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._clients += 1
        in_turn = self._options.in_turn and self._clients % 2 == 0
        host = self._options.then if self._switched.is_set() or in_turn else self._options.host
        if host.startswith("/"):
            return await asyncio.open_unix_connection(host)
        return await asyncio.open_connection(host, self._options.port)

    async def _up(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def _down(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sent = 0
        while data := await reader.read(65_536):
            if sent == 0 and self._options.strip_tls:
                data = without_tls(data)
            sent += len(data)
            self._seen.write(data)
            if self._is_cut(sent):
                return
            await self._freeze(sent)
            writer.write(data)
            await writer.drain()

    def _is_cut(self, sent: int) -> bool:
        after = self._options.cut_after
        if after is None or sent <= after or self._cuts <= 0:
            return False
        self._cuts -= 1
        if self._cuts == 0 and self._options.then:
            self._switched.set()
        return True

    async def _freeze(self, sent: int) -> None:
        """Says nothing more, and keeps the connection, until a file is there."""
        after, until = self._options.freeze_after, self._options.until
        if after is None or sent <= after or self._freezes <= 0:
            return
        self._freezes -= 1
        while until is None or not until.exists():
            await asyncio.sleep(0.02)

    async def _client(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await self._connect()
        self._open.add(writer)
        ways = [
            asyncio.ensure_future(self._up(reader, server_writer)),
            asyncio.ensure_future(self._down(server_reader, writer)),
        ]
        with contextlib.suppress(OSError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        self._open.discard(writer)
        for end in (writer, server_writer):
            end.transport.abort()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("port", type=int)
    parser.add_argument("seen")
    parser.add_argument("--listen", default="127.0.0.1")
    parser.add_argument("--strip-tls", action="store_true")
    parser.add_argument("--cut-after", type=int)
    parser.add_argument("--cuts", type=int, default=0)
    parser.add_argument("--freeze-after", type=int)
    parser.add_argument("--freezes", type=int, default=0)
    parser.add_argument("--until", type=Path)
    parser.add_argument("--then")
    parser.add_argument("--in-turn", action="store_true")
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(Relay(parser.parse_args()).serve())
