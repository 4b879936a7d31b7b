"""Requests to the API of a code host: to a single host, with retries when rate-limited."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, Request, build_opener

__all__ = [
    "Answer",
    "Api",
    "Refused",
    "Unexpected",
]


TIMEOUT = 30
"""Timeout of a request in seconds."""


PATIENCE = 60
"""Maximum total waiting time in seconds."""


PAUSES = (2, 4, 8)
"""Seconds before each retry, if the server does not specify them."""


@dataclass(frozen=True)
class Answer:
    """The server's answer: status, headers in lower case, and the JSON body."""

    status: int
    headers: Mapping[str, str]
    value: Any


class Refused(Exception):
    """A failed request.

    `status` is 0 without an answer; `limited` if rate-limited, with the `seconds` to wait if the
    server states them.
    """

    def __init__(
        self, status: int, message: str, *, limited: bool = False, seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.limited = limited
        self.seconds = seconds

    @property
    def may_be_done(self) -> bool:
        """Whether the server may have executed the request."""
        return self.status == 0 or self.status >= 500


class Unexpected(Refused):
    """An answer that does not match the API of a code host."""

    def __init__(self, message: str) -> None:
        super().__init__(0, message)


class _NoRedirect(HTTPRedirectHandler):
    """Refuses redirects: the token is only sent to the given address."""

    def redirect_request(self, *_: Any) -> None:
        return None


@dataclass
class Api:
    """The API at `base`, with the headers that contain the token.

    `before_retry` is called before a request that may have been executed is sent again, and decides
    whether it is still needed.
    """

    base: str
    headers: Mapping[str, str]
    _waited: float = 0.0
    _opener: OpenerDirector = field(default_factory=lambda: build_opener(_NoRedirect))

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        before_retry: Callable[[], bool] = lambda: True,
    ) -> Answer | None:
        """The answer to a request; None if `before_retry` found it already done.

        Raises :class:`Refused`.
        """
        for attempt in range(len(PAUSES) + 1):
            try:
                return self._once(method, path, body)
            except Refused as refused:
                pause = self._pause(refused, attempt)
                if pause is None:
                    raise
                self._wait(pause, refused)
                if refused.may_be_done and not before_retry():
                    return None
        raise AssertionError("the last attempt returns or raises")

    def is_here(self, url: str) -> bool:
        """Whether `url` is on the host that the token is for."""
        return urlsplit(url)[:2] == urlsplit(self.base)[:2]

    def _once(self, method: str, path: str, body: Any) -> Answer:
        url = path if "://" in path else self.base + path
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, **({"Content-Type": "application/json"} if data else {})}
        request = Request(url, data, headers, method=method)
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                text = response.read()
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Answer(response.status, headers, _parsed(text))
        except HTTPError as error:
            raise _refused(error) from None
        except (URLError, HTTPException, OSError, ValueError) as error:
            reason = getattr(error, "reason", error)
            raise Refused(0, str(reason) or type(error).__name__) from None

    def _pause(self, refused: Refused, attempt: int) -> float | None:
        """Seconds to wait before the next attempt; None if there is none."""
        if attempt == len(PAUSES) or isinstance(refused, Unexpected):
            return None
        if refused.limited and refused.seconds is not None:
            return refused.seconds
        return PAUSES[attempt] if refused.limited or refused.may_be_done else None

    def _wait(self, seconds: float, refused: Refused) -> None:
        if self._waited + seconds > PATIENCE:
            raise refused
        self._waited += seconds
        self._sleep(seconds)

    def _sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text) if text else None
    except (ValueError, RecursionError):
        raise Unexpected("a text that is not JSON") from None


def _refused(error: HTTPError) -> Refused:
    message = _message(error)
    headers = {name.lower(): value for name, value in error.headers.items()}
    limited = error.code == 429 or (
        error.code == 403
        and (
            "retry-after" in headers
            or headers.get("x-ratelimit-remaining") == "0"
            or "secondary rate limit" in message.lower()
        )
    )
    return Refused(error.code, message, limited=limited, seconds=_seconds(headers))


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 12


def _seconds(headers: Mapping[str, str]) -> float | None:
    if _is_number(headers.get("retry-after", "")):
        return float(headers["retry-after"])
    if _is_number(headers.get("x-ratelimit-reset", "")):
        return max(0.0, float(headers["x-ratelimit-reset"]) - time.time())
    return None


def _message(error: HTTPError) -> str:
    """The server's error message: from its JSON, otherwise the text of the status."""
    try:
        said = json.loads(error.read() or b"null")
    except (ValueError, OSError, RecursionError):
        said = None
    message = said.get("message") or said.get("error") if isinstance(said, dict) else None
    return str(message or error.reason)
