"""A report.json whose figures are not those of its own counts is refused, with the place."""

import json
import shutil

import numpy as np
import pytest

import reportgen
from reportgen.errors import DataError
from reportgen.gates import NO_GATES, fail_under
from reportgen.jsonio import agree
from reportgen.review import Review
from tests.test_damaged_reports import SAMPLES, changed
from tests.test_golden import BASELINES, DOCUMENTS, text_of

EDITS = [
    ("even-or-odd.json", ("summary", "accuracy", "value"), 0.97, "summary.accuracy.value is 0.97"),
    ("even-or-odd.json", ("summary", "macro_f1", "value"), 0.5, "summary.macro_f1.value is 0.5"),
    ("even-or-odd.json", ("summary", "cohen_kappa", "value"), 0.9, "cohen_kappa.value is 0.9, but"),
    ("even-or-odd.json", ("per_class", 1, "recall", "value"), 0.5, "per_class[1].recall.value is"),
    ("even-or-odd.json", ("per_class", 0, "precision", "value"), 1, "per_class[0].precision.value"),
    ("even-or-odd.json", ("per_class", 0, "f1", "value"), 1, "per_class[0].f1.value is 1, but"),
    ("even-or-odd.json", ("per_class", 0, "support"), 447, "per_class[0].support is 447, but"),
    ("even-or-odd.json", ("per_class", 1, "tn"), 1, "per_class[1].tn is 1, but the confusion matrix"),
    ("even-or-odd.json", ("pairs", 0, "share_of_true"), 0.5, "pairs[0].share_of_true is 0.5, but"),
    ("even-or-odd.json", ("pairs", 1, "share_of_errors"), 0.5, "pairs[1].share_of_errors is 0.5"),
    ("even-or-odd.json", ("calibration", "bins", 14, "accuracy"), 0.5, "bins[14].accuracy is 0.5"),
    ("grouped.json", ("summary", "kappa_linear", "value"), 0.5, "summary.kappa_linear.value is 0.5"),
    ("grouped.json", ("summary", "macro_recall", "value"), 0.9, "summary.macro_recall.value is 0.9"),
    ("grouped.json", ("macro",), "present", "summary.macro_precision.value is"),
    ("grouped.json", ("per_class", 4, "precision", "value"), 0.5, "per_class[4].precision.value is"),
    ("grouped.json", ("slices", "slices", 0, "accuracy", "value"), 0.9, "slices[0].accuracy.value is"),
    ("cells.json.xz", ("per_class", 52, "recall", "value"), 0, "per_class[52].recall.value is 0"),
    ("proportions.json", ("pairs", 0, "share"), 0.9, "pairs[0].share is 0.9, but"),
    ("digits.json.xz", ("comparison", "baseline", "summary", "accuracy", "value"), 0.5,
     "comparison.baseline.summary.accuracy.value is 0.5, but the confusion matrix gives"),
    ("digits.json.xz", ("comparison", "summary", "accuracy", "candidate"), 0.99,
     "comparison.summary.accuracy.difference is"),
    ("baselines/digits/report.json", ("summary", "accuracy", "value"), 0.5, "accuracy.value is 0.5"),
    # Intervals: those of proportions follow from the counts, the others contain their values.
    ("even-or-odd.json", ("summary", "accuracy", "interval", 0), 0.97,
     "summary.accuracy.interval[0] is 0.97, but the confusion matrix gives 0.96"),
    ("even-or-odd.json", ("summary", "error_rate", "interval", 1), 0.03, "error_rate.interval[1]"),
    ("even-or-odd.json", ("summary", "macro_f1", "interval"), [0.98, 0.99],
     "summary.macro_f1.interval is [0.98, 0.99], but does not contain the value 0.97"),
    ("even-or-odd.json", ("summary", "log_loss", "interval"), [0.5, 0.6], "log_loss.interval is [0.5"),
    ("even-or-odd.json", ("per_class", 1, "recall", "interval", 0), 0.9,
     "per_class[1].recall.interval[0] is 0.9, but the confusion matrix gives 0.94"),
    ("even-or-odd.json", ("per_class", 0, "roc_auc", "interval"), [0.1, 0.2],
     "per_class[0].roc_auc.interval is [0.1, 0.2], but does not contain the value 0.99"),
    ("even-or-odd.json", ("calibration", "bins", 14, "interval", 1), 1.0, "bins[14].interval[1] is 1"),
    ("grouped.json", ("summary", "accuracy", "interval"), [0.8, 0.9],
     "summary.accuracy.interval is [0.8, 0.9], but does not contain the value 0.72"),
    ("grouped.json", ("slices", "slices", 0, "accuracy", "interval", 0), 0.3, "accuracy.interval[0] is"),
    ("grouped.json", ("slices", "slices", 0, "difference", "interval"), [0.9, 1.0],
     "difference.interval is [0.9, 1.0], but does not contain the value"),
    ("grouped.json", ("per_class", 2, "precision", "interval", 1), 0.99, "precision.interval[1] is"),
    ("even-or-odd.json", ("summary", "log_loss", "interval", 0), -0.5,
     "summary.log_loss.interval[0] is -0.5, outside of 0"),
    ("even-or-odd.json", ("summary", "brier_score", "interval", 0), -0.1, "brier_score.interval[0] is -0.1"),
    # What follows from the classes.
    ("even-or-odd.json", ("summary", "macro_roc_auc", "value"), 0.999,
     "summary.macro_roc_auc.value is 0.999, but the list of classes gives 0.998"),
    ("even-or-odd.json", ("summary", "macro_average_precision", "value"), 0.997, "the list of classes"),
    # What follows from the bins of confidence.
    ("even-or-odd.json", ("summary", "ece", "value"), 0.001, "ece.value is 0.001, but calibration.bins"),
    ("even-or-odd.json", ("summary", "mce", "value"), 0.001, "mce.value is 0.001, but calibration.bins"),
    ("even-or-odd.json", ("calibration", "mean_confidence"), 0.9, "mean_confidence is 0.9, but"),
    ("even-or-odd.json", ("calibration", "bins", 3, "low"), 0.1, "bins[3].low is 0.1, but the width"),
    # What follows from both sides of a comparison, and from its own counts.
    ("digits.json.xz", ("comparison", "summary", "accuracy", "interval", 0), -0.5,
     "comparison.summary.accuracy.interval[0] is -0.5, but the test on the same counts gives"),
    ("digits.json.xz", ("comparison", "summary", "accuracy", "p"), 0.9, "accuracy.p is 0.9, but"),
    ("digits.json.xz", ("comparison", "summary", "macro_f1", "interval"), [-0.9, -0.8],
     "macro_f1.interval is [-0.9, -0.8], but does not contain the difference"),
    ("digits.json.xz", ("comparison", "per_class", 2, "recall", "bounds", 1), 0.9, "bounds[1] is 0.9"),
    ("digits.json.xz", ("comparison", "per_class", 2, "recall", "p_adjusted"), 0.01,
     "per_class[2].recall.p_adjusted is 0.01, but Holm's correction gives"),
    ("digits.json.xz", ("comparison", "per_class", 2, "tendency"), "worse", 'tendency is "worse", but'),
    ("digits.json.xz", ("comparison", "paired", "same"), 823, "paired.same is 823, but the sum over"),
    ("digits.json.xz", ("comparison", "grown_pairs", 0, "candidate"), 99, "candidate is 99, but the"),
    ("digits.json.xz", ("comparison", "n_tests"), 3, "comparison.n_tests is 3, but Holm's correction"),
    ("release-review.json.xz", ("comparison", "per_class", 0, "support"), 1, "[0].support is 1, but"),
    ("release-review.json.xz", ("comparison", "per_class", 0, "precision", "p"), 0.9, "precision.p is"),
    ("release-review.json.xz", ("comparison", "summary", "macro_f1", "interval"), [0.9, 1.0],
     "macro_f1.interval is [0.9, 1.0], but does not contain the difference"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "path", "wrong", "told"), EDITS, ids=lambda v: str(v)[:50])
