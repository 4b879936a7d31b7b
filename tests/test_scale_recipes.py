"""The recipes of docs/scale.md: their scripts are run by a shell, and their commands by reportgen."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from unittest import mock
from unittest.mock import ANY

import numpy as np
import pytest
import yaml
from PIL import Image

import reportgen
from reportgen import cli, process
from tests import checkers
from tests.checkers import ROOT

PAGE = (ROOT / "docs/scale.md").read_text("utf-8")
RECIPES = {
    Path(name).name: text
    for text, name in re.findall(
        r"^```(?:sh|yaml)\n((?:#!/bin/sh\n)?# (\S+)\n.*?)^```$", PAGE, re.DOTALL | re.MULTILINE
    )
}
FINAL_CODES = [2, 3, 4]
"""The exit codes that the same command will end with again, as the page says."""


def of_ten(recipe: str) -> str:
    """The recipe with 10 shards instead of 32: 22 processes fewer, and it is the same recipe."""
    changed = re.sub(r"(?<=/)32\b", "10", RECIPES[recipe].replace("0-31", "0-9"))
    return changed.replace("completions: 32", "completions: 10")


pytestmark = pytest.mark.skipif(
    os.name == "nt" or shutil.which("bash") is None, reason="needs bash"
)


def test_every_recipe_is_found_and_all_name_one_number_of_shards():
    scripts = {
        "torchrun.sh",
        "shards.sbatch",
        "merge.sbatch",
        "submit.sh",
        "resubmit.sh",
        "jobs.sh",
        "ray.sh",
    }
    assert set(RECIPES) == scripts | {"shards.yaml", "merge.yaml", "shards.yml"}
    assert "The exit code shows whether to repeat: 2, 3 and 4 will fail again" in PAGE
    assert "--array=0-31" in RECIPES["submit.sh"]
    assert '"$SLURM_ARRAY_TASK_ID/32"' in RECIPES["shards.sbatch"]
    assert "completions: 32" in RECIPES["shards.yaml"]
    assert "$(JOB_COMPLETION_INDEX)/32" in RECIPES["shards.yaml"]
    assert "[0, 1, 2, 3]" in RECIPES["shards.yml"]
    assert '"$SHARD/4"' in RECIPES["shards.yml"]


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """A program, 260 images in two folders, that are five batches, and gates that are met."""
    import torch

    class Colours(torch.nn.Module):
        def forward(self, x):
            return x.mean(dim=(2, 3))[:, :2] * 20

    root = tmp_path_factory.mktemp("scale")
    rng = np.random.default_rng(0)
    for k, name in enumerate(("cat", "dog")):
        (root / "test" / name).mkdir(parents=True)
        for i in range(130):
            pixels = rng.integers(0, 120, (8, 8, 3), dtype=np.uint8)
            pixels[..., k] += np.uint8(rng.integers(0, 80))
            Image.fromarray(pixels).save(root / "test" / name / f"{i}.png")
    program = torch.export.export(
        Colours().eval(), (torch.zeros(2, 3, 8, 8),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
    )  # fmt: skip
    torch.export.save(program, root / "model.pt2", extra_files={"classes.json": '["cat", "dog"]'})
    (root / "gates.toml").write_text(
        '[[gate]]\nname = "floor"\nmetric = "accuracy"\nat_least = 0.5\n'
    )
    with contextlib.chdir(root):
        reportgen.predict("model.pt2", "test", out="one")
    return root


@pytest.fixture
def here(source, tmp_path, monkeypatch):
    shutil.copytree(source, tmp_path / "w", ignore=shutil.ignore_patterns("one"))
    monkeypatch.chdir(tmp_path / "w")
    for name in os.environ:
        if name.startswith(("SLURM_", "RANK", "WORLD_SIZE", "JOB_COMPLETION", "GITHUB_")):
            monkeypatch.delenv(name)
    return tmp_path / "w"


@pytest.fixture
def predictions_of_one(source):
    return (source / "one/predictions.parquet").read_bytes()


def code_of(words: Sequence[str]) -> int:
    """The exit code of `reportgen words`, run in this process."""
    with mock.patch.object(sys, "argv", ["reportgen", *words]):
        return process.exit_code_of(lambda: cli.command(list(words)))


class Shell:
    """Runs scripts with programs that record their words, one call after another."""

    def __init__(self, folder: Path) -> None:
        self.programs, self.calls = folder / "bin", folder / "calls"
        self.programs.mkdir()

    def program(self, name: str, text: str = "") -> None:
        """A program that records its words in one write, and then does what `text` says.

        Several may run at once, as under torchrun; their words must not mix.
        """
        path = self.programs / name
        path.write_text(f'#!/bin/sh\nprintf \'%s\\n\' {name} "$@" END >>"$CALLS"\n{text}\n')
        path.chmod(0o755)

    def run(self, *command: str, **environment: str) -> tuple[int, list[list[str]]]:
        """The exit code of a command, and what it called."""
        self.calls.write_text("")
        path = f"{self.programs}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            command, env={**os.environ, "PATH": path, "CALLS": str(self.calls), **environment},
            check=False, timeout=300,
        )  # fmt: skip
        return done.returncode, [
            call.splitlines() for call in self.calls.read_text().split("END\n")[:-1]
        ]


@pytest.fixture
def shell(tmp_path):
    made = Shell(tmp_path)
    made.program("reportgen")
    return made


def commands_of(calls: list[list[str]]) -> Iterator[list[str]]:
    """What reportgen was called with."""
    for name, *words in calls:
        assert name == "reportgen"
        yield words


def test_shellcheck_finds_nothing_in_the_scripts():
    merging = yaml.safe_load(RECIPES["merge.yaml"])["spec"]["template"]["spec"]["containers"][0]
    steps = [
        step["run"]
        for job in yaml.safe_load(RECIPES["shards.yml"])["jobs"].values()
        for step in job["steps"] if "run" in step
    ]  # fmt: skip
    scripts = [text for name, text in RECIPES.items() if name.endswith((".sh", ".sbatch"))]
    assert len([*scripts, *steps]) == 9
    for script in [*scripts, *merging["args"], *steps]:
        assert checkers.shellcheck(script, "sh") == ""
    assert "SC2086" in checkers.shellcheck(RECIPES["submit.sh"].replace('"', ""), "sh")


# SLURM


class Slurm:
    """Accepts jobs as sbatch does, and runs them at once; the tasks in `killed` run out of time."""

    def __init__(self, shell: Shell) -> None:
        self.shell, self.killed, self.failed = shell, set(), set()
        self.commands: list[list[str]] = []
        shell.program("sbatch", "echo '7001;cluster'")
        for name in ("shards.sbatch", "merge.sbatch"):
            Path(name).write_text(of_ten(name))

    def submit(self, recipe: str, status: str = "") -> list[list[str]]:
        """Run a script that submits jobs, and then the jobs; its calls of sbatch."""
        self.shell.program("reportgen", f"cat <<'END'\n{status}END\nexit 3")
        code, calls = self.shell.run("sh", "-e", "-c", of_ten(recipe))
        assert code == 0
        self.shell.program("reportgen")
        submitted = [words for name, *words in calls if name == "sbatch"]
        for words in submitted:
            self._run(dict(re.findall(r"^--(\S+)=(\S+)$", "\n".join(words), re.M)), words[-1])
        return submitted

    def _run(self, options: dict[str, str], script: str) -> None:
        if "array" not in options:
            assert options["dependency"] == "afterok:7001"
            assert options["kill-on-invalid-dep"] == "yes"
            if not self.failed:
                self._task(script, {})
            return
        tasks = numbers(options["array"])
        ends = {"COUNT": len(tasks), "MIN": min(tasks), "MAX": max(tasks), "STEP": 1}
        self.failed = self.killed & set(tasks)
        for task in sorted(set(tasks) - self.killed):
            values = {**ends, "ID": task}
            self._task(script, {f"SLURM_ARRAY_TASK_{k}": str(v) for k, v in values.items()})

    def _task(self, script: str, environment: dict[str, str]) -> None:
        code, calls = self.shell.run("sh", script, **environment)
        assert code == 0
        for words in commands_of(calls):
            self.commands.append(words)
            with mock.patch.dict(os.environ, environment):
                assert code_of(words) == 0


def numbers(text: str) -> list[int]:
    """Those of `--array=3,7-9`."""
    spans = [span.split("-") for span in text.split(",")]
    return [n for span in spans for n in range(int(span[0]), int(span[-1]) + 1)]


def test_the_array_of_slurm_gives_the_bytes_of_a_single_run_and_its_report(
    here, shell, predictions_of_one
):
    slurm = Slurm(shell)
    first, second = slurm.submit("submit.sh")
    assert (first[-1], second[-1]) == ("shards.sbatch", "merge.sbatch")
    assert [words[4] for words in slurm.commands[:-2]] == [f"{i}/10" for i in range(10)]
    assert Path("run1/predictions.parquet").read_bytes() == predictions_of_one
    assert Path("run1/report.html").exists()


def test_of_a_half_finished_array_the_missing_tasks_are_submitted_with_the_same_n(
    here, shell, capsys, predictions_of_one
):
    slurm = Slurm(shell)
    slurm.killed = {3, 7, 8, 9}
    slurm.submit("submit.sh")
    assert not Path("run1/predictions.parquet").exists(), "the merge depends on all tasks"
    capsys.readouterr()
    assert code_of(["merge", "run1", "--status"]) == 3
    status = capsys.readouterr().out
    assert "missing: 3,7-9 of 10" in status.splitlines()
    slurm.killed, slurm.commands = set(), []
    first, _ = slurm.submit("resubmit.sh", status)
    assert first == ["--parsable", "--array=3,7-9", "shards.sbatch"]
    assert [words[4] for words in slurm.commands[:-2]] == ["3/10", "7/10", "8/10", "9/10"]
    assert Path("run1/predictions.parquet").read_bytes() == predictions_of_one
    assert Path("run1/report.html").exists()


def test_auto_is_refused_in_an_array_that_was_submitted_in_part(here, capsys, monkeypatch):
    for name, value in {"ID": 3, "COUNT": 4, "MIN": 3, "MAX": 9, "STEP": 1}.items():
        monkeypatch.setenv(f"SLURM_ARRAY_TASK_{name}", str(value))
    assert code_of(["predict", "model.pt2", "test", "--shard", "auto", "-o", "run1"]) == 2
    assert "--shard $SLURM_ARRAY_TASK_ID/N" in capsys.readouterr().err


@pytest.mark.parametrize("script", ["merge.sbatch", "merge.yaml"])
def test_a_merge_that_fails_makes_no_report(here, shell, script):
    shell.program("reportgen", "exit 3")
    if script == "merge.yaml":
        (container,) = pod_of(script)["containers"]
        command = [*container["command"], *container["args"]]
    else:
        Path(script).write_text(RECIPES[script])
        command = ["sh", script]
    code, calls = shell.run(*command)
    assert (code, [words[0] for words in commands_of(calls)]) == (3, ["merge"])


# Kubernetes


def pod_of(name: str) -> dict:
    return yaml.safe_load(of_ten(name))["spec"]["template"]["spec"]


@pytest.mark.extra
@pytest.mark.parametrize("version", ["1.33.0", "1.37.0"])
@pytest.mark.parametrize("name", ["shards.yaml", "merge.yaml"])
def test_the_schema_of_kubernetes_finds_nothing_in_the_jobs(name, version):
    kubernetes_validate = pytest.importorskip("kubernetes_validate")
    job = yaml.safe_load(RECIPES[name])
    kubernetes_validate.validate(job, version, strict=True)
    job["spec"]["backOffLimit"] = 1
    with pytest.raises(kubernetes_validate.ValidationError, match="backOffLimit"):
        kubernetes_validate.validate(job, version, strict=True)


def test_a_job_repeats_what_may_pass_and_nothing_that_fails_again():
    """What no schema says: the rules that the documentation of Kubernetes has for these fields."""
    spec = yaml.safe_load(RECIPES["shards.yaml"])["spec"]
    assert spec["completionMode"] == "Indexed"
    assert spec["template"]["spec"]["restartPolicy"] == "Never", "podFailurePolicy needs it"
    assert spec["backoffLimitPerIndex"] == 3, "FailIndex needs it"
    fails, ignored = spec["podFailurePolicy"]["rules"]
    (container,) = spec["template"]["spec"]["containers"]
    codes = {"containerName": container["name"], "operator": "In", "values": FINAL_CODES}
    assert fails == {"action": "FailIndex", "onExitCodes": codes}
    assert (ignored["action"], ignored["onPodConditions"][0]["type"]) == (
        "Ignore",
        "DisruptionTarget",
    )
    for name in ("shards.yaml", "merge.yaml"):
        (container,) = pod_of(name)["containers"]
        volumes = {volume["name"] for volume in pod_of(name)["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} == volumes


def test_the_jobs_of_kubernetes_give_the_bytes_of_a_single_run_and_its_report(
    here, shell, predictions_of_one
):
    spec = yaml.safe_load(of_ten("shards.yaml"))["spec"]
    (container,) = pod_of("shards.yaml")["containers"]
    for index in reversed(range(spec["completions"])):
        program, *words = [
            word.replace("$(JOB_COMPLETION_INDEX)", str(index)) for word in container["command"]
        ]
        assert program == "reportgen"
        assert code_of(words) == 0
    (container,) = pod_of("merge.yaml")["containers"]
    code, calls = shell.run(*container["command"], *container["args"])
    assert [code, *map(code_of, commands_of(calls))] == [0, 0, 0]
    assert Path("run1/predictions.parquet").read_bytes() == predictions_of_one
    assert Path("run1/report.html").exists()


@pytest.mark.parametrize("ends", ["SuccessCriteriaMet Complete", "FailureTarget Failed"])
def test_the_job_that_merges_comes_when_all_shards_have_ended(here, shell, ends):
    shell.program("sleep")
    shell.program("kubectl", 'if [ "$1" = get ]; then cat state; echo "$ENDS" >state; fi')
    Path("state").write_text(f"{ends.split()[0]}\n")
    code, calls = shell.run("sh", "-e", "-c", RECIPES["jobs.sh"], ENDS=ends)
    assert code == 0
    get = ["kubectl", "get", "job", "shards", "-o", "jsonpath={.status.conditions[*].type}"]
    apply = ["kubectl", "apply", "-f"]
    assert calls == [[*apply, "shards.yaml"], get, ["sleep", ANY], get, [*apply, "merge.yaml"]]


# GitHub

FLOW = RECIPES["shards.yml"].replace(
    "OWNER/reportgen@COMMIT", f"owner/reportgen@{'a' * 40} # v0.1.0"
)


def test_the_checkers_of_workflows_find_nothing_in_the_matrix(tmp_path):
    path = tmp_path / "shards.yml"
    path.write_text(FLOW)
    assert checkers.problems("vendor.github-workflows", path) == ""
    assert checkers.zizmor(path) == ""
    found, slip = checkers.actionlint(FLOW, FLOW.replace("matrix.shard }}", "matrix.shards }}"))
    assert found == []
    assert any("shards" in one for one in slip)
    used = re.findall(r"uses: (actions/.*)$", FLOW, re.MULTILINE)
    pinned = (ROOT / "action.yml").read_text("utf-8") + (ROOT / "docs/delivery.md").read_text(
        "utf-8"
    )
    assert len(used) == 4
    assert all(f"uses: {action}\n" in pinned for action in used)


def test_the_matrix_of_github_gives_the_bytes_of_a_single_run_and_its_report(
    here, shell, tmp_path, monkeypatch, predictions_of_one
):
    """A job has a folder of its own; folders take the place of the artifacts."""
    jobs = yaml.safe_load(FLOW)["jobs"]
    predict, upload = jobs["shard"]["steps"][2:]
    for shard in jobs["shard"]["strategy"]["matrix"]["shard"]:
        shutil.copytree(here, tmp_path / f"job-{shard}")
        monkeypatch.chdir(tmp_path / f"job-{shard}")
        assert predict["env"] == {"SHARD": "${{ matrix.shard }}"}
        code, calls = shell.run("bash", "-e", "-c", predict["run"], SHARD=str(shard))
        assert [code, *map(code_of, commands_of(calls))] == [0, 0]
        (part,) = Path().glob(upload["with"]["path"])
        shutil.copytree(part.parent, tmp_path / "artifacts" / f"shard-{shard}")
    monkeypatch.chdir(here)
    download, merge, report = jobs["report"]["steps"][2:]
    for artifact in (tmp_path / "artifacts").glob(download["with"]["pattern"]):
        shutil.copytree(artifact, download["with"]["path"], dirs_exist_ok=True)
    code, calls = shell.run("bash", "-e", "-c", merge["run"])
    assert [code, *map(code_of, commands_of(calls))] == [0, 0]
    assert code_of([*report["with"]["command"].split(), "-o", "report", "--summary"]) == 0
    assert Path("run1/predictions.parquet").read_bytes() == predictions_of_one
    assert Path("report/summary.md").exists()


# torchrun

KILLED = """
if [ "$RANK" = 1 ] && [ ! -e tried-{tries} ]; then
  [ -e tried-1 ] && touch tried-2
  touch tried-1
  kill -KILL $$
