"""Paths that can't be meant are refused before any work, and no password is ever printed."""

import os

import pytest

import reportgen
from reportgen import paths
from reportgen.api import rendering
from reportgen.errors import OutputError, UsageError
from reportgen.text import without_secrets
from tests.test_cli import data, model  # noqa: F401  # fixtures
from tests.test_cli import reportgen as command

MATRIX = ",a,b\na,5,1\nb,0,5\n"
SECRET = "tok3n"


@pytest.fixture
def matrix(tmp_path):
    (tmp_path / "m.csv").write_text(MATRIX)
    return tmp_path / "m.csv"


@pytest.mark.parametrize(
    "words",
    [
        ["render", "https://u:tok3n@host/p.csv", "-o", "out"],
        ["render", "https://u:tok3n@host", "-o", "out"],
        ["render", "m.csv", "-o", "https://u:tok3n@host/out"],
        ["render", "m.csv", "-o", "out", "--gates", "https://u:tok3n@host"],
        ["render", "m.csv", "-o", "out", "--classes", "https://u:tok3n@host/names.txt"],
        ["render", "m.csv", "-o", "out", "--baseline", "https://u:tok3n@host/b"],
        ["compare", "hf://u:tok3n@bucket/b", "m.csv", "-o", "out"],
        ["compare", "m.csv", "ftp://u:tok3n@host/b.csv", "-o", "out"],
        ["check", "https://u:tok3n@host/report.json", "--fail-under", "accuracy=0.5"],
        ["baseline", "save", "https://u:tok3n@host/report.json", "main"],
        ["run", "https://u:tok3n@host/net.pt2", "data", "-o", "out"],
        ["run", "{model}", "https://u:tok3n@host/d?X-Amz-Signature=tok3n", "-o", "out"],
        ["run", "{model}", "https://u:tok3n@host", "-o", "out"],
        ["run", "net.py:make", "data", "--weights", "https://u:tok3n@host/w.pt", "-o", "out"],
        ["predict", "{model}", "https://u:tok3n@host/d", "-o", "out"],
        ["render", "m.csv", "-o", "out", "--images", "https://u:tok3n@host/d"],
        ["compare", "m.csv", "m.csv", "-o", "out", "--images", "https://u:tok3n@host/d"],
        ["baseline", "save", "m.csv", "main", "--baselines", "https://u:tok3n@host/b"],
        ["history", "--baselines", "https://u:tok3n@host/b"],
    ],
    ids=" ".join,
)
def test_an_address_is_refused_and_its_password_is_not_printed(words, matrix, model, tmp_path):  # noqa: F811
    words = [str(model) if word == "{model}" else word for word in words]
    done = command(*words, cwd=tmp_path, code=2)
    assert SECRET not in done.stdout + done.stderr
    assert "only local paths" in done.stderr
    assert "://***@" in done.stderr  # both slashes, as it was given
    assert {path.name for path in tmp_path.iterdir()} == {"m.csv"}


@pytest.mark.parametrize(
    "words",
    [
        ["render", "m.csv", "-o", "out", "--report-url", "https://u:tok3n@host/r.html"],
        ["mail", "r", "--to", "a@b.org", "--from", "a@b.org", "--smtp", "host", "--report-url",
         "https://tok3n@host/r.html"],
        ["comment", "r", "--pull-request", "1", "--report-url", "https://u:tok3n@host/r.html"],
        ["track", "r", "tensorboard", "--report-url", "https://u:tok3n@host/r.html"],
        ["index", "r", "-o", "site", "--base-url", "https://u:tok3n@host/site"],
    ],
    ids=lambda words: words[0],
)  # fmt: skip
def test_an_address_that_is_published_has_no_login(words, matrix, tmp_path):
    command("render", matrix, "-o", "r", cwd=tmp_path)
    done = command(*words, cwd=tmp_path, code=2)
    assert "errors.md#url-login" in done.stderr
    assert SECRET not in done.stdout + done.stderr
    assert not any((tmp_path / name).exists() for name in ("out", "site"))


