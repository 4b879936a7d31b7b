"""What becomes of a command whose streams fail, that is stopped, or that finds no memory."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reportgen.errors import DataError, Interrupted, OutputError, Terminated
from reportgen.process import exit_code_of, is_out_of_memory, print_line
from reportgen.text import inert
from tests.outputs import OF_COUNTS
from tests.processes import started, wait_for
from tests.test_cli import reportgen

MATRIX = ",a,b\na,5,1\nb,0,5\n"
COMMAND = f"{sys.executable} -m reportgen"


@pytest.fixture
def matrix(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(MATRIX)
    return path


def shell(line, *, cwd, unbuffered=""):
    return subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"], cwd=cwd, capture_output=True, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": unbuffered}, timeout=120,
    )  # fmt: skip


def names(folder):
    return {path.name for path in folder.iterdir()} if folder.exists() else set()


@pytest.mark.parametrize(
    ("streams", "code"),
    [
        (">/dev/full", 5),
        (">/dev/full 2>/dev/full", 5),
        ("2>/dev/full", 0),
        ("2>&-", 0),
        (">&- 2>&- <&-", 0),
        ("| true", 141),
        (">/dev/full --fail-under accuracy=0.99", 1),
        ("2>/dev/full --kind nonsense", 2),
    ],
)
def test_the_report_is_written_whatever_the_streams_do(streams, code, matrix, tmp_path):
    # In turn as programs of their own start it, and as containers do.
    unbuffered = "1" if "<" in streams or "true" in streams or streams == ">/dev/full" else ""
    line = f"{COMMAND} render {matrix} -o out {streams}"
    done = shell(line, cwd=tmp_path, unbuffered=unbuffered)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    assert "BrokenPipeError" not in done.stderr
    assert "bug in reportgen" not in done.stderr
    assert names(tmp_path / "out") >= (OF_COUNTS if code != 2 else set())


def test_a_full_stdout_is_told_on_stderr(matrix, tmp_path):
    done = shell(f"{COMMAND} render {matrix} -o out >/dev/full", cwd=tmp_path)
    assert "cannot write to the standard output: no space left on device" in done.stderr
    assert "errors.md#stdout-not-writable" in done.stderr
    done = shell(f"{COMMAND} check out --fail-under accuracy=0.5 >/dev/full", cwd=tmp_path)
    assert done.returncode == 5
    assert "everything else was done" in done.stderr  # no file was: only the verdict is missing
    done = shell(f"{COMMAND} --help >/dev/full", cwd=tmp_path)
    assert done.returncode == 5


def test_an_error_keeps_its_code_where_it_can_not_be_told(tmp_path):
    for streams in (">/dev/full 2>/dev/full", ">&- 2>&-"):
        done = shell(f"{COMMAND} render none.csv -o out {streams}", cwd=tmp_path)
        assert done.returncode == 3, streams


WAITING = """
import importlib, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in a shell's background
signal.signal(signal.SIGHUP, signal.SIG_DFL)  # ignored under nohup
module, name = sys.argv.pop(1).split(":")
def wait(*a, **k):
    open("waiting", "w").close()
    for _ in range(600):  # a signal just before a sleep does not shorten it
        time.sleep(0.1)
if name:
    setattr(importlib.import_module(module), name, wait)
from reportgen.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (signal.SIGTERM, 143, "terminated"),
        (signal.SIGINT, 130, "interrupted"),
        (signal.SIGHUP, 129, "terminated"),
    ],
)
@pytest.mark.parametrize("stage", ["reportgen.report:build_report",
                                   "reportgen.rendering.page_budget:fitting_page"])  # fmt: skip
def test_a_signal_outside_of_inference_has_its_own_code(
    number, code, word, stage, matrix, tmp_path
):
    command = [sys.executable, "-c", WAITING, stage, "render", matrix, "-o", "out"]
    with started(command, cwd=tmp_path) as process:
        wait_for((tmp_path / "waiting").exists, process)
        process.send_signal(number)
        told = process.communicate(timeout=60)[1]
    assert process.returncode == code
    assert told.startswith(f"reportgen: error: {word}\n")
    assert "Traceback" not in told
    assert not (tmp_path / "out").exists()


