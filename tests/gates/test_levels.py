"""Gates on what is measured: at the limit, surely, of classes, pairs and slices."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.proportion import proportion_confint

from reportgen.gates import decide
from reportgen.gates.wording import exact, value_words
from reportgen.metrics import Metric
from tests.factories import (
    CIFAR,
    absent_classes,
    cifar,
    fashion,
    make_evaluation,
    scored,
)
from tests.gates.rules import FLOOR, RECALLS, accuracy_of, check, gates


@pytest.mark.parametrize(
    ("hits", "limit", "status"),
    [(9, 0.9, "passed"), (90, "'90%'", "passed"), (89, 0.9, "failed"), (899_999, 0.9, "failed"),
     (100, 1, "passed"), (0, 0, "passed")],
)  # fmt: skip
def test_a_value_at_the_limit_keeps_it_and_any_below_does_not(hits, limit, status):
    n = 10 if hits == 9 else 1_000_000 if hits > 100 else 100
    assert check(f"{FLOOR}{limit}", accuracy_of(hits, n)).status == status


def test_the_text_has_digits_enough_to_agree_with_the_outcome():
    found = check(f"{FLOOR}0.893", fashion())
    assert found.status == "failed"
    assert found.value == 53_578 / 60_000
    assert found.sentence == "Accuracy is 89.297% (required ≥ 89.3%)."
    assert found.margin == pytest.approx(-1 / 30_000, rel=1e-9)
    assert found.unit == "%"


SHARES = st.floats(0, 1)


@given(SHARES | st.sampled_from([0.9, 0.8999999999999999, 0.9000000000000001]),
       SHARES | st.just(0.9), st.sampled_from(["%", "points", ""]))  # fmt: skip
def test_a_value_in_words_stands_to_its_limit_as_the_value_does(value, limit, unit):
    def number(text):
        return Decimal(text.split(" ")[0].rstrip("%").replace("−", "-"))

    value, limit = value + 0.0, limit + 0.0
    shown, shown_limit = number(value_words(value, unit, limit)), number(exact(limit, unit))
    assert (shown > shown_limit) == (value > limit)
    assert (shown < shown_limit) == (value < limit)
    assert (shown == 0) == (value == 0)
    assert float(shown_limit) == pytest.approx(limit * (100 if unit else 1), rel=1e-12)


def test_error_like_figures_have_an_upper_limit():
    evaluation = replace(cifar(), summary={**cifar().summary, "ece": Metric(0.031, None, None)})
    assert check('metric = "ece"\nat_most = 0.031', evaluation).status == "passed"
    found = check('metric = "ece"\nat_most = 0.03', evaluation)
    assert found.sentence == "ECE is 3.1% (allowed ≤ 3%)."
    assert found.margin == pytest.approx(-0.001)


def test_a_gate_on_each_class_is_as_good_as_the_worst():
    found = check(RECALLS + "at_least = 0.7", cifar())
    assert (found.status, found.subject, found.value) == ("failed", "cat", 0.642)
    assert found.sentence == "Recall of cat is 64.2% (required ≥ 70%)."
    assert [part.name for part in found.parts][:3] == ["cat", "dog", "bird"]
    assert [part.status for part in found.parts] == ["failed"] + ["passed"] * 9
    assert found.rule == "recall of every class ≥ 70%"


def test_a_gate_on_some_classes_looks_at_these_alone():
    found = check('metric = "recall"\nclasses = ["*a*", "dog"]\nat_least = 0.5', cifar())
    expected = {name for name in CIFAR if "a" in name} | {"dog"}
    assert {part.name for part in found.parts} == expected
    assert found.status == "passed"


def test_an_undefined_figure_fails_with_its_reason():
    found = check(RECALLS + "at_least = 0.1", absent_classes())
    assert (found.status, found.value, found.blocks) == ("failed", None, True)
    assert (
        found.sentence == "Recall of bee is undefined: the test set has no samples of this class."
    )
    assert found.parts[0].name == "bee"


def test_a_figure_of_scores_fails_where_there_are_none():
    found = check('metric = "ece"\nat_most = 0.9', fashion())
    assert found.status == "failed"
    assert "undefined: the input contains no scores" in found.sentence


def test_a_top_5_gate_does_not_apply_to_three_classes_and_alone_ships_nothing():
    summary = {**cifar().summary, "top5_accuracy": Metric(None, None, "too_few_classes")}
    evaluation = replace(cifar(), summary=summary)
    top5 = 'metric = "top5_accuracy"\nat_least = 0.9'
    alone = decide(gates(top5), evaluation)
    assert (alone.verdict, alone.exit_code) == ("INCONCLUSIVE", 1)
    assert alone.checks[0].status == "not applicable"
    assert alone.reason.startswith("No blocking gate applies to this input: top-5 accuracy")
    both = decide(gates(top5, f"{FLOOR}0.5"), evaluation)
    assert (both.verdict, both.exit_code) == ("SHIP", 0)


@pytest.mark.parametrize(
    ("limit", "status"), [(0.80, "passed"), (0.83, "inconclusive"), (0.88, "failed")]
)
def test_a_confident_gate_compares_the_end_of_the_interval(limit, status):
    evaluation = accuracy_of(845, 1_000)
    low, high = proportion_confint(845, 1_000, method="wilson")
    assert 0.80 < low < 0.83 < 0.845 < high < 0.88
    found = check(f"{FLOOR}{limit}\nconfident = true", evaluation)
    assert found.status == status
    assert found.margin == pytest.approx(low - limit)
    assert found.interval == pytest.approx((low, high))
    assert "95% CI" in found.sentence or "may be anything from 82.1% to 86.6%" in found.sentence


def test_the_samples_that_a_confident_gate_needs_would_decide_it():
    found = check(f"{FLOOR}0.83\nconfident = true", accuracy_of(845, 1_000))
    assert found.needed is not None
    n = found.needed
    assert 1_000 < n < 5_000
    assert proportion_confint(0.845 * n * 1.02, n * 1.02, method="wilson")[0] > 0.83
    assert proportion_confint(0.845 * n * 0.95, n * 0.95, method="wilson")[0] < 0.83
    assert f"about {-(-n // 100) * 100:,} samples would be needed at this value" in found.sentence


def test_a_confident_gate_is_open_where_there_is_no_interval():
    perfect = make_evaluation([[2, 0], [0, 5]], ("cat", "dog"))
    found = check('metric = "macro_f1"\nat_least = 0.9\nconfident = true', perfect)
    assert (found.status, found.value) == ("inconclusive", 1.0)
    assert "no CI: there are too few samples" in found.sentence


def test_one_positive_sample_is_not_enough_to_be_confident_of_balanced_accuracy():
    one = make_evaluation([[1, 0], [1, 98]], ("cat", "dog"))
    found = check('metric = "balanced_accuracy"\nat_least = 0.96\nconfident = true', one)
    assert found.value == pytest.approx(0.995, abs=0.001)
    assert found.status == "inconclusive"


@pytest.mark.parametrize(
    ("limit", "status"), [(0.14, "failed"), (0.16, "inconclusive"), (0.18, "passed")]
)
def test_a_confident_upper_limit_looks_at_the_upper_end(limit, status):
    low, high = proportion_confint(160, 1_000, method="wilson")
    assert 0.135 < low < 0.141 < 0.16 < high < 0.185
    limit = low - 0.001 if status == "failed" else high + 0.001 if status == "passed" else limit
    rule = f'metric = "error_rate"\nat_most = {limit}\nconfident = true'
    found = check(rule, accuracy_of(840, 1_000))
    assert found.status == status
    assert found.margin == pytest.approx(limit - high)


def test_a_pair_is_a_share_of_the_true_class():
    found = check('pair = ["cat", "dog"]\nat_most_share = 0.1', cifar())
    assert (found.status, found.value, found.subject) == ("failed", 0.126, "cat → dog")
    assert found.interval == pytest.approx(proportion_confint(126, 1_000, method="wilson"))
    assert found.sentence == "Cat → dog rate is 12.6% (allowed ≤ 10%)."
    assert check('pair = ["dog", "cat"]\nat_most_share = 0.097', cifar()).status == "passed"
    assert check('pair = ["cat", "ship"]\nat_most_share = 0.002', cifar()).status == "passed"


def test_a_pair_that_never_happens_passes_and_one_without_samples_fails():
    evaluation = absent_classes()
    assert check('pair = ["elk", "ant"]\nat_most_share = 0', evaluation).value == 0
    found = check('pair = ["bee", "ant"]\nat_most_share = 0.5', evaluation)
    assert (found.status, found.value) == ("failed", None)


def test_a_slice_has_gates_of_its_own():
    evaluation = scored()
    day = next(one for one in evaluation.slices.slices if one.part.text == "day")
    for metric in ("accuracy", "balanced_accuracy", "macro_f1"):
        rule = f'metric = "{metric}"\nslice = "light=day"\nat_least = 0.5'
        assert check(rule, evaluation).value == getattr(day, metric).value
    found = check('metric = "accuracy"\nslice = "light=dusk"\nat_least = 0.5', evaluation)
    assert found.status == "failed"
    assert found.sentence.startswith("Accuracy where light = dusk is undefined")


def test_a_slice_gate_counts_the_samples_of_its_slice_that_would_decide_it():
    evaluation = scored()
    limit = next(one for one in evaluation.slices.slices if one.part.text == "day").accuracy.value
    rule = f'metric = "accuracy"\nslice = "light=day"\nat_least = {limit - 0.001:.4f}'
    found = check(f"{rule}\nconfident = true", evaluation)
    assert found.status == "inconclusive"
    assert found.sentence.endswith(" samples of that slice would be needed at this value.")


def test_a_class_is_named_in_sentences_without_quotation_marks():
    evaluation = make_evaluation([[8, 2], [1, 9]], ("9", "salt, pepper"))
    found = check('metric = "recall"\neach_class = true\nat_least = 0.99', evaluation)
    assert found.subject == "9"
    assert found.sentence.startswith("Recall of 9 is ")
    found = check('pair = ["9", "salt, pepper"]\nat_most_share = 0.1', evaluation)
    assert found.rule == "9 → salt, pepper rate ≤ 10%"
    assert found.sentence.startswith("9 → salt, pepper rate is ")
