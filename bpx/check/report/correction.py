"""The formula that would be right, and what the nodes in it are that have no name of their own."""

from __future__ import annotations

from typing import NamedTuple

from bpx.graph.formula import Formula
from bpx.words.say import say


class Correction(NamedTuple):
    """A formula, as an equation where it says what of; `where` are equations for names that bpx gave."""

    formula: Formula
    where: tuple[Formula, ...] = ()

    def __str__(self) -> str:
        if not self.where:
            return str(self.formula)
        return say("check.where", formula=str(self.formula), where=", ".join(map(str, self.where)))
