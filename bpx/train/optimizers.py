"""How a gradient becomes an update: gradient descent, momentum, Adam.

An optimizer is made once, called each step with the gradient of all parameters as one flat array, and
returns what is to be added to them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array

Update = Callable[[Array], Array]


def descent(rate: float) -> Update:
    """Gradient descent: -rate · g."""
    return lambda gradient: -rate * gradient


def heavy_ball(rate: float, momentum: float) -> Update:
    """Momentum: v ← momentum · v + g, then -rate · v.

    Polyak, Some methods of speeding up the convergence of iteration methods (1964), in the form that
    PyTorch uses, where the rate stands outside of v.
    """
    # A scalar zero: broadcasting gives it the shape of the first gradient.
    velocity = np.zeros(())

    def update(gradient: Array) -> Array:
        nonlocal velocity
        velocity = momentum * velocity + gradient
        return -rate * velocity

    return update


def adam(rate: float, beta1: float, beta2: float, epsilon: float) -> Update:
    """Adam: running means of g and g², freed of their bias towards 0, then -rate · m / (√v + ε).

    Kingma and Ba, Adam: A Method for Stochastic Optimization (ICLR 2015), Algorithm 1.
    """
    # Scalars, as for momentum.
    mean = square = np.zeros(())
    rest1 = rest2 = 1.0  # beta1^t, beta2^t

    def update(gradient: Array) -> Array:
        nonlocal mean, square, rest1, rest2
        rest1, rest2 = rest1 * beta1, rest2 * beta2
        mean = beta1 * mean + (1 - beta1) * gradient
        square = beta2 * square + (1 - beta2) * gradient * gradient
        # The scalars are divided first, which saves a pass over the arrays.
        step: Array = -rate / (1 - rest1) * mean / (np.sqrt(square / (1 - rest2)) + epsilon)
        return step

    return update


class Optimizer(NamedTuple):
    """One row of the table: how it is made, its default rate and its other settings."""

    make: Callable[..., Update]
    rate: float
    settings: Mapping[str, float] = {}


OPTIMIZERS = {
    "sgd": Optimizer(descent, 0.1),
    "momentum": Optimizer(heavy_ball, 0.01, {"momentum": 0.9}),
    "adam": Optimizer(adam, 0.01, {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}),
}
