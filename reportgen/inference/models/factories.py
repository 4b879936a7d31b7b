"""Networks created by code: the user's factory, or torchvision's by name."""

from __future__ import annotations

import dataclasses
import inspect
import json
import os
import sys
import sysconfig
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch import nn

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.libraries import import_torchvision
from reportgen.inference.models.checkpoints import Weights, load_into, read_weights
from reportgen.inference.models.embedded_classes import NO_CLASSES
from reportgen.inference.models.fresh import fresh_weights
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.models.own_classes import classes_of_network, held_against
from reportgen.inference.user_code import load_object, user_traceback
from reportgen.provenance import ModelFacts
from reportgen.text import listing, nearest, printable, quoted

__all__ = [
    "Call",
    "callable_factory",
    "load_from_factory",
    "load_from_torchvision",
    "make",
    "n_outputs_wanted",
    "parse_arguments",
    "plan",
]


@dataclass(frozen=True)
class Call:
    """The call of a factory.

    Attributes
    ----------
    shown
        Its name, for messages: ``networks.py:candidate``.
    arguments
        Keyword arguments.
    optional
        Names in `arguments` that are dropped if the factory does not accept them.
    note
        The source of ``num_classes``, or empty.
    """

    shown: str
    arguments: Mapping[str, Any]
    optional: frozenset[str] = frozenset()
    note: str = ""

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.shown}({printable(inside)})"


def parse_arguments(model_args: Mapping[str, str]) -> dict[str, Any]:
    """``--model-arg`` values: parsed as JSON if possible, otherwise strings.

    >>> parse_arguments({"depth": "18", "wide": "true", "act": "relu", "sizes": "[1, 2]"})
    {'depth': 18, 'wide': True, 'act': 'relu', 'sizes': [1, 2]}
    """
    return {key: _parse(value) for key, value in model_args.items()}


def callable_factory(found: Any, shown: str) -> Callable[..., Any]:
    """Return `found` if it is callable, otherwise raise :class:`ModelError`.

    The slug is ``factory-not-callable``.
    """
    if callable(found) and not isinstance(found, nn.Module):
        factory: Callable[..., Any] = found
        return factory
    what = "a network" if isinstance(found, nn.Module) else _type_of(found)
    raise ModelError(
        f"{quoted(shown)} is {what}, not a factory",
        slug="factory-not-callable",
        hint="specify a function or class that returns the network",
    )


def n_outputs_wanted(n_classes: int | None, weights: Weights | None) -> tuple[int | None, str]:
    """Number of outputs of the network, and a note on its source.

    The source is the class list in use, else the one in the weights file, else the file's last
    layer.
    """
    if n_classes is not None:
        return n_classes, f"num_classes={n_classes}, the length of the class list, was passed."
    if weights is None:
        return None, ""
    if weights.carried.names is not None:
        n_classes = len(weights.carried.names)
        return n_classes, (
            f"num_classes={n_classes}, the length of the class list in {weights.file_name}, "
            "was passed."
        )
    last = weights.last_layer()
    if last is None:
        return None, ""
    layer, rows = last
    return rows, (
        f"num_classes={rows}, the rows of {printable(layer)} in {weights.file_name}, was passed."
    )


def plan(
    factory: Callable[..., Any],
    shown: str,
    arguments: Mapping[str, Any],
    n_outputs: int | None,
    note: str,
) -> Call:
    """The call of `factory` with the user's arguments, and ``num_classes`` if it accepts that.

    Raises :class:`UsageError` (``model-arg-unknown`` or ``model-arg-missing``).
    """
    parameters = _parameters(factory)
    known = [p.name for p in parameters if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters)
    for key in arguments:
        if key not in known and not takes_any:
            raise _unknown_argument(shown, key, known)
    call = Call(shown, arguments)
    if n_outputs is not None and "num_classes" not in arguments:
        given = {"num_classes": n_outputs, **arguments}
        if "num_classes" in known:
            call = Call(shown, given, note=note)
        elif takes_any:
            call = Call(shown, given, frozenset({"num_classes"}), note)
    missing = [
        p.name
        for p in parameters
        if p.default is p.empty
        and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
        and p.name not in call.arguments
    ]
    if missing:
        raise UsageError(
            f"the factory {quoted(shown)} needs {listing(missing)}",
            slug="model-arg-missing",
            hint=f"pass it with --model-arg {printable(missing[0])}=VALUE",
        )
    return call


def make(factory: Callable[..., Any], call: Call) -> tuple[nn.Module, Call]:
    """Call the factory; return its result and the final call.

    Raises :class:`ModelError` (``factory-failed`` or ``factory-result``); :class:`UsageError`
    (``model-arg-unknown``) if a factory with ``**kwargs`` forwards an argument that is not
    accepted.
    """
    try:
        module = factory(**call.arguments)
    except (KeyboardInterrupt, ReportgenError):
        raise
    except BaseException as error:  # a factory may even call sys.exit()
        refused = _refused_keyword(error, call.arguments)
        if refused in call.optional:
            kept = {key: value for key, value in call.arguments.items() if key != refused}
            return make(factory, Call(call.shown, kept))
        if refused is not None and refused != "num_classes":
            raise _unknown_argument(call.shown, refused, []) from error
        raise _fail(call, error) from error
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"the factory {quoted(call.shown)} returned {_type_of(module)}, not an nn.Module",
            slug="factory-result",
            hint="return the network itself",
        )
    return module, call


