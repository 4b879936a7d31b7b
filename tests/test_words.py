"""Words and phrases that the field does not use are in no text of ours."""

import ast
import html
import io
import re
import tokenize
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from typer.testing import CliRunner

from reportgen.cli import with_options
from tests import write_docs

ROOT = Path(__file__).resolve().parents[1]
BANNED = {
    # predicted as
    "called": r"(?<!function )called",
    "taken for": r"taken for",
    "told apart": r"(told|tells?) (them |classes )?apart",
    # prediction, correct and incorrect
    "answer": r"answers?|answered",
    "right class": r"(right|wrong) (class|group|predictions?|samples?)",
    "weakest": r"weakest|worst recall",
    # metric
    "figure": r"(?<!--)figures?(?!/)",
    "of the whole": r"(metrics?|intervals?|values?) of the whole",
    "headline": r"headlines?",
    # rate, %, proportion
    "share": r"shares?(?! (the|a) )",
    # plain verbs
    "stands": r"stands?|standing",
    "holds": r"holds?|held(?!-)",
    "told": r"told|tells?",
    "flatters": r"flatters?",
    "mend": r"mend(s|ed)?",
    "asked": r"(is|are|was|were|as) asked|asked (for|about)",
    "fell": r"fell|grew|grown",
    "goes on": r"go(es)? on|going on|went on",
    "promise": r"promises?|promised",
    # significance, by a test
    "clearly": r"clearly",
    "perhaps": r"perhaps",
    "hardly": r"hardly|seldom",
    "beyond chance": r"beyond chance",
    "chance alone": r"chance alone (shows|would)",
    "sure": r"surest|least sure|too sure|sure of|as sure|how sure|surely",
    "by heart": r"by heart",
    "second look": r"second look",
    "commonest": r"commonest",
    "false alarms": r"false alarms, %",
    # minus, percentage points, 95% CI
    "less baseline": r"less (the )?(baseline|rest|bias|share)",
    "points": r"[+−][0-9.]+ points|(rose|dropped|differ\w*) by [0-9.]+ points|points of (recall|accuracy)",
    "95% interval": r"95 ?% interval of",
    "space before %": r"\d %(?![\w(])",
    # order of words
    "of these": r"of these(?! (samples|folders|formats|fields|files|inputs|options|names|texts|tables)\b)",
    "so many": r"so many(?! (remain|of them))",
    "that which": r"that which",
    "at hand": r"at hand",
    "by itself": r"stands? by (itself|themselves)",
    "in place of": r"in place of",
    "left out": r"left out|lea(ve|ves|ving) (\w+ )?out",
    "passed over": r"passed over",
    "without a word": r"without a word",
    "anew": r"anew|made again",
    "worth": r"worth",
    "way out": r"ways? out",
    "nobody": r"nobody",
    "as asked": r"as (was )?asked",
    "one a line": r"(one|two|each) \w+ an? (line|row|sample|class|channel|image|gate|file|bin|group)",
    "is no number": r"(?<!there )(is|are) no (number|name|folder|file|class|probability|date|count)",
    "error cells": r"error cells?",
    "doubled word": r"(is|are|was|were|be|the|a|an|of|to|in|and|by|for|with) \1|(is|are) (is|are|was|were)",
    "row shares": r"(row|column) shares",
    "figures-ground": r"figures-ground",
}
"""Name → pattern, found as whole words in any case."""

_VALUE = "a value of report.json, which stays"
_PYTHON = "a function of Python is called"
_DRAWING = "a drawing of matplotlib"
_FOREIGN = "what models return, as it is read or quoted"


EXCEPTIONS = {
    ("reportgen/importers/columns/answers.py", "answer"): _FOREIGN,
    ("reportgen/importers/columns/answers.py", "of these"): _FOREIGN,
    ("tests/error_examples.toml", "answer"): _FOREIGN,
    ("tests/error_examples.toml", "told"): _FOREIGN,
    ("SECURITY.md", "called"): _PYTHON,
    ("docs/models-and-data.md", "called"): _PYTHON,
    ("docs/python.md", "called"): _PYTHON,
    ("reportgen/gates/reading.py", "called"): "what others call recall, to lead a reader to it",
    ("docs/how-it-works.md", "figure"): _DRAWING,
    ("docs/python.md", "figure"): _DRAWING,
    ("reportgen/rendering/csv.py", "share"): "the header of a file that earlier versions wrote",
    ("reportgen/comparison/comparison.py", "perhaps"): _VALUE,
    ("reportgen/comparison/significance.py", "perhaps"): _VALUE,
    ("reportgen/report/comparison/deltas.py", "perhaps"): _VALUE,
}
"""(file, name) → why the phrase may be there."""

SAMPLES = sorted((ROOT / "sample_reports").glob("*/report.html"))


