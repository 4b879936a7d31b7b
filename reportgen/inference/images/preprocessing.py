"""Preprocessing: from the options to the steps, with errors for invalid combinations."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.user_code import error_line, load_object, user_location
from reportgen.options import Options
from reportgen.text import nearest, printable, quoted

if TYPE_CHECKING:
    import torch
    from PIL import Image

__all__ = [
    "NotPrepared",
    "Prepares",
    "Preprocessing",
    "Steps",
    "declares_steps",
    "parse_options",
    "preset_steps",
    "require_no_other_step",
]


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
        Pillow's name of the resampling filter, in lower case.
    crop
        (height, width) cut from the middle, or None.
    grayscale
        One channel instead of three.
    mean, std
        One number, or one per channel, on the scale [0, 1]; both empty for no normalisation.
    divides
        Pixels are divided by 255, as in torchvision's presets, not multiplied by 1/255.
    keeps_bytes
        Pixel values stay 0 to 255, and `mean` and `std` are on that scale.
    reverses
        Channels become blue, green, red; `mean` and `std` are in that order.
    """

    resize: int | tuple[int, int] | None = None
    interpolation: str = "bilinear"
    crop: tuple[int, int] | None = None
    grayscale: bool = False
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    divides: bool = False
    keeps_bytes: bool = False
    reverses: bool = False

    @property
    def fixed_size(self) -> tuple[int, int] | None:
        """(height, width) of every result, or None if it depends on the image."""
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
        """One line per step, with every value."""
        lines = ["decoded to RGB, 8 bits per channel"]
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
        if self.reverses:
            lines.append("channels reversed: blue, green, red")
        scaling = "divided by 255" if self.divides else "multiplied by 1/255"
        kept = "pixel values kept: float32 in [0, 255]"
        lines.append(kept if self.keeps_bytes else f"pixel values {scaling}: float32 in [0, 1]")
        if self.mean:
            lines.append(f"minus mean {_numbers(self.mean)}, divided by {_numbers(self.std)}")
        return tuple(lines)


