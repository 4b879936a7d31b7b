"""Weights files: read as data only, fitted strictly, and refused in words that help."""

from __future__ import annotations

import argparse
import collections
import json
import os
import pathlib
import pickle
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from reportgen.errors import ModelError, UsageError
from reportgen.inference.models.checkpoints import load_into, read_weights
from reportgen.inference.models.file_kinds import file_size
from tests.inference.model_files import Bomb, network, rewritten, write

RESAVE = 'torch.save(model.state_dict(), "weights.pt")'


def saved(content: Any, path: Path, **options: Any) -> Path:
    torch.save(content, path, **options)
    return path


def state() -> dict[str, Any]:
    return network().state_dict()


def prefixed(prefix: str) -> dict[str, Any]:
    return {prefix + name: tensor for name, tensor in state().items()}


def refused(path: Path, kind: type[ModelError | UsageError] = ModelError) -> Any:
    with pytest.raises(kind) as caught:
        read_weights(path)
    text = str(caught.value)
    assert "weights_only" not in text
    assert str(path.parent) not in text
    cause = caught.value.__cause__
    assert "weights_only" not in str(cause), "--debug prints the cause too"
    return caught.value


def fitted(path: Path) -> tuple[str, ...]:
    """Load the file into a network of other weights, check every tensor, and give the notes."""
    module = network()
    for tensor in module.state_dict().values():
        tensor.zero_()
    weights = read_weights(path)
    notes = load_into(module, weights.tensors, weights.file_name, "network()")
    for name, tensor in network().state_dict().items():
        assert torch.equal(module.state_dict()[name], tensor), name
    return (*weights.notes, *notes)


# Wrappers


@pytest.mark.parametrize(
    ("wrap", "notes"),
    [
        (lambda: state(), []),
        (lambda: collections.OrderedDict(state()), []),
        (lambda: {"state_dict": state(), "epoch": 3}, ["state_dict"]),
        (lambda: {"model_state_dict": state(), "optimizer": {"state": {}}}, ["model_state_dict"]),
        (lambda: {"checkpoint": {"net": state()}}, ["checkpoint / net"]),
        (lambda: {"ema": state()}, ["ema"]),
        (lambda: {"my_network": state(), "epoch": 3}, ["under my_network"]),
        (lambda: {"model": state(), "state_dict": state()}, ["under state_dict"]),
        (lambda: prefixed("module."), ["prefix module."]),
        (lambda: prefixed("_orig_mod."), ["prefix _orig_mod."]),
        (lambda: prefixed("module._orig_mod."), ["prefix module.", "prefix _orig_mod."]),
        (lambda: prefixed("_orig_mod.module."), ["prefix _orig_mod.", "prefix module."]),
        (
            lambda: {"state_dict": prefixed("model."), "pytorch-lightning_version": "2.5"},
            ["under state_dict", "prefix model."],
        ),
        (lambda: {"state_dict": prefixed("net._orig_mod.")}, ["state_dict", "net.", "_orig_mod."]),
        (
            lambda: {"state_dict": {**prefixed("model."), "loss.weight": torch.ones(4)}},
            ["state_dict", "prefix model. was removed, and 1 entry without it skipped (loss.weig"],
        ),
        (
            lambda: {**prefixed("module."), "n_averaged": torch.tensor(5)},
            ["1 entry without it skipped (n_averaged)"],
        ),
        (lambda: {**state(), "classes": list("abcd")}, []),
    ],
    ids=range(17),
)
def test_wrappers_are_taken_off_and_told(
    tmp_path: Path, wrap: Callable[[], Any], notes: list[str]
) -> None:
    found = fitted(saved(wrap(), tmp_path / "w.pt"))
    assert len(found) == len(notes)
    for note, part in zip(found, notes, strict=True):
        assert part in note


