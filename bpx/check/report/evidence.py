"""What is known of the entries of one gradient: arrays of one shape that sources fill in, step by step.

A source (differences, one-sided slopes, numbers of many digits, the formula of the claim) adds what it
measured and never says what follows from it: that is for `bpx.check.report.verdict` alone. Fields that no
source has filled hold what is harmless: no bar is wider, no rule of the verdict holds because of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import IntEnum
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import ENTRIES_AT_ONCE, EPSILON, SAFETY_FACTOR
from bpx.check.report.entry import shown_bars
from bpx.graph.arrays import Array, any_nonzero

Field = Any  # an array of the entries' shape, or one number that holds for all of them


class Obstacle(IntEnum):
    """Why there is nothing to compare a claim with. The name in lower case is the code of the reason."""

    NONE = 0
    EDGE = 1  # a node stands at the edge of its domain
    NO_SLOPE = 2  # the differences of some node give no finite slope
    NOT_FINITE = 3  # the gradient itself is not finite
    NO_VALUE = 4  # the values of the forward pass are not finite
    OUTPUT_NOT_FINITE = 5  # the value of a black box is not
    BESIDE_EDGE = 6  # a black box is not finite, or fails, next to the point
    STEEP = 7  # the slopes of a black box grow without bound
    STRUCTURE = 8  # it has features finer than rounding lets any step be
    SCATTER = 9  # it is not deterministic
    UNSEEN = 10  # the budget did not reach so far
    TOO_LARGE = 11  # the Jacobian has too many entries
    CLAIM_SHAPE = 12  # a claim has another shape than its input
    WRONG_SHAPE = 13  # a rule returns another shape than its arg has
    STAIRS = 14  # a black box changes in steps, be they a rounding or meant
    CLAIM_SCATTER = 15  # the claim on a black box is not the same when it is asked for again
    ACCUMULATES = 16  # each call adds to what an earlier one left in the claim
    NO_GRADIENT = 17  # of a second derivative: there is no first one, at a kink
    MANY_SIDES = 18  # a claim at a kink of a black box fits none of the sides met, which may not be all
    NO_GRADIENT_BESIDE = 19  # of a second derivative: there is no first one right beside the point
    UNSEEN_BESIDE = 20  # of a second derivative: whether there is one was not looked at
    OTHER_GRADIENT = 21  # of a second derivative: what the rules give for the first one, at kinks, is not it
    WORKER_LOST = 22  # the worker that was to compute this died, twice
    UNKNOWN_GRADIENT = 23  # of a second derivative: whether there is a first one is not known

    @property
    def code(self) -> str:
        """The code of the reason."""
        return self.name.lower().replace("_", "-")


@dataclass(eq=False)
class Evidence:
    """All that was measured of the entries of one gradient, in units of that gradient."""

    value: Array  # the reference; nan where there is none
    error: Array  # its error bar
    hidden: Field = 0.0  # the part of that which no difference shows: rounding that is bounded by itself
    widest: Field = np.nan  # how far off it is for certain; nan: the error times the safety factor
    least_bar: Field = np.nan  # no error bar is shown smaller; nan: a share of the value

    # How far rounding and the smallest difference that matters reach.
    scale: Field = 0.0  # the slopes met around, or the terms that the entry is the sum of
    rest: Field = 0.0  # how much rounding may leave of an entry whose terms cancel
    flat: Field = False  # f does not change by a bit
    apart: Field = False  # the slopes of both sides do not approach each other, so far as the bar
    array_scale: Field = 0.0  # the largest entry of the array, against which entries may be next to nothing
    obstacle: Field = Obstacle.NONE

    # At a kink: the slopes to either side.
    kink: Field = False  # no single slope; `low` and `high` are those to the sides
    low: Field = np.nan
    high: Field = np.nan
    side_error: Field = 0.0  # the error bar of both
    jump: Field = False  # the value itself breaks
    conventional: Field = False  # bpx's own, by its choices at each kink on the way
    contradiction: Field = False  # the claims at kinks, taken together, fit no side
    limiting: Field = False  # together they are a mixture of gradients right beside the point

    # A proof: the derivative lies from `lowest` to `highest`.
    certified: Field = False
    lowest: Field = np.nan
    highest: Field = np.nan

    exact: Field = False  # the reference was taken in many digits

    # The claim as it was made.
    tolerance: Field = 0.0  # how far off its last written digit lets it be
    claim_noise: Field = 0.0  # how far it moves when its inputs move by a rounding error
    formula_gap: Field = np.nan  # relative: how far its formula is off in many digits; nan: not known
    formula_error: Field = 0.0  # relative: the error bar of that
    beyond_budget: Field = False  # a look in many digits would have cost more than it may
    unproved: Field = False  # differs, but too large for many digits, and no rule by itself is wrong
    rounded_formula: Field = False  # the number that float64 makes of a right formula, which loses its digits
    rule_gap: Field = 0.0  # how far a number in use is from what the rules give at the same values
    rule_scale: Field = np.inf  # the terms of what the rules give

    # The whole graph.
    wiring: Field = False  # differences of the output contradict how the rules were put together

    facts: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # of the sentences, by code
    variants: dict[str, str] = field(default_factory=dict)  # code → the code of a more fitting sentence

    @classmethod
    def of(cls, value: Any, error: Any, **measured: Field) -> Evidence:
        """A reference and its error bar, which broadcast to the shape of the value."""
        value = np.array(value, dtype=float)
        bar = np.empty(value.shape)
        bar[...] = error
        return cls._holding({"value": value, "error": bar, "facts": {}, "variants": {}, **measured})

    @classmethod
    def nothing(cls, shape: tuple[int, ...], **measured: Field) -> Evidence:
        """No reference at all."""
        return cls.of(np.full(shape, np.nan), np.nan, **measured)

    @classmethod
    def _holding(cls, measured: dict[str, Any]) -> Evidence:
        """Evidence of these fields alone; all others stay those of the class, so that nobody copies them."""
        evidence = cls.__new__(cls)
        evidence.__dict__.update(measured)
        return evidence

    @property
    def bar(self) -> Array:
        """How far off the reference may be for certain."""
        by_error = SAFETY_FACTOR * self.error
        # Most evidence has no field for it.
        return by_error if self.widest is np.nan else np.where(np.isnan(self.widest), by_error, self.widest)

    @property
    def shown_bars(self) -> Array:
        """The error bars as reports show them: of what is proved, one rounding and the width of the proof."""
        if self.value.size > ENTRIES_AT_ONCE:
            starts = range(0, self.value.size, ENTRIES_AT_ONCE)
            parts = [self.part(slice(start, start + ENTRIES_AT_ONCE)).shown_bars for start in starts]
            return np.concatenate(parts).reshape(self.shape)
        if is_nowhere(self.certified):
            return np.asarray(shown_bars(self.value, self.error, self.least_bar))
        proved = EPSILON * np.abs(self.value) + (self.highest - self.lowest)
        error = np.where(self.certified, proved, self.error)
        return np.asarray(shown_bars(self.value, error, self.least_bar, self.certified))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of all fields."""
        return self.value.shape

    def __setattr__(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)
        self.__dict__["version"] = self.version + 1

    version = 0  # another one whenever something was written

    def put(self, at: Any, /, **measured: Any) -> None:
        """Write down what was measured of the entries at these flat indices."""
        self.__dict__["version"] = self.version + 1
        for name, part in measured.items():
            field = getattr(self, name)
            arrays = isinstance(field, np.ndarray) or isinstance(part, np.ndarray)
            if arrays or (field is not part and field != part):  # nan is itself
                self._writable(name).reshape(-1)[at] = part

    def replace(self, at: Any, value: Any, error: Any, /, **measured: Any) -> None:
        """Another reference in place of all that rested on the one before it."""
        nothing = {"scale": 0.0, "rest": 0.0, "claim_noise": 0.0, "obstacle": Obstacle.NONE}
        nothing |= {"flat": False, "apart": False}
        no_kink = {"kink": False, "jump": False, "limiting": False}
        no_proof = {"certified": False, "widest": np.nan, "least_bar": np.nan, "hidden": 0.0, "exact": False}
        self.put(at, value=value, error=error, **{**nothing, **no_kink, **no_proof, **measured})

    def restore(self, at: Any, part: Evidence, /) -> None:
        """What was known of these entries before."""
        self.put(at, **{name: getattr(part, name) for name in _ARRAYS})

    def part(self, flat: Any) -> Evidence:
        """That of the entries at these flat indices."""
        measured = [name for name in self.__dict__ if name in _ARRAYS]
        parts = {name: _part(getattr(self, name), self.shape, flat) for name in measured}
        return Evidence._holding({**parts, "facts": self.facts, "variants": self.variants})

    def _writable(self, name: str) -> Any:
        """A field as an array of its own that can be written to."""
        array = getattr(self, name)
        # Entries are written by flat index; of an array in another order that index is one into a copy.
        own = isinstance(array, np.ndarray) and array.flags.owndata and array.flags.c_contiguous
        if not own or array.shape != self.shape:
            before = np.asarray(array)
            array = np.empty(self.shape, dtype=before.dtype)
            array[...] = before
            setattr(self, name, array)
        return array


_ARRAYS = {
    array_field.name: None
    for array_field in fields(Evidence)
    if array_field.name not in ("facts", "variants")
}


def is_nowhere(field_: Field) -> bool:
    """Is a field 0 or False for all entries?"""
    return not (any_nonzero(field_) if isinstance(field_, np.ndarray) else field_)


def _part(field_: Any, shape: tuple[int, ...], flat: Any) -> Any:
    if not isinstance(field_, np.ndarray) or (shape and not field_.ndim):
        return field_  # one number for all entries
    if field_.shape == shape:
        return field_.reshape(-1)[flat]
    return np.broadcast_to(field_, shape).reshape(-1)[flat]
