"""The documents say what is so: their code runs, their names exist, their tables are complete."""

import contextlib
import functools
import inspect
import io
import itertools
import json
import pkgutil
import re
import shlex
import shutil
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from PIL import Image

import reportgen
from reportgen import cli, errors, process
from reportgen.review import Review
from tests import error_pages, write_docs
from tests.factories import binary, make_evaluation, scored
from tests.test_architecture import ROOMS

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reportgen"
DOCUMENTS = sorted(
    [
        *ROOT.glob("docs/*.md"),
        *(ROOT / f"{n}.md" for n in ("README", "SECURITY", "CONTRIBUTING", "CHANGELOG")),
    ]
)


def text_of(name):
    return (ROOT / name).read_text("utf-8")


def name_of(path):
    return path.relative_to(ROOT).as_posix()


def blocks(page, language):
    """The fenced blocks of a language, in order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def prose(page):
    """The page without fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page, flags=re.DOTALL | re.MULTILINE)


def code_spans(page):
    return [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose(page))]


def section(page, heading):
    """What stands below a heading of level 2, up to the next one."""
    return page.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def table(page, heading):
    """The cells of the first table below a heading, without its head."""
    lines = section(page, heading).splitlines()
    after = itertools.dropwhile(lambda line: not line.startswith("|"), lines)
    rows = itertools.takewhile(lambda line: line.startswith("|"), after)
    cells = [re.split(r" *(?<!\\)\| *", row.strip(" |")) for row in rows]
    return cells[2:]


def unquoted(cell):
    return cell.strip("`")


# What runs


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """The files that the documents' examples name: images, a program, a network with weights."""
    import torch
    from safetensors.torch import save_file

    root = tmp_path_factory.mktemp("docs")
    rng = np.random.default_rng(0)
    for k, name in enumerate(("cat", "dog")):
        (root / "test" / name).mkdir(parents=True)
        for i in range(6):
            pixels = rng.integers(0, 120, (32, 32, 3), dtype=np.uint8)
            pixels[..., k] += np.uint8(rng.integers(0, 80))
            Image.fromarray(pixels).save(root / "test" / name / f"{i}.png")
    (root / "networks.py").write_text(NETWORK)
    network = two_colours()
    save_file(
        network.state_dict(), root / "weights.safetensors", metadata={"classes": '["cat", "dog"]'}
    )
    program = torch.export.export(
        network.eval(), (torch.zeros(2, 3, 32, 32),),
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},),
    )  # fmt: skip
    torch.export.save(program, root / "model.pt2", extra_files={"classes.json": '["cat", "dog"]'})
    (root / "matrix.csv").write_text(",cat,dog\ncat,5,1\ndog,0,6\n")
    return root


NETWORK = """
from torch import nn
def make(num_classes=2):
    return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, num_classes))
"""


def two_colours():
    """More red is a cat, more green a dog."""
    import torch

    names = {}
    exec(NETWORK, names)
    network = names["make"]()
    with torch.no_grad():
        network[2].weight.copy_(torch.eye(3)[:2] * 9)
        network[2].bias.zero_()
    return network


@pytest.fixture
def place(workspace, tmp_path, monkeypatch):
    """A copy of the workspace as working directory, and the names that the examples use."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    shutil.copytree(workspace, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    paths = sorted(Path("test").glob("*/*.png"))
    pictures = [Image.open(path).convert("RGB") for path in paths]
    pixels = torch.from_numpy(np.stack([np.asarray(p) for p in pictures])).permute(0, 3, 1, 2)
    labels = torch.tensor([path.parent.name == "dog" for path in paths]).long()
    yield {
        "model": two_colours(),
        "test_images": pictures,
        "test_loader": DataLoader(TensorDataset(pixels.float() / 255, labels), batch_size=5),
    }
    for name in ("networks", "prepare"):
        sys.modules.pop(name, None)


def command_lines(page):
    """The commands of a page's bash blocks, as words; lines that end in a backslash go on."""
    for block in blocks(page, "bash"):
        for line in block.replace("\\\n", " ").splitlines():
            if words := shlex.split(line, comments=True):
                yield words


