"""``.pt2`` programs: what they say about themselves, and that no code in them is unpickled."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.export import Dim, export

from reportgen.errors import ModelError, UsageError
from reportgen.inference.models.checkpoints import read_weights
from reportgen.inference.models.exported import forced_weights_only, refuse_code
from reportgen.inference.models.loaded_model import BatchSizes, LoadedModel
from reportgen.inference.models.loading import load_model, to_device
from tests.inference.model_files import Bomb, network, rewritten, write

IMAGES = (3, 8, 8)
FORCE, FORCE_NOT = "TORCH_FORCE_WEIGHTS_ONLY_LOAD", "TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD"


class Grouped(nn.Module):
    """Takes batches of multiples of eight."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(-1, 8, 3, 64).mean(3).reshape(-1, 3)


class Returns(nn.Module):
    """Returns what `make` makes of the scores (B, 4) and the images."""

    def __init__(self, make: Callable[[torch.Tensor, torch.Tensor], Any]) -> None:
        super().__init__()
        self.net, self.make = network(), make

    def forward(self, x: torch.Tensor) -> Any:
        return self.make(self.net(x), x)


class Dropping(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.net = nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(192, 4))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.net(x)


def program(module: nn.Module, path: Path, batch: Any = None, n: int = 16, **files: str) -> Path:
    """Export `module` with `n` images; the batch dimension is `batch`, or fixed."""
    shapes = None if batch is None else ({0: batch},)
    saved = export(module, (torch.zeros(n, *IMAGES),), dynamic_shapes=shapes)
    extra = {f"{name}.json": text for name, text in files.items()}
    torch.export.save(saved, path, extra_files=extra)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("programs")


@pytest.fixture(scope="module")
def dynamic(folder: Path) -> Path:
    return program(network(), folder / "dynamic.pt2", Dim("b", min=2, max=64))


@pytest.fixture(scope="module")
def fixed(folder: Path) -> Path:
    return program(network(), folder / "fixed.pt2")


def refused(path: Path) -> ModelError:
    with pytest.raises(ModelError) as caught:
        load_model(str(path))
    assert "weights_only=False" not in str(caught.value)
    return caught.value


# What a program says about itself


def test_a_dynamic_program_tells_its_batch_sizes_shape_dtype_and_outputs(dynamic: Path) -> None:
    model = load_model(str(dynamic))
    assert model.batch_sizes == BatchSizes(2, 64)
    assert (model.input_shape, model.input_dtype, model.n_outputs) == (IMAGES, torch.float32, 4)
    assert model.program is not None
    assert model.facts.kind == "torch.export program"
    assert model.facts.name == "dynamic"
    assert model.facts.executes_code
    assert list(model.facts.files) == ["dynamic.pt2"]
    assert model.facts.notes == ()


def test_a_program_gives_the_scores_of_the_network_it_was_exported_from(dynamic: Path) -> None:
    images = torch.rand(5, *IMAGES)
    with torch.inference_mode():
        assert torch.equal(load_model(str(dynamic)).module(images), network()(images))


def test_a_fixed_batch_size_is_read_from_the_program(fixed: Path) -> None:
    sizes = load_model(str(fixed)).batch_sizes
    assert sizes == BatchSizes.fixed(16)
    assert sizes.is_fixed
    assert [sizes.chunk(n) for n in (1, 16, 64)] == [16, 16, 16]


@pytest.mark.parametrize(
    ("batch", "n", "first"),
    [(8 * Dim("_b", min=1, max=16), 32, BatchSizes(16, 128, 8)), (Dim.AUTO, 16, None)],
    ids=["derived", "auto"],
)
def test_the_batch_sizes_that_are_read_are_those_that_run(
    folder: Path, batch: Any, n: int, first: BatchSizes | None
) -> None:
    module = network() if first is None else Grouped()
    model = load_model(str(program(module, folder / "sizes.pt2", batch, n)))
    assert first is None or model.batch_sizes == first
    assert model.batch_sizes.maximum in (None, 128)
    for wanted in (1, 5, 17, 64, 100):
        size = model.batch_sizes.chunk(wanted)
        assert model.module(torch.zeros(size, *IMAGES)).shape[0] == size


