"""Release reviews as a stranger types them: what is printed, written, refused, and the exit code."""

import getpass
import html
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pandas as pd
import pytest
from PIL import Image

import reportgen
from reportgen.errors import DataError, OutputError, UsageError
from reportgen.predictions import Predictions
from reportgen.rendering.privacy import hash_ids
from reportgen.review import Review
from tests.inference.builders import image_tree
from tests.outputs import OF_COUNTS
from tests.review import samples
from tests.review.samples import BASELINE, CANDIDATE
from tests.test_cli import data, model  # noqa: F401  # fixtures
from tests.test_cli import reportgen as command

KEPT = 'metric = "accuracy"\nat_least = 0.8\n\nmetric = "recall"\neach_class = true\nno_harm = true'
BROKEN = 'metric = "accuracy"\nat_least = "90%"\n\nmetric = "macro_f1"\nat_least = 0.5'
OPEN = 'metric = "accuracy"\nnot_worse_by = 0.02'


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Both models as tables and matrices, and files of gates."""
    root = tmp_path_factory.mktemp("inputs")
    for name, predictions in (("old", BASELINE), ("new", CANDIDATE)):
        samples.write_csv(root / f"{name}.csv", predictions)
        samples.write_matrix(root / f"{name}-matrix.csv", predictions)
    for name, text in (("kept", KEPT), ("broken", BROKEN), ("open", OPEN)):
        samples.write_gates(root / f"{name}.toml", text)
    return root


@pytest.fixture(scope="module")
def finished(inputs):
    out = inputs / "finished"
    done = command(
        "compare", inputs / "old.csv", inputs / "new.csv", "-o", out,
        "--gates", inputs / "broken.toml", code=1,
    )  # fmt: skip
    return out, done


def said(folder):
    return json.loads((folder / "report.json").read_text())


def contents(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_compare_prints_the_change_and_the_verdict_and_the_path_last(finished):
    out, done = finished
    baseline, candidate, *lines = done.stdout.splitlines()
    how = (
        'read as 30 samples: label "label", prediction "prediction", confidence "confidence", '
        'id "id"'
    )
    assert (baseline, candidate) == (f"baseline {how}", how)
    assert lines[0].startswith("accuracy: 86.7% (95% CI")
    assert lines[3] == (
        "vs baseline: accuracy +6.7 pp (95% CI −8.7 to +23.1), not significant; fixed 3, "
        "regressed 1"
    )
    assert lines[4] == "regressed classes (recall, pp): none"
    assert lines[5] == (
        "verdict: DO NOT SHIP. 1 of 2 gates failed: accuracy is 86.7% (required ≥ 90%)."
    )
    assert lines[6] == "FAIL gate 1"  # the verdict has said why
    assert lines[7] == "gates: 1/2 passed"
    assert lines[8:] == [f"report: {out / 'report.html'}"]


def test_every_output_is_written_where_a_gate_fails(finished):
    out, _ = finished
    assert {path.name for path in out.iterdir()} == OF_COUNTS | {"errors.csv", "junit.xml"}
    assert said(out)["verdict"] == "DO NOT SHIP"
    assert [check["status"] for check in said(out)["checks"]] == ["failed", "passed"]
    suite = ET.parse(out / "junit.xml").getroot()[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    page = html.unescape((out / "report.html").read_text())
    assert "DO NOT SHIP" in page


@pytest.mark.parametrize(
    ("words", "code", "verdict"),
    [
        (("--gates", "kept.toml"), 0, "SHIP"),
        (("--gates", "open.toml"), 1, "INCONCLUSIVE"),
        (("--gates", "broken.toml", "--exit-zero"), 0, "DO NOT SHIP"),
        (("--fail-under", "accuracy=0.9"), 1, "DO NOT SHIP"),
        (("--fail-under", "accuracy=86%", "--fail-under", "macro_f1=0.5"), 0, "SHIP"),
        ((), 0, "NO GATES SET"),
    ],
)
def test_the_exit_code_is_1_where_a_gate_blocks(inputs, tmp_path, words, code, verdict):
    sides = ("compare", "old.csv", "new.csv", "-o", tmp_path / "out", "-q")
    done = command(*sides, *words, cwd=inputs, code=code)
    assert said(tmp_path / "out")["verdict"] == verdict
    assert ("verdict: " in done.stdout) == bool(words)
    assert (tmp_path / "out/junit.xml").exists() == bool(words)


def test_a_report_is_replaced_only_when_asked_and_junit_goes_with_its_gates(inputs, tmp_path):
    words = ("compare", inputs / "old.csv", inputs / "new.csv", "-o", tmp_path / "out")
    command(*words, "--gates", inputs / "kept.toml")
    before = contents(tmp_path / "out")
    assert "docs/errors.md#output-exists" in command(*words, code=5).stderr
    assert contents(tmp_path / "out") == before
    command(*words, "--force")
    assert set(contents(tmp_path / "out")) == OF_COUNTS | {"errors.csv"}
    command(*words, "--force", "--gates", inputs / "kept.toml")
    assert contents(tmp_path / "out") == before


def test_matrices_are_compared_without_samples(inputs, tmp_path):
    done = command(
        "compare", inputs / "old-matrix.csv", inputs / "new-matrix.csv", "-o", tmp_path / "out",
        "--gates", inputs / "kept.toml",
    )  # fmt: skip
    assert "; unpaired\n" in done.stdout
    assert said(tmp_path / "out")["comparison"]["unpaired_reason"] == "matrix"


def test_identical_models_say_so(inputs, tmp_path):
    done = command(
        "compare", inputs / "old.csv", inputs / "old.csv", "-o", tmp_path / "out",
        "--gates", inputs / "kept.toml",
    )  # fmt: skip
    assert "vs baseline: identical predictions\n" in done.stdout
    page = html.unescape((tmp_path / "out/report.html").read_text())
    assert "Predictions are identical:" in page
    comparison = said(tmp_path / "out")["comparison"]
    assert comparison["summary"]["accuracy"]["p"] == 1
    assert {row["tendency"] for row in comparison["per_class"]} == {"no clear change"}


def test_what_is_left_out_is_warned_of(inputs, tmp_path):
    fewer = samples.write_csv(tmp_path / "fewer.csv", CANDIDATE, rows=slice(4, None))
    words = ("compare", inputs / "old.csv", fewer, "-o", tmp_path / "out")
    refused = command(*words, code=3)
    assert "cat/00.png, dog/01.png, fox/02.png, cat/03.png" in refused.stderr
    assert not (tmp_path / "out").exists()
    done = command(*words, "--allow-partial")
    assert "warning: Only the 26 samples that both have are compared" in done.stdout
    assert said(tmp_path / "out")["n_samples"] == 26


def test_the_three_ways_to_a_comparison_write_the_same(inputs, tmp_path):
    sides = (inputs / "old.csv", inputs / "new.csv")
    command("compare", *sides, "-o", tmp_path / "a")
    command("render", sides[1], "--baseline", sides[0], "-o", tmp_path / "b")
    reportgen.compare(*sides, out=tmp_path / "c")
    assert contents(tmp_path / "a") == contents(tmp_path / "b") == contents(tmp_path / "c")


def test_a_saved_comparison_is_rendered_again_with_all_that_it_says(finished, inputs, tmp_path):
    out, _ = finished
    done = command("render", out, "-o", tmp_path / "again", code=1)
    made, again = contents(out), contents(tmp_path / "again")
    assert made.pop("errors.csv")  # it lists samples, as the page does; report.json has none
    assert made.pop("report.html") != again.pop("report.html")
    assert again == made
    assert "vs baseline: " in done.stdout
    other = command(
        "render", out / "report.json", "-o", tmp_path / "b", "--gates", inputs / "open.toml", code=1
    )
    assert "verdict: INCONCLUSIVE" in other.stdout
    assert said(tmp_path / "b")["comparison"] == said(out)["comparison"]


# several candidates


@pytest.fixture(scope="module")
def several(inputs):
    out = inputs / "several"
    done = command(
        "compare", inputs / "old.csv", inputs / "new.csv", inputs / "new-matrix.csv",
        inputs / "old.csv", "-o", out, "--fail-under", "accuracy=0.85", "--layout", "dir", code=1,
    )  # fmt: skip
    return out, done


def test_several_candidates_have_a_report_each_and_a_page_of_all(several):
    out, done = several
    folders = ["1-new", "2-new-matrix", "3-old"]
    assert sorted(path.name for path in out.iterdir()) == [
        *folders,
        "index.html",
        "junit.xml",
        "report_files",
    ]
    verdicts = [said(out / name)["verdict"] for name in folders]
    assert verdicts == ["SHIP", "SHIP", "DO NOT SHIP"]
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.startswith("candidate ")] == [
        f"candidate {i} of 3: {name}" for i, name in enumerate(folders, 1)
    ]
    assert lines[-1] == f"all candidates: {out / 'index.html'}"


def test_the_outcome_of_all_candidates_stands_in_one_junit_file(several):
    out, _ = several
    root = ET.parse(out / "junit.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("3", "1")
    assert len({suite.get("name") for suite in root}) == 3
    for suite, folder in zip(root, ["1-new", "2-new-matrix", "3-old"], strict=True):
        (own,) = ET.parse(out / folder / "junit.xml").getroot()
        cases = [
            (case.get("name"), [part.attrib for part in case]) for case in suite.iter("testcase")
        ]
        assert cases == [
            (case.get("name"), [part.attrib for part in case]) for case in own.iter("testcase")
        ]
        assert {case.get("classname") for case in suite.iter("testcase")} == {
            f"reportgen.gates.{folder}"
        }
        assert suite.find("properties/property").get("value") == said(out / folder)["verdict"]


@pytest.mark.parametrize("words", [("check",), ("render", "-o", "x")])
def test_the_folder_of_several_candidates_is_no_report_but_names_them(several, words):
    """slug several-reports"""
    out, _ = several
    command_words = [words[0], out, *words[1:], "--fail-under", "accuracy=0.5"]
    done = command(*command_words, code=2)
    assert 'the folder "several" contains no report, but 3 reports in subfolders' in done.stderr
    named = ", ".join(str(out / name) for name in ("1-new", "2-new-matrix", "3-old"))
    assert f"name one of: {named}" in done.stderr
    assert "several-reports" in done.stderr


def test_the_page_of_all_wears_theme_and_logo(inputs, tmp_path):
    (tmp_path / "theme.css").write_text("light:\n--accent: #7a0f3c;\n")
    Image.new("RGB", (40, 20), "#336699").save(tmp_path / "logo.png")
    old = inputs / "old.csv"
    words = ("--theme", tmp_path / "theme.css", "--logo", tmp_path / "logo.png")
    command("compare", old, inputs / "new.csv", old, "-o", tmp_path / "out", *words)
    page = (tmp_path / "out/report.html").read_text()
    assert re.search("--accent: ?#7a0f3c", page)
    assert 'alt="Logo"' in page
    assert ".brand img" in page


def test_the_baseline_of_several_candidates_is_read_once(inputs, tmp_path, monkeypatch):
    from reportgen.review import review

    opened = []
    inner = review.load_input
    monkeypatch.setattr(
        review, "load_input", lambda *args, **kind: opened.append(kind) or inner(*args, **kind)
    )
    from reportgen.api.comparing import compare_reviews

    old, new = inputs / "old.csv", inputs / "new.csv"
    compare_reviews(old, [new, old, new], out=tmp_path / "out")
    assert len([kind for kind in opened if kind.get("as_baseline")]) == 1


def test_every_link_of_the_page_of_all_leads_somewhere(several):
    out, _ = several
    page = (out / "index.html").read_text()
    assert (out / "report_files/report.css").is_file()
    assert "<style>" not in page
    links = [html.unescape(link) for link in re.findall(r'<a href="([^"]+)"', page)]
    assert links == [f"{name}/index.html" for name in ("1-new", "2-new-matrix", "3-old")]
    assert all((out / link).is_file() for link in links)


def test_a_candidate_that_is_refused_is_named_and_leaves_nothing(inputs, tmp_path):
    fewer = samples.write_csv(tmp_path / "fewer.csv", CANDIDATE, rows=slice(4, None))
    words = ("compare", inputs / "old.csv", inputs / "new.csv")
    for name, code in ((fewer, 3), ("nothing.csv", 3)):
        done = command(*words, name, "-o", tmp_path / "a/b/out", code=code)
        assert Path(name).name in done.stderr
        assert not (tmp_path / "a").exists()
    done = command(*words, fewer, "-o", tmp_path / "out", code=3)
    assert 'this applies to candidate 2, "fewer.csv"' in done.stderr


def test_the_page_of_all_leaves_no_numbers_of_an_earlier_report_beside_it(inputs, tmp_path):
    old, new = inputs / "old.csv", inputs / "new.csv"
    command("compare", old, new, "-o", tmp_path, "--fail-under", "accuracy=0.5")
    command("compare", old, new, old, "-o", tmp_path, code=5)
    command("compare", old, new, old, "-o", tmp_path, "--force")
    assert {path.name for path in tmp_path.iterdir()} == {"report.html", "1-new", "2-old"}


def test_candidates_are_called_after_their_runs(inputs, tmp_path):
    """Every run's file is called predictions.parquet; its folder tells which it is."""
    for name in ("v1.2", "v1.3"):
        reportgen.save_baseline(inputs / "new.csv", name, folder=tmp_path / "runs")
    runs = [tmp_path / "runs/v1.2/predictions.parquet", tmp_path / "runs/v1.3"]
    command("compare", inputs / "old.csv", *runs, "-o", tmp_path / "out")
    assert (tmp_path / "out/1-v1.2/report.html").exists()
    assert (tmp_path / "out/2-v1.3/report.html").exists()