def called(words):
    """Run `reportgen words`, and see it end well."""
    code, err = 0, io.StringIO()
    with (
        mock.patch.object(sys, "argv", words),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(err),
    ):
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
    assert code == 0, (words, err.getvalue())


def accepting(model, data, *, out, engine, reporter, **options):
    from reportgen.inference.images.preprocessing import parse_options, preset_steps
    from reportgen.options.declared import sort_options

    settings, *_ = sort_options(options, *(kind for kind, _ in options_of_a_run()))
    preset_steps(settings.preset) if settings.preset else parse_options(settings)
    raise SystemExit(0)


def options_of_a_run():
    """The declared options of `reportgen run`, each with its keywords."""
    from reportgen.api.running import ReportKeywords
    from reportgen.options.evaluation import EvaluationKeywords, EvaluationOptions
    from reportgen.options.page import PageKeywords, PageOptions
    from reportgen.options.review import ReviewKeywords, ReviewOptions
    from reportgen.options.run import Options, RunKeywords

    found = (
        (Options, RunKeywords),
        (EvaluationOptions, EvaluationKeywords),
        (ReviewOptions, ReviewKeywords),
        (PageOptions, PageKeywords),
    )
    assert set(ReportKeywords.__annotations__) == {
        name for _, keywords in found for name in keywords.__annotations__
    }
    return found


RUNNABLE = [
    p for p in DOCUMENTS if blocks(p.read_text("utf-8"), "python") and p.name != "metrics.md"
]


@pytest.mark.parametrize("path", RUNNABLE, ids=name_of)
def test_the_examples_of_a_page_run_in_their_order(path, place, workspace):
    """Python and the `reportgen` commands; those that need files which a reader must bring are
    parsed, down to the values of their options. TOML stands for `gates.toml`."""
    page = path.read_text("utf-8")
    if path.name == "report-json.md":
        reportgen.render("matrix.csv", out="report")
    names = dict(place)
    with contextlib.redirect_stdout(io.StringIO()):
        for language, block in re.findall(
            r"^```(python|bash|toml)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE
        ):
            if language == "toml":
                Path("gates.toml").write_text(block)
            elif language == "bash":
                for words in command_lines(f"```bash\n{block}```"):
                    if words[0] == "reportgen" and words[1] != "demo":
                        run_or_parse(words)
            elif named := re.match(r"# (\w+\.py)\n", block):
                Path(named.group(1)).write_text(block)
            else:
                exec(compile(block, name_of(path), "exec"), names)


def run_or_parse(words):
    if words[1] == "run" and words[2].startswith("torchvision:"):
        with mock.patch("reportgen.api.run_review", accepting):
            called(words)
    else:
        called(words)


def test_the_recipes_for_ci_run(place):
    """Both name the same review, and it can be made."""
    page = text_of("docs/release-review.md")
    (shell,), (actions,) = blocks(page, "sh"), blocks(page, "yaml")
    (review,) = re.findall(r"^reportgen (?:.*\\\n)+.*(?= \|\|)", shell, re.MULTILINE)
    (step,) = re.findall(r"run: >-\n((?: {10}.*\n)+)", actions)
    words = shlex.split(review.replace("\\\n", " "))
    assert shlex.split(step) == words
    reportgen.run("model.pt2", "test", out="before")
    reportgen.save_baseline("before", "production", folder="protected/reportgen-baselines")
    (gates,) = blocks(text_of("README.md"), "toml")
    Path("protected/gates.toml").write_text(gates)
    called(words)
    assert {"report.html", "junit.xml"} <= {path.name for path in Path("report").iterdir()}


def test_the_few_lines_of_the_readme_make_every_file_that_it_lists(place):
    (block,) = blocks(text_of("README.md"), "python")
    assert len(block.splitlines()) <= 12
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(block, place)
    assert 0 <= float(printed.getvalue()) <= 1
    listed = {unquoted(row[0]) for row in table(text_of("README.md"), "What is in the folder")}
    optional = {"bad.csv", "junit.xml", "report.pdf", "figures/", "index.html", "report_files/",
                "summary.md", "model-card.md", "report.eml"}  # fmt: skip
    assert {path.name for path in Path("report").iterdir()} == listed - optional