def test_free_image_sizes_are_none_in_the_input_shape(folder: Path) -> None:
    free = {0: Dim.AUTO, 2: Dim("h", min=4, max=32), 3: Dim("w", min=4, max=32)}
    saved = export(network(), (torch.zeros(4, *IMAGES),), dynamic_shapes=(free,))
    torch.export.save(saved, folder / "free.pt2")
    assert load_model(str(folder / "free.pt2")).input_shape == (3, None, None)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (lambda s, x: (x.mean((2, 3)), s), None),  # two widths: only the class list can tell
        (lambda s, x: (s, s * 2), 4),
        (lambda s, x: {"features": x.mean((2, 3)), "logits": s}, 4),
        (lambda s, x: s[:, :, None, None], 4),
        (lambda s, x: s[:, 0], 1),
        (lambda s, x: s.sum(), None),
    ],
)
def test_the_number_of_outputs_is_known_where_they_leave_no_doubt(
    folder: Path, make: Callable[[torch.Tensor, torch.Tensor], Any], expected: int | None
) -> None:
    path = program(Returns(make), folder / "outputs.pt2", n=4)
    assert load_model(str(path)).n_outputs == expected


def test_an_input_that_was_passed_by_keyword_is_passed_by_keyword(folder: Path) -> None:
    class Keyword(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, *, pixels: torch.Tensor, scale: float | None = None) -> torch.Tensor:
            return self.net(pixels)

    images = torch.rand(4, *IMAGES)
    path = folder / "keyword.pt2"
    torch.export.save(export(Keyword(), (), {"pixels": images, "scale": None}), path)
    with torch.inference_mode():
        assert torch.equal(load_model(str(path)).module(images), network()(images))


def test_a_program_of_two_inputs_is_refused(folder: Path) -> None:
    class Two(nn.Module):
        def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
            return (x * mask).mean((2, 3))

    path = folder / "two.pt2"
    torch.export.save(export(Two(), (torch.zeros(4, *IMAGES), torch.ones(4, 1, 8, 8))), path)
    error = refused(path)
    assert error.slug == "program-inputs"
    assert '"two.pt2" takes 2 inputs' in error.message
    assert "mask: shape (4, 1, 8, 8), torch.float32" in error.details


