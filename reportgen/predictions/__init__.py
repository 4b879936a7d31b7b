"""`Predictions`: one row per sample. The record of a run, and what every report is made from.

This room owns pyarrow: ``schema`` says what the columns are, ``parts`` writes them while inference
runs, ``table`` reads them back, ``slim`` keeps what a later comparison needs. pyarrow is loaded
when a file is touched, not before.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.predictions.compact import write_slim
    from reportgen.predictions.metadata import INDEPENDENT_SCORES, RunFacts
    from reportgen.predictions.outline import RunOutline
    from reportgen.predictions.part_files import open_part_files
    from reportgen.predictions.parts import Parts, RunState, require_same_run, write_predictions
    from reportgen.predictions.schema import METADATA_KEY, Rows
    from reportgen.predictions.sums import BadSample, SamePairs, Sums, data_fingerprint, listing_of
    from reportgen.predictions.table import PredictionRows, Predictions

__all__ = [
    "INDEPENDENT_SCORES",
    "METADATA_KEY",
    "BadSample",
    "Parts",
    "PredictionRows",
    "Predictions",
    "Rows",
    "RunFacts",
    "RunOutline",
    "RunState",
    "SamePairs",
    "Sums",
    "data_fingerprint",
    "listing_of",
    "open_part_files",
    "require_same_run",
    "write_predictions",
    "write_slim",
]

__getattr__ = lazy_names(
    __name__,
    {
        "compact": "write_slim",
        "metadata": "INDEPENDENT_SCORES RunFacts",
        "outline": "RunOutline",
        "part_files": "open_part_files",
        "parts": "Parts RunState require_same_run write_predictions",
        "schema": "METADATA_KEY Rows",
        "sums": "BadSample SamePairs Sums data_fingerprint listing_of",
        "table": "PredictionRows Predictions",
    },
)
