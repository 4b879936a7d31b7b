"""Parquet and Arrow with images in them, as Hugging Face writes data sets."""

from __future__ import annotations

import gc
import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import reportgen
from tests.inference.colours import NAMES, facts_of, labelled, refused, rows_of

OWN = ["ship", "cat", "dog"]
IMAGE, CLASS = {"_type": "Image"}, {"names": OWN, "_type": "ClassLabel"}


def files() -> list[tuple[str, str, bytes]]:
    """(base name, class, content): base names occur several times, as in most data sets."""
    found = sorted(Path("tree").rglob("*.png"))
    return [(file.name, file.parent.name, file.read_bytes()) for file in found]


def cells() -> list[dict[str, Any]]:
    return [{"bytes": content, "path": name} for name, _, content in files()]


def columns(**more: Any) -> dict[str, Any]:
    return {"image": cells(), "label": [OWN.index(name) for _, name, _ in files()], **more}


def described(table: pa.Table, **features: Any) -> pa.Table:
    """With the metadata that Hugging Face writes into the schema."""
    facts = {"info": {"features": {"image": IMAGE, "label": CLASS, **features}}}
    return table.replace_schema_metadata({"huggingface": json.dumps(facts)})


def hub(**more: Any) -> pa.Table:
    return described(pa.table(columns(**more)))


def write(table: pa.Table, path: str, **options: Any) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    parquet.write_table(table, path, **options)
    return Path(path)


