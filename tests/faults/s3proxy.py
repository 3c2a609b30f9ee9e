"""An HTTP proxy before the real S3 server: sees every request, and breaks or changes some."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

_SEAL = "x-amz-server-side-encryption"
_OWNER = "x-amz-expected-bucket-owner"


class Proxy:
    """Stands before the real S3 server, sees every request, and breaks some.

    Attributes:
        seen: Method and path with query of every request.
        before: Called with a request's method and path before it is passed on; a number that it
            gives is answered as the HTTP status, and the request goes no further.
        after: Called likewise when S3 has answered; True drops the answer on the way back.
    """

    def __init__(self, endpoint: str) -> None:
        self.seen: list[tuple[str, str]] = []
        self.before: Callable[[str, str], int | None] = lambda *_: None
        self.after: Callable[[str, str], bool] = lambda *_: False
        self.code = "SlowDown"
        upstream = urlsplit(endpoint).netloc
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                proxy.seen.append((self.command, self.path))
                status = proxy.before(self.command, self.path)
                if status is not None:
                    error = f"<Error><Code>{proxy.code}</Code><Message>x</Message></Error>"
                    self._answer(status, {"Content-Type": "application/xml"}, error.encode())
                    return
                link = http.client.HTTPConnection(upstream, timeout=30)
                headers = {k: v for k, v in self.headers.items() if k.lower() != "expect"}
                headers = proxy.outgoing(self.command, self.path, headers)
                link.request(self.command, self.path, body, headers)
                answer = link.getresponse()
                content = answer.read()
                link.close()
                if proxy.after(self.command, self.path):
                    self.close_connection = True
                    return
                told = dict(answer.getheaders())
                self._answer(answer.status, proxy.incoming(self.command, self.path, told), content)

            def _answer(self, status: int, headers: Mapping[str, str], content: bytes) -> None:
                self.send_response_only(status)
                for name, value in headers.items():
                    if name.lower() not in ("transfer-encoding", "content-length", "connection"):
                        self.send_header(name, value)
                length = headers.get("Content-Length") if self.command == "HEAD" else len(content)
                self.send_header("Content-Length", str(length or 0))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: Any) -> None:
                """Says nothing: clients are killed here on purpose."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def outgoing(self, method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
        """The headers with which a request is passed on."""
        del method, path
        return headers

    def incoming(self, method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
        """The headers with which an answer is passed back."""
        del method, path
        return headers

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@dataclass(frozen=True)
class Request:
    """A request as the client signed and sent it."""

    method: str
    path: str
    headers: dict[str, str] = field(repr=False)

    @property
    def makes_an_object(self) -> bool:
        """PutObject, CreateMultipartUpload or CopyObject; a part of an upload is none."""
        query = parse_qs(urlsplit(self.path).query, keep_blank_values=True)
        return (self.method == "PUT" and "uploadId" not in query) or (
            self.method == "POST" and "uploads" in query
        )


class _Resigning(S3SigV4Auth):
    """Signs a request again whose body was described by the first signature."""

    def payload(self, request: AWSRequest) -> str:
        return str(request.context["payload"])


class SealingProxy(Proxy):
    """Seals objects, as far as the client can tell: S3 itself gets the requests without it.

    Attributes:
        requests: Every request, as it came.
    """

    def __init__(self, endpoint: str, access_key: str, secret_key: str, region: str) -> None:
        self.requests: list[Request] = []
        self._sealed: dict[str, dict[str, str]] = {}
        self._upstream = endpoint
        self._signer = _Resigning(Credentials(access_key, secret_key), "s3", region)
        super().__init__(endpoint)

    def outgoing(self, method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
        lower = {name.lower(): value for name, value in headers.items()}
        request = Request(method, path, lower)
        self.requests.append(request)
        if request.makes_an_object and _SEAL in lower:
            self._sealed[urlsplit(path).path] = {
                name: value for name, value in lower.items() if name.startswith(_SEAL)
            }
        kept = {
            name: value
            for name, value in lower.items()
            if not name.startswith((_SEAL, _OWNER, "authorization", "x-amz-date"))
        }
        signed = {name: value for name, value in kept.items() if name.startswith("x-amz-")}
        again = AWSRequest(method, self._upstream + path, headers=signed)
        again.headers["host"] = urlsplit(self._upstream).netloc
        again.context["payload"] = lower.get("x-amz-content-sha256", "UNSIGNED-PAYLOAD")
        self._signer.add_auth(again)
        return kept | {name.lower(): value for name, value in again.headers.items()}

    def incoming(self, method: str, path: str, headers: dict[str, str]) -> dict[str, str]:
        del method
        return headers | self._sealed.get(urlsplit(path).path, {})
