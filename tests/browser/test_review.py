"""A release review in a real browser: readable everywhere, told by word and shape, and quiet."""

import functools
import io
import re
from dataclasses import replace
from html import escape
from pathlib import Path
from unicodedata import normalize

import pytest

from reportgen.gates import Decision
from reportgen.rendering import candidates as overview
from reportgen.rendering import html
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report
from reportgen.report.candidates import OverviewEntry, build_overview
from tests import factories, review_factories
from tests.browser.test_axe import axe_source

pytestmark = pytest.mark.browser

OPEN = """
[[gate]]
name = "found, with confidence"
metric = "recall"
classes = ["cat", "dog"]
at_least = 0.64
confident = true
"""


@functools.cache
def paired():
    comparison = review_factories.paired()
    ids = [m.id for gallery in comparison.candidate.examples for m in gallery]
    ids += [one.id for one in (*comparison.broken, *comparison.fixed)]
    ids += [one.id for one in comparison.candidate.suspects.suspects]
    pictures = {
        name: make_thumbnail(
            factories.picture(32 if i % 2 else 120, (i * 37 % 256, i * 91 % 256, 80))
        )
        for i, name in enumerate(dict.fromkeys(ids))
    }
    decision = review_factories.decision(comparison)
    return html.render(build_report(comparison.candidate, pictures, {}, comparison, decision))


def unpaired():
    comparison = review_factories.fashion()
    return html.render(build_report(comparison.candidate, {}, {}, comparison))


def several():
    comparison, same = review_factories.paired(), review_factories.identical()
    entries = [
        OverviewEntry("a", comparison, review_factories.decision(comparison), "1-a/report.html"),
        OverviewEntry("b", same, review_factories.decision(same), "2-b/report.html"),
        OverviewEntry(
            "c", comparison, review_factories.decision(comparison, OPEN), "3-c/report.html"
        ),
        OverviewEntry("d", comparison, None, "4-d/report.html"),
    ]
    return overview.render(build_overview(entries))


def warned():
    comparison = review_factories.paired()
    entry = OverviewEntry("a", comparison, review_factories.decision(comparison), "a/report.html")
    made = build_overview([entry])
    row = replace(made.rows[0], cautions=("Check the data.",), n_cautions="1 warning")
    return overview.render(replace(made, rows=(row,)))


PAGES = {"paired": paired, "unpaired": unpaired, "several": several}


@pytest.fixture(scope="module")
def addresses(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reviews")

    def address(name):
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(PAGES[name](), "ascii")
        return path.as_uri()

    return address


@pytest.fixture
def opened(new_page, addresses):
    def at(name, **options):
        page = new_page(**options)
        page.goto(addresses(name))
        return page

    return at


@pytest.mark.parametrize("name", PAGES)
def test_a_review_asks_for_nothing_and_says_nothing(opened, addresses, name):
    page = opened(name)
    page.wait_for_load_state()
    asked = [url for url in page.seen.requests if not url.startswith("data:")]
    assert asked + page.seen.messages == [addresses(name)]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["paired", "several"])
