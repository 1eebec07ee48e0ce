r"""The derivation of a gradient as in lecture notes, as a LaTeX document.

The equations of the graph come first; then, from the output to the inputs, the chain rule from named node to
named node: in symbols, with formulas, with numbers, and its value.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import numpy as np

from bpx.explain.explain import refuse_sections
from bpx.explain.further_equations import further_equations
from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.named_nodes import Contribution, NamedNodes
from bpx.explain.query.section import SectionOptions
from bpx.explain.sections.higher import check_order
from bpx.graph.formula import (
    Formula,
    derivative,
    product_of,
    sum_of,
    symbol,
)
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.render.blocks import Value, title_line
from bpx.render.latex import document, math_of, section
from bpx.words.say import say


@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def derivation(
    spec: NamedGraph,
    of: str | None,
    wrt: Sequence[str] | None,
    upstream: Any,
    digits: int = SHOWN_DIGITS,
    *,
    forward: bool = False,
    expand: Sequence[str] = (),
    options: SectionOptions | None = None,
) -> str:
    """The document; with `forward`, blanks in place of all gradients. Raises `BpxError` as an explanation.

    The nodes of `expand` are written in simpler ops; of the `options`, paths, second and higher derivatives
    and a step follow the gradient.
    """
    options = options or SectionOptions()
    check_order(options.order, spec)
    if forward:
        refuse_sections(second=options.second, step=options.step is not None, paths=options.paths is not None)
    spec = replace(spec, graph=spec.graph.copy())  # the reverse pass is appended to a graph of its own
    query = GradientQuery(spec, of, wrt, upstream)
    query = query.expanded(expand) if expand else query
    return _Derivation(query, digits).text(forward, options)


class _Derivation:
    """A gradient from named node to named node."""

    def __init__(self, query: GradientQuery, digits: int) -> None:
        self.query, self.named, self.values, self.digits = query, NamedNodes(query), query.values, digits
        self.symbols = self.named.symbols
        self.contributions: dict[int, list[Contribution]] = {}

    def text(self, forward: bool, options: SectionOptions) -> str:
        """The document; with `forward`, as a worksheet."""
        for consumer in self.named.consumers:
            for part in self.named.contributions(consumer):
                self.contributions.setdefault(part.arg, []).append(part)
        title = title_line(self.query.spec.title) or str(self.symbols[self.query.output])
        rows = (self._backward(), self._gradient())
        backward, gradient = ([[left, _BLANK] for left, *_ in part] if forward else part for part in rows)
        sections = [
            section(title),
            *_aligned(say("derivation.equations"), self._forward()),
            *_aligned(say("derivation.chain-rule"), backward),
            *_aligned(say("account.gradients"), gradient),
        ]
        for heading, equations in further_equations(self.query, options, self.digits):
            sections += _aligned(heading, equations)
        return document(sections)

    # --- the equations of the graph ---

    def _forward(self) -> Iterator[list[str]]:
        for node in sorted(self.symbols):
            if node <= self.query.output:
                yield [self._math(self.symbols[node]), *self._sides(node)]

    def _sides(self, node: int) -> Iterator[str]:
        if self.named.args(node) != [node]:
            yield self._math(self.named.formula(node))
            with_numbers = self.named.with_numbers(node)
            if with_numbers is not None:
                yield self._math(with_numbers)
        yield self._value(self.values[node])

    # --- the chain rule ---

    def _backward(self) -> Iterator[list[str]]:
        for node in sorted(self.contributions, reverse=True):
            parts = self.contributions[node]
            yield [
                self._math(self.named.partial(node)),
                *self._steps(node, parts),
                self._value(self.query.gradient(node)),
            ]

    def _steps(self, node: int, parts: Sequence[Contribution]) -> Iterator[str]:
        if all(part.is_scalar for part in parts):
            chains = [self._chain(part.consumer, node) for part in parts]
            if chains != [self.named.partial(node)]:
                yield self._math(sum_of(chains))
        yield self._math(_sum([part.formula for part in parts]))
        with_numbers = [part.with_numbers for part in parts if part.with_numbers is not None]
        if len(with_numbers) == len(parts) and not all(part.is_number for part in with_numbers):
            yield self._math(_sum(with_numbers))

    def _chain(self, consumer: int, node: int) -> Formula:
        local = derivative(self.symbols[consumer], self.symbols[node])
        if consumer == self.query.output:
            return local
        return product_of([self.named.partial(consumer), local])

    # --- the gradient ---

    def _gradient(self) -> Iterator[list[str]]:
        for name, node in self.query.wrt.items():
            partial = derivative(self.symbols[self.query.output], symbol(name, node))
            yield [self._math(partial), self._value(self.query.gradient(node))]

    def _value(self, value: Any) -> str:
        return self._math(Value(value, digits=self.digits).formula)

    def _math(self, formula: Formula) -> str:
        return math_of(formula.rounded(self.digits))


def _sum(terms: Sequence[Formula]) -> Formula:
    return terms[0] if len(terms) == 1 else sum_of(terms)


def _that_tell(sides: Sequence[str]) -> list[str]:
    """What a left side equals, without what repeats the side before, and what is too long for a page."""
    *others, value = (side for side, _ in groupby(sides))
    return [*(side for side in others if len(side) <= _MOST_ON_A_PAGE), value]


_BLANK = r"\underline{\hspace{12cm}}"
_MOST_ON_A_PAGE = 420  # characters of LaTeX in one side, about a line of print
_MOST_ON_A_LINE = 150  # characters of LaTeX, about half a line of print


def _aligned(title: str, equations: Iterable[Sequence[str]]) -> Iterator[str]:
    """A heading and equations, each a left side and what it equals; long ones in several lines."""
    rows: list[str] = []
    for left, *sides in equations:
        first, *rights = _that_tell(sides)
        line = f"{left} &= {first}"
        for right in rights:
            if len(line) + len(right) > _MOST_ON_A_LINE:
                rows.append(line)
                line = f"&= {right}"
            else:
                line += f" = {right}"
        rows.append(line)
    if rows:
        yield section(title, starred="subsection")
        yield "\\begin{align*}\n" + " \\\\\n".join(rows) + "\n\\end{align*}"
