"""Every elementwise row of the op table against an oracle that knows nothing of bpx.

The tests ask the table which rows there are: a new row is tested on arrival, and fails until
`oracle.VALUES` knows what it should give. What holds for structural rows too (words, notation) is
tested here for all of them; their values and pulls in test_tensors.py.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
import oracle
import pytest
from oracle import mp
from rows_of_a_table import every

from bpx.check.numeric.multiprecision import lifted
from bpx.graph.arrays import ShapeError
from bpx.graph.formula import formula
from bpx.graph.graph import CONSTANT, OPS, Expr, Graph, Op
from bpx.graph.run import run
from bpx.ops import rows
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source

ROWS = rows()
ELEMENTWISE = [op for op in ROWS if op.elementwise]
KINKED = [op for op in ELEMENTWISE if op.witness]
EXPANDING = [op for op in ELEMENTWISE if op.expands]
POINTS, POINTS_OF_SECOND_ORDER = 24, 8


def each(ops):
    return every("op", ops)


def on_inputs(op: Op) -> tuple[list[Expr], Expr]:
    """A node of the op on fresh scalar inputs, in a graph of its own."""
    graph = Graph()
    inputs = [graph.input() for _ in op.args]
    return inputs, graph.add(op, *inputs)


def local(out: Expr) -> list[Expr]:
    """The local partials of a node, as its row builds them."""
    return [out.graph.lift(one) for one in out.op.local(*out.args, out)]


def at(inputs: Sequence[Expr], points: Sequence[Sequence[float]], exprs: Sequence[Expr]) -> np.ndarray:
    """The values of `exprs`, one row each, at all the points."""
    given = {one.id: np.array(column) for one, column in zip(inputs, zip(*points, strict=True), strict=True)}
    values = run(inputs[0].graph, given, [expr.id for expr in exprs], batch=True)
    return np.array([np.broadcast_to(values[expr.id], len(points)) for expr in exprs])


# --- the row check ------------------------------------------------------------------------------


def near(got: float, truth, tolerance: float) -> bool:
    """Relative, with a floor far below anything computed for truths that are 0."""
    return mp.isfinite(got) and abs(mp.mpf(float(got)) - truth) <= tolerance * abs(truth) + mp.mpf("1e-30")


def told(what: str, point, got: float, truth) -> str:
    return f"{what} at {point} is {got!r}, not {mp.nstr(truth, 20)}"


def value_problems(op: Op) -> list[str]:
    inputs, out = on_inputs(op)
    points = oracle.points(op, POINTS)
    return [
        told("value", point, got, truth)
        for point, got in zip(points, at(inputs, points, [out])[0], strict=True)
        if not near(got, truth := oracle.value(op.name, point), 1e-14)
    ]


def partial_problems(op: Op) -> list[str]:
    inputs, out = on_inputs(op)
    points = oracle.points(op, POINTS)
    return [
        told(f"∂/∂{arg}", point, got, truth)
        for position, (arg, found) in enumerate(zip(op.args, at(inputs, points, local(out)), strict=True))
        for point, got in zip(points, found, strict=True)
        if not near(got, truth := oracle.partial(op.name, point, position), 1e-12)
    ]


def second_problems(op: Op) -> list[str]:
    """Every second derivative, each as the gradient of a local partial."""
    inputs, out = on_inputs(op)
    points = oracle.points(op, POINTS_OF_SECOND_ORDER)
    problems = []
    for first, partial in enumerate(local(out)):
        found = at(inputs, points, grad(partial, inputs))
        for second, point_index in product(range(len(inputs)), range(len(points))):
            got, point = found[second][point_index], points[point_index]
            truth = oracle.derivative(op.name, point, oracle.unit(len(inputs), first, second))
            if not near(got, truth, 1e-9):
                problems.append(told(f"∂²/∂{op.args[first]}∂{op.args[second]}", point, got, truth))
    return problems


def row_problems(op: Op) -> list[str]:
    """All that is wrong with the numbers of a row."""
    return value_problems(op) + partial_problems(op) + second_problems(op)


@each(ELEMENTWISE)
def test_the_oracle_knows_the_row(op):
    assert op.name in oracle.VALUES, f"say in tests/oracle.py what {op.name} should give"


@each(ELEMENTWISE)
def test_values_partials_and_second_derivatives_at_50_digits(op):
    assert row_problems(op) == []


# --- the row check itself: a wrong row must be reported -----------------------------------------


def with_partial(op: Op, position: int, change) -> Op:
    """The row with one partial changed."""

    def changed(*args):
        partials = list(op.local(*args))
        partials[position] = change(partials[position])
        return tuple(partials)

    return replace(op, local=changed)


def partials_of(ops):
    return [(op, i) for op in ops for i in range(len(op.args))]


def is_flat(op: Op, position: int) -> bool:
    return all(oracle.partial(op.name, point, position) == 0 for point in oracle.points(op, POINTS))


@every("op, position", partials_of(ELEMENTWISE))
def test_a_partial_wrong_by_a_thousandth_is_reported(op, position):
    flat = is_flat(op, position)
    mutant = with_partial(op, position, lambda partial: partial + 0.001 if flat else partial * 1.001)
    assert any(problem.startswith(f"∂/∂{op.args[position]} ") for problem in row_problems(mutant))


@each(ELEMENTWISE)
def test_a_value_wrong_by_a_thousandth_is_reported(op):
    mutant = replace(op, value=lambda *args: op.value(*args) * 1.001 + 1e-9)
    assert any(problem.startswith("value ") for problem in value_problems(mutant))


@each([op for op in ELEMENTWISE if op.name in ("log", "sqrt", "asin", "pow")])
def test_a_forgotten_guard_is_reported(op):
    forgetful = replace(op, guards=lambda *args: ())
    assert any(problem.startswith("value ") for problem in value_problems(forgetful))


# --- kinks --------------------------------------------------------------------------------------

HALF = 0.5
CONVENTIONS = {  # op → at a kink, the partials bpx takes
    "abs": {(0,): (0,)},
    "sign": {(0,): (0,)},
    "step": {(0,): (0,)},
    "floor": {(1,): (0,), (-2,): (0,)},
    "round": {(0.5,): (0,), (-1.5,): (0,)},
    "ceil": {(1,): (0,), (-2,): (0,)},
    "mod": {(1, 1): (1, -1), (-3, 1.5): (1, 2), (0, 2): (1, 0)},
    "hypot": {(0, 0): (0, 0)},
    "relu": {(0,): (0,)},
    "leaky_relu": {(0, 0.01): (0.01, 0), (0, -2): (-2, 0), (0, 3): (3, 0)},
    "elu": {(0, 2): (2, 0), (0, 0.5): (0.5, 0)},
    "selu": {(0,): (1.7580993408473766,)},
    "relu6": {(0,): (0,), (6,): (0,)},
    "hardtanh": {(-1, -1, 1): (0, 1, 0), (1, -1, 1): (0, 0, 1), (0, 1, 1): (0, 0, 1)},
    "hard_sigmoid": {(-3,): (0,), (3,): (0,)},
    "hard_swish": {(-3,): (0,), (3,): (1,)},
    "max": {(1, 1): (HALF, HALF), (0, 0): (HALF, HALF)},
    "min": {(1, 1): (HALF, HALF), (0, 0): (HALF, HALF)},
    "clip": {(1, 1, 2): (1, 0, 0), (2, 1, 2): (1, 0, 0)},
    "where": {(0, 1, 2): (0, 0, 1)},
    "atan2": {(0, -1): (-1, 0)},
    **{name: {(1, 1): (0, 0), (-2, -2): (0, 0)} for name in ("lt", "le", "gt", "ge", "eq", "ne")},
}


@each(ELEMENTWISE)
def test_a_row_with_a_kink_names_a_point_on_it(op):
    inputs, _ = on_inputs(op)
    has_kink = any(guard.kind == "kink" for guard in op.guards(*inputs))
    assert has_kink == (op.witness is not None)


@each(KINKED)
def test_a_kink_guard_is_zero_at_the_witness(op):
    found = oracle.guard_values(op, op.witness)
    assert 0 in [value.item() for kind, value in found if kind == "kink"]


@each(KINKED)
def test_the_convention_of_the_kink_is_the_stated_one(op):
    assert op.witness in CONVENTIONS[op.name], "state the convention in CONVENTIONS"
    inputs, out = on_inputs(op)
    for point, partials in CONVENTIONS[op.name].items():
        assert tuple(at(inputs, [point], local(out))[:, 0]) == partials, point


@each(KINKED)
def test_partials_at_a_kink_lie_within_the_one_sided_slopes(op):
    inputs, out = on_inputs(op)
    for point in CONVENTIONS[op.name]:
        for position, partial in enumerate(at(inputs, [point], local(out))[:, 0]):
            slopes = [slope_beside(op, point, position, side) for side in (-1e-6, 1e-6)]
            assert min(slopes) - 1e-5 <= partial <= max(slopes) + 1e-5, (point, op.args[position])


def slope_beside(op: Op, point, position: int, side: float):
    """The slope a step beside the point: of a jump op too, whose secant through the jump has none."""
    moved = tuple(float(x) + side * (i == position) for i, x in enumerate(point))
    return oracle.partial(op.name, moved, position)


SMOOTH = [  # where a guard that says too much would forbid a point
    ("atan2", (0, 1)),
    ("atan2", (1e-9, -1)),
    ("abs", (-1e-300,)),
    ("relu", (1e-300,)),
    ("leaky_relu", (1e-300, 0.01)),
    ("elu", (-1e-300, 2)),
    ("selu", (1e-300,)),
    ("softsign", (0,)),
    ("relu6", (3,)),
    ("hardtanh", (0, -1, 1)),
    ("hard_sigmoid", (0,)),
    ("hard_swish", (0,)),
    ("step", (1,)),
    ("sign", (-1,)),
    ("floor", (0.5,)),
    ("round", (1,)),
    ("ceil", (0.5,)),
    ("mod", (1, 1.5)),
    ("mod", (-1e-300, 1)),
    ("hypot", (0, 1e-300)),
    ("cbrt", (-1e-300,)),
    ("acosh", (1.001,)),
    ("atanh", (-0.999,)),
    ("max", (0, 1)),
    ("min", (-1, -2)),
    ("clip", (0, -1, 1)),
    ("clip", (5, -1, 1)),
    ("lt", (0, 1e-300)),
    ("where", (1e-300, 0, 0)),
    ("div", (0, 1e-300)),
    ("reciprocal", (-1e-300,)),
    ("pow", (1e-300, -2)),
    ("sqrt", (1e-300,)),
    ("log", (1e-300,)),
    ("log1p", (-0.999,)),
    ("tan", (0,)),
    ("asin", (0.999,)),
    ("acos", (-0.999,)),
]


@every("name, point", SMOOTH)
def test_a_guard_forbids_no_smooth_point(name, point):
    assert oracle.guards_hold(OPS[name], point, 0.0).all()


# --- domains ------------------------------------------------------------------------------------

GRID = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)
# cos(x) is 0 at no float64, so that tan is never at its own pole; it comes close.
NEVER_AT_ITS_POLE = {"tan", "sec"}
# Defined everywhere; its guard is there for the slope, which is infinite at 0.
NOWHERE_OUTSIDE = {"cbrt"}


def guards_on_grid(op: Op, kind: str):
    """Points of a grid, and the values there of the op's guards of one kind."""
    points = list(product(GRID, repeat=len(op.args)))
    found = [values for k, values in oracle.guard_values(op, np.array(points).T) if k == kind]
    return points, found


