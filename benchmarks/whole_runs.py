"""The whole ``reportgen run`` against each library's own loop over the same images, as processes.

The loop decodes, prepares and predicts as the library's documents show it, and counts the matrix;
ours does that too, and writes predictions and report. Both are started anew, in turns; the least
wall time and the least processor time (of all children) count. Networks are random: a second of
reading and drawing weighs the less, the longer a pass takes.
"""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from benchmarks.timing import report

BUDGET = 1.05
N_IMAGES = int(os.environ.get("WHOLE_RUNS_IMAGES", "4000"))
SIDE, CLASSES = 32, 10
LIBRARIES = ("onnx", "onnxruntime", "onnxscript", "timm", "transformers")
READ = """
import sys
from pathlib import Path
import numpy as np
from PIL import Image
files = sorted(Path("test").rglob("*.png"))
names = sorted({file.parent.name for file in files})
labels = [names.index(file.parent.name) for file in files]
counts = np.zeros((10, 10), int)
def batches(size=64):
    for at in range(0, len(files), size):
        some = files[at : at + size]
        yield [Image.open(file).convert("RGB") for file in some], labels[at : at + size]
def count(labels, scores):
    np.add.at(counts, (labels, np.asarray(scores).argmax(1)), 1)
"""
LOOPS = {
    "class folders": """
import torch
from torchvision.transforms import v2
from networks import make
model = make(10).eval()
model.load_state_dict(torch.load("weights.pt"))
prepare = v2.Compose([v2.Resize((128, 128)), v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])
with torch.inference_mode():
    for images, own in batches():
        count(own, model(torch.stack([prepare(image) for image in images])))
""",
    "ONNX": """
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
name = session.get_inputs()[0].name
for images, own in batches():
    sized = [image.resize((128, 128), 2) for image in images]
    pixels = np.stack([np.asarray(image, np.float32) / 255 for image in sized])
    count(own, session.run(None, {name: pixels.transpose(0, 3, 1, 2)})[0])
""",
    "Hugging Face": """
import torch
from transformers import AutoImageProcessor, AutoModelForImageClassification
model = AutoModelForImageClassification.from_pretrained("hf").eval()
processor = AutoImageProcessor.from_pretrained("hf")
with torch.inference_mode():
    for images, own in batches():
        count(own, model(**processor(images, return_tensors="pt")).logits)
""",
    "timm": """
import timm, torch
model = timm.create_model("resnet10t", num_classes=10, checkpoint_path="timm.pth").eval()
config = timm.data.resolve_model_data_config(model, use_test_size=True)
prepare = timm.data.create_transform(**config, is_training=False)
with torch.inference_mode():
    for images, own in batches():
        count(own, model(torch.stack([prepare(image) for image in images])))
""",
}
OURS = {
    "class folders": ["networks.py:make", "--weights", "weights.pt", "--resize", "128x128"],
    "ONNX": ["model.onnx", "--resize", "128x128"],
    "Hugging Face": ["hf"],
    "timm": ["timm:resnet10t", "--weights", "timm.pth"],
}
NETWORKS = """
import torchvision
def make(num_classes):
    return torchvision.models.resnet18(weights=None, num_classes=num_classes)
"""


def main(runs: int) -> None:
    lacking = [name for name in LIBRARIES if find_spec(name) is None]
    if lacking:
        print(f"whole runs: not measured, without {', '.join(lacking)}", flush=True)
        return
    wanted = os.environ.get("WHOLE_RUNS", ",".join(LOOPS)).split(",")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        _make(folder)
        for form in wanted:
            taken: dict[str, list[tuple[float, float]]] = {"ours": [], "theirs": []}
            for _ in range(runs):
                taken["theirs"].append(_timed(partial(_theirs, folder, form)))
                taken["ours"].append(_timed(partial(_ours, folder, form)))
            for at, unit in ((0, "s"), (1, "s of the processor")):
                ours, theirs = (min(one[at] for one in taken[key]) for key in ("ours", "theirs"))
                report(f"whole run, {form}", ours / theirs, BUDGET, ours, theirs, unit)


def _timed(call: Callable[[], None]) -> tuple[float, float]:
    """(wall, CPU) seconds of a child."""
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    call()
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _theirs(folder: Path, form: str) -> None:
    subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ + LOOPS[form]], cwd=folder, check=True,
        env=_environment(folder),
    )  # fmt: skip


def _ours(folder: Path, form: str) -> None:
    model, *options = OURS[form]
    words = ["run", model, "test", "-o", "out", "--force", "--quiet", *options]
    subprocess.run(
        [sys.executable, "-m", "reportgen", *words], cwd=folder, check=True,
        env=_environment(folder), stdout=subprocess.DEVNULL,
    )  # fmt: skip


def _environment(folder: Path) -> dict[str, str]:
    root = str(Path(__file__).resolve().parents[1])
    return {**os.environ, "PYTHONPATH": f"{root}{os.pathsep}{folder}", "HF_HUB_OFFLINE": "1"}


def _make(folder: Path) -> None:
    """Images, and a random network in each format."""
    import timm
    import torch
    import transformers
    from PIL import Image

    rng = np.random.default_rng(0)
    for i in range(N_IMAGES):
        place = folder / "test" / f"class {i % CLASSES}"
        place.mkdir(parents=True, exist_ok=True)
        pixels = rng.integers(0, 255, (SIDE, SIDE, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(place / f"{i:05d}.png")
    (folder / "networks.py").write_text(NETWORKS)
    scope: dict[str, Callable[[int], torch.nn.Module]] = {}
    exec(NETWORKS, scope)  # type: ignore[arg-type]
    torch.manual_seed(0)
    network = scope["make"](CLASSES).eval()
    torch.save(network.state_dict(), folder / "weights.pt")
    torch.onnx.export(
        network, (torch.zeros(2, 3, 128, 128),), folder / "model.onnx", external_data=False,
        dynamic_shapes=({0: torch.export.Dim("batch", min=1)},), verbose=False,
    )  # fmt: skip
    torch.save(
        timm.create_model("resnet10t", num_classes=CLASSES).state_dict(), folder / "timm.pth"
    )
    names = {i: f"class {i}" for i in range(CLASSES)}
    config = transformers.ViTConfig(
        hidden_size=192, num_hidden_layers=8, num_attention_heads=3, intermediate_size=768,
        id2label=names, label2id={name: i for i, name in names.items()},
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(folder / "hf")
    transformers.ViTImageProcessor().save_pretrained(folder / "hf")
