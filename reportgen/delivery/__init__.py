"""From the written report to its readers: each delivery reads files that stand on disk already."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.delivery.github_actions import announce

__all__ = [
    "announce",
]

__getattr__ = lazy_names(
    __name__,
    {
        "github_actions": "announce",
    },
)
