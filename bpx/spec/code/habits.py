"""Habits of backward functions which cost nothing in one call, and harm a second call or somebody else.

What the first call left is added to: a network whose weights the call itself moves is set back first; one
that has a method to clear its gradients, as layers that add up mini-batches do, is cleared first. And arrays
that a function was only handed are changed in place. Or it computes in float32, though it returns float64.
What a first call keeps, a later one may take for its own. And a formula may be right for the given inputs
alone. Two more change what backward claims: it moves the weights itself, or alone takes a mean.
"""

from __future__ import annotations

import warnings
from collections.abc import Collection, Iterator, Mapping
from contextlib import AbstractContextManager, suppress
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from bpx.check.gradcheck import gradcheck
from bpx.check.report.blame import Mistake
from bpx.check.report.entry import Verdict
from bpx.check.report.gradient_table import GradientTable
from bpx.graph.numbers import number
from bpx.spec.code.blamed_lines import MOVED
from bpx.spec.code.gradients import Found, place_of, read_steps
from bpx.spec.code.leaves import Path, copied, get, named
from bpx.spec.code.lines.backward_values import close
from bpx.spec.code.lines.recorder import Recorder
from bpx.spec.code.options import ProgramOptions
from bpx.spec.code.program import Program
from bpx.spec.code.steps.readings import Move, is_multiple, readings
from bpx.spec.code.traced_program import (
    BackwardRun,
    TracedProgram,
    at_values,
    batch_lengths,
    found_gradients,
    gives,
    nothing_found,
    right_gradients,
    with_claims,
)
from bpx.spec.code.words_of_code import is_gradient_of, words_of
from bpx.words.diagnostic import BpxError, Diagnostic

SHORT_FLOATS = (np.float16, np.float32)
_CHANGES = {"args": "changes-input", "upstream": "changes-upstream", "cache": "changes-cache"}
_CLEARS = (
    "zero_grad",
    "zero_grads",
    "zero_gradients",
    "clear_grads",
    "cleargrads",
    "reset_grad",
    "reset_grads",
)


def adds_up(program: Program, upstream: Any) -> list[Path]:
    """The leaves whose gradients a second call gives otherwise, at the same values, for the same output."""
    calls = list(_calls(program, upstream, {}))
    if not close(calls[1].output, calls[0].output):  # forward itself goes on from what it left
        return []
    first, second = ({found.leaf: np.array(found.value) for found in call.run.gradients} for call in calls)
    return [leaf for leaf, value in first.items() if leaf in second and not close(second[leaf], value)]


def changes(program: Program, upstream: Any, gradients: Collection[Found]) -> Iterator[Diagnostic]:
    """A note on every array of somebody else's that forward or backward changes.

    Not meant are weights that a step of training moves, and arrays that gradients are left in.
    """
    places = {found.place for found in gradients}
    stepped = {found.leaf for found in gradients if found.place.startswith("step")}
    for function, paths in program.changed_arrays(upstream):
        noted: set[str] = set()
        for path in paths:
            kind, name = str(path[0]), named({path: None})[0].name
            meant = kind == "args" and program.world.leaf(path) in stepped
            if meant or f"left {place_of(path)}" in places:
                continue
            note = Diagnostic(_CHANGES[kind], None, {"function": function, "name": name}, None, "warning")
            if kind == "cache":  # its arrays have no names that are sure
                note = note._replace(facts={"function": function}, severity="note")
            if note.message not in noted:
                noted.add(note.message)
                yield note


def short_roundoff(recorder: Recorder, roundoff: float) -> float:
    """The epsilon of the coarsest type that a line of backward set; at least that of the forward, `roundoff`.

    A type that the code only names may be meant for something else.
    """
    dtypes = (getattr(setting.value, "dtype", None) for setting in recorder.settings)
    types = (dtype.type for dtype in dtypes if dtype is not None)
    return max([float(np.finfo(dtype).eps) for dtype in types if dtype in SHORT_FLOATS] + [roundoff])


# --- weights that backward moves itself ---------------------------------------------------------


