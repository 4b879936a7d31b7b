"""SIGKILL before every change that a command makes to files, and what the next command makes of it.

Each command is run in forked processes, and killed before its first, second, … change: a file that
is opened for writing, a rename, a removal, a new or removed folder. Afterwards its folder has the
old report or the new one, every byte of it, or no page beside another report's numbers; and the
next command, with the option that a refusal names, gives the new one and leaves no temporary file;
or it says that no parts are left to merge.
"""

from __future__ import annotations

import argparse
import io
import os
import re
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from contextlib import chdir
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

_CHANGES = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.link", "os.symlink"}
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT

MODEL = """
import torch
class Brightest(torch.nn.Module):
    def forward(self, x):
        return x.mean((2, 3)) * 20
def make():
    return Brightest()
"""
RUN = ["model.py:make", "data", "-o", "out", "--classes", "classes.txt", "--resize", "8x8",
       "--batch-size", "4", "--workers", "0", "-q"]  # fmt: skip
EXTRAS = ["--summary", "--mail", "--model-card", "--figures"]
UNFINISHED = "report.unfinished"


@dataclass(frozen=True)
class Case:
    """A command, and what stands in its folder before.

    Attributes
    ----------
    words
        The command.
    before
        Commands that make what stands there.
    """

    words: Sequence[str]
    before: Sequence[Sequence[str]] = ()


def cases() -> dict[str, Case]:
    render = ["render", "m.csv", "-o", "out", "-q", "--title"]
    several = ["compare", "m.csv", "n.csv", "o.csv", "-o", "out", "-q", "--title"]
    shard = ["predict", *RUN, "--shard"]
    return {
        "render, first": Case([*render, "new", *EXTRAS]),
        "render --force": Case([*render, "new", *EXTRAS, "--force"], [[*render, "old", *EXTRAS]]),
        "render --force, dir to file": Case(
            [*render, "new", "--force"], [[*render, "old", "--layout", "dir", *EXTRAS]]
        ),
        "render --force, file to dir": Case(
            [*render, "new", "--force", "--layout", "dir", *EXTRAS], [[*render, "old"]]
        ),
        "render --force --pdf": Case(
            [*render, "new", *EXTRAS, "--pdf", "--force"], [[*render, "old", "--pdf"]]
        ),
        "render with baseline and gates": Case(
            [*render, "new", "--baseline", "n.csv", "--fail-under", "accuracy=0.1", "--force"],
            [[*render, "old"]],
        ),
        "run, first": Case(["run", *RUN, "--title", "new"]),
        "run --force": Case(
            ["run", *RUN, "--title", "new", "--force", "--summary"],
            [["run", *RUN, "--title", "old", "--batch-size", "5"]],
        ),
        "compare --force": Case(
            ["compare", "m.csv", "n.csv", "-o", "out", "-q", "--title", "new", "--force"],
            [["compare", "m.csv", "o.csv", "-o", "out", "-q", "--title", "old"]],
        ),
        "compare --force, several": Case(
            [*several, "new", "--force"], [[*several, "old", "--layout", "dir"]]
        ),
        "predict": Case(["predict", *RUN]),
        "predict --shard": Case([*shard, "1/2"], [[*shard, "0/2"]]),
        "merge": Case(
            ["merge", "out", "-o", "out", "-q"], [[*shard, "0/2"], [*shard, "1/2"]]
        ),
        "merge --discard": Case(
            ["merge", "out", "-o", "out", "-q", "--discard"], [[*shard, "0/2"], [*shard, "1/2"]]
        ),
        "index, first": Case(
            ["index", "reports", "-o", "out", "-q"],
            [["render", "m.csv", "-o", "reports/a", "-q", "--date", "2026-01-01"],
             ["render", "n.csv", "-o", "reports/b", "-q", "--date", "2026-01-02"]],
        ),
        "index, again": Case(
            ["index", "reports", "-o", "out", "-q"],
            [["render", "m.csv", "-o", "reports/a", "-q", "--date", "2026-01-01"],
             ["index", "reports", "-o", "out", "-q"],
             ["render", "n.csv", "-o", "reports/b", "-q", "--date", "2026-01-02"]],
        ),
        "baseline save --force": Case(
            ["baseline", "save", "n.csv", "main", "--force", "--baselines", "out"],
            [["baseline", "save", "m.csv", "main", "--baselines", "out"]],
        ),
    }  # fmt: skip


def fill(folder: Path) -> None:
    """The inputs of all cases."""
    folder.mkdir()
    for name, cells in (("m", "5,1\nb,0,5"), ("n", "4,2\nb,1,4"), ("o", "6,0\nb,3,2")):
        (folder / f"{name}.csv").write_text(f",a,b\na,{cells}\n")
    (folder / "model.py").write_text(MODEL)
    (folder / "classes.txt").write_text("red\ngreen\nblue\n")
    draw = np.random.default_rng(0)
    for channel, name in enumerate(("red", "green", "blue")):
        (folder / "data" / name).mkdir(parents=True)
        for i in range(4):
            pixels = draw.integers(0, 120, (8, 8, 3), dtype=np.uint8)
            pixels[:, :, channel] += 60
            Image.fromarray(pixels).save(folder / "data" / name / f"{i}.png")


