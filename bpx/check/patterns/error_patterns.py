"""The catalogue of mistakes: what numbers each would have given.

A mistake is named only where it reproduces the numbers somebody got, at every point and for every
upstream gradient they were looked at for. What none reproduces stays without a name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bpx.check.local.jacobians import DiagonalJacobian, PartsJacobian
from bpx.check.local.reverse_sweep import Jacobian
from bpx.check.numeric.error_bound import ErrorBound, summed_to
from bpx.check.numeric.tolerances import MOST_DIAGONAL, MOST_NAMED, PATTERN_ROUNDING
from bpx.check.patterns.comparison import PLAIN_FACTORS, Comparison, constant_factor, counts
from bpx.check.patterns.entry_patterns import entry_mistakes
from bpx.check.patterns.formula_edits import flipped, insides, slips
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import OPS, Graph, Op
from bpx.graph.run import run
from bpx.passes.reverse import grad

_TAKEN_FOR_ANOTHER = [OPS[name] for name in ("sigmoid", "tanh")]  # a(1 - a) and 1 - a² are mixed up


class EdgeSample(NamedTuple):
    """One edge at one point: what its op met, what came down, and the right slope."""

    op: Op
    settings: Settings
    position: int
    args: tuple[Array, ...]
    out: Array
    upstream: Array
    slope: Jacobian
    shape: Shape  # of the arg

    @property
    def right(self) -> Array:
        """The contribution as it should be."""
        return self.slope.pull(ErrorBound.exact(self.upstream)).value

    @property
    def is_at_kink(self) -> bool:
        """Has some element no derivative, but slopes to either side?"""
        return isinstance(self.slope, DiagonalJacobian) and bool(np.any(self.slope.slope.spread))

    @property
    def rounding(self) -> float:
        """What may be left of terms that cancel."""
        return PATTERN_ROUNDING * float(np.max(self.slope.magnitude(np.abs(self.upstream)), initial=0.0))


Predictions = Iterator[tuple[Mistake, Array]]
Predict = Callable[[EdgeSample], Predictions]


def named(
    samples: Sequence[EdgeSample], claimed: Sequence[Array], tolerances: Sequence[Any]
) -> tuple[Mistake, ...]:
    """The mistakes that turn the right contribution into the claimed one at every sample.

    `tolerances` are how far predictions may be off besides rounding, as where a claim has few digits.
    """
    if any(sample.is_at_kink for sample in samples):
        return ()  # there is no one right number to be wrong by
    comparison = Comparison([sample.right for sample in samples], claimed, tolerances)
    lengths = counts(shape for sample in samples for shape in (sample.shape, sample.out.shape))
    factor = constant_factor(comparison, lengths)
    mistakes = [factor] if factor else []
    if not samples[0].op.elementwise:
        mistakes += entry_mistakes(comparison)
    # Of a claim with few digits too much could be said.
    for predict in CATALOGUE[:1] if comparison.is_coarse else CATALOGUE:
        mistakes += _fitting(predict, samples, comparison)
        if mistakes:
            break
    if not mistakes and not comparison.is_coarse:
        mistakes += _with_a_factor(samples, comparison, lengths)
    return tuple(dict.fromkeys(mistakes))[:MOST_NAMED]


def _fitting(predict: Predict, samples: Sequence[EdgeSample], comparison: Comparison) -> list[Mistake]:
    first, *others = [dict(predict(sample)) for sample in samples]
    return [
        mistake
        for mistake in first
        if all(mistake in predicted for predicted in others)
        and comparison.explained_by([predicted[mistake] for predicted in (first, *others)])
    ]


def _with_a_factor(
    samples: Sequence[EdgeSample], comparison: Comparison, lengths: set[int]
) -> Iterator[Mistake]:
    """Two mistakes at once: one at the edge, and a plain factor, such as a wrong sign, on top of it."""
    first, *others = [dict(predictions(sample)) for sample in samples]
    for mistake in first:
        if all(mistake in predicted for predicted in others):
            wrong = comparison.scaled([predicted[mistake] for predicted in (first, *others)])
            factor = constant_factor(wrong, lengths)
            if factor and factor.code in PLAIN_FACTORS and mistake.code != "dropped":
                yield Mistake.of("both", first=mistake, second=factor)


def predictions(sample: EdgeSample) -> Predictions:
    """What each mistake at this edge would have handed back."""
    right = sample.right
    yield Mistake("dropped"), np.zeros(right.shape)
    if isinstance(sample.slope, DiagonalJacobian):
        local = sample.slope.slope.value
        for mistake, wrong in _wrong_locals(sample, local):
            yield mistake, summed_to(sample.upstream * wrong, sample.shape)
        yield Mistake("upstream-forgotten"), summed_to(np.broadcast_to(local, sample.out.shape), sample.shape)
        yield Mistake("upstream-squared"), summed_to(sample.upstream**2 * local, sample.shape)
        yield from _wrong_sums(sample, sample.upstream * local)
    else:
        yield Mistake("upstream-forgotten"), sample._replace(upstream=np.ones(sample.out.shape)).right
        yield from _wrong_products(sample)
        if sample.upstream.shape == sample.shape:
            yield Mistake("unchanged"), sample.upstream


def inside_mistakes(sample: EdgeSample) -> Predictions:
    """What each mistake inside an op that is written in simpler ones would have handed back."""
    op = true_row(sample.op)
    if op.expands and op.elementwise:
        for mistake, local in insides(op, sample.position, _meeting(sample)):
            yield mistake, summed_to(sample.upstream * local, sample.shape)


def slip_mistakes(sample: EdgeSample) -> Predictions:
    """What each slip in the op's formula would have handed back."""
    op, args = true_row(sample.op), _meeting(sample)
    for mistake, wrong in slips(op, sample.position, args, sample.out, sample.upstream, sample.settings):
        yield mistake, summed_to(sample.upstream * wrong, sample.shape) if op.elementwise else wrong


