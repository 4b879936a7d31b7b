"""Options of the metrics: intervals, averages, clustered samples."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from reportgen.errors import UsageError
from reportgen.metrics import MACRO_MODES, MacroMode
from reportgen.options.declared import Declared, option

__all__ = [
    "EvaluationKeywords",
    "EvaluationOptions",
]


_FIGURES, _SAMPLES = "Metrics and intervals", "Sample groups, slices and class groups"


@dataclass(frozen=True)
class EvaluationOptions(Declared):
    """Which metrics to compute, and how. Every field has the same name as its option."""

    ci: str = option(
        "wilson",
        "Confidence intervals. wilson: Wilson for proportions, Wilson with an effective sample "
        "size "
        "for other metrics. bootstrap: BCa for the other metrics. exact: Clopper-Pearson for "
        "proportions.",
        _FIGURES,
        choices=("wilson", "bootstrap", "exact"),
    )
    macro: MacroMode = option(
        "present",
        "Macro averages over classes with samples, or over all classes (one without samples "
        "counts as 0).",
        _FIGURES,
        choices=tuple(MACRO_MODES),
    )
    ordinal: bool = option(
        False,
        "Ordinal classes, in the order of the class list: adds linear and quadratic weighted "
        "kappa.",
        _FIGURES,
    )
    positive: str | None = option(
        None,
        "Positive class of a binary model, such as the defect. Default: the second class.",
        _FIGURES,
        metavar="CLASS",
    )
    seed: int = option(
        0,
        "Random seed of --ci bootstrap and --group-column.",
        _FIGURES,
        min=0,
        metavar="N",
    )
    group_column: str | None = option(
        None,
        "Metadata column of clustered samples, such as frames of one video or "
        "crops of one patient: overall intervals are then cluster-robust.",
        _SAMPLES,
        metavar="NAME",
    )
    metadata: Path | None = option(
        None,
        "Table with metadata of the samples (CSV, TSV, Parquet), joined by id: for slices and "
        "--group-column.",
        _SAMPLES,
        metavar="FILE",
    )
    metadata_id: str | None = option(
        None,
        "Id column of the --metadata table. Default: id, path, file, …",
        _SAMPLES,
        metavar="NAME",
    )
    ids_by_ending: bool = option(
        False,
        "Match ids by the longest common path suffix if they differ.",
        _SAMPLES,
        shapes=False,  # printed commands have it among the review options
    )
    subset_classes: Path | str | tuple[str, ...] | None = option(
        None,
        "Evaluate a subset of classes: scores are restricted to them and renormalised, samples of "
        "other "
        "classes are excluded. A class list file, or comma-separated names.",
        _SAMPLES,
        metavar="FILE|NAMES",
    )
    class_names: Path | Mapping[str, str] | None = option(
        None,
        "Display names: one class and its name per line. Joins and gates use the names "
        "in the data.",
        _SAMPLES,
        metavar="FILE",
    )
    hierarchy: Path | None = option(
        None,
        "Class groups: CSV with the columns class and group, one row per class.",
        _SAMPLES,
        metavar="FILE",
    )

    costs: Path | None = option(
        None,
        "Costs of confusions, for the expected cost: CSV with the columns true, predicted and "
        "cost. Other errors cost 1, correct predictions 0.",
        _FIGURES,
        metavar="FILE",
    )

    PATHS: ClassVar[tuple[str, ...]] = ("metadata", "hierarchy", "class_names", "costs")
    TUPLES: ClassVar[tuple[str, ...]] = ("subset_classes",)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.metadata_id is not None and self.metadata is None:
            raise UsageError("--metadata-id requires --metadata", slug="option-conflict")

    @property
    def shell_words(self) -> str:
        """The options that repeat these metrics in a command; empty for the defaults."""
        return shlex.join(self.command_words())

    @property
    def for_baseline(self) -> EvaluationOptions:
        """The same metrics for the other side of a comparison, whose columns may differ."""
        return replace(
            self,
            positive=None,
            group_column=None,
            metadata=None,
            metadata_id=None,
            hierarchy=None,
            class_names=None,
            costs=None,
        )

    def words_of(self, name: str, value: Any) -> list[str]:
        """A mapping is written as the name of the file that it would be."""
        mapping = name == "class_names" and not isinstance(value, Path)
        if name == "subset_classes" and isinstance(value, str) and Path(value).is_file():
            value = Path(value)
        return super().words_of(name, Path("class_names.csv") if mapping else value)


class EvaluationKeywords(TypedDict, total=False):
    """The keyword arguments of :class:`EvaluationOptions`."""

    ci: str
    macro: MacroMode
    ordinal: bool
    positive: str | None
    seed: int
    group_column: str | None
    metadata: Path | str | None
    metadata_id: str | None
    ids_by_ending: bool
    subset_classes: Path | str | tuple[str, ...] | list[str] | None
    class_names: Path | str | Mapping[str, str] | None
    hierarchy: Path | str | None
    costs: Path | str | None
