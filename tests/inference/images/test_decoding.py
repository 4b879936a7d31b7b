"""An image is decoded whole, or there is a reason in words; nothing else happens."""

from __future__ import annotations

import io
import logging
import struct
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFile, PngImagePlugin
from torchvision.datasets.folder import pil_loader

from reportgen.inference.images.decoding import decode, header_size
from reportgen.inference.images.flags import FLAG_NOTES, ImageFlag, notes_from_flags
from tests.inference.image_bytes import EXTENSION, PILLOW, decoded, encoded, picture, reason


def same(one: Image.Image, other: Image.Image) -> bool:
    return one.size == other.size and one.mode == other.mode and one.tobytes() == other.tobytes()


# --- good images ---------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EXTENSION)
def test_seven_formats_are_decoded_as_torchvisions_loader_does(tmp_path: Path, kind: str) -> None:
    content = encoded(picture(), kind)
    path = tmp_path / "x"
    path.write_bytes(content)
    result = decoded(content, kind)
    assert same(result.image, pil_loader(str(path)))
    assert result.flags == ImageFlag.NONE
    assert header_size(content) == result.image.size


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("1", "PNG"),
        ("L", "PNG"),
        ("L", "JPEG"),
        ("P", "PNG"),
        ("P", "GIF"),
        pytest.param(
            *("YCbCr", "TIFF"),
            marks=pytest.mark.skipif(PILLOW < 13, reason="Pillow 12 can't read what it writes"),
        ),
        ("LAB", "TIFF"),
        ("1", "PPM"),
        ("L", "PPM"),
    ],
)
def test_other_modes_become_rgb_without_a_flag(tmp_path: Path, mode: str, kind: str) -> None:
    content = encoded(picture(mode), kind)
    path = tmp_path / "x"
    path.write_bytes(content)
    result = decoded(content, kind)
    assert result.image.mode == "RGB"
    assert result.flags == ImageFlag.NONE
    assert same(result.image, pil_loader(str(path)))


def test_the_content_decides_and_a_wrong_extension_is_flagged() -> None:
    content = encoded(picture(), "PNG")
    assert decode(content, name="a.jpg").flags == ImageFlag.WRONG_EXTENSION
    assert decode(content, name="a.PNG").flags == ImageFlag.NONE
    assert decode(content, name="no extension").flags == ImageFlag.NONE
    for extension in ("jpg", "JPEG", "jpe", "jfif"):
        assert decode(encoded(picture(), "JPEG"), name=f"a.{extension}").flags == ImageFlag.NONE


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_exif_rotation_is_ignored_and_flagged(kind: str) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    result = decoded(encoded(picture(), kind, exif=exif), kind)
    assert result.image.size == (48, 40)
    assert result.flags == ImageFlag.ROTATED
    exif[0x0112] = 1
    assert decoded(encoded(picture(), kind, exif=exif), kind).flags == ImageFlag.NONE


def test_a_rotated_tiff_is_turned_by_pillow_and_its_header_size_agrees(tmp_path: Path) -> None:
    content = encoded(picture(), "TIFF", tiffinfo={274: 6})
    path = tmp_path / "x"
    path.write_bytes(content)
    result = decoded(content, "TIFF")
    assert same(result.image, pil_loader(str(path)))
    assert result.image.size == header_size(content) == (40, 48)
    assert result.flags == ImageFlag.NONE


@pytest.mark.parametrize(("mode", "kind"), [("RGBA", "PNG"), ("LA", "PNG"), ("RGBA", "WEBP")])
def test_transparency_is_dropped_and_flagged_only_where_there_is_some(mode: str, kind: str) -> None:
    image = picture(mode)
    assert decoded(encoded(image, kind), kind).flags == ImageFlag.NONE
    image.putalpha(Image.linear_gradient("L").resize(image.size))
    result = decoded(encoded(image, kind, **({"exact": True} if kind == "WEBP" else {})), kind)
    assert result.flags == ImageFlag.ALPHA_DROPPED
    assert result.image.mode == "RGB"
    if kind == "PNG":
        assert same(result.image, image.convert("RGB"))


@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_palette_with_transparency_is_flagged_without_a_warning(as_bytes: bool) -> None:
    image = picture("P")
    used = image.getpixel((0, 0))
    transparency = bytes(range(256)) if as_bytes else used
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = decoded(encoded(image, "PNG", transparency=transparency))
    assert result.flags == ImageFlag.ALPHA_DROPPED
    assert same(result.image, image.convert("RGB"))


def test_a_fully_transparent_red_image_is_red() -> None:
    result = decoded(encoded(Image.new("RGBA", (3, 3), (255, 0, 0, 0))))
    assert result.image.getpixel((1, 1)) == (255, 0, 0)
    assert result.flags == ImageFlag.ALPHA_DROPPED


