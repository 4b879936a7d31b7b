"""``.keras`` as MODEL: Keras on PyTorch gives the cells of ``model.predict``."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.adapters.keras_model import _backend_of_torch
from tests.inference.builders import colour_tree

if find_spec("keras") is None:  # importing it would choose its backend
    pytest.skip("needs the extra keras", allow_module_level=True)

pytestmark = [pytest.mark.extra, pytest.mark.filterwarnings("ignore")]

NAMES = ("cat", "dog", "ship")


@pytest.fixture(scope="module")
def keras() -> Any:
    with _backend_of_torch():
        import keras
    return keras


def network(keras: Any, *before: Any, **first: Any) -> Any:
    """A small classifier with a softmax, which tells plain colours apart."""
    keras.utils.set_random_seed(4)
    layers = keras.layers
    model = keras.Sequential([
        keras.Input((8, 8, 3), **first), *before, layers.Conv2D(6, 3, activation="relu"),
        layers.BatchNormalization(), layers.GlobalAveragePooling2D(), layers.Dropout(0.5),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    weights, bias = model.layers[-1].get_weights()
    plain = np.repeat(np.repeat(np.eye(3)[:, None, None], 8, 1), 8, 2).astype(np.float32)
    scores = np.log(model.predict(plain * (255 if before else 1), verbose=0))
    model.layers[-1].set_weights([weights, bias - scores.mean(0)])
    return model


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return colour_tree(tmp_path_factory.mktemp("keras") / "data", n=5)


def cells(model: Any, data: Path, factor: float) -> list[list[int]]:
    """The matrix of ``model.predict``."""
    counts = np.zeros((3, 3), int)
    for file in sorted(data.rglob("*.png")):
        pixels = np.asarray(Image.open(file).convert("RGB"), np.float32)[None] * factor
        scores = model.predict(pixels, verbose=0)
        counts[NAMES.index(file.parent.name), int(scores.argmax())] += 1
    return counts.tolist()


def run(path: Path, data: Path, **options: Any) -> reportgen.Evaluation:
    trusted = {"trust_model_code": True, "device": "cpu", **options}
    return reportgen.run(str(path), data, out=path.parent / "out", force=True, **trusted)


def refused(path: Path, data: Path, **options: Any) -> ReportgenError:
    with pytest.raises(ReportgenError) as caught:
        run(path, data, **options)
    assert str(path.parent) not in str(caught.value)
    return caught.value


def test_the_report_has_the_cells_of_model_predict(keras: Any, data: Path, tmp_path: Path) -> None:
    model = network(keras)
    model.save(tmp_path / "net.keras")
    made = run(tmp_path / "net.keras", data)
    assert made.confusion.counts.tolist() == cells(model, data, 1 / 255)
    assert np.count_nonzero(made.confusion.counts.sum(0)) > 1
    said = made.provenance
    assert (said.model.kind, said.model.executes_code) == ("Keras model", True)
    assert said.outputs.startswith("probabilities, ")
    assert said.versions["keras"] == keras.__version__
    assert "tensorflow" not in sys.modules


def test_a_network_that_scales_its_pixels_is_asked_about(
    keras: Any, data: Path, tmp_path: Path
) -> None:
    model = network(keras, keras.layers.Rescaling(1 / 255))
    model.save(tmp_path / "net.keras")
    error = refused(tmp_path / "net.keras", data)
    assert isinstance(error, UsageError)
    assert error.slug == "pixel-range"
    assert "Rescaling, which multiplies by 0.00392157" in error.message
    made = run(tmp_path / "net.keras", data, pixel_range="0-255")
    assert made.confusion.counts.tolist() == cells(model, data, 1)


def test_it_is_loaded_only_where_the_user_trusts_it(keras: Any, data: Path, tmp_path: Path) -> None:
    network(keras).save(tmp_path / "net.keras")
    error = refused(tmp_path / "net.keras", data, trust_model_code=False)
    assert error.slug == "model-untrusted"
    assert (error.hint or "").endswith("--trust-model-code")
    with pytest.raises(UsageError) as caught:
        reportgen.predict("torchvision:resnet18", data, out=tmp_path, trust_model_code=True)
    assert caught.value.hint == "omit --trust-model-code"


def test_a_lambda_layer_is_refused_even_then(keras: Any, data: Path, tmp_path: Path) -> None:
    network(keras, keras.layers.Lambda(lambda x: x * 1.0)).save(tmp_path / "net.keras")
    error = refused(tmp_path / "net.keras", data)
    assert isinstance(error, ModelError)
    assert error.slug == "model-contains-code"


def test_a_fixed_batch_is_padded(keras: Any, data: Path, tmp_path: Path) -> None:
    model = network(keras, batch_size=4)
    model.save(tmp_path / "net.keras")
    made = run(tmp_path / "net.keras", data)
    assert made.n_samples == 15


def test_what_keras_cannot_read_or_take_images_by_is_named(
    keras: Any, data: Path, tmp_path: Path
) -> None:
    import zipfile

    with zipfile.ZipFile(tmp_path / "net.keras", "w") as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", "x")
    assert refused(tmp_path / "net.keras", data).slug == "keras-load"
    flat = keras.Sequential([keras.Input((12,)), keras.layers.Dense(3)])
    flat.save(tmp_path / "net.keras")
    assert refused(tmp_path / "net.keras", data).slug == "keras-input"


def test_old_hdf5_becomes_keras_by_the_printed_line(
    keras: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = network(keras)
    model.save("old.h5")
    for trusted in (True, False):
        error = refused(tmp_path / "old.h5", data, trust_model_code=trusted)
        assert error.slug == "model-format"
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    lines = [line[4:] for line in error.details if line.startswith("    ")]
    exec(compile("\n".join(lines), "hint", "exec"), {})
    made = run(tmp_path / "old.keras", data)
    assert made.confusion.counts.tolist() == cells(model, data, 1 / 255)


def test_a_process_with_another_backend_is_told(
    keras: Any, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network(keras).save(tmp_path / "net.keras")
    monkeypatch.setattr(keras.backend, "backend", lambda: "tensorflow")
    error = refused(tmp_path / "net.keras", data)
    assert error.slug == "keras-backend"
    assert "KERAS_BACKEND=torch" in (error.hint or "")


def test_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "keras")
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    with _backend_of_torch():
        assert os.environ["KERAS_BACKEND"] == "torch"
    assert os.environ["KERAS_BACKEND"] == "jax"


def test_keras_own_export_to_onnx_gives_the_same_cells(
    keras: Any, data: Path, tmp_path: Path
) -> None:
    pytest.importorskip("onnxruntime", reason="needs the extra onnx")
    model = network(keras)
    model.export(tmp_path / "net.onnx", format="onnx", verbose=False)
    made = reportgen.run(str(tmp_path / "net.onnx"), data, out=tmp_path / "out")
    assert made.confusion.counts.tolist() == cells(model, data, 1 / 255)
