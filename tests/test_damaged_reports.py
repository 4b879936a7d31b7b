"""A report.json that was damaged or edited by hand is read, or refused with its place: no more."""

import json
import math
import random
from functools import cache
from pathlib import Path

import pytest

import reportgen
from reportgen.comparison.comparison import Difference
from reportgen.errors import DataError, ReportgenError
from reportgen.evaluation import Evaluation
from reportgen.jsonio import Fault, JsonPath, Share, read_record, read_value, translate_faults
from reportgen.provenance import Accounting
from reportgen.rendering import html
from reportgen.rendering.figures.heatmap import DrawnFigure
from reportgen.rendering.pictures import Heatmaps
from reportgen.report import build_report
from reportgen.review import Review

SAMPLES = Path(__file__).parents[1] / "sample_reports"
NAMES = ["release-review", "digits", "even-or-odd"]
"""A comparison of matrices with gates; a paired comparison with scores; a threshold."""

GONE = "\0gone"
"""In place of a value: take it away."""
WRONG = [
    GONE, None, "text", "\ud800", [], {}, [[]], -5, 0, 10**30, 10**400, 2.5, 1e308, math.nan,
    math.inf, True,
]  # fmt: skip
MUTANTS = 90
SLUGS = ("report-json-damaged", "report-json-version", "report-json-contradiction")


@cache
def text_of(name):
    return (SAMPLES / name / "report.json").read_text("utf-8")


def report(name):
    return json.loads(text_of(name))


