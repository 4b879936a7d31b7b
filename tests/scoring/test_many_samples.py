"""What is done otherwise with many samples, and must not be seen."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.analysis.scoring import ranked_scores as ranks
from reportgen.analysis.scoring.exact_sums import FixedSums
from reportgen.analysis.scoring.ranked_scores import Groups, of_answers, ranked_answers
from reportgen.analysis.scoring.score_inputs import Answers

decimals = st.integers(0, 6).flatmap(
    lambda d: st.integers(0, 10**d).map(lambda n: float(f"{n}e-{d}"))
)
scored = st.lists(st.tuples(decimals | st.just(-0.0), st.booleans()), min_size=1, max_size=60)


def columns(rows):
    return np.array([row[0] for row in rows], float), np.array([row[1] for row in rows], bool)


@given(scored)
def test_decimals_are_counted_as_they_are_sorted(rows):
    scores, positive = columns(rows)
    by_sorting = Groups.of(scores, positive)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "_COUNTED_FROM", 0)
        assert ranks._millionths([(scores, np.ones(len(scores), bool))]) is not None
        counted = Groups.of(scores, positive)
    assert counted == by_sorting
    assert counted.scores.tobytes() == by_sorting.scores.tobytes()
    assert counted.positives.dtype == by_sorting.positives.dtype


@pytest.mark.parametrize("other", [0.1234567, 1 / 3, np.nextafter(0.5, 1), 1e-7, 5e-324])
def test_one_score_of_more_places_has_all_of_them_sorted(monkeypatch, other):
    monkeypatch.setattr(ranks, "_COUNTED_FROM", 0)
    scores = np.array([0.25] * 20_000 + [other])
    assert ranks._millionths([(scores, np.ones(len(scores), bool))]) is None
    assert Groups.of(scores, np.ones(20_001, bool)).scores.tolist() == sorted([0.25, other])


def test_single_precision_and_few_scores_are_sorted(monkeypatch):
    assert ranks._millionths([(np.full(1000, 0.5), np.ones(1000, bool))]) is None
    monkeypatch.setattr(ranks, "_COUNTED_FROM", 0)
    assert ranks._millionths([(np.full(1000, 0.5, np.float32), np.ones(1000, bool))]) is None


def test_long_batches_are_not_copied_to_be_joined(monkeypatch):
    monkeypatch.setattr(ranks, "_LONG", 100)
    rng = np.random.default_rng(0)
    p, right = rng.random(1_000), rng.random(1_000) < 0.5
    tally = ranked_answers()
    for start in range(0, 1_000, 125):
        part = slice(start, start + 125)
        tally += of_answers(Answers.of(p[part], right[part]))
    assert [len(labels) for labels, _ in tally.chunks] == [125] * 8
    assert list(tally.groups()) == list(of_answers(Answers.of(p, right)).groups())


@given(st.lists(st.floats(0, 1), max_size=40), st.randoms(use_true_random=False))
def test_coarse_sums_add_up_too(values, order):
    shuffled = list(values)
    order.shuffle(shuffled)

    def of(numbers):
        return FixedSums.of_cells(np.zeros(len(numbers), int), np.array(numbers), (1,), coarse=True)

    assert of(values[:7]) + of(values[7:]) == of(shuffled)
    sums = of(values)
    exact = sum((Fraction(v) for v in values), Fraction())
    got = int(sums.whole[0]) + Fraction(int(sums.fraction[0]), 2**53)
    assert abs(got - exact) <= Fraction(len(values), 2**54)
    assert sums.rest[0] == 0


def test_many_answers_in_pieces_are_grouped_as_one_array_is(monkeypatch):
    rng = np.random.default_rng(0)
    p, right = rng.random(3_000).round(2), rng.random(3_000) < 0.5
    (by_sorting,) = of_answers(Answers.of(p, right)).groups()
    monkeypatch.setattr(ranks, "_COUNTED_FROM", 0)
    monkeypatch.setattr(ranks, "_LONG", 100)
    tally = of_answers(Answers.of(p[:1_000], right[:1_000]))
    tally += of_answers(Answers.of(p[1_000:], right[1_000:]))
    assert len(tally.chunks) == 2
    assert list(tally.groups()) == [by_sorting]


def test_confidences_that_a_loop_changes_later_are_copied():
    p = np.array([0.25, 0.5, 0.75])
    tally = of_answers(Answers.of(p, np.ones(3, bool)))
    view = p.view()
    view.flags.writeable = False  # which says nothing of the one below
    other = of_answers(Answers.of(view, np.ones(3, bool)))
    p[:] = 0
    for kept in (tally, other):
        (groups,) = kept.groups()
        assert groups.scores.tolist() == [0.25, 0.5, 0.75]
