"""Pages for those who may not see the data: no picture, and no name, in any output."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from reportgen.evaluation import Evaluation
from reportgen.options.page import PageOptions
from reportgen.provenance import DataNote
from reportgen.rendering import html, privacy, write_all
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report
from reportgen.review import Review
from tests import factories, review_factories

pytestmark = pytest.mark.usefixtures("no_drawing")
PUBLIC = PageOptions(public=True)
SECRET = "ward-7/anna-karenina"
NOTES = (
    DataNote("repeated-ids", f"2 ids stand for more than one row: {SECRET}-a.png, 17. Every row is counted.",
             "warning", 2, (f"{SECRET}-a.png", "17")),
    DataNote("unreadable-images", "1 image could not be read.", "warning", 1,
             (f"{SECRET}-b.png: truncated",)),
    DataNote("absent-classes", "1 class is absent: cat; so.", "info", 1, ("cat",)),
    DataNote("odd", f"See {SECRET}-c.png, twice {SECRET}-c.png.", "info", 1, (f"{SECRET}-c.png", "dog")),
)  # fmt: skip


@pytest.fixture(scope="module")
def secret():
    """Every sample has a name that must not be seen."""
    evaluation = factories.scored()
    examples = tuple(
        tuple(replace(one, id=f"{SECRET}/{i}-{j}.png") for j, one in enumerate(gallery))
        for i, gallery in enumerate(evaluation.examples)
    )
    found = evaluation.suspects
    strong = tuple(
        replace(one, id=f"{SECRET}/s{i}.png" if i else examples[0][0].id)
        for i, one in enumerate(found.suspects)
    )
    suspects = replace(found, suspects=strong)
    return replace(evaluation, examples=examples, suspects=suspects, notes=NOTES)


@pytest.fixture(scope="module")
def pictured(secret):
    names = [mistake.id for gallery in secret.examples for mistake in gallery]
    names += [suspect.id for suspect in secret.suspects.suspects[:24]]
    return build_report(secret, {name: make_thumbnail(factories.picture(8)) for name in names})


@pytest.mark.parametrize("layout", ["file", "dir"])
def test_no_name_and_no_picture_of_a_sample_is_in_any_output(pictured, secret, tmp_path, layout):
    page = PageOptions(public=True, layout=layout)
    assert write_all(pictured, secret, tmp_path, page) == ()
    for path in tmp_path.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert b"anna" not in content, path.name
            assert b"ward-7" not in content, path.name
            assert b'class="px"' not in content
    html = (tmp_path / page.page_name).read_text("ascii")
    assert html.count("image/") <= 4  # icon and matrices
    assert not list(tmp_path.rglob("sample*"))


def test_classes_keep_their_names_and_numbers_are_the_same(pictured, secret, tmp_path):
    write_all(pictured, secret, tmp_path, PUBLIC)
    read = Evaluation.from_json(json.loads((tmp_path / "report.json").read_text()))
    assert read.classes == secret.classes
    assert read.summary == secret.summary
    assert read.confusion == secret.confusion
    assert [[one.confidence for one in gallery] for gallery in read.examples] == [
        [one.confidence for one in gallery] for gallery in secret.examples
    ]
    assert "automobile" in (tmp_path / "report.html").read_text("ascii")


def test_a_name_has_the_same_hash_everywhere(pictured, secret, tmp_path):
    write_all(pictured, secret, tmp_path, PUBLIC)
    found = json.loads((tmp_path / "report.json").read_text())
    first = found["examples"][0][0]["id"]
    assert first == privacy.hash_ids(f"{SECRET}/0-0.png")
    assert found["label_suspects"]["suspects"][0]["id"] == first
    assert first in (tmp_path / "report.html").read_text("ascii")
    assert privacy.hash_ids("cat/0001.png") == "sample-d8ef4d6dd16b"


def test_names_that_differ_have_hashes_that_differ():
    names = [f"cat/{i:05}.png" for i in range(20_000)]
    assert len(set(map(privacy.hash_ids, names))) == len(names)
    assert privacy.hash_ids("a\udc80.png") != privacy.hash_ids("a\udc81.png")


def test_notes_lose_names_of_samples_and_keep_those_of_classes(pictured, secret):
    report, review = privacy.hide_names(pictured, Review.of(secret))
    evaluation = review.evaluation
    repeated, unreadable, absent, odd = evaluation.notes
    hashes = [privacy.hash_ids(name) for name in (f"{SECRET}-a.png", "17")]
    assert repeated.sentence == (
        f"2 ids stand for more than one row: {', '.join(hashes)}. Every row is counted."
    )
    assert repeated.examples == unreadable.examples == odd.examples == ()
    assert (absent.examples, absent.sentence) == (("cat",), "1 class is absent: cat; so.")
    c = privacy.hash_ids(f"{SECRET}-c.png")
    assert odd.sentence == f"See {c}, twice {c}."
    assert report.cautions[0] == repeated.sentence
    assert repeated.count == 2
    assert [note.sentence for note in report.data.notes] == [
        note.sentence for note in sorted(evaluation.notes, key=lambda n: n.severity != "warning")
    ]


def test_no_picture_stays_among_the_suspects(pictured):
    assert pictured.suspects.rows[0].thumbnail
    bare = privacy.drop_pictures(pictured)
    assert not any(row.thumbnail for row in bare.suspects.rows)
    page = html.render(bare)
    assert "<image " not in page
    assert "<use " not in page


def test_the_galleries_of_a_comparison_say_what_is_left_out():
    comparison = review_factories.paired()
    ids = [one.id for one in (*comparison.broken, *comparison.fixed)]
    pictures = {name: make_thumbnail(factories.picture(8)) for name in ids}
    shown = build_report(comparison.candidate, pictures, {}, comparison)
    assert shown.comparison.gallery_note == ""
    report, _ = privacy.hide_names(shown, Review.of(comparison.candidate))
    assert report.comparison.gallery_note == (
        "No sample images (--public): names and probabilities only. Sample names are hashed."
    )
    assert not any(e.thumbnail for g in report.comparison.galleries for e in g.examples)


def test_the_page_says_what_it_leaves_out(pictured, secret):
    report, _ = privacy.hide_names(pictured, Review.of(secret))
    assert report.n_thumbnails == 0
    assert report.pairs.gallery_note == (
        "No sample images (--public): names and probabilities only. Sample names are hashed."
    )
    (fact,) = [fact for fact in report.made if fact.term == "Thumbnails"]
    assert str(fact.values[0]) == "none (--public)"
    assert report.made[-1].term == "Command"


def test_a_page_without_thumbnails_keeps_the_names(report, evaluation, tmp_path):
    write_all(report, evaluation, tmp_path, PageOptions(no_thumbnails=True))
    page = (tmp_path / "report.html").read_text("ascii")
    assert page.count("data:image/") == 3  # icon and matrices
    text = re.sub(r"<[^>]+>", "", page)
    assert "none (--no-thumbnails)" in text
    assert "No sample images (--no-thumbnails): names and probabilities only." in text
    first = evaluation.examples[0][0].id.rsplit("/", 1)[-1]
    assert first in page
    assert "with its pair</a>" not in page
    assert (tmp_path / "report.json").read_text() == json_of(evaluation, tmp_path)


def json_of(evaluation, tmp_path):
    write_all(build_report(evaluation), evaluation, tmp_path)
    return (tmp_path / "report.json").read_text()


def test_without_galleries_their_reason_stays():
    evaluation = factories.fashion()
    before = build_report(evaluation)
    after = privacy.drop_pictures(before)
    assert after.pairs.gallery_note == before.pairs.gallery_note
    assert [fact.term for fact in after.made].count("Thumbnails") == 1


def test_files_beside_the_page_that_name_samples_are_warned_of(pictured, secret, tmp_path):
    for name in ("predictions.parquet", "bad.csv"):
        (tmp_path / name).write_bytes(b"names")
    assert write_all(pictured, secret, tmp_path, PUBLIC) == (
        "predictions.parquet and bad.csv in the same folder still contain sample names: do not "
        "publish them",
    )
    assert write_all(pictured, secret, tmp_path) == ()


def test_what_holds_no_sample_is_left_as_it_was(pictured, secret):
    report, review = privacy.hide_names(pictured, Review.of(secret))
    assert report.matrix is pictured.matrix
    assert report.classes is pictured.classes
    assert review.evaluation.per_class is secret.per_class
    assert review.evaluation.summary is secret.summary
