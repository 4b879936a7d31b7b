"""`Predictions`: one row per sample, the record of a run and the source of every report.

This package owns pyarrow: ``schema`` defines the columns, ``parts`` writes them during inference,
``table`` reads them, ``compact`` keeps only what a later comparison needs. pyarrow is imported when
a file is opened or written, not before.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.predictions.compact import write_slim
    from reportgen.predictions.derived import DerivedRows
    from reportgen.predictions.lines import decimals, joined_lines
    from reportgen.predictions.merging import PartSet
    from reportgen.predictions.metadata import INDEPENDENT_SCORES, RunFacts
    from reportgen.predictions.outline import RunOutline
    from reportgen.predictions.part_files import open_part_files
    from reportgen.predictions.parts import (
        LIST_OF_SAMPLES,
        Parts,
        RunState,
        differing,
        partial_rows,
        require_same_run,
        write_predictions,
    )
    from reportgen.predictions.schema import METADATA_KEY, Rows, part_schema, table_of
    from reportgen.predictions.shards import (
        OUTPUTS_AS_DECIDED,
        PART_VERSION,
        PartFile,
        PartHeader,
        refuse_part,
        write_part,
    )
    from reportgen.predictions.sums import (
        BadSample,
        SamePairs,
        Sums,
        data_fingerprint,
        listing_of,
        table_digest,
    )
    from reportgen.predictions.table import PredictionRows, Predictions

__all__ = [
    "INDEPENDENT_SCORES",
    "LIST_OF_SAMPLES",
    "METADATA_KEY",
    "OUTPUTS_AS_DECIDED",
    "PART_VERSION",
    "BadSample",
    "DerivedRows",
    "PartFile",
    "PartHeader",
    "PartSet",
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
    "decimals",
    "differing",
    "joined_lines",
    "listing_of",
    "open_part_files",
    "part_schema",
    "partial_rows",
    "refuse_part",
    "require_same_run",
    "table_digest",
    "table_of",
    "write_part",
    "write_predictions",
    "write_slim",
]

__getattr__ = lazy_names(
    __name__,
    {
        "compact": "write_slim",
        "derived": "DerivedRows",
        "lines": "decimals joined_lines",
        "merging": "PartSet",
        "metadata": "INDEPENDENT_SCORES RunFacts",
        "outline": "RunOutline",
        "part_files": "open_part_files",
        "parts": "LIST_OF_SAMPLES Parts RunState differing partial_rows require_same_run "
        "write_predictions",
        "schema": "METADATA_KEY Rows part_schema table_of",
        "shards": "OUTPUTS_AS_DECIDED PART_VERSION PartFile PartHeader refuse_part write_part",
        "sums": "BadSample SamePairs Sums data_fingerprint listing_of table_digest",
        "table": "PredictionRows Predictions",
    },
)
