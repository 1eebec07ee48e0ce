"""What each op does to the gradient, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.sections.section import Asked, Section
from bpx.graph.graph import OPS
from bpx.render.blocks import Block, Heading, Lines
from bpx.words.say import say


@dataclass(frozen=True)
class Patterns(Section):
    """The ops that the reverse pass met, each with what it is in simpler ones, if it is."""

    ops: Mapping[str, str | None]

    @classmethod
    def of(cls, query: GradientQuery, asked: Asked) -> Self:
        """Every explanation has it."""
        used = dict.fromkeys(query.graph.ops[edge.consumer] for edge in query.ledger.edges)
        composite = {op for op in used if op.expands}
        if composite:
            from bpx.explain.ops.op_reference import meaning
        return cls({op.name: meaning(op) if op in composite else None for op in used})

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The ops without their sentences."""
        return {"ops": dict(self.ops)}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A sentence for each op; where a node is looked at alone, for its own."""
        shown = {passes.op_names[edge.consumer] for edge in passes.shown_edges}
        ops = {op: meaning for op, meaning in self.ops.items() if passes.opened is None or op in shown}
        if ops:
            yield Heading(say("account.patterns"))
            yield Lines(tuple(_pattern(op, meaning) for op, meaning in ops.items()))


def _pattern(op: str, meaning: str | None) -> str:
    sentence = say(f"pattern.{op}") if op in OPS else say("account.stated-rule", op=op)
    return f"{sentence} {meaning}." if meaning else sentence
