"""The loop: a fixed grid of full batches, parts that survive, and outputs read in one way."""

import threading
import time
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch

from reportgen.errors import Interrupted, ModelError, Terminated
from reportgen.inference import loop
from reportgen.inference.forward import Engine
from reportgen.inference.loop import NOT_FINITE, predict_into
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.inference.sources.batch import Batch
from reportgen.options import Options
from reportgen.predictions.parts import Parts
from reportgen.provenance import ModelFacts
from reportgen.reporter import Reporter

N_CLASSES = 3


class Images:
    """Samples 0..n-1; sample i is an image of the one value i. Some are bad, some stop the run."""

    def __init__(self, n, bad=(), stop_at=None, stop=KeyboardInterrupt):
        self.n_samples, self.bad, self.stop_at, self.stop = n, set(bad), stop_at, stop

    def batches(self, start, batch_size):
        for begin in range(start, self.n_samples, batch_size):
            if self.stop_at is not None and begin >= self.stop_at:
                raise self.stop
            indices = range(begin, min(begin + batch_size, self.n_samples))
            good = [i for i in indices if i not in self.bad]
            images = (
                torch.tensor(good, dtype=torch.float32).reshape(-1, 1, 1, 1).expand(-1, 3, 2, 2)
            )
            yield Batch(
                ids=[f"{i:04d}" for i in indices],
                labels=np.array([i % N_CLASSES for i in indices], np.int32),
                images=images if good else None,
                reasons=["is empty" if i in self.bad else None for i in indices],
                flags=np.zeros(len(indices), np.int32),
            )


def by_value(images):
    """Logits that make sample i class i % 3, not normalised, never in [0, 1]."""
    value = images[:, 0, 0, 0].long() % N_CLASSES
    return torch.nn.functional.one_hot(value, N_CLASSES).float() * 4 - 1


def engine(function=by_value, size=8, sizes=None):
    model = LoadedModel(function, ModelFacts("m"), sizes or BatchSizes())
    return Engine(model, torch.device("cpu"), "float32", N_CLASSES, size)


def go(tmp_path, source, an_engine=None, parts=None, outputs="auto", batch_size=8, reporter=None):
    parts = parts or Parts.start(tmp_path / "p.partial", {})
    predict_into(
        parts, source, an_engine or engine(), batch_size=batch_size, outputs=outputs,
        reporter=reporter or Reporter(),
    )  # fmt: skip
    return parts


def column(parts, name):
    return [v for path in parts.tables for v in pq.read_table(path)[name].to_pylist()]


def test_every_sample_is_predicted_in_order(tmp_path):
    parts = go(tmp_path, Images(21))
    assert column(parts, "id") == [f"{i:04d}" for i in range(21)]
    assert column(parts, "prediction") == [i % 3 for i in range(21)]
    assert parts.state.outputs == "logits"


def test_every_forward_pass_has_the_same_size(tmp_path):
    seen = []

    def watching(images):
        seen.append(len(images))
        return by_value(images)

    go(tmp_path, Images(21, bad=[3]), engine(watching))
    # The first batch is run twice, and its first images alone, to see whether that changes anything.
    assert [n for n in seen if n != 1] == [8] * 4
    assert seen.count(1) == 4


def test_a_program_of_one_batch_size_gets_just_that(tmp_path):
    seen = set()

    def picky(images):
        seen.add(len(images))
        return by_value(images)

    parts = go(tmp_path, Images(21), engine(picky, 3, BatchSizes.fixed(3)))
    assert seen == {3}
    assert column(parts, "prediction") == [i % 3 for i in range(21)]


def test_probabilities_of_all_classes_are_kept_where_that_is_wanted(tmp_path):
    parts = Parts.start(tmp_path / "p.partial", {})
    predict_into(
        parts, Images(20, bad=[3]), engine(), batch_size=8, outputs="auto",
        reporter=Reporter(), keep_probabilities=True,
    )  # fmt: skip
    rows = column(parts, "probabilities")
    expected = torch.softmax(torch.tensor([-1.0, 3.0, -1.0]), 0)
    assert rows[1] == pytest.approx(expected.tolist())
    assert len(rows[3]) == 3
    assert column(go(tmp_path, Images(4)), "probabilities") == [[]] * 4


def test_a_bad_image_does_not_move_the_others(tmp_path):
    parts = go(tmp_path, Images(20, bad=[0, 9, 19]))
    assert [sample.id for sample in parts.bad()] == ["0000", "0009", "0019"]
    assert column(parts, "prediction") == [-1 if i in (0, 9, 19) else i % 3 for i in range(20)]
    assert column(parts, "confidence")[9] is None


def test_a_batch_of_bad_images_alone_is_kept_too(tmp_path):
    parts = go(tmp_path, Images(20, bad=range(8)))
    assert parts.n_rows == 20
    assert len(parts.bad()) == 8


