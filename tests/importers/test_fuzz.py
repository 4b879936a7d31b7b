"""Whatever a file holds: a result, or one of our errors, and soon. Never another exception."""

import contextlib
import io
import json
import sys
import time
import unicodedata
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reportgen.errors import DataError, ReportgenError
from reportgen.evaluation import evaluate_matrix
from reportgen.importers import NormalisedMatrix, kind_of, open_predictions, read_matrix_any
from reportgen.options.importing import InputOptions

GIBIBYTES = 4  # beside what the tests hold already; a result takes megabytes
SECONDS = 5  # of a machine that may be busy; a result takes milliseconds
fuzz = settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def bounded_memory():
    """A file of some bytes that makes a table of gigabytes ends as MemoryError."""
    if not sys.platform.startswith("linux"):
        yield
        return
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_AS)
    held = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + (GIBIBYTES << 30), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def swallow(path, spool, **options):
    """Read a file as whatever it seems to be, all the way."""
    start = time.perf_counter()
    try:
        settings = InputOptions.of(options)
        kind = kind_of(path, settings)
        if kind == "predictions":
            found = open_predictions(path, settings, spool=spool)
            n = 0
            for batch in found.batches("id", "label", "prediction", "confidence", "top_classes"):
                assert (batch["label"] >= 0).all()
                assert max(batch["label"].max(initial=0), batch["prediction"].max(initial=0)) < len(
                    found.facts.classes
                )
                n += len(batch["label"])
            assert n == found.n_rows == found.facts.samples.counted
        elif kind == "matrix":
            matrix = read_matrix_any(path, settings)
            if not isinstance(matrix.matrix, NormalisedMatrix) and matrix.matrix.n_samples:
                evaluate_matrix(matrix.matrix, matrix.classes, matrix.provenance, matrix.notes)
    except ReportgenError as error:
        said = error.lines()
    else:
        said = []
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for line in said for c in line)
    assert time.perf_counter() - start < SECONDS


def valid_files():
    npz, npy, parquet, matrix = (io.BytesIO() for _ in range(4))
    labels = np.arange(6) % 3
    scores = np.eye(3)[labels[::-1]] * 3
    np.savez_compressed(npz, labels=labels, logits=scores, ids=np.array(list("abcdef")))
    np.save(npy, np.zeros(5, [("label", "i4"), ("prediction", "i4")]))
    np.save(matrix, np.arange(9).reshape(3, 3))
    pq.write_table(
        pa.table({"label": ["a", "b"], "prediction": ["b", "b"], "score": [0.5, 1.0]}), parquet
    )
    rows = [{"label": "a", "prediction": "b", "probabilities": {"a": 0.5, "b": 0.5}}] * 3
    return {
        "t.csv": b'id,label,prediction,score\nx,a,b,0.5\n"y",b,b,1\nz,"a,c",b,0\n',
        "u.csv": b"label,prob_a,prob_b\na,0.5,0.5\nb,1,0\n",
        "t.tsv": b"label\tprediction\n1\t2\n2\t2\n",
        "m.csv": b",a,b\na,1,2\nb,3,4\n",
        "n.csv": b"1,2\n3,4\n",
        "l.csv": b"true,predicted,count\na,b,3\nb,b,4\n",
        "t.jsonl": "\n".join(map(json.dumps, rows)).encode(),
        "m.json": b'{"classes": ["a", "b"], "counts": [[1, 2], [3, 4]], "support": [3, 7]}',
        "t.npz": npz.getvalue(),
        "t.npy": npy.getvalue(),
        "m.npy": matrix.getvalue(),
        "t.parquet": parquet.getvalue(),
    }


FILES = valid_files()
EDIT = st.tuples(st.floats(0, 1), st.integers(0, 3), st.binary(min_size=1, max_size=6))
TEXT_EDIT = st.tuples(
    st.floats(0, 1),
    st.integers(0, 3),
    st.sampled_from(
        [b",", b'"', b"\n", b"\r", b"\0", b"\xff", b"[", b"{", b"}", b"]", b":", b"NaN", b"-1", b"1e400", b"null",
         b"0.5", b"\xef\xbb\xbf", b"\xff\xfe", b" ", b"label", b"true", b"9" * 30, b"\xed\xa0\x80", b"\\ud800"]
    ),
)  # fmt: skip


def edited(content, edits):
    for where, cut, new in edits:
        at = int(where * len(content))
        content = content[:at] + new + content[at + cut :]
    return content


@pytest.mark.parametrize("name", FILES)
def test_the_files_that_are_damaged_here_are_good_ones(name, tmp_path):
    path = tmp_path / name
    path.write_bytes(FILES[name])
    if kind_of(path, InputOptions()) == "predictions":
        assert open_predictions(path, spool=tmp_path).n_rows
    else:
        assert read_matrix_any(path).classes


