"""Ops of linear algebra, which have no parts that could be checked one by one.

Their derivative follows from an equation that the value solves, as A · inv(A) = I: it is stated a second
time in forward mode, one basis direction after the other, and the rule, which is reverse mode, is
compared with the Jacobian that this writes out. That of a matrix of n rows has n⁴ entries.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from bpx.check.local.jacobians import DenseJacobian, to_rows
from bpx.check.local.rounding_error import backward_moves
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.numeric.tolerances import (
    BACKWARD_FLOOR,
    BACKWARD_SAFETY,
    EPSILON,
    LARGEST_BACKWARD_MOVE,
    LARGEST_JACOBIAN_ENTRIES,
)
from bpx.graph.arrays import Array


def jacobian_by_elimination(rule: StructuralRule) -> DenseJacobian | None:
    """The Jacobian of an op of one arg by its slopes; None where it is too large, or nothing is known of it.

    Its error is how far it moves with the arg, by rounding in the arg and by its own.
    """
    arg, mixes = rule.args[0], rule.op.mixes
    assert mixes
    mixed = mixes(arg.shape, **rule.settings)
    # Of arg and value together, in each slice; slices are independent of each other.
    directions = math.prod(arg.shape[axis] for axis in mixed)
    if directions * max(arg.size, directions) > LARGEST_JACOBIAN_ENTRIES:
        return None
    jacobian, terms = (_written_out(rule, arg, rule.out, mixed, size) for size in (np.asarray, np.abs))
    gap = np.zeros(jacobian.shape)
    with np.errstate(all="ignore"):
        for moved in backward_moves(arg, rule.arg_errors[0]):
            there = _written_out(rule, moved, rule.forward(0, moved), mixed)
            gap = np.maximum(gap, np.nan_to_num(np.abs(there - jacobian), nan=np.inf))
    if rule.op.refuses and np.max(gap) > LARGEST_BACKWARD_MOVE * np.max(np.abs(jacobian)):
        return None  # the arg may as well be one that has no value
    # What is made of no terms and never moves is 0; what hardly moves does so by chance.
    least = np.where((terms > 0) | (gap > 0), BACKWARD_FLOOR * np.max(gap, axis=(1, 2), keepdims=True), 0.0)
    rounding = EPSILON * arg.shape[-1] * terms
    error = BACKWARD_SAFETY * np.maximum(gap, least) + rounding
    # Right formulas of other terms, in many digits, leave next to nothing where there is nothing.
    terms = np.maximum(terms, EPSILON * np.max(terms, axis=(1, 2), keepdims=True))
    return DenseJacobian(ErrorBound(jacobian, error, 0 * jacobian), arg.shape, mixed, terms)


def _written_out(
    rule: StructuralRule,
    arg: Array,
    out: Array,
    mixed: tuple[int, ...],
    size: Callable[[Any], Any] = np.asarray,
) -> Array:
    """The Jacobian as (slices, elements of the arg, elements of the value); with np.abs, of its terms."""
    assert rule.op.slopes
    lengths = [arg.shape[axis] for axis in mixed]
    count = math.prod(lengths)
    basis = np.eye(count).reshape(count, *[1] * (arg.ndim - len(mixed)), *lengths)
    directions = np.broadcast_to(basis, (count, *arg.shape))
    try:
        slopes = rule.op.slopes(directions, arg, out, size=size, **rule.settings)
    except np.linalg.LinAlgError:
        return np.full((arg.size // count, count, out.size * count // arg.size), np.nan)
    return np.stack([to_rows(slope, mixed, arg.ndim) for slope in slopes], axis=1)
