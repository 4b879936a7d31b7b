"""Reports of what the Trainer of Transformers and Keras return."""

from __future__ import annotations

import warnings
from types import SimpleNamespace

import numpy as np
import pytest

import reportgen
from reportgen.errors import DataError
from reportgen.integrations.transformers import report_from_prediction_output
from tests.integrations.examples import example

CLASSES = {0: "cat", 1: "dog", 2: "cow"}
N = 24


class Images:
    """Labelled images in three shades, as the Trainer takes data sets."""

    def __init__(self, labelled=True):
        self.labelled = labelled

    def __len__(self):
        return N

    def __getitem__(self, i):
        import torch

        generator = torch.Generator().manual_seed(i)
        pixels = torch.full((3, 8, 8), i % 3 - 1.0) + torch.randn(3, 8, 8, generator=generator)
        return {"pixel_values": pixels, **({"labels": i % 3} if self.labelled else {})}


@pytest.fixture(scope="module")
def predicted(tmp_path_factory):
    """``trainer.predict`` of a small vision transformer; options go to the Trainer."""
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    import torch
    from transformers import Trainer, TrainingArguments, ViTConfig, ViTForImageClassification

    torch.manual_seed(0)
    model = ViTForImageClassification(
        ViTConfig(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
            image_size=8, patch_size=4, id2label=CLASSES,
        )
    )  # fmt: skip
    folder = str(tmp_path_factory.mktemp("trainer"))

    def predict(data=None, settings=None, **options):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            arguments = TrainingArguments(
                folder, use_cpu=True, report_to=[], disable_tqdm=True, **(settings or {})
            )
            trainer = Trainer(model, arguments, **options)
            return model, trainer.predict(Images() if data is None else data)

    return predict


@pytest.mark.extra
def test_the_report_has_the_numbers_of_the_trainer(predicted, tmp_path):
    def accuracy(one):
        return {"accuracy": float((one.predictions.argmax(1) == one.label_ids).mean())}

    model, output = predicted(compute_metrics=accuracy)
    found = report_from_prediction_output(
        output, out=tmp_path / "out", classes=model.config.id2label, ids=[f"{i}.png" for i in range(N)]
    )  # fmt: skip
    assert found.summary["accuracy"].value == pytest.approx(output.metrics["test_accuracy"])
    assert found.classes == ("cat", "dog", "cow")
    assert found.summary["log_loss"].value == pytest.approx(output.metrics["test_loss"], rel=1e-4)
    assert reportgen.load(tmp_path / "out") == found


@pytest.mark.extra
def test_the_example_of_the_documents_runs(predicted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (block,) = example("Transformers Trainer")
    model, output = predicted()
    exec(
        block,
        {
            "model": model,
            "test_data": Images(),
            "trainer": SimpleNamespace(predict=lambda _: output),
        },
    )
    assert reportgen.load("report-trainer").classes == ("cat", "dog", "cow")


@pytest.mark.extra
def test_class_indices_of_a_preprocessing_are_predictions(predicted, tmp_path):
    whole = report_from_prediction_output(
        predicted()[1], out=tmp_path / "a", classes=list(CLASSES.values())
    )
    _, output = predicted(preprocess_logits_for_metrics=lambda logits, labels: logits.argmax(-1))
    assert output.predictions.shape == (N,)
    found = report_from_prediction_output(
        output, out=tmp_path / "b", classes=list(CLASSES.values())
    )
    assert found.confusion == whole.confusion


@pytest.mark.extra
def test_logits_are_found_beside_hidden_states(predicted, tmp_path):
    model, output = predicted()
    model.config.output_hidden_states = True
    try:
        _, beside = predicted()
    finally:
        model.config.output_hidden_states = False
    assert isinstance(beside.predictions, tuple)
    found = report_from_prediction_output(beside, out=tmp_path / "out", classes=CLASSES)
    plain = report_from_prediction_output(output, out=tmp_path / "plain", classes=CLASSES)
    assert found.confusion == plain.confusion


@pytest.mark.extra
def test_a_data_set_without_labels_is_refused(predicted, tmp_path):
    _, output = predicted(Images(labelled=False))
    with pytest.raises(DataError, match="has no label_ids") as caught:
        report_from_prediction_output(output, out=tmp_path / "out", classes=CLASSES)
    assert caught.value.slug == "prediction-output"
    assert not (tmp_path / "out").exists()


def output(predictions, labels):
    return SimpleNamespace(predictions=predictions, label_ids=labels)


LABELS = np.array([0, 1, 2, 1])
LOGITS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0]] * 2.5


