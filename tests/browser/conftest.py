"""A real headless Chromium, and pages rendered once for all tests that look at them."""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Callable, Iterator
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


@dataclass
class Seen:
    """What a page did that a page must not do."""

    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    dialogs: list[str] = field(default_factory=list)


@pytest.fixture
def open_page(browser: Any, files: Any) -> Iterator[Callable[..., tuple[Any, Seen]]]:
    """``open_page("ten classes", width=390, color_scheme="dark")`` → (page, what it did)."""
    contexts = []

    def opened(name: str, *, width: int = 1280, **options: Any) -> tuple[Any, Seen]:
        options = {"reduced_motion": "reduce", **options}
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page, seen = context.new_page(), Seen()
        page.add_init_script(
            "document.addEventListener('securitypolicyviolation',"
            " (event) => console.log('CSP ' + event.violatedDirective + ' ' + event.blockedURI));"
        )
        page.on("console", lambda message: seen.messages.append(message.text))
        page.on("pageerror", lambda error: seen.messages.append(str(error)))
        page.on("request", lambda request: seen.requests.append(request.url))
        page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
        page.goto(files(name))
        return page, seen

    yield opened
    for context in contexts:
        context.close()
