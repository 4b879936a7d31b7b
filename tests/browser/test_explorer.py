"""The threshold explorer: what the slider moves, and that nothing is lost without a script."""

from __future__ import annotations

import numpy as np
import pytest

from tests import binaries

pytestmark = pytest.mark.browser


def shown(page, name):
    return page.locator(f"#explorer [data-x={name}]").text_content()


def move(page, place):
    page.evaluate(
        "(place) => { const slider = document.getElementById('x-at'); slider.value = place;"
        " slider.dispatchEvent(new Event('input')); }",
        place,
    )


def type_prevalence(page, text):
    page.evaluate(
        "(text) => { const field = document.getElementById('x-prevalence'); field.value = text;"
        " field.dispatchEvent(new Event('input')); }",
        text,
    )


def by_hand(threshold):
    p, truth = binaries.samples()
    flagged = p[:, 1] >= np.float32(threshold)
    return tuple(
        int((flagged == said)[truth == label].sum()) for label in (1, 0) for said in (True, False)
    )


def test_it_starts_at_the_default_threshold_with_the_numbers_of_the_table(open_page):
    page, seen = open_page("two classes, costs")
    tp, fn, fp, tn = by_hand(0.5)
    counts = tuple(int(shown(page, name).replace(",", "")) for name in ("tp", "fn", "fp", "tn"))
    assert shown(page, "threshold") == "0.5"
    assert counts == (tp, fn, fp, tn)
    assert shown(page, "sensitivity") == f"{100 * tp / 50:.1f}%"
    assert shown(page, "ppv") == f"{100 * tp / (tp + fp):.1f}%"
    assert float(shown(page, "cost")) == pytest.approx((30 * fn + fp) / 1000, abs=5e-4)
    low, high = (
        page.locator("#explorer [data-x=specificity-ci]").text_content()[:-1].split("\u2013")
    )
    assert float(low) < 100 * tn / 950 < float(high)
    assert not page.locator("#threshold-table").evaluate("e => e.open")
    assert seen.messages == []


def test_the_slider_moves_the_matrix_and_everything_that_follows_from_it(open_page):
    page, _ = open_page("two classes, costs")
    slider = page.locator("#x-at")
    last = int(slider.get_attribute("max"))
    move(page, last)
    assert (shown(page, "tp"), shown(page, "fp"), shown(page, "ppv")) == ("0", "0", "n/a")
    assert (shown(page, "sensitivity"), shown(page, "specificity")) == ("0%", "100%")
    assert shown(page, "cost") == "1.500"
    move(page, 0)
    assert (shown(page, "tp"), shown(page, "fp"), shown(page, "npv")) == ("50", "950", "n/a")
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert slider.input_value() == "1"
    assert slider.get_attribute("aria-valuetext") == shown(page, "threshold")


def test_a_typed_prevalence_moves_what_depends_on_it_and_nothing_else(open_page):
    page, _ = open_page("two classes, costs")
    before = {name: shown(page, name) for name in ("sensitivity", "specificity", "tp", "fp")}
    tp, _, fp, _ = by_hand(0.5)
    type_prevalence(page, "20")
    assert {name: shown(page, name) for name in before} == before
    hit, alarm = tp / 50, fp / 950
    assert shown(page, "ppv") == f"{100 * 0.2 * hit / (0.2 * hit + 0.8 * alarm):.1f}%"
    npv = 0.8 * (1 - alarm) / (0.8 * (1 - alarm) + 0.2 * (1 - hit))
    assert shown(page, "npv") == f"{100 * npv:.1f}%"
    assert shown(page, "ppv-ci") == ""
    cost = 0.2 * (1 - hit) * 30 + 0.8 * alarm
    assert float(shown(page, "cost")) == pytest.approx(cost, abs=5e-4)
    type_prevalence(page, "")
    assert shown(page, "ppv") == f"{100 * tp / (tp + fp):.1f}%"


def test_the_cheapest_threshold_follows_the_prevalence(open_page):
    page, _ = open_page("two classes, costs")
    button = page.get_by_role("button", name="lowest expected cost")

    def costs():
        found = []
        for place in range(int(page.locator("#x-at").get_attribute("max")) + 1):
            move(page, place)
            found.append(float(shown(page, "cost")))
        return found

    for prevalence in ("", "60"):
        type_prevalence(page, prevalence)
        every = costs()
        button.click()
        assert float(shown(page, "cost")) == min(every)


def test_without_script_the_table_of_points_is_open(open_page):
    page, _ = open_page("two classes, costs", java_script_enabled=False)
    assert page.locator("#explorer").is_hidden()
    assert page.locator("table.thresholds").is_visible()
    assert "lowest expected cost" in page.locator("table.thresholds").inner_text()
