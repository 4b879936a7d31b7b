"""Saved inputs: tables of predictions and confusion matrices from anywhere, checked, in batches.

Every format becomes a :class:`~reportgen.importers.formats.tables.Table` first; what its columns
mean is decided once, over the whole file, by what is declared in :class:`InputOptions` or by
stated rules. What could mean two things is refused, with the option that decides.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.importers.columns.id_spelling import Spelling, common_spelling
    from reportgen.importers.entrance import kind_of, open_input, open_predictions
    from reportgen.importers.formats.delimited import dialect_of, rows_of
    from reportgen.importers.formats.json_files import read_json
    from reportgen.importers.matrices.proportions import NormalisedMatrix
    from reportgen.importers.matrices.reading import MatrixInput, read_matrix_any
    from reportgen.importers.metadata import WithMetadata, join_metadata
    from reportgen.importers.sample_lists.layouts import could_be_list
    from reportgen.importers.sample_lists.reading import SampleList, read_sample_list
    from reportgen.importers.subset import SubsetRows, restrict_classes
    from reportgen.importers.table_predictions import TablePredictions

__all__ = [
    "MatrixInput",
    "NormalisedMatrix",
    "SampleList",
    "Spelling",
    "SubsetRows",
    "TablePredictions",
    "WithMetadata",
    "common_spelling",
    "could_be_list",
    "dialect_of",
    "join_metadata",
    "kind_of",
    "open_input",
    "open_predictions",
    "read_json",
    "read_matrix_any",
    "read_sample_list",
    "restrict_classes",
    "rows_of",
]

__getattr__ = lazy_names(
    __name__,
    {
        "columns.id_spelling": "Spelling common_spelling",
        "entrance": "kind_of open_input open_predictions",
        "formats.delimited": "dialect_of rows_of",
        "formats.json_files": "read_json",
        "matrices.proportions": "NormalisedMatrix",
        "matrices.reading": "MatrixInput read_matrix_any",
        "metadata": "WithMetadata join_metadata",
        "sample_lists.layouts": "could_be_list",
        "sample_lists.reading": "SampleList read_sample_list",
        "subset": "SubsetRows restrict_classes",
        "table_predictions": "TablePredictions",
    },
)
