"""Logos: made again from their pixels, small, and seen on every ground."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from reportgen.errors import UsageError
from reportgen.options.page import PageOptions
from reportgen.rendering import html, write_all
from reportgen.rendering.appearance import load_style
from reportgen.rendering.figures.logo import read_logo


def saved(tmp_path, image, kind="PNG", **more):
    path = tmp_path / f"logo.{kind.lower()}"
    image.save(path, kind, **more)
    return path


def opened(logo):
    image = Image.open(io.BytesIO(logo.content))
    image.load()
    return image


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF"])
def test_the_four_formats_become_png(tmp_path, kind):
    logo = read_logo(saved(tmp_path, Image.new("RGB", (200, 40), (200, 30, 30)), kind))
    assert opened(logo).format == "PNG"
    assert (logo.width, logo.height) == (200, 40)


def test_a_large_logo_is_shown_small_and_kept_at_twice_that(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (280, 1600, 3)).astype(np.uint8)
    logo = read_logo(saved(tmp_path, Image.fromarray(noise)))
    assert (logo.width, logo.height) == (320, 56)
    assert opened(logo).size == (640, 112)
    assert len(logo.content) < 100_000


def test_a_small_logo_is_not_enlarged(tmp_path):
    logo = read_logo(saved(tmp_path, Image.new("RGB", (30, 10), "red")))
    assert (logo.width, logo.height) == opened(logo).size == (30, 10)


def test_nothing_but_pixels_survives(tmp_path):
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", "/home/alice/secret")
    image = Image.new("RGB", (20, 20), "red")
    path = saved(
        tmp_path, image, pnginfo=info, icc_profile=b"secret profile", exif=b"Exif\0\0secret"
    )
    with path.open("ab") as stream:
        stream.write(b"<script>secret</script>")
    logo = read_logo(path)
    assert b"secret" not in logo.content
    assert opened(logo).info == {}


@pytest.mark.parametrize(
    ("ink", "ground", "is_light"),
    [
        ((255, 255, 255, 255), (0, 0, 0, 0), True),
        ((20, 20, 20, 255), (0, 0, 0, 0), False),
        ((255, 255, 255, 255), (0, 60, 120, 255), False),
        ((0, 0, 0, 0), (0, 0, 0, 0), False),
    ],
)
def test_a_light_logo_on_nothing_needs_a_dark_ground(tmp_path, ink, ground, is_light):
    image = Image.new("RGBA", (60, 20), ground)
    image.paste(ink, (10, 5, 50, 15))
    assert read_logo(saved(tmp_path, image)).is_light is is_light


SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (SVG.encode(), "is SVG, which can contain scripts and links"),
        (b"\xef\xbb\xbf\n <?xml version='1.0'?>" + SVG.encode(), "is SVG"),
        (b"<!DOCTYPE svg><svg/>", "is SVG"),
        (b"not a picture", "is not a readable image"),
        (b"", "is not a readable image"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "is not a readable image"),
        (b"x" * 5_000_001, "is larger than 5 MB"),
    ],
)
def test_what_is_no_logo_is_refused(tmp_path, content, said):
    path = tmp_path / "logo.png"
    path.write_bytes(content)
    with pytest.raises(UsageError) as caught:
        read_logo(path)
    assert caught.value.slug == "logo-file"
    assert caught.value.message.startswith(f'--logo "logo.png" {said}')


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    path = saved(tmp_path, Image.new("1", (6000, 6000)))
    with pytest.raises(UsageError, match="more than 25 million pixels"):
        read_logo(path)
    for kind in ("BMP", "TIFF"):
        with pytest.raises(UsageError, match="is not a readable image"):
            read_logo(saved(tmp_path, Image.new("RGB", (5, 5)), kind))


@pytest.mark.usefixtures("no_drawing")
def test_the_logo_stands_above_the_verdict(report, evaluation, tmp_path):
    path = saved(tmp_path, Image.new("RGB", (200, 40), (200, 30, 30)))
    write_all(report, evaluation, tmp_path, PageOptions(logo=path))
    page = (tmp_path / "report.html").read_text("ascii")
    brand = re.search(r'<div class="brand"><img class="dark" src="data:image/png;base64,[^"]+" '
                      r'width="200" height="40" alt="Logo"></div>', page)  # fmt: skip
    assert brand
    assert brand.end() < page.index('id="verdict"')
    assert page == html.render(report, dress=load_style(PageOptions(logo=path)))
