"""Worker processes: one that dies is replaced, one that hangs ends the run, none leaves noise."""

import os
import signal
import sys

import numpy as np
import pytest
import torch

from reportgen.errors import ModelError
from reportgen.inference.sources import folder
from reportgen.inference.sources.dataset import Sample
from reportgen.inference.sources.folder import FolderSource, collate, default_workers
from reportgen.reporter import Reporter


class Told(Reporter):
    def __init__(self):
        self.warnings = []

    def warn(self, line):
        self.warnings.append(line)


class Tensors:
    """A data set whose sample `at` does something to the process that reads it."""

    def __init__(self, n, at=None, act=None):
        self.n, self.at, self.act, self.parent = n, at, act, os.getpid()

    def __len__(self):
        return self.n

    def __getitem__(self, i):
        if i == self.at and os.getpid() != self.parent:
            self.act()
        return Sample(i, torch.full((1, 2, 2), float(i)), 0, None)


def source(dataset, workers, told=None):
    n = len(dataset)
    return FolderSource(
        dataset,
        [f"{i:03d}.png" for i in range(n)],
        np.zeros(n, np.int32),
        workers,
        told or Reporter(),
    )


def ids(batches):
    return [name for batch in batches for name in batch.ids]


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def hang():
    signal.pause()


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_in_order_whatever_the_workers(workers):
    batches = list(source(Tensors(10), workers).batches(4, 4))
    assert ids(batches) == [f"{i:03d}.png" for i in range(4, 10)]
    assert batches[0].images[:, 0, 0, 0].tolist() == [4.0, 5.0, 6.0, 7.0]


def test_a_worker_that_dies_is_replaced_by_this_process():
    told = Told()
    batches = list(source(Tensors(20, 9, die), 2, told).batches(0, 4))
    assert ids(batches) == [f"{i:03d}.png" for i in range(20)]
    assert "worker process died at or after" in told.warnings[0]
    assert "\n" not in told.warnings[0]


def test_a_source_that_dies_without_workers_is_an_error():
    error = folder._worker_failure(RuntimeError("DataLoader worker exited"), ["a", "b"])
    assert error.slug == "worker-died"
    assert "--workers 0" in str(error)


def test_a_worker_that_hangs_ends_the_run_and_is_named(monkeypatch):
    monkeypatch.setattr(folder, "WATCHDOG_SECONDS", 2.0)
    with pytest.raises(ModelError) as caught:
        list(source(Tensors(8, 1, hang), 1).batches(0, 4))
    assert caught.value.slug == "worker-hangs"
    assert '"000.png" to "003.png"' in str(caught.value)


def test_images_of_different_size_are_named_with_the_way_out():
    class Sizes(Tensors):
        def __getitem__(self, i):
            return Sample(i, torch.zeros(3, 32, 40 if i == 2 else 32), 0, None)

    with pytest.raises(ModelError, match="32x32 and 32x40") as caught:
        list(source(Sizes(4), 0).batches(0, 4))
    assert caught.value.slug == "image-sizes"
    assert '"002.png"' in str(caught.value)
    assert "--resize" in str(caught.value)


def test_a_transform_that_gives_no_tensor_ends_the_run_and_names_the_sample():
    class Broken(Tensors):
        def __getitem__(self, i):
            if i == 2:
                return Sample(i, None, 0, "it returned a str", fatal=True)
            return super().__getitem__(i)

    with pytest.raises(ModelError, match="it returned a str") as caught:
        list(source(Broken(4), 0).batches(0, 4))
    assert caught.value.slug == "transform-output"
    assert '"002.png"' in str(caught.value)


def test_a_batch_without_a_usable_image_has_none():
    collated = collate([Sample(0, None, 0, "is empty"), Sample(1, None, 0, "is empty")])
    assert collated.images is None
    assert collated.reasons == ["is empty", "is empty"]


def test_a_transform_that_cannot_be_sent_to_a_worker_is_run_here(monkeypatch):
    monkeypatch.setattr(torch.multiprocessing, "get_start_method", lambda: "spawn")
    told = Told()
    dataset = Tensors(4)
    dataset.act = lambda: None
    assert len(ids(source(dataset, 2, told).batches(0, 4))) == 4
    assert "decoding without workers" in told.warnings[0]


def test_few_images_need_no_worker(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8), raising=False)
    assert default_workers(100, "cpu") == 0
    assert default_workers(10_000, "cpu") == 2
    assert default_workers(10_000, "cuda") == 8


@pytest.mark.parametrize(
    "error", [ConnectionResetError(104, "reset"), BrokenPipeError(), EOFError()]
)
def test_a_worker_whose_parent_was_killed_says_nothing(monkeypatch, capfd, error):
    monkeypatch.setattr(folder.signal, "signal", lambda *_: None)
    monkeypatch.setattr(sys, "excepthook", sys.__excepthook__)
    folder.quiet_worker(0)
    sys.excepthook(type(error), error, None)
    assert capfd.readouterr().err == ""
    sys.excepthook(ValueError, ValueError("a fault of ours"), None)
    assert "a fault of ours" in capfd.readouterr().err
