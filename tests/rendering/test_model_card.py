"""model-card.md: front matter that Hugging Face's library reads, and the summary below it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import yaml

import reportgen
from reportgen.provenance import ModelFacts, Provenance
from reportgen.rendering.markdown import marker, render_summary
from reportgen.rendering.model_card import render_model_card
from reportgen.report import build_report
from reportgen.text import printable
from tests.factories import make_evaluation
from tests.rendering.reports import NAMES

URL = "https://example.org/reports/42"


def evaluation(counts=((8, 2), (1, 9)), **facts):
    made = {"model": ModelFacts(name="net", version="1.2"), "data_name": "Cats & Dogs", "split": "test", **facts}  # fmt: skip
    return make_evaluation(
        [list(row) for row in counts], ("cat", "dog"), provenance=Provenance("inference", **made)
    )


def card(found, url=URL):
    return render_model_card(build_report(found), found, url)


def front_matter(text):
    _, head, _ = text.split("---\n", 2)
    return yaml.safe_load(head)["model-index"]


def test_the_front_matter_gives_model_data_and_metrics():
    found = evaluation()
    [model] = front_matter(card(found))
    assert model == {
        "name": "net 1.2",
        "results": [{
            "task": {"type": "image-classification", "name": "Image Classification"},
            "dataset": {"type": "cats-dogs", "name": "Cats & Dogs", "split": "test"},
            "metrics": [
                {"type": "accuracy", "name": "Accuracy", "value": 0.85},
                {"type": "f1", "name": "Macro F1", "value": found.summary["macro_f1"].value,
                 "args": {"average": "macro"}},
            ],
            "source": {"name": "Evaluation report", "url": URL},
        }],
    }  # fmt: skip


def test_the_body_is_the_summary_without_its_marker():
    found = evaluation()
    report = build_report(found)
    body = card(found).split("\n---\n\n", 1)[1]
    assert f"{body}\n{marker('default')}\n" == render_summary(report, url=URL)


def test_names_that_are_not_known_and_numbers_that_are_undefined():
    nothing = evaluation(model=ModelFacts(name=""), data_name="", split="")
    gone = replace(nothing.summary["macro_f1"], value=None, interval=None, reason="no_samples")
    nothing = replace(nothing, summary={**nothing.summary, "macro_f1": gone})
    [model] = front_matter(card(nothing, ""))
    [result] = model["results"]
    assert model["name"] == "not named"
    assert result["dataset"] == {"type": "not-named", "name": "not named"}
    assert [metric["type"] for metric in result["metrics"]] == ["accuracy"]
    assert "source" not in result


@pytest.mark.parametrize(
    "counts", [((5, 9_999_995), (0, 0)), ((10, 0), (0, 10)), ((0, 10), (10, 0))]
)
def test_a_number_stays_a_number_however_small(counts):
    found = evaluation(counts)
    [result] = front_matter(card(found))[0]["results"]
    value = result["metrics"][0]["value"]
    assert (type(value), value) == (float, found.summary["accuracy"].value)


HOSTILE = (
    *NAMES,
    "---",
    "a\n---\nlicense: mit",
    "\ufffe",
    "x: 5e-05,",
    "\\u00005",
    "\x00",
    "\x7f",
    "\ud800",
)


def test_hostile_names_neither_end_the_front_matter_nor_add_to_it():
    for name in HOSTILE:
        text = card(evaluation(model=ModelFacts(name=name), data_name=name, split=name))
        head, body = text.removeprefix("---\n").split("\n---\n\n", 1)
        assert body.startswith("## ")
        whole = yaml.safe_load(head)
        assert set(whole) == {"model-index"}
        [model] = whole["model-index"]
        [result] = model["results"]
        shown = printable(name)
        assert model["name"] == result["dataset"]["name"] == result["dataset"]["split"] == shown


def test_the_option_writes_the_card_with_public_names_too(tmp_path):
    (tmp_path / "t.csv").write_text("id,label,prediction\nsecret/1.png,a,a\n2,b,a\n3,b,b\n")
    reportgen.render(
        tmp_path / "t.csv", out=tmp_path / "out", model_card=True, public=True, report_url=URL,
        model_name="net", data_name="pets",
    )  # fmt: skip
    text = (tmp_path / "out/model-card.md").read_text("utf-8")
    [model] = front_matter(text)
    assert model["results"][0]["source"]["url"] == URL
    assert f"[Full report]({URL})" in text
    assert "secret" not in text


@pytest.mark.extra
def test_the_library_of_hugging_face_reads_the_card(tmp_path):
    hub = pytest.importorskip("huggingface_hub", reason="huggingface_hub is not installed")
    for number, name in enumerate(("net", *HOSTILE)):
        found = evaluation(model=ModelFacts(name=name), data_name=name)
        path = tmp_path / f"{number}.md"
        path.write_text(card(found), "utf-8")
        data = hub.ModelCard.load(path).data
        shown = printable(name)
        assert data.model_name == shown
        accuracy, f1 = data.eval_results
        assert (accuracy.task_type, accuracy.metric_type) == ("image-classification", "accuracy")
        assert (accuracy.dataset_name, accuracy.dataset_split) == (shown, "test")
        assert (accuracy.metric_value, f1.metric_value) == (
            found.summary["accuracy"].value, found.summary["macro_f1"].value,
        )  # fmt: skip
        assert (f1.metric_type, f1.metric_args) == ("f1", {"average": "macro"})
        assert (accuracy.source_name, accuracy.source_url) == ("Evaluation report", URL)
        again = hub.ModelCard(str(hub.ModelCard.load(path)))
        assert again.data.eval_results == data.eval_results
