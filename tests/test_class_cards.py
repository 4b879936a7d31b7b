"""The cards of classes, correct examples beside mistakes, and the list of all errors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from reportgen.errors import UsageError
from reportgen.metrics import ClassSample, ClassSamples, RankedClass
from reportgen.options import EvaluationOptions, InputOptions, PageOptions
from reportgen.rendering import privacy
from reportgen.rendering.page_budget import SMALL, fitting_page
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.rendering.tree import rebuild
from reportgen.report import (
    Thumbnail,
    build_report,
    fold_pictures,
    list_errors,
    pictured_classes,
    reduce_pictures,
)
from reportgen.report.errors import LISTED_ERRORS
from reportgen.review import Review, load_input
from tests import factories
from tests.review_factories import paired


def sampled(evaluation):
    """With samples of every class, the lowest recall first, as a run would keep them."""
    recall = evaluation.per_class["recall"].value
    kept = tuple(
        ClassSamples(
            i,
            tuple(
                ClassSample(f"night/{i}-{n}.png", (i + 1) % 10, 0.9 - n / 100, 0.05)
                for n in range(4)
            ),
            tuple(
                ClassSample(f"day/{i}-{n}.png", i, 0.99, 0.99, (RankedClass(i, 0.99),))
                for n in range(4)
            ),
        )
        for i in np.argsort(recall, kind="stable").tolist()
    )
    return replace(evaluation, class_samples=kept)


def pictures(evaluation):
    names = [mistake.id for gallery in evaluation.examples for mistake in gallery]
    for mistakes, correct in pictured_classes(evaluation):
        names += [sample.id for sample in (*mistakes, *correct)]
    made = make_thumbnail(factories.picture())
    return {name: replace(made, content=name.encode()) for name in names}


def seen(report):
    """Pictures in each direction of each gallery."""
    directions = [d for group in report.pairs.groups for d in group.directions]
    return [sum(one.thumbnail is not None for one in d.examples) for d in directions]


@pytest.fixture(scope="module")
def report():
    evaluation = sampled(factories.cifar())
    return build_report(evaluation, pictures(evaluation))


def test_a_card_lists_what_a_class_is_predicted_as_and_what_is_predicted_as_it(report):
    """Of 1,000 cats 358 are predicted as others: 126, 70, 58, 46, 25, and 33 in four classes."""
    card = report.cards[0]
    assert (card.index, card.name.text) == (3, "cat")
    assert card.missed.total == 358
    assert [(one.name.text, one.count) for one in card.missed.confusions] == [
        ("dog", 126), ("bird", 70), ("frog", 58), ("deer", 46), ("horse", 25),
    ]  # fmt: skip
    assert card.missed.rest == "33 more in 4 classes"
    assert card.missed.confusions[0].share == "12.6%"
    assert card.missed.confusions[0].target == "p-3-5"
    assert card.taken.total == 227
    assert card.taken.confusions[0].name.text == "dog"
    assert card.taken.confusions[0].share == "9.7%", "of the dogs"


def test_each_class_has_a_card_in_the_order_of_the_table(report):
    assert [card.index for card in report.cards] == [row.index for row in report.classes.rows]
    assert report.carded == frozenset(range(10))


def test_a_card_shows_mistakes_and_correct_examples(report):
    card = report.cards[0]
    assert [one.path.full for one in card.mistakes] == [f"night/3-{n}.png" for n in range(4)]
    assert [one.path.full for one in card.correct] == [f"day/3-{n}.png" for n in range(4)]
    assert card.mistakes[0].alt == "cat predicted as deer, 90.0%"
    assert card.correct[0].alt == "cat, predicted correctly, 99.0%"
    large = card.mistakes[0].large
    assert [(name.text, p) for name, p in large.top] == [("deer", "90.0%"), ("cat", "5.0%")]
    assert all(one.thumbnail for one in (*card.mistakes, *card.correct))


def test_two_correct_examples_of_the_true_class_stand_beside_the_mistakes_of_a_pair(report):
    for group in report.pairs.groups:
        for direction in group.directions:
            paths = [one.path.full for one in direction.correct]
            assert paths == [f"day/{direction.true}-{n}.png" for n in range(2)]


def test_files_of_one_name_are_told_apart_by_their_folders(report):
    card = report.cards[0]
    assert [one.file.text for one in (card.mistakes[0], card.correct[0])] == [
        "night/3-0.png",
        "day/3-0.png",
    ]


def test_folded_galleries_show_four_of_each_direction(report):
    shown = seen(report)
    assert shown == [8] * 6 + [4] * (len(shown) - 6)
    assert {len(d.examples) for group in report.pairs.groups for d in group.directions} == {8}


def test_a_page_that_is_too_large_keeps_on_cards_what_it_shows_elsewhere(report):
    fewer = reduce_pictures(report, 4)
    card = next(one for one in fewer.cards if one.index == 3)
    assert all(one.thumbnail is None for one in card.mistakes)
    assert [one.thumbnail is not None for one in card.correct] == [True, True, False, False]
    none = reduce_pictures(report, 0)
    assert not any(one.thumbnail for card in none.cards for one in (*card.mistakes, *card.correct))
    assert none.n_thumbnails == 0


def test_what_is_folded_gives_up_pictures_first(report):
    lighter = fold_pictures(report, 2)
    assert seen(lighter) == [8] * 6 + [2, 1] * (len(lighter.pairs.groups) - 3)
    assert seen(fold_pictures(report, 1))[6:] == [1, 1] * (len(lighter.pairs.groups) - 3)
    kept = [one.thumbnail is not None for one in lighter.cards[0].mistakes]
    assert kept == [False] * 4, "they stand nowhere else"
    assert 0 < lighter.n_thumbnails < report.n_thumbnails
    page, made = fitting_page(report)
    assert made is report
    assert page.size < SMALL


def test_a_page_of_few_classes_stays_below_a_megabyte(report):
    large = make_thumbnail(factories.picture())
    heavy = rebuild(
        report,
        lambda value: (
            replace(large, content=value.content.ljust(4_000, b"."))
            if isinstance(value, Thumbnail)
            else value
        ),
    )
    page, made = fitting_page(heavy)
    assert page.size <= SMALL
    assert seen(made)[:6] == [8] * 6, "open galleries keep all"


def test_classes_beyond_200_have_short_cards_for_the_script():
    report = build_report(factories.synthetic(230))
    assert len(report.cards) == 200
    assert len(report.compact_cards) == 30
    index, name, missed, taken = report.compact_cards[0]
    assert name == f"family {index // 5:03} member {index % 5}"
    row = factories.synthetic(230).confusion.counts[index]
    most = max((n, -j) for j, n in enumerate(row.tolist()) if j != index)
    assert missed[0] == (f"family {-most[1] // 5:03} member {-most[1] % 5}", most[0])
    assert len(taken) <= 3


def test_proportions_have_no_cards():
    assert build_report(factories.absent_classes()).cards[-1].missed.total == 0


def test_a_card_says_what_changed_against_the_baseline():
    found = paired()
    report = build_report(found.candidate, comparison=found)
    card = report.cards[0]
    row = next(one for one in report.comparison.classes.rows if one.index == card.index)
    terms = dict(card.change)
    assert terms["Δ recall, pp"].startswith(row.recall.text)
    assert terms["Fixed"] == str(row.gained)


ROWS = {
    "id": ["b/1.png", "a/1.png", "c.png", "d.png"],
    "label": ["cat", "cat", "dog", "dog"],
    "prediction": ["dog", "dog", "dog", "cat"],
    "confidence": [0.6, 0.9, 0.8, 0.7],
}


@pytest.fixture
def rows(tmp_path):
    side = load_input(ROWS, InputOptions(), EvaluationOptions(), tmp_path, rows_first=False)
    return side.rows


def test_the_errors_of_a_class_are_listed_by_falling_confidence(rows):
    found = list_errors(rows, ("cat", "dog"), 3)
    assert [(one.id, one.true, one.predicted, one.confidence) for one in found.rows] == [
        ("a/1.png", 0, 1, "90.0%"),
        ("b/1.png", 0, 1, "60.0%"),
        ("d.png", 1, 0, "70.0%"),
    ]
    assert found.data["classes"] == {0: "cat", 1: "dog"}
    assert found.data["rows"][0] == [0, 1, "a/1.png", "90.0%"]


def test_many_errors_are_left_to_the_file(rows):
    assert list_errors(rows, ("cat", "dog"), LISTED_ERRORS + 1).rows == ()
    assert list_errors(None, ("cat", "dog"), 3) is None


def test_the_listed_errors_of_a_public_page_are_hashes(rows):
    evaluation = factories.binary()
    report = build_report(evaluation, errors=list_errors(rows, evaluation.classes, 3))
    hidden, _ = privacy.hide_names(report, Review.of(evaluation))
    assert [one.id for one in hidden.errors.rows] == [
        privacy.hash_ids(name) for name in ("a/1.png", "b/1.png", "d.png")
    ]


def test_thumbnails_may_be_larger():
    assert make_thumbnail(factories.picture(400), 256).width == 256
    assert make_thumbnail(factories.picture(64), 256).width == 64
    assert PageOptions(thumbnail_size=256).command_words() == ["--thumbnail-size", "256"]
    for size, told in ((257, "too large: at most 256"), (31, "too small: at least 32")):
        with pytest.raises(UsageError, match=told):
            PageOptions(thumbnail_size=size)
