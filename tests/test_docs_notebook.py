"""docs/notebook.ipynb runs in a real kernel, from top to bottom, and shows what it says."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOK = ROOT / "docs/notebook.ipynb"


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    """MIME type → what the cells put out, in their order."""
    pytest.importorskip("ipykernel", reason="ipykernel is not installed")
    nbclient = pytest.importorskip("nbclient", reason="nbclient is not installed")
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    folder = tmp_path_factory.mktemp("notebook")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(
        notebook, timeout=120, startup_timeout=120, resources={"metadata": {"path": str(folder)}}
    ).execute()
    found = {"folder": folder, "text": ""}
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output.text
            found["text"] += output.get("text", "")
            for mime, content in output.get("data", {}).items():
                found.setdefault(mime, []).append(content)
    return found


# What a kernel and its client do on the way, such as closing sockets late, is not ours.
@pytest.mark.filterwarnings("ignore")
def test_every_cell_runs_and_values_show_themselves(outputs):
    shown = [html for html in outputs["text/html"] if 'class="reportgen"' in html]
    assert len(shown) == 2
    assert "NO GATES SET" in shown[0]
    assert "Confusion matrix" in shown[0]
    assert "Difference matrix" in shown[1]
    assert 'href="digits-review/report.html"' in shown[1]
    assert (outputs["folder"] / "digits-review/report.html").is_file()
    assert "DO NOT SHIP - " in outputs["text"]


@pytest.mark.filterwarnings("ignore")
def test_every_picture_shows_something(outputs):
    pictures = [base64.b64decode(content) for content in outputs["image/png"]]
    assert len(pictures) == 3
    for content in pictures:
        image = np.asarray(Image.open(io.BytesIO(content)).convert("RGB"), float)
        assert image.shape[0] > 400
        assert image.std() > 20


def test_the_notebook_holds_no_outputs():
    for cell in json.loads(NOTEBOOK.read_text("utf-8"))["cells"]:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None
