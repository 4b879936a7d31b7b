"""A release review of two real networks: its numbers are those of a join by hand, and of scipy."""

from __future__ import annotations

import html
import json
import re
import shutil
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
from scipy import optimize, stats
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.multitest import multipletests

import reportgen
from reportgen.review import Review
from tests.test_cli import reportgen as command

pytestmark = pytest.mark.slow

PER_CLASS = 100
GATES = """
[[gate]]
name = "accuracy floor"
metric = "accuracy"
at_least = 0.5
[[gate]]
name = "not worse than production"
metric = "accuracy"
not_worse_by = "2%"
[[gate]]
name = "no class significantly worse"
metric = "recall"
each_class = true
no_harm = true
"""


@pytest.fixture(scope="module")
def predicted(shared, tmp_path_factory):
    """The predictions of both networks for 100 photographs of each class, and the photographs."""
    root = tmp_path_factory.mktemp("cifar10")
    for folder in sorted(shared("data/cifar10/test").iterdir()):
        (root / "images" / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir())[:PER_CLASS]:
            shutil.copyfile(path, root / "images" / folder.name / path.name)
    for name in ("baseline", "candidate"):
        model = shared(f"models/cifar10/{name}.pt2")
        reportgen.predict(model, root / "images", out=root / f"{name}.parquet", workers=0)
    (root / "gates.toml").write_text(GATES)
    return root


@pytest.fixture(scope="module")
def compared(predicted):
    """The command's output folder, and what it printed."""
    done = command(
        "compare", predicted / "baseline.parquet", predicted / "candidate.parquet",
        "-o", predicted / "out", "--gates", predicted / "gates.toml",
        "--images", predicted / "images",
    )  # fmt: skip
    return predicted / "out", done.stdout


@pytest.fixture(scope="module")
def said(compared):
    return json.loads((compared[0] / "report.json").read_text())


@pytest.fixture(scope="module")
def pairs(predicted):
    """By plain Python: sample → (label, answer of the baseline, answer of the candidate)."""
    sides = []
    for name in ("baseline", "candidate"):
        rows = pq.read_table(predicted / f"{name}.parquet").to_pylist()
        sides.append({row["id"]: row for row in rows})
    assert sides[0].keys() == sides[1].keys()
    return {
        name: (row["label"], row["prediction"], sides[1][name]["prediction"])
        for name, row in sides[0].items()
        if row["label"] == sides[1][name]["label"]
    }


def counted(pairs):
    """(both right, gained, lost, both wrong, same answer)."""
    kinds = [(before == label, after == label) for label, before, after in pairs]
    same = sum(before == after for _, before, after in pairs)
    return (
        kinds.count((True, True)), kinds.count((False, True)), kinds.count((True, False)),
        kinds.count((False, False)), same,
    )  # fmt: skip


def mid_p(gained, lost):
    """Fagerland, Lydersen and Laake (2013): the exact p-value less half of the point's."""
    n, least = gained + lost, min(gained, lost)
    half = stats.binom.cdf(least, n, 0.5) - 0.5 * stats.binom.pmf(least, n, 0.5)
    return min(1.0, 2 * half)


def tango_by_search(gained, lost, n):
    """The score interval with its restricted maximum found by search, not in closed form."""

    def likelihood(q, d):  # q: probability that the baseline alone is right
        rest = 1 - 2 * q - d
        return -(gained * np.log(q + d) + lost * np.log(q) + (n - gained - lost) * np.log(rest))

    def z(d):
        low, high = max(0.0, -d) + 1e-12, (1 - d) / 2 - 1e-12
        found = optimize.minimize_scalar(
            likelihood, bounds=(low, high), args=(d,), method="bounded", options={"xatol": 1e-13}
        )
        return (gained - lost - n * d) / np.sqrt(n * (2 * found.x + d * (1 - d)))

    edge, at = stats.norm.ppf(0.975), (gained - lost) / n
    return (
        optimize.brentq(lambda d: z(d) - edge, -0.99, at, xtol=1e-12),
        optimize.brentq(lambda d: z(d) + edge, at, 0.99, xtol=1e-12),
    )


def test_gained_and_lost_are_those_of_a_join_by_hand(pairs, said):
    both_right, gained, lost, both_wrong, same = counted(pairs.values())
    assert both_right + gained + lost + both_wrong == 10 * PER_CLASS
    assert said["comparison"]["paired"] == {
        "both_right": both_right, "gained": gained, "lost": lost, "both_wrong": both_wrong,
        "same": same,
    }  # fmt: skip


def test_interval_and_p_value_are_those_of_scipy(pairs, said):
    both_right, gained, lost, both_wrong, _ = counted(pairs.values())
    accuracy = said["comparison"]["summary"]["accuracy"]
    n = len(pairs)
    assert accuracy["baseline"] == (both_right + lost) / n
    assert accuracy["candidate"] == (both_right + gained) / n
    assert accuracy["difference"] == (gained - lost) / n
    assert accuracy["p"] == pytest.approx(mid_p(gained, lost), rel=1e-9)
    table = [[both_right, lost], [gained, both_wrong]]
    exact = mcnemar(table, exact=True).pvalue
    assert 0 < accuracy["p"] < exact  # mid-p is the less conservative of the two
    assert accuracy["interval"] == pytest.approx(tango_by_search(gained, lost, n), abs=1e-6)