def guarded(kind: str):
    return [op for op in ELEMENTWISE if kind in (guard.kind for guard in op.guards(*on_inputs(op)[0]))]


def values_at(op: Op, points) -> np.ndarray:
    inputs, out = on_inputs(op)
    return at(inputs, points, [out])[0]


@each([op for op in (*guarded("positive"), *guarded("nonnegative")) if op.name not in NOWHERE_OUTSIDE])
def test_outside_the_domain_the_value_is_not_finite(op):
    # An exponent that varies may still be whole, and (-1)^2 is a number; between whole ones it is not.
    shift = 0.25 if op.name == "pow" else 0.0
    for kind in ("positive", "nonnegative"):
        points, found = guards_on_grid(op, kind)
        points = [(point[0], *(x + shift for x in point[1:])) for point in points]
        for values in found:
            outside = [point for point, value in zip(points, values, strict=True) if value < 0]
            assert outside
            assert not np.isfinite(values_at(op, outside)).any()


@each([op for op in guarded("nonzero") if op.name not in NEVER_AT_ITS_POLE])
def test_at_a_pole_the_value_is_not_finite(op):
    points, found = guards_on_grid(op, "nonzero")
    for values in found:
        poles = [point for point, value in zip(points, values, strict=True) if value == 0]
        assert poles
        assert not np.isfinite(values_at(op, poles)).any()


