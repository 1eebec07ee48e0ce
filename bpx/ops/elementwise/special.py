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

from bpx.graph.facts import Refusal
from bpx.graph.graph import Expr, Op
from bpx.ops.building.row import by_method, elem
from bpx.ops.elementwise.selection import minimum, round_
from bpx.ops.values import gamma
from bpx.ops.values import sinc as sincs


def _of_order(name: str, function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """`function(n, x)` for float64; for the numbers of an object array, their method of that name."""
    of_objects = np.frompyfunc(lambda n, x: getattr(x, name)(n), 2, 1)

    def value(n: Any, x: Any) -> Any:
        if not any(np.asarray(arg).dtype.hasobject for arg in (n, x)):
            return function(n, x)
        return of_objects(n, 0 * n + x)  # both of that class of numbers

    return value


def _refuse_order(most: int) -> Callable[[Any, Any], Refusal | None]:
    """Says which order is no whole number from 0 to `most`, where one is not."""

    def refuse(n: Any, x: Any) -> Refusal | None:
        orders = np.ravel(n)
        wrong = orders[~((orders >= 0) & (orders <= most) & (orders % 1 == 0))]
        return (
            Refusal("bad-derivative-order", {"found": f"{float(wrong[0]):g}", "most": most})
            if wrong.size
            else None
        )

    return refuse


def _off_the_poles(x: Expr) -> Expr:
    """Zero at 0, -1, -2, …"""
    return x - round_(minimum(x, 0))


polygamma: Op = elem(
    "polygamma",
    _of_order("polygamma", gamma.polygamma),
    lambda n, x, out: (0, polygamma(n + 1, x)),
    nonzero=lambda n, x: _off_the_poles(x),
    chooses=(0,),
    refuses=_refuse_order(gamma.MOST_DERIVATIVES_OF_FLOATS),
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
    _of_order("sinc_derivative", sincs.sinc_derivative),
    lambda n, x, out: (0, sinc_derivative(n + 1, x)),
    chooses=(0,),
    refuses=_refuse_order(sincs.MOST_DERIVATIVES_OF_FLOATS),
)
sinc = elem(
    "sinc",
    by_method("sinc", lambda x: sincs.sinc_derivative(0, x)),
    lambda x, out: (sinc_derivative(1, x),),
)
