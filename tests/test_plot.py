"""The report's figures on the user's axes."""

import matplotlib
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

import reportgen
from tests import factories, review_factories


def axes():
    figure = Figure(figsize=(6, 5))
    FigureCanvasAgg(figure)
    return figure.subplots()


def small():
    return factories.make_evaluation([[3, 1], [0, 4]], ("cat", "$dog$"))


def cells(ax):
    return [text.get_text() for text in ax.texts]


@pytest.mark.parametrize(
    ("normalize", "texts"),
    [
        (None, ["3", "1", "0", "4"]),
        ("true", ["75.0", "25.0", "0", "100"]),
        ("pred", ["100", "20.0", "0", "80.0"]),
        ("all", ["37.5", "12.5", "0", "50.0"]),
    ],
)
def test_the_matrix_is_drawn_on_the_axes_that_are_given(normalize, texts):
    own = axes()
    before = dict(matplotlib.rcParams)
    assert reportgen.plot.confusion_matrix(small(), normalize, ax=own) is own
    own.figure.canvas.draw()
    assert cells(own) == texts
    assert [tick.get_text() for tick in own.get_yticklabels()] == ["cat", "$dog$"]
    assert (own.get_xlabel(), own.get_ylabel()) == ("predicted class", "true class")
    assert dict(matplotlib.rcParams) == before


def drawn(ax):
    """The values of the cells, as they are drawn: rows true."""
    (mesh,) = (
        one for one in ax.collections if hasattr(one, "get_array") and one.get_array() is not None
    )
    return np.asarray(mesh.get_array().filled(np.nan)).reshape(mesh.get_array().shape)


@pytest.mark.parametrize("k", [3, 40, 80])
@pytest.mark.parametrize("normalize", ["true", "pred", "all"])
def test_each_share_stands_in_the_order_of_the_report(k, normalize):
    found = factories.synthetic(k)
    own = reportgen.plot.confusion_matrix(found, normalize, ax=axes())
    counts = drawn(reportgen.plot.confusion_matrix(found, ax=axes()))
    if k > 30:
        assert (counts != found.confusion.counts).any(), "confused classes are neighbours"
    totals = {"true": counts.sum(1, keepdims=True), "pred": counts.sum(0), "all": counts.sum()}
    assert drawn(own) == pytest.approx(counts / totals[normalize])


@pytest.mark.parametrize("normalize", ["pred", "all"])
def test_the_shares_of_many_classes_are_drawn_too(normalize):
    found = factories.synthetic(400)
    own = drawn(reportgen.plot.confusion_matrix(found, normalize, ax=axes()))
    assert own.shape == (390, 390)
    assert own.max() == found.confusion.normalized(normalize)[found.confusion.counts > 0].max()


def test_proportions_are_drawn_as_they_are_and_as_what_they_determine():
    def of(over, table):
        return reportgen.load(table, classes=["a", "b"], normalised=True, normalised_over=over)

    whole = of("all", [[0.5, 0.1], [0.1, 0.3]])
    for normalize, texts in (
        (None, ["50.0", "10.0", "10.0", "30.0"]),
        ("all", ["50.0", "10.0", "10.0", "30.0"]),
        ("true", ["83.3", "16.7", "25.0", "75.0"]),
        ("pred", ["83.3", "25.0", "16.7", "75.0"]),
    ):
        own = reportgen.plot.confusion_matrix(whole, normalize, ax=axes())
        assert cells(own) == texts
    rows = of("true", [[0.75, 0.25], [0.5, 0.5]])
    assert cells(reportgen.plot.confusion_matrix(rows, "true", ax=axes()))[0] == "75.0"
    with pytest.raises(ValueError, match="no counts, which do not determine % of the predicted"):
        reportgen.plot.confusion_matrix(rows, "pred", ax=axes())


def test_the_charts_of_confidence_and_the_difference_return_their_axes():
    scored, comparison = factories.scored(factories.cifar()), review_factories.paired()
    for draw, value in (
        (reportgen.plot.reliability_diagram, scored),
        (reportgen.plot.risk_coverage, scored),
        (reportgen.plot.difference_matrix, comparison),
    ):
        own = axes()
        assert draw(value, ax=own) is own
        own.figure.canvas.draw()
        assert own.has_data()


def test_what_an_evaluation_does_not_have_is_refused():
    with pytest.raises(ValueError, match="needs confidences"):
        reportgen.plot.reliability_diagram(small(), ax=axes())
    with pytest.raises(ValueError, match="needs confidences"):
        reportgen.plot.risk_coverage(small(), ax=axes())
    with pytest.raises(ValueError, match="normalize"):
        reportgen.plot.confusion_matrix(small(), "rows", ax=axes())
