"""From two inputs to a verdict, and all of it to JSON and back."""

import json
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import reportgen
from reportgen.api.review_request import ReviewRequest
from reportgen.comparison import COMPARED
from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.gates import NO_GATES, parse_gates, read_gates
from reportgen.options.evaluation import EvaluationOptions
from reportgen.options.importing import InputOptions
from reportgen.review import Review, is_report, open_review
from tests import factories, review_factories
from tests.review import samples
from tests.review.samples import BASELINE, CANDIDATE

GATES = parse_gates(
    """
[[gate]]
name = "floor"
metric = "accuracy"
at_least = 0.5
[[gate]]
name = "harm"
metric = "recall"
each_class = true
no_harm = true
[[gate]]
name = "margin"
metric = "accuracy"
not_worse_by = 0.01
severity = "warn"
"""
)


@pytest.fixture(scope="module")
def gates_of_every_rule(tmp_path_factory):
    return read_gates(
        samples.write_gates(
            tmp_path_factory.mktemp("gates") / "gates.toml",
            """metric = "accuracy"\nat_least = 0.5

metric = "ece"\nat_most = 0.5\nconfident = true

metric = "f1"\neach_class = true\nno_harm = true\nmax_drop = 0.1

metric = "macro_f1"\nnot_worse_by = 0.01

pair = ["cat", "dog"]\nat_most_share = 0.5

metric = "accuracy"\nslice = "camera=north"\nno_harm = true""",
        )
    )


def review_of(baseline, candidate, tmp_path, **options):
    return ReviewRequest.of(options, [candidate], baseline).review(candidate, tmp_path)


@pytest.fixture
def review(tmp_path):
    return review_of(samples.columns(BASELINE), samples.columns(CANDIDATE), tmp_path)


def test_numbers_by_hand(review):
    comparison = review.comparison
    counts = comparison.paired
    assert (counts.both_right, counts.gained, counts.lost, counts.both_wrong) == (23, 3, 1, 3)
    assert counts.same == 26
    accuracy = comparison.summary["accuracy"]
    assert (accuracy.baseline, accuracy.candidate) == (24 / 30, 26 / 30)
    assert accuracy.difference == 2 / 30
    # 2 (P(0) + P(1) / 2) of four throws of a coin
    assert accuracy.p == pytest.approx(2 * (1 + 4 / 2) / 16)
    assert {one.id for one in comparison.fixed} == {"cat/03.png", "cat/06.png", "dog/04.png"}
    assert [one.id for one in comparison.broken] == ["dog/28.png"]
    assert review.evaluation is comparison.candidate
    assert review.decision == NO_GATES


def test_of_two_matrices_only_counts_are_compared(tmp_path):
    review = review_of(samples.matrix(BASELINE), samples.matrix(CANDIDATE), tmp_path)
    comparison = review.comparison
    assert (comparison.paired, comparison.unpaired_reason) == (None, "matrix")
    assert comparison.summary["accuracy"].difference == pytest.approx(2 / 30, rel=1e-15)
    assert comparison.summary["accuracy"].method == "newcombe"
    least, most = comparison.bounds.discordant
    assert least <= 4 <= most  # what it truly is


def test_one_side_without_samples_makes_the_comparison_unpaired(tmp_path):
    order = ["cat", "dog", "fox"]
    counts = reportgen.load(samples.matrix(BASELINE), classes=order)
    for sides in ((counts, samples.columns(CANDIDATE)), (samples.columns(CANDIDATE), counts)):
        comparison = review_of(*sides, tmp_path).comparison
        assert (comparison.paired, comparison.unpaired_reason) == (None, "no_predictions")


def test_samples_that_differ_are_refused_or_left_out_of_both(tmp_path):
    baseline = samples.columns(BASELINE)
    candidate = samples.columns(CANDIDATE, rows=slice(3, 27))
    with pytest.raises(DataError) as caught:
        review_of(baseline, candidate, tmp_path)
    assert caught.value.slug == "compare-samples"
    review = review_of(baseline, candidate, tmp_path, allow_partial=True)
    assert review.comparison.paired.n == 24
    assert review.comparison.baseline.n_samples == review.evaluation.n_samples == 24


