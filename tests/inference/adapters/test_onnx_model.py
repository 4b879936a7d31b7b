"""ONNX as MODEL: every form gives the plain loop's cells, and PyTorch is never imported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from PIL import Image

import reportgen
from reportgen.errors import ReportgenError
from reportgen.inference import plan
from reportgen.inference.adapters import onnx_model
from reportgen.inference.adapters.onnx_files import external_files
from tests.inference.builders import accuracy, colour_tree, image_tree

onnx = pytest.importorskip("onnx", reason="needs onnx, which makes the models of these tests")
onnxruntime = pytest.importorskip("onnxruntime", reason="needs the extra onnx")
pytestmark = [pytest.mark.extra, pytest.mark.filterwarnings("ignore")]

NAMES = ("cat", "dog", "ship")
RNG = np.random.default_rng(11)
KERNEL = RNG.normal(size=(6, 3, 3, 3)).astype(np.float32)
HEAD = np.linalg.qr(RNG.normal(size=(6, 6)))[0][:, :3].astype(np.float32) * 3
BIAS = np.zeros(3, np.float32)
FLOAT = onnx.TensorProto.FLOAT


def plain(images: NDArray[Any]) -> NDArray[np.float64]:
    """The same network by hand: logits of images (n, 3, 8, 8) in [0, 1]."""
    windows = np.lib.stride_tricks.sliding_window_view(images.astype(np.float64), (3, 3), (2, 3))
    conv = np.einsum("nchwij,kcij->nkhw", windows, KERNEL.astype(np.float64))
    return np.maximum(conv, 0).mean((2, 3)) @ HEAD.astype(np.float64) + BIAS


BIAS = -plain(RNG.integers(0, 190, (64, 3, 8, 8)) / 255).mean(0).astype(np.float32)
"""So that no class has all the images."""


def net(
    path: Path,
    *,
    shape: tuple[Any, ...] = ("batch", 3, 8, 8),
    kind: int = FLOAT,
    layout: str = "nchw",
    softmax: bool = False,
    metadata: dict[str, str] | None = None,
    outputs: tuple[str, ...] = ("scores",),
    scale: float = 1.0,
    external: str | None = None,
) -> Path:
    """Convolution, mean, linear layer; `scale` is what pixels are multiplied with inside."""
    h = onnx.helper
    half = kind == onnx.TensorProto.FLOAT16
    number = onnx.TensorProto.FLOAT16 if half else FLOAT
    dtype = np.float16 if half else np.float32
    weights = {"kernel": KERNEL * scale, "head": HEAD, "bias": BIAS}
    initial = [onnx.numpy_helper.from_array(w.astype(dtype), n) for n, w in weights.items()]
    nodes, last = [], "images"
    if kind == onnx.TensorProto.UINT8:
        nodes.append(h.make_node("Cast", [last], ["cast"], to=FLOAT))
        last = "cast"
    if layout == "nhwc":
        nodes.append(h.make_node("Transpose", [last], ["turned"], perm=[0, 3, 1, 2]))
        last = "turned"
    nodes += [
        h.make_node("Conv", [last, "kernel"], ["conv"]),
        h.make_node("Relu", ["conv"], ["relu"]),
        h.make_node("GlobalAveragePool", ["relu"], ["pool"]),
        h.make_node("Flatten", ["pool"], ["flat"]),
        h.make_node("Gemm", ["flat", "head", "bias"], ["raw"]),
        h.make_node("Softmax" if softmax else "Identity", ["raw"], [outputs[-1]]),
        *(h.make_node("Identity", ["flat"], [name]) for name in outputs[:-1]),
    ]
    made = [
        h.make_tensor_value_info(name, number, [shape[0], 3 if name == outputs[-1] else 6])
        for name in outputs
    ]
    graph = h.make_graph(
        nodes, "net", [h.make_tensor_value_info("images", kind, shape)], made, initial
    )
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
    for key, value in (metadata or {}).items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    path.parent.mkdir(parents=True, exist_ok=True)
    if external is None:
        onnx.save_model(model, path)
    else:
        onnx.save_model(
            model, path, save_as_external_data=True, location=external, size_threshold=0
        )
    return path


def arrays(data: Path) -> tuple[NDArray[np.float64], list[int]]:
    files = sorted(data.rglob("*.png"))
    images = [np.asarray(Image.open(f).convert("RGB")).transpose(2, 0, 1) / 255 for f in files]
    return np.stack(images), [NAMES.index(f.parent.name) for f in files]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_tree(tmp_path_factory.mktemp("onnx") / "data", {"cat": 30, "dog": 31, "ship": 32})


@pytest.fixture(scope="module")
def cells(data: Path) -> list[list[int]]:
    """The matrix of the plain loop."""
    images, labels = arrays(data)
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (labels, plain(images).argmax(1)), 1)
    assert np.count_nonzero(counts.sum(0)) == 3, "a network that tells all classes apart"
    return counts.tolist()


def run(model: Path, data: Path, out: Path, **options: Any) -> reportgen.Evaluation:
    return reportgen.run(str(model), data, out=out / "out", force=True, **options)


def refused(model: Path, data: Path, out: Path, **options: Any) -> ReportgenError:
    with pytest.raises(ReportgenError) as caught:
        run(model, data, out, **options)
    assert str(out) not in str(caught.value)
    return caught.value


HALF, BYTES = onnx.TensorProto.FLOAT16, onnx.TensorProto.UINT8
FORMS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "dynamic": ({}, {}),
    "free": ({"shape": (None, 3, None, None)}, {}),
    "paddle": ({"shape": (None, 3, "?", "?")}, {}),
    "fixed 1": ({"shape": (1, 3, 8, 8)}, {}),
    "fixed 4": ({"shape": (4, 3, 8, 8)}, {}),
    "nhwc": ({"shape": ("n", 8, 8, 3), "layout": "nhwc"}, {}),
    "asked": ({"shape": ("n", "a", "b", "c"), "layout": "nhwc"}, {"input_layout": "nhwc"}),
    "bytes": ({"kind": BYTES, "scale": 1 / 255}, {}),
    "bytes nhwc": (
        {"kind": BYTES, "shape": ("n", 8, 8, 3), "layout": "nhwc", "scale": 1 / 255}, {},
    ),
    "softmax": ({"softmax": True}, {}),
    "0 to 255": ({"scale": 1 / 255}, {"pixel_range": "0-255"}),
    "outputs": ({"outputs": ("features", "logits")}, {}),
    "external": ({"external": "net.data"}, {}),
}  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_cells_of_the_plain_loop(
    form: str, data: Path, cells: list[list[int]], tmp_path: Path
) -> None:
    how, options = FORMS[form]
    made = run(net(tmp_path / "net.onnx", **how), data, tmp_path, **options)
    assert made.confusion.counts.tolist() == cells
    said = made.provenance
    assert said.model.kind == "ONNX model"
    assert not said.model.executes_code
    assert "torch" not in said.versions
    assert said.inference["runtime"] == "onnxruntime, CPUExecutionProvider"
    if form == "softmax":
        assert said.outputs.startswith("probabilities, ")


def test_half_precision_is_run_in_half_precision(data: Path, tmp_path: Path) -> None:
    made = run(net(tmp_path / "net.onnx", kind=HALF), data, tmp_path)
    images, labels = arrays(data)
    hits = int((plain(images).argmax(1) == labels).sum())
    assert abs(int(np.trace(made.confusion.counts)) - hits) <= 1
    assert made.provenance.inference["model input"] == "float16, NCHW"


def test_probabilities_are_those_of_onnxruntime_itself(data: Path, tmp_path: Path) -> None:
    import onnxruntime
    import pyarrow.parquet as parquet

    path = net(tmp_path / "net.onnx")
    run(path, data, tmp_path)
    images, _ = arrays(data)
    pixels = np.rint(images * 255).astype(np.float32) * np.float32(1 / 255)
    session = onnxruntime.InferenceSession(str(path))
    logits = session.run(None, {"images": pixels})[0].astype(np.float64)
    powers = np.exp(logits - logits.max(1, keepdims=True))
    theirs = (powers / powers.sum(1, keepdims=True)).astype(np.float32)
    table = parquet.read_table(tmp_path / "out/predictions.parquet")
    assert np.array_equal(np.array(table["probabilities"].to_pylist(), np.float32), theirs)


def test_torch_is_never_imported_and_need_not_be_installed(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "net.onnx", metadata={"class_names": json.dumps(NAMES)})
    program = f"""
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "torchvision", "safetensors"):
            raise ModuleNotFoundError(name=name)