def test_make_targets_and_extras_that_are_named_exist():
    makefile = text_of("Makefile")
    extras = tomllib.loads(text_of("pyproject.toml"))["project"]["optional-dependencies"]
    for path in DOCUMENTS:
        for words in command_lines(path.read_text("utf-8")):
            if words[0] == "make":
                assert re.search(rf"^{words[1]}:.*## ", makefile, re.MULTILINE), words
            elif words[0] == "pip":
                assert set(re.findall(r"\[(\w+)\]", " ".join(words))) <= set(extras), words
            else:
                assert words[0] == "reportgen", f"{path.name}: unknown command {words}"


def test_the_oldest_python_that_is_named_is_the_projects():
    project = tomllib.loads(text_of("pyproject.toml"))["project"]
    named = re.findall(r"Python (3\.\d+)", text_of("README.md") + text_of("CONTRIBUTING.md"))
    assert {f">={version}" for version in named} == {project["requires-python"]}


# The command line


@pytest.mark.parametrize("name", write_docs.PARTS)
def test_what_is_generated_is_up_to_date(name):
    page = text_of(name)
    fresh = write_docs.updated(page, write_docs.PARTS[name])
    assert page == fresh, f"{name} is behind the code; run: {write_docs.COMMAND}"


def test_every_command_is_documented():
    for name in write_docs.commands():
        assert f"\n## reportgen {name}\n" in text_of("docs/cli.md")
        assert re.search(rf"`reportgen {name}\b", text_of("CHANGELOG.md"))


def test_every_option_of_a_run_has_a_keyword_and_a_row():
    from dataclasses import fields

    page = section(text_of("docs/cli.md"), "reportgen run")
    for options, keywords in options_of_a_run():
        for item in fields(options):
            assert f"`--{item.name.replace('_', '-')}" in page
        assert set(keywords.__annotations__) == {item.name for item in fields(options)}


OTHERS_OPTIONS = {
    *("--saved-model", "--tflite", "--output"),
    *("--strict", "--no-deps", "--requirement", "--force-reinstall"),
    *(
        "--array",
        "--parsable",
        "--dependency",
        "--kill-on-invalid-dep",
        "--gres",
        "--cpus-per-task",
    ),
    *("--mem", "--time", "--requeue"),
    *("--standalone", "--nproc-per-node", "--max-restarts", "--no-python"),
    *("--working-dir", "--address"),
}


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_options_that_are_named_exist(path):
    known = write_docs.all_flags() | OTHERS_OPTIONS
    if path.name in ("viewers.md", "errors.md"):
        known |= set(re.findall(r"(--[a-z-]+):", text_of("docs/theme.css")))
    ours = re.sub(r"\bgit (?:-\S+ \S+ )*[a-z-]+ -.*", "", path.read_text("utf-8"))
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", ours))
    assert named <= known


def test_the_functions_are_those_of_the_library():
    """The signatures in python.md, and the commands beside them."""
    for command, shown in python_functions():
        name, _, rest = shown.partition("(")
        function = getattr(reportgen, name.removeprefix("reportgen."))
        own = inspect.signature(function).replace(return_annotation=inspect.Signature.empty)
        bare = [p.replace(annotation=p.empty) for p in own.parameters.values()]
        bare = [
            p.replace(default=str(p.default)) if isinstance(p.default, Path) else p for p in bare
        ]
        assert f"({rest}" == str(own.replace(parameters=bare)).replace("'", '"')
        if command:
            assert command.removeprefix("reportgen ") in write_docs.commands()


def test_every_command_that_can_be_one_has_a_function():
    with_function = {command.removeprefix("reportgen ") for command, _ in python_functions()}
    assert set(write_docs.commands()) - with_function == {"demo", "schema", "versions"}


def python_functions():
    rows = re.findall(
        r"^\| ?(.*?) ?\| `(reportgen\..*?)` \|$", text_of("docs/python.md"), re.MULTILINE
    )
    assert len(rows) == 15
    return [(unquoted(command), shown) for command, shown in rows]


