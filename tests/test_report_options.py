"""What the page says of the options: methods, seeds, averages, groups, ordered classes."""

from dataclasses import replace

import pytest

import reportgen
from reportgen.evaluation import SampleGroups
from reportgen.metrics import REASONS
from reportgen.metrics.intervals import EXACT, WILSON
from reportgen.report import build_report
from reportgen.report.intervals import INTERVAL_NOTE, class_definitions, summary_definitions
from tests import factories
from tests.test_evaluation_options import CLASSES, WITH_AN_ABSENT_CLASS, grouped, load, table


def plain(words):
    return str(words).replace("\u00a0", " ")


def interval_of(definitions):
    return {definition.name: definition.interval for definition in definitions}


def notes_of(evaluation):
    return " ".join(plain(note) for note in build_report(evaluation).headline.notes)


def made_of(evaluation):
    return {fact.term: " ".join(map(plain, fact.values)) for fact in build_report(evaluation).made}


@pytest.fixture(scope="module")
def usual():
    return load()


def test_by_default_the_page_says_wilson_of_samples_and_of_an_effective_number(usual):
    report = build_report(usual)
    assert report.interval_note == INTERVAL_NOTE
    assert made_of(usual)["Intervals"] == (
        "Proportions: Wilson score. Other matrix metrics: Wilson score of an effective sample size."
    )
    assert made_of(usual)["Macro averages"] == ("Macro averages are over the classes with samples.")
    assert "Groups of samples" not in made_of(usual)


def test_with_a_bootstrap_nothing_that_was_drawn_claims_another_method(usual):
    drawn = load(ci="bootstrap", seed=4)
    method = "BCa bootstrap: 2,000 multinomial resamples of the matrix, seed 4"
    whole, classes = interval_of(summary_definitions(drawn)), interval_of(class_definitions(drawn))
    assert (whole["macro_f1"], whole["accuracy"]) == (method, WILSON)
    assert (
        classes["f1"] == "BCa bootstrap: 2,000 multinomial resamples of TP, FP, FN and TN, seed 4"
    )
    assert classes["recall"] == WILSON
    before = interval_of(summary_definitions(usual))
    for name in usual.summary:
        assert (whole[name] != before[name]) == (drawn.summary[name] != usual.summary[name]), name
    report = build_report(drawn)
    assert "seed 4" in report.interval_note
    assert "seed 4" in made_of(drawn)["Intervals"]
    (terms,) = (terms for title, terms in report.glossary if title == "Overall metrics")
    assert interval_of(terms) == whole


def test_with_exact_intervals_no_share_of_a_class_claims_wilson(usual):
    exact = load(ci="exact")
    whole, classes = interval_of(summary_definitions(exact)), interval_of(class_definitions(exact))
    assert whole["accuracy"] == classes["recall"] == whole["top3_accuracy"] == EXACT
    assert WILSON not in classes.values()
    assert whole["error_at_90_percent_coverage"].startswith(WILSON)
    before = interval_of(class_definitions(usual))
    for name in usual.per_class:
        assert (classes[name] != before[name]) == (exact.per_class[name] != usual.per_class[name])
    note = build_report(exact).interval_note
    assert note.startswith(INTERVAL_NOTE)
    assert "Proportions: Clopper-Pearson." in note
    assert "and error and coverage of selective prediction: Wilson score" in note


def test_groups_are_told_near_the_headline():
    evaluation, _ = grouped(seed=2)
    told = notes_of(evaluation)
    assert told.startswith("The 300 samples form 30 groups by “patient” (largest: 10)")
    effect = evaluation.sample_groups
    assert f"Effective n = {round(effect.effective_samples)} samples" in told
    assert f"(design effect {effect.design_effect:.3g})" in told
    assert "are not cluster-robust and may be too narrow" in told
    assert " are few" not in told
    report = build_report(evaluation)
    assert "resamples of 30 groups, seed 2" in report.interval_note
    assert "no other intervals are" in report.interval_note
    assert made_of(evaluation)["Groups of samples"] == "30, by the column patient"
    whole = interval_of(summary_definitions(evaluation))
    assert whole["accuracy"] == evaluation.sample_groups.method
    assert whole["top5_accuracy"] == WILSON
    facts = {fact.term: plain(fact.values[0]) for fact in report.data.facts}
    assert "for independent samples" in facts["Minimum detectable difference"]


