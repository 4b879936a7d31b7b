"""From a model and data to predictions: everything that needs torch, one room per subject."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.inference.adapters.records import adapter_of
    from reportgen.inference.batches import BatchPredictor, GivenImages, Samples
    from reportgen.inference.facts import facts_of, require_few_bad, write_bad_list
    from reportgen.inference.folders.notes import training_note
    from reportgen.inference.folders.splits import chosen_split
    from reportgen.inference.job import predict_folder, predict_live
    from reportgen.inference.packed.pictures import SampleImages, sample_images
    from reportgen.inference.sharding import predict_shard
    from reportgen.inference.sources.agreeing import live_classes
    from reportgen.inference.sources.live import POSITIONS, paths_of, shuffles

__all__ = [
    "POSITIONS",
    "BatchPredictor",
    "GivenImages",
    "SampleImages",
    "Samples",
    "adapter_of",
    "chosen_split",
    "facts_of",
    "live_classes",
    "paths_of",
    "predict_folder",
    "predict_live",
    "predict_shard",
    "require_few_bad",
    "sample_images",
    "shuffles",
    "training_note",
    "write_bad_list",
]

__getattr__ = lazy_names(
    __name__,
    {
        "adapters.records": "adapter_of",
        "batches": "BatchPredictor GivenImages Samples",
        "facts": "facts_of require_few_bad write_bad_list",
        "folders.notes": "training_note",
        "folders.splits": "chosen_split",
        "job": "predict_folder predict_live",
        "packed.pictures": "SampleImages sample_images",
        "sharding": "predict_shard",
        "sources.agreeing": "live_classes",
        "sources.live": "POSITIONS paths_of shuffles",
    },
)
