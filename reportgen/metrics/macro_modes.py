"""The classes that macro averages are over."""

from __future__ import annotations

from typing import Literal

__all__ = [
    "MACRO_MODES",
    "MacroMode",
]


MacroMode = Literal["present", "all"]


MACRO_MODES: dict[MacroMode, str] = {
    "present": "Macro averages are over the classes with samples.",
    "all": "Macro averages are over all declared classes (--macro all); a class without samples "
    "counts as 0.",
}
"""The classes that macro precision, recall and F1 average over → a sentence for readers."""
