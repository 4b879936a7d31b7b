"""File formats that are recognised but not read, each with a solution for models.

Detected by content first, then by extension, since one extension is used for several formats.
"""

from __future__ import annotations

import pickletools
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from reportgen.paths import as_typed
from reportgen.text import printable

__all__ = [
    "by_content",
    "by_ending",
    "by_entries",
    "classes_in_pickle",
    "is_tfrecord",
    "paddle_command",
    "pickled",
    "ways",
    "ways_of_pickle",
]


_MAGIC: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89HDF", "a Keras or HDF5 file"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"\x7fELF", "a compiled library"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (4, b"ORTM", "an ONNX Runtime model"),
    (4, b"ET1", "an ExecuTorch program"),
    (0, b'{"base_code":{"magic":"pir"', "a Paddle model"),
    (0, b"CBM1", "a CatBoost model"),
    (0, b"tree\nversion=", "a LightGBM model"),
    (0, b"MATLAB 5.0", "a MATLAB file"),
    (0, b"PAR1", "a Parquet table"),
    (0, b"ARROW1", "an Arrow table"),
    (0, b"FEA1", "a Feather table"),
    (0, b"SQLite format 3", "an SQLite database"),
    (16, b"\xde\xc0\xef\xbe", "an LMDB database"),
    (0, b"\xd0\xcf\x11\xe0", "an old Office document"),
    (0, b"%PDF", "a PDF document"),
    (0, b"\x1f\x8b", "a gzip-compressed file"),
    (0, b"BZh", "a bzip2-compressed file"),
    (0, b"\xfd7zXZ", "an xz-compressed file"),
    (0, b"\x28\xb5\x2f\xfd", "a zstd-compressed file"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (0, b"Rar!", "a RAR archive"),
    (257, b"ustar", "a tar archive"),
    (0, b"\x89PNG", "an image"),
    (0, b"\xff\xd8\xff", "an image"),
    (0, b"GIF8", "an image"),
    (8, b"WEBP", "an image"),
    (0, b"II*\x00", "an image"),
    (0, b"MM\x00*", "an image"),
)


_ENDINGS = {
    "an ONNX model": ".onnx",
    "an ONNX Runtime model": ".ort .onnxruntime",
    "a Keras model": ".keras",
    "a Keras or HDF5 file": ".h5 .hdf5",
    "a TensorFlow model": ".pb",
    "a TensorFlow checkpoint": ".index .meta .data-00000-of-00001",
    "a TensorFlow Lite model": ".tflite .lite",
    "a Core ML model": ".mlmodel .mlpackage .mlmodelc",
    "a TensorRT engine": ".engine .plan .trt",
    "a GGUF file": ".gguf",
    "a joblib file": ".joblib",
    "a skops file (scikit-learn)": ".skops",
    "a NumPy archive": ".npz",
    "a NumPy array": ".npy",
    "a compiled library": ".so .dll .dylib",
    "an ExecuTorch program": ".pte",
    "a TorchScript archive for mobile devices": ".ptl",
    "a TorchServe archive": ".mar",
    "a NeMo archive": ".nemo",
    "a Paddle model": ".pdmodel .pdiparams .pdparams",
    "an NCNN model": ".param",
    "an MNN model": ".mnn",
    "a Caffe model": ".caffemodel .prototxt",
    "a Darknet model": ".weights .cfg",
    "an RKNN model": ".rknn",
    "a Flax checkpoint": ".msgpack",
    "an XGBoost model": ".ubj",
    "a CatBoost model": ".cbm",
    "an R file": ".rds .rdata",
    "a MATLAB file": ".mat",
    "a TFRecord file": ".tfrecord .tfrecords",
    "an Excel workbook": ".xlsx .xls",
    "a table": ".csv .tsv .tab",
    "a JSON file": ".json .jsonl .ndjson",
    "a YAML file": ".yaml .yml",
    "a text file": ".txt .md",
    "a notebook": ".ipynb",
}


_BY_ENDING = {ending: name for name, endings in _ENDINGS.items() for ending in endings.split()}


