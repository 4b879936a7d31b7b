"""Data of other forms are named, and the expression in the hint is a data set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from torchvision.datasets import ImageFolder

import reportgen
from reportgen.errors import DataError, ModelError, ReportgenError, UsageError
from tests.inference.builders import accuracy, colour_tree

CLASSES = ["red", "green", "blue"]
LABELS = np.array([0, 1, 2, 2, 1, 0])


def pixels() -> Any:
    """uint8, shape (6, 4, 5, 3): plain images of the labels' colours."""
    images = np.full((6, 4, 5, 3), 10, np.uint8)
    images[np.arange(6), :, :, LABELS] = 250
    return images


class Net(nn.Module):
    """Takes (n, 3, 4, 5) in [0, 1]: the mean of each colour is its score."""

    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(3, 3)
        self.fc.weight.data = torch.eye(3) * 9
        self.fc.bias.data.zero_()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.fc(x.mean((2, 3)))
        return scores


FIRST = pixels().transpose(0, 3, 1, 2)
FORMS: dict[str, Any] = {
    "a pair of arrays, of shape (6, 4, 5, 3) and (6,)": lambda: (pixels(), LABELS),
    "a pair of arrays, of shape (6, 3, 4, 5) and (6, 1)": lambda: (FIRST, LABELS[:, None]),
    "a pair of arrays, of shape (6, 4, 5, 3) and (6, 3)": lambda: [pixels() / 255, np.eye(3)[LABELS]],
    "a pair of arrays, of shape (6, 3, 4, 5) and (6,)": lambda: (
        torch.as_tensor(FIRST.copy()), torch.as_tensor(LABELS),
    ),
    'a mapping with "x_test", "y_test"': lambda: {"x_test": pixels(), "y_test": LABELS},
    'a mapping with "train", "val"': lambda: {"train": [], "val": loader()},
    "a list of 2 batches": lambda: list(loader()),
    "an iterator, which can be read only once": lambda: iter(list(loader().dataset)),
}  # fmt: skip


def loader() -> DataLoader[Any]:
    return DataLoader(
        TensorDataset(torch.as_tensor(FIRST.copy()) / 255, torch.as_tensor(LABELS)), batch_size=3
    )


def predicted(tmp_path: Path, data: Any) -> Any:
    return reportgen.predict(Net(), data, out=tmp_path / "out", classes=CLASSES, force=True)


@pytest.mark.parametrize("what", FORMS)
def test_the_expression_in_the_hint_is_a_data_set(tmp_path: Path, what: str) -> None:
    data = FORMS[what]()
    with pytest.raises(UsageError) as caught:
        predicted(tmp_path, data)
    assert caught.value.slug == "data-kind"
    assert caught.value.message == f"data is {what}, not a data set"
    hint = caught.value.hint or ""
    expression = hint[
        hint.index("torch." if "torch." in hint else "list(" if "list(" in hint else "data[") :
    ]
    assert accuracy(predicted(tmp_path, eval(expression, {"torch": torch, "data": data}))) == 1


def test_arrays_without_labels_and_other_mappings_are_named(tmp_path: Path) -> None:
    for data, text in (
        (pixels(), "an array of shape (6, 4, 5, 3)"),
        ({"a\x1b": 1}, 'a mapping with "a\\x1b"'),
    ):
        with pytest.raises(UsageError) as caught:
            predicted(tmp_path, data)
        assert text in caught.value.message.replace('""', '"')


def test_lists_of_samples_are_a_data_set(tmp_path: Path) -> None:
    data = [(image, int(label)) for image, label in loader().dataset]
    assert accuracy(predicted(tmp_path, data)) == 1
    assert accuracy(predicted(tmp_path, data[:2])) == 1


