"""Large tables cost what their budget allows: scaled down, as ratios, so on any machine."""

import gc
import time
import tracemalloc

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import reportgen
from benchmarks.saved import random_rows, write_csv, write_parquet
from reportgen.importers import join_metadata, open_predictions
from reportgen.options.importing import InputOptions


def cpu_by_turns(*functions, runs=10):
    """The smallest CPU time of each in some runs, in seconds."""
    taken = [[] for _ in functions]
    for _ in range(runs):
        for function, times in zip(functions, taken, strict=True):
            begun = time.process_time()
            function()
            times.append(time.process_time() - begun)
    return map(min, taken)


def peak(function):
    """The most bytes that Python and numpy held at once."""
    gc.collect()
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shuffled", [False, True])
def test_a_large_csv_costs_a_few_readings_of_pandas_more_than_a_small_one(tmp_path, shuffled):
    for n in (2_000, 200_000):
        write_csv(tmp_path / f"{n}.csv", n, shuffled)
    few, many = tmp_path / "2000.csv", tmp_path / "200000.csv"
    # By turns, so that what else runs here slows all of them.
    small, large, reading = cpu_by_turns(
        lambda: reportgen.load(few), lambda: reportgen.load(many), lambda: pd.read_csv(many)
    )
    assert large - small <= 5 * reading  # the budget is 3, measured on a machine at rest


def test_rows_of_parquet_are_not_held_but_for_their_classes(tmp_path):
    for n in (500_000, 2_000_000):
        write_parquet(tmp_path / f"{n}.parquet", n, 10)
    reportgen.load(tmp_path / "500000.parquet")
    few, many = (
        peak(lambda n=n: reportgen.load(tmp_path / f"{n}.parquet")) for n in (500_000, 2_000_000)
    )
    # Two indices of a byte each, and a copy while they are joined.
    assert many - few <= 8 * 1_500_000


def test_many_classes_cost_no_table_of_their_squares(tmp_path):
    write_parquet(tmp_path / "t.parquet", 50_000, 5_000)
    reportgen.load(tmp_path / "t.parquet")
    assert peak(lambda: reportgen.load(tmp_path / "t.parquet")) < 5_000 * 5_000 * 8 / 2


def test_metadata_of_many_samples_is_held_by_value_and_not_by_object(tmp_path):
    n = 200_000
    labels, predictions, _ = random_rows(n, 10)
    ids = pa.array([f"images/{i:08d}.png" for i in range(n)])
    pq.write_table(
        pa.table({"id": ids, "label": labels, "prediction": predictions}), tmp_path / "p.parquet"
    )
    cameras = pa.array(["north", "south"] * (n // 2))
    table = {"id": ids, "camera": cameras, "url": ids, "lux": np.arange(n, dtype=float)}
    pq.write_table(pa.table(table), tmp_path / "m.parquet")
    rows = open_predictions(tmp_path / "p.parquet", InputOptions(), spool=tmp_path)
    found = join_metadata(rows, tmp_path / "m.parquet")
    sizes = {
        c.name: getattr(c, "places", getattr(c, "every", None)).nbytes
        for c in found.joined.values()
    }
    assert sizes == {"camera": n, "url": 4 * n, "lux": 8 * n}
    texts = sum(len(b["url"]) for b in found.batches("url"))
    assert texts == n
    assert peak(lambda: [None for _ in found.batches("camera", "lux")]) < 20 * n