def test_each_class_is_compared_over_its_own_samples(pairs, said):
    rows, names = said["comparison"]["per_class"], said["classes"]
    p_values = []
    for label, row in enumerate(rows):
        own = [pair for pair in pairs.values() if pair[0] == label]
        both_right, gained, lost, both_wrong, same = counted(own)
        assert row["class"] == names[label]
        assert row["support"] == len(own) == PER_CLASS
        assert list(row["paired"].values()) == [both_right, gained, lost, both_wrong, same]
        recall = row["recall"]
        assert recall["difference"] == (gained - lost) / len(own)
        assert recall["p"] == pytest.approx(mid_p(gained, lost), rel=1e-9)
        assert recall["interval"] == pytest.approx(
            tango_by_search(gained, lost, len(own)), abs=1e-6
        )
        p_values.append(mid_p(gained, lost))
    adjusted = multipletests(p_values, method="holm")[1]
    assert [row["recall"]["p_adjusted"] for row in rows] == pytest.approx(adjusted, rel=1e-9)
    for row, p, one in zip(rows, p_values, adjusted, strict=True):
        sure = one < 0.05 and row["recall"]["difference"]
        kind = "clearly" if sure else "perhaps" if p < 0.05 else "none"
        assert row["tendency"] == {
            "clearly": "better" if row["recall"]["difference"] > 0 else "worse",
            "perhaps": "perhaps better" if row["recall"]["difference"] > 0 else "perhaps worse",
            "none": "no clear change",
        }[kind]  # fmt: skip


def test_the_paired_bootstrap_is_near_one_made_by_hand(pairs, said):
    """Macro F1 of 2,000 resamples of the samples, both sides at once, with another generator."""
    label, before, after = np.array(list(pairs.values())).T
    rng = np.random.default_rng(99)
    draws = [
        macro_f1(label[at], after[at]) - macro_f1(label[at], before[at])
        for at in rng.integers(0, len(label), (2000, len(label)))
    ]
    change = said["comparison"]["summary"]["macro_f1"]
    assert change["difference"] == pytest.approx(
        macro_f1(label, after) - macro_f1(label, before), abs=1e-12
    )
    assert change["interval"] == pytest.approx(np.quantile(draws, [0.025, 0.975]), abs=0.006)
    assert said["comparison"]["bootstrap"] == {"draws": 2000, "seed": 0}


def macro_f1(label, answer):
    hits = np.bincount(label[label == answer], minlength=10)
    both = np.bincount(label, minlength=10) + np.bincount(answer, minlength=10)
    return np.mean(2 * hits / both)


def text_of(path):
    page = path.read_text("ascii")
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", page, flags=re.DOTALL)
    body = re.sub(r"</?b\b[^>]*>", "", body)  # names are bold within sentences
    body = re.sub(r'<span class="nb">(.*?)</span>', r"\1", body)  # so that no line ends in them
    text = html.unescape(re.sub(r"<[^>]+>", " ", body))
    return re.sub(r"\s+", " ", text.replace("\u00a0", " "))


def test_what_the_page_says_is_true(compared, pairs, said):
    """Verdict and findings hold the numbers of the join by hand."""
    out, printed = compared
    both_right, gained, lost, _, _ = counted(pairs.values())
    n, text = len(pairs), text_of(out / "report.html")
    shares = [100 * (both_right + one) / n for one in (gained, lost)]
    assert said["verdict"] == "SHIP"
    assert [check["status"] for check in said["checks"]] == ["passed"] * 3
    assert "SHIP All 3 gates passed" in text
    assert (
        f"Accuracy improved: {shares[1]:.1f} → {shares[0]:.1f}% (+{shares[0] - shares[1]:.1f} pp;"
    ) in text
    assert f"{gained} samples fixed, {lost} regressed." in text
    best = max(said["comparison"]["per_class"], key=lambda row: row["recall"]["difference"])
    points = 100 * best["recall"]["difference"]
    assert f"{best['class']}, +{points:.1f} pp (" in text
    assert "verdict: SHIP. All 3 gates passed" in printed
    assert f"fixed {gained}, regressed {lost}" in printed


def test_report_json_holds_the_whole_comparison(compared, predicted, said):
    sides = (predicted / "baseline.parquet", predicted / "candidate.parquet")
    comparison = reportgen.compare(*sides)
    assert said["comparison"] == json.loads(json.dumps(comparison.to_json()))
    made = Review.from_json(said).evaluation.provenance
    assert made.command.endswith("--baseline baseline.parquet --gates gates.toml")
    same = replace(comparison.candidate, provenance=made)  # but for the gates in its command
    assert Review.from_json(said).comparison == replace(comparison, candidate=same)
    assert json.loads(json.dumps(Review.from_json(said).to_json())) == said


def test_the_other_way_round_it_does_not_ship(predicted, pairs, tmp_path):
    done = command(
        "compare", predicted / "candidate.parquet", predicted / "baseline.parquet",
        "-o", tmp_path / "out", "--gates", predicted / "gates.toml", code=1,
    )  # fmt: skip
    _, gained, lost, _, _ = counted(pairs.values())
    fall = 100 * (gained - lost) / len(pairs)
    assert "verdict: DO NOT SHIP. 2 of 3 gates failed" in done.stdout
    assert f"ccuracy dropped {fall:.1f} pp" in done.stdout
    text = text_of(tmp_path / "out/report.html")
    assert "DO NOT SHIP" in text
    assert f"{lost} samples fixed, {gained} regressed." in text
    assert (tmp_path / "out/junit.xml").read_text().count("<failure") == 2
