"""What the script adds, by pointer and by key; and that nothing is lost without it."""

from __future__ import annotations

import pytest

from reportgen.analysis.confusions import confusion_order
from reportgen.report import build_report
from tests import factories
from tests.browser.conftest import wait_until

pytestmark = pytest.mark.browser

NBSP = "\u00a0"


def readout(page):
    """Of the table, not of the pictures."""
    line = page.locator("#matrix .readout:has(+ .scroll)")
    return line.inner_text().replace(NBSP, " ")


def cell(page, i, j):
    return page.locator("#counts tbody tr").nth(i).locator("td").nth(j)


def choose(page, value):
    page.locator(f"#views input[value={value}]").check(force=True)


def focused(page):
    return page.evaluate("document.activeElement.closest('td').cellIndex + ',' +"
                         " document.activeElement.closest('tr').sectionRowIndex")  # fmt: skip


def test_a_cell_says_what_it_counts_when_pointed_at(open_page):
    page, _ = open_page("ten classes")
    cell(page, 3, 5).hover()
    assert readout(page) == (
        "true cat, predicted dog: 126 of 1,000 (12.6%); 12.7% of all predicted dog"  # 126 of 994
    )
    cell(page, 9, 9).hover()
    assert readout(page).startswith("true truck, predicted truck: 880 of 1,000 (88.0%)")


@pytest.mark.parametrize("name", ["ten classes", "absent", "two classes"])
def test_the_readout_has_the_numbers_of_the_tables(open_page, name):
    """Every cell: the same count, and the very text of the row share."""
    page, _ = open_page(name)
    wrong = page.evaluate(
        "() => { const wrong = []; const line = document.querySelector('#matrix .readout');"
        " const rows = document.querySelector('#counts tbody').rows;"
        " for (let r = 0; r < rows.length; r++) for (let c = 1; c <= rows.length; c++) {"
        "  rows[r].cells[c].dispatchEvent(new PointerEvent('pointermove', {bubbles: true}));"
        "  const cell = rows[r].cells[c];"
        "  const count = cell.querySelector('b').textContent;"
        "  const share = cell.querySelector('i') ? cell.querySelector('i').textContent : '0';"
        "  const told = share === 'n/a' ? ': the class has no samples' : ': ' + count"
        "   + ' of ' + rows[r].cells[rows.length + 1].textContent + ' (' + share + '%)';"
        "  if (!line.textContent.includes(told)) wrong.push([line.textContent, told]); }"
        " return wrong; }"
    )
    assert wrong == []


def test_ties_are_rounded_as_in_the_tables(open_page):
    """49 of 400 is 12.25%: Python says 12.2, JavaScript alone would say 12.3."""
    page, _ = open_page("ties")
    assert cell(page, 0, 1).locator("i").inner_text() == "12.2"
    cell(page, 0, 1).hover()
    assert "49 of 400 (12.2%)" in readout(page)
    cell(page, 1, 0).hover()
    assert "1 of 4,000 (<0.1%)" in readout(page)
    cell(page, 1, 1).hover()
    assert "3,999 of 4,000 (>99.9%)" in readout(page)


def test_the_matrix_is_one_stop_for_tab_and_moves_by_arrow(open_page):
    page, _ = open_page("ten classes")
    assert page.locator("#counts [tabindex='0']").count() == 1
    page.locator("#counts [tabindex='0']").focus()
    for key, place in [
        ("ArrowRight", "2,0"), ("ArrowDown", "2,1"), ("End", "10,1"), ("ArrowRight", "10,1"),
        ("Home", "1,1"), ("ArrowLeft", "1,1"), ("ArrowUp", "1,0"), ("ArrowUp", "1,0"),
        ("Control+End", "10,9"), ("Control+Home", "1,0"),
    ]:  # fmt: skip
        page.keyboard.press(key)
        assert focused(page) == place, key
    assert page.locator("#counts [tabindex='0']").count() == 1
    assert readout(page).startswith("true airplane, predicted airplane: 898 of 1,000 (89.8%)")


