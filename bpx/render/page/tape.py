"""A tape: a list of leaves and of ops on earlier entries, which a page runs by itself.

An entry is a piece of JavaScript. A leaf is the list of its elements: `[1.5]`. An op of each element is its
function and its args, as places in the tape: `[mul,3,4]`; shorter args repeat, as NumPy broadcasts along
leading axes. An op of whole arrays has a list in the function's place, with what is settled before it runs:
`[[lanes,softmax,3],5]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from bpx.graph.arrays import Array


class Tape:
    """Entries that are added to; equal ones are shared. `places` are those of the nodes of the graph."""

    def __init__(self) -> None:
        self.entries: list[str] = []
        self.places: dict[int, int] = {}
        self.is_of_numbers = True  # has it no arrays?
        self._known: dict[str, int] = {}

    def leaf(self, value: Array, *, shared: bool) -> int:
        """The place of a value; that of an input is its own."""
        self.is_of_numbers &= np.size(value) == 1
        entry = f"[{','.join(map(literal, np.ravel(value).tolist()))}]"
        return self._place(entry) if shared else self._append(entry)

    def op(self, function: str, args: Sequence[int]) -> int:
        """The place of an op of each element."""
        return self._place(f"[{','.join([function, *map(str, args)])}]")

    def array_op(self, function: str, settings: Sequence[object], args: Sequence[int]) -> int:
        """The place of an op of whole arrays; settings are numbers, names of functions and lists of them."""
        self.is_of_numbers = False
        inside = ",".join([function, *(str(setting).replace(" ", "") for setting in settings)])
        return self.op(f"[{inside}]", args)

    def _place(self, entry: str) -> int:
        if entry not in self._known:
            self._known[entry] = self._append(entry)
        return self._known[entry]

    def _append(self, entry: str) -> int:
        self.entries.append(entry)
        return len(self.entries) - 1

    def text(self) -> str:
        """All of it, a list."""
        return f"[{','.join(self.entries)}]"


def literal(number: float) -> str:
    """A number in JavaScript, in full."""
    if not math.isfinite(number):
        return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"
    whole = number.is_integer() and abs(number) < 1e15
    text = str(int(number)) if whole else repr(number)
    return text.replace("0.", ".", 1) if abs(number) < 1 else text
