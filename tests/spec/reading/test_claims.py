"""Claims: how they are read, what they speak of, and what they become in the graph."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.whole.claims import build_claim
from bpx.explain.explain import explain
from bpx.graph.named.claim import Claim, Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.written import Written
from bpx.graph.run import run
from bpx.passes.expand import expanded
from bpx.spec.reading.claims import numbers_in, read_claim, resolved, with_claims
from bpx.spec.reading.read import read_expression, read_spec
from bpx.spec.text.derivatives import readings
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import BpxError, Diagnostic, Source

LOGISTIC = """\
bpx = 1
output = "L"
[inputs]
x = [1.5, -0.5]
w = { value = [0.8, -1.2], role = "parameter" }
b = { value = 0.1, role = "parameter" }
y = { value = 1.0, role = "target" }
[graph]
z = "w @ x + b"
a = "sigmoid(z)"
L = "-(y*log(a) + (1-y)*log(1-a))"
"""
CLAIMS = """\
[claims]
z = "a - y"
w = [-0.195, 0.0651]
b = -1.30e-1
"""


def toml(text: str, **values: Any) -> NamedGraph:
    return read_spec(Source("s.toml", text), "toml", values)


def logistic(claims: str = "", **values: Any) -> NamedGraph:
    return toml(LOGISTIC + claims, **values)


def built(spec: NamedGraph, claim: Claim) -> tuple[Any, list[Diagnostic]]:
    """The value of a claim at the spec's own inputs, and what is wrong with it."""
    problems: list[Diagnostic] = []
    graph = spec.graph.copy()
    expr = build_claim(claim, spec, graph, problems)
    return None if expr is None else run(graph, spec.input_values, [expr.id])[expr.id], problems


def node_name(spec: NamedGraph, text: str) -> str | None:
    """The node whose gradient a text names; None where it names none, or another derivative."""
    derivatives = readings(text, spec)
    gradients = [one.node for one in derivatives if one.first is None and one.of in (None, "L")]
    return gradients[0] if len(derivatives) == len(gradients) == 1 else None


def value(spec: NamedGraph, text: str) -> Any:
    """The value of a claim on the command line."""
    name = read_claim(text)
    added = with_claims(spec, [name])
    found, problems = built(added, added.claims[node_name(spec, name.name) or ""])
    assert problems == []
    return found


def refused(read: Any, *args: Any) -> list[Diagnostic]:
    with pytest.raises(BpxError) as caught:
        read(*args)
    return list(caught.value.diagnostics)


# --- numbers, as they are written ---------------------------------------------------------------


@every(
    "text, numbers, off",
    [
        ("0.10", 0.1, 0.005),
        ("-0.1", -0.1, 0.05),
        ("+2.50", 2.5, 0.005),
        (" −1.5 ", -1.5, 0.05),
        ("- 3.0", -3, 0.05),
        (".5", 0.5, 0.05),
        ("007.50", 7.5, 0.005),
        ("1e-3", 1e-3, 5e-4),
        ("1.50e−3", 1.5e-3, 5e-6),
        ("2E+2", 200, 50),
        ("5", 5, 0),
        ("-12", -12, 0),
        ("[0.1, -0.20]", [0.1, -0.2], [0.05, 0.005]),
        ("[[1, 2.0],\n [ - 3.00 , .5]]", [[1, 2], [-3, 0.5]], [[0, 0.05], [0.005, 0.05]]),
    ],
)
def test_numbers_count_to_their_last_written_digit(text: str, numbers: Any, off: Any) -> None:
    syntax = read_claim(f"w = {text}")
    assert syntax.expression is None
    claim = Claim(Derivative(None, "w"), None, syntax.written, syntax.span)
    assert claim.numbers is not None
    assert claim.tolerance is not None
    np.testing.assert_array_equal(claim.numbers, numbers)
    np.testing.assert_allclose(claim.tolerance, off, rtol=1e-9, atol=1e-10)
    assert np.shape(claim.tolerance) == np.shape(numbers)


