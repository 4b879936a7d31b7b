"""Documents of other versions: new names are ignored and kept, missing metrics are n/a."""

import copy
import json
from pathlib import Path

import pytest

import reportgen
from reportgen.errors import DataError
from reportgen.options.page import PageOptions
from reportgen.review import Review, read_history
from tests.test_golden import BASELINES, DOCUMENTS, GOLDEN, as_written_now, lost, text_of

SMALL = [
    "digits.json.xz", "even-or-odd.json", "grouped.json", "proportions.json",
    "release-review.json.xz", "baselines/digits/report.json",
]  # fmt: skip
NEW = "zz_new"
"""A name that no version has."""


def report(name):
    return json.loads(text_of(name))


def objects(value, path=()):
    """Every object whose names are those of a form: not those of a mapping of names from data."""
    if isinstance(value, dict):
        if not path or path[-1] not in ("excluded", "skipped", "files", "inference", "versions"):
            yield value
            for key, item in value.items():
                yield from objects(item, (*path, key))
    elif isinstance(value, list):
        for item in value:
            yield from objects(item, path)


def with_new_names(value):
    """A copy with a new name in every object."""
    value = copy.deepcopy(value)
    for n, one in enumerate(list(objects(value))):
        one[NEW] = {"id": "secret/anna.png", "n": n}
    return value


@pytest.mark.parametrize("name", SMALL)
def test_new_names_are_ignored_everywhere_and_written_again(name):
    new = with_new_names(report(name))
    read = Review.from_json(new)
    plain = Review.from_json(report(name))
    assert read.evaluation.summary == plain.evaluation.summary
    assert read.evaluation.pairs == plain.evaluation.pairs
    again = json.loads(json.dumps(read.to_json()))
    assert next(lost(as_written_now(new), again), None) is None
    assert Review.from_json(again) == read


def test_new_names_of_plain_values_in_a_list_are_kept_too():
    value = report("even-or-odd.json")
    value["per_class"][1]["more"] = 3
    value["per_class"][1]["recall"]["more"] = "x"
    again = Review.from_json(value).to_json()
    assert (again["per_class"][1]["more"], again["per_class"][1]["recall"]["more"]) == (3, "x")


def test_a_new_name_goes_with_the_thing_that_it_is_about():
    value = report("even-or-odd.json")
    value["examples"][0][0]["more"] = 1
    value["provenance"]["more"] = 2
    read = Review.from_json(value)
    evaluation = read.evaluation
    from dataclasses import replace

    without = replace(evaluation, examples=(), unknown=evaluation.unknown)
    named = replace(without, provenance=replace(evaluation.provenance, title="another"))
    assert named.to_json()["provenance"]["more"] == 2
    shifted = replace(evaluation, examples=(evaluation.examples[0][1:], *evaluation.examples[1:]))
    assert "more" not in str(shifted.to_json()["examples"])


@pytest.fixture
def newer(tmp_path):
    """A report of a later version, in a folder."""
    (tmp_path / "newer").mkdir()
    value = with_new_names(report("even-or-odd.json"))
    (tmp_path / "newer/report.json").write_text(json.dumps(value))
    return tmp_path / "newer"


@pytest.fixture
def sample():
    """The release review of the samples, in the form of this version."""
    path = Path(__file__).parent.parent / "sample_reports/release-review/report.json"
    return json.loads(path.read_text("utf-8"))


@pytest.mark.parametrize("at", range(4))
def test_a_gate_on_a_metric_of_a_later_version_is_kept(sample, at):
    sample["checks"][at]["metric"] = "later_metric"
    written = Review.from_json(sample).to_json()
    assert (written["verdict"], written["checks"]) == (sample["verdict"], sample["checks"])


def test_a_family_of_tests_of_a_later_version_is_read(sample):
    """With more metrics compared, each p-value is corrected for more tests."""
    summary = sample["comparison"]["summary"]
    for one in summary.values():
        if one["p_adjusted"] is not None:
            one["p_adjusted"] = 1e-6
    with pytest.raises(DataError, match=r"p_adjusted"):
        Review.from_json(copy.deepcopy(sample))
    summary["later_metric"] = dict(summary["macro_f1"])
    assert "later_metric" in Review.from_json(sample).to_json()["comparison"]["summary"]


def test_a_comparison_of_an_earlier_version_lacks_what_is_compared_now(sample, monkeypatch):
    monkeypatch.setattr(
        "reportgen.comparison.comparison.COMPARED", (*reportgen.comparison.COMPARED, "brier_score")
    )
    found = Review.from_json(sample).comparison
    assert found.summary["brier_score"].reason == "not_recorded"


def test_a_page_of_a_later_report_shows_no_new_name(newer, tmp_path):
    reportgen.render(newer, out=tmp_path / "out")
    assert NEW in (tmp_path / "out/report.json").read_text()
    for path in (tmp_path / "out").glob("*.[hc]*"):
        assert NEW not in path.read_text(), path.name
        assert "anna" not in path.read_text(), path.name


def test_public_output_drops_new_names(newer, tmp_path):
    reportgen.render(newer, out=tmp_path / "out", public=True)
    assert PageOptions(public=True).public
    text = (tmp_path / "out/report.json").read_text()
    assert NEW not in text
    assert "anna" not in text


