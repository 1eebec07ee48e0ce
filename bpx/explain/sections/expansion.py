"""Composite ops written in simpler ones, and how far the numbers agree with those of the fused form."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.render.blocks import Block, Lines
from bpx.render.plain_data import plain_value
from bpx.words.say import say


@dataclass(frozen=True, eq=False)
class Expansion(Section):
    """Which nodes were rewritten, and to how many digits the numbers agree with those of the fused form.

    `digits` is infinite where value and gradients are equal to the last bit.
    """

    nodes: tuple[str, ...]
    digits: float

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Only where nodes were to be rewritten."""
        if query.fused is None:
            return None
        return cls(query.rewritten, _digits_agreed(query.fused, query))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The nodes and the digits."""
        return {"expanded": {"nodes": list(self.nodes), "digits": plain_value(self.digits)}}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A line below the forward pass, where its nodes are shown one by one."""
        if not passes.is_large:
            yield Lines((self._sentence(),))

    def _sentence(self) -> str:
        if not self.nodes:
            return say("account.nothing-expanded")
        if math.isinf(self.digits):
            return say("account.agree-exactly")
        return say(
            "account.agree" if self.digits >= SHOWN_DIGITS else "account.disagree", digits=int(self.digits)
        )


def _digits_agreed(fused: GradientQuery, expanded: GradientQuery) -> float:
    """Decimal digits to which the output and all gradients of two queries agree.

    A gradient is measured against the largest contribution to it, which is what it was rounded to.
    """
    largest_contribution: dict[int, float] = {}
    for edge in fused.ledger.edges:
        size = float(np.abs(fused.values[edge.contribution]).max())
        largest_contribution[edge.arg] = max(largest_contribution.get(edge.arg, 0.0), size)
    digits = [_digits(fused.values[fused.output], expanded.values[expanded.output], 0.0)]
    digits += [
        _digits(
            fused.gradient(node), expanded.gradient(expanded.wrt[name]), largest_contribution.get(node, 0.0)
        )
        for name, node in fused.wrt.items()
    ]
    return min(digits)


def _digits(a: Array, b: Array, scale: float) -> float:
    if np.array_equal(a, b, equal_nan=True):
        return math.inf
    with np.errstate(invalid="ignore"):
        gap = float(np.abs(np.subtract(a, b)).max())
    scale = max(scale, float(np.abs(a).max()), float(np.abs(b).max()))
    return max(0.0, -math.log10(gap / scale)) if math.isfinite(scale) and math.isfinite(gap) else 0.0
