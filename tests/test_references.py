"""Figures of random problems against other libraries: a short version of benchmarks/references.py."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import references
from benchmarks.references import SEED, compare_all, differ, forms, problem_of

PROBLEMS = 20


def test_every_figure_is_that_of_the_libraries_in_every_form():
    found, counted = compare_all(PROBLEMS, SEED)
    assert [str(deviation) for deviation in found] == []
    assert {"accuracy", "f1", "log_loss", "roc_auc", "ece", "McNemar mid-p"} <= set(counted)
    assert counted["accuracy"] == PROBLEMS * len(forms())


def test_the_problems_are_of_many_kinds():
    problems = [problem_of(SEED + i) for i in range(references.PROBLEMS)]
    assert {problem.kind for problem in problems} == set(references.KINDS)
    sizes = [len(problem.names) for problem in problems]
    assert (min(sizes), max(sizes)) == (2, 50)
    rows = [len(problem.labels) for problem in problems]
    assert (min(rows), max(rows)) == (1, 5_000)
    assert any(len(np.unique(p.labels)) < len(p.names) for p in problems)
    assert any(p.tied and p.scored for p in problems)


def test_a_problem_can_be_made_again():
    one, other = problem_of(7), problem_of(7)
    assert one.names == other.names
    assert np.array_equal(one.labels, other.labels)


def test_what_differs_is_listed_and_ends_with_1(monkeypatch, capsys):
    honest = references.figures_of

    def wrong(problem, form, folder):
        figures = honest(problem, form, folder)
        return figures | {"accuracy": figures["accuracy"] + (1e-8 if form == "npz" else 0)}

    monkeypatch.setattr(references, "figures_of", wrong)
    with pytest.raises(SystemExit) as ended:
        references.main(n=1)
    assert ended.value.code == 1
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 2
    assert "npz, accuracy" in lines[0]


def test_an_undefined_figure_differs_from_any_number():
    assert differ(None, 0.0, 1e-9)
    assert differ(0.0, None, 1e-9)
    assert not differ(None, None, 1e-9)
    assert differ(float("nan"), 0.5, 1e-9)
    assert not differ(1e6 + 1e-4, 1e6, 1e-9)


def test_scores_of_single_precision_are_compared_less_strictly():
    problem = next(p for p in map(problem_of, range(SEED, SEED + 50)) if p.scores is not None)
    single = replace(problem, scores=problem.scores.astype(np.float32))
    double = replace(problem, scores=problem.scores.astype(np.float64))
    assert (single.tolerance, double.tolerance) == (1e-6, 1e-9)
