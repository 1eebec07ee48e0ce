"""Slopes of elementwise ops along the imaginary axis: Im f(x + ih) / h.

Nothing is subtracted, so that the slope of a smooth f has nearly all of its digits, for one evaluation
(Squire and Trapp, Using complex variables to estimate derivatives of real functions, SIAM Review 40, 1998).
But a forward function that is not analytic, as one with abs, passes over its slope without a word. So
nothing rests on such a slope alone: it counts where the rule, which is other code, gives the same number to
the last digits and real differences the same to some; elsewhere the ladder of differences decides.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from bpx.check.local.elementwise_batch import ElementwiseBatch
from bpx.check.numeric.tolerances import (
    COMPLEX_ROUNDINGS,
    COMPLEX_STEP,
    CONFIRMED,
    CONFIRMING_STEP,
    EPSILON,
    LARGEST_CHUNK_ELEMENTS,
)
from bpx.graph.arrays import Array, Flags, Indices


def confirmed_slopes(
    batch: ElementwiseBatch, position: int, columns: Indices, claimed: Array
) -> tuple[Flags, Array]:
    """Which of the elements at `columns` have the slope `claimed` (of their shape), and its error.

    Nothing is said of the others.
    """
    confirmed, error = np.zeros(columns.shape, dtype=bool), np.full(columns.shape, np.inf)
    for start in range(0, columns.size, LARGEST_CHUNK_ELEMENTS):
        part = slice(start, start + LARGEST_CHUNK_ELEMENTS)
        slope = _complex_slopes(batch, position, columns[part])
        if slope is None:
            break
        gap = np.abs(slope - claimed[part])
        error[part] = np.maximum(gap, COMPLEX_ROUNDINGS * EPSILON * np.abs(slope))
        normal = np.abs(slope) >= np.finfo(float).tiny / EPSILON  # smaller numbers have lost digits
        same = np.flatnonzero(normal & (gap <= COMPLEX_ROUNDINGS * EPSILON * np.abs(slope)))
        confirmed[part][same] = _differences_agree(batch, position, columns[part][same], claimed[part][same])
    return confirmed, error


def _complex_slopes(batch: ElementwiseBatch, position: int, columns: Indices) -> Array | None:
    """Im f(x + ih) / h; None where f takes no complex numbers."""
    points = batch.args[position][columns] + 1j * COMPLEX_STEP
    try:
        # A cast that drops the imaginary part only warns.
        with warnings.catch_warnings():
            warnings.simplefilter("error", np.exceptions.ComplexWarning)
            value: Any = np.asarray(batch.value(position, points, columns))
    except (TypeError, ValueError, ArithmeticError, np.exceptions.ComplexWarning):
        return None
    if value.dtype != np.complex128 or value.shape != columns.shape:
        return None
    # A forward that takes another branch for complex numbers has another value.
    same = np.abs(value.real - batch.out[columns]) <= CONFIRMED * np.abs(batch.out[columns])
    return np.where(same, value.imag / COMPLEX_STEP, np.nan)


def _differences_agree(batch: ElementwiseBatch, position: int, columns: Indices, slope: Array) -> Flags:
    """Where a central difference has this slope, but for what a step so short may bend and round."""
    agree = np.zeros(columns.shape, dtype=bool)
    function, x = batch.along(position, columns), batch.args[position][columns]
    # In proportion to x, which may be next to an edge; then absolute, as x may be next to nothing.
    for scale in (np.abs(x), np.maximum(np.abs(x), 1.0)):
        left = np.flatnonzero(~agree)
        if not left.size:
            break
        high, low = (x[left] + sign * CONFIRMING_STEP * scale[left] for sign in (1.0, -1.0))
        points = np.stack([high, low])
        values, usable = function(points, left)
        rounding = EPSILON * (np.abs(values[0]) + np.abs(values[1]))
        run, size = high - low, np.abs(slope[left])
        gap = np.abs(values[0] - values[1] - slope[left] * run)
        sure = rounding <= CONFIRMED * size * run  # differences that are all rounding confirm nothing
        agree[left] = usable.all(axis=0) & sure & (gap <= CONFIRMED * size * run)
    return agree
