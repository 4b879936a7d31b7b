"""Single samples: a thumbnail with a large view, and their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen.metrics import ClassSample, Mistake, RankedClass
from reportgen.report.context import Context
from reportgen.report.elements import Thumbnail
from reportgen.report.words import Name, share

__all__ = [
    "CORRECT_BESIDE",
    "FILE_WIDTH",
    "Example",
    "LargeView",
    "bare_beyond",
    "example",
    "large_view",
]


FILE_WIDTH = 40
"""Characters of the path below a picture on paper: folders distinguish files of the same name."""


CORRECT_BESIDE = 2
"""Number of correct examples beside the mistakes of a pair."""


@dataclass(frozen=True)
class LargeView:
    """The texts beside the large picture of a sample.

    Attributes
    ----------
    true, predicted
        True and predicted class.
    before, before_confidence
        The baseline's prediction and its probability; None and empty if unknown.
    top
        The top classes with their probabilities, at most five, best first; only the predicted and
        the true class if others are unknown.
    """

    true: Name
    predicted: Name
    before: Name | None
    before_confidence: str
    top: tuple[tuple[Name, str], ...]


@dataclass(frozen=True)
class Example:
    """A sample: its path, p(predicted) and p(true) as text, its picture if available."""

    path: Name
    file: Name
    confidence: str
    label_probability: str
    thumbnail: Thumbnail | None
    alt: str
    large: LargeView | None = None


def example(
    sample: Mistake | ClassSample,
    facts: Context,
    true: int,
    predicted: int,
    thumbnails: Mapping[str, Thumbnail],
) -> Example:
    """A sample of the class `true` that was predicted as `predicted`."""
    confidence = share(sample.confidence)
    given = sample.label_probability
    own = "n/a" if given is None else share(given)
    known = [(predicted, confidence)]
    if given is not None and true != predicted:
        known.append((true, own))
    told = f"{facts.names[true]} predicted as {facts.names[predicted]}, {confidence}"
    if true == predicted:
        told = f"{facts.names[true]}, predicted correctly, {confidence}"
    return Example(
        path=Name.of(sample.id, 400),
        file=Name.of(sample.id, FILE_WIDTH),
        confidence=confidence,
        label_probability=own,
        thumbnail=thumbnails.get(sample.id),
        alt=told,
        large=large_view(facts, true, predicted, sample.top, known),
    )


def large_view(
    facts: Context,
    true: int,
    predicted: int,
    top: Sequence[RankedClass],
    known: Sequence[tuple[int, str]] = (),
    before: tuple[int, str] | None = None,
) -> LargeView:
    """`known` has classes with probabilities as text, if the top classes aren't kept.

    `before` is the baseline's class and probability.
    """
    ranked = [(one.index, share(one.probability)) for one in top] or known
    return LargeView(
        facts.names[true],
        facts.names[predicted],
        None if before is None else facts.names[before[0]],
        "" if before is None else before[1],
        tuple((facts.names[i], text) for i, text in ranked),
    )


def bare_beyond(examples: Sequence[Example], most: int) -> tuple[Example, ...]:
    """All examples, only the first `most` with pictures."""
    rest = (replace(one, thumbnail=None) for one in examples[most:])
    return (*examples[:most], *rest)
