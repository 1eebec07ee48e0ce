"""The gamma function's logarithm, its derivatives and those of sinc: a few ulp, also where terms cancel."""

from __future__ import annotations

import math

import mpmath
import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.numeric.multiprecision import lifted
from bpx.ops.values import gamma, sinc

ULP = 2.0**-52
mp = mpmath.MPContext()
mp.dps = 40

RNG = np.random.default_rng(7)
SIDES = RNG.choice([-1.0, 1.0], 12)
ZEROS = [1.0, 2.0, 1.4616321449683623, -0.5040830082644554, -2.457024738220801, -2.7476826467274127]
WHERE = {
    "around 1": RNG.uniform(0, 3, 20),
    "moderate": RNG.uniform(3, 50, 8),
    "large": 10 ** RNG.uniform(1, 18, 8),
    "tiny": SIDES * 10 ** RNG.uniform(-60, -1, 12),
    "negative": -RNG.uniform(0, 30, 30),
    "far negative": -(10 ** RNG.uniform(1, 3, 8)),
    **{f"zero at {zero:.3g}": zero + SIDES * 10 ** RNG.uniform(-15, -1, 12) for zero in ZEROS},
    "poles": -RNG.integers(1, 40, 12) + SIDES * 10 ** RNG.uniform(-13, -1, 12),
}


def _lgamma(x):
    return mp.log(abs(mp.gamma(x))) if abs(x) < 1e4 else mp.re(mp.loggamma(x))


def worst(found, points, truth) -> float:
    """The largest error in units of the last place."""
    found = np.asarray(found)
    truths = [truth(mp.mpf(float(x))) for x in points]
    return max(
        float(abs((mp.mpf(float(y)) - t) / t)) / ULP if t else 1e9 * (y != 0)
        for y, t in zip(found, truths, strict=True)
    )


@every("where", list(WHERE))
def test_the_gamma_functions_to_a_few_ulp(where):
    points = WHERE[where]
    assert worst(gamma.lgamma(points), points, _lgamma) < 6
    assert worst(gamma.digamma(points), points, mp.digamma) < 10
    for n in (1, 2, 3):
        few = points[:3]
        assert worst(gamma.polygamma(n, few), few, lambda x, n=n: mp.psi(n, x)) < 10, n


SPECIAL = [
    (gamma.lgamma, [0.0, -0.0, -1.0, -7.0, math.inf, -math.inf], [math.inf] * 6),
    (gamma.lgamma, [1.0, 2.0, 3.0, math.nan, 5e-324], [0.0, 0.0, math.log(2), math.nan, 744.4400719213812]),
    (
        gamma.digamma,
        [0.0, -1.0, math.inf, -math.inf, math.nan],
        [math.nan, math.nan, math.inf, *[math.nan] * 2],
    ),
    (
        lambda n: gamma.polygamma(n, 1.0),
        [0.0, 1.0, -1.0, 0.5, 1e9],
        [-np.euler_gamma, math.pi**2 / 6, *[math.nan] * 3],
    ),
    (lambda x: gamma.polygamma(1, x), [0.0, -3.0, math.inf, 1e200], [math.nan, math.nan, 0.0, 1e-200]),
    (
        lambda x: sinc.sinc_derivative(0, x),
        [0.0, 1.0, -2.0, 1e15, math.inf, math.nan],
        [1, 0, 0, 0, 0, math.nan],
    ),
    (lambda x: sinc.sinc_derivative(1, x), [0.0, 1.0, -2.0, 4.0], [0, -1, -0.5, 0.25]),
    (
        lambda n: sinc.sinc_derivative(n, 0.0),
        [2.0, 3.0, 4.0, 1.5],
        [-(math.pi**2) / 3, 0, math.pi**4 / 5, math.nan],
    ),
]


@every("function, points, values", SPECIAL)
def test_special_points(function, points, values):
    np.testing.assert_allclose(function(np.array(points)), values, rtol=1e-15)


