"""A report that is written already, for the trackers."""

from __future__ import annotations

import pytest

import reportgen

GATES = '[[gate]]\nname = "floor"\nmetric = "accuracy"\nat_least = 0.9\n'


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """The folder of a report of two classes, with a gate that failed and a date."""
    root = tmp_path_factory.mktemp("tracked")
    (root / "t.csv").write_text("id,label,prediction\n" + "".join(
        f"{i},{'cat' if i < 10 else 'dog'},{'dog' if i in (0, 1) else 'cat' if i in (10,) else 'cat' if i < 10 else 'dog'}\n"
        for i in range(20)
    ))  # fmt: skip
    (root / "gates.toml").write_text(GATES)
    reportgen.render(
        root / "t.csv", out=root / "out", gates=root / "gates.toml", model_name="net",
        model_version="1.2", data_name="pets", split="test", date="2026-11-29",
    )  # fmt: skip
    (root / "out/predictions.parquet").write_text("names of samples")
    return root / "out"
