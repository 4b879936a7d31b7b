"""A folder of Hugging Face as MODEL: the numbers of ``model(**processor(image))``, bit for bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import reportgen
from reportgen.errors import DataError, ModelError, ReportgenError, UsageError
from reportgen.inference.models.loading import load_model
from tests.inference.adapters import Library
from tests.inference.builders import colour_tree, image_tree

transformers = Library("transformers", "hf")
pytestmark = [
    pytest.mark.extra,
    pytest.mark.filterwarnings("ignore"),  # of transformers, about itself
]

NAMES = ("dog", "cat", "ship")  # not the order of the folders


def vit(folder: Path, names: tuple[str, ...] = NAMES, **changes: Any) -> Path:
    """A small ViT with random weights, and its processor."""
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        image_size=16, patch_size=8, initializer_range=2.0, id2label=dict(enumerate(names)),
        label2id={name: i for i, name in enumerate(names)}, **changes,
    )  # fmt: skip
    torch.manual_seed(5)
    network = transformers.ViTForImageClassification(config).eval()
    plain = torch.eye(3)[:, :, None, None].expand(3, 3, 16, 16) * 2 - 1
    with torch.no_grad():  # so that no class has all the images
        network.classifier.bias -= network(plain).logits.mean(0)
    network.save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 16, "width": 16}).save_pretrained(folder)
    return folder


def convnext(folder: Path) -> Path:
    """Of the kind whose processor crops by a share: no option of ours says that."""
    config = transformers.ConvNextConfig(
        hidden_sizes=[4, 8, 8, 8], depths=[1, 1, 1, 1], id2label=dict(enumerate(NAMES)),
        label2id={name: i for i, name in enumerate(NAMES)},
    )  # fmt: skip
    torch.manual_seed(5)
    transformers.ConvNextForImageClassification(config).save_pretrained(folder)
    transformers.ConvNextImageProcessor(size={"shortest_edge": 32}, crop_pct=0.875).save_pretrained(
        folder
    )
    return folder


def edited(folder: Path, **changes: Any) -> Path:
    """Its config with other entries; None takes one out."""
    file = folder / "config.json"
    config = {**json.loads(file.read_text()), **changes}
    file.write_text(json.dumps({k: v for k, v in config.items() if v is not None}))
    return folder


def refused(folder: Path, **options: Any) -> ReportgenError:
    with pytest.raises(ReportgenError) as caught:
        load_model(str(folder), **options)
    return caught.value


@pytest.mark.parametrize("make", [vit, convnext])
def test_logits_are_those_of_the_library_bit_for_bit(make: Any, tmp_path: Path) -> None:
    folder = make(tmp_path / "net")
    data = image_tree(tmp_path / "data", {"cat": 3, "dog": 4, "ship": 2}, size=(37, 51))
    loaded = load_model(str(folder))
    assert loaded.preprocessing is not None
    images = [Image.open(file).convert("RGB") for file in sorted(data.rglob("*.png"))]
    ours = torch.stack([loaded.preprocessing(image) for image in images])
    kind = transformers.AutoModelForImageClassification
    network = kind.from_pretrained(folder, local_files_only=True).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder, local_files_only=True)
    theirs = processor(images=images, return_tensors="pt")
    with torch.inference_mode():
        assert torch.equal(ours, theirs["pixel_values"])
        assert torch.equal(loaded.module(ours), network(**theirs).logits)


def test_the_report_has_the_plain_loop_s_numbers_the_folder_s_classes_and_processor(
    tmp_path: Path,
) -> None:
    folder = vit(tmp_path / "net")
    data = colour_tree(tmp_path / "data", n=6)
    made = reportgen.run(str(folder), data, out=tmp_path / "out", device="cpu")
    network = transformers.AutoModelForImageClassification.from_pretrained(folder).eval()
    processor = transformers.AutoImageProcessor.from_pretrained(folder)
    counts = np.zeros((3, 3), int)
    for file in sorted(data.rglob("*.png")):
        with torch.inference_mode():
            logits = network(
                **processor(Image.open(file).convert("RGB"), return_tensors="pt")
            ).logits
        counts[NAMES.index(file.parent.name), int(logits.argmax())] += 1
    assert made.classes == NAMES
    assert made.confusion.counts.tolist() == counts.tolist()
    assert len({*counts.nonzero()[1].tolist()}) > 1  # a network that tells classes apart
    said = made.provenance
    assert said.classes_source == "config.id2label of the network"
    assert (said.model.kind, said.model.executes_code) == ("Hugging Face folder", False)
    assert sorted(said.model.files) == [
        "config.json", "model.safetensors", "preprocessor_config.json",
    ]  # fmt: skip
    assert said.preprocessing[1].startswith("ViTImageProcessor of net (transformers ")
    assert "size: height 16, width 16" in said.preprocessing
    assert said.versions["transformers"] == transformers.__version__


def test_a_list_of_another_order_is_refused(tmp_path: Path) -> None:
    folder = vit(tmp_path / "net")
    data = image_tree(tmp_path / "data", {"cat": 1, "dog": 1, "ship": 1})
    (tmp_path / "names.txt").write_text("cat\ndog\nship")
    with pytest.raises(DataError) as caught:
        reportgen.predict(str(folder), data, out=tmp_path / "out", classes=tmp_path / "names.txt")
    assert caught.value.slug == "classes-differ"


def test_ten_classes_are_in_the_order_of_numbers_not_of_text(tmp_path: Path) -> None:
    names = tuple(f"class {chr(122 - i)}" for i in range(12))
    assert load_model(str(vit(tmp_path / "net", names))).classes == names


def test_placeholders_are_no_names(tmp_path: Path) -> None:
    folder = vit(tmp_path / "net", ("LABEL_0", "LABEL_1", "LABEL_2"))
    assert load_model(str(folder)).classes is None


def test_code_in_the_folder_is_named_and_not_run(tmp_path: Path) -> None:
    folder = edited(vit(tmp_path / "net"), auto_map={"AutoModel": "modeling_own.Net"})
    (folder / "modeling_own.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')")
    error = refused(folder)
    assert error.slug == "hf-code"
    assert "modeling_own.Net" in error.message
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"architectures": ["ViTModel"]}, "contains ViTModel, not an image classifier"),
        ({"architectures": None}, "contains no named architecture"),
        ({"problem_type": "multi_label_classification"}, "problem_type is multi_label"),
        ({"id2label": {"0": "score"}}, "it has one output"),
    ],
)
def test_heads_that_choose_no_single_class_are_refused(
    changes: dict[str, Any], text: str, tmp_path: Path
) -> None:
    error = refused(edited(vit(tmp_path / "net"), **changes))
    assert error.slug == "hf-head"
    assert text in error.message


def test_a_head_that_is_not_in_the_file_is_refused(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = vit(tmp_path / "net")
    file = folder / "model.safetensors"
    kept = {k: v for k, v in load_file(file).items() if "classifier" not in k}
    save_file(kept, file, metadata={"format": "pt"})
    error = refused(folder)
    assert error.slug == "weights-mismatch"
    assert "classifier.weight" in error.details[0]


def test_a_pickle_is_refused_and_the_printed_lines_make_a_folder_that_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = vit(Path("net"))
    network = transformers.AutoModelForImageClassification.from_pretrained(folder)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    error = refused(folder)
    assert (error.slug, error.hint) == ("hf-pickle", "then pass NEW")
    lines = [line[4:] for line in error.details if line.startswith("    ")]
    exec(compile("\n".join(lines), "hint", "exec"), {})
    again = load_model("NEW")
    assert again.classes == NAMES
    images = torch.zeros(2, 3, 16, 16)
    with torch.inference_mode():
        assert torch.equal(again.module(images), network.eval()(images).logits)


def test_without_a_processor_the_preprocessing_must_be_declared(tmp_path: Path) -> None:
    folder = vit(tmp_path / "net")
    (folder / "preprocessor_config.json").unlink()
    data = image_tree(tmp_path / "data", {"cat": 1, "dog": 1, "ship": 1})
    with pytest.raises(UsageError) as caught:
        reportgen.predict(str(folder), data, out=tmp_path / "out")
    assert caught.value.slug == "preprocessing-needed"
    assert "--resize HxW --mean M --std S" in (caught.value.hint or "")
    made = reportgen.predict(
        str(folder), data, out=tmp_path / "out", resize="16x16", mean="0.5", std="0.5"
    )
    assert made.n_rows == 3


def test_steps_that_are_declared_replace_the_processor_and_a_note_says_so(tmp_path: Path) -> None:
    data = image_tree(tmp_path / "data", {"cat": 1, "dog": 1, "ship": 1})
    made = reportgen.predict(str(vit(tmp_path / "net")), data, out=tmp_path / "out", resize="16x16")
    assert [note.code for note in made.facts.notes if note.severity == "warning"] == [
        "preprocessing-declared"
    ]


def test_weights_do_not_go_with_a_folder(tmp_path: Path) -> None:
    error = refused(vit(tmp_path / "net"), weights=tmp_path / "w.pt")
    assert (error.slug, error.hint) == ("program-with-options", "omit --weights")


def test_a_folder_that_transformers_cannot_read_says_so(tmp_path: Path) -> None:
    folder = vit(tmp_path / "net")
    (folder / "model.safetensors").write_bytes(b"\0" * 64)
    error = refused(folder)
    assert isinstance(error, ModelError)
    assert error.slug == "hf-load"
    assert str(tmp_path) not in str(error)