@fuzz
@given(st.data())
@pytest.mark.parametrize("name", FILES)
def test_a_damaged_file_is_read_or_refused(name, tmp_path, data):
    kind = TEXT_EDIT if name.endswith(("csv", "tsv", "json", "jsonl")) else EDIT
    content = edited(FILES[name], data.draw(st.lists(kind, min_size=1, max_size=4)))
    path = tmp_path / name
    path.write_bytes(content)
    options = data.draw(
        st.sampled_from([{}, {"kind": "matrix"}, {"kind": "predictions"}, {"classes": ("a", "b")}, {"max_bad": 9},
                         {"kind": "matrix", "normalised": True}, {"labels_are": "indices"}, {"ignore_label": ""}])
    )  # fmt: skip
    swallow(path, tmp_path, **options)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
        st.sampled_from(["classes", "counts", "matrix", "cells", "rows", "support", "confusion_matrix", "label", "prediction", "scores"]),
        inner, max_size=4,
    ),
    max_leaves=20,
)  # fmt: skip


@fuzz
@given(JSON)
def test_any_json_is_read_or_refused(tmp_path, value):
    for name in ("t.json", "t.jsonl"):
        (tmp_path / name).write_text(json.dumps(value))
        swallow(tmp_path / name, tmp_path)
    swallow(tmp_path / "t.json", tmp_path, kind="matrix")


@fuzz
@given(
    st.text(st.sampled_from(list('ab01.,;\t"\n\r -')) | st.characters(codec="utf-8"), max_size=60)
)
def test_any_text_is_read_or_refused(tmp_path, text):
    path = tmp_path / "t.csv"
    path.write_bytes(text.encode())
    swallow(path, tmp_path)
    swallow(path, tmp_path, kind="matrix")
    path.write_bytes(b"label,prediction,score\n" + text.encode())
    swallow(path, tmp_path)


VALUES = st.one_of(
    st.lists(
        st.lists(
            st.integers(-2, 2**64) | st.floats() | st.text(max_size=2) | st.none(), max_size=3
        ),
        max_size=3,
    ),
    st.lists(st.integers() | st.text(max_size=2), max_size=3),
)


@fuzz
@given(VALUES)
def test_any_value_is_a_matrix_or_refused(value):
    for options in (InputOptions(), InputOptions(normalised=True), InputOptions(rows="predicted")):
        with contextlib.suppress(ReportgenError):
            read_matrix_any(value, options)


def test_bombs_are_refused_before_they_are_unpacked(tmp_path):
    """In a process of its own, whose memory is measured."""
    import subprocess
    import sys

    program = f"""
import zipfile
from pathlib import Path
from reportgen.errors import DataError
from reportgen.importers import kind_of, open_predictions, read_matrix_any
from reportgen.options import InputOptions
import numpy as np
folder = Path({str(tmp_path)!r})
header = b"\\x93NUMPY\\x01\\x00v\\x00" + b"{{'descr': '<f8', 'fortran_order': False, 'shape': (%d, %d), }}"
def npy(n, m):
    text = (header % (n, m))
    return text[:10] + text[10:].ljust(117) + b"\\n"
(folder / "huge.npy").write_bytes(npy(10**6, 10**6))
with zipfile.ZipFile(folder / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
    with archive.open("labels.npy", "w", force_zip64=True) as stream:
        stream.write(npy(10**8, 1))
        for _ in range(100):
            stream.write(bytes(8 * 10**6))
(folder / "deep.json").write_text("[" * 5_000_000)
(folder / "deep.jsonl").write_text("{{" * 5_000_000)
(folder / "wide.csv").write_text("label,prediction\\n" + '"' + "x" * 20_000_000)
def peak_mb():
    # ru_maxrss would begin with what the parent had when it forked
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024 if "VmHWM:" in status else 0
for name in ("huge.npy", "bomb.npz", "deep.json", "deep.jsonl", "wide.csv"):
    try:
        kind = kind_of(folder / name, InputOptions())
        read_matrix_any(folder / name) if kind == "matrix" else open_predictions(folder / name, spool=folder)
    except DataError as error:
        print(name, error.slug)
print(peak_mb())
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    *refused, peak = done.stdout.splitlines()
    assert refused == [
        "huge.npy array-damaged", "bomb.npz array-bomb", "deep.json table-syntax",
        "deep.jsonl table-syntax", "wide.csv table-syntax",
    ]  # fmt: skip
    assert int(peak) < 300


def test_a_refused_file_leaves_nothing_behind(tmp_path):
    with pytest.raises(DataError):
        open_predictions(_written(tmp_path, "label,prediction\na\n"), spool=tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["t.csv"]


def _written(folder, text):
    (folder / "t.csv").write_text(text)
    return folder / "t.csv"
