"""What is done to an image before the model sees it: declared by the user, never guessed.

The steps are those of ``torchvision.transforms.v2`` on PIL images, to the last bit: ``Resize``
(antialiased), ``CenterCrop``, ``Grayscale``, ``PILToTensor``, ``ToDtype(float32, scale=True)``,
``Normalize``. They are done here with Pillow, so that a process that only decodes need not import
torchvision.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reportgen.errors import ModelError, ReportgenError
from reportgen.inference.images.steps import (
    Steps,
    parse_options,
    preset_steps,
    require_no_other_step,
)
from reportgen.inference.user_code.objects import load_object
from reportgen.inference.user_code.tracebacks import error_line, user_location
from reportgen.options import Options
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    import torch
    from PIL import Image

__all__ = ["NotPrepared", "Preprocessing"]

_MAX_RESIZED_PIXELS = 1 << 28


class NotPrepared(Exception):
    """One image can't be prepared; `reason` continues a sentence that begins with its name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Preprocessing:
    """PIL image (RGB) → float32 tensor (C, H, W). Picklable.

    Attributes
    ----------
    steps
        The declared steps; those of the preset where one is named.
    preset
        Name of the torchvision weights that the steps were taken from, or "".
    transform
        ``file.py:name`` or ``module:name`` of the user's own transform, which replaces all steps,
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
        """From the options of a run. Imports torchvision for a preset, the user's code if named.

        Raises
        ------
        UsageError
            ``option-value``, ``option-conflict``, ``preset-unknown``: naming option and value.
        ModelError
            The transform can't be imported, or is nothing to call (``transform-not-callable``).
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
        """3, or 1 with ``--grayscale``; None where the user's transform decides."""
        if self.transform:
            return None
        return 1 if self.steps.grayscale else 3

    @property
    def fixes_size(self) -> bool:
        """Whether images of any size come out at one size, as far as the steps tell.

        False: nothing makes their sizes equal, so they must be so already. A transform of the
        user's own is taken to do it.
        """
        return bool(self.transform) or self.steps.fixed_size is not None

    def output_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(width, height) of an image → that of the tensor. The user's transform is unknown: same.

        >>> Preprocessing(Steps(resize=256)).output_size((500, 375))
        (341, 256)
        """
        fixed = self.steps.fixed_size
        if fixed is not None:
            return fixed[1], fixed[0]
        return self.steps.resized(size)

    def describe(self) -> tuple[str, ...]:
        """What is done, one step a line, with every value written out."""
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
            ``transform-output``: the user's transform gives no float tensor (C, H, W) with at
            least one pixel.
        NotPrepared
            The user's transform raised, or the resized image would be too large.
        """
        if self.transform:
            return _checked(_called(_transform(self.transform), image), self.transform)
        return _normalised(_resized_and_cropped(image, self.steps), self.steps)


def _resized_and_cropped(image: Image.Image, steps: Steps) -> Image.Image:
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
        image = _centre_crop(image, *steps.crop)
    return image.convert("L") if steps.grayscale else image


def _centre_crop(image: Image.Image, height: int, width: int) -> Image.Image:
    """The middle of the image; where it is smaller, black is added around, as torchvision does."""
    left = _crop_start(image.width, width)
    top = _crop_start(image.height, height)
    return image.crop((left, top, left + width, top + height))


def _crop_start(side: int, cropped: int) -> int:
    if cropped > side:  # torchvision pads first, with the smaller half before the image
        return -((cropped - side) // 2)
    return round((side - cropped) / 2)


def _normalised(image: Image.Image, steps: Steps) -> torch.Tensor:
    """Pixels 0..255 → float32 in [0, 1], then ``(x - mean) / std``; shape (C, H, W)."""
    import numpy as np
    import torch

    # A copy: Pillow's array is read-only.
    pixels = np.array(image)
    channels_last = torch.from_numpy(pixels if pixels.ndim == 3 else pixels[:, :, None])
    values = channels_last.permute(2, 0, 1).to(torch.float32, memory_format=torch.contiguous_format)
    # transforms.v2 multiplies by 1/255, the presets divide by 255: the last bits differ.
    scaled = values.div_(255) if steps.divides else values.mul_(1 / 255)
    if not steps.mean:
        return scaled
    mean, std = (torch.tensor(numbers).view(-1, 1, 1) for numbers in (steps.mean, steps.std))
    return scaled.sub_(mean).div_(std)


@lru_cache(maxsize=4)
def _transform(spec: str) -> Any:
    """The user's transform, imported once in each process."""
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


def _called(transform: Any, image: Image.Image) -> Any:
    try:
        return transform(image)
    except (KeyboardInterrupt, SystemExit, GeneratorExit, ReportgenError):
        raise
    except BaseException as error:  # of a kind that only the user's libraries know
        where = user_location(error)
        raise NotPrepared(
            f"the transform failed: {error_line(error)}{f' ({where})' if where else ''}"
        ) from error


def _checked(result: Any, spec: str) -> torch.Tensor:
    """The transform's result, if it is a float tensor (C, H, W) with pixels; as float32."""
    import torch

    if not isinstance(result, torch.Tensor):
        raise _wrong_output(spec, f"a {type(result).__name__}, not a tensor")
    shape = "x".join(map(str, result.shape))
    if result.ndim != 3:
        raise _wrong_output(spec, f"a tensor of shape ({shape}), not (channels, height, width)")
    if math.prod(result.shape) == 0:
        raise _wrong_output(spec, f"an empty image ({shape})")
    if not result.is_floating_point():
        kind = str(result.dtype).removeprefix("torch.")
        raise _wrong_output(spec, f"{kind} values, not floats (v2.ToDtype(torch.float32, True))")
    # A plain tensor of its own: no gradient, no subclass, no view of something larger.
    return result.detach().as_subclass(torch.Tensor).to("cpu", torch.float32).contiguous()


def _wrong_output(spec: str, what: str) -> ModelError:
    return ModelError(
        f"the transform {quoted(_base(spec))} returned {printable(what)}",
        slug="transform-output",
        hint="it must turn a PIL image into a float tensor (channels, height, width)",
    )


def _base(spec: str) -> str:
    return spec.replace("\\", "/").rpartition("/")[2]
