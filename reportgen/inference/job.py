"""From a plan to a finished predictions file: the steps before and after the loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from reportgen.errors import UsageError
from reportgen.inference.facts import (
    NOT_FINITE,
    UNREADABLE,
    facts_of,
    require_few_bad,
    write_bad_list,
)
from reportgen.inference.forward import Engine, Scorer
from reportgen.inference.loop import predict_into
from reportgen.inference.plan import Device, Plan, plan_folder
from reportgen.inference.sources.folder import FolderSource
from reportgen.options import Options
from reportgen.output_folder import BAD, partial_folder
from reportgen.predictions import (
    Parts,
    Predictions,
    RunFacts,
    RunOutline,
    RunState,
    data_fingerprint,
    require_same_run,
    write_predictions,
)
from reportgen.reporter import Reporter
from reportgen.storage import Place
from reportgen.text import plural, printable, quoted

if TYPE_CHECKING:
    import torch

__all__ = [
    "Elsewhere",
    "changed_since",
    "engine_of",
    "outline_of",
    "predict_folder",
    "predict_live",
    "predict_parts",
    "tell_classes",
]


class Elsewhere(Protocol):
    """Other processes that run the model, on this machine or on others."""

    mark: Mapping[str, str]
    """Marks unfinished parts written by these processes: their rows are in any order."""

    def device_of(self, options: Options) -> str:
        """The type of the device that the model will run on."""

    def begin(self, spec: str, plan: Plan, reporter: Reporter) -> Plan:
        """The plan with the device, batch size and versions of these processes."""

    def predict(self, plan: Plan, parts: Parts, reporter: Reporter) -> Plan:
        """Predict the samples that `parts` does not contain yet, in any order.

        Returns the plan with the facts known afterwards. Rows predicted before an error are in
        `parts`.
        """


Known = Callable[[Sequence[str]], None]
"""Called with the class names before the first forward pass; may raise."""


def _nothing(_: Sequence[str]) -> None:
    """Do nothing."""


def predict_folder(
    model: str,
    data: Place,
    target: Path,
    options: Options,
    reporter: Reporter,
    known: Known | None = None,
    aside: Path | None = None,
    *,
    unlabelled: bool = False,
    elsewhere: Elsewhere | None = None,
) -> Predictions:
    """Predict the data at `data` with a model named on the command line.

    `target` is the predictions file to write. `known` is called with the class names before the
    first forward pass, and may raise. After an error of any step, the predictions made so far are
    kept beside `target`, for ``resume``.

    `aside` is a folder for the finished file, if the one at `target` is to be replaced later; the
    parts beside `target` stay until then. `unlabelled` permits images without labels.
    """
    plan = plan_folder(
        model,
        data.absolute() if elsewhere is not None and isinstance(data, Path) else data,
        target,
        options,
        reporter,
        unlabelled=unlabelled,
        elsewhere="" if elsewhere is None else elsewhere.device_of(options),
    )
    tell_classes(plan, reporter)
    (known or _nothing)(plan.classes.names)
    if elsewhere is not None:
        plan = elsewhere.begin(model, plan, reporter)
    return _execute(plan, reporter, aside, elsewhere)


def predict_live(
    module: torch.nn.Module,
    data: Any,
    target: Path,
    options: Options,
    reporter: Reporter,
    known: Known | None = None,
    aside: Path | None = None,
) -> Predictions:
    """Predict the batches of a DataLoader or Dataset with a live module, which is not modified."""
    if options.resume:
        raise UsageError(
            "resume needs a model and a folder passed as paths",
            slug="resume-live",
            hint="rerun a live loader from the start, with force=True",
        )
    from reportgen.inference.forward import resolve_device
    from reportgen.inference.live_plan import plan_live
    from reportgen.inference.models.loaded_model import device_of, keep_as_found

    _refuse_weights(options)
    _refuse_options_of_files(options)
    device = resolve_device(options.device, device_of(module))
    with keep_as_found(module, device):
        plan = plan_live(module, data, target, options, device)
        tell_classes(plan, reporter)
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


_DEFAULTS = Options()
_OF_FILES = (
    "root", "id_column", "image_column", "label_column", "split_column", "labels_are",
    "label_base", "ignore_unknown_classes", "preset", "resize", "interpolation", "crop",
    "grayscale", "mean", "std", "pixel_range", "channels", "input_layout", "transform",
    "trust_model_code",
)  # fmt: skip
"""Options that say how files are read; a loader has done that."""


def _refuse_options_of_files(options: Options) -> None:
    for name in _OF_FILES:
        if getattr(options, name) != getattr(_DEFAULTS, name):
            raise UsageError(
                f"{name}= has no effect on a live module and its loader",
                slug="option-conflict",
                hint=f"omit {name}=: the loader's own images and labels are used as they are",
            )


def tell_classes(plan: Plan, reporter: Reporter) -> None:
    """Report the source of the class names, if the user gave none."""
    if plan.options.classes is None:
        names = plural(len(plan.classes.names), "class", "classes")
        reporter.say(f"class names: {names}, from {printable(plan.classes.source)}")


def _execute(
    plan: Plan, reporter: Reporter, aside: Path | None, elsewhere: Elsewhere | None = None
) -> Predictions:
    folder = partial_folder(plan.target)
    options = plan.options
    if options.resume and plan.target.exists() and not folder.exists():
        return _finished_before(plan, aside, reporter)
    identity = {**plan.identity, **({} if elsewhere is None else elsewhere.mark)}
    parts = Parts.resume(folder, identity) if options.resume else Parts.start(folder, identity)
    if parts.n_rows:
        _require_unchanged(plan, parts, reporter)
    if elsewhere is None:
        predict_parts(plan, parts, reporter)
    else:
        source = plan.source
        assert isinstance(source, FolderSource)
        plan = elsewhere.predict(plan, parts, reporter)
        parts.arrange(source.ids)
    outline = outline_of(plan, parts.state)
    sums = parts.sums(plan.classes.names)
    facts = facts_of(outline, plan.identity, sums)
    if not sums.data:
        facts = _by_labels(facts, parts)
    finished = (aside or plan.target.parent) / plan.target.name
    write_bad_list(finished.with_name(BAD), sums.bad)
    parts.finish(
        finished,
        facts,
        with_probabilities=plan.keep_probabilities,
        columns=plan.columns,
        is_ordered=sums.is_ordered,
    )
    listed = BAD
    if aside is None:
        parts.discard()
    elif len(sums.bad) > options.max_bad:
        write_bad_list(folder / BAD, sums.bad)
        listed = f"{folder.name}/{BAD}"
    overflows = options.precision == "float16" and any(b.reason == NOT_FINITE for b in sums.bad)
    require_few_bad(
        len(sums.bad), facts.samples.found, sums.bad, options.max_bad, listed,
        how=(_OVERFLOWS if overflows else "") + _WITHOUT_THEM,
    )  # fmt: skip
    return Predictions.open(finished)


_OVERFLOWS = "float16 overflows above 65,504: start over with --precision float32 --force; or "
_WITHOUT_THEM = "continue without them: --resume --max-bad {n}"


def predict_parts(
    plan: Plan,
    parts: Parts,
    reporter: Reporter,
    again: str = "rerun the same command with --resume",
) -> None:
    """Predict the samples that `parts` does not contain yet; `again` is the hint for resuming."""
    predict_into(
        parts,
        plan.source,
        engine_of(plan),
        batch_size=plan.batch_size,
        outputs=plan.options.outputs,
        reporter=reporter,
        keep_probabilities=plan.keep_probabilities,
        beginning=plan.beginning,
        again=again,
    )


def _by_labels(facts: RunFacts, parts: Parts) -> RunFacts:
    """The same facts, with a fingerprint of ids and labels where the content was not hashed."""
    fingerprint = facts.provenance.data_fingerprint or parts.label_fingerprint()
    return replace(facts, provenance=replace(facts.provenance, data_fingerprint=fingerprint))


def _require_unchanged(plan: Plan, parts: Parts, reporter: Reporter) -> None:
    if (name := changed_since(plan, parts, reporter)) is not None:
        raise UsageError(
            f"--resume: {quoted(name)} has changed since it was predicted",
            slug="resume-differs",
            hint="start over with --force",
        )


def changed_since(plan: Plan, parts: Parts, reporter: Reporter) -> str | None:
    """The id of the first sample in `parts` whose file has changed since, or None."""
    assert isinstance(plan.source, FolderSource)
    reporter.begin("checking the data", parts.n_rows, "files")
    try:
        places = parts.places_in(plan.source.ids).tolist()
        now = plan.source.digests(places, reporter.advance)
        for place, before, after in zip(places, parts.digests(), now, strict=True):
            if before != after:
                return plan.source.ids[int(place)]
    finally:
        reporter.end()
    return None


def engine_of(plan: Plan) -> Scorer:
    """The engine that runs the model, in batches of constant size."""
    n_classes, size = len(plan.classes.names), plan.model.batch_sizes.chunk(plan.batch_size)
    if plan.model.session is not None:
        from reportgen.inference.adapters.session_engine import SessionEngine

        return SessionEngine(plan.model, n_classes, size)
    return Engine(plan.model, plan.device, plan.options.precision, n_classes, size)


def _finished_before(plan: Plan, aside: Path | None, reporter: Reporter) -> Predictions:
    """Predictions of the same run that ended before its report; only names may have changed."""
    before = Predictions.open(plan.target)
    now = {**plan.identity, "data": before.facts.fingerprint.get("data", "")}
    require_same_run(before.facts.fingerprint, now)
    require_same_run(before.facts.fingerprint, {**now, "data": _data_now(plan, reporter)})
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
    require_few_bad(n_bad, facts.samples.found, (), plan.options.max_bad, how=_WITHOUT_THEM)
    return before


def _data_now(plan: Plan, reporter: Reporter) -> str:
    """The current fingerprint of the data."""
    source = plan.source
    assert isinstance(source, FolderSource)
    reporter.begin("checking the data", source.n_samples, "files")
    try:
        content = source.digests(range(source.n_samples), reporter.advance)
        return data_fingerprint(source.ids, source.labels, content, plan.classes.names)
    finally:
        reporter.end()


def outline_of(plan: Plan, state: RunState) -> RunOutline:
    """The facts of the run apart from its rows, known after the first batch."""
    before = plan.provenance
    decided = "detected from the first batch" if plan.options.outputs == "auto" else "as declared"
    return RunOutline(
        classes=plan.classes.names,
        provenance=replace(
            before,
            outputs=f"{state.outputs}, {decided}" if state.outputs else "",
            model=replace(before.model, notes=(*before.model.notes, *state.model_notes)),
            inference=plan.inference or _inference_facts(plan),
        ),
        outputs=state.outputs,
        keeps_probabilities=plan.keep_probabilities,
        excluded=plan.excluded,
        skipped=plan.skipped,
        notes=plan.notes,
        class_notes=plan.class_notes,
        batch_notes=state.notes,
        run_notes=tuple(plan.source.notes),
        forward_size=state.forward_size,
    )


def _inference_facts(plan: Plan) -> dict[str, str]:
    facts = {
        "device": _device_words(plan.device),
        "precision": plan.options.precision,
        "batch size": str(plan.batch_size),
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
