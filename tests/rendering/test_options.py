"""Options of the page: what can't be is refused, and the defaults change nothing."""

from __future__ import annotations

from dataclasses import fields

import pytest

from reportgen.errors import UsageError
from reportgen.options.page import _REFUSED, COLORMAPS, PageOptions
from reportgen.rendering import check_page, html, write_all
from tests.outputs import OF_COUNTS


@pytest.mark.parametrize("name", ["jet", "RdYlGn", "turbo", "hsv"])
def test_a_colour_map_that_misleads_is_refused_with_a_word(name):
    with pytest.raises(UsageError) as caught:
        PageOptions(colormap=name)
    assert caught.value.slug == "colormap-refused"
    assert f"--colormap {name} is refused: " in str(caught.value)
    assert any(word in str(caught.value) for word in ("lightness", "red and green"))
    assert "cividis" in caught.value.hint


def test_the_refused_colour_maps_are_none_of_the_allowed():
    assert not set(_REFUSED) & set(COLORMAPS)


def test_an_unknown_colour_map_is_told_the_nearest():
    with pytest.raises(UsageError) as caught:
        PageOptions(colormap="virids")
    assert (caught.value.slug, caught.value.hint) == ("option-value", "did you mean viridis?")


@pytest.mark.parametrize("tag", ["en", "de", "pt-BR", "zh-Hant", "zh-Hant-TW", "sr-Latn-RS", "es-419",
                                 "sl-rozaj", "de-1996"])  # fmt: skip
def test_language_tags_are_taken(tag):
    assert PageOptions(lang=tag).lang == tag


@pytest.mark.parametrize("tag", ["", "e", "english", "en_US", "en-", '"><script>', "en us", "en\n"])
def test_what_is_no_language_tag_is_refused(tag):
    with pytest.raises(UsageError, match="is not a language tag") as caught:
        PageOptions(lang=tag)
    assert caught.value.slug == "option-value"


@pytest.mark.parametrize(
    "values",
    [
        {"layout": "zip"},
        {"max_bytes": 99_999},
        {"paper": "A3"},
        {"figures_background": "black"},
    ],
)
def test_values_that_can_t_be_are_refused(values):
    with pytest.raises(UsageError) as caught:
        PageOptions(**values)
    assert caught.value.slug == "option-value"


def test_the_library_may_give_paths_as_text(tmp_path):
    options = PageOptions.of({"logo": str(tmp_path / "a.png"), "public": True})
    assert options.logo == tmp_path / "a.png"
    assert options.command_words() == ["--public", "--logo", "a.png"]


def test_every_option_has_a_help_text_and_a_panel():
    for item in fields(PageOptions):
        assert item.metadata["help"].endswith((".", ")."))
        assert item.metadata["panel"] in {"Page", "Additional outputs", "Delivery"}


@pytest.mark.usefixtures("no_drawing")
def test_without_options_the_page_is_the_plain_one(report, evaluation, tmp_path):
    assert write_all(report, evaluation, tmp_path) == ()
    assert (tmp_path / "report.html").read_text("ascii") == html.render(report)
    assert {path.name for path in tmp_path.iterdir()} == OF_COUNTS


@pytest.mark.usefixtures("no_drawing")
def test_the_language_is_declared(report, evaluation, tmp_path):
    write_all(report, evaluation, tmp_path, PageOptions(lang="zh-Hant"))
    assert '<html lang="zh-Hant">' in (tmp_path / "report.html").read_text("ascii")


@pytest.mark.usefixtures("no_drawing")
@pytest.mark.parametrize("option", ["logo", "notes", "theme", "templates"])
def test_a_file_that_is_not_there_is_told_before_anything_is_written(
    report, evaluation, tmp_path, option
):
    page = PageOptions(**{option: tmp_path / "gone"})
    for act in (check_page, lambda page: write_all(report, evaluation, tmp_path, page)):
        with pytest.raises(UsageError, match=f'--{option} "gone"') as caught:
            act(page)
        assert caught.value.slug in {"logo-file", "notes-file", "theme-file", "templates-folder"}
        assert str(tmp_path) not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("no_drawing")
def test_the_page_has_an_icon_and_no_open_graph(report):
    page = html.render(report)
    assert page.count('<link rel="icon" type="image/png" href="data:image/png;base64,') == 1
    assert 'property="og:' not in page
    assert "twitter:" not in page


@pytest.mark.usefixtures("no_drawing")
def test_tables_have_the_colours_of_the_pictures(report):
    from reportgen.rendering.appearance import load_style

    page = html.render(report, dress=load_style(PageOptions(colormap="viridis")))
    assert ".h0{background:#440154;color:#ffffff}" in page
    assert ".h20{background:#fde725;color:#000000}" in page
    assert page.index(".h20{background:#fde725") > page.index(".h20{background:#08306b")
    assert ".h0{background:#440154" not in html.render(report)