def test_scores_that_are_not_finite_make_a_sample_bad(tmp_path):
    def broken(images):
        scores = by_value(images)
        scores[images[:, 0, 0, 0] == 5] = float("nan")
        return scores

    parts = go(tmp_path, Images(20), engine(broken))
    assert [(s.id, s.reason) for s in parts.bad()] == [("0005", NOT_FINITE)]


def test_parts_are_cut_at_batches_by_rows_and_by_time(tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "PART_ROWS", 16)
    parts = go(tmp_path, Images(50))
    assert [pq.read_metadata(p).num_rows for p in parts.tables] == [16, 16, 16, 2]
    monkeypatch.setattr(loop, "PART_SECONDS", 0.0)
    parts = go(tmp_path, Images(20))
    assert [pq.read_metadata(p).num_rows for p in parts.tables] == [8, 8, 4]


@pytest.mark.parametrize(("stop", "code"), [(KeyboardInterrupt, 130), (Terminated, 143)])
def test_an_interrupted_run_keeps_what_it_has_and_goes_on(tmp_path, stop, code):
    with pytest.raises(Interrupted, match="after 16 of 50") as caught:
        go(tmp_path, Images(50, stop_at=16, stop=stop))
    assert caught.value.exit_code == code
    assert "--resume" in str(caught.value)
    again = Parts.resume(tmp_path / "p.partial", {})
    assert again.n_rows == 16
    go(tmp_path, Images(50), parts=again)
    assert column(again, "prediction") == [i % 3 for i in range(50)]


def test_a_model_that_fails_costs_nothing_that_was_predicted(tmp_path):
    def fragile(images):
        if images[0, 0, 0, 0] >= 16:
            raise RuntimeError("size mismatch somewhere\nin line two")
        return by_value(images)

    parts = Parts.start(tmp_path / "p.partial", {})
    with pytest.raises(ModelError, match="size mismatch somewhere") as caught:
        go(tmp_path, Images(50), engine(fragile), parts)
    assert caught.value.slug == "model-failed"
    assert "(8, 3, 2, 2)" in str(caught.value)
    assert Parts.resume(tmp_path / "p.partial", {}).n_rows == 16


class Pair(Engine):
    """Runs two batches at the same time."""

    concurrent = 2


def pair(function):
    return Pair(
        LoadedModel(function, ModelFacts("m")), torch.device("cpu"), "float32", N_CLASSES, 8
    )


def test_batches_that_run_at_the_same_time_keep_their_order(tmp_path):
    both = threading.Barrier(2)

    def together(images):
        value = int(images[0, 0, 0, 0])
        if len(images) == 8 and value in (8, 16):
            both.wait(timeout=30)  # returns only if both batches run at once
        if value == 24:
            time.sleep(0.05)  # and the next one is finished first
        return by_value(images)

    parts = go(tmp_path, Images(45, bad=[3, *range(32, 40)]), pair(together))
    assert column(parts, "id") == [f"{i:04d}" for i in range(45)]
    alone = go(tmp_path / "alone", Images(45, bad=[3, *range(32, 40)]))
    for name in ("prediction", "confidence", "reason"):
        np.testing.assert_array_equal(column(parts, name), column(alone, name))
    assert parts.state == alone.state


def test_batches_in_flight_are_kept_if_the_next_one_cannot_be_read(tmp_path):
    parts = Parts.start(tmp_path / "p.partial", {})
    with pytest.raises(ModelError, match="unreadable"):
        go(
            tmp_path,
            Images(80, stop_at=40, stop=ModelError("unreadable", slug="x")),
            pair(by_value),
            parts,
        )
    assert parts.n_rows == 40


def test_a_failing_batch_ends_those_after_it(tmp_path):
    def failing(images):
        if int(images[0, 0, 0, 0]) == 16:
            raise RuntimeError("broken")
        return by_value(images)

    parts = Parts.start(tmp_path / "p.partial", {})
    with pytest.raises(ModelError, match="broken"):
        go(tmp_path, Images(80), pair(failing), parts)
    assert parts.n_rows == 16


def test_out_of_memory_halves_the_batch_and_goes_on(tmp_path):
    def hungry(images):
        if len(images) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return by_value(images)

    parts = go(tmp_path, Images(21), engine(hungry))
    assert column(parts, "prediction") == [i % 3 for i in range(21)]
    assert parts.state.forward_size == 2


def test_out_of_memory_with_the_smallest_batch_is_an_error(tmp_path):
    def starving(images):
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(ModelError) as caught:
        go(tmp_path, Images(4), engine(starving))
    assert caught.value.slug == "out-of-memory"


