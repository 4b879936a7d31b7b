"""Public reports, without pictures and sample names.

Equal names have equal hashes, so rows of several reports can be matched. A hash does not hide a
name that can be guessed, such as ``cat/0001.png``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import fields, replace
from typing import Any

from reportgen.analysis.label_issues import LabelIssue
from reportgen.comparison import Change
from reportgen.evaluation import Evaluation
from reportgen.metrics import ClassSample, Mistake
from reportgen.rendering.tree import rebuild
from reportgen.report import ErrorRow, Fact, Name, Report, Thumbnail, say
from reportgen.review import Review
from reportgen.text import listing, printable

__all__ = [
    "drop_pictures",
    "hash_ids",
    "hide_names",
]


PICTURES = "Thumbnails"
"""The fact in "Provenance" with the number of pictures on the page."""


def drop_pictures(report: Report, flag: str = "--no-thumbnails") -> Report:
    """Remove all sample pictures; the page states it in the galleries and in the provenance."""
    bare: Report = rebuild(report, _drop_picture)
    note = f"No sample images ({flag}): names and probabilities only."
    bare = _note(bare, lambda _: note)
    fact = Fact(PICTURES, (say(f"none ({flag})"),))
    others = [one for one in bare.made if one.term != PICTURES]
    place = next((i for i, one in enumerate(others) if one.term == "Command"), len(others))
    made = (*others[:place], fact, *others[place:])
    return replace(bare, made=made, n_thumbnails=0)


def _note(report: Report, note: Callable[[str], str]) -> Report:
    """Change the notes of the galleries, if there are any."""
    pairs, comparison = report.pairs, report.comparison
    if any(one.examples for group in pairs.groups for one in group.directions):
        pairs = replace(pairs, gallery_note=note(pairs.gallery_note))
    if comparison is not None and comparison.galleries:
        comparison = replace(comparison, gallery_note=note(comparison.gallery_note))
    return replace(report, pairs=pairs, comparison=comparison)


def _drop_picture(value: Any) -> Any:
    return None if isinstance(value, Thumbnail) else value


def hide_names(report: Report, review: Review) -> tuple[Report, Review]:
    """Report and review without pictures, and with hashes for sample names; class names stay."""
    hiding = _Hiding(review.evaluation)
    hidden: Report = rebuild(drop_pictures(report, "--public"), hiding)
    hidden = _note(hidden, lambda said: f"{said} Sample names are hashed.")
    return hidden, rebuild(review, hiding)


def hash_ids(name: str) -> str:
    """``sample-`` and 48 bits of the SHA-256 of a sample's name."""
    digest = hashlib.sha256(printable(name).encode("utf-8", "surrogatepass")).hexdigest()
    return f"sample-{digest[:12]}"


class _Hiding:
    """Rewrites each value that names samples, in a report or an evaluation."""

    def __init__(self, evaluation: Evaluation) -> None:
        self.classes = {printable(name) or "(empty)" for name in evaluation.classes}
        self.sentences = {
            note.sentence: self._sentence(note.sentence, note.examples) for note in evaluation.notes
        }

    def __call__(self, value: Any) -> Any:
        names = {item.name for item in fields(value)}
        if "unknown" in names:  # members written by a later version may name samples
            return replace(value, unknown=())
        if {"path", "file"} <= names:
            name = Name.of(hash_ids(value.path.full))
            return replace(value, path=name, file=name)
        if {"sentence", "examples"} <= names:
            return self._note(value)
        if isinstance(value, ErrorRow | Mistake | ClassSample | LabelIssue | Change):
            return replace(value, id=hash_ids(value.id))
        if isinstance(value, Report):
            told = tuple(self.sentences.get(one, one) for one in value.cautions)
            return replace(value, cautions=told)
        return value

    def _note(self, note: Any) -> Any:
        """Keep examples that are classes; hash others, which are or may be sample names."""
        examples = tuple(_full(example) for example in note.examples)
        known = self.sentences.get(note.sentence)
        sentence = self._sentence(note.sentence, examples) if known is None else known
        self.sentences[note.sentence] = sentence  # the report, changed last, repeats some of them
        if all(self._is_class(example) for example in note.examples):
            return replace(note, sentence=sentence)
        gone = {"more": 0} if hasattr(note, "more") else {}
        return replace(note, sentence=sentence, examples=(), **gone)

    def _is_class(self, example: str | Name) -> bool:
        return _full(example) in self.classes

    def _sentence(self, sentence: str, examples: tuple[str, ...]) -> str:
        """`sentence` with hashes for the examples in it."""
        hidden = [example for example in examples if not self._is_class(example)]
        if not hidden:
            return sentence
        for names in (examples, hidden):
            whole = listing(names)
            if whole in sentence:
                return sentence.replace(whole, listing(map(hash_ids, names)))
        shown = sorted(map(printable, hidden), key=len, reverse=True)
        pattern = "|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in shown)
        return re.sub(pattern, lambda found: hash_ids(found[0]), sentence)


def _full(name: str | Name) -> str:
    return name.full if isinstance(name, Name) else printable(name)