def parse_options(options: Options) -> Steps:
    """The steps that the options declare.

    Raises :class:`UsageError` (``option-value``, ``option-conflict``).
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
        keeps_bytes=options.pixel_range == "0-255",
        reverses=_reverses(options),
    )


def _reverses(options: Options) -> bool:
    if options.channels == "bgr" and options.grayscale:
        raise UsageError(
            "--channels bgr has no effect on one channel",
            slug="option-conflict",
            hint="omit --channels, or --grayscale",
        )
    return options.channels == "bgr"


def declares_steps(options: Options) -> bool:
    """Whether any option declares preprocessing."""
    return any(_declared(options).values())


def require_no_other_step(options: Options, chosen: str) -> None:
    """Refuse options that `chosen` (``"preset"`` or ``"transform"``) already decides."""
    others = [
        f"--{name.replace('_', '-')}"
        for name, is_given in _declared(options).items()
        if is_given and name != chosen
    ]
    if others:
        raise UsageError(
            f"--{chosen} already defines the whole preprocessing; it can't be combined with "
            f"{' and '.join(others)}",
            slug="option-conflict",
            hint=f"omit {' and '.join(others)}, or declare every step instead of --{chosen}",
        )


def _declared(options: Options) -> dict[str, bool]:
    """Each option that declares a step → whether it was given."""
    return {
        "preset": options.preset is not None,
        "transform": options.transform is not None,
        "resize": options.resize is not None,
        "interpolation": options.interpolation != "bilinear",
        "crop": options.crop is not None,
        "grayscale": options.grayscale,
        "mean": options.mean is not None,
        "std": options.std is not None,
        "pixel_range": options.pixel_range is not None,
        "channels": options.channels != "rgb",
    }


def preset_steps(name: str) -> tuple[str, Steps]:
    """Full name and transforms of torchvision's weights of that name.

    ``DEFAULT`` is resolved to the weights it refers to. Nothing is downloaded. Raises
    :class:`UsageError` (``preset-unknown``).
    """
    from reportgen.inference.libraries import import_torchvision

    import_torchvision()
    from torchvision.models import get_weight
    from torchvision.transforms._presets import ImageClassification

    try:
        weights = get_weight(name)
        transforms: Any = weights.transforms()
    except Exception as error:  # any kind: torchvision parses the name
        raise _unknown_preset(name) from error
    if not isinstance(transforms, ImageClassification):
        raise UsageError(
            f"--preset {quoted(name)} is not for an image classifier: its transforms "
            f"are {type(transforms).__name__}",
            slug="preset-unknown",
            hint="use weights of a classification model, such as ResNet50_Weights.IMAGENET1K_V2",
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
        f"--preset {quoted(name)} is not the name of torchvision weights",
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
    # Nine digits are already out of range; int() raises for thousands of them.
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
            f"--{given} requires --{missing}",
            slug="option-conflict",
            hint="normalising is (x - mean) / std; --mean 0 or --std 1 change nothing",
        )
    if options.mean is None or options.std is None:
        return (), ()
    mean = _parse_numbers("mean", options.mean, n_channels)
    std = _parse_numbers("std", options.std, n_channels)
    if not all(number > 0 for number in std):
        raise _bad_value("std", options.std, "must be above 0")
    if any(abs(number) > 1 for number in mean) and options.pixel_range != "0-255":
        raise _bad_value(
            "mean", options.mean, "is not on the scale [0, 1]; divide mean and std by 255"
        )
    return mean, std


def _parse_numbers(option: str, value: Any, n_channels: int) -> tuple[float, ...]:
    text = value if isinstance(value, str) else " ".join(map(str, _as_sequence(value)))
    try:
        numbers = tuple(float(part) for part in _SEPARATOR.split(text.strip(" ,;[]()")))
    except ValueError:
        raise _bad_value(option, text, "is not a list of numbers") from None
    if not all(map(math.isfinite, numbers)):
        raise _bad_value(option, text, "contains a number that is not finite")
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


_MAX_RESIZED_PIXELS = 1 << 28


class NotPrepared(Exception):
    """An image can't be prepared; `reason` continues a sentence that begins with its name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Prepares(Protocol):
    """PIL image (RGB) → float32 tensor (C, H, W): declared steps or the model's own. Picklable."""

    @property
    def channels(self) -> int | None:
        """Channels of every tensor; None if unknown."""

    @property
    def fixes_size(self) -> bool:
        """Whether images of any size are brought to one size, as far as known."""

    def describe(self) -> tuple[str, ...]:
        """The steps, one per line, with every value."""

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Prepare one image of mode RGB. Raises :class:`NotPrepared`."""

    def array(self, image: Image.Image) -> NDArray[np.float32]:
        """As :meth:`__call__`, but returns a numpy array."""


@dataclass(frozen=True)
class Preprocessing:
    """PIL image (RGB) → float32 tensor (C, H, W). Picklable.

    Attributes
    ----------
    steps
        The declared steps, or those of the preset.
    preset
        Name of the torchvision weights that the steps were taken from, or "".
    transform
        ``file.py:name`` or ``module:name`` of the user transform, which replaces all steps,
        or "".
    file_hashes
        File name → SHA-256 of the transform's code.
    """

    steps: Steps = field(default_factory=Steps)
    preset: str = ""
    transform: str = ""
    file_hashes: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def from_options(cls, options: Options) -> Preprocessing:
        """Construct from the options of a run.

        Imports torchvision for a preset, and the user's code.

        Raises
        ------
        UsageError
            ``option-value``, ``option-conflict``, ``preset-unknown``.
        ModelError
            The transform can't be imported, or is not callable (``transform-not-callable``).
        """
        if options.preset is not None:
            require_no_other_step(options, "preset")
            name, steps = preset_steps(options.preset)
            return cls(steps, preset=name)
        if options.transform is not None:
            require_no_other_step(options, "transform")
            loaded = load_object(options.transform, "transform")
            _require_callable(loaded.obj, options.transform)
            return cls(transform=options.transform, file_hashes=loaded.file_hashes)
        return cls(parse_options(options))

    @property
    def channels(self) -> int | None:
        """3, or 1 with ``--grayscale``; None for a user transform."""
        if self.transform:
            return None
        return 1 if self.steps.grayscale else 3

    @property
    def fixes_size(self) -> bool:
        """Whether images of any size are brought to one size.

        If False, the images must already have equal sizes. A user transform is assumed to resize.
        """
        return bool(self.transform) or self.steps.fixed_size is not None

    def describe(self) -> tuple[str, ...]:
        """The steps, one per line, with every value."""
        if self.transform:
            target, _, name = self.transform.rpartition(":")
            base = printable(target.replace("\\", "/").rpartition("/")[2])
            hashes = [
                f"SHA-256 of {printable(file)}: {digest}"
                for file, digest in self.file_hashes.items()
            ]
            return (f"the user's own transform {base}:{printable(name)} on RGB images", *hashes)
        origin = [f"preset {self.preset} of torchvision, which is:"] if self.preset else []
        return (*origin, *self.steps.describe())

    def __call__(self, image: Image.Image) -> torch.Tensor:
        """Prepare one image of mode RGB.

        Raises
        ------
        ModelError
            ``transform-output``: the user's transform does not return a non-empty float tensor (C,
            H, W).
        NotPrepared
            The user's transform raised, or the resized image is too large.
        """
        import torch

        if self.transform:
            transform = self._transform()
            return _check(_call(transform, image), transform, self.transform)
        return torch.from_numpy(_normalise(_resize_and_crop(image, self.steps), self.steps))

    def array(self, image: Image.Image) -> NDArray[np.float32]:
        """As :meth:`__call__`, but returns a numpy array, for models that don't run on PyTorch.

        A user transform may return an array or a tensor.
        """
        if self.transform:
            transform = self._transform()
            return _check_array(_call(transform, image), transform, self.transform)
        return _normalise(_resize_and_crop(image, self.steps), self.steps)

    def _transform(self) -> Any:
        return _transform(self.transform, tuple(self.file_hashes.items()))

    def with_bytes(self) -> Preprocessing:
        """The same steps without scaling: pixel values stay 0 to 255, for integer inputs."""
        return replace(self, steps=replace(self.steps, keeps_bytes=True))


def _resize_and_crop(image: Image.Image, steps: Steps) -> Image.Image:
    from PIL import Image as PillowImage

    size = steps.resized(image.size)
    if size != image.size:
        if size[0] * size[1] > _MAX_RESIZED_PIXELS:
            raise NotPrepared(
                f"is {image.width}x{image.height} and would be resized to {size[0]}x{size[1]} = "
                f"{size[0] * size[1] / 1e6:.0f} Mpx"
            )
        image = image.resize(size, PillowImage.Resampling[steps.interpolation.upper()])
    if steps.crop is not None:
        image = _crop_centre(image, *steps.crop)
    return image.convert("L") if steps.grayscale else image


def _crop_centre(image: Image.Image, height: int, width: int) -> Image.Image:
    """The centre of the image; a smaller image is padded with black, as in torchvision."""
    left = _crop_start(image.width, width)
    top = _crop_start(image.height, height)
    return image.crop((left, top, left + width, top + height))


def _crop_start(side: int, cropped: int) -> int:
    if cropped > side:  # torchvision pads first, with the smaller half before the image
        return -((cropped - side) // 2)
    return round((side - cropped) / 2)


def _normalise(image: Image.Image, steps: Steps) -> NDArray[np.float32]:
    """Pixels 0..255 → float32 in [0, 1], then ``(x - mean) / std``; shape (C, H, W).

    Bit-identical to torchvision.
    """
    pixels = np.asarray(image)
    channels_last = pixels if pixels.ndim == 3 else pixels[:, :, None]
    if steps.reverses:
        channels_last = channels_last[:, :, ::-1]
    values = channels_last.transpose(2, 0, 1).astype(np.float32, order="C")
    # transforms.v2 multiplies by 1/255, the presets divide by 255: the last bits differ.
    if steps.divides:
        values /= np.float32(255)
    elif not steps.keeps_bytes:
        values *= np.float32(1 / 255)
    if steps.mean:
        values -= np.array(steps.mean, np.float32)[:, None, None]
        values /= np.array(steps.std, np.float32)[:, None, None]
    return values


@lru_cache(maxsize=4)
def _transform(spec: str, hashes: tuple[tuple[str, str], ...]) -> Any:  # noqa: ARG001 - a key
    """The user's transform, imported once per process, and again after its file changed."""
    return load_object(spec, "transform").obj


