"""Thumbnails: small, upright, and without anything of the file but its pixels."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import ExifTags, Image, PngImagePlugin

from reportgen.errors import DataError
from reportgen.rendering.thumbnails import make_thumbnail
from tests.factories import picture

SECRET = b"/home/alice/secret"


def opened(thumbnail):
    image = Image.open(io.BytesIO(thumbnail.content))
    image.load()
    return image


def encoded(image, kind, **options):
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def photograph(side=32):
    """Smooth and noisy, as photographs are."""
    noise = np.random.default_rng(0).normal(0, 6, (side, side, 3))
    ramp = np.add.outer(np.arange(side), np.arange(side))[..., None] * (3, 2, 1)
    noisy = Image.fromarray((ramp + noise).clip(0, 255).astype(np.uint8))
    return Image.open(io.BytesIO(encoded(noisy, "JPEG", quality=80))).convert("RGB")


@pytest.mark.parametrize(
    "source", [photograph(), photograph().convert("L"), Image.new("L", (8, 8))]
)
def test_a_small_picture_keeps_its_pixels_in_the_fewest_bytes(source):
    thumbnail = make_thumbnail(encoded(source, "PNG"))
    assert (thumbnail.width, thumbnail.height) == source.size
    assert thumbnail.pixelated
    assert np.array_equal(np.asarray(opened(thumbnail).convert("RGB")), source.convert("RGB"))
    assert len(thumbnail.content) <= len(encoded(source, "PNG", optimize=True))


def test_a_small_photograph_is_smaller_as_webp(monkeypatch):
    source = encoded(photograph(), "PNG", optimize=True)
    thumbnail = make_thumbnail(source)
    assert thumbnail.mime == "image/webp"
    assert len(thumbnail.content) < 0.8 * len(source)
    monkeypatch.setattr("PIL.features.check", lambda _feature: False)
    assert make_thumbnail(source).mime == "image/png"


def test_a_large_picture_becomes_a_jpeg_of_at_most_96_pixels():
    wide = Image.open(io.BytesIO(picture(400))).resize((800, 200))
    thumbnail = make_thumbnail(encoded(wide, "PNG"))
    assert (thumbnail.mime, thumbnail.width, thumbnail.height) == ("image/jpeg", 96, 24)
    assert not thumbnail.pixelated
    assert opened(thumbnail).format == "JPEG"
    assert len(thumbnail.content) < 4_000


@pytest.mark.parametrize(("side", "mime"), [(64, "image/webp"), (65, "image/jpeg")])
def test_64_pixels_are_small(side, mime):
    assert make_thumbnail(photograph(side)).mime == mime


def test_a_65_pixel_picture_is_not_enlarged():
    assert make_thumbnail(picture(65)).width == 65


def test_extreme_shapes_keep_at_least_one_pixel():
    strip = make_thumbnail(encoded(Image.new("RGB", (5000, 1), "red"), "PNG"))
    assert (strip.width, strip.height) == (96, 1)
    assert make_thumbnail(encoded(Image.new("RGB", (1, 1)), "PNG")).width == 1


def test_a_rotated_photograph_stands_upright():
    image = Image.new("RGB", (40, 20), "white")
    image.putpixel((0, 0), (255, 0, 0))
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6  # to be turned by 90 degrees clockwise
    thumbnail = make_thumbnail(encoded(image, "PNG", exif=exif))
    assert (thumbnail.width, thumbnail.height) == (20, 40)
    assert opened(thumbnail).getpixel((19, 0)) == (255, 0, 0)


@pytest.mark.parametrize("side", [32, 200])
def test_no_metadata_survives(side):
    image = Image.open(io.BytesIO(picture(side)))
    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = SECRET.decode()
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", SECRET.decode())
    sources = [
        encoded(image, "JPEG", comment=SECRET, exif=exif, icc_profile=SECRET),
        encoded(image, "PNG", pnginfo=text, icc_profile=SECRET, exif=exif),
    ]
    for source in sources:
        assert SECRET in source or b"iCCP" in source
        thumbnail = make_thumbnail(source)
        assert SECRET not in thumbnail.content
        for mark in (b"iCCP", b"ICC_PROFILE", b"tEXt", b"zTXt", b"iTXt", b"Exif", b"eXIf"):
            assert mark not in thumbnail.content
        of_jpeg = {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
        of_webp = {"loop", "background", "timestamp", "duration"}
        assert set(opened(thumbnail).info) <= of_jpeg | of_webp


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"]
)
def test_every_mode_becomes_a_picture(mode):
    image = Image.new("RGB", (20, 20), (255, 0, 0))
    image = Image.new(mode, (20, 20), 1) if mode in {"I;16", "I", "F"} else image.convert(mode)
    assert opened(make_thumbnail(image)).mode in {"L", "RGB"}


def test_sixteen_bits_are_scaled_not_cut():
    deep = Image.fromarray(np.full((8, 8), 32_768, np.uint16))
    assert opened(make_thumbnail(encoded(deep, "PNG"))).convert("L").getpixel((0, 0)) == 127


def test_transparency_is_laid_on_white():
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert opened(make_thumbnail(encoded(clear, "PNG"))).getpixel((0, 0)) == (255, 255, 255)


def test_the_same_picture_gives_the_same_bytes():
    assert make_thumbnail(picture(200)).content == make_thumbnail(picture(200)).content


@pytest.mark.parametrize(
    "content", [b"", b"<html>", picture(200)[:500], b"%!PS-Adobe-3.0 EPSF-3.0\n"]
)
def test_bytes_that_are_no_picture_are_an_error(content):
    with pytest.raises(DataError) as caught:
        make_thumbnail(content)
    assert caught.value.slug == "thumbnail-unreadable"
