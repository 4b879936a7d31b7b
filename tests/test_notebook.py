"""How an evaluation and a comparison show themselves in Jupyter."""

from __future__ import annotations

import html
import os
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import reportgen
from reportgen.rendering.html import own_style
from reportgen.rendering.notebook import MOST_BYTES
from reportgen.report import build_report
from tests import factories, review_factories
from tests.rendering.test_markdown import NAMES

ATTRIBUTES = {
    "a": {"href", "target", "rel"},
    "bdi": {"title"},
    "circle": {"cx", "cy", "r", "class"},
    "img": {"src", "width", "height", "alt"},
    "path": {"d", "fill", "class", "stroke-dasharray"},
    "svg": {"viewbox", "aria-hidden"},
    "th": {"class", "scope"},
}
"""Element → the attributes that it may have, where these are not `class` alone."""

ELEMENTS = {*ATTRIBUTES, "b", "div", "li", "p", "span", "style", "table", "tbody", "td", "thead",
            "tr", "ul"}  # fmt: skip


class Seen(HTMLParser):
    """The elements of a fragment, its links, and its text; what may not be there is an error."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(text)
        assert self.open == [], "every element is closed"

    def handle_starttag(self, tag, attrs):
        assert tag in ELEMENTS
        assert {name for name, _ in attrs} <= ATTRIBUTES.get(tag, {"class"}), (tag, attrs)
        self.links += [value for name, value in attrs if name == "href"]
        if tag not in ("img", "path", "circle"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in ("img", "path", "circle"):
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open[-1:] != ["style"]:
            self.text += data


def seen(value):
    return Seen(value._repr_html_())


def cat_and_dog():
    return factories.make_evaluation([[40, 10], [1, 49]], ("cat", "dog"))


def matrix_file(folder: Path, name: str = "matrix.csv", wrong: int = 10) -> Path:
    path = folder / name
    path.write_text(f",cat,dog\ncat,{50 - wrong},{wrong}\ndog,1,49\n")
    return path


def said(report, text):
    """Whether verdict, reason and key metrics of a report are in a text, word for word."""
    assert report.verdict.word in text
    assert str(report.verdict.reason) in text
    for tile in report.headline.tiles:
        assert tile.cell.text in text
        assert tile.cell.range in text
        assert tile.change is None or f"{tile.change.text}\u00a0pp" in text


def test_an_evaluation_shows_verdict_metrics_and_matrix_as_the_page_does():
    found = factories.scored(factories.cifar())
    report, text = build_report(found), seen(found).text
    said(report, text)
    assert text.count("simultaneous ") == 1, "the interval of the lowest recall"
    for row in report.matrix.rows:
        assert "".join([str(row.name), *(f"{n:,}" for n in row.counts)]) in text


def test_a_comparison_shows_changes_and_the_difference_matrix():
    comparison = review_factories.paired()
    report, text = build_report(comparison.candidate, comparison=comparison), seen(comparison).text
    said(report, text)
    for row in report.comparison.difference.rows:
        assert "".join([str(row.name), *(cell.text for cell in row.shares)]) in text


@pytest.mark.parametrize("some", [NAMES[i : i + 10] for i in range(0, len(NAMES), 10)])
def test_names_come_out_letter_for_letter_and_do_nothing(some):
    counts = [[20 if i == j else 1 for j in range(len(some))] for i in range(len(some))]
    found = factories.make_evaluation(counts, some)
    page = seen(found)
    assert page.links == []
    for row in build_report(found).matrix.rows:
        assert str(row.name) in page.text


def test_hostile_facts_do_nothing():
    assert seen(factories.hostile()).links == []


@pytest.mark.parametrize("k", [1, 30, 31, 100, 1000])
def test_a_fragment_takes_at_most_60_kb(k):
    text = factories.synthetic(k)._repr_html_()
    assert text.isascii()
    assert len(text) <= MOST_BYTES == 60_000
    assert ("Confusion matrix" if k <= 30 else "Most confused classes") in text


def test_long_names_cost_the_matrix_and_never_the_verdict():
    names = ["\U0001f600" * 60 + str(i) for i in range(30)]
    counts = [[1_000_000 if i == j else 1_000 for j in range(30)] for i in range(30)]
    found = factories.make_evaluation(counts, names)
    text = found._repr_html_()
    assert len(text) <= 60_000
    said(build_report(found), Seen(text).text)


@pytest.mark.parametrize("k", [2, 40])
def test_proportions_are_shown_too(k):
    table = [[0.75 if i == j else 0.25 * ((i + 1) % k == j) for j in range(k)] for i in range(k)]
    found = reportgen.load(
        table,
        classes=[f"c{i}" for i in range(k)],
        normalised=True,
        normalised_over="true",
    )
    text = found._repr_html_()
    assert ('src="data:image/png;base64,' in text) == (k == 40)
    assert ("c075.025.0" in Seen(text).text) == (k == 2)
    assert len(text) <= 60_000


def test_what_was_written_shows_its_own_verdict_and_links_its_page(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = reportgen.render(
        matrix_file(tmp_path), out="a folder/report", fail_under="accuracy=0.95"
    )
    page = seen(made)
    assert "DO NOT SHIP" in page.text
    assert "0.95" in page.text or "95%" in page.text
    assert page.links == ["a%20folder/report/report.html"]
    assert seen(reportgen.load("a folder/report")).text == page.text
    assert seen(reportgen.load("a folder/report/report.json")).links == page.links
    Path("a folder/report/report.html").unlink()
    assert seen(made).links == []


def test_a_written_comparison_shows_the_verdict_of_its_gates(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    before, after = matrix_file(tmp_path, "a.csv"), matrix_file(tmp_path, "b.csv", wrong=5)
    made = reportgen.compare(before, after, out="r", fail_under="accuracy=0.6", layout="dir")
    for value in (made, made.candidate):
        page = seen(value)
        assert "SHIP" in page.text
        assert "NO GATES" not in page.text
        assert page.links == ["r/index.html"]
    assert "NO GATES SET" in seen(made.baseline).text


@pytest.mark.skipif(os.name == "nt", reason="no such names on Windows")
def test_the_address_of_a_page_is_no_scheme_and_ends_no_attribute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = reportgen.render(matrix_file(tmp_path), out='javascript:alert(1)#"><b>')
    assert seen(made).links == ["javascript%3Aalert%281%29%23%22%3E%3Cb%3E/report.html"]
    monkeypatch.chdir("/")
    (link,) = seen(made).links
    assert not link.startswith("/"), "relative from any folder"


def test_the_report_of_a_value_is_no_part_of_it(tmp_path):
    found = cat_and_dog()
    known = found.with_report(tmp_path / "report.html", None)
    assert known == found
    assert known.to_json() == found.to_json()
    assert replace(known, seed=3).written is None
    assert found.written is None


def test_a_fragment_has_the_colours_of_the_page_for_both_schemes_and_only_its_own_rules():
    style = re.search("<style>(.*?)</style>", cat_and_dog()._repr_html_(), re.DOTALL)[1]
    for name in ("h16", "h4", "h0", "h20"):
        ground = re.findall(rf"\.{name}\{{background:(#\w+)", own_style("report.css"))
        assert len(ground) == 2
        assert f".{name}{{background:{ground[0]};" in style
        assert f"background:light-dark({ground[0]},{ground[1]})" in style
    assert ".h7{" not in style
    rules = re.sub(r"/\*.*?\*/|@supports[^{]*\{|\{[^{}]*\}", "", style, flags=re.DOTALL)
    while "(" in rules:
        rules = re.sub(r"\([^()]*\)", "", rules)
    for selector in rules.replace("\n", ",").replace("}", "").split(","):
        assert ".reportgen" in selector or not selector.strip(), selector
    assert "http" not in style
    assert "@import" not in style


def test_the_same_value_gives_the_same_bytes():
    assert cat_and_dog()._repr_html_() == cat_and_dog()._repr_html_()


def test_ipython_displays_it_as_html():
    formatters = pytest.importorskip("IPython.core.formatters", reason="ipykernel is not installed")
    shown = formatters.HTMLFormatter()(cat_and_dog())
    assert "89.0%" in html.unescape(shown)
