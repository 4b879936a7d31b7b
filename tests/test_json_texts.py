"""report.json as text: made by columns, and the same, byte for byte, as value by value."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from reportgen.analysis.scoring.thresholds import ThresholdCurve, ThresholdPoint
from reportgen.evaluation.pairs import Pairs
from reportgen.jsonio import element_texts, number_texts, object_texts, string_texts
from reportgen.rendering.json import render
from reportgen.review import Review
from tests.factories import HOSTILE, make_evaluation
from tests.test_golden import DOCUMENTS, text_of

ODD = ("}, {", "], [", "100% %s %(a)s {0}", "a\nb\u2028", 'say "no"', "\\")


def by_value(value):
    """The file, each element encoded by itself."""
    parts = []
    for key, member in value.items():
        if key == "confusion_matrix":
            inner = ", ".join(f"{json.dumps(k)}: {spread(v)}" for k, v in member.items())
            parts.append(f" {json.dumps(key)}: {{{inner}}}")
        else:
            parts.append(f" {json.dumps(key)}: {spread(member)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def spread(value):
    if isinstance(value, list) and value and isinstance(value[0], dict | list):
        return "[\n  " + ",\n  ".join(map(json.dumps, value)) + "\n ]"
    if isinstance(value, dict) and value:
        return (
            "{\n  "
            + ",\n  ".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in value.items())
            + "\n }"
        )
    return json.dumps(value)


@pytest.mark.parametrize("name", [name for name in DOCUMENTS if "thousand" not in name])
def test_columns_give_the_same_bytes_as_values(name):
    review = Review.from_json(json.loads(text_of(name)))
    assert render(review) == by_value(review.to_json())


@pytest.mark.parametrize("names", [HOSTILE, (*ODD, *HOSTILE[:4])])
def test_no_name_can_break_the_lines(names):
    counts = np.random.default_rng(1).integers(0, 4, (len(names), len(names)))
    evaluation = make_evaluation(counts.tolist(), names, examples=2)
    review = Review.of(evaluation)
    text = render(review)
    assert text.isascii()
    assert text == by_value(review.to_json())
    assert json.loads(text) == json.loads(json.dumps(review.to_json()))


def test_a_report_without_errors_has_an_empty_list_of_pairs():
    review = Review.of(make_evaluation([[3, 0], [0, 2]]))
    assert json.loads(render(review))["pairs"] == []


def test_members_of_later_versions_are_written_too():
    value = json.loads(text_of("grouped.json"))
    value["per_class"][2]["later"] = value["pairs"][0]["later"] = [1]
    written = json.loads(render(Review.from_json(value)))
    assert written["per_class"][2]["later"] == written["pairs"][0]["later"] == [1]


def test_numbers_that_are_not_finite_are_refused():
    with pytest.raises(ValueError, match="JSON compliant"):
        number_texts([0.5, math.nan])
    evaluation = make_evaluation([[3, 1], [0, 2]])
    wrong = replace(evaluation.pairs[0], share_of_true=math.inf)
    with pytest.raises(ValueError, match="JSON compliant"):
        render(Review.of(replace(evaluation, pairs=Pairs.of((wrong,)))))


def test_texts_are_those_of_the_json_library():
    numbers = [0.1, None, 1, True, -0.0, 1e-300, 2**60]
    assert number_texts(numbers) == [json.dumps(number) for number in numbers]
    assert number_texts([]) == []
    assert string_texts(ODD) == [json.dumps(text) for text in ODD]
    assert object_texts(["a", "100 %s"], [["1", "2"], ['"x"', "null"]]) == [
        '{"a": 1, "100 %s": "x"}',
        '{"a": 2, "100 %s": null}',
    ]


def test_records_that_are_no_plain_columns_have_texts_too():
    point = ThresholdPoint(0.5, 3, 1)
    curve = ThresholdCurve(1, 3, 1, 0, (point,), None, point, (point,), 1, True)
    (text,) = element_texts(ThresholdCurve, [curve])
    assert json.loads(text)["sensitive"] == {"threshold": 0.5, "tp": 3, "fp": 1}
    assert element_texts(ThresholdPoint, []) == []
