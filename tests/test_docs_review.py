"""docs/release-review.md: its commands print what it shows, and every number in it is computed."""

import os
import re
import shutil
import subprocess

import pytest

import reportgen
from reportgen.analysis.scoring import (
    DISCORDANCES,
    minimum_detectable_difference,
    non_inferiority_samples,
)
from reportgen.gates import read_gates
from tests import write_docs
from tests.test_docs import blocks, section, table, text_of

PAGE = text_of(write_docs.REVIEW)
INPUTS = write_docs.REVIEW_INPUTS
ENDS_WITH_1 = ("-o review", "check review")


@pytest.fixture(scope="module")
def walked(tmp_path_factory):
    """The folder after all commands of the page, and what became of each block of them."""
    folder = tmp_path_factory.mktemp("review")
    shutil.copytree(INPUTS, folder, dirs_exist_ok=True)
    return folder, write_docs.walk(PAGE, folder)


def test_what_is_shown_is_what_is_printed(walked):
    fresh = write_docs.with_outputs(PAGE, walked[1])
    assert fresh.count("```text\n") == 4
    assert fresh == PAGE, f"run: {write_docs.COMMAND}"


def test_the_exit_codes_are_those_that_the_page_tells(walked):
    for block, ended in walked[1].items():
        blocking = any(mark in block for mark in ENDS_WITH_1)
        assert ended.exit_codes[-1] == int(blocking), block


def test_the_folders_hold_what_the_page_says(walked):
    folder = walked[0]
    assert sorted(p.name for p in (folder / "reportgen-baselines" / "production").iterdir()) == [
        "report.json"
    ]
    assert {p.name for p in (folder / "several").iterdir()} == {
        "report.html", "1-candidate", "2-first-classifier",
    }  # fmt: skip


@pytest.fixture(scope="module")
def comparison():
    return reportgen.compare(INPUTS / "first-classifier.csv", INPUTS / "candidate.csv")


@pytest.fixture(scope="module")
def checks(walked):
    return reportgen.check(walked[0] / "review", gates=INPUTS / "gates.toml").checks


def points(value):
    return f"{100 * value:+.2f}".replace("-", "−")


def span(interval):
    return " to ".join(map(points, interval))


def test_the_table_of_gates_is_measured(checks):
    rows = table(PAGE, "A worked example")
    assert len(rows) == len(checks) == len(read_gates(INPUTS / "gates.toml"))
    for row, check in zip(rows, checks, strict=True):
        value = f"{points(check.value)} pp"
        if check.unit == "%":
            value = f"{100 * check.value:.2f}%"
        subject = f" ({check.subject})" if check.subject else ""
        assert row == [check.name, check.rule, check.status, value + subject]


def test_the_table_of_classes_is_measured(comparison):
    rows = re.findall(
        r"^\| (.*?) \| ([\d.]+)% \| ([\d.]+)% \| (\S+) \| (.*?) \|$", PAGE, re.MULTILINE
    )
    names = comparison.candidate.classes
    by_harm = sorted(comparison.classes, key=lambda change: change.recall.difference)
    assert rows == [
        (
            names[change.index],
            f"{100 * change.recall.baseline:.2f}",
            f"{100 * change.recall.candidate:.2f}",
            points(change.recall.difference),
            span(change.recall.interval),
        )
        for change in by_harm
    ]
    assert {change.tendency for change in by_harm[:3]} == {"worse"}
    assert {change.tendency for change in by_harm[3:]} == {"better"}


def test_the_story_is_that_of_the_numbers(comparison):
    story = " ".join(section(PAGE, "A worked example").split())
    accuracy = comparison.summary["accuracy"]
    assert (
        f"accuracy rose from {100 * accuracy.baseline:.2f}% to {100 * accuracy.candidate:.2f}%, "
        f"which is {points(accuracy.difference)} pp (95% CI {span(accuracy.interval)})."
    ) in story
    assert f"the same {comparison.candidate.n_samples:,} images" in story
    grown = comparison.grown[0]
    names = comparison.candidate.classes
    assert (names[grown.true], names[grown.predicted]) == ("Sneaker", "Ankle boot")
    support = comparison.classes[grown.true].support
    assert (
        f"Of {support:,} sneakers, {grown.candidate} are now predicted as ankle boots, "
        f"up from {grown.baseline}."
    ) in story
    bounds = comparison.bounds
    said = " ".join(section(PAGE, "Paired and unpaired comparison").split())
    assert f"has {bounds.difference:,} more correct predictions" in said
    assert "between {:,} and {:,} samples".format(*bounds.discordant) in said
    assert "is between {:.1f} and {:.1f},".format(*bounds.chi2) in said
    assert max(bounds.p) < 0.001


