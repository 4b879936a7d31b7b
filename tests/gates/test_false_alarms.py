"""How often equally good models fail: a naive rule on nearly every release, no_harm on few."""

import math
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binom, norm

from reportgen.gates import decide, parse_gates
from tests.gates.comparisons import paired

RELEASES = 4_000
SETTINGS = {
    # classes, samples a class, discordance, naive rule in points, true loss of one class
    "10 × 1,000": (10, 1_000, 0.05, 1, 0.03),
    "100 × 100": (100, 100, 0.10, 5, 0.08),
}
HARM = parse_gates('[[gate]]\nname = "h"\nmetric = "recall"\neach_class = true\nno_harm = true')
PAGE = Path(__file__).resolve().parents[2] / "docs" / "gates.md"


def releases(classes, n, discordance, *, worse=0.0, count=RELEASES, seed=20261122):
    """Gained and lost samples, each of shape (count, classes); class 0 truly loses `worse`."""
    rng = np.random.default_rng(seed)
    discordant = rng.binomial(n, discordance, (count, classes))
    share = np.full(classes, 0.5)
    share[0] += worse / discordance / 2
    lost = rng.binomial(discordant, share)
    return discordant - lost, lost


def harm_found(gained, lost):
    """By the definition: one-sided mid-p of McNemar, Holm over the classes, below 0.05.

    Holm's smallest adjusted value is the smallest p times the number of classes.
    """
    n = gained + lost
    p = binom.cdf(gained - 1, n, 0.5) + binom.pmf(gained, n, 0.5) / 2
    return p.min(axis=1) * p.shape[1] < 0.05


def naive_share(n, discordance, points):
    """Exact chance that recall of one class drops by more than `points`."""
    m = np.arange(n + 1)
    # lost - gained > n points / 100, with gained = m - lost
    least = np.floor((m + n * points / 100) / 2)
    return float((binom.pmf(m, n, discordance) * binom.sf(least, m, 0.5)).sum())


@pytest.mark.parametrize("setting", SETTINGS)
def test_no_harm_fails_few_equal_releases_where_the_naive_rule_fails_most(setting):
    classes, n, discordance, points, _ = SETTINGS[setting]
    gained, lost = releases(classes, n, discordance)
    naive = ((lost - gained) * 100 > n * points).any(axis=1).mean()
    assert naive > 0.5
    assert naive == pytest.approx(
        1 - (1 - naive_share(n, discordance, points)) ** classes, abs=0.02
    )
    assert harm_found(gained, lost).mean() <= 0.05


def test_the_gate_decides_as_the_simulation_does():
    gained, lost = releases(10, 1_000, 0.05, worse=0.02, count=40, seed=7)
    found = harm_found(gained, lost)
    assert 5 < found.sum() < 35
    for wins, losses, failed in zip(gained.tolist(), lost.tolist(), found, strict=True):
        pair = paired([(1_000, 800, g, b) for g, b in zip(wins, losses, strict=True)])
        (check,) = decide(HARM, pair.candidate, pair).checks
        assert (check.status == "failed") == failed


def test_the_table_in_the_docs_has_the_numbers_of_the_simulation():
    rows = re.findall(r"^\| (\d+ × [\d,]+) \| (\d+)% \| (.*?) \| ([\d.]+)% \| ([\d.]+)% \|$",
                      PAGE.read_text("utf-8"), re.MULTILINE)  # fmt: skip
    assert [row[0] for row in rows] == ["10 × 1,000"] * 2 + ["100 × 100"] * 2
    for setting, agreed, rule, equal, worse in rows:
        classes, n, discordance, points, loss = SETTINGS[setting]
        assert float(agreed) == 100 * discordance
        same = releases(classes, n, discordance)
        drop = releases(classes, n, discordance, worse=loss)
        if "over" in rule:
            assert f"over {points} pp" in rule
            share = 1 - (1 - naive_share(n, discordance, points)) ** classes
            assert round(100 * share, 1) == float(equal)
            seen = ((drop[1] - drop[0]) * 100 > n * points).any(axis=1).mean()
        else:
            assert "no_harm" in rule
            assert 100 * harm_found(*same).mean() == pytest.approx(float(equal), abs=0.7)
            assert float(equal) <= 5
            seen = harm_found(*drop).mean()
        assert 100 * seen == pytest.approx(float(worse), abs=1.5)


def test_the_rough_formula_gives_the_well_known_numbers():
    """A normal distribution instead of whole counts: 7.9%, 56% and 99.7%."""
    one = norm.sf(0.01 * 1_000 / math.sqrt(1_000 * 0.05))
    other = norm.sf(0.05 * 100 / math.sqrt(100 * 0.10))
    shares = one, 1 - (1 - one) ** 10, 1 - (1 - other) ** 100
    assert [round(100 * share, 1) for share in shares] == [7.9, 55.9, 99.7]
    for text in ("7.9%", "56%", "99.7%"):
        assert text in PAGE.read_text("utf-8")
