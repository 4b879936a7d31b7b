"""Options of the page and of additional files."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypedDict

from reportgen.errors import UsageError
from reportgen.options.declared import Declared, option
from reportgen.paths import refuse_address
from reportgen.text import quoted, without_secrets

__all__ = [
    "COLORMAPS",
    "LAYOUTS",
    "MAX_BYTES",
    "PageKeywords",
    "PageOptions",
    "check_address",
    "check_tracker",
]


LAYOUTS = ("file", "dir")


BACKGROUNDS = ("white", "transparent")


PAPERS = ("A4", "Letter")


COLORMAPS = (
    "Blues", "Greens", "Greys", "Oranges", "Purples",
    "cividis", "viridis", "magma", "inferno", "plasma", "rocket", "mako",
)  # fmt: skip
"""Colour maps with monotone lightness, so that larger values look larger."""


MAX_BYTES = 10_000_000


ATTACHMENTS = ("pdf", "json", "html")


ATTACH = "pdf,json"


MAX_MAIL_BYTES = 10_000_000


LEAST_MAIL_BYTES = 400_000
"""Text, HTML and picture of a mail always fit into this size."""


THUMBNAIL_SIZE = 96
"""About 3 KB per picture as JPEG; a picture of 256 pixels takes about 15 KB."""


_RAINBOW = (
    "its lightness goes up and down, so equal steps look unequal and some values look like edges"
)


_RED_GREEN = "red and green look alike to one man in twelve"


_REFUSED = {
    **dict.fromkeys(
        ("jet", "turbo", "hsv", "rainbow", "gist_rainbow", "gist_ncar", "nipy_spectral"), _RAINBOW
    ),
    **dict.fromkeys(("RdYlGn", "RdGy", "PiYG", "PRGn", "brg"), _RED_GREEN),
}


_LANGUAGE = re.compile(
    "[A-Za-z]{2,3}"  # language
    "(-[A-Za-z]{4})?"  # script
    "(-(?:[A-Za-z]{2}|[0-9]{3}))?"  # region
    "(-(?:[A-Za-z0-9]{5,8}|[0-9][A-Za-z0-9]{3}))*"  # variants
)


_URL = re.compile(r"https?://[A-Za-z0-9\-._~:/?#@!$&'*+,;=%]+")
"""Characters of an address, except those that end a link in Markdown or HTML."""


_LOGIN = re.compile(r"[^/?#]*//[^/?#]*@")


_KEY = re.compile(r"[A-Za-z0-9._-]{1,64}")


_PAGE, _BESIDE, _DELIVERY = "Page", "Additional outputs", "Delivery"


TRACKERS = ("mlflow", "wandb", "tensorboard")


@dataclass(frozen=True)
class PageOptions(Declared):
    """Content and appearance of the page, and additional files.

    Raises :class:`~reportgen.errors.UsageError` with slug ``option-value`` for an invalid value,
    and ``colormap-refused`` for a misleading colour map.
    """

    PATHS: ClassVar[tuple[str, ...]] = ("logo", "notes", "theme", "templates")

    layout: str = option(
        "file",
        "file: one report.html. dir: index.html and report_files/, for viewers that show no "
        "embedded images or styles, such as Jenkins.",
        _PAGE,
        choices=LAYOUTS,
    )
    no_thumbnails: bool = option(False, "No sample images on the page.", _PAGE)
    thumbnail_size: int = option(
        THUMBNAIL_SIZE,
        "Longest side of sample images in pixels. Images of at most 64 pixels are not changed. "
        "Larger ones show more detail when opened and make a larger page.",
        _PAGE,
        min=32,
        max=256,
    )
    public: bool = option(
        False,
        "Remove images and hash file names in every output, for readers who may not see "
        "the data. Class names are kept.",
        _PAGE,
    )
    logo: Path | None = option(
        None, "Image above the verdict: PNG, JPEG, WebP or GIF.", _PAGE, metavar="FILE"
    )
    notes: Path | None = option(
        None,
        "Notes to show as a section: Markdown, without images or HTML.",
        _PAGE,
        metavar="FILE",
    )
    theme: Path | None = option(
        None, "Colours and fonts of the page, as CSS variables.", _PAGE, metavar="FILE"
    )
    templates: Path | None = option(
        None,
        "Folder of templates that override those of the same name; only use code that you trust.",
        _PAGE,
        metavar="FOLDER",
    )
    lang: str = option(
        "en", "Language tag of the page, for custom templates.", _PAGE, metavar="TAG"
    )
    colormap: str = option("Blues", "Colours of the matrix.", _PAGE, choices=COLORMAPS)
    max_bytes: int = option(MAX_BYTES, "Maximum page size in bytes.", _PAGE, min=100_000)
    pdf: bool = option(
        False,
        "Also write report.pdf, with an installed Chromium or Chrome (or the one in "
        "REPORTGEN_CHROMIUM).",
        _BESIDE,
    )
    pdf_full: bool = option(
        False,
        "report.pdf with every fold open; otherwise a closed fold prints its heading only.",
        _BESIDE,
    )
    paper: str = option("A4", "Paper size of report.pdf.", _BESIDE, choices=PAPERS)
    figures: bool = option(
        False,
        "Also write figures/: each matrix, curve and chart as PNG and SVG, for slides.",
        _BESIDE,
    )
    figures_background: str = option(
        "white", "Background of the images in figures/.", _BESIDE, choices=BACKGROUNDS
    )

    summary: bool = option(
        False,
        "Also write summary.md, for pull requests and chats. On GitHub Actions it is added to the "
        "job summary, and gates that failed become annotations.",
        _BESIDE,
    )
    report_url: str = option(
        "",
        "URL of the page, linked in summary.md, model-card.md and report.eml.",
        _BESIDE,
        metavar="URL",
        shapes=False,
    )
    key: str = option(
        "default",
        "Key of this report, if a pull request has several.",
        _BESIDE,
        metavar="TEXT",
    )
    model_card: bool = option(
        False,
        "Also write model-card.md for Hugging Face: metadata (model-index) and the summary.",
        _BESIDE,
    )
    mail: bool = option(
        False,
        "Also write report.eml, a mail to open or to send with `reportgen mail`.",
        _BESIDE,
    )
    attach: str = option(
        ATTACH,
        "Files to attach to report.eml, separated by commas: pdf (needs --pdf), json, html; "
        "or none.",
        _BESIDE,
        metavar="pdf,json,html|none",
    )
    max_mail_bytes: int = option(
        MAX_MAIL_BYTES,
        "Maximum size of report.eml in bytes. Attachments that do not fit are omitted, largest "
        "first, and the mail says so.",
        _BESIDE,
        min=LEAST_MAIL_BYTES,
    )

    track: tuple[str, ...] = option(
        (),
        "Log the report to this tracker, by the tracker's own settings; repeatable. DIR is runs "
        "by default.",
        _DELIVERY,
        metavar="mlflow|wandb|tensorboard[:DIR]",
        repeated=True,
        shapes=False,
    )
    track_predictions: bool = option(
        False,
        "Log predictions.parquet and bad.csv too, which name every sample.",
        _DELIVERY,
        shapes=False,
    )

    TUPLES: ClassVar[tuple[str, ...]] = ("track",)

    @classmethod
    def converted(cls, values: dict[str, Any]) -> dict[str, Any]:
        if isinstance(values.get("track"), str):
            values["track"] = (values["track"],)
        return super().converted(values)

    def __post_init__(self) -> None:
        if self.colormap in _REFUSED:
            raise UsageError(
                f"--colormap {self.colormap} is refused: {_REFUSED[self.colormap]}",
                slug="colormap-refused",
                hint=f"choose one of {', '.join(COLORMAPS)}",
            )
        super().__post_init__()
        if self.report_url:
            check_address("--report-url", self.report_url)
        if not _KEY.fullmatch(self.key) or "--" in self.key:
            raise UsageError(
                f"--key {quoted(self.key)} is not a key",
                slug="option-value",
                hint='write 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-", without "--": as in '
                '"nightly-eu"',
            )
        self._check_attachments()
        for tracker in self.track:
            check_tracker(tracker)
        if self.track_predictions and not self.track:
            raise UsageError(
                "--track-predictions requires --track", slug="option-conflict", hint="add --track"
            )
        if not _LANGUAGE.fullmatch(self.lang):
            raise UsageError(
                f"--lang {quoted(self.lang)} is not a language tag",
                slug="option-value",
                hint='write it as in "en", "pt-BR" or "zh-Hant"',
            )

    def _check_attachments(self) -> None:
        words = self.attach.split(",")
        wrong = [word for word in words if word not in (*ATTACHMENTS, "none")]
        if wrong or ("none" in words and len(words) > 1) or len({*words}) < len(words):
            raise UsageError(
                f"--attach {quoted(self.attach)} is not a list of pdf, json and html, or none",
                slug="option-value",
                hint='write it as in "--attach pdf,json" or "--attach none"',
            )
        if self.mail and self.attach != ATTACH and "pdf" in words and not self.pdf:
            raise UsageError(
                f"--attach {self.attach} requires report.pdf",
                slug="option-conflict",
                hint="add --pdf",
            )

    @property
    def attachments(self) -> tuple[str, ...]:
        """The attachments of the mail: any of ``pdf``, ``json`` and ``html``."""
        words = self.attach.split(",")
        return tuple(word for word in ATTACHMENTS if word in words)

    @property
    def page_name(self) -> str:
        """The file name of the page."""
        return "report.html" if self.layout == "file" else "index.html"


def check_address(flag: str, url: str) -> None:
    """Raise :class:`UsageError` if `url` is not a linkable http or https address, or contains a
    login, which all readers would get.
    """
    if _LOGIN.match(url):
        raise UsageError(
            f"{flag} {quoted(without_secrets(url))} contains a login, and is published",
            slug="url-login",
            hint="write the address without what is before the @",
        )
    if not _URL.fullmatch(url):
        raise UsageError(
            f"{flag} {quoted(url)} is not an address that can be linked",
            slug="option-value",
            hint='write it as in "https://example.org/reports/42/report.html", without spaces '
            "or brackets",
        )


def check_tracker(text: str) -> None:
    """Raise :class:`UsageError` if `text` is not a valid value of ``--track``."""
    name, colon, place = text.partition(":")
    if name not in TRACKERS or (colon and (name != "tensorboard" or not place)):
        own = {
            "mlflow": "name its server in MLFLOW_TRACKING_URI: --track mlflow",
            "wandb": "name its project in WANDB_PROJECT: --track wandb",
            "tensorboard": "name the folder, as in --track tensorboard:runs, or none",
        }
        raise UsageError(
            f"--track {quoted(without_secrets(text))} is not a tracker",
            slug="option-value",
            hint=own.get(name, "write mlflow, wandb, tensorboard or tensorboard:DIR"),
        )
    if place:
        refuse_address(place, "--track tensorboard")


class PageKeywords(TypedDict, total=False):
    """The keyword arguments of :class:`PageOptions`."""

    layout: str
    no_thumbnails: bool
    thumbnail_size: int
    public: bool
    logo: Path | str | None
    notes: Path | str | None
    theme: Path | str | None
    templates: Path | str | None
    lang: str
    colormap: str
    max_bytes: int
    pdf: bool
    pdf_full: bool
    paper: str
    figures: bool
    figures_background: str
    summary: bool
    report_url: str
    key: str
    model_card: bool
    mail: bool
    attach: str
    max_mail_bytes: int
    track: str | Sequence[str]
    track_predictions: bool
