"""From the outcomes of gates to the verdict, in words that never contradict it."""

import json
import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.gates import NO_GATES, Decision, Gate, decide
from tests.factories import (
    cifar,
    make_evaluation,
)
from tests.gates.comparisons import paired
from tests.gates.rules import FLOOR, HARM, HARMED, MARGIN, RECALLS, check, gates

PASSES, FAILS = f"{FLOOR}0.5", f"{FLOOR}0.95"
OPEN = f"{FLOOR}0.845\nconfident = true"
WARN = '\nseverity = "warn"'
LENIENT = '\nwhen_inconclusive = "warn"'


@pytest.mark.parametrize(
    ("rules", "verdict", "code", "reason"),
    [
        ([], "NO GATES SET", 0, "No gates are set."),
        ([PASSES], "SHIP", 0, "The gate passed: accuracy is 84.5% (required ≥ 50%)."),
        ([PASSES] * 2, "SHIP", 0, "Both gates passed: accuracy is 84.5% (required ≥ 50%)"),
        ([PASSES] * 5, "SHIP", 0, "All 5 gates passed: accuracy is 84.5% (required ≥ 50%)"),
        ([PASSES, FAILS, PASSES], "DO NOT SHIP", 1, "1 of 3 gates failed: accuracy is 84.5% (required ≥ 95%)"),
        ([OPEN, FAILS, FAILS], "DO NOT SHIP", 1, "2 of 3 gates failed: accuracy is"),
        ([FAILS + WARN, FAILS], "DO NOT SHIP", 1, "2 of 2 gates failed: accuracy is 84.5% (required ≥ 95%); 1 more."),
        ([PASSES, OPEN], "INCONCLUSIVE", 1, "1 of 2 gates is inconclusive: accuracy is 84.5% (95% CI"),
        ([PASSES, OPEN + LENIENT], "SHIP", 0, "1 of 2 gates passed, none blocks the release. Note: accuracy is"),
        ([OPEN + LENIENT], "INCONCLUSIVE", 0, "No gate failed, but none passed: accuracy"),
        ([PASSES, FAILS + WARN], "SHIP", 0, "1 of 2 gates passed, none blocks the release. Note: accuracy is 84.5% (required"),
        ([PASSES, PASSES, OPEN + WARN], "SHIP", 0, "2 of 3 gates passed, none blocks"),
        ([FAILS + WARN], "NO GATES SET", 0, "All gates are warnings only: accuracy is 84.5% (required"),
        ([PASSES + WARN, FAILS + WARN], "NO GATES SET", 0, "All gates are warnings only: accuracy is 84.5% (required"),
    ],
)  # fmt: skip
def test_the_verdict_follows_from_the_gates(rules, verdict, code, reason):
    decision = decide(gates(*rules) if rules else (), cifar())
    assert (decision.verdict, decision.exit_code) == (verdict, code)
    assert decision.reason.startswith(reason)
    assert decision.reason.endswith(".")
    assert len(decision.checks) == len(rules)
    if not rules:
        assert decision == NO_GATES


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([PASSES, FAILS, OPEN, RECALLS + "at_least = 0.7"]),
                          st.sampled_from(["", WARN, LENIENT])), max_size=4))  # fmt: skip
def test_verdict_and_exit_code_never_disagree(rules):
    decision = decide(gates(*(a + b for a, b in rules)) if rules else (), cifar())
    if decision.verdict == "DO NOT SHIP":
        assert decision.exit_code == 1
    if decision.verdict in ("SHIP", "NO GATES SET"):
        assert decision.exit_code == 0
    assert any(c.blocks for c in decision.checks) == bool(decision.exit_code)
    assert (
        Decision.from_json(json.loads(json.dumps(decision.to_json(), allow_nan=False))) == decision
    )


def test_a_decision_survives_json():
    pair = paired(HARMED, ("cat", "dog", "cow", "doe"))
    rules = (
        HARM,
        MARGIN + "0.005",
        RECALLS + "at_least = 0.9",
        'pair = ["cat", "dog"]\nat_most_share = 0.02',
    )
    decision = decide(gates(*rules), pair.candidate, pair)
    text = json.dumps(decision.to_json(), allow_nan=False)
    assert Decision.from_json(json.loads(text)) == decision
    first, _, _, last = decision.to_json()["checks"]
    assert list(first) == [
        "name", "rule", "severity", "status", "blocks", "value", "limit", "interval", "subject",
        "sentence", "needed", "parts", "unit", "margin", "metric", "kind", "number", "each_class",
        "when_inconclusive",
    ]  # fmt: skip
    assert (first["kind"], first["when_inconclusive"]) == ("no_harm", "warn")
    assert (last["kind"], last["pair"], last["number"]) == ("at_most_share", ["cat", "dog"], 4)


def test_the_gates_of_a_decision_are_those_that_were_decided():
    asked = gates(RECALLS + "at_least = 0.9\nconfident = true", PASSES)
    decision = Decision.from_json(decide(asked, cifar()).to_json())
    assert tuple(check.gate for check in decision.checks) == asked


def test_a_document_without_the_gates_rule_is_written_as_it_was():
    document = decide(gates(RECALLS + "at_least = 0.9\nconfident = true"), cifar()).to_json()
    (check,) = document["checks"]
    for name in ("kind", "number", "confident", "each_class"):
        del check[name]
    found = Decision.from_json(document)
    assert found.checks[0].gate == Gate("g0", 0.9, "recall")
    assert found.to_json() == document


@pytest.mark.parametrize(
    "change",
    [{"verdict": "MAYBE"}, {"reason": 3}, {"checks": [{}]}, {"checks": None}],
)
def test_what_is_no_decision_is_refused(change):
    value = {**decide(gates(PASSES), cifar()).to_json(), **change}
    with pytest.raises((KeyError, TypeError, ValueError)):
        Decision.from_json(value)


def test_hostile_names_stand_harmless_in_sentences():
    evil = "\x1b[31m\u202ecat\n" + "x" * 300
    evaluation = make_evaluation([[1, 9], [0, 10]], (evil.strip(), "dog"))
    found = check(RECALLS + "at_least = 0.9", evaluation)
    assert re.search(r"[\x00-\x1f\u202e]", found.sentence) is None
    assert len(found.sentence) < 250
    assert not math.isnan(found.value)