def stream(table: pa.Table, path: str, rows: int = 4) -> Path:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with pa.OSFile(path, "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table, rows)
    return Path(path)


def saved(table: pa.Table, folder: str, n: int = 2) -> Path:
    """As ``Dataset.save_to_disk`` does it."""
    names = [f"data-{i:05}-of-{n:05}.arrow" for i in range(n)]
    cuts = [len(table) * i // n for i in range(n + 1)]
    for i, name in enumerate(names):
        stream(table.slice(cuts[i], cuts[i + 1] - cuts[i]), f"{folder}/{name}")
    state = {"_data_files": [{"filename": name} for name in names], "_split": None}
    Path(folder, "state.json").write_text(json.dumps(state))
    Path(folder, "dataset_info.json").write_text("{}")
    return Path(folder)


def ids(*counts: tuple[str, int]) -> list[tuple[str, str]]:
    """(id, class) of the rows of files with so many rows each."""
    made = [f"{name}#{row}" for name, n in counts for row in range(n)]
    return sorted(zip(made, (name for _, name, _ in files()), strict=True))


Made = tuple[Path, list[tuple[str, str]]]


def as_parquet() -> Made:
    return write(hub(), "d.parquet", row_group_size=4), ids(("d.parquet", 6))


def as_names() -> Made:
    """A round trip through pandas drops the metadata; labels are names here."""
    table = pa.table({"image": cells(), "label": [name for _, name, _ in files()]})
    return write(table, "d.parquet"), ids(("d.parquet", 6))


def as_bytes() -> Made:
    content = pa.array([one for *_, one in files()], pa.large_binary())
    table = pa.table({"picture": content, "class": [name for _, name, _ in files()]})
    return write(table, "d.pq"), ids(("d.pq", 6))


def as_repository() -> Made:
    """As ``push_to_hub`` and ``snapshot_download`` leave it."""
    for i in (0, 1):
        write(hub().slice(3 * i, 3), f"repo/data/test-{i:05}-of-00002-0a1b2c.parquet")
    Path("repo/README.md").write_text("---\n---\n")
    Path("repo/.cache").mkdir()
    write(hub(), "repo/.cache/other.parquet")
    return Path("repo"), ids(*((f"data/test-0000{i}-of-00002-0a1b2c.parquet", 3) for i in (0, 1)))


def as_converted() -> Made:
    """As the branch refs/convert/parquet has it."""
    write(hub(), "repo/default/test/0000.parquet")
    return Path("repo"), ids(("default/test/0000.parquet", 6))


def as_partitions() -> Made:
    """As Spark partitions by label."""
    parts = []
    for name in NAMES:
        some = [cell for cell, (_, own, _) in zip(cells(), files(), strict=True) if own == name]
        write(pa.table({"image": some}), f"parts/label={name}/part-0.parquet")
        parts.append((f"label={name}/part-0.parquet", 2))
    return Path("parts"), ids(*parts)


def as_saved() -> Made:
    folder = saved(hub(), "saved")
    return folder, ids(*((f"data-0000{i}-of-00002.arrow", 3) for i in (0, 1)))


def as_arrow() -> Made:
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with pa.ipc.new_file("d.arrow", hub().schema, options=options) as writer:
        writer.write_table(hub(), 4)
    return Path("d.arrow"), ids(("d.arrow", 6))


def as_cache() -> Made:
    """As the cache of ``load_dataset("imagefolder")``: paths in place of bytes."""
    found = sorted(Path("tree").rglob("*.png"))
    paths = [{"bytes": None, "path": str(file.resolve())} for file in found]
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    table = hub().set_column(0, "image", pa.array(paths, kind))
    return stream(table, "tree/d-test.arrow"), ids(("d-test.arrow", 6))


FORMS = [
    as_parquet, as_names, as_bytes, as_repository, as_converted, as_partitions, as_saved, as_arrow,
    as_cache,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_images_of_the_class_folders(form: Callable[[], Made]) -> None:
    data, expected = form()
    assert labelled(data) == expected


@pytest.mark.parametrize("workers", [0, 2])
def test_scores_are_those_of_the_class_folders(workers: int) -> None:
    data, _ = as_saved()
    packed, plain = rows_of(data, workers=workers), rows_of("tree")
    kept = ("label", "prediction", "confidence", "probabilities")
    assert [[row[k] for k in kept] for row in packed] == [[row[k] for k in kept] for row in plain]


def test_classes_come_from_the_schema_where_the_model_has_none() -> None:
    data, _ = as_parquet()
    facts = facts_of(data, classes=None)
    assert facts.classes == tuple(OWN)
    assert facts.provenance.classes_source == "the classes in d.parquet"


def test_further_columns_are_slices_and_class_labels_in_them_are_names() -> None:
    table = described(
        pa.table(columns(camera=["n", "s"] * 3, light=[0, 1, 1, 0, None, 1])),
        light={"names": ["day", "night"], "_type": "ClassLabel"},
    )
    write(table, "d.parquet")
    made = rows_of("d.parquet")
    assert [row["light"] for row in made] == ["day", "night", "night", "day", None, "night"]
    assert [row["camera"] for row in made] == ["n", "s"] * 3
    assert {row["path"] for row in made} == {"000.png", "001.png"}


def test_splits_must_be_chosen_from() -> None:
    for name, n in (("train", 2), ("validation", 1), ("test", 1)):
        for i in range(n):
            write(
                hub().slice(6 - 6 // n * (i + 1), 6 // n), f"repo/{name}-{i:05}-of-{n:05}.parquet"
            )
    error = refused("repo")
    assert error.slug == "data-splits"
    assert "test (1 file), train (2 files), validation (1 file)" in error.message
    assert error.hint == "choose one: --split test"
    assert labelled("repo", split="Test") == ids(("test-00000-of-00001.parquet", 6))
    assert len(rows_of("repo", split="train")) == 6
    error = refused("repo", split="val")
    assert (error.slug, error.hint) == ("split-unknown", "--split validation")


def test_a_dictionary_of_data_sets_has_splits() -> None:
    for name in ("train", "test"):
        saved(hub(), f"both/{name}", n=1)
    Path("both/dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    assert refused("both").slug == "data-splits"
    expected = ids(("test/data-00000-of-00001.arrow", 6))
    assert labelled("both", split="test") == expected
    assert len(labelled("both/test")) == 6
    facts = facts_of("both", split="test")
    assert facts.samples.skipped == {"files of the split train": 1}
    assert not [note for note in facts.notes if note.code == "training-data"]


def test_unknown_labels_are_counted_and_a_hidden_test_set_is_predicted() -> None:
    table = pa.table({"image": cells(), "label": [-1, *columns()["label"][1:]]})
    write(described(table), "d.parquet")
    note = next(note for note in facts_of("d.parquet").notes if note.code == "labels-unknown")
    assert note.sentence == "1 sample of d.parquet has no label and is excluded from this report."
    write(described(pa.table({"image": cells(), "label": [-1] * 6})), "d.parquet")
    with pytest.raises(reportgen.ReportgenError) as caught:
        reportgen.run("colours.py:make", "d.parquet", out="r2", classes="names.txt")
    assert caught.value.slug == "data-unlabelled"
    assert [row["label"] for row in rows_of("d.parquet")] == [-1] * 6


def test_of_two_columns_of_images_or_labels_one_is_named() -> None:
    table = pa.table({"front": cells(), "back": cells()[::-1], "a": [0] * 6, "b": [1] * 6})
    facts = {"front": IMAGE, "back": IMAGE, "a": CLASS, "b": CLASS}
    write(
        table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": facts}})}),
        "d.parquet",
    )
    error = refused("d.parquet")
    assert (error.slug, error.hint) == ("column-ambiguous", "choose one: --image-column front")
    error = refused("d.parquet", image_column="front")
    assert (error.slug, error.hint) == ("column-ambiguous", "choose one: --label-column a")
    rows = rows_of("d.parquet", image_column="back", label_column="b")
    assert [NAMES[row["label"]] for row in rows] == ["cat"] * 6
    assert [row["prediction"] for row in rows] == [2, 2, 1, 1, 0, 0]
    error = refused("d.parquet", image_column="a")
    assert (error.slug, error.hint) == ("table-columns", "--image-column front")


def test_ids_may_come_from_a_column_where_they_are_unique() -> None:
    write(hub(key=[f"k{i}" for i in range(6)], twice=["a", "b"] * 3), "d.parquet")
    assert [row["id"] for row in rows_of("d.parquet", id_column="key")] == [
        f"k{i}" for i in range(6)
    ]
    error = refused("d.parquet", id_column="twice")
    assert error.slug == "list-repeated"


def test_rows_without_images_are_bad_samples() -> None:
    broken = [None, {"bytes": b"\x89PNG", "path": "x.png"}, *cells()[2:]]
    write(described(pa.table({"image": broken, "label": columns()["label"]})), "d.parquet")
    error = refused("d.parquet")
    assert error.slug == "too-many-bad"
    assert '"d.parquet#0": has no image' in error.message
    assert len(rows_of("d.parquet", max_bad=2)) == 4


def test_paths_in_place_of_bytes_stay_below_the_folder() -> None:
    data, expected = as_cache()
    shutil.move(data, "d-test.arrow")
    assert labelled("d-test.arrow") == expected  # below the folder of the file
    Path("other").mkdir()
    shutil.move("d-test.arrow", "other/d-test.arrow")
    error = refused("other/d-test.arrow")
    assert (error.slug, "leads out of the data folder" in error.details[0]) == ("list-images", True)
    assert "--root DIR" in (error.hint or "")
    assert labelled("other/d-test.arrow", root="tree") == expected
    paths = [str(Path("tree", name, file).resolve()) for file, name, _ in files()]
    labels = [OWN.index(name) for _, name, _ in files()]
    cells_of = [{"bytes": None, "path": path} for path in paths]
    write(described(pa.table({"image": cells_of, "label": labels})), "other/d.parquet")
    assert refused("other/d.parquet").slug == "list-images"
    assert [name for _, name in labelled("other/d.parquet", root="/")] == [n for _, n, _ in files()]


def test_a_missing_file_of_the_data_set_is_named() -> None:
    as_saved()
    Path("saved/data-00001-of-00002.arrow").unlink()
    error = refused("saved")
    assert error.slug == "data-incomplete"
    assert "data-00001-of-00002.arrow" in error.message
    as_repository()
    Path("repo/data/test-00000-of-00002-0a1b2c.parquet").unlink()
    assert refused("repo").slug == "data-incomplete"
    assert len(rows_of("repo/data/test-00001-of-00002-0a1b2c.parquet")) == 3


def test_several_data_sets_in_one_folder_are_refused() -> None:
    write(hub(), "repo/plain/test-00000-of-00001.parquet")
    write(hub(), "repo/small/test-00000-of-00001.parquet")
    error = refused("repo")
    assert (error.slug, error.hint) == ("data-subsets", "pass one of them: DATA/small")
    assert len(labelled("repo/small")) == 6


def test_a_state_that_leads_elsewhere_is_refused() -> None:
    as_saved()
    Path("saved/state.json").write_text('{"_data_files": [{"filename": "../d.arrow"}]}')
    assert refused("saved").slug == "data-damaged"


def test_damaged_tables_are_named() -> None:
    data, _ = as_parquet()
    data.write_bytes(data.read_bytes()[:-40])
    assert "d.parquet" in refused(data).message
    data, _ = as_arrow()
    data.write_bytes(data.read_bytes()[:900])
    assert "d.arrow" in refused(data).message


def test_the_report_shows_pictures_and_one_made_again_does_so_too() -> None:
    table = hub().set_column(1, "label", pa.array([OWN.index(n) for n in NAMES[::-1] * 2]))
    write(described(table), "d.parquet")
    reportgen.run("colours.py:make", "d.parquet", out="report", classes="names.txt")
    reportgen.render("report/predictions.parquet", out="again", images="d.parquet")
    page = Path("report/report.html").read_text()
    assert (
        page.count("data:image/") == Path("again/report.html").read_text().count("data:image/") > 2
    )


def test_images_of_several_sizes_need_a_resize() -> None:
    from PIL import Image

    big = Path("big.png")
    Image.new("RGB", (16, 16)).save(big)
    some = [{"bytes": big.read_bytes(), "path": "x"}, *cells()[1:]]
    write(described(pa.table({"image": some, "label": columns()["label"]})), "d.parquet")
    assert refused("d.parquet").slug == "image-sizes"
    assert len(rows_of("d.parquet", resize="8x8")) == 6


def imagefolder(table: str, text: str, folder: str = "images") -> Path:
    for file in sorted(Path("tree").rglob("*.png")):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shutil.copy(file, f"{folder}/{file.parent.name}_{file.name}")
    Path(folder, table).write_text(text)
    return Path(folder)


def listed() -> list[tuple[str, str]]:
    return [(f"{name}_{file}", name) for file, name, _ in files()]


def test_a_folder_with_metadata_is_read_by_it() -> None:
    lines = [f"{path},{name},n" for path, name in listed()[:5]]
    data = imagefolder("metadata.csv", "\n".join(["file_name,label,camera", *lines]))
    assert labelled(data) == listed()[:5]
    assert facts_of(data).samples.skipped == {"images that metadata.csv does not list": 1}
    Path(data, "metadata.csv").unlink()
    lines = [json.dumps({"file_name": path, "label": name}) for path, name in listed()]
    imagefolder("metadata.jsonl", "\n".join(lines))
    assert labelled(data) == listed()
    write(pa.table({"file_name": [p for p, _ in listed()], "label": [n for _, n in listed()]}),
          "images/metadata.parquet")  # fmt: skip
    error = refused(data)
    assert (error.slug, error.hint) == (
        "list-several",
        "pass one of them as DATA: images/metadata.jsonl",
    )
    Path(data, "metadata.jsonl").unlink()
    assert labelled(data) == listed()


def test_folders_of_splits_with_metadata_are_splits() -> None:
    text = "\n".join(["file_name,label", *(f"{path},{name}" for path, name in listed())])
    for name in ("train", "test"):
        imagefolder("metadata.csv", text, f"set/{name}")
    assert refused("set").slug == "data-splits"
    assert labelled("set", split="test") == listed()


def test_metadata_without_labels_leaves_them_to_the_class_folders() -> None:
    found = sorted(Path("tree").rglob("*.png"))
    lines = [f"{file.relative_to('tree').as_posix()},north" for file in found]
    Path("tree/metadata.csv").write_text("\n".join(["file_name,camera", *lines]))
    assert len(labelled("tree")) == 6
    made = reportgen.run(
        "colours.py:make", "tree", out="report", classes="names.txt", metadata="tree/metadata.csv"
    )
    assert [column.name for column in made.slices.columns] == ["camera"]
    note = next(note for note in made.notes if note.code == "metadata-not-read")
    assert note.sentence.endswith("with --metadata tree/metadata.csv.")


def test_paths_in_folders_of_splits_must_be_chosen_from() -> None:
    lines = []
    for split in ("train", "test"):
        shutil.copytree("tree", f"all/{split}")
        lines += [f"{split}/{name}/{file},{name}" for file, name, _ in files()]
    Path("all/labels.csv").write_text("\n".join(["path,label", *lines]))
    error = refused("all/labels.csv")
    assert error.slug == "list-splits"
    assert "in the folders of its paths: test (6), train (6)" in error.message
    assert labelled("all/labels.csv", split="test") == [
        (f"test/{name}/{file}", name) for file, name, _ in files()
    ]
    assert len(labelled("all/labels.csv", split_column="none")) == 12


# By the library itself


@pytest.fixture
def datasets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    """The library, without a network, with its cache here; files that it left open are closed."""
    module = pytest.importorskip("datasets", reason="needs datasets (pip install datasets)")
    monkeypatch.setattr(module.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    module.disable_progress_bars()
    yield module
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def by_library(datasets: Any) -> Any:
    from PIL import Image

    found = sorted(Path("tree").rglob("*.png"))
    features = datasets.Features(
        image=datasets.Image(),
        label=datasets.ClassLabel(names=OWN),
        camera=datasets.Value("string"),
    )
    rows = {
        "image": [Image.open(file) for file in found],
        "label": [OWN.index(file.parent.name) for file in found],
        "camera": ["n", "s"] * 3,
    }
    return datasets.Dataset.from_dict(rows, features=features)


def saved_parquet(dataset: Any, datasets: Any) -> Path:
    dataset.to_parquet("d.parquet")
    return Path("d.parquet")


def saved_to_disk(dataset: Any, datasets: Any) -> Path:
    dataset.save_to_disk("d", num_shards=2)
    return Path("d")


def saved_dictionary(dataset: Any, datasets: Any) -> Path:
    datasets.DatasetDict(test=dataset).save_to_disk("d")
    return Path("d")


def saved_selection(dataset: Any, datasets: Any) -> Path:
    """Rows in another order, which the library keeps as indices until it saves."""
    dataset.select(range(5, -1, -1)).save_to_disk("d")
    return Path("d")


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("save", [saved_parquet, saved_to_disk, saved_dictionary, saved_selection])
def test_what_the_library_saves_gives_its_own_samples(
    save: Callable[..., Path], datasets: Any
) -> None:
    data = save(by_library(datasets), datasets)
    rows = rows_of(data)
    assert sorted(NAMES[row["label"]] for row in rows) == sorted(2 * NAMES)
    assert all(row["label"] == row["prediction"] for row in rows)
    assert {row["camera"] for row in rows} == {"n", "s"}


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_an_image_folder_gives_what_the_library_loads(datasets: Any) -> None:
    text = "\n".join(["file_name,label", *(f"{path},{name}" for path, name in listed())])
    data = imagefolder("metadata.csv", text, "set/test")
    loaded = datasets.load_dataset("imagefolder", data_dir="set")["test"]
    assert [name for _, name in labelled(data)] == loaded["label"][:]
    cache = Path(loaded.cache_files[0]["filename"])
    assert [name for _, name in labelled(cache, root="/")] == loaded["label"][:]


def as_paths(folder: str = "tree") -> Path:
    """Texts in a column that the schema calls images: `Image(decode=False)` of a list of paths."""
    paths = [f"{name}/{file}" for file, name, _ in files()]
    labels = [OWN.index(n) for n in NAMES[::-1] for _ in range(2)]
    table = pa.table({"photo": paths, "label": labels})
    facts = {"info": {"features": {"photo": IMAGE, "label": CLASS}}}
    return write(
        table.replace_schema_metadata({"huggingface": json.dumps(facts)}), f"{folder}/d.parquet"
    )


def test_texts_of_an_image_column_are_paths() -> None:
    rows = rows_of(as_paths())
    assert [(row["id"], NAMES[row["label"]], NAMES[row["prediction"]]) for row in rows] == [
        (f"d.parquet#{i}", NAMES[::-1][i // 2], NAMES[i // 2]) for i in range(6)
    ]
    assert rows_of(as_paths("other"), root="tree") == rows


def test_pictures_of_paths_are_shown() -> None:
    data = str(as_paths())
    reportgen.run("colours.py:make", data, out="report", classes="names.txt")
    reportgen.render("report/predictions.parquet", out="again", images=data)
    for folder in ("report", "again"):
        assert Path(folder, "report.html").read_text().count("data:image/") > 3