def test_every_public_name_is_documented():
    for name in reportgen.__all__:
        assert re.search(rf"\b{name}\b", text_of("docs/python.md")), name


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_names_of_the_library_that_are_named_exist(path):
    for span in code_spans(path.read_text("utf-8")):
        for name in re.findall(r"\breportgen(?:\.[A-Za-z_]\w*)+", span):
            try:
                pkgutil.resolve_name(name)
            except errors.ModelError:  # the library of an integration is not here
                module, _, named = name.rpartition(".")
                code = (ROOT / f"{module.replace('.', '/')}.py").read_text("utf-8")
                assert re.search(rf"^\s*(class|def) {named}\b", code, re.MULTILINE), name


# Errors

PLACES = error_pages.places()
SLUGS = sorted({place.slug for place in PLACES})


@functools.cache
def error_sections():
    page = text_of("docs/errors.md")
    return dict(re.findall(r"^### (\S+)\n(.*?)(?=^##+ |\Z)", page, re.DOTALL | re.MULTILINE))


def test_every_error_has_a_heading_and_every_heading_an_error():
    documented = list(error_sections())
    assert sorted(set(SLUGS) - set(documented)) == [], "in the code, without a heading"
    assert sorted(set(documented) - set(SLUGS)) == [], "a heading, and nothing in the code"
    assert len(documented) == len(set(documented)), "one heading for each error"
    assert documented == list(error_pages.examples())
    by_topic = [(example.topic, slug) for slug, example in error_pages.examples().items()]
    for topic in {topic for topic, _ in by_topic}:
        own = [slug for other, slug in by_topic if other == topic]
        assert own == sorted(own), topic


@pytest.mark.parametrize("slug", SLUGS)
def test_an_errors_section_is_true(slug):
    """Its exit code is that of the class; message and hint are what one place of the code can
    print together, and a hint that is put together elsewhere is one of the package's texts."""
    text = error_sections().get(slug)
    assert text, f"docs/errors.md has no heading {slug}"
    own = [place for place in PLACES if place.slug == slug]
    codes = {error_pages.exit_codes()[place.kind] for place in own}
    assert len(codes) == 1, f"{slug} ends with different exit codes: {codes}"
    assert f"\nExit code {codes.pop()}" in text
    example = error_pages.examples()[slug]
    assert example.message in text
    assert all(line in text for line in example.hint.splitlines())
    fitting = [place for place in own if re.fullmatch(place.message, example.message)]
    assert fitting, f"none of {[place.message for place in own]}"
    hints = [place.hint for place in fitting if re.fullmatch(place.hint, example.hint)]
    assert hints, f"the hint is none of {[place.hint for place in fitting]}"
    if example.hint and set(hints) == {error_pages.ANY}:
        assert any(one.fullmatch(example.hint) for one in error_pages.texts()), example.hint
    assert example.hint or example.more, "nothing says what to do"
    assert len(re.findall(r"[.!?](?= |$)", example.more)) <= 1, "one sentence at most"


def test_every_error_has_a_test():
    tests = "".join(
        path.read_text("utf-8")
        for path in (ROOT / "tests").rglob("*.py")
        if path.name not in ("test_docs.py", "error_pages.py")
    )
    named = set(re.findall(r"[\"'#]([a-z0-9-]+)(?=[\"'])", tests))
    missing = [slug for slug in SLUGS if slug not in named]
    assert not missing, f"{len(missing)} errors are named in no test: {', '.join(missing)}"


DECIDED_AGAINST = 1


def test_the_exit_code_of_a_gate_is_no_errors():
    from reportgen.gates import Check, Decision, Gate

    kept = Check(Gate("x", 0.9), "x", "passed", False, 1.0, None, "", "X.")
    assert Decision("SHIP", "X.", (kept,)).exit_code == 0
    failed = Decision("DO NOT SHIP", "X.", (replace(kept, status="failed", blocks=True),))
    assert failed.exit_code == DECIDED_AGAINST
    assert DECIDED_AGAINST not in error_pages.exit_codes().values()


