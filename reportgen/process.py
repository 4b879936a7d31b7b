"""The process of a command: its streams, signals and exit code.

All exit codes are determined here. A stream that can't be written never stops the work: the results
are written first, and the exit code reports the failure afterwards.
"""

from __future__ import annotations

import atexit
import contextlib
import errno
import io
import os
import select
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from reportgen.errors import DataError, HungUp, Interrupted, OutputError, ReportgenError, Terminated
from reportgen.text import encodable, inert, middle_cut, printable, quoted, without_secrets

__all__ = [
    "exit_code_of",
    "interrupted_by",
    "is_out_of_memory",
    "print_command",
    "print_error",
    "print_line",
    "usable_cores",
]


INTERNAL_ERROR = 70


BROKEN_PIPE = 141


_NO_MEMORY_WORDS = (
    "failed to map segment", "cannot allocate memory", "can't allocate memory",
    "can't start new thread", "unable to allocate",
)  # fmt: skip


_LEAST_ADDRESS_SPACE = 400_000_000


_HANG_UP: int | None = getattr(signal, "SIGHUP", None)  # Windows has none


class _CtrlC(KeyboardInterrupt):
    """Ctrl-C, as a class of its own.

    CPython ends the process by SIGINT, whatever the exit code, if a plain KeyboardInterrupt passed
    through ``exec``, which libraries use to create classes.
    """


_STOPS: dict[int, type[BaseException]] = {
    signal.SIGINT: _CtrlC,
    signal.SIGTERM: Terminated,
    **({_HANG_UP: HungUp} if _HANG_UP is not None else {}),
}
"""Signal that ends a command → the exception raised for it."""


_REFUSED = {
    errno.ENOSPC, errno.EROFS, errno.EFBIG, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EIO,
    errno.ENAMETOOLONG,
}  # fmt: skip
"""Error numbers of system limits: not a bug, whichever call fails."""


def exit_code_of(command: Callable[[], int], *, debug: bool = False, is_last: bool = False) -> int:
    """The exit code of `command`, which prints its result and returns 0, or 1 if a gate failed.

    Its errors are printed here, as one block on stderr, with tracebacks if `debug`. Ctrl-C ends
    with 130, SIGTERM with 143, SIGHUP with 129; a closed pipe on stdout with 141, and another
    failure of stdout with 5, unless there is a more severe one.

    If the command is the last of the process (`is_last`), later signals do not change its exit
    code.
    """
    if is_last:
        atexit.register(_ignore_signals)  # the first to be registered is the last to be called
    with _streams() as stdout, _signals(restore=not is_last) as received:
        try:
            if _is_confined():
                raise MemoryError
            code = command()
        except BaseException as error:
            if debug:
                import traceback

                traceback.print_exc()
            code = _explained(error, received)
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
        code = code or _stream_code(stdout)
        if is_last:
            _end_with(code)
        return code


def _end_with(code: int) -> None:
    """Let signals end the process with `code`, at once: unloading libraries takes time."""

    def stop(_number: int, _: object) -> None:
        os._exit(code)

    for number in _STOPS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, stop)


def _ignore_signals() -> None:
    """Before it unloads modules, the interpreter resets all handlers but this one."""
    for number in _STOPS:
        signal.signal(number, signal.SIG_IGN)


def _explained(error: BaseException, received: Sequence[int]) -> int:
    """Print the error that ended the command; return its exit code."""
    if isinstance(error, SystemExit):
        return _code_of_exit(error)
    if isinstance(error, BrokenPipeError) and not received:
        return BROKEN_PIPE
    told = _as_error(error, received)
    if told is None:
        print_line(_internal_error(), sys.stderr)
        return INTERNAL_ERROR
    print_error(told)
    return told.exit_code


