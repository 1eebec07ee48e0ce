"""Mistakes in a gradient of which nothing is known but its numbers, and what values have names.

Each pattern says what numbers a mistake would have given; one is named only where it gives all numbers that
are known, for every upstream gradient they were asked for, and where the right ones would not do as well.

Convention: arrays have shape (R, *shape), a row for each upstream gradient.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, product
from typing import Any, NamedTuple

import numpy as np

from bpx.check.blame.error_patterns import constant_factor, counts, fits
from bpx.check.blame.named_factors import Factor, factor_mistake, factors_of
from bpx.check.numeric.tolerances import MOST_NAMED, PATTERN_CLOSE, PATTERN_ROUNDING
from bpx.check.report.blame import Mistake
from bpx.graph.arrays import Array
from bpx.graph.numbers import index_text, number


class ClaimedGradient(NamedTuple):
    """What is claimed of one input, and what is right.

    Entries that are not `known` are 0 in both. `values` are all that has a name: inputs, data, constants,
    the input itself among them; `references` the right gradients of other inputs. `upstreams` has shape
    (R, *output shape). `mixtures` are further upstream gradients, as weights (R,) of the rows, with what is
    claimed for them.
    """

    name: str
    right: Array
    claimed: Array
    known: Any
    output: Array
    upstreams: Array
    one_hot: bool
    values: Mapping[str, Array]
    references: Mapping[str, Array]
    mixtures: tuple[tuple[Array, Array], ...]

    def explains(self, predicted: Array) -> bool:
        """Does a prediction give the claimed numbers, and not just the right ones?"""
        shape = self.right.shape
        predicted = np.where(self.known, np.broadcast_to(predicted, shape), 0.0)
        return fits(predicted, self.claimed, 0.0) and not fits(predicted, self.right, 0.0)

    @property
    def wrong(self) -> Any:
        """Which entries are wrong, as a mistake is: by more than a pattern may be off."""
        gap, size = np.abs(self.claimed - self.right), np.maximum(np.abs(self.claimed), np.abs(self.right))
        largest = float(size.max(initial=0.0))
        return self.known & (gap > PATTERN_CLOSE * size + PATTERN_ROUNDING * largest)


Pattern = Callable[[ClaimedGradient], Iterator[Mistake]]


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
    factor = constant_factor(list(right), list(claimed), lengths, [0.0] * len(right))
    if factor and factor.code != "factor":
        yield factor
    if right.ndim >= 3 and right.shape[-1] == right.shape[-2] and gradient.explains(right.swapaxes(-1, -2)):
        yield Mistake("result-transposed")
    for name, reference in gradient.references.items():
        if reference.shape == right.shape and gradient.explains(reference):
            yield Mistake.of("other-gradient", other=name)


def _upstreams(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The upstream gradient left out, squared, or taken without its sign."""
    if not gradient.mixtures:
        return
    for code, weigh in _UPSTREAM_SLIPS.items():
        if all(
            fits(np.tensordot(weigh(weights), gradient.right, 1), claimed, 0.0)
            and not fits(np.tensordot(weights, gradient.right, 1), claimed, 0.0)
            for weights, claimed in gradient.mixtures
        ):
            yield Mistake(code)


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
    factor = constant_factor(list(right), list(claimed), set(), [0.0] * len(right))
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


# --- some of the entries ------------------------------------------------------------------------

_SHARES = {0.0: "zero", 0.5: "half", 2.0: "double", -1.0: "sign"}