def test_labels_that_differ_are_refused_or_taken_from_one_side(tmp_path):
    """The sample 29, a fox to the baseline, has become a cat, as both have always said."""
    relabelled = samples.columns(CANDIDATE)
    relabelled["label"] = [*samples.LABELS[:29], "cat"]
    with pytest.raises(DataError) as caught:
        review_of(samples.columns(BASELINE), relabelled, tmp_path)
    assert caught.value.slug == "compare-labels"
    for side, right in (("baseline", (24, 26)), ("candidate", (25, 27))):
        comparison = review_of(
            samples.columns(BASELINE), relabelled, tmp_path, labels_from=side
        ).comparison
        found = (comparison.baseline.confusion.n_correct, comparison.candidate.confusion.n_correct)
        assert found == right


def test_a_class_that_only_the_baseline_has_named_is_in_page_and_tables(tmp_path):
    """The candidate's table never says "fox": its list of classes grows by the comparison."""
    before = {
        "id": ["a", "b", "c"],
        "label": ["cat", "dog", "cat"],
        "prediction": ["cat", "dog", "fox"],
    }
    after = {
        "id": ["a", "b", "c"],
        "label": ["cat", "dog", "cat"],
        "prediction": ["cat", "cat", "cat"],
    }
    comparison = reportgen.compare(before, after, out=tmp_path / "out")
    assert comparison.candidate.classes == ("cat", "dog", "fox")
    said = json.loads((tmp_path / "out/report.json").read_text())
    assert said["classes"] == ["cat", "dog", "fox"]
    assert [row["class"] for row in said["comparison"]["per_class"]] == said["classes"]
    lines = (tmp_path / "out/confusion.csv").read_text().splitlines()
    assert lines[0] == "true\\predicted,cat,dog,fox"
    assert lines[1:] == ["cat,2,0,0", "dog,1,0,0", "fox,0,0,0"]
    rows = (tmp_path / "out/per_class.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["class", "cat", "dog", "fox"]
    page = (tmp_path / "out/report.html").read_text()
    assert "3 samples" in page.replace("&#160;", " ")
    assert "fox" in page
    assert Review.from_json(said).comparison == comparison


def test_identical_models_change_nothing_and_pass_every_comparison(tmp_path):
    sides = samples.columns(BASELINE), samples.columns(BASELINE)
    comparison = review_of(*sides, tmp_path).comparison
    assert comparison.identical
    assert comparison.summary["accuracy"].p == 1
    assert {comparison.summary[name].difference for name in COMPARED} <= {0, None}
    assert {one.tendency for one in comparison.classes} == {"no clear change"}
    decided = Review(comparison.candidate, comparison, NO_GATES).decided_by(GATES)
    assert [check.status for check in decided.decision.checks] == ["passed"] * 3


@cache
def reviews():
    """Reviews of every kind: without baseline, paired, identical, of matrices, with gates."""
    paired = review_factories.paired(400)
    fashion, identical = review_factories.fashion(), review_factories.identical()
    return {
        "alone": Review.of(factories.binary()),
        "hostile": Review.of(factories.hostile()),
        "decided alone": Review.of(factories.binary()).decided_by(GATES[:1]),
        "paired": Review(paired.candidate, paired, NO_GATES),
        "paired and decided": Review(paired.candidate, paired, NO_GATES).decided_by(GATES),
        "identical": Review(identical.candidate, identical, NO_GATES).decided_by(GATES),
        "matrices": Review(fashion.candidate, fashion, NO_GATES).decided_by(GATES),
    }


KINDS = (
    "alone",
    "hostile",
    "decided alone",
    "paired",
    "paired and decided",
    "identical",
    "matrices",
)


@pytest.mark.parametrize("kind", KINDS)
def test_report_json_brings_back_the_review(kind):
    review = reviews()[kind]
    text = json.dumps(review.to_json(), allow_nan=False)
    again = Review.from_json(json.loads(text))
    assert again == review
    assert json.dumps(again.to_json()) == text


@settings(max_examples=25, deadline=None)
@given(
    n=st.integers(1, 40),
    k=st.integers(2, 5),
    seed=st.integers(0, 2**32 - 1),
    scored=st.booleans(),
)
def test_any_review_comes_back_from_its_json(tmp_path_factory, n, k, seed, scored):
    rng = np.random.default_rng(seed)
    names = np.array([f"c{i}" for i in range(k)])
    table = {"id": [str(i) for i in range(n)], "label": names[rng.integers(0, k, n)].tolist()}
    sides = []
    for _ in range(2):
        more = {"confidence": rng.uniform(0.5, 1, n).tolist()} if scored else {}
        sides.append({**table, "prediction": names[rng.integers(0, k, n)].tolist(), **more})
    review = review_of(*sides, tmp_path_factory.getbasetemp(), classes=tuple(names))
    decided = review.decided_by(GATES)
    again = Review.from_json(json.loads(json.dumps(decided.to_json(), allow_nan=False)))
    assert again == decided
    assert again.decided_by(GATES) == decided


def places(value, path=()):
    """Every place in a JSON value."""
    yield path
    items = (
        value.items()
        if isinstance(value, dict)
        else enumerate(value)
        if isinstance(value, list)
        else ()
    )
    for key, part in items:
        yield from places(part, (*path, key))


@cache
def saved():
    """A report.json as text, and its places by what they belong to; of long lists the first."""
    text = json.dumps(reviews()["paired and decided"].to_json())
    shown = {}
    for path in places(json.loads(text)):
        if path and not any(isinstance(key, int) and key > 2 for key in path):
            shown.setdefault(path[: 2 if path[0] == "comparison" else 1], []).append(path)
    return text, list(shown.values())


WRONG = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from([10**400, -(10**19), 2**63]),
    st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=3), st.just([]),
    st.just({}), st.lists(st.integers(0, 2), max_size=3), st.just({"value": {}}),
)  # fmt: skip
GONE = object()


