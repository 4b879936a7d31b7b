"""Compares names in gates with existing classes, slices and baseline, before any work."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

from reportgen.analysis.slices import SliceReport
from reportgen.errors import UsageError
from reportgen.evaluation import Evaluation
from reportgen.gates.gate import Gate
from reportgen.gates.rules import COMPARISONS
from reportgen.gates.targets import needs_costs
from reportgen.text import listing, middle_cut, nearest, quoted

__all__ = [
    "check_gates",
    "check_gates_of",
    "classes_of",
    "pair_of",
    "refuse_namesakes",
]


def check_gates(
    gates: Sequence[Gate],
    *,
    classes: Sequence[str] | None = None,
    slices: Mapping[str, Sequence[str]] | None = None,
    has_baseline: bool,
    has_costs: bool = True,
) -> None:
    """Refuse gates on unknown classes, slices, baseline or costs.

    Call it as soon as the names are known.

    Parameters
    ----------
    gates
        Gates from one file or several; names must be unique.
    classes
        All class names; None if still unknown.
    slices
        Metadata column → its slices; None if still unknown.
    has_baseline
        Whether there is a baseline.
    has_costs
        Whether costs are given, or may follow.

    Raises
    ------
    UsageError
        ``gates-class``, ``gates-slice``, ``gates-baseline``, ``gates-costs``, or, for two gates of
        one name, ``gates-key``.
    """
    refuse_namesakes(gates)
    for gate in gates:
        if gate.rule in COMPARISONS and not has_baseline:
            raise UsageError(
                f"{where(gate)}: {gate.rule} compares with a baseline, and there is none",
                slug="gates-baseline",
                hint="pass --baseline, or remove the gate",
            )
        if needs_costs(gate) and not has_costs:
            raise UsageError(
                f"{where(gate)}: {gate.metric} needs costs, and there are none",
                slug="gates-costs",
                hint="pass --costs costs.csv, or remove the gate",
            )
        if classes is not None:
            classes_of(gate, classes)
            pair_of(gate, classes)
        if slices is not None:
            _check_slice(gate, slices)


def refuse_namesakes(gates: Sequence[Gate]) -> None:
    """Refuse two gates of the same name: :class:`UsageError` (``gates-key``)."""
    first: dict[str, Gate] = {}
    for gate in gates:
        other = first.setdefault(gate.name, gate)
        if other is not gate:
            raise UsageError(
                f"{where(gate)}: gate {other.number} has the same name",
                slug="gates-key",
                hint="every gate needs a unique name",
            )


def check_gates_of(gates: Sequence[Gate], evaluation: Evaluation, *, has_baseline: bool) -> None:
    """As :func:`check_gates`, with all names of an evaluation."""
    check_gates(
        gates,
        classes=evaluation.classes,
        slices=parts_of(evaluation.slices),
        has_baseline=has_baseline,
        has_costs=evaluation.costs is not None,
    )


def parts_of(report: SliceReport) -> dict[str, list[str]]:
    """Metadata column → its slices, for columns with slices."""
    parts: dict[str, list[str]] = {
        column.name: [] for column in report.columns if column.kind != "left_out"
    }
    for one in report.slices:
        parts.setdefault(one.column, []).append(one.part.text)
    return parts


def classes_of(gate: Gate, classes: Sequence[str]) -> tuple[int, ...]:
    """Indices of the classes of a gate, in class order; () if it is not on classes.

    A name equal to a class means that class, even with ``*``, ``?`` or ``[``; otherwise these make
    it a pattern. Raises :class:`UsageError` (``gates-class``) if nothing matches.
    """
    if not gate.classes:
        return tuple(range(len(classes))) if gate.each_class else ()
    index = {name: i for i, name in enumerate(classes)}
    found: set[int] = set()
    for name in gate.classes:
        if name in index:
            found.add(index[name])
            continue
        matches = [i for other, i in index.items() if fnmatchcase(other, name)]
        if not matches:
            raise _unknown_class(gate, name, classes)
        found.update(matches)
    return tuple(sorted(found))


def pair_of(gate: Gate, classes: Sequence[str]) -> tuple[int, int] | None:
    """Indices of true and predicted class for a gate on a pair, else None."""
    if gate.pair is None:
        return None
    for name in gate.pair:
        if name not in classes:
            raise _unknown_class(gate, name, classes)
    return classes.index(gate.pair[0]), classes.index(gate.pair[1])


def where(gate: Gate) -> str:
    """A gate's location in messages: ``gate 2 ("floor")``."""
    return f"gate {gate.number} ({quoted(middle_cut(gate.name, 60))})"


def _unknown_class(gate: Gate, name: str, classes: Sequence[str]) -> UsageError:
    is_pattern = gate.pair is None and any(mark in name for mark in "*?[")
    meant = None if is_pattern else nearest(name, classes)
    shown = quoted(middle_cut(name, 60))
    return UsageError(
        f"{where(gate)}: "
        + (f"no class matches {shown}" if is_pattern else f"there is no class {shown}"),
        slug="gates-class",
        details=[f"the classes are {listing(classes, 12)}"],
        hint=f"did you mean {quoted(meant)}?" if meant else None,
    )


def _check_slice(gate: Gate, slices: Mapping[str, Sequence[str]]) -> None:
    if gate.slice is None:
        return
    column, part = gate.slice
    if column not in slices:
        raise _unknown_slice(gate, "column", column, tuple(slices))
    if part not in slices[column]:
        raise _unknown_slice(gate, f"value of {quoted(column)}", part, slices[column])


def _unknown_slice(gate: Gate, what: str, name: str, known: Sequence[str]) -> UsageError:
    meant = nearest(name, known)
    return UsageError(
        f"{where(gate)}: there is no {what} {quoted(middle_cut(name, 60))} to slice the data by",
        slug="gates-slice",
        details=[
            f"there are {listing(known, 12)}" if known else "the data has no such columns",
        ],
        hint=f"did you mean {quoted(meant)}?" if meant else None,
    )
