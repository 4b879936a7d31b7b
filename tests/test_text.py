"""Names and numbers as people read them."""

import pytest

from reportgen import text


@pytest.mark.parametrize(
    ("share", "shown"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.845, "84.5%"),
        (0.0004, "<0.1%"),
        (1e-12, "<0.1%"),
        (0.9996, ">99.9%"),
        (0.99949, "99.9%"),
        (0.5, "50.0%"),
    ],
)
def test_only_a_true_0_reads_0_and_only_a_true_1_reads_100(share, shown):
    assert text.percent(share) == shown


def test_an_interval_has_both_ends_to_the_same_digit():
    assert text.interval_percent((0.8378, 0.852)) == "83.8–85.2%"


@pytest.mark.parametrize(
    ("ends", "shown"),
    [
        ((0.994, 0.9998), "99.4–99.98%"),
        ((0.0002, 0.012), "0.02–1.2%"),
        ((0.9999, 0.999996), "99.99–99.9996%"),
        ((0, 1), "0–100%"),
        ((0.99951, 1.0), "99.95–100%"),
    ],
)
def test_an_end_near_0_or_100_gets_the_digits_that_it_needs(ends, shown):
    assert text.interval_percent(ends) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("cat", "cat"),
        ("two\nlines", "two\\nlines"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("::error::\r\nx", "::error::\\r\\nx"),
        ("right\u202eleft", "right\\u202eleft"),
        ("\ud800", "\\ud800"),
        ("\x85", "\\x85"),
        ("nul\0", "nul\\x00"),
        ("so\u00adft \u2064plus", "so\\xadft \\u2064plus"),
        ("\u3164", "\\u3164"),
        ("cat\U000e0041\U000e007f", "cat\\U000e0041\\U000e007f"),
        ("\ufff9a\uffff", "\\ufff9a\\uffff"),
        ("猫 é العربية", "猫 é العربية"),
    ],
)
def test_a_name_is_one_harmless_line(name, shown):
    assert text.printable(name) == shown
    assert text.printable(shown) == shown


def test_a_long_name_loses_its_middle():
    assert text.middle_cut("a" * 30 + "b" * 30, 11) == "aaaaa…bbbbb"
    assert text.middle_cut("short", 11) == "short"


def test_a_listing_counts_what_it_leaves_out():
    assert text.listing("abc") == "a, b, c"
    assert text.listing("abcdefg") == "a, b, c, d, e and 2 more"


def test_the_nearest_name_is_found_whatever_its_case():
    assert text.nearest("Catt", ["dog", "cat"]) == "cat"
    assert text.nearest("zebra", ["dog", "cat"]) is None


def test_plurals_carry_thousands():
    assert text.plural(1, "class", "classes") == "1 class"
    assert text.plural(1200, "class", "classes") == "1,200 classes"


@pytest.mark.parametrize(
    ("phrases", "told"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b"], "a and b"),
        (["a", "b", "c"], "a, b and c"),
        (["a", "b", "c", "d"], "a, b, c and 1 more"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_a_list_in_a_sentence_ends_with_and(phrases, told):
    assert text.enumerated(phrases, 3) == told


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("cat", "cat"),
        ("Ankle boot", "Ankle boot"),
        ("T-shirt/top", "T-shirt/top"),
        ("猫", "“猫”"),
        ("9", "“9”"),
        ("x", "“x”"),
        ("", "“”"),
        ("salt, pepper", "“salt, pepper”"),
        ('the "one"', '“the "one"”'),
        ("is missed by far too many", "“is missed by far too many”"),
        ("a\nb", "“a\\nb”"),
    ],
)
def test_a_name_that_would_not_be_seen_as_one_is_quoted_in_a_sentence(name, told):
    assert text.in_sentence(name) == told
