"""Follows the hint of an error to the letter, as a user would type it."""

from __future__ import annotations

import re
import shlex
from dataclasses import fields
from pathlib import Path
from typing import Any

import reportgen
from reportgen.errors import ReportgenError
from reportgen.options.evaluation import EvaluationOptions
from reportgen.options.importing import InputOptions

_OPTION = re.compile(r"""--([a-z][a-z-]*)(?:[ ]((?!--)(?:'[^']*'|"[^"]*"|[^\s;()]*[^\s,;:()])))?""")
_KINDS = {f.name: f for kind in (InputOptions, EvaluationOptions) for f in fields(kind)}


def typed(hint: str) -> list[dict[str, Any]]:
    """The options that a hint names, each alternative (divided by "or") as keyword arguments."""
    found: list[dict[str, Any]] = []
    for part in re.split(r",? or |; if |, each with ", hint):
        options: dict[str, Any] = {}
        for match in _OPTION.finditer(part):
            name = match.group(1).replace("-", "_")
            if isinstance(_KINDS[name].default, bool):
                options[name] = True
            elif _KINDS[name].metadata.get("repeated"):
                options[name] = (*options.get(name, ()), *shlex.split(match.group(2) or ""))
            else:
                (options[name],) = shlex.split(match.group(2) or "")
        if options:
            found.append(options)
    return found


def outcomes(path: Path, **options: Any) -> list[Any]:
    """What comes of every alternative that the hint names, when `path` is read with it.

    The alternatives of a hint after which another one follows are followed too.
    """
    try:
        return [reportgen.load(path, **options)]
    except ReportgenError as error:
        assert error.exit_code in (2, 3), error
        found = []
        for alternative in typed(error.hint or ""):
            assert not alternative.items() <= options.items(), f"a circle: {error}"
            found += outcomes(path, **{**options, **alternative})
        if not found:
            raise
        return found
