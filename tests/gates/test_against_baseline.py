"""Gates against a baseline: not worse by more than a margin, and no harm to any class."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize_scalar
from statsmodels.stats.multitest import multipletests

from reportgen.analysis.scoring import non_inferiority_samples
from reportgen.comparison.comparison import Difference, SliceChange
from reportgen.comparison.significance import mcnemar_mid_p, non_inferiority_p, tango
from reportgen.errors import UsageError
from reportgen.gates import decide
from reportgen.gates.against_baseline import score_z
from tests.factories import (
    FASHION,
    FASHION_COUNTS,
    cifar,
    make_evaluation,
)
from tests.gates.comparisons import paired, paired_difference, unpaired, with_class
from tests.gates.rules import FLOOR, HARM, HARMED, MARGIN, RECALLS, against, gates


@pytest.mark.parametrize(
    ("gained", "lost", "status"), [(210, 190, "passed"), (180, 220, "inconclusive"), (10, 150, "failed")]
)  # fmt: skip
def test_non_inferiority_is_read_off_the_one_sided_bound(gained, lost, status):
    found = against(MARGIN + "0.005", paired([(10_000, 8_000, gained, lost)]))
    assert found.status == status
    assert (non_inferiority_p(gained, lost, 10_000, 0.005) < 0.05) == (status == "passed")
    low, _ = tango(gained, lost, 10_000, 0.90)
    assert found.margin == pytest.approx(low + 0.005)
    assert found.value == (gained - lost) / 10_000
    assert found.interval == tango(gained, lost, 10_000)
    assert found.unit == "points"


def test_the_samples_that_would_decide_are_those_of_the_measured_difference():
    found = against(MARGIN + "0.005", paired([(1_000, 800, 25, 25)]))
    assert (found.status, found.needed) == ("inconclusive", non_inferiority_samples(0.05, 0.005))
    assert found.needed == 12_366
    assert found.sentence == (
        "Accuracy is unchanged; lower 95% bound −1.2 "
        "pp, margin −0.5 pp; about 13,000 samples would be needed at this difference."
    )


def test_more_samples_are_named_than_there_are():
    found = against(MARGIN + "0.005", paired([(10_000, 8_000, 180, 220)]))
    assert found.needed == non_inferiority_samples(0.04, 0.001)
    assert found.needed > 10_000


def test_the_samples_that_are_named_decide_a_loss_that_is_as_measured():
    """A loss of 0.2 of 0.5 points: an equally good candidate would take 12,366 samples."""
    found = against(MARGIN + "0.005", paired([(1_000, 800, 24, 26)]))
    assert found.needed == non_inferiority_samples(0.05, 0.003) > 30_000
    rng = np.random.default_rng(1)
    decided = 0
    for _ in range(300):
        gained, lost, _ = rng.multinomial(found.needed, [0.024, 0.026, 0.95]).tolist()
        decided += non_inferiority_p(gained, lost, found.needed, 0.005) < 0.05
    assert 0.74 < decided / 300 < 0.86


def test_where_nothing_changed_few_samples_leave_it_open_and_enough_show_it():
    short = against(MARGIN + "0.02", paired([(100, 80, 0, 0)], same=90))
    assert short.status == "inconclusive"
    assert short.needed is not None
    assert (
        against(MARGIN + "0.02", paired([(short.needed + 1, 80, 0, 0)], same=90)).status == "passed"
    )
    assert (
        against(MARGIN + "0.02", paired([(short.needed - 1, 80, 0, 0)], same=90)).status != "passed"
    )


@pytest.mark.parametrize("rule", [MARGIN + "0.001", HARM, RECALLS + "not_worse_by = 0.001"])
def test_identical_predictions_pass_every_comparison(rule):
    decision = decide(gates(rule), (pair := paired([(20, 15, 0, 0), (3, 0, 0, 0)])).candidate, pair)
    assert decision.verdict == "SHIP"
    assert decision.reason == "The gate passed: predictions are identical."
    (found,) = decision.checks
    assert found.status == "passed"
    assert all(part.status == "passed" for part in found.parts)
    assert all(part.p is None or part.p == 1 for part in found.parts)


def test_identical_classes_say_nothing_of_their_confidences():
    worse = Difference(0.3, 0.9, 0.6, (0.5, 0.7), (0.52, 0.68), 0.001, method="paired bootstrap")
    pair = paired([(100, 80, 0, 0)], summary={"log_loss": worse})
    assert pair.identical
    found = against('metric = "log_loss"\nnot_worse_by = 0.1', pair)
    assert found.status == "failed"
    assert found.sentence == (
        "Log loss rose 0.600 (0.300 → 0.900); lower 95% bound +0.520, margin +0.1."
    )


@pytest.mark.parametrize(
    ("difference", "bounds", "said"),
    [
        (0.03, (0.02, 0.04), "rose 3.0 pp; lower 95% bound "
         "+2.0 pp, margin −1 pp."),
        (0.03, (-0.004, 0.04), "rose 3.0 pp; lower 95% bound "
         "−0.4 pp, margin −1 pp."),
        (0.03, (0.0, 0.04), "rose 3.0 pp; lower 95% bound 0 pp, "
         "margin −1 pp."),
        (-0.03, (-0.04, -0.02), "dropped 3.0 pp; upper "
         "95% bound −2.0 pp, margin −1 pp."),
    ],
)  # fmt: skip
def test_the_bound_that_the_margin_is_measured_by_stands_in_the_sentence(difference, bounds, said):
    f1 = Difference(None, None, difference, bounds, bounds, 0.3, method="paired bootstrap")
    pair = paired([(99, 9, 1, 0)], summary={"macro_f1": f1})
    found = against('metric = "macro_f1"\nnot_worse_by = 0.01', pair)
    assert found.sentence == f"Macro F1 {said}"
    assert found.margin == pytest.approx(bounds[0] + 0.01)


def test_of_an_error_the_bound_is_told_the_other_way_round():
    ece = Difference(0.05, 0.03, -0.02, (-0.03, -0.01), (-0.03, -0.01), 0.3, method="x")
    pair = paired([(99, 9, 1, 0)], summary={"ece": ece})
    assert against('metric = "ece"\nnot_worse_by = 0.01', pair).sentence == (
        "ECE dropped 2.0 pp (5.0 → 3.0%); upper 95% bound −1.0 pp, margin +1 pp."
    )


@pytest.mark.parametrize(
    ("bounds", "status"),
    [((-0.02, 0.009), "passed"), ((-0.02, 0.011), "inconclusive"), ((0.011, 0.02), "failed")],
)
def test_for_error_like_figures_worse_is_up(bounds, status):
    d = sum(bounds) / 2
    ece = Difference(0.05, 0.05 + d, d, bounds, bounds, 0.3, method="paired bootstrap")
    found = against(
        'metric = "ece"\nnot_worse_by = 0.01', paired([(99, 9, 1, 0)], summary={"ece": ece})
    )
    assert found.status == status
    assert found.value == d
    assert found.margin == pytest.approx(0.01 - bounds[1])


def test_harm_fails_where_it_is_shown_after_correction():
    found = against(HARM, paired(HARMED, ("cat", "dog", "cow", "doe")))
    assert found.status == "failed"
    assert found.subject == "cat"
    assert found.sentence == (
        "Recall of cat dropped 3.0 pp (80.0 → 77.0%), significant (p < 0.001, Holm)."
    )
    statuses = {part.name: part.status for part in found.parts}
    assert statuses == {"cat": "failed", "dog": "inconclusive", "cow": "passed", "doe": "passed"}
    one_sided = [mcnemar_mid_p(g, b) / 2 if b > g else 1 - mcnemar_mid_p(g, b) / 2
                 for _, _, g, b in HARMED]  # fmt: skip
    adjusted = multipletests(one_sided, method="holm")[1]
    by_name = {part.name: part.p for part in found.parts}
    assert [by_name[n] for n in ("cat", "dog", "cow", "doe")] == pytest.approx(adjusted.tolist())


def test_harm_that_only_one_test_shows_is_open_and_warns():
    pair = paired(HARMED[1:], ("dog", "cow", "doe"))
    decision = decide(gates(HARM, f"{FLOOR}0.5"), pair.candidate, pair)
    assert [found.status for found in decision.checks] == ["inconclusive", "passed"]
    assert not decision.checks[0].blocks
    assert (decision.verdict, decision.exit_code) == ("SHIP", 0)
    assert "1 of 2 gates passed, none blocks the release" in decision.reason.lower()
    assert decision.checks[0].needed > 1_000
    strict = decide(gates(HARM + 'when_inconclusive = "fail"'), pair.candidate, pair)
    assert (strict.verdict, strict.exit_code) == ("INCONCLUSIVE", 1)


def test_a_great_drop_of_a_tiny_class_is_no_pass():
    found = against(HARM, paired([(10, 8, 0, 3), (1_000, 800, 5, 5)]))
    assert mcnemar_mid_p(0, 3) / 2 > 0.05
    assert (found.status, found.subject) == ("inconclusive", "class 0")
    assert against(HARM, paired([(300, 240, 0, 3), (1_000, 800, 5, 5)])).status == "passed"


def test_a_tiny_class_may_drop_by_what_is_allowed():
    pair = paired([(20, 16, 0, 1), (1_000, 800, 5, 5)])
    assert against(HARM, pair).status == "inconclusive"
    assert against(HARM + "max_drop = 0.05", pair).status == "passed"


def test_a_small_drop_that_chance_explains_passes_and_is_told():
    found = against(HARM, paired([(1_000, 800, 8, 12), (1_000, 800, 9, 3)]))
    assert found.status == "passed"
    assert found.sentence == (
        "Recall dropped significantly in no class; largest drop: class 0, 0.4 pp."
    )
    assert found.margin is None or found.margin >= 0


@pytest.mark.parametrize(
    ("max_drop", "status"),
    [(0.01, "failed"), (0.02, "failed"), (0.025, "passed"), (0.04, "passed")],
)
def test_a_drop_up_to_the_one_allowed_is_no_harm(max_drop, status):
    found = against(HARM + f"max_drop = {max_drop}", paired([(1_500, 1_200, 10, 55)]))
    assert found.status == status
    no_more = 1 - non_inferiority_p(10, 55, 1_500, max_drop)
    assert found.parts[0].p == pytest.approx(no_more)
    assert (no_more < 0.05) == (status == "failed")
    words = {
        0.01: "dropped 3.0 pp",
        0.02: "3.0 pp (80.0 → 77.0%), more than the allowed 2 pp",
        0.025: "dropped significantly more than 2.5 pp in no class; largest drop: class 0, 3.0 pp",
        0.04: "dropped more than 4 pp in no class; largest drop: class 0, 3.0 pp",
    }
    assert words[max_drop] in found.sentence


def test_few_changed_samples_are_no_harm_beyond_what_chance_does_without_any():
    """Tango's test alone is too sure: three tosses all come up tails in 1 of 8, half of it counts."""
    found = against(HARM + "max_drop = 0.005", paired([(20, 10, 0, 3)]))
    assert 1 - non_inferiority_p(0, 3, 20, 0.005) < 0.05
    assert found.parts[0].p == 0.5**3 / 2


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 400), st.data())
def test_more_tolerance_never_turns_a_pass_into_a_failure(n, data):
    gained = data.draw(st.integers(0, n))
    lost = data.draw(st.integers(0, n - gained))
    pair = paired([(n, data.draw(st.integers(lost, n - gained)), gained, lost)])
    order = [
        against(HARM + f"max_drop = {drop}", pair).parts[0].p for drop in (0, 0.01, 0.05, 0.19)
    ]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "row", [(770, 1_000, 800, 1_000), (5, 40, 9, 50), (400, 500, 300, 400), (1, 10, 9, 10)]
)
@pytest.mark.parametrize("delta", [-0.02, -0.1, 0.05])
def test_unmatched_samples_have_the_score_test_at_the_likeliest_shares(row, delta):
    """Against a search for the maximum; statsmodels 0.15 is off by up to 1% from it."""
    hits, n, other, m = row

    def unlikely(q):
        p = q + delta
        return -(hits * math.log(p) + (n - hits) * math.log1p(-p)
                 + other * math.log(q) + (m - other) * math.log1p(-q))  # fmt: skip

    ends = max(0, -delta) + 1e-9, min(1, 1 - delta) - 1e-9
    q = minimize_scalar(unlikely, bounds=ends, method="bounded", options={"xatol": 1e-12}).x
    p = q + delta
    z = (hits / n - other / m - delta) / math.sqrt(p * (1 - p) / n + q * (1 - q) / m)
    assert score_z(row, delta) == pytest.approx(z, rel=1e-6, abs=1e-9)


