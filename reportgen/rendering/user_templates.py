"""User templates: sandboxed, with errors reported by file and line.

The sandbox restricts a template to its values; it can't prevent long running times or false
statements. Templates are as trusted as code.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.errors import UsageError
from reportgen.text import printable, quoted

if TYPE_CHECKING:
    import jinja2

__all__ = [
    "asset",
    "check_templates",
    "make_sandbox",
    "render",
    "template_folder",
]


PLAIN_MODULES = ("builtins", "markupsafe", "jinja2")


MAX_REPEATED = 1_000_000
"""Maximum length of a text or list, and maximum power, made by ``*`` or ``**`` in a template."""


ENDINGS = (".j2", ".css")


NO_PAGE = ("notebook.html.j2", "notebook.css")
"""Templates that are not pages; they can't be overridden."""


def check_templates(folder: Path) -> Path:
    """Return `folder` if it contains a template or style that overrides a built-in one.

    Raises :class:`UsageError` (``templates-folder``).
    """

    files = (path for path in template_folder().iterdir() if path.suffix in ENDINGS)
    ours = {path.name for path in files if path.name not in NO_PAGE}
    if not folder.is_dir():
        raise _folder_error(folder, "is not a folder", ours)
    if not ours & {path.name for path in folder.iterdir()}:
        raise _folder_error(folder, "contains no template with a known name", ours)
    return folder


def _folder_error(folder: Path, why: str, ours: set[str]) -> UsageError:
    return UsageError(
        f"--templates {quoted(folder.name)} {why}",
        slug="templates-folder",
        details=[f"the names are {', '.join(sorted(ours))}"],
        hint="pass the folder of your templates with --templates",
    )


def asset(name: str, own: Path, folder: Path | None, read: Callable[[Path], str]) -> str:
    """The user's style, otherwise the built-in one."""
    if folder is None or not (folder / name).is_file():
        return read(own / name)
    try:
        return read(folder / name)
    except (OSError, ValueError) as error:
        raise _error(name, 1, f"{type(error).__name__}: {error}") from error


def make_sandbox(own: jinja2.Environment, folder: Path) -> jinja2.Environment:
    """A sandboxed environment, in which the user's templates override the built-in ones."""
    import jinja2

    loader = own.loader
    assert loader is not None
    environment = _sandbox()(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(folder), loader]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(own.filters)
    environment.globals.pop("lipsum")  # makes text without end
    return environment


def _sandbox() -> type[jinja2.Environment]:
    from jinja2.exceptions import SecurityError
    from jinja2.sandbox import SandboxedEnvironment

    class Sandbox(SandboxedEnvironment):
        """Permits reading plain values; refuses writing, and computing without end."""

        intercepted_binops = frozenset(["*", "**"])

        def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
            if not super().is_safe_attribute(obj, attr, value):
                return False
            if is_dataclass(obj):
                computed = isinstance(getattr(type(obj), attr, None), property)
                return computed or attr in {item.name for item in fields(obj)}
            return type(obj).__module__.split(".")[0] in PLAIN_MODULES

        def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
            if operator == "**" or _repeats(left, right) or _repeats(right, left):
                raise SecurityError(f"{operator} makes its operands too large")
            return super().call_binop(context, operator, left, right)

    return Sandbox


def _repeats(value: Any, times: Any) -> bool:
    return (
        isinstance(times, int)
        and isinstance(value, (str, bytes, list, tuple))
        and len(value) * times > MAX_REPEATED
    )


def render(
    environment: jinja2.Environment, name: str, values: Mapping[str, Any], folder: Path
) -> str:
    """The template with these values.

    Raises :class:`UsageError` (``template-error``) with file and line if a template is invalid, or
    if its page lacks the Content-Security-Policy.
    """
    from markupsafe import escape

    try:
        html = environment.get_template(name).render(values)
    except Exception as error:  # a template can fail in any way
        raise _error(*_place(error, folder), f"{_kind(error)}: {error}") from error
    policy = values.get("policy")  # a mail has none
    if policy and f'http-equiv="Content-Security-Policy" content="{escape(policy)}"' not in html:
        raise _error(name, 1, "the page lacks its Content-Security-Policy ({{ policy }})")
    return html


def _kind(error: Exception) -> str:
    return type(error).__name__


def _place(error: Exception, folder: Path) -> tuple[str, int]:
    """File and line of a syntax error, or of the innermost template at the error."""
    from jinja2 import TemplateNotFound, TemplateSyntaxError

    if isinstance(error, TemplateSyntaxError):
        return error.name or "a template", error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    inner = [frame for frame in frames if frame.filename.endswith(ENDINGS)]
    mine = [frame for frame in inner if Path(frame.filename).parent == folder]
    if mine or inner:
        frame = (mine or inner)[-1]
        return Path(frame.filename).name, frame.lineno or 1
    missing = str(error) if isinstance(error, TemplateNotFound) else "a template"
    return missing, 1


def _error(name: str, line: int, why: str) -> UsageError:
    return UsageError(
        f"the template {quoted(name)} is wrong at line {line}",
        slug="template-error",
        details=[printable(why)[:400]],
        hint="fix it, or omit --templates",
    )


def template_folder() -> Path:
    """The folder of templates: in the package, or at the top of the checkout."""
    package = Path(__file__).resolve().parent.parent
    shipped = package / "templates"
    return shipped if shipped.is_dir() else package.parent / "templates"
