"""Experiment trackers: log finished reports; one module per tracker."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.trackers.tracked import TrackedReport, read_report
    from reportgen.trackers.trackers import Tracked, log_report, require_library

__all__ = [
    "Tracked",
    "TrackedReport",
    "log_report",
    "read_report",
    "require_library",
]

__getattr__ = lazy_names(
    __name__,
    {
        "tracked": "TrackedReport read_report",
        "trackers": "Tracked log_report require_library",
    },
)