def test_the_score_test_is_the_pooled_one_at_zero_and_survives_the_ends():
    p = (770 + 800) / 2_000
    z = -0.03 / math.sqrt(p * (1 - p) * 2 / 1_000)
    assert score_z((770, 1_000, 800, 1_000), 0.0) == pytest.approx(z)
    assert score_z((0, 10, 10, 10), -1.0) == 0
    assert score_z((10, 10, 0, 10), -0.02) > 3
    assert score_z((0, 10, 0, 10), 0.0) == 0
    assert score_z((0, 10, 10, 10), -0.02) < -3


FIRST_HITS = [5637, 5843, 4500, 5269, 5217, 5604, 2370, 5867, 5887, 5732]


def right_of(hits, n):
    """A matrix with these right answers of `n` a class; the wrong ones are called the next."""
    counts = np.diag(hits)
    for i, right in enumerate(hits):
        counts[i, (i + 1) % len(hits)] += n - right
    return counts.tolist()


def test_the_published_example_gains_on_average_and_harms_three_classes():
    first = make_evaluation(right_of(FIRST_HITS, 6_000), FASHION)
    pair = unpaired(first, make_evaluation(FASHION_COUNTS, FASHION))
    decision = decide(gates(MARGIN + "0.005", HARM), pair.candidate, pair)
    assert [found.status for found in decision.checks] == ["passed", "failed"]
    failed = [part.name for part in decision.checks[1].parts if part.status == "failed"]
    assert failed == ["Sneaker", "T-shirt/top", "Bag"]
    assert decision.verdict == "DO NOT SHIP"
    assert decision.reason == (
        "1 of 2 gates failed: recall of Sneaker dropped 5.4 pp (97.8 → 92.3%), "
        "significant (p < 0.001, Holm); T-shirt/top and Bag dropped significantly too."
    )


