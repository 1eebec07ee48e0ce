"""Patterns in the numbers of a gradient: each names what gives all numbers, and nothing else is named."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.patterns.array_patterns import array_mistakes
from bpx.check.patterns.claimed_gradient import ClaimedGradient

RNG = np.random.default_rng(0)
RIGHT = RNG.normal(size=(4, 4))
GAMMA, SCALAR = np.array([0.5, 2.0, -1.5, 3.0]), np.array(0.7)


def gradient(claimed: Any, right: Any = RIGHT, **more: Any) -> ClaimedGradient:
    """Of a scalar output, with what has a name around it."""
    right, claimed = np.asarray(right)[np.newaxis], np.asarray(claimed)[np.newaxis]
    facts: dict[str, Any] = {
        "name": "x",
        "right": right,
        "claimed": claimed,
        "known": np.ones(right.shape, dtype=bool),
        "output": np.array(1.3),
        "upstreams": np.ones((1, 1)),
        "one_hot": True,
        "values": {"x": RNG.normal(size=right.shape[1:]), "gamma": GAMMA, "s": SCALAR},
        "references": {},
        "mixtures": (),
    }
    return ClaimedGradient(**{**facts, **more})


def codes(gradient: ClaimedGradient) -> list[str]:
    return [mistake.code for mistake in array_mistakes(gradient)]


def but(at: Any, factor: float) -> Any:
    """RIGHT with some of its entries multiplied."""
    claimed = RIGHT.copy()
    claimed[at] *= factor
    return claimed


@every(
    "claimed, code",
    [
        (-RIGHT, "sign"),
        (RIGHT / 4, "mean-doubled"),
        (0 * RIGHT, "dropped"),
        (RIGHT.T, "result-transposed"),
        (but((1, 2), 3.0), "one-element"),
        (but((1, 2), -1.0), "some-sign"),
        (but(2, 0.5), "counted-once"),
        (but((slice(None), 2), 0.5), "some-half"),
        (but((slice(None), 1), 2.0), "some-double"),
        (but((slice(None), 1), 0.0), "some-zero"),
        (but((slice(None), 1), 1.7), "some-factor"),
        (RIGHT[::-1], "reversed"),
        (np.roll(RIGHT, 1, axis=1), "shifted"),
        (np.rot90(RIGHT), "turned"),
        ((RIGHT + RIGHT.T) / 2, "symmetric-part"),
        (RIGHT + RIGHT.T, "symmetric-sum"),
        (RIGHT.mean(axis=0) + 0 * RIGHT, "axis-averaged"),
        (RIGHT.sum(axis=1, keepdims=True) + 0 * RIGHT, "axis-summed"),
        (RIGHT * GAMMA, "factor-doubled"),
        (RIGHT / GAMMA, "factor-missing"),
        (RIGHT * SCALAR, "factor-doubled"),
        (RIGHT * 1.234, "factor"),
        (RIGHT + 0.1, "constant-off"),
    ],
)
def test_what_gives_all_numbers_is_named(claimed: Any, code: str) -> None:
    assert codes(gradient(claimed))[:1] == [code]


def test_two_slips_at_different_entries_are_both_named() -> None:
    claimed = RIGHT.copy()
    claimed[0, 1] *= 2
    claimed[2, 3] *= -1
    assert sorted(codes(gradient(claimed))) == ["some-double", "some-sign"]


def test_a_penalty_that_is_lost_is_told_by_the_input() -> None:
    x = RNG.normal(size=(4, 4))
    found = array_mistakes(gradient(RIGHT - 0.3 * x, values={"x": x}))
    assert [(mistake.code, dict(mistake.facts)["factor"]) for mistake in found] == [("penalty-term", "-0.3")]


def test_only_what_is_known_counts() -> None:
    known = np.ones((1, 4, 4), dtype=bool)
    known[0, 2:] = False
    right = np.where(known[0], RIGHT, 0.0)
    assert codes(gradient(-right, right, known=known)) == ["sign"]


def test_masks() -> None:
    mask = (RNG.random((4, 4)) > 0.5) * 1.0
    right = RIGHT * mask
    assert codes(gradient(RIGHT, right)) == ["unmasked"]
    assert codes(gradient(RIGHT * (1 - mask), right)) == ["mask-flipped"]


def test_what_is_right_to_within_a_pattern_has_no_mistake() -> None:
    assert codes(gradient(RIGHT * (1 + 1e-7))) == []


@pytest.mark.parametrize(
    ("weigh", "code"),
    [(np.ones_like, "upstream-forgotten"), (np.square, "upstream-squared"), (np.abs, "upstream-absolute")],
)
def test_an_upstream_gradient_put_to_wrong_use(weigh: Any, code: str) -> None:
    weights = [np.array([-1.7]), np.array([0.6])]
    mixtures = tuple((w, weigh(w)[0] * RIGHT) for w in weights)
    assert codes(gradient(RIGHT, mixtures=mixtures)) == [code]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["times", "plus", "mix"]))
def test_nothing_is_named_where_nothing_fits(seed: int, kind: str) -> None:
    """Arbitrary numbers are no known mistake."""
    noise = np.random.default_rng([1, seed]).normal(size=RIGHT.shape)
    claimed = {"times": RIGHT * (1 + noise), "plus": RIGHT + noise, "mix": noise @ RIGHT}[kind]
    assert codes(gradient(claimed)) == []
