"""axe-core finds nothing: in either scheme, with the details closed and open."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

pytestmark = pytest.mark.browser

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
EVERY = {"type": "tag", "values": TAGS}
COLOURS = {"type": "rule", "values": ["color-contrast"]}
AXE = [
    ("two classes, costs", "light", EVERY, "closed and open"), ("absent", "dark", EVERY, "closed and open"),
    ("hostile", "light", EVERY, "closed"), ("scores", "light", EVERY, "open"),
    ("scores", "dark", COLOURS, "open"), ("two classes, costs", "dark", COLOURS, "open"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "scheme", "rules", "details"), AXE)
def test_axe_finds_no_violation(open_page, name, scheme, rules, details):
    """Time grows with the cells: what the large pages share with the small is asked of these."""
    page, _ = open_page(name, color_scheme=scheme)
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.evaluate(axe_source())
    for state in details.split(" and "):
        page.evaluate(
            "(open) => document.querySelectorAll('details').forEach((d) => { d.open = open; })",
            state == "open",
        )
        assert violations(page, rules) == []


def test_axe_finds_no_violation_in_30_classes(open_page):
    page, _ = open_page("30 classes")
    page.evaluate(axe_source())
    assert violations(page, EVERY) == []


@pytest.mark.parametrize("part", ["#classes", ".heats"])
def test_axe_finds_no_violation_in_parts_of_100_classes(open_page, part):
    page, _ = open_page("100 classes")
    page.evaluate(axe_source())
    assert violations(page, EVERY, part) == []


def violations(page, rules, part=""):
    """Of the page, or of the first element that `part` selects."""
    return page.evaluate(
        "([rules, part]) => axe.run(part ? {include: [[part]]} : document,"
        " {runOnly: rules, resultTypes: ['violations']})"
        ".then((result) => result.violations.map((v) =>"
        " v.id + ': ' + v.nodes.slice(0, 3).map((n) => n.html)))",
        [rules, part],
    )


def axe_source():
    spec = importlib.util.find_spec("axe_playwright_python")
    if spec is None:
        pytest.skip("axe-core is not installed (axe-playwright-python)")
    return (Path(spec.submodule_search_locations[0]) / "axe.min.js").read_text("utf-8")
