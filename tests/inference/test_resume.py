"""A run that goes on: what is predicted is not read as new, and files that changed are named."""

from pathlib import Path

import pytest

import reportgen
from reportgen.errors import Interrupted, UsageError
from reportgen.inference import loop
from tests.inference.builders import colour_tree

COLOURS = """
import torch
class Colours(torch.nn.Module):
    def forward(self, x):
        return x.mean(dim=(2, 3)).flip(1) * 20
def make():
    return Colours()
"""


@pytest.fixture
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run of nine images in batches of two that was stopped after four."""
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(COLOURS)
    Path("names.txt").write_text("cat\ndog\nship\n")
    colour_tree(Path("data"))
    write = loop.Parts.write

    def twice(self, rows):
        write(self, rows)
        if self.n_rows >= 4:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(loop, "PART_ROWS", 2)
        patched.setattr(loop.Parts, "write", twice)
        with pytest.raises(Interrupted, match="after 4 of 9"):
            predict()
    return Path("data")


def predict(**options):
    return reportgen.predict(
        "net.py:make", "data", out="out", classes="names.txt", batch_size=2, **options
    )


def test_a_file_that_changed_after_it_was_predicted_is_named(begun: Path) -> None:
    (begun / "dog/000.png").write_bytes((begun / "cat/000.png").read_bytes())
    with pytest.raises(UsageError) as caught:
        predict(resume=True)
    assert caught.value.slug == "resume-differs"
    assert '"dog/000.png" has changed since it was predicted' in caught.value.message
    assert predict(force=True).n_rows == 9


def test_a_file_that_was_not_predicted_yet_may_change(begun: Path) -> None:
    (begun / "ship/000.png").write_bytes((begun / "ship/001.png").read_bytes())
    made = predict(resume=True)
    again = reportgen.predict("net.py:make", "data", out="other", classes="names.txt", batch_size=2)
    assert made.path.read_bytes() == again.path.read_bytes()
    assert "duplicate-images" in [note.code for note in made.facts.notes]


def test_each_file_is_opened_once_by_a_run(begun: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from reportgen.inference.packed.contents import FileContents

    opened = []
    read = FileContents.read
    monkeypatch.setattr(
        FileContents,
        "read",
        lambda self, raw: opened.append(f"{self.root}/{raw}") or read(self, raw),
    )
    predict(force=True, resize="8x8")
    assert sorted(opened) == sorted(map(str, begun.rglob("*.png")))
    opened.clear()
    reportgen.predict(
        "net.py:make",
        "data",
        out="out",
        classes="names.txt",
        batch_size=2,
        resize="8x8",
        resume=True,
    )
    assert sorted(opened) == sorted(map(str, begun.rglob("*.png")))  # compared with the file's
