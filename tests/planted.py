"""Random graphs, and wrong derivative rules to plant in them.

The graphs use every op of the table on scalars, vectors and matrices that broadcast; values stay small
and every node bears on the output. A wrong rule knows by what names of the catalogue it may go.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from oracle import guard_values

import bpx.ops as ops
from bpx.graph.arrays import Array, Shape
from bpx.graph.graph import Expr, Graph, Op
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.ops import exp, where
from bpx.ops.tensors import unbroadcast
from bpx.spec.python import spec_of

MARGIN = 0.02  # from a kink and from the edge of a domain
LARGEST = 20.0
FLAT = {"lt", "le", "gt", "ge", "eq", "ne", "step", "sign", "floor", "ceil", "round"}
GRID = (-2.0, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0)  # values that often stand exactly at a kink
WHOLE = [
    "matmul",
    "outer",
    "transpose",
    "reshape",
    "sum",
    "mean",
    "spread",
    "softmax",
    "log_softmax",
    "logsumexp",
]
DRAWN = [op for op in ops.rows() if op.elementwise or op.name in WHOLE]  # ops for random graphs
STEEP = [op for op in DRAWN if op.name not in FLAT]
OF_AN_ORDER = {"polygamma", "sinc_derivative"}  # whose first arg is a whole number
SHAPES: list[Shape] = [(), (3,), (4,), (2, 3), (3, 3)]
PRODUCTS: list[tuple[Shape, Shape]] = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((2,), (2, 3)),
    ((2, 3), (3, 4)),
    ((3, 3), (3, 3)),
    ((2, 2, 3), (3, 2)),
]


# --- random graphs ------------------------------------------------------------------------------


class Grown:
    """A random graph in the making. `kinked` inputs stand on a grid, and kinks are not kept away from."""

    def __init__(self, rng: np.random.Generator, kinked: bool = False) -> None:
        self.rng, self.kinked, self.graph = rng, kinked, Graph()
        self.inputs: dict[str, tuple[Expr, Array]] = {}
        self.values: dict[int, Array] = {}
        self.pool: list[Expr] = []

    def spec(self, must: Op | None, steps: int) -> tuple[NamedGraph, int]:
        """A spec of about `steps` nodes, and the one whose op is `must` (or any)."""
        before = int(self.rng.integers(0, steps))
        for _ in range(before):
            self.step(self.any_op())
        culprit = self.certain_step(must or self.any_op())
        for _ in range(steps - before - 1):
            self.step(self.any_op())
        return spec_of(self.joined(), self.inputs), culprit.id

    def any_op(self) -> Op:
        rows = DRAWN if self.kinked or self.rng.random() < 0.1 else STEEP
        return rows[self.rng.integers(len(rows))]

    def certain_step(self, op: Op) -> Expr:
        for _ in range(200):
            found = self.step(op)
            if found is not None:
                return found
        raise AssertionError(f"{op.name} does not fit anywhere")

    def step(self, op: Op) -> Expr | None:
        """One more node, unless its value would not do."""
        args = [self.node(shape) for shape in self.arg_shapes(op)]
        if self.has_an_edge(op):
            args = [self.within(op, arg) for arg in args]
        if op.name in OF_AN_ORDER:
            args[0] = self.graph.lift(float(self.rng.integers(3)))
        expr = self.graph.add(op, *args, **self.settings(op, args[0].shape))
        if not self.fits(expr):
            return None
        self.pool.append(expr)
        return expr

    def arg_shapes(self, op: Op) -> Sequence[Shape]:
        if op.name == "matmul":
            return PRODUCTS[self.rng.integers(len(PRODUCTS))]
        if op.name == "outer":
            return (3,), (2,)
        if not op.elementwise:
            return (SHAPES[self.rng.integers(1, len(SHAPES))],)
        shape = SHAPES[self.rng.integers(len(SHAPES))]
        return [shape if self.rng.random() < 0.7 else self.smaller(shape) for _ in op.args]

    def smaller(self, shape: Shape) -> Shape:
        """A shape that broadcasts to `shape`."""
        cut = shape[self.rng.integers(len(shape) + 1) :]
        return tuple(1 if self.rng.random() < 0.2 else n for n in cut)

    def settings(self, op: Op, shape: Shape) -> dict[str, Any]:
        axis = int(self.rng.integers(len(shape))) if shape else 0
        if op.name == "reshape":
            return {"shape": (math.prod(shape),) if len(shape) > 1 else (*shape, 1)}
        if op.name == "transpose":
            return {"axes": tuple(map(int, self.rng.permutation(len(shape))))}
        if op.name == "spread":
            return {"shape": (2, *shape), "axis": (0,)}
        if "keepdims" in op.settings:
            return {"axis": [None, axis][self.rng.integers(2)], "keepdims": bool(self.rng.integers(2))}
        return {"axis": axis} if "axis" in op.settings else {}

    def node(self, shape: Shape) -> Expr:
        known = [one for one in self.pool if one.shape == shape]
        if known and self.rng.random() < 0.85:
            return known[self.rng.integers(len(known))]
        expr = self.graph.input(shape)
        value = self.rng.choice(GRID, shape) if self.kinked else self.rng.normal(size=shape) * 1.2
        self.inputs[f"x{len(self.inputs)}"] = expr, value
        self.values[expr.id] = np.asarray(value)
        self.pool.append(expr)
        return expr

    def has_an_edge(self, op: Op) -> bool:
        places = [Graph().input() for _ in op.args]
        return any(guard.kind != "kink" for guard in op.guards(*places))

    def within(self, op: Op, arg: Expr) -> Expr:
        """The arg brought between 0.1 and 0.9, where nearly every op is defined, or else 1 higher (acosh)."""
        add, mul, half = ops.add, ops.mul, np.array(0.5)
        guards = guard_values(op, [half] * len(op.args)) if op.elementwise else []
        outside = any(kind != "kink" and not (found > 0).all() for kind, found in guards)
        return self.graph.add(
            add, 1.5 if outside else 0.5, self.graph.add(mul, 0.4, self.graph.add(ops.sin, arg))
        )

    def fits(self, expr: Expr) -> bool:
        self.values.update(run(self.graph, self.values, [expr.id]))
        value, args = self.values[expr.id], [self.values[arg.id] for arg in expr.args]
        if not np.isfinite(value).all() or np.max(np.abs(value)) > LARGEST:
            return False
        guards = guard_values(expr.op, args) if expr.op.elementwise else []
        return all(
            (self.kinked and kind == "kink") or bool((np.abs(found) > MARGIN).all()) for kind, found in guards
        )

    def joined(self) -> Expr:
        """The sum of all that is not used yet, each element with a weight of its own."""
        live = set(self.graph.needs(of=[expr.id for expr in self.pool]))
        used = {arg for node in live for arg in self.graph.args[node]}
        total: Expr | None = None
        for sink in self.pool:
            if sink.id not in used:
                weight = self.rng.uniform(0.5, 1.5, sink.shape) * self.rng.choice([-1.0, 1.0], sink.shape)
                term = self.graph.add(ops.mul, weight, sink)
                term = self.graph.add(ops.sum, term) if sink.shape else term
                total = term if total is None else self.graph.add(ops.add, total, term)
        assert total is not None
        return total


def random_spec(
    rng: np.random.Generator, must: Op | None = None, steps: int = 5, kinked: bool = False
) -> tuple[NamedGraph, int]:
    """A random spec with a scalar output, and one of its nodes (of the op `must`, if given)."""
    return Grown(rng, kinked).spec(must, steps)


# --- wrong rules --------------------------------------------------------------------------------


class Wrong(NamedTuple):
    """A row with a wrong rule for one arg; `codes` are the names it may go by, none if it has none."""

    kind: str
    op: Op
    position: int
    codes: frozenset[str] = frozenset()


class Met(NamedTuple):
    """What a rule is made of: its right result for one arg, and the handles around it."""

    right: Expr
    args: tuple[Expr, ...]
    out: Expr
    upstream: Expr | None = None
    settings: Mapping[str, Any] = {}


Change = Callable[[Met], Any]


def planted(spec: NamedGraph, node: int, op: Op) -> NamedGraph:
    """The spec with another row at one node."""
    graph = spec.graph.copy()
    graph.ops[node] = op
    return replace(spec, graph=graph)


def wrong_rules(spec: NamedGraph, node: int, position: int, rng: np.random.Generator) -> Iterator[Wrong]:
    """The rule of a node, wrong in every way there is for it."""
    op, expr = spec.graph.ops[node], spec.graph[node]
    for kind, change, codes in (*_of_any(), *_of_elementwise(op, position), *_of_arrays(expr, position, rng)):
        yield Wrong(kind, _changed(op, position, change), position, frozenset(codes.split()))


def arbitrary_rules(spec: NamedGraph, node: int, position: int, rng: np.random.Generator) -> Iterator[Wrong]:
    """The rule of a node with distortions that nobody has a name for."""
    op = spec.graph.ops[node]
    shape = None if op.elementwise else spec.graph[node].args[position].shape
    for kind, change in _distortions(shape, position, rng):
        yield Wrong(kind, _changed(op, position, change), position)


def _changed(op: Op, position: int, change: Change) -> Op:
    if op.local:
        rule = op.local

        def local(*given: Expr) -> tuple[Any, ...]:
            right = list(rule(*given))
            lifted = given[-1].graph.lift(right[position])
            right[position] = change(Met(lifted, given[:-1], given[-1]))
            return tuple(right)

        return replace(op, local=local)
    assert op.pull
    pulled = op.pull

    def pull(upstream: Expr, *given: Expr, **settings: Any) -> tuple[Any, ...]:
        right = list(pulled(upstream, *given, **settings))
        met = Met(right[position], given[:-1], given[-1], upstream, settings)
        right[position] = upstream.graph.lift(change(met))
        return tuple(right)

    return replace(op, pull=pull)


def _of_any() -> Iterator[tuple[str, Change, str]]:
    yield "sign", lambda met: -met.right, "sign"
    yield "factor 2", lambda met: 2 * met.right, "double"
    yield "factor 1/2", lambda met: 0.5 * met.right, "half"
    yield "factor 1.001", lambda met: 1.001 * met.right, "factor"
    yield "dropped", lambda met: met.right.graph.constant(np.zeros(met.right.shape)), "dropped"


def _of_elementwise(op: Op, position: int) -> Iterator[tuple[str, Change, str]]:
    if not op.local:
        return
    rule = op.local
    yield "unchanged", lambda met: 1, "unchanged"
    yield "reciprocal", lambda met: 1 / met.right, "reciprocal"
    if len(op.args) == 1:
        yield "own value", lambda met: met.out, "own-value"
        yield "at the input", lambda met: rule(met.args[0], met.args[0])[0], "at-input"
        yield "at the output", lambda met: rule(met.out, op(met.out))[0], "at-output"
    if len(op.args) == 2 and not op.chooses:
        yield "by the other arg", lambda met: rule(*met.args, met.out)[1 - position], "swapped"
        yield "exchanged", lambda met: _exchanged(op, met.args)[position], "exchanged swapped"
    if op.witness and op.name not in ("atan2", "abs", "leaky_relu", "elu", "selu"):
        yield "mask flipped", lambda met: 1 - met.right, "mask-flipped"
    for codes, slips in SLIPS.get((op.name, position), {}).items():
        for text, change in slips.items():
            yield text, change, codes


def _exchanged(op: Op, args: Sequence[Expr]) -> tuple[Any, ...]:
    """The derivatives of y/x, say, instead of those of x/y."""
    assert op.local
    return op.local(*reversed(args), op(*reversed(args)))


# Slips of the pen that people make in the rule of one op, by the names they may go by.
SLIPS: dict[tuple[str, int], dict[str, dict[str, Change]]] = {
    ("sigmoid", 0): {
        "slip": {"out*(1+out)": lambda m: m.out * (1 + m.out), "1-out": lambda m: 1 - m.out},
        "own-value slip": {"out": lambda m: m.out},
    },
    ("leaky_relu", 0): {
        "mask-flipped": {"the other slope": lambda m: where(m.args[0] > 0, m.args[1], 1)},
    },
    ("elu", 0): {
        "mask-flipped": {"the other slope": lambda m: where(m.args[0] > 0, m.args[1] * exp(m.args[0]), 1)},
    },
    ("selu", 0): {
        "mask-flipped": {
            "the other slope": lambda m: where(
                m.args[0] > 0, 1.758099340847377 * exp(m.args[0]), 1.0507009873554805
            )
        },
    },
    ("tanh", 0): {
        "slip inner-sign": {"1+out^2": lambda m: 1 + m.out**2},
        "slip": {"1-out": lambda m: 1 - m.out},
    },
    ("sqrt", 0): {
        "double inner-forgotten": {"1/out": lambda m: 1 / m.out},
        "at-input": {"1/(2*x)": lambda m: 1 / (2 * m.args[0])},
    },
    ("atan", 0): {
        "slip": {
            "1/(1-x^2)": lambda m: 1 / (1 - m.args[0] ** 2),
            "1/(1+x)": lambda m: 1 / (1 + m.args[0]),
        },
    },
    ("tan", 0): {"slip": {"1-out^2": lambda m: 1 - m.out**2}},
    ("log1p", 0): {"slip": {"1/x": lambda m: 1 / m.args[0], "1/(1-x)": lambda m: 1 / (1 - m.args[0])}},
    ("reciprocal", 0): {
        "slip not-squared": {"-out": lambda m: -m.out},
        "sign": {"out^2": lambda m: m.out**2},
    },
    ("softplus", 0): {"slip inner-forgotten": {"exp(x)": lambda m: ops.exp(m.args[0])}},
    ("square", 0): {"half path-dropped": {"x": lambda m: m.args[0]}},
    ("div", 1): {
        "not-squared slip": {"-x/y": lambda m: -m.args[0] / m.args[1]},
        "numerator-lost": {"-1/y^2": lambda m: -1 / m.args[1] ** 2},
    },
    ("pow", 0): {
        "exponent-kept slip": {"y*x^y": lambda m: m.args[1] * m.out},
        "exponent-lost slip": {"x^(y-1)": lambda m: m.args[0] ** (m.args[1] - 1)},
    },
}


def _of_arrays(expr: Expr, position: int, rng: np.random.Generator) -> Iterator[tuple[str, Change, str]]:
    op, shape = expr.op, expr.args[position].shape
    if not op.pull:
        return
    pull, one_off = op.pull, np.ones(shape)
    if one_off.size > 2:
        one_off.flat[rng.integers(one_off.size)] = 1.1
        yield "one element", lambda met: met.right * met.out.graph.constant(one_off), "one-element"

    def of_ones(met: Met) -> Any:
        ones = met.out.graph.constant(np.ones(met.out.shape))
        return pull(ones, *met.args, met.out, **met.settings)[position]

    yield "upstream forgotten", of_ones, "upstream-forgotten"
    if expr.shape == shape:
        yield "unchanged", lambda met: met.upstream, "unchanged"
    if len(shape) == 2 and shape[0] == shape[1]:
        yield "result transposed", lambda met: met.right.T, "result-transposed not-transposed"
    if shape:
        n = float(shape[-1])
        yield "mean lost", lambda met: n * met.right, "mean-lost double"
        yield "mean doubled", lambda met: met.right / n, "mean-doubled half"
    if op.name == "softmax":
        yield "diagonal only", lambda met: met.upstream * (met.out * (1 - met.out)), "diagonal-only"
        yield "sum left out", lambda met: met.upstream * met.out, "slip"
    if op.name == "log_softmax":
        yield "diagonal only", lambda met: met.upstream * (1 - ops.exp(met.out)), "diagonal-only"
    if op.name == "matmul" and {len(arg.shape) for arg in expr.args} == {2}:
        yield from _of_products(expr, position)


def _of_products(expr: Expr, position: int) -> Iterator[tuple[str, Change, str]]:
    tries: list[tuple[str, Change, str]] = [
        (
            "missing transpose",
            lambda m: m.upstream @ m.args[1] if position == 0 else m.args[0] @ m.upstream,
            "not-transposed",
        ),
        (
            "order swapped",
            lambda m: m.args[1].T @ m.upstream if position == 0 else m.upstream @ m.args[0].T,
            "order-swapped",
        ),
    ]
    a, b = (arg.shape for arg in expr.args)
    if a == b and a[0] == a[1]:
        yield from tries


def _distortions(
    shape: Shape | None, position: int, rng: np.random.Generator
) -> Iterator[tuple[str, Change]]:
    """Arbitrary changes; for a rule of arrays what is mixed in has the shape of the arg."""
    a, b, c = rng.uniform(0.3, 1.7, 3) * rng.choice([-1.0, 1.0], 3)
    sin, cos = ops.sin, ops.cos

    def near(met: Met) -> Expr:
        return met.args[position] if shape is not None else met.args[0]

    yield "wavy factor", lambda m: m.right * (1 + 0.3 * sin(a * near(m) + b))
    yield "something added", lambda m: m.right + c * cos(a * near(m) + b)
    yield "combination", lambda m: a * m.right + b * near(m) + c
    if shape is None:
        yield "of the value", lambda m: m.right * (1 + 0.2 * cos(a * m.out + b)) + 0.1 * c


# --- what a mistake does ------------------------------------------------------------------------


def contribution(graph: Graph, op: Op, node: int, position: int, upstream: Expr) -> Expr:
    """What a row hands back to one arg of a node."""
    expr = graph[node]
    if op.local:
        return unbroadcast(upstream * op.local(*expr.args, expr)[position], expr.args[position].shape)
    assert op.pull
    return graph.lift(op.pull(upstream, *expr.args, expr, **graph.settings[node])[position])


def change(spec: NamedGraph, node: int, wrong: Wrong, upstream: Array) -> float:
    """How far, relatively, the wrong rule hands back something else; infinite where it is not finite."""
    graph = spec.graph.copy()
    seed = graph.constant(upstream)
    rows = (spec.graph.ops[node], wrong.op)
    both = [contribution(graph, op, node, wrong.position, seed) for op in rows]
    found = run(graph, spec.input_values, [one.id for one in both])
    right, other = (found[one.id] for one in both)
    with np.errstate(all="ignore"):
        gap = np.abs(right - other) / np.maximum(np.abs(right), np.abs(other))
    gap = np.where(right == other, 0.0, gap)
    return math.inf if np.isnan(gap).any() else float(np.max(gap))