def test_enter_follows_to_the_gallery_of_the_pair(open_page):
    page, _ = open_page("ten classes")
    cell(page, 3, 5).locator("a").focus()
    assert readout(page).startswith("true cat, predicted dog")
    page.keyboard.press("Enter")
    assert page.url.endswith("#p-3-5")
    wait_until(page, "document.querySelector('#p-3-5.here') !== null")
    cell(page, 3, 3).click()
    page.keyboard.press("Enter")
    assert page.url.endswith("#c-3")
    cell(page, 1, 7).click()
    page.keyboard.press("Enter")
    assert "no examples for this pair" in readout(page)


VIEWS = {
    "both": ["126", "12.6"], "n": ["126"], "rows": ["12.6"], "columns": ["12.7"], "all": ["1.3"],
}  # fmt: skip
"""What the cell of cat, predicted as dog, shows: 126 of 1,000, of 994, of 10,000."""


@pytest.mark.parametrize("script", [True, False])
def test_a_cell_shows_what_is_chosen_with_and_without_script(open_page, script):
    page, _ = open_page("ten classes", java_script_enabled=script)
    for view, texts in VIEWS.items():
        choose(page, view)
        assert cell(page, 3, 5).inner_text().split() == texts, view
    choose(page, "columns")
    assert page.locator(".of-predicted").is_visible()
    assert cell(page, 1, 7).inner_text().strip() == "0"  # a true zero


def test_the_views_are_chosen_by_key(open_page):
    page, _ = open_page("ten classes")
    page.locator("#views input[value=both]").focus()
    page.keyboard.press("ArrowRight")
    assert cell(page, 3, 5).inner_text().split() == ["126"]
    assert page.locator("#status").inner_text() == "counts shown"


def test_grouped_order_moves_rows_and_columns_alike(open_page):
    page, _ = open_page("ten classes")
    order = confusion_order(factories.cifar().confusion).tolist()
    counts = factories.CIFAR_COUNTS

    def table():
        return [
            [int(text.replace(",", "")) for text in row]
            for row in page.evaluate(
                "[...document.querySelectorAll('#counts tbody tr')].map((r) =>"
                " [...r.cells].slice(1, 11).map((c) => c.querySelector('b').textContent))"
            )
        ]

    choose(page, "grouped")
    assert table() == [[counts[i][j] for j in order] for i in order]
    names = page.locator("#counts thead .cn").all_inner_texts()
    assert names == [factories.CIFAR[i] for i in order]
    totals = page.locator("#counts tfoot td").all_inner_texts()[:10]
    assert [int(t.replace(",", "")) for t in totals] == [sum(r[j] for r in counts) for j in order]
    at = order.index(3), order.index(5)
    cell(page, *at).hover()
    assert readout(page).startswith("true cat, predicted dog: 126 of 1,000 (12.6%)")
    cell(page, at[0], at[0]).click()
    page.keyboard.press("Enter")
    assert page.url.endswith("#c-3")
    choose(page, "data")
    assert table() == counts


def test_what_needs_the_script_is_hidden_without_it(open_page):
    page, _ = open_page("ten classes", java_script_enabled=False)
    assert page.locator("#orders").is_hidden()
    assert page.locator("#matrix .readout").is_hidden()
    assert page.locator("#keys-open").is_hidden()
    page.locator("#counts a[href='#p-3-5']").click()
    assert page.url.endswith("#p-3-5")


def test_the_large_table_reads_its_cells_too(open_page):
    page, _ = open_page("100 classes")
    page.locator("#matrix details:has(#counts) > summary").click()
    page.locator("#counts tbody tr").nth(4).locator("td").nth(4).hover()
    text = readout(page)
    assert text.startswith("true family 000 member 4, predicted family 000 member 4: ")
    assert text.endswith("%)")