_TABLES = {"a table", "a Parquet table", "an Arrow table", "a Feather table", "an Excel workbook"}


_NO_MODELS = {
    "an image", "a PDF document", "a JSON file", "a YAML file", "a text file", "a notebook",
    "an Office document", "an old Office document", "an XML file", "an SQLite database",
    "an LMDB database",
}  # fmt: skip


_TFRECORD = re.compile(r"\.(tfrecords?|tfrec)(-\d+-of-\d+)?$", re.IGNORECASE)


_COMPRESSED = re.compile(r"-compressed file$")


def by_content(head: bytes) -> str | None:
    """The format indicated by the first bytes of a file, or None.

    >>> by_content(b"GGUF\\x03"), by_content(b"hello")
    ('a GGUF file', None)
    """
    for at, magic, name in _MAGIC:
        if head[at : at + len(magic)] == magic:
            return name
    return _markup(head) or _onnx(head) or _joblib(head)


def is_tfrecord(name: str) -> bool:
    """Whether a file name is that of a TFRecord file, or of a shard of one."""
    return _TFRECORD.search(name) is not None


def by_ending(path: Path) -> str | None:
    """The format indicated by the extension, or None."""
    if is_tfrecord(path.name):
        return "a TFRecord file"
    if path.suffix.lower() == ".bin" and path.with_suffix(".xml").is_file():
        return "an OpenVINO model"
    return _BY_ENDING.get(path.suffix.lower())


def by_entries(entries: Sequence[str]) -> str | None:
    """The format of a zip file by its entries, or None."""
    names = set(entries)
    tops = {name.partition("/")[0] for name in names}
    rules: tuple[tuple[bool, str], ...] = (
        ("schema.json" in names, "a skops file (scikit-learn)"),
        ("model.weights.h5" in names, "a Keras model"),
        ("[Content_Types].xml" in names and "xl" in tops, "an Excel workbook"),
        ("[Content_Types].xml" in names, "an Office document"),
        ("MAR-INF" in tops, "a TorchServe archive"),
        (any(name.endswith("MLmodel") for name in names), "a zipped MLflow model"),
        (_all_end(names, (".npy",)), "a NumPy archive"),
        (_all_end(names, (".csv", ".tsv")), "a zipped CSV file"),
        (_all_end(names, (".jpg", ".jpeg", ".png", ".webp")), "a zip archive of images"),
    )
    return next((name for found, name in rules if found), None)


def _all_end(names: set[str], endings: tuple[str, ...]) -> bool:
    files = [name for name in names if not name.endswith("/")]
    return bool(files) and all(name.lower().endswith(endings) for name in files)


def _markup(head: bytes) -> str | None:
    """OpenVINO's and PMML's XML."""
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if re.match(rb"(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)?<net[\s>]", start, re.DOTALL):
        return "an OpenVINO model"
    return "a PMML model" if b"<PMML" in start[:512] else None


def _joblib(head: bytes) -> str | None:
    """A pickle that joblib compressed with zlib."""
    is_zlib = head[:1] == b"x" and head[1:2] in (b"\x01", b"\x5e", b"\x9c", b"\xda")
    return "a joblib file" if is_zlib and not head[:16].isascii() else None


def _onnx(head: bytes) -> str | None:
    """An ONNX model without its extension: a version, then the name of the exporting program."""
    if len(head) < 4 or head[:1] != b"\x08" or head[2:3] != b"\x12" or not 0 < head[1] < 64:
        return None
    writer = head[4 : 4 + head[3]]
    return "an ONNX model" if re.fullmatch(rb"[\w.\- ]+", writer) else None


