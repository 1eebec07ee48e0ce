"""Mistakes in a gradient of which nothing is known but its numbers, and what values have names.

Each pattern says what numbers a mistake would have given; one is named only where it gives all numbers that
are known, for every upstream gradient they were asked for, and where the right ones would not do as well.

Convention: arrays have shape (R, *shape), a row for each upstream gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import product

import numpy as np

from bpx.check.numeric.tolerances import MOST_NAMED, PATTERN_CLOSE
from bpx.check.patterns.array_entries import (
    exchanged_slopes,
    masks,
    some_entries,
    some_outputs,
)
from bpx.check.patterns.claimed_gradient import ClaimedGradient, Pattern
from bpx.check.patterns.comparison import PLAIN_FACTORS, Comparison, constant_factor, counts, fits
from bpx.check.patterns.moves import moves
from bpx.check.patterns.named_factors import Factor, factor_mistake, factors_of
from bpx.check.patterns.norm_patterns import missing_deviations, terms_of_norms
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.numbers import number


def array_mistakes(gradient: ClaimedGradient) -> tuple[Mistake, ...]:
    """The mistakes that give the claimed numbers, the likeliest first; those of the first pattern alone."""
    if not np.isfinite(gradient.claimed).all():
        return ()
    # What is off by less than a pattern may be, is explained by any that gives the right numbers.
    for pattern in PATTERNS if gradient.wrong.any() else PATTERNS[:1]:
        with np.errstate(all="ignore"):
            mistakes = tuple(dict.fromkeys(pattern(gradient)))
        if mistakes:
            return mistakes[:MOST_NAMED]
    return ()


# --- the whole array ----------------------------------------------------------------------------


def _whole(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """One factor for all entries, or the gradient of something else."""
    right, claimed = gradient.right, gradient.claimed
    if gradient.explains(np.zeros(right.shape)):
        yield Mistake("dropped")
    lengths = counts([np.shape(gradient.output), right.shape[1:], *map(np.shape, gradient.values.values())])
    factor = constant_factor(Comparison(list(right), list(claimed), [0.0] * len(right)), lengths)
    if factor and factor.code in PLAIN_FACTORS:
        yield factor
    for name, reference in gradient.references.items():
        if reference.shape == right.shape and gradient.explains(reference):
            yield Mistake.of("other-gradient", other=name)
        has_rows = reference.ndim == right.ndim + 1 and reference.shape[2:] == right.shape[1:]
        for row in range(reference.shape[1]) if has_rows else ():
            if gradient.explains(reference[:, row]):
                yield Mistake.of("one-row", other=name, row=row)


def _upstreams(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The upstream gradient left out, squared, taken without its sign, or asked whether it is positive."""
    if not gradient.mixtures:
        return
    for code, weigh in _UPSTREAM_SLIPS.items():
        if _all_fit(gradient, gradient.right, weigh) and not _all_fit(gradient, gradient.right):
            yield Mistake(code)
    if _is_mask_of_upstream(gradient):
        yield Mistake("mask-of-upstream")


def _all_fit(gradient: ClaimedGradient, rows: Array, weigh: Callable[[Array], Array] = np.positive) -> bool:
    """Is every mixture claimed as if it were one of these rows, with these weights in place of its own?"""
    return all(
        fits(np.tensordot(weigh(weights), rows, 1), claimed, 0.0) for weights, claimed in gradient.mixtures
    )


def _is_mask_of_upstream(gradient: ClaimedGradient) -> bool:
    """Has each element one of two right slopes, by the sign of the upstream gradient and not of the input?"""
    if not gradient.one_hot or gradient.right.shape[1:] != gradient.output.shape:
        return False
    own = np.arange(len(gradient.right))
    slopes = np.unique(gradient.right.reshape(len(own), -1)[own, own].round(9))
    if len(slopes) != 2:
        return False
    ways = (slopes, slopes[::-1])
    return any(
        all(
            fits(weights * np.where(weights > 0, above, below), claimed.ravel(), 0.0)
            for weights, claimed in gradient.mixtures
        )
        for below, above in ways
    )


_UPSTREAM_SLIPS: Mapping[str, Callable[[Array], Array]] = {
    "upstream-forgotten": np.ones_like,
    "upstream-squared": np.square,
    "upstream-absolute": np.abs,
}


