"""Options of saved inputs: declared once, checked at once, repeated in the command."""

from dataclasses import fields
from pathlib import Path

import pytest

from reportgen.errors import UsageError
from reportgen.options.importing import InputOptions
from tests.importers.conftest import note_codes


def test_every_option_has_a_help_text_and_a_panel():
    for item in fields(InputOptions):
        assert item.metadata["help"].endswith((".", "…"))
        assert item.metadata["panel"]


@pytest.mark.parametrize(
    ("options", "slug", "words"),
    [
        ({"kind": "predicitons"}, "option-value", "did you mean predictions?"),
        ({"outputs": "probs"}, "option-value", "log-probabilities"),
        ({"label_base": 2}, "option-value", "0, 1"),
        ({"max_bad": -1}, "option-value", "at least 0"),
        ({"delimiter": ";;"}, "option-value", "not one character"),
        ({"delimiter": ""}, "option-value", "not one character"),
        ({"delimiter": '"'}, "option-value", "can't separate"),
        ({"normalised_over": "true"}, "option-conflict", "requires --normalised"),
        ({"lable_column": "x"}, "option-unknown", "label_column"),
    ],
)
def test_options_that_can_not_be_meant_are_refused(options, slug, words):
    with pytest.raises(UsageError) as caught:
        InputOptions.of(options)
    assert caught.value.slug == slug
    assert words in str(caught.value)


def test_keywords_become_the_types_of_the_options():
    options = InputOptions.of(
        {
            "classes": "names.txt",
            "labels": "y.npy",
            "scores_columns": ["a", "b"],
            "ignore_label": -1,
        }
    )
    assert options.classes == Path("names.txt")
    assert options.labels == Path("y.npy")
    assert options.scores_columns == ("a", "b")
    assert options.ignore_label == "-1"
    assert InputOptions.of({"classes": ["a", "b"]}).classes == ("a", "b")


def test_the_command_repeats_what_was_asked_for_without_folders():
    options = InputOptions.of(
        {"classes": "/home/me/names.txt", "label_column": "y", "label_base": 1, "normalised": True,
         "scores_columns": ("a", "b"), "delimiter": ";"}
    )  # fmt: skip
    assert options.command_words() == [
        "--classes", "names.txt", "--label-column", "y", "--scores-columns", "a,b",
        "--label-base", "1", "--normalised", "--delimiter", ";",
    ]  # fmt: skip
    assert InputOptions(classes=("a",)).command_words() == ["--classes", "classes.txt"]
    assert InputOptions().command_words() == []


def test_the_report_s_command_quotes_what_a_shell_would_take_apart(box):
    found = box.open(
        "y;label;prob_a;prob_b\na;x;1;0\n", delimiter=";", label_column="y", scores_columns="prob_*"
    )
    command = found.facts.provenance.command
    assert command == (
        "reportgen render table.csv -o OUT --label-column y --scores-columns 'prob_*' --delimiter ';'"
    )


def test_the_provenance_says_what_was_read_and_how(box):
    found = box.open("key,y_true,y_pred,conf\nk,1,2,0.5\n", label_base=1)
    assert dict(found.facts.provenance.inference) == {
        "read from": "table.csv",
        "label column": "y_true (names)",
        "prediction column": "y_pred (names)",
        "confidence column": "conf",
        "sample ids": "row numbers, from 0",
        "first index": "1",
    }
    assert found.facts.provenance.model.name == "table"
    assert note_codes(found) == {"classes-derived"}