@every("n", [0, 1, 2, 3, 6])
def test_derivatives_of_sinc(n):
    """Relative to the nearest size of the wave, as no float has the digits of its zeros."""
    points = np.concatenate([RNG.uniform(-9, 9, 12), SIDES[:6] * 10 ** RNG.uniform(-200, -3, 6), [30.25]])
    found = sinc.sinc_derivative(n, points)
    for x, y in zip(points, found, strict=True):
        t = _derived_sinc(n, x)
        room = 64 * ULP * min(1.0, max(abs(t), 1 / max(1.0, abs(x))) if abs(x) > 0.1 else abs(t)) * math.pi**n
        assert abs(y - t) <= room, (x, y, t)


def _derived_sinc(n: int, x: float):
    odd = n % 2
    sum_ = mp.hyper([(n + 1 + odd) / 2], [(1 + 2 * odd) / 2, (n + 3 + odd) / 2], -((mp.pi * x / 2) ** 2))
    return (-1) ** ((n + 1) // 2) * mp.pi**n * (mp.pi * x) ** odd / (n + 1 + odd) * sum_


@every(
    "name, x, truth",
    [
        *[("lgamma", x, _lgamma) for x in (1.0, 1 + 2.0**-40, -2.457024738220801, 1e-80, 300.5, -1e5 - 0.25)],
        *[("digamma", x, mp.digamma) for x in (1.4616321449683623, -0.5, 1e-80, -1e5 - 0.25, 1e30)],
        *[("sinc", x, lambda x: _derived_sinc(0, x)) for x in (0.0, 1e-80, 0.5, 12.25)],
    ],
)
def test_numbers_of_many_digits(name, x, truth):
    """Against mpmath at 110 digits, to 85."""
    number = getattr(lifted(np.array(x)).item(), name)()
    with mp.workdps(130):
        expected = truth(mp.mpf(x))
        rest = number
        for _ in range(8):
            part = float(expected)
            rest, expected = rest - part, expected - part
        size = abs(float(truth(mp.mpf(x)))) * 1e-85
    assert abs(rest) <= size


@every("op, most", [("polygamma", 170), ("sinc_derivative", 100)])
def test_an_order_that_is_none_is_refused_by_name(op, most):
    for n in (-2, 0.5, most + 1):
        with pytest.raises(bpx.BpxError) as caught:
            bpx.parse(f"{op}(n, x)", n=n, x=0.5).explain()
        (problem,) = caught.value.diagnostics
        assert (problem.code, problem.facts["found"]) == ("bad-derivative-order", f"{n:g}")
    bpx.parse(f"{op}(n, x)", n=most, x=1.5).explain(check=False)


@pytest.mark.parametrize(
    "text", ["lgamma(x)*sinc(y) + digamma(x*y)", "polygamma(2, x) + sinc_derivative(2, y)"]
)
def test_derivatives_up_to_the_third_agree(text):
    spec = bpx.parse(text, x=-1.3, y=0.4)
    report = spec.gradcheck(order=2)
    assert report.verdict == "agree"


@every("n, x", [(170, 3.0), (170, 60.0), (150, 200.0), (50, 1e7), (10, -2.5), (60, -2.5), (170, -2.5)])
def test_orders_and_numbers_so_large_that_parts_are_no_floats(n, x):
    # 200^-151 is none; and halfway between poles the largest parts cancel.
    with mp.workdps(200):
        truth = mp.polygamma(n, x)
    assert gamma.polygamma(n, x) == pytest.approx(float(truth), rel=100 * ULP)


@every("op, most", [("polygamma", 170), ("sinc_derivative", 100)])
def test_a_gradient_of_an_order_that_is_not_known_is_not_called_wrong(op, most):
    known, last = (bpx.parse(f"{op}({n}, x)", x=3.0) for n in (most - 1, most))
    assert known.gradcheck().verdict == "agree"
    for report in (last.gradcheck(), last.gradcheck(claims={"x": 1.0}), known.gradcheck(order=2)):
        assert (report.verdict, report.blame) == ("outside domain", ())
        assert f"from 0 to {most}, not {most + 1}" in str(report)
