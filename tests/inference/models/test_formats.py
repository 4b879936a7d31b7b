"""Every format that is not read is named truly, with a way that works when it is followed."""

from __future__ import annotations

import importlib
import importlib.util
import json
import pickle
import sys
import types
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import reportgen
from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.models.loading import load_model
from tests.inference.builders import accuracy, colour_tree


def refused(spec: object, kind: type[ReportgenError] = ModelError, **options: Any) -> Any:
    with pytest.raises(kind) as caught:
        load_model(str(spec), **options)
    assert type(caught.value) is kind
    return caught.value


def zipped(path: Path, **entries: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in entries.items():
            archive.writestr(name.replace("__", "/").replace("_DOT_", "."), content)
    return path


OPENVINO = '<?xml version="1.0"?>\n<net name="Model0" version="11">\n<layers>'
FILES: dict[str, tuple[Callable[[Path], Any], str]] = {
    "ov.xml": (lambda p: p.write_text(OPENVINO), "an OpenVINO model"),
    "bare.xml": (lambda p: p.write_text('<net name="x" version="10">'), "an OpenVINO model"),
    "trees.xml": (lambda p: p.write_text('<?xml version="1.0"?><PMML/>'), "a PMML model"),
    "other.xml": (lambda p: p.write_text('<?xml version="1.0"?><annotation/>'), "an XML file"),
    "pipe.skops": (
        lambda p: zipped(p, schema_DOT_json="{}", a_DOT_npy="x"), "a skops file (scikit-learn)",
    ),
    "pipe.zip": (lambda p: zipped(p, schema_DOT_json="{}"), "a skops file (scikit-learn)"),
    "book.xlsx": (
        lambda p: zipped(p, **{"[Content_Types]_DOT_xml": "", "xl__workbook_DOT_xml": ""}),
        "an Excel workbook",
    ),
    "preds.csv.zip": (lambda p: zipped(p, preds_DOT_csv="a,b"), "a zipped CSV file"),
    "images.zip": (lambda p: zipped(p, cat__1_DOT_png="x"), "a zip archive of images"),
    "arrays.npz": (lambda p: np.savez(p, a=np.ones(2)), "a NumPy archive"),
    "array.npy": (lambda p: np.save(p, np.ones(2)), "a NumPy array"),
    "weights.tfrecord-00000-of-00002": (lambda p: p.write_bytes(b"\x20" + bytes(40)), "a TFRecord file"),
    "set.sqlite": (lambda p: p.write_bytes(b"SQLite format 3\0" + bytes(99)), "an SQLite database"),
    "net.engine": (lambda p: p.write_bytes(b"ftrt" + bytes(99)), "a TensorRT engine"),
    "net.mlmodel": (lambda p: p.write_bytes(b"\x08\x07\x12"), "a Core ML model"),
    "net.pdmodel": (lambda p: p.write_bytes(b"\x0a\xff\x01"), "a Paddle model"),
    "inference.json": (
        lambda p: p.write_text('{"base_code":{"magic":"pir","version":4},"program":{}}'),
        "a Paddle model",
    ),
    "lite": (lambda p: p.write_bytes(b"\x1c\0\0\0TFL3rest"), "a TensorFlow Lite model"),
    "mobile": (lambda p: p.write_bytes(b"\x1c\0\0\0ORTMrest"), "an ONNX Runtime model"),
    "llm": (lambda p: p.write_bytes(b"GGUF\x03\0\0\0"), "a GGUF file"),
    "net.h5": (lambda p: p.write_bytes(b"\x89HDF\r\n\x1a\n"), "a Keras or HDF5 file"),
    "packed.pkl": (lambda p: p.write_bytes(zlib.compress(bytes(range(256)))), "a joblib file"),
    "boost.cbm": (lambda p: p.write_bytes(b"CBM1\0\0"), "a CatBoost model"),
    "boost.txt": (lambda p: p.write_text("tree\nversion=v4\n"), "a LightGBM model"),
    "w.pt.gz": (lambda p: p.write_bytes(b"\x1f\x8b\x08\0"), "a gzip-compressed file"),
    "net.tar": (lambda p: p.write_bytes(bytes(257) + b"ustar\0" + bytes(300)), "a tar archive"),
    "cat.pt2": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n"), "an image"),
    "preds.parquet": (lambda p: p.write_bytes(b"PAR1...."), "a Parquet table"),
    "labels.csv": (lambda p: p.write_text("path,label\n"), "a table"),
    "config.json": (lambda p: p.write_text("{}"), "a JSON file"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_called_what_it_is(tmp_path: Path, name: str) -> None:
    make, what = FILES[name]
    make(tmp_path / name)
    error = refused(tmp_path / name)
    assert error.slug == "model-format"
    assert error.message == f'"{name}" is {what}, which can\'t be run here'
    assert "torch.export program (model.pt2)" in error.hint
    assert str(tmp_path) not in str(error)


def test_a_page_and_a_servers_answer_still_are_failed_downloads(tmp_path: Path) -> None:
    for text in ("<!DOCTYPE html>", '<?xml version="1.0"?><Error><Code>AccessDenied</Code>'):
        (tmp_path / "m.pt2").write_text(text)
        assert refused(tmp_path / "m.pt2").slug == "model-file-html"


# Ways that are followed to the letter


def scores(x: Any) -> Any:
    """Blue is class 0, green class 1, red class 2."""
    return np.ascontiguousarray(9 * np.asarray(x).mean((2, 3))[:, ::-1], dtype=np.float32)


def stand_in(monkeypatch: pytest.MonkeyPatch, name: str, **content: Any) -> None:
    module = types.ModuleType(name)
    module.__dict__.update(content)
    monkeypatch.setitem(sys.modules, name, module)


class Compiled:
    """What openvino.compile_model returns: it is called, and is no function."""

    def __init__(self, path: Any) -> None:
        assert Path(path).exists()

    def __call__(self, x: Any) -> list[Any]:
        return [scores(x)]


RUNTIMES: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "ov.xml": lambda mp: stand_in(mp, "openvino", compile_model=Compiled),
}


def code_in(details: tuple[str, ...]) -> str:
    return "\n".join(line[4:] for line in details if line.startswith("    "))


@pytest.mark.parametrize("name", RUNTIMES)
def test_the_lines_that_are_printed_run_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    FILES[name][0](tmp_path / name)
    error = refused(tmp_path / name)
    assert "own.py beside it, as MODEL own.py:Model:" in error.details[0]
    (tmp_path / "own.py").write_text(code_in(error.details))
    RUNTIMES[name](monkeypatch)
    data = colour_tree(tmp_path / "data")
    made = reportgen.predict(f"{tmp_path}/own.py:Model", data, out=tmp_path / "out")
    assert accuracy(made) == 1


def test_predictions_that_another_program_saved_are_rendered(tmp_path: Path) -> None:
    FILES["ov.xml"][0](tmp_path / "ov.xml")
    error = refused(tmp_path / "ov.xml")
    assert "reportgen render predictions.csv -o OUT" in error.details[-1]
    (tmp_path / "predictions.csv").write_text("path,label,prediction\na,x,x\nb,y,x\nc,y,y\n")
    assert reportgen.load(tmp_path / "predictions.csv").n_samples == 3


def test_tensorflow_lite_is_sent_through_onnx(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.chdir(tmp_path)
    FILES["lite"][0](Path("net.tflite"))
    assert refused(Path("net.tflite")).details[1:] == (
        "    python -m tf2onnx.convert --tflite net.tflite --output net.onnx",
        "then pass net.onnx",
    )


PADDLE = (
    "paddle2onnx --model_dir net --model_filename {} --params_filename inference.pdiparams "
    "--save_file model.onnx"
)


@pytest.mark.parametrize("network", ["inference.json", "inference.pdmodel"])
def test_a_model_of_paddle_is_sent_through_onnx(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, network: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("net").mkdir()
    FILES["inference.json"][0](Path("net") / network)
    Path("net/inference.pdiparams").write_bytes(b"\0\0")
    command = PADDLE.format(network)
    for file in (network, "inference.pdiparams"):
        error = refused(Path("net") / file)
        assert "is a Paddle model" in error.message
        assert error.details[1:] == (f"    {command}", "then pass model.onnx")
    error = refused("net")
    assert error.message == '"net" is a folder with a Paddle model'
    assert error.hint.endswith(f": {command}; then pass model.onnx")


def test_weights_of_paddle_need_their_network(tmp_path: Path) -> None:
    (tmp_path / "net.pdparams").write_bytes(b"\x80\x04")
    error = refused(tmp_path / "net.pdparams")
    assert error.message.startswith('"net.pdparams" is a Paddle model')
    assert "    network.set_state_dict(paddle.load('net.pdparams'))" in error.details
    assert error.details[-1] == "then pass model.onnx"


def test_an_engine_of_tensorrt_is_traced_to_its_onnx_model(tmp_path: Path) -> None:
    FILES["net.engine"][0](tmp_path / "net.engine")
    error = refused(tmp_path / "net.engine")
    assert "built from an ONNX model (trtexec --onnx), pass that model" in error.details[0]
    assert error.details[1].startswith("or save label and prediction of each image as CSV")


# Pickles


class Learner:
    """Pickled under the name of fastai's class."""


class Pipeline:
    """Pickled under the name of scikit-learn's class."""


def pretending(monkeypatch: pytest.MonkeyPatch, kind: type, module: str) -> None:
    for at in range(1, module.count(".") + 2):
        stand_in(monkeypatch, ".".join(module.split(".")[:at]))
    setattr(sys.modules[module], kind.__name__, kind)
    monkeypatch.setattr(kind, "__module__", module)


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_fastai_export_is_named_and_its_way_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: int
) -> None:
    pretending(monkeypatch, Learner, "fastai.learner")
    torch.save({"x": Learner()}, tmp_path / "export.pkl", pickle_protocol=protocol)
    error = refused(tmp_path / "export.pkl")
    assert error.slug == "model-contains-code"
    assert error.message == (
        '"export.pkl" is a fastai export, and contains code (fastai.learner.Learner)'
    )
    as_weights = refused("torchvision:resnet18", weights=tmp_path / "export.pkl")
    assert as_weights.message == error.message
    assert as_weights.details == error.details
    opened = types.SimpleNamespace(model=LikeChannelsFirst())
    sys.modules["fastai.learner"].load_learner = lambda path: opened  # type: ignore[attr-defined]
    (tmp_path / "own.py").write_text(code_in(error.details))
    made = reportgen.predict(
        f"{tmp_path}/own.py:make", colour_tree(tmp_path / "data"), out=tmp_path / "out"
    )
    assert accuracy(made) == 1


class LikeChannelsFirst(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 9 * x.mean((2, 3)).flip(1)


@pytest.mark.parametrize("name", ["model.pkl", "model.pickle", "model.pt"])
def test_a_pickled_pipeline_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    pretending(monkeypatch, Pipeline, "sklearn.pipeline")
    (tmp_path / name).write_bytes(pickle.dumps(Pipeline()))
    error = refused(tmp_path / name)
    assert error.message == (
        f'"{name}" is a pickled scikit-learn model, and contains code (sklearn.pipeline.Pipeline)'
    )
    assert "reportgen render predictions.csv -o OUT" in error.details[-1]


# Files of the real libraries, and their ways followed to the letter


class Brightest(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 9 * x.mean((2, 3)).flip(1)


def library(name: str) -> Any:
    if importlib.util.find_spec(name.partition(".")[0]) is None:
        pytest.skip(f"needs {name} (pip install {name.partition('.')[0]})")
    return importlib.import_module(name)


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return colour_tree(tmp_path / "data")


def own_way(error: ReportgenError, spec: str, data: Path, **options: Any) -> Any:
    """What the printed lines, as own.py, predict of the data."""
    Path("own.py").write_text(code_in(error.details))
    return reportgen.predict(spec, data, out="out", **options)


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["ov.xml", "ov.bin"])
def test_a_model_of_openvino_is_run_by_its_way(here: Path, name: str) -> None:
    openvino = library("openvino")
    made = openvino.convert_model(Brightest(), example_input=torch.zeros(1, 3, 8, 8))
    openvino.save_model(made, "ov.xml")
    error = refused(name)
    assert f'"{name}" is an OpenVINO model' in error.message
    assert accuracy(own_way(error, "own.py:Model", here)) == 1


@pytest.mark.filterwarnings("ignore")
def test_torchscript_is_run_by_both_of_its_ways(here: Path) -> None:
    model, images = nn.Sequential(Brightest(), nn.Linear(3, 3)), torch.zeros(2, 3, 8, 8)
    model[1].load_state_dict({"weight": torch.eye(3), "bias": torch.zeros(3)})  # type: ignore[operator]
    torch.jit.trace(model, images).save("ts.pt")  # type: ignore[no-untyped-call]
    error = refused("ts.pt")
    assert error.slug == "torchscript"
    scope: dict[str, Any] = {"torch": torch, "model": model.eval(), "images": images}
    exec(code_in(error.details), scope)
    exec(error.hint[error.hint.index("torch.export.save") :], scope)
    Path("nets.py").write_text(
        "import torch\nfrom torch import nn\nclass Mean(nn.Module):\n    def forward(self, x):\n"
        "        return 9 * x.mean((2, 3)).flip(1)\n"
        "def factory():\n    return nn.Sequential(Mean(), nn.Linear(3, 3))\n"
    )
    for spec, options in (("nets.py:factory", {"weights": "weights.pt"}), ("model.pt2", {})):
        made = reportgen.predict(spec, here, out="out", force=True, batch_size=2, **options)
        assert accuracy(made) == 1


def test_a_pickled_network_is_run_by_its_way(here: Path) -> None:
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    model[2].load_state_dict({"weight": 9 * torch.eye(3).flip(0), "bias": torch.zeros(3)})  # type: ignore[operator]
    torch.save(model, "module.pt")
    error = refused("module.pt")
    assert error.slug == "model-contains-code"
    exec(code_in(error.details), {"model": model})
    Path("nets.py").write_text(
        "from torch import nn\ndef factory():\n"
        "    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))\n"
    )
    made = reportgen.predict("nets.py:factory", here, out="out", weights="weights.pt")
    assert accuracy(made) == 1


LEARNERS: dict[str, Callable[[Any, str], Any]] = {
    "m.skops": lambda model, name: library("skops.io").dump(model, name),
    "m.joblib": lambda model, name: library("joblib").dump(model, name),
    "packed.joblib": lambda model, name: library("joblib").dump(model, name, compress=3),
    "m.pkl": lambda model, name: Path(name).write_bytes(pickle.dumps(model)),
    "plain.model": lambda model, name: library("joblib").dump(model, name),
}


@pytest.mark.extra
@pytest.mark.parametrize("name", LEARNERS)
def test_a_model_of_scikit_learn_is_rendered_by_its_way(here: Path, name: str) -> None:
    from sklearn.linear_model import LogisticRegression

    X, labels = np.repeat(np.eye(3), 4, axis=0), np.repeat([0, 1, 2], 4)
    LEARNERS[name](LogisticRegression().fit(X, labels), name)
    error = refused(name)
    assert "scikit-learn" in error.message or "a joblib file" in error.message
    exec(code_in(error.details), {"X": X, "labels": labels})
    assert error.details[-1] == "then: reportgen render predictions.csv -o OUT"
    found = reportgen.render("predictions.csv", out="OUT")
    assert found.confusion.counts.tolist() == (4 * np.eye(3, dtype=int)).tolist()


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_an_export_of_fastai_is_run_by_its_way(here: Path) -> None:
    vision = library("fastai.vision.all")
    loaders = vision.ImageDataLoaders.from_folder(here, valid_pct=0.3, bs=2, num_workers=0)
    model = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 3))
    model[2].load_state_dict({"weight": 9 * torch.eye(3).flip(0), "bias": torch.zeros(3)})  # type: ignore[operator]
    learner = vision.Learner(loaders, model, loss_func=vision.CrossEntropyLossFlat())
    learner.path = Path()
    learner.export("export.pkl")
    error = refused("export.pkl")
    assert '"export.pkl" is a fastai export' in error.message
    assert accuracy(own_way(error, "own.py:make", here)) == 1


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_a_checkpoint_of_ultralytics_is_run_by_its_way(here: Path) -> None:
    ultralytics = library("ultralytics")
    model = ultralytics.YOLO("yolov8n-cls.yaml")
    model.save("yolo.pt")
    error = refused("yolo.pt")
    assert '"yolo.pt" is an ultralytics checkpoint' in error.message
    classes = ["cat", "dog", "ship", *map(str, range(997))]
    made = own_way(error, "own.py:make", here, resize="64x64", classes=classes)
    assert made.n_rows == 9


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["k.h5", "k.weights.h5"])
def test_hdf5_of_keras_is_run_by_its_way(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = library("keras")
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(3)(keras.layers.GlobalAveragePooling2D()(inputs))
    network = keras.Model(inputs, outputs)
    network.layers[-1].set_weights([9 * np.eye(3)[::-1], np.zeros(3)])
    (network.save_weights if "weights" in name else network.save)(name)
    error = refused(name)
    exec(code_in(error.details), {"network": network})
    made = error.details[-1].removeprefix("then pass ").partition(" ")[0]
    predictions = reportgen.predict(made, here, out="out", trust_model_code=True)
    assert accuracy(predictions) == 1


# Folders


def folder(root: Path, **files: str) -> Path:
    root.mkdir()
    for name, content in files.items():
        (root / name.replace("_DOT_", ".")).write_text(content)
    return root


LAYOUTS: dict[str, tuple[dict[str, str], str, str]] = {
    "nameless": (
        {"config_DOT_json": "{"}, "a folder with a config.json that names no architecture",
        "pass a folder of save_pretrained",
    ),
    "saved model": (
        {"saved_model_DOT_pb": ""}, "a TensorFlow SavedModel folder",
        "python -m tf2onnx.convert --saved-model DIR --output model.onnx",
    ),
    "adapter": (
        {"adapter_config_DOT_json": "{}"}, "a PEFT adapter without its base model", "merge",
    ),
    "mlflow": ({"MLmodel": ""}, "an MLflow model folder", "mlflow.pytorch.load_model"),
    "distributed": (
        {"__0_0_DOT_distcp": ""}, "a torch.distributed checkpoint",
        "python -m torch.distributed.checkpoint.format_utils dcp_to_torch DIR weights.pt",
    ),
    "program": (
        {"model_DOT_pt2": "", "w_DOT_pt": ""}, "a folder with a model in it (model.pt2, w.pt)",
        "pass DIR/model.pt2",
    ),
    "weights": (
        {"w_DOT_safetensors": ""}, "a folder with w.safetensors in it",
        "file.py:factory --weights DIR/w.safetensors",
    ),
    "empty": ({}, "a folder, not a file", "torch.export program (model.pt2)"),
}  # fmt: skip


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_folder_is_called_what_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    files, what, way = LAYOUTS[name]
    monkeypatch.chdir(tmp_path)
    folder(tmp_path / "DIR", **files)
    for path in (Path("DIR"), tmp_path / "DIR"):
        error = refused(path)
        assert error.slug == "model-format"
        assert error.message == f'"DIR" is {what}'
        assert way in error.hint
        assert str(tmp_path) not in str(error)


@pytest.mark.filterwarnings("ignore:torch.distributed is disabled")
def test_a_sharded_checkpoint_is_made_one_file_by_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from torch.distributed.checkpoint import FileSystemWriter, save
    from torch.distributed.checkpoint.format_utils import dcp_to_torch_save

    monkeypatch.chdir(tmp_path)
    save({"model": {"w": torch.ones(2)}}, storage_writer=FileSystemWriter("DIR"), no_dist=True)
    assert "dcp_to_torch DIR weights.pt" in refused("DIR").hint
    dcp_to_torch_save("DIR", "weights.pt")
    assert torch.load("weights.pt", weights_only=True)["model"]["w"].tolist() == [1, 1]


def test_a_core_ml_package_is_named(tmp_path: Path) -> None:
    folder(tmp_path / "net.mlpackage", Manifest_DOT_json="{}")
    assert refused(tmp_path / "net.mlpackage").message == '"net.mlpackage" is a Core ML model'


def test_images_in_the_place_of_the_model_are_told(tmp_path: Path) -> None:
    colour_tree(tmp_path / "data")
    error = refused(tmp_path / "data")
    assert error.message == '"data" is a folder of images'
    assert error.hint == "MODEL comes first, then DATA: reportgen run MODEL DATA -o OUT"


# Names of hubs


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("hf:google/vit-base-patch16-224", "google/vit-base-patch16-224"),
        ("google/vit-base-patch16-224", "google/vit-base-patch16-224"),
        ("hf-hub:timm/resnet50.a1_in1k", "timm/resnet50.a1_in1k"),
        ("timm/resnet50.a1_in1k", "timm/resnet50.a1_in1k"),
        ("transformers:google/vit-base", "google/vit-base"),
    ],
)
def test_the_name_of_a_model_to_download_leads_to_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    error = refused(spec, UsageError)
    assert error.slug == "model-name"
    assert "nothing is downloaded" in error.message
    assert f"hf download {name} --local-dir DIR" in error.details[0]
    assert error.hint == "then pass that folder: reportgen run DIR DATA -o OUT"
    assert "://" not in str(error)


