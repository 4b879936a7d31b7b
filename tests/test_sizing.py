"""How large a page may be: pictures go first, then there is a warning, then an error."""

from __future__ import annotations

import pytest

from reportgen import figures
from reportgen.errors import OutputError
from reportgen.exports import PageOptions, html, sizing, write_all
from reportgen.figures import Drawn
from reportgen.report import Thumbnail, build_report, with_fewer_pictures
from tests import factories


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    monkeypatch.setattr(
        figures, "draw_heatmap", lambda spec, _: Drawn(spec.name.encode(), 10, 10, False)
    )


def report(thumbnail_bytes):
    """Ten pairs with eight pictures each, of so many bytes."""
    evaluation = factories.cifar()
    ids = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    content = b"x" * thumbnail_bytes
    pictures = {name: Thumbnail(content, "image/jpeg", 96, 96, False) for name in ids}
    return build_report(evaluation, pictures)


@pytest.mark.parametrize(
    ("thumbnail_bytes", "pictures", "said"),
    [
        (40_000, 80, None),
        (60_000, 40, "only the first 4 mistakes of each."),
        (120_000, 20, "only the first 2 mistakes of each."),
        (200_000, 0, "names and scores only."),
    ],
)
def test_galleries_shrink_until_the_page_is_small(thumbnail_bytes, pictures, said):
    page = sizing.fitting_page(report(thumbnail_bytes))[0].html
    assert page.count("data:image/jpeg") == pictures
    assert len(page) <= sizing.LARGE
    sentence = "With all pictures this page would be too large: "
    assert (sentence in page) == (said is not None)
    if said:
        assert sentence + said in page
    assert (f"this page holds {pictures} thumbnails" in page) == (pictures > 0)


def test_without_pictures_the_names_stay():
    shown = with_fewer_pictures(report(10), 0)
    assert shown.n_thumbnails == 0
    examples = [e for g in shown.pairs.groups for d in g.directions for e in d.examples]
    assert len(examples) == 80
    assert "Pictures" not in {fact.term for fact in shown.made}
    page = html.render(shown)
    assert page.count("no picture</span>") == 80


def test_fewer_pictures_are_the_most_confident_mistakes():
    before, after = report(10), with_fewer_pictures(report(10), 2)
    for old, new in zip(before.pairs.groups, after.pairs.groups, strict=True):
        for one, other in zip(old.directions, new.directions, strict=True):
            assert other.examples == one.examples[:2]
    terms = [fact.term for fact in before.made]
    assert [fact.term for fact in after.made] == terms


def test_a_large_page_is_warned_of(tmp_path, monkeypatch):
    evaluation = factories.binary()
    assert write_all(build_report(evaluation), evaluation, tmp_path) == ()
    monkeypatch.setattr(sizing, "fitting_page", lambda one, **_: (html.Page("x" * 6_200_000), one))
    assert write_all(build_report(evaluation), evaluation, tmp_path) == (
        "report.html takes 6.2 MB: it will be slow to send and to open",
    )
    assert (tmp_path / "report.html").stat().st_size == 6_200_000


def test_a_page_that_is_too_large_is_an_error_and_the_numbers_are_kept(tmp_path):
    evaluation = factories.cifar()
    with pytest.raises(
        OutputError, match=r"would take 0\.\d MB, and 0\.1 MB is the most"
    ) as caught:
        write_all(build_report(evaluation), evaluation, tmp_path, PageOptions(max_bytes=100_000))
    assert "--max-bytes" in caught.value.hint
    assert caught.value.slug == "report-too-large"
    assert not (tmp_path / "report.html").exists()
    assert (tmp_path / "report.json").is_file()
    assert (tmp_path / "per_class.csv").is_file()
