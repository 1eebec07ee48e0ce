"""Claims and their evidence → verdicts and the codes of their reasons: the only place that decides.

The rules stand in order, and the first that holds of an entry decides it. Where none does, the error
bar is too wide: `cannot tell`, `uncertain`. All arrays broadcast to the shape of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import (
    DETECT,
    NEGLIGIBLE,
    NOTHING_IN_USE,
    RIGHT_FORMULA,
    SAFETY_FACTOR,
    SLACK,
    UNIT_ROUNDOFF,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.graph.arrays import Array

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Flags = NDArray[np.bool_]


class Judgement(NamedTuple):
    """A `Verdict` for each entry, and the code of its reason; None where the entry simply agrees.

    `certified` are those that a proved enclosure of the derivative decides.
    """

    verdicts: NDArray[np.int8]
    codes: NDArray[np.object_]
    certified: Flags


class Comparison:
    """Claims beside their evidence: what the rules compare."""

    def __init__(self, claimed: Array | float, evidence: Evidence, detect: float) -> None:
        self.claimed = np.broadcast_to(np.asarray(claimed, dtype=float), evidence.shape)
        self.evidence, self.detect = evidence, detect
        self.slack = max(SLACK * detect, 8 * UNIT_ROUNDOFF)  # relative

    @cached_property
    def near(self) -> Array:
        """The claim, moved towards the reference as far as its last written digit lets it."""
        tolerance, claimed = self.evidence.tolerance, self.claimed
        moved = np.clip(self.evidence.value, claimed - tolerance, claimed + tolerance)
        return np.where(np.asarray(tolerance) > 0, moved, claimed)

    @cached_property
    def bar(self) -> Array:
        """How far off the reference may be for certain."""
        return self.evidence.bar

    @cached_property
    def has_reference(self) -> Flags:
        """Is there a reference with a bar?"""
        return np.asarray(np.isfinite(self.evidence.value) & np.isfinite(self.bar))

    @cached_property
    def has_obstacle(self) -> bool:
        """Is there an entry of which there is nothing to compare?"""
        return bool(np.any(self.evidence.obstacle))

    @cached_property
    def finite(self) -> Flags:
        """Is the claim a number?"""
        return np.asarray(np.isfinite(self.claimed))

    @cached_property
    def gap(self) -> Array:
        """How far the claim is from the reference."""
        return np.abs(self.near - self.evidence.value)

    @cached_property
    def size(self) -> Array:
        """The larger of both: what differences are measured by."""
        return np.maximum(np.abs(self.near), np.abs(self.evidence.value))

    @cached_property
    def off(self) -> Flags:
        """Do claim and reference differ by more than the bar, and by more than may go unseen?"""
        return self.has_reference & ((self.gap > self.bar + self.slack * self.size) | ~self.finite)

    @cached_property
    def fits(self) -> Flags:
        """Is the claim what the reference says, as far as that is known?"""
        return self.has_reference & ~self.off

    @cached_property
    def between(self) -> Flags:
        """Does the claim lie between the slopes of both sides, as far as they are known?"""
        evidence, claimed = self.evidence, self.claimed
        largest = np.maximum(np.maximum(np.abs(evidence.low), np.abs(evidence.high)), np.abs(claimed))
        tolerance = (
            SAFETY_FACTOR * np.asarray(evidence.side_error) + evidence.tolerance + self.slack * largest
        )
        return np.asarray((claimed >= evidence.low - tolerance) & (claimed <= evidence.high + tolerance))

    @cached_property
    def strays(self) -> Flags:
        """Is a number in use not the one that the rules give?"""
        return np.asarray(self.evidence.rule_gap > self.detect * np.asarray(self.evidence.rule_scale))

    @cached_property
    def formula_is_right(self) -> Flags:
        """Does the claim's formula give the slope in many digits?"""
        return np.asarray(
            self.evidence.formula_gap + np.asarray(self.evidence.formula_error) <= RIGHT_FORMULA
        )

    @cached_property
    def agrees(self) -> Flags:
        """Would the entry agree by its number or its formula?"""
        numbers = _narrow_bar(self) | _exact_zero(self) | _cancelled(self)
        return np.asarray(numbers | self.formula_is_right)


class VerdictRule(NamedTuple):
    """Where `holds`, the entry has this verdict, for the reason of this code."""

    verdict: Verdict
    code: str | None
    holds: Callable[[Comparison], Any]


# --- conditions ---------------------------------------------------------------------------------


def _narrow_bar(comparison: Comparison) -> Any:
    """The claim fits, and the bar is narrower than the least difference that must be seen."""
    return comparison.fits & (comparison.bar <= comparison.detect * comparison.size)


def _exact_zero(comparison: Comparison) -> Any:
    """A 0 where f does not change by a bit needs no bar."""
    return comparison.fits & comparison.evidence.flat & (comparison.claimed == 0)


