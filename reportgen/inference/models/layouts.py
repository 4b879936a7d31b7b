"""Unsupported folders given as MODEL, each with a way to evaluate it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from reportgen.errors import ModelError, UsageError
from reportgen.foreign_formats import paddle_command
from reportgen.paths import as_typed
from reportgen.text import listing, quoted

__all__ = [
    "WHAT_WORKS",
    "refuse_folder",
    "refuse_hub_name",
]


WHAT_WORKS = (
    "MODEL can be a torch.export program (model.pt2), an ONNX or Keras model, a Hugging Face "
    "folder, a factory with weights (file.py:factory --weights w.safetensors), or timm:NAME or "
    "torchvision:NAME with --weights w.pth"
)


_HUBS = (
    "hf:",
    "hf-hub:",
    "hf_hub:",
    "huggingface:",
    "transformers:",
    "timm:hf-hub:",
    "timm:hf_hub:",
)


_LOCAL_FOLDER = "timm:local-dir:"


_MODEL_FILES = (".pt2", ".safetensors", ".pt", ".pth", ".ckpt", ".onnx", ".keras", ".tflite")


_IMAGES = (".jpg", ".jpeg", ".png", ".webp", ".bmp")


def refuse_folder(path: Path) -> ModelError:
    """The error for a folder as MODEL, with its layout."""
    what, hint = next(
        (found for layout in _LAYOUTS if (found := layout(path)) is not None),
        ("a folder, not a file", WHAT_WORKS),
    )
    return ModelError(f"{quoted(path.name or str(path))} is {what}", slug="model-format", hint=hint)


def refuse_hub_name(spec: str) -> None:
    """Refuse a name that other programs would download, and timm's name of a local folder.

    Raises :class:`UsageError` ``model-name``.
    """
    if spec.startswith(_LOCAL_FOLDER):
        raise UsageError(
            f"MODEL {quoted(spec)} is timm's name of a folder; here its path alone names it",
            slug="model-name",
            hint=f"pass the folder: {as_typed(Path(spec.removeprefix(_LOCAL_FOLDER)))}",
        )
    name = next((spec.removeprefix(hub) for hub in _HUBS if spec.startswith(hub)), None)
    if name is None or (spec.startswith("transformers:") and "/" not in spec):
        if not _looks_like_owner_and_name(spec):
            return
        name = spec
    raise UsageError(
        f"MODEL {quoted(spec)} is not a local file: it looks like the name of a model on a hub, "
        "and nothing is downloaded",
        slug="model-name",
        details=["download it into a folder first, with the hub's command line: hf download "
                 f"{listing([name])} --local-dir DIR"],
        hint="then pass that folder: reportgen run DIR DATA -o OUT",
    )  # fmt: skip


def _looks_like_owner_and_name(spec: str) -> bool:
    """Whether `spec` looks like ``google/vit-base-patch16-224``, and is not a folder or file."""
    owner, slash, name = spec.partition("/")
    words = slash and all(
        part and part[0].isalnum() and all(c.isalnum() or c in "-_." for c in part)
        for part in (owner, name)
    )
    ending = Path(name).suffix.lower()
    known = ending in (*_MODEL_FILES, ".py", ".xml", ".h5", ".pb", ".bin", ".tar", ".pkl")
    return bool(words) and not known and not Path(owner).exists()


# Layouts


Layout = tuple[str, str] | None


def _saved_model(path: Path) -> Layout:
    if not (path / "saved_model.pb").exists():
        return None
    return "a TensorFlow SavedModel folder", (
        "make an ONNX model of it, where TensorFlow and tf2onnx are installed: python -m "
        f"tf2onnx.convert --saved-model {as_typed(path)} --output model.onnx"
    )


def _hub_layout(path: Path) -> Layout:
    if not (path / "config.json").exists():
        return None
    return "a folder with a config.json that names no architecture", (
        "pass a folder of save_pretrained, whose config.json has architectures"
    )


def _adapter(path: Path) -> Layout:
    if not (path / "adapter_config.json").exists():
        return None
    return "a PEFT adapter without its base model", (
        "merge them (merge_and_unload), save_pretrained into a folder, and pass that folder"
    )


def _core_ml(path: Path) -> Layout:
    if path.suffix.lower() not in (".mlpackage", ".mlmodelc"):
        return None
    return "a Core ML model", (
        "save label and prediction of each image as CSV in the program that runs it, then: "
        "reportgen render predictions.csv -o OUT"
    )


def _paddle(path: Path) -> Layout:
    weights = min(path.glob("*.pdiparams"), default=None)
    if weights is None:
        return None
    return "a folder with a Paddle model", (
        "make an ONNX model of it, where paddlepaddle and paddle2onnx are installed: "
        f"{paddle_command(weights)}; then pass model.onnx"
    )


def _mlflow(path: Path) -> Layout:
    if not (path / "MLmodel").exists():
        return None
    return "an MLflow model folder", (
        "load it in a factory of your own: def make(): return mlflow.pytorch.load_model(FOLDER)"
    )


def _distributed(path: Path) -> Layout:
    if not any(path.glob("*.distcp")):
        return None
    return "a torch.distributed checkpoint", (
        "make one file of it: python -m torch.distributed.checkpoint.format_utils dcp_to_torch "
        f"{as_typed(path)} weights.pt; then: file.py:factory --weights weights.pt"
    )


def _with_model_file(path: Path) -> Layout:
    files = sorted(entry for entry in _entries(path) if entry.suffix.lower() in _MODEL_FILES)
    if not files:
        return None
    first = min(files, key=lambda file: _MODEL_FILES.index(file.suffix.lower()))
    names = listing([file.name for file in files])
    if first.suffix.lower() in (".pt2", ".onnx", ".keras"):
        return f"a folder with a model in it ({names})", f"pass {as_typed(first)}"
    return f"a folder with {names} in it", (
        f"pass the file: file.py:factory --weights {as_typed(first)}"
        if first.suffix.lower() in _MODEL_FILES[1:5]
        else f"pass {as_typed(first)}, and read what works for it"
    )


def _of_images(path: Path) -> Layout:
    inner = [entry for folder in _entries(path) if folder.is_dir() for entry in _entries(folder)]
    if not any(entry.suffix.lower() in _IMAGES for entry in inner):
        return None
    return "a folder of images", "MODEL comes first, then DATA: reportgen run MODEL DATA -o OUT"


def _entries(path: Path) -> list[Path]:
    try:
        return list(path.iterdir())
    except OSError:
        return []


_LAYOUTS: tuple[Callable[[Path], Layout], ...] = (
    _core_ml, _saved_model, _adapter, _hub_layout, _paddle, _mlflow, _distributed, _with_model_file,
    _of_images,
)  # fmt: skip
