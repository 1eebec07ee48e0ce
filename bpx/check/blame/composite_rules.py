"""Composite ops that have a rule of their own, as the textbook states it, beside the ops they are made of.

The check runs on graphs in which composite ops are written out, so that each rule in it is that of one
simple op. What a spec's own graph gives is then compared with that; and each rule of a composite op with
the reverse pass through its parts, at random points near the values met, where no two elements tie.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache, cached_property
from itertools import groupby
from typing import Any

import numpy as np

from bpx.check.blame.corrected_formula import right_gradient
from bpx.check.blame.error_patterns import EdgeSample, named
from bpx.check.local.jacobians import LinearMap
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric import multiprecision
from bpx.check.report.blame import Blame
from bpx.check.report.entry import LocalRow, Verdict
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.check.whole.evaluation import Claimed, by_rule
from bpx.graph.arrays import Array
from bpx.graph.graph import Graph, Op
from bpx.graph.run import run
from bpx.passes.reverse import Edge, Ledger, pullback, reverse

_NEAR = 1e-3  # relative; how far the args are moved
_POINTS = 3
_APART = 1e-6  # relative: a rule that is wrong by less is taken for right
_ROUNDING = 1e-10  # of the largest number
_DIGITS = 90
_MOST_EXACT = 1000  # elements on which many digits are tried


class CompositeRules:
    """The gradient of a question by the rules of its own graph, composite ops as they are."""

    def __init__(self, question: Query, ledger: Ledger) -> None:
        self.question, self.ledger, self.graph = question, ledger, ledger.graph
        self._point = CheckedGraph(
            question, self.graph, ledger, question.spec.given
        )  # that was last asked for
        self._rows: list[tuple[LocalRow, Blame | None]] | None = None  # what was found there

    @classmethod
    def of(cls, question: Query) -> CompositeRules:
        """The gradient of a question, by a reverse pass of its own."""
        graph = question.spec.graph.copy()
        wrt = [graph[node] for node in question.wrt.values()]
        return cls(question, reverse(graph[question.output], wrt, graph.constant(question.seed)))

    @cached_property
    def edges(self) -> list[Edge]:
        """The edges of composite ops with a rule of their own, in order of the nodes."""
        ops = self.graph.ops
        return [
            edge
            for edge in reversed(self.ledger.edges)
            if ops[edge.consumer].composite and ops[edge.consumer].pull
        ]

    def stated(self, name: str, given: Mapping[str, Array]) -> Claimed:
        """What the rules state of a node; `given` are values of the inputs by name."""
        return by_rule(self.point(given), self.question.wrt[name])

    def stated_or_parts(
        self, name: str, given: Mapping[str, Array], point: CheckedGraph, node: int
    ) -> Claimed:
        """What the rules state; where all are right, what their parts do, which loses fewer digits."""
        right = all(blame is None for _, blame in self.rows(given))
        return by_rule(point, node) if right else self.stated(name, given)

    def point(self, given: Mapping[str, Array]) -> CheckedGraph:
        """The spec's own graph at these values, kept until others are asked for."""
        values = {one.node: given[one.name] for one in self.question.spec.inputs}
        if any(values[node] is not known for node, known in self._point.given.items()):
            self._point = CheckedGraph(self.question, self.graph, self.ledger, values)
            self._rows = None
        return self._point

    def rows(self, given: Mapping[str, Array]) -> list[tuple[LocalRow, Blame | None]]:
        """Each of the rules alone, and who is to blame where one is wrong."""
        point = self.point(given)
        if self._rows is None:
            self._rows = list(self._found(point.values))
        return self._rows

    def _found(self, values: Mapping[int, Array]) -> Iterator[tuple[LocalRow, Blame | None]]:
        for node, edges in groupby(self.edges, lambda edge: edge.consumer):
            places = [_Place(self.graph, node, values, i) for i in range(_POINTS)]
            for edge in edges:
                samples = [_Sampled(place, edge.position) for place in places]
                yield self.row(edge, samples[0]), self.blame(edge, samples)

    def row(self, edge: Edge, sampled: _Sampled) -> LocalRow:
        """The worst element of what is handed back."""
        at = sampled.worst
        return LocalRow(
            self.name(edge.consumer),
            self.graph.ops[edge.consumer].name,
            self.name(edge.arg),
            float(sampled.handed.flat[at]),
            float(sampled.wanted.flat[at]),
            float(sampled.room.flat[at]),
            Verdict.DISAGREE if sampled.wrong else Verdict.AGREE,
        )

    def blame(self, edge: Edge, samples: list[_Sampled]) -> Blame | None:
        """None where the rule is right."""
        if not any(one.wrong for one in samples):
            return None
        spec, op = self.question.spec, self.graph.ops[edge.consumer]
        looks = [one.sample for one in samples]
        mistakes = named(looks, [one.handed for one in samples], [one.rounding for one in looks])
        span = spec.origins.get(edge.consumer)
        return Blame(self.name(edge.consumer), op.name, self.name(edge.arg), span, mistakes)

    def right_gradient(self, name: str) -> str:
        """The formula of the gradient of a node."""
        node = self.question.spec.nodes[name]
        return right_gradient(self._point, node, [edge for edge in self.ledger.edges if edge.arg == node])

    def name(self, node: int) -> str:
        """What the node is called."""
        return self.question.spec.names.get(node, f"#{node}")


