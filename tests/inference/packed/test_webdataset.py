"""Shards of WebDataset: the samples that the library gives, and refusals where it gives half ones."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

import reportgen
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.braces import expanded
from reportgen.inference.packed.webdataset import open_data
from reportgen.options import Options
from tests.inference.colours import NAMES, facts_of, labelled, refused, rows_of

Files = list[tuple[str, bytes]]


def images() -> list[tuple[str, str, bytes]]:
    """(key, class, content)."""
    found = sorted(Path("tree").rglob("*.png"))
    return [(f"{i:04}", file.parent.name, file.read_bytes()) for i, file in enumerate(found)]


def sample(key: str, name: str, content: bytes, **more: str) -> Files:
    parts = {"cls": str(NAMES.index(name)), **more}
    return [
        (f"{key}.png", content),
        *((f"{key}.{part}", text.encode()) for part, text in parts.items()),
    ]


def samples(some: slice = slice(None), **more: str) -> Files:
    return [file for one in images()[some] for file in sample(*one, **more)]


def shard(name: str, files: Iterable[tuple[str, bytes]]) -> Path:
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    mode = "w:gz" if name.endswith("gz") else "w"
    with tarfile.open(name, mode) as archive:  # type: ignore[call-overload]
        for inner, content in files:
            info = tarfile.TarInfo(inner)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return Path(name)


def shards(folder: str, n: int = 3, prefix: str = "shard-") -> Path:
    for i in range(n):
        shard(f"{folder}/{prefix}{i:03}.tar", samples(slice(i * 6 // n, (i + 1) * 6 // n)))
    return Path(folder)


def expected(*prefixes: str) -> list[tuple[str, str]]:
    per = 6 // len(prefixes)
    return [(f"{prefixes[i // per]}/{key}", name) for i, (key, name, _) in enumerate(images())]


THREE = tuple(f"shard-{i:03}" for i in range(3))


def one_shard() -> tuple[Path, Sequence[str]]:
    return shard("s.tar", samples()), ("s",)


def one_packed_shard() -> tuple[Path, Sequence[str]]:
    return shard("s.tar.gz", samples()), ("s",)


def a_range() -> tuple[Path, Sequence[str]]:
    shards("data")
    return Path("data/shard-{000..002}.tar"), THREE


def a_folder() -> tuple[Path, Sequence[str]]:
    shards("data")
    Path("data/sizes.json").write_text("{}")
    return Path("data"), THREE


def a_folder_of_a_split() -> tuple[Path, Sequence[str]]:
    shards("data/test")
    return Path("data"), [f"test/{name}" for name in THREE]


FORMS = [one_shard, one_packed_shard, a_range, a_folder, a_folder_of_a_split]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_images_of_the_class_folders(
    form: Callable[[], tuple[Path, Sequence[str]]],
) -> None:
    data, prefixes = form()
    assert labelled(data) == expected(*prefixes)


@pytest.mark.parametrize("workers", [0, 2])
def test_scores_are_those_of_the_class_folders(workers: int) -> None:
    packed = rows_of(a_range()[0], workers=workers, batch_size=1)
    plain = rows_of("tree")
    kept = ("label", "prediction", "confidence", "probabilities")
    assert [[row[k] for k in kept] for row in packed] == [[row[k] for k in kept] for row in plain]


def test_braces_are_those_of_shells() -> None:
    assert expanded("x-{08..10}.tar") == ["x-08.tar", "x-09.tar", "x-10.tar"]
    assert expanded("x-{8..10}.tar") == ["x-8.tar", "x-9.tar", "x-10.tar"]
    assert expanded("{a,b}-{0..1}") == ["a-0", "a-1", "b-0", "b-1"]
    assert expanded("x{3..1}") == ["x3", "x2", "x1"]
    assert expanded("x{0..6..3}") == ["x0", "x3", "x6"]
    assert expanded("{one}.tar") == ["{one}.tar"]
    shard("s-0.tar", samples())
    assert refused("s-{0..99999999}.tar").slug == "shards-many"


def test_labels_are_names_or_indices_in_text_or_json() -> None:
    named = [file for key, name, content in images()
             for file in [(f"{key}.jpg", content), (f"{key}.cls", f" {name}\n".encode())]]  # fmt: skip
    assert labelled(shard("a.tar", named)) == expected("a")
    facts = [file for i, (key, name, content) in enumerate(images())
             for file in [(f"{key}.jpg", content),
                          (f"{key}.json", json.dumps({"label": NAMES.index(name), "lux": i, "box": [1]}).encode())]]  # fmt: skip
    made = rows_of(shard("b.tar", facts))
    assert [(row["id"], NAMES[row["label"]], row["lux"]) for row in made] == [
        (one, name, float(i)) for i, (one, name) in enumerate(expected("b"))
    ]
    captions = [file for key, name, content in images()
                for file in [(f"{key}.jpg", content), (f"{key}.txt", name.encode())]]  # fmt: skip
    error = refused(shard("c.tar", captions))
    assert (error.slug, "--label-column" in (error.hint or "")) == ("table-columns", True)
    assert labelled("c.tar", label_column="txt") == expected("c")


def test_texts_beside_the_label_are_slices() -> None:
    made = rows_of(shard("a.tar", samples(txt="outside")))
    assert {row["txt"] for row in made} == {"outside"}


def test_keys_are_cut_at_the_first_dot_and_contain_the_folder() -> None:
    (key, name, content), *_ = images()
    files = [
        ("cat/img.v2.png", content),
        ("cat/img.cls", b"cat"),
        ("dog/img.PNG", content),
        ("dog/img.cls", b"cat"),
    ]
    made = rows_of(shard("a.tar", files))
    assert [row["id"] for row in made] == ["a/cat/img", "a/dog/img"]
    assert (key, name) == ("0000", "cat")


HALF: dict[str, tuple[Callable[[], Files], str]] = {
    "no label": (lambda: [f for f in samples() if f[0] != "0003.cls"], '1 sample of 6 is not whole: "a/0003" has no cls'),
    "no image": (lambda: [f for f in samples() if f[0] not in ("0003.png", "0004.png")], '2 samples of 6 are not whole: "a/0003" has no image'),
    "apart": (lambda: samples()[::2] + samples()[1::2], 'the files of "0000" in "a.tar" do not follow each other'),
    "twice": (lambda: [samples()[0], *samples()], '"0000" in "a.tar" has two png'),
    "no json": (lambda: [(k.replace("cls", "json"), b'{"label": 1}' if k.endswith("cls") else c) for k, c in samples() if k != "0003.cls"], '"a/0003" has no json'),
}  # fmt: skip


@pytest.mark.parametrize("kind", HALF)
def test_half_samples_are_refused_by_name_and_count(kind: str) -> None:
    make, words = HALF[kind]
    error = refused(shard("a.tar", make()))
    assert (error.slug, error.exit_code) == ("samples-half", 3)
    assert words in error.message


def test_several_images_in_a_sample_are_asked_about() -> None:
    twins = [file for key, name, content in images()
             for file in [(f"{key}.left.png", content), (f"{key}.right.png", images()[0][2]), (f"{key}.cls", name.encode())]]  # fmt: skip
    error = refused(shard("a.tar", twins))
    assert (error.slug, error.hint) == ("column-ambiguous", "choose one: --image-column left.png")
    assert labelled("a.tar", image_column="left.png") == expected("a")
    assert {row["prediction"] for row in rows_of("a.tar", image_column="right.png")} == {0}
    error = refused("a.tar", image_column="up.png")
    assert (error.slug, error.hint) == ("table-columns", "--image-column left.png")


def test_images_of_several_formats_are_read_together() -> None:
    mixed = [(k.replace("png", "jpg") if k < "0003" else k, c) for k, c in samples()]
    assert labelled(shard("a.tar", mixed)) == expected("a")


def test_missing_shards_are_named_and_gaps_are_told() -> None:
    a_range()
    Path("data/shard-001.tar").unlink()
    error = refused("data/shard-{000..002}.tar")
    assert error.slug == "data-incomplete"
    assert "shard-001.tar" in error.message
    notes = facts_of("data").notes
    note = next(note for note in notes if note.code == "shards-gap")
    assert "there is no 1." in note.sentence


def test_splits_of_shards_are_chosen_from() -> None:
    shards("data", 1, "cars-train-")
    shards("data", 1, "cars-val-")
    error = refused("data")
    assert (error.slug, error.hint) == ("data-splits", "choose one: --split val")
    assert labelled("data", split="val") == expected("cars-val-000")
    assert labelled("data/cars-val-{000..000}.tar") == expected("cars-val-000")


def test_hostile_and_damaged_shards_are_refused() -> None:
    data = shard("a.tar", samples())
    with tarfile.open(data, "a") as archive:
        link = tarfile.TarInfo("0009.png")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    assert refused(data).slug == "archive-unsafe"
    data = shard("b.tar", samples())
    data.write_bytes(data.read_bytes()[: 4 * 1024])  # after the second sample
    facts = facts_of(data)
    assert "archive-no-end" in [note.code for note in facts.notes]
    assert facts.samples.counted == 2
    data.write_bytes(shard("c.tar", samples()).read_bytes()[: 4 * 1024 - 100])
    assert refused(data).slug == "archive-damaged"
    error = refused(shard("d.tar", [*samples(), ("0009.png", b"x"), ("0009.cls", b"\xff")]))
    assert error.slug == "samples-text"


def test_pickles_in_a_shard_are_never_read(tmp_path: Path) -> None:
    import pickle

    from tests.inference.model_files import Bomb

    bomb = pickle.dumps(Bomb(tmp_path / "boom"))
    files = [
        file
        for one in samples()
        for file in ([one, (one[0].replace("png", "pyd"), bomb)] if "png" in one[0] else [one])
    ]
    assert labelled(shard("a.tar", files)) == expected("a")
    assert not (tmp_path / "boom").exists()


def test_tar_files_of_class_folders_are_no_shards() -> None:
    some = [(f"{name}/{key}.png", content) for key, name, content in images()]
    shard("data/test.tar", some)
    error = refused("data")
    assert (error.slug, error.hint) == ("data-layout", "pass one of the tar files as DATA")
    assert len(labelled("data/test.tar")) == 6


def test_a_report_has_its_pictures_and_one_made_again_too() -> None:
    files = [(k, b"1" if k.endswith("cls") else c) for k, c in samples()]
    shard("data/test-000.tar", files)
    reportgen.run("colours.py:make", "data", out="report", classes="names.txt")
    reportgen.render("report/predictions.parquet", out="again", images="data")
    pages = [Path(folder, "report.html").read_text() for folder in ("report", "again")]
    assert pages[0].count("data:image/") == pages[1].count("data:image/") > 3


# By the library itself


@pytest.fixture
def wds() -> Any:
    return pytest.importorskip("webdataset", reason="needs webdataset (pip install webdataset)")


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_what_the_library_writes_is_what_it_reads(wds: Any) -> None:
    with wds.ShardWriter("s-%03d.tar", maxcount=2, verbose=0) as sink:
        for key, name, content in images():
            sink.write({"__key__": f"{name}/{key}", "png": content, "cls": NAMES.index(name),
                        "json": {"lux": 3}})  # fmt: skip
    given = [
        (one["__key__"], int(one["cls"]))
        for one in wds.WebDataset("s-{000..002}.tar", shardshuffle=False)
    ]
    made = rows_of("s-{000..002}.tar")
    assert [(row["id"].partition("/")[2], row["label"]) for row in made] == given
    assert all(row["label"] == row["prediction"] for row in made)


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore")
def test_half_samples_that_the_library_gives_are_refused_and_mended_by_the_hint(wds: Any) -> None:
    apart = shard(
        "a.tar",
        [f for f in samples() if f[0].endswith("png")]
        + [f for f in samples() if f[0].endswith("cls")],
    )
    assert len(list(wds.WebDataset("a.tar", shardshuffle=False))) == 12
    assert "webdataset.TarWriter" in (refused(apart).hint or "")
    with wds.TarWriter("b.tar") as sink:
        for key, name, content in images():
            sink.write({"__key__": key, "png": content, "cls": NAMES.index(name)})
    shutil.move("b.tar", "a.tar")
    assert labelled("a.tar") == expected("a")


def test_a_folder_of_shards_that_cannot_be_listed_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shards("data/a")
    shards("data/b")
    scandir = os.scandir

    def refusing(path: Any) -> Any:
        if str(path).endswith("b"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refusing)
    error = refused("data")
    assert (error.slug, error.exit_code) == ("data-unreadable", 3)
    assert error.message == 'cannot list the folder "b": permission denied'


def test_a_shard_that_goes_away_while_it_is_read_gives_bad_samples() -> None:
    packed = open_data(shard("s.tar.gz", samples()), Options())
    Path("s.tar.gz").unlink()
    with pytest.raises(Unreadable):
        packed.contents.read(packed.raws[0])


def test_the_order_of_the_data_is_declared_where_the_network_has_its_own() -> None:
    theirs = (NAMES[2], NAMES[0], NAMES[1])
    Path("theirs.txt").write_text("\n".join(theirs))
    own = f"\nColours.class_names = {list(NAMES)}\n"
    Path("colours.py").write_text(Path("colours.py").read_text() + own)
    files = [
        (
            inner,
            str(theirs.index(NAMES[int(content)])).encode() if inner.endswith("cls") else content,
        )
        for inner, content in samples()
    ]
    data = shard("d.tar", files)
    error = refused(data, classes="theirs.txt")
    assert error.slug == "classes-differ"
    assert (error.hint or "").endswith("order of the data's indices: --data-classes FILE")
    found = labelled(data, classes=None, data_classes="theirs.txt")
    assert [name for _, name in found] == [name for _, name, _ in images()]
