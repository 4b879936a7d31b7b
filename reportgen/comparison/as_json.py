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
    Tendency,
)
from reportgen.evaluation import Evaluation
from reportgen.json_fields import Json, Place, Range, Share, damage_told, plain
from reportgen.provenance import DataNote

__all__ = ["comparison_from_json", "comparison_to_json"]

_FAMILY = ("recall", "precision", "f1")


def comparison_to_json(comparison: Comparison) -> dict[str, Any]:
    """Plain dicts, lists, strings and numbers, no NaN; classes by name.

    The baseline is in it as an evaluation; the candidate is not: ``report.json`` is its own.
    """
    names = comparison.candidate.classes
    bounds = comparison.bounds
    return {
        "baseline": comparison.baseline.to_json(),
        "baseline_name": comparison.baseline_name,
        "paired": _paired_json(comparison.paired),
        "unpaired_reason": comparison.unpaired_reason,
        "mcnemar_bounds": None if bounds is None else plain(asdict(bounds)),
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
        "notes": [plain(asdict(note)) for note in comparison.notes],
    }


def comparison_from_json(value: Json, candidate: Evaluation) -> Comparison:
    """The inverse of :func:`comparison_to_json`; `candidate` is the evaluation beside it.

    Raises :class:`DataError` where the value is not of it: the message names the place.
    """
    with damage_told("make the report again from the predictions of both sides"):
        return _from_json(Place.of(value, "comparison"), candidate)


def _from_json(place: Place, candidate: Evaluation) -> Comparison:
    baseline = Evaluation.from_json(place["baseline"])
    if baseline.classes != candidate.classes:
        place["baseline"]["classes"].contradicts("the candidate has other classes")
    index = {name: i for i, name in enumerate(candidate.classes)}
    if extra := place["summary"].entries().keys() - set(COMPARED):
        place["summary"][min(extra)].contradicts("nothing of that name is compared")
    rows = place["per_class"].of_length(len(index))
    draws = place["bootstrap"]
    return Comparison(
        baseline=baseline,
        candidate=candidate,
        paired=_paired(place["paired"], candidate),
        unpaired_reason=_reason(place["unpaired_reason"], place["paired"]),
        bounds=None if (bounds := place["mcnemar_bounds"]).is_none else _bounds(bounds),
        summary={name: _difference(place["summary"][name]) for name in COMPARED},
        classes=tuple(_class(i, row, candidate) for i, row in enumerate(rows)),
        slices=tuple(map(_slice, place["slices"].items())),
        fixed=tuple(_change(change, index) for change in place["fixed"].items()),
        broken=tuple(_change(change, index) for change in place["broken"].items()),
        grown=tuple(_pair(pair, index) for pair in place["grown_pairs"].items()),
        draws=draws["draws"].whole(),
        seed=draws["seed"].whole(Range(0, 2**64)),
        n_tests=place["n_tests"].whole(),
        detectable=place["detectable"].read(Share | None),
        notes=place["notes"].read(tuple[DataNote, ...]),
        # as it was before there was any
        baseline_name=place["baseline_name"].text() if "baseline_name" in place else "",
    )


def _paired_json(counts: PairedCounts | None) -> dict[str, Any] | None:
    return None if counts is None else asdict(counts)


def _paired(place: Place, candidate: Evaluation) -> PairedCounts | None:
    """Of all samples: as many as were evaluated."""
    found = _counts(place)
    if found is not None and found.n != candidate.n_samples:
        place.contradicts(f"its counts add up to {found.n:,} of {candidate.n_samples:,} samples")
    return found


def _counts(place: Place) -> PairedCounts | None:
    if place.is_none:
        return None
    found = place.read_as(PairedCounts)
    if not found.both_right <= found.same <= found.both_right + found.both_wrong:
        place["same"].contradicts("both sides give the same answer where both are right")
    return found


def _reason(place: Place, paired: Place) -> str:
    text = place.text()
    if paired.is_none != bool(text):
        place.contradicts("there is a reason where samples are not matched, and only there")
    return text


def _difference_json(difference: Difference) -> dict[str, Any]:
    found: dict[str, Any] = plain(asdict(difference))
    return found


def _difference(place: Place) -> Difference:
    found = place.read_as(Difference, every=True)
    for name in ("interval", "bounds"):
        if found.difference is None and getattr(found, name) is not None:
            place[name].contradicts("there is no difference")
    return found


def _class_json(change: ClassChange, names: Sequence[str]) -> dict[str, Any]:
    return {
        "class": names[change.index],
        "support": change.support,
        "paired": _paired_json(change.paired),
        **{name: _difference_json(getattr(change, name)) for name in _FAMILY},
        "tendency": change.tendency,
    }


def _class(index: int, place: Place, candidate: Evaluation) -> ClassChange:
    if place["class"].text() != candidate.classes[index]:
        place["class"].contradicts("the classes stand in their order")
    paired, support = _counts(place["paired"]), place["support"].whole()
    if paired is not None and paired.n != support:
        place["paired"].contradicts(f"its counts add up to {paired.n:,} of {support:,} samples")
    return ClassChange(
        index,
        support,
        paired,
        **{name: _difference(place[name]) for name in _FAMILY},
        tendency=place["tendency"].read(Tendency),
    )


def _slice(place: Place) -> SliceChange:
    return SliceChange(
        place["column"].text(),
        place["value"].text(),
        place["n"].whole(),
        _difference(place["accuracy"]),
        place["tendency"].read(Tendency),
    )


def _change_json(change: Change, names: Sequence[str]) -> dict[str, Any]:
    classes = {role: names[getattr(change, role)] for role in ("label", "baseline", "candidate")}
    return {**asdict(change), **classes}


def _change(place: Place, index: Mapping[str, int]) -> Change:
    roles: dict[str, Any] = {
        role: place[role].index(index) for role in ("label", "baseline", "candidate")
    }
    return place.read_as(Change, **roles)


def _pair(place: Place, index: Mapping[str, int]) -> PairChange:
    return place.read_as(
        PairChange, true=place["true"].index(index), predicted=place["predicted"].index(index)
    )


def _bounds(place: Place) -> McnemarBounds:
    found = place.read_as(McnemarBounds)
    place["discordant"].ends()
    return found
