"""Names in gates, compared with the classes, slices and baseline that there are, before
any work.
"""

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
    """Refuse gates about what there is not. Call it as soon as the names are known.

    Parameters
    ----------
    gates
        From one file or several: their names must differ.
    classes
        All class names; None while they are unknown.
    slices
        Metadata column → its parts; None while they are unknown.
    has_baseline
        Whether there will be a comparison.
    has_costs
        Whether costs of confusions are given, or may be.

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
    """Refuse two gates of one name: :class:`UsageError` with slug ``gates-key``."""
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
    """:func:`check_gates` with all names of an evaluation."""
    check_gates(
        gates,
        classes=evaluation.classes,
        slices=parts_of(evaluation.slices),
        has_baseline=has_baseline,
        has_costs=evaluation.costs is not None,
    )


def parts_of(report: SliceReport) -> dict[str, list[str]]:
    """Metadata column → its parts, of those that are cut."""
    parts: dict[str, list[str]] = {
        column.name: [] for column in report.columns if column.kind != "left_out"
    }
    for one in report.slices:
        parts.setdefault(one.column, []).append(one.part.text)
    return parts


def classes_of(gate: Gate, classes: Sequence[str]) -> tuple[int, ...]:
    """Indices of the classes that a gate is about, in class order; () where it is about none.

    A name that is a class means that class, even where it contains ``*``, ``?`` or ``[``; else
    these make it a pattern. Raises :class:`UsageError` with slug ``gates-class`` where none
    matches.
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
    """Indices of the true and the predicted class of a gate about a pair, else None."""
    if gate.pair is None:
        return None
    for name in gate.pair:
        if name not in classes:
            raise _unknown_class(gate, name, classes)
    return classes.index(gate.pair[0]), classes.index(gate.pair[1])


def where(gate: Gate) -> str:
    """How messages call a gate: ``gate 2 ("floor")``."""
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
