"""What a report shows: numbers, with digits enough to see a difference and none unsure; maps; lines."""

from __future__ import annotations

import math
from collections.abc import Iterable
from textwrap import dedent

import numpy as np

from bpx.check.report.blame import CodeLine
from bpx.check.report.entry import Entry, LocalRow, Verdict, relative_differences
from bpx.check.report.gradient_table import GradientTable
from bpx.graph.arrays import Array
from bpx.graph.formula import numbers as numbers_formula
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.blocks import Cell, Phrase, phrase
from bpx.render.page.figures import HeatMap, Listing
from bpx.words.say import say, visible

_MUCH = (0.01, 0.5)  # relative errors at which the colour of a cell changes
_UNDECIDED = 4
_LARGEST_MAP = (48, 64)  # cells of a map; those of a larger array are taken together
_MOST_RANGES = 8
_AROUND = 4  # lines that are shown before a wrong one, and behind it
_MOST_DIGITS = 17  # in so many no two float64 numbers look the same


def numbers(row: Entry | LocalRow) -> tuple[Cell, Cell]:
    """Claim and reference ± error bar; where they disagree in digits enough to see them differ."""
    digits = SHOWN_DIGITS
    while row.verdict is Verdict.DISAGREE and digits < _MOST_DIGITS and _same(row, digits):
        digits += 1
    has_none = row.reason is not None and row.reason.code == "claim-shape"  # none for this entry
    withheld = math.isnan(row.claimed) and math.isnan(row.reference)
    claimed = say("check.no-reference") if has_none or withheld else numbers_formula(row.written[0], digits)
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
        return numbers_formula(row.written[1], digits)
    # Below its bar a reference is noise, and another on another processor.
    value = 0.0 if abs(row.reference) <= row.error < math.inf else row.written[1]
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


# --- heat maps ---


def heat_maps(tables: Iterable[GradientTable]) -> list[HeatMap]:
    """How far off the entries of each array are; a single number needs no map."""
    return [_heat_map(table) for table in tables if table.claimed.size > 1]


def _heat_map(table: GradientTable) -> HeatMap:
    """The map of an array; of one with more than two axes, a row for each index of all but the last."""
    shape = table.claimed.shape
    kinds = _kinds(table).reshape(-1, shape[-1])
    odd = kinds > 0
    pooled = tuple(-(-length // most) for length, most in zip(kinds.shape, _LARGEST_MAP, strict=True))
    cells = _worst(kinds, *pooled)
    name = table.input if table.by is None else f"{table.input} ({table.by})"
    throughout = [odd.all(axis=axis) for axis in (1, 0)]
    whole = len(shape) > 1 and any(lines.any() for lines in throughout)
    lines = throughout if whole else [odd.any(axis=axis) for axis in (1, 0)]
    rows, columns = (_ranges(np.flatnonzero(line).tolist()) for line in lines)
    drawn = tuple(tuple(map(int, row)) for row in cells)
    return HeatMap(visible(name), shape, drawn, (pooled[0], pooled[1]), rows, columns, whole, bool(odd.all()))


def _kinds(table: GradientTable) -> Array:
    """0: agrees; 1 to 3: disagrees, by more and more; 4: not decided."""
    relative = relative_differences(table.claimed, table.reference, table.error)
    off = 1 + np.searchsorted(_MUCH, np.nan_to_num(relative, nan=np.inf), side="right")
    wrong, agrees = table.verdicts == Verdict.DISAGREE, table.verdicts == Verdict.AGREE
    return np.asarray(np.where(agrees, 0, np.where(wrong, off, _UNDECIDED)))


def _worst(kinds: Array, rows: int, columns: int) -> Array:
    """The worst of each block; what disagrees is worse than what is not decided."""
    order = np.where(kinds == _UNDECIDED, 0.5, kinds)
    height, width = (-(-length // step) for length, step in zip(kinds.shape, (rows, columns), strict=True))
    padded = np.zeros((height * rows, width * columns))
    padded[: kinds.shape[0], : kinds.shape[1]] = order
    worst = padded.reshape(height, rows, width, columns).max(axis=(1, 3))
    return np.asarray(np.where(worst == 0.5, _UNDECIDED, worst).astype(int))


def _ranges(numbers: list[int]) -> str:
    """`0, 2–4`; of very many the first."""
    runs: list[list[int]] = []
    for one in numbers:
        if runs and one == runs[-1][-1] + 1:
            runs[-1] = [runs[-1][0], one]
        else:
            runs.append([one, one])
    texts = [f"{low}" if low == high else f"{low}–{high}" for low, high in runs]
    return say("word.list").join([*texts[:_MOST_RANGES], *(["…"] if len(texts) > _MOST_RANGES else [])])


# --- code ---


def listing(line: CodeLine) -> Listing:
    """The lines around a wrong statement, without the blanks that all of them begin with."""
    source = line.span.source
    start, end = (source.position(offset)[0] for offset in (line.span.start, line.span.end))
    first, last = max(1, start - _AROUND), min(end + _AROUND, source.position(len(source.text))[0])
    texts = [source.line(number) for number in range(first, last + 1)]
    shown = tuple(dedent("\n".join(text.expandtabs() for text in texts)).rstrip().split("\n"))
    return Listing(source.name, first, shown, range(start - first, end - first + 1), line.right)
