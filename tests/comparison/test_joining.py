"""Two tables as one: by id and class name, in any order, or refused with the way out."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.comparison import align_predictions, matching
from reportgen.errors import DataError
from reportgen.evaluation import evaluate_predictions
from reportgen.importers import open_predictions
from reportgen.options.importing import InputOptions
from reportgen.predictions import Predictions, RunFacts
from reportgen.predictions.parts import write_predictions
from reportgen.predictions.schema import Rows, table_of
from reportgen.provenance import Accounting, Provenance
from tests.comparison.tables import PETS, compared, random_sides, table


def refused(baseline, candidate, slug, **options):
    with pytest.raises(DataError) as caught:
        align_predictions(baseline, candidate, **options)
    assert caught.value.slug == slug
    assert len(caught.value.details) <= 5
    return str(caught.value)


def rows_of(side, *columns):
    batches = list(side.batches(*columns))
    return [np.concatenate([b[c] for b in batches]).tolist() for c in columns]


def ours(path, ids, labels, predictions, *, classes=PETS, probabilities=None, **provenance):
    """A predictions file of reportgen's own; labels and predictions are indices."""
    n = len(ids)
    scores = np.zeros((n, 0), np.float32) if probabilities is None else probabilities
    confidence = np.linspace(0.5, 0.9, n).astype(np.float32)
    rows = Rows(
        list(ids),
        np.array(labels, np.int32),
        np.array(predictions, np.int32),
        confidence,
        np.where(np.array(labels) == predictions, confidence, 1 - confidence).astype(np.float32),
        np.where(np.array(labels) == predictions, 1, 2).astype(np.int32),
        np.zeros(n, np.bool_),
        np.array(predictions, np.int32)[:, None],
        confidence[:, None],
        np.asarray(scores, np.float32),
        np.zeros(n, np.int32),
        [None] * n,
    )
    known = Provenance(**{"kind": "inference", "data_fingerprint": "ab", **provenance})
    facts = RunFacts(tuple(classes), known, Accounting(n, n))
    whole = probabilities is not None
    write_predictions(path, facts, iter([table_of(rows)]), with_probabilities=whole)
    return Predictions.open(path)


def test_rows_in_another_order_are_joined_by_hand():
    both = align_predictions(
        table("abcd", ["cat", "cat", "dog", "fox"], ["cat", "dog", "dog", "cat"]),
        table("dbca", ["fox", "cat", "dog", "cat"], ["fox", "cat", "cat", "cat"]),
    )
    ((before, after),) = both.batches("id", "label", "prediction")
    assert after["id"].tolist() == list("dbca")
    assert after["label"].tolist() == [2, 0, 1, 0]
    assert after["prediction"].tolist() == [2, 0, 1 - 1, 0]
    assert before["prediction"].tolist() == [0, 1, 1, 0]
    assert both.notes == ()


def test_classes_are_mapped_by_name_onto_the_candidates_order():
    both = align_predictions(
        table("abc", PETS, ["dog", "dog", "cat"], classes=("fox", "dog", "cat")),
        table("abc", PETS, PETS, classes=PETS),
    )
    assert both.classes == PETS == both.baseline.facts.classes
    assert rows_of(both.baseline, "label", "prediction") == [[0, 1, 2], [1, 1, 0]]
    assert [note.code for note in both.notes] == ["compared-classes-order"]
    assert evaluate_predictions(both.baseline).confusion.count(2, 0) == 1


@pytest.mark.parametrize("given_order", [("fox", "dog", "cat"), ("dog", "cat", "fox")])
def test_probabilities_follow_their_class(tmp_path, given_order):
    scores = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2], [0.1, 0.3, 0.6]])
    place = [PETS.index(name) for name in given_order]
    labels = [given_order.index(name) for name in PETS]
    baseline = ours(
        tmp_path / "b.parquet", "abc", labels, labels, classes=given_order,
        probabilities=scores[:, place],
    )  # fmt: skip
    candidate = ours(tmp_path / "c.parquet", "abc", [0, 1, 2], [0, 1, 2], probabilities=scores)
    both = align_predictions(baseline, candidate)
    found = next(both.baseline.batches("probabilities", "top_classes"))
    np.testing.assert_allclose(found["probabilities"], scores, rtol=1e-6)
    assert [one.tolist() for one in found["top_classes"]] == [[0], [1], [2]]


def test_different_classes_are_refused_with_both_lists_differences():
    text = refused(
        table("ab", ["cat", "dog"], ["cat", "dog"], classes=("cat", "dog", "Fox")),
        table("ab", ["cat", "dog"], ["cat", "dog"], classes=(*PETS, "owl")),
        "compare-classes",
    )
    assert "only in the baseline (1): Fox" in text
    assert "only in the candidate (2): fox, owl" in text
    assert '"Fox" is similar to "fox"' in text
    assert "--classes" in text


