"""An edge at other points: near, on the same side of every guard, inside the domain."""

from __future__ import annotations

import numpy as np
import pytest
from checking import planted, point_of, spec

from bpx.check.blame.edge_samples import samples


def drawn(made, name="out", position=0, **options):
    point = point_of(made)
    node = made.nodes[name]
    (edge,) = [edge for edge in point.ledger.edges if (edge.consumer, edge.position) == (node, position)]
    return samples(point, edge, **options)


def test_the_values_met_come_first():
    found = drawn(spec("x * y", x=[1.0, 2.0], y=3.0))
    assert len(found) == 5
    assert [arg.tolist() for arg in found[0].sample.args] == [[1, 2], 3]
    assert all(not np.array_equal(one.sample.args[0], [1, 2]) for one in found[1:])


def test_each_has_an_upstream_of_its_own_that_is_never_all_ones():
    upstreams = [one.sample.upstream for one in drawn(spec("x * y", x=[1.0, 2.0, 4.0], y=3.0))]
    assert len({tuple(one.tolist()) for one in upstreams}) == 5
    assert all((np.abs(np.abs(one) - 1) <= 0.5).all() and np.ptp(one) > 0 for one in upstreams)


def test_the_right_contribution_and_what_the_rule_hands_back():
    made = spec("sin(x)", x=[0.3, 1.1])
    for one in drawn(planted(made, "out", 0, lambda right, *args: 2 * right)):
        x, upstream = one.sample.args[0], one.sample.upstream
        np.testing.assert_allclose(one.sample.right, upstream * np.cos(x), rtol=1e-7)
        np.testing.assert_allclose(one.contribution, 2 * upstream * np.cos(x), rtol=1e-12)


@pytest.mark.parametrize("x", [1e-3, -1e-3, 5.0])
def test_they_stay_on_the_same_side_of_a_kink(x):
    found = drawn(spec("relu(x)", x=x))
    assert len(found) > 1
    assert {float(np.sign(one.sample.args[0])) for one in found} == {np.sign(x)}


def test_far_ones_go_to_the_other_side_too():
    found = drawn(spec("relu(x)", x=[1.0] * 20), far=True)
    assert {1, -1} == {float(side) for one in found for side in np.sign(one.sample.args[0])}


def test_they_stay_inside_the_domain():
    for one in drawn(spec("log(x)", x=[1e-3, 2.0])):
        assert (one.sample.args[0] > 0).all()


def test_what_chooses_stays():
    found = drawn(spec("embedding(x, ids)", x=[[1.0, 2.0], [3.0, 4.0]], ids=[1.0, 0.0]))
    assert len(found) == 5
    assert all(one.sample.args[1].tolist() == [1, 0] for one in found)


def test_constants_stay():
    for one in drawn(spec("x^3", x=2.0)):
        assert one.sample.args[1] == 3


def test_the_same_again():
    made = spec("x * y", x=[1.0, 2.0], y=3.0)
    one, other = drawn(made), drawn(made)
    assert all(np.array_equal(a.contribution, b.contribution) for a, b in zip(one, other, strict=True))
