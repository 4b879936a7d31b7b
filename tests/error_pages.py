"""The errors of the package, found in its source, and the page that is made of them.

What the page says of an error is in ``error_examples.toml``: a message with its hint, as the code
can print them, and at most one further sentence. Slugs and exit codes are those of the code.
"""

from __future__ import annotations

import ast
import functools
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from reportgen import errors

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "reportgen"
EXAMPLES = Path(__file__).with_name("error_examples.toml")

PLACEHOLDER = re.compile(r"\{(?:what|role|self\.role)\}")
"""What slugs are put together with; it stands for "label" or "prediction"."""


class Place(NamedTuple):
    """A place in the package that makes an error."""

    slug: str
    kind: str
    """The name of the error's class; of the function, where one makes the error."""
    message: str
    """A pattern for the messages that can stand there."""
    hint: str
    """A pattern for its hints; "" where there is none."""


class Example(NamedTuple):
    """What the page says of an error."""

    topic: str
    message: str
    hint: str = ""
    more: str = ""
    """At most one sentence, in Markdown."""


@functools.cache
def examples() -> dict[str, Example]:
    """Slug → example, topic by topic."""
    topics = tomllib.loads(EXAMPLES.read_text("utf-8"))
    return {
        slug: Example(topic, **{key: text.strip() for key, text in entry.items()})
        for topic, entries in topics.items()
        for slug, entry in entries.items()
    }


# The page


def page() -> str:
    """Every error, by topic."""
    topics = list(dict.fromkeys(example.topic for example in examples().values()))
    links = ", ".join(f"[{topic}](#{topic.lower().replace(' ', '-')})" for topic in topics)
    lines = [f"By topic: {links}."]
    for topic in topics:
        lines += ["", f"## {topic}"]
        for slug, example in examples().items():
            if example.topic == topic:
                lines += ["", f"### {slug}", "", *_entry(slug, example)]
    return "\n".join(lines)


def _entry(slug: str, example: Example) -> Iterator[str]:
    printed = f"{example.message}\n  {example.hint}"
    if "`" in printed or "\n" in example.hint:
        yield from (f"Exit code {exit_code(slug)}:", "", "```text", printed, "```")
        yield from ("", example.more) if example.more else ()
    else:
        hint = f"Hint: `{example.hint}`" if example.hint else ""
        lines = (f"Exit code {exit_code(slug)}: `{example.message}`", hint, example.more)
        yield "\\\n".join(filter(None, lines))


def exit_code(slug: str) -> int:
    """The exit code of an error. Raises :class:`ValueError` where its places differ."""
    (code,) = {exit_codes()[place.kind] for place in places() if place.slug == slug}
    return code


# The code


@functools.cache
def places() -> tuple[Place, ...]:
    """Each place in the package that makes an error."""
    found: set[Place] = set()
    for path in sorted(PACKAGE.rglob("*.py")):
        code = path.read_text("utf-8")
        makes_errors = "slug=" in code or "Interrupted(" in code
        if makes_errors and path != PACKAGE / "errors.py":  # it hands slugs on
            found.update(_raised(ast.parse(code)))
    return tuple(sorted(found))


def _raised(tree: ast.Module) -> Iterator[Place]:
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        kind = call.func.id if isinstance(call.func, ast.Name) else ""
        slugs = [word.value for word in call.keywords if word.arg == "slug"]
        if any(ast.unparse(value) == "error.slug" for value in slugs):
            continue  # an error that was caught, with another hint
        hint = "".join(pattern(word.value) for word in call.keywords if word.arg == "hint")
        if kind == "Interrupted" and not slugs:
            yield Place(errors.Interrupted("").slug, kind, pattern(call.args[0]), hint)
        for value in slugs:
            for slug in texts_of(value, tree):
                yield Place(slug, kind, pattern(call.args[0]), hint)


def texts_of(value: ast.expr, tree: ast.Module) -> list[str]:
    """What `slug=value` can be: a text, one put together, or a parameter that gets a text; else
    the expression itself, which has no heading."""
    if isinstance(value, ast.Constant):
        return [str(value.value)]
    if isinstance(value, ast.IfExp):
        return texts_of(value.body, tree) + texts_of(value.orelse, tree)
    found = []
    if isinstance(value, ast.Name):
        found = [str(text.value) for text in passed(value, tree) if isinstance(text, ast.Constant)]
    if isinstance(value, ast.JoinedStr):
        form = ast.unparse(value)[2:-1]
        found = [PLACEHOLDER.sub(what, form) for what in ("label", "prediction")]
    return found or [ast.unparse(value)]


def passed(parameter: ast.Name, tree: ast.Module) -> Iterator[ast.expr]:
    """What the calls in a module pass for a parameter of the function that it is used in."""
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef) or parameter not in ast.walk(function):
            continue
        names = [argument.arg for argument in function.args.args if argument.arg != "self"]
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            if ast.unparse(call.func).rpartition(".")[2] == function.name:
                given: dict[str | None, ast.expr] = dict(zip(names, call.args, strict=False))
                given |= {word.arg: word.value for word in call.keywords}
                yield from (given[name] for name in [parameter.id] if name in given)


ANY = "(?s:.*)"


def pattern(node: ast.expr) -> str:
    """A regular expression for the texts that an expression can give; of None, for ""."""
    if isinstance(node, ast.Constant):
        return re.escape(str(node.value)) if node.value is not None else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(pattern, node.values))
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return pattern(node.left) + pattern(node.right)
    if isinstance(node, ast.IfExp):
        return f"(?:{pattern(node.body)}|{pattern(node.orelse)})"
    return ANY


@functools.cache
def texts() -> tuple[re.Pattern[str], ...]:
    """A pattern for each text of the package that holds at least eight letters of its own."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)):
                one = pattern(node)
                if len(re.sub(r"\W", "", one.replace(ANY, ""))) >= 8:
                    found.add(one)
    return tuple(map(re.compile, sorted(found)))


@functools.cache
def exit_codes() -> dict[str, int]:
    """Name of an error class, in whatever module → exit code."""
    codes = {
        name: getattr(errors, name).exit_code
        for name in errors.__all__
        if issubclass(getattr(errors, name), Exception)
    }
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if (
                isinstance(node, ast.ClassDef)
                and node.bases
                and ast.unparse(node.bases[0]) in codes
            ):
                codes.setdefault(node.name, codes[ast.unparse(node.bases[0])])
    return codes
