"""The page in viewers that block, and on paper: told by a real browser."""

from __future__ import annotations

import functools
import http.server
import io
import re
import threading
from unicodedata import normalize

import pytest

from reportgen.options.page import PageOptions
from reportgen.rendering import write_all
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report
from tests import factories
from tests.browser.test_axe import axe_source

pytestmark = pytest.mark.browser
JENKINS = "sandbox allow-same-origin; default-src 'none'; img-src 'self'; style-src 'self';"
MLFLOW = "sandbox allow-scripts"


@pytest.fixture(scope="module")
def dressed(tmp_path_factory):
    """Files for every option that brings its own."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("options")
    Image.new("RGB", (200, 40), (10, 90, 60)).save(folder / "logo.png")
    (folder / "notes.md").write_text(
        "# Why\n\nNight images are **new**: see [the ticket](https://example.org/1).\n\n"
        "## Table\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n| c |\n|---|\n| 3 |\n\n```\nlong "
        + "x"
        * 200
        + "\n```\n"
        "<script>alert(1)</script> ![x](https://example.org/pixel.png)\n"
    )
    (folder / "theme.css").write_text("light:\n--accent: #0a5c36;\ndark:\n--accent: #7fd6a6;\n")
    return {name: folder / file for name, file in
            (("logo", "logo.png"), ("notes", "notes.md"), ("theme", "theme.css"))}  # fmt: skip


def written(folder, page, evaluation=None):
    evaluation = evaluation or factories.scored()
    names = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    names += [suspect.id for suspect in evaluation.suspects.suspects[:24]]
    pictures = {
        name: make_thumbnail(
            factories.picture(32 if i % 2 else 120, (i * 37 % 256, i * 91 % 256, 80))
        )
        for i, name in enumerate(names)
    }
    write_all(build_report(evaluation, pictures), evaluation, folder, page)
    return folder / page.page_name


@pytest.fixture(scope="module")
def layouts(tmp_path_factory, dressed):
    """Both layouts of the same report, with logo, notes and theme."""
    folder = tmp_path_factory.mktemp("layouts")
    for layout in ("file", "dir"):
        (folder / layout).mkdir()
        written(folder / layout, PageOptions(layout=layout, **dressed))
    return folder


@pytest.fixture(scope="module")
def serve(layouts):
    """``serve(header)``: an address under which everything has that Content-Security-Policy."""
    servers = []

    def started(header):
        class Handler(http.server.SimpleHTTPRequestHandler):
            def end_headers(self):
                if header:
                    self.send_header("Content-Security-Policy", header)
                super().end_headers()

            def log_message(self, *_):
                pass

        handler = functools.partial(Handler, directory=layouts)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}"

    yield started
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def visit(new_page):
    """``visit(address)`` → page, and what it said or failed to load."""

    def opened(address, **options):
        page = new_page(init_script="", **options)
        page.goto(address)
        page.wait_for_load_state()
        return page, page.seen.messages

    return opened


def images(page):
    """How many images there are, and how many show nothing."""
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    found = page.evaluate("[...document.images].map((image) => image.naturalWidth)")
    return len(found), found.count(0)


def styled(page):
    return page.evaluate("getComputedStyle(document.querySelector('.verdict')).display") == "grid"


def by_script(said):
    """Messages about nothing but scripts, which the viewer blocks."""
    return [text for text in said if "script" in text.casefold()]


def test_under_jenkins_the_folder_shows_everything(serve, visit):
    page, said = visit(f"{serve(JENKINS)}/dir/index.html")
    n, blank = images(page)
    assert n > 80
    assert blank == 0
    assert styled(page)
    assert said == by_script(said)
    assert page.locator("button:visible").count() == 0
    assert page.locator("#notes").is_visible()


def test_under_jenkins_a_single_file_shows_neither_images_nor_style(serve, visit):
    """Why there is a layout of its own: this is the fault that it is for."""
    page, said = visit(f"{serve(JENKINS)}/file/report.html")
    n, blank = images(page)
    assert blank == n > 80
    assert not styled(page)
    assert page.locator("#verdict h1").inner_text() == "NO GATES SET"
    assert len(said) > len(by_script(said))


@pytest.mark.parametrize("header", ["", MLFLOW])
@pytest.mark.parametrize("layout", ["file", "dir"])
def test_elsewhere_both_layouts_work_with_their_script(serve, visit, layout, header):
    name = "report.html" if layout == "file" else "index.html"
    page, said = visit(f"{serve(header)}/{layout}/{name}")
    n, blank = images(page)
    assert n > 80
    assert blank == 0
    assert styled(page)
    assert said == []
    assert page.locator("th > button").first.is_visible()


@pytest.mark.parametrize("layout", ["file", "dir"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_from_the_disk_both_layouts_work_in_both_schemes(layouts, visit, layout, scheme):
    name = "report.html" if layout == "file" else "index.html"
    page, said = visit((layouts / layout / name).as_uri(), color_scheme=scheme)
    assert images(page)[1] == 0
    assert said == []
    accent = {"light": "rgb(10, 92, 54)", "dark": "rgb(127, 214, 166)"}[scheme]
    colour = "getComputedStyle(document.querySelector('.written a')).color"
    assert page.evaluate(colour) == accent
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_logo_and_notes(layouts, visit, scheme):
    page, _ = visit((layouts / "file" / "report.html").as_uri(), color_scheme=scheme)
    found = page.evaluate(
        axe_source() + "; axe.run({include: [['#notes'], ['.brand'], ['.outline'], ['.verdict']]},"
        " {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],"
        " resultTypes: ['violations']}).then((result) =>"
        " result.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html)))"
    )
    assert found == []


def test_a_template_of_one_s_own_cannot_bring_a_script(tmp_path, visit):
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "_findings.html.j2").write_text(
        '<section id="findings"><script>document.title = "taken"</script>'
        '<img src="https://example.org/x.png" alt="" onerror="document.title = \'taken\'"></section>'
    )
    page, said = visit(written(tmp_path, PageOptions(templates=tmp_path / "templates")).as_uri())
    page.wait_for_timeout(100)
    assert page.title().startswith("NO GATES SET")
    assert any("Content Security Policy" in text for text in said)


class Sheets:
    """A PDF read back: its reader, the text of each sheet, and texts that begin beside a sheet."""

    def __init__(self, content, most=None):
        self.content = content
        self.reader = pytest.importorskip("pypdf").PdfReader(io.BytesIO(content))
        self.beside = []
        self.texts = [self._text(sheet) for sheet in self.reader.pages[:most]]

    def _text(self, sheet):
        width = float(sheet.mediabox.width)

        def visit(text, page, line, *_):
            at = line[4] * page[0] + line[5] * page[2] + page[4]
            if text.strip() and not 0 <= at <= width:
                self.beside.append((text, at))

        return sheet.extract_text(visitor_text=visit)


def titles(outline):
    for item in outline:
        if isinstance(item, list):
            yield from titles(item)
        else:
            yield item.title


@pytest.fixture(scope="module")
def printed(browser, tmp_path_factory, dressed):
    """The PDF by paper; `browser` skips where there is none."""
    made = {}
    for paper in ("A4", "Letter"):
        folder = tmp_path_factory.mktemp(paper)
        written(folder, PageOptions(pdf=True, paper=paper, **dressed))
        made[paper] = Sheets((folder / "report.pdf").read_bytes())
    return made


@pytest.mark.parametrize(("paper", "size"), [("A4", (595, 842)), ("Letter", (612, 792))])
def test_the_pdf_is_tagged_and_has_bookmarks_and_the_verdict_on_every_sheet(printed, paper, size):
    sheets = printed[paper]
    pdf = sheets.reader
    root = pdf.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert "/StructTreeRoot" in root
    assert root["/Lang"] == "en"
    assert pdf.metadata.title == "NO GATES SET: candidate 1.2 on CIFAR-10 test"
    marks = {normalize("NFKC", title) for title in titles(pdf.outline)}
    assert {"NO GATES SET", "Key findings", "Notes", "Per-class metrics", "Provenance"} <= marks
    assert 4 <= len(pdf.pages) <= 40
    for number, text in enumerate(sheets.texts, start=1):
        assert "NO GATES SET" in text
        assert "candidate 1.2 on CIFAR-10 test" in text
        assert f"{number} / {len(pdf.pages)}" in text
    assert [round(float(side)) for side in pdf.pages[0].mediabox.upper_right] == list(size)


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_no_column_is_cut_on_paper(printed, paper):
    sheets = printed[paper]
    text = re.sub(r"\s+", " ", " ".join(sheets.texts))
    for head in ("Most predicted instead", "Reverse", "automobile", "p (Holm)"):
        assert head in text, head
    assert sheets.beside == []


def test_with_all_folds_open_tables_and_cards_are_printed_whole(browser, tmp_path):
    written(tmp_path, PageOptions(pdf=True, pdf_full=True))
    sheets = Sheets((tmp_path / "report.pdf").read_bytes())
    text = re.sub(r"\s+", " ", normalize("NFKC", " ".join(sheets.texts)))
    for head in ("Overconfidence, pp", "p (Holm)", "Average precision", "Reverse"):
        assert head in text, head
    assert text.count("Predicted as this class") == 10  # a card each
    assert "with paths" not in text  # needs the script
    assert sheets.beside == []


def test_the_same_report_gives_the_same_pages_and_date(printed, tmp_path, dressed):
    written(tmp_path, PageOptions(pdf=True, **dressed))
    from pypdf import PdfReader

    again, before = (tmp_path / "report.pdf").read_bytes(), printed["A4"].content
    assert [page.extract_text() for page in PdfReader(io.BytesIO(again)).pages] == [
        page.extract_text() for page in PdfReader(io.BytesIO(before)).pages
    ]
    for content in (again, before):
        assert b"D:20261122000000" in content


def test_hostile_names_stay_text_on_paper(browser, tmp_path):
    written(tmp_path, PageOptions(pdf=True), factories.hostile())
    sheets = Sheets((tmp_path / "report.pdf").read_bytes(), 1)
    assert sheets.reader.metadata.title.startswith("NO GATES SET: ")
    assert "onerror=alert(1)" in sheets.texts[0]


def test_a_wide_matrix_stays_on_the_sheet(browser, tmp_path):
    written(tmp_path, PageOptions(pdf=True), factories.synthetic(30))
    sheets = Sheets((tmp_path / "report.pdf").read_bytes(), 6)
    assert "family 005 member 4" in re.sub(r"\s+", " ", " ".join(sheets.texts))
    assert sheets.beside == []
