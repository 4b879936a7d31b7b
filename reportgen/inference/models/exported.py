"""``.pt2``: programs saved by ``torch.export.save``, loaded without unpickling code."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
import re
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch.export.graph_signature import ConstantArgument, InputKind, OutputKind, TensorArgument

from reportgen.errors import ModelError, ReportgenError
from reportgen.files import sha256_of
from reportgen.inference.models.embedded_classes import NO_CLASSES, EmbeddedClasses, parse_json
from reportgen.inference.models.file_kinds import Sniffed, damaged, refuse_aotinductor
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.provenance import ModelFacts
from reportgen.text import listing, printable, quoted

__all__ = [
    "SAVE_HINT",
    "classes_in",
    "contains_code",
    "forced_weights_only",
    "load_program",
    "move_program",
    "refuse_code",
]


SAVE_HINT = (
    'save it again with: torch.export.save(torch.export.export(model, (images,)), "model.pt2")'
)


_CLASSES_ENTRIES = ("extra/classes.json", "extra_files/classes.json")  # the second: torch < 2.8


_CLASSES_LIMIT = 16 * 1024 * 1024


_UNPICKLED = ("custom_obj_", "opaque_obj_")


def refuse_code(path: Path) -> None:
    """Raise :class:`ModelError` if loading would run code from the file.

    ``model-contains-code`` for custom objects, ``aotinductor`` for compiled code,
    ``model-file-damaged`` for two entries with the same name.
    """
    try:
        reader = torch._C.PyTorchFileReader(str(path))
        records = reader.get_all_records()
    except RuntimeError:
        return  # the flat layout of torch 2.6 and 2.7, which has no custom objects
    if len({record.casefold() for record in records}) != len(records):
        raise damaged(path, "two entries have the same name")
    for record in records:
        folded = record.casefold()
        if folded.startswith("data/aotinductor/"):
            raise refuse_aotinductor(path)
        if folded.startswith("data/constants/") and folded.endswith("_config.json"):
            objects = list(_custom_objects(_json_of(path, record, reader.get_record(record))))
            if objects:
                raise contains_code(path, objects)


def classes_in(path: Path, sniffed: Sniffed, *, lenient: bool) -> EmbeddedClasses:
    """The class list in the program's extra file ``classes.json``; see :func:`embedded_classes`."""
    wanted = {sniffed.root + _CLASSES_ENTRIES[0], _CLASSES_ENTRIES[1]}
    for entry in sniffed.entries:
        if entry in wanted:
            source = f"classes.json in {printable(path.name)}"
            return parse_json(_read(path, entry), source, lenient=lenient)
    return NO_CLASSES


def contains_code(path: Path, names: Sequence[str]) -> ModelError:
    """The error for a program whose file contains code."""
    return ModelError(
        f"{quoted(path.name)} contains code ({listing(dict.fromkeys(names))})",
        slug="model-contains-code",
        details=["objects other than tensors would be unpickled, which can run any code"],
        hint=f"export a model without custom objects, and {SAVE_HINT}",
    )


def _custom_objects(config: Any) -> Iterator[str]:
    """Constants of a program that are not tensors: their files, by the names that torch uses."""
    items = config.get("config") if isinstance(config, dict) else None
    for item in items.values() if isinstance(items, dict) else ():
        stored = item.get("path_name") if isinstance(item, dict) else None
        if isinstance(stored, str) and stored.startswith(_UNPICKLED):
            yield stored


