"""MODEL in each of its forms: factories, torchvision's networks, and files that are neither."""

from __future__ import annotations

import hashlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference import libraries
from reportgen.inference.libraries import import_torchvision
from reportgen.inference.models.factories import parse_arguments
from reportgen.inference.models.loaded_model import LoadedModel
from reportgen.inference.models.loading import load_model
from tests.inference.model_files import NETWORK, network, write


@pytest.fixture(autouse=True)
def _clean_imports(tmp_path: Path) -> Iterator[None]:
    path = list(sys.path)
    yield
    for name, module in list(sys.modules.items()):
        if str(tmp_path) in str(getattr(module, "__file__", None)):
            del sys.modules[name]
    sys.path[:] = path


@pytest.fixture
def nets(tmp_path: Path) -> Path:
    return write(tmp_path / "nets.py", NETWORK)


def weights(tmp_path: Path, n_classes: int = 4, name: str = "w.pt", **extra: Any) -> Path:
    path = tmp_path / name
    torch.save({"state_dict": network(n_classes).state_dict(), **extra}, path)
    return path


def refused(kind: type[ReportgenError], spec: object, **options: Any) -> ReportgenError:
    with pytest.raises(kind) as caught:
        load_model(str(spec), **options)
    assert type(caught.value) is kind
    assert "weights_only" not in str(caught.value)
    return caught.value


def n_outputs(model: LoadedModel) -> int:
    with torch.inference_mode():
        scores: torch.Tensor = model.module(torch.zeros(2, 3, 8, 8))
    return scores.shape[1]


# The factory in a file or module


def test_a_factory_in_a_file_with_weights(nets: Path, tmp_path: Path) -> None:
    model = load_model(f"{nets}:small", weights=weights(tmp_path), version="7")
    images = torch.rand(4, 3, 8, 8)
    with torch.inference_mode():
        assert torch.equal(model.module(images), network()(images))
    facts = model.facts
    assert (facts.name, facts.version, facts.kind) == ("small", "7", "factory + weights")
    assert facts.source == "nets.py:small"
    assert facts.executes_code
    assert facts.files == {
        "nets.py": hashlib.sha256(nets.read_bytes()).hexdigest(),
        "w.pt": hashlib.sha256((tmp_path / "w.pt").read_bytes()).hexdigest(),
    }
    assert str(tmp_path) not in repr(facts)
    assert model.batch_sizes.chunk(17) == 17
    assert model.input_shape is None
    assert model.program is None


def test_a_factory_in_a_module_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "my_nets_pkg" / "__init__.py", "")
    write(tmp_path / "my_nets_pkg" / "zoo.py", NETWORK)
    monkeypatch.chdir(tmp_path)
    before = list(sys.path)
    model = load_model("my_nets_pkg.zoo:small", weights=weights(tmp_path), name="mine")
    assert model.facts.name == "mine"
    assert model.facts.source == "my_nets_pkg.zoo:small"
    assert "my_nets_pkg/zoo.py" in model.facts.files
    assert sys.path == before


def test_a_factory_imports_its_siblings_on_import_and_in_the_call(tmp_path: Path) -> None:
    write(tmp_path / "my_layers_y.py", NETWORK)
    write(tmp_path / "my_sizes_y.py", "WIDTH = 5")
    text = (
        "from my_layers_y import Net\n"
        "def make(num_classes=4):\n    from my_sizes_y import WIDTH\n"
        "    return Net(num_classes, width=WIDTH)\n"
    )
    before = list(sys.path)
    model = load_model(f"{write(tmp_path / 'entry.py', text)}:make")
    assert model.module.conv.out_channels == 5  # type: ignore[attr-defined]
    assert sys.path == before


def test_a_sibling_is_that_of_the_factorys_own_folder(tmp_path: Path) -> None:
    """Two releases of one code base, each with its ``my_parts.py``, in one process."""
    text = "from my_parts import Net\ndef make():\n    import my_parts\n    return Net()\n"
    for folder, width in (("old", 5), ("new", 6)):
        write(tmp_path / folder / "entry.py", text)
        parts = NETWORK.replace("width=3", f"width={width}")
        write(tmp_path / folder / "my_parts.py", parts)
    models = [load_model(f"{tmp_path / name}/entry.py:make") for name in ("old", "new", "old")]
    widths = [model.module.conv.out_channels for model in models]  # type: ignore[attr-defined]
    assert widths == [5, 6, 5]
    assert str(tmp_path / "old") in sys.modules["my_parts"].__file__  # type: ignore[operator]


