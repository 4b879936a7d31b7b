"""The page in a real browser: quiet, inert, readable, and usable by keyboard and without script."""

import io
from unicodedata import normalize

import pytest

from tests import factories
from tests.browser.conftest import wait_until

pytestmark = pytest.mark.browser

ALL = [
    "two classes", "two hostile classes", "ten classes", "scores", "matrix only", "30 classes", "100 classes", "1,000 classes",
    "2,100 classes", "absent", "hostile", "one sample",
]  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_it_asks_for_nothing_and_says_nothing(open_page, name):
    page, seen = open_page(name)
    page.emulate_media(color_scheme="dark")
    page.wait_for_load_state()
    assert len(seen.requests) == 1  # the file
    assert seen.messages == []
    assert seen.dialogs == []


def test_the_policy_is_in_force(open_page):
    page, seen = open_page("ten classes")
    page.evaluate(
        "() => { const s = document.createElement('script'); s.textContent = 'window.x = 1';"
        " document.body.append(s); const i = new Image(); i.src = 'https://example.org/a.png';"
        " document.body.append(i); }"
    )
    page.wait_for_timeout(100)
    assert page.evaluate("window.x") is None
    assert any("CSP script-src" in message for message in seen.messages)
    assert any("CSP img-src" in message for message in seen.messages)


def test_hostile_names_stay_text(open_page):
    page, seen = open_page("hostile")
    assert page.title().startswith("NO GATES SET: ")
    assert seen.dialogs == []
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("script").count() == 1
    text = page.locator("#classes").inner_text()
    for name in factories.HOSTILE:
        shown = name.replace("\u202e", "\\u202e")
        assert shown in text.replace("\u200b", "")
    assert "49" not in page.locator("#c-2 th").inner_text()


def test_the_hostile_page_has_the_elements_of_a_benign_one(open_page):
    def shape(page):
        return page.evaluate(
            "() => [...new Set([...document.querySelectorAll('*')].flatMap((e) =>"
            " [e.localName, ...[...e.attributes].map((a) => e.localName + '@' + a.name)]))].sort()"
        )

    hostile, _ = open_page("hostile")
    benign, _ = open_page("ten classes")
    noted, _ = open_page("absent")
    assert set(shape(hostile)) <= set(shape(benign)) | set(shape(noted)) | {"bdi", "bdi@title"}


@pytest.mark.parametrize("name", [name for name in ALL if name != "1,000 classes"])
def test_the_page_never_scrolls_sideways(open_page, name):
    page, _ = open_page(name)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    for width in (320, 390, 1280):
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_matrix_of_ten_classes_and_its_pictures_fit_on_a_desk(open_page, scheme):
    page, _ = open_page("ten classes", color_scheme=scheme)
    boxes = page.evaluate(
        "[...document.querySelectorAll('#matrix .scroll')].map((b) => b.scrollWidth - b.clientWidth)"
    )
    assert boxes
    assert max(boxes) == 0


@pytest.mark.parametrize("width", [1152, 1216, 1264, 1280, 1344, 1366, 1920])
def test_counts_of_thousands_are_not_cut_at_any_width_of_a_desk(open_page, width):
    page, _ = open_page("ten classes")
    page.set_viewport_size({"width": width, "height": 900})
    cut = page.evaluate(
        """() => {
          document.querySelectorAll('#counts td.dg b').forEach((b) => { b.textContent = '5,431'; });
          document.querySelectorAll('#counts td.n').forEach((td) => { td.textContent = '60,000'; });
          return [...document.querySelectorAll('#views > .scroll')].map(
            (box) => box.scrollWidth - box.clientWidth);
        }"""
    )
    assert cut == [0]


def test_forced_colours_reach_the_totals_beside_a_matrix(open_page):
    page, _ = open_page("ten classes", color_scheme="dark", forced_colors="active")
    adjusted = "(e) => getComputedStyle(e).forcedColorAdjust"
    assert page.locator("#counts tbody td.n").first.evaluate(adjusted) == "auto"
    assert page.locator("#counts tbody td.dg").first.evaluate(adjusted) == "none"


def test_everything_is_there_without_script(open_page):
    page, _ = open_page("ten classes", java_script_enabled=False)
    for name in ("verdict", "findings", "next", "matrix", "pairs", "classes", "data", "made"):
        assert page.locator(f"#{name}").is_visible()
    assert page.locator("#counts tbody td.dg").count() == 10
    assert page.locator("table.main-classes tbody tr").count() == 10
    # three open pairs, and folded ones; test_cards.py looks at correct examples beside them
    assert page.locator(".gal.wrong img").count() == 6 * 8 + 10 * 4
    assert page.locator("button:visible").count() == 0
    assert page.locator("input:visible:not([type=radio])").count() == 0
    page.locator("#reproduce > summary").click()
    page.locator("#reproduce details summary").first.click()
    assert page.locator(".glos").first.is_visible()


