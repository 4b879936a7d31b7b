"""junit.xml: what services read of the gates."""

import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportgen.gates import NO_GATES, Check, Decision, Gate, decide, parse_gates
from reportgen.rendering import junit
from tests.factories import HOSTILE, cifar


def check(
    name="floor", status="passed", *, blocks=False, sentence="Accuracy is 84.5%.", severity="block"
):
    gate = Gate(name, 0.8, "accuracy", "at_least", severity=severity)
    return Check(gate, "accuracy at least 80%", status, blocks, 0.845, None, "", sentence)


def suite(*checks, verdict="SHIP"):
    text = junit.render_junit(Decision(verdict, "Because.", checks), "candidate")
    root = ElementTree.fromstring(text.encode("utf-8"))
    return text, root.find("testsuite")


def test_each_outcome_is_a_case_of_its_kind():
    _, found = suite(
        check("a"),
        check("b", "failed", blocks=True, sentence="Accuracy is 70%."),
        check("c", "inconclusive", blocks=True),
        check("d", "failed", severity="warn", sentence="Too low."),
        check("e", "inconclusive"),
        check("f", "not applicable", sentence="Does not apply."),
        check("g", "not applicable", blocks=True),
    )
    kinds = {case.get("name"): [child.tag for child in case] for case in found.iter("testcase")}
    assert kinds == {
        "a": [], "b": ["failure"], "c": ["failure"], "d": ["system-out"], "e": ["system-out"],
        "f": ["skipped"], "g": ["failure"],
    }  # fmt: skip
    types = [failure.get("type") for failure in found.iter("failure")]
    assert types == ["failed", "inconclusive", "not-applicable"]
    assert {key: found.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "7", "failures": "3", "errors": "0", "skipped": "1",
    }  # fmt: skip
    assert found.find("testcase[@name='b']/failure").get("message") == "Accuracy is 70%."
    assert found.find("testcase[@name='d']/system-out").text == "Warning: Too low."


def test_the_measured_value_stands_in_messages_alone():
    rule = '[[gate]]\nname = "floor"\nmetric = "accuracy"\nat_least = {}'
    names = set()
    for limit in (0.1, 0.95):
        text = junit.render_junit(decide(parse_gates(rule.format(limit)), cifar()), "candidate")
        names.update(re.findall(r"<testcase ([^>]*?)/?>", text))
    assert names == {'classname="reportgen.gates" name="floor"'}


def test_the_file_has_no_clock_and_is_the_same_each_time():
    decision = decide(
        parse_gates('[[gate]]\nname = "f"\nmetric = "accuracy"\nat_least = 0.9'), cifar()
    )
    text = junit.render_junit(decision, "candidate")
    assert text == junit.render_junit(decision, "candidate")
    assert "time" not in text
    assert text == (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<testsuites tests="1" failures="1" errors="0" skipped="0">\n'
        '  <testsuite name="candidate" tests="1" failures="1" errors="0" skipped="0">\n'
        "    <properties>\n"
        '      <property name="verdict" value="DO NOT SHIP"/>\n'
        "    </properties>\n"
        '    <testcase classname="reportgen.gates" name="f">\n'
        '      <failure type="failed" message="Accuracy is 84.5% (required ≥ 90%).">'
        "Accuracy is 84.5% (required ≥ 90%). Required: accuracy ≥ 90%."
        "</failure>\n"
        "    </testcase>\n"
        "    <system-out>The gate failed: accuracy is 84.5% (required ≥ 90%)."
        "</system-out>\n"
        "  </testsuite>\n"
        "</testsuites>\n"
    )


def test_no_gates_are_a_suite_without_cases_that_says_so():
    text = junit.render_junit(NO_GATES, "candidate")
    assert 'tests="0"' in text
    assert "No gates are set." in text


def test_names_that_become_the_same_stay_apart():
    _, found = suite(check("a\x00"), check("a\\x00"), check("a\\x00 (2)"), check("\ufffe"))
    names = [case.get("name") for case in found.iter("testcase")]
    assert names == ["a\\x00", "a\\x00 (2)", "a\\x00 (2) (2)", "\\ufffe"]


@pytest.mark.parametrize("name", [*HOSTILE, "a\"b'c<d>&e", "]]>", "\ud800", "\x0b\uffff\t\n"])
def test_hostile_names_are_text(name):
    text, found = suite(check(name, "failed", blocks=True, sentence=name))
    (case,) = found.iter("testcase")
    assert case.get("name") == case.find("failure").get("message")
    assert [child.tag for child in case] == ["failure"]
    assert text.encode("utf-8").decode("utf-8") == text
    if name.isprintable():
        assert case.get("name") == name


@given(st.text(), st.text())
def test_any_names_give_xml_that_is_read_back(name, sentence):
    text, found = suite(check(name, "failed", blocks=True, sentence=sentence), check(name))
    assert len({case.get("name") for case in found.iter("testcase")}) == 2
    assert re.search("[\x00-\x08\x0b-\x1f\ufffe\uffff]", text) is None


def test_junitparser_reads_it(tmp_path):
    junitparser = pytest.importorskip("junitparser")
    text, _ = suite(check("a"), check("b", "failed", blocks=True))
    (tmp_path / "junit.xml").write_text(text, "utf-8")
    read = junitparser.JUnitXml.fromfile(str(tmp_path / "junit.xml"))
    assert (read.tests, read.failures) == (2, 1)
