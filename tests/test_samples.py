"""The committed sample reports are what the code makes of their inputs today."""

import email
import email.policy
import importlib.util
import json
import math
import re
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parent.parent / "sample_reports"
spec = importlib.util.spec_from_file_location("make_samples", FOLDER / "make.py")
make_samples = sys.modules["make_samples"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(make_samples)

NAMES = [sample.name for sample in make_samples.SAMPLES]


@pytest.mark.parametrize("script", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_the_scripts_are_python(script):
    compile(script.read_text("utf-8"), script.name, "exec")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    out = tmp_path_factory.mktemp("samples")
    make_samples.make(out)
    return out


def same(a, b, where=""):
    """Equal but for the last bits of floats, versions and hashes."""
    if isinstance(a, dict):
        assert list(a) == list(b), where
        for key in a:
            if key not in ("versions", "data_fingerprint", "files"):
                same(a[key], b[key], f"{where}.{key}")
    elif isinstance(a, list):
        assert len(a) == len(b), where
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            same(x, y, f"{where}[{i}]")
    elif isinstance(a, float) or isinstance(b, float):
        assert math.isclose(a, b, rel_tol=1e-9), (where, a, b)
    else:
        assert a == b, where


def scrubbed(path):
    """The page without image data, versions, hashes, and what depends on their lengths."""
    html = path.read_text("ascii")
    html = re.sub(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+", "data:image", html)
    html = re.sub(r"\b\d+\.\d+(\.\d+)?(\+\w+)?\b(?=</)", "VERSION", html)
    html = re.sub(r"\b[0-9a-f]{64}\b|sha256-[A-Za-z0-9+/=]+", "HASH", html)
    return re.sub(r'\b(width|height)="\d+"', r'\1="N"', html)


WITH_TABLES = [name for name in NAMES if name != "thousand-classes"]  # its tables are not kept


@pytest.mark.parametrize("name", WITH_TABLES)
def test_the_numbers_are_those_that_are_committed(made, name):
    a, b = (json.loads((root / name / "report.json").read_text()) for root in (FOLDER, made))
    same(a, b)


def libraries(path):
    """The versions of the libraries that drew the page."""
    return set(
        re.findall(
            r"\b(?:matplotlib|seaborn|jinja2)(?:&nbsp;|&#160;| )[\d.]+", path.read_text("ascii")
        )
    )


def words(page):
    """What a page says: other versions draw otherwise, and end floats in other digits."""
    return re.sub(r"\s+", " ", re.sub(r"<(script|style)\b.*?</\1>|<[^>]+>", " ", page, flags=re.S))


@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_the_one_that_is_committed(made, name):
    paths = [root / name / "report.html" for root in (FOLDER, made)]
    a, b = map(scrubbed, paths)
    assert libraries(paths[0])
    if libraries(paths[0]) != libraries(paths[1]):
        a, b = words(a), words(b)
    if a != b:  # a diff of whole pages takes minutes
        at = next(
            (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
        )
        near = slice(max(at - 200, 0), at + 200)
        pytest.fail(f"run `make samples`, and look at the page:\n{a[near]}\n{b[near]}")


@pytest.mark.parametrize("name", WITH_TABLES)
@pytest.mark.parametrize("table", ["per_class.csv", "confusion.csv", "pairs.csv"])
def test_the_tables_have_the_same_rows(made, name, table):
    a, b = ((root / name / table).read_text().splitlines() for root in (FOLDER, made))
    assert [line.split(",")[0] for line in a] == [line.split(",")[0] for line in b]


VERSION = re.compile(r"reportgen \d+\.\d+\.\d+\S*")


def parts_of(mail):
    """Headers and texts of the mail, without what follows from pictures, attachments and versions."""
    message = email.message_from_bytes(mail.read_bytes(), policy=email.policy.default)
    heads = [
        (name, value)
        for name, value in message.items()
        if name not in ("Message-ID", "Content-Type")
    ]
    texts = [message.get_body((kind,)).get_content() for kind in ("plain", "html")]
    kinds = [(one.get_content_type(), one.get_filename()) for one in message.walk()]
    scrub = re.compile(r"cid:matrix-[0-9a-f]{32}|(Model|Data) [0-9a-f]{12}")
    return heads, kinds, [VERSION.sub("reportgen", scrub.sub("", text)) for text in texts]


def test_the_mail_and_the_summary_are_those_that_are_committed(made):
    old, new = (root / "release-review" for root in (FOLDER, made))
    assert parts_of(old / "report.eml") == parts_of(new / "report.eml"), "run `make samples`"
    assert parts_of(old / "report.eml")[2][0].startswith("DO NOT SHIP")
    a, b = (VERSION.sub("", (one / "summary.md").read_text("utf-8")) for one in (old, new))
    assert re.sub("`[0-9a-f]{12}`", "", a) == re.sub("`[0-9a-f]{12}`", "", b), "run `make samples`"


def test_the_scrubbing_does_not_hide_the_numbers():
    html = scrubbed(FOLDER / "release-review/report.html")
    assert "89.3" in html
    assert "5,431" in html
    assert "1,159" in html
