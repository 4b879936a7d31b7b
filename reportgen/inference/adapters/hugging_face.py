"""Hugging Face folders: a network and its image processor, saved by ``save_pretrained``.

Nothing is downloaded, no code of the folder is run, and weights are read from safetensors only.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from reportgen.errors import ModelError
from reportgen.files import sha256_of
from reportgen.inference.adapters.records import Request, config_of
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.models.own_classes import classes_of_network
from reportgen.inference.user_code import error_line
from reportgen.paths import as_typed
from reportgen.provenance import DataNote, ModelFacts
from reportgen.text import listing, printable, quoted

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "Processor",
    "load",
    "offline",
]


_SUITED = "ForImageClassification"


_PROCESSOR = ("preprocessor_config.json", "processor_config.json")


def load(request: Request) -> LoadedModel:
    """The network of a folder, in float32 on the CPU, with its own processor.

    Raises
    ------
    ModelError
        ``hf-code``: the model needs its own code; ``hf-head``: it is not a single-label classifier;
        ``hf-pickle``: its weights are a pickle; ``hf-load``: transformers can't read it;
        ``weights-mismatch``: weights are missing.
    UsageError
        ``program-with-options``.
    """
    request.refuse_factory_options("a folder contains its weights and has no arguments")
    folder = Path(request.spec)
    config = config_of(folder) or {}
    _refuse_code(folder, config)
    architecture = _architecture(folder, config)
    _require_safetensors(folder)
    with offline():
        network, unused = _network(folder, architecture)
        processor = _processor(folder)
    own = classes_of_network(network, lenient=request.n_classes is not None)
    warnings = [_unused_note(unused)] if unused else []
    return LoadedModel(
        module=_Logits(network),
        facts=ModelFacts(
            name=printable(request.name or folder.resolve().name),
            version=request.version,
            kind="Hugging Face folder",
            source=printable(folder.resolve().name),
            files=_hashes(folder),
            notes=(f"Architecture: {printable(architecture)}.", *own.notes, *_type_note(config)),
        ),
        n_outputs=int(network.config.num_labels),
        classes=own.names,
        classes_source=own.source,
        knows_classes=own.names is not None,
        warnings=tuple(warnings),
        preprocessing=processor,
        preprocessing_hint=_no_processor(folder),
        libraries=("transformers",),
    )


class _Logits(nn.Module):
    """A network of transformers as a function from images to scores."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.network(pixel_values=images).logits
        return logits


def _refuse_code(folder: Path, config: Mapping[str, Any]) -> None:
    named = config.get("auto_map")
    if not named:
        return
    some = listing(map(str, named.values())) if isinstance(named, dict) else printable(str(named))
    raise ModelError(
        f"{quoted(folder.name)} refers to custom code ({some}), which is not run",
        slug="hf-code",
        details=["auto_map in config.json refers to classes outside transformers"],
        hint="if you trust the code, load it in a factory of your own: file.py:make",
    )


def _architecture(folder: Path, config: Mapping[str, Any]) -> str:
    """The transformers class of the saved network; refused without a classification head."""
    named = config.get("architectures")
    name = str(named[0]) if isinstance(named, list) and named else ""
    if _SUITED not in name:
        raise ModelError(
            f"{quoted(folder.name)} contains {printable(name) or 'no named architecture'}, not an "
            "image classifier",
            slug="hf-head",
            details=["its head would be random, and so would the report"],
            hint="save the network with its head: a class named …ForImageClassification",
        )
    if config.get("problem_type") not in (None, "single_label_classification"):
        raise _other_head(folder, f"its problem_type is {config['problem_type']}")
    labels = config.get("id2label")
    if (isinstance(labels, dict) and len(labels) == 1) or config.get("num_labels") == 1:
        raise _other_head(folder, "it has one output")
    return name


def _other_head(folder: Path, why: str) -> ModelError:
    return ModelError(
        f"{quoted(folder.name)} does not predict one class per image: {printable(why)}",
        slug="hf-head",
        hint="reportgen evaluates single-label classifiers",
    )


def _require_safetensors(folder: Path) -> None:
    names = {entry.name for entry in folder.iterdir()}
    if {"model.safetensors", "model.safetensors.index.json"} & names:
        return
    pickles = sorted(name for name in names if name.endswith((".bin", ".h5", ".msgpack")))
    raise ModelError(
        f"{quoted(folder.name)} has no model.safetensors"
        + (f", but {listing(pickles)}, which is not read" if pickles else ""),
        slug="hf-pickle",
        details=[
            "save it again, in Python:",
            "    from transformers import AutoImageProcessor, AutoModelForImageClassification",
            f"    folder = {as_typed(folder)!r}",
            "    AutoModelForImageClassification.from_pretrained(folder).save_pretrained('NEW')",
            "    AutoImageProcessor.from_pretrained(folder).save_pretrained('NEW')",
        ]
        if any(name.endswith(".bin") for name in pickles)
        else [],
        hint="then pass NEW" if pickles else "copy the folder again, with its weights",
    )


