"""A live module, its data set and the user must name the classes in one order."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset, random_split
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

import reportgen
from reportgen.errors import DataError, ReportgenError, UsageError
from reportgen.inference.sources.own_classes import classes_of_data
from tests.inference import builders
from tests.inference.builders import colour_tree, image_tree

TRAINED = ["ship", "dog", "cat"]
READ = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


class Net(nn.Module):
    """More red is class 0, more green class 1, more blue class 2."""

    def __init__(self, names: Any = None) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.fc.weight.data = torch.eye(3) * 9
        self.fc.bias.data.zero_()
        self.config = types.SimpleNamespace(id2label=names)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc(x.mean((2, 3)))
        return scores


KNOWS = dict(enumerate(TRAINED))


@pytest.fixture
def folder(tmp_path: Path) -> ImageFolder:
    """Blue cats, green dogs and red ships: labels in string order, outputs in another."""
    return opened(tmp_path)


def opened(tmp_path: Path) -> ImageFolder:
    root = tmp_path / "data"
    if not root.exists():
        colour_tree(root)
    return ImageFolder(str(root), transform=READ)


def accuracy(model: nn.Module, data: Any, tmp_path: Path, **options: Any) -> float:
    made = reportgen.predict(model, data, out=tmp_path / "out", force=True, **options)
    return builders.accuracy(made)


class Wrapping(Dataset[Any]):
    def __init__(self, inner: Any) -> None:
        self.wrapped_here = inner

    def __len__(self) -> int:
        return len(self.wrapped_here)

    def __getitem__(self, i: int) -> Any:
        return self.wrapped_here[i]


WRAPPERS = {
    "itself": lambda data: data,
    "a loader": lambda data: DataLoader(data, batch_size=4),
    "Subset": lambda data: Subset(data, range(9)),
    "random_split": lambda data: random_split(data, [9, 0])[0],
    "two of them": lambda data: Subset(Wrapping(Subset(data, range(9))), range(9)),
    "ConcatDataset": lambda data: ConcatDataset([data, Subset(data, [0])]),
}


@pytest.mark.parametrize("how", WRAPPERS)
def test_a_data_set_in_another_order_than_the_network_is_refused(
    tmp_path: Path, folder: ImageFolder, how: str
) -> None:
    data = WRAPPERS[how](folder)
    with pytest.raises(DataError) as caught:
        accuracy(Net(KNOWS), data, tmp_path)
    error = caught.value
    assert error.slug == "classes-differ"
    assert error.message == (
        'class 1 is "cat" in classes of ImageFolder but "ship" in config.id2label of the network'
    )
    assert str(tmp_path) not in str(error)


def test_the_hint_followed_to_the_letter_gives_the_true_accuracy(
    tmp_path: Path, folder: ImageFolder
) -> None:
    model, dataset = Net(KNOWS), folder
    with pytest.raises(DataError) as caught:
        accuracy(model, dataset, tmp_path)
    assert accuracy(model, relabelled(caught.value, model, dataset), tmp_path) == 1


def relabelled(error: DataError, model: nn.Module, dataset: Any) -> Any:
    """Do what the hint says."""
    listed, _, lines = (error.hint or "").partition("with names = ")[2].partition(": ")
    scope: dict[str, Any] = {"model": model, "dataset": dataset}
    exec(f"names = {listed}\n{lines.replace('; ', chr(10))}", scope)
    return scope["dataset"]


def test_the_hint_for_a_data_set_with_another_list_works_too(
    tmp_path: Path, folder: ImageFolder
) -> None:
    class Reading(Dataset[Any]):
        """As timm's ImageDataset: the names are in its reader, the labels may be transformed."""

        def __init__(self) -> None:
            self.reader = types.SimpleNamespace(class_to_idx={"ship": 2, "cat": 0, "dog": 1})
            self.target_transform: Any = None
            self.samples = [(image, label) for image, label in folder]

        def __len__(self) -> int:
            return len(self.samples)

        def __getitem__(self, i: int) -> Any:
            image, label = self.samples[i]
            return image, self.target_transform(label) if self.target_transform else label

    dataset, model = Reading(), nn.Sequential(Net(KNOWS))
    with pytest.raises(DataError, match='class 1 is "cat" in reader.class_to_idx') as caught:
        accuracy(model, dataset, tmp_path)
    assert accuracy(model, relabelled(caught.value, model, dataset), tmp_path) == 1


