"""From a plan to a finished predictions file: what stands before and after the loop."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reportgen.csv_text import csv_text
from reportgen.errors import DataError, UsageError
from reportgen.files import write_text
from reportgen.inference.forward import Engine, Scorer
from reportgen.inference.images.flags import ImageFlag, notes_from_flags
from reportgen.inference.loop import NOT_FINITE, predict_into
from reportgen.inference.plan import Device, Plan, plan_folder
from reportgen.metrics import SUM_TOLERANCE, OutputKind
from reportgen.options import Options
from reportgen.output_folder import BAD
from reportgen.predictions import (
    BadSample,
    Parts,
    Predictions,
    RunFacts,
    require_same_run,
    write_predictions,
)
from reportgen.provenance import Accounting, DataNote
from reportgen.reporter import Reporter
from reportgen.text import count, plural, printable, quoted

if TYPE_CHECKING:
    import torch

__all__ = [
    "facts_of",
    "predict_folder",
    "predict_live",
]


UNREADABLE = "unreadable"


Known = Callable[[Sequence[str]], None]
"""Told the class names before the first forward pass; may raise."""


def _nothing(_: Sequence[str]) -> None:
    """Nobody wants to know."""


def predict_folder(
    model: str,
    data: Path,
    target: Path,
    options: Options,
    reporter: Reporter,
    known: Known | None = None,
    aside: Path | None = None,
    *,
    unlabelled: bool = False,
) -> Predictions:
    """Predict a tree of class folders with a model named on the command line.

    `target` is the predictions file to write; `known` is told the class names before the first
    forward pass, and may refuse them. Raises the errors of every step; whatever was predicted
    before one is kept beside `target` and found again by ``resume``.

    `aside` is a folder for the finished file, where the one at `target` is to be replaced later;
    the parts beside `target` stay until then. `unlabelled` says that images without labels are
    welcome.
    """
    plan = plan_folder(model, data, target, options, reporter, unlabelled=unlabelled)
    _tell_classes(plan, reporter)
    (known or _nothing)(plan.classes.names)
    return _execute(plan, reporter, aside)


def predict_live(
    module: torch.nn.Module,
    data: Any,
    target: Path,
    options: Options,
    reporter: Reporter,
    known: Known | None = None,
    aside: Path | None = None,
) -> Predictions:
    """Predict the batches of a DataLoader or Dataset with a live module, left as it was found."""
    if options.resume:
        raise UsageError(
            "resume needs a model and a folder named by their paths",
            slug="resume-live",
            hint="run over a live loader again from its start, with force=True",
        )
    from reportgen.inference.forward import resolve_device
    from reportgen.inference.live_plan import plan_live
    from reportgen.inference.models.loaded_model import device_of, keep_as_found

    _refuse_weights(options)
    device = resolve_device(options.device, device_of(module))
    with keep_as_found(module, device):
        plan = plan_live(module, data, target, options, device)
        _tell_classes(plan, reporter)
        (known or _nothing)(plan.classes.names)
        return _execute(plan, reporter, aside)


def _refuse_weights(options: Options) -> None:
    for name in ("weights", "weights_key", "model_arg"):
        if getattr(options, name):
            raise UsageError(
                f"{name}= cannot be combined with a live module, which has its weights",
                slug="program-with-options",
                hint=f"omit {name}=; load other weights before: module.load_state_dict(...)",
            )


def _tell_classes(plan: Plan, reporter: Reporter) -> None:
    """Where the class names come from, where the user gave none."""
    if plan.options.classes is None:
        names = plural(len(plan.classes.names), "class", "classes")
        reporter.say(f"class names: {names}, from {printable(plan.classes.source)}")


def _execute(plan: Plan, reporter: Reporter, aside: Path | None) -> Predictions:
    folder = plan.target.with_suffix(".partial")
    options = plan.options
    if options.resume and plan.target.exists() and not folder.exists():
        return _finished_before(plan, aside)
    parts = (
        Parts.resume(folder, plan.fingerprint)
        if options.resume
        else Parts.start(folder, plan.fingerprint)
    )
    engine = _engine(plan)
    predict_into(
        parts,
        plan.source,
        engine,
        batch_size=plan.batch_size,
        outputs=options.outputs,
        reporter=reporter,
        keep_probabilities=plan.keep_probabilities,
    )
    bad = [*plan.unreadable, *parts.bad()]
    facts = facts_of(plan, parts, bad)
    finished = (aside or plan.target.parent) / plan.target.name
    _write_bad_list(finished.with_name(BAD), bad)
    parts.finish(finished, facts, with_probabilities=plan.keep_probabilities, columns=plan.columns)
    listed = BAD
    if aside is None:
        parts.discard()
    elif len(bad) > options.max_bad:
        _write_bad_list(folder / BAD, bad)
        listed = f"{folder.name}/{BAD}"
    overflows = options.precision == "float16" and any(one.reason == NOT_FINITE for one in bad)
    _require_few_bad(
        len(bad), facts.samples.found, bad, options.max_bad, listed, overflows=overflows
    )
    return Predictions.open(finished)


def _engine(plan: Plan) -> Scorer:
    """What runs the model, in batches of one size."""
    n_classes, size = len(plan.classes.names), plan.model.batch_sizes.chunk(plan.batch_size)
    if plan.model.session is not None:
        from reportgen.inference.adapters.session_engine import SessionEngine

        return SessionEngine(plan.model, n_classes, size)
    return Engine(plan.model, plan.device, plan.options.precision, n_classes, size)


def _finished_before(plan: Plan, aside: Path | None) -> Predictions:
    """The predictions of the same run, which ended before its report: only names may be new."""
    before = Predictions.open(plan.target)
    require_same_run(before.facts.fingerprint, plan.fingerprint)
    old, new = before.facts.provenance, plan.provenance
    model = replace(
        old.model, name=new.model.name, version=new.model.version, source=new.model.source
    )
    provenance = replace(
        old,
        title=new.title,
        date=new.date,
        model=model,
        data_name=new.data_name,
        split=new.split,
        command=new.command,
    )
    facts = replace(before.facts, provenance=provenance)
    if facts != before.facts:
        finished = (aside or plan.target.parent) / plan.target.name
        write_predictions(
            finished,
            facts,
            before.tables(),
            with_probabilities=before.has_scores,
            further=before.further,
        )
        before = Predictions.open(finished)
    excluded = before.facts.samples.excluded
    n_bad = excluded.get(UNREADABLE, 0) + excluded.get(NOT_FINITE, 0)
    _require_few_bad(n_bad, facts.samples.found, (), plan.options.max_bad)
    return before


def facts_of(plan: Plan, parts: Parts, bad: Sequence[BadSample]) -> RunFacts:
    """What the finished file says besides its rows."""
    state, before = parts.state, plan.provenance
    decided = "detected from the first batch" if plan.options.outputs == "auto" else "as declared"
    provenance = replace(
        before,
        outputs=f"{state.outputs}, {decided}" if state.outputs else "",
        model=replace(before.model, notes=(*before.model.notes, *state.model_notes)),
        inference=_inference_facts(plan, state.forward_size),
        data_fingerprint=before.data_fingerprint or parts.label_fingerprint(),
    )
    return RunFacts(
        classes=plan.classes.names,
        provenance=provenance,
        samples=_accounting(plan, parts, bad),
        notes=(
            *plan.notes,
            *state.notes,
            *notes_from_flags({ImageFlag(v): n for v, n in parts.flag_counts().items()}),
            *_bad_notes(bad),
            *_halving_note(state.forward_size),
            *plan.source.notes,
        ),
        fingerprint=plan.fingerprint,
        sum_tolerance=None if state.outputs == OutputKind.ONE_VS_REST else SUM_TOLERANCE,
    )


def _accounting(plan: Plan, parts: Parts, bad: Sequence[BadSample]) -> Accounting:
    n_not_finite = sum(sample.reason == NOT_FINITE for sample in bad)
    excluded = {
        UNREADABLE: len(bad) - n_not_finite,
        NOT_FINITE: n_not_finite,
        **plan.excluded,
    }
    return Accounting(
        found=parts.n_rows if plan.n_found is None else plan.n_found,
        counted=parts.n_rows - (len(bad) - len(plan.unreadable)),
        excluded={reason: n for reason, n in excluded.items() if n},
        skipped=plan.skipped,
    )


def _inference_facts(plan: Plan, forward_size: int) -> dict[str, str]:
    size = str(plan.batch_size)
    if forward_size:
        size += f", in forward passes of {forward_size} after memory ran out"
    facts = {
        "device": _device_words(plan.device),
        "precision": plan.options.precision,
        "batch size": size,
        "sample ids": plan.source.id_kind,
    }
    if plan.model.session is not None:
        return facts | plan.model.session.facts
    if plan.device.type == "cuda":
        import torch

        facts["TF32"] = "on" if torch.backends.cuda.matmul.allow_tf32 else "off"
    return facts


def _device_words(device: Any) -> str:
    if device.type == "cuda" and not isinstance(device, Device):
        import torch

        return f"cuda ({printable(torch.cuda.get_device_name(device))})"
    return str(device.type)


def _bad_notes(bad: Sequence[BadSample]) -> Iterator[DataNote]:
    unreadable = [sample for sample in bad if sample.reason != NOT_FINITE]
    infinite = [sample for sample in bad if sample.reason == NOT_FINITE]
    if unreadable:
        yield DataNote(
            "unreadable-images",
            f"{plural(len(unreadable), 'image')} could not be read; "
            "they are excluded from this report.",
            "warning",
            len(unreadable),
            tuple(f"{sample.id}: {sample.reason}" for sample in unreadable[:10]),
        )
    if infinite:
        yield DataNote(
            "scores-not-finite",
            f"For {plural(len(infinite), 'sample')} the model gave scores that are not finite; "
            "they are excluded from this report.",
            "warning",
            len(infinite),
            tuple(sample.id for sample in infinite[:10]),
        )


def _halving_note(forward_size: int) -> Iterator[DataNote]:
    if forward_size:
        yield DataNote(
            "out-of-memory",
            f"Out of memory; the run continued with {forward_size} images at a time. A rerun may "
            "differ in the last bits of the confidences.",
            "warning",
        )


def _write_bad_list(path: Path, bad: Sequence[BadSample]) -> None:
    """``bad.csv`` where there is something to list; none of an earlier run stays."""
    if bad:
        write_text(path, csv_text(("id", "reason"), ((item.id, item.reason) for item in bad)))
    else:
        path.unlink(missing_ok=True)


def _require_few_bad(
    n_bad: int,
    n_found: int,
    bad: Sequence[BadSample],
    limit: int,
    listed: str = BAD,
    *,
    overflows: bool = False,
) -> None:
    if n_bad <= limit:
        return
    first = f": {quoted(bad[0].id)}: {bad[0].reason}" if bad else ""
    raise DataError(
        f"{plural(n_bad, 'sample')} can't be used{first}",
        slug="too-many-bad",
        details=[
            *(f"{quoted(sample.id)}: {sample.reason}" for sample in bad[1:5]),
            f"{count(n_bad)} of {count(n_found)} can't be used; --max-bad is {limit}",
            f"all are listed in {listed}; the predictions of the others are kept",
        ],
        hint=(
            "float16 overflows above 65,504: start over with --precision float32 --force; or "
            if overflows
            else ""
        )
        + f"continue without them: --resume --max-bad {n_bad}",
    )
