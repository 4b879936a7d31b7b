"""Arrays are never unpickled, never believed before they are measured, and never cut to fit."""

import contextlib
import io
import pickle
import struct
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from reportgen.errors import DataError, UsageError
from reportgen.importers import kind_of
from reportgen.importers.formats import arrays as arrays_module
from reportgen.importers.formats.arrays import array_files, npy_file
from reportgen.importers.formats.limits import bytes_words, require_memory
from reportgen.options.importing import InputOptions
from tests.importers.conftest import columns, note_codes

RNG = np.random.default_rng(3)
LABELS = RNG.integers(0, 4, 50)
SCORES = RNG.normal(size=(50, 4))


def npz(box, compressed=False, name="t.npz", **members):
    path = box.folder / name
    (np.savez_compressed if compressed else np.savez)(path, **members)
    return path


def npy(box, array, name="t.npy", **more):
    path = box.folder / name
    np.save(path, array, **more)
    return path


@pytest.mark.parametrize("compressed", [False, True])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", ">f4", "g"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_labels_and_scores_are_read_from_an_archive(box, compressed, dtype, order):
    scores = np.asarray(SCORES.astype(dtype), order=order)
    found = box.open(npz(box, compressed, labels=LABELS, scores=scores))
    assert found.facts.classes == ("0", "1", "2", "3")
    rows = columns(found, "label", "prediction", "id")
    assert rows["label"].tolist() == LABELS.tolist()
    assert rows["prediction"].tolist() == scores.argmax(axis=1).tolist()
    assert rows["id"].tolist() == [str(i) for i in range(50)]


@pytest.mark.parametrize("dtype", ["i1", "u1", "<i8", ">i4", "f4", "f8", "f2", "U3", "S3"])
def test_labels_may_have_any_plain_type(box, dtype):
    found = box.open(npz(box, y_true=LABELS.astype(dtype), y_pred=LABELS[::-1].astype(dtype)))
    assert columns(found, "label")["label"].tolist() == LABELS.tolist()


def test_truths_are_indices(box):
    found = box.open(npz(box, y_true=LABELS > 1, scores=SCORES[:, :2]))
    assert columns(found, "label")["label"].tolist() == (LABELS > 1).astype(int).tolist()


def test_names_ids_and_a_class_list_are_found_among_the_arrays(box):
    names = np.array(["ant", "bee", "cow", "dog"])
    ids = np.array([f"p/{i}.png" for i in range(50)])
    found = box.open(npz(box, labels=names[LABELS], logits=SCORES, paths=ids, classes=names))
    assert found.facts.classes == tuple(names)
    assert found.outputs == "logits"
    rows = columns(found, "id", "label")
    assert rows["id"].tolist() == ids.tolist()
    assert rows["label"].tolist() == LABELS.tolist()
    assert found.facts.provenance.classes_source == 'the array "classes" of t.npz'


def test_a_class_list_of_the_user_counts_more_than_that_of_the_file(box):
    path = npz(box, labels=LABELS, logits=SCORES, classes=np.array(list("abcd")))
    assert box.open(path, classes=list("wxyz")).facts.classes == tuple("wxyz")


def test_other_arrays_of_the_same_length_are_metadata(box):
    path = npz(
        box,
        labels=LABELS,
        preds=LABELS,
        age=np.arange(50.0),
        site=LABELS.astype(str),
        k=np.zeros(3),
        m=SCORES,
    )
    found = box.open(path, scores_columns="none")
    assert set(found.metadata) == {"age", "site"}
    rows = columns(found, "age", "site")
    assert rows["age"].dtype == np.float64
    assert rows["site"].tolist() == LABELS.astype(str).tolist()
    assert "columns-left-out" in note_codes(found)


@pytest.mark.parametrize("suffix", ["npy", "txt"])
def test_scores_alone_get_their_labels_from_another_file(box, suffix):
    labels = npy(box, LABELS, "labels.npy") if suffix == "npy" else box.write(
        "\n".join(map(str, LABELS)), "labels.txt"
    )  # fmt: skip
    found = box.open(npy(box, SCORES), labels=labels)
    assert columns(found, "label")["label"].tolist() == LABELS.tolist()
    assert columns(found, "prediction")["prediction"].tolist() == SCORES.argmax(axis=1).tolist()
    found = box.open(npy(box, LABELS[::-1]), labels=labels)
    assert columns(found, "prediction")["prediction"].tolist() == LABELS[::-1].tolist()


