"""The catalogue of mistakes: what numbers each would have given.

A mistake is named only where it reproduces the numbers somebody got, at every point and for every
upstream gradient they were looked at for. What none reproduces stays without a name.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from bpx.check.blame.formula_edits import insides, slips
from bpx.check.local.jacobians import DiagonalJacobian, PartsJacobian
from bpx.check.local.reverse_sweep import Jacobian
from bpx.check.numeric.error_bound import ErrorBound, summed_to
from bpx.check.numeric.tolerances import (
    COARSE_CLAIM,
    MOST_DIAGONAL,
    MOST_NAMED,
    NEARLY_ONE,
    NO_CHANGE,
    PATTERN_CLOSE,
    PATTERN_ROUNDING,
)
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array, Settings, Shape
from bpx.graph.graph import OPS, Graph, Op
from bpx.graph.numbers import number
from bpx.graph.run import run
from bpx.passes.reverse import grad

_TAKEN_FOR_ANOTHER = [OPS[name] for name in ("sigmoid", "tanh")]  # a(1 - a) and 1 - a² are mixed up
_NICE_FACTORS = (-1.0, 2.0, 0.5)


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
    if any(
        isinstance(sample.slope, DiagonalJacobian) and np.any(sample.slope.slope.spread) for sample in samples
    ):
        return ()  # at a kink there is no one right number to be wrong by
    right = [sample.right for sample in samples]
    lengths = counts(shape for sample in samples for shape in (sample.shape, sample.out.shape))
    candidates = [constant_factor(right, claimed, lengths, tolerances)]
    if not samples[0].op.elementwise:
        candidates.append(one_element(right, claimed, tolerances))
    mistakes = [mistake for mistake in candidates if mistake]
    # Of a claim with few digits too much could be said.
    pairs = zip(claimed, tolerances, strict=True)
    is_coarse = any(
        np.any(np.asarray(tolerance) > COARSE_CLAIM * np.abs(claim)) for claim, tolerance in pairs
    )
    for predict in CATALOGUE[:1] if is_coarse else CATALOGUE:
        mistakes += _fitting(predict, samples, claimed, tolerances)
        if mistakes:
            break
    return tuple(dict.fromkeys(mistakes))[:MOST_NAMED]


def _fitting(
    predict: Predict,
    samples: Sequence[EdgeSample],
    claimed: Sequence[Array],
    tolerances: Sequence[Any],
) -> list[Mistake]:
    first, *others = [dict(predict(sample)) for sample in samples]
    return [
        mistake
        for mistake in first
        if not fits(first[mistake], samples[0].right, 0.0)  # what changes nothing explains nothing
        and all(
            mistake in predicted and fits(predicted[mistake], claim, tolerance)
            for predicted, claim, tolerance in zip((first, *others), claimed, tolerances, strict=True)
        )
    ]


def fits(predicted: Array, claimed: Array, tolerance: Any) -> bool:
    """Does a prediction reproduce the numbers?"""
    if np.shape(predicted) != np.shape(claimed) or not np.isfinite([predicted, claimed]).all():
        return False
    return bool(_close(predicted, claimed, tolerance).all())


def _close(predicted: Array, claimed: Array, tolerance: Any) -> Any:
    scale = np.maximum(np.abs(predicted), np.abs(claimed))
    # Where the terms of an element cancel, rounding of the size of the largest ones may be left.
    rounding = PATTERN_ROUNDING * float(np.max(scale, initial=0.0))
    return np.abs(predicted - claimed) <= PATTERN_CLOSE * scale + rounding + tolerance


def one_element(
    right: Sequence[Array], claimed: Sequence[Array], tolerances: Sequence[Any]
) -> Mistake | None:
    """One wrong element, the same everywhere, of an array of more than two."""
    wrong = [
        np.argwhere(~_close(a, b, tolerance)).tolist() if np.shape(a) == np.shape(b) else []
        for a, b, tolerance in zip(right, claimed, tolerances, strict=True)
    ]
    if np.size(right[0]) > 2 and len(wrong[0]) == 1 and all(indices == wrong[0] for indices in wrong):
        return Mistake.of("one-element", index=", ".join(map(str, wrong[0][0])))
    return None


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
        if right.ndim == 2 and right.shape[0] == right.shape[1]:
            yield Mistake("result-transposed"), right.T
        if sample.upstream.shape == sample.shape:
            yield Mistake("unchanged"), sample.upstream


def inside_mistakes(sample: EdgeSample) -> Predictions:
    """What each mistake inside an op that is written in simpler ones would have handed back."""
    op = _true_row(sample.op)
    if op.expands and op.elementwise:
        for mistake, local in insides(op, sample.position, _meeting(sample)):
            yield mistake, summed_to(sample.upstream * local, sample.shape)


def slip_mistakes(sample: EdgeSample) -> Predictions:
    """What each slip in the op's formula would have handed back."""
    op, args = _true_row(sample.op), _meeting(sample)
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
    op, out = _true_row(sample.op), sample.out
    args = _meeting(sample)
    # A mistake may leave the domain, as log at its own output does; what is not finite fits nothing.
    with np.errstate(all="ignore"):
        yield Mistake("unchanged"), np.ones(out.shape)
        if len(args) == 1 and op.local:
            yield Mistake.of("own-value", op=op.name), out
            yield Mistake.of("at-input", op=op.name), _rule(op, 0, args, args[0])
            yield Mistake.of("at-output", op=op.name), _rule(op, 0, [out], np.asarray(op.value(out)))
            for other_op in _TAKEN_FOR_ANOTHER:
                if other_op is not op:
                    facts = {"op": op.name, "other": other_op.name}
                    yield Mistake.of("other-op", **facts), _rule(other_op, 0, args, out)
        if len(args) == 2 and op.local:
            other = _rule(op, 1 - sample.position, args, out)
            yield Mistake.of("swapped", op=op.name), other
            exchanged = _rule(op, sample.position, args[::-1], np.asarray(op.value(*args[::-1])))
            if not np.array_equal(exchanged, other):  # as it is for a product
                yield Mistake.of("exchanged", op=op.name), exchanged
        if (op.witness or op.name == "where") and np.isin(local, (0.0, 1.0)).all():
            yield Mistake("mask-flipped"), 1.0 - local
            yield Mistake("mask-of-upstream"), np.where(sample.upstream > 0, 1.0, 0.0)
        yield Mistake("reciprocal"), 1.0 / local
        yield from _wrong_powers(op, sample.position, args, local)


