"""The section on the curves of classes: what is shown, what is not and why, and how it is drawn."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import reportgen
from reportgen.errors import DataError
from reportgen.evaluation import Evaluation
from reportgen.metrics import Metric, MetricColumn
from reportgen.rendering import html
from reportgen.rendering.svg import class_precision_recall_chart, class_roc_chart
from reportgen.report import build_report
from tests import binaries, factories


def plain(words):
    return str(words).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def evaluation():
    return factories.scored()


@pytest.fixture(scope="module")
def section(evaluation):
    return build_report(evaluation).curves


def many(n_classes, present=None):
    """Classes with 20 samples each; only the first `present` have any."""
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(present or n_classes), 20)
    p = rng.random((len(labels), n_classes))
    p[np.arange(len(labels)), labels] += 0.5
    p /= p.sum(axis=1, keepdims=True)
    table = {"label": labels.tolist(), "p": p.tolist()}
    names = [f"class {i}" for i in range(n_classes)]
    return reportgen.load(table, classes=names, scores_columns="p")


def test_every_class_has_its_curves_and_its_figures_worst_first(evaluation, section):
    aucs = evaluation.per_class["roc_auc"]
    assert plain(section.lead).startswith("10 classes, one vs rest")
    assert not section.missing
    assert [one.index for one in section.classes] == sorted(
        range(10), key=lambda i: aucs.metric(i).value
    )
    for one in section.classes:
        low, high = aucs.metric(one.index).interval
        roc, other = one.charts
        assert plain(roc.caption).startswith(f"ROC AUC {aucs.metric(one.index).value:.3f}, 95% ")
        assert f"{low:.3f}–{high:.3f}" in plain(roc.caption)
        assert plain(roc.caption) in plain(roc.alt)
        assert str(one.name) in roc.alt
        mean = evaluation.per_class["average_precision"].metric(one.index).value
        assert plain(other.caption).startswith(f"Average precision {mean:.3f}, 95% CI ")
        assert plain(other.caption).endswith("Chance level: 0.100.")
        assert one.samples == "1,000 of 10,000 samples"


def test_of_many_classes_it_is_said_how_many_are_shown():
    section = build_report(many(15)).curves
    assert len(section.classes) == 12
    assert plain(section.lead).startswith(
        "The 12 of 15 classes with the lowest ROC AUC, one vs rest"
    )


def test_classes_without_samples_are_left_out_and_counted():
    section = build_report(many(5, present=3)).curves
    assert [one.index for one in section.classes if one.index > 2] == []
    assert plain(section.lead).startswith("3 classes, one vs rest")
    assert plain(section.missing).startswith("2 classes are excluded: no positives")
    assert plain(build_report(many(4, present=3)).curves.missing).startswith("1 class is excluded")


def test_one_class_alone_has_no_others_to_be_told_from():
    section = build_report(many(3, present=1)).curves
    assert section.classes == ()
    assert plain(section.missing).startswith("No class has both positives and negatives")
    assert section.missing.parts[0] in html.render(build_report(many(3, present=1)))


def test_a_report_from_before_the_curves_says_that_they_are_missing(evaluation):
    old = evaluation.to_json()
    del old["class_curves"]
    read = Evaluation.from_json(old)
    assert read.class_curves == ()
    section = build_report(read).curves
    assert section.classes == ()
    assert plain(section.missing).startswith("The curve points were not saved")


def test_the_curves_come_back_from_report_json(evaluation):
    assert Evaluation.from_json(evaluation.to_json()) == evaluation
    assert len(evaluation.class_curves) == 10


@pytest.mark.parametrize("name", ["n_positive", "n_negative"])
def test_more_samples_than_the_matrix_holds_are_refused(evaluation, name):
    value = evaluation.to_json()
    curve = value["class_curves"][2]
    curve[name] += 1
    curve["points"][-1][name == "n_negative"] += 1
    with pytest.raises(DataError, match=rf"class_curves\[2\]\.{name} is .* contains fewer"):
        Evaluation.from_json(value)


def test_no_curves_where_the_input_has_no_probabilities_of_all_and_the_page_says_so():
    for found, words in (
        (
            factories.scored(full=False),
            "and their curves, require the probabilities of all classes",
        ),
        (factories.fashion(), "Not available from a confusion matrix"),
    ):
        report = build_report(found)
        assert report.curves is None
        assert words in plain(report.confidence.missing)
        page = html.render(report)
        assert '<section id="curves">' not in page
        assert 'href="#curves"' not in page


def test_two_classes_have_the_threshold_and_no_second_curves():
    report = build_report(binaries.diagnosed())
    assert report.threshold is not None
    assert report.curves is None


def test_too_many_scores_are_said_to_be_binned(evaluation):
    known = replace(evaluation.confidence, ranking_bins=4096)
    section = build_report(replace(evaluation, confidence=known)).curves
    assert plain(section.note).endswith("Points are edges of 4,096 score bins.")


def numbers(d):
    return [float(x) for x in re.findall(r"[\d.]+", d)]


def line(drawing):
    (d,) = re.findall(r'class="g-line" d="([^"]+)"', drawing)
    return d


def test_the_roc_drawing_shows_the_points(section):
    one = section.classes[0]
    flat = numbers(line(class_roc_chart(one)))
    drawn = [((x - 26) / 134, (150 - y) / 134) for x, y in zip(flat[::2], flat[1::2], strict=True)]
    assert len(drawn) == len(one.roc)
    np.testing.assert_allclose(drawn, one.roc, atol=0.0005)
    assert drawn[0] == (0, 0)
    assert drawn[-1] == (1, 1)


def test_the_other_drawing_goes_in_steps_to_each_point(section):
    one = section.classes[0]
    drawing = class_precision_recall_chart(one)
    d, at, seen = line(drawing), None, []
    for letter, rest in re.findall(r"([MVH])([\d. ]+)", d):
        if letter == "M":
            at = float(rest.split()[1])
        elif letter == "V":
            at = float(rest)
        else:
            seen.append(((float(rest) - 26) / 134, (150 - at) / 134))
    np.testing.assert_allclose(seen, one.precision_recall, atol=0.0005)
    level = float(re.search(r'g-even" d="M26 ([\d.]+)H160', drawing)[1])
    assert (150 - level) / 134 == pytest.approx(one.prevalence, abs=0.0005)


def test_the_page_holds_two_named_drawings_a_class_with_labelled_axes(evaluation):
    page = html.render(build_report(evaluation))
    part = page[page.index('id="curves"') : page.index('<section id="data"')]
    assert part.count('role="img" aria-label="ROC curve of ') == 10
    assert part.count('role="img" aria-label="Precision-recall curve of ') == 10
    for text in ("false-positive rate, %", "precision, %"):
        assert part.count(f">{text}</text>") == 10
    assert part.count(">recall, %</text>") == 20
    assert "in the class table" in part
    assert len(part.encode()) < 45_000


def test_hostile_names_stay_text():
    page = html.render(build_report(factories.scored(factories.make_evaluation(
        [[20, 2, 1], [1, 20, 2], [2, 1, 20]], (factories.HOSTILE[1], factories.HOSTILE[0], "c")
    ))))  # fmt: skip
    part = page[page.index('id="curves"') : page.index('<section id="data"')]
    assert "<script" not in part
    assert "<img" not in part
    assert "&lt;script&gt;" in part


def test_a_figure_without_a_value_is_not_available(evaluation):
    """A file edited by hand may hold a curve whose class has no figure."""
    nothing = MetricColumn.of([Metric(None, None, "no_true_samples")] * 10)
    figures = {**evaluation.per_class, "average_precision": nothing}
    section = build_report(replace(evaluation, per_class=figures)).curves
    assert plain(section.classes[0].charts[1].caption).startswith("Average precision n/a.")