def test_labels_that_were_renumbered_by_a_wrapper_can_be_declared(
    tmp_path: Path, folder: ImageFolder
) -> None:
    class Renumbered(Wrapping):
        def __getitem__(self, i: int) -> Any:
            image, label = self.wrapped_here[i]
            return image, TRAINED.index(folder.classes[label])

    dataset: Any = Renumbered(folder)
    with pytest.raises(DataError) as caught:
        accuracy(Net(KNOWS), dataset, tmp_path, classes=TRAINED)
    assert "dataset.classes = [...]" in (caught.value.hint or "")
    dataset.classes = TRAINED
    assert accuracy(Net(KNOWS), dataset, tmp_path, classes=TRAINED) == 1
    assert accuracy(Net(KNOWS), dataset, tmp_path) == 1


@pytest.mark.parametrize("how", WRAPPERS)
def test_the_names_are_found_through_wrappers(folder: ImageFolder, how: str) -> None:
    found = classes_of_data(WRAPPERS[how](folder))
    assert (found.names, found.source) == (("cat", "dog", "ship"), "classes of ImageFolder")


def test_a_given_list_is_held_against_the_data_set(tmp_path: Path, folder: ImageFolder) -> None:
    with pytest.raises(
        DataError, match='class 1 is "ship" in the list given as classes= but "cat"'
    ):
        accuracy(Net(), Subset(folder, range(9)), tmp_path, classes=TRAINED)
    with pytest.raises(DataError, match="classes= has 2 classes, classes of ImageFolder has 3"):
        accuracy(Net(), folder, tmp_path, classes=["cat", "dog"])


def test_a_given_list_is_held_against_the_network(tmp_path: Path) -> None:
    data = TensorDataset(torch.rand(6, 3, 4, 4), torch.tensor([0, 1, 2] * 2))
    with pytest.raises(DataError, match='class 1 is "cat" in .* but "ship" in config.id2label'):
        accuracy(Net(KNOWS), data, tmp_path, classes=["cat", "dog", "ship"])
    made = reportgen.predict(Net(KNOWS), data, out=tmp_path / "out", force=True)
    assert made.facts.classes == tuple(TRAINED)
    assert made.facts.provenance.classes_source == "config.id2label of the network"


def test_nobody_who_knows_is_said(tmp_path: Path) -> None:
    data = TensorDataset(torch.rand(6, 3, 4, 4), torch.tensor([0, 1, 2] * 2))
    with pytest.raises(UsageError) as caught:
        accuracy(Net({0: "LABEL_0", 1: "LABEL_1"}), data, tmp_path)
    assert caught.value.slug == "classes-needed"
    assert accuracy(Net(), data, tmp_path, classes=TRAINED) is not None


class Has(Dataset[Any]):
    """A data set with the attributes of another library's."""

    def __init__(self, **attributes: Any) -> None:
        self.__dict__.update(attributes)

    def __len__(self) -> int:
        return 3


@pytest.mark.parametrize(
    ("attributes", "source"),
    [
        ({"classes": ["b", "a"]}, "classes of Has"),
        ({"classes": np.array(["b", "a"])}, "classes of Has"),
        ({"class_to_idx": {"a": 1, "b": 0}}, "class_to_idx of Has"),
        (
            {"reader": types.SimpleNamespace(class_to_idx={"a": 1, "b": 0})},
            "reader.class_to_idx of Has",
        ),
        (
            {"features": {"image": None, "label": types.SimpleNamespace(names=["b", "a"])}},
            'features["label"].names of Has',
        ),
        ({"features": {"kind": types.SimpleNamespace(names=["b", "a"])}},
         'features["kind"].names of Has'),
        ({"vocab": ["b", "a"]}, "vocab of Has"),
        ({"info": {"label": {"1": "a", "0": "b"}}}, "info.label of Has"),
        ({"categories": ["b", "a"]}, "categories of Has"),
    ],
)  # fmt: skip
def test_other_libraries_data_sets_are_asked_too(attributes: dict[str, Any], source: str) -> None:
    found = classes_of_data(Has(**attributes))
    assert (found.names, found.source) == (("b", "a"), source)
    assert classes_of_data(Subset(Has(**attributes), [])).names == ("b", "a")


def test_synonyms_are_one_name_and_numbers_are_no_names() -> None:
    assert classes_of_data(Has(classes=[("tench", "Tinca"), ("ray",)])).names == (
        "tench, Tinca", "ray",
    )  # fmt: skip
    assert classes_of_data(Has(classes=[0, 1])).names == ("0", "1")
    assert classes_of_data(Has(classes=2)).names is None


def test_numbers_are_not_held_against_names(tmp_path: Path, folder: ImageFolder) -> None:
    folder.classes = ["0", "1", "2"]
    folder.class_to_idx = {"0": 0, "1": 1, "2": 2}
    folder.samples = [(path, 2 - label) for path, label in folder.samples]
    assert accuracy(Net(KNOWS), folder, tmp_path) == 1
    assert accuracy(Net(), folder, tmp_path, classes=TRAINED) == 1


