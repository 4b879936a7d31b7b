"""The recipes of CONTRIBUTING.md, followed in a copy of the package: the files that they name are enough.

That of a metric has a test of its own, tests/test_metric_registry.py.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import pytest
from PIL import Image

import reportgen
from reportgen.gates.against_baseline import DECIDERS
from reportgen.gates.gate import Rule
from reportgen.gates.rules import COMPARISONS, DIRECTIONS
from reportgen.report.findings import MAX_FINDINGS

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "CONTRIBUTING.md").read_text("utf-8")

OUTPUT = '''"""The class with the lowest recall."""

from reportgen.evaluation import Evaluation
from reportgen.text import printable


def render_lowest(evaluation: Evaluation) -> str:
    rows = evaluation.per_class["recall"]
    lowest = min(range(len(evaluation.classes)), key=lambda i: rows.metric(i).value)
    return f"{printable(evaluation.classes[lowest])}\\n"
'''
RECORD = '''    Output("lowest.txt", "the class with the lowest recall", _lowest),
)
"""All possible outputs'''
WRITER = """def _lowest(made: Made, target: Path) -> None:
    from reportgen.rendering.lowest import render_lowest

    write_text(target, render_lowest(made.review.evaluation))


OUTPUTS = ("""

FINDING = """

def two_classes(facts: Context) -> Finding | None:
    if len(facts.present) != 2:
        return None
    return Finding(say("Only two classes."), say("Chance level is high."), "matrix", say("Matrix"))
"""

FORMAT = '''"""Tables whose first line says that they are ours."""

from reportgen.importers.formats.arrays import ArraysTable


def read_pipes(path):
    head, *rows = [line.split("|") for line in path.read_text().splitlines()[1:]]
    columns = {name: [row[i] for row in rows] for i, name in enumerate(head)}
    return ArraysTable.of_mapping(columns, path.name)
'''

SECTION = '''"""How many samples there are."""

from dataclasses import dataclass

from reportgen.report.context import Context


@dataclass(frozen=True)
class SizeSection:
    sentence: str


def size_section(facts: Context) -> SizeSection:
    return SizeSection(f"{facts.matrix.n_samples} samples in {facts.evaluation.classes[0]} and others.")
'''
TEMPLATE = """<section id="size" aria-labelledby="h-size">
<h2 id="h-size">Size</h2>
<p>{{ report.size.sentence }}</p>
</section>
"""

ADAPTER = '''"""Models that compare the red of an image with a limit."""

from pathlib import Path

import torch

from reportgen.files import sha256_of
from reportgen.inference.adapters.records import Request
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.provenance import ModelFacts


class Redness(torch.nn.Module):
    def __init__(self, limit):
        super().__init__()
        self.limit = limit

    def forward(self, x):
        above = x[:, 0].mean(dim=(1, 2)) - self.limit
        return torch.stack((above, -above), dim=1) * 20


def load(request: Request) -> LoadedModel:
    request.refuse_factory_options("it contains its limit")
    path = Path(request.spec)
    facts = ModelFacts(path.stem, kind="a redness model", files={path.name: sha256_of(path)})
    limit = float(path.read_text().split()[1])
    return LoadedModel(Redness(limit).eval(), facts, classes=("red", "other"), classes_source=path.name)