def _some_entries(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """All wrong entries are off by the same factor, or those at each index, and all others are right."""
    wrong = gradient.wrong.any(axis=0)
    telling = ((gradient.right != 0) | (gradient.claimed != 0)).any(axis=0)
    if wrong.ndim == 0 or (wrong == telling).all() or np.size(wrong) < 3:
        return
    yield from _repeated_rows(gradient, wrong)
    ratios = gradient.claimed[gradient.wrong] / gradient.right[gradient.wrong]
    if np.isfinite(ratios).all() and np.ptp(ratios) <= PATTERN_CLOSE * np.abs(ratios).max(initial=1e-300):
        share = next(
            (code for value, code in _SHARES.items() if abs(ratios[0] - value) <= PATTERN_CLOSE), None
        )
        entries = _entries_text(wrong)
        if share:
            yield Mistake.of(f"some-{share}", entries=entries)
        elif wrong.sum() > 1:
            yield Mistake.of("some-factor", entries=entries, factor=number(ratios[0], 6))
        else:
            yield Mistake.of("one-element", index=index_text(np.argwhere(wrong)[0].tolist())[1:-1])
    elif wrong.sum() == 1:
        yield Mistake.of("one-element", index=index_text(np.argwhere(wrong)[0].tolist())[1:-1])
    else:
        yield from _kinds_by_entry(gradient, wrong)


def _share(ratios: Array) -> str | None:
    """The plain slip that all these ratios of claimed to right show."""
    slips = (code for share, code in _SHARES.items() if (np.abs(ratios - share) <= PATTERN_CLOSE).all())
    return next(slips, None)


def _kinds_by_entry(gradient: ClaimedGradient, wrong: Any) -> Iterator[Mistake]:
    """Different slips at different entries, each of them plain."""
    parts: dict[str, Any] = {code: np.zeros(wrong.shape, dtype=bool) for code in _SHARES.values()}
    for at in np.argwhere(wrong):
        where = (slice(None), *at)
        off = gradient.wrong[where]
        ratios = gradient.claimed[where][off] / gradient.right[where][off]
        code = _share(ratios)
        if code is None:
            return
        parts[code][tuple(at)] = True
    for code, part in parts.items():
        if part.any():
            yield Mistake.of(f"some-{code}", entries=_entries_text(part))


def _repeated_rows(gradient: ClaimedGradient, wrong: Any) -> Iterator[Mistake]:
    """Rows that are 1/n of what they should be: an index that occurs n times and is counted once."""
    rows = np.flatnonzero(wrong.reshape(len(wrong), -1).any(axis=1))
    times = []
    for row in rows.tolist():
        right, claimed = gradient.right[:, row], gradient.claimed[:, row]
        nonzero = (claimed != 0) & gradient.known[:, row]
        ratio = float(np.median((right / claimed)[nonzero])) if nonzero.any() else 0.0
        n = round(ratio)
        if n < 2 or not fits(right, n * claimed, 0.0):
            return
        times.append(n)
    for row, n in list(zip(rows.tolist(), times, strict=True))[:1]:
        yield Mistake.of("counted-once", row=row, n=n)


def _entries_text(wrong: Any) -> str:
    """Entries as people name them: whole rows or columns where they are such, else the first few."""
    for axis in range(wrong.ndim):
        others = tuple(a for a in range(wrong.ndim) if a != axis)
        full, some = wrong.all(axis=others), wrong.any(axis=others)
        if others and (full == some).all() and not full.all():
            places = [":"] * wrong.ndim
            texts = []
            for at in np.flatnonzero(full)[:3].tolist():
                places[axis] = str(at)
                texts.append(f"[{', '.join(places)}]")
            return ", ".join([*texts, *(["…"] if full.sum() > 3 else [])])
    texts = [index_text(at) for at in np.argwhere(wrong)[:3].tolist()]
    return ", ".join([*texts, *(["…"] if wrong.sum() > 3 else [])])


def _some_outputs(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The contributions of some elements of the output are left out."""
    wrong = gradient.wrong.reshape(len(gradient.right), -1).any(axis=1)
    if gradient.one_hot and len(wrong) > 2 and wrong.any() and not wrong.all():
        lost = wrong.reshape(-1, *[1] * (gradient.right.ndim - 1))
        if gradient.explains(np.where(lost, 0.0, gradient.right)):
            outputs = (gradient.upstreams[wrong] != 0).any(axis=0).reshape(gradient.output.shape)
            yield Mistake.of("some-outputs", outputs=_entries_text(outputs))


def _masks(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """Zeros in wrong places."""
    right, claimed, known = gradient.right, gradient.claimed, gradient.known
    zero, dropped = known & (right == 0), known & (claimed == 0)
    if (zero & (claimed != 0)).any() and gradient.explains(np.where(zero, claimed, right)):
        yield Mistake("unmasked")
    if not (~zero & ~dropped & known).any() and (claimed != 0).any():
        yield Mistake("mask-flipped")
    lines = right.reshape(len(right), -1), claimed.reshape(len(right), -1)
    same_sum = np.allclose(lines[0].sum(axis=1), lines[1].sum(axis=1), rtol=PATTERN_CLOSE)
    if known.all() and zero.any() and same_sum and fits(np.sort(lines[0]), np.sort(lines[1]), 0.0):
        yield Mistake("misrouted")


# --- another order, other sums ------------------------------------------------------------------


def _rearranged(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """The right numbers in another order."""
    if not gradient.known.all():
        return
    right = gradient.right
    axes = range(1, right.ndim)
    for count in (1, 2):
        for chosen in combinations(axes, count):
            if gradient.explains(np.flip(right, chosen)):
                yield Mistake.of("flipped", axes=", ".join(str(axis - 1) for axis in chosen))
    for axis in axes:
        for by in (1, -1):
            if gradient.explains(np.roll(right, by, axis)):
                yield Mistake.of("rolled", by=by, axis=axis - 1)
    for first, second in combinations(axes, 2):
        if right.shape[first] == right.shape[second]:
            swapped = right.swapaxes(first, second)
            if gradient.explains(swapped):
                yield Mistake("result-transposed")
            if gradient.explains((right + swapped) / 2):
                yield Mistake("symmetric-part")
            if gradient.explains(right + swapped):
                yield Mistake("symmetric-sum")
            for turns in (1, 3):
                if gradient.explains(np.rot90(right, turns, (first, second))):
                    yield Mistake.of("rotated", degrees=90 * turns)
    size = int(np.prod(right.shape[1:], dtype=int))
    if right.ndim > 2 and gradient.explains(right.reshape(len(right), size).reshape(right.shape, order="F")):
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
                    yield Mistake.of(code, axis=axis - 1)
    count = len(right)
    if gradient.one_hot and np.prod(right.shape[1:], dtype=int) == count > 1:
        if gradient.explains(right * np.eye(count).reshape(right.shape)):
            yield Mistake("diagonal-only")
        if gradient.explains(right.reshape(count, count).T.reshape(right.shape)):
            yield Mistake("jacobian-transposed")


def _terms_of_norms(gradient: ClaimedGradient) -> Iterator[Mistake]:
    """What a mean, or a variance, over an axis takes away from each entry."""
    difference, x = gradient.claimed - gradient.right, gradient.values.get(gradient.name)
    if x is None or not gradient.known.all():
        return
    right = gradient.right
    largest = float(np.abs(right).max())
    for count in (1, 2):
        for axes in combinations(range(1, difference.ndim), count):
            # What is free of its mean must have a gradient that is as well.
            if not (np.abs(right.sum(axis=axes)) <= PATTERN_CLOSE * largest).all():
                continue
            n = np.prod([difference.shape[axis] for axis in axes])
            if n < 3:
                continue
            own = tuple(axis - 1 for axis in axes)
            centred = x - x.mean(axis=own, keepdims=True)
            centred = centred / np.sqrt((centred**2).mean(axis=own, keepdims=True))
            level = difference.mean(axis=axes, keepdims=True)
            slope = (difference * centred).mean(axis=axes, keepdims=True)
            facts = {"axis": ", ".join(map(str, own))}
            if gradient.explains(gradient.right + level):
                yield Mistake.of("mean-term", **facts)
            elif gradient.explains(gradient.right + slope * centred):
                yield Mistake.of("variance-term", **facts)
            elif n > 3 and gradient.explains(gradient.right + level + slope * centred):
                yield Mistake.of("norm-terms", **facts)


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
            and _are_classes(value, shape[-1])
        ):
            yield f"onehot({name})", np.eye(shape[-1])[np.asarray(value, dtype=int)]


def _are_classes(value: Array, count: int) -> bool:
    return bool((value == np.floor(value)).all() and (value >= 0).all() and (value < count).all())


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
    for factor in factors_of(values, output):
        by_row = (gradient.upstreams.reshape(rows, -1) @ factor.value.ravel()).reshape(shape)
        if not factor.missing and gradient.explains(np.where(place, by_row, 0.0)):
            yield Mistake.of("value-of", value=factor.text)
            break
    if gradient.explains(np.where(place, 1.0, 0.0)):
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
    _some_entries,
    _rearranged,
    _reduced,
    _times_named,
    _factor,
    _some_outputs,
    _masks,
    _plus_named,
    _terms_of_norms,
    _named_values,
    _products,
)