def with_steps(
    traced: TracedProgram, run: BackwardRun, recorder: Recorder
) -> tuple[TracedProgram, BackwardRun, tuple[Diagnostic, ...]]:
    """The program, and what its backward gave, with gradients in place of steps; and what was assumed.

    Raises `BpxError` where the gradient cannot be told from the step.
    """
    moves = moves_of(run, traced.program, recorder.locals)
    if not moves:
        return traced, run, ()
    read = readings(moves, right_gradients(traced), recorder)
    steps = {move.leaf: read.by_leaf.get(move.leaf) for move in moves}
    leaves = tuple(leaf for leaf in traced.leaves if steps.get(leaf.path, leaf) is not None)
    if not leaves:
        raise BpxError([nothing_found(traced.program, traced.upstream)])
    program = traced.program.alike(steps=steps)
    gradients = tuple(read_steps(run.gradients, steps, recorder.locals))
    return traced._replace(program=program, leaves=leaves), run._replace(gradients=gradients), read.notes


def moves_of(run: BackwardRun, program: Program, local: Mapping[str, Any]) -> list[Move]:
    """The steps among what backward gave, with the variables that may be their gradients."""
    steps = {found.leaf: found.value for found in run.gradients if found.rate is not None}
    moves = []
    for leaf in named({path: get(program.world.originals, path) for path in steps}):
        name, indices = words_of(leaf.path)
        alike = (one for one, value in local.items() if np.shape(value) == np.shape(leaf.value))
        variables = tuple(one for one in alike if not indices and is_gradient_of(one, name))
        moves.append(Move(leaf.path, leaf.name, leaf.value, steps[leaf.path], variables))
    return moves


# --- a mean that backward alone takes ------------------------------------------------------------


def claims_of(traced: TracedProgram, run: BackwardRun) -> tuple[dict[str, Any], tuple[Diagnostic, ...]]:
    """What backward claims, by the names of the leaves.

    A mean over the batch that backward alone takes is put right, and noted.
    """
    names = {leaf.path: leaf.name for leaf in traced.leaves}
    claims = {names[found.leaf]: np.asarray(found.value) for found in run.gradients}
    parameters = _parameters(traced, claims)
    if len(parameters) < 2:
        return claims, ()
    right = right_gradients(traced)
    claimed = [leaf for leaf in traced.leaves if leaf.name in claims]
    expected = {leaf.name: right.get(leaf.path, np.zeros_like(claims[leaf.name])) for leaf in claimed}
    others = [name for name in claims if name not in parameters]
    if not all(close(claims[name], expected[name]) for name in others):
        return claims, ()
    for length in batch_lengths(traced):
        if all(close(claims[name] * length, expected[name]) for name in parameters):
            return without_mean(traced, claims, length), (mean_in_backward(length),)
    return claims, ()


def without_mean(traced: TracedProgram, claims: dict[str, Any], length: int) -> dict[str, Any]:
    """The claims, those of the parameters times the length that backward alone divides them by."""
    return {**claims, **{name: claims[name] * length for name in _parameters(traced, claims)}}


def _parameters(traced: TracedProgram, claims: Collection[str]) -> list[str]:
    """The leaves with claims that are no arguments."""
    return [leaf.name for leaf in traced.leaves if leaf.path[0] != "args" and leaf.name in claims]


def mean_in_backward(length: int) -> Diagnostic:
    """The note on a mean over a batch of this length that backward alone takes."""
    return Diagnostic("mean-in-backward", None, {"count": length}, severity="note")


# --- other inputs --------------------------------------------------------------------------------


class Elsewhere(NamedTuple):
    """What calls with other inputs show: mistakes, by the names of leaves; and is forward steady?"""

    mistakes: dict[str, Mistake]
    steady: bool


class _Call(NamedTuple):
    """A call of forward, its output, and of backward, its gradients."""

    output: Any
    run: BackwardRun


def elsewhere(traced: TracedProgram, chosen: ProgramOptions) -> Elsewhere:
    """What is right at the given inputs, and wrong at others: always, or only in a later call.

    The graph says what is right there, as long as forward gives what the graph does: else it took another
    branch.
    """
    program, upstream = traced.program, traced.upstream
    points = [_moved(traced, seed, shifted=seed > 2) for seed in (1, 2, 3)]
    mistakes: dict[str, Mistake] = {}
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        calls = _until_refused(_calls(program, upstream, {}, *points))
        steady = len(calls) < 2 or close(calls[1].output, calls[0].output)
        for values, later in zip(points, calls[2:], strict=False):
            at = at_values(traced, values, upstream)
            wrong_later = _wrong(at, later, chosen)
            if wrong_later == {}:
                continue
            alone = _until_refused(_calls(program, upstream, start=copied(values)))  # steps change arrays
            if not alone:
                continue
            wrong = _wrong(at, alone[0], chosen) or {}
            kept = {name: facts for name, facts in (wrong_later or {}).items() if name not in wrong}
            steady = steady and close(later.output, alone[0].output)
            found = {name: Mistake.of("only-here", **facts) for name, facts in wrong.items()}
            found |= {name: Mistake.of("kept-from-before", **facts) for name, facts in kept.items()}
            mistakes = found | mistakes
    return Elsewhere(mistakes, steady)


