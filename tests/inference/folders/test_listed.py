"""A table of paths and labels as DATA: every form gives the samples that class folders would give."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import reportgen
from reportgen.errors import DataError, UsageError
from reportgen.reporter import Reporter
from tests.inference.builders import accuracy, colour_tree
from tests.inference.colours import COLOURS, NAMES, facts_of, labelled, refused, rows_of


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("colours.py").write_text(COLOURS)
    Path("names.txt").write_text("\n".join(NAMES))
    for file in sorted(colour_tree(Path("tree"), n=2).rglob("*.png")):
        Path("img").mkdir(exist_ok=True)
        shutil.copy(file, f"img/{file.parent.name}_{file.name}")
    return tmp_path


def images() -> list[tuple[str, str]]:
    """(path below img, class) of each image."""
    return [(file.name, file.name.partition("_")[0]) for file in sorted(Path("img").glob("*.png"))]


def csv(name: str, *lines: str) -> Path:
    Path(name).write_text("\n".join(lines) + "\n")
    return Path(name)


def as_csv() -> Path:
    return csv("img/labels.csv", "path,label", *(f"{p},{c}" for p, c in images()))


def as_tsv() -> Path:
    return csv("img/labels.tsv", "file\tclass_label\tlabel", *(f"{p}\tx\t{c}" for p, c in images()))


def as_gzip() -> Path:
    Path("img/labels.csv.gz").write_bytes(gzip.compress(as_csv().read_bytes()))
    Path("img/labels.csv").unlink()
    return Path("img/labels.csv.gz")


def as_json_lines() -> Path:
    lines = [json.dumps({"file_name": p, "label": c, "n": 1}) for p, c in images()]
    return csv("img/metadata.jsonl", *lines)


def as_parquet() -> Path:
    paths, labels = zip(*images(), strict=True)
    parquet.write_table(pa.table({"image": paths, "label": labels}), "img/labels.parquet")
    return Path("img/labels.parquet")


def as_class_labels() -> Path:
    """A Hugging Face ``ClassLabel`` in an order of its own."""
    own = ["ship", "cat", "dog"]
    paths, labels = zip(*images(), strict=True)
    facts = {"info": {"features": {"label": {"names": own, "_type": "ClassLabel"}}}}
    table = pa.table({"image": paths, "label": [own.index(c) for c in labels]})
    table = table.replace_schema_metadata({"huggingface": json.dumps(facts)})
    parquet.write_table(table, "img/labels.parquet")
    return Path("img/labels.parquet")


def as_kaggle() -> Path:
    """Ids without endings."""
    return csv("img/train.csv", "id,label", *(f"{p[:-4]},{c}" for p, c in images()))


def as_one_hot() -> Path:
    lines = [f"{p[:-4]}," + ",".join(str(float(c == n)) for n in NAMES) for p, c in images()]
    return csv("img/truth.csv", "image,is_cat,is_dog,is_ship", *lines)


def as_caffe() -> Path:
    return csv("img/val.txt", *(f"{p} {NAMES.index(c)}" for p, c in images()))


def as_fiftyone() -> Path:
    own = ["ship", "dog", "cat"]
    shutil.copytree("img", "fifty/data")
    labels = {p[:-4]: own.index(c) for p, c in images()}
    Path("fifty/labels.json").write_text(json.dumps({"classes": own, "labels": labels}))
    return Path("fifty/labels.json")


def as_cvat() -> Path:
    inner = (
        f'<image id="0" name="{p}"><tag label="{c}" source="manual"/></image>' for p, c in images()
    )
    return csv("img/annotations.xml", "<annotations>", *inner, "</annotations>")


def as_localisation() -> Path:
    lines = [f"{p[:-4]},{c} 0 0 7 7 {c} 1 1 3 3 " for p, c in images()]
    return csv("img/LOC_val_solution.csv", "ImageId,PredictionString", *lines)


def as_absolute() -> Path:
    lines = [f"{Path('img', p).resolve()},{c}" for p, c in images()]
    return csv("img/labels.csv", "path,label", *lines)


def as_semicolons() -> Path:
    return csv("img/labels.csv", "Class;file_name", *(f"{c};{p}" for p, c in images()))


def as_windows() -> Path:
    return csv("labels.csv", "path,label", *(f".\\img\\{p},{c}" for p, c in images()))


FORMS = [
    as_csv, as_gzip, as_json_lines, as_parquet, as_class_labels, as_kaggle, as_one_hot, as_caffe,
    as_fiftyone, as_cvat, as_localisation, as_absolute, as_semicolons,
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_samples_of_the_class_folders(form: Callable[[], Path]) -> None:
    found = labelled(form())
    before = "data/" if form is as_fiftyone else ""
    assert found == [(f"{before}{path}", name) for path, name in images()]


def test_paths_of_windows_are_paths() -> None:
    assert labelled(as_windows()) == [(f"img/{path}", name) for path, name in images()]


def test_root_and_columns_are_named_by_options() -> None:
    data = csv("d.csv", "pic,breed,camera", *(f"{p},{c},north" for p, c in images()))
    error = refused(data)
    assert (error.slug, error.hint) == ("table-columns", "specify it: --id-column NAME")
    error = refused(data, id_column="pic")
    assert (error.slug, error.hint) == (
        "table-columns",
        "specify it: --label-column NAME; --label-column none where it has no labels",
    )
    error = refused(data, id_column="pic", label_column="breed")
    assert (error.slug, error.hint) == (
        "list-images", "name the folder that contains the images: --root DIR",
    )  # fmt: skip
    found = labelled(data, id_column="pic", label_column="breed", root="img")
    assert found == images()


def test_further_columns_are_slices_of_the_report_and_of_one_made_again() -> None:
    lines = [f"{p},{c},{'north' if i % 2 else 'south'},{i}" for i, (p, c) in enumerate(images())]
    data = csv("img/labels.csv", "path,label,camera,lux", *lines)
    first = reportgen.run("colours.py:make", data, out="out", classes="names.txt")
    again = reportgen.render("out/predictions.parquet", out="again")
    assert [column.name for column in first.slices.columns] == ["camera", "lux"]
    assert again.slices == first.slices
    assert Path("again/report.json").read_bytes() == Path("out/report.json").read_bytes()
    note = next(note for note in first.notes if note.code == "data-read-as")
    assert note.sentence == (
        'labels.csv was read as 6 samples: path "path", label "label"; slices: camera, lux.'
    )


def test_a_column_of_splits_must_be_chosen_from() -> None:
    lines = [f"{p},{c},{'train' if i else 'Test'}" for i, (p, c) in enumerate(images())]
    data = csv("img/labels.csv", "path,label,split", *lines)
    error = refused(data)
    assert error.slug == "list-splits"
    assert "Test (1), train (5)" in error.message
    assert (error.hint or "").startswith("choose one: --split Test;")
    assert labelled(data, split="test") == images()[:1]
    assert len(labelled(data, split_column="none")) == 6
    error = refused(data, split="validation")
    assert (error.slug, error.details) == ("split-unknown", ("it has: Test (1), train (5)",))
    made = reportgen.run("colours.py:make", data, out="out2", classes="names.txt", split="test")
    assert made.samples.skipped == {"rows of the split train": 5}
    assert not [note for note in made.notes if note.code == "training-data"]


def test_missing_files_are_bad_samples_and_counted() -> None:
    extra = [f"{c}_900.png,{c}" for c in NAMES]
    data = csv("img/labels.csv", "path,label", *(f"{p},{c}" for p, c in images()), *extra)
    error = refused(data)
    assert (error.slug, error.exit_code) == ("too-many-bad", 3)
    assert '"cat_900.png": is not there' in error.message
    assert len(rows_of(data, max_bad=3)) == 6


@pytest.mark.parametrize(
    ("path", "slug"),
    [("../out.png", "list-path"), ("/etc/out.png", "list-path"), ("cat_000.png", "list-repeated")],
)
def test_paths_that_lead_elsewhere_or_stand_twice_are_refused(path: str, slug: str) -> None:
    data = csv("img/labels.csv", "path,label", "cat_000.png,cat", f"{path},cat")
    error = refused(data)
    assert error.slug == slug
    assert "line 3" in error.message


def test_root_slash_takes_absolute_paths() -> None:
    data = csv("l.csv", "path,label", *(f"{Path('img', p).resolve()},{c}" for p, c in images()))
    data = data.rename(Path("tree/l.csv"))
    error = refused(data)
    assert "--root /" in (error.hint or "")
    assert len(labelled(data, root="/")) == 6


def test_json_objects_of_paths_and_labels_are_read() -> None:
    data = Path("img/labels.json")
    data.write_text(json.dumps(dict(images())))
    assert labelled(data) == images()
    by_class = {name: [p for p, c in images() if c == name] for name in NAMES}
    data.write_text(json.dumps(by_class))
    assert labelled(data) == images()
    data.write_text(json.dumps({"cat.png": {"a": 1}}))
    error = refused(data)
    assert (error.slug, "JSON Lines" in (error.hint or "")) == ("input-kind", False)
    line = (error.hint or "").partition(": ")[2]
    (path, label), *_ = images()
    line = line.replace("a.png", path).replace('"cat"', f'"{label}"')
    assert labelled(csv("img/l.jsonl", line)) == [(path, label)]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1"])
def test_a_table_in_another_encoding_is_to_be_saved_again(encoding: str) -> None:
    data = csv("img/labels.csv", "path,label,note", *(f"{p},{c},é" for p, c in images()))
    data.write_text(text := data.read_text("utf-8"), encoding)
    error = refused(data)
    assert (error.hint or "").startswith("save it as UTF-8")
    data.write_text(text, "utf-8")
    assert labelled(data) == images()


def test_one_hot_columns_are_suggested() -> None:
    rows = [f"{p}," + ",".join(str(int(c == n)) for n in NAMES) for p, c in images()]
    data = csv("img/labels.csv", f"path,{','.join(NAMES)}", *rows)
    error = refused(data)
    assert error.slug == "table-columns"
    assert f"one-hot columns: --label-column {','.join(NAMES)}; " in (error.hint or "")
    assert labelled(data, label_column=",".join(NAMES)) == images()


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize("prefix", ["", "images/"])
def test_a_table_beside_a_folder_of_images_is_suggested(known: bool, prefix: str) -> None:
    expected = images()
    Path("set").mkdir()
    Path("img").rename("set/images")
    csv("set/labels.csv", "path,label", *(f"{prefix}{p},{c}" for p, c in expected))
    error = refused("set", **({} if known else {"classes": None}))
    assert (error.slug, error.hint) == (
        "data-layout",
        "if it lists paths and labels, pass the table: set/labels.csv --root set/images",
    )
    assert labelled("set/labels.csv", root="set/images") == expected
    csv("tree/notes.csv", "a,b", "1,2")
    assert len(rows_of("tree")) == 6, "class folders may have a table beside them"


@pytest.mark.parametrize(
    ("prefix", "told"),
    [
        ("/home/ann/set/", "home/ann/set/"),
        ("D:\\set\\", "D:/set/"),
        ("set/pool/", "set/pool/"),
        ("file:///home/ann/my%20set/", "home/ann/my set/"),
    ],
)
def test_paths_of_another_computer_are_found_below_the_root(prefix: str, told: str) -> None:
    data = csv("l.csv", "path,label", *(f"{prefix}{p},{c}" for p, c in images()))
    error = refused(data)
    assert (error.slug, error.hint) == (
        "list-images", "name the folder that contains the images: --root DIR",
    )  # fmt: skip
    assert labelled(data, root="img") == images()
    note = next(n for n in facts_of(data, root="img").notes if n.code == "data-read-as")
    assert note.sentence.endswith(f'without "{told}", with which they begin.')


def test_addresses_of_files_and_encoded_paths_are_decoded() -> None:
    Path("img").rename("my img")
    Path("img").symlink_to("my img")
    data = csv("l.csv", "path,label", *(f"my%20img/{p},{c}" for p, c in images()))
    found = [(f"my img/{path}", name) for path, name in images()]
    assert labelled(data) == found
    note = next(n for n in facts_of(data).notes if n.code == "data-read-as")
    assert note.sentence.endswith("; its paths are URL-encoded.")
    here = Path("my img").resolve()
    data = csv("l.csv", "path,label", *((here / p).as_uri() + f",{c}" for p, c in images()))
    assert labelled(data) == found
    out = csv("l.csv", "path,label", *(f"%2e%2e/{p},{c}" for p, c in images()))
    assert refused(out).slug == "list-images"


def test_several_labels_in_a_cell_are_refused() -> None:
    lines = [f"{p},{c}|dog" if c == "cat" else f"{p},{c}" for p, c in images()]
    cats = csv("img/labels.csv", "path,label", *lines, "x.png,cat")
    assert refused(cats).slug == "labels-several"
    parquet.write_table(pa.table({"path": ["a.png"], "label": [[1, 0]]}), "img/l.parquet")
    assert refused("img/l.parquet").slug == "labels-several"


def test_a_table_without_a_header_says_so() -> None:
    error = refused(csv("img/labels.csv", *(f"{p},{c}" for p, c in images())))
    assert (error.slug, error.hint) == (
        "list-header", "add a header line above it, such as path,label",
    )  # fmt: skip


def indexed(base: int = 0, order: tuple[str, ...] = NAMES) -> Path:
    lines = [f"{p},{order.index(c) + base}" for p, c in images()]
    return csv("img/labels.csv", "path,label", *lines)


def test_indices_are_read_by_the_class_list_and_from_one_where_that_is_said() -> None:
    assert labelled(indexed()) == images()
    error = refused(indexed(base=1))
    assert (error.slug, error.hint) == (
        "label-range", "if the labels are counted from 1: --label-base 1",
    )  # fmt: skip
    assert labelled(indexed(base=1), label_base=1) == images()


def test_the_data_may_count_its_classes_in_another_order_than_the_model() -> None:
    theirs = (NAMES[2], NAMES[0], NAMES[1])
    Path("theirs.txt").write_text("\n".join(theirs))
    assert labelled(indexed(order=theirs), data_classes="theirs.txt") == images()
    assert labelled(indexed(order=theirs), data_classes=theirs) == images()
    assert labelled(indexed(1, theirs), data_classes=theirs, label_base=1) == images()
    note = next(n for n in facts_of(indexed(order=theirs), data_classes="theirs.txt").notes
                if n.code == "labels-are-indices")  # fmt: skip
    assert note.sentence.endswith("They were read by --data-classes theirs.txt.")


def test_an_order_of_the_data_is_refused_where_it_says_nothing() -> None:
    data = csv("img/labels.csv", "path,label", *(f"{p},{c}" for p, c in images()))
    error = refused(data, data_classes=NAMES)
    assert (error.slug, error.hint) == ("label-range", "omit --data-classes: names need no order")
    assert labelled(data) == images()
    assert refused("tree", data_classes=NAMES).slug == "option-conflict"
    error = refused(indexed(), data_classes=NAMES, labels_are="names")
    assert (error.slug, error.hint) == ("option-conflict", "omit one of them")
    error = refused(indexed(), data_classes=NAMES[:2])
    assert (error.slug, "--data-classes" in (error.hint or "")) == ("label-range", True)
    error = refused(indexed(), data_classes=("bird", *NAMES[1:]))
    assert error.slug == "class-unknown"
    error = refused(indexed(), classes=None, data_classes=NAMES)
    assert error.slug == "classes-needed"


def test_numbers_that_are_names_in_another_order_are_asked_about() -> None:
    Path("names.txt").write_text("1\n2\n0")
    error = refused(indexed())
    assert isinstance(error, UsageError)
    assert error.slug == "labels-ambiguous"
    by_name = rows_of(indexed(), labels_are="names")
    by_index = rows_of(indexed(), labels_are="indices")
    assert [row["label"] for row in by_name] == [2, 2, 0, 0, 1, 1]
    assert [row["label"] for row in by_index] == [0, 0, 1, 1, 2, 2]


def test_indices_without_any_class_list_are_classes_called_by_number() -> None:
    assert [row["label"] for row in rows_of(indexed(), classes=None)] == [0, 0, 1, 1, 2, 2]


def test_the_order_of_a_class_list_in_the_table_is_used_where_the_model_has_none() -> None:
    data = as_class_labels()  # ship, cat, dog: not the order of the outputs
    made = reportgen.predict("colours.py:make", data, out="out")
    assert made.facts.classes == ("ship", "cat", "dog")
    assert made.facts.provenance.classes_source == "the classes in labels.parquet"
    assert accuracy(made) == 0


def test_a_label_that_no_class_has_is_named_as_a_label() -> None:
    data = csv("img/labels.csv", "path,label", *(f"{p},{c}s" for p, c in images()))
    error = refused(data)
    assert error.slug == "class-unknown"
    assert (
        '"cats" is a label of labels.csv, but not a class of the model; the closest is "cat"'
        in (error.message)
    )
    assert "--ignore-unknown-classes" in (error.hint or "")


def test_predict_takes_images_without_labels_and_run_says_why_it_does_not() -> None:
    rows = rows_of("img")
    assert [(row["label"], NAMES[row["prediction"]]) for row in rows] == [
        (-1, c) for _, c in images()
    ]
    paths = csv("img/list.csv", "path", *(p for p, _ in images()))
    assert [row["label"] for row in rows_of(paths)] == [-1] * 6
    with pytest.raises(DataError) as caught:
        reportgen.run("colours.py:make", paths, out="out3", classes="names.txt")
    assert caught.value.slug == "data-unlabelled"
    assert (caught.value.hint or "").startswith("predictions only: reportgen predict MODEL DATA")
    with pytest.raises(DataError) as caught:
        reportgen.run("colours.py:make", "img", out="out4", classes="names.txt")
    assert caught.value.slug == "data-layout"
    Path("img/list.csv").unlink()
    with pytest.raises(DataError) as caught:
        reportgen.run("colours.py:make", "img", out="out4", classes="names.txt")
    assert "the images have no labels here" in (caught.value.hint or "")


def test_unlabelled_images_without_a_class_list_need_one() -> None:
    assert refused("img", classes=None).slug == "classes-needed"


def test_unlabelled_images_of_an_unnamed_network_have_the_indices_of_its_outputs() -> None:
    """Also from 11 outputs on, whose numbers have two orders."""
    import torch

    network = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(3 * 8 * 8, 12)).eval()
    torch.export.save(torch.export.export(network, (torch.zeros(2, 3, 8, 8),)), "net.pt2")
    told = Told()
    made = reportgen.predict("net.pt2", "img", out="out", reporter=told)
    assert made.facts.classes == tuple(map(str, range(12)))
    assert "class names: 12 classes, from the indices of the model's outputs" in told.lines


class Told(Reporter):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.lines.append(line)


def test_rows_without_a_label_are_predicted_and_counted_as_unknown() -> None:
    lines = [f"{p},{c if i else ''}" for i, (p, c) in enumerate(images())]
    data = csv("img/labels.csv", "path,label", *lines)
    made = reportgen.run("colours.py:make", data, out="out", classes="names.txt")
    assert (made.samples.found, made.samples.counted) == (6, 5)
    assert [n.count for n in made.notes if n.code == "labels-unknown"] == [1]


def test_options_for_tables_are_refused_with_a_folder() -> None:
    error = refused("tree", root="img")
    assert (error.slug, error.hint) == (
        "option-conflict", "omit --root, or pass the table as DATA",
    )  # fmt: skip


def test_the_ground_truth_of_imagenet_s_kit_becomes_a_table_by_the_printed_lines() -> None:
    from scipy.io import savemat

    Path("val").mkdir()
    for (path, _), n in zip(images(), range(1, 7), strict=True):
        shutil.copy(Path("img", path), f"val/ILSVRC2012_val_{n:08}.JPEG")
    synsets = [{"ILSVRC2012_ID": i + 1, "WNID": n} for i, n in enumerate(("dog", "ship", "cat"))]
    import numpy as np

    kinds = [("ILSVRC2012_ID", "i4"), ("WNID", "O")]
    array = np.array([(s["ILSVRC2012_ID"], s["WNID"]) for s in synsets], dtype=kinds)
    savemat("meta.mat", {"synsets": array})
    truth = csv("ground_truth.txt", "3", "3", "1", "1", "2", "2")
    error = refused(truth)
    assert error.slug == "list-without-paths"
    lines = [line[4:] for line in error.details if line.startswith("    ")]
    exec(compile("\n".join(lines), "hint", "exec"), {})
    assert [name for _, name in labelled("labels.csv", root="val")] == [c for _, c in images()]


def test_galleries_find_their_images_below_the_root() -> None:
    Path("names.txt").write_text("dog\ncat\nship")  # a wrong order: errors to show
    data = csv("labels.csv", "path,label", *(f"{p},{c}" for p, c in images()))
    reportgen.run("colours.py:make", data, out="out", classes="names.txt", root="img")
    assert "data:image/" in Path("out/report.html").read_text()


def test_the_flat_folder_with_missing_files_names_them(shared: Callable[[str], Path]) -> None:
    shutil.copytree(shared("cases/27-flat-folder"), "case")
    options: dict[str, Any] = {"resize": "8x8"}
    Path("names.txt").write_text("cat\ndog\nship")
    error = refused("case/labels.csv", **options)
    assert error.exit_code == 3
    assert "6 samples can't be used" in error.message
    assert "--max-bad 6" in (error.hint or "")
    assert len(rows_of("case/labels.csv", **options, max_bad=6)) == 2
