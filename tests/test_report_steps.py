"""Suggested next steps, and the matrix of the most confused classes."""

from __future__ import annotations

import numpy as np
import pytest

from reportgen.report import build_report
from tests import factories, review_factories


def steps(report):
    return {str(one.head): str(one.body) for one in report.steps}


def test_there_are_at_most_three_steps_and_each_has_a_target():
    for evaluation in (factories.cifar(), factories.scored(), factories.fashion()):
        found = build_report(evaluation).steps
        assert 1 <= len(found) <= 3
        assert all(one.target and str(one.head).endswith(":") for one in found)


def test_the_pair_that_is_confused_most_is_worth_more_images():
    """Of cat 358 and of dog 222 samples are errors, of 1,550."""
    told = steps(build_report(factories.cifar()))
    assert (
        told["Collect cat and dog images:"]
        == "the two classes account for 580 of 1,550 errors (37.4%)."
    )


def test_labels_are_reviewed_where_another_class_is_confidently_predicted():
    evaluation = factories.scored()
    told = steps(build_report(evaluation))
    assert f"Review {evaluation.suspects.n_suspects} labels:" in told


def test_regressions_come_first():
    comparison = review_factories.paired()
    first = build_report(comparison.candidate, comparison=comparison).steps[0]
    assert str(first.head) == "Inspect regressions of cat:"
    assert first.target == "d-3"


def test_nothing_is_suggested_where_nothing_is_wrong():
    right = factories.make_evaluation([[40, 0], [0, 40]], ["a", "b"])
    assert build_report(right).steps == ()


@pytest.fixture(scope="module")
def many():
    evaluation = factories.synthetic(40)
    return evaluation, build_report(evaluation).sub_matrix


def test_the_most_confused_classes_have_rows_and_all_others_one(many):
    evaluation, part = many
    counts = evaluation.confusion.counts
    chosen = [row.index for row in part.rows[:-1]]
    assert len(chosen) == 20
    for pair in evaluation.pairs[:10]:  # of at most 20 classes
        assert {pair.true, pair.predicted} <= set(chosen)
    assert sum(cell.count for row in part.rows for cell in row.cells) == counts.sum()
    assert [str(name) for name in part.names][-1] == "other"
    first = part.rows[0]
    assert first.cells[0].count == counts[chosen[0], chosen[0]]
    assert first.cells[0].share == counts[chosen[0], chosen[0]] / counts[chosen[0]].sum()


def test_of_a_thousand_classes_each_is_confused_with_another_that_is_shown():
    """The classes with the most errors would make a diagonal."""
    part = build_report(factories.synthetic(1000)).sub_matrix
    counts = np.array([[cell.count for cell in row.cells[:-1]] for row in part.rows[:-1]])
    errors = counts - np.diag(np.diag(counts))
    assert len(errors) == 20
    assert (errors.sum(axis=0) + errors.sum(axis=1) >= 5).all()
    assert str(part.lead).startswith("The 20 classes of the most frequent confusions, clustered.")


def test_few_confused_classes_have_a_small_matrix():
    counts = np.diag(np.full(40, 30))
    counts[3, 7], counts[9, 7] = 4, 2
    part = build_report(
        factories.make_evaluation(counts, [f"class {i}" for i in range(40)])
    ).sub_matrix
    assert sorted(row.index for row in part.rows[:-1]) == [3, 7, 9]
    assert part.rows[-1].cells[-1].count == 37 * 30
    assert "6 of 6 errors (100%)" in str(part.lead)


def test_few_classes_need_no_second_matrix():
    assert build_report(factories.synthetic(30)).sub_matrix is None


def test_of_many_classes_pairs_begin_with_what_is_beyond_chance():
    pairs = build_report(factories.synthetic(100)).pairs
    assert pairs.beyond_chance is not None
    assert all(row[-1].value < 0.05 for row in pairs.beyond_chance.rows)
    assert "significantly more frequent than chance" in str(pairs.beyond)
    assert "lift" not in {one.key for one in pairs.rankings}
    assert build_report(factories.synthetic(30)).pairs.beyond is None


def test_it_says_when_no_pair_is_beyond_chance():
    k = 40
    counts = np.full((k, k), 1)
    np.fill_diagonal(counts, 60)
    names = [f"class {i}" for i in range(k)]
    pairs = build_report(factories.make_evaluation(counts, names)).pairs
    assert pairs.beyond_chance is None
    assert str(pairs.beyond).startswith("No pair is significantly more frequent than chance")