def _parse(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _parameters(factory: Callable[..., Any]) -> list[inspect.Parameter]:
    """The factory's parameters; any keyword if Python can't inspect them, as for built-ins."""
    try:
        return list(inspect.signature(factory).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter("arguments", inspect.Parameter.VAR_KEYWORD)]


def _unknown_argument(shown: str, key: str, known: list[str]) -> UsageError:
    meant = nearest(key, known)
    return UsageError(
        f"{quoted(shown)} does not take {quoted(key)}",
        slug="model-arg-unknown",
        details=[f"it takes: {listing(known)}"] if known else [],
        hint=f"did you mean --model-arg {printable(meant)}=VALUE?" if meant else None,
    )


def _refused_keyword(error: BaseException, arguments: Mapping[str, Any]) -> str | None:
    text = str(error)
    if not isinstance(error, TypeError) or "unexpected keyword argument" not in text:
        return None
    return next((key for key in arguments if f"'{key}'" in text), None)


def _fail(call: Call, error: BaseException) -> ModelError:
    first = (str(error).strip().splitlines() or [""])[0]
    return ModelError(
        f"the factory {quoted(str(call))} failed: {type(error).__name__}"
        + (f": {printable(first)}" if first else ""),
        slug="factory-failed",
        details=user_traceback(error),
        hint="fix the factory, or change its arguments with --model-arg key=value",
    )


def _type_of(value: Any) -> str:
    return "None" if value is None else f"an object of type {printable(type(value).__name__)}"


_OFFLINE = "HF_HUB_OFFLINE"


_DOWNLOADING = ("weights", "pretrained", "weights_backbone", "pretrained_backbone", "progress")


def load_from_factory(
    spec: str,
    *,
    weights_path: Path | None,
    weights_key: str | None,
    model_args: Mapping[str, str],
    n_classes: int | None,
    name: str,
    version: str,
) -> LoadedModel:
    """Load the network that ``package.module:factory`` or ``path/file.py:factory`` returns.

    Raises the errors of :func:`reportgen.inference.user_code.load_object` and
    :func:`reportgen.inference.models.checkpoints.read_weights`, and

    ModelError
        ``factory-not-callable``, ``factory-failed``, ``factory-result``, ``weights-mismatch``,
        ``weights-fresh``.
    UsageError
        ``model-arg-unknown``, ``model-arg-missing``.
    """
    weights = (
        None
        if weights_path is None
        else read_weights(weights_path, n_classes=n_classes, key=weights_key)
    )
    if weights is None and weights_key is not None:
        raise UsageError(
            f"--weights-key {quoted(weights_key)} needs a weights file",
            slug="option-conflict",
            hint="pass the file too: --weights FILE",
        )
    target, _, attribute = spec.rpartition(":")
    is_file = target.endswith(".py")
    shown = printable(f"{Path(target).name if is_file else target}:{attribute}")
    folder = Path(target).resolve().parent if is_file else Path.cwd()
    with _offline(target), _importable(folder, own=is_file):
        loaded = load_object(spec, "model factory")
        factory = callable_factory(loaded.obj, shown)
        wanted = n_outputs_wanted(n_classes, weights)
        module, call = make(factory, plan(factory, shown, parse_arguments(model_args), *wanted))
        fresh = () if weights else fresh_weights(module, lambda: make(factory, call)[0], shown)
    facts = ModelFacts(
        name=printable(name or attribute),
        version=version,
        kind="factory" if weights is None else "factory + weights",
        source=shown,
        files={printable(file): digest for file, digest in loaded.file_hashes.items()},
        executes_code=True,
    )
    made = _finished(module, call, weights, facts, is_listed=n_classes is not None)
    return dataclasses.replace(made, warnings=fresh)


def load_from_torchvision(
    architecture: str,
    *,
    weights_path: Path | None,
    weights_key: str | None,
    model_args: Mapping[str, str],
    n_classes: int | None,
    name: str,
    version: str,
) -> LoadedModel:
    """Load a torchvision classifier with weights from a local file; nothing is downloaded.

    Raises
    ------
    UsageError
        ``weights-missing``: without weights the network would be random; ``model-arg-unknown``.
    ModelError
        ``torchvision-unknown``, ``torch-mismatch``, and the errors of `read_weights`.
    """
    shown = f"torchvision:{printable(architecture)}"
    if weights_path is None:
        raise UsageError(
            f"{shown} needs --weights: without them the results would be random",
            slug="weights-missing",
            hint=f"{shown} --weights FILE, a local .pth, .pt or .safetensors file",
        )
    arguments = parse_arguments(model_args)
    _refuse_downloads(shown, arguments)
    build = _builder(architecture)
    weights = read_weights(weights_path, n_classes=n_classes, key=weights_key)
    call = plan(build, shown, arguments, *n_outputs_wanted(n_classes, weights))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about slow initial weights, which are replaced at once
        module, call = make(build, call)
    facts = ModelFacts(
        name=printable(name or architecture),
        version=version,
        kind="torchvision + weights",
        source=shown,
    )
    return _finished(module, call, weights, facts, is_listed=n_classes is not None)


def _refuse_downloads(shown: str, arguments: Mapping[str, Any]) -> None:
    for key in _DOWNLOADING:
        if key in arguments:
            raise UsageError(
                f"--model-arg {key} can't be set for {quoted(shown)}: nothing is downloaded",
                slug="model-arg-unknown",
                hint="pass a local weights file with --weights",
            )


def _builder(architecture: str) -> Callable[..., Any]:
    """torchvision's function that builds a classifier, without weights."""
    import_torchvision()
    from torchvision import models

    known = models.list_models(module=models)
    if architecture.lower() not in known:
        meant = nearest(architecture, known)
        raise ModelError(
            f"torchvision has no classifier {quoted(architecture)}",
            slug="torchvision-unknown",
            details=[f"it has {listing(known)}"],
            hint=f"did you mean torchvision:{meant}?" if meant else None,
        )

    def build(**arguments: Any) -> Any:
        return models.get_model(architecture, weights=None, **arguments)

    return build


def _finished(
    module: nn.Module, call: Call, weights: Weights | None, facts: ModelFacts, *, is_listed: bool
) -> LoadedModel:
    """The network with its weights, in evaluation mode; notes are added to the facts.

    `is_listed`: a class list was given apart from the model.
    """
    files, notes, carried = dict(facts.files), [call.note] if call.note else [], NO_CLASSES
    if weights is None:
        notes.append("No weights file was given: the factory is expected to load its own weights.")
    else:
        notes += load_into(module, weights.tensors, weights.file_name, str(call), weights.keys)
        notes += weights.notes
        files[weights.file_name] = weights.sha256
        carried = weights.carried
    notes += _evaluation_mode(module)
    own = classes_of_network(module, lenient=is_listed or carried.names is not None)
    if carried.names is not None and own.names is not None:
        notes += held_against(carried.names, carried.source, own)
    known = carried if carried.names is not None else own
    return LoadedModel(
        module=module,
        facts=dataclasses.replace(facts, files=files, notes=(*notes, *own.notes)),
        classes=known.names,
        classes_source=known.source,
        knows_classes=known is own and own.names is not None,
    )


def _evaluation_mode(module: nn.Module) -> Iterator[str]:
    """Call ``eval()``; return notes on modules that stay in training mode."""
    try:
        module.eval()
    except NotImplementedError:
        yield "The factory returned an exported program, to which eval() does not apply."
        return
    except Exception as error:
        raise ModelError(
            f"the eval() of the network failed: {type(error).__name__}",
            slug="factory-failed",
            details=user_traceback(error),
        ) from error
    training = [name for name, part in module.named_modules() if part.training]
    if training:
        yield (
            f"After eval(), {listing(name or 'the network itself' for name in training)} remained "
            "in training mode: outputs may be random or depend on the batch."
        )


@contextmanager
def _offline(target: str) -> Iterator[None]:
    """Restrict libraries that would download missing files to local ones."""
    before = os.environ.get(_OFFLINE)
    if target.partition(".")[0] in ("transformers", "timm"):
        os.environ[_OFFLINE] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_OFFLINE, None)
        else:
            os.environ[_OFFLINE] = before


