"""A network with random weights beside loaded ones is refused; one that is all random is told."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

import reportgen
from reportgen.errors import ModelError, UsageError
from reportgen.inference.models.fresh import fresh_weights
from reportgen.inference.models.loading import load_model
from tests.inference.model_files import NETWORK, network, write

HEADLESS = f"""
{NETWORK}

def make(strict=False):
    module = Net(4)
    module.load_state_dict(torch.load(PATH, weights_only=True), strict=strict)
    return module
"""


def loading(tmp_path: Path, *left_out: str) -> str:
    """A factory that loads its own weights, of which some are not in the file."""
    state = {k: v for k, v in network().state_dict().items() if k not in left_out}
    torch.save(state, tmp_path / "w.pt")
    text = HEADLESS.replace("PATH", repr(str(tmp_path / "w.pt")))
    return f"{write(tmp_path / 'nets.py', text)}:make"


def test_a_head_that_was_not_loaded_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError) as caught:
        load_model(loading(tmp_path, "fc.weight", "fc.bias"))
    error = caught.value
    assert error.slug == "weights-fresh"
    assert (
        error.message == '"nets.py:make" fills 2 parameters with random numbers: fc.weight, fc.bias'
    )
    assert error.details == (
        "they differ from one call of the factory to the next, the other 2 were loaded",
    )
    assert str(tmp_path) not in str(error)


def test_both_ways_of_the_hint_lead_on(tmp_path: Path) -> None:
    make = loading(tmp_path, "fc.weight")
    with pytest.raises(ModelError, match="pass the weights with --weights FILE"):
        load_model(make)
    torch.save(network().state_dict(), tmp_path / "whole.pt")
    assert load_model(make, weights=tmp_path / "whole.pt").warnings == ()
    assert load_model(loading(tmp_path)).warnings == ()


def test_a_network_of_random_weights_alone_is_warned_of(tmp_path: Path) -> None:
    nets = write(tmp_path / "nets.py", NETWORK)
    (note,) = load_model(f"{nets}:small").warnings
    assert (note.code, note.severity, note.count) == ("weights-fresh", "warning", 4)
    assert note.sentence.startswith("Two calls of nets.py:small returned different weights: ")


def test_a_library_without_weights_is_refused() -> None:
    with pytest.raises(ModelError, match=r'"torchvision.models:squeezenet1_1" fills') as caught:
        load_model("torchvision.models:squeezenet1_1")
    assert caught.value.slug == "weights-fresh"


def test_libraries_that_download_are_kept_offline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "import os\n\ndef make():\n    raise OSError(os.environ.get('HF_HUB_OFFLINE'))\n"
    write(tmp_path / "timm/models.py", text)
    write(tmp_path / "timm/__init__.py", "")
    write(tmp_path / "nets_of_mine.py", text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name, value in (("timm", "1"), ("nets_of_mine", "None")):
        for module in (name, f"{name}.models"):
            monkeypatch.delitem(sys.modules, module, raising=False)
        with pytest.raises(ModelError, match=f"OSError: {value}"):
            load_model(f"{name}:make" if name != "timm" else "timm.models:make")
    assert "HF_HUB_OFFLINE" not in os.environ


def test_what_is_the_same_in_both_calls_is_no_fault(tmp_path: Path) -> None:
    seeded = f"{NETWORK}\n\ndef make():\n    torch.manual_seed(3)\n    return Net(4)\n"
    assert load_model(f"{write(tmp_path / 'a.py', seeded)}:make").warnings == ()
    once = f"{NETWORK}\nthe_one = Net(4)\n\ndef make():\n    return the_one\n"
    assert load_model(f"{write(tmp_path / 'b.py', once)}:make").warnings == ()


def test_a_factory_that_works_only_once_leaves_the_question_open() -> None:
    def fails() -> nn.Module:
        raise RuntimeError("the file is gone")

    assert fresh_weights(network(), fails, "nets.py:make") == ()
    assert fresh_weights(network(), lambda: nn.Linear(2, 2), "nets.py:make") == ()


@pytest.mark.parametrize("option", ["weights", "weights_key", "model_arg"])
def test_weights_for_a_live_module_are_refused(tmp_path: Path, option: str) -> None:
    value = ["a=b"] if option == "model_arg" else "w.pt"
    with pytest.raises(UsageError) as caught:
        reportgen.predict(network(), [], out=tmp_path / "out", **{option: value})
    assert caught.value.slug == "program-with-options"
    assert caught.value.message.startswith(f"{option}= cannot be combined with a live module")
