"""`NamedGraph` → `Explanation`: a complete account of the forward and the reverse pass, as plain rows.

Every number is the value of a node and every formula the printing of one. Renderers are pure
functions of the account.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.explain.explanation import (
    EdgeRow,
    Expansion,
    Explanation,
    NodeRow,
    PathRow,
    PathTable,
    SecondRow,
    Step,
)
from bpx.explain.layers import is_within, layers_of
from bpx.graph.arrays import Array
from bpx.graph.formula import MOST_IN_A_RULE, formula, ops_written, partial
from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import not_an_input
from bpx.graph.numbers import DIGITS, LARGEST_SHOWN, array, number, shape_text
from bpx.graph.run import run
from bpx.passes.domain import (
    broadcast_warnings,
    gradient_warnings,
    kink_notes,
    overflow_warnings,
    value_problems,
)
from bpx.passes.query import arriving, asked_nodes, listed, unknown_node
from bpx.passes.reverse import Edge, handed_back, reverse
from bpx.render.plain_data import plain_value
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.passes.paths import PathLedger

_COMES_DOWN = "upstream"  # in the account of a path: what comes down this path, not the whole
MOST_SECOND = 64  # entries of all inputs together, for second derivatives


@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def explain(
    spec: NamedGraph,
    *,
    of: str | None = None,
    wrt: str | Iterable[str] | None = None,
    upstream: Any = None,
    expand: str | Iterable[str] | None = None,
    paths: str | Iterable[str] | None = None,
    second: bool = False,
    step: float | None = None,
    node: str | None = None,
    check: bool = True,
) -> Explanation:
    """The account of `spec`, or of its node `of`, with respect to the nodes `wrt`.

    `upstream` is the gradient arriving at the output, of its shape (default 1; for an output that is
    not scalar ones, so that the gradient is that of the sum). `expand` names nodes to rewrite in simpler
    ops, or `"all"`. `paths` names inputs whose paths are listed (an empty list: all). `second` adds
    second derivatives, `step` a step of gradient descent at that rate. `node` names a node or a layer to
    be shown alone; `check` compares the gradients with differences.

    Raises `BpxError` where a name is unknown, a shape does not fit or a value is not finite.
    """
    expand, wrt, paths = listed(expand), listed(wrt), listed(paths)
    spec = replace(spec, graph=spec.graph.copy())  # the reverse pass is appended to a graph of its own
    request = _Request(spec, of, wrt, upstream)
    account = request.account()
    if expand:
        from bpx.passes.expand import chosen_names, expanded

        chosen, fused = chosen_names(spec, expand), account
        request = _Request(expanded(spec, expand), of, wrt, upstream)
        account = request.account()
        account = replace(account, expanded=Expansion(chosen, _digits_agreed(fused, account)))
    if node is not None:
        account = replace(account, opened=_opened(account, node))
    if paths is not None:
        account = replace(account, paths=request.path_tables(paths))
    if second:
        account = replace(account, second=request.second_rows())
    if step is not None:
        taken = request.step(step)
        account = replace(account, step=taken, notes=(*account.notes, *_step_warnings(taken)))
    if check:
        from bpx.check.quick_check import checkup

        account = replace(account, check=checkup(request.spec, request.ledger, request.wrt, request.seed))
    if spec.expect and of is None and upstream is None:
        from bpx.explain.expect import stated, unmet

        account = replace(
            account,
            stated=stated(spec.expect),
            unmet=tuple(unmet(spec.expect, account, request.gradients_by_name(spec.expect.gradients))),
        )
    return account


def _opened(account: Explanation, name: str) -> str:
    names = [row.name for row in account.nodes]
    if any(is_within(one, name) for one in names):
        return name
    layers = dict.fromkeys(row.layer for row in account.nodes if row.layer)
    raise BpxError([unknown_node(name, dict.fromkeys([*layers, *names]))])


def _step_warnings(step: Step) -> Iterable[Diagnostic]:
    if not math.isfinite(step.after):
        yield Diagnostic("step-not-finite", None, {"after": plain_value(step.after)}, severity="warning")


class _Request:
    """One output and what its gradient is asked for: the values and ledger all parts share."""

    def __init__(self, spec: NamedGraph, of: str | None, wrt: Sequence[str] | None, upstream: Any) -> None:
        self.spec, self.graph = spec, spec.graph
        self.whole, self.weighted = of is None, upstream is not None
        self.output, self.wrt = asked_nodes(spec, of, wrt)
        self.seed, notes = arriving(self.graph.shapes[self.output], upstream)
        self.notes = [*spec.warnings, *notes]
        self.ledger = reverse(
            self.graph[self.output],
            [self.graph[node] for node in self.wrt.values()],
            self.graph.constant(self.seed),
        )
        self.forward = self.forward_nodes()
        self.values = self.run()

    def forward_nodes(self) -> list[int]:
        also = self.spec.steps.values() if self.whole else ()
        inputs = [one.node for one in self.spec.inputs] if self.whole else ()
        return self.graph.needs(of=[self.output, *also, *inputs])

    def run(self) -> dict[int, Array]:
        values = run(self.graph, self.spec.given, self.forward)
        problems = value_problems(self.spec, values)
        if problems:
            raise BpxError(problems)
        targets = {node for edge in self.ledger.edges for node in _numbers_of(edge)}
        values = run(
            self.graph,
            {**self.spec.given, **values},
            [*self.forward, *targets, *self.ledger.upstream.values()],
        )
        for value in values.values():
            if isinstance(value, np.ndarray):
                value.setflags(write=False)  # rows share arrays; a change in one would change others
        return values

    def account(self) -> Explanation:
        self.notes += broadcast_warnings(self.spec)
        self.notes += gradient_warnings(self.spec, self.ledger, self.values)
        self.notes += overflow_warnings(self.spec, self.ledger, self.values)
        self.notes += kink_notes(self.spec, self.ledger, self.values)
        roles = {one.node: one.role for one in self.spec.inputs}
        names = self.names()
        layers = layers_of(names)
        gradients = {name: self.gradient(node) for name, node in self.wrt.items()}
        return Explanation(
            title=self.spec.title,
            output=self.output,
            names=names,
            inputs=tuple(one.name for one in self.spec.inputs),
            nodes=tuple(self.node_row(node, roles.get(node), layers[node]) for node in self.forward),
            edges=tuple(self.edge_row(edge) for edge in self.ledger.edges),
            gradients=gradients,
            independent=tuple(name for name, node in self.wrt.items() if node not in self.ledger.upstream),
            ops=self.ops(),
            notes=tuple(self.notes),
        )

    def ops(self) -> dict[str, str | None]:
        """The ops the reverse pass came by, each with what it is in simpler ones, if it is."""
        used = dict.fromkeys(self.graph.ops[edge.consumer] for edge in self.ledger.edges)
        composite = {op for op in used if op.expands}
        if composite:
            from bpx.explain.op_reference import meaning
        return {op.name: meaning(op) if op in composite else None for op in used}

    def names(self) -> dict[int, str]:
        names = self.spec.names
        return {node: names.get(node) or formula(self.graph, node, names) for node in self.forward}

    def gradient(self, node: int) -> Array:
        found = self.ledger.gradient(node)
        return np.zeros(self.graph.shapes[node]) if found is None else self.values[found.id]

    def gradients_by_name(self, names: Iterable[str]) -> dict[str, Array]:
        """∂output/∂node by name, also of nodes that this request does not ask for, such as targets."""
        missing = {name: None for name in names if self.spec.nodes[name] not in self.ledger.upstream}
        other = _Request(self.spec, None, list(missing), None) if missing else self
        return {name: (other if name in missing else self).gradient(self.spec.nodes[name]) for name in names}

    def node_row(self, node: int, role: str | None, layer: str) -> NodeRow:
        graph, names = self.graph, self.spec.names
        text = formula(graph, node, names)
        upstream = self.ledger.gradient(node)
        return NodeRow(
            node,
            names.get(node, text),
            graph.ops[node].name,
            graph.args[node],
            names[node] if role else text,
            self.with_numbers(node),
            graph.shapes[node],
            self.values[node],
            None if upstream is None else self.values[upstream.id],
            role,
            layer,
        )

    def with_numbers(self, node: int) -> str | None:
        graph = self.graph
        if graph.ops[node] in (INPUT, CONSTANT):
            return None
        if any(math.prod(graph.shapes[arg]) > LARGEST_SHOWN for arg in graph.args[node]):
            return None
        digits = self.digits_needed(node)
        return formula(graph, node, atom=lambda arg: array(self.values[arg], digits))

    def digits_needed(self, node: int) -> int:
        """As many digits as it takes to get the node's value from its args as they are written.

        Where digits cancel, as in 123456789 - 123456788.5, six are not enough.
        """
        args = [self.values[arg] for arg in self.graph.args[node]]
        op, value = self.graph.ops[node], self.values[node]
        if not op.elementwise or any(np.ndim(arg) for arg in args):
            return DIGITS
        for digits in (DIGITS, 9, 12):
            rounded = op.value(*(np.float64(number(float(arg), digits)) for arg in args))
            if abs(rounded - value) <= 2 * 10.0 ** (1 - DIGITS) * abs(value):
                return digits
        return 17

    def edge_row(self, edge: Edge, upstream: str | None = None) -> EdgeRow:
        local = None if edge.local is None else self.values[edge.local]
        return EdgeRow(
            edge.consumer,
            edge.arg,
            edge.position,
            self.pull_formula(edge, upstream) if edge.local is None else self.local_formula(edge.local),
            local,
            self.values[edge.upstream],
            self.values[edge.contribution],
            self.summed_axes(edge),
            edge.local is not None and not np.any(self.graph.constants.get(edge.local, 1.0)),
        )

    def local_formula(self, node: int) -> str:
        return formula(self.graph, node, self.spec.names, open_root=False)

    def summed_axes(self, edge: Edge) -> tuple[int, ...]:
        if edge.local is None:
            return ()
        out, arg = self.graph.shapes[edge.consumer], self.graph.shapes[edge.arg]
        padded = (0,) * (len(out) - len(arg)) + arg
        return tuple(axis for axis, (n, m) in enumerate(zip(out, padded, strict=True)) if n != m)

    def pull_formula(self, edge: Edge, upstream_name: str | None) -> str:
        """The rule itself, applied to placeholders and printed."""
        scratch, shapes, names = Graph(), self.graph.shapes, self.spec.names
        op, settings = self.graph.ops[edge.consumer], self.graph.settings[edge.consumer]
        upstream = scratch.input(shapes[edge.consumer])
        args = [scratch.input(shapes[arg]) for arg in self.graph.args[edge.consumer]]
        out = scratch.input(shapes[edge.consumer])
        texts = {upstream.id: upstream_name or self.partial(edge.consumer), out.id: names[edge.consumer]}
        for expr, arg in zip(args, self.graph.args[edge.consumer], strict=True):
            texts[expr.id] = names.get(arg) or formula(self.graph, arg, names)
        contribution = handed_back(op, upstream, args, out, settings)[edge.position]
        if contribution is None:
            return "0"
        if ops_written(scratch, contribution.id, texts) > MOST_IN_A_RULE:
            return say("account.by-parts", name=names[edge.consumer])
        return formula(scratch, contribution.id, texts, open_root=False)

    def partial(self, node: int) -> str:
        return partial(self.spec.names[self.output], self.spec.names[node])

    # --- looking closer ---

    def path_tables(self, inputs: Sequence[str]) -> tuple[PathTable, ...]:
        from bpx.passes.paths import path_ledger

        unknown = [name for name in inputs if name not in self.wrt]
        if unknown:
            raise BpxError([not_an_input(name, self.wrt) for name in unknown])
        ledgers = {name: path_ledger(self.ledger, self.values, self.wrt[name]) for name in inputs or self.wrt}
        return tuple(self.path_table(name, ledger) for name, ledger in ledgers.items())

    def path_table(self, name: str, ledger: PathLedger) -> PathTable:
        rows = [
            PathRow(
                (self.output, *(edge.arg for edge in path.edges)),
                tuple(self.edge_row(edge, _COMES_DOWN).local_formula for edge in path.edges),
                tuple(None if edge.local is None else self.values[edge.local] for edge in path.edges),
                path.product,
                path.running,
                tuple(self.summed_axes(edge) for edge in path.edges),
            )
            for path in ledger.shown
        ]
        return PathTable(name, ledger.path_count, tuple(rows), ledger.rest, ledger.total)

    def second_rows(self) -> tuple[SecondRow, ...]:
        """One batched run for each input: the batch holds a one-hot upstream for each entry of it."""
        graph = self.graph
        inputs = {one.node for one in self.spec.inputs}
        if not inputs.issuperset(self.wrt.values()):
            raise BpxError([Diagnostic("second-of-inputs")])
        size = sum(math.prod(graph.shapes[node]) for node in self.wrt.values())
        if size > MOST_SECOND:
            raise BpxError([Diagnostic("too-many-second", None, {"size": size, "most": MOST_SECOND})])
        return tuple(row for name in self.wrt for row in self.second_rows_of(name))

    def second_rows_of(self, name: str) -> list[SecondRow]:
        graph, shape = self.graph, self.graph.shapes[self.wrt[name]]
        size = math.prod(shape)
        by = {other: np.zeros((*graph.shapes[node], size)) for other, node in self.wrt.items()}
        gradient = self.ledger.gradient(self.wrt[name])
        if gradient is not None:
            seed = graph.input(shape)
            ledger = reverse(gradient, [graph[node] for node in self.wrt.values()], seed)
            given = {node: value[..., np.newaxis] for node, value in self.values.items()}
            given = {one.node: given[one.node] for one in self.spec.inputs if one.node in given}
            given[seed.id] = np.eye(size).reshape(*shape, size)
            found = {other: ledger.gradient(node) for other, node in self.wrt.items()}
            values = run(graph, given, [expr.id for expr in found.values() if expr is not None], batch=True)
            for other, expr in found.items():
                if expr is not None:
                    by[other] = np.broadcast_to(values[expr.id], by[other].shape)
        return [
            SecondRow(name, tuple(map(int, index)), {other: block[..., i] for other, block in by.items()})
            for i, index in enumerate(np.ndindex(*shape))
        ]

    def step(self, rate: float) -> Step:
        if self.weighted:
            raise BpxError([Diagnostic("step-with-upstream")])
        if not math.isfinite(rate):
            raise BpxError([Diagnostic("bad-rate", None, {"found": rate})])
        shape = self.graph.shapes[self.output]
        if shape:
            raise BpxError([Diagnostic("step-needs-scalar", None, {"shape": shape_text(shape)})])
        moved = [one for one in self.spec.inputs if one.name in self.wrt]
        moved = [one for one in moved if one.role == "parameter"] or moved
        if not moved:
            raise BpxError([Diagnostic("step-without-inputs")])
        gradients = {one.name: self.gradient(one.node) for one in moved}
        updates = {
            one.name: (one.value, -rate * gradients[one.name], one.value - rate * gradients[one.name])
            for one in moved
        }
        given = {**self.spec.given, **{one.node: updates[one.name][2] for one in moved}}
        after = float(run(self.graph, given, [self.output])[self.output])
        before = float(self.values[self.output])
        squared = float(sum(np.sum(gradient**2) for gradient in gradients.values()))
        return Step(rate, before, after, before - rate * squared, squared, updates)


def _numbers_of(edge: Edge) -> Iterable[int]:
    return [node for node in (edge.local, edge.upstream, edge.contribution) if node is not None]


def _digits_agreed(one: Explanation, other: Explanation) -> float:
    """Decimal digits to which the output and all gradients of two accounts agree.

    A gradient is measured against the largest contribution to it, which is what it was rounded to.
    """
    names = {name: node for node, name in one.names.items()}
    arriving: dict[int, float] = {}
    for edge in one.edges:
        arriving[edge.arg] = max(arriving.get(edge.arg, 0.0), float(np.abs(edge.contribution).max()))
    digits = [_digits(one.value, other.value, 0.0)]
    digits += [
        _digits(value, other.gradients[name], arriving.get(names[name], 0.0))
        for name, value in one.gradients.items()
    ]
    return min(digits)


def _digits(a: Array, b: Array, scale: float) -> float:
    if np.array_equal(a, b, equal_nan=True):
        return math.inf
    with np.errstate(invalid="ignore"):
        gap = float(np.abs(np.subtract(a, b)).max())
    scale = max(scale, float(np.abs(a).max()), float(np.abs(b).max()))
    return max(0.0, -math.log10(gap / scale)) if math.isfinite(scale) and math.isfinite(gap) else 0.0
