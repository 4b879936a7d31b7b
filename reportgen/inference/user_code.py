"""User code: importing it, and reporting errors in it."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sys
import sysconfig
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.text import nearest, printable, quoted

__all__ = [
    "LoadedObject",
    "error_line",
    "is_users",
    "load_object",
    "names_user_code",
    "user_location",
    "user_traceback",
]


_MAX_FRAMES = 6


_MAX_TEXT = 200


_FOLDERS = re.compile(
    r"(?<![\w./])(?:[A-Za-z]:)?[/\\](?:[^/\\\"'()\n]+[/\\])*(?=[^/\\\"'()\n]+\.py\b)"
)
"""Text before the name of a Python file, for example in the message of a SyntaxError."""


_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def user_traceback(error: BaseException) -> tuple[str, ...]:
    """The lines of `error`'s traceback that lie in the user's files, and the error itself.

    Frames of reportgen, of installed packages and of Python are omitted, unless there are no
    others; then the last frame stays. Files are shown by base name. At most six frames, the last
    ones.
    """
    summary = traceback.TracebackException.from_exception(error)
    lines = [
        line
        for frame in _user_frames(summary)[-_MAX_FRAMES:]
        for line in (_place(frame), f"    {printable((frame.line or '').strip())}")
        if line.strip()
    ]
    last = [line for part in summary.format_exception_only() for line in part.splitlines()]
    return tuple(lines + [printable(_FOLDERS.sub("", line)) for line in last])


def user_location(error: BaseException) -> str:
    """Where in the user's files `error` was raised: ``"nets.py, line 4, in make"``, or ""."""
    frames = _user_frames(traceback.TracebackException.from_exception(error))
    return _place(frames[-1]) if frames else ""


def error_line(error: BaseException) -> str:
    """`error` on one line, printable and reproducible: ``"ValueError: too small"``."""
    try:
        text = str(error)
    except Exception:  # the exception class is the user's, and its __str__ may fail
        text = ""
    text = printable(" ".join(_ADDRESS.sub("", text).split()))
    kind = type(error).__name__
    return f"{kind}: {text[:_MAX_TEXT]}" if text else kind


def is_users(filename: str) -> bool:
    """Whether a file belongs to the user: not to Python, an installed package or reportgen."""
    if filename.startswith("<"):
        return False
    path = Path(filename)
    if "site-packages" in path.parts or "dist-packages" in path.parts:
        return False
    homes = (sysconfig.get_path("stdlib"), str(Path(__file__).resolve().parents[2]))
    return not any(path.is_relative_to(home) for home in homes)


def _user_frames(summary: traceback.TracebackException) -> list[traceback.FrameSummary]:
    return [frame for frame in summary.stack if is_users(frame.filename)] or summary.stack[-1:]


def _place(frame: traceback.FrameSummary) -> str:
    return f"{printable(Path(frame.filename).name)}, line {frame.lineno}, in {frame.name}"


_MODULE_PREFIX = "_reportgen_user_"


@dataclass(frozen=True)
class LoadedObject:
    """An object from the user's code.

    Attributes
    ----------
    obj
        The object that the name refers to.
    file_hashes
        File name → SHA-256 (hexadecimal), for the file of the object and the user modules that it
        uses. Names are relative to the folder of the code.
    """

    obj: Any
    file_hashes: dict[str, str] = field(default_factory=dict)


def names_user_code(spec: str) -> bool:
    """Whether `spec` has the form ``module:name`` or ``file.py:name``.

    >>> names_user_code("nets.py:small"), names_user_code("model.pt2")
    (True, False)
    """
    target, colon, name = spec.rpartition(":")
    if not (colon and target and _is_dotted_name(name)):
        return False
    return _is_file(target) or _is_dotted_name(target)


def load_object(spec: str, what: str) -> LoadedObject:
    """Import the object that `spec` names.

    Parameters
    ----------
    spec
        ``package.module:name`` or ``path/file.py:name``; `name` may be dotted.
    what
        Its role, for error messages: ``"model factory"``, ``"transform"``.

    Raises
    ------
    UsageError
        ``code-spec``: `spec` has another form.
    ModelError
        ``code-file-missing``, ``code-module-missing``, ``code-import-failed`` (with the user's
        part of the traceback) or ``code-name-missing``.
    """
    target, _, name = spec.rpartition(":")
    if not names_user_code(spec):
        raise UsageError(
            f"the {what} {quoted(spec)} is neither module:name nor file.py:name",
            slug="code-spec",
            hint="examples: mypackage.nets:make, path/to/nets.py:make",
        )
    if _is_file(target):
        module, root = _module_from_file(Path(target), what), Path(target).resolve().parent
    else:
        module, root = _module_from_name(target, what), Path.cwd().resolve()
    return LoadedObject(_attribute(module, target, name, what), _hashes(module, root))


def _is_file(target: str) -> bool:
    return target.endswith(".py")


