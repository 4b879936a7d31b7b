"""Pictures that open large, the cards of classes, all errors of a class, copies of tables."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from reportgen.options import EvaluationOptions, InputOptions
from reportgen.rendering.html import render
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report, list_errors
from reportgen.review import load_input
from tests import factories
from tests.browser.conftest import POLICY, wait_until

pytestmark = pytest.mark.browser

CLASSES = ("cat", "dog", factories.HOSTILE[1], "fox")
PER_CLASS = 12


def table() -> pd.DataFrame:
    """12 samples a class, of which the first five are predicted as the next class; one file name
    in two folders."""
    rows = []
    for i, name in enumerate(CLASSES):
        for n in range(PER_CLASS):
            p = np.full(4, 0.02)
            p[(i + (n < 5)) % 4] = 0.94 - n / 100
            p[i] += 1 - p.sum()
            folder = "night" if n % 2 else "day"
            rows.append([f"{folder}/{i}/{n // 2:04}.png", name, *p])
    return pd.DataFrame(rows, columns=["id", "label", *(f"p_{name}" for name in CLASSES)])


@pytest.fixture(scope="module")
def text(tmp_path_factory):
    """The page."""
    spool = tmp_path_factory.mktemp("spool")
    rows = load_input(table(), InputOptions(), EvaluationOptions(), spool, rows_first=False)
    evaluation = rows.evaluated(EvaluationOptions())
    pictures = {
        name: make_thumbnail(factories.picture(120 if i % 2 else 32, (5 * i, 255 - 5 * i, 80)))
        for i, name in enumerate(table()["id"])
    }
    errors = list_errors(rows.rows, evaluation.classes, evaluation.confusion.n_errors)
    return render(build_report(evaluation, pictures, errors=errors))


@pytest.fixture(scope="module")
def address(text, tmp_path_factory):
    path = tmp_path_factory.mktemp("cards") / "report.html"
    path.write_text(text, "ascii")
    return path.as_uri()


CLIPBOARD = (
    "navigator.clipboard.writeText = (text) => { window.copied = text; return Promise.resolve(); };"
)


@pytest.fixture
def opened(new_page, address):
    """``opened("#card-0", java_script_enabled=False)`` → (page, what it did)."""

    def open_at(place="", **options):
        page = new_page(reduced_motion="reduce", init_script=POLICY + CLIPBOARD, **options)
        page.goto(address + place)
        return page, page.seen

    return open_at


def test_no_image_stands_in_the_page_twice(text):
    found = re.findall(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", text)
    assert len(found) == len(set(found)) > 20


@pytest.mark.parametrize("script", [True, False])
def test_mistakes_and_correct_examples_are_beside_each_other(opened, script):
    """Each class has five mistakes, all predicted as the next class: four pairs, three open."""
    page, _ = opened(java_script_enabled=script)
    assert page.locator("#pairs .gal.wrong .pic:visible").count() == 3 * 5
    assert page.locator("#pairs .okc .pic:visible").count() == 3 * 2
    assert page.locator("#pairs .more-pairs .pic").count() == 4 + 2
    assert page.locator(".ccard .gal.four .pic").count() == 4 * (4 + 4)
    first = page.locator("#pairs .dir").first
    wrong, right = (
        first.locator(f"{kind} .pic").last.bounding_box() for kind in (".wrong", ".okc")
    )
    assert right["x"] > wrong["x"]
    assert right["y"] == wrong["y"]


def test_a_picture_opens_large_with_path_classes_and_the_best_five(opened):
    page, seen = opened()
    first = page.locator("#pairs .smp .th").first
    first.click()
    large = page.locator("#large")
    assert large.locator(".path").inner_text() == "day/0/0000.png"
    assert large.locator("p").nth(1).inner_text() == "True cat, predicted dog"
    assert large.locator(".top5 li").all_inner_texts()[0].split() == ["dog", "94.0%"]
    assert large.locator(".top5 li").count() == 4
    assert large.locator(".pic").bounding_box()["width"] == 320
    page.keyboard.press("ArrowRight")
    assert large.locator(".path").inner_text() == "night/0/0000.png", "as the one before, elsewhere"
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    said = large.locator("p").nth(1).inner_text()
    assert said == "True cat, predicted cat", "correct examples follow the mistakes"
    large.get_by_text("Next").click()
    page.keyboard.press("Escape")
    wait_until(page, "!document.querySelector('#large').open")
    assert first.evaluate("(link) => link === document.activeElement")
    assert seen.messages == []


def test_without_script_the_address_enlarges_the_same_picture(opened):
    page, _ = opened("#s-1", java_script_enabled=False)
    assert page.locator("#s-1 .pic").bounding_box()["width"] == 320
    path = page.locator("#s-1 .path")
    assert path.is_visible()
    page.locator("#s-1 .nav").get_by_text("Next").click()
    assert page.locator("#s-2 .path").is_visible()
    page.locator("#s-2 .nav").get_by_text("Close").click()
    assert not page.locator("#s-2 .path").is_visible()
    assert page.url.endswith("#p-0-1")


def test_one_picture_of_a_gallery_is_a_stop_for_tab(opened):
    page, _ = opened()
    for gallery in page.locator("#pairs .dir:has(.th)").all():
        assert gallery.locator(".th[tabindex='-1']").count() == gallery.locator(".th").count() - 1


def test_all_errors_of_a_class_are_three_clicks_away_with_their_paths(opened):
    page, seen = opened()
    page.locator(".outline").get_by_text("Per-class metrics").click()
    page.locator("#c-2 td").nth(1).click()
    card = page.locator("#card-2")
    card.locator("summary").click()
    wait_until(page, "document.querySelectorAll('#card-2 .errs tbody tr').length === 5")
    rows = card.locator(".errs tbody tr")
    paths = [row.locator("th").inner_text() for row in rows.all()]
    assert paths == [f"{'night' if n % 2 else 'day'}/2/{n // 2:04}.png" for n in range(5)]
    assert rows.first.locator("td").all_inner_texts() == ["fox", "94.0%"]
    assert seen.messages == []


@pytest.mark.parametrize("script", [True, False])
def test_the_card_of_a_class_opens_by_its_address(opened, script):
    page, _ = opened("#card-2", java_script_enabled=script)
    card = page.locator("#card-2")
    assert card.is_visible()
    assert card.locator("h3").inner_text() == CLASSES[2]
    assert card.locator(".cf").nth(0).inner_text().split() == ["fox", "5"]
    assert card.locator(".cf").nth(1).inner_text().split() == ["dog", "5"]
    assert card.locator(".gal.four").nth(0).locator(".smp").count() == 4
    assert card.locator(".gal.four").nth(1).locator(".smp").count() == 4
    assert card.locator("svg.chart, .pr svg").count() == 1
    card.locator(".nav").first.get_by_text("Close").click()
    wait_until(page, "!document.querySelector('#card-2').checkVisibility()")


def test_a_picture_on_a_card_opens_without_script_too(opened):
    page, _ = opened("#card-0", java_script_enabled=False)
    page.locator("#card-0 .smp .th").first.click()
    assert page.locator("#card-0 .smp:target .path").is_visible()


def test_a_table_is_copied_as_csv_and_as_markdown(opened):
    page, _ = opened()
    tools = page.locator("#classes .copies").first
    tools.get_by_text("Copy as CSV").click()
    lines = page.evaluate("window.copied").splitlines()
    assert lines[0].startswith('Class,Support,"Recall, %"')
    assert len(lines) == 5
    evil = next(line for line in lines[1:] if line.startswith('"""><img'))
    assert evil.startswith('"""><img src=x onerror=alert(1)>",12,58.3,')
    tools.get_by_text("Copy as Markdown").click()
    marked = page.evaluate("window.copied").splitlines()
    assert re.fullmatch(r"\|( --- \|)+", marked[1])
    assert {line.count(" | ") for line in marked[2:]} == {marked[0].count(" | ")}


