"""Machine-readable outputs: JSON and CSV."""

from __future__ import annotations

import csv
import io
import json

import pytest

from reportgen.csv_text import unguard
from reportgen.evaluation import CLASS_METRICS, Evaluation
from reportgen.metrics import COUNTS
from reportgen.rendering import csv as tables
from reportgen.rendering import json as report_json
from reportgen.rendering import write_all
from reportgen.report import build_report
from tests import factories
from tests.outputs import OF_COUNTS

EVALUATIONS = {
    "cifar": factories.cifar,
    "scores": factories.scored,
    "absent": factories.absent_classes,
    "hostile": factories.hostile,
    "2,100 classes": lambda: factories.synthetic(2100, 2),
}


def rows_of(text):
    assert "\r" not in text
    assert text.endswith("\n")
    return list(csv.reader(io.StringIO(text), strict=True))


@pytest.mark.parametrize("name", EVALUATIONS)
def test_the_json_is_the_evaluation(name):
    evaluation = EVALUATIONS[name]()
    text = report_json.render(evaluation)
    assert text.isascii()
    assert "NaN" not in text
    assert json.loads(text) == json.loads(json.dumps(evaluation.to_json()))
    assert Evaluation.from_json(json.loads(text)) == evaluation
    assert report_json.render(EVALUATIONS[name]()) == text


def test_the_json_has_one_row_of_the_matrix_a_line():
    lines = report_json.render(factories.cifar()).splitlines()
    assert "  [898, 5, 31, 8, 6, 1, 6, 4, 27, 14]," in lines
    assert lines[1] == ' "schema_version": 2,'


def test_a_number_that_is_not_finite_is_refused():
    class Broken:
        def to_json_texts(self):
            return {"value": float("nan")}

    with pytest.raises(ValueError, match="not JSON compliant"):
        report_json.render(Broken())


def test_the_confusion_table_is_what_it_was_made_from():
    header, *rows = rows_of(tables.confusion(factories.cifar()))
    assert header == ["true\\predicted", *factories.CIFAR]
    assert [row[0] for row in rows] == list(factories.CIFAR)
    assert [[int(cell) for cell in row[1:]] for row in rows] == factories.CIFAR_COUNTS


def test_above_2048_classes_the_confusion_table_lists_its_cells():
    evaluation = EVALUATIONS["2,100 classes"]()
    header, *rows = rows_of(tables.confusion(evaluation))
    assert header == ["true", "predicted", "count"]
    assert sum(int(row[2]) for row in rows) == evaluation.n_samples


def test_the_class_table_has_every_number_in_full_and_leaves_undefined_ones_empty():
    evaluation = factories.absent_classes()
    header, *rows = rows_of(tables.per_class(evaluation))
    assert header[0] == "class"
    assert set(header) >= {item.name for item in (*COUNTS, *CLASS_METRICS)}
    assert [row[0] for row in rows] == list(evaluation.classes)
    for i, row in enumerate(rows):
        cells = dict(zip(header, row, strict=True))
        for item in CLASS_METRICS:
            metric = evaluation.per_class[item.name].metric(i)
            assert cells[item.name] == ("" if metric.value is None else repr(metric.value))
            low, high = metric.interval or ("", "")
            assert (cells[f"{item.name}_low"], cells[f"{item.name}_high"]) == (
                repr(low) if low != "" else "",
                repr(high) if high != "" else "",
            )
    assert dict(zip(header, rows[1], strict=True))["recall"] == ""


def test_the_pairs_table_holds_every_confusion():
    evaluation = factories.cifar()
    header, *rows = rows_of("".join(tables.pair_parts(evaluation)))
    assert header == [
        "true", "predicted", "count", "share_of_true", "share_of_errors", "reversed_count",
    ]  # fmt: skip
    assert len(rows) == len(evaluation.pairs) == 86
    assert rows[0] == ["cat", "dog", "126", "0.126", repr(126 / 1550), "97"]
    assert sum(int(row[2]) for row in rows) == evaluation.confusion.n_errors


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "'=1", "''-x", "'plain", "a,b", 'say "hi"', "-0.5")


def test_names_that_look_like_formulas_are_guarded_and_numbers_are_not():
    counts = [[1 if i == j else 3 for j in range(10)] for i in range(10)]
    evaluation = factories.make_evaluation(counts, FORMULAS)
    for text in (tables.confusion(evaluation), tables.per_class(evaluation)):
        names = [row[0] for row in rows_of(text)[1:]]
        assert [unguard(name) for name in names] == list(FORMULAS)
        assert not any(name.startswith(("=", "+", "-", "@")) for name in names)
    numbers = rows_of(tables.per_class(evaluation))[1][1:]
    assert not any(cell.startswith("'") for cell in numbers)
    assert any(
        cell.startswith("-") for row in rows_of(tables.per_class(evaluation)) for cell in row
    )


def test_everything_is_written_and_the_page_last(tmp_path, monkeypatch):
    written = []
    from reportgen.rendering import outputs as exports

    def seen(real):
        return lambda path, content: (written.append(path.name), real(path, content))

    for name in ("write_text", "write_parts"):
        monkeypatch.setattr(exports, name, seen(getattr(exports, name)))
    evaluation = factories.fashion()
    write_all(build_report(evaluation), evaluation, tmp_path)
    core = {"confusion.csv", "pairs.csv", "per_class.csv", "report.html", "report.json"}
    assert core <= set(written) == OF_COUNTS
    assert len(written) == len(OF_COUNTS)
    assert written[-1] == "report.html"
    assert {path.name for path in tmp_path.iterdir()} == set(written)


def test_nothing_is_written_where_the_page_cannot_be_made(tmp_path, monkeypatch):
    from reportgen.rendering import html

    def broken(*_):
        raise RuntimeError("no page")

    monkeypatch.setattr(html, "render", broken)
    evaluation = factories.fashion()
    with pytest.raises(RuntimeError, match="no page"):
        write_all(build_report(evaluation), evaluation, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_record_of_outputs_says_what_may_be_published_and_replaced():
    from reportgen.rendering import outputs

    named = {one.name: one for one in outputs.OUTPUTS}
    assert len(named) == len(outputs.OUTPUTS)
    assert [name for name, one in named.items() if not one.public] == [
        "predictions.parquet", "bad.csv",
    ]  # fmt: skip
    assert set(outputs.guarded_names()) == {
        "report.html", "index.html", "report.json", "report.pdf", "summary.md",
        "report.eml", "model-card.md",
    }  # fmt: skip
    assert all(one.name.endswith("/") == bool(one.endings) for one in outputs.OUTPUTS)