def test_an_address_with_an_at_sign_in_its_path_is_published(matrix, tmp_path):
    words = ["--summary", "--report-url", "https://host/@me/r.html?by=a@b.org"]
    command("render", matrix, "-o", "out", *words, cwd=tmp_path)
    assert "https://host/@me/r.html" in (tmp_path / "out/summary.md").read_text()


@pytest.mark.parametrize(
    "server", ["u:tok3n@host", "u:tok3n@host:25", "smtp://u:tok3n@host", "a@tok3n@h"]
)
def test_a_login_in_a_mail_server_is_not_printed(server, matrix, tmp_path):
    command("render", matrix, "-o", "r", cwd=tmp_path)
    words = ["--to", "a@b.org", "--from", "a@b.org", "--smtp", server]
    done = command("mail", "r", *words, cwd=tmp_path, code=2)
    assert SECRET not in done.stderr
    assert '--smtp "***@h' in done.stderr


def test_the_library_s_errors_hold_no_password_either():
    for act in (
        lambda: reportgen.load("https://u:tok3n@host/p.csv"),
        lambda: reportgen.run("https://u:tok3n@host/m.pt2", "d", out="o"),
        lambda: reportgen.run("m.py:f", "https://u:tok3n@host/d", out="o"),
    ):
        with pytest.raises(UsageError) as caught:
            act()
        assert SECRET not in str(caught.value)
        assert caught.value.slug in ("remote-path", "data-remote")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("https://me:secret@host/a", "https://***@host/a"),
        ("see https://tok@host:80/a?sig=1&x=2.", "see https://***@host:80/a?sig=***&x=2."),
        ('"s3:/me:p@ss@bucket/a"', '"s3:/***@bucket/a"'),
        ("?access_token=abc at http://h/?access_token=abc", "?access_token=*** at http://h/?access_token=***"),
        ("a@b.org, C:/x@y and 12:30 a/b@c", "a@b.org, C:/x@y and 12:30 a/b@c"),
    ],
)  # fmt: skip
def test_secrets_of_addresses_become_stars(line, shown):
    assert without_secrets(line) == shown


def test_a_secret_in_a_model_s_argument_is_not_in_the_command_of_the_report():
    from reportgen.options.run import Options

    words = Options.of({"model_arg": ["url=https://me:tok3n@host/w"]}).command_words()
    assert words == ["--model-arg", "url=https://***@host/w"]


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["render", "m.csv", "-o", ""], "-o is empty"),
        (["render", "", "-o", "out"], "INPUT is empty"),
        (["compare", "m.csv", "", "-o", "out"], "INPUT is empty"),
        (["compare", "m.csv", "m.csv", "m.csv", "-o", ""], "-o is empty"),
        (["check", "", "--fail-under", "accuracy=0.5"], "INPUT is empty"),
        (["baseline", "save", "", "main"], "INPUT is empty"),
        (["run", "", "data", "-o", "out"], "MODEL is empty"),
        (["run", "m.py:f", "", "-o", "out"], "DATA is empty"),
        (["run", "m.py:f", "data", "-o", ""], "-o is empty"),
        (["predict", "m.py:f", "data", "-o", ""], "-o is empty"),
        (["demo", "-o", ""], "-o is empty"),
        (["history", "--baselines", ".", "-o", ""], "-o is empty"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_an_empty_path_is_refused(words, what, matrix, tmp_path):
    done = command(*words, cwd=tmp_path, code=2)
    assert done.stderr.startswith(f"reportgen: error: {what}\n")
    assert "#path-empty" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"m.csv"}


def test_a_report_does_not_go_to_stdout_and_the_hint_works(matrix, tmp_path):
    done = command("render", matrix, "-o", "-", cwd=tmp_path, code=2)
    assert "#output-stdout" in done.stderr
    assert not (tmp_path / "-").exists()
    command("render", matrix, "-o", "./-", cwd=tmp_path)
    assert (tmp_path / "-/report.html").is_file()


