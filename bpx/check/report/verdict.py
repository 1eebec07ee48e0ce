"""Claims and their evidence → verdicts and the codes of their reasons: the only place that decides.

The rules stand in order, and the first that holds of an entry decides it. Where none does, the error
bar is too wide: `cannot tell`, `uncertain`. All arrays broadcast to the shape of the evidence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.numeric.tolerances import (
    CLAIM_NOISE_MARGIN,
    DETECT,
    NEGLIGIBLE,
    NOTHING_IN_USE,
    RIGHT_FORMULA,
    SAFETY_FACTOR,
    SLACK,
    UNIT_ROUNDOFF,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle, is_nowhere
from bpx.graph.arrays import Array, Flags, of_shape

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Judgement(NamedTuple):
    """A `Verdict` for each entry, and the code of its reason; None where the entry simply agrees.

    `certified` are those that a proved enclosure of the derivative decides, `plain` those that simply agree.
    """

    verdicts: NDArray[np.int8]
    codes: NDArray[np.object_]
    certified: Flags
    plain: Flags


class Comparison:
    """Claims beside their evidence: what the rules compare."""

    def __init__(self, claimed: Array | float, evidence: Evidence, detect: float) -> None:
        self.claimed: Array = of_shape(np.asarray(claimed, dtype=float), evidence.shape)
        self.evidence, self.detect = evidence, detect
        self.slack = max(SLACK * detect, 8 * UNIT_ROUNDOFF)  # relative

    @cached_property
    def near(self) -> Array:
        """The claim, moved towards the reference as far as its last written digit lets it."""
        tolerance, claimed = self.evidence.tolerance, self.claimed
        if is_nowhere(tolerance):
            return claimed
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
        if is_nowhere(self.evidence.rule_gap):
            return np.zeros((), dtype=bool)
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
    """Where `holds`, the entry has this verdict, for the reason of this code.

    If it `needs` a field of the evidence, that holds of no entry of which the field is 0 or False.
    """

    verdict: Verdict
    code: str | None
    holds: Callable[[Comparison], Any]
    needs: str | None = None


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
    is_short = (tolerance > 0) & (np.abs(comparison.claimed) <= tolerance)
    return comparison.fits & is_short & (np.abs(comparison.evidence.value) > comparison.bar)


def _met(obstacle: Obstacle) -> Callable[[Comparison], Any]:
    number = int(obstacle)
    return lambda at: at.evidence.obstacle == number


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
    noise = CLAIM_NOISE_MARGIN * np.asarray(comparison.evidence.claim_noise)
    return comparison.off & comparison.finite & (comparison.gap <= noise + comparison.bar)


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
        "rule_gap",
    ),
    VerdictRule(_DISAGREE, "differs", lambda at: at.strays, "rule_gap"),
    # Nothing to compare.
    VerdictRule(_DISAGREE, "claim-shape", _met(Obstacle.CLAIM_SHAPE), "obstacle"),
    VerdictRule(_DISAGREE, "wrong-shape", _met(Obstacle.WRONG_SHAPE), "obstacle"),
    VerdictRule(_OUTSIDE, "edge", _met(Obstacle.EDGE), "obstacle"),
    VerdictRule(_OUTSIDE, "no-slope", _met(Obstacle.NO_SLOPE), "obstacle"),
    VerdictRule(_OUTSIDE, "not-finite", _met(Obstacle.NOT_FINITE), "obstacle"),
    VerdictRule(_OUTSIDE, "no-value", _met(Obstacle.NO_VALUE), "obstacle"),
    VerdictRule(_OUTSIDE, "output-not-finite", _met(Obstacle.OUTPUT_NOT_FINITE), "obstacle"),
    VerdictRule(_OUTSIDE, "beside-edge", _met(Obstacle.BESIDE_EDGE), "obstacle"),
    VerdictRule(_OUTSIDE, "steep", _met(Obstacle.STEEP), "obstacle"),
    VerdictRule(_UNCLEAR, "structure", _met(Obstacle.STRUCTURE), "obstacle"),
    VerdictRule(_UNCLEAR, "stairs", _met(Obstacle.STAIRS), "obstacle"),
    VerdictRule(_UNCLEAR, "scatter", _met(Obstacle.SCATTER), "obstacle"),
    VerdictRule(_DISAGREE, "accumulates", _met(Obstacle.ACCUMULATES), "obstacle"),
    VerdictRule(_UNCLEAR, "claim-scatter", _met(Obstacle.CLAIM_SCATTER), "obstacle"),
    VerdictRule(_UNCLEAR, "unseen", _met(Obstacle.UNSEEN), "obstacle"),
    VerdictRule(_UNCLEAR, "worker-lost", _met(Obstacle.WORKER_LOST), "obstacle"),
    VerdictRule(_UNCLEAR, "too-large", _met(Obstacle.TOO_LARGE), "obstacle"),
    VerdictRule(_UNCLEAR, "many-sides", _met(Obstacle.MANY_SIDES), "obstacle"),
    VerdictRule(_KINK, "no-gradient", _met(Obstacle.NO_GRADIENT), "obstacle"),
    VerdictRule(_KINK, "no-gradient-beside", _met(Obstacle.NO_GRADIENT_BESIDE), "obstacle"),
    VerdictRule(_UNCLEAR, "unseen-beside", _met(Obstacle.UNSEEN_BESIDE), "obstacle"),
    VerdictRule(_UNCLEAR, "other-gradient", _met(Obstacle.OTHER_GRADIENT), "obstacle"),
    VerdictRule(_UNCLEAR, "unknown-gradient", _met(Obstacle.UNKNOWN_GRADIENT), "obstacle"),
    # At a kink there is no one slope; a claim between those of both sides is as right as can be.
    # Of several entries together: a mixture of gradients right beside the point is one of those that a kink
    # leaves open, whatever the slopes along the axes.
    VerdictRule(
        _KINK,
        "limiting",
        lambda at: (at.evidence.kink | at.off) & ~np.asarray(at.evidence.jump),
        "limiting",
    ),
    VerdictRule(_DISAGREE, "beyond-kinks", lambda at: at.evidence.contradiction, "kink"),
    VerdictRule(_KINK, "jump", lambda at: at.evidence.jump, "kink"),
    VerdictRule(_UNCLEAR, "unclear-kink", lambda at: ~np.isfinite(at.evidence.side_error), "kink"),
    VerdictRule(_KINK, "at-kink", lambda at: at.between, "kink"),
    VerdictRule(_DISAGREE, "conventions-at-kink", lambda at: at.evidence.conventional, "kink"),
    VerdictRule(_DISAGREE, "beyond-kink", lambda at: at.evidence.kink, "kink"),
    # Where kinks cancel there is a slope, but choices at each of them need not compose to it.
    VerdictRule(_DISAGREE, "conventions", lambda at: at.off & at.finite, "conventional"),
    # One slope, and a claim.
    VerdictRule(_UNCLEAR, "wiring", lambda at: at.agrees, "wiring"),
    VerdictRule(_UNCLEAR, "no-digit", _has_no_digit, "tolerance"),
    VerdictRule(_AGREE, None, _narrow_bar),
    VerdictRule(_AGREE, None, _exact_zero),
    VerdictRule(_AGREE, None, _cancelled),
    VerdictRule(_AGREE, "digits-lost", lambda at: at.formula_is_right),
    VerdictRule(_DISAGREE, "formula", _formula_is_wrong),
    VerdictRule(_DISAGREE, "claim-not-finite", lambda at: at.off & ~at.finite),
    VerdictRule(_UNCLEAR, "claim-not-finite", lambda at: ~at.finite),
    VerdictRule(_AGREE, "negligible", _negligible),
    VerdictRule(_UNCLEAR, "beyond-budget", lambda at: at.off & at.evidence.beyond_budget, "unproved"),
    VerdictRule(_UNCLEAR, "uncertain", lambda at: at.off, "unproved"),
    VerdictRule(_UNCLEAR, "rounded-formula", lambda at: at.off, "rounded_formula"),
    VerdictRule(_UNCLEAR, "claim-noise", _within_noise),
    VerdictRule(_DISAGREE, "differs", lambda at: at.off),
    VerdictRule(_UNCLEAR, "apart", lambda at: at.evidence.apart, "apart"),
    # The bar is too wide; for want of digits that there was no budget for, or whatever the digits.
    VerdictRule(_UNCLEAR, "beyond-budget", lambda at: at.evidence.beyond_budget, "beyond_budget"),
)

_NEEDED = {rule.needs for rule in VERDICT_RULES if rule.needs}


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
    somewhere = {name for name in _NEEDED & vars(evidence).keys() if not is_nowhere(getattr(evidence, name))}
    for i, rule in enumerate(rules):
        if rule.needs and rule.needs not in somewhere:  # as of most rules
            continue
        decides = undecided & rule.holds(comparison)
        if rule.needs:
            decides &= np.asarray(getattr(evidence, rule.needs), dtype=bool)
        if decides.all():  # as of most arrays: one outcome is that of all entries
            return _same_for_all(rule, comparison)
        np.copyto(first, i, where=decides)
        undecided &= ~decides
        if not undecided.any():  # the later rules need not be looked at
            break
    verdicts, codes, simple = _outcomes(tuple(rules))
    chosen = np.asarray(verdicts[first])
    decided = (chosen == _AGREE) | (chosen == _DISAGREE)
    certified = decided & comparison.evidence.certified & ~comparison.strays
    return Judgement(chosen, np.asarray(codes[first], dtype=object), certified, np.asarray(simple[first]))


def _same_for_all(rule: VerdictRule, comparison: Comparison) -> Judgement:
    """The judgement where this rule decides every entry; one code stands for those of all."""
    evidence, certified = comparison.evidence, np.zeros(comparison.evidence.shape, dtype=bool)
    if rule.verdict in (_AGREE, _DISAGREE) and not is_nowhere(evidence.certified):
        certified |= evidence.certified & ~comparison.strays
    return Judgement(
        np.full(certified.shape, int(rule.verdict), dtype=np.int8),
        np.broadcast_to(np.array(rule.code, dtype=object), certified.shape),
        certified,
        np.full(certified.shape, rule.code is None),
    )


@lru_cache(maxsize=64)
def _outcomes(rules: tuple[VerdictRule, ...]) -> tuple[NDArray[np.int8], NDArray[np.object_], Flags]:
    """The verdicts and the codes of the rules, and those of entries that no rule decides; which have none."""
    verdicts = np.array([*(rule.verdict for rule in rules), Verdict.CANNOT_TELL], dtype=np.int8)
    codes = np.array([*(rule.code for rule in rules), "uncertain"], dtype=object)
    return verdicts, codes, ~codes.astype(bool)