def _json_of(path: Path, entry: str, content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        raise damaged(path, f"{printable(entry)} is not JSON") from error


def _read(path: Path, entry: str) -> bytes:
    """Read a small entry, whatever size the zip directory states."""
    try:
        with zipfile.ZipFile(path) as archive, archive.open(entry) as stream:
            content = stream.read(_CLASSES_LIMIT + 1)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise damaged(path, f"{printable(entry)} cannot be read") from error
    if len(content) > _CLASSES_LIMIT:
        raise damaged(path, f"{printable(entry)} is longer than {_CLASSES_LIMIT:,} bytes")
    return content


_FORCE, _FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


def load_program(
    path: Path, sniffed: Sniffed, *, name: str, version: str, n_classes: int | None
) -> LoadedModel:
    """Load the program in a ``.pt2`` file, on the device that it was exported for.

    Parameters
    ----------
    path, sniffed
        The file, and its :func:`reportgen.inference.models.file_kinds.sniff`.
    n_classes
        Length of a class list that overrides the one in the file, if given.

    Raises
    ------
    ModelError
        ``model-contains-code``, ``model-file-damaged``, ``program-unreadable``,
        ``program-device``, ``program-inputs`` or ``carried-classes``.
    """
    refuse_code(path)
    carried = classes_in(path, sniffed, lenient=n_classes is not None)
    program = _load(path)
    facts = ModelFacts(
        name=printable(name or path.stem),
        version=version,
        kind="torch.export program",
        source=printable(path.name),
        files={printable(path.name): sha256_of(path)},
        executes_code=True,
        notes=(*carried.notes, *_training_notes(program)),
    )
    try:
        return _described(program, facts, carried)
    except ReportgenError:
        raise
    except Exception as error:  # a graph that no known exporter writes
        raise _load_error(path, error, ()) from error


def move_program(model: LoadedModel, device: torch.device) -> LoadedModel:
    """Set all devices in a program, of weights and of operators, to `device`.

    Raises :class:`ModelError` (``program-device``) if this torch version can't do that.
    """
    program = model.program
    assert program is not None, "only programs are moved this way"
    if all(_same_device(there, device) for there in _devices(program)):
        return model
    try:
        from torch.export.passes import move_to_device_pass

        moved = move_to_device_pass(program, device)
        module = _callable(moved)
    except Exception as error:  # any kind: the pass may not support the graph
        raise ModelError(
            f"the program {quoted(model.facts.source)} could not be moved to {device}: "
            f"{_first_line(error)}",
            slug="program-device",
            hint=f"export the model on {device.type}, or use --device "
            f"{next(iter(_devices(program)), torch.device('cpu')).type}",
        ) from error
    return dataclasses.replace(model, module=module, program=moved)


@contextmanager
def forced_weights_only() -> Iterator[None]:
    """Make every ``torch.load`` read data only; restores the environment."""
    before = {variable: os.environ.get(variable) for variable in (_FORCE, _FORCE_NOT)}
    os.environ[_FORCE] = "1"
    os.environ.pop(_FORCE_NOT, None)  # torch refuses to have both
    try:
        yield
    finally:
        for variable, value in before.items():
            if value is None:
                os.environ.pop(variable, None)
            else:
                os.environ[variable] = value


def _load(path: Path) -> torch.export.ExportedProgram:
    with _captured_logs() as logged, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about deprecated archive versions
        try:
            with forced_weights_only():
                return torch.export.load(path)
        except Exception as error:  # torch raises almost anything for a file that it can't read
            unsafe_advice = "weights_only" in str(error)  # not even --debug repeats it
            raise _load_error(path, error, logged) from (None if unsafe_advice else error)


def _load_error(path: Path, error: Exception, logged: Sequence[logging.LogRecord]) -> ModelError:
    """The reason why loading failed. torch logs the cause and then raises a less clear error."""
    texts = [str(cause) for record in logged for cause in _causes(record)] + [str(error)]
    code = [
        found
        for text in texts
        for found in re.findall(r"GLOBAL (\S+) (?:was not an allowed|whose module)", text)
    ]
    if code:
        return contains_code(path, code)
    first = next((text for text in texts if text.strip()), type(error).__name__)
    if re.search(r"\b(CUDA|NVIDIA|MPS|XPU|HIP)\b", first):
        return ModelError(
            f"{quoted(path.name)} was exported for a device that is not here: {_first_line(first)}",
            slug="program-device",
            hint="on the machine that has it: torch.export.save(torch.export.passes."
            'move_to_device_pass(program, "cpu"), "model.pt2")',
        )
    return ModelError(
        f"torch {torch.__version__} cannot load {quoted(path.name)}: {_first_line(first)}",
        slug="program-unreadable",
        details=["a program is tied to the torch versions around the one that saved it"],
        hint=SAVE_HINT,
    )


def _causes(record: logging.LogRecord) -> list[BaseException]:
    """The exceptions in a log record: attached, or part of the message (torch 2.9)."""
    raised = [record.exc_info[1]] if record.exc_info else []
    named = record.args if isinstance(record.args, tuple) else ()
    return [cause for cause in (*raised, *named) if isinstance(cause, BaseException)]


def _first_line(error: BaseException | str) -> str:
    """The first line of a library's message, without its advice to load unsafely."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return "it is not plain data" if "weights_only" in lines[0] else printable(lines[0])[:300]


class _Capture(logging.Handler):
    """A log handler that keeps records instead of printing them."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def _captured_logs() -> Iterator[list[logging.LogRecord]]:
    """Capture torch's log: it prints tracebacks of the errors that it then raises."""
    capture = _Capture()
    kept: list[tuple[logging.Logger, list[logging.Handler]]] = []
    for name, logger in list(logging.root.manager.loggerDict.items()):
        if isinstance(logger, logging.Logger) and logger.handlers and re.match(r"torch\b", name):
            kept.append((logger, logger.handlers))
            logger.handlers = [capture]
    try:
        yield capture.records
    finally:
        for logger, handlers in kept:
            logger.handlers = handlers


def _described(
    program: torch.export.ExportedProgram, facts: ModelFacts, carried: EmbeddedClasses
) -> LoadedModel:
    image = _image_input(program, facts.source)
    batch, *rest = image.shape
    return LoadedModel(
        module=_callable(program),
        facts=facts,
        batch_sizes=_batch_sizes(batch, program.range_constraints),
        input_shape=tuple(size if isinstance(size, int) else None for size in rest),
        input_dtype=image.dtype,
        n_outputs=_n_outputs(program, batch),
        classes=carried.names,
        classes_source=carried.source,
        program=program,
    )


def _user_inputs(program: torch.export.ExportedProgram) -> list[Any]:
    return [
        spec.arg
        for spec in program.graph_signature.input_specs
        if spec.kind is InputKind.USER_INPUT
    ]


def _image_input(program: torch.export.ExportedProgram, source: str) -> torch.Tensor:
    """The only tensor input, without data: its shape may contain symbols."""
    arguments = _user_inputs(program)
    tensors = {a.name: _value(program, a.name) for a in arguments if isinstance(a, TensorArgument)}
    shown = [f"{printable(n)}: shape {_shape(t)}, {t.dtype}" for n, t in tensors.items()]
    others = [a for a in arguments if not isinstance(a, (TensorArgument, ConstantArgument))]
    if len(tensors) != 1 or others:
        raise ModelError(
            f"the program {quoted(source)} takes {len(arguments)} inputs, not a single batch of "
            "images",
            slug="program-inputs",
            details=shown[:5],
            hint="export a module whose forward takes only the images",
        )
    image: torch.Tensor = next(iter(tensors.values()))
    if image.ndim != 4 or not image.dtype.is_floating_point:
        raise ModelError(
            f"the program {quoted(source)} takes {_shape(image)} of {image.dtype}, not images: "
            "(batch, channels, height, width) of a floating dtype",
            slug="program-inputs",
            hint="export a module that takes float images in [0, 1] and does the rest itself",
        )
    return image


def _value(program: torch.export.ExportedProgram, name: str) -> Any:
    for node in program.graph.nodes:
        if node.name == name:
            return node.meta.get("val")
    return None


def _shape(tensor: torch.Tensor) -> str:
    return f"({', '.join(str(size) for size in tensor.shape)})"


def _callable(program: torch.export.ExportedProgram) -> Callable[[torch.Tensor], Any]:
    """The program as a function of the batch only, however its input was passed at export."""
    module = program.module()
    batch = object()
    leaves = [
        argument.value if isinstance(argument, ConstantArgument) else batch
        for argument in _user_inputs(program)
    ]
    spec = program.call_spec.in_spec
    args, kwargs = spec.unflatten(leaves)
    if len(args) == 1 and args[0] is batch and not kwargs:
        return module

    def call(images: torch.Tensor) -> Any:
        args, kwargs = spec.unflatten([images if leaf is batch else leaf for leaf in leaves])
        return module(*args, **kwargs)

    return call


def _batch_sizes(batch: Any, ranges: Mapping[Any, Any]) -> BatchSizes:
    """Allowed sizes of a batch dimension: a number, a symbol s, or a·s + b with integers a, b."""
    if isinstance(batch, int):
        return BatchSizes.fixed(batch)
    expression = batch.node.expr
    low, high = _bounds(ranges.get(expression))
    symbols = list(expression.free_symbols)
    symbol = symbols[0]
    symbol_low, symbol_high = _bounds(ranges.get(symbol))
    step, offset = expression.coeff(symbol), expression.subs(symbol, 0)
    linear = len(symbols) == 1 and step.is_Integer and step > 0 and offset.is_Integer
    if not linear or expression != step * symbol + offset:
        return BatchSizes.fixed(int(expression.subs(dict.fromkeys(symbols, max(symbol_low, 2)))))
    minimum = int(step) * max(symbol_low, 0) + int(offset)
    minimum -= min((minimum - max(low, 1)) // int(step), 0) * int(step)
    ends = [] if symbol_high is None else [int(step) * symbol_high + int(offset)]
    ends += [] if high is None else [high]
    return BatchSizes(minimum, min(ends, default=None), int(step))


def _bounds(bounds: Any) -> tuple[int, int | None]:
    """The integers in a value range; None for an infinite upper bound."""
    if bounds is None:
        return 0, None
    low = int(bounds.lower) if getattr(bounds.lower, "is_Integer", False) else 0
    return low, int(bounds.upper) if getattr(bounds.upper, "is_Integer", False) else None


def _n_outputs(program: torch.export.ExportedProgram, batch: Any) -> int | None:
    """Scores per sample, if the outputs are unambiguous: one tensor, ``logits``, or all alike."""
    values = [
        _value(program, spec.arg.name) if isinstance(spec.arg, TensorArgument) else None
        for spec in program.graph_signature.output_specs
        if spec.kind is OutputKind.USER_OUTPUT
    ]
    out_spec = program.call_spec.out_spec
    output: Any = values if out_spec is None else out_spec.unflatten(values)
    if isinstance(output, Mapping):
        found = [output["logits"]] if "logits" in output else list(output.values())
    elif isinstance(getattr(output, "logits", None), torch.Tensor):
        found = [output.logits]
    else:
        found = list(output) if isinstance(output, (tuple, list)) else [output]
    widths = {_width(tensor, batch) for tensor in found if isinstance(tensor, torch.Tensor)}
    widths.discard(None)
    return widths.pop() if len(widths) == 1 else None


def _width(tensor: torch.Tensor, batch: Any) -> int | None:
    """K of a floating tensor (B, K) or (B, K, 1, …), 1 for (B,), otherwise None."""
    shape = list(tensor.shape)
    while len(shape) > 2 and shape[-1] == 1:
        shape.pop()
    if not tensor.is_floating_point() or not shape or str(shape[0]) != str(batch):
        return None
    if len(shape) == 1:
        return 1
    return shape[1] if len(shape) == 2 and isinstance(shape[1], int) else None


def _training_notes(program: torch.export.ExportedProgram) -> Iterator[str]:
    """Notes on layers that stay in training mode because the model was exported in it."""
    active = {
        str(node.target)
        for node in program.graph.nodes
        if node.op == "call_function" and _trains(str(node.target), node.args)
    }
    if active:
        yield (
            f"The program was exported in training mode ({', '.join(sorted(active))}): its outputs "
            "are random or depend on the batch. Call model.eval() before torch.export.export."
        )


def _trains(target: str, args: Sequence[Any]) -> bool:
    if target in {"aten.dropout.default", "aten.native_dropout.default"}:
        return len(args) > 2 and args[2] is True
    if target in {"aten.batch_norm.default", "aten._native_batch_norm_legit.default"}:
        return len(args) > 5 and args[5] is True
    return False


def _devices(program: torch.export.ExportedProgram) -> set[torch.device]:
    """Every device in a program: of weights, constants and intermediate values."""
    tensors = [*program.state_dict.values(), *program.constants.values()]
    tensors += [node.meta.get("val") for node in program.graph.nodes]
    return {tensor.device for tensor in tensors if isinstance(tensor, torch.Tensor)}


def _same_device(one: torch.device, other: torch.device) -> bool:
    return one.type == other.type and (one.index or 0) == (other.index or 0)
