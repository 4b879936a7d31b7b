"""What scores are: percentages, rounded, independent; never a softmax over shares in silence."""

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

import reportgen
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import evaluate_predictions
from tests.importers.conftest import accuracy, note_codes

HEAD = "label,prob_cat,prob_dog,prob_bird\n"
SIGMOIDS = (
    HEAD + "cat,0.92,0.31,0.05\ndog,0.22,0.81,0.40\nbird,0.10,0.55,0.50\ncat,0.70,0.20,0.30\n"
)
PERCENT = HEAD + "cat,70,20,10\ndog,10,80,10\nbird,25,25,50\ncat,10,60,30\n"


def refused(box, source, kind=UsageError, **options):
    with pytest.raises(kind) as caught:
        box.open(source, **options)
    return caught.value


def note(found, code):
    return next(n for n in found.facts.notes if n.code == code)


# percentages


@pytest.mark.parametrize("head", [HEAD, HEAD.replace("prob", "logit"), "label,cat,dog,bird\n"])
def test_rows_that_sum_to_100_are_asked_about_and_the_hint_works(box, head):
    table = PERCENT.replace(HEAD, head)
    error = refused(box, table)
    assert error.slug == "outputs-percentages"
    assert "--outputs percentages" in error.hint
    found = evaluate_predictions(box.open(table, outputs="percentages"))
    assert found.summary["accuracy"].value == 0.75
    expected = -(math.log(0.7) + math.log(0.8) + math.log(0.5) + math.log(0.1)) / 4
    assert found.summary["log_loss"].value == pytest.approx(expected)
    assert found.provenance.outputs == "percentages, as declared"


def test_the_log_loss_of_percentages_is_that_of_probabilities(box):
    rng = np.random.default_rng(5)
    p = rng.dirichlet([0.6] * 4, 300)
    y = rng.integers(0, 4, 300)
    found = evaluate_predictions(box.open({"label": y, "scores": 100 * p}, outputs="percentages"))
    assert found.summary["log_loss"].value == pytest.approx(log_loss(y, p))


def test_one_row_of_declared_percentages_that_is_none_is_named(box):
    error = refused(box, PERCENT + "cat,70,20,30\n", DataError, outputs="percentages")
    assert error.slug == "scores-sum"
    assert "line 6: a row sums to 120, not 100" in error.message


def test_rounded_percentages_may_be_off_by_half_a_unit_for_each_class(box):
    found = box.open(HEAD + "cat,33,33,33\ndog,10,80,10\n", outputs="percentages")
    assert "rounded to 0 decimals" in note(found, "probabilities-rounded").sentence
    assert refused(box, HEAD + "cat,33,33,32\n", DataError, outputs="percentages")


def test_one_column_up_to_100_is_asked_about(box):
    table = "label,score_of_dog\ncat,12\ndog,88\n"
    options = {"scores_columns": "score_of_dog", "classes": ["cat", "dog"]}
    assert refused(box, table, **options).slug == "outputs-percentages"
    assert accuracy(box.open(table, outputs="percentages", **options)) == 1.0


def test_whole_numbers_above_1_are_asked_about(box):
    for rows, largest in (
        ("cat,5,3,2\ndog,1,8,1\nbird,4,1,5\n", 8),
        ("cat,50,3,2\nbird,4,1,5\n", 50),
    ):
        table = HEAD.replace("prob_", "") + rows
        error = refused(box, table, classes=["cat", "dog", "bird"])
        assert error.slug == "outputs-ambiguous"
        assert f"whole numbers up to {largest}" in error.message
        found = box.open(table, outputs="logits", classes=["cat", "dog", "bird"])
        assert accuracy(found) == 1.0


# rounded


@pytest.mark.parametrize(
    ("rows", "tolerance"),
    [
        (["cat,.33,.33,.33", "dog,.1,.8,.1"], "1.50%"),  # 3 · 0.005
        (["cat,.333,.333,.333", "dog,.1,.8,.1"], None),
        (["cat,.333,.333,.3325", "dog,.1,.8,.1"], None),
        (["cat,.4,.4,.3", "dog,.1,.8,.1"], "15.00%"),  # 3 · 0.05
    ],
)
def test_a_row_may_be_off_by_half_of_its_last_decimal_for_each_class(box, rows, tolerance):
    if tolerance is None and rows[0].endswith(".3325"):
        assert refused(box, HEAD + "\n".join(rows), DataError).slug == "scores-sum"
        return
    found = box.open(HEAD + "\n".join(rows))
    assert found.outputs == "probabilities"
    assert accuracy(found) == 1.0
    if tolerance is None:
        assert "probabilities-rounded" not in note_codes(found)
    else:
        assert tolerance in note(found, "probabilities-rounded").sentence


