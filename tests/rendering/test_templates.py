"""Templates of the user's own: in a sandbox, and wrong ones told by file and line."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from reportgen.errors import UsageError
from reportgen.options.page import PageOptions
from reportgen.rendering import html, write_all
from reportgen.rendering.appearance import load_style

pytestmark = pytest.mark.usefixtures("no_drawing")


@pytest.fixture
def mine(tmp_path):
    """``mine(**{"_verdict.html.j2": "…"})``: a folder of templates, as options."""
    folder = tmp_path / "templates"
    folder.mkdir()

    def made(files):
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        return PageOptions(templates=folder)

    return made


def rendered(report, page):
    return html.render(report, dress=load_style(page))


def test_a_template_stands_in_for_ours_and_the_rest_is_ours(report, mine):
    page = rendered(report, mine({"_findings.html.j2": '<section id="findings"><h2>{{ report.title }}</h2>{% include "_mine.html.j2" %}</section>',
                                  "_mine.html.j2": "<p>\u732b {{ report.findings[0].head | words }}</p>"}))  # fmt: skip
    assert (
        '<section id="findings"><h2>NO GATES SET: candidate 1.2 on CIFAR-10 test</h2><p>&#29483; Lowest recall'
        in page
    )
    assert 'id="verdict"' in page
    assert page.count("<table") == html.render(report).count("<table")


def test_a_folder_with_our_own_templates_gives_our_own_page(report, mine):
    ours = {path.name: path.read_text("utf-8") for path in html.template_folder().glob("*.j2")}
    assert rendered(report, mine(ours)) == html.render(report)


def test_names_are_escaped_in_templates_of_one_s_own(mine):
    from reportgen.report import build_report
    from tests import factories

    report = build_report(factories.hostile())
    page = rendered(
        report, mine({"_findings.html.j2": "<b>{{ report.classes.rows[0].name.full }}</b>"})
    )
    assert "<img src=x" not in page


def test_a_template_of_one_s_own_may_show_pictures_by_address_or_by_our_macro(report, mine):
    shared = report.pairs.groups[0].directions[0].examples[0].thumbnail
    first, *rest = report.suspects.rows
    rows = (replace(first, thumbnail=shared), *rest)
    report = replace(report, suspects=replace(report.suspects, rows=rows))
    own = (
        '{% import "_macros.html.j2" as m %}{% set row = report.suspects.rows[0] %}'
        '<div id="suspects">{% set p = thumbnail(row.thumbnail) %}'
        '<img src="{{ p.uri }}" width="{{ p.width }}" height="{{ p.height }}" alt="own">'
        "{{ m.picture(row) }}{{ m.picture(row) }}</div>"
    )
    page = rendered(report, mine({"_suspects.html.j2": own}))
    part = page.partition('<div id="suspects">')[2].partition("</div>")[0]
    assert re.match(r'<img src="data:image/[^"]+" width="\d+" height="\d+" alt="own">', part)
    assert part.count('<use href="#pic-1"/>') == 2
    assert page.count('<image id="pic-1"') == page.count("<image ") == 1


def test_a_style_of_one_s_own_is_allowed_by_the_policy(report, mine):
    page = rendered(report, mine({"report.css": "body { color: black }"}))
    assert "<style>body { color: black }</style>" in page
    assert html._hash("body { color: black }") in page


WALKS = [
    "{{ report.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ report.title.format.__globals__ }}",
    "{{ '{0.__class__}'.format(report) }}",
    "{{ heatmap.__globals__ }}",
    "{{ report.__dataclass_fields__ }}",
    "{{ (report | attr('__class__')) }}",
    "{{ report.matrix.figures[0].values.tofile('written') }}",
    "{{ report.matrix.figures[0].values.dump('written') }}",
    "{{ 'a' * 10000000 }}",
    "{{ [0] * 10000000 }}",
    "{{ 9 ** 999999999 }}",
    "{% for i in range(10000000) %}x{% endfor %}",
    "{{ lipsum(10) }}",
]


@pytest.mark.parametrize("text", WALKS)
def test_what_reaches_out_of_its_values_or_makes_too_much_is_refused(
    report, mine, tmp_path, monkeypatch, text
):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError) as caught:
        rendered(report, mine({"_findings.html.j2": f"\n{text}"}))
    assert caught.value.slug == "template-error"
    assert caught.value.message == 'the template "_findings.html.j2" is wrong at line 2'
    assert not (tmp_path / "written").exists()


@pytest.mark.parametrize(
    ("name", "text", "line", "said"),
    [
        ("_findings.html.j2", "a\n{% if %}", 2, "TemplateSyntaxError"),
        ("_findings.html.j2", "a\n\n{{ report.acuracy }}", 3, "UndefinedError"),
        ("_findings.html.j2", "{{ nothing }}", 1, "'nothing' is undefined"),
        ("_findings.html.j2", "{{ 1 / 0 }}", 1, "ZeroDivisionError"),
        ("_findings.html.j2", "\n{{ report.findings[0].head | wrods }}", 2, "wrods"),
        ("_findings.html.j2", "\n\n{{ thumbnail(3) }}", 3, "AttributeError"),
        ("_findings.html.j2", '{% include "_gone.html.j2" %}', 1, "_gone.html.j2"),
        ("_keys.html.j2", "\n{{ nope }}", 2, "nope"),
        ("report.css", "a { content: '</style>' }", 1, "would end its own element"),
        ("report.css", "a { content: '\u732b' }", 1, "UnicodeDecodeError"),
    ],
)
def test_a_wrong_template_is_told_by_file_and_line(report, mine, name, text, line, said):
    with pytest.raises(UsageError) as caught:
        rendered(report, mine({name: text}))
    assert caught.value.slug == "template-error"
    assert caught.value.message == f'the template "{name}" is wrong at line {line}'
    assert said in caught.value.details[0]


def test_a_page_without_its_policy_is_refused(report, mine):
    with pytest.raises(UsageError, match="lacks its Content-Security-Policy") as caught:
        rendered(report, mine({"report.html.j2": "<!DOCTYPE html><title>x</title>"}))
    assert caught.value.slug == "template-error"


def test_a_wrong_template_leaves_no_page(report, evaluation, mine, tmp_path):
    with pytest.raises(UsageError):
        write_all(report, evaluation, tmp_path, mine({"_findings.html.j2": "{{ nope }}"}))
    assert [path.name for path in tmp_path.iterdir()] == ["templates"]


def test_a_folder_without_a_template_of_ours_is_refused(mine):
    with pytest.raises(
        UsageError, match='--templates "templates" contains no template with a known name'
    ) as caught:
        load_style(mine({"_verdit.html.j2": "x", "report.js": "x"}))
    assert caught.value.slug == "templates-folder"
    assert "_verdict.html.j2" in caught.value.details[0]
    assert "report.js" not in caught.value.details[0]
