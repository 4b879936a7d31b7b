"""A network that knows its classes is asked for them, and a list that says otherwise is refused."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import reportgen
from reportgen.errors import DataError, ModelError
from reportgen.inference.models.own_classes import classes_of_network
from tests.inference.builders import accuracy, colour_tree
from tests.inference.model_files import write

# More red is class 0, more green class 1, more blue class 2.
KNOWING = """
import types
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, names):
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.fc.weight.data = torch.eye(3) * 9
        self.fc.bias.data.zero_()
        if names is not None:
            self.config = types.SimpleNamespace(id2label=dict(enumerate(names)))

    def forward(self, x):
        return self.fc(x.mean((2, 3)))


def make(names=None):
    return Net(names)


class Wrapper(nn.Module):
    def __init__(self, names=None):
        super().__init__()
        self.net = Net(names)

    def forward(self, x):
        return self.net(x)
"""
TRAINED = ["ship", "dog", "cat"]  # the order of the outputs; folders are in string order


def carrying(**attributes: Any) -> nn.Module:
    module = nn.Linear(2, 2)
    for name, value in attributes.items():
        object.__setattr__(module, name, value)
    return module


class Vocab:
    """As fastai's: neither a list nor a tuple, but it has a length and can be iterated over."""

    def __init__(self, *names: str) -> None:
        self.items = names

    def __len__(self) -> int:
        return len(self.items)

    def __iter__(self) -> Any:
        return iter(self.items)


def config(**entries: Any) -> types.SimpleNamespace:
    return types.SimpleNamespace(**entries)


@pytest.mark.parametrize(
    ("attributes", "source"),
    [
        ({"config": config(id2label={0: "b", 1: "a"})}, "config.id2label"),
        ({"config": config(id2label={"1": "a", "0": "b"})}, "config.id2label"),
        ({"config": {"id2label": {1: "a", 0: "b"}}}, "config.id2label"),
        ({"config": config(label2id={"a": 1, "b": 0})}, "config.label2id"),
        ({"names": {0: "b", 1: "a"}}, "names"),
        ({"names": ["b", "a"], "nc": 2}, "names"),
        ({"pretrained_cfg": {"label_names": ["b", "a"]}}, "pretrained_cfg.label_names"),
        ({"default_cfg": config(label_names=("b", "a"))}, "default_cfg.label_names"),
        ({"dls": config(vocab=Vocab("b", "a"))}, "dls.vocab"),
        ({"class_to_idx": {"a": 1, "b": 0}}, "class_to_idx"),
        ({"idx_to_class": {0: "b", 1: "a"}}, "idx_to_class"),
        ({"hparams": {"class_names": ["b", "a"]}}, "hparams.class_names"),
    ],
)
def test_the_names_are_found_where_libraries_put_them(
    attributes: dict[str, Any], source: str
) -> None:
    found = classes_of_network(carrying(**attributes), lenient=False)
    assert found.names == ("b", "a")
    assert found.source == f"{source} of the network"


def test_numbers_of_ten_and_more_are_numbers() -> None:
    names = {str(i): f"class-{i:02d}x" for i in range(12)}
    found = classes_of_network(carrying(config=config(id2label=names)), lenient=False)
    assert found.names == tuple(names.values())


@pytest.mark.parametrize(
    "attributes",
    [
        {},
        {"config": config(id2label={0: "LABEL_0", 1: "LABEL_1"})},
        {"config": config(id2label={0: 0, 1: 1})},
        {"config": config(id2label=None), "names": None},
        {"names": {0: "0", 1: "1"}},
        {"names": ["conv1", "conv2"]},
        {"classes": 10},
        {"classes": ["a", "a"]},
        {"labels": ["x", "y"], "vocab": "abc"},
        {"pretrained_cfg": {"label_names": ["a", "b"]}, "num_classes": 10},
    ],
)
def test_what_is_no_list_of_names_is_none(attributes: dict[str, Any]) -> None:
    assert classes_of_network(carrying(**attributes), lenient=False).names is None


def test_a_faulty_list_is_refused_unless_another_one_counts() -> None:
    module = carrying(config=config(id2label={1: "a", 2: "b"}))
    with pytest.raises(ModelError, match="has the indices 1, 2, not 0 to 1") as caught:
        classes_of_network(module, lenient=False)
    assert caught.value.slug == "carried-classes"
    (note,) = classes_of_network(module, lenient=True).notes
    assert "config.id2label of the network" in note


