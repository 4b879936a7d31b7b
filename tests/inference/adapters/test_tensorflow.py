"""SavedModel and TFLite become ONNX by the lines that are printed, with the real TensorFlow.

It lives in an environment of its own, ``.venv-tensorflow``: in one process with the rest it crashes.
``make test-tensorflow`` makes it and runs these tests.
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen.errors import DataError, ModelError
from reportgen.inference.models.loading import load_model
from tests.conftest import CHECKOUT
from tests.inference.builders import colour_tree

PYTHON = CHECKOUT / ".venv-tensorflow/bin/python"
pytestmark = [
    pytest.mark.extra,
    pytest.mark.skipif(not PYTHON.exists(), reason="needs make test-tensorflow"),
]

PROGRAM = """
import keras, numpy, tensorflow
keras.utils.set_random_seed(1)
model = keras.Sequential([
    keras.Input((8, 8, 3)), keras.layers.Conv2D(6, 3, activation="relu"),
    keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax"),
])
images, labels = (numpy.load("data.npz")[name] for name in ("images", "labels"))
scores = numpy.log(model.predict(images, verbose=0))
weights, bias = model.layers[-1].get_weights()
model.layers[-1].set_weights([weights, bias - scores.mean(0)])
model.export("saved")
lite = tensorflow.lite.TFLiteConverter.from_saved_model("saved").convert()
open("net.tflite", "wb").write(lite)
found = model.predict(images, verbose=0).argmax(1)
numpy.save("cells.npy", tensorflow.math.confusion_matrix(labels, found, 3).numpy())
"""


def python(*words: str, cwd: Path) -> None:
    done = subprocess.run([PYTHON, *words], cwd=cwd, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``saved``, ``net.tflite``, ``data`` and the cells that TensorFlow counts."""
    root = tmp_path_factory.mktemp("tensorflow")
    files = sorted(colour_tree(root / "data", n=6).rglob("*.png"))
    images = [np.asarray(Image.open(f).convert("RGB"), np.float32) / 255 for f in files]
    labels = [("cat", "dog", "ship").index(f.parent.name) for f in files]
    np.savez(root / "data.npz", images=images, labels=labels)
    python("-c", PROGRAM, cwd=root)
    return root


@pytest.mark.parametrize("name", ["saved", "net.tflite"])
def test_the_printed_line_makes_a_model_with_the_cells_of_tensorflow(
    name: str, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    with pytest.raises(ModelError) as caught:
        load_model(name)
    said = [*caught.value.details, caught.value.hint or ""]
    line = next(one for one in said if "python -m" in one).partition("python ")[2]
    words = line.split()
    python(*words, cwd=made)
    result = reportgen.run(words[words.index("--output") + 1], "data", out=tmp_path / "out")
    assert result.confusion.counts.tolist() == np.load(made / "cells.npy").tolist()
    assert np.count_nonzero(result.confusion.counts.sum(0)) > 1
    assert result.provenance.inference["model input"] == "float32, NHWC"


RECORDS = """
import numpy, tensorflow
images, labels = (numpy.load("data.npz")[name] for name in ("images", "labels"))
def feature(kind, value):
    lists = {"bytes_list": tensorflow.train.BytesList, "int64_list": tensorflow.train.Int64List}
    return tensorflow.train.Feature(**{kind: lists[kind](value=[value])})
for shard in range(2):
    with tensorflow.io.TFRecordWriter(f"set.tfrecord-{shard:05}-of-00002") as records:
        for image, label in zip(images[shard::2], labels[shard::2]):
            encoded = tensorflow.io.encode_png(numpy.uint8(numpy.round(255 * image))).numpy()
            features = {"image/encoded": feature("bytes_list", encoded),
                        "image/class/label": feature("int64_list", int(label))}
            example = tensorflow.train.Features(feature=features)
            records.write(tensorflow.train.Example(features=example).SerializeToString())
"""


def test_the_printed_lines_make_a_table_of_records(
    made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(made)
    python("-m", "tf2onnx.convert", "--saved-model", "saved", "--output", "model.onnx", cwd=made)
    python("-c", RECORDS, cwd=made)
    with pytest.raises(DataError) as caught:
        reportgen.run("model.onnx", "set.tfrecord-00000-of-00002", out=tmp_path / "out")
    lines = [line[4:] for line in caught.value.details if line.startswith("    ")]
    python("-c", "\n".join(lines), cwd=made)
    assert caught.value.hint == "then pass labels.csv as DATA"
    classes = ["cat", "dog", "ship"]
    result = reportgen.run("model.onnx", "labels.csv", out=tmp_path / "out", classes=classes)
    assert result.confusion.counts.tolist() == np.load(made / "cells.npy").tolist()
