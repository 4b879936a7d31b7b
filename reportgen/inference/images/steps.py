"""The options that declare preprocessing → the steps that they mean, or a clear refusal."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import Any

from reportgen.errors import UsageError
from reportgen.options import Options
from reportgen.text import nearest, quoted

__all__ = ["Steps", "parse_options", "preset_steps", "require_no_other_step"]

MAX_SIDE = 16_384
_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos", "box", "hamming")
_SIZE = re.compile(r"(\d+)(?:\s*[xX×]\s*(\d+))?", re.ASCII)
_SEPARATOR = re.compile(r"[,;\s]+")


@dataclass(frozen=True)
class Steps:
    """Resize, crop, grey, [0, 1], normalise: in this order.

    Attributes
    ----------
    resize
        Length of the shorter side, or (height, width), or None.
    interpolation
        Pillow's name of the resampling filter, lower case.
    crop
        (height, width) cut from the middle, or None.
    grayscale
        One channel instead of three.
    mean, std
        One number, or one for each channel, on the scale [0, 1]; both empty without normalising.
    divides
        Pixels are divided by 255, as torchvision's presets do, not multiplied by 1/255.
    """

    resize: int | tuple[int, int] | None = None
    interpolation: str = "bilinear"
    crop: tuple[int, int] | None = None
    grayscale: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    divides: bool = False

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """(height, width) at which every image comes out, or None where that depends on it."""
        if self.crop is not None:
            return self.crop
        return self.resize if isinstance(self.resize, tuple) else None

    def resized(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of an image after the resizing step."""
        if self.resize is None:
            return size
        if isinstance(self.resize, tuple):
            return self.resize[1], self.resize[0]
        width, height = size
        shorter = self.resize
        longer = int(shorter * max(size) / min(size))
        return (shorter, longer) if width <= height else (longer, shorter)

    def describe(self) -> tuple[str, ...]:
        """One line a step, every value written out."""
        lines = ["decoded to RGB, 8 bits a channel"]
        if self.resize is not None:
            antialias = "" if self.interpolation == "nearest" else ", antialiased"
            how = f"{self.interpolation}{antialias}, on the decoded image"
            if isinstance(self.resize, tuple):
                lines.append(f"resized to {_size(self.resize)} (height × width), {how}")
            else:
                lines.append(f"resized so that the shorter side has {self.resize} pixels, {how}")
        if self.crop is not None:
            lines.append(f"cut to the central {_size(self.crop)} (height × width)")
        if self.grayscale:
            lines.append("converted to one grey channel")
        scaling = "divided by 255" if self.divides else "multiplied by 1/255"
        lines.append(f"pixel values {scaling}: float32 in [0, 1]")
        if self.mean:
            lines.append(f"minus mean {_numbers(self.mean)}, divided by {_numbers(self.std)}")
        return tuple(lines)


def parse_options(options: Options) -> Steps:
    """The steps that the options declare one by one.

    Raises :class:`UsageError` (``option-value``, ``option-conflict``) naming option and value.
    """
    if options.interpolation not in _INTERPOLATIONS:
        raise _bad_value("interpolation", options.interpolation, "is unknown", _INTERPOLATIONS)
    if options.interpolation != "bilinear" and options.resize is None:
        raise UsageError(
            f"--interpolation {options.interpolation} has no effect without --resize",
            slug="option-conflict",
        )
    n_channels = 1 if options.grayscale else 3
    mean, std = _normalisation(options, n_channels)
    crop = None if options.crop is None else _parse_size("crop", options.crop)
    return Steps(
        resize=None if options.resize is None else _parse_size("resize", options.resize),
        interpolation=options.interpolation,
        crop=(crop, crop) if isinstance(crop, int) else crop,
        grayscale=options.grayscale,
        mean=mean,
        std=std,
    )


def require_no_other_step(options: Options, chosen: str) -> None:
    """Refuse options that `chosen` (``"preset"`` or ``"transform"``) already decides."""
    given = {
        "preset": options.preset is not None,
        "transform": options.transform is not None,
        "resize": options.resize is not None,
        "interpolation": options.interpolation != "bilinear",
        "crop": options.crop is not None,
        "grayscale": options.grayscale,
        "mean": options.mean is not None,
        "std": options.std is not None,
    }
    others = [f"--{name}" for name, is_given in given.items() if is_given and name != chosen]
    if others:
        raise UsageError(
            f"--{chosen} already says all of the preprocessing; it can't be combined with "
            f"{' and '.join(others)}",
            slug="option-conflict",
            hint=f"leave out {' and '.join(others)}, or declare every step instead of --{chosen}",
        )


