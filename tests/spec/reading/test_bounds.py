"""What is refused is refused in one pass: counted work and sizes; tests/benchmarks/bombs.py has the times."""

from __future__ import annotations

import json
import tomllib
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from invoking import RUNNER

import bpx.spec.text.cursor as cursor
import bpx.words.diagnostic as diagnostic
from bpx.cli.main import app
from bpx.graph.named.recipe import Normal
from bpx.spec.reading.claims import read_claim
from bpx.spec.reading.documents.locate import locate_json, locate_toml
from bpx.spec.reading.read import read_expression, read_spec
from bpx.spec.text.parser import LONGEST_FORMULA, MOST_SIGNS, parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.tokens import Token, tokens
from bpx.words.diagnostic import MOST_PROBLEMS, BpxError, Diagnostic, Source

MANY = 3000


def problems_of(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(BpxError) as caught:
        read_spec(Source("s", text), "toml")
    return caught.value.diagnostics


def lines(form: str) -> str:
    return "\n".join(form.format(i) for i in range(MANY))


SPEC = 'bpx = 1\n{top}\n[inputs]\nx = 3\n{inputs}\n[graph]\ny = "x^2"\n{steps}\n{rest}\n'
PARTS = dict.fromkeys(("top", "inputs", "steps", "rest"), "")
MANY_PROBLEMS = {
    "keys": {"top": lines("graph{0} = 1")},
    "keys of an input": {"inputs": "z = { " + ", ".join(f"valu{i} = 1" for i in range(MANY)) + " }"},
    "tables": {"rest": lines("[inputz{0}]")},
    "expected values": {"rest": "[expect.gradients]\n" + lines("xx{0} = 1")},
    "claims": {"rest": "[claims]\n" + lines("xx{0} = 1")},
    "unknown names": {"steps": lines('s{0} = "xx{0} + 1"')},
    "unknown ops": {"steps": lines('s{0} = "sigmiod(x)"')},
    "formulas": {"steps": lines('s{0} = "x +"')},
}


@pytest.mark.parametrize("part", MANY_PROBLEMS)
def test_only_the_first_of_many_problems_take_work(part: str, monkeypatch: pytest.MonkeyPatch) -> None:
    searches = 0

    def counted(*_: Any) -> None:
        nonlocal searches
        searches += 1

    monkeypatch.setattr(diagnostic, "nearest", counted)
    problems = problems_of(SPEC.format(**{**PARTS, **MANY_PROBLEMS[part]}))
    assert len(problems) == MOST_PROBLEMS + 1
    assert (problems[-1].code, problems[-1].severity) == ("more-problems", "note")
    assert problems[-1].facts["count"] > 10 * MOST_PROBLEMS
    assert searches <= MOST_PROBLEMS + 1
    assert sum(len(problem.to_text()) for problem in problems) < 20_000


def test_a_last_problem_is_shown_instead_of_its_count() -> None:
    every = [Diagnostic("missing-value", None, {"name": f"x{i}"}) for i in range(MOST_PROBLEMS + 1)]
    assert BpxError(every).diagnostics == tuple(every)
    error = BpxError([*every, *every])
    assert error.diagnostics[-1].message == "and 22 more problems, not shown"
    assert BpxError(error.diagnostics).diagnostics == error.diagnostics  # as when it is pickled


def test_a_long_formula_is_refused_before_it_is_cut_into_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cursor, "tokens", lambda _: pytest.fail("tokens of a formula that is too long"))
    for sign in "([)-|x ":
        with pytest.raises(BpxError) as caught:
            read_expression(Source("s", sign * (LONGEST_FORMULA + 1)), {"x": 1})
        assert caught.value.diagnostics[0].code == "formula-too-long"
    for text in ("-" * MOST_SIGNS + "-x", "|x|*" * (MOST_SIGNS // 2), "x" + ".T" * (MOST_SIGNS + 1)):
        with pytest.raises(BpxError) as caught:
            read_expression(Source("s", text), {"x": 1})
        assert caught.value.diagnostics[0].code == "too-many-signs"


def test_tokens_behind_a_problem_are_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = 0

    def counting(content: str) -> Iterator[Token]:
        nonlocal counted
        for token in tokens(content):
            counted += 1
            yield token

    monkeypatch.setattr(cursor, "tokens", counting)
    for sign in (")", "x ", "🙂", ","):
        counted = 0
        assert parse(SourceText(Source("s", ""), sign * MANY, [0] * (2 * MANY + 1)))[1]
        assert counted < 2 * cursor.MOST_PROBLEMS


def test_groups_of_latex_are_walked_so_often_as_they_nest() -> None:
    def read(depth: int) -> Any:
        return read_expression(
            Source("s", "\\frac{1}{" * depth + "x" + "}" * depth), {"x": 2}, notation="latex"
        )

    assert read(20).output
    with pytest.raises(BpxError) as caught:
        read(101)
    assert caught.value.diagnostics[0].code == "unreadable-formula"


def test_a_sum_of_100_000_terms_is_read() -> None:
    text = "+".join(f"x{i + 1}" for i in range(100_000))
    expression, problems = parse(SourceText(Source("s", text), text))
    assert expression and not problems
    assert len(expression.names()) == 100_000


@pytest.mark.parametrize("quotes", ['"', "'", '"""', "'''"])
def test_a_text_that_is_never_closed_is_refused_unread(quotes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tomllib, "loads", lambda *_, **__: pytest.fail("read in vain"))
    [problem] = problems_of(f"bpx = 1\ntitle = {quotes}aaa\n[graph]\ny = 1")
    assert (problem.code, problem.span and problem.span.text) == ("unclosed-text", quotes)


def test_reading_ends_behind_so_many_problems() -> None:
    _, problems = parse(SourceText(Source("s", ""), "x " * MANY, [0] * (2 * MANY + 1)))
    assert len(problems) == cursor.MOST_PROBLEMS + 1


@pytest.mark.parametrize("text", [" " * 60_000, "\n" * 60_000, "- " * 30_000, f"x + {' ' * 60_000} +"])
def test_blanks_of_a_claim_are_passed_once(text: str) -> None:
    with pytest.raises(BpxError):  # a pass for each blank would take minutes
        read_claim(f"x = {text}")


@pytest.mark.parametrize("text", ["x = -   3", "x = \u00a02.50", "x = [1, \u2003-2e-3]"])
def test_blanks_around_numbers_of_a_claim(text: str) -> None:
    assert read_claim(text).written is not None


def peak_of(read: Any, text: str) -> float:
    """Bytes that reading takes at most, for each character of the text."""
    tracemalloc.start()
    try:
        read(Source("s", text))
        return tracemalloc.get_traced_memory()[1] / len(text)
    finally:
        tracemalloc.stop()


def test_memory_of_places() -> None:
    size = 300_000
    assert peak_of(locate_toml, f'title = "{"a" * size}"') < 3
    assert peak_of(locate_toml, f'title = """{"a" * size}"""') < 3
    assert peak_of(locate_toml, f"# {'a' * size}\n" * 2) < 3
    assert peak_of(locate_toml, f"x = [{'0.25, ' * (size // 6)}]") < 3
    assert peak_of(locate_json, f'{{"x": [{"0.25, " * (size // 6)}1]}}') < 3


def test_an_element_of_an_array_of_numbers_has_its_place() -> None:
    [problem] = problems_of('bpx = 1\n[inputs]\nx = [1,\n  2, 1e400, 3]\n[graph]\ny = "sum(x)"')
    assert problem.span and problem.span.text == "1e400"
    assert problem.span.source.position(problem.span.start) == (4, 6)


def test_values_are_drawn_once_all_else_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = 'bpx = 1\n[inputs]\nx = {{ normal = [2], seed = 1 }}\n[graph]\ny = "sum({name})"'
    assert read_spec(Source("s", spec.format(name="x")), "toml").inputs[0].value.tolist() == pytest.approx(
        [1.6243453636632417, -0.6117564136500754]  # numpy.random.RandomState(1).standard_normal(2)
    )
    monkeypatch.setattr(Normal, "array", lambda _: pytest.fail("drawn in vain"))
    assert problems_of(spec.format(name="xs"))[0].code == "unknown-name"


HOSTILE_ARGUMENTS = {
    "--set": [f"--set=k{i}=1" for i in range(300)],
    "--wrt": ["--wrt", ",".join(f"k{i}" for i in range(MANY))],
    "options": [f"--k{i}" for i in range(300)],
    "a name": ["--of", "a" * 100_000],
}


@pytest.mark.parametrize("kind", HOSTILE_ARGUMENTS)
def test_refusals_of_arguments_are_short(kind: str) -> None:
    for form in ([], ["--json"]):
        result = RUNNER.invoke(app, ["explain", "x^2", "x=1", *HOSTILE_ARGUMENTS[kind], *form])
        assert result.exit_code == 2
        assert len(result.output) < 20_000
        if form:
            assert len(json.loads(result.stdout)["diagnostics"]) <= MOST_PROBLEMS + 1


def test_arrays_of_numbers_are_read_apart_and_put_back() -> None:
    rows = ", ".join(["[1, 0.25, -2e-3]"] * 30)
    text = f'bpx = 1\n[inputs]\nx = [{rows},]\nz = [{"1_0, " * 30}1]\n[graph]\ny = "sum(x) + sum(z)"\nq r = 1'
    [problem] = problems_of(text)
    assert problem.code == "toml-syntax" and problem.span
    assert problem.span.source.position(problem.span.start)[0] == 7
    spec = read_spec(Source("s", text.removesuffix("q r = 1")), "toml")
    assert spec.inputs[0].value.tolist() == [[1, 0.25, -2e-3]] * 30
    assert spec.inputs[1].value.tolist() == [10] * 30 + [1]


def test_an_array_right_behind_a_number_is_no_part_of_it() -> None:
    row = "[" + ", ".join(["0.25"] * 30) + "]"
    [problem] = problems_of(f"bpx = 1\n[inputs]\nx = [1.5, 2.5{row}]\n[graph]\ny = 'sum(x)'")
    assert problem.code == "toml-syntax" and problem.span
    assert problem.span.source.position(problem.span.start) == (3, 14)
