"""The sections on pairs and groups in a real browser."""

from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.confusions import Grouping
from reportgen.rendering.html import render
from reportgen.report import build_report
from tests import factories
from tests.browser.test_axe import axe_source

pytestmark = pytest.mark.browser


def ten():
    groups = Grouping(
        ("vehicles", "birds", "mammals", factories.HOSTILE[1]),
        np.array([0, 0, 1, 2, 2, 2, 3, 2, 0, 0]),
        "groups.csv",
    )
    return replace(factories.cifar(2), hierarchy=groups)


CASES = {
    "ten": ten,
    "twenty": lambda: factories.synthetic(20),
    "forty": lambda: factories.synthetic(40),
    "hundred": lambda: factories.synthetic(100),
}


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    folder = tmp_path_factory.mktemp("groups")

    def address(name):
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(render(build_report(CASES[name]())), "ascii")
        return path.as_uri()

    return address


@pytest.fixture
def opened(new_page, address):
    def page_of(name, **options):
        page = new_page(**options)
        page.goto(address(name))
        page.evaluate(
            "document.querySelectorAll('#groups details, #pairs details')"
            ".forEach((d) => { d.open = true; })"
        )
        return page

    return page_of


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["ten", "twenty"])
def test_axe_finds_no_violation_in_pairs_and_groups(opened, name, scheme):
    page = opened(name, color_scheme=scheme)
    found = page.evaluate(
        axe_source() + "; axe.run({include: [['#groups'], ['#pairs']]}, {runOnly: ['wcag2a',"
        " 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes:"
        " ['violations']}).then((result) => result.violations.map((v) => v.id + ': ' +"
        " v.nodes.slice(0, 3).map((n) => n.html)))"
    )
    assert found == []


@pytest.mark.parametrize("name", list(CASES))
def test_groups_never_make_the_page_scroll_sideways(opened, name):
    page = opened(name)
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


def test_groups_and_rankings_are_all_there_without_script(opened):
    page = opened("ten", java_script_enabled=False)
    assert page.locator("#groups table.gm").first.is_visible()  # groups that were given are open
    assert page.locator("#groups table.gm tbody tr").count() == 4
    assert page.locator("#groups table.groups").count() == 2
    folds = page.locator("#pairs > details > summary").all_inner_texts()
    assert sum("Ranked" in text or "pairs (" in text or "Symmetric" in text for text in folds) >= 2


def test_ranked_pairs_are_sorted_by_a_click(opened):
    page = opened("ten")
    page.evaluate("document.querySelectorAll('#pairs details').forEach((d) => { d.open = true; })")
    head = page.locator("#pairs > details table").last.locator("thead th").last
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("name", ["ten", "forty"])
def test_a_print_cuts_no_table_of_groups(opened, name):
    page = opened(name)
    page.emulate_media(media="print")
    page.set_viewport_size({"width": 703, "height": 1000})
    too_wide = page.evaluate(
        "[...document.querySelectorAll('#groups table, #groups img, #pairs table')].filter((e) =>"
        " e.checkVisibility() &&"
        " e.getBoundingClientRect().right > 704).map((e) => e.className || e.localName)"
    )
    assert too_wide == []
