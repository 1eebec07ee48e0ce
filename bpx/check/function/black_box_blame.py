"""What is wrong with the claims on a black box: there are no nodes to name, but inputs and patterns.

An input is blamed whose claims disagree; the kind of mistake is named only where it gives all of its
claims that are known, for every upstream gradient they were asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from inspect import getclosurevars
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from bpx.check.blame.last_resort import formula_mistakes, scope_of_arrays
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_rows import BlackBoxRows, slanting
from bpx.check.function.caller import Caller
from bpx.check.numeric.tolerances import (
    BLAMED_COORDINATES,
    BLAMED_OUTPUTS,
    LARGEST_NAMED,
    MOST_EXACT_ELEMENTS,
    MOST_NAMED,
    PATTERN_CLOSE,
    PATTERN_STEP,
    SHAPE_LOOKS,
)
from bpx.check.patterns.array_entries import all_entries
from bpx.check.patterns.array_patterns import are_labels, array_mistakes
from bpx.check.patterns.claimed_gradient import ClaimedGradient
from bpx.check.patterns.comparison import Comparison
from bpx.check.patterns.hidden_layers import hidden_mistakes
from bpx.check.patterns.reversed_inputs import reversed_inputs
from bpx.check.report.blame import Blame, Mistake
from bpx.check.report.evidence import Obstacle
from bpx.graph.arrays import Array, Shape, without_ones


def blamed_inputs(rows: BlackBoxRows, evaluation: BlackBoxEvaluation, function: str) -> tuple[Blame, ...]:
    """The inputs of `function` of whose gradient something wrong is claimed.

    Those whose claims are wrong by one mistake, made where both come from, are blamed once.
    """
    wrong = evaluation.wrong
    blamed = [i for i in rows.caller.varied if i in rows.misshapen or wrong[rows.owners == i].any()]
    if not blamed:
        return ()
    jacobian = _Jacobian.of(rows, evaluation)
    mistakes = {i: _mistakes(rows, evaluation, jacobian, i) for i in blamed}
    unnamed = {i: jacobian.gradient(rows, evaluation, i) for i in blamed if not mistakes[i]}
    biases = _hidden(mistakes, unnamed)
    names, explained = rows.caller.names, {j for also in biases.values() for j in also}
    for i in set(unnamed) - explained:
        mistakes[i] = mistakes[i] or _reversed_inputs(rows, unnamed[i], i)
        mistakes[i] = mistakes[i] or _formulas(rows, unnamed[i]) or tuple(all_entries(unnamed[i]))
    return tuple(
        Blame(
            names[i],
            function,
            None,
            None,
            mistakes[i],
            claim=True,
            also=tuple(names[j] for j in biases.get(i, ())),
        )
        for i in blamed
        if i not in explained
    )


def _hidden(
    mistakes: dict[int, tuple[Mistake, ...]], unnamed: Mapping[int, ClaimedGradient]
) -> dict[int, list[int]]:
    """Add the mistakes of hidden layers; by weights, the biases that they explain together with them."""
    biases: dict[int, list[int]] = {}
    for i, weights in unnamed.items():
        for j, bias in [*unnamed.items(), (None, None)]:
            columns = weights.right.shape[-1:]
            if i != j and (bias is None or bias.right.shape[1:] == columns) and not mistakes[i]:
                mistakes[i] = tuple(hidden_mistakes(weights, bias))[:MOST_NAMED]
                if mistakes[i] and j is not None:
                    biases.setdefault(i, []).append(j)
    return biases


def _mistakes(
    rows: BlackBoxRows, evaluation: BlackBoxEvaluation, jacobian: _Jacobian, input: int
) -> tuple[Mistake, ...]:
    if input in rows.misshapen:
        return (_shape_mistake(rows, input),)
    if evaluation.meets(Obstacle.ACCUMULATES, rows.owners == input):
        return (Mistake("accumulates"),)
    return array_mistakes(jacobian.gradient(rows, evaluation, input))


def _reversed_inputs(rows: BlackBoxRows, gradient: ClaimedGradient, input: int) -> tuple[Mistake, ...]:
    """Another input that is reversed in backward alone."""
    caller = rows.caller
    step = PATTERN_STEP * max(1.0, float(np.abs(caller.values[input]).max(initial=0.0)))

    def slopes(values: Mapping[str, Array], direction: Array) -> Array | None:
        ends = []
        for side in (step, -step):
            moved = {**values, gradient.name: values[gradient.name] + side * direction}
            output = caller.nearby(list(moved.values()))
            if output is None or output.shape != rows.output.shape:
                return None
            ends.append(gradient.upstreams @ output.ravel())
        return np.asarray((ends[0] - ends[1]) / (2 * step))

    inputs = dict(zip(caller.names, caller.values, strict=True))
    floats = {caller.names[i]: caller.values[i] for i in caller.varied}
    return tuple(reversed_inputs(gradient, floats, lambda values, d: slopes({**inputs, **values}, d)))


def _formulas(rows: BlackBoxRows, gradient: ClaimedGradient) -> tuple[Mistake, ...]:
    """Short formulas that give the claims, in the names that have values; `g` is the upstream gradient."""
    right, claimed, upstreams = gradient.right, gradient.claimed, gradient.upstreams
    if claimed.size > MOST_EXACT_ELEMENTS or not gradient.known.all():
        return ()
    if rows.output.size > 1 and gradient.mixtures:
        # Of an upstream gradient without zeros, which every formula with `g` would give.
        weights, parts = zip(*gradient.mixtures, strict=True)
        right, claimed = np.tensordot(np.array(weights), right, 1), np.array(parts)
        upstreams = np.array(weights) @ upstreams
    names = {**gradient.values, **_one_hot_labels(gradient.values)}
    at_points = {name: [value] * len(claimed) for name, value in names.items()}
    if rows.output.size > 1 and "g" not in names:
        at_points["g"] = [upstream.reshape(rows.output.shape) for upstream in upstreams]
    scope = scope_of_arrays(at_points, claimed.shape[1:])
    return formula_mistakes(scope, Comparison(list(right), list(claimed), [0.0] * len(right)))


def _one_hot_labels(values: Mapping[str, Array]) -> dict[str, Array]:
    """Labels as rows of 0 and one 1, of all lengths that an axis of another array has."""
    lengths = sorted({n for value in values.values() for n in np.shape(value)})
    vectors = {name: value for name, value in values.items() if np.ndim(value) == 1 and value.any()}
    labels = {name: value for name, value in vectors.items() if are_labels(value)}
    rows = {
        f"onehot({name})" if n == max(value) + 1 else f"onehot({name}, {n})": np.eye(n)[value.astype(int)]
        for name, value in labels.items()
        for n in lengths
        if n > max(value)
    }
    return {**rows, **{f"{name}.T": value.T for name, value in rows.items()}}


class _Jacobian(NamedTuple):
    """References and claims (R, N) for upstream gradients (R, size of the output)."""

    right: Array
    claimed: Array
    upstreams: Array
    one_hot: bool

    @classmethod
    def of(cls, rows: BlackBoxRows, evaluation: BlackBoxEvaluation) -> _Jacobian:
        """Those of the check; of a large output, whose elements were mixed, some one by one."""
        if rows.one_hot:
            return cls(evaluation.evidence.value, evaluation.claimed, rows.upstreams, True)
        size = rows.output.size
        chosen = np.unique(np.linspace(0, size - 1, BLAMED_OUTPUTS).astype(int))
        upstreams = np.eye(size)[chosen]
        claimed = np.array([rows.claim(upstream) for upstream in upstreams])
        right = np.full(claimed.shape, np.nan)
        for at in rows.claimed_coordinates[:BLAMED_COORDINATES].tolist():
            right[:, at] = _central(rows, at)[chosen]
        return cls(right, claimed, upstreams, True)

    def gradient(self, rows: BlackBoxRows, evaluation: BlackBoxEvaluation, input: int) -> ClaimedGradient:
        """That of one input, with all that has a name."""
        known = np.isfinite(self.right) & np.isfinite(self.claimed)
        right, claimed = np.where(known, self.right, 0.0), np.where(known, self.claimed, 0.0)
        others = [i for i in rows.caller.varied if i != input and known[:, rows.owners == i].all()]
        own = rows.owners == input
        return ClaimedGradient(
            rows.caller.names[input],
            _of_input(rows, right, input),
            _of_input(rows, claimed, input),
            _of_input(rows, known, input),
            rows.output,
            self.upstreams,
            self.one_hot,
            _named_values(rows.caller),
            {rows.caller.names[i]: _of_input(rows, right, i) for i in others},
            tuple(
                (weights, mixture.claimed[0, own].reshape(rows.caller.values[input].shape))
                for weights, mixture in evaluation.mixtures
                if known[:, own].all()
            ),
        )


def _of_input(rows: BlackBoxRows, table: Any, input: int) -> Any:
    """The part of a table (R, N) that is of one input, as (R, *its shape)."""
    return table[:, rows.owners == input].reshape(-1, *rows.caller.values[input].shape)


def _central(rows: BlackBoxRows, at: int) -> Array:
    """The derivatives of all elements of the output by a coordinate, to nine digits."""
    step = PATTERN_STEP * max(1.0, abs(rows.x[at]))
    ends = []
    for offset in (step, -step):
        moved = rows.x.copy()
        moved[at] += offset
        output = rows.caller.nearby(rows.values(moved))
        if output is None or output.shape != rows.output.shape:
            return np.full(rows.output.size, np.nan)
        ends.append(output.ravel())
    return np.asarray((ends[0] - ends[1]) / (2 * step))


def _named_values(caller: Caller) -> Mapping[str, Array]:
    """Numbers that have a name: the inputs, and what forward takes from around it."""
    values = dict(zip(caller.names, caller.values, strict=True))
    try:
        around = getclosurevars(caller.functions[0])
    except TypeError:  # no function of Python
        return values
    for name, value in {**around.globals, **around.nonlocals}.items():
        numeric = isinstance(value, (int, float, np.ndarray, np.generic)) and not isinstance(value, bool)
        array = np.asarray(value) if numeric else np.empty(0)
        if array.size and array.size <= LARGEST_NAMED and array.dtype.kind in "fiub":
            values.setdefault(name, array.astype(float))
    return values


# --- claims of a wrong shape ----------------------------------------------------------------------


def _shape_mistake(rows: BlackBoxRows, input: int) -> Mistake:
    """What is wrong with the claim on an input that has another shape than it; said only if it is true."""
    wanted = rows.caller.values[input].shape
    weights = rows.mixture if rows.one_hot else np.eye(len(rows.upstreams))[0]
    upstream = weights @ rows.upstreams
    claimed = rows.caller.backward(upstream.reshape(rows.output.shape))[input]
    facts = {"found": str(np.shape(claimed)), "wanted": str(wanted), "name": rows.caller.names[input]}
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
    size = int(np.prod(wanted, dtype=int))
    if claimed.T.shape == wanted:
        yield "transposed-shape", claimed.T, {}
    for count in range(1, claimed.ndim + 1):
        for axes in combinations(range(claimed.ndim), count):
            summed = claimed.sum(axis=axes)
            if summed.size == size and without_ones(summed.shape) == without_ones(wanted):
                yield "unsummed-shape", summed.reshape(wanted), {"axes": ", ".join(map(str, axes))}
    if claimed.size == size:
        yield "raveled-shape", claimed.reshape(wanted), {}


def _is_gradient(rows: BlackBoxRows, weights: Array, input: int, proposal: Array) -> bool:
    """Is this the gradient with respect to an input, for the mixture of the rows with these weights?"""
    rng = np.random.default_rng(0)
    for _ in range(SHAPE_LOOKS):
        direction = np.where(rows.owners == input, rng.normal(size=len(rows.x)), 0.0)
        parts = proposal.ravel() * direction[rows.owners == input]
        estimate = rows.estimate([slanting(direction)], np.full((len(rows.upstreams), 1), np.nan))
        miss = abs(float(weights @ estimate.value[:, 0]) - parts.sum())
        if not miss <= PATTERN_CLOSE * np.abs(parts).sum():
            return False
    return True
