"""DATA in a file system of the caller's: bytes equal to those of the same DATA on this machine."""

import io
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.fs as fs
import pyarrow.parquet as pq
import pytest

import reportgen
from reportgen.errors import DataError, UsageError
from tests.inference.builders import image_tree
from tests.storage.test_parts import OPTIONS
from tests.test_shards import NETWORKS

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def here(tmp_path_factory):
    root = tmp_path_factory.mktemp("data")
    tree = image_tree(root / "tree", {"cat": 5, "dog": 4})
    for name in ("train", "val"):
        image_tree(root / "splits" / name, {"cat": 3, "dog": 2})
    files = sorted(tree.rglob("*.png"))
    with zipfile.ZipFile(root / "val.zip", "w") as archive:
        for path in files:
            archive.write(path, path.relative_to(tree))
    (root / "shards").mkdir()
    for shard in range(2):
        with tarfile.open(root / f"shards/val-00{shard}.tar", "w") as archive:
            for number, path in enumerate(files[shard::2]):
                add(archive, f"{number}-{shard}.png", path.read_bytes())
                add(archive, f"{number}-{shard}.cls", b"01"[path.parent.name == "dog" :][:1])
    (root / "table/data").mkdir(parents=True)
    images = [{"bytes": path.read_bytes(), "path": path.name} for path in files]
    labels = [int(path.parent.name == "dog") for path in files]
    for part, at in enumerate((slice(0, 5), slice(5, None))):
        rows = pa.table({"image": images[at], "label": labels[at]})
        pq.write_table(rows, root / f"table/data/val-0000{part}-of-00002.parquet")
    (root / "listed").mkdir()
    lines = [f"{n}.png,{path.parent.name}" for n, path in enumerate(files)]
    for n, path in enumerate(files):
        (root / f"listed/{n}.png").write_bytes(path.read_bytes())
    (root / "listed/metadata.csv").write_text("\n".join(["file_name,label", *lines, ""]))
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 255, (9, 8, 8, 3), dtype=np.uint8)
    np.savez(root / "val.npz", images=pixels, labels=np.arange(9) % 2)
    (root / "net.py").write_text(NETWORKS)
    (root / "names.txt").write_text("cat\ndog\nship\n")
    return root


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


@pytest.fixture
def there(here):
    return fs.SubTreeFileSystem(str(here), fs.LocalFileSystem())


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def options(here, **more):
    return OPTIONS | {"classes": here / "names.txt"} | more


def model(here):
    return f"{here / 'net.py'}:make"


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


ALL = {
    "tree": {},
    "val.zip": {},
    "shards": {},
    "shards/val-{000..001}.tar": {},
    "shards/val-001.tar": {},
    "table": {},
    "table/data/val-00000-of-00002.parquet": {},
    "listed": {},
    "val.npz": {},
    "splits": {"split": "VAL"},
}


@pytest.mark.parametrize("data", ALL)
def test_data_elsewhere_make_the_bytes_of_the_same_data_here(
    here, there, tmp_path, temporary, data
):
    given = options(here, **ALL[data])
    reportgen.predict(model(here), here / data, out=tmp_path / "local", **given)
    reportgen.predict(model(here), data, out=tmp_path / "far", filesystem=there, **given)
    assert files_of(tmp_path / "far") == files_of(tmp_path / "local")
    assert list(temporary.iterdir()) == []


def test_a_report_shows_the_images_of_an_archive_elsewhere(here, there, tmp_path):
    reportgen.run(model(here), here / "val.zip", out=tmp_path / "local", **options(here))
    reportgen.run(
        model(here), "s3://val.zip", out=tmp_path / "far", filesystem=there, **options(here)
    )
    assert files_of(tmp_path / "far") == files_of(tmp_path / "local")
    assert b"data:image/" in files_of(tmp_path / "far")["report.html"]


def test_shards_of_an_archive_go_to_that_file_system_and_are_merged_there(
    here, there, tmp_path, temporary
):
    reportgen.predict(model(here), here / "val.zip", out=tmp_path / "one", **options(here))
    given = options(here, filesystem=there, out="s3://run1")
    for i in (1, 0, 1):  # the last is there already
        reportgen.predict(model(here), "val.zip", shard=(i, 2), **given)
    assert reportgen.merge_status("run1", filesystem=there).missing == ()
    reportgen.merge("run1", out="s3://run1", filesystem=there)
    reportgen.merge("s3://run1", out=tmp_path / "two", filesystem=there)
    expected = (tmp_path / "one/predictions.parquet").read_bytes()
    assert (here / "run1/predictions.parquet").read_bytes() == expected
    assert (tmp_path / "two/predictions.parquet").read_bytes() == expected
    assert [path for path in temporary.rglob("*") if path.suffix == ".parquet"] == []
    with pytest.raises(DataError) as caught:
        reportgen.merge_status("none", filesystem=there)
    assert caught.value.slug == "shards-missing"


def test_a_split_that_is_not_there_is_named_as_it_is_here(here, there, tmp_path):
    said = []
    for place in ({"data": here / "splits"}, {"data": "splits", "filesystem": there}):
        with pytest.raises(UsageError) as caught:
            reportgen.predict(model(here), out=tmp_path, split="dev", **place, **options(here))
        said.append((caught.value.slug, str(caught.value), caught.value.hint))
    assert said[0] == said[1]
    with pytest.raises(DataError) as caught:
        reportgen.predict(
            model(here), "splits", out=tmp_path / "o", filesystem=there, **options(here)
        )
    assert caught.value.slug == "data-splits"
    assert caught.value.hint.endswith("--split val")


def test_a_table_of_images_is_refused_where_they_would_not_be_copied(here, there, tmp_path):
    with pytest.raises(UsageError) as caught:
        reportgen.predict(
            model(here), "listed/metadata.csv", out=tmp_path / "o", filesystem=there,
            **options(here),
        )  # fmt: skip
    assert caught.value.slug == "data-elsewhere"
    assert not (tmp_path / "o").exists()
    reportgen.predict(  # its images are here
        model(here), "listed/metadata.csv", out=tmp_path / "o", filesystem=there,
        **options(here, root=here / "listed"),
    )  # fmt: skip


def test_a_comparison_reads_both_sides_elsewhere(here, there, tmp_path):
    reportgen.predict(model(here), here / "tree", out=here / "base", **options(here))
    sides = "base/predictions.parquet", "s3://base"
    found = reportgen.compare(*sides, out=tmp_path / "o", filesystem=there)
    assert found.candidate.n_samples == 9
    assert found == reportgen.compare(*sides, filesystem=there)
    local = reportgen.compare(here / "base/predictions.parquet", here / "base")
    assert found.summary == local.summary
    assert (tmp_path / "o/report.html").exists()