def ways(name: str, path: Path) -> list[str]:
    """Lines of code that evaluate a model of an unsupported format.

    Parameters
    ----------
    name
        The format, as the functions above return it.
    path
        The file.
    """
    if name == "an OpenVINO model":
        path = path.with_suffix(".xml")  # the weights are in a separate file
    beside = f"Path(__file__).with_name({printable(path.name)!r})"
    lines = _RUNTIMES.get(name)
    if name in _LEARNERS:
        return _table_of(_LEARNERS[name], path)
    if name == "a Keras or HDF5 file" and path.name.lower().endswith(".weights.h5"):
        return [
            "these are weights without their network; in the program that has it:",
            f"    network.load_weights({as_typed(path)!r})",
            "    network.save('model.keras')",
            "then pass model.keras with --trust-model-code",
        ]
    if name in _NO_MODELS:
        return []
    if lines is None and (name in _TABLES or name == "a zipped CSV file"):
        return ["a table of predictions is not a model: reportgen render TABLE -o OUT"]
    if name == "a TensorFlow Lite model":
        made = path.with_suffix(".onnx")
        return [
            "make an ONNX model of it, where TensorFlow and tf2onnx are installed:",
            f"    python -m tf2onnx.convert --tflite {as_typed(path)} --output {as_typed(made)}",
            f"then pass {as_typed(made)}",
        ]
    if name == "a Paddle model":
        return _of_paddle(path)
    if name == "a Keras or HDF5 file":
        return [
            "convert the Keras model once, in Python:",
            "    import os",
            '    os.environ["KERAS_BACKEND"] = "torch"',
            "    import keras",
            f"    network = keras.saving.load_model({as_typed(path)!r}, compile=False)",
            f"    network.save({as_typed(path.with_suffix('.keras'))!r})",
            f"then pass {as_typed(path.with_suffix('.keras'))} with --trust-model-code",
        ]
    if _COMPRESSED.search(name) or "archive" in name:
        return ["unpack it first"] if lines is None else []
    others = [_ENGINE] if name == "a TensorRT engine" else []
    wrapped = [line.replace("FILE", beside) for line in lines or ()]
    return [
        *(["run it in a factory of your own, say own.py beside it, as MODEL own.py:Model:"]
          if wrapped else []),
        *wrapped,
        *others,
        f"{'or ' if wrapped or others else ''}save label and prediction of each image as CSV in "
        "the program that runs it, then: reportgen render predictions.csv -o OUT",
    ]  # fmt: skip


_ENGINE = (
    "an engine can't be converted back: if it was built from an ONNX model (trtexec --onnx), pass "
    "that model; scores differ if the engine has less precision"
)


def _of_paddle(path: Path) -> list[str]:
    """Lines that make an ONNX model of a network that Paddle saved, or of its weights."""
    if path.suffix.lower() == ".pdparams":
        return [
            "these are weights without their network; in the program that has it, with paddle2onnx "
            "installed and its own image size:",
            f"    network.set_state_dict(paddle.load({as_typed(path)!r}))",
            "    images = paddle.static.InputSpec([None, 3, 224, 224], 'float32')",
            "    paddle.onnx.export(network.eval(), 'model', input_spec=[images])",
            "then pass model.onnx",
        ]
    return [
        "make an ONNX model of it, where paddlepaddle and paddle2onnx are installed:",
        f"    {paddle_command(path)}",
        "then pass model.onnx",
    ]


def paddle_command(path: Path) -> str:
    """What makes ``model.onnx`` of a network that Paddle saved, by one of its two files."""
    network = next(
        (file for ending in (".json", ".pdmodel") if (file := path.with_suffix(ending)).exists()),
        path.with_suffix(".pdmodel"),
    )
    return (
        f"paddle2onnx --model_dir {as_typed(path.parent)} --model_filename "
        f"{printable(network.name)} --params_filename {printable(path.stem)}.pdiparams "
        "--save_file model.onnx"
    )


_LEARNERS = {
    "a skops file (scikit-learn)": ("skops.io", "skops.io.load"),
    "a joblib file": ("joblib", "joblib.load"),
    "a pickled scikit-learn model": ("joblib", "joblib.load"),
    "a pickled XGBoost model": ("joblib", "joblib.load"),
    "a pickled LightGBM model": ("joblib", "joblib.load"),
}
"""Models of feature arrays: the module that opens the file, and its function."""


