"""Keras models (``.keras``), run by Keras 3 on PyTorch; TensorFlow is not needed."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import nn

from reportgen.errors import ModelError, UsageError
from reportgen.files import sha256_of
from reportgen.inference.adapters.input_layout import inner_sizes, layout_of, shown_shape
from reportgen.inference.adapters.records import Request
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.inference.user_code import error_line
from reportgen.provenance import ModelFacts
from reportgen.text import printable, quoted

__all__ = [
    "load",
]


_BACKEND = "KERAS_BACKEND"


_SCALING = ("Rescaling", "Normalization")


_LOOKED_AT = 6  # layers after the input that are searched for one that scales pixels


def load(request: Request) -> LoadedModel:
    """The network, read with ``safe_mode=True``, on the CPU.

    Raises
    ------
    ModelError
        ``keras-backend``: Keras was imported on another backend; ``keras-load``: it can't read the
        file; ``model-contains-code``: a layer is Python code; ``keras-input``: the input is not one
        batch of images.
    UsageError
        ``pixel-range``: the network scales pixels itself, and their range is not declared;
        ``input-layout``, ``program-with-options``.
    """
    request.refuse_factory_options("a Keras model contains its weights and has no arguments")
    path = Path(request.spec)
    keras = _keras(path)
    network = _network(keras, path)
    shape = _input_shape(network, path)
    layout = layout_of(path, shape, request.options.input_layout)
    _require_range(network, request)
    return LoadedModel(
        module=_Network(keras, network, layout),
        facts=ModelFacts(
            name=printable(request.name or path.stem),
            version=request.version,
            kind="Keras model",
            source=printable(path.name),
            files={printable(path.name): sha256_of(path)},
            executes_code=True,
            notes=(f"Run by Keras {keras.__version__} on PyTorch, {layout.upper()}.",),
        ),
        batch_sizes=BatchSizes.fixed(shape[0]) if isinstance(shape[0], int) else BatchSizes(),
        input_shape=inner_sizes(shape, layout),
        n_outputs=_n_outputs(network),
        libraries=("keras",),
    )


class _Network(nn.Module):
    """A Keras network as a function from images (B, C, H, W) to its outputs."""

    def __init__(self, keras: ModuleType, network: Any, layout: str) -> None:
        super().__init__()
        self.network = network
        self.layout = layout
        self._keras = keras

    def forward(self, images: torch.Tensor) -> Any:
        if self.layout == "nhwc":
            images = images.permute(0, 2, 3, 1).contiguous()
        with self._keras.device(str(images.device)):
            return self.network(images, training=False)


def _keras(path: Path) -> ModuleType:
    """Import Keras on PyTorch; its backend can't be changed after the import."""
    with _backend_of_torch():
        import keras
    if keras.backend.backend() != "torch":
        raise ModelError(
            f"Keras runs on {printable(keras.backend.backend())} in this process, and "
            f"{quoted(path.name)} is run on PyTorch",
            slug="keras-backend",
            hint="set KERAS_BACKEND=torch before keras is imported, or use the command line",
        )
    module: ModuleType = keras
    return module


@contextmanager
def _backend_of_torch() -> Iterator[None]:
    if "keras" in sys.modules:
        yield
        return
    before = os.environ.get(_BACKEND)
    os.environ[_BACKEND] = "torch"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_BACKEND, None)
        else:
            os.environ[_BACKEND] = before


def _network(keras: Any, path: Path) -> Any:
    try:
        with keras.device("cpu"):
            return keras.saving.load_model(path, safe_mode=True, compile=False)
    except Exception as error:  # any kind: the file is the user's
        if "Lambda" in str(error) or "safe_mode" in str(error):
            raise ModelError(
                f"{quoted(path.name)} contains code (a Lambda layer)",
                slug="model-contains-code",
                details=["it is not loaded even with --trust-model-code"],
                hint="replace the Lambda by layers of Keras, and save the model again",
            ) from error
        raise ModelError(
            f"Keras {keras.__version__} cannot load {quoted(path.name)}: {error_line(error)}",
            slug="keras-load",
            hint="with custom layers, load it in a factory that imports them, file.py:make; else "
            "save it again with model.save('model.keras')",
        ) from error


def _input_shape(network: Any, path: Path) -> tuple[Any, ...]:
    inputs = list(getattr(network, "inputs", None) or ())
    shapes = [shown_shape(one.shape) for one in inputs]
    if len(inputs) != 1 or len(inputs[0].shape) != 4:
        raise ModelError(
            f"{quoted(path.name)} takes {' and '.join(shapes) or 'no known input'}, not a single "
            "batch of images",
            slug="keras-input",
            hint="save a network whose only input is a batch of images, built with keras.Input",
        )
    return tuple(inputs[0].shape)


def _require_range(network: Any, request: Request) -> None:
    """Require a declared pixel range if the network scales pixels itself.

    A guess would be silent.
    """
    scaling = next((one for one in _first_layers(network) if type(one).__name__ in _SCALING), None)
    options = request.options
    declared = options.pixel_range or options.transform or options.preset or options.mean
    if scaling is None or declared:
        return
    scale = getattr(scaling, "scale", None)
    factor = f", which multiplies by {scale:.6g}" if isinstance(scale, (int, float)) else ""
    raise UsageError(
        f"{quoted(Path(request.spec).name)} begins with a layer {type(scaling).__name__}{factor}: "
        "its pixel range is ambiguous",
        slug="pixel-range",
        hint="usually --pixel-range 0-255; --pixel-range 0-1 if the layer was fitted to "
        "pixels in [0, 1]",
    )


def _first_layers(network: Any) -> Iterator[Any]:
    """The layers next to the input; nested models are expanded."""
    n = 0
    pending = list(getattr(network, "layers", ()))
    while pending and n < _LOOKED_AT:
        layer, *pending = pending
        inner = list(getattr(layer, "layers", ()) or ())
        if inner:
            pending = [*inner, *pending]
            continue
        n += 1
        yield layer


def _n_outputs(network: Any) -> int | None:
    shape = getattr(network, "output_shape", None)
    if isinstance(shape, tuple) and len(shape) == 2 and isinstance(shape[1], int):
        return shape[1]
    return None
