"""The page of a matrix that holds shares only, in a real browser."""

import numpy as np
import pytest

import reportgen
from tests import factories
from tests.browser.conftest import FIXTURES
from tests.browser.test_axe import EVERY, axe_source, violations

pytestmark = pytest.mark.browser


def shares(over):
    counts = np.array(factories.CIFAR_COUNTS, float)
    whole = {"true": counts.sum(1, keepdims=True), "predicted": counts.sum(0, keepdims=True)}
    return reportgen.load(
        counts / whole.get(over, counts.sum()), normalised=True, normalised_over=over,
        classes=factories.CIFAR,
    )  # fmt: skip


OVER = ("true", "predicted", "all")


@pytest.fixture
def opened(open_page, monkeypatch):
    for over in OVER:
        monkeypatch.setitem(FIXTURES, f"shares {over}", lambda over=over: shares(over))

    def opened(over, **options):
        return open_page(f"shares {over}", **options)

    return opened


@pytest.mark.parametrize(("over", "scheme"), [("true", "light"), ("predicted", "dark"), ("all", "dark")])  # fmt: skip
def test_it_is_quiet_accessible_and_never_scrolls_sideways(opened, over, scheme):
    page, seen = opened(over, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    for key in ("m", "n", "/"):
        page.keyboard.press(key)
    assert len(seen.requests) == 1
    assert seen.messages == []
    page.evaluate(axe_source())
    assert violations(page, EVERY) == []


def test_pairs_can_be_sorted(opened):
    page, _ = opened("all")
    page.locator("#pairs th button", has_text="Of all samples").click()
    cells = page.locator("#pairs tbody tr td:nth-child(3)").all_inner_texts()
    numbers = [float(text.rstrip("\u00a0%")) for text in cells]
    assert numbers == sorted(numbers)
