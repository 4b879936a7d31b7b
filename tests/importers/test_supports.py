"""Shares become counts again where exactly one matrix of counts can have made them, or not at all."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, UsageError
from reportgen.importers import NormalisedMatrix, read_matrix_any
from reportgen.options.importing import InputOptions
from tests.importers.conftest import Box

COUNTS = np.array([[5, 1, 0], [2, 7, 3], [0, 0, 9]])
NAMES = ("ant", "bee", "cow")


def shares(over="true", counts=COUNTS):
    with np.errstate(invalid="ignore"):
        return counts / (counts.sum(axis=1, keepdims=True) if over == "true" else counts.sum())


def csv(table, text="{:.4f}"):
    rows = [
        f"{name}," + ",".join(text.format(x) for x in row)
        for name, row in zip(NAMES, table, strict=True)
    ]
    return "\n".join([",ant,bee,cow", *rows, ""])


def read(box, matrix, supports="6\n12\n9\n", **options):
    source = box.write(matrix, "m.csv") if isinstance(matrix, str) else matrix
    file = box.write(supports, "supports.csv")
    return read_matrix_any(
        source, InputOptions.of({"supports": str(file), "normalised": True, **options})
    )


@pytest.mark.parametrize("over", ["true", "all"])
@pytest.mark.parametrize("unit", [1, 100])
@pytest.mark.parametrize(
    "supports",
    [
        "6\n12\n9\n",
        "samples\n6\n12\n9\n",
        "cow,9\nant,6\nbee,12.0\n",
        "class,support\nbee,12\ncow,9\nant,6\n",
    ],
)
def test_counts_come_back_from_shares_and_samples(box, over, unit, supports):
    found = read(box, csv(shares(over) * unit), supports)
    assert found.matrix == ConfusionMatrix.from_counts(COUNTS)
    (note,) = found.notes
    assert (note.code, note.severity, note.count) == ("restored-from-shares", "info", 27)
    assert "27 counts were restored" in note.sentence
    assert "in supports.csv" in note.sentence
    assert found.provenance.inference["samples of each class"] == "supports.csv"
    assert found.provenance.command.endswith("--normalised --supports supports.csv")


def test_rows_of_shares_may_be_predicted_classes(box):
    assert read(box, csv(shares().T), rows="predicted").matrix == ConfusionMatrix.from_counts(
        COUNTS
    )


def test_a_report_is_made_of_what_was_restored(box):
    import reportgen

    matrix, file = box.write(csv(shares()), "m.csv"), box.write("6\n12\n9\n", "n.csv")
    found = reportgen.load(matrix, normalised=True, supports=str(file))
    assert found.summary["accuracy"].value == 21 / 27
    assert found.summary["accuracy"].interval is not None


@pytest.mark.parametrize("kind", ["f2", "f4", "f8", "frame", "rounded f4", "rounded f8", "list"])
def test_arrays_are_restored_by_what_their_type_can_hold(box, kind):
    table = shares()
    if kind == "frame":
        table = pd.DataFrame(table, NAMES, NAMES)
    elif kind == "list":
        table = table.tolist()
    else:
        table = (table.round(3) if "rounded" in kind else table).astype(kind[-2:])
    assert read(box, table).matrix == ConfusionMatrix.from_counts(COUNTS)


def test_small_shares_may_be_written_with_an_exponent(box):
    text = "9.9995e-01,5e-05\n0.0,1.0\n"
    found = read(box, text, "20000\n4\n", normalised_over="true")
    assert found.matrix.counts.tolist() == [[19_999, 1], [0, 4]]


def test_an_absent_class_stays_absent(box):
    counts = np.array([[5, 1, 0], [0, 0, 0], [0, 0, 9]])
    table = np.nan_to_num(shares(counts=counts))
    assert read(box, csv(table), "6\n0\n9\n").matrix.counts.tolist() == counts.tolist()
    blank = csv(table).replace("bee,0.0000,0.0000,0.0000", "bee,,,")
    assert read(box, blank, "6\n0\n9\n").matrix.counts.tolist() == counts.tolist()


def test_supports_in_the_file_itself_restore_its_shares(box):
    table = {"matrix": shares().tolist(), "support": [6, 12, 9]}
    path = box.write(json.dumps(table), "m.json")
    found = read_matrix_any(path, InputOptions(normalised=True))
    assert found.matrix == ConfusionMatrix.from_counts(COUNTS)
    assert "in m.json" in found.notes[0].sentence


@pytest.mark.parametrize("support", [[6, 12], [6, 12, "x"], [6, 12, 8.5], [6, 12, -9]])
def test_supports_in_the_file_that_are_no_numbers_of_samples_are_refused(box, support):
    path = box.write(json.dumps({"matrix": COUNTS.tolist(), "support": support}), "m.json")
    with pytest.raises(DataError, match="are not 3 whole numbers") as caught:
        read_matrix_any(path)
    assert caught.value.slug == "matrix-support"


@pytest.mark.parametrize(
    ("supports", "slug"), [("6\n12\n9\n", None), ("7\n8\n12\n", "matrix-transposed"), ("6\n12\n8\n", "matrix-support")]
)  # fmt: skip
def test_counts_are_held_against_the_samples(box, supports, slug):
    if slug is None:
        assert read(box, csv(COUNTS, "{}"), supports, normalised=False).matrix.n_samples == 27
        return
    with pytest.raises(DataError) as caught:
        read(box, csv(COUNTS, "{}"), supports, normalised=False)
    assert caught.value.slug == slug
    assert '"m.csv"' in caught.value.message


@pytest.mark.parametrize(
    ("table", "supports", "slug", "words"),
    [
        # 5/6 of 7 samples is 5.8331
        (csv(shares()), "7\n12\n9\n", "supports-whole", 'true class "ant", predicted "ant"'),
        (csv(shares()), "12\n12\n9\n", None, ""),  # 10 of 12 and 2 of 12: a multiple fits as well
        (csv(shares()), "6\n12\n0\n", "supports-whole", 'class "cow"'),
        (csv(shares()).replace("1.0000", "0.8889"), "6\n12\n9\n", "shares-sum", "class 2"),
        # rows that lost a count and yet are all whole numbers
        (csv(shares()).replace("0.1667", "0.1666"), "6\n12\n9\n", "supports-whole", "0.1666"),
        (csv(shares(), "{:.1f}"), "6\n12\n9\n", "supports-rounding", "2 decimals"),
        (csv(shares()), "6000\n12000\n9000\n", "supports-rounding", "5 decimals"),
        (csv(shares()), "6\n12\n", "supports-classes", "2 numbers"),
        (csv(shares()), "ant,6\nbee,12\n", "supports-classes", "without a number: cow"),
        (csv(shares()), "ant,6\nbee,12\ncow,9\ndog,1\n", "supports-classes", "not in the matrix: dog"),
        (csv(shares()), "ant,6\nbee,12\ncow,9\nant,6\n", "supports-classes", "more than once: ant"),
        (csv(shares()), "6\n12\nx\n", "supports-value", "line 3"),
        (csv(shares()), "6\n12\n-9\n", "supports-value", '"-9"'),
        (csv(shares()), "6\n12\n9.5\n", "supports-value", '"9.5"'),
        (csv(shares()), "6\n12\ntrue\n", "supports-value", '"true"'),
        (csv(shares()), "", "supports-value", "no numbers"),
        (csv(shares()), "samples\n", "supports-value", "no numbers"),
        (csv(shares()), "a,b,c\n1,2,3\n", "supports-value", "no numbers"),
    ],
)  # fmt: skip
def test_shares_that_no_counts_or_several_have_made_are_refused(box, table, supports, slug, words):
    if slug is None:
        assert read(box, table, supports).matrix.n_samples == 33
        return
    with pytest.raises(DataError) as caught:
        read(box, table, supports)
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_a_row_of_whole_numbers_that_does_not_add_up_is_refused(box):
    table = ",a,b,c\na,0.50,0.25,0.24\nb,0.00,1.00,0.00\nc,0.00,0.00,1.00\n"
    with pytest.raises(DataError, match="add up to 79, not to its 80 samples") as caught:
        read(box, table, "80\n4\n4\n", normalised_over="true")
    assert caught.value.slug == "supports-whole"


def test_shares_of_predicted_classes_are_not_restored(box):
    table = COUNTS / COUNTS.sum(axis=0, keepdims=True)
    with pytest.raises(DataError) as caught:
        read(box, csv(table))
    assert caught.value.slug == "supports-over"


def test_without_samples_shares_stay_shares(box):
    found = read_matrix_any(box.write(csv(shares()), "m.csv"), InputOptions(normalised=True))
    assert isinstance(found.matrix, NormalisedMatrix)
    assert found.matrix.rounding == pytest.approx(0.00005)


def test_the_rounding_of_percentages_is_that_of_shares(box):
    text = csv(shares() * 100, "{:.2f}")
    found = read_matrix_any(box.write(text, "m.csv"), InputOptions(normalised=True))
    assert found.matrix.rounding == pytest.approx(0.00005)


def test_a_table_of_predictions_has_no_supports(box):
    file = box.write("1\n", "n.csv")
    with pytest.raises(UsageError) as caught:
        box.open("label,prediction\na,a\n", supports=str(file))
    assert caught.value.slug == "option-conflict"


def test_a_file_of_samples_that_is_not_there_is_named(box):
    source = box.write(csv(shares()), "m.csv")
    with pytest.raises(DataError) as caught:
        read_matrix_any(source, InputOptions.of({"supports": "nowhere.csv", "normalised": True}))
    assert caught.value.slug == "input-missing"


@settings(max_examples=80, deadline=None)
@given(
    st.integers(2, 5).flatmap(
        lambda k: st.lists(
            st.lists(st.integers(0, 400), min_size=k, max_size=k), min_size=k, max_size=k
        )
    ),
    st.integers(3, 12),
    st.sampled_from([1, 100]),
    st.sampled_from(["true", "all"]),
)
def test_what_is_restored_is_what_was_divided(tmp_path_factory, counts, decimals, unit, over):
    counts = np.array(counts)
    supports = counts.sum(axis=1)
    if not supports.all():
        counts[:, 0] += 1
        supports = counts.sum(axis=1)
    table = np.round(shares(over, counts) * unit, decimals)
    folder = tmp_path_factory.mktemp("shares")
    box = Box(folder)
    text = "\n".join(",".join(f"{x:.{decimals}f}" for x in row) for row in table)
    try:
        found = read(box, text, "\n".join(map(str, supports)), normalised_over=over)
    except DataError as error:  # never another matrix
        assert error.slug in ("supports-rounding", "shares-sum")
        assert decimals < 5
    else:
        assert found.matrix.counts.tolist() == counts.tolist()
