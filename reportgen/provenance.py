"""Where numbers come from: what data, model, versions and rules made them.

These values travel in the metadata of a predictions file and in ``report.json``, so that a report
rendered later, elsewhere, says the same. They hold base names, never absolute paths; no user, no
host, no environment, no clock.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated

from reportgen.jsonio import OneOf

__all__ = [
    "RANKED_CLASSES",
    "Accounting",
    "DataNote",
    "ModelFacts",
    "Provenance",
]


RANKED_CLASSES = "classes ranked for each sample"
"""Key of ``Provenance.inference``: of how many classes, best first, the input knows the order."""


@dataclass(frozen=True)
class DataNote:
    """Something that a reader should know about the data or the run.

    Attributes
    ----------
    code
        Stable name, for example ``"duplicate-images"``; one note a code.
    sentence
        The whole message, one sentence or two, in plain words.
    severity
        ``"warning"`` where it may change a decision, else ``"info"``.
    count
        How many samples, files or classes it concerns.
    examples
        At most ten names, printable.
    """

    code: str
    sentence: str
    severity: Annotated[str, OneOf(("info", "warning"))] = "info"
    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Accounting:
    """What became of every sample: ``counted + sum(excluded.values()) == found``.

    Attributes
    ----------
    found
        Samples found in the data.
    counted
        Samples in the confusion matrix.
    excluded
        Reason in words → number of samples left out for it.
    skipped
        Reason → number of directory entries that never were candidates (hidden folders, text
        files); they are not part of `found`.
    """

    found: int
    counted: int
    excluded: Mapping[str, int] = field(default_factory=dict)
    skipped: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.counted + sum(self.excluded.values()) != self.found:
            raise ValueError(f"{self.counted} counted + {self.excluded} excluded != {self.found}")


@dataclass(frozen=True)
class ModelFacts:
    """Which model ran.

    Attributes
    ----------
    name, version
        What the user calls it; `version` may be empty.
    kind
        ``"torch.export program"``, ``"factory + weights"``, ``"torchvision + weights"`` or
        ``"live module"``.
    source
        How it was named on the command line, with base names only.
    files
        Base name → SHA-256 (hexadecimal) of each file that made it.
    executes_code
        Whether loading or running it runs code that the user named.
    notes
        What was done to load it, one sentence each.
    """

    name: str
    version: str = ""
    kind: str = ""
    source: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    executes_code: bool = False
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Provenance:
    """Everything an auditor asks about one evaluation; empty strings where it is not known.

    Attributes
    ----------
    kind
        ``"inference"``, ``"predictions"`` or ``"confusion matrix"``: what the numbers are based on.
    data_fingerprint
        SHA-256 over the sorted sample ids, labels and content hashes.
    classes_source
        Where the class list came from, in words.
    preprocessing
        The declared steps, one line each.
    outputs
        How the model's outputs were read: ``logits``, ``probabilities`` or ``log-probabilities``,
        and by which rule.
    inference
        ``device``, ``precision``, ``batch_size`` and what else shaped the forward passes.
    versions
        Library → version that made the predictions.
    command
        The command that repeats this, with base names only.
    read_as
        How a saved input was read, and what of it was not used: ``4 samples: label "Actual",
        prediction "Predicted"; not used: day (slices only)``.
    """

    kind: str
    title: str = ""
    date: str = ""
    model: ModelFacts = field(default_factory=lambda: ModelFacts(name=""))
    data_name: str = ""
    split: str = ""
    data_fingerprint: str = ""
    classes_source: str = ""
    preprocessing: tuple[str, ...] = ()
    outputs: str = ""
    inference: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    command: str = ""
    read_as: str = ""

    @property
    def n_ranked(self) -> int | None:
        """Of how many classes the input knows the order, best first; None where of all or none."""
        text = self.inference.get(RANKED_CLASSES, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
