"""One step of gradient descent, and what became of the output."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import Input
from bpx.graph.numbers import number, shape_text
from bpx.graph.run import run
from bpx.render.blocks import Block, Cell, Heading, Lines, Value, numeric_columns, table
from bpx.render.plain_data import plain_value, quantities
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say


@dataclass(frozen=True, eq=False)
class Step(Section):
    """One step of gradient descent; `predicted` = before - rate · Σ gradient²."""

    rate: float
    before: float
    after: float
    predicted: float
    squared: float
    updates: Mapping[str, tuple[Array, Array, Array]]  # name → old value, update, new value

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Raises `BpxError` where no step can be taken."""
        if options.step is None:
            return None
        rate, inputs_to_move = options.step, _inputs_to_move(query, options.step)
        gradients = {leaf.name: query.gradient(leaf.node) for leaf in inputs_to_move}
        updates = {
            leaf.name: (leaf.value, -rate * gradients[leaf.name], leaf.value - rate * gradients[leaf.name])
            for leaf in inputs_to_move
        }
        input_values = query.spec.input_values | {leaf.node: updates[leaf.name][2] for leaf in inputs_to_move}
        after = float(run(query.graph, input_values, [query.output])[query.output])
        before = float(query.values[query.output])
        squared = float(sum(np.sum(gradient**2) for gradient in gradients.values()))
        return cls(rate, before, after, before - rate * squared, squared, updates)

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """A warning where the step leads to where the output is not finite."""
        if math.isfinite(self.after):
            return ()
        facts = {"after": plain_value(self.after)}
        return (Diagnostic("step-not-finite", None, facts, severity="warning"),)

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The step, with the old and new value of each parameter."""
        numbers = ("rate", "before", "after", "predicted", "squared")
        parameters = {
            name: quantities(value=old, update=update, new=new)
            for name, (old, update, new) in self.updates.items()
        }
        return {
            "step": {**{key: plain_value(getattr(self, key)) for key in numbers}, "parameters": parameters}
        }

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """The parameters before and after, and the output as it is and as predicted."""
        yield Heading(say("account.step", rate=number(self.rate, passes.digits)))
        rows: list[list[Cell]] = [[name, *map(Value, change)] for name, change in self.updates.items()]
        yield table(["input", "value", "update", "new-value"], rows, right=numeric_columns(rows))
        yield Lines((self._loss(passes), self._prediction(passes.digits)))

    def _loss(self, passes: Passes) -> str:
        output = passes.names[passes.output]
        before, after = number(self.before, passes.digits), number(self.after, passes.digits)
        return say("account.loss", output=output, before=before, after=after)

    def _prediction(self, digits: int) -> str:
        rate = number(self.rate, digits)
        return say(
            "account.predicted",
            predicted=number(self.predicted, digits),
            before=number(self.before, digits),
            rate=f"({rate})" if self.rate < 0 else rate,
            squared=number(self.squared, digits),
        )


def _inputs_to_move(query: GradientQuery, rate: float) -> Sequence[Input]:
    """The inputs that a step moves: the parameters, or all asked for where none of them is one."""
    if query.weighted:
        raise BpxError([Diagnostic("step-with-upstream")])
    if not math.isfinite(rate):
        raise BpxError([Diagnostic("bad-rate", None, {"found": rate})])
    shape = query.graph.shapes[query.output]
    if shape:
        raise BpxError([Diagnostic("step-needs-scalar", None, {"shape": shape_text(shape)})])
    inputs = [leaf for leaf in query.spec.inputs if leaf.name in query.wrt]
    inputs_to_move = [leaf for leaf in inputs if leaf.role == "parameter"] or inputs
    if not inputs_to_move:
        raise BpxError([Diagnostic("step-without-inputs")])
    return inputs_to_move
