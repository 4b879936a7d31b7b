"""On GitHub Actions: the job's summary, and annotations that no name can leave."""

from __future__ import annotations

import io
import re
from dataclasses import replace
from pathlib import Path

import pytest

import reportgen
from reportgen.console import ConsoleReporter
from reportgen.delivery.github_actions import workflow_commands
from reportgen.errors import UsageError
from reportgen.report import Name, build_report
from tests import review_factories

MATRIX = ",cat,dog\ncat,40,10\ndog,1,49\n"
GATES = '[[gate]]\nname = "floor: 95%, all"\nmetric = "accuracy"\nat_least = 0.95\n'


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "matrix.csv"
    path.write_text(MATRIX)
    return path


def report():
    comparison = review_factories.paired()
    decision = review_factories.decision(comparison)
    return build_report(comparison.candidate, None, None, comparison, decision)


def test_a_job_gets_the_summary_and_an_annotation_for_each_gate(
    table, tmp_path, monkeypatch, capsys
):
    job, gates = tmp_path / "job.md", tmp_path / "gates.toml"
    job.write_text("before\n")
    gates.write_text(GATES)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    told = ConsoleReporter(quiet=True)
    reportgen.render(table, out=tmp_path / "out", gates=gates, summary=True, reporter=told)
    assert job.read_text() == "before\n" + (tmp_path / "out" / "summary.md").read_text()
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("::error title=floor%3A 95%25%2C all::")
    assert "95%25 CI" in line or "required" in line


def test_an_annotation_is_printed_in_what_stdout_can_write(monkeypatch):
    raw = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(raw, encoding="ascii", errors="strict"))
    ConsoleReporter(quiet=True).annotate("::error title=gate::accuracy 95–96% of “été”")
    assert raw.getvalue() == b'::error title=gate::accuracy 95-96% of "\\xe9t\\xe9"\n'


def test_the_library_prints_nothing_on_the_runner(table, tmp_path, monkeypatch, capsys):
    (tmp_path / "gates.toml").write_text(GATES)
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    gates = tmp_path / "gates.toml"
    reportgen.render(table, out=tmp_path / "out", gates=gates, summary=True)
    assert capsys.readouterr().out == ""


def test_without_the_option_or_the_runner_nothing_is_announced(
    table, tmp_path, monkeypatch, capsys
):
    job = tmp_path / "job.md"
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(job))
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    reportgen.render(table, out=tmp_path / "out")
    monkeypatch.delenv("GITHUB_STEP_SUMMARY")
    monkeypatch.delenv("GITHUB_ACTIONS")
    reportgen.render(table, out=tmp_path / "other", summary=True)
    assert not job.exists()
    assert capsys.readouterr().out == ""


def test_a_job_summary_that_cannot_be_written_is_a_warning(table, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "job.md"))
    reportgen.render(table, out=tmp_path / "out", summary=True)
    assert (tmp_path / "out" / "report.html").exists()


def test_gates_that_only_warn_are_warnings():
    found = report()
    row = next(r for r in found.gates.rows if r.status == "failed" and not r.weight)
    rows = (replace(row, weight="warning only"), row)
    lines = list(workflow_commands(replace(found, gates=replace(found.gates, rows=rows))))
    assert [re.match(r"::(\w+) ", line)[1] for line in lines] == ["error", "warning"]


def test_ten_annotations_at_most_the_last_counts_the_rest():
    found = report()
    row = next(r for r in found.gates.rows if r.status == "failed" and not r.weight)
    many = replace(found, gates=replace(found.gates, rows=(row,) * 25))
    lines = list(workflow_commands(many))
    assert len(lines) == 10
    assert lines[-1] == "::error title=Release gates::16 further gates: see the report"


def test_no_name_ends_an_annotation():
    found = report()
    row = next(r for r in found.gates.rows if r.status == "failed" and not r.weight)
    row = replace(row, name=Name("a::b,c%0A", "x"), sentence="one\n::set-output name=a::b\r%")
    (line,) = workflow_commands(replace(found, gates=replace(found.gates, rows=(row,))))
    assert line == "::error title=a%3A%3Ab%2Cc%250A::one%0A::set-output name=a::b%0D%25"


@pytest.mark.parametrize("key", ["", "a b", "a--b", "x" * 65, "-->"])
def test_a_key_that_could_end_the_marker_is_refused(table, tmp_path, key):
    with pytest.raises(UsageError, match="--key"):
        reportgen.render(table, out=tmp_path / "out", summary=True, key=key)


@pytest.mark.parametrize(
    "url", ["ftp://a", "example.org", "https://a b", "https://a)x", "https://<a>"]
)
def test_an_address_that_cannot_be_linked_is_refused(table, tmp_path, url):
    with pytest.raises(UsageError, match="--report-url"):
        reportgen.render(table, out=tmp_path / "out", summary=True, report_url=url)
