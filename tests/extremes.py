"""Elementwise ops at the ends of float64: true slopes there, and what is wrong with a verdict on them.

The slopes are one-sided differences of the oracle's own ops, of so many digits that nothing is lost from
5e-324 to 1.7e308: no rule of the table and nothing of the checker takes part in them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product
from typing import Any, NamedTuple

import flint
import oracle
from oracle import mp

import bpx
from bpx.check.report.entry import Entry, Verdict
from bpx.graph.graph import Op
from bpx.ops import rows

Point = tuple[float, ...]

# The ends, their roots, where exp and its kin run out, where floats have no more fractions, and what lies
# between. A number near 4.8e24 lies far from every turn of a sine that rounding could take for it.
SIZES = (5e-324, 1e-310, 2.2250738585072014e-308, 1e-300, 1e-200, 1.4e-162, 1e-100, 1e-30, 1e-16, 1e-8)
SIZES += (1e-4, 0.1, 0.5, 1.0, 1.7, 2.0, 3.0, 6.0, 27.3, 100.0)
SIZES += (709.9, 745.2, 1e5, 1e8, 1.7e12 + 0.5, 2.0**53, 4.7906993280605985e24, 1.3e154, 1e200, 1.7e308)
VALUES = tuple(sign * size for size in SIZES for sign in (1, -1))

DETECT = 1e-5  # relative: what a check promises to see
FACTORS = (1.0, 1.0001, -1.0)  # of claims: a right one, and two mistakes
LAST = 5e-324  # the smallest float64
_CLOSE = 200  # bits: how much smaller a step is than the smallest scale of an op
_BITS = 8000  # more than the largest value has above the smallest change of one


class Slopes(NamedTuple):
    """The derivative from the left and from the right; both nan where there is none."""

    left: Any
    right: Any
    value: Any = mp.zero  # of the op itself

    @property
    def smooth(self) -> bool:
        """Are both sides one number?"""
        return bool(_near(self.left, self.right))


@cache
def slopes(name: str, point: Point, position: int) -> Slopes:
    """The op's slopes by one arg."""
    with mp.workprec(_BITS):
        args = [mp.mpf(arg) for arg in point]
        sizes = [abs(arg) for arg in args] + [mp.one]
        # Squared: mod(x, y) turns whenever y moves by y^2 / x.
        step = mp.ldexp((min(size for size in sizes if size) / max(sizes)) ** 2, -_CLOSE)
        left, right = (_slope(name, args, position, side * step) for side in (-1, 1))
        return Slopes(left, right, _moved(name, args, position, 0))


def _slope(name: str, args: Sequence[Any], position: int, step: Any) -> Any:
    """The quotient of differences for a step; nan where a shorter one gives another, as at a jump."""
    moved = [_moved(name, args, position, part) for part in (0, step, step / 2**20)]
    if any(value is None for value in moved):
        return mp.nan
    here, there, nearer = moved
    slope, check = (there - here) / step, (nearer - here) * 2**20 / step
    return check if _near(slope, check) else mp.nan


def _moved(name: str, args: Sequence[Any], position: int, step: Any) -> Any:
    """The op's value with one arg moved; None where it has no real one."""
    try:
        value = VALUE.get(name, oracle.VALUES[name])(
            *args[:position], args[position] + step, *args[position + 1 :]
        )
    except (ValueError, ZeroDivisionError):
        return None
    return value if isinstance(value, mp.mpf) and mp.isfinite(value) else None


def _near(a: Any, b: Any) -> bool:
    return bool(abs(a - b) <= mp.ldexp(abs(a) + abs(b), -60))


# Where mpmath takes minutes for so many digits.
def _by_flint(method: str) -> Any:
    def value(*args: Any) -> Any:
        flint.ctx.prec = _BITS
        balls = [flint.arb((int(mp.sign(arg)) * int(arg.man), int(arg.exp))) for arg in args]
        ball = getattr(flint.arb, method)(*balls)
        if not ball.is_finite():
            raise ValueError(method)
        mantissa, exponent = ball.mid().man_exp()
        return mp.ldexp(mp.mpf(int(mantissa)), int(exponent))

    return value


_EXP, _EXPM1, _LOG, _LGAMMA, _ERFC = map(_by_flint, ("exp", "expm1", "log", "lgamma", "erfc"))


def _lgamma(x: Any) -> Any:
    """By the reflection formula on the left."""
    if x > 0:
        return _LGAMMA(x)
    return mp.log(mp.pi / abs(mp.sinpi(x))) - _LGAMMA(1 - x)