def _is_dotted_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def _module_from_file(path: Path, what: str) -> ModuleType:
    """Import a file as a module, once, under a name that no installed module has."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"cannot read the {what}'s file {quoted(path.name)}: "
            f"{(error.strerror or type(error).__name__).lower()}",
            slug="code-file-missing",
            hint="paths are relative to the working directory",
        ) from error
    location = path.resolve()
    identity = hashlib.sha256(os.fsencode(location) + b"\0" + content).hexdigest()[:16]
    module_name = f"{_MODULE_PREFIX}{identity}_{location.stem}"
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, location)
    assert spec is not None, "a name that ends in .py has a loader"
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module  # before it runs: dataclasses and pickle look it up there
    try:
        with _importing(location.parent, path.name, what):
            # Not the loader's exec_module: that could run a stale .pyc instead of the hashed code.
            exec(compile(content, str(location), "exec"), module.__dict__)
    except BaseException:
        del sys.modules[module_name]
        raise
    return module


def _module_from_name(name: str, what: str) -> ModuleType:
    try:
        with _importing(Path.cwd(), name, what):
            return importlib.import_module(name)
    except ModelError as error:
        cause = error.__cause__
        if isinstance(cause, ModuleNotFoundError) and _is_part_of(cause.name, name):
            raise ModelError(
                f"cannot find the {what}'s module {quoted(name)}: "
                f"no module is named {quoted(cause.name or '')}",
                slug="code-module-missing",
                hint=_missing_hint(cause.name or ""),
            ) from cause
        raise


def _missing_hint(name: str) -> str:
    if name in ("timm", "transformers", "torchvision", "onnxruntime", "keras", "fastai"):
        return f"install {name} into the environment that runs reportgen"
    return "run from the folder that contains it, or name the file: path/to/file.py:name"


def _is_part_of(missing: str | None, name: str) -> bool:
    return missing is not None and (name == missing or name.startswith(f"{missing}."))


@contextmanager
def _importing(folder: Path, shown: str, what: str) -> Iterator[None]:
    """Put `folder` first in the search path while user code is imported, and last afterwards.

    It stays in the path, since functions may import when they are called; at the end, so that a
    file named like an installed library does not shadow that library.
    """
    entry = str(folder)
    present = entry in sys.path
    sys.path.insert(0, entry)
    try:
        yield
    except (KeyboardInterrupt, ReportgenError):
        raise
    except BaseException as error:  # a module may even call sys.exit()
        raise ModelError(
            f"importing {quoted(shown)} for the {what} failed: {error_line(error)}",
            slug="code-import-failed",
            details=user_traceback(error),
            hint=_import_hint(error),
        ) from error
    finally:
        sys.path.remove(entry)
        if not present:
            sys.path.append(entry)


def _import_hint(error: BaseException) -> str:
    if isinstance(error, ModuleNotFoundError) and error.name:
        package = printable(error.name.partition(".")[0])
        return f"install {package} into the environment that runs reportgen"
    return "the code must import without errors and without doing work on import"


def _attribute(module: ModuleType, target: str, name: str, what: str) -> Any:
    found: Any = module
    for part in name.split("."):
        try:
            found = getattr(found, part)
        except AttributeError as error:
            known = [entry for entry in dir(found) if not entry.startswith("_")]
            meant = nearest(part, known)
            raise ModelError(
                f"{quoted(Path(target).name)} has no {quoted(name)} to use as {what}",
                slug="code-name-missing",
                hint=f"did you mean {quoted(meant)}?" if meant else None,
            ) from error
    return found


def _hashes(module: ModuleType, root: Path) -> dict[str, str]:
    """SHA-256 of the module's file and of the user modules that it imports, by name."""
    main_file = _source_of(module)
    pending, hashes = [module], {}
    seen = {module.__name__}
    while pending:
        current = pending.pop()
        source = _source_of(current)
        if source is None or not (source == main_file or _is_users_module(current, source, root)):
            continue
        hashes[_shown(source, root)] = hashlib.sha256(source.read_bytes()).hexdigest()
        for used in _used_modules(current):
            if used.__name__ not in seen:
                seen.add(used.__name__)
                pending.append(used)
    return dict(sorted(hashes.items()))


def _used_modules(module: ModuleType) -> list[ModuleType]:
    names = {
        value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        for value in vars(module).values()
    }
    return [sys.modules[name] for name in names if isinstance(name, str) and name in sys.modules]


def _is_users_module(module: ModuleType, source: Path, root: Path) -> bool:
    return (
        module.__name__.partition(".")[0] != "reportgen"
        and source.is_relative_to(root)
        and is_users(str(source))
    )


def _source_of(module: ModuleType) -> Path | None:
    name = getattr(module, "__file__", None)
    path = Path(name).resolve() if name else None
    return path if path is not None and path.is_file() else None


def _shown(source: Path, root: Path) -> str:
    return source.relative_to(root).as_posix() if source.is_relative_to(root) else source.name