@each(guarded("nonnegative"))
def test_at_the_edge_the_value_is_finite_and_a_partial_is_not(op):
    points, found = guards_on_grid(op, "nonnegative")
    edge = [point for values in found for point, value in zip(points, values, strict=True) if value == 0]
    inputs, out = on_inputs(op)
    assert edge
    assert np.isfinite(values_at(op, edge)).all()
    assert not np.isfinite(at(inputs, edge, local(out))).any()


def test_tan_beside_its_pole_is_huge():
    assert abs(values_at(OPS["tan"], [(math.pi / 2,)])[0]) > 1e15


@every(
    "exponent, kinds",
    [
        (0, []),
        (1, []),
        (2, []),
        (7.0, []),
        (-1, ["nonzero"]),
        (-2, ["nonzero"]),
        (0.5, ["nonnegative"]),
        (1.5, ["nonnegative"]),
        (-0.5, ["positive"]),
        (None, ["positive"]),
    ],
)
def test_the_exponent_decides_where_a_power_is_smooth(exponent, kinds):
    graph = Graph()
    x = graph.input()
    y = graph.input() if exponent is None else graph.constant(exponent)
    assert [guard.kind for guard in OPS["pow"].guards(x, y)] == kinds


# --- special points -----------------------------------------------------------------------------

