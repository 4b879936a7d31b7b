"""Calling a factory: with which arguments, and what may go wrong inside.

A factory is a function or class that returns an ``nn.Module``. It gets ``num_classes=`` where it
takes it, and the ``--model-arg`` pairs. What it raises becomes a :class:`ModelError` with the
user's part of the traceback.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.models.checkpoints import Weights
from reportgen.inference.user_code.tracebacks import user_traceback
from reportgen.text import listing, nearest, printable, quoted

__all__ = ["Call", "callable_factory", "make", "n_outputs_wanted", "parse_arguments", "plan"]


@dataclass(frozen=True)
class Call:
    """How a factory is called.

    Attributes
    ----------
    shown
        Its name, for messages: ``networks.py:candidate``.
    arguments
        Keyword arguments.
    optional
        Names in `arguments` that are left out where the factory turns out not to take them.
    note
        Where ``num_classes`` came from, or empty.
    """

    shown: str
    arguments: Mapping[str, Any]
    optional: frozenset[str] = frozenset()
    note: str = ""

    def __str__(self) -> str:
        inside = ", ".join(f"{key}={value!r}" for key, value in self.arguments.items())
        return f"{self.shown}({printable(inside)})"


def parse_arguments(model_args: Mapping[str, str]) -> dict[str, Any]:
    """``--model-arg`` values: JSON where they parse as JSON, else strings.

    >>> parse_arguments({"depth": "18", "wide": "true", "act": "relu", "sizes": "[1, 2]"})
    {'depth': 18, 'wide': True, 'act': 'relu', 'sizes': [1, 2]}
    """
    return {key: _parsed(value) for key, value in model_args.items()}


def callable_factory(found: Any, shown: str) -> Callable[..., Any]:
    """`found`, where it can be called; else :class:`ModelError` ``factory-not-callable``."""
    if callable(found) and not isinstance(found, nn.Module):
        factory: Callable[..., Any] = found
        return factory
    what = "a network" if isinstance(found, nn.Module) else _type_of(found)
    raise ModelError(
        f"{quoted(shown)} is {what}, not a factory",
        slug="factory-not-callable",
        hint="name a function or class that returns the network when it is called",
    )


def n_outputs_wanted(n_classes: int | None, weights: Weights | None) -> tuple[int | None, str]:
    """How many classes the network is for, and a note on who says so.

    The class list in use says so, else that in the weights file, else the file's last layer.
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
    """The call of `factory` with the user's arguments, and ``num_classes`` where it takes it.

    Raises :class:`UsageError` ``model-arg-unknown`` or ``model-arg-missing``.
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
            hint=f"give it with --model-arg {printable(missing[0])}=VALUE",
        )
    return call


def make(factory: Callable[..., Any], call: Call) -> tuple[nn.Module, Call]:
    """What the factory returns, and the call that was made in the end.

    Raises :class:`ModelError` ``factory-failed`` or ``factory-result``; :class:`UsageError`
    ``model-arg-unknown`` where a factory with ``**kwargs`` passes on what nobody takes.
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
        raise _failed(call, error) from error
    if not isinstance(module, nn.Module):
        raise ModelError(
            f"the factory {quoted(call.shown)} returned {_type_of(module)}, not an nn.Module",
            slug="factory-result",
            hint="return the network itself",
        )
    return module, call


def _parsed(value: str) -> Any:
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return value


def _parameters(factory: Callable[..., Any]) -> list[inspect.Parameter]:
    """The factory's parameters; any keyword where Python can't tell, as for built-ins."""
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


def _failed(call: Call, error: BaseException) -> ModelError:
    first = (str(error).strip().splitlines() or [""])[0]
    return ModelError(
        f"the factory {quoted(str(call))} failed: {type(error).__name__}"
        + (f": {printable(first)}" if first else ""),
        slug="factory-failed",
        details=user_traceback(error),
        hint="mend the factory, or change its arguments with --model-arg key=value",
    )


def _type_of(value: Any) -> str:
    return "None" if value is None else f"an object of type {printable(type(value).__name__)}"