def test_a_class_without_samples_is_not_tested_for_harm():
    pair = with_class(paired([(1_000, 800, 5, 5), (0, 0, 0, 0)], ("cat", "dog")), 1)
    found = against(HARM, pair)
    assert found.status == "passed"
    assert [(part.name, part.status) for part in found.parts] == [
        ("cat", "passed"), ("dog", "not applicable"),
    ]  # fmt: skip


SAME = Difference(0.9, 0.9, 0.0, method="paired bootstrap", reason="no_disagreement")
UNSURE = Difference(0.9, 0.8, -0.1, reason="no_side_interval")
PRECISIONS = 'metric = "precision"\neach_class = true\n'


@pytest.mark.parametrize("rule", ["not_worse_by = 0.01", "no_harm = true"])
@pytest.mark.parametrize(("change", "status"), [(SAME, "passed"), (UNSURE, "inconclusive")])
def test_without_an_interval_only_the_same_answers_pass(rule, change, status):
    pair = with_class(paired([(500, 400, 5, 5)], ("cat",)), 0, precision=change)
    found = against(PRECISIONS + rule, pair)
    assert (found.status, found.parts[0].status) == (status, status)
    words = {
        "passed": "Precision of cat is unchanged: both models made the same predictions",
        "inconclusive": "Precision of cat dropped 10.0 pp (90.0 → "
        "80.0%), no CI: the samples are not matched",
    }
    if (rule, status) != ("no_harm = true", "passed"):
        assert found.sentence.startswith(words[status])


