"""The rooms of the house: five tests over one graph of imports, and what a start may load."""

import ast
import subprocess
import sys
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

import reportgen

PACKAGE = Path(reportgen.__file__).parent

ROOMS = {
    "errors": 0, "text": 0, "lazy": 0, "notebook": 0, "process": 1, "paths": 1,
    "jsonio": 1, "csv_text": 1, "files": 1, "reporter": 1, "provenance": 2, "replacement": 2, "storage": 2,
    "foreign_formats": 2, "output_folder": 3,
    "confusion_matrix": 2,
    "metrics": 3,
    "options": 4, "predictions": 4, "class_list": 4, "class_names": 5, "confusion_counter": 4,
    "analysis/scoring": 5,
    "analysis/confusions": 6, "analysis/slices": 6, "analysis/label_issues": 6,
    "importers": 7,
    "evaluation": 8, "inference": 8,
    "comparison": 9, "engines": 9,
    "gates": 10,
    "review": 11,
    "report": 12,
    "rendering": 13,
    "delivery": 14, "plot": 14, "trackers": 14,
    "api": 15,
    "console": 16, "demo": 16, "integrations": 16,
    "cli": 17, "__main__": 18,
}  # fmt: skip
"""Room → floor. A room imports from lower floors alone; docs/how-it-works.md tells what it holds."""

LARGE = {
    "importers": "a module for each format of tables and matrices",
    "inference": "a module for each kind of model, and for each layout of images",
}
"""Room that may have more than a sixth of the code → the reason."""

OWNERS = {
    "pyarrow": {"predictions", "importers", "comparison", "engines", "storage"},
    "scipy": {"metrics", "analysis/confusions", "comparison"},
    "torch": {"inference", "api", "demo", "integrations"},
    "torchvision": {"inference"},
    "safetensors": {"inference"},
    "matplotlib": {"rendering", "plot"},
    "seaborn": {"rendering"},
    "PIL": {"rendering", "inference", "demo", "trackers"},
    "jinja2": {"rendering"},
    "markdown_it": {"rendering"},
    "typer": {"cli"},
    "rich": {"console"},
    "sklearn": {"demo"},
    "pandas": {"rendering", "evaluation", "predictions", "confusion_matrix"},
    "ray": {"engines"},
    "transformers": {"inference"},
    "timm": {"inference"},
    "onnxruntime": {"inference"},
    "keras": {"inference"},
    "lightning": {"integrations"},
    "pytorch_lightning": {"integrations"},
    "mlflow": {"trackers"},
    "wandb": {"trackers"},
    "tensorboard": {"trackers"},
}

HEAVY = ("numpy", "pandas", "torch", "matplotlib", "pyarrow", "scipy", "PIL", "seaborn", "typer")


class Import(NamedTuple):
    """One name that one module imports; `module` is the file where it leads, if it is ours."""

    by: str
    module: str
    name: str
    for_types: bool


