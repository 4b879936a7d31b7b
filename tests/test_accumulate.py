"""A counter that is fed batch by batch counts what the whole would count."""

import pickle

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import reportgen
from reportgen.confusion_counter import ConfusionCounter, as_array, is_missing
from reportgen.confusion_matrix import ConfusionMatrix
from reportgen.errors import DataError, ReportgenError

RNG = np.random.default_rng(5)
TRUE, PREDICTED = RNG.integers(0, 4, 300), RNG.integers(0, 4, 300)
WHOLE = ConfusionMatrix.from_labels(TRUE, PREDICTED, 4)


def batches(size=37):
    for start in range(0, len(TRUE), size):
        yield TRUE[start : start + size], PREDICTED[start : start + size]


@pytest.mark.parametrize(
    "convert",
    [np.asarray, list, tuple, torch.tensor, pd.Series, lambda a: a.astype(np.uint8),
     lambda a: torch.tensor(a, dtype=torch.int32), lambda a: torch.tensor(a).requires_grad_(False)],
)  # fmt: skip
def test_batches_of_any_kind_add_up_to_the_whole(convert):
    counter = ConfusionCounter(4)
    for true, predicted in batches():
        counter.update(convert(true), convert(predicted))
    assert counter.compute() == WHOLE
    assert counter.compute() == WHOLE
    counter.update([0], [1])
    assert counter.compute().n_samples == 301


def test_the_classes_may_have_names():
    counter = ConfusionCounter(["cat", "dog"])
    counter.update([0, 1, 1], [0, 0, 1])
    assert counter.classes == ("cat", "dog")
    assert counter.compute().counts.tolist() == [[1, 0], [1, 1]]


@settings(deadline=None)
@given(
    st.lists(st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), max_size=5), max_size=6),
    st.randoms(),
)
def test_counters_add_up_in_any_order_and_grouping(parts, random):
    def counted(pairs):
        counter = ConfusionCounter(3)
        counter.update([t for t, _ in pairs], [p for _, p in pairs])
        return counter

    expected = counted([pair for part in parts for pair in part])
    counters = [counted(part) for part in parts]
    random.shuffle(counters)
    total = sum(counters, ConfusionCounter(3))
    assert total == expected
    assert total + ConfusionCounter(3) == total
    middle = len(counters) // 2
    left, right = (
        sum(half, ConfusionCounter(3)) for half in (counters[:middle], counters[middle:])
    )
    left += right
    assert left == total


def test_adding_leaves_the_summands_as_they_were():
    a, b = ConfusionCounter(2), ConfusionCounter(2)
    a.update([0], [0])
    b.update([1], [0])
    _ = a + b
    a.update([1], [1])
    assert (a + b).compute().counts.tolist() == [[1, 0], [1, 1]]
    assert b.compute().n_samples == 1


@pytest.mark.parametrize("n_classes", [4, 3000])
def test_a_counter_travels_between_processes_and_goes_on(n_classes):
    counter = ConfusionCounter(n_classes)
    counter.update(TRUE, PREDICTED)
    copy = pickle.loads(pickle.dumps(counter))
    assert copy == counter
    assert copy.classes == counter.classes
    copy.update([0], [0])
    assert copy.compute().n_samples == counter.compute().n_samples + 1


def test_many_classes_are_counted_without_a_dense_table(monkeypatch):
    monkeypatch.setattr("reportgen.confusion_matrix._PENDING", 50)
    counter = ConfusionCounter(100_000)
    true, predicted = RNG.integers(0, 100_000, 500), RNG.integers(0, 100_000, 500)
    for start in range(0, 500, 20):
        counter.update(true[start : start + 20], predicted[start : start + 20])
    assert counter.compute() == ConfusionMatrix.from_labels(true, predicted, 100_000)


def test_a_counter_can_start_again():
    counter = ConfusionCounter(4)
    counter.update(TRUE, PREDICTED)
    counter.reset()
    assert counter.compute() == ConfusionMatrix.empty(4)
    assert repr(counter) == "<ConfusionCounter: 4 classes>"


