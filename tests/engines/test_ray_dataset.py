"""A Dataset of Ray with images as bytes: the bytes of a single run, or an end that tells why."""

import os
import shutil
from functools import partial

import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen.engines import Ray
from reportgen.errors import DataError, ModelError, UsageError
from tests.engines.test_ray import NETWORKS, contents, refused
from tests.inference.builders import image_tree

pytest.importorskip("ray", reason="needs Ray (make test-extras installs it)")

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore"),  # Ray Data is young
]

OPTIONS = {"classes": ["cat", "dog", "ship"], "batch_size": 8, "data_name": "data"}

STORE_BYTES = 80 << 20


@pytest.fixture(scope="module")
def ray():
    """A cluster with an object store of 80 MB."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(
        address="local", num_cpus=3, include_dashboard=False, log_to_driver=False, logging_level="error",
        object_store_memory=STORE_BYTES, _node_ip_address="127.0.0.1",
    )  # fmt: skip
    yield ray
    ray.shutdown()


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    root = tmp_path_factory.mktemp("dataset")
    (root / "net.py").write_text(NETWORKS)
    image_tree(root / "data", {"cat": 20, "dog": 11, "ship": 9})
    return root


@pytest.fixture
def here(source, tmp_path, monkeypatch):
    shutil.copytree(source, tmp_path / "w")
    monkeypatch.chdir(tmp_path / "w")
    return tmp_path / "w"


def items(here):
    files = sorted((here / "data").rglob("*.png"))
    return [
        {
            "id": file.relative_to(here / "data").as_posix(),
            "image": file.read_bytes(),
            "label": file.parent.name,
        }
        for file in files
    ]


def predict(dataset, out="two", engine=None, **options):
    from reportgen.engines.ray import predict as predict_dataset

    engine = engine or Ray(actors=2)
    return predict_dataset(dataset, "net.py:make", out=out, engine=engine, **{**OPTIONS, **options})


def single():
    reportgen.predict("net.py:make", "data", out="one", **OPTIONS)
    return contents("one")


def test_a_dataset_gives_the_bytes_of_a_single_run(here, ray):
    predict(ray.data.from_items(items(here), override_num_blocks=3).materialize())
    assert contents("two") == single()


def test_an_object_store_that_spills_changes_nothing(here, ray):
    """150 MB of images in a store of 80 MB."""
    rng = np.random.default_rng(1)
    for file in sorted((here / "data").rglob("*.png")):
        Image.fromarray(rng.integers(0, 255, (1100, 1100, 3), np.uint8)).save(file)
    made = items(here)
    assert sum(len(item["image"]) for item in made) > 1.5 * STORE_BYTES
    dataset = ray.data.from_items(made, override_num_blocks=20).materialize()
    predict(dataset)
    assert contents("two") == single()


def test_stages_of_a_dataset_need_a_core_that_no_actor_has(here, ray):
    lazy = ray.data.from_items(items(here)).map(lambda row: row)
    call = partial(predict, lazy, engine=Ray(actors=3))
    assert "stages" in refused(call, "engine-stalled", ModelError).message
    predict(lazy)
    assert contents("two") == single()


def test_a_poison_image_ends_the_run_and_its_batch_is_named(here, ray):
    Image.new("RGB", (8, 8), "white").save(here / "data/dog/004.png")
    dataset = ray.data.from_items(items(here), override_num_blocks=5).materialize()
    error = refused(partial(predict, dataset), "worker-lost", ModelError)
    assert '"dog/004.png"' in " ".join(error.details)
    assert not list((here / "two").glob("*.partial"))


def test_what_a_worker_finds_is_told_as_here(here, ray):
    dataset = ray.data.from_items(items(here)).materialize()
    birds = ray.data.from_items([{**one, "label": "bird"} for one in items(here)]).materialize()
    refused(partial(predict, birds), "class-unknown", DataError)
    refused(partial(predict, dataset.drop_columns(["image"])), "batch-columns", DataError)
    refused(partial(predict, dataset, resume=True), "resume-live", UsageError)
