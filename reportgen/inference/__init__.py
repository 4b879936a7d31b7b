"""From a model and data to predictions: everything that needs torch, one room a subject."""

from typing import TYPE_CHECKING

from reportgen.lazy import lazy_names

if TYPE_CHECKING:
    from reportgen.inference.adapters.records import adapter_of
    from reportgen.inference.folders.files import locate
    from reportgen.inference.folders.listed import images_root
    from reportgen.inference.folders.notes import training_note
    from reportgen.inference.folders.splits import chosen_split
    from reportgen.inference.job import predict_folder, predict_live
    from reportgen.inference.sources.live import POSITIONS, paths_of

__all__ = [
    "POSITIONS",
    "adapter_of",
    "chosen_split",
    "images_root",
    "locate",
    "paths_of",
    "predict_folder",
    "predict_live",
    "training_note",
]

__getattr__ = lazy_names(
    __name__,
    {
        "adapters.records": "adapter_of",
        "folders.files": "locate",
        "folders.listed": "images_root",
        "folders.notes": "training_note",
        "folders.splits": "chosen_split",
        "job": "predict_folder predict_live",
        "sources.live": "POSITIONS paths_of",
    },
)
