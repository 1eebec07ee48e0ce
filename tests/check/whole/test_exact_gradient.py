"""All entries of a gradient in many digits at once; ops of any length, and what the budget leaves open."""

from __future__ import annotations

import numpy as np
import pytest
from checking import planted, point_of, spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.whole.exact_gradient import exact_gradient
from bpx.spec.reading.claims import read_claim, with_claims

RNG = np.random.default_rng(0)


def test_small_entries_are_known_beside_large_ones():
    point = point_of(spec("logsumexp(x)", x=[0.0, -80.0, -300.0]))
    gradient = exact_gradient(point, point.query.wrt["x"])
    assert gradient is not None
    shares = np.exp([0.0, -80.0, -300.0])
    for i, share in enumerate(shares / shares.sum()):
        slope = gradient.slope(i)
        assert slope.value == pytest.approx(share, rel=1e-14)
    assert gradient.error[1] < 1e-20 * shares[1]  # 35 digits beside the largest


def test_a_wrong_rule_is_not_certified():
    wrong = planted(spec("sum(sin(x))", x=[0.3, 0.4]), "v1", 0, lambda right, *args: right * (1 + 1e-9))
    point = point_of(wrong)
    gradient = exact_gradient(point, point.query.wrt["x"])
    assert gradient is not None
    assert (gradient.error > 1e-10).all()


def test_there_is_none_at_a_kink():
    point = point_of(spec("sum(abs(x))", x=[0.0, 1.0]))
    assert exact_gradient(point, point.query.wrt["x"]) is None


@pytest.mark.parametrize("factor", [0.0, -1.0, 1.0, 2.0])
def test_claims_on_a_long_softmax(factor):
    x, w = RNG.normal(size=323), RNG.normal(size=323)
    made = spec("sum(softmax(x) * w)", x=x, w=w)
    claims = [read_claim(f"x = {factor}*softmax(x)*(w - sum(softmax(x)*w))")]
    report = gradcheck(with_claims(made, claims), wrt=["x"])
    assert report.verdict == ("agree" if factor == 1 else "disagree")
    assert report.counts["cannot tell"] == 0


@every(
    "expression, values",
    [
        ("cross_entropy(x, y)", {"x": RNG.normal(size=(64, 100)), "y": np.arange(64.0)}),
        ("cross_entropy(x, y)", {"x": RNG.normal(size=(4, 1000)), "y": np.arange(4.0)}),
        ("cross_entropy(x*100, y)", {"x": RNG.normal(size=(20, 10)), "y": np.arange(20.0) % 10}),
        ("sum(c*attention(q, q, q))", {"q": RNG.normal(size=(80, 4)), "c": RNG.normal(size=(80, 4))}),
        ("sum(c*attention(q, q*2, q, causal=true))", {"q": RNG.normal(size=(8, 4)), "c": np.ones((8, 4))}),
        ("sum(c*softmax(x @ w))", {"x": RNG.normal(size=(8, 8)), "w": np.ones((8, 1)), "c": np.ones((8, 1))}),
    ],
)
def test_softmax_and_its_kin_at_any_length(expression, values):
    wrt = [name for name in values if name not in ("y", "c")]
    assert gradcheck(spec(expression, **values), wrt=wrt).verdict == "agree"


def test_what_the_budget_leaves_open_says_so():
    # sqrt(x^2 + y) - x loses its digits; many of them say what is left.
    made = spec("sqrt(x^2 + 1) - x", x=3e7)
    settled = gradcheck(with_claims(made, [read_claim("x = -1.001/(2*x^2)")]))
    assert settled.verdict == "disagree"
    left = gradcheck(made, budget=0)
    assert left.verdict in ("agree", "cannot tell")
    if left.verdict == "cannot tell":
        assert left.reason
        assert left.reason.code == "beyond-budget"
        assert "--budget" in left.reason.text