def test_a_cell_leads_to_its_pair(open_page):
    page, _ = open_page("ten classes")
    page.locator("#counts a[href='#p-3-5']").click()
    assert page.url.endswith("#p-3-5")
    assert "cat \u2192 dog" in page.locator("#p-3-5").inner_text()


def test_every_link_has_a_target(open_page):
    for name in ("ten classes", "scores", "matrix only", "absent", "100 classes"):
        page, _ = open_page(name)
        assert (
            page.evaluate(
                "[...document.querySelectorAll('a')].filter((a) =>"
                " !document.getElementById(a.hash.slice(1))).map((a) => a.outerHTML)"
            )
            == []
        )


def names_of(page):
    return page.locator("table.main-classes tbody th").all_inner_texts()


def test_tables_are_sorted_by_click_and_by_key(open_page):
    page, _ = open_page("ten classes")
    assert names_of(page)[0] == "cat"  # worst recall first, without script
    precision = page.locator("table.main-classes thead th", has_text="Precision")
    precision.locator("button").click()
    assert precision.get_attribute("aria-sort") == "ascending"
    assert names_of(page)[:2] == ["cat", "bird"]
    assert "Sorted by Precision" in page.locator("#status").inner_text()
    precision.locator("button").press("Enter")
    assert precision.get_attribute("aria-sort") == "descending"
    assert names_of(page)[0] == "automobile"
    page.locator("table.main-classes thead th", has_text="Class").locator("button").press("Space")
    assert names_of(page) == sorted(factories.CIFAR)
    assert page.locator("table.main-classes [aria-sort]").count() == 1


def test_undefined_values_are_sorted_last_both_ways(open_page):
    page, _ = open_page("absent")
    recall = page.locator("table.main-classes thead th", has_text="Recall").locator("button")
    assert names_of(page)[-1].startswith("bee")
    recall.click()
    assert names_of(page)[-1].startswith("bee")
    recall.click()
    assert names_of(page)[-1].startswith("bee")


def test_the_filter_shows_matching_classes_in_both_tables(open_page):
    page, _ = open_page("30 classes")
    page.locator("#filter").fill("FAMILY 003 member 2")
    assert page.locator("table.main-classes tbody tr:visible").count() == 1
    page.locator("#classes summary").first.click()
    assert page.locator("table.more").first.locator("tbody tr:visible").count() == 1
    assert page.locator("#status").inner_text() == "1 class matches"
    page.evaluate("document.querySelector('a[href=\"#c-3\"]').click()")
    wait_until(page, "!document.getElementById('c-3').hidden")


def test_classes_without_a_row_are_looked_up(open_page):
    page, _ = open_page("2,100 classes")
    assert page.locator("table.main-classes tbody tr").count() == 200
    page.locator("#filter").fill("family 207 member 3")
    assert page.locator("#found tbody tr").count() == 1
    assert "5" in page.locator("#found tbody td").first.inner_text()
    assert page.locator("#every-class tbody tr").count() == 0
    page.locator("#every-class summary").click()
    wait_until(page, "document.querySelectorAll('#every-class tbody tr').length === 2100")
    page.locator("#every-class th", has_text="F1").locator("button").click()
    assert page.locator("#every-class [aria-sort]").count() == 1


def test_a_link_is_copied_or_put_into_the_address_bar(open_page):
    page, _ = open_page("ten classes", permissions=["clipboard-read", "clipboard-write"])
    page.locator("[data-copy=matrix]").click()
    wait_until(page, "document.getElementById('status').textContent !== ''")
    copied = page.locator("#status").inner_text()
    assert copied in {"Link copied", "Link copied to the address bar"}
    if copied == "Link copied":
        assert page.evaluate("navigator.clipboard.readText()").endswith("#matrix")


def test_it_works_in_a_sandbox_without_an_origin(new_page, html, tmp_path):
    page = new_page()
    (tmp_path / "page.html").write_text(html("ten classes"), "ascii")
    (tmp_path / "frame.html").write_text(
        '<iframe sandbox="allow-scripts" src="page.html" width="1000" height="800"></iframe>'
    )
    page.goto((tmp_path / "frame.html").as_uri())
    frame = page.frame_locator("iframe")
    frame.locator("table.main-classes thead th", has_text="Precision").locator("button").click()
    frame.locator("[data-copy=matrix]").click()
    frame.locator("#status", has_text="ink").wait_for(state="attached")
    assert page.seen.errors == []


