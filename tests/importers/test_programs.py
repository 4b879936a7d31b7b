"""What other programs save, through the command line: the right report with at most one option."""

from __future__ import annotations

import io
import json
import shlex
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from reportgen.cli import command
from reportgen.errors import ReportgenError

NAMES = ["cat", "dog", "emu", "fox"]
N = 60


def made():
    """(labels, logits, probabilities, file names), of a model that is mostly right."""
    draw = np.random.default_rng(0)
    labels = draw.integers(0, 4, N)
    logits = draw.normal(size=(N, 4)).astype(np.float32)
    logits[np.arange(N), labels] += 1.5
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return labels, logits, shares, [f"{NAMES[t]}/{i:04d}.jpg" for i, t in enumerate(labels)]


LABELS, LOGITS, SHARES, FILES = made()
BEST = LOGITS.argmax(1)
MATRIX = np.zeros((4, 4), int)
np.add.at(MATRIX, (LABELS, BEST), 1)
TRUE, PREDICTED = [NAMES[i] for i in LABELS], [NAMES[i] for i in BEST]


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pd.DataFrame({"filename": FILES, "label": LABELS}).to_csv("numbers.csv", index=False)
    pd.DataFrame({"filename": FILES, "label": TRUE}).to_csv("names.csv", index=False)
    return tmp_path


def report(words):
    """The report of ``reportgen render`` with these words."""
    told = io.StringIO()
    with redirect_stdout(told), redirect_stderr(told):
        code = command(["render", *shlex.split(words), "-o", "out", "--force"])
    assert code == 0, told.getvalue()
    return json.loads(Path("out/report.json").read_text("utf-8"))


def is_right(words, names=NAMES):
    made = report(words)
    at = [made["classes"].index(name) for name in names]
    found = made["confusion_matrix"]
    counts = np.zeros((len(at), len(at)), int)
    for true, predicted, n in found.get("cells", ()):
        counts[true, predicted] = n
    counts = np.array(found["counts"]) if "counts" in found else counts
    return counts[np.ix_(at, at)].tolist() == MATRIX.tolist()


NUMBERS = ["0", "1", "2", "3"]


def test_arrays_of_transformers(here):
    np.savez("predict.npz", predictions=LOGITS, label_ids=LABELS)
    assert is_right("predict.npz", NUMBERS)
    np.save("predictions.npy", LOGITS)
    np.save("label_ids.npy", LABELS)
    assert is_right("predictions.npy --labels label_ids.npy", NUMBERS)


@pytest.mark.parametrize("metrics", [{}, {"metrics": {"test_loss": 0.3, "test_runtime": 1.5}}])
@pytest.mark.parametrize("predictions", [LOGITS.tolist(), BEST.tolist()])
def test_json_of_transformers(here, metrics, predictions):
    value = {"predictions": predictions, "label_ids": LABELS.tolist(), **metrics}
    Path("predict.json").write_text(json.dumps(value))
    assert is_right("predict.json", NUMBERS)


@pytest.mark.extra
def test_the_output_of_a_trainer(here):
    trainer_utils = pytest.importorskip("transformers.trainer_utils")
    found = trainer_utils.PredictionOutput(LOGITS, LABELS, {"test_loss": 0.3})
    np.savez("output.npz", predictions=found.predictions, label_ids=found.label_ids)
    assert is_right("output.npz", NUMBERS)
    value = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in found._asdict().items()}
    Path("output.json").write_text(json.dumps(value))
    assert is_right("output.json", NUMBERS)


def of_timm(k, *, separate, label):
    """The results of timm's ``inference.py``, by file name."""
    order = np.argsort(-SHARES, 1)[:, :k]
    columns = {"index": order, **({"label": np.array(NAMES)[order]} if label else {})}
    columns["prob"] = np.take_along_axis(SHARES, order, 1)
    frame = pd.DataFrame({"filename": FILES})
    for name, values in columns.items():
        if k == 1:
            frame[name] = values[:, 0]
        elif separate:
            for i in range(k):
                frame[f"{name}_{i}"] = values[:, i]
        else:
            frame[name] = values.tolist()
    return frame.set_index("filename")


SAVED = {
    "csv": lambda frame: frame.to_csv("results.csv"),
    "parquet": lambda frame: frame.to_parquet("results.parquet"),
    "json": lambda frame: frame.to_json("results.json", indent=4, orient="index"),
}


@pytest.mark.parametrize("form", SAVED)
@pytest.mark.parametrize(("k", "separate"), [(1, False), (3, True), (3, False)])
def test_results_of_timm(here, form, k, separate):
    SAVED[form](of_timm(k, separate=separate, label=False))
    assert is_right(f"results.{form} --labels numbers.csv", NUMBERS)


@pytest.mark.parametrize("k", [1, 3])
def test_names_in_results_of_timm(here, k):
    SAVED["csv"](of_timm(k, separate=False, label=True).drop(columns="index"))
    assert is_right("results.csv --labels names.csv")