def test_the_weights_of_wrapped_modules_fit(tmp_path: Path) -> None:
    averaged = torch.optim.swa_utils.AveragedModel(network())
    assert len(fitted(saved(averaged.state_dict(), tmp_path / "swa.pt"))) == 1
    parallel = nn.DataParallel(network())
    assert len(fitted(saved(parallel.state_dict(), tmp_path / "parallel.pt"))) == 1


def test_a_compiled_part_of_a_network_is_recognised(tmp_path: Path) -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = network()

    content = {
        name.replace("inner.", "inner._orig_mod."): tensor
        for name, tensor in Outer().state_dict().items()
    }
    weights = read_weights(saved(content, tmp_path / "w.pt"))
    notes = load_into(Outer(), weights.tensors, weights.file_name, "Outer()")
    assert notes == ("In the names of w.pt, _orig_mod. was removed inside the names.",)


def test_a_prefix_that_the_network_has_itself_stays(tmp_path: Path) -> None:
    class Outer(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.model = network()

    weights = read_weights(saved(Outer().state_dict(), tmp_path / "w.pt"))
    assert load_into(Outer(), weights.tensors, weights.file_name, "Outer()") == ()


def test_old_batch_norms_without_counters_load_through_their_prefix(tmp_path: Path) -> None:
    """torch fills in ``num_batches_tracked`` where the saved version of the layer had none."""
    content = collections.OrderedDict(
        (name, tensor) for name, tensor in prefixed("module.").items() if "tracked" not in name
    )
    content._metadata = {"module.bn": {"version": 1}}  # type: ignore[attr-defined]
    fitted(saved(content, tmp_path / "w.pt"))


def test_new_batch_norms_without_counters_are_incomplete(tmp_path: Path) -> None:
    content = collections.OrderedDict(
        (name, tensor) for name, tensor in prefixed("module.").items() if "tracked" not in name
    )
    content._metadata = {"module.bn": {"version": 2}}  # type: ignore[attr-defined]
    assert "1 name missing" in misfit(content, tmp_path).message


def test_a_network_that_renames_old_keys_itself_may_do_so(tmp_path: Path) -> None:
    class Renaming(nn.Linear):
        def _load_from_state_dict(self, state_dict: Any, prefix: str, *rest: Any) -> None:
            if prefix + "kernel" in state_dict:
                state_dict[prefix + "weight"] = state_dict.pop(prefix + "kernel")
            super()._load_from_state_dict(state_dict, prefix, *rest)

    layer = nn.Linear(2, 3)
    path = saved({"kernel": layer.weight.data, "bias": layer.bias.data}, tmp_path / "w.pt")
    module = Renaming(2, 3)
    assert load_into(module, read_weights(path).tensors, "w.pt", "Renaming()") == ()
    assert torch.equal(module.weight, layer.weight)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_weights_of_another_precision_are_converted_and_noted(
    tmp_path: Path, dtype: torch.dtype
) -> None:
    content = {n: t.to(dtype) if t.is_floating_point() else t for n, t in state().items()}
    module = network()
    notes = load_into(module, read_weights(saved(content, tmp_path / "w.pt")).tensors, "w.pt", "n")
    assert module.fc.weight.dtype == torch.float32  # type: ignore[union-attr]
    name = str(dtype).removeprefix("torch.")
    assert notes == (f"8 tensors of w.pt are {name} and became float32 in the network.",)


# What does not fit


def misfit(content: dict[str, Any], tmp_path: Path, n_classes: int = 4) -> ModelError:
    tensors = read_weights(saved(content, tmp_path / "w.pt")).tensors
    with pytest.raises(ModelError) as caught:
        load_into(network(n_classes), tensors, "w.pt", f"small(num_classes={n_classes})")
    assert caught.value.slug == "weights-mismatch"
    assert f"small(num_classes={n_classes})" in (caught.value.hint or "")
    return caught.value


def test_another_number_of_classes_is_told_by_size(tmp_path: Path) -> None:
    error = misfit(state(), tmp_path, n_classes=10)
    assert "fc.weight is 4x3 in the file, 10x3 in the model" in error.message
    assert error.details[0] == "fc.bias is 4 in the file, 10 in the model"
    assert "2 of 9 tensors differ in size" in error.details[-1]


def test_missing_and_unexpected_names_are_counted_and_five_are_shown(tmp_path: Path) -> None:
    content = {"fc.weight": state()["fc.weight"], **{f"x.{i}": torch.ones(1) for i in range(7)}}
    error = misfit(content, tmp_path)
    assert "8 names missing, 7 unexpected" in error.message
    assert error.details == (
        "missing in the file: conv.weight, conv.bias, bn.weight, bn.bias, bn.running_mean "
        "and 3 more",
        "not in the model: x.0, x.1, x.2, x.3, x.4 and 2 more",
    )


def test_half_a_state_dict_is_never_loaded(tmp_path: Path) -> None:
    content = {name: tensor for name, tensor in prefixed("model.").items() if "fc" not in name}
    error = misfit(content, tmp_path)
    assert "2 names missing, 0 unexpected" in error.message
    assert "tried: the prefix model. was removed" in error.details


def test_a_network_that_refuses_for_its_own_reasons_is_quoted() -> None:
    class Refusing(nn.Linear):
        def _load_from_state_dict(self, *args: Any) -> None:
            args[-1].append("my own reason")

    module = Refusing(2, 3)
    with pytest.raises(ModelError, match="the network refuses them") as caught:
        load_into(module, module.state_dict(), "w.pt", "Refusing()")
    assert "my own reason" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        ([1, 2], "a list"),
        (torch.ones(2, 3), "a tensor of shape (2, 3)"),
        ({"epoch": 3, "lr": 0.1}, "a dict of 2 entries"),
        ({}, "a dict of 0 entries"),
        ({"generator": {"w": 3}}, "a dict of 1 entry"),
    ],
)
def test_a_file_without_a_state_dict_says_what_it_holds(
    tmp_path: Path, content: Any, kind: str
) -> None:
    error = refused(saved(content, tmp_path / "w.pt"))
    assert error.slug == "weights-no-state-dict"
    assert error.message == f'"w.pt" contains no state dict, but {kind}'
    if isinstance(content, dict) and "epoch" in content:
        assert error.details == ("epoch: an int", "lr: a float")