def likely_mistakes(sample: EdgeSample) -> Predictions:
    """Those in what people start from: the known formula, or the expression of an op that a spec states."""
    return slip_mistakes(sample) if sample.op.name in OPS else inside_mistakes(sample)


def unlikely_mistakes(sample: EdgeSample) -> Predictions:
    """The others of both."""
    return inside_mistakes(sample) if sample.op.name in OPS else slip_mistakes(sample)


def _of_its_shape(predict: Predict) -> Predict:
    """Only what has the arg's shape: a product in the wrong order may have another."""

    def predicted(sample: EdgeSample) -> Predictions:
        return (pair for pair in predict(sample) if np.shape(pair[1]) == sample.shape)

    return predicted


# The plain ones first: what they explain needs no other name.
CATALOGUE: tuple[Predict, ...] = tuple(map(_of_its_shape, (predictions, likely_mistakes, unlikely_mistakes)))


def _meeting(sample: EdgeSample) -> Sequence[Array]:
    """The args as they meet in the op."""
    if not sample.op.elementwise:
        return sample.args
    return [np.broadcast_to(arg, sample.out.shape) for arg in sample.args]


# --- elementwise ops ----------------------------------------------------------------------------


def _wrong_locals(sample: EdgeSample, local: Array) -> Predictions:
    """Local derivatives that somebody may have taken for the right one."""
    op, out = true_row(sample.op), sample.out
    args = _meeting(sample)
    # A mistake may leave the domain, as log at its own output does; what is not finite fits nothing.
    with np.errstate(all="ignore"):
        yield Mistake("unchanged"), np.ones(out.shape)
        if len(args) == 1 and op.local:
            yield Mistake.of("own-value", op=op.name), out
            yield Mistake.of("at-input", op=op.name), rule_at(op, 0, args, args[0])
            yield Mistake.of("at-output", op=op.name), rule_at(op, 0, [out], np.asarray(op.value(out)))
            for other_op in _TAKEN_FOR_ANOTHER:
                if other_op is not op:
                    facts = {"op": op.name, "other": other_op.name}
                    yield Mistake.of("other-op", **facts), rule_at(other_op, 0, args, out)
        if len(args) == 2 and op.local:
            other = rule_at(op, 1 - sample.position, args, out)
            yield Mistake.of("swapped", op=op.name), other
            exchanged = rule_at(op, sample.position, args[::-1], np.asarray(op.value(*args[::-1])))
            if not np.array_equal(exchanged, other):  # as it is for a product
                yield Mistake.of("exchanged", op=op.name), exchanged
        wrong_way = flipped(op, sample.position, args)
        if wrong_way is not None:
            yield Mistake("mask-flipped"), wrong_way
        if (op.witness or op.name == "where") and np.isin(local, (0.0, 1.0)).all():
            if wrong_way is None:
                yield Mistake("mask-flipped"), 1.0 - local
            yield Mistake("mask-of-upstream"), np.where(sample.upstream > 0, 1.0, 0.0)
        yield Mistake("reciprocal"), 1.0 / local
        yield Mistake.of("local-twice", op=op.name), local**2
        if len(args) == 1 and op.local:
            if not np.array_equal(out, local):  # as it is for exp
                yield Mistake.of("times-value", op=op.name), local * out
            yield Mistake.of("value-at-output", op=op.name), np.asarray(op.value(out))
        yield from _wrong_powers(op, sample.position, args, out, local)