def in_child(folder: Path, words: Sequence[str], at: int = 0) -> tuple[int, str, list[str]]:
    """(exit code, what it said, its changes) of a command that is killed before change `at`."""
    told, counted = folder.parent / "told", folder.parent / "changes"
    counted.unlink(missing_ok=True)
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        return code, told.read_text(errors="replace"), (
            counted.read_text().splitlines() if counted.exists() else []
        )  # fmt: skip
    try:
        os.setpgid(0, 0)
        _run_counted(folder, words, at, told, counted)
    finally:
        os._exit(99)


def _run_counted(folder: Path, words: Sequence[str], at: int, told: Path, counted: Path) -> None:
    from reportgen.cli import command
    from reportgen.process import exit_code_of

    os.chdir(folder)
    said = os.open(told, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(said, 1)
    os.dup2(said, 2)
    sys.stdout = io.TextIOWrapper(io.FileIO(1, "w"), write_through=True)
    sys.stderr = io.TextIOWrapper(io.FileIO(2, "w"), write_through=True)
    changes: list[str] = []
    own = os.getpid()

    def watch(event: str, given: tuple[object, ...]) -> None:
        if os.getpid() != own or not _is_change(event, given, folder):
            return
        changes.append(f"{event} {given[0]}")
        if len(changes) == at:
            os.killpg(own, signal.SIGKILL)

    sys.addaudithook(watch)
    code = exit_code_of(partial(command, list(words)))
    at = -1  # what follows is ours
    counted.write_text("\n".join(changes))
    os._exit(code)


def _is_change(event: str, given: tuple[object, ...], folder: Path) -> bool:
    if event in _CHANGES:
        return True
    if event != "open" or not isinstance(given[0], (str, bytes)):
        return False
    flags = given[2]
    path = Path.cwd() / os.fsdecode(given[0])
    return isinstance(flags, int) and bool(flags & _WRITES) and path.is_relative_to(folder)


State = dict[str, bytes]


def state_of(folder: Path) -> State:
    """Name → content of every file; what is hidden is left out."""
    files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
    names = [path.relative_to(folder).as_posix() for path in files]
    return {
        name: path.read_bytes()
        for name, path in zip(names, files, strict=True)
        if "/." not in f"/{name}"
    }


def left_in(folder: Path) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in folder.rglob(".*")]


def kind_of(state: State, old: State, new: State) -> str:
    """What a folder has after a kill."""
    if state == old:
        return "old"
    if state == new:
        return "new"
    if any(UNFINISHED in name for name in state):
        return "between"
    mixed = {
        "old" if old.get(name) == content else "new" if new.get(name) == content else f"?{name}"
        for name, content in state.items()
        if old.get(name) != content or new.get(name) != content
    }
    return " and ".join(sorted(mixed))


def drive(name: str, case: Case, place: Path, every: int) -> list[str]:
    """The faults of a case."""
    ready, made, work = place / "ready", place / "made", place / "work"
    for folder in (ready, made, work):
        shutil.rmtree(folder, ignore_errors=True)
    fill(ready)
    for words in case.before:
        code, said, _ = in_child(ready, words)
        assert code == 0, said
    old = state_of(ready / "out")
    shutil.copytree(ready, made)
    code, said, changes = in_child(made, case.words)
    assert code == 0, said
    new = state_of(made / "out")
    faults, kinds = [], dict.fromkeys(("old", "between", "new"), 0)
    for at in range(1, len(changes) + 1, every):
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(ready, work)
        code, said, _ = in_child(work, case.words, at)
        where = f"{name}, killed before change {at} of {len(changes)} ({changes[at - 1]})"
        if code != -signal.SIGKILL:
            faults.append(f"{where}: it was not killed, but ended with {code}: {said}")
            continue
        kind = kind_of(state_of(work / "out"), old, new)
        kinds[kind] = kinds.get(kind, 0) + 1
        words = list(case.words)
        code, said, _ = in_child(work, words)
        if code == 5 and (option := re.search(r"--resume|--force", said)):
            words.append(option[0])
            code, said, _ = in_child(work, words)
        if kind == "new" and "there are no parts" in said:  # all parts are merged, and gone
            continue
        if code != 0:
            faults.append(f"{where}: {kind}; the next command ended with {code}: {said}")
            continue
        again = state_of(work / "out")
        if again != new:
            other = sorted(n for n in {*again, *new} if again.get(n) != new.get(n))
            faults.append(f"{where}: {kind}; the next command gives other files: {other}")
        if left := left_in(work):
            faults.append(f"{where}: {kind}; left over: {left}")
    print(f"{name}: {len(changes)} changes: {kinds}", flush=True)
    return faults


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="CASE", help=f"of {', '.join(cases())}")
    parser.add_argument("--every", type=int, default=1, help="kill at each n-th change alone")
    options = parser.parse_args()
    os.environ.update(OMP_NUM_THREADS="1", SOURCE_DATE_EPOCH="1767225600")
    with tempfile.TemporaryDirectory() as root:
        place = Path(root).resolve()
        os.environ["TMPDIR"] = str(place)
        tempfile.tempdir = str(place)
        _load_everything(place)
        faults = []
        for name, case in cases().items():
            if not options.names or name in options.names:
                faults += drive(name, case, place, options.every)
    for fault in faults:
        print(f"FAULT {fault}")
    sys.exit(bool(faults))


def _load_everything(place: Path) -> None:
    """Run one command in this process, so that those that are forked need not import."""
    from reportgen.cli import command

    fill(place / "warm")
    with chdir(place / "warm"):
        assert command(["run", *RUN, "--figures"]) == 0


if __name__ == "__main__":
    main()
