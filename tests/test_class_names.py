"""Names to show classes by: everywhere on the page, and never in what is joined or matched."""

import json

import pytest

import reportgen
from reportgen.class_names import shown_names
from reportgen.errors import DataError

IDS = ("n01440764", "n01443537", "n01484850")
NAMES = ("tench", "goldfish", "great white shark")
TABLE = (
    "id,label,prediction\n"
    "a,n01440764,n01440764\nb,n01440764,n01443537\nc,n01443537,n01443537\nd,n01484850,n01484850\n"
)


def write(tmp_path, text, name="names.csv"):
    path = tmp_path / name
    path.write_text(text)
    return path


@pytest.fixture
def table(tmp_path):
    return write(tmp_path, TABLE, "t.csv")


PAIRS = list(zip(IDS, NAMES, strict=True))
FORMS = {
    "names.csv": "".join(f"{i},{n}\n" for i, n in PAIRS),
    "head.csv": "class,name\n" + "".join(f"{i},{n}\n" for i, n in PAIRS),
    "quoted.csv": "wnid,words\n" + "".join(f'"{i}","{n}"\n' for i, n in PAIRS),
    "names.tsv": "".join(f"{i}\t{n}\n" for i, n in PAIRS),
    "LOC_synset_mapping.txt": "".join(f"{i} {n}\n" for i, n in PAIRS),
    "names.json": json.dumps(dict(PAIRS)),
}


@pytest.mark.parametrize("name", FORMS)
def test_names_are_read_from_the_forms_that_people_have(tmp_path, name):
    assert shown_names(write(tmp_path, FORMS[name], name), IDS) == NAMES


def test_a_name_with_commas_in_a_wordnet_mapping_is_whole(tmp_path):
    path = write(tmp_path, "n01440764 tench, Tinca tinca\nn01443537 goldfish, Carassius\n", "m.txt")
    assert shown_names(path, IDS) == ("tench, Tinca tinca", "goldfish, Carassius", "n01484850")


def test_classes_without_a_name_keep_their_own():
    assert shown_names({"n01440764": "tench"}, IDS) == ("tench", *IDS[1:])


@pytest.mark.parametrize(
    ("text", "slug", "words"),
    [
        ("n01440764,tench\nn99,x\n", "class-names-unknown", 'line 2 of "names.csv": "n99"'),
        ("n01440764,a\nn01440764,b\n", "class-names-repeated", "line 2"),
        ("n01440764,fish\nn01443537,fish\n", "class-names-clash", 'two classes the name "fish"'),
        ("n01440764,n01443537\n", "class-names-clash", "two classes"),
        ("n01440764\n", "class-names-unreadable", "line 1"),
        ("n01440764,\n", "class-names-unreadable", "line 1"),
        ("\0", "class-names-unreadable", "no text"),
        ('{"n01440764": 1}', "class-names-unreadable", "not a JSON object"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_its_line(tmp_path, text, slug, words):
    with pytest.raises(DataError) as caught:
        shown_names(write(tmp_path, text), IDS)
    assert caught.value.slug == slug
    assert words in caught.value.message


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError) as caught:
        shown_names(tmp_path / "no.csv", IDS)
    assert caught.value.slug == "class-names-unreadable"


def test_the_page_the_terminal_and_the_json_show_the_names(tmp_path, table):
    names = write(tmp_path, FORMS["head.csv"])
    reportgen.render(table, out=tmp_path / "o", class_names=names)
    page = (tmp_path / "o" / "report.html").read_text("utf-8")
    assert "great white shark" in page
    found = json.loads((tmp_path / "o" / "report.json").read_text())
    assert tuple(found["classes"]) == NAMES
    assert tuple(found["class_ids"]) == IDS
    assert reportgen.load(tmp_path / "o").classes == NAMES
    again = reportgen.load(table, class_names=dict(PAIRS))
    assert (again.classes, again.class_ids) == (NAMES, IDS)


def test_notes_on_the_counts_use_the_names_and_the_baseline_keeps_its_own(tmp_path):
    never = write(tmp_path, "id,label,prediction\na,x,y\nb,y,y\nc,z,z\n", "never.csv")
    given = {"x": "fox", "y": "dog", "z": "cat"}
    reportgen.render(never, out=tmp_path / "o", class_names=given)
    shown = reportgen.load(tmp_path / "o")
    (note,) = (one for one in shown.notes if one.code == "never-predicted-classes")
    assert "1 class is never predicted: fox;" in note.sentence
    assert note.examples == ("fox",)
    plain = reportgen.compare(tmp_path / "o", never)  # the names of the data again
    (note,) = (one for one in plain.baseline.notes if one.code == "never-predicted-classes")
    assert note.examples == ("x",)


def test_joins_keep_the_names_of_the_data(tmp_path, table):
    names = write(tmp_path, FORMS["head.csv"])
    reportgen.render(table, out=tmp_path / "o", class_names=names)
    better = write(
        tmp_path, TABLE.replace("b,n01440764,n01443537", "b,n01440764,n01440764"), "b.csv"
    )
    paired = reportgen.compare(table, better, class_names=names)
    assert paired.paired.n == 4
    assert paired.candidate.classes == paired.baseline.classes == NAMES
    saved = reportgen.compare(tmp_path / "o", better)  # a report that shows other names
    assert saved.candidate.classes == IDS
    again = reportgen.compare(tmp_path / "o", better, class_names=names)
    assert again.candidate.classes == again.baseline.classes == NAMES


@pytest.mark.parametrize("name", ["n01440764", "tench"])
def test_gates_name_classes_as_the_data_do(tmp_path, table, name):
    gates = tmp_path / "gates.toml"
    gates.write_text(f'[[gate]]\nname = "g"\nmetric = "recall"\nclass = "{name}"\nat_least = 0.9\n')
    names = write(tmp_path, FORMS["head.csv"])
    if name == "tench":
        with pytest.raises(reportgen.errors.UsageError):
            reportgen.render(table, out=tmp_path / "o", class_names=names, gates=gates)
        return
    reportgen.render(table, out=tmp_path / "o", class_names=names, gates=gates)
    found = json.loads((tmp_path / "o" / "report.json").read_text())
    assert found["verdict"] == "DO NOT SHIP"
    assert "tench" in found["checks"][0]["sentence"]
    assert reportgen.check(tmp_path / "o", gates=gates).verdict == "DO NOT SHIP"
