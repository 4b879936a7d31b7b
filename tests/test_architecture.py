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
    "process": 1,
    "jsonio": 1,
    "csv_text": 2, "provenance": 2, "reporter": 2, "files": 2, "declared": 2, "confusion": 2,
    "scores": 2, "multiple": 2, "class_files": 2,
    "options": 3, "replacement": 3,
    "outputs": 4, "predictions": 3, "tallies": 3, "metrics": 3,
    "accumulate": 3, "classes": 3,
    "scoring": 4, "confusions": 4, "clusters": 4,
    "slices": 5, "suspects": 5, "inputs": 5,
    "evaluation": 6, "inference": 6,
    "comparison": 7, "baselines": 7,
    "gates": 8,
    "report": 9, "release": 9,
    "figures": 10, "thumbnails": 10,
    "exports": 11,
    "api": 12,
    "console": 13, "demo": 13,
    "cli": 14, "__main__": 15,
}  # fmt: skip
"""Room → floor. A room imports from lower floors alone; docs/how-it-works.md tells what it holds."""

INSIDE = {
    "inference": {
        "user_code": 0, "libraries": 0,
        "images": 1, "models": 1,
        "folders": 2, "forward": 2,
        "sources": 3,
        "plan": 4, "loop": 4,
        "job": 5,
    },
    "inputs": {
        "options": 0,
        "formats": 1,
        "columns": 2,
        "read_as": 3, "ground_truth": 3,
        "matrices": 4, "facts": 4, "predictions": 4,
        "kinds": 5, "opening": 5, "joining_metadata": 5,
    },
}  # fmt: skip
"""Room with rooms of its own → their floors, by the same rule."""

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


def inner_sources(room):
    return [p for p in sources() if p.is_relative_to(PACKAGE / room) and p.name != "__init__.py"]


def inner_room_of(path):
    return path.relative_to(PACKAGE).parts[1].removesuffix(".py")


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


@pytest.mark.parametrize("room", INSIDE)
def test_every_inner_room_has_a_floor(room):
    assert {inner_room_of(path) for path in inner_sources(room)} == set(INSIDE[room])


@pytest.mark.parametrize(
    "path",
    [path for room in INSIDE for path in inner_sources(room)],
    ids=lambda p: str(p.relative_to(PACKAGE)),
)
def test_imports_point_down_inside_a_room(path):
    room, inner = room_of(path), inner_room_of(path)
    floors = INSIDE[room]
    for name in imported(path):
        parts = name.split(".")
        if parts[:2] == ["reportgen", room] and parts[2] != inner:
            assert floors[parts[2]] < floors[inner], f"{inner} imports {parts[2]}, not below it"


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
