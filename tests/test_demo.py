"""The demo: the whole pipeline on data that everybody has, in seconds."""

import json
import shlex

import pytest

from reportgen.demo import make_demo
from reportgen.errors import OutputError, UsageError
from reportgen.reporter import Reporter
from tests.test_cli import reportgen

pytest.importorskip("sklearn")


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    return folder, reportgen("demo", cwd=folder)


def test_it_leaves_images_models_and_a_report(demo):
    folder, done = demo
    root = folder / "reportgen-demo"
    assert {p.name for p in root.iterdir()} == {".reportgen-demo", "images", "models", "report"}
    assert {p.name for p in (root / "models").iterdir()} == {
        "first.parquet", "first.pt2", "second.pt2",
    }  # fmt: skip
    assert len(list((root / "images").rglob("*.png"))) == 899
    assert done.stdout.splitlines()[-1] == "report: reportgen-demo/report/report.html"


def test_it_reports_on_a_network_that_has_learnt_something(demo):
    folder, _ = demo
    value = json.loads((folder / "reportgen-demo/report/report.json").read_text())
    assert value["summary"]["accuracy"]["value"] > 0.9
    assert value["provenance"]["model"]["name"] == "second"
    assert value["comparison"]["baseline"]["provenance"]["model"]["name"] == "first"
    assert (
        sum(
            value["comparison"]["paired"][who]
            for who in ("both_right", "gained", "lost", "both_wrong")
        )
        == 899
    )


def test_the_command_that_it_prints_makes_the_same_report(demo):
    folder, done = demo
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("to rerun: "))
    words = shlex.split(line.removeprefix("to rerun: "))
    before = (folder / "reportgen-demo/report/report.html").read_bytes()
    assert words[0] == "reportgen"
    reportgen(*words[1:], cwd=folder)
    assert (folder / "reportgen-demo/report/report.html").read_bytes() == before


def test_it_replaces_its_own_alone(demo, tmp_path):
    (tmp_path / "images").mkdir()
    (tmp_path / "images/mine.png").touch()
    with pytest.raises(OutputError) as caught:
        make_demo(tmp_path, Reporter())
    assert caught.value.slug == "demo-folder"
    assert (tmp_path / "images/mine.png").exists()


def test_a_second_demo_replaces_the_first_and_leaves_other_files(demo):
    folder, _ = demo
    before = (folder / "reportgen-demo/report/report.json").read_bytes()
    (folder / "reportgen-demo/mine.txt").write_text("mine")
    reportgen("demo", "-o", "reportgen-demo", cwd=folder)
    assert (folder / "reportgen-demo/report/report.json").read_bytes() == before
    assert (folder / "reportgen-demo/mine.txt").read_text() == "mine"


def test_without_scikit_learn_it_says_how_to_install_it(tmp_path, monkeypatch):
    import builtins

    real = builtins.__import__

    def missing(name, *rest, **more):
        if name.startswith("sklearn"):
            raise ModuleNotFoundError("No module named 'sklearn'", name="sklearn")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(UsageError, match="the demo needs scikit-learn") as caught:
        make_demo(tmp_path, Reporter())
    assert caught.value.slug == "demo-needs-sklearn"
    assert caught.value.hint == "install it: pip install scikit-learn"
