"""What the tests of the checker share: specs, rules made wrong on purpose, and true slopes.

True slopes are differences at 50 digits of the oracle's own ops, along a graph of bpx: nothing of the
checker and no rule of the table takes part in them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import oracle
import pytest
from oracle import mp

from bpx.check.balls import ball_context
from bpx.check.numeric import multiprecision_slopes
from bpx.check.whole import graph_multiprecision
from bpx.check.whole.checked_graph import CheckedGraph, Query
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.reverse import pullback, zeros
from bpx.spec.reading.read import read_expression, read_spec
from bpx.words.diagnostic import Source

Change = Callable[..., Any]  # (the right derivative, *args, out) → a wrong one

CHANGES: dict[str, Change] = {
    "scaled": lambda right, *args: right * 1.001,
    "turned": lambda right, *args: -1 * right,
    "dropped": lambda right, *args: 0 * right,
}


# --- specs --------------------------------------------------------------------------------------


def spec(expression: str, **values: Any) -> NamedGraph:
    """The spec of an expression."""
    return read_expression(Source("<expression>", expression), values)


def toml(text: str) -> NamedGraph:
    """The spec in a TOML text."""
    return read_spec(Source("spec.toml", text), "toml")


def point_of(spec: NamedGraph, *, detect: float = 1e-5) -> CheckedGraph:
    """The values of a spec, ready to be checked; an output that is not scalar is summed."""
    wrt = {one.name: one.node for one in spec.inputs}
    query = Query(spec, spec.output, wrt, np.ones(spec.graph.shapes[spec.output]), detect)
    return CheckedGraph.at(query, spec.input_values)


LOGISTIC = """bpx = 1
output = "L"
[inputs]
x = [1.5, -0.5]
w = [0.8, -1.2]
b = 0.1
y = { value = 1.0, role = "target" }
[graph]
z = "w @ x + b"
a = "sigmoid(z)"
L = "-(y*log(a) + (1-y)*log(1-a))"
"""


def in_float64_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without balls and without more digits, as where there are too many entries for these."""
    monkeypatch.setattr(ball_context, "available", lambda: False)
    monkeypatch.setattr(multiprecision_slopes, "slopes", lambda function, x: None)
    monkeypatch.setattr(graph_multiprecision, "_claimed", lambda evaluation, digits: None)


# --- rules made wrong ---------------------------------------------------------------------------


def wrong(op: Op, position: int, change: Change) -> Op:
    """The op with its derivative by one arg changed."""

    def changed(derivatives: tuple[Any, ...], args: tuple[Any, ...]) -> tuple[Any, ...]:
        parts = list(derivatives)
        parts[position] = change(parts[position], *args)
        return tuple(parts)

    if op.local:
        return replace(op, local=lambda *args: changed(op.local(*args), args))

    def pull(upstream: Expr, *args: Expr, **settings: Any) -> tuple[Any, ...]:
        *given, out = args
        handed = pullback(op, upstream, given, out, settings)
        full = [zeros(arg) if one is None else one for arg, one in zip(given, handed, strict=True)]
        return changed(tuple(full), (upstream, *args))

    return replace(op, pull=pull)


def planted(spec: NamedGraph, name: str, position: int, change: Change) -> NamedGraph:
    """The spec with the rule of one node made wrong."""
    graph, node = spec.graph.copy(), spec.nodes[name]
    graph.ops[node] = wrong(graph.ops[node], position, change)
    return replace(spec, graph=graph)


# --- true slopes --------------------------------------------------------------------------------


def weighted_output(spec: NamedGraph, seed: Array, given: dict[int, Any]) -> Any:
    """Σ seed · output at 50 digits."""
    graph, values = spec.graph, dict(given)
    for node in graph.needs(of=[spec.output]):
        if node in graph.constants:
            values[node] = lifted(graph.constants[node])
        elif node not in values:
            values[node] = _value(graph.ops[node], [values[arg] for arg in graph.args[node]], graph, node)
    return np.sum(lifted(seed) * values[spec.output])


def _value(op: Op, args: list[Any], graph: Any, node: int) -> Any:
    if op.elementwise:
        return np.asarray(np.frompyfunc(oracle.VALUES[op.name], len(args), 1)(*args), dtype=object)
    return np.asarray(oracle.tensor(op.name, *args, **graph.settings[node]), dtype=object)


def lifted(values: Any) -> Any:
    """An array of numbers of 50 digits."""
    return np.asarray(np.frompyfunc(mp.mpf, 1, 1)(np.asarray(values, dtype=float)), dtype=object)


def true_slopes(spec: NamedGraph, seed: Array, node: int, flat: int) -> tuple[Any, Any]:
    """The slopes to the left and to the right by one entry of an input, to 20 digits and more."""
    given = {one: lifted(value) for one, value in spec.input_values.items()}
    here = weighted_output(spec, seed, given)
    step = mp.mpf(10) ** -24 * (abs(given[node].flat[flat]) or 1)
    sides = []
    for side in (-step, step):
        moved = given[node].copy()
        moved.flat[flat] += side
        sides.append((weighted_output(spec, seed, {**given, node: moved}) - here) / side)
    return sides[0], sides[1]
