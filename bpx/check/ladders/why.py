"""Why an entry has its verdict: the difference quotients at every step, beside what is claimed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from bpx.check.ladders.whole_ladder import WholeLadder, whole_ladder
from bpx.check.numeric.differences import DerivativeStatus
from bpx.check.numeric.ladder import Function
from bpx.check.numeric.tolerances import SAFETY_FACTOR, STEP_RATIO, UNIT_ROUNDOFF
from bpx.graph.arrays import Array, Flags, Indices
from bpx.render.plain_data import plain_value


class Source(StrEnum):
    """Where the reference of an entry comes from."""

    PROOF = "proof"  # an enclosure by interval arithmetic
    MANY_DIGITS = "many-digits"  # one-sided quotients of numbers of many digits
    CHAIN_RULE = "chain-rule"  # the derivatives of all steps, each by differences, put together
    DIFFERENCES = "differences"  # the ladder itself
    TOGETHER = "together"  # random directions, which move this entry with others


class Note(StrEnum):
    """What there is to say of one step."""

    CURVATURE = "curvature"  # too long: f bends on the way
    PLATEAU = "plateau"  # as close to the slope as the check needs
    ROUNDING = "rounding"  # too short: rounding of f counts
    KINK = "kink"  # over a kink or a jump, so that it is not used
    UNDEFINED = "undefined"  # f has no finite value there
    BEYOND = "beyond"  # longer than a step that cannot be used
    NONE = ""


class Rung(NamedTuple):
    """One step of the ladder: the values of f, the quotients, and how far off the central one may be."""

    step: float
    above: float  # f(x + step), whether or not it may be used
    below: float  # f(x - step)
    central: float  # (above - below) / (2 step); nan where it may not be used
    right: float  # (above - f(x)) / step
    left: float  # (f(x) - below) / step
    rounding: float  # what rounding of f may do to the central quotient
    error: float  # that, or how far the next quotient is from this one
    used: bool  # does the slope rest on it?
    note: Note

    def to_dict(self) -> dict[str, Any]:
        """Plain data; null for what is not known."""
        numbers = {name: _known(value) for name, value in self._asdict().items() if isinstance(value, float)}
        return {**numbers, "used": self.used, "note": self.note.value or None}


class Asked(NamedTuple):
    """The entry of a report that is asked about, in its numbers; `detect` is the error that must be seen.

    `function` is the name of the f whose quotients are taken, `moved` that of the number that changes. Where
    f is a mixture of the elements of an output, `element` is the name of the entry for one of them.
    """

    label: str
    function: str
    moved: str
    claimed: float
    reference: float
    error: float
    verdict: str
    reason: str | None
    source: Source
    detect: float
    enclosure: tuple[float, float] | None = None
    between: tuple[float, float] | None = None
    point: int = 0
    element: str = ""


@dataclass(frozen=True)
class Why:
    """The ladder of one entry. `values` are all values of f that were met, by where."""

    asked: Asked
    ladder: WholeLadder
    values: dict[float, float]

    @classmethod
    def of(cls, asked: Asked, function: Function, x: float, **settings: Any) -> Why:
        """The ladder of a function of one variable at x; for the settings see `whole_ladder`."""
        values: dict[float, float] = {}

        def watched(points: Array, columns: Indices) -> tuple[Array, Flags]:
            found, usable = function(points, columns)
            values.update(zip(points.ravel().tolist(), np.ravel(found).tolist(), strict=True))
            return found, usable

        return cls(asked, whole_ladder(watched, x, **settings), values)

    @property
    def status(self) -> str:
        """Whether there is a slope, `ok`, or what keeps the ladder from one."""
        return self.ladder.status.name.lower().replace("_", "-")

    @property
    def has_slope(self) -> bool:
        """Do the central quotients lead to a slope?"""
        return self.ladder.status is DerivativeStatus.OK and math.isfinite(self.ladder.value)

    @property
    def two_sided(self) -> bool:
        """Is it the slopes of both sides that matter, for they may differ, or f ends at x?"""
        is_kink = self.asked.between is not None or self.ladder.status is DerivativeStatus.KINK
        return is_kink or not self.has_central

    @property
    def has_central(self) -> bool:
        """May steps be used that go to both sides?"""
        return bool(np.isfinite(_central(self.ladder)).any())

    @property
    def is_too_fine(self) -> bool:
        """Is the slope smaller than what differences of float64 can show, but not 0?"""
        return self.has_slope and 0 < abs(self.asked.reference) <= self.ladder.error

    @property
    def differs(self) -> bool:
        """Do ladder and reference differ by more than both error bars allow?"""
        gap = abs(self.ladder.value - self.asked.reference)
        return self.has_slope and gap > SAFETY_FACTOR * (self.ladder.error + self.asked.error)

    @cached_property
    def rungs(self) -> list[Rung]:
        """All steps, the largest first."""
        ladder, central = self.ladder, _central(self.ladder)
        next_one = np.append(central[1:], np.nan)
        rounding = ladder.rounding / (2 * ladder.steps)
        # The truncation error falls to a sixteenth from step to step: the next quotient has next to none.
        share = STEP_RATIO**2 / (STEP_RATIO**2 - 1)
        error = np.fmax(rounding, share * np.abs(central - next_one))
        used = (ladder.steps <= ladder.largest) & (ladder.steps >= ladder.smallest) & np.isfinite(central)
        notes = list(self._notes(central, rounding))
        return [
            Rung(
                step,
                *self._quotients(step, float(central[i])),
                float(rounding[i]),
                float(error[i]),
                bool(used[i]) and self.has_slope,
                notes[i],
            )
            for i, step in enumerate(ladder.steps.tolist())
        ]

    def _quotients(self, step: float, central: float) -> tuple[float, float, float, float, float]:
        """f above and below; the central quotient and those of both sides."""
        x, middle = self.ladder.x, self.ladder.middle
        above, below = self.values.get(x + step, math.nan), self.values.get(x - step, math.nan)
        return above, below, central, (above - middle) / step, (middle - below) / step

    def _notes(self, central: Array, rounding: Array) -> Iterator[Note]:
        plateau = self.plateau
        for i, step in enumerate(self.ladder.steps.tolist()):
            above, below, *_ = self._quotients(step, math.nan)
            if not (math.isfinite(above) and math.isfinite(below)):
                yield Note.UNDEFINED
            elif math.isnan(self.ladder.above[i]) or math.isnan(self.ladder.below[i]):
                yield Note.KINK
            elif math.isnan(central[i]):
                yield Note.BEYOND
            elif not self.has_slope:
                yield Note.NONE
            elif plateau is None:
                off = abs(central[i] - self.ladder.value)
                yield Note.ROUNDING if off <= SAFETY_FACTOR * rounding[i] else Note.CURVATURE
            elif plateau[0] <= i <= plateau[1]:
                yield Note.PLATEAU
            else:
                yield Note.CURVATURE if i < plateau[0] else Note.ROUNDING

    @cached_property
    def plateau(self) -> tuple[int, int] | None:
        """The first and the last of the longest row of steps at which the quotient is the slope.

        As closely as the check needs: to the smallest relative error that must be seen.
        """
        if not self.has_slope or self.is_too_fine:
            return None
        ladder = self.ladder
        room = max(self.asked.detect * abs(ladder.value), SAFETY_FACTOR * ladder.error)
        with np.errstate(all="ignore"):
            within = np.abs(_central(ladder) - ladder.value) <= room
        edges = np.flatnonzero(np.diff(np.concatenate([[False], within, [False]]).astype(int)))
        rows = edges.reshape(-1, 2)
        if not len(rows):
            return None
        start, end = rows[np.argmax(rows[:, 1] - rows[:, 0])].tolist()
        return start, end - 1

    @property
    def by_hand(self) -> Rung | None:
        """The step to be worked out by hand: the longest on the plateau, which needs the fewest digits."""
        rungs = self.rungs
        if self.two_sided:
            return next((one for one in rungs if math.isfinite(one.right) and math.isfinite(one.left)), None)
        if self.plateau:
            return rungs[self.plateau[0]]
        return next((rung for rung in rungs if math.isfinite(rung.central)), None)

    def distances(self) -> list[tuple[float, float]]:
        """Steps, and how far their quotients are from the reference, but for less than a rounding of it."""
        reference = self.asked.reference
        least = max(UNIT_ROUNDOFF * abs(reference), 1e-300)
        return [
            (rung.step, max(abs(rung.central - reference), least))
            for rung in self.rungs
            if math.isfinite(rung.central) and math.isfinite(reference)
        ]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, version 1 of the JSON contract."""
        asked, ladder, rungs = self.asked, self.ladder, self.rungs
        steps = [rungs[i].step for i in self.plateau] if self.plateau else None
        return {
            "entry": asked.label,
            "function": asked.function,
            "moved": asked.moved,
            "point": asked.point,
            "verdict": asked.verdict,
            "reason": asked.reason,
            "claimed": plain_value(asked.claimed),
            "reference": _known(asked.reference),
            "error": _known(asked.error),
            "source": asked.source.value,
            "enclosure": None if asked.enclosure is None else [plain_value(end) for end in asked.enclosure],
            "between": None if asked.between is None else [plain_value(slope) for slope in asked.between],
            "x": plain_value(ladder.x),
            "value_at": _known(ladder.middle),
            "status": self.status,
            "ladder": {"value": _known(ladder.value), "error": _known(ladder.error), "plateau": steps},
            "steps": [rung.to_dict() for rung in rungs],
        }


def _central(ladder: WholeLadder) -> Array:
    """The central quotients (K,); nan at all steps larger than an unusable one, which are not used."""
    quotients = (ladder.above - ladder.below) / (2 * ladder.steps)
    unusable = np.isnan(quotients)
    beyond = np.logical_or.accumulate(unusable[::-1])[::-1]
    return np.asarray(np.where(beyond, np.nan, quotients))


def _known(number: float) -> Any:
    """A number as JSON has it; null where there is none."""
    return None if math.isnan(number) or math.isinf(number) else plain_value(number)
