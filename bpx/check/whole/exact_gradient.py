"""All entries of one gradient in many digits at once, certified from the forward pass alone.

The rules, run in many digits, propose the gradient; the slope of the output along one random direction, by
differences in as many digits, must be what they make of it. An entry that is wrong shows there, however small
it is beside the others: its share of the slope keeps some forty digits (Freivalds, Probabilistic machines can
use less running time, IFIP 1977). So n entries cost ten evaluations, not ten for each.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from bpx.check.numeric import multiprecision, multiprecision_slopes
from bpx.check.numeric.multiprecision import Multiprecision, precision
from bpx.check.numeric.multiprecision_slopes import MultiprecisionSlope
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.graph.arrays import Array
from bpx.graph.run import run


class ExactGradient(NamedTuple):
    """∂output/∂node in many digits (objects), and how far each entry may be off."""

    value: Any
    error: Array
    along: MultiprecisionSlope  # what certifies it

    def slope(self, flat: int) -> MultiprecisionSlope:
        """One entry, as if differences along it alone had given it."""
        exact = multiprecision.as_multiprecision(self.value.flat[flat])
        number, error = exact.nearest_float(), float(self.error.flat[flat])
        return self.along._replace(value=number, error=error, left=number, right=number, exact=exact)


def exact_gradient(checked: CheckedGraph, node: int) -> ExactGradient | None:
    """∂output/∂node; None where the rules or the ops know no such numbers, or where there is no one slope."""
    gradient = checked.ledger.gradient(node)
    if gradient is None:
        return None
    value = np.asarray(checked.values[node])
    direction = _direction(value)
    along = multiprecision_slopes.slope(_along(checked, node, direction), 0.0)
    if along is None or along.kink or along.edge or not np.isfinite([along.value, along.error]).all():
        return None
    with precision(along.digits):
        try:
            exact = np.broadcast_to(
                run(checked.graph, checked.lifted, [gradient.id])[gradient.id], value.shape
            )
        except (TypeError, ValueError, AttributeError, ArithmeticError):
            return None
        gap = abs(np.sum(multiprecision.lifted(direction) * exact) - along.exact)
        off = multiprecision.as_multiprecision(gap).nearest_float() + along.error
    # Were a single entry to blame for all that is left, it would be off by so much.
    return ExactGradient(exact, off / np.abs(direction), along) if np.isfinite(off) else None


def _direction(value: Array) -> Array:
    """A random direction that moves every entry by about its own size."""
    rng = np.random.default_rng(0)
    signs = rng.choice([-1.0, 1.0], value.shape) * rng.uniform(0.5, 1.0, value.shape)
    return np.asarray(signs * np.where(value == 0, 1.0, np.abs(value)))


def _along(checked: CheckedGraph, node: int, direction: Array) -> Callable[[Multiprecision], Any]:
    """The weighted output as a function of how far the node is moved along the direction."""
    graph, output, seed = checked.graph, checked.query.output, checked.query.seed

    def function(distance: Multiprecision) -> Any:
        here = run(graph, checked.lifted, [node])[node]
        moved = {**checked.lifted, node: here + direction * distance}
        return np.sum(seed * run(graph, moved, [output])[output])

    return function