def _cancelled(comparison: Comparison) -> Any:
    """Where the terms cancel to next to nothing, the bar is measured by the terms: a stationary point."""
    next_to_nothing = np.abs(comparison.near) <= comparison.evidence.rest
    return (
        comparison.fits
        & next_to_nothing
        & (comparison.bar <= comparison.detect * np.asarray(comparison.evidence.scale))
    )


def _has_no_digit(comparison: Comparison) -> Any:
    """A 0 that fits only because it was written short, where the reference is known not to be 0."""
    tolerance = np.asarray(comparison.evidence.tolerance)
    if not tolerance.any():
        return False
    is_short = (tolerance > 0) & (np.abs(comparison.claimed) <= tolerance)
    return comparison.fits & is_short & (np.abs(comparison.evidence.value) > comparison.bar)


def _met(obstacle: Obstacle) -> Callable[[Comparison], Any]:
    number = int(obstacle)
    return lambda at: at.has_obstacle and at.evidence.obstacle == number


def _given(flag: str, condition: Callable[[Comparison], Any]) -> Callable[[Comparison], Any]:
    """The condition, of entries whose evidence has this flag; it is not looked at where none has it."""

    def holds(at: Comparison) -> Any:
        flagged = getattr(at.evidence, flag)
        return flagged is not False and flagged & condition(at)

    return holds


def _negligible(comparison: Comparison) -> Any:
    """Claim and bar are next to nothing beside the other entries of the array."""
    least = NEGLIGIBLE * np.asarray(comparison.evidence.array_scale)
    return comparison.fits & (np.abs(comparison.claimed) <= least) & (comparison.bar <= least)


def _formula_is_wrong(comparison: Comparison) -> Any:
    return (
        comparison.evidence.formula_gap - np.asarray(comparison.evidence.formula_error)
        > SLACK * comparison.detect
    )


def _within_noise(comparison: Comparison) -> Any:
    """Rounding alone may move the claim so far from a right one."""
    return (
        comparison.off
        & comparison.finite
        & (comparison.gap <= 8 * np.asarray(comparison.evidence.claim_noise) + comparison.bar)
    )


# --- the rules, in order ------------------------------------------------------------------------

_DISAGREE, _KINK, _OUTSIDE = Verdict.DISAGREE, Verdict.KINK, Verdict.OUTSIDE_DOMAIN
_UNCLEAR, _AGREE = Verdict.CANNOT_TELL, Verdict.AGREE

