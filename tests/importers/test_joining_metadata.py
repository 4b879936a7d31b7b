"""Metadata finds its samples by their ids alone, and nothing is lost without a word."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reportgen
from reportgen.errors import DataError
from reportgen.evaluation import evaluate_predictions
from reportgen.importers import join_metadata, open_predictions
from reportgen.importers import metadata as joining
from reportgen.importers.columns import ids as held
from reportgen.options.importing import InputOptions
from tests.importers.conftest import columns

ROWS = "id,label,prediction\na.png,cat,cat\nb.png,dog,cat\nc.png,dog,dog\nd.png,cat,dog\n"
TABLE = "id,camera,lux\nb.png,south,2.5\nd.png,north,4\na.png,north,1\nc.png,south,3\n"


def joined(box, table=TABLE, name="meta.csv", rows=ROWS, reading=None, **options):
    path = box.write(table, name) if isinstance(table, (str, bytes)) else table
    return join_metadata(box.open(rows, **(reading or {})), path, **options)


def notes(found):
    return {note.code: note for note in found.facts.notes if note.code.startswith("metadata")}


def test_values_find_their_samples_by_id_whatever_the_order(box):
    found = joined(box)
    assert dict(found.metadata) == {"camera": "camera", "lux": "lux"}
    rows = columns(found, "id", "camera", "lux", "label")
    assert rows["id"].tolist() == ["a.png", "b.png", "c.png", "d.png"]
    assert rows["camera"].tolist() == ["north", "south", "south", "north"]
    assert rows["lux"].tolist() == ["1", "2.5", "3", "4"]  # a CSV holds texts; slices read numbers
    assert rows["label"].tolist() == [0, 1, 1, 0]
    assert notes(found)["metadata-joined"].sentence == (
        "meta.csv adds 2 columns to 4 samples, joined by its column id: camera, lux."
    )
    assert found.n_rows == 4
    assert found.facts.provenance.inference["metadata"] == "meta.csv, joined by its column id"
    assert len(found.facts.provenance.inference["metadata SHA-256"]) == 64


@pytest.mark.parametrize("where", ["beside", "inside"])
def test_numbers_with_a_decimal_comma_are_numbers_in_metadata(box, where):
    rows = [f"{i}.png;{'cat' if i % 3 else 'dog'};cat" for i in range(60)]
    lux = ["1.204,5" if i % 2 else "0,5" for i in range(60)]
    path = box.folder / "meta.csv"
    inside = [f"{row};{value}" for row, value in zip(rows, lux, strict=True)]
    beside = ["id;lux", *(f"{i}.png;{value}" for i, value in enumerate(lux))]
    path.write_text("\n".join(beside))
    head, body = ("id;label;prediction;lux", inside)
    table = box.write("\n".join([head, *body] if where == "inside" else [head[:-4], *rows]))
    how = {"delimiter": ";", "decimal": ",", "id_column": "id"}
    found = reportgen.load(table, **how, metadata=path if where == "beside" else None)
    parts = {s.part.text: s.n for s in found.slices.slices if s.column == "lux"}
    assert parts == {"0.5": 30, "1204.5": 30}


def test_slices_are_made_of_joined_columns(box):
    report = evaluate_predictions(joined(box)).slices
    camera = {s.part.text: s.accuracy.value for s in report.slices if s.column == "camera"}
    assert camera == {"north": 0.5, "south": 0.5}


def test_predictions_of_our_own_are_joined_too(box):
    from tests.test_predictions import finished

    path = finished(box.folder, "predictions", [["x/1.png", "x/2.png"]])
    table = box.write("path,camera\nx/2.png,south\nx/1.png,north\n", "meta.csv")
    found = join_metadata(open_predictions(path, InputOptions(), spool=box.spool), table)
    assert columns(found, "camera")["camera"].tolist() == ["north", "south"]
    assert found.has_confidence
    assert not found.has_probabilities


@pytest.mark.parametrize("form", ["csv", "tsv", "semicolons", "utf-16", "parquet", "dictionary", "parts", "jsonl", "npz"])  # fmt: skip
def test_every_format_says_the_same(box, form):
    ids, cameras = ["d.png", "b.png", "a.png"], ["n", None, "s"]
    frame = pd.DataFrame({"id": ids, "camera": cameras, "lux": [4.0, 2.5, np.nan]})
    path, options = box.folder / f"meta.{form}", {}
    if form == "csv":
        frame.to_csv(path, index=False)
    elif form == "tsv":
        frame.to_csv(path, index=False, sep="\t")
    elif form == "semicolons":
        path = box.folder / "meta.csv"  # nobody has to say so
        frame.to_csv(path, index=False, sep=";")
    elif form == "utf-16":
        path, options = box.folder / "meta.csv", {"text": InputOptions(encoding="utf-16")}
        frame.to_csv(path, index=False, encoding="utf-16")
    elif form == "parquet":
        frame.to_parquet(path)
    elif form == "dictionary":
        path = box.folder / "meta.parquet"
        frame.astype({"camera": "category"}).to_parquet(path)
    elif form == "parts":
        path.mkdir()
        for i in range(3):
            frame.iloc[[i]].astype({"camera": str}).where(frame.notna(), None).to_parquet(
                path / f"{i}.parquet",
                index=False,
                schema=pa.schema({"id": pa.string(), "camera": pa.string(), "lux": pa.float64()}),
            )
    elif form == "jsonl":
        frame.to_json(path, orient="records", lines=True)
    else:
        np.savez(path, id=ids, camera=["n", "", "s"], lux=frame.lux.to_numpy())
    found = joined(box, path, **options)
    rows = columns(found, "camera", "lux")
    assert rows["camera"].tolist() == ["s", "", "", "n"]
    lux = [float(x) if x != "" else np.nan for x in rows["lux"].tolist()]
    assert lux == pytest.approx([np.nan, 2.5, np.nan, 4.0], nan_ok=True)
    assert notes(found)["metadata-missing"].examples == ("c.png",)


def test_samples_without_a_row_and_rows_without_a_sample_are_counted_and_named(box):
    found = joined(box, "id,camera\na.png,north\nz.png,west\ny.png,west\n")
    assert columns(found, "camera")["camera"].tolist() == ["north", "", "", ""]
    assert notes(found)["metadata-missing"].sentence == (
        "3 samples of 4 have no row in meta.csv: all its columns are missing there, such as for "
        "b.png, c.png, d.png."
    )
    assert notes(found)["metadata-missing"].severity == "warning"
    assert notes(found)["metadata-missing"].count == 3
    unused = notes(found)["metadata-unused"]
    assert (unused.count, unused.examples) == (2, ("z.png", "y.png"))
    assert (
        unused.sentence == "2 rows of meta.csv belong to no sample and are not used: z.png, y.png."
    )


def test_no_more_than_ten_examples_are_kept(box, monkeypatch):
    monkeypatch.setattr(joining, "NARROW_ROWS", 3)
    monkeypatch.setattr("reportgen.importers.table_predictions.NARROW_ROWS", 3)
    body = "".join(f"{i},cat,cat\n" for i in range(30))
    found = joined(
        box,
        "id,camera\n0,n\n" + "".join(f"x{i},n\n" for i in range(20)),
        rows="id,label,prediction\n" + body,
    )
    assert notes(found)["metadata-missing"].examples == tuple(map(str, range(1, 11)))
    assert notes(found)["metadata-missing"].count == 29
    assert len(notes(found)["metadata-unused"].examples) == 10
    assert notes(found)["metadata-unused"].count == 20


@pytest.mark.parametrize(
    ("table", "options", "slug", "words"),
    [
        ("id,camera\na.png,n\nb.png,n\na.png,s\n", {}, "metadata-repeated", "line 2 and line 4"),
        ("id,camera\n,n\n,s\n", {}, "metadata-repeated", 'the id ""'),
        ("id,camera\n/data/a.png,n\n/data/b.png,n\n", {}, "metadata-ids", '"/data/a.png"'),
        ("id,camera\n", {}, "metadata-ids", "no rows"),
        ("id\na.png\n", {}, "metadata-empty", "no column besides"),
        ("key,camera\na.png,n\n", {}, "table-columns", "--metadata-id NAME"),
        ("id,camera\na.png,n\n", {"id_column": "kye"}, "table-columns", "--metadata-id"),
    ],
)
def test_a_table_that_can_not_be_joined_is_refused(box, table, options, slug, words):
    with pytest.raises(DataError) as caught:
        joined(box, table, **options)
    assert caught.value.slug == slug
    assert words in str(caught.value)
    if slug == "metadata-ids":
        assert '"a.png"' in str(caught.value)


def test_row_numbers_are_no_ids(box):
    with pytest.raises(DataError, match="--id-column") as caught:
        joined(box, "id,camera\n0,n\n1,s\n", rows="label,prediction\ncat,cat\ndog,cat\n")
    assert caught.value.slug == "metadata-ids"


def test_the_column_of_ids_is_named_or_called_as_in_the_predictions(box):
    rows = ROWS.replace("id,", "key,")
    table = "id,key,site,camera\n1,a.png,x.png,n\n2,b.png,y.png,s\n"
    found = joined(box, table, rows=rows, reading={"id_column": "key"})
    assert columns(found, "camera")["camera"].tolist() == ["n", "s", "", ""]
    assert set(found.metadata) == {"id (in meta.csv)", "site", "camera"}
    table = table.replace("key", "no").replace("site", "picture").replace("x.png", "d.png")
    named = joined(box, table, rows=rows, reading={"id_column": "key"}, id_column="picture")
    assert columns(named, "camera")["camera"].tolist() == ["", "", "", "n"]


def test_a_column_that_the_predictions_have_too_stands_beside_theirs(box):
    rows = (
        ROWS.replace("prediction\n", "prediction,camera\n")
        .replace("cat\n", "cat,top\n")
        .replace("dog\n", "dog,side\n")
    )
    found = joined(box, TABLE.replace("lux", "label"), rows=rows)
    assert dict(found.metadata) == {
        "camera": "camera", "camera (in meta.csv)": "camera", "label (in meta.csv)": "label",
    }  # fmt: skip
    both = columns(found, "camera", "camera (in meta.csv)", "label", "label (in meta.csv)")
    assert both["camera"].tolist() == ["top", "top", "side", "side"]
    assert both["camera (in meta.csv)"].tolist() == ["north", "south", "south", "north"]
    assert both["label"].tolist() == [0, 1, 1, 0]
    assert both["label (in meta.csv)"].tolist() == ["1", "2.5", "3", "4"]


def test_a_second_table_is_joined_to_the_first(box):
    second = box.write("id,camera\nc.png,west\n", "second.csv")
    found = join_metadata(joined(box), second)
    rows = columns(found, "camera", "camera (in second.csv)", "lux")
    assert rows["camera"].tolist() == ["north", "south", "south", "north"]
    assert rows["camera (in second.csv)"].tolist() == ["", "", "west", ""]


def test_numbers_and_truths_keep_their_kind(box):
    table = pa.table(
        {"id": ["c.png", "a.png"], "lux": [3, None], "flash": [True, None], "day": pa.array([1, 2], pa.date32()),
         "box": [[1.0], [2.0]], "": ["p", "q"]}
    )  # fmt: skip
    table = table.rename_columns(["id", "lux", "flash", "day", "box", "Unnamed: 0"])
    pq.write_table(table, box.folder / "meta.parquet")
    found = joined(box, box.folder / "meta.parquet")
    rows = columns(found, "lux", "flash")
    assert rows["lux"].dtype == np.float64
    assert rows["lux"].tolist() == pytest.approx([np.nan, np.nan, 3, np.nan], nan_ok=True)
    assert rows["flash"].tolist() == ["", "", "true", ""]
    assert notes(found)["metadata-left-out"].examples == ("day", "box", "Unnamed: 0")


def test_only_the_wrong_rows_are_given_where_those_are_asked_for(box):
    found = joined(box)
    rows = columns(found, "id", "camera", wrong_only=True)
    assert rows["id"].tolist() == ["b.png", "d.png"]
    assert rows["camera"].tolist() == ["south", "north"]
    assert columns(found, "id", wrong_only=True)["id"].tolist() == ["b.png", "d.png"]


def test_rows_that_are_left_out_of_the_predictions_shift_nothing(box):
    rows = ROWS.replace("b.png,dog", "b.png,unsure")
    found = joined(box, rows=rows, reading={"ignore_label": "unsure"})
    assert columns(found, "camera")["camera"].tolist() == ["north", "south", "north"]
    assert notes(found)["metadata-unused"].examples == ("b.png",)


def test_ids_are_joined_as_the_report_shows_them(box):
    rows = box.write('id,label,prediction\n"a\nb",cat,cat\n', "rows.csv")
    found = joined(box, 'id,camera\n"a\nb",north\n', rows=rows)
    assert columns(found, "camera")["camera"].tolist() == ["north"]
    with pytest.raises(DataError) as caught:
        joined(box, 'id,camera\n"a\nb",north\na\\nb,south\n', rows=rows)
    assert caught.value.slug == "metadata-repeated"
    assert "\n" not in caught.value.message


ABSOLUTE = "path,camera\n/mnt/val/x/a.png,north\n/mnt/val/x/b.png,south\n"
SHORT = "id,label,prediction\nx/a.png,cat,cat\nx/b.png,dog,cat\n"


def test_ids_are_matched_by_their_ending_where_that_is_asked_for(box):
    """The hint of the refusal works, and the note says how."""
    with pytest.raises(DataError) as caught:
        joined(box, ABSOLUTE, rows=SHORT)
    assert caught.value.slug == "metadata-ids"
    assert caught.value.hint == "match them by the last 2 parts of the path: --ids-by-ending"
    found = joined(box, ABSOLUTE, rows=SHORT, by_ending=True)
    assert columns(found, "camera")["camera"].tolist() == ["north", "south"]
    assert "matched by the last 2 parts" in notes(found)["metadata-joined"].sentence


def test_the_option_reaches_the_join(box):
    import reportgen

    rows, table = box.write(SHORT, "p.csv"), box.write(ABSOLUTE, "meta.csv")
    found = reportgen.render(rows, out=box.folder / "o", metadata=table, ids_by_ending=True)
    assert {one.part.text for one in found.slices.slices} == {"north", "south"}
    assert found.provenance.command.count("--ids-by-ending") == 1


def test_a_sample_that_stands_in_two_rows_is_refused(box):
    with pytest.raises(DataError, match='the id "a.png" appears in two rows'):
        joined(box, rows=ROWS + "a.png,cat,dog\n")


def test_a_table_with_nothing_to_count_joins_nothing(box):
    found = joined(box, rows="id,label,prediction\n")
    assert found.n_rows == 0
    assert list(notes(found)) == ["metadata-joined", "metadata-unused"]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 30), max_size=40, unique=True),
    st.dictionaries(st.integers(0, 30), st.sampled_from(["x", "y", "", "NA", "ß"]), max_size=30),
    st.sampled_from([1, 2, 1 << 16]),
    st.sampled_from([1, 3, 1 << 17]),
)
def test_the_join_is_that_of_a_dictionary(tmp_path_factory, samples, known, few, n_rows):
    folder = tmp_path_factory.mktemp("join")
    (folder / "spool").mkdir()
    texts = {"id": [f"s{i}" for i in samples], "label": ["0"] * len(samples)}
    pq.write_table(pa.table({**texts, "prediction": texts["label"]}, schema=pa.schema(
        [(n, pa.string()) for n in ("id", "label", "prediction")])), folder / "rows.parquet")  # fmt: skip
    table = pa.table({"id": [f"s{i}" for i in known], "camera": list(known.values()), "n": list(map(float, known))},
                     schema=pa.schema([("id", pa.string()), ("camera", pa.string()), ("n", pa.float64())]))  # fmt: skip
    pq.write_table(table, folder / "meta.parquet")
    rows = open_predictions(folder / "rows.parquet", InputOptions(), spool=folder / "spool")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(held, "_FEW", few)
        patch.setattr(held, "NARROW_ROWS", n_rows)
        patch.setattr(joining, "NARROW_ROWS", n_rows)
        patch.setattr("reportgen.importers.table_predictions.NARROW_ROWS", n_rows)
        if samples and not set(samples) & set(known):
            with pytest.raises(DataError, match="no id is the same"):
                join_metadata(rows, folder / "meta.parquet")
            return
        found = join_metadata(rows, folder / "meta.parquet")
        batches = list(found.batches("camera", "n", "id"))
    cameras = [x for b in batches for x in b["camera"].tolist()]
    assert cameras == [known.get(i, "") for i in samples]
    numbers = [x for b in batches for x in b["n"].tolist()]
    assert numbers == pytest.approx([i if i in known else np.nan for i in samples], nan_ok=True)
