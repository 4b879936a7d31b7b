"""The index page of a site: every report as a row, and trends of each model."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from reportgen import __version__
from reportgen.rendering import html
from reportgen.rendering.appearance import PLAIN
from reportgen.rendering.history import VERDICT_STATUSES
from reportgen.rendering.trends import Point, Trend, draw_trend, percent_or_na
from reportgen.report import Name
from reportgen.review import HistoryEntry, SiteReport, UnreadableReport
from reportgen.text import count, interval_percent, middle_cut, plural, printable

__all__ = [
    "render_site",
]


TEMPLATE = "site.html.j2"


MOST_ROWS = 1000


MOST_TRENDS = 1
"""Number of trends shown before a model is selected, so that the table is near the top."""


MOST_POINTS = 100


MOST_UNREADABLE = 20


LONGEST = 60
"""Maximum characters of a name on the page, including those shown on hover."""


@dataclass(frozen=True)
class _Row:
    """One report as text; `mark` is the CSS class of its model."""

    number: int
    mark: str
    link: str
    name: Name
    title: Name | None
    date: str
    data: Name
    samples: str
    accuracy: str
    range: str
    lowest_recall: str
    lowest_class: Name
    kind: str
    verdict: str


@dataclass(frozen=True)
class _Series:
    """The reports of one model on one data set over time."""

    mark: str
    model: Name
    data: Name
    trends: tuple[Trend, ...]
    n_points: int
    n_left_out: int
    mixed: bool
    further: bool


def render_site(reports: Sequence[SiteReport], unreadable: Sequence[UnreadableReport] = ()) -> str:
    """The page, ASCII, without script.

    `reports` are newest first. A list of models filters the rows, by CSS only; rows beyond the
    newest 1,000 are omitted.
    """
    marks = _marks(reports)
    shown = reports[:MOST_ROWS]
    values = {
        "rows": [
            _row(len(reports) - rank, one, marks[one.entry.model]) for rank, one in enumerate(shown)
        ],
        "lead": _lead(reports, len(marks)),
        "models": [(mark, _name(model or "not named")) for model, mark in marks.items()],
        "series": list(_series(reports, marks)),
        "dated": any(one.entry.date for one in shown),
        "unreadable": [
            (_name(one.folder), printable(one.reason)) for one in unreadable[:MOST_UNREADABLE]
        ],
        "n_unreadable": len(unreadable),
        "made_with": f"reportgen {__version__}",
    }
    style = PLAIN.style + "".join(_filters(marks.values()) if len(marks) > 1 else ())
    return html.plain_page(TEMPLATE, values, replace(PLAIN, style=style)).html


def _marks(reports: Sequence[SiteReport]) -> dict[str, str]:
    """Model → the CSS class of its rows; the model with the newest report first."""
    models = dict.fromkeys(one.entry.model for one in reports)
    return {model: f"m{number}" for number, model in enumerate(models)}


def _filters(marks: Iterable[str]) -> Iterator[str]:
    """CSS rules that show only the rows and trends of the selected model."""
    yield ".of.further{display:none}\n"
    for mark in marks:
        chosen = f'body:has(option[value="{mark}"]:checked)'
        yield f"{chosen} .of:not(.{mark}){{display:none}}\n"
        yield f"{chosen} section.{mark}{{display:block}}\n"


def _lead(reports: Sequence[SiteReport], n_models: int) -> str:
    words = [f"{plural(len(reports), 'report')} of {plural(n_models, 'model')}, newest first."]
    kept = sum(1 for one in reports if one.page)
    if kept < len(reports):
        words.append(f"The pages of {count(kept)} are kept.")
    if len(reports) > MOST_ROWS:
        words.append(f"The newest {count(MOST_ROWS)} are listed; index.json has all.")
    return " ".join(words)


def _row(number: int, report: SiteReport, mark: str) -> _Row:
    entry = report.entry
    model = " ".join(filter(None, (entry.model, entry.version)))
    name = model or report.title or entry.name
    return _Row(
        number=number,
        mark=mark,
        link=report.page,
        name=_name(name),
        title=_name(report.title, 60) if report.title and model else None,
        date=printable(entry.date)[:20],
        data=_name(_data(entry)),
        samples=count(entry.n_samples) if entry.n_samples else "n/a",
        accuracy=percent_or_na(entry.accuracy),
        range=interval_percent(entry.accuracy_interval) if entry.accuracy_interval else "",
        lowest_recall=percent_or_na(entry.worst_recall),
        lowest_class=_name(entry.worst_class),
        kind=VERDICT_STATUSES.get(entry.verdict, "not applicable"),
        verdict=printable(entry.verdict)[:40],
    )


def _name(raw: str, width: int = 40) -> Name:
    return Name.of(middle_cut(raw, LONGEST), width)


def _data(entry: HistoryEntry) -> str:
    return " ".join(filter(None, (entry.data, entry.split))) or "not named"


def _series(reports: Sequence[SiteReport], marks: Mapping[str, str]) -> Iterator[_Series]:
    """Series of at least two reports, the one with the newest report first."""
    grouped: dict[tuple[str, str], list[tuple[int, HistoryEntry]]] = {}
    for rank, one in enumerate(reports):
        found = grouped.setdefault((one.entry.model, _data(one.entry)), [])
        found.append((len(reports) - rank, one.entry))
    series = [(key, found[::-1]) for key, found in grouped.items() if len(found) > 1]
    for place, ((model, data), entries) in enumerate(series):
        yield _drawn(model, data, entries, marks[model], further=place >= MOST_TRENDS)


def _drawn(
    model: str, data: str, entries: Sequence[tuple[int, HistoryEntry]], mark: str, *, further: bool
) -> _Series:
    left_out, shown = len(entries) - MOST_POINTS, entries[-MOST_POINTS:]
    numbers = [number for number, _ in shown]
    same = [
        i == 0 or entry.data_fingerprint == shown[i - 1][1].data_fingerprint
        for i, (_, entry) in enumerate(shown)
    ]
    rows = list(zip((entry for _, entry in shown), same, strict=True))
    accuracies = [Point(entry.accuracy, entry.accuracy_interval, here) for entry, here in rows]
    recalls = [Point(entry.worst_recall, None, here) for entry, here in rows]
    trends = (
        draw_trend("Accuracy", accuracies, numbers),
        draw_trend("Lowest recall", recalls, numbers),
    )
    return _Series(
        mark, _name(model or "not named"), _name(data), trends, len(shown), max(left_out, 0),
        not all(same), further,
    )  # fmt: skip
