"""Random points: within the ranges, reproducible, inside the domain."""

from __future__ import annotations

import numpy as np
import pytest
from checking import spec, toml

from bpx.check.whole.sample_points import drawn_points

TEXT = """bpx = 1
[inputs]
x = { value = 0.5, range = [0.25, 0.75] }
y = [100.0, 0.0]
t = { value = 3.0, role = "target" }
c = { value = 4.0, role = "constant" }
s = { value = 5.0, role = "target", range = [4, 6] }
[graph]
L = "sum(x * y) - t * c * s"
"""


def columns(made, count, seed=0):
    points, skipped = drawn_points(made, count, seed)
    assert len(points) == count
    return {one.name: np.array([point[one.node] for point in points]) for one in made.inputs}, skipped


def test_the_given_point_comes_first():
    found, _ = columns(toml(TEXT), 5)
    assert found["x"][0] == 0.5
    assert found["y"][0].tolist() == [100, 0]


def test_ranges_are_respected_and_filled():
    found, skipped = columns(toml(TEXT), 300)
    assert skipped == 0
    assert found["x"].min() >= 0.25
    assert found["x"].max() <= 0.75
    assert np.ptp(found["x"]) > 0.45
    assert np.ptp(found["s"]) > 1.8


def test_others_are_drawn_around_their_values():
    found, _ = columns(toml(TEXT), 300)
    large, zero = found["y"].T
    assert (large.mean(), large.std()) == pytest.approx((100, 50), rel=0.2)
    assert zero.std() == pytest.approx(0.5, rel=0.2)


def test_targets_and_constants_are_drawn_too():
    found, _ = columns(toml(TEXT), 300)
    assert found["t"].std() == pytest.approx(1.5, rel=0.2)
    assert np.log(found["c"] / 4).std() == pytest.approx(0.5, rel=0.2)


CHOOSING = """bpx = 1
[inputs]
x = [[1.0, 2.0], [3.0, 4.0]]
rows = [0, 1, 1]
classes = [1, 0]
ids = [1, 0]
[graph]
L = "sum(embedding(x, rows)) + sum(pick(x, classes)) + sum(x @ ids) + sum(cross_entropy(x, ids))"
"""


def test_what_only_chooses_stays():
    found, skipped = columns(toml(CHOOSING.replace(" + sum(x @ ids)", "")), 20)
    assert skipped == 0
    assert np.ptp(found["x"]) > 1
    assert {tuple(one) for one in found["rows"]} == {(0, 1, 1)}
    assert (
        {tuple(one) for one in found["classes"]} == {tuple(one) for one in found["ids"][:, ::1]} == {(1, 0)}
    )


def test_what_does_more_than_choose_is_drawn():
    points, _ = drawn_points(toml(CHOOSING), 3, 0)
    assert len(points) == 1  # no other is whole


def test_a_seed_gives_the_same_points_again():
    made = toml(TEXT)
    one, same, other = (columns(made, 4, seed)[0]["x"] for seed in (7, 7, 8))
    assert one.tolist() == same.tolist() != other.tolist()


def test_points_outside_the_domain_are_skipped_and_counted():
    found, skipped = columns(spec("log(x)", x=0.1), 50)
    assert (found["x"] > 0).all()
    assert skipped > 10


def test_where_hardly_a_point_is_inside_there_are_fewer():
    points, skipped = drawn_points(spec("sqrt(x) + sqrt(1e-9 - x)", x=5e-10), 3, 0)
    assert len(points) == 1
    assert skipped == 40