INF, NAN = math.inf, math.nan
SPECIAL = [  # op, point, value, partials (None: not stated)
    ("pow", (0, 0), 1, None),
    ("pow", (0, 2), 0, None),
    ("pow", (0, -1), INF, None),
    ("pow", (-0.0, -1), -INF, None),
    ("pow", (-2, 3), -8, None),
    ("pow", (-2, 0.5), NAN, None),
    ("pow", (INF, 0), 1, None),
    ("pow", (2, 1024), INF, None),
    ("pow", (2, -1080), 0, None),
    ("add", (INF, 1), INF, (1, 1)),
    ("add", (INF, -INF), NAN, (1, 1)),
    ("add", (-0.0, 0.0), 0.0, (1, 1)),
    ("add", (-0.0, -0.0), -0.0, (1, 1)),
    ("sub", (0.0, 0.0), 0.0, (1, -1)),
    ("mul", (-0.0, 2), -0.0, (2, -0.0)),
    ("mul", (0, INF), NAN, (INF, 0)),
    ("div", (1, 0), INF, None),
    ("div", (1, -0.0), -INF, None),
    ("div", (0, 0), NAN, None),
    ("div", (1, INF), 0, (0, -0.0)),
    ("neg", (0.0,), -0.0, (-1,)),
    ("reciprocal", (-0.0,), -INF, (-INF,)),
    ("reciprocal", (INF,), 0, (-0.0,)),
    ("square", (-0.0,), 0.0, (-0.0,)),
    ("square", (1e200,), INF, (2e200,)),
    ("sqrt", (0,), 0, (INF,)),
    ("sqrt", (-0.0,), -0.0, None),
    ("sqrt", (-1,), NAN, (NAN,)),
    ("sqrt", (INF,), INF, (0,)),
    ("exp", (1000,), INF, (INF,)),
    ("exp", (-1000,), 0, (0,)),
    ("exp", (-INF,), 0, (0,)),
    ("expm1", (1e-12,), 1.0000000000005e-12, (1.000000000001,)),
    ("expm1", (-1e-12,), -9.999999999995e-13, (0.999999999999,)),
    ("expm1", (-0.0,), -0.0, (1,)),
    ("expm1", (-1000,), -1, (0,)),
    ("log", (0,), -INF, (INF,)),
    ("log", (-1,), NAN, None),
    ("log", (INF,), INF, (0,)),
    ("log", (5e-324,), -744.4400719213812, (INF,)),
    ("log1p", (1e-12,), 9.999999999995e-13, (0.999999999999,)),
    ("log1p", (-1e-12,), -1.0000000000005e-12, (1.000000000001,)),
    ("log1p", (-1,), -INF, (INF,)),
    ("log1p", (-0.0,), -0.0, (1,)),
    ("log2", (8,), 3, (1 / (8 * math.log(2)),)),
    ("log10", (1000,), 3, (1 / (1000 * math.log(10)),)),
    ("sin", (-0.0,), -0.0, (1,)),
    ("sin", (INF,), NAN, (NAN,)),
    ("cos", (0,), 1, (-0.0,)),
    ("tan", (-0.0,), -0.0, (1,)),
    ("asin", (1,), math.pi / 2, (INF,)),
    ("asin", (1 + 1e-9,), NAN, (NAN,)),
    ("acos", (-1,), math.pi, (-INF,)),
    ("acos", (1,), 0, (-INF,)),
    ("atan", (INF,), math.pi / 2, (0,)),
    ("atan", (-INF,), -math.pi / 2, (0,)),
    ("atan2", (0.0, 1.0), 0.0, (1, -0.0)),
    ("atan2", (0.0, -1.0), math.pi, (-1, -0.0)),
    ("atan2", (-0.0, -1.0), -math.pi, (-1, 0.0)),
    ("atan2", (1.0, 0.0), math.pi / 2, (0, -1)),
    ("atan2", (0.0, 0.0), 0.0, (NAN, NAN)),
    ("sinh", (1000,), INF, (INF,)),
    ("cosh", (-1000,), INF, (-INF,)),
    ("asinh", (-0.0,), -0.0, (1,)),
    ("asinh", (-1e9,), -21.416413017506358, (1e-9,)),
    ("acosh", (1,), 0, (INF,)),
    ("acosh", (0.5,), NAN, (NAN,)),
    ("acosh", (INF,), INF, (0,)),
    ("atanh", (1,), INF, (INF,)),
    ("atanh", (2,), NAN, None),
    ("atanh", (-0.0,), -0.0, (1,)),
    ("atanh", (1e-12,), 1e-12, (1,)),
    ("hypot", (0, 0), 0, (0, 0)),
    ("hypot", (-0.0, -3), 3, (-0.0, -1)),
    ("hypot", (3e200, 4e200), 5e200, (0.6, 0.8)),
    ("hypot", (3e-200, 4e-200), 5e-200, (0.6, 0.8)),
    ("cbrt", (-8,), -2, (1 / 12,)),
    ("cbrt", (0,), 0, (INF,)),
    ("cbrt", (-0.0,), -0.0, (INF,)),
    ("exp2", (10,), 1024, (1024 * math.log(2),)),
    ("exp2", (-1080,), 0, (0,)),
    ("exp2", (1024,), INF, (INF,)),
    ("logaddexp", (1000, 1000), 1000.6931471805599, (0.5, 0.5)),
    ("logaddexp", (-1000, 1000), 1000, (0, 1)),
    ("logaddexp", (-1e4, -1e4 - 40), -1e4, (1, math.exp(-40))),
    ("tanh", (20,), 1, (0,)),
    ("tanh", (1000,), 1, (0,)),
    ("tanh", (-1000,), -1, (0,)),
    ("tanh", (INF,), 1, (0,)),
    ("tanh", (1e-12,), 1e-12, (1,)),
    ("tanh", (-0.0,), -0.0, (1,)),
    ("erf", (INF,), 1, (0,)),
    ("erf", (-30,), -1, (0,)),
    ("erf", (-0.0,), -0.0, (2 / math.sqrt(math.pi),)),
    ("sigmoid", (1000,), 1, (0,)),
    ("sigmoid", (-1000,), 0, (0,)),
    ("sigmoid", (INF,), 1, (0,)),
    ("sigmoid", (-INF,), 0, (0,)),
    ("sigmoid", (-700,), math.exp(-700), (math.exp(-700),)),
    ("sigmoid", (-0.0,), 0.5, (0.25,)),
    ("softplus", (1000,), 1000, (1,)),
    ("softplus", (-1000,), 0, (0,)),
    ("softplus", (-700,), math.exp(-700), (math.exp(-700),)),
    ("softplus", (INF,), INF, (1,)),
    ("softplus", (0,), math.log(2), (0.5,)),
    ("logsigmoid", (1000,), -0.0, (0,)),
    ("logsigmoid", (-1000,), -1000, (1,)),
    ("logsigmoid", (1e4,), -0.0, (0,)),
    ("logsigmoid", (-1e4,), -1e4, (1,)),
    ("logsigmoid", (700,), -math.exp(-700), (math.exp(-700),)),
    ("logsigmoid", (-INF,), -INF, (1,)),
    ("softsign", (1e4,), 1e4 / 10001, (1 / 10001**2,)),
    ("softsign", (-0.0,), -0.0, (1,)),
    ("leaky_relu", (-0.0, 0.01), -0.0, (0.01, 0)),
    ("leaky_relu", (-1e4, 0.01), -100, (0.01, -1e4)),
    ("leaky_relu", (INF, 0), INF, (1, 0)),
    ("elu", (1e4, 1), 1e4, (1, 0)),
    ("elu", (-1000, 1), -1, (0, -1)),
    ("elu", (-1e-12, 1), -9.999999999995e-13, (0.999999999999, -9.999999999995e-13)),
    ("elu", (-1e-300, 1), -1e-300, (1, -1e-300)),
    ("elu", (-INF, 2), -2, (0, -1)),
    ("selu", (1e4,), 10507.009873554805, (1.0507009873554805,)),
    ("selu", (-1e4,), -1.7580993408473766, (0,)),
    ("relu6", (1e4,), 6, (0,)),
    ("relu6", (-1e4,), 0, (0,)),
    ("hardtanh", (INF, -1, 1), 1, (0, 0, 1)),
    ("hardtanh", (-INF, -1, 1), -1, (0, 1, 0)),
    ("hardtanh", (0, 2, -2), -2, (0, 0, 1)),  # bounds that cross: the upper one holds, as in clip
    ("hard_sigmoid", (1e4,), 1, (0,)),
    ("hard_sigmoid", (-1e4,), 0, (0,)),
    ("hard_swish", (1e4,), 1e4, (1,)),
    ("hard_swish", (-1e4,), -0.0, (0,)),
    ("silu", (1000,), 1000, (1,)),
    ("silu", (-1000,), -0.0, (-0.0,)),
    ("silu", (-1e4,), -0.0, (-0.0,)),
    ("silu", (-700,), -700 * math.exp(-700), (-699 * math.exp(-700),)),
    ("silu", (1e-300,), 5e-301, (0.5,)),
    ("swish", (-1e4, 1), -0.0, (-0.0, 0)),
    ("swish", (1e200, 1), 1e200, (1, 0)),
    ("swish", (-1e200, 2), -0.0, (-0.0, 0)),
    ("swish", (3, 0), 1.5, (0.5, 2.25)),
    ("mish", (1000,), 1000, (1,)),
    ("mish", (-1000,), -0.0, None),
    ("mish", (-1e4,), -0.0, (-0.0,)),
    ("mish", (-700,), -700 * math.exp(-700), (-699 * math.exp(-700),)),
    ("mish", (1e-300,), 6e-301, (0.6,)),
    ("gelu", (1e4,), 1e4, (1,)),
    ("gelu", (-1e4,), -0.0, (-0.0,)),
    ("gelu", (1e-300,), 5e-301, (0.5,)),
    ("gelu_tanh", (1e4,), 1e4, (1,)),
    ("gelu_tanh", (-1e4,), -0.0, (-0.0,)),
    ("gelu_tanh", (1e-300,), 5e-301, (0.5,)),
    ("relu", (-0.0,), 0.0, (0,)),
    ("relu", (5e-324,), 5e-324, (1,)),
    ("relu", (INF,), INF, (1,)),
    ("relu", (-INF,), 0, (0,)),
    ("relu", (NAN,), NAN, None),
    ("abs", (-0.0,), 0.0, (0,)),
    ("abs", (-INF,), INF, (-1,)),
    ("sign", (-0.0,), 0.0, (0,)),
    ("sign", (NAN,), NAN, None),
    ("step", (-0.0,), 0.5, (0,)),
    ("step", (INF,), 1, (0,)),
    ("floor", (-0.5,), -1, (0,)),
    ("floor", (INF,), INF, (0,)),
    ("ceil", (-0.5,), -0.0, (0,)),
    ("ceil", (INF,), INF, (0,)),
    ("mod", (5, 3), 2, (1, -1)),
    ("mod", (-5, 3), 1, (1, 2)),
    ("mod", (5, -3), -1, (1, 2)),
    ("mod", (1, 0.1), 0.09999999999999995, (1, -9)),  # 1 / 0.1 is 10 to float64
    ("mod", (1, 0), NAN, None),
    ("round", (2.5,), 2, (0,)),
    ("round", (3.5,), 4, (0,)),
    ("round", (-0.4,), -0.0, (0,)),
    ("max", (NAN, 1), NAN, None),
    ("max", (-INF, 1), 1, (0, 1)),
    ("min", (INF, 1), 1, (0, 1)),
    ("min", (1, NAN), NAN, None),
    ("clip", (INF, -1, 1), 1, (0, 0, 1)),
    ("clip", (-INF, -1, 1), -1, (0, 1, 0)),
    ("clip", (0, 2, -2), -2, (0, 0, 1)),  # bounds that cross: the upper one holds
    ("where", (0, INF, 2), 2, (0, 0, 1)),
    ("where", (-0.0, 1, 2), 2, (0, 0, 1)),
    ("where", (NAN, 1, 2), 1, (0, 1, 0)),
    ("lt", (-0.0, 0.0), 0, (0, 0)),
    ("ge", (-0.0, 0.0), 1, (0, 0)),
    ("eq", (-0.0, 0.0), 1, (0, 0)),
    ("eq", (NAN, NAN), 0, (0, 0)),
    ("ne", (NAN, NAN), 1, (0, 0)),
    ("lt", (-INF, INF), 1, (0, 0)),
]


