"""`Predict` and `collect`: the bytes of a single run from batches in any order, or a refusal."""

import multiprocessing
import pickle
import random
import re
import shutil
import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

import reportgen
from reportgen.engines import Predict, collect
from reportgen.errors import DataError, OutputError, UsageError
from tests.inference.builders import image_tree
from tests.test_shards import NETWORKS

OPTIONS = {"classes": ["cat", "dog", "ship"], "batch_size": 4, "data_name": "data", "max_bad": 9}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """24 images in three folders; one can't be read, two are the same."""
    root = tmp_path_factory.mktemp("engines")
    (root / "net.py").write_text(NETWORKS)
    data = image_tree(root / "data", {"cat": 10, "dog": 7, "ship": 7})
    (data / "dog/005.png").write_text("<html>")
    shutil.copy(data / "cat/003.png", data / "ship/004.png")
    return root


@pytest.fixture
def here(source, tmp_path, monkeypatch):
    shutil.copytree(source, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def batches(here, size=5, column="path"):
    """Batches of the images in a random order, as mappings."""
    files = sorted((here / "data").rglob("*.png"))
    made = []
    for at in range(0, len(files), size):
        some = files[at : at + size]
        image = [p.read_bytes() for p in some] if column == "image" else [str(p) for p in some]
        names = [p.relative_to(here / "data").as_posix() for p in some]
        made.append({"id": names, "label": [p.parent.name for p in some], column: image})
    random.Random(2).shuffle(made)
    return made


def ids(made):
    return [name for batch in made for name in batch["id"]]


def single(here, model="net.py:make", **options):
    reportgen.predict(model, "data", out="one", **{**OPTIONS, **options})
    return contents(here / "one")


def contents(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()}


def refused(call, slug, kind):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.slug == slug, caught.value
    return caught.value


@pytest.mark.parametrize("column", ["path", "image"])
@pytest.mark.parametrize("size", [1, 5, 24])
def test_batches_of_any_size_and_order_give_the_bytes_of_a_single_run(here, column, size):
    predict, made = Predict("net.py:make", **OPTIONS), batches(here, size, column)
    collected = collect(map(predict, made), "two", expected=ids(made))
    assert contents(here / "two") == single(here)
    assert (collected.n_rows, collected.facts.samples.excluded) == (23, {"unreadable": 1})


@pytest.mark.slow
def test_a_process_pool_gives_the_bytes_of_a_single_run(here):
    made = batches(here)
    with ProcessPoolExecutor(
        2,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=start,
        initargs=("net.py:make",),
    ) as pool:
        collect(pool.map(work, made), "two", expected=ids(made))
    assert contents(here / "two") == single(here)


@pytest.mark.slow
def test_the_pool_of_the_document_gives_the_bytes_of_a_single_run(here):
    page = (Path(__file__).parents[2] / "docs/scale.md").read_text("utf-8")
    (script,) = re.findall(r"^```python\n(# pool\.py\n.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (here / "pool.py").write_text(script.replace("model.pt2", "net.py:make"))
    (here / "data").rename(here / "test")
    (here / "test/dog/005.png").unlink()
    subprocess.run([sys.executable, "pool.py", "two"], check=True)
    reportgen.predict(
        "net.py:make", "test", out="one", classes=OPTIONS["classes"], data_name="test"
    )
    assert contents(here / "two") == contents(here / "one")


def start(model):
    work.predict = Predict(model, **OPTIONS)


def work(batch):
    return work.predict(batch)


def test_the_rows_of_a_batch_follow_from_it_alone(here):
    """Not from the batches before, nor from the process: a repeated task gives the same table."""
    predict, made = Predict("net.py:make", **OPTIONS), batches(here)
    before = [predict(batch) for batch in made]
    again = pickle.loads(pickle.dumps(predict))
    for batch, rows in reversed(list(zip(made, before, strict=True))):
        assert predict(batch).equals(rows)
        assert again(batch).equals(rows)


def test_threads_are_as_before_after_a_batch(here, monkeypatch):
    import torch

    seen = []
    before = torch.get_num_threads()
    monkeypatch.setattr(torch, "set_num_threads", seen.append)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 5)
    Predict("net.py:make", threads=3, **OPTIONS)(batches(here)[0])
    assert seen == [3, 5]
    assert before


def test_labels_are_names_or_indices_or_unknown(here):
    predict, batch = Predict("net.py:make", **OPTIONS), batches(here)[0]
    images = {"id": ["a", "b", "c"], "path": batch["path"][:3]}
    for given, held in (
        (["ship", None, "cat"], [2, -1, 0]),
        (np.array([1, 2, -1]), [1, 2, -1]),
        (pa.array([0, None, 2]), [0, -1, 2]),
    ):
        assert predict({**images, "label": given})["label"].to_pylist() == held
    assert predict(images)["label"].to_pylist() == [-1, -1, -1]
    for wrong in (["bird", None, None], [3, 0, 0], [0.5, 0, 0], [-2, 0, 0], [True, "x", None]):
        refused(partial(predict, {**images, "label": wrong}), "class-unknown", DataError)


@pytest.mark.parametrize("form", [pa.table, pa.record_batch, dict])
def test_batches_are_arrow_or_mappings(here, form):
    predict, batch = Predict("net.py:make", **OPTIONS), batches(here, column="image")[0]
    assert predict(form(batch)).equals(predict(batch))
    assert len(predict({name: [] for name in batch})) == 0


def test_other_columns_are_refused(here):
    predict, batch = Predict("net.py:make", **OPTIONS), batches(here)[0]
    for changes in (
        {"path": None},
        {"id": None},
        {"image": [b""] * 5},
        {"id": ["a"]},
        {"id": [1] * 5},
        {"path": [b"x"] * 5},
    ):
        changed = {k: v for k, v in {**batch, **changes}.items() if v is not None}
        refused(partial(predict, changed), "batch-columns", DataError)


def test_an_image_that_is_none_is_a_bad_sample(here):
    rows = Predict("net.py:make", **OPTIONS)({"id": ["a", "b"], "image": [None, b"<html>"]})
    assert rows["reason"].to_pylist() == ["is empty", "is not an image (starts with <html)"]


def test_rows_must_be_one_for_each_expected_id(here):
    predict, made = Predict("net.py:make", **OPTIONS), batches(here)
    tables, names = [predict(batch) for batch in made], ids(made)
    for given, expected, says in (
        ([*tables, tables[2]], names, "has more than one row"),
        (tables[1:], names, "has no row"),
        (tables, names[1:], "is not expected"),
    ):
        call = partial(collect, given, "two", expected=expected)
        assert says in refused(call, "rows-differ", DataError).message
        assert not list((here / "two").iterdir())


def test_rows_of_other_settings_are_refused(here):
    made = batches(here)
    one, other = (Predict("net.py:make", **{**OPTIONS, **o}) for o in ({}, {"crop": "6"}))
    tables = [one(made[0]), *map(other, made[1:])]
    call = partial(collect, tables, "two", expected=ids(made))
    assert "preprocessing" in refused(call, "rows-mixed", UsageError).message


def test_outputs_that_batches_read_differently_are_refused(here):
    """Logits for images with a dark corner, probabilities for others."""
    for name, corner in (("dark", 0), ("light", 255)):
        pixels = np.full((8, 8, 3), 90, np.uint8)
        pixels[0, 0] = corner
        Image.fromarray(pixels).save(here / f"{name}.png")
    (here / "net.py").write_text(
        NETWORKS.replace("x[:, :, 0, 0].sum(1, keepdim=True) > 0", "x[:, :1, 0, 0] > 0")
    )
    predict = Predict("net.py:mixed", **OPTIONS)
    tables = [predict({"id": [n], "path": [f"{n}.png"]}) for n in ("dark", "light")]
    call = partial(collect, tables, "two", expected=["dark", "light"])
    assert "in different ways" in refused(call, "rows-mixed", UsageError).message


def test_a_header_stands_for_metadata_that_the_engine_drops(here):
    made = batches(here)
    predict = Predict("net.py:make", outputs="logits", **OPTIONS)
    tables = [predict(batch).replace_schema_metadata(None) for batch in made]
    call = partial(collect, tables, "two", expected=ids(made))
    refused(call, "rows-unknown", DataError)
    call(header=predict.header(made[0]))
    assert contents(here / "two") == single(here, outputs="logits")
    detected = Predict("net.py:make", **OPTIONS).header(made[0])
    refused(partial(call, header=detected, force=True), "rows-unknown", DataError)


def test_tables_of_others_are_refused(here):
    predict, batch = Predict("net.py:make", **OPTIONS), batches(here)[0]
    for tables in ([], [predict(batch).drop_columns(["digest"])], [pa.table({"id": ["a"]})]):
        refused(partial(collect, tables, "two", expected=[]), "rows-unknown", DataError)


def test_what_a_model_does_is_told_once(here):
    made = batches(here, 6)
    predict = Predict("net.py:odd", **OPTIONS)
    notes = collect(map(predict, made), "two", expected=ids(made)).facts.notes
    assert [note.code for note in notes].count("scores-depend-on-batch") == 1


def test_bad_samples_are_limited_and_listed(here):
    made = batches(here)
    predict = Predict("net.py:make", **{**OPTIONS, "max_bad": 0})
    call = partial(collect, map(predict, made), "two", expected=ids(made))
    assert "max_bad=1" in refused(call, "too-many-bad", DataError).hint
    assert "dog/005.png" in (here / "two/bad.csv").read_text()


def test_other_predictions_and_reports_stay(here):
    predict, made = Predict("net.py:make", **OPTIONS), batches(here)
    call = partial(collect, [predict(batch) for batch in made], "two", expected=ids(made))
    call()
    refused(call, "output-exists", OutputError)
    call(force=True)
    (here / "two/report.html").touch()
    refused(partial(call, force=True), "output-exists", OutputError)


def test_a_predictor_needs_a_named_model_and_its_classes(here):
    refused(lambda: Predict(object()), "model-and-data", UsageError)
    refused(lambda: Predict("net.py:make"), "classes-needed", UsageError)


def test_indices_in_an_order_of_the_data_are_read_by_data_classes(here):
    order = ["ship", "cat", "dog"]
    by_name = Predict("net.py:make", **OPTIONS)
    by_order = Predict("net.py:make", data_classes=order, **OPTIONS)
    for batch in batches(here):
        indices = [order.index(name) for name in batch["label"]]
        assert by_order(batch | {"label": indices}) == by_name(batch)
    one = batches(here)[0]
    unknown = by_order(one | {"label": [None, -1, *([0] * (len(one["id"]) - 2))]})
    assert unknown["label"].to_pylist()[:2] == [-1, -1]
    error = refused(lambda: by_order(one), "option-conflict", UsageError)
    assert error.hint == "omit data_classes=: names need no order"
    far = one | {"label": [3] * len(one["id"])}
    refused(lambda: by_order(far), "class-unknown", DataError)
    strange = Predict("net.py:make", data_classes=["a", "b"], **OPTIONS)
    refused(lambda: strange(one), "class-unknown", DataError)
