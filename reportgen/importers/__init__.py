"""Saved inputs: tables of predictions and confusion matrices from anywhere, checked, in batches.

Every format becomes a :class:`~reportgen.importers.formats.tables.Table` first. The roles of its
columns are decided once, over the whole file: by :class:`InputOptions`, otherwise by documented
rules. Ambiguous input is refused, with the option that resolves it.
"""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.importers.columns.id_spelling import Spelling, common_spelling
    from reportgen.importers.columns.words import is_called, several_columns
    from reportgen.importers.entrance import kind_of, open_input, open_predictions
    from reportgen.importers.formats.arrays import CLASS_NAMES, ArrayFile, array_files
    from reportgen.importers.formats.compressed import compression_of, open_bytes
    from reportgen.importers.formats.delimited import dialect_of, rows_of
    from reportgen.importers.formats.json_files import read_json
    from reportgen.importers.image_tables.cells import ImageCells
    from reportgen.importers.image_tables.reading import (
        ImageTable,
        has_images,
        images_in_tables,
        is_image_table,
        read_image_table,
    )
    from reportgen.importers.matrices.proportions import NormalisedMatrix
    from reportgen.importers.matrices.reading import MatrixInput, read_matrix_any
    from reportgen.importers.metadata import WithMetadata, join_metadata
    from reportgen.importers.sample_lists.layouts import could_be_list
    from reportgen.importers.sample_lists.reading import (
        SampleList,
        read_sample_list,
        samples_of_columns,
    )
    from reportgen.importers.sample_lists.splits import (
        best_split,
        choose_split,
        match_split,
        split_of_shard,
        split_role,
    )
    from reportgen.importers.shards import (
        ShardNames,
        Shards,
        choose_shards,
        files_below,
        find_file,
        refuse_missing_files,
    )
    from reportgen.importers.subset import SubsetRows, restrict_classes
    from reportgen.importers.table_predictions import TablePredictions

__all__ = [
    "CLASS_NAMES",
    "ArrayFile",
    "ImageCells",
    "ImageTable",
    "MatrixInput",
    "NormalisedMatrix",
    "SampleList",
    "ShardNames",
    "Shards",
    "Spelling",
    "SubsetRows",
    "TablePredictions",
    "WithMetadata",
    "array_files",
    "best_split",
    "choose_shards",
    "choose_split",
    "common_spelling",
    "compression_of",
    "could_be_list",
    "dialect_of",
    "files_below",
    "find_file",
    "has_images",
    "images_in_tables",
    "is_called",
    "is_image_table",
    "join_metadata",
    "kind_of",
    "match_split",
    "open_bytes",
    "open_input",
    "open_predictions",
    "read_image_table",
    "read_json",
    "read_matrix_any",
    "read_sample_list",
    "refuse_missing_files",
    "restrict_classes",
    "rows_of",
    "samples_of_columns",
    "several_columns",
    "split_of_shard",
    "split_role",
]

__getattr__ = lazy_names(
    __name__,
    {
        "columns.id_spelling": "Spelling common_spelling",
        "columns.words": "is_called several_columns",
        "entrance": "kind_of open_input open_predictions",
        "formats.arrays": "CLASS_NAMES ArrayFile array_files",
        "formats.compressed": "compression_of open_bytes",
        "formats.delimited": "dialect_of rows_of",
        "formats.json_files": "read_json",
        "image_tables.cells": "ImageCells",
        "image_tables.reading": (
            "ImageTable has_images images_in_tables is_image_table read_image_table"
        ),
        "matrices.proportions": "NormalisedMatrix",
        "matrices.reading": "MatrixInput read_matrix_any",
        "metadata": "WithMetadata join_metadata",
        "sample_lists.layouts": "could_be_list",
        "sample_lists.reading": "SampleList read_sample_list samples_of_columns",
        "sample_lists.splits": "best_split choose_split match_split split_of_shard split_role",
        "shards": "ShardNames Shards choose_shards files_below find_file refuse_missing_files",
        "subset": "SubsetRows restrict_classes",
        "table_predictions": "TablePredictions",
    },
)
