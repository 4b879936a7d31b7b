"""The uncertainty of the metrics: the method of each interval, and the limits of all."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from reportgen.evaluation import CLASS_METRICS, Evaluation, SampleGroups
from reportgen.metrics import (
    CLUSTERED,
    COSTING,
    DRAWS,
    EXACT,
    LOG,
    MACRO_MODES,
    ORDINAL,
    PER_CLASS,
    SCORE,
    SUMMARY,
    UNION,
    WILSON,
    Definition,
)
from reportgen.report.words import PROPORTIONS_ONLY, Name, Words, join, say
from reportgen.text import count, plural

__all__ = [
    "INTERVAL_NOTE",
    "class_definitions",
    "group_words",
    "interval_note",
    "made_intervals",
    "summary_definitions",
]


INTERVAL_NOTE = (
    "Intervals cover sampling error only: not "
    "training randomness, label noise, distribution shift, test-set reuse or dependent samples "
    "(frames of one video, crops of one image)."
)


NO_INTERVALS = (
    f"{PROPORTIONS_ONLY}. The uncertainty depends on the number of samples, which is unknown."
)


_OF_COUNTS = frozenset(metric.name for metric in (*SUMMARY, *ORDINAL, COSTING))


_SHARES = _OF_COUNTS | {"top1_accuracy", "top3_accuracy", "coverage", "overall_accuracy"}


_OF_CLASS = frozenset(metric.name for metric in PER_CLASS)


_ESTIMATED = frozenset((SCORE, UNION, LOG.name))


def summary_definitions(evaluation: Evaluation) -> tuple[Definition, ...]:
    """The available overall metrics, each with the interval method in use."""
    return tuple(_of_whole(definition, evaluation) for definition in evaluation.definitions)


def _of_whole(definition: Definition, evaluation: Evaluation) -> Definition:
    groups = evaluation.sample_groups
    if evaluation.shares is not None:
        return replace(definition, interval="none")
    if groups is not None and definition.name in CLUSTERED:
        return replace(definition, interval=groups.method)
    if groups is not None and definition.name == "no_information_rate":
        return replace(definition, interval="none where samples come in groups")
    if evaluation.intervals == "exact" and _is_share(definition, _SHARES):
        return replace(definition, interval=EXACT)
    if evaluation.intervals == "bootstrap" and _is_estimated(definition, _OF_COUNTS):
        return replace(definition, interval=_bootstrap("the matrix", evaluation))
    return definition


def class_definitions(evaluation: Evaluation) -> tuple[Definition, ...]:
    """The available class metrics, each with the interval method in use."""
    return tuple(_of_class(definition, evaluation) for definition in CLASS_METRICS)


def _of_class(definition: Definition, evaluation: Evaluation) -> Definition:
    if evaluation.shares is not None:
        return replace(definition, interval="none")
    if evaluation.intervals == "exact" and _is_share(definition, _OF_CLASS):
        return replace(definition, interval=EXACT)
    if evaluation.intervals == "bootstrap" and _is_estimated(definition, _OF_CLASS):
        return replace(definition, interval=_bootstrap("TP, FP, FN and TN", evaluation))
    return definition


def _is_share(definition: Definition, names: frozenset[str]) -> bool:
    return definition.interval == WILSON and definition.name in names


def _is_estimated(definition: Definition, names: frozenset[str]) -> bool:
    return definition.interval in _ESTIMATED and definition.name in names


def _bootstrap(of: str, evaluation: Evaluation) -> str:
    return f"BCa bootstrap: {DRAWS:,} multinomial resamples of {of}, seed {evaluation.seed or 0}"


def _methods(evaluation: Evaluation) -> Iterator[str]:
    """The interval methods, one sentence each."""
    if evaluation.shares is not None:
        yield NO_INTERVALS
        return
    groups = evaluation.sample_groups
    if groups is not None:
        yield f"Overall metrics of counts: {groups.method}."
    others = "Proportions" if groups is None else "Other proportions"
    yield f"{others}: {EXACT if evaluation.intervals == 'exact' else WILSON}."
    figures = "Other matrix metrics" if groups is None else "Other per-class metrics"
    if evaluation.intervals == "bootstrap":
        yield f"{figures}: {_bootstrap('the counts', evaluation)}."
    else:
        yield f"{figures}: {SCORE}."
    if evaluation.intervals == "exact":
        yield (
            "Pairs, class clusters, slices, confidence bins, average precision, the "
            "no-information rate, and error and coverage of selective prediction: "
            f"{WILSON}; Newcombe for differences of slices, with any --ci."
        )


def made_intervals(evaluation: Evaluation) -> tuple[tuple[str, Iterable[str], bool], ...]:
    """Rows of "Provenance": term, values, whether they are code."""
    groups = evaluation.sample_groups
    macro = MACRO_MODES[evaluation.macro]
    grouped = "" if groups is None else f"{count(groups.n_groups)}, by the column {groups.column}"
    hierarchy = "" if evaluation.hierarchy is None else evaluation.hierarchy.source
    costs = "" if evaluation.costs is None else evaluation.costs.source
    return (
        ("Macro averages", [macro], False),
        ("Intervals", list(_methods(evaluation)), False),
        ("Groups of samples", [grouped], False),
        ("Groups of classes", [hierarchy], False),
        ("Costs", [costs], False),
    )


def interval_note(evaluation: Evaluation) -> str:
    """What intervals cover, and their methods; or why there are none."""
    if evaluation.shares is not None:
        return NO_INTERVALS
    groups = evaluation.sample_groups
    note = INTERVAL_NOTE
    if groups is not None:
        note += " Here the overall CIs of counts are cluster-robust; no other intervals are."
    if groups is not None or evaluation.intervals != "wilson":
        note = " ".join((note, "Method:", *_methods(evaluation)))
    return note


def group_words(groups: SampleGroups) -> Words:
    """For clustered samples: by how much that widens the overall intervals."""
    said = say(
        "The {n} form {groups} by {column} (largest: {largest}). Overall CIs are cluster-robust.",
        n=plural(groups.n_samples, "sample"),
        groups=plural(groups.n_groups, "group"),
        column=replace(Name.of(groups.column), bare=False),
        largest=count(groups.largest_group),
    )
    known = groups.effective_samples
    effect = Words(())
    if known is not None and groups.design_effect is not None:
        effect = say(
            "Effective n = {n} (design effect {effect}).",
            n=plural(max(1, round(known)), "sample"),
            effect=f"{groups.design_effect:.3g}",
        )
    rest = say(
        "CIs of classes, pairs, slices and scores, and all tests, "
        "are not cluster-robust and may be too narrow."
    )
    few = say(
        "With {n}, even the overall CIs are too narrow.",
        n=plural(groups.n_groups, "group"),
    )
    return join(said, effect, rest, few if groups.few_groups else Words(()))
