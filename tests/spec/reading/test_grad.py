"""`grad(L, w)` in specs: right in value and at every order, kept in writing, honest at kinks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from invoking import error_codes, invoke, plain_json
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.explain.explain import explain
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.read import read_expression, read_spec
from bpx.spec.writing.write import write_spec
from bpx.train.train import Options, train
from bpx.words.diagnostic import Source

NEWTON = """bpx = 1
output = "next"
[inputs]
w = { value = 2.0, role = "parameter" }
x = 0.5
[graph]
L = "sin(w*x)^2 + w^4"
g = "grad(L, w)"
next = "w - g/grad(g, w)"
"""
PENALTY = """bpx = 1
output = "P"
[inputs]
x = [0.5, -1.0]
W = { value = [[0.1, 0.2], [0.3, -0.4]], role = "parameter" }
v = { value = [1.0, 2.0], role = "parameter" }
[graph]
P = "(norm(grad(D, x)) - 1)^2"
D = "v @ tanh(W @ x)"
"""
SHARED = """bpx = 1
[inputs]
x = 0.7
[graph]
h = "exp(x) * x"
y = "h^2 + grad(h^2, h)*grad(h, x)"
"""


def toml(text: str) -> NamedGraph:
    return read_spec(Source("a.toml", text), "toml")


def expression(text: str, **values: Any) -> NamedGraph:
    return read_expression(Source("<expression>", text), values)


def values(spec: NamedGraph) -> dict[str, Any]:
    found = explain(spec, check=False)
    return {row.name: row.value for row in found.nodes}


def test_a_newton_step_by_hand() -> None:
    w, x = 2.0, 0.5
    g = 2 * np.sin(w * x) * np.cos(w * x) * x + 4 * w**3
    h = 2 * np.cos(2 * w * x) * x**2 + 12 * w**2
    found = values(toml(NEWTON))
    assert found["g"] == pytest.approx(g, rel=1e-13)
    assert found["next"] == pytest.approx(w - g / h, rel=1e-13)


def test_a_gradient_penalty_in_numpy() -> None:
    """By x the gradient of D is Wᵀ (v · (1 - tanh²(W x)))."""
    x, W, v = np.array([0.5, -1]), np.array([[0.1, 0.2], [0.3, -0.4]]), np.array([1.0, 2])

    def penalty(W: Any, v: Any) -> float:
        slope = W.T @ (v * (1 - np.tanh(W @ x) ** 2))
        return float((np.sqrt(slope @ slope) - 1) ** 2)

    found = explain(toml(PENALTY), check=False)
    assert found.value == pytest.approx(penalty(W, v), rel=1e-13)
    gradient = np.array(found.to_dict()["gradients"]["W"])
    for at in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[at] = 1e-6
        slope = (penalty(W + step, v) - penalty(W - step, v)) / 2e-6
        assert gradient[at] == pytest.approx(slope, rel=1e-7)


@pytest.mark.parametrize("text", [NEWTON, PENALTY, SHARED])
def test_differences_agree_at_first_and_second_order(text: str) -> None:
    # The second derivatives by W would take most of the time of all tests here.
    report = gradcheck(toml(text), order=2, wrt="v" if text == PENALTY else None)
    assert report.verdict == "agree"


@every("text", [NEWTON, PENALTY, SHARED])
@every("format", ["toml", "json"])
def test_what_is_written_keeps_it(text: str, format: Any) -> None:
    spec = toml(text)
    written = write_spec(spec, format)
    assert written.count("grad(") == text.count("grad(")
    again = read_spec(Source("again", written), format)
    assert write_spec(again, format) == written
    assert len(again.graph) == len(spec.graph)
    before, after = values(spec), values(again)
    assert {name: value.tolist() for name, value in after.items()} == {
        name: value.tolist() for name, value in before.items()
    }


def test_higher_derivatives_by_nesting() -> None:
    assert explain(expression("grad(grad(grad(x^5, x), x), x)", x=2.0)).value == pytest.approx(240)
    assert explain(expression("grad(3*x, x) + grad(y^2, x)", x=2.0, y=1.0)).value == 3


def test_of_an_inner_node_and_of_an_array() -> None:
    steps = 'h = "x^2"\nL = "h^2"\ng = "grad(L, h)"\ny = "g"\n'
    found = values(toml(f"bpx = 1\n[inputs]\nx = 3\n[graph]\n{steps}"))
    assert found["g"] == 18
    spec = expression("sum(grad(sum(x^3), x)^2)", x=[1.0, 2.0])
    assert explain(spec).value == 9 + 144
    assert gradcheck(spec, order=2).verdict == "agree"


def test_rewritten_in_simpler_ops_it_is_the_same() -> None:
    found = explain(toml(PENALTY), expand="all", check=False)
    assert found.value == pytest.approx(float(explain(toml(PENALTY), check=False).value), rel=1e-12)


def test_what_it_is_written_with_is_not_what_it_is_made_of() -> None:
    """No edge goes from `grad(L, w)` to L or w: its value is that of the node of the reverse pass."""
    found = plain_json("explain", "grad(x^3, x)*y", "x=2", "y=1")
    row = next(row for row in found["nodes"] if row["op"] == "grad")
    assert (row["formula"], row["with_numbers"]) == ("grad(v1, x)", "v3")
    assert [edge["to"] for edge in found["edges"] if edge["from"] == row["id"]] == [row["args"][2]]
    assert (
        "grad passes the upstream gradient to the node"
        in invoke("explain", "grad(x^3, x)*y", "x=2", "y=1").stdout
    )


@pytest.mark.parametrize(
    ("text", "verdict"),
    [("grad(abs(x), x)*x", "kink"), ("grad(relu(x)^2, x)", "kink"), ("grad(relu(x), x)", "kink")],
)
def test_kinks(text: str, verdict: str) -> None:
    assert gradcheck(expression(text, x=0.0)).verdict == verdict


def test_a_convention_inside_a_gradient_is_said() -> None:
    """The value of the node is a convention, also where nothing is derived by x."""
    found = explain(expression("y*grad(relu(x), x)", x=0.0, y=2.0), wrt="y")
    assert "at-kink" in [note.code for note in found.notes]


def test_what_it_cannot_be_of() -> None:
    assert error_codes("explain", "grad(x^2, x)", "x=[1, 2]") == ["grad-of-array"]
    assert "grad(sum(x^2), x)" in invoke("explain", "grad(x^2, x)", "x=[1, 2]", exit=2).stderr
    for text in ("grad(x)", "grad(x, x, x)", "grad(x, x, axis=0)"):
        assert error_codes("explain", text, "x=1") == ["wrong-arity"]
    assert error_codes("explain", "grad(q, x)", "x=1") == ["missing-value"]


def test_an_op_of_the_spec_may_be_called_grad() -> None:
    text = 'bpx = 1\n[inputs]\nx = 3\n[graph]\ny = "grad(x)"\n[ops.grad]\nargs = ["x"]\nvalue = "x^2"\n'
    assert explain(toml(text + 'partials = { x = "2*x" }\n')).value == 9


def test_in_a_block_and_in_statements() -> None:
    text = 'bpx = 1\n[inputs]\nw = 2.0\n[graph]\nnext = "newton(w^4 + w, w)"\n[blocks.newton]\n'
    block = 'args = ["L", "w"]\nvalue = "w - grad(L, w)/grad(grad(L, w), w)"\n'
    assert explain(toml(text + block)).value == pytest.approx(2 - 33 / 48)
    found = plain_json("explain", "L = w^4 + w; g = grad(L, w); next = w - g/grad(g, w); w = 2")
    assert found["output"]["value"] == pytest.approx(2 - 33 / 48)


def test_a_gradient_penalty_is_trained() -> None:
    spec = toml(PENALTY)
    found = train(spec, Options(steps=30, check=15))
    assert found.last < found.first / 2
    assert [check.verdict for check in found.checks] == ["agree", "agree", "agree"]