def test_names_in_the_readout_stay_text(open_page):
    page, seen = open_page("hostile")
    for i in range(10):
        cell(page, i, 1).hover()
        assert page.locator("#matrix .readout > *").count() == 0
    cell(page, 4, 0).hover()
    assert "x" * 300 in readout(page)
    assert seen.dialogs == []


def test_a_link_opens_what_holds_its_target(open_page, files):
    page, _ = open_page("ten classes")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = false; })")
    page.evaluate("() => { const box = document.createElement('details');"
                  " const pair = document.getElementById('p-3-5');"
                  " pair.replaceWith(box); box.append(pair); }")  # fmt: skip
    page.evaluate("location.hash = 'p-3-5'")
    wait_until(page, "document.querySelector('#p-3-5.here')")
    assert page.locator("#p-3-5").is_visible()
    page.evaluate("location.hash = 'c-5'")
    wait_until(page, "document.querySelector('#c-5.here')")
    assert page.locator(".here").count() == 1


def test_opening_a_link_marks_its_target_at_once(open_page, files):
    page, _ = open_page("ten classes")
    page.goto("about:blank")
    page.goto(files("ten classes") + "#p-3-5")
    assert page.locator("#p-3-5.here").is_visible()


def test_every_list_can_be_sorted(open_page):
    for name in ("scores", "two classes"):
        page, _ = open_page(name)
        lists = page.evaluate(
            "[...document.querySelectorAll('table.t:not(.fixed)')]"
            ".filter((t) => t.tBodies[0].rows.length > 1)"
            ".map((t) => [t.closest('.scroll').ariaLabel, t.querySelectorAll('th button').length])"
        )
        assert len(lists) >= 6
        assert [label for label, buttons in lists if buttons == 0] == []


def test_texts_that_are_numbers_are_sorted_as_numbers(open_page):
    page, _ = open_page("scores")
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    table = page.locator("[aria-label='Table: bins'] table")
    head = table.locator("thead th", has_text="n").last.locator("button")
    for up in (True, False):
        head.click()
        shown = table.locator("tbody td:nth-child(3)").all_inner_texts()
        numbers = [int(text.replace(",", "")) for text in shown]
        assert numbers == sorted(numbers, reverse=not up)
    assert max(numbers) > 1000  # with a separator, which is no decimal point
    assert len(numbers) == 15


def test_keys_move_through_the_page(open_page):
    page, _ = open_page("30 classes")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "filter"
    page.keyboard.type("/n?m")
    assert page.locator("#filter").input_value() == "/n?m"  # keys are letters where text is typed
    assert page.locator("#keys").is_hidden()
    page.locator("#filter").blur()
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.closest('table').id") == "counts"
    page.keyboard.press("Control+n")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    assert page.locator("#keys-open").get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert page.locator("#keys").is_hidden()
    assert page.evaluate("document.activeElement.closest('table').id") == "counts"


def test_the_next_section_is_one_key_away(open_page):
    page, _ = open_page("ten classes")
    seen = []
    for key in "nnnp":
        page.keyboard.press(key)
        seen.append(page.locator("#status").inner_text())
    assert seen == [
        "Confusion matrix", "Most confused pairs", "Per-class metrics", "Most confused pairs",
    ]  # fmt: skip


def test_keys_are_found_by_pointer_and_can_be_turned_off(open_page):
    page, _ = open_page("ten classes")
    page.locator("#keys-open").click()
    page.locator("#keys-on").uncheck()
    page.locator("#keys-close").click()
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.closest('table')") is None
    page.keyboard.press("?")
    assert page.locator("#keys").is_hidden()
    page.locator("#keys-open").click()
    page.locator("#keys-on").check()
    page.keyboard.press("m")
    assert page.evaluate("document.activeElement.closest('table').id") == "counts"


def test_the_outline_marks_the_section_in_view(open_page):
    page, _ = open_page("ten classes")
    for section in ("matrix", "classes", "summary"):
        page.locator(f"#{section}").evaluate("(e) => e.scrollIntoView()")
        wait_until(
            page, f"document.querySelector('.outline [aria-current]')?.hash === '#{section}'"
        )
        assert page.locator(".outline [aria-current]").count() == 1


