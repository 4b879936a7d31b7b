"""Wheel and sdist hold all that is needed, and work where there is no checkout."""

import email
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]


@pytest.fixture(scope="module")
def distributions(tmp_path_factory):
    """The sdist of the checkout, and the wheel that is built from it."""
    out = tmp_path_factory.mktemp("distributions")
    subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out)],
        cwd=CHECKOUT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return out


@pytest.fixture(scope="module")
def wheel(distributions):
    (path,) = distributions.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def sdist(distributions, tmp_path_factory):
    """The sdist, unpacked."""
    (path,) = distributions.glob("*.tar.gz")
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(path) as archive:
        archive.extractall(folder, filter="data")
    (root,) = folder.iterdir()
    return root


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
    ) == sorted(path.name for path in (CHECKOUT / "templates").iterdir() if path.is_file())
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


# What a package index and a type checker see


def test_the_wheel_says_that_it_is_typed(wheel):
    assert "reportgen/py.typed" in zipfile.ZipFile(wheel).namelist()


def metadata_of(wheel):
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
    return email.message_from_bytes(archive.read(name))


def test_the_readme_s_links_and_picture_work_away_from_the_checkout(wheel, sdist):
    """Each has a whole address below the project's own, and leads to a file of this version."""
    metadata = metadata_of(wheel)
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)]*)\)", metadata.get_payload())
    assert len(links) > 15
    assert "!" in {mark for mark, _ in links}
    for mark, address in links:
        place = f"{PROJECT['urls']['Source']}/{'raw' if mark else 'blob'}/v{metadata['Version']}/"
        assert address.startswith(place)
        assert (sdist / address.removeprefix(place).partition("#")[0]).is_file(), address


def test_the_project_s_addresses_lead_into_its_repository(wheel):
    urls = dict(line.split(", ") for line in metadata_of(wheel).get_all("Project-URL"))
    assert set(urls) == {"Homepage", "Documentation", "Changelog", "Source"}
    for address in urls.values():
        assert address.startswith(urls["Source"])
        _, found, name = address.partition("/main/")
        assert not found or (CHECKOUT / name).exists()


# The sdist


def tracked():
    """The files of the repository; skips where this is no checkout."""
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=CHECKOUT, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("this is no git checkout")
    return [name for name in done.stdout.split("\0") if (CHECKOUT / name).is_file()]


def test_the_sdist_holds_the_whole_repository(sdist):
    missing = [name for name in tracked() if not (sdist / name).is_file()]
    assert missing == []


@pytest.mark.extra
def test_the_sdist_s_own_tests_pass(sdist):
    """All can be collected, and those of documents, samples and texts are run."""
    environment = {**os.environ, "PYTHONPATH": str(sdist)}

    def run(*words):
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", "-n", "0", "-p", "no:cacheprovider", *words],
            cwd=sdist, env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-5000:]
        return done.stdout

    assert int(re.search(r"(\d+) tests? collected", run("--collect-only")).group(1)) > 1000
    run("tests/test_text.py", "tests/test_ci_script.py", "tests/test_docs.py", "-k",
        "not examples_of_a_page")  # fmt: skip


# The name


INSTALLERS = re.compile(r"\b(?:pip[x3]?|uvx?|poetry|pdm|rye|conda|mamba)\b(?P<rest>.*)")
OURS = re.compile(r"reportgen(\[.*)?([=<>!~@].*)?")


def installs_by_name(text):
    """The lines that would install `reportgen` from a package index."""
    for line in re.sub(r"\\\n", " ", text).splitlines():
        for found in INSTALLERS.finditer(line):
            words = re.split(r"[;&|`.](?:\s|$)", found["rest"])[0].split()
            plain = [word.strip("\"'`,()[]\\") for word in words]
            if found[0].startswith("uvx") or {"install", "add", "run", "tool"} & set(plain):
                yield from (line for word in plain if OURS.fullmatch(word))


@pytest.mark.parametrize(
    "line",
    [
        "pip install NAME",
        "pip install 'NAME[demo]'",
        'hint="pip install \\"NAME[demo]\\""',
        "python -m pip install --upgrade NAME==0.1",
        "uv pip install NAME",
        "uv tool install NAME",
        "uvx NAME render m.csv",
        "pipx run NAME",
        '["pip", "install", "NAME"]',
        "pip install torch \\\n    NAME",
    ],
)
def test_an_install_by_the_bare_name_is_found(line):
    assert list(installs_by_name(line.replace("NAME", "reportgen")))


@pytest.mark.parametrize(
    "line",
    [
        "pip install torch; then reportgen render m.csv",
        "pip install '.[demo]'",
        "pip install tools/reportgen-*.whl",
        "pip install --no-deps reportgen-0.1.0-py3-none-any.whl",
        "reportgen run model.pt2 test",
    ],
)
def test_other_installs_are_not(line):
    assert not list(installs_by_name(line))


def test_nothing_installs_by_a_name_that_belongs_to_somebody_else():
    own = Path(__file__).relative_to(CHECKOUT).as_posix()
    found = {
        name: lines
        for name in tracked()
        if name != own
        and (lines := list(installs_by_name((CHECKOUT / name).read_text("utf-8", "ignore"))))
    }
    assert found == {}
