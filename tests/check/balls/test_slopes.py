"""One run with all coordinates moving gives, bit for bit, what a run with each of them alone gives."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

from bpx.check.balls import ball_context
from bpx.check.balls.balls import Ball
from bpx.check.balls.enclosures import NO_PROOF
from bpx.check.balls.slopes import Apart
from bpx.check.numeric.tolerances import BALL_BITS
from bpx.check.whole.certificates import BallProgram, prepare
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.spec.spec import parse

pytest.importorskip("flint")

X = [0.3, 1.7, 2.5, -0.4]
TOGETHER = [
    "sum(tanh(x) * x)",
    "sum((x @ x) * exp(-x) / (1 + x^2))",
    "prod(x) - sum(abs(x)) + max(x) * min(x)",
    "log(sum(exp(x)))",
    "sum(cumsum(x)^3) - mean(x)",
    "sum(floor(x) * sin(x)) + sum(where(x > 1, x, x^2))",
    "sum(softmax(x) * sigmoid(x))",
    "sum(layer_norm(x) * x)",
]
ONE_BY_ONE = ["sum(2 ^ x)", "sum(x ^ x)", "sum(max(x, 0.3))", "sum(log(x))"]


def slopes(formula: str, together: bool) -> tuple[list[Any], bool]:
    """The slope of every entry, None where there is none, and whether one run gave them."""
    spec = parse(formula, x=X)
    node = spec.nodes["x"]
    checked = CheckedGraph.at(Query(spec, spec.output, {"x": node}, np.ones(())), spec.input_values)
    program = BallProgram(checked, node, range(len(X)))
    if together:
        program.prepare()
    found: list[Any] = []
    with ball_context.precision(BALL_BITS[0]):
        for entry in range(len(X)):
            found.append(None)
            with suppress(*NO_PROOF):
                slope = program.output(entry, moves=True).slope
                found[-1] = slope and (slope.mid(), slope.rad())
    return found, program.together is not None


@every("formula", [*TOGETHER, *ONE_BY_ONE])
def test_together_as_alone(formula: str) -> None:
    in_one_run, is_one = slopes(formula, together=True)
    assert str(in_one_run) == str(slopes(formula, together=False)[0])
    assert is_one == (formula in TOGETHER)


CHAIN = "a = x * sin(x)\nb = a / x + a\nc = exp(b) * a\nL = sum(c * b)"


@every("last", ["", " + sum(2 ^ a)"])
def test_the_slopes_by_several_nodes_in_one_run_are_those_of_a_run_for_each(last: str) -> None:
    """Also where the run of all gives none: coordinates in an exponent are looked at one by one."""
    spec = parse(f"{CHAIN}{last}", x=X)
    nodes = {name: spec.nodes[name] for name in ("x", "a", "b", "c")}
    checked = CheckedGraph.at(Query(spec, spec.output, nodes, np.ones(())), spec.input_values)
    several, alone = (
        [BallProgram(checked, node, range(len(X))) for node in nodes.values()] for _ in range(2)
    )
    prepare(several)
    for one in alone:
        one.prepare()
    assert [one.together is None for one in several] == [one.together is None for one in alone]
    assert len({id(one.together) for one in several}) == (3 if last else 1)
    for program, other in zip(several, alone, strict=True):
        assert shown_slopes(program) == shown_slopes(other)


def shown_slopes(program: BallProgram) -> list[str]:
    """The slopes of all entries in the fewest bits, from the one run of all where there is one."""
    if program.together is None:
        return []
    with ball_context.precision(BALL_BITS[0]):
        found = [program.output(entry, moves=True).slope for entry in program.entries]
    return [str((slope.mid(), slope.rad())) for slope in found]


def test_what_is_undefined_for_one_coordinate_is_left_to_a_run_of_its_own() -> None:
    with pytest.raises(Apart):
        Ball(0.0).moving(0).sqrt() * Ball(2.0).moving(1)


def test_slopes_are_shown_by_coordinate() -> None:
    assert repr(Ball(2.0).moving(0) * Ball(3.0).moving(7)).count(": ") == 2
