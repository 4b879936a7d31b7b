"""A matrix that holds shares only: what is said is true, and nothing is made up."""

import json
import re
import shutil
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import reportgen
from reportgen.cli import with_options
from reportgen.errors import DataError, UsageError
from reportgen.evaluation import Evaluation
from reportgen.metrics import REASONS, per_class_metrics, summary_metrics
from reportgen.rendering.html import render
from reportgen.report import build_report
from tests import factories

NAMES = ("cat", "dog", "fox")
COUNTS = np.array([[8, 1, 1], [3, 15, 2], [0, 5, 5]])
KNOWN = {
    "true": ({"balanced_accuracy", "macro_recall"}, {"recall", "fnr"}),
    "predicted": ({"macro_precision"}, {"precision", "fdr"}),
}
OVER = ("true", "predicted", "all")


def shares(over, counts=COUNTS):
    counts = np.asarray(counts, float)
    totals = {"true": counts.sum(1, keepdims=True), "predicted": counts.sum(0, keepdims=True)}
    whole = totals.get(over, counts.sum())
    return np.divide(counts, whole, out=np.zeros_like(counts), where=np.asarray(whole) > 0)


def loaded(over, counts=COUNTS, **options):
    options = {"classes": NAMES, **options} if np.asarray(counts) is COUNTS else options
    return reportgen.load(shares(over, counts), normalised=True, normalised_over=over, **options)


def values(evaluation, name):
    return evaluation.per_class[name].value.tolist()


def text_of(page):
    page = re.sub(r"data:image/png;base64,[^\"]+|<style>.*?</style>|<script>.*?</script>", "", page,
                  flags=re.DOTALL)  # fmt: skip
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page)).replace("&#160;", " ")


def test_shares_of_the_true_class_tell_recall_and_its_mean():
    found = loaded("true")
    assert found.shares_over == "true"
    assert values(found, "recall") == [0.8, 0.75, 0.5]
    assert values(found, "fnr") == [0.2, 0.25, 0.5]
    assert found.summary["balanced_accuracy"].value == pytest.approx(2.05 / 3)
    assert found.summary["macro_recall"].value == pytest.approx(2.05 / 3)


def test_shares_of_the_predicted_class_tell_precision_and_its_mean():
    found = loaded("predicted")
    expected = [8 / 11, 15 / 21, 5 / 8]
    assert values(found, "precision") == pytest.approx(expected)
    assert values(found, "fdr") == pytest.approx([3 / 11, 6 / 21, 3 / 8])
    assert found.summary["macro_precision"].value == pytest.approx(sum(expected) / 3)


@pytest.mark.parametrize("over", ["true", "predicted"])
def test_what_shares_do_not_tell_is_undefined_with_its_reason(over):
    found = loaded(over, ordinal=True)
    of_whole, of_class = KNOWN[over]
    for name, metric in found.summary.items():
        if name not in of_whole:
            assert metric.value is None, name
            assert metric.reason in ("shares_only", "no_scores", "too_few_classes"), name
    assert found.summary["accuracy"].reason == "shares_only"
    assert found.summary["kappa_linear"].reason == "shares_only"
    for name, column in found.per_class.items():
        if name not in of_class:
            assert np.isnan(column.value).all(), name


def test_shares_of_all_samples_tell_every_figure_that_needs_no_number_of_samples():
    found, matrix = loaded("all"), reportgen.load(COUNTS, classes=NAMES).confusion
    for name, metric in summary_metrics(matrix).items():
        if metric.value is None:  # the fifth best guess of three classes
            assert found.summary[name].reason == metric.reason
        else:
            assert found.summary[name].value == pytest.approx(metric.value, rel=1e-7), name
    for name, column in per_class_metrics(matrix).items():
        assert values(found, name) == pytest.approx(column.value, rel=1e-7, nan_ok=True), name


