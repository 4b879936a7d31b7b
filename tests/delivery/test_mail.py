"""``reportgen mail``: a real conversation with real servers on loopback."""

from __future__ import annotations

import base64
import email
import email.policy
import re
import shlex
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

import reportgen
from reportgen.cli import command
from reportgen.delivery import mail as sending
from reportgen.errors import DataError, DeliveryError, UsageError
from reportgen.process import exit_code_of
from tests.delivery.mail_servers import free_port, mail_server, scripted_server

trustme = pytest.importorskip("trustme", reason="trustme is not installed")
pytest.importorskip("aiosmtpd", reason="aiosmtpd is not installed")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")  # on Python 3.14

ROOT = Path(__file__).resolve().parents[2]
USER, PASSWORD = "robot@example.org", "canary-7f3a-pässword"
TO = {"to": "a@example.org", "sender": "Reports <robot@example.org>"}


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("mail") / "out"
    table = folder.parent / "matrix.csv"
    table.write_text(",cat,dog\ncat,40,10\ndog,5,45\n")
    reportgen.render(table, out=folder, mail=True, fail_under="accuracy=0.8", attach="json")
    return folder


@pytest.fixture(scope="session")
def authority():
    return trustme.CA()


@pytest.fixture(scope="session")
def certificate(authority):
    return authority.issue_cert("localhost", "127.0.0.1")


@pytest.fixture(autouse=True)
def trusted(authority, monkeypatch, tmp_path):
    """The test's authority is trusted as a user's own would be, and no login is set."""
    file = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    monkeypatch.delenv(sending.USER, raising=False)
    monkeypatch.delenv(sending.PASSWORD, raising=False)
    monkeypatch.setattr("socket.getfqdn", lambda *_: "client.example.org")


@pytest.fixture
def login(monkeypatch):
    monkeypatch.setenv(sending.USER, USER)
    monkeypatch.setenv(sending.PASSWORD, PASSWORD)


def send(out, port, **more):
    return reportgen.mail(out, **{**TO, "smtp": f"127.0.0.1:{port}", **more})


def refused(out, port, slug, **more):
    with pytest.raises(DeliveryError) as caught:
        send(out, port, **more)
    assert (caught.value.slug, caught.value.exit_code) == (slug, 8)
    return caught.value


# Sent


@pytest.mark.filterwarnings("ignore:Requiring AUTH")  # the server knows no TLS but its STARTTLS
@pytest.mark.parametrize("implicit", [False, True])
def test_a_mail_arrives_over_tls_with_a_login(out, certificate, login, implicit):
    with mail_server(certificate, implicit=implicit, login=(USER, PASSWORD)) as (inbox, port):
        made = send(out, port, tls="implicit" if implicit else "", cc=["b@example.org"])
    assert made == ("sent", ("a@example.org", "b@example.org"), "")
    ((sender, recipients, content),) = inbox.mails
    assert (sender, recipients) == ("robot@example.org", ["a@example.org", "b@example.org"])
    written = (out / "report.eml").read_bytes()
    assert content.endswith(written)
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert message["Subject"].startswith("[SHIP] ")
    assert (message["To"], message["Cc"]) == ("a@example.org", "b@example.org")
    assert message["From"] == "Reports <robot@example.org>"
    assert not [one.defects for one in message.walk() if one.defects]
    added = [*email.message_from_bytes(content[: -len(written)]).keys()]
    assert added == ["From", "To", "Cc", "Date"]
    assert inbox.logins == [(USER.encode(), PASSWORD.encode())]


def test_a_login_by_another_method_than_plain(out, certificate, monkeypatch):
    monkeypatch.setenv(sending.USER, USER)
    monkeypatch.setenv(sending.PASSWORD, "ascii")
    with mail_server(certificate, login=(USER, "ascii"), methods=["LOGIN"]) as (inbox, port):
        send(out, port)
    assert len(inbox.mails) == 1


def test_a_login_that_only_plain_can_carry_needs_a_server_that_has_it(out, certificate, login):
    with mail_server(certificate, login=(USER, PASSWORD), methods=["LOGIN"]) as (_, port):
        error = refused(out, port, "mail-login")
    assert "not ASCII" in str(error)
    assert PASSWORD not in str(error)


