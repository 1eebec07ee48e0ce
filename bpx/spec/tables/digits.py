"""How the numbers of a text were printed: to how many digits, and by a program that computes in float32?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from bpx.check.numeric.tolerances import FULL_DIGITS
from bpx.graph.arrays import Array
from bpx.graph.named.written import Written, significant_digits
from bpx.spec.tables.table import EXACT, NamedNumbers

# The shortest text that gives a float32 back has at most 9 significant digits; of fewer than 8 it is also
# what many a `%g` prints. From 15 on a text was written out as a float64 in full.
_SHORTEST_OF_SINGLE, _LONGEST_OF_SINGLE, _IN_FULL = 8, 9, 15


def floats_of_texts(rows: Iterable[NamedNumbers]) -> str:
    """`float32` where every long number of a table is one, printed in full or as NumPy prints it."""
    has_long = False
    for number in (number for row in rows for number in row.written or ()):
        # A text has no fewer characters than digits; most tables are told by their first long number.
        if isinstance(number, Written) and len(number.text) >= _SHORTEST_OF_SINGLE:
            if significant_digits(number) < _SHORTEST_OF_SINGLE:
                continue
            if not _is_single(number):
                return EXACT
            has_long = True
    return "float32" if has_long else EXACT


def _is_single(number: Written) -> bool:
    digits = significant_digits(number)
    with np.errstate(all="ignore"):
        single = np.float32(number)
    if digits >= _IN_FULL:
        return float(single) == float(number)
    printed = np.format_float_scientific(single, trim="-").partition("e")[0].replace(".", "").lstrip("-")
    return digits <= _LONGEST_OF_SINGLE and printed == _mantissa(number)


def _mantissa(number: Written) -> str:
    digits = number.text.lower().partition("e")[0].replace(".", "")
    return digits.lstrip("+-−0").rstrip("0")


def room_of_whole(written: Sequence[Any], digits: int) -> Array:
    """How far off whole numbers may be that are printed among others to so many `digits`.

    `%.3g` prints 1.0004 as `1`. A 0 is one, and so is a number beside others with all their digits.
    """
    whole = np.array([float(number) if type(number) is int else 0.0 for number in written])
    if not 0 < digits < FULL_DIGITS:
        return np.zeros(whole.shape)
    exponents = np.floor(np.log10(np.abs(np.where(whole, whole, 1.0))))
    return np.where(whole != 0, 0.5 * 10.0 ** np.minimum(exponents + 1 - digits, 0), 0.0)
