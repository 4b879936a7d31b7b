"""All errors that users can see, and the exit code of each.

ReportgenError
 ├─ UsageError      exit 2   options or configuration
 ├─ DataError       exit 3   images, labels, tables, matrices
 ├─ ModelError      exit 4   a model that can't be loaded, or that fails
 ├─ OutputError     exit 5   a result that can't be written
 ├─ DeliveryError   exit 8   a mail, comment or tracker that was not reached
 └─ Interrupted     exit 130 (Ctrl-C) or 143 (terminated)

Exit code 1 is kept for gates; 70 is a bug in reportgen. Each error carries a *slug*,
and each slug has a heading in ``docs/errors.md``.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "DataError",
    "DeliveryError",
    "HungUp",
    "Interrupted",
    "ModelError",
    "OutputError",
    "ReportgenError",
    "Terminated",
    "UsageError",
]


class ReportgenError(Exception):
    """An error for users: what is wrong, where, with which value, and a hint.

    Parameters
    ----------
    message
        One sentence without a full stop: what and where. Names that come from data must have
        passed through :func:`reportgen.text.quoted` or :func:`reportgen.text.printable`.
    slug
        The heading in ``docs/errors.md``, for example ``"class-unknown"``.
    details
        Further lines: counts, limits, the first offenders (at most five).
    hint
        The next step, naming the option to use.
    """

    exit_code = 70

    def __init__(
        self, message: str, *, slug: str, details: Sequence[str] = (), hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.slug = slug
        self.details = tuple(details)
        self.hint = hint

    def __str__(self) -> str:
        return "\n  ".join(self.lines())

    def lines(self) -> list[str]:
        """The printed block: message, details, hint."""
        return [self.message, *self.details, *([self.hint] if self.hint else [])]

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by keyword, so that an error from a worker process is complete."""
        return _rebuild, (type(self), self.message, self.slug, self.details, self.hint)


def _rebuild(
    kind: type[ReportgenError], message: str, slug: str, details: tuple[str, ...], hint: str | None
) -> ReportgenError:
    return kind(message, slug=slug, details=details, hint=hint)


class UsageError(ReportgenError):
    """Invalid options or configuration."""

    exit_code = 2


class DataError(ReportgenError):
    """Invalid input data: images, labels, tables, matrices."""

    exit_code = 3


class ModelError(ReportgenError):
    """A model that can't be loaded, or that fails while it runs."""

    exit_code = 4


class OutputError(ReportgenError):
    """A result can't be written."""

    exit_code = 5


class DeliveryError(ReportgenError):
    """A finished result could not be delivered."""

    exit_code = 8


class Interrupted(ReportgenError):
    """The user or the system stopped the run; what was computed is kept."""

    exit_code = 130

    def __init__(
        self,
        message: str,
        *,
        slug: str = "interrupted",
        details: Sequence[str] = (),
        hint: str | None = None,
        exit_code: int = 130,
    ) -> None:
        super().__init__(message, slug=slug, details=details, hint=hint)
        self.exit_code = exit_code


class Terminated(BaseException):
    """The system requested the process to end (SIGTERM); handled like Ctrl-C."""

    exit_code = 143


class HungUp(Terminated):
    """The terminal or connection of the process is gone (SIGHUP)."""

    exit_code = 129
