"""Options of the figures: each changes what it says it changes, and nothing else."""

import json
from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import cohen_kappa_score, precision_recall_fscore_support

import reportgen
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.evaluation import SUMMARY_METRICS, Evaluation, evaluate_matrix
from reportgen.evaluation.confidence import Digits
from reportgen.metrics import ORDINAL, PER_CLASS, SUMMARY, bootstrap_intervals
from reportgen.metrics.cluster_bootstrap import GroupCounts, cluster_intervals
from reportgen.metrics.intervals import LOG, SCORE, UNION, WILSON
from reportgen.options.evaluation import EvaluationOptions
from reportgen.provenance import Provenance

CLASSES = ["low", "mid", "high"]


def answers(n=300, seed=0):
    """Labels of three ordered classes, and answers that are right four times in five."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, n)
    return labels, np.where(rng.random(n) < 0.8, labels, (labels + 1) % 3)


def table(n=300, **columns):
    labels, predictions = answers(n)
    return {
        "label": [CLASSES[i] for i in labels],
        "prediction": [CLASSES[i] for i in predictions],
        **columns,
    }


def load(source=None, **options):
    return reportgen.load(table() if source is None else source, classes=CLASSES, **options)


def refusal(source=None, **options):
    with pytest.raises(ReportgenError) as caught:
        load(source, **options)
    return caught.value


def scored_table(n=400, dtype=np.float64):
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 8, n)
    logits = rng.normal(size=(n, 8)) + 2 * np.eye(8)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return {"label": labels, "p": p.astype(dtype)}


# Intervals


def names_with(interval, definitions):
    return {d.name for d in definitions if d.interval in interval}


def test_exact_intervals_are_those_of_scipy_and_the_others_stay():
    usual, exact = load(), load(ci="exact")
    n, hits = usual.n_samples, usual.confusion.n_correct
    ends = binomtest(hits, n).proportion_ci(method="exact")
    assert exact.summary["accuracy"].interval == pytest.approx(tuple(ends), rel=1e-9)
    support, found = int(exact.confusion.true_totals[1]), int(exact.confusion.diagonal[1])
    ends = binomtest(found, support).proportion_ci(method="exact")
    assert exact.per_class["recall"].metric(1).interval == pytest.approx(tuple(ends), rel=1e-9)
    changed = {name for name in usual.summary if usual.summary[name] != exact.summary[name]}
    assert changed == names_with({WILSON}, SUMMARY) - {"top5_accuracy"}
    changed = {name for name in usual.per_class if usual.per_class[name] != exact.per_class[name]}
    assert changed == names_with({WILSON}, PER_CLASS)
    assert (usual.intervals, exact.intervals, exact.seed) == ("wilson", "exact", None)


def test_exact_intervals_of_top_k_too():
    evaluation = reportgen.load(scored_table(), scores_columns="p", ci="exact")
    for k in (1, 3, 5):
        metric = evaluation.summary[f"top{k}_accuracy"]
        ends = binomtest(round(metric.value * 400), 400).proportion_ci(method="exact")
        assert metric.interval == pytest.approx(tuple(ends), rel=1e-9)


def test_a_bootstrap_replaces_what_is_no_share_of_samples():
    usual, drawn = load(), load(ci="bootstrap", seed=7)
    expected = bootstrap_intervals(usual.confusion, seed=7)
    changed = {name for name in usual.summary if usual.summary[name] != drawn.summary[name]}
    assert changed == names_with({SCORE}, SUMMARY)
    assert all(drawn.summary[name] == expected.summary[name] for name in changed)
    changed = {name for name in usual.per_class if usual.per_class[name] != drawn.per_class[name]}
    assert changed == names_with({SCORE, UNION, LOG.name}, PER_CLASS)
    assert all(drawn.per_class[name] == expected.per_class[name] for name in changed)
    assert (drawn.intervals, drawn.seed) == ("bootstrap", 7)
    assert drawn == load(ci="bootstrap", seed=7)
    assert drawn.summary["macro_f1"] != load(ci="bootstrap", seed=8).summary["macro_f1"]


def test_values_do_not_depend_on_the_intervals():
    usual = load()
    for ci in ("bootstrap", "exact"):
        other = load(ci=ci)
        assert all(other.summary[name].value == usual.summary[name].value for name in usual.summary)


# Macro averages

WITH_AN_ABSENT_CLASS = [[5, 1, 1], [0, 0, 0], [2, 0, 4]]
TRUE = np.repeat([0, 0, 0, 2, 2], [5, 1, 1, 2, 4])
PREDICTED = np.repeat([0, 1, 2, 0, 2], [5, 1, 1, 2, 4])


@pytest.mark.parametrize("macro", ["present", "all"])
def test_macro_averages_are_those_of_scikit_learn_in_both_modes(macro):
    evaluation = load(WITH_AN_ABSENT_CLASS, macro=macro)
    expected = precision_recall_fscore_support(
        TRUE, PREDICTED, labels=[0, 2] if macro == "present" else [0, 1, 2],
        average="macro", zero_division=0,
    )  # fmt: skip
    names = ("macro_precision", "macro_recall", "macro_f1")
    found = [evaluation.summary[name].value for name in names]
    assert found == pytest.approx(expected[:3], rel=1e-12)
    assert evaluation.to_json()["macro"] == macro
    assert evaluation.summary["balanced_accuracy"].value == pytest.approx((5 / 7 + 4 / 6) / 2)


def test_the_note_on_absent_classes_says_what_averages_do_with_them():
    told = {
        macro: next(
            note.sentence
            for note in load(WITH_AN_ABSENT_CLASS, macro=macro).notes
            if note.code == "absent-classes"
        )
        for macro in ("present", "all")
    }
    assert told["present"].endswith("and macro averages exclude it.")
    assert told["all"].endswith("and counts as 0 in macro averages.")


def test_slices_average_over_the_same_classes():
    rows = {"label": ["low", "mid"] * 20, "prediction": ["low", "low"] * 20,
            "camera": ["a"] * 20 + ["b"] * 20}  # fmt: skip
    present, everywhere = (load(rows, macro=macro).slices.slices[0] for macro in ("present", "all"))
    assert present.macro_f1.value == pytest.approx(everywhere.macro_f1.value * 3 / 2)


def test_a_bootstrap_resamples_the_mean_over_all_classes():
    present, everywhere = (
        load(WITH_AN_ABSENT_CLASS, macro=macro, ci="bootstrap").summary["macro_recall"]
        for macro in ("present", "all")
    )
    assert everywhere.interval == pytest.approx([end * 2 / 3 for end in present.interval], rel=0.1)


# Ordered classes


def test_weighted_kappa_is_there_when_asked_for_and_only_then():
    plain, ordered = load(), load(ordinal=True)
    names = [definition.name for definition in SUMMARY_METRICS]
    assert list(plain.summary) == names
    assert list(ordered.summary) == [*names, "kappa_linear", "kappa_quadratic"]
    assert [d.name for d in ordered.definitions] == list(ordered.summary)
    labels, predictions = answers()
    for weights in ("linear", "quadratic"):
        expected = cohen_kappa_score(labels, predictions, weights=weights)
        assert ordered.summary[f"kappa_{weights}"].value == pytest.approx(expected, rel=1e-12)


def test_the_order_that_was_used_is_said():
    rows = table()
    (note,) = (n for n in reportgen.load(rows, ordinal=True).notes if n.code == "class-order-used")
    assert "the class order high, low, mid." in note.sentence
    assert not [n for n in load().notes if n.code == "class-order-used"]


@pytest.mark.parametrize("options", [{"ci": "bootstrap"}, {"group_column": "patient"}])
def test_intervals_of_weighted_kappa_follow_the_method(options):
    rows = table(patient=[f"p{i // 5}" for i in range(300)])
    usual, other = load(rows, ordinal=True), load(rows, ordinal=True, **options)
    for metric in ORDINAL:
        assert usual.summary[metric.name].value == other.summary[metric.name].value
        low, high = other.summary[metric.name].interval
        assert low < other.summary[metric.name].value < high
        assert (low, high) != usual.summary[metric.name].interval


# Groups of samples


def grouped(size=10, **options):
    groups = [f"p{i // size}" for i in range(300)]
    return load(table(patient=groups), group_column="patient", **options), groups


def test_intervals_of_the_whole_are_made_from_groups():
    evaluation, groups = grouped(seed=3)
    labels, predictions = answers()
    found = cluster_intervals(GroupCounts.of(groups, labels, predictions, 3), seed=3)
    for name, metric in found.intervals.summary.items():
        assert evaluation.summary[name] == metric
    assert evaluation.per_class == load().per_class
    facts = evaluation.sample_groups
    assert (facts.column, facts.n_groups, facts.largest_group) == ("patient", 30, 10)
    assert facts.design_effect == found.design_effect
    assert facts.effective_samples == pytest.approx(300 / found.design_effect)
    assert evaluation.seed == 3


def test_groups_may_be_numbers():
    texts, groups = grouped()
    numbers = load(table(patient=[float(g[1:]) for g in groups]), group_column="patient")
    assert numbers.summary == texts.summary


def test_with_few_groups_there_is_a_warning():
    few, many = grouped(size=30)[0], grouped(size=15)[0]
    assert (few.sample_groups.n_groups, many.sample_groups.n_groups) == (10, 20)
    assert [n.severity for n in few.notes if n.code == "few-groups"] == ["warning"]
    assert not [n for n in many.notes if n.code == "few-groups"]


def test_groups_and_other_intervals_go_together():
    evaluation, _ = grouped(ci="exact")
    plain, _ = grouped()
    assert evaluation.summary["accuracy"] == plain.summary["accuracy"]
    assert evaluation.per_class["recall"] == load(ci="exact").per_class["recall"]


def test_an_unknown_group_column_names_the_nearest():
    error = refusal(table(patient=["a", "b", "c"] * 100), group_column="patiemt")
    assert (type(error), error.slug) == (UsageError, "group-column")
    assert 'did you mean "patient"?' in error.hint
    assert "patient" in " ".join(error.details)


@pytest.mark.parametrize("source", [table(), WITH_AN_ABSENT_CLASS])
def test_without_metadata_there_are_no_groups(source):
    error = refusal(source, group_column="patient")
    assert (type(error), error.slug) == (UsageError, "group-column")
    assert error.hint


def test_a_sample_without_a_group_is_refused():
    error = refusal(table(patient=["a", "b", ""] * 100), group_column="patient")
    assert (type(error), error.slug) == (DataError, "group-missing")


def test_numbers_that_float64_can_not_tell_apart_are_no_groups():
    error = refusal(table(patient=[2.0**53 + i for i in range(300)]), group_column="patient")
    assert (type(error), error.slug) == (DataError, "group-numbers")


# Groups of classes


@pytest.fixture
def groups_csv(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("class,group\nmid,inner\nlow,outer\nhigh,outer\n")
    return path


def test_a_hierarchy_is_read_and_kept(groups_csv):
    for source in (table(), WITH_AN_ABSENT_CLASS):
        found = load(source, hierarchy=groups_csv).hierarchy
        assert (found.names, found.group_of.tolist()) == (("inner", "outer"), [1, 0, 1])
    assert load(hierarchy=str(groups_csv)).to_json()["hierarchy"] == {
        "source": "groups.csv",
        "groups": [
            {"name": "inner", "classes": ["mid"]},
            {"name": "outer", "classes": ["low", "high"]},
        ],
    }


def test_a_hierarchy_of_other_classes_is_refused(groups_csv):
    groups_csv.write_text("class,group\nmid,inner\nlow,outer\n")
    assert refusal(hierarchy=groups_csv).slug == "hierarchy-class-missing"


@pytest.mark.parametrize("option", ["hierarchy", "metadata"])
def test_a_file_that_is_not_there_is_refused_before_anything_is_written(tmp_path, option):
    with pytest.raises(DataError) as caught:
        reportgen.render(table(), out=tmp_path / "o", **{option: tmp_path / "no.csv"})
    assert caught.value.slug == "option-file-missing"
    assert not (tmp_path / "o").exists()


# What is written, and read again


def test_everything_survives_the_json(groups_csv):
    evaluation, _ = grouped(
        ci="bootstrap", macro="all", ordinal=True, seed=5, hierarchy=groups_csv
    )  # fmt: skip
    value = json.loads(json.dumps(evaluation.to_json(), allow_nan=False))
    assert Evaluation.from_json(value) == evaluation
    keys = ("macro", "intervals", "seed")
    assert [value[key] for key in keys] == ["all", "bootstrap", 5]
    assert value["sample_groups"]["method"].endswith("30 groups, seed 5")


def test_a_file_from_before_there_were_options_has_the_defaults():
    evaluation = reportgen.load(scored_table(), scores_columns="p")
    value = evaluation.to_json()
    for key in ("intervals", "seed", "sample_groups", "hierarchy"):
        del value[key]
    for key in ("ranking_bins", "average_precision_error", "class_ranking_error",
                "half_precision", "n_clipped_probability"):  # fmt: skip
        del value["calibration"][key]
    assert Evaluation.from_json(value) == evaluation


@pytest.mark.parametrize(
    "change",
    [
        {"macro": "some"},
        {"sample_groups": {"column": "x"}},
        {"hierarchy": {"source": "g.csv", "groups": [{"name": "a", "classes": ["low"]}]}},
        {"hierarchy": {"source": "g.csv", "groups": [{"name": "a", "classes": ["nobody"]}]}},
    ],
)
def test_a_json_of_another_form_is_refused(change):
    with pytest.raises(DataError) as caught:
        Evaluation.from_json({**load().to_json(), **change})
    assert caught.value.slug == "report-json-damaged"


def test_the_figures_of_a_report_json_are_made(tmp_path, groups_csv):
    path = tmp_path / "report.json"
    path.write_text(json.dumps(load().to_json()))
    for options in ({"ci": "exact"}, {"macro": "all"}, {"ordinal": True}, {"seed": 1}):
        with pytest.raises(UsageError) as caught:
            reportgen.load(path, **options)
        assert caught.value.slug == "figures-made"
        assert f"--{next(iter(options))} " in str(caught.value)
    with pytest.raises(UsageError) as caught:
        reportgen.load(path, group_column="x")
    assert caught.value.slug == "group-column"
    assert reportgen.load(path, hierarchy=groups_csv).hierarchy.names == ("inner", "outer")


# Where options go


def test_options_are_checked():
    for options, slug in (
        ({"ci": "wald"}, "option-value"),
        ({"macro": "some"}, "option-value"),
        ({"seed": -1}, "option-value"),
        ({"metadata_id": "id"}, "option-conflict"),
        ({"group_colum": "x"}, "option-unknown"),
    ):
        assert refusal(**options).slug == slug


def test_the_command_repeats_the_figures():
    options = EvaluationOptions.of({"ci": "exact", "group_column": "a b", "ordinal": True})
    assert options.shell_words == "--ci exact --ordinal --group-column 'a b'"
    assert EvaluationOptions().shell_words == ""
    matrix = ConfusionMatrix.from_counts([[3, 1], [0, 2]])
    by = Provenance("confusion matrix", command="reportgen render m.csv -o OUT")
    asked = EvaluationOptions(macro="all")
    found = evaluate_matrix(matrix, ("a", "b"), by, (), asked).provenance.command
    assert found == "reportgen render m.csv -o OUT --macro all"
    silent = replace(by, command="")
    assert evaluate_matrix(matrix, ("a", "b"), silent, (), asked).provenance.command == ""


def test_metadata_is_joined_before_the_figures_are_made(tmp_path, monkeypatch):
    path = tmp_path / "more.csv"
    path.write_text("sample,patient\n")
    asked = {}

    class Joined:
        def __init__(self, rows):
            self.rows, self.metadata = rows, {"patient": "patient"}

        def __getattr__(self, name):
            return getattr(self.rows, name)

        def batches(self, *columns, wrong_only=False):
            own = [name for name in columns if name != "patient"]
            for batch in self.rows.batches(*own, wrong_only=wrong_only):
                n = len(batch["label"])
                ids = np.array([f"p{i // 10}" for i in range(n)], object)
                yield {name: ids if name == "patient" else batch[name] for name in columns}

    def join_metadata(rows, path, *, id_column=None, text=None, by_ending=False):
        asked.update(path=path, id_column=id_column)
        return Joined(rows)

    monkeypatch.setattr("reportgen.importers.join_metadata", join_metadata)
    found = load(metadata=path, metadata_id="sample", group_column="patient")
    assert asked == {"path": path, "id_column": "sample"}
    assert found.summary == grouped()[0].summary


def test_a_matrix_has_no_samples_to_join(tmp_path):
    (tmp_path / "m.csv").write_text("id,x\n")
    error = refusal(WITH_AN_ABSENT_CLASS, metadata=tmp_path / "m.csv")
    assert (type(error), error.slug) == (UsageError, "option-conflict")


# Half precision


def test_probabilities_saved_in_half_precision_are_noticed():
    for dtype, expected in ((np.float16, True), (np.float32, False), (np.float64, False)):
        evaluation = reportgen.load(scored_table(dtype=dtype), scores_columns="p")
        assert evaluation.confidence.half_precision is expected


def test_round_probabilities_prove_nothing():
    round_ones = np.array([[0.5, 0.25, 0.25], [1.0, 0.0, 0.0], [np.nan] * 3])
    assert not Digits().having(round_ones).are_half_precision
    halves = np.float16([[0.1, 0.9]]).astype(np.float64)
    assert Digits().having(round_ones).having(halves).are_half_precision
    assert not Digits().having(halves).having(np.array([[0.1, 0.9]])).are_half_precision


def test_groups_may_come_from_a_table_of_their_own(tmp_path):
    ids = [f"{i}.png" for i in range(300)]
    lines = ["file,patient", *(f"{name},p{i // 10}" for i, name in enumerate(ids))]
    (tmp_path / "more.csv").write_text("\n".join(lines) + "\n")
    found = load(
        table(id=ids), metadata=str(tmp_path / "more.csv"), metadata_id="file",
        group_column="patient",
    )  # fmt: skip
    assert found.summary == grouped()[0].summary


# the positive class ---------------------------------------------------------------------------


def two_classes(n=200):
    """Labels and the probability of the second of two classes."""
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 2, n)
    ill = 1 / (1 + np.exp(-rng.normal(2 * labels - 1, 1.5)))
    return {"label": [("healthy", "ill")[i] for i in labels], "scores": ill}


def test_the_positive_class_is_the_second_or_the_one_that_is_named():
    def curve(**options):
        return reportgen.load(
            two_classes(), classes=["healthy", "ill"], scores_columns="scores", **options
        ).threshold

    default, named, other = curve(), curve(positive="ill"), curve(positive="healthy")
    assert default == named
    assert (named.positive, other.positive) == (1, 0)
    assert (other.n_positive, other.n_negative) == (named.n_negative, named.n_positive)
    healthy = 1 - two_classes()["scores"]
    flagged = next(level for level in other.levels if level.threshold == 0.3)
    assert flagged.tp + flagged.fp == int((healthy >= 0.3).sum())


@pytest.mark.parametrize(
    ("source", "options", "words"),
    [
        (
            two_classes(),
            {"scores_columns": "scores", "classes": ["healthy", "ill"], "positive": "sick"},
            "neither of the two",
        ),
        ({"label": ["a", "b"], "prediction": ["a", "b"]}, {"positive": "a"}, "no probabilities"),
        (None, {"positive": "low", "classes": CLASSES}, "there are 3"),
        ([[3, 1], [2, 4]], {"positive": "0"}, "no probabilities"),
    ],
)
def test_a_positive_class_that_can_not_be_is_refused(source, options, words):
    with pytest.raises(UsageError) as caught:
        reportgen.load(table() if source is None else source, **options)
    assert caught.value.slug == "positive-class"
    assert words in str(caught.value)


def test_a_baseline_of_another_kind_does_not_need_the_positive_class():
    assert EvaluationOptions(positive="ill").for_baseline.positive is None


def test_weighted_kappa_says_that_a_gap_between_numbers_is_one_step():
    rows = {"label": ["0", "1", "2", "10"] * 5, "prediction": ["0", "1", "2", "2"] * 5}
    (note,) = (n for n in reportgen.load(rows, ordinal=True).notes if n.code == "class-order-used")
    assert "It counts 2 → 10 as one step" in note.sentence
    rows = {"label": ["0", "1", "2"] * 5, "prediction": ["0", "1", "1"] * 5}
    (note,) = (n for n in reportgen.load(rows, ordinal=True).notes if n.code == "class-order-used")
    assert "one step" not in note.sentence
