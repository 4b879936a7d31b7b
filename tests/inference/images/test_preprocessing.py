"""Declared preprocessing equals torchvision's to the last bit, and says what it does."""

from __future__ import annotations

import math
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torchvision.models import get_weight
from torchvision.transforms import InterpolationMode, v2

from reportgen.errors import ModelError, UsageError
from reportgen.inference.images.preprocessing import NotPrepared, Preprocessing, Steps
from reportgen.options.run import Options

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SIZES = [(32, 32), (48, 64), (65, 33), (1, 50), (50, 1), (7, 224), (225, 301)]


def picture(width: int, height: int) -> Image.Image:
    pixels = np.random.default_rng(width * 1000 + height).integers(0, 256, (height, width, 3))
    return Image.fromarray(pixels.astype(np.uint8))


def made(**options: Any) -> Preprocessing:
    return Preprocessing.from_options(Options(**options))


def transform_file(folder: Path, body: str) -> str:
    path = folder / "prepare.py"
    path.write_text(f"import torch\nimport numpy as np\n{body}\n", encoding="utf-8")
    return f"{path}:prepare"


def reference(*steps: Any) -> Callable[[Image.Image], torch.Tensor]:
    compose: Callable[[Image.Image], torch.Tensor] = v2.Compose(
        [*steps, v2.PILToTensor(), v2.ToDtype(torch.float32, scale=True)]
    )
    return compose


CASES: dict[str, tuple[dict[str, Any], list[Any]]] = {
    "nothing": ({}, []),
    "shorter side": ({"resize": "40"}, [v2.Resize(40, antialias=True)]),
    "exact size": ({"resize": "30x50"}, [v2.Resize((30, 50), antialias=True)]),
    "crop": ({"crop": "28"}, [v2.CenterCrop(28)]),
    "crop of two sides": ({"crop": "27x40"}, [v2.CenterCrop((27, 40))]),
    "resize and crop": ({"resize": "41", "crop": "32"}, [v2.Resize(41), v2.CenterCrop(32)]),
    "grey": ({"grayscale": True, "resize": "20"}, [v2.Resize(20), v2.Grayscale(1)]),
    **{
        mode: (
            {"resize": "37", "interpolation": mode},
            [v2.Resize(37, interpolation=InterpolationMode(mode))],
        )
        for mode in ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
    },
}


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("case", CASES)
def test_steps_equal_torchvisions_to_the_last_bit(case: str, size: tuple[int, int]) -> None:
    options, steps = CASES[case]
    image = picture(*size)
    ours, theirs = made(**options)(image), reference(*steps)(image)
    assert ours.dtype == torch.float32
    assert ours.is_contiguous()
    assert torch.equal(ours, theirs)


@settings(max_examples=60, deadline=None)
@given(*[st.integers(1, 40)] * 4)
def test_centre_crops_equal_torchvisions_at_every_size(w: int, h: int, cw: int, ch: int) -> None:
    image = picture(w, h)
    assert torch.equal(made(crop=f"{ch}x{cw}")(image), reference(v2.CenterCrop((ch, cw)))(image))


@pytest.mark.parametrize(
    ("mean", "std"),
    [(MEAN, STD), ((0.5,), (0.25,)), ((0.1, 0.2, 0.3), (0.4,)), ((0.0,), (1 / 255,))],
)
def test_normalising_equals_torchvisions(mean: tuple[float, ...], std: tuple[float, ...]) -> None:
    image = picture(33, 21)
    options = {"mean": ",".join(map(str, mean)), "std": " ".join(map(str, std))}
    theirs = v2.Normalize(list(mean), list(std))(reference()(image))
    assert torch.equal(made(**options)(image), theirs)


def test_a_grey_image_is_normalised_with_one_number() -> None:
    image = picture(9, 9)
    theirs = v2.Normalize([0.13], [0.31])(reference(v2.Grayscale(1))(image))
    assert torch.equal(made(grayscale=True, mean="0.13", std="0.31")(image), theirs)


