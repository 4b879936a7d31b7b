"""The content of a report for trackers, equal for all of them."""

from __future__ import annotations

import math
import re
import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reportgen.options import midnight_utc
from reportgen.rendering import brief_summary, gate_table, public_files
from reportgen.report import Report
from reportgen.review import Review, report_identity
from reportgen.text import printable

__all__ = [
    "PREFIX",
    "TrackedReport",
    "read_report",
]


PREFIX = "reportgen/"
"""Prefix of metric names, which trackers show as a group."""


OF_CLASS = ("precision", "recall", "f1")


MOST_CLASSES = 100
"""Above this many classes, class metrics are only in ``per_class.csv``."""


MOST_CELLS = 10_000
"""W&B silently truncates longer tables."""


@dataclass(frozen=True)
class TrackedReport:
    """A report for a tracker.

    Attributes
    ----------
    name
        Name of its run: model and version, otherwise the folder of the report.
    identity
        16 hexadecimal digits, equal for reports with the same numbers.
    metrics
        Name → value as in ``report.json``; undefined ones are omitted.
    facts
        Identifying facts: verdict, reason, model, data and their hashes.
    gate_heads, gates
        The table of gates, as text; empty without gates.
    classes, cells
        Class names, and (true, predicted, count) of the largest cells of the matrix.
    picture
        The matrix as PNG, with its width and height; None if there is none.
    page
        The page, if it is a single file.
    files
        (name with ``/``, path) of each file of the report that may be shared.
    seconds
        The report's date at midnight UTC, since 1970; None without a date.
    """

    name: str
    identity: str
    metrics: Mapping[str, float]
    facts: Mapping[str, str]
    gate_heads: tuple[str, ...]
    gates: tuple[tuple[str, ...], ...]
    classes: tuple[str, ...]
    cells: tuple[tuple[int, int, int], ...]
    picture: tuple[bytes, int, int] | None
    page: Path | None
    files: tuple[tuple[str, Path], ...]
    seconds: float | None
    _report: Report
    _url: str

    def summary(self, most_bytes: int) -> str:
        """Verdict, gates, metrics and findings as Markdown without folds, within `most_bytes`."""
        return brief_summary(self._report, self._url, most_bytes)


def read_report(
    folder: Path, review: Review, report: Report, *, url: str = "", predictions: bool = False
) -> TrackedReport:
    """The report in `folder`, with its `review` and `report`.

    `url` is the address of its page. `predictions`: whether ``predictions.parquet`` and ``bad.csv``
    may be shared too.
    """
    from reportgen.rendering import mail_picture

    made = review.evaluation.provenance
    drawn = mail_picture(report)
    picture = drawn[1].content if drawn else None
    page = folder / "report.html"
    heads, gates = gate_table(report)
    model = " ".join(filter(None, (made.model.name, made.model.version)))
    return TrackedReport(
        name=printable(model or folder.resolve().name)[:128],
        identity=report_identity((folder / "report.json").read_bytes()),
        metrics=dict(_metrics(review)),
        facts=_facts(review, report, url),
        gate_heads=heads,
        gates=gates,
        classes=tuple(map(printable, review.evaluation.classes)),
        cells=_cells(review),
        picture=(picture, *_png_size(picture)) if picture else None,
        page=page if page.is_file() else None,
        files=public_files(folder, predictions=predictions),
        seconds=moment.timestamp() if (moment := midnight_utc(made.date)) else None,
        _report=report,
        _url=url,
    )


def _metrics(review: Review) -> Iterator[tuple[str, float]]:
    evaluation, comparison = review.evaluation, review.comparison
    for name, metric in evaluation.summary.items():
        if metric.value is not None:
            yield PREFIX + name, metric.value
    for name, change in (comparison.summary if comparison else {}).items():
        if change.difference is not None:
            yield f"{PREFIX}change/{name}", change.difference
    if len(evaluation.classes) > MOST_CLASSES:
        return
    slugs = slugs_of(evaluation.classes)
    for name in OF_CLASS:
        for slug, value in zip(slugs, evaluation.per_class[name].value, strict=True):
            if not math.isnan(value):
                yield f"{PREFIX}{name}/{slug}", float(value)


def slugs_of(names: Sequence[str]) -> tuple[str, ...]:
    """Names in characters that every tracker accepts; numbered if equal."""
    taken: set[str] = set()
    slugs = []
    for number, name in enumerate(names):
        base = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)[:60].strip("-.") or f"class-{number}"
        slug, more = base, 2
        while slug.casefold() in taken:
            slug, more = f"{base}-{more}", more + 1
        taken.add(slug.casefold())
        slugs.append(slug)
    return tuple(slugs)


def _facts(review: Review, report: Report, url: str) -> dict[str, str]:
    made = review.evaluation.provenance
    hashes = ", ".join(f"{name} {digest}" for name, digest in made.model.files.items())
    facts = {
        "verdict": report.verdict.word,
        "reason": str(report.verdict.reason),
        "model": made.model.name,
        "model_version": made.model.version,
        "model_sha256": hashes,
        "data": made.data_name,
        "split": made.split,
        "data_fingerprint": made.data_fingerprint,
        "samples": str(review.evaluation.n_samples or ""),
        "date": made.date,
        "report_url": url,
        "made_with": report.made_with,
    }
    return {name: printable(text)[:2000] for name, text in facts.items() if text}


def _cells(review: Review) -> tuple[tuple[int, int, int], ...]:
    """All cells for few classes, including 0; otherwise only the largest."""
    evaluation = review.evaluation
    if evaluation.shares is not None:
        return ()
    matrix, n = evaluation.confusion, len(evaluation.classes)
    if n * n <= MOST_CELLS:
        counts = matrix.counts.tolist()
        return tuple((i, j, counts[i][j]) for i in range(n) for j in range(n))
    found = [(i, i, int(count)) for i, count in enumerate(matrix.diagonal) if count]
    found += [(pair.true, pair.predicted, pair.count) for pair in evaluation.pairs[:MOST_CELLS]]
    return tuple(sorted(found, key=lambda cell: (-cell[2], cell[:2]))[:MOST_CELLS])


def _png_size(content: bytes) -> tuple[int, int]:
    """Width and height in pixels, from the header."""
    width, height = struct.unpack_from(">II", content, 16)
    return width, height
