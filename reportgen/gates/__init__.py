"""Promises, and whether they were kept: gates are read, checked against names, and decided."""

from reportgen.gates.deciding import NO_GATES, decide
from reportgen.gates.names import check_gates, check_gates_of
from reportgen.gates.reading import fail_under, parse_gates, read_gates
from reportgen.gates.value import Check, Decision, Gate, Part

__all__ = [
    "NO_GATES",
    "Check",
    "Decision",
    "Gate",
    "Part",
    "check_gates",
    "check_gates_of",
    "decide",
    "fail_under",
    "parse_gates",
    "read_gates",
]