def test_a_row_beyond_the_tolerance_is_named(box):
    rows = ["cat,.33,.33,.33", "dog,.1,.8,.1", "bird,.33,.33,.32", "bird,.2,.3,.5"]
    error = refused(box, HEAD + "\n".join(rows), DataError)
    assert error.slug == "scores-sum"
    assert "line 4: a row sums to 0.98, not 1" in error.message
    assert "within 0.015" in error.details[0]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize(("k", "decimals"), [(3, 2), (10, 2), (100, 3), (100, 4), (1000, 4)])
def test_probabilities_rounded_to_few_decimals_are_read(box, k, decimals, dtype):
    rng = np.random.default_rng(k + decimals)
    p = rng.dirichlet([0.5] * k, 60).round(decimals)
    found = box.open({"label": rng.integers(0, k, 60), "scores": p.astype(dtype)})
    assert found.outputs == "probabilities"
    assert found.facts.sum_tolerance == pytest.approx(max(0.001, k * 0.5 * 10**-decimals))
    assert evaluate_predictions(found).summary["ece"].value is not None


def test_rows_off_are_counted_by_sums_in_double_precision(box):
    """Many are off by 0.001 but for the last digit, which sums in single precision lose."""
    rng = np.random.default_rng(0)
    p = rng.dirichlet([0.5] * 10, 500).round(3).astype("f4")
    found = box.open({"label": rng.integers(0, 10, 500), "scores": p})
    n = np.count_nonzero(np.abs(p.sum(axis=1, dtype="f8") - 1) > 0.001)
    assert note(found, "probabilities-rounded").count == n


def test_declared_probabilities_have_the_same_tolerance(box):
    rows = HEAD + "cat,.33,.33,.33\ndog,.1,.8,.1\n"
    assert accuracy(box.open(rows, outputs="probabilities")) == 1.0


# independent


def test_sigmoids_are_asked_about_and_both_hints_work(box):
    error = refused(box, SIGMOIDS)
    assert error.slug == "outputs-ambiguous"
    assert "--outputs one-vs-rest" in error.hint
    assert accuracy(box.open(SIGMOIDS, outputs="one-vs-rest")) == 0.75
    found = box.open(SIGMOIDS, outputs="logits")
    assert note(found, "softmax-of-shares").severity == "warning"


def test_independent_scores_rank_each_class_and_have_no_confidence(box):
    rng = np.random.default_rng(2)
    y = rng.integers(0, 4, 400)
    s = 1 / (1 + np.exp(-(rng.normal(size=(400, 4)) + 2 * np.eye(4)[y] - 1)))
    found = evaluate_predictions(box.open({"label": y, "scores": s}, outputs="one-vs-rest"))
    assert found.summary["accuracy"].value == pytest.approx((s.argmax(1) == y).mean())
    for k in range(4):
        auc = found.per_class["roc_auc"].metric(k).value
        assert auc == pytest.approx(roc_auc_score(y == k, s[:, k]))
        precision = found.per_class["average_precision"].metric(k).value
        assert precision == pytest.approx(average_precision_score(y == k, s[:, k]))
    for name in ("ece", "log_loss", "brier_score", "aurc"):
        assert found.summary[name].value is None
        assert found.summary[name].reason == "independent_scores"
    assert found.summary["top3_accuracy"].value is not None
    assert found.confidence is None
    assert found.suspects.reason == "independent_scores"
    assert len(found.class_curves) == 4
    assert reportgen.Evaluation.from_json(found.to_json()) == found


def test_the_page_says_why_there_is_no_calibration(box, tmp_path):
    path = box.write(SIGMOIDS)
    reportgen.render(path, out=tmp_path / "out", outputs="one-vs-rest")
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    assert "independent per class (one-vs-rest)" in page
    assert "ROC" in page


def test_two_independent_scores_have_thresholds(box):
    rng = np.random.default_rng(7)
    y = rng.integers(0, 2, 200)
    s = np.clip(rng.normal(0.4, 0.2, (200, 2)) + 0.2 * np.eye(2)[y], 0, 1)
    found = evaluate_predictions(box.open({"label": y, "scores": s}, outputs="one-vs-rest"))
    assert found.threshold is not None
    assert found.summary["accuracy"].value == pytest.approx((s.argmax(1) == y).mean())


def test_independent_scores_beyond_0_and_1_are_refused_with_their_row(box):
    error = refused(box, SIGMOIDS + "cat,1.2,.1,.1\n", DataError, outputs="one-vs-rest")
    assert "line 6: 1.2 is not a probability" in error.message


def test_columns_called_logits_that_lie_in_0_to_1_are_warned_about(box):
    found = box.open(SIGMOIDS.replace("prob_", "logit_"))
    assert "57.6%" in note(found, "softmax-of-shares").sentence  # e / (e + 2)
