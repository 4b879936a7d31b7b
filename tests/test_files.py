"""Files are whole or absent, and the output folder is checked before any work."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from reportgen import files
from reportgen import output_folder as outputs
from reportgen.api.folder import place_for
from reportgen.errors import OutputError, UsageError


def test_a_file_appears_whole(tmp_path):
    files.write_text(tmp_path / "a.txt", "é\n")
    assert (tmp_path / "a.txt").read_bytes() == "é\n".encode()
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")

    def full(self, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left") as caught:
        files.write_text(target, "new")
    assert caught.value.slug == "output-not-writable"
    assert caught.value.exit_code == 5
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_rename_leaves_the_old_file(tmp_path, monkeypatch):
    target = tmp_path / "a.txt"
    target.write_text("old")
    monkeypatch.setattr(Path, "replace", lambda *a: (_ for _ in ()).throw(OSError(5, "I/O error")))
    with pytest.raises(OutputError):
        files.write_text(target, "new")
    assert target.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]


def test_a_new_file_takes_the_rights_of_the_umask(tmp_path):
    before = os.umask(0o027)
    try:
        files.write_text(tmp_path / "a", "")
    finally:
        os.umask(before)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_link_at_the_output_is_replaced_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.write_text("mine")
    (tmp_path / "report.html").symlink_to(elsewhere)
    files.write_text(tmp_path / "report.html", "report")
    assert elsewhere.read_text() == "mine"
    assert not (tmp_path / "report.html").is_symlink()


def test_the_digest_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert files.sha256_of(tmp_path / "a").startswith("ba7816bf8f01cfea")


GUARDED = ("report.html",)


def test_an_output_inside_the_data_is_refused(tmp_path):
    (tmp_path / "data").mkdir()
    with pytest.raises(UsageError) as caught:
        outputs.prepare(tmp_path / "data/out", GUARDED, replace=False, data=tmp_path / "data")
    assert caught.value.slug == "output-in-data"
    assert not (tmp_path / "data/out").exists()


def test_an_output_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(OutputError) as caught:
        outputs.prepare(tmp_path / "out", GUARDED, replace=True, data=None)
    assert caught.value.slug == "output-is-file"


def test_results_are_replaced_only_when_asked(tmp_path):
    (tmp_path / "report.html").write_text("old")
    with pytest.raises(OutputError) as caught:
        outputs.prepare(tmp_path, GUARDED, replace=False, data=None)
    assert caught.value.slug == "output-exists"
    assert "--force" in str(caught.value)
    outputs.prepare(tmp_path, GUARDED, replace=True, data=None)
    assert (tmp_path / "report.html").read_text() == "old"


def test_foreign_files_in_the_output_are_no_obstacle_and_stay(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    outputs.prepare(tmp_path, GUARDED, replace=False, data=None)
    assert [p.name for p in tmp_path.iterdir()] == ["notes.txt"]


def test_an_unfinished_run_is_named_with_the_way_on(tmp_path):
    (tmp_path / "predictions.partial").mkdir()
    with pytest.raises(OutputError, match="--resume"):
        outputs.prepare(tmp_path, ("predictions.partial",), replace=False, data=None)


def test_temporary_files_of_dead_processes_go_and_those_of_living_ones_stay(tmp_path):
    dead = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    (tmp_path / f".reportgen-{dead}-abcd-report.html").touch()
    # A container's processes have the same number each time: one that holds the folder is alone.
    (tmp_path / f".reportgen-{os.getpid()}-abcd-report.html").touch()
    (tmp_path / f".reportgen-{os.getppid()}-abcd-report.html").touch()
    with place_for(tmp_path, GUARDED, replace=False, data=None):
        left = {path.name for path in tmp_path.iterdir()} - {".reportgen-lock"}
        assert left == {f".reportgen-{os.getppid()}-abcd-report.html"}


def test_a_folder_is_held_against_other_threads_too(tmp_path):
    with outputs.sole_writer(tmp_path):
        with pytest.raises(OutputError) as caught, outputs.sole_writer(tmp_path):
            pass
        assert caught.value.slug == "output-busy"
    with outputs.sole_writer(tmp_path):
        pass


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError):
        outputs.prepare(tmp_path / "out", GUARDED, replace=False, data=None)


def test_a_second_run_to_the_same_folder_is_refused(tmp_path):
    pytest.importorskip("fcntl")
    program = (
        "import sys; from pathlib import Path; from reportgen import errors, output_folder as outputs\n"
        "try:\n"
        "    with outputs.sole_writer(Path(sys.argv[1])): print('writing')\n"
        "except errors.OutputError as error: print(error.slug)"
    )

    def second():
        words = [sys.executable, "-c", program, str(tmp_path)]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()

    with outputs.sole_writer(tmp_path):
        assert second() == "output-busy"
    assert second() == "writing"
    assert list(tmp_path.iterdir()) == []


def test_a_killed_run_whose_workers_linger_does_not_hold_the_folder(tmp_path):
    pytest.importorskip("fcntl")
    program = (
        "import os, sys, time; from pathlib import Path; from reportgen import output_folder as outputs\n"
        "with outputs.sole_writer(Path(sys.argv[1])):\n"
        "    child = os.fork()\n"
        "    if child: print(child, flush=True)\n"
        "    time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    child = int(process.stdout.readline())
    process.kill()
    process.wait()
    try:
        with outputs.sole_writer(tmp_path):
            pass
    finally:
        os.kill(child, 9)
        process.stdout.close()
