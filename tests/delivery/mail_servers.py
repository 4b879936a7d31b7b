"""Mail servers on loopback: aiosmtpd with STARTTLS, TLS from the start or none, and told to refuse."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

__all__ = ["Inbox", "free_port", "mail_server", "scripted_server"]


class Inbox:
    """A handler of aiosmtpd that keeps what it takes: (sender, recipients, bytes).

    `refused` are answers to RCPT by address; `answer` is the one to a mail's content, "" closes the
    connection in its place.
    """

    def __init__(self) -> None:
        self.mails: list[tuple[str, list[str], bytes]] = []
        self.refused: dict[str, str] = {}
        self.answer = "250 taken"
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - the library's name
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 fine"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - the library's name
        if not self.answer:
            server.transport.close()
        if self.answer.startswith("2") or not self.answer:
            self.mails.append((envelope.mail_from, envelope.rcpt_tos, envelope.original_content))
        return self.answer or "421 gone"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def mail_server(
    certificate: Any = None,
    *,
    implicit: bool = False,
    login: tuple[str, str] | None = None,
    methods: Sequence[str] = ("LOGIN", "PLAIN"),
    max_bytes: int | None = None,
) -> Iterator[tuple[Inbox, int]]:
    """The inbox of a server, and its port. With a `certificate` of trustme there is TLS; with a
    `login` it is required.
    """
    from aiosmtpd.controller import Controller
    from aiosmtpd.smtp import AuthResult

    inbox, context = Inbox(), None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)

    def check(server, session, envelope, mechanism, data):
        inbox.logins.append((data.login, data.password))
        given = (data.login.decode(), data.password.decode())
        return AuthResult(success=given == login, handled=given == login)

    options: dict[str, Any] = {"data_size_limit": max_bytes, "ident": "test"}
    if login:
        options |= {
            "authenticator": check, "auth_required": True, "auth_require_tls": not implicit,
            "auth_exclude_mechanism": [one for one in ("LOGIN", "PLAIN") if one not in methods],
        }  # fmt: skip
    if context and not implicit:
        options["tls_context"] = context
    controller = Controller(
        inbox, "127.0.0.1", free_port(), ssl_context=context if implicit else None,
        ready_timeout=20, **options,
    )  # fmt: skip
    controller.start()
    try:
        yield inbox, controller.port
    finally:
        controller.stop()


@contextmanager
def scripted_server(*answers: str) -> Iterator[int]:
    """The port of a server that gives one answer after the other, whatever it is told, and closes
    the connection after the last; None answers say nothing.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        listener.settimeout(20)

        def serve() -> None:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(20)
                for i, answer in enumerate(answers):
                    try:
                        if i and not connection.recv(65_536):
                            return
                        connection.sendall(f"{answer}\r\n".encode())
                    except OSError:
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(timeout=20)