def test_a_file_named_like_a_library_does_not_replace_it(tmp_path: Path) -> None:
    write(tmp_path / "json.py", "raise RuntimeError")
    load_model(f"{write(tmp_path / 'nets.py', NETWORK)}:small")
    assert sys.modules["json"] is json


def test_a_class_is_a_factory(nets: Path, tmp_path: Path) -> None:
    model = load_model(f"{nets}:Net", weights=weights(tmp_path, 6))
    assert n_outputs(model) == 6


# num_classes and --model-arg


def test_the_factory_gets_the_length_of_the_class_list(nets: Path, tmp_path: Path) -> None:
    model = load_model(f"{nets}:small", weights=weights(tmp_path, 6), n_classes=6)
    assert n_outputs(model) == 6
    assert model.facts.notes[0] == "num_classes=6, the length of the class list, was passed."


def test_else_the_length_of_the_list_in_the_weights_file(nets: Path, tmp_path: Path) -> None:
    names = list("abcdef")
    model = load_model(f"{nets}:small", weights=weights(tmp_path, 6, classes=names))
    assert model.classes == tuple(names)
    assert model.classes_source == "classes in w.pt"
    assert "num_classes=6, the length of the class list in w.pt" in model.facts.notes[0]


def test_else_the_rows_of_the_files_last_layer(nets: Path, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(dict(network(6).state_dict()), path)
    model = load_model(f"{nets}:small", weights=path)
    assert n_outputs(model) == 6
    assert "num_classes=6, the rows of fc.weight in w.safetensors" in model.facts.notes[0]


def test_the_users_own_num_classes_wins(nets: Path, tmp_path: Path) -> None:
    arguments = {"num_classes": "6"}
    path = weights(tmp_path, 6)
    model = load_model(f"{nets}:small", weights=path, n_classes=4, model_args=arguments)
    assert n_outputs(model) == 6


def test_another_number_of_classes_names_the_layer_and_the_call(nets: Path, tmp_path: Path) -> None:
    error = refused(ModelError, f"{nets}:small", weights=weights(tmp_path, 6), n_classes=4)
    assert error.slug == "weights-mismatch"
    assert "fc.weight is 6x3 in the file, 4x3 in the model" in error.message
    assert "nets.py:small(num_classes=4)" in (error.hint or "")


@pytest.mark.parametrize(
    ("definition", "seen"),
    [
        ("def make(num_classes):", {"num_classes": 6}),
        ("def make(*, num_classes=3, **rest):", {"num_classes": 6}),
        ("def make(**arguments):", {"arguments": {"num_classes": 6}}),
        ("def make(classes=4):", {"classes": 4}),
        ("def make(*anything):", {"anything": ()}),
        ("def make():", {}),
    ],
)
def test_num_classes_is_given_where_the_signature_takes_it(
    tmp_path: Path, definition: str, seen: dict[str, Any]
) -> None:
    text = f"import torch\n{definition}\n    given = locals()\n    net = torch.nn.Identity()\n"
    text += "    net.given = given\n    return net\n"
    model = load_model(f"{write(tmp_path / 'n.py', text)}:make", n_classes=6)
    given = {k: v for k, v in model.module.given.items() if k != "rest"}  # type: ignore[attr-defined]
    assert given == seen
    assert any("num_classes=6" in n for n in model.facts.notes) == ("6" in str(seen))


def test_a_factory_that_passes_on_what_nobody_takes_is_called_again_without(
    tmp_path: Path,
) -> None:
    text = "import torch\ndef make(**rest):\n    return torch.nn.Linear(2, 3, **rest)\n"
    file = write(tmp_path / "n.py", text)
    model = load_model(f"{file}:make", n_classes=6)
    assert not any("num_classes" in note for note in model.facts.notes)
    error = refused(UsageError, f"{file}:make", model_args={"depht": "3"})
    assert error.slug == "model-arg-unknown"


def test_model_arguments_are_json_or_else_strings() -> None:
    given = {"a": "18", "b": "0.5", "c": "true", "d": "null", "e": "[1, 2]", "f": "relu",
             "g": "007", "h": '"7"', "i": "", "j": "[" * 100_000}  # fmt: skip
    expected = {"a": 18, "b": 0.5, "c": True, "d": None, "e": [1, 2], "f": "relu",
                "g": "007", "h": "7", "i": "", "j": "[" * 100_000}  # fmt: skip
    assert parse_arguments(given) == expected


def test_model_arguments_reach_the_factory(nets: Path) -> None:
    model = load_model(f"{nets}:Net", model_args={"width": "9"})
    assert model.module.conv.out_channels == 9  # type: ignore[attr-defined]


def test_an_unknown_argument_offers_the_nearest(nets: Path) -> None:
    error = refused(UsageError, f"{nets}:Net", model_args={"widht": "9"})
    assert error.slug == "model-arg-unknown"
    assert error.message == '"nets.py:Net" does not take "widht"'
    assert error.details == ("it takes: num_classes, width",)
    assert error.hint == "did you mean --model-arg width=VALUE?"


def test_an_argument_that_is_needed_is_named(tmp_path: Path) -> None:
    file = write(tmp_path / "n.py", "def make(depth, *, width): ...")
    error = refused(UsageError, f"{file}:make", model_args={"width": "1"})
    assert error.slug == "model-arg-missing"
    assert error.message == 'the factory "n.py:make" needs depth'


# What a factory may do wrong


@pytest.mark.parametrize(
    ("text", "slug", "message"),
    [
        ("make = 3", "factory-not-callable", "is an object of type int, not a factory"),
        ("import torch\nmake = torch.nn.Identity()", "factory-not-callable", "is a network, not"),
        ("def make(): return 3", "factory-result", "returned an object of type int, not an nn.M"),
        ("def make(): pass", "factory-result", "returned None, not an nn.Module"),
        ("def make(): raise ValueError('bad\\nworse')", "factory-failed", "ValueError: bad"),
        ("def make(): raise SystemExit(3)", "factory-failed", "failed: SystemExit"),
        ("def make(): import no_such_library_z", "factory-failed", "No module named"),
        ("def make(): return Net(num_classes=3)\ndef Net(): ...", "factory-failed", "TypeError"),
        ("import no_such_library_z", "code-import-failed", "No module named"),
        ("def made(): ...", "code-name-missing", 'has no "make"'),
    ],
    ids=range(10),
)
def test_faults_of_a_factory_are_model_errors(
    tmp_path: Path, text: str, slug: str, message: str
) -> None:
    before = list(sys.path)
    error = refused(ModelError, f"{write(tmp_path / 'n.py', text)}:make")
    assert error.slug == slug
    assert message in error.message
    assert str(tmp_path) not in str(error)
    assert sys.path == before


def test_a_failing_factory_shows_the_users_lines_only(tmp_path: Path) -> None:
    text = "import torch\ndef inner():\n    return torch.zeros(2) @ torch.zeros(3)\n"
    text += "def make():\n    return inner()\n"
    error = refused(ModelError, f"{write(tmp_path / 'n.py', text)}:make")
    details = "\n".join(error.details)
    assert "n.py, line 5, in make" in details
    assert "n.py, line 3, in inner" in details
    assert "calls.py" not in details


def test_ctrl_c_in_a_factory_is_not_its_fault(tmp_path: Path) -> None:
    file = write(tmp_path / "n.py", "def make(): raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        load_model(f"{file}:make")


def test_a_factory_without_weights_is_noted(nets: Path) -> None:
    facts = load_model(f"{nets}:small").facts
    assert facts.kind == "factory"
    assert facts.notes == (
        "No weights file was given: the factory is expected to load its own weights.",
    )


def test_weights_are_read_before_the_factorys_code_runs(tmp_path: Path) -> None:
    file = write(tmp_path / "n.py", f"open({str(tmp_path / 'ran')!r}, 'w')")
    refused(ModelError, f"{file}:make", weights=tmp_path / "missing.pt")
    assert not (tmp_path / "ran").exists()


# Evaluation mode


def test_the_network_is_in_evaluation_mode(nets: Path) -> None:
    module = load_model(f"{nets}:small").module
    assert isinstance(module, nn.Module)
    assert not any(part.training for part in module.modules())


STUBBORN = """
import torch
class Stubborn(torch.nn.Dropout):
    def train(self, mode=True):
        return super().train(True)
def make():
    return torch.nn.Sequential(torch.nn.Flatten(), Stubborn())
"""


def test_parts_that_stay_in_training_mode_are_noted(tmp_path: Path) -> None:
    facts = load_model(f"{write(tmp_path / 'n.py', STUBBORN)}:make").facts
    assert facts.notes[-1].startswith("After eval(), 1 remained in training mode")


def test_a_factory_may_return_an_exported_program(tmp_path: Path) -> None:
    text = "import torch\ndef make():\n    example = (torch.zeros(2, 3),)\n"
    text += "    return torch.export.export(torch.nn.Linear(3, 4), example).module()\n"
    facts = load_model(f"{write(tmp_path / 'n.py', text)}:make").facts
    assert "to which eval() does not apply" in facts.notes[-1]


def test_an_eval_that_fails_is_the_networks_fault(tmp_path: Path) -> None:
    text = "import torch\nclass Net(torch.nn.Module):\n    def eval(self): return 1 / 0\n"
    error = refused(ModelError, f"{write(tmp_path / 'n.py', text)}:Net")
    assert error.slug == "factory-failed"
    assert "eval() of the network failed: ZeroDivisionError" in error.message


# torchvision


def torchvision_weights(tmp_path: Path, n_classes: int) -> Path:
    from torchvision import models

    path = tmp_path / "squeeze.pth"
    torch.save(models.squeezenet1_1(weights=None, num_classes=n_classes).state_dict(), path)
    return path


def test_a_torchvision_network_with_the_number_of_classes_of_its_weights(tmp_path: Path) -> None:
    path = torchvision_weights(tmp_path, 7)
    model = load_model("torchvision:SqueezeNet1_1", weights=path)
    with torch.inference_mode():
        assert model.module(torch.zeros(1, 3, 64, 64)).shape == (1, 7)
    facts = model.facts
    assert (facts.name, facts.kind) == ("SqueezeNet1_1", "torchvision + weights")
    assert list(facts.files) == ["squeeze.pth"]
    assert not facts.executes_code
    assert "num_classes=7, the rows of classifier.1.weight" in facts.notes[0]


def test_torchvision_weights_of_another_size_are_told(tmp_path: Path) -> None:
    path = torchvision_weights(tmp_path, 7)
    error = refused(ModelError, "torchvision:squeezenet1_1", weights=path, n_classes=5)
    assert "classifier.1.weight is 7x512x1x1 in the file, 5x512x1x1 in" in error.message


def test_a_torchvision_network_needs_weights() -> None:
    error = refused(UsageError, "torchvision:resnet18")
    assert error.slug == "weights-missing"


@pytest.mark.parametrize("name", ["resnet81", "fasterrcnn_resnet50_fpn", "", "../x"])
def test_an_unknown_torchvision_name(tmp_path: Path, name: str) -> None:
    error = refused(ModelError, f"torchvision:{name}", weights=weights(tmp_path))
    assert error.slug == "torchvision-unknown"
    if name == "resnet81":
        assert error.hint == "did you mean torchvision:resnet18?"


@pytest.mark.parametrize("key", ["weights", "pretrained", "weights_backbone"])
def test_nothing_can_make_torchvision_download(tmp_path: Path, key: str) -> None:
    arguments = {key: "true"}
    error = refused(
        UsageError, "torchvision:resnet18", weights=weights(tmp_path), model_args=arguments
    )
    assert error.slug == "model-arg-unknown"
    assert "nothing is downloaded" in error.message


def test_an_argument_that_the_torchvision_network_does_not_take(tmp_path: Path) -> None:
    error = refused(
        UsageError,
        "torchvision:squeezenet1_1",
        weights=weights(tmp_path),
        model_args={"depth": "3"},
    )
    assert error.slug == "model-arg-unknown"


def importing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """Import torchvision 0.28.0+cu130 beside torch 2.13.0+cpu, with `error`."""

    def fail(name: str) -> types.ModuleType:
        raise error

    def version(distribution: str) -> str:
        return "2.13.0+cpu" if distribution == "torch" else "0.28.0+cu130"

    monkeypatch.setattr(libraries, "importlib", types.SimpleNamespace(import_module=fail))
    monkeypatch.setattr(libraries, "metadata", types.SimpleNamespace(version=version))


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("operator torchvision::nms does not exist"),
        RuntimeError("Detected that PyTorch and torchvision were compiled with different CUDA"),
        ImportError("libc10.so: undefined symbol: _ZN3c10"),
        AttributeError("partially initialized module 'torchvision' has no attribute 'extension'"),
    ],
    ids=range(4),
)
def test_builds_of_torch_and_torchvision_that_differ(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    importing(monkeypatch, error)
    with pytest.raises(ModelError) as caught:
        import_torchvision()
    assert caught.value.slug == "torch-mismatch"
    assert caught.value.message == (
        "torch 2.13.0+cpu and torchvision 0.28.0+cu130 are different builds; "
        "install both from one source"
    )
    assert str(error) in caught.value.details[0]


def test_torchvision_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    importing(monkeypatch, ModuleNotFoundError("No module named 'torchvision'", name="torchvision"))
    with pytest.raises(ModelError, match="torchvision is not installed") as caught:
        import_torchvision()
    assert caught.value.slug == "torchvision-missing"
    importing(monkeypatch, ModuleNotFoundError("No module named 'PIL'", name="PIL"))
    with pytest.raises(ModuleNotFoundError):
        import_torchvision()


# What MODEL is


def test_weights_without_a_network_say_how_to_name_it(tmp_path: Path) -> None:
    for path in (weights(tmp_path), weights(tmp_path, name="model.pt2")):
        error = refused(ModelError, path)
        assert error.slug == "weights-as-model"
        assert "it contains weights, not the network" in error.message
        assert f"file.py:factory --weights {path.name}" in (error.hint or "")


def test_a_pickled_network_as_model_contains_code(tmp_path: Path) -> None:
    torch.save(nn.Linear(2, 2), tmp_path / "whole.pt")
    error = refused(ModelError, tmp_path / "whole.pt")
    assert error.slug == "model-contains-code"
    assert "torch.nn.modules.linear.Linear" in error.message
    assert 'torch.save(model.state_dict(), "weights.pt")' in "\n".join(error.details)


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_torchscript_as_model(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), tmp_path / "script.pt2")
    error = refused(ModelError, tmp_path / "script.pt2")
    assert error.slug == "torchscript"
    assert "torch.export.save" in (error.hint or "")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("m.keras", "a Keras model"),
        ("m.tflite", "a TensorFlow Lite model"),
        ("m.engine", "a TensorRT engine"),
        ("m.bin", "of an unknown format"),
    ],
)
def test_models_of_other_frameworks_are_named_and_what_works_is_said(
    tmp_path: Path, name: str, text: str
) -> None:
    error = refused(ModelError, write(tmp_path / name, "\x08\x07abc"))
    assert error.slug == "model-format"
    assert f'"{name}" is {text}' in error.message
    assert "torch.export program (model.pt2)" in (error.hint or "")


