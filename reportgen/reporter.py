"""Progress messages of a long run; the default reporter prints nothing."""

from __future__ import annotations

__all__ = [
    "Reporter",
]


class Reporter:
    """Hears of progress. The command line's version (:mod:`reportgen.console`) prints it."""

    def begin(self, what: str, total: int | None, unit: str = "images") -> None:
        """A stage starts; `total` is None where its length is not known."""

    def advance(self, n: int) -> None:
        """`n` more of the stage are done."""

    def end(self) -> None:
        """The stage is over, well or not."""

    def say(self, line: str) -> None:
        """Something to know now, such as how outputs are read."""

    def annotate(self, command: str) -> None:
        """A command to the CI system that runs this, such as GitHub's ``::error::``."""

    def warn(self, line: str) -> None:
        """Something that may be wrong."""
