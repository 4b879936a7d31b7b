"""Common column names for labels, predictions, ids and scores."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from reportgen.errors import UsageError
from reportgen.text import listing, printable, typed

__all__ = [
    "COMMON_NAMES",
    "FALSE",
    "SCORE_PREFIXES",
    "TASK_WORDS",
    "TRUE",
    "folded",
    "is_called",
    "label_and_prediction",
    "looks_like_id",
    "several_columns",
    "task_pairs",
]


COMMON_NAMES: Mapping[str, tuple[str, ...]] = {
    "label": (
        "label", "labels", "true", "y_true", "y", "target", "targets", "true_label",
        "true_class", "ground_truth", "gt", "actual", "truth", "reference", "observed", "obs",
        "expected", "gold", "actual_label", "actual_class", "gt_label", "gt_class", "label_true",
        "true_labels", "real", "actuals", "label_ids", "y_test", "ground_truth_label",
        "wahrheit", "wahre_klasse", "tatsächlich", "tatsächliche_klasse", "vérité", "vrai",
        "classe_réelle", "étiquette", "verdad", "clase_real", "etiqueta", "истина",
        "истинный_класс", "реальный_класс", "正解", "正解ラベル", "真实", "真实标签", "真实类别",
    ),
    "prediction": (
        "prediction", "predictions", "predicted", "pred", "preds", "y_pred", "y_hat",
        "predicted_label", "pred_label", "label_pred", "predicted_class", "pred_class",
        "predicted_labels", "pred_labels", "prediction_label", "predicts",
        "guess", "predict", "yhat", "scored_labels", "scored_label", "classified_as",
        "model_prediction", "predictions_label",
        "vorhersage", "vorhergesagt", "vorhergesagte_klasse", "prédiction", "prédit",
        "classe_prédite", "predicción", "clase_predicha", "predizione", "предсказание",
        "предсказанный_класс", "прогноз", "予測", "予測ラベル", "预测", "预测标签", "预测类别",
    ),
    "confidence": (
        "confidence", "confidences", "conf", "score", "prob", "probability", "max_prob",
        "max_probability", "top1_probability", "pred_score",
        "prediction_confidence", "predictions_confidence", "pred_confidence", "pred_conf",
    ),
    "id": (
        "id", "ids", "sample_id", "image_id", "path", "paths", "file", "filename", "file_name",
        "filepath", "file_path", "image", "image_path", "image_file_name", "name", "id_code",
        "image_name", "img_name", "fname", "img", "img_path", "img_id", "image_file", "filenames",
        "uuid", "guid", "image_uuid", "sample_uuid", "image_url", "image_uri", "url", "uri",
        "external_id", "data_row_id", "asset_id", "record_id", "row_id", "example_id",
        "row_index",
    ),
    "scores": (
        "scores", "probabilities", "probs", "logits", "log_probabilities", "log_probs", "y_score",
        "y_prob", "y_proba", "outputs", "pred_score", "pred_scores", "proba", "predicted_proba",
        "logit",
    ),
}  # fmt: skip
"""Role → common names, in lower case with underscores; reportgen's own first, then other languages'
(English, German, French, Spanish, Russian, Japanese, Chinese)."""


TASK_WORDS: Mapping[str, frozenset[str]] = {
    "label": frozenset({"true", "gt", "actual", "label", "target", "truth", "reference", "y"}),
    "prediction": frozenset({"pred", "predicted", "prediction", "preds", "predictions", "hat"}),
}


_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


SCORE_PREFIXES = ("probability_", "prob_", "proba_", "p_", "scores_", "score_", "logits_", "logit_",
             "log_prob_", "log_probability_")  # fmt: skip


TRUE = frozenset({"true", "t", "yes", "y", "1", "1.0"})


FALSE = frozenset({"false", "f", "no", "n", "0", "0.0"})
"""Words for truth values, in lower case."""


def is_called(column: str, role: str) -> bool:
    """Whether a column has one of the common names of `role`, in any case.

    >>> is_called("Ground Truth", "label")
    True
    """
    return folded(column) in COMMON_NAMES[role]


def folded(name: str) -> str:
    """A column name as in :data:`COMMON_NAMES`: of ``trueLabel``, ``.pred-class`` or ``# true``.

    A number sign, as ``numpy.savetxt`` writes it, and single quotes are removed.
    """
    words = _CAMEL.sub("_", name.strip().strip("#'"))
    return re.sub(r"[\s\-.]+", "_", words.lower()).strip("_")


def looks_like_id(name: str) -> bool:
    """Whether this is a common name of an id column."""
    return folded(name) in COMMON_NAMES["id"]


def label_and_prediction(
    names: Sequence[str], label: str | None = None, prediction: str | None = None
) -> tuple[str | None, str | None]:
    """Both columns: as given, otherwise the only one of `names` with a common name."""
    found: list[str | None] = [label, prediction]
    for i, role in enumerate(("label", "prediction")):
        if found[i] is None:
            some = [n for n in names if folded(n) in COMMON_NAMES[role] and n not in found]
            found[i] = some[0] if len(some) == 1 else None
    return found[0], found[1]


def task_pairs(columns: Iterable[str]) -> list[tuple[str, str]]:
    """Pairs of columns whose names differ only in a word for label and for prediction.

    >>> task_pairs(["true_region", "predicted_region", "region_confidence"])
    [('true_region', 'predicted_region')]
    """
    rests: dict[str, dict[str, str]] = {"label": {}, "prediction": {}}
    for column in columns:
        words = folded(column).split("_")
        for role, some in TASK_WORDS.items():
            rest = [word for word in words if word not in some]
            if rest and len(rest) < len(words):
                rests[role].setdefault("_".join(rest), column)
    for column in columns:  # species beside predicted_species
        rests["label"].setdefault(folded(column), column)
    return [
        (column, rests["prediction"][rest])
        for rest, column in rests["label"].items()
        if rest in rests["prediction"]
    ]


def several_columns(
    subject: str, found: Sequence[str], what: str, option: str, details: Sequence[str] = ()
) -> UsageError:
    """The error if several columns, or other items described by `what`, fit one role.

    `subject` lists them, in quotes; `option` selects one.
    """
    return UsageError(
        f"{subject} has {len(found)} {what}: {listing(map(printable, found))}",
        slug="column-ambiguous",
        details=list(details),
        hint=f"choose one: {option} {typed(found[0])}",
    )