fi
exec "{python}" -m reportgen "$@"
"""
"""The process of rank 1 is killed, as often as `tries` says, before it has predicted anything."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """As many threads as torchrun gives each process: sums on CPUs depend on it."""
    import torch

    n = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n)


@pytest.fixture
def images(shared, tmp_path, monkeypatch):
    """160 images of CIFAR-10 and a program that knows them, as the recipe calls them."""
    place = tmp_path / "cifar"
    place.mkdir()
    shutil.copy(shared("models/cifar10/baseline.pt2"), place / "model.pt2")
    for folder in sorted(shared("data/cifar10/test").iterdir()):
        (place / "test" / folder.name).mkdir(parents=True)
        for path in sorted(folder.iterdir())[:16]:
            shutil.copy(path, place / "test" / folder.name)
    (place / "gates.toml").write_text(
        '[[gate]]\nname = "floor"\nmetric = "accuracy"\nat_least = 0.2\n'
    )
    monkeypatch.chdir(place)
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return place


@pytest.mark.slow
@pytest.mark.parametrize(("tries", "complete"), [(1, True), (2, False)])
def test_torchrun_repeats_a_killed_process_once_and_makes_no_half_report(
    images, shell, tries, complete
):
    shell.program("torchrun", f'exec "{sys.executable}" -m torch.distributed.run "$@"')
    shell.program("reportgen", KILLED.format(tries=tries, python=sys.executable))
    recipe = RECIPES["torchrun.sh"]
    assert "--nproc-per-node 8" in recipe
    code, calls = shell.run("sh", "-c", recipe.replace("--nproc-per-node 8", "--nproc-per-node 2"))
    names = {words[0] for name, *words in calls if name == "reportgen"}
    assert (code == 0, names == {"predict", "merge", "render"}) == (complete, complete)
    assert Path("tried-1").exists()
    assert Path("run1/report.html").exists() == complete
    assert [path.name for path in sorted(Path("run1/shards").glob("*.parquet"))] == (
        ["00000-of-00002.parquet", "00001-of-00002.parquet"] if complete else []
    )
    if complete:
        with one_thread():
            reportgen.predict("model.pt2", "test", out="one")
        one = Path("one/predictions.parquet").read_bytes()
        assert Path("run1/predictions.parquet").read_bytes() == one


# Ray


@pytest.mark.extra
@pytest.mark.slow
def test_the_job_of_ray_gives_the_bytes_of_a_single_run(here, shell, predictions_of_one):
    """`ray job submit` runs the command on the cluster; here it is the cluster of this machine."""
    pytest.importorskip("ray", reason="needs Ray (make test-extras installs it)")
    for name in ("pip", "ray"):
        shell.program(name)
    code, calls = shell.run("sh", "-e", "-c", RECIPES["ray.sh"])
    assert code == 0
    assert calls[0] == ["pip", "install", "ray[data]"]
    at = calls[1].index("--")
    assert calls[1][:at] == ["ray", "job", "submit", "--working-dir", "."]
    local = {"/data/val": "test", "/shared/run1": "run1", "8": "1", "1": "0"}
    command = [local.get(word, word) for word in calls[1][at + 2 :]]
    assert calls[1][at + 1] == "reportgen"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run(
        [sys.executable, "-m", "reportgen", *command], check=True, timeout=300, env=environment
    )
    assert Path("run1/predictions.parquet").read_bytes() == predictions_of_one