def test_an_index_that_numbers_the_rows_is_no_class(here):
    frame = pd.DataFrame({"index": range(N), "filename": FILES, "prob": SHARES.max(1)})
    frame.to_csv("results.csv", index=False)
    with pytest.raises(ReportgenError) as caught:
        report("results.csv --labels numbers.csv")
    assert caught.value.slug == "table-columns"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("validate.csv", "model,top1,top1_err,top5,top5_err\nresnet10t,66.5,33.5,100,0\n"),
        (
            "validate.json",
            '[{"model": "resnet10t", "top1": 66.5, "top1_err": 33.5, "top5_err": 0}]',
        ),
        (
            "results.csv",
            "epoch,train/loss,metrics/accuracy_top1,metrics/accuracy_top5\n1,.5,.6,1\n",
        ),
    ],
)
def test_metrics_of_whole_models_are_named(here, name, text):
    Path(name).write_text(text)
    with pytest.raises(ReportgenError) as caught:
        report(name)
    assert (caught.value.slug, "whole models" in caught.value.message) == ("input-report", True)


def test_matrices_and_predictions_of_ultralytics(here):
    turned = [
        {"Predicted": NAMES[i], **{NAMES[j]: int(MATRIX[j, i]) for j in range(4)}} for i in range(4)
    ]
    Path("confusion_matrix.json").write_text(json.dumps(turned))
    pd.DataFrame(turned).to_csv("confusion_matrix.csv", index=False)
    assert is_right("confusion_matrix.json")
    assert is_right("confusion_matrix.csv")
    columns = {"Image Name": FILES, "Prediction": PREDICTED, "Confidence": SHARES.max(1).round(2)}
    pd.DataFrame(columns).to_csv("predictions.csv", index=False)
    assert is_right("predictions.csv --labels names.csv")


TABLE = pd.DataFrame(
    {"image": FILES, "label": TRUE, "prediction": PREDICTED, "score": SHARES.max(1)}
)


def test_the_evaluation_table_of_mlflow(here):
    TABLE.to_json("eval_results_table.json", orient="split", index=False)
    assert is_right("eval_results_table.json")
    pd.DataFrame(MATRIX, NAMES, NAMES).to_csv("confusion_matrix.csv")
    assert is_right("confusion_matrix.csv")


