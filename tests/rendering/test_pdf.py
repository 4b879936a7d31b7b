"""The printed page: made by a browser that is there, ended where it hangs, told where it fails."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

import pytest

from reportgen.errors import OutputError, UsageError
from reportgen.options.page import PageOptions
from reportgen.rendering import check_page, pdf, write_all
from reportgen.report import build_report
from tests import factories

pytestmark = [
    pytest.mark.usefixtures("no_drawing"),
    pytest.mark.skipif(sys.platform == "win32", reason="stand-ins for browsers are shell scripts"),
]


@pytest.fixture
def browser(tmp_path, monkeypatch):
    """``browser("exit 1")``: a program that is found as the browser; ``$out`` is its PDF."""

    def made(script):
        path = tmp_path / "bin" / "chromium"
        path.parent.mkdir(exist_ok=True)
        path.write_text(
            "#!/bin/sh\nfor word; do case $word in --print-to-pdf=*) out=${word#*=};; esac; done\n"
            + script
        )
        path.chmod(0o755)
        monkeypatch.setenv("REPORTGEN_CHROMIUM", str(path))
        return path

    return made


def test_without_a_browser_it_is_said_before_anything_is_written(
    report, evaluation, tmp_path, monkeypatch
):
    monkeypatch.delenv("REPORTGEN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    page = PageOptions(pdf=True)
    for act in (check_page, lambda page: write_all(report, evaluation, tmp_path, page)):
        with pytest.raises(UsageError, match="--pdf needs Chromium or Chrome") as caught:
            act(page)
        assert caught.value.slug == "chromium-missing"
        assert "looked for chromium, chromium-browser, google-chrome" in caught.value.details[0]
        assert "REPORTGEN_CHROMIUM" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


def test_a_named_browser_that_is_not_there_is_not_replaced_by_another(monkeypatch):
    monkeypatch.setenv("REPORTGEN_CHROMIUM", "/nowhere/chrome\x1b[31m")
    with pytest.raises(UsageError) as caught:
        pdf.find_browser()
    assert caught.value.details == ('REPORTGEN_CHROMIUM names "/nowhere/chrome\\x1b[31m"',)


def test_the_first_browser_on_the_path_is_taken(tmp_path, monkeypatch):
    monkeypatch.delenv("REPORTGEN_CHROMIUM", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("chrome", "chromium-browser"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
    assert pdf.find_browser().name == "chromium-browser"


def test_a_browser_that_fails_is_told_with_its_last_words(browser, report, evaluation, tmp_path):
    browser("echo first >&2; printf 'no \\033[31mdisplay\\n' >&2; exit 1")
    with pytest.raises(
        OutputError, match='"chromium" could not print the page: it wrote no PDF'
    ) as caught:
        write_all(report, evaluation, tmp_path, PageOptions(pdf=True))
    assert caught.value.slug == "pdf-failed"
    assert caught.value.details == ("no \\x1b[31mdisplay",)
    assert not (tmp_path / "report.pdf").exists()
    assert not (tmp_path / "report.html").exists()


def test_what_is_no_pdf_is_not_taken_for_one(browser):
    with pytest.raises(OutputError, match="wrote no PDF"):
        pdf.pdf_of("<p>", browser("echo hello > $out"))


def test_a_browser_that_hangs_is_ended_with_its_helpers(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf, "TIMEOUT", 1.0)
    path = browser(f"sleep 60 & echo $! > {tmp_path}/helper; sleep 60")
    start = time.monotonic()
    with pytest.raises(OutputError, match="it took more than 1 seconds") as caught:
        pdf.pdf_of("<p>", path)
    assert caught.value.slug == "pdf-failed"
    assert time.monotonic() - start < 20
    helper = int((tmp_path / "helper").read_text())
    for _ in range(50):
        if not alive(helper):
            break
        time.sleep(0.1)
    assert not alive(helper)


def alive(process):
    done = subprocess.run(["ps", "-o", "stat=", "-p", str(process)], capture_output=True, text=True)
    return bool(done.stdout.strip()) and not done.stdout.startswith("Z")


def test_the_browser_s_folder_is_gone_afterwards(browser, tmp_path, monkeypatch):
    monkeypatch.setattr(pdf.tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    content = pdf.pdf_of(
        "<p>&#29483;",
        browser(f'mkdir profile; cp report.html {tmp_path}/seen; echo "%PDF-1.4" > $out'),
    )
    assert content == b"%PDF-1.4\n"
    assert (tmp_path / "seen").read_text() == "<p>&#29483;"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_it_gets_no_network_and_a_profile_of_its_own(browser, tmp_path):
    path = browser(f'for word; do echo "$word"; done > {tmp_path}/words; echo "%PDF-" > $out')
    pdf.pdf_of("<p>", path)
    words = (tmp_path / "words").read_text().splitlines()
    assert "--host-resolver-rules=MAP * ~NOTFOUND" in words
    assert "--generate-pdf-document-outline" in words
    assert any(word.startswith("--user-data-dir=") for word in words)
    assert ("--no-sandbox" in words) == (os.geteuid() == 0)


def test_dates_are_those_of_the_report_and_never_the_clock_s():
    raw = b"%PDF- /CreationDate (D:20261122120149+00'00')\n/ModDate (D:20261122120149+00'00')"
    assert pdf._set_dates(raw, "2026-11-20") == (
        b"%PDF- /CreationDate (D:20261120000000+00'00')\n/ModDate (D:20261120000000+00'00')"
    )
    for date in ("", "yesterday"):
        assert b"(D:19700101000000+00'00')" in pdf._set_dates(raw, date)
        assert len(pdf._set_dates(raw, date)) == len(raw)


@pytest.mark.parametrize("text", [
    'a"b', "a\\b", "a\nb", "</style><script>", "}*{display:none", "\u732b", "\u202e", "a;b", "/* */", "'", "url(x)",
])  # fmt: skip
def test_no_text_leaves_its_string_in_the_style(text):
    written = pdf._css_text(text)
    assert re.fullmatch(r'"(?:[A-Za-z0-9 ]|\\[0-9a-f]{6})*"', written)
    shown = re.sub(r"\\([0-9a-f]{6})", lambda found: chr(int(found[1], 16)), written[1:-1])
    assert shown == pdf.printable(text)


def test_the_style_of_a_sheet_is_made_of_escaped_text():
    report = build_report(factories.hostile())
    style = pdf.print_style(report, "Letter")
    assert style.isascii()
    assert "size:Letter" in style
    assert "<" not in style
    assert style.count("{") == style.count("}") == 5


def test_the_printed_page_has_no_script(browser, report, evaluation, tmp_path):
    browser(f'cp report.html {tmp_path}/seen; echo "%PDF-" > $out')
    write_all(report, evaluation, tmp_path, PageOptions(pdf=True, layout="dir"))
    seen = (tmp_path / "seen").read_text()
    assert "<script" not in seen
    assert "script-src &#39;none&#39;" in seen
    assert "@top-left{content:" in seen
    assert "@top-left{content:" not in (tmp_path / "report_files" / "report.css").read_text()
    assert (tmp_path / "report.pdf").read_bytes() == b"%PDF-\n"


def test_a_full_temporary_folder_is_no_bug(browser, tmp_path, monkeypatch):
    def full(*_, **__):
        raise OSError(28, "No space left on device")

    program = browser("true")
    monkeypatch.setattr("tempfile.TemporaryDirectory", full)
    with pytest.raises(OutputError, match="no space left on device") as caught:
        pdf.pdf_of("<p>", program)
    assert caught.value.slug == "pdf-failed"
    assert "TMPDIR" in caught.value.hint
