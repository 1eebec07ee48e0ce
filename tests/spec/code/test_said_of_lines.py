"""What is said of wrong lines: by names that can be seen, and nothing that cannot be."""

from __future__ import annotations

import numpy as np

import bpx
from bpx.check.report.blame import Blame
from bpx.check.report.blocks import details

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(6, 4))
W, B = RNG.normal(size=(4, 3)), RNG.normal(size=3)


def squashed(w, b):
    z = DATA @ w + b
    a = 1.0 / (1.0 + np.exp(-z))
    return np.sum(a * a)


def value_for_slope(g, w, b):
    a = 1.0 / (1.0 + np.exp(-(DATA @ w + b)))
    dz = g * 2 * a * a
    return DATA.T @ dz, dz.sum(0)


def rectified(w, b):
    h = np.maximum(DATA @ w + b, 0)
    return np.sum(np.exp(h))


def value_for_mask(g, w, b):
    h = np.maximum(DATA @ w + b, 0)
    dh = g * np.exp(h)
    dz = dh * h
    return DATA.T @ dz, dz.sum(0)


def bias_without_axis(g, w, b):
    z = DATA @ w + b
    dz = g * np.exp(z) * (z > 0)
    return DATA.T @ dz, dz.sum()


def report_of(forward, backward) -> str:
    return " ".join(str(bpx.gradcheck(forward, [W, B], backward, names=["w", "b"])).split())


def test_a_value_for_its_slope_is_never_used_in_place_of_itself() -> None:
    text = report_of(squashed, value_for_slope)
    assert "Mistake: the local derivative `1 - a` is missing" in text
    assert "the value of `a` is used in place of the derivative" in text
    assert "`a` is used in place of `a`" not in text


def test_arrays_stand_by_the_name_that_the_code_has_for_them() -> None:
    text = report_of(rectified, value_for_mask)
    assert "with respect to `DATA @ w + b` of line" in text
    assert "where v" not in text  # the line that would be right says it, in names of the code
    assert "log(" not in text  # some of the values are negative


def test_arrays_without_a_name_stand_by_their_shape() -> None:
    def forward(w, b):
        h = np.maximum((DATA + 1) @ w + b, 0)
        return np.sum(np.exp(h))

    def backward(g, w, b):
        h = np.maximum((DATA + 1) @ w + b, 0)
        dz = g * np.exp(h) * h
        return (DATA + 1).T @ dz, dz.sum(0)

    text = report_of(forward, backward)
    assert "with respect to `(DATA + 1) @ w + b` of line" in text
    assert "[[" not in text


def test_a_wrong_shape_is_said_and_has_no_numbers() -> None:
    text = report_of(rectified, bias_without_axis)
    assert "it has shape (), but `b` has shape (3,)" in text
    assert "nan" not in text


def test_the_lines_of_a_segment_are_named_and_not_its_nodes() -> None:
    lines = (("net.py", 3), ("net.py", 5))
    blame = Blame("w", "mul", None, None, claim=True, segment=("v4", "v5"), segment_lines=lines)
    text = " ".join(map(str, details(blame)))
    assert "The mistake is in the backward pass of lines 3, 5 of net.py." in text
    assert "v4" not in text