@pytest.mark.parametrize(
    ("labels", "predictions", "slug"),
    [
        ([0, 4], [0, 0], "label-out-of-range"),
        ([0, -1], [0, 0], "label-out-of-range"),
        ([0, 1], [0, 9], "prediction-out-of-range"),
        ([0, 1], [0], "length-mismatch"),
        ([0.5, 1.0], [0, 0], "indices-not-integers"),
        ([0, 1], torch.zeros(2, 4), "indices-shape"),
        (torch.zeros(2), [0, 1], "indices-not-integers"),
    ],
)
def test_a_batch_with_a_fault_is_refused_and_not_counted(labels, predictions, slug):
    counter = ConfusionCounter(4)
    with pytest.raises(DataError) as caught:
        counter.update(labels, predictions)
    assert caught.value.slug == slug
    assert counter.compute().n_samples == 0


def test_counters_of_other_classes_do_not_add_up():
    with pytest.raises(DataError, match="different classes") as caught:
        ConfusionCounter(["a", "b"]) + ConfusionCounter(["b", "a"])
    assert caught.value.slug == "counts-differ"
    with pytest.raises(TypeError):
        ConfusionCounter(2) + 1
    assert ConfusionCounter(["a", "b"]) != ConfusionCounter(["b", "a"])


@pytest.mark.parametrize(
    ("classes", "slug"), [(0, "classes-empty"), (["a", "a"], "classes-duplicate")]
)
def test_classes_must_be_some_and_different(classes, slug):
    with pytest.raises(DataError) as caught:
        ConfusionCounter(classes)
    assert caught.value.slug == slug


def test_a_data_frame_is_counted_as_crosstab_counts_it():
    frame = pd.DataFrame({"y": ["b", "NA", "b"], "p": ["b", "b", "c"]})
    counter = ConfusionCounter.from_frame(frame, "y", "p")
    assert counter.classes == ("NA", "b", "c")
    table = pd.crosstab(frame["y"], frame["p"]).reindex(
        index=counter.classes, columns=counter.classes, fill_value=0
    )
    assert counter.compute().counts.tolist() == table.to_numpy().tolist()
    given = ConfusionCounter.from_frame(frame, "y", "p", classes=["c", "b", "NA", "d"])
    assert given.compute().count(true=2, predicted=1) == 1


@pytest.mark.parametrize(
    ("frame", "classes", "slug"),
    [
        ({"y": ["a", None], "p": ["a", "a"]}, None, "label-empty"),
        ({"y": ["a", pd.NA], "p": ["a", "a"]}, None, "label-empty"),
        ({"y": ["a", ""], "p": ["a", "a"]}, None, "label-empty"),
        ({"y": ["a", "b"], "p": ["a", "a"]}, ["a"], "label-unknown"),
        ({"y": ["a"], "q": ["a"]}, None, "table-columns"),
    ],
)
def test_a_data_frame_with_a_fault_is_refused(frame, classes, slug):
    with pytest.raises(DataError) as caught:
        ConfusionCounter.from_frame(pd.DataFrame(frame), "y", "p", classes)
    assert caught.value.slug == slug


def test_what_is_missing_is_known_in_every_spelling():
    assert all(map(is_missing, [None, float("nan"), pd.NA, pd.NaT, np.nan]))
    assert not any(map(is_missing, [0, "", "nan", False]))


def test_tensors_become_arrays_without_rounding():
    assert as_array(torch.tensor([1.5], dtype=torch.bfloat16)).tolist() == [1.5]
    assert as_array(torch.tensor([2], requires_grad=False)).dtype == np.int64


class Cuda:
    """A CPU tensor that says that it lives on a CUDA device: the same arithmetic, without one."""

    def __init__(self, tensor):
        self.tensor, self.device, self.dtype = tensor, torch.device("cuda"), tensor.dtype
        self.ndim = tensor.ndim

    def __len__(self):
        return len(self.tensor)

    def is_floating_point(self):
        return self.tensor.is_floating_point()

    def is_complex(self):
        return self.tensor.is_complex()

    def detach(self):
        return self.tensor

    @property
    def shape(self):
        return self.tensor.shape

    def new_zeros(self, *size, dtype):
        return self.tensor.new_zeros(*size, dtype=dtype)

    def long(self):
        return self.tensor.long()


def cuda(values, **more):
    if torch.cuda.is_available():
        return torch.tensor(values, device="cuda", **more)
    return Cuda(torch.tensor(values, **more))


def test_what_is_on_a_device_is_counted_there():
    counter = ConfusionCounter(4)
    for true, predicted in batches():
        counter.update(cuda(true), cuda(predicted, dtype=torch.int32))
    if torch.cuda.is_available():
        assert counter._counted.n_samples == 0
    assert counter.compute() == WHOLE
    counter.update(cuda([0]), cuda([1]))
    counter.update([0], [1])
    assert pickle.loads(pickle.dumps(counter)).compute().n_samples == 302


