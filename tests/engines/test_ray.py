"""Ray: the bytes of a single run whatever dies, and an end that tells why where it can't go on.

Real clusters on this machine: they need a minute or more where it is busy.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

import reportgen
from reportgen.engines import Ray
from reportgen.errors import ModelError, UsageError
from tests.inference.builders import image_tree

pytest.importorskip("ray", reason="needs Ray (make test-extras installs it)")

pytestmark = [
    pytest.mark.extra,
    pytest.mark.timeout(900),
    pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::FutureWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

NETWORKS = """
import os, time, torch
from pathlib import Path
class Colours(torch.nn.Module):
    def forward(self, x):
        pause = Path(__file__).with_name("pause")
        time.sleep(float(pause.read_text()) if pause.exists() else 0)
        if (x > 0.99).all(dim=(1, 2, 3)).any():
            os.kill(os.getpid(), 9)
        return x.mean(dim=(2, 3)).flip(1) * 20
def make():
    return Colours()
def other():
    network = Colours()
    network.register_buffer("more", torch.ones(2))
    return network
"""

OPTIONS = {"classes": ["cat", "dog", "ship"], "batch_size": 4, "max_bad": 9}


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """60 images in three folders; one can't be read, one is no file, two are the same."""
    root = tmp_path_factory.mktemp("ray")
    (root / "net.py").write_text(NETWORKS)
    data = image_tree(root / "data", {"cat": 24, "dog": 16, "ship": 20})
    (data / "dog/005.png").write_text("<html>")
    (data / "dog/gone.png").symlink_to(data / "nowhere.png")
    shutil.copy(data / "cat/003.png", data / "ship/004.png")
    return root


@pytest.fixture
def here(source, tmp_path, monkeypatch):
    shutil.copytree(source, tmp_path / "w", symlinks=True)
    monkeypatch.chdir(tmp_path / "w")
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    return tmp_path / "w"


@pytest.fixture(scope="module")
def ours():
    """A cluster that this process is connected to already: one start for several tests."""
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    import ray

    ray.init(
        address="local", num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="error",
        object_store_memory=80 << 20, _node_ip_address="127.0.0.1",
    )  # fmt: skip
    yield ray
    ray.shutdown()


def predict(out, engine=None, model="net.py:make", **options):
    return reportgen.predict(model, "data", out=out, engine=engine, **{**OPTIONS, **options})


def contents(folder):
    return {p.name: p.read_bytes() for p in Path(folder).iterdir() if p.is_file()}


def command(out, *words):
    options = "--classes names.txt --batch-size 4 --max-bad 9 --engine ray".split()
    program = [sys.executable, "-m", "reportgen", "predict", "net.py:make", "data", "-o", out]
    return [*program, *options, *words]


def parts(folder):
    return len(list(Path(folder, "predictions.partial").glob("0*.parquet")))


def waited(ready, seconds=300):
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.05)


def refused(call, slug, kind):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.slug == slug, caught.value
    return caught.value


def test_a_cluster_of_its_own_gives_the_bytes_of_a_single_run_and_is_gone_afterwards(here):
    import ray

    before = signal.getsignal(signal.SIGTERM)
    predict("two", Ray(actors=2))
    predict("one")
    assert contents("two") == contents("one")
    assert not ray.is_initialized()
    assert signal.getsignal(signal.SIGTERM) is before
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"


def test_actors_beyond_this_machine_are_refused_at_once(here):
    error = refused(partial(predict, "two", Ray(actor_cpus=999)), "engine-stalled", ModelError)
    assert "requested: 2 actors of 999 CPU cores" in error.details[0]
    assert not Path("two").exists()


def test_an_address_without_a_cluster_is_refused(here):
    call = partial(predict, "two", Ray(ray_address="127.0.0.1:1"))
    refused(call, "engine-unreachable", ModelError)


def test_run_makes_the_report_of_a_single_run(here, ours):
    run = partial(reportgen.run, "net.py:make", "data", **OPTIONS)
    run(out="two", engine="ray")
    run(out="one")
    assert contents("two") == contents("one")
    assert ours.is_initialized()


def test_an_actor_that_is_killed_changes_nothing(here, ours, monkeypatch):
    """The one that works on a batch, while another one waits for it."""
    from reportgen.engines import pool

    listen, killed = pool.Pool._listen, []

    def kill_one(self, refs):
        busy = [actor.handle for actor in self._actors if len(actor.orders) == 2]
        if busy and not killed:
            killed.append(busy[0])
            ours.kill(killed[0])
        return listen(self, refs)

    monkeypatch.setattr(pool.Pool, "_listen", kill_one)
    predict("two", Ray(actors=2))
    assert killed
    predict("one")
    assert contents("two") == contents("one")