@pytest.mark.parametrize(
    "name",
    [
        "ResNet18_Weights.IMAGENET1K_V1",
        "ResNet50_Weights.IMAGENET1K_V2",
        "EfficientNet_B0_Weights.IMAGENET1K_V1",
        "ViT_B_16_Weights.IMAGENET1K_SWAG_E2E_V1",
        "Swin_V2_T_Weights.DEFAULT",
        "Inception_V3_Weights.IMAGENET1K_V1",
    ],
)
def test_a_preset_equals_the_transforms_of_its_weights(name: str) -> None:
    prepare = made(preset=name)
    for size in ((500, 375), (300, 700), (64, 64)):
        image = picture(*size)
        assert torch.equal(prepare(image), get_weight(name).transforms()(image))
    assert prepare.fixes_size


def test_a_preset_is_written_out() -> None:
    assert made(preset="ResNet50_Weights.DEFAULT").describe() == (
        "preset ResNet50_Weights.IMAGENET1K_V2 of torchvision, which is:",
        "decoded to RGB, 8 bits per channel",
        "resized so that the shorter side has 232 pixels, bilinear, antialiased, on the decoded "
        "image",
        "cut to the central 224 × 224 (height × width)",
        "pixel values divided by 255: float32 in [0, 1]",
        "minus mean 0.485, 0.456, 0.406, divided by 0.229, 0.224, 0.225",
    )


def test_steps_are_written_out() -> None:
    prepare = made(resize="8x9", interpolation="nearest", grayscale=True, mean="0.1", std="0.2")
    assert prepare.describe() == (
        "decoded to RGB, 8 bits per channel",
        "resized to 8 × 9 (height × width), nearest, on the decoded image",
        "converted to one grey channel",
        "pixel values multiplied by 1/255: float32 in [0, 1]",
        "minus mean 0.1, divided by 0.2",
    )


def test_two_declarations_that_differ_are_described_differently() -> None:
    options: list[dict[str, Any]] = [
        {},
        {"resize": "32"},
        {"resize": "32x32"},
        {"resize": "32", "interpolation": "bicubic"},
        {"crop": "32"},
        {"grayscale": True},
        {"mean": "0.5", "std": "0.5"},
        {"mean": "0.50000001", "std": "0.5"},
        {"preset": "ResNet50_Weights.DEFAULT"},
        {"resize": "232", "crop": "224", "mean": "0.485,0.456,0.406", "std": "0.229,0.224,0.225"},
    ]
    described = {made(**each).describe() for each in options}
    assert len(described) == len(options)


@pytest.mark.parametrize(
    ("options", "channels", "fixes_size"),
    [
        ({}, 3, False),
        ({"resize": "32"}, 3, False),
        ({"resize": "32x32"}, 3, True),
        ({"crop": "32", "grayscale": True}, 1, True),
    ],
)
def test_what_is_known_before_any_image(
    options: dict[str, Any], channels: int, fixes_size: bool
) -> None:
    prepare = made(**options)
    assert (prepare.channels, prepare.fixes_size) == (channels, fixes_size)


def test_a_preprocessing_survives_pickling(tmp_path: Path) -> None:
    spec = transform_file(tmp_path, "prepare = lambda image: torch.ones(3, 2, 2)")
    for prepare in (made(resize="5"), made(transform=spec)):
        again = pickle.loads(pickle.dumps(prepare))
        assert again == prepare
        assert torch.equal(again(picture(8, 8)), prepare(picture(8, 8)))