def _factor(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """A constant factor that has a name, or at least a number."""
    right, claimed = gradient.right, gradient.claimed
    largest = np.unravel_index(np.argmax(np.abs(right)), right.shape)
    ratio = float(claimed[largest] / right[largest])
    if not gradient.explains(ratio * right):
        return
    lengths = {n for n in counts([np.shape(gradient.output), right.shape[1:]]) if n > 1}
    values = {**gradient.values, "output": gradient.output}
    scalars = {name: np.reshape(value, ()) for name, value in values.items() if np.size(value) == 1}
    yield from _named_numbers(ratio, scalars, lengths)
    factor = constant_factor(Comparison(list(right), list(claimed), [0.0] * len(right)), set())
    if factor and factor.code == "factor":
        yield factor


def _named_numbers(ratio: float, scalars: Mapping[str, Array], lengths: set[int]) -> Iterator[Mistake]:
    for n in sorted(lengths):
        for code, factor in (("root-missing", np.sqrt(n)), ("root-doubled", 1 / np.sqrt(n))):
            if abs(ratio - factor) <= PATTERN_CLOSE * factor:
                yield Mistake.of(code, n=n)
    for factor in factors_of(scalars, ()):
        if np.abs(ratio - factor.value) <= PATTERN_CLOSE * np.abs(factor.value):
            yield factor_mistake(factor)


# --- another order, other sums ------------------------------------------------------------------


def _rearranged(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The right numbers in another order."""
    if not gradient.known.all():
        return
    right = gradient.right
    moved = [mistake for mistake, move in moves(right.shape[1:]) if gradient.explains(move(right))]
    yield from moved
    size = int(np.prod(right.shape[1:], dtype=int))
    by_columns = right.reshape(len(right), size).reshape(right.shape, order="F")
    if not moved and right.ndim > 2 and gradient.explains(by_columns):
        yield Mistake("order-of-elements")


def _reduced(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Sums and means over an axis, spread over it again; what is left of it otherwise."""
    right = gradient.right
    for axis in range(1, right.ndim):
        if right.shape[axis] > 1:
            total = right.sum(axis=axis, keepdims=True)
            n = right.shape[axis]
            for code, predicted in (("axis-summed", total), ("axis-averaged", total / n)):
                if gradient.explains(np.broadcast_to(predicted, right.shape)):
                    # "Over axis 0" would be read as that of what the one axis is left of.
                    of_all = Mistake(f"all-{code.removeprefix('axis-')}")
                    yield of_all if right.ndim == 2 else Mistake.of(code, axis=axis - 1)
    count = len(right)
    if gradient.one_hot and np.prod(right.shape[1:], dtype=int) == count > 1:
        if gradient.explains(right * np.eye(count).reshape(right.shape)):
            yield Mistake("diagonal-only")
        if gradient.explains(right.reshape(count, count).T.reshape(right.shape)):
            yield Mistake("jacobian-transposed")


# --- factors and terms that have a name -----------------------------------------------------------


def _times_named(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Multiplied by something with a name, entry by entry, or output by output."""
    shape = gradient.right.shape[1:]
    for factor in _likely(gradient, shape):
        if gradient.explains(gradient.right * factor.value):
            yield factor_mistake(factor)
    if gradient.one_hot:
        output = gradient.output.shape
        for factor in _likely(gradient, output, {"output": gradient.output}):
            by_row = gradient.upstreams.reshape(len(gradient.right), -1) @ factor.value.ravel()
            by_row = by_row.reshape(-1, *[1] * len(shape))
            if gradient.explains(gradient.right * by_row):
                yield factor_mistake(factor)


def _likely(
    gradient: ClaimedGradient, shape: tuple[int, ...], more: Mapping[str, Array] | None = None
) -> Iterator[Factor]:
    values = {**gradient.values, **(more or {})}
    yield from (factor for factor in factors_of(values, shape) if np.ptp(factor.value) > 0)


def _plus_named(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Off by a multiple of something with a name, as where the gradient of a penalty is lost."""
    if np.size(gradient.right) < 3:
        return
    difference, shape = gradient.claimed - gradient.right, gradient.right.shape[1:]
    amount = float(difference[gradient.known].mean())
    if gradient.explains(gradient.right + amount):
        yield Mistake.of("constant-off", amount=number(amount, 6))
    if len(gradient.right) > 1:
        return
    for name, value in _terms(gradient, shape):
        term = np.where(gradient.known[0], value, 0.0)
        size = float((term**2).sum())
        factor = float((term * difference[0]).sum()) / size if size else 0.0
        if factor and gradient.explains(gradient.right + factor * term):
            code = "penalty-term" if name in (gradient.name, f"sign({gradient.name})") else "other-term"
            yield Mistake.of(code, name=name, factor=number(factor, 6))


def _terms(gradient: ClaimedGradient, shape: tuple[int, ...]) -> Iterator[tuple[str, Array]]:
    named = {**gradient.values, **{f"∂/∂{name}": part[0] for name, part in gradient.references.items()}}
    for name, value in named.items():
        if np.shape(value) == shape and np.ndim(value):
            yield name, np.asarray(value, dtype=float)
            yield f"sign({name})", np.sign(value)
        elif (
            np.ndim(value) + 1 == len(shape)
            and np.shape(value) == shape[:-1]
            and are_labels(value)
            and np.max(value) < shape[-1]
        ):
            yield f"onehot({name})", np.eye(shape[-1])[np.asarray(value, dtype=int)]


def are_labels(value: Array) -> bool:
    """Are these whole numbers from 0 up?"""
    return bool(np.size(value) and (value == np.floor(value)).all() and (value >= 0).all())


def _named_values(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """A value in place of the derivative: each row's one entry is that of something with a name."""
    output, rows = gradient.output.shape, len(gradient.right)
    if not gradient.one_hot or rows < 3:
        return
    # Where the claims are, or should be, a diagonal.
    places = (gradient.right != 0).reshape(rows, -1)
    if not (places.sum(axis=1) <= 1).all():
        places = (gradient.claimed != 0).reshape(rows, -1)
        if not (places.sum(axis=1) <= 1).all() or places.sum() < 3:
            return
    place = places.reshape(gradient.right.shape)
    shape = (rows, *[1] * (gradient.right.ndim - 1))
    values = {**gradient.values, "output": gradient.output}
    partly = gradient.wrong.sum() >= 3
    for factor in factors_of(values, output):
        by_row = (gradient.upstreams.reshape(rows, -1) @ factor.value.ravel()).reshape(shape)
        # On one side of a kink alone, as that of elu, the others being right.
        at_wrong = np.where(gradient.wrong | ~partly, by_row, gradient.right)
        if not factor.missing and gradient.explains(np.where(place, at_wrong, 0.0)):
            yield Mistake.of("value-of", value=factor.text)
            break
    in_place = place.shape[1:] == output and bool(
        np.where(place.reshape(rows, -1), np.eye(rows) == 0, 0).sum() == 0
    )
    if in_place and gradient.explains(np.where(place, 1.0, 0.0)):
        yield Mistake("unchanged")


def _products(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The numbers of a product of two arrays that have a name."""
    shape = gradient.right.shape[1:]
    if len(gradient.right) > 1 or np.size(gradient.right) < 3:
        return
    matrices = {name: np.asarray(v) for name, v in gradient.values.items() if np.ndim(v) in (1, 2)}
    matrices |= {f"{name}.T": v.T for name, v in matrices.items() if v.ndim == 2}
    for (left, a), (right, b) in product(matrices.items(), repeat=2):
        if a.shape[-1] == b.shape[0] and (*a.shape[:-1], *b.shape[1:]) == shape:
            yield from _product(gradient, f"{left} @ {right}", a @ b)


def _product(gradient: ClaimedGradient, formula: str, value: Array) -> Iterator[Mistake]:
    for times, text in ((1, ""), (2, "2 * "), (-1, "-"), (-2, "-2 * ")):
        if gradient.explains(times * value):
            yield Mistake.of("numbers-of", formula=f"{text}{formula}")


PATTERNS: tuple[Pattern, ...] = (
    _upstreams,
    _whole,
    exchanged_slopes,
    some_entries,
    _rearranged,
    _reduced,
    _times_named,
    _factor,
    some_outputs,
    masks,
    terms_of_norms,  # before others: a term in x of a gradient at right angles to x is no penalty
    _plus_named,
    missing_deviations,
    _named_values,
    _products,
)
