"""Where a graph leaves the domain of an op, stops being finite, or is not differentiable (a kink).

The facts are the guards of the op rows, built as nodes beside the graph and evaluated with it. Only the first
nodes of a failure are named: what depends on them fails for no reason of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from bpx.graph.arrays import Array, are_finite, is_finite
from bpx.graph.facts import Guard, Refusal, no_guards
from bpx.graph.formula import formula, symbol
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import SHOWN_DIGITS, number, shape_text
from bpx.graph.run import run
from bpx.graph.subgraph import expansion, guards
from bpx.passes.reverse import Ledger, reverse
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say

_MOST_OPS = 8  # of a formula in a sentence


def value_problems(spec: NamedGraph, values: Mapping[int, Array]) -> list[Diagnostic]:
    """The nodes where values first stop being finite, each with the guard that says why."""
    graph = spec.graph
    if are_finite(values):
        return []
    not_finite = {node for node, value in values.items() if not is_finite(value)}
    first = [node for node in sorted(not_finite) if not not_finite.intersection(graph.args[node])]
    failing = _failing(spec, values, first)
    return [_value_problem(spec, values, node, failing[node]) for node in first]


def _value_problem(
    spec: NamedGraph, values: Mapping[int, Array], node: int, failing: Iterable[_Failure]
) -> Diagnostic:
    span, text, value = spec.origins.get(node), written(spec, node), values[node]
    # The op itself knows best: it names the element that it cannot take.
    refusal = _refusal(spec.graph, values, node)
    if refusal:
        return Diagnostic(refusal.code, span, {"node": text, **refusal.facts})
    for guard, guard_text, worst in failing:
        # A kink does not keep the value from being finite, nor does a sqrt at exactly 0.
        if guard.kind != "kink" and (worst < 0 or guard.kind != "nonnegative"):
            facts = {"node": text, "op": spec.graph.ops[node].name, **_need(guard, guard_text, worst)}
            return Diagnostic("outside-domain", span, facts)
    first = value[~np.isfinite(value)].flat[0] if np.ndim(value) else value
    return Diagnostic("not-finite", span, {"node": text, "value": number(float(first))}, "stable-op")


def refused_in_reverse(
    spec: NamedGraph, graph: Graph, values: Mapping[int, Array], exprs: Iterable[int]
) -> Diagnostic | None:
    """Why an op has no value among the nodes of a reverse pass that `exprs` need, where it says so itself.

    The derivative of order 171 of a function that bpx knows up to 170 is one. The `graph` is that of `spec`
    with the reverse pass.
    """
    needed = [node for node in graph.needs(of=exprs, known=values) if graph.ops[node].refuses]
    numbers = {**values, **run(graph, values, [arg for node in needed for arg in graph.args[node]])}
    for node in needed:
        refusal = _refusal(graph, numbers, node)
        if refusal:
            text = str(formula(graph, node, spec.names))
            return Diagnostic(refusal.code, None, {"node": text, **refusal.facts})
    return None


def _refusal(graph: Graph, values: Mapping[int, Array], node: int) -> Refusal | None:
    """Why the op takes no such values, where it says so itself (a class that is no whole number)."""
    refuses = graph.ops[node].refuses
    args = [values[arg] for arg in graph.args[node]]
    return refuses(*args, **graph.settings[node]) if refuses else None


def gradient_warnings(spec: NamedGraph, ledger: Ledger, values: Mapping[int, Array]) -> Iterator[Diagnostic]:
    """Warnings for edges where the local derivative, or failing that the contribution, is not finite."""
    nodes = _first_infinite_nodes(ledger, values)
    for node, failing in _failing(spec, values, nodes).items():
        facts = {"node": written(spec, node), "op": spec.graph.ops[node].name}
        if failing:
            # One reason is enough for a warning.
            facts |= _need(*failing[0], strict=True)
        if all(is_finite(values[edge.contribution]) for edge in ledger.edges if edge.consumer == node):
            yield Diagnostic("zero-times-infinite", spec.origins.get(node), facts, severity="note")
            continue
        code = "no-derivative" if failing else "infinite-gradient"
        yield Diagnostic(code, spec.origins.get(node), facts, severity="warning")


def _first_infinite_nodes(ledger: Ledger, values: Mapping[int, Array]) -> list[int]:
    """The nodes with a contribution that is not finite although their upstream gradient was."""
    nodes: dict[int, None] = {}
    if are_finite(values):
        return []
    for edge in ledger.edges:
        numbers = [edge.contribution] if edge.local is None else [edge.contribution, edge.local]
        breaks = not all(is_finite(values[number]) for number in numbers)
        if breaks and is_finite(values[edge.upstream]):
            nodes[edge.consumer] = None
    return list(nodes)


def overflow_warnings(spec: NamedGraph, ledger: Ledger, values: Mapping[int, Array]) -> Iterator[Diagnostic]:
    """Warnings for nodes where contributions are finite, but their sum is not."""
    if are_finite(values):
        return
    # The output gets no contribution, only the seed: it counts as finite.
    finite = dict.fromkeys(ledger.upstream, True)
    for edge in ledger.edges:
        finite[edge.arg] = finite[edge.arg] and is_finite(values[edge.contribution])
    for node, upstream in ledger.upstream.items():
        if finite[node] and not is_finite(values[upstream]):
            facts = {"node": written(spec, node)}
            yield Diagnostic("infinite-gradient", spec.origins.get(node), facts, severity="warning")


def kink_notes(spec: NamedGraph, ledger: Ledger, values: Mapping[int, Array]) -> Iterator[Diagnostic]:
    """A note for each node of the reverse pass that is at a kink: the guard, and the derivative bpx takes."""
    graph = spec.graph
    consumers = sorted({edge.consumer for edge in ledger.edges})
    simple = [node for node in consumers if not graph.ops[node].composite]
    fixed = fixed_choices(spec, [leaf.node for leaf in spec.inputs])
    evaluated = _evaluated(graph, values, [node for node in simple if node not in fixed])
    kinks = [fact for fact in evaluated if fact.guard.kind == "kink"]
    locals_of: dict[int, list[int]] = {}
    for edge in ledger.edges:
        if edge.local is not None:
            locals_of.setdefault(edge.consumer, []).append(edge.local)
    for node, _, expr, value in kinks:
        if np.any(value == 0):
            locals_ = [_local_at_kink(values[local], value == 0) for local in locals_of[node]]
            yield kink_note(spec, node, name_or_formula(spec, expr.id), locals_)
    for node in consumers:
        if graph.ops[node].composite:
            for inner in _kinked_inside(graph, node, values):
                yield _at_kink(spec, node, "at-kink-inside", inner=inner)


def kink_note(spec: NamedGraph, node: int, guard: str, locals_: Iterable[str]) -> Diagnostic:
    """The note for a node where a guard is 0, and the local derivatives that bpx takes."""
    return _at_kink(spec, node, "at-kink", guard=guard, local=say("word.list").join(locals_))


def kink_text(spec: NamedGraph, node: int, number: int) -> str:
    """What is 0 at one of the kinks of a node; the graph of the specification gets the nodes for it."""
    kinks = [built for built in guards(spec.graph[node]) if built.guard.kind == "kink"]
    return name_or_formula(spec, kinks[number].shown.id)


def _at_kink(spec: NamedGraph, node: int, code: str, **facts: str) -> Diagnostic:
    facts = {"node": written(spec, node), "op": spec.graph.ops[node].name, **facts}
    return Diagnostic(code, spec.origins.get(node), facts, severity="note")


def _kinked_inside(graph: Graph, node: int, values: Mapping[int, Array]) -> list[str]:
    """The ops inside a composite one that are at a kink, where that bears on its value.

    A tie of elements that are not the largest does not bear on the maximum of all.
    """
    args = graph.args[node]
    inside = expansion(graph.ops[node], [graph.shapes[arg] for arg in args], graph.settings[node])
    # The subgraph is shared by all nodes of its op and shapes: the reverse pass goes on a copy.
    copy = inside.graph.copy()
    arg_values = {place: values[arg] for place, arg in zip(inside.args, args, strict=True)}
    root = copy[inside.root]
    upstream = reverse(root, [copy[place] for place in inside.args], np.ones(root.shape)).upstream
    jumps = len(graph.ops[node].chooses) == len(args)  # its gradient is 0, wherever it is evaluated
    numbers = run(copy, arg_values, [root.id, *upstream.values()])
    kinked: dict[str, None] = {}  # as an ordered set
    for inner in copy.needs(of=[root.id]):
        bears = numbers[upstream[inner]] != 0 if inner in upstream and not jumps else np.True_
        if copy.ops[inner].composite and np.any(bears):
            kinked.update(dict.fromkeys(_kinked_inside(copy, inner, numbers)))
        elif any(np.any((guard == 0) & bears) for guard in _kink_guards(copy, inner, numbers)):
            kinked[copy.ops[inner].name] = None
    return list(kinked)


def _kink_guards(graph: Graph, node: int, values: Mapping[int, Array]) -> list[Array]:
    """The values of the guards that say where a simple node has a kink."""
    return [fact.value for fact in _evaluated(graph, values, [node]) if fact.guard.kind == "kink"]


def _local_at_kink(local: Array, kinked: Array) -> str:
    """The local derivative, by bpx's convention, at the first element that is at a kink."""
    local, kinked = np.broadcast_arrays(local, kinked)
    return number(local[kinked].flat[0], SHOWN_DIGITS)


