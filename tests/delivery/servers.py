"""A code host on loopback, as far as comments go: it keeps comments, and can be told to misbehave."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["CodeHost", "code_host"]


class CodeHost:
    """What the server holds and was asked.

    `answers` are (status, headers, body) that the next requests of a method get in place of the
    right answer; ``taken`` requests are done all the same.
    """

    def __init__(self, base: str, kind: str) -> None:
        self.base, self.kind = base, kind
        self.comments: list[dict[str, Any]] = []
        self.requests: list[tuple[str, str, dict[str, str], Any]] = []
        self.answers: dict[str, list[tuple[int, dict[str, str], Any]]] = {}
        self.taken = False
        self.login, self.user_refused = "bot", False
        self.pulls: list[dict[str, Any]] = []

    def add(self, body: str, author: str = "bot") -> dict[str, Any]:
        number = max((one["id"] for one in self.comments), default=0) + 1
        who = {"login": author, "username": author}
        url = f"{self.base}/c/{number}"
        one = {"id": number, "body": body, "user": who, "author": who, "html_url": url}
        self.comments.append(one)
        return one

    def asked(self, method: str) -> list[str]:
        return [path for one, path, _, _ in self.requests if one == method]

    def answer(self, method: str, path: str, body: Any) -> tuple[int, dict[str, str], Any]:
        parts = urlsplit(path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path == "/user":
            refused = (403, {}, {"message": "Resource not accessible by integration"})
            return (
                refused
                if self.user_refused
                else (200, {}, {"login": self.login, "username": self.login})
            )
        if parts.path.endswith(("/pulls", "/merge_requests")):
            return 200, {}, self.pulls
        if method == "GET":
            return self._page(parts.path, query)
        if method == "POST":
            return 201, {}, self.add(body["body"])
        number = int(parts.path.rsplit("/", 1)[1])
        found = [one for one in self.comments if one["id"] == number]
        if not found:
            return 404, {}, {"message": "Not Found"}
        if method == "DELETE":
            self.comments.remove(found[0])
            return 204, {}, None
        found[0]["body"] = body["body"]
        return 200, {}, found[0]

    def _page(self, path: str, query: dict[str, str]) -> tuple[int, dict[str, str], Any]:
        size, page = int(query["per_page"]), int(query.get("page", 1))
        shown = self.comments[(page - 1) * size : page * size]
        if page * size >= len(self.comments):
            return 200, {}, shown
        url = f"{self.base}{path}?per_page={size}&page={page + 1}"
        return 200, {"Link": f'<{url}>; rel="next"', "X-Next-Page": str(page + 1)}, shown


@contextmanager
def code_host(kind: str) -> Iterator[CodeHost]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            headers = {name.lower(): value for name, value in self.headers.items()}
            host.requests.append((self.command, self.path, headers, body))
            planned = host.answers.get(self.command)
            if planned:
                if host.taken:
                    host.answer(self.command, self.path, body)
                status, extra, value = planned.pop(0)
            else:
                status, extra, value = host.answer(self.command, self.path, body)
            content = value if isinstance(value, bytes) else json.dumps(value).encode()
            content = b"" if value is None else content
            self.send_response(status)
            for name, text in extra.items():
                self.send_header(name, text)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = handle_any  # noqa: N815

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    host = CodeHost(f"http://127.0.0.1:{server.server_port}", kind)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield host
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
