"""The right gradient with one thing in it changed: a name left out, put for another, counted twice, rounded.

The gradient is a part of the graph, and so it is simply run again with another value in the place of one. In
the backward pass alone, where the forward pass keeps the values it had, or in both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import islice
from sys import float_info
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.check.blame.textbook import Textbook, textbook_form
from bpx.check.blame.where import named_formula
from bpx.check.numeric.tolerances import (
    LEARNING_RATES,
    MOST_EXACT_ELEMENTS,
    MOST_KERNELS,
    MOST_NAMED,
    MOST_SUBSTITUTED,
    MOST_SUBSTITUTED_ELEMENTS,
    MOST_SUBSTITUTES,
    ROUNDING_CLOSE,
)
from bpx.check.patterns.comparison import PLAIN_FACTORS, constant_factor, fits
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import ShapeError
from bpx.graph.formula import derivative, formula
from bpx.graph.numbers import number
from bpx.graph.run import run
from bpx.passes.domain import choosing
from bpx.passes.reverse import reverse

if TYPE_CHECKING:
    from bpx.check.patterns.comparison import Comparison
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.arrays import Array, Settings, Shape
    from bpx.graph.graph import Graph

Value = Callable[["CheckedGraph"], "Array"]


class _Change(NamedTuple):
    """A mistake, the node it gives another value, and which."""

    mistake: Mistake
    node: int
    value: Value


def substitution_mistakes(
    points: Sequence[CheckedGraph], node: int, comparison: Comparison
) -> tuple[Mistake, ...]:
    """The changes of one name in the right gradient of `node` that give the claim at every point."""
    checked = points[0]
    gradient = checked.by_own_rules.gradient(node)
    if gradient is None or checked.elements > MOST_EXACT_ELEMENTS or comparison.is_coarse:
        return ()
    fitting = [
        *_wrong_axes(points, node, comparison),
        *_wrong_strides(points, gradient.id, comparison),
        *_wrong_kernels(points, gradient.id, comparison),
    ]
    most = min(MOST_SUBSTITUTED, MOST_SUBSTITUTED_ELEMENTS // checked.elements)
    changes = (change for change in _changes(checked, gradient.id) if not change.mistake.is_empty)
    for change in islice(changes, most):
        for everywhere in (False, True):
            if _gives(points, gradient.id, change, everywhere, comparison):
                fitting.append(change.mistake)
                break
        if len(fitting) >= MOST_NAMED:
            break
    return tuple(fitting)


def _gives(
    points: Sequence[CheckedGraph], gradient: int, change: _Change, everywhere: bool, comparison: Comparison
) -> bool:
    first = comparison._replace(**{part: list(getattr(comparison, part))[:1] for part in comparison._fields})
    if not first.explained_by([_changed(points[0], gradient, change, everywhere)]):
        return False
    return comparison.explained_by([_changed(point, gradient, change, everywhere) for point in points])


def _changed(point: CheckedGraph, gradient: int, change: _Change, everywhere: bool) -> Array:
    """The gradient with another value of one node, in both passes or in the backward pass alone."""
    known: Mapping[int, Any] = point.input_values if everywhere else {**point.input_values, **point.values}
    value = np.broadcast_to(change.value(point), point.graph.shapes[change.node])
    return run(point.graph, {**known, change.node: value}, [gradient])[gradient]


# --- a forgotten target ---


def forgotten_targets(
    points: Sequence[CheckedGraph], node: int, comparison: Comparison, lengths: set[int]
) -> Mistake | None:
    """The target left out of the right gradient: p for p - y, softmax(z) for softmax(z) - one_hot(y).

    It is left out of the gradient by the rules, or of the textbook form of it.
    """
    checked = points[0]
    gradient = checked.by_own_rules.gradient(node)
    if gradient is None or checked.elements > MOST_EXACT_ELEMENTS or comparison.is_coarse:
        return None
    for target in _targets(checked, gradient.id):
        name = formula(checked.graph, target, checked.query.spec.names, open_root=False)
        change = _Change(Mistake.of("target-forgotten", name=name), target, lambda point: np.zeros(()))
        # No layer depends on the target: what lies between it and the gradient belongs to the loss.
        predicted = [_changed(point, gradient.id, change, True) for point in points]
        fitting = _up_to_a_factor(change.mistake, comparison, predicted, lengths)
        textbook = textbook_form(checked, node) if not fitting and target in checked.values else None
        if textbook:
            predicted = [_without(textbook, point, target) for point in points]
            fitting = _up_to_a_factor(change.mistake, comparison, predicted, lengths)
        if fitting:
            return fitting
    return None


def _targets(checked: CheckedGraph, gradient: int) -> list[int]:
    """The nodes of a gradient that depend on nothing but targets and on what chooses, the outermost."""
    graph, spec = checked.graph, checked.query.spec
    chosen = choosing(spec.graph)
    targets = {leaf.node for leaf in spec.inputs if leaf.role == "target" or leaf.node in chosen}
    needed = graph.needs(of=[gradient])
    for node in needed:
        args = [arg for arg in graph.args[node] if arg not in graph.constants]
        if args and all(arg in targets for arg in args):
            targets.add(node)
    inner = {arg for node in needed if node in targets for arg in graph.args[node]}
    return [node for node in needed if node in targets - inner and node not in chosen]


def _without(textbook: Textbook, point: CheckedGraph, target: int) -> Array:
    known = {**point.input_values, **point.values, target: np.zeros(point.graph.shapes[target])}
    return run(textbook.graph, known, [textbook.root])[textbook.root]


def _up_to_a_factor(
    mistake: Mistake, comparison: Comparison, predicted: Sequence[Array], lengths: set[int]
) -> Mistake | None:
    """The mistake, alone or with a plain factor on top of it."""
    if comparison.explained_by(predicted):
        return mistake
    if all(fits(right, one, 0.0) for right, one in zip(comparison.right, predicted, strict=True)):
        return None  # the target makes no difference
    factor = constant_factor(comparison.scaled(predicted), lengths)
    if factor and factor.code in PLAIN_FACTORS:
        return Mistake.of("both", first=mistake, second=factor)
    return None


# --- what may have been changed -----------------------------------------------------------------


def _changes(checked: CheckedGraph, gradient: int) -> Iterator[_Change]:
    """The changes of named nodes on which the gradient depends, the simple ones first."""
    graph, own = checked.graph, checked.query.spec.own_names
    used = [node for node in graph.needs(of=[gradient]) if node in own and node in checked.values]
    used = used[:MOST_SUBSTITUTES]
    known = [node for node in checked.forward if node not in graph.constants]
    known.sort(key=lambda node: node not in own)  # those with names first
    texts = {node: named_formula(checked, node) for node in (*known[:MOST_SUBSTITUTES], *used)}
    for node in graph.needs(of=[gradient]):
        # The pre-activation for the activation: z for a = sigmoid(z), or for tanh(c), which has no name.
        if node in checked.values and _is_function(graph, node):
            (arg,) = graph.args[node]
            wrong, right = named_formula(checked, arg), named_formula(checked, node)
            yield _Change(Mistake.of("name-for-name", wrong=wrong, right=right), node, _value_of(arg))
    for node in used:
        yield _Change(Mistake.of("name-lost", name=texts[node]), node, lambda point: np.zeros(()))
        yield _Change(Mistake.of("name-one", name=texts[node]), node, lambda point: np.ones(()))
    for node in used:
        for other in texts:
            if other != node and graph.shapes[other] == graph.shapes[node]:
                mistake = Mistake.of("name-for-name", wrong=texts[other], right=texts[node])
                yield _Change(mistake, node, _value_of(other))
    for node in used:
        yield _Change(Mistake.of("name-sign", name=texts[node]), node, _times(node, -1.0))
        yield _Change(Mistake.of("name-doubled", name=texts[node]), node, _times(node, 2.0))
    yield from _updates(checked, used)


def _is_function(graph: Graph, node: int) -> bool:
    return graph.ops[node].elementwise and len(graph.args[node]) == 1


def _value_of(node: int) -> Value:
    return lambda point: point.values[node]


def _times(node: int, factor: float) -> Value:
    return lambda point: factor * point.values[node]


def _wrong_axes(points: Sequence[CheckedGraph], node: int, comparison: Comparison) -> Iterator[Mistake]:
    """Ops along another axis, where that leaves the shape as it is: a softmax over the wrong one."""
    graph = points[0].graph
    for other in points[0].forward:
        for axis, settings in _other_axes(graph, other):
            gradients = [_with_settings(point, node, other, settings) for point in points]
            if comparison.explained_by(gradients):
                yield Mistake.of("wrong-axis", op=graph.ops[other].name, axis=axis)


def _other_axes(graph: Graph, node: int) -> Iterator[tuple[int, Settings]]:
    """The settings of a node with each other axis that gives the same shape."""
    op, settings = graph.ops[node], graph.settings[node]
    if settings.get("axis") is None or op.arrange is None or op.shape is None:
        return
    shapes = [graph.shapes[arg] for arg in graph.args[node]]
    for axis in range(len(shapes[0])):
        try:
            changed = op.arrange(*shapes, **{**settings, "axis": axis})
            fits = op.shape(*shapes, **changed) == graph.shapes[node]
        except ShapeError:  # the op cannot be applied along this axis
            continue
        if fits and changed != settings:
            yield axis, changed


def _with_settings(point: CheckedGraph, node: int, other: int, settings: Settings) -> Array:
    """The gradient of the graph with one node's settings changed."""
    twin = point.query.spec.graph.copy()
    twin.settings[other] = settings
    gradient = reverse(twin[point.query.output], [twin[node]], twin.constant(point.query.seed)).gradient(node)
    assert gradient is not None
    return run(twin, point.input_values, [gradient.id])[gradient.id]


