"""From a model and data to predictions: everything that needs torch, one package per subject."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.inference.adapters.records import adapter_of
    from reportgen.inference.batches import (
        BatchPredictor,
        GivenImages,
        Samples,
        reason_unread,
        samples_at,
        witness_of,
    )
    from reportgen.inference.facts import facts_of, require_few_bad, write_bad_list
    from reportgen.inference.folders.brought import brought_data
    from reportgen.inference.folders.notes import training_note
    from reportgen.inference.folders.splits import chosen_split
    from reportgen.inference.given_classes import labels_have_names, order_of_data
    from reportgen.inference.job import Elsewhere, predict_folder, predict_live
    from reportgen.inference.loop import PART_ROWS, PART_SECONDS
    from reportgen.inference.packed.pictures import SampleImages, sample_images
    from reportgen.inference.plan import Plan
    from reportgen.inference.sharding import predict_shard
    from reportgen.inference.sources.agreeing import live_classes
    from reportgen.inference.sources.folder import FolderSource
    from reportgen.inference.sources.live import POSITIONS, paths_of, shuffles

__all__ = [
    "PART_ROWS",
    "PART_SECONDS",
    "POSITIONS",
    "BatchPredictor",
    "Elsewhere",
    "FolderSource",
    "GivenImages",
    "Plan",
    "SampleImages",
    "Samples",
    "adapter_of",
    "brought_data",
    "chosen_split",
    "facts_of",
    "labels_have_names",
    "live_classes",
    "order_of_data",
    "paths_of",
    "predict_folder",
    "predict_live",
    "predict_shard",
    "reason_unread",
    "require_few_bad",
    "sample_images",
    "samples_at",
    "shuffles",
    "training_note",
    "witness_of",
    "write_bad_list",
]

__getattr__ = lazy_names(
    __name__,
    {
        "adapters.records": "adapter_of",
        "batches": "BatchPredictor GivenImages Samples reason_unread samples_at witness_of",
        "facts": "facts_of require_few_bad write_bad_list",
        "folders.notes": "training_note",
        "folders.brought": "brought_data",
        "folders.splits": "chosen_split",
        "given_classes": "labels_have_names order_of_data",
        "job": "Elsewhere predict_folder predict_live",
        "loop": "PART_ROWS PART_SECONDS",
        "packed.pictures": "SampleImages sample_images",
        "plan": "Plan",
        "sharding": "predict_shard",
        "sources.agreeing": "live_classes",
        "sources.folder": "FolderSource",
        "sources.live": "POSITIONS paths_of shuffles",
    },
)
