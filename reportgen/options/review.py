"""Options of the comparison with a baseline, and of the gates.

A folder of baselines is small, without images and absolute paths, suitable for version control. It
has ``NAME/report.json`` and ``NAME/predictions.parquet`` for each baseline, and ``history.jsonl``
with every evaluation ever saved.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from reportgen.errors import UsageError
from reportgen.options.baselines_folder import DEFAULT_FOLDER
from reportgen.options.declared import Declared, option
from reportgen.storage import given_name

__all__ = [
    "ReviewKeywords",
    "ReviewOptions",
]


_AGAINST, _GATES = "Baseline comparison", "Release gates"


@dataclass(frozen=True)
class ReviewOptions(Declared):
    """The baseline and the gates. Every field has the same name as its option."""

    baseline: str | None = option(
        None,
        "Baseline: a report folder, saved predictions, a report.json, a confusion matrix, or "
        "the name of a saved baseline.",
        _AGAINST,
        metavar="INPUT|NAME",
    )
    baselines: Path = option(
        DEFAULT_FOLDER,
        "Folder of saved baselines.",
        _AGAINST,
        metavar="DIR",
        shapes=False,
    )
    allow_partial: bool = option(
        False,
        "Compare only the samples that both have; the others are excluded and counted.",
        _AGAINST,
    )
    labels_from: str | None = option(
        None,
        "If the labels differ, use those of this side. Default: refuse.",
        _AGAINST,
        choices=(None, "baseline", "candidate"),
    )
    ids_by_ending: bool = option(
        False,
        "Match ids by the longest common path suffix if they differ.",
        _AGAINST,
    )
    allow_different_data: bool = option(
        False,
        "Compare two confusion matrices even if their class totals differ (different test data).",
        _AGAINST,
    )
    gates: Path | None = option(None, "Release gates (TOML).", _GATES, metavar="FILE")
    fail_under: tuple[str, ...] = option(
        (),
        "A gate on the command line, such as accuracy=0.9; repeatable.",
        _GATES,
        metavar="METRIC=VALUE",
        repeated=True,
    )
    exit_zero: bool = option(
        False,
        "Exit with 0 even if a gate failed.",
        _GATES,
        shapes=False,
    )

    PATHS: ClassVar[tuple[str, ...]] = ("baselines", "gates")
    TUPLES: ClassVar[tuple[str, ...]] = ("fail_under",)

    def require_baseline(self) -> None:
        """Raise :class:`UsageError` for an option that is meaningless without a baseline."""
        for name in ("allow_partial", "labels_from", "allow_different_data"):
            if getattr(self, name):
                raise UsageError(
                    f"--{name.replace('_', '-')} requires --baseline", slug="option-conflict"
                )

    def words_of(self, name: str, value: Any) -> list[str]:
        """A baseline is written as its file name only."""
        return super().words_of(name, given_name(value) if name == "baseline" else value)

    @classmethod
    def converted(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A single gate may be given without a list; a path may name the baseline."""
        if isinstance(values.get("fail_under"), str):
            values["fail_under"] = (values["fail_under"],)
        if isinstance(values.get("baseline"), Path):
            values["baseline"] = str(values["baseline"])
        return super().converted(values)


class ReviewKeywords(TypedDict, total=False):
    """The keyword arguments of :class:`ReviewOptions`."""

    baseline: Path | str | None
    baselines: Path | str
    allow_partial: bool
    labels_from: str | None
    ids_by_ending: bool
    allow_different_data: bool
    gates: Path | str | None
    fail_under: str | tuple[str, ...] | list[str]
    exit_zero: bool
