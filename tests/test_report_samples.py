"""What is said below the whole: slices, and labels worth a second look."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import pytest

from reportgen.analysis.label_issues import LabelIssues
from reportgen.analysis.slices import SliceReport
from reportgen.metrics import Metric
from reportgen.rendering import figures, html
from reportgen.rendering.figures.heatmap import DrawnFigure
from reportgen.report import Thumbnail, build_report, reduce_pictures
from reportgen.report.slices import points
from tests import factories


def plain(words):
    return str(words).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def scored():
    return factories.scored()


@pytest.fixture(autouse=True)
def no_drawing(monkeypatch):
    monkeypatch.setattr(
        figures, "draw_heatmap", lambda spec, _: DrawnFigure(spec.name.encode(), 10, 10, False)
    )


def test_slices_come_worst_first_with_difference_and_corrected_p(scored):
    section = build_report(scored).slices
    assert plain(section.lead) == (
        "7 slices from 2 metadata columns, worst first. One "
        "is significantly worse (Holm, 7 comparisons). Slices of "
        "different columns overlap."
    )
    first, *_, last = section.rows
    assert (first.column.text, first.part.text) == ("light", factories.HOSTILE[1])
    assert (first.count, first.accuracy.text, first.verdict) == (
        2431,
        "68.7",
        "worse than the rest",
    )
    assert (first.difference, first.difference_range, first.p) == (
        "−20.9",
        "−22.9 to −19.0",
        "<0.001",
    )
    assert first.gap == "+19.4"
    assert (last.part.text, last.verdict) == ("day", "better than the rest")


def test_columns_that_are_not_cut_say_why(scored):
    assert list(map(plain, build_report(scored).slices.left_out)) == [
        "Skipped: device. It has the same value for every sample.",
        "Skipped: serial. Most samples have a unique value: it is an identifier.",
    ]


def test_without_metadata_there_is_no_section_and_no_entry(scored):
    bare = replace(scored, slices=SliceReport())
    report = build_report(bare)
    assert report.slices is None
    page = html.render(report)
    assert "#slices" not in page
    assert 'id="slices"' not in page
    assert "#slices" in html.render(build_report(scored))


def test_where_no_column_can_be_cut_it_is_said(scored):
    left_out = tuple(c for c in scored.slices.columns if c.kind == "left_out")
    section = build_report(replace(scored, slices=SliceReport(left_out))).slices
    assert plain(section.lead) == "No metadata column can be sliced."
    assert len(section.left_out) == 2


def test_a_long_list_of_slices_is_cut_with_a_word(scored):
    many = replace(scored.slices, slices=scored.slices.slices * 40)
    section = build_report(replace(scored, slices=many)).slices
    assert len(section.rows) == 200
    assert plain(section.lead).endswith("The first 200 are shown; all are in report.json.")


def slice_finding(evaluation):
    found = [f for f in build_report(evaluation).findings if f.target == "slices"]
    return [plain(f"{f.head} {f.body}") for f in found]


def test_the_worst_slice_is_a_finding(scored):
    assert slice_finding(scored) == [
        'Slice light = "><img src=x onerror=alert(1)>: accuracy 68.7% on 2,431 samples, 20.9 '
        "pp below the rest (p < 0.001, Holm)."
    ]
    twice = replace(scored.slices, slices=scored.slices.slices[:1] * 3)
    (finding,) = slice_finding(replace(scored, slices=twice))
    assert finding.endswith("2 more are worse.")
    none = replace(scored.slices, slices=scored.slices.slices[1:])
    assert slice_finding(replace(scored, slices=none)) == []


def test_a_slice_without_a_rest_has_no_difference(scored):
    nothing = Metric(None, None, "no_samples")
    alone = replace(scored.slices.slices[0], difference=nothing, p_value=None, p_holm=None)
    section = build_report(replace(scored, slices=replace(scored.slices, slices=(alone,)))).slices
    (row,) = section.rows
    assert (row.difference, row.difference_range, row.p, row.verdict) == ("", "", "n/a", "")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (0, "0"), (0.123, "+12.3"), (-0.004, "−0.4"), (0.0001, "+<0.1"), (-1, "−100.0")],
)
def test_differences_are_in_points_with_a_sign(value, text):
    assert points(value) == text


def test_suspected_labels_are_listed_without_a_judgement(scored):
    section = build_report(scored).suspects
    lead = plain(section.lead)
    assert lead.startswith("370 of 10,000 samples may be mislabelled: p of another class ")
    assert "The 50 strongest are listed." in lead
    assert lead.endswith("Most frequent: labelled dog, predicted cat (37 times).")
    assert [row.rank for row in section.rows] == list(range(1, 51))
    margins = [row.margin for row in section.rows]
    assert margins == pytest.approx(sorted(margins), abs=2**-14)
    first = section.rows[0]
    assert (first.path.full, str(first.label), str(first.suggested)) == (
        "cat/7-3969.png", "cat", "horse",
    )  # fmt: skip
    assert plain(first.suggested_probability) == ">99.9%"


def test_without_scores_the_page_says_once_what_would_add_potential_label_errors(scored):
    for found, needed in (
        (factories.fashion(), "potential label errors: add predictions, one row per sample"),
        (factories.scored(full=False), "label errors: add the probabilities of all classes"),
    ):
        report = build_report(found)
        assert (plain(report.suspects.lead), report.suspects.rows) == ("", ())
        assert sum(needed in plain(words) for words in report.data.missing) == 1
        page = html.render(report)
        assert 'id="suspects"' not in page
        assert "label errors" not in page.replace(needed, "").split('id="h-made"')[0]


def test_without_suspects_the_section_says_so(scored):
    quiet = LabelIssues(None, n_examined=10, thresholds=(None,) * 10)
    section = build_report(replace(scored, suspects=quiet)).suspects
    assert plain(section.lead).startswith("No potential label errors in 10 samples")


def test_a_list_from_training_data_is_warned_of(scored):
    trained = replace(scored.suspects, warnings=("training_split",))
    report = build_report(replace(scored, suspects=trained))
    assert report.suspects.warnings[0].startswith("The model was trained on these samples")
    assert "memorised label errors, which are then not listed" in html.render(report)


def pictures(names):
    return {name: Thumbnail(name.encode(), "image/png", 16, 16, True) for name in names}


def test_a_picture_that_stands_in_a_gallery_is_shown_again_and_its_bytes_are_not(scored):
    inside = scored.examples[0][0].id
    first, second, *rest = scored.suspects.suspects
    listed = replace(scored.suspects, suspects=(replace(first, id=inside), second, *rest))
    report = build_report(replace(scored, suspects=listed), pictures([inside, second.id]))
    one, other = report.suspects.rows[:2]
    assert one.thumbnail is report.pairs.groups[0].directions[0].examples[0].thumbnail is not None
    assert other.thumbnail is not None
    assert report.n_thumbnails == 2
    page = html.render(report)
    for name in (inside, second.id):
        assert page.count(base64.b64encode(name.encode()).decode()) == 1
    assert page.count('<image id="pic-1"') == page.count('<use href="#pic-1"/>') == 1
    assert page.index("<image ") < page.index("<use ")
    assert page.count('<img class="pic px"') == 1
    labels = re.findall(r'<svg class="pic px" role="img" aria-label="([^"]+)" viewBox', page)
    assert labels[0].startswith("cat predicted as dog, ")
    assert labels[1:] == [one.alt]
    none = reduce_pictures(report, 0)
    assert none.n_thumbnails == 0
    assert none.suspects.rows[1].thumbnail is None


def test_names_of_slices_and_samples_stay_text(scored):
    evil = factories.HOSTILE[1]
    first, *rest = scored.suspects.suspects
    listed = replace(scored.suspects, suspects=(replace(first, id=evil), *rest))
    page = html.render(build_report(replace(scored, suspects=listed)))
    assert "<img src=x" not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") >= 3
