"""Where errors gather among many classes: small matrices of the classes that are confused most."""

from __future__ import annotations

import numpy as np

from reportgen.confusion import DENSE_LIMIT
from reportgen.confusions import Crowd as Found
from reportgen.report.facts import Facts
from reportgen.report.model import HeatmapSpec
from reportgen.report.model_groups import Crowd, CrowdRow, GridCell
from reportgen.report.words import NBSP, Name, Words, join, say, share, shorten
from reportgen.text import count, percent, plural

__all__ = ["crowd_part"]

LABEL_WIDTH = 24


def crowd_part(facts: Facts) -> tuple[tuple[Crowd, ...], Words]:
    """At most six crowds of 3 to 12 classes, and a sentence on all of them."""
    found = facts.groups.crowds
    if not found:
        return (), Words(())
    part = sum(crowd.errors for crowd in found) / facts.matrix.n_errors
    lead = say(
        "The {n} of at most 12 classes with the most errors among themselves: {share} of all "
        "errors, in {cells} of {all} classes. Empty cells are 0; what a row lacks to "
        f"100{NBSP}% is called something else.",
        n=f"{len(found)} sets" if len(found) > 1 else "set",
        share=share(part),
        cells=count(sum(len(crowd.classes) for crowd in found)),
        all=count(len(facts.names)),
    )
    if facts.groups.too_many:
        lead = join(
            lead,
            say("Looked for among the {n} classes with the most errors.", n=count(DENSE_LIMIT)),
        )
    return tuple(_crowd(facts, crowd, rank) for rank, crowd in enumerate(found, start=1)), lead


def _crowd(facts: Facts, crowd: Found, rank: int) -> Crowd:
    classes = crowd.classes.tolist()
    full = [facts.names[i].full for i in classes]
    names = tuple(map(Name, shorten(full, LABEL_WIDTH), full))
    errors = plural(crowd.errors, "error")
    return Crowd(
        names=names,
        sentence=say(
            "{errors} among {n} classes, {share} of the errors that these classes make.",
            errors=errors,
            n=count(len(classes)),
            share=share(crowd.errors / crowd.own_errors),
        ),
        rows=tuple(_row(facts, crowd, at, names[at]) for at in range(len(classes))),
        figure=_figure(facts, crowd, rank, tuple(map(str, names)), errors),
    )


def _row(facts: Facts, crowd: Found, at: int, name: Name) -> CrowdRow:
    support = facts.support(int(crowd.classes[at]))
    counts = crowd.counts[at].tolist()
    return CrowdRow(
        name,
        tuple(GridCell(n, n / support if support else None) for n in counts),
        count(support - sum(counts)),
        count(support),
    )


def _figure(
    facts: Facts, crowd: Found, rank: int, labels: tuple[str, ...], errors: str
) -> HeatmapSpec:
    support = facts.matrix.true_totals[crowd.classes]
    shares = np.full(crowd.counts.shape, np.nan)
    np.divide(crowd.counts, support[:, None], out=shares, where=support[:, None] > 0)
    texts = tuple(tuple(map(_percent, row)) for row in shares.tolist())
    return HeatmapSpec(
        name=f"confused-classes-{rank}",
        title=f"Confused classes {rank}: % of the true class",
        subtitle=f"{errors} among {len(labels)} of {count(len(facts.names))} classes",
        values=shares,
        texts=texts,
        labels=labels,
        top=1.0,
        unit="share of the true class",
        power=1.0,
        alt=_alt(facts, crowd),
        purpose="",
    )


def _percent(value: float) -> str:
    return "n/a" if value != value else percent(value, 1, "") if value else ""


def _alt(facts: Facts, crowd: Found) -> str:
    """The message: the largest error among these classes."""
    errors = crowd.counts - np.diag(np.diag(crowd.counts))
    at, other = divmod(int(np.argmax(errors)), len(errors))
    true, called = int(crowd.classes[at]), int(crowd.classes[other])
    part = int(errors[at, other]) / facts.support(true)
    return (
        f"Heatmap of row shares of {len(errors)} classes, rows true, columns predicted. The most "
        f"frequent error: {facts.names[true]} called {facts.names[called]}, "
        f"{share(part).replace(NBSP, ' ')}."
    )