VERDICT_RULES: tuple[VerdictRule, ...] = (
    # Numbers in use that are not what the rules give at the same values. Of what is next to nothing, as
    # where a loss is all but met, rounding may have left no digit.
    VerdictRule(
        _UNCLEAR,
        "uncertain",
        lambda at: at.strays & (at.evidence.rule_gap <= NOTHING_IN_USE),
    ),
    VerdictRule(_DISAGREE, "differs", lambda at: at.strays),
    # Nothing to compare.
    VerdictRule(_DISAGREE, "claim-shape", _met(Obstacle.CLAIM_SHAPE)),
    VerdictRule(_DISAGREE, "wrong-shape", _met(Obstacle.WRONG_SHAPE)),
    VerdictRule(_OUTSIDE, "edge", _met(Obstacle.EDGE)),
    VerdictRule(_OUTSIDE, "no-slope", _met(Obstacle.NO_SLOPE)),
    VerdictRule(_OUTSIDE, "not-finite", _met(Obstacle.NOT_FINITE)),
    VerdictRule(_OUTSIDE, "no-value", _met(Obstacle.NO_VALUE)),
    VerdictRule(_OUTSIDE, "output-not-finite", _met(Obstacle.OUTPUT_NOT_FINITE)),
    VerdictRule(_OUTSIDE, "beside-edge", _met(Obstacle.BESIDE_EDGE)),
    VerdictRule(_OUTSIDE, "steep", _met(Obstacle.STEEP)),
    VerdictRule(_UNCLEAR, "structure", _met(Obstacle.STRUCTURE)),
    VerdictRule(_UNCLEAR, "stairs", _met(Obstacle.STAIRS)),
    VerdictRule(_UNCLEAR, "scatter", _met(Obstacle.SCATTER)),
    VerdictRule(_DISAGREE, "accumulates", _met(Obstacle.ACCUMULATES)),
    VerdictRule(_UNCLEAR, "claim-scatter", _met(Obstacle.CLAIM_SCATTER)),
    VerdictRule(_UNCLEAR, "unseen", _met(Obstacle.UNSEEN)),
    VerdictRule(_UNCLEAR, "worker-lost", _met(Obstacle.WORKER_LOST)),
    VerdictRule(_UNCLEAR, "too-large", _met(Obstacle.TOO_LARGE)),
    VerdictRule(_UNCLEAR, "many-sides", _met(Obstacle.MANY_SIDES)),
    VerdictRule(_KINK, "no-gradient", _met(Obstacle.NO_GRADIENT)),
    VerdictRule(_KINK, "no-gradient-beside", _met(Obstacle.NO_GRADIENT_BESIDE)),
    VerdictRule(_UNCLEAR, "unseen-beside", _met(Obstacle.UNSEEN_BESIDE)),
    VerdictRule(_UNCLEAR, "other-gradient", _met(Obstacle.OTHER_GRADIENT)),
    VerdictRule(_UNCLEAR, "unknown-gradient", _met(Obstacle.UNKNOWN_GRADIENT)),
    # At a kink there is no one slope; a claim between those of both sides is as right as can be.
    # Of several entries together: a mixture of gradients right beside the point is one of those that a kink
    # leaves open, whatever the slopes along the axes.
    VerdictRule(
        _KINK,
        "limiting",
        _given("limiting", lambda at: (at.evidence.kink | at.off) & ~np.asarray(at.evidence.jump)),
    ),
    VerdictRule(_DISAGREE, "beyond-kinks", _given("kink", lambda at: at.evidence.contradiction)),
    VerdictRule(_KINK, "jump", _given("kink", lambda at: at.evidence.jump)),
    VerdictRule(_UNCLEAR, "unclear-kink", _given("kink", lambda at: ~np.isfinite(at.evidence.side_error))),
    VerdictRule(_KINK, "at-kink", _given("kink", lambda at: at.between)),
    VerdictRule(_DISAGREE, "conventions-at-kink", _given("kink", lambda at: at.evidence.conventional)),
    VerdictRule(_DISAGREE, "beyond-kink", lambda at: at.evidence.kink),
    # Where kinks cancel there is a slope, but choices at each of them need not compose to it.
    VerdictRule(_DISAGREE, "conventions", _given("conventional", lambda at: at.off & at.finite)),
    # One slope, and a claim.
    VerdictRule(_UNCLEAR, "wiring", _given("wiring", lambda at: at.agrees)),
    VerdictRule(_UNCLEAR, "no-digit", _has_no_digit),
    VerdictRule(_AGREE, None, _narrow_bar),
    VerdictRule(_AGREE, None, _exact_zero),
    VerdictRule(_AGREE, None, _cancelled),
    VerdictRule(_AGREE, "digits-lost", lambda at: at.formula_is_right),
    VerdictRule(_DISAGREE, "formula", _formula_is_wrong),
    VerdictRule(_DISAGREE, "claim-not-finite", lambda at: at.off & ~at.finite),
    VerdictRule(_UNCLEAR, "claim-not-finite", lambda at: ~at.finite),
    VerdictRule(_AGREE, "negligible", _negligible),
    VerdictRule(_UNCLEAR, "beyond-budget", _given("unproved", lambda at: at.off & at.evidence.beyond_budget)),
    VerdictRule(_UNCLEAR, "uncertain", _given("unproved", lambda at: at.off)),
    VerdictRule(_UNCLEAR, "rounded-formula", _given("rounded_formula", lambda at: at.off)),
    VerdictRule(_UNCLEAR, "claim-noise", _within_noise),
    VerdictRule(_DISAGREE, "differs", lambda at: at.off),
    VerdictRule(_UNCLEAR, "apart", lambda at: at.evidence.apart),
    # The bar is too wide; for want of digits that there was no budget for, or whatever the digits.
    VerdictRule(_UNCLEAR, "beyond-budget", lambda at: at.evidence.beyond_budget),
)


def _outcomes(rules: Sequence[VerdictRule]) -> tuple[NDArray[np.int8], NDArray[np.object_]]:
    """The verdicts and the codes of the rules, and last those of entries of which no rule holds."""
    verdicts = [*(rule.verdict for rule in rules), _UNCLEAR]
    codes = [*(rule.code for rule in rules), "uncertain"]
    return np.array(verdicts, dtype=np.int8), np.array(codes, dtype=object)


_OUTCOMES = _outcomes(VERDICT_RULES)


@np.errstate(all="ignore")
def verdict(
    claimed: Array | float,
    evidence: Evidence,
    detect: float = DETECT,
    rules: Sequence[VerdictRule] = VERDICT_RULES,
) -> Judgement:
    """The verdict on each claim, and the code of its reason, by the first of the `rules` that holds.

    `detect` is the smallest relative difference that must be seen: where the bar is wider than that, the
    verdict is never `agree`, but for an exact 0 where f is flat and for terms that cancel.
    """
    comparison = Comparison(claimed, evidence, detect)
    first = np.full(evidence.shape, len(rules), dtype=np.int8)
    undecided = np.ones(evidence.shape, dtype=bool)
    for i, rule in enumerate(rules):
        holds = rule.holds(comparison)
        if holds is False:  # of no entry at all, as most rules
            continue
        decided = undecided & np.asarray(holds, dtype=bool)
        if decided.any():
            np.copyto(first, i, where=decided)
            undecided &= ~decided
            if not undecided.any():
                break
    words, codes = _OUTCOMES if rules is VERDICT_RULES else _outcomes(rules)
    verdicts = np.asarray(words[first])
    certain = (verdicts == _AGREE) | (verdicts == _DISAGREE)
    certified = certain & comparison.evidence.certified & ~comparison.strays
    return Judgement(verdicts, np.asarray(codes[first], dtype=object), certified)
