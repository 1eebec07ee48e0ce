"""What is refused, or shown in part, takes no work for the rest: counted, never timed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import bpx
from bpx.check import spec_check
from bpx.cli.main import app
from bpx.explain import explain
from bpx.explain.picture.picture import refuse_large_circuit, refuse_large_layout
from bpx.explain.sections import higher
from bpx.render.forms import FORMS
from bpx.render.layout.rails import Branch, Rail, branches
from bpx.render.picture import layout
from bpx.spec.code import gradients
from bpx.spec.derivations.text.brackets import with_round_brackets
from bpx.spec.derivations.text.notes import pieces
from bpx.spec.notations.latex import marks, scanner
from bpx.spec.notations.translation.known import Known
from bpx.spec.reading import assemble
from bpx.spec.tables import digits, json_table
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import BpxError, Diagnostic, Source

STEPS = "; ".join(["a0 = x*2", *(f"a{i} = a{i - 1}*2" for i in range(1, 300))])


def test_a_table_is_told_by_its_first_number_of_many_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[object] = []
    monkeypatch.setattr(digits, "_is_single", lambda number: bool(looked_at.append(number)))
    problems: list[Diagnostic] = []
    text = '{"x": [0.5, [1, 0.25], ' + ", ".join(["0.123456789012"] * 100) + "]}"
    [problem] = [*json_table.read_json(Source("a.json", text), problems)] or problems
    assert problem == problems[0]  # ragged
    rows = [*json_table.read_json(Source("a.json", text.replace("[1, 0.25], ", "")), problems)]
    assert rows[0].numbers.shape == (101,)
    assert digits.floats_of_texts(rows) == "float64"
    assert len(looked_at) == 1


def test_what_is_no_number_in_a_nest_is_pointed_at() -> None:
    for text, found in (
        ('[[1, 2], [3, "a"]]', '"a"'),
        ("[[1, 2], [true, 1]]", "true"),
        ("[1, [null]]", "null"),
    ):
        problems: list[Diagnostic] = []
        assert [*json_table.read_json(Source("a.json", f'{{"x": {text}}}'), problems)] == []
        assert problems[0].facts["found"] == found


def test_a_number_takes_no_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    def value(text: str) -> Any:
        expression, _ = parse(SourceText(Source("", text), text))
        assert expression
        return assemble.constant_value("x", expression, [])

    assert value("2/3") == 2 / 3
    monkeypatch.setattr(assemble, "Graph", None)
    assert value("-2.5") == -2.5


def test_a_tree_has_rails_for_the_rows_that_are_shown() -> None:
    rows = [Branch(depth, True, "x") for depth in (0, 1, 2, 1, 2, 3, 3, 2, 1, 4, 0)]
    whole = branches(rows, len(rows))
    assert branches(rows, 4) == [*whole[:2], *[Rail("", "")] * 7, *whole[-2:]]
    assert whole[1].first == "├─ x"
    assert whole[4].first == "│  ├─ x"


def test_brackets_in_brackets_are_read_in_one_pass() -> None:
    [piece] = pieces("a.md", "$$y = " + "[" * 20_000 + "x" + "]" * 20_000 + " + [1, a] + w[i] + [a(1, 2)]$$")
    content = with_round_brackets(piece.text, is_latex=True).content
    assert content.endswith(")" * 20_000 + " + [1, a] + w[i] + (a(1, 2))")


def test_letters_in_a_row_are_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    end_of_row = scanner.NameScanner.end_of_row

    def counted(self: scanner.NameScanner) -> int:
        rows.append(self.at)
        return end_of_row(self)

    monkeypatch.setattr(scanner.NameScanner, "end_of_row", counted)
    found, certain = marks.marks_of("a" * 500 + " b", Known({"a": (), "b": ()}))
    assert len(rows) == 2
    assert len(found) == 501
    assert not certain
    longer = "w" * 80
    assert [mark.text for mark in marks.marks_of(longer, Known({longer: ()}))[0]] == [longer]


def test_a_list_is_looked_for_as_often_as_it_has_axes(monkeypatch: pytest.MonkeyPatch) -> None:
    looks: list[int] = []

    class Counted:
        def match(self, text: str, start: int, end: int) -> Any:
            looks.append(start)
            return pattern.match(text, start, end)

    pattern = marks._LIST
    monkeypatch.setattr(marks, "_LIST", Counted())
    marks.marks_of("[" * 500 + "1", Known())
    assert len(looks) <= 32
    found, _ = marks.marks_of("[[1, 2], [3, 4]] * x + [1, 2]", Known({"x": (2,)}))
    assert [mark.text for mark in found if mark.kind == "literal"] == ["[[1, 2], [3, 4]]", "[1, 2]"]


@pytest.mark.parametrize("notation", ["latex", "python"])
def test_long_formulas_are_not_translated(notation: str) -> None:
    result = CliRunner().invoke(
        app, ["explain", "-", "x=1", "--notation", notation], input="x+" * 25_001 + "x"
    )
    assert result.exit_code == 2
    assert "formula-too-long" in result.output


def test_steps_are_counted_before_any_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explain, "_query", None)
    monkeypatch.setattr(layout, "MOST_CARDS", 200)
    monkeypatch.setattr(higher, "MOST_NODES", 200)
    for args in (
        ["draw", "--style=circuit", "-o", "a.svg"],
        ["draw", "-o", "a.html"],
        ["explain", "-f", "svg"],
        ["explain", "-o", "a.html"],
        ["explain", "--part=picture"],
        ["explain", "--short"],
        ["explain", "--order=3"],
    ):
        result = CliRunner().invoke(app, [args[0], STEPS, "x=1", *args[1:]])
        assert result.exit_code == 2
        assert any(count in result.output for count in ("300", "301", "more than 200")), args


def test_cards_are_counted_as_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    for most in (300, 301):
        monkeypatch.setattr(layout, "MOST_CARDS", most)
        spec = bpx.parse(STEPS, x=1)
        assert len(spec.explain().picture().cards) == 301
        if most == 301:
            refuse_large_layout(spec, None)
        else:
            with pytest.raises(BpxError, match="301 cards"):
                refuse_large_layout(spec, None)
    monkeypatch.setattr(layout, "MOST_CARDS", 20)
    refuse_large_layout(bpx.parse(STEPS, x=1), "a9")
    refuse_large_layout(bpx.parse(STEPS.replace("a", "h.a"), x=1), None)
    # What nobody named may be drawn with what takes it.
    refuse_large_layout(bpx.parse("+".join(["sin(x)^2"] * 99), x=1), None)


def test_only_layouts_of_bpx_have_a_limit() -> None:
    laid_out = {form.name for form in FORMS if form.is_laid_out}
    assert laid_out == {"svg", "html", "tikz", "png", "pdf"}


def test_closed_layers_are_no_large_circuit() -> None:
    layers = STEPS.replace("a", "h.a")
    refuse_large_circuit(bpx.parse(layers, x=1), None)
    with pytest.raises(BpxError, match="301"):
        refuse_large_circuit(bpx.parse(STEPS, x=1), None)
    refuse_large_circuit(bpx.parse(STEPS, x=1), "a9")


def test_causes_are_looked_for_nearest_to_the_output(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = bpx.parse("a = x*2; b = a*3; c = b*5; d = c*7; L = d^2", x=1)
    claims = {name: f"{name} * 11" for name in "xabcd"}
    report = spec.gradcheck(claims=claims)
    assert "causes-of-nearest" not in [note.code for note in report.notes]
    monkeypatch.setattr(spec_check, "MOST_WRONG_CLAIMS", 2)
    some = spec.gradcheck(claims=claims)
    assert [one.node for one in some.blame] == [one.node for one in report.blame if one.node in "cd"]
    assert "causes-of-nearest" in [note.code for note in some.notes]
    assert some.verdict == report.verdict


def test_results_of_backward_in_code_are_counted_before_they_are_matched(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gradients, "MOST_RESULTS", 4)
    monkeypatch.setattr(gradients, "spellings_sought", None)
    before = {"args": {"x": np.ones(6)}, "globals": {}}

    def returned(result: Any) -> list[gradients.Found]:
        return gradients.claimed_gradients(lambda x, up: None, result, before, before, ["x"], {("args", "x")})

    every_array = [0.5] * 6  # a list of numbers that has the shape of an array is one
    assert [found.leaf for found in returned(every_array)] == [("args", "x")]
    for result in ([0.5] * 5, ["a"] * 5, dict.fromkeys("abcde", 1.0), [[0.5, 1.0]] * 3, ([object()] * 5,)):
        with pytest.raises(BpxError, match="more than 4 numbers and arrays"):
            returned(result)
