"""How far rounding may have moved each value of the forward pass.

Running error bounds as in Higham, Accuracy and Stability of Numerical Algorithms (2nd ed., SIAM 2002),
section 3.3, but found by moving the args of each op to the ends of their own bounds: no derivative is
used, so that the bounds do not rest on the rules under test. Inputs and constants are exact.

Convention: an error has the shape of its value and is not negative; infinite where nothing is known.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import (
    BACKWARD_MOVES,
    BACKWARD_SAFETY,
    EPSILON,
    LARGEST_BACKWARD_MOVE,
    LARGEST_EXTENDED_EPSILON,
    MEASURED_ROUNDING,
    MOST_ENCLOSED_ELEMENTS,
    SMALLEST_MATRIX,
    SUM_ROUNDINGS,
    VAGUE_ROUNDING,
)
from bpx.graph.arrays import Array, any_nonzero, is_finite
from bpx.graph.graph import CONSTANT, INPUT, Graph, Op
from bpx.graph.run import run


def rounding_errors(
    graph: Graph,
    nodes: Iterable[int],
    values: Mapping[int, Array],
    of_inputs: Mapping[int, Array] | None = None,
) -> dict[int, Array]:
    """For each of `nodes`, which come in order, how far its value may be off; of the value's shape.

    `of_inputs` says so of inputs that are not exact.
    """
    errors: dict[int, Array] = dict(of_inputs or {})
    with np.errstate(all="ignore"):
        for node in nodes:
            value = np.asarray(values[node])
            if node in errors:
                continue
            if graph.ops[node] in (INPUT, CONSTANT):
                errors[node] = np.zeros(value.shape)
            else:
                args = [np.asarray(values[arg]) for arg in graph.args[node]]
                arg_errors = [errors[arg] for arg in graph.args[node]]
                errors[node] = _rounding_error(graph, node, value, args, arg_errors)
    return errors


def bounded_or_measured(
    graph: Graph, nodes: Sequence[int], values: Mapping[int, Array], input_values: Mapping[int, Array]
) -> dict[int, Array]:
    """As `rounding_errors`; where these bounds leave little of the values, what can be measured instead."""
    bounds = rounding_errors(graph, nodes, values)
    if not any(_is_vague(bound, values[node]) for node, bound in bounds.items()):
        return bounds
    measured = _measured(graph, nodes, values, input_values) or bounds
    return {node: np.fmin(bound, measured[node]) for node, bound in bounds.items()}


def _is_vague(bound: Array, value: Array) -> bool:
    return bool(np.max(bound, initial=0.0) > VAGUE_ROUNDING * np.max(np.abs(value), initial=0.0))


def _measured(
    graph: Graph, nodes: Sequence[int], values: Mapping[int, Array], input_values: Mapping[int, Array]
) -> dict[int, Array] | None:
    """What the values are off by those of a run in extended precision; None where there is none.

    Bounds for every sign at once grow from layer to layer of a deep graph, and end up larger than the
    values. A difference may be 0 by chance: each element counts as off as all of its node are in the mean.
    """
    if np.finfo(np.longdouble).eps > LARGEST_EXTENDED_EPSILON:
        return None
    longer: dict[int, Any] = {
        node: np.asarray(value, dtype=np.longdouble) for node, value in input_values.items()
    }
    try:
        extended = run(graph, longer, nodes, dtype=np.longdouble)
    except (TypeError, ValueError, np.linalg.LinAlgError):  # of functions that know no such numbers
        return None
    errors = {}
    after = graph.touched(by=list(input_values), upto=max(nodes))
    for node in nodes:
        if after[node] and np.asarray(extended[node]).dtype != np.longdouble:
            return None  # its op has rounded to float64 on the way
        gap = np.abs(np.asarray(values[node] - extended[node], dtype=np.float64))
        mean = math.sqrt(np.mean(gap**2)) if gap.size else 0.0
        # What is 0 with more digits, too, is so for a reason, as behind a relu that is shut.
        nothing = (values[node] == 0) & (extended[node] == 0)
        errors[node] = np.where(nothing, 0.0, MEASURED_ROUNDING * np.maximum(gap, mean))
    return errors


def _rounding_error(
    graph: Graph, node: int, value: Array, args: Sequence[Array], errors: Sequence[Array]
) -> Array:
    """The rounding of the op itself, and what its args' errors do to the value."""
    op, settings = graph.ops[node], graph.settings[node]
    if op.elementwise:
        own = EPSILON * np.abs(value)
        if op.witness or len(args) == 1:
            own = np.where(_is_an_arg(value, args), 0.0, own)
        if value.size > MOST_ENCLOSED_ELEMENTS:
            return own + _largest_move(value, (op.value(*ends) for ends in ends_of(args, errors)))
        if few := stacked_ends(args, errors, value.ndim):
            own = own + unbounded_at_nan(np.abs(op.value(*few) - value).max(axis=0))
        return own
    if op.linear:
        return _of_linear(op, settings, value, args, errors)
    if op.slopes:
        return _of_elimination(op, settings, value, args[0], errors[0])
    # Ops such as softmax: all elements of an arg move the same way at once. What mixed signs would do is not
    # seen; a bound from derivatives would see it, but would rest on the rule under test.
    ends = (op.value(*ends, batch=0, **settings) for ends in ends_of(args, errors))
    return SUM_ROUNDINGS * EPSILON * np.abs(value) + _largest_move(value, ends)


