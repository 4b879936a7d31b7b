"""Where a model runs, of several GPUs: no machine with any is needed to tell."""

import pytest
import torch

from reportgen.errors import UsageError
from reportgen.inference.forward import resolve_device


@pytest.fixture
def gpus(monkeypatch):
    """Say how many GPUs there are; the one that is made current is kept in the list returned."""
    current = []

    def there(n):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: n > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: n)
        monkeypatch.setattr(torch.cuda, "set_device", current.append)
        return current

    return there


@pytest.mark.parametrize(
    ("n", "asked", "local_rank", "device"),
    [
        (0, "auto", None, "cpu"),
        (0, "auto", 3, "cpu"),
        (4, "auto", None, "cuda"),
        (4, "auto", 3, "cuda:3"),
        (1, "auto", 3, "cuda"),  # a GPU of its own
        (4, "cuda:2", 3, "cuda:2"),
        (4, "cuda", 3, "cuda"),
        (4, "cpu", 3, "cpu"),
    ],
)
def test_a_process_has_the_gpu_of_its_number(gpus, n, asked, local_rank, device):
    current = gpus(n)
    assert resolve_device(asked, local_rank=local_rank) == torch.device(device)
    assert current == ([torch.device(device)] if ":" in device else [])


@pytest.mark.parametrize(
    ("n", "asked", "local_rank", "there"),
    [
        (0, "cuda:0", None, "cpu"),
        (1, "cuda:1", None, "cuda, cpu"),
        (4, "cuda:4", None, "cuda:0 to cuda:3, cpu"),
        (4, "auto", 4, "cuda:0 to cuda:3, cpu"),
    ],
)
def test_a_gpu_that_is_not_there_is_refused(gpus, n, asked, local_rank, there):
    gpus(n)
    with pytest.raises(UsageError) as caught:
        resolve_device(asked, local_rank=local_rank)
    assert caught.value.slug == "device-absent"
    assert caught.value.details == (f"available: {there}",)
    assert f"use --device {there.split(',')[0].split(' ')[0]}," in caught.value.hint
