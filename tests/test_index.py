"""A site of reports: it grows by what is new, is bounded, and says of each report what that says."""

from __future__ import annotations

import html
import json
import re
import shutil
import time
from dataclasses import replace

import pytest

import reportgen
from reportgen.errors import DataError, OutputError, UsageError
from reportgen.gates import NO_GATES
from reportgen.provenance import ModelFacts, Provenance
from reportgen.rendering import render_site
from reportgen.rendering.json import render as report_text
from reportgen.review import Review, SiteReport, UnreadableReport, read_index
from tests.factories import HOSTILE, make_evaluation
from tests.rendering.reports import NAMES
from tests.test_cli import reportgen as command

COUNTS = [[8, 2], [1, 9]]


def review(counts=COUNTS, *, model="net", version="1", data="cats", date="", title="", verdict=""):
    provenance = Provenance(
        "predictions", title=title, date=date, model=ModelFacts(name=model, version=version),
        data_name=data,
    )  # fmt: skip
    decision = replace(NO_GATES, verdict=verdict) if verdict else NO_GATES
    return Review(make_evaluation(counts, ("cat", "dog"), provenance=provenance), None, decision)


def report(folder, page="<p>page</p>", **facts):
    """A report's folder, with a page that is quick to make."""
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(report_text(review(**facts)))
    if page:
        (folder / "report.html").write_text(page)
    return folder


