"""Scores of all classes: found by name, read one way for the whole file, held against what they are."""

import json

import numpy as np
import pytest
from scipy.special import log_softmax, softmax

from reportgen.errors import DataError, UsageError
from reportgen.metrics.scores import OutputKind
from tests.importers.conftest import columns, note_codes

RNG = np.random.default_rng(7)
LOGITS = RNG.normal(scale=3, size=(40, 3))
LABELS = RNG.integers(0, 3, 40)
NAMES = np.array(["ant", "bee", "cow"])
KINDS = {
    "logits": LOGITS,
    "probabilities": softmax(LOGITS, axis=1),
    "log-probabilities": log_softmax(LOGITS, axis=1),
}


def table(header, *columns):
    lines = zip(*(np.asarray(c).astype(str).tolist() for c in columns), strict=True)
    return header + "\n" + "".join(",".join(line) + "\n" for line in lines)


def three(prefix, scores, labels=NAMES[LABELS], names=NAMES):
    header = ",".join(["label", *(prefix + name for name in names)])
    return table(header, labels, *scores.T)


def check(found, kind="probabilities"):
    assert found.outputs == kind
    assert found.has_probabilities
    assert found.has_confidence
    rows = columns(found, "label", "prediction", "confidence", "label_probability",
                   "probabilities", "label_rank", "top_classes", "top_probabilities")  # fmt: skip
    expected = softmax(LOGITS, axis=1)
    assert rows["label"].tolist() == LABELS.tolist()
    assert rows["prediction"].tolist() == LOGITS.argmax(axis=1).tolist()
    np.testing.assert_allclose(rows["probabilities"], expected, rtol=1e-9)
    np.testing.assert_allclose(rows["confidence"], expected.max(axis=1), rtol=1e-6)
    np.testing.assert_allclose(
        rows["label_probability"], expected[np.arange(40), LABELS], rtol=1e-6
    )
    assert (
        rows["label_rank"].tolist()
        == (LOGITS[np.arange(40), LABELS][:, None] <= LOGITS).sum(axis=1).tolist()
    )
    assert rows["top_classes"].tolist() == np.argsort(-LOGITS, axis=1).tolist()
    assert rows["top_probabilities"].shape == (40, 3)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("prefix", ["", "score_"])
def test_every_kind_of_scores_says_the_same(box, kind, prefix):
    found = box.open(three(prefix, KINDS[kind]))
    check(found, kind)
    assert found.facts.classes == ("ant", "bee", "cow")
    assert found.facts.provenance.outputs == f"{kind}, detected from all 40 rows"


def test_the_name_of_the_columns_says_the_kind(box):
    check(box.open(three("prob_", KINDS["probabilities"])), "probabilities")
    check(box.open(three("logit_", LOGITS)), "logits")


def test_the_columns_stand_in_any_order_because_they_have_names(box):
    order = [2, 0, 1]
    content = three("p_", KINDS["probabilities"][:, order], names=NAMES[order])
    check(box.open(content, classes=tuple(NAMES)))
    assert box.open(content).facts.classes == ("cow", "ant", "bee")


def test_numbered_columns_stand_in_the_order_of_their_numbers(box):
    content = three("prob_", KINDS["probabilities"][:, [1, 0, 2]], names=["1", "0", "2"])
    check(box.open(content, classes=tuple(NAMES)))
    content = three("prob_", KINDS["probabilities"][:, [1, 0, 2]], LABELS, ["1", "0", "2"])
    found = box.open(content)
    check(found)
    assert found.facts.classes == ("0", "1", "2")


def test_a_class_without_samples_keeps_its_score(box):
    content = three("prob_", KINDS["probabilities"], np.where(LABELS == 2, "ant", NAMES[LABELS]))
    assert box.open(content).facts.classes == ("ant", "bee", "cow")


def test_declared_scores_are_held_against_the_declaration(box):
    check(box.open(three("s", LOGITS), scores_columns="s*", outputs="logits"), "logits")
    with pytest.raises(DataError, match=r"line 2: .* not a probability"):
        box.open(three("s", LOGITS), scores_columns="s*", outputs="probabilities")


@pytest.mark.parametrize(
    "given", ["sant,sbee,scow", ("sant", "sbee", "scow"), ["sant", "sbee", "scow"]]
)
def test_score_columns_can_be_listed_with_the_class_list(box, given):
    content = three("s", KINDS["probabilities"])
    with pytest.raises(DataError) as caught:
        box.open(content, scores_columns=given, classes=tuple(NAMES))
    assert caught.value.slug == "scores-classes"
    assert "classes without scores: ant, bee, cow" in str(caught.value)
    check(box.open(content, scores_columns="s*", classes=tuple(NAMES)))