def changed(path, wrong):
    """The saved report with another value at one place."""
    value = json.loads(saved()[0])
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if wrong is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = wrong
    return value


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_report_that_was_changed_by_hand_is_read_or_refused(gates_of_every_rule, data):
    path = data.draw(st.sampled_from(saved()[1]).flatmap(st.sampled_from))
    value = changed(path, data.draw(st.one_of(st.just(GONE), WRONG)))
    try:
        decided = Review.from_json(value).decided_by(gates_of_every_rule)
    except ReportgenError:
        return
    assert len(decided.decision.checks) == 6
    json.dumps(decided.to_json(), allow_nan=False)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        (("checks", 1, "parts", 0, "name"), {}),
        (("checks", 1, "parts", 0, "interval"), 1.5),
        (("checks", 0, "margin"), GONE),
        (("verdict",), "PERHAPS"),
        (("comparison", "per_class", 1, "recall", "p"), 99),
        (("comparison", "per_class", 1, "f1", "p"), 10**400),
        (("comparison", "baseline", "per_class", 1, "mcc", "value"), 10**400),
        (("comparison", "paired"), []),
        (("comparison",), "none"),
        (("classes",), None),
    ],
)
def test_damage_is_told_as_damage(tmp_path, path, wrong):
    (tmp_path / "report.json").write_text(json.dumps(changed(path, wrong)))
    with pytest.raises(DataError) as caught:
        reportgen.check(tmp_path, fail_under="accuracy=0.5")
    assert caught.value.slug == "report-json-damaged"


def test_a_saved_review_is_opened_with_all_that_it_holds(tmp_path):
    review = reviews()["matrices"]
    (tmp_path / "report.json").write_text(json.dumps(review.to_json()))
    assert is_report(tmp_path, InputOptions())
    opened = open_review(tmp_path, InputOptions(), EvaluationOptions(), tmp_path)
    assert opened == review
    table = samples.columns(BASELINE)
    assert not is_report(table, InputOptions())
    alone = open_review(table, InputOptions(), EvaluationOptions(), tmp_path)
    assert (alone.comparison, alone.decision) == (None, NO_GATES)


def test_a_review_may_be_called_differently():
    review = reviews()["paired and decided"]
    renamed = replace(review.evaluation, intervals="exact")
    other = review.with_evaluation(renamed)
    assert other.evaluation is other.comparison.candidate is renamed
    assert other.decision == review.decision
    assert Review.of(other) is other
    assert review.suite_name == "reportgen candidate 1.2"


def test_other_gates_replace_the_verdict():
    review = reviews()["matrices"]
    assert review.decision.verdict == "DO NOT SHIP"
    assert review.decided_by(GATES[:1]).decision.verdict == "SHIP"
    with pytest.raises(UsageError) as caught:
        Review.of(review.evaluation).decided_by(GATES)
    assert caught.value.slug == "gates-baseline"
