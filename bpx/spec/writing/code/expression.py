"""Expressions of Python: a text, and how tightly it binds."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from bpx.graph.arrays import Array
from bpx.graph.numbers import CONSTANTS, number

# Python's own order of precedence; a slot names the least that stands in it without brackets.
LOOSEST, COMPARISON, SUM, PRODUCT, MINUS, POWER, ATOM = 0, 5, 10, 20, 25, 30, 50

_NAME_OF_CONSTANT = {value: name for name, value in CONSTANTS.items()}


class Code(NamedTuple):
    """An expression; a `literal` is a number as Python has it, a `truth` is True or False, not 1 or 0."""

    text: str
    precedence: int = ATOM
    kind: Literal["array", "literal", "truth"] = "array"
    ops: int = 0  # how many ops are written in it

    def within(self, slot: int) -> str:
        """The text, in brackets where it would not hold together."""
        return self.text if self.precedence >= slot else f"({self.text})"

    @property
    def as_number(self) -> Code:
        """The same, with 1 and 0 in place of True and False."""
        if self.kind != "truth":
            return self
        return Code(f"1.0 * ({self.text})", PRODUCT, ops=self.ops + 1)


def literal(value: float) -> Code:
    """A number; `np` stands for the library."""
    if math.isnan(value):
        return Code("np.nan", kind="literal")
    if math.isinf(value):
        return Code("np.inf", kind="literal") if value > 0 else Code("-np.inf", MINUS, "literal")
    if value in _NAME_OF_CONSTANT:
        return Code(f"np.{_NAME_OF_CONSTANT[value]}", kind="literal")
    text = number(value)
    return Code(text, MINUS if text.startswith("-") else ATOM, "literal")


def as_float(code: Code) -> Code:
    """A literal with a point: an array of whole numbers would be another type."""
    is_whole = re.fullmatch(r"-?\d+", code.text)
    return code._replace(text=f"{code.text}.0") if is_whole else code


def array_code(value: Array, *, whole: bool = False, indent: str = "") -> Code:
    """An array, each row of a matrix in a line of its own where the line would be long."""
    if not value.size:
        return Code(f"np.zeros({value.shape})")
    texts = [_element(element, whole) for element in value.ravel().tolist()]
    return Code(f"np.array({_nested(texts, value.shape, indent + '          ')})")


def _element(value: float, whole: bool) -> str:
    text = literal(value)
    if text.text.startswith("np.") and math.isfinite(value):  # pi in an array is a number like any other
        return repr(value)
    return text.text if whole else as_float(text).text


_LONGEST_ROW = 72


def _nested(texts: Sequence[str], shape: Sequence[int], indent: str) -> str:
    """Lists in lists; what is too long for a line is broken between the entries."""
    if not shape:
        return texts[0]
    step = len(texts) // shape[0]
    parts = [_nested(texts[at * step : (at + 1) * step], shape[1:], f"{indent} ") for at in range(shape[0])]
    if sum(map(len, parts)) + 2 * len(parts) <= _LONGEST_ROW and "\n" not in "".join(parts):
        return f"[{', '.join(parts)}]"
    lines, room = [parts[0]], _LONGEST_ROW - len(parts[0])
    for part in parts[1:]:
        fits = len(shape) == 1 and len(part) + 2 <= room
        lines.append(f", {part}" if fits else f",\n{indent} {part}")
        room = room - len(part) - 2 if fits else _LONGEST_ROW - len(part)
    return f"[{''.join(lines)}]"
