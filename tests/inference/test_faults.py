"""What goes wrong in data sets, models and workers: named, told in the report, and mendable."""

import json
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

from reportgen.api import running
from reportgen.errors import DataError, Interrupted, ModelError, Terminated, UsageError
from reportgen.inference.forward import Engine, check_first_batch
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.inference.user_code import user_traceback
from reportgen.provenance import ModelFacts


class Brightest(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) * 20


class Images(Dataset):
    """Ten samples; sample `at` is replaced by `value`."""

    def __init__(self, at=-1, value=None):
        self.at, self.value = at, value
        self.samples = [(f"/data/cat/{i}.png", i % 3) for i in range(10)]

    def __len__(self):
        return 10

    def __getitem__(self, i):
        return self.value if i == self.at else (torch.rand(3, 4, 4), i % 3)


def run(data, tmp_path, model=None, **options):
    return running.run(
        model or Brightest(), data, out=tmp_path / "out", classes=["a", "b", "c"], **options
    )


@pytest.mark.parametrize("value", [None, (None, 1), (torch.zeros(3, 4, 4), None)])
@pytest.mark.parametrize("batch_size", [1, 4])
def test_a_data_set_that_returns_none_names_the_sample(value, batch_size, tmp_path):
    with pytest.raises(ModelError) as caught:
        run(Images(5, value), tmp_path, batch_size=batch_size)
    assert caught.value.message.startswith("sample 5: the data set returned None")
    assert caught.value.slug == "loader-failed"
    assert 'it is "5.png"' in caught.value.details
    assert "torch.utils.data.Subset" in caught.value.hint


class Local(Images):
    """Holds a lambda, which workers that are spawned cannot get."""

    def __init__(self):
        super().__init__()
        self.step = lambda image: image


def test_a_lambda_that_workers_cannot_get_has_a_hint_that_works(tmp_path):
    spawned = DataLoader(Local(), num_workers=1, multiprocessing_context="spawn")
    with pytest.raises(ModelError) as caught:
        run(spawned, tmp_path)
    assert caught.value.hint == (
        "define it with def at the top of a module, or load without workers: num_workers=0"
    )
    run(DataLoader(Local(), num_workers=0), tmp_path)


def test_the_hint_for_a_sample_that_is_none_works(tmp_path):
    kept = [i for i in range(10) if i != 5]
    run(torch.utils.data.Subset(Images(5), kept), tmp_path)


@pytest.mark.parametrize(
    ("data", "model", "error"),
    [
        (Images(0), None, ModelError),
        (DataLoader(Images(), batch_size=4, shuffle=True), None, UsageError),
        (Images(), nn.Flatten(), ModelError),
    ],
    ids=["None", "shuffles", "shape"],
)
def test_a_refused_first_try_leaves_nothing_in_the_way_of_the_next(data, model, error, tmp_path):
    with pytest.raises(error):
        run(data, tmp_path, model)
    assert not (tmp_path / "out").exists()
    run(Images(), tmp_path)
    assert (tmp_path / "out/report.html").is_file()


class Overflowing(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) * torch.tensor([1.0, 2.0, float("inf")])


def test_scores_that_overflow_in_float16_name_the_way_out(tmp_path):
    with pytest.raises(DataError) as caught:
        run(Images(), tmp_path, Overflowing(), precision="float16", device="cpu")
    assert caught.value.slug == "too-many-bad"
    assert "--precision float32 --force" in caught.value.hint
    run(Images(), tmp_path, precision="float32", force=True)  # the hint, to the letter
    with pytest.raises(DataError) as caught:
        run(Images(), tmp_path / "other", Overflowing())
    assert "float32" not in caught.value.hint


