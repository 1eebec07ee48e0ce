"""What a mistake must give to explain a claim."""

from __future__ import annotations

import numpy as np
from rows_of_a_table import every

from bpx.check.patterns.comparison import Comparison, constant_factor, single_precision

RIGHT = [np.array([1.0, 2.0, -3.0])]


def comparison(claimed, room: float = 0.0) -> Comparison:
    return Comparison(RIGHT, [np.asarray(claimed)], [room])


def test_what_lies_as_near_to_the_right_numbers_explains_nothing():
    claim = RIGHT[0] * (1 + 4e-7)
    assert not comparison(claim).explained_by([RIGHT[0] * (1 + 1e-12)])
    assert not comparison(claim).explained_by(RIGHT)
    assert comparison(2 * RIGHT[0]).explained_by([2 * RIGHT[0]])


def test_a_prediction_must_leave_little_of_what_the_claim_is_off_by():
    """Both are within the digits that are written; one of them is much nearer."""
    claim = RIGHT[0] + 0.06
    assert comparison(claim, 0.05).explained_by([RIGHT[0] + 0.03])
    assert not comparison(RIGHT[0] + 0.001, 0.0).explained_by([RIGHT[0] + 0.0005])


@every(
    "factor, code",
    [
        (-1.0, "sign"),
        (2.0, "double"),
        (0.5, "half"),
        (-2.0, "both"),
        (-0.5, "both"),
        (3.0, "mean-lost"),
        (1 / 3, "mean-doubled"),
        (-3.0, "both"),
        (5.0, "factor"),
        (0.2, "factor-below-one"),
    ],
)
def test_factors(factor, code):
    mistake = constant_factor(comparison(factor * RIGHT[0]), {3})
    assert mistake is not None
    assert mistake.code == code
    assert mistake.text


def test_a_factor_of_two_mistakes_names_both():
    mistake = constant_factor(comparison(-3 * RIGHT[0]), {3})
    assert mistake is not None
    assert mistake.text == "two mistakes at once: wrong sign; not divided by 3: the 1/3 of a mean is missing"


def test_how_a_factor_is_said():
    larger, smaller = (constant_factor(comparison(factor * RIGHT[0]), set()) for factor in (5.0, 0.2))
    assert larger is not None
    assert smaller is not None
    assert larger.text == "too large by a factor of 5 (divide by 5)"
    assert smaller.text == "too small by a factor of 5 (multiply by 5)"


def test_single_precision():
    rounded = single_precision(comparison(RIGHT[0].astype(np.float32) * np.float32(1 + 2e-7)))
    assert rounded is not None
    assert rounded.code == "single-precision"
    assert single_precision(comparison(RIGHT[0])) is None
    assert single_precision(comparison(RIGHT[0] * 1.0001)) is None
    assert single_precision(comparison(RIGHT[0][:2])) is None
    # A slip in the sixth decimal is none of float32.
    short = np.round(RIGHT[0], 6) + 1e-6
    assert single_precision(comparison(np.round(short, 6))) is None