sys.meta_path.insert(0, Absent())
import reportgen

made = reportgen.run({str(path)!r}, {str(data)!r}, out="out", workers=1, resize="8x8")
print(made.n_samples, "torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-2:] == ["93", "False"]
    assert (tmp_path / "out/report.html").exists()


def test_workers_give_the_rows_that_this_process_gives(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "net.onnx")
    for workers in (0, 2):
        run(path, data, tmp_path / str(workers), workers=workers, batch_size=16)
    one, two = (tmp_path / f"{n}/out/predictions.parquet" for n in (0, 2))
    assert one.read_bytes() == two.read_bytes()


def test_two_passes_at_once_give_the_rows_of_one(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, rows, threads = net(tmp_path / "net.onnx"), [], []
    begin = onnxruntime.InferenceSession

    def watched(path: str, options: Any, **more: Any) -> Any:
        threads.append(options.intra_op_num_threads)
        return begin(path, options, **more)

    monkeypatch.setattr(onnxruntime, "InferenceSession", watched)
    for cores in (1, 2, 4):
        monkeypatch.setattr(plan, "usable_cores", lambda n=cores: n)
        monkeypatch.setattr(onnx_model, "usable_cores", lambda n=cores: n)
        made = reportgen.predict(model, data, out=tmp_path / str(cores), batch_size=8)
        rows.append(pa.concat_tables(made.tables()).to_pylist())
    assert rows[0] == rows[1] == rows[2]
    assert threads == [0, 1, 2], "half of the cores for each of two passes"


def test_an_unfinished_run_goes_on(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "net.onnx")
    first = run(path, data, tmp_path)
    again = reportgen.run(str(path), data, out=tmp_path / "out", resume=True)
    assert again.confusion == first.confusion


def test_channels_are_reversed_and_normalised_in_the_order_of_the_model(tmp_path: Path) -> None:
    """Blue images are class 0: with channels reversed their blue stands first."""
    data = colour_tree(tmp_path / "data")
    plain_colours = np.zeros((3, 3, 1, 1), np.float32)
    plain_colours[range(3), range(3)] = 9
    h = onnx.helper
    nodes = [
        h.make_node("Conv", ["images", "kernel"], ["conv"]),
        h.make_node("GlobalAveragePool", ["conv"], ["pool"]),
        h.make_node("Flatten", ["pool"], ["scores"]),
    ]
    graph = h.make_graph(
        nodes, "net",
        [h.make_tensor_value_info("images", FLOAT, ["n", 3, 8, 8])],
        [h.make_tensor_value_info("scores", FLOAT, ["n", 3])],
        [onnx.numpy_helper.from_array(plain_colours, "kernel")],
    )  # fmt: skip
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9)
    onnx.save_model(model, tmp_path / "net.onnx")
    made = reportgen.predict(
        str(tmp_path / "net.onnx"), data, out=tmp_path / "out", channels="bgr",
        pixel_range="0-255", mean="104,117,123.5", std="1",
    )  # fmt: skip
    assert accuracy(made) == 1
    assert made.facts.provenance.preprocessing[1:] == (
        "channels reversed: blue, green, red",
        "pixel values kept: float32 in [0, 255]",
        "minus mean 104, 117, 123.5, divided by 1",
    )


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("names", "{0: 'dog', 1: 'cat', 2: 'ship'}"),
        ("character", "dog\ncat\nship"),
        ("classes", '["dog", "cat", "ship"]'),
        ("id2label", '{"0": "dog", "1": "cat", "2": "ship"}'),
        ("class_to_idx", '{"cat": 1, "dog": 0, "ship": 2}'),
        ("names", '["dog", "cat", "ship"]'),
        ("class_names", "['dog', 'cat', 'ship']"),
        ("classes", "dog, cat,ship"),
        ("labels", "dog\ncat\nship\n"),
    ],
)
def test_class_names_are_read_from_the_metadata(
    key: str, text: str, data: Path, tmp_path: Path
) -> None:
    made = run(net(tmp_path / "net.onnx", metadata={key: text}), data, tmp_path)
    assert made.classes == ("dog", "cat", "ship")
    assert made.provenance.classes_source == f"{key} in the metadata of net.onnx"


