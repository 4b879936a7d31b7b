"""Ids that two sides spell otherwise are matched, or the way out is named and works."""

import pytest

import reportgen
from reportgen.errors import DataError

IDS = ["cat/1.jpg", "cat/2.jpg", "dog/3.jpg", "dog/4.jpg"]


def table(tmp_path, name, ids, predictions=("cat", "cat", "dog", "dog")):
    labels = ("cat", "cat", "dog", "dog")
    rows = "".join(f"{i},{c},{p}\n" for i, c, p in zip(ids, labels, predictions, strict=True))
    path = tmp_path / f"{name}.csv"
    path.write_text(f"path,label,prediction\n{rows}")
    return path


@pytest.fixture
def base(tmp_path):
    return table(tmp_path, "base", IDS, ("cat", "dog", "dog", "dog"))


@pytest.mark.parametrize(
    "spell",
    [
        lambda text: text.replace("/", "\\"),
        lambda text: f"./{text}",
        lambda text: ".\\" + text.replace("/", "\\"),
        lambda text: text.replace("/", "//"),
        lambda text: text.replace("/", "/./"),
    ],
)
def test_paths_of_another_system_are_the_same_samples(tmp_path, base, spell):
    found = reportgen.compare(base, table(tmp_path, "c", map(spell, IDS)))
    assert found.paired.n == 4
    assert found.summary["accuracy"].difference == 0.25
    note = next(n for n in found.notes if n.code == "compared-ids")
    assert "with / for \\" in note.sentence


@pytest.mark.parametrize("root", ["/srv/val/", "C:\\val\\", "s3://bucket/val/"])
def test_another_beginning_is_matched_on_request_and_the_hint_says_so(tmp_path, base, root):
    candidate = table(tmp_path, "c", [root + text for text in IDS])
    with pytest.raises(DataError) as caught:
        reportgen.compare(base, candidate)
    assert caught.value.slug == "compare-samples"
    assert "--ids-by-ending" in caught.value.hint
    found = reportgen.compare(base, candidate, ids_by_ending=True)
    assert found.paired.n == 4
    note = next(n for n in found.notes if n.code == "compared-ids")
    assert "by the last 2 parts of the path" in note.sentence


def test_the_longest_common_ending_counts(tmp_path):
    one = table(tmp_path, "one", [f"/a/val/{text}" for text in IDS])
    other = table(tmp_path, "other", [f"/b/c/val/{text}" for text in IDS])
    found = reportgen.compare(one, other, ids_by_ending=True)
    note = next(n for n in found.notes if n.code == "compared-ids")
    assert "by the last 3 parts of the path" in note.sentence


def test_endings_that_make_two_samples_equal_are_not_used(tmp_path):
    one = table(tmp_path, "one", ["a/1.jpg", "b/1.jpg", "a/2.jpg", "b/2.jpg"])
    other = table(tmp_path, "other", ["x/1.jpg", "y/1.jpg", "x/2.jpg", "y/2.jpg"])
    with pytest.raises(DataError) as caught:
        reportgen.compare(one, other, ids_by_ending=True)
    assert caught.value.slug == "compare-samples"
    assert "--id-column" in caught.value.hint


def test_ids_that_differ_in_spelling_alone_stay_two_samples(tmp_path, base):
    twice = table(tmp_path, "c", ["cat/1.jpg", "./cat/1.jpg", "dog/3.jpg", "dog/4.jpg"])
    with pytest.raises(DataError) as caught:
        reportgen.compare(base, twice)
    assert caught.value.slug == "compare-samples"


def test_metadata_finds_samples_that_are_spelled_otherwise(tmp_path, base):
    metadata = tmp_path / "m.csv"
    metadata.write_text("path,site\n" + "".join(f".\\{i}, s\n".replace("/", "\\") for i in IDS))
    found = reportgen.load(base, metadata=metadata)
    assert {n.code: n.count for n in found.notes}["metadata-joined"] == 4
