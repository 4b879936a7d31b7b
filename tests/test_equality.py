"""What every reader gets is equal: verdict, reason and numbers, word for word and digit for digit, in
the page, the mail, the summary, JUnit, report.json, the notebook and the terminal.
"""

from __future__ import annotations

import email
import email.policy
import html
import json
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import numpy as np
import pytest
from junitparser import JUnitXml

import reportgen
from reportgen.api.checking import read_review
from reportgen.api.writing import report_of
from reportgen.cli import command
from reportgen.options import EvaluationOptions, InputOptions, PageOptions
from reportgen.rendering.summary_parts import change_text, range_text, value_text
from reportgen.report.words import share

CLASSES = ("ant", "bee", "cow", "sea horse")
GATES = {
    "DO NOT SHIP": 'metric = "recall"\neach_class = true\nat_least = 0.999\n',
    "SHIP": 'metric = "accuracy"\nat_least = 0.5\n',
    "INCONCLUSIVE": 'metric = "accuracy"\nat_least = 0.9\nconfident = true\nwhen_inconclusive = "fail"\n',
    "NO GATES SET": "",
}


def rows(n, right, seed):
    rng = np.random.default_rng(seed)
    label = np.arange(n) % len(CLASSES)
    answer = np.where(rng.random(n) < right, label, rng.integers(0, len(CLASSES), n))
    names = np.array(CLASSES, object)
    return {"id": [f"s{i}" for i in range(n)], "label": names[label], "prediction": names[answer]}


class Words(HTMLParser):
    """The text that is seen, with the description of the page, in one line."""

    def __init__(self, text):
        super().__init__()
        self.parts, self.hidden = [], False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.hidden = tag in ("style", "script")
        known = dict(attrs)
        if tag == "meta" and known.get("name") == "description":
            self.parts.append(known["content"])
        if tag in ("td", "th", "p", "li", "br", "h1", "h2", "tr", "div"):
            self.parts.append(" ")

    def handle_endtag(self, tag):
        self.hidden = False

    def handle_data(self, data):
        if not self.hidden:
            self.parts.append(data)


def flat(text):
    return re.sub(r"\s+", " ", re.sub("[\u200b\u2068\u2069]", "", text))


def seen(text):
    return flat("".join(Words(text).parts))


@pytest.fixture(scope="module", params=GATES)
def told(request, tmp_path_factory):
    """Each channel's text, and the report that they were made from."""
    folder = tmp_path_factory.mktemp("equal")
    out, gates = folder / "out", folder / "gates.toml"
    more = {}
    if GATES[request.param]:
        gates.write_text(f'[[gate]]\nname = "a gate"\n{GATES[request.param]}')
        more = {"gates": gates}
    comparison = reportgen.compare(
        rows(400, 0.8, 1), rows(400, 0.88, 2), out=out, summary=True, mail=True, classes=CLASSES,
        date="2026-11-29", **more,
    )  # fmt: skip
    message = email.message_from_bytes(
        (out / "report.eml").read_bytes(), policy=email.policy.default
    )
    summary = (out / "summary.md").read_text()
    review = read_review(out, InputOptions(), EvaluationOptions())
    return SimpleNamespace(
        verdict=request.param,
        out=out,
        report=report_of(review, None, PageOptions()),
        subject=message["Subject"],
        texts={
            "page": seen((out / "report.html").read_text()),
            "mail": seen(message.get_body(("html",)).get_content()),
            "mail's text": flat(message.get_body(("plain",)).get_content()),
            "summary": flat(html.unescape(re.sub(r"<[^>]*>|\*\*", "", summary))).replace("\\", ""),
            "notebook": seen(comparison._repr_html_()),
        },
    )


def test_the_verdict_and_its_reason_are_one_sentence_everywhere(told, capsys):
    document = json.loads((told.out / "report.json").read_text())
    verdict, reason = document["verdict"] or "NO GATES SET", str(told.report.verdict.reason)
    assert verdict == told.verdict == told.report.verdict.word
    assert document["reason"] == (reason if document["checks"] else "No gates are set.")
    assert told.subject.startswith(f"[{verdict}] ")
    for channel, text in told.texts.items():
        assert verdict in text, channel
        assert flat(reason) in text, channel


def test_gates_are_told_in_the_same_words(told):
    if told.verdict == "NO GATES SET":
        assert not (told.out / "junit.xml").exists()
        return
    document = json.loads((told.out / "report.json").read_text())
    (suite,) = JUnitXml.fromfile(str(told.out / "junit.xml"))
    assert [one.value for one in suite.properties()] == [told.verdict]
    assert suite._elem.find("system-out").text == document["reason"]
    assert suite.failures == sum(check["blocks"] for check in document["checks"])
    (row,) = told.report.gates.rows
    (check,) = document["checks"]
    assert check["sentence"] == row.sentence
    if row.status != "passed":
        assert next(iter(suite)).result[0].message == row.sentence
    for channel in ("page", "mail", "mail's text", "summary"):
        text = told.texts[channel]
        for one in (str(row.name), row.value, row.range, row.margin, row.required):
            assert flat(one) in text, (channel, one)
        assert row.status == "passed" or flat(row.detail) in text, channel


def test_key_metrics_have_the_same_digits(told):
    document = json.loads((told.out / "report.json").read_text())
    for tile in told.report.headline.tiles:
        for channel, text in told.texts.items():
            assert value_text(tile) in text, channel
            assert range_text(tile.cell, tile.unit) in text, channel
            assert flat(change_text(tile.change)) in text, channel
            assert tile.change.word in text, channel
    accuracy = told.report.headline.tiles[0]
    assert value_text(accuracy) == share(document["summary"]["accuracy"]["value"])
    change = document["comparison"]["summary"]["accuracy"]["difference"]
    assert change_text(accuracy.change) == f"{100 * change:+.1f}\u00a0pp".replace("-", "−")


def test_findings_steps_and_warnings_are_the_same_sentences(told):
    report = told.report
    for channel in ("page", "mail", "mail's text", "summary"):
        for one in (*report.findings[:3], *report.steps):
            assert flat(f"{one.head} {one.body}") in told.texts[channel], (channel, one)
        for sentence in report.cautions:
            assert flat(sentence) in told.texts[channel], channel


def test_the_terminal_says_the_same(told, capsys):
    if told.verdict != "NO GATES SET":
        command(["check", str(told.out), "--gates", str(told.out.parent / "gates.toml")])
        assert f"verdict: {told.verdict}. {told.report.verdict.reason}" in capsys.readouterr().out
