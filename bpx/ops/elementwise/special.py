"""Special functions: the gamma function's logarithm, sinc, and their derivatives of any order.

`lgamma` is log|Γ(x)|, for negative x too, as in C and PyTorch (SciPy calls it gammaln); `digamma` is its
derivative, `polygamma(n, x)` the n-th derivative of that. `sinc` is NumPy's, sin(πx)/(πx), and
`sinc_derivative(n, x)` its n-th derivative: an op, as (cos(πx) - sinc(x))/x loses its digits near 0.
Of both, `n` is a whole number from 0 on that only chooses; for others there is no value.

Abramowitz and Stegun, Handbook of Mathematical Functions, chapter 6.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import by_method, elem
from bpx.ops.elementwise.selection import minimum, round_
from bpx.ops.values import gamma
from bpx.ops.values.sinc import sinc_derivative as derived_sinc


def _of_order(name: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`function(n, x)` for float64; for the numbers of an object array, their method of that name."""
    of_objects = np.frompyfunc(lambda n, x: getattr(x, name)(n), 2, 1)

    def value(n: Any, x: Any) -> Any:
        if not any(np.asarray(arg).dtype.hasobject for arg in (n, x)):
            return function(n, x)
        return of_objects(n, 0 * n + x)  # both of that class of numbers

    return value


def _off_the_poles(x: Expr) -> Expr:
    """Zero at 0, -1, -2, …"""
    return x - round_(minimum(x, 0))


polygamma: Op = elem(
    "polygamma",
    _of_order("polygamma", gamma.polygamma),
    lambda n, x, out: (0, polygamma(n + 1, x)),
    nonzero=lambda n, x: _off_the_poles(x),
    chooses=(0,),
)
digamma = elem(
    "digamma",
    by_method("digamma", gamma.digamma),
    lambda x, out: (polygamma(1, x),),
    nonzero=_off_the_poles,
)
lgamma = elem(
    "lgamma",
    by_method("lgamma", gamma.lgamma),
    lambda x, out: (digamma(x),),
    nonzero=_off_the_poles,
    aliases=("gammaln",),
)
sinc_derivative: Op = elem(
    "sinc_derivative",
    _of_order("sinc_derivative", derived_sinc),
    lambda n, x, out: (0, sinc_derivative(n + 1, x)),
    chooses=(0,),
)
sinc = elem(
    "sinc",
    by_method("sinc", lambda x: derived_sinc(0, x)),
    lambda x, out: (sinc_derivative(1, x),),
)