# with inference


@pytest.fixture
def failing(tmp_path):
    """A model of three classes that must not be run."""
    path = tmp_path / "net.py"
    path.write_text(
        "import torch\n"
        "class Net(torch.nn.Module):\n"
        "    def forward(self, x): raise RuntimeError('forward was called')\n"
        "def make(): return Net()\n"
    )
    (tmp_path / "classes.txt").write_text("blue\ngreen\nred\n")
    return f"{path}:make"


@pytest.mark.parametrize(
    ("words", "slug", "code"),
    [
        (("--gates", "none.toml"), "gates-file", 2),
        (("--gates", "bad.toml"), "gates-metric", 2),
        (("--gates", "open.toml"), "gates-baseline", 2),
        (("--gates", "class.toml"), "gates-class", 2),
        (("--fail-under", "accuracy=90"), "gates-value", 2),
        (("--fail-under", "accuracy"), "fail-under", 2),
        (("--baseline", "nobody"), "baseline-unknown", 2),
        (("--baseline", "empty"), "input-is-folder", 3),
        (("--baseline", "old.csv"), "compare-classes", 3),
        (("--baseline", "torn.csv"), "table-ragged", 3),
        (("--allow-partial",), "option-conflict", 2),
        (("--labels-from", "me"), "option-value", 2),
    ],
)
def test_what_is_wrong_is_said_before_inference_and_before_the_output_is_touched(
    failing, data, inputs, tmp_path, words, slug, code  # noqa: F811
):  # fmt: skip
    (tmp_path / "bad.toml").write_text('[[gate]]\nname = "a"\nmetric = "acuracy"\nat_least = 0.5\n')
    samples.write_gates(
        tmp_path / "class.toml", 'metric = "recall"\nclass = "yellow"\nat_least = 0.5'
    )
    samples.write_gates(tmp_path / "open.toml", OPEN)
    samples.write_csv(tmp_path / "old.csv", BASELINE)
    (tmp_path / "torn.csv").write_text("id,label,prediction\na,blue\n")
    (tmp_path / "empty").mkdir()
    run = ("run", failing, data, "-o", "out", "--classes", "classes.txt", *words)
    done = command(*run, cwd=tmp_path, code=code)
    assert f"errors.md#{slug}\n" in done.stderr
    assert "forward was called" not in done.stderr
    assert not (tmp_path / "out").exists()
    (tmp_path / "out").mkdir()
    (tmp_path / "out/report.html").write_text("mine")
    command(*run, "--force", cwd=tmp_path, code=code)
    assert contents(tmp_path / "out") == {"report.html": b"mine"}