def _calls(
    program: Program,
    upstream: Any,
    *moves: Mapping[Path, Any],
    start: Mapping[Path, Any] = MappingProxyType({}),
) -> Iterator[_Call]:
    """Calls at the values of `start` and of each of the moves, one after the other."""
    recorders: list[Recorder] = []

    def watching() -> AbstractContextManager[None]:
        recorders.append(Recorder())  # one watches one call: what it calls outermost is its own
        return recorders[-1].recording()

    runs = program.backward_again(upstream, _CLEARS, start, moves, watching)
    for output, before, result, after in runs:
        found = found_gradients(program, before, result, after, recorders[-1], upstream)
        gradients = (one._replace(value=np.array(one.value)) for one in found)  # the next call may change it
        yield _Call(np.array(output, dtype=float), BackwardRun(upstream, tuple(gradients)))


def _until_refused(calls: Iterator[_Call]) -> list[_Call]:
    """The calls up to the first that raises."""
    done: list[_Call] = []
    with suppress(Exception):  # a stranger's way of saying that this is outside its domain
        done.extend(calls)
    return done


def _moved(traced: TracedProgram, seed: int, *, shifted: bool) -> dict[Path, Any]:
    """Other values for the leaves, near the given ones, or near these one place further.

    Matrices that are symmetric or antisymmetric stay so: they may have to be.
    """
    rng = np.random.default_rng(seed)
    values = {}
    for leaf in traced.leaves:
        given = np.asarray(leaf.value)
        base = np.roll(given, 1) if shifted else given
        size = np.abs(base).astype(float)
        size = np.where(size > 0, size, np.median(size[size > 0]) if (size > 0).any() else 1.0)
        moved = base + MOVED * size * rng.uniform(0.5, 1.0, size.shape) * rng.choice([-1.0, 1.0], size.shape)
        values[leaf.path] = _as_symmetric(moved, given).astype(given.dtype)[()]
    return values


def _as_symmetric(moved: Any, given: Any) -> Any:
    """An array with what its matrices have of the symmetry of the given ones."""
    if given.ndim < 2:
        return moved
    transposed = given.swapaxes(-1, -2)
    signs = [sign for sign in (1, -1) if np.array_equal(given, sign * transposed)]
    return (moved + signs[0] * moved.swapaxes(-1, -2)) / 2 if signs else moved


def _wrong(at: TracedProgram, call: _Call, chosen: ProgramOptions) -> dict[str, dict[str, str]] | None:
    """The leaves whose gradients are wrong in a call at these values, with the worst entry of each.

    None where forward does not give what the graph does.
    """
    if not gives(at, call.output):
        return None
    right = right_gradients(at)
    claims, _ = claims_of(at, call.run)
    both = [leaf for leaf in at.leaves if leaf.name in claims and leaf.path in right]
    free = {path for path, reading in at.program.steps.items() if reading and reading.assumed}
    odd = [
        leaf.name
        for leaf in both
        if not close(claims[leaf.name], right[leaf.path])
        and not (leaf.path in free and is_multiple(claims[leaf.name], right[leaf.path]))
    ]
    if not odd:
        return {}
    spec = with_claims(at, {name: claims[name] for name in odd}, chosen.rtol)
    report = gradcheck(spec, wrt=odd, causes=False, detect=chosen.detect, budget=chosen.budget)
    wrong = [column for column in report.columns if (column.verdicts == Verdict.DISAGREE).any()]
    return {column.input: _facts(column) for column in wrong}


def _facts(column: GradientTable) -> dict[str, str]:
    """The worst entry of a table: its name, what is claimed of it, and what is right."""
    off = np.abs(column.claimed - column.reference)
    entry = column.entry(int(np.argmax(np.where(column.verdicts == Verdict.DISAGREE, off, -1.0))))
    return {
        "entry": entry.label,
        "claimed": number(entry.claimed, 6),
        "reference": number(entry.reference, 6),
    }