@contextmanager
def _importable(folder: Path, *, own: bool) -> Iterator[None]:
    """Make modules in `folder` importable for the length of the block.

    With `own`, ``import layers`` means `folder`'s ``layers.py``, even if an earlier model imported
    a module of that name from another folder; that one is restored afterwards.
    """
    entry = str(folder)
    present = entry in sys.path
    if not present:
        sys.path.append(entry)
    hidden = _namesakes(folder) if own else {}
    for name in hidden:
        del sys.modules[name]
    try:
        yield
    finally:
        tops = {name.partition(".")[0] for name in hidden}
        for name in [name for name in sys.modules if name.partition(".")[0] in tops]:
            del sys.modules[name]
        sys.modules.update(hidden)
        if not present:
            sys.path[:] = [other for other in sys.path if other != entry]


def _namesakes(folder: Path) -> dict[str, ModuleType]:
    """Imported user modules of other folders with the same names as modules in `folder`."""
    names = {path.stem for path in folder.glob("*.py")}
    names |= {path.parent.name for path in folder.glob("*/__init__.py")}
    names = {name for name in names if not name.startswith("__")} - {"reportgen"}
    return {
        name: module
        for name, module in list(sys.modules.items())
        if name.partition(".")[0] in names and _is_elsewhere(module, folder)
    }


def _is_elsewhere(module: ModuleType, folder: Path) -> bool:
    """Whether a module is user code from another folder, not Python's own and not installed."""
    file = getattr(module, "__file__", None)
    if not file:
        return False
    path = Path(file).resolve()
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    homes = (folder, sysconfig.get_path("stdlib"))
    return not installed and not any(path.is_relative_to(home) for home in homes)
