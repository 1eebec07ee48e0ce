r"""The derivation of a gradient as in lecture notes, as a LaTeX document.

The equations of the graph come first; then, from the output to the inputs, the chain rule from named node to
named node: in symbols, with formulas, with numbers, and its value. A contribution through one named node is a
reverse pass of its own, on placeholders for the named nodes that its formula mentions.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, NamedTuple

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.graph.formula import (
    MOST_IN_A_RULE,
    Formula,
    derivative,
    formula,
    numbers,
    ops_written,
    product_of,
    sum_of,
    symbol,
    words,
)
from bpx.graph.graph import CONSTANT, INPUT, Expr, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import LARGEST_SHOWN, SHOWN_DIGITS
from bpx.passes.reverse import reverse
from bpx.render.blocks import Value, title_line
from bpx.render.latex import document, math_of, section
from bpx.words.say import say


class _Contribution(NamedTuple):
    """What one named node passes to one that its formula mentions.

    `with_numbers` is None where these are large.
    """

    consumer: int
    formula: Formula
    with_numbers: Formula | None
    is_scalar: bool


@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def derivation(spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any) -> str:
    """The document. Raises `BpxError` as an explanation does."""
    spec = replace(spec, graph=spec.graph.copy())  # the reverse pass is appended to a graph of its own
    return _Derivation(GradientQuery(spec, of, wrt, upstream)).text()


class _Derivation:
    """A gradient from named node to named node."""

    def __init__(self, query: GradientQuery) -> None:
        self.query, self.graph, self.values = query, query.graph, query.values
        own = {**query.spec.own_names, query.output: query.spec.names.get(query.output, "out")}
        self.symbols: dict[int, Formula] = {
            node: symbol(name, node)
            for node, name in own.items()
            if node in self.values and self.graph.ops[node] is not CONSTANT
        }
        self.contributions: dict[int, list[_Contribution]] = {}

    def text(self) -> str:
        """The document."""
        for node in sorted(self.symbols, reverse=True):
            if node in self.query.ledger.upstream:
                self._pass_on(node)
        title = title_line(self.query.spec.title) or str(self.symbols[self.query.output])
        sections = [
            section(title),
            *_aligned(say("derivation.equations"), self._forward()),
            *_aligned(say("derivation.chain-rule"), self._backward()),
            *_aligned(say("account.gradients"), self._gradient()),
        ]
        return document(sections)

    # --- the equations of the graph ---

    def _forward(self) -> Iterator[list[str]]:
        for node in sorted(self.symbols):
            if node <= self.query.output:
                yield [math_of(self.symbols[node]), *self._sides(node)]

    def _sides(self, node: int) -> Iterator[str]:
        args = self._named_args(node)
        if args != [node]:
            yield math_of(self._short(self.graph, node, self.symbols))
            shown = self._numbers(args)
            if shown is not None and args:
                yield math_of(self._short(self.graph, node, shown))
        yield self._value(self.values[node])

    def _named_args(self, node: int) -> list[int]:
        """The named nodes that the formula of a node mentions; the node itself where it is an input."""
        if not self.graph.args[node]:
            return [node]
        mentioned, waiting = set[int](), [*self.graph.args[node][self.graph.ops[node].quoted :]]
        while waiting:
            arg = waiting.pop()
            if arg in self.symbols:
                mentioned.add(arg)
            else:
                waiting += self.graph.args[arg][self.graph.ops[arg].quoted :]
        return sorted(mentioned)

    def _numbers(self, nodes: Iterable[int]) -> dict[int, Formula] | None:
        """The values of nodes, to be put in their place; None where one is large."""
        values = {node: self.values[node] for node in nodes}
        if any(value.size > LARGEST_SHOWN for value in values.values()):
            return None
        return {node: numbers(value, SHOWN_DIGITS, node) for node, value in values.items()}

    def _short(self, graph: Graph, node: int, names: Mapping[int, Formula]) -> Formula:
        if ops_written(graph, node, {other: 0 for other in names if other != node}) > MOST_IN_A_RULE:
            return words(say("derivation.too-long"))
        return formula(graph, node, names)

    # --- the chain rule ---

    def _pass_on(self, node: int) -> None:
        """Work out what a named node passes to the named nodes that its formula mentions."""
        args = self._named_args(node)
        if args == [node] or not args:
            return
        scratch = Graph()
        places = {arg: scratch.input(self.graph.shapes[arg]) for arg in args}
        copies = _copied(self.graph, node, scratch, places)
        is_output, root = node == self.query.output, copies[node]
        upstream = scratch.constant(self.query.seed) if is_output else scratch.input(root.shape)
        ledger = reverse(root, list(places.values()), upstream)
        names = {copy.id: self.symbols[of] for of, copy in copies.items() if of in self.symbols}
        shown = self._numbers([*args, node])
        put_in = None if shown is None else names | {copies[of].id: shown[of] for of in shown}
        if not is_output:
            names[upstream.id] = self._partial(node)
            if put_in is not None:
                put_in[upstream.id] = numbers(self.query.gradient(node), SHOWN_DIGITS)
        for arg, place in places.items():
            contribution = ledger.gradient(place.id)
            if contribution is not None and arg in self.query.ledger.upstream:
                written = self._rule(scratch, contribution.id, names)
                with_numbers = None if put_in is None else self._rule(scratch, contribution.id, put_in)
                is_scalar = not root.shape and not place.shape
                part = _Contribution(node, written, with_numbers, is_scalar)
                self.contributions.setdefault(arg, []).append(part)

    def _rule(self, graph: Graph, node: int, names: Mapping[int, Formula]) -> Formula:
        if ops_written(graph, node, names) > MOST_IN_A_RULE:
            return words(say("derivation.too-long"))
        return formula(graph, node, names, open_root=False)

    def _backward(self) -> Iterator[list[str]]:
        for node in sorted(self.contributions, reverse=True):
            parts = self.contributions[node]
            yield [
                math_of(self._partial(node)),
                *self._steps(node, parts),
                self._value(self.query.gradient(node)),
            ]

    def _steps(self, node: int, parts: Sequence[_Contribution]) -> Iterator[str]:
        if all(part.is_scalar for part in parts):
            chains = [self._chain(part.consumer, node) for part in parts]
            if chains != [self._partial(node)]:
                yield math_of(sum_of(chains))
        yield math_of(_sum([part.formula for part in parts]))
        with_numbers = [part.with_numbers for part in parts if part.with_numbers is not None]
        if len(with_numbers) == len(parts) and not all(part.is_number for part in with_numbers):
            yield math_of(_sum(with_numbers))

    def _chain(self, consumer: int, node: int) -> Formula:
        local = derivative(self.symbols[consumer], self.symbols[node])
        if consumer == self.query.output:
            return local
        return product_of([self._partial(consumer), local])

    def _partial(self, node: int) -> Formula:
        return derivative(self.symbols[self.query.output], self.symbols[node])

    # --- the gradient ---

    def _gradient(self) -> Iterator[list[str]]:
        for name, node in self.query.wrt.items():
            partial = derivative(self.symbols[self.query.output], symbol(name, node))
            yield [math_of(partial), self._value(self.query.gradient(node))]

    def _value(self, value: Any) -> str:
        return math_of(Value(value).formula)


def _sum(terms: Sequence[Formula]) -> Formula:
    return terms[0] if len(terms) == 1 else sum_of(terms)


def _copied(graph: Graph, node: int, scratch: Graph, places: Mapping[int, Expr]) -> dict[int, Expr]:
    """A node and what it needs on placeholders for named ones, as it was typed."""
    copies: dict[int, Expr] = dict(places)
    for inner in graph.needs(of=[node], known=places):
        if inner in copies:
            continue
        if inner in graph.constants:
            copies[inner] = scratch.constant(graph.constants[inner])
        elif graph.ops[inner] is INPUT:  # of a gradient that is written as `grad(L, w)`
            copies[inner] = scratch.input(graph.shapes[inner])
        else:
            args = [copies[arg] for arg in graph.args[inner]]
            copies[inner] = scratch.add(graph.ops[inner], *args, **graph.settings[inner])
    return copies


def _that_tell(sides: Sequence[str]) -> list[str]:
    """What a left side equals, without what repeats the side before, and what is too long for a page."""
    *others, value = (side for side, _ in groupby(sides))
    return [*(side for side in others if len(side) <= _MOST_ON_A_PAGE), value]


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
