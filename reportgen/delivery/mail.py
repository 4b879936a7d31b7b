"""Sends a mail by SMTP, over verified TLS.

User and password come only from the environment. They are in no message, also not in quoted server
replies.
"""

from __future__ import annotations

import base64
import contextlib
import datetime
import os
import re
import smtplib
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.errors import MessageError
from email.header import Header
from email.headerregistry import Address
from email.parser import BytesHeaderParser
from email.utils import format_datetime
from typing import NamedTuple, NoReturn

from reportgen.errors import DataError, DeliveryError, UsageError
from reportgen.rendering import header_line, header_text
from reportgen.text import middle_cut, printable, quoted

__all__ = [
    "Envelope",
    "Login",
    "Mailbox",
    "Sent",
    "SmtpServer",
    "envelope_of",
    "read_login",
    "read_server",
    "send_mail",
    "sent_form",
]


TIMEOUT = 30.0
"""Timeout of a server reply in seconds."""


MOST_RECIPIENTS = 50


TLS = ("starttls", "implicit", "none")


PORTS = {"starttls": 587, "implicit": 465, "none": 25}


USER, PASSWORD = "REPORTGEN_SMTP_USER", "REPORTGEN_SMTP_PASSWORD"


class Sent(NamedTuple):
    """The accepted recipients; none if the verdict is not one of those requested."""

    word: str
    recipients: tuple[str, ...]
    verdict: str = ""


@dataclass(frozen=True)
class SmtpServer:
    """The SMTP server; `tls` is ``starttls``, ``implicit`` or ``none``."""

    host: str
    port: int
    tls: str

    def __str__(self) -> str:
        return f"{printable(self.host)}:{self.port}"


@dataclass(frozen=True)
class Login:
    """User and password; hidden in the repr."""

    user: str = field(repr=False)
    password: str = field(repr=False)

    def hidden_in(self, text: str) -> str:
        """`text` without them, in plain form and as encoded on the wire."""
        plain = [self.user, self.password, f"\0{self.user}\0{self.password}"]
        coded = [_base64(one) for one in plain]
        for secret in sorted({*plain, *coded} - {""}, key=len, reverse=True):
            text = text.replace(secret, "***")
        return text


@dataclass(frozen=True)
class Mailbox:
    """An address as used by servers, and a display name, which may be empty."""

    name: str
    address: str


@dataclass(frozen=True)
class Envelope:
    """Sender and recipients of a mail."""

    sender: Mailbox
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...] = ()
    reply_to: Mailbox | None = None

    @property
    def recipients(self) -> tuple[str, ...]:
        """Unique addresses."""
        return tuple(dict.fromkeys(one.address for one in (*self.to, *self.cc)))


_SERVER = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s:/@\[\]]+)(?::([0-9]{1,5}))?")


_LOGIN = re.compile(r"(?s).*@")


_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+|\[[0-9A-Fa-f:.]+\]")


def read_server(text: str, tls: str = "") -> SmtpServer:
    """Parse ``HOST[:PORT]``.

    By default, TLS is implicit at port 465, and STARTTLS elsewhere; the port is the usual one for
    `tls`. Raises :class:`UsageError` (``option-value``).
    """
    if tls and tls not in TLS:
        raise UsageError(f"--tls {quoted(tls)} is not one of {', '.join(TLS)}", slug="option-value")
    found = _SERVER.fullmatch(text)
    port = int(found[2] or 0) if found else 0
    if not found or not (found[2] is None or 0 < port < 65_536) or not _is_host(found[1]):
        raise UsageError(
            f"--smtp {quoted(_LOGIN.sub('***@', text))} is not a server",
            slug="option-value",
            hint='write it as in "mail.example.org" or "mail.example.org:587"',
        )
    tls = tls or ("implicit" if port == PORTS["implicit"] else "starttls")
    return SmtpServer(found[1].strip("[]"), port or PORTS[tls], tls)


def _is_host(text: str) -> bool:
    """Whether `text` is a valid host name for a lookup: no part is empty or too long."""
    try:
        return _HOST.fullmatch(text.encode("idna").decode()) is not None
    except UnicodeError:
        return False


