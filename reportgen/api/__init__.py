"""The commands as functions, one named step per line.

``run`` is ``predict``, then the same steps as ``render`` on the file that it wrote, so the report
can be rendered again from that file without torch. ``compare`` is ``render`` with a baseline.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.api.baselines import history, save_baseline
    from reportgen.api.checking import check, check_review
    from reportgen.api.comparing import compare, compare_reviews
    from reportgen.api.delivering import comment, mail
    from reportgen.api.indexing import KEEP, Site, index
    from reportgen.api.rendering import check_request, evaluate, load, render, render_review
    from reportgen.api.running import predict, require_torch, run, run_review
    from reportgen.api.sharding import merge, merge_status
    from reportgen.api.tracking import deliver, track

__all__ = [
    "KEEP",
    "Site",
    "check",
    "check_request",
    "check_review",
    "comment",
    "compare",
    "compare_reviews",
    "deliver",
    "evaluate",
    "history",
    "index",
    "load",
    "mail",
    "merge",
    "merge_status",
    "predict",
    "render",
    "render_review",
    "require_torch",
    "run",
    "run_review",
    "save_baseline",
    "track",
]

__getattr__ = lazy_names(
    __name__,
    {
        "baselines": "history save_baseline",
        "checking": "check check_review",
        "comparing": "compare compare_reviews",
        "delivering": "comment mail",
        "indexing": "KEEP Site index",
        "rendering": "check_request evaluate load render render_review",
        "running": "predict require_torch run run_review",
        "sharding": "merge merge_status",
        "tracking": "deliver track",
    },
)
