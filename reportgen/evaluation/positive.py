"""Which of two classes is the positive one: what a test looks for."""

from __future__ import annotations

from collections.abc import Sequence

from reportgen.classes import display_name
from reportgen.errors import UsageError
from reportgen.evaluation.options import EvaluationOptions
from reportgen.text import listing, quoted

__all__ = ["positive_class"]


def positive_class(
    options: EvaluationOptions, classes: Sequence[str], *, has_probabilities: bool
) -> int:
    """Index of ``options.positive`` in `classes`; of the last class where it is not named.

    Raises :class:`UsageError` (``positive-class``) where it is named and there are not two classes
    with probabilities, or it is neither of them.
    """
    if options.positive is None:
        return len(classes) - 1
    if len(classes) != 2 or not has_probabilities:
        why = "the input has no probabilities" if len(classes) == 2 else f"there are {len(classes)}"
        raise UsageError(
            f"--positive {quoted(options.positive)} names one of two classes for the threshold "
            f"view: {why}",
            slug="positive-class",
            hint="leave out --positive",
        )
    name = display_name(options.positive)
    if name not in classes:
        raise UsageError(
            f"--positive {quoted(options.positive)} is neither of the two classes",
            slug="positive-class",
            details=[f"they are {listing(classes)}"],
            hint="write its name as it stands in the class list",
        )
    return classes.index(name)