def test_light_and_dark_are_switched_and_nothing_is_stored(opened):
    page, seen = opened()
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    page.locator("#theme").click()
    assert page.locator("#theme").inner_text() == "Light mode"
    assert page.evaluate(ground) != light
    page.locator("#theme").click()
    assert page.evaluate(ground) == light
    page.locator("#theme").click()
    page.reload()
    assert page.evaluate(ground) == light
    assert seen.messages == []


@pytest.mark.parametrize("place", ["#card-2", "#s-1"])
def test_axe_finds_nothing_on_a_card_or_a_large_picture(opened, place):
    from axe_playwright_python.sync_playwright import Axe

    page, _ = opened(place, color_scheme="dark")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"]})
    assert [(one["id"], one["nodes"][0]["html"]) for one in found.response["violations"]] == []


def test_above_200_classes_the_card_is_made_when_it_is_opened(open_page):
    page, seen = open_page("1,000 classes")
    index = page.evaluate("JSON.parse(document.querySelector('#compact-cards').textContent)[0][0]")
    assert page.locator(f"#card-{index}").count() == 0
    page.evaluate(f"location.hash = 'card-{index}'")
    wait_until(page, "document.querySelector('#card-more').checkVisibility()")
    assert page.locator("#card-more .cf li").count() > 1
    assert seen.messages == []
