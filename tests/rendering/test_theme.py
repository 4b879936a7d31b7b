"""Themes: variables of the page's own colours and fonts, and nothing that hides its text."""

from __future__ import annotations

import re

import pytest

from reportgen.errors import UsageError
from reportgen.options.page import PageOptions
from reportgen.rendering import html
from reportgen.rendering.appearance import _contrast, load_style, own_tokens, read_theme


def theme(tmp_path, text):
    path = tmp_path / "theme.css"
    path.write_text(text, "utf-8")
    return path


GOOD = """/* Our colours: {} ; */
--sans: "Source Sans 3", system-ui, sans-serif;
light:
--accent: #0a5c36; --accent-soft: #bfe3cf;

dark:
  --accent : #7FD6A6 ;
"""


def test_each_scheme_gets_its_variables_and_paper_the_fonts(tmp_path):
    font = '--sans:"Source Sans 3", system-ui, sans-serif;'
    assert read_theme(theme(tmp_path, GOOD)).splitlines() == [
        "@media screen and (prefers-color-scheme: light) "
        f"{{:root{{{font}--accent:#0a5c36;--accent-soft:#bfe3cf;}}}}",
        f"@media screen and (prefers-color-scheme: dark) {{:root{{{font}--accent:#7FD6A6;}}}}",
        f"@media print {{:root{{{font}}}}}",
    ]


@pytest.mark.usefixtures("no_drawing")
def test_the_rules_stand_in_the_style_that_the_policy_allows(tmp_path, report):
    dress = load_style(PageOptions(theme=theme(tmp_path, GOOD)))
    page = html.render(report, dress=dress)
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert style.endswith(dress.style)
    assert f"style-src 'sha256-{html._hash(style)}'" in page.replace("&#39;", "'")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("body { display: none }", "at line 1"),
        ("--accent: #0a5c36;\n@import url(x);", "at line 2"),
        ("--accent: url(https://e.org/x);", "not #rgb or #rrggbb"),
        ("--accent: red;", "not #rgb or #rrggbb"),
        ("--accent: #0a5c3;", "not #rgb or #rrggbb"),
        ("--accent: #0a5c36} body{display:none;", "not #rgb or #rrggbb"),
        ("--accent: #0a5c36", "at line 1"),
        ("--acent: #0a5c36;", "sets --acent at line 1, which is not a colour or font"),
        ("--mine: #0a5c36;", "sets --mine at line 1"),
        ("--f-xl: 3rem;", "sets --f-xl at line 1"),
        ("--cell: 1px;", "sets --cell at line 1"),
        ('--sans: "a</style><script>";', "not a list of fonts"),
        ("--sans: expression(1);", "not a list of fonts"),
        ("--sans: ;", "not a list of fonts"),
        ("--sans: " + "a, " * 200 + "a;", "not a list of fonts"),
        ("/* open\n--accent: #0a5c36;", "at line 1"),
        ("--accent: #0a5c36;\nlight: --accent: #0a5c36;", "at line 2"),
        ("--accent: #0a5c36; /* \u2603 */", "not ASCII"),
        ("/*" + "x" * 20_001 + "*/", "larger than 20,000 bytes"),
    ],
)
def test_anything_else_is_refused_with_its_line(tmp_path, text, said):
    with pytest.raises(UsageError) as caught:
        read_theme(theme(tmp_path, text))
    assert caught.value.slug == "theme-file"
    assert said in caught.value.message
    assert caught.value.message.startswith('--theme "theme.css" ')
    assert str(tmp_path) not in str(caught.value)


def test_a_mistyped_name_is_told_the_nearest(tmp_path):
    with pytest.raises(UsageError, match="did you mean --accent"):
        read_theme(theme(tmp_path, "--acent: #0a5c36;"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("light:\n--ink: #888;", "light scheme: --ink #888 on --bg #fff has a contrast of 3.54:1"),
        ("dark:\n--ink: #444444;", "dark scheme: --ink #444444 on --bg #14171a"),
        ("light:\n--band: #222222;", "--ink #15181c on --band #222222"),
        ("--accent: #0a5c36;", "dark scheme: --accent #0a5c36 on --bg #14171a"),
        ("light:\n--fail: #ff9a8f;", "--fail #ff9a8f on --fail-soft #fbeeec"),
        ("light:\n--muted: #9aa0a6;", "--muted #9aa0a6 on --bg #fff"),
    ],
)
def test_text_that_can_t_be_read_is_refused_with_both_values(tmp_path, text, said):
    with pytest.raises(UsageError) as caught:
        read_theme(theme(tmp_path, text))
    assert caught.value.slug == "theme-file"
    assert said in caught.value.message
    assert "at least 4.5:1 is needed" in caught.value.message


@pytest.mark.parametrize(("one", "other", "ratio"), [
    ("#000", "#fff", 21), ("#777777", "#ffffff", 4.48), ("#767676", "#fff", 4.54), ("#123456", "#123456", 1),
])  # fmt: skip
def test_contrast_is_that_of_wcag(one, other, ratio):
    assert _contrast(one, other) == pytest.approx(ratio, abs=0.005)
    assert _contrast(other, one) == _contrast(one, other)


def test_the_page_s_own_colours_would_pass(tmp_path):
    own = own_tokens()
    assert {"--bg", "--ink", "--accent", "--fail-soft", "--sans", "--mono"} <= set(own["light"])
    assert own["dark"]["--bg"] != own["light"]["--bg"]
    lines = [
        f"{scheme}:\n" + "\n".join(f"{name}: {value};" for name, value in tokens.items()
                                   if value.startswith("#"))
        for scheme, tokens in own.items()
    ]  # fmt: skip
    assert read_theme(theme(tmp_path, "\n".join(lines)))


def test_an_empty_theme_changes_nothing(tmp_path):
    assert read_theme(theme(tmp_path, "/* nothing yet */\n")) == ""
