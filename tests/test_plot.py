"""The report's figures on the user's axes."""

import matplotlib
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