def test_a_poison_image_ends_the_run_names_its_batch_and_keeps_the_rest(here, ours):
    from PIL import Image

    good = (here / "data/ship/010.png").read_bytes()
    Image.new("RGB", (8, 8), "white").save(here / "data/ship/010.png")
    error = refused(partial(predict, "two", Ray(actors=2)), "worker-lost", ModelError)
    assert error.exit_code == 4
    assert '"ship/010.png"' in " ".join(error.details)
    assert '"cat/001.png"' not in " ".join(error.details)
    from reportgen.predictions import partial_rows

    assert partial_rows(here / "two/predictions.partial") == 61 - 4
    (here / "data/ship/010.png").write_bytes(good)
    predict("two", Ray(actors=1), resume=True)
    predict("one")
    assert contents("two") == contents("one")


def test_a_pool_that_cannot_be_placed_ends_by_the_watchdog(here, ours):
    call = partial(predict, "two", Ray(actor_cpus=64, stall_timeout=5))
    error = refused(call, "engine-stalled", ModelError)
    assert error.details[:2] == (
        "requested: 2 actors of 64 CPU cores and 0 GPUs each",
        "in the cluster: 2 CPU cores and 0 GPUs",
    )


def test_a_worker_with_another_model_or_without_the_images_is_refused(here, ours, monkeypatch):
    from reportgen.engines import driving

    made = driving.absolute

    def other(spec, options):
        return made(spec.replace("make", "other"), options)

    with monkeypatch.context() as patch:
        patch.setattr(driving, "absolute", other)
        refused(partial(predict, "two", Ray()), "rows-mixed", UsageError)
    with monkeypatch.context() as patch:
        patch.setattr(driving, "order_of", lambda s: driving.Order(s.ids, s.labels, ["no.png"], {}))
        error = refused(partial(predict, "two", Ray()), "worker-lost", ModelError)
        assert "same path" in error.hint


def test_unfinished_parts_of_one_engine_are_not_continued_by_another(here, ours):
    from PIL import Image

    Image.new("RGB", (8, 8), "white").save(here / "data/cat/010.png")
    refused(partial(predict, "three", Ray(actors=1)), "worker-lost", ModelError)
    error = refused(partial(predict, "three", resume=True), "resume-differs", UsageError)
    assert "engine: ray before, none now" in error.details


def test_what_an_actor_raises_is_told_as_here(here, ours):
    errors = [
        refused(
            partial(predict, "x", engine, outputs="probabilities"), "outputs-contradict", ModelError
        )
        for engine in (None, Ray())
    ]
    assert errors[0].lines() == errors[1].lines()


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGTERM])
def test_a_driver_that_is_stopped_is_resumed_to_the_same_bytes(here, monkeypatch, stop):
    (here / "names.txt").write_text("cat\ndog\nship\n")
    (here / "fast.py").write_text(
        "import sys\nfrom reportgen.engines import driving\n"
        "driving.PART_ROWS = 4\nfrom reportgen.__main__ import main\nsys.exit(main())\n"
    )
    run = [sys.executable, "fast.py", *command("two")[3:]]
    (here / "pause").write_text("0.5")
    slow = subprocess.Popen(run, stderr=subprocess.PIPE)
    waited(lambda: parts("two") >= 5)
    slow.send_signal(stop)
    said = slow.communicate()[1].decode()
    assert slow.returncode == (143 if stop == signal.SIGTERM else -9)
    assert ("--resume" in said) == (stop == signal.SIGTERM)
    held = parts("two")
    assert 5 <= held < 16
    (here / "pause").unlink()
    subprocess.run([*run, "--resume"], check=True, capture_output=True)
    predict("one", classes=Path("names.txt"))
    assert contents("two") == contents("one")


def test_a_node_that_is_removed_changes_nothing(here, tmp_path):
    """In a process of its own: it has a cluster of two machines, of which the second goes."""
    (here / "node.py").write_text(NODE)
    (here / "pause").write_text("0.5")
    done = subprocess.run([sys.executable, "node.py"], capture_output=True, text=True)
    (here / "pause").unlink()
    assert done.returncode == 0, done.stderr
    assert re.search(r"^removed after \d+$", done.stdout, re.MULTILINE)
    predict("one")
    assert contents("two") == contents("one")


NODE = """
import os, threading, time
os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
import ray
from ray.cluster_utils import Cluster
import reportgen
from reportgen.engines import Ray
from reportgen.reporter import Reporter

class Counting(Reporter):
    rows = 0
    def advance(self, n):
        self.rows += n
        if self.rows >= 12 and not gone.is_set():
            gone.set()
            cluster.remove_node(second, allow_graceful=False)
            print("removed after", self.rows)

gone = threading.Event()
cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
second = cluster.add_node(num_cpus=1)
ray.init(address=cluster.address, log_to_driver=False, logging_level="error")
options = {"classes": ["cat", "dog", "ship"], "batch_size": 4, "max_bad": 9}
reportgen.predict("net.py:make", "data", out="two", engine=Ray(actors="1:2"), reporter=Counting(), **options)
assert gone.is_set()
ray.shutdown()
cluster.shutdown()
"""