def test_axe_finds_no_violation_in_a_review(opened, name, scheme):
    page = opened(name, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    found = page.evaluate(
        axe_source() + "; axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa',"
        " 'wcag22aa', 'best-practice'], resultTypes: ['violations']}).then((result) =>"
        " result.violations.map((v) => v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html)))"
    )
    assert found == []


@pytest.mark.parametrize("name", PAGES)
def test_a_review_never_scrolls_sideways(opened, name):
    page = opened(name)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_the_tables_of_changes_fit_on_a_desk(opened):
    page = opened("paired")
    wide = page.evaluate(
        "[...document.querySelectorAll('#gates .scroll, #comparison .scroll, #classes .scroll')]"
        ".filter((b) => b.scrollWidth > b.clientWidth + 1).map((b) => b.ariaLabel)"
    )
    assert [label for label in wide if not label.startswith("More figures")] == []


def test_on_a_phone_each_gate_is_a_block(opened):
    page = opened("paired", width=390)
    first = page.locator("table.gates > tbody > tr").first
    assert first.evaluate("(e) => getComputedStyle(e).display") == "grid"
    heights = [
        first.locator(selector).bounding_box()["y"]
        for selector in ("td.s", "th", "[data-l=Margin]")
    ]
    assert heights == sorted(heights)
    assert (
        page.locator(".scroll:has(> table.gates)").evaluate("(e) => e.scrollWidth - e.clientWidth")
        == 0
    )
    assert "Failed" in first.inner_text()


def test_everything_of_a_review_is_there_without_script(opened):
    page = opened("paired", java_script_enabled=False)
    assert page.locator("h1").inner_text() == "DO NOT SHIP"
    assert page.locator("table.gates > tbody > tr:not(.parts)").count() == 5
    assert page.locator("table.changes tbody tr").count() == 10
    assert page.locator("#comparison-difference").is_visible()
    assert page.locator("#comparison-broken li.md, #comparison-broken .mds > li").count() == 12
    assert page.locator("button:visible").count() == 0
    page.locator("#gate-4 > summary").click()
    assert page.locator("#gate-4 table").is_visible()


SHARED = "svg.pic:has(use):visible"


def blank(page, frame=None):
    """The first place that refers to a picture and shows nothing but the ground, of every fourth;
    -1 where all show it."""
    places = (frame or page).locator(SHARED)
    n = places.count()
    assert n > 5
    return next((i for i in range(0, n, 4) if not shows(page, places.nth(i))), -1)


def shows(page, place):
    """Whether more than the ground is there, soon: what just came into view is drawn later."""
    from PIL import Image

    for _ in range(20):
        shot = Image.open(io.BytesIO(place.screenshot())).convert("RGB")
        if len(shot.getcolors(1 << 16)) > 20:
            return True
        page.wait_for_timeout(50)
    return False


def with_hidden_pairs(text):
    """The page with what changed, where most pictures stand first, in subtrees that are not drawn."""
    around = {
        "details": ("<details><summary>x</summary>", "</details>"),
        "visibility": ('<div class="skipped">', "</div>"),
        "display": ("<div hidden>", "</div>"),
    }
    start = text.index('<div class="half ex"')
    end = text.index("</section>\n", start)
    for name, (before, after) in around.items():
        yield name, text[:start] + before + text[start:end] + after + text[end:]


@pytest.mark.parametrize("options", [
    {"java_script_enabled": False}, {"color_scheme": "dark"}, {"forced_colors": "active"},
    {"width": 390},
], ids=lambda options: next(iter(options)))  # fmt: skip
def test_a_picture_of_several_places_is_seen_at_each(opened, options):
    assert blank(opened("paired", **options)) == -1


def test_a_picture_is_seen_where_its_first_place_is_not_drawn(new_page, tmp_path):
    page = new_page()
    for name, text in with_hidden_pairs(paired()):
        path = tmp_path / f"{name}.html"
        path.write_text(text, "ascii")
        page.goto(path.as_uri())
        if name == "visibility":  # the page's policy allows no style of another's: by script
            page.evaluate("document.querySelector('.skipped').style.contentVisibility = 'hidden'")
        assert blank(page) == -1, name


@pytest.mark.parametrize("kind", ["src", "srcdoc"])
def test_pictures_are_seen_in_a_sandboxed_frame(new_page, tmp_path, kind):
    text = paired()
    (tmp_path / "page.html").write_text(text, "ascii")
    source = "page.html" if kind == "src" else escape(text)
    (tmp_path / "frame.html").write_text(
        f'<iframe sandbox="allow-scripts" width="1200" height="800" {kind}="{source}"></iframe>'
    )
    page = new_page()
    page.goto((tmp_path / "frame.html").as_uri())
    assert blank(page, page.frames[1]) == -1
    assert page.seen.messages == []


def test_small_sources_are_enlarged_without_smoothing_at_every_place(opened):
    page = opened("paired")
    smooth = page.evaluate(
        "[...document.querySelectorAll('.pic')].map((e) => [e.classList.contains('px'),"
        " getComputedStyle(e.querySelector('image, use') ?? e).imageRendering])"
    )
    assert {tuple(one) for one in smooth} == {(True, "pixelated"), (False, "auto")}


def test_a_picture_is_as_large_at_each_place_as_the_others_beside_it(opened):
    for width, sides in ((1280, {64}), (390, {64})):
        page = opened("paired", width=width)
        boxes = page.evaluate(
            "[...document.querySelectorAll('.changed .pic')].map((e) =>"
            " [e.getBoundingClientRect().width, e.getBoundingClientRect().height].map(Math.round))"
        )
        assert {tuple(box) for box in boxes} == {(side, side) for side in sides}, width


def test_a_pdf_holds_each_picture_once_and_draws_it_at_each_place(opened):
    """Drawn as often as it stands there, from as many objects as there are pictures."""
    from pypdf import PdfReader

    page = opened("paired")
    places = page.locator(".pic:visible").count()
    distinct = len(set(re.findall(r'(?:src|href)="(data:[^"]+)"', page.content())))
    drawn, objects = 0, set()
    for sheet in PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True))).pages:
        held = sheet["/Resources"].get("/XObject", {})
        images = {name for name in held if held[name]["/Subtype"] == "/Image"}
        objects |= {held.raw_get(name).idnum for name in images}
        called = re.findall(rb"(/\S+) Do\b", sheet.get_contents().get_data())
        drawn += sum(name.decode() in images for name in called)
    assert places > 50
    assert drawn >= places
    assert len(objects) <= distinct


def test_red_is_for_failure_alone(opened):
    page = opened("paired")
    red = page.evaluate(
        "[...document.querySelectorAll('main *')].filter((e) => ['rgb(163, 33, 27)'].includes("
        "getComputedStyle(e).color) && !e.closest('.verdict, .failrow, .st-failed, .bad')).length"
    )
    assert red == 0