@pytest.mark.parametrize("over", OVER)
def test_no_figure_has_an_interval_and_no_count_is_made_up(over):
    found = loaded(over)
    assert all(metric.interval is None for metric in found.summary.values())
    for metric in found.summary.values():
        assert metric.reason in REASONS
    for column in found.per_class.values():
        assert np.isnan(column.low).all()
        assert np.isnan(column.high).all()
        assert all(reason in REASONS for reason in column.reason)
    assert found.n_samples == 0
    assert found.pairs == ()
    assert found.confusion.n_samples == 0
    assert found.intervals == "none"
    assert found.seed is None


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(
        np.int64,
        st.integers(2, 6).map(lambda k: (k, k)),
        elements=st.integers(0, 2000),
    ).filter(lambda counts: counts.any())
)
def test_the_recall_of_row_shares_is_that_of_the_counts(counts):
    expected = per_class_metrics(reportgen.load(counts).confusion)["recall"].value
    found = values(loaded("true", counts), "recall")
    assert found == pytest.approx(expected.tolist(), abs=1e-9, nan_ok=True)


@settings(max_examples=50, deadline=None)
@given(
    arrays.arrays(
        np.int64, st.integers(2, 6).map(lambda k: (k, k)), elements=st.integers(0, 50)
    ).filter(lambda counts: counts.any()),
    st.sampled_from(OVER),
)
def test_reading_back_report_json_gives_the_same_evaluation(counts, over):
    found = loaded(over, counts)
    assert Evaluation.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_more_classes_than_a_table_holds_are_read_back_too(monkeypatch):
    monkeypatch.setattr("reportgen.evaluation.evaluation.DENSE_LIMIT", 2)
    found = loaded("true")
    value = json.loads(json.dumps(found.to_json()))
    assert value["confusion_matrix"]["share_cells"][0] == [0, 0, 0.8]
    assert Evaluation.from_json(value) == found


def test_report_json_says_null_where_a_count_would_stand():
    value = loaded("true").to_json()
    assert value["shares_over"] == "true"
    assert value["n_samples"] is None
    assert value["confusion_matrix"] == {
        "rows": "true", "columns": "predicted", "shares": shares("true").tolist(),
    }  # fmt: skip
    first = value["pairs"][0]
    assert (first["true"], first["predicted"], first["share"]) == ("fox", "dog", 0.5)
    assert first["count"] is None
    assert first["reversed_count"] is None
    assert first["share_of_true"] == 0.5
    assert first["share_of_errors"] is None
    assert first["reversed_share"] == 0.1
    counts = ("support", "predicted", "tp", "fp", "fn", "tn")
    assert all(row[name] is None for row in value["per_class"] for name in counts)
    assert value["samples"]["found"] is None


def test_a_report_of_counts_has_no_shares():
    value = reportgen.load(COUNTS).to_json()
    assert value["shares_over"] is None
    assert value["n_samples"] == 40
    del value["shares_over"]  # as in a file from before there were any
    assert Evaluation.from_json(value).shares_over is None


@pytest.mark.parametrize(
    "shares_of",
    [[[2.0, 0, 0], [0, 1, 0], [0, 0, 1]], [[1.0]], [[0.0] * 3] * 3, "x", [["a"] * 3] * 3],
)
def test_damaged_shares_are_refused(shares_of):
    value = loaded("true").to_json()
    value["confusion_matrix"]["shares"] = shares_of
    with pytest.raises(DataError) as caught:
        Evaluation.from_json(value)
    assert caught.value.slug == "report-json-damaged"


def test_pairs_are_ranked_by_share_and_know_the_way_back():
    pairs = loaded("all").shares.pairs
    assert [(p.true, p.predicted) for p in pairs] == [(2, 1), (1, 0), (1, 2), (0, 1), (0, 2)]
    first = pairs[0]
    assert first.share == pytest.approx(5 / 40)
    assert first.reversed_share == pytest.approx(2 / 40)
    assert first.share_of_true == pytest.approx(5 / 10)
    assert first.share_of_errors == pytest.approx(5 / 12)


def test_the_way_back_from_an_absent_class_is_undefined():
    absent = [[0.9, 0.1], [np.nan, np.nan]]
    (pair,) = reportgen.load(absent, normalised=True, normalised_over="true").shares.pairs
    assert pair.reversed_share is None


def test_an_absent_class_has_no_recall_and_averages_leave_it_out_or_count_it():
    table = [[0.9, 0.1, 0], [np.nan] * 3, [0.3, 0, 0.7]]
    found = reportgen.load(table, normalised=True, normalised_over="true")
    assert found.per_class["recall"].metric(1).reason == "no_true_samples"
    assert found.summary["macro_recall"].value == pytest.approx(0.8)
    assert "absent-classes" in {note.code for note in found.notes}
    every = reportgen.load(table, normalised=True, normalised_over="true", macro="all")
    assert every.summary["macro_recall"].value == pytest.approx(1.6 / 3)
    assert every.summary["balanced_accuracy"].value == pytest.approx(0.8)


