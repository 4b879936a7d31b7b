"""`Comparison` as JSON, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from reportgen.comparison.value import (
    COMPARED,
    Change,
    ClassChange,
    Comparison,
    Difference,
    McnemarBounds,
    PairChange,
    PairedCounts,
    SliceChange,
)
from reportgen.errors import DataError
from reportgen.evaluation import Evaluation
from reportgen.provenance import DataNote

__all__ = ["comparison_from_json", "comparison_to_json"]

_TENDENCIES = {"worse", "perhaps worse", "no clear change", "perhaps better", "better"}
_FAMILY = ("recall", "precision", "f1")


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """Plain dicts, lists, strings and numbers, no NaN; classes by name.

    The baseline is in it as an evaluation; the candidate is not: ``report.json`` is its own.
    """
    names = comparison.candidate.classes
    bounds = comparison.bounds
    return {
        "baseline": comparison.baseline.to_json(),
        "paired": _paired_json(comparison.paired),
        "unpaired_reason": comparison.unpaired_reason,
        "mcnemar_bounds": None if bounds is None else _lists(asdict(bounds)),
        "summary": {name: _difference_json(d) for name, d in comparison.summary.items()},
        "per_class": [_class_json(change, names) for change in comparison.classes],
        "slices": [
            {
                "column": one.column,
                "value": one.part,
                "n": one.n,
                "accuracy": _difference_json(one.accuracy),
                "tendency": one.tendency,
            }
            for one in comparison.slices
        ],
        "fixed": [_change_json(change, names) for change in comparison.fixed],
        "broken": [_change_json(change, names) for change in comparison.broken],
        "grown_pairs": [
            {**asdict(pair), "true": names[pair.true], "predicted": names[pair.predicted]}
            for pair in comparison.grown
        ],
        "bootstrap": {"draws": comparison.draws, "seed": comparison.seed},
        "correction": "holm",
        "n_tests": comparison.n_tests,
        "detectable": comparison.detectable,
        "notes": [_lists(asdict(note)) for note in comparison.notes],
    }


def comparison_from_json(value: Any, candidate: Evaluation) -> Comparison:
    """The inverse of :func:`comparison_to_json`; `candidate` is the evaluation beside it.

    Raises :class:`DataError` where the value is not of it.
    """
    try:
        return _from_json(value, candidate)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise DataError(
            f"the comparison in report.json is not what reportgen writes: "
            f"{type(error).__name__} {error}",
            slug="report-json-damaged",
            hint="make the report again from the predictions of both sides",
        ) from error


def _from_json(value: Mapping[str, Any], candidate: Evaluation) -> Comparison:
    baseline = Evaluation.from_json(value["baseline"])
    if baseline.classes != candidate.classes:
        raise ValueError("the baseline has other classes than the candidate")
    index = {name: i for i, name in enumerate(candidate.classes)}
    if [row["class"] for row in value["per_class"]] != list(candidate.classes):
        raise ValueError("per_class does not hold the classes in their order")
    if set(value["summary"]) != set(COMPARED):
        raise ValueError("summary does not hold the metrics that are compared")
    bounds = value["mcnemar_bounds"]
    return Comparison(
        baseline=baseline,
        candidate=candidate,
        paired=_paired(value["paired"]),
        unpaired_reason=_text(value["unpaired_reason"]),
        bounds=None if bounds is None else _bounds(bounds),
        summary={name: _difference(value["summary"][name]) for name in COMPARED},
        classes=tuple(_class(i, row) for i, row in enumerate(value["per_class"])),
        slices=tuple(map(_slice, value["slices"])),
        fixed=tuple(_change(change, index) for change in value["fixed"]),
        broken=tuple(_change(change, index) for change in value["broken"]),
        grown=tuple(_pair(pair, index) for pair in value["grown_pairs"]),
        draws=_whole(value["bootstrap"]["draws"]),
        seed=_whole(value["bootstrap"]["seed"]),
        n_tests=_whole(value["n_tests"]),
        detectable=_perhaps(value["detectable"]),
        notes=tuple(DataNote.from_json(note) for note in value["notes"]),
    )


def _lists(value: dict[str, Any]) -> dict[str, Any]:
    return {k: list(v) if isinstance(v, tuple) else v for k, v in value.items()}


def _paired_json(counts: PairedCounts | None) -> dict[str, Any] | None:
    return None if counts is None else asdict(counts)


def _paired(value: Mapping[str, Any] | None) -> PairedCounts | None:
    if value is None:
        return None
    return PairedCounts(**{name: _whole(n) for name, n in value.items()})


def _difference_json(difference: Difference) -> dict[str, Any]:
    return _lists(asdict(difference))


def _difference(value: Mapping[str, Any]) -> Difference:
    reason = value["reason"]
    return Difference(
        baseline=_perhaps(value["baseline"]),
        candidate=_perhaps(value["candidate"]),
        difference=_perhaps(value["difference"]),
        interval=_ends(value["interval"]),
        bounds=_ends(value["bounds"]),
        p=_perhaps(value["p"]),
        p_adjusted=_perhaps(value["p_adjusted"]),
        method=_text(value["method"]),
        reason=None if reason is None else _text(reason),
    )


def _class_json(change: ClassChange, names: Sequence[str]) -> dict[str, Any]:
    return {
        "class": names[change.index],
        "support": change.support,
        "paired": _paired_json(change.paired),
        **{name: _difference_json(getattr(change, name)) for name in _FAMILY},
        "tendency": change.tendency,
    }


def _class(index: int, value: Mapping[str, Any]) -> ClassChange:
    return ClassChange(
        index,
        _whole(value["support"]),
        _paired(value["paired"]),
        **{name: _difference(value[name]) for name in _FAMILY},
        tendency=_tendency(value["tendency"]),
    )


def _slice(value: Mapping[str, Any]) -> SliceChange:
    return SliceChange(
        _text(value["column"]),
        _text(value["value"]),
        _whole(value["n"]),
        _difference(value["accuracy"]),
        _tendency(value["tendency"]),
    )


def _change_json(change: Change, names: Sequence[str]) -> dict[str, Any]:
    classes = {role: names[getattr(change, role)] for role in ("label", "baseline", "candidate")}
    return {**asdict(change), **classes}


def _change(value: Mapping[str, Any], index: Mapping[str, int]) -> Change:
    sure = (value["baseline_confidence"], value["candidate_confidence"])
    return Change(
        _text(value["id"]),
        *(index[value[role]] for role in ("label", "baseline", "candidate")),
        *map(_perhaps, sure),
    )


def _pair(value: Mapping[str, Any], index: Mapping[str, int]) -> PairChange:
    return PairChange(
        index[value["true"]],
        index[value["predicted"]],
        _whole(value["baseline"]),
        _whole(value["candidate"]),
    )


def _bounds(value: Mapping[str, Any]) -> McnemarBounds:
    least, most = map(_whole, value["discordant"])
    return McnemarBounds(
        _whole(value["difference"]), (least, most), _two(value["chi2"]), _two(value["p"])
    )


def _ends(value: Sequence[Any] | None) -> tuple[float, float] | None:
    return None if value is None else _two(value)


def _two(value: Sequence[Any]) -> tuple[float, float]:
    low, high = map(_number, value)
    return low, high


def _tendency(value: Any) -> Any:
    if value not in _TENDENCIES:
        raise ValueError(f"tendency {value!r}")
    return value


def _perhaps(value: Any) -> float | None:
    return None if value is None else _number(value)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value:
        raise TypeError(f"{value!r} is no number")
    return float(value)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{value!r} is no whole number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value
