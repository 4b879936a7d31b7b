"""Release requirements, and whether they are met: gates are read, checked, and decided."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.gates.deciding import NO_GATES, decide
    from reportgen.gates.gate import Check, Decision, Gate, Part, Status, Unit, Verdict
    from reportgen.gates.reading import fail_under, parse_gates, read_gates
    from reportgen.gates.rules import direction_of
    from reportgen.gates.selectors import check_gates, check_gates_of
    from reportgen.gates.targets import is_known
    from reportgen.gates.wording import (
        class_name,
        exact,
        metric_words,
        required_words,
        sample_words,
        value_words,
    )

__all__ = [
    "NO_GATES",
    "Check",
    "Decision",
    "Gate",
    "Part",
    "Status",
    "Unit",
    "Verdict",
    "check_gates",
    "check_gates_of",
    "class_name",
    "decide",
    "direction_of",
    "exact",
    "fail_under",
    "is_known",
    "metric_words",
    "parse_gates",
    "read_gates",
    "required_words",
    "sample_words",
    "value_words",
]

__getattr__ = lazy_names(
    __name__,
    {
        "deciding": "NO_GATES decide",
        "gate": "Check Decision Gate Part Status Unit Verdict",
        "reading": "fail_under parse_gates read_gates",
        "rules": "direction_of",
        "selectors": "check_gates check_gates_of",
        "targets": "is_known",
        "wording": "class_name exact metric_words required_words sample_words value_words",
    },
)
