"""Zip and tar archives of class folders, read in place; hostile ones are refused for what they are."""

from __future__ import annotations

import io
import shlex
import shutil
import stat
import struct
import subprocess
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

import reportgen
from reportgen.inference.images.decoding import Unreadable
from reportgen.inference.packed.tar_files import list_tar
from reportgen.inference.packed.zip_files import list_zip
from tests.inference.colours import NAMES, facts_of, labelled, predicted, refused, rows_of

IMAGE = "cat/000.png"


def files(top: str = "") -> list[tuple[str, Path]]:
    """(name in the archive, file) of the images, and of what a computer adds to them."""
    found = sorted(Path("tree").rglob("*.png"))
    return [(top + file.relative_to("tree").as_posix(), file) for file in found]


def zipped(name: str, some: Iterable[tuple[str, Path]], method: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(name, "w", method) as archive:
        for inner, file in some:
            archive.write(file, inner)
    return Path(name)


def tarred(name: str, some: Iterable[tuple[str, Path]]) -> Path:
    mode = {"gz": "w:gz", "z2": "w:bz2", "xz": "w:xz"}.get(name[-2:], "w")
    with tarfile.open(name, mode) as archive:  # type: ignore[call-overload]
        for inner, file in some:
            archive.add(file, inner)
    return Path(name)


def archived(name: str, some: Iterable[tuple[str, Path]]) -> Path:
    return zipped(name, some) if name.endswith(".zip") else tarred(name, some)


ALL = ("a.zip", "a.tar", "a.tar.gz", "a.tar.bz2", "a.tar.xz")
plain = pytest.mark.parametrize("name", ALL)
both = pytest.mark.parametrize("name", ["a.zip", "a.tar.gz"])


@plain
def test_an_archive_gives_the_predictions_of_its_folder(name: str) -> None:
    expected = rows_of("tree")
    made = predicted(archived(name, files()))
    assert [row for table in made.tables() for row in table.to_pylist()] == expected
    before = reportgen.predict("colours.py:make", "tree", out="other", classes="names.txt")
    assert made.facts.provenance.data_fingerprint == before.facts.provenance.data_fingerprint


@both
@pytest.mark.parametrize("workers", [1, 2])
def test_worker_processes_read_it_each_by_itself(name: str, workers: int) -> None:
    shuffled = files()[::2] + files()[1::2]
    assert rows_of(archived(name, shuffled), workers=workers, batch_size=1) == rows_of("tree")


@both
def test_what_a_computer_adds_is_skipped_and_counted(name: str) -> None:
    file = files()[0][1]
    odd = [("__MACOSX/cat/._000.png", file), ("cat/.DS_Store", file), ("cat/notes.txt", file),
           ("cover.png", file), ("cat/._001.png", file)]  # fmt: skip
    archive = archived(name, [*odd, *files()])
    facts = facts_of(archive)
    assert facts.samples.skipped == {
        "AppleDouble files (._*)": 1, "files that are not images": 1, "hidden files": 1,
        "hidden or system folders": 1, "images outside the class folders": 1,
    }  # fmt: skip
    assert facts.samples.counted == 6


@both
def test_folders_around_the_class_folders_are_left_out(name: str) -> None:
    archive = archived(name, files("photos/2024/"))
    assert labelled(archive) == [(inner, file.parent.name) for inner, file in files()]


@both
def test_splits_in_it_are_chosen_from(name: str) -> None:
    archive = archived(name, [*files("set/train/"), *files("set/test/")])
    error = refused(archive)
    assert (error.slug, error.hint) == ("data-splits", "choose one: --split test")
    assert "test (6 images), train (6 images)" in error.message
    assert [row["id"] for row in rows_of(archive, split="test")] == [n for n, _ in files("test/")]
    assert facts_of(archive, split="test").samples.skipped == {"images of the split train": 6}
    assert refused(archive, split="val").slug == "split-unknown"


@both
def test_empty_class_folders_and_unknown_ones_are_told(name: str) -> None:
    Path("tree/empty").mkdir()
    archive = archived(name, [*files(), ("bird", Path("tree/empty"))])
    assert refused(archive).slug == "class-unknown"
    facts = facts_of(archive, ignore_unknown_classes=True)
    assert "class-folders-empty" in [note.code for note in facts.notes]


@both
def test_images_without_folders_can_be_predicted_and_not_reported(name: str) -> None:
    archive = archived(name, [(inner.replace("/", "_"), file) for inner, file in files()])
    assert [row["label"] for row in rows_of(archive)] == [-1] * 6
    with pytest.raises(reportgen.ReportgenError) as caught:
        reportgen.run("colours.py:make", archive, out="report", classes="names.txt")
    assert caught.value.slug == "data-unlabelled"


def listed() -> list[tuple[str, str]]:
    return [(inner.replace("/", "_"), file.parent.name) for inner, file in files()]


@both
def test_a_table_in_it_says_what_its_images_are(name: str) -> None:
    lines = ["file_name,label", *(f"{path},{label}" for path, label in listed()[::-1])]
    Path("metadata.csv").write_text("\n".join(lines))
    flat = [(path, file) for (path, _), (_, file) in zip(listed(), files(), strict=True)]
    archive = archived(name, [("images/metadata.csv", Path("metadata.csv")),
                              *((f"images/{path}", file) for path, file in flat)])  # fmt: skip
    assert labelled(archive) == listed()


@both
def test_a_table_beside_it_says_what_its_images_are(name: str) -> None:
    """As Kaggle delivers both: the archive has a folder, the table has names without endings."""
    flat = [(f"train/{path}", file) for (path, _), (_, file) in zip(listed(), files(), strict=True)]
    archived(name, flat)
    lines = ["id,label", *(f"{path[:-4]},{label}" for path, label in listed())]
    Path("train.csv").write_text("\n".join(lines))
    assert labelled("train.csv", root=name) == listed()
    Path("train.csv").write_text("\n".join([*lines, "gone,cat"]))
    error = refused("train.csv", root=name)
    assert '"gone": is not there' in error.message
    assert len(rows_of("train.csv", root=name, max_bad=1)) == 6


@both
def test_a_report_has_its_pictures_and_one_made_again_too(name: str) -> None:
    wrong = [
        (inner.replace("ship", "x").replace("dog", "ship").replace("x", "dog"), file)
        for inner, file in files()
    ]
    archive = archived(name, [(f"set/test/{inner}", file) for inner, file in wrong])
    reportgen.run("colours.py:make", archive, out="report", classes="names.txt", split="test")
    reportgen.render("report/predictions.parquet", out="again", images=archive)
    pages = [Path(folder, "report.html").read_text() for folder in ("report", "again")]
    assert pages[0].count("data:image/") == pages[1].count("data:image/") > 3


# Hostile and damaged ones


def info(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    made = tarfile.TarInfo(name)
    made.type, made.linkname = kind, link
    return made


def with_tar(*more: tarfile.TarInfo) -> Path:
    archive = tarred("a.tar", files())
    with tarfile.open(archive, "a") as target:
        for one in more:
            content = files()[0][1].read_bytes() if one.isreg() else b""
            one.size = len(content)
            target.addfile(one, io.BytesIO(content))
    return archive


def with_zip(name: str, mode: int = 0o100644) -> Path:
    archive = zipped("a.zip", files())
    with zipfile.ZipFile(archive, "a") as target:
        made = zipfile.ZipInfo(name)
        made.external_attr = mode << 16
        target.writestr(made, files()[0][1].read_bytes())
    return archive


UNSAFE: dict[str, tuple[Callable[[], Path], str]] = {
    "tar ..": (lambda: with_tar(info("cat/../../x.png")), '"cat/../../x.png", which leads out of it'),
    "zip ..": (lambda: with_zip("../x.png"), '"../x.png", which leads out of it'),
    "tar absolute": (lambda: with_tar(info("/etc/x.png")), '"/etc/x.png", an absolute path'),
    "zip absolute": (lambda: with_zip("/etc/x.png"), '"/etc/x.png", an absolute path'),
    "zip drive": (lambda: with_zip("C:\\x.png"), "an absolute path"),
    "tar link": (lambda: with_tar(info("cat/l.png", tarfile.SYMTYPE, "/etc/passwd")), 'the link "cat/l.png"'),
    "tar hard link": (lambda: with_tar(info("cat/l.png", tarfile.LNKTYPE, IMAGE)), 'the link "cat/l.png"'),
    "zip link": (lambda: with_zip("cat/l.png", stat.S_IFLNK | 0o777), 'the link "cat/l.png"'),
    "tar device": (lambda: with_tar(info("cat/d.png", tarfile.CHRTYPE)), "which is not a file"),
    "tar pipe": (lambda: with_tar(info("cat/d.png", tarfile.FIFOTYPE)), "which is not a file"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNSAFE)
def test_what_leads_out_of_an_archive_is_refused(kind: str) -> None:
    make, words = UNSAFE[kind]
    error = refused(make())
    assert (error.slug, error.exit_code) == ("archive-unsafe", 3)
    assert words in error.message
    assert not Path("../x.png").exists()
    command = (error.hint or "").partition(": ")[2]
    if shutil.which(shlex.split(command)[0]):
        subprocess.run(
            shlex.split(command), cwd="tree", check=True, timeout=60, capture_output=True
        )
        assert len(labelled(Path("tree", shlex.split(command)[2]))) == 6


def test_links_in_a_folder_can_be_archived_as_files() -> None:
    """What the hint for links says: tar with -h."""
    Path("links/cat").mkdir(parents=True)
    Path("links/cat/000.png").symlink_to(Path("tree", IMAGE).resolve())
    subprocess.run(["tar", "-cf", "l.tar", "-C", "links", "."], check=True, timeout=60)
    assert refused("l.tar").slug == "archive-unsafe"
    subprocess.run(["tar", "-chf", "DATA.tar", "."], cwd="links", check=True, timeout=60)
    assert labelled("links/DATA.tar") == [(IMAGE, "cat")]


def test_an_encrypted_archive_is_refused() -> None:
    archive = zipped("a.zip", files())
    content = bytearray(archive.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 8] |= 1
    archive.write_bytes(bytes(content))
    error = refused(archive)
    assert error.slug == "archive-encrypted"
    assert "ship/001.png" in error.message


def test_an_unknown_method_is_refused_by_its_number() -> None:
    archive = zipped("a.zip", files())
    content = bytearray(archive.read_bytes())
    at = content.rindex(b"PK\x01\x02")
    content[at + 10 : at + 12] = struct.pack("<H", 9)
    archive.write_bytes(bytes(content))
    error = refused(archive)
    assert (error.slug, "method 9" in error.message) == ("archive-method", True)


def test_bombs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from reportgen.importers.formats import compressed
    from reportgen.inference.packed import zip_files

    Path("tree/cat/zeros.png").write_bytes(bytes(1 << 20))
    for module in (compressed, zip_files):
        monkeypatch.setattr(module, "_BOMB_BYTES", 1 << 16)
    for name in ("a.zip", "a.tar.gz", "a.tar.bz2", "a.tar.xz"):
        error = refused(archived(name, files()))
        assert (error.slug, error.exit_code) == ("array-bomb", 3)


def test_a_name_that_comes_twice_is_refused() -> None:
    for archive in (
        with_tar(info(IMAGE)),
        tarred("b.tar", [*files(), ("./" + IMAGE, files()[0][1])]),
    ):
        error = refused(archive)
        assert (error.slug, IMAGE in error.message) == ("archive-repeated", True)


def cut(path: Path, n: int) -> Path:
    path.write_bytes(path.read_bytes()[:n])
    return path


@plain
def test_an_archive_that_was_cut_off_is_refused(name: str) -> None:
    archive = archived(name, files())
    n = len(archive.read_bytes().rstrip(b"\0"))
    for lost in (20, n // 2):
        error = refused(cut(archive, n - lost))
        assert error.slug == "archive-damaged", lost


def test_a_broken_header_in_the_middle_is_no_end() -> None:
    """tarfile alone would stop there without a word."""
    archive = Path("a.tar")
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as target:
        for inner, file in files():
            target.add(file, inner)
    content = bytearray(archive.read_bytes())
    at = content.index(b"dog/000.png")
    content[at + 148 : at + 156] = b"garbage!"
    archive.write_bytes(bytes(content))
    with tarfile.open(archive) as lenient:
        assert len(lenient.getnames()) == 2
    error = refused(archive)
    assert (error.slug, "cat/001.png" in error.message) == ("archive-damaged", True)


def test_a_negative_size_ends_in_an_error() -> None:
    archive = tarred("a.tar", files())
    content = bytearray(archive.read_bytes())
    at = content.index(b"dog/000.png")
    content[at + 124 : at + 136] = b"\xff" * 8 + struct.pack(">i", -1024)
    content[at + 148 : at + 156] = b" " * 8
    content[at + 148 : at + 155] = b"%06o\0" % sum(content[at : at + 512])
    archive.write_bytes(bytes(content))
    assert refused(archive).slug == "archive-damaged"


def test_archives_that_were_joined_are_refused_and_unpacked_by_the_hint() -> None:
    one, two = tarred("a.tar", files()[:3]), tarred("b.tar", files()[3:])
    Path("c.tar").write_bytes(one.read_bytes() + two.read_bytes())
    error = refused("c.tar")
    assert error.slug == "archive-damaged"
    assert error.hint == "unpack it with tar -xif, and pass the folder"
    Path("folder").mkdir()
    subprocess.run(["tar", "-xif", "c.tar", "-C", "folder"], check=True, timeout=60)
    assert len(labelled("folder")) == 6


def test_an_archive_without_an_end_is_read_with_a_warning() -> None:
    archive = tarred("a.tar", files())
    content = archive.read_bytes().rstrip(b"\0")
    archive.write_bytes(content + bytes(-len(content) % 512))
    facts = facts_of(archive)
    assert "archive-no-end" in [note.code for note in facts.notes]
    assert facts.samples.counted == 6


@both
def test_damaged_images_in_it_are_bad_samples(name: str) -> None:
    Path("tree", IMAGE).write_bytes(b"\x89PNG")
    error = refused(archived(name, files()))
    assert (error.slug, IMAGE in error.message) == ("too-many-bad", True)


def test_a_wrong_sum_in_a_zip_is_a_bad_sample() -> None:
    archive = zipped("a.zip", files(), zipfile.ZIP_STORED)
    content = bytearray(archive.read_bytes())
    content[content.index(b"IDAT") + 6] ^= 1
    archive.write_bytes(bytes(content))
    error = refused(archive)
    assert '"cat/000.png": can\'t be unpacked: the archive is damaged' in error.message


def test_archives_in_an_archive_are_named() -> None:
    inner = tarred("n01.tar", files())
    error = refused(tarred("a.tar", [("n01.tar", inner)]))
    assert (error.slug, "it contains archives" in (error.hint or "")) == ("data-layout", True)
    assert refused(zipped("empty.zip", [])).slug in ("data-layout", "data-not-a-folder")


def test_names_of_other_systems_are_read() -> None:
    """Backslashes, long names and other alphabets."""
    long = "a" * 180
    zipped("a.zip", [(inner.replace("/", "\\"), file) for inner, file in files()])
    assert len(labelled("a.zip")) == 6
    for kind in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        with tarfile.open("a.tar", "w", format=kind) as archive:
            for _, file in files():
                archive.add(file, f"{file.parent.name}/{long}ü{file.name}")
        assert {row["id"] for row in rows_of("a.tar")} == {
            f"{file.parent.name}/{long}ü{file.name}" for _, file in files()
        }


def test_a_million_members_are_not_held_by_tarfile(monkeypatch: pytest.MonkeyPatch) -> None:
    archive = tarred("a.tar", files())
    held: list[int] = []
    original = tarfile.TarFile.next

    def watched(self: Any) -> Any:
        held.append(len(self.members))
        return original(self)

    monkeypatch.setattr(tarfile.TarFile, "next", watched)
    assert len(list_tar(archive).members) == 6
    assert max(held) <= 1


def test_classes_are_matched_by_name_and_column_options_do_not_go_with_class_folders() -> None:
    assert tuple(sorted({name for _, name in labelled(zipped("a.zip", files()))})) == NAMES
    assert refused("a.zip", image_column="x").slug == "option-conflict"


@pytest.mark.parametrize("name", ["a.tar.gz", "d.parquet"])
def test_shards_of_packed_data_merge_into_the_bytes_of_one_run(name: str) -> None:
    if name == "a.tar.gz":
        archived(name, files()[::-1])  # in another order than that of the ids
    else:
        some = [{"bytes": file.read_bytes(), "path": file.name} for _, file in files() * 2]
        labels = [file.parent.name for _, file in files() * 2]
        parquet.write_table(pa.table({"image": some, "label": labels}), name)
    how = {"classes": "names.txt", "batch_size": 2}
    whole = reportgen.predict("colours.py:make", name, out="whole", **how)  # type: ignore[arg-type]
    for i in range(3):
        reportgen.predict("colours.py:make", name, out="parts", shard=f"{i}/3", **how)  # type: ignore[arg-type]
    merged = reportgen.merge("parts", out="merged")
    assert merged.path.read_bytes() == whole.path.read_bytes()


@pytest.mark.parametrize(
    "method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA]
)
def test_a_damaged_file_in_a_zip_is_a_bad_sample(method: int) -> None:
    archive = zipped("a.zip", files(), method)
    whole = archive.read_bytes()
    with zipfile.ZipFile(archive) as opened:
        at = opened.getinfo(IMAGE).header_offset + 30 + len(IMAGE)
        n = opened.getinfo(IMAGE).compress_size
    reasons = set()
    for place in range(at, at + n):
        archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
        contents = list_zip(archive).contents
        try:
            contents.read(IMAGE)
        except Unreadable as error:
            reasons.add(error.reason)
    assert "can't be unpacked: the archive is damaged" in reasons
    place = at + n // 2
    archive.write_bytes(whole[:place] + bytes([whole[place] ^ 0x5A]) + whole[place + 1 :])
    assert len(rows_of(archive, max_bad=1)) == 5


def long_name(n: int, size: int = 200) -> bytes:
    """`n` long names one after the other, as if for one file."""
    header = tarfile.TarInfo("././@LongLink")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, size
    content = b"x" * size + bytes(-size % 512)
    return (header.tobuf(tarfile.GNU_FORMAT) + content) * n


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.XGLTYPE])
def test_endless_headers_of_one_file_are_damage(kind: bytes) -> None:
    """Each is held until the file follows: 200,000 of them, or one of 4 GB, were a crash."""
    end = Path("tree", IMAGE).read_bytes()
    content = long_name(2000).replace(b"L" + bytes(100), kind + bytes(100))
    Path("a.tar").write_bytes(content + end)
    assert refused("a.tar").slug == "archive-damaged"
    huge = tarfile.TarInfo("././@LongLink")
    huge.type, huge.size = kind, 4 << 30
    with Path("b.tar").open("wb") as stream:
        stream.write(huge.tobuf(tarfile.GNU_FORMAT))
        stream.truncate(8 << 30)
    tracemalloc.start()
    assert refused("b.tar").slug == "archive-damaged"
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 100 << 20


def test_a_list_of_holes_is_not_read() -> None:
    sparse = tarfile.TarInfo("cat/000.png")
    sparse.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(sparse.tobuf(tarfile.GNU_FORMAT))
    header[482] = 1  # more of the list follows
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + 8 * 32 + sum(header[156:]))
    Path("a.tar").write_bytes(bytes(header) + bytes([0x30] * 504 + [1] + [0] * 7) * 10_000)
    error = refused("a.tar")
    assert (error.slug, "a file with holes" in error.message) == ("archive-unsafe", True)


@pytest.mark.parametrize(
    "headers",
    [
        {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"},
        {"GNU.sparse.map": "0,1," * 9},
        {"GNU.sparse.size": "9", "GNU.sparse.offset": "0", "GNU.sparse.numbytes": "1"},
    ],
    ids=["1.0", "0.1", "0.0"],
)
def test_a_list_of_holes_that_a_pax_header_announces_is_not_read(headers: dict[str, str]) -> None:
    """The list of version 1.0 is in the file itself: 80 MB of it took minutes and 2 GB."""
    info = tarfile.TarInfo("GNUSparseFile.0/000.png")
    info.pax_headers = {"GNU.sparse.name": IMAGE, **headers}
    numbers = b"2000000\n" + b"1\n" * 4_000_000
    info.size = len(numbers)
    Path("a.tar").write_bytes(info.tobuf(tarfile.PAX_FORMAT) + numbers)
    tracemalloc.start()
    error = refused("a.tar")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (error.slug, f'"{IMAGE}", a file with holes' in error.message) == (
        "archive-unsafe",
        True,
    )
    assert peak < 100 << 20


def test_headers_for_all_files_that_follow_do_not_add_up_without_end() -> None:
    with tarfile.open("few.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.pax_headers = {"comment": "made by a program"}
        archive.add(Path("tree", IMAGE), IMAGE)
    content = Path("few.tar").read_bytes()
    parts = []
    for i in range(20):
        header = tarfile.TarInfo.create_pax_global_header({f"key{i}": "x" * 100_000})
        parts.append(header + tarfile.TarInfo(f"cat/{i}.png").tobuf())
    Path("many.tar").write_bytes(b"".join(parts) + content)
    assert refused("many.tar").slug == "archive-damaged"
    assert [member.name for member in list_tar(Path("few.tar")).members] == [IMAGE]


def test_long_names_are_read() -> None:
    name = f"cat/{'x' * 180}.png"
    for form in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        with tarfile.open("a.tar", "w", format=form) as target:
            for inner, file in [*files(), (name, files()[0][1])]:
                target.add(file, inner)
        assert name in [row["id"] for row in rows_of("a.tar")]
