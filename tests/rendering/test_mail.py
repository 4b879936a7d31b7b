"""``report.eml``: headers, parts, limits, and names that no mail program acts on."""

from __future__ import annotations

import email
import email.policy
import html
import re
from functools import cache
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import reportgen
from reportgen.errors import UsageError
from reportgen.options import PageOptions
from reportgen.rendering.eml import header_line, header_text
from reportgen.rendering.mail import MAX_HTML, Attachment, mail_picture, render_mail
from reportgen.rendering.markdown import render_summary
from reportgen.report import build_report
from tests import factories
from tests.rendering.reports import NAMES, report_of, reviewed

INVISIBLE = re.compile("[\u200b\u2068\u2069]")
JSON = Attachment("report.json", "application/json", b'{"a": 1}')
PDF = Attachment("report.pdf", "application/pdf", b"%PDF-1.7" + bytes(5_000))


@cache
def drawn():
    return mail_picture(reviewed())


def sent(report=None, **more):
    """The bytes, and the message that a mail program reads."""
    report = report or reviewed()
    content = render_mail(report, drawn() if report is reviewed() else None, **more)
    return content, email.message_from_bytes(content, policy=email.policy.default)


def part(message, kind):
    (found,) = (
        one for one in message.walk() if one.get_content_type() == kind and not one.is_attachment()
    )
    return found


def html_of(message):
    return part(message, "text/html").get_content()


def text_of(message):
    return part(message, "text/plain").get_content()


