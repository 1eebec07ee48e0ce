"""What the gradient costs by several ways, in counted operations of this very graph."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.numbers import number
from bpx.passes.cost import Costs, costs
from bpx.render.blocks import Block, Heading, Lines, Table
from bpx.render.plain_data import plain_count
from bpx.words.say import say

_LARGEST_IN_FULL = 10**12


@dataclass(frozen=True, eq=False)
class Cost(Section):
    """Operations of each way to the gradient."""

    costs: Costs

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """The section, where it is asked for."""
        return cls(costs(query.ledger, [*query.wrt.values()])) if options.cost else None

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The counts; those of thousands of digits as powers of ten."""
        return {"cost": {key: plain_count(value) for key, value in self.costs._asdict().items()}}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A row for each way, with its ratios to the forward pass and to one reverse sweep, and sentences."""
        found = self.costs
        ways = {
            "forward": found.forward,
            "sweep": found.sweep,
            "tangents": found.tangents,
            "differences": found.differences,
            "paths": found.paths,
            "uncached": found.uncached,
        }
        yield Heading(say("account.cost"))
        headers = tuple(say(f"cost.{key}") for key in ("way", "operations", "per-forward", "per-sweep"))
        rows = tuple(
            (
                say(f"cost.way.{way}", count=found.inputs),
                _count(value),
                _ratio(value, found.forward),
                "" if way == "forward" else _ratio(value, found.sweep),
            )
            for way, value in ways.items()
        )
        yield Table(headers, rows, frozenset({1, 2, 3}), frozenset({1}))
        yield Lines(tuple(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        found = self.costs
        yield say("cost.sweep", count=found.inputs, ratio=_ratio(found.sweep, found.forward))
        yield say("cost.tangents", count=found.inputs, ratio=_ratio(found.tangents, found.sweep))
        yield say("cost.differences", passes=2 * found.inputs, ratio=_ratio(found.differences, found.sweep))
        yield say("cost.paths", count=found.path_count, ratio=_ratio(found.paths, found.sweep))
        yield say("cost.uncached", ratio=_ratio(found.uncached, found.sweep))
        yield say("cost.unit")


def _count(value: int) -> str:
    return f"{value:,}" if value < _LARGEST_IN_FULL else _power(value)


def _power(value: int) -> str:
    """A count of any length as `3.2e45`."""
    digits = str(value) if value.bit_length() < 10_000 else ""
    return f"{digits[0]}.{digits[1]}e{len(digits) - 1}" if digits else str(plain_count(value))


def _ratio(value: int, unit: int) -> str:
    """How many times as much, to three digits; no float is large enough for some."""
    if not unit:
        return "1" if not value else "∞"
    whole = value // unit
    return _count(whole) if whole >= 1000 else number(value / unit, 3)
