"""The page as text: its policy, its structure, and that no name can change it."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import replace
from html.parser import HTMLParser

import jinja2
import pytest

from reportgen.rendering import figures, html
from reportgen.rendering.figures.heatmap import DrawnFigure
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report
from reportgen.report.verdict import Verdict
from reportgen.report.words import say
from tests import factories

VOID = {"meta", "link", "img", "br", "wbr", "input", "path", "rect", "circle"}


class Page(HTMLParser):
    """Tags with their attributes in order, raw texts of elements, and whether tags are balanced."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.tags, self.open, self.raw, self.ids, self.text = [], [], {}, [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        assert len(dict(attributes)) == len(attributes), "an attribute twice"
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] in {"style", "script"}:
            self.raw.setdefault(self.open[-1], []).append(data)
        else:
            self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


def rendered(evaluation, pictures=True):
    examples = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    thumbnails = {
        name: make_thumbnail(factories.picture(16, (i % 256, i * 7 % 256, 99)))
        for i, name in enumerate(examples)
    }
    return html.render(build_report(evaluation, thumbnails if pictures else {}))


@pytest.fixture
def no_drawing(monkeypatch):
    """Stand-ins for the heatmaps, which cost the most of a page."""
    monkeypatch.setattr(
        figures, "draw_heatmap", lambda spec, _: DrawnFigure(spec.name.encode(), 10, 10, False)
    )


@pytest.fixture(scope="module")
def ten():
    return rendered(factories.cifar())


@pytest.fixture(scope="module")
def hostile():
    return rendered(factories.hostile())


def test_the_policy_comes_right_after_the_charset(ten):
    start = '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta http-equiv='
    assert ten.startswith(start + '"Content-Security-Policy" content="')
    metas = Page(ten).all("meta")
    assert metas[1]["http-equiv"] == "Content-Security-Policy"
    assert metas[2] == {"name": "referrer", "content": "no-referrer"}


def test_the_policy_allows_this_style_and_this_script_and_nothing_else(ten):
    page = Page(ten)
    (style,), (script,) = page.raw["style"], page.raw["script"]

    def hashed(text):
        return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

    assert page.all("meta")[1]["content"] == (
        f"default-src 'none'; img-src data:; style-src 'sha256-{hashed(style)}'; "
        f"script-src 'sha256-{hashed(script)}'; base-uri 'none'; form-action 'none'"
    )


@pytest.mark.parametrize("kind", ["ten", "hostile"])
def test_no_inline_style_no_handler_no_foreign_address(kind, request):
    page = Page(request.getfixturevalue(kind))
    for tag, attributes in page.tags:
        assert tag not in {"iframe", "base", "form", "object", "embed"}
        assert tag != "link" or attributes["rel"] == "icon"
        for name, value in attributes.items():
            assert name != "style"
            assert not name.startswith("on")
            if name in {"href", "src"}:
                assert re.fullmatch(
                    r"#[a-z0-9-]+|data:image/(png|webp|jpeg);base64,[\w+/=]+", value
                )


def test_the_page_is_ascii(ten, hostile):
    assert ten.isascii()
    assert hostile.isascii()
    assert "\r" not in ten


@pytest.mark.usefixtures("no_drawing")
def test_hostile_names_add_no_element_and_no_attribute(hostile):
    """The page has the same tags as one with plain names, but for what isolates foreign scripts."""
    plain = replace(
        factories.hostile(), classes=tuple("abcdefghij"), notes=(), provenance=factories.PROVENANCE
    )

    def shape(page):
        return [
            (tag, tuple(sorted(set(attributes) - {"title", "class"})))
            for tag, attributes in Page(page).tags
            if tag in {"script", "style", "img", "svg", "table", "a", "button", "input", "meta"}
        ]

    one, other = shape(hostile), shape(rendered(plain))
    assert set(one) == set(other)
    assert [tag for tag, _ in one].count("script") == 1
    assert [tag for tag, _ in one].count("img") == [tag for tag, _ in other].count("img")


def test_hostile_names_are_all_to_be_read(hostile):
    text = "".join(Page(hostile).text)
    for name in factories.HOSTILE:
        assert name.replace("\u202e", "\\u202e") in text


def test_ids_are_unique_stable_and_free_of_names(ten, hostile):
    for page in (ten, hostile):
        ids = Page(page).ids
        assert len(ids) == len(set(ids))
        assert {f"c-{i}" for i in range(10)} <= set(ids)
        assert {"p-3-5", "p-5-3"} <= set(ids)
        assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*(-\d+)*", identifier) for identifier in ids)


def test_every_link_within_the_page_has_a_target(ten):
    page = Page(ten)
    for link in page.all("a"):
        assert link["href"][1:] in page.ids


