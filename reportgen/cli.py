"""Arguments → options → :mod:`reportgen.api` → exit code, without further logic."""

from __future__ import annotations

import copy
import inspect
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import MISSING, fields
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer
import typer.core

from reportgen import __version__, options
from reportgen.options import DEFAULT_FOLDER, check_epoch, take_engine
from reportgen.process import exit_code_of, print_line
from reportgen.text import printable, typed

if TYPE_CHECKING:
    from reportgen.review import Review

__all__ = [
    "command",
    "main",
    "with_options",
]


_MISUSE: type[Exception] = typer.BadParameter.__mro__[2]
"""The base class of typer's usage errors, which has no public name."""


class _Command(typer.core.TyperCommand):
    """A command whose help lists its options in their declared panels."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        headings: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            if (record := parameter.get_help_record(ctx)) is not None:
                headings.setdefault(_heading(parameter), []).append(record)
        for heading, records in headings.items():
            with formatter.section(heading):
                formatter.write_dl(records)


def _heading(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return getattr(parameter, "rich_help_panel", None) or "Options"


app = typer.Typer(
    name="reportgen",
    help="Turn a trained image classifier and labelled test images into one self-contained HTML "
    "report.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


Out = Annotated[
    str, typer.Option("--out", "-o", help="Output folder.", metavar="OUT", show_default=False)
]


Quiet = Annotated[
    bool, typer.Option("--quiet", "-q", help="Print only warnings, errors and the result.")
]


Debug = Annotated[
    bool, typer.Option("--debug", help="Print the traceback of an error.", hidden=False)
]


Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="model.pt2, model.onnx, model.keras, a Hugging Face folder, timm:NAME, "
        "torchvision:NAME, path/file.py:factory or package.module:factory.",
        show_default=False,
    ),
]


Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="Image folder, one subfolder per class, or a table of paths and labels.",
        show_default=False,
    ),
]


_DECLARED: dict[Callable[..., None], tuple[tuple[str, ...], tuple[str, ...]]] = {}
"""Function of a command → its classes of options, and the excluded fields."""


def _apply_options(
    *declared: str, without: tuple[str, ...] = ()
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a function a parameter for each field of its option classes, instead of ``**options``.

    Done when :func:`with_options` needs it. Fields in `without` are passed in another way.
    """

    def given(function: Callable[..., None]) -> Callable[..., None]:
        _DECLARED[function] = declared, without
        return function

    return given


def with_options(command: str | None = None) -> typer.Typer:
    """The command line as a typer app.

    Creating hundreds of options takes longer than importing typer: if `command` is given, only that
    command has its options, and the others have only name and help. "" means none.
    """
    return _completed(app, command)


def _completed(program: Any, command: str | None) -> typer.Typer:
    done: typer.Typer = copy.copy(program)
    done.registered_commands = [
        _copied(info, callback=_complete(info.callback) if asked else _outline(info.callback))
        for info in program.registered_commands
        for asked in (command is None or command == _name_of(info),)
    ]
    done.registered_groups = [
        _copied(info, typer_instance=_completed(info.typer_instance, None if asked else ""))
        for info in program.registered_groups
        for asked in (command is None or command == info.name,)
    ]
    return done


def _copied(info: Any, **changes: Any) -> Any:
    done = copy.copy(info)
    vars(done).update(changes)
    return done


def _name_of(info: Any) -> str:
    return str(info.name or info.callback.__name__)


def _complete(function: Any) -> Callable[..., None]:
    """The function of a command, with a parameter for each of its options."""
    if function in _DECLARED:
        names, without = _DECLARED.pop(function)
        _with_parameters(function, tuple(getattr(options, name) for name in names), without)
    return function  # type: ignore[no-any-return]


def _outline(function: Any) -> Callable[..., None]:
    """A function with the name and help of a command, which does nothing."""

    def nothing() -> None: ...

    nothing.__name__, nothing.__doc__ = function.__name__, function.__doc__
    return nothing


def _with_parameters(
    function: Callable[..., None], declared: tuple[Any, ...], without: tuple[str, ...]
) -> Callable[..., None]:
    signature = inspect.signature(function, eval_str=True)
    own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
    each = (one for kind in declared for one in _parameters(kind) if one.name not in without)
    # without repetitions of options in several classes
    added = list({one.name: one for one in each}.values())
    function.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined]
    function.__annotations__ = {p.name: p.annotation for p in (*own, *added)}
    return function


