"""The HTML of ``report.eml`` as mail programs show it: narrow and wide, light and dark, with the
picture and without, and with nothing loaded.
"""

from __future__ import annotations

import base64
import email
import email.policy

import pytest

from reportgen.rendering.mail import mail_picture, render_mail
from reportgen.report import build_report
from tests import factories
from tests.rendering.reports import report_of, reviewed

pytestmark = pytest.mark.browser

REPORTS = {
    "review": reviewed,
    "hostile": lambda: build_report(factories.hostile()),
    "long names": lambda: report_of([f"{'Donaudampfschifffahrt' * 3}{i}" for i in range(6)]),
}


@pytest.fixture(scope="module")
def mails():
    """The HTML by name; the picture is in it, where a mail program would put it."""
    made = {}
    for name, report in REPORTS.items():
        content = render_mail(report(), mail_picture(report()), url="https://example.org/r")
        message = email.message_from_bytes(content, policy=email.policy.default)
        html = message.get_body(("html",)).get_content()
        (image,) = (one for one in message.walk() if one.get_content_type() == "image/png")
        address = "data:image/png;base64," + base64.b64encode(image.get_content()).decode()
        made[name] = (html, html.replace(f"cid:{image['Content-ID'].strip('<>')}", address))
    return made


@pytest.fixture
def opened(new_page):
    """Open HTML at a width, and see that it asks for nothing and says nothing."""

    def opened(html, width, scheme="light"):
        page = new_page(width=width, height=800, color_scheme=scheme)
        page.set_content(html)
        assert not [url for url in page.seen.requests if not url.startswith(("data:", "cid:"))]
        return page

    return opened


@pytest.mark.parametrize("pictured", [True, False])
@pytest.mark.parametrize("name", REPORTS)
def test_it_needs_no_sideways_scroll(mails, opened, name, pictured):
    page = opened(mails[name][pictured], 320)
    for width in (320, 600, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_has_no_fault_that_axe_knows(mails, opened, scheme):
    from axe_playwright_python.sync_playwright import Axe

    page = opened(mails["review"][True], 600, scheme)
    # A mail is no page: programs put it into a document of theirs, which has the landmarks.
    found = Axe().run(page, options={"rules": {"region": {"enabled": False},
                                               "landmark-one-main": {"enabled": False}}})  # fmt: skip
    assert [one["id"] for one in found.response["violations"]] == []


def test_the_scheme_of_the_reader_changes_ground_and_ink(mails, opened):
    def colours(scheme):
        page = opened(mails["review"][True], 600, scheme)
        return page.evaluate(
            "[...document.querySelectorAll('body, h1, h2, td, th, a')].map(one => {"
            "const s = getComputedStyle(one); return [s.color, s.backgroundColor].join()})"
        )

    light, dark = colours("light"), colours("dark")
    assert len(light) == len(dark)
    assert light[0] != dark[0]
    assert "rgb(21, 24, 28)" not in " ".join(dark)


def test_the_picture_is_as_wide_as_the_text_and_shrinks_with_it(mails, opened):
    for width, shown in ((600, 552), (320, 288)):
        page = opened(mails["review"][True], width)
        box = page.locator("img").bounding_box()
        assert box["width"] == pytest.approx(shown, abs=1)
        natural = page.evaluate("(i => i.naturalHeight / i.naturalWidth)(document.images[0])")
        assert box["height"] / box["width"] == pytest.approx(natural, abs=0.01)
