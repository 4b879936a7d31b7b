"""timm networks: ``timm:NAME`` with a weights file, and folders saved by timm.

Weights are loaded strictly and as data, as for any factory. Preprocessing is timm's evaluation
transform, configured by the checkpoint, otherwise by the default of the architecture.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray

from reportgen.errors import ModelError, UsageError
from reportgen.files import sha256_of
from reportgen.inference.adapters.records import TIMM, Request, config_of
from reportgen.inference.models.checkpoints import Weights, load_into, read_weights
from reportgen.inference.models.embedded_classes import EmbeddedClasses, embedded_classes
from reportgen.inference.models.factories import Call, make, n_outputs_wanted, parse_arguments
from reportgen.inference.models.layouts import refuse_hub_name
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.user_code import error_line
from reportgen.provenance import ModelFacts
from reportgen.text import nearest, printable, quoted

if TYPE_CHECKING:
    from PIL import Image

__all__ = [
    "EvaluationTransform",
    "load",
]


_KEYS = (
    "input_size",
    "img_size",
    "interpolation",
    "crop_pct",
    "crop_mode",
    "mean",
    "std",
    "in_chans",
)


_DOWNLOADING = ("pretrained", "checkpoint_path", "pretrained_cfg", "pretrained_cfg_overlay")


def load(request: Request) -> LoadedModel:
    """The network with its weights, in evaluation mode on the CPU.

    Raises
    ------
    UsageError
        ``weights-missing``: the network would have random weights; ``model-arg-unknown``.
    ModelError
        ``timm-unknown``: timm has no such architecture; ``timm-folder``; and what
        :func:`~reportgen.inference.models.checkpoints.read_weights` raises.
    """
    if not request.spec.startswith(TIMM):
        return _of_folder(request)
    name = request.spec.removeprefix(TIMM)
    refuse_hub_name(request.spec)
    if request.weights is None:
        raise UsageError(
            f"timm:{printable(name)} needs --weights: without them the results would be random",
            slug="weights-missing",
            hint=f"timm:{printable(name)} --weights FILE, a local .pth, .tar or .safetensors file",
        )
    weights = read_weights(request.weights, n_classes=request.n_classes, key=request.weights_key)
    given = _given(weights)
    return _built(request, name, weights, given, weights.carried, pretrained={})


def _of_folder(request: Request) -> LoadedModel:
    request.refuse_factory_options("a folder contains its weights and has no arguments")
    folder = Path(request.spec)
    config = config_of(folder) or {}
    file = folder / "model.safetensors"
    if not file.exists():
        raise ModelError(
            f"{quoted(folder.name)} has no model.safetensors",
            slug="timm-folder",
            hint="save it again: timm.models.save_for_hf(model, 'NEW', safe_serialization=True)",
        )
    weights = read_weights(file, n_classes=request.n_classes)
    pretrained = config.get("pretrained_cfg")
    cfg = dict(pretrained) if isinstance(pretrained, dict) else {}
    names = config.get("label_names", cfg.get("label_names"))
    carried = EmbeddedClasses()
    if names is not None:
        source = f"label_names in config.json of {printable(folder.resolve().name)}"
        carried = embedded_classes(names, source, lenient=request.n_classes is not None)
    arguments = config.get("model_args")
    n_classes = config.get("num_classes")
    made = _built(
        request,
        str(config["architecture"]),
        weights,
        _Given({}, "the folder's pretrained_cfg" if cfg else ""),
        carried,
        pretrained=cfg,
        arguments={
            **(arguments if isinstance(arguments, dict) else {}),
            **({"num_classes": n_classes} if isinstance(n_classes, int) else {}),
        },
        shown=printable(folder.resolve().name),
    )
    files = {**made.facts.files, "config.json": sha256_of(folder / "config.json")}
    return replace(made, facts=replace(made.facts, files=files))


@dataclass(frozen=True)
class _Given:
    """Preprocessing settings in a checkpoint, and where they were found; empty if none."""

    values: Mapping[str, Any]
    source: str


def _given(weights: Weights) -> _Given:
    """``data_config``, otherwise the training options that differ from the defaults."""
    for key, where in (("data_config", "data_config"), ("args", "the options of the training")):
        found = {
            name: value
            for name, value in weights.settings.get(key, {}).items()
            if name in _KEYS and value is not None
        }
        if found:
            return _Given(found, f"{where} in {weights.file_name}")
    return _Given({}, "")


def _built(
    request: Request,
    name: str,
    weights: Weights,
    given: _Given,
    carried: EmbeddedClasses,
    *,
    pretrained: Mapping[str, Any],
    arguments: Mapping[str, Any] | None = None,
    shown: str = "",
) -> LoadedModel:
    import timm

    wanted = {**(arguments or {}), **parse_arguments(request.model_args)}
    _refuse_downloads(name, wanted)
    n_outputs, note = n_outputs_wanted(request.n_classes, weights)
    notes = []
    if n_outputs is not None and "num_classes" not in wanted:
        wanted = {"num_classes": n_outputs, **wanted}
        notes.append(note)
    if not timm.is_model(name):
        raise _unknown(name, timm.list_models())

    def build(**keywords: Any) -> Any:
        return timm.create_model(name, pretrained=False, **keywords)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about initial weights, which are replaced at once
        module, call = make(build, Call(f"timm:{printable(name)}", wanted))
    notes += load_into(module, weights.tensors, weights.file_name, str(call), weights.keys)
    module.eval()
    return LoadedModel(
        module=module,
        facts=ModelFacts(
            name=printable(request.name or name),
            version=request.version,
            kind="timm network",
            source=shown or f"timm:{printable(name)}",
            files={weights.file_name: weights.sha256},
            notes=(*notes, *weights.notes, *carried.notes),
        ),
        n_outputs=getattr(module, "num_classes", None) or None,
        classes=carried.names,
        classes_source=carried.source,
        preprocessing=_transform(module, name, given, pretrained),
        libraries=("timm",),
    )


def _refuse_downloads(name: str, arguments: Mapping[str, Any]) -> None:
    for key in _DOWNLOADING:
        if key in arguments:
            raise UsageError(
                f"--model-arg {key} can't be set for {quoted('timm:' + name)}: nothing is "
                "downloaded",
                slug="model-arg-unknown",
                hint="pass a local weights file with --weights",
            )


def _unknown(name: str, known: list[str]) -> ModelError:
    meant = nearest(name, known)
    return ModelError(
        f"timm has no network {quoted(name)}",
        slug="timm-unknown",
        details=[f"it has {len(known):,} architectures: timm.list_models() lists them"],
        hint=f"did you mean timm:{meant}?" if meant else "check the name",
    )


def _transform(
    module: Any, name: str, given: _Given, pretrained: Mapping[str, Any]
) -> EvaluationTransform:
    """timm's evaluation transform, and the source of its settings."""
    from timm.data import create_transform, resolve_data_config

    try:
        settings = resolve_data_config(
            dict(given.values), pretrained_cfg=dict(pretrained), model=module, use_test_size=True
        )
        steps = create_transform(**settings, is_training=False)
    except Exception as error:  # the settings are a user file
        raise ModelError(
            f"timm can't make a transform of {given.source or name}: {error_line(error)}",
            slug="timm-folder",
            hint="declare the preprocessing: --resize, --crop, --mean, --std",
        ) from error
    default = f"the default of the architecture {printable(name)}"
    if given.values:
        source = f"{given.source} ({', '.join(sorted(given.values))}), else by {default}"
    else:
        source = given.source or f"{default}: the checkpoint specifies nothing"
    return EvaluationTransform(steps, printable(source), settings)


@dataclass(frozen=True)
class EvaluationTransform:
    """timm's evaluation transform: PIL image (RGB) → float32 tensor (C, H, W). Picklable.

    Attributes
    ----------
    steps
        The result of ``timm.data.create_transform``.
    source
        The source of its settings, in words.
    settings
        The settings.
    """

    steps: Any = field(repr=False)
    source: str
    settings: Mapping[str, Any]
    channels: int | None = None
    fixes_size: bool = True

    def describe(self) -> tuple[str, ...]:
        """The source of the settings, then each step as timm prints it."""
        from timm import __version__

        steps = getattr(self.steps, "transforms", [self.steps])
        return (
            "decoded to RGB, 8 bits per channel",
            f"evaluation transform of timm {__version__}, by {self.source}:",
            *(printable(" ".join(str(step).split())) for step in steps),
        )

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Prepare one image of mode RGB."""
        made: torch.Tensor = self.steps(image)
        return made.to(torch.float32).contiguous()

    def array(self, image: Image.Image) -> NDArray[np.float32]:
        """As :meth:`__call__`, but returns a numpy array."""
        return self(image).numpy()