def test_columns_with_a_common_prefix_that_are_no_classes_are_metadata(box):
    found = box.open("label,prediction,score_blur,score_light\na,b,3,4\nb,b,5,6\n")
    assert not found.has_probabilities
    assert set(found.metadata) == {"score_blur", "score_light"}


def test_a_label_without_a_score_column_is_refused(box):
    with pytest.raises(DataError) as caught:
        box.open("label,prob_a,prob_b\nc,0.5,0.5\n")
    assert caught.value.slug == "scores-classes"
    assert '"c"' in str(caught.value)


P = "label,prob_a,prob_b\n"
S = "label,score_a,score_b\n"


@pytest.mark.parametrize(
    ("content", "options", "kind", "slug", "words"),
    [
        (P + "a,0.5,0.5\nb,0.5,0.6\n", {}, DataError, "scores-sum", "line 3: a row sums to 1.1"),
        (P + "a,1.5,-0.5\n", {}, DataError, "scores-sum", "line 2: "),
        (S + "a,0.5,0.5\nb,0.1,0.9\na,0.5,0.6\n", {}, DataError, "scores-sum", "line 4: a row sums to 1.1"),
        (S + "a,0.5,0.6\nb,0.1,0.2\na,0.9,0.9\n", {}, UsageError, "outputs-ambiguous", "--outputs"),
        ("label,logit_a,logit_b\na,0.5,0.5\nb,0.1,0.9\n", {}, UsageError, "outputs-ambiguous", "declared logits"),
        (S + "a,0.5,x\n", {}, DataError, "table-number", 'line 2: "x" in column "score_b"'),
        (S + "a,0.5,nan\n", {}, DataError, "too-many-bad", "--max-bad 1"),
        (S + "a,1,0\nb,,1\n", {}, DataError, "too-many-bad", "line 3"),
        (S + "a,1,0\nb,inf,1\n", {}, DataError, "too-many-bad", "line 3"),
        (P + "a,1,0\n", {"classes": ("a", "b", "c")}, DataError, "table-columns", "no prediction"),
        (P + "a,1,0\n", {"classes": ("a", "c"), "scores_columns": "prob_*"}, DataError, "scores-classes", "without scores: c"),
        ("label,s\nx,0.5\n", {"scores_columns": "s"}, UsageError, "classes-needed", "--classes"),
        ("label,s\na,0.5\n", {"scores_columns": "s", "classes": ("a", "b", "c")}, DataError, "classes-count", "1 scores"),
    ],
)  # fmt: skip
def test_scores_that_can_not_be_trusted_are_refused(box, content, options, kind, slug, words):
    with pytest.raises(kind) as caught:
        box.open(content, **options)
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_scores_in_0_to_1_that_do_not_sum_to_1_are_what_the_user_says(box):
    content = S + "a,0.5,0.6\nb,0.1,0.2\na,0.9,0.9\n"
    assert box.open(content, outputs="logits").outputs is OutputKind.LOGITS