def test_samples_that_losses_leave_out_are_counted_and_left_out(tmp_path):
    labels = np.array([0, -100, 2, 1])
    found = report_from_prediction_output(
        output(LOGITS, labels), out=tmp_path / "out", classes=CLASSES
    )
    assert (found.n_samples, found.samples.found) == (3, 4)
    assert sum({**found.samples.excluded, **found.samples.skipped}.values()) == 1


def test_without_names_the_classes_are_called_by_their_indices(tmp_path):
    found = report_from_prediction_output(output(LOGITS, LABELS[:, None]), out=tmp_path / "out")
    assert found.classes == ("0", "1", "2")
    assert found.summary["accuracy"].value == 0.75


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (output(np.zeros((4, 7, 3)), np.zeros((4, 7), int)), "label_ids have the shape (4, 7)"),
        (output(LOGITS, np.eye(3)[LABELS]), "label_ids have the shape (4, 3)"),
        (output(np.zeros((4, 7, 3)), LABELS), "the predictions have the shape (4, 7, 3) for 4"),
        (output(np.zeros((4, 1)), LABELS), "the predictions have the shape (4, 1) for 4"),
        (output((LOGITS, LOGITS), LABELS), "the predictions have the shape (4, 3), (4, 3) for 4"),
        (output(LOGITS[:3], LABELS), "the predictions have the shape (3, 3) for 4"),
        (output(None, LABELS), "the predictions have the shape nothing"),
        (output(LOGITS, (LABELS, LABELS)), "label_ids are 2 arrays"),
        (SimpleNamespace(), "the SimpleNamespace has no label_ids"),
    ],
)
def test_what_is_no_classification_of_whole_samples_is_refused(given, message, tmp_path):
    with pytest.raises(DataError) as caught:
        report_from_prediction_output(given, out=tmp_path / "out", classes=CLASSES)
    assert caught.value.slug == "prediction-output"
    assert message in caught.value.message
    assert not (tmp_path / "out").exists()


def test_names_with_a_gap_are_refused(tmp_path):
    with pytest.raises(DataError, match="no name for class 1"):
        report_from_prediction_output(
            output(LOGITS, LABELS), out=tmp_path / "out", classes={0: "cat", 2: "cow", 3: "owl"}
        )


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore:__array__:DeprecationWarning")  # of Keras, beside NumPy 2
def test_arrays_of_keras_are_loaded(monkeypatch, tmp_path):
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras", reason="keras is not installed")
    rng = np.random.default_rng(0)
    y_test = rng.integers(0, 3, 40)
    x_test = np.eye(3, dtype=np.float32)[y_test] + rng.normal(0, 0.4, (40, 3)).astype(np.float32)
    model = keras.Sequential([keras.Input((3,)), keras.layers.Softmax()])
    monkeypatch.chdir(tmp_path)
    (block,) = example("Keras")
    exec(block, {"model": model, "x_test": x_test, "y_test": y_test, "reportgen": reportgen})
    found = reportgen.load("report-keras")
    hits = (x_test.argmax(1) == y_test).mean()
    assert found.summary["accuracy"].value == pytest.approx(hits)
    assert found.summary["ece"].value is not None