def test_wrappers_and_parts_are_looked_into() -> None:
    inner = carrying(config=config(id2label={0: "b", 1: "a"}))
    assert classes_of_network(nn.DataParallel(inner), lenient=False).names == ("b", "a")
    deep = nn.Sequential(nn.Flatten(), nn.Sequential(inner, nn.ReLU()))
    found = classes_of_network(deep, lenient=False)
    assert found.names == ("b", "a")
    assert found.source == "config.id2label of the network's part 1.0"
    other = carrying(config=config(id2label={0: "a", 1: "b"}))
    assert classes_of_network(nn.Sequential(inner, other), lenient=False).names is None


def test_an_attribute_that_raises_is_none() -> None:
    class Hostile(nn.Module):
        @property
        def classes(self) -> Any:
            raise ZeroDivisionError

    assert classes_of_network(Hostile(), lenient=False).names is None


# On the command line


def predicted(tmp_path: Path, *, classes: list[str] | None = None, **options: Any) -> Any:
    """A run of the network that knows its classes over folders in another order."""
    nets = write(tmp_path / "nets.py", KNOWING)
    data = tmp_path / "data"
    if not data.exists():
        colour_tree(data)
    names = None if classes is None else write(tmp_path / "names.txt", "\n".join(classes))
    factory = options.pop("factory", "make")
    return reportgen.predict(
        f"{nets}:{factory}", data, out=tmp_path / "out", classes=names, force=True,
        model_arg=options.pop("model_arg", {"names": '["ship", "dog", "cat"]'}), **options,
    )  # fmt: skip


@pytest.mark.parametrize("factory", ["make", "Wrapper"])
def test_the_names_of_the_network_are_used_and_told(
    tmp_path: Path, factory: str, capsys: Any
) -> None:
    made = predicted(tmp_path, factory=factory)
    assert made.facts.classes == ("ship", "dog", "cat")
    assert accuracy(made) == 1
    assert made.facts.provenance.classes_source.startswith("config.id2label of the network")
    assert not [note for note in made.facts.notes if note.code == "classes-assumed"]


@pytest.mark.parametrize("factory", ["make", "Wrapper"])
def test_a_list_in_another_order_is_refused_and_the_hint_works(
    tmp_path: Path, factory: str
) -> None:
    with pytest.raises(DataError) as caught:
        predicted(tmp_path, factory=factory, classes=["cat", "dog", "ship"])
    error = caught.value
    assert error.slug == "classes-differ"
    assert error.message.startswith(
        'class 1 is "cat" in --classes names.txt but "ship" in config.id2label of the network'
    )
    assert error.details == ("both have the same names in another order",)
    assert "correct --classes names.txt or omit it" in (error.hint or "")
    assert accuracy(predicted(tmp_path, factory=factory, classes=TRAINED)) == 1
    assert accuracy(predicted(tmp_path, factory=factory)) == 1


def test_one_other_name_is_enough(tmp_path: Path) -> None:
    with pytest.raises(DataError, match='class 3 is "bird" in .* but "cat" in config.id2label'):
        predicted(tmp_path, classes=["ship", "dog", "bird"])


def test_another_spelling_of_the_same_names_is_no_clash(tmp_path: Path) -> None:
    spelled = {"names": '["Ship, boat", "The_Dog", "CAT"]'}
    with pytest.raises(DataError, match="but not a class of the model") as caught:
        predicted(tmp_path, model_arg=spelled)
    assert "(--classes FILE)" in (caught.value.hint or "")
    spelled = {"names": '["Ship, boat", "Dog, hound", "CAT"]'}
    made = predicted(tmp_path, model_arg=spelled, classes=TRAINED)
    assert made.facts.classes == ("ship", "dog", "cat")


def test_names_of_an_earlier_head_are_told_and_not_compared(tmp_path: Path) -> None:
    stale = {"names": '["a", "b", "c", "d"]'}
    made = predicted(tmp_path, model_arg=stale, classes=TRAINED)
    (note,) = [note for note in made.facts.notes if note.code == "classes-not-compared"]
    assert note.sentence == (
        "config.id2label of the network lists 4 classes, --classes names.txt lists 3: the two "
        "were not compared."
    )


def test_names_from_data_are_escaped(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        predicted(tmp_path, classes=TRAINED, model_arg={"names": '["\\u001bboat", "dog", "cat"]'})
    assert "\x1b" not in str(caught.value)
