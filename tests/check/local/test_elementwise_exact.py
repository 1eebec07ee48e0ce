"""One element in many digits."""

from __future__ import annotations

import pytest
from checking import planted, point_of, spec

from bpx.check.local.elementwise_exact import is_right, slope_and_rule
from bpx.check.numeric import multiprecision, multiprecision_slopes


def found(made, position=0):
    (group,) = [one for one in point_of(made).elementwise if made.output in one.nodes]
    return slope_and_rule(group, position, 0, 1e-17)


def test_a_saturated_element():
    slope, right = found(spec("tanh(x)", x=20.0))
    assert slope == pytest.approx(1.699341702116635e-17, rel=1e-12)
    assert right


def test_a_wrong_rule_is_wrong_in_all_digits():
    made = planted(spec("tanh(x)", x=20.0), "out", 0, lambda right, x, out: 1.001 * right)
    assert found(made)[1] is False


def test_there_is_none_at_a_kink():
    assert found(spec("relu(x)", x=0.0)) is None


def test_of_terms_that_cancel_nothing_must_be_left():
    slope = multiprecision_slopes.slope(lambda x: x - x, 1.0)
    assert slope is not None
    assert is_right(multiprecision.Multiprecision(0), slope, 1.0)
    assert not is_right(multiprecision.Multiprecision(1e-20), slope, 1.0)
    assert not is_right(None, slope, 1.0)