'''
ADAPTER_RECORD = """ADAPTERS = (
    Adapter("a redness model", "torch", "", lambda spec: spec.endswith(".red"), "redness"),
"""

GATES = """
[[gate]]
name = "strict"
metric = "accuracy"
more_than = 0.75
"""


def sections() -> Iterator[tuple[str, str]]:
    """Heading and text of each recipe."""
    yield from re.findall(r"^## (How to .*?)\n(.*?)(?=^## )", PAGE, re.DOTALL | re.MULTILINE)


def edited(path: Path, *changes: tuple[str, str]) -> None:
    """The file with each text replaced once."""
    text = path.read_text("utf-8")
    for old, new in changes:
        assert text.count(old) == 1, (path.name, old)
        text = text.replace(old, new)
    path.write_text(text, encoding="utf-8")


def run(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """What the copy of the package says to a command."""
    return subprocess.run(
        [sys.executable, "-m", "reportgen", *words],
        cwd=root, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A report of a table of a new format, by a package that has one more of everything."""
    root = tmp_path_factory.mktemp("recipes")
    source = Path(reportgen.__file__).parent
    shutil.copytree(source, root / "reportgen", ignore=shutil.ignore_patterns("__pycache__"))
    templates = root / ("templates" if (ROOT / "templates").is_dir() else "reportgen/templates")
    if not templates.is_dir():
        shutil.copytree(ROOT / "templates", templates)
    package = root / "reportgen"
    follow_output(package)
    follow_finding(package)
    follow_section(package, templates)
    follow_gate(package)
    follow_format(package)
    follow_adapter(package)
    (root / "gates.toml").write_text(GATES, encoding="utf-8")
    (root / "table.pipes").write_text(
        "PIPES\nid|label|prediction\n1|cat|cat\n2|<dog>|cat\n3|<dog>|<dog>\n4|cat|cat\n"
    )
    done = run(root, "render", "table.pipes", "-o", "out", "--gates", "gates.toml")
    assert done.returncode == 1, done.stderr
    return done.stdout, root / "out"


def follow_output(package):
    (package / "rendering/lowest.py").write_text(OUTPUT, encoding="utf-8")
    edited(
        package / "rendering/outputs.py",
        (')\n"""All possible outputs', RECORD),
        ("OUTPUTS = (", WRITER),
    )


def follow_finding(package):
    whole = package / "report/findings/whole.py"
    whole.write_text(whole.read_text("utf-8") + FINDING, encoding="utf-8")
    edited(
        package / "report/findings/__init__.py",
        ("    one_class_only,\n    worst_slice,", "    one_class_only,\n    two_classes,\n    worst_slice,"),
        ("    one_class_only,\n    nothing_wrong,", "    two_classes,\n    one_class_only,\n    nothing_wrong,"),
    )  # fmt: skip


def follow_section(package, templates):
    (package / "report/size.py").write_text(SECTION, encoding="utf-8")
    edited(
        package / "report/report.py",
        ("    picture_cells: PictureCells | None = None\n",
         "    picture_cells: PictureCells | None = None\n    size: SizeSection | None = None\n"),
        ("from reportgen.report.slices", "from reportgen.report.size import SizeSection\nfrom reportgen.report.slices"),
    )  # fmt: skip
    edited(
        package / "report/build.py",
        ("        errors=errors,\n", "        errors=errors,\n        size=size_section(facts),\n"),
        ("from reportgen.report.slices", "from reportgen.report.size import size_section\nfrom reportgen.report.slices"),
    )  # fmt: skip
    (templates / "_size.html.j2").write_text(TEMPLATE, encoding="utf-8")
    edited(
        templates / "report.html.j2",
        ('{% include "_made.html.j2" %}', '{% include "_size.html.j2" %}\n{% include "_made.html.j2" %}'),
        ('("made", "Provenance")', '("size", "Size"), ("made", "Provenance")'),
    )  # fmt: skip


def follow_gate(package):
    edited(package / "gates/gate.py", ('Literal["at_least", ', 'Literal["at_least", "more_than", '))
    edited(
        package / "gates/rules.py",
        ('    "at_least": _FLOOR,\n',
         '    "at_least": _FLOOR,\n    "more_than": Above(1, ">", "required", "lowest"),\n'),
        ("DIRECTIONS: dict", "class Above(Direction):\n    def keeps(self, value: float, limit: float) -> bool:\n"
         "        return value > limit\n\n\nDIRECTIONS: dict"),
    )  # fmt: skip


def follow_format(package):
    formats = package / "importers/formats"
    (formats / "pipes.py").write_text(FORMAT, encoding="utf-8")
    edited(
        formats / "detecting.py",
        ('    ".parquet": "parquet", ', '    ".pipes": "pipes", ".parquet": "parquet", '),
        ('    (b"PAR1", "parquet"), ', '    (b"PIPES", "pipes"), (b"PAR1", "parquet"), '),
    )
    edited(
        formats / "opening.py",
        ('    if found == "parquet":', '    if found == "pipes":\n        return read_pipes(path)\n    if found == "parquet":'),
        ("from reportgen.importers.formats.tables", "from reportgen.importers.formats.pipes import read_pipes\nfrom reportgen.importers.formats.tables"),
    )  # fmt: skip


def follow_adapter(package):
    (package / "inference/adapters/redness.py").write_text(ADAPTER, encoding="utf-8")
    edited(package / "inference/adapters/records.py", ("ADAPTERS = (\n", ADAPTER_RECORD))


def test_a_rule_for_gates_is_an_entry_that_decides_and_words_it(made):
    """At the limit, and the rule is that of the entry."""
    printed, folder = made
    assert "accuracy is 75.0% (required &gt; 75%)" in (folder / "junit.xml").read_text("utf-8")
    assert "verdict: DO NOT SHIP" in printed
    assert "&gt; 75%" in (folder / "report.html").read_text("utf-8")


def test_an_output_is_a_file_and_its_record(made):
    _, folder = made
    assert (folder / "lowest.txt").read_text("utf-8") == "<dog>\n"


def test_a_finding_is_a_function_and_its_weight(made):
    _, folder = made
    page = (folder / "report.html").read_text("utf-8")
    assert "Only two classes." in page
    assert "seven are shown" in PAGE
    assert MAX_FINDINGS == 7


def test_a_section_is_shown_in_its_place_with_its_names_escaped(made):
    _, folder = made
    page = (folder / "report.html").read_text("utf-8")
    assert page.index('href="#size"') < page.index('href="#made"')
    assert "<p>4 samples in &lt;dog&gt; and others.</p>" in page


def test_a_format_is_a_file_and_how_it_is_found(made):
    """The report was made of such a table."""
    printed, _ = made
    assert "75.0%" in printed


def test_an_adapter_is_a_file_and_its_record(made):
    root = made[1].parent
    for name, colour in (("red", (250, 10, 10)), ("other", (10, 10, 250))):
        (root / "images" / name).mkdir(parents=True)
        Image.new("RGB", (8, 8), colour).save(root / "images" / name / "1.png")
    (root / "model.red").write_text("REDNESS 0.5\n")
    done = run(root, "run", "model.red", "images", "-o", "seen")
    assert done.returncode == 0, done.stderr
    assert "accuracy: 100%" in done.stdout
    assert "a redness model" in (root / "seen/report.html").read_text("utf-8")
    refused = run(root, "predict", "model.red", "images", "-o", "x", "--model-arg", "a=1")
    assert (refused.returncode, "it contains its limit" in refused.stderr) == (2, True)


def test_every_rule_is_decided_in_one_place():
    assert set(get_args(Rule)) == {*DIRECTIONS, *DECIDERS}
    assert set(COMPARISONS) == set(DECIDERS)


def test_the_recipes_name_files_and_names_that_exist():
    named = 0
    for _, text in sections():
        for path in re.findall(r"`((?:reportgen|tests|templates|docs)/[\w./]+\w)`", text):
            assert (ROOT / path).exists(), path
        for names, path in re.findall(
            r"((?:`\w+`(?:, |, and | and | or )?)+) \(`(reportgen/[\w/]+\.py)`", text
        ):
            source = (ROOT / path).read_text("utf-8")
            for name in re.findall(r"`(\w+)`", names):
                assert re.search(rf"\b{name}\b", source), (name, path)
                named += 1
    assert named >= 8