def all_files(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_real_report_is_copied_without_what_names_samples(tmp_path):
    (tmp_path / "t.csv").write_text("id,label,prediction\n1,a,a\n2,b,a\n3,b,b\n")
    reportgen.render(tmp_path / "t.csv", out=tmp_path / "runs/dir", layout="dir")
    report(tmp_path / "runs/file")
    for name in ("predictions.parquet", "bad.csv"):
        (tmp_path / "runs/file" / name).write_text("names of samples")
    site = reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    kept = {one.entry.name: tmp_path / "site" / one.page for one in site.reports}
    assert sorted(all_files(kept["file"].parent)) == ["report.html", "report.json"]
    copied = all_files(kept["dir"].parent)
    assert {"index.html", "report.json", "report_files/report.css"} <= set(copied)
    assert "errors.csv" not in copied
    assert copied.items() <= all_files(tmp_path / "runs/dir").items()


def test_adding_a_report_twice_changes_nothing(tmp_path):
    report(tmp_path / "runs/a")
    first = reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    before = all_files(tmp_path / "site")
    second = reportgen.index([tmp_path / "runs", tmp_path / "runs/a"], out=tmp_path / "site")
    assert all_files(tmp_path / "site") == before
    assert (len(first.added), len(second.added)) == (1, 0)
    assert first.reports == second.reports == read_index(tmp_path / "site")


def test_a_page_that_was_made_again_takes_the_place_of_its_copy(tmp_path):
    place = report(tmp_path / "runs/a", page="<p>old</p>")
    reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    (place / "report.html").write_text("<p>new</p>")
    [one] = reportgen.index(tmp_path / "runs", out=tmp_path / "site").reports
    assert (tmp_path / "site" / one.page).read_text() == "<p>new</p>"


def test_newest_come_first_by_their_date_and_those_without_one_last(tmp_path):
    for name, date in (("a", ""), ("b", "2026-03-01"), ("c", "2026-11-02"), ("d-9", ""), ("d-10", "")):  # fmt: skip
        report(tmp_path / "runs" / name, date=date, version=name)
    site = reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    assert [one.entry.version for one in site.reports] == ["c", "b", "d-10", "d-9", "a"]
    report(tmp_path / "more/e", version="e")
    report(tmp_path / "more/f", version="f", date="20260401")
    site = reportgen.index(tmp_path / "more", out=tmp_path / "site")
    assert [one.entry.version for one in site.reports] == ["c", "f", "b", "e", "d-10", "d-9", "a"]


def test_the_oldest_copies_go_and_their_rows_stay(tmp_path):
    for day in range(1, 6):
        report(tmp_path / f"runs/{day}", date=f"2026-01-0{day}", version=f"v{day}")
    site = reportgen.index(tmp_path / "runs", out=tmp_path / "site", keep=4)
    assert [bool(one.page) for one in site.reports] == [True] * 4 + [False]
    stranger = tmp_path / "site/reports/notes"
    stranger.mkdir()
    site = reportgen.index(tmp_path / "site", out=tmp_path / "site", keep=2)
    left = {path.name for path in (tmp_path / "site/reports").iterdir()}
    assert left == {"notes", *(one.id for one in site.reports[:2])}
    page = (tmp_path / "site/index.html").read_text()
    assert "The pages of 2 are kept." in page
    assert (page.count('href="reports/'), len(re.findall(r"net v\d", page))) == (2, 5)
    again = reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    assert all(one.page for one in again.reports), "a larger --keep takes them again"


def test_a_damaged_report_is_listed_and_stops_nothing(tmp_path):
    report(tmp_path / "runs/good")
    for name, text in (("torn", '{"classes": ['), ("other", '{"tests": 3}'), ("empty", "")):
        (tmp_path / "runs" / name).mkdir()
        (tmp_path / "runs" / name / "report.json").write_text(text)
    (tmp_path / "runs/link").mkdir()
    (tmp_path / "runs/link/report.json").symlink_to(tmp_path / "runs/good/report.json")
    site = reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    assert len(site.reports) == 1
    assert [one.folder for one in site.unreadable] == [
        "runs/empty", "runs/link", "runs/other", "runs/torn",
    ]  # fmt: skip
    page = (tmp_path / "site/index.html").read_text()
    assert "Unreadable reports" in page
    assert all(f"runs/{name}" in page for name in ("torn", "other", "empty", "link"))


def test_a_page_that_is_a_link_is_not_copied(tmp_path):
    place = report(tmp_path / "runs/a", page="")
    (tmp_path / "secret").write_text("not for the site")
    (place / "report.html").symlink_to(tmp_path / "secret")
    [one] = reportgen.index(tmp_path / "runs", out=tmp_path / "site").reports
    assert one.page == ""
    assert not (tmp_path / "site/reports").exists()


def test_the_site_may_stand_among_the_reports_and_baselines_are_not_reports(tmp_path):
    place = report(tmp_path / "runs/a")
    reportgen.save_baseline(place, "main", folder=tmp_path / "runs/reportgen-baselines")
    for out in (tmp_path / "runs/site", tmp_path / "runs"):
        for _ in range(2):
            assert len(reportgen.index(tmp_path / "runs", out=out).reports) == 1


def test_rows_of_another_site_are_taken_over(tmp_path):
    report(tmp_path / "one/a", version="1", date="2026-01-01")
    report(tmp_path / "one/b", version="2", date="2026-01-02")
    reportgen.index(tmp_path / "one", out=tmp_path / "first", keep=1)
    report(tmp_path / "two/c", version="3", date="2026-01-03")
    site = reportgen.index([tmp_path / "first", tmp_path / "two"], out=tmp_path / "second")
    assert [(one.entry.version, bool(one.page)) for one in site.reports] == [
        ("3", True), ("2", True), ("1", False),
    ]  # fmt: skip


@pytest.mark.parametrize("number", ["Infinity", "-Infinity", "NaN", "1e999", "9" * 5000])
def test_a_number_that_is_none_in_the_memory_of_a_site_is_refused(tmp_path, number):
    report(tmp_path / "runs/a")
    reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    path = tmp_path / "site/index.json"
    [n] = re.findall(r'"n_samples": (\d+)', path.read_text())
    path.write_text(path.read_text().replace(f'"n_samples": {n}', f'"n_samples": {number}'))
    with pytest.raises(DataError) as caught:
        read_index(tmp_path / "site")
    assert caught.value.slug == "index-damaged"


def test_a_site_whose_memory_is_lost_is_made_again_from_its_copies(tmp_path):
    report(tmp_path / "runs/a")
    before = reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    (tmp_path / "site/index.json").write_text('{"schema_version": 1, "reports": [{"id": "x"}]}')
    with pytest.raises(DataError) as caught:
        reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    assert caught.value.slug == "index-damaged"
    (tmp_path / "site/index.json").unlink()
    words = caught.value.hint.partition(": ")[2].split()[1:]
    assert command(*words, cwd=tmp_path).returncode == 0
    [one] = read_index(tmp_path / "site")
    assert (one.id, one.page) == (before.reports[0].id, before.reports[0].page)


@pytest.mark.parametrize("page", ["javascript:alert(1)", "reports/../../secret", "/etc/passwd"])
def test_an_index_that_leads_elsewhere_is_damaged(tmp_path, page):
    report(tmp_path / "runs/a")
    reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    index = tmp_path / "site/index.json"
    text = json.loads(index.read_text())
    text["reports"][0]["page"] = page
    index.write_text(json.dumps(text))
    with pytest.raises(DataError, match="not what reportgen writes"):
        read_index(tmp_path / "site")


def test_what_a_later_version_wrote_into_a_row_stays(tmp_path):
    report(tmp_path / "runs/a")
    reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    index = tmp_path / "site/index.json"
    text = json.loads(index.read_text())
    text["reports"][0]["colour"] = "blue"
    index.write_text(json.dumps(text))
    reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    assert json.loads(index.read_text())["reports"][0]["colour"] == "blue"


def test_an_address_makes_whole_addresses_in_the_index(tmp_path):
    report(tmp_path / "runs/a")
    done = command(
        "index", "runs", "-o", "site", "--base-url", "https://example.org/r", cwd=tmp_path
    )
    [row] = json.loads((tmp_path / "site/index.json").read_text())["reports"]
    assert row["url"] == f"https://example.org/r/{row['page']}"
    assert done.stdout.splitlines() == [
        f"report: {row['url']}", "site: site/index.html (1 report, 1 new)",
    ]  # fmt: skip
    assert 'href="reports/' in (tmp_path / "site/index.html").read_text(), "it can be moved"


@pytest.mark.parametrize(
    ("options", "slug", "kind"),
    [
        ({"base_url": "ftp://x"}, "option-value", UsageError),
        ({"base_url": "https://x/a b"}, "option-value", UsageError),
        ({"keep": 0}, "option-value", UsageError),
        ({"source": "nowhere"}, "index-folder", DataError),
        ({"source": "bare"}, "index-empty", DataError),
        ({"source": "s3://bucket/runs"}, "remote-path", UsageError),
        ({"out": "bare"}, "output-exists", OutputError),
    ],
)
def test_what_is_refused(tmp_path, monkeypatch, options, slug, kind):
    monkeypatch.chdir(tmp_path)
    report(tmp_path / "runs/a")
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare/index.html").write_text("somebody's page")
    with pytest.raises(kind) as caught:
        reportgen.index(options.pop("source", "runs"), **{"out": "site", **options})
    assert caught.value.slug == slug
    assert not (tmp_path / "site").exists()
    assert all_files(tmp_path / "bare") == {"index.html": b"somebody's page"}
    reportgen.index("runs", out="bare", force=True)


def test_a_replacement_that_was_stopped_is_finished_before_it_is_copied(tmp_path):
    from reportgen.replacement import UNFINISHED

    place = report(tmp_path / "runs/a", page="<p>old</p>")
    new = place / UNFINISHED / "new"
    new.mkdir(parents=True)
    (new / "report.html").write_text("<p>new</p>")
    (place / UNFINISHED / "journal.json").write_text('{"put": ["report.html"], "remove": []}')
    [one] = reportgen.index(tmp_path / "runs", out=tmp_path / "site").reports
    assert (tmp_path / "site" / one.page).read_text() == "<p>new</p>"


# The page


def site_report(number=0, **facts):
    return SiteReport.of(f"{number:016x}", "out", review(**facts))


def with_page(one):
    return replace(one, page=one.page_at("report.html"))


def test_a_row_says_what_its_report_says():
    page = render_site(
        [with_page(site_report(date="2026-05-01", verdict="DO NOT SHIP", title="Weekly", data="x"))]
    )
    row = re.search(r"<tbody>\n(.*)\n</tbody>", page, re.DOTALL)[1]
    text = html.unescape(re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", row))).strip()
    low, high = review().evaluation.summary["accuracy"].interval
    span = f"{100 * low:.1f}–{100 * high:.1f}%"
    assert text == f"1 net 1 Weekly 2026-05-01 DO NOT SHIP x 20 85.0% {span} 80.0% cat"
    assert 'href="reports/0000000000000000/report.html"' in row


def test_a_matrix_of_proportions_has_a_row_without_samples(tmp_path):
    (tmp_path / "m.csv").write_text(",a,b\na,0.9,0.1\nb,0.2,0.8\n")
    reportgen.render(tmp_path / "m.csv", out=tmp_path / "runs/m", normalised="true")
    [one] = reportgen.index(tmp_path / "runs", out=tmp_path / "site").reports
    assert one.entry.n_samples == 0
    assert '<td class="num" data-l="Samples">n/a</td>' in (tmp_path / "site/index.html").read_text()


def test_trends_are_of_one_model_on_one_data_set_and_broken_where_samples_changed():
    rows = [
        site_report(4, model="b", counts=[[9, 1], [0, 10]]),
        site_report(3, model="a", counts=[[19, 1], [0, 10]]),
        site_report(2, model="a"),
        site_report(1, model="b"),
        site_report(0, model="a", data="others"),
    ]
    page = render_site(rows)
    sections = re.findall(r'<section class="of (m\d)( further)?".*?</section>', page, re.DOTALL)
    assert sections == [("m0", ""), ("m1", " further")]
    first, second = re.findall(r'<section class="of.*?</section>', page, re.DOTALL)
    assert "the data set changed" not in first
    assert "the data set changed" in second
    assert [re.findall(r">(\d+)</text>", one)[-2:] for one in (first, second)] == [["2", "5"], ["3", "4"]]  # fmt: skip


def test_hostile_names_are_text_and_nothing_else():
    rows = [
        with_page(site_report(i, model=evil, version=HOSTILE[0], data=evil, title=evil, date=evil, verdict=evil))
        for i, evil in enumerate(NAMES)
    ]  # fmt: skip
    page = render_site(rows, [UnreadableReport(HOSTILE[1], HOSTILE[0])])
    page.encode("ascii")
    body = page.partition("</style>")[2]
    assert not re.findall(r"<(?:script|img)", body)
    assert not [
        link for link in re.findall(r'href="([^"]*)"', body) if not link.startswith("reports/")
    ]
    assert "default-src &#39;none&#39;" in page
    assert "script-src &#39;none&#39;" in page


def test_a_thousand_reports_make_a_page_of_one_megabyte_at_most():
    longest = {"model": "m" * 300, "data": "d" * 300, "title": "t" * 300}
    few = [site_report(i, date="2026-01-01", version="v" * 300, **longest) for i in range(3)]
    rows = [with_page(replace(few[i % 3], id=f"{i:016x}")) for i in range(1200)]
    began = time.process_time()
    page = render_site(rows)
    assert time.process_time() - began < 4
    assert len(page) <= 1_000_000
    assert page.count("<tr") == 1001
    assert "The newest 1,000 are listed; index.json has all." in page
    assert "The last 100 of 1200 reports." in page


def test_a_copy_of_the_site_elsewhere_is_the_same(tmp_path):
    report(tmp_path / "runs/a")
    shutil.copytree(tmp_path / "runs", tmp_path / "elsewhere/runs")
    reportgen.index(tmp_path / "runs", out=tmp_path / "site")
    reportgen.index(tmp_path / "elsewhere/runs", out=tmp_path / "elsewhere/site")
    assert all_files(tmp_path / "site") == all_files(tmp_path / "elsewhere/site")
