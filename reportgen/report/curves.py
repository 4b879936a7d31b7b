"""The section on ROC and precision-recall curves, for more than two classes."""

from __future__ import annotations

from dataclasses import dataclass

from reportgen.analysis.scoring import ClassCurve
from reportgen.metrics import Metric
from reportgen.report.confidence import Chart
from reportgen.report.context import Context
from reportgen.report.words import Name, Words, join, say, signed, signed_interval
from reportgen.text import count, plural

__all__ = [
    "ClassCurves",
    "CurveSection",
    "class_curves",
    "curve_section",
]


@dataclass(frozen=True)
class ClassCurves:
    """Both curves of one class, one vs rest.

    Attributes
    ----------
    index, name
        Index and name of the class.
    samples
        Its number of samples, in words.
    roc
        (1 − specificity, sensitivity), both 0..1, from nothing flagged to everything flagged.
    precision_recall
        (recall, precision), both 0..1, from the highest threshold with anything flagged.
    prevalence
        Prevalence of the class, 0..1: the precision at chance level.
    charts
        Title, message and caption of the two drawings, in this order.
    """

    index: int
    name: Name
    samples: str
    roc: tuple[tuple[float, float], ...]
    precision_recall: tuple[tuple[float, float], ...]
    prevalence: float
    charts: tuple[Chart, Chart]


@dataclass(frozen=True)
class CurveSection:
    """One-vs-rest curves, lowest ROC AUC first.

    Attributes
    ----------
    lead
        Which classes are shown, and a summary.
    missing
        Which classes have no curves, or why none has; empty if all have.
    classes
        At most twelve, lowest ROC AUC first.
    note
        How to read the curves, and where the metrics are.
    """

    lead: Words
    missing: Words
    classes: tuple[ClassCurves, ...]
    note: Words


def curve_section(facts: Context) -> CurveSection | None:
    """The section, or None.

    None for two classes, which have a section on thresholds, and without probabilities of all
    classes, which the calibration section reports.
    """
    evaluation = facts.evaluation
    ranked = facts.summary("brier_score").value is not None or evaluation.has_independent_scores
    if len(facts.names) < 3 or not ranked:
        return None
    n_defined = sum(facts.of_class("roc_auc", i).value is not None for i in range(len(facts.names)))
    shown = tuple(class_curves(facts, curve) for curve in evaluation.class_curves)
    if not shown:
        return CurveSection(Words(()), _none(n_defined), (), Words(()))
    return CurveSection(
        _lead(len(shown), n_defined), _undefined(facts, n_defined), shown, _note(facts)
    )


def _none(n_defined: int) -> Words:
    if n_defined:
        return say(
            "The curve points were not saved. Rebuild the report from its predictions to get them."
        )
    return say("No class has both positives and negatives: no curves.")


def _lead(n_shown: int, n_defined: int) -> Words:
    which = (
        f"The {n_shown} of {count(n_defined)} classes with the lowest ROC AUC"
        if n_shown < n_defined
        else plural(n_defined, "class", "classes")
    )
    return say(
        "{which}, one vs rest, lowest first.",
        which=which,
    )


def _undefined(facts: Context, n_defined: int) -> Words:
    n = len(facts.names) - n_defined
    if not n:
        return Words(())
    return say(
        "{n} {verb} excluded: no positives or no negatives.",
        n=plural(n, "class", "classes"),
        verb="is" if n == 1 else "are",
    )


def _note(facts: Context) -> Words:
    known = facts.evaluation.confidence
    drawn = say(
        "Dashed: chance level, which for precision is the prevalence. Curves are thinned to 60 "
        "points; metrics use all scores. Per-class values are in the class table and in "
        "report.json."
    )
    binned = say(
        "Points are edges of {bins} score bins.",
        bins=count(known.ranking_bins if known else 0),
    )
    return join(drawn, binned if known and known.ranking_bins else Words(()))


def class_curves(facts: Context, curve: ClassCurve) -> ClassCurves:
    i, total = curve.index, curve.n_positive + curve.n_negative
    auc = _told("ROC AUC", facts.of_class("roc_auc", i))
    precision = _told("Average precision", facts.of_class("average_precision", i))
    guess = f"Chance level: {signed(curve.prevalence)}."
    name = facts.names[i]
    return ClassCurves(
        i,
        name,
        f"{count(curve.n_positive)} of {plural(total, 'sample')}",
        tuple(curve.roc()),
        tuple(curve.precision_recall()),
        curve.prevalence,
        (
            Chart("ROC", f"ROC curve of {name}. {auc}", say(auc)),
            Chart(
                "Precision and recall",
                f"Precision-recall curve of {name}. {precision} {guess}",
                say(f"{precision} {guess}"),
            ),
        ),
    )


def _told(what: str, metric: Metric) -> str:
    """``ROC AUC 0.971, 95% CI 0.960–0.979.``"""
    if metric.value is None:
        return f"{what} n/a."
    ends = ""
    if metric.interval is not None:
        ends = f", 95% CI {signed_interval(metric.interval)}"
    return f"{what} {signed(metric.value)}{ends}."