@pytest.mark.parametrize("rule", ["not_worse_by = 0.1", "no_harm = true"])
def test_what_can_not_be_compared_fails(rule):
    found = against(f'metric = "log_loss"\n{rule}', paired([(100, 80, 5, 5)]))
    assert (found.status, found.value, found.margin) == ("failed", None, None)
    assert found.sentence == (
        "Log loss cannot be compared: the input contains no scores, or those of the predicted "
        "classes "
        "only."
    )


def test_a_slice_is_compared():
    slices = [
        SliceChange("camera", "north", 2_000, paired_difference(1_600, 10, 60, 2_000), "worse")
    ]
    pair = paired([(4_000, 3_000, 90, 100)], slices=slices)
    found = against('metric = "accuracy"\nslice = "camera=north"\nno_harm = true', pair)
    assert (found.status, found.subject) == ("failed", "camera = north")
    assert found.sentence.startswith("Accuracy where camera = north dropped 2.5 pp")
    found = against(
        'metric = "accuracy"\nslice = "camera=north"\nno_harm = true\nmax_drop = 0.01', pair
    )
    assert found.status == "failed"
    found = against('metric = "accuracy"\nslice = "camera=south"\nno_harm = true', pair)
    assert found.status == "failed"
    assert "the test set has no samples in that slice" in found.sentence


def test_a_precision_is_judged_by_its_bootstrap():
    worse = Difference(
        0.9, 0.8, -0.1, (-0.14, -0.06), (-0.13, -0.07), 0.001, method="paired bootstrap"
    )
    pair = with_class(
        paired([(500, 400, 5, 5), (500, 400, 5, 5)], ("cat", "dog")), 0, precision=worse
    )
    rule = 'metric = "precision"\nclass = "cat"\nno_harm = true\nmax_drop = '
    assert against(f"{rule}0.02", pair).status == "failed"
    assert against(f"{rule}0.12", pair).status == "passed"


def test_a_gate_against_a_baseline_needs_one():
    with pytest.raises(UsageError) as found:
        decide(gates(HARM), cifar())
    assert found.value.slug == "gates-baseline"