def test_the_fields_of_a_structured_array_are_columns(box):
    array = np.zeros(3, [("label", "i4"), ("prediction", "i4"), ("id", "U4")])
    array["label"], array["id"] = [0, 1, 1], ["a", "b", "c"]
    found = box.open(npy(box, array))
    assert columns(found, "label", "id")["label"].tolist() == [0, 1, 1]


def test_arrays_without_labels_are_refused(box):
    with pytest.raises(UsageError) as caught:
        box.open(npy(box, SCORES))
    assert caught.value.slug == "labels-needed"


def test_lengths_that_differ_are_both_said_and_nothing_is_cut(box):
    with pytest.raises(DataError) as caught:
        box.open(npz(box, labels=LABELS, scores=SCORES[:49]))
    assert caught.value.slug == "length-mismatch"
    assert '"labels" has 50 rows, "scores" has 49' in str(caught.value)


class Evil:
    def __reduce__(self):
        return (open, ("/tmp/reportgen-sentinel-that-must-not-exist", "w"))


def test_python_objects_are_refused_and_not_run(box, tmp_path):
    evil = np.array([Evil(), Evil()], dtype=object)
    for path in (npz(box, labels=evil, scores=SCORES), npy(box, evil, allow_pickle=True)):
        with pytest.raises(DataError) as caught:
            box.open(path, labels=path if path.suffix == ".npy" else None)
        assert caught.value.slug == "array-objects"
        assert "contains Python objects, which can run code" in str(caught.value)
    from pathlib import Path

    assert not Path("/tmp/reportgen-sentinel-that-must-not-exist").exists()


@pytest.mark.parametrize(
    "name", ["t.pkl", "t.pt", "t.pth", "t.joblib", "t.csv", "t.npz", "t.npy", "t"]
)
def test_a_pickle_is_never_read_whatever_it_is_called(box, name):
    path = box.write(pickle.dumps({"labels": [Evil()]}), name)
    with pytest.raises(DataError) as caught:
        box.open(path)
    assert caught.value.slug == "input-pickle"


def header(text, version=1):
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text.encode()


def described(shape, descr="'<f8'", fortran=False):
    return header(f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}, }}\n")


@pytest.mark.parametrize(
    ("content", "slug", "words"),
    [
        (described((500_000_000_000,)), "array-damaged", "500,000,000,000 numbers are declared, 0 are there"),
        (described((10, 10)) + bytes(21 * 8), "array-damaged", "100 numbers are declared, 21 are there"),
        (b"", "array-damaged", "not a NumPy array"),
        (b"not an array at all", "array-damaged", "not a NumPy array"),
        (b"\x93NUMPY\x01", "array-damaged", "not a NumPy array"),
        (b"\x93NUMPY\x09\x00" + bytes(50), "array-damaged", "header"),
        (header("{'descr': '<f8'"), "array-damaged", "header"),
        (header("__import__('os').system('true')"), "array-damaged", "header"),
        (b"\x93NUMPY\x02\x00\xff\xff\xff\x7f", "array-damaged", "header"),
        (described((3,), "'<c8'") + bytes(24), "array-kind", "neither numbers nor text"),
        (described((3,), "'<U0'") + bytes(24), "array-kind", "neither numbers nor text"),
        (described((-3,)) + bytes(24), "array-kind", "neither numbers nor text"),
        (described((3,), "'|O'") + bytes(24), "array-objects", "Python objects"),
        (described((3,), "[('label', '|O'), ('x', '<i4')]") + bytes(99), "array-objects", "Python objects"),
    ],
)  # fmt: skip
def test_a_header_is_held_against_the_file_before_anything_is_read(box, content, slug, words):
    path = box.write(content, "t.npy")
    with pytest.raises(DataError) as caught:
        npy_file(path)
    assert caught.value.slug == slug
    assert words in str(caught.value)
    archive = box.folder / "t.npz"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as stream:
        stream.writestr("labels.npy", content)
    with pytest.raises(DataError) as caught:
        array_files(archive)
    assert caught.value.slug == slug