def test_rounded_shares_say_how_far_off_they_may_be():
    rounded = [[0.83, 0.17], [0.25, 0.75]]
    notes = reportgen.load(rounded, normalised=True).notes
    (note,) = [note for note in notes if note.code == "shares-rounded"]
    assert "0.5 percentage points" in note.sentence
    thirds = [[1 / 3, 2 / 3], [1 / 7, 6 / 7]]
    exact = {note.code for note in reportgen.load(thirds, normalised=True).notes}
    assert "shares-rounded" not in exact
    assert "normalised-matrix" in exact


def test_a_wrong_class_order_is_noticed_without_calling_the_mean_recall_accuracy():
    turned = np.roll(shares("true", np.eye(4) * 90 + 3), 1, axis=1)
    found = reportgen.load(turned, normalised=True, normalised_over="true")
    notes = {note.code: note.sentence for note in found.notes}
    assert notes["class-order"].startswith("Balanced accuracy is ")


@pytest.mark.parametrize("options", [{"ci": "bootstrap"}, {"ci": "exact"}, {"hierarchy": "g.csv"}])
def test_options_that_need_counts_are_refused(options, tmp_path):
    if "hierarchy" in options:
        options = {"hierarchy": tmp_path / "g.csv"}
        options["hierarchy"].write_text("class,group\ncat,a\ndog,a\nfox,b\n")
    with pytest.raises(UsageError) as caught:
        loaded("true", **options)
    assert caught.value.slug == "matrix-shares"
    assert "--supports" in caught.value.hint


@pytest.fixture(scope="module", params=OVER)
def written(request, tmp_path_factory):
    out = tmp_path_factory.mktemp("shares") / request.param
    reportgen.render(
        shares(request.param), out=out, normalised=True, normalised_over=request.param,
        classes=NAMES, figures=True, fail_under="balanced_accuracy=0.5",
    )  # fmt: skip
    return request.param, out


def test_no_output_holds_a_number_of_samples(written):
    over, out = written
    names = ("report.json", "confusion.csv", "pairs.csv", "per_class.csv", "junit.xml")
    told = [(out / name).read_text("utf-8") for name in names]
    page = (out / "report.html").read_text("ascii")
    page = re.sub(r"data:image/png;base64,[^\"]+|sha256-[^&]+", "", page)
    drawn = [f.read_text("utf-8") for f in (out / "figures").glob("*.svg")]
    drawn = [re.sub(r"\b[a-z][0-9a-f]{10}\b", "", one) for one in drawn]  # names of its parts
    for text in (*told, page, *drawn):
        assert not re.search(r"(?<![\d.])[1-9]\d{8,}(?!\d)|\d{1,3}(,\d{3}){2,}", text)
    shown = text_of(page)
    assert "<caption>Counts" not in page
    assert "n/a: proportions only, in 3 classes" in shown
    assert not re.search(r"\bof \d+ (found|right)", shown)
    ElementTree.fromstring(told[-1])
    names = {"true": "row-shares", "predicted": "column-shares", "all": "shares-of-all"}
    drawn = {f.name for f in (out / "figures").glob("confusion-*.png")}
    assert drawn == {f"confusion-{names[over]}.png"}


def test_confusion_csv_is_read_again_as_the_same_shares(written):
    over, out = written
    assert (out / "confusion.csv").read_text("utf-8").startswith("true\\predicted (shares of ")
    again = reportgen.load(out / "confusion.csv", normalised=True, normalised_over=over)
    before = reportgen.load(out)
    assert again.shares == before.shares
    assert again.classes == NAMES
    assert again.summary == before.summary
    assert again.per_class == before.per_class


def test_the_page_shows_the_shares_that_are_known(written):
    over, out = written
    page = (out / "report.html").read_text("ascii")
    first = re.search(
        r'<table class="m main">.*?<tbody>.*?<td class="[^"]*">([^<]*)</td>', page, re.S
    )
    assert first[1] == {"true": "80.0", "predicted": "72.7", "all": "80.0"}[over]
    assert 'name="view"' not in page  # one view, and nothing to choose
    shown = text_of(page)
    assert "Pairs by proportion" in shown
    assert "The matrix contains proportions of" in shown


