"""Labels worth a second look: samples that the model confidently takes for another class.

Confident learning (Northcutt, Jiang & Chuang 2021, JAIR 70, 1373-1411) in two passes: the first
learns how sure the model usually is of each class (:class:`Thresholds`), the second finds the
samples that reach the threshold of another class than their label's (:class:`Suspects`). Both add
up; :class:`LabelSuspects` is what a report shows. It lists mistakes of the model and of the labels
alike, and never says which.
"""

from reportgen.suspects.found import LIMIT, Suspect, Suspects
from reportgen.suspects.summary import REASONS, WARNINGS, LabelSuspects, label_suspects
from reportgen.suspects.thresholds import ENOUGH_SAMPLES, Thresholds

__all__ = [
    "ENOUGH_SAMPLES",
    "LIMIT",
    "REASONS",
    "WARNINGS",
    "LabelSuspects",
    "Suspect",
    "Suspects",
    "Thresholds",
    "label_suspects",
]
