"""A node that is to be written in Python, and rows that many ops share."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from bpx.graph.arrays import Settings, Shape
from bpx.spec.writing.code.expression import ATOM, LOOSEST, Code, as_float


class Call(NamedTuple):
    """A node that is to be written: its args, as code and with their shapes, its settings and its shape.

    `library` is the name of the library: some ops need other arguments there.
    """

    args: tuple[Code, ...]
    shapes: tuple[Shape, ...]
    settings: Settings
    shape: Shape
    library: str

    def arg(self, position: int = 0, slot: int = LOOSEST) -> str:
        """An arg as it stands in a slot."""
        return self.args[position].within(slot)

    def ids(self, position: int) -> str:
        """An arg of whole numbers that choose."""
        code = self.args[position]
        return code.text if code.text in self.settings["whole"] else f"{code.within(ATOM)}.astype(int)"


Row = Callable[[Call], Code]


def infix(sign: str, precedence: int) -> Row:
    """A sign between two args, from left to right."""

    def write(call: Call) -> Code:
        return Code(f"{call.arg(0, precedence)} {sign} {call.arg(1, precedence + 1)}", precedence)

    return write


def function_row(name: str) -> Row:
    """A call with the args of the op; with a name of this module where that is plain."""
    return lambda call: Code(f"{name}({', '.join(as_float(arg).text for arg in call.args)})")