def test_a_drop_of_two_points_would_allow_bag_alone(walked, tmp_path):
    assert "`max_drop = 0.02` would allow Bag, and still stop Sneaker and T-shirt/top" in PAGE
    text = (INPUTS / "gates.toml").read_text("utf-8")
    looser = tmp_path / "gates.toml"
    looser.write_text(text.replace("no_harm = true", "no_harm = true\nmax_drop = 0.02"), "utf-8")
    check = reportgen.check(walked[0] / "review", gates=looser).checks[3]
    failed = {part.name for part in check.parts if part.status == "failed"}
    assert failed == {"Sneaker", "T-shirt/top"}


def test_the_parts_that_the_page_explains_are_on_it(walked):
    page = (walked[0] / "review" / "report.html").read_text("utf-8")
    for part, _ in table(PAGE, "How to read the page"):
        assert f">{part}<" in page or f">{part}</" in page, part
    for words in ("regressed", "improved", "Difference matrix"):
        assert words in page


def test_the_table_of_differences_is_that_of_the_code():
    rows = table(PAGE, "How many samples a review needs")
    assert len(rows) == 7
    for n, *shown in rows:
        found = [
            minimum_detectable_difference(int(n.replace(",", "")), share).value
            for share in DISCORDANCES
        ]
        assert shown == ["none" if d is None else f"{100 * d:.2f}" for d in found]
    grid = (minimum_detectable_difference(100, k / 1000).value for k in range(1, 1001))
    assert 0.07 < min(d for d in grid if d is not None) < 0.08


def test_the_table_of_samples_is_that_of_the_code():
    part = section(PAGE, "How many samples a review needs").split("| Margin (pp) |")[1]
    rows = re.findall(r"^\| ([\d.]+) \| (.*?) \|$", part, re.MULTILINE)
    assert len(rows) == 3
    for margin, shown in rows:
        found = [non_inferiority_samples(share, float(margin) / 100) for share in DISCORDANCES]
        assert shown.split(" | ") == [f"{n:,}" for n in found]


def test_the_heads_of_both_tables_are_the_discordances():
    heads = re.findall(r"Discordance 2% \| (.*?) \|$", PAGE, re.MULTILINE)
    assert heads == [" | ".join(f"{100 * d:.0f}%" for d in DISCORDANCES[1:])] * 2


def test_every_error_of_a_comparison_is_in_the_table():
    linked = set(re.findall(r"errors\.md#(compare-[a-z-]+)\)", PAGE))
    headings = set(re.findall(r"^### (compare-[a-z-]+)$", text_of("docs/errors.md"), re.MULTILINE))
    assert linked | {"compare-repeated-ids"} == headings


@pytest.mark.parametrize(
    ("code", "said"), [(0, "may ship"), (1, "may not ship: see report/report.html"), (3, None)]
)
def test_the_recipe_for_a_shell_hands_the_exit_code_on(code, said, tmp_path):
    (recipe,) = blocks(PAGE, "sh")
    stub = tmp_path / "reportgen"
    stub.write_text(f"#!/bin/sh\nexit {code}\n")
    stub.chmod(0o755)
    ended = subprocess.run(
        ["sh", "-e", "-c", recipe],
        env={"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == code
    assert ended.stdout.strip() == (said or "no verdict: the review could not be made")


def test_the_recipes_for_ci_take_gates_and_baselines_of_the_protected_branch():
    (shell,), (actions,) = blocks(PAGE, "sh"), blocks(PAGE, "yaml")
    for recipe in (shell, actions):
        for option in ("--gates", "--baselines"):
            assert re.search(rf"{option} protected/", recipe)
    assert "protected" in re.findall(r"path: (\S+)", actions)
