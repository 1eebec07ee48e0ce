"""What is wrong with the claims on a black box: there are no nodes to name, but inputs and patterns.

An input is blamed whose claims disagree; the kind of mistake is named only where it gives all of its
claims, for every upstream gradient they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations

import numpy as np

from bpx.check.blame.error_patterns import constant_factor, counts, fits, one_element
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, slanting
from bpx.check.numeric.tolerances import MOST_NAMED, PATTERN_CLOSE
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.evidence import Obstacle
from bpx.graph.arrays import Array, Shape
from bpx.graph.numbers import shape_text

_LOOKS = 2  # random directions in which a proposal must be right


def blamed_inputs(rows: BlackBoxRows, evaluation: BlackBoxEvaluation, function: str) -> tuple[Blame, ...]:
    """The inputs of `function` of whose gradient something wrong is claimed."""
    tables = {i: _tables(rows, evaluation, i) for i in rows.caller.varied}
    blamed, wrong = [], evaluation.wrong
    for i, (right, claimed) in tables.items():
        if i in rows.misshapen or wrong[rows.owners == i].any():
            other_references = {
                rows.caller.names[j]: reference for j, (reference, _) in tables.items() if j != i
            }
            if i in rows.misshapen:
                mistakes: tuple[Mistake, ...] = (_shape_mistake(rows, i),)
            elif evaluation.meets(Obstacle.ACCUMULATES, rows.owners == i):
                mistakes = (Mistake("accumulates"),)
            else:
                mistakes = tuple(_mistakes(rows, right, claimed, other_references))[:MOST_NAMED]
            blamed.append(Blame(rows.caller.names[i], function, None, None, mistakes, claim=True))
    return tuple(blamed)


def _tables(rows: BlackBoxRows, evaluation: BlackBoxEvaluation, input: int) -> tuple[Array, Array]:
    """References and claims of an input, as (rows, *its shape)."""
    own = rows.owners == input
    shape = (-1, *rows.caller.values[input].shape)
    return evaluation.evidence.value[:, own].reshape(shape), evaluation.claimed[:, own].reshape(shape)


def _mistakes(
    rows: BlackBoxRows, right: Array, claimed: Array, other_references: Mapping[str, Array]
) -> Iterator[Mistake]:
    if not (np.isfinite(right).all() and np.isfinite(claimed).all()):
        return
    exact = [0.0] * len(right)
    factor = constant_factor(list(right), list(claimed), counts([rows.output.shape, right.shape[1:]]), exact)
    weights = np.linspace(1.0, 2.0, len(right))  # of the rows, so that an element shows in whichever it is
    element = one_element([np.tensordot(weights, right, 1)], [np.tensordot(weights, claimed, 1)], [0.0])
    yield from (mistake for mistake in (factor, element) if mistake)
    if rows.one_hot and (claimed == claimed[0]).all() and fits(right.sum(axis=0), claimed[0], 0.0):
        yield Mistake("upstream-forgotten")
    if right.ndim == 3 and right.shape[1] == right.shape[2] and fits(right.swapaxes(1, 2), claimed, 0.0):
        yield Mistake("result-transposed")
    if fits(np.zeros(right.shape), claimed, 0.0):
        yield Mistake("dropped")
    for name, reference in other_references.items():
        if fits(reference, claimed, 0.0):
            yield Mistake.of("other-gradient", other=name)


# --- claims of a wrong shape ----------------------------------------------------------------------


def _shape_mistake(rows: BlackBoxRows, input: int) -> Mistake:
    """What is wrong with the claim on an input that has another shape than it; said only if it is true."""
    wanted = rows.caller.values[input].shape
    weights = rows.mixture if rows.one_hot else np.eye(len(rows.upstreams))[0]
    upstream = weights @ rows.upstreams
    claimed = rows.caller.backward(upstream.reshape(rows.output.shape))[input]
    facts = {"found": shape_text(np.shape(claimed)), "wanted": shape_text(wanted)}
    for code, proposal, more in _proposals(claimed, wanted):
        if _is_gradient(rows, weights, input, proposal):
            return Mistake.of(code, **facts, **more)
    for other in rows.caller.varied:
        fits_other = other != input and rows.caller.values[other].shape == np.shape(claimed)
        if fits_other and _is_gradient(rows, weights, other, claimed):
            return Mistake.of("other-gradient", other=rows.caller.names[other])
    return Mistake.of("wrong-shape", **facts)


def _proposals(claimed: Array, wanted: Shape) -> Iterator[tuple[str, Array, dict[str, str]]]:
    """Arrays of the wanted shape made of a claim: a code, the array, and facts of the sentence."""
    if claimed.T.shape == wanted:
        yield "transposed-shape", claimed.T, {}
    for count in range(1, claimed.ndim + 1):
        for axes in combinations(range(claimed.ndim), count):
            summed = claimed.sum(axis=axes)
            if summed.size == np.prod(wanted, dtype=int) and _without_ones(summed.shape) == _without_ones(
                wanted
            ):
                yield "unsummed-shape", summed.reshape(wanted), {"axes": ", ".join(map(str, axes))}
    if claimed.size == np.prod(wanted, dtype=int):
        yield "raveled-shape", claimed.reshape(wanted), {}


def _without_ones(shape: Shape) -> Shape:
    return tuple(length for length in shape if length != 1)


def _is_gradient(rows: BlackBoxRows, weights: Array, input: int, proposal: Array) -> bool:
    """Is this the gradient with respect to an input, for the mixture of the rows with these weights?"""
    rng = np.random.default_rng(0)
    for _ in range(_LOOKS):
        direction = np.where(rows.owners == input, rng.normal(size=len(rows.x)), 0.0)
        parts = proposal.ravel() * direction[rows.owners == input]
        estimate = rows.estimate([slanting(direction)], np.full((len(rows.upstreams), 1), np.nan))
        miss = abs(float(weights @ estimate.value[:, 0]) - parts.sum())
        if not miss <= PATTERN_CLOSE * np.abs(parts).sum():
            return False
    return True
