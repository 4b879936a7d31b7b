"""Numbers and names in sentences, with enough digits not to contradict the check."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal

from reportgen.gates.gate import Gate, Unit
from reportgen.gates.rules import Direction, direction_of
from reportgen.gates.targets import definition_of, scope_of
from reportgen.metrics import Definition
from reportgen.text import enumerated, middle_cut, plural, printable

__all__ = [
    "change_text",
    "change_unit",
    "class_name",
    "classes_words",
    "exact",
    "joined",
    "limit_words",
    "measured_words",
    "metric_words",
    "needed_words",
    "others",
    "pair_words",
    "range_words",
    "required_words",
    "rule_words",
    "sample_words",
    "sentence",
    "signed",
    "subject_of_slice",
    "unit_of",
    "value_words",
]


_FIRST_DIGITS: dict[Unit, int] = {"%": 1, "points": 1, "": 3}


_AFTER: dict[Unit, str] = {"%": "%", "points": " pp", "": ""}


_PROPER = ("Cohen", "Matthews", "Brier", "Jaccard")


_MOST_DIGITS = 400


def unit_of(definition: Definition) -> Unit:
    """The unit of a metric's values."""
    return "%" if definition.kind == "share" else ""


def change_unit(definition: Definition) -> Unit:
    """The unit of a metric's differences."""
    return "points" if definition.kind == "share" else ""


def value_words(value: float, unit: Unit, *beside: float) -> str:
    """`value` as text, in the same order relative to each number in `beside` as the exact value.

    The fewest decimal places, at least one (plain numbers: three), with which the text is above,
    equal to or below each of these numbers, 0 and 1, exactly as `value` is.

    >>> value_words(0.89297, "%", 0.893), value_words(0.8999999, "%", 0.9)
    ('89.297%', '89.99999%')
    >>> value_words(0.9, "%", 0.9)
    '90.0%'
    """
    scaled = _scale(value, unit)
    others = [_scale(other, unit) for other in (0.0, *((1.0,) if unit == "%" else ()), *beside)]
    if scaled == 0 or (unit == "%" and value == 1):
        return f"{scaled:.0f}{_AFTER[unit]}"
    for digits in range(_FIRST_DIGITS[unit], _MOST_DIGITS):
        text = f"{scaled.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP):f}"
        if all(_order(Decimal(text), other) == _order(scaled, other) for other in others):
            return _word(text, unit)
    return _word(f"{scaled:f}", unit)


def exact(value: float, unit: Unit) -> str:
    """`value` with exactly its digits, as a limit was written: ``90%``."""
    scaled = _scale(value, unit)
    return _word(f"{scaled.normalize():f}" if scaled else "0", unit)


def change_text(value: float, unit: Unit, *beside: float) -> str:
    """The size of a difference; `beside` are sizes too."""
    return value_words(abs(value), unit, *beside)


def _scale(value: float, unit: Unit) -> Decimal:
    # the shortest decimal of this float; decimals and floats have the same order
    return Decimal(repr(float(value))) * (1 if unit == "" else 100)


def _word(text: str, unit: Unit) -> str:
    return text.replace("-", "−") + _AFTER[unit]


def _order(a: Decimal, b: Decimal) -> int:
    return (a > b) - (a < b)


def range_words(interval: tuple[float, float], unit: Unit, *beside: float) -> str:
    """``61.2–67.1%``; each end as :func:`value_words`."""
    return joined(
        value_words(interval[0], unit, *beside), value_words(interval[1], unit, *beside), "–"
    )


def joined(first: str, second: str, sign: str) -> str:
    """Two values with a sign in between and a single unit: ``61.2–67.1%``.

    >>> joined("67.2%", "64.2%", " → "), joined("−0.1", "0.2", "–")
    ('67.2 → 64.2%', '−0.1 to 0.2')
    """
    if sign == "–" and "−" in first + second:
        sign = " to "
    return first.removesuffix("%") + sign + second


def signed(value: float, unit: Unit, *beside: float) -> str:
    """A difference with its sign: ``+14.2 pp``; `beside` as for :func:`value_words`."""
    return ("+" if value > 0 else "") + value_words(value, unit, *beside)


def sample_words(needed: int) -> str:
    """``about 12,000 samples``: two significant digits, rounded up."""
    step = 10 ** max(len(str(needed)) - 2, 0)
    return f"about {-(-needed // step) * step:,} samples"


