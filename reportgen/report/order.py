"""An order of the classes in which confused ones stand together."""

from __future__ import annotations

from reportgen.confusions import confusion_order

__all__ = ["confusion_order"]
