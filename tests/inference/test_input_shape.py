"""Images of another shape than a program takes: what is said, followed to the letter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import reportgen
from reportgen.errors import ModelError
from tests.inference.builders import accuracy, colour_tree


class Last(nn.Module):
    """Takes (n, height, width, channels); blue is class 0, green class 1, red class 2."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return 9 * x.mean((1, 2)).flip(1)


class LastGrey(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([x.mean((1, 2)), -x.mean((1, 2)), 0 * x.mean((1, 2))], 1)


def program(module: nn.Module, path: Path, *shape: int, **options: Any) -> Path:
    torch.export.save(
        torch.export.export(module.eval(), (torch.zeros(2, *shape),), **options), path
    )
    return path


@pytest.mark.parametrize("free", [False, True])
def test_a_program_that_takes_channels_last_gets_them_by_the_printed_transform(
    tmp_path: Path, free: bool
) -> None:
    sizes = {1: torch.export.Dim.AUTO, 2: torch.export.Dim.AUTO} if free else {}
    batch = torch.export.Dim("batch", min=1)
    shapes = ({0: batch, **sizes},)
    model = program(Last(), tmp_path / "m.pt2", 6, 10, 3, dynamic_shapes=shapes)
    data = colour_tree(tmp_path / "data")
    with pytest.raises(ModelError) as caught:
        reportgen.predict(model, data, out=tmp_path / "out")
    error = caught.value
    assert error.slug == "input-shape"
    wanted = "any×any×3" if free else "6×10×3"
    assert error.message == (
        f"preprocessed images are 3×8×8, the model takes {wanted} (height × width × channels)"
    )
    assert error.hint == "--transform own.py:prepare"
    lines = [line[4:] for line in error.details if line.startswith("    ")]
    (tmp_path / "own.py").write_text("\n".join(lines))
    made = reportgen.predict(
        model, data, out=tmp_path / "out", transform=f"{tmp_path}/own.py:prepare"
    )
    assert accuracy(made) == 1


def test_one_channel_last_is_made_grey(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=1)
    model = program(LastGrey(), tmp_path / "m.pt2", 8, 8, 1, dynamic_shapes=({0: batch},))
    data = colour_tree(tmp_path / "data")
    with pytest.raises(ModelError) as caught:
        reportgen.predict(model, data, out=tmp_path / "out", grayscale=True)
    assert "v2.Grayscale()" in "\n".join(caught.value.details)


@pytest.mark.parametrize(
    ("shape", "hint"),
    [((3, 6, 10), "resize the images with --resize 6x10"), ((1, 8, 8), "--grayscale")],
)
def test_channels_first_keep_their_hints(tmp_path: Path, shape: tuple[int, ...], hint: str) -> None:
    class First(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x.mean((2, 3)).expand(-1, 3) if x.shape[1] == 1 else x.mean((2, 3))

    batch = torch.export.Dim("batch", min=1)
    model = program(First(), tmp_path / "m.pt2", *shape, dynamic_shapes=({0: batch},))
    with pytest.raises(ModelError) as caught:
        reportgen.predict(model, colour_tree(tmp_path / "data"), out=tmp_path / "out")
    assert hint in (caught.value.hint or "")
