"""Nights, and a web server for their alerts."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from projects.nights import Night, new_night
from sessions.worlds import SEEDED, Worlds
from tidemark_sandbox.world import Sandbox


@pytest.fixture(scope="module")
def world(worlds: Worlds) -> Iterator[Sandbox]:
    """A sandbox of its own: its parts are broken, its warehouse is compared with one lake."""
    with worlds.running(SEEDED) as (world, _):
        yield world


@pytest.fixture(scope="module")
def make_night(world: Sandbox, project_root: Path) -> Callable[[Path], Night]:
    """Makes a night with a lake of its own; takes the folder that it writes to."""
    return lambda folder: new_night(world, project_root, folder)


@pytest.fixture(scope="module")
def night(make_night: Callable[[Path], Night], tmp_path_factory: pytest.TempPathFactory) -> Night:
    return make_night(tmp_path_factory.mktemp("night"))


class Hook(HTTPServer):
    """A web server that alerts are posted to."""

    received: list[dict[str, Any]]
    status = 200
    reason: str | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/T0/secret"


class Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append(json.loads(body))
        self.send_response(self.server.status, self.server.reason)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Says nothing."""


@pytest.fixture
def hook() -> Iterator[Hook]:
    with Hook(("127.0.0.1", 0), Handler) as server:
        server.received = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
