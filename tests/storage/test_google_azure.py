"""Google Cloud Storage and Azure: what is read and written there has the bytes of local files."""

import pytest

import reportgen
from reportgen.errors import DataError, OutputError
from reportgen.storage import stores
from tests.storage import emulators
from tests.storage.test_images import files_of, model, options, source  # noqa: F401 - a fixture

pytestmark = pytest.mark.extra


@pytest.fixture(params=["google", "azure"])
def store(request, tmp_path_factory, monkeypatch):
    """A store whose addresses lead to its emulator: both services take credentials over https
    alone, which no emulator has.
    """
    with getattr(emulators, request.param)(tmp_path_factory.mktemp("emulator")) as made:
        monkeypatch.setattr(stores, "_connected", lambda *_: made.filesystem)
        yield made


@pytest.mark.parametrize("name", ["val.csv", "val.parquet", "parts", "parts/*.parquet", "report"])
def test_an_input_makes_the_bytes_of_a_local_one(name, store, tables, tmp_path):
    store.put(tables, "runs/7")
    reportgen.render(tables / name, out=tmp_path / "local")
    reportgen.render(store.address(f"runs/7/{name}"), out=tmp_path / "far")
    assert files_of(tmp_path / "far") == files_of(tmp_path / "local")
    assert reportgen.load(
        f"{emulators.BUCKET}/runs/7/val.csv", filesystem=store.filesystem
    ) == reportgen.load(tables / "val.csv")


def test_images_and_parts_make_the_bytes_of_a_local_run(store, source, tmp_path):  # noqa: F811
    for split in ("train", "val"):
        store.put(source / "val", f"splits/{split}")
        (tmp_path / "splits").mkdir(exist_ok=True)
        (tmp_path / "splits" / split).symlink_to(source / "val")
    reportgen.predict(
        model(source), tmp_path / "splits", out=tmp_path / "local", **options(source, split="val")
    )
    run = store.address("run1")
    for i in range(2):
        reportgen.predict(
            model(source), store.address("splits"), out=run, shard=(i, 2),
            **options(source, split="val", max_bad=0),
        )  # fmt: skip
    assert reportgen.merge_status(run).missing == ()
    reportgen.merge(run, out=tmp_path / "merged", max_bad=1)
    assert files_of(tmp_path / "merged") == files_of(tmp_path / "local")
    reportgen.merge(run, out=run, max_bad=1, discard=True)
    with store.filesystem.open_input_stream(f"{emulators.BUCKET}/run1/bad.csv") as stream:
        assert stream.read() == (tmp_path / "local/bad.csv").read_bytes()
    with store.filesystem.open_input_stream(f"{emulators.BUCKET}/run1/predictions.parquet") as one:
        assert one.read() == (tmp_path / "local/predictions.parquet").read_bytes()
    found = store.filesystem.get_file_info(f"{emulators.BUCKET}/run1/shards/00000-of-00002.parquet")
    assert not found.is_file


def test_what_is_not_there_and_a_server_that_is_gone_are_told(store, tables, source, tmp_path):  # noqa: F811
    with pytest.raises(DataError) as caught:
        reportgen.load(store.address("none.csv"))
    assert caught.value.slug == "input-missing"
    with pytest.raises(DataError) as caught:
        reportgen.load(store.address("none.csv").replace(emulators.BUCKET, "no-such-bucket"))
    assert caught.value.slug == "input-missing"
    store.put(tables / "val.csv", "val.csv")
    store.stop()
    with pytest.raises(DataError) as caught:
        reportgen.load(store.address("val.csv"))
    assert caught.value.slug == "address-unreachable"
    assert caught.value.message.endswith("nothing listens there")
    assert emulators.BUCKET not in str(caught.value) + repr(caught.value.hint)
    with pytest.raises((DataError, OutputError)) as gone:
        reportgen.predict(
            model(source), source / "val", out=store.address("run1"), shard=(0, 2),
            **options(source, max_bad=0),
        )  # fmt: skip
    assert gone.value.slug in ("address-unreachable", "address-not-written")