def test_a_python_file_without_a_factory_lists_what_it_defines(nets: Path) -> None:
    error = refused(UsageError, nets)
    assert error.slug == "model-form"
    assert error.details == ("it defines Net, small",)
    assert (error.hint or "").startswith("write nets.py:small,")


@pytest.mark.parametrize("text", [None, "def (", "x = '\x00'"])
def test_a_python_file_that_cannot_be_read_still_gets_the_hint(
    tmp_path: Path, text: str | None
) -> None:
    path = tmp_path / "n.py"
    if text is not None:
        write(path, text)
    assert "n.py:FACTORY" in (refused(UsageError, path).hint or "")


@pytest.mark.parametrize(
    ("spec", "kind", "slug"),
    [
        ("https://host/model.pt2", UsageError, "remote-path"),
        ("s3://bucket/nets.py:small", UsageError, "remote-path"),
        ("nets.py:not-a-name", UsageError, "model-form"),
        ("a b:c", UsageError, "model-form"),
        ("no_such_model.pt2", ModelError, "model-file-missing"),
        ("no_such_file.py:make", ModelError, "code-file-missing"),
        ("no_such_module_x.nets:make", ModelError, "code-module-missing"),
        ("x" * 5000, ModelError, "model-file-unreadable"),
        ("a\0b", UsageError, "option-value"),
        ("", ModelError, "model-format"),
    ],
    ids=range(10),
)
def test_what_names_no_model(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    spec: str,
    kind: type[ReportgenError],
    slug: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert refused(kind, spec).slug == slug


# The real networks


@pytest.mark.parametrize("name", ["baseline", "candidate"])
def test_program_and_factory_with_weights_give_the_same_scores(
    shared: Callable[[str], Path], name: str
) -> None:
    folder = shared("models/cifar10/networks.py").parent
    program = load_model(str(folder / f"{name}.pt2"))
    live = load_model(f"{folder / 'networks.py'}:{name}", weights=folder / f"{name}.pt")
    images = torch.rand(64, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        torch.testing.assert_close(program.module(images), live.module(images))
    assert (program.input_shape, program.n_outputs) == ((3, 32, 32), 10)
    assert program.batch_sizes.chunk(64) == 64
    assert live.facts.source == f"networks.py:{name}"
    assert sorted(live.facts.files) == [f"{name}.pt", "networks.py"]
