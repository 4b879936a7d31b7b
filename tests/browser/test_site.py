"""The page of a site of reports, in a real browser: it works without script, at any width."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reportgen.rendering import render_site
from tests.browser.test_axe import EVERY, axe_source, violations
from tests.factories import HOSTILE
from tests.test_index import site_report, with_page

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    models = ("net", HOSTILE[1], HOSTILE[7])
    verdicts = ("SHIP", "DO NOT SHIP", "INCONCLUSIVE", "NO GATES SET")
    rows = [
        with_page(site_report(i, model=models[i % 3], date="2026-05-01", verdict=verdicts[i % 4]))
        for i in range(12)
    ]
    rows[0] = replace(rows[0], page="")
    path = tmp_path_factory.mktemp("site") / "index.html"
    path.write_text(render_site(rows), "ascii")
    return path.as_uri()


@pytest.fixture
def opened(new_page, address):
    def at(width=1280, **options):
        page = new_page(width=width, **options)
        page.goto(address)
        return page

    return at


def test_the_reports_of_one_model_are_chosen_without_script(opened, address):
    page = opened(java_script_enabled=False)
    assert page.locator("tbody tr:visible").count() == 12
    assert page.locator("figure:visible").count() == 2
    for place, name in ((2, HOSTILE[1]), (1, "net"), (0, None)):
        page.locator("select").select_option(index=place)
        rows, trends = page.locator("tbody tr:visible"), page.locator("h2:visible")
        assert rows.count() == (4 if name else 12)
        assert name is None or all(name in text for text in rows.locator("th").all_inner_texts())
        assert trends.count() == 2, "one of trends, one of the table"
        assert name is None or name in trends.first.inner_text()
    asked = [url for url in page.seen.requests if not url.startswith("data:")]
    assert asked + page.seen.messages == [address]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_no_violation_in_a_site(opened, scheme):
    page = opened(color_scheme=scheme)
    page.evaluate(axe_source())
    assert violations(page, EVERY) == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_a_site_needs_no_sideways_scroll(opened, width):
    page = opened(width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
