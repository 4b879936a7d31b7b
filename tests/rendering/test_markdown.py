"""``summary.md``: order, limits, and names that no renderer acts on."""

from __future__ import annotations

import html
import json
import re
from html.parser import HTMLParser

import pytest

from reportgen.rendering.markdown import MOST_BYTES, render_summary
from reportgen.report import build_report
from tests import checkers, factories
from tests.rendering.reports import NAMES, report_of, reviewed


class Seen(HTMLParser):
    """The elements of a rendered document, and the text of each ``<code>``."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.codes: list[str] = []
        self._inside = False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "code":
            self._inside = True
            self.codes.append("")

    def handle_endtag(self, tag):
        self._inside = self._inside and tag != "code"

    def handle_data(self, data):
        if self._inside:
            self.codes[-1] += data


def markdown_it(text):
    from markdown_it import MarkdownIt

    return MarkdownIt("gfm-like", {"html": True, "linkify": False}).render(text)


def cmark_gfm(text):
    cmarkgfm = pytest.importorskip("cmarkgfm")
    from cmarkgfm.cmark import Options

    options = Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES
    return cmarkgfm.github_flavored_markdown_to_html(text, options)


def comrak(text):
    comrak = pytest.importorskip("comrak")
    extensions, rendering = comrak.ExtensionOptions(), comrak.RenderOptions()
    for name in ("strikethrough", "table", "autolink", "tasklist", "footnotes", "math_dollars",
                 "shortcodes", "alerts"):  # fmt: skip
        if hasattr(extensions, name):
            setattr(extensions, name, True)
    rendering.unsafe_ = True
    return comrak.render_markdown(text, extensions, comrak.ParseOptions(), rendering)


NODE = """
import { readFileSync } from "node:fs";
import { marked } from "marked";
import markdownIt from "markdown-it";
import { unified } from "unified";
import remarkParse from "remark-parse";
import remarkGfm from "remark-gfm";
import remarkRehype from "remark-rehype";
import rehypeRaw from "rehype-raw";
import rehypeSanitize from "rehype-sanitize";
import rehypeStringify from "rehype-stringify";

const remark = unified().use(remarkParse).use(remarkGfm).use(remarkRehype, { allowDangerousHtml: true })
  .use(rehypeRaw).use(rehypeSanitize).use(rehypeStringify);
const linking = markdownIt({ html: true, linkify: true });
const renderers = {
  marked: (text) => marked.parse(text, { gfm: true }),
  "markdown-it": (text) => linking.render(text),
  "remark-gfm": (text) => String(remark.processSync(text)),
};
const texts = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(Object.fromEntries(
  Object.entries(renderers).map(([name, render]) => [name, texts.map(render)]))));
"""
"""The renderers of JavaScript, each as eager to link as it can be; all texts at once."""

PACKAGES = ("marked", "markdown-it", "unified", "remark-parse", "remark-gfm", "remark-rehype",
            "rehype-raw", "rehype-sanitize", "rehype-stringify")  # fmt: skip

SOME = [NAMES[i : i + 10] for i in range(0, len(NAMES), 10)]


def do_nothing(report, rendered):
    found = Seen(rendered)
    assert not {"a", "img", "script", "input", "sup", "del", "b"} & set(found.tags)
    assert found.tags.count("details") == found.tags.count("summary") > 0
    shown = {row.name.text for row in report.classes.rows}
    assert {re.sub(r"\s+", " ", name).strip() for name in shown} <= {
        re.sub(r"\s+", " ", name).strip() for name in found.codes
    }


@pytest.mark.parametrize("renderer", [markdown_it, cmark_gfm, comrak])
@pytest.mark.parametrize("some", SOME)
def test_names_come_out_letter_for_letter_and_do_nothing(renderer, some):
    report = report_of(some)
    do_nothing(report, renderer(render_summary(report)))


def test_names_do_nothing_in_the_renderers_of_javascript():
    reports = [report_of(some) for some in SOME]
    texts = [render_summary(report) for report in reports]
    rendered = checkers.node(NODE, *PACKAGES, data=json.dumps(texts))
    assert set(rendered) == {"marked", "markdown-it", "remark-gfm"}
    for pages in rendered.values():
        for report, page in zip(reports, pages, strict=True):
            do_nothing(report, page)


def test_they_would_link_what_is_not_escaped():
    rendered = checkers.node(NODE, *PACKAGES, data=json.dumps(["see www.example.org"]))
    assert all("<a " in page for (page,) in rendered.values())


def test_the_first_words_are_the_verdict_and_the_last_line_is_the_marker():
    report = reviewed()
    lines = render_summary(report, "nightly").splitlines()
    assert lines[0].startswith("## ⛔ DO NOT SHIP: ")
    assert lines[-1] == "<!-- reportgen:v1 key=nightly -->"


def test_verdict_reason_gates_tiles_and_findings_are_those_of_the_page():
    report = reviewed()
    text = html.unescape(re.sub(r"<[^>]*>|\*\*", "", render_summary(report)))
    assert str(report.verdict.reason) in text
    for row in report.gates.rows:
        assert f"{row.word} | {row.name} |" in text or f"{row.word} ({row.weight}) |" in text
        assert row.value in text
    for tile in report.headline.tiles:
        assert tile.cell.text in text
    for finding in report.findings[:3]:
        assert f"{finding.head} {finding.body}" in text


def test_failed_gates_come_first_and_are_explained():
    report = reviewed()
    text = render_summary(report)
    assert text.index("❌ Failed") < text.index("✅ Passed")
    explained = [line for line in text.splitlines() if line.startswith("- <code>")]
    assert len(explained) == sum(row.status != "passed" for row in report.gates.rows)


@pytest.mark.parametrize("k", [100, 1000])
def test_a_summary_of_many_classes_says_what_it_leaves_out(k):
    text = render_summary(build_report(factories.synthetic(k)))
    assert len(text.encode()) <= MOST_BYTES
    assert "further rows in per_class.csv" in text
    assert "Confusion matrix" not in text


def test_long_hostile_names_never_make_it_too_long():
    names = [f"{'@|' * 60}{i}" for i in range(60)]
    text = render_summary(report_of(names))
    assert len(text.encode()) <= MOST_BYTES
    assert text.splitlines()[-1] == "<!-- reportgen:v1 key=default -->"
    assert text.startswith("## ⛔ DO NOT SHIP")


def test_the_link_is_the_only_address():
    text = render_summary(report_of(("cat", "dog")), url="https://example.org/r?a=1&b=2")
    assert "[Full report](https://example.org/r?a=1&b=2)" in text
    assert len(re.findall("https?://", text)) == 1


def test_the_same_report_gives_the_same_bytes():
    assert render_summary(report_of(("a", "b"))) == render_summary(report_of(("a", "b")))