def test_no_image_is_repeated_and_every_image_says_what_it_shows(ten):
    images = Page(ten).all("img")
    assert len(images) == 2 + 3 * 16 + 5 * 8  # matrices, open galleries, folded ones
    assert len({image["src"] for image in images}) == len(images)
    for image in images:
        assert len(image["alt"]) > 10
        assert ".png" not in image["alt"]


def test_ten_classes_with_galleries_fit_into_a_megabyte(ten):
    assert len(ten) < 1_000_000


def test_controls_that_need_the_script_are_hidden(ten):
    page = Page(ten)
    assert all("hidden" in button for button in page.all("button"))
    tools = [attributes for tag, attributes in page.tags if attributes.get("class") == "tools"]
    assert all("hidden" in attributes for attributes in tools)


def test_the_script_is_the_same_in_every_report_small_and_readable(ten, hostile):
    (script,) = Page(ten).raw["script"]
    assert [script] == Page(hostile).raw["script"]
    assert len(script) <= 32_000
    assert max(map(len, script.splitlines())) <= 100
    for forbidden in ("innerHTML", "outerHTML", "eval", "atob", "Blob", "localStorage", "cookie",
                      "sessionStorage", "insertAdjacentHTML", "document.write", "fetch(",
                      "XMLHttpRequest", "http", "Function("):  # fmt: skip
        assert not re.search(rf"\b{re.escape(forbidden)}", script)  # "prevalence" has an "eval"


@pytest.mark.usefixtures("no_drawing")
def test_no_data_reaches_the_script():
    page = Page(rendered(factories.synthetic(2100, 2)))
    executable = [a for a in page.all("script") if a.get("type") != "application/json"]
    assert executable == [{}]
    assert len(page.all("script")) == 4  # pictures, all classes, cards of those beyond 200


def test_the_templates_are_strict():
    folder = html.template_folder()
    environment = html._environment(folder)
    assert environment.autoescape is True
    assert environment.undefined is jinja2.StrictUndefined
    for path in sorted(folder.glob("*.j2")):
        text = path.read_text("utf-8")
        assert "safe" not in re.findall(r"\|\s*(\w+)", text), path.name
        assert "autoescape" not in text
        assert not re.search(r"=\s*{[{%]", re.sub(r"{%.*?%}", "", text)), "unquoted attribute"
    with pytest.raises(jinja2.UndefinedError, match="accurracy"):
        environment.from_string("{{ accurracy }}").render()


def test_the_templates_lie_beside_the_package_or_in_the_checkout():
    assert (html.template_folder() / "report.html.j2").is_file()


def test_style_and_script_cannot_end_their_own_element(tmp_path):
    (tmp_path / "report.css").write_text("a::after { content: '</style>' }")
    with pytest.raises(ValueError, match="would end its own element"):
        html._asset(tmp_path / "report.css")


def contrast(one, other):
    def luminance(colour):
        if len(colour) == 4:
            colour = "#" + "".join(2 * digit for digit in colour[1:])
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_every_step_of_heat_has_legible_digits():
    css = (html.template_folder() / "report.css").read_text("ascii")
    steps = re.findall(r"\.h(\d+)\{background:(#\w+);color:(#\w+)\}", css)
    assert [int(step) for step, _, _ in steps] == 2 * list(range(21))  # on light, and on dark
    for _, ground, ink in steps:
        other = "#000" if ink == "#fff" else "#fff"
        assert contrast(ground, ink) >= 4.58
        assert contrast(ground, ink) >= contrast(ground, other)


def test_a_cell_has_the_colour_of_its_share(ten):
    assert '<td class="h18 dg"><b>898</b><i>89.8</i><span class="cp h17">84.3</span>' in ten
    assert '<td class="h3 hot"><b><a href="#p-3-5">126</a></b><i>12.6</i>' in ten


@pytest.mark.usefixtures("no_drawing")
def test_rows_without_samples_say_so():
    page = rendered(factories.absent_classes())
    assert page.count('<td class="na') == 5  # the row of a class without samples
    assert '<td class="na dg"><b>0</b><i>n/a</i>' in page


def test_names_of_other_scripts_are_isolated(hostile):
    assert hostile.count("<bdi>&#1602;&#1591;&#1577; &#1608;&#1603;&#1604;&#1576;</bdi>") > 10


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("kind", ["none", "ship", "stop", "unclear"])
def test_each_verdict_has_its_own_shape_and_word(kind):
    report = build_report(factories.binary())
    report = replace(report, verdict=Verdict(kind, f"WORD {kind}", say("Because.")))
    page = html.render(report)
    assert f'<header class="verdict v-{kind}" id="verdict">' in page
    assert f'<h1 id="h-summary">WORD {kind}</h1>' in page
    shapes = {"none": "stroke-dasharray", "ship": "10.5", "stop": "M7.5 1h9", "unclear": "22.5 12"}
    header = page.split("<header")[1].split("</header>")[0]
    for other, mark in shapes.items():
        assert (mark in header) == (other == kind)