def test_an_archive_that_unpacks_to_an_absurd_size_is_a_bomb(box, monkeypatch):
    monkeypatch.setattr(arrays_module, "_BOMB_BYTES", 1 << 20)
    with pytest.raises(DataError) as caught:
        box.open(npz(box, compressed=True, labels=np.zeros(10**6), scores=np.zeros((10**6, 2))))
    assert caught.value.slug == "array-bomb"
    assert "8.0 MB" in str(caught.value)


def test_more_than_half_of_the_free_memory_is_not_asked_for(box, monkeypatch):
    monkeypatch.setattr("reportgen.importers.formats.limits.available_bytes", lambda: 500)
    with pytest.raises(DataError) as caught:
        box.open(npz(box, labels=LABELS, preds=LABELS))
    assert caught.value.slug == "input-too-large"
    assert "400 bytes" in str(caught.value)
    with pytest.raises(DataError):
        require_memory(10**15, "it")
    assert bytes_words(10**15) == "1000.0 TB"


@pytest.mark.parametrize("cut", [3, 30, 100, 400, 800])
def test_a_damaged_archive_is_an_error_with_its_name(box, cut):
    path = npz(box, compressed=True, labels=LABELS, scores=SCORES)
    content = bytearray(path.read_bytes())
    for damaged in (bytes(content[:cut]), bytes(content[:-cut])):
        with pytest.raises(DataError):
            box.open(box.write(damaged, "cut.npz"))
    content[cut] ^= 0xFF
    box.write(bytes(content), "flipped.npz")
    with contextlib.suppress(DataError):  # it may have been a byte that means nothing
        box.open(box.folder / "flipped.npz")


def test_an_archive_without_arrays_says_so(box):
    with zipfile.ZipFile(box.folder / "t.npz", "w") as stream:
        stream.writestr("a.txt", "x")
    with pytest.raises(DataError, match="contains no arrays"):
        box.open(box.folder / "t.npz")


def test_text_that_is_none_is_refused(box):
    with pytest.raises(DataError) as caught:
        box.open(npz(box, labels=np.array([b"\xff", b"a"]), preds=np.array([b"a", b"a"])))
    assert caught.value.slug == "array-kind"


def test_an_array_in_python_2_s_words_is_read(box):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, LABELS)
    content = stream.getvalue().replace(b"(50,), ", b"(50L,),")
    assert npy_file(box.write(content, "t.npy")).read().tolist() == LABELS.tolist()


def test_an_empty_array_has_no_rows(box):
    found = box.open(npz(box, labels=np.zeros(0, int), preds=np.zeros(0, int)))
    assert found.n_rows == 0
    assert list(found.batches("label")) == [] or columns(found, "label")["label"].tolist() == []


# What a program holds in memory


def test_a_mapping_of_arrays_is_a_table(box):
    found = box.open({"label": LABELS, "scores": SCORES})
    assert columns(found, "prediction")["prediction"].tolist() == SCORES.argmax(axis=1).tolist()
    assert found.facts.provenance.data_fingerprint == ""


def test_lists_and_tensors_are_arrays_too(box):
    import torch

    found = box.open(
        {"label": LABELS.tolist(), "logits": torch.tensor(SCORES, dtype=torch.bfloat16)}
    )
    assert found.n_rows == 50
    found = box.open({"label": torch.tensor(LABELS), "prediction": LABELS.tolist()})
    assert columns(found, "label")["label"].tolist() == LABELS.tolist()


def test_a_data_frame_is_a_table(box):
    import pandas as pd

    frame = pd.DataFrame(
        {
            "label": ["NA", "b", "b"],
            "prediction": pd.Categorical(["b", "b", "NA"]),
            "site": ["x", None, "y"],
            "age": [1.5, None, 3],
        }
    )
    found = box.open(frame)
    assert found.facts.classes == ("NA", "b")
    rows = columns(found, "label", "prediction", "site", "age")
    assert rows["label"].tolist() == [0, 1, 1]
    assert rows["prediction"].tolist() == [1, 1, 0]
    assert rows["site"].tolist() == ["x", "", "y"]
    assert np.isnan(rows["age"][1])