def _parameters(declared: Any) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(declared)
    for item in fields(declared):
        if item.default is not MISSING:
            yield inspect.Parameter(
                item.name,
                inspect.Parameter.KEYWORD_ONLY,
                default=list(item.default) if isinstance(item.default, tuple) else item.default,
                annotation=Annotated[_plain_type(item.name, hints[item.name]), _typer_option(item)],
            )


def _plain_type(name: str, hint: Any) -> Any:
    """The type for typer: a single type, even if the library accepts several."""
    return {
        "classes": Path | None,
        "data_classes": Path | None,
        "macro": str,
        "abstain": list[str],
        "where": list[str],
        "model_arg": list[str],
        "fail_under": list[str],
        "track": list[str],
        "scores_columns": str | None,
        "labels_column": str | None,
        "class_names": Path | None,
        "subset_classes": str | None,
        "actors": str,
    }.get(name, hint)


def _typer_option(item: Any) -> Any:
    metadata, flag = item.metadata, "--" + item.name.replace("_", "-")
    choices = [str(choice) for choice in metadata.get("choices", ()) if choice is not None]
    choices += metadata.get("also", ())[:1]
    return typer.Option(
        flag,
        help=metadata["help"],
        metavar="|".join(str(one) for one in choices if one)
        if choices
        else metadata.get("metavar"),
        rich_help_panel=metadata["panel"],
        show_default=isinstance(item.default, (str, int)) and item.default not in ("", False),
    )


Images = Annotated[
    Path | None,
    typer.Option(help="Image folder, for the galleries.", metavar="DATA", show_default=False),
]


Title = Annotated[str | None, typer.Option(help="Title of the report.")]


Date = Annotated[str | None, typer.Option(metavar="YYYY-MM-DD", help="Report date.")]


Called = Annotated[str | None, typer.Option(help="Overrides the one in INPUT.")]


Force = Annotated[bool, typer.Option("--force", help="Overwrite an existing report in OUT.")]


ReportUrl = Annotated[str, typer.Option(help="URL of the page.", metavar="URL")]


IfVerdict = Annotated[
    list[str] | None,
    typer.Option(
        help="Do nothing unless this is the verdict; repeat it for several.",
        metavar="ship|do-not-ship|inconclusive|none",
        show_default=False,
    ),
]


Folder = Annotated[
    Path, typer.Option("--baselines", help="Folder of saved baselines.", metavar="DIR")
]


Sharded = Annotated[
    str | None,
    typer.Option(
        help="Predict only shard I of N (0 to N-1), for merge. auto: as torchrun, SLURM or "
        "Kubernetes has numbered the process.",
        metavar="I/N|auto",
        rich_help_panel="Inference",
    ),
]


OnEngine = Annotated[
    str | None,
    typer.Option(
        help="Run the model in processes of an engine, here or on other machines: ray (extra ray).",
        metavar="ray",
        rich_help_panel="Engine",
    ),
]


@app.command(cls=_Command)
@_apply_options("Options", "Ray", "EvaluationOptions", "ReviewOptions", "PageOptions")
def run(
    model: Model,
    data: Data,
    out: Out,
    engine: OnEngine = None,
    quiet: Quiet = False,
    debug: Debug = False,
    shard: Annotated[str | None, typer.Option(hidden=True)] = None,
    **options: Any,
) -> None:
    """Predict a folder of labelled images and write the report."""
    from reportgen.api import run_review
    from reportgen.console import ConsoleReporter

    if shard is not None:
        options["shard"] = shard  # refused, with the commands that support it
    elsewhere = take_engine(engine, options)
    review = run_review(
        model, data, out=out, engine=elsewhere, reporter=ConsoleReporter(quiet=quiet), **options
    )
    _conclude([(review, Path(out))], **options)
    _deliver([(review, Path(out))], quiet=quiet, **options)
    _leave_by_gates([(review, Path(out))], **options)


