"""From the MODEL argument to a model that is ready to run."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from reportgen.errors import ModelError, UsageError
from reportgen.foreign_formats import ways
from reportgen.inference.adapters.records import Request, adapter_of, load_by
from reportgen.inference.models.checkpoints import RESAVE, code_in, known_pickle, refuse_torchscript
from reportgen.inference.models.exported import load_program, move_program
from reportgen.inference.models.factories import load_from_factory, load_from_torchvision
from reportgen.inference.models.file_kinds import (
    FileKind,
    Sniffed,
    refuse_aotinductor,
    sniff,
)
from reportgen.inference.models.layouts import WHAT_WORKS, refuse_hub_name
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.user_code import names_user_code
from reportgen.options import Options
from reportgen.paths import exists, refuse_address
from reportgen.text import listing, printable, quoted

__all__ = [
    "load_model",
    "to_device",
]


_TORCHVISION = "torchvision:"


_WEIGHTS_KINDS = (FileKind.CHECKPOINT, FileKind.OLD_CHECKPOINT, FileKind.SAFETENSORS)


def load_model(
    spec: str,
    *,
    weights: Path | None = None,
    weights_key: str | None = None,
    model_args: Mapping[str, str] | None = None,
    n_classes: int | None = None,
    name: str = "",
    version: str = "",
    options: Options | None = None,
) -> LoadedModel:
    """Load MODEL on the CPU (a program: on the device it was exported for), in evaluation mode.

    Parameters
    ----------
    spec
        A ``.pt2`` file, ``package.module:factory``, ``path/file.py:factory``, ``torchvision:NAME``,
        or a format of an adapter. The format of a file is detected by its content.
    weights
        Local weights file for a factory or a torchvision network.
    weights_key
        Which state dict of that file, if it contains several.
    model_args
        Keyword arguments of the factory; values are parsed as JSON if possible.
    n_classes
        Length of the class list, if one was given apart from the model.
    name, version
        Display name and version; the default name is the file's stem, or the name of the factory or
        architecture.
    options
        All options of the run, for adapters.

    Raises
    ------
    UsageError
        The form of MODEL is invalid, or options do not apply to it.
    ModelError
        The model can't be loaded; each loader documents its slugs.
    """
    arguments = model_args or {}
    refuse_address(spec, "MODEL")
    if (adapter := adapter_of(spec)) is not None:
        request = Request(
            spec, weights, weights_key, arguments, n_classes, name, version, options or Options()
        )
        return load_by(adapter, request)
    if not exists(spec):
        refuse_hub_name(spec)
    if spec.startswith(_TORCHVISION) and not exists(spec):
        return load_from_torchvision(
            spec.removeprefix(_TORCHVISION),
            weights_path=weights,
            weights_key=weights_key,
            model_args=arguments,
            n_classes=n_classes,
            name=name,
            version=version,
        )
    if names_user_code(spec) and not exists(spec):
        return load_from_factory(
            spec,
            weights_path=weights,
            weights_key=weights_key,
            model_args=arguments,
            n_classes=n_classes,
            name=name,
            version=version,
        )
    sniffed = _program_file(Path(spec))
    _refuse_factory_options(
        spec,
        {
            "--weights": weights is not None,
            "--weights-key": weights_key is not None,
            "--model-arg": bool(arguments),
        },
    )
    return load_program(Path(spec), sniffed, name=name, version=version, n_classes=n_classes)


def to_device(model: LoadedModel, device: torch.device) -> LoadedModel:
    """Move the model to `device`, including the devices recorded in a program.

    A module is moved in place. Raises :class:`ModelError` (``model-device`` or ``program-device``).
    """
    if model.program is not None:
        return move_program(model, device)
    if isinstance(model.module, nn.Module):
        try:
            return dataclasses.replace(model, module=model.module.to(device))
        except (RuntimeError, NotImplementedError) as error:
            first = printable((str(error).strip().splitlines() or [type(error).__name__])[0])
            raise ModelError(
                f"the model could not be moved to {device}: {first}",
                slug="model-device",
                hint="use another --device",
            ) from error
    return model


def _program_file(path: Path) -> Sniffed:
    """The detected format of a program file; for other files, an error with the actual format."""
    if path.suffix == ".py":
        raise _no_factory(path)
    if not exists(path) and ":" in path.name:
        raise UsageError(
            f"MODEL {quoted(path.name)} is neither a file nor module:factory nor file.py:factory",
            slug="model-form",
            hint=WHAT_WORKS,
        )
    sniffed = sniff(path)
    if sniffed.kind is FileKind.AOTINDUCTOR:
        raise refuse_aotinductor(path)
    if sniffed.kind is FileKind.TORCHSCRIPT:
        raise refuse_torchscript(path)
    if sniffed.kind in _WEIGHTS_KINDS:
        raise _weights_alone(path, sniffed)
    if sniffed.kind is not FileKind.PROGRAM:
        raise ModelError(
            f"{quoted(path.name)} is {sniffed.description}, which can't be run here",
            slug="model-format",
            details=ways(sniffed.description, path),
            hint=WHAT_WORKS,
        )
    return sniffed


def _no_factory(path: Path) -> UsageError:
    """The error for ``file.py`` without ``:factory``; it lists the functions without running it."""
    names: list[str] = []
    try:
        tree = ast.parse(path.read_bytes())
        names = [
            node.name
            for node in tree.body
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        ]
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        pass  # the names only improve the message
    return UsageError(
        f"MODEL {quoted(path.name)} names no factory in the file",
        slug="model-form",
        details=[f"it defines {listing(names)}"] if names else [],
        hint=f"write {printable(path.name)}:{printable(names[-1] if names else 'FACTORY')}, the "
        "function or class that returns the network",
    )


def _weights_alone(path: Path, sniffed: Sniffed) -> ModelError:
    code = code_in(path) if sniffed.kind is FileKind.CHECKPOINT else []
    known = known_pickle(path, code)
    if known is not None:
        return known
    if code:
        return ModelError(
            f"{quoted(path.name)} contains code ({listing(code)})",
            slug="model-contains-code",
            details=["pickled networks are not read; " + RESAVE[0], *RESAVE[1:]],
            hint="and name the network: file.py:factory --weights weights.pt",
        )
    return ModelError(
        f"{quoted(path.name)} is {sniffed.description}: it contains weights, not the network",
        slug="weights-as-model",
        hint=f"name the network too: file.py:factory --weights {printable(path.name)}, or "
        f"torchvision:NAME --weights {printable(path.name)}",
    )


def _refuse_factory_options(spec: str, given: Mapping[str, bool]) -> None:
    for option, is_given in given.items():
        if is_given:
            raise UsageError(
                f"{option} cannot be combined with {quoted(Path(spec).name)}: a program contains "
                "its "
                "weights and has no arguments",
                slug="program-with-options",
                hint=f"omit {option}",
            )
