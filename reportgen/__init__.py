"""One self-contained HTML report on a trained image classifier.

>>> import reportgen
>>> reportgen.run(model, loader, classes=["cat", "dog"], out="report")  # doctest: +SKIP

Importing this package loads nothing heavy; each name below is loaded when it is first used.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reportgen.api import (
        check,
        comment,
        compare,
        evaluate,
        history,
        index,
        load,
        mail,
        merge,
        merge_status,
        predict,
        render,
        run,
        save_baseline,
        track,
    )
    from reportgen.comparison import Comparison
    from reportgen.confusion_counter import ConfusionCounter
    from reportgen.confusion_matrix import ConfusionMatrix
    from reportgen.errors import (
        DataError,
        DeliveryError,
        Interrupted,
        ModelError,
        OutputError,
        ReportgenError,
        UsageError,
    )
    from reportgen.evaluation import Evaluation
    from reportgen.gates import Decision
    from reportgen.metrics import Metric
    from reportgen.predictions import Predictions

__all__ = [
    "Comparison",
    "ConfusionCounter",
    "ConfusionMatrix",
    "DataError",
    "Decision",
    "DeliveryError",
    "Evaluation",
    "Interrupted",
    "Metric",
    "ModelError",
    "OutputError",
    "Predictions",
    "ReportgenError",
    "UsageError",
    "check",
    "comment",
    "compare",
    "evaluate",
    "history",
    "index",
    "load",
    "mail",
    "merge",
    "merge_status",
    "predict",
    "render",
    "run",
    "save_baseline",
    "track",
]


__version__ = "0.1.0"


_HOMES = {
    "Comparison": "reportgen.comparison",
    "ConfusionCounter": "reportgen.confusion_counter",
    "ConfusionMatrix": "reportgen.confusion_matrix",
    "DataError": "reportgen.errors",
    "Decision": "reportgen.gates",
    "DeliveryError": "reportgen.errors",
    "Evaluation": "reportgen.evaluation",
    "Interrupted": "reportgen.errors",
    "Metric": "reportgen.metrics",
    "ModelError": "reportgen.errors",
    "OutputError": "reportgen.errors",
    "Predictions": "reportgen.predictions",
    "ReportgenError": "reportgen.errors",
    "UsageError": "reportgen.errors",
    "check": "reportgen.api",
    "comment": "reportgen.api",
    "compare": "reportgen.api",
    "evaluate": "reportgen.api",
    "history": "reportgen.api",
    "index": "reportgen.api",
    "load": "reportgen.api",
    "mail": "reportgen.api",
    "merge": "reportgen.api",
    "merge_status": "reportgen.api",
    "predict": "reportgen.api",
    "render": "reportgen.api",
    "run": "reportgen.api",
    "save_baseline": "reportgen.api",
    "track": "reportgen.api",
}


def __getattr__(name: str) -> Any:
    if name == "plot":
        return import_module("reportgen.plot")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return [*globals(), *__all__]


class _Package(ModuleType):
    """This package: keeps functions with the same name as a subpackage.

    Importing `reportgen.render` would otherwise replace the function.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