def literals(path: Path) -> Iterator[str]:
    """The strings of a module that are neither docstrings nor exported names; fields are blank.

    A single lower-case word is a name for programs: a key, a column, a code, an option.
    """
    tree = ast.parse(path.read_text("utf-8"))
    docs = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    exported = [
        node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__"
    ]
    docs |= {id(name) for names in exported for name in ast.walk(names)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            docs |= {id(part) for part in node.values}  # walked later, and told here
            yield "".join(
                re.sub(r"\{\w*\}", "{}", str(p.value)) if isinstance(p, ast.Constant) else "{}"
                for p in node.values
            )
        elif (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in docs
            and not re.fullmatch(r"[^\sA-Z]*", node.value)
        ):
            yield re.sub(r"\{\w*\}", "{}", node.value)


def markup(path: Path) -> str:
    """The text of a template, without comments, tags and expressions; labels are text too."""
    text = re.sub(r"\{#.*?#\}", " ", path.read_text("utf-8"), flags=re.DOTALL)
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", "{}", text, flags=re.DOTALL)
    return words_of(text)


def words_of(page: str) -> str:
    """What is read or heard on a page: no script, no style, no data."""
    page = re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page)
    page = re.sub(r"</?(a|abbr|b|bdi|i|small|span|strong|sub|sup|u)\b[^>]*>", "", page)
    heard = re.findall(r'(?:aria-label|alt|title|placeholder)="([^"]*)"', page)
    return html.unescape(
        re.sub(r"\s+", " ", re.sub(r"(?s)<[^>]*>", " ", page) + " . " + " . ".join(heard))
    )


def prose(path: Path) -> str:
    """A document without code, addresses, comments, and headings that are slugs."""
    text = re.sub(r"(?m)^### [a-z0-9-]+$", " ", path.read_text("utf-8"))
    text = re.sub(r"(?sm)^```.*?^```|<!--.*?-->", " ", text)
    text = re.sub(r"(?s)`[^`]*`", "{}", re.sub(r"\]\([^)]*\)", "]", text))
    return re.sub(r"\s+", " ", text)


def documents() -> list[Path]:
    own = (
        "README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "sample_reports/README.md",
    )
    return [*sorted((ROOT / "docs").glob("*.md")), *(ROOT / name for name in own)]


def examples() -> Iterator[str]:
    """Messages and hints as they are printed, and what the page on errors adds to them."""
    topics = tomllib.loads((ROOT / "tests" / "error_examples.toml").read_text("utf-8"))
    for entries in topics.values():
        for entry in entries.values():
            yield from entry.values()


def helps() -> Iterator[str]:
    """What each ``--help`` prints."""
    for name in ("", *write_docs.commands()):
        done = CliRunner().invoke(
            with_options(), [*name.split(), "--help"], env={"COLUMNS": "2000", "TERM": "dumb"}
        )
        assert done.exit_code == 0
        yield re.sub(r"[\s│╭╮╰╯─]+", " ", done.stdout)


def texts() -> Iterator[tuple[str, str]]:
    """File → each text in it that is ours and meant for readers."""
    for path in sorted((ROOT / "reportgen").rglob("*.py")):
        if path.name == "__init__.py":
            continue  # a door has names, and no text
        yield from ((path.relative_to(ROOT).as_posix(), text) for text in literals(path))
    for path in sorted((ROOT / "templates").glob("*.j2")):
        yield path.relative_to(ROOT).as_posix(), markup(path)
    for path in documents():
        yield path.relative_to(ROOT).as_posix(), prose(path)
    yield from (("tests/error_examples.toml", text) for text in examples())
    yield from (("--help", text) for text in helps())
    for path in SAMPLES:
        yield path.relative_to(ROOT).as_posix(), words_of(path.read_text("utf-8"))


def found_in(text: str, banned: Mapping[str, str] = BANNED) -> set[str]:
    """The banned phrases in a text, as whole words, in any case."""
    return {
        name
        for name, pattern in banned.items()
        if re.search(rf"(?<![\w-])(?:{pattern})(?![\w])", text, re.IGNORECASE)
    }


@pytest.fixture(scope="module")
def found() -> set[tuple[str, str]]:
    return {(file, name) for file, text in texts() for name in found_in(text)}


def test_no_text_of_ours_has_a_banned_word(found):
    assert sorted(found - set(EXCEPTIONS)) == []


def test_every_exception_is_needed(found):
    assert set(EXCEPTIONS) <= found
    assert all(EXCEPTIONS.values())


PLANTED = {
    "sure": "the surest mistakes",
    "chance alone": "chance alone shows 2%",
    "right class": "the wrong group",
    "weakest": "Worst recall",
    "of the whole": "metrics of the whole",
    "points": "+2.8 points",
    "95% interval": "the 95 % interval of accuracy",
    "space before %": "84.5 % of samples",
    "of these": "each of these is",
    "by itself": "one stands by itself",
    "false alarms": "false alarms, %",
    "one a line": "one name a line",
    "is no number": "it is no number",
    "asked": "what is asked for",
    "doubled word": "such files are is refused",
}


@pytest.mark.parametrize("name", BANNED)
def test_a_planted_word_is_found(name):
    assert name in found_in(f"Here {PLANTED.get(name, name)} ends.")


