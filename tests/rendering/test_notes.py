"""Notes: a reader's Markdown becomes text, and never code."""

from __future__ import annotations

import re
import time
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.errors import UsageError
from reportgen.options.page import PageOptions
from reportgen.rendering import html, write_all
from reportgen.rendering.appearance import load_style
from reportgen.rendering.notes import notes_of, read_notes

TAGS = {
    "p", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "em", "strong", "code", "pre", "a",
    "br", "hr", "section", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


class Elements(HTMLParser):
    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.text = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.text.append(data)


def assert_harmless(written):
    found = Elements(written)
    for tag, attributes in found.tags:
        assert tag in TAGS
        assert set(attributes) <= {
            "href",
            "rel",
            "start",
            "scope",
            "tabindex",
            "class",
            "aria-label",
        }
        if tag == "a":
            assert re.match(r"https?://|mailto:", attributes["href"], re.IGNORECASE)
            assert attributes["rel"] == "noopener noreferrer nofollow"
    return found


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain *em* **strong** `code`",
         "<p>plain <em>em</em> <strong>strong</strong> <code>code</code></p>\n"),
        ("a\nb  \nc", "<p>a\nb<br>\nc</p>\n"),
        ("> q", "<blockquote><p>q</p>\n</blockquote>\n"),
        ("- a\n- b", "<ul><li>a</li>\n<li>b</li>\n</ul>\n"),
        ("3. a", '<ol start="3"><li>a</li>\n</ol>\n'),
        ("```python\n<b>\n```", "<pre><code>&lt;b&gt;</code></pre>\n"),
        ("***", "<hr>\n"),
        ("[x](https://e.org/a?b=1&c=2)",
         '<p><a href="https://e.org/a?b=1&amp;c=2" rel="noopener noreferrer nofollow">x</a></p>\n'),
    ],
)  # fmt: skip
def test_markdown_becomes_elements(text, written):
    assert notes_of(text) == written


def test_headings_go_on_below_those_of_the_page_and_skip_no_level():
    written = notes_of("# one\n### two\n#### three\n# four\n###### five")
    assert re.findall(r"<(h\d)>(\w+)", written) == [
        ("h3", "one"), ("h4", "two"), ("h5", "three"), ("h3", "four"), ("h4", "five"),
    ]  # fmt: skip


def test_each_table_has_a_name_of_its_own():
    table = "| a |\n|---|\n| 1 |\n\n"
    written = notes_of(table + "x\n\n" + table)
    assert re.findall('aria-label="([^"]+)"', written) == [
        "Table 1 of the notes",
        "Table 2 of the notes",
    ]
    assert written.count('<th scope="col">a</th>') == 2


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<!-- --><svg onload=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](\tjavascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](file:///etc/passwd)",
    "[x](//e.org/x)",
    "[x](#made)",
    "[x](../other.html)",
    "![x](https://e.org/pixel.png)",
    "![x](data:image/png;base64,AAAA)",
    '[x](https://e.org/" onclick="alert(1))',
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '<a href="https://e.org" onclick="x">y</a>',
    "```\n</code></pre><script>alert(1)</script>\n```",
    "`</code><script>alert(1)</script>`",
    "a \u202e b \x1b[31m c \x00",
    "| <script> |\n|---|\n| ![x](y) |",
    '# "><script>alert(1)</script>',
]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_notes_stay_text(text):
    written = notes_of(text)
    found = assert_harmless(written)
    assert "\u202e" not in written
    assert "\x1b" not in written
    links = [attributes["href"] for tag, attributes in found.tags if tag == "a"]
    assert links in ([], ["https://e.org/%22"]) or text.startswith('[x](https://e.org/"')


def test_a_picture_becomes_its_words():
    assert notes_of("![the set-up](https://e.org/pixel.png)") == "<p>[picture: the set-up]</p>\n"


@given(st.text(alphabet="<>[]()!`*_#-|\n \"'&;:javscript/htp.01=\\~", max_size=200))
def test_whatever_is_written_only_known_elements_come_out(text):
    assert_harmless(notes_of(text) or "")


@pytest.mark.parametrize(
    "piece", ["[", "![", "*a_ ", "> ", "`a", "<", "[a](<b", "| a ", "- ", "&#", "**a *"]
)
def test_no_text_takes_long(piece):
    text = (piece * 64_000)[:64_000]
    start = time.process_time()
    notes_of(text)
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"x" * 64_001, "is larger than 64,000 bytes"),
        (b"abc\xff", "is not UTF-8 at byte 3"),
    ],
)
def test_a_file_that_can_t_be_notes_is_refused(tmp_path, content, said):
    path = tmp_path / "notes.md"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_notes(path)
    assert caught.value.slug == "notes-file"
    assert caught.value.message == f'--notes "notes.md" {said}'


def test_a_folder_is_no_notes(tmp_path):
    with pytest.raises(UsageError, match="can't be read: is a directory"):
        read_notes(tmp_path)


@pytest.mark.usefixtures("no_drawing")
def test_notes_are_a_section_with_an_entry_in_the_contents(report, evaluation, tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("\ufeffThe **night** \u732b images: 30%.", "utf-8")
    write_all(report, evaluation, tmp_path, PageOptions(notes=path))
    page = (tmp_path / "report.html").read_text("ascii")
    assert "<p>The <strong>night</strong> &#29483; images: 30%.</p>" in page
    assert page.index('<h2 id="notes">Notes</h2>') < page.index('<section id="matrix"')
    plain = html.render(report)
    assert 'id="notes"' not in plain
    assert ".written" not in plain


@pytest.mark.usefixtures("no_drawing")
def test_empty_notes_are_no_section(report, tmp_path):
    path = tmp_path / "notes.md"
    path.write_text("\n  \n")
    assert html.render(report, dress=load_style(PageOptions(notes=path))) == html.render(report)
