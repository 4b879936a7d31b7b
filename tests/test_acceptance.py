"""Real networks on real photographs: the numbers are those of a plain loop."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

import reportgen
from reportgen.inference.user_code import load_object

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(shared):
    return shared("data/cifar10/test")


@pytest.fixture(scope="module")
def photographs(folder):
    """Label → pixels, uint8, shape (n, 32, 32, 3), as anyone would read them."""
    names = sorted(path.name for path in folder.iterdir())
    return [
        np.stack([np.asarray(Image.open(p).convert("RGB")) for p in sorted((folder / n).iterdir())])
        for n in names
    ]


def plain_loop(model, photographs):
    """The counts as anyone would make them: no reportgen but its answer to be checked."""
    counts = np.zeros((10, 10), int)
    with torch.inference_mode():
        for label, pixels in enumerate(photographs):
            for some in np.split(pixels, range(125, len(pixels), 125)):
                batch = torch.from_numpy(some).permute(0, 3, 1, 2).float() / 255
                np.add.at(counts, (label, model(batch).argmax(1).numpy()), 1)
    return counts


def test_an_exported_program_on_10000_photographs(shared, folder, photographs, tmp_path):
    evaluation = reportgen.run(shared("models/cifar10/candidate.pt2"), folder, out=tmp_path / "out")
    network = load_object(f"{shared('models/cifar10/networks.py')}:candidate", "model").obj()
    network.load_state_dict(torch.load(shared("models/cifar10/candidate.pt"), weights_only=True))
    expected = plain_loop(network.eval(), photographs)
    np.testing.assert_array_equal(evaluation.confusion.counts, expected)
    saved = json.loads((tmp_path / "out/report.json").read_text())
    assert saved["confusion_matrix"]["counts"] == expected.tolist()
    assert saved["summary"]["accuracy"]["value"] == np.trace(expected) / 10_000
    assert (tmp_path / "out/report.html").stat().st_size <= 1_000_000


def test_a_factory_with_weights_on_10000_photographs(shared, folder, photographs, tmp_path):
    networks = shared("models/cifar10/networks.py")
    weights = shared("models/cifar10/baseline.pt")
    evaluation = reportgen.run(
        f"{networks}:baseline", folder, weights=weights, out=tmp_path / "out"
    )
    network = load_object(f"{networks}:baseline", "model").obj()
    network.load_state_dict(torch.load(weights, weights_only=True))
    np.testing.assert_array_equal(
        evaluation.confusion.counts, plain_loop(network.eval(), photographs)
    )
