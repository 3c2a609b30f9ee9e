"""A TCP relay between the tap and the server, on which a test can look, change and cut.

Usage: relay.py HOST PORT SEEN [--listen HOST] [--strip-tls] [--cut-after BYTES] [--cuts NUMBER]
                [--freeze-after BYTES] [--freezes NUMBER] [--until FILE] [--then SOCKET] [--in-turn]
Prints where it listens; SEEN takes what the server sends. A HOST that is a path is a Unix socket.
After the cuts, or SIGUSR1, clients that connect reach SOCKET; with --in-turn every second one does.
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


async def serve(options: argparse.Namespace) -> None:
    seen = Path(options.seen).open("wb", buffering=0)  # noqa: SIM115 - as long as the process
    cuts, freezes, clients = options.cuts, options.freezes, 0
    switched = asyncio.Event()

    def switch() -> None:
        switched.set()
        print("switched", flush=True)

    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, switch)

    async def connect() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        nonlocal clients
        clients += 1
        second = switched.is_set() or (options.in_turn and clients % 2 == 0)
        host = options.then if second else options.host
        if host.startswith("/"):
            return await asyncio.open_unix_connection(host)
        return await asyncio.open_connection(host, options.port)

    async def up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()

    async def down(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal cuts, freezes
        sent = 0
        while data := await reader.read(65_536):
            if sent == 0 and options.strip_tls:
                data = without_tls(data)
            sent += len(data)
            seen.write(data)
            if options.cut_after is not None and sent > options.cut_after and cuts > 0:
                cuts -= 1
                if cuts == 0 and options.then:
                    switched.set()
                return
            if options.freeze_after is not None and sent > options.freeze_after and freezes > 0:
                freezes -= 1
                # Says nothing more, and keeps the connection, until a file is there.
                while options.until is None or not options.until.exists():
                    await asyncio.sleep(0.02)
            writer.write(data)
            await writer.drain()

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await connect()
        ways = [
            asyncio.ensure_future(up(reader, server_writer)),
            asyncio.ensure_future(down(server_reader, writer)),
        ]
        with contextlib.suppress(OSError):
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        for way in ways:
            way.cancel()
        for end in (writer, server_writer):
            end.transport.abort()

    server = await asyncio.start_server(client, options.listen, 0)
    print(*server.sockets[0].getsockname()[:2], flush=True)
    await server.serve_forever()


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
        asyncio.run(serve(parser.parse_args()))