def test_without_a_fault_that_model_is_run(failing, data, tmp_path):  # noqa: F811
    """The counterpart of the test above."""
    done = command(
        "run", failing, data, "-o", "out", "--classes", "classes.txt", cwd=tmp_path, code=4
    )
    assert "forward was called" in done.stderr


@pytest.fixture(scope="module")
def runs(model, tmp_path_factory):  # noqa: F811
    """A run that was kept as "main", and one against it; five images of green are not green."""
    root = tmp_path_factory.mktemp("runs")
    image_tree(root / "images", {"blue": 12, "green": 12, "red": 12})
    command("run", model, "images", "-o", "first", cwd=root)
    command("baseline", "save", "first", "main", cwd=root)
    done = command(
        "run", model, "images", "-o", "second", "--baseline", "main",
        "--fail-under", "accuracy=0.5", cwd=root,
    )  # fmt: skip
    return root, done


def test_a_run_is_compared_with_a_saved_baseline(runs):
    root, done = runs
    assert 'vs baseline "main": identical predictions' in done.stdout
    assert "verdict: SHIP" in done.stdout
    assert said(root / "second")["comparison"]["baseline_name"] == "main"
    page = (root / "second" / "report.html").read_text()
    assert re.search(r"<dt>Baseline</dt><dd>main</dd>", page)
    assert said(root / "second")["comparison"]["paired"]["same"] == 36
    assert {path.name for path in (root / "second").iterdir()} == OF_COUNTS | {
        "errors.csv",
        "junit.xml",
        "predictions.parquet",
    }


