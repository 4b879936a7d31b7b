"""The fragment of a notebook in a real browser: schemes of notebooks, tables of notebooks, width."""

from __future__ import annotations

import pytest

from reportgen.rendering.html import own_style
from tests import factories

pytestmark = pytest.mark.browser

JUPYTER = """
.jp-RenderedHTMLCommon tbody tr:nth-child(odd) { background: red; }
.jp-RenderedHTMLCommon tbody tr:nth-child(even), .jp-RenderedHTMLCommon tbody tr:hover { background: red; }
.jp-RenderedHTMLCommon table { border-collapse: collapse; font-size: 30px; margin-bottom: 99px; }
.jp-RenderedHTMLCommon td, .jp-RenderedHTMLCommon th, .jp-RenderedHTMLCommon tr { vertical-align: middle; padding: 50px; max-width: none; }
.jp-RenderedHTMLCommon p { margin-bottom: 99px; }
"""
"""The rules of JupyterLab for tables in outputs, by their selectors, with values that would show."""

GROUND = "() => getComputedStyle(document.querySelector('.reportgen')).backgroundColor"
LIGHT, DARK = "rgb(255, 255, 255)", "rgb(20, 23, 26)"


@pytest.fixture
def shown(new_page):
    """Shows a fragment twice in a page that is `of` some notebook; gives what is computed there."""

    def show(of, question, scheme="light", width=900, value=factories.cifar):
        page = new_page(color_scheme=scheme, width=width, height=600)
        html = value()._repr_html_()
        page.set_content(
            f"<style>{JUPYTER}</style><body {of}><div class=jp-RenderedHTMLCommon>{html}{html}</div>"
        )
        return page.evaluate(question)

    return show


@pytest.mark.parametrize(
    ("of", "scheme", "ground"),
    [
        ("", "light", LIGHT),
        ("", "dark", DARK),
        ('data-jp-theme-light="true"', "dark", LIGHT),
        ('data-jp-theme-light="false"', "light", DARK),
        ('class="vscode-light"', "dark", LIGHT),
        ('class="vscode-dark"', "light", DARK),
        ('data-theme="dark"', "light", DARK),
        ('theme="light"', "dark", LIGHT),
    ],
)
def test_a_fragment_follows_its_notebook_and_else_the_system(shown, of, scheme, ground):
    assert f"--bg: {'#fff' if ground == LIGHT else '#14171a'}" in own_style("report.css")
    assert shown(of, GROUND, scheme) == ground


def test_rules_of_the_notebook_change_no_table(shown):
    found = shown(
        "",
        """() => [...document.querySelectorAll('.reportgen :is(tr, table, th, td, p)')].map(one => {
          const style = getComputedStyle(one);
          return [style.backgroundColor, style.fontSize, style.padding, style.marginBottom];
        })""",
    )
    assert found
    for ground, size, padding, margin in found:
        assert ground != "rgb(255, 0, 0)"
        assert float(size.removesuffix("px")) <= 20
        assert "50px" not in padding
        assert margin == "0px"


@pytest.mark.parametrize("width", [900, 390])
def test_wide_tables_scroll_inside(shown, width):
    question = "() => document.documentElement.scrollWidth <= innerWidth"
    assert shown("", question, width=width, value=lambda: factories.synthetic(30))