def test_a_later_baseline_is_saved_compared_and_kept(newer, tmp_path):
    folder = tmp_path / "baselines"
    place = reportgen.save_baseline(newer, "later", folder=folder)
    assert NEW in (place / "report.json").read_text()
    found = reportgen.compare(newer, newer)
    assert found.summary["accuracy"].difference == 0
    assert json.dumps(found.to_json()["baseline"]).count(NEW) > 50


def test_what_a_later_version_says_of_a_class_goes_with_it_where_classes_are_reordered(tmp_path):
    value = report("release-review.json.xz")
    for row in value["per_class"]:
        row[NEW] = row["class"]
    order = value["classes"][::-1]
    (tmp_path / "later.json").write_text(json.dumps(value))
    other = tmp_path / "matrix.csv"
    counts = value["confusion_matrix"]["counts"]
    lines = [",".join(["", *order])]
    lines += [
        ",".join([name, *map(str, row[::-1])])
        for name, row in zip(order, counts[::-1], strict=True)
    ]
    other.write_text("\n".join(lines) + "\n")
    baseline = reportgen.compare(tmp_path / "later.json", other).to_json()["baseline"]
    assert baseline["classes"] == order
    assert [row[NEW] for row in baseline["per_class"]] == order


def test_a_later_line_of_the_history_is_read_and_kept(tmp_path):
    folder = tmp_path / "baselines"
    folder.mkdir()
    lines = [json.loads(line) for line in (BASELINES / "history.jsonl").read_text().splitlines()]
    lines[0][NEW] = [1, 2]
    (folder / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert [entry.name for entry in read_history(folder)] == [line["name"] for line in lines]
    reportgen.save_baseline(GOLDEN / "grouped.json", "grouped", folder=folder)
    first = (folder / "history.jsonl").read_text().splitlines()[0]
    assert json.loads(first) == lines[0]


MISSING = [d for d in report("even-or-odd.json")["summary"] if d != "accuracy"]


@pytest.mark.parametrize("name", MISSING)
def test_a_missing_metric_of_the_whole_is_not_recorded(name):
    value = report("even-or-odd.json")
    del value["summary"][name]
    review = Review.from_json(value)
    assert review.evaluation.summary[name] == reportgen_metric()
    assert review.to_json()["summary"][name] == {
        "value": None, "interval": None, "reason": "not_recorded",
    }  # fmt: skip


def reportgen_metric():
    from reportgen.metrics import Metric

    return Metric(None, None, "not_recorded")


def without_metrics(name="even-or-odd.json"):
    """A document that lacks metrics of the whole and of classes, one of them of one class alone."""
    value = report(name)
    for missing in ("balanced_accuracy", "matthews_corrcoef", "log_loss"):
        del value["summary"][missing]
    for row in value["per_class"]:
        del row["recall"], row["mcc"]
    del value["per_class"][1]["f1"]
    return value


def test_missing_metrics_are_na_in_page_json_gates_and_comparison(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(without_metrics()))
    reportgen.render(path, out=tmp_path / "out")
    assert "written by another version of reportgen" in (tmp_path / "out/report.html").read_text()
    written = json.loads((tmp_path / "out/report.json").read_text())
    assert written["per_class"][0]["recall"]["reason"] == "not_recorded"
    assert written["per_class"][1]["f1"]["reason"] == "not_recorded"
    assert written["per_class"][0]["f1"]["value"] > 0.9
    decision = reportgen.check(
        path, fail_under=["accuracy=0.9", "balanced_accuracy=0.9", "matthews_corrcoef=0.9"]
    )
    assert [check.status for check in decision.checks] == [
        "passed", "not applicable", "not applicable",
    ]  # fmt: skip
    assert "another version of reportgen" in decision.checks[1].sentence
    whole = tmp_path / "whole.json"
    whole.write_text(text_of("even-or-odd.json"))
    for sides in ((path, whole), (whole, path)):
        found = reportgen.compare(*sides)
        assert found.summary["balanced_accuracy"].reason == "not_recorded"
        assert found.summary["accuracy"].difference == 0
        assert found.classes[0].recall.difference is not None or found.classes[0].recall.reason


@pytest.mark.parametrize("rule", ["not_worse_by = 0.1", "no_harm = true"])
def test_a_gate_against_a_baseline_that_lacks_the_figure_does_not_apply(rule, tmp_path):
    for name, value in (("old", without_metrics()), ("new", report("even-or-odd.json"))):
        (tmp_path / f"{name}.json").write_text(json.dumps(value))
    gates = tmp_path / "gates.toml"
    gates.write_text(f'[[gate]]\nname = "a"\nmetric = "balanced_accuracy"\n{rule}\n')
    found = reportgen.compare(tmp_path / "old.json", tmp_path / "new.json")
    decision = reportgen.check(found, gates=gates)
    assert [check.status for check in decision.checks] == ["not applicable"]
    assert "another version of reportgen" in decision.checks[0].sentence


def test_accuracy_is_never_missing():
    value = report("even-or-odd.json")
    del value["summary"]["accuracy"]
    with pytest.raises(DataError, match=r"summary\.accuracy is missing"):
        Review.from_json(value)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_this_version_knows_every_name_of_earlier_ones(name):
    review = Review.from_json(report(name))
    assert review.evaluation.unknown == review.decision.unknown == ()
    if review.comparison is not None:
        assert review.comparison.unknown == review.comparison.baseline.unknown == ()