def same(got: float, wanted: float) -> bool:
    """Equal to the last few digits, with NaN like NaN."""
    return math.isclose(got, wanted, rel_tol=1e-15) or (math.isnan(got) and math.isnan(wanted))


def spelled(name, point):
    return f"{name}({', '.join(map(str, point))})"


@every("name, point, value, partials", SPECIAL)
def test_special_points(name, point, value, partials):
    inputs, out = on_inputs(OPS[name])
    got = at(inputs, [point], [out, *local(out)])[:, 0]
    assert same(got[0], value)
    if value == 0:
        assert math.copysign(1, got[0]) == math.copysign(1, value)
    if partials is not None:
        assert all(map(same, got[1:], partials)), got[1:]


@pytest.mark.parametrize(("base", "slope"), [(0, 0), (3, 0), (-3, 0)])
def test_x_to_the_constant_0_is_flat_even_at_0(base, slope):
    graph = Graph()
    x = graph.input()
    out = graph.add(OPS["pow"], x, graph.constant(0))
    assert at([x], [(base,)], [out, *grad(out, [x])])[:, 0].tolist() == [1, slope]


@pytest.mark.parametrize(("exponent", "slope"), [(1, 1), (2, 0), (3, 0)])
def test_constant_powers_are_smooth_at_0(exponent, slope):
    graph = Graph()
    x = graph.input()
    out = graph.add(OPS["pow"], x, graph.constant(exponent))
    assert at([x], [(0,)], [out, *grad(out, [x])])[:, 0].tolist() == [0, slope]


