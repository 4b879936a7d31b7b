"""Single samples of each class: the worst mistakes, and correct examples."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import reportgen
from reportgen import Evaluation
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError
from reportgen.evaluation import counting
from reportgen.evaluation.galleries import sampled_classes
from reportgen.evaluation.pairs import pairs_of
from reportgen.metrics import ClassSamplesTally, RankedClass

rows_of_samples = st.lists(
    st.tuples(
        st.integers(-1, 3),
        st.integers(0, 3),
        st.sampled_from([0.25, 0.5, 0.50001, 0.9, 1.0, float("nan")]),
    ),
    max_size=60,
)


def batch(rows, start=0):
    label, prediction, confidence = zip(*rows, strict=True) if rows else ([], [], [])
    n = len(rows)
    return {
        "id": np.array([f"s{start + i:03d}" for i in range(n)], object),
        "label": np.array(label, np.int32),
        "prediction": np.array(prediction, np.int32),
        "confidence": np.array(confidence, np.float32),
        "label_probability": np.full(n, np.nan, np.float32),
        "top_classes": np.tile(np.array([0, 1], np.int32), (n, 1)),
        "top_probabilities": np.tile(np.array([0.75, 0.25], np.float32), (n, 1)),
    }


@given(rows_of_samples, st.integers(0, 60))
def test_the_samples_of_a_class_do_not_depend_on_how_the_rows_are_cut(rows, cut):
    empty = ClassSamplesTally((2, 0, 3), limit=2)
    whole = empty.having(batch(rows)).of_classes()
    assert empty.having(batch(rows[cut:], cut)).having(batch(rows[:cut])).of_classes() == whole
    for one in whole:
        for samples, right in ((one.mistakes, False), (one.correct, True)):
            expected = sorted(
                (-round(float(np.float32(c)) * 2**14), f"s{i:03d}")
                for i, (label, prediction, c) in enumerate(rows)
                if label == one.index and (prediction == label) is right and c == c
            )[:2]
            assert [sample.rank for sample in samples] == expected
    assert [one.index for one in whole] == [i for i in (2, 0, 3) if i in {o.index for o in whole}]


def test_of_thousands_of_equal_confidence_the_first_names_are_shown():
    rows = batch([(0, 0, 1.0)] * 5_000)
    (found,) = ClassSamplesTally((0,)).having(rows).of_classes()
    assert [sample.id for sample in found.correct] == ["s000", "s001", "s002", "s003"]
    assert found.correct[0].top == (RankedClass(0, 0.75), RankedClass(1, 0.25))


def test_the_classes_with_the_lowest_recall_are_sampled_and_those_of_galleries():
    n = 300
    counts = np.diag(np.arange(1, n + 1)) * 10
    counts[np.arange(1, n), np.arange(n - 1)] = 1
    counts[n - 1, n - 2] = 500  # the last class is the worst, and has most errors
    counts[5] = 0
    matrix = ConfusionMatrix.from_counts(counts.tolist())
    chosen = sampled_classes(matrix, pairs_of(matrix))
    assert chosen[0] == n - 1
    assert 5 not in chosen
    assert n - 2 in chosen[200:], "it is the other side of the most frequent confusion"
    assert len(chosen) == len(set(chosen)) <= 220


TABLE = pd.DataFrame(
    {
        "id": ["a", "b", "c", "d", "e"],
        "label": ["cat", "cat", "cat", "dog", "dog"],
        "p_cat": [0.75, 0.25, 0.5, 0.125, 0.875],
        "p_dog": [0.125, 0.5, 0.25, 0.75, 0.0],
        "p_fox": [0.125, 0.25, 0.25, 0.125, 0.125],
    }
)


def test_a_sample_has_its_best_classes_in_the_galleries_too():
    found = reportgen.load(TABLE)
    by_name = {found.classes[one.index]: one for one in found.class_samples}
    assert [one.id for one in by_name["cat"].correct] == ["a", "c"]
    assert [(one.id, found.classes[one.prediction]) for one in by_name["cat"].mistakes] == [
        ("b", "dog")
    ]
    (mistake,) = by_name["cat"].mistakes
    top = [(found.classes[one.index], one.probability) for one in mistake.top]
    assert top == [("dog", 0.5), ("cat", 0.25), ("fox", 0.25)]
    gallery = next(g for g in found.examples if g[0].id == "b")
    assert gallery[0].top == mistake.top
    assert Evaluation.from_json(found.to_json()) == found


def test_a_document_that_contradicts_itself_is_refused():
    held = reportgen.load(TABLE).to_json()
    held["class_samples"][0]["correct"], held["class_samples"][0]["mistakes"] = (
        held["class_samples"][0]["mistakes"],
        held["class_samples"][0]["correct"],
    )
    with pytest.raises(DataError, match="class_samples"):
        Evaluation.from_json(held)


def test_many_samples_cost_no_pass_over_all_ids(monkeypatch):
    monkeypatch.setattr(counting, "CHOSEN_FROM", 4)
    found = reportgen.load(TABLE)
    assert found.class_samples == ()
    assert {len(one.top) for gallery in found.examples for one in gallery} == {0}
    known = reportgen.load(TABLE.iloc[:4])
    assert known.class_samples


def test_without_scores_no_sample_is_chosen():
    table = TABLE[["id", "label"]].assign(prediction="cat")
    assert reportgen.load(table).class_samples == ()


def test_changed_samples_and_doubted_labels_have_their_best_classes_too():
    before = TABLE.assign(p_cat=TABLE.p_dog, p_dog=TABLE.p_cat)
    found = reportgen.compare(before, TABLE)
    assert {change.id for change in (*found.broken, *found.fixed)} == {"a", "b", "c", "d", "e"}
    tops = {one.id: one.top for one in (*found.broken, *found.fixed)}
    names = [found.candidate.classes[one.index] for one in tops["b"]]
    assert (names, tops["b"][0].probability) == (["dog", "cat", "fox"], 0.5)
    many = pd.concat([TABLE.assign(id=TABLE.id + str(i)) for i in range(20)])
    doubted = reportgen.load(many).suspects.suspects
    assert doubted
    assert all(len(one.top) == 3 and one.top[0].index != one.label for one in doubted)