# --- convolutions ---


def _wrong_strides(
    points: Sequence[CheckedGraph], gradient: int, comparison: Comparison
) -> Iterator[Mistake]:
    """A stride that the forward pass has and the backward pass forgets."""
    graph = points[0].graph
    for node in graph.needs(of=[gradient]):
        stride = graph.settings[node].get("stride")
        if stride and set(stride) != {1}:
            change = _Change(Mistake.of("stride-forgotten", stride=stride[0]), node, _unstrided(node))
            if _gives(points, gradient, change, False, comparison):
                yield change.mistake
                return


def _unstrided(node: int) -> Value:
    """The value of a node that goes along in steps, with steps of 1."""

    def value(point: CheckedGraph) -> Array:
        graph, (arg,) = point.graph, point.graph.args[node]
        settings, shape = graph.settings[node], graph.shapes[node]
        known = {**point.input_values, **point.values}
        inner = run(graph, known, [arg])[arg]
        steps = {**settings, "stride": (1,) * len(settings["stride"])}
        every = np.asarray(graph.ops[node].value(inner, **steps, batch=0))
        return every[tuple(slice(length) for length in shape)]

    return value


def _wrong_kernels(
    points: Sequence[CheckedGraph], gradient: int, comparison: Comparison
) -> Iterator[Mistake]:
    """A kernel used the wrong way round in the gradient of what it is moved along."""
    graph, own = points[0].graph, points[0].query.spec.own_names
    used = [node for node in graph.needs(of=[gradient]) if node in points[0].values and node in own]
    for node in [one for one in used if len(graph.shapes[one]) > 2][:MOST_KERNELS]:
        for code, move in _kernel_moves(graph.shapes[node]):
            mistake = Mistake.of(f"kernel-{code}", name=named_formula(points[0], node))
            change = _Change(mistake, node, _moved_value(node, move))
            if _gives(points, gradient, change, False, comparison):
                yield mistake


