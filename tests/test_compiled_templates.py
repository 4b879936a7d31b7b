"""Compiled templates are kept beside the templates, and never out of date."""

import sys

import jinja2
import pytest

from reportgen.rendering import compiled_templates
from reportgen.rendering.compiled_templates import CompiledTemplates


@pytest.fixture(autouse=True)
def writes_bytecode(monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", False)


def rendered(folder, *, same_process=False, **settings):
    if not same_process:
        compiled_templates._in_memory.clear()
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        bytecode_cache=CompiledTemplates(folder, settings),
        **settings,
    )
    return environment.get_template("a.j2").render(x="<")


def compiled(monkeypatch):
    """Names of the templates that are compiled from now on."""
    names, compile_it = [], jinja2.Environment.compile

    def noted(self, source, name=None, *rest, **more):
        names.append(name)
        return compile_it(self, source, name, *rest, **more)

    monkeypatch.setattr(jinja2.Environment, "compile", noted)
    return names


def test_a_template_is_compiled_once(tmp_path, monkeypatch):
    (tmp_path / "a.j2").write_text("a {{ x }}")
    assert rendered(tmp_path) == "a <"
    names = compiled(monkeypatch)
    assert rendered(tmp_path) == "a <"
    assert names == []


@pytest.mark.parametrize("same_process", [False, True])
def test_it_is_compiled_again_where_its_text_or_a_setting_is_another(same_process, tmp_path):
    (tmp_path / "a.j2").write_text("a {{ x }}")
    rendered(tmp_path)
    assert rendered(tmp_path, autoescape=True, same_process=same_process) == "a &lt;"
    (tmp_path / "a.j2").write_text("b {{ x }}")
    assert rendered(tmp_path, autoescape=True, same_process=same_process) == "b &lt;"


@pytest.mark.parametrize("written", [False, True])
def test_a_process_compiles_a_template_once_even_where_it_writes_no_file(
    written, tmp_path, monkeypatch
):
    (tmp_path / "a.j2").write_text("a {{ x }}")
    if written:
        rendered(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    assert rendered(tmp_path) == "a <"
    for kept in tmp_path.glob("__pycache__/*"):
        kept.unlink()
    names = compiled(monkeypatch)
    assert rendered(tmp_path, same_process=True) == "a <"
    assert names == []


@pytest.mark.parametrize("content", [b"", b"j2", b"\0" * 400])
def test_a_damaged_one_is_made_again(content, tmp_path):
    (tmp_path / "a.j2").write_text("a {{ x }}")
    rendered(tmp_path)
    [kept] = (tmp_path / "__pycache__").iterdir()
    kept.write_bytes(content)
    assert rendered(tmp_path) == "a <"


def test_nothing_is_kept_where_python_keeps_no_bytecode(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    (tmp_path / "a.j2").write_text("a {{ x }}")
    assert rendered(tmp_path) == "a <"
    assert [path.name for path in tmp_path.iterdir()] == ["a.j2"]


def test_a_folder_that_cant_be_written_is_no_error(tmp_path):
    (tmp_path / "a.j2").write_text("a {{ x }}")
    (tmp_path / "__pycache__").write_text("in the way")
    assert rendered(tmp_path) == "a <"