@given(
    st.recursive(
        st.decimals(-1000, 1000, places=3).map(str),
        lambda inner: st.lists(inner, min_size=1, max_size=3),
        max_leaves=8,
    )
)
def test_a_nest_of_numbers_keeps_every_digit(nest: Any) -> None:
    def text(one: Any) -> str:
        return one if isinstance(one, str) else f"[{', '.join(map(text, one))}]"

    def texts(one: Any) -> Any:
        return [texts(inner) for inner in one] if isinstance(one, list) else one.text

    assert texts(numbers_in(text(nest))) == nest


@every(
    "text",
    [
        "1/3", "2*x", "-x", "x1", "1 - 2", "1 2", "--5", "2^3", "5.", "(1)", "pi", "[1] + 2", "[x]", "true",
        "null", '"5"', '"a"', '{"a": 1}', "1_000", "0x10", "1e", "nan", "inf", "", "[", "[1, ]", "9" * 400,
        "[" * 5000, "1e99999",
    ],
)  # fmt: skip
def test_anything_else_is_no_number(text: str) -> None:
    assert numbers_in(text) is None


# --- the command line's form --------------------------------------------------------------------


@pytest.mark.parametrize("text", ["x = 2*(x+y)", "x: 2*(x+y)", " x=2*(x+y)", "x :2*(x+y)", "x =\t2*(x+y)"])
def test_a_formula(text: str) -> None:
    claim = read_claim(text)
    assert claim.name == "x"
    assert claim.expression
    assert claim.expression.text.content == "2*(x+y)"
    assert claim.written is None
    (formula,) = resolved(read_expression(Source("e", "x*y"), {"x": 1, "y": 2}), [claim], []).values()
    assert (formula.numbers, formula.tolerance) == (None, None)


@pytest.mark.parametrize(
    ("text", "name"),
    [("∂L/∂w = 1", "∂L/∂w"), ("dL/dw: 1", "dL/dw"), ("学 = 1", "学"), ("v1 = x == 2", "v1")],
)
def test_the_name_is_what_stands_before_the_sign(text: str, name: str) -> None:
    assert read_claim(text).name == name


@every("text", ["", "x", "2*(x+y)", "= 2", ": 2", "x == 2", "  = "])
def test_a_claim_has_a_name_and_a_sign(text: str) -> None:
    assert [problem.code for problem in refused(read_claim, text)] == ["bad-claim"]


def test_of_a_claim_with_two_right_sides_each_may_be_claimed() -> None:
    (problem,) = refused(read_claim, "x = v^2 = 3 * v")
    assert (problem.code, problem.help) == ("assignment", "claim-one-side")


@every(
    "text, code, column, underlined",
    [
        ("x = 2*(x", "unclosed-bracket", 7, "("),
        ("x:", "empty-expression", 3, ""),
        ("x = [1 y]", "bad-list", 8, "y"),
        ("x = 2 3", "implicit-product", 5, "2 3"),
        ("x = [1, [2]]", "ragged", 1, "x = [1, [2]]"),
        ("x = []", "empty-array", 1, "x = []"),
        ("x = [1, 1e999]", "not-finite-input", 1, "x = [1, 1e999]"),
    ],
)
def test_what_is_wrong_has_its_place(text: str, code: str, column: int, underlined: str) -> None:
    (problem,) = refused(read_claim, text)
    assert (problem.code, problem.to_dict()["column"]) == (code, column)
    assert problem.span
    assert problem.span.text == underlined
    assert problem.to_dict()["file"] == "--claim"


@given(st.text())
def test_any_text_reads_or_has_diagnostics(text: str) -> None:
    try:
        claim = read_claim(text)
    except BpxError as error:
        assert error.diagnostics
    else:
        assert claim.name
        assert (claim.expression is None) == (claim.written is not None)


# --- what a claim speaks of ---------------------------------------------------------------------


