"""A report is replaced as one: killed at any move, a folder is old, new, or says so and is mended."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from functools import partial

import pytest

import reportgen
from reportgen import cli
from reportgen import output_folder as outputs
from reportgen.errors import OutputError
from reportgen.replacement import UNFINISHED, Changes, finish, is_unfinished, staged
from reportgen.review import Baselines
from tests.outputs import OF_COUNTS
from tests.stopped import in_child, in_fork, open_part, write_report
from tests.test_cli import reportgen as command

MATRIX = ",a,b\na,5,1\nb,0,5\n"


@pytest.fixture
def matrix(tmp_path):
    path = tmp_path / "m.csv"
    path.write_text(MATRIX)
    return path


def written(folder, title, layout, *, figures=False):
    """A command that writes a small report of that title."""
    return partial(write_report, folder, title, layout, figures)


def n_moves_of(act, folder, run=in_child):
    told = folder.parent / "moves"
    assert run(act, told=told) == 0
    return int(told.read_text())


def titles(folder):
    """What the page and the numbers say they are of; None where they are not there."""
    page = next((folder / n for n in ("report.html", "index.html") if (folder / n).exists()), None)
    return tuple(
        re.search(r"(?:<title>|\"title\")[^<]*\b(old|new|mended)\b", path.read_text())[1]
        if path is not None and path.exists()
        else None
        for path in (page, folder / "report.json")
    )


def whole(folder, title):
    """Whether all that stands in `folder` is of one report."""
    page, numbers = titles(folder)
    n_pages = sum((folder / name).exists() for name in ("report.html", "index.html"))
    drawn = folder / "figures/confusion-counts.svg"
    return (
        page == numbers == title
        and n_pages == 1
        and (folder / "index.html").exists() == (folder / "report_files/report.css").exists()
        and (not drawn.exists() or drawn.read_text() == title)
        and not (folder / UNFINISHED).exists()
    )


FORMS = [("file", "file"), ("dir", "dir"), ("dir", "file"), ("file", "dir")]


@pytest.mark.parametrize("figures", [False, True])
@pytest.mark.parametrize("layouts", FORMS, ids="-".join)
def test_killed_at_any_move_there_is_never_an_old_page_beside_new_numbers(
    layouts, figures, tmp_path
):
    kept, out = tmp_path / "kept", tmp_path / "out"
    written(kept, "old", layouts[0], figures=figures)()
    (kept / "mine.txt").write_text("foreign")
    shutil.copytree(kept, out)
    renew = written(out, "new", layouts[1], figures=figures)
    states = []
    for at in range(1, n_moves_of(renew, out) + 1):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        assert in_child(renew, at) == -signal.SIGKILL
        page, numbers = titles(out)
        if (out / UNFINISHED).exists():
            assert page is None or page == numbers
            assert "run any reportgen command" in (out / UNFINISHED / "README.txt").read_text()
            states.append("between")
        else:
            assert whole(out, page)
            states.append(page)
        outputs.finish_around(out / "report.json")
        assert whole(out, "old" if states[-1] == "old" else "new")
        assert (out / "mine.txt").read_text() == "foreign"
        outputs.remove_stale(out)
        assert not [path.name for path in out.rglob(".*")]
    order = ["old", "between", "new"]
    assert states == sorted(states, key=order.index)
    assert set(states) == set(order)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped_by_a_signal_at_any_move_a_report_is_old_or_new(number, tmp_path):
    kept, out = tmp_path / "kept", tmp_path / "out"
    written(kept, "old", "dir")()
    shutil.copytree(kept, out)
    renew, seen = written(out, "new", "dir", figures=True), set()
    for at in range(1, n_moves_of(renew, out) + 1):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        assert in_child(renew, at, number) == {signal.SIGINT: 130, signal.SIGTERM: 143}[number]
        seen.add(titles(out)[0])
        assert whole(out, titles(out)[0])
        outputs.remove_stale(out)
        assert not [path.name for path in out.rglob(".*")]
    assert seen == {"old", "new"}


@pytest.mark.parametrize("number", [28, 13])
def test_a_move_that_fails_leaves_the_old_report(number, tmp_path):
    kept, out = tmp_path / "kept", tmp_path / "out"
    written(kept, "old", "dir", figures=True)()
    shutil.copytree(kept, out)
    renew = written(out, "new", "dir", figures=True)
    for at in range(1, n_moves_of(renew, out) + 1):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        code = in_child(renew, at, number)
        assert whole(out, titles(out)[0]), at
        assert code == (5 if titles(out)[0] == "old" else 0), at


def test_a_first_report_is_absent_or_complete(tmp_path):
    out = tmp_path / "out"
    first = written(out, "new", "dir", figures=True)
    for at in range(1, n_moves_of(first, out) + 1):
        shutil.rmtree(out, ignore_errors=True)
        assert in_child(first, at) == -signal.SIGKILL
        if titles(out)[0] is not None:
            assert titles(out)[0] == titles(out)[1]
        if (out / UNFINISHED).exists():
            outputs.finish_around(out)
            assert whole(out, "new")


def test_the_command_itself_is_killed_at_some_moves(matrix, tmp_path):
    kept, out = tmp_path / "kept", tmp_path / "out"
    command("render", matrix, "-o", kept, "--title", "old", "--layout", "dir")
    words = ["render", str(matrix), "-o", str(out), "--title", "new", "--force", "--layout", "dir"]
    shutil.copytree(kept, out)
    renew, seen = partial(cli.command, words), set()
    n_moves = n_moves_of(renew, out, in_fork)
    for at in range(1, n_moves + 1, 4):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        assert in_fork(renew, at) == -signal.SIGKILL
        page, numbers = titles(out)
        assert page in (None, numbers)
        said = reportgen.load(out).provenance.title
        assert whole(out, said)
        seen.add(said)
    assert seen == {"old", "new"}


def test_a_full_disk_leaves_the_old_report(matrix, tmp_path):
    out = tmp_path / "out"
    command("render", matrix, "-o", out, "--title", "old")
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    line = (
        f"ulimit -f 100; {sys.executable} -m reportgen render {matrix} -o {out} --title new --force"
    )
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True)
    assert done.returncode == 5
    assert 'cannot write "report.html": file too large' in done.stderr
    assert "raise the limit of file sizes (ulimit -f)" in done.stderr
    assert "make room" not in done.stderr
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    done = subprocess.run(
        ["bash", "-c", line.replace(str(out), str(tmp_path / "first"))], capture_output=True
    )
    assert done.returncode == 5
    assert not (tmp_path / "first").exists()


def half_replaced(folder):
    """A folder whose replacement was stopped right after it was decided."""
    with staged(folder) as stage:
        for path in folder.glob("*.*"):
            if path.is_file() and not path.name.startswith("."):
                text = re.sub(r"\bold\b", "new", path.read_text())
                (stage.new / path.name).write_text(text)
        (stage.new.parent / "journal.json").write_text(
            json.dumps({"put": sorted(p.name for p in stage.new.iterdir()), "remove": []})
        )
        (stage.new.parent / "README.txt").write_text("")
        stage.new.parent.rename(folder / UNFINISHED)
    for name in ("report.html", "report.json"):
        (folder / UNFINISHED / "old").mkdir(exist_ok=True)
        (folder / name).rename(folder / UNFINISHED / "old" / name)


@pytest.fixture
def half(matrix, tmp_path):
    command("render", matrix, "-o", tmp_path / "half", "--title", "old")
    half_replaced(tmp_path / "half")
    assert is_unfinished(tmp_path / "half")
    return tmp_path / "half"


@pytest.mark.parametrize(
    "words",
    [
        ["check", "half", "--fail-under", "accuracy=0"],
        ["check", "half/report.json", "--fail-under", "accuracy=0"],
        ["render", "half/report.json", "-o", "b"],
        ["render", "m.csv", "-o", "b", "--baseline", "half"],
        ["compare", "half/report.json", "m.csv", "-o", "b"],
        ["baseline", "save", "half", "main"],
    ],
    ids=" ".join,
)
def test_whatever_reads_a_half_replaced_report_finishes_it(words, half, tmp_path):
    command(*words, cwd=tmp_path)
    assert titles(half) == ("new", "new")
    assert not (half / UNFINISHED).exists()


def test_a_new_report_is_refused_beside_one_that_was_half_replaced_and_is_finished(
    half, matrix, tmp_path
):
    done = command("render", matrix, "-o", half, code=5)
    assert "results exist in" in done.stderr
    assert titles(half) == ("new", "new")


def test_a_replacement_that_can_not_be_finished_says_so(half, matrix):
    (half / UNFINISHED / "journal.json").write_text("{")
    done = command("check", half, "--fail-under", "accuracy=0", code=5)
    assert (
        'the report in "half" is partly replaced, and the replacement can\'t be completed'
        in done.stderr
    )
    assert "errors.md#report-unfinished" in done.stderr
    # The hint, to the letter.
    (half / UNFINISHED).rename(half.parent / "away")
    command("render", matrix, "-o", half, "--title", "mended", "--force")
    assert titles(half) == ("mended", "mended")


@pytest.mark.parametrize("name", ["../mine", "/etc/passwd", "a/../../b", "c:\\x"])
def test_a_journal_that_names_another_place_is_not_followed(name, half):
    journal = half / UNFINISHED / "journal.json"
    journal.write_text(json.dumps({"put": [name], "remove": []}))
    with pytest.raises(OutputError) as caught:
        finish(half)
    assert caught.value.slug == "report-unfinished"


def test_several_candidates_are_replaced_as_one(matrix, tmp_path):
    other, kept, out = tmp_path / "n.csv", tmp_path / "kept", tmp_path / "out"
    other.write_text(MATRIX.replace("5,1", "4,2"))
    words = ["compare", str(matrix), str(matrix), str(other)]
    command(*words, "-o", kept, "--title", "old")
    shutil.copytree(kept, out)
    renew = partial(cli.command, [*words, "-o", str(out), "--title", "new", "--force"])
    n_moves, seen = n_moves_of(renew, out, in_fork), set()
    for at in range(n_moves, 0, -7):
        shutil.rmtree(out)
        shutil.copytree(kept, out)
        in_fork(renew, at)
        places = [out / "1-m", out / "2-n"]
        for page, numbers in map(titles, places):
            assert page in (None, numbers)
        (said,) = {reportgen.load(place).provenance.title for place in places}
        assert [titles(place) for place in places] == [(said, said)] * 2
        assert titles(out)[0] == said
        seen.add(said)
    assert seen == {"old", "new"}


def test_a_saved_baseline_is_replaced_as_one(matrix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "n.csv"
    other.write_text(MATRIX.replace("5,1", "4,2"))
    old, new = (
        partial(cli.command, ["baseline", "save", str(one), "main", "--force"])
        for one in (matrix, other)
    )
    store = Baselines()
    for at in range(1, n_moves_of(new, tmp_path / "x", in_fork) + 1):
        assert in_fork(old) == 0
        assert in_fork(new, at) == -signal.SIGKILL
        assert store.names() == ("main",)
        found = {path.name for path in store.find("main").iterdir() if path.name[0] != "."}
        assert found == {"report.json"}


def test_a_probe_that_a_killed_writer_of_a_part_left_is_removed_by_the_next(tmp_path):
    ready, left = partial(open_part, tmp_path / "shards"), []
    for at in range(1, n_moves_of(ready, tmp_path / "x") + 1):
        in_child(ready, at)
        left += [path.name for path in tmp_path.glob("shards/.*probe")]
        assert in_child(ready) == 0
        assert not list(tmp_path.glob("shards/.*probe"))
    assert len(left) == 1


def test_changes_name_places_below_a_folder():
    both = Changes(("a",), ("b",)).within("x") + Changes(("c",))
    assert both == Changes(("x/a", "c"), ("x/b",))


def test_a_replacement_under_way_is_waited_for(half, monkeypatch):
    from contextlib import contextmanager

    tries = []

    @contextmanager
    def busy(folder):
        tries.append(folder)
        if len(tries) < 3:
            raise OutputError("another run is writing", slug="output-busy")
        yield

    monkeypatch.setattr(outputs, "sole_writer", busy)
    monkeypatch.setattr(outputs, "_WAIT", 0)
    outputs.finish_replacement(half)
    assert len(tries) == 3
    assert titles(half) == ("new", "new")


def test_the_page_is_no_part_of_what_stays_hidden(matrix, tmp_path):
    command("render", matrix, "-o", tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == OF_COUNTS
    assert (tmp_path / "out/report.html").stat().st_mode & 0o777 == 0o666 & ~_umask()


def _umask():
    mask = os.umask(0)
    os.umask(mask)
    return mask
