"""How often intervals hold the truth: a short version of benchmarks/coverage.py."""

import numpy as np
import pytest
from scipy.stats import binom

from benchmarks.coverage import (
    Cover,
    Setting,
    exact_coverage_of_wilson,
    settings,
    simulate,
    simulate_scores,
)
from benchmarks.many_test_sets import figures_of_many
from benchmarks.score_coverage import Model, figures
from reportgen.metrics import wilson

SHORT = [*settings((100, 1_000), (0.7, 0.9, 0.99), (5, 20), (10,))]
REPETITIONS = 1_000


@pytest.mark.parametrize("setting", SHORT, ids=lambda setting: f"{setting.name}, {setting.n}")
def test_intervals_cover_the_truth_in_92_of_100_test_sets(setting):
    """Two standard errors allowed; of a class, as few as Wilson's interval of its recall does."""
    for name, cover in simulate(setting, REPETITIONS).items():
        least = min(0.92, setting.wilson_of_a_class) if name.endswith("of a class") else 0.92
        error = np.sqrt(least * (1 - least) / (cover.printed * REPETITIONS))
        assert cover.covered >= least - 2 * error, (name, cover)
        assert cover.printed > 0.5, (name, cover)


WITH_SCORES = [*settings((100, 1_000), (0.7, 0.99), (5,), (10,))]
FEW = 400


@pytest.mark.parametrize("setting", WITH_SCORES, ids=lambda setting: f"{setting.name}, {setting.n}")
def test_intervals_of_scores_cover_the_truth_in_92_of_100_test_sets(setting):
    """Of an overconfident model, which is the harder one."""
    for name, cover in simulate_scores(setting, 2.0, FEW).items():
        if cover.printed > 0.1:
            error = np.sqrt(0.92 * 0.08 / (cover.printed * FEW))
            assert cover.covered >= 0.92 - 2 * error, (name, cover)


@pytest.mark.parametrize("k", [2, 10])
def test_figures_of_many_test_sets_are_those_of_a_report(k):
    """With scores that are equal too, and classes that do not occur."""
    prevalence = np.append(0.02, np.full(k - 1, 0.98 / (k - 1)))
    labels, p = Model.of(prevalence, 0.9, 2.0).draw(np.random.default_rng(1), 60, sets=6)
    p[3:] = np.round(p[3:], 2)
    p[3:] /= p[3:].sum(axis=2, keepdims=True)
    for own, scores, found in zip(labels, p, figures_of_many(labels, p), strict=True):
        expected = figures(own, scores)
        assert found.keys() == expected.keys()
        for name, metric in expected.items():
            assert found[name].value == pytest.approx(metric.value, abs=1e-12), name
            assert found[name].interval == pytest.approx(metric.interval, abs=1e-12), name


@pytest.mark.parametrize(("n", "accuracy"), [(100, 0.9), (1_000, 0.99)])
def test_balanced_accuracy_of_a_rare_class_covers(n, accuracy):
    """The delta method covers 56% and 29% here."""
    setting = next(settings((n,), (accuracy,), (5,), ()))
    found = simulate(setting, 400)
    for name in ("balanced_accuracy", "macro_recall", "balanced_accuracy of a class"):
        assert found[name].covered > 0.91, name
        assert found[name].printed > 0.85  # a class may happen to have fewer than 3 samples


def test_the_excess_aurc_covers_where_a_test_set_has_an_error_or_two():
    """On the logit scale it covers 87% here: the lower end is too high."""
    setting = next(settings((100,), (0.99,), (), (10,)))
    found = simulate_scores(setting, 2.0, 1_000)["excess_aurc"]
    assert found.covered > 0.95
    assert 0.3 < found.printed < 0.5


def test_a_simulation_can_be_repeated():
    setting = Setting.of("3 classes", 60, 0.8, np.full(3, 1 / 3))
    assert simulate(setting, 50, seed=3) == simulate(setting, 50, seed=3)
    assert simulate(setting, 50, seed=3) != simulate(setting, 50, seed=4)


def test_the_exact_coverage_of_wilson_is_a_sum_of_probabilities():
    inside = [k for k in range(11) if wilson(k, 10)[0] <= 0.99 <= wilson(k, 10)[1]]
    assert inside == [10]
    assert exact_coverage_of_wilson(10, 0.99) == pytest.approx(binom.pmf(10, 10, 0.99))


def test_a_coverage_falls_short_by_two_standard_errors():
    assert Cover(0.90, 1.0, 4_000).falls_short
    assert not Cover(0.915, 1.0, 4_000).falls_short
    assert not Cover(float("nan"), 0.0, 4_000).falls_short