@cache
def modules() -> dict[str, ast.Module]:
    """Dotted name without ``reportgen.`` → its tree; a package stands for its ``__init__``."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        found[name] = ast.parse(path.read_text("utf-8"))
    return found


def room_of(module: str) -> str:
    parts = module.split(".")
    return "/".join(parts[:2]) if parts[0] == "analysis" and len(parts) > 1 else parts[0]


@cache
def imports() -> tuple[Import, ...]:
    return tuple(one for module in modules() for one in _imports_of(module))


def _imports_of(module):
    tree = modules()[module]
    guards = [n for n in tree.body if isinstance(n, ast.If) and "TYPE_CHECKING" in ast.dump(n.test)]
    guarded = {id(node) for guard in guards for node in ast.walk(guard)}
    for node in ast.walk(tree):
        for_types = id(node) in guarded
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, alias.name, "", for_types)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            for alias in node.names:
                inner = f"{node.module}.{alias.name}".removeprefix("reportgen.")
                is_module = node.module.split(".")[0] == "reportgen" and inner in modules()
                leads_to = f"reportgen.{inner}" if is_module else node.module
                yield Import(module, leads_to, "" if is_module else alias.name, for_types)


def ours():
    """Imports of our own modules, with ``reportgen.`` taken off; the package itself left out."""
    for one in imports():
        parts = one.module.split(".", 1)
        if parts[0] == "reportgen" and len(parts) == 2 and one.by:
            yield one._replace(module=parts[1])


def test_imports_point_down():
    assert {room_of(module) for module in modules() if module not in ("", "analysis")} == set(ROOMS)
    wrong = [
        f"{one.by} imports {one.module}, which is not below it"
        for one in ours()
        if room_of(one.by) != room_of(one.module)
        and ROOMS[room_of(one.module)] >= ROOMS[room_of(one.by)]
    ]
    assert not wrong


def test_no_imports_run_in_a_circle():
    below = {module: set() for module in modules()}
    for one in ours():
        if not one.for_types and one.module != one.by:
            below[one.by].add(one.module)
    while leaves := {module for module, needs in below.items() if not needs & below.keys()}:
        below = {module: needs for module, needs in below.items() if module not in leaves}
    assert not below, "in a circle, or above one"


def test_rooms_are_entered_by_their_doors():
    doors = {module for module in modules() if "." not in module or module.startswith("analysis.")}
    wrong = [
        f"{one.by} imports {one.module}, past the door of {room_of(one.module)}"
        for one in ours()
        if room_of(one.by) != room_of(one.module)
        and one.module.replace(".", "/") != room_of(one.module)
        and one.module in modules()
    ]
    assert doors
    assert not wrong


def test_no_room_has_more_than_a_sixth_of_the_code_without_a_reason():
    lines = Counter()
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).with_suffix("").parts[0]
        lines[room] += sum(bool(line.strip()) for line in path.read_text("utf-8").splitlines())
    assert {room for room, n in lines.items() if n > lines.total() / 6} <= set(LARGE)


def test_the_one_way_up_is_that_of_values_in_notebooks():
    """A module that is named by a text is found by no test above."""
    by_name = {
        module: {
            node.args[0].value
            for node in ast.walk(tree)
            if isinstance(node, ast.Call)
            and "import_module" in ast.dump(node.func)
            and node.args
            and str(getattr(node.args[0], "value", "")).startswith("reportgen")
        }
        for module, tree in modules().items()
    }
    named = {module: names for module, names in by_name.items() if names}
    assert named == {"": {"reportgen.plot"}, "notebook": {"reportgen.rendering"}}


def test_heavy_libraries_have_owners():
    wrong = [
        f"{one.module} is not for {one.by}"
        for one in imports()
        if (library := one.module.split(".")[0]) in OWNERS
        and room_of(one.by) not in OWNERS[library]
    ]
    assert not wrong


def test_doors_list_each_name_once_and_truly():
    for module, tree in modules().items():
        if not any(
            isinstance(n, ast.Assign)
            and "'lazy_names'" in ast.dump(n)
            and "__getattr__" in ast.dump(n)
            for n in tree.body
        ):
            continue
        typed = {one.name for one in _imports_of(module) if one.for_types}
        door = sys.modules.get(f"reportgen.{module}") or __import__(
            f"reportgen.{module}", fromlist=["x"]
        )
        assert typed == set(door.__all__), module
        submodules = {
            name.rpartition(".")[2] for name in modules() if name.startswith(f"{module}.")
        }
        assert not typed & submodules, f"{module}: a name would be hidden by a file"
        for name in door.__all__:
            assert getattr(door, name) is not None


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


def test_no_room_takes_the_name_of_a_public_function():
    """Importing ``reportgen.x`` sets the attribute ``x`` of the package to the module."""
    assert not set(ROOMS) & set(reportgen.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = reportgen.nonsense