def test_a_run_of_a_live_module_takes_a_baseline(runs, tmp_path):
    import torch

    from tests.test_cli import Brightest

    root, _ = runs
    items = [(torch.rand(3, 4, 4), i % 3) for i in range(12)]
    loader = torch.utils.data.DataLoader(items, batch_size=4)
    names = ["blue", "green", "red"]
    first = reportgen.run(Brightest().eval(), loader, classes=names, out=tmp_path / "a")
    assert first.n_samples == 12
    reportgen.run(
        Brightest().eval(), loader, classes=names, out=tmp_path / "b", baseline=tmp_path / "a"
    )
    assert said(tmp_path / "b")["comparison"]["paired"]["same"] == 12
    with pytest.raises(DataError) as caught:
        reportgen.run(
            Brightest().eval(), loader, classes=names, out=tmp_path / "c",
            baseline=root / "first",
        )  # fmt: skip
    assert caught.value.slug in ("compare-samples", "compare-positions")
    assert (tmp_path / "c/predictions.parquet").exists()  # what was predicted is kept


def test_a_baseline_that_would_be_replaced_is_refused(runs, model, inputs, tmp_path):  # noqa: F811
    root, _ = runs
    before = contents(root / "first")
    for words in (
        ("run", model, "images", "--baseline", "first"),
        ("run", model, "images", "--baseline", "first/predictions.parquet"),
        ("compare", "first", "second"),
        ("compare", "first", "second", "second"),
        ("render", "second", "--baseline", "first"),
    ):
        done = command(*words, "-o", "first", "--force", cwd=root, code=2)
        assert "docs/errors.md#baseline-in-output" in done.stderr
    assert contents(root / "first") == before


