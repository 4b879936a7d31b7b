"""The command line, as a stranger types it: outputs, exit codes, nothing half written."""

import contextlib
import io
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
import torch
from torch import nn

from tests.inference.builders import image_tree
from tests.outputs import OF_COUNTS
from tests.processes import started, wait_for


def reportgen(*words, cwd=None, env=None, code=0):
    """The command in a process of its own where it needs another environment, else in this one:
    importing torch costs seconds.
    """
    words = [str(word) for word in words]
    done = _in_process(words, cwd) if env is None else _own_process(words, cwd, env)
    assert done.returncode == code, (done.returncode, done.stdout, done.stderr)
    assert "Traceback" not in done.stdout + done.stderr
    for line in (done.stdout + done.stderr).splitlines():
        assert not line.startswith("::")
    return done


def _own_process(words, cwd, env):
    return subprocess.run(
        [sys.executable, "-m", "reportgen", *words],
        capture_output=True, text=True, cwd=cwd, env={**os.environ, **env}, timeout=300,
    )  # fmt: skip


def _in_process(words, cwd):
    from reportgen.cli import main

    out, err = io.StringIO(), io.StringIO()
    code = 0
    with (
        mock.patch.object(sys, "argv", ["reportgen", *words]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        contextlib.chdir(cwd or "."),
    ):
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """20 images in each of 3 class folders."""
    root = tmp_path_factory.mktemp("data") / "test images"
    image_tree(root, {"blue": 20, "green": 20, "red": 20})
    return root


class Brightest(nn.Module):
    def forward(self, x):
        return x.mean((2, 3)).flip(1) * 20 + torch.tensor([0.3, 0.2, 0.1])


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    """A program that answers blue, green, red by the brightest channel."""
    path = tmp_path_factory.mktemp("model") / "net.pt2"
    program = torch.export.export(
        Brightest().eval(), (torch.zeros(4, 3, 8, 8),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
    )  # fmt: skip
    torch.export.save(
        program, path, extra_files={"classes.json": json.dumps(["blue", "green", "red"])}
    )
    return path


@pytest.fixture(scope="module")
def finished(model, data, tmp_path_factory):
    out = tmp_path_factory.mktemp("finished") / "out"
    done = reportgen("run", model, data, "-o", out)
    return out, done


def test_the_command_is_installed(finished):
    assert "run" in reportgen("--help", env={}).stdout


def test_run_ends_with_the_result(finished):
    out, done = finished
    lines = done.stdout.splitlines()
    assert re.fullmatch(r"accuracy: .*% \(95% CI .*\) of 60 samples", lines[0])
    assert any(line.startswith("lowest recall: ") for line in lines) or "100%" in lines[0]
    assert lines[-1] == f"report: {out / 'report.html'}"
    assert "output type: logits" in done.stderr
    assert {path.name for path in out.iterdir()} == OF_COUNTS | {
        "errors.csv",
        "predictions.parquet",
    }


def test_no_path_of_the_machine_is_in_an_output(finished, data, model):
    out, _ = finished
    for path in out.iterdir():
        content = path.read_bytes()
        for secret in (data.parent, model.parent, out, Path.home(), Path.cwd()):
            if str(secret) != "/":
                assert str(secret).encode() not in content, (path.name, secret)


def test_render_makes_the_same_report_without_torch(finished, data, tmp_path):
    out, _ = finished
    program = (
        "import sys\n"
        "class Block:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        "        if name.split('.')[0] in ('torch', 'torchvision', 'safetensors'):\n"
        "            raise ModuleNotFoundError(f'{name} is blocked', name=name)\n"
        "sys.meta_path.insert(0, Block())\n"
        "from reportgen.cli import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "render", str(out / "predictions.parquet"),
         "--images", str(data), "-o", str(tmp_path / "again")],
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for name in (*OF_COUNTS, "errors.csv"):
        assert (out / name).read_bytes() == (tmp_path / "again" / name).read_bytes(), name


def test_the_command_in_the_report_repeats_it(finished, data, model, tmp_path):
    out, _ = finished
    command = json.loads((out / "report.json").read_text())["provenance"]["command"]
    assert command == "reportgen run net.pt2 'test images' -o OUT"


def test_the_same_run_gives_the_same_bytes_whatever_the_workers(finished, model, data, tmp_path):
    out, _ = finished
    reportgen("run", model, data, "-o", tmp_path / "b", "--workers", 2, "--quiet",
              env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "LC_ALL": "C"})  # fmt: skip
    for path in out.iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes(), path.name


def test_quiet_prints_the_result_alone(model, data, tmp_path):
    done = reportgen("run", model, data, "-o", tmp_path / "o", "--quiet")
    assert done.stderr == ""
    assert "report: " in done.stdout


def test_predict_writes_one_file(model, data, tmp_path):
    done = reportgen("predict", model, data, "-o", tmp_path / "p.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["p.parquet"]
    assert done.stdout.splitlines()[-1] == f"file: {tmp_path / 'p.parquet'}"


def test_predict_writes_into_a_folder_where_no_parquet_file_is_named(model, data, tmp_path):
    done = reportgen("predict", model, data, "-o", tmp_path / "p1")
    assert [path.name for path in (tmp_path / "p1").iterdir()] == ["predictions.parquet"]
    assert done.stdout.splitlines()[-1] == f"file: {tmp_path / 'p1' / 'predictions.parquet'}"
    (tmp_path / "taken").write_text("x")
    refused = reportgen("predict", model, data, "-o", tmp_path / "taken", code=5)
    assert "errors.md#output-is-file" in refused.stderr
    assert (tmp_path / "taken").read_text() == "x"


def test_a_matrix_is_rendered(tmp_path):
    (tmp_path / "m.csv").write_text("x,NA,007\nNA,5,1\n007,2,7\n")
    reportgen("render", tmp_path / "m.csv", "-o", tmp_path / "o")
    value = json.loads((tmp_path / "o/report.json").read_text())
    assert value["classes"] == ["NA", "007"]
    assert value["confusion_matrix"]["counts"] == [[5, 1], [2, 7]]


def tables(folder):
    """The same eight predictions in every format."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = ["cat"] * 4 + ["NA"] * 4
    predictions = ["cat", "cat", "NA", "cat", "NA", "NA", "cat", "NA"]
    confidence = [0.9, 0.8, 0.7, 0.6, 0.9, 0.8, 0.7, 0.6]
    ids = [f"{name}/{i}.png" for i, name in enumerate(labels)]
    rows = list(zip(ids, labels, predictions, confidence, strict=True))
    header = ["id", "label", "prediction", "confidence"]
    for name, mark in (("t.csv", ","), ("t.tsv", "\t")):
        lines = [mark.join(map(str, row)) for row in [header, *rows]]
        (folder / name).write_text("\n".join(lines) + "\n")
    (folder / "t.jsonl").write_text(
        "".join(json.dumps(dict(zip(header, row, strict=True))) + "\n" for row in rows)
    )
    pq.write_table(
        pa.table(dict(zip(header, zip(*rows, strict=True), strict=True))), folder / "t.parquet"
    )
    np.savez(folder / "t.npz", label=labels, prediction=predictions, confidence=confidence)
    return [folder / f"t.{ending}" for ending in ("csv", "tsv", "jsonl", "parquet", "npz")]


def test_predictions_of_any_format_give_the_same_numbers(tmp_path):
    for path in tables(tmp_path):
        reportgen("render", path, "-o", tmp_path / path.suffix)
        value = json.loads((tmp_path / path.suffix / "report.json").read_text())
        assert value["classes"] == ["NA", "cat"]
        assert value["confusion_matrix"]["counts"] == [[3, 1], [1, 3]]
        assert value["summary"]["ece"]["value"] == pytest.approx(
            0.35
        )  # (0.1 + 0.2 + 0.7 + 0.4) / 4
        assert not list((tmp_path / path.suffix).glob(".reportgen*"))


def test_columns_can_be_named(tmp_path):
    (tmp_path / "x.csv").write_text("who,truth,guess\n1,a,b\n2,b,b\n")
    reportgen("render", tmp_path / "x.csv", "-o", tmp_path / "o", "--label-column", "truth",
              "--prediction-column", "guess", "--id-column", "who")  # fmt: skip
    value = json.loads((tmp_path / "o/report.json").read_text())
    assert value["confusion_matrix"]["counts"] == [[0, 1], [0, 1]]


def test_a_saved_evaluation_is_rendered_again(finished, tmp_path):
    out, _ = finished
    reportgen("render", out / "report.json", "-o", tmp_path / "o")
    assert (tmp_path / "o/report.json").read_bytes() == (out / "report.json").read_bytes()


def test_our_own_confusion_csv_comes_back(finished, tmp_path):
    out, _ = finished
    reportgen("render", out / "confusion.csv", "-o", tmp_path / "o")
    a, b = (json.loads((p / "report.json").read_text()) for p in (out, tmp_path / "o"))
    assert a["confusion_matrix"] == b["confusion_matrix"]


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (["run", "none.pt2", "{data}", "-o", "{out}"], 4, "none.pt2"),
        (["run", "{model}", "none", "-o", "{out}"], 3, "none"),
        (["run", "{model}", "http://x/y", "-o", "{out}"], 2, "only local"),
        (["run", "{model}", "{data}", "-o", "{data}/out"], 2, "inside the data"),
        (["run", "{model}", "{data}", "-o", "{model}"], 5, "is a file"),
        (["run", "{model}", "{data}", "-o", "{out}", "--device", "gpu"], 2, "--device"),
        (["run", "{model}", "{data}", "-o", "{out}", "--batch-size", "0"], 2, "--batch-size"),
        (["run", "{model}", "{data}", "-o", "{out}", "--max-bad", "-1"], 2, "--max-bad"),
        (["run", "{model}", "{data}", "-o", "{out}", "--date", "1.2.26"], 2, "--date"),
        (["run", "{model}", "{data}", "-o", "{out}", "--force", "--resume"], 2, "--resume"),
        (["run", "{model}", "{data}", "-o", "{out}", "--grayscale"], 4, "1×8×8"),
        (["run", "{model}", "{data}", "-o", "{out}", "--resize", "9x9"], 4, "#input-shape"),
        (["run", "{model}", "{data}", "-o", "{out}", "--device", "mps"], 2, "#device-absent"),
        (["run", "{model}", "{data}", "-o", "{out}", "--resize", "9x9"], 4, "--resize 8x8"),
        (["run", "{model}", "{data}", "-o", "{out}", "--weights", "x.pt"], 2, "--weights"),
        (["run", "{model}", "{data}", "-o", "{out}", "--outputs", "probabilities"], 4, "--outputs"),
        (["run", "{model}", "{data}"], 2, "--out"),
        (["nonsense"], 2, "nonsense"),
        (["render", "none.parquet", "-o", "{out}"], 3, "none.parquet"),
        (["render", "{model}", "-o", "{out}"], 3, "net.pt2"),
        (["render", "none.csv", "-o", "{out}"], 3, "none.csv"),
        (["render", "{text}", "-o", "{out}"], 3, "#input-kind"),
        (["render", "{matrix}", "-o", "{out}", "--normalised", "--normalised-over", "true", "--ci", "exact"], 2, "#matrix-shares"),
        (["render", "{matrix}", "-o", "{out}", "--images", "nowhere"], 2, "#images-missing"),
        (["render", "{data}", "-o", "{out}", "--kind", "matrix"], 3, "#input-kind"),
        (["render", "{matrix}", "-o", "{out}", "--kind", "x"], 2, "--kind"),
        (["render", "{matrix}", "-o", "{out}", "--rows", "x"], 2, "--rows"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_before_anything_is_written(
    model, data, tmp_path, words, code, text
):
    (tmp_path / "text.doc").write_text("id,label,prediction\na,b,c\n")
    (tmp_path / "matrix.csv").write_text(",a,b\na,1,0\nb,0,1\n")
    places = {"model": model, "data": data, "out": tmp_path / "out",
              "text": tmp_path / "text.doc", "matrix": tmp_path / "matrix.csv"}  # fmt: skip
    done = reportgen(*(word.format(**places) for word in words), code=code, cwd=tmp_path)
    assert text in done.stderr
    assert not (tmp_path / "out/report.html").exists()
    assert not (tmp_path / "out/predictions.parquet").exists()


def broken_tree(root):
    image_tree(root, {"blue": 6, "green": 6, "red": 6})
    (root / "blue/zz.png").write_bytes(b"")
    (root / "red/zz.jpg").write_text("<html><body>not found</body></html>")
    return root


def test_bad_images_cost_the_report_but_not_the_predictions(model, tmp_path):
    data, out = broken_tree(tmp_path / "data"), tmp_path / "out"
    done = reportgen("run", model, data, "-o", out, code=3)
    assert "--max-bad is 0" in done.stderr
    assert "#too-many-bad" in done.stderr
    assert "--resume --max-bad 2" in done.stderr
    assert {path.name for path in out.iterdir()} == {"predictions.parquet", "bad.csv"}
    assert (out / "bad.csv").read_text().splitlines()[0] == "id,reason"
    assert len((out / "bad.csv").read_text().splitlines()) == 3
    reportgen("run", model, data, "-o", out, "--resume", "--max-bad", 2)
    value = json.loads((out / "report.json").read_text())
    assert value["samples"]["found"] == 20
    assert value["samples"]["excluded"] == {"unreadable": 2}
    assert value["n_samples"] == 18
    straight = tmp_path / "straight"
    reportgen("run", model, data, "-o", straight, "--max-bad", 2)
    for path in out.iterdir():
        assert path.read_bytes() == (straight / path.name).read_bytes(), path.name


def test_images_of_classes_that_the_model_does_not_know_can_be_left_out(model, tmp_path):
    data = image_tree(tmp_path / "data", {"blue": 4, "green": 4, "pink": 3, "red": 4})
    (data / "pink/broken.png").symlink_to("nowhere")
    (data / "pink/large.png").write_bytes(
        (image_tree(tmp_path / "x", {"a": 1}, (9, 9)) / "a/000.png").read_bytes()
    )
    done = reportgen("run", model, data, "-o", tmp_path / "out", code=3)
    assert '"pink"' in done.stderr
    assert "--ignore-unknown-classes" in done.stderr
    reportgen("run", model, data, "-o", tmp_path / "out", "--ignore-unknown-classes")
    samples = json.loads((tmp_path / "out/report.json").read_text())["samples"]
    assert samples["found"] == 17
    assert samples["counted"] == 12
    assert samples["excluded"] == {"of classes that the model does not know": 5}


def test_a_folder_of_unknown_classes_alone_is_refused(model, tmp_path):
    data = image_tree(tmp_path / "data", {"pink": 3})
    done = reportgen("run", model, data, "-o", tmp_path / "out", "--ignore-unknown-classes", code=3)
    assert "nothing to evaluate" in done.stderr


def test_images_of_many_sizes_need_a_resize_that_makes_them_equal(model, tmp_path):
    data = image_tree(tmp_path / "data", {"blue": 2, "green": 2}, (16, 20))
    image_tree(data / "red", {"a": 2}, (32, 40))
    done = reportgen("run", model, data, "-o", tmp_path / "out", code=4)
    assert "cannot be stacked" in done.stderr
    reportgen("run", model, data, "-o", tmp_path / "out", "--resize", "8", "--crop", "8")


SLOW = """
import os, time, torch
class Slow(torch.nn.Module):
    def forward(self, x):
        time.sleep(float(os.environ.get("PAUSE", 0)))
        return x.mean((2, 3)).flip(1) * 20
def make():
    return Slow()
"""


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory):
    """The words of a run that takes a while if PAUSE says so, and what it writes if nothing stops it."""
    root = tmp_path_factory.mktemp("unbroken")
    image_tree(root / "data", {"blue": 40, "green": 40, "red": 40})
    (root / "slow.py").write_text(SLOW)
    (root / "names.txt").write_text("blue\ngreen\nred\n")
    words = ["run", f"{root}/slow.py:make", root / "data", "--classes", root / "names.txt",
             "--batch-size", "8", "--workers", "1"]  # fmt: skip
    reportgen(*words, "-o", root / "out")
    return words, {path.name: path.read_bytes() for path in (root / "out").iterdir()}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)]
)
def test_a_run_that_is_stopped_goes_on_with_the_same_bytes(unbroken, tmp_path, number, code):
    words, expected = unbroken
    starter = (
        "import reportgen.inference.loop as loop; loop.PART_ROWS = 8\n"
        "from reportgen.cli import main; main()"
    )
    out = tmp_path / "stopped"
    command = [sys.executable, "-c", starter, *words, "-o", out]
    with started(command, env={**os.environ, "PAUSE": "0.15"}) as process:
        wait_for(lambda: len(list(out.glob("predictions.partial/*.parquet"))) >= 5, process)
        process.send_signal(number)
        stderr = process.communicate(timeout=60)[1]
    assert process.returncode == code, stderr
    assert "Traceback" not in stderr
    if code > 0:
        assert re.search(r"(interrupted|terminated) after \d+ of 120", stderr)
        assert "--resume" in stderr
        assert "#interrupted" in stderr
    assert {path.name for path in out.iterdir()} - {".reportgen-lock"} == {"predictions.partial"}
    reportgen(*words, "-o", out, code=5)
    reportgen(*words, "-o", out, "--resume")
    assert {path.name for path in out.iterdir()} == set(expected)
    for name, content in expected.items():
        assert (out / name).read_bytes() == content, name


def test_a_run_with_other_settings_is_not_resumed(model, tmp_path):
    data, out = broken_tree(tmp_path / "data"), tmp_path / "out"
    reportgen("run", model, data, "-o", out, code=3)
    done = reportgen("run", model, data, "-o", out, "--resume", "--batch-size", 32, code=2)
    assert "batch size" in done.stderr
    (data / "blue/zz.png").write_bytes(b"other")
    done = reportgen("run", model, data, "-o", out, "--resume", code=2)
    assert "another data" in done.stderr
    (data / "blue/zz.png").unlink()
    done = reportgen("run", model, data, "-o", out, "--resume", code=2)
    assert "another list of samples" in done.stderr


def test_a_closed_pipe_is_quiet():
    done = subprocess.run(
        f"{sys.executable} -m reportgen --help | head -n 1", shell=True, capture_output=True,
        text=True,
    )  # fmt: skip
    assert done.stderr == ""


def test_names_in_messages_are_harmless(model, tmp_path):
    image_tree(tmp_path / "data", {"blue": 2, "::error::\x1b[31m\nx": 2})
    done = reportgen("run", model, tmp_path / "data", "-o", tmp_path / "out", code=3)
    assert "\\x1b[31m\\nx" in done.stderr
    assert "\x1b" not in done.stderr


def test_a_terminal_that_speaks_ascii_gets_escapes(model, tmp_path):
    image_tree(tmp_path / "data", {"blue": 2, "rögröd": 2})
    done = reportgen("run", model, tmp_path / "data", "-o", tmp_path / "out", code=3,
                     env={"PYTHONIOENCODING": "ascii"})  # fmt: skip
    assert "r\\xf6gr\\xf6d" in done.stderr


def test_a_bug_is_told_as_a_bug(tmp_path):
    program = (
        "from reportgen.api import rendering\n"
        "def broken(*a, **k): raise ZeroDivisionError\n"
        "rendering.render_review = broken\nfrom reportgen.cli import main\nmain()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "render", "x.csv", "-o", str(tmp_path)],
        capture_output=True, text=True, env={**os.environ, "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 70
    assert "internal error" in done.stderr
    assert "Traceback" not in done.stderr
    (trace,) = tmp_path.glob("reportgen-error-*.txt")
    assert "ZeroDivisionError" in trace.read_text()


@pytest.mark.parametrize(
    ("command", "headings"),
    [
        ("run", ["Arguments", "Options", "Model", "Data", "Preprocessing", "Labels and titles"]),
        ("render", ["Arguments", "Options", "Input format", "Columns of a predictions table"]),
        ("compare", ["Arguments", "Options", "Baseline comparison", "Release gates", "Page"]),
        ("check", ["Arguments", "Options", "Input format"]),
    ],
)
def test_help_groups_options_under_their_headings(command, headings):
    lines = reportgen(command, "--help").stdout.splitlines()
    found = [line.removesuffix(":") for line in lines if line[:1].isalpha() and line[-1] == ":"]
    assert found[:2] == headings[:2]
    assert set(headings) <= set(found)
    assert len(found) == len(set(found))


def test_versions_and_help():
    assert reportgen("--version").stdout.startswith("reportgen 0.")
    assert "torch" in reportgen("versions").stdout
    for command in ("run", "predict", "render", "demo", "schema", "versions"):
        assert command in reportgen("--help").stdout


def test_an_image_that_is_gone_is_shown_as_a_name(finished, tmp_path):
    out, _ = finished
    (tmp_path / "empty").mkdir()
    reportgen("render", out / "predictions.parquet", "--images", tmp_path / "empty",
              "-o", tmp_path / "o")  # fmt: skip
    assert (tmp_path / "o/report.html").stat().st_size > 10_000


def test_render_takes_the_options_of_the_figures(tmp_path):
    rows = ["label,prediction,patient", *(f"{a},{b},p{i // 4}" for i, (a, b) in enumerate([
        ("low", "low"), ("mid", "high"), ("high", "high"), ("mid", "mid")] * 25))]  # fmt: skip
    (tmp_path / "p.csv").write_text("\n".join(rows) + "\n")
    (tmp_path / "groups.csv").write_text("class,group\nlow,a\nmid,b\nhigh,b\n")
    reportgen("render", "p.csv", "-o", "o", "--ci", "bootstrap", "--macro", "all", "--ordinal",
              "--seed", "3", "--group-column", "patient", "--hierarchy", "groups.csv",
              cwd=tmp_path)  # fmt: skip
    saved = json.loads((tmp_path / "o/report.json").read_text())
    assert [saved[key] for key in ("intervals", "macro", "seed")] == ["bootstrap", "all", 3]
    assert saved["sample_groups"]["n_groups"] == 25
    assert saved["hierarchy"]["groups"][0] == {"name": "a", "classes": ["low"]}
    assert "kappa_quadratic" in saved["summary"]
    command = saved["provenance"]["command"]
    assert command == (
        "reportgen render p.csv -o OUT --ci bootstrap --macro all --ordinal --seed 3 "
        "--group-column patient --hierarchy groups.csv"
    )
    done = reportgen("render", "p.csv", "-o", "x", "--ci", "wald", cwd=tmp_path, code=2)
    assert "--ci" in done.stderr