def _wrong_powers(op: Op, position: int, args: Sequence[Array], out: Array, local: Array) -> Predictions:
    if op.name == "pow" and position == 0:
        yield Mistake.of("own-value", op="^"), out
        yield Mistake("exponent-kept"), local * args[0]
        yield Mistake("exponent-lost"), local / args[1]
    if op.name == "div" and position == 1:
        yield Mistake("numerator-lost"), local / args[0]
        yield Mistake("not-squared"), local * args[1]
    if op.name == "reciprocal":
        yield Mistake("not-squared"), local * args[0]


def rule_at(op: Op, position: int, args: Sequence[Array], out: Array) -> Array:
    """The local derivative of a row, for other numbers than it is meant for."""
    assert op.local
    graph = Graph()
    placeholders, result = [graph.input() for _ in args], graph.input()
    local = graph.lift(op.local(*placeholders, result)[position])
    arg_values = {placeholder.id: arg for placeholder, arg in zip(placeholders, args, strict=True)}
    local_value = run(graph, {**arg_values, result.id: out}, [local.id])[local.id]
    return np.broadcast_to(local_value, np.shape(out))


def true_row(op: Op) -> Op:
    """The row with the right rule: of the table, or for an op of a spec what its value gives."""
    if op.expands is None or op.name in OPS:
        return OPS.get(op.name, op)
    value = op.expands
    return replace(op, local=lambda *exprs: tuple(grad(value(*exprs[:-1]), exprs[:-1])))


def _wrong_sums(sample: EdgeSample, unsummed: Array) -> Predictions:
    """What becomes of an arg that was broadcast, if the sum over its copies is left out or averaged."""
    if unsummed.shape == sample.shape:
        return
    lead = unsummed.ndim - len(sample.shape)
    first: Array = unsummed[(0,) * lead]
    for axis, n in enumerate(sample.shape):
        if n == 1:
            first = np.take(first, [0], axis=axis)
    yield Mistake("not-summed"), first
    copies = unsummed.size / max(1, math.prod(sample.shape))
    yield Mistake.of("averaged", n=int(copies)), sample.right / copies


# --- ops of whole arrays ------------------------------------------------------------------------


def _wrong_products(sample: EdgeSample) -> Predictions:
    if isinstance(sample.slope, PartsJacobian) and sample.out.shape == sample.shape and sample.op.mixes:
        mixed = sample.op.mixes(sample.shape, **sample.settings)
        if math.prod(sample.shape[axis] for axis in mixed) <= MOST_DIAGONAL:
            yield Mistake("diagonal-only"), sample.slope.diagonal(mixed) * sample.upstream
    if sample.op.name != "matmul" or any(np.ndim(arg) != 2 for arg in sample.args):
        return
    a, b = sample.args
    up = sample.upstream
    tries = [
        ("not-transposed", (up, b) if sample.position == 0 else (a, up)),
        ("order-swapped", (b.T, up) if sample.position == 0 else (up, a.T)),
        ("order-swapped-not-transposed", (b, up) if sample.position == 0 else (up, a)),
    ]
    for code, (left, right) in tries:
        if left.shape[1] == right.shape[0]:
            yield Mistake(code), left @ right