def test_a_report_is_not_put_beside_predictions_of_another(runs, inputs):
    """A folder's predictions are what later comparisons read."""
    root, _ = runs
    before = contents(root / "second")
    for words in (
        ("compare", inputs / "old.csv", inputs / "new.csv"),
        ("compare", inputs / "old.csv", inputs / "new.csv", inputs / "old.csv"),
        ("render", inputs / "new.csv"),
    ):
        done = command(*words, "-o", root / "second", "--force", code=5)
        assert "predictions of another report exist in" in done.stderr
    assert contents(root / "second") == before
    command("render", "second/predictions.parquet", "-o", "second", "--force", cwd=root)
    assert said(root / "second")["comparison"] is None


# check


def test_check_decides_again_without_making_a_report(finished, inputs, tmp_path):
    out, _ = finished
    before = contents(out)
    done = command("check", out, "--gates", inputs / "broken.toml", code=1)
    assert done.stdout.splitlines()[0].startswith("verdict: DO NOT SHIP. 1 of 2 gates failed")
    command("check", out, "--gates", inputs / "broken.toml", "--exit-zero")
    command("check", out, "--gates", inputs / "open.toml", code=1)
    done = command(
        "check", out / "report.json", "--gates", inputs / "kept.toml", "--junit", tmp_path / "j.xml"
    )
    assert "verdict: SHIP" in done.stdout
    assert ET.parse(tmp_path / "j.xml").getroot().get("tests") == "2"
    assert contents(out) == before