def choosing(graph: Graph, size: int | None = None) -> set[int]:
    """The nodes that are there only to choose, as the number of a class is, and mean nothing when moved.

    Of the first `size` nodes, where a reverse pass follows.
    """
    chooses, measures = set[int](), set[int]()
    for op, args in zip(graph.ops[:size], graph.args[:size], strict=True):
        for position, arg in enumerate(args):
            (chooses if position in op.chooses else measures).add(arg)
    return chooses - measures


def fixed_choices(spec: NamedGraph, wrt: Iterable[int]) -> set[int]:
    """The nodes that choose by what nobody moves: a mask of 0 and 1 is no kink, though it be 0.

    Unless it is all that is asked about, by the nodes `wrt`.
    """
    graph = spec.graph
    if not any(op.chooses for op in set(graph.ops)):
        return set()
    choosers = choosing(graph, spec.size)
    if choosers.issuperset(wrt):
        return set()
    movers = [leaf.node for leaf in spec.inputs if leaf.node not in choosers]
    moved = graph.touched(by=movers, upto=spec.size - 1)
    return {
        node
        for node in range(spec.size)
        if graph.ops[node].chooses
        and not any(moved[graph.args[node][position]] for position in graph.ops[node].chooses)
    }


def broadcast_warnings(spec: NamedGraph) -> Iterator[Diagnostic]:
    """Warnings where two args were both stretched to fit each other: seldom meant, and silent elsewhere."""
    graph = spec.graph
    # Nodes behind `size` belong to a reverse pass.
    for node in range(spec.size):
        shapes = [graph.shapes[arg] for arg in graph.args[node]]
        out = graph.shapes[node]
        # Where one arg has the shape of the result, only the other is stretched: that is usual.
        if graph.ops[node].elementwise and shapes and out and out not in shapes:
            facts = {
                "node": written(spec, node),
                "shapes": say("word.and").join(map(shape_text, shapes)),
                "wanted": shape_text(out),
            }
            yield Diagnostic("broadcast-both", spec.origins.get(node), facts, severity="warning")


