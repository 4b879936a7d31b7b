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
from reportgen.errors import ModelError
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
