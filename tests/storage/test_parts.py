"""Parts in a bucket: the bytes of a single run, and what was predicted survives a lost server."""

import pytest

import reportgen
from reportgen.api import sharding
from reportgen.cli import command
from reportgen.errors import DataError, OutputError, UsageError
from reportgen.process import exit_code_of
from tests.inference.builders import image_tree
from tests.test_shards import NETWORKS

pytestmark = pytest.mark.extra

OPTIONS = {"classes": "names.txt", "resize": "8x8", "batch_size": 4, "workers": 0, "device": "cpu"}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("parts")
    (root / "net.py").write_text(NETWORKS)
    (root / "names.txt").write_text("cat\ndog\nship\n")
    data = image_tree(root / "data", {"cat": 6, "dog": 5, "ship": 4})
    (data / "cat/001.png").write_bytes(b"")
    predicted(root, root / "single", max_bad=1)
    return root


def predicted(source, out, **more):
    options = OPTIONS | {"classes": source / "names.txt"} | more
    return reportgen.predict(f"{source / 'net.py'}:make", source / "data", out=out, **options)


@pytest.fixture(autouse=True)
def temporary(tmp_path, monkeypatch):
    """A temporary folder that is empty at the start."""
    (tmp_path / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    return tmp_path / "tmp"


def files_in(folder):
    return [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]


def test_parts_in_a_bucket_are_merged_to_the_bytes_of_a_single_run(
    bucket, source, temporary, capsys
):
    out = bucket.address("run1")
    for i in (1, 0):
        part = predicted(source, out, shard=(i, 2))
        assert part.path.name == f"0000{i}-of-00002.parquet"
    assert bucket.keys() == [f"run1/shards/0000{i}-of-00002.parquet" for i in range(2)]
    assert files_in(temporary) == []
    assert reportgen.merge_status(out).missing == ()
    with pytest.raises(DataError) as caught:
        reportgen.merge(out, out=out)
    assert caught.value.slug == "too-many-bad"
    assert bucket.read("run1/bad.csv").startswith(b"id,")
    merged = reportgen.merge(out, out=out, max_bad=1)
    single = (source / "single/predictions.parquet").read_bytes()
    assert bucket.read("run1/predictions.parquet") == single
    assert bucket.read("run1/bad.csv") == (source / "single/bad.csv").read_bytes()
    assert reportgen.evaluate(merged).n_samples == 14
    reportgen.merge(out, out=out, max_bad=1, discard=True)
    assert bucket.keys() == ["run1/bad.csv", "run1/predictions.parquet"]
    assert files_in(temporary) == []
    said = capsys.readouterr()
    bucket.refuse_words(said.out + said.err)


def test_parts_are_merged_from_a_bucket_to_a_folder_and_back(bucket, source, tmp_path):
    predicted(source, tmp_path / "here", shard=(0, 2))
    predicted(source, bucket.address("there"), shard=(1, 2))
    both = [tmp_path / "here", bucket.address("there")]
    assert reportgen.merge_status(both[1]).array == "0"
    reportgen.merge(both, out=tmp_path / "merged", max_bad=1)
    reportgen.merge(both, out=bucket.address("merged/all.parquet"), max_bad=1)
    single = (source / "single/predictions.parquet").read_bytes()
    assert (tmp_path / "merged/predictions.parquet").read_bytes() == single
    assert bucket.read("merged/all.parquet") == single


def test_a_part_that_is_there_is_left_and_another_one_is_refused(bucket, source, monkeypatch):
    out = bucket.address("run1")
    predicted(source, out, shard=(0, 2))
    before = bucket.read("run1/shards/00000-of-00002.parquet")
    monkeypatch.setattr(sharding, "copy_out", None)  # nothing is put
    predicted(source, out, shard=(0, 2))
    with pytest.raises(UsageError) as caught:
        predicted(source, out, shard=(0, 2), resize="6x6")
    assert caught.value.slug == "shard-differs"
    assert bucket.read("run1/shards/00000-of-00002.parquet") == before


def test_what_was_predicted_is_kept_where_the_server_is_lost(bucket, source, monkeypatch):
    from reportgen.inference import sharding as inference

    out = bucket.address("run1")
    really = sharding.copy_out

    def lose(source, address):
        raise OutputError("cannot write", slug="address-not-written")

    monkeypatch.setattr(sharding, "copy_out", lose)
    with pytest.raises(OutputError):
        predicted(source, out, shard=(0, 2))
    assert bucket.keys() == []
    monkeypatch.setattr(sharding, "copy_out", really)
    monkeypatch.setattr(inference, "plan_folder", None)  # nothing is predicted again
    predicted(source, out, shard=(0, 2))
    assert bucket.keys() == ["run1/shards/00000-of-00002.parquet"]


def test_a_server_that_is_gone_is_told_before_the_model_is_loaded(bucket, source):
    out = bucket.address("run1")
    bucket.stop()
    with pytest.raises(DataError) as caught:
        predicted(source, out, shard=(0, 2), classes="none.txt")
    assert caught.value.slug == "address-unreachable"


def test_a_put_that_fails_is_no_crash(bucket, source, tmp_path):
    from reportgen.storage import copy_out, typed_place

    (tmp_path / "a").write_text("x")
    place = typed_place(bucket.address("a"), "-o")
    bucket.stop()
    with pytest.raises(OutputError) as caught:
        copy_out(tmp_path / "a", place)
    assert (caught.value.slug, caught.value.exit_code) == ("address-not-written", 5)
    bucket.refuse_words(str(caught.value))


def test_reports_and_whole_predictions_are_not_written_to_a_bucket(source, tmp_path):
    for act in (
        lambda: predicted(source, "s3://bucket/run1"),
        lambda: predicted(source, "https://host/run1", shard=(0, 2)),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert caught.value.slug == "remote-path"
    with pytest.raises(UsageError) as caught:
        predicted(source, "s3://me:key@bucket/run1", shard=(0, 2))
    assert caught.value.slug == "address-secret"


def test_parts_that_do_not_belong_together_are_named_by_their_last_segment(
    bucket, source, temporary
):
    out = [bucket.address("run1"), bucket.address("run2")]
    predicted(source, out[0], shard=(0, 2))
    predicted(source, out[1], shard=(1, 2), resize="6x6")
    predicted(source, bucket.address("run3"), shard=(0, 2))
    for parts, slug, names in (
        (out, "shards-mixed", ["00000-of-00002.parquet", "00001-of-00002.parquet"]),
        ([out[0], bucket.address("run3")], "shards-overlap", ["00000-of-00002.parquet"]),
    ):
        with pytest.raises((DataError, UsageError)) as caught:
            reportgen.merge(parts, out=temporary / "merged")
        said = "\n".join([str(caught.value), *caught.value.details])
        assert caught.value.slug == slug
        assert all(f'"{name}"' in said for name in names)
        assert "reportgen-" not in said
        bucket.refuse_words(said)


def test_the_command_line_shows_nothing_of_the_bucket(bucket, source, capsys):
    out = bucket.address("run1")
    words = ["--classes", str(source / "names.txt"), "--resize", "8x8", "--workers", "0"]
    model, data = f"{source / 'net.py'}:make", str(source / "data")
    for i in range(2):
        command(["predict", model, data, "--shard", f"{i}/2", "-o", out, *words])
        if i == 0:
            assert exit_code_of(lambda: command(["merge", out, "--status"])) == 3
    command(["merge", out, "-o", out, "--max-bad", "1"])
    said = capsys.readouterr()
    assert "00001-of-00002.parquet" in said.out + said.err
    bucket.refuse_words(said.out + said.err)
    content = bucket.read("run1/predictions.parquet") + bucket.read("run1/bad.csv")
    bucket.refuse_words(content.decode("utf-8", "replace"))
