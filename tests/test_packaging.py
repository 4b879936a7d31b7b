"""The wheel holds all that a user needs, and works where there is no checkout."""

import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)],
        cwd=CHECKOUT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """A new environment that holds the wheel, and sees the dependencies that are installed here."""
    root = tmp_path_factory.mktemp("fresh") / "env"
    venv.create(root, with_pip=False, symlinks=True)
    subprocess.run(
        [sys.executable, "-m", "pip", "--python", str(root / "bin/python"), "install", "--no-deps",
         "--no-index", "--quiet", "--disable-pip-version-check", str(wheel)],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    site = next(root.glob("lib/python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"] + "\n")
    return root


def test_the_wheel_ships_the_templates_and_no_tests(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    for name in ("report.html.j2", "report.css", "report.js"):
        assert f"reportgen/templates/{name}" in names
    assert sorted(
        n.split("/")[-1] for n in names if n.startswith("reportgen/templates/")
    ) == sorted(path.name for path in (CHECKOUT / "templates").iterdir())
    assert not [name for name in names if name.startswith(("tests/", "docs/", "benchmarks/"))]
    assert any(name.endswith("LICENSE") for name in names)


def test_help_and_render_work_outside_of_the_checkout(installed, tmp_path):
    (tmp_path / "m.csv").write_text(",cat,dog\ncat,5,1\ndog,2,7\n")
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}

    def reportgen(*words):
        return subprocess.run(
            [str(installed / "bin/reportgen"), *words],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip

    assert "render" in reportgen("--help")
    assert "report: out/report.html" in reportgen("render", "m.csv", "-o", "out")
    html = (tmp_path / "out/report.html").read_text()
    assert "cat" in html
    where = subprocess.run(
        [str(installed / "bin/python"), "-c", "import reportgen; print(reportgen.__file__)"],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert Path(where.strip()).is_relative_to(installed)