def _code_of_exit(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print_line(str(end.code), sys.stderr)
    return INTERNAL_ERROR


def _as_error(error: BaseException, received: Sequence[int]) -> ReportgenError | None:
    """The user-facing error for `error`; None for a bug."""
    if isinstance(error, Interrupted):
        return error
    if signal.SIGINT in received and not _can_start_threads():
        return _out_of_memory(error)
    if received or isinstance(error, (KeyboardInterrupt, Terminated)):
        # A signal inside an import or a library may surface as any other error.
        return _interrupted(received)
    if isinstance(error, ReportgenError):
        return error
    if is_out_of_memory(error):
        return _out_of_memory(error)
    if isinstance(error, OSError) and _is_refusal(error):
        return _refused(error)
    return None


def _is_confined() -> bool:
    """Whether address space is limited (``ulimit -v``) to less than importing numpy needs.

    OpenBLAS would then retry forever, or end the process with its own code.
    """
    try:
        import resource
    except ImportError:  # Windows
        return False
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return limit != resource.RLIM_INFINITY and limit < _LEAST_ADDRESS_SPACE


def _can_start_threads() -> bool:
    """Whether there is memory for a thread.

    Otherwise OpenBLAS sends SIGINT to its own process when numpy is imported, which is not Ctrl-C.
    """
    import threading

    try:
        thread = threading.Thread(target=int)
        thread.start()
    except (RuntimeError, MemoryError):
        return False
    thread.join()
    return True


def _interrupted(received: Sequence[int]) -> Interrupted:
    hint = "run the command again; a report is replaced as a whole, or not at all"
    stop = _STOPS.get(received[0], KeyboardInterrupt) if received else KeyboardInterrupt
    return interrupted_by(stop(), hint=hint)


def interrupted_by(stop: BaseException, when: str = "", *, hint: str) -> Interrupted:
    """The error for ``KeyboardInterrupt`` or :class:`Terminated`; `when` is optional."""
    if isinstance(stop, Terminated):
        return Interrupted(f"terminated {when}".strip(), hint=hint, exit_code=stop.exit_code)
    return Interrupted(f"interrupted {when}".strip(), hint=hint)


def is_out_of_memory(error: BaseException | None) -> bool:
    """Whether `error`, or its cause, is lack of memory; a failed import can be one."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, (OSError, ImportError, RuntimeError, SystemError)):
            said = str(error).lower()
            if getattr(error, "errno", 0) == errno.ENOMEM or any(
                words in said for words in _NO_MEMORY_WORDS
            ):
                return True
        error = error.__cause__ or error.__context__
    return False


def _out_of_memory(error: BaseException) -> ReportgenError:
    error.__traceback__ = None  # its frames reference the memory
    return DataError(
        "not enough memory on this machine",
        slug="memory",
        hint="give the process more memory (ulimit -v, the limit of a container), or use a "
        "larger machine",
    )


def _is_refusal(error: OSError) -> bool:
    without_folder = isinstance(error, FileNotFoundError) and "temporary directory" in str(error)
    return error.errno in _REFUSED or without_folder


def _refused(error: OSError) -> OutputError:
    name = error.filename if isinstance(error.filename, str) else ""
    what = f" for {quoted(middle_cut(Path(name).name))}" if name else ""
    reason = printable((error.strerror or str(error)).lower())
    return OutputError(
        f"cannot open a file{what}: {reason}",
        slug="system-refused",
        hint=f"free space in {printable(_temporary_folder())}, or set TMPDIR to another folder"
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.ENOENT)
        else "use shorter names: a file system takes about 255 bytes per name"
        if error.errno == errno.ENAMETOOLONG
        else "check the limits of the process (ulimit -a) and of the file system",
    )


def _temporary_folder() -> str:
    import tempfile

    try:
        return tempfile.gettempdir()
    except OSError:
        return os.environ.get("TMPDIR", "the temporary folder")


def _internal_error() -> str:
    import tempfile
    import traceback

    said = "reportgen: internal error: this is a bug in reportgen, not in your data\n"
    try:
        with tempfile.NamedTemporaryFile(
            "w", prefix="reportgen-error-", suffix=".txt", delete=False, encoding="utf-8",
            errors="backslashreplace",
        ) as stream:  # fmt: skip
            from reportgen import __version__

            stream.write(f"reportgen {__version__}\n{traceback.format_exc()}")
        said += f"  the traceback is in {stream.name}\n"
    except OSError:
        said += "  the traceback could not be kept: print it with --debug\n"
    return said + "  please report it, with the output of `reportgen versions`"


def print_error(error: ReportgenError) -> None:
    """Print the error as one block on stderr, with the heading of its documentation."""
    first, *rest = error.lines()
    rest.append(f"help: docs/errors.md#{error.slug}")
    for line in (f"reportgen: error: {first}", *(f"  {line}" for line in rest)):
        print_line(line, sys.stderr)


def print_line(line: str, stream: TextIO | None = None) -> None:
    """Print `line`, inert and without secrets, encodable in `stream` (stdout by default)."""
    stream = stream or sys.stdout
    told = inert(without_secrets(line))
    print(encodable(told, getattr(stream, "encoding", None)), file=stream, flush=True)


def print_command(line: str) -> None:
    """Print `line` as a command to a CI system: only for our own commands, with escaped names."""
    told = without_secrets(line)
    print(encodable(told, getattr(sys.stdout, "encoding", None)), flush=True)


class _Unfailing(io.FileIO):
    """The file of a standard stream that drops what can't be written, and keeps the reason."""

    failure: OSError | None = None

    def write(self, data: Any) -> int:
        size = memoryview(data).nbytes
        if self.failure is not None:
            return size
        try:
            while (written := super().write(data)) is None:  # a non-blocking pipe
                select.select([], [self], [])
        except OSError as error:
            self.failure = error
            return size
        return written


@contextmanager
def _streams() -> Iterator[_Unfailing | None]:
    """Make standard streams never raise in the block: closed ones are discarded, failures recorded.

    Yields the file of stdout, if it is one.
    """
    before = sys.stdout, sys.stderr
    _open_closed()
    files = _unfailing_file(sys.stdout), _unfailing_file(sys.stderr)
    sys.stdout = _written_to(files[0], sys.stdout)
    sys.stderr = _written_to(files[1], sys.stderr)
    try:
        yield files[0]
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        if not any(file is not None and file.failure for file in files):
            sys.stdout, sys.stderr = before


def _open_closed() -> None:
    """Redirect closed standard streams to null: a file opened later must not get their number."""
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115


def _unfailing_file(stream: TextIO) -> _Unfailing | None:
    """The file of a standard stream as one that never raises.

    None for a Windows console, or a replaced stream.
    """
    if stream not in (sys.__stdout__, sys.__stderr__) or not isinstance(stream, io.TextIOWrapper):
        return None
    raw = getattr(stream.buffer, "raw", stream.buffer)
    return _Unfailing(raw.fileno(), "w", closefd=False) if type(raw) is io.FileIO else None


def _written_to(file: _Unfailing | None, stream: TextIO) -> TextIO:
    """`stream`, writing to `file` if given."""
    if file is None or not isinstance(stream, io.TextIOWrapper):
        return stream
    return io.TextIOWrapper(
        io.BufferedWriter(file),
        encoding=stream.encoding,
        errors=stream.errors,
        line_buffering=stream.line_buffering or stream.write_through,
    )


def _stream_code(stdout: _Unfailing | None) -> int:
    """The exit code of a successful command, given the state of stdout."""
    if stdout is None or stdout.failure is None:
        return 0
    if stdout.failure.errno == errno.EPIPE:
        return BROKEN_PIPE  # the reader is gone (`| head`), which is not an error
    reason = (stdout.failure.strerror or "it failed").lower()
    print_error(
        OutputError(
            f"cannot write to the standard output: {reason}",
            slug="stdout-not-writable",
            details=["everything else was done"],
            hint="free space where the output is redirected to",
        )
    )
    return OutputError.exit_code


@contextmanager
def _signals(*, restore: bool) -> Iterator[list[int]]:
    """SIGTERM and SIGHUP end a command like Ctrl-C; a second one ends the process at once.

    An ignored SIGHUP, as under ``nohup``, stays ignored. Yields the received signals. The earlier
    handlers are put back after the block if `restore`.
    """
    received: list[int] = []

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_DFL)
        received.append(number)
        raise _STOPS[number]

    try:
        before = {
            number: signal.signal(number, stop)
            for number in _STOPS
            if number != _HANG_UP or signal.getsignal(number) is not signal.SIG_IGN
        }
    except ValueError:  # not the main thread, which owns signals
        before = {}
    try:
        yield received
    finally:
        for number, handler in before.items() if restore else ():
            signal.signal(number, handler)


def usable_cores() -> int:
    """The number of cores that this process may run on, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