@app.command(cls=_Command)
@_apply_options("Options", "Ray")
def predict(
    model: Model,
    data: Data,
    out: Out,
    shard: Sharded = None,
    engine: OnEngine = None,
    quiet: Quiet = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Run inference only: OUT is a .parquet file, or the folder for predictions.parquet, without a
    report.
    """
    from reportgen import api
    from reportgen.console import ConsoleReporter, print_part, print_predictions

    reporter, elsewhere = ConsoleReporter(quiet=quiet), take_engine(engine, options)
    options |= {"engine": elsewhere, "reporter": reporter}
    if shard is None:
        print_predictions(api.predict(model, data, out=out, **options))
    else:
        print_part(api.predict(model, data, out=out, shard=shard, **options))


@app.command(cls=_Command)
def merge(
    parts: Annotated[
        list[str],
        typer.Argument(
            metavar="PART",
            help="The folder that all shards were predicted to, or part files.",
            show_default=False,
        ),
    ],
    out: Annotated[
        str | None,
        typer.Option(
            "--out",
            "-o",
            help="A .parquet file, or the folder for predictions.parquet.",
            metavar="OUT",
            show_default=False,
        ),
    ] = None,
    max_bad: Annotated[
        int,
        typer.Option(
            help="Maximum number of samples of all shards that can't be used.", metavar="N", min=0
        ),
    ] = 0,
    status: Annotated[
        bool, typer.Option("--status", help="Print which shards are missing: exit code 0 or 3.")
    ] = False,
    discard: Annotated[
        bool, typer.Option("--discard", help="Remove the parts once they are merged.")
    ] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite other predictions in OUT.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Merge the parts of predict --shard into the file that a single run writes. Does not need
    torch.
    """  # fmt: skip
    from reportgen import api
    from reportgen.console import ConsoleReporter, print_predictions, print_status

    if status:
        found = api.merge_status(list(parts), out=out)
        print_status(found)
        _leave_by(3 if found.gaps else 0, exit_zero=False)
    else:
        made = api.merge(
            list(parts), out=out, max_bad=max_bad, discard=discard, force=force,
            reporter=ConsoleReporter(quiet=quiet),
        )  # fmt: skip
        print_predictions(made)


@app.command(cls=_Command)
@_apply_options("InputOptions", "EvaluationOptions", "ReviewOptions", "PageOptions")
def render(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="Predictions (Parquet, CSV, TSV, JSON Lines, .npz, .npy; a folder of part files, "
            "or a quoted pattern of them), a confusion matrix (CSV, JSON, .npy) or a report.json.",
            show_default=False,
        ),
    ],
    out: Out,
    images: Images = None,
    title: Title = None,
    date: Date = None,
    model_name: Called = None,
    model_version: Called = None,
    data_name: Called = None,
    split: Called = None,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Report on saved predictions or a saved confusion matrix. Does not need torch."""
    from reportgen.api import render_review
    from reportgen.console import ConsoleReporter

    names = {
        "title": title, "date": date, "model_name": model_name, "model_version": model_version,
        "data_name": data_name, "split": split,
    }  # fmt: skip
    review = render_review(
        source, out=out, images=images, force=force, names=names,
        reporter=ConsoleReporter(quiet=quiet), **options,
    )  # fmt: skip
    _conclude([(review, Path(out))], **options)
    _deliver([(review, Path(out))], quiet=quiet, **options)
    _leave_by_gates([(review, Path(out))], **options)


@app.command(cls=_Command)
@_apply_options(
    "InputOptions", "EvaluationOptions", "ReviewOptions", "PageOptions", without=("baseline",)
)
def compare(
    baseline: Annotated[
        str,
        typer.Argument(
            metavar="BASELINE",
            help="A report folder, saved predictions, a report.json, a confusion matrix, or the "
            "name of a saved baseline.",
            show_default=False,
        ),
    ],
    candidates: Annotated[
        list[str],
        typer.Argument(
            metavar="CANDIDATE", help="One or more inputs of the same kinds.", show_default=False
        ),
    ],
    out: Out,
    images: Images = None,
    title: Title = None,
    date: Date = None,
    force: Force = False,
    quiet: Quiet = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Compare candidates with a baseline and check the release gates. Does not need torch."""
    from reportgen.api import compare_reviews
    from reportgen.console import ConsoleReporter

    reviews = compare_reviews(
        baseline, list(candidates), out=out, images=images, force=force,
        names={"title": title, "date": date}, reporter=ConsoleReporter(quiet=quiet), **options,
    )  # fmt: skip
    _conclude(reviews, **options)
    if len(reviews) > 1:
        page = "index.html" if options.get("layout") == "dir" else "report.html"
        print_line(f"all candidates: {Path(out) / page}")
    _deliver(reviews, quiet=quiet, **options)
    _leave_by_gates(reviews, **options)


