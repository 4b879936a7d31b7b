"""Gates for tests, and what becomes of one."""

from reportgen.gates import decide, parse_gates
from tests.factories import (
    make_evaluation,
)


def gates(*rules):
    """Each rule as lines of one gate."""
    return parse_gates(
        "\n".join(f'[[gate]]\nname = "g{i}"\n' + rule for i, rule in enumerate(rules))
    )


def check(rule, evaluation, comparison=None):
    (only,) = decide(gates(rule), evaluation, comparison).checks
    return only


def against(rule, comparison):
    return check(rule, comparison.candidate, comparison)


def accuracy_of(hits, n):
    """Two classes, `hits` of `n` right."""
    return make_evaluation([[hits, n - hits], [0, 0]], ("cat", "dog"))


FLOOR = 'metric = "accuracy"\nat_least = '
RECALLS = 'metric = "recall"\neach_class = true\n'
MARGIN = 'metric = "accuracy"\nnot_worse_by = '
HARM = RECALLS + "no_harm = true\n"
HARMED = [(1_000, 800, 10, 40), (1_000, 800, 12, 22), (1_000, 800, 30, 20), (1_000, 800, 5, 7)]