class Read(HTMLParser):
    """Elements with their attributes, and the texts between them."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.texts = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag in ("br", "td", "th", "p", "h1", "h2"):
            self.texts.append("\n")

    def handle_data(self, data):
        if self.elements and self.elements[-1][0] != "style":
            self.texts.append(data)

    @property
    def words(self):
        return "".join(self.texts)


# The message


def test_the_tree_is_text_then_html_with_its_picture_then_attachments():
    _, message = sent(attachments=[PDF, JSON])
    kinds = [(one.get_content_type(), one.get_content_disposition()) for one in message.walk()]
    assert kinds == [
        ("multipart/mixed", None),
        ("multipart/alternative", None),
        ("text/plain", None),
        ("multipart/related", None),
        ("text/html", None),
        ("image/png", "inline"),
        ("application/pdf", "attachment"),
        ("application/json", "attachment"),
    ]
    assert [one.get_filename() for one in message.iter_attachments()] == [PDF.name, JSON.name]
    assert [one.get_content() for one in message.iter_attachments()] == [PDF.content, JSON.content]


def test_the_wire_form_is_what_every_server_takes():
    content, message = sent(report_of(NAMES[:10]), date="2026-11-29", attachments=[PDF, JSON])
    assert content.isascii()
    assert content.count(b"\n") == content.count(b"\r") == content.count(b"\r\n")
    assert max(map(len, content.split(b"\r\n"))) <= 78
    assert not [one.defects for one in message.walk() if one.defects]


def test_the_headers_name_no_machine_and_nobody():
    _, message = sent(date="2026-11-29")
    assert message["Date"] == "Sun, 29 Nov 2026 00:00:00 +0000"
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Auto-Response-Suppress"] == "All"
    assert re.fullmatch(r"<[0-9a-f]{32}@reportgen\.invalid>", message["Message-ID"])
    assert not {"To", "From", "Cc", "Bcc", "X-Mailer", "User-Agent", "Received"} & {*message}
    assert "Date" not in sent()[1]


def test_the_subject_says_the_verdict_first_and_takes_120_characters():
    _, message = sent()
    assert message["Subject"] == (
        "[DO NOT SHIP] candidate 1.2 on CIFAR-10 test: 1 of 5 gates failed"
    )
    _, plain = sent(build_report(factories.cifar()))
    assert plain["Subject"] == "[NO GATES SET] candidate 1.2 on CIFAR-10 test: Accuracy 84.5%"
    proportions = reportgen.load([[0.8, 0.2], [0.1, 0.9]], kind="matrix", normalised="true")
    assert sent(build_report(proportions))[1]["Subject"].endswith("Balanced accuracy 85.0%")
    _, hostile = sent(build_report(factories.hostile()))
    assert len(hostile["Subject"]) <= 120


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=130))
def test_a_header_reads_back_as_it_was_set_and_begins_no_other(text):
    known = header_text(text)
    line = header_line("Subject", known)
    assert line.isascii()
    assert line.endswith(b"\r\n")
    folded = line.decode().removesuffix("\r\n").split("\r\n")
    assert all(one.startswith(" ") for one in folded[1:])
    assert max(map(len, folded)) <= 76
    assert all(len(word) <= 75 for one in folded for word in one.split() if word[:2] == "=?")
    for policy in (email.policy.default, email.policy.compat32):
        message = email.message_from_bytes(line + b"\r\nbody", policy=policy)
        assert list(message.keys()) == ["Subject"]
        assert message.get_payload() == "body"
        read = str(email.header.make_header(email.header.decode_header(message["Subject"])))
        assert read == known


@pytest.mark.parametrize("n", range(60, 90))
def test_no_length_of_subject_gets_a_blank(n):
    for text in ("x" * n, "ab " * (n // 3) + "c", "a" * 50 + " " + "b" * (n - 51)):
        message = email.message_from_bytes(
            header_line("Subject", text), policy=email.policy.default
        )
        assert message["Subject"] == text


@pytest.mark.parametrize(
    "name",
    [
        "=?utf-8?q?a=0ABcc:x?=",
        "x\r\nBcc: a@b",
        "=?utf-8?b?CkJjYzogeA==?=",
        "==??utf-8?q?x?=",
        "a\nb",
    ],
)
def test_no_name_injects_a_header(name):
    evaluation = factories.make_evaluation(
        [[9, 1], [1, 9]], ("a", "b"), provenance=factories.Provenance(
            kind="predictions", title=name, model=factories.ModelFacts(name=name)),
    )  # fmt: skip
    _, message = sent(build_report(evaluation))
    assert "Bcc" not in message
    assert {*message} == {"Subject", "Message-ID", "Auto-Submitted", "X-Auto-Response-Suppress",
                          "Content-Type", "MIME-Version"}  # fmt: skip
    assert "=?" not in message["Subject"]


def test_the_same_report_gives_the_same_bytes_and_another_one_another_id():
    first, second = sent(attachments=[JSON])[0], sent(attachments=[JSON])[0]
    assert first == second
    ids = {sent(url=url)[1]["Message-ID"] for url in ("", "https://example.org/r")}
    assert len(ids) == 2


def test_the_picture_is_the_heatmap_of_the_report_at_the_width_that_it_is_drawn_for():
    _, message = sent()
    picture = part(message, "image/png")
    (image,) = (a for tag, a in Read(html_of(message)).elements if tag == "img")
    assert image["src"] == "cid:" + picture["Content-ID"].strip("<>")
    content = picture.get_content()
    assert int.from_bytes(content[16:20], "big") == 2 * int(image["width"]) == 2 * 552
    assert image["alt"] == reviewed().matrix.figures[1].alt


@pytest.mark.parametrize("k", [16, 24])
def test_a_picture_of_many_classes_has_the_width_too(k):
    _, picture = mail_picture(build_report(factories.synthetic(k)))
    assert 500 < picture.width <= 552
    assert len(picture.content) <= 120_000


@pytest.mark.parametrize("k", [40, 100])
def test_where_axes_have_no_room_for_names_the_pairs_are_listed(k):
    """A mail has no list of the classes beside a picture, and no hovering."""
    report = build_report(factories.synthetic(k))
    assert mail_picture(report) is None
    content = render_mail(report, mail_picture(report))
    message = email.message_from_bytes(content, policy=email.policy.default)
    assert [one for one in message.walk() if one.get_content_type() == "image/png"] == []
    shown = flat(Read(html_of(message)).words)
    plain = " ".join(message.get_body(("plain",)).get_content().split())
    assert "Most confused pairs" in shown
    assert "MOST CONFUSED PAIRS" in plain
    for row in report.pairs.rows[:10]:
        one = row.direction
        assert f"{one.true_name} → {one.predicted_name} {one.count} {flat(one.share)}" in shown
        assert f"{one.predicted_name}: {one.count} ({flat(one.share)} of the true class)" in plain
    assert str(report.pairs.rows[10].direction.predicted_name) + " 1 " not in shown


def test_axes_that_carry_numbers_are_told():
    report = build_report(factories.hostile())
    content = render_mail(report, mail_picture(report))
    words = flat(
        Read(html_of(email.message_from_bytes(content, policy=email.policy.default))).words
    )
    spec = report.matrix.figures[1]
    axes = [f"{i} = {flat(name)}" for i, name in enumerate(spec.labels, start=1)]
    assert f"Axes: {', '.join(axes)}" in words
    assert "Axes:" not in Read(html_of(sent()[1])).words


# What it says


def numbers(text):
    return {one.strip(".,") for one in re.findall(r"[+−<>]?\d[\d.,]*", text)}


@pytest.mark.parametrize(
    "report",
    [reviewed, lambda: build_report(factories.scored()), lambda: build_report(factories.hostile())],
)
def test_text_and_html_have_the_same_numbers(report):
    _, message = sent(report(), date="2026-11-29")
    shown = Read(html_of(message)).words
    told = INVISIBLE.sub("", text_of(message))
    assert numbers(told) - numbers(shown) == set()
    assert numbers(shown) - numbers(told) == set()


def flat(text):
    return re.sub(r"\s+", " ", INVISIBLE.sub("", text))


def test_verdict_gates_tiles_findings_and_changes_are_those_of_the_report():
    report = reviewed()
    _, message = sent(report)
    for said in (flat(Read(html_of(message)).words), flat(text_of(message))):
        assert report.verdict.word in said
        assert flat(str(report.verdict.reason)) in said
        for row in report.gates.rows:
            for one in (str(row.name), row.value, row.range, row.margin):
                assert flat(one) in said
            if row.status != "passed":
                assert flat(row.required) in said
                assert flat(row.detail) in said
        for tile in report.headline.tiles:
            assert tile.cell.text in said
            assert tile.cell.range in said
        for one in (*report.findings[:5], *report.steps):
            assert flat(f"{one.head} {one.body}") in said
        for row in report.comparison.summary:
            assert row.delta.value is None or row.delta.text in said
        for row in report.comparison.classes.rows:
            assert row.recall.text in said


def test_the_text_takes_72_columns_and_parts_no_number_from_its_unit():
    lines = text_of(sent(url="https://example.org/" + "x" * 90)[1]).splitlines()
    assert max(len(line) for line in lines if "https://" not in line) <= 72
    assert not [line for line in lines if line.lstrip().startswith(("%", "pp"))]


def test_links_lead_to_the_page_alone_and_only_where_its_address_is_known():
    url = "https://example.org/r?a=1&b=2"
    read = Read(html_of(sent(url=url)[1]))
    links = [attributes["href"] for tag, attributes in read.elements if tag == "a"]
    assert links[0] == url
    assert all(link.startswith(f"{url}#") for link in links[1:])
    assert len(links) == 1 + 5 + len(reviewed().steps)
    assert not [tag for tag, _ in Read(html_of(sent()[1])).elements if tag == "a"]


# Names


@pytest.mark.parametrize("some", [NAMES[i : i + 10] for i in range(0, len(NAMES), 10)])
def test_names_come_out_letter_for_letter_and_nothing_is_linked(some):
    report = report_of(some)
    _, message = sent(report)
    read = Read(html_of(message))
    assert not {"a", "script", "link", "iframe", "form", "svg", "details"} & {
        t for t, _ in read.elements
    }
    shown = [row.name.text for row in report.classes.rows]
    told = text_of(message)
    for name in (n for n in shown if n in str(report.gates.rows[0].sentence)):
        assert flat(name).strip() in flat(read.words)
        assert flat(name).strip() in flat(told)
    for text in (*read.texts, told):
        assert not re.search(r"[\w.]@\w|\w://|//\w|www\.\w|(?i:mailto|javascript|ftp):\w", text), (
            text
        )


def test_many_hostile_classes_come_out_in_the_table_of_changes():
    from reportgen.comparison import compare_evaluations

    names = NAMES[10:20]
    counts = [[20 if i == j else 1 for j in range(10)] for i in range(10)]
    before = factories.make_evaluation(
        [
            [n - 3 if n > 1 else 1 + (j == (i + 1) % 10) * 3 for j, n in enumerate(row)]
            for i, row in enumerate(counts)
        ],
        names,
    )
    comparison = compare_evaluations(before, factories.make_evaluation(counts, names), "matrix")
    report = build_report(comparison.candidate, None, None, comparison)
    _, message = sent(report)
    read, told = Read(html_of(message)), flat(text_of(message))
    for row in report.comparison.classes.rows:
        assert flat(row.name.text).strip() in flat(read.words)
        assert flat(row.name.text).strip() in told
    for text in read.texts:
        assert not re.search(r"[\w.]@\w|\w://|//\w|www\.\w", text)


TAGS = {
    "html", "head", "meta", "title", "style", "body", "div", "table", "tr", "td", "th", "h1", "h2", "p",
    "b", "span", "br", "img", "a",
}  # fmt: skip
ATTRIBUTES = {
    "lang", "charset", "name", "content", "class", "style", "bgcolor", "role", "width", "cellpadding",
    "cellspacing", "border", "align", "valign", "scope", "colspan", "src", "alt", "href", "dir",
}  # fmt: skip
PROPERTIES = {
    "color", "background-color", "font-family", "font-size", "font-weight", "line-height", "margin",
    "padding", "border", "border-top", "border-left", "border-bottom", "text-align", "text-decoration",
    "width", "max-width", "height", "table-layout", "word-break", "display", "max-height", "overflow",
    "mso-hide",
}  # fmt: skip
"""What Gmail, Outlook, Apple Mail and Yahoo show, or ignore without harm, by caniemail's data."""