PRINTS = [("two classes", "A4"), ("scores", "A4"), ("scores", "Letter"), ("30 classes", "A4")]


@pytest.mark.parametrize(("name", "paper"), PRINTS)
def test_a_print_is_light_and_cuts_no_table(open_page, name, paper):
    page, _ = open_page(name, color_scheme="dark")
    width = {"A4": 703, "Letter": 725}[paper]  # the paper less the margins, in CSS pixels
    page.emulate_media(media="print", color_scheme="dark")
    page.set_viewport_size({"width": width, "height": 1000})
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    too_wide = page.evaluate(
        "[...document.querySelectorAll('table, img, dl')].filter((e) => e.checkVisibility() &&"
        f" e.getBoundingClientRect().right > {width} + 1).map((e) => e.className || e.localName)"
    )
    assert too_wide == []
    from pypdf import PdfReader

    pages = PdfReader(io.BytesIO(page.pdf(format=paper, print_background=True))).pages
    assert len(pages) >= 3
    wide, high = (float(side) for side in pages[0].mediabox.upper_right)
    assert (wide, high) == pytest.approx({"A4": (595, 842), "Letter": (612, 792)}[paper], abs=1)
    text = normalize("NFKC", "\n".join(sheet.extract_text() for sheet in pages))
    for title in (
        "NO GATES SET", "Key findings", "Confusion matrix", "Per-class metrics", "Data quality",
        "Reproduce",
    ):  # fmt: skip
        assert title in text
    for head in last_columns(page):
        assert head in text
    assert drawn_outside(pages, wide) == []


def last_columns(page):
    """The last head of each table: the first one that a narrow sheet would cut off."""
    return page.evaluate(
        "[...document.querySelectorAll('table')].filter((t) => t.checkVisibility() && t.tHead)"
        ".map((t) => [...[...t.tHead.rows].at(-1).cells].filter((c) => c.offsetWidth).at(-1))"
        ".map((head) => head.innerText.trim())"
        ".filter((text) => /^[A-Za-z0-9 ]+$/.test(text))"
    )


def drawn_outside(pages, width):
    """Texts that begin beyond the right edge of their sheet."""
    found = []

    def look(text, matrix, text_matrix, *_):
        x = text_matrix[4] * matrix[0] + text_matrix[5] * matrix[2] + matrix[4]
        if text.strip() and x > width:
            found.append(text)

    for sheet in pages:
        sheet.extract_text(visitor_text=look)
    return found


def test_a_closed_fold_prints_its_heading(open_page):
    page, _ = open_page("ten classes")
    page.emulate_media(media="print")
    assert page.locator("#reproduce > summary").is_visible()
    assert not page.locator("table.more").first.is_visible()


def test_forced_colours_keep_the_verdict_and_the_matrix(open_page):
    page, seen = open_page("ten classes", forced_colors="active")
    assert page.locator("h1").inner_text() == "NO GATES SET"
    heat = "getComputedStyle(document.querySelector('#counts .h18')).backgroundColor"
    assert page.evaluate(heat) == "rgb(8, 74, 146)"
    assert seen.messages == []


def test_paper_shows_the_class_numbers_that_the_screen_folds(open_page):
    from pypdf import PdfReader

    page, _ = open_page("100 classes")
    names = page.locator("#order li").all_text_contents()
    assert len(names) == 100
    assert not page.locator("#order li").first.is_visible()
    text = " ".join(
        " ".join(sheet.extract_text().split())
        for sheet in PdfReader(io.BytesIO(page.pdf(format="A4"))).pages
    )
    for number in (1, 50, 100):
        assert f"{number} {names[number - 1]}" in text
    page.locator("#order > summary").click()
    assert page.locator("#order li").first.is_visible()


def test_notes_on_paper_are_below_their_table(open_page):
    """With script, too: the buttons to copy a table are not printed."""
    page, _ = open_page("100 classes")
    page.wait_for_timeout(200)
    page.emulate_media(media="print")
    overlaps = page.evaluate(
        "[...document.querySelectorAll('.note')].filter((e) => e.checkVisibility() &&"
        " e.previousElementSibling?.matches('.copies')).map((e) => e.getBoundingClientRect().top"
        " - e.previousElementSibling.previousElementSibling.getBoundingClientRect().bottom)"
    )
    assert len(overlaps) > 1
    assert min(overlaps) >= 0
