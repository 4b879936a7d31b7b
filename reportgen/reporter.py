"""Progress messages of a long run; the default reporter prints nothing."""

from __future__ import annotations

__all__ = [
    "Reporter",
]


class Reporter:
    """Receives progress messages; :mod:`reportgen.console` prints them on the command line."""

    def begin(self, what: str, total: int | None, unit: str = "images") -> None:
        """A stage starts; `total` is None if unknown."""

    def advance(self, n: int) -> None:
        """`n` more units of the stage are done."""

    def end(self) -> None:
        """The stage ended, successfully or not."""

    def say(self, line: str) -> None:
        """A message, such as the detected output type."""

    def annotate(self, command: str) -> None:
        """A command to the CI system, such as GitHub's ``::error::``."""

    def warn(self, line: str) -> None:
        """A warning."""