@every(
    "name",
    [
        "w",
        "∂L/∂w",
        "dL/dw",
        "dw",
        "d_w",
        "∂w",
        "w.grad",
        "grad_w",
        "grad(w)",
        "∇w",
        "dL_dw",
        "dLdw",
        "dloss/dw",
    ],
)
def test_a_derivative_may_be_named_in_full(name: str) -> None:
    assert node_name(logistic(), name) == "w"
    assert list(logistic(f'[claims]\n"{name}" = [1, 2]').claims) == ["w"]


@every("name", ["L", "v1", "z", "y", "∂L/∂v1", "dL/dL"])
def test_every_node_may_be_claimed(name: str) -> None:
    assert node_name(logistic(), name) in logistic().nodes


@every("name", ["q", "∂z/∂w", "dq", "∂L/w", "dL/dq", "dq/dw", "w.gradient", ""])
def test_other_names_are_unknown(name: str) -> None:
    assert node_name(logistic(), name) is None


def test_an_unknown_name_gets_a_guess() -> None:
    spec = toml('bpx = 1\n[inputs]\nhidden = 1\n[graph]\ny = "hidden^2"')
    (problem,) = refused(with_claims, spec, [read_claim("hiden = 2")])
    assert problem.message == "the claim names `hiden`, which is neither an input nor a node"
    assert problem.advice == "did you mean `hidden`?"


# --- what it becomes ----------------------------------------------------------------------------


def test_claims_in_a_spec() -> None:
    spec = logistic(CLAIMS)
    gradients = explain(spec, wrt=["z", "w", "b"]).gradients
    assert list(spec.claims) == ["z", "w", "b"]
    for name, claim in spec.claims.items():
        found, problems = built(spec, claim)
        assert problems == []
        off = 1e-15 if claim.tolerance is None else claim.tolerance
        assert (np.abs(found - gradients[name]) <= off).all()


def test_a_claim_knows_where_it_stands() -> None:
    span = logistic(CLAIMS).claims["w"].span
    assert span
    assert span.text == "w = [-0.195, 0.0651]"


def test_a_formula_holds_at_any_point() -> None:
    spec = logistic('[claims]\nw = "(a - y) * x"')
    graph, problems = spec.graph.copy(), list[Diagnostic]()
    expr = build_claim(spec.claims["w"], spec, graph, problems)
    assert expr is not None
    points = {one.node: np.stack([one.value, one.value + 1], axis=-1) for one in spec.inputs}
    found = run(graph, points, [expr.id], batch=True)[expr.id]
    for column, shift in enumerate((0, 1)):
        moved = {one.name: one.value + shift for one in spec.inputs}
        assert found[:, column] == pytest.approx(explain(logistic(**moved)).gradients["w"], rel=1e-9)


def test_a_claim_leaves_the_spec_as_it_is() -> None:
    spec = logistic(CLAIMS)
    before = len(spec.graph)
    built(spec, spec.claims["z"])
    assert len(spec.graph) == before == spec.size


@every(
    "text, wanted",
    [
        ("w = 0", [0, 0]),
        ("w = 0.0", [0, 0]),
        ("w = [1, 2]", [1, 2]),
        ("w = x", [1.5, -0.5]),
        ("b = v1 + b", 1.9),
        ("b = 1/3", 1 / 3),
        ("b = pi - e", np.pi - np.e),
        ("b = sum(x)", 1),
        ("∂L/∂b = [2, 3] @ x", 1.5),
    ],
)
def test_value_of_a_claim(text: str, wanted: Any) -> None:
    assert value(logistic(), text).tolist() == pytest.approx(wanted)


