"""The plan of a run over a live module and its loader."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from reportgen.class_list import resolve_classes
from reportgen.inference.given_classes import data_list, explicit_classes, order_of_data
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.inference.plan import Plan, provenance_of, versions_of
from reportgen.inference.sources.agreeing import live_classes
from reportgen.inference.sources.live import LiveSource, as_loader
from reportgen.options import DEFAULT_BATCH_SIZES, Options
from reportgen.provenance import ModelFacts

__all__ = [
    "plan_live",
]


def plan_live(
    module: torch.nn.Module, data: Any, target: Path, options: Options, device: torch.device
) -> Plan:
    explicit, source = explicit_classes(options)
    loader = as_loader(
        data, options.batch_size or DEFAULT_BATCH_SIZES[device.type], options.workers or 0
    )
    order, order_source = data_list(options)
    names, source, notes = live_classes(explicit, source, module, loader, order, order_source)
    classes = resolve_classes(
        explicit=names,
        explicit_source=source,
        from_model=None,
        model_source="",
        folders=(),
        n_outputs=None,
        ignore_unknown=False,
    )
    name = type(module).__name__
    facts = ModelFacts(
        name=options.model_name or name,
        version=options.model_version,
        kind="live module",
        source=name,
        files={"state dict": _state_hash(module)},
        executes_code=True,
    )
    batch_size = loader.batch_size or options.batch_size or DEFAULT_BATCH_SIZES[device.type]
    model = LoadedModel(
        module=module,
        facts=facts,
        batch_sizes=BatchSizes(),
        input_shape=None,
        n_outputs=None,
        classes=None,
        classes_source="",
    )
    dataset_name = type(loader.dataset).__name__
    return Plan(
        target=target,
        options=options,
        model=model,
        classes=classes,
        source=LiveSource(loader, classes.names, order=order_of_data(options, classes)),
        batch_size=batch_size,
        device=device,
        provenance=provenance_of(
            options,
            model=facts,
            data_name=options.data_name or dataset_name,
            classes=classes,
            preprocessing=(f"as the data set does it ({dataset_name})",),
            command=f"reportgen.run({name}, {type(loader).__name__}({dataset_name}), out=OUT)",
            versions=versions_of(model),
        ),
        identity={},
        class_notes=notes,
    )


def _state_hash(module: torch.nn.Module) -> str:
    """SHA-256 over the names, types, shapes and bytes of a live module's state."""
    digest = hashlib.sha256()
    for name, tensor in sorted(module.state_dict().items()):
        if isinstance(tensor, torch.Tensor):
            digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
            raw = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8)
            digest.update(raw.numpy().tobytes())
    return digest.hexdigest()