@pytest.mark.parametrize(
    ("frame", "slug"),
    [
        ({"label": ["a", 1], "prediction": ["a", "a"]}, "labels-mixed"),
        ({"label": ["a", None], "prediction": ["a", "a"]}, "label-empty"),
        ({"label": [["a"], ["b"]], "prediction": ["a", "a"]}, "table-columns"),
    ],
)
def test_a_data_frame_that_can_not_be_trusted_is_refused(box, frame, slug):
    import pandas as pd

    frame = {name: pd.Series(values, dtype=object) for name, values in frame.items()}
    if slug == "table-columns":
        frame = {"label": np.zeros((2, 2, 2)), "prediction": [1, 2]}
    with pytest.raises(DataError) as caught:
        box.open(pd.DataFrame(frame) if slug != "table-columns" else frame)
    assert caught.value.slug == slug


def test_two_columns_of_one_name_in_a_data_frame_are_refused(box):
    import pandas as pd

    with pytest.raises(DataError) as caught:
        box.open(pd.DataFrame([["a", "b"]], columns=["label", "label"]))
    assert caught.value.slug == "table-columns"


# Parquet


def parquet(box, table, name="t.parquet", **more):
    path = box.folder / name
    pq.write_table(table if isinstance(table, pa.Table) else pa.table(table), path, **more)
    return path


NAMES = np.array(["ant", "bee", "cow", "dog"])


@pytest.mark.parametrize(
    "labels",
    [
        pa.array(LABELS),
        pa.array(LABELS, pa.int8()),
        pa.array(LABELS, pa.uint64()),
        pa.array(LABELS.astype(float)),
        pa.array(LABELS.astype("f4")),
        pa.array(NAMES[LABELS]),
        pa.array(NAMES[LABELS].tolist(), pa.large_string()),
        pa.array(NAMES[LABELS]).dictionary_encode(),
        pa.array(NAMES[LABELS]).cast(pa.string_view()),
        pa.array(NAMES[LABELS].tolist(), pa.large_string()).dictionary_encode(),
        pa.array(LABELS.tolist(), pa.decimal128(10, 0)),
    ],
    ids=lambda a: str(a.type),
)
def test_labels_in_parquet_may_have_any_type(box, labels):
    try:
        path = parquet(box, {"y_true": labels, "y_pred": labels}, row_group_size=17)
    except pa.ArrowNotImplementedError:
        assert str(labels.type) == "string_view"
        pytest.skip(f"pyarrow {pa.__version__} writes no string_view")
    found = box.open(path, classes=tuple(NAMES))
    assert columns(found, "label")["label"].tolist() == LABELS.tolist()
    assert found.facts.samples.found == 50
    assert not found.has_confidence


@pytest.mark.parametrize("kind", [pa.float32(), pa.float64(), pa.float16()])
@pytest.mark.parametrize("fixed", [True, False])
def test_scores_in_parquet_are_lists(box, kind, fixed):
    scores = SCORES.astype("f2")
    flat = pa.array(scores.ravel()).cast(kind)
    lists = (
        pa.FixedSizeListArray.from_arrays(flat, 4)
        if fixed
        else pa.ListArray.from_arrays(np.arange(0, 201, 4), flat)
    )
    found = box.open(parquet(box, {"label": LABELS, "logits": lists}, row_group_size=13))
    assert columns(found, "prediction")["prediction"].tolist() == scores.argmax(axis=1).tolist()


def test_missing_scores_are_left_out_and_counted(box):
    lists = pa.array([[1.0, 2.0], None, [None, 1.0], [3.0, 1.0]])
    found = box.open(parquet(box, {"label": [0, 1, 1, 0], "scores": lists}), max_bad=2)
    assert found.facts.samples.counted == 2
    assert columns(found, "prediction", "id")["id"].tolist() == ["0", "3"]


@pytest.mark.parametrize("lists", [[[1.0], [1.0, 2.0]], [[], []], [None, None]])
def test_lists_of_scores_in_parquet_need_one_length(box, lists):
    path = parquet(box, {"label": [0, 1], "scores": pa.array(lists, pa.list_(pa.float64()))})
    with pytest.raises(DataError) as caught:
        box.open(path)
    assert caught.value.slug == "scores-length"