class _Evaluated(NamedTuple):
    """A guard of a node, as a node beside the graph, and its value."""

    node: int
    guard: Guard
    expr: Expr  # as people write it
    value: Array


_Failure = tuple[Guard, str, float]  # a guard that is not satisfied, its text, its worst value


def _evaluated(graph: Graph, values: Mapping[int, Array], nodes: Iterable[int]) -> list[_Evaluated]:
    """All guards of `nodes`, evaluated in one run."""
    # Most ops of a large graph are smooth everywhere: no handles are made for those.
    guarded = [node for node in nodes if graph.ops[node].composite or graph.ops[node].guards is not no_guards]
    built = [(node, *built) for node in guarded for built in guards(graph[node])]
    numbers = run(graph, values, [expr.id for _, _, expr, _ in built])
    return [
        _Evaluated(node, guard, shown, np.asarray(numbers[expr.id])) for node, guard, expr, shown in built
    ]


def _failing(
    spec: NamedGraph, values: Mapping[int, Array], nodes: Sequence[int]
) -> dict[int, list[_Failure]]:
    """For each of `nodes` the guards that are not satisfied."""
    graph = spec.graph
    failing: dict[int, list[_Failure]] = {node: [] for node in nodes}
    for node, guard, expr, value in _evaluated(graph, values, nodes):
        worst = float(value.min()) if guard.kind in ("positive", "nonnegative") else float(abs(value).min())
        # At exactly 0, sqrt has a value but no derivative; the callers tell the two cases apart.
        if worst <= 0:
            constant = expr.number is not None
            text = _general_guard_text(graph, node, guard) if constant else name_or_formula(spec, expr.id)
            failing[node].append((guard, text, worst))
    return failing


def _general_guard_text(graph: Graph, node: int, guard: Guard) -> str:
    """The guard in the op's own names: of `x / 0` it is y, not 0, that must not be zero."""
    op, scratch = graph.ops[node], Graph()
    args = [scratch.input() for _ in op.args]
    names = {expr.id: symbol(name) for expr, name in zip(args, op.args, strict=True)}
    return str(formula(scratch, guard.written(*args).id, names, open_root=False))


def _need(guard: Guard, text: str, worst: float, strict: bool = False) -> dict[str, str]:
    """The facts of a guard that is not satisfied; `strict` where the derivative needs more than the value."""
    kind = "strict" if strict and guard.kind == "nonnegative" else guard.kind
    # A derivative needs the guard of a kink to differ from 0.
    kind = "nonzero" if kind == "kink" else kind
    return {"need": say(f"need.{kind}", guard=text), "guard": text, "value": number(worst, SHOWN_DIGITS)}


def written(spec: NamedGraph, node: int) -> str:
    """A node as the reader knows it: `a = log(z)`, or `log(x + 1)` where it has no name of its own."""
    text = str(formula(spec.graph, node, _known_names(spec, node)))
    name = spec.own_names.get(node)
    # The text of an input is its name: `x = x` would say nothing.
    if name is None or node in {leaf.node for leaf in spec.inputs}:
        return name or text
    return f"{name} = {text}"


def name_or_formula(spec: NamedGraph, node: int) -> str:
    """The name that somebody gave the node, or its formula."""
    return str(formula(spec.graph, node, _known_names(spec, node), open_root=False))


def _known_names(spec: NamedGraph, node: int) -> Mapping[int, str]:
    """The names for a formula of the node: those that somebody wrote, unless that makes it too long."""
    graph, names, waiting, ops = spec.graph, spec.written_names, [node], 0
    while waiting:
        current = waiting.pop()
        if current == node or current not in names:
            ops += bool(graph.args[current])
            waiting += graph.args[current]
        if ops > _MOST_OPS:
            return spec.names
    return names
