"""The workflows of GitHub: pinned, harmless, and of the form that GitHub and actionlint ask for."""

import re
import tomllib

import pytest
import yaml

from tests import checkers
from tests.checkers import ROOT, problems

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


def test_the_schema_of_github_finds_nothing(tmp_path):
    for path in WORKFLOWS:
        assert problems("vendor.github-workflows", path) == ""
    slip = tmp_path / "slip.yml"
    slip.write_text(SLIP)
    assert "runs-on" in problems("vendor.github-workflows", slip)


SLIP = WORKFLOWS[0].read_text("utf-8").replace("runs-on", "runs-onn")


def test_actionlint_finds_nothing_and_would_find_a_slip():
    *found, slip = checkers.actionlint(*(path.read_text("utf-8") for path in WORKFLOWS), SLIP)
    assert found == [[]] * len(WORKFLOWS)
    assert any("runs-onn" in one for one in slip)


def test_zizmor_finds_nothing_and_would_find_a_hole(tmp_path):
    assert checkers.zizmor(*WORKFLOWS, ROOT / "action.yml") == ""
    hole = tmp_path / "hole.yml"
    text = (
        WORKFLOWS[0]
        .read_text("utf-8")
        .replace("run: bash .ci/run", "run: echo ${{ github.head_ref }}")
    )
    hole.write_text(text)
    assert "template-injection" in checkers.zizmor(hole)


def test_shellcheck_finds_nothing_in_scripts_and_steps():
    scripts = [(ROOT / ".ci/run").read_text("utf-8")]
    for path in WORKFLOWS:
        jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"].values()
        scripts += [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    assert len(scripts) > 3
    assert [checkers.shellcheck(script) for script in scripts] == [""] * len(scripts)
    assert "SC2086" in checkers.shellcheck("rm $1")
