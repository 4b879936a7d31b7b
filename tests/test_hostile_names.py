"""Names from data are inert in all that is printed: no command of a CI system, no mail header."""

import re
from pathlib import Path

import pytest

import reportgen
from reportgen.cli import command
from reportgen.process import exit_code_of

NAMES = (
    "##[add-mask]x",
    "##[group]x",
    "##vso[task.setvariable variable=x]y",
    "##teamcity[buildStatus text='x']",
    "::error::x",
    "::set-output name=a::b",
    "=?utf-8?q?Subject=3A_x?=",
    "x\n::warning::y",
    "x\r\nBcc: a@b",
    "\x1b[31mred",
    "\u202egnp.exe",
    "x\u2028##[error]y",
    "section_start:1:x\r\x1b[0Ky",
    "\u00a0::error::x",
    "a\u00adb\u2064c\U000e0041",
    "\u3164",
)
"""Names, each of which acts, or hides something, where it is printed as it is."""

ACTIVE = re.compile(
    r"##\[|##vso\[|##teamcity\[|^\s*::|^Bcc:|[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2028\u2029]|"
    "[\u00ad\u2060-\u206f\u3164\U000e0000-\U000e007f]",
    re.MULTILINE,
)


@pytest.fixture
def printed(capfd):
    """Run a command in this process: (exit code, all that it printed)."""

    def run(*words):
        code = exit_code_of(lambda: command([str(word) for word in words]), debug=False)
        return code, "".join(capfd.readouterr())

    return run


def saved(path, name, *, second="plain", predicted=None):
    import pyarrow as pa
    import pyarrow.parquet as pq

    labels = [name, second] * 6
    answers = predicted or [name, name, second] * 4
    ids = [f"{i} {name}" for i in range(12)]
    pq.write_table(pa.table({"id": ids, "label": labels, "prediction": answers}), path)
    return path


@pytest.mark.parametrize("name", NAMES)
def test_names_are_inert_in_what_is_printed(tmp_path, printed, name):
    one, other = saved(tmp_path / "one.parquet", name), tmp_path / "other.parquet"
    saved(other, name, predicted=[name, "plain"] * 6)
    out, both = tmp_path / "out", tmp_path / "both"
    (tmp_path / "gates.toml").write_text('[[gate]]\nmetric = "min_recall"\nmin = 0.99\n')
    for words, codes in (
        (("render", one, "-o", out, "--model-name", name, "--data-name", name), {0}),
        (("compare", one, other, "-o", both), {0}),
        (("check", out, "--fail-under", "accuracy=0.99"), {1}),
        (("check", out, "--gates", tmp_path / "gates.toml"), {1, 2}),
    ):
        code, text = printed(*words)
        assert code in codes, text
        assert not ACTIVE.search(text), (words[0], ACTIVE.search(text))


def test_no_name_can_reach_a_header():
    """An encoded word, =?utf-8?q?...?=, is decoded in headers alone. Three files write any: the
    client of code hosts, whose headers hold the token and constants, and those of the mail,
    whose own tests send hostile names through them."""
    imports = re.compile(
        r"^\s*(?:import|from) (?:email|smtplib|http|urllib\.request)\b", re.MULTILINE
    )
    sources = Path(reportgen.__file__).parent.rglob("*.py")
    found = [path.name for path in sources if imports.search(path.read_text("utf-8"))]
    assert set(found) == {"http.py", "mail.py", "eml.py"}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_inert_in_errors(tmp_path, printed, name):
    table = saved(tmp_path / "one.parquet", name)
    twice = saved(tmp_path / "one-class.parquet", name, second=name + " ")
    (tmp_path / "classes.txt").write_text("cat\ndog\n")
    options = (
        ("--classes", tmp_path / "classes.txt"),
        ("--label-column", name),
        ("--id-column", "label"),
        ("--subset-classes", name),
        ("--positive", name + "y"),
    )
    for words in (*((table, *more) for more in options), (twice,), (tmp_path / f"{name}.csv",)):
        code, text = printed("render", *words, "-o", tmp_path / "out", "--force")
        assert code in {0, 2, 3}, text
        assert not ACTIVE.search(text), (words[1:], ACTIVE.search(text), text)