@pytest.mark.parametrize("more", [0, 1])
def test_a_class_that_one_declared_list_lacks_is_refused(more):
    sides = [table("ab", ["cat"] * 2, ["cat"] * 2, classes=c) for c in (PETS, (*PETS, "owl"))]
    text = refused(sides[more], sides[1 - more], "compare-classes")
    assert f"only in the {('candidate', 'baseline')[more]} (1): owl" in text


def test_a_class_that_just_did_not_occur_in_one_table_is_added():
    both = align_predictions(
        table("abc", ["cat", "dog", "dog"], ["cat", "dog", "owl"], classes=None),
        table("abc", ["cat", "dog", "dog"], ["elk", "dog", "dog"], classes=None),
    )
    assert both.classes == ("cat", "dog", "elk", "owl")
    assert rows_of(both.baseline, "prediction") == [[0, 1, 3]]
    assert [note.code for note in both.notes] == ["compared-classes-added"]


def test_a_class_with_samples_is_never_added():
    refused(
        table("abc", ["cat", "dog", "dog"], ["cat", "dog", "dog"], classes=None),
        table("abc", ["cat", "dog", "owl"], ["cat", "dog", "dog"], classes=None),
        "compare-classes",
        labels_from="candidate",
    )


def test_different_samples_are_refused_with_counts_and_examples_both_ways():
    text = refused(
        table("abcx", ["cat"] * 4, ["cat"] * 4),
        table("ycba", ["cat"] * 4, ["cat"] * 4),
        "compare-samples",
    )
    assert "baseline 4, candidate 4, in both 3" in text
    assert "only in the baseline (1): x" in text
    assert "only in the candidate (1): y" in text
    assert "--allow-partial" in text


def test_many_missing_samples_are_counted_and_five_are_named():
    text = refused(
        table([f"s{i}" for i in range(10)], ["cat"] * 10, ["cat"] * 10),
        table(["s3"], ["cat"], ["cat"]),
        "compare-samples",
    )
    assert "only in the baseline (9): s0, s1, s2, s4, s5 and 4 more" in text


def test_allow_partial_compares_what_both_have_and_accounts_for_the_rest():
    both = align_predictions(
        table("abcx", ["cat", "dog", "fox", "cat"], ["cat", "cat", "fox", "cat"]),
        table("ycba", ["dog", "fox", "dog", "cat"], ["cat", "dog", "dog", "cat"]),
        allow_partial=True,
    )
    assert rows_of(both.baseline, "id", "prediction") == [["a", "b", "c"], [0, 0, 2]]
    assert rows_of(both.candidate, "id", "prediction") == [["c", "b", "a"], [1, 1, 0]]
    ((before, _),) = both.batches("label", "prediction")
    assert before["prediction"].tolist() == [2, 0, 0]
    for side in (both.baseline, both.candidate):
        samples = evaluate_predictions(side).samples
        assert (samples.found, samples.counted) == (4, 3)
    assert [note.code for note in both.notes] == ["compared-in-part"]


def test_nothing_in_common_is_refused_even_in_part():
    text = refused(
        table(["a/1", "a/2"], ["cat"] * 2, ["cat"] * 2),
        table(["/data/a/1", "/data/a/2"], ["cat"] * 2, ["cat"] * 2),
        "compare-samples",
        allow_partial=True,
    )
    assert "no sample is in both" in text
    assert "--ids-by-ending" in text


def test_differing_labels_are_refused_with_examples():
    text = refused(
        table("abc", ["cat", "dog", "fox"], PETS),
        table("cba", ["fox", "cat", "cat"], PETS),
        "compare-labels",
    )
    assert "1 sample of 3 has different labels" in text
    assert 'b: "dog" in the baseline, "cat" in the candidate' in text
    assert "--labels-from candidate" in text


@pytest.mark.parametrize(("side", "expected"), [("candidate", [0, 0, 2]), ("baseline", [0, 1, 2])])
def test_labels_of_one_side_count_for_both(side, expected):
    both = align_predictions(
        table("abc", ["cat", "dog", "fox"], PETS),
        table("cba", ["fox", "cat", "cat"], PETS),
        labels_from=side,
    )
    assert rows_of(both.baseline, "label") == [expected]
    assert rows_of(both.candidate, "label") == [expected[::-1]]
    assert [(note.code, note.count) for note in both.notes] == [("compared-labels", 1)]
    wrong = [len(batch["id"]) for batch in both.baseline.batches("id", wrong_only=True)]
    assert sum(wrong) == sum(a != b for a, b in zip(expected, [0, 1, 2], strict=True))


