"""A real headless Chromium, and pages rendered once for all tests that look at them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from reportgen.evaluation import Evaluation
from reportgen.rendering.html import render
from reportgen.rendering.thumbnails import make_thumbnail
from reportgen.report import build_report
from tests import binaries, factories

FLAGS = (
    "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run "
    "--disable-background-networking --disable-component-update --disable-sync"
).split()
FIXTURES: dict[str, Callable[[], Evaluation]] = {
    "two classes": binaries.diagnosed,
    "two classes, costs": binaries.costed,
    "two classes, no scores": factories.binary,
    "two hostile classes": lambda: binaries.diagnosed((factories.HOSTILE[1], factories.HOSTILE[7])),
    "ten classes": factories.cifar,
    "scores": factories.scored,
    "matrix only": factories.fashion,
    "30 classes": lambda: factories.synthetic(30),
    "100 classes": lambda: factories.synthetic(100),
    "1,000 classes": lambda: factories.synthetic(1000),
    "2,100 classes": lambda: factories.synthetic(2100, 5),
    "absent": factories.absent_classes,
    "ties": lambda: factories.make_evaluation([[351, 49], [1, 3999]], ("a", "b")),
    "hostile": factories.hostile,
    "one sample": lambda: factories.make_evaluation([[1]], ("only",)),
}


def missing() -> str:
    """What the browser tests lack here; empty where they can run."""
    for library in ("playwright", "pypdf", "axe_playwright_python"):
        if importlib.util.find_spec(library) is None:
            return f"{library} is not installed"
    if shutil.which("chromium") is None:
        return "there is no chromium on the path"
    return ""


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    lacking = missing()
    if lacking and os.environ.get("REPORTGEN_REQUIRE_BROWSER") == "1":
        pytest.fail(f"REPORTGEN_REQUIRE_BROWSER=1, but {lacking}")
    if lacking:
        pytest.skip(f"no browser: {lacking}")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=FLAGS)
        yield running
        running.close()


@pytest.fixture(scope="session")
def html() -> Callable[[str], str]:
    """The page of a fixture by its name."""
    made: dict[str, str] = {}

    def page(name: str) -> str:
        if name not in made:
            evaluation = FIXTURES[name]()
            examples = [mistake for gallery in evaluation.examples for mistake in gallery]
            pictures = {
                mistake.id: make_thumbnail(
                    factories.picture(32 if i % 2 else 120, (i * 37 % 256, i * 91 % 256, 80))
                )
                for i, mistake in enumerate(examples)
            }
            made[name] = render(build_report(evaluation, pictures))
        return made[name]

    return page


@pytest.fixture(scope="session")
def files(html: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The page of a fixture as a file; its address."""
    folder = tmp_path_factory.mktemp("pages")

    def address(name: str) -> str:
        path = folder / f"{name.replace(' ', '-').replace(',', '')}.html"
        if not path.exists():
            path.write_text(html(name), "ascii")
        return path.as_uri()

    return address


def wait_until(page: Any, condition: str, seconds: float = 5) -> None:
    """Wait for a JavaScript condition: the page's policy forbids Playwright's own waiting."""
    for _ in range(round(seconds * 50)):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(20)
    pytest.fail(f"it never came true: {condition}")


POLICY = (
    "document.addEventListener('securitypolicyviolation',"
    " (event) => console.log('CSP ' + event.violatedDirective + ' ' + event.blockedURI));"
)
"""A script that tells the console what the page's policy refused."""


@dataclass
class Seen:
    """What a page did that a page must not do."""

    messages: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    """Of scripts; they are among the messages, too."""
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)

    def add_error(self, text: str) -> None:
        self.errors.append(text)
        self.messages.append(text)


class Pages:
    """Pages that tests use one after another: a new one costs more than loading a report into it.

    Each is as good as new: blank, with its size, its media and the pointer set again.
    """

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._idle: dict[str, list[Any]] = {}

    @contextmanager
    def lent(self) -> Iterator[Callable[..., Any]]:
        """A function that lends a page until the end of the block; ``page.seen`` is what it did."""
        taken = []

        def take(
            *,
            width: int = 1280,
            height: int = 900,
            color_scheme: str = "light",
            reduced_motion: str = "no-preference",
            forced_colors: str = "none",
            init_script: str = POLICY,
            **of_context: Any,
        ) -> Any:
            idle = self._idle.setdefault(repr((init_script, sorted(of_context.items()))), [])
            page = idle.pop() if idle else self._new(init_script, of_context)
            taken.append((idle, page))
            page.seen = Seen()
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(
                media="null",
                color_scheme=color_scheme,
                reduced_motion=reduced_motion,
                forced_colors=forced_colors,
            )
            return page

        try:
            yield take
        finally:
            for idle, page in taken:
                if not page.is_closed():
                    page.mouse.move(0, 0)
                    page.goto("about:blank")
                    idle.append(page)

    def _new(self, init_script: str, of_context: dict[str, Any]) -> Any:
        page = self._browser.new_context(**of_context).new_page()
        if init_script:
            page.add_init_script(init_script)
        page.on("console", lambda message: page.seen.messages.append(message.text))
        page.on("pageerror", lambda error: page.seen.add_error(str(error)))
        page.on("request", lambda request: page.seen.requests.append(request.url))
        page.on("requestfailed", lambda one: page.seen.messages.append(f"failed {one.url}"))
        page.on(
            "dialog", lambda dialog: (page.seen.dialogs.append(dialog.message), dialog.dismiss())
        )
        return page


@pytest.fixture(scope="session")
def lender(browser: Any) -> Pages:
    return Pages(browser)


@pytest.fixture
def new_page(lender: Pages) -> Iterator[Callable[..., Any]]:
    """``new_page(width=390, color_scheme="dark", java_script_enabled=False)`` → a blank page."""
    with lender.lent() as take:
        yield take


@pytest.fixture
def open_page(new_page: Callable[..., Any], files: Any) -> Callable[..., tuple[Any, Seen]]:
    """``open_page("ten classes", width=390, color_scheme="dark")`` → (page, what it did)."""

    def opened(name: str, **options: Any) -> tuple[Any, Seen]:
        page = new_page(**{"reduced_motion": "reduce", **options})
        page.goto(files(name))
        return page, page.seen

    return opened