def _pow(x: Any, y: Any) -> Any:
    """Of a negative number only where the exponent is whole."""
    if x < 0 and not mp.isint(y):
        raise ValueError("pow")
    size = _EXP(y * _LOG(abs(x)))
    return -size if x < 0 and int(y) % 2 else size


VALUE: dict[str, Any] = {
    "lgamma": _lgamma,
    "digamma": _by_flint("digamma"),
    "erf": _by_flint("erf"),
    "erfc": _ERFC,
    "gelu": lambda x: x * _ERFC(-x / mp.sqrt(2)) / 2,
    "pow": _pow,
    "atan2": _by_flint("atan2"),
    "elu": lambda x, alpha: x if x > 0 else alpha * _EXPM1(x),
    "swish": lambda x, beta: x / (1 + _EXP(-beta * x)),
    "logaddexp": lambda x, y: _LOG(_EXP(x) + _EXP(y)),
}


# --- verdicts -----------------------------------------------------------------------------------


def points(op: Op, values: Sequence[float] = VALUES) -> Iterator[Point]:
    """Every value, or every pair of values; a third arg is 1 (a bound, or what is not chosen)."""
    for point in product(values, repeat=min(len(op.args), 2)):
        yield (*point, *[1.0] * (len(op.args) - 2))


def problems(name: str, point: Point, factors: Sequence[float] = FACTORS) -> list[str]:
    """What is wrong with the verdicts on an op at a point: on its rule, on right claims and on wrong ones."""
    names = "xyz"[: len(point)]
    spec = bpx.parse(f"{name}({', '.join(names)})", **dict(zip(names, point, strict=True)))
    truths = {arg: slopes(name, point, position) for position, arg in enumerate(names)}
    found = _problems(spec.gradcheck(), truths)
    for factor in factors:
        claims = {arg: factor * value for arg, truth in truths.items() if (value := _claimable(truth))}
        if claims:
            found += _problems(spec.gradcheck(claims=claims), truths)
    return [f"{name}{point!r} {problem}" for problem in found]


def _claimable(truth: Slopes) -> float | None:
    """A slope as a claim, if it is a float of all its digits."""
    least, most = 2.0 * sys.float_info.min, sys.float_info.max / 2
    return float(truth.right) if truth.smooth and least < abs(truth.right) < most else None


def _problems(report: bpx.Report, truths: dict[str, Slopes]) -> list[str]:
    found = [
        f"by {entry.input}: {problem}"
        for entry in report.entries
        if (problem := wrong_verdict(entry, truths[entry.input]))
    ]
    disagree = any(entry.verdict == Verdict.DISAGREE for entry in report.entries)
    if not found and not disagree and report.verdict == Verdict.DISAGREE.word:
        found.append("the report disagrees, but no entry does")
    return found


def wrong_verdict(entry: Entry, truth: Slopes) -> str | None:
    """Why the verdict on an entry is wrong; None where it is right, or leaves the question open."""
    if entry.verdict == Verdict.CANNOT_TELL:
        return None
    stated = f"{entry.verdict.name} on {entry.claimed!r}"
    if not truth.smooth:
        return f"{stated}, but it has no derivative" if entry.verdict == Verdict.AGREE else None
    exact = truth.right
    right = _is_right(entry.claimed, exact)
    finite = max(abs(exact), abs(truth.value)) <= sys.float_info.max
    exact_text = mp.nstr(exact, 8)
    if entry.verdict == Verdict.AGREE and not right:
        # A right formula that loses its digits in float64 agrees, if the report says so and what it is.
        lost = entry.reason is not None and entry.reason.code == "digits-lost"
        return None if lost and _is_right(entry.reference, exact) else f"{stated}, but it is {exact_text}"
    if entry.verdict == Verdict.DISAGREE and right:
        return f"{stated}, which is right ({exact_text})"
    if entry.verdict == Verdict.KINK or (entry.verdict == Verdict.OUTSIDE_DOMAIN and finite):
        return f"{stated}, but it is smooth there: {exact_text}"
    return None


def _is_right(number: float, exact: Any) -> bool:
    """Is a float right, as far as a check promises to see?"""
    return bool(abs(mp.mpf(number) - exact) <= DETECT * abs(exact) + 2 * LAST)


def elementwise() -> list[Op]:
    """The ops that the sweep is over: not those of a whole order, where so many digits take long."""
    return [op for op in rows() if op.elementwise and op.name not in ("polygamma", "sinc_derivative")]