def test_a_figure_that_the_counts_do_not_give_is_refused_with_its_place(name, path, wrong, told):
    with pytest.raises(DataError) as caught:
        Review.from_json(changed(json.loads(text_of(name)), path, wrong))
    assert told in caught.value.message
    assert (caught.value.slug, caught.value.exit_code) == ("report-json-contradiction", 3)


def sample(name):
    return json.loads((SAMPLES / name / "report.json").read_text("utf-8"))


FORGED_CHECKS = [
    (("checks", 0, "value"), 0.99, "checks[0].value is 0.99, but the evaluation gives 0.89"),
    (("checks", 0, "interval", 0), 0.89, "checks[0].interval[0] is 0.89, but the evaluation gives"),
    (("checks", 0, "margin"), 0.5, "checks[0].margin is 0.5, but the evaluation gives"),
    (("checks", 0, "limit"), 0.895, "checks[0]."),
    (("checks", 3, "status"), "passed", 'checks[3].status is "passed", but the evaluation gives'),
    (("checks", 3, "blocks"), False, "checks[3].blocks is false, but the evaluation gives true"),
    (("checks", 2, "parts", 0, "value"), 0.5, "parts[0].value is 0.5, but the evaluation gives"),
    (("checks", 2, "parts"), [], "checks[2].parts is a list of 0, not a list of 10"),
    (("checks", 2, "classes"), ["x"], "x"),
    (("verdict",), "INCONCLUSIVE", 'verdict is "INCONCLUSIVE", but the list of checks gives'),
]