@pytest.mark.extra
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.filterwarnings("ignore:For backward compatibility")
def test_a_table_that_mlflow_logged(here, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow.set_tracking_uri(here.joinpath("runs").as_uri())
    with mlflow.start_run() as run:
        mlflow.log_table(TABLE, "eval_results_table.json")
    (path,) = here.rglob("eval_results_table.json")
    assert run.info.run_id in path.parts
    assert is_right(shlex.quote(str(path)))


def of_wandb(frame):
    return {"columns": list(frame.columns), "data": frame.to_numpy().tolist()}


def test_tables_of_wandb(here):
    value = of_wandb(TABLE)
    value["data"] = [
        [{"_type": "image-file", "path": f"media/images/{row[0]}", "size": 1}, *row[1:]]
        for row in value["data"]
    ]
    Path("a.table.json").write_text(json.dumps(value))
    assert is_right("a.table.json")
    cells = [(NAMES[t], NAMES[p], int(MATRIX[t, p])) for t in range(4) for p in range(4)]
    frame = pd.DataFrame(cells, columns=["Actual", "Predicted", "nPredictions"])
    Path("cm.table.json").write_text(json.dumps(of_wandb(frame), default=int))
    assert is_right("cm.table.json")


@pytest.mark.extra
def test_a_table_that_wandb_logged(here, monkeypatch):
    wandb = pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(project="p", dir=str(here))
    run.log({"test": wandb.Table(dataframe=TABLE)})
    run.finish()
    wandb.teardown()  # else it keeps this folder for the runs of other tests
    path = next(here.rglob("*.table.json"))
    assert is_right(shlex.quote(str(path)))


def test_exports_of_fiftyone(here):
    ids = [file.partition("/")[2].removesuffix(".jpg") for file in FILES]
    for name, places in (("predictions", BEST), ("ground_truth", LABELS)):
        value = {"classes": NAMES, "labels": dict(zip(ids, places.tolist(), strict=True))}
        Path(f"{name}.json").write_text(json.dumps(value))
    assert is_right("predictions.json --labels ground_truth.json")
    with pytest.raises(ReportgenError, match="labels only"):
        report("predictions.json")

    def label(name, confidence=None):
        one = {"_id": {"$oid": "1"}, "_cls": "Classification", "tags": [], "label": name}
        return {**one, "confidence": confidence, "logits": None}

    rows = zip(FILES, TRUE, PREDICTED, SHARES.max(1).tolist(), strict=True)
    samples = [
        {"filepath": f, "tags": [], "ground_truth": label(t), "predictions": label(p, c)}
        for f, t, p, c in rows
    ]
    Path("samples.json").write_text(json.dumps({"samples": samples}))
    assert is_right("samples.json")
    read_as = report("samples.json")["provenance"]["read_as"]
    assert 'confidence "confidence"' in read_as
    frame = TABLE.set_axis(
        ["filepath", "ground_truth.label", "predictions.label", "predictions.confidence"], axis=1
    )
    frame.to_csv("labels.csv", index=False)
    assert is_right("labels.csv")


def test_submissions_to_kaggle(here):
    pd.DataFrame({"id": FILES, "label": PREDICTED}).to_csv("submission.csv", index=False)
    usage = ["Public" if i % 2 else "Private" for i in range(N)]
    pd.DataFrame({"id": FILES, "label": TRUE, "Usage": usage}).to_csv("solution.csv", index=False)
    assert is_right("submission.csv --labels solution.csv")
    pd.DataFrame(SHARES, FILES, NAMES).rename_axis("id").to_csv("scores.csv")
    hot = np.eye(4, dtype=int)[LABELS]
    pd.DataFrame(hot, FILES, NAMES).rename_axis("id").to_csv("one_hot.csv")
    assert is_right("scores.csv --labels solution.csv")
    assert is_right("scores.csv --labels one_hot.csv")


@pytest.mark.parametrize("orient", ["records", "split", "columns", "index", "table"])
def test_tables_of_pandas_in_json(here, orient):
    TABLE.to_json("t.json", orient=orient)
    assert is_right("t.json")


@pytest.mark.parametrize("form", ["csv.gz", "jsonl.gz", "feather", "arrow", "csv", "parts", "keys"])
def test_tables_in_other_files(here, form):
    table, more = TABLE, ""
    if form == "csv.gz":
        table.to_csv("t.csv.gz", index=False)
    elif form == "jsonl.gz":
        table.to_json("t.jsonl.gz", orient="records", lines=True)
    elif form in ("feather", "arrow"):
        table.to_feather(f"t.{form}", compression="lz4")
    elif form == "csv":
        table.to_csv("t.csv", index=False, sep="\t", decimal=",")
        Path("t.csv").rename("t.tsv")
        form, more = "tsv", " --decimal ,"
    else:
        for i in range(3):
            folder = Path("t." + form, f"day={i}" if form == "keys" else "")
            folder.mkdir(parents=True, exist_ok=True)
            table.iloc[20 * i : 20 * i + 20].to_csv(folder / f"part-{i}.csv", index=False)
    assert is_right(f"t.{form}{more}")


def texts_of_ultralytics(folder, files):
    """``save_txt`` of its classification: for each image up to five classes, the best first."""
    folder.mkdir(parents=True)
    for file, shares in zip(files, SHARES, strict=True):
        lines = [f"{shares[k]:.2f} {NAMES[k]}" for k in (-shares).argsort()]
        (folder / f"{Path(file).stem}.txt").write_text("\n".join(lines) + "\n")


@pytest.mark.parametrize("name", ["predict", "predict/labels"])
def test_texts_of_ultralytics_become_a_table_by_the_printed_lines(here, name):
    texts_of_ultralytics(Path("predict/labels"), FILES)
    with pytest.raises(ReportgenError) as caught:
        report(name)
    error = caught.value
    assert (error.slug, "as ultralytics saves them" in error.message) == ("input-kind", True)
    exec("\n".join(line[4:] for line in error.details if line.startswith("    ")), {})
    stems = [Path(file).stem for file in FILES]
    pd.DataFrame({"id": stems, "label": TRUE}).to_csv("truth.csv", index=False)
    words = error.hint.partition("reportgen render ")[2].replace("TABLE", "truth.csv")
    assert is_right(words.partition(" -o OUT")[0])


def test_other_texts_are_no_predictions_of_ultralytics(here):
    Path("notes").mkdir()
    Path("notes/a.txt").write_text("0.98, and more\n")
    with pytest.raises(ReportgenError, match="contains no tables"):
        report("notes")


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("net", b"\x1c\0\0\0TFL3rest", "a TensorFlow Lite model"),
        ("net.onnx", b"\x08\x0a\x12\x07pytorch", "an ONNX model"),
        ("net.engine", b"ftrt", "a TensorRT engine"),
        ("set.tfrecord-00000-of-00002", b"\x20", "a TFRecord file"),
    ],
)
def test_a_model_as_input_is_named(here, name, content, what):
    Path(name).write_bytes(content)
    with pytest.raises(ReportgenError) as caught:
        report(name)
    assert (caught.value.slug, caught.value.message) == (
        "input-kind",
        f'"{name}" is {what}, not predictions',
    )
    assert "reportgen run MODEL DATA -o OUT" in caught.value.hint
