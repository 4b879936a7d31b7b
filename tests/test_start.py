"""What the command costs before it does anything, and what it loads for it."""

import subprocess
import sys

import pytest

from benchmarks.timing import process_cost, ratio_of_minima
from reportgen import cli

WORDS = [("--version",), ("--help",)]


def loaded_by(*words):
    program = (
        "import sys\nfrom reportgen.cli import command\n"
        f"command({list(words)!r})\nprint(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stderr.split())


@pytest.mark.parametrize("words", [*WORDS, ("render", "--help")])
def test_help_and_version_load_no_numbers(words):
    assert "numpy" not in loaded_by(*words)


@pytest.mark.parametrize("words", WORDS)
def test_help_and_version_cost_little_more_than_typer(words, tmp_path):
    def cost(*rest):
        return process_cost([sys.executable, *rest], tmp_path).cpu_seconds

    ratio, _, _ = ratio_of_minima(
        lambda: cost("-m", "reportgen", *words), lambda: cost("-c", "import typer"), 5
    )
    assert ratio < 1.8  # 1.3 where nothing else runs: see benchmarks/importing.py


def test_only_the_command_that_is_asked_for_gets_its_options():
    told = {info.callback.__name__: info for info in cli.with_options("check").registered_commands}
    assert "source" in told["check"].callback.__annotations__
    assert told["render"].callback.__annotations__ == {"return": "None"}
    assert told["render"].callback.__doc__ == cli.render.__doc__


UNUSED = {
    "reportgen.comparison.comparison",
    "reportgen.report.comparison.overview",
    "reportgen.report.findings.comparison",
    "reportgen.rendering.privacy",
    "reportgen.rendering.pdf",
}
"""What a report without a baseline, without ``--public`` and without ``--pdf`` has no use for."""


def test_a_report_without_a_baseline_loads_nothing_of_comparisons(tmp_path):
    table = tmp_path / "matrix.csv"
    table.write_text(",a,b\na,5,1\nb,0,5\n")
    loaded = loaded_by("render", str(table), "-o", str(tmp_path / "out"), "--quiet")
    assert not UNUSED & loaded


def test_the_process_ends_without_a_search_for_garbage():
    program = (
        "import gc, sys\nfrom reportgen.__main__ import main\n"
        "sys.argv = ['reportgen', '--version']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    print(end.code, gc.get_freeze_count())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    code, frozen = done.stdout.split()[-2:]
    assert code == "0"
    assert int(frozen) > 1000
