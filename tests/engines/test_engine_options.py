"""The options of engines, and that none is loaded unless one is asked for; Ray is not needed."""

import shlex
import subprocess
import sys
import time
from functools import partial
from types import SimpleNamespace

import pytest

import reportgen
from reportgen import cli
from reportgen.engines import Ray, cluster, pool
from reportgen.errors import ModelError, UsageError
from reportgen.options import engine_of, take_engine
from reportgen.reporter import Reporter


def refused(call, slug, kind=UsageError):
    with pytest.raises(kind) as caught:
        call()
    assert caught.value.slug == slug, caught.value
    return caught.value


@pytest.mark.parametrize(
    ("given", "numbers"), [(3, (3, 3)), ("2", (2, 2)), ("2:8", (2, 8)), ("4:4", (4, 4))]
)
def test_actors_are_a_number_or_a_range(given, numbers):
    assert Ray(actors=given).n_actors == numbers


@pytest.mark.parametrize("given", ["0", "8:2", "", "2:", ":2", "two", "-1", 0, 2.5, "1:2:3"])
def test_what_is_no_number_of_actors_is_refused(given):
    refused(lambda: Ray(actors=given), "option-value")


@pytest.mark.parametrize(
    "options", [{"actor_gpus": -1}, {"actor_cpus": -0.5}, {"stall_timeout": 0}]
)
def test_negative_resources_are_refused(options):
    refused(lambda: Ray(**options), "option-value")


def test_an_engine_is_ray_or_none():
    assert engine_of(None) is None
    assert engine_of("ray") == Ray()
    assert engine_of(Ray(actors=3)) == Ray(actors=3)
    refused(lambda: engine_of("dask"), "option-value")


def test_options_of_an_engine_need_it():
    keywords = {"actors": "2", "actor_gpus": 1.0, "batch_size": 4}
    error = refused(lambda: take_engine(None, dict(keywords)), "option-conflict")
    assert "--actor-gpus" in error.message
    assert take_engine("ray", keywords) == Ray(actor_gpus=1.0)
    assert keywords == {"batch_size": 4}
    assert take_engine(None, {"actors": "2"}) is None


class Cluster:
    """A cluster of two cores."""

    def cluster_resources(self):
        return {"CPU": 2.0}


def pool_of(n_ready, heard=0.0, since=0.0):
    """A pool that was asked for three actors, and waits a minute."""
    made = pool.Pool(Cluster(), Ray(actors="3:4", stall_timeout=60), (), None, None, Reporter())
    made._actors = [pool._Actor(None, None, is_ready=i < n_ready) for i in range(4)]
    made._heard, made._since = (time.monotonic() - ago for ago in (heard, since))
    return made


def test_fewer_actors_than_the_smallest_number_end_the_run_in_time():
    pool_of(2, since=50)._require_life(3)
    error = refused(lambda: pool_of(2, since=61)._require_life(3), "engine-stalled", ModelError)
    assert error.lines()[:4] == [
        "not all actors have started",
        "requested: 3 to 4 actors of 1 CPU cores and 0 GPUs each",
        "in the cluster: 2 CPU cores and 0 GPUs",
        "2 actors of 4 had started",
    ]
    once = pool_of(3, since=50)
    once._require_life(3)
    once._actors.pop(0)
    once._since -= 100
    once._require_life(3)  # they were there: what died is not waited for
    alone = pool_of(1, since=100)
    alone._require_life(0)


def test_actors_start_together(monkeypatch):
    """Each takes seconds to import its libraries: one after the other, the run waits for them."""
    made, heard = pool_of(0), []
    made._actors = []
    monkeypatch.setattr(pool.Pool, "_start", lambda self: self._actors.append(Starting()))

    def listen(self, refs):
        heard.append(len(self._actors))
        self._actors[-1].is_ready = True
        yield from ()

    monkeypatch.setattr(pool.Pool, "_listen", listen)
    made.begin(3)
    assert heard == [3]


class Starting(SimpleNamespace):
    is_ready = False


def test_no_rows_for_too_long_end_the_run():
    pool_of(3, heard=50)._require_life(3)
    error = refused(lambda: pool_of(3, heard=61)._require_life(3), "engine-stalled", ModelError)
    assert error.message == "no rows for 61 seconds"


def test_an_engine_that_is_not_installed_is_told_before_anything_is_loaded(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: None)
    call = partial(reportgen.predict, "m.pt2", "data", out=tmp_path / "x", engine="ray")
    assert "pip install 'ray[data]'" in refused(call, "engine-missing", ModelError).hint
    assert not (tmp_path / "x").exists()


def test_what_cannot_be_sent_to_another_process_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "find_spec", lambda name: True)
    for model, data in ((object(), "data"), ("m.pt2", [1])):
        call = partial(reportgen.predict, model, data, out=tmp_path / "x", engine="ray")
        refused(call, "option-conflict")
    call = partial(reportgen.predict, "m.pt2", "d", out=tmp_path / "x", shard="0/2", engine="ray")
    refused(call, "option-conflict")


def test_a_command_says_what_its_engine_needs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", shlex.split("reportgen predict m.pt2 d -o x --actors 3"))
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2
    assert "--actors is for --engine ray" in capsys.readouterr().err


@pytest.mark.slow
def test_no_report_and_no_import_loads_an_engine(tmp_path):
    program = (
        "import sys, reportgen, reportgen.engines\n"
        "reportgen.render('matrix.csv', out='report')\n"
        "print('ray' in sys.modules)"
    )
    (tmp_path / "matrix.csv").write_text(",cat,dog\ncat,3,1\ndog,0,2\n")
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert done.stdout.split()[-1] == "False"