def test_check_takes_any_saved_input(inputs, tmp_path):
    for name in ("new.csv", "new-matrix.csv"):
        command("check", inputs / name, "--fail-under", "accuracy=0.8")
    (tmp_path / "t.csv").write_text("y,p\na,a\nb,a\n")
    read = ("--label-column", "y", "--prediction-column", "p")
    command("check", tmp_path / "t.csv", "--fail-under", "accuracy=0.5", *read)


def test_check_says_how_to_get_a_comparison(inputs):
    done = command("check", inputs / "new.csv", "--gates", inputs / "open.toml", code=2)
    assert "docs/errors.md#gates-baseline" in done.stderr
    assert "reportgen compare" in done.stderr
    assert "--baseline" not in done.stderr  # which check does not have


UNREAD = {"data_notes": [
    {"severity": "warning", "code": "order", "sentence": "The order is not known.",
     "count": 0, "examples": []},
]}  # fmt: skip


def test_check_prints_the_warnings_that_stand_at_the_top_of_the_report(finished, tmp_path):
    value = said(finished[0])
    value["data_notes"] = UNREAD["data_notes"]
    value["comparison"]["notes"] = [{**UNREAD["data_notes"][0], "sentence": "Some were excluded."}]
    (tmp_path / "report.json").write_text(json.dumps(value))
    lines = command("check", tmp_path, "--fail-under", "accuracy=0.5").stdout.splitlines()
    assert lines[:3] == [
        "warning: The order is not known.",
        "warning: Some were excluded.",
        "verdict: SHIP. The gate passed: accuracy is 86.7% (required ≥ 50%).",
    ]


def test_warnings_of_each_of_several_candidates_are_printed_and_on_the_page_of_all(
    inputs, tmp_path
):
    table = pd.read_csv(inputs / "new.csv", dtype=str).iloc[:-1]
    table.to_csv(tmp_path / "fewer.csv", index=False)
    done = command(
        "compare", inputs / "old.csv", inputs / "new.csv", tmp_path / "fewer.csv", "-o",
        tmp_path / "o", "--allow-partial", "--fail-under", "accuracy=0.5",
    )  # fmt: skip
    _, first, second = done.stdout.split("candidate ", 2)
    assert "are compared:" in second
    assert "are compared:" not in first
    warned = [line for line in second.splitlines() if line.startswith("warning: ")]
    page = html.unescape((tmp_path / "o" / "report.html").read_text())
    assert warned
    for line in warned:
        assert line.removeprefix("warning: ") in page
    assert ">1 warning</a>" in page


def test_the_saved_name_of_a_baseline_stands_in_report_and_page_of_all(inputs, tmp_path):
    store = ("--baselines", tmp_path / "kept")
    command("baseline", "save", inputs / "old.csv", "production", *store)
    again = ("compare", "production", inputs / "new.csv", *store, "-o", tmp_path / "one")
    assert 'vs baseline "production": accuracy' in command(*again).stdout
    page = (tmp_path / "one" / "report.html").read_text()
    assert "<dt>Baseline</dt><dd>production</dd>" in page
    assert Review.from_json(said(tmp_path / "one")).comparison.baseline_name == "production"
    command("compare", "production", inputs / "new.csv", inputs / "old.csv", *store,
            "-o", tmp_path / "two")  # fmt: skip
    assert "<h1>Candidates vs production</h1>" in (tmp_path / "two/report.html").read_text()
    command("compare", tmp_path / "kept/production", inputs / "new.csv", "-o", tmp_path / "path")
    assert said(tmp_path / "path")["comparison"]["baseline_name"] == ""


def test_check_needs_gates(finished):
    assert "errors.md#gates-needed" in command("check", finished[0], code=2).stderr


def test_a_comparison_in_memory_is_checked(inputs):
    comparison = reportgen.compare(inputs / "old.csv", inputs / "new.csv")
    assert reportgen.check(comparison, gates=inputs / "kept.toml").verdict == "SHIP"
    assert reportgen.check(comparison, gates=inputs / "open.toml").verdict == "INCONCLUSIVE"
    assert reportgen.check(comparison.candidate, fail_under="accuracy=0.9").exit_code == 1