def test_a_new_label_has_the_probability_that_follows(tmp_path):
    scores = np.array([[0.5, 0.3, 0.2], [0.1, 0.7, 0.2]])
    baseline = ours(tmp_path / "b.parquet", "ab", [0, 1], [0, 1], probabilities=scores)
    candidate = ours(tmp_path / "c.parquet", "ab", [2, 1], [0, 1])
    both = align_predictions(baseline, candidate, labels_from="candidate")
    found = next(both.baseline.batches("label_probability", "label_rank"))
    assert found["label_probability"] == pytest.approx([0.2, 0.6 + 0.3], abs=1e-6)
    assert found["label_rank"].tolist() == [3, 1]


def test_a_new_label_without_probabilities_has_one_only_as_the_prediction(tmp_path):
    baseline = ours(tmp_path / "b.parquet", "abc", [0, 1, 1], [2, 2, 1])
    candidate = ours(tmp_path / "c.parquet", "abc", [2, 0, 1], [0, 1, 1])
    both = align_predictions(baseline, candidate, labels_from="candidate")
    found = next(both.baseline.batches("label_probability", "label_rank"))
    assert found["label_probability"][[0, 2]] == pytest.approx([0.5, 0.9])
    assert np.isnan(found["label_probability"][1])
    assert found["label_rank"].tolist() == [0, 0, 1]


def test_unknown_labels_of_both_sides_are_excluded_from_both(tmp_path):
    baseline = ours(tmp_path / "b.parquet", "abc", [0, -1, 2], [0, 1, 1])
    candidate = ours(tmp_path / "c.parquet", "abc", [0, -1, 2], [0, 2, 2])
    comparison = compared(baseline, candidate)
    assert comparison.paired.n == 2 == comparison.candidate.n_samples
    assert [change.id for change in comparison.fixed] == ["c"]


def test_repeated_ids_are_refused_on_either_side(tmp_path):
    one = ours(tmp_path / "one.parquet", "aab", [0, 0, 0], [0, 0, 0])
    other = ours(tmp_path / "other.parquet", "abc", [0, 0, 0], [0, 0, 0])
    assert "1 sample id of the baseline" in refused(one, other, "compare-repeated-ids")
    assert "of the candidate" in refused(other, one, "compare-repeated-ids")
    text = refused(one, one, "compare-repeated-ids")
    assert "repeated: a" in text
    assert "--id-column" in text


def test_a_table_with_repeated_ids_is_refused_before_it_is_joined():
    with pytest.raises(DataError, match='the id "a" appears in two rows'):
        table("aab", ["cat"] * 3, ["cat"] * 3)


def test_rows_without_ids_are_joined_by_number_with_a_warning():
    both = align_predictions(table(None, PETS, PETS), table(None, PETS, ["cat", "cat", "cat"]))
    assert [(note.code, note.severity) for note in both.notes] == [("compared-by-row", "warning")]


def test_rows_without_ids_and_other_labels_may_stand_in_another_order():
    text = refused(table(None, PETS, PETS), table(None, PETS[::-1], PETS), "compare-labels")
    assert "matched by number" in text
    assert "--id-column" in text


def test_row_numbers_beside_names_are_refused():
    text = refused(
        table(None, PETS, PETS), table(["a.png", "b.png", "c.png"], PETS, PETS), "compare-positions"
    )
    assert "baseline: 3 rows, ids are row numbers: it has no ids" in text
    assert "candidate: 3 rows, ids are names, such as a.png" in text
    refused(
        table(None, PETS, PETS), table(None, PETS[:2], PETS[:2]), "compare-positions",
        allow_partial=True,
    )  # fmt: skip


def test_ids_that_are_positions_beside_paths_are_refused():
    text = refused(
        table(["0", "1", "2"], PETS, PETS),
        table(["a.png", "b.png", "c.png"], PETS, PETS),
        "compare-positions",
    )
    assert "ids are numbers" in text


def test_hashes_that_meet_by_accident_change_nothing(monkeypatch):
    """The first keys give every id one of four hashes: the match is then made with others."""
    real = matching._hash_ids
    calls = []

    def weak(ids, key):
        calls.append(key)
        return real(ids, key) % 4 if key in ("", "0;") else real(ids, key)

    monkeypatch.setattr(matching, "_hash_ids", weak)
    order = np.random.default_rng(0).permutation(120)
    baseline, candidate = random_sides(0, order=order)
    both = align_predictions(baseline, candidate)
    assert both.order.tolist() == order.tolist()
    assert "1:" in calls