def test_the_exit_codes_are_those_of_the_code():
    codes = {
        *(getattr(errors, name).exit_code for name in ("UsageError", "DataError", "ModelError", "OutputError", "DeliveryError")),
        0, DECIDED_AGAINST, process.INTERNAL_ERROR, errors.Interrupted.exit_code, 143, 129,
    }  # fmt: skip
    assert numbers(table(text_of("README.md"), "Exit codes")) == codes
    head = text_of("docs/errors.md").split("\n## ")[0]
    rows = re.findall(r"^\| ([\d, ]+) \| `?(\w*)", head, re.MULTILINE)
    assert numbers(rows) == codes | {process.BROKEN_PIPE}
    for code, name in rows:
        if name:
            assert getattr(reportgen, name).exit_code == int(code.split(",")[0])


def numbers(rows):
    return {int(number) for row in rows for number in row[0].split(",")}


def test_the_block_that_is_shown_is_what_is_printed():
    from reportgen.class_list import resolve_classes

    shown = blocks(text_of("docs/errors.md").split("\n## ")[0], "text")[0]
    with pytest.raises(reportgen.DataError) as caught:
        resolve_classes(["cat", "dog", "horse"], "--classes names.txt", None, "", ["catt"], None)
    with contextlib.redirect_stderr(io.StringIO()) as printed:
        from reportgen.process import print_error

        print_error(caught.value)
    assert printed.getvalue() == shown


# Tables


def test_every_reason_code_is_tabled():
    from reportgen.comparison import REASONS as OF_COMPARISONS
    from reportgen.metrics import REASONS

    assert documented_fields("Reasons") == list(REASONS)
    assert documented_fields("Reasons of comparisons") == list(OF_COMPARISONS)[len(REASONS) :]


def documented_fields(heading):
    return [unquoted(row[0]) for row in table(text_of("docs/report-json.md"), heading)]


def test_every_field_of_report_json_is_documented_in_its_order():
    value = Review.of(make_evaluation(examples=2, top5_hits=9_900)).to_json()
    value["data_notes"] = binary_with_a_note()
    assert documented_fields("The document") == list(value)
    matrix = documented_fields("confusion_matrix")
    assert matrix == [*value["confusion_matrix"], "cells"]
    assert documented_fields("Metrics") == list(value["summary"]["accuracy"])
    counts = [k for k, v in value["per_class"][0].items() if not isinstance(v, dict)]
    assert documented_fields("per_class") == counts
    for heading in ("pairs", "data_notes"):
        assert documented_fields(heading) == list(value[heading][0])
    assert documented_fields("examples") == list(value["examples"][0][0])
    assert documented_fields("samples") == list(value["samples"])
    scored = scored_and_sliced()
    for heading in ("slices", "label_suspects", "calibration"):
        assert documented_fields(heading) == list(scored[heading])
    for whole, part in (
        ("slices", "columns"), ("slices", "slices"), ("label_suspects", "suspects"),
        ("calibration", "bins"),
    ):  # fmt: skip
        assert documented_fields(f"{whole}.{part}") == list(scored[whole][part][0])
    asked = grouped_twice()
    for heading in ("sample_groups", "hierarchy"):
        assert documented_fields(heading) == list(asked[heading])
    assert documented_fields("hierarchy.groups") == list(asked["hierarchy"]["groups"][0])
    assert documented_fields("provenance") == list(value["provenance"])
    assert documented_fields("provenance.model") == list(value["provenance"]["model"])


def test_every_field_of_the_groups_is_documented_in_its_order():
    counts = np.kron(np.eye(3, dtype=int), np.full((2, 2), 40)) + 1  # three pairs of classes
    found = make_evaluation(counts.tolist(), tuple("abcdef")).to_json()["groups"]
    assert documented_fields("groups") == list(found)
    assert documented_fields("groups.suggested") == list(found["suggested"])
    assert documented_fields("groups.suggested.groups") == list(found["suggested"]["groups"][0])