@pytest.mark.parametrize(
    ("metadata", "classes"), [({"classes": json.dumps(NAMES)}, NAMES), ({}, ("0", "1", "2"))]
)
def test_images_without_labels_are_predicted_by_the_model_s_names_else_by_number(
    metadata: dict[str, str], classes: tuple[str, ...], data: Path, tmp_path: Path
) -> None:
    path = net(tmp_path / "net.onnx", metadata=metadata)
    made = reportgen.predict(str(path), data / "cat", out=tmp_path / "out")
    assert (made.n_rows, made.facts.classes) == (30, classes)


def test_names_of_another_number_than_the_outputs_are_not_guessed(
    data: Path, tmp_path: Path
) -> None:
    for number, text in enumerate(("dog,cat", "tench, Tinca, cat,ship", "dog", "['dog' 'cat']")):
        path = net(tmp_path / f"{number}.onnx", metadata={"classes": text})
        assert refused(path, data, tmp_path).slug == "carried-classes"


def test_names_that_are_code_are_not_run(data: Path, tmp_path: Path) -> None:
    text = f"__import__('os').mkdir({str(tmp_path / 'ran')!r})"
    error = refused(net(tmp_path / "net.onnx", metadata={"names": text}), data, tmp_path)
    assert error.slug == "carried-classes"
    assert not (tmp_path / "ran").exists()