def class_name(name: str) -> str:
    """A class name in a table or sentence."""
    return printable(middle_cut(name, 60))


def metric_words(definition: Definition) -> str:
    """A metric in the middle of a sentence: ``accuracy``, ``macro F1``, ``ECE``."""
    title = definition.title
    if title.startswith(_PROPER) or not title[1:2].islower():
        return title if not title.startswith("Top") else title.lower()
    return title[0].lower() + title[1:]


def measured_words(gate: Gate, subject: str = "") -> str:
    """The measured quantity, of one class or of all: ``recall of cat``."""
    where = scope_of(gate)
    if where == "pair":
        return f"{subject} rate"
    figure = metric_words(definition_of(gate))
    if where == "slice":
        return f"{figure} where {subject}"
    return f"{figure} of {subject}" if where == "class" else figure


def subject_of_slice(gate: Gate) -> str:
    """``camera = north``."""
    assert gate.slice is not None
    return " = ".join(map(class_name, gate.slice))


def rule_words(gate: Gate) -> str:
    """The requirement: ``accuracy ≥ 90%``."""
    definition, direction = definition_of(gate), direction_of(gate.rule)
    figure, unit = _figure(gate), change_unit(definition)
    if direction is not None:
        sure = " with 95% confidence" if gate.confident else ""
        return f"{figure} {limit_words(gate, direction)}{sure}"
    worse = "below" if definition.higher_is_better else "above"
    if gate.rule == "not_worse_by":
        return f"{figure} non-inferior to baseline, margin {exact(gate.limit, unit)}"
    if gate.limit:
        return f"{figure} not significantly more than {exact(gate.limit, unit)} {worse} baseline"
    return f"{figure} not significantly {worse} baseline"


def limit_words(gate: Gate, direction: Direction) -> str:
    """``≥ 90%``, ``≤ 5%``."""
    return f"{direction.mark} {exact(gate.limit, unit_of(definition_of(gate)))}"


def pair_words(true: str, predicted: str) -> str:
    """``cat → dog``: samples of one class predicted as the other."""
    return f"{class_name(true)} → {class_name(predicted)}"


def required_words(gate: Gate) -> str:
    """The requirement for a table cell: ``≥ 90%``, ``no significant drop``."""
    definition, direction = definition_of(gate), direction_of(gate.rule)
    better, unit = definition.higher_is_better is not False, change_unit(definition)
    if direction is not None:
        sure = ", 95% confidence" if gate.confident else ""
        return f"{limit_words(gate, direction)}{sure}"
    limit = exact(gate.limit, unit).replace("points", "pp").replace("point", "pp")
    if gate.rule == "not_worse_by":
        return f"> −{limit}" if better else f"< +{limit}"
    fall = "drop" if better else "rise"
    return f"no significant {fall}" + (f" > {limit}" if gate.limit else "")


def _figure(gate: Gate) -> str:
    if gate.pair is not None:
        return f"{pair_words(*gate.pair)} rate"
    if gate.slice is not None:
        return measured_words(gate, subject_of_slice(gate))
    if gate.classes:
        return measured_words(gate, enumerated(map(class_name, gate.classes)))
    return measured_words(gate, "every class")


def p_words(p: float) -> str:
    """``p = 0.012``, ``p < 0.001``; with enough digits to differ from 0.05."""
    if p < 0.001:
        return "p < 0.001"
    digits = next((d for d in range(3, 9) if p == 0.05 or float(f"{p:.{d}f}") != 0.05), 9)
    return f"p = {p:.{digits}f}"


def sentence(clause: str) -> str:
    """A clause as a sentence."""
    return f"{clause[:1].upper()}{clause[1:]}."


def needed_words(needed: int, gate: Gate, subject: str) -> str:
    """The number and kind of samples that would decide; `subject` is the class of the outcome."""
    what = {"class": subject, "slice": "that slice"}.get(scope_of(gate), "")
    if gate.pair is not None:
        what = class_name(gate.pair[0])  # its rate refers to the true class
    return sample_words(needed) + (f" of {what}" if what else "")


def others(names: list[str]) -> str:
    """``T-shirt/top and Bag``, up to five names; further ones are counted."""
    return enumerated(names)


def classes_words(n: int) -> str:
    """``1 class``, ``2 classes``."""
    return plural(n, "class", "classes")
