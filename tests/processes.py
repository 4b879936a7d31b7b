"""Processes that a test starts, stops, and never leaves behind."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any


@contextmanager
def started(words: Sequence[Any], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with its stderr as text; killed at the end if it still runs."""
    arguments = list(map(str, words))
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, **options) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(
    condition: Callable[[], object], process: subprocess.Popen[str], seconds: float = 120
) -> None:
    """Return once `condition` is true; fail if the process ends before, or does not get there."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.01)
