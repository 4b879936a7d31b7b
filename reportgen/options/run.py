"""Options of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from reportgen.errors import UsageError
from reportgen.options.dates import check_date
from reportgen.options.declared import Declared, option
from reportgen.options.importing import OUTPUT_KINDS

__all__ = [
    "Options",
    "RunKeywords",
]


DEVICES = ("auto", "cpu", "cuda", "mps")


PRECISIONS = ("float32", "bfloat16", "float16")


DEFAULT_BATCH_SIZES = {"cpu": 64, "mps": 64, "cuda": 256}


_MODEL, _DATA, _PREPARE = "Model", "Data", "Preprocessing"


_IDENTITY, _INFER, _OUT = "Labels and titles", "Inference", "Output"


@dataclass(frozen=True)
class Options(Declared):
    """How to predict, and the names of model and data.

    Every field has the same name as its option.
    """

    weights: Path | None = option(
        None,
        "Local weights file (.safetensors, .pt, .pth) for a factory or torchvision model.",
        _MODEL,
        metavar="FILE",
    )
    weights_key: str | None = option(
        None,
        "Key of the weights in a file with several: state_dict_ema, model_ema, or nested as a.b.",
        _MODEL,
        metavar="KEY",
    )
    model_arg: tuple[str, ...] = option(
        (),
        "key=value for the model factory; repeatable.",
        _MODEL,
        repeated=True,
        metavar="KEY=VALUE",
    )
    trust_model_code: bool = option(
        False,
        "Load a Keras model, which may run code. Only for models from a source that you trust.",
        _MODEL,
    )
    outputs: str = option(
        "auto",
        "Output type of the model. auto detects it from the first batch and reports it. "
        "one-vs-rest: independent scores, such as sigmoids.",
        _MODEL,
        choices=OUTPUT_KINDS,
    )
    classes: Path | tuple[str, ...] | None = option(
        None,
        "Class names in the order of the model's outputs: UTF-8, one per line.",
        _DATA,
        metavar="FILE",
    )
    data_classes: Path | tuple[str, ...] | None = option(
        None,
        "Class names in the order of the data's indices, if it differs from the model's: UTF-8, "
        "one per line.",
        _DATA,
        metavar="FILE",
    )
    ignore_unknown_classes: bool = option(
        False,
        "Skip (and count) images of class folders that the model does not know.",
        _DATA,
    )
    root: Path | None = option(
        None,
        "Root folder of the paths in a DATA table. Default: the folder of the table.",
        _DATA,
        metavar="DIR",
    )
    id_column: str | None = option(
        None,
        "Path column of a DATA table, or id column of a table of images. "
        "Default: path, file, image, …",
        _DATA,
        metavar="NAME",
    )
    image_column: str | None = option(
        None,
        "Column of images in DATA that is Parquet or Arrow. Default: the only one.",
        _DATA,
        metavar="NAME",
    )
    label_column: str | None = option(
        None,
        "Label column of a DATA table, or its comma-separated one-hot columns. Default: label, …",
        _DATA,
        metavar="NAME|NAMES|none",
    )
    split_column: str | None = option(
        None,
        "Split column of a DATA table. Default: split, subset, …",
        _DATA,
        metavar="NAME|none",
    )
    labels_are: str = option(
        "auto",
        "Whether labels in a DATA table are names or indices. auto refuses ambiguous values.",
        _DATA,
        choices=("auto", "names", "indices"),
    )
    label_base: int = option(
        0, "Index of the first class, for labels in a DATA table.", _DATA, choices=(0, 1)
    )
    max_bad: int = option(
        0,
        "Maximum number of unreadable samples and samples with non-finite scores.",
        _DATA,
        min=0,
    )
    preset: str | None = option(
        None,
        "torchvision weights whose transforms are used, "
        "such as ResNet50_Weights.IMAGENET1K_V2. Nothing is downloaded.",
        _PREPARE,
        metavar="NAME",
    )
    resize: str | None = option(
        None,
        "N: resize the shorter side to N pixels. HxW: resize to exactly that.",
        _PREPARE,
        metavar="N|HxW",
    )
    interpolation: str = option(
        "bilinear",
        "Resampling filter.",
        _PREPARE,
        choices=("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming"),
    )
    crop: str | None = option(None, "Centre crop after resizing.", _PREPARE, metavar="N|HxW")
    grayscale: bool = option(False, "Convert to one channel.", _PREPARE)
    mean: str | None = option(
        None,
        "Mean to subtract: one number, or one per channel, comma-separated. Images are in [0, 1].",
        _PREPARE,
        metavar="M[,M,M]",
    )
    std: str | None = option(
        None,
        "Standard deviation to divide by: one number, or one per channel, comma-separated.",
        _PREPARE,
        metavar="S[,S,S]",
    )
    pixel_range: str | None = option(
        None,
        "Range of pixel values that the model expects; --mean and --std refer to it. Default: 0-1.",
        _PREPARE,
        choices=(None, "0-1", "0-255"),
    )
    channels: str = option(
        "rgb",
        "Channel order that the model expects; --mean and --std refer to it.",
        _PREPARE,
        choices=("rgb", "bgr"),
    )
    input_layout: str | None = option(
        None,
        "Axis order of an ONNX or Keras model, if its shape does not determine it.",
        _PREPARE,
        choices=(None, "nchw", "nhwc"),
    )
    transform: str | None = option(
        None,
        "Custom preprocessing: file.py:function, PIL image to float tensor CHW.",
        _PREPARE,
        metavar="FILE.py:NAME",
    )
    model_name: str | None = option(
        None, "Name of the model. Default: the model file's stem.", _IDENTITY
    )
    model_version: str = option("", "Version of the model.", _IDENTITY)
    data_name: str | None = option(
        None, "Name of the data set. Default: the data folder's name.", _IDENTITY
    )
    split: str = option(
        "",
        "Name of the split: test, … Selects it if DATA, or its split column, contains splits.",
        _IDENTITY,
    )
    date: str | None = option(
        None,
        "Report date. Default: none, or that of SOURCE_DATE_EPOCH.",
        _IDENTITY,
        metavar="YYYY-MM-DD",
    )
    title: str = option("", "Title of the report.", _IDENTITY)
    batch_size: int | None = option(
        None,
        "Batch size. Default: 64 on CPU and MPS, 256 on CUDA; it never depends on free memory.",
        _INFER,
        min=1,
        metavar="N",
    )
    workers: int | None = option(
        None,
        "Image decoding processes. Default: by number of cores; 0: decode in the main process.",
        _INFER,
        shapes=False,
        min=0,
        metavar="N",
    )
    keep_probabilities: str = option(
        "auto",
        "Save the probabilities of all classes, not only of the top five. auto: up to 100 classes.",
        _INFER,
        choices=("auto", "yes", "no"),
    )
    device: str = option(
        "auto",
        "Device to run the model on. cuda:N: that GPU of several.",
        _INFER,
        choices=DEVICES,
        also=("cuda:N", r"cuda:\d+"),
    )
    precision: str = option(
        "float32",
        "Numeric precision. Other than float32, the model runs under torch.autocast.",
        _INFER,
        choices=PRECISIONS,
    )
    force: bool = option(
        False, "Overwrite an existing report and predictions in OUT.", _OUT, shapes=False
    )
    resume: bool = option(
        False, "Resume an unfinished run of the same command.", _OUT, shapes=False
    )

    PATHS: ClassVar[tuple[str, ...]] = ("weights", "classes", "data_classes", "root")
    TUPLES: ClassVar[tuple[str, ...]] = ("classes", "data_classes", "model_arg")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.force and self.resume:
            raise UsageError(
                "--force starts over, --resume continues: use one of them", slug="option-conflict"
            )
        if self.outputs == "one-vs-rest" and self.keep_probabilities == "no":
            raise UsageError(
                "--outputs one-vs-rest needs the scores of all classes, and "
                "--keep-probabilities no drops them",
                slug="option-conflict",
                hint="omit --keep-probabilities no",
            )
        if self.data_classes is not None and self.labels_are == "names":
            raise UsageError(
                "--data-classes is for labels that are indices, and --labels-are names says that "
                "they are names",
                slug="option-conflict",
                hint="omit one of them",
            )
        if self.date is not None:
            check_date(self.date)

    @classmethod
    def converted(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Model arguments may be given as a mapping."""
        if isinstance(values.get("model_arg"), Mapping):
            values["model_arg"] = tuple(f"{k}={v}" for k, v in values["model_arg"].items())
        return super().converted(values)

    def words_of(self, name: str, value: Any) -> list[str]:
        """A transform is written as its file name only, and a GPU without its index."""
        if name == "device":
            value = value.partition(":")[0]
        return super().words_of(name, Path(value).name if name == "transform" else value)


class RunKeywords(TypedDict, total=False):
    """The keyword arguments of :func:`reportgen.run`: the fields of :class:`Options`."""

    weights: Path | str | None
    weights_key: str | None
    model_arg: Sequence[str] | Mapping[str, Any]
    trust_model_code: bool
    outputs: str
    classes: Path | str | Sequence[str] | None
    data_classes: Path | str | Sequence[str] | None
    ignore_unknown_classes: bool
    root: Path | str | None
    id_column: str | None
    image_column: str | None
    label_column: str | None
    split_column: str | None
    labels_are: str
    label_base: int
    max_bad: int
    preset: str | None
    resize: str | None
    interpolation: str
    crop: str | None
    grayscale: bool
    mean: str | None
    std: str | None
    pixel_range: str | None
    channels: str
    input_layout: str | None
    transform: str | None
    model_name: str | None
    model_version: str
    data_name: str | None
    split: str
    date: str | None
    title: str
    batch_size: int | None
    workers: int | None
    device: str
    precision: str
    keep_probabilities: str
    force: bool
    resume: bool