def places(value, path=()):
    """Every place in it; of lists the first, the middle and the last."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, item in value.items():
            if key != "groups":  # made from the rest, and not read
                yield from places(item, (*path, key))
    elif isinstance(value, list):
        for i in sorted({0, len(value) // 2, len(value) - 1} & set(range(len(value)))):
            yield from places(value[i], (*path, i))


def changed(value, path, wrong):
    """`value` itself, with something else in one place."""
    parent = value
    for key in path[:-1]:
        parent = parent[key]
    if wrong is GONE:
        del parent[path[-1]]
    else:
        parent[path[-1]] = wrong
    return value


class Undrawn(Heatmaps):
    """Heatmaps that need no matplotlib: their numbers are the matrix, which is checked."""

    def _of(self, spec):
        return DrawnFigure(b"a picture", 10, 10, False)


@pytest.fixture
def one_environment(monkeypatch):
    """The templates are compiled once."""
    monkeypatch.setattr(html, "_environment", cache(html._environment))


def rendered(review):
    made = build_report(review.evaluation, {}, {}, review.comparison, review.decision)
    json.dumps(review.to_json(), allow_nan=False).encode()
    return html.render(made, Undrawn())


@pytest.mark.parametrize("name", NAMES)
def test_what_was_changed_anywhere_is_rendered_or_refused(name, one_environment):
    draw = random.Random(name)
    everywhere = list(places(report(name)))
    refused = 0
    for _ in range(MUTANTS):
        path, wrong = draw.choice(everywhere), draw.choice(WRONG)
        value = changed(report(name), path, wrong)
        try:
            review = Review.from_json(value)
        except ReportgenError as error:
            refused += 1
            assert error.exit_code == 3, path
            assert error.slug in SLUGS, path
            continue
        rendered(review)
    assert refused > MUTANTS / 2


EDITS = [
    (("calibration", "bins", 3, "n"), -5, "calibration.bins[3].n is -5, not a whole number of 0"),
    (("calibration", "bins"), [], "calibration.bins is a list of 0, not a list of 15"),
    (("calibration", "bins", 14, "interval"), [0.9, 0.8], "calibration.bins[14].interval is a list"),
    (("calibration", "bins", 14, "n_correct"), 900, "calibration.bins[14].n_correct is 900"),
    (("calibration", "bins", 14, "accuracy"), None, "calibration.bins[14].accuracy is null"),
    (("calibration", "curve"), [], "calibration.curve is a list of 0"),
    (("calibration", "right"), [1], "calibration.right is a list of 1"),
    (("calibration", "mean_confidence"), 1.5, "mean_confidence is 1.5, not a number of 0 to 1"),
    (("calibration", "half_precision"), 1, "half_precision is 1, not true or false"),
    (("threshold", "curve", 1, "fp"), 447, "threshold.curve[1].fp is 447: there are only 446"),
    (("threshold", "curve", 0, "tp"), 0, "threshold.curve[0].tp is 0: each point"),
    (("threshold", "curve"), [], "threshold.curve is a list of 0"),
    (("threshold", "positive"), 2, "threshold.positive is 2, not a whole number of 0 to 1"),
    (("threshold", "n_positive"), 10**9, "threshold.n_positive is 1000000000: the confusion"),
    (("examples",), [[]] * 3, "examples is a list of 3, not a list of 2"),
    (("examples", 0, 0, "id"), 7, "examples[0][0].id is 7, not text"),
    (("examples", 0, 0, "confidence"), "0.9", 'examples[0][0].confidence is "0.9", not a number'),
    (("reversed_examples",), None, "reversed_examples is null, not a list"),
    (("pairs", 0, "count"), 14, "pairs[0].count is 14: the confusion matrix says otherwise"),
    (("pairs", 0, "true"), "even", 'pairs[0].true is "even": the confusion matrix'),
    (("pairs", 0, "true"), "neither", 'pairs[0].true is "neither", not one of the classes'),
    (("pairs", 0, "reversed_count"), 8, "pairs[0].reversed_count is 8: the confusion matrix"),
    (("pairs",), [], "pairs is a list of 0, not a list of 2"),
    (("summary", "accuracy", "interval"), [0.99, 0.96], "summary.accuracy.interval is a list of 2"),
    (("summary", "accuracy", "interval", 1), 1.1, "summary.accuracy.interval[1] is 1.1"),
    (("summary", "accuracy", "value"), None, "summary.accuracy.value is null"),
    (("summary", "accuracy", "value"), True, "summary.accuracy.value is true, not a number"),
    (("summary", "accuracy"), GONE, "summary.accuracy is missing"),
    (("summary", "top5_accuracy", "reason"), None, "summary.top5_accuracy.reason is null"),
    (("per_class", 1, "recall", "value"), 1.5, "per_class[1].recall.value is 1.5"),
    (("per_class", 1, "class"), "even", 'per_class[1].class is "even": the classes are in'),
    (("per_class", 1), GONE, "per_class is a list of 1, not a list of 2"),
    (("classes",), [], "classes is a list of 0, not a list of class names"),
    (("classes",), ["odd", "odd"], "classes is a list of 2: each class has a unique name"),
    (("classes", 0), "\ud800", r'classes[0] is "\ud800", not text: it contains half a character'),
    (("confusion_matrix", "rows"), "predicted", 'confusion_matrix.rows is "predicted"'),
    (("confusion_matrix", "counts", 0), [1], "confusion_matrix.counts[0] is a list of 1"),
    (("confusion_matrix", "counts", 0, 0), 1.5, "confusion_matrix.counts is a list of 2: cell"),
    (("n_samples",), 900, "n_samples is 900: the confusion matrix contains 899"),
    (("samples", "found"), 900, "samples is an object: 899 counted"),
    (("samples", "excluded"), {"for \x1b fun": "1"}, r'samples.excluded["for \x1b fun"] is "1"'),
    (("data_notes",), [{"code": "a", "sentence": "b", "severity": "dire"}], "[0].severity is "),
    (("label_suspects", "thresholds"), [0.5], "label_suspects.thresholds is a list of 1"),
    (("label_suspects", "cells", 0, 1), 2, "label_suspects.cells[0][1] is 2"),
    (("label_suspects", "cells", 0, 2), 2, "label_suspects.n_suspects is 1: the cells contain"),
    (("label_suspects", "n_examined"), 0, "label_suspects.n_suspects is 1: 1 are listed"),
    (("label_suspects", "n_examined"), 900, "n_examined is 900: the confusion matrix contains 899"),
    (("calibration", "n_zero_probability"), 900, "n_zero_probability is 900: the confusion matrix"),
    (("label_suspects", "reason"), "no_scores", "reason is \"no_scores\": labels were examined"),
    (("label_suspects", "suspects", 0, "margin"), -1.5, "suspects[0].margin is -1.5"),
    (("provenance", "inference"), [], "provenance.inference is a list of 0, not an object"),
    (("provenance", "model", "files"), {"a b": 1}, 'provenance.model.files["a b"] is 1, not text'),
    (("provenance", "model", "executes_code"), "no", 'executes_code is "no", not true or false'),
    (("slices", "columns"), [{"name": "a", "kind": "bins", "edges": [2, 1]}], "edges is a list"),
    (("seed",), 10**400, "seed is a huge number"),
    (("macro",), "some", 'macro is "some", not one of "present", "all"'),
    (("hierarchy",), {"source": "g", "groups": [{"name": "a", "classes": ["odd", "odd"]}]},
     "hierarchy.groups[0].classes[1] is \"odd\": a class is in one group"),
    (("sample_groups",), {"column": "a"}, "sample_groups.method is missing"),
    (("verdict",), "PERHAPS", 'verdict is "PERHAPS", not one of'),
    (("comparison",), 5, "comparison is 5, not an object"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "wrong", "told"), EDITS, ids=lambda v: str(v)[:60])
def test_the_place_and_the_value_are_named(path, wrong, told):
    with pytest.raises(DataError) as caught:
        Review.from_json(changed(report("even-or-odd"), path, wrong))
    assert told in caught.value.message
    assert caught.value.slug == "report-json-damaged"


OF_COMPARISONS = [
    (("paired", "same"), 10, "comparison.paired.same is 10: both make"),
    (("paired", "lost"), 18, "comparison.paired is an object: its counts add up to 900 of 899"),
    (("unpaired_reason",), "matrix", 'comparison.unpaired_reason is "matrix": a reason is given'),
    (("per_class", 2, "paired", "lost"), 99, "comparison.per_class[2].paired is an object"),
    (("per_class", 2, "recall", "p"), 7, "comparison.per_class[2].recall.p is 7"),
    (("per_class", 2, "recall", "interval"), [1, 0], "comparison.per_class[2].recall.interval"),
    (("per_class", 2, "class"), "3", 'comparison.per_class[2].class is "3"'),
    (("summary", "accuracy", "difference"), None, "summary.accuracy.interval is a list of 2"),
    (("fixed", 0, "label"), "x", 'comparison.fixed[0].label is "x", not one of the classes'),
    (("baseline", "pairs", 0, "count"), 1, "comparison.baseline.pairs[0].count is 1"),
    (("baseline", "schema_version"), 7, "schema version 7"),
    (("baseline", "classes"), list("9876543210"), "comparison.baseline.pairs[0].true"),
    (("notes",), [{}], "comparison.notes[0].code is missing"),
]  # fmt: skip


@pytest.mark.parametrize(("path", "wrong", "told"), OF_COMPARISONS, ids=lambda v: str(v)[:60])
def test_the_place_in_a_comparison_is_named(path, wrong, told):
    with pytest.raises(DataError) as caught:
        Review.from_json(changed(report("digits"), ("comparison", *path), wrong))
    assert told in caught.value.message


BOUNDS = ("comparison", "mcnemar_bounds", "discordant")


def test_a_release_that_a_check_blocks_is_no_release():
    with pytest.raises(DataError, match='verdict is "SHIP": one of the checks'):
        Review.from_json(changed(report("release-review"), ("verdict",), "SHIP"))
    with pytest.raises(DataError, match='checks\\[0\\].unit is "kg", not one of'):
        Review.from_json(changed(report("release-review"), ("checks", 0, "unit"), "kg"))
    with pytest.raises(DataError, match="mcnemar_bounds.discordant is a list of 2: the lower"):
        Review.from_json(changed(report("release-review"), BOUNDS, [9, 8]))


@pytest.fixture
def damaged(tmp_path):
    value = changed(report("even-or-odd"), ("summary", "accuracy", "value"), "high")
    (tmp_path / "damaged").mkdir()
    (tmp_path / "damaged/report.json").write_text(json.dumps(value), "utf-8")
    return tmp_path / "damaged"


def test_check_render_compare_and_baselines_refuse_damage_as_data(damaged, tmp_path):
    whole = SAMPLES / "even-or-odd"
    for refused in (
        lambda: reportgen.check(damaged, fail_under="accuracy=0.5"),
        lambda: reportgen.render(damaged, out=tmp_path / "a"),
        lambda: reportgen.compare(damaged, whole),
        lambda: reportgen.compare(whole, damaged),
        lambda: reportgen.load(damaged),
        lambda: reportgen.save_baseline(damaged, "a", folder=tmp_path / "b"),
    ):
        with pytest.raises(DataError) as caught:
            refused()
        assert (caught.value.slug, caught.value.exit_code) == ("report-json-damaged", 3)
        assert 'summary.accuracy.value is "high"' in caught.value.message


@pytest.mark.parametrize("words", [["check", "--fail-under", "accuracy=0.5"], ["compare"]])
def test_the_command_ends_with_3_and_names_the_place(words, damaged, monkeypatch, capsys):
    from reportgen.cli import main

    sides = [str(damaged)] * (2 if words[0] == "compare" else 1)
    out = ["-o", str(damaged / "out")] if words[0] == "compare" else []
    monkeypatch.setattr("sys.argv", ["reportgen", words[0], *sides, *words[1:], *out])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 3
    assert 'summary.accuracy.value is "high", not a number' in capsys.readouterr().err


@pytest.mark.parametrize("name", NAMES)
def test_json_is_made_of_plain_values_alone(name):
    review = Review.from_json(report(name))
    for value in (review.to_json(), review.evaluation.to_json()):
        assert json.loads(json.dumps(value)) == value
    assert Review.from_json(review.to_json()) == review
    assert Evaluation.from_json(review.evaluation.to_json()) == review.evaluation


def test_a_place_tells_its_path():
    place = JsonPath.of({"a": [{"b c": {"d": None}}]})
    at = place["a"].items()[0]["b c"]["d"]
    assert at.path == 'a[0]["b c"].d'
    assert JsonPath.of(at) is at
    assert JsonPath.of({"a": 1}, "comparison")["a"].path == "comparison.a"
    with pytest.raises(Fault, match="the whole is a list of 0, not an object"):
        JsonPath.of([])["a"]


def test_numbers_are_finite_and_of_their_kind():
    for wrong in (True, "1", None, math.nan, math.inf, 10**400):
        with pytest.raises(Fault):
            JsonPath(wrong).number()
    for wrong in (True, 1.0, "1", -1, 10**30):
        with pytest.raises(Fault):
            JsonPath(wrong).whole()
    assert JsonPath(3).number() == 3.0
    assert read_value(Share, 1 + 1e-12) == pytest.approx(1)


def test_a_field_with_a_default_may_be_missing_unless_all_are_asked_for():
    place = JsonPath.of({"found": 2, "counted": 2})
    assert read_record(Accounting, place) == Accounting(2, 2)
    with pytest.raises(Fault, match="interval is missing"):
        read_value(Difference, {"baseline": 1.0, "candidate": 1.0, "difference": 0.0})


def test_any_other_error_of_reading_is_told_as_damage():
    with pytest.raises(DataError, match="KeyError 'x'") as caught, translate_faults("try again"):
        {}["x"]
    assert caught.value.hint == "try again"