@pytest.mark.parametrize(
    ("images", "text"),
    [
        (torch.as_tensor(pixels()).float(), "the images are height × width × channels"),
        (torch.as_tensor(pixels()), "images.permute(0, 3, 1, 2)"),
        (torch.rand(6, 8, 8), "the images have no channels: images.unsqueeze(1)"),
    ],
)
def test_batches_of_another_layout_are_named(tmp_path: Path, images: Any, text: str) -> None:
    with pytest.raises(ModelError) as caught:
        predicted(tmp_path, TensorDataset(images, torch.as_tensor(LABELS)))
    assert caught.value.slug == "model-failed"
    assert text in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("labels", "hint"),
    [
        (np.full((6, 3), 0.5), "labels.argmax(1) of scores of classes"),
        (np.ones((6, 3)), "labels.argmax(1) of scores of classes"),
        (LABELS[:, None], "labels.reshape(-1)"),
        (LABELS + 0.5, "labels must be whole numbers, one for each image"),
    ],
    ids=range(4),
)
def test_labels_of_other_forms_lead_to_class_indices(
    tmp_path: Path, labels: Any, hint: str
) -> None:
    data = [
        (torch.as_tensor(image) / 255, label) for image, label in zip(FIRST, labels, strict=True)
    ]
    with pytest.raises(ModelError) as caught:
        predicted(tmp_path, data)
    assert caught.value.slug == "batch-form"
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("labels", "code"),
    [
        ([CLASSES[label] for label in LABELS], "labels-are-names"),
        (np.eye(3, dtype=np.float32)[LABELS], "labels-one-hot"),
        (np.eye(3, dtype=np.int64)[LABELS], "labels-one-hot"),
    ],
    ids=range(3),
)
def test_names_and_one_hot_rows_are_labels(tmp_path: Path, labels: Any, code: str) -> None:
    data = [
        (torch.as_tensor(image) / 255, label) for image, label in zip(FIRST, labels, strict=True)
    ]
    made = predicted(tmp_path, DataLoader(data, batch_size=2))  # type: ignore[arg-type]
    assert accuracy(made) == 1
    assert [row["label"] for table in made.tables() for row in table.to_pylist()] == list(LABELS)
    assert [note.code for note in made.facts.notes].count(code) == 1


def test_a_name_that_is_no_class_is_refused(tmp_path: Path) -> None:
    data = [(torch.as_tensor(FIRST[0]) / 255, "gren"), (torch.as_tensor(FIRST[1]) / 255, "red")]
    with pytest.raises(DataError) as caught:
        predicted(tmp_path, data)
    assert caught.value.slug == "label-unknown"
    assert caught.value.message == 'label "gren" in batch 0 is not a class'
    assert caught.value.hint == 'did you mean "green"?'


@pytest.mark.parametrize(
    "pair",
    [
        lambda: (FIRST / 255, LABELS),
        lambda: [(FIRST / 255).astype(np.float32), np.eye(3)[LABELS]],
        lambda: (torch.as_tensor(FIRST.copy()) / 255, torch.as_tensor(LABELS)),
        lambda: ((FIRST / 255).astype(np.float32), torch.as_tensor(LABELS)),
    ],
)
def test_a_pair_of_arrays_that_can_be_read_in_one_way_is_data(tmp_path: Path, pair: Any) -> None:
    made = predicted(tmp_path, pair())
    assert [row["label"] for table in made.tables() for row in table.to_pylist()] == list(LABELS)
    assert accuracy(made) == 1


@pytest.mark.parametrize("keys", [("pixel_values", "labels"), ("img", "target"), ("img", "label")])
def test_mappings_of_other_libraries_are_batches(tmp_path: Path, keys: tuple[str, str]) -> None:
    data = [dict(zip(keys, pair, strict=True)) for pair in loader().dataset]
    assert accuracy(predicted(tmp_path, data)) == 1


def test_images_of_whole_numbers_are_warned_of(tmp_path: Path) -> None:
    whole = torch.as_tensor(FIRST.copy())
    made = predicted(tmp_path, TensorDataset(whole, torch.as_tensor(LABELS)))
    (note,) = [note for note in made.facts.notes if note.code == "images-unscaled"]
    assert note.severity == "warning"
    assert note.sentence.startswith("The loader gives uint8 images, which were passed on unscaled")
    assert not [n for n in predicted(tmp_path, loader()).facts.notes if n.code == note.code]


def test_pil_images_lead_to_the_transform(tmp_path: Path) -> None:
    root = colour_tree(tmp_path / "data")
    with pytest.raises(ReportgenError) as caught:
        reportgen.predict(Net(), ImageFolder(str(root)), out=tmp_path / "out")
    assert caught.value.slug == "loader-failed"
    hint = caught.value.hint or ""
    scope: dict[str, Any] = {"torch": torch}
    exec(hint[hint.index("from torchvision") :], scope)
    transform = eval(hint[hint.index("v2.Compose") : hint.index(", from")], scope)
    data = ImageFolder(str(root), transform=transform)
    assert reportgen.predict(Net(), data, out=tmp_path / "out", force=True) is not None