# --- options that can't be meant -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "slug", "text"),
    [
        ({"resize": "0"}, "option-value", '--resize "0" is out of range'),
        ({"resize": "3x"}, "option-value", '--resize "3x" is neither N nor HxW'),
        ({"resize": "1e3"}, "option-value", '--resize "1e3" is neither'),
        ({"resize": "9" * 5000}, "option-value", "is out of range"),
        ({"crop": "-1"}, "option-value", '--crop "-1" is neither'),
        ({"crop": "20000"}, "option-value", '--crop "20000" is out of range'),
        ({"mean": "0.5"}, "option-conflict", "--mean requires --std"),
        ({"std": "0.5"}, "option-conflict", "--std requires --mean"),
        ({"mean": "a", "std": "1"}, "option-value", '--mean "a" is not a list of numbers'),
        ({"mean": "", "std": "1"}, "option-value", '--mean "" is not a list of numbers'),
        ({"mean": "0,0", "std": "1"}, "option-value", "has 2 numbers; expected 1 or 3"),
        (
            {"mean": "0,0,0", "std": "1", "grayscale": True},
            "option-value",
            "has 3 numbers; expected 1 number",
        ),
        ({"mean": "0", "std": "0"}, "option-value", '--std "0" must be above 0'),
        ({"mean": "0", "std": "-1"}, "option-value", '--std "-1" must be above 0'),
        ({"mean": "nan", "std": "1"}, "option-value", "not finite"),
        ({"mean": "123.7", "std": "58"}, "option-value", "not on the scale [0, 1]"),
        ({"interpolation": "bicubic"}, "option-conflict", "no effect without --resize"),
        ({"preset": "ResNet50_Weights.V9"}, "preset-unknown", "ResNet50_Weights.V9"),
        ({"preset": "resnet50"}, "preset-unknown", "is not the name"),
        ({"preset": "FCN_ResNet50_Weights.DEFAULT"}, "preset-unknown", "SemanticSegmentation"),
        (
            {"preset": "ResNet50_Weights.DEFAULT", "crop": "3", "grayscale": True},
            "option-conflict",
            "--preset already defines the whole preprocessing; it can't be combined with --crop "
            "and --grayscale",
        ),
        (
            {"preset": "ResNet50_Weights.DEFAULT", "transform": "x.py:y"},
            "option-conflict",
            "combined with --transform",
        ),
        ({"transform": "x.py:y", "mean": "0", "std": "1"}, "option-conflict", "--mean and --std"),
        ({"transform": "x"}, "code-spec", "neither module:name nor file.py:name"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(
    options: dict[str, Any], slug: str, text: str
) -> None:
    with pytest.raises(UsageError) as caught:
        made(**options)
    assert caught.value.slug == slug
    assert text in caught.value.message


def test_the_nearest_preset_is_offered() -> None:
    with pytest.raises(UsageError) as caught:
        made(preset="Resnet50_Weights.IMAGENET1K_V2")
    assert caught.value.hint == "did you mean ResNet50_Weights.IMAGENET1K_V2?"


@pytest.mark.parametrize("value", ["224 x 192", "224X192", "224×192", " 224x192 "])
def test_sizes_may_be_written_in_several_ways(value: str) -> None:
    assert made(resize=value).steps.resize == (224, 192)


@pytest.mark.parametrize("value", ["0.1,0.2,0.3", "0.1 0.2 0.3", "[0.1, 0.2, 0.3]", "0.1;0.2;0.3"])
def test_lists_may_be_written_in_several_ways(value: str) -> None:
    assert made(mean=value, std="1").steps.mean == (0.1, 0.2, 0.3)


# --- the user's own transform --------------------------------------------------------------------


def test_the_users_transform_gets_the_rgb_image_and_its_tensor_is_used(tmp_path: Path) -> None:
    body = (
        "def prepare(image):\n"
        "    assert image.mode == 'RGB'\n"
        "    return torch.from_numpy(np.array(image)).permute(2, 0, 1).double() / 255"
    )
    prepare = made(transform=transform_file(tmp_path, body))
    image = picture(6, 4)
    result = prepare(image)
    assert result.dtype == torch.float32
    assert result.is_contiguous()
    assert torch.allclose(result, reference()(image))
    assert prepare.channels is None
    assert prepare.fixes_size


def test_the_users_transform_is_named_with_its_hash_and_without_its_folder(tmp_path: Path) -> None:
    prepare = made(transform=transform_file(tmp_path, "prepare = len"))
    first, second = prepare.describe()
    assert first == "the user's own transform prepare.py:prepare on RGB images"
    assert second == f"SHA-256 of prepare.py: {prepare.file_hashes['prepare.py']}"
    assert str(tmp_path) not in "".join(prepare.describe())


def test_a_transform_may_be_a_module_or_carry_a_gradient(tmp_path: Path) -> None:
    body = (
        "from torchvision.transforms import v2\n"
        "weight = torch.ones(1, requires_grad=True)\n"
        "steps = v2.Compose([v2.ToImage(), v2.ToDtype(torch.float32, scale=True)])\n"
        "prepare = lambda image: steps(image) * weight"
    )
    result = made(transform=transform_file(tmp_path, body))(picture(3, 3))
    assert type(result) is torch.Tensor
    assert not result.requires_grad


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("None", "returned a NoneType, not a tensor"),
        ("np.zeros((3, 2, 2))", "returned a ndarray, not a tensor"),
        ("torch.zeros(2, 2)", r"a tensor of shape \(2x2\), not \(channels, height, width\)"),
        ("torch.zeros(1, 3, 2, 2)", r"a tensor of shape \(1x3x2x2\)"),
        ("torch.zeros(3, 0, 5)", r"an empty image \(3x0x5\)"),
        ("torch.zeros(3, 2, 2, dtype=torch.uint8)", "uint8 values, not floats"),
    ],
)
def test_a_transform_that_gives_something_else_is_a_model_error(
    tmp_path: Path, result: str, text: str
) -> None:
    prepare = made(transform=transform_file(tmp_path, f"prepare = lambda image: {result}"))
    with pytest.raises(ModelError, match=text) as caught:
        prepare(picture(2, 2))
    assert caught.value.slug == "transform-output"
    assert '"prepare.py:prepare"' in caught.value.message


