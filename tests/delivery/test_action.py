"""action.yml and the recipes for CI: of the form that each system asks for, and their shell steps run."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests import checkers
from tests.checkers import ROOT, problems

ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
PAGE = (ROOT / "docs/delivery.md").read_text("utf-8")
RECIPES = {
    Path(name).name: text
    for name, text in re.findall(r"^```(?:yaml|groovy)\n(?:#|//) (\S+)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
}  # fmt: skip
SCHEMAS = {
    "review.yml": "vendor.github-workflows",
    "comment.yml": "vendor.github-workflows",
    "site.yml": "vendor.github-workflows",
    ".gitlab-ci.yml": "vendor.gitlab-ci",
    "azure-pipelines.yml": "vendor.azure-pipelines",
}

pytestmark = pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="needs bash"
)


def test_every_system_has_its_recipe():
    assert set(RECIPES) == {*SCHEMAS, "Jenkinsfile"}


def test_the_schema_of_actions_finds_nothing_in_ours(tmp_path):
    assert problems("vendor.github-actions", ROOT / "action.yml") == ""
    slip = tmp_path / "action.yml"
    slip.write_text((ROOT / "action.yml").read_text("utf-8").replace("using:", "usingg:"))
    assert problems("vendor.github-actions", slip)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_schema_of_each_system_finds_nothing_in_its_recipe(name, tmp_path):
    (tmp_path / name).write_text(RECIPES[name])
    assert problems(SCHEMAS[name], tmp_path / name) == ""


WORKFLOWS = {
    name: RECIPES[name].replace("OWNER/reportgen@COMMIT", f"owner/reportgen@{'a' * 40} # v0.1.0")
    for name, schema in SCHEMAS.items()
    if schema == "vendor.github-workflows"
}
"""The recipes for GitHub, with a place where the placeholder is."""


def test_actionlint_finds_nothing_in_the_action_and_the_recipes_for_github():
    """It reads workflows: the action as one, whose inputs are those of a start by hand."""
    inputs = {name: {"type": "string"} for name in ACTION["inputs"]}
    flow = {
        "on": {"workflow_dispatch": {"inputs": inputs}, "pull_request": {}},
        "jobs": {"action": {"runs-on": "ubuntu-latest", "steps": ACTION["runs"]["steps"]}},
    }
    action = yaml.safe_dump(flow)
    *found, slip = checkers.actionlint(
        action, *WORKFLOWS.values(), action.replace("inputs.key", "inputs.kee")
    )
    assert found == [[]] * (1 + len(WORKFLOWS))
    assert any("kee" in one for one in slip)


def test_zizmor_finds_nothing_in_the_recipes_for_github(tmp_path):
    for name, text in WORKFLOWS.items():
        (tmp_path / name).write_text(text)
    paths = [tmp_path / name for name in WORKFLOWS]
    assert checkers.zizmor(*paths) == ""
    paths[0].write_text(
        WORKFLOWS[paths[0].name].replace("persist-credentials: false", "fetch-depth: 1")
    )
    assert "artipacked" in checkers.zizmor(*paths)


def scripts():
    """Shell → the scripts of the action and of all recipes, as each system runs them."""
    flows = [yaml.safe_load(text) for text in WORKFLOWS.values()]
    steps = [step for flow in flows for job in flow["jobs"].values() for step in job["steps"]]
    found = [step["run"] for step in (*ACTION["runs"]["steps"], *steps) if "run" in step]
    gitlab = yaml.safe_load(RECIPES[".gitlab-ci.yml"])
    found.append("\n".join(gitlab["review"]["script"]))
    azure = yaml.safe_load(RECIPES["azure-pipelines.yml"])["steps"]
    loose = [step.get("bash") or step["script"] for step in azure if {"bash", "script"} & set(step)]
    jenkins = re.findall(r"sh '''\n(.*?)'''", RECIPES["Jenkinsfile"], re.DOTALL)
    return {
        "bash": [*(f"set -e\n{script}" for script in found), *loose],
        "sh": [f"set -e\n{script}" for script in jenkins],
    }


def test_shellcheck_finds_nothing_in_any_script():
    for shell, some in scripts().items():
        assert len(some) >= (1 if shell == "sh" else 9)
        for script in some:
            assert checkers.shellcheck(script, shell) == ""


def test_every_action_of_others_is_pinned_to_a_commit():
    text = "\n".join([(ROOT / "action.yml").read_text("utf-8"), *RECIPES.values()])
    used = [one for one in re.findall(r"uses: (.*)$", text, re.MULTILINE) if "OWNER/" not in one]
    assert len(used) == 5
    for action in used:
        assert re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


def test_no_expression_stands_inside_a_script():
    flows = [yaml.safe_load(RECIPES[name]) for name in ("review.yml", "comment.yml", "site.yml")]
    steps = [step for flow in flows for job in flow["jobs"].values() for step in job["steps"]]
    scripts = [step["run"] for step in (*ACTION["runs"]["steps"], *steps) if "run" in step]
    assert len(scripts) == 6
    assert not [script for script in scripts if "${{" in script]


def test_the_privileged_workflow_checks_nothing_out_and_may_write_comments_alone():
    flow = yaml.safe_load(RECIPES["comment.yml"])
    assert flow["permissions"] == {
        "actions": "read", "contents": "read", "pull-requests": "write",
    }  # fmt: skip
    assert "checkout" not in RECIPES["comment.yml"]


def test_every_input_of_the_action_is_documented():
    documented = re.findall(r"^\| `([\w-]+)` \|", PAGE.split("| Input |")[1].split("\n\n")[0], re.M)
    assert sorted(documented) == sorted(ACTION["inputs"])
    assert all(f"`{name}`" in PAGE for name in ACTION["outputs"])


# The steps


STUB = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word" >>"$CALLS"; done
echo -- >>"$CALLS"
[ "$1" = comment ] && exit ${COMMENT_ENDS:-0}
previous=
for word in "$@"; do
  [ "$previous" = -o ] && out=$word
  previous=$word
done
if [ "$ENDS" -le 1 ]; then
  mkdir -p "$out"
  echo '{"verdict": "DO NOT SHIP"}' >"$out/report.json"
  touch "$out/report.html" "$out/summary.md"
fi
exit "$ENDS"
"""