def _moved_value(node: int, move: Callable[[Array], Array]) -> Value:
    return lambda point: move(point.values[node])


def _kernel_moves(shape: Shape) -> Iterator[tuple[str, Callable[[Array], Array]]]:
    """What may become of a kernel of shape (out, in, *size)."""
    yield "turned", lambda w: np.flip(w, tuple(range(2, w.ndim)))
    if len(shape) > 3 and shape[-1] == shape[-2]:
        yield "transposed", lambda w: w.swapaxes(-1, -2)
    if shape[0] == shape[1]:
        yield "channels", lambda w: w.swapaxes(0, 1)


def _updates(checked: CheckedGraph, used: Sequence[int]) -> Iterator[_Change]:
    """An input that a step of gradient descent has moved already."""
    for node in used:
        if node in checked.input_values and node in checked.reference:
            name = named_formula(checked, node)
            for rate in LEARNING_RATES:
                mistake = Mistake.of("updated", name=name, rate=number(rate, 4))
                yield _Change(mistake, node, _stepped(node, rate))


def _stepped(node: int, rate: float) -> Value:
    return lambda point: point.values[node] - rate * point.reference[node].value


# --- rounding on the way ------------------------------------------------------------------------


def rounded_on_the_way(checked: CheckedGraph, node: int, comparison: Comparison) -> tuple[Mistake, ...]:
    """The right formula with an inner value rounded to as few digits as the claim has."""
    gradient = checked.by_own_rules.gradient(node)
    tolerance = np.max(comparison.tolerances[0], initial=0.0)
    if gradient is None or len(comparison.right) > 1 or not comparison.is_usable or not tolerance:
        return ()
    right, claimed = comparison.right[0], comparison.claimed[0]
    if np.max(np.abs(right - claimed), initial=0.0) > ROUNDING_CLOSE * np.max(np.abs(right), initial=0.0):
        return ()
    decimals = round(-np.log10(2 * tolerance))
    if abs(decimals) > float_info.max_10_exp:  # nobody rounds to the last decimal of 1e-300
        return ()
    if (np.abs(claimed) == np.abs(np.trunc(right * 10.0**decimals) / 10.0**decimals)).all():
        return (Mistake.of("cut-off", decimals=decimals),)
    fitting = []
    for inner, text in _inner_values(checked, gradient.id).items():
        value = np.round(checked.all_values[inner], decimals)
        # What comes later is computed anew; inputs may come later too.
        earlier = {other: one for other, one in checked.all_values.items() if other < inner}
        known = {**earlier, **checked.input_values, inner: value}
        if comparison.explained_by([run(checked.graph, known, [gradient.id])[gradient.id]]):
            facts = {"name": text, "value": None if value.ndim else f"{float(value):.{max(decimals, 0)}f}"}
            fitting.append(Mistake.of("rounded" if facts["value"] else "rounded-array", **facts))
    return tuple(fitting)


def _inner_values(checked: CheckedGraph, gradient: int) -> dict[int, Any]:
    """What somebody who works by hand writes down: values, local derivatives, upstream gradients."""
    needed = set(checked.graph.needs(of=[gradient]))
    texts: dict[int, Any] = {
        node: named_formula(checked, node)
        for node in checked.forward
        if node in needed and node not in checked.graph.constants and node not in checked.input_values
    }
    output = named_formula(checked, checked.query.output)
    for edge in checked.ledger.edges:
        if edge.local in needed and edge.local not in checked.graph.constants:
            consumer, arg = named_formula(checked, edge.consumer), named_formula(checked, edge.arg)
            texts.setdefault(edge.local, derivative(consumer, arg))
    for node, upstream in checked.by_own_rules.upstream.items():
        if upstream in needed and upstream != gradient and upstream not in checked.graph.constants:
            texts.setdefault(upstream, derivative(output, named_formula(checked, node)))
    return texts
