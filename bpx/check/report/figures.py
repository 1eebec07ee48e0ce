"""The numbers of a report as they are shown: with digits enough to see a difference, and none unsure."""

from __future__ import annotations

import math

from bpx.check.report.entry import Entry, LocalRow, Verdict
from bpx.graph.formula import numbers as numbers_formula
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.blocks import Cell, Phrase, phrase
from bpx.words.say import say

_MOST_DIGITS = 17  # in so many no two float64 numbers look the same


def numbers(row: Entry | LocalRow) -> tuple[Cell, Cell]:
    """Claim and reference ± error bar; where they disagree in digits enough to see them differ."""
    digits = SHOWN_DIGITS
    while row.verdict is Verdict.DISAGREE and digits < _MOST_DIGITS and _same(row, digits):
        digits += 1
    has_none = row.reason is not None and row.reason.code == "claim-shape"  # none for this entry
    claimed = say("check.no-reference") if has_none else numbers_formula(row.claimed, digits)
    return claimed, _reference(row, digits)


def _same(row: Entry | LocalRow, digits: int) -> bool:
    return number(row.claimed, digits) == number(row.reference, digits)


def _reference(row: Entry | LocalRow, digits: int) -> Cell:
    """The reference to the digits its error bar leaves, or the slopes it lies between at a kink."""
    if row.between:
        low, high = row.between
        return Phrase((numbers_formula(low, digits), " … ", numbers_formula(high, digits)))
    if math.isnan(row.reference):
        return say("check.no-reference")
    if not row.error > 0:
        return numbers_formula(row.reference, digits)
    # Below its bar a reference is noise, and another on another processor.
    value = 0.0 if abs(row.reference) <= row.error < math.inf else row.reference
    reference = numbers_formula(value, min(digits, _sure_digits(row)))
    return Phrase((reference, " ± ", numbers_formula(row.error, 1)))


def _sure_digits(row: Entry | LocalRow) -> int:
    """Significant digits of the reference down to the first one of its error bar; at least one."""
    if not 0 < row.error < abs(row.reference) < math.inf:
        return 1
    return math.floor(math.log10(abs(row.reference))) - math.floor(math.log10(row.error)) + 1


def difference(entry: Entry) -> Cell:
    """How far the claim is off; noise is only bounded."""
    if math.isnan(entry.difference):
        return ""
    if entry.is_noise and entry.noise > 0:
        return phrase("check.noise", error=numbers_formula(entry.noise, 1))
    return numbers_formula(entry.difference, 2)


def digits(entry: Entry) -> str:
    """The digits that agree; none are counted where there is no reference, or none but 0."""
    zero = entry.difference > 0 and abs(entry.reference) <= entry.error
    if math.isnan(entry.difference) or zero:
        return ""
    return say("check.all-digits") if math.isinf(entry.digits) else str(int(entry.digits))
