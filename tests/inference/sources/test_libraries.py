"""Data sets and transforms of other libraries: the cells of the plain loop over the same data."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import ConcatDataset, DataLoader, Subset, random_split
from torchvision.datasets import ImageFolder
from torchvision.transforms import v2

import reportgen
from tests.inference.builders import image_tree
from tests.inference.colours import COLOURS

NAMES = ["cat", "dog", "ship"]


class Net(torch.nn.Module):
    """A network that is often wrong: its weights are random."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.net = torch.nn.Sequential(
            torch.nn.Conv2d(3, 8, 3), torch.nn.ReLU(), torch.nn.AdaptiveAvgPool2d(1),
            torch.nn.Flatten(), torch.nn.BatchNorm1d(8, affine=False), torch.nn.Linear(8, 3),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        scores: torch.Tensor = self.net(x)
        return scores


PREPARE = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return image_tree(tmp_path_factory.mktemp("data") / "tree", {"cat": 20, "dog": 9, "ship": 13})


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def network(tree: Path) -> Net:
    """With the means of the data, so that all classes are predicted."""
    net = Net()
    net.train()
    with torch.no_grad():
        for images, _ in DataLoader(folder(tree), batch_size=42):
            net(images)
    return net.eval()


def folder(tree: Path) -> ImageFolder:
    return ImageFolder(str(tree), transform=PREPARE)


def counted(net: Net, batches: Iterable[tuple[torch.Tensor, Any]]) -> list[list[int]]:
    """The confusion matrix of the plain loop: rows true, columns predicted."""
    counts = np.zeros((3, 3), int)
    with torch.inference_mode():
        for images, labels in batches:
            np.add.at(counts, (np.asarray(labels), net(images).argmax(1).numpy()), 1)
    found: list[list[int]] = counts.tolist()
    return found


def cells(net: Net, data: Any, **options: Any) -> list[list[int]]:
    made = reportgen.predict(net, data, out="p.parquet", force=True, **options)
    assert made.facts.classes == tuple(NAMES)
    found: list[list[int]] = reportgen.evaluate(made).confusion.counts.tolist()
    return found


def halves(data: Any) -> list[Any]:
    return list(random_split(data, [20, 22], torch.Generator().manual_seed(1)))


WRAPPED: dict[str, Callable[[Any], Any]] = {
    "Subset": lambda data: Subset(data, range(3, 40)),
    "Subset of Subset": lambda data: Subset(Subset(data, range(0, 42, 2)), range(15)),
    "ConcatDataset": lambda data: ConcatDataset([Subset(data, [1, 30]), Subset(data, [5, 25])]),
    "random_split": lambda data: halves(data)[1],
    "ConcatDataset of random_split": lambda data: ConcatDataset(halves(data)),
}


@pytest.mark.parametrize("how", WRAPPED)
def test_wrappers_of_an_image_folder(tree: Path, how: str) -> None:
    net, data = network(tree), WRAPPED[how](folder(tree))
    expected = counted(net, DataLoader(data, batch_size=8))
    assert cells(net, data) == expected
    assert cells(net, DataLoader(data, batch_size=5)) == expected
    assert np.trace(expected) < np.sum(expected)


def hugging_face(tree: Path, **options: Any) -> Any:
    """As `imagefolder` gives it, with labels that are not sorted."""
    datasets = pytest.importorskip("datasets", reason="needs datasets (pip install datasets)")
    files = sorted(tree.rglob("*.png"), key=lambda path: path.name)
    features = datasets.Features(
        {"image": datasets.Image(), "label": datasets.ClassLabel(names=NAMES)}
    )
    rows = {"image": list(map(str, files)), "label": [NAMES.index(f.parent.name) for f in files]}
    return datasets.Dataset.from_dict(rows, features=features, **options)


def transformed(rows: Any) -> Any:
    images = [PREPARE(image.convert("RGB")) for image in rows["image"]]
    return {"pixel_values": images, "labels": rows["label"]}


@pytest.mark.extra
@pytest.mark.parametrize("how", ["itself", "a loader", "a subset", "selected"])
def test_a_data_set_of_hugging_face(tree: Path, how: str) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra hf")
    net, data = network(tree), hugging_face(tree).with_transform(transformed)
    expected = counted(net, DataLoader(folder(tree), batch_size=8))
    given: dict[str, Callable[[], Any]] = {
        "itself": lambda: data,
        "a loader": lambda: DataLoader(
            data, batch_size=5, collate_fn=transformers.DefaultDataCollator()
        ),
        "a subset": lambda: Subset(data, range(42)),
        "selected": lambda: data.select(range(42)),
    }
    assert cells(net, given[how]()) == expected


@pytest.mark.extra
def test_the_hint_for_pictures_of_hugging_face_works(tree: Path) -> None:
    net, dataset = network(tree), hugging_face(tree)
    with pytest.raises(reportgen.ReportgenError) as caught:
        cells(net, dataset)
    assert caught.value.slug == "loader-failed"
    first, _, then = (caught.value.hint or "").partition(", and then pass ")
    scope: dict[str, Any] = {"torch": torch, "dataset": dataset}
    exec(first.removeprefix("define "), scope)
    expected = counted(net, DataLoader(folder(tree), batch_size=8))
    assert cells(net, eval(then, scope)) == expected