def _table_of(opening: tuple[str, str], path: Path) -> list[str]:
    """Lines of code that save the predictions of such a model on the user's arrays."""
    module, call = opening
    return [
        "it takes arrays, not images; in the program that has them, as X and labels:",
        f"    import {module}, pandas",
        f"    model = {call}({as_typed(path)!r})",
        "    table = pandas.DataFrame({'label': labels, 'prediction': model.predict(X)})",
        "    table.to_csv('predictions.csv', index=False)",
        "then: reportgen render predictions.csv -o OUT",
    ]


_IMPORTS = "    from pathlib import Path"


_RUNTIMES = {
    "an OpenVINO model": (
        _IMPORTS,
        "    import openvino, torch",
        "    class Model(torch.nn.Module):",
        "        network = openvino.compile_model(FILE)",
        "        def forward(self, x):",
        "            return torch.from_numpy(self.network(x.cpu().numpy())[0])",
    ),
}


# Pickles


_KNOWN_PICKLES = {
    "fastai": "a fastai export",
    "ultralytics": "an ultralytics checkpoint",
    "sklearn": "a pickled scikit-learn model",
    "joblib": "a joblib file",
    "xgboost": "a pickled XGBoost model",
    "lightgbm": "a pickled LightGBM model",
    "catboost": "a pickled CatBoost model",
}


_MAX_PICKLE = 64 << 20


def classes_in_pickle(path: Path) -> list[str]:
    """The classes and functions that a pickle, also in a zip file, refers to; nothing is run."""
    try:
        with path.open("rb") as stream:
            if stream.read(2) != b"PK":
                stream.seek(0)
                return _named(stream)
        with zipfile.ZipFile(path) as archive:
            entry = next(name for name in archive.namelist() if name.endswith("data.pkl"))
            with archive.open(entry) as inner:
                return _named(inner)
    except Exception:  # damaged, or another format: the names only improve the message
        return []


def _named(stream: IO[bytes]) -> list[str]:
    found: dict[str, None] = {}
    texts: list[str] = []
    memo: dict[int, str] = {}
    n_kept = 0
    try:
        for opcode, argument, _ in pickletools.genops(stream.read(_MAX_PICKLE)):
            if opcode.name == "GLOBAL":
                found[str(argument).replace(" ", ".")] = None
            elif opcode.name == "STACK_GLOBAL" and len(texts) > 1:
                found[f"{texts[-2]}.{texts[-1]}"] = None
            elif isinstance(argument, str):
                texts.append(argument)
            elif opcode.name in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
                memo[n_kept if argument is None else int(argument)] = texts[-1] if texts else ""
                n_kept += 1
            elif opcode.name in ("BINGET", "LONG_BINGET"):
                texts.append(memo.get(int(argument or 0), ""))
    except ValueError:
        pass  # it is truncated; the names found so far count
    return [name for name in found if not _is_plain(name)]


def _is_plain(name: str) -> bool:
    """Whether a checkpoint of plain tensors refers to it as well."""
    return name.startswith(("torch._utils.", "collections.", "torch.storage.")) or bool(
        re.fullmatch(r"torch\.\w+Storage|torch\.\w+", name)
    )


def pickled(names: Sequence[str]) -> str | None:
    """The kind of a pickle, by the classes in it: ``"a fastai export"``; or empty."""
    tops = [name.partition(".")[0] for name in names]
    return next((what for top, what in _KNOWN_PICKLES.items() if top in tops), None)


def ways_of_pickle(what: str | None, path: Path) -> list[str]:
    """Lines of code that evaluate a known pickle; none for an unknown one."""
    beside = f"Path(__file__).with_name({printable(path.name)!r})"
    lines = _PICKLE_WAYS.get(what or "")
    if lines is not None:
        return [
            "load it in a factory of your own, say own.py beside it, as MODEL own.py:make:",
            *(line.replace("FILE", beside) for line in lines),
        ]
    return ways(what, path) if what else []


_PICKLE_WAYS = {
    "a fastai export": (
        _IMPORTS,
        "    from fastai.learner import load_learner",
        "    def make():",
        "        return load_learner(FILE).model",
    ),
    "an ultralytics checkpoint": (
        _IMPORTS,
        "    from ultralytics import YOLO",
        "    def make():",
        "        return YOLO(FILE).model",
    ),
}