@pytest.mark.parametrize(
    "example",
    [torch.zeros(4, 192), torch.zeros(4, *IMAGES, dtype=torch.uint8)],
    ids=["flat", "uint8"],
)
def test_a_program_that_takes_no_float_images_is_refused(
    folder: Path, example: torch.Tensor
) -> None:
    class Flat(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.float().flatten(1)[:, :4]

    path = folder / "flat.pt2"
    torch.export.save(export(Flat(), (example,)), path)
    error = refused(path)
    assert error.slug == "program-inputs"
    assert "not images" in error.message


@pytest.mark.parametrize("module", [Dropping(), network().train()], ids=["dropout", "batch norm"])
def test_a_program_exported_in_training_mode_is_noted(folder: Path, module: nn.Module) -> None:
    path = program(module.train(), folder / "training.pt2", n=4)
    (note,) = load_model(str(path)).facts.notes
    assert "exported in training mode" in note


def test_a_program_is_moved_with_the_devices_that_are_baked_in(folder: Path) -> None:
    class Made(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.net = network()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net(x) + torch.arange(4, device=x.device)

    model = load_model(str(program(Made(), folder / "made.pt2", n=4)))
    assert to_device(model, torch.device("cpu")) is model
    moved = to_device(model, torch.device("meta"))
    assert moved.module(torch.zeros(4, *IMAGES, device="meta")).device.type == "meta"
    assert moved.facts == model.facts


def test_a_program_that_cannot_be_moved_says_so(
    fixed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("no kernel")

    monkeypatch.setattr("torch.export.passes.move_to_device_pass", fails)
    with pytest.raises(ModelError, match="could not be moved to meta: no kernel") as caught:
        to_device(load_model(str(fixed)), torch.device("meta"))
    assert caught.value.slug == "program-device"


def test_a_module_is_moved_and_its_failure_is_a_model_error() -> None:
    module = network()
    model = LoadedModel(module, load_model_facts())
    assert next(to_device(model, torch.device("meta")).module.parameters()).is_meta  # type: ignore[attr-defined]
    with pytest.raises(ModelError, match="could not be moved to cpu") as caught:
        to_device(model, torch.device("cpu"))  # torch can't copy out of a meta tensor
    assert caught.value.slug == "model-device"


def load_model_facts() -> Any:
    from reportgen.provenance import ModelFacts

    return ModelFacts(name="live")


# Classes beside the program


def test_classes_come_from_the_extra_files(folder: Path) -> None:
    path = program(network(), folder / "named.pt2", n=4, classes='["a", "b", "c", "d"]')
    model = load_model(str(path))
    assert model.classes == ("a", "b", "c", "d")
    assert model.classes_source == "classes.json in named.pt2"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('{"classes": ["x", "y"]}', ("x", "y")),
        ('{"1": "y", "0": "x", "2": "10"}', ("x", "y", "10")),
        ('{"y": 1, "x": 0}', ("x", "y")),
        ('{"1": 0, "0": 1}', ("1", "0")),
        ('\ufeff["\u00e4", "b"]', ("\u00e4", "b")),
    ],
)
def test_class_lists_are_read_in_each_form(
    fixed: Path, tmp_path: Path, text: str, names: tuple[str, ...]
) -> None:
    path = rewritten(fixed, tmp_path / "m.pt2", {"extra/classes.json": text.encode("utf-8")})
    assert load_model(str(path)).classes == names


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('["a", "b", "a"]', 'has "a" twice, at positions 0 and 2'),
        ('{"a": 0, "a": 1}', 'has "a" twice'),
        ('{"a": 0, "b": 2}', "has the indices 0, 2, not 0 to 1"),
        ("[]", "is not a list of names"),
        ("[1, 2]", "is not a list of names"),
        ('"abc"', "is not a list of names"),
        ('{"classes": "ab"}', "is not a list of names"),
        ("[" * 100_000, "is not a list of names"),
        ("\x00\x01", "is not a list of names"),
    ],
)
def test_a_faulty_class_list_is_refused_unless_another_is_given(
    fixed: Path, tmp_path: Path, text: str, reason: str
) -> None:
    path = rewritten(fixed, tmp_path / "m.pt2", {"extra/classes.json": text.encode()})
    error = refused(path)
    assert error.slug == "carried-classes"
    assert f"(classes.json in m.pt2) {reason}" in error.message
    model = load_model(str(path), n_classes=4)
    assert model.classes is None
    assert reason in model.facts.notes[0]


def test_a_huge_class_list_is_not_read(fixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    rewritten(fixed, path, {})
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fixed/extra/classes.json", b" " * (17 * 1024 * 1024))
    assert refused(path).slug == "model-file-damaged"


# No code


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[Path]:
    """A folder that a bomb would make; it must not be there at the end."""
    path = tmp_path / "sentinel"
    yield path
    assert not path.exists()


def pickled(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def config_with(path: Path, entry: str, item: dict[str, Any]) -> bytes:
    with zipfile.ZipFile(path) as archive:
        config = json.loads(archive.read(f"{path.stem}/{entry}"))
    config["config"]["bomb"] = {"is_param": False, "tensor_meta": None, **item}
    return json.dumps(config).encode()


def test_the_bomb_of_these_tests_works(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "proof")))
    assert (tmp_path / "proof").exists()


