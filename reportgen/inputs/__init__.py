"""Saved inputs: tables of predictions and confusion matrices from anywhere, checked, in batches.

Every format becomes a :class:`~reportgen.inputs.formats.tables.Table` first; what its columns mean
is decided once, over the whole file, by what is declared in :class:`InputOptions` or by stated
rules.
What could mean two things is refused, with the option that decides.
"""

from reportgen.inputs.formats.strict_json import read_json
from reportgen.inputs.joining_metadata import WithMetadata, with_metadata
from reportgen.inputs.kinds import kind_of
from reportgen.inputs.matrices.normalised import NormalisedMatrix
from reportgen.inputs.matrices.reading import MatrixInput, read_matrix_any
from reportgen.inputs.opening import open_input, open_predictions
from reportgen.inputs.options import InputOptions
from reportgen.inputs.predictions import TablePredictions

__all__ = [
    "InputOptions",
    "MatrixInput",
    "NormalisedMatrix",
    "TablePredictions",
    "WithMetadata",
    "kind_of",
    "open_input",
    "open_predictions",
    "read_json",
    "read_matrix_any",
    "with_metadata",
]