def _wrong_powers(op: Op, position: int, args: Sequence[Array], local: Array) -> Predictions:
    if op.name == "pow" and position == 0:
        yield Mistake("exponent-kept"), local * args[0]
        yield Mistake("exponent-lost"), local / args[1]
    if op.name == "div" and position == 1:
        yield Mistake("numerator-lost"), local / args[0]
        yield Mistake("not-squared"), local * args[1]
    if op.name == "reciprocal":
        yield Mistake("not-squared"), local * args[0]


def _rule(op: Op, position: int, args: Sequence[Array], out: Array) -> Array:
    """The local derivative of a row, for other numbers than it is meant for."""
    assert op.local
    graph = Graph()
    placeholders, result = [graph.input() for _ in args], graph.input()
    local = graph.lift(op.local(*placeholders, result)[position])
    arg_values = {placeholder.id: arg for placeholder, arg in zip(placeholders, args, strict=True)}
    local_value = run(graph, {**arg_values, result.id: out}, [local.id])[local.id]
    return np.broadcast_to(local_value, np.shape(out))


def _true_row(op: Op) -> Op:
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


# --- factors ------------------------------------------------------------------------------------


def counts(shapes: Iterable[Shape]) -> set[int]:
    """How many elements a mean may have been taken of: along any of the axes of these shapes."""
    element_counts: set[int] = set()
    for shape in set(shapes):
        products = {1}
        for length in shape:
            products |= {length * product for product in products}
        element_counts |= products
    return element_counts - {1}


def constant_factor(
    right: Sequence[Array], claimed: Sequence[Array], lengths: set[int], tolerances: Sequence[Any]
) -> Mistake | None:
    """The one factor between what is right and what is claimed, where there is one and it says something.

    A single number is always some multiple of another: then only -1, 2, ½ and the lengths of axes count.
    """
    pairs = [
        (a, b)
        for right_array, claimed_array in zip(right, claimed, strict=True)
        if np.shape(right_array) == np.shape(claimed_array)
        for a, b in zip(np.ravel(right_array).tolist(), np.ravel(claimed_array).tolist(), strict=True)
        if a != 0
    ]
    if not pairs or not all(np.shape(a) == np.shape(b) for a, b in zip(right, claimed, strict=True)):
        return None
    # The largest has lost the fewest digits to rounding.
    largest = max(pairs, key=lambda pair: abs(pair[0]))
    ratio = largest[1] / largest[0]
    magnitudes = sorted(abs(a) for a, _ in pairs)
    # Elements of one size state the factor only once, as a single number does.
    said_by_many = magnitudes[-1] > 1.001 * magnitudes[0]
    for factor in (*_near(ratio, lengths), ratio):
        if all(
            fits(factor * a, b, tolerance) for a, b, tolerance in zip(right, claimed, tolerances, strict=True)
        ):
            return _factor_mistake(factor, lengths, said_by_many)
    return None


def _near(ratio: float, lengths: set[int]) -> list[float]:
    """The factors that say something and are about as large; a claim may have few digits."""
    telling = (*_NICE_FACTORS, *map(float, lengths), *(1.0 / n for n in lengths if n))
    return [factor for factor in telling if abs(ratio - factor) <= 0.1 * abs(factor)]


def _factor_mistake(factor: float, lengths: set[int], said_by_many: bool) -> Mistake | None:
    if not math.isfinite(factor) or abs(factor) <= NO_CHANGE or abs(factor - 1) <= NEARLY_ONE:
        return None
    telling_names: Mapping[float, str] = dict(zip(_NICE_FACTORS, ("sign", "double", "half"), strict=True))
    if factor in telling_names:
        return Mistake(telling_names[factor])
    for n in lengths:
        if n > 1 and factor == n:
            return Mistake.of("mean-lost", n=n)
        if n > 1 and factor == 1.0 / n:
            return Mistake.of("mean-doubled", n=n)
    return Mistake.of("factor", factor=number(factor, 6)) if said_by_many else None
