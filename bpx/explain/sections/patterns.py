"""What each op does to the gradient, in a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.graph import OPS
from bpx.ops.elementwise.arithmetic import GRADIENT
from bpx.render.blocks import Block, Heading, Lines
from bpx.words.say import say


@dataclass(frozen=True, eq=False)
class Patterns(Section):
    """The ops that the reverse pass met, each with what it is in simpler ones, if it is."""

    ops: Mapping[str, str | None]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        """Every explanation has it."""
        used = query.ops_met()
        composite = {op for op in used if op.expands}
        if composite:
            from bpx.explain.ops.op_reference import meaning
        return cls({op.name: meaning(op) if op in composite else None for op in used})

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The ops without their sentences."""
        return {"ops": dict(self.ops)}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """A sentence for each op; where a node is looked at alone, for its own."""
        passes = passes.unabridged
        shown = {passes.op_names[edge.consumer] for edge in passes.shown_edges}
        ops = {op: meaning for op, meaning in self.ops.items() if passes.opened is None or op in shown}
        if ops:
            yield Heading(say("account.patterns"))
            yield Lines(tuple(_pattern(passes, op, meaning) for op, meaning in ops.items()))


def _pattern(passes: Passes, op: str, meaning: str | None) -> str:
    if op not in OPS:
        # An op that a spec states has a name of its own, which may be that of `grad`.
        kind = "gradient" if _is_gradient(passes, op) else "stated"
        return say(f"pattern-of-rule.{kind}", op=op)
    from bpx.explain.ops.op_reference import pattern_text

    positions = {edge.position for edge in passes.edges if passes.op_names[edge.consumer] == op}
    sentence = pattern_text(OPS[op], positions)
    if op == "pow" and (kinds := _exponentials(passes)) - {"a"}:
        others = positions - {1} if "a" not in kinds else positions
        sentence = say("word.gap").join(
            [*([pattern_text(OPS[op], others)] if others else []), say("pattern-of-e")]
        )
    return say("word.gap").join([sentence, meaning + say("word.stop")]) if meaning else sentence


def _is_gradient(passes: Passes, op: str) -> bool:
    """Is it the op of `grad(L, w)`? Its edge comes from its last arg alone."""
    positions = {edge.position for edge in passes.edges if passes.op_names[edge.consumer] == op}
    return op == GRADIENT.name and positions == {GRADIENT.quoted}


def _exponentials(passes: Passes) -> set[str]:
    """Of the powers that are derived by their exponent: `e` where the base is e, `a` where it is another."""
    rows = {row.id: row for row in passes.nodes}
    bases = [
        rows[rows[edge.consumer].args[0]]
        for edge in passes.edges
        if edge.position == 1 and passes.op_names[edge.consumer] == "pow"
    ]
    return {"e" if row.op == "constant" and str(row.formula) == "e" else "a" for row in bases}