# --- numbers with 50 digits ---------------------------------------------------------------------

DIGITS_OF_THE_RULE = {
    "erf": 15,
    "erfc": 15,
    "gelu": 15,
    "gelu_tanh": 15,
}  # whose constants are those of float64


def exactly(inputs, point, exprs) -> list:
    """The values of `exprs` at one point in numbers with 50 digits."""
    given = {one.id: lifted(np.array(float(x))) for one, x in zip(inputs, point, strict=True)}
    values = run(inputs[0].graph, given, [expr.id for expr in exprs])
    return [values[expr.id].item() for expr in exprs]


@each(ELEMENTWISE)
def test_a_row_runs_on_numbers_with_50_digits(op):
    inputs, out = on_inputs(op)
    digits = DIGITS_OF_THE_RULE.get(op.name, 45)
    for point in oracle.points(op, POINTS_OF_SECOND_ORDER):
        value, *partials = exactly(inputs, point, [out, *local(out)])
        assert oracle.agrees(value, oracle.value(op.name, point), 45), point
        for position, partial in enumerate(partials):
            assert oracle.agrees(partial, oracle.partial(op.name, point, position), digits), (point, position)


@each(KINKED)
def test_at_a_kink_numbers_with_50_digits_take_the_same_branches(op):
    inputs, out = on_inputs(op)
    for point, partials in CONVENTIONS[op.name].items():
        value, *found = exactly(inputs, point, [out, *local(out)])
        assert oracle.agrees(value, oracle.value(op.name, point), 45)
        assert all(map(oracle.agrees, found, map(mp.mpf, partials), [45] * len(found))), point