class Job:
    """A job's folder, the files that GitHub gives it, and a reportgen that records its arguments."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.calls = folder / "work", folder / "calls"
        for name in ("work", "bin", "temp"):
            (folder / name).mkdir()
        for name in ("output", "path", "calls"):
            (folder / name).touch()
        self.program("reportgen", STUB)
        self.environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "CALLS": str(self.calls),
            "RUNNER_TEMP": str(folder / "temp"), "GITHUB_OUTPUT": str(folder / "output"),
            "GITHUB_PATH": str(folder / "path"), "GITHUB_REPOSITORY": "us/model", "ENDS": "0",
        }  # fmt: skip

    def program(self, name: str, text: str) -> None:
        path = self.calls.parent / "bin" / name
        path.write_text(text)
        path.chmod(0o755)

    def run(self, script: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script], text=True,
            cwd=self.folder, env={**self.environment, **environment}, capture_output=True, check=False,
        )  # fmt: skip

    def step(self, name: str, **environment: str) -> subprocess.CompletedProcess[str]:
        (step,) = [one for one in ACTION["runs"]["steps"] if one["name"] == name]
        given = {key: value for key, value in step["env"].items() if "${{" not in value}
        return self.run(step["run"], **given, **environment)

    def outputs(self) -> dict[str, str]:
        lines = (self.calls.parent / "output").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines)

    def arguments(self) -> list[list[str]]:
        calls = self.calls.read_text().split("--\n")[:-1]
        return [call.splitlines() for call in calls]


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return Job(tmp_path)


def make(job, command="render\nmatrix.csv\n", key="default", out="report", **environment):
    return job.step("Make the report", COMMAND=command, OUT=out, KEY=key, **environment)


def test_arguments_reach_the_command_as_they_are(job):
    words = ["render", "$(touch x)", "*", 'it\'s "quoted"', " two words ", "`touch y`", "${HOME}"]
    assert make(job, "\n".join(words) + "\r\n\n").returncode == 0
    (call,) = job.arguments()
    assert call == [*words, "-o", "report", "--key", "default", "--summary"]
    assert {path.name for path in job.folder.iterdir()} == {"report"}


@pytest.mark.parametrize("code", [0, 1])
def test_a_verdict_does_not_end_the_job_before_the_report_is_kept(job, code):
    assert make(job, ENDS=str(code)).returncode == 0
    found = job.outputs()
    page = Path(found.pop("page"))
    assert found == {"exit-code": str(code), "verdict": "DO NOT SHIP", "made": "true"}
    assert (page.name, page.is_file()) == ("report.html", True)


def test_pages_of_several_keys_have_names_of_their_own(job):
    make(job, key="night")
    assert Path(job.outputs()["page"]).name == "report-night.html"


def test_after_an_error_an_earlier_report_is_not_taken_for_this_one(job):
    make(job)
    (job.calls.parent / "output").write_text("")
    assert make(job, ENDS="3").returncode == 0
    assert job.outputs() == {"exit-code": "3"}


@pytest.mark.parametrize(
    ("code", "comment", "ends"),
    [("0", "", 0), ("1", "", 1), ("3", "", 3), ("", "", 70), ("1", "8", 8), ("1", "0", 1)],
)
def test_the_action_ends_with_the_code_and_with_70_where_there_is_none(job, code, comment, ends):
    done = job.step("End with the exit code", CODE=code, COMMENT_CODE=comment)
    assert done.returncode == ends


def comment(job, **environment):
    place = {"PULL_REQUEST": "7", "HEAD_REPOSITORY": "us/model", "OUT": "a b", "KEY": "k"}
    address = {"REPORT_URL": "https://example.org/a?b=1&c"}
    return job.step("Comment on the pull request", **{**place, **address, **environment})


def test_the_comment_names_the_request_and_keeps_its_code(job):
    assert comment(job, COMMENT_ENDS="8").returncode == 0
    assert job.arguments() == [["comment", "a b", "--pull-request", "7", "--key", "k",
                                "--report-url", "https://example.org/a?b=1&c"]]  # fmt: skip
    assert job.outputs() == {"exit-code": "8"}


@pytest.mark.parametrize("place", [{"PULL_REQUEST": ""}, {"HEAD_REPOSITORY": "fork/model"}])
def test_no_comment_is_tried_outside_pull_requests_and_from_forks(job, place):
    done = comment(job, **place)
    assert done.returncode == 0
    assert done.stdout.startswith("::notice::no comment: ")
    assert job.arguments() == []


@pytest.mark.parametrize(
    ("install", "calls"),
    [
        ("full", ["-m pip install --quiet a/copy"]),
        ("light", ["-m pip install --quiet --requirement a/copy/docs/light-requirements.txt",
                   "-m pip install --quiet --no-deps a/copy"]),
    ],
)  # fmt: skip
def test_the_action_installs_its_own_commit_into_a_folder_of_its_own(job, install, calls):
    programs = Path(job.environment["RUNNER_TEMP"]) / "reportgen/bin"
    inner = 'echo "$*" >>"$CALLS"'
    job.program(
        "python3",
        f"#!/bin/sh\nmkdir -p $3/bin\nprintf '#!/bin/sh\\n{inner}\\n' >$3/bin/python\nchmod +x $3/bin/python\n",
    )
    assert job.step("Install reportgen", INSTALL=install, SOURCE="a/copy").returncode == 0
    assert job.calls.read_text().splitlines() == calls
    assert (job.calls.parent / "path").read_text() == f"{programs}\n"


def test_another_value_of_install_is_refused(job):
    job.program("python3", "#!/bin/sh\nmkdir -p $3/bin\n")
    done = job.step("Install reportgen", INSTALL="lite", SOURCE=".")
    assert (done.returncode, done.stdout) == (2, "::error::input install is full, light or none\n")


# The recipes


def test_the_recipe_for_forks_posts_for_the_head_of_the_event(job):
    (step,) = [
        one
        for one in yaml.safe_load(RECIPES["comment.yml"])["jobs"]["comment"]["steps"]
        if "run" in one
    ]
    assert set(step["env"]) == {"GITHUB_TOKEN", "OWNER", "BRANCH", "SHA"}
    job.run(step["run"], OWNER="them", BRANCH="a;touch x", SHA="a" * 40)
    file = f"{job.environment['RUNNER_TEMP']}/review/report.json"
    assert job.arguments() == [
        ["comment", file, "--head", "them:a;touch x", "--head-sha", "a" * 40]
    ]


@pytest.fixture
def pages(job):
    """The step that publishes, with the real command, and a repository in place of GitHub's."""
    if shutil.which("git") is None:
        pytest.skip("needs git")
    job.program("reportgen", f'#!/bin/sh\nexec "{sys.executable}" -m reportgen "$@"\n')
    hosted = job.calls.parent / "hosted.git"
    git = ["git", "-C", str(job.calls.parent)]
    subprocess.run([*git, "init", "--quiet", "--bare", str(hosted)], check=True, timeout=60)
    (script,) = [
        step["run"] for step in yaml.safe_load(RECIPES["site.yml"])["jobs"]["site"]["steps"] if "run" in step
    ]  # fmt: skip

    def publish(report, **environment):
        shutil.rmtree(job.folder / "site", ignore_errors=True)
        (job.folder / "report/report.json").write_text(report)
        return job.run(script, **{
            "ADDRESS": "https://example.org/r/", "GITHUB_TOKEN": "t", "GITHUB_SERVER_URL": "https://github.com",
            "PYTHONPATH": str(ROOT), "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{hosted.as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": "https://x-access-token:t@github.com/us/model.git", **environment,
        })  # fmt: skip

    def held():
        names = subprocess.run(
            [*git, "--git-dir", str(hosted), "ls-tree", "-r", "--name-only", "gh-pages"],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout.split()  # fmt: skip
        commits = subprocess.run(
            [*git, "--git-dir", str(hosted), "rev-list", "--count", "gh-pages"],
            capture_output=True, text=True, check=True, timeout=60,
        ).stdout  # fmt: skip
        return names, int(commits)

    (job.folder / "report").mkdir()
    (job.folder / "report/report.html").write_text("<p>page</p>")
    return publish, held


def test_the_recipe_for_pages_adds_to_the_branch_and_keeps_one_commit(pages):
    from tests.test_index import report_text, review

    publish, held = pages
    for n in (1, 2):
        done = publish(report_text(review(version=str(n))))
        assert done.returncode == 0, done.stderr
        assert "report: https://example.org/r/reports/" in done.stdout
        names, commits = held()
        assert commits == 1
        assert len([name for name in names if name.endswith("/report.html")]) == n
        assert {".nojekyll", "index.html", "index.json"} <= set(names)
    failed = publish(report_text(review(version="3")), GIT_CONFIG_VALUE_0="https://nothing", GIT_TERMINAL_PROMPT="0",
                     https_proxy="http://127.0.0.1:1")  # fmt: skip
    assert failed.returncode == 128, "a host that is not reached is no empty site"
    assert len(held()[0]) == len(names)


@pytest.mark.parametrize(("ends", "comments"), [(0, 1), (1, 1), (3, 0)])
def test_the_recipe_for_gitlab_comments_where_there_is_a_report(job, ends, comments):
    job.program("pip", "#!/bin/sh\n")
    script = "\n".join(yaml.safe_load(RECIPES[".gitlab-ci.yml"])["review"]["script"])
    done = job.run(
        script, ENDS=str(ends), CI_MERGE_REQUEST_IID="4", CI_JOB_URL="https://example.org/j"
    )
    assert done.returncode == ends
    first, *rest = job.arguments()
    assert first[0] == "compare"
    assert len(rest) == comments
    assert all(call[:4] == ["comment", "report", "--pull-request", "4"] for call in rest)


def test_a_comment_that_fails_ends_the_job_of_gitlab_with_8(job):
    job.program("pip", "#!/bin/sh\n")
    script = "\n".join(yaml.safe_load(RECIPES[".gitlab-ci.yml"])["review"]["script"])
    assert job.run(script, ENDS="1", COMMENT_ENDS="8").returncode == 8


@pytest.mark.parametrize("ends", [0, 1, 3])
def test_the_recipe_for_azure_shows_the_summary_by_its_absolute_path(job, ends):
    (script,) = [
        step["bash"] for step in yaml.safe_load(RECIPES["azure-pipelines.yml"])["steps"] if "bash" in step
    ]  # fmt: skip
    done = job.run(script, ENDS=str(ends))
    assert done.returncode == ends
    shown = f"##vso[task.uploadsummary]{job.folder.resolve()}/report/summary.md\n"
    assert done.stdout == (shown if ends < 3 else "")


def test_the_recipe_for_jenkins_makes_the_page_that_it_publishes(job):
    (script,) = re.findall(r"sh '''\n(.*?)'''", RECIPES["Jenkinsfile"], re.DOTALL)
    job.program(
        "python3",
        '#!/bin/sh\nmkdir -p "$3/bin"\ntouch "$3/bin/pip"\nchmod +x "$3/bin/pip"\ncp "$(command -v reportgen)" "$3/bin/"\n',
    )
    assert job.run(script, ENDS="1").returncode == 1
    (call,) = job.arguments()
    assert call[call.index("--layout") + 1] == "dir"
    assert "reportDir: 'report', reportFiles: 'index.html'" in RECIPES["Jenkinsfile"]


def test_the_commands_of_the_recipes_are_those_of_reportgen(tmp_path, monkeypatch):
    """The real command, with the baseline, predictions and gates that the recipes name."""
    from tests.test_docs import called

    monkeypatch.chdir(tmp_path)
    for name in ("before.csv", "after.csv"):
        Path(name).write_text(",cat,dog\ncat,40,10\ndog,1,49\n")
    Path("gates.toml").write_text('[[gate]]\nname = "floor"\nmetric = "accuracy"\nat_least = 0.5\n')
    called(["reportgen", "baseline", "save", "before.csv", "production"])
    lines = [
        line.split("reportgen ", 1)[1].removesuffix(" || code=$?")
        for recipe in RECIPES.values()
        for line in recipe.splitlines()
        if "reportgen compare" in line
    ]
    assert len(lines) == 3
    for number, line in enumerate(lines):
        words = shlex.split(line.replace("predictions.parquet", "after.csv"))
        words[words.index("-o") + 1] = f"report-{number}"
        called(["reportgen", *words])
        assert Path(f"report-{number}/junit.xml").is_file()