@pytest.mark.parametrize(("path", "wrong", "told"), FORGED_CHECKS, ids=lambda v: str(v)[:50])
def test_a_check_that_the_evaluation_does_not_give_is_refused(path, wrong, told):
    with pytest.raises(DataError) as caught:
        Review.from_json(changed(sample("release-review"), path, wrong))
    assert told in caught.value.message


def test_the_comparison_and_the_candidate_have_the_same_accuracy():
    value = json.loads(text_of("digits.json.xz"))
    change = value["comparison"]["summary"]["accuracy"]
    change["candidate"] += 0.01
    change["difference"] += 0.01
    with pytest.raises(DataError, match="but the candidate itself gives"):
        Review.from_json(value)


@pytest.mark.parametrize("name", ["even-or-odd.json", "grouped.json"])
def test_rounding_is_no_contradiction(name):
    value = json.loads(text_of(name))
    for metric in value["summary"].values():
        if metric["value"] is not None:
            metric["value"] *= 1 + 5e-10
    Review.from_json(value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_document_that_was_not_edited_agrees_with_itself(name):
    Review.from_json(json.loads(text_of(name)))


def test_the_forged_accuracy_is_refused_by_check_and_render(tmp_path):
    matrix = tmp_path / "m.csv"
    matrix.write_text(",a,b\na,5,1\nb,0,5\n")
    reportgen.render(matrix, out=tmp_path / "o")
    path = tmp_path / "o/report.json"
    value = json.loads(path.read_text())
    value["summary"]["accuracy"]["value"] = 0.99
    path.write_text(json.dumps(value))
    for refused in (
        lambda: reportgen.check(path, fail_under="accuracy=0.98"),
        lambda: reportgen.render(path, out=tmp_path / "again"),
        lambda: reportgen.save_baseline(path, "forged", folder=tmp_path / "b"),
    ):
        with pytest.raises(DataError, match="contradicts itself") as caught:
            refused()
        assert caught.value.slug == "report-json-contradiction"
    assert not (tmp_path / "again/report.html").exists()


def test_a_saved_baseline_that_was_edited_is_refused(tmp_path):
    shutil.copytree(BASELINES, tmp_path / "b")
    path = tmp_path / "b/first-classifier/report.json"
    path.write_text(path.read_text().replace('"value": 0.395,', '"value": 0.795,'))
    with pytest.raises(DataError, match=r"per_class\[6\].recall.value is 0.795, but"):
        reportgen.compare(
            "first-classifier", path.parents[2] / "b/digits", baselines=tmp_path / "b"
        )


@pytest.mark.parametrize("macro", ["present", "all"])
@pytest.mark.parametrize("ci", ["wilson", "bootstrap", "exact"])
def test_what_is_written_agrees_with_itself(macro, ci, tmp_path):
    rng = np.random.default_rng(3)
    for counts in (rng.integers(0, 9, (5, 5)), np.diag([3, 0, 2]), np.eye(2, dtype=int)[::-1]):
        found = reportgen.load(counts, macro=macro, ci=ci, ordinal=True)
        assert reportgen.Evaluation.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_figures_agree_to_nine_digits():
    assert agree(0.5, 0.5 + 5e-10)
    assert not agree(0.5, 0.5 + 2e-9)
    assert agree(3e9, 3e9 + 1)
    assert agree(None, None)
    assert not agree(None, 0.0)
    assert not agree(0.0, None)


@pytest.mark.parametrize("ci", ["wilson", "bootstrap", "exact"])
@pytest.mark.parametrize("scores", [True, False])
def test_a_comparison_that_is_written_agrees_with_itself(ci, scores, tmp_path):
    rng = np.random.default_rng(4)
    for n in (1, 7, 60):
        label, sides = rng.integers(0, 3, n), []
        for name in ("before.csv", "after.csv"):
            p = rng.dirichlet(np.ones(3), n) + 0.5 * np.eye(3)[label]
            p /= p.sum(axis=1, keepdims=True)
            header = "id,label,prediction" + (",prob_0,prob_1,prob_2" if scores else "")
            rows = [
                ",".join(map(str, (i, label[i], p[i].argmax(), *(p[i].tolist() if scores else ()))))
                for i in range(n)
            ]
            (tmp_path / name).write_text("\n".join([header, *rows]) + "\n")
            sides.append(tmp_path / name)
        found = reportgen.compare(*sides, ci=ci)
        review = Review(found.candidate, found, NO_GATES).decided_by(fail_under(["accuracy=0.5"]))
        assert Review.from_json(json.loads(json.dumps(review.to_json()))) == review