def preset_steps(name: str) -> tuple[str, Steps]:
    """The transforms that belong to torchvision's weights of that name: full name and steps.

    ``DEFAULT`` is resolved to the weights that it stands for. Nothing is downloaded.
    Raises :class:`UsageError` (``preset-unknown``).
    """
    from reportgen.inference.libraries import import_torchvision

    import_torchvision()
    from torchvision.models import get_weight
    from torchvision.transforms._presets import ImageClassification

    try:
        weights = get_weight(name)
        transforms: Any = weights.transforms()
    except Exception as error:  # of any kind: the name is looked up and taken apart there
        raise _unknown_preset(name) from error
    if not isinstance(transforms, ImageClassification):
        raise UsageError(
            f"--preset {quoted(name)} does not belong to a classifier of images: its transforms "
            f"are {type(transforms).__name__}",
            slug="preset-unknown",
            hint="name weights of a classification model, such as ResNet50_Weights.IMAGENET1K_V2",
        )
    (shorter,), (crop,) = transforms.resize_size, transforms.crop_size
    steps = Steps(
        resize=int(shorter),
        interpolation=str(transforms.interpolation.value),
        crop=(int(crop), int(crop)),
        mean=tuple(map(float, transforms.mean)),
        std=tuple(map(float, transforms.std)),
        divides=True,
    )
    return str(weights), steps


def _unknown_preset(name: str) -> UsageError:
    from torchvision import models

    known = [
        str(weights)
        for model in models.list_models(module=models)
        for weights in models.get_model_weights(model)
    ]
    meant = nearest(name, known)
    return UsageError(
        f"--preset {quoted(name)} is no name of weights in torchvision",
        slug="preset-unknown",
        hint=f"did you mean {meant}?"
        if meant
        else "names look like ResNet50_Weights.IMAGENET1K_V2; see torchvision.models",
    )


def _parse_size(option: str, value: str | int | tuple[int, int]) -> int | tuple[int, int]:
    text = "x".join(map(str, value)) if isinstance(value, tuple) else str(value)
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise _bad_value(option, text, "is neither N nor HxW, in pixels")
    # Nine digits are enough to be out of range; int() refuses thousands of them.
    sides = [int(side[:9]) for side in match.groups() if side is not None]
    if not all(0 < side <= MAX_SIDE for side in sides):
        raise _bad_value(option, text, f"is out of range: 1 to {MAX_SIDE} pixels")
    return sides[0] if len(sides) == 1 else (sides[0], sides[1])


def _normalisation(
    options: Options, n_channels: int
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    if (options.mean is None) != (options.std is None):
        given, missing = ("mean", "std") if options.std is None else ("std", "mean")
        raise UsageError(
            f"--{given} needs --{missing} too",
            slug="option-conflict",
            hint="normalising is (x - mean) / std; --mean 0 or --std 1 change nothing",
        )
    if options.mean is None or options.std is None:
        return (), ()
    mean = _parse_numbers("mean", options.mean, n_channels)
    std = _parse_numbers("std", options.std, n_channels)
    if not all(number > 0 for number in std):
        raise _bad_value("std", options.std, "must be above 0")
    if any(abs(number) > 1 for number in mean):
        raise _bad_value(
            "mean", options.mean, "is not on the scale [0, 1]; divide mean and std by 255"
        )
    return mean, std


def _parse_numbers(option: str, value: Any, n_channels: int) -> tuple[float, ...]:
    text = value if isinstance(value, str) else " ".join(map(str, _as_sequence(value)))
    try:
        numbers = tuple(float(part) for part in _SEPARATOR.split(text.strip(" ,;[]()")))
    except ValueError:
        raise _bad_value(option, text, "is no list of numbers") from None
    if not all(map(math.isfinite, numbers)):
        raise _bad_value(option, text, "holds a number that is not finite")
    if len(numbers) not in (1, n_channels):
        wanted = "1 number" if n_channels == 1 else f"1 or {n_channels} numbers"
        raise _bad_value(option, text, f"has {len(numbers)} numbers; expected {wanted}")
    return numbers


def _as_sequence(value: Any) -> Any:
    return value if isinstance(value, (list, tuple)) else (value,)


def _bad_value(option: str, value: Any, why: str, known: tuple[str, ...] = ()) -> UsageError:
    examples = {
        "resize": "--resize 232 (shorter side) or --resize 224x224 (height x width)",
        "crop": "--crop 224 or --crop 224x192 (height x width)",
        "mean": "--mean 0.485,0.456,0.406",
        "std": "--std 0.229,0.224,0.225",
        "interpolation": f"one of {', '.join(known)}",
    }
    return UsageError(
        f"--{option} {quoted(str(value))} {why}",
        slug="option-value",
        hint=f"for example {examples[option]}" if not known else examples[option],
    )


def _size(size: tuple[int, int]) -> str:
    return f"{size[0]} × {size[1]}"


def _numbers(numbers: tuple[float, ...]) -> str:
    return ", ".join(
        f"{number:g}" if float(f"{number:g}") == number else repr(number) for number in numbers
    )
