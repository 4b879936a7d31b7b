"""A folder of splits is no folder of classes, and ``--split`` chooses in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import reportgen
from reportgen.errors import DataError, UsageError
from reportgen.inference.folders.splits import are_splits, chosen_split, refuse_splits
from tests.inference.builders import image_tree
from tests.inference.model_files import NETWORK, write


def splits(root: Path, *names: str, n: int = 2) -> Path:
    """A folder with a tree of two classes, of `n`, `n` + 2, … images each, in each of `names`."""
    for k, name in enumerate(names):
        image_tree(root / name, {"cat": n + 2 * k, "dog": n + 2 * k})
    return root


def factory(tmp_path: Path, n_outputs: int) -> str:
    text = f"{NETWORK}\n\ndef make():\n    torch.manual_seed(0)\n    return Net({n_outputs})\n"
    return f"{write(tmp_path / 'nets.py', text)}:make"


@pytest.mark.parametrize(
    "names",
    [
        ("train", "val", "test"),
        ("train", "test"),
        ("Training", "Testing"),
        ("train", "valid", "test", "holdout"),
        ("training_set", "test_set"),
        ("seg_train", "seg_test"),
        ("train2017", "val2017"),
        ("dev", "eval"),
    ],
)
def test_a_folder_of_splits_is_refused_whatever_the_model(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    root = splits(tmp_path / "data", *names)
    for n_outputs in (2, len(names)):
        with pytest.raises(DataError) as caught:
            reportgen.predict(factory(tmp_path, n_outputs), root, out=tmp_path / "out")
        assert caught.value.slug == "data-splits"
        assert "this looks like splits: pass DATA/" in (caught.value.hint or "")
        assert str(tmp_path) not in str(caught.value)


def test_both_ways_of_the_hint_lead_to_the_same_predictions(tmp_path: Path) -> None:
    root = splits(tmp_path / "data", "train", "val", "test")
    model = factory(tmp_path, 2)
    with pytest.raises(DataError) as caught:
        reportgen.predict(model, root, out=tmp_path / "out")
    assert "test (12 images), train (4 images), val (8 images)" in caught.value.message
    found = re.fullmatch(
        r"this looks like splits: pass DATA/(\S+) or --split (\S+)", caught.value.hint or ""
    )
    assert found is not None
    folder, split = found.groups()
    assert folder == "test"
    one = reportgen.predict(model, root / folder, out=tmp_path / "one", split=split)
    other = reportgen.predict(model, root, out=tmp_path / "other", split=split)
    ids = [row for table in one.tables() for row in table["id"].to_pylist()]
    assert len(ids) == 12
    assert ids[0] == "cat/000.png"
    assert [row for table in other.tables() for row in table["id"].to_pylist()] == ids
    assert other.facts.provenance.split == "test"


def test_a_whole_report_of_a_split_has_its_pictures(tmp_path: Path) -> None:
    root = splits(tmp_path / "data", "train", "test")
    made = reportgen.run(factory(tmp_path, 2), root, out=tmp_path / "out", split="test")
    assert made.n_samples == 8
    assert "data:image" in (tmp_path / "out/report.html").read_text("utf-8")


def test_a_split_is_found_by_its_name_in_any_case(tmp_path: Path) -> None:
    root = splits(tmp_path / "data", "Train", "val", "test")
    assert chosen_split(root, "val") == root / "val"
    assert chosen_split(root, "train") == root / "Train"
    for name, meant in (("validation", "val"), ("holdout", "test")):
        with pytest.raises(UsageError) as caught:
            chosen_split(root, name)
        assert caught.value.hint == f"--split {meant}"
        assert chosen_split(root, meant) == root / meant
    assert chosen_split(root, "") == root


def test_a_split_that_is_not_there_is_refused_with_those_that_are(tmp_path: Path) -> None:
    root = splits(tmp_path / "data", "train", "test")
    for name in ("validation", "2024", "te\x1bst"):
        with pytest.raises(UsageError) as caught:
            reportgen.predict(factory(tmp_path, 2), root, out=tmp_path / "out", split=name)
        assert caught.value.slug == "split-unknown"
        assert caught.value.exit_code == 2
        assert caught.value.details == ("it has: test (8 images), train (4 images)",)
        assert "\x1b" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_two_splits_of_one_kind_are_told_apart_by_name_alone(tmp_path: Path) -> None:
    root = splits(tmp_path / "data", "val", "dev", "test")
    assert chosen_split(root, "dev") == root / "dev"
    with pytest.raises(UsageError) as caught:
        chosen_split(root, "validation")
    assert caught.value.hint == "--split dev"


def test_a_name_stays_a_name_where_the_data_are_classes(tmp_path: Path) -> None:
    data = image_tree(tmp_path / "data", {"cat": 2, "dog": 2})
    found = reportgen.predict(factory(tmp_path, 2), data, out=tmp_path / "out", split="spring")
    assert found.facts.provenance.split == "spring"


def test_classes_that_are_called_like_splits_are_classes(tmp_path: Path) -> None:
    data = image_tree(tmp_path / "data", {"test": 2, "train": 2})
    refuse_splits(data, None)  # no folders inside
    nested = splits(tmp_path / "nested", "train", "test")
    refuse_splits(nested, ["bus", "test", "train"])
    with pytest.raises(DataError):
        refuse_splits(nested, ["bus", "train"])


def test_what_stands_beside_the_splits_changes_nothing(tmp_path: Path) -> None:
    root = splits(tmp_path / "data", "train", "test")
    (root / "annotations").mkdir()
    write(root / "README.txt", "")
    image_tree(root, {"single_prediction": 1})
    with pytest.raises(DataError, match=r"test \(8 images\), train \(4 images\)"):
        refuse_splits(root, None)
    assert chosen_split(root, "test") == root / "test"


def test_a_split_that_lies_in_a_folder_of_its_own_name_is_found_too(tmp_path: Path) -> None:
    root = splits(tmp_path / "seg_test", "seg_test")
    with pytest.raises(DataError) as caught:
        refuse_splits(root, None)
    assert caught.value.hint == ("this looks like splits: pass DATA/seg_test or --split seg_test")
    assert chosen_split(root, "seg_test") == root / "seg_test"


def test_names_of_splits_are_told_from_names_of_classes() -> None:
    assert are_splits(["train", "valid", "test"])
    assert not are_splits(["train", "bus"])
    assert not are_splits(["test"])
    assert not are_splits(["trainer", "tester"])


def test_splits_below_the_classes_are_refused_and_the_lines_make_one_of_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("cat", "dog"):
        image_tree(tmp_path / "data" / name, {"train": 3, "test": 2})
    with pytest.raises(DataError) as caught:
        reportgen.predict(factory(tmp_path, 2), "data", out="out")
    assert caught.value.slug == "data-splits"
    assert caught.value.message == 'the class folders of "data" contain splits: test, train'
    exec("\n".join(line[4:] for line in caught.value.details if line.startswith("    ")))
    found = reportgen.predict(factory(tmp_path, 2), "DATA-test", out="out")
    assert found.facts.samples.counted == 4


def test_folders_inside_of_classes_that_are_no_splits_stay(tmp_path: Path) -> None:
    for name in ("cat", "dog"):
        image_tree(tmp_path / name, {"indoor": 1, "test": 1})
    refuse_splits(tmp_path, None)