@pytest.mark.parametrize("report", [reviewed, lambda: build_report(factories.hostile())])
def test_it_is_made_of_what_mail_programs_know(report):
    read = Read(html_of(sent(report(), url="https://example.org/r")[1]))
    assert {tag for tag, _ in read.elements} <= TAGS
    for tag, attributes in read.elements:
        assert {*attributes} <= ATTRIBUTES, tag
        style = dict(one.split(":", 1) for one in attributes.get("style", "").split(";") if one)
        assert {*style} <= PROPERTIES, (tag, style)
        assert ("background-color" in style) == ("bgcolor" in attributes), (tag, style)
        colours = [style.get("color"), style.get("background-color"), attributes.get("bgcolor")]
        assert all(re.fullmatch("#[0-9a-f]{6}", one) for one in colours if one)
        if tag == "table" and attributes.get("role") != "presentation":
            assert style["table-layout"] == "fixed"


def test_a_name_from_right_to_left_keeps_its_direction():
    report = report_of(("cat", "dog", factories.HOSTILE[7]))
    _, message = sent(report)
    assert f'<span dir="rtl">{factories.HOSTILE[7]}</span>' in html.unescape(html_of(message))
    assert f"\u2068{factories.HOSTILE[7]}\u2069" in text_of(message)


# Limits


