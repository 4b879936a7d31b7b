"""Arguments → options → :mod:`reportgen.api` → exit code. No logic of its own."""

from __future__ import annotations

import contextlib
import inspect
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from reportgen import __version__
from reportgen.errors import Interrupted, ReportgenError
from reportgen.inputs.options import InputOptions
from reportgen.options import Options

__all__ = ["main"]

INTERNAL_ERROR = 70
BROKEN_PIPE = 141

app = typer.Typer(
    name="reportgen",
    help="One self-contained HTML report on a trained image classifier.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Out = Annotated[
    Path, typer.Option("--out", "-o", help="Folder to write to.", metavar="OUT", show_default=False)
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress, only the result.")]
Debug = Annotated[bool, typer.Option("--debug", help="Tracebacks of errors.", hidden=False)]
Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="model.pt2, path/file.py:factory, package.module:factory or torchvision:NAME.",
        show_default=False,
    ),
]
Data = Annotated[
    Path, typer.Argument(metavar="DATA", help="Folder of class folders.", show_default=False)
]


def _with_options(declared: type) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a function one parameter for each field of `declared`, in place of ``**options``."""

    def given(function: Callable[..., None]) -> Callable[..., None]:
        return _with_parameters(function, declared)

    return given


def _with_parameters(function: Callable[..., None], declared: Any) -> Callable[..., None]:
    signature = inspect.signature(function, eval_str=True)
    hints = get_type_hints(declared)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    added = [
        inspect.Parameter(
            item.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=list(item.default) if isinstance(item.default, tuple) else item.default,
            annotation=Annotated[_plain_type(item.name, hints[item.name]), _typer_option(item)],
        )
        for item in fields(declared)
        if item.default is not MISSING
    ]
    function.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
    return function


def _plain_type(name: str, hint: Any) -> Any:
    """The type that typer parses: one kind of value, where the library takes several."""
    return {
        "classes": Path | None,
        "model_arg": list[str],
        "scores_columns": str | None,
    }.get(name, hint)


def _typer_option(item: Any) -> Any:
    metadata, flag = item.metadata, "--" + item.name.replace("_", "-")
    choices = metadata.get("choices")
    return typer.Option(
        flag,
        help=metadata["help"],
        metavar="|".join(map(str, choices)) if choices else metadata.get("metavar"),
        rich_help_panel=metadata["panel"],
        show_default=isinstance(item.default, (str, int)) and item.default not in ("", False),
    )


@app.command()
@_with_options(Options)
def run(
    model: Model, data: Data, out: Out, quiet: Quiet = False, debug: Debug = False, **options: Any
) -> None:
    """Predict a folder of labelled images and write the report."""
    from reportgen import api
    from reportgen.console import ConsoleReporter, print_summary

    evaluation = api.run(model, data, out=out, reporter=ConsoleReporter(quiet=quiet), **options)
    print_summary(evaluation, str(out / "report.html"))


@app.command()
@_with_options(Options)
def predict(
    model: Model, data: Data, out: Out, quiet: Quiet = False, debug: Debug = False, **options: Any
) -> None:
    """Predict alone: OUT is the Parquet file, or a folder for predictions.parquet."""
    from reportgen import api
    from reportgen.console import ConsoleReporter, print_predictions

    print_predictions(
        api.predict(model, data, out=out, reporter=ConsoleReporter(quiet=quiet), **options)
    )


@app.command()
@_with_options(InputOptions)
def render(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT",
            help="Predictions (Parquet, CSV, TSV, JSON Lines, .npz, .npy), a confusion matrix "
            "(CSV, JSON, .npy) or a report.json.",
            show_default=False,
        ),
    ],
    out: Out,
    images: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the images, for galleries.", metavar="DATA", show_default=False
        ),
    ] = None,
    title: Annotated[str | None, typer.Option(help="Title of the report.")] = None,
    date: Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Date to print.")] = None,
    model_name: Annotated[str | None, typer.Option(help="Instead of the one in INPUT.")] = None,
    model_version: Annotated[str | None, typer.Option(help="Instead of the one in INPUT.")] = None,
    data_name: Annotated[str | None, typer.Option(help="Instead of the one in INPUT.")] = None,
    split: Annotated[str | None, typer.Option(help="Instead of the one in INPUT.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the report that stands in OUT.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Write the report of saved predictions or of a saved confusion matrix. Needs no torch."""
    from reportgen import api
    from reportgen.console import ConsoleReporter, print_summary

    evaluation = api.render(
        source, out=out, images=images, force=force, title=title, date=date,
        model_name=model_name, model_version=model_version, data_name=data_name, split=split,
        reporter=ConsoleReporter(quiet=quiet),
        **options,
    )  # fmt: skip
    print_summary(evaluation, str(out / "report.html"))


@app.command()
def demo(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder to write to.", metavar="OUT")
    ] = Path("reportgen-demo"),
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train two tiny networks on handwritten digits, and report on the second."""
    from reportgen.console import ConsoleReporter, print_summary
    from reportgen.demo import make_demo

    result = make_demo(out, ConsoleReporter(quiet=quiet))
    print(f"again by hand: {result.command}")
    print_summary(result.evaluation, str(result.report_path))


@app.command()
def versions() -> None:
    """Facts for a bug report."""
    from reportgen.console import print_versions

    print_versions()


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"reportgen {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Print the version.", callback=_print_version, is_eager=True
        ),
    ] = False,
) -> None:
    """Nothing: it holds --version."""


def main() -> None:
    """The command ``reportgen``."""
    debug = "--debug" in sys.argv
    try:
        with _signals():
            app()
    except ReportgenError as error:
        if debug:
            traceback.print_exc()
        from reportgen.console import print_error

        print_error(error)
        _leave(error.exit_code)
    except BrokenPipeError:
        # The reader of our output is gone (`| head`): nothing is wrong, and nobody to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        _leave(BROKEN_PIPE)
    except KeyboardInterrupt:
        print("reportgen: interrupted", file=sys.stderr)
        _leave(Interrupted.exit_code)
    except Exception:
        if debug:
            traceback.print_exc()
        print(_internal_error(), file=sys.stderr)
        _leave(INTERNAL_ERROR)


def _leave(code: int) -> None:
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    sys.exit(code)


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM ends a run as Ctrl-C does; a second Ctrl-C ends the process at once."""

    def interrupt(number: int, frame: object) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        raise KeyboardInterrupt

    def terminate(number: int, frame: object) -> None:
        from reportgen.errors import Terminated

        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise Terminated

    before = {
        signal.SIGINT: signal.signal(signal.SIGINT, interrupt),
        signal.SIGTERM: signal.signal(signal.SIGTERM, terminate),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _internal_error() -> str:
    with tempfile.NamedTemporaryFile(
        "w", prefix="reportgen-error-", suffix=".txt", delete=False, encoding="utf-8"
    ) as stream:
        stream.write(f"reportgen {__version__}\n{traceback.format_exc()}")
    return (
        "reportgen: internal error: this is a bug in reportgen, not in your data\n"
        f"  the traceback is in {stream.name}\n"
        "  please report it, with the output of `reportgen versions`"
    )
