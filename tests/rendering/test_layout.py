"""The page as a file with a folder: whole or not at all, and never over what is not ours."""

from __future__ import annotations

import re

import pytest

from reportgen.errors import OutputError
from reportgen.options.page import PageOptions
from reportgen.rendering import html, write_all
from reportgen.rendering import page_budget as sizing
from reportgen.rendering.pictures import Beside
from tests.rendering.conftest import png

pytestmark = pytest.mark.usefixtures("no_drawing")
DIR = PageOptions(layout="dir")


def sources(page):
    return re.findall(r'(?:src|href)="([^"#][^"]*)"', page)


@pytest.fixture
def folder(report, evaluation, tmp_path):
    assert write_all(report, evaluation, tmp_path, DIR) == ()
    return tmp_path


def test_every_file_that_the_page_names_is_there_and_no_other(folder):
    page = (folder / "index.html").read_text("ascii")
    named = {address.removeprefix("report_files/") for address in sources(page)}
    assert named == {path.name for path in (folder / "report_files").iterdir()}
    assert {"report.css", "report.js", "icon.png", "confusion-counts.png", "sample.jpg"} <= named
    assert "data:" not in page.split("</head>")[0]
    assert "<style>" not in page
    assert not (folder / "report.html").exists()
    assert (folder / "report_files" / "report.css").read_text("ascii") == html._style(html.PLAIN)


def test_its_policy_allows_the_folder_and_nothing_inline(folder):
    (policy,) = re.findall(
        'Content-Security-Policy" content="([^"]+)"', (folder / "index.html").read_text()
    )
    assert policy.replace("&#39;", "'") == (
        "default-src 'none'; img-src 'self'; style-src 'self'; script-src 'self'; "
        "base-uri 'none'; form-action 'none'"
    )


def test_both_layouts_say_the_same(folder, report):
    def body(page):
        without = re.sub(
            r"<style>.*?</style>|<script>.*?</script>|<script src[^>]+></script>|<link[^>]+>",
            "",
            page,
            flags=re.DOTALL,
        )
        return re.sub(r'src="[^"]+"|content="default-src[^"]+"|\s+', " ", without)

    assert body((folder / "index.html").read_text("ascii")) == body(html.render(report))


def test_names_of_files_are_never_from_data(folder):
    for path in (folder / "report_files").iterdir():
        assert re.fullmatch(
            r"(report|icon|confusion-[a-z-]+|sample)(-\d+)?\.(css|js|png|jpg)", path.name
        )


def test_each_picture_is_written_once(report):
    made = html.page(report, beside=True)
    assert len(set(made.files.values())) == len(made.files)
    assert made.size == len(made.html) + sum(map(len, made.files.values()))
    assert len(made.html) < len(html.render(report)) - 50_000


def test_the_same_picture_has_one_file_and_others_have_names_of_their_own():
    images = Beside()
    contents = (("image/png", b"a"), ("image/jpeg", b"b"), ("image/png", b"a"), ("image/png", b"c"))
    shown = [images.address(mime, content, "sample") for mime, content in contents]
    assert shown == [f"report_files/sample{end}" for end in (".png", "-2.jpg", ".png", "-3.png")]
    assert list(images.files.values()) == [b"a", b"b", b"c"]


def test_a_folder_of_an_earlier_report_is_replaced(folder, report, evaluation):
    (folder / "report_files" / "stale.png").write_bytes(png())
    write_all(report, evaluation, folder, PageOptions(layout="dir", no_thumbnails=True))
    left = {path.name for path in (folder / "report_files").iterdir()}
    assert "stale.png" not in left
    assert not any(name.startswith("sample") for name in left)
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("kind", ["file", "link", "folder with other files", "folder in it"])
def test_what_is_not_ours_is_never_replaced(report, evaluation, tmp_path, kind):
    target, elsewhere = tmp_path / "report_files", tmp_path / "elsewhere"
    elsewhere.mkdir()
    if kind == "file":
        target.write_text("mine")
    elif kind == "link":
        target.symlink_to(elsewhere)
    elif kind == "folder in it":
        (target / "mine").mkdir(parents=True)
    else:
        target.mkdir()
        (target / "thesis.tex").write_text("mine")
    with pytest.raises(OutputError) as caught:
        write_all(report, evaluation, tmp_path, DIR)
    assert caught.value.slug == "output-folder-blocked"
    assert caught.value.message.startswith('"report_files" exists and is not')
    assert list(elsewhere.iterdir()) == []
    if kind == "folder with other files":
        assert (target / "thesis.tex").read_text() == "mine"
    assert not (tmp_path / "index.html").exists()


def test_a_page_that_can_t_be_written_leaves_the_earlier_one_whole(
    folder, report, evaluation, monkeypatch
):
    from reportgen.rendering import outputs as exports

    before = {path.name: path.read_bytes() for path in (folder / "report_files").iterdir()}
    page = (folder / "index.html").read_bytes()

    def full(target, content):
        if target.name == "index.html":
            raise OutputError("no space left", slug="output-not-writable")

    monkeypatch.setattr(exports, "write_text", full)
    with pytest.raises(OutputError, match="no space left"):
        write_all(report, evaluation, folder, PageOptions(layout="dir", no_thumbnails=True))
    assert {path.name: path.read_bytes() for path in (folder / "report_files").iterdir()} == before
    assert (folder / "index.html").read_bytes() == page
    assert not [path.name for path in folder.iterdir() if path.name.startswith(".")]


def test_an_unwritable_folder_is_an_output_error(report, evaluation, tmp_path, monkeypatch):
    from reportgen.rendering import folders

    def full(folder, files):
        folder.mkdir()
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(folders, "_fill", full)
    with pytest.raises(OutputError, match='cannot write "report_files": no space left') as caught:
        write_all(report, evaluation, tmp_path, DIR)
    assert caught.value.slug == "output-not-writable"
    assert not list(tmp_path.glob(".*"))


def test_a_change_of_layout_leaves_one_page(folder, report, evaluation):
    write_all(report, evaluation, folder)
    assert (folder / "report.html").is_file()
    assert not (folder / "index.html").exists()
    assert not (folder / "report_files").exists()
    write_all(report, evaluation, folder, DIR)
    assert not (folder / "report.html").exists()


def test_a_home_page_of_somebody_else_stays(report, evaluation, tmp_path):
    (tmp_path / "index.html").write_text("mine")
    write_all(report, evaluation, tmp_path)
    assert (tmp_path / "index.html").read_text() == "mine"


def test_a_pdf_of_an_earlier_report_does_not_stay(report, evaluation, tmp_path):
    (tmp_path / "report.pdf").write_bytes(b"%PDF-")
    write_all(report, evaluation, tmp_path)
    assert not (tmp_path / "report.pdf").exists()


def test_pictures_shrink_by_what_page_and_folder_hold_together(report):
    made, shown = sizing.fitting_page(report, html.page(report, beside=True).size - 1, beside=True)
    assert shown.n_thumbnails < report.n_thumbnails
    assert len([name for name in made.files if name.startswith("sample")]) == shown.n_thumbnails


def test_the_same_input_gives_the_same_files(report):
    assert html.page(report, beside=True) == html.page(report, beside=True)
