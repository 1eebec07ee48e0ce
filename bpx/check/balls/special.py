"""Special functions of intervals, on arb, where python-flint's are not those of the ops."""

from __future__ import annotations

from typing import Any

from bpx.check.balls.ball_context import flint

SINC_BY_SERIES = 8  # |x| beyond the order: its terms, e^(π|x|), are not much larger than their sum yet


def lgamma(x: Any) -> Any:
    """The logarithm of |Γ(x)|; arb has it for x > 0."""
    return x.lgamma() if x > 0 else abs(x.gamma()).log()


def polygamma(n: int, x: Any) -> Any:
    """The derivative of `lgamma` of order n + 1."""
    return flint().acb(x).polygamma(n).real if n else x.digamma()


def sinc_derivative(n: int, x: Any) -> Any:
    """The n-th derivative of sin(πx)/(πx), π^n ∫ t^n cos(πxt + nπ/2) dt from 0 to 1.

    Integrated term by term that is a hypergeometric series; where its terms are much larger than their sum,
    the recurrence of Leibniz's rule for x·sinc(x).
    """
    arb, pi = flint().arb, flint().arb.pi()
    if abs(x) > n + SINC_BY_SERIES:
        found = x.sinc_pi()
        for order in range(1, n + 1):
            found = (pi ** (order - 1) * (pi * x + order * pi / 2).sin() - order * found) / x
        return found
    odd = n % 2
    below = [arb(1 + 2 * odd) / 2, arb(n + 3 + odd) / 2]
    series = (-((pi * x / 2) ** 2)).hypgeom([arb(n + 1 + odd) / 2], below)
    return (-1) ** ((n + 1) // 2) * pi**n * (pi * x) ** odd / (n + 1 + odd) * series
