"""Mistakes inside one op's derivation: what numbers they give, worked out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from bpx.check.patterns.formula_edits import insides, slips
from bpx.graph.arrays import Array
from bpx.graph.graph import OPS

X, Y = np.array([0.3, 0.7, 1.9]), np.array([1.2, -0.4, 0.5])


def slipped(op: str, position: int = 0) -> dict[tuple[str, str], Array]:
    """What each slip gives, by what stands there and what belongs there."""
    row = OPS[op]
    args = [X, Y][: len(row.args)]
    found = slips(row, position, args, row.value(*args), np.ones(3), {})
    return {
        (str(facts["wrong"]), str(facts["right"])): value
        for one, value in found
        if (facts := dict(one.facts))
    }


def inside(op: str) -> dict[tuple[str, Any], Array]:
    """What each mistake at a step of the chain rule gives, by its code and the step."""
    return {(one.code, str(one.facts[0][1])): value for one, value in insides(OPS[op], 0, [X])}


def test_a_sign_turned_in_the_formula() -> None:
    out = 1 / (1 + np.exp(-X))
    np.testing.assert_allclose(slipped("sigmoid")["1 + out", "1 - out"], out * (1 + out))


def test_a_factor_left_out() -> None:
    out = 1 / (1 + np.exp(-X))
    found = slipped("sigmoid")
    np.testing.assert_allclose(found["out", "out * (1 - out)"], out)
    np.testing.assert_allclose(found["1 - out", "out * (1 - out)"], 1 - out)


def test_a_power_left_out() -> None:
    np.testing.assert_allclose(slipped("tanh")["out", "out^2"], 1 - np.tanh(X))


def test_sine_for_cosine() -> None:
    np.testing.assert_allclose(slipped("sin")["sin(x)", "cos(x)"], np.sin(X))


def test_the_other_arg_plays_its_part() -> None:
    np.testing.assert_allclose(slipped("div", 1)["-out", "-out / y"], -X / Y)


def test_what_looks_the_same_is_told_once() -> None:
    found = list(slipped("sigmoid").values())
    for i, one in enumerate(found):
        assert not any(np.array_equal(one, other) for other in found[:i])


def test_the_sum_left_out_of_the_rule_of_softmax() -> None:
    out, upstream = np.array([0.2, 0.3, 0.5]), np.array([1.0, -2.0, 0.5])
    found = slips(OPS["softmax"], 0, [np.log(out)], out, upstream, {"axis": (0,)})
    assert any(np.allclose(value, out * upstream) for _, value in found)


STEPS: list[tuple[str, str, str, Callable[[Array], Array]]] = [
    ("softplus", "inner-forgotten", "exp(x)", lambda x: 1 / (1 + np.exp(x))),
    ("sigmoid", "inner-sign", "-x", lambda x: -np.exp(-x) / (1 + np.exp(-x)) ** 2),
    ("square", "path-dropped", "x * x", lambda x: x),
    ("square", "path-doubled", "x * x", lambda x: 3 * x),
]


@pytest.mark.parametrize(("op", "code", "step", "wrong"), STEPS, ids=[one[1] for one in STEPS])
def test_a_step_of_the_chain_rule(op: str, code: str, step: str, wrong: Callable[[Array], Array]) -> None:
    np.testing.assert_allclose(inside(op)[code, step], wrong(X))