def read_login(server: SmtpServer, environ: Mapping[str, str] = os.environ) -> Login | None:
    """User and password from the environment; None if neither is set.

    Raises :class:`DeliveryError` (``mail-login``) if only one is set, or without TLS.
    """
    user, password = environ.get(USER, ""), environ.get(PASSWORD, "")
    if not user and not password:
        return None
    if not user or not password:
        raise DeliveryError(
            f"{PASSWORD if user else USER} is not set, and {USER if user else PASSWORD} is",
            slug="mail-login",
            hint=f"set both {USER} and {PASSWORD}, or neither",
        )
    if server.tls == "none":
        raise DeliveryError(
            "a login is never sent without TLS",
            slug="mail-login",
            hint=f"omit --tls none, or unset {USER} and {PASSWORD}",
        )
    return Login(user, password)


def envelope_of(
    sender: str, to: Sequence[str], cc: Sequence[str] = (), reply_to: str = ""
) -> Envelope:
    """Parse addresses: ``name@example.org`` or ``Name <name@example.org>``.

    Raises :class:`DeliveryError` (``mail-address``) for an invalid address, or too many.
    """
    envelope = Envelope(
        _mailbox(sender, "--from"),
        tuple(_mailbox(one, "--to") for one in to),
        tuple(_mailbox(one, "--cc") for one in cc),
        _mailbox(reply_to, "--reply-to") if reply_to else None,
    )
    n = len(envelope.recipients)
    if not 0 < n <= MOST_RECIPIENTS:
        raise DeliveryError(
            f"{n} recipients: a mail goes to 1 to {MOST_RECIPIENTS}",
            slug="mail-address",
            hint="send it to a mailing list" if n else "add --to name@example.org",
        )
    return envelope


_NAMED = re.compile(r"(?P<name>[^<>]*)<(?P<address>[^<>]*)>")


_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@"
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?|\[[A-Za-z0-9:.]{1,45}\])"
)


def _mailbox(text: str, option: str) -> Mailbox:
    found = _NAMED.fullmatch(text.strip(" "))
    name, address = (found["name"], found["address"]) if found else ("", text.strip(" "))
    try:
        local, at, domain = address.rpartition("@")
        address = local + at + domain.encode("idna").decode()
        known = _ADDRESS.fullmatch(address) is not None and printable(text) == text
        if known:  # for other input, the library's parser raises unrelated errors
            Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        known = False
    if not known:
        raise DeliveryError(
            f"{option} {quoted(middle_cut(text, 100))} is not one mail address",
            slug="mail-address",
            hint='write it as in "name@example.org" or "Name <name@example.org>", and repeat the '
            "option for several",
        )
    return Mailbox(name.strip(' "'), address)