def test_with_groups_the_no_information_rate_says_why_it_has_no_interval():
    evaluation, _ = grouped(seed=2)
    metric = evaluation.summary["no_information_rate"]
    assert metric.value is not None
    assert (metric.interval, metric.reason) == (None, "no_group_interval")
    rows = {row.definition.name: row for row in build_report(evaluation).headline.rows}
    assert rows["no_information_rate"].definition.interval == "none where samples come in groups"
    assert load().summary["no_information_rate"].interval is not None
    told = {reason.sentence for reason in build_report(evaluation).headline.reasons}
    assert REASONS["no_group_interval"] in told


def test_few_groups_and_an_unknown_design_effect_are_told():
    groups = SampleGroups("patient", "drawn", 10_000, 7, 2000, None)
    told = notes_of(replace(factories.cifar(), sample_groups=groups))
    assert "With 7 groups" in told
    assert "design effect" not in told


def test_the_name_of_a_group_column_is_a_name():
    evil = "<img src=x>\u202e"
    groups = SampleGroups(evil, "drawn", 10_000, 70, 2000, 1.5)
    (note, *_) = build_report(replace(factories.cifar(), sample_groups=groups)).headline.notes
    (name,) = (part for part in note.parts if not isinstance(part, str))
    assert "\u202e" not in name.text


def test_averages_over_all_classes_say_so():
    present, everywhere = (load(WITH_AN_ABSENT_CLASS, macro=macro) for macro in ("present", "all"))
    tiles = {
        macro: {plain(t.title): " ".join(map(plain, t.lines)) for t in build_report(e).headline.tiles}
        for macro, e in (("present", present), ("all", everywhere))
    }  # fmt: skip
    assert tiles["present"]["Macro F1"] == "mean F1 over 2 of 3 classes"
    assert tiles["all"]["Macro F1"] == ("mean F1 over 3 classes, 1 without samples, counted as 0")
    assert tiles["all"]["Balanced accuracy"] == "mean recall over 2 of 3 classes"
    assert "over 2 of 3 classes; no samples of: mid." in notes_of(present)
    assert "over all 3 classes (--macro all): those without samples count as 0" in notes_of(
        everywhere
    )
    assert "(mid)" in notes_of(everywhere)
    assert "counts as 0" in made_of(everywhere)["Macro averages"]
    found = " ".join(plain(f.body) for f in build_report(everywhere).findings)
    assert "macro averages count it as 0" in found
    found = " ".join(plain(f.body) for f in build_report(present).findings)
    assert "macro averages exclude it" in found


def test_averages_over_all_classes_where_each_has_samples():
    assert "Macro averages are over all 3 classes; each has samples." in notes_of(load(macro="all"))


def test_weighted_kappa_is_in_the_list_and_in_the_glossary_when_it_is_there(usual):
    for evaluation, expected in ((usual, False), (load(ordinal=True), True)):
        report = build_report(evaluation)
        rows = {row.definition.name for row in report.headline.rows}
        terms = {item.name for _, group in report.glossary for item in group}
        for name in ("kappa_linear", "kappa_quadratic"):
            assert (name in rows, name in terms) == (expected, expected)
        assert ("Ordinal classes low … high" in notes_of(evaluation)) == expected


def test_the_users_groups_of_classes_are_named(tmp_path):
    path = tmp_path / "groups.csv"
    path.write_text("class,group\n" + "".join(f"{name},all\n" for name in CLASSES))
    assert made_of(load(hierarchy=path))["Groups of classes"] == "groups.csv"


def test_a_page_with_everything_is_written(tmp_path):
    rows = table(patient=[f"p{i // 10}" for i in range(300)])
    reportgen.render(
        rows, out=tmp_path / "o", classes=CLASSES, ci="bootstrap", macro="all", ordinal=True,
        group_column="patient",
    )  # fmt: skip
    page = (tmp_path / "o/report.html").read_text()
    assert "Weighted kappa, quadratic" in page
    assert "percentile cluster bootstrap: 2,000 resamples of 30 groups, seed 0" in page
