"""Documents of earlier versions are read, rendered, compared and checked: tests/golden."""

import json
import lzma
import shutil
from functools import cache
from pathlib import Path

import pytest

import reportgen
from reportgen.review import Review, read_history

GOLDEN = Path(__file__).parent / "golden"
BASELINES = GOLDEN / "baselines"
DOCUMENTS = sorted(
    path.relative_to(GOLDEN).as_posix()
    for path in (*GOLDEN.glob("*.json*"), *BASELINES.glob("*/report.json"))
)
QUICK = ["even-or-odd.json", "grouped.json", "proportions.json", "proportions-of-all.json"]


@cache
def text_of(name):
    content = (GOLDEN / name).read_bytes()
    return (lzma.decompress(content) if name.endswith(".xz") else content).decode()


@pytest.fixture
def document(tmp_path):
    """``document("digits.json.xz")``: the path of that document, as report.json in a folder."""

    def find(name):
        folder = tmp_path / name.partition(".")[0].replace("/", "-")
        folder.mkdir()
        (folder / "report.json").write_text(text_of(name))
        return folder / "report.json"

    return find


def lost(before, after, path=""):
    """The places where `after` does not say what `before` does; it may say more."""
    if isinstance(before, dict) and isinstance(after, dict):
        for name, value in before.items():
            if name not in after:
                yield f"{path}.{name}"
            else:
                yield from lost(value, after[name], f"{path}.{name}")
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for i, (old, new) in enumerate(zip(before, after, strict=True)):
            yield from lost(old, new, f"{path}[{i}]")
    elif isinstance(before, float) and isinstance(after, float):
        if abs(before - after) > 1e-9 * max(1, abs(before)):
            yield path
    elif before != after:
        yield path


def as_written_now(document):
    """The document as version 2 writes it: of more than 1,000 confusions the first are listed."""
    if isinstance(document, dict):
        now = {name: as_written_now(value) for name, value in document.items()}
        if now.get("schema_version") == 1:
            now |= {"schema_version": 2, "pairs": now["pairs"][:1000]}
        return now
    return [as_written_now(one) for one in document] if isinstance(document, list) else document


def test_there_are_documents_of_every_form():
    assert len(DOCUMENTS) >= 11
    assert set(QUICK) < set(DOCUMENTS)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_what_was_written_is_read_and_written_again(name):
    before = json.loads(text_of(name))
    review = Review.from_json(before)
    after = json.loads(json.dumps(review.to_json(), allow_nan=False))
    assert before["schema_version"] == 1
    assert next(lost(as_written_now(before), after), None) is None
    assert Review.from_json(after) == review


@pytest.mark.parametrize("name", QUICK)
def test_a_page_is_made(name, document, tmp_path):
    reportgen.render(document(name), out=tmp_path / "out")
    written = json.loads((tmp_path / "out/report.json").read_text())
    assert next(lost(as_written_now(json.loads(text_of(name))), written), None) is None
    assert (tmp_path / "out/report.html").stat().st_size > 100_000


@pytest.mark.parametrize("name", DOCUMENTS)
def test_gates_are_checked(name, document):
    decision = reportgen.check(document(name), fail_under="balanced_accuracy=0.01")
    assert decision.checks[0].value > 0.5


@pytest.mark.parametrize(
    ("baseline", "candidate"),
    [
        ("baselines/digits/report.json", "digits.json.xz"),
        ("baselines/first-classifier/report.json", "release-review.json.xz"),
        ("grouped.json", "grouped.json"),
        ("cells.json.xz", "cells.json.xz"),
    ],
)
def test_documents_are_compared(baseline, candidate, document, tmp_path):
    before = tmp_path / "before.json"
    before.write_text(text_of(baseline))
    found = reportgen.compare(before, document(candidate))
    assert found.summary["accuracy"].difference is not None
    assert found.baseline.n_samples == found.candidate.n_samples


def test_a_saved_baseline_is_compared_by_its_name(tmp_path):
    saved = tmp_path / "baselines"
    shutil.copytree(BASELINES, saved)
    samples = Path(__file__).parents[1] / "sample_reports/inputs"
    rows = reportgen.compare(
        "even-or-odd", samples / "even-or-odd/predictions.csv", baselines=saved
    )
    assert rows.identical
    counts = reportgen.compare(
        "first-classifier", samples / "release-review/candidate.csv", baselines=saved
    )
    assert counts.baseline.n_samples == 60_000
    assert [entry.name for entry in read_history(saved)] == [
        "even-or-odd",
        "first-classifier",
        "digits",
    ]