def test_hashes_that_meet_across_the_sides_change_nothing(monkeypatch):
    """ "x" of one side looks like "y" of the other at first; the second hash tells them apart."""
    real = matching._hash_ids

    def weak(ids, key):
        if key == "":
            return np.array([{"x": 7, "y": 7}.get(i, hash(i)) for i in ids.tolist()], np.int64)
        return real(ids, key)

    monkeypatch.setattr(matching, "_hash_ids", weak)
    text = refused(
        table("abx", ["cat"] * 3, ["cat"] * 3),
        table("bay", ["cat"] * 3, ["cat"] * 3),
        "compare-samples",
    )
    assert "in both 2" in text


def test_different_content_and_devices_are_told(tmp_path):
    cpu, gpu = {"device": "cpu"}, {"device": "cuda:0"}
    baseline = ours(tmp_path / "b.parquet", "ab", [0, 1], [0, 1], inference=cpu)
    candidate = ours(
        tmp_path / "c.parquet", "ab", [0, 1], [0, 1], inference=gpu, data_fingerprint="cd"
    )
    notes = align_predictions(baseline, candidate).notes
    assert [note.code for note in notes] == ["compared-content", "compared-devices"]


def test_own_files_of_several_batches_are_joined_in_any_order(tmp_path):
    """A file of two batches beside a table: how each side is cut does not matter."""
    n = 70_000
    labels = np.arange(n) % 3
    ids = [f"{i:06d}" for i in range(n)]
    baseline = ours(tmp_path / "b.parquet", ids, labels, np.zeros(n, int))
    order = np.random.default_rng(1).permutation(n)
    names = np.array(PETS)
    candidate = table(np.array(ids)[order], names[labels[order]], names[labels[order]])
    both = align_predictions(baseline, candidate)
    seen = 0
    for before, after in both.batches("id", "label", "prediction", of_baseline=["label"]):
        assert np.array_equal(before["label"], after["label"])
        seen += len(after["id"])
    assert seen == n
    assert compared(baseline, candidate).paired.gained == np.count_nonzero(labels)


@settings(deadline=None, max_examples=30)
@given(st.permutations(list(range(12))), st.sets(st.integers(0, 11)), st.sets(st.integers(0, 11)))
def test_the_join_is_that_of_a_dictionary(order, left_out, lacking):
    rng = np.random.default_rng(len(left_out))
    names, said = np.array(PETS)[rng.integers(0, 3, 12)], np.array(PETS)[rng.integers(0, 3, 12)]
    here = [i for i in range(12) if i not in left_out]
    there = [i for i in order if i not in lacking]
    shared = [i for i in there if i in here]
    if not here or not there or not shared:
        return
    ids = np.array([f"s{i}" for i in range(12)])
    both = align_predictions(
        table(ids[here], names[here], said[here]),
        table(ids[there], names[there], names[there]),
        allow_partial=True,
    )
    pairs = [
        (str(i), PETS[b])
        for before, after in both.batches("id", "prediction")
        for i, b in zip(after["id"], before["prediction"], strict=True)
    ]
    assert pairs == [(f"s{i}", said[i]) for i in shared]


def test_restricted_rows_keep_what_the_protocol_promises():
    both = align_predictions(
        table("abcx", ["cat"] * 4, ["cat", "dog", "dog", "cat"], camera=list("NSNS")),
        table("abc", ["cat"] * 3, ["cat"] * 3, camera=list("NSN")),
        allow_partial=True,
    )
    side = replace(both.baseline)
    assert not side.has_confidence
    assert not side.has_probabilities
    assert dict(side.metadata) == {"camera": "camera"}
    assert rows_of(side, "camera") == [["N", "S", "N"]]
    assert side.n_rows == 3 == both.n_rows
    assert [b["id"].tolist() for b in side.batches("id", wrong_only=True)] == [["b", "c"]]


def test_hostile_ids_are_harmless_in_messages():
    text = refused(
        table(["evil\u202ex", "b"], ["cat"] * 2, ["cat"] * 2),
        table(["b", "\x1b[31m"], ["cat"] * 2, ["cat"] * 2),
        "compare-samples",
    )
    assert "\u202e" not in text
    assert "\x1b" not in text


def test_a_csv_and_a_parquet_file_meet(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {"id": list("abc"), "label": list(PETS), "prediction": ["cat", "cat", "fox"]}
    pq.write_table(pa.table(columns), tmp_path / "b.parquet")
    Path(tmp_path / "c.csv").write_text("id,label,prediction\nc,fox,fox\nb,dog,dog\na,cat,cat\n")
    sides = [
        open_predictions(tmp_path / name, InputOptions(classes=PETS), spool=tmp_path)
        for name in ("b.parquet", "c.csv")
    ]
    assert compared(*sides).paired.gained == 1