@pytest.mark.parametrize(
    ("verdict", "shape"),
    [("SHIP", "circle"), ("INCONCLUSIVE", "path"), ("DO NOT SHIP", "path.cut")],
)
def test_each_verdict_has_its_own_shape(new_page, tmp_path, verdict, shape):
    comparison = review_factories.identical()
    decided = review_factories.decision(comparison)
    shown = build_report(
        comparison.candidate, {}, {}, comparison, Decision(verdict, "So.", decided.checks)
    )
    path = Path(tmp_path / "page.html")
    path.write_text(html.render(shown), "ascii")
    page = new_page()
    page.goto(path.as_uri())
    assert page.title().startswith(f"{verdict}: ")
    assert page.locator("#verdict h1").inner_text() == verdict
    assert page.locator(f"#verdict svg {shape}").count() >= 1
    background = page.locator("#verdict").evaluate("(e) => getComputedStyle(e).backgroundColor")
    assert (background == "rgb(251, 238, 236)") == (verdict == "DO NOT SHIP")


def test_the_classes_by_harm_are_sorted_by_click_and_by_key(opened):
    page = opened("paired")
    names = page.locator("table.changes").first.locator("tbody th")
    assert names.first.inner_text() == "cat"
    change = (
        page.locator("table.changes").first.locator("thead th", has_text="Change").locator("button")
    )
    change.click()
    assert names.first.inner_text() != "cat"
    change.press("Enter")
    assert names.first.inner_text() == "cat"
    lost = page.locator("table.changes thead th", has_text="Regressed").first
    lost.locator("button").press("Space")
    assert lost.get_attribute("aria-sort") == "ascending"
    assert names.last.inner_text() == "cat"


def test_every_link_of_a_review_has_a_target(opened):
    for name in ("paired", "unpaired"):
        page = opened(name)
        assert (
            page.evaluate(
                "[...document.querySelectorAll('a')].filter((a) =>"
                " !document.getElementById(a.hash.slice(1))).map((a) => a.outerHTML)"
            )
            == []
        )


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_the_first_sheet_holds_verdict_gates_tiles_and_findings(opened, paper):
    """With five gates; fonts differ from machine to machine, so nothing is counted in lines."""
    from pypdf import PdfReader

    page = opened("paired")
    sheets = PdfReader(io.BytesIO(page.pdf(format=paper, print_background=True))).pages
    first, second = (
        normalize("NFKC", " ".join(sheets[i].extract_text().split())) for i in range(2)
    )
    for words in ("DO NOT SHIP", "Release gates", "Accuracy", "Key findings"):
        assert words in first
    last = " ".join(page.locator(".find.steps strong, .find strong").nth(2).inner_text().split())
    assert last in first
    assert "Per-class changes" in second


@pytest.mark.parametrize("name", ["paired", "unpaired"])
def test_a_printed_review_is_light_and_cuts_no_table(opened, name):
    page = opened(name, color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": 703, "height": 1000})  # A4 less the margins
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    too_wide = page.evaluate(
        "[...document.querySelectorAll('#gates table, #comparison :is(table, img, dl), #classes table')]"
        ".filter((e) => e.checkVisibility() && e.getBoundingClientRect().right > 704).map((e) => e.className)"
    )
    assert too_wide == []
    assert page.pdf(format="A4", print_background=True).startswith(b"%PDF")


def test_forced_colours_keep_the_differences(opened):
    page = opened("paired", forced_colors="active")
    cell = page.locator("#comparison td.dg:not(.d10)").first
    kind = cell.get_attribute("class").split()[0]
    assert kind.startswith("d")
    assert cell.evaluate("(e) => getComputedStyle(e).forcedColorAdjust") == "none"


def test_the_overview_tells_each_verdict_by_word_and_shape(opened):
    page = opened("several")
    words = page.locator("table.candidates .st").all_inner_texts()
    assert words == ["DO NOT SHIP", "SHIP", "INCONCLUSIVE", "NO GATES SET"]
    shapes = page.locator("table.candidates .st svg").evaluate_all(
        "(all) => all.map((e) => e.innerHTML)"
    )
    assert len(set(shapes)) == 4


def test_on_a_phone_verdict_and_warnings_of_a_candidate_are_apart(new_page, tmp_path):
    (tmp_path / "index.html").write_text(warned(), "ascii")
    page = new_page(width=390)
    page.goto((tmp_path / "index.html").as_uri())
    verdict = page.locator(".candidates tbody tr").first.locator("td").first
    assert verdict.inner_text().split("\n") == ["DO NOT SHIP 1 warning"]
    word, link = verdict.locator(".st").bounding_box(), verdict.locator("a").bounding_box()
    assert link["x"] - word["x"] - word["width"] >= 8
