"""``timm:NAME``: timm's own network and its own evaluation transform, and where it comes from."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

import reportgen
from reportgen.errors import ReportgenError
from reportgen.inference.models.loading import load_model
from tests.inference.adapters import Library
from tests.inference.builders import image_tree

timm = Library("timm", "timm")
pytestmark = [pytest.mark.extra, pytest.mark.filterwarnings("ignore")]

NAMES = ("cat", "dog", "ship")


def network(name: str = "test_resnet") -> Any:
    torch.manual_seed(1)
    return timm.create_model(name, num_classes=3).eval()


def checkpoint(path: Path, **more: Any) -> Path:
    state = {"state_dict": network().state_dict(), "arch": "test_resnet", "epoch": 3, **more}
    torch.save(state, path)
    return path


def refused(spec: str, **options: Any) -> ReportgenError:
    with pytest.raises(ReportgenError) as caught:
        load_model(spec, **options)
    return caught.value


def own_transform(**args: Any) -> Any:
    from timm.data import create_transform, resolve_data_config

    settings = resolve_data_config(args, model=network(), use_test_size=True)
    return create_transform(**settings, is_training=False)


def picture() -> Image.Image:
    return Image.radial_gradient("L").convert("RGB").resize((301, 200))


def test_logits_and_pixels_are_timm_s_own_bit_for_bit(tmp_path: Path) -> None:
    loaded = load_model("timm:test_resnet", weights=checkpoint(tmp_path / "w.pth.tar"))
    assert loaded.preprocessing is not None
    ours, theirs = loaded.preprocessing(picture()), own_transform()(picture())
    assert torch.equal(ours, theirs)
    with torch.inference_mode():
        assert torch.equal(loaded.module(ours[None]), network()(theirs[None]))
    assert loaded.n_outputs == 3
    said = loaded.preprocessing.describe()[1]
    assert (
        "by the default of the architecture test_resnet: the checkpoint specifies nothing" in said
    )


@pytest.mark.parametrize(
    ("more", "source"),
    [
        (
            {"data_config": {"input_size": (3, 64, 64), "mean": (0.5, 0.5, 0.5), "crop_pct": 1.0}},
            "data_config in w.pth (crop_pct, input_size, mean)",
        ),
        (
            {"args": argparse.Namespace(img_size=64, mean=[0.5], crop_pct=1.0, std=None, lr=0.1)},
            "the options of the training in w.pth (crop_pct, img_size, mean)",
        ),
    ],
    ids=["data_config", "args"],
)
def test_what_the_checkpoint_says_comes_before_the_default(
    more: dict[str, Any], source: str, tmp_path: Path
) -> None:
    loaded = load_model("timm:test_resnet", weights=checkpoint(tmp_path / "w.pth", **more))
    assert loaded.preprocessing is not None
    theirs = own_transform(input_size=(3, 64, 64), mean=(0.5, 0.5, 0.5), crop_pct=1.0)(picture())
    assert torch.equal(loaded.preprocessing(picture()), theirs)
    assert source in loaded.preprocessing.describe()[1]


def test_the_report_has_the_plain_loop_s_cells_and_says_which_transform(tmp_path: Path) -> None:
    data = image_tree(tmp_path / "data", dict.fromkeys(NAMES, 5), size=(40, 30))
    weights = checkpoint(tmp_path / "w.pth")
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    made = reportgen.run(
        "timm:test_resnet", data, out=tmp_path / "out", weights=weights,
        classes=tmp_path / "names.txt", device="cpu",
    )  # fmt: skip
    counts = [[0] * 3 for _ in NAMES]
    for file in sorted(data.rglob("*.png")):
        with torch.inference_mode():
            logits = network()(own_transform()(Image.open(file).convert("RGB"))[None])
        counts[NAMES.index(file.parent.name)][int(logits.argmax())] += 1
    assert made.confusion.counts.tolist() == counts
    assert "evaluation transform of timm" in made.provenance.preprocessing[1]
    assert made.provenance.versions["timm"] == timm.__version__


def test_a_folder_of_timm_brings_classes_and_its_own_config(tmp_path: Path) -> None:
    from timm.models import save_for_hf

    model = network()
    model.pretrained_cfg = {**model.pretrained_cfg, "mean": (0.1, 0.1, 0.1)}
    save_for_hf(model, str(tmp_path / "net"), safe_serialization=False)
    error = refused(str(tmp_path / "net"))
    assert error.slug == "timm-folder"
    line = (error.hint or "").removeprefix("save it again: ").replace("NEW", str(tmp_path / "net"))
    exec(line, {"timm": timm, "model": model})
    assert load_model(str(tmp_path / "net")).classes is None
    save_for_hf(model, str(tmp_path / "net"), {"label_names": list(NAMES)}, safe_serialization=True)
    loaded = load_model(str(tmp_path / "net"))
    assert loaded.classes == NAMES
    assert loaded.preprocessing is not None
    assert "by the folder's pretrained_cfg" in loaded.preprocessing.describe()[1]
    assert "mean=tensor([0.1000, 0.1000, 0.1000])" in loaded.preprocessing.describe()[-1]
    assert sorted(loaded.facts.files) == ["config.json", "model.safetensors"]
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        assert torch.equal(loaded.module(images), model(images))


def test_wrong_names_and_missing_weights_are_refused(tmp_path: Path) -> None:
    error = refused("timm:test_resnet")
    assert error.slug == "weights-missing"
    weights = checkpoint(tmp_path / "w.pth")
    error = refused("timm:test_resnett", weights=weights)
    assert (error.slug, error.hint) == ("timm-unknown", "did you mean timm:test_resnet?")
    error = refused("timm:test_vit", weights=weights)
    assert error.slug == "weights-mismatch"
    error = refused("timm:test_resnet", weights=weights, model_args={"pretrained": "true"})
    assert error.slug == "model-arg-unknown"
    folder = tmp_path / "net"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"architecture": "test_resnet"}))
    assert refused(str(folder)).slug == "timm-folder"


def test_a_hub_name_is_still_no_file(tmp_path: Path) -> None:
    for name in ("timm:hf-hub:owner/name", "timm:hf_hub:owner/name"):
        assert refused(name).slug == "model-name"


@pytest.mark.parametrize("folder", ["net", "a/net"])
def test_timm_s_name_of_a_folder_leads_to_the_folder(folder: str) -> None:
    error = refused(f"timm:local-dir:{folder}")
    assert (error.slug, error.hint) == ("model-name", f"pass the folder: {folder}")