class _Place:
    """A composite node at a random point near the values met: its own rule, and that of its parts."""

    def __init__(self, graph: Graph, node: int, values: Mapping[int, Array], seed: int) -> None:
        rng = np.random.default_rng([node, seed])
        near = _near(graph, node, values, rng)
        no_width = {one: np.zeros(np.shape(value)) for one, value in near.items()}
        self.rule = StructuralRule(graph, node, near, no_width)
        self.parts = StructuralRule(graph, node, near, no_width, _by_parts(graph.ops[node]))
        shape = self.rule.out.shape
        self.upstream = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)


class _Sampled:
    """What the arg at one position is handed back there, for a random upstream gradient."""

    def __init__(self, place: _Place, position: int) -> None:
        rule, parts, upstream = place.rule, place.parts, place.upstream
        self.rules, self.position, self.upstream = (rule, parts), position, upstream
        self.handed, self.wanted = rule(position, upstream), parts(position, upstream)
        self.room = _room(self.wanted, float(np.max(np.abs(self.wanted), initial=0.0)))
        args, slope = tuple(rule.args), LinearMap(parts, position)
        self.sample = EdgeSample(
            rule.op, rule.settings, position, args, rule.out, upstream, slope, self.wanted.shape
        )

    @cached_property
    def wrong(self) -> bool:
        """Is some element off, and not for want of digits?"""
        if self.handed.shape != self.wanted.shape:
            return True
        return bool((np.abs(self.handed - self.wanted) > self.room).any()) and not self.same_exactly()

    def same_exactly(self) -> bool:
        """Do rule and parts come to the same in many digits, or without these, but for rounding?"""
        if not multiprecision.available() or self.handed.size + self.upstream.size > _MOST_EXACT:
            room = _room(self.wanted, float(np.max(np.abs(self.upstream))))
            return bool((np.abs(self.handed - self.wanted) <= room).all())
        with multiprecision.precision(_DIGITS):
            handed, wanted = (one.exactly(self.position, self.upstream) for one in self.rules)
            floor = 10.0 ** (-_DIGITS // 2) * float(np.max(np.abs(self.upstream)))
            return all(_same(*pair, floor) for pair in zip(handed.flat, wanted.flat, strict=True))

    @property
    def worst(self) -> int:
        """The element that is off by most."""
        return int(np.argmax(np.abs(self.handed - self.wanted) - self.room))


def _room(wanted: Array, largest: float) -> Array:
    return _APART * np.abs(wanted) + _ROUNDING * largest


def _same(one: Any, other: Any, floor: float) -> bool:
    return bool(abs(one - other) <= _APART * abs(other) + floor)


@cache
def _by_parts(op: Op) -> Op:
    """The op with no rule but that of its parts."""
    return replace(op, pull=None)


def _near(graph: Graph, node: int, values: Mapping[int, Array], rng: np.random.Generator) -> dict[int, Array]:
    """Values of a node and its args, moved a little; but args that only choose stay as they are."""
    expr = graph[node]
    upstream = graph.constant(np.ones(expr.shape))
    found = pullback(_by_parts(expr.op), upstream, expr.args, expr, graph.settings[node])
    near = {
        arg.id: np.asarray(values[arg.id]) if one is None else _moved(np.asarray(values[arg.id]), rng)
        for arg, one in zip(expr.args, found, strict=True)
    }
    return {**near, node: run(graph, near, [node])[node]}


def _moved(value: Array, rng: np.random.Generator) -> Array:
    size = np.where(value == 0, 1.0, np.abs(value))
    return np.asarray(value + _NEAR * size * rng.uniform(-1.0, 1.0, value.shape))