AT_THE_END = """
import atexit, signal, sys

class Late:
    def __del__(self, kill=signal.raise_signal, number=int(sys.argv.pop(1))):
        kill(number)

when = sys.argv.pop(1)
if when == "unloading":
    sys.late = Late()
from reportgen.__main__ import main
try:
    main()
finally:
    if when == "ending":
        Late()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("when", ["ending", "unloading"])
@pytest.mark.parametrize(("words", "code"), [(["versions"], 0), (["check", "none.json"], 2)])
def test_a_signal_after_the_command_has_ended_does_not_change_its_code(
    number, when, words, code, tmp_path
):
    done = subprocess.run(
        [sys.executable, "-c", AT_THE_END, str(int(number)), when, *words],
        cwd=tmp_path, capture_output=True, text=True,
    )  # fmt: skip
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr


def test_a_signal_while_the_program_is_loaded_has_its_own_code(tmp_path):
    """A library that is being imported may turn the interruption into an error of its own."""

    def loading():
        try:
            signal.raise_signal(signal.SIGTERM)
        except Terminated as stop:
            raise ImportError("numpy failed to import") from stop

    assert exit_code_of(loading) == 143


def test_a_command_under_nohup_outlives_its_terminal():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        assert exit_code_of(lambda: signal.raise_signal(signal.SIGHUP) or 0) == 0
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_struck_in_inference_keeps_its_words(capsys):
    def stopped():
        raise Interrupted("interrupted after 4 of 10", hint="--resume continues")

    assert exit_code_of(stopped) == 130
    assert "interrupted after 4 of 10" in capsys.readouterr().err


def test_handlers_are_put_back_and_a_second_signal_is_not_caught():
    seen = []

    def command():
        before = signal.getsignal(signal.SIGINT)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            seen.append((before, signal.getsignal(signal.SIGINT)))
            raise

    before = signal.getsignal(signal.SIGINT)
    assert exit_code_of(command) == 130
    assert seen[0][1] == signal.SIG_DFL
    assert signal.getsignal(signal.SIGINT) == before


@pytest.mark.parametrize("kilobytes", [100_000, 150_000, 200_000, 300_000, 450_000])
def test_too_little_memory_is_no_bug(kilobytes, matrix, tmp_path):
    done = shell(f"ulimit -v {kilobytes}; {COMMAND} render {matrix} -o out", cwd=tmp_path)
    assert done.returncode == 3, done.stderr
    assert "not enough memory" in done.stderr
    assert "errors.md#memory" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        ImportError("libx.so: failed to map segment from shared object"),
        OSError(12, "Cannot allocate memory"),
        RuntimeError("can't start new thread"),
    ],
)
def test_memory_that_ran_out_is_seen_however_it_is_told(error):
    assert is_out_of_memory(error)
    try:
        try:
            raise error
        except Exception as cause:
            raise ValueError("something else") from cause
    except ValueError as outer:
        assert is_out_of_memory(outer)
    assert not is_out_of_memory(ValueError("memory"))
    assert not is_out_of_memory(None)


def test_a_command_that_runs_out_of_memory_says_so(capsys):
    def greedy():
        raise MemoryError

    assert exit_code_of(greedy) == DataError.exit_code
    assert "#memory" in capsys.readouterr().err


@pytest.mark.parametrize("number", [28, 27, 24, 30])
def test_what_the_system_refuses_is_no_bug(number, capsys):
    def refused():
        raise OSError(number, os.strerror(number), "/tmp/x/cache.tmp")

    assert exit_code_of(refused) == OutputError.exit_code
    told = capsys.readouterr().err
    assert f'cannot open a file for "cache.tmp": {os.strerror(number).lower()}' in told
    assert "#system-refused" in told
    assert "/tmp/x" not in told


def test_a_bug_is_still_a_bug_where_its_traceback_can_not_be_kept(capsys, monkeypatch):
    def broken():
        raise ZeroDivisionError

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("tempfile.NamedTemporaryFile", full)
    assert exit_code_of(broken) == 70
    assert "--debug" in capsys.readouterr().err


@pytest.mark.parametrize("epoch", ["nonsense", "9" * 40])
def test_a_date_of_the_environment_that_is_none_is_refused(epoch, matrix, tmp_path):
    done = reportgen("render", matrix, "-o", tmp_path / "out", code=2,
                     env={"SOURCE_DATE_EPOCH": epoch})  # fmt: skip
    assert f'SOURCE_DATE_EPOCH "{epoch}" is not a number of seconds' in done.stderr
    assert "unset SOURCE_DATE_EPOCH" in done.stderr
    assert not (tmp_path / "out").exists()


def test_an_empty_date_of_the_environment_is_none(matrix, tmp_path):
    reportgen("render", matrix, "-o", tmp_path / "out", env={"SOURCE_DATE_EPOCH": ""})
    assert json.loads((tmp_path / "out/report.json").read_text())["provenance"]["date"] == ""


COMMANDS = {
    "::error::x": "\\x3a:error::x",
    "  ::stop-commands::x": "  \\x3a:stop-commands::x",
    "##[add-mask]x": "\\x23#[add-mask]x",
    'a "##vso[task.setvariable variable=x]y"': 'a "\\x23#vso[task.setvariable variable=x]y"',
    "a ##VSO[task.complete]": "a \\x23#VSO[task.complete]",
    "##teamcity[buildStop]": "\\x23#teamcity[buildStop]",
    "###[group]": "#\\x23#[group]",
    "one\n::error::two": "one\n\\x3a:error::two",
    "reportgen: x ::error::": "reportgen: x ::error::",
    "a::b ## [c]": "a::b ## [c]",
}


@pytest.mark.parametrize("line", COMMANDS)
def test_what_a_ci_system_acts_on_is_broken_up(line, capsys):
    assert inert(line) == COMMANDS[line]
    print_line(line)
    assert capsys.readouterr().out == COMMANDS[line] + "\n"
    assert inert(line).replace("\\x23", "#").replace("\\x3a", ":") == line


HOSTILE = (
    "##[add-mask]x",
    "##vso[task.setvariable variable=a]b",
    "##teamcity[buildStop]",
    "::x::y",
)
_ACTED_ON = re.compile(r"^\s*::|##\[|##vso\[|##teamcity\[", re.IGNORECASE | re.MULTILINE)


def test_class_names_are_inert_in_all_that_is_printed(tmp_path):
    matrix = tmp_path / "m.csv"
    rows = [[9, 1, 0, 0], [2, 8, 0, 0], [0, 1, 9, 0], [0, 0, 3, 7]]
    matrix.write_text(
        "\n".join([",".join(["", *HOSTILE])]
                  + [",".join([name, *map(str, row)])
                     for name, row in zip(HOSTILE, rows, strict=True)]) + "\n"
    )  # fmt: skip
    (tmp_path / "gates.toml").write_text(
        '[[gate]]\nname = "::error::a"\nmetric = "recall"\nclass = "##[add-mask]x"\nmin = 0.95\n'
    )
    words = ["render", matrix, "-o", tmp_path / "out"]
    printed = [reportgen(*words), reportgen(*words, code=5)]
    for text in (done.stdout + done.stderr for done in printed):
        assert not _ACTED_ON.search(text), text
    assert "\\x23#" in printed[0].stdout
    bad = tmp_path / "bad.csv"
    bad.write_text("id,label,prediction\n##[error]1,::a,##vso[b]c\n##[error]1,::a,\n")
    for done in (
        reportgen("render", bad, "-o", tmp_path / "bad", code=3),
        reportgen("render", matrix, "-o", tmp_path / "x", "--gates", tmp_path / "no##[x].toml",
                  code=2),
        reportgen("render", matrix, "-o", tmp_path / "x", "--kind", "##vso[a]", code=2),
        reportgen("##[command]", code=2),
        reportgen("history", "--baselines", tmp_path / "##[x]", code=2),
    ):  # fmt: skip
        assert not _ACTED_ON.search(done.stdout + done.stderr), done.stderr


def test_what_runs_tell_is_inert(capsys):
    from reportgen.console import ConsoleReporter

    reporter = ConsoleReporter(quiet=False)
    reporter.say("##[add-mask]x")
    reporter.warn("a\n::error::b")
    assert not _ACTED_ON.search(capsys.readouterr().err)


def test_the_installed_command_guards_its_own_imports():
    import tomllib

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert project["project"]["scripts"]["reportgen"] == "reportgen.__main__:main"
    loaded = "import sys, reportgen.__main__; sys.exit('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", loaded]).returncode == 0


@pytest.mark.parametrize("command", ["render", "compare"])
@pytest.mark.parametrize("date", ["garbage", "2026-13-01", "20th of May"])
def test_a_date_that_is_none_is_refused_before_any_work(command, date, matrix, tmp_path):
    inputs = [matrix] if command == "render" else [matrix, matrix]
    done = reportgen(command, *inputs, "-o", tmp_path / "out", "--date", date, code=2)
    assert f'--date "{date}" is not a date' in done.stderr
    assert not (tmp_path / "out").exists()


def test_several_candidates_are_refused_a_date_that_is_none(matrix, tmp_path):
    words = ["compare", matrix, matrix, matrix, "-o", tmp_path / "out"]
    assert "is not a date" in reportgen(*words, "--date", "garbage", code=2).stderr
    reportgen(*words, "--date", "2026-05-20")
    for place in (tmp_path / "out").glob("*/report.json"):
        assert json.loads(place.read_text())["provenance"]["date"] == "2026-05-20"


def test_the_first_line_of_a_listing_comes_within_a_second(monkeypatch, capsys):
    now = [100.0]
    from reportgen.console import ConsoleReporter

    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    reporter = ConsoleReporter(quiet=False)
    reporter.begin("listing the data", None, "files")
    told = []
    for seconds in (100.4, 100.6, 105.0, 106.0):
        now[0] = seconds
        reporter.advance(1000)
        told.append(capsys.readouterr().err)
    assert [bool(text) for text in told] == [False, True, False, True]
    assert told[1].startswith("reportgen: listing the data: 2,000")


def test_ctrl_c_in_code_that_a_library_runs_from_text_ends_with_130(tmp_path):
    """As dataclasses and named tuples are made, while libraries are imported."""
    act = "import os, signal, time; os.kill(os.getpid(), signal.SIGINT); time.sleep(9)"
    (tmp_path / "stopped.py").write_text(
        "import sys\nfrom reportgen.process import exit_code_of\n"
        f"sys.exit(exit_code_of(lambda: exec({act!r})))\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "stopped"], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 130
    assert "reportgen: error: interrupted" in done.stderr
