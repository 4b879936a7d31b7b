"""The callback of Lightning, in a real ``trainer.test``."""

from __future__ import annotations

import importlib
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import reportgen
from reportgen.errors import ReportgenError
from tests.integrations.examples import example

CLASSES = ["cat", "dog", "cow"]


@pytest.fixture(scope="module", params=["lightning.pytorch", "pytorch_lightning"])
def lightning(request):
    """The library under each of its two names, as a program imports it before ours."""
    pytest.importorskip("lightning", reason="lightning is not installed")
    sys.modules.pop("reportgen.integrations.lightning", None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module(request.param)


def dataset(n=30, names=CLASSES):
    import torch
    from torch.utils.data import TensorDataset

    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(n) % 3
    images = torch.nn.functional.one_hot(labels, 3).float()
    images += 0.6 * torch.randn(n, 3, generator=generator)
    found = TensorDataset(images, labels, torch.arange(n) + 100)
    found.classes = names
    return found


def loader(data=None, **settings):
    from torch.utils.data import DataLoader

    return DataLoader(data or dataset(), batch_size=8, **settings)


def net(lightning, step):
    """A module whose ``test_step`` returns `step(logits, batch)`."""
    import torch

    class Net(lightning.LightningModule):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.tensor(3.0))

        def test_step(self, batch, batch_idx, dataloader_idx=0):
            return step(self.scale * batch[0], batch)

        def configure_optimizers(self):
            return None

    return Net()


def logits_alone(logits, batch):
    return {"loss": logits.mean(), "logits": logits}