def _network(folder: Path, architecture: str) -> tuple[Any, list[str]]:
    """The network in evaluation mode, and the names of weights that it has no parameter for."""
    import transformers

    kind = getattr(transformers, architecture, None)
    if kind is None:
        raise ModelError(
            f"transformers {transformers.__version__} has no {printable(architecture)}",
            slug="hf-load",
            hint=f"install the transformers that {quoted(folder.name)} was saved with",
        )
    try:
        network, info = kind.from_pretrained(
            os.fspath(folder),
            local_files_only=True,
            use_safetensors=True,
            trust_remote_code=False,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except Exception as error:  # any kind: config and weights are user files
        raise _unreadable(folder, error) from error
    missing = sorted(map(str, info.get("missing_keys", ())))
    odd = sorted(str(one[0]) for one in info.get("mismatched_keys", ()))
    if missing or odd or info.get("error_msgs"):
        raise ModelError(
            f"the weights in {quoted(folder.name)} don't fit {printable(architecture)}",
            slug="weights-mismatch",
            details=[
                *([f"missing: {listing(missing)}"] if missing else []),
                *([f"of another shape: {listing(odd)}"] if odd else []),
            ],
            hint="save network and config together, with save_pretrained",
        )
    return network.eval(), sorted(map(str, info.get("unexpected_keys", ())))


def _unreadable(folder: Path, error: Exception) -> ModelError:
    return ModelError(
        f"transformers cannot load {quoted(folder.name)}: {error_line(error)}",
        slug="hf-load",
        hint="copy the folder again, or save it again with save_pretrained",
    )


def _unused_note(unused: list[str]) -> DataNote:
    return DataNote(
        "weights-unused",
        f"The network does not use these weights in the folder: {listing(unused)}.",
        "warning",
        len(unused),
    )


def _type_note(config: Mapping[str, Any]) -> list[str]:
    kind = config.get("dtype", config.get("torch_dtype"))
    if kind in (None, "float32"):
        return []
    return [f"It was saved in {printable(str(kind))} and runs in float32."]


def _hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of each file of the model."""
    wanted = sorted(
        file.name
        for file in folder.iterdir()
        if file.name in ("config.json", "model.safetensors.index.json", *_PROCESSOR)
        or (file.name.startswith("model") and file.suffix == ".safetensors")
    )
    return {printable(name): sha256_of(folder / name) for name in wanted}


# Preprocessing


def _no_processor(folder: Path) -> str:
    return (
        f"{quoted(folder.name)} has no {_PROCESSOR[0]}; declare its steps: --resize HxW --mean M "
        "--std S"
    )


def _processor(folder: Path) -> Processor | None:
    name = next((name for name in _PROCESSOR if (folder / name).exists()), None)
    if name is None:
        return None
    from transformers import AutoImageProcessor

    try:
        found = AutoImageProcessor.from_pretrained(
            os.fspath(folder), local_files_only=True, trust_remote_code=False
        )
    except Exception as error:
        raise _unreadable(folder, error) from error
    return Processor(found, printable(folder.resolve().name))


@dataclass(frozen=True)
class Processor:
    """The image processor of a folder: PIL image (RGB) → float32 tensor (C, H, W). Picklable."""

    processor: Any = field(repr=False)
    folder: str
    channels: int | None = None
    fixes_size: bool = True

    def describe(self) -> tuple[str, ...]:
        """The class and its settings, one per line."""
        from transformers import __version__

        settings = {k: v for k, v in self.processor.to_dict().items() if _tells(k, v)}
        kind = type(self.processor).__name__
        return (
            "decoded to RGB, 8 bits per channel",
            f"{printable(kind)} of {self.folder} (transformers {__version__}), which has:",
            *(f"{printable(k)}: {printable(_shown(v))}" for k, v in sorted(settings.items())),
        )

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Prepare one image of mode RGB."""
        pixels = self.processor(images=image, return_tensors="pt")["pixel_values"][0]
        return pixels.to(torch.float32).contiguous()  # type: ignore[no-any-return]

    def array(self, image: Image.Image) -> NDArray[np.float32]:
        """As :meth:`__call__`, but returns a numpy array."""
        return self(image).numpy()


def _tells(key: str, value: Any) -> bool:
    is_name = key.endswith(("_type", "_class")) or key.startswith("_")
    return value is not None and not is_name and key not in ("return_tensors", "data_format")


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items() if v is not None)
    return str(value)


@contextmanager
def offline() -> Iterator[None]:
    """Restrict transformers to local files, without progress bars and warnings."""
    before = os.environ.get("HF_HUB_OFFLINE")
    os.environ["HF_HUB_OFFLINE"] = "1"
    try:
        from transformers.utils import logging

        level = logging.get_verbosity()
        bars = logging.is_progress_bar_enabled()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(level)
            if bars:
                logging.enable_progress_bar()
    finally:
        if before is None:
            os.environ.pop("HF_HUB_OFFLINE", None)
        else:
            os.environ["HF_HUB_OFFLINE"] = before
