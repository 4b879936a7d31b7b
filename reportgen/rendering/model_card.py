"""``model-card.md``: the summary with front matter for Hugging Face.

The front matter is JSON, which is valid YAML: no name from data can end it or begin a key.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from reportgen.evaluation import Evaluation
from reportgen.rendering.markdown import render_summary
from reportgen.report import DEFINITIONS, Report
from reportgen.text import printable

__all__ = [
    "render_model_card",
]


METRICS: dict[str, dict[str, Any]] = {
    "accuracy": {"type": "accuracy"},
    "macro_f1": {"type": "f1", "args": {"average": "macro"}},
}
"""Metric → its name at Hugging Face."""


_NOT_IN_YAML = re.compile("[^\t\n -~\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that JSON allows but YAML readers refuse."""


_NUMBER = re.compile(r'"\\u0000([0-9.]+)"')
"""A number marked by :func:`_plain_number`."""


def render_model_card(report: Report, evaluation: Evaluation, url: str = "") -> str:
    """The model card; `url` is the address of the page, given as the source of the numbers.

    Undefined metrics are omitted.
    """
    text = json.dumps(_front_matter(evaluation, url), indent=1, ensure_ascii=False)
    text = _NUMBER.sub(r"\1", text)
    text = _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return f"---\n{text}\n---\n\n{render_summary(report, key='', url=url)}"


def _front_matter(evaluation: Evaluation, url: str) -> dict[str, Any]:
    made = evaluation.provenance
    model = " ".join(filter(None, (made.model.name, made.model.version)))
    result = {
        "task": {"type": "image-classification", "name": "Image Classification"},
        "dataset": _data(made.data_name, made.split),
        "metrics": list(_metrics(evaluation)),
    }
    if url:
        result["source"] = {"name": "Evaluation report", "url": url}
    return {"model-index": [{"name": printable(model) or "not named", "results": [result]}]}


def _data(name: str, split: str) -> dict[str, str]:
    """`type` is the data set's name on the Hub, or any other."""
    shown = printable(name) or "not named"
    slug = re.sub(r"[^a-z0-9._]+", "-", shown.lower()).strip("-")
    data = {"type": slug or shown, "name": shown}
    return {**data, "split": printable(split)} if split else data


def _metrics(evaluation: Evaluation) -> Iterator[dict[str, Any]]:
    for name, words in METRICS.items():
        value = evaluation.summary[name].value
        if value is not None:
            yield {
                "type": words["type"],
                "name": DEFINITIONS[name].title,
                "value": _plain_number(value),
            } | {key: word for key, word in words.items() if key != "type"}


def _plain_number(value: float) -> str:
    """All digits without an exponent, since YAML 1.1 reads 5e-05 as text.

    Marked by a character that no printable name contains.
    """
    return f"\0{Decimal(repr(value)):f}"
