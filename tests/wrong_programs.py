"""Programs with one wrong rule in their backward pass, and the gradients that they write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from planted import STEEP, Wrong, change, contribution, planted, random_spec

from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import reverse

SEEN = 1e-5  # relative: what a planted mistake must change to count as one


class Planted(NamedTuple):
    """A spec and one wrong rule to plant in it."""

    spec: NamedGraph
    node: int
    wrong: Wrong
    label: str

    @property
    def name(self) -> str:
        return self.spec.names[self.node]

    def report(self) -> Report:
        return gradcheck(planted(self.spec, self.node, self.wrong.op))


def cases(
    seed: int, graphs: int, rules: Callable[..., Iterator[Wrong]], each: int | None
) -> Iterator[Planted]:
    """Every op in turn, on graphs of its own; `each` is how many of the mistakes are taken (None: all)."""
    for i in range(graphs):
        rng = np.random.default_rng([seed, i])
        op = STEEP[i % len(STEEP)]
        spec, node = random_spec(rng, op)
        found = [
            (position, wrong)
            for position in range(len(op.args))
            for wrong in rules(spec, node, position, rng)
            if position not in op.chooses
        ]
        order = rng.permutation(len(found))
        taken = 0
        for which in order:
            position, wrong = found[which]
            upstream = rng.uniform(0.5, 1.5, spec.graph.shapes[node]) * rng.choice([-1.0, 1.0])
            if SEEN < change(spec, node, wrong, upstream) < np.inf:
                yield Planted(spec, node, wrong, f"{seed}/{i} {op.name}[{position}] {wrong.kind}")
                taken += 1
            if taken == each:
                break


def gradients_of(spec: NamedGraph, floats: Any = np.float64) -> dict[int, Any]:
    """The gradient of the output by every node with a name, as a program computes it in these floats."""
    graph = spec.graph.copy()
    nodes = [node for node in spec.names if node != spec.output]
    ledger = reverse(graph[spec.output], [graph[node] for node in nodes])
    found = {node: one for node in nodes if (one := ledger.gradient(node)) is not None}
    values = run_in(graph, spec.input_values, [one.id for one in found.values()], floats)
    return {node: np.array(values[one.id]) for node, one in found.items()}


def is_seen(case: Planted, gradients: dict[int, Any], arg: int) -> bool:
    """Does the claim differ from what the claims on the consumers hand back by the right rules?"""
    graph = case.spec.graph.copy()
    arriving = {node: graph.constant(one) for node, one in gradients.items()}
    arriving[case.spec.output] = graph.constant(1.0)
    parts = [
        contribution(graph, graph.ops[node], node, position, arriving[node])
        for node in graph.needs(of=[case.spec.output])
        for position, one in enumerate(graph.args[node])
        if one == arg and node in arriving
    ]
    values = run(graph, case.spec.input_values, [part.id for part in parts])
    terms = np.array([values[part.id] for part in parts])
    gap = np.abs(np.sum(terms, axis=0) - gradients[arg])
    size = np.maximum(np.sum(np.abs(terms), axis=0), np.abs(gradients[arg]))
    rounding = 1e-12 * max(float(np.max(np.abs(one))) for one in gradients.values())
    return bool((gap > SEEN * size + rounding).any())


def run_in(graph: Graph, inputs: Any, targets: Any, floats: Any) -> dict[int, Any]:
    """The values of nodes, each computed from the others in the short floats."""
    values: dict[int, Any] = {}
    with np.errstate(all="ignore"):
        for node in graph.needs(of=targets):
            op, args = graph.ops[node], [values[arg] for arg in graph.args[node]]
            if op is INPUT:
                value = inputs[node]
            elif op is CONSTANT:
                value = graph.constants[node]
            elif op.elementwise:
                value = op.value(*args)
            else:
                value = op.value(*args, batch=0, **graph.settings[node])
            values[node] = np.asarray(value, dtype=floats)
    return values