def _require_callable(transform: Any, spec: str) -> None:
    if not callable(transform) or isinstance(transform, type):
        kind = "a class" if isinstance(transform, type) else type(transform).__name__
        raise ModelError(
            f"the transform {quoted(_base(spec))} is {printable(kind)}, not a function",
            slug="transform-not-callable",
            hint="name a function, or an object such as v2.Compose([...]), that turns a PIL image "
            "into a float tensor (channels, height, width)",
        )


def _is_of_albumentations(transform: Any) -> bool:
    """Whether it takes an array by keyword and returns a mapping."""
    return any(kind.__module__.startswith("albumentations.") for kind in type(transform).__mro__)


def _call(transform: Any, image: Image.Image) -> Any:
    try:
        if _is_of_albumentations(transform):
            return transform(image=np.array(image))["image"]
        return transform(image)
    except (KeyboardInterrupt, SystemExit, GeneratorExit, ReportgenError):
        raise
    except BaseException as error:  # a class that only the user's libraries define
        where = user_location(error)
        raise NotPrepared(
            f"the transform failed: {error_line(error)}{f' ({where})' if where else ''}"
        ) from error


def _check(result: Any, transform: Any, spec: str) -> torch.Tensor:
    """The transform's result as float32; raises unless it is a non-empty float tensor (C, H, W)."""
    import torch

    if not isinstance(result, torch.Tensor):
        raise _wrong_output(transform, spec, f"a {type(result).__name__}, not a tensor")
    shape = "x".join(map(str, result.shape))
    if result.ndim != 3:
        raise _wrong_output(
            transform, spec, f"a tensor of shape ({shape}), not (channels, height, width)"
        )
    if math.prod(result.shape) == 0:
        raise _wrong_output(transform, spec, f"an empty image ({shape})")
    if not result.is_floating_point():
        kind = str(result.dtype).removeprefix("torch.")
        raise _wrong_output(
            transform, spec, f"{kind} values, not floats (v2.ToDtype(torch.float32, True))"
        )
    # A plain tensor: no gradient, no subclass, no view of a larger one.
    return result.detach().as_subclass(torch.Tensor).to("cpu", torch.float32).contiguous()


