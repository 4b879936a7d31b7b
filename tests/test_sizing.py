"""How large a page may be: pictures go first, then there is a warning, then an error."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reportgen.errors import OutputError
from reportgen.options.page import PageOptions
from reportgen.rendering import figures, html, write_all
from reportgen.rendering import page_budget as sizing
from reportgen.rendering.figures.heatmap import DrawnFigure
from reportgen.report import Thumbnail, build_report, reduce_pictures
from tests import factories


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    monkeypatch.setattr(
        figures, "draw_heatmap", lambda spec, _: DrawnFigure(spec.name.encode(), 10, 10, False)
    )


def report(thumbnail_bytes):
    """Ten pairs and six reverses with eight pictures each, of so many bytes."""
    evaluation = factories.cifar()
    ids = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    return build_report(evaluation, pictures_of(ids, thumbnail_bytes))


def pictures_of(ids, size):
    """A picture for each, no two the same."""
    return {
        name: Thumbnail(f"{i:08d}".encode().ljust(size, b"x"), "image/jpeg", 96, 96, False)
        for i, name in enumerate(dict.fromkeys(ids))
    }


@pytest.mark.parametrize(
    ("thumbnail_bytes", "pictures", "said"),
    [
        (2_000, 88, None),  # three open galleries of 16, five folded ones of 8
        (7_000, 63, None),  # folded, two of a pair and one of its reverse
        (20_000, 58, None),  # folded, one of a pair and one of its reverse
        (100_000, 34, "first 4 mistakes of each pair."),
        (150_000, 22, "first 2 mistakes of each pair."),
        (300_000, 0, "no images."),
    ],
)
def test_galleries_shrink_until_the_page_is_small(thumbnail_bytes, pictures, said):
    page = sizing.fitting_page(report(thumbnail_bytes))[0].html
    assert page.count("data:image/jpeg") == pictures
    assert len(page) <= sizing.LARGE
    sentence = "Thumbnails reduced to limit the file size: "
    assert page.count(sentence) == (said is not None)
    if said:
        assert sentence + said in page
    assert (f">{pictures} (re-encoded" in page) == (pictures > 0)


def test_without_pictures_the_names_stay():
    shown = reduce_pictures(report(10), 0)
    assert shown.n_thumbnails == 0
    examples = [e for g in shown.pairs.groups for d in g.directions for e in d.examples]
    assert len(examples) == 128
    assert "Pictures" not in {fact.term for fact in shown.made}
    page = html.render(shown)
    assert page.count('<span class="file">') >= 128


def test_fewer_pictures_are_the_most_confident_mistakes():
    before, after = report(10), reduce_pictures(report(10), 2)
    for old, new in zip(before.pairs.groups, after.pairs.groups, strict=True):
        for one, other in zip(old.directions, new.directions, strict=True):
            assert other.examples == one.examples[:2]
    terms = [fact.term for fact in before.made]
    assert [fact.term for fact in after.made] == terms


def test_a_large_page_is_warned_of(tmp_path, monkeypatch):
    evaluation = factories.binary()
    assert write_all(build_report(evaluation), evaluation, tmp_path) == ()
    monkeypatch.setattr(
        sizing, "fitting_page", lambda one, *_, **__: (html.Page("x" * 6_200_000), one)
    )
    assert write_all(build_report(evaluation), evaluation, tmp_path) == (
        "report.html takes 6.2 MB: it will be slow to send and open",
    )
    assert (tmp_path / "report.html").stat().st_size == 6_200_000


def test_a_page_that_is_too_large_is_an_error_and_the_numbers_are_kept(tmp_path):
    evaluation = factories.cifar()
    with pytest.raises(OutputError, match=r"would be 0\.\d MB; the limit is 0\.1 MB") as caught:
        write_all(build_report(evaluation), evaluation, tmp_path, PageOptions(max_bytes=100_000))
    assert "--max-bytes" in caught.value.hint
    assert caught.value.slug == "report-too-large"
    assert not (tmp_path / "report.html").exists()
    assert (tmp_path / "report.json").is_file()
    assert (tmp_path / "per_class.csv").is_file()


def test_pictures_go_before_a_page_is_over_its_largest_size(tmp_path):
    evaluation = factories.cifar()
    ids = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    pictures = pictures_of(ids, 12_000)
    made = build_report(evaluation, pictures)
    write_all(made, evaluation, tmp_path, PageOptions(max_bytes=1_000_000))
    page = (tmp_path / "report.html").read_text()
    assert len(page) <= 1_000_000
    assert page.count("data:image/jpeg") == 34
    assert "first 4 mistakes of each pair." in page


def test_a_suspect_keeps_its_picture_when_the_gallery_that_shares_it_loses_it():
    evaluation = factories.scored(factories.cifar())
    gallery = evaluation.examples[0]
    named = [
        replace(one, id=mistake.id)
        for one, mistake in zip(evaluation.suspects.suspects, gallery, strict=False)
    ]
    suspects = replace(evaluation.suspects, suspects=tuple(named))
    pictures = pictures_of([mistake.id for mistake in gallery], 9)
    made = build_report(replace(evaluation, suspects=suspects), pictures)
    shown = len(made.suspects.rows)
    assert shown > 2
    assert made.n_thumbnails == len(gallery)
    fewer = reduce_pictures(made, 2)
    assert all(row.thumbnail for row in fewer.suspects.rows)
    assert fewer.n_thumbnails == shown
    page = html.render(fewer)
    assert page.count("data:image/jpeg") == shown
    ids = re.findall(r'<image id="(pic-\d+)"', page)
    assert ids == re.findall(r'<use href="#(pic-\d+)"/>', page) == ["pic-1", "pic-2"]
    assert not any(row.thumbnail for row in reduce_pictures(made, 0).suspects.rows)