@each(ELEMENTWISE)
def test_numbers_with_50_digits_are_not_rounded_on_the_way(op):
    """A step below the grain of float64 shows: in the value, or, where that is flat, nowhere."""
    inputs, out = on_inputs(op)
    for point in oracle.points(op, 3):
        for position, x in enumerate(inputs):
            if position in op.chooses:
                continue
            slope = oracle.partial(op.name, point, position)
            given = {one.id: lifted(np.array(at)) for one, at in zip(inputs, point, strict=True)}
            moved = {**given, x.id: given[x.id] + 1e-25}
            before, after = (run(x.graph, values, [out.id])[out.id].item() for values in (given, moved))
            assert oracle.agrees(after - before, slope * mp.mpf(1e-25), 20), (point, position)


# --- arrays -------------------------------------------------------------------------------------


@each(ELEMENTWISE)
def test_an_array_gets_the_value_of_each_element(op):
    points = oracle.points(op, 6)
    graph = Graph()
    inputs = [graph.input((2, 3)) for _ in op.args]
    out = graph.add(op, *inputs)
    columns = [np.reshape(column, (2, 3)) for column in zip(*points, strict=True)]
    value = run(graph, dict(zip([one.id for one in inputs], columns, strict=True)), [out.id])[out.id]
    assert out.shape == value.shape == (2, 3)
    assert value.dtype == np.float64
    np.testing.assert_allclose(value.ravel(), values_at(op, points), rtol=1e-15)


# --- expansions ---------------------------------------------------------------------------------


@each(EXPANDING)
def test_the_expansion_has_the_same_value_and_gradient(op):
    points = oracle.points(op, POINTS)
    inputs, out = on_inputs(op)
    expansion = op.expands(*inputs)
    assert expansion.op.name != op.name
    fused = at(inputs, points, [out, *grad(out, inputs)])
    expanded = at(inputs, points, [expansion, *grad(expansion, inputs)])
    np.testing.assert_allclose(expanded, fused, rtol=1e-11, atol=1e-14)


@each([op for op in KINKED if op.expands])
def test_the_expansion_keeps_the_convention_at_the_kink(op):
    for point, partials in CONVENTIONS[op.name].items():
        inputs, out = on_inputs(op)
        expansion = op.expands(*inputs)
        found = at(inputs, [point], [out, expansion, *grad(expansion, inputs)])[:, 0]
        assert found[0] == found[1]
        assert tuple(found[2:]) == partials, point


# --- notation: what is printed reads back as the same nodes -------------------------------------


def read(text: str, inputs: dict[str, tuple[int, ...]]) -> tuple[Expr, dict[int, str]]:
    """The nodes of a text, and the names of the inputs among them."""
    graph = Graph()
    named = {name: graph.input(shape) for name, shape in inputs.items()}
    code, problems = parse(SourceText(Source("test", text), text))
    assert problems == [], text
    expr = build(code, graph, named, problems.append)
    assert problems == [], text
    return expr, {one.id: name for name, one in named.items()}


def tree(expr: Expr, names: dict[int, str]):
    """A node as nested plain data: what it is made of, whatever its ids."""
    if expr.id in names:
        return names[expr.id]
    if expr.op is CONSTANT:
        return expr.graph.constants[expr.id].tolist()
    return (expr.op.name, expr.graph.settings[expr.id], *[tree(arg, names) for arg in expr.args])


def assert_reads_back(expr: Expr, names: dict[int, str]) -> None:
    text = str(formula(expr.graph, expr.id, names))
    again, names_again = read(text, {name: expr.graph.shapes[node] for node, name in names.items()})
    assert tree(again, names_again) == tree(expr, names), text


def square_inputs(op: Op) -> tuple[Graph, dict[int, str]]:
    """Named 2×2 inputs for an op; nearly every op takes such args."""
    graph = Graph()
    return graph, {graph.input((2, 2)).id: name for name in op.args}


def sample_shapes(op: Op) -> dict[str, tuple[int, ...]]:
    """The args of an op, by name, with shapes that it takes."""
    return dict(zip(op.args, op.sample or [(2, 3)] * len(op.args), strict=False))


@every("op", ROWS)
def test_an_op_reads_back_as_itself(op):
    graph = Graph()
    names = {graph.input(shape).id: name for name, shape in sample_shapes(op).items()}
    assert_reads_back(graph.add(op, *[graph[node] for node in names], **op.sample_settings), names)


