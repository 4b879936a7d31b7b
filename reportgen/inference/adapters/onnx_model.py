"""ONNX models, run by onnxruntime: no Python code of the model is run. PyTorch is not needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ModelError, UsageError
from reportgen.files import sha256_of
from reportgen.inference.adapters.input_layout import inner_sizes, layout_of, shown_shape
from reportgen.inference.adapters.onnx_files import external_files
from reportgen.inference.adapters.records import Request
from reportgen.inference.models.embedded_classes import (
    NO_CLASSES,
    EmbeddedClasses,
    embedded_classes,
    parse_text,
)
from reportgen.inference.models.file_kinds import damaged, sniff
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.process import usable_cores
from reportgen.provenance import ModelFacts
from reportgen.text import printable, quoted

__all__ = [
    "OnnxSession",
    "load",
]


_TYPES: Mapping[str, type[np.generic]] = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(double)": np.float64,
    "tensor(uint8)": np.uint8,
}


_FLOATS = ("tensor(float)", "tensor(float16)", "tensor(double)")


_NAMES = ("classes", "class_names", "class_to_idx", "id2label", "labels", "names", "character")


_PROVIDERS = {"cuda": "CUDAExecutionProvider", "cpu": "CPUExecutionProvider"}


@dataclass(frozen=True)
class OnnxSession:
    """A session of onnxruntime as a function of a batch.

    Attributes
    ----------
    session
        An ``onnxruntime.InferenceSession``.
    name, dtype, layout
        Those of the image input; the layout is ``nchw`` or ``nhwc``.
    outputs
        Names of the outputs that may contain scores, most likely first.
    device
        ``cpu`` or ``cuda``.
    concurrent
        The number of threads that may run it at the same time.
    """

    session: Any = field(repr=False)
    name: str
    dtype: type[np.generic]
    layout: str
    outputs: tuple[str, ...]
    device: str
    concurrent: int = 1

    @property
    def takes_bytes(self) -> bool:
        """Whether the input is whole pixel values, 0 to 255."""
        return self.dtype is np.uint8

    @property
    def facts(self) -> dict[str, str]:
        """Runtime and device, for the report."""
        kind = np.dtype(self.dtype).name
        return {
            "runtime": f"onnxruntime, {_PROVIDERS[self.device]}",
            "model input": f"{kind}, {self.layout.upper()}",
        }

    def __call__(self, images: NDArray[np.float32]) -> dict[str, NDArray[Any]]:
        """Each output of a batch (n, C, H, W), by name."""
        batch = images if self.layout == "nchw" else images.transpose(0, 2, 3, 1)
        batch = np.rint(batch) if self.takes_bytes else batch
        feed = {self.name: np.ascontiguousarray(batch, self.dtype)}
        return dict(zip(self.outputs, self.session.run(list(self.outputs), feed), strict=True))


def load(request: Request) -> LoadedModel:
    """Load the model, with a session on the requested device.

    Raises
    ------
    ModelError
        ``onnx-load``: onnxruntime can't read it; ``onnx-data``: a file with its weights is missing,
        or is outside its folder; ``onnx-input``, ``onnx-output``: the input is not one batch of
        images, or no output has scores; ``carried-classes``.
    UsageError
        ``input-layout``: the channel axis is not clear from the shape; ``device-absent``,
        ``option-conflict``, ``program-with-options``.
    """
    request.refuse_factory_options("an ONNX model contains its weights and has no arguments")
    path = Path(request.spec)
    sniff(path)
    _refuse_precision(request)
    files = _files(path)
    device, number = _device(request.options.device, request.local_rank)
    concurrent = request.concurrent if device == "cpu" else 1
    session = _session(path, device, number, concurrent, has_data=len(files) > 1)
    image = _image_input(path, session)
    shape = list(image.shape)
    layout = layout_of(path, shape, request.options.input_layout)
    outputs = _outputs(path, session)
    n_outputs = _width(outputs[0].shape)
    carried = _classes(session, path, n_outputs, lenient=request.n_classes is not None)
    run = OnnxSession(
        session,
        image.name,
        _TYPES[image.type],
        layout,
        tuple(output.name for output in outputs),
        device,
        concurrent,
    )
    return LoadedModel(
        module=run,
        facts=ModelFacts(
            name=printable(request.name or path.stem),
            version=request.version,
            kind="ONNX model",
            source=printable(path.name),
            files=files,
            notes=carried.notes,
        ),
        batch_sizes=BatchSizes.fixed(shape[0]) if isinstance(shape[0], int) else BatchSizes(),
        input_shape=inner_sizes(shape, layout),
        n_outputs=n_outputs,
        classes=carried.names,
        classes_source=carried.source,
        libraries=("onnxruntime",),
        session=run,
    )


def _refuse_precision(request: Request) -> None:
    precision = request.options.precision
    if precision != "float32":
        raise UsageError(
            f"--precision {precision} is for models that run on PyTorch",
            slug="option-conflict",
            hint="omit --precision: an ONNX model has the precision that it was saved in",
        )


def _files(path: Path) -> dict[str, str]:
    """SHA-256 of the model file and of each external file with weights."""
    try:
        names = external_files(path)
    except (ValueError, OSError, UnicodeDecodeError) as error:
        raise damaged(path, str(error)) from error
    files = {printable(path.name): sha256_of(path)}
    for name in names:
        file = path.parent / name
        if not name or Path(name).is_absolute() or ".." in Path(name).parts:
            raise ModelError(
                f"{quoted(path.name)} keeps weights outside its folder: {quoted(name)}",
                slug="onnx-data",
                hint="save it again with its data in the same folder",
            )
        if not file.is_file():
            raise ModelError(
                f"{quoted(path.name)} keeps weights in {quoted(name)}, which is missing",
                slug="onnx-data",
                hint="copy that file next to the model",
            )
        files[printable(name)] = sha256_of(file)
    return files


def _device(asked: str, local_rank: int | None) -> tuple[str, int]:
    """The device (``cpu`` or ``cuda``) and GPU index; refused if onnxruntime lacks support."""
    import onnxruntime

    there = [
        device
        for device, provider in _PROVIDERS.items()
        if provider in onnxruntime.get_available_providers()
    ]
    if asked == "auto":
        return there[0], local_rank or 0
    kind, _, number = asked.partition(":")
    if kind not in there:
        raise UsageError(
            f"--device {quoted(asked)}: this onnxruntime does not run on it",
            slug="device-absent",
            details=[f"it has: {', '.join(onnxruntime.get_available_providers())}"],
            hint=f"use --device {there[0]}, or omit it",
        )
    return kind, int(number or 0)


def _session(path: Path, device: str, number: int, concurrent: int, *, has_data: bool) -> Any:
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)  # errors are raised as well
    providers: list[Any] = [_PROVIDERS["cpu"]]
    if device != "cpu":
        providers.insert(0, (_PROVIDERS[device], {"device_id": number}))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    if concurrent > 1:
        options.intra_op_num_threads = max(usable_cores() // concurrent, 1)
        # A waiting thread would otherwise keep a core busy, which another pass could use.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its exceptions have no common base class
        raise ModelError(
            f"onnxruntime {onnxruntime.__version__} cannot load {quoted(path.name)}: "
            f"{_reason(error, path)}",
            slug="onnx-load",
            hint="save it again with onnx.save_model(model, 'model.onnx', "
            "save_as_external_data=True, size_threshold=1024)"
            if has_data
            else "check it with onnx.checker.check_model, or export it again",
        ) from error


def _reason(error: BaseException, path: Path) -> str:
    """The first line of a message, without the folder of the model."""
    text = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return printable(text.replace(str(path.parent.resolve()), "…").replace(str(path), path.name))[
        :300
    ]


def _image_input(path: Path, session: Any) -> Any:
    inputs = session.get_inputs()
    shown = [f"{printable(one.name)}: {one.type} {shown_shape(one.shape)}" for one in inputs]
    if len(inputs) != 1:
        raise ModelError(
            f"{quoted(path.name)} takes {len(inputs)} inputs, not a single batch of images",
            slug="onnx-input",
            details=shown[:5],
            hint="export a network whose forward takes only the images",
        )
    (image,) = inputs
    if len(image.shape) != 4 or image.type not in _TYPES:
        raise ModelError(
            f"{quoted(path.name)} takes {shown[0]}, not a batch of images",
            slug="onnx-input",
            hint="export a network that takes four axes of float32, float16, float64 or uint8",
        )
    return image


def _outputs(path: Path, session: Any) -> list[Any]:
    """The outputs that may contain scores: ``logits`` first, else in their order."""
    found = [
        one
        for one in session.get_outputs()
        if one.type in _FLOATS and _width(one.shape, free=0) is not None
    ]
    if not found:
        shown = [
            f"{printable(one.name)}: {one.type} {shown_shape(one.shape or [])}"
            for one in session.get_outputs()
        ]
        maps = any("map" in one.type for one in session.get_outputs())
        raise ModelError(
            f"{quoted(path.name)} does not return one row of scores per image",
            slug="onnx-output",
            details=shown[:5],
            hint="convert it again with options={'zipmap': False}"
            if maps
            else "export a network that returns the scores of all classes",
        )
    return sorted(found, key=lambda one: one.name != "logits")


def _width(shape: Sequence[Any] | None, free: int | None = None) -> int | None:
    """Scores per row, if a shape (B, K), (B,) or (B, K, 1, …) has them; `free` for a dynamic K."""
    sizes = list(shape or ())
    while len(sizes) > 2 and sizes[-1] == 1:
        sizes.pop()
    if len(sizes) == 1:
        return 1
    if len(sizes) != 2:
        return None
    return sizes[1] if isinstance(sizes[1], int) else free


def _classes(session: Any, path: Path, n_outputs: int | None, *, lenient: bool) -> EmbeddedClasses:
    """The class list in the metadata, in the formats of common exporters."""
    metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
    task = metadata.get("task")
    if task not in (None, "", "classify", "image-classification"):
        raise ModelError(
            f"{quoted(path.name)} was exported for the task {quoted(task)}, not for classification",
            slug="onnx-output",
            hint="pass a model that predicts one class per image",
        )
    for key in _NAMES:
        text = metadata.get(key)
        if not text:
            continue
        source = f"{key} in the metadata of {printable(path.name)}"
        if key == "character":  # Paddle's: one name per line
            return embedded_classes(text.splitlines(), source, lenient=lenient)
        return parse_text(text, n_outputs, source, lenient=lenient)
    return NO_CLASSES