@pytest.mark.parametrize("set_to", [None, "0", "1"])
def test_code_in_the_sample_inputs_does_not_run(
    fixed: Path, tmp_path: Path, sentinel: Path, set_to: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if set_to is None:
        monkeypatch.delenv(FORCE, raising=False)
    else:
        monkeypatch.setenv(FORCE, set_to)
    monkeypatch.setenv(FORCE_NOT, "1")
    content = pickled((Bomb(sentinel),))
    path = rewritten(fixed, tmp_path / "m.pt2", {"data/sample_inputs/model.pt": content})
    error = refused(path)
    assert error.slug == "model-contains-code"
    assert "contains code (posix.mkdir)" in error.message
    assert (os.environ.get(FORCE), os.environ.get(FORCE_NOT)) == (set_to, "1")


def test_code_in_a_pickled_weight_does_not_run(fixed: Path, tmp_path: Path, sentinel: Path) -> None:
    entry = "data/weights/model_weights_config.json"
    config = config_with(fixed, entry, {"path_name": "weight_99", "use_pickle": True})
    changes = {entry: config, "data/weights/weight_99": pickled(Bomb(sentinel))}
    assert refused(rewritten(fixed, tmp_path / "m.pt2", changes)).slug == "model-contains-code"


@pytest.mark.parametrize("name", ["opaque_obj_0", "custom_obj_0"])
def test_code_in_a_custom_object_does_not_run(
    fixed: Path, tmp_path: Path, sentinel: Path, name: str
) -> None:
    """torch unpickles these in full, whatever TORCH_FORCE_WEIGHTS_ONLY_LOAD says."""
    entry = "data/constants/model_constants_config.json"
    config = config_with(fixed, entry, {"path_name": name, "use_pickle": True})
    changes = {entry: config, f"data/constants/{name}": pickle.dumps(Bomb(sentinel))}
    error = refused(rewritten(fixed, tmp_path / "m.pt2", changes))
    assert error.slug == "model-contains-code"
    assert f"contains code ({name})" in error.message


def test_compiled_code_beside_a_program_is_not_loaded(fixed: Path, tmp_path: Path) -> None:
    changes: dict[str, bytes | None] = {"data/aotinductor/model/x.so": b"\x7fELF"}
    error = refused(rewritten(fixed, tmp_path / "m.pt2", changes))
    assert error.slug == "aotinductor"
    assert "torch.export.save" in (error.hint or "")


def test_compiled_code_is_found_by_the_reader_that_would_run_it(
    fixed: Path, tmp_path: Path
) -> None:
    changes: dict[str, bytes | None] = {"data/aotinductor/model/x.so": b"\x7fELF"}
    with pytest.raises(ModelError, match="AOTInductor"):
        refuse_code(rewritten(fixed, tmp_path / "m.pt2", changes))


def test_an_archive_with_two_entries_of_one_name_is_refused(fixed: Path, tmp_path: Path) -> None:
    path = rewritten(fixed, tmp_path / "m.pt2", {"DATA/sample_inputs/MODEL.pt": b""})
    assert "two entries have the same name" in refused(path).message


@pytest.mark.parametrize("before", [None, "0", "1", "odd"])
def test_the_environment_is_restored_even_after_an_error(
    monkeypatch: pytest.MonkeyPatch, before: str | None
) -> None:
    for variable in (FORCE, FORCE_NOT):
        monkeypatch.delenv(variable, raising=False)
        if before is not None:
            monkeypatch.setenv(variable, before)
    inside: list[str | None] = []

    def load() -> None:
        inside.extend([os.environ.get(FORCE), os.environ.get(FORCE_NOT)])
        raise KeyError

    with pytest.raises(KeyError), forced_weights_only():
        load()
    assert inside == ["1", None]
    assert (os.environ.get(FORCE), os.environ.get(FORCE_NOT)) == (before, before)


def test_unpickling_is_restricted_only_while_the_program_loads(
    dynamic: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(FORCE, raising=False)
    seen: list[str | None] = []
    load = torch.export.load

    def spy(*args: Any) -> Any:
        seen.append(os.environ.get(FORCE))
        return load(*args)

    monkeypatch.setattr("torch.export.load", spy)
    load_model(str(dynamic))
    text = (
        "import os, torch\nAT_IMPORT = os.environ.get('TORCH_FORCE_WEIGHTS_ONLY_LOAD')\n"
        "class Net(torch.nn.Identity):\n    pass\n"
        "def make():\n    net = Net()\n"
        "    net.seen = AT_IMPORT, os.environ.get('TORCH_FORCE_WEIGHTS_ONLY_LOAD')\n"
        "    return net\n"
    )
    model = load_model(f"{write(tmp_path / 'seen.py', text)}:make")
    assert seen == ["1"]
    assert model.module.seen == (None, None)  # type: ignore[attr-defined]


# Files that can't be loaded


def test_a_truncated_program_is_damaged(fixed: Path, tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    path.write_bytes(fixed.read_bytes()[:9_000])
    error = refused(path)
    assert error.slug == "model-file-damaged"
    assert "the file is damaged or incomplete (9.0 kB; zip directory missing)" in error.message


@pytest.mark.parametrize(
    "changes",
    [
        {"models/model.json": b"{}"},
        {"models/model.json": b"nonsense"},
        {"data/sample_inputs/model.pt": None},
        {"data/weights/weight_0": b"abc"},
        {"archive_version": b"99"},
        {"data/constants/model_constants_config.json": b"["},
    ],
    ids=lambda changes: str(*changes),
)
def test_what_torch_cannot_load_is_one_clear_error(
    fixed: Path,
    tmp_path: Path,
    changes: dict[str, bytes | None],
    capfd: pytest.CaptureFixture[str],
) -> None:
    error = refused(rewritten(fixed, tmp_path / "m.pt2", changes))
    assert error.slug in {"program-unreadable", "model-file-damaged"}
    assert '"m.pt2"' in error.message
    assert capfd.readouterr().err == "", "torch's own log must not reach the user"


def test_a_program_for_a_device_that_is_absent_says_so(fixed: Path, tmp_path: Path) -> None:
    if torch.cuda.is_available():
        pytest.skip("needs a machine without CUDA")
    entry = "data/weights/model_weights_config.json"
    with zipfile.ZipFile(fixed) as archive:
        config = archive.read(f"fixed/{entry}").replace(b'"cpu"', b'"cuda"')
    error = refused(rewritten(fixed, tmp_path / "m.pt2", {entry: config}))
    assert error.slug == "program-device"
    assert "exported for a device that is not here" in error.message


@pytest.mark.parametrize(
    "options", [{"weights": Path("w.pt")}, {"model_args": {"a": "1"}}], ids=["weights", "args"]
)
def test_a_program_takes_no_options_of_a_factory(fixed: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError) as caught:
        load_model(str(fixed), **options)
    assert caught.value.slug == "program-with-options"


def test_a_program_given_as_weights_says_where_it_belongs(fixed: Path) -> None:
    with pytest.raises(ModelError) as caught:
        read_weights(fixed)
    assert caught.value.slug == "program-as-weights"
    assert caught.value.hint == 'pass "fixed.pt2" as MODEL, without --weights'


def test_a_program_that_contradicts_itself_is_one_clear_error(
    dynamic: Path, tmp_path: Path
) -> None:
    with zipfile.ZipFile(dynamic) as archive:
        text = archive.read("dynamic/models/model.json").decode()
    changed = text.replace('"min_val": 2', '"min_val": 2000')
    assert changed != text
    changes: dict[str, bytes | None] = {"models/model.json": changed.encode()}
    assert refused(rewritten(dynamic, tmp_path / "m.pt2", changes)).slug == "program-unreadable"


def test_batch_sizes_are_always_sizes_that_are_allowed() -> None:
    sizes = BatchSizes(6, 30, 8)
    assert [sizes.chunk(n) for n in (1, 6, 13, 14, 29, 30, 99)] == [6, 6, 6, 14, 22, 30, 30]
    assert [n for n in range(40) if sizes.allows(n)] == [6, 14, 22, 30]
    assert not sizes.is_fixed
    for wrong in ((0, None, 1), (1, None, 0), (3, 2, 1)):
        with pytest.raises(ValueError, match="no batch sizes"):
            BatchSizes(*wrong)
