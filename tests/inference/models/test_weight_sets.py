"""A file with several sets of weights is refused, and each of them can be chosen."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from reportgen.errors import ModelError, ReportgenError, UsageError
from reportgen.inference.models.loading import load_model
from tests.inference.model_files import NETWORK, network, write

RAW, AVERAGED = 1.0, 2.0


def weights(value: float, prefix: str = "") -> dict[str, Any]:
    """The network's weights, each of its values replaced by `value`."""
    return {
        prefix + name: torch.full_like(tensor, int(value))
        for name, tensor in network().state_dict().items()
    }


def loaded(path: Path, content: Any, **options: Any) -> float:
    """The value of the weights that the network gets from a file with `content`."""
    torch.save(content, path / "w.pt")
    return value_of(path, path / "w.pt", **options)


def value_of(path: Path, file: Path, **options: Any) -> float:
    nets = write(path / "nets.py", NETWORK)
    module: Any = load_model(f"{nets}:Net", weights=file, n_classes=4, **options).module
    values = {float(tensor.reshape(-1)[0]) for tensor in module.state_dict().values()}
    assert len(values) == 1
    return values.pop()


def keys_in(error: ReportgenError) -> list[str]:
    """The options that the hint tells to type."""
    return re.findall(r"--weights-key (\S+)", error.hint or "")


