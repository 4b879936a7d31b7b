"""Options as declared fields: defined once for command line, library, validation and documents."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.options.baselines_folder import DEFAULT_FOLDER
    from reportgen.options.dates import check_date, check_epoch, midnight_utc, report_date
    from reportgen.options.declared import sort_options
    from reportgen.options.engines import Ray, engine_of, take_engine
    from reportgen.options.evaluation import EvaluationKeywords, EvaluationOptions
    from reportgen.options.importing import NONE, InputOptions, render_command
    from reportgen.options.page import (
        MAX_BYTES,
        THUMBNAIL_SIZE,
        PageKeywords,
        PageOptions,
        check_address,
        check_tracker,
    )
    from reportgen.options.review import ReviewKeywords, ReviewOptions
    from reportgen.options.run import DEFAULT_BATCH_SIZES, Options, RunKeywords
    from reportgen.options.shards import Shard, gaps, ranges, shard_of

__all__ = [
    "DEFAULT_BATCH_SIZES",
    "DEFAULT_FOLDER",
    "MAX_BYTES",
    "NONE",
    "THUMBNAIL_SIZE",
    "EvaluationKeywords",
    "EvaluationOptions",
    "InputOptions",
    "Options",
    "PageKeywords",
    "PageOptions",
    "Ray",
    "ReviewKeywords",
    "ReviewOptions",
    "RunKeywords",
    "Shard",
    "check_address",
    "check_date",
    "check_epoch",
    "check_tracker",
    "engine_of",
    "gaps",
    "midnight_utc",
    "ranges",
    "render_command",
    "report_date",
    "shard_of",
    "sort_options",
    "take_engine",
]

__getattr__ = lazy_names(
    __name__,
    {
        "baselines_folder": "DEFAULT_FOLDER",
        "dates": "check_date check_epoch midnight_utc report_date",
        "declared": "sort_options",
        "engines": "Ray engine_of take_engine",
        "evaluation": "EvaluationKeywords EvaluationOptions",
        "importing": "InputOptions NONE render_command",
        "page": "MAX_BYTES PageKeywords PageOptions THUMBNAIL_SIZE check_address check_tracker",
        "review": "ReviewKeywords ReviewOptions",
        "run": "DEFAULT_BATCH_SIZES Options RunKeywords",
        "shards": "Shard gaps ranges shard_of",
    },
)
