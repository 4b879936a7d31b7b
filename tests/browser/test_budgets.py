"""How much of a reader's time the page takes: the CIFAR-10 review in two screens, then the rest."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from unicodedata import normalize

import pytest

SAMPLES = Path(__file__).resolve().parents[2] / "sample_reports"

FOCUSABLE = "a[href], button, input, summary, [tabindex]"


@pytest.fixture(scope="module")
def review(tmp_path_factory):
    """The page of the committed sample, as the code makes it today."""
    sys.path.insert(0, str(SAMPLES))
    try:
        import make
    finally:
        sys.path.remove(str(SAMPLES))
    out = tmp_path_factory.mktemp("review")
    make.make(out, tuple(one for one in make.SAMPLES if one.name == "cifar10-review"))
    return out / "cifar10-review" / "report.html"


@pytest.fixture
def opened(new_page, review):
    def open_at(width):
        page = new_page(width=width, reduced_motion="reduce")  # a click waits until scrolling ends
        page.goto(review.as_uri())
        return page

    return open_at


def height(page):
    return page.evaluate("document.documentElement.scrollHeight")


def test_the_summary_takes_two_screens_and_the_page_is_short(opened):
    page = opened(1280)
    end = "document.querySelector('#summary').getBoundingClientRect().bottom + scrollY"
    assert page.evaluate(end) <= 1700
    assert height(page) <= 8500
    words = page.evaluate("document.body.innerText.trim().split(/\\s+/).length")
    assert words <= 3000
    assert page.locator(".outline li").count() <= 9


def test_a_phone_scrolls_through_a_short_page_too(opened):
    page = opened(390)
    assert height(page) <= 14_000
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for required in page.locator(".gates > tbody > tr > .req").all():
        assert required.bounding_box()["width"] >= 60


def test_tab_reaches_the_end_of_the_page_in_few_steps(opened):
    page = opened(1280)
    page.wait_for_timeout(200)  # boxes without anything to scroll have left the order
    stops = page.evaluate(
        f"[...document.querySelectorAll('{FOCUSABLE}')].filter((e) => e.tabIndex >= 0"
        " && !e.disabled && !(e.type === 'radio' && !e.checked) && e.checkVisibility({visibilityProperty: true})"
        " && e.getClientRects().length).length"
    )
    assert stops <= 120


def test_it_takes_eight_sheets_and_the_summary_is_the_first(opened):
    from pypdf import PdfReader

    page = opened(1280)
    sheets = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True))).pages
    assert len(sheets) <= 8
    first = normalize("NFKC", " ".join(sheets[0].extract_text().split()))
    for words in (
        "DO NOT SHIP",
        "Accuracy",
        "Release gates",
        "Key findings",
        "Suggested next steps",
    ):
        assert words in first


def test_no_text_is_smaller_than_12_px(opened):
    page = opened(1280)
    small = page.evaluate(
        "[...document.querySelectorAll('main *, nav *')].filter((e) =>"
        " [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim())"
        " && e.checkVisibility() && !e.closest('.vh, sup, kbd')"
        " && parseFloat(getComputedStyle(e).fontSize) < 11.9).map((e) => e.outerHTML.slice(0, 90))"
    )
    assert small == []


DRAWN = """() => {
  document.querySelectorAll('details').forEach((d) => { d.open = true; });
  return [...document.querySelectorAll('svg text')].filter((e) => e.checkVisibility()).map((e) =>
    [e.getScreenCTM().d * parseFloat(getComputedStyle(e).fontSize), e.textContent]
  ).filter(([size]) => size < 11.9);
}"""


def test_no_text_in_a_drawing_is_smaller_than_12_px(opened):
    assert opened(1280).evaluate(DRAWN) == []


def test_both_heatmaps_are_side_by_side_in_their_own_size_and_low(opened):
    for width, side_by_side in ((1280, True), (768, False)):
        page = opened(width)
        first, second = (page.locator("#matrix .heats img").nth(i).bounding_box() for i in (0, 1))
        assert first["height"] <= 400
        assert first["width"] == second["width"] == 496
        assert (first["y"] == second["y"]) is side_by_side


def test_at_768_px_tiles_and_lists_fit_and_galleries_fill_one_row(opened):
    page = opened(768)
    tops = page.evaluate(
        "[...document.querySelectorAll('.tile')].map((e) => e.getBoundingClientRect().top)"
    )
    assert len(set(tops)) == 1
    for box in ("#pairs > .scroll", "#classes > .scroll", ".gates"):
        wide = page.locator(box).first.evaluate("(e) => e.scrollWidth - e.clientWidth")
        assert wide <= 0, box
    row = page.locator(".pairg .dir").first
    places = [row.locator(".pic").nth(i).bounding_box()["y"] for i in range(10)]
    assert len(set(places)) == 1


def lowest_line(sheet):
    """The text at the bottom of a sheet of a PDF."""
    found = []

    def look(text, matrix, place, *_):
        if text.strip():
            at = place[4] * matrix[1] + place[5] * matrix[3] + matrix[5]
            found.append((round(at), normalize("NFKC", text.strip())))

    sheet.extract_text(visitor_text=look)
    low = min(at for at, _ in found)
    return " ".join(text for at, text in found if at <= low + 3)


def test_no_sheet_ends_with_a_heading_or_a_lead(opened):
    from pypdf import PdfReader

    page = opened(1280)
    texts = page.evaluate(
        "[...document.querySelectorAll('h2, h3, h4, .lead')].map((e) => e.textContent.trim())"
    )
    sheets = PdfReader(io.BytesIO(page.pdf(format="A4", print_background=True))).pages
    for sheet in sheets:
        line = lowest_line(sheet)
        assert not [text for text in texts if text.endswith(line)], line


def test_each_section_of_the_page_has_the_name_of_its_heading(opened):
    page = opened(1280)
    names = page.evaluate(
        "[...document.querySelectorAll('main > section')].map((e) =>"
        " document.getElementById(e.getAttribute('aria-labelledby')).textContent.trim())"
    )
    assert names == [
        "DO NOT SHIP", "Baseline comparison", "Confusion matrix", "Most confused pairs",
        "Per-class metrics", "Calibration", "Data quality", "Provenance",
    ]  # fmt: skip
    boxes = page.locator(".scroll")
    assert boxes.count() == page.locator(".scroll[role=group][aria-label]").count() > 10


def test_every_step_and_every_finding_leads_to_its_evidence(opened):
    page = opened(1280)
    links = page.locator(".find a")
    assert 6 <= links.count() <= 10
    for i in range(links.count()):
        if links.nth(i).is_visible():
            links.nth(i).click()
            target = page.evaluate(
                "document.getElementById(location.hash.slice(1)).checkVisibility()"
            )
            assert target, links.nth(i).get_attribute("href")