def test_a_row_of_parquet_is_named_by_its_place(box):
    with pytest.raises(DataError, match=r"row 2 \(from 0\): the label is empty"):
        box.open(parquet(box, {"label": ["a", "b", None], "prediction": ["a", "b", "a"]}))


def test_a_folder_of_parts_is_one_table(box):
    folder = box.folder / "parts"
    folder.mkdir()
    for i in range(3):
        pq.write_table(pa.table({"label": [i], "prediction": [0]}), folder / f"part-{i}.parquet")
    (folder / "_SUCCESS").write_text("")
    found = box.open(folder)
    assert columns(found, "label")["label"].tolist() == [0, 1, 2]
    assert len(found.facts.provenance.data_fingerprint) == 64
    pq.write_table(pa.table({"label": [1]}), folder / "part-9.parquet")
    with pytest.raises(DataError, match="part-9"):
        box.open(folder)


def test_a_folder_without_parts_is_refused(box):
    with pytest.raises(DataError) as caught:
        box.open(box.spool)
    assert caught.value.slug == "input-is-folder"


def test_metadata_keeps_its_type(box):
    table = {"label": [0, 1], "prediction": [0, 1], "age": [3, None], "ok": [True, None], "t": [[1], [2]],
             "when": pa.array([0, 1], pa.timestamp("s"))}  # fmt: skip
    found = box.open(parquet(box, table))
    rows = columns(found, "age", "ok")
    assert rows["age"][0] == 3
    assert np.isnan(rows["age"][1])
    assert rows["ok"].tolist() == ["true", ""]
    assert {n.code: n.examples for n in found.facts.notes}["columns-left-out"] == ("t", "when")


@pytest.mark.parametrize(
    "content", [b"PAR1", b"PAR1" + bytes(100) + b"PAR1", b"PAR1xxxx\xff\xff\xff\x7fPAR1"]
)
def test_damaged_parquet_is_an_error_with_its_name(box, content):
    with pytest.raises(DataError) as caught:
        box.open(box.write(content, "t.parquet"))
    assert caught.value.slug == "predictions-damaged"


def test_what_we_wrote_ourselves_is_opened_as_it_is(box):
    from reportgen.predictions import Predictions, RunFacts
    from reportgen.predictions.parts import write_predictions
    from reportgen.provenance import Accounting, Provenance

    path = box.folder / "ours.parquet"
    facts = RunFacts(("a", "b"), Provenance(kind="inference"), Accounting(0, 0))
    write_predictions(path, facts, iter(()))
    assert isinstance(box.open(path), Predictions)


def test_numbers_as_ids_are_texts(box):
    found = box.open(parquet(box, {"id": [5, 6, 7], "label": [0, 1, 1], "prediction": [0, 0, 0]}))
    assert columns(found, "id")["id"].tolist() == ["5", "6", "7"]
    with pytest.raises(DataError, match='the id "5" appears in two rows'):
        box.open(parquet(box, {"id": [5, 5, 7], "label": [0, 1, 1], "prediction": [0, 0, 0]}))


@pytest.mark.parametrize(
    ("content", "name", "slug"),
    [
        (b"x", "t.xlsx", "input-kind"),
        (b"", "t", "input-kind"),
        (b"{}", "t.json", "input-kind"),
        (None, "none.csv", "input-missing"),
    ],
)
def test_what_has_no_known_format_is_refused(box, content, name, slug):
    path = box.folder / name
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        box.open(path)
    assert caught.value.slug == slug


@pytest.mark.parametrize(
    ("array", "expected"), [(np.eye(3), "matrix"), (SCORES, "predictions"), (LABELS, "predictions")]
)
def test_a_square_array_is_a_matrix_unless_labels_come_with_it(box, array, expected):
    path = npy(box, array)
    assert kind_of(path, InputOptions()) == expected
    assert kind_of(path, InputOptions(labels=path)) == "predictions"
    assert kind_of(path, InputOptions(kind="matrix")) == "matrix"
