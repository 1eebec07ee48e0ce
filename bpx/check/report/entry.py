"""One number of a gradient or of a rule, what is known of it and why.

Where there is no reference, it and its error bar are nan. What rounding makes of claims, references and
error bars is another on another processor, so reports bound it: error bars by `shown_bars`, differences and
digits by `noise`. A difference below that is noise: no order and no count of digits depends on it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from bpx.check.ladders.why import Asked, Source
from bpx.check.numeric.decimal_digits import above, in_digits
from bpx.check.numeric.tolerances import EPSILON, EXACTLY_KNOWN, MEASURED_BAR, OFF_A_POWER
from bpx.graph.arrays import Array
from bpx.graph.numbers import index_text
from bpx.render.plain_data import plain_value
from bpx.words.say import say

_LAST_DIGIT = 2.0**-53  # relative: half a unit in the last place of a float64 number
_SAME_ON_ALL_PROCESSORS = 6  # significant digits of what a bound is relative to; 1 may be 0.9999999999999999


def shown_bars(
    value: Array | float, error: Array | float, least: Array | float = np.nan, proved: Any = False
) -> Any:
    """Error bars as reports show them, of two digits at most; all arrays broadcast to one shape.

    Measured bars are made of rounding errors, which are up to twice as large on another processor: they are
    rounded up to a power of ten, and none is below `least` (nan: `MEASURED_BAR` of the value). Those of
    references that are `proved`, or known to one rounding, come from arithmetic that is the same everywhere.
    """
    value, error = np.asarray(value), np.asarray(error)
    with np.errstate(all="ignore"):
        stays = proved | (error <= EPSILON * np.abs(value)) | ~np.isfinite(error)
        if np.all(stays):
            return np.where(stays, _stated(error), error)
        share = MEASURED_BAR * np.abs(value)
        least = share if least is np.nan else np.where(np.isnan(least), share, least)
        # `above` takes what rounding leaves of a power of ten, as 0.9999999999999999, for that power.
        measured = above(np.fmax(error, least))
        if not np.any(stays):
            return measured
        shape = np.broadcast_shapes(measured.shape, stays.shape)
        bars, stays = np.array(np.broadcast_to(measured, shape)), np.broadcast_to(stays, shape)
        bars[stays] = _stated(np.broadcast_to(error, shape)[stays])
        return bars


def _stated(error: Array) -> Array:
    """To two digits a number is rounded by at most a twentieth of it: the bar stays one."""
    return in_digits(1.06 * error, 2)


def noise(reference: Array | float, error: Array | float, verdicts: Any) -> Any:
    """Below this, differences are noise: the error bar, or what rounding may make of a claim that agrees.

    Where the reference is exact, nothing is.
    """
    rounding = np.fmax(error, above(EXACTLY_KNOWN * np.abs(reference)))
    exact = (np.asarray(error) == 0) | (np.asarray(verdicts) == Verdict.DISAGREE)
    return np.where(exact | ~np.isfinite(reference), error, rounding)


class Verdict(IntEnum):
    """What is known of one entry, the worst first."""

    DISAGREE = 0
    KINK = 1
    OUTSIDE_DOMAIN = 2
    CANNOT_TELL = 3
    AGREE = 4

    @property
    def word(self) -> str:
        """The verdict as the JSON contract has it."""
        return self.name.lower().replace("_", " ")

    @property
    def text(self) -> str:
        """The verdict as people read it."""
        return verdict_text(self.word)


def verdict_text(word: str) -> str:
    """The verdict of this word of the JSON contract, as people read it."""
    return say(f"verdict.{word.replace(' ', '-')}")


_BUDGETS = {"beyond-budget": ("operations", "budget"), "unseen": ("calls", "calls")}  # code → unit, fact


class Reason(NamedTuple):
    """Why an entry has its verdict: a code and the facts of its sentence, `say("reason.CODE")`."""

    code: str
    facts: Mapping[str, Any] = {}

    @property
    def text(self) -> str:
        """The sentence."""
        return say(f"reason.{self.code}", **self.facts)

    @property
    def budget(self) -> dict[str, int] | None:
        """The budget that was used up, by its unit: operations or calls; None for other reasons."""
        if self.code not in _BUDGETS:
            return None
        unit, fact = _BUDGETS[self.code]
        return {unit: self.facts[fact]}


@dataclass(frozen=True, slots=True)
class Entry:
    """One number of one gradient: what is claimed, what it should be, and how sure that is.

    `error` is the error bar of `reference` (nan where there is no reference); `between` are the
    one-sided slopes at a kink; `enclosure` are two numbers that the derivative is proved to lie
    between, where that decides the verdict; `by` names, for second derivatives, the entry derived by;
    `output` is the index of the element of the output that it is the derivative of, where there are several;
    `own` says that nobody claimed it, so that it is bpx's own; `exact`, that the reference was taken in many
    digits.
    """

    input: str
    index: tuple[int, ...]
    claimed: float
    reference: float
    error: float
    verdict: Verdict
    reason: Reason | None = None
    between: tuple[float, float] | None = None
    enclosure: tuple[float, float] | None = None
    by: str | None = None
    point: int = 0
    output: tuple[int, ...] | None = None
    own: bool = False
    exact: bool = False

    @property
    def difference(self) -> float:
        """How far the claim is from the reference."""
        return abs(self.claimed - self.reference)

    @property
    def is_noise(self) -> bool:
        """Is the difference so small that its digits mean nothing?"""
        return self.difference <= self.noise

    @property
    def noise(self) -> float:
        """Below this, the difference means nothing."""
        return float(noise(self.reference, self.error, self.verdict))

    @property
    def relative(self) -> float:
        """The difference in units of the larger of the two; 0 where it is noise."""
        numbers = np.array([self.claimed, self.reference, self.error])
        return float(relative_differences(numbers[0], numbers[1], numbers[2]))

    @property
    def digits(self) -> float:
        """Decimal digits to which claim and reference are known to agree; infinite where to the last one.

        `noise` limits them. Two numbers that are 0 as far as the error bar tells agree to the last digit.
        """
        claimed, reference, error = np.array([self.claimed, self.reference, self.error])
        return float(digits_agreed(claimed, reference, error, np.asarray(self.verdict)))

    @property
    def label(self) -> str:
        """The entry as people write it: `w[0, 2]`."""
        return self.input + index_text(self.index)

    def asked(self, output: str, function: str, moved: str, detect: float, source: Source) -> Asked:
        """What its ladder needs to know; `source` is where the reference is from, if no better is known."""
        return Asked(
            self.label if self.by is None else second_name(output, self.label, self.by),
            function,
            moved,
            self.claimed,
            self.reference,
            self.error,
            self.verdict.word,
            self.reason.text if self.reason else None,
            Source.PROOF if self.enclosure else Source.MANY_DIGITS if self.exact else source,
            detect,
            self.enclosure,
            self.between,
            self.point,
        )

    @property
    def written(self) -> tuple[float, float]:
        """Claim and reference as all forms have them: what is shown is rounded from what the JSON has."""
        return _without_noise(self), _to_place_of(self.error, self.reference)

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        claimed, reference = self.written
        plain: dict[str, Any] = {
            "input": self.input,
            "index": list(self.index),
            "claimed": plain_value(claimed),
            "reference": _known(reference),
            "error": _known(self.error),
            "difference": _known(self.noise if self.is_noise else float(f"{self.difference:.6g}")),
            "digits": plain_value(round(self.digits, 2)),
            "verdict": self.verdict.word,
            "reason": self.reason.text if self.reason else None,
            "code": self.reason.code if self.reason else None,
            "certified": self.enclosure is not None,
        }
        if self.reason and self.reason.budget:
            plain["budget"] = self.reason.budget
        if self.enclosure:
            plain["enclosure"] = [plain_value(end) for end in self.enclosure]
        if self.between:
            plain["between"] = [plain_value(slope) for slope in self.between]
        if self.by:
            plain["by"] = self.by
        if self.output is not None:
            plain["output"] = list(self.output)
        if self.own:
            plain["own"] = True
        return {**plain, "point": self.point} if self.point else plain


class LocalRow(NamedTuple):
    """One arg of one node: the rule's local derivative against differences of the op's own forward.

    For an array the numbers are those of the worst element; ops without a local derivative (matmul,
    sum, …) are judged by what they hand back to the arg for a random upstream gradient. `between` are
    the one-sided slopes at a kink.
    """

    node: str
    op: str
    arg: str
    claimed: float
    reference: float
    error: float
    verdict: Verdict
    reason: Reason | None = None
    between: tuple[float, float] | None = None

    @property
    def written(self) -> tuple[float, float]:
        """As of entries; the args of the node have been rounded, and so has the exact derivative there."""
        below = float(noise(self.reference, self.error, Verdict.AGREE))
        reference = 0.0 if abs(self.reference) < below else _to_place_of(below, self.reference)
        return _without_noise(self), reference

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        claimed, reference = self.written
        plain: dict[str, Any] = {
            "node": self.node,
            "op": self.op,
            "arg": self.arg,
            "claimed": plain_value(claimed),
            "reference": _known(reference),
            "error": _known(self.error),
            "verdict": self.verdict.word,
            "reason": self.reason.text if self.reason else None,
        }
        if self.between:
            plain["between"] = [plain_value(slope) for slope in self.between]
        return plain


def second_name(output: str, name: str, by: str) -> str:
    """`∂²L/∂x∂w[0]` for the entry or input `name` of the gradient of `by`, which is `∂L/∂x`."""
    first = by.removeprefix(f"∂{output}/∂")
    first = f"({first})" if " " in first else first
    return f"∂²{output}/∂{name}²" if first == name else f"∂²{output}/∂{first}∂{name}"


def rank(entry: Entry) -> tuple[int, float, float]:
    """What entries are sorted by, the worst first: the verdict, the relative difference, the difference."""
    return ranks([entry])[0]


def ranks(entries: Sequence[Entry]) -> list[tuple[int, float, float]]:
    """The rank of each of many entries, at once."""
    numbers = np.array([(entry.claimed, entry.reference, entry.error) for entry in entries]).reshape(-1, 3)
    relative, difference = ranked_differences(*numbers.T)
    verdicts = (entry.verdict for entry in entries)
    return list(zip(verdicts, relative.tolist(), difference.tolist(), strict=True))


def ranked_differences(claimed: Array, reference: Array, error: Array) -> tuple[Array, Array]:
    """The relative and the absolute differences, negative so that the worst comes first, in three digits.

    All entries with a wrong sign are off by the same factor, but for rounding: with all digits, rounding,
    which is another on another processor, would put them in order.
    """
    relative = relative_differences(claimed, reference, error)
    difference = np.where(relative == 0, 0.0, np.abs(claimed - reference))  # noise
    return -_ranked(relative), -_ranked(difference)


def _ranked(numbers: Array) -> Array:
    """In three digits; nan, the worst there is, becomes infinite."""
    return np.where(np.isnan(numbers), np.inf, in_digits(numbers, 3))


def relative_differences(claimed: Array, reference: Array, error: Array) -> Array:
    """|claimed - reference| over the larger of both; 0 where the difference is noise.

    So the order of the entries, worst first, does not depend on noise.
    """
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(claimed), np.abs(reference))
        difference = np.abs(claimed - reference)
        within = np.asarray(difference <= error)
        if within.all():  # what noise is reaches at least as far
            return np.zeros(within.shape)
        relative = difference / scale
    is_noise = difference <= noise(reference, error, Verdict.AGREE)
    return np.where(is_noise | (scale <= error), 0.0, relative)


def worst_entry(claimed: Array, reference: Array, error: Array, verdicts: Any) -> int:
    """The flat index of the worst entry, the first in the order of `rank`; there is at least one entry."""
    numbers = [np.ravel(field) for field in (claimed, reference, error)]
    candidates = np.flatnonzero(np.ravel(verdicts) == np.min(verdicts))
    claimed, reference, error = (field[candidates] for field in numbers)
    with np.errstate(all="ignore"):
        odd = np.flatnonzero(~(np.abs(claimed - reference) <= error))  # all others are noise for certain
    if not odd.size:
        return int(candidates[0])
    relative, difference = ranked_differences(claimed[odd], reference[odd], error[odd])
    worst = np.lexsort((difference, relative))[0]
    return int(candidates[odd[worst] if relative[worst] else 0])


def digits_agreed(claimed: Array, reference: Array, error: Array, verdicts: Any) -> Array:
    """Decimal digits known to agree, `Entry.digits`; all arrays have one shape."""
    with np.errstate(all="ignore"):
        scale = np.maximum(np.abs(claimed), np.abs(reference))
        difference = np.abs(claimed - reference)
        bound = np.maximum(difference, noise(reference, error, verdicts))
        relative = bound / in_digits(scale, _SAME_ON_ALL_PROCESSORS)
        counted = np.round(-np.log10(relative), 9)  # not 11.999… of a power of ten
        digits = np.where(relative < _LAST_DIGIT, np.inf, np.maximum(0.0, counted))
    both_zero = (scale <= error) | (scale == 0)
    of_zero = np.where((verdicts == Verdict.AGREE) | (difference == 0), np.inf, 0.0)
    return np.nan_to_num(np.where(both_zero & ~np.isnan(difference), of_zero, digits), posinf=np.inf)


def _without_noise(row: Entry | LocalRow) -> float:
    """What is claimed; where it agrees, to the digits that are the same on every processor."""
    below = float(noise(row.reference, row.error, row.verdict))
    agrees = row.verdict is Verdict.AGREE and abs(row.claimed - row.reference) <= below
    return _to_place_of(below, row.claimed) if agrees else row.claimed


def _to_place_of(error: float, number: float) -> float:
    """A number rounded to the first digit of an error; one that is smaller than the error stays."""
    if not 0 < error < abs(number) < math.inf:
        return number
    return round(number, -math.floor(math.log10(error) + OFF_A_POWER))


def _known(number: float) -> Any:
    """A number as JSON has it; null where there is none."""
    return None if math.isnan(number) else plain_value(number)