def run_test(lightning, step, out, *loaders, settings=None, **options):
    from reportgen.integrations.lightning import ReportCallback

    callback = ReportCallback(out, **options)
    trainer = lightning.Trainer(
        accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, callbacks=[callback], default_root_dir=Path(out).parent,
        **{"devices": 1, **(settings or {})},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        trainer.test(net(lightning, step), list(loaders) or loader(), verbose=False)
    return callback


def refused(*given, **options):
    with pytest.raises(ReportgenError) as caught:
        run_test(*given, **options)
    return caught.value


def expected():
    """Accuracy and counts of the network on the data set, without Lightning."""
    images, labels, _ = dataset().tensors
    counts = np.zeros((3, 3), int)
    np.add.at(counts, (labels.numpy(), images.argmax(1).numpy()), 1)
    return counts.tolist()


@pytest.mark.extra
@pytest.mark.parametrize(
    "step",
    [
        logits_alone,
        lambda logits, batch: logits,
        lambda logits, batch: logits.bfloat16(),
        lambda logits, batch: logits.argmax(1),
        lambda logits, batch: {"preds": logits.argmax(1), "target": batch[1], "path": [
            f"{i}.png" for i in batch[2].tolist()]},
        lambda logits, batch: {"probs": logits.softmax(1).numpy(), "y": batch[1].tolist()},
    ],
)  # fmt: skip
def test_the_report_has_the_numbers_of_the_test(lightning, step, tmp_path):
    callback = run_test(lightning, step, tmp_path / "out")
    assert (tmp_path / "out/report.html").is_file()
    found = reportgen.load(tmp_path / "out/report.json")
    assert found == callback.evaluation
    assert found.confusion.counts.tolist() == expected()
    assert found.classes == tuple(CLASSES)
    assert found.provenance.model.name == "Net"


@pytest.mark.extra
def test_ids_metadata_and_options_reach_the_report(lightning, tmp_path):
    def step(logits, batch):
        return {"logits": logits, "camera": ["north" if i < 115 else "south" for i in batch[2]]}

    callback = run_test(
        lightning, step, tmp_path / "out", fail_under="accuracy=0.999", model_version="1.2"
    )
    assert list(callback.predictions["id"]) == list(range(100, 130))
    assert {part.part.text for part in callback.evaluation.slices.slices} == {"north", "south"}
    assert "DO NOT SHIP" in (tmp_path / "out/report.html").read_text()
    assert callback.evaluation.provenance.model.version == "1.2"


@pytest.mark.extra
def test_what_can_be_told_before_the_test_is_told_then(lightning, tmp_path):
    steps = []

    def step(logits, batch):
        steps.append(1)
        return logits

    for options, slug in (
        ({"gates": tmp_path / "none.toml"}, "gates-file"),
        ({"colormap": "jet"}, "colormap-refused"),
        ({"fore": True}, "option-unknown"),
        ({"date": "yesterday"}, "option-value"),
    ):
        error = refused(lightning, step, tmp_path / "out", **options)
        assert error.slug == slug
        assert not (tmp_path / "out").exists()
    run_test(lightning, logits_alone, tmp_path / "out")
    assert refused(lightning, step, tmp_path / "out").slug == "output-exists"
    assert refused(lightning, step, tmp_path / "o", loader(dataset(names=None))).slug == (
        "classes-needed"
    )
    assert steps == []
    run_test(lightning, logits_alone, tmp_path / "out", force=True)


@pytest.mark.extra
def test_a_test_step_without_predictions_is_refused_and_the_hint_works(lightning, tmp_path):
    for step, form in (
        (lambda logits, batch: logits.mean(), "one Tensor"),
        (lambda logits, batch: None, "nothing"),
        (lambda logits, batch: {"loss": logits.mean()}, 'a mapping with "loss"'),
    ):
        error = refused(lightning, step, tmp_path / "out")
        assert error.slug == "test-step"
        assert f"the test_step of Net returned {form} for batch 0" in error.message
        assert error.hint.startswith('return {"logits": logits} from test_step')
        assert not (tmp_path / "out").exists()
    run_test(lightning, lambda logits, batch: {"logits": logits}, tmp_path / "out")


@pytest.mark.extra
def test_batches_without_labels_and_rows_of_another_number_are_refused(lightning, tmp_path):
    from torch.utils.data import TensorDataset

    images = TensorDataset(dataset().tensors[0])
    images.classes = CLASSES
    error = refused(lightning, logits_alone, tmp_path / "out", loader(images))
    assert (error.slug, "batch 0 is a list of 1" in error.message) == ("test-step", True)
    error = refused(
        lightning, lambda logits, batch: {"logits": logits[:-1], "label": batch[1]}, tmp_path / "o"
    )
    assert error.message == 'batch 0 has 8 labels, and other numbers of values in "logits": 7'
    error = refused(
        lightning,
        lambda logits, batch: {"logits": logits, **({"a": batch[1]} if batch[2][0] > 110 else {})},
        tmp_path / "o",
    )
    assert error.hint == "return the same keys for every batch"


@pytest.mark.extra
def test_scores_of_another_width_and_single_labels_are_refused(lightning, tmp_path):
    def narrow(logits, batch):
        return logits[:, :2] if batch[2][0] > 110 else logits

    error = refused(lightning, narrow, tmp_path / "out")
    assert (error.slug, error.hint) == ("test-step", "return scores of all classes for every batch")
    assert error.message == (
        'test_step returned "scores" of shape (8, 2) for batch 2, and (N, 3) before'
    )

    class Samples:
        classes = CLASSES

        def __len__(self):
            return 3

        def __getitem__(self, i):
            return dataset()[i][0], dataset()[i][1]

    from torch.utils.data import DataLoader

    alone = DataLoader(Samples(), batch_size=None)  # samples, not batches
    error = refused(lightning, lambda logits, batch: logits[None], tmp_path / "out", alone)
    assert error.slug == "test-step"
    assert 'batch 0 has one "label", and not one for each sample' in error.message
    run_test(
        lightning,
        lambda logits, batch: {"logits": logits[None], "label": batch[1].reshape(1)},
        tmp_path / "out",
        alone,
    )


@pytest.mark.extra
def test_several_loaders_and_a_loader_that_shuffles_without_ids_are_refused(lightning, tmp_path):
    error = refused(lightning, logits_alone, tmp_path / "out", loader(), loader())
    assert (error.slug, "2 data loaders" in error.message) == ("test-loaders", True)
    pairs = dataset()
    pairs.tensors = pairs.tensors[:2]
    error = refused(lightning, logits_alone, tmp_path / "out", loader(pairs, shuffle=True))
    assert error.slug == "loader-shuffles"
    run_test(lightning, logits_alone, tmp_path / "out", loader(shuffle=True))


@pytest.mark.extra
def test_predictions_outlive_a_report_that_fails(lightning, tmp_path, monkeypatch):
    from reportgen.integrations import lightning as ours

    def full(*_, **__):
        raise OSError("disk full")

    monkeypatch.setattr(ours, "render", full)
    callback = ours.ReportCallback(tmp_path / "out")
    monkeypatch.setattr(ours, "ReportCallback", lambda *_, **__: callback)
    with pytest.raises(OSError, match="disk full"):
        run_test(lightning, logits_alone, tmp_path / "out")
    found = reportgen.render(callback.predictions, out=tmp_path / "out", classes=CLASSES)
    assert found.confusion.counts.tolist() == expected()


@pytest.mark.extra
def test_the_example_of_the_documents_runs(lightning, tmp_path, monkeypatch):
    import torch
    from torch.utils.data import TensorDataset

    monkeypatch.chdir(tmp_path)
    call, step = example("Lightning")
    labels = torch.arange(20) % 2
    images = labels[:, None, None, None].float().expand(20, 3, 4, 4)
    module = net(lightning, logits_alone)
    module.network = lambda images: torch.stack(
        [-images.mean((1, 2, 3)), images.mean((1, 2, 3)) - 0.5], 1
    )
    names = {"module": module, "test_loader": loader(TensorDataset(images, labels))}
    exec(step, names)
    type(module).test_step = names["test_step"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(call.replace("lightning.pytorch", lightning.__name__), names)
    found = names["callback"].evaluation
    assert found.n_samples == 20
    assert [part.column for part in found.slices.slices][:1] == ["brightness"]
    assert (tmp_path / "report-lightning/report.html").is_file()


PROCESSES = """
import sys, warnings
warnings.simplefilter("ignore")
sys.path.insert(0, {root!r})
from tests.integrations import test_lightning as t
import lightning.pytorch
if __name__ == "__main__":
    ids = {ids}
    step = (lambda logits, batch: {{"logits": logits, **({{"id": batch[2]}} if ids else {{}})}})
    data = t.dataset(31)
    if not ids:
        data.tensors = data.tensors[:2]
    try:
        t.run_test(lightning.pytorch, step, {out!r}, t.loader(data), settings={{"devices": 2, "strategy": "ddp"}})
    except t.ReportgenError as error:
        assert error.slug == "test-processes"
        raise
"""


@pytest.mark.extra
@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="two processes of gloo")
@pytest.mark.parametrize("ids", [True, False])
def test_two_processes_write_one_report_of_every_sample_once(ids, tmp_path):
    import subprocess

    pytest.importorskip("lightning", reason="lightning is not installed")
    root = str(Path(__file__).resolve().parents[2])
    script = tmp_path / "script.py"
    script.write_text(PROCESSES.format(root=root, out=str(tmp_path / "out"), ids=ids))
    done = subprocess.run(
        [sys.executable, str(script)], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=240,
    )  # fmt: skip
    if ids:
        assert done.returncode == 0, done.stderr
        found = reportgen.load(tmp_path / "out/report.json")
        assert found.n_samples == 31
    else:
        assert done.returncode != 0
        assert "the test runs in 2 processes, and its samples have no ids" in done.stderr
        assert "AssertionError" not in done.stderr
        assert not (tmp_path / "out").exists()


def test_without_lightning_the_error_says_how_to_get_it(monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "reportgen.integrations.lightning", raising=False)
    with pytest.raises(ReportgenError) as caught:
        importlib.import_module("reportgen.integrations.lightning")
    assert caught.value.slug == "lightning-missing"
    assert caught.value.hint == "install it: pip install lightning"