# Formats


def test_safetensors_with_classes_in_its_metadata(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(dict(state()), path, {"classes": json.dumps(["a", "b", "c", "d"])})
    assert fitted(path) == ()
    carried = read_weights(path).carried
    assert carried.names == ("a", "b", "c", "d")
    assert carried.source == "classes in the metadata of w.safetensors"


def test_the_format_is_decided_by_content_not_by_name(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    save_file(dict(state()), path)
    assert fitted(path) == ()
    assert fitted(saved(state(), tmp_path / "other.safetensors")) == ()
    assert fitted(saved(state(), tmp_path / "other.onnx")) == ()


def test_the_layout_of_old_torch_files_is_read(tmp_path: Path) -> None:
    path = saved(state(), tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert fitted(path) == ()


def test_weights_from_another_device_are_read_on_the_cpu(tmp_path: Path) -> None:
    source = saved({"w": torch.ones(3)}, tmp_path / "cpu.pt")
    with zipfile.ZipFile(source) as archive:
        content = archive.read("cpu/data.pkl").replace(
            b"\x03\x00\x00\x00cpu", b"\x06\x00\x00\x00cuda:0"
        )
    path = rewritten(source, tmp_path / "w.pt", {"data.pkl": content})
    assert b"cuda:0" in content
    assert read_weights(path).tensors["w"].device.type == "cpu"


@pytest.mark.parametrize(
    ("name", "content", "slug", "text"),
    [
        ("w.pt", b"", "model-file-empty", "the file is empty"),
        ("w.pt", b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "model-file-pointer",
         "is a Git LFS pointer"),
        ("w.pt", b"\n <!DOCTYPE html><html>", "model-file-html", "is an HTML page"),
        ("w.pt", b"<html><body>404", "model-file-html", "is an HTML page"),
        ("w.pt", b"PK\x03\x04" + b"x" * 12_345_678, "model-file-damaged",
         "the file is damaged or incomplete (12.3 MB; zip directory missing)"),
        ("w.safetensors", b"\xff" * 100, "model-file-damaged", "header is not"),
        ("w.safetensors", b"\x40" + bytes(7) + b'{"a":' + bytes(80), "model-file-damaged", "JSON"),
        ("w.pt", b"hello", "weights-format", "of an unknown format (it starts with b'hello')"),
        ("w.onnx", b"\x08\x07", "weights-format", "is an ONNX model"),
        ("w.h5", b"\x89HDF\r\n", "weights-format", "is a Keras or HDF5 file"),
        ("w.bin", b"GGUF\x03", "weights-format", "is a GGUF file"),
        ("w.pkl", pickle.dumps([1, 2]), "weights-unreadable", "cannot be read as plain weights"),
    ],
    ids=range(12),
)  # fmt: skip
def test_what_is_no_weights_file_is_told_by_its_content(
    tmp_path: Path, name: str, content: bytes, slug: str, text: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    error = refused(path)
    assert error.slug == slug
    assert text in str(error)


def test_a_checkpoint_cut_short_is_damaged(tmp_path: Path) -> None:
    path = saved(state(), tmp_path / "w.pt")
    path.write_bytes(path.read_bytes()[:-300])
    assert refused(path).slug == "model-file-damaged"
    old = saved(state(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    old.write_bytes(old.read_bytes()[:-40])
    assert refused(old).slug == "model-file-damaged"


def test_truncated_safetensors_are_damaged(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_file(dict(state()), path)
    path.write_bytes(path.read_bytes()[:-8])
    assert refused(path).slug == "model-file-damaged"


def test_a_missing_file_offers_the_nearest_name(tmp_path: Path) -> None:
    saved(state(), tmp_path / "weights_best.pt")
    error = refused(tmp_path / "weight_best.pt")
    assert error.slug == "model-file-missing"
    assert error.hint == 'did you mean "weights_best.pt"?'


@pytest.mark.parametrize("marker", [None, "config.json", "saved_model.pb"])
def test_a_folder_is_not_a_weights_file(tmp_path: Path, marker: str | None) -> None:
    folder = tmp_path / "weights"
    folder.mkdir()
    if marker:
        write(folder / marker, "")
    error = refused(folder)
    assert error.slug == "model-format"
    assert '"weights" is a' in error.message


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.pt")
    error = refused(tmp_path / "w.pt")
    assert error.slug == "model-file-unreadable"
    assert "not a regular file" in error.message


@pytest.mark.parametrize("address", ["https://host/w.pt", "s3://bucket/w.pt", "hf:/x/w.pt"])
def test_addresses_are_refused(address: str) -> None:
    with pytest.raises(UsageError, match="only local paths") as caught:
        read_weights(Path(address))
    assert caught.value.slug == "remote-path"


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning")
def test_torchscript_is_recognised_and_refused(tmp_path: Path) -> None:
    path = tmp_path / "w.pt"
    torch.jit.save(torch.jit.script(nn.Linear(2, 2)), path)
    error = refused(path)
    assert error.slug == "torchscript"
    assert "is a TorchScript archive" in error.message
    assert RESAVE in str(error)
    assert "torch.export.save" in (error.hint or "")


# No code


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "sentinel"
    yield path
    assert not path.exists()


@pytest.mark.parametrize("new", [True, False], ids=["zip", "old layout"])
@pytest.mark.parametrize("name", ["w.pt", "w.pth", "w.bin", "w.ckpt"])
def test_code_in_a_checkpoint_does_not_run(
    tmp_path: Path, sentinel: Path, new: bool, name: str
) -> None:
    content = {"state_dict": state(), "bomb": Bomb(sentinel)}
    error = refused(saved(content, tmp_path / name, _use_new_zipfile_serialization=new))
    assert error.slug == "model-contains-code"
    assert "contains code (posix.mkdir)" in error.message
    assert RESAVE in "\n".join(error.details)


def test_code_in_a_plain_pickle_does_not_run(tmp_path: Path, sentinel: Path) -> None:
    path = tmp_path / "w.pkl"
    path.write_bytes(pickle.dumps(Bomb(sentinel)))
    assert refused(path).slug in {"model-contains-code", "weights-unreadable"}


def test_the_environment_cannot_turn_code_on(
    tmp_path: Path, sentinel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    assert refused(saved(Bomb(sentinel), tmp_path / "w.pt")).slug == "model-contains-code"


def test_a_pickled_network_names_its_classes(tmp_path: Path) -> None:
    error = refused(saved(nn.Sequential(nn.Linear(2, 2)), tmp_path / "w.pt"))
    assert error.slug == "model-contains-code"
    assert "torch.nn.modules.linear.Linear" in error.message


def test_what_training_scripts_save_beside_the_weights_is_let_in_as_data(tmp_path: Path) -> None:
    history: dict[str, list[float]] = collections.defaultdict(list)
    history["loss"].append(0.5)
    content = {
        "state_dict": state(),
        "args": argparse.Namespace(lr=0.1, data=pathlib.Path("data"), nested={"a": np.int64(1)}),
        "accuracy": np.float64(0.9),
        "flag": np.bool_(True),
        "curve": np.arange(3.0),
        "names": np.array(["a", "b"]),
        "objects": np.array([{"a": 1}], dtype=object),
        "history": history,
        "counts": collections.Counter("aab"),
        "classes": list("abcd"),
    }
    path = saved(content, tmp_path / "w.pt")
    assert read_weights(path).carried.names == ("a", "b", "c", "d")
    assert len(fitted(path)) == 1


@pytest.mark.parametrize(
    "name", ["numpy.core.multiarray.scalar", "pathlib._local.PosixPath", "numpy.dtype"]
)
def test_the_names_of_other_numpy_and_python_versions_are_known(tmp_path: Path, name: str) -> None:
    module, _, attribute = name.rpartition(".")
    call = f"\x80\x02c{module}\n{attribute}\n(X\x01\x00\x00\x00xtR.".encode("latin-1")
    source = saved({}, tmp_path / "source.pt")
    path = rewritten(source, tmp_path / "w.pt", {"data.pkl": call})
    assert refused(path).slug == "weights-no-state-dict"


def test_what_the_user_registered_as_safe_stays_registered(tmp_path: Path) -> None:
    class Mine:
        pass

    with torch.serialization.safe_globals([Mine, argparse.Namespace]):
        before = set(torch.serialization.get_safe_globals())
        read_weights(saved(state(), tmp_path / "w.pt"))
        assert set(torch.serialization.get_safe_globals()) == before
        assert {Mine, argparse.Namespace} <= before


# Classes


@pytest.mark.parametrize(
    ("extra", "names", "source"),
    [
        ({"classes": ["x", "y"]}, ("x", "y"), "classes in w.pt"),
        ({"classes": ("x", "y")}, ("x", "y"), "classes in w.pt"),
        ({"class_to_idx": {"y": 1, "x": 0}}, ("x", "y"), "class_to_idx in w.pt"),
        ({"class_names": ["x", "y"]}, ("x", "y"), "class_names in w.pt"),
        (
            {"hyper_parameters": {"id2label": {1: "y", 0: "x"}}},
            ("x", "y"),
            "hyper_parameters.id2label in w.pt",
        ),
        (
            {"meta": {"dataset_meta": {"classes": ("x", "y")}}},
            ("x", "y"),
            "meta.dataset_meta.classes in w.pt",
        ),
        ({"classes": {0: "x", 1: "y"}}, ("x", "y"), "classes in w.pt"),
        ({"classes": ["x", "y"], "class_to_idx": {"y": 1, "x": 0}}, ("x", "y"), "classes in w.pt"),
        ({"classes": 2, "class_to_idx": {"y": 1, "x": 0}}, ("x", "y"), "class_to_idx in w.pt"),
        ({"classes": 2}, None, ""),
        ({"classes": torch.arange(2)}, None, ""),
        ({}, None, ""),
    ],
)
def test_classes_come_from_the_checkpoint(
    tmp_path: Path, extra: dict[str, Any], names: tuple[str, ...] | None, source: str
) -> None:
    carried = read_weights(saved({"state_dict": state(), **extra}, tmp_path / "w.pt")).carried
    assert (carried.names, carried.source, carried.notes) == (names, source, ())


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        ({"classes": ["x", "x"]}, 'has "x" twice'),
        ({"class_to_idx": {"x": 1, "y": 2}}, "has the indices 1, 2, not 0 to 1"),
        ({"class_to_idx": {"x": 0, "y": 0}}, "has the indices 0, 0, not 0 to 1"),
        ({"classes": ["x", "y"], "class_to_idx": {"x": 1, "y": 0}}, "different orders"),
        ({"classes": [1, 2]}, "is not a list of names"),
    ],
)
def test_faulty_classes_are_refused_unless_a_list_is_given(
    tmp_path: Path, extra: dict[str, Any], reason: str
) -> None:
    path = saved({"state_dict": state(), **extra}, tmp_path / "w.pt")
    error = refused(path)
    assert error.slug == "carried-classes"
    assert reason in error.message
    weights = read_weights(path, n_classes=4)
    assert weights.carried.names is None
    assert any(reason in note for note in weights.notes)


def test_names_in_a_numpy_array_are_not_unpickled_but_noted(tmp_path: Path) -> None:
    path = saved({"state_dict": state(), "classes": np.array(["a", "b"])}, tmp_path / "w.pt")
    weights = read_weights(path)
    assert weights.carried.names is None
    assert any("(classes in w.pt) was not used" in note for note in weights.notes)


# The last layer


def tensors(**shapes: tuple[int, ...]) -> dict[str, torch.Tensor]:
    return {name.replace("__", "."): torch.ones(shape) for name, shape in shapes.items()}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tensors(a__weight=(5, 3), b__weight=(7, 5), b__bias=(7,)), ("b.weight", 7)),
        (tensors(z__weight=(9, 3, 3, 3), a__weight=(6, 9, 1, 1)), ("a.weight", 6)),
        (tensors(a__weight=(9, 3, 3, 3), norm__weight=(9,)), None),
    ],
)
def test_the_last_layer_is_the_last_matrix_in_file_order(
    tmp_path: Path, content: dict[str, torch.Tensor], expected: tuple[str, int] | None
) -> None:
    assert read_weights(saved(content, tmp_path / "w.pt")).last_layer() == expected


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (tensors(head__weight=(7, 3), layers__weight=(9, 3)), ("head.weight", 7)),
        (tensors(seq__9__weight=(8, 3), seq__10__weight=(5, 3)), ("seq.10.weight", 5)),
    ],
)
def test_in_a_file_sorted_by_name_the_customary_name_of_the_head_decides(
    tmp_path: Path, content: dict[str, torch.Tensor], expected: tuple[str, int]
) -> None:
    save_file(content, tmp_path / "w.safetensors")
    assert read_weights(tmp_path / "w.safetensors").last_layer() == expected


def test_sizes_are_given_in_decimal_units() -> None:
    sizes = [file_size(n) for n in (1, 999, 12_345, 12_345_678, 3 * 10**9)]
    assert sizes == ["1 byte", "999 bytes", "12.3 kB", "12.3 MB", "3.0 GB"]