@pytest.mark.parametrize(
    ("spec", "what", "library"),
    [
        ("timm:resnet10t", "a timm network", "timm"),
        ("DIR", "a Hugging Face folder", "transformers"),
        ("net.onnx", "an ONNX model", "onnxruntime"),
        ("exported", "an ONNX model", "onnxruntime"),
        ("net.keras", "a Keras model", "keras"),
    ],
)
def test_a_library_that_is_missing_is_named_with_the_command_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str, what: str, library: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder(Path("DIR"), config_DOT_json='{"architectures": ["ViTForImageClassification"]}')
    zipped(Path("net.keras"), config_DOT_json="{}", model_DOT_weights_DOT_h5="x")
    Path("net.onnx").write_bytes(b"\x08\x07")
    Path("exported").write_bytes(b"\x08\x0a\x12\x07pytorch\x1a\x05")
    monkeypatch.setattr("reportgen.inference.adapters.records.find_spec", lambda _: None)
    error = refused(spec)
    assert (error.slug, error.hint) == ("library-missing", f"install it: pip install {library}")
    assert error.message == (f'"{spec}" is {what}, and {library}, which runs it, is not installed')


@pytest.mark.parametrize(
    "spec", ["models/model.pt2", "nets/own.py:make", "model.onnx", "a/b/c", "torchvision:x"]
)
def test_paths_and_factories_are_no_names_of_hubs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ReportgenError) as caught:
        load_model(spec)
    assert caught.value.slug != "model-name"


def test_a_known_library_that_is_missing_is_named() -> None:
    if importlib.util.find_spec("timm") is None:
        error = refused("timm:create_model")
        assert error.slug == "code-module-missing"
        assert "install timm" in error.hint


def test_json_of_a_configuration_is_no_list(tmp_path: Path) -> None:
    folder(tmp_path / "DIR", config_DOT_json=json.dumps(["x"]))
    assert refused(tmp_path / "DIR").message == (
        '"DIR" is a folder with a config.json that names no architecture'
    )