def encoded_size(message):
    return len(part(message, "text/html").get_payload())


@pytest.mark.parametrize("k", [100, 1000])
def test_a_mail_of_many_classes_is_not_cut_by_gmail(k):
    _, message = sent(build_report(factories.synthetic(k)))
    assert encoded_size(message) <= MAX_HTML


def test_a_mail_of_many_gates_with_long_names_says_what_it_leaves_out():
    from reportgen.gates import decide, parse_gates

    names = [f"{'@.' * 60}{i}" for i in range(12)]
    gates = "".join(
        f'[[gate]]\nname = "{"猫@." * 40}{i}"\nmetric = "recall"\neach_class = true\nat_least = 0.9{i:02}\n'
        for i in range(60)
    )
    found = factories.make_evaluation(
        [[20 if i == j else 3 for j in range(12)] for i in range(12)], names
    )
    _, message = sent(build_report(found, decision=decide(parse_gates(gates), found)))
    assert encoded_size(message) <= MAX_HTML
    assert "further gates: see the full report" in flat(Read(html_of(message)).words)
    assert "further gates: see the full report" in flat(text_of(message))


def test_what_does_not_fit_is_left_out_the_largest_first_and_the_mail_says_so():
    small = Attachment("report.html", "text/html", b"<p>" * 1_000)
    large = Attachment("report.json", "application/json", b"[" * 900_000)
    content, message = sent(attachments=[PDF, large, small], max_bytes=400_000)
    assert len(content) <= 400_000
    assert [one.get_filename() for one in message.iter_attachments()] == [PDF.name, small.name]
    said = "Not attached, to keep the mail under 400,000 bytes: report.json (900,000 bytes)."
    assert said in flat(Read(html_of(message)).words)
    assert said in flat(text_of(message))
    assert "Attached: report.pdf, report.html." in flat(text_of(message))