FORMS: dict[str, tuple[Callable[[], Any], set[str]]] = {
    "timm": (
        lambda: {
            "epoch": 3, "arch": "resnet10t", "version": 2, "metric": 85.0,
            "state_dict": weights(RAW), "state_dict_ema": weights(AVERAGED),
            "optimizer": {"state": {0: {"exp_avg": torch.ones(3)}}, "param_groups": []},
        },
        {"state_dict", "state_dict_ema"},
    ),
    "torchvision reference": (
        lambda: {
            "model": weights(RAW),
            "model_ema": {
                "n_averaged": torch.tensor(7), **weights(AVERAGED, "module."),
            },
            "lr_scheduler": {"last_epoch": 3},
        },
        {"model", "model_ema"},
    ),
    "generic": (lambda: {"ema": weights(AVERAGED), "model": weights(RAW)}, {"model", "ema"}),
    "nested": (
        lambda: {"checkpoint": {"net": weights(RAW), "ema": {"module": weights(AVERAGED)}}},
        {"checkpoint.net", "checkpoint.ema.module"},
    ),
    "Lightning's weight averaging": (
        lambda: {
            "state_dict": weights(AVERAGED, "model."),
            "current_model_state": weights(RAW, "model."),
        },
        {"state_dict", "current_model_state"},
    ),
    "a second network in one state dict": (
        lambda: {"state_dict": {**weights(RAW, "model."), **weights(AVERAGED, "ema_model.")}},
        {"state_dict.model", "state_dict.ema_model"},
    ),
    "two prefixes in a flat file": (
        lambda: {**weights(RAW, "module.model."), **weights(AVERAGED, "module.model_ema.")},
        {"module.model", "module.model_ema"},
    ),
    "student and teacher": (
        lambda: {"student": weights(RAW), "teacher": weights(AVERAGED)}, {"student", "teacher"},
    ),
    "the last and the best": (
        lambda: {"state_dict": weights(RAW), "best_state_dict": weights(AVERAGED)},
        {"state_dict", "best_state_dict"},
    ),
    "a key with a dot": (
        lambda: {"model": weights(RAW), "ema_0.9999": weights(AVERAGED)}, {"model", "ema_0.9999"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_two_sets_of_weights_are_refused_and_every_hint_leads_to_one_of_them(
    tmp_path: Path, name: str
) -> None:
    make, keys = FORMS[name]
    with pytest.raises(ModelError) as caught:
        loaded(tmp_path, make())
    error = caught.value
    assert error.slug == "weights-ambiguous"
    assert error.message.startswith('"w.pt" contains 2 sets of weights: ')
    assert set(keys_in(error)) == keys
    assert all(key in error.message for key in keys)
    assert {loaded(tmp_path, make(), weights_key=key) for key in keys} == {RAW, AVERAGED}


def test_the_averaged_weights_are_the_first_that_is_offered(tmp_path: Path) -> None:
    for name in ("timm", "torchvision reference", "generic"):
        make, _ = FORMS[name]
        with pytest.raises(ModelError) as caught:
            loaded(tmp_path, make())
        assert loaded(tmp_path, make(), weights_key=keys_in(caught.value)[0]) == AVERAGED


def test_averaged_weights_that_have_no_names_are_told_but_not_offered(tmp_path: Path) -> None:
    averages = [tensor.float() for tensor in weights(AVERAGED).values()]
    content = {"model": weights(RAW), "ema": {"decay": 0.99, "shadow_params": averages}}
    with pytest.raises(ModelError, match="contains 2 sets of weights: model, ema") as caught:
        loaded(tmp_path, content)
    assert keys_in(caught.value) == ["model"]
    assert "ema: tensors without names, which cannot be loaded, averaged" in caught.value.details
    assert loaded(tmp_path, content, weights_key="model") == RAW


@pytest.mark.parametrize(
    "beside",
    [
        {"ema_decay": 0.9998, "averages": {"loss": torch.tensor(0.2)}},
        {"model_ema": weights(RAW, "module.") | {"n_averaged": torch.tensor(7)}},
        {"optimizer": {"state": {"fc.weight": {"exp_avg": torch.ones(2, 2)}}}},
        {"optim_state": {"exp_avg": weights(AVERAGED)}},
        {"criterion": {"weight": torch.ones(4)}},
        {"discriminator": {"conv.weight": torch.ones(2, 2)}},
    ],
    ids=["numbers", "equal", "optimizer", "optimizer by name", "criterion", "another network"],
)
def test_what_could_not_be_meant_is_no_second_set(tmp_path: Path, beside: dict[str, Any]) -> None:
    assert loaded(tmp_path, {"state_dict": weights(RAW), **beside}) == RAW


def test_networks_under_keys_that_do_not_say_which_is_meant_are_refused(tmp_path: Path) -> None:
    content = {"generator": {"a.weight": torch.ones(2, 2)}, "classifier": weights(RAW)}
    with pytest.raises(ModelError, match="generator, classifier") as caught:
        loaded(tmp_path, content)
    assert set(keys_in(caught.value)) == {"generator", "classifier"}
    assert loaded(tmp_path, content, weights_key="classifier") == RAW


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("state_dict_emma", "state_dict_ema"),
        ("xyz", "state_dict"),
        ("epoch", "state_dict"),
        ("EMA", "state_dict_ema"),
    ],
)
def test_an_unknown_key_is_refused_with_those_that_are_there(
    tmp_path: Path, key: str, meant: str
) -> None:
    make, _ = FORMS["timm"]
    with pytest.raises(UsageError) as caught:
        loaded(tmp_path, make(), weights_key=key)
    error = caught.value
    assert error.slug == "weights-key-unknown"
    assert error.message.startswith(f'"w.pt" contains no weights under "{key}"')
    assert error.details == ("state dicts: state_dict, state_dict_ema",)
    assert error.hint == f"--weights-key {meant}"
    assert loaded(tmp_path, make(), weights_key=meant) in (RAW, AVERAGED)


def test_a_key_for_a_file_without_keys_is_refused_with_its_prefixes(tmp_path: Path) -> None:
    save_file(weights(RAW), tmp_path / "w.safetensors")
    with pytest.raises(UsageError) as caught:
        value_of(tmp_path, tmp_path / "w.safetensors", weights_key="zzz")
    assert caught.value.details == ("one state dict without a key, of bn, conv, fc",)
    assert caught.value.hint == "omit --weights-key"
    assert value_of(tmp_path, tmp_path / "w.safetensors") == RAW


def test_a_prefix_chooses_in_a_safetensors_file_too(tmp_path: Path) -> None:
    both = {**weights(RAW, "student."), **weights(AVERAGED, "teacher.")}
    save_file(both, tmp_path / "w.safetensors")
    with pytest.raises(ModelError) as caught:
        value_of(tmp_path, tmp_path / "w.safetensors")
    assert keys_in(caught.value) == ["student", "teacher"]
    assert value_of(tmp_path, tmp_path / "w.safetensors", weights_key="teacher") == AVERAGED


def test_a_key_is_told_in_the_notes_and_is_escaped(tmp_path: Path) -> None:
    nets = write(tmp_path / "nets.py", NETWORK)
    torch.save({"model": weights(RAW), "e\x1bma": weights(AVERAGED)}, tmp_path / "w.pt")
    with pytest.raises(ModelError, match=re.escape("e\\x1bma")):
        load_model(f"{nets}:Net", weights=tmp_path / "w.pt")
    torch.save({"model": weights(RAW), "ema": weights(AVERAGED)}, tmp_path / "w.pt")
    facts = load_model(f"{nets}:Net", weights=tmp_path / "w.pt", weights_key="ema").facts
    assert "The weights are those under ema in the file, as --weights-key says." in facts.notes


def test_a_key_without_a_file_is_refused(tmp_path: Path) -> None:
    nets = write(tmp_path / "nets.py", NETWORK)
    with pytest.raises(UsageError, match='--weights-key "ema" needs a weights file'):
        load_model(f"{nets}:Net", weights_key="ema")