def test_without_tls_where_that_is_typed(out):
    with mail_server() as (inbox, port):
        send(out, port, tls="none")
    assert len(inbox.mails) == 1


def test_lines_that_begin_with_a_dot_arrive():
    content = b"Subject: x\r\n\r\n.\r\n..\r\n.a\r\nb.\r\n"
    server = sending.SmtpServer("127.0.0.1", 0, "none")
    with mail_server() as (inbox, port):
        server = sending.SmtpServer("127.0.0.1", port, "none")
        sending.send_mail(server, None, sending.envelope_of("a@b.org", ["c@d.org"]), content)
    assert inbox.mails[0][2] == content


def test_the_mail_is_made_where_it_is_not_there(out, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    shutil.copyfile(out / "report.json", folder / "report.json")
    with mail_server() as (inbox, port):
        send(folder, port, tls="none")
        send(folder / "report.json", port, tls="none")
    written = (out / "report.eml").read_bytes()
    assert [content.endswith(written) for _, _, content in inbox.mails] == [True, True]
    assert [path.name for path in folder.iterdir()] == ["report.json"]


def test_the_mail_is_made_again_with_other_attachments_and_a_link(out):
    with mail_server() as (inbox, port):
        send(out, port, tls="none", attach="none", report_url="https://example.org/r")
    message = email.message_from_bytes(inbox.mails[0][2], policy=email.policy.default)
    assert message.get_content_type() == "multipart/alternative"
    assert "https://example.org/r" in message.get_body(("plain",)).get_content()


def test_the_date_of_the_report_stays(out, tmp_path):
    table = tmp_path / "matrix.csv"
    table.write_text(",cat,dog\ncat,40,10\ndog,5,45\n")
    reportgen.render(table, out=tmp_path / "out", mail=True, date="2026-11-29")
    with mail_server() as (inbox, port):
        send(tmp_path / "out", port, tls="none")
    message = email.message_from_bytes(inbox.mails[0][2], policy=email.policy.default)
    assert message.get_all("Date") == ["Sun, 29 Nov 2026 00:00:00 +0000"]


@pytest.mark.parametrize(
    ("wanted", "n"), [("ship", 1), ("do-not-ship", 0), (["inconclusive", "ship"], 1), ("none", 0)]
)
def test_it_is_sent_for_the_verdicts_that_are_named(out, wanted, n):
    with mail_server() as (inbox, port):
        made = send(out, port, tls="none", if_verdict=wanted)
    assert len(inbox.mails) == n
    assert made.word == ("sent" if n else "skipped")
    assert made.verdict == ("" if n else "SHIP")


# Refused


def test_a_certificate_that_is_not_trusted_or_of_another_name(
    out, certificate, monkeypatch, authority
):
    with mail_server(authority.issue_cert("mail.example.org")) as (inbox, port):
        error = refused(out, port, "mail-tls")
        assert "127.0.0.1" in str(error)
    monkeypatch.delenv("SSL_CERT_FILE")
    with mail_server(certificate) as (other, port):
        assert "SSL_CERT_FILE=ca.pem" in refused(out, port, "mail-tls").hint
    with mail_server(certificate, implicit=True) as (third, port):
        refused(out, port, "mail-tls", tls="implicit")
    assert inbox.mails == other.mails == third.mails == []


def test_a_server_without_tls_gets_nothing(out):
    with mail_server() as (inbox, port):
        assert "--tls none" in refused(out, port, "mail-tls").hint
        refused(out, port, "mail-tls", tls="implicit")
    assert inbox.mails == []


def test_a_login_is_never_sent_without_tls(out, login, monkeypatch):
    error = refused(out, free_port(), "mail-login", tls="none")
    assert error.message == "a login is never sent without TLS"
    monkeypatch.delenv(sending.PASSWORD)
    assert "REPORTGEN_SMTP_PASSWORD is not set" in refused(out, 1, "mail-login").message


def test_a_wrong_password_and_a_missing_one(out, certificate, login, monkeypatch):
    with mail_server(certificate, login=(USER, "other")) as (inbox, port):
        assert "refused the login" in refused(out, port, "mail-login").message
        monkeypatch.delenv(sending.USER)
        monkeypatch.delenv(sending.PASSWORD)
        assert "requires a login" in refused(out, port, "mail-login").message
    assert inbox.mails == []


def test_the_others_are_served_where_a_recipient_is_refused(out):
    to = ["a@example.org", "no@example.org", "b@example.org"]
    with mail_server() as (inbox, port):
        inbox.refused = {"no@example.org": "550 5.1.1 no such user"}
        error = refused(out, port, "mail-refused", tls="none", to=to)
        assert inbox.mails[0][1] == ["a@example.org", "b@example.org"]
        inbox.refused = {}
        again = re.search(r"--to (\S+) alone", error.hint)[1]
        send(out, port, tls="none", to=again)
        assert inbox.mails[1][1] == ["no@example.org"]
    assert "refused 1 of 3 recipients" in error.message
    assert error.details == ("no@example.org: the server replied 550: 5.1.1 no such user",)


def test_no_recipient_is_taken(out):
    with mail_server() as (inbox, port):
        inbox.refused = {"a@example.org": "451 greylisted"}
        error = refused(out, port, "mail-refused", tls="none")
    assert inbox.mails == []
    assert "again later with --to a@example.org" in error.hint


def test_a_mail_over_the_servers_size_is_not_sent_and_the_hint_makes_it_fit(out, tmp_path):
    folder = tmp_path / "out"
    shutil.copytree(out, folder)
    large = (folder / "report.json").read_text().rstrip()
    (folder / "report.json").write_text(large[:-1] + f', "padding": "{"x" * 900_000}"}}')
    (folder / "report.eml").unlink()
    with mail_server(max_bytes=600_000) as (inbox, port):
        error = refused(folder, port, "mail-too-large", tls="none")
        assert "takes at most 600,000" in error.message
        n, attach = re.fullmatch(
            r"add --max-mail-bytes (\d+) or --attach (\w+): .*", error.hint
        ).groups()
        send(folder, port, tls="none", max_mail_bytes=int(n))
        send(folder, port, tls="none", attach=attach)
    assert len(inbox.mails) == 2
    assert b"Not attached" in inbox.mails[0][2]


@pytest.mark.parametrize(
    ("answer", "slug", "words"),
    [
        ("552 5.3.4 too big", "mail-too-large", "--attach none"),
        ("451 4.3.0 later", "mail-refused", "again later"),
        ("554 5.7.1 spam", "mail-refused", "554: 5.7.1 spam"),
        ("", "mail-failed", "the mail may have arrived"),
    ],
)
def test_a_mail_that_is_refused_after_its_content(out, answer, slug, words):
    with mail_server() as (inbox, port):
        inbox.answer = answer
        assert words in str(refused(out, port, slug, tls="none"))


@pytest.mark.parametrize(
    ("answers", "slug"),
    [
        (["554 no service"], "mail-refused"),
        (["220 hi"], "mail-failed"),
        (["220 hi", "250 a", "550 sender unknown"], "mail-refused"),
        (["220 hi", "250 a", "250 b", "250 c"], "mail-failed"),
        (["220 hi", "250-a\r\n250 STARTTLS", "454 no TLS now"], "mail-tls"),
        (["not SMTP"], "mail-refused"),
    ],
)
def test_a_server_that_says_no_or_goes_away(out, answers, slug):
    with scripted_server(*answers) as port:
        tls = "starttls" if "STARTTLS" in answers[-2:][0] else "none"
        refused(out, port, slug, tls=tls)


def test_a_server_that_says_nothing_is_given_up(out, monkeypatch):
    monkeypatch.setattr(sending, "TIMEOUT", 0.3)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(1)
        error = refused(out, silent.getsockname()[1], "mail-failed", tls="none")
    assert "no response within" in str(error)


# Addresses


@pytest.mark.parametrize(
    "text",
    [
        "", "a", "a@", "@b.org", "a@b.org,c@d.org", "a@b.org c@d.org", "a@b.org\r\nBcc: c@d.org",
        "a@b.org\n", "A <a@b.org> <c@d.org>", "A <a@b.org", "a b@c.org", "ä@b.org", "a@b..org\x00",
        "a@-b.org", "x" * 65 + "@b.org", "<>", "a@[1", "\\ @[\t", "a@b..org", "a@" + "x" * 64 + ".org",
    ],
)  # fmt: skip
def test_what_is_not_one_address_is_refused_before_a_server_is_asked(out, text):
    for option in ({"to": [text]}, {"cc": [text]}, {"sender": text}):
        error = refused(out, 1, "mail-address", **option)
        assert "\n" not in error.message


def test_no_more_than_fifty_recipients(out):
    many = [f"a{i}@example.org" for i in range(51)]
    assert "51 recipients" in refused(out, 1, "mail-address", to=many).message
    refused(out, 1, "mail-address", to=[])
    assert len(sending.envelope_of("a@b.org", many[:50], many[:50]).recipients) == 50


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("a@b.org", "", "a@b.org"),
        ("Jane Doe <j.doe+x@mail.example.org>", "Jane Doe", "j.doe+x@mail.example.org"),
        ('"Doe, Jane" <j@b.org>', "Doe, Jane", "j@b.org"),
        ("Jörg =?x?= \u732b <j@b.org>", "Jörg = ?x?= \u732b", "j@b.org"),
        ("root@localhost", "", "root@localhost"),
        ("a@m\u00fcnchen.de", "", "a@xn--mnchen-3ya.de"),
        ("N" * 300 + " <a@b.org>", None, "a@b.org"),
    ],
)
def test_an_address_reads_back_as_it_was_given(out, text, name, address):
    content = sending.sent_form(
        (out / "report.eml").read_bytes(), sending.envelope_of(text, [text, "c@d.org"])
    )
    message = email.message_from_bytes(content, policy=email.policy.default)
    for header, n in (("From", 1), ("To", 2)):
        found = message[header].addresses
        assert len(found) == n
        assert found[0].addr_spec == address
        assert name is None or found[0].display_name == name
    head = content.partition(b"\r\n\r\n")[0]
    assert head.isascii()
    assert max(map(len, head.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "text",
    [
        "", "a b", "https://x", "host:0", "host:70000", "a:b", "user@host", "a..b", ".a",
        "x" * 64 + ".org", "a\x00b", "a\ud800", "a(b",
    ],
)  # fmt: skip
def test_what_is_no_server_is_refused(out, text):
    with pytest.raises(UsageError, match="--smtp") as caught:
        reportgen.mail(out, **TO, smtp=text)
    assert caught.value.slug == "option-value"


@pytest.mark.parametrize(
    ("text", "tls", "port", "known"),
    [
        ("h", "", 587, "starttls"), ("h:465", "", 465, "implicit"), ("h", "implicit", 465, "implicit"),
        ("h", "none", 25, "none"), ("h:465", "starttls", 465, "starttls"), ("[::1]:25", "none", 25, "none"),
    ],
)  # fmt: skip
def test_ports_follow_from_tls_and_tls_from_the_port(text, tls, port, known):
    server = sending.read_server(text, tls)
    assert (server.port, server.tls) == (port, known)


def test_other_words_than_those_of_the_options_are_refused(out):
    for options in (
        {"tls": "ssl"}, {"if_verdict": ["SHIP"]}, {"attach": "pdf,txt"}, {"max_mail_bytes": 0},
    ):  # fmt: skip
        with pytest.raises(UsageError) as caught:
            send(out, 1, **options)
        assert caught.value.slug == "option-value"
    with pytest.raises(UsageError, match="page's own options"):
        send(out, 1, attach="html")


# Sources


def test_a_mail_that_was_changed_is_not_sent(out, tmp_path):
    shutil.copytree(out, tmp_path / "out")
    file = tmp_path / "out" / "report.eml"
    for changed in (b"From: x@y.org\r\n" + file.read_bytes(), b"Subject: x\r\n\r\nbody"):
        file.write_bytes(changed)
        with pytest.raises(DataError) as caught:
            send(tmp_path / "out", 1)
        assert caught.value.slug == "mail-file"
    file.unlink()  # as the hint says
    with mail_server() as (inbox, port):
        send(tmp_path / "out", port, tls="none")
    assert len(inbox.mails) == 1


def test_a_folder_without_a_report_is_refused(tmp_path):
    for source in (tmp_path, tmp_path / "absent"):
        with pytest.raises(DataError) as caught:
            send(source, 1)
        assert caught.value.slug == "report-folder"


# Secrets


def secrets():
    plain = [PASSWORD, f"\0{USER}\0{PASSWORD}"]
    return [*plain, *(base64.b64encode(one.encode()).decode() for one in plain)]


def test_the_password_is_found_nowhere(out, certificate, login, capfd, tmp_path):
    """Not where a server repeats it, not in a traceback, not in a file."""
    coded = secrets()[-1]
    told = []

    def run(port, *more):
        words = ["mail", str(out), "--to", "a@example.org", "--from", "b@example.org",
                 "--smtp", f"127.0.0.1:{port}", "--debug", *more]  # fmt: skip
        code = exit_code_of(lambda: command(words), debug=True)
        told.append("".join(capfd.readouterr()))
        return code

    with mail_server(certificate, login=(USER, PASSWORD)) as (inbox, port):
        assert run(port) == 0
        inbox.answer = f"554 you are {PASSWORD} {coded}"
        assert run(port) == 8
    with mail_server(certificate, login=(USER, "other")) as (_, port):
        assert run(port) == 8
    assert run(free_port()) == 8
    assert run(free_port(), "--tls", "none") == 8
    assert "Traceback" in told[1]
    assert "***" in told[1]
    for secret in secrets():
        assert not [one for one in told if secret in one]
        assert not [p for p in out.rglob("*") if p.is_file() and secret.encode() in p.read_bytes()]
    assert PASSWORD not in repr(sending.Login(USER, PASSWORD))


# The command


def test_the_command_says_what_it_did(out, capfd):
    words = ["mail", str(out), "--to", "a@example.org", "--to", "b@example.org", "--from", "c@example.org",
             "--tls", "none"]  # fmt: skip
    with mail_server() as (inbox, port):
        smtp = ["--smtp", f"127.0.0.1:{port}"]
        assert exit_code_of(lambda: command([*words, *smtp])) == 0
        assert capfd.readouterr().out == "mail sent to a@example.org, b@example.org\n"
        assert exit_code_of(lambda: command([*words, *smtp, "--if-verdict", "do-not-ship"])) == 0
        assert capfd.readouterr().out == "not sent: the verdict is SHIP\n"
    assert exit_code_of(lambda: command([*words, "--smtp", f"127.0.0.1:{free_port()}"])) == 8
    said = capfd.readouterr().err
    assert "reportgen: error: the connection to 127.0.0.1:" in said
    assert "help: docs/errors.md#mail-failed" in said
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("page", ["README.md", "docs/delivery.md"])
def test_the_commands_of_the_documents_send_a_mail(out, page):
    """Each with the folder, the server and the encryption of this test in place of its own."""
    text = (ROOT / page).read_text("utf-8").replace("\\\n", " ")
    found = re.findall(r"reportgen (mail [^\n|]*?)(?: \|\||$)", text, re.MULTILINE)
    assert len(found) == (1 if page == "README.md" else 2)
    with mail_server() as (inbox, port):
        for line in found:
            words = shlex.split(line)
            words[1], words[words.index("--smtp") + 1] = str(out), f"127.0.0.1:{port}"
            assert command([*words, "--tls", "none"]) == 0
    assert [recipients for _, recipients, _ in inbox.mails] == [["team@example.org"]] * len(found)


def test_the_nightly_job_keeps_the_exit_code(tmp_path):
    """The shell of the recipe, with a command that records its words and fails as it is told."""
    text = (ROOT / "docs/delivery.md").read_text("utf-8")
    (script,) = (
        one
        for one in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
        if "reportgen mail" in one and "code=0" in one
    )
    fake = tmp_path / "reportgen"
    fake.write_text(
        '#!/bin/sh\necho "$1" >> calls\ncase "$1" in run) exit "$RUN";; mail) exit "$MAIL";; esac\n'
    )
    fake.chmod(0o755)
    for run, mail, code, calls in (
        (0, 0, 0, ["run", "mail"]), (1, 0, 1, ["run", "mail"]), (1, 8, 8, ["run", "mail"]),
        (3, 0, 3, ["run"]),
    ):  # fmt: skip
        (tmp_path / "calls").unlink(missing_ok=True)
        ended = subprocess.run(
            ["bash", "-e", "-c", script], cwd=tmp_path, timeout=30,
            env={"PATH": f"{tmp_path}:/usr/bin:/bin", "RUN": str(run), "MAIL": str(mail)},
        )  # fmt: skip
        assert (ended.returncode, (tmp_path / "calls").read_text().split()) == (code, calls)
