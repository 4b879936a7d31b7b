"""What the documents say of saved inputs is so."""

import contextlib
import io
import re
import shlex
from dataclasses import fields
from pathlib import Path
from unittest import mock

import pytest

import reportgen
from reportgen.importers.columns.words import COMMON_NAMES
from reportgen.importers.formats import compressed as compressing
from reportgen.importers.formats import detecting
from reportgen.options.importing import NONE, InputOptions

PAGE = Path(__file__).resolve().parents[2].joinpath("docs", "models-and-data.md").read_text("utf-8")
START = "\n## Saved predictions\n"
PART = PAGE[PAGE.index(START) :]


@pytest.fixture(scope="module")
def examples(tmp_path_factory):
    """Names after all examples of the part were run, in their order; and the folder."""
    from reportgen import cli

    folder = tmp_path_factory.mktemp("examples")
    (folder / "matrix.csv").write_text(",cat,dog\ncat,5,1\ndog,0,6\n")
    names, printed = {}, io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(printed):
        for language, block in re.findall(
            r"^```(python|bash)\n(.*?)^```$", PART, re.DOTALL | re.MULTILINE
        ):
            if language == "python":
                exec(compile(block, "models-and-data.md", "exec"), names)
                continue
            with mock.patch("sys.argv", shlex.split(block)):
                try:
                    cli.main()
                except SystemExit as end:
                    assert not end.code, block
    return names, folder, printed.getvalue()


def test_every_command_of_the_part_makes_a_report(examples):
    _, folder, _ = examples
    outs = re.findall(r"-o (out\S*)", PART)
    assert len(outs) == 7
    assert all((folder / out / "report.html").is_file() for out in outs)


def test_the_examples_give_what_is_said_of_them(examples):
    names, folder, _ = examples
    saved = reportgen.load(folder / "saved.csv")
    assert saved.summary["accuracy"].value == 0.75
    assert {s.column for s in saved.slices.slices} == {"camera"}
    assert names["evaluation"].summary["accuracy"].value == 0.75
    assert names["evaluation"].provenance.outputs == "logits, as declared"
    joined = {note.code: note for note in names["joined"].notes}
    assert joined["metadata-missing"].examples == ("b.png",)
    assert joined["metadata-unused"].examples == ("z.png",)
    assert names["counts"].confusion == names["restored"].confusion
    assert "restored-from-shares" in {note.code for note in names["restored"].notes}


def spans(text):
    return {word for span in re.findall(r"`([^`\n]+)`", text) for word in span.split()}


def test_every_option_of_reading_is_told():
    told = spans(PART)
    for item in fields(InputOptions):
        if item.name not in ("kind", "normalised_over"):  # for what is not clear by itself
            assert "--" + item.name.replace("_", "-") in told, item.name


def test_names_of_columns_that_are_told_are_known():
    rows = re.findall(r"^\| ([^|]*) \| ([^|]*) \| `--(\w+)-columns?` \|$", PART, re.MULTILINE)
    assert [role for _, _, role in rows] == ["label", "prediction", "id", "confidence", "scores"]
    for _, told, role in rows:
        named = spans(told) - {"prob_"}
        assert named <= set(COMMON_NAMES[role])
        assert len(named) >= 3
    assert f"`{NONE}` means" in PART


def test_endings_that_are_told_are_read():
    told = {word for word in spans(PART) if re.fullmatch(r"\.\w+", word)}
    compressed = set(compressing._MAGIC.values())
    assert compressed <= told
    told -= compressed
    assert told <= set(detecting._SUFFIXES)
    assert {detecting._SUFFIXES[word] for word in told} >= {"csv", "jsonl", "npy", "npz"}