# baselines and history


@pytest.mark.parametrize("name", ["old.csv", "old-matrix.csv"])
def test_anything_that_is_read_can_be_kept(inputs, tmp_path, name):
    done = command("baseline", "save", inputs / name, "main", cwd=tmp_path)
    assert done.stdout.splitlines()[1] == "use it with: --baseline main"
    kept = tmp_path / "reportgen-baselines/main"
    assert (kept / "predictions.parquet").exists() == (name == "old.csv")
    same_kind = inputs / name.replace("old", "new")
    done = command("compare", "main", same_kind, "-o", "out", cwd=tmp_path)
    assert ("; unpaired" in done.stdout) == (name != "old.csv")
    text = (kept / "report.json").read_text()
    for secret in (inputs, tmp_path, Path.home(), Path.cwd()):
        assert str(secret) == "/" or str(secret) not in text


def test_a_baseline_is_of_the_samples_that_later_comparisons_are_made_of(inputs, tmp_path):
    """A report of a comparison in part says less than the predictions beside it."""
    reportgen.save_baseline(inputs / "new.csv", "whole", folder=tmp_path / "kept")
    out = tmp_path / "out"
    fewer = samples.write_csv(tmp_path / "fewer.csv", BASELINE, rows=slice(4, None))
    command("compare", fewer, inputs / "new.csv", "--allow-partial", "-o", out)
    (tmp_path / "kept/whole/predictions.parquet").rename(out / "predictions.parquet")
    assert said(out)["n_samples"] == 26
    kept = reportgen.save_baseline(out, "main", folder=tmp_path / "kept")
    assert said(kept)["n_samples"] == Predictions.open(kept / "predictions.parquet").n_rows == 30


def test_a_baseline_is_refused_by_its_name_before_any_work(inputs, tmp_path):
    def save(source, name, code):
        return command("baseline", "save", source, name, cwd=tmp_path, code=code).stderr

    assert "baseline-name" in save("nothing.csv", "../x", 2)
    save(inputs / "old.csv", "main", 0)
    assert "baseline-exists" in save("nothing.csv", "main", 5)
    assert "input-missing" in save("nothing.csv", "other", 3)


def test_history_is_printed_and_drawn(finished, inputs, tmp_path):
    for source, name in (("old.csv", "one"), ("new.csv", "two"), ("new-matrix.csv", "three")):
        command("baseline", "save", inputs / source, name, cwd=tmp_path)
    command("baseline", "save", finished[0], "four", cwd=tmp_path)
    done = command("history", "-o", "h.html", cwd=tmp_path)
    lines = done.stdout.splitlines()
    assert [line.split()[1] for line in lines[1:5]] == ["one", "two", "three", "four"]
    assert lines[4].endswith("DO NOT SHIP")
    assert "|" in lines[5]  # other data
    assert lines[-1] == "page: h.html"
    page = (tmp_path / "h.html").read_text()
    assert page.isascii()
    assert "<script" not in page
    assert page.count("<tr>") == 5
    n_breaks = page.count('class="tag"')
    assert n_breaks >= 1
    for line in re.findall(r'class="g-line" d="([^"]+)"', page):
        assert line.count("M") == 1 + n_breaks  # no line leads from data to other data
    assert "Dashed: the data set changed" in page
    assert (
        "errors.md#output-exists" in command("history", "-o", "h.html", cwd=tmp_path, code=5).stderr
    )
    command("history", "-o", "h.html", "--force", cwd=tmp_path)


def test_a_single_evaluation_has_no_trend(inputs, tmp_path):
    command("baseline", "save", inputs / "old.csv", "one", cwd=tmp_path)
    done = command("history", "-o", "h.html", cwd=tmp_path)
    assert len(done.stdout.splitlines()) == 3
    page = (tmp_path / "h.html").read_text()
    assert "1 evaluation." in page
    assert "<svg" not in page.split("<table")[0]


def test_without_a_folder_of_baselines_there_is_no_history(tmp_path):
    assert "errors.md#baselines-missing" in command("history", cwd=tmp_path, code=2).stderr


# in Python


