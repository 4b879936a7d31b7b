"""What is said of all samples together: the same wherever their parts are cut, in bounded memory."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest

from reportgen.inference.folders.notes import duplicate_notes
from reportgen.predictions import sums as module
from reportgen.predictions.sums import data_fingerprint, listing_of, sum_up

CLASSES = ("cat", "dog")


def sha(text):
    return hashlib.sha256(text.encode()).digest()


def reader(ids, labels, contents, reasons=None, flags=None, cut=2):
    """Tables of `cut` rows; a content of None is not known."""
    table = pa.table(
        {
            "id": pa.array(ids, pa.string()),
            "label": pa.array(labels, pa.int32()),
            "flags": pa.array(flags or [0] * len(ids), pa.int32()),
            "reason": pa.array(reasons or [None] * len(ids), pa.string()),
            "digest": pa.array(
                [None if text is None else sha(text) for text in contents], pa.binary(32)
            ),
        }
    )

    def read(columns):
        for at in range(0, len(table), cut):
            yield table.select(list(columns)).slice(at, cut)

    return read


IDS = ["cat/a", "cat/b", "cat/z", "dog/c", "dog/d", "dog/x", "dog/y"]
LABELS = [0, 0, 0, 1, 1, 1, 1]
CONTENTS = ["a", "b", "a", "c", "d", "c", "a"]


@pytest.mark.parametrize("cut", [1, 2, 3, 100])
@pytest.mark.parametrize("at_once", [1, 3, 100])
def test_identical_content_is_counted_and_named_in_pairs(cut, at_once, monkeypatch):
    monkeypatch.setattr(module, "_COMPARED_AT_ONCE", at_once)
    found = sum_up(reader(IDS, LABELS, CONTENTS, cut=cut), CLASSES)
    assert found.same.n == 3
    assert found.same.examples == (("cat/a", "cat/z"), ("cat/a", "dog/y"), ("dog/c", "dog/x"))
    assert (found.across.n, found.across.examples) == (1, (("cat/a", "dog/y"),))
    same, across = duplicate_notes(found.same, found.across)
    assert (same.code, same.severity, same.count) == ("duplicate-images", "info", 3)
    assert (across.code, across.severity, across.examples) == (
        "duplicate-images-across-classes", "warning", ("cat/a = dog/y",),
    )  # fmt: skip


def test_empty_files_and_unknown_content_are_no_duplicates():
    found = sum_up(reader(list("abcd"), [0] * 4, ["", "", None, None]), CLASSES)
    assert (found.same.n, found.across.n) == (0, 0)
    assert duplicate_notes(found.same, found.across) == []


def test_samples_without_a_label_contradict_nobody():
    found = sum_up(reader(list("abc"), [-1, 0, 1], ["x"] * 3), CLASSES)
    assert (found.same.n, found.across.n) == (2, 0)


def test_pairs_are_counted_beyond_those_named():
    ids = [f"{n:04d}" for n in range(1005)]
    found = sum_up(reader(ids, [0] * 1005, ["same"] * 1005, cut=64), CLASSES)
    assert found.same.n == 1004
    assert found.same.examples == tuple(("0000", f"{n:04d}") for n in range(1, 11))
    (note,) = duplicate_notes(found.same, found.across)
    assert note.sentence.startswith("1,004 images have the same content as another")


def test_listing_and_fingerprint_are_what_their_words_say():
    found = sum_up(reader(IDS, LABELS, CONTENTS), CLASSES)
    listed = "".join(f"{one}\0{label}\n" for one, label in zip(IDS, LABELS, strict=True))
    assert found.listing == hashlib.sha256(listed.encode()).hexdigest()
    assert found.listing == listing_of(IDS, np.array(LABELS, np.int32))
    content = hashlib.sha256()
    for one, label, text in zip(IDS, LABELS, CONTENTS, strict=True):
        content.update(f"{one}\0{CLASSES[label]}\0".encode() + sha(text))
    assert found.data == content.hexdigest()
    digests = [sha(text) for text in CONTENTS]
    assert found.data == data_fingerprint(IDS, np.array(LABELS, np.int32), digests, CLASSES)


def test_the_fingerprint_depends_on_ids_labels_and_content_and_not_on_what_is_unreadable():
    def data(ids=IDS, labels=LABELS, contents=CONTENTS):
        return sum_up(reader(ids, labels, contents), CLASSES).data

    assert data() != data(ids=["cat/A", *IDS[1:]])
    assert data() != data(labels=[1, *LABELS[1:]])
    assert data() != data(contents=["A", *CONTENTS[1:]])
    assert data(contents=[None, *CONTENTS[1:]]) == data(IDS[1:], LABELS[1:], CONTENTS[1:])
    assert data(["\u00e9"], [-1], ["x"]) == data_fingerprint(
        ["\u00e9"], np.array([-1], np.int32), [sha("x")], CLASSES
    )
    assert data(contents=[None] * 7) == ""


def test_bad_samples_and_flags_are_counted():
    read = reader(
        IDS, LABELS, CONTENTS,
        reasons=[None, "is empty", None, None, None, "is empty", None],
        flags=[1, 1, 1, 0, 2, 2, 0],
    )  # fmt: skip
    found = sum_up(read, CLASSES)
    assert found.n_rows == 7
    assert [sample.id for sample in found.bad] == ["cat/b", "dog/x"]
    assert found.flags == {0: 2, 1: 2, 2: 1}


def test_no_rows_add_up_to_nothing():
    found = sum_up(reader([], [], []), CLASSES)
    assert (found.n_rows, found.bad, found.data) == (0, (), "")
    assert found.listing == listing_of([], np.zeros(0, np.int32))
