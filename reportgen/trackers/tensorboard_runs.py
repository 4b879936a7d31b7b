"""Logs a report as TensorBoard events: scalars, the matrix as a picture, the summary as text."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from reportgen.files import atomic_path
from reportgen.trackers.tracked import PREFIX, TrackedReport

__all__ = [
    "log",
]


DIR = "runs"


FILE = "events.out.tfevents.0000000000.reportgen"
"""A fixed file name, without host and time, so that logging the same report replaces it."""


MOST_TEXT = 60_000


def log(report: TrackedReport, folder: str = DIR) -> str:
    """Write the events below `folder`; return the folder of the run."""
    from tensorboard.summary.writer.record_writer import RecordWriter

    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", report.name).strip("-.") or "report"
    place = Path(folder) / f"{name}-{report.identity[:8]}"
    place.mkdir(parents=True, exist_ok=True)
    with atomic_path(place / FILE) as temporary:
        writer = RecordWriter(temporary.open("wb"))
        try:
            for event in _events(report):
                writer.write(event.SerializeToString())
        finally:
            writer.close()
    return str(place)


def _events(report: TrackedReport) -> Iterator[Any]:
    from tensorboard.compat.proto.event_pb2 import Event

    seconds = time.time() if report.seconds is None else report.seconds
    yield Event(wall_time=seconds, file_version="brain.Event:2")
    for summary in _summaries(report):
        yield Event(wall_time=seconds, step=0, summary=summary)


def _summaries(report: TrackedReport) -> Iterator[Any]:
    from tensorboard.compat.proto.summary_pb2 import Summary

    for name, value in report.metrics.items():
        yield Summary(value=[Summary.Value(tag=name, simple_value=value)])
    if report.picture:
        content, width, height = report.picture
        image = Summary.Image(
            encoded_image_string=content, width=width, height=height, colorspace=3
        )
        yield Summary(value=[Summary.Value(tag=f"{PREFIX}matrix", image=image)])
    facts = "\n".join(f"- {name}: {_code(text)}" for name, text in report.facts.items())
    for name, text in (("summary", report.summary(MOST_TEXT)), ("facts", facts)):
        yield _text(PREFIX + name, text.replace("<span></span>", ""))


def _code(text: str) -> str:
    """A code span that backticks in the text can't end."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    return f"{fence} {text} {fence}"


def _text(tag: str, text: str) -> Any:
    """A tensor for the text plugin, which renders Markdown."""
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.compat.proto.types_pb2 import DT_STRING
    from tensorboard.plugins.text import metadata

    tensor = TensorProto(dtype=DT_STRING, string_val=[text.encode("utf-8")])
    kind = metadata.create_summary_metadata(display_name="", description="")
    return Summary(value=[Summary.Value(tag=tag, tensor=tensor, metadata=kind)])