def test_counting_may_begin_in_inference_mode_and_go_on_outside(monkeypatch):
    monkeypatch.setattr("reportgen.confusion_counter._on_device", lambda value: True)
    counter = ConfusionCounter(4)
    with torch.inference_mode():
        counter.update(torch.tensor([0, 1]), torch.tensor([0, 2]))
    counter.update(torch.tensor([3]), torch.tensor([3]))
    assert counter._counted.n_samples == 0
    assert counter.compute().count(true=1, predicted=2) == 1
    assert counter.compute().n_samples == 3


def test_a_class_that_is_none_on_a_device_is_found_when_the_counts_are_asked_for():
    counter = ConfusionCounter(4)
    counter.update(cuda([0, 4, -1, 2]), cuda([0, 0, 0, 7]))
    for _ in range(2):
        with pytest.raises(DataError, match=r"3 samples have a label or prediction outside 0\.\.3"):
            counter.compute()
    counter.reset()
    assert counter.compute().n_samples == 0


@pytest.mark.parametrize(
    ("labels", "predictions", "slug"),
    [
        ([0], [[0]], "indices-shape"),
        ([0.5], [0], "indices-not-integers"),
        ([0, 1], [0], "length-mismatch"),
    ],
)
def test_shapes_and_types_on_a_device_are_checked_at_once(labels, predictions, slug):
    with pytest.raises(DataError) as caught:
        ConfusionCounter(4).update(cuda(labels), cuda(predictions))
    assert caught.value.slug == slug


def test_a_loop_of_tensors_needs_only_the_package():
    """The example of the documents: nothing of a prediction is kept, and a report comes of it."""
    counter = reportgen.ConfusionCounter(["cat", "dog"])
    for true, scores in (([0, 1], [[3.0, 1.0], [2.0, 0.0]]), ([1], [[0.0, 1.0]])):
        counter.update(torch.tensor(true), torch.tensor(scores).argmax(dim=1))
    assert counter.compute().counts.tolist() == [[1, 0], [1, 1]]
    evaluation = reportgen.load(counter)
    assert evaluation.classes == ("cat", "dog")
    assert evaluation.confusion == counter.compute()
    assert evaluation.provenance.kind == "confusion matrix"


def test_counters_and_matrices_are_loaded_alike():
    counter = reportgen.ConfusionCounter(4)
    counter.update(TRUE, PREDICTED)
    sources = (counter, pickle.loads(pickle.dumps(counter)), WHOLE, WHOLE.counts)
    evaluations = [reportgen.load(source, classes=list("abcd")) for source in sources]
    assert all(found.confusion == WHOLE for found in evaluations)
    assert {found.classes for found in evaluations} == {tuple("abcd")}
    assert reportgen.load(counter).classes == tuple("0123")
    notes = {note.code for note in reportgen.load(WHOLE).notes}
    assert "classes-numbered" in notes


def test_options_of_a_loaded_counter_must_fit_it():
    counter = ConfusionCounter(["a", "b"])
    counter.update([0, 1], [0, 0])
    for options, slug in (
        ({"classes": ["a", "b", "c"]}, "classes-differ"),
        ({"classes": ["a", "x"]}, "classes-differ"),
        ({"rows": "predicted"}, "option-conflict"),
    ):
        with pytest.raises(ReportgenError) as caught:
            reportgen.load(counter, **options)
        assert caught.value.slug == slug
    with pytest.raises(DataError) as caught:
        reportgen.load(ConfusionCounter(2))
    assert caught.value.slug == "no-samples"


def test_a_counter_of_many_classes_is_never_dense():
    counter = ConfusionCounter(50_000)
    counter.update([0, 7, 49_999], [0, 8, 49_999])
    assert reportgen.load(counter).confusion.n_samples == 3


def test_a_counter_is_rendered(tmp_path):
    counter = ConfusionCounter(["cat", "dog"])
    counter.update([0, 1, 1], [0, 0, 1])
    evaluation = reportgen.render(counter, out=tmp_path / "o", model_name="epoch 12")
    assert evaluation.provenance.model.name == "epoch 12"
    assert (tmp_path / "o/report.html").is_file()
