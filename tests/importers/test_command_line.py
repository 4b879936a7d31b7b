"""Tables in the wild through ``reportgen render``: right numbers, or a question; never another end."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pandas as pd
import pytest

from reportgen.cli import command
from reportgen.errors import ReportgenError

NAMES = ["cat", "dog", "bird"]
COUNTS = np.array([[40, 9, 1], [3, 30, 7], [2, 0, 58]])
PAIRS = [(NAMES[i], NAMES[j]) for i in range(3) for j in range(3) for _ in range(COUNTS[i, j])]
ORDER = [2, 0, 1]


def matrix(cells=COUNTS, rows=NAMES, columns=NAMES, corner="", mark=","):
    lines = [mark.join([corner, *columns])]
    lines += [mark.join([row, *map(str, line)]) for row, line in zip(rows, cells, strict=True)]
    return "\n".join(lines) + "\n"


def samples(head="label,prediction", cells=lambda t, p: (t, p), mark=",", pairs=PAIRS):
    lines = [head.replace(",", mark), *(mark.join(map(str, cells(t, p))) for t, p in pairs)]
    return "\n".join(lines) + "\n"


def long(head, cells=lambda t, p, n: (t, p, n)):
    rows = [cells(NAMES[i], NAMES[j], COUNTS[i, j]) for i in range(3) for j in range(3)]
    return "\n".join([head, *(",".join(map(str, row)) for row in rows)]) + "\n"


def scored(t, p):
    return (t, *(0.8 if name == p else 0.1 for name in NAMES))


FRAME = pd.DataFrame(COUNTS, NAMES, NAMES)
SUMS = np.block([[COUNTS, COUNTS.sum(1)[:, None]], [COUNTS.sum(0), COUNTS.sum()]])
EDGE = [*NAMES, "Total"]
COMMA = {"cat": "1", "dog": "2", "bird": "3"}

VARIANTS = {
    **{f"matrix-{c}": matrix(corner=c) for c in ("", "label", "true\\predicted", "Actual", "Actual ↓ Predicted →", "y_true")},
    **{f"turned-{c}": matrix(COUNTS.T, corner=c) for c in ("prediction", "pred\\true", "Predicted / Actual", "Predicted class")},
    "columns-permuted": matrix(COUNTS[:, ORDER], columns=[NAMES[i] for i in ORDER]),
    "rows-permuted": matrix(COUNTS[ORDER], [NAMES[i] for i in ORDER]),
    "prefixes": matrix(rows=[f"true_{n}" for n in NAMES], columns=[f"pred_{n}" for n in NAMES]),
    "prefixes-turned": matrix(COUNTS.T, [f"Predicted {n}" for n in NAMES], [f"Actual {n}" for n in NAMES]),
    "totals": matrix(SUMS, EDGE, EDGE),
    "totals-of-rows": matrix(SUMS[:3], NAMES, EDGE),
    "totals-named-else": matrix(SUMS, [*NAMES, "Gesamt"], [*NAMES, "Gesamt"]),
    "floats": matrix(COUNTS.astype(float)),
    "semicolons": (matrix(mark=";"), "--delimiter ;"),
    "tabs": ("m.tsv", matrix(mark="\t")),
    "printed": ("m.txt", FRAME.to_string()),
    "blank-end": matrix() + ",,,\n",
    "half": matrix(COUNTS / 2),
    "weights": matrix(COUNTS + 0.25),
    "typo": matrix().replace("30", "3o"),
    "negative": matrix().replace("30", "-30"),
    "huge": matrix().replace("30", "9" * 400),
    "percent": matrix([[f"{100 * c / sum(r):.1f}%" for c in r] for r in COUNTS]),
    "shares": matrix((COUNTS / COUNTS.sum(1, keepdims=True)).round(3)),
    "metrics-beside": matrix(np.hstack([COUNTS, COUNTS[:, :1]]), columns=[*NAMES, "recall"]),
    "metric-report": "class,precision,recall,f1-score,support\ncat,.9,.8,.85,50\ndog,.7,.8,.75,40\n",
    "json-classes": ("m.json", json.dumps({"classes": NAMES, "counts": COUNTS.tolist()})),
    "json-inside": ("m.json", json.dumps({"test": {"labels": NAMES, "confusion_matrix": COUNTS.tolist()}})),
    "json-supercells": ("m.json", json.dumps({"labels": NAMES, "supercells": COUNTS.tolist()})),
    "json-split": ("m.json", FRAME.to_json(orient="split")),
    "json-tight": ("m.json", json.dumps({**FRAME.to_dict("tight"), "index_names": ["true"]}, default=int)),
    "json-ragged": ("m.json", json.dumps({"index": NAMES, "columns": NAMES[::-1], "data": [[1, 2, 3], [4], [5, 6, 7]]})),
    "json-nested": ("m.json", FRAME.to_json()),
    "json-rows": ("m.json", json.dumps(COUNTS.tolist()), ["0", "1", "2"]),
    **{f"long-{h}": long(h) for h in ("label,prediction,count", "true,predicted,n", "Actual,Predicted,nPredictions", "Reference,Prediction,Freq", "y_true,y_pred,size")},
    "long-turned": long("count,Prediction,Reference", lambda t, p, n: (n, p, t)),
    "long-unknown-word": long("label,prediction,elephants"),
    "long-with-totals": long("label,prediction,count") + "Total,Total,150\n",
    "long-repeated": long("label,prediction,count") + "cat,cat,40\n",
    **{f"samples-{h}": samples(h) for h in ("label,prediction", "y_true,y_pred", "Ground Truth,Predicted", "trueLabel,predictedLabel", "target,output", "gt,pred")},
    "samples-turned": samples("prediction,label", lambda t, p: (p, t)),
    "samples-tab": ("s.tsv", samples(mark="\t")),
    "samples-semicolon": samples(mark=";"),
    "samples-tensor": samples(cells=lambda t, p: (f"tensor({COMMA[t]})", f"[{COMMA[p]}]")),
    "samples-one-based": samples(cells=lambda t, p: (COMMA[t], COMMA[p])),
    "samples-shifted": samples(cells=lambda t, p: (COMMA[t], int(COMMA[p]) - 1)),
    "samples-case": samples(cells=lambda t, p: (t, p.upper())),
    "samples-names-numbers": samples(cells=lambda t, p: (t, COMMA[p])),
    "samples-splits": samples("label,prediction,split", lambda t, p: (t, p, "train" if t == "cat" else "test")),
    "samples-models": samples("label,prediction,model", lambda t, p: (t, p, "a")) + samples("", lambda t, p: (t, t, "b")).lstrip(),
    "samples-several": samples(cells=lambda t, p: (f"{t}|dog", p)),
    "samples-blank": samples(cells=lambda t, p: (t, "" if p == "dog" else p)),
    "samples-two-labels": samples("label,target,prediction", lambda t, p: (t, t, p)),
    "samples-no-header": samples("cat,cat"),
    "samples-digits": samples(cells=lambda t, p: (t + "7" * 5000, p + "7" * 5000)),
    "samples-cut": samples()[:-1] + ",x",
    "scores-named": samples("label," + ",".join(NAMES), scored),
    "scores-prob": samples("label," + ",".join(f"prob_{n}" for n in NAMES), scored),
    "scores-percent": samples("label," + ",".join(f"prob_{n}" for n in NAMES), lambda t, p: (t, *(f"{100 * v:.0f}%" for v in scored(t, p)[1:]))),
    "scores-of-ranks": samples("label,score_1,score_2,score_3", lambda t, _: (t, 0.8, 0.15, 0.05)),
    "top-k": samples("label,index_0,index_1,prob_0,prob_1", lambda t, p: (t, p, "cat" if p != "cat" else "dog", 0.8, 0.1)),
    "jsonl": ("s.jsonl", "".join(json.dumps({"label": t, "prediction": p}) + "\n" for t, p in PAIRS)),
    "json-records": ("s.json", json.dumps([{"label": t, "prediction": p} for t, p in PAIRS])),
    "html": "<html><table><tr><td>1</td></tr></table></html>",
    "empty": "",
}  # fmt: skip


def turned_to(kind):
    """(file name, text, class names, options) of a variant."""
    found = VARIANTS[kind]
    if isinstance(found, str):
        return "t.csv", found, NAMES, []
    if found[1].startswith("--"):
        return "t.csv", found[0], NAMES, found[1].split()
    return found[0], found[1], found[2] if len(found) > 2 else NAMES, []


@pytest.mark.slow
@pytest.mark.parametrize("kind", VARIANTS)
def test_a_table_in_the_wild_is_right_or_asked_about(tmp_path, kind):
    name, text, names, options = turned_to(kind)
    path = tmp_path / name
    path.write_text(text, "utf-8")
    told, code = io.StringIO(), 0
    with redirect_stdout(told), redirect_stderr(told):
        try:
            code = command(["render", str(path), "-o", str(tmp_path / "out"), *options])
        except ReportgenError as error:
            assert error.exit_code in (2, 3), error
            assert error.hint or error.details, error
            return
    assert code == 0, told.getvalue()
    found = json.loads((tmp_path / "out/report.json").read_text("utf-8"))
    at = [place_of(name, number, found["classes"]) for number, name in enumerate(names)]
    if found["shares_over"] is None:
        counts = np.array(found["confusion_matrix"]["counts"])
        assert counts[np.ix_(at, at)].tolist() == COUNTS.tolist(), told.getvalue()
        assert found["summary"]["accuracy"]["value"] == pytest.approx(128 / 150)
    else:
        assert found["summary"]["accuracy"]["value"] is None
        assert found["summary"]["balanced_accuracy"]["value"] == pytest.approx(0.8389, abs=1e-3)


def place_of(name, number, classes):
    """The place of a class that the variants call by its name, with digits, or by its number."""
    spellings = (name, name + "7" * 5000, str(number + 1))
    return next(i for spelling in spellings for i, one in enumerate(classes) if one == spelling)


RIGHT_AT_ONCE = {
    "matrix-", "matrix-label", "turned-prediction", "prefixes", "totals", "tabs", "printed",
    "json-classes", "json-supercells", "json-tight", "long-label,prediction,count",
    "samples-label,prediction", "samples-turned", "scores-named", "top-k", "jsonl",
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("kind", sorted(RIGHT_AT_ONCE))
def test_a_usual_table_is_not_asked_about(tmp_path, kind):
    name, text, _, options = turned_to(kind)
    (tmp_path / name).write_text(text, "utf-8")
    with redirect_stdout(io.StringIO()), redirect_stderr(io.StringIO()):
        assert command(["render", str(tmp_path / name), "-o", str(tmp_path / "out"), *options]) == 0


PRINTS_ITS_READERS = """
import sys
from reportgen.cli import command
command(["render", sys.argv[1], "-o", sys.argv[2], "-q"])
print(*[name for name in sys.modules if name.startswith("reportgen.")], sep="\\n")
"""


def test_a_matrix_in_text_loads_no_other_reader(tmp_path):
    (tmp_path / "m.csv").write_text(matrix(), "utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", PRINTS_ITS_READERS, tmp_path / "m.csv", tmp_path / "out"],
        capture_output=True,
        text=True,
        check=True,
    )
    loaded = set(ran.stdout.split())
    assert "reportgen.importers.matrices.printed" in loaded
    here = "reportgen.importers."
    others = ("formats.opening", "formats.arrays", "formats.arrow", "formats.folders", "formats.json",
              "formats.parquet", "ground_truth", "image_tables", "matrices.array", "matrices.json",
              "opening", "sample_lists", "shards", "table_predictions")  # fmt: skip
    assert [name for name in loaded if name.startswith(tuple(here + one for one in others))] == []
    assert [name for name in loaded if name.startswith("reportgen.inference")] == []