# As an output


@pytest.mark.parametrize("value", ["", "pdf,", "PDF", "none,pdf", "json,json", "csv"])
def test_a_list_of_attachments_that_is_none_is_refused(value):
    with pytest.raises(UsageError, match="--attach") as caught:
        PageOptions(mail=True, attach=value)
    assert caught.value.slug == "option-value"


def test_a_pdf_that_is_asked_for_needs_the_option_that_makes_it():
    with pytest.raises(UsageError, match="requires report.pdf") as caught:
        PageOptions(mail=True, attach="pdf")
    assert (caught.value.slug, caught.value.hint) == ("option-conflict", "add --pdf")
    assert PageOptions(mail=True, attach="pdf", pdf=True).attachments == ("pdf",)
    assert PageOptions(mail=True).attachments == ("pdf", "json")
    assert PageOptions(mail=True, attach="none").attachments == ()


def test_the_address_of_the_page_is_not_in_the_recorded_command():
    assert PageOptions(report_url="https://example.org/?token=1").command_words() == []


def written(tmp_path, **options):
    from reportgen.rendering.outputs import write_all

    evaluation = factories.make_evaluation([[9, 1], [2, 8]], ("cat", "dog"))
    write_all(build_report(evaluation), evaluation, tmp_path, PageOptions(mail=True, **options))
    return email.message_from_bytes(
        (tmp_path / "report.eml").read_bytes(), policy=email.policy.default
    )


def test_it_stands_beside_the_report_that_it_attaches(tmp_path):
    message = written(tmp_path, attach="json,html")
    files = {one.get_filename(): one.get_content() for one in message.iter_attachments()}
    assert files["report.json"] == (tmp_path / "report.json").read_bytes()
    assert [*files] == ["report.json", "report.html"]
    assert "<script" not in files["report.html"]
    assert "script-src 'none'" in files["report.html"].replace("&#39;", "'")
    assert [*written(tmp_path, attach="none").iter_attachments()] == []


def test_an_earlier_mail_goes_with_its_report(tmp_path):
    from reportgen.rendering.outputs import write_all

    written(tmp_path)
    evaluation = factories.make_evaluation([[9, 1], [2, 8]], ("cat", "dog"))
    write_all(build_report(evaluation), evaluation, tmp_path)
    assert not (tmp_path / "report.eml").exists()


def test_a_template_of_the_users_own_takes_the_place_of_ours(tmp_path):
    own = tmp_path / "own"
    own.mkdir()
    (own / "mail.html.j2").write_text("<p>{{ t(report.verdict.reason) }} OURS {{ mail.url }}</p>")
    message = written(tmp_path / "out", templates=own, report_url="https://example.org/")
    assert "OURS https://example.org/" in html_of(message)


def test_mail_and_summary_name_the_interval_of_the_lowest_recall_as_the_page_does():
    report = reviewed()
    _, message = sent(report)
    lowest = next(tile for tile in report.headline.tiles if tile.simultaneous)
    phrase = f"simultaneous 95% CI {lowest.cell.range}%"
    assert f"({phrase})" in flat(text_of(message))
    assert phrase in flat(html.unescape(re.sub("<[^>]*>", "", html_of(message))))
    assert phrase in render_summary(report)