def _of_elimination(op: Op, settings: Mapping[str, Any], value: Array, arg: Array, error: Array) -> Array:
    """How far the value moves with the arg, where elimination computes it."""
    moved = (op.value(near, batch=0, **settings) for near in backward_moves(arg, error))
    move = _largest_move(value, moved)
    if op.refuses and np.max(move) > LARGEST_BACKWARD_MOVE * np.max(np.abs(value)):
        return np.full(value.shape, np.inf)  # the arg may as well be one that has no value
    return BACKWARD_SAFETY * move + EPSILON * np.abs(value)


def backward_moves(arg: Array, error: Array) -> Iterator[Array]:
    """Matrices near `arg`, each element moved by its error and by what elimination makes of rounding.

    Elimination gives the exact result for a matrix that is off by rounding of its largest element: backward
    error analysis, Higham, theorems 9.5 and 10.4. The condition of the matrix decides what becomes of that.
    Elements move independently: of all moved one way, an ill-conditioned matrix would hardly notice.
    """
    largest = np.max(np.abs(arg), axis=(-2, -1), keepdims=True)
    # Zeros are moved, too: by next to nothing, which shows a kink of eigenvalues there.
    width = error + EPSILON * arg.shape[-1] * np.maximum(largest, SMALLEST_MATRIX)
    rng = np.random.default_rng(0)
    for _ in range(BACKWARD_MOVES):
        yield arg + width * rng.uniform(-1.0, 1.0, arg.shape)


def _of_linear(
    op: Op, settings: Mapping[str, Any], value: Array, args: Sequence[Array], errors: Sequence[Array]
) -> Array:
    """Of an op that is linear in each arg: the op of absolute values bounds what any signs may give."""
    absolute_args = [np.abs(arg) for arg in args]
    size = op.value(*absolute_args, batch=0, **settings)
    # The args of an op that choose are whole numbers, and stay what they are.
    wider_args = [arg + (0.0 if at in op.chooses else errors[at]) for at, arg in enumerate(absolute_args)]
    wider = op.value(*wider_args, batch=0, **settings)
    own = SUM_ROUNDINGS * EPSILON * math.log2(max(1, _terms(args, value))) * size
    # Both are rounded: a difference of next to nothing may come out negative.
    return np.asarray(own + np.maximum(wider - size, 0.0))


def _terms(args: Sequence[Array], value: Array) -> int:
    """About how many numbers each element of a linear op's value is the sum of; 1 where they only move."""
    if len(args) == 1:
        return args[0].size // max(1, value.size)
    # A product is one rounding more for each term; the axis that is summed over may be any.
    return 2 * max(max(arg.shape, default=1) for arg in args)


def ends_of(args: Sequence[Array], errors: Sequence[Array]) -> Iterator[list[Array]]:
    """The args with each that is not exact moved up and down by its error, in every combination.

    2ⁿ evaluations for n args with an error: ops have few, but for those that join arrays, which are linear
    and do without. Nothing where all args are exact.
    """
    ends = [
        (arg - error, arg + error) if any_nonzero(error) else (arg,)
        for arg, error in zip(args, errors, strict=True)
    ]
    if any(len(of_arg) > 1 for of_arg in ends):
        yield from map(list, product(*ends))


def stacked_ends(args: Sequence[Array], errors: Sequence[Array], axes: int) -> list[Array]:
    """The same along a new first axis of args that broadcast to so many axes: one evaluation for all."""
    moved = tuple([any_nonzero(error) for error in errors])
    if not any(moved):
        return []
    return [arg + sign * error for arg, sign, error in zip(args, _signs(moved, axes), errors, strict=True)]


@lru_cache(maxsize=256)
def _signs(moved: tuple[bool, ...], axes: int) -> tuple[Array, ...]:
    """Of each arg the sign of its error in every combination, along the first axis."""
    every = [*product(*((-1.0, 1.0) if moves else (0.0,) for moves in moved))]
    return tuple(np.array(signs).reshape(-1, *[1] * axes) for signs in zip(*every, strict=True))


def _largest_move(value: Array, ends: Iterable[Any]) -> Array:
    """How far the farthest of `ends` is from the value; unbounded where one is not finite."""
    largest = np.zeros(value.shape)
    for end in ends:
        largest = np.maximum(largest, np.abs(end - value))
    return unbounded_at_nan(largest)


def unbounded_at_nan(largest: Array) -> Array:
    """The bounds, where an end was nan, as inf - inf is, unbounded: no bound is known then."""
    return largest if is_finite(largest) else np.nan_to_num(largest, nan=np.inf)


def _is_an_arg(value: Array, args: Sequence[Array]) -> Any:
    """Is the value one of the args, or its negative? Then the op has not rounded it.

    Not so in 1 + 1e-20, which is 1: this holds of ops that choose, and of those of one arg.
    """
    same = np.zeros(value.shape, dtype=bool)
    for arg in args:
        same |= np.abs(value) == np.abs(arg)
    return same