def test_the_decision_is_made_over_the_whole_file_and_not_its_first_rows(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.columns.scores._CELLS", 2)
    rows = ["a,0.5,0.5\n"] * 100 + ["b,0.1,3.0\n"] * 101
    assert box.open(S + "".join(rows)).outputs is OutputKind.LOGITS
    with pytest.raises(DataError, match="line 102"):
        box.open(S + "".join(rows[:150]))


def test_rows_with_scores_that_are_not_finite_are_left_out_and_counted(box):
    content = S + "a,2,1\nb,nan,1\na,-inf,3\nb,-inf,-inf\nb,inf,1\na,,1\n"
    found = box.open(content, max_bad=4)
    samples = found.facts.samples
    assert (samples.found, samples.counted, dict(samples.excluded)) == (
        6, 2, {"scores are not finite": 4},
    )  # fmt: skip
    assert "scores-not-finite" in note_codes(found)
    rows = columns(found, "id", "prediction", "confidence")
    assert rows["id"].tolist() == ["0", "2"]
    assert rows["prediction"].tolist() == [0, 1]
    assert rows["confidence"][1] == 1.0


def test_scores_of_minus_infinity_side_by_side_can_be_compared(box):
    found = box.open("label,score_0,score_1,score_2\n0,-inf,-inf,1\n1,0,3,-inf\n2,1,0,2\n")
    assert columns(found, "prediction")["prediction"].tolist() == [2, 1, 2]


def test_one_column_is_the_second_of_two_classes(box):
    found = box.open("label,s\n0,0.2\n1,0.9\n", scores_columns="s")
    assert found.outputs is OutputKind.PROBABILITIES
    rows = columns(found, "prediction", "probabilities")
    assert rows["prediction"].tolist() == [0, 1]
    np.testing.assert_allclose(rows["probabilities"], [[0.8, 0.2], [0.1, 0.9]])
    found = box.open("label,s\nno,-3\nyes,3\n", scores_columns="s", classes=("no", "yes"))
    assert found.outputs is OutputKind.LOGITS
    assert columns(found, "prediction")["prediction"].tolist() == [0, 1]


@pytest.mark.parametrize("name", ["score", "scores", "y_score"])
def test_a_lone_score_without_a_prediction_is_explained(box, name):
    with pytest.raises(DataError) as caught:
        box.open(f"label,{name}\n0,0.3\n1,0.8\n")
    assert caught.value.slug == "table-columns"
    assert f"--scores-columns {name}" in caught.value.hint
    found = box.open(f"label,{name}\n0,0.3\n1,0.8\n", scores_columns=name)
    assert found.predictions.tolist() == [0, 1]


def test_a_prediction_column_counts_even_where_the_scores_say_otherwise(box):
    found = box.open("label,prediction,prob_a,prob_b\na,b,0.7,0.3\nb,b,0.2,0.8\n")
    rows = columns(found, "prediction", "confidence")
    assert rows["prediction"].tolist() == [1, 1]
    np.testing.assert_allclose(rows["confidence"], [0.3, 0.8], rtol=1e-6)
    assert {n.code: n.count for n in found.facts.notes}["predictions-differ"] == 1


def test_an_ignored_label_leaves_its_scores_out(box):
    found = box.open(
        P + "a,0.7,0.3\n?,0.7,0.3\nb,0.2,0.8\n", ignore_label="?", scores_columns="prob_*"
    )
    assert found.facts.samples.counted == 2
    rows = columns(found, "id", "label", "probabilities", "confidence")
    assert rows["id"].tolist() == ["0", "2"]
    assert rows["probabilities"].shape == (2, 2)


def test_columns_named_after_the_labels_are_scores_without_any_declaration(box):
    found = box.open("label,confidence,a,b\na,0.7,0.7,0.3\nb,0.8,0.2,0.8\n")
    assert found.has_probabilities
    assert "confidence" in found.metadata.values()


def test_batches_of_every_size_give_the_same_rows(box, monkeypatch):
    content = three("prob_", KINDS["probabilities"])
    names = ("id", "label", "prediction", "confidence", "probabilities", "top_classes")
    whole = columns(box.open(content), *names)
    monkeypatch.setattr("reportgen.importers.columns.scores._CELLS", 3)
    monkeypatch.setattr("reportgen.importers.table_predictions.NARROW_ROWS", 7)
    monkeypatch.setattr("reportgen.importers.formats.tables.HELD_BYTES", 0)
    pieces = columns(box.open(content), *names)
    for name in names:
        np.testing.assert_array_equal(whole[name], pieces[name])


def jsonl(*objects):
    return "".join(json.dumps(item) + "\n" for item in objects)


def test_lists_of_scores_need_one_length(box):
    with pytest.raises(DataError, match=r"line 2 of .* has 1 value in"):
        box.open(jsonl({"label": 0, "scores": [1, 2]}, {"label": 1, "scores": [1]}), "t.jsonl")


def test_lists_of_scores_without_names_need_the_class_list(box):
    content = jsonl({"label": "a", "scores": [1, -2]}, {"label": "b", "scores": [1, 5]})
    with pytest.raises(UsageError) as caught:
        box.open(content, "t.jsonl")
    assert caught.value.slug == "classes-needed"
    found = box.open(content, "t.jsonl", classes=("a", "b"))
    assert columns(found, "prediction")["prediction"].tolist() == [0, 1]


def test_scores_in_a_mapping_bring_their_names(box):
    content = jsonl(
        {"label": "b", "probabilities": {"a": 0.25, "b": 0.75}},
        {"label": "a", "probabilities": {"b": 0.5, "a": 0.5}},
    )
    found = box.open(content, "t.jsonl")
    assert found.facts.classes == ("a", "b")
    np.testing.assert_array_equal(
        columns(found, "probabilities")["probabilities"], [[0.25, 0.75], [0.5, 0.5]]
    )


@pytest.mark.parametrize(
    ("given", "slug"),
    [
        ({"label_column": "scores"}, "labels-one-hot"),
        ({"scores_columns": "scores,label"}, "column-kind"),
        ({"id_column": "box"}, "column-kind"),
    ],
)
def test_a_column_of_lists_can_not_hold_single_values(box, given, slug):
    content = jsonl({"label": 0, "y": 0, "pred": 1, "scores": [1, 2], "box": [["a"]]})
    with pytest.raises(DataError) as caught:
        box.open(content, "t.jsonl", **{"label_column": "y", **given})
    assert caught.value.slug == slug