@pytest.mark.extra
def test_a_data_set_with_classes_in_another_order_is_refused(tree: Path) -> None:
    data = hugging_face(tree).with_transform(transformed)
    with pytest.raises(reportgen.ReportgenError) as caught:
        cells(network(tree), data, classes=["dog", "cat", "ship"])
    assert caught.value.slug == "classes-differ"


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")  # timm leaves files open
@pytest.mark.parametrize("how", ["itself", "its loader"])
def test_a_data_set_of_timm(tree: Path, how: str) -> None:
    data = pytest.importorskip("timm.data", reason="needs the extra timm")
    net, found = network(tree), data.create_dataset("", str(tree))
    found.transform = PREPARE
    expected = counted(net, DataLoader(folder(tree), batch_size=8))
    if how == "itself":
        assert cells(net, found) == expected
        return
    made = data.create_loader(found, (3, 8, 8), 7, use_prefetcher=False, num_workers=0)
    found.transform = PREPARE  # create_loader puts its own there
    assert cells(net, made) == expected


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_a_prefetching_loader_of_timm_is_refused_and_the_hint_works(tree: Path) -> None:
    data = pytest.importorskip("timm.data", reason="needs the extra timm")
    found, net = data.create_dataset("", str(tree)), network(tree)
    settings: dict[str, Any] = {"batch_size": 7, "num_workers": 0, "device": torch.device("cpu")}
    with pytest.raises(reportgen.ReportgenError) as caught:
        cells(net, data.create_loader(found, (3, 8, 8), **settings))
    assert caught.value.hint == "make it with use_prefetcher=False"
    made = data.create_loader(found, (3, 8, 8), use_prefetcher=False, **settings)
    assert cells(net, made) == counted(net, made)


# Transforms


V2 = """
import torch
from torchvision.transforms import v2

prepare = v2.Compose([
    v2.ToImage(), v2.Resize(8, antialias=True), v2.CenterCrop(6),
    v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.5] * 3, [0.25] * 3),
])
"""
ALBUMENTATIONS = """
import albumentations
from albumentations.pytorch import ToTensorV2

prepare = albumentations.Compose([
    albumentations.Resize(8, 8), albumentations.CenterCrop(6, 6),
    albumentations.Normalize(mean=(0.5,) * 3, std=(0.25,) * 3), ToTensorV2(),
])
"""


def of_a_file(tree: Path, source: str, call: Callable[[Any, Image.Image], Any]) -> None:
    Path("own.py").write_text(source)
    Path("colours.py").write_text(COLOURS)
    scope: dict[str, Any] = {}
    exec(source, scope)
    exec(COLOURS, scope)
    prepare = scope["prepare"]
    files = sorted(tree.rglob("*.png"))
    images = torch.stack([call(prepare, Image.open(file).convert("RGB")) for file in files])
    labels = [NAMES.index(file.parent.name) for file in files]
    expected = counted(scope["make"](), [(images, labels)])
    made = reportgen.predict(
        "colours.py:make", tree, out="p.parquet", transform="own.py:prepare", classes=NAMES
    )
    assert reportgen.evaluate(made).confusion.counts.tolist() == expected


def test_a_transform_of_torchvision(tree: Path) -> None:
    of_a_file(tree, V2, lambda prepare, image: prepare(image))


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_a_transform_of_albumentations(tree: Path) -> None:
    pytest.importorskip("albumentations", reason="needs albumentations")
    of_a_file(tree, ALBUMENTATIONS, lambda prepare, image: prepare(image=np.array(image))["image"])


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_an_albumentation_in_a_data_set(tree: Path) -> None:
    pytest.importorskip("albumentations", reason="needs albumentations")
    scope: dict[str, Any] = {}
    exec(ALBUMENTATIONS, scope)
    net = network(tree)
    data = ImageFolder(
        str(tree), transform=lambda image: scope["prepare"](image=np.array(image))["image"]
    )
    assert cells(net, data) == counted(net, DataLoader(data, batch_size=8))


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("end", ["", ", ToTensorV2()"])
def test_an_albumentation_that_ends_too_early_is_refused_and_the_hint_works(
    tree: Path, end: str
) -> None:
    pytest.importorskip("albumentations", reason="needs albumentations")
    begin = "import albumentations\nfrom albumentations.pytorch import ToTensorV2\n"
    Path("colours.py").write_text(COLOURS)
    Path("own.py").write_text(
        f"{begin}prepare = albumentations.Compose([albumentations.Resize(8, 8){end}])"
    )

    def predict(transform: str) -> Any:
        return reportgen.predict(
            "colours.py:make", tree, out="p.parquet", transform=transform, classes=NAMES, force=True
        )

    with pytest.raises(reportgen.ReportgenError) as caught:
        predict("own.py:prepare")
    assert caught.value.slug == "transform-output"
    assert caught.value.hint == (
        "end it with albumentations.Normalize(), or ToFloat(max_value=255) for pixels in [0, 1], "
        "and then albumentations.pytorch.ToTensorV2()"
    )
    steps = "albumentations.Resize(8, 8), albumentations.ToFloat(max_value=255), ToTensorV2()"
    Path("right.py").write_text(f"{begin}prepare = albumentations.Compose([{steps}])")
    assert predict("right.py:prepare").n_rows == 42