def test_a_resumed_run_reads_outputs_as_the_first_one_decided(tmp_path):
    parts = Parts.start(tmp_path / "p.partial", {})
    parts.remember(replace(parts.state, outputs="logits"))
    go(tmp_path, Images(8), engine(lambda x: torch.softmax(by_value(x), 1)), parts)
    assert parts.state.outputs == "logits"


def test_a_batch_that_contradicts_the_first_is_an_error_that_names_the_option(tmp_path):
    def changing(images):
        scores = torch.softmax(by_value(images), 1)
        return scores * 2 if images[0, 0, 0, 0] >= 8 else scores

    with pytest.raises(ModelError, match="--outputs") as caught:
        go(tmp_path, Images(20), engine(changing))
    assert caught.value.slug == "outputs-contradict"
    assert caught.value.exit_code == 4
    assert '"0008"' in str(caught.value)
    assert Parts.resume(tmp_path / "p.partial", {}).n_rows == 8


def test_declared_probabilities_that_are_none_are_refused_at_once(tmp_path):
    with pytest.raises(ModelError) as caught:
        go(tmp_path, Images(20), outputs="probabilities")
    assert caught.value.slug == "outputs-contradict"


def test_declared_logits_that_look_like_probabilities_are_told(tmp_path):
    parts = go(
        tmp_path, Images(20), engine(lambda x: torch.softmax(by_value(x), 1)), outputs="logits"
    )
    assert [note.code for note in parts.state.notes] == ["outputs-look-normalised"]


def test_declared_percentages_are_divided_by_100(tmp_path):
    shares = engine(lambda x: torch.softmax(by_value(x), 1))
    percentages = engine(lambda x: 100 * torch.softmax(by_value(x), 1))
    options = Options.of({"outputs": "percentages"})
    parts = go(tmp_path, Images(9), percentages, outputs=options.outputs)
    (tmp_path / "other").mkdir()
    other = go(tmp_path / "other", Images(9), shares)
    assert parts.state.outputs == "percentages"
    assert column(parts, "confidence") == pytest.approx(column(other, "confidence"), rel=1e-6)


def test_declared_percentages_that_do_not_add_up_to_100_are_refused(tmp_path):
    with pytest.raises(ModelError, match="not 100") as caught:
        go(tmp_path, Images(9), engine(lambda x: 50 * torch.softmax(by_value(x), 1)),
           outputs="percentages")  # fmt: skip
    assert caught.value.slug == "outputs-contradict"


def test_the_decision_waits_for_the_first_finite_batch(tmp_path):
    def late(images):
        scores = torch.softmax(by_value(images), 1)
        scores[images[:, 0, 0, 0] < 8] = float("nan")
        return scores

    parts = go(tmp_path, Images(20), engine(late))
    assert parts.state.outputs == "probabilities"
    assert len(parts.bad()) == 8


def test_a_model_with_dropout_left_on_is_told(tmp_path):
    torch.manual_seed(0)
    parts = go(tmp_path, Images(20), engine(lambda x: by_value(x) + torch.rand(len(x), 3)))
    assert [note.code for note in parts.state.notes] == ["scores-not-repeatable"]


def test_a_model_that_mixes_the_samples_of_a_batch_is_told(tmp_path):
    def mixing(images):
        return by_value(images) - by_value(images).mean(0) * len(images)

    parts = go(tmp_path, Images(20), engine(mixing))
    assert [note.code for note in parts.state.notes] == ["scores-depend-on-batch"]


def test_where_the_scores_were_found_is_remembered(tmp_path):
    parts = go(tmp_path, Images(8), engine(lambda x: {"aux": x, "logits": by_value(x)}))
    assert "logits" in parts.state.model_notes[0]


def test_the_first_batch_alone_decides_and_a_resumed_run_keeps_what_it_told(tmp_path):
    mixing = engine(lambda x: by_value(x) - by_value(x).mean(0) * len(x))
    with pytest.raises(Interrupted):
        go(tmp_path, Images(20, stop_at=8), mixing)
    parts = go(tmp_path, Images(20), mixing, Parts.resume(tmp_path / "p.partial", {}))
    assert [note.code for note in parts.state.notes] == ["scores-depend-on-batch"]


def test_progress_counts_what_a_resumed_run_had(tmp_path):
    class Listening(Reporter):
        def __init__(self):
            self.heard = []

        def begin(self, what, total, unit="images"):
            self.heard.append(total)

        def advance(self, n):
            self.heard.append(n)

        def end(self):
            self.heard.append("end")

    with pytest.raises(Interrupted):
        go(tmp_path, Images(20, stop_at=8))
    reporter = Listening()
    go(tmp_path, Images(20), parts=Parts.resume(tmp_path / "p.partial", {}), reporter=reporter)
    assert reporter.heard == [20, 8, 8, 4, "end"]