def test_the_threshold_view_names_the_class_and_sorts(open_page):
    page, _ = open_page("two classes")
    assert (
        page.locator("#threshold .lead").first.inner_text().startswith("The positive class is ill")
    )
    assert page.locator("#threshold svg[role=img]").count() == 2
    page.evaluate(
        "document.querySelectorAll('#threshold details').forEach((d) => { d.open = true; })"
    )
    page.locator("#threshold th", has_text="F1").locator("button").click()
    values = page.locator("#threshold tbody td:last-child b").all_inner_texts()
    assert list(map(float, values)) == sorted(map(float, values))


def point_at(page, row, column, picture=0):
    """Move the pointer to the middle of a cell of a picture of many classes."""
    image = page.locator("#matrix img[data-cells]").nth(picture)
    image.scroll_into_view_if_needed()
    box = image.bounding_box()
    edge = image.evaluate("(e) => parseFloat(getComputedStyle(e).paddingLeft)")
    across, down = box["width"] - 2 * edge, box["height"] - 2 * edge
    left, top, width, height = map(float, image.get_attribute("data-cells").split())
    side = page.evaluate("JSON.parse(document.getElementById('picture-cells').textContent).side")
    page.mouse.move(
        box["x"] + edge + across * (left + width * (column + 0.5) / side),
        box["y"] + edge + down * (top + height * (row + 0.5) / side),
    )
    return page.locator("#matrix .heats .readout").inner_text().replace(NBSP, " ")


@pytest.mark.parametrize("picture", [0, 1])
def test_a_picture_of_many_classes_names_what_the_pointer_is_on(open_page, picture):
    page, _ = open_page("100 classes")
    cells = build_report(factories.synthetic(100)).picture_cells
    row, column, n = cells.errors[:3]
    true, predicted = cells.names[row], cells.names[column]
    assert point_at(page, row, column, picture) == (
        f"true {true}, predicted {predicted}: {n} of {cells.support[row]} ({2 * n}.0%)"
    )
    text = point_at(page, 99, 99, picture)
    assert text.startswith(f"true {cells.names[99]}, predicted {cells.names[99]}: ")
    confused = set(zip(cells.errors[::3], cells.errors[1::3], strict=True))
    other = next(j for j in range(1, 100) if (0, j) not in confused)
    assert point_at(page, 0, other, picture).endswith(f"predicted {cells.names[other]}: 0")


def test_a_pixel_of_several_classes_names_them_and_their_most_frequent_confusion(open_page):
    page, _ = open_page("1,000 classes", color_scheme="dark")
    cells = build_report(factories.synthetic(1000)).picture_cells
    row, column, n = cells.errors[:3]
    text = point_at(page, row * 390 // 1000, column * 390 // 1000)
    place = [i for i in range(1000) if i * 390 // 1000 == row * 390 // 1000]
    assert text.startswith(f"true {' / '.join(cells.names[i] for i in place)}, predicted ")
    if abs(row * 390 // 1000 - column * 390 // 1000) > 0:  # not on the diagonal
        confusion = f"{cells.names[row]} \u2192 {cells.names[column]}, {n} of 50"
        assert f"most often {confusion}" in text


def test_an_enlarged_picture_names_its_cells_too(open_page):
    page, _ = open_page("100 classes")
    cells = build_report(factories.synthetic(100)).picture_cells
    page.locator("#matrix .zoom").first.click()
    line = page.locator("#matrix .heats .readout")
    assert point_at(page, 2, 2).startswith(f"true {cells.names[2]}, predicted {cells.names[2]}")
    assert line.evaluate("(e) => getComputedStyle(e).position") == "fixed"
    page.keyboard.press("Escape")
    wait_until(page, "!document.querySelector('.pics:target')")
    assert line.evaluate("(e) => getComputedStyle(e).position") != "fixed"
