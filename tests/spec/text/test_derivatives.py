"""Names of derivatives: every spelling that people have, and names of nodes before all of them."""

from __future__ import annotations

import pytest
from checking import spec, toml
from rows_of_a_table import every

import bpx
from bpx.graph.named.claim import Derivative
from bpx.spec.text.derivatives import readings, with_derivatives_as_names, written_derivative
from bpx.words.diagnostic import BpxError
from bpx.words.say import say

NET = toml(
    "bpx = 1\noutput = 'L'\n[inputs]\nx = [1, 2]\nW1 = [[1, 2], [3, 4]]\n"
    "[graph]\n'h.z' = 'W1 @ x'\na = 'tanh(h.z)'\nL = 'sum(a)'"
)

SPELLINGS = {
    "W1": Derivative(None, "W1"),
    "dW1": Derivative(None, "W1"),
    "∂W1": Derivative(None, "W1"),
    "W1.grad": Derivative(None, "W1"),
    "grad_W1": Derivative(None, "W1"),
    "∇W1": Derivative(None, "W1"),
    "∂L/∂W1": Derivative("L", "W1"),
    "dL/dW1": Derivative("L", "W1"),
    "dL / dW1": Derivative("L", "W1"),
    "dL_dW1": Derivative("L", "W1"),
    "dLdW1": Derivative("L", "W1"),
    "dloss/dW1": Derivative(None, "W1"),
    "∂L/∂h.z": Derivative("L", "h.z"),
    "da/dh.z": Derivative("a", "h.z"),
    "da_dx": Derivative("a", "x"),
    "W1[0, 1]": Derivative(None, "W1", (0, 1)),
    "dW1[0]": Derivative(None, "W1", (0,)),
    "W1.grad[-1, 0]": Derivative(None, "W1", (-1, 0)),
    "∂L/∂x[1]": Derivative("L", "x", (1,)),
    "dL_dx[1]": Derivative("L", "x", (1,)),
    "∂h.z[0]/∂x[1]": Derivative("h.z", "x", (1,), of_at=(0,)),
    "dh.z[0] / dx": Derivative("h.z", "x", of_at=(0,)),
    "∂²L/∂x²": Derivative("L", "x", None, "x"),
    "d2L/dx2": Derivative("L", "x", None, "x"),
    "d^2L/dx^2": Derivative("L", "x", None, "x"),
    "∂²L/∂x∂W1": Derivative("L", "W1", None, "x"),
    "d2L/(dx dW1)": Derivative("L", "W1", None, "x"),
    "∂²L/∂x[0]∂W1[0, 1]": Derivative("L", "W1", (0, 1), "x", (0,)),
    "∂²L/∂x[0]²": Derivative("L", "x", (0,), "x", (0,)),
    "∂²loss/∂x²": Derivative(None, "x", None, "x"),
    "hess_x": Derivative(None, "x", None, "x"),
    "d/dW1 L": Derivative("L", "W1"),
    "∂/∂W1 (L)": Derivative("L", "W1"),
    "∂/∂x[1] loss": Derivative(None, "x", (1,)),
    "∂_W1 L": Derivative("L", "W1"),
    "d(L)/d(W1)": Derivative("L", "W1"),
    "∂²/∂x∂W1 L": Derivative("L", "W1", None, "x"),
    r"\frac{d}{dx} L": Derivative("L", "x"),
    r"\frac{\mathrm{d}L}{\mathrm{d}x}": Derivative("L", "x"),
    r"\frac{\partial^2}{\partial x^2} L": Derivative("L", "x", None, "x"),
    r"\partial_x L": Derivative("L", "x"),
    r"\partial_{h.z} a": Derivative("a", "h.z"),
    "hess(x)": Derivative(None, "x", None, "x"),
}


@every("text", SPELLINGS)
def test_a_spelling(text: str) -> None:
    assert readings(text, NET) == [SPELLINGS[text]]


@every(
    "text",
    [
        "q",
        "dq",
        "dq/dx",
        "dL/dq",
        "L/x",
        "",
        "x[",
        "x[a]",
        "x[0:1:2:3]",
        "d",
        "dL/",
        "d/dq L",
        "d/dx q",
        r"\partial_q L",
    ],
)
def test_what_means_nothing(text: str) -> None:
    assert readings(text, NET) == []


def test_slices() -> None:
    (derivative,) = readings("W1[:, 0:1]", NET)
    assert derivative.at == (slice(None, None), slice(0, 1))
    assert derivative.text("L") == "W1[:, 0:1]"


def test_a_name_of_a_node_wins() -> None:
    made = spec("dx*x", dx=2.0, x=3.0)
    assert readings("dx", made) == [Derivative(None, "dx")]
    assert readings("ddx", made) == [Derivative(None, "dx")]


def test_two_readings_are_both_given() -> None:
    made = spec("L_dx*x", L_dx=2.0, x=3.0)
    assert set(readings("dL_dx", made)) == {Derivative(None, "L_dx"), Derivative(None, "x")}


@every("text", [text for text in SPELLINGS if "loss" not in text])
def test_what_is_written_reads_back(text: str) -> None:
    derivative = SPELLINGS[text]
    for written in (derivative.text("L"), derivative.in_full("L")):
        (again,) = readings(written, NET)
        assert again._replace(of=again.of or "L") == derivative._replace(of=derivative.of or "L")


# --- inside formulas ----------------------------------------------------------------------------


def test_in_a_formula_every_place_stays_the_same() -> None:
    text = "2*∂L/∂h.z*dL / da.T + w.grad + x/y + d/da"
    named = with_derivatives_as_names(text)
    assert len(named) == len(text)
    assert named.replace(named[2:9], "_") == "2*_*" + named[10:17] + ".T + w.grad + x/y + d/da"
    assert [written_derivative(name) for name in (named[2:9], named[10:17], "x")] == ["∂L/∂h.z", "dL/da", "x"]


@pytest.mark.parametrize("text", ["dv1/dx", "∂a/∂d * 2", "d/dw L", "2*dh.z/dx.T + ∂L/∂w"])
def test_whatever_is_said_of_a_name_shows_the_derivative(text: str) -> None:
    assert say("diagnostic.unknown-name", name=with_derivatives_as_names(text)) == f"`{text}` is not defined"


def test_letters_of_names_in_other_languages_stay() -> None:
    for name in ("сімʼя", "Hawaiʻi", "ʾalif"):
        assert name in say("diagnostic.unknown-name", name=name)


def test_no_help_tells_to_define_a_derivative() -> None:
    with pytest.raises(BpxError) as caught:
        bpx.load("logistic_regression").gradcheck(claims={"b": "∂L/∂z * ∂a/∂d"})
    (problem,) = caught.value.diagnostics
    assert "`∂a/∂d`" in problem.message
    assert problem.help == "names-are"


def test_what_begins_at_a_place_can_be_left_as_it_is() -> None:
    assert with_derivatives_as_names("dy/dt", [0]) == "dy/dt"