def test_words_are_looked_for_where_readers_find_them(tmp_path):
    code = tmp_path / "code.py"
    code.write_text('"""It stands."""\nx = f"a stands {y}"\ny = "share"\nz = "Share of cat"\n')
    assert list(literals(code)) == ["a stands {}", "Share of cat"]
    page = tmp_path / "page.md"
    page.write_text("A `share`, [it](share.md).\n```\nshare\n```\n<!-- share -->\n")
    assert "share" not in prose(page)
    assert words_of('<p title="a">b</p><style>c</style>').split() == ["b", ".", "a"]


LONGEST = 20
"""Words of a finding; a name is one word, and signs between words are none."""


def findings(page: str) -> Iterator[str]:
    """The findings of a page, each class name as one word."""
    part = page[page.index('id="findings"') : page.index('id="next"')]
    for item in re.findall(r"(?s)<li\b[^>]*>(.*?)</li>", part):
        item = re.sub(r'(?s)<a .*?</a>|<b class="cls[^"]*">.*?</b>', "{}", item.partition("<a ")[0])
        yield re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", item))).strip()


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_a_finding_is_short(path):
    told = list(findings(path.read_text("utf-8")))
    assert told
    for one in told:
        assert len(re.findall(r"[\w{][^\s]*|[(+−<≥≤]+[\w{][^\s]*", one)) <= LONGEST, one


INNER = {
    "told": r"told|tells?",
    "holds": r"holds?|held",
    "stands": r"stands?|stood|standing",
    "hears": r"hears?|heard",
    "taken for": r"taken for",
    "way out": r"ways? out",
    "share": r"shares? of|(a|the|as|in|row|column) shares?(?! the)",
    "none": r"(what|which|that|it) (is|are) (?-i:none)|where (there|it|one) (is|are)",
    "none where": r"(none|nan|null|empty|false|true|else) where",
    "is no number": BANNED["is no number"],
    "one a line": BANNED["one a line"],
    "left out": BANNED["left out"],
    "asked": BANNED["asked"],
    "sure": BANNED["sure"],
    "mend": BANNED["mend"],
    "flatters": BANNED["flatters"],
    "goes on": BANNED["goes on"],
    "at hand": BANNED["at hand"],
    "right answers": r"(right|wrong) (answers?|predictions?|ones|group|class(?! order))",
    "said of": r"(say|says|said) of",
    "nobody": r"nobody|somebody",
    "likeliest": r"likeliest",
    "of ours": r"of (ours|theirs)",
    "what": r"^What (?!\w+ (need|must|can))",
}
"""Name → pattern that no docstring or comment of the package has: they say what a thing is."""

INNER_EXCEPTIONS = {
    ("reportgen/output_folder.py", "holds"): "a process holds a lock",
}
"""(file, name) → why the phrase may be there."""


_DIRECTIVE = r"noqa(: [A-Z0-9, ]+)?|type: ignore(\[[a-z, -]+\])?|fmt: skip"


def inner_prose(path: Path) -> Iterator[str]:
    """The docstrings and comments of a module, without code and names of parameters."""
    source = path.read_text("utf-8")
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield spoken(str(node.value.value))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield spoken(re.sub(_DIRECTIVE, "", token.string).lstrip("# -"))


def spoken(text: str) -> str:
    """A docstring without code, doctests, and the lines that name an attribute or parameter."""
    lines = text.expandtabs().split("\n")
    indents = [len(line) - len(line.lstrip()) for line in lines]
    kept = [
        line
        for i, line in enumerate(lines)
        if not (i and i + 1 < len(lines) and line.strip() and indents[i + 1] > indents[i])
        and not line.lstrip().startswith((">>>", "..."))
    ]
    return re.sub(r"\s+", " ", re.sub(r"(:\w+:)?`+[^`]*`+", "{}", " ".join(kept))).strip()


@pytest.fixture(scope="module")
def inner() -> set[tuple[str, str]]:
    return {
        (path.relative_to(ROOT).as_posix(), name)
        for path in sorted((ROOT / "reportgen").rglob("*.py"))
        for text in inner_prose(path)
        for name in found_in(text, INNER)
    }


def test_docstrings_and_comments_say_what_a_thing_is(inner):
    assert sorted(inner - set(INNER_EXCEPTIONS)) == []


def test_every_exception_for_docstrings_is_needed(inner):
    assert set(INNER_EXCEPTIONS) <= inner
    assert all(INNER_EXCEPTIONS.values())


def test_docstrings_and_comments_are_read_without_code_and_names(tmp_path):
    code = tmp_path / "code.py"
    code.write_text(
        '''def f(x):
    """The `told` of a run.

    Attributes
    ----------
    told
        What it holds.
    """
    return "told"  # noqa: E501 - it stands here
'''
    )
    doc, comment = inner_prose(code)
    assert found_in(doc, INNER) == {"holds"}
    assert found_in(comment, INNER) == {"stands"}
