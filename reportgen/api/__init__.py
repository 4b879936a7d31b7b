"""The flow: one function for each command, one named step a line.

``run`` is ``predict`` and then the very steps of ``render`` on the file that it wrote, so the
same report can be made again from that file, elsewhere, without torch. ``compare`` is ``render``
with a baseline.
"""

from reportgen.api.checking import check
from reportgen.api.comparing import compare
from reportgen.api.keeping import history, save_baseline
from reportgen.api.rendering import evaluate, load, render
from reportgen.api.running import predict, run

__all__ = [
    "check",
    "compare",
    "evaluate",
    "history",
    "load",
    "predict",
    "render",
    "run",
    "save_baseline",
]
