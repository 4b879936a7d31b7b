"""Provenance: data, model, versions and options behind an evaluation.

These values are stored in the metadata of a predictions file and in ``report.json``, so that a
report rendered later has them too. They contain base names, never absolute paths; no user, host,
environment or time.
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
"""Key of ``Provenance.inference``: number of top classes known per sample."""


@dataclass(frozen=True)
class DataNote:
    """A note on the data or the run.

    Attributes
    ----------
    code
        Stable name, for example ``"duplicate-images"``; one note per code.
    sentence
        The whole message, one sentence or two, in plain words.
    severity
        ``"warning"`` if it may affect a decision, else ``"info"``.
    count
        Number of samples, files or classes concerned.
    examples
        At most ten printable names.
    """

    code: str
    sentence: str
    severity: Annotated[str, OneOf(("info", "warning"))] = "info"
    count: int = 0
    examples: tuple[str, ...] = ()


@dataclass(frozen=True)
class Accounting:
    """Sample accounting: ``counted + sum(excluded.values()) == found``.

    Attributes
    ----------
    found
        Number of samples in the data.
    counted
        Number of samples in the confusion matrix.
    excluded
        Reason in words → number of excluded samples.
    skipped
        Reason → number of directory entries that are not samples (hidden folders, text files); not
        included in `found`.
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
    """The model that ran.

    Attributes
    ----------
    name, version
        Display name and version; `version` may be empty.
    kind
        ``"torch.export program"``, ``"factory + weights"``, ``"torchvision + weights"`` or
        ``"live module"``.
    source
        MODEL as on the command line, with base names only.
    files
        Base name → SHA-256 (hexadecimal) of each of its files.
    executes_code
        Whether loading or running it executes user code.
    notes
        Notes on loading it, one sentence each.
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
    """Everything an auditor needs about an evaluation; unknown texts are empty.

    Attributes
    ----------
    kind
        ``"inference"``, ``"predictions"`` or ``"confusion matrix"``: the kind of input.
    data_fingerprint
        SHA-256 over the sorted sample ids, labels and content hashes.
    classes_source
        The source of the class list, in words.
    preprocessing
        The declared steps, one line each.
    outputs
        The output type of the model: ``logits``, ``probabilities`` or ``log-probabilities``, and
        how it was determined.
    inference
        ``device``, ``precision``, ``batch_size`` and other settings of the forward passes.
    versions
        Versions of the libraries behind the predictions.
    command
        The command that repeats the evaluation, with base names only.
    read_as
        How a saved input was read, and which parts were not used: ``4 samples: label "Actual",
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
        """Number of top classes known per sample; None if all or none are."""
        text = self.inference.get(RANKED_CLASSES, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