def sent_form(content: bytes, envelope: Envelope) -> bytes:
    """The mail with headers for sending: From, To, Cc, Reply-To, and Date if missing.

    All other bytes are those of `content`. Raises :class:`DataError` (``mail-file``) if it is not a
    mail written by reportgen.
    """
    head = BytesHeaderParser().parsebytes(content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    ours = str(head["Message-ID"]).endswith("@reportgen.invalid>") and content.isascii()
    if not ours or {"from", "to", "cc", "bcc", "sender"} & {name.lower() for name in head}:
        raise DataError(
            "report.eml was changed after reportgen wrote it",
            slug="mail-file",
            hint="delete it and run the command again: the mail is then rebuilt from report.json",
        )
    added = [_address_line("From", [envelope.sender]), _address_line("To", envelope.to)]
    if envelope.cc:
        added.append(_address_line("Cc", envelope.cc))
    if envelope.reply_to:
        added.append(_address_line("Reply-To", [envelope.reply_to]))
    if "Date" not in head:
        now = datetime.datetime.now(datetime.UTC)
        added.append(header_line("Date", format_datetime(now)))
    return b"".join(added) + content


def _address_line(name: str, boxes: Sequence[Mailbox]) -> bytes:
    """A header of addresses, folded after each part."""
    parts = [part for box in boxes for part in (*_phrase(box.name), f"<{box.address}>,")]
    return (f"{name}: " + "\r\n ".join(parts).removesuffix(",") + "\r\n").encode("ascii")


def _phrase(name: str) -> Iterator[str]:
    """A display name in quotation marks, or in encoded words of at most 75 characters."""
    name = middle_cut(header_text(name), 64)
    if name.isascii():
        escaped = re.sub(r'(["\\])', r"\\\1", name)
        yield from [f'"{escaped}"'] * bool(name)
    else:
        for line in Header(name, "utf-8", maxlinelen=68).encode(linesep="\n").split("\n"):
            yield line.strip(" ")


def send_mail(
    server: SmtpServer, login: Login | None, envelope: Envelope, content: bytes
) -> tuple[str, ...]:
    """Send `content`, which has its From and To; return the accepted recipients.

    Raises :class:`DeliveryError`; if some recipients were refused, the others have the mail.
    """
    talk = _Talk(server, login)
    try:
        smtp = talk.connect()
    except OSError as error:
        talk.fail(error)
    try:
        return talk.submit(smtp, envelope, content)
    except OSError as error:
        talk.fail(error)
    finally:
        with contextlib.suppress(OSError):
            smtp.quit()
        smtp.close()


ASKS_LOGIN = (530, 534, 535, 538)


LATER = "run the command again later: the report is written, nothing was sent"


@dataclass
class _Talk:
    """An SMTP session; `doing` is the current step, for error messages."""

    server: SmtpServer
    login: Login | None
    doing: str = "connecting"

    def connect(self) -> smtplib.SMTP:
        """A connection ready for sending: encrypted, and logged in."""
        host, port = self.server.host, self.server.port
        context = ssl.create_default_context()
        smtp: smtplib.SMTP
        if self.server.tls == "implicit":
            smtp = smtplib.SMTP_SSL(host, port, timeout=TIMEOUT, context=context)
        else:
            smtp = smtplib.SMTP(host, port, timeout=TIMEOUT)
        try:
            self._secure(smtp, context)
            self._log_in(smtp)
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _secure(self, smtp: smtplib.SMTP, context: ssl.SSLContext) -> None:
        smtp.ehlo_or_helo_if_needed()
        if self.server.tls != "starttls":
            return
        self.doing = "STARTTLS"
        try:
            smtp.starttls(context=context)
        except smtplib.SMTPNotSupportedError:
            raise DeliveryError(
                f"{self.server} offers no STARTTLS",
                slug="mail-tls",
                hint="use its port of TLS, as in --smtp HOST:465 --tls implicit; a server without "
                "TLS, such as one on this machine, needs --tls none",
            ) from None
        smtp.ehlo_or_helo_if_needed()

    def _log_in(self, smtp: smtplib.SMTP) -> None:
        """Log in by AUTH PLAIN in UTF-8 if the server supports it, otherwise by the library."""
        if self.login is None:
            return
        self.doing = "login"
        user, password = self.login.user, self.login.password
        if "PLAIN" in smtp.esmtp_features.get("auth", "").upper().split():
            coded = _base64(f"\0{user}\0{password}")
            code, said = smtp.docmd("AUTH", f"PLAIN {coded}")
            if code != 235:
                raise smtplib.SMTPAuthenticationError(code, said)
            return
        try:
            smtp.login(user, password)
        except UnicodeError:
            raise smtplib.SMTPException(
                "the login is not ASCII, and AUTH PLAIN is not offered"
            ) from None

    def submit(self, smtp: smtplib.SMTP, envelope: Envelope, content: bytes) -> tuple[str, ...]:
        """Send the envelope, then the mail for the accepted recipients."""
        self.doing = "sender"
        size = self._ask_size(smtp, len(content))
        code, said = smtp.mail(envelope.sender.address, size)
        if code // 100 != 2:
            raise smtplib.SMTPSenderRefused(code, said, envelope.sender.address)
        self.doing = "recipients"
        answers = {one: smtp.rcpt(one) for one in envelope.recipients}
        refused = {one: told for one, told in answers.items() if told[0] // 100 != 2}
        if len(refused) < len(answers):
            self._send(smtp, content)
        if refused:
            self._fail_recipients(refused, len(answers))
        return envelope.recipients

    def _ask_size(self, smtp: smtplib.SMTP, size: int) -> list[str]:
        """The SIZE option of the envelope, if supported; raises if `size` bytes are too many."""
        if not smtp.has_extn("size"):
            return []
        most = smtp.esmtp_features["size"].strip()
        if re.fullmatch("[0-9]{1,18}", most) and 0 < int(most) < size:
            self._fail_size(f"the mail has {size:,} bytes", int(most))
        return [f"size={size}"]

    def _send(self, smtp: smtplib.SMTP, content: bytes) -> None:
        self.doing = "mail"
        code, said = smtp.docmd("DATA")
        if code != 354:
            raise smtplib.SMTPDataError(code, said)
        stuffed = re.sub(rb"(?m)^\.", b"..", content)
        smtp.send(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        self.doing = "answer"
        code, said = smtp.getreply()
        if code // 100 != 2:
            raise smtplib.SMTPDataError(code, said)

    def fail(self, error: OSError) -> NoReturn:
        """The error in words, with a hint for retrying."""
        if isinstance(error, smtplib.SMTPResponseException):
            self._fail_answer(error.smtp_code, error.smtp_error)
        if isinstance(error, ssl.SSLError):
            raise DeliveryError(
                f"no verified TLS with {self.server}",
                slug="mail-tls",
                details=[self._said(getattr(error, "verify_message", "") or str(error))],
                hint="use the name that the certificate is for, and --tls implicit on port 465 or "
                "--tls starttls on 587; a certificate of your own authority is trusted by "
                "SSL_CERT_FILE=ca.pem",
            ) from None
        gone = isinstance(error, smtplib.SMTPServerDisconnected)
        if self.doing == "login" and isinstance(error, smtplib.SMTPException) and not gone:
            self._fail_login(str(error))
        if self.doing == "answer":
            raise DeliveryError(
                f"{self.server} accepted the mail but did not confirm it",
                slug="mail-failed",
                details=[self._said(str(error))],
                hint="ask a recipient before you run the command again: the mail may have arrived",
            ) from None
        raise DeliveryError(
            f"the connection to {self.server} failed",
            slug="mail-failed",
            details=[self._said(_reason(error))],
            hint=f"check --smtp, or {LATER}",
        ) from None

    def _fail_answer(self, code: int, said: bytes | str) -> NoReturn:
        told = self._told(code, said)
        if code in (552, 523):
            self._fail_size(told)
        if self.doing == "login" or code in ASKS_LOGIN:
            self._fail_login(told)
        what = {
            "connecting": "the connection",
            "STARTTLS": "STARTTLS",
            "sender": "the sender",
        }.get(self.doing, "the mail")
        raise DeliveryError(
            f"{self.server} refused {what}",
            slug="mail-tls" if self.doing == "STARTTLS" else "mail-refused",
            details=[told],
            hint=LATER
            if code // 100 == 4
            else "the server says why; nothing was sent, and the command can be run again",
        ) from None

    def _fail_size(self, told: str, most: int | None = None) -> NoReturn:
        limit = f", and {self.server} takes at most {most:,}" if most else ""
        fewer = f"--max-mail-bytes {most - 30_000} or " if most and most > 450_000 else ""
        raise DeliveryError(
            f"the mail is too large: {told}{limit}",
            slug="mail-too-large",
            hint=f"add {fewer}--attach none: the mail is rebuilt with fewer attachments",
        ) from None

    def _fail_login(self, told: str) -> NoReturn:
        without = self.login is None
        raise DeliveryError(
            f"{self.server} " + ("requires a login" if without else "refused the login"),
            slug="mail-login",
            details=[self._said(told)],
            hint=f"set {USER} and {PASSWORD} in the environment, and run the command again"
            if without
            else f"check {USER} and {PASSWORD}, and run the command again: some servers require a "
            "password for applications; one that takes mail without a login requires that both "
            "are unset",
        ) from None

    def _fail_recipients(self, refused: Mapping[str, tuple[int, bytes]], n: int) -> NoReturn:
        if len(refused) == n and (
            login := set(ASKS_LOGIN) & {code for code, _ in refused.values()}
        ):
            self._fail_answer(min(login), next(iter(refused.values()))[1])
        many = len(refused) > 1
        again = " ".join(f"--to {one}" for one in refused)
        later = "later " * all(code // 100 == 4 for code, _ in refused.values())
        raise DeliveryError(
            f"{self.server} refused {len(refused)} of {n} recipients",
            slug="mail-refused",
            details=[f"{one}: {self._told(*answer)}" for one, answer in refused.items()],
            hint=f"run the command again {later}with {again}"
            + f" alone: the other{'s have' if n - len(refused) > 1 else ' has'} the mail"
            * (len(refused) < n)
            + ("; correct the addresses" if many else "; correct the address") * (not later),
        ) from None

    def _told(self, code: int, said: bytes | str) -> str:
        text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
        return self._said(f"the server replied {code}: {' '.join(text.split())}")

    def _said(self, text: str) -> str:
        """A server reply without secrets, on one line, shortened."""
        hidden = self.login.hidden_in(text) if self.login else text
        return middle_cut(printable(hidden), 300)


def _base64(text: str) -> str:
    """In UTF-8; undecodable bytes of the environment are kept."""
    return base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()


def _reason(error: OSError) -> str:
    """The reason of a system error, or of a library error, which has the same class."""
    if isinstance(error, TimeoutError) or isinstance(error.__context__, TimeoutError):
        return f"no response within {TIMEOUT:.0f} seconds"
    return error.strerror or str(error) or type(error).__name__