def test_cmyk_is_converted_and_flagged(tmp_path: Path) -> None:
    content = encoded(picture("CMYK"), "JPEG")
    path = tmp_path / "x"
    path.write_bytes(content)
    result = decoded(content, "JPEG")
    assert result.flags == ImageFlag.CMYK
    assert same(result.image, pil_loader(str(path)))


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "PPM"])
def test_sixteen_bit_grey_is_scaled_and_not_clipped(kind: str) -> None:
    values = np.array([[0, 128, 129, 257], [32767, 65278, 65407, 65535]], np.uint16)
    result = decoded(encoded(Image.fromarray(values), kind), kind)
    assert result.flags == ImageFlag.SIXTEEN_BIT
    grey = np.asarray(result.image)[:, :, 0]
    assert np.array_equal(grey, np.rint(values / 257).astype(np.uint8))
    assert (np.asarray(result.image) == grey[:, :, None]).all()


def test_sixteen_bit_big_endian_tiff_is_read_the_same() -> None:
    values = np.array([[0, 257], [65535, 1000]], np.uint16)
    image = Image.frombytes("I;16B", (2, 2), values.astype(">u2").tobytes())
    result = decoded(encoded(image, "TIFF"), "TIFF")
    assert np.asarray(result.image)[:, :, 0].tolist() == [[0, 1], [255, 4]]
    assert result.flags == ImageFlag.SIXTEEN_BIT


@pytest.mark.parametrize("mode", ["F", "I"])
def test_images_of_unknown_range_are_refused_with_their_mode(mode: str) -> None:
    content = encoded(Image.new(mode, (2, 2)), "TIFF")
    assert f"(mode {mode})" in reason(content, "x.tif")


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "TIFF", "PNG"])
def test_the_first_frame_of_several_is_used_and_flagged(kind: str) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue", "green")]
    content = encoded(
        frames[0], kind, save_all=True, append_images=frames[1:],
        **({"lossless": True} if kind == "WEBP" else {}),
    )  # fmt: skip
    result = decoded(content, kind)
    assert result.flags == ImageFlag.FIRST_FRAME
    assert result.image.getpixel((4, 4)) == (255, 0, 0)


def test_damaged_exif_is_swallowed_and_flagged() -> None:
    content = encoded(picture(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + b"\xff" * 30)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = decoded(content, "JPEG")
    assert result.flags == ImageFlag.BROKEN_METADATA
    content = encoded(picture(), "JPEG", exif=b"Exif\0\0nonsense")
    assert decoded(content, "JPEG").flags == ImageFlag.BROKEN_METADATA


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_damaged_colour_profile_is_flagged_and_a_good_one_is_not(kind: str) -> None:
    from PIL import ImageCms

    good = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert decoded(encoded(picture(), kind, icc_profile=good), kind).flags == ImageFlag.NONE
    broken = encoded(picture(), kind, icc_profile=b"x" * 200)
    assert decoded(broken, kind).flags == ImageFlag.BROKEN_METADATA


def test_a_png_whose_profile_cannot_be_unpacked_is_used() -> None:
    content = encoded(picture(), "PNG")
    chunk = b"iCCP" + b"icc\0\0" + b"not zlib"
    chunk = struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    result = decoded(content[:33] + chunk + content[33:])
    assert result.flags == ImageFlag.BROKEN_METADATA
    assert same(result.image, picture())


def test_pillows_warnings_and_log_never_reach_the_user(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    load = PngImagePlugin.PngImageFile.load

    def noisy(self: Any) -> Any:
        warnings.warn("Possibly corrupt EXIF data", stacklevel=1)
        logging.getLogger("PIL.PngImagePlugin").error("More samples per pixel than can be decoded")
        return load(self)

    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", noisy)
    # Without any handler, as in a program that never set up logging.
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    last = io.StringIO()
    monkeypatch.setattr(logging, "lastResort", logging.StreamHandler(last))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = decoded(encoded(picture()))
    assert result.flags == ImageFlag.BROKEN_METADATA
    assert last.getvalue() == ""


def test_a_request_to_fill_up_truncated_files_is_not_heeded_and_is_put_back() -> None:
    content = encoded(picture(size=(200, 200)), "JPEG")
    try:
        ImageFile.LOAD_TRUNCATED_IMAGES = True
        assert reason(content[: len(content) // 2]) == "file ends early"
        assert ImageFile.LOAD_TRUNCATED_IMAGES
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = False


# --- notes ---------------------------------------------------------------------------------------


def test_every_flag_has_a_note_of_its_own() -> None:
    assert set(FLAG_NOTES) == set(ImageFlag)
    assert len({note.code for note in FLAG_NOTES.values()}) == len(FLAG_NOTES)


def test_flags_are_counted_one_by_one_and_told_in_sentences() -> None:
    both = ImageFlag.ROTATED | ImageFlag.CMYK
    notes = notes_from_flags({both: 2, ImageFlag.ROTATED: 1, ImageFlag.NONE: 7, ImageFlag.CMYK: -1})
    assert [(note.code, note.count, note.severity) for note in notes] == [
        ("images-rotated", 3, "warning"),
        ("images-cmyk", 1, "info"),
    ]
    assert notes[0].sentence.startswith("3 images carry a rotation in the EXIF data")
    assert notes[1].sentence == "1 image was converted from CMYK to RGB."
