"""Images in a bucket: the bytes of a run over a folder, and a lost server is no bad sample."""

import shutil

import pytest

import reportgen
from reportgen.cli import command
from reportgen.errors import DataError, UsageError
from reportgen.inference.packed.contents import StoredContents
from tests.inference.builders import image_tree
from tests.storage.test_parts import OPTIONS
from tests.test_shards import NETWORKS

pytestmark = pytest.mark.extra


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("images")
    (root / "net.py").write_text(NETWORKS)
    (root / "names.txt").write_text("cat\ndog\nship\n")
    data = image_tree(root / "val", {"cat": 6, "dog": 5, "ship": 4})
    (data / "cat/deep/er").mkdir(parents=True)
    (data / "cat/001.png").rename(data / "cat/deep/er/1 é.png")
    (data / "cat/notes.txt").write_text("no image")
    (data / "top.png").write_bytes((data / "dog/001.png").read_bytes())
    (data / "dog/.hidden.png").write_bytes(b"x")
    (data / "dog/._a.png").write_bytes(b"x")
    (data / ".cache").mkdir()
    (data / ".cache/a.png").write_bytes(b"x")
    (data / "ship/002.png").write_bytes(b"no png")
    return root


def options(source, **more):
    return OPTIONS | {"classes": source / "names.txt", "max_bad": 1} | more


def model(source):
    return f"{source / 'net.py'}:make"


def files_of(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_run_over_a_bucket_makes_the_bytes_of_one_over_a_folder(bucket, source, tmp_path):
    bucket.put(source / "val", "data/val")
    reportgen.run(model(source), source / "val", out=tmp_path / "local", **options(source))
    reportgen.run(
        model(source), bucket.address("data/val"), out=tmp_path / "stored", **options(source)
    )
    local, stored = files_of(tmp_path / "local"), files_of(tmp_path / "stored")
    assert stored.keys() == local.keys()
    assert [name for name in local if local[name] != stored[name]] == []
    for content in stored.values():
        bucket.refuse_words(content.decode("utf-8", "replace"))


def test_workers_connect_by_themselves(bucket, source, tmp_path):
    bucket.put(source / "val", "val")
    for workers in (0, 2):
        reportgen.predict(
            model(source), bucket.address("val"), out=tmp_path / str(workers),
            **options(source, workers=workers),
        )  # fmt: skip
    assert files_of(tmp_path / "0") == files_of(tmp_path / "2")


def test_shards_of_a_bucket_to_a_bucket(bucket, source, tmp_path, capsys):
    bucket.put(source / "val", "val")
    reportgen.predict(model(source), source / "val", out=tmp_path / "local", **options(source))
    words = ["--classes", str(source / "names.txt"), "--resize", "8x8", "--workers", "0",
             "--batch-size", "4", "--device", "cpu"]  # fmt: skip
    for i in range(2):
        command(["predict", model(source), bucket.address("val"), "--shard", f"{i}/2",
                 "-o", bucket.address("run1"), *words])  # fmt: skip
    command(["merge", bucket.address("run1"), "-o", str(tmp_path / "m"), "--max-bad", "1"])
    assert files_of(tmp_path / "m") == files_of(tmp_path / "local")
    said = capsys.readouterr()
    bucket.refuse_words(said.out + said.err)


@pytest.mark.parametrize("key", ["splits", "val.zip"])
def test_a_split_and_an_archive_of_a_bucket_make_the_bytes_of_those_here(
    bucket, source, tmp_path, key, capsys
):
    (tmp_path / "splits").mkdir()
    for split in ("train", "val"):
        (tmp_path / "splits" / split).symlink_to(source / "val")
    shutil.make_archive(str(tmp_path / "val"), "zip", source / "val")
    bucket.put(source / "val", "splits/train")
    bucket.put(source / "val", "splits/val")
    bucket.put(tmp_path / "val.zip", "val.zip")
    given = options(source, split="val" if key == "splits" else "")
    reportgen.predict(model(source), tmp_path / key, out=tmp_path / "local", **given)
    reportgen.predict(model(source), bucket.address(key), out=tmp_path / "stored", **given)
    assert files_of(tmp_path / "stored") == files_of(tmp_path / "local")
    said = capsys.readouterr()
    bucket.refuse_words(said.out + said.err)


def test_a_server_that_is_lost_ends_the_run_and_is_no_bad_sample(
    bucket, source, tmp_path, monkeypatch
):
    bucket.put(source / "val", "val")
    really, n = StoredContents.read, 0

    def lost(self, raw):
        nonlocal n
        n += 1
        if n == 9:
            bucket.stop()
        return really(self, raw)

    monkeypatch.setattr(StoredContents, "read", lost)
    with pytest.raises(DataError) as caught:
        reportgen.predict(model(source), bucket.address("val"), out=tmp_path / "o",
                          **options(source, max_bad=99))  # fmt: skip
    assert (caught.value.slug, caught.value.exit_code) == ("address-unreachable", 3)
    assert not (tmp_path / "o/predictions.parquet").exists()
    bucket.refuse_words(str(caught.value))


def test_what_is_no_folder_of_classes_is_told(bucket, source, tmp_path):
    bucket.put(source / "val", "splits/train")
    bucket.put(source / "val", "splits/val")
    bucket.put(source / "names.txt", "flat/names.txt")
    for key, slug in (("splits", "data-splits"), ("flat", "data-layout"), ("none", "data-missing")):
        with pytest.raises(DataError) as caught:
            reportgen.predict(
                model(source), bucket.address(key), out=tmp_path / "o", **options(source)
            )
        assert caught.value.slug == slug
        bucket.refuse_words(str(caught.value))


def test_an_address_with_a_secret_is_refused_before_the_model(tmp_path):
    with pytest.raises(UsageError) as caught:
        reportgen.predict("none.py:f", "s3://me:key@bucket/val", out=tmp_path / "o")
    assert caught.value.slug == "address-secret"


@pytest.mark.parametrize("name", ["data_classes", "label_column", "root"])
def test_options_of_tables_are_refused_for_a_bucket(bucket, source, tmp_path, name):
    bucket.put(source / "val", "data/val")
    data, value = bucket.address("data/val"), ["cat"] if name == "data_classes" else "x"
    with pytest.raises(UsageError) as caught:
        reportgen.predict(
            model(source), data, out=tmp_path / "a", **options(source), **{name: value}
        )
    flag = "--" + name.replace("_", "-")
    assert (caught.value.slug, (caught.value.hint or "").split(",")[0]) == (
        "option-conflict", f"omit {flag}",
    )  # fmt: skip