def test_joined_data_sets_with_different_classes_are_refused(tmp_path: Path) -> None:
    data = ConcatDataset([Has(classes=["a", "b"]), Has(classes=["b", "a"])])
    with pytest.raises(DataError) as caught:
        classes_of_data(data)
    assert caught.value.slug == "classes-differ"
    assert caught.value.details == ("classes of Has: a, b", "classes of Has: b, a")


def test_splits_that_were_opened_as_classes_are_refused(tmp_path: Path) -> None:
    image_tree(tmp_path / "root/test", {"cat": 2})
    image_tree(tmp_path / "root/train", {"cat": 2})
    image_tree(tmp_path / "root/val", {"cat": 2})
    with pytest.raises(DataError) as caught:
        accuracy(Net(), ImageFolder(str(tmp_path / "root"), transform=READ), tmp_path)
    assert caught.value.slug == "data-splits"


def test_labels_behind_a_transform_are_told_where_the_data_set_alone_has_names(
    tmp_path: Path, folder: ImageFolder
) -> None:
    folder.target_transform = lambda label: 2 - label
    made = reportgen.predict(Net(), folder, out=tmp_path / "out")
    assert [note.code for note in made.facts.notes if note.code == "classes-remapped"]


ORDER = ["cat", "dog", "ship"]


def test_labels_in_an_order_of_their_own_are_read_by_data_classes(
    folder: ImageFolder, tmp_path: Path
) -> None:
    assert accuracy(Net(KNOWS), folder, tmp_path, data_classes=ORDER) == 1
    images, labels = zip(*folder, strict=True)
    bare = TensorDataset(torch.stack(images), torch.tensor(labels))
    assert accuracy(Net(), bare, tmp_path, classes=TRAINED) < 1, "read in the model's order"
    assert accuracy(Net(), bare, tmp_path, classes=TRAINED, data_classes=ORDER) == 1
    file = tmp_path / "order.txt"
    file.write_text("\n".join(ORDER))
    assert accuracy(Net(KNOWS), bare, tmp_path, data_classes=file) == 1
    one_hot = TensorDataset(torch.stack(images), torch.eye(3)[list(labels)])
    assert accuracy(Net(KNOWS), one_hot, tmp_path, data_classes=ORDER) == 1
    unknown = TensorDataset(torch.stack(images), torch.tensor([-1, *labels[1:]]))
    made = reportgen.predict(
        Net(KNOWS), unknown, out=tmp_path / "u", data_classes=ORDER, data_name="d"
    )
    assert builders.accuracy(made) == (len(bare) - 1) / len(bare), "one label is unknown"


def test_data_classes_that_contradict_the_data_are_refused(
    folder: ImageFolder, tmp_path: Path
) -> None:
    def refused(data: Any, model: nn.Module | None = None, **options: Any) -> ReportgenError:
        with pytest.raises(ReportgenError) as caught:
            accuracy(model or Net(KNOWS), data, tmp_path, **options)
        return caught.value

    error = refused(folder, data_classes=TRAINED)
    assert (error.slug, error.hint) == ("classes-differ", "omit data_classes=")
    images, labels = zip(*folder, strict=True)
    bare = TensorDataset(torch.stack(images), torch.tensor(labels))
    assert refused(bare, Net(), data_classes=ORDER).slug == "classes-needed"
    assert refused(bare, data_classes=ORDER[:2]).hint == "check data_classes="
    assert refused(bare, data_classes=["cat", "dog", "bird"]).slug == "class-unknown"
    names = DataLoader(
        [(image, ORDER[label]) for image, label in zip(images, labels, strict=True)],  # type: ignore[arg-type]
        batch_size=4,
    )
    error = refused(names, data_classes=ORDER)
    assert (error.slug, error.hint) == (
        "option-conflict", "omit data_classes=: names need no order",
    )  # fmt: skip
    assert accuracy(Net(KNOWS), names, tmp_path) == 1


@pytest.mark.parametrize(
    "options",
    [
        {"resize": "8x8"},
        {"mean": "0.5", "std": "0.5"},
        {"transform": "x.py:f"},
        {"label_base": 1},
        {"labels_are": "names"},
        {"root": "."},
        {"label_column": "y"},
        {"ignore_unknown_classes": True},
        {"channels": "bgr"},
        {"trust_model_code": True},
    ],
)
def test_options_without_effect_on_a_loader_are_refused(
    folder: ImageFolder, tmp_path: Path, options: dict[str, Any]
) -> None:
    with pytest.raises(UsageError) as caught:
        accuracy(Net(KNOWS), folder, tmp_path, classes=TRAINED, **options)
    error = caught.value
    name = next(iter(options))
    assert error.slug == "option-conflict"
    assert (error.hint or "").startswith(f"omit {name}=")
