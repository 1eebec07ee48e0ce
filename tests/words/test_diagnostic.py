"""Sources, spans and diagnostics: positions, the form people read, the plain-data form."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span

fixed = settings(
    derandomize=True, deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)

# --- positions ----------------------------------------------------------------------------------


@every(
    "text, offset, position",
    [
        ("ab\ncd", 0, (1, 1)),
        ("ab\ncd", 1, (1, 2)),
        ("ab\ncd", 2, (1, 3)),  # the line end belongs to the line it ends
        ("ab\ncd", 3, (2, 1)),
        ("ab\ncd", 5, (2, 3)),  # the end of the text
        ("ab\n", 3, (2, 1)),
        ("", 0, (1, 1)),
        ("\n\n\n", 3, (4, 1)),
        ("σ𝒙学y", 3, (1, 4)),  # characters, not bytes
        ("é = 1\nσ", 6, (2, 1)),
        ("\t\tx", 2, (1, 3)),  # a tab is one column
    ],
)
def test_position(text, offset, position):
    assert Source("s", text).position(offset) == position


@every(
    "text, number, line",
    [
        ("ab\ncd", 1, "ab"),
        ("ab\ncd", 2, "cd"),  # no newline at the end
        ("ab\ncd\n", 2, "cd"),
        ("ab\ncd\n", 3, ""),
        ("ab\r\ncd\r\n", 1, "ab"),
        ("", 1, ""),
        ("σ = 学\n\tx", 2, "\tx"),
    ],
)
def test_line(text, number, line):
    assert Source("s", text).line(number) == line


@every(
    "line, column, offset",
    [(1, 1, 0), (1, 3, 2), (2, 1, 3), (2, 2, 4), (2, 99, 5), (99, 1, 3), (99, 99, 5)],
)
def test_offset_stays_inside_the_text(line, column, offset):
    assert Source("s", "ab\ncd").offset(line, column) == offset


@fixed
@given(st.text(alphabet="aσ学𝒙\t\n "), st.data())
def test_position_and_offset_are_inverse(text, data):
    source = Source("s", text)
    offset = data.draw(st.integers(0, len(text)))
    line, column = source.position(offset)
    assert source.offset(line, column) == offset
    assert line == text[:offset].count("\n") + 1
    assert source.line(line) == text.split("\n")[line - 1]


def test_span_text():
    assert Span(Source("s", "α + hiden"), 4, 9).text == "hiden"


# --- the form people read -----------------------------------------------------------------------


def unknown(text, start, end, **rest):
    """A diagnostic about characters `start … end` of `text`."""
    return Diagnostic("unknown-name", Span(Source("mlp.toml", text), start, end), {"name": "hiden"}, **rest)


def excerpt(text, start, end):
    """The shown line and its underline, without margin."""
    _, _, line, underline = unknown(text, start, end).to_text().split("\n")
    margin = line.index("|") + 2
    assert underline[: margin - 2].isspace() and underline[margin - 2] == "|"
    return line[margin:], underline[margin:]


def test_text_form():
    text = "bpx = 1\n\n\n\n[graph]\nhidden = 1\n" + 'y = "tanh(hiden * w2)"\n'
    start = text.index("hiden")
    facts = {"name": "hiden", "guess": "hidden", "line": 6}
    problem = Diagnostic(
        "unknown-name", Span(Source("mlp.toml", text), start, start + 5), facts, "did-you-mean-at"
    )
    assert problem.to_text().split("\n") == [
        "error[unknown-name]: `hiden` is not defined",
        "  --> mlp.toml:7:11",
        ' 7 | y = "tanh(hiden * w2)"',
        "   |           ^^^^^",
        "help: did you mean `hidden` (line 6)?",
    ]


def test_text_form_without_a_place():
    problem = Diagnostic("not-an-input", None, {"name": "q", "known": "x, y"}, "inputs-are")
    assert problem.to_text() == "error[not-an-input]: `q` is not an input\nhelp: the inputs are x, y"


def test_text_form_of_a_warning():
    facts = {"name": "x", "output": "L"}
    assert (
        Diagnostic("unused-input", None, facts, severity="warning").to_text()
        == "warning[unused-input]: input `x` is not used by the output `L`"
    )


def test_margin_is_as_wide_as_the_line_number():
    text = "\n" * 99 + "hiden"
    assert unknown(text, 99, 104).to_text().split("\n")[1:] == [
        "  --> mlp.toml:100:1",
        " 100 | hiden",
        "     | ^^^^^",
    ]


@every(
    "text, start, end, underline",
    [
        ("x + y", 4, 5, "    ^"),
        ("x + y", 0, 5, "^^^^^"),
        ("x +", 3, 3, "   ^"),  # nothing there: the place behind the text
        ("x + y", 2, 2, "  ^"),
        ("变量 + y", 5, 6, "       ^"),  # East Asian wide: two cells each
        ("变量 + y", 1, 2, "  ^^"),
        ("变量 + y", 0, 2, "^^^^"),
        ("（x）+y", 4, 5, "      ^"),  # fullwidth brackets: two cells each
        ("σ·α + y", 6, 7, "      ^"),
        ("𝒙 + y", 4, 5, "    ^"),  # outside the basic plane, one cell
        ("x\u0302 + y", 5, 6, "    ^"),  # a combining mark takes none
        ("x\u20dd + y", 5, 6, "    ^"),  # nor does an enclosing one
        ("a +\nb", 0, 5, "^^^"),  # a span over several lines: to the end of the first
    ],
)
def test_underline(text, start, end, underline):
    assert excerpt(text, start, end) == (text.split("\n")[0], underline)


def test_tabs_and_control_characters_become_blanks():
    assert excerpt("\tx +\x07 hiden", 6, 11) == (" x +  hiden", "      ^^^^^")


@pytest.mark.parametrize("text", ["", "   ", "\n\n"])
def test_a_blank_line_is_not_shown(text):
    assert unknown(text, 0, 0).to_text().split("\n")[1:] == ["  --> mlp.toml:1:1"]


@pytest.mark.parametrize(
    ("start", "end", "left_cut", "right_cut"),
    [(0, 5, False, True), (150, 155, True, True), (295, 300, True, False), (300, 300, True, False)],
)
def test_a_long_line_is_clipped_around_the_span(start, end, left_cut, right_cut):
    text = "".join(chr(ord("a") + i % 26) for i in range(300))
    line, underline = excerpt(text, start, end)
    assert len(line) <= 102
    assert (line.startswith("…"), line.endswith("…")) == (left_cut, right_cut)
    assert line[underline.index("^") :][: underline.count("^")] == text[start:end]


@pytest.mark.parametrize(("start", "end"), [(120, 125), (0, 3), (199, 200)])
def test_a_long_line_of_wide_characters_is_underlined_at_the_right_cells(start, end):
    text = "".join(chr(0x4E00 + i) for i in range(200))
    line, underline = excerpt(text, start, end)
    first = line.index(text[start])
    ellipsis = int(line.startswith("…"))
    assert underline == " " * (2 * first - ellipsis) + "^" * (2 * (end - start))


@fixed
@given(st.text(alphabet="abc+ ", min_size=1, max_size=400).filter(str.strip), st.data())
def test_carets_stand_under_the_span(text, data):
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    line, underline = excerpt(text, start, end)
    shown = line[underline.index("^") :][: underline.count("^")]
    assert text[start:end].startswith(shown)
    assert len(shown) >= min(end - start, 66)  # a clipped line leaves two thirds of its width to the span


def test_a_long_line_costs_little_per_diagnostic():
    # Many diagnostics about one long line are ordinary: a formula without product signs has them.
    source = Source("s", "x" * 200_000)
    problems = [Diagnostic("unknown-name", Span(source, i, i + 1), {"name": "x"}) for i in range(500)]
    assert len(BpxError(problems).args[0]) < 500 * 1000


# --- plain data ---------------------------------------------------------------------------------


def test_dict_form():
    problem = unknown("α = 1\ny = hiden", 10, 15)
    assert problem.to_dict() == {
        "code": "unknown-name",
        "severity": "error",
        "message": "`hiden` is not defined",
        "help": None,
        "file": "mlp.toml",
        "line": 2,
        "column": 5,
        "end_line": 2,
        "end_column": 10,
    }


def test_dict_form_of_a_span_over_lines():
    place = unknown("a +\nb", 0, 5).to_dict()
    assert (place["line"], place["column"], place["end_line"], place["end_column"]) == (1, 1, 2, 2)


def test_dict_form_without_a_place():
    problem = Diagnostic("unknown-op", None, {"name": "f", "guess": "g"}, "did-you-mean")
    assert problem.to_dict() == {
        "code": "unknown-op",
        "severity": "error",
        "message": "there is no op `f`",
        "help": "did you mean `g`?",
    }


def test_dict_form_is_json():
    problem = unknown("hiden", 0, 5, help="did-you-mean", severity="warning")
    problem.facts["guess"] = "hidden"
    assert json.loads(json.dumps(problem.to_dict())) == problem.to_dict()


def test_facts_are_never_read_as_patterns():
    assert Diagnostic("unknown-name", None, {"name": "{x}"}).message == "`{x}` is not defined"


def test_an_unknown_code_is_a_programming_error():
    with pytest.raises(KeyError):
        _ = Diagnostic("no-such-code").message


def test_error_says_all_that_is_wrong():
    problems = [unknown("hiden", 0, 5), Diagnostic("empty-input")]
    error = BpxError(problems)
    assert isinstance(error, ValueError)
    assert error.diagnostics == tuple(problems)
    assert str(error) == f"{problems[0].to_text()}\n\n{problems[1].to_text()}"
