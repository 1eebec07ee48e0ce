"""Slopes of noisy functions, from polynomials fitted to many values over a wide interval.

Where rounding of f leaves too little of a difference of two values, many differences leave more: the error
of a fit falls with the square root of their number, and the fit needs no small steps. That it is a polynomial
that is seen there, and nothing else, its residuals must show: terms of higher order leave them no smaller,
and neighbours among them have nothing to do with each other. (Least squares and their errors: Å. Björck,
Numerical Methods for Least Squares Problems, SIAM 1996, chapter 1.) Stairs look like a noisy slope, so a fit
may only refine what small steps have shown.

Convention: n steps to either side of x, the smallest first; m functions side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import (
    FIT_ERRORS,
    FIT_NOISE,
    FIT_STEPS,
    MOST_FIT_TERMS,
    SIGNIFICANT_TERM,
    UNIT_ROUNDOFF,
    UNRELATED_RESIDUALS,
)
from bpx.graph.arrays import Array, Flags


class FittedSlope(NamedTuple):
    """Slopes (m,) and their errors, infinite where no polynomial is seen."""

    value: Array
    error: Array


class _Fit(NamedTuple):
    """One polynomial for each function: its slope (m,) at x, and the error of that."""

    slope: Array
    error: Array
    residuals: Array  # (n, m): what it leaves
    variance: Array  # (m,): of one of them


def steps_within(x: float, reach: float) -> Array:
    """Steps (n,) up to about `reach`, exact both ways from x."""
    steps = reach * np.arange(1, FIT_STEPS + 1) / FIT_STEPS
    return np.asarray(np.abs(x + np.copysign(steps, x) - x))


def fitted_slope(steps: Array, above: Array, below: Array, noise: Array) -> FittedSlope:
    """The slopes at x of functions of the values `above` (n, m), at x + steps, and `below`, at x - steps.

    `noise` (m,) is the variance of f right beside x (`local_noise`). A ripple that is too fine for the steps
    looks like noise as well, but is not there.
    """
    odd = (above - below) / 2  # of an odd polynomial: even terms cancel
    fits = [_fit(steps, odd, terms, noise) for terms in range(1, MOST_FIT_TERMS + 1)]
    value, error = np.full(odd.shape[1], np.nan), np.full(odd.shape[1], np.inf)
    for fit, more, most in reversed(list(zip(fits, fits[1:], fits[2:], strict=False))):
        enough = ~_significant(fit, more) & ~_significant(more, most) & _unrelated(more.residuals)
        enough &= more.variance <= FIT_NOISE**2 * noise
        # The next term is too small to be seen; with it in the fit, it does not bend the slope.
        value, error = np.where(enough, more.slope, value), np.where(enough, more.error, error)
    return FittedSlope(value, np.where(np.isfinite(odd).all(axis=0), error, np.inf))


def local_noise(steps: Array, above: Array, below: Array, roundoff: float = UNIT_ROUNDOFF) -> Array:
    """The variance (m,) of half a difference of values, from steps so small that f is straight but for it.

    It is that of rounding at least, uniform up to the largest relative error `roundoff`: values that all are
    rounded alike do not show it.
    """
    least = (roundoff * np.maximum(np.abs(above), np.abs(below)).max(axis=0)) ** 2 / 6
    return _fit(steps, (above - below) / 2, 1, least).variance


def _fit(steps: Array, odd: Array, terms: int, least: Array) -> _Fit:
    reach = steps[-1]
    powers = (steps[:, np.newaxis] / reach) ** (2 * np.arange(terms) + 1)
    inverse = np.linalg.pinv(powers)
    coefficients = inverse @ odd
    residuals = odd - powers @ coefficients
    variance = np.maximum((residuals**2).sum(axis=0) / (len(steps) - terms), least)
    error = FIT_ERRORS * np.sqrt(variance) * np.linalg.norm(inverse[0]) / reach
    return _Fit(coefficients[0] / reach, error, residuals, variance)


def _significant(fit: _Fit, more: _Fit) -> Flags:
    """Does one more term take more from the residuals than chance does?"""
    taken = (fit.residuals**2).sum(axis=0) - (more.residuals**2).sum(axis=0)
    return np.asarray(taken > SIGNIFICANT_TERM**2 * more.variance)


def _unrelated(residuals: Array) -> Flags:
    """Is the correlation of neighbours among the residuals what chance makes of it?"""
    products = (residuals[1:] * residuals[:-1]).sum(axis=0)
    squares = (residuals**2).sum(axis=0)
    return np.asarray(np.abs(products) <= UNRELATED_RESIDUALS / np.sqrt(len(residuals)) * squares)
