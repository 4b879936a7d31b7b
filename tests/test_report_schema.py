"""The JSON Schema of report.json: made from the annotations, true of every document."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import numpy as np
import pytest

import reportgen
from reportgen.review import Review
from reportgen.review.schema import report_schema, schema_text
from tests.test_damaged_reports import GONE, changed
from tests.test_golden import DOCUMENTS, text_of

ROOT = Path(__file__).parents[1]
SAMPLES = sorted(path.parent.name for path in (ROOT / "sample_reports").glob("*/report.json"))
MOST = 40
"""Elements of a list that are validated; of longer ones every n-th."""


@pytest.fixture(scope="module")
def validator():
    schema = report_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def thinned(value):
    """With lists of at most MOST elements or so: validation takes long."""
    if isinstance(value, dict):
        return {name: thinned(item) for name, item in value.items()}
    if isinstance(value, list):
        return [thinned(item) for item in value[:: max(1, len(value) // MOST)]]
    return value


def first_error(validator, value):
    return next((f"{e.json_path}: {e.message[:200]}" for e in validator.iter_errors(value)), None)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_of_earlier_versions_are_valid(name, validator):
    assert first_error(validator, thinned(json.loads(text_of(name)))) is None


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_is_written_of_them_now_is_valid(name, validator):
    written = Review.from_json(json.loads(text_of(name))).to_json()
    assert first_error(validator, thinned(json.loads(json.dumps(written)))) is None


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_valid(name, validator):
    text = (ROOT / "sample_reports" / name / "report.json").read_text()
    assert first_error(validator, json.loads(text)) is None


def test_there_are_samples():
    assert len(SAMPLES) >= 3


@pytest.mark.parametrize("counts", [[[1]], [[0, 0], [3, 0]], np.eye(3, dtype=int)])
def test_degenerate_reports_are_valid(counts, validator):
    found = reportgen.load(counts, ordinal=True).to_json()
    assert first_error(validator, found) is None


DAMAGE = [
    (("summary", "accuracy", "value"), 1.5, "$.summary.accuracy.value"),
    (("summary", "accuracy"), GONE, "$.summary"),
    (("per_class", 1, "recall", "interval"), [0.5], "$.per_class[1].recall.interval"),
    (("pairs", 0, "count"), -1, "$.pairs[0]"),
    (("n_samples",), "899", "$.n_samples"),
    (("macro",), "some", "$.macro"),
    (("verdict",), "PERHAPS", "$.verdict"),
    (("reason",), GONE, "$"),
    (("provenance", "model", "executes_code"), "no", "$.provenance.model.executes_code"),
    (("confusion_matrix", "cells"), [], "$.confusion_matrix"),
    (("calibration", "bins", 0, "n"), 1.5, "$.calibration"),
    (("data_notes",), [{"sentence": "x"}], "$.data_notes[0]"),
    (("schema_version",), 3, "$.schema_version"),
]


@pytest.mark.parametrize(("path", "wrong", "place"), DAMAGE, ids=lambda v: str(v)[:40])
def test_damage_is_invalid(path, wrong, place, validator):
    value = changed(json.loads(text_of("even-or-odd.json")), path, wrong)
    assert place in {error.json_path for error in validator.iter_errors(value)}


def test_names_of_a_later_version_are_valid(validator):
    value = json.loads(text_of("even-or-odd.json"))
    for one in (value, value["summary"], value["per_class"][0], value["provenance"]["model"]):
        one["later"] = [1]
    assert first_error(validator, value) is None


def test_every_name_of_a_document_is_described(validator):
    value = json.loads(text_of("digits.json.xz"))
    properties = report_schema()["properties"]
    newer = {"class_ids", "class_samples", "costs", "n_pairs"}  # than the document
    assert set(properties) - set(value) == newer
    assert set(value) <= set(properties)
    row = report_schema()["$defs"]["ClassRow"]["properties"]
    assert set(value["per_class"][0]) == set(row)
    assert "null" in report_schema()["$defs"]["Check"]["properties"]["needed"]["description"]


def test_the_published_schema_is_that_of_the_code():
    assert (ROOT / "docs/report.schema.json").read_text() == schema_text(), (
        "run: python -m tests.write_docs"
    )


def test_the_command_prints_it():
    done = subprocess.run(
        [sys.executable, "-m", "reportgen", "schema"], capture_output=True, text=True, check=True
    )
    assert done.stdout == schema_text()
    assert json.loads(done.stdout)["$schema"].endswith("2020-12/schema")