def test_csv_files_leave_counts_empty(written):
    over, out = written
    first, cat, *_ = (out / "per_class.csv").read_text("utf-8").splitlines()
    row = dict(zip(first.split(","), cat.split(","), strict=True))
    assert [row[name] for name in ("support", "predicted", "tp", "fp", "fn", "tn")] == [""] * 6
    assert row["recall_low"] == ""
    assert (row["recall"] == "") == (over == "predicted")
    head, top, *_ = (out / "pairs.csv").read_text("utf-8").splitlines()
    pair = dict(zip(head.split(","), top.split(","), strict=True))
    assert pair["count"] == ""
    assert float(pair["share"]) > 0


@pytest.mark.parametrize(
    ("over", "accuracy"),
    [
        ("true", "Accuracy is unknown: the matrix has proportions only."),
        ("predicted", "Accuracy is unknown: the matrix has proportions only."),
        ("all", "Accuracy 70.0%, without a confidence interval: the matrix has proportions only."),
    ],
)
def test_sections_that_need_counts_say_what_they_stand_on(over, accuracy):
    report = build_report(loaded(over))
    assert str(report.verdict.reason).endswith(accuracy)
    (finding,) = report.findings
    assert str(finding.body).endswith("the matrix has proportions only.")
    assert "n/a: proportions only" in str(report.pairs.lead)
    assert "n/a: proportions only" in str(report.classes.lead)
    assert report.interval_note.startswith("n/a: proportions only.")
    tiles = {tile.metric: tile for tile in report.headline.tiles}
    assert str(tiles["macro_f1"].lines[0]).startswith(
        "mean F1" if over == "all" else "proportions only"
    )


def test_groups_of_classes_say_that_they_need_counts():
    report = build_report(loaded("true", np.eye(8) + 1))
    assert report.groups is not None
    assert str(report.groups.lead) == "n/a: proportions only."


@pytest.mark.parametrize("over", OVER)
def test_confused_pairs_are_ranked_by_proportion(over):
    evaluation = loaded(over)
    (ranking,) = build_report(evaluation).pairs.rankings
    listed = [(str(row[0].text), str(row[1].text), row[2].value) for row in ranking.rows]
    pairs = evaluation.shares.pairs
    assert listed == [(NAMES[p.true], NAMES[p.predicted], p.share) for p in pairs]


def test_a_class_of_proportions_has_its_recall_and_its_most_frequent_error():
    fox, dog, cat = build_report(loaded("true")).classes.rows
    assert [row.cells["recall"].text for row in (fox, dog, cat)] == ["50.0", "75.0", "80.0"]
    assert (str(fox.taken_for), fox.taken) == ("dog", 0.5)
    assert fox.counts == {}
    assert not any(cell.range for row in (fox, dog, cat) for cell in row.cells.values())
    of_predicted = build_report(loaded("predicted")).classes.rows
    assert [row.remarks for row in of_predicted] == [()] * 3
    assert [row.taken_for for row in of_predicted] == [None] * 3


def test_no_term_of_the_glossary_claims_an_interval():
    whole, of_class, _ = build_report(loaded("all")).glossary
    names = set(loaded("all").per_class)
    assert {item.interval for item in whole[1]} == {"none"}
    assert {item.interval for item in of_class[1] if item.name in names} == {"none"}


@pytest.mark.parametrize(("n", "over"), [(1, "true"), (31, "predicted"), (101, "all")])
def test_any_number_of_classes_makes_a_page(n, over):
    counts = np.eye(n) * 9 + (np.arange(n * n).reshape(n, n) % 3 == 0)
    report = build_report(loaded(over, counts))
    assert bool(report.matrix.rows) == (n <= 100)
    assert report.matrix.figures[0].values.shape == (n, n)
    assert len(render(report)) > 10_000


def test_a_picture_of_many_classes_shows_the_largest_cells():
    table = np.eye(800)
    table[5, 701], table[5, 5] = 0.4, 0.6
    report = build_report(reportgen.load(table, normalised=True, normalised_over="true"))
    picture = report.matrix.figures[0].values
    assert picture.shape == (390, 390)
    assert picture[2, 341] == 0.4


