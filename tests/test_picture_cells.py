"""What the script is told of the pictures of many classes."""

from __future__ import annotations

import re

import numpy as np
import pytest

import reportgen
from reportgen.rendering import html
from reportgen.report import build_report, picture_cells
from reportgen.report.matrix import OVERVIEW_SIDE, overview
from tests import factories


@pytest.mark.parametrize("k", [31, 120, 400])
def test_names_and_counts_are_in_the_order_of_the_pictures(k):
    evaluation = factories.synthetic(k, 8)
    report = build_report(evaluation)
    cells = report.picture_cells
    assert sorted(cells.names) == sorted(evaluation.classes)
    counts = np.diag(np.array(cells.correct))
    confusions = np.array(cells.errors).reshape(-1, 3)
    counts[confusions[:, 0], confusions[:, 1]] = confusions[:, 2]
    assert counts.sum(axis=1).tolist() == list(cells.support)
    assert counts.sum() == evaluation.n_samples
    assert cells.complete
    side = cells.data["side"]
    assert side == min(k, OVERVIEW_SIDE)
    rows, columns = np.nonzero(counts)
    drawn = overview(np.arange(k), rows, columns, counts[rows, columns].astype(float))
    assert np.array_equal(drawn, report.matrix.figures[0].values)


def test_of_very_many_confusions_the_most_frequent_are_listed(monkeypatch):
    monkeypatch.setattr(picture_cells, "MOST_CONFUSIONS", 12)
    evaluation = factories.synthetic(40)
    cells = build_report(evaluation).picture_cells
    assert not cells.complete
    assert list(cells.errors[2::3]) == [pair.count for pair in evaluation.pairs[:12]]


def test_of_proportions_there_are_names_alone():
    counts = factories.synthetic(40).confusion.counts
    shares = counts / counts.sum(axis=1, keepdims=True)
    names = [f"class {i}" for i in range(40)]
    evaluation = reportgen.load(shares, normalised=True, classes=names)
    cells = build_report(evaluation).picture_cells
    assert sorted(cells.names) == sorted(names)
    assert (cells.support, cells.correct, cells.errors, cells.complete) == ((), (), (), False)


def test_pictures_with_numbers_need_none():
    assert build_report(factories.synthetic(30)).picture_cells is None


@pytest.mark.parametrize(
    ("k", "listed"), [(24, False), (30, True), (31, True), (100, True), (101, False)]
)
def test_to_100_classes_the_order_of_pictures_without_names_is_in_the_html(k, listed):
    """For paper, and for readers without script."""
    report = build_report(factories.synthetic(k, 8))
    page = html.render(report)
    assert ('<ol class="order-list">' in page) is listed
    if listed:
        names = page.partition('<ol class="order-list">')[2].partition("</ol>")[0]
        drawn = [name.full for name in report.matrix.drawn]
        assert re.findall(r"<li>(?:<[^>]+>)?([^<]+)", names) == drawn
        assert k == 30 or drawn == list(report.picture_cells.names)


def test_names_that_the_axes_show_are_not_listed_again():
    short = factories.make_evaluation(np.eye(31, dtype=int) * 9, [f"c{i}" for i in range(31)])
    assert '<ol class="order-list">' not in html.render(build_report(short))