@every(
    "text, found, wanted",
    [
        ("w = 1", "scalar", "2"),
        ("w = b", "scalar", "2"),
        ("w = 0*b", "scalar", "2"),
        ("w = [1, 2, 3]", "3", "2"),
        ("w = [0]", "1", "2"),
        ("w = [[1, 2]]", "1×2", "2"),
        ("b = [0.1]", "1", "scalar"),
        ("b = x", "2", "scalar"),
    ],
)
def test_shapes_must_match(text: str, found: str, wanted: str) -> None:
    spec = with_claims(logistic(), [read_claim(text)])
    (claim,) = spec.claims.values()
    assert built(spec, claim)[0] is None
    (problem,) = built(spec, claim)[1]
    name = text[0]
    assert problem.message == f"the claim for `{name}` has shape {found}, but `{name}` has shape {wanted}"


@pytest.mark.parametrize(
    ("text", "code"),
    [("w = 2*q", "unknown-name"), ("w = exq(x)", "unknown-op"), ("w = x + [1, 2, 3]", "shape-mismatch")],
)
def test_a_formula_that_cannot_be_built(text: str, code: str) -> None:
    assert [problem.code for problem in refused(with_claims, logistic(), [read_claim(text)])] == [code]


def test_all_that_is_wrong_is_said_at_once() -> None:
    claims = [read_claim(text) for text in ("q = 1", "w = 2*nn", "b = 1", "∂L/∂b = 2")]
    codes = [problem.code for problem in refused(with_claims, logistic(), claims)]
    assert codes == ["claim-unknown", "unknown-name", "claimed-twice"]


def test_a_claim_given_later_replaces_that_of_the_spec() -> None:
    spec = with_claims(logistic(CLAIMS), [read_claim("dL/dz = a"), read_claim("a = 1")])
    assert list(spec.claims) == ["z", "w", "b", "a"]
    assert spec.claims["z"].formula
    assert spec.claims["z"].formula.text == "a"


def test_a_claim_may_use_ops_of_the_spec() -> None:
    ops = '[ops.double]\nargs = ["t"]\nvalue = "2*t"\npartials.t = "2"\n'
    spec = logistic('[claims]\nz = "double(a) - a - y"\n' + ops)
    found, problems = built(spec, spec.claims["z"])
    assert problems == []
    assert found == pytest.approx(explain(spec, wrt="z").gradients["z"], rel=1e-14)


def test_claims_outlive_an_expansion() -> None:
    spec = expanded(logistic(CLAIMS), ["all"])
    assert built(spec, spec.claims["z"])[0] == built(logistic(CLAIMS), logistic(CLAIMS).claims["z"])[0]


# --- reading, saving, other values --------------------------------------------------------------


def test_explain_takes_no_notice() -> None:
    wrong = logistic('[claims]\nz = "100*a"\nw = [[1]]')
    assert explain(wrong).to_dict() == explain(logistic()).to_dict()


def test_other_values_drop_the_numbers_and_keep_the_formulas() -> None:
    assert list(logistic(CLAIMS, b=0.5).claims) == ["z"]


def test_a_number_in_quotes_is_a_number() -> None:
    spec = logistic('[claims]\nb = "-0.130"\nw = "[1, .50]"')
    assert repr(spec.claims["b"].written) == repr(Written("-0.130"))
    assert spec.claims["b"].tolerance == pytest.approx(0.0005, rel=1e-6)
    assert json.loads(write_spec(spec, "json"))["claims"] == {"b": -0.13, "w": [1, 0.5]}


@pytest.mark.parametrize("format", ["toml", "json"])
def test_saving_keeps_the_digits(format: Any) -> None:
    spec = with_claims(logistic(CLAIMS), [read_claim("x = [−.10, 2e2]"), read_claim("y = ln(1/a)")])
    text = write_spec(spec, format)
    again = read_spec(Source("again", text), format)
    assert list(again.claims) == list(spec.claims)
    assert again.claims["x"].written[0].text == "-0.10"
    assert again.claims["x"].tolerance == pytest.approx([0.005, 50])
    assert again.claims["w"].written[1].text == "0.0651"
    assert again.claims["y"].formula
    assert again.claims["y"].formula.text == "ln(1/a)"
