"""The files of a report without options, as the record of outputs has them."""

from types import SimpleNamespace

from reportgen.options.page import PageOptions
from reportgen.rendering.outputs import OUTPUTS
from reportgen.review import Review
from tests.factories import make_evaluation

__all__ = ["OF_COUNTS", "OF_SAMPLES"]


def _files(rows: object) -> frozenset[str]:
    review = Review.of(make_evaluation([[5, 1], [0, 5]]))
    made = SimpleNamespace(page=PageOptions(), review=review, rows=rows)
    return frozenset(one.path for one in OUTPUTS if one.write is not None and one.when(made))


OF_COUNTS = _files(None)


OF_SAMPLES = _files(object())
