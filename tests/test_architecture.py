"""The rooms of the house: imports point down, and each heavy library has one owner."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reportgen

PACKAGE = Path(reportgen.__file__).parent

ROOMS = {
    "errors": 0, "text": 0,
    "csv_text": 1, "provenance": 1, "reporter": 1, "files": 1, "declared": 1, "confusion": 1,
    "scores": 1, "multiple": 1,
    "options": 2,
    "outputs": 2, "predictions": 2, "tallies": 2, "metrics": 2,
    "accumulate": 2, "classes": 2,
    "scoring": 3, "confusions": 3, "clusters": 3,
    "slices": 4, "suspects": 4, "inputs": 4,
    "evaluation": 5, "inference": 5,
    "comparison": 6, "baselines": 6,
    "gates": 7,
    "report": 8, "release": 8,
    "figures": 9, "thumbnails": 9,
    "exports": 10,
    "api": 11,
    "console": 12, "demo": 12,
    "cli": 13, "__main__": 14,
}  # fmt: skip
"""Room → floor. A room imports from lower floors alone; docs/how-it-works.md tells what it holds."""

OWNERS = {
    "pyarrow": {"predictions", "inputs", "comparison"},
    "scipy": {"metrics", "confusions", "comparison"},
    "torch": {"inference", "api", "demo"},
    "torchvision": {"inference"},
    "safetensors": {"inference"},
    "matplotlib": {"figures"},
    "seaborn": {"figures"},
    "PIL": {"thumbnails", "figures", "inference", "demo"},
    "jinja2": {"exports"},
    "markdown_it": {"exports"},
    "typer": {"cli"},
    "rich": {"console"},
    "sklearn": {"demo"},
    "pandas": {"figures"},
}


def sources():
    return [p for p in sorted(PACKAGE.rglob("*.py")) if p != PACKAGE / "__init__.py"]


def room_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            if node.module == "reportgen":
                yield from (f"reportgen.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_every_room_has_a_floor():
    assert {room_of(path) for path in sources()} == set(ROOMS)


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_point_down(path):
    room = room_of(path)
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "reportgen" or len(parts) == 1 or parts[1] in (room, "__version__"):
            continue
        assert ROOMS[parts[1]] < ROOMS[room], f"{room} imports {parts[1]}, which is not below it"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_libraries_have_owners(path):
    for name in imported(path):
        library = name.split(".")[0]
        if library in OWNERS:
            assert room_of(path) in OWNERS[library], f"{library} is not for {path.name}"


@pytest.mark.parametrize("path", sources(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_no_file_holds_two_subjects(path):
    assert len(path.read_text("utf-8").splitlines()) <= 500


HEAVY = ("numpy", "pandas", "torch", "matplotlib", "pyarrow", "scipy", "PIL", "seaborn", "typer")


def loaded_by(code):
    program = f"import sys\n{code}\nprint(*sorted({{n.split('.')[0] for n in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_importing_reportgen_loads_nothing_heavy():
    assert not loaded_by("import reportgen") & set(HEAVY)


def test_the_public_names_are_sorted_and_all_there():
    assert sorted(reportgen.__all__) == reportgen.__all__
    for name in reportgen.__all__:
        assert getattr(reportgen, name) is not None
        assert name in dir(reportgen)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = reportgen.nonsense
