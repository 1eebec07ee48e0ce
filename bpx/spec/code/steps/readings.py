"""The gradient in the step that a weight takes: the step divided by the learning rate, or a variable.

The learning rate is known where the statement that moves the weight, or one that it reads from, names it. A
number in a statement may be the rate or a factor of the gradient: nobody can tell. A step that is a positive
multiple of the right gradient is right for some rate, and a step that is none is wrong for every rate.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.numbers import number
from bpx.spec.code.lines.backward_values import close
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.steps.rates import RATE, SURE_RATE, numbers_in, rates_in, statements_of
from bpx.words.diagnostic import BpxError, Diagnostic

Path = tuple[Any, ...]  # as in bpx.spec.code.leaves, which stands above


class Move(NamedTuple):
    """A weight, its name, its value before the step, and how far the step took it down.

    `variables` are the local ones that are called as its gradient is.
    """

    leaf: Path
    name: str
    weight: Any
    distance: Any
    variables: tuple[str, ...] = ()


class Reading(NamedTuple):
    """How a gradient is read from a step: the step over the rate, or a local variable of backward.

    It is `sure` where the code names it as it does here; a rate may be `assumed` for want of a name.
    """

    rate: float = 1.0
    variable: str | None = None
    sure: bool = False
    assumed: bool = False

    def gradient(self, distance: Any, local: Mapping[str, Any]) -> Any:
        """The gradient, of the same shape as the step."""
        value = local.get(self.variable) if self.variable else None
        return distance / self.rate if value is None else value


class Readings(NamedTuple):
    """By weight, how its gradient is read, and what to say of it."""

    by_leaf: dict[Path, Reading]
    notes: tuple[Diagnostic, ...] = ()


def readings(moves: Sequence[Move], right: Mapping[Path, Any], recorder: Recorder) -> Readings:
    """How each gradient is to be read.

    What moves, and is not in `right`, is the state of an optimizer. Raises `BpxError` where a step is right
    for one learning rate and another step for another one, or where it is no multiple of one gradient.
    """
    weights = [move for move in moves if move.leaf in right]
    states = [np.shape(move.weight) for move in moves if move.leaf not in right]
    by_leaf = {move.leaf: _reading(move, right[move.leaf], recorder, states) for move in weights}
    notes = [
        Diagnostic("step-of-variable", None, {"name": move.name, "variable": one.variable}, severity="note")
        for move in weights
        if (one := by_leaf[move.leaf]) and one.variable and not _is_step_of(move, one, recorder)
    ]
    unknown = [move for move in weights if by_leaf[move.leaf] is None]
    known = {leaf: reading for leaf, reading in by_leaf.items() if reading is not None}
    if not unknown:
        return Readings(known, tuple(notes))
    rates = [reading.rate for reading in known.values() if reading.variable is None]
    rate = _assumed(unknown, right, rates, recorder)
    for move in unknown:
        factor = multiple(move.distance, right[move.leaf])
        # A step uphill is wrong for every rate, and by its sign alone.
        own = -factor if factor is not None and factor < 0 else rate
        known[move.leaf] = Reading(own, assumed=True)
    facts = {"names": _listed(unknown), "count": len(unknown), "rate": number(rate, 6)}
    notes.append(Diagnostic("rate-assumed", None, facts, severity="note"))
    return Readings(known, tuple(notes))


def readings_alone(moves: Sequence[Move], recorder: Recorder) -> dict[Path, Reading]:
    """How each gradient is to be read where nothing is known to compare it with.

    Raises `BpxError` where that is not sure: without a rate, or where a variable is not what the step takes.
    """
    by_leaf: dict[Path, Reading] = {}
    for move in moves:
        named = list(_named(move, recorder))
        if not named or not named[0].sure:
            raise BpxError([_unclear("step-unclear" if named else "rate-unknown", [move])])
        by_leaf[move.leaf] = named[0]
    return by_leaf


def is_multiple(value: Any, right: Any) -> bool:
    """Whether a gradient is right up to a positive factor."""
    factor = multiple(value, right)
    return factor is not None and factor > 0


def multiple(array: Any, of: Any) -> float | None:
    """The factor by which an array is a multiple of another one; None where it is none."""
    size = float(np.vdot(of, of))
    factor = float(np.vdot(of, array)) / size if size else 0.0
    return factor if factor and close(array, factor * np.asarray(of)) else None


# --- what the code says --------------------------------------------------------------------------


def _reading(move: Move, right: Any, recorder: Recorder, states: Container[Any]) -> Reading | None:
    """The reading by which the gradient is right, or wrong whatever is meant; None where no name says.

    A variable that is right up to a factor may have it by intention, if the step takes the factor away.
    """
    named = list(_named(move, recorder))
    found = {one: one.gradient(move.distance, recorder.locals) for one in named}
    best = next((one for one in named if close(found[one], right)), None)
    best = best or next((one for one in named if one.sure or not is_multiple(found[one], right)), None)
    is_right = best is not None and (best.variable is not None or close(found[best], right))
    if not is_right:
        _refuse_other_terms(move, right, states)
    return best


def _named(move: Move, recorder: Recorder) -> Iterator[Reading]:
    """The readings that names in the code give."""
    statements = statements_of(move.weight, move.distance, recorder.settings)
    numbers = {1.0, *(value for one in statements for value in numbers_in(one))}
    for variable in move.variables:
        factor = multiple(move.distance, recorder.locals[variable])
        if factor is not None and factor < 0:  # uphill, the gradient is wrong whatever the variable is
            yield Reading(-factor)
        else:
            sure = any(close(factor, one) for one in numbers)
            yield Reading(variable=variable, sure=sure)
    patterns = [RATE] + [SURE_RATE] * len(statements[1:])
    rates = (rates_in(one, pattern) for one, pattern in zip(statements, patterns, strict=False))
    rate = next((one for one in rates if one), set())
    if len(rate) == 1:
        yield Reading(rate.pop(), sure=True)


def _is_step_of(move: Move, reading: Reading, recorder: Recorder) -> bool:
    return multiple(move.distance, reading.gradient(move.distance, recorder.locals)) is not None


# --- what the right gradient says ----------------------------------------------------------------


def _assumed(
    moves: Sequence[Move], right: Mapping[Path, Any], known: Sequence[float], recorder: Recorder
) -> float:
    """The one rate for which the steps are right whose rate nothing names.

    Where there is none, all are wrong for every rate; a number that stands in a statement is taken, or what
    fits most entries.
    """
    factors = [multiple(move.distance, right[move.leaf]) for move in moves]
    fitting = [factor for factor in factors if factor is not None and factor > 0]
    rates = [*fitting, *known]
    if fitting and not close(np.array(rates), np.full(len(rates), rates[0])):
        raise BpxError([_unclear("rates-differ", moves, rates=", ".join(number(rate, 6) for rate in rates))])
    if (
        len(fitting) == len(moves)
        and not known
        and sum(np.count_nonzero(right[one.leaf]) for one in moves) < 2
    ):
        raise BpxError([_unclear("rate-unknown", moves)])  # one number is a multiple of any other one
    if rates:
        return rates[0]
    statements = [
        statement
        for move in moves
        for statement in statements_of(move.weight, move.distance, recorder.settings)[:1]
    ]
    written = {value for statement in statements for value in numbers_in(statement) if value}
    return written.pop() if len(written) == 1 else _usual_factor(moves, right)


def _usual_factor(moves: Sequence[Move], right: Mapping[Path, Any]) -> float:
    """The size of step over gradient that is in the middle, so that an entry that is wrong stands out."""
    distances = np.concatenate([np.ravel(move.distance) for move in moves])
    gradients = np.concatenate([np.ravel(right[move.leaf]) for move in moves])
    both = (distances != 0) & (gradients != 0)
    return float(np.median(np.abs(distances[both] / gradients[both]))) if both.any() else 1.0


def _refuse_other_terms(move: Move, right: Any, states: Container[Any]) -> None:
    """Raise `BpxError` for a step with weight decay, or one that an optimizer with a state has made.

    It may be right whatever the gradient is.
    """
    if multiple(move.distance, right) is not None:
        return
    terms = np.stack([np.ravel(right), np.ravel(move.weight)], axis=1)
    factors = np.linalg.lstsq(terms, np.ravel(move.distance), rcond=None)[0]
    decays = factors[0] > 0 and np.size(right) > 2 and close(terms @ factors, np.ravel(move.distance))
    if decays or np.shape(move.weight) in states:
        raise BpxError([_unclear("step-unclear", [move])])


def _unclear(code: str, moves: Sequence[Move], **facts: str) -> Diagnostic:
    """A refusal, with how the code may say what cannot be told."""
    names = {"names": _listed(moves), "name": moves[0].name, "variable": f"d{moves[0].name}"}
    return Diagnostic(code, None, {**names, **facts}, "name-rate")


def _listed(moves: Sequence[Move]) -> str:
    return ", ".join(f"`{move.name}`" for move in moves)
