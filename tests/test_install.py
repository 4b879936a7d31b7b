"""docs/install.md: the light install holds what `render`, `compare` and `check` need, and no PyTorch."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import reportgen
from reportgen.demo import make_demo
from reportgen.errors import ModelError
from reportgen.reporter import Reporter
from tests.test_cli import reportgen as command

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs/install.md").read_text("utf-8")
LEFT_OUT = {"torch", "torchvision", "safetensors"}
"""What only running a model needs; torch alone brings 5.3 of 6.4 GB."""


def requirements_of(path):
    lines = path.read_text("utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def recipe():
    """The commands of the section on the light install."""
    (section,) = re.findall(r"^## A light install\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    blocks = re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)
    return "".join(blocks).splitlines()


def test_the_light_requirements_are_the_project_s_without_pytorch():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    kept = [d for d in project["dependencies"] if re.match(r"\w+", d)[0] not in LEFT_OUT]
    assert requirements_of(ROOT / "docs/light-requirements.txt") == kept
    assert len(kept) == len(project["dependencies"]) - len(LEFT_OUT)


@pytest.mark.extra
@pytest.mark.install
def test_the_recipe_installs_what_render_compare_and_check_need(tmp_path):
    unneeded = shutil.ignore_patterns(".*", "sample_reports", "tests", "__pycache__")
    shutil.copytree(ROOT, tmp_path, ignore=unneeded, dirs_exist_ok=True)
    shutil.copy(ROOT / "sample_reports/inputs/digits/predictions.parquet", tmp_path)
    commands = recipe()
    assert [shlex.split(line)[1] for line in commands[-3:]] == ["render", "compare", "check"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    for line in commands:
        done = subprocess.run(
            shlex.split(line), cwd=tmp_path, env={**clean, "PATH": path},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
    shutil.rmtree(tmp_path / "reportgen")  # so that what was installed is found
    found = subprocess.run(
        ["light/bin/python", "-c",
         "import importlib.util as i, reportgen; print(reportgen.__file__);"
         f"print([n for n in {sorted(LEFT_OUT)} if i.find_spec(n)])"],
        cwd=tmp_path, env=clean, capture_output=True, text=True, check=True,
    ).stdout.splitlines()  # fmt: skip
    assert Path(found[0]).is_relative_to(tmp_path / "light")
    assert found[1] == "[]"
    assert (tmp_path / "review/report.html").is_file()


# A command that needs PyTorch, where there is none


@pytest.fixture
def no_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)


@pytest.mark.parametrize(
    "call",
    [
        lambda out: reportgen.run("model.pt2", "test", out=out),
        lambda out: reportgen.predict("model.pt2", "test", out=out),
        lambda out: make_demo(out, Reporter()),
    ],
    ids=["run", "predict", "demo"],
)
def test_what_needs_pytorch_says_so_before_anything_is_written(call, no_torch, tmp_path):
    with pytest.raises(ModelError, match="PyTorch is not installed") as caught:
        call(tmp_path / "out")
    assert caught.value.slug == "torch-missing"
    assert not (tmp_path / "out").exists()


def test_the_hint_for_pytorch_names_every_library_that_the_light_install_lacks(no_torch, tmp_path):
    with pytest.raises(ModelError) as caught:
        reportgen.run("model.pt2", "test", out=tmp_path)
    installed, _, instead = caught.value.hint.partition("; ")
    assert set(installed.split("pip install ")[1].split()) == LEFT_OUT
    assert "reportgen render predictions.parquet" in instead


def test_the_way_without_pytorch_that_the_hint_names_works(tmp_path):
    shutil.copy(ROOT / "sample_reports/inputs/digits/predictions.parquet", tmp_path)
    done = command("render", "predictions.parquet", "-o", "out", cwd=tmp_path)
    assert done.stdout.splitlines()[-1] == "report: out/report.html"
