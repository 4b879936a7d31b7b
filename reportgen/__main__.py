"""``python -m reportgen``, and the installed command ``reportgen``."""

from __future__ import annotations

import gc
import sys

from reportgen.process import exit_code_of

__all__ = [
    "main",
]


def main() -> None:
    """Run the command. What it needs is imported inside: an import can be interrupted, too, or
    find no memory.
    """
    code = exit_code_of(_command, debug="--debug" in sys.argv)
    gc.freeze()  # the process ends: to look for garbage among all that was loaded takes 0.4 s
    sys.exit(code)


NEW_OBJECTS = 200_000
"""This many are made before the collector looks for garbage: 300 times as many as by default. To
load libraries makes hundreds of thousands, and none of them is garbage.
"""


def _command() -> int:
    gc.set_threshold(NEW_OBJECTS)
    from reportgen.cli import command

    return command(sys.argv[1:])


if __name__ == "__main__":
    main()