@app.command(cls=_Command)
@_apply_options("InputOptions", "EvaluationOptions")
def check(
    source: Annotated[
        str,
        typer.Argument(
            metavar="OUT",
            help="A report's folder, its report.json, or any saved input.",
            show_default=False,
        ),
    ],
    gates: Annotated[
        Path | None, typer.Option(help="Release gates (TOML).", metavar="FILE")
    ] = None,
    fail_under: Annotated[
        list[str] | None,
        typer.Option(
            help="A gate on the command line, such as accuracy=0.9.", metavar="METRIC=VALUE"
        ),
    ] = None,
    junit: Annotated[
        Path | None, typer.Option(help="Write the gate results as JUnit XML.", metavar="FILE")
    ] = None,
    exit_zero: Annotated[
        bool, typer.Option("--exit-zero", help="Exit with 0 even if a gate failed.")
    ] = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Re-evaluate gates on an existing report, without writing a new one."""
    from reportgen.api import check_review
    from reportgen.console import print_decision

    review = check_review(source, gates=gates, fail_under=fail_under or (), junit=junit, **options)
    print_decision(review)
    _leave_by(review.decision.exit_code, exit_zero=exit_zero)


@app.command(cls=_Command)
def comment(
    source: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="A report's folder or its report.json.", show_default=False
        ),
    ],
    pull_request: Annotated[
        int | None, typer.Option(help="Number of the pull or merge request.", metavar="N", min=1)
    ] = None,
    head: Annotated[
        str,
        typer.Option(
            help="Source branch, instead of --pull-request (only BRANCH on GitLab).",
            metavar="OWNER:BRANCH",
        ),
    ] = "",
    head_sha: Annotated[
        str, typer.Option(help="Evaluated commit, for --head.", metavar="SHA")
    ] = "",
    key: Annotated[
        str, typer.Option(help="Key of this report, if a pull request has several.")
    ] = "default",
    mode: Annotated[
        str,
        typer.Option(
            help="recreate: post a new comment, which notifies readers, and delete the earlier "
            "one.",
            metavar="update|recreate",
        ),
    ] = "update",
    report_url: ReportUrl = "",
    if_verdict: IfVerdict = None,
    debug: Debug = False,
) -> None:
    """Post the summary as one comment on a pull request (GitHub, GitLab), or update it."""
    from reportgen import api

    made = api.comment(
        source, pull_request=pull_request, head=head, head_sha=head_sha, key=key,
        mode=mode, report_url=report_url, if_verdict=if_verdict or (),
    )  # fmt: skip
    if made.word == "skipped":
        print_line(f"not posted: the verdict is {made.verdict}")
        return
    also = f" ({made.duplicates} more with this key: delete them)" if made.duplicates else ""
    print_line(f"comment {made.word}: {made.url}{also}")


@app.command(cls=_Command)
def mail(
    source: Annotated[
        str, typer.Argument(metavar="OUT", help="A report's folder.", show_default=False)
    ],
    to: Annotated[
        list[str],
        typer.Option(
            help="A recipient; repeat it for several.", metavar="ADDRESS", show_default=False
        ),
    ],
    sender: Annotated[
        str, typer.Option("--from", help="The sender.", metavar="ADDRESS", show_default=False)
    ],
    smtp: Annotated[
        str, typer.Option(help="Mail server.", metavar="HOST[:PORT]", show_default=False)
    ],
    cc: Annotated[
        list[str] | None,
        typer.Option(help="A Cc recipient; repeat it for several.", metavar="ADDRESS"),
    ] = None,
    reply_to: Annotated[
        str, typer.Option(help="Where replies go, if not to the sender.", metavar="ADDRESS")
    ] = "",
    tls: Annotated[
        str,
        typer.Option(
            help="Encryption: implicit by default at port 465, else starttls. none sends in plain "
            "text, and never with a login.",
            metavar="starttls|implicit|none",
        ),
    ] = "",
    if_verdict: IfVerdict = None,
    attach: Annotated[
        str, typer.Option(help="Make the mail again, with these files.", metavar="pdf,json|none")
    ] = "",
    max_mail_bytes: Annotated[
        int | None,
        typer.Option(help="Rebuild the mail with at most this many bytes.", metavar="N"),
    ] = None,
    report_url: Annotated[
        str, typer.Option(help="Make the mail again, with a link to the page.", metavar="URL")
    ] = "",
    debug: Debug = False,
) -> None:
    """Send report.eml, or a mail made from report.json. Login: REPORTGEN_SMTP_USER and
    REPORTGEN_SMTP_PASSWORD in the environment.
    """
    from reportgen import api

    made = api.mail(
        source, to=to, sender=sender, smtp=smtp, cc=cc or (), reply_to=reply_to, tls=tls,
        if_verdict=if_verdict or (), attach=attach, max_mail_bytes=max_mail_bytes,
        report_url=report_url,
    )  # fmt: skip
    if made.word == "skipped":
        print_line(f"not sent: the verdict is {made.verdict}")
    else:
        print_line(f"mail sent to {', '.join(made.recipients)}")


@app.command(cls=_Command)
def track(
    source: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="A report's folder or its report.json.", show_default=False
        ),
    ],
    trackers: Annotated[
        list[str],
        typer.Argument(
            metavar="TRACKER",
            help="mlflow, wandb, tensorboard or tensorboard:DIR.",
            show_default=False,
        ),
    ],
    track_predictions: Annotated[
        bool,
        typer.Option(
            "--track-predictions",
            help="Log predictions.parquet and bad.csv too, which name every sample.",
        ),
    ] = False,
    report_url: Annotated[str, typer.Option(help="URL of the page.", metavar="URL")] = "",
    debug: Debug = False,
) -> None:
    """Log an existing report to MLflow, Weights & Biases or TensorBoard."""
    from reportgen import api

    done = api.track(source, trackers, track_predictions=track_predictions, report_url=report_url)
    for one in done:
        print_line(printable(f"{one.tracker}: {one.place}"))


baseline_app = typer.Typer(help="Saved evaluations, for --baseline NAME.", no_args_is_help=True)


app.add_typer(baseline_app, name="baseline")


@baseline_app.command("save", cls=_Command)
@_apply_options("InputOptions")
def baseline_save(
    source: Annotated[
        str,
        typer.Argument(
            metavar="OUT", help="A report folder, or any saved input.", show_default=False
        ),
    ],
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the baseline.", show_default=False)
    ],
    baselines: Folder = DEFAULT_FOLDER,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite a baseline of that name.")
    ] = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Save an evaluation as a named baseline (no images or absolute paths)."""
    from reportgen import api
    from reportgen.console import print_saved

    place = api.save_baseline(source, name, folder=baselines, force=force, **options)
    print_saved(name, place)


@app.command(cls=_Command)
def history(
    baselines: Folder = DEFAULT_FOLDER,
    out: Annotated[
        str | None,
        typer.Option("--out", "-o", help="Write the history as an HTML page.", metavar="FILE.html"),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite that page.")] = False,
    debug: Debug = False,
) -> None:
    """List all saved baselines, with the trends of accuracy and lowest recall."""
    from reportgen import api
    from reportgen.console import print_history

    print_history(api.history(baselines, out=out, force=force))
    if out is not None:
        print_line(f"page: {out}")


@app.command(cls=_Command)
def index(
    folders: Annotated[
        list[str],
        typer.Argument(
            metavar="FOLDER", help="Folder with reports, at any depth.", show_default=False
        ),
    ],
    out: Annotated[
        str,
        typer.Option(
            "--out",
            "-o",
            help="Folder of the site; reports are added to it.",
            metavar="SITE",
            show_default=False,
        ),
    ],
    base_url: Annotated[
        str,
        typer.Option(
            help="Where SITE is published: index.json gives the address of each page.",
            metavar="URL",
        ),
    ] = "",
    keep: Annotated[
        int, typer.Option(help="Copies to keep; older reports keep their row.", metavar="N")
    ] = 200,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite an index.html of another kind.")
    ] = False,
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Make a static site of all reports, with trends, for any web server."""
    from reportgen import api
    from reportgen.console import ConsoleReporter, print_site

    site = api.index(
        folders, out=out, base_url=base_url, keep=keep, force=force,
        reporter=ConsoleReporter(quiet=quiet),
    )  # fmt: skip
    print_site(site.reports, site.added, str(Path(out) / "index.html"))


@app.command(cls=_Command)
def demo(
    out: Annotated[
        str, typer.Option("--out", "-o", help="Output folder.", metavar="OUT")
    ] = "reportgen-demo",
    quiet: Quiet = False,
    debug: Debug = False,
) -> None:
    """Train two tiny networks on handwritten digits, and evaluate the second."""
    from reportgen.console import ConsoleReporter, print_summary
    from reportgen.demo import make_demo
    from reportgen.paths import output_path

    result = make_demo(output_path(out), ConsoleReporter(quiet=quiet))
    print_line(f"to rerun: {result.command}")
    print_summary(result.evaluation, str(result.report_path))


@app.command(cls=_Command)
def schema() -> None:
    """Print the JSON Schema of report.json."""
    from reportgen.review import schema_text

    print_line(schema_text().rstrip())


@app.command(cls=_Command)
def versions() -> None:
    """Print environment information for a bug report."""
    from reportgen.console import print_versions

    print_versions()


def _conclude(reviews: list[tuple[Review, Path]], **options: Any) -> None:
    """Print the verdict of each review and the location of its report."""
    from reportgen.console import print_review

    page = "index.html" if options["layout"] == "dir" else "report.html"
    for number, (review, folder) in enumerate(reviews, 1):
        if len(reviews) > 1:
            print_line(f"candidate {number} of {len(reviews)}: {folder.name}")
        print_review(review, str(folder / page))


def _deliver(reviews: list[tuple[Review, Path]], *, quiet: bool, **options: Any) -> None:
    """Log the reports to trackers; a failure exits with 8, whatever the gates decide."""
    if options["track"]:
        from reportgen import api
        from reportgen.console import ConsoleReporter

        api.deliver([folder for _, folder in reviews], options, ConsoleReporter(quiet=quiet))


def _leave_by_gates(reviews: list[tuple[Review, Path]], **options: Any) -> None:
    """Exit with 1 if a gate blocks a release."""
    exit_code = max(review.decision.exit_code for review, _ in reviews)
    _leave_by(exit_code, exit_zero=options["exit_zero"])


def _leave_by(exit_code: int, *, exit_zero: bool) -> None:
    if exit_code and not exit_zero:
        raise typer.Exit(exit_code)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"reportgen {__version__}")
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
    """The options before commands: --version."""
    check_epoch()


def main() -> None:
    """The command ``reportgen`` for ``sys.argv``; ends the process."""
    sys.exit(exit_code_of(partial(command, sys.argv[1:]), debug="--debug" in sys.argv))


def command(words: Sequence[str]) -> int:
    """Run the command in `words`; return the exit code. Raises its errors."""
    named = next((word for word in words if not word.startswith("-")), "")
    program = typer.main.get_command(with_options(named))
    try:
        with program.make_context("reportgen", list(words)) as context:
            program.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except _MISUSE as error:
        _refuse_unquoted(words, named, error)
        return _tell_misuse(error)
    return 0


def _refuse_unquoted(words: Sequence[str], named: str, error: Any) -> None:
    """Raise if there are too many words because the shell expanded a pattern given as INPUT."""
    if named != "render" or "extra argument" not in error.message:
        return
    from reportgen.errors import UsageError
    from reportgen.paths import with_pattern

    if (found := with_pattern(words)) is not None:
        meant, n_files = found
        raise UsageError(
            f"INPUT is one word, and {n_files:,} files were passed: the shell replaced a pattern "
            "by their names",
            slug="input-unquoted",
            hint=f"quote the pattern: reportgen {' '.join(map(typed, meant))}",
        )


def _tell_misuse(error: Any) -> int:
    """Print a usage error in typer's words."""
    told = io.StringIO()
    error.show(file=told)
    for line in told.getvalue().splitlines():
        print_line(line, sys.stderr)
    return int(error.exit_code)
