"""The page against the rules of HTML: html-validate, and the Nu checker of the W3C.

Both come from npm, and the latter needs a Java: ``bash .ci/run tools`` puts them into
``.ci/node_modules``; else those of the machine are taken.
"""

from __future__ import annotations

import functools
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.test_review import paired
from tests.checkers import MODULES, needed

pytestmark = pytest.mark.browser

PAGES = [
    "two classes, costs", "two hostile classes", "scores", "hostile", "absent",
    "one sample", "30 classes", "100 classes", "2,100 classes",
]  # fmt: skip
RULES = {
    "root": True,
    "extends": ["html-validate:recommended"],
    "rules": {"long-title": "off", "require-sri": "off"},
}
SHORT_RUN = ["-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC"]
"""Halves the CPU time of a Java that runs for seconds."""

NU = Path("vnu-jar", "build", "dist", "vnu.jar")


def html_validate() -> str | None:
    """The project's own; else that on the path."""
    return shutil.which("html-validate", path=str(MODULES / ".bin")) or shutil.which(
        "html-validate"
    )


@functools.cache
def nu_jar() -> str | None:
    """The project's own vnu.jar; else where npm put one."""
    if (MODULES / NU).is_file():
        return str(MODULES / NU)
    npm = shutil.which("npm")
    if npm is None:
        return None
    root = subprocess.run([npm, "root", "-g"], capture_output=True, text=True, check=True)
    jar = Path(root.stdout.strip()) / NU
    return str(jar) if jar.is_file() else None


@pytest.fixture(scope="module")
def pages(html, tmp_path_factory):
    folder = tmp_path_factory.mktemp("validity")
    (folder / "rules.json").write_text(json.dumps(RULES), "ascii")
    (folder / "review.html").write_text(paired(), "ascii")
    for name in PAGES:
        (folder / f"{name.replace(' ', '-').replace(',', '')}.html").write_text(html(name), "ascii")
    return folder


def test_html_validate_finds_no_error(pages):
    tool = needed("html-validate", html_validate())
    files = sorted(map(str, pages.glob("*.html")))
    done = subprocess.run(
        [tool, "--config", str(pages / "rules.json"), "--formatter", "text", *files],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_the_nu_checker_finds_no_error(pages):
    java = needed("java", shutil.which("java"))
    jar = needed("vnu.jar", nu_jar())
    done = subprocess.run(
        [java, "-Xss4m", *SHORT_RUN, "-jar", jar, "--errors-only", "--format", "gnu", *map(str, sorted(pages.glob("*.html")))],
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip
    assert (done.stdout + done.stderr, done.returncode) == ("", 0)
