"""``python -m reportgen``, and the installed command ``reportgen``."""

from __future__ import annotations

import gc
import sys

from reportgen.process import exit_code_of

__all__ = [
    "main",
]


def main() -> None:
    """Run the command.

    Imports are inside, since they can be interrupted, or run out of memory.
    """
    code = exit_code_of(_command, debug="--debug" in sys.argv, is_last=True)
    gc.freeze()  # the process ends: a collection of all loaded objects would take 0.4 s
    sys.exit(code)


NEW_OBJECTS = 200_000
"""Number of new objects before a garbage collection: 300 times the default.

Importing libraries creates hundreds of thousands of objects, none of which is garbage.
"""


def _command() -> int:
    gc.set_threshold(NEW_OBJECTS)
    from reportgen.cli import command

    return command(sys.argv[1:])


if __name__ == "__main__":
    main()
