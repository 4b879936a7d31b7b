"""A subset of the classes: scores restricted and renormalised, and the protocol said."""

import json

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss

import reportgen
from reportgen.errors import DataError, UsageError

NAMES = ["ant", "bee", "cat", "dog", "eel"]
RNG = np.random.default_rng(11)
N = 400
LABELS = RNG.integers(0, 5, N)
LOGITS = RNG.normal(size=(N, 5)) + 1.5 * np.eye(5)[LABELS]


def softmax(z):
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def table(scores=LOGITS, name="logits"):
    return {"label": np.array(NAMES)[LABELS], name: scores, "id": [f"i{k}" for k in range(N)]}


@pytest.mark.parametrize("name", ["logits", "probabilities"])
def test_scores_are_restricted_and_renormalised(name):
    kept = [1, 3, 4]
    scores = LOGITS if name == "logits" else softmax(LOGITS)
    found = reportgen.load(table(scores, name), classes=NAMES, subset_classes=["eel", "bee", "dog"])
    inside = np.isin(LABELS, kept)
    p = softmax(LOGITS[inside][:, kept])
    truth = np.searchsorted(kept, LABELS[inside])
    assert found.classes == ("bee", "dog", "eel")
    assert found.n_samples == inside.sum()
    expected = accuracy_score(truth, p.argmax(axis=1))
    assert found.summary["accuracy"].value == pytest.approx(expected)
    assert found.summary["log_loss"].value == pytest.approx(log_loss(truth, p))
    assert found.samples.excluded == {"class outside the subset": N - inside.sum()}
    note = next(n for n in found.notes if n.code == "subset-classes")
    assert note.severity == "warning"
    assert "3 of the 5 classes" in note.sentence
    assert "renormalised" in note.sentence


def test_files_and_names_with_commas_are_read(tmp_path):
    path = tmp_path / "subset.txt"
    path.write_text("bee\ndog\n")
    for given in (path, str(path), "bee,dog", ("bee", "dog")):
        found = reportgen.load(table(), classes=NAMES, subset_classes=given)
        assert found.classes == ("bee", "dog")


def test_all_classes_are_no_other_figures():
    whole = reportgen.load(table(), classes=NAMES)
    found = reportgen.load(table(), classes=NAMES, subset_classes=NAMES)
    assert found.confusion == whole.confusion
    for name in ("log_loss", "ece", "macro_roc_auc", "brier_score"):
        assert found.summary[name].value == pytest.approx(whole.summary[name].value)


def test_independent_scores_are_restricted_alone():
    s = 1 / (1 + np.exp(-LOGITS))
    given = {"classes": NAMES, "outputs": "one-vs-rest", "subset_classes": ["bee", "dog"]}
    found = reportgen.load(table(s, "scores"), **given)
    inside = np.isin(LABELS, [1, 3])
    right = s[inside][:, [1, 3]].argmax(axis=1) == (LABELS[inside] == 3)
    assert found.summary["accuracy"].value == pytest.approx(right.mean())
    assert "renormalised" not in next(n for n in found.notes if n.code == "subset-classes").sentence


def test_both_sides_of_a_comparison_are_restricted():
    other = table(LOGITS + RNG.normal(size=LOGITS.shape) / 9)
    given = {"classes": NAMES, "subset_classes": ["bee", "dog"]}
    found = reportgen.compare(table(), other, **given)
    assert found.candidate.classes == found.baseline.classes == ("bee", "dog")
    assert found.paired.n == np.isin(LABELS, [1, 3]).sum()


def test_the_page_and_the_json_state_the_protocol(tmp_path):
    reportgen.render(table(), out=tmp_path / "o", classes=NAMES, subset_classes=["bee", "dog"])
    found = json.loads((tmp_path / "o" / "report.json").read_text())
    assert (
        found["provenance"]["inference"]["subset of classes"] == "2 of 5 classes (subset_classes=)"
    )
    assert "restricted to 2 of 5 classes" in found["provenance"]["read_as"]
    page = (tmp_path / "o" / "report.html").read_text("utf-8")
    assert "Protocol: 2 of the 5 classes are evaluated" in page


@pytest.mark.parametrize(
    ("given", "kind", "slug"),
    [
        (["bee", "dg"], DataError, "subset-unknown"),
        (["bee"], UsageError, "subset-single"),
        (["bee", "bee"], UsageError, "subset-single"),
    ],
)
def test_what_can_not_be_meant_is_refused(given, kind, slug):
    with pytest.raises(kind) as caught:
        reportgen.load(table(), classes=NAMES, subset_classes=given)
    assert caught.value.slug == slug


def test_a_name_that_is_none_has_its_closest_named():
    with pytest.raises(DataError) as caught:
        reportgen.load(table(), classes=NAMES, subset_classes="bee,dgo")
    assert 'the closest is "dog"' in caught.value.message


def test_predictions_without_scores_are_refused():
    with pytest.raises(DataError) as caught:
        reportgen.load({"label": NAMES, "prediction": NAMES}, subset_classes=["bee", "dog"])
    assert caught.value.slug == "subset-scores"


def test_a_matrix_is_refused():
    with pytest.raises(UsageError) as caught:
        reportgen.load(np.eye(3, dtype=int), subset_classes=["0", "1"])
    assert caught.value.slug == "option-conflict"


def test_a_sample_without_any_probability_left_is_refused():
    scores = np.array([[1.0, 0, 0], [0, 0.5, 0.5], [0, 1, 0]])
    given = {"label": [1, 1, 2], "probabilities": scores}
    with pytest.raises(DataError) as caught:
        reportgen.load(given, subset_classes=["1", "2"])
    assert caught.value.slug == "subset-zero"


def test_a_run_is_restricted_too(tmp_path):
    import torch

    torch.manual_seed(0)
    images = torch.rand(60, 1, 4, 4)
    labels = torch.arange(60) % 5
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 5)).eval()
    loader = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(images, labels), batch_size=20
    )
    out = tmp_path / "o"
    found = reportgen.run(model, loader, out=out, classes=NAMES, subset_classes=["bee", "dog"])
    inside = np.isin(labels.numpy(), [1, 3])
    with torch.no_grad():
        best = model(images).numpy()[inside][:, [1, 3]].argmax(axis=1)
    assert found.classes == ("bee", "dog")
    right = (best == (labels.numpy()[inside] == 3)).mean()
    assert found.summary["accuracy"].value == pytest.approx(right)
    assert "subset-classes" in {note.code for note in found.notes}
    again = reportgen.load(out / "predictions.parquet", subset_classes="bee,dog")
    assert again.confusion == found.confusion