def test_tables_and_arrays_are_compared_and_reported(tmp_path):
    before, after = samples.columns(BASELINE), samples.columns(CANDIDATE)
    comparison = reportgen.compare(before, after)
    frames = reportgen.compare(pd.DataFrame(before), pd.DataFrame(after), out=tmp_path / "out")
    assert frames.summary == comparison.summary
    assert Review.from_json(said(tmp_path / "out")).comparison == frames
    counts = reportgen.compare(samples.matrix(BASELINE), samples.matrix(CANDIDATE))
    assert counts.unpaired_reason == "matrix"
    partial = reportgen.compare(
        before, samples.columns(CANDIDATE, rows=slice(5)), allow_partial=True
    )
    assert partial.paired.n == 5


def test_gates_decide_with_a_baseline_in_memory(inputs, tmp_path):
    sides = (samples.columns(BASELINE), samples.columns(CANDIDATE))
    reportgen.compare(*sides, out=tmp_path / "out", gates=inputs / "open.toml", title="T")
    assert said(tmp_path / "out")["verdict"] == "INCONCLUSIVE"


@pytest.mark.parametrize(
    "option", [{"gates": "g.toml"}, {"fail_under": "accuracy=1"}, {"title": "T"}, {"images": "x"}]
)
def test_what_shows_in_a_report_alone_needs_one(option):
    """A gate whose outcome nobody sees would be no gate."""
    with pytest.raises(UsageError) as caught:
        reportgen.compare([[1, 0], [0, 1]], [[1, 0], [0, 1]], **option)
    assert caught.value.slug == "option-conflict"
    assert next(iter(option)) in str(caught.value)


def test_evaluations_and_predictions_are_inputs_too(inputs, tmp_path):
    kept = reportgen.save_baseline(inputs / "old.csv", "main", folder=tmp_path)
    rows = Predictions.open(kept / "predictions.parquet")
    assert reportgen.compare(rows, inputs / "new.csv").paired.n == 30
    loaded = reportgen.load(inputs / "new.csv")
    assert reportgen.compare(rows, loaded).unpaired_reason == "no_predictions"
    assert reportgen.render(loaded, out=tmp_path / "out") == loaded


def test_a_report_that_stands_there_is_not_replaced_by_a_comparison(inputs, tmp_path):
    (tmp_path / "report.json").write_text("{}")
    with pytest.raises(OutputError):
        reportgen.compare(inputs / "old.csv", inputs / "new.csv", out=tmp_path)


# privacy


def test_no_output_of_a_comparison_names_the_machine(finished, inputs, tmp_path):
    out, done = finished
    secrets = [
        str(inputs),
        str(inputs.parent),
        str(Path.cwd()),
        str(Path.home()),
        getpass.getuser(),
    ]
    for path in out.iterdir():
        text = re.sub(r"base64,[A-Za-z0-9+/=]+", "", path.read_text())  # any letters occur there
        for secret in secrets:
            if secret not in ("/", "root"):
                assert secret not in text, (path.name, secret)
    assert str(inputs) not in done.stderr


def test_public_hides_the_samples_of_a_comparison(inputs, tmp_path):
    words = ("compare", inputs / "old.csv", inputs / "new.csv", inputs / "old.csv", "-q")
    command(*words, "-o", tmp_path / "out", "--public")
    comparison = said(tmp_path / "out/1-new")["comparison"]
    assert {one["id"] for one in comparison["fixed"]} == {
        hash_ids(f"{name}.png") for name in ("cat/03", "cat/06", "dog/04")
    }
    for path in (tmp_path / "out").rglob("*"):
        if path.is_file():
            assert not re.search(r"\d\d\.png", path.read_text("utf-8", "replace")), path


def test_names_of_candidates_are_harmless(inputs, tmp_path):
    place = tmp_path / "a\x1b[31m<b>'\""
    place.mkdir()
    samples.write_csv(place / "x\x1b[2J.csv", CANDIDATE)
    names = (place / "x\x1b[2J.csv", inputs / "old.csv")
    done = command("compare", inputs / "old.csv", *names, "-o", tmp_path / "out")
    assert "\x1b" not in done.stdout
    assert (tmp_path / "out/1-x-2J/report.html").exists()
    done = command("compare", inputs / "old.csv", place, place / "none\x1b[2J", "-o", "x", code=3)
    assert "\x1b" not in done.stderr
