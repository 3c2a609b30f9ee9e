"""A headless Chromium, driven by the DevTools protocol over a pipe.

https://chromedevtools.github.io/devtools-protocol/ (--remote-debugging-pipe: JSON messages that end
in a NUL byte, in on descriptor 3, out on descriptor 4).
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

FLAGS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--window-size=1400,1000", "--allow-file-access-from-files", "--remote-debugging-pipe"),
)


class Browser:
    """One page. Collects what its console says of errors, and what it asks the network for."""

    def __init__(self, profile: Path) -> None:
        with ExitStack() as undo:
            self._start(profile, undo)
            self._attach()
            self._stack = undo.pop_all()

    def _start(self, profile: Path, stack: ExitStack) -> None:
        to_read, self._out = os.pipe()
        stack.callback(os.close, self._out)
        self._in, to_write = os.pipe()
        stack.callback(os.close, self._in)
        try:
            # Descriptors 3 and 4 are set by the shell, which needs no code between fork and exec.
            process = subprocess.Popen(
                [
                    *("bash", "-c", f'exec "$@" 3<&{to_read} 4>&{to_write}', "bash"),
                    *("/usr/bin/chromium", *FLAGS, f"--user-data-dir={profile}", "about:blank"),
                ],
                pass_fds=(to_read, to_write),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        finally:
            os.close(to_read)
            os.close(to_write)
        stack.callback(process.wait)
        stack.callback(process.kill)

    def _attach(self) -> None:
        self._buffer = b""
        self._number = 0
        self.errors: list[str] = []
        self.requests: list[str] = []
        targets = self._call("Target.getTargets")["targetInfos"]
        page = next(target for target in targets if target["type"] == "page")
        attach = {"targetId": page["targetId"], "flatten": True}
        self._session = self._call("Target.attachToTarget", **attach)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: object) -> Any:
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: object) -> Any:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 90
        while (answer := self._next(deadline)).get("id") != self._number:
            self._note(answer)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._in], [], [], max(0, deadline - time.monotonic()))
            chunk = os.read(self._in, 1 << 16) if ready else b""
            assert chunk, "chromium gives no answer"
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer

    def _note(self, event: dict[str, Any]) -> None:
        method, told = event.get("method"), event.get("params", {})
        if method == "Runtime.exceptionThrown":
            self.errors.append(str(told["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "assert"):
            self.errors.append(str([argument.get("value") for argument in told["args"]]))
        elif method == "Log.entryAdded" and told["entry"]["level"] == "error":
            self.errors.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")
        elif method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])

    def open(self, url: str) -> None:
        self.call("Page.navigate", url=url)

    def ask(self, script: str) -> Any:
        """The value of a JavaScript expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        return result["result"].get("value")

    def wait(self, script: str, seconds: float = 60) -> Any:
        """Asks until the answer is true; returns it."""
        deadline = time.monotonic() + seconds
        while not (answer := self.ask(script)):
            assert time.monotonic() < deadline, f"never true: {script}"
            time.sleep(0.2)
        return answer

    def close(self) -> None:
        self._stack.close()