@every(
    "name, shape, settings",
    [
        ("sum", (2, 3), {"axis": 0}),
        ("sum", (2, 3), {"axis": -1, "keepdims": True}),
        ("sum", (2, 3), {"axis": [0, 1], "keepdims": True}),
        ("sum", (2, 3), {"axis": []}),
        ("mean", (2, 3, 4), {"axis": [0, 2]}),
        ("transpose", (2, 3, 4), {"axes": [1, 0, 2]}),
        ("transpose", (2, 3, 4), {}),
        ("transpose", (2,), {}),
        ("reshape", (2, 3), {"shape": [3, 2]}),
        ("reshape", (2, 3), {"shape": -1}),
        ("reshape", (2, 3), {"shape": [1, 6]}),
        ("reshape", (1,), {"shape": []}),
        ("spread", (2, 1), {"shape": [2, 3]}),
        ("spread", (2,), {"shape": [3, 2], "axis": [0]}),
        ("spread", (2,), {"shape": [3, 2, 4], "axis": [0, 2]}),
        ("spread", (), {"shape": [3], "axis": [0]}),
        ("softmax", (2, 3), {"axis": 0}),
        ("softmax", (2, 3), {"axis": -1}),
        ("log_softmax", (2, 3, 4), {"axis": [0, 2]}),
        ("logsumexp", (2, 3), {"axis": -1, "keepdims": True}),
        ("logsumexp", (2, 3), {}),
        ("pad", (2, 3), {"width": 1, "mode": "reflect"}),
        ("roll", (2, 3), {"shift": [1, -1], "axis": [0, 1]}),
        ("tile", (2, 3), {"reps": [2, 1]}),
        ("repeat", (2, 3), {"repeats": [1, 2], "axis": 0}),
        ("sort", (2, 3), {"axis": 0, "descending": True}),
        ("topk", (2, 3), {"k": 2, "largest": False}),
        ("resize", (2, 3), {"size": [4, 6], "mode": "nearest"}),
        ("max_pool", (5, 5), {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
        ("avg_pool", (5,), {"size": 3, "padding": 1, "count_include_pad": False}),
        ("adaptive_avg_pool", (1, 2, 5), {"size": 2}),
    ],
)
def test_settings_read_back(name, shape, settings):
    graph = Graph()
    x = graph.input(shape)
    assert_reads_back(graph.add(OPS[name], x, **settings), {x.id: "x"})


@every(
    "name, shapes, settings",
    [
        ("mse", [(3,), (3,)], {"reduction": "none"}),
        ("cross_entropy", [(2, 3), (2,), (3,)], {"label_smoothing": 0.1, "ignore_index": -100}),
        ("nll", [(2, 3), (2,)], {"reduction": "sum"}),
        ("bce_with_logits", [(3,), (3,), (), (3,)], {}),
        ("poisson_nll", [(3,), (3,)], {"log_input": False, "full": True}),
        ("triplet", [(2, 3)] * 3, {"margin": 0.5, "p": 1}),
        ("group_norm", [(2, 4, 3), (4,)], {"groups": 2, "eps": 0.001}),
        ("conv_transpose1d", [(1, 2, 3), (2, 1, 2)], {"stride": 2, "output_padding": 1}),
    ],
)
def test_settings_of_several_args_read_back(name, shapes, settings):
    graph = Graph()
    args = [graph.input(shape) for shape in shapes]
    names = {arg.id: f"v{at}" for at, arg in enumerate(args)}
    assert_reads_back(graph.add(OPS[name], *args, **settings), names)


@each(ROWS)
def test_one_op_inside_another_reads_back(op):
    """Each op in each arg of each other: brackets where they are needed."""
    tried = 0
    for inner, position in product(ROWS, range(len(op.args))):
        graph, names = square_inputs(op)
        args = [graph[node] for node in names]
        more = [graph.input((2, 2)) for _ in inner.args]
        names |= {one.id: f"i{at}" for at, one in enumerate(more)}
        try:
            args[position] = graph.add(inner, *more)
            expr = graph.add(op, *args)
        except (ShapeError, SettingError, TypeError):  # outer, reshape; matmul of a sum
            continue
        tried += 1
        assert_reads_back(expr, names)
    assert tried >= 40 or op.sample or op.sample_settings


def takes_numbers(op: Op) -> bool:
    graph = Graph()
    try:
        graph.add(op, *[graph.input() for _ in op.args])
    except (ShapeError, SettingError, TypeError):
        return False
    return True


@every("number", [2.0, -2.0, 0.5, -0.5, 1e-7, -3e22, 1e300, math.pi, -math.pi, math.e, 0.1 + 0.2])
@every("op", [op for op in ROWS if takes_numbers(op)])
def test_a_number_inside_an_op_reads_back(op, number):
    for position in range(len(op.args)):
        graph = Graph()
        names = {graph.input().id: name for name in op.args}
        args = [graph[node] for node in names]
        args[position] = graph.constant(number)
        assert_reads_back(graph.add(op, *args), names)


def spellings():
    """Each way to write each op, `ln(x)` and `x ** y`, with the op it means."""
    for op in ROWS:
        settings = [f"{name}={value!r}" for name, value in op.sample_settings.items()]
        yield from (
            (f"{name}({', '.join((*sample_shapes(op), *settings))})", op) for name in (op.name, *op.aliases)
        )
        yield from ((written(op, sign), op) for sign in signs(op))


def signs(op: Op) -> tuple[str, ...]:
    return (op.notation.symbol, *op.notation.also) if op.notation else ()


def written(op: Op, sign: str) -> str:
    first, last = op.args[0], op.args[-1]
    return {
        "infix": f"{first} {sign} {last}",
        "prefix": f"{sign}{first}",
        "postfix": f"{first}{sign}",
        "index": f"{first}[0]",
    }[op.notation.place]


@every("text, op", list(spellings()))
def test_every_spelling_means_the_op(text, op):
    expr, names = read(text, sample_shapes(op))
    assert expr.op is op
    assert [names.get(arg.id) for arg in expr.args][: len(sample_shapes(op))] == list(sample_shapes(op))
