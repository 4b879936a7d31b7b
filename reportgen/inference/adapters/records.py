"""A record per adapter: which MODEL it handles and what it needs. Imports no library."""

from __future__ import annotations

import importlib
import json
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import ModelError, UsageError
from reportgen.foreign_formats import by_content, by_entries
from reportgen.options import Options
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    from reportgen.inference.models.loaded_model import LoadedModel

__all__ = [
    "ADAPTERS",
    "Adapter",
    "Request",
    "adapter_of",
    "config_of",
    "load_by",
    "refuse_trust",
]


_MAX_CONFIG = 64 << 20


_HEAD = 1024


TIMM = "timm:"


@dataclass(frozen=True)
class Request:
    """A request to load a model.

    Attributes
    ----------
    spec
        MODEL as it was given.
    n_classes
        Length of the class list, if one was given apart from the model.
    name, version
        Display name and version; by default chosen by the adapter.
    options
        All options of the run.
    local_rank
        Index of this process on the machine, if several share its GPUs.
    concurrent
        How many threads will run the model at the same time, if its runtime allows it on a CPU.
    """

    spec: str
    weights: Path | None = None
    weights_key: str | None = None
    model_args: Mapping[str, str] = field(default_factory=dict)
    n_classes: int | None = None
    name: str = ""
    version: str = ""
    options: Options = field(default_factory=Options)
    local_rank: int | None = None
    concurrent: int = 1

    def refuse_factory_options(self, why: str) -> None:
        """Raise :class:`UsageError` if options for factories are given."""
        given = {
            "--weights": self.weights is not None,
            "--weights-key": self.weights_key is not None,
            "--model-arg": bool(self.model_args),
        }
        for option, is_given in given.items():
            if is_given:
                raise UsageError(
                    f"{option} cannot be combined with {quoted(Path(self.spec).name)}: {why}",
                    slug="program-with-options",
                    hint=f"omit {option}",
                )


@dataclass(frozen=True)
class Adapter:
    """How models of one format are loaded.

    Attributes
    ----------
    what
        The format, with its article.
    library
        The library that runs it: its name to import and to install.
    extra
        The extra of this project that installs it.
    takes
        Whether MODEL has the format, detected by its name and first bytes.
    file
        The sibling module whose ``load`` turns a `Request` into a `LoadedModel`.
    needs_torch
        Whether it runs on PyTorch.
    runs_code
        Whether loading may run code from the file; then ``--trust-model-code`` is required.
    """

    what: str
    library: str
    extra: str
    takes: Callable[[str], bool]
    file: str
    needs_torch: bool = True
    runs_code: bool = False


def adapter_of(spec: str) -> Adapter | None:
    """The adapter for MODEL, or None."""
    return next((adapter for adapter in ADAPTERS if adapter.takes(spec)), None)


def load_by(adapter: Adapter, request: Request) -> LoadedModel:
    """Load the model.

    Raises :class:`ModelError` (``library-missing``) if the adapter's library is not installed.
    """
    if find_spec(adapter.library) is None:
        shown = printable(Path(request.spec).name)
        raise ModelError(
            f'"{shown}" is {adapter.what}, and {adapter.library}, which runs it, is not installed',
            slug="library-missing",
            hint=f"install it: pip install {adapter.library}",
        )
    _require_trust(adapter, request)
    module = importlib.import_module(f"reportgen.inference.adapters.{adapter.file}")
    loaded: LoadedModel = module.load(request)
    return loaded


def _require_trust(adapter: Adapter, request: Request) -> None:
    if adapter.runs_code and not request.options.trust_model_code:
        raise ModelError(
            f"{quoted(Path(request.spec).name)} is {adapter.what}, which may run code when it is "
            "loaded",
            slug="model-untrusted",
            hint="if you trust the source of the model: --trust-model-code",
        )


def refuse_trust(spec: str, options: Options) -> None:
    """Raise :class:`UsageError` if ``--trust-model-code`` is given but not needed.

    Keras' older format is refused later, with the lines that convert it.
    """
    adapter = adapter_of(spec)
    if spec.lower().endswith((".h5", ".hdf5")):
        return
    if options.trust_model_code and (adapter is None or not adapter.runs_code):
        raise UsageError(
            f"--trust-model-code has no effect on {quoted(Path(spec).name)}: it is for Keras",
            slug="option-conflict",
            hint="omit --trust-model-code",
        )


def config_of(folder: str | Path) -> dict[str, Any] | None:
    """``config.json`` of a model folder; None if it is missing or not an object."""
    try:
        with (Path(folder) / "config.json").open("rb") as stream:
            content = json.loads(stream.read(_MAX_CONFIG))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _is_hugging_face(spec: str) -> bool:
    config = config_of(spec)
    return config is not None and ("architectures" in config or "model_type" in config)


def _is_timm(spec: str) -> bool:
    name = spec.removeprefix(TIMM)
    if spec.startswith(TIMM):
        head = name.partition(".")[0]
        return "hub:" not in name and head not in ("create_model", "models", "data", "layers")
    config = config_of(spec)
    return config is not None and isinstance(config.get("architecture"), str)


def _is_onnx(spec: str) -> bool:
    path = Path(spec)
    try:
        if not path.is_file():
            return False
        with path.open("rb") as stream:
            head = stream.read(_HEAD)
    except (OSError, ValueError):
        return False
    return by_content(head) == "an ONNX model" or (
        path.suffix.lower() == ".onnx" and by_content(head) is None
    )


def _is_keras(spec: str) -> bool:
    path = Path(spec)
    try:
        if not path.is_file() or not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return by_entries(archive.namelist()) == "a Keras model"
    except (OSError, ValueError, zipfile.BadZipFile, NotImplementedError):
        return False


ADAPTERS = (
    Adapter("an ONNX model", "onnxruntime", "onnx", _is_onnx, "onnx_model", needs_torch=False),
    Adapter("a Keras model", "keras", "keras", _is_keras, "keras_model", runs_code=True),
    Adapter("a timm network", "timm", "timm", _is_timm, "timm_network"),
    Adapter("a Hugging Face folder", "transformers", "hf", _is_hugging_face, "hugging_face"),
)
"""The first adapter whose ``takes`` accepts MODEL is used."""
