"""User code is imported by name or by file, and its faults are shown as the user's own."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from reportgen.errors import ModelError, UsageError
from reportgen.inference.user_code import error_line, load_object, names_user_code, user_traceback


@pytest.fixture(autouse=True)
def _clean_imports() -> Iterator[None]:
    modules, path = dict(sys.modules), list(sys.path)
    yield
    for name in set(sys.modules) - set(modules):
        del sys.modules[name]
    sys.path[:] = path


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_gives_the_named_object_and_its_hash(tmp_path: Path) -> None:
    file = write(tmp_path / "nets.py", "def make():\n    return 7\n")
    loaded = load_object(f"{file}:make", "model factory")
    assert loaded.obj() == 7
    assert loaded.file_hashes == {"nets.py": hashlib.sha256(file.read_bytes()).hexdigest()}


def test_a_file_sees_the_modules_beside_it_and_their_hashes_are_recorded(tmp_path: Path) -> None:
    write(tmp_path / "my_layers_x.py", "import json\nWIDTH = 3\ndef width():\n    return WIDTH\n")
    file = write(tmp_path / "nets.py", "from my_layers_x import width\nmake = lambda: width()\n")
    loaded = load_object(f"{file}:make", "model factory")
    assert loaded.obj() == 3
    assert sorted(loaded.file_hashes) == ["my_layers_x.py", "nets.py"]
    assert load_object(f"{file}:make", "model factory").file_hashes == loaded.file_hashes


def test_the_users_folder_does_not_stay_in_front_of_installed_libraries(tmp_path: Path) -> None:
    file = write(tmp_path / "nets.py", "make = 1\n")
    first = sys.path[0]
    load_object(f"{file}:make", "model factory")
    assert sys.path[0] == first
    assert sys.path[-1] == str(tmp_path)


def test_a_module_is_found_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "my_package_x" / "__init__.py", "")
    write(tmp_path / "my_package_x" / "nets.py", "class Zoo:\n    make = staticmethod(int)\n")
    monkeypatch.chdir(tmp_path)
    loaded = load_object("my_package_x.nets:Zoo.make", "model factory")
    assert loaded.obj is int
    assert list(loaded.file_hashes) == ["my_package_x/nets.py"]


def test_a_changed_file_is_imported_anew(tmp_path: Path) -> None:
    file = write(tmp_path / "nets.py", "make = 1\n")
    assert load_object(f"{file}:make", "x").obj == 1
    write(file, "make = 2\n")  # same size, same second: a cached .pyc would look valid
    assert load_object(f"{file}:make", "x").obj == 2


@pytest.mark.parametrize(
    ("spec", "is_code"),
    [
        ("a.b:c", True),
        ("dir/f.py:make", True),
        ("C:\\dir\\f.py:make", True),
        ("model.pt2", False),
        ("nets.py", False),
        ("nets.py:", False),
        (":make", False),
        ("a b:c", False),
        ("https://x/y.py:1", False),
    ],
)
def test_which_words_name_code(spec: str, is_code: bool) -> None:
    assert names_user_code(spec) is is_code


def test_a_spec_of_another_form_is_refused() -> None:
    with pytest.raises(UsageError, match=r"neither module:name nor file\.py:name") as caught:
        load_object("nets", "transform")
    assert caught.value.slug == "code-spec"


def test_a_missing_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r'"gone\.py": no such file') as caught:
        load_object(f"{tmp_path}/gone.py:make", "transform")
    assert caught.value.slug == "code-file-missing"


@pytest.mark.parametrize("name", ["no_such_package_x.nets", "json.no_such_module_x"])
def test_a_missing_module_is_told_from_a_missing_dependency(name: str) -> None:
    with pytest.raises(ModelError, match="cannot find the transform's module") as caught:
        load_object(f"{name}:make", "transform")
    assert caught.value.slug == "code-module-missing"


def test_a_missing_dependency_says_what_to_install(tmp_path: Path) -> None:
    file = write(tmp_path / "nets.py", "import no_such_library_x.sub\n")
    with pytest.raises(ModelError, match="No module named 'no_such_library_x'") as caught:
        load_object(f"{file}:make", "transform")
    assert caught.value.slug == "code-import-failed"
    assert caught.value.hint is not None
    assert "install no_such_library_x" in caught.value.hint


def test_a_failing_import_shows_the_users_lines_only(tmp_path: Path) -> None:
    text = "import json\ndef load():\n    return json.loads('{')\nload()\n"
    file = write(tmp_path / "nets.py", text)
    before = set(sys.modules)
    with pytest.raises(ModelError, match="JSONDecodeError") as caught:
        load_object(f"{file}:make", "transform")
    details = "\n".join(caught.value.details)
    assert "nets.py, line 4, in <module>" in details
    assert "return json.loads" in details
    assert "decoder.py" not in details
    assert "objects.py" not in details
    assert str(tmp_path) not in details
    assert not [name for name in set(sys.modules) - before if name.endswith("_nets")]


@pytest.mark.parametrize("line", ["import sys; sys.exit(3)", "raise BaseException", "x = ("])
def test_nothing_that_a_module_does_on_import_escapes(tmp_path: Path, line: str) -> None:
    file = write(tmp_path / "nets.py", f"{line}\n")
    with pytest.raises(ModelError) as caught:
        load_object(f"{file}:make", "transform")
    assert caught.value.slug == "code-import-failed"


def test_ctrl_c_during_an_import_is_not_an_import_error(tmp_path: Path) -> None:
    file = write(tmp_path / "nets.py", "raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        load_object(f"{file}:make", "transform")


def test_a_missing_name_offers_the_nearest(tmp_path: Path) -> None:
    file = write(tmp_path / "nets.py", "def make_small(): ...\n")
    with pytest.raises(ModelError, match=r'"nets\.py" has no "make_smal"') as caught:
        load_object(f"{file}:make_smal", "model factory")
    assert caught.value.slug == "code-name-missing"
    assert caught.value.hint == 'did you mean "make_small"?'


def test_a_traceback_without_user_files_keeps_its_last_frame() -> None:
    import json

    try:
        json.loads("{")
    except ValueError as error:
        error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
        lines = user_traceback(error)
    assert any("decoder.py" in line for line in lines)
    assert lines[-1].startswith("json.decoder.JSONDecodeError")


def test_frames_of_reportgen_itself_are_left_out(tmp_path: Path) -> None:
    body = "from reportgen.class_list import check_distinct\ndef make():\n    check_distinct(3, '', str)\n"
    make = load_object(f"{write(tmp_path / 'nets.py', body)}:make", "model factory").obj
    with pytest.raises(TypeError) as caught:
        make()
    lines = user_traceback(caught.value)
    assert not any("classes.py" in line for line in lines)
    assert "nets.py, line 3, in make" in lines


def test_an_error_on_one_line_is_the_same_in_every_run() -> None:
    class OddError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert error_line(ValueError("two\n  lines \x1b")) == r"ValueError: two lines \x1b"
    assert error_line(TypeError(f"bad {object()}")) == "TypeError: bad <object object>"
    assert error_line(ValueError()) == "ValueError"
    assert error_line(OddError()) == "OddError"
