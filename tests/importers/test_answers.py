"""Predictions that may be no class: words for no answer, and sentences around a class."""

import pytest

import reportgen
from reportgen.errors import DataError
from tests.importers.hints import outcomes

LABELS = ["cat", "dog", "bird"] * 4
RIGHT = [f"{name},{name}" for name in LABELS]


def table(box, *rows):
    return box.write("label,prediction\n" + "\n".join([*RIGHT, *rows]) + "\n")


@pytest.mark.parametrize(
    "word",
    [
        "I don't know", "I don’t know.", "other", "Other", "OTHER", "none of the above", "refused",
        "unknown", "UNKNOWN", "None", "n/a", "N.A.", "null", "<unk>", "[UNK]", "skipped", "error",
        "no answer", "no_answer", "not sure", "I cannot tell", "I'm not able to see the image",
        "Sorry, I can't help with that.", "Unable to classify the image.", "As an AI model, I …",
        "timeout", "ValueError: out of tokens", "cannot determine", "invalid", "-", "?",
    ],
)  # fmt: skip
def test_an_answer_that_no_label_has_is_asked_about(box, word):
    path = table(box, f'cat,"{word}"', f'dog,"{word}"')
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "labels-gap"
    assert word in caught.value.message
    abstained, as_class = outcomes(path)
    assert (abstained.n_samples, abstained.summary["accuracy"].value) == (12, 1.0)
    assert abstained.summary["coverage"].value == pytest.approx(12 / 14)
    assert (as_class.n_samples, len(as_class.classes)) == (14, 4)


def test_several_answers_are_declared_together(box):
    path = table(box, "cat,I don't know", "dog,refused", "bird,other")
    abstained, as_class = outcomes(path)
    assert (abstained.n_samples, abstained.summary["coverage"].value) == (12, 12 / 15)
    assert len(as_class.classes) == 6
    again = reportgen.load(path, abstain=["other", "refused", "I don't know"])
    assert again.confusion.counts.tolist() == abstained.confusion.counts.tolist()


def test_the_command_in_the_report_repeats_several_abstentions(box):
    path = table(box, "cat,I don't know", "dog,refused")
    made = reportgen.load(path, abstain=("I don't know", "refused"))
    words = '--abstain "I don\'t know" --abstain refused'
    assert words in made.provenance.command


def test_more_answers_than_can_be_typed_are_to_be_rewritten(box):
    path = table(box, *(f"cat,I cannot tell {i}" for i in range(9)))
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert "write unknown instead of each of them, and pass --abstain unknown" in caught.value.hint
    rewritten = table(box, *["cat,unknown"] * 9)
    assert reportgen.load(rewritten, abstain="unknown").n_samples == 12


@pytest.mark.parametrize("word", ["other", "unknown", "background", "none", "error"])
def test_a_word_that_labels_have_too_is_a_class(box, word):
    found = reportgen.load(table(box, f"{word},{word}", f"cat,{word}"))
    assert (found.n_samples, len(found.classes)) == (14, 4)


@pytest.mark.parametrize("name", ["fox", "otherwise", "errata", "no entry", "sorrel", "wild cat"])
def test_a_class_without_labels_stays_one(box, name):
    found = reportgen.load(table(box, f"cat,{name}"))
    assert (found.n_samples, len(found.classes)) == (13, 4)


def test_an_answer_in_a_table_with_a_class_list_can_be_declared(box):
    path = table(box, "cat,refused")
    with pytest.raises(DataError) as caught:
        reportgen.load(path, classes=["cat", "dog", "bird"])
    assert "--abstain refused" in caught.value.hint
    found = reportgen.load(path, classes=["cat", "dog", "bird"], abstain="refused")
    assert found.summary["coverage"].value == pytest.approx(12 / 13)


def test_an_index_that_is_no_class_can_be_declared(box):
    path = box.write("label,prediction\n" + "0,0\n1,1\n2,2\n" * 4 + "1,99\n")
    with pytest.raises(DataError) as caught:
        reportgen.load(path, classes=["cat", "dog", "bird"])
    assert "--abstain 99" in caught.value.hint
    found = reportgen.load(path, classes=["cat", "dog", "bird"], abstain=99)
    assert (found.n_samples, found.summary["coverage"].value) == (12, 12 / 13)


@pytest.mark.parametrize(
    "text",
    ["Answer: cat", "The answer is cat", "the image shows a cat", "label=cat", "cat (0.93)",
     "It is a CAT, I think", '{""class"": ""cat""}', "Cat: fluffy"],
)  # fmt: skip
def test_a_sentence_around_a_class_is_asked_about(box, text):
    path = table(box, f'cat,"{text}"')
    with pytest.raises(DataError) as caught:
        reportgen.load(path)
    assert caught.value.slug == "predictions-text"
    (as_class,) = outcomes(path)
    assert (as_class.n_samples, len(as_class.classes)) == (13, 4)


@pytest.mark.parametrize("text", ["cat.", "**cat**", "`cat`", "Cat!", "'cat'.", '""cat""'])
def test_marks_around_a_class_are_a_spelling(box, text):
    with pytest.raises(DataError) as caught:
        reportgen.load(table(box, f'cat,"{text}"'))
    assert caught.value.slug == "classes-spellings"