def test_every_file_with_weights_is_hashed(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "net.onnx", external="net.data")
    assert external_files(path) == ("net.data",)
    first = run(path, data, tmp_path).provenance.model.files
    assert sorted(first) == ["net.data", "net.onnx"]
    weights = tmp_path / "net.data"
    weights.write_bytes(weights.read_bytes()[:100] + bytes(len(weights.read_bytes()) - 100))
    second = run(path, data, tmp_path).provenance.model.files
    assert first["net.onnx"] == second["net.onnx"]
    assert first["net.data"] != second["net.data"]
    weights.unlink()
    error = refused(path, data, tmp_path)
    assert (error.slug, error.hint) == ("onnx-data", "copy that file next to the model")


def test_weights_outside_the_folder_are_refused(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "a/net.onnx", external="net.data")
    content = path.read_bytes()
    path.write_bytes(content.replace(b"net.data", b"../t.dat"))
    assert external_files(path) == ("../t.dat",)
    assert refused(path, data, tmp_path).slug == "onnx-data"


def test_files_named_anywhere_in_the_graph_are_found(tmp_path: Path) -> None:
    """In constants of a branch, too."""
    h = onnx.helper
    tensor = onnx.numpy_helper.from_array(np.ones(4, np.float32), "inner")
    onnx.external_data_helper.set_external_data(tensor, "deep.bin")
    branch = h.make_graph(
        [h.make_node("Constant", [], ["y"], value=tensor)], "b", [],
        [h.make_tensor_value_info("y", FLOAT, [4])],
    )  # fmt: skip
    node = h.make_node("If", ["c"], ["z"], then_branch=branch, else_branch=branch)
    graph = h.make_graph(
        [node], "g", [h.make_tensor_value_info("c", onnx.TensorProto.BOOL, [])],
        [h.make_tensor_value_info("z", FLOAT, [4])],
    )  # fmt: skip
    (tmp_path / "m.onnx").write_bytes(h.make_model(graph).SerializeToString())
    assert external_files(tmp_path / "m.onnx") == ("deep.bin",)


def test_a_shape_that_does_not_say_where_the_channels_are_is_asked_about(
    data: Path, tmp_path: Path
) -> None:
    for shape in (("n", "a", "b", "c"), ("n", 3, 8, 3)):
        error = refused(net(tmp_path / "net.onnx", shape=shape), data, tmp_path)
        assert error.slug == "input-layout"
        assert "--input-layout nchw" in (error.hint or "")
    path = net(tmp_path / "net.onnx", shape=("n", "a", "b", "c"))
    assert run(path, data, tmp_path, input_layout="nchw").n_samples == 93
    error = refused(net(tmp_path / "net.onnx"), data, tmp_path, input_layout="nhwc")
    assert (error.slug, error.hint) == ("option-conflict", "omit --input-layout")


def test_whole_numbers_go_with_no_normalising(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "net.onnx", kind=BYTES)
    error = refused(path, data, tmp_path, mean="0.5", std="0.5")
    assert (error.slug, error.hint) == (
        "option-conflict", "omit --mean and --std: the model normalises by itself",
    )  # fmt: skip
    error = refused(path, data, tmp_path, pixel_range="0-1")
    assert error.hint == "omit --pixel-range 0-1: the model normalises by itself"