def test_a_transform_that_raises_says_where(tmp_path: Path) -> None:
    body = "def prepare(image):\n    raise ValueError('too\\n small')"
    prepare = made(transform=transform_file(tmp_path, body))
    with pytest.raises(NotPrepared) as caught:
        prepare(picture(2, 2))
    assert caught.value.reason == (
        "the transform failed: ValueError: too small (prepare.py, line 4, in prepare)"
    )


@pytest.mark.parametrize("body", ["prepare = 3", "class prepare: ..."])
def test_a_transform_must_be_something_to_call(tmp_path: Path, body: str) -> None:
    with pytest.raises(ModelError, match="not a function") as caught:
        made(transform=transform_file(tmp_path, body))
    assert caught.value.slug == "transform-not-callable"


# --- extremes ------------------------------------------------------------------------------------


def test_an_image_that_would_grow_beyond_memory_is_refused_alone() -> None:
    prepare = Preprocessing(Steps(resize=16_384))
    with pytest.raises(NotPrepared, match="is 2x5000 and would be resized to 16384x40960000"):
        prepare(Image.new("RGB", (2, 5000)))


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1)])
def test_thin_images_are_processed(size: tuple[int, int]) -> None:
    tensor = made(resize="8", crop="6")(Image.new("RGB", size, (255, 0, 0)))
    assert tensor.shape == (3, 6, 6)
    assert math.isclose(float(tensor[0].min()), 1.0)


def test_preparing_images_needs_no_torchvision() -> None:
    code = (
        "import sys; sys.modules['torchvision'] = None\n"
        "from PIL import Image\n"
        "from reportgen.inference.images.preprocessing import Preprocessing\n"
        "from reportgen.options.run import Options\n"
        "assert 'torch' not in sys.modules\n"
        "options = Options(resize='9', crop='4', mean='0.5', std='0.5', grayscale=True)\n"
        "print(tuple(Preprocessing.from_options(options)(Image.new('RGB', (20, 30))).shape))"
    )
    command = [sys.executable, "-c", code]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "(1, 4, 4)"


def test_a_transform_that_was_edited_is_read_again(tmp_path: Path) -> None:
    for value in (1, 2):
        prepare = made(
            transform=transform_file(
                tmp_path, f"prepare = lambda i: torch.full((3, 2, 2), {value}.)"
            )
        )
        assert prepare(picture(2, 2))[0, 0, 0] == value
