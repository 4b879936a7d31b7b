"""Take the inputs of the CIFAR-10 review from the reference data beside the checkout.

`python sample_reports/take_cifar10.py ../shared` runs both networks on the 10,000 test images,
keeps their probabilities as two compact tables, and packs those images alone that the report shows.
Run it again where the report shows others.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import reportgen

HERE = Path(__file__).resolve().parent
TARGET = HERE / "inputs" / "cifar10-review"
SIDES = ("candidate", "baseline")


def take_table(shared: Path, name: str) -> None:
    """The network's probabilities: one row an image, one column a class, float32."""
    with tempfile.TemporaryDirectory() as folder:
        made = reportgen.predict(
            shared / "models" / "cifar10" / f"{name}.pt2",
            shared / "data" / "cifar10" / "test",
            out=Path(folder) / "run",
        )
        table = pq.read_table(Path(folder) / "run" / "predictions.parquet")
    del made
    classes = json.loads(table.schema.metadata[b"reportgen"])["classes"]
    scores = np.array(table["probabilities"].to_pylist(), np.float32)
    columns = {
        "id": table["id"],
        "label": pa.array([classes[i] for i in table["label"].to_pylist()]),
        **{one: scores[:, i] for i, one in enumerate(classes)},
    }
    pq.write_table(
        pa.table(columns),
        TARGET / f"{name}.parquet",
        compression="zstd",
        compression_level=19,
        use_dictionary=["label"],
        column_encoding=dict.fromkeys(classes, "BYTE_STREAM_SPLIT"),
    )


def take_images(shared: Path) -> None:
    """The images that the report asks for, as they are, in one archive whose bytes are stable."""
    sys.path.insert(0, str(HERE))
    import make

    (sample,) = (one for one in make.SAMPLES if one.name == TARGET.name)
    asked: set[str] = set()
    source, *paths = (HERE / "inputs" / path for path in (str(sample.source), *sample.paths.values()))
    others = {name: path for name, path in zip(sample.paths, paths, strict=True) if name != "images"}
    with tempfile.TemporaryDirectory() as folder:
        reportgen.render(source, out=folder, images=asked.add, **sample.options, **others)
    root = shared / "data" / "cifar10" / "test"
    with zipfile.ZipFile(TARGET / "images.zip", "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(asked):
            archive.writestr(zipfile.ZipInfo(name), (root / name).read_bytes())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shared", type=Path, help="folder of the reference data")
    parser.add_argument("--images", action="store_true", help="only the images")
    given = parser.parse_args()
    if not given.images:
        for side in SIDES:
            take_table(given.shared, side)
    take_images(given.shared)
