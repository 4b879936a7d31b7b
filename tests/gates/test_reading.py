"""gates.toml: every wrong one has a message that says where, what, and what is meant instead."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reportgen.errors import ReportgenError, UsageError
from reportgen.gates import Gate, check_gates, fail_under, parse_gates, read_gates

FLOOR = '[[gate]]\nname = "floor"\nmetric = "accuracy"\n'


def floor(rest):
    return FLOOR + rest


def gate(text):
    (only,) = parse_gates(text)
    return only


def refusal(function, *arguments, **keywords):
    with pytest.raises(UsageError) as found:
        function(*arguments, **keywords)
    assert found.value.exit_code == 2
    return found.value


# What is read


ISSUE = """
[[gate]]
name = "accuracy floor"
metric = "accuracy"
at_least = 0.90            # compares the raw value; `confident = true` compares the lower bound
[[gate]]
name = "no class below 70% recall"
metric = "recall"
each_class = true
at_least = 0.70
[[gate]]
name = "not worse than production"
metric = "accuracy"
not_worse_by = 0.005       # non-inferiority, one-sided 95%
[[gate]]
name = "no class significantly worse"
metric = "recall"
each_class = true
no_harm = true             # fails only on Holm-adjusted evidence
max_drop = 0.02
[[gate]]
name = "these must never be confused"
pair = ["cat", "dog"]
at_most_share = 0.02
"""


def test_a_gate_of_each_kind_is_read():
    assert parse_gates(ISSUE) == (
        Gate("accuracy floor", 0.9, "accuracy", "at_least", 1),
        Gate("no class below 70% recall", 0.7, "recall", "at_least", 2, each_class=True),
        Gate("not worse than production", 0.005, "accuracy", "not_worse_by", 3),
        Gate("no class significantly worse", 0.02, "recall", "no_harm", 4, each_class=True,
             when_inconclusive="warn"),
        Gate("these must never be confused", 0.02, "", "at_most_share", 5, pair=("cat", "dog")),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rest", "changes"),
    [
        ('at_least = "90%"', {"limit": 0.9}),
        ('at_least = " 94.9% "', {"limit": 0.949}),
        ("at_least = 1", {"limit": 1.0}),
        ("at_least = 0.9\nconfident = true", {"limit": 0.9, "confident": True}),
        ('at_least = 0.9\nslice = " camera = north=east "',
         {"limit": 0.9, "slice": ("camera", "north=east")}),
        ('at_least = 0.9\nseverity = "warn"\nwhen_inconclusive = "warn"',
         {"limit": 0.9, "severity": "warn", "when_inconclusive": "warn"}),
        ("at_least = 0.9\neach_class = false", {"limit": 0.9}),
        ("no_harm = true", {"rule": "no_harm", "limit": 0.0, "when_inconclusive": "warn"}),
        ('no_harm = true\nwhen_inconclusive = "fail"', {"rule": "no_harm", "limit": 0.0}),
        ('not_worse_by = "50%"', {"rule": "not_worse_by", "limit": 0.5}),
    ],
)  # fmt: skip
def test_values_are_read_as_they_are_meant(rest, changes):
    expected = {"number": 1, "name": "floor", "metric": "accuracy", "rule": "at_least", **changes}
    assert gate(floor(rest)) == Gate(**expected)


@pytest.mark.parametrize("line", ['class = "cat"', 'classes = "cat"', 'class = ["cat", " cat "]'])
def test_a_class_may_be_a_name_or_a_list(line):
    assert gate(f'[[gate]]\nname = "r"\nmetric = "recall"\nat_least = 0.7\n{line}').classes == (
        "cat",
    )


def test_a_byte_order_mark_and_windows_line_ends_change_nothing(tmp_path):
    path = tmp_path / "gates.toml"
    path.write_bytes(b"\xef\xbb\xbf" + ISSUE.replace("\n", "\r\n").encode())
    assert read_gates(path) == parse_gates(ISSUE)


def test_long_comments_of_dots_are_no_keys():
    assert gate(floor("at_least = 0.9 # " + "." * 200)).limit == 0.9


def test_one_line_gates_are_read():
    assert fail_under(["accuracy=0.9", " macro_f1 = 80% "]) == (
        Gate("--fail-under accuracy", 0.9, "accuracy", "at_least", 1),
        Gate("--fail-under macro_f1", 0.8, "macro_f1", "at_least", 2),
    )


# What is refused

RECALL = '[[gate]]\nname = "r"\nmetric = "recall"\neach_class = true\n'
PAIR = '[[gate]]\nname = "p"\n'

WRONG = [
    # text, slug, message, hint
    ("", "gates-empty", '"gates.toml" contains no gate: 0 gates would be checked', "omit --gates"),
    ("# nothing\n", "gates-empty", "contains no gate", "write a gate"),
    ("gate = []", "gates-empty", "contains no gate", ""),
    ("[[gates]]\nname = 1", "gates-key", 'no key "gates" outside of a gate', "did you mean [[gate]]?"),
    ("[gate]\nname = 'x'", "gates-key", "[gate] is one table, not a list", "[[gate]], with two brackets"),
    ("gate = 3", "gates-key", "gate is not a list of tables", "[[gate]]"),
    ("accuracy = 0.9", "gates-key", 'no key "accuracy" outside', "below a line [[gate]]"),
    (floor("at_least = 0.9\nat_least = 0.8"), "gates-syntax", '"gates.toml", line 5, column 15', "twice"),
    (floor("at_least = 90%"), "gates-syntax", "line 4, column 14: Expected newline", "docs/gates.md"),
    (floor("at_least = nine"), "gates-syntax", "line 4, column 12: Invalid value", 'percentages too: "90%"'),
    (floor('slice = "camera'), "gates-syntax", "line 4, column", ""),
    (floor("at_least = " + "9" * 5000), "gates-syntax", "Exceeds the limit", ""),
    ("x = " + "[" * 100_000, "gates-syntax", "nested too deeply", ""),
    ("a." * 50_000 + "a = 1", "gates-syntax", "line 1: a key of over 32 parts", ""),
    (floor("at_leats = 0.9"), "gates-key", 'gate 1 ("floor"): there is no key "at_leats"', "did you mean at_least?"),
    (floor("xyzzy = 0.9"), "gates-key", 'there is no key "xyzzy"', "the keys are name, metric"),
    ('[[gate]]\nmetric = "accuracy"\nat_least = 0.9', "gates-key", "gate 1: it has no name", "name ="),
    ('[[gate]]\nname = " "\nmetric = "accuracy"\nat_least = 0.9', "gates-value", 'name = " " is empty', ""),
    ("[[gate]]\nname = 7\nat_least = 0.9", "gates-value", "gate 1: name = 7 is not a string", 'name = "…"'),
    (f'[[gate]]\nname = "{"x" * 201}"\nat_least = 0.9', "gates-value", "over 200 characters", ""),
    (floor("at_least = 0.9") + "\n" + floor("at_least = 0.8"), "gates-key",
     'gate 2 ("floor"): gate 1 has the same name', "a unique name"),
    (floor("at_least = 0.9") + "\n" + floor("at_least = 0.8").replace('"floor"', '" floor"'), "gates-key",
     "gate 1 has the same name", ""),
    ('[[gate]]\nname = "x"\nat_least = 0.9', "gates-key", "it has no metric", 'metric = "accuracy"'),
    (floor(""), "gates-key", "it has no rule", "at_least, at_most, not_worse_by, no_harm, at_most_share"),
    (floor("max_drop = 0.1"), "gates-key", "max_drop requires no_harm", "no_harm = true"),
    (floor("at_least = 0.9\nmax_drop = 0.1"), "gates-key", "max_drop cannot be combined with at_least", "no_harm"),
    (floor("at_least = 0.9\nno_harm = true"), "gates-key", "it has 2 rules: at_least, no_harm", "one gate for each"),
    # numbers
    (floor("at_least = 90"), "gates-value", "at_least = 90 is over 1", 'did you mean 0.9 or "90%"?'),
    (floor("at_least = 90.5"), "gates-value", "at_least = 90.5", 'did you mean 0.905 or "90.5%"?'),
    (floor("at_least = 900"), "gates-value", "must be between 0 and 1", ""),
    (floor("at_least = -0.1"), "gates-value", "out of range", ""),
    (floor('at_least = "90"'), "gates-value", 'at_least = "90" is not a number', '"90%"'),
    (floor('at_least = "190%"'), "gates-value", "out of range", ""),
    (floor('at_least = "nan%"'), "gates-value", "is not a number", ""),
    (floor("at_least = nan"), "gates-value", "at_least = nan is not a finite number", ""),
    (floor("at_least = inf"), "gates-value", "at_least = inf is not a finite number", ""),
    (floor("at_least = 1e400"), "gates-value", "is not a finite number", ""),
    (floor("at_least = 1" + "0" * 400), "gates-value", "a number of over 40 digits is not a finite", ""),
    (floor("at_least = true"), "gates-value", "at_least = true is not a number", ""),
    (floor("at_least = [0.9]"), "gates-value", "at_least = [0.9] is not a number", ""),
    (floor("at_least = 2026-01-01"), "gates-value", "at_least = 2026-01-01 is not a number", ""),
    (floor("not_worse_by = 0"), "gates-value", "leaves no margin", "0.005, or no_harm = true"),
    (floor("not_worse_by = 0.5"), "gates-value", "would allow a loss of 50 pp", 'did you mean 0.005 or "0.5%"?'),
    (floor("not_worse_by = 1.5"), "gates-value", "over 1", 'did you mean 0.015 or "1.5%"?'),
    (floor("not_worse_by = -0.005"), "gates-value", "out of range", ""),
    (floor("no_harm = true\nmax_drop = 2"), "gates-value", "max_drop = 2 is over 1", '"2%"'),
    (floor("no_harm = false"), "gates-value", "no_harm = false is not true", "remove the gate"),
    (floor("no_harm = 0.02"), "gates-value", "no_harm = 0.02 is not true", "no_harm = true"),
    ('[[gate]]\nname = "l"\nmetric = "log_loss"\nat_most = "50%"', "gates-value", "cannot be a percentage", "a number"),
    ('[[gate]]\nname = "l"\nmetric = "brier_score"\nat_most = 3', "gates-value", "between 0 and 2", ""),
    ('[[gate]]\nname = "l"\nmetric = "ece"\nat_most = 5', "gates-value", "at_most = 5 is over 1", '0.05 or "5%"'),
    # figures
    (floor("at_least = 0.9").replace("accuracy", "acuracy"), "gates-metric", 'there is no metric "acuracy"', "did you mean accuracy?"),
    (floor("at_least = 0.9").replace("accuracy", "xyzzy"), "gates-metric", 'there is no metric "xyzzy"', "the metrics are accuracy"),
    (floor("at_least = 0.9\neach_class = true"), "gates-metric", "there is no accuracy of a class", "use recall"),
    (RECALL.replace("each_class = true", "at_least = 0.7"), "gates-metric", '"recall" is a per-class metric', "macro_recall"),
    ('[[gate]]\nname = "x"\nmetric = "ece"\nat_most = 0.1\nclass = "a"', "gates-metric", "is an overall metric", "the metrics are precision"),
    ('[[gate]]\nname = "x"\nmetric = "ece"\nat_most = 0.1\nslice = "a=b"', "gates-metric", 'no metric "ece" of a slice', "accuracy, balanced_accuracy, macro_f1"),
    ('[[gate]]\nname = "x"\nmetric = "no_information_rate"\nat_least = 0.1', "gates-metric", "describes the data", ""),
    ('[[gate]]\nname = "x"\nmetric = "mce"\nnot_worse_by = 0.1', "gates-metric", "mce is not compared with a baseline", "accuracy, balanced_accuracy, macro_f1, log_loss, ece"),
    ('[[gate]]\nname = "x"\nmetric = "macro_f1"\nslice = "a=b"\nno_harm = true', "gates-metric", "macro_f1 is not compared with a baseline of a slice", "accuracy"),
    ('[[gate]]\nname = "x"\nmetric = "log_loss"\nat_least = 0.1', "gates-key", "log_loss is better when it is low", "at_most"),
    (floor("at_most = 0.9"), "gates-key", "accuracy is better when it is high", "write at_least"),
    (floor("not_worse_by = 0.1\nconfident = true"), "gates-key", "confident cannot be combined with not_worse_by", "omit it"),
    (floor('at_least = 0.9\nconfident = "yes"'), "gates-value", 'confident = "yes" is neither true nor false', "without quotes"),
    (floor("at_least = 0.9\neach_class = 1"), "gates-value", "each_class = 1 is neither true nor false", ""),
    (floor("at_least = 0.9\nmetric = 1").replace('metric = "accuracy"\n', ""), "gates-value", "metric = 1 is not a string", ""),
    # words
    (floor('at_least = 0.9\nseverity = "blok"'), "gates-value", 'severity = "blok" is not one of block, warn', 'did you mean "block"?'),
    (floor("at_least = 0.9\nseverity = 1"), "gates-value", "severity = 1 is not one of", ""),
    (floor('at_least = 0.9\nwhen_inconclusive = "pass"'), "gates-value", "not one of fail, warn", ""),
    (floor('at_least = 0.9\nslice = "camera"'), "gates-value", 'slice = "camera" is not a slice', 'slice = "column=value"'),
    (floor('at_least = 0.9\nslice = "=north"'), "gates-value", "is not a slice", ""),
    (floor('at_least = 0.9\nslice = "a=b"\npair = ["a", "b"]'), "gates-key", "slice and pair cannot be combined", "one gate for each"),
    (RECALL + 'at_least = 0.9\nslice = "a=b"', "gates-key", "each_class and slice cannot be combined", ""),
    (RECALL + 'at_least = 0.9\nclass = "a"\nclasses = ["b"]', "gates-key", "class and classes are both given", "a list"),
    (RECALL + "at_least = 0.9\nclass = []", "gates-value", "class = [] is not a name, nor a list", 'class = "cat"'),
    (RECALL + "at_least = 0.9\nclasses = [1]", "gates-value", "classes = [1] is not a name", ""),
    (PAIR + 'pair = ["cat"]\nat_most_share = 0.1', "gates-value", 'pair = ["cat"] is not a list of two', '["true", "predicted"]'),
    (PAIR + 'pair = "cat"\nat_most_share = 0.1', "gates-value", "is not a list of two classes", ""),
    (PAIR + 'pair = ["cat", " cat"]\nat_most_share = 0.1', "gates-value", "names one class twice", "two classes"),
    (PAIR + 'pair = ["cat", "dog"]\nat_most_share = 2', "gates-value", "at_most_share = 2 is over 1", '0.02 or "2%"'),
    (PAIR + 'pair = ["cat", "dog"]\nat_most = 0.1', "gates-key", "a pair does not take at_most", "at_most_share"),
    (PAIR + 'metric = "recall"\npair = ["cat", "dog"]\nat_most_share = 0.1', "gates-key", "a pair cannot have a metric", "omit metric"),
    (floor("at_most_share = 0.1"), "gates-key", "at_most_share requires pair", "pair ="),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "slug", "message", "hint"),
    WRONG,
    ids=[f"{i}-{row[2][:30]}" for i, row in enumerate(WRONG)],
)
def test_a_wrong_file_has_a_message_that_helps(text, slug, message, hint):
    error = refusal(parse_gates, text)
    assert error.slug == slug
    assert message in error.message, error.message
    assert hint in (error.hint or ""), error.hint
    assert len(error.message) < 300
    assert "\n" not in error.message


def test_the_gate_that_is_wrong_is_named_by_number_and_name():
    text = (
        floor("at_least = 0.9\n") + '[[gate]]\nname = "secönd\\u001b"\nmetric = "f1"\nat_least = 1'
    )
    assert refusal(parse_gates, text).message.startswith('gate 2 ("secönd\\x1b"): "f1" is')


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, 'cannot read the gates "gates.toml": no such file or directory'),
        (b"x = '\xff'", '"gates.toml" is not UTF-8 in line 1'),
        (b"\n\n# \xff", "is not UTF-8 in line 3"),
        (b"#" * (256 << 10) + b"#", '"gates.toml" is over 256 kB, too large for a gates file'),
    ],
)
def test_a_file_that_is_no_text_is_refused(tmp_path, content, message):
    path = tmp_path / "gates.toml"
    if content is not None:
        path.write_bytes(content)
    error = refusal(read_gates, path)
    assert error.slug == "gates-file"
    assert message in error.message


def test_a_folder_is_no_file_of_gates(tmp_path):
    assert refusal(read_gates, tmp_path).slug == "gates-file"


@pytest.mark.parametrize(
    ("text", "slug", "message", "hint"),
    [
        ("accuracy", "fail-under", '--fail-under "accuracy" is not a metric and a number', "accuracy=0.9"),
        ("accuracy>=0.9", "fail-under", "is not a metric and a number", "accuracy=0.9"),
        ("accuracy==0.9", "fail-under", "is not a metric and a number", ""),
        ("=0.9", "fail-under", "is not a metric and a number", ""),
        ("acc=0.9", "gates-metric", 'there is no metric "acc"', ""),
        ("recall=0.9", "gates-metric", "a per-class metric", "macro_recall"),
        ("log_loss=0.9", "gates-key", "--fail-under log_loss=0.9: log_loss is better when it is low", "at_most"),
        ("accuracy=90", "gates-value", "is over 1", 'did you mean 0.9 or "90%"?'),
        ("accuracy=nan", "gates-value", "is not a finite number", ""),
        ("accuracy=much", "gates-value", "is not a number", ""),
    ],
)  # fmt: skip
def test_a_wrong_line_has_a_message_that_helps(text, slug, message, hint):
    error = refusal(fail_under, [text])
    assert error.slug == slug
    assert message in error.message, error.message
    assert hint in (error.hint or "")


def test_a_metric_is_given_once():
    error = refusal(fail_under, ["accuracy=0.9", "accuracy=0.8"])
    assert (error.slug, error.message) == ("fail-under", "--fail-under sets accuracy twice")


# Against what there is

CLASSES = ("cat", "dog", "Bag", "T[shirt]*", "Ts")


def recall_of(name):
    return parse_gates(f"[[gate]]\nname = 'r'\nmetric = 'recall'\nat_least = 0.7\nclass = '{name}'")


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("catt", 'gate 1 ("r"): there is no class "catt"', 'did you mean "cat"?'),
        ("CAT", 'there is no class "CAT"', 'did you mean "cat"?'),
        ("x*", 'no class matches "x*"', ""),
    ],
)
def test_a_class_that_is_not_there_is_refused_with_the_nearest(name, message, hint):
    error = refusal(check_gates, recall_of(name), classes=CLASSES, has_baseline=False)
    assert error.slug == "gates-class"
    assert message in error.message
    assert hint in (error.hint or "")
    assert "cat, dog, Bag" in error.details[0]


def test_a_pair_of_unknown_classes_is_refused():
    gates = parse_gates(PAIR + 'pair = ["cat", "do*"]\nat_most_share = 0.1')
    error = refusal(check_gates, gates, classes=CLASSES, has_baseline=False)
    assert error.slug == "gates-class"
    assert 'there is no class "do*"' in error.message


@pytest.mark.parametrize(
    ("name", "indices"),
    [("cat", (0,)), ("?a*", (0, 2)), ("*", (0, 1, 2, 3, 4)), ("T[shirt]*", (3,)), ("T[s]", (4,))],
)
def test_a_name_is_a_class_before_it_is_a_pattern(name, indices):
    from reportgen.gates.selectors import classes_of

    (only,) = recall_of(name)
    assert classes_of(only, CLASSES) == indices


SLICES = {"camera": ["north", "south"], "light": ["day"]}


@pytest.mark.parametrize(
    ("text", "slices", "message", "hint"),
    [
        ("camra=north", SLICES, 'there is no column "camra" to slice the data by', 'did you mean "camera"?'),
        ("camera=nort", SLICES, 'no value of "camera" "nort"', 'did you mean "north"?'),
        ("camera=north", {}, 'there is no column "camera"', ""),
    ],
)  # fmt: skip
def test_a_slice_that_is_not_there_is_refused(text, slices, message, hint):
    gates = parse_gates(floor(f'at_least = 0.9\nslice = "{text}"'))
    error = refusal(check_gates, gates, slices=slices, has_baseline=False)
    assert error.slug == "gates-slice"
    assert message in error.message
    assert hint in (error.hint or "")


@pytest.mark.parametrize("rule", ["not_worse_by = 0.01", "no_harm = true"])
def test_a_comparison_needs_a_baseline(rule):
    gates = parse_gates(floor(rule))
    error = refusal(check_gates, gates, has_baseline=False)
    assert error.slug == "gates-baseline"
    assert "compares with a baseline, and there is none" in error.message
    check_gates(gates, has_baseline=True)


def test_gates_of_two_sources_must_differ_in_name():
    gates = (*fail_under(["accuracy=0.9"]), *fail_under(["accuracy=0.8"]))
    assert refusal(check_gates, gates, has_baseline=False).slug == "gates-key"


# Whatever comes

WORDS = re.findall(r'\[\[gate\]\]|"[^"]*"|\w+|[=\[\],.\n]', ISSUE)


def result_or_refusal(text):
    try:
        gates = parse_gates(text)
        check_gates(gates, classes=("cat", "dog"), slices={}, has_baseline=True)
    except ReportgenError as error:
        assert error.exit_code == 2


@settings(max_examples=150, deadline=1000)
@given(st.text() | st.text("[]gate=\"'.0123n_m#\n{}, "))
def test_any_text_is_gates_or_an_error(text):
    result_or_refusal(text)


@settings(max_examples=200, deadline=1000)
@given(st.lists(st.sampled_from(WORDS) | st.text(max_size=3), max_size=30))
def test_any_words_are_gates_or_an_error(words):
    result_or_refusal(" ".join(words))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    | st.sampled_from(["accuracy", "recall", "cat", "90%", "block", "camera=north"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=2),
    max_leaves=4,
)  # fmt: skip


@settings(max_examples=150, deadline=1000)
@given(
    st.dictionaries(
        st.sampled_from(
            "name metric at_least at_most not_worse_by no_harm at_most_share max_drop confident "
            "each_class class classes slice pair severity when_inconclusive other".split()
        ),
        VALUES,
        max_size=6,
    )
)
def test_any_table_is_a_gate_or_an_error(table):
    from reportgen.gates.reading import gate_of

    try:
        made = gate_of(1, {"name": "x", **table})
        assert made.name
    except UsageError as error:
        assert error.message.startswith("gate 1")


@settings(max_examples=100, deadline=1000)
@given(st.integers(0, len(ISSUE) - 1), st.characters(), st.booleans())
def test_a_file_with_a_slip_is_gates_or_an_error(place, character, replaced):
    result_or_refusal(ISSUE[:place] + character + ISSUE[place + replaced :])
