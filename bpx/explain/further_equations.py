r"""What a derivation has beside the gradient where it is asked for: paths, second derivatives, a step.

Each is a section of the explanation, written as equations of LaTeX: a left side and what it equals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.section import SectionOptions
from bpx.explain.sections.higher import HigherDerivatives
from bpx.explain.sections.paths import Paths, PathTable, factors_of
from bpx.explain.sections.second import SecondDerivatives
from bpx.explain.sections.step import Step
from bpx.graph.formula import Formula, derivative, numbers, product_of, sum_of, symbol
from bpx.graph.numbers import number
from bpx.render.blocks import Value
from bpx.render.latex import math_of
from bpx.words.say import say

Equations = Sequence[Sequence[str]]


def further_equations(
    query: GradientQuery, options: SectionOptions, digits: int
) -> Iterator[tuple[str, Equations]]:
    """A heading and its equations for each section asked for. Raises `BpxError` as the sections do."""
    further = _Further(query, digits)
    if paths := Paths.of(query, options):
        for table in paths.tables:
            title = say("account.paths", output=query.names()[query.output], input=table.input)
            yield title, [further.path_sum(table)]
    if second := SecondDerivatives.of(query, options):
        yield say("account.second"), further.second(second)
    if higher := HigherDerivatives.of(query, options):
        rows = [
            [further.partial([(name, ()) for name in row.by]), further.value(row.value)]
            for row in higher.rows
        ]
        yield say("account.higher"), rows
    if step := Step.of(query, options):
        yield say("account.step", rate=number(step.rate, digits)), further.step(step)


class _Further:
    """The equations of one query."""

    def __init__(self, query: GradientQuery, digits: int) -> None:
        self.query, self.digits = query, digits
        self.output = query.named(query.output)

    def math(self, formula: Formula) -> str:
        """A formula, rounded as all numbers of the document."""
        return math_of(formula.rounded(self.digits))

    def value(self, value: Any) -> str:
        """A number or an array."""
        return self.math(Value(value, digits=self.digits).formula)

    def path_sum(self, table: PathTable) -> list[str]:
        """The gradient as the sum over the paths: of local derivatives, of their values, of products."""
        left = self.math(derivative(self.output, symbol(table.input, self.query.wrt[table.input])))
        if not table.path_count:
            return [left, self.value(table.total)]
        rest = [Value(table.rest).formula] if table.path_count > len(table.shown) else []
        sides = [[Value(row.product).formula for row in table.shown]]
        if all(local is not None and np.ndim(local) == 0 for row in table.shown for local in row.locals):
            sides.insert(0, [product_of(factors_of(row, self.query.seed)) for row in table.shown])
            sides.insert(0, [self._chain(row.nodes) for row in table.shown if len(row.nodes) > 1])
        sums = [self.math(sum_of(terms + rest)) for terms in sides if terms]
        return [left, *sums, self.value(table.total)]

    def _chain(self, nodes: Sequence[int]) -> Formula:
        """The local derivatives along a path, by name."""
        return product_of([derivative(*map(self.query.named, edge)) for edge in pairwise(nodes)])

    def second(self, section: SecondDerivatives) -> Equations:
        """A line for each entry of the gradient and each input."""
        return [
            [self.partial([(row.input, row.entry), (name, ())]), self.value(value)]
            for row in section.rows
            for name, value in row.by.items()
        ]

    def higher(self, section: HigherDerivatives) -> Equations:
        """A line for each derivative."""
        return [
            [self.partial([(name, ()) for name in row.by]), self.value(row.value)] for row in section.rows
        ]

    def partial(self, by: Sequence[tuple[str, tuple[int, ...]]]) -> str:
        r"""A derivative by entries of inputs: `\frac{\partial^2 L}{\partial x \, \partial y}`."""
        times = Counter(self._entry(*entry) for entry in by)
        below = r" \, ".join(rf"\partial {entry}{_power(count)}" for entry, count in times.items())
        return rf"\frac{{\partial{_power(len(by))} {self.math(self.output)}}}{{{below}}}"

    def _entry(self, name: str, index: tuple[int, ...]) -> str:
        written = self.math(symbol(name))
        return rf"{{{written}}}_{{[{', '.join(map(str, index))}]}}" if index else written

    def step(self, step: Step) -> Equations:
        """A line for each input that moves, `w^+ = w - 0.1 ∂L/∂w`, and the output behind the step."""
        return [
            *(self._update(name, step.rate, old, new) for name, (old, _, new) in step.updates.items()),
            [_after(self.math(self.output)), self.value(step.after)],
        ]

    def _update(self, name: str, rate: float, old: Any, new: Any) -> list[str]:
        node = self.query.wrt[name]
        moved, gradient = symbol(name, node), Value(self.query.gradient(node)).formula
        written = [
            f"{self.math(start)} - {self.math(product_of([numbers(rate, self.digits), slope]))}"
            for start, slope in (
                (moved, derivative(self.output, moved)),
                (Value(old).formula, gradient),
            )
        ]
        return [_after(self.math(moved)), *written, self.value(new)]


def _after(written: str) -> str:
    return f"{{{written}}}^{{+}}"


def _power(count: int) -> str:
    return f"^{{{count}}}" if count > 1 else ""