def test_every_field_of_the_thresholds_is_documented_in_its_order():
    found = scored_and_sliced()["threshold"]
    assert documented_fields("threshold") == list(found)
    for point in (found["youden"], found["sensitive"], found["levels"][0], found["curve"][0]):
        assert list(point) == ["threshold", "tp", "fp"]
    assert found["positive"] == 1


def test_every_field_of_the_curves_of_classes_is_documented_in_its_order():
    found = scored(make_evaluation([[9, 1, 0], [1, 9, 0], [0, 1, 9]])).to_json()["class_curves"]
    assert documented_fields("class_curves") == list(found[0])


def test_every_field_of_a_review_is_documented_in_its_order(tmp_path):
    found = reviewed(tmp_path)
    comparison = found["comparison"]
    assert documented_fields("comparison") == list(comparison)
    assert documented_fields("Differences") == list(comparison["summary"]["accuracy"])
    assert documented_fields("comparison.paired") == list(comparison["paired"])
    for part in ("per_class", "slices", "fixed", "grown_pairs"):
        assert documented_fields(f"comparison.{part}") == list(comparison[part][0])
    assert list(comparison["broken"][0]) == list(comparison["fixed"][0])
    assert list(comparison["bootstrap"]) == ["draws", "seed"]
    of_matrices = reportgen.compare([[5, 1], [2, 4]], [[4, 2], [1, 5]]).to_json()
    bounds = list(of_matrices["mcnemar_bounds"])
    assert documented_fields("comparison.mcnemar_bounds") == bounds
    of_check = json.loads(text_of("docs/report.schema.json"))["$defs"]["Check"]["properties"]
    assert documented_fields("checks") == list(of_check)
    assert set(found["checks"][0]) < set(of_check)
    assert documented_fields("checks.parts") == list(found["checks"][0]["parts"][0])
    own = list(found["comparison"]["baseline"])
    document = documented_fields("The document")
    assert own == document[: document.index("provenance") + 1]


def reviewed(folder):
    """The report of a comparison of two small tables, with a gate on every class."""
    labels = ["cat", "dog"] * 20
    sides = {"before": labels[:30] + ["cat"] * 10, "after": ["dog"] * 4 + labels[4:]}
    for name, answers in sides.items():
        rows = (
            f"{i}.png,{label},{answer},0.9,{'north' if i % 3 else 'south'}"
            for i, (label, answer) in enumerate(zip(labels, answers, strict=True))
        )
        text = "\n".join(["id,label,prediction,confidence,camera", *rows])
        (folder / f"{name}.csv").write_text(f"{text}\n")
    (folder / "gates.toml").write_text(
        '[[gate]]\nname = "x"\nmetric = "recall"\neach_class = true\nno_harm = true\n'
    )
    reportgen.compare(
        folder / "before.csv", folder / "after.csv", out=folder / "out", gates=folder / "gates.toml"
    )
    return json.loads((folder / "out" / "report.json").read_text())


def scored_and_sliced():
    """A report with a slice, a suspected label and confidences."""
    rows = [[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8]] * 10
    labels = [0, 0, 1, 1] * 9 + [0, 0, 0, 1]
    table = {"label": labels, "p": rows, "camera": ["north", "south"] * 20}
    return reportgen.load(table, classes=["cat", "dog"], scores_columns="p").to_json()


def grouped_twice():
    """A report with groups of samples and of classes."""
    from reportgen.analysis.confusions import Grouping
    from reportgen.evaluation import SampleGroups

    groups = SampleGroups("patient", "drawn", 50, 25, 2, 1.5)
    hierarchy = Grouping(("pets",), np.zeros(2, int), "groups.csv")
    whole = make_evaluation([[20, 5], [5, 20]])
    return replace(whole, sample_groups=groups, hierarchy=hierarchy).to_json()


def binary_with_a_note():
    from reportgen.provenance import DataNote

    note = DataNote("x", "X.", "info", 1, ("a",))
    return make_evaluation(binary().confusion.counts.tolist(), notes=[note]).to_json()["data_notes"]


