"""What is agreed before any work: options, gates, and where the baseline stands."""

import pytest

from reportgen.errors import UsageError
from reportgen.options.review import ReviewOptions
from reportgen.review import load_spec
from tests.review import samples


def refused(slug, **options):
    with pytest.raises(UsageError) as caught:
        load_spec(ReviewOptions.of(options))
    assert caught.value.slug == slug
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [("allow_partial", True), ("labels_from", "candidate"), ("allow_different_data", True)],
)
def test_options_of_a_comparison_need_a_baseline(name, value):
    flag = "--" + name.replace("_", "-")
    assert refused("option-conflict", **{name: value}).startswith(f"{flag} requires --baseline")
    load_spec(ReviewOptions.of({name: value}), against=[[1, 0], [0, 1]])


def test_one_gate_may_stand_alone_and_a_baseline_may_be_a_path(tmp_path):
    options = ReviewOptions.of({"fail_under": "accuracy=0.9", "baseline": tmp_path})
    assert options.fail_under == ("accuracy=0.9",)
    assert options.baseline == str(tmp_path)
    assert load_spec(options).baseline == tmp_path


def test_gates_come_from_the_file_and_from_the_line(tmp_path):
    path = samples.write_gates(tmp_path / "gates.toml", 'metric = "accuracy"\nat_least = 0.5')
    terms = load_spec(ReviewOptions.of({"gates": str(path), "fail_under": ["macro_f1=0.5"]}))
    assert [gate.name for gate in terms.gates] == ["gate 1", "--fail-under macro_f1"]


def test_a_side_is_one_of_two():
    assert "baseline, candidate" in refused("option-value", baseline="x", labels_from="both")


def test_wrong_gates_and_a_missing_baseline_are_refused(tmp_path):
    refused("gates-file", gates=tmp_path / "gates.toml")
    refused("fail-under", fail_under="accuracy")
    refused("gates-metric", fail_under="acuracy=0.9")
    path = samples.write_gates(tmp_path / "g.toml", 'metric = "accuracy"\nnot_worse_by = 0.01')
    refused("gates-baseline", gates=path)
    said = refused("baseline-unknown", baseline="main", baselines=tmp_path)
    assert "none is saved yet" in said


@pytest.mark.parametrize("name", ["a" * 5000, "", "no/such/file"])
def test_a_name_that_no_file_can_have_is_an_unknown_baseline(name, tmp_path):
    refused("baseline-unknown", baseline=name, baselines=tmp_path / "none")


def test_a_name_with_a_null_character_is_no_value(tmp_path):
    refused("option-value", baseline="nul\0", baselines=tmp_path / "none")


def test_gates_are_held_against_the_classes_of_the_model(tmp_path):
    path = samples.write_gates(tmp_path / "g.toml", 'pair = ["cat", "owl"]\nat_most_share = 0.1')
    terms = load_spec(ReviewOptions.of({"gates": path}))
    terms.check_classes(("cat", "owl"))
    with pytest.raises(UsageError) as caught:
        terms.check_classes(samples.CLASSES)
    assert caught.value.slug == "gates-class"
