"""Events of TensorBoard, read back by its own library."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

import reportgen
from reportgen.review import Review
from reportgen.text import printable
from reportgen.trackers import read_report
from tests.factories import HOSTILE, make_evaluation
from tests.rendering.reports import NAMES, report_of

pytestmark = pytest.mark.extra
accumulator = pytest.importorskip(
    "tensorboard.backend.event_processing.event_accumulator", reason="tensorboard is not installed"
)


def read(folder):
    found = accumulator.EventAccumulator(str(folder))
    found.Reload()
    return found


def test_scalars_picture_and_summary_are_read_back(written, tmp_path):
    [tracked] = reportgen.track(written, f"tensorboard:{tmp_path}/tb")
    assert Path(tracked.place).parent == tmp_path / "tb"
    found = read(tracked.place)
    said = json.loads((written / "report.json").read_text())
    for name, metric in said["summary"].items():
        if metric["value"] is None:
            assert f"reportgen/{name}" not in found.Tags()["scalars"]
        else:
            [event] = found.Scalars(f"reportgen/{name}")
            assert event.value == pytest.approx(metric["value"], rel=1e-6)  # float32
            assert (event.step, event.wall_time) == (0, 1795910400)
    [picture] = found.Images("reportgen/matrix")
    size = Image.open(io.BytesIO(picture.encoded_image_string)).size
    assert size == (picture.width, picture.height)
    text = found.Tensors("reportgen/summary")[0].tensor_proto.string_val[0].decode()
    assert text.startswith("## ⛔ DO NOT SHIP: <code>net 1.2</code> on <code>pets test</code>\n")
    assert said["reason"].split(":")[0] in text


def test_the_same_report_replaces_its_events_byte_for_byte(written, tmp_path):
    first = reportgen.track(written, f"tensorboard:{tmp_path}")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert reportgen.track(written, f"tensorboard:{tmp_path}") == first
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before
    assert len(before) == 1


@pytest.mark.filterwarnings("ignore")
def test_hostile_names_reach_no_markup_of_the_text_plugin(written):
    from tensorboard.plugin_util import markdown_to_safe_html

    from reportgen.trackers.tensorboard_runs import _summaries

    report = report_of(NAMES)
    evaluation = make_evaluation([[9, 1], [0, 9]], (HOSTILE[1], "www.example.org @x `y` [a](b)"))
    tracked = read_report(written, Review.of(evaluation), report)
    tracked = replace(tracked, facts=dict(enumerate(map(printable, NAMES))))
    texts = [
        value.tensor.string_val[0].decode()
        for summary in _summaries(tracked)
        for value in summary.value
        if value.HasField("tensor")
    ]
    assert len(texts) == 2
    for text in texts:
        html = markdown_to_safe_html(text)
        assert "<img" not in html
        assert "<a" not in html
        assert "&lt;span" not in html
