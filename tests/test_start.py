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
