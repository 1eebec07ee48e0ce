"""Every row of the op table on balls: its value and its slope lie inside, as the oracle has them.

What this asks is the forward function alone; the op's own derivative takes no part.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import oracle
import pytest
from oracle import args_of, arrays, choosing, mp
from rows_of_a_table import every

from bpx.check.balls import ball_context
from bpx.check.balls.balls import Ball, lifted
from bpx.check.balls.enclosures import Enclosure, enclosed_derivative
from bpx.graph.graph import Graph
from bpx.graph.run import run
from bpx.ops import rows

flint = pytest.importorskip("flint")

# All rows: one without a proof at ordinary points would be named here, with the reason.
ELEMENTWISE = [op for op in rows() if op.elementwise]
STRUCTURAL = [op for op in rows() if not op.elementwise]
FEW = 3  # cases of each op of arrays, the smallest


def named(op) -> str:
    return op.name


def output(graph, node, inputs, values, upstream, moves) -> Ball:
    given = {one.id: value for one, value in zip(inputs, values(moves), strict=True)}
    return Ball(0) + np.sum(upstream * run(graph, given, [node.id])[node.id])


def moved(numbers, direction, moves):
    """An array of balls that move along a direction."""
    return np.frompyfunc(lambda x, d: Ball(float(x), flint.arb(float(d)) if moves else None), 2, 1)(
        numbers, direction
    )


def inside(found, truth, size=0.0) -> bool:
    """Does a narrow enclosure hold a truth of some 28 digits?"""
    low, high = found.floats
    room = (abs(truth) + size) * mp.mpf(10) ** -28
    return high - low <= 1e-14 * (abs(high) + size) and low - room <= truth <= high + room


@every("op", ELEMENTWISE)
def test_the_slope_of_an_elementwise_row_lies_inside(op):
    graph = Graph()
    inputs = [graph.input() for _ in op.args]
    node = graph.add(op, *inputs)
    for point in oracle.points(op, 6):
        for position in range(len(point)):

            def values(moves, point=point, position=position):
                ball = [lifted(np.array(float(x))) for x in point]
                if moves:
                    ball[position] = lifted(np.array(ball[position].item().moving(), dtype=object))
                return ball

            found = enclosed_derivative(partial(output, graph, node, inputs, values, 1.0), lambda bits: True)
            if position in op.chooses:
                assert found is None or found.slope.is_zero()
            else:
                assert found, (point, position)
                assert inside(found, oracle.partial(op.name, point, position)), (point, position)
        with ball_context.precision(200):
            value = output(graph, node, inputs, values, 1.0, False).value
        assert inside(Enclosure(value, 200), oracle.value(op.name, point))


# Jacobi's rotations converge in numbers; in intervals their ends need not meet the eigenvalues apart.
WITHOUT_PROOF = {"eigvalsh", "eigenprojections"}


@every("op", [op for op in STRUCTURAL if op.name not in WITHOUT_PROOF])
def test_the_slope_of_a_row_of_arrays_lies_inside(op):
    cases = [case for case in oracle.cases(op.name) if 0 < max(map(np.prod, case[0]), default=1) < 50]
    assert cases
    for shapes, settings in cases[:: max(1, len(cases) // FEW)][:FEW]:
        graph = Graph()
        inputs = [graph.input(shape) for shape in shapes]
        node = graph.add(op, *inputs, **settings)
        numbers, (upstream,) = args_of(op.name, shapes), arrays([node.shape], seed=1)
        for position, direction in enumerate(arrays(shapes, seed=2)):
            if position in choosing(node):
                continue

            def values(moves, numbers=numbers, position=position, direction=direction):
                lift = [lifted(array) for array in numbers]
                lift[position] = np.asarray(moved(numbers[position], direction, moves), dtype=object)
                return lift

            found = enclosed_derivative(
                partial(output, graph, node, inputs, values, upstream), lambda bits: True
            )
            assert found, (shapes, settings)
            truth = oracle.slope_at_50_digits(op.name, upstream, numbers, settings, position, direction)
            assert inside(found, truth, 1e-10), (shapes, settings, position)


@every("op", [op for op in ELEMENTWISE if op.witness])
def test_at_its_kink_an_op_has_no_proof(op):
    """Unless both sides have the same slope, as where one is 0 to either side of a jump that is not there."""
    graph = Graph()
    inputs = [graph.input() for _ in op.args]
    node = graph.add(op, *inputs)
    without = 0
    for position in range(len(op.args)):

        def values(moves, position=position):
            ball = [lifted(np.array(float(x))) for x in op.witness]
            if moves:
                ball[position] = lifted(np.array(ball[position].item().moving(), dtype=object))
            return ball

        found = enclosed_derivative(partial(output, graph, node, inputs, values, 1.0), lambda bits: True)
        without += found is None
    assert without