def _check_array(result: Any, transform: Any, spec: str) -> NDArray[np.float32]:
    """The transform's result, an array or a tensor, as an array."""
    if type(result).__module__.partition(".")[0] == "torch":
        return _check(result, transform, spec).numpy()
    if not isinstance(result, np.ndarray):
        raise _wrong_output(
            transform, spec, f"a {type(result).__name__}, neither an array nor a tensor"
        )
    shape = "x".join(map(str, result.shape))
    if result.ndim != 3 or result.size == 0:
        raise _wrong_output(
            transform, spec, f"an array of shape ({shape}), not (channels, height, width)"
        )
    if not np.issubdtype(result.dtype, np.floating):
        raise _wrong_output(transform, spec, f"{result.dtype} values, not floats")
    return np.ascontiguousarray(result, np.float32)


def _wrong_output(transform: Any, spec: str, what: str) -> ModelError:
    return ModelError(
        f"the transform {quoted(_base(spec))} returned {printable(what)}",
        slug="transform-output",
        hint="end it with albumentations.Normalize(), or ToFloat(max_value=255) for pixels in "
        "[0, 1], and then albumentations.pytorch.ToTensorV2()"
        if _is_of_albumentations(transform)
        else "it must turn a PIL image into a float tensor (channels, height, width)",
    )


def _base(spec: str) -> str:
    return spec.replace("\\", "/").rpartition("/")[2]
