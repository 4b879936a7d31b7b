"""One entry makes a metric: it is added to a copy of the package, and found everywhere."""

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import jaccard_score

import reportgen

OF_WHOLE = """    SummaryMetric(
        name="macro_jaccard",
        title="Macro Jaccard",
        formula="mean TP / (TP + FP + FN)",
        meaning="The average of the classes' Jaccard index, each class counting the same.",
        interval=SCORE,
        undefined=_NO_SAMPLES,
        source="Jaccard 1912, New Phytologist 11, 37–50",
        compute=Estimate(
            Counted((Term("jaccard", lambda tp, r, c: over(tp, r + c - tp)), AVERAGED), divided)
        ),
    ),
"""
OF_CLASS = """    ClassMetric(
        name="fowlkes_mallows",
        title="Fowlkes-Mallows index",
        formula="√(precision · recall) = TP / √(support · predicted)",
        meaning="The geometric mean of precision and recall.",
        interval=SCORE,
        undefined="when the class has no samples or is never predicted",
        source="Fowlkes & Mallows 1983, JASA 78, 553–569",
        compute=Estimated(
            lambda tp, support, predicted, _n: divided(tp, root(support * predicted)), _no_lift
        ),
    ),
"""
GATES = """
[[gate]]
name = "whole"
metric = "macro_jaccard"
at_least = 0.5

[[gate]]
name = "class"
metric = "fowlkes_mallows"
each_class = true
at_least = 0.5
confident = true
"""


def entry_added(path, entry, imports, last):
    """One entry more, after the last one; and the names that it needs."""
    text = path.read_text(encoding="utf-8")
    text = text.replace(last, entry + last, 1)
    path.write_text(text.replace("from __future__ import annotations\n", f"from __future__ import annotations\n{imports}", 1), encoding="utf-8")  # fmt: skip


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The package with one more entry in each registry, and its outputs."""
    root = tmp_path_factory.mktemp("copy")
    source = Path(reportgen.__file__).parent
    shutil.copytree(source, root / "reportgen", ignore=shutil.ignore_patterns("__pycache__"))
    if not (source / "templates").is_dir():
        shutil.copytree(source.parent / "templates", root / "templates")
    metrics = root / "reportgen" / "metrics"
    entry_added(
        metrics / "overall.py", OF_WHOLE, "from reportgen.metrics.terms import over\n",
        ')\n"""The overall metrics',
    )  # fmt: skip
    entry_added(
        metrics / "per_class.py", OF_CLASS,
        "from reportgen.metrics.terms import divided, root\n", ')\n"""The class metrics',
    )  # fmt: skip
    (root / "gates.toml").write_text(GATES, encoding="utf-8")
    rng = np.random.default_rng(3)
    labels = rng.integers(0, 3, 400)
    said = np.where(rng.random(400) < 0.85, labels, rng.integers(0, 3, 400))
    rows = [("label", "prediction", "patient")]
    rows += [(f"c{a}", f"c{b}", f"p{i % 40}") for i, (a, b) in enumerate(zip(labels, said, strict=True))]  # fmt: skip
    with (root / "table.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    rendered(root, "out", "--gates", "gates.toml")
    return root, labels, said


def rendered(root, name, *options):
    """The folder of a report, made by the copy."""
    done = subprocess.run(
        [sys.executable, "-m", "reportgen", "render", "table.csv", "-o", name, *options],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return root / name


def test_a_metric_is_added_by_one_entry(copy):
    root, labels, said = copy
    folder = root / "out"
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    found = report["summary"]["macro_jaccard"]
    assert found["value"] == pytest.approx(jaccard_score(labels, said, average="macro"))
    low, high = found["interval"]
    assert low < found["value"] < high
    assert high - low < 0.15
    with (folder / "per_class.csv").open(encoding="utf-8") as file:
        first = next(csv.DictReader(file))
    assert 0.5 < float(first["fowlkes_mallows"]) < 1
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert page.count("Macro Jaccard") >= 2  # among all metrics, and in the glossary
    assert page.count("Fowlkes-Mallows index") >= 2
    gates = {check["name"]: check for check in report["checks"]}
    assert gates["whole"]["status"] == "passed"
    assert len(gates["class"]["parts"]) == 3


@pytest.mark.parametrize("options", [("--ci", "bootstrap"), ("--group-column", "patient")])
def test_its_bootstrap_and_group_intervals_follow(copy, options):
    root, _, _ = copy
    plain, other = (
        json.loads((folder / "report.json").read_text(encoding="utf-8"))
        for folder in (root / "out", rendered(root, options[1], *options))
    )
    ends = [report["summary"]["macro_jaccard"]["interval"] for report in (plain, other)]
    assert ends[0] != ends[1]
    assert ends[1] == pytest.approx(ends[0], abs=0.03)
    if options[0] == "--ci":
        classes = [
            [one["fowlkes_mallows"]["interval"] for one in report["per_class"]]
            for report in (plain, other)
        ]
        assert classes[0] != classes[1]


def test_a_gate_out_of_its_range_is_refused(copy):
    root, _, _ = copy
    (root / "wrong.toml").write_text(
        '[[gate]]\nmetric = "macro_jaccard"\nat_least = 1.5\n', encoding="utf-8"
    )
    done = subprocess.run(
        [sys.executable, "-m", "reportgen", "render", "table.csv", "-o", "no",
         "--gates", "wrong.toml"],
        cwd=root, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2, done.stderr