@pytest.mark.usefixtures("no_drawing")
def test_sections_without_content_leave_no_heading():
    page = rendered(factories.make_evaluation([[40, 0], [0, 40]], ["a", "b"]))
    text = "".join(Page(page).text)
    assert "no two classes are confused" in text
    for absent in ("Gates", "Against", "Slices"):
        assert f"<h2>{absent}" not in page


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize(
    ("make", "needed"),
    [
        (factories.fashion, "Calibration, slices, examples and potential label errors: add pred"),
        (factories.cifar, "Calibration and selective prediction: add a column of confidences"),
        (lambda: factories.synthetic(100), "Calibration and selective prediction: add a column"),
    ],
)
def test_without_confidences_there_is_no_section_on_calibration(make, needed, no_drawing):
    """What would add it is said once, in the section on the data."""
    page = rendered(make())
    assert 'href="#confidence"' not in page
    assert 'id="confidence"' not in page
    assert page.count(needed) == 1


def test_with_confidences_there_is_one(no_drawing):
    for full in (True, False):
        page = rendered(factories.scored(full=full))
        assert page.count('<a href="#confidence">Calibration</a></li>') == 1
        assert 'id="h-confidence"' in page


def test_a_long_list_of_classes_can_be_searched(no_drawing):
    for k, searched in ((2, False), (12, False), (13, True), (250, True)):
        page = rendered(factories.synthetic(k))
        assert ('id="filter"' in page) == searched
        assert ("<kbd>/</kbd>" in page) == searched


def test_without_pictures_the_names_stand_in_their_place():
    page = rendered(factories.cifar(), pictures=False)
    assert "nopic" not in page.partition("</style>")[2]  # a list, and no grey boxes
    listed = page.partition("<summary>Examples of the most confused pairs")[2].partition("</table>")
    assert listed[0].count('<span class="file">') == 128
    assert len(Page(page).all("img")) == 2


def test_what_an_interval_does_not_cover_is_said_once(ten):
    assert ten.count("test-set reuse or dependent samples") == 1


def test_the_same_input_gives_the_same_page(ten):
    assert rendered(factories.cifar()) == ten


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("k", [1, 2, 12, 30, 31, 100, 101])
def test_every_number_of_classes_gives_a_balanced_page(k):
    page = Page(html.render(build_report(factories.synthetic(k, 20))))
    assert len([a for a in page.all("tr") if a.get("id", "").startswith("c-")]) == k
    cells = [a.get("class", "") for a in page.all("td")]
    worst = 21 if k > 30 else 0  # and all others as one
    assert sum("dg" in kind.split() for kind in cells) == k * (k <= 100) + worst


def test_numbers_stay_on_the_line_of_their_unit_and_of_the_other_end():
    from reportgen.rendering.html_filters import words

    def unbroken(text):
        return re.findall('<span class="nb">(.*?)</span>', str(words(text)))

    assert unbroken("+3.7 pp (95% CI 96.3–98.4%)") == ["+3.7 pp", "96.3–98.4%"]
    assert unbroken("recall ≥ 90%, p < 0.001") == ["≥ 90%", "p &lt; 0.001"]
    assert unbroken("> −0.5 pp; p = 0.002") == ["&gt; −0.5 pp", "p = 0.002"]
    assert unbroken("Slices: add --group-column. 1,028 / 5,000") == [
        "--group-column",
        "1,028 / 5,000",
    ]
    assert unbroken(say("(p {p}, Holm)", p="< 0.001")) == ["p &lt; 0.001"]
    assert unbroken("cat–dog, 64 of 100, 3 ppm, and / or") == []
    assert words("<b> ≤ 5% & more") == '&lt;b&gt; <span class="nb">≤ 5%</span> &amp; more'


def test_the_name_of_a_file_is_broken_between_its_words():
    from reportgen.rendering.html_filters import path
    from reportgen.report import Name

    assert path("a/b<c.jpg") == "a/<wbr>b&lt;c.jpg"
    assert path(Name.of("cat/1.jpg")) == "cat/<wbr>1.jpg"
    assert path("c-1/IMG__07_x.jpg") == "c-<wbr>1/<wbr>IMG__<wbr>07_<wbr>x.jpg"
    cut = Name.of("north_gate/" + "1" * 40 + "_x.jpg", 20)
    assert path(cut) == f'<bdi title="{cut.full}">north_<wbr>gate…111_<wbr>x.jpg</bdi>'
    assert path(Name.of("é/1.jpg")) == "<bdi>é/1.jpg</bdi>"