def test_a_syntax_error_does_not_tell_where_the_user_lives(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text("def make(:\n")
    with pytest.raises(SyntaxError) as caught:
        compile(path.read_text(), str(path), "exec")
    told = "\n".join(user_traceback(caught.value))
    assert 'File "nets.py", line 1' in told
    assert str(tmp_path) not in told
    error = ImportError(f"cannot import name 'x' from 'nets' ({path})")
    assert user_traceback(error)[-1].endswith("cannot import name 'x' from 'nets' (nets.py)")


class LessTheMean(nn.Module):
    """Mixes the samples of a batch, and predicts the same classes all the same."""

    def __init__(self, part):
        super().__init__()
        self.part = part

    def forward(self, x):
        scores = x.mean((2, 3)) * 20
        return scores - self.part * scores.mean(0)


@pytest.mark.parametrize(("part", "told"), [(0.5, True), (0.01, True), (0.0, False)])
def test_scores_that_depend_on_the_batch_are_told_though_the_answers_agree(part, told):
    images = torch.full((8, 3, 4, 4), 0.1)
    images[:, 0] = 0.5 + torch.arange(8).reshape(8, 1, 1) / 20  # all of one class, in any batch
    engine = engine_of(LessTheMean(part))
    scores = engine.scores(images)
    notes = list(check_first_batch(engine, images, scores))
    assert ([note.code for note in notes] == ["scores-depend-on-batch"]) == told
    if told:
        assert "are scored differently" in notes[0].sentence


class Counting(nn.Module):
    """Counts the images that pass; a part of the scores is random."""

    def __init__(self, noise):
        super().__init__()
        self.noise, self.seen = noise, 0

    def forward(self, x):
        self.seen += len(x)
        return x.mean((2, 3)) + self.noise * torch.rand(len(x), 3)


@pytest.mark.parametrize(("noise", "seen"), [(0.0, 16 + 4), (1.0, 16 + 64)])
def test_a_whole_batch_runs_again_only_where_its_first_images_differ(noise, seen):
    engine = replace(engine_of(model := Counting(noise)), size=64)
    images = torch.rand(64, 3, 4, 4)
    scores, model.seen = engine.scores(images), 0
    notes = list(check_first_batch(engine, images, scores))
    assert (model.seen, engine.size) == (seen, 64)
    assert [note.code for note in notes] == ["scores-not-repeatable"] * bool(noise)


def engine_of(module):
    return Engine(
        LoadedModel(module, ModelFacts("m"), BatchSizes()), torch.device("cpu"), "float32", 3, 8
    )


def dying_once():
    """A transform that kills its worker process the first time."""
    return (
        "import os, signal, torch\n"
        "import numpy as np\n"
        "from torch.utils.data import get_worker_info\n"
        "def make(image):\n"
        "    if get_worker_info() is not None:\n"
        "        os.kill(os.getpid(), signal.SIGKILL)\n"
        "    return torch.from_numpy(np.asarray(image.convert('RGB')).copy()).permute(2, 0, 1) / "
        "255\n"
    )


def test_a_worker_that_died_is_told_in_the_report(tmp_path):
    from PIL import Image

    for name in ("a", "b", "c"):
        (tmp_path / "data" / name).mkdir(parents=True)
        for i in range(3):
            Image.new("RGB", (4, 4), (i * 40, 0, 0)).save(tmp_path / "data" / name / f"{i}.png")
    (tmp_path / "prepare.py").write_text(dying_once())
    (tmp_path / "net.py").write_text(
        "import torch\nclass Net(torch.nn.Module):\n"
        "    def forward(self, x):\n        return x.mean((2, 3)) * 20\ndef make():\n    return "
        "Net()\n"
    )
    (tmp_path / "names.txt").write_text("a\nb\nc\n")
    running.run(
        f"{tmp_path}/net.py:make", tmp_path / "data", out=tmp_path / "out", workers=1,
        classes=tmp_path / "names.txt", transform=f"{tmp_path}/prepare.py:make",
    )  # fmt: skip
    notes = json.loads((tmp_path / "out/report.json").read_text())["data_notes"]
    (told,) = [note for note in notes if note["code"] == "worker-died"]
    assert told["severity"] == "warning"
    assert "A worker process died" in told["sentence"]
    assert "no sample is missing" in (tmp_path / "out/report.html").read_text()


class Fixed(Images):
    def __getitem__(self, i):
        return torch.full((3, 4, 4), 0.1) * torch.tensor([1.0, 2.0, 3.0])[:, None, None], i % 3


def standing(folder):
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.is_file() and p.name[0] != "."}


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_predictions_change_together_with_the_report_that_is_made_of_them(
    stop, code, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    run(Fixed(), tmp_path, title="old")
    before = standing(out)

    def stopped(*_):
        raise stop

    with monkeypatch.context() as patched:
        patched.setattr(running, "write_review", stopped)
        with pytest.raises(Interrupted) as caught:
            run(Images(), tmp_path, title="new", force=True)
    assert caught.value.exit_code == code
    assert "predictions were saved" in caught.value.hint
    assert standing(out) == before
    assert (out / "predictions.partial/00000.parquet").is_file()
    run(Images(), tmp_path, title="new", force=True)
    assert not (out / "predictions.partial").exists()
    assert standing(out)["predictions.parquet"] != before["predictions.parquet"]
    assert set(standing(out)) == set(before)