def test_hostile_names_stay_text():
    table = np.full((10, 10), 0.1)
    found = reportgen.load(
        table, normalised=True, normalised_over="true", classes=factories.HOSTILE
    )
    page = render(build_report(found))
    assert "<img src=x" not in page
    assert page.count("<script>") == 1


def test_a_gate_on_an_unknown_figure_fails_with_its_reason(written):
    over, out = written
    decision = reportgen.check(out, fail_under=["macro_f1=0.1"])
    if over == "all":
        assert decision.verdict == "SHIP"
    else:
        assert decision.verdict == "DO NOT SHIP"
        assert "proportions, not counts" in decision.reason


def test_a_gate_on_a_known_figure_is_decided_but_never_with_confidence(written, tmp_path):
    over, out = written
    name = {"predicted": "macro_precision"}.get(over, "balanced_accuracy")
    assert reportgen.check(out, fail_under=f"{name}=0.5").verdict == "SHIP"
    gates = tmp_path / "gates.toml"
    gates.write_text(f'[[gate]]\nname = "g"\nmetric = "{name}"\nat_least = 0.5\nconfident = true\n')
    assert reportgen.check(out, gates=gates).verdict == "INCONCLUSIVE"


def refused(call, *words):
    with pytest.raises(UsageError) as caught:
        call()
    assert caught.value.slug == "matrix-shares"
    assert "--supports" in caught.value.hint
    for word in words:
        assert word in str(caught.value)


def test_comparisons_baselines_and_gates_on_pairs_are_refused(written, tmp_path):
    over, out = written
    counts = reportgen.load(COUNTS, classes=NAMES)
    reading = {"normalised": True, "normalised_over": over, "classes": NAMES}
    table = shares(over)
    refused(lambda: reportgen.compare(counts, table, **reading), "comparison", "candidate")
    refused(lambda: reportgen.compare(out, counts), "comparison", "baseline")
    refused(lambda: reportgen.compare(out, out), "comparison", "baseline")
    refused(lambda: reportgen.save_baseline(out, "mine", folder=tmp_path / "kept"), "baseline")
    assert not (tmp_path / "kept" / "mine").exists()
    gates = tmp_path / "gates.toml"
    gates.write_text('[[gate]]\nname = "g"\npair = ["dog", "cat"]\nat_most_share = 0.9\n')
    refused(lambda: reportgen.check(out, gates=gates), "pair")
    refused(
        lambda: reportgen.render(table, out=tmp_path / "o", gates=gates, **reading), "pair"
    )  # fmt: skip
    assert not (tmp_path / "o" / "report.html").exists()


def test_groups_of_classes_are_refused_for_a_report_json_of_shares(written, tmp_path):
    _, out = written
    groups = tmp_path / "g.csv"
    groups.write_text("class,group\ncat,a\ndog,a\nfox,b\n")
    refused(lambda: reportgen.load(out, hierarchy=groups), "--hierarchy")


def test_the_console_says_what_is_known_and_no_more(written, capsys):
    from reportgen.console import print_summary

    over, out = written
    print_summary(reportgen.load(out), "report.html")
    read_as, first, *_ = capsys.readouterr().out.splitlines()
    assert read_as == "read as confusion matrix of 3 classes: rows true, columns predicted"
    assert first == {
        "true": "balanced accuracy: 68.3% (proportions only: no interval)",
        "predicted": "macro precision: 68.9% (proportions only: no interval)",
        "all": "accuracy: 70.0% (proportions only: no interval)",
    }[over]  # fmt: skip


def test_a_report_of_shares_can_be_public_and_rendered_again(written, tmp_path):
    _, out = written
    copy = tmp_path / "copy"
    shutil.copytree(out, copy)
    reportgen.render(copy / "report.json", out=tmp_path / "public", public=True, layout="dir")
    assert reportgen.load(tmp_path / "public") == reportgen.load(out)


def test_the_command_line_makes_the_report(tmp_path):
    from typer.testing import CliRunner

    table = tmp_path / "shares.csv"
    table.write_text(",cat,dog\ncat,0.833,0.167\ndog,0.000,1.000\n")
    done = CliRunner().invoke(
        with_options("render"), ["render", str(table), "-o", str(tmp_path / "out"), "--normalised"]
    )
    assert done.exit_code == 0, done.output
    assert "balanced accuracy: 91." in done.output
    assert "not counts" in done.output