def test_every_column_of_the_predictions_file_is_documented():
    from reportgen.predictions.schema import predictions_schema

    rows = table(text_of("docs/models-and-data.md"), "predictions.parquet")
    schema = predictions_schema()
    types = {"float": "float32"}
    documented = [(unquoted(row[0]), row[1]) for row in rows]
    assert [name for name, _ in documented] == schema.names
    for name, shown in documented:
        kind = str(schema.field(name).type)
        kind = re.sub(r"list<\w+: (\w+)>", r"list of \1", kind)
        assert shown == re.sub(r"\bfloat\b", types["float"], kind)


def test_every_image_extension_is_documented():
    from reportgen.inference.folders.files import IMAGE_EXTENSIONS

    spans = [s for s in code_spans(text_of("docs/models-and-data.md")) if s.startswith(".jpg ")]
    assert set(spans[0].split()) == IMAGE_EXTENSIONS


def test_every_preprocessing_option_is_documented():
    from dataclasses import fields

    from reportgen.options.run import Options

    page = section(text_of("docs/models-and-data.md"), "Preprocessing")
    for item in fields(Options):
        if item.metadata["panel"] == "Preprocessing":
            assert f"--{item.name.replace('_', '-')}" in page


def test_the_limits_in_metrics_are_those_of_the_code():
    from reportgen.comparison import DRAWS, bootstrap

    page = text_of("docs/metrics.md")
    comparisons = section(page, "Comparisons")
    assert f"paired bootstrap, {DRAWS:,} draws" in comparisons
    assert f"Above {bootstrap.MAX_CELLS:,} different combinations" in comparisons
    assert f"above {bootstrap.MAX_CLASSES:,} classes" in comparisons


def test_every_room_is_in_the_picture_of_the_house():
    rows = table(text_of("docs/how-it-works.md"), "The rooms")
    assert {unquoted(room): int(floor) for floor, room, *_ in rows} == ROOMS


# Links, paths, pictures


def anchors(page):
    """What GitHub makes of the headings."""
    for heading in re.findall(r"^#+ (.*)$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower())
        yield plain.replace(" ", "-")


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_links_lead_somewhere(path):
    page = prose(path.read_text("utf-8"))
    for target in re.findall(r"\]\(([^)]+)\)", page):
        target = re.sub(r"\s+", " ", target)
        assert not target.startswith(("http:", "https:", "/")), f"{target} is out of our hands"
        name, _, anchor = target.partition("#")
        there = (path.parent / name).resolve() if name else path
        assert there.is_file(), target
        if anchor:
            assert anchor in set(anchors(there.read_text("utf-8"))), target


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_nothing_belongs_to_one_machine(path):
    page = path.read_text("utf-8")
    assert not re.search(r"(?<![\w.<])/(?:home|root|tmp|work|Users|usr|mnt|opt)\b", page)
    assert not re.search(r"https?://(?!(?:\*\*\*@)?example\.org\b)", page)
    assert not re.search(r"[ \t]$", page, re.MULTILINE)
    assert page.endswith("\n")
    assert "\n\n\n\n" not in page


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_files_of_the_project_that_are_named_exist(path):
    for span in code_spans(path.read_text("utf-8")):
        if re.fullmatch(
            r"(reportgen|tests|docs|templates|benchmarks|sample_reports)/[\w./-]*", span
        ):
            assert (ROOT / span).exists() or span == "reportgen/templates", span
        if module := re.match(r"python -m (\S+)", span):
            name = module.group(1).replace(".", "/")
            assert (ROOT / f"{name}.py").is_file() or (ROOT / name / "__main__.py").is_file()


def test_every_document_is_linked_from_the_readme():
    page = text_of("README.md")
    for path in DOCUMENTS:
        if path.name != "README.md":
            assert f"]({name_of(path)})" in page


def test_the_picture_of_the_page_is_small_and_of_the_right_size():
    path = ROOT / "docs/page.png"
    assert path.stat().st_size <= 200_000
    with Image.open(path) as image:
        assert (image.format, image.mode, image.size) == ("PNG", "P", (1280, 900))


def test_the_change_log_tells_of_this_version():
    headings = re.findall(r"^## (\S+)", text_of("CHANGELOG.md"), re.MULTILINE)
    assert headings[0] == reportgen.__version__
