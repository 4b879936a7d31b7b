"""Inputs, here and in a bucket."""

from __future__ import annotations

import pytest

import reportgen
from tests.storage.servers import s3_server

ROWS = "id,label,prediction,confidence\n" + "".join(
    f"{i:03},{('cat', 'dog', 'owl')[i % 3]},{('cat', 'dog', 'owl')[(i // 7 if i % 5 == 0 else i) % 3]},"
    f"{0.5 + i / 400}\n"
    for i in range(100)
)  # fmt: skip


@pytest.fixture
def bucket(monkeypatch):
    with s3_server(monkeypatch) as found:
        yield found


@pytest.fixture
def tables(tmp_path):
    """A CSV, Parquet of another program, and predictions of ours, in ``here``."""
    import pandas as pd
    import pyarrow.parquet as pq

    here = tmp_path / "here"
    here.mkdir()
    (here / "val.csv").write_text(ROWS)
    frame = pd.read_csv(here / "val.csv", dtype={"id": str})
    frame.to_parquet(here / "val.parquet")
    (here / "parts").mkdir()
    for at in range(3):
        frame[at::3].to_parquet(here / f"parts/part-{at}.parquet")
    for split in ("a", "b"):
        (here / f"hive/side={split}").mkdir(parents=True)
        frame[: 50 if split == "a" else 100][-50:].to_parquet(here / f"hive/side={split}/0.parquet")
    from reportgen.options import EvaluationOptions, InputOptions
    from reportgen.predictions import write_slim
    from reportgen.review import load_input

    (here / "spool").mkdir()
    rows = load_input(
        here / "val.csv", InputOptions(), EvaluationOptions(), here / "spool", rows_first=True
    ).rows
    write_slim(rows, here / "ours.parquet")
    assert pq.read_metadata(here / "ours.parquet").num_rows == 100
    reportgen.render(here / "val.csv", out=here / "report")
    return here