@pytest.mark.parametrize("name", ["CON", "nul", "aux.v2", "COM1", "v1."])
def test_a_baseline_has_a_name_that_every_system_can_hold(name, matrix, tmp_path):
    done = command("baseline", "save", matrix, name, cwd=tmp_path, code=2)
    assert "#baseline-name" in done.stderr
    command("baseline", "save", matrix, "console", cwd=tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_a_link_to_another_folder_is_written_through_only_when_asked(matrix, tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    with pytest.raises(OutputError) as caught:
        rendering.render(matrix, out=tmp_path / "latest")
    assert caught.value.slug == "output-is-link"
    assert list((tmp_path / "real").iterdir()) == []
    rendering.render(matrix, out=tmp_path / "latest", force=True)
    assert (tmp_path / "real/report.html").is_file()
    assert (tmp_path / "latest").is_symlink()


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
@pytest.mark.parametrize("below", ["", "run/1"])
@pytest.mark.parametrize("force", [False, True])
def test_a_link_to_nothing_is_no_output(below, force, matrix, tmp_path):
    (tmp_path / "latest").symlink_to(tmp_path / "gone")
    with pytest.raises(OutputError, match="is a link to a folder that does not exist") as caught:
        rendering.render(matrix, out=tmp_path / "latest" / below, force=force)
    assert caught.value.slug == "output-is-link"
    assert caught.value.hint.startswith("remove the link")
    (tmp_path / "latest").unlink()  # the hint, to the letter
    rendering.render(matrix, out=tmp_path / "latest" / below, force=force)


def test_an_output_below_a_file_names_that_file(matrix, tmp_path):
    (tmp_path / "notes.txt").touch()
    with pytest.raises(OutputError) as caught:
        rendering.render(matrix, out=tmp_path / "notes.txt/run/1")
    assert caught.value.slug == "output-is-file"
    assert 'the output "notes.txt" is a file' in caught.value.message


@pytest.mark.parametrize(
    "words",
    [
        ["render", "m.csv", "-o", "{long}"],
        ["compare", "m.csv", "m.csv", "-o", "{long}"],
        ["compare", "m.csv", "m.csv", "m.csv", "-o", "a/{long}"],
        ["run", "{model}", "{data}", "-o", "{long}"],
        ["predict", "{model}", "{data}", "-o", "{long}"],
        ["check", "m.csv", "--fail-under", "accuracy=0.5", "--junit", "{long}"],
        ["history", "--baselines", ".", "-o", "{long}"],
    ],
    ids=" ".join,
)
def test_a_name_that_is_too_long_is_refused(words, matrix, model, data, tmp_path):  # noqa: F811
    known = {"long": "x" * 300, "model": str(model), "data": str(data)}
    done = command(*(word.format(**known) for word in words), cwd=tmp_path, code=5)
    assert "file name too long" in done.stderr
    assert "use shorter names" in done.stderr
    assert "#output-not-writable" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {"m.csv"}


def test_an_input_whose_name_is_too_long_is_no_bug(tmp_path):
    done = command("render", "x" * 300 + ".csv", "-o", "out", cwd=tmp_path, code=3)
    assert "name" in done.stderr


def test_what_exists_is_no_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ab:").mkdir()
    (tmp_path / "ab:/m.csv").write_text(MATRIX)
    assert paths.local_path("ab:/m.csv", "INPUT").is_file()
    with pytest.raises(UsageError):
        paths.local_path("ab:/none.csv", "INPUT")


def test_the_names_of_images_are_read_where_the_system_speaks_ascii(model, tmp_path):  # noqa: F811
    """A name with an accent is UTF-8 on the disk, whatever the locale says."""
    from PIL import Image

    for folder, colour in (("blue", 3), ("green", 2), ("red", 1)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for name in ("a.png", "\u00e9t\u00e9.png"):
            Image.new("RGB", (8, 8), (255 - colour * 60, 0, 0)).save(
                tmp_path / "data" / folder / name
            )
    words = ["run", model, tmp_path / "data", "-o"]
    command(*words, tmp_path / "utf8")
    command(*words, tmp_path / "ascii",
            env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})  # fmt: skip
    told = [(tmp_path / out / "report.html").read_bytes() for out in ("utf8", "ascii")]
    assert told[0] == told[1]