def two_inputs(path: Path) -> Path:
    h = onnx.helper
    infos = [h.make_tensor_value_info(n, FLOAT, ["n", 3, 8, 8]) for n in ("a", "b", "c")]
    graph = h.make_graph([h.make_node("Add", ["a", "b"], ["c"])], "g", infos[:2], infos[2:])
    onnx.save_model(h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_other_inputs_and_outputs_are_named(data: Path, tmp_path: Path) -> None:
    error = refused(two_inputs(tmp_path / "net.onnx"), data, tmp_path)
    assert error.slug == "onnx-input"
    assert "takes 2 inputs" in error.message
    kind = onnx.TensorProto.INT64
    with pytest.raises(ReportgenError) as caught:
        run(net(tmp_path / "net.onnx", kind=kind), data, tmp_path)
    assert caught.value.slug in ("onnx-input", "onnx-load")
    task = net(tmp_path / "net.onnx", metadata={"task": "detect"})
    error = refused(task, data, tmp_path)
    assert (error.slug, 'task "detect"' in error.message) == ("onnx-output", True)


def test_what_is_no_model_says_what_it_is(data: Path, tmp_path: Path) -> None:
    file = tmp_path / "net.onnx"
    for content, slug in (
        (b"", "model-file-empty"),
        (b"<html>not found</html>", "model-file-html"),
        (b"version https://git-lfs.github.com/spec/v1", "model-file-pointer"),
        (net(tmp_path / "whole.onnx").read_bytes()[:300], "model-file-damaged"),
        (b"\x08\x09\x12\x04onnx", "onnx-load"),
    ):
        file.write_bytes(content)
        assert refused(file, data, tmp_path).slug == slug


def test_images_of_another_size_are_refused_before_the_first_pass(
    data: Path, tmp_path: Path
) -> None:
    path = net(tmp_path / "net.onnx", shape=("n", 3, 16, 16))
    error = refused(path, data, tmp_path)
    assert (error.slug, error.hint) == ("input-shape", "resize the images with --resize 16x16")
    assert run(path, data, tmp_path, resize="16x16").n_samples == 93


def test_options_for_other_models_and_other_devices_are_refused(data: Path, tmp_path: Path) -> None:
    path = net(tmp_path / "net.onnx")
    error = refused(path, data, tmp_path, precision="bfloat16")
    assert error.slug == "option-conflict"
    error = refused(path, data, tmp_path, device="mps")
    assert (error.slug, error.hint) == ("device-absent", "use --device cpu, or omit it")
    error = refused(path, data, tmp_path, weights=tmp_path / "w.pt")
    assert error.slug == "program-with-options"


@pytest.mark.slow
def test_what_pytorch_exports_gives_the_numbers_of_the_network(data: Path, tmp_path: Path) -> None:
    import torch

    torch.manual_seed(3)
    network = torch.nn.Sequential(
        torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(), torch.nn.Linear(8, 3),
    ).eval()  # fmt: skip
    images, labels = arrays(data)
    batch = torch.from_numpy(images.astype(np.float32))
    with torch.inference_mode():
        logits = network(batch)
        network[-1].bias -= logits.mean(0)
        predicted = network(batch).argmax(1).tolist()
    shapes = {"input": {0: torch.export.Dim("batch")}}
    torch.onnx.export(
        network, (batch[:2],), tmp_path / "net.onnx", dynamo=True, external_data=True,
        dynamic_shapes=shapes, verbose=False,
    )  # fmt: skip
    made = run(tmp_path / "net.onnx", data, tmp_path)
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (labels, predicted), 1)
    assert made.confusion.counts.tolist() == counts.tolist()


def test_a_pipeline_of_scikit_learn_is_sent_to_convert_without_zipmap(
    data: Path, tmp_path: Path
) -> None:
    h = onnx.helper
    nodes = [
        h.make_node("GlobalAveragePool", ["images"], ["pool"]),
        h.make_node("Flatten", ["pool"], ["flat"]),
        h.make_node(
            "ZipMap", ["flat"], ["maps"], domain="ai.onnx.ml", classlabels_int64s=[0, 1, 2]
        ),
    ]
    maps = h.make_value_info(
        "maps",
        h.make_sequence_type_proto(
            h.make_map_type_proto(onnx.TensorProto.INT64, h.make_tensor_type_proto(FLOAT, []))
        ),
    )
    graph = h.make_graph(
        nodes, "g", [h.make_tensor_value_info("images", FLOAT, ["n", 3, 8, 8])], [maps]
    )
    opsets = [h.make_opsetid("", 17), h.make_opsetid("ai.onnx.ml", 3)]
    onnx.save_model(h.make_model(graph, opset_imports=opsets, ir_version=9), tmp_path / "net.onnx")
    error = refused(tmp_path / "net.onnx", data, tmp_path)
    assert (error.slug, error.hint) == (
        "onnx-output", "convert it again with options={'zipmap': False}",
    )  # fmt: skip
