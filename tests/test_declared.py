"""Options as declared fields: checked, converted, written as words, sorted out."""

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest

from reportgen.errors import UsageError
from reportgen.options.declared import Declared, option, sort_options


@dataclass(frozen=True)
class Kitchen(Declared):
    stove: str = option("gas", "What burns.", "Heat", choices=("gas", "wood"))
    pots: int = option(1, "How many.", "Heat", min=1)
    recipe: Path | None = option(None, "Where it stands.", "Paper")
    spice: tuple[str, ...] = option((), "Any.", "Taste", repeated=True)
    clean: bool = option(False, "Wash up.", "After", shapes=False)

    PATHS: ClassVar[tuple[str, ...]] = ("recipe",)
    TUPLES: ClassVar[tuple[str, ...]] = ("spice",)


@dataclass(frozen=True)
class Cellar(Declared):
    wine: str = option("red", "Colour.", "Drink")
    pots: int = option(1, "How many.", "Heat", min=1)


def test_text_becomes_a_path_and_a_list_a_tuple():
    kitchen = Kitchen.of({"recipe": "a/b.txt", "spice": ["salt", 7]})
    assert kitchen.recipe == Path("a/b.txt")
    assert kitchen.spice == ("salt", "7")


@pytest.mark.parametrize(
    ("keywords", "slug", "text"),
    [
        ({"stove": "woood"}, "option-value", "did you mean wood?"),
        ({"pots": 0}, "option-value", "--pots 0 is too small: at least 1"),
        ({"pot": 2}, "option-unknown", "did you mean pots?"),
    ],
)
def test_a_wrong_option_is_refused_with_the_way_out(keywords, slug, text):
    with pytest.raises(UsageError) as caught:
        Kitchen.of(keywords)
    assert caught.value.slug == slug
    assert text in str(caught.value)


def test_words_are_those_that_differ_and_shape_the_result():
    kitchen = Kitchen(pots=3, recipe=Path("/home/me/r.txt"), spice=("salt", "dill"), clean=True)
    words = ["--pots", "3", "--recipe", "r.txt", "--spice", "salt", "--spice", "dill"]
    assert kitchen.command_words() == words
    assert Kitchen().command_words() == []


def test_each_keyword_goes_to_every_kind_that_has_it():
    kitchen, cellar = sort_options({"stove": "wood", "pots": 2, "wine": "white"}, Kitchen, Cellar)
    assert (kitchen.stove, kitchen.pots, cellar.pots, cellar.wine) == ("wood", 2, 2, "white")
    with pytest.raises(UsageError, match='"whine"'):
        sort_options({"whine": 1}, Kitchen, Cellar)
